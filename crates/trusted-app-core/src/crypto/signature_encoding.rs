//! The DER forms of signature keys: SubjectPublicKeyInfo and PKCS#8.

use pkcs1::{RsaPrivateKey, RsaPrivateKeyRef};
use pkcs8::PrivateKeyInfoRef;
use spki::der::asn1::{AnyRef, OctetStringRef, UintRef};
use spki::der::{Decode, Encode};
use spki::{AlgorithmIdentifierRef, ObjectIdentifier};
use zeroize::Zeroizing;

use super::algorithm::SignatureAlgorithm;
use super::error::KeyError;

/// RFC 8410.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// RFC 5480.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// SubjectPublicKeyInfo before the key's 32 bytes (RFC 8410, section 4).
const ED25519_SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// SubjectPublicKeyInfo before the coordinates of an uncompressed point (RFC 5480).
const P256_SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
/// PrivateKeyInfo before the seed's 32 bytes (RFC 8410, section 7).
const ED25519_PKCS8: &[u8] =
    &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// PrivateKeyInfo with an ECPrivateKey (RFC 5915) before the scalar's 32 bytes.
const P256_PKCS8: &[u8] = &[
    0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01, 0x01, 0x04,
    0x20,
];

const PKCS8: KeyError = KeyError::Malformed { expected: "PKCS#8 PrivateKeyInfo" };

pub(super) fn spki_of_ed25519(x: &[u8; 32]) -> Vec<u8> {
    [ED25519_SPKI, x].concat()
}

pub(super) fn spki_of_p256(x: &[u8; 32], y: &[u8; 32]) -> Vec<u8> {
    [P256_SPKI, x, y].concat()
}

/// The key itself of an Ed25519 SubjectPublicKeyInfo.
#[cfg(feature = "rsa")]
pub(super) fn ed25519_of_spki(spki: &[u8]) -> Option<&[u8; 32]> {
    spki.strip_prefix(ED25519_SPKI)?.try_into().ok()
}

/// The seed of an Ed25519 PKCS#8 PrivateKeyInfo: an octet string within one.
#[cfg(feature = "rsa")]
pub(super) fn ed25519_seed_of_pkcs8(der: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let info = PrivateKeyInfoRef::from_der(der).ok()?;
    let seed = info.private_key.as_bytes().strip_prefix(&[0x04, 0x20])?;
    seed.try_into().ok().map(Zeroizing::new)
}

/// A private key of 32 secret bytes: Ed25519's seed or P-256's scalar.
pub(super) fn pkcs8_of_secret(algorithm: SignatureAlgorithm, secret: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let prefix = if algorithm == SignatureAlgorithm::Ed25519 { ED25519_PKCS8 } else { P256_PKCS8 };
    Zeroizing::new([prefix, secret].concat())
}

/// An RSA private key: n, e, d, p, q, d mod p-1, d mod q-1, 1/q mod p, big-endian.
pub(super) fn pkcs8_of_rsa(numbers: [&[u8]; 8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let [modulus, public_exponent, private_exponent, prime1, prime2, exponent1, exponent2, coefficient] =
        numbers.map(|number| UintRef::new(number).map_err(|_| PKCS8));
    let key = RsaPrivateKey {
        modulus: modulus?,
        public_exponent: public_exponent?,
        private_exponent: private_exponent?,
        prime1: prime1?,
        prime2: prime2?,
        exponent1: exponent1?,
        exponent2: exponent2?,
        coefficient: coefficient?,
        other_prime_infos: None,
    };
    let key = Zeroizing::new(key.to_der().map_err(|_| PKCS8)?);
    let private_key = OctetStringRef::new(&key).map_err(|_| PKCS8)?;
    let info = PrivateKeyInfoRef::new(pkcs1::ALGORITHM_ID, private_key);
    info.to_der().map(Zeroizing::new).map_err(|_| PKCS8)
}

/// What kind of private key a PKCS#8 PrivateKeyInfo (RFC 5958) has.
pub(super) enum PrivateForm<'a> {
    Ed25519,
    P256,
    Rsa(RsaPrivateKeyRef<'a>),
}

impl<'a> PrivateForm<'a> {
    pub(super) fn read(der: &'a [u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| PKCS8)?;
        match info.algorithm {
            AlgorithmIdentifierRef { oid: ED25519, parameters: None } => Ok(Self::Ed25519),
            AlgorithmIdentifierRef { oid: EC_PUBLIC_KEY, parameters } if is_p256(parameters) => {
                Ok(Self::P256)
            }
            algorithm if algorithm == pkcs1::ALGORITHM_ID => {
                let key = RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).map_err(|_| PKCS8)?;
                Ok(Self::Rsa(key))
            }
            algorithm => Err(KeyError::OtherAlgorithm { algorithm: algorithm.oid.to_string() }),
        }
    }

    pub(super) const fn algorithm(&self) -> SignatureAlgorithm {
        match self {
            Self::Ed25519 => SignatureAlgorithm::Ed25519,
            Self::P256 => SignatureAlgorithm::EcdsaP256Sha256,
            Self::Rsa(_) => SignatureAlgorithm::RsaPssSha512,
        }
    }
}

fn is_p256(parameters: Option<AnyRef<'_>>) -> bool {
    parameters.and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok()) == Some(P256)
}
