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
    let names = Names::open(directory).map_err(told)?;
    let mut new = NamedTempFile::new_in(directory).map_err(told)?;
    new.write_all(bytes).and_then(|()| new.as_file().sync_all()).map_err(told)?;
    let Some(before) = before else {
        // Closed before it has its name: no one then finds it open for writing.
        return match new.into_temp_path().persist_noclobber(path) {
            Ok(()) => {
                names.sync(path);
                Ok(())
            }
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
    names.sync(path);
    Ok(())
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

/// Rejects a file that a process has open for writing: what it has yet to write would be lost.
pub(super) fn check_unwritten(path: &Path) -> Result<(), FileChangeError> {
    let writer = fs::metadata(path).ok().and_then(|metadata| writer_of(path, &metadata, Writers::All));
    match writer {
        None => Ok(()),
        writer => Err(FileChangeError::Busy { path: path.to_owned(), writer }),
    }
}

/// The names in a directory, to be made durable. Opened before one is changed: a change that was made is never reported as
/// one that was not.
struct Names(#[cfg(unix)] File);

impl Names {
    #[cfg(unix)]
    fn open(directory: &Path) -> io::Result<Self> {
        File::open(directory).map(Self)
    }

    #[cfg(not(unix))]
    fn open(_: &Path) -> io::Result<Self> {
        Ok(Self())
    }

    fn sync(&self, path: &Path) {
        #[cfg(unix)]
        if let Err(error) = self.0.sync_all() {
            tracing::warn!(
                target: "trusted_app",
                path = %path.display(),
                %error,
                "a change was written, but may not outlast a power failure"
            );
        }
        #[cfg(not(unix))]
        let _ = path;
    }
}

/// Who could read the old file can read the new one. A change that would not keep that is rejected: a server that
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
    new.set_permissions(of_old.permissions())?;
    #[cfg(target_os = "linux")]
    keep_acl(new, old)?;
    Ok(())
}

/// An access control list (acl(5)) has its mask where the mode has the rights of the group.
#[cfg(target_os = "linux")]
fn keep_acl(new: &File, old: &File) -> io::Result<()> {
    use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
    use rustix::io::Errno;

    const ACL: &str = "system.posix_acl_access";
    const LARGEST: usize = 64 * 1024;
    let mut list = vec![0; LARGEST];
    match fgetxattr(old, ACL, list.as_mut_slice()) {
        Ok(length) => {
            list.truncate(length);
            Ok(fsetxattr(new, ACL, &list, XattrFlags::empty())?)
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};

    use super::*;

    #[test]
    fn an_access_control_list_is_kept() {
        // The owner and user 12345 may read and write, the group nothing; the mask allows both.
        let entries: [(u16, u16, u32); 5] =
            [(1, 6, u32::MAX), (2, 6, 12345), (4, 0, u32::MAX), (16, 6, u32::MAX), (32, 0, u32::MAX)];
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, rights, id) in entries {
            list.extend(tag.to_le_bytes().into_iter().chain(rights.to_le_bytes()).chain(id.to_le_bytes()));
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("apps.toml");
        fs::write(&path, "old").unwrap();
        let name = "system.posix_acl_access";
        if fsetxattr(File::open(&path).unwrap(), name, &list, XattrFlags::empty()).is_err() {
            println!("SKIPPED: this file system has no access control lists");
            return;
        }
        replace(&path, Some(b"old"), b"new").unwrap();
        let mut kept = vec![0; 256];
        let length = fgetxattr(File::open(&path).unwrap(), name, kept.as_mut_slice()).unwrap();
        assert_eq!(kept[..length], list);
    }

    #[test]
    fn a_directory_that_cannot_be_opened_is_noticed_before_the_change() {
        use std::os::unix::fs::PermissionsExt;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("apps.toml");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o300)).unwrap();
        let replaced = replace(&path, Some(b"old"), b"new");
        let kept = if replaced.is_ok() { "new" } else { "old" }; // root opens it
        assert_eq!(fs::read_to_string(&path).unwrap(), kept);
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    }
}
