//! Which groups a user is in.

use test_services::slapd::{self, GROUPS, Slapd, Tree};
use tower_trusted_app::UserLookup;
use trusted_app_ldap::{ConfigError, GroupSearch, LdapDirectory};

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
    let server = nested();
    // `ou` stands in for `memberUid`: the group whose `ou` is the user's name.
    let mut tree = Tree::default();
    tree.person(&["g0"], false);
    tree.person(&["g1"], false);
    tree.group("first", &[], &[]);
    drop(server);
    let server = Slapd::start(&tree);
    let users =
        directory(&server).groups(GroupSearch::of_member_names(GROUPS, "ou").nested()).build().unwrap();
    assert_eq!(groups(&users, "g0").await, ["first"]);
    assert_eq!(groups(&users, "g1").await, [""; 0]);
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

/// Without a search for groups nobody would be an administrator, and applications could act as all of them.
#[test]
fn groups_of_administrators_want_a_search_for_groups() {
    let users = LdapDirectory::builder("ldap://127.0.0.1", "dc=example").administrator_groups(["admins"]);
    assert!(matches!(users.build(), Err(ConfigError::NoGroupSearch)));
}
