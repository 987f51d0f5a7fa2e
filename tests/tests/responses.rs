//! What the peer gets: status, headers and body of every answer, and that nothing a peer sends ends up in a place of
//! its own choosing.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::future::ready;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_trusted_app::permission::PermissionRule;
use tower_trusted_app::rejection::{MagicPart, Store, TimeLimit};
use tower_trusted_app::seraph::{Code, ERROR, ID, STATUS, SigningRequest, TransportError};
use tower_trusted_app::{ProblemJson, Protocol, Reject, Rejected, Rejection, Timestamp, reject_fn};
use trusted_app_tests::exchange::{Answer, PAGE, send};
use trusted_app_tests::gate::workspace;
use trusted_app_tests::refusals::{self, signed, tracker};
use trusted_app_tests::{URL, wiki_identity};

/// One of each, with this text wherever a text goes.
fn every_rejection(text: &str) -> Vec<Rejection> {
    let text = || text.to_owned();
    let time = Timestamp::from_millis(1_700_000_000_000);
    vec![
        Rejection::CredentialsMissing,
        Rejection::VersionNotANumber { version: text() },
        Rejection::VersionNotAllowed { version: 2, highest: Some(3) },
        Rejection::ApplicationIdMissing,
        Rejection::SecretKeyMissing,
        Rejection::MagicMissing,
        Rejection::ApplicationUnknown { id: text() },
        Rejection::BadMagic { part: MagicPart::PublicKey, application: text() },
        Rejection::BadMagic { part: MagicPart::SecretKey, application: text() },
        Rejection::TimestampNotANumber { timestamp: text(), application: text() },
        Rejection::SignatureMissing,
        Rejection::BadSignature { url: text(), as_written: None },
        Rejection::BadSignature { url: text(), as_written: Some(text()) },
        Rejection::AuthorityUnknown { url: text(), authority: Some(text()), host: Some(text()) },
        Rejection::RepeatedHeader { name: "X-Seraph-Trusted-App-ID" },
        Rejection::TooLarge { what: "URL", limit: 1 },
        Rejection::CertificateTooOld { application: text(), created: time, timeout_ms: 1, now: time },
        Rejection::CertificateFromFuture { application: text(), created: time, now: time },
        Rejection::MethodNotAllowed { method: text() },
        Rejection::AddressNotAllowed { address: text() },
        Rejection::ForwardedAddressNotAllowed { address: text() },
        Rejection::PeerUnknown,
        Rejection::PathNotAllowed { path: text() },
        Rejection::PathAmbiguous { path: text(), reason: "dot segment" },
        Rejection::UserUnknown { user: text() },
        Rejection::PermissionDenied { user: text(), rule: PermissionRule::LogIn(text().into()) },
        Rejection::Replayed { application: text(), created: time },
        Rejection::Unavailable { store: Store::KeyStore },
        Rejection::Unavailable { store: Store::UserDirectory },
        Rejection::Unavailable { store: Store::ReplayStore },
        Rejection::Unavailable { store: Store::Verification },
        Rejection::TwoSchemes,
        Rejection::Malformed { problem: text() },
        Rejection::SchemeNotAllowed,
        Rejection::KeyUnknown { key: text() },
        Rejection::AlgorithmMismatch,
        Rejection::BadSignatureBase { base: text() },
        Rejection::NotCovered { what: text() },
        Rejection::FieldNotCovered { field: header::AUTHORIZATION },
        Rejection::Stale { created: time, expires: time, now: time, limit: TimeLimit::Created },
        Rejection::Stale { created: time, expires: time, now: time, limit: TimeLimit::Expires },
        Rejection::TenantUnknown { tenant: text() },
        Rejection::ContentMismatch,
        Rejection::ContentTooLarge { limit: 1 },
        Rejection::ContentNotHeld { reason: "it did not come in time" },
    ]
}

/// What a peer might send to end one header and begin another, and what no header can carry.
const HOSTILE: &str =
    "a\r\nSet-Cookie: stolen=1\r\n\r\n<script>;\t[\"{0}\"]\0\u{7f}\u{85}\u{2028}zoë管😀\u{202e}\\";

fn seraph(rejection: Rejection) -> Rejected {
    Rejected::new(Protocol::Seraph, rejection)
}

fn variant(rejection: &Rejection) -> String {
    let debug = format!("{rejection:?}");
    debug.split([' ', '{', '(']).next().unwrap().to_owned()
}

#[test]
fn every_variant_is_in_the_list() {
    let listed: BTreeSet<_> = every_rejection("").iter().map(variant).collect();
    let api = fs::read_to_string(workspace().join("tests/api/trusted-app-core.txt")).unwrap();
    let public: BTreeSet<_> = api
        .lines()
        .filter_map(|item| item.strip_prefix("pub trusted_app_core::rejection::Rejection::"))
        .map(|variant| variant.split_once('(').map_or(variant, |(variant, _)| variant))
        .filter(|variant| !variant.contains(':'))
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!(listed, public);
}

