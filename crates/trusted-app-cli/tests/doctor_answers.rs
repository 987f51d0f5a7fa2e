//! `doctor` and answers that come from something before the application.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use program::run;
use serde_json::Value;
use tower_trusted_app::crypto::{PrivateSignatureKey, SignatureAlgorithm};
use tower_trusted_app::seraph::Code;
use tower_trusted_app::seraph::TransportError;
use trusted_app_test::TestIdentity;

/// Answers every request with this, and says where.
fn serve(head: &str, body: &str) -> String {
    let length = body.len();
    let answer = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
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

/// A key of either scheme.
struct Keys(tempfile::TempDir);

impl Keys {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        TestIdentity::wiki().local().store(directory.path().join("identity")).unwrap();
        let key = PrivateSignatureKey::generate(SignatureAlgorithm::Ed25519).unwrap();
        key.store(directory.path().join("signature-key")).unwrap();
        Self(directory)
    }

    /// Exit status and findings.
    fn ask(&self, scheme: &str, url: &str) -> (i32, Value) {
        let file = self.0.path().join(scheme);
        let option = format!("--{scheme}");
        let ran = run(["doctor", "--json", &option, file.to_str().unwrap(), "--user", "alice", url], b"");
        (ran.status, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}")))
    }
}

fn error(code: Code, what: &str) -> TransportError {
    TransportError::new(code, "{0}", vec![what.to_owned()])
}

const LOG_IN: &str = "<html><form action=\"/login\"><input name=user><input type=\"password\"></form></html>";

