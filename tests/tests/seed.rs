//! What JIRA 4.1's administrators' guide says about trusted applications, sentence by sentence (S1, S7, …), as far as it is
//! about requests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderValue, Request};
use tower_trusted_app::application::TrustedApplicationBuilder;
use tower_trusted_app::conditions::{AddressRule, PathRule};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::users::{MemoryDirectory, user_directory_fn};
use tower_trusted_app::{
    ApplicationId, Clock, KeyStore, SourceAddresses, TrustedAppLayer, TrustedAppLayerBuilder,
    TrustedApplication, UserDirectory, UserLookup,
};
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tests::exchange::{Answer, PAGE, send};
use trusted_app_tests::{URL, public_url};

/// What JIRA 4.1 proposes.
const PROPOSED_PATHS: [&str; 3] = ["/sr/jira.issueviews:searchrequest", "/secure/RunPortlet", "/rest"];

/// The wiki as an administrator enters it in the form.
fn wiki() -> TrustedApplicationBuilder {
    TestIdentity::wiki().trusted().paths(PathRule::prefixes(PROPOSED_PATHS))
}

fn keys(application: TrustedApplicationBuilder) -> MemoryKeyStore {
    MemoryKeyStore::new([application.build().unwrap()]).unwrap()
}

fn users() -> MemoryDirectory {
    MemoryDirectory::of_names(["alice", "bob"])
}

fn tracker<K: KeyStore, D: UserDirectory>(keys: K, users: D) -> TrustedAppLayerBuilder<K, D> {
    TrustedAppLayer::builder(keys, users, public_url()).clock(FixedClock::default())
}

fn tracker_trusting(
    application: TrustedApplicationBuilder,
) -> TrustedAppLayerBuilder<MemoryKeyStore, MemoryDirectory> {
    tracker(keys(application), users())
}

fn signed(user: &str, url: &str) -> Request<()> {
    TestIdentity::wiki().sign(Request::get(url).body(()).unwrap(), user, &FixedClock::default())
}

/// From this address, and forwarded for those.
fn signed_from(address: &str, forwarded: &[&str]) -> Request<()> {
    let mut request = signed("alice", URL);
    request.extensions_mut().insert(SocketAddr::new(address.parse().unwrap(), 50_000));
    for line in forwarded {
        request.headers_mut().append("x-forwarded-for", HeaderValue::from_str(line).unwrap());
    }
    request
}

/// What an application with these addresses gets.
async fn answer_from(addresses: &str, address: &str, forwarded: &[&str]) -> Answer {
    let layer = tracker_trusting(wiki().addresses(addresses.parse().unwrap()));
    send(&layer, signed_from(address, forwarded)).await
}

// Users.

#[tokio::test]
async fn s1_acts_for_any_user_who_is_not_logged_in() {
    let layer = tracker_trusting(wiki()).optional();
    for user in ["alice", "bob"] {
        let request = signed(user, URL);
        assert!(!request.headers().contains_key(http::header::COOKIE));
        assert!(!request.headers().contains_key(http::header::AUTHORIZATION));
        send(&layer, request).await.assert_accepted(user);
    }
    send(&layer, Request::get(URL).body(()).unwrap()).await.assert_anonymous();
}

#[tokio::test]
async fn s7_all_its_users_must_be_our_users() {
    let users = users();
    let layer = tracker(keys(wiki()), users.clone());
    let answer = send(&layer, signed("carol", URL)).await;
    answer.assert_refused(Code::UserUnknown, 401);
    assert!(!String::from_utf8_lossy(answer.response.body()).contains(PAGE));
    assert_eq!(users.get("carol"), UserLookup::Unknown, "no account is made");

    users.insert("carol", ());
    send(&layer, signed("carol", URL)).await.assert_accepted("carol");
}

#[tokio::test]
async fn s8_user_names_must_be_identical() {
    let layer = tracker_trusting(wiki());
    send(&layer, signed("alice", URL)).await.assert_accepted("alice");
    for other in ["Alice", "ALICE", " alice", "alice ", "alice\u{301}", "a1ice", "alice@example.com"] {
        send(&layer, signed(other, URL)).await.assert_refused(Code::UserUnknown, 401);
    }
}

