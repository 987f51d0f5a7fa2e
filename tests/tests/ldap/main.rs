//! The LDAP directory against a real OpenLDAP server.

mod conformance;
mod faults;
mod find;
mod groups;
mod posix;
mod rule_names;
mod secrets;
mod tls;
mod unreadable;

use std::time::Duration;

use test_services::slapd::{GROUPS, PASSWORD, PEOPLE, READER, Slapd, Tree};
use tower_trusted_app::{BoxError, KnownUser, TrustedApplication, UserDirectory, UserLookup};
use trusted_app_ldap::{GroupSearch, LdapDirectory, LdapDirectoryBuilder};
use trusted_app_tests::wiki;

/// A directory over this server, as one should be set up.
fn directory(server: &Slapd) -> LdapDirectoryBuilder {
    at(server, &server.plain_url())
}

fn at(server: &Slapd, url: &str) -> LdapDirectoryBuilder {
    LdapDirectory::builder(url, PEOPLE)
        .bind(READER, PASSWORD)
        .roots_pem(server.authority())
        .user_filter("(objectClass=inetOrgPerson)")
        .disabled_filter("(employeeType=disabled)")
        .groups(GroupSearch::of_members(GROUPS, "member"))
        .timeout(Duration::from_secs(20))
}

/// A server with alice in it.
fn with_alice() -> Slapd {
    let mut tree = Tree::default();
    let alice = tree.person(&["alice"], false);
    tree.person(&["bob"], false);
    tree.group("staff", &[alice], &[]);
    Slapd::start(&tree)
}

async fn ask<D: UserDirectory>(directory: &D, name: &str) -> Result<UserLookup<D::User>, String> {
    let asked: TrustedApplication = wiki();
    directory.user(&asked, name).await.map_err(|error| Into::<BoxError>::into(error).to_string())
}

/// What the directory says, in a word, or the user's name.
async fn answer<D: UserDirectory>(directory: &D, name: &str) -> String {
    match ask(directory, name).await {
        Ok(UserLookup::Found(KnownUser { name, .. })) => name.to_string(),
        Ok(UserLookup::Denied) => "(denied)".to_owned(),
        Ok(UserLookup::Unknown) => "(unknown)".to_owned(),
        Ok(UserLookup::Ambiguous) => "(ambiguous)".to_owned(),
        Ok(_) => "(something else)".to_owned(),
        Err(error) => format!("(error) {error}"),
    }
}
