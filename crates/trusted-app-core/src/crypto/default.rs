//! Which provider does what unless one is chosen explicitly.

use super::provider::CryptoProvider;

/// The provider that keys are bound to unless another one is named.
///
/// The cargo features alone decide:
///
/// | features | verifies SHA-1 | raw RSA with a public key | signs SHA-1, raw RSA with a private key | HTTP message signatures | generates, random bytes |
/// |---|---|---|---|---|---|
/// | `aws-lc-rs` and `rsa` (default) | `aws-lc-rs` | `rsa` | `rsa` | `aws-lc-rs` | `aws-lc-rs` |
/// | `aws-lc-rs` | `aws-lc-rs` | unsupported | unsupported | `aws-lc-rs` | `aws-lc-rs` |
/// | `rsa` | `rsa` | `rsa` | `rsa` | `ed25519-dalek` and `rsa`; ECDSA unsupported | `rsa` |
///
/// *Unsupported* is a typed error that names the missing feature. A server that only accepts Seraph
/// version 3 needs none of those operations.
#[must_use]
pub fn default_provider() -> &'static dyn CryptoProvider {
    #[cfg(all(feature = "aws-lc-rs", feature = "rsa"))]
    return &both::AwsLcThenRustCrypto;
    #[cfg(all(feature = "aws-lc-rs", not(feature = "rsa")))]
    return &super::aws_lc::AwsLc;
    #[cfg(not(feature = "aws-lc-rs"))]
    return &super::rsa::RustCrypto;
}

#[cfg(all(feature = "aws-lc-rs", feature = "rsa"))]
mod both {
    use zeroize::Zeroizing;

    use crate::crypto::algorithm::SignatureAlgorithm;
    use crate::crypto::aws_lc::AwsLc;
    use crate::crypto::error::{InvalidSignature, KeyError, RandomError, RawError};
    use crate::crypto::provider::{
        CryptoProvider, SignatureSigner, SignatureVerifier, SigningKey, VerifyingKey,
    };
    use crate::crypto::rsa::RustCrypto;

    /// `aws-lc-rs` for what it can do, `rsa` for the rest.
    #[derive(Debug)]
    pub(super) struct AwsLcThenRustCrypto;

    impl CryptoProvider for AwsLcThenRustCrypto {
        fn verifying_key(&self, spki: &[u8]) -> Result<Box<dyn VerifyingKey>, KeyError> {
            Ok(Box::new(Verifier { fast: AwsLc.verifying_key(spki)?, raw: RustCrypto.verifying_key(spki)? }))
        }

        fn signing_key(&self, pkcs8: &[u8]) -> Result<Box<dyn SigningKey>, KeyError> {
            RustCrypto.signing_key(pkcs8)
        }

        fn generate(&self, bits: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
            AwsLc.generate(bits)
        }

        fn signature_verifier(
            &self,
            algorithm: SignatureAlgorithm,
            spki: &[u8],
        ) -> Result<Box<dyn SignatureVerifier>, KeyError> {
            AwsLc.signature_verifier(algorithm, spki)
        }

        fn signature_signer(
            &self,
            algorithm: SignatureAlgorithm,
            pkcs8: &[u8],
        ) -> Result<Box<dyn SignatureSigner>, KeyError> {
            AwsLc.signature_signer(algorithm, pkcs8)
        }

        fn random(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
            AwsLc.random(bytes)
        }
    }

    /// One public key, bound to each library for what that one does.
    struct Verifier {
        fast: Box<dyn VerifyingKey>,
        raw: Box<dyn VerifyingKey>,
    }

    impl VerifyingKey for Verifier {
        fn verify_sha1(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
            self.fast.verify_sha1(message, signature)
        }

        fn raw(&self, block: &[u8]) -> Result<Vec<u8>, RawError> {
            self.raw.raw(block)
        }
    }
}