#[test]
fn every_code_is_reached() {
    let mut codes: BTreeSet<_> = every_rejection("").iter().map(Code::of).collect();
    // It stands for what others send and we do not know.
    assert!(codes.insert(Code::Unknown));
    assert_eq!(codes, BTreeSet::from(Code::ALL));

    let cases: BTreeSet<_> = refusals::ALL.iter().map(|&(_, _, code)| code).chain([Code::Unknown]).collect();
    assert_eq!(cases, codes, "each code has a request that gets it");
}

/// The table that people read is the one that is answered by.
#[test]
fn the_documented_table_holds() {
    let source = fs::read_to_string(workspace().join("crates/trusted-app-core/src/seraph/code.rs")).unwrap();
    let mut documented = BTreeMap::new();
    for row in source.lines().filter_map(|line| line.strip_prefix("/// | `")) {
        let cells: Vec<_> = row.split(" | ").collect();
        let numbers = |cell: &str| cell.split(", ").map(|n| n.parse().unwrap()).collect::<BTreeSet<i32>>();
        documented.insert(cells[0].trim_end_matches('`').to_owned(), (numbers(cells[1]), numbers(cells[2])));
    }
    let mut answered = BTreeMap::<_, (BTreeSet<i32>, BTreeSet<i32>)>::new();
    for rejection in every_rejection("") {
        let rejected = seraph(rejection);
        let (http, grpc) = answered.entry(rejected.code().to_owned()).or_default();
        http.insert(rejected.status().as_u16().into());
        grpc.insert(rejected.grpc_code());
    }
    assert_eq!(documented, answered);
}

#[test]
fn http_and_grpc_say_the_same() {
    for rejected in every_rejection("").into_iter().flat_map(|rejection| {
        [Protocol::Seraph, Protocol::HttpSignature].map(|protocol| Rejected::new(protocol, rejection.clone()))
    }) {
        let status = match rejected.grpc_code() {
            3 => StatusCode::BAD_REQUEST,
            7 => StatusCode::FORBIDDEN,
            14 => StatusCode::SERVICE_UNAVAILABLE,
            16 => StatusCode::UNAUTHORIZED,
            8 => StatusCode::PAYLOAD_TOO_LARGE,
            other => panic!("{rejected:?}: {other}"),
        };
        assert_eq!(rejected.status(), status, "{rejected:?}");
    }
}

#[test]
fn every_wire_form_is_read_back() {
    for text in ["", "plain", HOSTILE] {
        for rejection in every_rejection(text) {
            let sent = TransportError::of(&rejection);
            let value = sent.to_header_value();
            assert!(value.as_bytes().iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')), "{value:?}");
            assert_eq!(TransportError::from_header_value(&value).as_ref(), Ok(&sent));
            assert_eq!(sent.to_string().parse().as_ref(), Ok(&sent));
            assert_eq!(sent.code(), Code::of(&rejection));
        }
    }
}

#[test]
fn every_problem_document_says_what_the_rejection_says() {
    let (request, ()) = Request::new(()).into_parts();
    for rejected in every_rejection(HOSTILE).into_iter().map(seraph) {
        let response: Response<Bytes> = ProblemJson.reject(&rejected, &request);
        assert_eq!(response.status(), rejected.status());
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_problem(response.body(), &rejected);
    }
}

#[track_caller]
fn assert_problem(body: &[u8], rejected: &Rejected) {
    let problem: Value = serde_json::from_slice(body).unwrap();
    let expected = json!({
        "type": "about:blank",
        "title": rejected.status().canonical_reason(),
        "status": rejected.status().as_u16(),
        "code": rejected.code(),
        "detail": rejected.detail(),
    });
    assert_eq!(problem, expected);
}

/// A store's own error, and who may not log in, are no peer's business.
#[test]
fn what_is_not_for_the_peer() {
    let secret = "a very particular text";
    let denied = |rule| Rejection::PermissionDenied { user: secret.to_owned(), rule };
    for rejection in [
        denied(PermissionRule::LogIn(secret.into())),
        denied(PermissionRule::DeniedGroup(secret.into())),
        Rejection::PeerUnknown,
    ] {
        assert!(!TransportError::of(&rejection).to_string().contains(secret));
        assert!(!seraph(rejection).to_string().contains(secret));
    }
    for rejection in every_rejection(secret) {
        assert!(!TransportError::of(&rejection).to_string().contains(rejection.hint()), "{rejection:?}");
    }
}

/// The names of a response's headers, sorted.
fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(header::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names.len(), headers.len(), "no header twice");
    names
}

