//! `doctor` against servers that are set up wrongly, each in one way.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use http::HeaderValue;
use http::header::DATE;
use program::{Ran, run};
use serde_json::Value;
use tempfile::TempDir;
use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::conditions::{MethodRule, PathRule};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::seraph::TransportError;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{Clock, SignedUrl, SystemClock, Timestamp, TrustedAppLayerBuilder};
use trusted_app_test::TestIdentity;

/// A clock that goes wrong by that many milliseconds.
#[derive(Clone, Copy)]
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + self.0)
    }
}

type Layer = TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory>;

/// How a tracker is set up.
struct Tracker {
    wiki: TrustedApplicationBuilder,
    /// Another than it has, or a path below which the public is said to see it.
    public_url: Option<&'static str>,
    clock: Wrong,
    /// For whom a proxy says that it forwards.
    proxy: Option<&'static str>,
    change: fn(Layer) -> Layer,
}

impl Default for Tracker {
    fn default() -> Self {
        Self {
            wiki: TestIdentity::wiki().trusted(),
            public_url: None,
            clock: Wrong(0),
            proxy: None,
            change: |layer| layer,
        }
    }
}

impl Tracker {
    /// Serves it until the test ends, and answers with its origin.
    fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let public_url = match self.public_url {
            Some(path) if path.starts_with('/') => format!("{origin}{path}"),
            url => url.unwrap_or(&origin).to_owned(),
        };
        let public_url: SignedUrl = public_url.parse().unwrap();
        let users = MemoryDirectory::of_names(["alice"]);
        users.deny("mallory");
        let keys = MemoryKeyStore::new([self.wiki.build().unwrap()]).unwrap();
        let proxy = self.proxy;
        let layer = trusted_app_axum::layer_builder(keys, users, public_url).clock(self.clock);
        let app = Router::new()
            .route("/rest/issues", get(async || "issues"))
            .route("/rest/page", get(async || Redirect::to("/log-in")))
            .layer((self.change)(layer).build().unwrap())
            .layer(axum::middleware::map_request(move |request| forwarded(request, proxy)))
            .route("/open", get(async || "open to everybody"))
            .route("/log-in", get(async || Redirect::to("/there")));
        let clock = self.clock;
        let app = app.layer(axum::middleware::map_response(move |response| dated(response, clock)));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let app = app.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, app).await.unwrap();
            });
        });
        origin
    }
}

async fn forwarded(
    mut request: axum::extract::Request,
    proxy: Option<&'static str>,
) -> axum::extract::Request {
    if let Some(address) = proxy {
        request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static(address));
    }
    request
}

async fn dated(mut response: axum::response::Response, clock: Wrong) -> axum::response::Response {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(clock.now().as_millis().try_into().unwrap());
    response.headers_mut().insert(DATE, HeaderValue::try_from(httpdate::fmt_http_date(now)).unwrap());
    response
}

/// An identity in a file, and who asks.
struct Patient(TempDir);

impl Patient {
    fn new() -> Self {
        Self::of(&TestIdentity::wiki())
    }

    fn of(identity: &TestIdentity) -> Self {
        let directory = tempfile::tempdir().unwrap();
        identity.local().store(directory.path().join("identity.pem")).unwrap();
        Self(directory)
    }

    fn ask(&self, args: &[&str]) -> Ran {
        let identity = self.0.path().join("identity.pem");
        let start = ["doctor", "--identity", identity.to_str().unwrap()];
        run(start.into_iter().chain(args.iter().copied()), b"")
    }

    /// Exit status and findings.
    #[track_caller]
    fn findings(&self, user: &str, url: &str) -> (i32, Value) {
        let ran = self.ask(&["--json", "--user", user, url]);
        (ran.status, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}")))
    }

    /// That it is refused with this code, for this cause, and what to do.
    #[track_caller]
    fn is_refused(&self, user: &str, url: &str, code: &str, cause: &str) -> String {
        let (status, findings) = self.findings(user, url);
        assert_eq!(
            (status, &findings["outcome"], &findings["code"]),
            (1, &"refused".into(), &code.into()),
            "{findings}"
        );
        assert!(findings["cause"].as_str().unwrap().starts_with(cause), "{findings}");
        findings["advice"].as_str().unwrap().to_owned()
    }
}

#[test]
fn nothing_is_wrong() {
    let origin = Tracker::default().start();
    let url = format!("{origin}/rest/issues");
    let ran = Patient::new().ask(&["--user", "alice", &url]);
    let key = TestIdentity::wiki().local().public_key().fingerprint().to_string();
    let expected = format!(
        "accepted\n\
         asked for   {url}\n\
         as          user alice of application wiki\n\
         with key    SHA256 {key}\n\
         status      200\n\
         clock       theirs agrees with ours (Date header)\n\
         cause       none: the other side answers wiki as alice\n\
         what to do  nothing\n"
    );
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, expected.as_str(), ""));
}

