//! RSA keys, parsed once and bound to the provider that does their arithmetic.

use std::fmt;
use std::sync::{Arc, OnceLock};

use zeroize::Zeroizing;

use super::default::default_provider;
use super::encoding::{self, RsaNumbers};
use super::error::{InvalidSignature, KeyError, RawError, SigningError};
use super::fingerprint::Fingerprint;
use super::pem::{self, PRIVATE_KEY, PUBLIC_KEY, RSA_PUBLIC_KEY};
use super::provider::{CryptoProvider, SigningKey, VerifyingKey};
use crate::limits::GENERATED_RSA_BITS;

/// An RSA public key. Cloning it is cheap; two are equal when their [`Fingerprint`]s are.
#[derive(Clone)]
pub struct PublicKey(Arc<Public>);

struct Public {
    spki: Box<[u8]>,
    bits: usize,
    fingerprint: Fingerprint,
    /// Bound at the first use, for it takes several times the memory of the rest, and most of a
    /// million registered keys are never used. `None` within: the provider rejected what it had
    /// taken when the key was read.
    verifier: OnceLock<Option<Box<dyn VerifyingKey>>>,
}

impl Public {
    /// Only keys of the default provider are bound here; others were when they were read.
    fn verifier(&self) -> Option<&dyn VerifyingKey> {
        self.verifier.get_or_init(|| bind_again(&self.spki)).as_deref()
    }
}

fn bind_again(written: &[u8]) -> Option<Box<dyn VerifyingKey>> {
    let spki = RsaNumbers::from_spki(written).and_then(|key| key.to_spki()).ok()?;
    default_provider().verifying_key(&spki).ok()
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo for the [`default_provider`]. Whether that takes the key is
    /// found out now; what it needs for verifying is kept from the first verification on, so that a
    /// key that is never used costs little memory.
    ///
    /// # Errors
    ///
    /// When it is no RSA key, or outside the [`limits`](crate::limits).
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = RsaNumbers::from_spki(der)?;
        let spki = key.to_spki()?;
        default_provider().verifying_key(&spki)?;
        Ok(Self::new(&key, &spki, der, OnceLock::new()))
    }

    /// Reads the base64 of a SubjectPublicKeyInfo, the form in certificate documents. Whitespace
    /// anywhere is passed over.
    ///
    /// # Errors
    ///
    /// When it is no base64, no RSA key, or outside the [`limits`](crate::limits). A certificate, a private key and
    /// other usual forms are [named](KeyError::OtherForm), with the command that prints the public key.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        match encoding::from_base64(text) {
            Ok(der) => Self::from_spki_der(&der),
            Err(error) => Err(pem::other_form(PUBLIC_KEY, text).unwrap_or(error)),
        }
    }

    /// Reads a PEM block `PUBLIC KEY` (RFC 7468, section 13) or `RSA PUBLIC KEY` (PKCS#1, RFC 8017, appendix A.1.1).
    ///
    /// # Errors
    ///
    /// When it is no such block, no RSA key, or outside the [`limits`](crate::limits); other forms are named as by
    /// [`from_base64`](Self::from_base64).
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        if pem::label_of(text) == Some(RSA_PUBLIC_KEY) {
            let der = pem::from_pem(RSA_PUBLIC_KEY, text)?;
            return Self::from_spki_der(&RsaNumbers::from_pkcs1(&der)?.to_spki()?);
        }
        Self::from_spki_der(&pem::from_pem(PUBLIC_KEY, text)?)
    }

    /// Reads a DER SubjectPublicKeyInfo and binds it to `provider`, at once.
    ///
    /// # Errors
    ///
    /// When it is no RSA key, or outside the [`limits`](crate::limits).
    pub fn from_spki_der_with(provider: &dyn CryptoProvider, der: &[u8]) -> Result<Self, KeyError> {
        let key = RsaNumbers::from_spki(der)?;
        let spki = key.to_spki()?;
        let verifier = provider.verifying_key(&spki)?;
        Ok(Self::new(&key, &spki, der, Some(verifier).into()))
    }

    /// `spki` is the usual form, `written` the one to keep.
    fn new(
        key: &RsaNumbers<'_>,
        spki: &[u8],
        written: &[u8],
        verifier: OnceLock<Option<Box<dyn VerifyingKey>>>,
    ) -> Self {
        Self(Arc::new(Public {
            spki: written.into(),
            bits: key.bits(),
            fingerprint: Fingerprint::of_spki(spki),
            verifier,
        }))
    }

    /// The modulus' size in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.bits
    }

    /// The key's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.0.fingerprint
    }

    /// The DER SubjectPublicKeyInfo, byte for byte as it was read.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// The base64 of [`spki_der`](Self::spki_der), in one line.
    #[must_use]
    pub fn to_base64(&self) -> String {
        encoding::to_base64(self.spki_der())
    }

    /// [`spki_der`](Self::spki_der) as a PEM block `PUBLIC KEY`.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::to_pem(PUBLIC_KEY, self.spki_der()).to_string()
    }

    /// Verifies a signature: RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8017, section 8.2.2), which Java
    /// calls `SHA1withRSA`. Allocates nothing where `aws-lc-rs` does it.
    ///
    /// # Errors
    ///
    /// When the signature does not hold.
    pub fn verify_sha1(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.0.verifier().ok_or(InvalidSignature)?.verify_sha1(message, signature)
    }

    /// Textbook RSA, `block^e mod n`, as Seraph version 2 needs it. Proves nothing by itself:
    /// anybody can find a block for any result.
    ///
    /// The result is the number's bytes without leading zeros: none at all for zero.
    ///
    /// # Errors
    ///
    /// When the block is longer than the modulus (even by leading zeros) or not below it, or
    /// without the cargo feature `rsa`.
    pub fn raw(&self, block: &[u8]) -> Result<Vec<u8>, RawError> {
        self.0.verifier().ok_or(RawError::Unsupported)?.raw(block)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint() == other.fingerprint()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("bits", &self.bits())
            .field("fingerprint", self.fingerprint())
            .finish()
    }
}

