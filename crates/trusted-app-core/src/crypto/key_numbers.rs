//! The numbers of a public key of HTTP message signatures, which its written forms and its name are made of.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::algorithm::SignatureAlgorithm;
use super::encoding::RsaNumbers;
use super::error::KeyError;
use super::signature_encoding::{self, PrivateForm};
use super::thumbprint::Thumbprint;
use crate::limits::MIN_PSS_BITS;

/// A public key's numbers, found good.
pub(crate) enum KeyNumbers {
    Ed25519([u8; 32]),
    P256 { x: [u8; 32], y: [u8; 32] },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl KeyNumbers {
    /// The encoded point.
    pub(super) fn ed25519(x: [u8; 32]) -> Result<Self, KeyError> {
        if is_weak_ed25519(&x) { Err(KeyError::WeakPoint) } else { Ok(Self::Ed25519(x)) }
    }

    /// Modulus and exponent, big-endian.
    pub(super) fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, KeyError> {
        // One key has one thumbprint.
        if n.first() == Some(&0) || e.first() == Some(&0) {
            return Err(KeyError::NotJwk { problem: "a number begins with a zero byte" });
        }
        let bits = RsaNumbers::from_parts(&n, &e)?.bits();
        if bits < MIN_PSS_BITS {
            return Err(KeyError::TooSmallForSignatures { bits });
        }
        Ok(Self::Rsa { n, e })
    }

    /// The public half of a private key; `raw` is what the library made of that.
    pub(super) fn of_private(form: &PrivateForm<'_>, raw: &[u8]) -> Result<Self, KeyError> {
        let numbers = match form {
            PrivateForm::Ed25519 => raw.try_into().ok().map(Self::Ed25519),
            PrivateForm::P256 => raw
                .strip_prefix(&[0x04])
                .and_then(|point| point.split_at_checked(32))
                .and_then(|(x, y)| Some(Self::P256 { x: x.try_into().ok()?, y: y.try_into().ok()? })),
            PrivateForm::Rsa(key) => {
                let (n, e) = (key.modulus.as_bytes(), key.public_exponent.as_bytes());
                return Self::rsa(n.to_vec(), e.to_vec());
            }
        };
        numbers.ok_or(KeyError::Refused)
    }

    pub(super) const fn algorithm(&self) -> SignatureAlgorithm {
        match self {
            Self::Ed25519(_) => SignatureAlgorithm::Ed25519,
            Self::P256 { .. } => SignatureAlgorithm::EcdsaP256Sha256,
            Self::Rsa { .. } => SignatureAlgorithm::RsaPssSha512,
        }
    }

    pub(super) const fn is_rsa(&self) -> bool {
        matches!(self, Self::Rsa { .. })
    }

    pub(super) fn to_spki(&self) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::Ed25519(x) => Ok(signature_encoding::spki_of_ed25519(x)),
            Self::P256 { x, y } => Ok(signature_encoding::spki_of_p256(x, y)),
            Self::Rsa { n, e } => RsaNumbers::from_parts(n, e)?.to_spki(),
        }
    }

    /// The required members in lexicographic order (RFC 7638, section 3.2; RFC 8037, section 2).
    fn members(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Ed25519(x) => format!(r#""crv":"Ed25519","kty":"OKP","x":"{}""#, text(x)),
            Self::P256 { x, y } => {
                format!(r#""crv":"P-256","kty":"EC","x":"{}","y":"{}""#, text(x), text(y))
            }
            Self::Rsa { n, e } => format!(r#""e":"{}","kty":"RSA","n":"{}""#, text(e), text(n)),
        }
    }

    pub(super) fn thumbprint(&self) -> Thumbprint {
        Thumbprint::new(Sha256::digest(format!("{{{}}}", self.members())).into())
    }

    pub(super) fn to_jwk(&self, thumbprint: &Thumbprint) -> String {
        let algorithm = if self.is_rsa() { r#","alg":"PS512""# } else { "" };
        format!(r#"{{{},"kid":"{thumbprint}","use":"sig"{algorithm}}}"#, self.members())
    }
}

/// Whether an encoded point is of small order, so that a signature under it proves nothing, or not the
/// one encoding of its point (RFC 8032, section 5.1.3).
fn is_weak_ed25519(encoded: &[u8; 32]) -> bool {
    /// The y coordinates of the eight points whose order divides 8, little-endian; of each with either
    /// sign of x.
    const SMALL_ORDER: [[u8; 32]; 5] = [
        // 0, of order 4
        [0; 32],
        // 1, the neutral element
        {
            let mut one = [0; 32];
            one[0] = 1;
            one
        },
        // -1, of order 2
        {
            let mut minus_one = [0xff; 32];
            minus_one[0] = 0xec;
            minus_one[31] = 0x7f;
            minus_one
        },
        // the two of order 8
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
            0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
            0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let mut y = *encoded;
    y[31] &= 0x7f;
    // 2^255 - 19 and above: from 0xed, ff .. ff, 7f.
    let not_reduced = y[31] == 0x7f && y[1..31].iter().all(|byte| *byte == 0xff) && y[0] >= 0xed;
    not_reduced || SMALL_ORDER.contains(&y)
}
