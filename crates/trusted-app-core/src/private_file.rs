//! Files that hold a private key: who may have access to them, how they are read and how they are written.
//!
//! Those are the only files this crate reads or writes, and only when asked to.

#![expect(clippy::disallowed_types, reason = "the files of private keys")]

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::limits::MAX_PRIVATE_FILE_BYTES;
use crate::text;

/// A file that holds a private key, of one kind or the other: an identity or a signature key.
///
/// On Unix it is read if no one but this process's user has access to it:
///
/// | owner | group | mode |
/// |---|---|---|
/// | this process's user, or root | any | `0600`, `0400` |
/// | root | one of this process's groups | `0640`, `0440` |
///
/// The second row is how a Kubernetes volume looks with `defaultMode: 0440` and an `fsGroup`. A process of root's may
/// also read a file of another user that is open to that user alone. The mode of a terminal does not count, for it
/// keeps nothing. On other systems nothing is checked.
///
/// A path is such a file:
///
/// ```
/// use trusted_app_core::LocalApplication;
/// use trusted_app_core::private_file::{PrivateFile, PrivateFileError};
/// # use std::fs;
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("wiki.pem");
/// # let key = include_str!("../tests/data/private-key-2048.pem");
/// # let key = trusted_app_core::crypto::PrivateKey::from_pkcs8_pem(key)?;
/// # LocalApplication::new("wiki".parse()?, key).store(&path)?;
///
/// let wiki = LocalApplication::load(&path)?;
/// # #[cfg(unix)]
/// # {
/// # use std::os::unix::fs::PermissionsExt;
///
/// fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
/// assert!(LocalApplication::load(&path).is_err());
/// assert!(LocalApplication::load(PrivateFile::new(&path).insecure_permissions()).is_ok());
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PrivateFile {
    path: PathBuf,
    insecure_permissions: bool,
}

impl PrivateFile {
    /// The file at this path.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), insecure_permissions: false }
    }

    /// Reads the file even if others have access to it: for mounts whose owner and mode cannot be changed.
    ///
    /// Every user of the system whom its mode lets in can then take the key, and sign as the application.
    #[must_use]
    pub fn insecure_permissions(mut self) -> Self {
        self.insecure_permissions = true;
        self
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text of the file, as [`text::decode`] reads it. It is overwritten when it is dropped.
    ///
    /// A named pipe is waited for.
    ///
    /// # Errors
    ///
    /// When it cannot be read, has more than [`MAX_PRIVATE_FILE_BYTES`], is no text, or others have access to it.
    pub fn read(&self) -> Result<Zeroizing<String>, PrivateFileError> {
        let path = &self.path;
        let read = |source| PrivateFileError::Read { path: path.clone(), source };
        let file = File::open(path).map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if metadata.is_dir() {
            return Err(read(io::ErrorKind::IsADirectory.into()));
        }
        if !self.insecure_permissions {
            check(path, &metadata)?;
        }
        read_text(file).map_err(read)
    }
}

impl<P: AsRef<Path>> From<P> for PrivateFile {
    fn from(path: P) -> Self {
        Self::new(path)
    }
}

/// The text of a private key from elsewhere, such as standard input. It is overwritten when it is dropped.
///
/// ```
/// use trusted_app_core::private_file::read_text;
///
/// assert_eq!(*read_text(&b"\xef\xbb\xbfApplication-Id: wiki\r\n"[..])?, "Application-Id: wiki\n");
/// assert!(read_text(&b"\xff"[..]).is_err());
/// # Ok::<_, std::io::Error>(())
/// ```
///
/// # Errors
///
/// When it cannot be read, has more than [`MAX_PRIVATE_FILE_BYTES`], or is no text (see [`text::decode`]).
pub fn read_text(input: impl Read) -> io::Result<Zeroizing<String>> {
    // Room for all of it at once: growing would leave a copy of the key behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_PRIVATE_FILE_BYTES + 64));
    let limit = u64::try_from(MAX_PRIVATE_FILE_BYTES).unwrap_or(u64::MAX);
    input.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_PRIVATE_FILE_BYTES {
        let problem = format!("more than {MAX_PRIVATE_FILE_BYTES} bytes, so it holds no key");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    let text = text::decode(std::mem::take(&mut *bytes));
    text.map(Zeroizing::new).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Writes a file that did not exist before, and makes it durable. On Unix no one but its owner has access to it, from
/// the first moment.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    let write = |source| PrivateFileError::Write { path: path.to_owned(), source };
    let mut file = create_private(path).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => PrivateFileError::Exists { path: path.to_owned() },
        _ => write(source),
    })?;
    let written =
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| sync_directory_of(path));
    written.map_err(|source| {
        // What counts is the first error; a file that cannot be written may not be removable.
        let _ = fs::remove_file(path);
        write(source)
    })
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the file's name durable too.
fn sync_directory_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn check(_: &Path, _: &Metadata) -> Result<(), PrivateFileError> {
    Ok(())
}

