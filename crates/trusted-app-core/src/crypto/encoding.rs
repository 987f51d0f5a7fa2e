//! The written forms of keys (DER, base64) and the checks that hold whichever library does the
//! arithmetic.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use pkcs8::PrivateKeyInfoRef;
use spki::der::asn1::{BitStringRef, UintRef};
use spki::der::{Decode, Encode};
use spki::{AlgorithmIdentifierRef, ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::error::KeyError;
use crate::limits::{MAX_RSA_BITS, MIN_PARSED_RSA_BITS};

/// `id-RSASSA-PSS` of RFC 4055. Without parameters it binds the key to nothing, and the original
/// reads such a key as any other.
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

const SPKI: KeyError = KeyError::Malformed { expected: "SubjectPublicKeyInfo" };
const PKCS1: KeyError = KeyError::Malformed { expected: "PKCS#1 RSAPublicKey" };
const PKCS8: KeyError = KeyError::Malformed { expected: "PKCS#8 PrivateKeyInfo" };

/// Modulus and exponent of an RSA key, found good.
pub(super) struct RsaNumbers<'a> {
    key: RsaPublicKeyRef<'a>,
    bits: usize,
}

impl<'a> RsaNumbers<'a> {
    /// Reads a SubjectPublicKeyInfo (RFC 5280, section 4.1; RFC 8017, appendix A.1.1).
    pub(super) fn from_spki(der: &'a [u8]) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| SPKI)?;
        match spki.algorithm {
            AlgorithmIdentifierRef { oid: pkcs1::ALGORITHM_OID, parameters }
                if parameters.is_none_or(|parameters| parameters.is_null()) => {}
            AlgorithmIdentifierRef { oid: RSASSA_PSS, parameters: None } => {}
            algorithm => return Err(KeyError::NotRsa { algorithm: algorithm.oid.to_string() }),
        }
        let key = spki.subject_public_key.as_bytes().ok_or(SPKI)?;
        Self::check(RsaPublicKeyRef::from_der(key).map_err(|_| SPKI)?)
    }

    /// Reads an RSAPublicKey (RFC 8017, appendix A.1.1).
    pub(super) fn from_pkcs1(der: &'a [u8]) -> Result<Self, KeyError> {
        Self::check(RsaPublicKeyRef::from_der(der).map_err(|_| PKCS1)?)
    }

    /// Reads the public half of a PKCS#8 PrivateKeyInfo (RFC 5958; RFC 8017, appendix A.1.2).
    pub(super) fn from_pkcs8(der: &'a [u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| PKCS8)?;
        if info.algorithm != pkcs1::ALGORITHM_ID {
            return Err(KeyError::NotRsa { algorithm: info.algorithm.oid.to_string() });
        }
        let key = RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).map_err(|_| PKCS8)?;
        Self::check(RsaPublicKeyRef { modulus: key.modulus, public_exponent: key.public_exponent })
    }

    /// Takes modulus and exponent, big-endian.
    pub(super) fn from_parts(modulus: &'a [u8], exponent: &'a [u8]) -> Result<Self, KeyError> {
        let number = |bytes| UintRef::new(bytes).map_err(|_| SPKI);
        Self::check(RsaPublicKeyRef { modulus: number(modulus)?, public_exponent: number(exponent)? })
    }

    fn check(key: RsaPublicKeyRef<'a>) -> Result<Self, KeyError> {
        let modulus = key.modulus.as_bytes();
        let bits = bit_length(modulus);
        if bits < MIN_PARSED_RSA_BITS {
            return Err(KeyError::TooSmall { bits });
        }
        if bits > MAX_RSA_BITS {
            return Err(KeyError::TooLarge { bits });
        }
        if !is_odd(modulus) {
            return Err(KeyError::EvenModulus);
        }
        let exponent = key.public_exponent.as_bytes();
        if !is_odd(exponent) || !(2..=33).contains(&bit_length(exponent)) {
            return Err(KeyError::Exponent);
        }
        Ok(Self { key, bits })
    }

    /// The modulus' size.
    pub(super) fn bits(&self) -> usize {
        self.bits
    }

    /// The SubjectPublicKeyInfo as RFC 8017 has it: `rsaEncryption` with NULL parameters.
    pub(super) fn to_spki(&self) -> Result<Vec<u8>, KeyError> {
        let key = self.key.to_der().map_err(|_| SPKI)?;
        let subject_public_key = BitStringRef::from_bytes(&key).map_err(|_| SPKI)?;
        SubjectPublicKeyInfoRef { algorithm: pkcs1::ALGORITHM_ID, subject_public_key }
            .to_der()
            .map_err(|_| SPKI)
    }
}

/// The bits of a big-endian number without leading zero bytes.
fn bit_length(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last % 2 == 1)
}

/// Reads base64; whitespace anywhere is passed over, as the original does.
pub(super) fn from_base64(text: &str) -> Result<Vec<u8>, KeyError> {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(text).map_err(|_| KeyError::NotBase64)
}

/// Writes base64 in one line.
pub(super) fn to_base64(der: &[u8]) -> String {
    STANDARD.encode(der)
}

#[cfg(test)]
mod tests {
    use spki::der::asn1::AnyRef;

    use super::*;

    /// An odd number of exactly `bits` bits, big-endian.
    fn odd_number(bits: usize) -> Vec<u8> {
        let mut number = vec![0xff; bits.div_ceil(8)];
        number[0] >>= number.len() * 8 - bits;
        number
    }

