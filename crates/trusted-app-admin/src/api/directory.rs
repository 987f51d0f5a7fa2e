//! Key directories as JSON.

use serde::{Deserialize, Serialize};
use tower_trusted_app::application::ApplicationKey;
use tower_trusted_app::{crypto, httpsig};
use utoipa::ToSchema;

use super::model::{Application, Conditions, State};
use crate::fetch::FetchedDirectory;
use crate::service::{ApplicationForm, Pending, Refreshed};

/// A key directory that waits for 15 minutes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DirectoryDetails {
    /// By which it is found again, once.
    pending: String,
    /// The id that the application gets: the host of the directory.
    id: String,
    /// Its keys, for a comparison by another way.
    keys: Vec<SignatureKey>,
    /// Its entries that give no key.
    skipped_keys: Vec<SkippedKey>,
    /// From where it came.
    url: String,
    /// Whether an attacker on the way could have put in other keys.
    without_tls: bool,
    /// Until when it waits.
    #[schema(format = DateTime)]
    until: String,
    /// What is proposed.
    proposed: Conditions,
}

impl From<&Pending<FetchedDirectory>> for DirectoryDetails {
    fn from(pending: &Pending<FetchedDirectory>) -> Self {
        let fetched = &pending.fetched;
        let keys = fetched.directory.keys().iter().cloned().map(ApplicationKey::from);
        Self {
            pending: pending.token.clone(),
            id: fetched.authority.clone(),
            keys: keys.map(|key| SignatureKey::from(&key)).collect(),
            skipped_keys: fetched.directory.skipped().iter().map(SkippedKey::from).collect(),
            url: fetched.url.clone(),
            without_tls: fetched.without_tls,
            until: pending.until.to_rfc3339(),
            proposed: Conditions::of(&ApplicationForm::proposed_with_directory(fetched)),
        }
    }
}

/// An entry of a key directory that gives no key: whatever key is in it is not accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SkippedKey {
    /// Its place in the list `keys`, counted from 0.
    index: usize,
    /// Its `kty` and `crv`, such as `OKP X25519`.
    kind: Option<String>,
    kid: Option<String>,
    /// The SHA-256 of its JWK, if the key itself can be read.
    thumbprint: Option<String>,
    /// Why it is skipped.
    reason: String,
}

impl From<&httpsig::SkippedKey> for SkippedKey {
    fn from(skipped: &httpsig::SkippedKey) -> Self {
        Self {
            index: skipped.index,
            kind: skipped.kind.clone(),
            kid: skipped.kid.clone(),
            thumbprint: skipped.thumbprint.map(|thumbprint| thumbprint.to_string()),
            reason: skipped.reason.to_string(),
        }
    }
}

/// An application after a fetch of its key directory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefreshedApplication {
    #[serde(flatten)]
    application: Application,
    /// The entries of its directory that give no key.
    skipped_keys: Vec<SkippedKey>,
}

impl From<&Refreshed> for RefreshedApplication {
    fn from(refreshed: &Refreshed) -> Self {
        Self {
            application: Application::from(&refreshed.registered),
            skipped_keys: refreshed.skipped.iter().map(SkippedKey::from).collect(),
        }
    }
}

/// A confirmation of a key that waits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignatureKeyConfirmation {
    /// Its thumbprint.
    pub(super) thumbprint: String,
    /// Whether the thumbprint was compared with the one that the other side sees.
    pub(super) confirmed: bool,
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
