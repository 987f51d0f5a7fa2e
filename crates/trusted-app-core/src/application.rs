//! Who is trusted: an application's id, name, keys, conditions and schemes.

mod builder;
mod error;
mod id;
mod key;
mod request_conditions;
mod scheme;
mod trusted;
mod warning;
mod widening;

pub use builder::TrustedApplicationBuilder;
pub use error::ApplicationError;
pub use id::{ApplicationId, ApplicationIdError};
pub use key::{ApplicationKey, KeyState, KeyStateError};
pub use request_conditions::RequestConditions;
pub use scheme::{Scheme, SchemeError};
pub use trusted::TrustedApplication;
pub use warning::{ApplicationWarning, WarningPart};
pub use widening::{WidenedRule, Widening};
