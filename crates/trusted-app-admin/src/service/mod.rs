//! The administration itself, without HTTP.

mod add;
mod administration;
mod change;
mod difference;
mod edit;
mod error;
mod fetches;
pub(crate) mod field;
mod field_error;
mod import;
mod owners;
mod pending;
mod reconcile;
mod refresh;
mod request;
mod rotation;
mod thumbprint_groups;
#[cfg(any(feature = "pages", feature = "api"))]
mod written;

pub use administration::{Administration, version_of};
pub use difference::{Changed, ChangedKeys};
pub use edit::{ApplicationEdit, DEFAULT_PATHS, MAX_NAME};
pub use error::AdminError;
pub use fetches::{DirectoryStatus, REFRESH_PAUSE, STALE_AFTER};
pub use field_error::FieldError;
pub use import::{Exported, ImportOptions, Imported};
pub use pending::{MAX_PENDING, PENDING_FOR, Pending};
pub use refresh::{REFRESHER, Refreshed};
pub use thumbprint_groups::thumbprint_groups;
