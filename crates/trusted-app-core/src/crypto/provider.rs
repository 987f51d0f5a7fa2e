//! What a cryptography library has to offer.

use std::fmt::Debug;

use zeroize::Zeroizing;

use super::algorithm::SignatureAlgorithm;
use super::error::{InvalidSignature, KeyError, RandomError, RawError, SigningError};

/// A cryptography library.
///
/// It sees only keys whose form and sizes were already checked (see [`KeyError`]), so that every
/// provider accepts the same keys.
pub trait CryptoProvider: Debug + Send + Sync + 'static {
    /// Binds a public key: the DER SubjectPublicKeyInfo of RFC 8017 (`rsaEncryption` with NULL
    /// parameters).
    ///
    /// # Errors
    ///
    /// When the library rejects the key.
    fn verifying_key(&self, spki: &[u8]) -> Result<Box<dyn VerifyingKey>, KeyError>;

    /// Binds a private key: a DER PKCS#8 PrivateKeyInfo (`rsaEncryption` with NULL parameters).
    ///
    /// # Errors
    ///
    /// When the library rejects the key.
    fn signing_key(&self, pkcs8: &[u8]) -> Result<Box<dyn SigningKey>, KeyError>;

    /// Makes a private key of two primes and the public exponent 65537, as DER PKCS#8. `bits` is
    /// one of [`GENERATED_RSA_BITS`](crate::limits::GENERATED_RSA_BITS).
    ///
    /// # Errors
    ///
    /// When the library fails.
    fn generate(&self, bits: usize) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// Binds a public key of HTTP message signatures: a DER SubjectPublicKeyInfo of the algorithm.
    ///
    /// # Errors
    ///
    /// When the library rejects the key, or lacks the algorithm.
    fn signature_verifier(
        &self,
        algorithm: SignatureAlgorithm,
        spki: &[u8],
    ) -> Result<Box<dyn SignatureVerifier>, KeyError>;

    /// Binds a private key of HTTP message signatures: a DER PKCS#8 PrivateKeyInfo of the algorithm.
    ///
    /// # Errors
    ///
    /// When the library rejects the key, or lacks the algorithm.
    fn signature_signer(
        &self,
        algorithm: SignatureAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Box<dyn SignatureSigner>, KeyError>;

    /// Fills `bytes` with random bytes fit for secret keys.
    ///
    /// # Errors
    ///
    /// When the system has none to give.
    fn random(&self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// A public key that a [`CryptoProvider`] has bound.
pub trait VerifyingKey: Send + Sync + 'static {
    /// See [`PublicKey::verify_sha1`](super::PublicKey::verify_sha1).
    ///
    /// # Errors
    ///
    /// When the signature does not hold.
    fn verify_sha1(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature>;

    /// See [`PublicKey::raw`](super::PublicKey::raw).
    ///
    /// # Errors
    ///
    /// When the block is out of range, or the library has no such operation.
    fn raw(&self, block: &[u8]) -> Result<Vec<u8>, RawError>;
}

/// A private key that a [`CryptoProvider`] has bound. It wipes its memory when dropped.
pub trait SigningKey: Send + Sync + 'static {
    /// See [`PrivateKey::sign_sha1`](super::PrivateKey::sign_sha1).
    ///
    /// # Errors
    ///
    /// When the library fails, or has no such operation.
    fn sign_sha1(&self, message: &[u8]) -> Result<Vec<u8>, SigningError>;

    /// See [`PrivateKey::raw`](super::PrivateKey::raw).
    ///
    /// # Errors
    ///
    /// When the block is out of range, the library fails, or has no such operation.
    fn raw(&self, block: &[u8]) -> Result<Vec<u8>, SigningError>;
}

/// A public key of HTTP message signatures that a [`CryptoProvider`] has bound.
pub trait SignatureVerifier: Send + Sync + 'static {
    /// See [`SignatureKey::verify`](super::SignatureKey::verify).
    ///
    /// # Errors
    ///
    /// When the signature does not hold.
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature>;
}

/// A private key of HTTP message signatures that a [`CryptoProvider`] has bound. It wipes its memory
/// when dropped.
pub trait SignatureSigner: Send + Sync + 'static {
    /// The public half: the 32 bytes of an Ed25519 key, the uncompressed point of a P-256 key (SEC 1,
    /// section 2.3.3). Nothing for RSA, where it stands in the private key.
    fn public_key(&self) -> &[u8];

    /// See [`PrivateSignatureKey::sign`](super::PrivateSignatureKey::sign).
    ///
    /// # Errors
    ///
    /// When the library fails.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError>;
}
