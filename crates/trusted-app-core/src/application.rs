//! Who is trusted: an application's id, name, keys, conditions and schemes.

mod builder;
#[cfg(feature = "serde")]
mod description;
mod directory_path;
mod error;
mod id;
mod key;
mod request_conditions;
mod scheme;
mod trusted;
mod warning;
mod widening;

pub use builder::TrustedApplicationBuilder;
#[cfg(feature = "serde")]
pub use description::{
    ActAsDescription, ApplicationDescription, DescriptionError, DescriptionProblem, FieldSegment,
    KeyDescription, RuleDescription, ShownApplication, ShownKey,
};
pub use directory_path::DIRECTORY_PATH;
pub use error::ApplicationError;
pub use id::{ApplicationId, ApplicationIdError};
pub use key::{ApplicationKey, KeyState, KeyStateError};
pub use request_conditions::RequestConditions;
pub use scheme::{Scheme, SchemeError};
pub use trusted::TrustedApplication;
pub use warning::{ApplicationWarning, WarningPart};
pub use widening::{WidenedRule, Widening};
