//! Stores that fail.

use std::fmt;
use std::future::pending;
use std::marker::PhantomData;
use std::sync::Arc;

use trusted_app_core::crypto::Thumbprint;
use trusted_app_core::store::{NameLookup, ReplayClaim, ReplayOutcome};
use trusted_app_core::{ApplicationId, KeyStore, ReplayStore, TrustedApplication, UserDirectory, UserLookup};

/// The error of a store that was told to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store fails, as the test wants it")]
#[non_exhaustive]
pub struct Fault;

#[derive(Debug, Clone, Copy)]
enum Behaviour {
    Errs,
    Hangs,
    KnowsNobody,
    Denies,
    HasSeenAll,
}

/// A key store that fails in a way of the test's choosing.
#[derive(Debug, Clone, Copy)]
pub struct FaultyKeyStore(Behaviour);

impl FaultyKeyStore {
    /// Answers every look-up with a [`Fault`].
    #[must_use]
    pub const fn errs() -> Self {
        Self(Behaviour::Errs)
    }

    /// Never answers.
    #[must_use]
    pub const fn hangs() -> Self {
        Self(Behaviour::Hangs)
    }

    /// Knows no application.
    #[must_use]
    pub const fn knows_nobody() -> Self {
        Self(Behaviour::KnowsNobody)
    }
}

impl KeyStore for FaultyKeyStore {
    type Error = Fault;

    async fn application(&self, _: &ApplicationId) -> Result<Option<Arc<TrustedApplication>>, Fault> {
        match self.0 {
            Behaviour::Errs => Err(Fault),
            Behaviour::Hangs => pending().await,
            Behaviour::KnowsNobody | Behaviour::Denies | Behaviour::HasSeenAll => Ok(None),
        }
    }

    async fn application_by_key(&self, _: &Thumbprint) -> Result<Option<Arc<TrustedApplication>>, Fault> {
        match self.0 {
            Behaviour::Errs => Err(Fault),
            Behaviour::Hangs => pending().await,
            Behaviour::KnowsNobody | Behaviour::Denies | Behaviour::HasSeenAll => Ok(None),
        }
    }
}

/// A replay store that fails in a way of the test's choosing.
#[derive(Debug, Clone, Copy)]
pub struct FaultyReplayStore(Behaviour);

impl FaultyReplayStore {
    /// Answers every claim with a [`Fault`].
    #[must_use]
    pub const fn errs() -> Self {
        Self(Behaviour::Errs)
    }

    /// Takes every claim for a replay.
    #[must_use]
    pub const fn has_seen_all() -> Self {
        Self(Behaviour::HasSeenAll)
    }

    /// Never answers.
    #[must_use]
    pub const fn hangs() -> Self {
        Self(Behaviour::Hangs)
    }
}

impl ReplayStore for FaultyReplayStore {
    type Error = Fault;

    async fn claim(&self, _: &ReplayClaim<'_>) -> Result<ReplayOutcome, Fault> {
        match self.0 {
            Behaviour::Hangs => pending().await,
            Behaviour::HasSeenAll => Ok(ReplayOutcome::Seen),
            Behaviour::Errs | Behaviour::KnowsNobody | Behaviour::Denies => Err(Fault),
        }
    }
}

/// A user directory that fails in a way of the test's choosing.
pub struct FaultyDirectory<U = ()> {
    behaviour: Behaviour,
    user: PhantomData<fn() -> U>,
}

impl<U> FaultyDirectory<U> {
    /// Answers every look-up with a [`Fault`].
    #[must_use]
    pub const fn errs() -> Self {
        Self::new(Behaviour::Errs)
    }

    /// Never answers.
    #[must_use]
    pub const fn hangs() -> Self {
        Self::new(Behaviour::Hangs)
    }

    /// Knows everybody and lets nobody log in.
    #[must_use]
    pub const fn denies() -> Self {
        Self::new(Behaviour::Denies)
    }

    /// Knows nobody.
    #[must_use]
    pub const fn knows_nobody() -> Self {
        Self::new(Behaviour::KnowsNobody)
    }

    const fn new(behaviour: Behaviour) -> Self {
        Self { behaviour, user: PhantomData }
    }
}

impl<U: Clone + Send + Sync + 'static> UserDirectory for FaultyDirectory<U> {
    type User = U;
    type Error = Fault;

    async fn user(&self, _: &TrustedApplication, _: &str) -> Result<UserLookup<U>, Fault> {
        match self.behaviour {
            Behaviour::Errs => Err(Fault),
            Behaviour::Hangs => pending().await,
            Behaviour::Denies => Ok(UserLookup::Denied),
            Behaviour::KnowsNobody | Behaviour::HasSeenAll => Ok(UserLookup::Unknown),
        }
    }

    async fn knows_user(&self, name: &str) -> Result<NameLookup, Fault> {
        match self.behaviour {
            Behaviour::Errs => Err(Fault),
            Behaviour::Hangs => pending().await,
            Behaviour::Denies => Ok(NameLookup::Known(name.into())),
            Behaviour::KnowsNobody | Behaviour::HasSeenAll => Ok(NameLookup::Unknown),
        }
    }

    async fn knows_group(&self, _: &str) -> Result<NameLookup, Fault> {
        match self.behaviour {
            Behaviour::Errs => Err(Fault),
            Behaviour::Hangs => pending().await,
            Behaviour::Denies | Behaviour::KnowsNobody | Behaviour::HasSeenAll => Ok(NameLookup::Unknown),
        }
    }
}

impl<U> Clone for FaultyDirectory<U> {
    fn clone(&self) -> Self {
        Self::new(self.behaviour)
    }
}

impl<U> fmt::Debug for FaultyDirectory<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FaultyDirectory").field(&self.behaviour).finish()
    }
}
