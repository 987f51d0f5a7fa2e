//! Putting a file in the place of another.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use fs4::FileExt;
use tempfile::NamedTempFile;

use super::super::writer::{Writers, writer_of};
use super::error::{FileChangeError, directory_of};

/// Puts a file in the place of one that has other content, or of none.
pub(super) fn replace(path: &Path, before: Option<&[u8]>, bytes: &[u8]) -> Result<(), FileChangeError> {
    let told = |reason| FileChangeError::of_io(path, reason);
    let directory = directory_of(path);
    let mut new = NamedTempFile::new_in(directory).map_err(told)?;
    new.write_all(bytes).and_then(|()| new.as_file().sync_all()).map_err(told)?;
    let Some(before) = before else {
        // Closed before it has its name: no one then finds it open for writing.
        return match new.into_temp_path().persist_noclobber(path) {
            Ok(()) => sync(directory).map_err(told),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(FileChangeError::Busy { path: path.to_owned(), writer: None })
            }
            Err(failed) => Err(told(failed.error)),
        };
    };
    // Held until the end.
    let old = Locked::new(path)?;
    if fs::read(path).map_err(told)? != before {
        return Err(FileChangeError::Busy { path: path.to_owned(), writer: None });
    }
    check_unwritten(path)?;
    keep_access(new.as_file(), &old.0).map_err(told)?;
    new.into_temp_path().persist(path).map_err(|failed| told(failed.error))?;
    sync(directory).map_err(told)
}

/// A file on which no one else works in this way.
struct Locked(File);

impl Locked {
    fn new(path: &Path) -> Result<Self, FileChangeError> {
        let file = File::open(path).map_err(|reason| FileChangeError::of_io(path, reason))?;
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Self(file)),
            Err(_) => Err(FileChangeError::Busy { path: path.to_owned(), writer: None }),
        }
    }
}

impl Drop for Locked {
    /// To close it would not do: a process that is being started has a copy of the handle, and the lock with it.
    fn drop(&mut self) {
        let _ = FileExt::unlock(&self.0);
    }
}

/// Refuses a file that a process has open for writing: what it has yet to write would be lost.
pub(super) fn check_unwritten(path: &Path) -> Result<(), FileChangeError> {
    let writer = fs::metadata(path).ok().and_then(|metadata| writer_of(path, &metadata, Writers::All));
    match writer {
        None => Ok(()),
        writer => Err(FileChangeError::Busy { path: path.to_owned(), writer }),
    }
}

/// Makes the names in a directory durable, as its files are already.
fn sync(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

/// Who could read the old file can read the new one. A change that would not keep that is refused: a server that
/// cannot read it would go on with the old one.
fn keep_access(new: &File, old: &File) -> io::Result<()> {
    let of_old = old.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let of_new = new.metadata()?;
        if (of_new.uid(), of_new.gid()) != (of_old.uid(), of_old.gid()) {
            fchown(new, Some(of_old.uid()), Some(of_old.gid()))?;
        }
    }
    new.set_permissions(of_old.permissions())
}
