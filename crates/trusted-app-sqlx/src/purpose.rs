//! What a database is asked for.

use std::fmt;

/// What a database was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// A connection.
    Connect,
    /// The version of the schema that is there.
    ReadSchema,
    /// The schema, where there was none.
    CreateSchema,
    /// A newer version of the schema.
    UpgradeSchema,
    /// Applications.
    ReadApplications,
    /// Entries of the log of changes, or the number of the last one.
    ReadChanges,
    /// Recorded decisions.
    ReadDecisions,
    /// To add, replace or remove an application.
    ChangeApplications,
    /// To record decisions.
    RecordDecisions,
    /// To tell of changes.
    Listen,
    /// The users whom a name may mean.
    FindUser,
    /// The groups of a user.
    FindGroups,
}

impl Purpose {
    /// Such as `reading the applications`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::ReadSchema => "reading the schema's version",
            Self::CreateSchema => "creating the schema",
            Self::UpgradeSchema => "upgrading the schema",
            Self::ReadApplications => "reading the applications",
            Self::ReadChanges => "reading the log of changes",
            Self::ReadDecisions => "reading the recorded decisions",
            Self::ChangeApplications => "changing the applications",
            Self::RecordDecisions => "recording decisions",
            Self::Listen => "listening for changes",
            Self::FindUser => "finding a user",
            Self::FindGroups => "finding a user's groups",
        }
    }

    pub(crate) const fn writes(self) -> bool {
        matches!(
            self,
            Self::CreateSchema | Self::UpgradeSchema | Self::ChangeApplications | Self::RecordDecisions
        )
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
