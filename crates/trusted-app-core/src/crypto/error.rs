//! What can go wrong with keys. No error carries key material.

use std::path::PathBuf;

use super::algorithm::SignatureAlgorithm;
use crate::limits::{GENERATED_RSA_BITS, MAX_RSA_BITS, MIN_PARSED_RSA_BITS, MIN_PSS_BITS};
use crate::private_file::PrivateFileError;

/// Why a key could not be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is no base64 (standard alphabet, with padding).
    #[error("not base64")]
    NotBase64,
    /// No single PEM block (RFC 7468) of the expected label.
    #[error("not a PEM block of type `{expected}`")]
    NotPem {
        /// The label expected.
        expected: &'static str,
    },
    /// Another usual form of a key, or something else that is kept beside keys. Both texts are fixed: they quote
    /// nothing.
    #[error("{found}: {cure}")]
    OtherForm {
        /// What the text is.
        found: &'static str,
        /// What to give in its place, or which command makes it.
        cure: &'static str,
    },
    /// The bytes are not the expected structure in DER, or something follows it.
    #[error("not a DER {expected}")]
    Malformed {
        /// The structure expected.
        expected: &'static str,
    },
    /// A key of another algorithm.
    #[error("not an RSA key: its algorithm is {algorithm}")]
    NotRsa {
        /// The algorithm's object identifier, in dotted form.
        algorithm: String,
    },
    /// The modulus is below [`MIN_PARSED_RSA_BITS`].
    #[error("an RSA key of {bits} bits; at least {MIN_PARSED_RSA_BITS} are required")]
    TooSmall {
        /// The key's size.
        bits: usize,
    },
    /// The modulus is above [`MAX_RSA_BITS`].
    #[error("an RSA key of {bits} bits; at most {MAX_RSA_BITS} are allowed")]
    TooLarge {
        /// The key's size.
        bits: usize,
    },
    /// The modulus is even, so no product of two large primes.
    #[error("an RSA key with an even modulus")]
    EvenModulus,
    /// The public exponent is even, below 3, or not below 2^33.
    #[error("an RSA key whose public exponent is not an odd number from 3 to below 2^33")]
    Exponent,
    /// The provider rejects the key: its numbers do not belong together, or it does not support
    /// private keys of this size.
    #[error("the cryptography library refuses this key")]
    Refused,
    /// Not one of the sizes in which keys are generated.
    #[error("cannot generate an RSA key of {bits} bits; the sizes are {GENERATED_RSA_BITS:?}")]
    GeneratedSize {
        /// The size asked for.
        bits: usize,
    },
    /// Not a JWK (RFC 7517) of a supported kind.
    #[error("not a usable JWK: {problem}")]
    NotJwk {
        /// What is wrong with it. It quotes nothing.
        problem: &'static str,
    },
    /// A private key of none of the [algorithms](super::SignatureAlgorithm).
    #[error("neither an Ed25519 nor a P-256 nor an RSA key: its algorithm is {algorithm}")]
    OtherAlgorithm {
        /// The algorithm's object identifier, in dotted form.
        algorithm: String,
    },
    /// The provider lacks the algorithm.
    #[error("{algorithm} needs the cargo feature `aws-lc-rs` of trusted-app-core")]
    Unsupported {
        /// The algorithm.
        algorithm: SignatureAlgorithm,
    },
    /// An RSA key below [`MIN_PSS_BITS`].
    #[error("an RSA key of {bits} bits; rsa-pss-sha512 needs at least {MIN_PSS_BITS}")]
    TooSmallForSignatures {
        /// The key's size.
        bits: usize,
    },
    /// An Ed25519 point of small order or not in its one encoding: anybody could sign under it, or it
    /// would have several names.
    #[error("a weak Ed25519 key")]
    WeakPoint,
    /// An example key of RFC 9421, whose private half is published.
    #[error("this is an example key of RFC 9421, whose private half everybody knows")]
    PublishedExample,
    /// The private half belongs to another public one.
    #[error("the private half of this key does not belong to its public half")]
    HalvesDiffer,
    /// The provider failed to generate a key.
    #[error("the cryptography library failed to generate a key")]
    Generation,
}

/// Why no key could be read from a file or written to one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file could not be read or written, or others have access to it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// Its text is no such key.
    #[error("{}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with the key.
        source: KeyError,
    },
}

/// The signature is not one of this key over this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not hold")]
pub struct InvalidSignature;

/// Why the textbook operation with a public key gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawError {
    /// The block is longer than the modulus, or as a number not below it.
    #[error("the block is not below the RSA modulus")]
    OutOfRange,
    /// The provider has no such operation.
    #[error("raw RSA needs the cargo feature `rsa` of trusted-app-core")]
    Unsupported,
}

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The block is longer than the modulus, or as a number not below it.
    #[error("the block is not below the RSA modulus")]
    OutOfRange,
    /// The provider has no such operation.
    #[error("signing for Seraph (SHA-1, raw RSA) needs the cargo feature `rsa` of trusted-app-core")]
    Unsupported,
    /// The library failed: no randomness for blinding, or a fault in the computation.
    #[error("the cryptography library failed to sign")]
    Failed,
}

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes from the system")]
pub struct RandomError;