#[test]
fn a_wrong_clock() {
    const MINUTE: i64 = 60_000;
    let ahead = Tracker { clock: Wrong(20 * MINUTE), ..Tracker::default() }.start();
    let url = format!("{ahead}/rest/issues");
    let advice = Patient::new().is_refused(
        "alice",
        &url,
        "OLD_CERT",
        "wrong clock: to the other side the request came too late",
    );
    assert!(
        advice.contains("min") && advice.contains("ahead of ours (Date header): set the wrong one right"),
        "{advice}"
    );
    assert!(
        advice.contains("by the error itself the other side's clock is at least 15 min 10 s ahead of 20"),
        "{advice}"
    );
    let (_, findings) = Patient::new().findings("alice", &url);
    let difference = findings["clock_difference_ms"].as_i64().unwrap();
    assert!((difference - 20 * MINUTE).abs() < 5000, "{findings}");
    let text = Patient::new().ask(&["--user", "alice", &url]).stdout;
    assert!(text.starts_with("refused: OLD_CERT: Certificate too old. Application: wiki "), "{text}");
    let long =
        text.lines().find(|line| line.len() > 80 && !line.contains("SHA256") && !line.starts_with("refused"));
    assert_eq!(long, None, "{text}");

    let behind = Tracker { clock: Wrong(-5 * MINUTE), ..Tracker::default() }.start();
    let advice = Patient::new().is_refused(
        "alice",
        &format!("{behind}/rest/issues"),
        "FUTURE_CERT",
        "wrong clock: to the other side the request comes from the future",
    );
    assert!(
        advice.contains("behind ours (Date header)") && advice.contains("more than 1 min behind ours"),
        "{advice}"
    );
}

#[test]
fn a_wrong_public_url() {
    let patient = Patient::new();
    let https = Tracker { public_url: Some("https://tracker.example.com"), ..Tracker::default() }.start();
    let url = format!("{https}/rest/issues");
    let cause = format!(
        "wrong public URL: {url} was signed, and the other side takes it for https://tracker.example.com/rest/issues"
    );
    let advice = patient.is_refused("alice", &url, "BAD_SIGNATURE", &cause);
    assert!(advice.starts_with("scheme, host or port differ: "), "{advice}");
}

#[test]
fn a_path_that_a_proxy_should_have_rewritten() {
    let origin = Tracker { public_url: Some("/jira"), ..Tracker::default() }.start();
    let url = format!("{origin}/rest/issues");
    let cause = format!(
        "wrong public URL: {url} was signed, and the other side takes it for {origin}/jira/rest/issues"
    );
    let advice = Patient::new().is_refused("alice", &url, "BAD_SIGNATURE", &cause);
    assert!(advice.starts_with("the path differs: "), "{advice}");
}

#[test]
fn a_wrong_key() {
    let origin = Tracker::default().start();
    let forger = TestIdentity::stranger().with_id("wiki");
    let key = forger.local().public_key().fingerprint().to_string();
    let url = format!("{origin}/rest/issues");
    let advice = Patient::of(&forger).is_refused(
        "alice",
        &url,
        "BAD_SIGNATURE",
        "wrong key: what is registered there for wiki",
    );
    assert!(advice.contains(&key) && advice.contains("is none of the other side's public URLs"), "{advice}");
}

#[test]
fn an_address_a_path_a_method_that_is_not_allowed() {
    let patient = Patient::new();
    let ask = |wiki: TrustedApplicationBuilder, code, cause: &str| {
        let url = format!("{}/rest/issues", Tracker { wiki, ..Tracker::default() }.start());
        patient.is_refused("alice", &url, code, cause)
    };
    let wiki = || TestIdentity::wiki().trusted();
    let addresses = "10.1.*.*".parse().unwrap();
    let cause = "address not allowed: the other side sees the request come from 127.0.0.1";
    let advice = ask(wiki().addresses(addresses), "BAD_REMOTE_IP", cause);
    assert!(advice.contains("add it to the addresses of wiki"), "{advice}");
    let advice =
        ask(wiki().paths(PathRule::prefixes(["/secure"])), "BAD_URL", "path not allowed: /rest/issues");
    assert!(advice.contains("to the paths of wiki"), "{advice}");
    let proxied = Tracker {
        wiki: wiki().addresses("127.0.0.1".parse().unwrap()),
        proxy: Some("10.9.9.9"),
        ..Tracker::default()
    };
    let cause = "address not allowed: a proxy says that the request was forwarded for 10.9.9.9";
    patient.is_refused("alice", &format!("{}/rest/issues", proxied.start()), "BAD_XFORWARD_IP", cause);
    ask(wiki().methods(MethodRule::only([http::Method::POST])), "BAD_METHOD", "method not allowed: GET");
}

