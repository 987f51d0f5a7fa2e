//! What is not taken for a key directory.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use tower_trusted_app::Clock;
use tower_trusted_app::crypto::PrivateSignatureKey;
use trusted_app_admin::fetch::{AddressPolicy, FetchErrorKind, Fetcher};
use trusted_app_test::FixedClock;

use crate::harness::answer;
use crate::publisher::{Publisher, fetcher, key, world};

const MEDIA_TYPE: &str = "Content-Type: application/http-message-signatures-directory+json\r\n";

async fn why(publisher: &Publisher) -> String {
    let now = FixedClock::default().now();
    format!("{:?}", fetcher().fetch_directory(&publisher.base(), now).await.unwrap_err().kind())
}

#[tokio::test]
async fn by_https_and_to_public_addresses_unless_opened() {
    let clock = FixedClock::default();
    let publisher = Publisher::of(&clock, &[key()]).await;
    let kind = async |policy: AddressPolicy, url: &str| {
        Fetcher::new(policy).fetch_directory(url, clock.now()).await.unwrap_err().kind().clone()
    };
    let refused = kind(AddressPolicy::insecure_any(), &publisher.base()).await;
    assert_eq!(refused, FetchErrorKind::NotHttps);
    let closed = AddressPolicy::default().insecure_plain_directories();
    let refused = kind(closed, &publisher.base()).await;
    assert_eq!(refused, FetchErrorKind::AddressRefused([127, 0, 0, 1].into()));
    assert_eq!(*publisher.asked.lock().unwrap(), 0);

    let https = publisher.base().replace("http:", "https:");
    assert!(matches!(kind(AddressPolicy::insecure_any(), &https).await, FetchErrorKind::Tls(_)));
    let fetched = fetcher().fetch_directory(&publisher.base(), clock.now()).await.unwrap();
    assert_eq!((fetched.url, fetched.authority), (publisher.url(), publisher.authority));
}

#[tokio::test]
async fn each_bad_answer_has_its_own_cause() {
    let (clock, own) = (FixedClock::default(), key());
    let elsewhere = Publisher::of(&clock, std::slice::from_ref(&own)).await;
    let publisher = Publisher::of(&clock, std::slice::from_ref(&own)).await;
    let good = publisher.text();
    let (_, body) = good.split_once("\r\n\r\n").unwrap();
    let to_it = |url: String| answer("307 Temporary Redirect", &format!("Location: {url}\r\n"), "");
    for (text, expected) in [
        (to_it(elsewhere.url()), "DirectoryRedirected"),
        (to_it(publisher.url()), "DirectoryRedirected"),
        (answer("404 Not Found", "", ""), "Status(FailedAnswer { status: 404"),
        (answer("401 Unauthorized", "WWW-Authenticate: Basic\r\n", ""), "Status(FailedAnswer { status: 401"),
        (answer("503 Service Unavailable", "", ""), "Status(FailedAnswer { status: 503"),
        (
            answer("200 OK", "Content-Type: application/json\r\n", "{\"keys\":[]}"),
            "OtherMediaType(\"application/json\")",
        ),
        (
            answer("200 OK", "Content-Type: text/html; charset=utf-8\r\n", "<p>Log in</p>"),
            "OtherMediaType(\"text/html\")",
        ),
        (answer("200 OK", "", body), "OtherMediaType(\"\")"),
        (good.replacen("\r\n", "\r\nContent-Encoding: gzip\r\n", 1), "Compressed(\"gzip\")"),
        (answer("200 OK", MEDIA_TYPE, "\u{1f}"), "Directory(NotJwks)"),
        (answer("200 OK", MEDIA_TYPE, &"x".repeat(64 * 1024 + 1)), "Directory(TooLarge)"),
        (format!("HTTP/1.1 200 OK\r\n{MEDIA_TYPE}\r\n{}", "x".repeat(1 << 20)), "Directory(TooLarge)"),
        (answer("200 OK", MEDIA_TYPE, "<p>Log in</p>"), "Directory(NotJwks)"),
        (answer("200 OK", MEDIA_TYPE, body), "Directory(NoDigest)"),
        (good.replace("\r\n\r\n{", "\r\n\r\n "), "Directory(NotJwks)"),
        (good.replace("\"use\":\"sig\"", "\"use\":\"enc\""), "Directory(DigestDiffers)"),
        (good.replace("content-digest: sha-256=:", "content-digest: sha-256=:AAAA"), "Directory(Answer("),
        (String::new(), "Connection("),
    ] {
        publisher.answer(text);
        let kind = why(&publisher).await;
        assert!(kind.starts_with(expected), "{kind}, not {expected}");
    }
    assert_eq!(*elsewhere.asked.lock().unwrap(), 0);

    // Signed for another host, or for another time.
    publisher.publish_for(&elsewhere.authority, std::slice::from_ref(&own));
    assert!(why(&publisher).await.starts_with("Directory(NoKey(["));
    publisher.publish(std::slice::from_ref(&own));
    let late = clock.now().saturating_add(Duration::from_secs(3600));
    let refused = fetcher().fetch_directory(&publisher.base(), late).await.unwrap_err();
    assert!(refused.to_string().contains("its signature is expired: created at"), "{refused}");
    publisher.publish(&[]);
    assert_eq!(why(&publisher).await, "Directory(Empty)");
}

