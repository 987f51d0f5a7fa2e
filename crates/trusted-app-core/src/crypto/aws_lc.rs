//! The provider on `aws-lc-rs`: fast, but it neither signs SHA-1 nor offers raw RSA.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY};
use zeroize::Zeroizing;

use super::algorithm::SignatureAlgorithm;
use super::aws_lc_signature;
use super::error::{InvalidSignature, KeyError, RandomError, RawError, SigningError};
use super::provider::{CryptoProvider, SignatureSigner, SignatureVerifier, SigningKey, VerifyingKey};

/// `aws-lc-rs`: verifies about four times faster than [`rsa`](https://docs.rs/rsa).
///
/// Its private keys exist for their public half: every operation with them is
/// [`Unsupported`](SigningError::Unsupported). It rejects private keys below 2048 bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct AwsLc;

impl CryptoProvider for AwsLc {
    fn verifying_key(&self, spki: &[u8]) -> Result<Box<dyn VerifyingKey>, KeyError> {
        let key = ParsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, spki);
        Ok(Box::new(Verifier(key.map_err(|_| KeyError::Refused)?)))
    }

    fn signing_key(&self, pkcs8: &[u8]) -> Result<Box<dyn SigningKey>, KeyError> {
        KeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Refused)?;
        Ok(Box::new(NoSigner))
    }

    fn generate(&self, bits: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            8192 => KeySize::Rsa8192,
            _ => return Err(KeyError::GeneratedSize { bits }),
        };
        let pkcs8 = KeyPair::generate(size).and_then(|key| key.as_der()).map_err(|_| KeyError::Generation)?;
        Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
    }

    fn signature_verifier(
        &self,
        algorithm: SignatureAlgorithm,
        spki: &[u8],
    ) -> Result<Box<dyn SignatureVerifier>, KeyError> {
        aws_lc_signature::verifier(algorithm, spki)
    }

    fn signature_signer(
        &self,
        algorithm: SignatureAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Box<dyn SignatureSigner>, KeyError> {
        aws_lc_signature::signer(algorithm, pkcs8)
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| RandomError)
    }
}

struct Verifier(ParsedPublicKey);

impl VerifyingKey for Verifier {
    fn verify_sha1(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        // Hashed first, which spares the library a context for messages that come in parts.
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, message);
        self.0.verify_digest_sig(&digest, signature).map_err(|_| InvalidSignature)
    }

    fn raw(&self, _block: &[u8]) -> Result<Vec<u8>, RawError> {
        Err(RawError::Unsupported)
    }
}

/// The library has neither operation, so it keeps nothing of the key.
struct NoSigner;

impl SigningKey for NoSigner {
    fn sign_sha1(&self, _message: &[u8]) -> Result<Vec<u8>, SigningError> {
        Err(SigningError::Unsupported)
    }

    fn raw(&self, _block: &[u8]) -> Result<Vec<u8>, SigningError> {
        Err(SigningError::Unsupported)
    }
}
