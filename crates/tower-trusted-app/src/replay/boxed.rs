//! A replay store whose type the layer need not know.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use trusted_app_core::BoxError;
use trusted_app_core::store::{ReplayClaim, ReplayOutcome, ReplayStore};

use super::horizon::Horizon;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<ReplayOutcome, BoxError>> + Send + 'a>>;

/// [`ReplayStore`] in a form that can be a trait object: each claim allocates one future.
trait DynReplayStore: Send + Sync {
    fn boxed_claim<'a>(&'a self, claim: &'a ReplayClaim<'a>) -> Answer<'a>;
}

impl<S: ReplayStore> DynReplayStore for S {
    fn boxed_claim<'a>(&'a self, claim: &'a ReplayClaim<'a>) -> Answer<'a> {
        Box::pin(async move { ReplayStore::claim(self, claim).await.map_err(Into::into) })
    }
}

/// Any replay store, and the clock's past beside it. Boxed, because a claim is rare beside a signature, so that the
/// layer's type need not grow for it.
#[derive(Clone)]
pub(crate) struct BoxReplayStore(Arc<Guarded<dyn DynReplayStore>>);

struct Guarded<S: ?Sized> {
    horizon: Horizon,
    store: S,
}

impl BoxReplayStore {
    pub(crate) fn new(store: impl ReplayStore) -> Self {
        Self(Arc::new(Guarded { horizon: Horizon::new(), store }))
    }

    pub(crate) async fn claim(&self, claim: &ReplayClaim<'_>) -> Result<ReplayOutcome, BoxError> {
        let Guarded { horizon, store } = &*self.0;
        let handed_over = horizon.passed_ms();
        let outcome = store.boxed_claim(claim).await?;
        if outcome == ReplayOutcome::Fresh {
            horizon.check(claim, handed_over)?;
        }
        Ok(outcome)
    }
}
