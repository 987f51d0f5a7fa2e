//! Where a fetch must not lead, and what must not come back from it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use axum::body::Body;
use http::Request;
use trusted_app_admin::fetch::{AddressPolicy, FetchErrorKind, Fetcher, Resolve};
use trusted_app_test::TestIdentity;

use crate::harness::{Peer, World, answer, document};

/// Knows one address for every name.
pub(crate) struct Always(pub(crate) &'static str);

impl Resolve for Always {
    fn resolve<'a>(
        &'a self,
        _: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        Box::pin(async move { Ok(vec![SocketAddr::new(self.0.parse().unwrap(), port)]) })
    }
}

async fn why(fetcher: &Fetcher, url: &str) -> FetchErrorKind {
    fetcher.fetch(url).await.unwrap_err().kind().clone()
}

#[tokio::test]
async fn internal_addresses_are_not_asked() {
    let peer = Peer::wiki().await;
    let world = World::fetching(Fetcher::default());
    let page = world.post("/trusted-applications/request", &[("base_url", &peer.origin)]).await;
    page.has("the host has the internal address 127.0.0.1");
    let fetcher = Fetcher::default();
    for url in [
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::ffff:10.0.0.1]/",
    ] {
        assert!(matches!(why(&fetcher, url).await, FetchErrorKind::AddressRefused(_)), "{url}");
    }
    for url in ["file:///etc/passwd", "ftp://wiki/", "jar:http://wiki!/"] {
        assert!(matches!(why(&fetcher, url).await, FetchErrorKind::NotAUrl(_)), "{url}");
    }
    for address in ["169.254.169.254", "127.0.0.1", "fd00::1"] {
        let fetcher = Fetcher::default().resolver(Always(address));
        let port = peer.origin.rsplit(':').next().unwrap();
        let kind = why(&fetcher, &format!("http://wiki.example.com:{port}")).await;
        assert_eq!(kind, FetchErrorKind::AddressRefused(address.parse().unwrap()));
    }
    assert!(peer.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_asked() {
    let peer = Peer::wiki().await;
    let port = peer.origin.rsplit(':').next().unwrap();
    let fetcher = Fetcher::new(AddressPolicy::insecure_any()).resolver(Always("127.0.0.1"));
    let fetched = fetcher.fetch(&format!("http://no-such-name.invalid:{port}")).await.unwrap();
    assert_eq!(fetched.document.application_id(), TestIdentity::wiki().id());
    assert_eq!(fetched.addresses, ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]);
}

#[tokio::test]
async fn each_bad_answer_has_its_own_cause() {
    let fetcher = Fetcher::new(AddressPolicy::insecure_any());
    let elsewhere = Peer::wiki().await;
    let away = format!("Location: {}/admin/appTrustCertificate\r\n", elsewhere.origin);
    let bad_key = document(&TestIdentity::wiki()).replace("MIIB", "MIIC");
    for (answer, expected) in [
        (answer("404 Not Found", "", ""), "Status(FailedAnswer { status: 404"),
        (answer("302 Found", &away, ""), "RedirectedAway("),
        (answer("302 Found", "Location: http://169.254.169.254/\r\n", ""), "RedirectedAway("),
        (answer("302 Found", "Location: file:///etc/passwd\r\n", ""), "BadRedirect("),
        (answer("302 Found", "Location: /\r\n", ""), "TooManyRedirects"),
        (answer("200 OK", "", &"x".repeat(16 * 1024 + 1)), "TooLarge"),
        (answer("200 OK", "Content-Type: text/html\r\n", "<p>Log in</p>"), "NotADocument { html: true"),
        (answer("200 OK", "", &bad_key), "KeyNotSupported("),
        (String::new(), "Connection("),
    ] {
        let peer = Peer::serving(answer).await;
        let kind = format!("{:?}", why(&fetcher, &peer.origin).await);
        assert!(kind.starts_with(expected), "{kind}");
    }
    assert!(elsewhere.asked.lock().unwrap().is_empty());
    let plain = Peer::wiki().await.origin.replace("http:", "https:");
    assert!(matches!(why(&fetcher, &plain).await, FetchErrorKind::Tls(_)));
}

