//! The twenty signatures of RFC 9421 (appendix B, section 4.3) and of the web-bot-auth draft.

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::Value;
use trusted_app_core::Timestamp;
use trusted_app_core::crypto::{InvalidSignature, KeyError, PrivateSignatureKey, SignatureKey};
use trusted_app_core::httpsig::{
    KeyDirectory, RequestMessage, ResponseMessage, SIGNATURE, SIGNATURE_INPUT, SignatureBase,
    SignatureFields, parse_content_digest,
};

use super::{VECTORS, headers, items, private_key, public_jwk, public_key, text};

/// A message of the file, with the fields of a vector's signature.
struct Message {
    method: Method,
    url: String,
    headers: HeaderMap,
    status: Option<StatusCode>,
}

impl Message {
    fn of(vector: &Value) -> Self {
        let message = &VECTORS["messages"][text(&vector["message"])];
        let mut headers = headers(&message["headers"]);
        headers.append(SIGNATURE_INPUT, HeaderValue::try_from(text(&vector["signature_input"])).unwrap());
        headers.append(SIGNATURE, HeaderValue::try_from(text(&vector["signature"])).unwrap());
        let status = message
            .get("status")
            .map(|status| StatusCode::from_u16(u16::try_from(status.as_u64().unwrap()).unwrap()).unwrap());
        // `test-response` answers `test-request`.
        let request = match message.get("request") {
            Some(request) => request,
            None if status.is_some() => &VECTORS["messages"]["test-request"],
            None => message,
        };
        let host = self::headers(&request["headers"])["host"].to_str().unwrap().to_owned();
        let url = format!("{}://{host}{}", text(&request["scheme"]), text(&request["request_target"]));
        Self { method: text(&request["method"]).parse().unwrap(), url, headers, status }
    }

    fn base(&self, label: &str) -> SignatureBase {
        let fields = SignatureFields::of(&self.headers).unwrap();
        let no_headers = HeaderMap::new();
        let is_response = self.status.is_some();
        let headers = if is_response { &no_headers } else { &self.headers };
        let request = RequestMessage { method: &self.method, url: &self.url, headers };
        match self.status {
            None => SignatureBase::of_request(&fields, label, &request),
            Some(status) => {
                let response = ResponseMessage { status, headers: &self.headers, request };
                SignatureBase::of_response(&fields, label, &response)
            }
        }
        .unwrap()
    }
}

#[test]
fn every_base_is_the_stated_one_byte_for_byte() {
    let mut seen = 0;
    for vector in items(&VECTORS["vectors"]) {
        let base = Message::of(vector).base(text(&vector["label"]));
        // The two that are no good have been made of changed messages.
        assert_eq!(base.to_string(), text(&vector["signature_base"]), "{}", vector["id"]);
        assert_eq!(base.as_bytes(), text(&vector["signature_base"]).as_bytes(), "{}", vector["id"]);
        seen += 1;
    }
    assert_eq!(seen, 20);
}

#[test]
fn every_signature_holds_or_not_as_stated() {
    let (mut valid, mut invalid, mut not_ours) = (0, 0, 0);
    for vector in items(&VECTORS["vectors"]) {
        let (id, label) = (text(&vector["id"]), text(&vector["label"]));
        let message = Message::of(vector);
        let base = message.base(label);
        let signature = SignatureFields::of(&message.headers).unwrap().signature(label).unwrap();
        let algorithm = text(&vector["alg"]);
        if matches!(algorithm, "hmac-sha256" | "rsa-v1_5-sha256") {
            not_ours += 1;
            holds_by_an_algorithm_that_is_not_ours(vector, base.as_bytes(), &signature);
            continue;
        }
        let name = text(&vector["key"]);
        let key = match public_key_of_this_build(name) {
            Ok(key) => key,
            // Without `aws-lc-rs` there is no ECDSA.
            Err(KeyError::Unsupported { .. }) if cfg!(not(feature = "aws-lc-rs")) => continue,
            Err(error) => panic!("{id}: {error}"),
        };
        assert_eq!(key.algorithm().as_str(), algorithm, "{id}");
        let outcome = key.verify(base.as_bytes(), &signature);
        match text(&vector["expect"]) {
            "valid" => {
                valid += 1;
                assert_eq!(outcome, Ok(()), "{id}");
                assert_eq!(key.verify(&base.as_bytes()[1..], &signature), Err(InvalidSignature), "{id}");
            }
            _ => {
                invalid += 1;
                assert_eq!(outcome, Err(InvalidSignature), "{id}");
            }
        }
        if vector["deterministic"] == true && text(&vector["expect"]) == "valid" {
            assert_eq!(private_key(name).sign(base.as_bytes()).unwrap(), signature, "{id}");
        }
    }
    assert_eq!((invalid, not_ours), (2, 2));
    assert_eq!(valid, if cfg!(feature = "aws-lc-rs") { 16 } else { 13 });
}

fn public_key_of_this_build(name: &str) -> Result<SignatureKey, KeyError> {
    SignatureKey::insecure_from_example_jwk(&public_jwk(name))
}

