//! Cryptography as a value: a key is bound to a [`CryptoProvider`] when it is parsed, and from then
//! on carries out its operations itself.
//!
//! [`PublicKey`] and [`PrivateKey`] are what the rest of the crate works with. [`default_provider`]
//! says which library does what for which cargo features; [`AwsLc`] and [`RustCrypto`] choose one
//! explicitly.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
mod default;
mod encoding;
mod error;
mod key;
mod provider;
#[cfg(feature = "rsa")]
mod rsa;

#[cfg(feature = "rsa")]
pub use self::rsa::RustCrypto;
#[cfg(feature = "aws-lc-rs")]
pub use aws_lc::AwsLc;
pub use default::default_provider;
pub use error::{InvalidSignature, KeyError, RandomError, RawError, SigningError};
pub use key::{Fingerprint, PrivateKey, PublicKey};
pub use provider::{CryptoProvider, SigningKey, VerifyingKey};
