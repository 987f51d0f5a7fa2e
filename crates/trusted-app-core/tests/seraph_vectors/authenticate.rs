//! `authenticate.json`: what a server answers, from headers to user.

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use trusted_app_core::conditions::{AddressRule, PathRule, Peer, SourceAddress};
use trusted_app_core::permission::PermissionRule;
use trusted_app_core::rejection::Rejection;
use trusted_app_core::seraph::{Code, Credentials, SignatureCache, TransportError};
use trusted_app_core::{Admitted, RequestFacts, Scheme, Timestamp, TrustedApplication, Verified};

use super::{Comparison, Difference, Vectors, differs, text, texts};

const ONCE: &str = "a header that comes twice is refused, whichever the original would take";
const NO_EXCEPTION: &str = "no uncaught error: refused with the code that fits";
const NOT_TWO_MEANINGS: &str = "safe paths: one that could mean two things is refused";
const NO_TIMEOUT_OF_ZERO: &str = "no time-out of 0, which would never end";
const NOT_FROM_THE_FUTURE: &str = "a time beyond 15 minutes and a minute's skew is refused";
const NO_INJECTION: &str = "version 2: a user name that brought line ends of its own is refused";
const CANONICAL: &str = "an address is reported in its canonical spelling";
const NO_PEER: &str = "no uncaught error: a peer address that is none is an unknown peer";
const EVERY_LINE: &str = "every line of X-Forwarded-For counts";
const BLANK_IS_NOTHING: &str = "a blank path line is dropped and is not everything";
const NO_FORWARD: &str = "there is no inside forward: URL and path are as the client asked, unaltered";
const BY_APPLICATION: &str = "the version is checked per application, so after the id";
const SIGNATURE_FIRST: &str = "the signature is checked before the conditions";

const DIFFERENCES: &[Difference] = &[
    differs("ok-duplicate-headers", "REPEATED_HEADER", ONCE),
    differs("bad-duplicate-headers", "REPEATED_HEADER", ONCE),
    differs("too-long-Key", "BAD_MAGIC", NO_EXCEPTION),
    differs("leading-zero-Key", "BAD_MAGIC", NO_EXCEPTION),
    differs("over-modulus-Key", "BAD_MAGIC", NO_EXCEPTION),
    differs("zero-Key", "BAD_MAGIC", NO_EXCEPTION),
    differs("too-long-Magic", "BAD_MAGIC", NO_EXCEPTION),
    differs("leading-zero-Magic", "BAD_MAGIC", NO_EXCEPTION),
    differs("over-modulus-Magic", "BAD_MAGIC", NO_EXCEPTION),
    differs("base64-bad-Signature", "BAD_SIGNATURE", NO_EXCEPTION),
    differs("base64-length-Signature", "BAD_SIGNATURE", NO_EXCEPTION),
    differs("base64-urlsafe-Signature", "BAD_SIGNATURE", NO_EXCEPTION),
    differs("base64-nopad-Signature", "BAD_SIGNATURE", NO_EXCEPTION),
    differs("base64-only-padding-Signature", "BAD_SIGNATURE", NO_EXCEPTION),
    differs("pub-auth-283", "BAD_MAGIC", NO_EXCEPTION),
    differs("pub-auth-285", "BAD_MAGIC", NO_EXCEPTION),
    differs("pub-auth-363", "AMBIGUOUS_URL", NOT_TWO_MEANINGS),
    differs("timeout-zero", "OLD_CERT", NO_TIMEOUT_OF_ZERO),
    differs("pub-auth-440", "FUTURE_CERT", NOT_FROM_THE_FUTURE),
    differs("pub-auth-441", "FUTURE_CERT", NOT_FROM_THE_FUTURE),
    differs("future-time-max", "FUTURE_CERT", NOT_FROM_THE_FUTURE),
    differs("pub-auth-445", "OLD_CERT", NO_TIMEOUT_OF_ZERO),
    differs("pub-auth-447", "OLD_CERT", NO_TIMEOUT_OF_ZERO),
    differs("user-with-carriage-return-v2", "BAD_MAGIC", NO_INJECTION),
    differs("user-with-newline-v2", "BAD_MAGIC", NO_INJECTION),
    differs("pub-auth-549", "BAD_REMOTE_IP", CANONICAL),
    differs("ip-remote-malformed", "UNKNOWN_PEER", NO_PEER),
    differs("xff-malformed", "BAD_XFORWARD_IP", NO_EXCEPTION),
    differs("xff-second-header-line", "BAD_XFORWARD_IP", EVERY_LINE),
    differs("xff-leading-zeros", "BAD_XFORWARD_IP", NO_EXCEPTION),
    differs("url-dot-dot", "AMBIGUOUS_URL", NOT_TWO_MEANINGS),
    differs("url-dot-dot-escaped", "AMBIGUOUS_URL", NOT_TWO_MEANINGS),
    differs("url-double-slash-after", "AMBIGUOUS_URL", NOT_TWO_MEANINGS),
    differs("url-empty-pattern", "BAD_URL", BLANK_IS_NOTHING),
    differs("pub-auth-683", "success", NO_FORWARD),
    differs("forwarded-request-escaped", "success", NO_FORWARD),
    differs("forwarded-request-escaped-twice", "BAD_SIGNATURE", NO_FORWARD),
    differs("pub-auth-701", "APP_ID_NOT_FOUND", BY_APPLICATION),
    differs("pub-auth-702", "APP_ID_NOT_FOUND", BY_APPLICATION),
    differs("order-url-before-signature", "BAD_SIGNATURE", SIGNATURE_FIRST),
    differs("order-ip-before-signature", "BAD_SIGNATURE", SIGNATURE_FIRST),
];