/// Two vectors are signed in ways that the profile refuses. That their bases are right shows all the
/// same, and that our keys do not take them for signatures.
fn holds_by_an_algorithm_that_is_not_ours(vector: &Value, base: &[u8], signature: &[u8]) {
    if text(&vector["alg"]) == "rsa-v1_5-sha256" {
        let key = public_key(text(&vector["key"]));
        assert_eq!(key.verify(base, signature), Err(InvalidSignature));
    }
    #[cfg(feature = "aws-lc-rs")]
    {
        use aws_lc_rs::{hmac, signature as rsa};
        use base64::Engine;
        use base64::engine::general_purpose::STANDARD;

        let key = &VECTORS["keys"][text(&vector["key"])];
        if text(&vector["alg"]) == "hmac-sha256" {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(text(&key["base64"])).unwrap());
            hmac::verify(&key, base, signature).unwrap();
        } else {
            let der = pem_rfc7468::decode_vec(text(&key["public_pem"]).as_bytes()).unwrap().1;
            let key = rsa::UnparsedPublicKey::new(&rsa::RSA_PKCS1_2048_8192_SHA256, der);
            key.verify(base, signature).unwrap();
        }
    }
}

#[test]
fn digests_of_the_messages() {
    let mut seen = 0;
    for (name, message) in VECTORS["messages"].as_object().unwrap() {
        let headers = headers(&message["headers"]);
        if headers.contains_key("content-digest") {
            seen += 1;
            let digest = parse_content_digest(&headers).unwrap();
            assert!(digest.matches(text(&message["body"]).as_bytes()), "{name}");
        }
    }
    assert_eq!(seen, 4);
}

#[test]
fn thumbprints_and_both_halves_of_the_keys() {
    let mut seen = 0;
    for (name, key) in VECTORS["keys"].as_object().unwrap() {
        let Some(thumbprint) = key.get("rfc7638_sha256_thumbprint") else { continue };
        // The primes of the one are of different lengths, which `rsa` does not take.
        if cfg!(not(feature = "aws-lc-rs")) && matches!(&**name, "test-key-ecc-p256" | "test-key-rsa") {
            continue;
        }
        seen += 1;
        let (public, private) = (public_key(name), private_key(name));
        assert_eq!(public.thumbprint().to_string(), text(thumbprint), "{name}");
        assert_eq!(private.public_key(), &public, "{name}");
        assert_eq!(SignatureKey::insecure_from_example_jwk(&public.to_jwk()).unwrap(), public, "{name}");
        let signature = private.sign(b"message").unwrap();
        assert_eq!(public.verify(b"message", &signature), Ok(()), "{name}");

        // Whoever trusted one would trust everybody.
        assert_eq!(SignatureKey::from_jwk(&public_jwk(name)).unwrap_err(), KeyError::PublishedExample);
        assert_eq!(
            PrivateSignatureKey::from_jwk(&key["jwk"].to_string()).unwrap_err(),
            KeyError::PublishedExample
        );
        let pem = private.to_pkcs8_pem();
        assert_eq!(PrivateSignatureKey::from_pkcs8_pem(&pem).unwrap_err(), KeyError::PublishedExample);
        let shown = format!("{private:?}");
        assert!(shown.contains(text(thumbprint)) && shown.len() < 200, "{shown}");
    }
    assert_eq!(seen, if cfg!(feature = "aws-lc-rs") { 4 } else { 2 });
}

#[test]
fn the_signed_directory() {
    let vector = items(&VECTORS["vectors"]).find(|vector| vector["id"] == "webbotauth-02-5").unwrap();
    let message = Message::of(vector);
    let body = text(&VECTORS["messages"]["wba-directory-response"]["body"]).as_bytes();
    let now = Timestamp::from_millis(1_735_689_600_000);
    let verify = |url: &str, body: &[u8], now| {
        KeyDirectory::insecure_verify_example(url, &message.headers, body, now).map(|directory| {
            directory.keys().iter().map(|key| key.key.thumbprint().to_string()).collect::<Vec<_>>()
        })
    };
    assert_eq!(verify(&message.url, body, now).unwrap(), ["poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"]);
    let verified = KeyDirectory::insecure_verify_example(&message.url, &message.headers, body, now).unwrap();
    assert_eq!(verified.signed_at(), Some(now));
    // It states a hundred years, and is good for a day.
    let day = |seconds: i64| Timestamp::from_millis(now.as_millis() + (24 * 60 * 60 + seconds) * 1000);
    assert!(verify(&message.url, body, day(30)).is_ok() && verify(&message.url, body, day(31)).is_err());
    // Another host, another body, another time; and the key is one that everybody has.
    assert!(verify("https://other.test/", body, now).is_err());
    assert!(verify(&message.url, &[body, b" "].concat(), now).is_err());
    assert!(verify(&message.url, body, Timestamp::from_millis(1_735_689_569_000)).is_err());
    assert!(KeyDirectory::verify(&message.url, &message.headers, body, now).is_err());
}
