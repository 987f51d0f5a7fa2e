//! Applications as JSON.

use serde::{Deserialize, Serialize};
use tower_trusted_app::application::{RuleDescription, ShownApplication};
use tower_trusted_app::registry::{self, Registered, Stamp};
use utoipa::ToSchema;

use super::schema;
use crate::service::{ApplicationEdit, FieldError};

/// The fields of an application that can be edited.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit {
    /// The name for people.
    pub(super) name: String,
    /// How old a request may be when it arrives, in milliseconds; positive.
    pub(super) timeout_ms: i64,
    /// Address patterns such as `10.1.*.*`, `10.0.0.0/8` or `2001:db8::/32`; or `any`.
    #[schema(value_type = schema::RuleDescription)]
    pub(super) addresses: RuleDescription,
    /// Path patterns: prefixes, `subtree:/rest` or `rpc:package.Service/*`; or `any`.
    #[schema(value_type = schema::RuleDescription)]
    pub(super) paths: RuleDescription,
}

impl Edit {
    pub(super) fn of(edit: &ApplicationEdit) -> Self {
        Self {
            name: edit.name.clone(),
            timeout_ms: i64::try_from(edit.timeout.as_millis()).unwrap_or(i64::MAX),
            addresses: rule(edit.addresses.patterns()),
            paths: rule(edit.paths.patterns()),
        }
    }

    pub(super) fn read(&self) -> Result<ApplicationEdit, Vec<FieldError>> {
        let timeout = self.timeout_ms.try_into().map_err(|_| FieldError::Timeout);
        ApplicationEdit::read(&self.name, timeout, &self.addresses, &self.paths)
    }
}

fn rule<T: ToString>(patterns: Option<&[T]>) -> RuleDescription {
    patterns.map_or(RuleDescription::Any, |patterns| patterns.iter().map(ToString::to_string).collect())
}

/// A registered application.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Application {
    #[serde(flatten)]
    #[schema(value_type = schema::ShownApplication)]
    application: ShownApplication,
    /// Raised by every change; also the entity tag.
    version: u64,
    created: When,
    updated: When,
}

impl From<&Registered> for Application {
    fn from(registered: &Registered) -> Self {
        Self {
            application: (&*registered.application).into(),
            version: registered.version,
            created: (&registered.created).into(),
            updated: (&registered.updated).into(),
        }
    }
}

/// When, and by whom.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct When {
    #[schema(format = DateTime)]
    at: String,
    by: String,
}

impl From<&Stamp> for When {
    fn from(stamp: &Stamp) -> Self {
        Self { at: stamp.at.to_rfc3339(), by: stamp.by.to_string() }
    }
}

/// What cannot be read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Broken {
    /// What stands where its id should.
    id: String,
    version: u64,
    reason: String,
}

impl From<&registry::Broken> for Broken {
    fn from(broken: &registry::Broken) -> Self {
        Self { id: broken.id.clone(), version: broken.version, reason: broken.reason.clone() }
    }
}
