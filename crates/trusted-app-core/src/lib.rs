//! One application acting on behalf of another application's users: the model, the wire protocols
//! and their verification.
//!
//! This crate opens no socket and reads no clock: given bytes, keys and a time it answers. The
//! flow of one request, from top to bottom:
//!
//! 1. [`seraph::Credentials::parse`] reads the headers, under the [`limits`];
//! 2. a [`KeyStore`] says which [`TrustedApplication`] the id belongs to;
//! 3. [`seraph::Credentials::verify`] holds the signature against that application's keys and
//!    answers with a [`VerifiedSignature`], which nothing else can make;
//! 4. [`VerifiedSignature::admit`] checks age, method, source addresses and path, in that order,
//!    and answers with an [`Admitted`];
//! 5. a [`UserDirectory`] says who the named user is, and the application's [`ActAsPolicy`] whether it may
//!    act as that user;
//! 6. where it is wanted, a [`ReplayStore`] says whether the request is the first with this signature.
//!
//! Anything else is a [`Rejection`].

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "aws-lc-rs", feature = "rsa")))]
compile_error!(
    "trusted-app-core needs a cryptography provider: enable its feature `aws-lc-rs` (fast, needs a C \
     compiler) or `rsa` (pure Rust), or both"
);

pub mod application;
pub mod clock;
pub mod conditions;
pub mod crypto;
pub mod httpsig;
pub mod identity;
pub mod limits;
pub mod permission;
pub mod private_file;
pub mod registry;
pub mod rejection;
pub mod seraph;
pub mod store;
pub mod text;
pub mod user;
pub mod verified;

pub use application::{ApplicationId, RequestConditions, Scheme, TrustedApplication};
pub use clock::{Clock, Timestamp};
pub use crypto::PublicKey;
pub use identity::LocalApplication;
pub use permission::ActAsPolicy;
pub use registry::ApplicationRegistry;
pub use rejection::Rejection;
pub use store::{BoxError, KeyStore, ReplayStore, UserDirectory, UserLookup};
pub use user::KnownUser;
pub use verified::{Admitted, RequestFacts, VerifiedSignature};