#[test]
fn an_answer_of_something_else_is_told_by_what_it_shows() {
    let keys = Keys::new();
    for (head, body, path, cause, advice) in [
        (
            "503 Service Unavailable\r\nServer: nginx\r\nRetry-After: 30",
            "",
            "/",
            "the server, or the application behind a proxy, is out of service (503 Service Unavailable, from nginx)",
            "nothing is known to be wrong with the request: ask again in 30 s; if it lasts",
        ),
        (
            "503 Service Unavailable\r\nRetry-After: Fri, 04 Dec 2026 10:00:00 GMT",
            "",
            "/",
            "the server, or the application",
            "ask again after Fri, 04 Dec 2026 10:00:00 GMT",
        ),
        (
            "502 Bad Gateway",
            "",
            "/",
            "a proxy got no usable answer from the application",
            "ask again later; if it lasts",
        ),
        ("504 Gateway Timeout", "", "/", "a proxy waited in vain for the application", "ask again later"),
        (
            "500 Internal Server Error",
            "",
            "/",
            "the server failed before it looked at the credentials",
            "log",
        ),
        (
            "429 Too Many Requests\r\nRetry-After: 7",
            "",
            "/",
            "too many requests: a limit of a proxy",
            "ask again in 7 s",
        ),
        ("429 Too Many Requests", "", "/", "too many requests", "ask again later; requests of others"),
        (
            "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"internal\"",
            "",
            "/",
            "something before the application asks for credentials of its own (401 Unauthorized, WWW-Authenticate: Basic)",
            "through to the application",
        ),
        (
            "401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: Bearer realm=x",
            "",
            "/",
            "something before the application asks for credentials of its own (401 Unauthorized, WWW-Authenticate: \
             Negotiate, Bearer)",
            "have it let requests with ",
        ),
        (
            "401 Unauthorized\r\nWWW-Authenticate: X-Seraph-Trusted-App",
            "",
            "/",
            "the other side refused, and a proxy took away the header that says why",
            "log",
        ),
        ("401 Unauthorized", "", "/", "the other side did not look", "it wants credentials of another kind"),
        (
            "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x",
            "",
            "/",
            "a proxy on the way asks for a log-in of its own (407 Proxy Authentication Required, Proxy-Authenticate: Basic)",
            "let requests from this machine to that host through",
        ),
        (
            "403 Forbidden\r\nServer: cloudflare",
            "",
            "/",
            "a proxy, a firewall or the application refuses the request by rules of its own (403 Forbidden, from cloudflare)",
            "look into its log",
        ),
        (
            "200 OK\r\nContent-Type: text/html;charset=UTF-8",
            LOG_IN,
            "/",
            "the other side sends to a log-in before it looks at the credentials: it answers with its log-in page",
            "have what asks for the log-in",
        ),
        (
            "401 Unauthorized\r\nContent-Type: text/html",
            LOG_IN,
            "/",
            "the other side sends to a log-in",
            "let requests with ",
        ),
        (
            "200 OK\r\nContent-Type: text/html",
            "<html>Welcome</html>",
            "/",
            "the other side did not look at the credentials",
            "it is an HTML page: is the URL one where",
        ),
        (
            "200 OK\r\nContent-Type: application/json",
            "{}",
            "/",
            "the other side did not look",
            "is the URL one where",
        ),
        (
            "302 Found\r\nLocation: https://sso.example.com/auth/saml?back=x",
            "",
            "/",
            "the other side sends to a log-in before it looks at the credentials: it answers with a redirect to https://sso",
            "have what asks for the log-in",
        ),
        (
            "302 Found\r\nLocation: /login.jsp?os_destination=%2F",
            "",
            "/",
            "the other side sends to a log-in",
            "let",
        ),
        (
            "301 Moved Permanently\r\nLocation: https://127.0.0.1/rest",
            "",
            "/rest",
            "the other side wants https: it redirects to https://127.0.0.1/rest",
            "ask by https: the signature is for the whole URL",
        ),
        (
            "301 Moved Permanently\r\nLocation: /rest/",
            "",
            "/rest",
            "the other side did not look",
            "it redirects to /rest/",
        ),
        ("302 Found", "", "/", "the other side did not look", "it redirects and does not say where to"),
        (
            "404 Not Found",
            "",
            "/rest",
            "the other side did not look",
            "nothing is served there: is the URL right",
        ),
        (
            "404 Not Found\r\nServer: Apache",
            "",
            "/rest/a%2fb?c",
            "the server or a proxy refuses an escaped slash in the path (404 Not Found, from Apache)",
            "Apache by `AllowEncodedSlashes NoDecode`",
        ),
        ("400 Bad Request", "", "/rest/a%5Cb", "the server or a proxy refuses an escaped slash", "Tomcat by"),
        ("404 Not Found", "", "/rest?x=%2f", "the other side did not look", "nothing is served there"),
        (
            "405 Method Not Allowed\r\nAllow: POST, PUT",
            "",
            "/",
            "the method GET is not served there (405 Method Not Allowed)",
            "ask for a URL that answers to GET, and not to POST, PUT alone",
        ),
        (
            "405 Method Not Allowed",
            "",
            "/",
            "the method GET is not served there",
            "this command sends no other",
        ),
        (
            "413 Payload Too Large",
            "",
            "/",
            "the request is too large for the server or a proxy",
            "raise its limit",
        ),
        ("414 URI Too Long", "", "/", "the URL is too long for the server or a proxy", "`LimitRequestLine`"),
        (
            "431 Request Header Fields Too Large",
            "",
            "/",
            "the headers are too long for the server or a proxy (431",
            "`large_client_header_buffers`",
        ),
        (
            "400 Bad Request\r\nServer: nginx",
            "<h1>400 Bad Request</h1>Request Header Or Cookie Too Large",
            "/",
            "the headers are too long for the server or a proxy (400 Bad Request, from nginx)",
            "raise its limit",
        ),
        (
            "400 Bad Request",
            "The plain HTTP request was sent to HTTPS port",
            "/",
            "that port speaks TLS, and was asked without it",
            "ask by https",
        ),
        (
            "400 Bad Request",
            "Client sent an HTTP request to an HTTPS server.\n",
            "/",
            "that port speaks TLS",
            "ask by https",
        ),
        (
            "421 Misdirected Request",
            "",
            "/",
            "the server does not serve the host http://127.0.0.1:",
            "is the host's name",
        ),
        (
            "426 Upgrade Required\r\nUpgrade: h2c",
            "",
            "/",
            "the server wants another protocol (426 Upgrade Required): h2c",
            "ask",
        ),
    ] {
        let url = format!("{}{path}", serve(head, body));
        for (scheme, credentials) in
            [("identity", "X-Seraph-Trusted-App headers"), ("signature-key", "Signature-Input")]
        {
            let (status, findings) = keys.ask(scheme, &url);
            assert_eq!((status, &findings["outcome"]), (3, &"not-looked-at".into()), "{head}: {findings}");
            let (what, to_do) = (findings["cause"].as_str().unwrap(), findings["advice"].as_str().unwrap());
            assert!(what.starts_with(cause), "{head}: {findings}");
            assert!(to_do.contains(advice), "{head}: {findings}");
            assert!(
                !to_do.contains("let requests with") || to_do.contains(credentials),
                "{head}: {findings}"
            );
        }
    }
}

