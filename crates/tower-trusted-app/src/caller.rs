//! What a handler receives: which application calls, as which user.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use http::Extensions;
use trusted_app_core::crypto::Fingerprint;
use trusted_app_core::{
    Accepted, ApplicationId, KnownUser, Scheme, Timestamp, TrustedApplication, VerifiedSignature,
};

/// The application that sent a request and the user it acts as, both verified.
///
/// It is in the request's extensions if, and only if, the signature held, every condition was fulfilled and the
/// directory knows the user. It belongs to this one request: no session is made.
///
/// With the feature `axum-core`, which the crate `trusted-app-axum` turns on, it is an extractor of axum handlers. A
/// request without a caller is then answered with [`CallerMissing`] (500), and an `Option<Caller<U>>` is `None`:
///
/// ```
/// # #[cfg(feature = "axum-core")] {
/// use http::StatusCode;
/// use tower_trusted_app::Caller;
///
/// # #[derive(Clone)] struct User { administrator: bool }
/// /// The user is what the directory hands out.
/// async fn delete(caller: Caller<User>) -> StatusCode {
///     if caller.user().administrator { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN }
/// }
///
/// /// With `.optional()` there may be no caller.
/// async fn welcome(caller: Option<Caller<User>>) -> String {
///     format!("Hello, {}!", caller.as_ref().map_or("stranger", |caller| caller.user_name()))
/// }
/// # }
/// ```
pub struct Caller<U> {
    inner: Arc<Inner<U>>,
}

enum Inner<U> {
    Accepted(Accepted<U>),
    /// For tests.
    Assumed {
        application: Arc<TrustedApplication>,
        user: KnownUser<U>,
    },
}

impl<U> Caller<U> {
    pub(crate) fn new(accepted: Accepted<U>) -> Self {
        Self { inner: Arc::new(Inner::Accepted(accepted)) }
    }

    /// The caller of the request with these extensions.
    ///
    /// # Errors
    ///
    /// [`CallerMissing`]: the layer put none there, or one with another type of user.
    pub fn from_extensions(extensions: &Extensions) -> Result<&Self, CallerMissing>
    where
        U: Send + Sync + 'static,
    {
        extensions.get().ok_or_else(|| {
            // The application stands there together with a caller, whatever its user's type.
            let authenticated = extensions.get::<CallingApplication>().is_some();
            CallerMissing(if authenticated { Why::UserType(type_name::<U>()) } else { Why::NoCaller })
        })
    }

    /// A caller that nobody verified, to test a handler without any cryptography.
    #[must_use]
    pub fn insecure_for_tests(application: TrustedApplication, user_name: &str, user: U) -> Self {
        let user = KnownUser::new(user_name, user);
        Self { inner: Arc::new(Inner::Assumed { application: Arc::new(application), user }) }
    }

    /// The application that sent the request.
    #[must_use]
    pub fn application(&self) -> &TrustedApplication {
        self.shared_application()
    }

    fn shared_application(&self) -> &Arc<TrustedApplication> {
        match &*self.inner {
            Inner::Accepted(accepted) => accepted.application(),
            Inner::Assumed { application, .. } => application,
        }
    }

    fn known_user(&self) -> &KnownUser<U> {
        match &*self.inner {
            Inner::Accepted(accepted) => accepted.user(),
            Inner::Assumed { user, .. } => user,
        }
    }

    fn signature(&self) -> Option<&VerifiedSignature> {
        match &*self.inner {
            Inner::Accepted(accepted) => Some(accepted.signature()),
            Inner::Assumed { .. } => None,
        }
    }

    /// The id of the application that sent the request.
    #[must_use]
    pub fn application_id(&self) -> &ApplicationId {
        self.application().id()
    }

    /// The user it acts as: the directory's record.
    #[must_use]
    pub fn user(&self) -> &U {
        &self.known_user().user
    }

    /// The user's canonical name, as the directory spells it.
    #[must_use]
    pub fn user_name(&self) -> &str {
        &self.known_user().name
    }

    /// The groups that the user is in, as the directory spells them.
    #[must_use]
    pub fn groups(&self) -> &[Arc<str>] {
        &self.known_user().groups
    }

    /// The scheme that proved it; `None` only for [`insecure_for_tests`](Self::insecure_for_tests).
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        self.signature().map(VerifiedSignature::scheme)
    }

    /// The fingerprint of the key that signed.
    #[must_use]
    pub fn key(&self) -> Option<&Fingerprint> {
        self.signature().map(VerifiedSignature::key)
    }

    /// The certificate's timestamp, or the signature's `created`.
    #[must_use]
    pub fn created(&self) -> Option<Timestamp> {
        self.signature().map(VerifiedSignature::created)
    }
}

impl<U> Clone for Caller<U> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<U> fmt::Debug for Caller<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("application", self.application_id())
            .field("user_name", &self.user_name())
            .field("scheme", &self.scheme())
            .finish_non_exhaustive()
    }
}

/// The application behind a request, for code that does not know the directory's user type.
///
/// It is beside the [`Caller`] in the extensions, and an extractor of axum handlers like it.
#[derive(Debug, Clone)]
pub struct CallingApplication(Arc<TrustedApplication>);

impl CallingApplication {
    /// The application that sent the request with these extensions.
    ///
    /// # Errors
    ///
    /// [`CallerMissing`]: the layer put none there.
    pub fn from_extensions(extensions: &Extensions) -> Result<&Self, CallerMissing> {
        extensions.get().ok_or(CallerMissing(Why::NoCaller))
    }

    /// The application of a caller.
    #[must_use]
    pub fn of<U>(caller: &Caller<U>) -> Self {
        Self(Arc::clone(caller.shared_application()))
    }

    /// The application as it is registered.
    #[must_use]
    pub fn application(&self) -> &TrustedApplication {
        &self.0
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &ApplicationId {
        self.0.id()
    }
}

/// A handler asked for a caller and there is none: a mistake of this service, not of its peer.
///
/// It says what the likely causes are. That is for the log; a peer gets an internal error without
/// any detail.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CallerMissing(Why);

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error(
        "a handler asks for the caller of a request that has none. Likely causes: the service is not behind a \
         trusted-app layer, because no layer is installed or the route was added after it; or the layer is \
         `.optional()` or skips this request, and the handler must ask for an optional caller"
    )]
    NoCaller,
    #[error(
        "a handler asks for a caller whose user is a `{0}`, but the layer's user directory hands out another \
         type: the `U` of `Caller<U>` must be the directory's `UserDirectory::User`"
    )]
    UserType(&'static str),
}

impl CallerMissing {
    /// Whether the request is anonymous. Otherwise a caller is there, whose user has another type.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        matches!(self.0, Why::NoCaller)
    }
}
