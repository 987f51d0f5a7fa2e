//! What JIRA 4.1's administrators' guide says about the fields of the form, sentence by sentence: each is filled in
//! there, and then signed requests to a server show that it is obeyed.
//!
//! | | The guide says | Test |
//! |---|---|---|
//! | S18 | the time-out is how long a request may take | `s18_…_given`, `s18_…_not_given` |
//! | S19 | addresses, one a line | `s19_…` |
//! | S20 | an asterisk is a wildcard | `s20_…` |
//! | S21 | a proxy that asks for its clients: its address and theirs | `s21_…` |
//! | S22 | one that hands over their addresses, or none: theirs | `s22_…` |
//! | S23 | each node of a cluster must be entered | `s23_…` |
//! | S24 | with commas between them | `s24_…` |
//! | S25 | or by a wildcard | `s25_…` |
//! | S26 | the URLs that may be used | `s26_…` |
//! | S27 | `/sr/jira.issueviews:searchrequest` searches for issues | `s27_…` |
//! | S28 | `/secure/RunPortlet` shows portlets | `s28_…` |
//! | S29 | `/rest` is the REST API | `s29_…` |
//! | S30 | "Add" adds it | `s30_…` |
//!
//! S9 to S17 and S31, which are about the pages alone, are in `seed.rs`. The requests come from addresses of the
//! loop-back network.

use std::time::Duration;

use tower_trusted_app::ApplicationRegistry;
use tower_trusted_app::{SourceAddresses, Timestamp};
use trusted_app_test::TestIdentity;

use crate::tracker::{Tracker, WIKI};

/// That a request is accepted until it is that old, and not a millisecond longer.
async fn expires_after(tracker: &Tracker, millis: u64) {
    let request = tracker.sign("/rest/issues", &[]);
    tracker.world.clock.advance(Duration::from_millis(millis));
    tracker.send(WIKI, &request).await.accepted();
    tracker.world.clock.advance(Duration::from_millis(1));
    tracker.send(WIKI, &request).await.refused(401, "OLD_CERT");
    // Nor does it grow good again, and the next is.
    tracker.world.clock.advance(Duration::from_secs(3600));
    tracker.send(WIKI, &request).await.refused(401, "OLD_CERT");
    tracker.ask_from(WIKI).await.accepted();
}

#[tokio::test]
async fn s18_the_timeout_that_is_given() {
    expires_after(&Tracker::with(&[("timeout_ms", "5000")]).await, 5000).await;
    let tracker = Tracker::with(&[("timeout_ms", "60000")]).await;
    expires_after(&tracker, 60_000).await;
    tracker.edit(&[("timeout_ms", "1")]).await.location();
    expires_after(&tracker, 1).await;
    for no_timeout in ["", "0", "-1", "ten"] {
        let refused = Tracker::empty(|layer| layer).await.add(&[("timeout_ms", no_timeout)]).await;
        refused.has("You must specify a positive Timeout value.");
    }
}

#[tokio::test]
async fn s18_the_timeout_that_is_not_given_is_ten_seconds() {
    let tracker = Tracker::with(&[]).await;
    assert_eq!(tracker.world.get("/trusted-applications/edit?id=wiki").await.value("timeout_ms"), "10000");
    expires_after(&tracker, 10_000).await;
}

#[tokio::test]
async fn s19_addresses_one_a_line() {
    let tracker = Tracker::with(&[("addresses", "127.0.0.2\r\n127.0.0.3")]).await;
    tracker.ask_from("127.0.0.2").await.accepted();
    tracker.ask_from("127.0.0.3").await.accepted();
    tracker.ask_from("127.0.0.4").await.refused(403, "BAD_REMOTE_IP");
    tracker.edit(&[("addresses", "127.0.0.4")]).await.location();
    tracker.ask_from("127.0.0.2").await.refused(403, "BAD_REMOTE_IP");
    tracker.ask_from("127.0.0.4").await.accepted();
    tracker.edit(&[("addresses", " \r\n ")]).await.has("You must specify IP addresses to match against.");
    tracker.ask_from("127.0.0.2").await.refused(403, "BAD_REMOTE_IP");
}

