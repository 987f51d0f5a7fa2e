//! A registered application.

use std::time::Duration;

use super::id::ApplicationId;
use super::key::ApplicationKey;
use super::request_conditions::RequestConditions;
use super::scheme::Scheme;
use crate::clock::Timestamp;
use crate::crypto::{Fingerprint, PublicKey, SignatureKey, Thumbprint};
use crate::limits::MAX_KEYS;
use crate::permission::ActAsPolicy;

/// An application that may act on behalf of users.
///
/// ```
/// use trusted_app_core::application::TrustedApplication;
/// use trusted_app_core::conditions::{AddressRule, PathRule};
/// use trusted_app_core::PublicKey;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let base64 = include_str!("../../tests/data/public-key-2048.txt");
/// let wiki = TrustedApplication::builder("confluence:4711".parse()?, PublicKey::from_base64(base64)?)
///     .name("Wiki")
///     .addresses("10.1.*.*, 2001:db8::/32".parse()?)
///     .paths(PathRule::prefixes(["/rest"]))
///     .build()?;
/// assert_eq!(wiki.conditions().timeout.as_secs(), 10);
///
/// // No rule is "everything" by accident.
/// let open = TrustedApplication::builder("wiki".parse()?, PublicKey::from_base64(base64)?).build();
/// assert!(open.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct TrustedApplication {
    pub(super) id: ApplicationId,
    pub(super) name: String,
    pub(super) keys: Vec<ApplicationKey>,
    pub(super) signature_keys: Vec<ApplicationKey<SignatureKey>>,
    pub(super) key_directory: Option<String>,
    pub(super) conditions: RequestConditions,
    pub(super) act_as: ActAsPolicy,
    pub(super) schemes: Vec<Scheme>,
}

impl TrustedApplication {
    /// The time-out that JIRA proposes: 10 seconds.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// The time-out of an application that uses [`Scheme::HttpSignature`] alone: 60 seconds.
    pub const DEFAULT_SIGNATURE_TIMEOUT: Duration = Duration::from_secs(60);

    /// The id that its requests carry.
    #[must_use]
    pub fn id(&self) -> &ApplicationId {
        &self.id
    }

    /// The name for people; the id unless one was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its public keys for Seraph, each with its state and dates: also those by which nothing may be
    /// signed, such as revoked ones. At least one, unless it uses no scheme of Seraph's.
    #[must_use]
    pub fn keys(&self) -> &[ApplicationKey] {
        &self.keys
    }

    /// The keys by which a request may be signed at that time, at most [`MAX_KEYS`].
    pub fn live_keys(&self, now: Timestamp) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter().filter(move |key| key.is_live(now)).map(ApplicationKey::public_key).take(MAX_KEYS)
    }

    /// Its public keys for [`Scheme::HttpSignature`], as [`keys`](Self::keys).
    #[must_use]
    pub fn signature_keys(&self) -> &[ApplicationKey<SignatureKey>] {
        &self.signature_keys
    }

    /// The key of that name for [`Scheme::HttpSignature`], whatever its state.
    #[must_use]
    pub fn signature_key(&self, name: &Thumbprint) -> Option<&ApplicationKey<SignatureKey>> {
        self.signature_keys.iter().find(|key| key.public_key().thumbprint() == name)
    }

    /// The key of that name, if a request may be signed by it at that time.
    #[must_use]
    pub fn live_signature_key(&self, name: &Thumbprint, now: Timestamp) -> Option<&SignatureKey> {
        self.signature_key(name).filter(|key| key.is_live(now)).map(ApplicationKey::public_key)
    }

    /// The URL of the [key directory](crate::httpsig::KeyDirectory) from which its
    /// [`signature_keys`](Self::signature_keys) come; `None` if they were stated otherwise.
    #[must_use]
    pub fn key_directory(&self) -> Option<&str> {
        self.key_directory.as_deref()
    }

    /// What no other application may have: the fingerprints of all its keys, of either scheme. An RSA key
    /// for HTTP message signatures has two, so that it is known again as a key of Seraph's.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        let signature_keys = self.signature_keys.iter().flat_map(|key| key.public_key().fingerprints());
        self.keys.iter().map(|key| *key.fingerprint()).chain(signature_keys)
    }

    /// What its requests must fulfil.
    #[must_use]
    pub fn conditions(&self) -> &RequestConditions {
        &self.conditions
    }

    /// Whom it may act as.
    #[must_use]
    pub fn act_as(&self) -> &ActAsPolicy {
        &self.act_as
    }

    /// The schemes it may use.
    #[must_use]
    pub fn schemes(&self) -> &[Scheme] {
        &self.schemes
    }
}
