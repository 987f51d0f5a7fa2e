//! Who is trusted with what: every way to be refused, and that nothing of a refused request reaches the handler.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Request, header};
use tower_trusted_app::conditions::PathRule;
use tower_trusted_app::keys::{ApplicationConflict, MemoryKeyStore, key_store_fn};
use tower_trusted_app::seraph::Code;
use tower_trusted_app::seraph::{CERTIFICATE, ID, KEY, MAGIC, REQUEST_HEADERS, SigningRequest};
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{
    ApplicationId, Caller, CallingApplication, OriginalTarget, SourceAddresses, SystemClock, TrustedAppLayer,
    TrustedApplication,
};
use trusted_app_test::TestIdentity;
use trusted_app_tests::exchange::send;
use trusted_app_tests::refusals::{self, signed, tracker, tracker_of_version_2, tracker_trusting, trusted};
use trusted_app_tests::{for_each_refusal, public_url, wiki, wiki_identity};

/// Every case of the table by its own name.
mod refused {
    use super::*;

    macro_rules! tests {
        ($($case:ident: $code:ident $status:literal;)*) => {$(
            #[tokio::test]
            async fn $case() {
                let case = refusals::named(stringify!($case));
                send(&case.layer.build().unwrap(), case.request).await.assert_refused(Code::$code, $status);
            }
        )*};
    }

    for_each_refusal!(tests);
}

fn unsigned(method: Method, path: &str) -> Request<()> {
    Request::builder().method(method).uri(format!("https://tracker.example.com{path}")).body(()).unwrap()
}

#[tokio::test]
async fn what_is_refused_is_refused_for_its_one_fault() {
    send(&tracker(), signed()).await.assert_accepted("alice");
    let version_2 = refusals::signed_in_version_2(&wiki_identity());
    send(&tracker_of_version_2(), version_2).await.assert_accepted("alice");
}

// One key, one application.

#[test]
fn the_same_key_under_a_second_id_is_no_store() {
    let second = || TestIdentity::wiki().with_id("second").trusted().build().unwrap();
    let error = MemoryKeyStore::new([wiki(), second()]).unwrap_err();
    assert!(matches!(error, ApplicationConflict::Key { .. }), "{error}");

    let store = MemoryKeyStore::new([wiki()]).unwrap();
    let error = store.insert(second()).unwrap_err();
    assert!(matches!(error, ApplicationConflict::Key { .. }), "{error}");
    let hidden_behind_another =
        TestIdentity::stranger().trusted().key(wiki_identity().public_key().clone()).build().unwrap();
    assert!(matches!(store.insert(hidden_behind_another), Err(ApplicationConflict::Key { .. })));
    assert!(store.get(second().id()).is_none());
}

/// What all stores of ours prevent, and why: Seraph does not sign the id, so whoever has the key
/// chooses whose rules hold. The layer sees one application a request and cannot know.
#[tokio::test]
async fn a_store_that_hands_out_one_key_under_two_ids_leaves_the_choice_to_the_peer() {
    let keys = key_store_fn(|id: ApplicationId| async move {
        let paths = if id.as_str() == "lax" { PathRule::any() } else { PathRule::prefixes(["/rest"]) };
        let application = TestIdentity::wiki().with_id(id.as_str()).trusted().paths(paths).build().unwrap();
        Ok::<_, Infallible>(Some(Arc::new(application)))
    });
    let layer =
        TrustedAppLayer::builder(keys, MemoryDirectory::of_names(["alice"]), public_url()).build().unwrap();
    let sign = || {
        let request = unsigned(Method::GET, "/admin");
        TestIdentity::wiki().sign(request, "alice", &SystemClock)
    };
    send(&layer, sign()).await.assert_refused(Code::BadUrl, 403);
    let mut captured = sign();
    captured.headers_mut().insert(ID, HeaderValue::from_static("lax"));
    send(&layer, captured).await.assert_accepted("alice");
}

