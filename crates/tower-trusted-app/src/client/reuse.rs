//! Certificates that are sent again, as Atlassian's clients do.

use std::fmt;
use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle, EntryAction, EntryResult, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, UnitWeighter};
use trusted_app_core::conditions::STAMPED_AHEAD;
use trusted_app_core::seraph::SeraphHeaders;
use trusted_app_core::{Clock, Timestamp};

/// What a certificate is reused for: the same user and the same URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Purpose {
    pub(super) user: Arc<str>,
    pub(super) url: String,
}

#[derive(Clone)]
struct Issued {
    headers: SeraphHeaders,
    at: Timestamp,
}

impl Issued {
    /// Stamped [`STAMPED_AHEAD`] it may be sent for as long. Not when the clock was set back since:
    /// receivers would find it stamped too far ahead.
    fn may_be_sent(&self, now: Timestamp) -> bool {
        self.at <= now && now < self.at.saturating_add(STAMPED_AHEAD)
    }
}

/// The headers last signed for each of a bounded number of purposes.
pub(super) struct Certificates(Cache<Purpose, Issued>);

/// The answer of [`Certificates::for_purpose`].
pub(super) enum Certificate<'c> {
    /// To be sent again.
    Reusable(SeraphHeaders),
    /// To be signed by whoever got this; other requests of the same purpose wait meanwhile.
    Missing(Vacancy<'c>),
}

/// The place of a certificate that is still to be signed. Dropped unfilled, it passes to the next
/// request that waits.
pub(super) struct Vacancy<'c>(Option<Place<'c>>);

type Place<'c> = PlaceholderGuard<
    'c,
    Purpose,
    Issued,
    UnitWeighter,
    DefaultHashBuilder,
    DefaultLifecycle<Purpose, Issued>,
>;

impl Vacancy<'_> {
    /// Keeps the headers that were signed `at` this time.
    pub(super) fn fill(self, headers: SeraphHeaders, at: Timestamp) {
        if let Some(place) = self.0 {
            // An error says that the place was cleared meanwhile: then nothing is kept.
            let _ = place.insert(Issued { headers, at });
        }
    }
}

impl Certificates {
    /// Room for about `capacity` purposes, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity.max(1)))
    }

    /// The headers to send again, or the task of signing new ones.
    pub(super) async fn for_purpose(&self, purpose: &Purpose, clock: &impl Clock) -> Certificate<'_> {
        let entry = self.0.entry_async(purpose, |_, issued| {
            // Only now: a request that waited here must not look at the time at which it came.
            if issued.may_be_sent(clock.now()) {
                EntryAction::Retain(issued.headers.clone())
            } else {
                EntryAction::ReplaceWithGuard
            }
        });
        match entry.await {
            EntryResult::Retained(headers) => Certificate::Reusable(headers),
            EntryResult::Vacant(place) | EntryResult::Replaced(place, _) => {
                Certificate::Missing(Vacancy(Some(place)))
            }
            // Answers to questions that were not asked.
            EntryResult::Removed(..) | EntryResult::Timeout => Certificate::Missing(Vacancy(None)),
        }
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("capacity", &self.0.capacity())
            .field("len", &self.0.len())
            .finish_non_exhaustive()
    }
}