#[tokio::test]
async fn s20_an_asterisk_is_a_whole_number() {
    let tracker = Tracker::with(&[("addresses", "127.111.*.*")]).await;
    for inside in ["127.111.0.0", "127.111.17.4", "127.111.255.255"] {
        tracker.ask_from(inside).await.accepted();
    }
    for outside in ["127.110.255.255", "127.112.0.0", "127.0.111.1"] {
        tracker.ask_from(outside).await.refused(403, "BAD_REMOTE_IP");
    }
    tracker.edit(&[("addresses", "192.111.*.*")]).await.location();
    tracker.ask_from("127.111.17.4").await.refused(403, "BAD_REMOTE_IP");
    // As a copy of the guide shows it, without its asterisks.
    tracker.edit(&[("addresses", "192.111..")]).await.has("The IP address pattern: 192.111.. is invalid.");
}

/// Squid, `mod_proxy`.
#[tokio::test]
async fn s21_a_proxy_and_all_its_clients() {
    const PROXY: &str = "127.0.0.9";
    let forwarded = async |tracker: &Tracker, clients: &[&str]| {
        let lines: Vec<_> = clients.iter().map(|client| format!("X-Forwarded-For: {client}")).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        tracker.send(PROXY, &tracker.sign("/rest/issues", &lines)).await
    };
    let both = Tracker::with(&[("addresses", "127.0.0.9\r\n192.0.2.*")]).await;
    forwarded(&both, &["192.0.2.1"]).await.accepted();
    forwarded(&both, &["192.0.2.1, 192.0.2.2", "192.0.2.3"]).await.accepted();
    forwarded(&both, &["198.51.100.1, 192.0.2.1"]).await.refused(403, "BAD_XFORWARD_IP");
    forwarded(&both, &["192.0.2.1", "198.51.100.1"]).await.refused(403, "BAD_XFORWARD_IP");
    both.edit(&[("addresses", "127.0.0.9")]).await.location();
    forwarded(&both, &["192.0.2.1"]).await.refused(403, "BAD_XFORWARD_IP");
    both.edit(&[("addresses", "192.0.2.*")]).await.location();
    forwarded(&both, &["192.0.2.1"]).await.refused(403, "BAD_REMOTE_IP");
}

/// AJP then; now a server that knows its proxies.
#[tokio::test]
async fn s22_the_client_alone_where_the_proxy_hands_its_address_over_or_there_is_none() {
    let proxies = || SourceAddresses::TrustedProxies("127.0.0.9".parse().unwrap());
    let tracker = Tracker::empty(|layer| layer.source_addresses(proxies())).await;
    tracker.add(&[("addresses", "127.0.0.2")]).await.location();
    tracker.ask_from("127.0.0.2").await.accepted();
    let through = async |client: &str| {
        let line = format!("X-Forwarded-For: {client}");
        tracker.send("127.0.0.9", &tracker.sign("/rest/issues", &[&line])).await
    };
    through("127.0.0.2").await.accepted();
    through("127.0.0.3").await.refused(403, "BAD_XFORWARD_IP");
}

#[tokio::test]
async fn s23_users_of_a_node_that_is_not_entered_see_nothing() {
    let tracker = Tracker::empty(|layer| layer.insecure_continue_on_failure()).await;
    tracker.add(&[("addresses", "127.16.0.1")]).await.location();
    tracker.ask_from("127.16.0.1").await.accepted();
    tracker.ask_from("127.16.0.2").await.anonymous_after("BAD_REMOTE_IP");
    tracker.edit(&[("addresses", "127.16.0.1\r\n127.16.0.2")]).await.location();
    tracker.ask_from("127.16.0.2").await.accepted();
}

#[tokio::test]
async fn s24_nodes_with_commas_between_them() {
    for nodes in [
        "127.16.0.1,127.16.0.2,127.16.0.3",
        "127.16.0.1, 127.16.0.2 ,127.16.0.3,",
        "127.16.0.1\r\n127.16.0.2, 127.16.0.3",
    ] {
        let tracker = Tracker::with(&[("addresses", nodes)]).await;
        for node in ["127.16.0.1", "127.16.0.2", "127.16.0.3"] {
            tracker.ask_from(node).await.accepted();
        }
        tracker.ask_from("127.16.0.4").await.refused(403, "BAD_REMOTE_IP");
    }
    let refused = Tracker::empty(|layer| layer).await.add(&[("addresses", "192,168,0,1")]).await;
    refused.has("The IP address pattern: 192,168,0,1 is invalid.");
}