#[track_caller]
fn assert_refusal_is_complete(answer: &Answer) {
    let headers = answer.response.headers();
    let rejected = answer.response.extensions().get::<Rejected>().unwrap();
    assert_eq!(headers[STATUS], "ERROR");
    assert_eq!(headers[ERROR], TransportError::of(rejected.reason()).to_header_value());
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    let mut expected =
        vec!["cache-control", "content-type", "x-seraph-trusted-app-error", "x-seraph-trusted-app-status"];
    match answer.response.status() {
        StatusCode::UNAUTHORIZED => {
            assert_eq!(headers[header::WWW_AUTHENTICATE], "X-Seraph-Trusted-App");
            expected.insert(2, "www-authenticate");
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            assert_eq!(headers[header::RETRY_AFTER], "1");
            expected.insert(2, "retry-after");
        }
        _ => {}
    }
    assert_eq!(names(headers), expected);
    assert_problem(answer.response.body(), rejected);
}

#[tokio::test]
async fn every_refusal_has_its_headers_and_its_document_and_no_more() {
    for (name, case, _) in refusals::ALL {
        println!("{name}");
        let case = case();
        assert_refusal_is_complete(&send(&case.layer.build().unwrap(), case.request).await);
    }
}

#[tokio::test]
async fn errors_as_the_original_writes_them() {
    for (name, expected) in [
        ("no_application_id", "APP_ID_NOT_FOUND;\tApplication ID not found in request;\t[]"),
        ("version_that_is_no_number", "BAD_PROTOCOL_VERSION;\tBad protocol version: {0};\t[\"three\"]"),
        (
            "version_that_is_not_allowed",
            "BAD_PROTOCOL_VERSION;\tUnsupported protocol version: {0}. required {1};\t[\"2\",\"3\"]",
        ),
        ("unknown_application", "APP_UNKNOWN;\tUnknown Application: {0};\t[\"stranger\"]"),
        (
            "unreadable_certificate",
            "BAD_MAGIC;\tUnable to decrypt certificate {0} for application {1};\t[\"secret key\",\"wiki\"]",
        ),
        (
            "timestamp_that_is_no_number",
            "SYSTEM;\tException: {0} occurred serving request for application: {1};\t\
             [\"java.lang.NumberFormatException: For input string: \\\"yesterday\\\"\",\"wiki\"]",
        ),
        ("no_signature", "BAD_SIGNATURE;\tMissing signature in a v2 request;\t[]"),
        (
            "wrong_key",
            "BAD_SIGNATURE;\tBad signature for URL: {0};\t[\"https://tracker.example.com/rest/issues\"]",
        ),
        (
            "expired",
            "OLD_CERT;\tCertificate too old. Application: {0} Certificate Created: {1} Timeout: {2};\t\
             [\"wiki\",\"Tue Nov 14 22:13:09 UTC 2023\",\"10000\"]",
        ),
        (
            "address_not_allowed",
            "BAD_REMOTE_IP;\tRequest not allowed from IP address: {0};\t[\"198.51.100.7\"]",
        ),
        (
            "forwarded_address_not_allowed",
            "BAD_XFORWARD_IP;\tRequest not allowed from IP address: {0};\t[\" 198.51.100.7\"]",
        ),
        ("path_not_allowed", "BAD_URL;\tRequest not allowed to access URL: {0};\t[\"/admin\"]"),
        ("unknown_user", "USER_UNKNOWN;\tUnknown User: {0};\t[\"Alice\"]"),
        ("denied_user", "PERMISSION_DENIED;\tPermission Denied;\t[]"),
    ] {
        let case = refusals::named(name);
        let answer = send(&case.layer.build().unwrap(), case.request).await;
        assert_eq!(answer.response.headers()[ERROR], expected);
    }
}

#[tokio::test]
async fn an_accepted_request_has_two_headers_more() {
    let answer = send(&tracker(), signed()).await;
    assert_eq!(names(answer.response.headers()), ["cache-control", "x-seraph-trusted-app-status"]);
    assert_eq!(answer.response.headers()[STATUS], "OK");
    assert_eq!(answer.response.headers()[header::CACHE_CONTROL], "private");
}

#[tokio::test]
async fn an_anonymous_answer_is_the_handlers_own() {
    let unsigned = Request::get(URL).body(()).unwrap();
    let answer = send(&tracker().optional(), unsigned).await;
    assert!(answer.response.headers().is_empty());
    assert_eq!(answer.response.body(), PAGE);
}

