//! Keys of HTTP message signatures (RFC 9421): the algorithm belongs to the key, and the key's name is
//! its thumbprint.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::algorithm::SignatureAlgorithm;
use super::default::default_provider;
use super::error::{InvalidSignature, KeyError, KeyFileError, SigningError};
use super::fingerprint::Fingerprint;
use super::jwk::Jwk;
use super::key_numbers::KeyNumbers;
use super::pem::{self, PRIVATE_KEY};
use super::provider::{CryptoProvider, SignatureSigner, SignatureVerifier};
use super::signature_encoding::{self, PrivateForm};
use super::thumbprint::Thumbprint;
use crate::private_file::{self, PrivateFile};

/// A public key of HTTP message signatures. Cloning it is cheap; two are equal when their
/// [`Thumbprint`]s are.
///
/// ```
/// use trusted_app_core::crypto::{SignatureAlgorithm, SignatureKey};
///
/// let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
/// let key = SignatureKey::from_jwk(jwk)?;
/// assert_eq!(key.algorithm(), SignatureAlgorithm::Ed25519);
/// assert_eq!(key.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
///
/// // The neutral element: anybody can make signatures under it.
/// let weak = r#"{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
/// assert!(SignatureKey::from_jwk(weak).is_err());
/// # Ok::<_, trusted_app_core::crypto::KeyError>(())
/// ```
#[derive(Clone)]
pub struct SignatureKey(Arc<Public>);

struct Public {
    numbers: KeyNumbers,
    thumbprint: Thumbprint,
    rsa: Option<Fingerprint>,
    verifier: Box<dyn SignatureVerifier>,
}

impl SignatureKey {
    /// Reads a public JWK (RFC 7517; RFC 8037 for Ed25519) and binds it to the [`default_provider`]. Its
    /// `kid` is not looked at: a key's name is its thumbprint.
    ///
    /// # Errors
    ///
    /// When it is no public key of a [`SignatureAlgorithm`], a weak one, outside the
    /// [`limits`](crate::limits), or one of RFC 9421's examples, whose private halves everybody knows.
    pub fn from_jwk(jwk: &str) -> Result<Self, KeyError> {
        Self::from_jwk_with(default_provider(), jwk)
    }

    /// Reads a public JWK and binds it to `provider`.
    ///
    /// # Errors
    ///
    /// As [`from_jwk`](Self::from_jwk).
    pub fn from_jwk_with(provider: &dyn CryptoProvider, jwk: &str) -> Result<Self, KeyError> {
        Self::insecure_from_example_jwk_with(provider, jwk)?.if_not_published()
    }

    /// As [`from_jwk`](Self::from_jwk), but also takes the example keys of RFC 9421. For tests with
    /// its vectors: whoever trusts such a key trusts everybody.
    ///
    /// # Errors
    ///
    /// As [`from_jwk`](Self::from_jwk), but for the examples.
    pub fn insecure_from_example_jwk(jwk: &str) -> Result<Self, KeyError> {
        Self::insecure_from_example_jwk_with(default_provider(), jwk)
    }

    /// [`insecure_from_example_jwk`](Self::insecure_from_example_jwk) with a `provider`.
    ///
    /// # Errors
    ///
    /// As [`from_jwk`](Self::from_jwk), but for the examples.
    pub fn insecure_from_example_jwk_with(
        provider: &dyn CryptoProvider,
        jwk: &str,
    ) -> Result<Self, KeyError> {
        Self::of(provider, &Jwk::parse(jwk)?)
    }

    pub(crate) fn of(provider: &dyn CryptoProvider, jwk: &Jwk<'_>) -> Result<Self, KeyError> {
        Self::bind(provider, jwk.public_numbers()?)
    }

    fn bind(provider: &dyn CryptoProvider, numbers: KeyNumbers) -> Result<Self, KeyError> {
        let spki = numbers.to_spki()?;
        Ok(Self(Arc::new(Public {
            thumbprint: numbers.thumbprint(),
            rsa: numbers.is_rsa().then(|| Fingerprint::of_spki(&spki)),
            verifier: provider.signature_verifier(numbers.algorithm(), &spki)?,
            numbers,
        })))
    }

