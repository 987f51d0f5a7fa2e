//! Key directories: which entries give a key, and what proves that their sender has it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use trusted_app_core::Timestamp;
use trusted_app_core::content::{ContentDigest, DigestAlgorithm};
use trusted_app_core::crypto::{PrivateSignatureKey, SignatureAlgorithm, Thumbprint};
use trusted_app_core::httpsig::{
    DIRECTORY_PATH, DirectoryError, KeyDirectory, SignedDirectory, SkipReason, Unproven,
};

const RSA: &str = include_str!("data/private-key-2048.pem");

/// RFC 8037, appendix A.
const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn key() -> PrivateSignatureKey {
    PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap()
}

fn rsa() -> String {
    PrivateSignatureKey::from_pkcs8_pem(RSA).unwrap().public_key().to_jwk()
}

fn names(directory: &KeyDirectory) -> Vec<Thumbprint> {
    directory.keys().iter().map(|listed| *listed.key.thumbprint()).collect()
}

/// Each entry stands between two good ones, which are read; the text is how it is named.
#[test]
fn an_entry_that_is_not_understood_is_skipped_and_named_and_the_others_are_read() {
    let ed25519 = |more: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{more}}}"#);
    let rsa_with = |alg: &str| rsa().replace(r#""alg":"PS512""#, alg).replace(",}", "}");
    let named = "keys[1] (OKP Ed25519, `kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k`): ";
    for (entry, name) in [
        // Kinds of keys that are not known here.
        (
            r#"{"kty":"AKP","alg":"ML-DSA-65","pub":"AAAA"}"#.to_owned(),
            "keys[1] (AKP): not a usable JWK: it is neither",
        ),
        (
            r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#.to_owned(),
            "keys[1] (EC secp256k1): not a usable JWK: it is",
        ),
        (r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#.to_owned(), "keys[1] (EC P-384): "),
        (
            r#"{"kty":"oct","k":"AAAA","kid":"shared"}"#.to_owned(),
            "keys[1] (oct, `shared`): not a usable JWK: it is neither",
        ),
        (r#"{"kty":"OKP","crv":"X25519","x":"AAAA"}"#.to_owned(), "keys[1] (OKP X25519): "),
        (r#"{"kty":"OKP","crv":"Ed448","x":"AAAA"}"#.to_owned(), "keys[1] (OKP Ed448): "),
        (r#"{"kty":"OKP","x":"AAAA"}"#.to_owned(), "keys[1] (OKP): "),
        // Known kinds in a form that is not.
        (ed25519(r#","use":"enc""#), "keys[1] (OKP Ed25519): not a usable JWK: its `use` is not `sig`"),
        (ed25519(r#","alg":"ES256""#), "keys[1] (OKP Ed25519): not a usable JWK: its `alg` is not `Ed25519`"),
        (ed25519(r#","alg":"Ed448""#), "keys[1] (OKP Ed25519): not a usable JWK: its `alg` is not `Ed25519`"),
        (
            ed25519(r#","alg":"ED25519""#),
            "keys[1] (OKP Ed25519): not a usable JWK: its `alg` is not `Ed25519`",
        ),
        (
            ed25519(r#","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A""#),
            "keys[1] (OKP Ed25519): not a usable JWK: it has a private half",
        ),
        (
            ed25519("").replace(X, "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            "keys[1] (OKP Ed25519): a weak Ed25519 key",
        ),
        (
            ed25519("").replace(X, "AAAA"),
            "keys[1] (OKP Ed25519): not a usable JWK: a coordinate is not 32 bytes",
        ),
        (
            ed25519("").replace(X, "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"),
            "keys[1] (OKP Ed25519): this is an example key of RFC 9421",
        ),
        (rsa_with(r#""alg":"RS256""#), "keys[1] (RSA, "),
        (rsa_with(r#""alg":"PS256""#), "keys[1] (RSA, "),
        (rsa_with(""), "keys[1] (RSA, "),
        // What a directory says about a key.
        (ed25519(r#","kid":"wiki-2026""#), named),
        (ed25519(r#","exp":1767225600.5"#), named),
        (ed25519(r#","nbf":1e9"#), named),
        // What is hardly a key at all.
        (ed25519(r#","exp":"2027-01-01""#), "keys[1] (OKP Ed25519): it is no JWK"),
        (ed25519(r#","use":"sig","use":"enc""#), "keys[1] (OKP Ed25519): it is no JWK"),
        (ed25519(r#","kid":7"#), "keys[1] (OKP Ed25519): it is no JWK"),
        (r#"{"crv":"Ed25519","kid":"no-kty"}"#.to_owned(), "keys[1] (`no-kty`): it is no JWK"),
        (r#""a text""#.to_owned(), "keys[1]: it is no JWK"),
        ("null".to_owned(), "keys[1]: it is no JWK"),
        ("[]".to_owned(), "keys[1]: it is no JWK"),
        // Names that a page or a terminal would not show as they are.
        (r#"{"kty":"AKP","kid":"a\u202eb"}"#.to_owned(), "keys[1] (AKP): "),
        (r#"{"kty":"A\nB","kid":"\u001b[31m"}"#.to_owned(), "keys[1]: "),
        (format!(r#"{{"kty":"AKP","kid":"{}"}}"#, "x".repeat(129)), "keys[1] (AKP): "),
    ] {
        let (first, last) = (key(), key());
        let [one, other] = [&first, &last].map(|key| key.public_key().to_jwk());
        let directory = KeyDirectory::parse(&format!(r#"{{"keys":[{one},{entry},{other}]}}"#)).unwrap();
        assert_eq!(names(&directory), [&first, &last].map(|key| *key.public_key().thumbprint()), "{entry}");
        let [skipped] = directory.skipped() else { panic!("{entry}: {directory:?}") };
        assert_eq!(skipped.index, 1);
        let shown = skipped.to_string();
        assert!(shown.starts_with(name), "{entry}: {shown}");
        assert!(!shown.contains("nWGx") && !shown.contains("`AAAA`"), "{shown}");
    }
}

#[test]
fn the_reason_says_what_to_write() {
    let ed25519 = |more: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{more}}}"#);
    for (entry, reason) in [
        (
            ed25519(r#","kid":"wiki""#),
            "leave the `kid` out, or write kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        ),
        (ed25519(r#","exp":1.5"#), "its `exp` is no whole number of seconds since 1970"),
        (ed25519(r#","nbf":1.5"#), "its `nbf` is no whole number of seconds since 1970"),
        (rsa().replace(r#","alg":"PS512""#, ""), "an RSA key must state its `alg`: write `PS512`"),
        (
            rsa().replace("PS512", "PS256"),
            "its `alg` is not `PS512` (or `rsa-pss-sha512`), the only one for RSA keys here",
        ),
    ] {
        let directory = KeyDirectory::parse(&format!(r#"{{"keys":[{entry}]}}"#)).unwrap();
        let shown = directory.skipped()[0].reason.to_string();
        assert!(shown.ends_with(reason), "{entry}: {shown}");
    }
}

/// JOSE's names, old and new (RFC 9864), and those of RFC 9421, which the draft on directories asks for.
#[test]
fn an_algorithm_has_the_names_of_both_registries() {
    let ed25519 = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"}}"#);
    let mut entries = vec![ed25519.clone(), rsa(), rsa().replace("PS512", "rsa-pss-sha512")];
    entries.extend(
        ["Ed25519", "EdDSA", "ed25519"].map(|alg| ed25519.replace('}', &format!(r#","alg":"{alg}"}}"#))),
    );
    if cfg!(feature = "aws-lc-rs") {
        let p256 = PrivateSignatureKey::generate(SignatureAlgorithm::EcdsaP256Sha256).unwrap();
        let p256 = p256.public_key().to_jwk();
        entries.extend(
            ["ES256", "ecdsa-p256-sha256"].map(|alg| p256.replace('}', &format!(r#","alg":"{alg}"}}"#))),
        );
    }
    for entry in entries {
        let directory = KeyDirectory::parse(&format!(r#"{{"keys":[{entry}]}}"#)).unwrap();
        assert_eq!((directory.keys().len(), directory.skipped()), (1, &[][..]), "{entry}");
    }
}

#[test]
fn a_key_that_is_listed_twice_counts_once_and_with_other_dates_not_at_all() {
    let entry = |more: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{more}}}"#);
    let read = |second: &str, third: &str| {
        let (one, two, three) = (entry(""), entry(second), entry(third));
        let directory = KeyDirectory::parse(&format!(r#"{{"keys":[{one},{two},{three}]}}"#)).unwrap();
        let skipped = directory.skipped().iter();
        (directory.keys().len(), skipped.map(|one| (one.index, one.reason.clone())).collect::<Vec<_>>())
    };
    use SkipReason::{Date, Twice, TwiceDifferently};
    assert_eq!(read("", r#","use":"sig""#), (1, vec![(1, Twice), (2, Twice)]));
    let differ = |at| (at, TwiceDifferently);
    assert_eq!(read("", r#","exp":1"#), (0, vec![differ(0), differ(1), differ(2)]));
    assert_eq!(read(r#","exp":1"#, r#","exp":2"#), (0, vec![differ(0), differ(1), differ(2)]));
    assert_eq!(read("", r#","exp":1.5"#), (0, vec![differ(0), differ(1), (2, Date { member: "exp" })]));
}

#[test]
fn what_is_no_list_of_keys_is_no_directory() {
    let many = vec!["{}"; 17].join(",");
    for (text, error) in [
        ("<p>Log in</p>", DirectoryError::NotJwks),
        ("[]", DirectoryError::NotJwks),
        (r#"{"key":[]}"#, DirectoryError::NotJwks),
        (r#"{"keys":{}}"#, DirectoryError::NotJwks),
        (r#"{"keys":[],"keys":[]}"#, DirectoryError::NotJwks),
        (&format!(r#"{{"keys":[{many}]}}"#), DirectoryError::TooManyKeys),
        (&" ".repeat(64 * 1024 + 1), DirectoryError::TooLarge),
    ] {
        assert_eq!(KeyDirectory::parse(text), Err(error), "{text}");
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const HOST: &str = "wiki.example.com";

/// What a test changes of an answer that proves its key.
struct Signing<'a> {
    covered: &'a str,
    parameters: String,
    host: &'a str,
    headers: &'a [(&'static str, &'a str)],
}

impl Default for Signing<'_> {
    fn default() -> Self {
        Self {
            covered: r#""@authority";req "content-digest""#,
            parameters: times(0, 300) + r#";tag="http-message-signatures-directory""#,
            host: HOST,
            headers: &[],
        }
    }
}

fn times(created: i64, expires: i64) -> String {
    let now = NOW.as_millis() / 1000;
    format!(";created={};expires={}", now + created, now + expires)
}

fn directory_of(keys: &[&PrivateSignatureKey]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.public_key().to_jwk()).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// The header fields of `body`, signed with each of these keys.
fn signed(body: &str, keys: &[(&PrivateSignatureKey, Signing<'_>)]) -> HeaderMap {
    let digest = ContentDigest::of(DigestAlgorithm::Sha256, body.as_bytes()).to_header_value();
    let digest = digest.to_str().unwrap();
    let (mut headers, mut inputs, mut signatures) = (HeaderMap::new(), Vec::new(), Vec::new());
    let mut set = |name: &'static str, value: &str| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    };
    set("content-digest", digest);
    for (at, (key, Signing { covered, parameters, host, headers: more })) in keys.iter().enumerate() {
        let input = format!(r#"({covered}){parameters};keyid="{}""#, key.public_key().thumbprint());
        let lines =
            [(r#""@authority";req"#, *host), (r#""@authority""#, *host), (r#""content-digest""#, digest)];
        let lines = lines.iter().filter(|(name, _)| covered.split(' ').any(|one| one == *name));
        let base: String = lines.map(|(name, value)| format!("{name}: {value}\n")).collect();
        let signature = key.sign(format!("{base}\"@signature-params\": {input}").as_bytes()).unwrap();
        inputs.push(format!("key{at}={input}"));
        signatures.push(format!("key{at}=:{}:", STANDARD.encode(signature)));
        more.iter().for_each(|(name, value)| set(name, value));
    }
    set("signature-input", &inputs.join(", "));
    set("signature", &signatures.join(", "));
    headers
}

fn verify(headers: &HeaderMap, body: &str) -> Result<KeyDirectory, DirectoryError> {
    KeyDirectory::verify(&format!("https://{HOST}{DIRECTORY_PATH}"), headers, body.as_bytes(), NOW)
}

#[test]
fn each_missing_proof_has_its_own_cause() {
    let directory = r#";tag="http-message-signatures-directory""#;
    for (signing, expected) in [
        (
            Signing { parameters: times(-600, -300) + directory, ..Signing::default() },
            "expired: created at 2025-12-31T23:50:00",
        ),
        (
            Signing {
                parameters: times(-600, -300) + directory,
                headers: &[("age", "600")],
                ..Signing::default()
            },
            "a cache served it 600 s late (`Age`)",
        ),
        (
            Signing {
                parameters: times(-600, -300) + directory,
                headers: &[("age", "0")],
                ..Signing::default()
            },
            "look for a cache",
        ),
        (
            Signing { parameters: times(120, 300) + directory, ..Signing::default() },
            "from the future: created at",
        ),
        (
            Signing { parameters: times(-90_000, 90_000) + directory, ..Signing::default() },
            "is older than 86400s: created at",
        ),
        (
            Signing {
                parameters: format!(";created={}{directory}", NOW.as_millis() / 1000),
                ..Signing::default()
            },
            "its signature does not state `expires`",
        ),
        (
            Signing {
                parameters: format!(";expires={}{directory}", NOW.as_millis() / 1000),
                ..Signing::default()
            },
            "its signature does not state `created`",
        ),
        (
            Signing { covered: r#""@authority";req"#, ..Signing::default() },
            "does not cover `\"content-digest\"`",
        ),
        (
            Signing { covered: r#""content-digest""#, ..Signing::default() },
            "does not cover `\"@authority\";req`",
        ),
        (
            Signing { covered: r#""@authority" "content-digest""#, ..Signing::default() },
            "does not cover `\"@authority\";req`",
        ),
        (
            Signing { parameters: times(0, 300) + r#";tag="web-bot-auth""#, ..Signing::default() },
            "has the tag `web-bot-auth`, not",
        ),
        (Signing { parameters: times(0, 300), ..Signing::default() }, "has the tag ``, not"),
        (Signing { host: "wiki.example.net", ..Signing::default() }, "for another host or port"),
        (
            Signing { parameters: times(0, 300) + r#";created=1"# + directory, ..Signing::default() },
            "signature-input: a parameter is stated twice",
        ),
    ] {
        let own = key();
        let body = directory_of(&[&own]);
        let error = verify(&signed(&body, &[(&own, signing)]), &body).unwrap_err();
        assert!(matches!(&error, DirectoryError::NoKey(skipped) if skipped.len() == 1), "{error}");
        let (text, name) = (error.to_string(), own.public_key().thumbprint().to_string());
        assert!(text.contains(expected) && text.contains(&name), "{expected}: {text}");
    }
}

#[test]
fn an_answer_without_its_digest_or_signature_says_so() {
    let own = key();
    let body = directory_of(&[&own]);
    let good = signed(&body, &[(&own, Signing::default())]);
    verify(&good, &body).unwrap();
    let without = |name: &str| {
        let mut headers = good.clone();
        headers.remove(name);
        verify(&headers, &body).unwrap_err()
    };
    assert_eq!(without("content-digest"), DirectoryError::NoDigest);
    assert_eq!(verify(&good, &(body.clone() + " ")), Err(DirectoryError::DigestDiffers));
    let reason = |error| match error {
        DirectoryError::NoKey(mut skipped) => skipped.remove(0).reason,
        other => panic!("{other}"),
    };
    assert_eq!(reason(without("signature-input")), SkipReason::NotProven(Unproven::NotSigned));
    assert!(matches!(reason(without("signature")), SkipReason::NotProven(Unproven::Malformed(_))));
    let empty = r#"{"keys":[]}"#;
    assert_eq!(verify(&signed(empty, &[]), empty), Err(DirectoryError::Empty));
}

/// Each key that becomes live is proven, and one that is not does no harm to the others.
#[test]
fn a_key_counts_if_its_own_signature_holds() {
    let (one, other, third) = (key(), key(), key());
    let body = directory_of(&[&one, &other, &third]);
    let late = || Signing {
        parameters: times(-600, -300) + r#";tag="http-message-signatures-directory""#,
        ..Signing::default()
    };
    let directory = verify(&signed(&body, &[(&other, Signing::default()), (&third, late())]), &body).unwrap();
    assert_eq!(names(&directory), [*other.public_key().thumbprint()]);
    let skipped: Vec<_> =
        directory.skipped().iter().map(|one| (one.index, one.thumbprint.unwrap())).collect();
    assert_eq!(skipped, [(0, *one.public_key().thumbprint()), (2, *third.public_key().thumbprint())]);
    assert_eq!(directory.signed_at(), Some(NOW));

    // Of several signatures of one key, such as for several hosts, one is enough.
    let elsewhere = Signing { host: "wiki.example.net", ..Signing::default() };
    let body = directory_of(&[&one]);
    let both = signed(&body, &[(&one, elsewhere), (&one, Signing::default()), (&one, late())]);
    assert_eq!(verify(&both, &body).unwrap().keys().len(), 1);
}

#[test]
fn a_directory_with_a_byte_order_mark_is_read() {
    let own = key();
    let body = format!("\u{feff}{}", directory_of(&[&own]));
    assert_eq!(verify(&signed(&body, &[(&own, Signing::default())]), &body).unwrap().keys().len(), 1);
}

#[test]
fn what_we_sign_proves_every_key() {
    let keys = [key(), key()];
    let url = format!("https://{HOST}{DIRECTORY_PATH}");
    let signed = SignedDirectory::sign(&keys, &url, NOW, Duration::from_secs(300)).unwrap();
    let headers = signed.headers.into_iter().collect();
    let directory = verify(&headers, &signed.body).unwrap();
    assert_eq!(names(&directory), keys.map(|key| *key.public_key().thumbprint()));
    assert!(directory.skipped().is_empty());
}
