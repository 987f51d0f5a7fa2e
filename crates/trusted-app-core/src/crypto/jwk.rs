//! JSON Web Keys (RFC 7517, RFC 7518, RFC 8037) and their thumbprints (RFC 7638).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Number;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::encoding::RsaNumbers;
use super::error::KeyError;
use super::signature_encoding;
use super::signature_key::{SignatureAlgorithm, Thumbprint};
use crate::limits::{MAX_RSA_BITS, MIN_PSS_BITS};

/// The longest number of an RSA key, in bytes, and with it the longest member of a JWK that is decoded.
const MAX_NUMBER_BYTES: usize = MAX_RSA_BITS / 8;

/// The thumbprints of the keys that RFC 9421 (appendix B.1) publishes with their private halves.
const PUBLISHED_EXAMPLES: [&str; 4] = [
    "BHj8s0GPnMEQtkaULIM-PLgEhLBbuGUQ1vMxmBWZzEo",
    "oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA",
    "ydQXMtvbsOsZyFir-Y7A8t7fKEM1gbKPvyFkdpu4fvI",
    "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U",
];

impl Thumbprint {
    pub(super) fn is_published_example(&self) -> bool {
        PUBLISHED_EXAMPLES.iter().any(|example| example.parse() == Ok(*self))
    }
}

/// The members of a JWK that are looked at, as they stand in its text: nothing private is copied.
#[derive(Deserialize)]
pub(crate) struct Jwk<'t> {
    pub(crate) kty: &'t str,
    pub(crate) crv: Option<&'t str>,
    x: Option<&'t str>,
    y: Option<&'t str>,
    n: Option<&'t str>,
    e: Option<&'t str>,
    d: Option<&'t str>,
    p: Option<&'t str>,
    q: Option<&'t str>,
    dp: Option<&'t str>,
    dq: Option<&'t str>,
    qi: Option<&'t str>,
    #[serde(rename = "use")]
    usage: Option<Cow<'t, str>>,
    pub(crate) alg: Option<Cow<'t, str>>,
    pub(crate) kid: Option<Cow<'t, str>>,
    /// Seconds since the Unix epoch, as `exp`.
    pub(crate) nbf: Option<Number>,
    pub(crate) exp: Option<Number>,
}

const fn not_jwk(problem: &'static str) -> KeyError {
    KeyError::NotJwk { problem }
}

impl<'t> Jwk<'t> {
    pub(crate) fn parse(text: &'t str) -> Result<Self, KeyError> {
        // What the parser says may quote the text.
        serde_json::from_str(text).map_err(|_| not_jwk("it is no JSON object with the members of a key"))
    }

    /// The public key of a JWK that has no private half.
    pub(crate) fn public_numbers(&self) -> Result<KeyNumbers, KeyError> {
        if [self.d, self.p, self.q, self.dp, self.dq, self.qi].iter().any(Option::is_some) {
            return Err(not_jwk("it has a private half, which must never be handed out"));
        }
        self.numbers()
    }

    /// The public key and the whole as PKCS#8.
    pub(super) fn private_numbers(&self) -> Result<(KeyNumbers, Zeroizing<Vec<u8>>), KeyError> {
        let numbers = self.numbers()?;
        let secret = |member: Option<&str>| {
            let member = member.ok_or(not_jwk("its private half is missing or incomplete"))?;
            decode(member).map(Zeroizing::new)
        };
        let d = secret(self.d)?;
        let pkcs8 = match &numbers {
            KeyNumbers::Ed25519(_) | KeyNumbers::P256 { .. } => {
                let d: &[u8; 32] = d.as_slice().try_into().map_err(|_| not_jwk("`d` is not 32 bytes"))?;
                signature_encoding::pkcs8_of_secret(numbers.algorithm(), d)
            }
            KeyNumbers::Rsa { n, e } => {
                let rest = [self.p, self.q, self.dp, self.dq, self.qi].map(secret);
                let [p, q, dp, dq, qi] = rest;
                signature_encoding::pkcs8_of_rsa([n, e, &d, &p?, &q?, &dp?, &dq?, &qi?])?
            }
        };
        Ok((numbers, pkcs8))
    }

    fn numbers(&self) -> Result<KeyNumbers, KeyError> {
        if self.usage.as_ref().is_some_and(|usage| usage != "sig") {
            return Err(not_jwk("its `use` is not `sig`"));
        }
        let member = |member: Option<&str>| decode(member.ok_or(not_jwk("a member is missing"))?);
        let coordinate = |text| {
            let bytes = member(text)?;
            <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| not_jwk("a coordinate is not 32 bytes"))
        };
        // Of each algorithm its names in JOSE (RFC 7518, RFC 8037, RFC 9864), and the one of RFC 9421, which the draft on
        // key directories asks for.
        let (numbers, names, other): (_, &[&str], _) = match (self.kty, self.crv) {
            ("OKP", Some("Ed25519")) => {
                let x = coordinate(self.x)?;
                if is_weak_ed25519(&x) {
                    return Err(KeyError::WeakPoint);
                }
                (
                    KeyNumbers::Ed25519(x),
                    &["Ed25519", "EdDSA", "ed25519"],
                    "its `alg` is not `Ed25519` (or `EdDSA`, `ed25519`)",
                )
            }
            ("EC", Some("P-256")) => (
                KeyNumbers::P256 { x: coordinate(self.x)?, y: coordinate(self.y)? },
                &["ES256", "ecdsa-p256-sha256"],
                "its `alg` is not `ES256` (or `ecdsa-p256-sha256`)",
            ),
            ("RSA", _) => (
                KeyNumbers::rsa(member(self.n)?, member(self.e)?)?,
                &["PS512", "rsa-pss-sha512"],
                "its `alg` is not `PS512` (or `rsa-pss-sha512`), the only one for RSA keys here",
            ),
            _ => return Err(not_jwk("it is neither Ed25519 nor P-256 nor RSA")),
        };
        if self.alg.as_ref().is_some_and(|alg| !names.contains(&alg.as_ref())) {
            return Err(not_jwk(other));
        }
        Ok(numbers)
    }
}

fn decode(text: &str) -> Result<Vec<u8>, KeyError> {
    if text.len() > MAX_NUMBER_BYTES.div_ceil(3) * 4 {
        return Err(not_jwk("a member is too long"));
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|_| not_jwk("a member is not base64url"))
}

/// A public key's numbers, found good.
pub(crate) enum KeyNumbers {
    Ed25519([u8; 32]),
    P256 { x: [u8; 32], y: [u8; 32] },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl KeyNumbers {
    /// Modulus and exponent, big-endian.
    pub(super) fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, KeyError> {
        // One key has one thumbprint.
        if n.first() == Some(&0) || e.first() == Some(&0) {
            return Err(not_jwk("a number begins with a zero byte"));
        }
        let bits = RsaNumbers::from_parts(&n, &e)?.bits();
        if bits < MIN_PSS_BITS {
            return Err(KeyError::TooSmallForSignatures { bits });
        }
        Ok(Self::Rsa { n, e })
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
