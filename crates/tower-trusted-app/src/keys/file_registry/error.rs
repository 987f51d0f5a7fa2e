//! Why a change was not written to a file of applications.

use std::io;
use std::path::{Path, PathBuf};

use super::super::file::FileError;
use super::super::writer::FileWriter;

/// Why a change was not written to a file of applications: the source of the [`RegistryError::NotWritten`] of a
/// [`FileRegistry`](super::FileRegistry). The file is then as it was.
///
/// [`RegistryError::NotWritten`]: trusted_app_core::registry::RegistryError::NotWritten
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileChangeError {
    /// The file is a mount of its own, as a single file of a container is.
    #[error(
        "{} is a mount of its own and cannot be replaced ({reason}): mount the directory {} and not the file",
        path.display(), directory_of(path).display()
    )]
    Mount {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// This account may not write where the file is, or not hand the new file to the owner of the old one.
    #[error(
        "{} cannot be replaced ({reason}): the directory {} must be writable by this account, and the file must be its \
         own",
        path.display(), directory_of(path).display()
    )]
    Forbidden {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// The file system is mounted read-only.
    #[error("{} is on a read-only file system ({reason}): mount the directory writable", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// There is no room for the new file beside the old one.
    #[error(
        "there is no room for the new {} ({reason}): free some in {}",
        path.display(), directory_of(path).display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// The file was changed by something else, and was read again.
    #[error(
        "{} was changed in the meantime and has been read again: look at the applications as they are now, and repeat \
         the change",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file was changed by something else, and cannot be read as it is now.
    #[error("the file was changed in the meantime and cannot be used as it is now: {reason}")]
    Unusable {
        /// Why not.
        #[from]
        reason: FileError,
    },
    /// Something else is changing the file.
    #[error(
        "{} is being changed by {}: repeat the change when that is done",
        path.display(), writer.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string)
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// What is, if that can be told.
        writer: Option<FileWriter>,
    },
    /// Another fault of the system.
    #[error("cannot write {}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
}

impl FileChangeError {
    pub(super) fn of_io(path: &Path, reason: io::Error) -> Self {
        let path = path.to_owned();
        match reason.kind() {
            io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => Self::Mount { path, reason },
            io::ErrorKind::PermissionDenied => Self::Forbidden { path, reason },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, reason },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path, reason },
            _ => Self::Io { path, reason },
        }
    }
}

/// The directory that a file is in.
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_names_its_cure() {
        for (kind, cure) in [
            (io::ErrorKind::ResourceBusy, "mount the directory /etc/tracker and not the file"),
            (io::ErrorKind::CrossesDevices, "mount the directory /etc/tracker and not the file"),
            (io::ErrorKind::PermissionDenied, "the directory /etc/tracker must be writable by this account"),
            (io::ErrorKind::ReadOnlyFilesystem, "mount the directory writable"),
            (io::ErrorKind::StorageFull, "free some in /etc/tracker"),
            (io::ErrorKind::QuotaExceeded, "free some in /etc/tracker"),
            (io::ErrorKind::InvalidInput, "cannot write /etc/tracker/apps.toml: "),
        ] {
            let error = FileChangeError::of_io(Path::new("/etc/tracker/apps.toml"), kind.into()).to_string();
            assert!(error.contains(cure) && error.contains("/etc/tracker/apps.toml"), "{error}");
        }
        assert_eq!(directory_of(Path::new("apps.toml")), Path::new("."));
    }
}
