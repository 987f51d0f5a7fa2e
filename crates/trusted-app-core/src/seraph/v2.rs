//! What version 2 (and 1 and 0) does with raw RSA and RC4.

use rc4::{KeyInit, Rc4, StreamCipher};

use super::base64;
use super::certificate::MAGIC_NUMBER;
use crate::crypto::PublicKey;
use crate::rejection::MagicPart;

/// Checks the magic header: raw RSA with the private key over the magic number. It is the same in
/// every request of an application.
pub(super) fn check_magic(key: &PublicKey, header: &[u8]) -> Result<(), MagicPart> {
    // The original blames the secret key for any base64 that it cannot read.
    let block = base64::decode(header).ok_or(MagicPart::SecretKey)?;
    match key.raw(&block) {
        Ok(magic) if magic == MAGIC_NUMBER.as_bytes() => Ok(()),
        _ => Err(MagicPart::PublicKey),
    }
}

/// Decrypts the certificate by the RC4 key that the key header holds under raw RSA.
pub(super) fn decrypt(key: &PublicKey, secret_key: &[u8], certificate: &[u8]) -> Option<Vec<u8>> {
    let secret_key = key.raw(&base64::decode(secret_key)?).ok()?;
    let mut text = base64::decode(certificate)?;
    apply_rc4(&secret_key, &mut text)?;
    Some(text)
}

/// Encrypts or decrypts in place. RC4 takes keys of 1 to 256 bytes.
pub(super) fn apply_rc4(secret_key: &[u8], text: &mut [u8]) -> Option<()> {
    Rc4::new_from_slice(secret_key).ok()?.try_apply_keystream(text).ok()
}