/// JIRA puts names into lower case before it looks them up. Here the directory may, and then all the rest sees the
/// name that it answers with.
#[tokio::test]
async fn s8_a_directory_may_pass_over_letter_case() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let directory = user_directory_fn({
        let (users, asked) = (users(), Arc::clone(&asked));
        move |_: ApplicationId, name: String| {
            let found = users.get(&name.to_ascii_lowercase());
            asked.lock().unwrap().push(name);
            async { Ok::<_, Infallible>(found) }
        }
    });
    let layer = tracker(keys(wiki()), directory);
    send(&layer, signed("AliCE", URL)).await.assert_accepted("alice");
    assert_eq!(*asked.lock().unwrap(), ["AliCE"]);
}

// Time-out.

#[tokio::test]
async fn s18_both_sides_of_the_timeout() {
    assert_eq!(TrustedApplication::DEFAULT_TIMEOUT, Duration::from_millis(10_000));
    for timeout in [None, Some(1), Some(10_000), Some(60_000)] {
        let application = timeout.map_or_else(wiki, |timeout| wiki().timeout(Duration::from_millis(timeout)));
        let timeout = timeout.unwrap_or(10_000);
        let clock = FixedClock::default();
        let layer = tracker_trusting(application).clock(clock.clone());
        let request = signed("alice", URL);
        for (age, accepted) in [(0, true), (timeout, true), (timeout + 1, false), (timeout * 1_000, false)] {
            clock.set(FixedClock::default().now().saturating_add(Duration::from_millis(age)));
            // Whether the signature is remembered or not.
            for layer in [layer.clone(), layer.clone().remembered_signatures(0)] {
                let answer = send(&layer, request.clone()).await;
                if accepted {
                    answer.assert_accepted("alice");
                } else {
                    answer.assert_refused(Code::OldCert, 401);
                }
            }
        }
    }
}

/// The original lets 0 mean "for ever".
#[test]
fn s18_the_timeout_is_positive() {
    assert!(wiki().timeout(Duration::ZERO).build().is_err());
    assert!(wiki().timeout(Duration::from_micros(999)).build().is_err());
    assert!(wiki().timeout(Duration::from_millis(1)).build().is_ok());
}

/// It bounds the certificate's age on arrival, not how long the answer takes.
#[tokio::test]
async fn s18_the_processing_may_take_longer() {
    let clock = FixedClock::default();
    let slow = user_directory_fn({
        let clock = clock.clone();
        move |_: ApplicationId, name: String| {
            clock.advance(Duration::from_secs(3600));
            async { Ok::<_, Infallible>(UserLookup::found(name, ())) }
        }
    });
    let layer = tracker(keys(wiki()), slow).clock(clock);
    send(&layer, signed("alice", URL)).await.assert_accepted("alice");
}

// Addresses.

#[tokio::test]
async fn s19_addresses_one_a_line() {
    for addresses in ["192.0.2.1", "192.0.2.1\n192.0.2.2", "192.0.2.2\r\n192.0.2.1\r\n"] {
        answer_from(addresses, "192.0.2.1", &[]).await.assert_accepted("alice");
    }
    answer_from("192.0.2.1\n192.0.2.2", "192.0.2.2", &[]).await.assert_accepted("alice");
    answer_from("192.0.2.1\n192.0.2.2", "192.0.2.3", &[]).await.assert_refused(Code::BadRemoteIp, 403);
}

#[tokio::test]
async fn s19_blank_addresses_are_not_every_address() {
    for blank in ["", " ", "\n\n", ",,"] {
        answer_from(blank, "192.0.2.1", &[]).await.assert_refused(Code::BadRemoteIp, 403);
    }
    let not_stated = TestIdentity::wiki();
    let not_stated =
        TrustedApplication::builder(not_stated.id().clone(), not_stated.local().public_key().clone());
    assert!(not_stated.paths(PathRule::prefixes(["/rest"])).build().is_err());
}

#[tokio::test]
async fn s20_wildcards() {
    for (address, matches) in [
        ("192.111.0.0", true),
        ("192.111.255.255", true),
        ("192.111.17.4", true),
        ("192.110.255.255", false),
        ("192.112.0.0", false),
        ("193.111.0.0", false),
        ("::ffff:192.111.17.4", true),
        ("2001:db8::1", false),
    ] {
        let answer = answer_from("192.111.*.*", address, &[]).await;
        if matches { answer.assert_accepted("alice") } else { answer.assert_refused(Code::BadRemoteIp, 403) }
    }
    for no_wildcard in ["192.111..", "192.111.*", "192.111.**", "192.*", "*", "192.111.1*.1"] {
        assert!(no_wildcard.parse::<AddressRule>().is_err(), "{no_wildcard}");
    }
}