#[test]
fn answered() {
    let vectors = Vectors::load("authenticate.json");
    let mut comparison = Comparison::by(DIFFERENCES);
    for vector in vectors.iter() {
        let application = Arc::new(application(&vectors, vector));
        let request = Request::of(vector);
        let cache = SignatureCache::default();
        let answer = request.answer(&application, &cache);
        assert_eq!(request.answer(&application, &cache), answer, "the cache changes nothing: {vector}");

        let outcome = &vector["outcome"];
        let header = |name: &str| {
            let headers = outcome["response_headers"].as_array()?;
            headers.iter().find(|header| header[0] == name).and_then(|header| header[1].as_str())
        };
        let (status, error) = (header("X-Seraph-Trusted-App-Status"), header("X-Seraph-Trusted-App-Error"));
        match answer {
            Ok(None) => comparison.check(vector, "no attempt", outcome["status"] == "no attempt", ""),
            Ok(Some(user)) => {
                let equal = outcome["status"] == "success"
                    && (status, error) == (Some("OK"), None)
                    && text(&outcome["user"]) == user
                    && text(&outcome["signed_url"]) == request.url;
                comparison.check(vector, "success", equal, &user);
            }
            Err(rejection) => {
                let ours = TransportError::of(&rejection).to_string();
                let equal = (status, error) == (Some("ERROR"), Some(&ours))
                    && text(&outcome["error_code"]) == Code::of(&rejection).as_str();
                comparison.check(vector, Code::of(&rejection).as_str(), equal, &ours);
            }
        }
    }
    comparison.finish();
}

fn application(vectors: &Vectors, vector: &Value) -> TrustedApplication {
    let app = &vector["app"];
    let scheme = match vector["protocol_version_in_use"].as_i64() {
        Some(2) => Scheme::InsecureSeraphV2,
        Some(3) => Scheme::SeraphV3,
        version => panic!("version {version:?}"),
    };
    let addresses = match texts(&app["ip_patterns"]).as_slice() {
        [] => AddressRule::any(),
        patterns => AddressRule::parse_lines(patterns.iter().map(String::as_str)).unwrap(),
    };
    let paths = match texts(&app["url_patterns"]).as_slice() {
        [] => PathRule::any(),
        patterns => PathRule::prefixes(patterns),
    };
    // We have no time-out of 0; the shortest one stands for it.
    let timeout = app["timeout_ms"].as_u64().unwrap().max(1);
    TrustedApplication::builder(text(&app["id"]).parse().unwrap(), vectors.public_key(&app["public_key"]))
        .schemes([scheme])
        .addresses(addresses)
        .paths(paths)
        .timeout(std::time::Duration::from_millis(timeout))
        .insecure_min_rsa_bits(1024)
        .build()
        .unwrap()
}

