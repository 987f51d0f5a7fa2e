//! What this side learns about each decision: one audit record, one event, with the facts that a person needs and
//! nothing that anybody could use.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{Method, Request};
use tower_trusted_app::audit::{Decision, Outcome};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::users::user_directory_fn;
use tower_trusted_app::{ApplicationId, Rejected, TrustedAppLayer, UserLookup};
use tracing::Level;
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tests::URL;
use trusted_app_tests::exchange::{Answer, send};
use trusted_app_tests::log::{Log, Record};
use trusted_app_tests::refusals::{self, Tracker, signed, tracker, tracker_trusting, trusted};

/// What a sink made of a decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Audited {
    /// `None` if it was accepted.
    code: Option<Code>,
    rule: Option<String>,
    continued: bool,
    user: Option<String>,
    method: String,
    path: String,
    claimed_application: Option<String>,
    application: Option<String>,
    url: Option<String>,
    claimed_user: Option<String>,
    age_ms: Option<i64>,
    seen_before: bool,
    addresses: Vec<String>,
    debug: String,
}

impl From<&Decision<'_>> for Audited {
    fn from(decision: &Decision<'_>) -> Self {
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        let (rejection, continued) = match decision.outcome {
            Outcome::Authenticated { user } => {
                assert_eq!(decision.user, Some(user));
                (None, false)
            }
            Outcome::Rejected(rejected) => (Some(rejected), false),
            Outcome::ContinuedAsAnonymous(rejected) => (Some(rejected), true),
            _ => panic!("{decision:?}"),
        };
        Self {
            code: rejection.map(|rejected| Code::of(rejected.reason())),
            rule: rejection.and_then(Rejected::rule).map(ToString::to_string),
            continued,
            user: owned(decision.user),
            method: decision.method.to_string(),
            path: decision.path.to_owned(),
            claimed_application: owned(decision.claimed_application),
            application: decision.application.map(|application| application.id().to_string()),
            url: owned(decision.url),
            claimed_user: decision.signature.map(|signature| signature.user().to_owned()),
            age_ms: decision.age_ms(),
            seen_before: decision.seen_before,
            addresses: decision.addresses.iter().map(|address| format!("{address:?}")).collect(),
            debug: format!("{decision:?}"),
        }
    }
}

/// Sends one request and hands out the answer and every audit record.
async fn audit(layer: Tracker, request: Request<()>) -> (Answer, Vec<Audited>) {
    let records = Arc::new(Mutex::new(Vec::new()));
    let layer = layer.audit({
        let records = Arc::clone(&records);
        move |decision: &Decision<'_>| records.lock().unwrap().push(Audited::from(decision))
    });
    let answer = send(&layer, request).await;
    let records = records.lock().unwrap().split_off(0);
    (answer, records)
}

/// The one record and the one event, which say the same.
async fn decision(log: &Log, layer: Tracker, request: Request<()>) -> (Audited, Record) {
    let _ = log.take();
    let (_, records) = audit(layer, request).await;
    let [record]: [_; 1] = records.try_into().expect("one record");
    let [event]: [_; 1] = log.decisions().try_into().expect("one event");

    let field = |name| event.fields.get(name).cloned();
    assert_eq!(field("application"), record.claimed_application);
    assert_eq!(field("user"), record.user);
    assert_eq!(field("claimed_user"), record.claimed_user);
    assert_eq!(field("method").as_deref(), Some(record.method.as_str()));
    assert_eq!(field("path").as_deref(), Some(record.path.as_str()));
    assert_eq!(field("url"), record.url);
    assert_eq!(field("age_ms"), record.age_ms.map(|age| age.to_string()));
    assert_eq!(field("seen_before"), Some(record.seen_before.to_string()));
    assert_eq!(field("addresses"), Some(format!("[{}]", record.addresses.join(", "))));
    assert_eq!(field("code"), record.code.map(|code| code.to_string()));
    assert_eq!(field("rule"), record.rule);
    (record, event)
}

