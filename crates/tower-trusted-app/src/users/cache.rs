//! A directory that is not asked on every request.

use std::cell::Cell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use trusted_app_core::store::NameLookup;
use trusted_app_core::{
    ApplicationId, BoxError, Clock, Timestamp, TrustedApplication, UserDirectory, UserLookup,
};

use crate::clock::SystemClock;

/// Remembers a directory's answers for a while.
///
/// Requests that ask for the same user at the same time wait for one look-up. Errors are handed to those who wait
/// and not remembered: **an outage is an outage**, also for a user who was found a moment ago and whose time is up.
///
/// A user who was disabled may be acted as until the time-to-live is over, or until
/// [`invalidate`](Self::invalidate). Clones share the answers, so keep one to call it. Answers are kept by the
/// application that asks and the name in its certificate: put the cache before a name mapping, not behind it.
///
/// With the cargo feature `metrics` the recorder of that facade, if the program has one, counts `trusted_app_user_cache_total` by `outcome`: `hit`, `miss`,
/// `shared` (waited for another's look-up), `error`.
///
/// ```
/// use std::time::Duration;
/// use tower_trusted_app::users::{CachedDirectory, MemoryDirectory};
///
/// let users = CachedDirectory::new(MemoryDirectory::of_names(["alice"]))
///     .time_to_live(Duration::from_secs(300))
///     .negative_time_to_live(Duration::from_secs(5))
///     .max_entries(10_000);
/// let handle = users.clone(); // after alice was disabled:
/// let forgotten = handle.invalidate("alice");
/// assert_eq!(forgotten, 0, "nobody asked for her yet");
/// ```
pub struct CachedDirectory<D: UserDirectory> {
    directory: Arc<D>,
    answers: Arc<Answers<D::User>>,
    settings: Settings,
}

#[derive(Clone)]
struct Settings {
    time_to_live: Duration,
    negative_time_to_live: Duration,
    clock: Arc<dyn Clock>,
}

struct Answers<U> {
    by_name: Cache<Key, Arc<Answer<U>>>,
    /// Counts answers and invalidations.
    turn: AtomicU64,
    /// The turn of the last invalidation: what was asked for before it must not be kept. Whoever keeps an answer holds it
    /// for reading, so that an invalidation comes before, and is seen, or after, and finds the answer.
    invalidated: RwLock<u64>,
}

struct Answer<U> {
    /// When in the order of turns it came.
    turn: u64,
    since: Timestamp,
    until: Timestamp,
    lookup: Result<UserLookup<U>, Shared>,
}

impl<U> Answer<U> {
    /// A clock that went backwards makes an answer no younger.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.until
    }
}

impl<D: UserDirectory> CachedDirectory<D> {
    /// How long a user who was found is remembered by default: a minute.
    pub const TIME_TO_LIVE: Duration = Duration::from_secs(60);
    /// How long it is remembered that somebody is unknown or may not log in by default: 10 seconds.
    pub const NEGATIVE_TIME_TO_LIVE: Duration = Duration::from_secs(10);
    /// How many answers are remembered by default.
    pub const MAX_ENTRIES: usize = 10_000;

    /// Remembers the answers of `directory`.
    pub fn new(directory: D) -> Self {
        Self {
            directory: Arc::new(directory),
            answers: Arc::new(Answers::new(Self::MAX_ENTRIES)),
            settings: Settings {
                time_to_live: Self::TIME_TO_LIVE,
                negative_time_to_live: Self::NEGATIVE_TIME_TO_LIVE,
                clock: Arc::new(SystemClock),
            },
        }
    }

    /// How long a user who was found is remembered: so long may a user who was disabled still be acted as.
    #[must_use]
    pub fn time_to_live(mut self, duration: Duration) -> Self {
        self.settings.time_to_live = duration;
        self
    }

    /// How long it is remembered that somebody is unknown, ambiguous or may not log in.
    #[must_use]
    pub fn negative_time_to_live(mut self, duration: Duration) -> Self {
        self.settings.negative_time_to_live = duration;
        self
    }

