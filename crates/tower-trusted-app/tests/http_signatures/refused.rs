//! Every way to be refused.

use std::future::pending;

use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request};
use tower_trusted_app::application::KeyState;
use tower_trusted_app::conditions::{AddressRule, MethodRule, Peer, ReplayProtection};
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::httpsig::{RequestMessage, SIGNATURE, SIGNATURE_INPUT, SigningRequest, UserField};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::store::{ReplayClaim, ReplayOutcome, ReplayStore};
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{
    ActAsPolicy, BoxError, HttpSignatures, Scheme, Timestamp, TrustedAppLayer, TrustedApplication,
    application,
};

use crate::support::{
    At, KEY, NOW, ORIGIN, Parts, Tracker, forum, send, signed, signed_for, signed_with, tracker, tracker_of,
    wiki,
};

async fn refused(layer: &Tracker, request: Request<Parts>) -> (u16, String) {
    let (answer, got) = send(layer, request).await;
    assert!(got.is_none(), "the inner service was called");
    answer.refusal()
}

fn with(name: &'static str, value: &'static str) -> Request<Parts> {
    let mut request = signed("POST", "/rest/issues", b"body");
    request.headers_mut().append(name, HeaderValue::from_static(value));
    request
}

fn described() -> application::TrustedApplicationBuilder {
    TrustedApplication::signing_builder("signer".parse().unwrap(), KEY.public_key().clone())
        .addresses(AddressRule::any())
        .paths(wiki().conditions().paths.clone())
}

fn trusting(builder: application::TrustedApplicationBuilder) -> Tracker {
    tracker_of(vec![builder.build().unwrap()], HttpSignatures::default())
}

#[tokio::test]
async fn what_the_request_itself_shows() {
    let layer = tracker();
    for (request, status, code) in [
        (with("trusted-app-user", "\"bob\""), 400, "malformed"),
        (with("signature", "ta=:AAAA:"), 400, "malformed"),
        (with("x-seraph-trusted-app-cert", "x"), 400, "ambiguous"),
        (with("authorization", "Basic eDp5"), 401, "coverage"),
        (with("x-http-method-override", "DELETE"), 401, "coverage"),
        (Request::get("/rest").body(Parts::default()).unwrap(), 401, "required"),
    ] {
        assert_eq!(refused(&layer, request).await, (status, code.to_owned()));
    }
    let mut no_tag = signed("GET", "/rest", b"");
    no_tag.headers_mut().insert(SIGNATURE_INPUT, HeaderValue::from_static("ta=(\"@method\");created=1"));
    assert_eq!(refused(&layer, no_tag).await, (401, "required".to_owned()));
}

#[tokio::test]
async fn what_was_not_signed_so() {
    let layer = tracker();
    let invalid = (401, "invalid_signature".to_owned());
    let mut requests = vec![signed("GET", "/rest/issues", b"")];
    *requests[0].uri_mut() = "/rest/other".parse().unwrap();
    let mut method = signed("GET", "/rest/issues", b"");
    *method.method_mut() = http::Method::DELETE;
    let mut content_type = signed("POST", "/rest/issues", b"body");
    content_type.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    let mut user = signed("GET", "/rest/issues", b"");
    user.headers_mut().insert("trusted-app-user", HeaderValue::from_static("\"bob\""));
    let mut digest = signed("POST", "/rest/issues", b"body");
    let of_other = signed("POST", "/rest/issues", b"other").headers()["content-digest"].clone();
    digest.headers_mut().insert("content-digest", of_other);
    let stranger = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
    requests.extend([method, content_type, user, digest]);
    requests.push(signed_with(&stranger, "alice", "GET", "/rest/issues", b""));
    for request in requests {
        assert_eq!(refused(&layer, request).await, invalid);
    }

    // Signed for another server: this one is known by its own name only, whatever the request says.
    let mut elsewhere = signed("GET", "/rest/issues", b"");
    elsewhere.headers_mut().insert(HOST, HeaderValue::from_static("evil.example.com"));
    let several = TrustedAppLayer::builder(
        MemoryKeyStore::new([wiki()]).unwrap(),
        MemoryDirectory::of_names(["alice"]),
        tower_trusted_app::SignedUrl::any_of([ORIGIN, "https://other.example.com"]).unwrap(),
    )
    .clock(At(NOW))
    .replay_store(MemoryReplayStore::new(100_000))
    .http_signatures(HttpSignatures::default());
    assert_eq!(refused(&several, elsewhere).await, invalid);
    let mut other_of_ours = signed("GET", "/rest/issues", b"");
    other_of_ours.headers_mut().insert(HOST, HeaderValue::from_static("other.example.com"));
    assert_eq!(refused(&several, other_of_ours).await, invalid);
    assert_eq!(send(&several, signed("GET", "/rest/issues", b"")).await.0.status, 200);
}

