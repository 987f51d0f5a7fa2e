//! Asking the stores, within the layer's bounds.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use trusted_app_core::rejection::Store;
use trusted_app_core::store::{ReplayClaim, ReplayOutcome};
use trusted_app_core::{BoxError, Rejection, TrustedApplication};

use crate::shared::Shared;
use crate::timeout::within;

impl<K, D, R> Shared<K, D, R> {
    /// Waits for a store, but not longer than the time-out.
    pub(crate) async fn in_time<T, E: Into<BoxError>>(
        &self,
        mut look_up: Pin<&mut impl Future<Output = Result<T, E>>>,
        store: Store,
    ) -> Result<T, Rejection> {
        let at_once = poll_fn(|context| Poll::Ready(look_up.as_mut().poll(context).map_err(E::into))).await;
        let answer = match at_once {
            Poll::Ready(answer) => Some(answer),
            // Boxed: most stores answer at once, and their requests need not carry room for waiting.
            Poll::Pending => {
                let answer = Box::pin(within(self.settings.lookup_timeout, look_up)).await;
                answer.map(|answer| answer.map_err(E::into))
            }
        };
        let error = match answer {
            Some(Ok(found)) => return Ok(found),
            Some(Err(error)) => error,
            None => format!("no answer within {:?}", self.settings.lookup_timeout).into(),
        };
        tracing::error!(target: "trusted_app", store = %store, error = &*error, "store unavailable");
        Err(Rejection::Unavailable { store })
    }

    /// Claims a request of an application's that counts once.
    pub(crate) async fn claim(
        &self,
        application: &TrustedApplication,
        claim: &ReplayClaim<'_>,
    ) -> Result<ReplayOutcome, Rejection> {
        let Some(store) = &self.settings.replay_store else {
            tracing::error!(
                target: "trusted_app",
                application = application.id().as_str(),
                replay_protection =
                    application.conditions().replay_protection.max(self.settings.replay_protection).as_str(),
                "the application's requests count once, but the layer has no replay store: all of them are \
                 rejected; hand one to `TrustedAppLayerBuilder::replay_store`"
            );
            return Err(Rejection::Unavailable { store: Store::ReplayStore });
        };
        self.in_time(pin!(store.claim(claim)), Store::ReplayStore).await
    }
}

/// A place among the requests in verification; given back when dropped.
pub(crate) struct Slot<'a>(&'a AtomicUsize);

impl<'a> Slot<'a> {
    pub(crate) fn take(in_flight: &'a AtomicUsize, max: usize) -> Result<Self, Rejection> {
        let slot = Self(in_flight);
        if in_flight.fetch_add(1, Ordering::Relaxed) < max {
            Ok(slot)
        } else {
            Err(Rejection::Unavailable { store: Store::Verification })
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
