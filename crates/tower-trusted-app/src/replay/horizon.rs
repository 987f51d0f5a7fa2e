//! What a store of claims may have forgotten by the time that a clock is set back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::time::Instant;
use trusted_app_core::ApplicationId;
use trusted_app_core::store::ReplayClaim;

/// How far the server's clock was ahead of the time that passed, when claims were made.
///
/// A store forgets a claim after its lifetime has passed. If the clock is set back after that, the request is good once
/// more and nothing remembers it. The clock at a claim and the time that has passed since tell whether an earlier claim of
/// the same can have lapsed: what then cannot be told from a replay is rejected.
///
/// A clock that was wrong for a while changes nothing for requests of another time than those accepted meanwhile.
#[derive(Debug)]
pub(super) struct Horizon {
    started: Instant,
    claims: Mutex<HashMap<ApplicationId, Vec<Span>, RandomState>>,
}

/// Claims that were made while the clock was as far ahead. All in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// The least and the greatest [`earliest_until`](ReplayClaim::earliest_until) of them.
    from: i64,
    to: i64,
    /// How far the clock was ahead of the time that had passed, at most.
    ahead: i64,
}

/// Differences up to this come from running fast or slow, and make no new span.
const SAME_MS: u64 = 1000;

/// How often the clock may be set before the oldest spans of an application are joined.
const MAX_SPANS: usize = 32;

/// Why something cannot be told from a replay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the clock of this server was set back by {set_back:?} after it accepted requests from application `{application}`: \
     this request cannot be told from a replay; set the clock right if it is wrong now, or wait {wait:?}"
)]
pub(crate) struct ClockSetBack {
    application: ApplicationId,
    set_back: Duration,
    /// Until what is signed then is told from a replay.
    wait: Duration,
}

impl Horizon {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), claims: Mutex::default() }
    }

    /// The time that has passed, which never goes back, in milliseconds.
    pub(super) fn passed_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Looks whether an earlier claim of the same may have lapsed by now. The claim was handed to the store at
    /// `handed_over`, by [`passed_ms`](Self::passed_ms), and found fresh.
    pub(super) fn check(&self, claim: &ReplayClaim<'_>, handed_over: i64) -> Result<(), ClockSetBack> {
        let ahead = claim.now.as_millis().saturating_sub(handed_over);
        let until = claim.earliest_until.as_millis();
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let spans = match claims.get_mut(claim.application) {
            Some(spans) => spans,
            None => claims.entry(claim.application.clone()).or_default(),
        };
        let passed = self.passed_ms();
        let of_this_time = spans.iter().filter(|span| (span.from..=span.to).contains(&until));
        // An earlier claim of the same was held at least until the clock as it was then would have shown `until`.
        if let Some(span) = of_this_time.max_by_key(|span| span.ahead)
            && passed.saturating_add(span.ahead) > until
        {
            let wait = span.to.min(passed.saturating_add(span.ahead)).saturating_sub(until).saturating_add(1);
            let [set_back, wait] = [span.ahead.saturating_sub(ahead), wait]
                .map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default()));
            return Err(ClockSetBack { application: claim.application.clone(), set_back, wait });
        }
        note(spans, Span { from: until, to: until, ahead });
        Ok(())
    }
}

fn note(spans: &mut Vec<Span>, new: Span) {
    let join = |one: &mut Span, other: Span| {
        let (from, to) = (one.from.min(other.from), one.to.max(other.to));
        *one = Span { from, to, ahead: one.ahead.max(other.ahead) };
    };
    if let Some(same) = spans.iter_mut().find(|span| span.ahead.abs_diff(new.ahead) <= SAME_MS) {
        return join(same, new);
    }
    spans.push(new);
    if spans.len() > MAX_SPANS {
        let oldest = spans.remove(0);
        if let Some(next) = spans.first_mut() {
            join(next, oldest);
        }
    }
}