    fn spki(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Vec<u8> {
        let subject_public_key = BitStringRef::from_bytes(key).unwrap();
        SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der().unwrap()
    }

    fn pkcs1(modulus: &[u8], exponent: u64) -> Vec<u8> {
        let exponent = exponent.to_be_bytes();
        let public_exponent = UintRef::new(&exponent).unwrap();
        RsaPublicKeyRef { modulus: UintRef::new(modulus).unwrap(), public_exponent }.to_der().unwrap()
    }

    fn bits(der: &[u8]) -> Result<usize, KeyError> {
        RsaNumbers::from_spki(der).map(|key| key.bits())
    }

    #[test]
    fn sizes() {
        let of = |size| bits(&spki(pkcs1::ALGORITHM_ID, &pkcs1(&odd_number(size), 65537)));
        for size in [1024, 1025, 1031, 1032, 2048, 8191, 8192] {
            assert_eq!(of(size), Ok(size));
        }
        for size in [1, 8, 512, 1023] {
            assert_eq!(of(size), Err(KeyError::TooSmall { bits: size }));
        }
        for size in [8193, 8200, 65536] {
            assert_eq!(of(size), Err(KeyError::TooLarge { bits: size }));
        }
        assert_eq!(bits(&spki(pkcs1::ALGORITHM_ID, &pkcs1(&[0], 3))), Err(KeyError::TooSmall { bits: 0 }));
    }

    #[test]
    fn modulus_and_exponent() {
        let mut even = odd_number(2048);
        *even.last_mut().unwrap() = 0xfe;
        assert_eq!(bits(&spki(pkcs1::ALGORITHM_ID, &pkcs1(&even, 3))), Err(KeyError::EvenModulus));

        let of = |exponent| bits(&spki(pkcs1::ALGORITHM_ID, &pkcs1(&odd_number(2048), exponent)));
        for exponent in [3, 5, 17, 65537, (1 << 33) - 1] {
            assert_eq!(of(exponent), Ok(2048), "{exponent}");
        }
        for exponent in [0, 1, 2, 4, 65536, 1 << 33, (1 << 33) + 1, u64::MAX] {
            assert_eq!(of(exponent), Err(KeyError::Exponent), "{exponent}");
        }
    }

    #[test]
    fn algorithms() {
        let key = pkcs1(&odd_number(2048), 65537);
        let of = |oid, parameters| bits(&spki(AlgorithmIdentifierRef { oid, parameters }, &key));
        let null = Some(AnyRef::NULL);
        assert_eq!(of(pkcs1::ALGORITHM_OID, null), Ok(2048));
        assert_eq!(of(pkcs1::ALGORITHM_OID, None), Ok(2048));
        assert_eq!(of(RSASSA_PSS, None), Ok(2048));

        let sequence = AnyRef::from_der(&[0x30, 0x00]).unwrap();
        let ed25519 = ObjectIdentifier::new_unwrap("1.3.101.112");
        for (oid, parameters) in [
            (RSASSA_PSS, null),
            (RSASSA_PSS, Some(sequence)),
            (pkcs1::ALGORITHM_OID, Some(sequence)),
            (ed25519, None),
        ] {
            assert_eq!(of(oid, parameters), Err(KeyError::NotRsa { algorithm: oid.to_string() }));
        }
    }

    #[test]
    fn only_der() {
        let good = spki(pkcs1::ALGORITHM_ID, &pkcs1(&odd_number(1024), 65537));
        assert_eq!(bits(&good), Ok(1024));
        // 30 81 9f | 30 0d 06 09 .. 05 00 | 03 81 8d 00 | 30 81 89 | 02 81 81 00 modulus | 02 03 01 00 01
        let refused = |case: &str, change: fn(&mut Vec<u8>)| {
            let mut der = good.clone();
            change(&mut der);
            assert_eq!(bits(&der), Err(SPKI), "{case}");
        };
        refused("empty", Vec::clear);
        refused("a byte after it", |der| der.push(0));
        refused("cut short", |der| der.truncate(der.len() - 1));
        refused("longer length than needed", |der| drop(der.splice(1..3, [0x82, 0x00, 0x9f])));
        refused("indefinite length", |der| {
            der.splice(1..3, [0x80]);
            der.extend([0, 0]);
        });
        refused("unused bits", |der| der[21] = 1);
        refused("another tag inside", |der| der[22] = 0x31);
        refused("negative modulus", |der| der[28] = 0x80);
        refused("more zeros before the modulus than needed", |der| der[29] = 0);

        // Something after the numbers, lengths fitting.
        let mut key = pkcs1(&odd_number(1024), 65537);
        key.push(0);
        assert_eq!(bits(&spki(pkcs1::ALGORITHM_ID, &key)), Err(SPKI));
    }

    #[test]
    fn usual_form() {
        let key = pkcs1(&odd_number(2048), 3);
        let usual = spki(pkcs1::ALGORITHM_ID, &key);
        for (oid, parameters) in [(pkcs1::ALGORITHM_OID, None), (RSASSA_PSS, None)] {
            let other = spki(AlgorithmIdentifierRef { oid, parameters }, &key);
            assert_ne!(other, usual);
            assert_eq!(RsaNumbers::from_spki(&other).unwrap().to_spki().unwrap(), usual);
        }
    }

    #[test]
    fn base64() {
        assert_eq!(from_base64(" aGV\tsbG\r\n8= \n"), Ok(b"hello".to_vec()));
        for text in ["aGVsbG8", "aGVsbG8==", "aGVs-G8=", "aGVsbG9=", "a\u{a0}GVsbG8=", "="] {
            assert_eq!(from_base64(text), Err(KeyError::NotBase64), "{text}");
        }
    }
}
