//! How an application is described.

use std::time::Duration;

use super::directory_path::DIRECTORY_PATH;
use super::error::ApplicationError;
use super::id::ApplicationId;
use super::key::{ApplicationKey, KeyState};
use super::request_conditions::RequestConditions;
use super::scheme::Scheme;
use super::trusted::TrustedApplication;
use crate::conditions::method::check_method;
use crate::conditions::{AddressRule, MethodRule, PathRule, ReplayProtection};
use crate::crypto::SignatureKey;
use crate::limits::{
    MAX_KEPT_KEYS, MAX_KEYS, MAX_RSA_BITS, MAX_URL_BYTES, MIN_PARSED_RSA_BITS, MIN_RSA_BITS,
};
use crate::permission::ActAsPolicy;
use crate::text::check_name;

/// Describes a [`TrustedApplication`].
#[derive(Debug, Clone)]
#[must_use = "call `build`"]
pub struct TrustedApplicationBuilder {
    id: ApplicationId,
    name: Option<String>,
    keys: Vec<ApplicationKey>,
    signature_keys: Vec<ApplicationKey<SignatureKey>>,
    key_directory: Option<String>,
    timeout: Option<Duration>,
    addresses: Option<AddressRule>,
    paths: Option<PathRule>,
    methods: MethodRule,
    replay_protection: ReplayProtection,
    insecure_unsigned_bodies: bool,
    act_as: ActAsPolicy,
    schemes: Vec<Scheme>,
    min_rsa_bits: usize,
}

impl TrustedApplication {
    /// Starts the description of an application with a key of Seraph's.
    /// [`addresses`](TrustedApplicationBuilder::addresses) and
    /// [`paths`](TrustedApplicationBuilder::paths) must be stated. A [`PublicKey`](crate::PublicKey) by itself is an active
    /// key without dates.
    pub fn builder(id: ApplicationId, key: impl Into<ApplicationKey>) -> TrustedApplicationBuilder {
        Self::described(id, vec![key.into()], Vec::new(), Scheme::SeraphV3)
    }

    /// Starts the description of an application that signs by [`Scheme::HttpSignature`], with a key for
    /// that. `addresses` and `paths` must be stated here too.
    pub fn signing_builder(
        id: ApplicationId,
        key: impl Into<ApplicationKey<SignatureKey>>,
    ) -> TrustedApplicationBuilder {
        Self::described(id, Vec::new(), vec![key.into()], Scheme::HttpSignature)
    }

    pub(super) fn described(
        id: ApplicationId,
        keys: Vec<ApplicationKey>,
        signature_keys: Vec<ApplicationKey<SignatureKey>>,
        scheme: Scheme,
    ) -> TrustedApplicationBuilder {
        TrustedApplicationBuilder {
            id,
            name: None,
            keys,
            signature_keys,
            key_directory: None,
            timeout: None,
            addresses: None,
            paths: None,
            methods: MethodRule::any(),
            replay_protection: ReplayProtection::Off,
            insecure_unsigned_bodies: false,
            act_as: ActAsPolicy::anybody(),
            schemes: vec![scheme],
            min_rsa_bits: MIN_RSA_BITS,
        }
    }

    /// Its description, of which a part can be changed; what is not builds the same again.
    ///
    /// ```
    /// # use trusted_app_core::application::TrustedApplication;
    /// # use trusted_app_core::conditions::{AddressRule, PathRule};
    /// # use trusted_app_core::PublicKey;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let base64 = include_str!("../../tests/data/public-key-2048.txt");
    /// # let wiki = TrustedApplication::builder("wiki".parse()?, PublicKey::from_base64(base64)?)
    /// #     .addresses("10.1.*.*".parse()?).paths(PathRule::prefixes(["/rest"])).build()?;
    /// let renamed = wiki.to_builder().name("Wiki").build()?;
    /// assert_eq!((renamed.name(), renamed.keys()), ("Wiki", wiki.keys()));
    ///
    /// // What is changed is checked again.
    /// assert!(wiki.to_builder().keys([]).build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_builder(&self) -> TrustedApplicationBuilder {
        let smallest = self.keys.iter().map(|key| key.public_key().bits()).min();
        TrustedApplicationBuilder {
            id: self.id.clone(),
            name: Some(self.name.clone()),
            keys: self.keys.clone(),
            signature_keys: self.signature_keys.clone(),
            key_directory: self.key_directory.clone(),
            timeout: Some(self.conditions.timeout),
            addresses: Some(self.conditions.addresses.clone()),
            paths: Some(self.conditions.paths.clone()),
            methods: self.conditions.methods.clone(),
            replay_protection: self.conditions.replay_protection,
            insecure_unsigned_bodies: self.conditions.insecure_unsigned_bodies,
            act_as: self.act_as.clone(),
            schemes: self.schemes.clone(),
            min_rsa_bits: smallest.map_or(MIN_RSA_BITS, |bits| bits.min(MIN_RSA_BITS)),
        }
    }
}

