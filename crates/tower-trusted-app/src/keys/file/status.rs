//! How a file stands.

use std::time::SystemTime;

/// How the last attempts to load a file went.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FileStatus {
    /// How many times the file was loaded, the first time included.
    pub generation: u64,
    /// When the present applications were loaded.
    pub loaded_at: SystemTime,
    /// Why the file as it is now could not be loaded; `None` if it is what is in use.
    pub last_error: Option<String>,
}