    /// How many answers are remembered, at least one; beyond it those that nobody asked for again go first. Clones share
    /// the answers, so once there is one this is stated for all of them, and rounded up to a few more.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        let entries = entries.max(1);
        match Arc::get_mut(&mut self.answers) {
            Some(answers) => *answers = Answers::new(entries),
            None => self.answers.by_name.set_capacity(entries as u64),
        }
        self
    }

    /// The clock; the system's by default.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Forgets what is remembered about a user, for every application, and says how many answers that were: under the name
    /// in a peer's certificate, and under any name that led to a user whose canonical name it is. Both are compared byte for
    /// byte. Somebody who was not found has no canonical name: `ALICE`, who may not log in, is forgotten by that spelling.
    ///
    /// A look-up that is under way is answered and not remembered. So when this returns, no request that begins
    /// afterwards is answered by what the directory said before.
    ///
    /// **It reaches this cache and its clones, in this process**; other processes and other nodes remember until their
    /// time-to-live is over. Tell each of them, or state a time-to-live that you can wait for.
    pub fn invalidate(&self, user: &str) -> usize {
        self.answers.invalidate(|key, answer| {
            let canonical = match &answer.lookup {
                Ok(UserLookup::Found(found)) => Some(&*found.name),
                _ => None,
            };
            *key.name == *user || canonical == Some(user)
        })
    }

    /// Forgets everything, as [`invalidate`](Self::invalidate) does, and says how many answers that were.
    pub fn invalidate_all(&self) -> usize {
        self.answers.invalidate(|_, _| true)
    }

    async fn answer(&self, application: &TrustedApplication, name: &str) -> Arc<Answer<D::User>> {
        let answers = &self.answers;
        let asked = answers.turn.load(Ordering::SeqCst);
        let now = self.settings.clock.now();
        let borrowed = Borrowed { application: application.id(), name };
        if let Some(answer) = answers.by_name.get(&borrowed).filter(|answer| answer.is_fresh(now)) {
            return count("hit", answer);
        }
        let key = Key { application: application.id().clone(), name: name.into() };
        loop {
            match answers.by_name.get_value_or_guard_async(&key).await {
                // Whatever came after we asked was not remembered but waited for.
                Ok(answer) if answer.turn > asked => return count("shared", answer),
                Ok(answer) if answer.is_fresh(self.settings.clock.now()) => return count("hit", answer),
                Ok(stale) => {
                    answers.by_name.remove_if(&key, |answer| Arc::ptr_eq(answer, &stale));
                }
                Err(place) => {
                    let begun = answers.turn.load(Ordering::SeqCst);
                    let answer = self.look_up(application, name).await;
                    if let Some(_no_invalidation) = answers.still_valid(begun) {
                        // It fails if the place was given up, and then nobody waits for it.
                        let _ = place.insert(Arc::clone(&answer));
                    }
                    return count(if answer.lookup.is_ok() { "miss" } else { "error" }, answer);
                }
            }
        }
    }

    async fn look_up(&self, application: &TrustedApplication, name: &str) -> Arc<Answer<D::User>> {
        let lookup = self.directory.user(application, name).await;
        let Settings { time_to_live, negative_time_to_live, clock } = &self.settings;
        let time_to_live = match &lookup {
            Ok(UserLookup::Found(_)) => *time_to_live,
            Ok(_) => *negative_time_to_live,
            Err(_) => Duration::ZERO,
        };
        let since = clock.now();
        Arc::new(Answer {
            turn: self.answers.turn.fetch_add(1, Ordering::SeqCst) + 1,
            since,
            until: since.saturating_add(time_to_live),
            lookup: lookup.map_err(|error| Shared(Arc::from(error.into()))),
        })
    }
}

impl<U> Answers<U> {
    fn new(entries: usize) -> Self {
        Self { by_name: Cache::new(entries), turn: AtomicU64::new(0), invalidated: RwLock::new(0) }
    }