/// Seraph's peers sign what was typed; RFC 9421 normalizes, so there is one text.
#[tokio::test]
async fn the_public_url_holds_in_its_normal_form_alone() {
    let written = "https://Tracker.Example.com:443";
    let layer = TrustedAppLayer::builder(
        MemoryKeyStore::new([wiki()]).unwrap(),
        MemoryDirectory::of_names(["alice"]),
        written.parse().unwrap(),
    )
    .clock(At(NOW))
    .replay_store(MemoryReplayStore::new(100_000))
    .http_signatures(HttpSignatures::default());
    assert_eq!(send(&layer, signed("GET", "/rest/issues", b"")).await.0.status, 200);
    let url = format!("{written}/rest/issues");
    let mut literally = signed("GET", "/rest/issues", b"");
    let message = RequestMessage { method: &Method::GET, url: &url, headers: &HeaderMap::new() };
    let signing = SigningRequest::new(UserField::new("alice").unwrap(), message, NOW);
    signing.sign(&KEY).unwrap().apply(literally.headers_mut());
    assert_eq!(refused(&layer, literally).await, (401, "invalid_signature".to_owned()));
}

#[tokio::test]
async fn what_the_application_may_not() {
    let invalid = (401, "invalid_signature".to_owned());
    let forbidden = (403, "forbidden".to_owned());
    let get = || signed("GET", "/rest/issues", b"");

    // The key is known and not in use; the scheme is not the application's.
    let revoked = application::ApplicationKey::from(KEY.public_key().clone()).with_state(KeyState::Revoked);
    let revoked = TrustedApplication::signing_builder("signer".parse().unwrap(), revoked)
        .addresses(AddressRule::any())
        .paths(wiki().conditions().paths.clone());
    assert_eq!(refused(&trusting(revoked), get()).await, invalid);
    let seraph_only = TrustedApplication::builder("signer".parse().unwrap(), forum().public_key().clone())
        .signature_key(KEY.public_key().clone())
        .schemes([Scheme::SeraphV3])
        .addresses(AddressRule::any())
        .paths(wiki().conditions().paths.clone());
    assert_eq!(refused(&trusting(seraph_only), get()).await, invalid);

    // Who has the key learns no more of the address rule than who has not.
    let from = |address: &str| {
        let mut request = get();
        request.extensions_mut().insert(Peer::Ip(address.parse().unwrap()));
        request
    };
    let addresses = trusting(described().addresses("192.0.2.0/24".parse().unwrap()));
    assert_eq!(send(&addresses, from("192.0.2.7")).await.0.status, 200);
    assert_eq!(refused(&addresses, from("198.51.100.1")).await, invalid);
    assert_eq!(refused(&addresses, get()).await, invalid);

    assert_eq!(refused(&tracker(), signed("GET", "/admin", b"")).await, forbidden);
    assert_eq!(refused(&tracker(), signed("GET", "/rest/../admin", b"")).await, forbidden);
    assert_eq!(refused(&tracker(), signed_for("nobody", "GET", "/rest", b"")).await, forbidden);
    let methods = trusting(described().methods(MethodRule::only([http::Method::HEAD])));
    assert_eq!(refused(&methods, get()).await, forbidden);
    let not_alice = ActAsPolicy::anybody().deny_users(["alice"]);
    assert_eq!(refused(&trusting(described().act_as(not_alice)), get()).await, forbidden);
}

#[tokio::test]
async fn another_time() {
    let at = |seconds: i64| tracker().clock(At(Timestamp::from_millis(NOW.as_millis() + 1000 * seconds)));
    let get = || signed("GET", "/rest/issues", b"");
    for seconds in [-30, 0, 90] {
        assert_eq!(send(&at(seconds), get()).await.0.status, 200, "{seconds}");
    }
    for seconds in [-31, 91, 1_000_000] {
        assert_eq!(refused(&at(seconds), get()).await, (401, "stale".to_owned()), "{seconds}");
    }
    // Within what the signature itself says, and beyond the application's time-out.
    let short = trusting(described().timeout(std::time::Duration::from_secs(10)));
    let short = short.clock(At(Timestamp::from_millis(NOW.as_millis() + 41_000)));
    assert_eq!(refused(&short, get()).await, (401, "stale".to_owned()));
}

