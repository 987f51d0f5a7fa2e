//! What counts once only.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::error::BoxError;
use crate::application::ApplicationId;
use crate::clock::Timestamp;

/// Where it is kept what was claimed, so that it counts once.
///
/// As with [`KeyStore`](super::KeyStore), an error means *cannot tell* and becomes a 503, never a
/// pass: a store that is full or away answers with one. It never forgets a claim before its time to
/// make room for another.
///
/// What several servers accept must be claimed in one store, or each of them accepts it once.
///
/// # Clocks that are set
///
/// [`now`](ReplayClaim::now) and [`until`](ReplayClaim::until) are by a clock that people and programs set. A store
/// keeps a claim for its [lifetime](ReplayClaim::lifetime_ms) as time passes: by [`Instant`](std::time::Instant), or
/// by the clock of the server that holds the claims. It never compares the times of two claims. One that forgets
/// claims because a later claim's `now` is past their `until` forgets all of them when the clock goes forward by
/// mistake, and accepts them again when the clock is set right. The conformance suite of `trusted-app-test` checks
/// this.
///
/// A clock that is set back after claims have lapsed is the layer's affair: it rejects what may have lapsed, for which
/// it needs [`earliest_until`](ReplayClaim::earliest_until). Neither the layer nor a store in memory knows what was
/// accepted before a restart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a replay store",
    note = "implement `ReplayStore`, or take `tower_trusted_app::replay::MemoryReplayStore`"
)]
pub trait ReplayStore: Send + Sync + 'static {
    /// What can go wrong.
    type Error: Into<BoxError>;

    /// Claims an id, at once and for everybody: of all claims of one id that are made until the first
    /// of them lapses exactly one is answered with [`ReplayOutcome::Fresh`]. It may be remembered for
    /// up to a second longer.
    fn claim(
        &self,
        claim: &ReplayClaim<'_>,
    ) -> impl Future<Output = Result<ReplayOutcome, Self::Error>> + Send;
}

/// A replay store's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayOutcome {
    /// Nobody had claimed it.
    Fresh,
    /// It was claimed before.
    Seen,
}

/// One claim: what is to count once, and for how long that must be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayClaim<'a> {
    /// Whose it is: for a store that divides its room.
    pub application: &'a ApplicationId,
    /// What is claimed. Two applications never have one in common.
    pub id: ReplayId,
    /// The present time, by the clock of whoever claims.
    pub now: Timestamp,
    /// The last instant at which it must be remembered.
    pub until: Timestamp,
    /// The earliest `until` that any claim of the same id can have had. By the end of it an earlier claim may have
    /// lapsed.
    pub earliest_until: Timestamp,
}

impl<'a> ReplayClaim<'a> {
    /// The claim of something that an application has made to count once, such as a nonce with the
    /// key that it belongs to. Every claim of it has the same `until`.
    pub fn new<'p>(
        application: &'a ApplicationId,
        once: impl IntoIterator<Item = &'p [u8]>,
        now: Timestamp,
        until: Timestamp,
    ) -> Self {
        let id = ReplayId::new(application, once);
        Self { application, id, now, until, earliest_until: until }
    }

    /// For how long it must be remembered, in milliseconds from [`now`](Self::now); never 0.
    #[must_use]
    pub fn lifetime_ms(&self) -> u64 {
        u64::try_from(self.until.millis_since(self.now)).unwrap_or_default().saturating_add(1)
    }
}

/// What is claimed: half of a SHA-256 digest, from which nothing can be read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplayId([u8; 16]);

impl ReplayId {
    /// Each part goes in with its length before it, so that no two lists read alike.
    pub(crate) fn new<'p>(application: &ApplicationId, once: impl IntoIterator<Item = &'p [u8]>) -> Self {
        let mut digest = Sha256::new();
        let mut add = |part: &[u8]| {
            digest.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            digest.update(part);
        };
        add(application.as_str().as_bytes());
        once.into_iter().for_each(&mut add);
        let mut half = [0; 16];
        half.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
        Self(half)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Thirty-two lower-case hexadecimal digits.
impl fmt::Display for ReplayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ReplayId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<S: ReplayStore> ReplayStore for Arc<S> {
    type Error = S::Error;

    fn claim(
        &self,
        claim: &ReplayClaim<'_>,
    ) -> impl Future<Output = Result<ReplayOutcome, Self::Error>> + Send {
        S::claim(self, claim)
    }
}
