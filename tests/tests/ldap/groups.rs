//! Which groups a user is in.

use test_services::slapd::{self, GROUPS, Slapd, Tree};
use tower_trusted_app::UserLookup;
use trusted_app_ldap::{ConfigError, GroupSearch, LdapDirectory};
use trusted_app_tests::log::Log;

use crate::{ask, directory};

/// alice is in staff, staff is in company, company is in world, and world is in staff. bob is in company alone. carol is
/// in none.
fn nested() -> Slapd {
    let mut tree = Tree::default();
    let [alice, bob, _carol] = ["alice", "bob", "carol"].map(|name| tree.person(&[name], false));
    let staff = tree.group("staff", &[alice], &[]);
    let company = tree.group("The Company, Inc. (*)", &[bob], &[staff]);
    let world = tree.group("world", &[], &[company]);
    tree.nest(world, staff);
    tree.group("others", &[], &[]);
    Slapd::start(&tree)
}

async fn groups(directory: &LdapDirectory, name: &str) -> Vec<String> {
    match ask(directory, name).await {
        Ok(UserLookup::Found(user)) => user.groups.iter().map(ToString::to_string).collect(),
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test]
async fn flat_and_nested_by_members_and_by_the_users_own_list() {
    if !slapd::is_installed() {
        return;
    }
    let server = nested();
    let company = "The Company, Inc. (*)";
    for search in [GroupSearch::of_members(GROUPS, "member"), GroupSearch::member_of("seeAlso")] {
        let flat = directory(&server).groups(search.clone()).build().unwrap();
        assert_eq!(groups(&flat, "alice").await, ["staff"], "{search:?}");
        assert_eq!(groups(&flat, "bob").await, [company]);
        assert_eq!(groups(&flat, "carol").await, [""; 0]);

        let nested = directory(&server).groups(search.clone().nested()).build().unwrap();
        assert_eq!(groups(&nested, "alice").await, [company, "staff", "world"], "{search:?}");
        assert_eq!(groups(&nested, "bob").await, [company, "staff", "world"]);
        assert_eq!(groups(&nested, "carol").await, [""; 0]);
    }
}

#[tokio::test]
async fn groups_that_list_names() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    let alice = tree.person(&["alice"], false);
    tree.person(&["bob"], false);
    tree.posix_group("first", 500, &[alice]);
    let server = Slapd::start(&tree);
    let search = GroupSearch::of_member_names(GROUPS, "memberUid").nested().without_primary_group();
    let users = directory(&server).groups(search).build().unwrap();
    assert_eq!(groups(&users, "alice").await, ["first"]);
    assert_eq!(groups(&users, "bob").await, [""; 0]);
}

#[tokio::test]
async fn administrators_are_in_a_group() {
    if !slapd::is_installed() {
        return;
    }
    let server = nested();
    let search = GroupSearch::of_members(GROUPS, "member").nested();
    let users = directory(&server).groups(search).administrator_groups(["World"]).build().unwrap();
    for (name, expected) in [("alice", true), ("bob", true), ("carol", false)] {
        let Ok(UserLookup::Found(user)) = ask(&users, name).await else { panic!("{name}") };
        assert_eq!(user.administrator, expected, "{name}");
    }
}

/// Composed or decomposed, in whatever letter case: a group of administrators is one name.
#[tokio::test]
async fn a_group_of_administrators_in_another_unicode_form() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    let [alice, bob] = ["alice", "bob"].map(|name| tree.person(&[name], false));
    tree.group("Mu\u{308}ller", &[alice], &[]);
    tree.group("Muller", &[bob], &[]);
    let server = Slapd::start(&tree);
    for written in ["Müller", "MÜLLER", "müller"] {
        let users = directory(&server).administrator_groups([written]).build().unwrap();
        for (name, expected) in [("alice", true), ("bob", false)] {
            let Ok(UserLookup::Found(user)) = ask(&users, name).await else { panic!("{name}") };
            assert_eq!(user.administrator, expected, "{name}, {written}");
        }
    }
}

#[test]
fn a_group_of_administrators_that_no_directory_can_have_is_refused() {
    let users = |name: &str| {
        LdapDirectory::builder("ldap://127.0.0.1", "dc=example")
            .insecure_plaintext()
            .groups(GroupSearch::of_members(GROUPS, "member"))
            .administrator_groups(["staff", name])
            .build()
    };
    for (name, right) in [
        ("admins ", "write `admins`"),
        ("\u{a0}admins", "write `admins`"),
        ("admins\u{200b}", "write `admins`"),
        ("admins\n", "write `admins`"),
        ("mu\u{308}ller", "write `müller`"),
        ("", "it is blank"),
        ("*", "list the groups by name"),
    ] {
        let refused = users(name).unwrap_err().to_string();
        assert!(refused.starts_with("groups of administrators:") && refused.contains(right), "{refused}");
    }
    let log = Log::start();
    assert!(users("Domain Admins").is_ok());
    assert_eq!(log.take().len(), 0);
    assert!(users("cn=admins,ou=groups,dc=example").is_ok());
    let [warning] = &log.take()[..] else { panic!("one line") };
    assert_eq!(warning.level, tracing::Level::WARN);
    assert!(warning.message.ends_with("such as `admins`"), "{warning:?}");
}

/// Without a search for groups nobody would be an administrator, and applications could act as all of them.
#[test]
fn groups_of_administrators_want_a_search_for_groups() {
    let users = LdapDirectory::builder("ldap://127.0.0.1", "dc=example").administrator_groups(["admins"]);
    assert!(matches!(users.build(), Err(ConfigError::NoGroupSearch)));
}