impl TrustedApplicationBuilder {
    /// A name for people.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A further key, for a rotation without a gap; see [`KeyState`].
    pub fn key(mut self, key: impl Into<ApplicationKey>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// These keys in the place of all that were stated: the next step of a rotation.
    pub fn keys(mut self, keys: impl IntoIterator<Item = ApplicationKey>) -> Self {
        self.keys = keys.into_iter().collect();
        self
    }

    /// A further key for [`Scheme::HttpSignature`], which must then be among the
    /// [`schemes`](Self::schemes) to be of use.
    pub fn signature_key(mut self, key: impl Into<ApplicationKey<SignatureKey>>) -> Self {
        self.signature_keys.push(key.into());
        self
    }

    /// These keys for [`Scheme::HttpSignature`] in the place of all that were stated.
    pub fn signature_keys(mut self, keys: impl IntoIterator<Item = ApplicationKey<SignatureKey>>) -> Self {
        self.signature_keys = keys.into_iter().collect();
        self
    }

    /// The URL of the key directory from which the keys for [`Scheme::HttpSignature`] come. It
    /// is fetched by whoever refreshes the keys, and never for a request.
    pub fn key_directory(mut self, url: impl Into<String>) -> Self {
        self.key_directory = Some(url.into());
        self
    }

    /// How old a certificate's timestamp or a signature's `created` may be on arrival; 10 seconds unless
    /// stated, 60 for an application that uses [`Scheme::HttpSignature`] alone. That scheme takes it
    /// for at most 300 seconds.
    ///
    /// Raising it revives what was captured within the new time: the claims of replay protection that were to last for
    /// the old one may have lapsed by then.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Where requests may come from. Must be stated.
    pub fn addresses(mut self, addresses: AddressRule) -> Self {
        self.addresses = Some(addresses);
        self
    }

    /// Which paths may be asked for. Must be stated.
    pub fn paths(mut self, paths: PathRule) -> Self {
        self.paths = Some(paths);
        self
    }

    /// Which methods may be used; any by default.
    pub fn methods(mut self, methods: MethodRule) -> Self {
        self.methods = methods;
        self
    }

    /// Which requests count once only; none by default. A layer that trusts the application then
    /// needs a [replay store](crate::store::ReplayStore), or it rejects these requests as unavailable.
    pub fn replay_protection(mut self, protection: ReplayProtection) -> Self {
        self.replay_protection = protection;
        self
    }

    /// Whether signatures of [`Scheme::HttpSignature`] may leave the body out; not by default. The server's
    /// [policy](crate::httpsig::SignaturePolicy::with_insecure_unsigned_content) must allow it too.
    ///
    /// Insecure: whoever is between the two can put any body under the signature.
    pub fn insecure_unsigned_bodies(mut self, allowed: bool) -> Self {
        self.insecure_unsigned_bodies = allowed;
        self
    }

    /// Whom the application may act as; everybody but administrators by default.
    pub fn act_as(mut self, policy: ActAsPolicy) -> Self {
        self.act_as = policy;
        self
    }

    /// Which schemes may be used; by default only [`Scheme::SeraphV3`], or [`Scheme::HttpSignature`] if
    /// the description began with a key for that.
    pub fn schemes(mut self, schemes: impl IntoIterator<Item = Scheme>) -> Self {
        self.schemes = schemes.into_iter().collect();
        self
    }

    /// Allows RSA keys below [`MIN_RSA_BITS`], down to 1024 bits, which old peers have. Such keys
    /// can be broken by a resourceful attacker.
    pub fn insecure_min_rsa_bits(mut self, bits: usize) -> Self {
        self.min_rsa_bits = bits;
        self
    }

    /// Checks the description.
    ///
    /// # Errors
    ///
    /// An [`ApplicationError`] that says what to change.
    pub fn build(self) -> Result<TrustedApplication, ApplicationError> {
        if !(MIN_PARSED_RSA_BITS..=MAX_RSA_BITS).contains(&self.min_rsa_bits) {
            return Err(ApplicationError::MinRsaBits(self.min_rsa_bits));
        }
        self.check_keys()?;
        if self.key_directory.as_deref().is_some_and(|url| !is_directory_url(url)) {
            return Err(ApplicationError::KeyDirectory);
        }
        let timeout = self.timeout.unwrap_or(match self.schemes.as_slice() {
            [Scheme::HttpSignature] => TrustedApplication::DEFAULT_SIGNATURE_TIMEOUT,
            _ => TrustedApplication::DEFAULT_TIMEOUT,
        });
        if timeout.as_millis() == 0 || i64::try_from(timeout.as_millis()).is_err() {
            return Err(ApplicationError::Timeout);
        }
        for method in self.methods.methods().unwrap_or_default() {
            check_method(method)?;
        }
        for pattern in self.paths.iter().filter_map(PathRule::patterns).flatten() {
            pattern.check()?;
        }
        for (list, name) in self.act_as.names() {
            if matches!(name, "*" | "any") {
                return Err(ApplicationError::ActAsName { list, name: name.to_owned() });
            }
            check_name(name).map_err(|error| ApplicationError::RuleName {
                list,
                name: name.to_owned(),
                error,
            })?;
        }
        if self.schemes.is_empty() {
            return Err(ApplicationError::NoScheme);
        }
        for scheme in &self.schemes {
            let without_key = match scheme {
                Scheme::HttpSignature => self.signature_keys.is_empty(),
                _ => self.keys.is_empty(),
            };
            if without_key {
                return Err(ApplicationError::NoKey(*scheme));
            }
        }
        Ok(TrustedApplication {
            name: self.name.unwrap_or_else(|| self.id.to_string()),
            id: self.id,
            keys: self.keys,
            signature_keys: self.signature_keys,
            key_directory: self.key_directory,
            conditions: RequestConditions {
                timeout,
                addresses: self.addresses.ok_or(ApplicationError::AddressesNotStated)?,
                paths: self.paths.ok_or(ApplicationError::PathsNotStated)?,
                methods: self.methods,
                replay_protection: self.replay_protection,
                insecure_unsigned_bodies: self.insecure_unsigned_bodies,
            },
            act_as: self.act_as,
            schemes: self.schemes,
        })
    }

    fn check_keys(&self) -> Result<(), ApplicationError> {
        let usable = self.keys.iter().filter(|key| key.state() != KeyState::Revoked).count();
        if usable > MAX_KEYS {
            return Err(ApplicationError::TooManyKeys(usable));
        }
        if self.keys.len() > MAX_KEPT_KEYS {
            return Err(ApplicationError::TooManyKeptKeys(self.keys.len()));
        }
        let mut rest = self.keys.as_slice();
        while let [entry, others @ ..] = rest {
            let key = entry.public_key();
            if key.bits() < self.min_rsa_bits {
                return Err(ApplicationError::KeyTooSmall { bits: key.bits(), min: self.min_rsa_bits });
            }
            if others.iter().any(|other| other.public_key() == key) {
                return Err(ApplicationError::KeyTwice(*key.fingerprint()));
            }
            if entry.is_never_valid() {
                return Err(ApplicationError::KeyNeverValid(*key.fingerprint()));
            }
            rest = others;
        }
        self.check_signature_keys()
    }

    fn check_signature_keys(&self) -> Result<(), ApplicationError> {
        if self.signature_keys.len() > MAX_KEPT_KEYS {
            return Err(ApplicationError::TooManyKeptKeys(self.signature_keys.len()));
        }
        let mut rest = self.signature_keys.as_slice();
        while let [entry, others @ ..] = rest {
            let key = entry.public_key();
            let fingerprint = key.thumbprint().fingerprint();
            if others.iter().any(|other| other.public_key() == key) {
                return Err(ApplicationError::KeyTwice(fingerprint));
            }
            if let Some(rsa) = key.rsa_fingerprint()
                && self.keys.iter().any(|other| other.fingerprint() == rsa)
            {
                return Err(ApplicationError::KeyOfTwoSchemes(*rsa));
            }
            if entry.is_never_valid() {
                return Err(ApplicationError::KeyNeverValid(fingerprint));
            }
            rest = others;
        }
        Ok(())
    }
}

fn is_directory_url(url: &str) -> bool {
    url.len() <= MAX_URL_BYTES
        && url.parse::<http::Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && uri.path_and_query().is_some_and(|path| path == DIRECTORY_PATH)
        })
}
