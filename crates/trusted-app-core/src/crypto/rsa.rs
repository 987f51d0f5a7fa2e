//! The provider on `rsa`: pure Rust, constant-time since its version 0.10, and complete.

use getrandom::SysRng;
use rsa::BoxedUint;
use rsa::hazmat::{rsa_decrypt_and_check, rsa_encrypt};
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey};
use rsa::traits::PublicKeyParts;
use sha1::Sha1;
use zeroize::Zeroizing;

use super::algorithm::SignatureAlgorithm;
use super::error::{InvalidSignature, KeyError, RandomError, RawError, SigningError};
use super::provider::{CryptoProvider, SignatureSigner, SignatureVerifier, SigningKey, VerifyingKey};
use super::rust_crypto_signature;

/// RustCrypto's [`rsa`](https://docs.rs/rsa): everything, in pure Rust. Private operations are
/// blinded and checked against faults.
#[derive(Debug, Clone, Copy, Default)]
pub struct RustCrypto;

impl CryptoProvider for RustCrypto {
    fn verifying_key(&self, spki: &[u8]) -> Result<Box<dyn VerifyingKey>, KeyError> {
        let key = rsa::PublicKey::from_public_key_der(spki).map_err(|_| KeyError::Refused)?;
        Ok(Box::new(Verifier(key)))
    }

    fn signing_key(&self, pkcs8: &[u8]) -> Result<Box<dyn SigningKey>, KeyError> {
        let key = rsa::PrivateKey::from_pkcs8_der(pkcs8).map_err(|_| KeyError::Refused)?;
        Ok(Box::new(Signer(key)))
    }

    fn generate(&self, bits: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let key = rsa::PrivateKey::new(&mut SysRng, bits).map_err(|_| KeyError::Generation)?;
        Ok(key.to_pkcs8_der().map_err(|_| KeyError::Generation)?.to_bytes())
    }

    fn signature_verifier(
        &self,
        algorithm: SignatureAlgorithm,
        spki: &[u8],
    ) -> Result<Box<dyn SignatureVerifier>, KeyError> {
        rust_crypto_signature::verifier(algorithm, spki)
    }

    fn signature_signer(
        &self,
        algorithm: SignatureAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Box<dyn SignatureSigner>, KeyError> {
        rust_crypto_signature::signer(algorithm, pkcs8)
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(bytes).map_err(|_| RandomError)
    }
}

struct Verifier(rsa::PublicKey);

impl VerifyingKey for Verifier {
    fn verify_sha1(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.0.pkcs1v15_verify::<Sha1>(message, signature).map_err(|_| InvalidSignature)
    }

    fn raw(&self, block: &[u8]) -> Result<Vec<u8>, RawError> {
        let number = representative(block, &self.0).ok_or(RawError::OutOfRange)?;
        let result = rsa_encrypt(&self.0, &number).map_err(|_| RawError::OutOfRange)?;
        Ok(result.to_be_bytes().iter().copied().skip_while(|byte| *byte == 0).collect())
    }
}

struct Signer(rsa::PrivateKey);

impl SigningKey for Signer {
    fn sign_sha1(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        self.0.pkcs1v15_sign::<Sha1>(message).map_err(|_| SigningError::Failed)
    }

    fn raw(&self, block: &[u8]) -> Result<Vec<u8>, SigningError> {
        let number = Zeroizing::new(representative(block, &self.0).ok_or(SigningError::OutOfRange)?);
        let result =
            rsa_decrypt_and_check(&self.0, Some(&mut SysRng), &number).map_err(|_| SigningError::Failed)?;
        // In memory the number is as wide as a whole count of machine words.
        let bytes = result.to_be_bytes();
        Ok(bytes.iter().copied().skip(bytes.len().saturating_sub(self.0.size())).collect())
    }
}

/// A block as a number below the key's modulus (RFC 8017, section 4.2), in the modulus' width.
fn representative(block: &[u8], key: &impl PublicKeyParts) -> Option<BoxedUint> {
    if block.len() > key.size() {
        return None;
    }
    let number = BoxedUint::from_be_slice(block, key.n_bits_precision()).ok()?;
    (number < **key.n()).then_some(number)
}