#[tokio::test]
async fn our_own_id_and_key_are_no_application() {
    let own = TestIdentity::tracker();
    let store = MemoryKeyStore::with_local(own.local());
    let stranger = TestIdentity::stranger();

    let own_id = stranger.clone().with_id(own.id().as_str()).trusted().build().unwrap();
    assert!(matches!(store.insert(own_id), Err(ApplicationConflict::LocalId { .. })));
    let own_key = own.clone().with_id("another").trusted().build().unwrap();
    assert!(matches!(store.insert(own_key), Err(ApplicationConflict::LocalKey { .. })));
    let own_key_second = stranger.trusted().key(own.local().public_key().clone()).build().unwrap();
    assert!(matches!(store.insert(own_key_second), Err(ApplicationConflict::LocalKey { .. })));

    // The original trusts itself, with no rule at all.
    let layer =
        TrustedAppLayer::builder(store, MemoryDirectory::of_names(["alice"]), public_url()).build().unwrap();
    let request = own.sign(unsigned(Method::GET, "/rest/issues"), "alice", &SystemClock);
    send(&layer, request).await.assert_refused(Code::AppUnknown, 401);
}

// A caller is what the layer says, and nobody else.

/// As middleware further out may have left it, or an attacker who found a way into the extensions.
fn forged(mut request: Request<()>) -> Request<()> {
    let root = Caller::insecure_for_tests(wiki(), "root", ());
    request.extensions_mut().insert(CallingApplication::of(&root));
    request.extensions_mut().insert(root);
    request
}

#[tokio::test]
async fn a_caller_on_entry_is_replaced_by_the_real_one() {
    send(&tracker(), forged(signed())).await.assert_accepted("alice");
}

#[tokio::test]
async fn a_caller_on_entry_is_removed_from_an_anonymous_request() {
    send(&tracker().optional(), forged(unsigned(Method::GET, "/rest"))).await.assert_anonymous();
}

#[tokio::test]
async fn a_caller_on_entry_does_not_stand_in_for_credentials() {
    send(&tracker(), forged(unsigned(Method::GET, "/rest"))).await.assert_refused(Code::MissingCert, 401);
}

#[tokio::test]
async fn a_caller_on_entry_is_removed_from_a_skipped_request() {
    send(&tracker().skip(|_, _, _| true), forged(signed())).await.assert_anonymous();
    let document = forged(unsigned(Method::GET, "/admin/appTrustCertificate"));
    send(&tracker(), document).await.assert_anonymous();
}

#[tokio::test]
async fn a_caller_on_entry_is_removed_when_its_request_goes_on_as_anonymous() {
    for &(name, case, code) in refusals::ALL {
        let case = case();
        if [Code::MissingCert, Code::Unavailable].contains(&code) {
            continue;
        }
        println!("{name}");
        let layer = case.layer.insecure_continue_on_failure();
        send(&layer, forged(case.request)).await.assert_anonymous_after(code);
    }
}

// Headers.

#[tokio::test]
async fn any_seraph_header_twice() {
    for name in REQUEST_HEADERS {
        // Version 2 has all six.
        for value in [None, Some(HeaderValue::from_static("other")), Some(HeaderValue::from_static(""))] {
            let mut request = refusals::signed_in_version_2(&wiki_identity());
            let value = value.unwrap_or_else(|| request.headers()[&name].clone());
            request.headers_mut().append(&name, value);
            let answer = send(&tracker_of_version_2(), request).await;
            answer.assert_refused(Code::RepeatedHeader, 400);
        }
    }
}

/// Version 3 makes no use of these two, and yet their repetition is no honest peer's.
#[tokio::test]
async fn an_unused_seraph_header_twice() {
    for name in [KEY, MAGIC] {
        let mut request = signed();
        request.headers_mut().append(&name, HeaderValue::from_static("a"));
        send(&tracker(), request.clone()).await.assert_accepted("alice");
        request.headers_mut().append(&name, HeaderValue::from_static("a"));
        send(&tracker(), request).await.assert_refused(Code::RepeatedHeader, 400);
    }
}

#[tokio::test]
async fn any_seraph_header_oversized() {
    for name in REQUEST_HEADERS {
        let mut request = refusals::signed_in_version_2(&wiki_identity());
        request.headers_mut().insert(&name, HeaderValue::from_str(&"1".repeat(4097)).unwrap());
        send(&tracker_of_version_2(), request).await.assert_refused(Code::TooLarge, 400);
    }
}

#[tokio::test]
async fn a_blank_certificate_is_none() {
    for value in ["", "  \t"] {
        let mut request = signed();
        request.headers_mut().insert(CERTIFICATE, HeaderValue::from_static(value));
        send(&tracker(), request.clone()).await.assert_refused(Code::MissingCert, 401);
        send(&tracker().optional(), request).await.assert_anonymous();
    }
}

