//! Whom an application may act as.
//!
//! Asked last, of the user as the directory knows them: the *canonical* name and the directory's own
//! groups, so that no other spelling slips past a rule.

mod caseless;
mod groups;
mod members;
mod policy;
mod rule;

pub use caseless::caseless_eq;
pub use groups::{GroupNameError, GroupNames};
pub use members::Members;
pub use policy::{ActAsPolicy, RuleList};
pub use rule::PermissionRule;
