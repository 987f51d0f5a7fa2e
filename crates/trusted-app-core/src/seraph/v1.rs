//! Versions 1 and 0, compiled in only with the cargo feature `insecure-seraph-v1`.
//!
//! Neither signs anything. The RC4 key in the key header is raw RSA with the private key, which the
//! public key undoes for *any* number: whoever knows the public key picks a number, reads off the
//! secret key that it stands for, and encrypts what they like. Version 1 adds the magic header,
//! which is one constant per application: whoever saw one request has it for ever.

use super::certificate::{self, Certificate};
use super::v2;
use super::verification::{Verification, utf8};
use crate::crypto::PublicKey;
use crate::proofs::VerifiedSignature;
use crate::rejection::Rejection;

/// Version 1: the magic header and an encrypted certificate.
pub(super) fn version_1(verification: &Verification<'_>) -> Result<VerifiedSignature, Rejection> {
    let key = verification.credentials.key.ok_or(Rejection::SecretKeyMissing)?;
    let magic = verification.credentials.magic.ok_or(Rejection::MagicMissing)?;
    verification.under_each_key(|public_key| {
        v2::check_magic(public_key, magic).map_err(|part| verification.bad_magic(part))?;
        unsigned(verification, public_key, key, certificate::read)
    })
}

/// Version 0: an encrypted certificate, whose magic line is not looked at, and nothing else.
pub(super) fn version_0(verification: &Verification<'_>) -> Result<VerifiedSignature, Rejection> {
    let key = verification.credentials.key.ok_or(Rejection::SecretKeyMissing)?;
    verification
        .under_each_key(|public_key| unsigned(verification, public_key, key, certificate::read_without_magic))
}

fn unsigned(
    verification: &Verification<'_>,
    public_key: &PublicKey,
    key: &[u8],
    read: fn(&str) -> Option<Certificate<'_>>,
) -> Result<VerifiedSignature, Rejection> {
    let text = v2::decrypt(public_key, key, verification.credentials.certificate)
        .ok_or_else(|| verification.unreadable())?;
    let text = utf8(&text);
    let certificate = read(&text).ok_or_else(|| verification.unreadable())?;
    let created = verification.created(&certificate)?;
    verification.proven(public_key, created, certificate.user)
}
