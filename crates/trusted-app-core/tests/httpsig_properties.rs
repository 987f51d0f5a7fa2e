//! Whatever our signer makes verifies, and no change to a part that is covered does.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use trusted_app_core::conditions::{AddressRule, PathRule, ReplayProtection};
use trusted_app_core::content::ExpectedContent;
use trusted_app_core::crypto::PrivateSignatureKey;
use trusted_app_core::httpsig::{
    Credentials, RequestMessage, SIGNATURE, SIGNATURE_INPUT, SignatureFields, SignaturePolicy,
    SigningRequest, UserField,
};
use trusted_app_core::store::{CountOnce, ReplayOutcome, count_once};
use trusted_app_core::{Clock, KnownUser, Permitted, Rejection, RequestFacts, Timestamp, TrustedApplication};

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

static KEY: LazyLock<PrivateSignatureKey> = LazyLock::new(|| {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    PrivateSignatureKey::from_jwk(jwk).unwrap()
});

static WIKI: LazyLock<Arc<TrustedApplication>> = LazyLock::new(|| {
    TrustedApplication::signing_builder("wiki".parse().unwrap(), KEY.public_key().clone())
        .addresses(AddressRule::any())
        .paths(PathRule::any())
        .build()
        .unwrap()
        .into()
});

/// A clock that stands.
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[derive(Debug, Clone)]
struct Request {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    fn message(&self) -> RequestMessage<'_> {
        RequestMessage { method: &self.method, url: &self.url, headers: &self.headers }
    }

    fn sign(&mut self, user: &str) {
        let signing = SigningRequest::new(UserField::new(user).unwrap(), self.message(), NOW);
        let signed = signing.with_body(&self.body).sign(&KEY).unwrap();
        signed.apply(&mut self.headers);
    }

    /// The user, if all of it holds.
    fn verify(&self) -> Result<String, Rejection> {
        self.verify_by(&SignaturePolicy::default()).map(|permitted| permitted.signature().user().to_owned())
    }

    fn verify_by(&self, policy: &SignaturePolicy) -> Result<Permitted<'static, ()>, Rejection> {
        let fields = SignatureFields::of(&self.headers)?;
        let credentials = Credentials::parse(&fields)?.ok_or(Rejection::CredentialsMissing)?;
        let checked = credentials.check(&self.message(), !self.body.is_empty(), policy, NOW)?;
        let facts = RequestFacts { method: &self.method, path: Some("/") };
        let admitted = checked.verify(&WIKI, NOW)?.admit(&facts, [])?;
        let user = KnownUser::new(admitted.user(), ());
        let permitted = admitted.permit(user, &self.method)?;
        match permitted.content() {
            ExpectedContent::Digest(digest) if !digest.matches(&self.body) => Err(Rejection::ContentMismatch),
            ExpectedContent::Empty if !self.body.is_empty() => panic!("a body that nobody signed"),
            _ => Ok(permitted),
        }
    }
}

fn method() -> impl Strategy<Value = Method> {
    "[A-Z]{1,10}".prop_map(|name| Method::from_bytes(name.as_bytes()).unwrap())
}

fn url() -> impl Strategy<Value = String> {
    r"https?://[a-z0-9.-]{1,20}(:[1-9][0-9]{0,3})?(/[!-~&&[^?#]]{0,12}){0,3}(\?[!-~&&[^#]]{0,20})?"
}

/// Any name that the profile takes.
fn user() -> impl Strategy<Value = String> {
    ".{1,40}".prop_filter("a name of the profile", |name| UserField::new(name.as_str()).is_ok())
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    let name = prop_oneof![
        Just("accept"),
        Just("authorization"),
        Just("content-encoding"),
        Just("idempotency-key"),
        Just("x-http-method-override"),
        Just("x-other"),
    ];
    proptest::collection::vec((name, r"([!-~]([ -~]{0,12}[!-~])?)?"), 0..6).prop_map(|fields| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/octet-stream"));
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
        }
        headers
    })
}

prop_compose! {
    fn request()(
        method in method(),
        url in url(),
        headers in headers(),
        body in prop_oneof![Just(Vec::new()), proptest::collection::vec(any::<u8>(), 1..64)],
    ) -> Request {
        Request { method, url, headers, body }
    }
}

/// The names that a signature covers, as they stand in its own field.
fn covered(headers: &HeaderMap) -> Vec<HeaderName> {
    let input = headers[SIGNATURE_INPUT].to_str().unwrap();
    let list = input.split_once('(').unwrap().1.split_once(')').unwrap().0;
    list.split(' ').filter_map(|name| HeaderName::try_from(name.trim_matches('"')).ok()).collect()
}

