//! One request through a layer, and what came of it.

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_trusted_app::seraph::Code;
use tower_trusted_app::seraph::{ERROR, STATUS, TransportError};
use tower_trusted_app::{
    Caller, CallingApplication, KeyStore, Reject, Rejected, TrustedAppLayer, TrustedAppLayerBuilder,
    UserDirectory,
};

/// What the handler answers, and nobody else.
pub const PAGE: &str = "what the handler answers";

/// What came of one request.
#[derive(Debug)]
pub struct Answer {
    /// The response.
    pub response: Response<Bytes>,
    /// The request as the handler got it, if the handler was called.
    pub handled: Option<Parts>,
}

/// A layer that is built, or will be.
pub trait AnyLayer<K, D, R> {
    /// The layer.
    fn built(&self) -> TrustedAppLayer<K, D, R>;
}

impl<K, D, R> AnyLayer<K, D, R> for TrustedAppLayer<K, D, R> {
    fn built(&self) -> Self {
        self.clone()
    }
}

impl<K: Clone, D: Clone, R: Clone> AnyLayer<K, D, R> for TrustedAppLayerBuilder<K, D, R> {
    fn built(&self) -> TrustedAppLayer<K, D, R> {
        self.clone().build().unwrap()
    }
}

/// Sends one request through a layer to a handler that answers with [`PAGE`].
///
/// # Panics
///
/// If the handler was called more than once, or the layer cannot be built.
pub async fn send<K, D, R>(layer: &impl AnyLayer<K, D, R>, request: Request<()>) -> Answer
where
    K: KeyStore,
    D: UserDirectory,
    R: Reject<Full<Bytes>>,
{
    let handled = Arc::new(Mutex::new(Vec::new()));
    let handler = {
        let handled = Arc::clone(&handled);
        service_fn(move |request: Request<()>| {
            handled.lock().unwrap().push(request.into_parts().0);
            ready(Ok::<_, Infallible>(Response::new(Full::from(PAGE))))
        })
    };
    let (parts, body) = layer.built().layer(handler).oneshot(request).await.unwrap().into_parts();
    let response = Response::from_parts(parts, body.collect().await.unwrap().to_bytes());
    let handled = handled.lock().unwrap().split_off(0);
    assert!(handled.len() <= 1, "the handler was called {} times", handled.len());
    Answer { response, handled: handled.into_iter().next() }
}

impl Answer {
    /// The caller that the handler found.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller<()>> {
        self.handled.as_ref()?.extensions.get()
    }

    /// The error in the response's header.
    #[must_use]
    pub fn error(&self) -> Option<TransportError> {
        self.response.headers().get(ERROR).map(|value| TransportError::from_header_value(value).unwrap())
    }

    /// Refused with this code and status, in every place that says so, and the handler was not called.
    ///
    /// # Panics
    ///
    /// If not.
    #[track_caller]
    pub fn assert_refused(&self, code: Code, status: u16) {
        assert!(self.handled.is_none(), "the handler was called");
        let rejection = self.response.extensions().get::<Rejected>().expect("a refusal");
        assert_eq!(Code::of(rejection.reason()), code, "{rejection}");
        assert_eq!(self.response.status().as_u16(), status, "{rejection}");
        self.assert_error(code);
    }

    /// The handler was called, for this user.
    ///
    /// # Panics
    ///
    /// If not.
    #[track_caller]
    pub fn assert_accepted(&self, user: &str) {
        let rejection = self.response.extensions().get::<Rejected>();
        let caller = self.caller().unwrap_or_else(|| panic!("no caller: {rejection:?}"));
        assert_eq!(caller.user_name(), user);
        let application =
            self.handled.as_ref().and_then(|request| request.extensions.get::<CallingApplication>());
        assert_eq!(application.map(CallingApplication::id), Some(caller.application_id()));
        assert_eq!(self.response.headers()[STATUS], "OK");
        assert!(!self.response.headers().contains_key(ERROR));
        self.assert_page();
    }

    /// The handler was called, for nobody, and the response says nothing about credentials.
    ///
    /// # Panics
    ///
    /// If not.
    #[track_caller]
    pub fn assert_anonymous(&self) {
        self.assert_nobody();
        assert!(!self.response.headers().contains_key(STATUS));
        assert!(!self.response.headers().contains_key(ERROR));
    }

    /// The handler was called, for nobody, and the response says why.
    ///
    /// # Panics
    ///
    /// If not.
    #[track_caller]
    pub fn assert_anonymous_after(&self, code: Code) {
        self.assert_nobody();
        self.assert_error(code);
    }

    #[track_caller]
    fn assert_nobody(&self) {
        let request = self.handled.as_ref().expect("the handler was not called");
        assert!(request.extensions.get::<Caller<()>>().is_none(), "a caller");
        assert!(request.extensions.get::<CallingApplication>().is_none(), "an application");
        self.assert_page();
    }

    #[track_caller]
    fn assert_page(&self) {
        assert_eq!(self.response.status(), StatusCode::OK);
        assert_eq!(self.response.body(), PAGE);
    }

    #[track_caller]
    fn assert_error(&self, code: Code) {
        assert_eq!(self.response.headers()[STATUS], "ERROR");
        assert_eq!(self.error().map(|error| error.code()), Some(code));
    }
}
