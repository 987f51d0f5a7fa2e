//! Keys against what the original does: the vectors in `tests/vectors`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use trusted_app_core::PublicKey;
use trusted_app_core::crypto::{KeyError, PrivateKey};
#[cfg(not(feature = "rsa"))]
use trusted_app_core::crypto::{RawError, SigningError};

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn private_key(vectors: &Value, name: &str) -> PrivateKey {
    let key = vectors["keys"][name]["private_key_pkcs8_b64"].as_str().unwrap();
    PrivateKey::from_pkcs8_der(&base64(key)).unwrap()
}

#[test]
fn certificate_documents_keys() {
    let mut read = 0;
    for vector in vectors("certificate_document.json")["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let kind = vector["kind"].as_str().unwrap();
        if !["read-key-", "read-base64-", "read-bad-base64"].iter().any(|start| kind.starts_with(start)) {
            continue;
        }
        read += 1;
        let key = PublicKey::from_base64(vector["document"].as_str().unwrap().lines().nth(1).unwrap());
        match vector["public_key_spki_b64"].as_str() {
            Some(again) => assert_eq!(key.unwrap().to_base64(), again, "{id}"),
            None => {
                let error = key.unwrap_err();
                let typed = match kind {
                    "read-key-ec" | "read-key-dsa" | "read-key-ed25519" => {
                        matches!(error, KeyError::NotRsa { .. })
                    }
                    "read-bad-base64" | "read-base64-truncated" | "read-base64-url-safe" => {
                        error == KeyError::NotBase64
                    }
                    "read-key-pem" => matches!(error, KeyError::OtherForm { .. }),
                    // The second line is an id there, which may happen to be base64.
                    "read-key-and-id-swapped" => true,
                    _ => matches!(error, KeyError::Malformed { .. }),
                };
                assert!(typed, "{id} ({kind}): {error}");
            }
        }
    }
    assert_eq!(read, 51);
}

#[test]
fn private_keys_know_their_public_half() {
    let vectors = vectors("certificates.json");
    for name in ["pub-rsa2048", "pub-rsa4096"] {
        let key = private_key(&vectors, name);
        assert_eq!(
            key.public_key().to_base64(),
            vectors["keys"][name]["public_key_spki_b64"].as_str().unwrap()
        );
        let again = PrivateKey::from_pkcs8_pem(&key.to_pkcs8_pem()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(*again.to_pkcs8_pem(), *key.to_pkcs8_pem());
    }
}

#[test]
fn generated_keys_are_read_again() {
    let key = PrivateKey::generate(2048).unwrap();
    assert_eq!(key.public_key().bits(), 2048);
    assert_eq!(PrivateKey::from_pkcs8_pem(&key.to_pkcs8_pem()).unwrap().public_key(), key.public_key());
    assert_ne!(PrivateKey::generate(2048).unwrap().public_key(), key.public_key());
}

#[test]
fn debug_shows_nothing_private() {
    let key = private_key(&vectors("certificates.json"), "pub-rsa2048");
    let shown = format!("PrivateKey {{ public_key: {:?}, .. }}", key.public_key());
    assert_eq!(format!("{key:?}"), shown);
}

/// Versions 2 and 3: the library's own signatures and encrypted headers, byte for byte.
#[cfg(feature = "rsa")]
#[test]
fn certificates() {
    let vectors = vectors("certificates.json");
    let keys = ["pub-rsa1024", "pub-rsa2048", "pub-rsa4096"].map(|name| (name, private_key(&vectors, name)));
    let (mut signatures, mut magics, mut secrets) = (0, 0, 0);
    for vector in vectors["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let Some(headers) = vector["headers"].as_array() else { continue };
        let header = |name: &str| {
            let header = headers.iter().find(|header| header[0] == format!("X-Seraph-Trusted-App-{name}"))?;
            header[1].as_str().map(base64)
        };
        let (_, key) = keys.iter().find(|(name, _)| vector["key"] == *name).unwrap();
        if let Some(signature) = header("Signature") {
            let message = vector["signature_base"].as_str().unwrap().as_bytes();
            assert_eq!(key.sign_sha1(message).unwrap(), signature, "{id}");
            key.public_key().verify_sha1(message, &signature).unwrap();
            signatures += 1;
        }
        if let Some(magic) = header("Magic") {
            assert_eq!(key.raw(b"-1159983122").unwrap(), magic, "{id}");
            assert_eq!(key.public_key().raw(&magic).unwrap(), b"-1159983122", "{id}");
            magics += 1;
        }
        if let (Some(encrypted), Some(secret)) =
            (header("Key"), vector["secret_key_b64"].as_str().map(base64))
        {
            assert_eq!(key.raw(&secret).unwrap(), encrypted, "{id}");
            let secret: Vec<u8> = secret.into_iter().skip_while(|byte| *byte == 0).collect();
            assert_eq!(key.public_key().raw(&encrypted).unwrap(), secret, "{id}");
            secrets += 1;
        }
    }
    assert!(signatures > 90 && magics > 60 && secrets > 80, "{signatures} {magics} {secrets}");
}

#[cfg(feature = "rsa")]
#[test]
fn raw_takes_numbers_below_the_modulus() {
    use trusted_app_core::crypto::{RawError, SigningError};

    let vectors = vectors("certificates.json");
    for name in ["pub-rsa1024", "pub-rsa2048"] {
        let key = private_key(&vectors, name);
        let public = key.public_key();
        let size = public.bits() / 8;
        // The modulus stands before the exponent, 65537, at the end of the SubjectPublicKeyInfo.
        let spki = public.spki_der();
        let modulus = &spki[spki.len() - 5 - size..spki.len() - 5];
        let mut below = modulus.to_vec();
        *below.last_mut().unwrap() -= 1;

        // n - 1 is -1: an odd power leaves it as it is.
        assert_eq!(public.raw(&below).unwrap(), below);
        assert_eq!(key.raw(&below).unwrap(), below);
        for block in [&[][..], &[0], &vec![0; size]] {
            assert!(public.raw(block).unwrap().is_empty());
            assert_eq!(key.raw(block).unwrap(), vec![0; size]);
        }
        assert_eq!(public.raw(&[0, 0, 1]).unwrap(), [1]);
        assert_eq!(*key.raw(&[1]).unwrap().last().unwrap(), 1);
        for block in
            [modulus, &vec![0xff; size], &vec![0; size + 1], &[&[0][..], &below].concat(), &vec![7; 5000]]
        {
            assert_eq!(public.raw(block), Err(RawError::OutOfRange));
            assert_eq!(key.raw(block), Err(SigningError::OutOfRange));
        }
    }
}

#[cfg(not(feature = "rsa"))]
#[test]
fn without_rsa_the_missing_feature_is_named() {
    let key = private_key(&vectors("certificates.json"), "pub-rsa2048");
    assert_eq!(key.sign_sha1(b""), Err(SigningError::Unsupported));
    assert_eq!(key.raw(b""), Err(SigningError::Unsupported));
    assert_eq!(key.public_key().raw(b""), Err(RawError::Unsupported));
    for text in [SigningError::Unsupported.to_string(), RawError::Unsupported.to_string()] {
        assert!(text.contains("feature `rsa`"), "{text}");
    }
}