/// Whether the opened file is open to this process alone.
#[cfg(unix)]
fn check(path: &Path, metadata: &Metadata) -> Result<(), PrivateFileError> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    if metadata.file_type().is_char_device() {
        return Ok(());
    }
    let mode = metadata.mode() & 0o777;
    match Process::current().exposure(mode, metadata.uid(), metadata.gid()) {
        None => Ok(()),
        Some(exposure) => Err(PrivateFileError::Exposed { path: path.to_owned(), mode, exposure }),
    }
}

/// To whom a file is open beside the process that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exposure {
    /// Every user of the system.
    Everyone,
    /// The users of this group.
    Group(u32),
    /// This user, who owns it.
    Owner(u32),
}

/// Who reads.
#[cfg(unix)]
struct Process {
    user: u32,
    groups: Vec<u32>,
}

#[cfg(unix)]
impl Process {
    const ROOT: u32 = 0;

    fn current() -> Self {
        // Fewer groups let less in.
        let mut groups = rustix::process::getgroups().unwrap_or_default();
        groups.push(rustix::process::getegid());
        Self {
            user: rustix::process::geteuid().as_raw(),
            groups: groups.into_iter().map(rustix::process::Gid::as_raw).collect(),
        }
    }

    fn exposure(&self, mode: u32, owner: u32, group: u32) -> Option<Exposure> {
        let of_group = mode & 0o070;
        let may_group = of_group == 0o040 && owner == Self::ROOT && self.groups.contains(&group);
        if mode & 0o007 != 0 {
            Some(Exposure::Everyone)
        } else if of_group != 0 && !may_group {
            Some(Exposure::Group(group))
        } else if owner != self.user && owner != Self::ROOT && self.user != Self::ROOT {
            Some(Exposure::Owner(owner))
        } else {
            None
        }
    }
}

/// Why the file of a private key could not be read or written. It never carries key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateFileError {
    /// It cannot be read, is too long, or is no text.
    #[error("cannot read the private key in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said; for a text that is none the source is a [`TextError`](text::TextError).
        source: io::Error,
    },
    /// It cannot be written. No half of it is left behind.
    #[error("cannot write the private key to {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file stands where one should be written. A private key is never overwritten: it could not be had again.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others have access to the file.
    #[error("the private key in {} is open to {}", path.display(), cure(path, *mode, *exposure))]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// To whom it is open.
        exposure: Exposure,
    },
}

