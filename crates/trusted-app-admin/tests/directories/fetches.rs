//! What is not taken for a key directory.

use std::time::{Duration, Instant};

use tower_trusted_app::Clock;
use tower_trusted_app::crypto::PrivateSignatureKey;
use trusted_app_admin::fetch::{AddressPolicy, FetchErrorKind, Fetcher};
use trusted_app_test::FixedClock;

use crate::harness::answer;
use crate::publisher::{Publisher, fetcher, key};

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
        (answer("404 Not Found", "", ""), "NoDirectory(\"answers 404"),
        (
            answer("200 OK", "Content-Type: application/json\r\n", "{\"keys\":[]}"),
            "NoDirectory(\"answers with another",
        ),
        (answer("200 OK", MEDIA_TYPE, &"x".repeat(64 * 1024 + 1)), "Directory(TooLarge)"),
        (format!("HTTP/1.1 200 OK\r\n{MEDIA_TYPE}\r\n{}", "x".repeat(1 << 20)), "Directory(TooLarge)"),
        (answer("200 OK", MEDIA_TYPE, "<p>Log in</p>"), "Directory(NotJwks)"),
        (
            answer("200 OK", MEDIA_TYPE, &body.replace(&own.public_key().thumbprint().to_string(), "other")),
            "Directory(OtherName(",
        ),
        (answer("200 OK", MEDIA_TYPE, body), "Directory(Answer("),
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
    assert!(why(&publisher).await.starts_with("Directory(NotProven("));
    publisher.publish(std::slice::from_ref(&own));
    let late = clock.now().saturating_add(Duration::from_secs(3600));
    let refused = fetcher().fetch_directory(&publisher.base(), late).await.unwrap_err();
    assert!(refused.to_string().contains("does not prove that its sender has the key"), "{refused}");
    publisher.publish(&[]);
    assert!(!why(&publisher).await.is_empty());
}

/// The example keys of RFC 9421, whose private halves everybody has, and a point of small order.
#[tokio::test]
async fn keys_that_everybody_has_are_refused() {
    let clock = FixedClock::default();
    let example = r#"{"kty":"OKP","crv":"Ed25519","d":"n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
    let example = PrivateSignatureKey::insecure_from_example_jwk(example).unwrap();
    let publisher = Publisher::of(&clock, &[example]).await;
    let published = why(&publisher).await;
    assert!(published.starts_with("Directory(Key("), "{published}");

    let weak =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#;
    publisher.answer(answer("200 OK", MEDIA_TYPE, weak));
    let weak = why(&publisher).await;
    assert!(weak.starts_with("Directory(Key(") && weak != published, "{weak}");
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
