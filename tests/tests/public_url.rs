//! The public URL as the operator wrote it, and what a peer signs for it, literally.

use std::sync::{Arc, Mutex};

use http::{HeaderValue, Request, header};
use tower_trusted_app::audit::Decision;
use tower_trusted_app::conditions::ReplayProtection;
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::replay::MemoryReplayStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::seraph::SigningRequest;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{Rejected, Rejection, SignedUrl, TrustedAppLayer, TrustedAppLayerBuilder};
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tests::exchange::send;
use trusted_app_tests::log::Log;
use trusted_app_tests::refusals::{self, trusted};
use trusted_app_tests::wiki_identity;

type Tracker = TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory>;

const TARGET: &str = "/rest/issues?q=A%20b";

fn tracker(url: SignedUrl) -> Tracker {
    tracker_with(url, ReplayProtection::Off)
}

fn tracker_with(url: SignedUrl, protection: ReplayProtection) -> Tracker {
    let keys = MemoryKeyStore::new([trusted().replay_protection(protection).build().unwrap()]).unwrap();
    TrustedAppLayer::builder(keys, MemoryDirectory::of_names(["alice"]), url)
        .clock(FixedClock::default())
        .replay_store(MemoryReplayStore::default())
}

/// A request below this base, which the wiki signed for alice as the text stands.
fn signed(base: &str) -> Request<()> {
    let mut request = Request::get(TARGET).body(()).unwrap();
    SigningRequest::new("alice", &format!("{base}{TARGET}"), refusals::now())
        .sign(&wiki_identity())
        .unwrap()
        .apply(request.headers_mut());
    request
}

/// What the operator wrote, its normal form, and a spelling of the same URL that is neither.
const BASES: [(&str, &str, &str); 22] = [
    ("https://t.example", "https://t.example", "https://t.example:443"),
    ("https://t.example/", "https://t.example", "https://T.example"),
    ("https://t.example:8443", "https://t.example:8443", "https://t.example:08443"),
    ("http://t.example:8080", "http://t.example:8080", "http://T.example:8080"),
    ("http://t.example", "http://t.example", "http://t.example:80"),
    ("https://T.Example", "https://t.example", "https://T.example"),
    ("https://T.EXAMPLE/", "https://t.example", "https://T.Example"),
    ("HTTPS://t.example", "https://t.example", "Https://t.example"),
    ("HTTPS://T.Example", "https://t.example", "https://T.Example"),
    ("https://t.example:443", "https://t.example", "https://t.example:0443"),
    ("https://t.example:443/", "https://t.example", "https://T.example:443"),
    ("http://t.example:80", "http://t.example", "http://t.example."),
    ("https://t.example:0443", "https://t.example", "https://t.example:443"),
    ("http://t.example:08080", "http://t.example:8080", "http://t.example:008080"),
    ("https://t.example.", "https://t.example", "https://t.example.:443"),
    ("https://T.Example.:443", "https://t.example", "https://T.Example."),
    ("https://t.example.:8443", "https://t.example:8443", "https://T.example.:8443"),
    ("https://[2001:DB8::1]", "https://[2001:db8::1]", "https://[2001:db8:0::1]"),
    ("http://[::1]:80", "http://[::1]", "http://[0::1]"),
    ("http://127.0.0.1:80", "http://127.0.0.1", "http://127.0.0.1."),
    ("https://T.Example/Jira", "https://t.example/Jira", "https://t.example/jira"),
    ("https://t.example:443/a%C3%A9", "https://t.example/a%C3%A9", "https://t.example/a%c3%a9"),
];

#[tokio::test]
async fn a_signature_holds_for_the_url_as_written_and_for_its_normal_form() {
    for (written, normal, neither) in BASES {
        let as_written = written.strip_suffix('/').unwrap_or(written);
        let url: SignedUrl = written.parse().unwrap();
        for layer in [tracker(url.clone()), tracker(url).remembered_signatures(0)] {
            // In turn, so that each is once the text that held last.
            for base in [normal, as_written, normal, as_written, as_written] {
                println!("{written}: {base}");
                send(&layer, signed(base)).await.assert_accepted("alice");
            }
            println!("{written}: {neither}");
            send(&layer, signed(neither)).await.assert_refused(Code::BadSignature, 401);
        }
    }
}

#[tokio::test]
async fn of_several_public_urls_the_selected_one_holds_in_both_texts() {
    let bases = ["https://T.Example:443", "http://Other.Example.:8080/x"];
    let layer = tracker(SignedUrl::any_of(bases).unwrap());
    let with_host = |base: &str, host: &'static str| {
        let mut request = signed(base);
        request.headers_mut().insert(header::HOST, HeaderValue::from_static(host));
        request
    };
    for (base, host) in [
        ("https://t.example", "t.example"),
        ("https://T.Example:443", "t.example"),
        ("https://T.Example:443", "T.EXAMPLE:443"),
        ("http://other.example:8080/x", "other.example:8080"),
        ("http://Other.Example.:8080/x", "other.example.:8080"),
    ] {
        println!("{base} {host}");
        send(&layer, with_host(base, host)).await.assert_accepted("alice");
    }
    for (base, host) in [
        ("https://T.Example:443", "other.example:8080"),
        ("http://other.example:8080/x", "t.example"),
        ("https://T.Example", "t.example"),
    ] {
        println!("{base} {host}");
        send(&layer, with_host(base, host)).await.assert_refused(Code::BadSignature, 401);
    }
}