#[tokio::test]
async fn a_fetch_asks_past_caches_and_for_no_compression() {
    let publisher = Publisher::of(&FixedClock::default(), &[key()]).await;
    fetcher().fetch_directory(&publisher.base(), FixedClock::default().now()).await.unwrap();
    let head = publisher.head.lock().unwrap().clone();
    assert!(head.contains("\r\ncache-control: no-cache\r\n"), "{head}");
    assert!(head.contains("\r\naccept-encoding: identity\r\n"), "{head}");
}

/// What is wrong with the proof, where an administrator reads it.
#[tokio::test]
async fn pages_and_api_say_which_part_of_the_proof_is_missing() {
    let (world, own) = (world(), key());
    let publisher = Publisher::of(&world.clock, std::slice::from_ref(&own)).await;
    let good = publisher.text();
    let late = good.replacen("\r\n", "\r\nAge: 600\r\n", 1);
    let digest = good.split("\r\n").filter(|line| !line.starts_with("content-digest:"));
    let digest = digest.collect::<Vec<_>>().join("\r\n");
    for (text, advance, expected) in [
        (late, 600, "a cache served it 600 s late (`Age`): have the cache keep the directory no longer"),
        (good.clone(), 600, "compare the clocks of both sides, and look for a cache"),
        (good.replace("\"content-digest\");", ");"), 0, "its signature does not cover"),
        (
            good.replace("tag=\"http", "tag=\"other-http"),
            0,
            "its signature has the tag `other-http-message-signatures-directory`",
        ),
        (good.replace("created=", "created=1"), 0, "its signature is from the future"),
        (good.replace("expires=", "expires=1"), 0, "its signature does not hold"),
        (digest, 0, "the answer has no `Content-Digest`"),
        (
            good.replace("\"use\":\"sig\"", "\"use\": \"sig\"").replace("Content-Length: ", "X: "),
            0,
            "the body has another digest than",
        ),
    ] {
        publisher.answer(text);
        world.clock.advance(Duration::from_secs(advance));
        let fields = [("fetch", "key-directory"), ("base_url", &*publisher.base())];
        let page = world.post("/trusted-applications/request", &fields).await;
        assert_eq!(page.status, 422);
        page.has(expected);
        let asked = serde_json::json!({ "base_url": publisher.base() }).to_string();
        let request = Request::post("/api/v1/key-directories").header("content-type", "application/json");
        let request = request.header("x-user", "admin").body(Body::from(asked)).unwrap();
        world.send(request).await.has(expected);
        world.clock.set(FixedClock::default().now());
    }
}

/// The example keys of RFC 9421, whose private halves are published, and a point of small order.
#[tokio::test]
async fn keys_whose_private_half_is_public_are_refused() {
    let clock = FixedClock::default();
    let example = r#"{"kty":"OKP","crv":"Ed25519","d":"n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
    let example = PrivateSignatureKey::insecure_from_example_jwk(example).unwrap();
    let publisher = Publisher::of(&clock, &[example]).await;
    let published = why(&publisher).await;
    assert!(
        published.starts_with("Directory(NoKey([") && published.contains("Key(PublishedExample)"),
        "{published}"
    );

    let weak = r#"{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    publisher.publish_entries(&[weak.to_owned()], &[key()]);
    let weak = why(&publisher).await;
    assert!(weak.starts_with("Directory(NoKey([") && weak.contains("Key(WeakPoint)"), "{weak}");
}

#[tokio::test]
async fn a_body_that_drips_ends_after_five_seconds() {
    let publisher = Publisher::of(&FixedClock::default(), &[key()]).await;
    let head =
        format!("HTTP/1.1 200 OK\r\n{MEDIA_TYPE}Content-Length: 1000\r\n\r\n<wait>{}", "x".repeat(1000));
    publisher.answer(head);
    let begun = Instant::now();
    assert_eq!(why(&publisher).await, "TookTooLong(5s)");
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
}
