//! The name under which an application is registered.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::limits::MAX_APPLICATION_ID_BYTES;
use crate::text::is_invisible;

/// The name under which an application is registered, such as `confluence:4711`.
///
/// Compared byte for byte, so that what cannot be seen is not allowed: 1 to [`MAX_APPLICATION_ID_BYTES`] bytes, no blank
/// at either end, no control characters, no [invisible](crate::text::is_invisible) ones.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationId(Arc<str>);

impl ApplicationId {
    /// Checks and takes an id.
    ///
    /// # Errors
    ///
    /// When it is blank, too long, begins or ends with a blank, or has a character that cannot be seen.
    pub fn new(id: impl Into<Arc<str>>) -> Result<Self, ApplicationIdError> {
        let id = id.into();
        if id.trim().is_empty() {
            Err(ApplicationIdError::Blank)
        } else if id.len() > MAX_APPLICATION_ID_BYTES {
            Err(ApplicationIdError::TooLong)
        } else if id.chars().any(char::is_control) {
            Err(ApplicationIdError::ControlCharacter)
        } else if id.trim() != &*id {
            Err(ApplicationIdError::OuterBlank)
        } else if let Some(character) = invisible_in(&id) {
            Err(ApplicationIdError::Invisible(character))
        } else {
            Ok(Self(id))
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Every request's id is looked at: most have no such letters.
fn invisible_in(id: &str) -> Option<char> {
    if id.is_ascii() { None } else { id.chars().find(|character| is_invisible(*character)) }
}

impl FromStr for ApplicationId {
    type Err = ApplicationIdError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl fmt::Debug for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::borrow::Borrow<str> for ApplicationId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Why a text is no application id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationIdError {
    /// Empty or only blanks.
    #[error("an application id cannot be blank")]
    Blank,
    /// Longer than the limit.
    #[error("an application id is at most {MAX_APPLICATION_ID_BYTES} bytes long")]
    TooLong,
    /// A line end, a tab or another control character.
    #[error("an application id cannot have control characters")]
    ControlCharacter,
    /// A character that cannot be seen, such as a byte order mark.
    #[error("an application id cannot have the invisible character {}", .0.escape_unicode())]
    Invisible(char),
    /// A blank at the beginning or the end.
    #[error("an application id cannot begin or end with a blank")]
    OuterBlank,
}
