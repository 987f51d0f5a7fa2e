//! What a database said.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx_core::Error;
use sqlx_core::pool::Pool;
use tower_trusted_app::registry::RegistryError;

use crate::cause::Cause;
use crate::dialect::Dialect;
use crate::purpose::Purpose;

/// Why a database did not do what it was asked for: the purpose, the file if it is SQLite, the database's own message
/// and code, and what to do where that is known. It holds no password, and no line of the database's source code.
///
/// A [`RegistryError::NotWritten`] or [`RegistryError::Unavailable`] of this crate has one as its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    purpose: Purpose,
    file: Option<PathBuf>,
    message: String,
    code: Option<String>,
    cause: Cause,
    advice: Option<&'static str>,
}

impl SqlError {
    pub(crate) fn new<D: Dialect>(purpose: Purpose, pool: &Pool<D>, error: &Error) -> Self {
        Self::at::<D>(purpose, D::file(&pool.connect_options()), error)
    }

    pub(crate) fn at<D: Dialect>(purpose: Purpose, file: Option<PathBuf>, error: &Error) -> Self {
        let Error::Database(refusal) = error else {
            let message = error.to_string();
            return Self { purpose, file, message, code: None, cause: Cause::Other, advice: None };
        };
        let code = refusal.code().unwrap_or_default();
        let cause = match (D::cause(&code), &file) {
            // SQLite says so too where it cannot make the log of a file that takes no changes.
            (Cause::CannotOpen, Some(file)) if purpose.writes() && is_there(file) => Cause::ReadOnly,
            (cause, _) => cause,
        };
        Self {
            purpose,
            file,
            message: refusal.message().to_owned(),
            code: Some(D::code_name(&code)).filter(|name| !name.is_empty()),
            cause,
            advice: D::advice(cause, purpose),
        }
    }

    /// What the database was asked for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The database's code: `SQLSTATE 42501`, `SQLITE_READONLY`. None if the error is none of the database's own, such as
    /// a connection that was cut.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether something was to be written that this account may not write, or not over this connection, or not into
    /// this file. What is there can still be read, as far as this error tells.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.purpose.writes() && matches!(self.cause, Cause::ReadOnly | Cause::Rights)
    }
}

/// Whether the file is there and it is not for want of file handles that it cannot be opened. It is not opened to find
/// out: to close it would take away SQLite's locks.
fn is_there(file: &Path) -> bool {
    let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty());
    file.exists() && File::open(directory.unwrap_or(Path::new("."))).is_ok()
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { purpose, file, message, code, advice, .. } = self;
        match (purpose, file) {
            (Purpose::Connect, Some(file)) => write!(f, "opening {}", file.display())?,
            (_, Some(file)) => write!(f, "{purpose} in {}", file.display())?,
            (_, None) => write!(f, "{purpose}")?,
        }
        write!(f, ": {message}")?;
        if let Some(code) = code {
            write!(f, " ({code})")?;
        }
        if let Some(advice) = advice {
            write!(f, "; {advice}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SqlError {}

impl From<SqlError> for RegistryError {
    fn from(error: SqlError) -> Self {
        match error.is_read_only() {
            true => Self::NotWritten(error.into()),
            false => Self::Unavailable(error.into()),
        }
    }
}

/// Why a database has not the schema that this program needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// Its version could not be read.
    #[error(transparent)]
    Unreadable(SqlError),
    /// A newer program has changed it.
    #[error("the schema has version {found}; this program knows {known}: update the program")]
    TooNew {
        /// The version that is there.
        found: u64,
        /// The newest version that this program knows.
        known: u64,
    },
    /// There is none, and it could not be created.
    #[error("there is no schema, and this program needs version {needed}; {error}")]
    Missing {
        /// The version that this program needs.
        needed: u64,
        /// Why it could not be created.
        error: SqlError,
    },
    /// It could not be upgraded.
    #[error("the schema has version {found}, and this program needs version {needed}; {error}")]
    TooOld {
        /// The version that is there.
        found: u64,
        /// The version that this program needs.
        needed: u64,
        /// Why it could not be upgraded.
        error: SqlError,
    },
}

impl From<SchemaError> for RegistryError {
    fn from(error: SchemaError) -> Self {
        Self::Unavailable(error.into())
    }
}