/// An RSA private key. Cloning it is cheap and copies no secret; its memory is wiped when the last
/// clone is dropped; [`Debug`](fmt::Debug) shows its public half only.
#[derive(Clone)]
pub struct PrivateKey(Arc<Private>);

struct Private {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
    signer: Box<dyn SigningKey>,
}

impl PrivateKey {
    /// Generates a key of 2048, 3072, 4096 or 8192 bits with the [`default_provider`].
    ///
    /// # Errors
    ///
    /// When the size is another one, or the library fails.
    pub fn generate(bits: usize) -> Result<Self, KeyError> {
        Self::generate_with(default_provider(), bits)
    }

    /// Generates a key of 2048, 3072, 4096 or 8192 bits with `provider`.
    ///
    /// # Errors
    ///
    /// When the size is another one, or the library fails.
    pub fn generate_with(provider: &dyn CryptoProvider, bits: usize) -> Result<Self, KeyError> {
        if !GENERATED_RSA_BITS.contains(&bits) {
            return Err(KeyError::GeneratedSize { bits });
        }
        Self::from_pkcs8_der_with(provider, &provider.generate(bits)?)
    }

    /// Reads a DER PKCS#8 PrivateKeyInfo, unencrypted, and binds it to the [`default_provider`].
    ///
    /// # Errors
    ///
    /// When it is no RSA key, its numbers do not belong together, or it is outside the
    /// [`limits`](crate::limits).
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_pkcs8_der_with(default_provider(), der)
    }

    /// Reads a PEM block `PRIVATE KEY` (RFC 7468, section 10). Text may stand before it.
    ///
    /// # Errors
    ///
    /// When it is no such block, and as [`from_pkcs8_der`](Self::from_pkcs8_der).
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&pem::from_pem(PRIVATE_KEY, text)?)
    }

    /// Reads a DER PKCS#8 PrivateKeyInfo, unencrypted, and binds it to `provider`.
    ///
    /// # Errors
    ///
    /// As [`from_pkcs8_der`](Self::from_pkcs8_der).
    pub fn from_pkcs8_der_with(provider: &dyn CryptoProvider, der: &[u8]) -> Result<Self, KeyError> {
        let public = PublicKey::from_spki_der_with(provider, &RsaNumbers::from_pkcs8(der)?.to_spki()?)?;
        let signer = provider.signing_key(der)?;
        Ok(Self(Arc::new(Private { pkcs8: Zeroizing::new(der.to_vec()), public, signer })))
    }

    /// The key as a PEM block `PRIVATE KEY`, unencrypted.
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        pem::to_pem(PRIVATE_KEY, &self.0.pkcs8)
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// Signs: RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8017, section 8.2.1), which Java calls
    /// `SHA1withRSA`. The same message always gets the same signature.
    ///
    /// # Errors
    ///
    /// Without the cargo feature `rsa`, or when the library fails.
    pub fn sign_sha1(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        self.0.signer.sign_sha1(message)
    }

    /// Textbook RSA, `block^d mod n`, blinded, as Seraph version 2 needs it. The result is exactly
    /// as long as the modulus.
    ///
    /// # Errors
    ///
    /// When the block is longer than the modulus or not below it, without the cargo feature `rsa`,
    /// or when the library fails.
    pub fn raw(&self, block: &[u8]) -> Result<Vec<u8>, SigningError> {
        self.0.signer.raw(block)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public_key", self.public_key()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::crypto::{RandomError, SignatureAlgorithm, SignatureSigner, SignatureVerifier};

    const KEY: &str = include_str!("../../tests/data/public-key-2048.txt");

    /// A provider that takes every key and does nothing with it.
    #[derive(Debug)]
    struct Idle;

    impl CryptoProvider for Idle {
        fn verifying_key(&self, _: &[u8]) -> Result<Box<dyn VerifyingKey>, KeyError> {
            Ok(Box::new(Self))
        }

        fn signing_key(&self, _: &[u8]) -> Result<Box<dyn SigningKey>, KeyError> {
            Ok(Box::new(Self))
        }

        fn generate(&self, _: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
            Err(KeyError::Generation)
        }

        fn signature_verifier(
            &self,
            algorithm: SignatureAlgorithm,
            _: &[u8],
        ) -> Result<Box<dyn SignatureVerifier>, KeyError> {
            Err(KeyError::Unsupported { algorithm })
        }

        fn signature_signer(
            &self,
            algorithm: SignatureAlgorithm,
            _: &[u8],
        ) -> Result<Box<dyn SignatureSigner>, KeyError> {
            Err(KeyError::Unsupported { algorithm })
        }

        fn random(&self, _: &mut [u8]) -> Result<(), RandomError> {
            Err(RandomError)
        }
    }

    impl VerifyingKey for Idle {
        fn verify_sha1(&self, _: &[u8], _: &[u8]) -> Result<(), InvalidSignature> {
            Err(InvalidSignature)
        }

        fn raw(&self, _: &[u8]) -> Result<Vec<u8>, RawError> {
            Err(RawError::Unsupported)
        }
    }

    impl SigningKey for Idle {
        fn sign_sha1(&self, _: &[u8]) -> Result<Vec<u8>, SigningError> {
            Err(SigningError::Unsupported)
        }

        fn raw(&self, _: &[u8]) -> Result<Vec<u8>, SigningError> {
            Err(SigningError::Unsupported)
        }
    }

    #[test]
    fn written_forms_lead_back() {
        let key = PublicKey::from_base64(KEY).unwrap();
        assert_eq!(key.bits(), 2048);
        assert_eq!(key.to_base64(), KEY.trim());
        assert_eq!(PublicKey::from_pem(&key.to_pem()).unwrap(), key);
        assert_eq!(PublicKey::from_spki_der(key.spki_der()).unwrap(), key);
    }

    #[test]
    fn fingerprint_is_the_digest_of_the_subject_public_key_info() {
        let key = PublicKey::from_base64(KEY).unwrap();
        assert_eq!(key.fingerprint().as_bytes()[..], Sha256::digest(key.spki_der())[..]);
        let shown = Fingerprint::of_digest([0xab, 0x01].repeat(16).try_into().unwrap()).to_string();
        assert_eq!(shown, ["ab:01"; 16].join(":"));
    }

    #[test]
    fn a_key_in_an_unusual_form_is_known_again_and_kept_as_it_came() {
        let usual = PublicKey::from_base64(KEY).unwrap();
        let mut der = usual.spki_der().to_vec();
        // SEQUENCE of 290 bytes, SEQUENCE of 13: drop the NULL.
        assert_eq!((&der[..6], &der[17..19]), (&[0x30, 0x82, 0x01, 0x22, 0x30, 0x0d][..], &[0x05, 0x00][..]));
        der.drain(17..19);
        (der[3], der[5]) = (0x20, 0x0b);
        let unusual = PublicKey::from_spki_der(&der).unwrap();
        assert_eq!(unusual, usual);
        assert_eq!(unusual.spki_der(), der);
    }

    #[test]
    fn keys_belong_to_the_provider_that_bound_them() {
        let der = PublicKey::from_base64(KEY).unwrap().spki_der().to_vec();
        let key = PublicKey::from_spki_der_with(&Idle, &der).unwrap();
        assert_eq!(key.raw(&[1]), Err(RawError::Unsupported));
        assert_eq!(PrivateKey::generate_with(&Idle, 2048).unwrap_err(), KeyError::Generation);
    }

    #[test]
    fn a_key_is_bound_at_its_first_use() {
        let key = PublicKey::from_base64(KEY).unwrap();
        assert!(key.0.verifier.get().is_none());
        let clone = key.clone();
        assert_eq!(clone.verify_sha1(b"message", &[0; 256]), Err(InvalidSignature));
        assert!(matches!(key.0.verifier.get(), Some(Some(_))), "the clones share what was bound");

        let key = PublicKey::from_spki_der_with(&Idle, key.spki_der()).unwrap();
        assert!(key.0.verifier.get().is_some(), "another provider binds at once");
    }

    #[test]
    fn sizes_that_are_not_generated() {
        for bits in [0, 512, 1024, 2047, 2049, 2056, 6144, 8200, 16384, usize::MAX] {
            assert_eq!(PrivateKey::generate(bits).unwrap_err(), KeyError::GeneratedSize { bits });
        }
    }

    #[test]
    fn debug_shows_size_and_fingerprint_of_a_public_key() {
        let key = PublicKey::from_base64(KEY).unwrap();
        let shown = format!("PublicKey {{ bits: 2048, fingerprint: {} }}", key.fingerprint());
        assert_eq!(format!("{key:?}"), shown);
    }
}
