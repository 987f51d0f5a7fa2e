//! Details that were fetched and wait for an administrator's word.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tower_trusted_app::Timestamp;
use tower_trusted_app::seraph::CertificateDocument;

use super::error::AdminError;
use crate::administrator::Administrator;
use crate::fetch::Fetched;
use crate::hex;

/// How long fetched details wait.
pub const PENDING_FOR: Duration = Duration::from_secs(15 * 60);

/// Most fetched details that wait for one administrator; a further one drives out the oldest.
pub const MAX_PENDING: usize = 8;

/// Most fetched details that wait at all.
const MAX_PENDING_OF_ALL: usize = 1024;

/// Details that were fetched, for the administrator who asked for them.
///
/// A form carries the [`token`](Self::token) only: id and key do not pass through the browser.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pending<T = CertificateDocument> {
    /// The random text by which they are found again, once.
    pub token: String,
    /// What was fetched.
    pub fetched: Fetched<T>,
    /// Until when they wait.
    pub until: Timestamp,
    /// The application whose key they are to replace; `None` if they are to be added.
    pub replaces_key_of: Option<String>,
}

pub(super) struct PendingDetails<T>(Mutex<Waiting<T>>);

type Waiting<T> = VecDeque<(Administrator, Pending<T>)>;

impl<T> Default for PendingDetails<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> PendingDetails<T> {
    pub(super) fn add(
        &self,
        by: &Administrator,
        fetched: Fetched<T>,
        replaces_key_of: Option<String>,
        now: Timestamp,
    ) -> Result<Pending<T>, AdminError> {
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(|error| AdminError::Unavailable(error.to_string().into()))?;
        let (token, until) = (hex::encode(&token), now.saturating_add(PENDING_FOR));
        let pending = Pending { token, fetched, until, replaces_key_of };
        self.keep(by, pending.clone());
        Ok(pending)
    }

    fn keep(&self, by: &Administrator, pending: Pending<T>) {
        let mut all = self.lock();
        if all.iter().filter(|(owner, _)| owner == by).count() >= MAX_PENDING
            && let Some(oldest) = all.iter().position(|(owner, _)| owner == by)
        {
            all.remove(oldest);
        }
        if all.len() >= MAX_PENDING_OF_ALL {
            all.pop_front();
        }
        all.push_back((by.clone(), pending));
    }

    pub(super) fn look(&self, by: &Administrator, token: &str, now: Timestamp) -> Option<Pending<T>> {
        self.live(now).iter().find(|entry| is(entry, by, token)).map(|(_, pending)| pending.clone())
    }

    /// Takes them out, so that of two who use them at once only one has them.
    pub(super) fn take(
        &self,
        by: &Administrator,
        token: &str,
        now: Timestamp,
        fits: impl Fn(&Pending<T>) -> bool,
    ) -> Option<Taken<'_, T>> {
        let mut all = self.live(now);
        let at = all.iter().position(|entry| is(entry, by, token) && fits(&entry.1))?;
        all.remove(at).map(|(by, pending)| Taken { from: self, by, pending, is_used: false })
    }

    fn live(&self, now: Timestamp) -> MutexGuard<'_, Waiting<T>> {
        let mut all = self.lock();
        all.retain(|(_, pending)| pending.until > now);
        all
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waited. It waits again when this is dropped, unless it was used.
pub(super) struct Taken<'a, T: Clone> {
    from: &'a PendingDetails<T>,
    by: Administrator,
    pub(super) pending: Pending<T>,
    pub(super) is_used: bool,
}

impl<T: Clone> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        if !self.is_used {
            self.from.keep(&self.by, self.pending.clone());
        }
    }
}

fn is<T>((owner, pending): &(Administrator, Pending<T>), by: &Administrator, token: &str) -> bool {
    owner == by && pending.token == token
}
