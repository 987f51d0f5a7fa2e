//! Requests of the profile, and what a server makes of them. The four examples were signed by another
//! implementation.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use trusted_app_core::conditions::ReplayProtection;
use trusted_app_core::conditions::{AddressRule, PathRule};
use trusted_app_core::content::ExpectedContent;
use trusted_app_core::httpsig::{
    Code, Credentials, RequestMessage, SIGNATURE, SIGNATURE_INPUT, SignatureBase, SignatureFields,
    SignaturePolicy, SigningRequest, UserField,
};
use trusted_app_core::store::{CountOnce, ReplayOutcome, count_once};
use trusted_app_core::{Clock, KnownUser, Rejection, RequestFacts, Timestamp, TrustedApplication};

use super::{VECTORS, headers, items, private_key, public_key, text};

#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Seconds.
    pub(crate) now: i64,
}

pub(crate) fn example(id: &str) -> &'static Value {
    items(&VECTORS["profile_examples"]).find(|example| example["id"] == id).unwrap()
}

impl Request {
    pub(crate) fn of(example: &Value) -> Self {
        let mut headers = headers(&example["headers"]);
        headers.append(SIGNATURE_INPUT, HeaderValue::try_from(text(&example["signature_input"])).unwrap());
        headers.append(SIGNATURE, HeaderValue::try_from(text(&example["signature"])).unwrap());
        Self {
            method: text(&example["method"]).parse().unwrap(),
            url: text(&example["url"]).to_owned(),
            headers,
            body: STANDARD.decode(text(&example["body_base64"])).unwrap(),
            now: example["now"].as_i64().unwrap(),
        }
    }

    pub(crate) fn message(&self) -> RequestMessage<'_> {
        RequestMessage { method: &self.method, url: &self.url, headers: &self.headers }
    }
}

/// A server at `api.example.com` that trusts the RFC's Ed25519 key.
#[derive(Default)]
pub(crate) struct Server {
    nonces: HashSet<[u8; 16]>,
}

/// A clock that stands.
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl Server {
    pub(crate) fn application() -> TrustedApplication {
        TrustedApplication::signing_builder("wiki".parse().unwrap(), public_key("test-key-ed25519"))
            .addresses(AddressRule::any())
            .paths(PathRule::any())
            .build()
            .unwrap()
    }

    /// The code, or `valid`.
    pub(crate) fn answer(&mut self, request: &Request) -> &'static str {
        self.accept(request).map_or_else(|rejection| Code::of(&rejection).as_str(), |_| "valid")
    }

    /// The order of checks of a request, without what needs a store. The user's name.
    pub(crate) fn accept(&mut self, request: &Request) -> Result<String, Rejection> {
        let fields = SignatureFields::of(&request.headers)?;
        let credentials = Credentials::parse(&fields)?.ok_or(Rejection::CredentialsMissing)?;
        if request.headers["host"] != "api.example.com" {
            return Err(Rejection::AuthorityUnknown {
                url: request.url.clone(),
                authority: None,
                host: None,
            });
        }
        let now = Timestamp::from_millis(request.now * 1000);
        let policy = SignaturePolicy::default();
        let checked = credentials.check(&request.message(), !request.body.is_empty(), &policy, now)?;
        let facts = RequestFacts { method: &request.method, path: Some("/") };
        let admitted = checked.verify(&Self::application().into(), now)?.admit(&facts, [])?;
        let user = KnownUser::new(admitted.user(), ());
        let permitted = admitted.permit(user, &request.method)?;
        match permitted.content() {
            ExpectedContent::Digest(digest) if !digest.matches(&request.body) => {
                return Err(Rejection::ContentMismatch);
            }
            ExpectedContent::Digest(_) => {}
            content => assert_eq!((content, request.body.len()), (ExpectedContent::Empty, 0)),
        }
        let counted = count_once(permitted, ReplayProtection::Off, &request.method, &At(now))?;
        let CountOnce::Unclaimed(unclaimed) = counted else { panic!("a nonce always counts once") };
        let outcome = match self.nonces.insert(*unclaimed.claim().id.as_bytes()) {
            true => ReplayOutcome::Fresh,
            false => ReplayOutcome::Seen,
        };
        Ok(unclaimed.accept(outcome)?.signature().user().to_owned())
    }
}