/// From a proxy, with both of the headers that name the client.
fn forwarded_by_both(x_forwarded_for: &'static str, forwarded: &'static str) -> Request<()> {
    let mut request = signed();
    request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static(x_forwarded_for));
    request.headers_mut().insert(header::FORWARDED, HeaderValue::from_static(forwarded));
    request.extensions_mut().insert(SocketAddr::from(([10, 0, 0, 1], 50_000)));
    request
}

#[tokio::test]
async fn forwarded_beside_x_forwarded_for_narrows() {
    let layer = tracker_trusting(trusted().addresses("10.0.0.1, 192.0.2.*".parse().unwrap()));
    for (x_forwarded_for, forwarded) in [
        ("192.0.2.1", "for=198.51.100.1"),
        ("198.51.100.1", "for=192.0.2.1"),
        ("198.51.100.1", "for=198.51.100.1"),
        ("192.0.2.1", "for=192.0.2.1, for=unknown"),
    ] {
        let answer = send(&layer, forwarded_by_both(x_forwarded_for, forwarded)).await;
        answer.assert_refused(Code::BadXForwardIp, 403);
    }
    send(&layer, forwarded_by_both("192.0.2.1", "for=192.0.2.2")).await.assert_accepted("alice");
}

/// One of the two may be the client's own invention, and nothing says which.
#[tokio::test]
async fn forwarded_beside_x_forwarded_for_behind_trusted_proxies() {
    let layer = tracker_trusting(trusted().addresses("192.0.2.*".parse().unwrap()))
        .source_addresses(SourceAddresses::TrustedProxies("10.0.0.*".parse().unwrap()));
    for forwarded in ["for=192.0.2.1", "for=198.51.100.1", "proto=https"] {
        let answer = send(&layer, forwarded_by_both("192.0.2.1", forwarded)).await;
        answer.assert_refused(Code::RepeatedHeader, 400);
    }
    let mut one = forwarded_by_both("192.0.2.1", "");
    one.headers_mut().remove(header::FORWARDED);
    send(&layer, one).await.assert_accepted("alice");
}

/// The client leaves a quote open, and a proxy that appends to its line goes on inside it.
#[tokio::test]
async fn an_open_quote_hides_no_address_that_a_proxy_appends() {
    let every = tracker_trusting(trusted().addresses("10.0.0.1, 192.0.2.*".parse().unwrap()));
    let last = every.clone().source_addresses(SourceAddresses::TrustedProxies("10.0.0.*".parse().unwrap()));
    for opened in
        ["by=\"", "for=192.0.2.1;by=\"", "for=192.0.2.1, x=\"\\", "by=a\"b", "by=\"\";x=\"", "for=\""]
    {
        for appended in ["for=198.51.100.1", "for=\"198.51.100.1\"", "for=\"[2001:db8::1]\";x=\"y\""] {
            let mut request = forwarded_by_both("", "");
            let line = format!("{opened}, {appended}").parse().unwrap();
            request.headers_mut().insert(header::FORWARDED, line);
            request.headers_mut().remove("x-forwarded-for");
            for layer in [&every, &last] {
                let answer = send(layer, request.clone()).await;
                answer.assert_refused(Code::BadXForwardIp, 403);
            }
        }
    }
    let whole = r#"by="a, for=198.51.100.1 \" \\";host=tracker.example.com:80, for=192.0.2.1"#;
    let mut request = forwarded_by_both("", whole);
    request.headers_mut().remove("x-forwarded-for");
    send(&every, request.clone()).await.assert_accepted("alice");
    send(&last, request).await.assert_accepted("alice");
}

// Policies.

#[tokio::test]
async fn optional_is_no_excuse_for_bad_credentials() {
    for &(name, case, code) in refusals::ALL {
        let case = case();
        println!("{name}");
        let answer = send(&case.layer.optional().build().unwrap(), case.request).await;
        match code {
            Code::MissingCert => answer.assert_anonymous(),
            _ => answer.assert_refused(code, answer.response.status().as_u16()),
        }
    }
}

