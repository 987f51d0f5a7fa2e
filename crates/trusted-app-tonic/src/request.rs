//! What a handler asks of a request, and what a client says with it.

use tonic::{Request, Status};
use tower_trusted_app::client::{ActAs, InsecureUnsignedBody};
use tower_trusted_app::{Caller, CallerMissing, CallingApplication};

/// The caller of a [`Request`], for a handler; and the user it is made for, for a client.
pub trait RequestExt: sealed::Sealed {
    /// The application that sent the request and the user it acts as, both verified.
    ///
    /// It takes one call in all four kinds of RPC:
    ///
    /// ```
    /// use tonic::{Request, Response, Status};
    /// use trusted_app_tonic::RequestExt;
    ///
    /// # #[derive(Clone)] struct User { administrator: bool }
    /// async fn delete(request: Request<()>) -> Result<Response<()>, Status> {
    ///     let caller = request.caller::<User>()?;
    ///     if !caller.user().administrator {
    ///         return Err(Status::permission_denied("only administrators delete"));
    ///     }
    ///     Ok(Response::new(()))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Status 13 (internal) without any detail if there is no caller, or one whose user has another
    /// type: a mistake of this service, whose likely causes are in the log.
    fn caller<U: Send + Sync + 'static>(&self) -> Result<&Caller<U>, Status>;

    /// The same where the layer is `optional()` or skips the request: `None` for an anonymous one.
    ///
    /// # Errors
    ///
    /// Status 13 (internal) if there is a caller, but its user has another type.
    fn optional_caller<U: Send + Sync + 'static>(&self) -> Result<Option<&Caller<U>>, Status>;

    /// The application that sent the request, for code that does not care which type users have;
    /// `None` for an anonymous request.
    fn trusted_application(&self) -> Option<&CallingApplication>;

    /// Makes the request for this user, by the name under which the server knows the user. A
    /// [`sign_layer`](crate::sign_layer) or an [`http_sign_layer`](crate::http_sign_layer) around the channel then
    /// signs it.
    ///
    /// ```
    /// use tonic::Request;
    /// use trusted_app_tonic::RequestExt;
    ///
    /// let request = Request::new(()).acting_as("alice");
    /// ```
    #[must_use]
    fn acting_as(self, user: &str) -> Self;

    /// Leaves the messages out of the HTTP message signature: for a stream of the client's, which an
    /// [`http_sign_layer`](crate::http_sign_layer) rejects otherwise.
    ///
    /// Insecure: whoever is between the two can put other messages under the signature. A server accepts it only
    /// where its [policy](tower_trusted_app::httpsig::SignaturePolicy::with_insecure_unsigned_content) and the
    /// [application's registration](crate::application::TrustedApplicationBuilder::insecure_unsigned_bodies) both
    /// say so, and rejects it with 16 (`coverage`) anywhere else.
    ///
    /// ```
    /// use tonic::Request;
    /// use trusted_app_tonic::RequestExt;
    ///
    /// # let comments = ();
    /// let request = Request::new(comments).acting_as("alice").insecure_unsigned_body();
    /// ```
    #[must_use]
    fn insecure_unsigned_body(self) -> Self;
}

impl<T> RequestExt for Request<T> {
    fn caller<U: Send + Sync + 'static>(&self) -> Result<&Caller<U>, Status> {
        Caller::from_extensions(self.extensions()).map_err(internal)
    }

    fn optional_caller<U: Send + Sync + 'static>(&self) -> Result<Option<&Caller<U>>, Status> {
        match Caller::from_extensions(self.extensions()) {
            Ok(caller) => Ok(Some(caller)),
            Err(missing) if missing.is_anonymous() => Ok(None),
            Err(mistake) => Err(internal(mistake)),
        }
    }

    fn trusted_application(&self) -> Option<&CallingApplication> {
        CallingApplication::from_extensions(self.extensions()).ok()
    }

    fn acting_as(mut self, user: &str) -> Self {
        self.extensions_mut().insert(ActAs::new(user));
        self
    }

    fn insecure_unsigned_body(mut self) -> Self {
        self.extensions_mut().insert(InsecureUnsignedBody);
        self
    }
}

fn internal(missing: CallerMissing) -> Status {
    tracing::error!(target: "trusted_app", "{missing}");
    Status::internal("internal error")
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for tonic::Request<T> {}
}