#[test]
fn a_refusal_is_told_although_a_proxy_took_its_header_away() {
    let keys = Keys::new();
    let problem = |code: &str| {
        let body = format!("{{\"status\":401,\"code\":\"{code}\",\"detail\":\"the detail\"}}");
        format!("{}/rest", serve("401 Unauthorized\r\nContent-Type: application/problem+json", &body))
    };
    for (scheme, code, cause, header) in [
        ("identity", "USER_UNKNOWN", "unknown user: ", "x-seraph-trusted-app-error"),
        ("identity", "APP_UNKNOWN", "unknown application: ", "x-seraph-trusted-app-error"),
        ("signature-key", "stale", "wrong clock: ", "trusted-app-error"),
        ("signature-key", "replayed", "the other side accepts each nonce once", "trusted-app-error"),
    ] {
        let (status, findings) = keys.ask(scheme, &problem(code));
        assert_eq!((status, &findings["code"]), (1, &code.into()), "{findings}");
        assert!(findings["cause"].as_str().unwrap().starts_with(cause), "{findings}");
        let advice = findings["advice"].as_str().unwrap();
        assert!(advice.contains(&format!("A proxy took the header {header} from the answer")), "{findings}");
    }
    // Codes of others are none of ours.
    for code in ["INTERNAL", "", "unauthorized"] {
        assert_eq!(keys.ask("identity", &problem(code)).0, 3);
    }

    // Whatever status a proxy makes of it, our headers count.
    for status in ["502 Bad Gateway", "403 Forbidden", "200 OK"] {
        let head = format!("{status}\r\nX-Seraph-Trusted-App-Error: {}", error(Code::UserUnknown, "alice"));
        let (status, findings) = keys.ask("identity", &serve(&head, ""));
        assert_eq!((status, &findings["code"]), (1, &"USER_UNKNOWN".into()), "{findings}");
    }
}

#[test]
fn a_path_with_two_slashes_is_the_base_urls() {
    let keys = Keys::new();
    for code in [Code::BadUrl, Code::AmbiguousUrl] {
        let head = format!("403 Forbidden\r\nX-Seraph-Trusted-App-Error: {}", error(code, "//rest/issues"));
        let (_, findings) = keys.ask("identity", &format!("{}//rest/issues", serve(&head, "")));
        assert_eq!(findings["cause"], "path not allowed: //rest/issues begins with two slashes");
        assert!(
            findings["advice"].as_str().unwrap().starts_with("take the slash from the end of the base URL")
        );
    }
}

#[test]
fn https_to_a_port_without_tls_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            // As servers of plain HTTP answer to what is none.
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    });
    let keys = Keys::new();
    let file = keys.0.path().join("identity");
    let doctor = run(["doctor", "--identity", file.to_str().unwrap(), "--user", "alice", &url], b"");
    let details = run(["details", &url], b"");
    for ran in [doctor, details] {
        let cure = "that port does not speak TLS: ask by http, or at the port for https";
        assert!(ran.failure().ends_with(cure), "{}", ran.stderr);
    }
}