#[tokio::test]
async fn s25_nodes_by_a_wildcard() {
    let tracker = Tracker::with(&[("addresses", "127.16.0.*")]).await;
    for node in ["127.16.0.0", "127.16.0.7", "127.16.0.255"] {
        tracker.ask_from(node).await.accepted();
    }
    for other in ["127.16.1.0", "127.15.255.255", "127.160.0.1"] {
        tracker.ask_from(other).await.refused(403, "BAD_REMOTE_IP");
    }
}

#[tokio::test]
async fn s26_only_the_urls_that_are_entered() {
    let tracker = Tracker::empty(|layer| layer.context_path("/jira")).await;
    tracker.add(&[("paths", "/browse\r\n/secure/IssueNav")]).await.location();
    // Below the context path, by how they begin, and whatever the query is.
    for path in ["/jira/browse", "/jira/browse/HSP-1?page=/../x", "/jira/secure/IssueNavigator.jspa"] {
        tracker.ask_for(path).await.accepted();
    }
    for path in [
        "/jira/rest/issues",
        "/jira/secure/Dashboard.jspa?x=/browse",
        "/jira/Browse",
        "/jira/x/browse",
        "/browse",
        "/jira",
    ] {
        tracker.ask_for(path).await.refused(403, "BAD_URL");
    }
    tracker.edit(&[("paths", "/rest")]).await.location();
    tracker.ask_for("/jira/rest/issues").await.accepted();
    tracker.ask_for("/jira/browse").await.refused(403, "BAD_URL");
    tracker.edit(&[("paths", "\r\n")]).await.has("You must specify URLs to match against.");
}

/// That the form proposes this path as that line, and that it alone covers those requests.
async fn proposes(line: usize, proposed: &str, covered: &[&str]) {
    let tracker = Tracker::with(&[]).await;
    let paths = tracker.world.get("/trusted-applications/edit?id=wiki").await.area("paths");
    let lines: Vec<_> = paths.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[line], proposed);
    for path in covered {
        tracker.ask_for(path).await.accepted();
    }
    let others: Vec<_> = lines.iter().copied().filter(|one| *one != proposed).collect();
    tracker.edit(&[("paths", &others.join("\r\n"))]).await.location();
    for path in covered {
        tracker.ask_for(path).await.refused(403, "BAD_URL");
    }
}

#[tokio::test]
async fn s27_searching_for_issues_is_proposed() {
    let covered = [
        "/sr/jira.issueviews:searchrequest-rss/temp/SearchRequest.xml",
        "/sr/jira.issueviews:searchrequest-xml/temp/SearchRequest.xml?jqlQuery=project+%3D+HSP&tempMax=20",
        "/sr/jira.issueviews:searchrequest/10010/SearchRequest-10010.html",
    ];
    proposes(0, "/sr/jira.issueviews:searchrequest", &covered).await;
}

#[tokio::test]
async fn s28_portlets_are_proposed() {
    let covered = ["/secure/RunPortlet.jspa?portletKey=inprogress", "/secure/RunPortlet"];
    proposes(1, "/secure/RunPortlet", &covered).await;
}

#[tokio::test]
async fn s29_the_rest_api_is_proposed() {
    proposes(2, "/rest", &["/rest", "/rest/gadget/1.0/issueTable/jql?jql=a%20%3D%20b"]).await;
    let tracker = Tracker::with(&[]).await;
    for path in ["/rest/../secure/admin", "/rest/%2e%2e/secure/admin"] {
        tracker.ask_for(path).await.refused(400, "AMBIGUOUS_URL");
    }
}

#[tokio::test]
async fn s30_add_saves_at_once_and_says_who_did() {
    let tracker = Tracker::empty(|layer| layer).await;
    tracker.ask_from(WIKI).await.refused(401, "APP_UNKNOWN");
    tracker.add(&[("name", "")]).await.has("cannot be blank.");
    tracker.ask_from(WIKI).await.refused(401, "APP_UNKNOWN");
    tracker.add(&[]).await.location();
    tracker.ask_from(WIKI).await.accepted();
    let wiki = tracker.world.registry.get(TestIdentity::wiki().id()).await.unwrap().unwrap().unwrap();
    assert_eq!((&*wiki.created.by, wiki.created.clone()), ("admin", wiki.updated));
    assert_ne!(wiki.created.at, Timestamp::from_millis(0));
    tracker.world.get("/trusted-applications/changes").await.has("by admin");
}
