//! HTTP message signatures by `aws-lc-rs`: every algorithm.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    ParsedPublicKey, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA512, RsaKeyPair, VerificationAlgorithm,
};

use super::algorithm::SignatureAlgorithm;
use super::error::{InvalidSignature, KeyError, SigningError};
use super::provider::{SignatureSigner, SignatureVerifier};

pub(super) fn verifier(
    algorithm: SignatureAlgorithm,
    spki: &[u8],
) -> Result<Box<dyn SignatureVerifier>, KeyError> {
    let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
        SignatureAlgorithm::Ed25519 => &ED25519,
        SignatureAlgorithm::EcdsaP256Sha256 => &ECDSA_P256_SHA256_FIXED,
        SignatureAlgorithm::RsaPssSha512 => &RSA_PSS_2048_8192_SHA512,
    };
    let key = ParsedPublicKey::new(algorithm, spki).map_err(|_| KeyError::Refused)?;
    Ok(Box::new(Verifier(key)))
}

struct Verifier(ParsedPublicKey);

impl SignatureVerifier for Verifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.0.verify_sig(message, signature).map_err(|_| InvalidSignature)
    }
}

pub(super) fn signer(
    algorithm: SignatureAlgorithm,
    pkcs8: &[u8],
) -> Result<Box<dyn SignatureSigner>, KeyError> {
    Ok(match algorithm {
        SignatureAlgorithm::Ed25519 => {
            let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8);
            Box::new(Ed25519(key.map_err(|_| KeyError::Refused)?))
        }
        SignatureAlgorithm::EcdsaP256Sha256 => {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
            Box::new(Ecdsa(key.map_err(|_| KeyError::Refused)?))
        }
        SignatureAlgorithm::RsaPssSha512 => {
            Box::new(RsaPss(RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Refused)?))
        }
    })
}

struct Ed25519(Ed25519KeyPair);

impl SignatureSigner for Ed25519 {
    fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let signature = self.0.try_sign(message).map_err(|_| SigningError::Failed)?;
        Ok(signature.as_ref().to_vec())
    }
}

struct Ecdsa(EcdsaKeyPair);

impl SignatureSigner for Ecdsa {
    fn public_key(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let signature = self.0.sign(&SystemRandom::new(), message).map_err(|_| SigningError::Failed)?;
        Ok(signature.as_ref().to_vec())
    }
}

struct RsaPss(RsaKeyPair);

impl SignatureSigner for RsaPss {
    fn public_key(&self) -> &[u8] {
        &[]
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        let signed = self.0.sign(&RSA_PSS_SHA512, &SystemRandom::new(), message, &mut signature);
        signed.map(|()| signature).map_err(|_| SigningError::Failed)
    }
}
