//! JSON Web Keys (RFC 7517, RFC 7518, RFC 8037).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Number;
use zeroize::Zeroizing;

use super::error::KeyError;
use super::key_numbers::KeyNumbers;
use super::signature_encoding;
use crate::limits::MAX_RSA_BITS;

/// The longest number of an RSA key, in bytes, and with it the longest member of a JWK that is decoded.
const MAX_NUMBER_BYTES: usize = MAX_RSA_BITS / 8;

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
            ("OKP", Some("Ed25519")) => (
                KeyNumbers::ed25519(coordinate(self.x)?)?,
                &["Ed25519", "EdDSA", "ed25519"],
                "its `alg` is not `Ed25519` (or `EdDSA`, `ed25519`)",
            ),
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
