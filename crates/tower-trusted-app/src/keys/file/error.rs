//! Why a file of applications could not be loaded.

use std::io;
use std::path::PathBuf;

use trusted_app_core::registry::ApplicationConflict;
use trusted_app_core::text::TextError;

use super::super::toml::TomlError;
use super::super::writer::FileWriter;

/// Why a file of applications could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It is missing, or may not be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A process has it open for writing, or it changed while it was read.
    #[error(
        "{} is still being written: {}. It is loaded when it is complete; to change it at once, write a new file beside \
         it and rename that",
        path.display(), writer.as_ref().map_or_else(|| UNSEEN.to_owned(), |writer| format!("{writer} has it open"))
    )]
    StillWritten {
        /// The file.
        path: PathBuf,
        /// Who has it open, if that can be told.
        writer: Option<FileWriter>,
    },
    /// It is no text.
    #[error("{}: {reason}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it is.
        reason: TextError,
    },
    /// It does not describe applications.
    #[error("{}, {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        reason: TomlError,
    },
    /// It ends in the middle of a string, a list or an application.
    #[error("{}, {reason}; the text ends there: complete it, or write it again if it was cut", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// What is missing, and in which line.
        reason: TomlError,
    },
    /// It lists no application any more, and does not say that there are none.
    #[error(
        "{} lists no application any more, so it seems to be cut: write it again, or write `application = []` if there \
         are to be none",
        path.display()
    )]
    NoApplications {
        /// The file.
        path: PathBuf,
    },
    /// An application has our own id or key.
    #[error("{}: {reason}", path.display())]
    Conflict {
        /// The file.
        path: PathBuf,
        /// Which application it is.
        reason: ApplicationConflict,
    },
    /// The thread that would watch it could not be started.
    #[error("cannot watch {}: {reason}", path.display())]
    Unwatched {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
}

const UNSEEN: &str = "it has just changed, or a process that cannot be seen from here has it open";

impl FileError {
    pub(in super::super) fn of_toml(path: PathBuf, reason: TomlError) -> Self {
        if reason.is_at_end() { Self::Cut { path, reason } } else { Self::Invalid { path, reason } }
    }
}
