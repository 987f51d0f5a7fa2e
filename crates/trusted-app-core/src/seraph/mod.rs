//! Atlassian's Seraph "trusted applications" wire protocol: versions 3 and 2, and, behind the cargo
//! feature `insecure-seraph-v1`, 1 and 0.
//!
//! A request carries up to six headers. The *certificate* is a text of three lines: timestamp, user
//! name, [magic number](MAGIC_NUMBER).
//!
//! | | version 3 | version 2 | version 1 | version 0 |
//! |---|---|---|---|---|
//! | certificate | in the clear | RC4 | RC4 | RC4, without the magic line |
//! | key, the RC4 key under the private key | | yes | yes | yes |
//! | magic, the magic number under the private key | | yes | yes | |
//! | signature, SHA-1 with RSA (PKCS#1 v1.5) | timestamp, URL, user | timestamp, URL | | |
//!
//! Version 2 does not sign the user name and RC4 has no integrity: whoever sees one request of
//! version 2 can send it again for another user until it expires. In versions 1 and 0 nothing is
//! signed; whoever knows an application's public key can forge them. That is why an application
//! must be registered with these schemes by name.
//!
//! No version signs the application's id, the method or the body.

mod base64;
mod cache;
mod certificate;
mod code;
mod document;
mod error;
mod headers;
mod java;
mod parameters;
mod sign;
#[cfg(feature = "insecure-seraph-v1")]
mod v1;
mod v2;
mod verification;
mod verify;

pub use cache::SignatureCache;
pub use certificate::MAGIC_NUMBER;
pub use code::{Code, class};
pub use document::{CERTIFICATE_PATH, CertificateDocument, DocumentError};
pub use error::{TransportError, TransportErrorSyntax};
pub use headers::{
    CERTIFICATE, Credentials, ERROR, ID, KEY, MAGIC, REQUEST_HEADERS, SIGNATURE, STATUS, SeraphHeaders,
    VERSION,
};
pub use sign::{SignError, Signer, SigningRequest, UnsignedRequest};
