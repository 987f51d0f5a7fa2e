//! Nothing is said to a server that has not proved who it is.

use test_services::slapd::{self, PASSWORD, PEOPLE, READER, Slapd, Tree, certify, date_time_ymd, self_sign};
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
async fn a_certificate_that_is_not_accepted_is_told_why_and_what_to_do() {
    if !slapd::is_installed() {
        return;
    }
    let hosts = ["localhost", "127.0.0.1"];
    let expired = certify(&hosts, |server| {
        server.not_before = date_time_ymd(2001, 1, 1);
        server.not_after = date_time_ymd(2002, 3, 4);
    });
    let early = certify(&hosts, |server| server.not_before = date_time_ymd(3001, 1, 1));
    let (other, again) = (self_sign(&["x"], true), certify(&[], |_| {}));
    let (own_root, other_root, made_again) = (None, Some(other.authority()), Some(again.authority()));
    for (certificate, root, expected) in [
        (self_sign(&hosts, true), own_root, "an authority (CA:TRUE), which cannot be a server's own"),
        (self_sign(&hosts, true), other_root, "an authority (CA:TRUE), which cannot be a server's own"),
        (certify(&hosts, |_| {}), other_root, "no root that is trusted here has signed it"),
        (self_sign(&hosts, false), other_root, "no root that is trusted here has signed it"),
        (certify(&hosts, |_| {}), made_again, "does not fit the key of the root with its authority's name"),
        (
            certify(&["ldap.example.com"], |_| {}),
            own_root,
            "it is for `ldap.example.com`, not for `127.0.0.1`",
        ),
        (certify(&[], |_| {}), own_root, "it is for no name at all, not for `127.0.0.1`: let its authority"),
        (expired, own_root, "it expired at 2002-03-04T00:00:00"),
        (early, own_root, "it is not valid before 3001-01-01T00:00:00"),
    ] {
        let server = Slapd::start_with(&Tree::default(), &certificate);
        for url in [server.plain_url(), server.tls_url()] {
            let users = at(&server, &url).roots_pem(root.unwrap_or(server.authority())).build().unwrap();
            let said = answer(&users, "alice").await;
            let start = "(error) cannot connect to the LDAP server: its certificate is not accepted: ";
            assert!(said.starts_with(start) && said.contains(expected), "{url}: {said}");
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
