//! A request with an HTTP message signature that nobody with a key made.
#![no_main]

use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::crypto::SignatureKey;
use trusted_app_core::httpsig::{Code, Credentials, RequestMessage, SignatureFields, SignaturePolicy};
use trusted_app_core::{Rejection, Timestamp, TrustedApplication};

static WIKI: LazyLock<Arc<TrustedApplication>> = LazyLock::new(|| {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    TrustedApplication::signing_builder("wiki".parse().unwrap(), SignatureKey::from_jwk(jwk).unwrap())
        .addresses(AddressRule::any())
        .paths(PathRule::any())
        .build()
        .unwrap()
        .into()
});

#[derive(Debug, Arbitrary)]
enum Field {
    SignatureInput,
    Signature,
    User,
    ContentDigest,
    ContentType,
    ContentLength,
    Authorization,
    Other,
}

impl Field {
    fn name(&self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::SignatureInput => "signature-input",
            Self::Signature => "signature",
            Self::User => "trusted-app-user",
            Self::ContentDigest => "content-digest",
            Self::ContentType => "content-type",
            Self::ContentLength => "content-length",
            Self::Authorization => "authorization",
            Self::Other => "x-other",
        })
    }
}

fuzz_target!(|input: (Vec<(Field, &[u8])>, &str, bool, i32)| {
    let (lines, url, has_body, now) = input;
    let mut headers = HeaderMap::new();
    for (field, value) in lines {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        headers.append(field.name(), value);
    }
    let now = Timestamp::from_millis(i64::from(now) * 1000);
    let request = RequestMessage { method: &Method::POST, url, headers: &headers };
    if let Err(rejection) = verify(&request, has_body, now) {
        let _ = (rejection.to_string(), Code::of(&rejection));
    }
});

fn verify(request: &RequestMessage<'_>, has_body: bool, now: Timestamp) -> Result<(), Rejection> {
    let policy = SignaturePolicy::default();
    let fields = SignatureFields::of(request.headers)?;
    let credentials = Credentials::parse(&fields)?.ok_or(Rejection::CredentialsMissing)?;
    assert!(SignatureFields::attempted(request.headers));
    let checked = credentials.check(request, has_body, &policy, now)?;
    let verified = checked.verify(&WIKI, now)?;
    panic!("forged: {verified:?}");
}