    pub(crate) fn if_not_published(self) -> Result<Self, KeyError> {
        if self.thumbprint().is_published_example() { Err(KeyError::PublishedExample) } else { Ok(self) }
    }

    /// The algorithm, the only one that the key is used with.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.0.numbers.algorithm()
    }

    /// The key's name.
    #[must_use]
    pub fn thumbprint(&self) -> &Thumbprint {
        &self.0.thumbprint
    }

    /// Of an RSA key, the fingerprint that the same key has as a Seraph
    /// [`PublicKey`](super::PublicKey): one key is never used for both.
    #[must_use]
    pub fn rsa_fingerprint(&self) -> Option<&Fingerprint> {
        self.0.rsa.as_ref()
    }

    /// What no other application may have of it: the fingerprint of its thumbprint, and of an RSA key the
    /// [other one](Self::rsa_fingerprint) too.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        [Some(self.thumbprint().fingerprint()), self.rsa_fingerprint().copied()].into_iter().flatten()
    }

    /// The public JWK, with the thumbprint as `kid`; an RSA key also states its `alg`.
    #[must_use]
    pub fn to_jwk(&self) -> String {
        self.0.numbers.to_jwk(&self.0.thumbprint)
    }

    /// Verifies a signature of this key's algorithm over `message`.
    ///
    /// # Errors
    ///
    /// When the signature does not hold.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.0.verifier.verify(message, signature)
    }
}

impl PartialEq for SignatureKey {
    fn eq(&self, other: &Self) -> bool {
        self.thumbprint() == other.thumbprint()
    }
}

impl Eq for SignatureKey {}

impl fmt::Debug for SignatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureKey")
            .field("algorithm", &self.algorithm())
            .field("thumbprint", self.thumbprint())
            .finish()
    }
}

/// A private key of HTTP message signatures. Cloning it is cheap and copies no secret; its memory is
/// wiped when the last clone is dropped; [`Debug`](fmt::Debug) shows its public half only.
#[derive(Clone)]
pub struct PrivateSignatureKey(Arc<Private>);

struct Private {
    pkcs8: Zeroizing<Vec<u8>>,
    public: SignatureKey,
    signer: Box<dyn SignatureSigner>,
}

impl PrivateSignatureKey {
    /// The size of the RSA keys that [`generate`](Self::generate) makes, in bits.
    pub const GENERATED_RSA_BITS: usize = 3072;

    /// Generates a key with the [`default_provider`]. An RSA key has
    /// [`GENERATED_RSA_BITS`](Self::GENERATED_RSA_BITS).
    ///
    /// # Errors
    ///
    /// When the provider lacks the algorithm, or the library fails.
    pub fn generate(algorithm: SignatureAlgorithm) -> Result<Self, KeyError> {
        Self::generate_with(default_provider(), algorithm)
    }

