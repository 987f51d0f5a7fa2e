//! One application acting on behalf of another application's users: the model, the wire protocols
//! and their verification.
//!
//! This crate opens no socket and reads no clock: given bytes, keys and a time it answers. The
//! flow of one request, from top to bottom:
//!
//! 1. the scheme's `Credentials` read the headers, under the [`limits`];
//! 2. a [`KeyStore`] says which [`TrustedApplication`] they are of;
//! 3. the scheme's `verify` holds the signature against that application's keys: [`Verified`];
//! 4. [`Verified::admit`] checks age, method, source addresses and path, in that order: [`Admitted`];
//! 5. a [`UserDirectory`] says who the named user is, and [`Admitted::permit`] whether the application may act as that
//!    user: [`Permitted`];
//! 6. where a [digest](Permitted::content) of the body was signed, the body is held against it;
//! 7. where the request counts once, a [`ReplayStore`] says whether it is the first: [`Accepted`].
//!
//! Anything else is a [`Rejection`], which [`Rejected`] puts into the words of the request's scheme.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "aws-lc-rs", feature = "rsa")))]
compile_error!(
    "trusted-app-core needs a cryptography provider: enable its feature `aws-lc-rs` (fast, needs a C \
     compiler) or `rsa` (pure Rust), or both"
);

pub mod application;
pub mod clock;
pub mod conditions;
pub mod content;
pub mod crypto;
pub mod httpsig;
pub mod identity;
pub mod limits;
pub mod permission;
pub mod private_file;
pub mod proofs;
pub mod registry;
mod rejected;
pub mod rejection;
pub mod seraph;
pub mod store;
pub mod text;
pub mod user;

pub use application::{ApplicationId, RequestConditions, Scheme, TrustedApplication};
pub use clock::{Clock, Timestamp};
pub use crypto::PublicKey;
pub use identity::LocalApplication;
pub use permission::ActAsPolicy;
pub use proofs::{Accepted, Admitted, Permitted, RequestFacts, Verified, VerifiedSignature};
pub use registry::ApplicationRegistry;
pub use rejected::{Protocol, Rejected};
pub use rejection::Rejection;
pub use store::{BoxError, KeyStore, ReplayStore, UserDirectory, UserLookup};
pub use user::KnownUser;
