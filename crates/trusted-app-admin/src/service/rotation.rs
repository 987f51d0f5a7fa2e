//! Changing an application's key.

use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::application::{ApplicationKey, KeyState};
use tower_trusted_app::limits::MAX_KEPT_KEYS;
use tower_trusted_app::registry::Registered;

use super::problem::Problem;
use super::{AdminError, Administration, Pending};
use crate::administrator::Administrator;

impl<R: ApplicationRegistry> Administration<R> {
    /// Puts the key that waits under `token` in place of all the application's keys, which are
    /// revoked, so that nothing they signed is accepted any more; if they are more than are
    /// [kept](MAX_KEPT_KEYS), the oldest revoked ones go. `confirmed` says that the administrator has compared the
    /// fingerprint.
    ///
    /// # Errors
    ///
    /// Without a confirmation, when no key of this application waits, or when the application was
    /// changed or removed meanwhile.
    pub async fn rotate_key(
        &self,
        by: &Administrator,
        token: &str,
        expected: u64,
        confirmed: bool,
    ) -> Result<Registered, AdminError> {
        self.change_key(by, token, expected, confirmed, |_| KeyState::Revoked).await
    }

    /// As [`rotate_key`](Self::rotate_key), but the active keys retire: they are accepted beside the new
    /// one until [`finish_rotation`](Self::finish_rotation), so that no request fails meanwhile.
    ///
    /// # Errors
    ///
    /// As [`rotate_key`](Self::rotate_key), and when too many keys would be in use.
    pub async fn begin_rotation(
        &self,
        by: &Administrator,
        token: &str,
        expected: u64,
        confirmed: bool,
    ) -> Result<Registered, AdminError> {
        let retire = |state| if state == KeyState::Active { KeyState::Retiring } else { state };
        self.change_key(by, token, expected, confirmed, retire).await
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
            return Err(Problem::NoOtherKey.into());
        }
        let revoke = |state| if state == KeyState::Retiring { KeyState::Revoked } else { state };
        let keys = in_states(registered.application.keys(), revoke);
        let application = registered.application.to_builder().keys(keys).build().map_err(Problem::from)?;
        self.replace(by, registered, application, false).await
    }

    async fn change_key(
        &self,
        by: &Administrator,
        token: &str,
        expected: u64,
        confirmed: bool,
        old: impl Fn(KeyState) -> KeyState,
    ) -> Result<Registered, AdminError> {
        if !confirmed {
            return Err(Problem::NotConfirmed.into());
        }
        let pending = self.take(by, token, |pending| pending.replaces_key_of.is_some())?;
        let result = self.change_to_pending(by, &pending, expected, old).await;
        if result.is_err() {
            self.pending.keep(by, pending, self.now());
        }
        result
    }

    async fn change_to_pending(
        &self,
        by: &Administrator,
        pending: &Pending,
        expected: u64,
        old: impl Fn(KeyState) -> KeyState,
    ) -> Result<Registered, AdminError> {
        let document = &pending.fetched.document;
        let registered = self.expected(by, document.application_id().as_str(), expected).await?;
        let new = ApplicationKey::from(document.public_key().clone());
        let mut keys: Vec<_> =
            std::iter::once(new).chain(in_states(registered.application.keys(), old)).collect();
        while keys.len() > MAX_KEPT_KEYS
            && let Some(oldest) = keys.iter().rposition(|key| key.state() == KeyState::Revoked)
        {
            keys.remove(oldest);
        }
        let application = registered.application.to_builder().keys(keys).build().map_err(Problem::from)?;
        self.replace(by, registered, application, false).await
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
