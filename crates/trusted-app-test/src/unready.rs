//! A probe for middleware that calls what is not ready.

use std::task::{Context, Poll};

use tower_service::Service;

/// Panics when it is called without being ready.
///
/// A `Service` may only be called after its `poll_ready` answered `Ready(Ok(()))`, once for each
/// call, and a clone of a ready service is not ready. Put this probe under a middleware to see that
/// it keeps to that.
///
/// ```should_panic
/// use tower::{Service, service_fn};
/// use trusted_app_test::UnreadyPanics;
///
/// let mut service = UnreadyPanics::new(service_fn(|()| async { Ok::<_, std::io::Error>(()) }));
/// let _ = service.call(());
/// ```
#[derive(Debug)]
#[must_use = "a service does nothing until it is called"]
pub struct UnreadyPanics<S> {
    inner: S,
    ready: bool,
}

impl<S> UnreadyPanics<S> {
    /// A probe in front of `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner, ready: false }
    }
}

impl<S: Service<Request>, Request> Service<Request> for UnreadyPanics<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let answer = self.inner.poll_ready(cx);
        self.ready = matches!(answer, Poll::Ready(Ok(())));
        answer
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert!(self.ready, "the service was called without being ready");
        self.ready = false;
        self.inner.call(request)
    }
}

impl<S: Clone> Clone for UnreadyPanics<S> {
    /// The clone is not ready.
    fn clone(&self) -> Self {
        Self::new(self.inner.clone())
    }
}
