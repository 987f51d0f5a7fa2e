//! Applications as JSON.

use serde::{Deserialize, Serialize};
use tower_trusted_app::application::ApplicationKey;
use tower_trusted_app::crypto;
use tower_trusted_app::keys::write_applications;
use tower_trusted_app::registry::{self, Registered, Stamp};
use utoipa::ToSchema;

use crate::service::{ApplicationEdit, FieldError};

/// The fields of an application that can be edited.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Conditions {
    /// The name for people.
    name: String,
    /// How old a request may be when it arrives, in milliseconds; positive.
    timeout_ms: i64,
    /// Address patterns such as `10.1.*.*`, `10.0.0.0/8` or `2001:db8::/32`; or only `any`.
    addresses: Vec<String>,
    /// Path patterns: prefixes, `subtree:/rest` or `rpc:package.Service/*`; or only `any`.
    paths: Vec<String>,
}

impl Conditions {
    pub(super) fn of(edit: &ApplicationEdit) -> Self {
        Self {
            name: edit.name.clone(),
            timeout_ms: i64::try_from(edit.timeout.as_millis()).unwrap_or(i64::MAX),
            addresses: edit.written_addresses(),
            paths: edit.written_paths(),
        }
    }

    pub(super) fn read(&self) -> Result<ApplicationEdit, Vec<FieldError>> {
        let timeout = self.timeout_ms.try_into().map_err(|_| FieldError::Timeout);
        let (addresses, paths) = (self.addresses.iter(), self.paths.iter());
        ApplicationEdit::read(&self.name, timeout, addresses.map(String::as_str), paths.map(String::as_str))
    }
}

/// An application.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Application {
    id: String,
    /// Raised by every change; also the entity tag.
    version: u64,
    conditions: Conditions,
    keys: Vec<Key>,
    /// Its keys for HTTP message signatures.
    signature_keys: Vec<SignatureKey>,
    /// From where these are fetched.
    key_directory: Option<String>,
    schemes: Vec<String>,
    /// Every field, as TOML.
    toml: String,
    /// What is allowed but hardly meant.
    warnings: Vec<String>,
    created: When,
    updated: When,
}

/// A public key.
#[derive(Debug, Serialize, ToSchema)]
struct Key {
    /// Its SHA-256.
    fingerprint: String,
    #[schema(value_type = State)]
    state: String,
}

/// A public key for HTTP message signatures.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignatureKey {
    /// The SHA-256 of its JWK (RFC 7638).
    thumbprint: String,
    /// Such as `ed25519`.
    algorithm: String,
    #[schema(value_type = State)]
    state: String,
    #[schema(format = DateTime)]
    not_before: Option<String>,
    #[schema(format = DateTime)]
    not_after: Option<String>,
}

impl From<&ApplicationKey<crypto::SignatureKey>> for SignatureKey {
    fn from(key: &ApplicationKey<crypto::SignatureKey>) -> Self {
        let public = key.public_key();
        Self {
            thumbprint: public.thumbprint().to_string(),
            algorithm: public.algorithm().to_string(),
            state: key.state().to_string(),
            not_before: key.not_before().map(|at| at.to_rfc3339()),
            not_after: key.not_after().map(|at| at.to_rfc3339()),
        }
    }
}

/// Where a key stands in the rotation.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum State {
    Next,
    Active,
    Retiring,
    Revoked,
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

impl From<&Registered> for Application {
    fn from(registered: &Registered) -> Self {
        let application = &registered.application;
        let keys = application.keys().iter();
        Self {
            id: application.id().to_string(),
            version: registered.version,
            conditions: Conditions::of(&ApplicationEdit::of(application)),
            keys: keys
                .map(|key| Key {
                    fingerprint: key.fingerprint().to_string(),
                    state: key.state().as_str().to_owned(),
                })
                .collect(),
            signature_keys: application.signature_keys().iter().map(SignatureKey::from).collect(),
            key_directory: application.key_directory().map(str::to_owned),
            schemes: application.schemes().iter().map(ToString::to_string).collect(),
            toml: write_applications([&**application]),
            warnings: application.warnings().iter().map(ToString::to_string).collect(),
            created: (&registered.created).into(),
            updated: (&registered.updated).into(),
        }
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