#[tokio::test]
async fn the_audit_names_the_text_that_held_and_remembers_both() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let seen = Arc::clone(&seen);
        move |decision: &Decision<'_>| {
            let url = decision.url.unwrap_or_default().strip_suffix(TARGET).unwrap_or_default().to_owned();
            seen.lock().unwrap().push((url, decision.seen_before));
        }
    };
    let (written, normal) = ("https://T.Example:443", "https://t.example");
    let layer = tracker(written.parse().unwrap()).audit(sink).build().unwrap();
    for base in [normal, written, normal, written] {
        send(&layer, signed(base)).await.assert_accepted("alice");
    }
    let expected = [(normal, false), (written, false), (normal, true), (written, true)];
    assert_eq!(*seen.lock().unwrap(), expected.map(|(url, seen)| (url.to_owned(), seen)));
}

#[tokio::test]
async fn each_text_counts_once() {
    let (written, normal) = ("https://T.Example", "https://t.example");
    for order in [[written, normal], [normal, written]] {
        let layer = tracker_with(written.parse().unwrap(), ReplayProtection::Every);
        for base in order {
            send(&layer, signed(base)).await.assert_accepted("alice");
        }
        for base in order {
            send(&layer, signed(base)).await.assert_refused(Code::Replayed, 401);
        }
    }
}

#[tokio::test]
async fn a_refusal_shows_both_texts() {
    let layer = tracker("https://T.Example:443".parse().unwrap());
    let log = Log::start();
    let answer = send(&layer, signed("https://T.Example")).await;
    answer.assert_refused(Code::BadSignature, 401);
    let both = [format!("https://t.example{TARGET}"), format!("https://T.Example:443{TARGET}")];
    let error = answer.error().unwrap();
    assert_eq!(error.params(), both);
    assert_eq!(error.message(), format!("Bad signature for URL: {} or {}", both[0], both[1]));
    let [event]: [_; 1] = log.decisions().try_into().unwrap();
    assert!(event.fields["reason"].contains(&both[1]), "{event:?}");
    assert!(event.fields["hint"].contains("for neither text"), "{event:?}");
    assert_eq!(event.fields["url"], both[0]);
}

/// Two texts do not tell a registered id from another one.
#[tokio::test]
async fn an_unknown_application_is_hidden_behind_the_same_answer() {
    let layer = tracker("https://T.Example".parse().unwrap()).hide_unknown_applications();
    let mut unknown = Request::get(TARGET).body(()).unwrap();
    SigningRequest::new("alice", &format!("https://t.example{TARGET}"), refusals::now())
        .sign(TestIdentity::stranger().local())
        .unwrap()
        .apply(unknown.headers_mut());
    let answers = [send(&layer, unknown).await, send(&layer, signed("https://other.example")).await];
    let [unknown, known] = answers.map(|answer| {
        answer.assert_refused(Code::BadSignature, 401);
        (answer.response.headers().clone(), answer.response.body().clone())
    });
    assert_eq!(unknown, known);
}

#[tokio::test]
async fn the_log_of_an_unknown_host_shows_both_hosts() {
    let layer = tracker(SignedUrl::any_of(["https://t.example"]).unwrap());
    for (uri, host, shown, hint) in [
        (
            TARGET.to_owned(),
            Some("backend:8080"),
            "(host of the target: none; Host field: `backend:8080`)",
            "none of the configured",
        ),
        (
            format!("https://t.example{TARGET}"),
            Some("other.example"),
            "(host of the target: `t.example`; Host field: `other.example`)",
            "rewrites one of the two",
        ),
        (
            format!("https://t.example:80{TARGET}"),
            None,
            "(host of the target: `t.example:80`; Host field: none)",
            "none of the configured",
        ),
        (TARGET.to_owned(), None, "(host of the target: none; Host field: none)", "names no host"),
    ] {
        let log = Log::start();
        let mut request = signed("https://t.example");
        *request.uri_mut() = uri.parse().unwrap();
        if let Some(host) = host {
            request.headers_mut().insert(header::HOST, HeaderValue::from_static(host));
        }
        let answer = send(&layer, request).await;
        answer.assert_refused(Code::BadSignature, 401);
        let unknown = answer.response.extensions().get().map(Rejected::reason);
        assert!(matches!(unknown, Some(Rejection::AuthorityUnknown { .. })), "{unknown:?}");
        let [event]: [_; 1] = log.decisions().try_into().unwrap();
        assert!(event.fields["reason"].ends_with(shown), "{event:?}");
        assert!(event.fields["hint"].contains(hint), "{event:?}");
        // The peer is told no host of its own side.
        assert!(!answer.error().unwrap().message().contains("Host field"));
    }
}
