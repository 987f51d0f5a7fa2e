//! One of an application's keys: the public key, where it stands in a rotation, and when it is valid.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::crypto::{Fingerprint, PublicKey};

/// Where a key stands in a rotation. Only an active and a retiring key verify anything.
///
/// A rotation without a failed request: register the new key as [`Next`](Self::Next); make it
/// [`Active`](Self::Active) and the old one [`Retiring`](Self::Retiring), from where on both are
/// good; let the application sign with the new one; make the old one [`Revoked`](Self::Revoked).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// Announced: no other application can take it, and nothing that it signed is accepted yet.
    Next,
    /// In use.
    Active,
    /// On its way out: still accepted.
    Retiring,
    /// Never accepted again. It stays on record, so that nobody can register it again.
    Revoked,
}

impl KeyState {
    /// Every state, in the order in which a key goes through them.
    pub const ALL: [Self; 4] = [Self::Next, Self::Active, Self::Retiring, Self::Revoked];

    /// The name used in configuration, such as `active`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyState {
    type Err = KeyStateError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let state = Self::ALL.into_iter().find(|state| state.as_str() == name);
        state.ok_or_else(|| KeyStateError(name.to_owned()))
    }
}

/// The text names no state of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown state `{0}`: known are `next`, `active`, `retiring` and `revoked`")]
pub struct KeyStateError(String);

/// A public key of an application, with its state and the time during which it is valid.
///
/// ```
/// use trusted_app_core::application::{ApplicationKey, KeyState};
/// use trusted_app_core::{PublicKey, Timestamp};
///
/// # let base64 = include_str!("../../tests/data/public-key-2048.txt");
/// let key = PublicKey::from_base64(base64)?;
/// let until = Timestamp::from_millis(1_800_000_000_000);
/// let retiring = ApplicationKey::from(key).with_state(KeyState::Retiring).with_not_after(until);
/// assert!(retiring.is_live(until));
/// assert!(!retiring.is_live(Timestamp::from_millis(1_800_000_000_001)));
/// # Ok::<_, trusted_app_core::crypto::KeyError>(())
/// ```
///
/// `K` is a [`PublicKey`] of Seraph's or a [`SignatureKey`](crate::crypto::SignatureKey).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationKey<K = PublicKey> {
    key: K,
    state: KeyState,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
}

impl<K> ApplicationKey<K> {
    /// The same key in another state; an active one by default.
    #[must_use]
    pub fn with_state(self, state: KeyState) -> Self {
        Self { state, ..self }
    }

    /// The same key, good for nothing before `first`.
    #[must_use]
    pub fn with_not_before(self, first: Timestamp) -> Self {
        Self { not_before: Some(first), ..self }
    }

    /// The same key, good for nothing after `last`.
    #[must_use]
    pub fn with_not_after(self, last: Timestamp) -> Self {
        Self { not_after: Some(last), ..self }
    }

    /// The key itself.
    #[must_use]
    pub fn public_key(&self) -> &K {
        &self.key
    }

    /// Where it stands in a rotation.
    #[must_use]
    pub fn state(&self) -> KeyState {
        self.state
    }

    /// The first instant at which it is good; from ever if `None`.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// The last instant at which it is good; for ever if `None`.
    #[must_use]
    pub fn not_after(&self) -> Option<Timestamp> {
        self.not_after
    }

    /// Whether what it signed is accepted at that time: by its state and by its dates.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        matches!(self.state, KeyState::Active | KeyState::Retiring)
            && self.not_before.is_none_or(|first| first <= now)
            && self.not_after.is_none_or(|last| now <= last)
    }

    pub(super) fn is_never_valid(&self) -> bool {
        self.not_before.zip(self.not_after).is_some_and(|(first, last)| last < first)
    }
}

impl ApplicationKey {
    /// The key's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        self.key.fingerprint()
    }
}

impl<K> From<K> for ApplicationKey<K> {
    fn from(key: K) -> Self {
        Self { key, state: KeyState::Active, not_before: None, not_after: None }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn live_by_state_and_dates() {
        let at = Timestamp::from_millis;
        let key = PublicKey::from_base64(include_str!("../../tests/data/public-key-2048.txt")).unwrap();
        let key = ApplicationKey::from(key);
        assert!(key.is_live(at(i64::MIN)) && key.is_live(at(i64::MAX)));

        for (state, live) in KeyState::ALL.into_iter().zip([false, true, true, false]) {
            let key = key.clone().with_state(state).with_not_before(at(10)).with_not_after(at(20));
            for (now, within) in [(9, false), (10, true), (20, true), (21, false)] {
                assert_eq!(key.is_live(at(now)), live && within, "{state} at {now}");
            }
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        let text = "Active".parse::<KeyState>().unwrap_err().to_string();
        assert_eq!(text, "unknown state `Active`: known are `next`, `active`, `retiring` and `revoked`");
    }
}
