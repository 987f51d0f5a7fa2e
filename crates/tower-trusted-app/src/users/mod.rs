//! User directories that need nothing else: in memory, from a closure, or boxed.

mod boxed;
mod func;
mod memory;

pub use boxed::{BoxUserDirectory, UserDirectoryExt};
pub use func::{UserDirectoryFn, user_directory_fn};
pub use memory::MemoryDirectory;
