//! An outage is 503, never 401, never a pass; and when it is over, it is over.

use std::time::{Duration, Instant};

use http::Request;
use test_services::slapd::{self, Slapd};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::{TrustedAppLayer, UserDirectory};
use trusted_app_ldap::{LdapDirectory, LdapDirectoryBuilder};
use trusted_app_tests::exchange::{Answer, PAGE};
use trusted_app_tests::tcp_proxy::TcpProxy;
use trusted_app_tests::{URL, public_url, sign, wiki};

use crate::{answer, at, directory, with_alice};

/// What the layer answers to a request as alice.
async fn request(users: &LdapDirectory, name: &str) -> Outcome {
    let keys = MemoryKeyStore::new([wiki()]).unwrap();
    let layer = TrustedAppLayer::builder(keys, users.clone(), public_url()).build().unwrap();
    let answer: Answer =
        trusted_app_tests::exchange::send(&layer, sign(Request::get(URL).body(()).unwrap(), name)).await;
    Outcome(answer)
}

struct Outcome(Answer);

impl Outcome {
    #[track_caller]
    fn is_unavailable(&self) {
        self.0.assert_refused(Code::Unavailable, 503);
    }

    #[track_caller]
    fn is_accepted(&self) {
        assert_eq!(self.0.response.status(), 200);
        assert_eq!(self.0.response.body(), PAGE);
    }
}

fn impatient(server: &Slapd) -> LdapDirectory {
    directory(server).timeout(Duration::from_millis(500)).build().unwrap()
}

#[tokio::test]
async fn a_server_that_stops_and_starts_again() {
    if !slapd::is_installed() {
        return;
    }
    let mut server = with_alice();
    let users = directory(&server).build().unwrap();
    for _ in 0..3 {
        request(&users, "alice").await.is_accepted();
        server.stop();
        for name in ["alice", "nobody"] {
            request(&users, name).await.is_unavailable();
        }
        // The connection that was idle is dead, and nobody notices.
        server.restart();
        request(&users, "alice").await.is_accepted();
        request(&users, "nobody").await.0.assert_refused(Code::UserUnknown, 401);
        // Restarted between two requests.
        server.restart();
        request(&users, "alice").await.is_accepted();
    }
}

/// It takes connections and questions, and answers them when nobody waits any more.
#[tokio::test]
async fn a_server_that_answers_late() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_alice();
    let users = impatient(&server);
    assert_eq!(answer(&users, "alice").await, "alice");
    server.suspend();
    for _ in 0..2 {
        // Once on the idle connection, once on a new one.
        let said = answer(&users, "alice").await;
        assert!(said.contains("did not answer within 500ms"), "{said}");
        request(&users, "nobody").await.is_unavailable();
    }
    server.resume();
    // Late answers about alice must not be taken for answers about others.
    let patient = directory(&server).build().unwrap();
    for name in ["bob", "alice", "bob"] {
        assert_eq!(answer(&patient, name).await, name);
    }
    for (name, expected) in
        [("nobody", "(unknown)"), ("bob", "bob"), ("alice", "alice"), ("nobody", "(unknown)")]
    {
        assert_eq!(answer(&users, name).await, expected);
    }
}

/// As many as there are connections hang; the next one waits for its time and no longer, and takes nobody's place.
#[tokio::test]
async fn a_slow_server_does_not_use_up_the_pool() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_alice();
    let users = directory(&server).connections(2).timeout(Duration::from_millis(700)).build().unwrap();
    assert_eq!(answer(&users, "alice").await, "alice");
    server.suspend();
    let mut hanging = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let users = users.clone();
        hanging.spawn(async move { answer(&users, "alice").await });
    }
    for said in hanging.join_all().await {
        assert!(said.contains("did not answer within 700ms"), "{said}");
    }
    server.resume();
    let users = directory(&server).connections(2).build().unwrap();
    let mut many = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let users = users.clone();
        many.spawn(async move { answer(&users, "alice").await });
    }
    assert!(many.join_all().await.iter().all(|said| said == "alice"));
}

#[tokio::test]
async fn nobody_listens_or_nobody_by_that_name() {
    if !slapd::is_installed() {
        return;
    }
    let mut server = with_alice();
    server.stop();
    request(&directory(&server).build().unwrap(), "alice").await.is_unavailable();
    let users = at(&server, "ldap://ldap.invalid").build().unwrap();
    request(&users, "alice").await.is_unavailable();
    drop(users);
}

/// What is wrong with the tree is an outage too: nobody is unknown because the base is gone.
#[tokio::test]
async fn a_base_that_is_not_there() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_alice();
    let users = LdapDirectory::builder(server.tls_url(), "ou=nowhere,dc=example,dc=com")
        .bind(test_services::slapd::READER, test_services::slapd::PASSWORD)
        .roots_pem(server.authority())
        .build()
        .unwrap();
    request(&users, "alice").await.is_unavailable();
}

/// A user's request goes on its way although others' look-ups are given up all the time.
#[tokio::test]
async fn look_ups_that_are_given_up() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_alice();
    let users = directory(&server).connections(2).build().unwrap();
    let wiki = wiki();
    for micros in (0..4000).step_by(100) {
        let given_up = users.user(&wiki, "bob");
        let _ = tokio::time::timeout(Duration::from_micros(micros), given_up).await;
        if micros % 1000 == 0 {
            assert_eq!(answer(&users, "alice").await, "alice");
        }
    }
}

fn through(proxy: &TcpProxy, server: &Slapd) -> LdapDirectoryBuilder {
    at(server, &format!("ldap://{}", proxy.address()))
}

async fn four_at_once(users: &LdapDirectory) -> Vec<String> {
    let mut at_once = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let users = users.clone();
        at_once.spawn(async move { answer(&users, "alice").await });
    }
    at_once.join_all().await
}

/// A firewall forgot the connections that were idle: the first look-up costs half the time, and those after it nothing.
#[tokio::test]
async fn a_kept_connection_that_is_silent() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_alice();
    let proxy = TcpProxy::to(server.plain_address().port()).await;
    let timeout = Duration::from_secs(4);
    let users = through(&proxy, &server).timeout(timeout).build().unwrap();
    assert_eq!(four_at_once(&users).await, ["alice"; 4]);
    assert!(proxy.opened() > 1, "several are kept");

    proxy.silence_open();
    let begun = Instant::now();
    assert_eq!(answer(&users, "alice").await, "alice");
    assert!(begun.elapsed() >= timeout / 2 && begun.elapsed() < timeout, "{:?}", begun.elapsed());
    let begun = Instant::now();
    assert_eq!(four_at_once(&users).await, ["alice"; 4], "the other silent ones were dropped");
    assert!(begun.elapsed() < timeout / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_connection_that_was_idle_for_long_is_not_used() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_alice();
    let proxy = TcpProxy::to(server.plain_address().port()).await;
    let idle = Duration::from_secs(1);
    let users = through(&proxy, &server).idle_timeout(idle).build().unwrap();
    for opened in [1, 2] {
        let begun = Instant::now();
        assert_eq!(answer(&users, "alice").await, "alice");
        assert_eq!(answer(&users, "bob").await, "bob");
        if begun.elapsed() < idle {
            assert_eq!(proxy.opened(), opened);
        }
        tokio::time::sleep(idle + Duration::from_millis(100)).await;
    }
}