/// The handler's choice of caching stands; what the response says about the credentials is ours.
#[tokio::test]
async fn what_the_handler_chose() {
    let handler = service_fn(|_: Request<()>| {
        let response = Response::builder()
            .status(StatusCode::CREATED)
            .header(header::CACHE_CONTROL, "public, max-age=60")
            .header(STATUS, "ERROR")
            .body(Full::<Bytes>::default())
            .unwrap();
        ready(Ok::<_, Infallible>(response))
    });
    let response = tracker().build().unwrap().layer(handler).oneshot(signed()).await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=60");
    assert_eq!(response.headers().get_all(STATUS).iter().collect::<Vec<_>>(), ["OK"]);
}

/// A closure's status, body and headers stand; the two headers that every peer relies on are ours.
#[tokio::test]
async fn what_a_closure_chose() {
    let rejections = reject_fn(|rejected: &Rejected, request: &Parts| {
        Response::builder()
            .status(if rejected.code() == "BAD_URL" { 404 } else { rejected.status().as_u16() })
            .header(header::CACHE_CONTROL, "max-age=1")
            .header(header::WWW_AUTHENTICATE, "Basic realm=\"tracker\"")
            .header(STATUS, "OK")
            .body(Full::from(format!("not {}", request.uri.path())))
            .unwrap()
    });
    let layer = tracker().rejections(rejections);
    let unsigned = send(&layer, Request::get(URL).body(()).unwrap()).await.response;
    assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(unsigned.headers()[header::WWW_AUTHENTICATE], "Basic realm=\"tracker\"");
    assert_eq!(unsigned.headers()[header::CACHE_CONTROL], "max-age=1");
    assert_eq!(unsigned.headers().get_all(STATUS).iter().collect::<Vec<_>>(), ["ERROR"]);
    assert_eq!(unsigned.body(), "not /rest/issues");

    let elsewhere = signed_for("alice", "https://tracker.example.com/admin");
    let answer = send(&layer, elsewhere).await;
    answer.assert_refused(Code::BadUrl, 404);
}

fn signed_for(user: &str, url: &str) -> Request<()> {
    let mut request = Request::get(url).body(()).unwrap();
    SigningRequest::new(user, url, refusals::now())
        .sign(&wiki_identity())
        .unwrap()
        .apply(request.headers_mut());
    request
}

#[tokio::test]
async fn no_user_name_breaks_out() {
    for user in
        ["zoë", "管理员😀", "<script>alert(1)</script>", "a\";\t".trim_end(), "x\u{2028}y\u{202e}", "{0}'{1}"]
    {
        let answer = send(&tracker(), signed_for(user, URL)).await;
        answer.assert_refused(Code::UserUnknown, 401);
        assert_refusal_is_complete(&answer);
        assert_eq!(answer.error().unwrap().params(), [user]);
    }
}

#[tokio::test]
async fn no_path_breaks_out() {
    for path in ["/%0d%0aSet-Cookie:%20a=b", "/zoë", "/\"]}", "/{0}", "/%00"] {
        let answer =
            send(&tracker(), signed_for("alice", &format!("https://tracker.example.com{path}"))).await;
        answer.assert_refused(Code::BadUrl, 403);
        assert_refusal_is_complete(&answer);
        assert_eq!(answer.error().unwrap().params(), [path]);
    }
}

/// A proxy that finds an answer's headers too large may take the server for broken, whoever asked for them.
#[tokio::test]
async fn no_text_of_the_peers_swells_the_headers() {
    for text in ["a", "\"", "%", "\0", "é", "管", "😀"].map(|text| text.repeat(20_000)) {
        for rejection in every_rejection(&text) {
            let header = TransportError::of(&rejection).to_header_value();
            assert!(header.len() < 2048, "{} bytes: {rejection}", header.len());
        }
    }
    let mut request = signed();
    *request.uri_mut() = format!("{URL}?{}", "a%20".repeat(15_000)).parse().unwrap();
    for layer in [tracker(), tracker().hide_unknown_applications()] {
        let answer = send(&layer, request.clone()).await;
        assert_refusal_is_complete(&answer);
        let headers = answer.response.headers();
        assert!(headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() < 2048);
        assert!(answer.error().unwrap().message().len() < 1024);
    }
}

#[tokio::test]
async fn no_application_id_breaks_out() {
    for (id, read) in [
        (&b"\xe9\x85\xff"[..], "é\u{85}ÿ"),
        (b"a\tb", "a\tb"),
        (b"a;\t[\"b\"]", "a;\t[\"b\"]"),
        ("zoë".as_bytes(), "zoÃ«"),
    ] {
        let mut request = signed();
        request.headers_mut().insert(ID, HeaderValue::from_bytes(id).unwrap());
        let answer = send(&tracker(), request).await;
        answer.assert_refused(Code::AppUnknown, 401);
        assert_refusal_is_complete(&answer);
        assert_eq!(answer.error().unwrap().params(), [read]);
    }
}