/// An answer with a body that is no text.
fn bytes(head: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n{head}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// On the page and by the API, which say the same as the command line.
#[tokio::test]
async fn what_is_no_plain_document_is_named_with_its_cure() {
    let world = World::new();
    let good = document(&TestIdentity::wiki());
    let latin = good.replacen("wiki", "w~ki", 1).into_bytes();
    let latin: Vec<_> = latin.into_iter().map(|byte| if byte == b'~' { 0xfc } else { byte }).collect();
    let utf16: Vec<_> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let status = |status: &str, head: &str| answer(status, head, "<html>").into_bytes();
    for (answer, expected) in [
        (
            bytes("Content-Encoding: gzip\r\n", good.as_bytes()),
            "answers with compressed content (gzip), which was not asked for: turn compression off",
        ),
        (bytes("Content-Encoding: br\r\n", good.as_bytes()), "compressed content (br)"),
        (bytes("", b"\x1f\x8b\x08\0\0\0\0\0"), "compressed content (gzip)"),
        (
            bytes("Content-Type: text/plain;charset=ISO-8859-1\r\n", &latin),
            "not UTF-8: byte 1 is in another encoding, charset=ISO-8859-1; have the application serve it as UTF-8",
        ),
        (bytes("", &latin), "not UTF-8: byte 1 is in another encoding; have"),
        (bytes("", &utf16), "not UTF-8: it is UTF-16 without a byte order mark; have"),
        (bytes("", b"wiki\0"), "byte 4 is NUL"),
        (
            bytes("Content-Type: text/html\r\n", b"<p>Log in</p>"),
            "an HTML page, perhaps to log in, and no certificate document: exempt",
        ),
        (bytes("", b"\n<!DOCTYPE html><p>Log in</p>"), "an HTML page, perhaps to log in"),
        (bytes("", b"\xef\xbb\xbf<html>"), "an HTML page, perhaps to log in"),
        (
            status("401 Unauthorized", "WWW-Authenticate: Basic realm=x\r\n"),
            "answers 401 Unauthorized: it asks for a log-in (Basic): exempt this URL",
        ),
        (status("403 Forbidden", ""), "answers 403 Forbidden: it does not let this server in"),
        (status("407 Proxy Authentication Required", ""), "a proxy on the way asks for a log-in of its own"),
        (
            status("429 Too Many Requests", "Retry-After: 30\r\n"),
            "it was asked too often: try again in 30 seconds",
        ),
        (
            status("503 Service Unavailable", ""),
            "the application is not available at present: try again later",
        ),
        (
            status("302 Found", "Location: https://login.example.com/\r\n"),
            "redirects to another origin, https://login.example.com/",
        ),
        (status("404 Not Found", ""), "answers 404 Not Found: no certificate document is served there"),
    ] {
        let peer = Peer::serving(answer).await;
        let page = world.post("/trusted-applications/request", &[("base_url", &peer.origin)]).await;
        assert_eq!(page.status, 422);
        page.has(expected);
        let asked = serde_json::json!({ "base_url": peer.origin }).to_string();
        let request = Request::post("/api/v1/details").header("content-type", "application/json");
        let request = request.header("x-user", "admin").body(Body::from(asked)).unwrap();
        world.send(request).await.has(expected);
        let reason = why_text(&peer.origin).await;
        assert!(reason.contains(expected), "{reason}");
    }
}

async fn why_text(url: &str) -> String {
    Fetcher::new(AddressPolicy::insecure_any()).fetch(url).await.unwrap_err().reason()
}

#[tokio::test]
async fn a_document_is_read_as_it_was_meant() {
    let good = document(&TestIdentity::wiki());
    let utf16 = |unit: fn(u16) -> [u8; 2]| {
        format!("\u{feff}{good}").encode_utf16().flat_map(unit).collect::<Vec<_>>()
    };
    for answer in [
        bytes("", format!("\u{feff}{good}").as_bytes()),
        bytes("Content-Type: text/plain;charset=ISO-8859-1\r\n", good.as_bytes()),
        bytes("Content-Type: text/html\r\n", good.as_bytes()),
        bytes("Content-Encoding: identity\r\n", good.replace('\n', "\r\n").as_bytes()),
        bytes("", &utf16(u16::to_le_bytes)),
        bytes("", &utf16(u16::to_be_bytes)),
    ] {
        let peer = Peer::serving(answer).await;
        let fetched = Fetcher::new(AddressPolicy::insecure_any()).fetch(&peer.origin).await.unwrap();
        assert_eq!(fetched.document.application_id().as_str(), "wiki");
    }
}

#[tokio::test]
async fn an_endless_body_ends() {
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1 << 20));
    let peer = Peer::serving(endless).await;
    let kind = why(&Fetcher::new(AddressPolicy::insecure_any()), &peer.origin).await;
    assert!(matches!(kind, FetchErrorKind::TooLarge { .. }), "{kind:?}");
}

#[tokio::test]
async fn a_slow_body_ends() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut connection, head).await.unwrap();
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            if tokio::io::AsyncWriteExt::write_all(&mut connection, b"x").await.is_err() {
                return;
            }
        }
    });
    let kind = why(&Fetcher::new(AddressPolicy::insecure_any()), &origin).await;
    assert_eq!(kind, FetchErrorKind::TimedOut);
}