#[tokio::test]
async fn a_nonce_counts_once_and_nothing_refused_burns_it() {
    let layer = tracker();
    let good = signed("POST", "/rest/issues", b"body");
    let mut other_body = good.clone();
    *other_body.body_mut() = Parts::of([&b"bodY"[..]]);
    assert_eq!(refused(&layer, other_body).await, (400, "digest_mismatch".to_owned()));
    let mut other_user = good.clone();
    other_user.headers_mut().insert("trusted-app-user", HeaderValue::from_static("\"bob\""));
    assert_eq!(refused(&layer, other_user).await, (401, "invalid_signature".to_owned()));
    assert_eq!(send(&layer, good.clone()).await.0.status, 200);
    assert_eq!(refused(&layer, good).await, (401, "replayed".to_owned()));
}

/// Counts the claims, and answers them or not.
struct Claims(std::sync::Arc<std::sync::atomic::AtomicUsize>, &'static str);

impl ReplayStore for Claims {
    type Error = BoxError;

    async fn claim(&self, _: &ReplayClaim<'_>) -> Result<ReplayOutcome, BoxError> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match self.1 {
            "hangs" => pending().await,
            "fails" => Err("the store is down".into()),
            _ => Ok(ReplayOutcome::Fresh),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_replay_store_is_away_nothing_is_accepted() {
    let overloaded = (503, "overloaded".to_owned());
    for how in ["hangs", "fails"] {
        let layer = tracker().replay_store(Claims(Default::default(), how));
        let (answer, _) = send(&layer, signed("GET", "/rest/issues", b"")).await;
        assert_eq!(answer.refusal(), overloaded);
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

#[test]
fn without_a_replay_store_no_layer_is_built() {
    let builder = || {
        TrustedAppLayer::builder(
            MemoryKeyStore::new([wiki()]).unwrap(),
            MemoryDirectory::of_names(["alice"]),
            ORIGIN.parse().unwrap(),
        )
    };
    let error = builder().http_signatures(HttpSignatures::default()).build().unwrap_err();
    let text = "`http_signatures` needs a replay store: call `replay_store`, with a `MemoryReplayStore` for one server or \
                a store that all servers share, such as `RedisReplayStore`";
    assert_eq!(error.to_string(), text);
    let error = builder().replay_protection(ReplayProtection::Every).build().unwrap_err();
    assert!(error.to_string().starts_with("`replay_protection` needs a replay store: "), "{error}");
    assert!(builder().context_path("jira").build().is_err());
    let replays = MemoryReplayStore::new(100);
    assert!(builder().replay_protection(ReplayProtection::Every).replay_store(replays).build().is_ok());
}

#[tokio::test]
async fn a_flood_of_bad_signatures_claims_nothing() {
    let claims = std::sync::Arc::default();
    let layer = tracker().replay_store(Claims(std::sync::Arc::clone(&claims), "answers"));
    for number in 0..2000 {
        let mut request = signed("GET", "/rest/issues", b"");
        let signature = format!("ta=:{:0>86}==:", number);
        request.headers_mut().insert(SIGNATURE, HeaderValue::try_from(signature).unwrap());
        assert_eq!(refused(&layer, request).await.0, 401);
    }
    assert_eq!(claims.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert_eq!(send(&layer, signed("GET", "/rest/issues", b"")).await.0.status, 200);
    assert_eq!(claims.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_answer_says_how_to_sign() {
    let (answer, _) = send(&tracker(), Request::get("/rest").body(Parts::default()).unwrap()).await;
    assert_eq!(answer.header("www-authenticate"), Some("TrustedApp realm=\"trusted-app\""));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let accept = "ta=(\"@method\" \"@target-uri\" \"trusted-app-user\");created;expires;nonce;keyid;tag=\"trusted-app\"";
    assert_eq!(answer.header("accept-signature"), Some(accept));

    let request =
        Request::post("/rest").header("content-length", "3").body(Parts::of([&b"abc"[..]])).unwrap();
    let (answer, _) = send(&tracker(), request).await;
    assert!(answer.header("accept-signature").unwrap().contains("\"content-type\" \"content-digest\""));
    // Nothing about keys, users or rules.
    let stranger = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
    let (unknown, _) = send(&tracker(), signed_with(&stranger, "alice", "GET", "/rest/a", b"")).await;
    let mut tampered = signed("GET", "/rest/a", b"");
    *tampered.uri_mut() = "/rest/b".parse().unwrap();
    let (bad, _) = send(&tracker(), tampered).await;
    assert_eq!((unknown.body, unknown.headers), (bad.body, bad.headers));
}
