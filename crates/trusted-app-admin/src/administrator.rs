//! Who may administer.

use std::sync::Arc;

/// Somebody who was found to be an administrator of trusted applications.
///
/// Whoever can make one vouches for it: every operation of the
/// [service](crate::service::Administration) takes one, and a site makes one only of what its guard
/// answers. The name stands in the log of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    name: Arc<str>,
    session: Option<Arc<str>>,
}

impl Administrator {
    /// The administrator of that name.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), session: None }
    }

    /// Binds what a page hands out, such as the token against forged requests, to one log-in of the
    /// administrator: a text that changes with each log-in, and that is never shown.
    #[must_use]
    pub fn with_session(self, session: impl Into<Arc<str>>) -> Self {
        Self { session: Some(session.into()), ..self }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The log-in, if it was stated.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }
}