/// Squid, `mod_proxy`: the proxy makes the request and names its client in a header.
#[tokio::test]
async fn s21_a_forwarding_proxy_needs_its_own_and_every_clients_address() {
    const PROXY: &str = "10.0.0.1";
    let both = "10.0.0.1, 192.0.2.*";
    answer_from(both, PROXY, &["192.0.2.1"]).await.assert_accepted("alice");
    answer_from(both, PROXY, &["192.0.2.1, 192.0.2.2", "192.0.2.3"]).await.assert_accepted("alice");

    answer_from("192.0.2.*", PROXY, &["192.0.2.1"]).await.assert_refused(Code::BadRemoteIp, 403);
    answer_from("10.0.0.1", PROXY, &["192.0.2.1"]).await.assert_refused(Code::BadXForwardIp, 403);
    // The original reads the first line only.
    for forwarded in
        [&["192.0.2.1, 198.51.100.1"][..], &["192.0.2.1", "198.51.100.1"], &["198.51.100.1, 192.0.2.1"]]
    {
        answer_from(both, PROXY, forwarded).await.assert_refused(Code::BadXForwardIp, 403);
    }
}

/// AJP then, the PROXY protocol or a server that knows its proxies now: what comes through is the client's address.
#[tokio::test]
async fn s22_where_the_client_is_the_peer_its_address_is_enough() {
    answer_from("192.0.2.1", "192.0.2.1", &[]).await.assert_accepted("alice");

    let layer = tracker_trusting(wiki().addresses("192.0.2.1".parse().unwrap()))
        .source_addresses(SourceAddresses::TrustedProxies("10.0.0.*".parse().unwrap()));
    send(&layer, signed_from("10.0.0.1", &["192.0.2.1"])).await.assert_accepted("alice");
    send(&layer, signed_from("10.0.0.1", &["192.0.2.1, 10.0.0.2"])).await.assert_accepted("alice");
    send(&layer, signed_from("192.0.2.1", &[])).await.assert_accepted("alice");
    // What stands left of the client is the client's own word.
    send(&layer, signed_from("10.0.0.1", &["192.0.2.1, 198.51.100.1"]))
        .await
        .assert_refused(Code::BadXForwardIp, 403);
    send(&layer, signed_from("198.51.100.1", &["192.0.2.1"])).await.assert_refused(Code::BadRemoteIp, 403);
}

#[tokio::test]
async fn s23_a_node_that_is_not_listed_shows_its_users_nothing() {
    let keys = keys(wiki().addresses("172.16.0.1".parse().unwrap()));
    let layer = tracker(keys.clone(), users()).insecure_continue_on_failure();
    send(&layer, signed_from("172.16.0.1", &[])).await.assert_accepted("alice");
    send(&layer, signed_from("172.16.0.2", &[])).await.assert_anonymous_after(Code::BadRemoteIp);

    keys.insert(wiki().addresses("172.16.0.1, 172.16.0.2".parse().unwrap()).build().unwrap()).unwrap();
    send(&layer, signed_from("172.16.0.2", &[])).await.assert_accepted("alice");
}

#[tokio::test]
async fn s24_addresses_separated_by_commas() {
    for addresses in [
        "172.16.0.1,172.16.0.2,172.16.0.3",
        "172.16.0.1, 172.16.0.2 ,172.16.0.3,",
        "172.16.0.1\n172.16.0.2,172.16.0.3",
        "172.16.0.1\n172.16.0.2\n172.16.0.3",
    ] {
        for node in ["172.16.0.1", "172.16.0.2", "172.16.0.3"] {
            answer_from(addresses, node, &[]).await.assert_accepted("alice");
        }
        answer_from(addresses, "172.16.0.4", &[]).await.assert_refused(Code::BadRemoteIp, 403);
    }
}

#[test]
fn s24_commas_in_place_of_dots_are_an_error_that_quotes_the_line() {
    let error = "10.0.0.1\n192,168,0,1\n".parse::<AddressRule>().unwrap_err();
    assert!(error.to_string().starts_with("The IP address pattern: 192,168,0,1 is invalid."), "{error}");
}

