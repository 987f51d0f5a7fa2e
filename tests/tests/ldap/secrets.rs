//! The password is nobody's business.

use test_services::slapd::{self, PASSWORD, PEOPLE, READER};
use trusted_app_ldap::{ConfigError, LdapDirectory};
use trusted_app_tests::log::Log;

use crate::{answer, at, directory, with_alice};

#[tokio::test]
async fn the_password_is_in_no_text() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_alice();
    let log = Log::start();
    let builder = directory(&server);
    let mut texts = vec![format!("{builder:?}")];
    let users = builder.build().unwrap();
    texts.push(format!("{users:?}"));
    assert_eq!(answer(&users, "alice").await, "alice");

    let wrong = "another very particular password";
    let refused = at(&server, &server.plain_url()).bind(READER, wrong).build().unwrap();
    let said = answer(&refused, "alice").await;
    assert!(said.starts_with("(error) cannot bind to the LDAP server"), "{said}");
    texts.push(said);
    texts.extend(log.take().into_iter().map(|record| format!("{record:?}")));
    for text in texts {
        assert!(!text.contains("very particular"), "{text}");
    }
}

#[tokio::test]
async fn who_may_not_read_is_told_nothing() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_alice();
    let anonymous = LdapDirectory::builder(server.plain_url(), PEOPLE).roots_pem(server.authority());
    let said = answer(&anonymous.build().unwrap(), "alice").await;
    assert!(said.starts_with("(error)"), "nobody is unknown because nobody may look: {said}");
}

#[test]
fn an_empty_password_is_refused() {
    let builder = LdapDirectory::builder("ldap://localhost", PEOPLE).bind(READER, "");
    assert!(matches!(builder.build(), Err(ConfigError::EmptyPassword)));
    assert_ne!(PASSWORD, "");
}
