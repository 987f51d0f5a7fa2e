//! Which rule rejected a user.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Which rule rejected: for the log and the audit, never for the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PermissionRule {
    /// The directory: the user exists but may not log in.
    Disabled,
    /// The directory: the name could mean more than one user.
    Ambiguous,
    /// The host application's own log-in policy, in its own words.
    LogIn(Cow<'static, str>),
    /// The application's policy denies this user.
    DeniedUser,
    /// The application's policy denies a group that the user is in.
    DeniedGroup(Arc<str>),
    /// The application may not act as an administrator, and the user is one.
    Administrator,
    /// The application may act as some users only, and this is none of them.
    NotAllowed,
    /// The application may only read.
    ReadOnly,
}

impl PermissionRule {
    /// A short name, such as `denied-group`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Ambiguous => "ambiguous",
            Self::LogIn(_) => "log-in",
            Self::DeniedUser => "denied-user",
            Self::DeniedGroup(_) => "denied-group",
            Self::Administrator => "administrator",
            Self::NotAllowed => "not-allowed",
            Self::ReadOnly => "read-only",
        }
    }

    /// What an operator may do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Disabled => "the directory says that the user may not log in",
            Self::Ambiguous => {
                "the name could mean more than one user, and nobody guesses: rename one, or map the name by a table"
            }
            Self::LogIn(_) => "this service's own log-in policy refuses the user",
            Self::DeniedUser | Self::DeniedGroup(_) => {
                "the application's `act_as` denies the user; what is denied wins"
            }
            Self::Administrator => {
                "the application may not act as an administrator; `insecure_administrators` lets it"
            }
            Self::NotAllowed => "add the user or one of their groups to the application's `act_as`",
            Self::ReadOnly => "the application's `act_as` is read-only, and this method is not safe",
        }
    }
}

/// The short name and, after a colon, what it turned on.
impl fmt::Display for PermissionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.as_str();
        match self {
            Self::LogIn(reason) => write!(f, "{name}: {reason}"),
            Self::DeniedGroup(group) => write!(f, "{name}: {group}"),
            _ => f.write_str(name),
        }
    }
}