#[tokio::test]
async fn every_refusal_is_one_record_and_one_warning() {
    let log = Log::start();
    for &(name, case, code) in refusals::ALL {
        println!("{name}");
        let refusals::Case { layer, request } = case();
        let (uri, method) = (request.uri().clone(), request.method().to_string());
        let (record, event) = decision(&log, layer, request).await;

        assert_eq!((record.code, record.continued), (Some(code), false));
        let known = match name {
            "user_whom_the_application_may_not_act_as" | "application_that_may_only_read" => Some("alice"),
            name if name.contains("replay") => Some("alice"),
            "administrator" => Some("root"),
            _ => None,
        };
        assert_eq!((record.user.as_deref(), record.seen_before), (known, false));
        assert_eq!(record.rule.is_some(), code == Code::PermissionDenied);
        assert_eq!((record.method.as_str(), record.path.as_str()), (method.as_str(), uri.path()));
        assert_eq!(event.level, Level::WARN);
        assert_eq!(event.message, "trusted request rejected");
        assert!(event.fields["reason"].starts_with(&format!("{code}: ")), "{}", event.fields["reason"]);
        assert!(event.fields["hint"].len() > 15);
        assert_eq!(event.fields["continued"], "false");

        // From the moment on that each is known.
        let unread = matches!(
            name,
            "no_credentials"
                | "version_that_is_no_number"
                | "no_application_id"
                | "repeated_header"
                | "oversized_certificate"
                | "oversized_application_id"
        );
        let unbuilt = unread || matches!(name, "unknown_authority" | "overload");
        assert_eq!(record.claimed_application.is_none(), unread);
        assert_eq!(record.url, (!unbuilt).then(|| uri.to_string()));
        let unfound =
            unbuilt || ["unknown_application", "key_store_that_errs", "key_store_that_hangs"].contains(&name);
        assert_eq!(record.application.is_none(), unfound);
        if let Some(application) = &record.application {
            assert_eq!(record.claimed_application.as_ref(), Some(application));
        }
    }
}

/// The rest of the log is about this server: a store that cannot answer, a peer that it does not know.
#[tokio::test]
async fn what_else_is_logged() {
    let log = Log::start();
    for &(name, case, _) in refusals::ALL {
        let refusals::Case { layer, request } = case();
        let (_, records) = audit(layer, request).await;
        assert_eq!(records.len(), 1, "{name}");
        let others: Vec<_> = log
            .take()
            .into_iter()
            .filter(|event| event.level <= Level::INFO && event.message != "trusted request rejected")
            .map(|event| (event.level, event.message))
            .collect();
        match name {
            "key_store_that_errs"
            | "key_store_that_hangs"
            | "directory_that_errs"
            | "directory_that_hangs"
            | "replay_store_that_errs"
            | "replay_store_that_hangs" => {
                assert_eq!(others, [(Level::ERROR, "store unavailable".to_owned())], "{name}");
            }
            "no_replay_store" => {
                assert_eq!(others.len(), 1, "{others:?}");
                assert!(others[0].1.contains("the layer has no replay store"), "{others:?}");
            }
            "unknown_peer" => {
                assert_eq!(others.len(), 1, "{others:?}");
                assert!(others[0].1.contains("does not pass on the peer's address"), "{others:?}");
            }
            _ => assert_eq!(others, [], "{name}"),
        }
    }
}

