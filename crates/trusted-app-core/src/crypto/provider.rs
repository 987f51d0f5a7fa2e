//! What a cryptography library has to offer.

use std::fmt::Debug;

use zeroize::Zeroizing;

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
    /// When the library refuses the key.
    fn verifying_key(&self, spki: &[u8]) -> Result<Box<dyn VerifyingKey>, KeyError>;

    /// Binds a private key: a DER PKCS#8 PrivateKeyInfo (`rsaEncryption` with NULL parameters).
    ///
    /// # Errors
    ///
    /// When the library refuses the key.
    fn signing_key(&self, pkcs8: &[u8]) -> Result<Box<dyn SigningKey>, KeyError>;

    /// Makes a private key of two primes and the public exponent 65537, as DER PKCS#8. `bits` is
    /// one of [`GENERATED_RSA_BITS`](crate::limits::GENERATED_RSA_BITS).
    ///
    /// # Errors
    ///
    /// When the library fails.
    fn generate(&self, bits: usize) -> Result<Zeroizing<Vec<u8>>, KeyError>;

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
