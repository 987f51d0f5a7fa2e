//! The keys that an application has, and those that its directory lists.

use tower_trusted_app::Timestamp;
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::crypto::{SignatureKey, Thumbprint};
use tower_trusted_app::httpsig::{DirectoryKey, KeyDirectory, SignaturePolicy};
use tower_trusted_app::limits::{MAX_DIRECTORY_AGE, MAX_KEPT_KEYS};
use tower_trusted_app::registry::Registered;

type Key = ApplicationKey<SignatureKey>;

/// What an application has after a refresh.
pub(super) struct Reconciled {
    pub(super) keys: Vec<Key>,
    /// New keys for which there is no room.
    pub(super) without_room: Vec<Thumbprint>,
}

/// What an application has after its `directory`, of which every key was understood and has signed it. A key whose entry
/// was skipped is as gone as one that is not listed (RFC 7517, section 5).
pub(super) fn reconcile(registered: &Registered, directory: &KeyDirectory, now: Timestamp) -> Reconciled {
    let known = registered.application.signature_keys();
    let listed =
        |key: &Key| directory.get(key.public_key().thumbprint()).filter(|listed| is_ever_good(listed));
    let is_new = is_new(registered, directory);
    let endorsed = is_new
        && known.iter().any(|key| {
            key.is_live(now) && listed(key).is_some_and(|listed| Key::from(listed.clone()).is_live(now))
        });
    let state = if endorsed { KeyState::Active } else { KeyState::Next };
    let new = |listed: &DirectoryKey| Key::from(listed.clone()).with_state(state);
    let after = known.iter().map(|key| match (key.state(), listed(key)) {
        (KeyState::Revoked, _) => key.clone(),
        (KeyState::Next, Some(listed)) => shortened(&key.clone().with_state(state), listed, now),
        (_, Some(listed)) if was_withdrawn(key) && is_new => new(listed),
        _ if has_ended(key, now) => key.clone(),
        (_, None) => withdrawn(key, now),
        (_, Some(listed)) => shortened(key, listed, now),
    });
    let mut reconciled = Reconciled { keys: after.collect(), without_room: Vec::new() };
    for listed in directory.keys().iter().filter(|listed| is_ever_good(listed)) {
        let thumbprint = listed.key.thumbprint();
        if known.iter().any(|key| key.public_key().thumbprint() == thumbprint) {
            continue;
        }
        if reconciled.has_room(directory, now) {
            reconciled.keys.push(new(listed));
        } else {
            reconciled.without_room.push(*thumbprint);
        }
    }
    reconciled
}

impl Reconciled {
    /// Whether one more key can be kept, if need be in the place of the one that ended first. What the directory
    /// still lists stays known, and so does what an older one that is still good may list: it would come back as a
    /// new key.
    fn has_room(&mut self, directory: &KeyDirectory, now: Timestamp) -> bool {
        if self.keys.len() < MAX_KEPT_KEYS {
            return true;
        }
        let gone = |key: &Key| {
            let is_listed = directory.get(key.public_key().thumbprint()).is_some();
            let replayable = MAX_DIRECTORY_AGE + 2 * SignaturePolicy::DEFAULT_SKEW;
            let is_over = key.not_after().is_some_and(|last| last.saturating_add(replayable) < now);
            key.state() != KeyState::Revoked && is_over && !is_listed
        };
        let gone = self.keys.iter().enumerate().filter(|(_, key)| gone(key));
        let Some((oldest, _)) = gone.min_by_key(|(_, key)| key.not_after()) else { return false };
        self.keys.remove(oldest);
        true
    }
}

/// Whether the directory was signed after the application was registered and after each key's withdrawal, and so is
/// not an older one that somebody kept and shows again.
fn is_new(registered: &Registered, directory: &KeyDirectory) -> bool {
    let withdrawals = registered.application.signature_keys().iter().filter(|key| was_withdrawn(key));
    let mut before = withdrawals.filter_map(Key::not_after).chain([registered.created.at]);
    directory.signed_at().is_some_and(|signed| {
        before.all(|instant| instant.saturating_add(SignaturePolicy::DEFAULT_SKEW) < signed)
    })
}

fn has_ended(key: &Key, now: Timestamp) -> bool {
    key.not_after().is_some_and(|last| last < now)
}

/// Whether its dates do not exclude each other.
fn is_ever_good(listed: &DirectoryKey) -> bool {
    listed.not_before.zip(listed.not_after).is_none_or(|(first, last)| first <= last)
}

/// The key as one that its directory no longer lists: good for one instant, which is over. One with a date ends
/// then for ever, or it would come back without the date.
fn withdrawn(key: &Key, now: Timestamp) -> Key {
    let last = Timestamp::from_millis(now.as_millis().saturating_sub(1));
    let ended = Key::from(key.public_key().clone()).with_state(KeyState::Retiring).with_not_after(last);
    let is_dated = key.not_before().or(key.not_after()).is_some();
    if is_dated { ended } else { ended.with_not_before(last) }
}

/// Whether that is how it ended, and not by a date.
fn was_withdrawn(key: &Key) -> bool {
    key.state() == KeyState::Retiring && key.not_after().is_some() && key.not_before() == key.not_after()
}

/// The key as it is known; its directory can bring its end nearer, and not put it off. An end before its beginning
/// ends it now.
fn shortened(key: &Key, listed: &DirectoryKey, now: Timestamp) -> Key {
    match listed.not_after {
        Some(last) if key.not_before().is_some_and(|first| last < first) => withdrawn(key, now),
        Some(last) if key.not_after().is_none_or(|known| last < known) => key.clone().with_not_after(last),
        _ => key.clone(),
    }
}
