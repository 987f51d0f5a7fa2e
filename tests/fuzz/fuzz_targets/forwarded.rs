//! `X-Forwarded-For` and `Forwarded` lines of a request whose signature holds, through the whole layer.
#![no_main]

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, ServiceExt, service_fn, util::BoxCloneSyncService};
use tower_trusted_app::conditions::{AddressRule, PathRule, Peer, parse_forwarded_address};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::SigningRequest;
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{Clock, LocalApplication, Timestamp, TrustedAppLayer, TrustedApplication};

const URL: &str = "https://tracker.example.com/rest";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

static ALLOWED: LazyLock<AddressRule> =
    LazyLock::new(|| "192.0.2.*, 2001:db8::/32".parse().expect("a good rule"));
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));
static WIKI: LazyLock<LocalApplication> = LazyLock::new(|| {
    LocalApplication::from_pem(include_str!("../../../crates/tower-trusted-app/tests/data/identity.pem"))
        .expect("good")
});
static SIGNED: LazyLock<HeaderMap> = LazyLock::new(|| {
    let mut headers = HeaderMap::new();
    SigningRequest::new("alice", URL, NOW).sign(&WIKI).expect("a good request").apply(&mut headers);
    headers
});
static TRACKER: LazyLock<BoxCloneSyncService<Request<()>, Response<Vec<u8>>, Infallible>> =
    LazyLock::new(|| {
        let wiki = TrustedApplication::builder(WIKI.id().clone(), WIKI.public_key().clone())
            .addresses(ALLOWED.clone())
            .paths(PathRule::any())
            .build()
            .expect("a good description");
        let keys = MemoryKeyStore::new([wiki]).expect("one application");
        let users = MemoryDirectory::of_names(["alice"]);
        let layer =
            TrustedAppLayer::builder(keys, users, "https://tracker.example.com".parse().expect("a good URL"))
                .clock(Fixed).build().unwrap();
        BoxCloneSyncService::new(layer.layer(service_fn(async |_| Ok(Response::default()))))
    });

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }
}

fuzz_target!(|input: (Vec<&[u8]>, Vec<&[u8]>)| {
    let (x_forwarded_for, forwarded) = input;
    let mut request =
        Request::get(URL).extension(Peer::Ip(IpAddr::from([192, 0, 2, 1]))).body(()).expect("good");
    *request.headers_mut() = SIGNED.clone();
    for (name, lines) in
        [(HeaderName::from_static("x-forwarded-for"), &x_forwarded_for), (header::FORWARDED, &forwarded)]
    {
        for line in lines {
            let Ok(line) = HeaderValue::from_bytes(line) else { return };
            request.headers_mut().append(&name, line);
        }
    }

    let response = RUNTIME.block_on(async { TRACKER.clone().ready().await?.call(request).await });
    match response.expect("infallible").status() {
        StatusCode::OK => {
            let mut entries = x_forwarded_for.iter().flat_map(|line| line.split(|byte| *byte == b','));
            assert!(entries.all(is_allowed), "{x_forwarded_for:?}");
            // With no other parameter, all that looks like an address is one that the request came through.
            let mut words =
                forwarded.iter().filter(|line| !has_other_parameters(line)).flat_map(|line| words(line));
            assert!(words.all(|address| ALLOWED.matches(Peer::Ip(address))), "{forwarded:?}");
        }
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => {}
        other => panic!("{other}"),
    }
});

fn is_allowed(entry: &[u8]) -> bool {
    let entry = std::str::from_utf8(entry).expect("accepted, so it is ASCII");
    entry.trim().is_empty()
        || parse_forwarded_address(entry).is_some_and(|address| ALLOWED.matches(Peer::Ip(address)))
}

/// Whether there is an `=` that does not end a parameter's name of `for`.
fn has_other_parameters(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line).to_lowercase();
    line.split('=').rev().skip(1).any(|before| {
        let name = before.strip_suffix("for");
        !name.is_some_and(|rest| rest.is_empty() || rest.ends_with([';', ',', ' ', '\t']))
    })
}

fn words(line: &[u8]) -> impl Iterator<Item = IpAddr> {
    let is_of_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    line.split(move |byte| !is_of_address(byte))
        .filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok())
}
