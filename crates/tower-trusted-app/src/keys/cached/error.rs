//! Why a cache cannot tell.

use std::sync::Arc;
use std::time::Duration;

use trusted_app_core::registry::Broken;

/// Why a cache cannot tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The registry has not answered for longer than is allowed.
    #[error("the applications were last read {age:?} ago, which is too long: is the registry down?")]
    TooOld {
        /// How long ago.
        age: Duration,
    },
    /// This one application cannot be read.
    #[error(transparent)]
    Broken(Arc<Broken>),
}