#[tokio::test]
async fn insecure_continue_on_failure_goes_on_with_the_error_in_the_headers() {
    for &(name, case, code) in refusals::ALL {
        let case = case();
        println!("{name}");
        let answer = send(&case.layer.insecure_continue_on_failure().build().unwrap(), case.request).await;
        match code {
            Code::MissingCert => answer.assert_anonymous(),
            Code::Unavailable => answer.assert_refused(code, 503),
            _ => answer.assert_anonymous_after(code),
        }
    }
}

/// What may be answered before a signature was found to hold: whoever does not have the key sees no
/// other code.
const BEFORE_THE_SIGNATURE: [Code; 10] = [
    Code::BadProtocolVersion,
    Code::AppIdNotFound,
    Code::SecretKeyNotFound,
    Code::MagicNumberNotFound,
    Code::AppUnknown,
    Code::BadMagic,
    Code::ServerError,
    Code::BadSignature,
    Code::RepeatedHeader,
    Code::TooLarge,
];

/// Everything that can be sent without the key gets the same answer, to the byte, whether its id is
/// registered or not.
#[tokio::test]
async fn hidden_applications_cannot_be_told_from_unknown_ones() {
    let mut compared = 0;
    for &(name, case, code) in refusals::ALL {
        let case = case();
        let found_by_the_id =
            ["capture_under_another_id", "oversized_application_id", "too_many_forwarded_addresses"];
        if !BEFORE_THE_SIGNATURE.contains(&code) || found_by_the_id.contains(&name) {
            continue;
        }
        for layer in [
            case.layer.clone().hide_unknown_applications(),
            case.layer.insecure_continue_on_failure().hide_unknown_applications(),
        ] {
            let answer = async |id| {
                let mut request = case.request.clone();
                if request.headers().get_all(ID).iter().count() == 1 {
                    request.headers_mut().insert(ID, HeaderValue::from_static(id));
                }
                let response = send(&layer, request).await.response;
                let headers: Vec<_> = response.headers().iter().map(|header| format!("{header:?}")).collect();
                let text = format!("{} {headers:?} {:?}", response.status(), response.body());
                text.replace(id, "<id>")
            };
            assert_eq!(answer("wiki").await, answer("kiwi").await, "{name}");
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared}");
}

#[tokio::test]
async fn hidden_applications_are_still_told_what_only_they_can_find_out() {
    for &(name, case, code) in refusals::ALL {
        let case = case();
        if BEFORE_THE_SIGNATURE.contains(&code) {
            continue;
        }
        println!("{name}");
        let answer = send(&case.layer.hide_unknown_applications().build().unwrap(), case.request).await;
        answer.assert_refused(code, answer.response.status().as_u16());
    }
    send(&tracker().hide_unknown_applications(), signed()).await.assert_accepted("alice");
}

#[tokio::test]
async fn the_skip_predicate_sees_the_request_and_decides_alone() {
    let layer = tracker().skip(|method: &Method, uri, headers: &HeaderMap| {
        *method == Method::GET && uri.path() == "/health" && headers.contains_key("x-probe")
    });
    let request = |method, path, probe: bool| {
        let mut request = unsigned(method, path);
        if probe {
            request.headers_mut().insert("x-probe", HeaderValue::from_static("1"));
        }
        request
    };
    send(&layer, request(Method::GET, "/health", true)).await.assert_anonymous();
    for (method, path, probe) in [
        (Method::POST, "/health", true),
        (Method::GET, "/health", false),
        (Method::GET, "/health/", true),
        (Method::GET, "/rest/issues", true),
    ] {
        send(&layer, request(method, path, probe)).await.assert_refused(Code::MissingCert, 401);
    }
    // Skipped is skipped: nobody looks at the credentials, good or bad.
    let mut bad = request(Method::GET, "/health", true);
    bad.headers_mut().insert(CERTIFICATE, HeaderValue::from_static("bad"));
    send(&layer, bad).await.assert_anonymous();
}

#[tokio::test]
async fn the_certificate_document_is_exempt_and_nothing_beside_it() {
    const DOCUMENT: &str = "/admin/appTrustCertificate";
    let layer = tracker();
    for method in [Method::GET, Method::HEAD] {
        send(&layer, unsigned(method.clone(), DOCUMENT)).await.assert_anonymous();
        send(&layer, unsigned(method, &format!("{DOCUMENT}?a=b"))).await.assert_anonymous();
    }
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH] {
        send(&layer, unsigned(method, DOCUMENT)).await.assert_refused(Code::MissingCert, 401);
    }
    for path in [
        "/x/admin/appTrustCertificate",
        "/admin/appTrustCertificate/",
        "/admin/appTrustCertificate/x",
        "/admin/appTrustCertificate;x",
        "/admin/appTrustCertificate%2f",
        "/admin/appTrustCertificat%65",
        "/admin/apptrustcertificate",
        "//admin/appTrustCertificate",
        "/rest/../admin/appTrustCertificate",
        "/secure?/admin/appTrustCertificate",
        "/admin/appTrustCertificateX",
    ] {
        let answer = send(&layer, unsigned(Method::GET, path)).await;
        assert!(answer.handled.is_none(), "{path}");
        answer.assert_refused(Code::MissingCert, 401);
    }
}

