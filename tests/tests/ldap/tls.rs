//! Nothing is said to a server that has not proved who it is.

use test_services::slapd::{self, PASSWORD, PEOPLE, READER, Slapd, Tree};
use trusted_app_ldap::LdapDirectory;

use crate::{answer, at, with_alice};

#[tokio::test]
async fn start_tls_and_ldaps() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_alice();
    for url in [server.plain_url(), server.tls_url(), server.tls_url().replace("127.0.0.1", "localhost")] {
        let users = at(&server, &url).build().unwrap();
        assert_eq!(answer(&users, "alice").await, "alice", "{url}");
    }
}

#[tokio::test]
async fn a_certificate_of_another_host_or_authority_is_refused() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    tree.person(&["alice"], false);
    let elsewhere = Slapd::start_for(&tree, &["ldap.example.com"]);
    for url in
        [elsewhere.plain_url(), elsewhere.tls_url(), elsewhere.tls_url().replace("127.0.0.1", "localhost")]
    {
        let said = answer(&at(&elsewhere, &url).build().unwrap(), "alice").await;
        assert!(said.starts_with("(error) cannot connect to the LDAP server"), "{url}: {said}");
        assert!(said.contains("certificate"), "{url}: {said}");
    }

    let server = with_alice();
    for url in [server.plain_url(), server.tls_url()] {
        let other_authority = at(&elsewhere, &url).build().unwrap();
        let said = answer(&other_authority, "alice").await;
        assert!(said.starts_with("(error) cannot connect to the LDAP server"), "{url}: {said}");
        // And whatever this system trusts, it is not this authority.
        if let Ok(of_the_system) = LdapDirectory::builder(&url, PEOPLE).bind(READER, PASSWORD).build() {
            let said = answer(&of_the_system, "alice").await;
            assert!(said.starts_with("(error) cannot connect to the LDAP server"), "{url}: {said}");
        }
    }
}

#[tokio::test]
async fn without_tls_only_by_that_name() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_alice();
    let plain = at(&server, &server.plain_url()).insecure_plaintext().build().unwrap();
    assert_eq!(answer(&plain, "alice").await, "alice");
    // It changes nothing about `ldaps://`.
    let mut tree = Tree::default();
    tree.person(&["alice"], false);
    let elsewhere = Slapd::start_for(&tree, &["ldap.example.com"]);
    let tls = at(&elsewhere, &elsewhere.tls_url()).insecure_plaintext().build().unwrap();
    assert!(answer(&tls, "alice").await.starts_with("(error) cannot connect"));
}
