//! What the versions have in common when a signature is held against keys, and versions 3 and 2.

use std::borrow::Cow;

use smallvec::SmallVec;
use smol_str::SmolStr;

use super::certificate::{self, Certificate};
use super::{Credentials, base64, v2};
use crate::application::{Scheme, TrustedApplication};
use crate::clock::Timestamp;
use crate::crypto::PublicKey;
use crate::limits::{MAX_RSA_BITS, MAX_USER_NAME_BYTES};
use crate::proofs::VerifiedSignature;
use crate::rejection::{MagicPart, Rejection};

/// A signature is as long as the modulus.
const MAX_SIGNATURE_BYTES: usize = MAX_RSA_BITS / 8;

/// Most certificates are shorter, and need no memory of their own.
const USUAL_CERTIFICATE_BYTES: usize = 128;

/// Likewise what is signed.
const USUAL_BASE_BYTES: usize = 256;

/// One verification, with all that it looks at.
pub(super) struct Verification<'a> {
    pub(super) credentials: &'a Credentials<'a>,
    pub(super) application: &'a TrustedApplication,
    pub(super) scheme: Scheme,
    pub(super) url: &'a str,
    pub(super) now: Timestamp,
}

impl Verification<'_> {
    /// Version 3: timestamp, URL and user are signed.
    pub(super) fn version_3(&self) -> Result<VerifiedSignature, Rejection> {
        let mut buffer = [0; USUAL_CERTIFICATE_BYTES];
        let text = base64::decode_near(self.credentials.certificate, &mut buffer)
            .ok_or_else(|| self.unreadable())?;
        let text = utf8(&text);
        let certificate = certificate::read(&text).ok_or_else(|| self.unreadable())?;
        let created = self.created(&certificate)?;
        let mut buffer = [0; MAX_SIGNATURE_BYTES];
        let signature = self.signature(&mut buffer)?;

        let mut signed = self.signature_base(created, 1 + certificate.user.len());
        signed.push(b'\n');
        signed.extend_from_slice(certificate.user.as_bytes());
        let key = self
            .application
            .live_keys(self.now)
            .find(|key| key.verify_sha1(&signed, signature).is_ok())
            .ok_or_else(|| self.bad_signature())?;
        self.proven(key, created, certificate.user)
    }

    /// Version 2: timestamp and URL are signed, the user is not.
    pub(super) fn version_2(&self) -> Result<VerifiedSignature, Rejection> {
        let key = self.credentials.key.ok_or(Rejection::SecretKeyMissing)?;
        let magic = self.credentials.magic.ok_or(Rejection::MagicMissing)?;
        self.under_each_key(|public_key| self.version_2_under(public_key, key, magic))
    }

    fn version_2_under(
        &self,
        public_key: &PublicKey,
        key: &[u8],
        magic: &[u8],
    ) -> Result<VerifiedSignature, Rejection> {
        v2::check_magic(public_key, magic).map_err(|part| self.bad_magic(part))?;
        let text =
            v2::decrypt(public_key, key, self.credentials.certificate).ok_or_else(|| self.unreadable())?;
        let text = utf8(&text);
        let certificate = certificate::read(&text)
            .filter(|_| !certificate::has_injected_line_end(&text))
            .ok_or_else(|| self.unreadable())?;
        let created = self.created(&certificate)?;
        let mut buffer = [0; MAX_SIGNATURE_BYTES];
        let signature = self.signature(&mut buffer)?;

        let signed = self.signature_base(created, 0);
        public_key.verify_sha1(&signed, signature).map_err(|_| self.bad_signature())?;
        self.proven(public_key, created, certificate.user)
    }

    /// Tries one key after the other. Of several failures the one counts that came furthest: a magic
    /// number that does not read says only that this was not the key.
    pub(super) fn under_each_key(
        &self,
        verify: impl Fn(&PublicKey) -> Result<VerifiedSignature, Rejection>,
    ) -> Result<VerifiedSignature, Rejection> {
        let mut failure = self.bad_magic(MagicPart::PublicKey);
        for key in self.application.live_keys(self.now) {
            match verify(key) {
                Err(Rejection::BadMagic { part: MagicPart::PublicKey, .. }) => {}
                Err(rejection) => failure = rejection,
                proven => return proven,
            }
        }
        Err(failure)
    }

    /// The certificate's timestamp; also bounds the user name, which stands beside it.
    pub(super) fn created(&self, certificate: &Certificate<'_>) -> Result<Timestamp, Rejection> {
        if certificate.user.len() > MAX_USER_NAME_BYTES {
            return Err(Rejection::TooLarge { what: "user name", limit: MAX_USER_NAME_BYTES });
        }
        certificate.created().ok_or_else(|| Rejection::TimestampNotANumber {
            timestamp: certificate.timestamp.to_owned(),
            application: self.application.id().to_string(),
        })
    }

    fn signature<'b>(&self, buffer: &'b mut [u8; MAX_SIGNATURE_BYTES]) -> Result<&'b [u8], Rejection> {
        let signature = self.credentials.signature.ok_or(Rejection::SignatureMissing)?;
        base64::decode_into(signature, buffer).ok_or_else(|| self.bad_signature())
    }

    /// Timestamp and URL, with room for more. The timestamp is signed as the plain decimal number,
    /// however it is written in the certificate.
    fn signature_base(&self, created: Timestamp, more: usize) -> SmallVec<[u8; USUAL_BASE_BYTES]> {
        const LONGEST_TIMESTAMP: usize = "-9223372036854775808\n".len();
        let mut base = SmallVec::with_capacity(LONGEST_TIMESTAMP + self.url.len() + more);
        base.extend_from_slice(itoa::Buffer::new().format(created.as_millis()).as_bytes());
        base.push(b'\n');
        base.extend_from_slice(self.url.as_bytes());
        base
    }

    /// The proof, unless the name is one that nobody can have.
    pub(super) fn proven(
        &self,
        key: &PublicKey,
        created: Timestamp,
        user: &str,
    ) -> Result<VerifiedSignature, Rejection> {
        if user.trim().is_empty() || user.contains(char::is_control) {
            return Err(Rejection::UserUnknown { user: user.to_owned() });
        }
        Ok(VerifiedSignature::new(self.scheme, *key.fingerprint(), created, SmolStr::new(user)))
    }

    pub(super) fn bad_magic(&self, part: MagicPart) -> Rejection {
        Rejection::BadMagic { part, application: self.application.id().to_string() }
    }

    /// The certificate could not be read.
    pub(super) fn unreadable(&self) -> Rejection {
        self.bad_magic(MagicPart::SecretKey)
    }

    fn bad_signature(&self) -> Rejection {
        Rejection::BadSignature { url: self.url.to_owned(), as_written: None }
    }
}

/// Bytes that are no UTF-8 become U+FFFD, also in the text that is signed.
pub(super) fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