/// To whom it is open, and what to do about it.
fn cure(path: &Path, mode: u32, exposure: Exposure) -> String {
    let file = path.display();
    let chmod = format!("run `chmod 600 {file}`");
    let (whom, first) = match exposure {
        Exposure::Everyone => ("every user".to_owned(), chmod),
        Exposure::Group(group) => (
            format!(
                "group {group}, which may read a key but never write it, and only if root owns the file and this process is in the group"
            ),
            chmod,
        ),
        Exposure::Owner(owner) => (
            format!("user {owner}, who owns the file"),
            format!("run `chown` to give `{file}` to this process's user"),
        ),
    };
    format!(
        "{whom} (mode {mode:03o}): {first}; for a Kubernetes volume write `defaultMode: 0440` and an `fsGroup`; where \
         neither can be done, accept it by `insecure_permissions` (`--insecure-permissions` on the command line)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_text_is_read_as_its_writer_meant_it() {
        let directory = directory();
        let path = directory.path().join("key");
        create(&path, "\u{feff}a\r\nb\n").unwrap();
        assert_eq!(*PrivateFile::new(&path).read().unwrap(), "a\nb\n");
        for (bytes, why) in [
            (vec![b'a'; MAX_PRIVATE_FILE_BYTES + 1], "more than 65536 bytes, so it holds no key"),
            (b"\xff".to_vec(), "byte 0 is not UTF-8: save the file as UTF-8"),
            (b"a\0".to_vec(), "byte 1 is NUL: it is no text, or it was not written completely"),
        ] {
            fs::write(&path, bytes).unwrap();
            match PrivateFile::new(&path).read() {
                Err(PrivateFileError::Read { source, .. }) => assert_eq!(source.to_string(), why),
                other => panic!("{other:?}"),
            }
        }
        fs::write(&path, vec![b'a'; MAX_PRIVATE_FILE_BYTES]).unwrap();
        assert_eq!(PrivateFile::new(&path).read().unwrap().len(), MAX_PRIVATE_FILE_BYTES);
    }

    #[test]
    fn no_file_is_overwritten_and_no_directory_is_one() {
        let directory = directory();
        let path = directory.path().join("key");
        create(&path, "a").unwrap();
        assert!(matches!(create(&path, "b"), Err(PrivateFileError::Exists { .. })));
        assert_eq!(*PrivateFile::new(&path).read().unwrap(), "a");
        let missing = directory.path().join("no").join("key");
        assert!(matches!(create(&missing, "a"), Err(PrivateFileError::Write { .. })));
        assert!(matches!(PrivateFile::new(&missing).read(), Err(PrivateFileError::Read { .. })));
        // Whatever its mode: no one is told to take the rights from a directory.
        assert!(matches!(PrivateFile::new(directory.path()).read(), Err(PrivateFileError::Read { .. })));
    }

    /// Every mode, for each owner and group that a file can have.
    #[cfg(unix)]
    #[test]
    fn who_may_have_access_to_a_private_key() {
        const ME: u32 = 1000;
        const OTHER: u32 = 1001;
        const ROOT: u32 = 0;
        const OURS: u32 = 2000;
        const THEIRS: u32 = 3000;
        let me = Process { user: ME, groups: vec![ME, OURS] };
        let root = Process { user: ROOT, groups: vec![ROOT, OURS] };
        let fine = None;
        let by_group = |group| Some(Exposure::Group(group));
        let by_owner = Some(Exposure::Owner(OTHER));
        for (process, mode, owner, group, expected) in [
            (&me, 0o600, ME, OURS, fine),
            (&me, 0o400, ME, THEIRS, fine),
            (&me, 0o700, ME, OURS, fine),
            (&me, 0o000, ME, OURS, fine),
            (&me, 0o640, ME, OURS, by_group(OURS)),
            (&me, 0o440, ME, OURS, by_group(OURS)),
            (&me, 0o440, ME, ME, by_group(ME)),
            (&me, 0o440, ROOT, OURS, fine),
            (&me, 0o640, ROOT, OURS, fine),
            (&me, 0o400, ROOT, OURS, fine),
            (&me, 0o440, ROOT, THEIRS, by_group(THEIRS)),
            (&me, 0o640, ROOT, ROOT, by_group(ROOT)),
            (&me, 0o440, OTHER, OURS, by_group(OURS)),
            (&me, 0o460, ROOT, OURS, by_group(OURS)),
            (&me, 0o660, ROOT, OURS, by_group(OURS)),
            (&me, 0o650, ROOT, OURS, by_group(OURS)),
            (&me, 0o620, ME, OURS, by_group(OURS)),
            (&me, 0o600, OTHER, OURS, by_owner),
            (&root, 0o600, ROOT, ROOT, fine),
            (&root, 0o600, OTHER, THEIRS, fine),
            (&root, 0o440, ROOT, OURS, fine),
            (&root, 0o640, ROOT, THEIRS, by_group(THEIRS)),
            (&root, 0o640, OTHER, OURS, by_group(OURS)),
        ] {
            let found = process.exposure(mode, owner, group);
            assert_eq!(found, expected, "{mode:03o} {owner}:{group} for {}", process.user);
        }
        for mode in (0..0o1000).filter(|mode| mode & 0o007 != 0) {
            for (process, owner) in [(&me, ME), (&me, ROOT), (&me, OTHER), (&root, ROOT)] {
                assert_eq!(process.exposure(mode, owner, OURS), Some(Exposure::Everyone), "{mode:03o}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_exposed_file_is_read_only_by_insecure_permissions() {
        use std::os::unix::fs::PermissionsExt;

        let directory = directory();
        let path = directory.path().join("key");
        create(&path, "a").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o600, 0o400, 0o644, 0o444, 0o604, 0o660, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match PrivateFile::new(&path).read() {
                Ok(_) => assert!(mode & 0o077 == 0, "{mode:03o}"),
                Err(error) => {
                    assert!(mode & 0o077 != 0, "{mode:03o}: {error}");
                    let (text, file) = (error.to_string(), path.display());
                    for part in [
                        &format!("(mode {mode:03o}): run `chmod 600 {file}`"),
                        "`defaultMode: 0440` and an `fsGroup`",
                        "`insecure_permissions`",
                    ] {
                        assert!(text.contains(part), "{text}");
                    }
                }
            }
            assert_eq!(*PrivateFile::new(&path).insecure_permissions().read().unwrap(), "a");
        }
    }

    /// As an `fsGroup` leaves it: root owns it, and the group is one of the process's. Only root can set that up.
    #[cfg(unix)]
    #[test]
    fn a_mounted_secret_is_read() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};

        let directory = directory();
        let path = directory.path().join("key");
        create(&path, "a").unwrap();
        let made = fs::metadata(&path).unwrap();
        if made.uid() != Process::ROOT || !Process::current().groups.contains(&made.gid()) {
            return;
        }
        for (mode, reads) in [(0o440, true), (0o640, true), (0o460, false), (0o444, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(PrivateFile::new(&path).read().is_ok(), reads, "{mode:03o}");
        }
    }

    /// A terminal has mode 620, and is no file that keeps a key.
    #[cfg(unix)]
    #[test]
    fn the_mode_of_a_device_does_not_count() {
        assert_eq!(*PrivateFile::new("/dev/null").read().unwrap(), "");
    }
}
