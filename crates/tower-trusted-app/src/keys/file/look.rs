//! One look at a file.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::super::writer::{FileWriter, Writers, writer_of};

/// The SHA-256 of a file's content, or why there was none.
pub(super) type Content = Result<[u8; 32], io::ErrorKind>;

/// What a file was at one look.
pub(super) struct Look {
    pub(super) bytes: io::Result<Vec<u8>>,
    metadata: Option<Metadata>,
    pub(super) seen: Seen,
}

/// All by which a file that is still being written differs from itself a moment later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) content: Content,
    stat: Option<Stat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    length: u64,
    modified: Option<SystemTime>,
    /// Device and inode.
    file: (u64, u64),
}

impl Look {
    pub(super) fn at(path: &Path) -> Self {
        // First: what is written after it makes the next look differ.
        let metadata = fs::metadata(path).ok();
        let bytes = fs::read(path);
        let content = match &bytes {
            Ok(bytes) => Ok(Sha256::digest(bytes).into()),
            Err(error) => Err(error.kind()),
        };
        Self { bytes, seen: Seen { content, stat: metadata.as_ref().map(stat) }, metadata }
    }

    /// A process that has the file open for writing.
    pub(super) fn writer(&self, path: &Path, whose: Writers) -> Option<FileWriter> {
        writer_of(path, self.metadata.as_ref()?, whose)
    }

    /// Whether the file has not been touched since.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        fs::metadata(path).ok().as_ref().map(stat) == self.seen.stat
    }
}

fn stat(metadata: &Metadata) -> Stat {
    #[cfg(unix)]
    let file = {
        use std::os::unix::fs::MetadataExt;
        (metadata.dev(), metadata.ino())
    };
    #[cfg(not(unix))]
    let file = (0, 0);
    Stat { length: metadata.len(), modified: metadata.modified().ok(), file }
}
