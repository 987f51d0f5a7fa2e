//! User directories that need nothing else: in memory, from a closure, or boxed; and what may stand
//! before one: a cache, a [name mapping](names), the host application's log-in policy. [`check_rule_names`]
//! asks a directory about the names in rules.

mod boxed;
mod cache;
mod extension;
mod func;
mod log_in;
mod memory;
pub mod names;
mod rules;

pub use boxed::BoxUserDirectory;
pub use cache::CachedDirectory;
pub use extension::UserDirectoryExt;
pub use func::{UserDirectoryFn, user_directory_fn};
pub use log_in::{LogIn, LogInFn, LogInPolicy, RequireGroup, WithLogInPolicy, log_in_fn};
pub use memory::MemoryDirectory;
pub use rules::{RuleList, RuleNameProblem, check_rule_names};
