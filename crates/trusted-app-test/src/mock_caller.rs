//! A caller that nobody verified.

use std::fmt;
use std::task::{Context, Poll};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;
use tower_trusted_app::{Caller, CallingApplication};
use trusted_app_core::TrustedApplication;

use crate::TestIdentity;

/// Stands in for the real layer in a handler's test: **every request counts as verified.**
///
/// See the [crate](crate) for an example.
#[must_use = "a layer does nothing until it is applied to a service"]
pub struct InsecureMockCallerLayer<U> {
    caller: Caller<U>,
}

impl<U> InsecureMockCallerLayer<U> {
    /// Every request comes from the application [`wiki`](TestIdentity::wiki), acting as this user.
    pub fn acting_as(user_name: &str, user: U) -> Self {
        let wiki = TestIdentity::wiki().trusted().build().expect("the wiki with any rule");
        Self::new(wiki, user_name, user)
    }

    /// Every request comes from `application`, acting as this user.
    pub fn new(application: TrustedApplication, user_name: &str, user: U) -> Self {
        Self { caller: Caller::insecure_for_tests(application, user_name, user) }
    }
}

impl<S, U> Layer<S> for InsecureMockCallerLayer<U> {
    type Service = InsecureMockCaller<S, U>;

    fn layer(&self, inner: S) -> Self::Service {
        InsecureMockCaller { inner, caller: self.caller.clone() }
    }
}

impl<U> Clone for InsecureMockCallerLayer<U> {
    fn clone(&self) -> Self {
        Self { caller: self.caller.clone() }
    }
}

impl<U> fmt::Debug for InsecureMockCallerLayer<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsecureMockCallerLayer").field("caller", &self.caller).finish()
    }
}

/// The service that [`InsecureMockCallerLayer`] makes.
#[must_use = "a service does nothing until it is called"]
pub struct InsecureMockCaller<S, U> {
    inner: S,
    caller: Caller<U>,
}

impl<S, U, B> Service<Request<B>> for InsecureMockCaller<S, U>
where
    S: Service<Request<B>>,
    U: Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(CallingApplication::of(&self.caller));
        request.extensions_mut().insert(self.caller.clone());
        self.inner.call(request)
    }
}

impl<S: Clone, U> Clone for InsecureMockCaller<S, U> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), caller: self.caller.clone() }
    }
}

impl<S: fmt::Debug, U> fmt::Debug for InsecureMockCaller<S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsecureMockCaller")
            .field("inner", &self.inner)
            .field("caller", &self.caller)
            .finish()
    }
}