/// A request as the core sees it.
struct Request {
    method: Method,
    headers: HeaderMap,
    /// As the client asked for it. An inside forward, where there was one, came after us.
    url: String,
    path: Option<String>,
    peer: Option<IpAddr>,
    now: Timestamp,
}

impl Request {
    fn of(vector: &Value) -> Self {
        let request = &vector["request"];
        let headers = request["headers"].as_array().unwrap().iter().map(|header| {
            let value: Vec<u8> = text(&header[1]).chars().map(|c| u8::try_from(c).unwrap()).collect();
            (
                HeaderName::from_bytes(text(&header[0]).as_bytes()).unwrap(),
                HeaderValue::from_bytes(&value).unwrap(),
            )
        });
        let (scheme, host, port) = (text(&request["scheme"]), text(&request["host"]), &request["port"]);
        let port = match (scheme, port.as_u64().unwrap()) {
            ("http", 80) | ("https", 443) => String::new(),
            (_, port) => format!(":{port}"),
        };
        let path = text(request.get("forward_request_uri").unwrap_or(&request["request_uri"]));
        let query = request["query"].as_str().map_or_else(String::new, |query| format!("?{query}"));
        Self {
            method: text(&request["method"]).parse().unwrap(),
            headers: headers.collect(),
            url: format!("{scheme}://{host}{port}{path}{query}"),
            path: path.strip_prefix(text(&request["context_path"])).map(str::to_owned),
            peer: text(&request["remote_addr"]).parse().ok(),
            now: Timestamp::from_millis(vector["now_ms"].as_i64().unwrap()),
        }
    }

    fn answer(
        &self,
        application: &Arc<TrustedApplication>,
        cache: &SignatureCache,
    ) -> Result<Option<String>, Rejection> {
        let Some(credentials) = Credentials::parse(&self.headers)? else { return Ok(None) };
        if credentials.application_id() != application.id() {
            return Err(credentials.unknown_application());
        }
        let plain = credentials.verify(application, &self.url, self.now);
        let cached = credentials.verify_cached(application, &self.url, self.now, cache);
        let signature = |verified: &Verified<'_>| verified.signature().clone();
        assert_eq!(
            cached.map(|(verified, _)| signature(&verified)),
            plain.as_ref().map(signature).map_err(Clone::clone)
        );

        let forwarded: Vec<String> = self
            .headers
            .get_all("x-forwarded-for")
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .map(|address| address.iter().copied().map(char::from).collect::<String>())
            .filter(|address| !address.trim().is_empty())
            .collect();
        let peer = self.peer.map_or(SourceAddress::UnknownPeer, |ip| SourceAddress::Peer(Peer::Ip(ip)));
        let sources =
            std::iter::once(peer).chain(forwarded.iter().map(|address| SourceAddress::Forwarded(address)));
        let facts = RequestFacts { method: &self.method, path: self.path.as_deref() };
        let admitted = plain?.admit(&facts, sources)?;
        user(&admitted).map(Some)
    }
}

fn user(admitted: &Admitted<'_>) -> Result<String, Rejection> {
    let user = admitted.user().to_owned();
    match user.as_str() {
        "alice" | "bob" | "zoë" | "管理者" => Ok(user),
        "mallory" => Err(Rejection::PermissionDenied { user, rule: PermissionRule::Disabled }),
        _ => Err(Rejection::UserUnknown { user }),
    }
}