#[tokio::test]
async fn s25_a_wildcard_for_all_nodes() {
    for node in ["172.16.0.0", "172.16.0.7", "172.16.0.255"] {
        answer_from("172.16.0.*", node, &[]).await.assert_accepted("alice");
    }
    for other in ["172.16.1.0", "172.15.255.255", "172.17.0.1", "172.160.0.1"] {
        answer_from("172.16.0.*", other, &[]).await.assert_refused(Code::BadRemoteIp, 403);
    }
}

// Paths.

async fn answer_at(path: &str) -> Answer {
    send(&tracker_trusting(wiki()), signed("alice", &format!("https://tracker.example.com{path}"))).await
}

#[tokio::test]
async fn s26_only_the_listed_paths() {
    for path in
        ["/", "/secure/Dashboard.jspa", "/secure/admin/ViewUser.jspa", "/sr/", "/RES", "/Rest", "/x/rest"]
    {
        answer_at(path).await.assert_refused(Code::BadUrl, 403);
    }
    // The query is no part of it.
    answer_at("/secure/Dashboard.jspa?x=/rest").await.assert_refused(Code::BadUrl, 403);
    answer_at("/rest?x=/../secure").await.assert_accepted("alice");
}

#[tokio::test]
async fn s26_the_context_path_is_no_part_of_it() {
    let layer = tracker_trusting(wiki()).context_path("/jira");
    let at =
        async |path: &str| send(&layer, signed("alice", &format!("https://tracker.example.com{path}"))).await;
    at("/jira/rest/issues").await.assert_accepted("alice");
    at("/rest/issues").await.assert_refused(Code::BadUrl, 403);
    at("/jira/secure/Dashboard.jspa").await.assert_refused(Code::BadUrl, 403);
    at("/jirarest/issues").await.assert_refused(Code::BadUrl, 403);
}

#[tokio::test]
async fn s26_no_paths_are_none() {
    for none in [&[][..], &[""], &["  "]] {
        let layer = tracker_trusting(wiki().paths(PathRule::prefixes(none.iter().copied())));
        send(&layer, signed("alice", URL)).await.assert_refused(Code::BadUrl, 403);
    }
}

#[tokio::test]
async fn s27_searching_for_issues() {
    for path in [
        "/sr/jira.issueviews:searchrequest-xml/temp/SearchRequest.xml?jqlQuery=project+%3D+HSP&tempMax=20",
        "/sr/jira.issueviews:searchrequest-rss/temp/SearchRequest.xml",
        "/sr/jira.issueviews:searchrequest/10010/SearchRequest-10010.html",
    ] {
        answer_at(path).await.assert_accepted("alice");
    }
    answer_at("/sr/jira.issueviews:single-issue/HSP-1.xml").await.assert_refused(Code::BadUrl, 403);
}

#[tokio::test]
async fn s28_dashboard_portlets() {
    answer_at("/secure/RunPortlet.jspa?portletKey=com.atlassian.jira.plugin.system.portlets:inprogress")
        .await
        .assert_accepted("alice");
    answer_at("/secure/RunPortlet").await.assert_accepted("alice");
    answer_at("/secure/RunPort").await.assert_refused(Code::BadUrl, 403);
}

#[tokio::test]
async fn s29_the_rest_interface() {
    answer_at("/rest").await.assert_accepted("alice");
    answer_at("/rest/gadget/1.0/issueTable/jql?jql=a%20%3D%20b").await.assert_accepted("alice");
    // The original lets these through.
    for path in [
        "/rest/../secure/admin",
        "/rest/%2e%2e/secure/admin",
        "/rest/..;/secure/admin",
        "/rest//x",
        "/rest/%2fx",
    ] {
        answer_at(path).await.assert_refused(Code::AmbiguousUrl, 400);
    }
}

/// A prefix may end inside a segment, which two of the three need. Whoever wants segments says so.
#[tokio::test]
async fn s29_a_prefix_is_no_segment() {
    answer_at("/restricted").await.assert_accepted("alice");
    let subtree = tower_trusted_app::conditions::PathPattern::subtree("/rest").unwrap();
    let layer = tracker_trusting(wiki().paths(PathRule::only([subtree])));
    send(&layer, signed("alice", "https://tracker.example.com/restricted"))
        .await
        .assert_refused(Code::BadUrl, 403);
    send(&layer, signed("alice", URL)).await.assert_accepted("alice");
}