#[tokio::test]
async fn the_facts_that_a_refusal_turns_on() {
    let log = Log::start();
    let of = async |name: &str| {
        let refusals::Case { layer, request } = refusals::named(name);
        decision(&log, layer, request).await
    };

    let (record, event) = of("another_url").await;
    assert_eq!(record.url.as_deref(), Some("https://tracker.example.com/rest/admin"));
    assert!(event.fields["hint"].contains("compare the URL with the one the peer signed"));
    assert_eq!((record.claimed_user, record.age_ms), (None, None), "nothing is proven");

    let (_, event) = of("unknown_authority").await;
    assert_eq!(
        event.fields["reason"],
        "BAD_SIGNATURE: Bad signature for URL: //tracker.example.net/rest/issues (host of the target: none; Host field: \
         `tracker.example.net`)"
    );
    assert!(event.fields["hint"].contains("none of the configured public URLs"));

    let (record, _) = of("expired").await;
    assert_eq!((record.age_ms, record.claimed_user.as_deref()), (Some(10_001), Some("alice")));

    let (record, _) = of("from_the_year_2286").await;
    assert_eq!(record.age_ms, Some(1_700_000_000_000 - 10_000_000_000_000));

    let (record, _) = of("address_not_allowed").await;
    assert_eq!(record.addresses, ["Peer(Ip(198.51.100.7))", "Forwarded(\"192.0.2.1\")"]);

    let (record, event) = of("forwarded_address_that_is_none").await;
    assert_eq!(record.addresses, ["Peer(Ip(192.0.2.1))", "Forwarded(\"unknown\")"]);
    assert!(event.fields["hint"].contains("the entry is no address"));

    let (record, event) = of("unknown_peer").await;
    assert_eq!(record.addresses, ["UnknownPeer"]);
    assert!(event.fields["hint"].contains("into_make_service_with_connect_info"));

    let (record, event) = of("denied_user").await;
    assert_eq!((record.claimed_user.as_deref(), record.age_ms), (Some("mallory"), Some(0)));
    assert_eq!(event.fields["scheme"], "seraph-v3");
    assert_eq!(record.rule.as_deref(), Some("disabled"));

    for (name, rule, hint) in [
        ("user_whom_the_application_may_not_act_as", "denied-user", "what is denied wins"),
        ("administrator", "administrator", "insecure_administrators"),
        ("application_that_may_only_read", "read-only", "this method is not safe"),
    ] {
        let (record, event) = of(name).await;
        assert_eq!(record.rule.as_deref(), Some(rule));
        assert!(event.fields["hint"].contains(hint), "{event:?}");
    }
}

#[tokio::test]
async fn an_accepted_request_is_one_record_and_one_information() {
    let log = Log::start();
    let (clock, wiki) = (FixedClock::default(), TestIdentity::wiki());
    let request = || {
        let request = Request::post(format!("{URL}?q=%20")).body(()).unwrap();
        let mut request = wiki.sign(request, "alice", &FixedClock::default());
        request.extensions_mut().insert(SocketAddr::from(([192, 0, 2, 1], 50_000)));
        request.headers_mut().insert("forwarded", "for=192.0.2.2".parse().unwrap());
        request
    };
    clock.advance(Duration::from_secs(3));
    let layer = tracker_trusting(trusted().addresses("192.0.2.*".parse().unwrap())).clock(clock);
    let (record, event) = decision(&log, layer, request()).await;

    let expected = Audited {
        user: Some("alice".to_owned()),
        method: "POST".to_owned(),
        path: "/rest/issues".to_owned(),
        claimed_application: Some("wiki".to_owned()),
        application: Some("wiki".to_owned()),
        url: Some("https://tracker.example.com/rest/issues?q=%20".to_owned()),
        claimed_user: Some("alice".to_owned()),
        age_ms: Some(3_000),
        addresses: vec!["Peer(Ip(192.0.2.1))".to_owned(), "Forwarded(\"192.0.2.2\")".to_owned()],
        debug: record.debug.clone(),
        ..Audited::default()
    };
    assert_eq!(record, expected);
    assert_eq!((event.level, event.message.as_str()), (Level::INFO, "trusted request accepted"));
    assert_eq!(event.fields["scheme"], "seraph-v3");
}

