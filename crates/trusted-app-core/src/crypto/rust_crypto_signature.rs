//! HTTP message signatures in pure Rust: Ed25519 by `ed25519-dalek`, RSASSA-PSS by `rsa`. There is no
//! ECDSA.

use ed25519_dalek::Signer as _;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
use sha2::Sha512;
use zeroize::Zeroizing;

use super::algorithm::SignatureAlgorithm;
use super::error::{InvalidSignature, KeyError, SigningError};
use super::provider::{SignatureSigner, SignatureVerifier};
use super::signature_encoding::{ed25519_of_spki, ed25519_seed_of_pkcs8};

const NO_ECDSA: KeyError = KeyError::Unsupported { algorithm: SignatureAlgorithm::EcdsaP256Sha256 };

pub(super) fn verifier(
    algorithm: SignatureAlgorithm,
    spki: &[u8],
) -> Result<Box<dyn SignatureVerifier>, KeyError> {
    Ok(match algorithm {
        SignatureAlgorithm::Ed25519 => {
            let key = ed25519_of_spki(spki).ok_or(KeyError::Refused)?;
            let key = ed25519_dalek::VerifyingKey::from_bytes(key);
            Box::new(Ed25519Verifier(key.map_err(|_| KeyError::Refused)?))
        }
        SignatureAlgorithm::EcdsaP256Sha256 => return Err(NO_ECDSA),
        SignatureAlgorithm::RsaPssSha512 => {
            let key = rsa::PublicKey::from_public_key_der(spki);
            Box::new(RsaPssVerifier(key.map_err(|_| KeyError::Refused)?))
        }
    })
}

struct Ed25519Verifier(ed25519_dalek::VerifyingKey);

impl SignatureVerifier for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| InvalidSignature)?;
        self.0.verify_strict(message, &signature).map_err(|_| InvalidSignature)
    }
}

struct RsaPssVerifier(rsa::PublicKey);

impl SignatureVerifier for RsaPssVerifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.0.pss_verify::<Sha512>(message, signature).map_err(|_| InvalidSignature)
    }
}

pub(super) fn signer(
    algorithm: SignatureAlgorithm,
    pkcs8: &[u8],
) -> Result<Box<dyn SignatureSigner>, KeyError> {
    Ok(match algorithm {
        SignatureAlgorithm::Ed25519 => {
            let seed: Zeroizing<[u8; 32]> = ed25519_seed_of_pkcs8(pkcs8).ok_or(KeyError::Refused)?;
            let key = ed25519_dalek::SigningKey::from_bytes(&seed);
            let public = key.verifying_key().to_bytes();
            Box::new(Ed25519 { key, public })
        }
        SignatureAlgorithm::EcdsaP256Sha256 => return Err(NO_ECDSA),
        SignatureAlgorithm::RsaPssSha512 => {
            let key = rsa::PrivateKey::from_pkcs8_der(pkcs8);
            Box::new(RsaPss(key.map_err(|_| KeyError::Refused)?))
        }
    })
}

struct Ed25519 {
    key: ed25519_dalek::SigningKey,
    public: [u8; 32],
}

impl SignatureSigner for Ed25519 {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let signature = self.key.try_sign(message).map_err(|_| SigningError::Failed)?;
        Ok(signature.to_bytes().to_vec())
    }
}

struct RsaPss(rsa::PrivateKey);

impl SignatureSigner for RsaPss {
    fn public_key(&self) -> &[u8] {
        &[]
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        self.0.pss_sign::<Sha512>(message).map_err(|_| SigningError::Failed)
    }
}