#[test]
fn a_user_or_an_application_that_is_not_known() {
    let url = format!("{}/rest/issues", Tracker::default().start());
    let patient = Patient::new();
    let cause = "unknown user: the other side knows nobody of the name bob";
    patient.is_refused("bob", &url, "USER_UNKNOWN", cause);
    patient.is_refused("mallory", &url, "PERMISSION_DENIED", "the user mallory may not log in there");
    let stranger = Patient::of(&TestIdentity::stranger());
    let cause = "unknown application: nothing is registered there under the id stranger";
    let advice = stranger.is_refused("alice", &url, "APP_UNKNOWN", cause);
    assert!(advice.contains("have the other side's administrator add stranger"), "{advice}");
}

#[test]
fn nobody_looks_at_the_credentials() {
    let origin = Tracker::default().start();
    let nothing = serve("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n".to_owned());
    for (url, http_status, advice) in [
        (format!("{origin}/open"), 200, "is the URL one where"),
        (format!("{origin}/log-in"), 303, "it redirects to /there: if that is the right place, ask there"),
        (nothing, 404, "nothing is served there"),
    ] {
        let (status, findings) = Patient::new().findings("alice", &url);
        assert_eq!((status, &findings["outcome"]), (3, &"not-looked-at".into()), "{findings}");
        assert_eq!(findings["status"], http_status);
        assert!(findings["advice"].as_str().unwrap().starts_with(advice), "{findings}");
    }
}

#[test]
fn an_accepted_request_that_is_sent_to_the_log_in_is_explained() {
    let (status, findings) =
        Patient::new().findings("alice", &format!("{}/rest/page", Tracker::default().start()));
    assert_eq!((status, &findings["outcome"]), (0, &"accepted".into()), "{findings}");
    let advice = findings["advice"].as_str().unwrap();
    assert!(advice.starts_with("the 303 See Other leads to /log-in. If that is its log-in, "), "{advice}");
}

#[test]
fn a_refusal_counts_where_the_server_goes_on_as_anonymous() {
    let tracker = Tracker { change: Layer::insecure_continue_on_failure, ..Tracker::default() };
    let url = format!("{}/rest/issues", tracker.start());
    Patient::new().is_refused("bob", &url, "USER_UNKNOWN", "unknown user");
}

/// Answers every connection's request with what `answer` writes.
fn serve(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let mut lines = BufReader::new(&connection).lines();
            let _ = lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
            let _ = (&connection).write_all(answer.as_bytes());
        }
    });
    origin
}

#[test]
fn every_code_has_a_cause_of_its_own() {
    let patient = Patient::new();
    let mut causes = Vec::new();
    for code in Code::ALL {
        let error =
            TransportError::new(code, "{0}", vec!["what".to_owned(), "it".to_owned(), "says".to_owned()]);
        let head = format!("Connection: close\r\nX-Seraph-Trusted-App-Error: {error}\r\n\r\n");
        let (status, findings) =
            patient.findings("alice", &serve(format!("HTTP/1.1 401 Unauthorized\r\n{head}")));
        assert_eq!(
            (status, &findings["code"], &findings["clock_difference_ms"]),
            (1, &code.as_str().into(), &Value::Null)
        );
        causes.push(findings["cause"].as_str().unwrap().to_owned());
        assert_ne!(findings["advice"], "");
    }
    let unknown = causes[0].clone();
    causes.sort();
    causes.dedup();
    assert_eq!(causes.len(), Code::ALL.len(), "{causes:?}");
    assert!(unknown.contains("that this command does not know"), "{unknown}");

    let odd = serve("HTTP/1.1 401 Unauthorized\r\nX-Seraph-Trusted-App-Error: odd\r\n\r\n".to_owned());
    let (_, findings) = patient.findings("alice", &odd);
    assert!(findings["cause"].as_str().unwrap().contains("not in the protocol's form"), "{findings}");
}

#[test]
fn no_answer() {
    let patient = Patient::new();
    let refusal = |url: &str| patient.ask(&["--user", "alice", url]).failure().to_owned();
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(
        refusal(&format!("http://{unused}/rest")),
        format!(
            "unreachable: http://{unused}/rest: connection refused: are host and port right, and is the server up?"
        )
    );
    let unknown = refusal("http://nowhere.invalid/rest");
    assert!(unknown.starts_with("unreachable: http://nowhere.invalid/rest: "), "{unknown}");
    assert!(unknown.ends_with("is the host's name right?"), "{unknown}");

    let plain = Tracker::default().start().replace("http:", "https:");
    let no_tls = refusal(&plain);
    assert!(no_tls.starts_with("TLS: https://"), "{no_tls}");
    assert!(
        no_tls.ends_with(": that port does not speak TLS: ask by http, or at the port for https"),
        "{no_tls}"
    );

    let untrusted = refusal(&serve_tls());
    assert!(untrusted.starts_with("TLS: https://localhost:"), "{untrusted}");
    assert!(
        untrusted.ends_with("the certificate is not one that this system trusts for that name"),
        "{untrusted}"
    );
}

/// A server with a certificate of its own making.
fn serve_tls() -> String {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()).into();
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config =
        Arc::new(config.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let mut session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            while session.complete_io(&mut connection).is_ok() && session.is_handshaking() {}
        }
    });
    format!("https://localhost:{port}/rest")
}
