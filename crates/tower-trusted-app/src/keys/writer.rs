//! Which process has a file open for writing.

use std::fmt;
use std::fs::Metadata;
use std::path::Path;

/// A process that has a file open for writing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileWriter {
    /// The number of the process.
    pub pid: u32,
    /// The name of the program.
    pub name: String,
}

impl fmt::Display for FileWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.name)
    }
}

/// Whose handles count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writers {
    /// Every process's.
    All,
    /// Every other process's: our own is about to say itself that the file is complete.
    Others,
}

/// A process that has the file at `path`, which is the one of `metadata`, open for writing.
///
/// Linux says so of the processes whose `/proc/PID/fd` we may read: those of our own account, and for root all, as far
/// as they are in our PID namespace. `None` for all others, and on other systems.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn writer_of(path: &Path, metadata: &Metadata, whose: Writers) -> Option<FileWriter> {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    // Handles are told by the name first: to look at one on a network file system that is away would hang.
    let path = path.canonicalize().ok()?;
    let name = path.file_name()?;
    let is_writer = |process: &Path| {
        let handles = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        handles.map(|handle| handle.path()).any(|handle| {
            fs::read_link(&handle).is_ok_and(|target| target.file_name() == Some(name))
                && fs::metadata(&handle)
                    .is_ok_and(|other| (other.dev(), other.ino()) == (metadata.dev(), metadata.ino()))
                && handle.file_name().is_some_and(|number| {
                    let info = fs::read_to_string(process.join("fdinfo").join(number));
                    info.is_ok_and(|info| may_write(&info))
                })
        })
    };
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut processes = processes.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, entry.path()))
    });
    let counts = |pid| whose == Writers::All || pid != std::process::id();
    let (pid, process) = processes.find(|(pid, process)| counts(*pid) && is_writer(process))?;
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
    Some(FileWriter { pid, name: trusted_app_core::text::escaped(name.trim_end()).to_string() })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn writer_of(_: &Path, _: &Metadata, _: Writers) -> Option<FileWriter> {
    None
}

/// Whether a handle with this `/proc/PID/fdinfo/FD` (proc(5)) may write: the access mode is the last octal digit of
/// `flags`, 0 for reading alone.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn may_write(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & 3 != 0)
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::fs::{self, File, OpenOptions};
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_process_that_has_the_file_open_for_writing_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("apps.toml");
        fs::write(&path, "x").unwrap();
        let metadata = fs::metadata(&path).unwrap();
        let pid_of = |whose| writer_of(&path, &metadata, whose).map(|writer| writer.pid);

        let reading = File::open(&path).unwrap();
        assert_eq!(pid_of(Writers::All), None);
        let appending = OpenOptions::new().append(true).open(&path).unwrap();
        assert_eq!(pid_of(Writers::All), Some(std::process::id()));
        assert_eq!(pid_of(Writers::Others), None);
        drop((reading, appending));
        no_one_writes(&path);

        // Another file of that name.
        let other = tempfile::tempdir().unwrap();
        let _other = File::create(other.path().join("apps.toml")).unwrap();
        no_one_writes(&path);

        let handle = OpenOptions::new().append(true).open(&path).unwrap();
        let mut sleep = Command::new("sleep").arg("60").stdout(handle).spawn().unwrap();
        let found = writer_of(&path, &metadata, Writers::Others).unwrap();
        assert_eq!(found.pid, sleep.id());
        assert!(found.to_string().starts_with(&format!("process {} (", sleep.id())), "{found}");
        sleep.kill().unwrap();
        sleep.wait().unwrap();
        no_one_writes(&path);
    }

    /// A process that another test is just starting has copies of our handles for a moment.
    fn no_one_writes(path: &Path) {
        let metadata = fs::metadata(path).unwrap();
        let start = Instant::now();
        while let Some(writer) = writer_of(path, &metadata, Writers::All) {
            assert!(start.elapsed() < Duration::from_secs(20), "{writer}");
        }
    }

    #[test]
    fn handles_that_only_read_do_not_count() {
        for (info, expected) in [
            ("pos:\t0\nflags:\t0100000\nmnt_id:\t29\n", false),
            ("pos:\t0\nflags:\t0100001\n", true),
            ("pos:\t0\nflags:\t0102002\n", true),
            ("pos:\t0\nflags:\t010000000\n", false),
            ("", false),
            ("flags:\tx", false),
        ] {
            assert_eq!(may_write(info), expected, "{info}");
        }
    }
}