#[tokio::test]
async fn the_canonical_name_stands_beside_the_one_in_the_certificate() {
    let log = Log::start();
    let users = user_directory_fn(|_: ApplicationId, name: String| async move {
        Ok::<_, std::convert::Infallible>(UserLookup::found(name.to_ascii_lowercase(), ()))
    });
    let keys = MemoryKeyStore::new([trusted().build().unwrap()]).unwrap();
    let layer = TrustedAppLayer::builder(keys, users, trusted_app_tests::public_url())
        .clock(FixedClock::default())
        .build()
        .unwrap();
    let request = Request::get(URL).body(()).unwrap();
    let request = TestIdentity::wiki().sign(request, "ALICE", &FixedClock::default());
    send(&layer, request).await.assert_accepted("alice");
    let [event]: [_; 1] = log.decisions().try_into().unwrap();
    assert_eq!((event.fields["user"].as_str(), event.fields["claimed_user"].as_str()), ("alice", "ALICE"));
}

#[tokio::test]
async fn a_signature_that_comes_again_is_marked() {
    let log = Log::start();
    let layer = tracker().build().unwrap();
    for seen_before in ["false", "true", "true"] {
        send(&layer, signed()).await.assert_accepted("alice");
        let [event]: [_; 1] = log.decisions().try_into().unwrap();
        assert_eq!(event.fields["seen_before"], seen_before);
    }
}

#[tokio::test]
async fn what_goes_on_as_anonymous_is_one_record_and_one_warning() {
    let log = Log::start();
    for &(name, case, code) in refusals::ALL {
        println!("{name}");
        let refusals::Case { layer, request } = case();
        let layer = layer.insecure_continue_on_failure();
        if code == Code::MissingCert {
            assert_eq!(audit(layer, request).await.1, []);
            continue;
        }
        let (record, event) = decision(&log, layer, request).await;
        assert_eq!((record.code, event.level), (Some(code), Level::WARN));
        assert_eq!(record.continued, code != Code::Unavailable);
        assert_eq!(event.fields["continued"], record.continued.to_string());
    }
}

#[tokio::test]
async fn nothing_was_decided_about_an_anonymous_request() {
    let log = Log::start();
    let unsigned = |path: &str| Request::get(format!("https://tracker.example.com{path}")).body(()).unwrap();
    for (layer, request) in [
        (tracker().optional(), unsigned("/rest/issues")),
        (tracker().skip(|method, _, _| *method == Method::GET), signed()),
        (tracker(), unsigned("/admin/appTrustCertificate")),
    ] {
        let (answer, records) = audit(layer, request).await;
        answer.assert_anonymous();
        assert_eq!(records, []);
        assert_eq!(log.decisions().len(), 0);
    }
}

// A log that people read in a terminal.

#[derive(Clone, Default)]
struct Terminal(Arc<Mutex<Vec<u8>>>);

impl io::Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Nobody, with a key or without, can add a line to the log or clear one.
#[tokio::test]
async fn no_control_character_reaches_the_log() {
    let _log = Log::start();
    let terminal = Terminal::default();
    let writer = terminal.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let certificate = |timestamp: &str| BASE64.encode(format!("{timestamp}\nalice\n-1159983122"));
    let with = |name: &'static str, value: &[u8]| {
        let mut request = signed();
        request.headers_mut().insert(name, http::HeaderValue::from_bytes(value).unwrap());
        request
    };
    let mut requests = vec![
        with("x-seraph-trusted-app-cert", certificate("\u{1b}[2K\u{8}\u{7f}\u{85}\u{9b}1A").as_bytes()),
        with("x-seraph-trusted-app-id", b"wiki\x85\x9b2K\t"),
        with("x-seraph-trusted-app-version", b"3\x85\x9b2K\t"),
    ];
    for name in ["user_name_that_nobody_can_have", "unknown_user"] {
        requests.push(refusals::named(name).request);
    }
    let sent = requests.len();
    for request in requests {
        assert!(send(&tracker(), request).await.handled.is_none());
    }
    let text = String::from_utf8(terminal.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), sent, "{text}");
    assert!(!text.contains(|c: char| c != '\n' && c.is_control()), "{text:?}");
}
