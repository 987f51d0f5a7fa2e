//! Key stores that need nothing else: in memory, from a closure, from a file, or boxed.

mod applications;
mod boxed;
mod cached;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "file")]
mod file_registry;
mod func;
mod ledger;
mod memory;
mod memory_registry;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(feature = "toml")]
mod toml;
#[cfg(feature = "file")]
mod watch;
#[cfg(feature = "file")]
mod writer;

#[cfg(feature = "toml")]
pub use self::toml::{ParsedApplications, TomlError, parse_applications, write_applications};
pub use boxed::{BoxKeyStore, KeyStoreExt};
pub use cached::{CacheError, CacheStatus, CachedRegistry, CachedRegistryBuilder, ChangeSource, Polling};
#[cfg(feature = "file")]
pub use file::{FileError, FileKeyStore, FileKeyStoreBuilder, FileStatus};
#[cfg(feature = "file")]
pub use file_registry::{FileChangeError, FileRegistry};
pub use func::{KeyStoreFn, NoKeys, key_store_fn};
pub use memory::MemoryKeyStore;
pub use memory_registry::MemoryRegistry;
pub use trusted_app_core::registry::ApplicationConflict;
#[cfg(feature = "file")]
pub use writer::FileWriter;
