//! Both providers give the same answers.

#![cfg(all(feature = "aws-lc-rs", feature = "rsa"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha1::{Digest, Sha1};
use trusted_app_core::PublicKey;
use trusted_app_core::crypto::{AwsLc, CryptoProvider, KeyError, PrivateKey, RustCrypto, default_provider};

/// A size that is no whole number of bytes, and the smallest exponent.
const ODD_KEY: &str = include_str!("data/private-key-1031-exponent-3.pem");

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn private_keys(vectors: &Value) -> Vec<(String, PrivateKey)> {
    let keys = vectors["keys"].as_object().unwrap().iter();
    keys.filter_map(|(name, key)| {
        let der = STANDARD.decode(key["private_key_pkcs8_b64"].as_str()?).unwrap();
        Some((name.clone(), PrivateKey::from_pkcs8_der(&der).unwrap()))
    })
    .collect()
}

/// One public key, bound to each provider.
struct Both {
    aws_lc: PublicKey,
    rust_crypto: PublicKey,
}

impl Both {
    fn new(spki: &[u8]) -> Self {
        let bound = |provider: &dyn CryptoProvider| PublicKey::from_spki_der_with(provider, spki).unwrap();
        Self { aws_lc: bound(&AwsLc), rust_crypto: bound(&RustCrypto) }
    }

    /// The answer that both give.
    fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        let answer = self.aws_lc.verify_sha1(message, signature);
        assert_eq!(answer, self.rust_crypto.verify_sha1(message, signature), "{signature:02x?}");
        answer.is_ok()
    }
}

/// Signatures near a good one that must not hold.
fn damaged(signature: &[u8]) -> Vec<Vec<u8>> {
    let size = signature.len();
    let mut damaged = vec![
        vec![],
        vec![0],
        vec![0; size],
        [vec![0; size - 1], vec![1]].concat(),
        vec![0xff; size],
        vec![0xff; 4 * size],
        signature[1..].to_vec(),
        signature[..size - 1].to_vec(),
        [signature, &[0]].concat(),
        [&[0], signature].concat(),
        [signature, signature].concat(),
        signature.iter().rev().copied().collect(),
    ];
    damaged.extend([0, 1, size / 2, size - 1].map(|at| {
        let mut flipped = signature.to_vec();
        flipped[at] ^= 0x04;
        flipped
    }));
    damaged
}

#[test]
fn signatures_of_the_vectors() {
    let vectors = vectors("certificates.json");
    let keys = private_keys(&vectors);
    let both: Vec<_> =
        keys.iter().map(|(name, key)| (name, Both::new(key.public_key().spki_der()))).collect();
    let mut held = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let Some(message) = vector["signature_base"].as_str().map(str::as_bytes) else { continue };
        let Some(headers) = vector["headers"].as_array() else { continue };
        let signature = headers.iter().find(|header| header[0] == "X-Seraph-Trusted-App-Signature").unwrap();
        let signature = STANDARD.decode(signature[1].as_str().unwrap()).unwrap();
        for (name, key) in &both {
            let own = vector["key"] == name.as_str();
            assert_eq!(key.holds(message, &signature), own, "{}", vector["id"]);
            held += usize::from(own);
            for signature in damaged(&signature) {
                assert!(!key.holds(message, &signature), "{}", vector["id"]);
            }
        }
        for other in [&message[..message.len() - 1], &[message, b"\n"].concat(), b""] {
            assert!(!both.iter().any(|(_, key)| key.holds(other, &signature)), "{}", vector["id"]);
        }
    }
    assert!(held > 90, "{held}");
}

/// Every key, signature and message of the server's vectors, the broken signatures among them. The
/// message is the one of the certificate's own time, URL and user where that can be put together.
#[test]
fn signatures_that_servers_are_sent() {
    let vectors = vectors("authenticate.json");
    let keys: Vec<_> = vectors["keys"].as_object().unwrap().values().collect();
    let both: Vec<_> = keys
        .iter()
        .map(|key| Both::new(&STANDARD.decode(key["public_key_spki_b64"].as_str().unwrap()).unwrap()))
        .collect();
    let (mut held, mut refused) = (0, 0);
    for vector in vectors["vectors"].as_array().unwrap() {
        let headers = vector["request"]["headers"].as_array().unwrap();
        let signatures = headers.iter().filter(|header| header[0] == "X-Seraph-Trusted-App-Signature");
        let Some(certificate) = vector["certificate_plaintext"].as_str() else { continue };
        let Some((time, rest)) = certificate.split_once('\n') else { continue };
        let user = rest.split_once('\n').map_or(rest, |(user, _)| user);
        let url = vector["outcome"]["signed_url"].as_str().unwrap_or("http://jira.example.com/rest");
        for signature in signatures.filter_map(|header| STANDARD.decode(header[1].as_str()?).ok()) {
            for message in [format!("{time}\n{url}\n{user}"), format!("{time}\n{url}")] {
                for key in &both {
                    let holds = key.holds(message.as_bytes(), &signature);
                    held += usize::from(holds);
                    refused += usize::from(!holds);
                }
            }
        }
    }
    assert!(held > 50 && refused > 1000, "{held} {refused}");
}

