//! What kind of error a database's code is of.

/// What kind of error a code is of, as far as that makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The database, the connection or the file takes no changes.
    ReadOnly,
    /// The account lacks a right.
    Rights,
    /// SQLite cannot open the file, or one that it must make beside it.
    CannotOpen,
    /// Any other.
    Other,
}
