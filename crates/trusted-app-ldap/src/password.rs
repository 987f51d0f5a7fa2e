//! The password of our own account at the server.

use std::fmt;

use zeroize::Zeroizing;

/// Wiped when dropped, and never shown.
#[derive(Clone)]
pub(crate) struct Password(Zeroizing<String>);

impl Password {
    pub(crate) fn new(password: &str) -> Self {
        Self(Zeroizing::new(password.to_owned()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(REDACTED)")
    }
}
