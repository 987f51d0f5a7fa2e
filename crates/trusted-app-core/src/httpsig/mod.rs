//! HTTP message signatures (RFC 9421) of trusted applications: the profile `trusted-app`.
//!
//! An application signs each request with a key of its own and names the user it acts for in a field
//! that the signature covers:
//!
//! ```text
//! Trusted-App-User: "alice"
//! Content-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:
//! Signature-Input: ta=("@method" "@target-uri" "content-type" "content-digest" "trusted-app-user");created=1767225600;expires=1767225660;nonce="AQEBAQEBAQEBAQEBAQEBAQ";keyid="poqk...";tag="trusted-app"
//! Signature: ta=:kMzW...:
//! ```
//!
//! Unlike Seraph this signs the method, the body by its digest (RFC 9530), and a nonce, so that a
//! captured request is good for nothing. The flow of one request:
//!
//! 1. [`SignatureFields::of`] and [`Credentials::parse`] read the fields, under the
//!    [`limits`](crate::limits);
//! 2. [`Credentials::check`] holds them against the [`SignaturePolicy`]: what must be covered, and when;
//! 3. a [`KeyStore`](crate::KeyStore) says whose [`thumbprint`](Checked::key) that is;
//! 4. [`Checked::verify`] holds the signature against that key and answers with a [`Verified`](crate::Verified);
//! 5. from there on it is the way of every scheme: the conditions, the user, the body against the
//!    [`ExpectedContent`](crate::content::ExpectedContent), and at last the nonce; then the
//!    [fields of a proxy's](crate::Accepted::proxy_fields) are removed.
//!
//! Anything else is a [`Rejection`](crate::Rejection).

mod base;
mod base_line;
mod code;
mod digest;
mod directory;
mod fields;
mod input;
mod policy;
mod sign;
mod user;
mod verify;

pub use crate::application::DIRECTORY_PATH;

pub use base::{RequestMessage, ResponseMessage, SignatureBase};
pub use base_line::BaseLine;
pub use code::Code;
pub use digest::{CONTENT_DIGEST, parse_content_digest};
pub use directory::{
    DIRECTORY_MEDIA_TYPE, DirectoryError, DirectoryKey, KeyDirectory, SignedDirectory, SkipReason,
    SkippedKey, Unproven,
};
pub use fields::{SIGNATURE, SIGNATURE_INPUT, SignatureFields, TAG};
pub use policy::{ACCEPT_SIGNATURE, ProxyFieldError, SignaturePolicy, accept_signature};
pub use sign::{SignError, SignatureHeaders, SigningRequest};
pub use user::{TRUSTED_APP_USER, UserField};
pub use verify::{Checked, Credentials};
