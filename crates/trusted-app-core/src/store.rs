//! What is plugged in: where applications and users come from, and where it is kept what counts once.

mod count_once;
mod error;
mod fold;
mod key_store;
mod names;
mod replay;
mod user_directory;

pub use count_once::{CountOnce, Unclaimed, count_once};
pub use error::BoxError;
pub use fold::{Exact, FoldedDirectory, FoldedName, NameFold};
pub use key_store::KeyStore;
pub use names::NameLookup;
pub use replay::{ReplayClaim, ReplayId, ReplayOutcome, ReplayStore};
pub use user_directory::{UserDirectory, UserLookup};
