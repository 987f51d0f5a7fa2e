//! Keys of HTTP message signatures: written forms, what is refused, and that the providers agree.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use trusted_app_core::application::ApplicationError;
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::crypto::{
    InvalidSignature, KeyError, PrivateKey, PrivateSignatureKey, SignatureAlgorithm, SignatureKey,
};
use trusted_app_core::{Scheme, TrustedApplication};

const RSA: &str = include_str!("data/private-key-2048.pem");
const RSA_OF_1031_BITS: &str = include_str!("data/private-key-1031-exponent-3.pem");

/// RFC 8037, appendix A.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn ed25519() -> PrivateSignatureKey {
    PrivateSignatureKey::from_jwk(ED25519).unwrap()
}

/// The algorithms that this build has.
fn algorithms() -> &'static [SignatureAlgorithm] {
    if cfg!(feature = "aws-lc-rs") {
        &SignatureAlgorithm::ALL
    } else {
        &[SignatureAlgorithm::Ed25519, SignatureAlgorithm::RsaPssSha512]
    }
}

fn a_key(algorithm: SignatureAlgorithm) -> PrivateSignatureKey {
    match algorithm {
        SignatureAlgorithm::RsaPssSha512 => PrivateSignatureKey::from_pkcs8_pem(RSA).unwrap(),
        other => PrivateSignatureKey::generate(other).unwrap(),
    }
}

#[test]
fn written_forms_lead_back_and_signatures_hold() {
    for algorithm in algorithms() {
        let key = a_key(*algorithm);
        assert_eq!(key.algorithm(), *algorithm);
        let again = PrivateSignatureKey::from_pkcs8_pem(&key.to_pkcs8_pem()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        let public = SignatureKey::from_jwk(&key.public_key().to_jwk()).unwrap();
        assert_eq!(&public, key.public_key());

        let signature = again.sign(b"message").unwrap();
        assert_eq!(public.verify(b"message", &signature), Ok(()));
        assert_eq!(public.verify(b"massage", &signature), Err(InvalidSignature));
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut other = signature.clone();
            other[at] ^= 1;
            assert_eq!(public.verify(b"message", &other), Err(InvalidSignature), "{algorithm}: {at}");
        }
        for other in [&[][..], &signature[1..], &[&signature[..], &[0]].concat(), &vec![0; signature.len()]] {
            assert_eq!(public.verify(b"message", other), Err(InvalidSignature), "{algorithm}");
        }
    }
    let (one, other) = (a_key(SignatureAlgorithm::Ed25519), a_key(SignatureAlgorithm::Ed25519));
    assert_ne!(one.public_key(), other.public_key());
}