    /// Generates a key with `provider`.
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate).
    pub fn generate_with(
        provider: &dyn CryptoProvider,
        algorithm: SignatureAlgorithm,
    ) -> Result<Self, KeyError> {
        if algorithm == SignatureAlgorithm::RsaPssSha512 {
            return Self::bind(provider, &provider.generate(Self::GENERATED_RSA_BITS)?);
        }
        // A scalar that is out of P-256's range (one in 2^32) is drawn again.
        for _ in 0..4 {
            let mut secret = Zeroizing::new([0; 32]);
            provider.random(&mut *secret).map_err(|_| KeyError::Generation)?;
            match Self::bind(provider, &signature_encoding::pkcs8_of_secret(algorithm, &secret)) {
                Err(KeyError::Refused) => {}
                outcome => return outcome,
            }
        }
        Err(KeyError::Generation)
    }

    /// Reads a private JWK (RFC 7517) and binds it to the [`default_provider`]. An RSA key must state
    /// its primes.
    ///
    /// # Errors
    ///
    /// When it is no private key of a [`SignatureAlgorithm`], its halves do not belong together, and as
    /// [`SignatureKey::from_jwk`].
    pub fn from_jwk(jwk: &str) -> Result<Self, KeyError> {
        Self::insecure_from_example_jwk(jwk)?.if_not_published()
    }

    /// As [`from_jwk`](Self::from_jwk), but also takes the example keys of RFC 9421, for tests with its
    /// vectors.
    ///
    /// # Errors
    ///
    /// As [`from_jwk`](Self::from_jwk), but for the examples.
    pub fn insecure_from_example_jwk(jwk: &str) -> Result<Self, KeyError> {
        Self::insecure_from_example_jwk_with(default_provider(), jwk)
    }

    /// [`insecure_from_example_jwk`](Self::insecure_from_example_jwk) with a `provider`.
    ///
    /// # Errors
    ///
    /// As [`from_jwk`](Self::from_jwk), but for the examples.
    pub fn insecure_from_example_jwk_with(
        provider: &dyn CryptoProvider,
        jwk: &str,
    ) -> Result<Self, KeyError> {
        let jwk = Jwk::parse(jwk)?;
        let (numbers, pkcs8) = jwk.private_numbers()?;
        let key = Self::bind(provider, &pkcs8)?;
        if key.public_key().thumbprint() != &numbers.thumbprint() {
            return Err(KeyError::HalvesDiffer);
        }
        Ok(key)
    }

    /// Reads a DER PKCS#8 PrivateKeyInfo, unencrypted, and binds it to the [`default_provider`]: an
    /// Ed25519 key (RFC 8410), one on P-256 (RFC 5915) or an RSA key.
    ///
    /// # Errors
    ///
    /// As [`from_jwk`](Self::from_jwk).
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::bind(default_provider(), der)?.if_not_published()
    }

    /// Reads a PEM block `PRIVATE KEY` (RFC 7468, section 10). Text may stand before it.
    ///
    /// # Errors
    ///
    /// When it is no such block, and as [`from_pkcs8_der`](Self::from_pkcs8_der).
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&pem::from_pem(PRIVATE_KEY, text)?)
    }

    /// Reads a file with such a block: a path, or a [`PrivateFile`], which says who may have access to it.
    ///
    /// ```
    /// use trusted_app_core::crypto::{PrivateSignatureKey, SignatureAlgorithm};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("wiki-signature.pem");
    /// let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519)?;
    /// key.store(&path)?;
    /// assert_eq!(PrivateSignatureKey::load(&path)?.public_key(), key.public_key());
    /// assert!(key.store(&path).is_err(), "no key is overwritten");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it cannot be read, others have access to it, and as [`from_pkcs8_pem`](Self::from_pkcs8_pem).
    pub fn load(file: impl Into<PrivateFile>) -> Result<Self, KeyFileError> {
        let file = file.into();
        Self::from_pkcs8_pem(&file.read()?)
            .map_err(|source| KeyFileError::Key { path: file.path().to_owned(), source })
    }

    /// Writes the PEM block to a file that did not exist before, and makes it durable. On Unix no one but its owner has
    /// access to it, from the first moment.
    ///
    /// # Errors
    ///
    /// When the file exists already or cannot be written; then no half of it is left behind.
    pub fn store(&self, path: impl AsRef<Path>) -> Result<(), KeyFileError> {
        Ok(private_file::create(path.as_ref(), &self.to_pkcs8_pem())?)
    }

    fn bind(provider: &dyn CryptoProvider, der: &[u8]) -> Result<Self, KeyError> {
        let form = PrivateForm::read(der)?;
        let signer = provider.signature_signer(form.algorithm(), der)?;
        let public = SignatureKey::bind(provider, KeyNumbers::of_private(&form, signer.public_key())?)?;
        Ok(Self(Arc::new(Private { pkcs8: Zeroizing::new(der.to_vec()), public, signer })))
    }

    fn if_not_published(self) -> Result<Self, KeyError> {
        let public = self.public_key().clone();
        public.if_not_published().map(|_| self)
    }

    /// The key as a PEM block `PRIVATE KEY`, unencrypted.
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        pem::to_pem(PRIVATE_KEY, &self.0.pkcs8)
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &SignatureKey {
        &self.0.public
    }

    /// The algorithm, the only one that the key is used with.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.0.public.algorithm()
    }

    /// Signs `message`. Ed25519 always makes the same signature of it, the others a new one each time.
    ///
    /// # Errors
    ///
    /// When the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        self.0.signer.sign(message)
    }
}

impl fmt::Debug for PrivateSignatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateSignatureKey").field("public_key", self.public_key()).finish_non_exhaustive()
    }
}
