//! `certificates.json`: the bytes that we sign are Atlassian's bytes.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::seraph::{Credentials, SeraphHeaders, SignError, SigningRequest};
use trusted_app_core::{LocalApplication, Rejection, Scheme, Timestamp, TrustedApplication};

use super::{Comparison, Difference, Vectors, differs, text};

const BLANK: &str = "nobody to act as";
const CONTROL: &str = "no control characters in what is signed: line ends shift its lines, tabs serve nobody";

const DIFFERENCES: &[Difference] = &[
    differs("carriage-return-in-user-not-refused", "control character", CONTROL),
    differs("newline-in-user-not-refused", "control character", CONTROL),
    differs("pub-cert-005", "blank user", BLANK),
    differs("pub-cert-012", "control character", CONTROL),
    differs("pub-cert-036", "control character", CONTROL),
    differs("pub-cert-056", "blank user", BLANK),
    differs("pub-cert-057", "control character", CONTROL),
    differs("pub-cert-062", "blank user", BLANK),
    differs("pub-cert-069", "control character", CONTROL),
    differs("pub-cert-093", "control character", CONTROL),
    differs("pub-cert-113", "blank user", BLANK),
    differs("pub-cert-114", "control character", CONTROL),
    #[cfg(feature = "insecure-seraph-v1")]
    differs("pub-cert-116", "blank user", BLANK),
    #[cfg(feature = "insecure-seraph-v1")]
    differs("pub-cert-125", "control character", CONTROL),
    #[cfg(feature = "insecure-seraph-v1")]
    differs("pub-cert-141", "blank user", BLANK),
    #[cfg(feature = "insecure-seraph-v1")]
    differs("pub-cert-150", "control character", CONTROL),
];

#[test]
fn signed() {
    let vectors = Vectors::load("certificates.json");
    let mut comparison = Comparison::by(DIFFERENCES);
    for vector in vectors.iter() {
        let Some(scheme) = scheme(vector) else { continue };
        let identity = LocalApplication::new(
            text(&vector["app_id"]).parse().unwrap(),
            vectors.private_key(&vector["key"]),
        );
        // A refused vector has no timestamp; versions 2 and 3 stamp 15 minutes ahead.
        let created = vector["timestamp_ms"].as_i64().unwrap_or(vector["now_ms"].as_i64().unwrap() + 900_000);
        // Without a URL the original signs the word `null`; versions 1 and 0 do not look at it.
        let url = vector["url"].as_str().unwrap_or("null");
        let request = SigningRequest::new(text(&vector["user"]), url, Timestamp::from_millis(created))
            .with_scheme(scheme);
        let signed = match vector["secret_key_b64"].as_str() {
            None => request.sign(&identity),
            Some(key) => request.sign_with_secret_key(&identity, &from_base64(key)),
        };
        match signed {
            Ok(headers) => {
                comparison.check(vector, "signed", same(&headers, vector), &format!("{headers:?}"));
            }
            Err(error) => {
                let ours = match error {
                    SignError::BlankUser => "blank user",
                    SignError::ControlCharacter { .. } => "control character",
                    error => panic!("{error}: {vector}"),
                };
                comparison.check(vector, ours, vector.get("exception").is_some(), "refused");
            }
        }
    }
    comparison.finish();
}

/// What Atlassian's library signed for a user is verified as that user's, in every version.
#[test]
fn verified() {
    let vectors = Vectors::load("certificates.json");
    for vector in vectors.iter().filter(|vector| vector.get("exception").is_none()) {
        let Some(scheme) = scheme(vector) else { continue };
        let id = text(&vector["app_id"]).parse().unwrap();
        let application = TrustedApplication::builder(id, vectors.public_key(&vector["key"]))
            .schemes([scheme])
            .addresses(AddressRule::any())
            .paths(PathRule::any())
            .insecure_min_rsa_bits(1024)
            .build()
            .unwrap();
        let headers: HeaderMap = sent(vector)
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap()))
            .collect();
        let url = vector["url"].as_str().unwrap_or("null");
        let result = Credentials::parse(&headers).unwrap().unwrap().verify(
            &Arc::new(application),
            url,
            Timestamp::from_millis(0),
        );

        let user = text(&vector["user"]);
        match result {
            Ok(verified) => {
                let signature = verified.signature();
                assert_eq!(signature.user(), user);
                assert_eq!(signature.scheme(), scheme);
                assert_eq!(Some(signature.created().as_millis()), vector["timestamp_ms"].as_i64());
            }
            // In version 0 an empty last line is none.
            Err(Rejection::BadMagic { .. }) => {
                assert!(user.is_empty() || user.contains(['\n', '\r']), "{vector}");
            }
            Err(Rejection::UserUnknown { .. }) => assert!(matches!(user, "" | "tab\there"), "{vector}"),
            Err(rejection) => panic!("{rejection}: {vector}"),
        }
    }
}

fn scheme(vector: &Value) -> Option<Scheme> {
    let version = vector["protocol_version"].as_i64().unwrap();
    let scheme = Scheme::ALL.iter().copied().find(|scheme| scheme.version().map(i64::from) == Some(version));
    assert_eq!(scheme.is_some(), version >= 2 || cfg!(feature = "insecure-seraph-v1"));
    scheme
}

/// Same names, values and order.
fn same(headers: &SeraphHeaders, vector: &Value) -> bool {
    let ours = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    vector.get("headers").is_some() && ours.eq(sent(vector))
}

/// The headers of a vector. A null value is a header that is not sent.
fn sent(vector: &Value) -> impl Iterator<Item = (String, String)> {
    let headers = vector["headers"].as_array().unwrap().iter();
    headers.filter_map(|header| Some((text(&header[0]).to_ascii_lowercase(), header[1].as_str()?.to_owned())))
}

fn from_base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