#[test]
fn rfc_8037() {
    let key = ed25519();
    assert_eq!(key.public_key().thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let shown = format!("{key:?}");
    assert!(shown.starts_with(
        "PrivateSignatureKey { public_key: SignatureKey { algorithm: Ed25519, thumbprint: kPrK"
    ));
    assert!(shown.len() < 170, "{shown}");
}

#[test]
fn weak_points_of_ed25519() {
    let jwk = |x: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#);
    for x in [
        // The points of small order: a y of 0, 1 and -1, and the two of order 8, with either sign of x.
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "7P_______________________________________38",
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o",
        // Not reduced: 2^255 - 19 and so on, and the neutral element with a sign.
        "7f_______________________________________38",
        "7v_______________________________________38",
        "__________________________________________8",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
    ] {
        assert_eq!(SignatureKey::from_jwk(&jwk(x)).unwrap_err(), KeyError::WeakPoint, "{x}");
    }
}

#[test]
fn what_is_no_public_jwk() {
    let good = ed25519().public_key().to_jwk();
    SignatureKey::from_jwk(&good).unwrap();
    SignatureKey::from_jwk(&good.replace("\"use\"", "\"alg\":\"EdDSA\",\"unknown\":[1],\"use\"")).unwrap();
    for (change, to) in [
        ("\"kty\":\"OKP\"", "\"kty\":\"EC\""),
        ("\"Ed25519\"", "\"X25519\""),
        ("\"use\":\"sig\"", "\"use\":\"enc\""),
        ("\"use\":\"sig\"", "\"alg\":\"ES256\""),
        ("\"use\":\"sig\"", "\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\""),
        ("\"use\":\"sig\"", "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""),
        ("11qY", "11q"),
        ("11qY", "11q="),
        ("\"x\":", "\"y\":"),
        ("{", "["),
    ] {
        let bad = good.replacen(change, to, 1);
        assert_ne!(bad, good);
        let error = SignatureKey::from_jwk(&bad).unwrap_err();
        assert!(matches!(error, KeyError::NotJwk { .. }), "{change}: {error:?}");
        assert!(!error.to_string().contains("nWGx"));
    }
}

#[test]
fn what_is_no_private_key() {
    let other = ED25519.replace(
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU",
    );
    assert_eq!(PrivateSignatureKey::from_jwk(&other).unwrap_err(), KeyError::HalvesDiffer);
    let public = ed25519().public_key().to_jwk();
    assert!(matches!(PrivateSignatureKey::from_jwk(&public), Err(KeyError::NotJwk { .. })));
    assert_eq!(
        PrivateSignatureKey::from_pkcs8_pem(RSA_OF_1031_BITS).unwrap_err(),
        if cfg!(feature = "aws-lc-rs") {
            KeyError::Refused
        } else {
            KeyError::TooSmallForSignatures { bits: 1031 }
        }
    );
    assert!(matches!(PrivateSignatureKey::from_pkcs8_der(&[0x30, 0]), Err(KeyError::Malformed { .. })));
}

#[test]
fn one_rsa_key_is_not_for_two_schemes() {
    let (seraph, modern) =
        (PrivateKey::from_pkcs8_pem(RSA).unwrap(), PrivateSignatureKey::from_pkcs8_pem(RSA).unwrap());
    assert_eq!(modern.public_key().rsa_fingerprint(), Some(seraph.public_key().fingerprint()));
    let described = |key: SignatureKey| {
        TrustedApplication::builder("wiki".parse().unwrap(), seraph.public_key().clone())
            .signature_key(key)
            .schemes([Scheme::SeraphV3, Scheme::HttpSignature])
            .addresses(AddressRule::any())
            .paths(PathRule::any())
            .build()
    };
    let error = described(modern.public_key().clone()).unwrap_err();
    assert_eq!(error, ApplicationError::KeyOfTwoSchemes(*seraph.public_key().fingerprint()));
    let both = described(ed25519().public_key().clone()).unwrap();
    let fingerprints: Vec<_> = both.fingerprints().collect();
    let of_ed25519 = ed25519().public_key().thumbprint().fingerprint();
    assert_eq!(fingerprints, [*seraph.public_key().fingerprint(), of_ed25519]);
}

#[cfg(all(feature = "aws-lc-rs", feature = "rsa"))]
mod both_providers {
    use trusted_app_core::crypto::{AwsLc, CryptoProvider, RustCrypto};

    use super::*;

    #[test]
    fn they_take_each_others_signatures() {
        for algorithm in [SignatureAlgorithm::Ed25519, SignatureAlgorithm::RsaPssSha512] {
            let key = a_key(algorithm);
            let der = pem_rfc7468::decode_vec(key.to_pkcs8_pem().as_bytes()).unwrap().1;
            let jwk = key.public_key().to_jwk();
            let providers: [&dyn CryptoProvider; 2] = [&AwsLc, &RustCrypto];
            for signing in providers {
                let signer = signing.signature_signer(algorithm, &der).unwrap();
                let signature = signer.sign(b"message").unwrap();
                for verifying in providers {
                    let key = SignatureKey::from_jwk_with(verifying, &jwk).unwrap();
                    assert_eq!(key.verify(b"message", &signature), Ok(()), "{signing:?} {verifying:?}");
                    assert_eq!(key.verify(b"massage", &signature), Err(InvalidSignature));
                }
                if algorithm == SignatureAlgorithm::Ed25519 {
                    assert_eq!(signature, key.sign(b"message").unwrap());
                }
            }
        }
    }

    #[test]
    fn signatures_that_are_no_longer_one_number() {
        // S and S + L are the same to a careless verifier.
        const L: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let key = ed25519();
        let mut signature = key.sign(b"message").unwrap();
        let mut carry = 0;
        for (byte, add) in signature[32..].iter_mut().zip(L) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        let jwk = key.public_key().to_jwk();
        let providers: [&dyn CryptoProvider; 2] = [&AwsLc, &RustCrypto];
        for provider in providers {
            let key = SignatureKey::from_jwk_with(provider, &jwk).unwrap();
            assert_eq!(key.verify(b"message", &signature), Err(InvalidSignature), "{provider:?}");
        }
    }

    #[test]
    fn what_one_of_them_lacks_is_named() {
        let key = PrivateSignatureKey::generate(SignatureAlgorithm::EcdsaP256Sha256).unwrap();
        let error = SignatureKey::from_jwk_with(&RustCrypto, &key.public_key().to_jwk()).unwrap_err();
        let text = "ecdsa-p256-sha256 needs the cargo feature `aws-lc-rs` of trusted-app-core";
        assert_eq!(error.to_string(), text);
    }
}

/// As for identities: one rule for every file of a private key.
#[cfg(unix)]
#[test]
fn a_key_file_open_to_others_is_refused_unless_that_is_said() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use trusted_app_core::crypto::KeyFileError;
    use trusted_app_core::private_file::{PrivateFile, PrivateFileError};

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("signature.pem");
    let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
    key.store(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(PrivateSignatureKey::load(&path).is_ok());
    set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    let refused = PrivateSignatureKey::load(&path);
    assert!(matches!(refused, Err(KeyFileError::File(PrivateFileError::Exposed { .. }))), "{refused:?}");
    let file = PrivateFile::new(&path).insecure_permissions();
    assert_eq!(PrivateSignatureKey::load(file).unwrap().public_key(), key.public_key());

    std::fs::write(&path, "no key").unwrap();
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(PrivateSignatureKey::load(&path), Err(KeyFileError::Key { .. })));
}