#[test]
fn examples_of_another_implementation() {
    let mut users = Vec::new();
    for example in items(&VECTORS["profile_examples"]) {
        let request = Request::of(example);
        let fields = SignatureFields::of(&request.headers).unwrap();
        let base = SignatureBase::of_request(&fields, "ta", &request.message()).unwrap();
        assert_eq!(base.to_string(), text(&example["signature_base"]), "{}", example["id"]);
        let credentials = Credentials::parse(&fields).unwrap().unwrap();
        let lines = credentials.base_lines(&request.message()).into_iter();
        let lines = lines.map(|line| format!("{}: {}", line.component, line.value.unwrap()));
        assert_eq!(lines.collect::<Vec<_>>().join("\n"), text(&example["signature_base"]));
        let user = Server::default().accept(&request);
        users.push(user.unwrap_or_else(|refusal| panic!("{}: {refusal}", example["id"])));
    }
    assert_eq!(users, ["alice", "müller", r#"al "q" \ x"#, "alice"]);
}

/// The log of a signature that does not hold has its base, but not what may be a secret.
#[test]
fn a_secret_is_not_logged() {
    let mut request = Request::of(example("profile-post-display-string"));
    request.headers.append("authorization", HeaderValue::from_static("Basic c2VjcmV0"));
    let input = request.headers[SIGNATURE_INPUT].to_str().unwrap();
    let input = input.replace("ta=(", "ta=(\"authorization\" \"content-digest\";key=\"sha-256\" ");
    request.headers.insert(SIGNATURE_INPUT, HeaderValue::try_from(input).unwrap());
    let Err(Rejection::BadSignatureBase { base }) = Server::default().accept(&request) else {
        panic!("nobody signed that")
    };
    let lines: Vec<_> = base.lines().collect();
    assert_eq!((lines.len(), lines[0]), (8, "\"authorization\": (not logged)"));
    assert!(lines[1].starts_with("\"content-digest\";key=\"sha-256\": :X48E9q"), "{base}");
    assert!(lines[7].starts_with("\"@signature-params\": (\"authorization\" "), "{base}");
}

/// Whoever knows a key's name could otherwise fill the log: what does not hold stands there with its base.
#[test]
fn a_base_has_a_limit() {
    for (bytes, code) in [(60 * 1024, "invalid_signature"), (64 * 1024, "malformed")] {
        let mut request = Request::of(example("profile-post-display-string"));
        request.headers.append("date", HeaderValue::try_from("x".repeat(bytes)).unwrap());
        let input = request.headers[SIGNATURE_INPUT].to_str().unwrap().replace("ta=(", "ta=(\"date\" ");
        request.headers.insert(SIGNATURE_INPUT, HeaderValue::try_from(input).unwrap());
        assert_eq!(Server::default().answer(&request), code);
    }
}

/// What we sign for the same requests covers the same, and is the same but for the order of parameters.
#[test]
fn our_signatures_of_the_examples() {
    let key = private_key("test-key-ed25519");
    for example in items(&VECTORS["profile_examples"]) {
        let id = text(&example["id"]);
        let mut request = Request::of(example);
        let user = UserField::parse(&request.headers["trusted-app-user"]).unwrap().name().to_owned();
        let signing = SigningRequest::new(
            UserField::new(user).unwrap(),
            request.message(),
            Timestamp::from_millis(1_767_225_600_999),
        );
        let signed =
            signing.with_body(&request.body).sign_with_nonce(&key, "AAAAAAAAAAAAAAAAAAAAAA").unwrap();
        signed.apply(&mut request.headers);
        let input = request.headers[SIGNATURE_INPUT].to_str().unwrap();
        let parameters = ";created=1767225600;expires=1767225660;nonce=\"AAAAAAAAAAAAAAAAAAAAAA\";\
                          keyid=\"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U\";tag=\"trusted-app\"";
        assert!(input.ends_with(parameters), "{id}: {input}");
        if id != "profile-post-split-target" {
            let covered = text(&example["signature_input"]).split(')').next().unwrap();
            assert!(input.starts_with(covered), "{id}: {input}");
        }
        assert_eq!(Server::default().answer(&request), "valid", "{id}");
        assert!(
            request.headers["signature"].is_sensitive() && request.headers["signature-input"].is_sensitive()
        );
    }
}

/// The specification shows one of them, whole.
#[test]
fn the_example_of_the_specification() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/PROFILE.md");
    let specification = std::fs::read_to_string(path).unwrap();
    let example = example("profile-post-display-string");
    assert!(specification.contains(text(&example["signature_base"])));
    for (name, value) in &Request::of(example).headers {
        let line = value.to_str().unwrap();
        let is_shown = specification
            .lines()
            .any(|shown| shown.split_once(": ").is_some_and(|(shown, value)| name == shown && value == line));
        assert!(is_shown, "{name}: {line}");
    }
    let answers = [
        (1_767_225_569, "stale"),
        (1_767_225_570, "valid"),
        (1_767_225_690, "valid"),
        (1_767_225_691, "stale"),
    ];
    for (now, answer) in answers {
        let request = Request { now, ..Request::of(example) };
        assert_eq!(Server::default().answer(&request), answer, "{now}");
    }
}
