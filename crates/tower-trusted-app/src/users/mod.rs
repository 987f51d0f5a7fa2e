//! User directories that need nothing else: in memory, from a closure, or boxed; and what may stand
//! before one: the host application's log-in policy.

mod boxed;
mod func;
mod log_in;
mod memory;

pub use boxed::{BoxUserDirectory, UserDirectoryExt};
pub use func::{UserDirectoryFn, user_directory_fn};
pub use log_in::{LogIn, LogInFn, LogInPolicy, RequireGroup, WithLogInPolicy, log_in_fn};
pub use memory::MemoryDirectory;
