//! Key stores that need nothing else: in memory, from a closure, from a file, or boxed.

mod applications;
mod boxed;
#[cfg(feature = "file")]
mod file;
mod func;
mod memory;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(feature = "file")]
mod toml;
#[cfg(feature = "file")]
mod watch;

#[cfg(feature = "file")]
pub use self::toml::{ParsedApplications, TomlError, parse_applications};
pub use applications::ApplicationConflict;
pub use boxed::{BoxKeyStore, KeyStoreExt};
#[cfg(feature = "file")]
pub use file::{FileError, FileKeyStore, FileKeyStoreBuilder, FileStatus};
pub use func::{KeyStoreFn, key_store_fn};
pub use memory::MemoryKeyStore;