proptest! {
    #[test]
    fn what_is_signed_verifies(mut request in request(), user in user()) {
        request.sign(&user);
        prop_assert_eq!(request.verify().unwrap(), user);
    }

    /// Whatever fields it adds: those that are covered are the peer's, and those that are not are named.
    #[test]
    fn what_a_proxy_adds_in_its_own_fields_changes_nothing(
        mut request in request(),
        user in user(),
        added in headers(),
    ) {
        request.sign(&user);
        let covered = covered(&request.headers);
        let mut names = Vec::new();
        for (name, value) in &added {
            if name != "content-type" && !covered.contains(name) {
                request.headers.append(name, value.clone());
                names.push(name.clone());
            }
        }
        let proxys = added.keys().filter(|name| *name != "content-type").cloned();
        let policy = SignaturePolicy::default().with_proxy_fields(proxys).unwrap();
        let permitted = request.verify_by(&policy).unwrap();
        prop_assert_eq!(permitted.signature().user(), user);
        names.dedup();
        let counted = count_once(permitted, ReplayProtection::Off, &request.method, &At(NOW)).unwrap();
        let CountOnce::Unclaimed(unclaimed) = counted else { panic!("a nonce always counts once") };
        let accepted = unclaimed.accept(ReplayOutcome::Fresh).unwrap();
        prop_assert_eq!(accepted.proxy_fields(), names);
    }

    #[test]
    fn no_change_to_what_is_covered_does(
        mut request in request(),
        user in user(),
        other in request(),
        other_user in user(),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        request.sign(&user);
        let good = request.clone();
        prop_assume!(good.method != other.method && good.url != other.url && user != other_user);

        let mut changed = Vec::new();
        changed.push(Request { method: other.method, ..good.clone() });
        changed.push(Request { url: other.url, ..good.clone() });
        changed.push(Request { url: good.url.clone() + "?", ..good.clone() });
        let mut headers = good.headers.clone();
        headers.insert("trusted-app-user", UserField::new(other_user).unwrap().to_header_value());
        changed.push(Request { headers, ..good.clone() });

        // A bit of the body, or a body where there was none.
        let mut body = good.body.clone();
        match body.len() {
            0 => body.push(bit),
            length => body[at.index(length)] ^= 1 << bit,
        }
        changed.push(Request { body, ..good.clone() });

        // A field that is covered: gone, longer, or with another line.
        for name in covered(&good.headers) {
            let mut headers = good.headers.clone();
            headers.remove(&name);
            changed.push(Request { headers, ..good.clone() });
            let mut headers = good.headers.clone();
            headers.append(&name, HeaderValue::from_static("x"));
            changed.push(Request { headers, ..good.clone() });
        }
        // A byte of the signature's own fields.
        for name in [SIGNATURE_INPUT, SIGNATURE] {
            let mut value = good.headers[&name].as_bytes().to_vec();
            let at = at.index(value.len());
            value[at] = if value[at] == b'A' { b'B' } else { b'A' };
            let mut headers = good.headers.clone();
            headers.insert(&name, HeaderValue::from_bytes(&value).unwrap());
            // The last bits of base64 and its padding mean nothing.
            let signature = |headers: &HeaderMap| SignatureFields::of(headers).unwrap().signature("ta");
            if name != SIGNATURE || signature(&headers) != signature(&good.headers) {
                changed.push(Request { headers, ..good.clone() });
            }
        }
        for request in changed {
            prop_assert!(request.verify().is_err(), "{:?}", request);
        }
        prop_assert_eq!(good.verify().unwrap(), user);
    }
}

#[test]
fn no_debug_form_shows_what_was_signed() {
    let secret = "Bearer c2VjcmV0";
    let mut request = Request {
        method: Method::GET,
        url: "https://tracker.example.com/rest".to_owned(),
        headers: HeaderMap::from_iter([("authorization".parse().unwrap(), HeaderValue::from_static(secret))]),
        body: Vec::new(),
    };
    request.sign("alice");
    let fields = SignatureFields::of(&request.headers).unwrap();
    let credentials = Credentials::parse(&fields).unwrap().unwrap();
    let policy = SignaturePolicy::default();
    let checked = credentials.check(&request.message(), false, &policy, NOW).unwrap();
    let bytes = format!("{:?}", secret.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    let shown = format!("{checked:?}");
    let verified = checked.verify(&WIKI, NOW).unwrap();
    for shown in [shown, format!("{verified:?}")] {
        assert!(!shown.contains(secret) && !shown.contains(bytes), "{shown}");
    }
}