    /// Whether nothing was invalidated since that turn; while the guard lives, nothing is.
    fn still_valid(&self, begun: u64) -> Option<RwLockReadGuard<'_, u64>> {
        let invalidated = self.invalidated.read().unwrap_or_else(PoisonError::into_inner);
        (*invalidated <= begun).then_some(invalidated)
    }

    fn invalidate(&self, goes: impl Fn(&Key, &Answer<U>) -> bool) -> usize {
        let mut invalidated = self.invalidated.write().unwrap_or_else(PoisonError::into_inner);
        *invalidated = self.turn.fetch_add(1, Ordering::SeqCst) + 1;
        let gone = Cell::new(0);
        self.by_name.retain(|key, answer| {
            let goes = goes(key, answer);
            gone.set(gone.get() + usize::from(goes));
            !goes
        });
        gone.get()
    }
}

fn count<A>(outcome: &'static str, answer: A) -> A {
    #[cfg(feature = "metrics")]
    metrics::counter!("trusted_app_user_cache_total", "outcome" => outcome).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = outcome;
    answer
}

impl<D: UserDirectory> UserDirectory for CachedDirectory<D> {
    type User = D::User;
    type Error = BoxError;

    async fn user(
        &self,
        application: &TrustedApplication,
        name: &str,
    ) -> Result<UserLookup<D::User>, BoxError> {
        match &self.answer(application, name).await.lookup {
            Ok(lookup) => Ok(lookup.clone()),
            Err(error) => Err(Box::new(error.clone())),
        }
    }

    /// The answer is not remembered.
    async fn knows_user(&self, name: &str) -> Result<NameLookup, BoxError> {
        self.directory.knows_user(name).await.map_err(Into::into)
    }

    /// The answer is not remembered.
    async fn knows_group(&self, name: &str) -> Result<NameLookup, BoxError> {
        self.directory.knows_group(name).await.map_err(Into::into)
    }

    fn administrator_groups(&self) -> &[Arc<str>] {
        self.directory.administrator_groups()
    }
}

impl<D: UserDirectory> Clone for CachedDirectory<D> {
    fn clone(&self) -> Self {
        Self {
            directory: Arc::clone(&self.directory),
            answers: Arc::clone(&self.answers),
            settings: self.settings.clone(),
        }
    }
}

impl<D: UserDirectory> fmt::Debug for CachedDirectory<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedDirectory")
            .field("entries", &self.answers.by_name.len())
            .field("time_to_live", &self.settings.time_to_live)
            .field("negative_time_to_live", &self.settings.negative_time_to_live)
            .finish_non_exhaustive()
    }
}

/// One error for all who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
struct Shared(Arc<dyn std::error::Error + Send + Sync>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    application: ApplicationId,
    name: Box<str>,
}

/// Both forms are the same to the cache.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrowed { application: &self.application, name: &self.name }.hash(state);
    }
}

#[derive(Hash)]
struct Borrowed<'a> {
    application: &'a ApplicationId,
    name: &'a str,
}

impl Equivalent<Key> for Borrowed<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.application == key.application && *self.name == *key.name
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::users::MemoryDirectory;

    /// The look-up has its answer and has seen that nothing was invalidated: an invalidation that comes now, before the
    /// answer is kept, must find it.
    #[test]
    fn an_invalidation_between_the_check_and_the_keeping_waits() {
        let cache = CachedDirectory::new(MemoryDirectory::of_names(["alice"]));
        let application = crate::keys::samples::application("wiki", 1024);
        let key = Key { application: application.id().clone(), name: "alice".into() };
        let answer = Arc::new(Answer {
            turn: 1,
            since: Timestamp::from_millis(0),
            until: Timestamp::from_millis(60_000),
            lookup: Ok(UserLookup::found("alice", ())),
        });

        let no_invalidation = cache.answers.still_valid(0).expect("nothing was invalidated");
        let invalidation = thread::spawn({
            let cache = cache.clone();
            move || cache.invalidate("alice")
        });
        thread::sleep(Duration::from_millis(50));
        assert!(!invalidation.is_finished(), "an answer is about to be kept");
        cache.answers.by_name.insert(key.clone(), answer);
        drop(no_invalidation);

        assert_eq!(invalidation.join().unwrap(), 1, "the answer that was kept meanwhile");
        assert!(cache.answers.by_name.get(&key).is_none());
        assert!(cache.answers.still_valid(0).is_none(), "what was asked for before is kept no more");
    }
}
