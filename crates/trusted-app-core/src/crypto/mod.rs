//! Cryptography as a value: a key is bound to a [`CryptoProvider`] when it is parsed, and from then
//! on carries out its operations itself.
//!
//! [`PublicKey`] and [`PrivateKey`] are RSA keys of Seraph; [`SignatureKey`] and [`PrivateSignatureKey`]
//! are those of HTTP message signatures, whose algorithm belongs to the key. [`default_provider`]
//! says which library does what for which cargo features; [`AwsLc`] and [`RustCrypto`] choose one
//! explicitly.

mod algorithm;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc_signature;
mod default;
mod encoding;
mod error;
mod fingerprint;
pub(crate) mod jwk;
mod key;
mod key_numbers;
mod pem;
mod provider;
#[cfg(feature = "rsa")]
mod rsa;
#[cfg(feature = "rsa")]
mod rust_crypto_signature;
mod signature_encoding;
mod signature_key;
mod thumbprint;
mod written;

#[cfg(feature = "rsa")]
pub use self::rsa::RustCrypto;
pub use algorithm::SignatureAlgorithm;
#[cfg(feature = "aws-lc-rs")]
pub use aws_lc::AwsLc;
pub use default::default_provider;
pub use error::{InvalidSignature, KeyError, KeyFileError, RandomError, RawError, SigningError};
pub use fingerprint::Fingerprint;
pub use key::{PrivateKey, PublicKey};
pub use provider::{CryptoProvider, SignatureSigner, SignatureVerifier, SigningKey, VerifyingKey};
pub use signature_key::{PrivateSignatureKey, SignatureKey};
pub use thumbprint::{Thumbprint, ThumbprintError};