#[tokio::test]
async fn the_certificate_document_is_below_the_context_path() {
    let layer = tracker().context_path("/jira");
    send(&layer, unsigned(Method::GET, "/jira/admin/appTrustCertificate")).await.assert_anonymous();
    for path in
        ["/admin/appTrustCertificate", "/jira/jira/admin/appTrustCertificate", "/x/admin/appTrustCertificate"]
    {
        send(&layer, unsigned(Method::GET, path)).await.assert_refused(Code::MissingCert, 401);
    }
}

// Targets that `http::Uri` cannot hold.

/// As a server hands it on that reads such targets itself: signed for `target`, with a URI that says `stand_in`.
fn with_original_target(target: &str, stand_in: &str) -> Request<()> {
    let mut request = unsigned(Method::GET, stand_in);
    SigningRequest::new("alice", &format!("https://tracker.example.com{target}"), refusals::now())
        .sign(&wiki_identity())
        .unwrap()
        .apply(request.headers_mut());
    request.extensions_mut().insert(OriginalTarget::new(target));
    request
}

#[tokio::test]
async fn the_original_target_is_what_was_signed() {
    let target = "/rest/issues?jql=\"a\"<b>`";
    send(&tracker(), with_original_target(target, "/rest/issues")).await.assert_accepted("alice");
    let mut lost = with_original_target(target, "/rest/issues");
    lost.extensions_mut().clear();
    send(&tracker(), lost).await.assert_refused(Code::BadSignature, 401);
}

#[tokio::test]
async fn the_original_target_is_what_the_path_rule_is_held_against() {
    for (target, code, status) in [
        ("/admin", Code::BadUrl, 403),
        ("/admin?/rest", Code::BadUrl, 403),
        ("/rest/../admin", Code::AmbiguousUrl, 400),
        ("/rest/\\..\\admin", Code::AmbiguousUrl, 400),
    ] {
        send(&tracker(), with_original_target(target, "/rest/issues")).await.assert_refused(code, status);
    }
}

/// Two applications, told apart by key and rules alike.
#[tokio::test]
async fn each_application_has_its_own_rules() {
    let other = TestIdentity::stranger().trusted().paths(PathRule::prefixes(["/secure"])).build().unwrap();
    let keys = MemoryKeyStore::new([wiki(), other]).unwrap();
    let layer =
        TrustedAppLayer::builder(keys, MemoryDirectory::of_names(["alice"]), public_url()).build().unwrap();
    let send_as = async |identity: TestIdentity, path: &str| {
        send(&layer, identity.sign(unsigned(Method::GET, path), "alice", &SystemClock)).await
    };
    send_as(TestIdentity::wiki(), "/rest/issues").await.assert_accepted("alice");
    send_as(TestIdentity::stranger(), "/secure/x").await.assert_accepted("alice");
    send_as(TestIdentity::wiki(), "/secure/x").await.assert_refused(Code::BadUrl, 403);
    send_as(TestIdentity::stranger(), "/rest/issues").await.assert_refused(Code::BadUrl, 403);
}

/// Nothing is everything by accident.
#[test]
fn an_application_without_rules_is_none() {
    let builder =
        || TrustedApplication::builder("wiki".parse().unwrap(), wiki_identity().public_key().clone());
    assert!(builder().build().is_err());
    assert!(builder().paths(PathRule::any()).build().is_err());
    assert!(builder().addresses("10.*.*.*".parse().unwrap()).build().is_err());
}