/// What a signature may hold inside: only the one encoding of RFC 8017, section 9.2. The others are
/// made with the private key, so nothing but the encoding is wrong with them.
#[test]
fn encodings_of_the_digest() {
    let message = b"1700000900126\nhttp://jira.example.com/\nalice";
    let digest = Sha1::digest(message);
    let info = [&[0x30, 0x21, 0x30, 0x09, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 0x14][..], &digest].concat();
    let info_without_null =
        [&[0x30, 0x1f, 0x30, 0x07, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 4, 0x14][..], &digest].concat();

    let mut keys = private_keys(&vectors("certificates.json"));
    keys.push(("odd".to_owned(), PrivateKey::from_pkcs8_pem(ODD_KEY).unwrap()));
    for (name, key) in &keys {
        let both = Both::new(key.public_key().spki_der());
        let size = key.public_key().bits().div_ceil(8);
        let encoded = |kind: u8, fill: u8, end: &[u8]| {
            [&[0, kind], &vec![fill; size - 3 - end.len()][..], &[0], end].concat()
        };
        let signed = |block: &[u8]| key.raw(block).unwrap();

        let good = signed(&encoded(1, 0xff, &info));
        assert_eq!(good, key.sign_sha1(message).unwrap(), "{name}");
        assert!(both.holds(message, &good), "{name}");

        let mut hole = encoded(1, 0xff, &info);
        hole[10] = 0;
        // Enough padding, the digest, and then whatever the signer likes (Bleichenbacher, 2006).
        let mut tail = [&[0, 1][..], &[0xff; 8], &[0], &info].concat();
        tail.resize(size, 0x55);
        let bad = [
            encoded(1, 0xff, &info_without_null),
            encoded(1, 0xff, &digest),
            encoded(2, 0xff, &info),
            encoded(0, 0, &info),
            encoded(1, 0xfe, &info),
            hole,
            tail,
            info.clone(),
        ];
        for block in bad {
            assert!(!both.holds(message, &signed(&block)), "{name}: {block:02x?}");
        }
        for signature in damaged(&good) {
            assert!(!both.holds(message, &signature), "{name}");
        }
    }
}

#[test]
fn public_keys_of_every_size_and_exponent() {
    // Any odd modulus will do: providers do not factor it.
    let der = |bits: usize, exponent: &[u8]| {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= modulus.len() * 8 - bits;
        let number = |bytes: &[u8]| {
            let zero = if bytes[0] & 0x80 == 0 { &[][..] } else { &[0] };
            tagged(2, &[zero, bytes].concat())
        };
        let key = tagged(0x30, &[number(&modulus), number(exponent)].concat());
        let algorithm = [0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
        tagged(0x30, &[&algorithm[..], &tagged(3, &[&[0], &key[..]].concat())].concat())
    };
    for bits in [1024, 1025, 1031, 1088, 2047, 2048, 3072, 4095, 4096, 8191, 8192] {
        for exponent in [&[3][..], &[17], &[1, 0, 1], &[1, 0xff, 0xff, 0xff, 0xff]] {
            let key = Both::new(&der(bits, exponent));
            assert_eq!(key.aws_lc.bits(), bits);
            assert!(!key.holds(b"message", &vec![1; bits.div_ceil(8)]));
        }
    }
    for (bits, exponent) in
        [(1023, &[3][..]), (8193, &[3]), (2048, &[1]), (2048, &[4]), (2048, &[2, 0, 0, 0, 1])]
    {
        let refused = |provider: &dyn CryptoProvider| {
            PublicKey::from_spki_der_with(provider, &der(bits, exponent)).unwrap_err()
        };
        assert_eq!(refused(&AwsLc), refused(&RustCrypto));
    }
}

/// One DER value.
fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(value.len()).unwrap().to_be_bytes();
    let length = match (high, low) {
        (0, 0..0x80) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag], &length[..], value].concat()
}

#[test]
fn private_keys_that_do_not_hang_together() {
    let vectors = vectors("certificates.json");
    let good =
        STANDARD.decode(vectors["keys"]["pub-rsa2048"]["private_key_pkcs8_b64"].as_str().unwrap()).unwrap();
    let providers: [&dyn CryptoProvider; 3] = [&AwsLc, &RustCrypto, default_provider()];
    let size = good.len();
    for provider in providers {
        assert!(PrivateKey::from_pkcs8_der_with(provider, &good).is_ok());
        // Inside the private exponent: the numbers no longer belong together.
        let mut wrong = good.clone();
        wrong[size / 2 - 200] ^= 1;
        assert_eq!(
            PrivateKey::from_pkcs8_der_with(provider, &wrong).unwrap_err(),
            KeyError::Refused,
            "{provider:?}"
        );
        for broken in [&good[1..], &good[..size - 1], &[&good[..], &[0]].concat(), &[]] {
            let error = PrivateKey::from_pkcs8_der_with(provider, broken).unwrap_err();
            assert!(matches!(error, KeyError::Malformed { .. }), "{provider:?}: {error}");
        }
    }
}

#[test]
fn random_bytes() {
    let providers: [&dyn CryptoProvider; 3] = [&AwsLc, &RustCrypto, default_provider()];
    for provider in providers {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        provider.random(&mut one).unwrap();
        provider.random(&mut other).unwrap();
        assert!(one != other && one != [0; 32] && other != [0; 32], "{provider:?}");
    }
}
