//! Changing an application's key.

use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::limits::MAX_KEPT_KEYS;
use tower_trusted_app::registry::Registered;

use super::administration::Administration;
use super::error::AdminError;
use super::field_error::FieldError;
use crate::administrator::Administrator;

impl<R: ApplicationRegistry> Administration<R> {
    /// Puts the key that waits under `token` before the application's keys. `confirmed` says that the administrator
    /// has compared the fingerprint.
    ///
    /// The active keys retire: they are accepted beside the new one until [`finish_rotation`](Self::finish_rotation), so
    /// that no request fails meanwhile. `at_once` revokes all keys, so that nothing they signed is accepted any more.
    /// If they are more than are [kept](MAX_KEPT_KEYS), the oldest revoked ones go.
    ///
    /// # Errors
    ///
    /// Without a confirmation, when no key of this application waits, when the application was changed or removed
    /// meanwhile, or when too many keys would be in use.
    pub async fn rotate_key(
        &self,
        by: &Administrator,
        token: &str,
        expected: u64,
        confirmed: bool,
        at_once: bool,
    ) -> Result<Registered, AdminError> {
        if !confirmed {
            return Err(FieldError::NotConfirmed.into());
        }
        let taken = self.state.documents.take(by, token, self.now(), |one| one.replaces_key_of.is_some());
        let mut taken = taken.ok_or(AdminError::PendingGone)?;
        let old = |state| match state {
            _ if at_once => KeyState::Revoked,
            KeyState::Active => KeyState::Retiring,
            state => state,
        };
        let document = &taken.pending.fetched.document;
        let registered = self.expected(by, document.application_id().as_str(), expected).await?;
        let new = ApplicationKey::from(document.public_key().clone());
        let mut keys: Vec<_> =
            std::iter::once(new).chain(in_states(registered.application.keys(), old)).collect();
        while keys.len() > MAX_KEPT_KEYS
            && let Some(oldest) = keys.iter().rposition(|key| key.state() == KeyState::Revoked)
        {
            keys.remove(oldest);
        }
        let described = registered.application.to_builder().keys(keys);
        let changed = self.replace(by, registered, described, false).await?;
        taken.is_used = true;
        Ok(changed)
    }

    /// Revokes the application's retiring keys.
    ///
    /// # Errors
    ///
    /// When no other key is active, or the application was changed or removed meanwhile.
    pub async fn finish_rotation(
        &self,
        by: &Administrator,
        id: &str,
        expected: u64,
    ) -> Result<Registered, AdminError> {
        let registered = self.expected(by, id, expected).await?;
        if !registered.application.keys().iter().any(|key| key.state() == KeyState::Active) {
            return Err(FieldError::NoOtherKey.into());
        }
        let revoke = |state| if state == KeyState::Retiring { KeyState::Revoked } else { state };
        let keys = in_states(registered.application.keys(), revoke);
        let described = registered.application.to_builder().keys(keys);
        self.replace(by, registered, described, false).await
    }
}

/// The keys, each in the state that follows on its own.
fn in_states(
    keys: &[ApplicationKey],
    next: impl Fn(KeyState) -> KeyState,
) -> impl Iterator<Item = ApplicationKey> {
    keys.iter().cloned().map(move |key| {
        let state = next(key.state());
        key.with_state(state)
    })
}
