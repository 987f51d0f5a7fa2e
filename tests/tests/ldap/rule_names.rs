//! Which names in rules the server has.

use test_services::slapd::{self, GROUPS, Slapd, Tree};
use tower_trusted_app::store::NameLookup::{self, CannotTell, Unknown};
use tower_trusted_app::users::{UserDirectoryExt, check_rule_names};
use tower_trusted_app::{ActAsPolicy, UserDirectory};
use trusted_app_ldap::GroupSearch;
use trusted_app_tests::wiki;

use crate::directory;

fn server() -> Slapd {
    let mut tree = Tree::default();
    let [alice, _mallory] =
        [("alice", false), ("mallory", true)].map(|(name, off)| tree.person(&[name], off));
    tree.person(&["zoe\u{308}"], false);
    tree.gid(alice, 500);
    tree.group("staff", &[alice], &[]);
    tree.posix_group("contractors", 500, &[]);
    tree.group("Domain (Users) *", &[], &[]);
    Slapd::start(&tree)
}

fn known(name: &str) -> NameLookup {
    NameLookup::Known(name.into())
}

#[tokio::test]
async fn users_and_groups_by_name() {
    if !slapd::is_installed() {
        return;
    }
    let server = server();
    let users = directory(&server).build().unwrap();
    for (name, expected) in [
        ("alice", known("alice")),
        ("ALICE", known("alice")),
        ("mallory", known("mallory")),
        ("zo\u{eb}", known("zoe\u{308}")),
        ("alice ", Unknown),
        ("al*", Unknown),
        ("staff", Unknown),
        ("", Unknown),
    ] {
        assert_eq!(users.knows_user(name).await.unwrap(), expected, "{name:?}");
    }
    for (name, expected) in [
        ("staff", known("staff")),
        ("Staff", known("staff")),
        ("Domain (Users) *", known("Domain (Users) *")),
        ("contractors", known("contractors")),
        ("contractor", Unknown),
        ("cn=staff,ou=groups,dc=example,dc=com", Unknown),
        ("st*", Unknown),
        ("alice", Unknown),
        ("", Unknown),
    ] {
        assert_eq!(users.knows_group(name).await.unwrap(), expected, "{name:?}");
    }
}

/// Where users list their groups, there is no place to search for one.
#[tokio::test]
async fn a_search_without_a_base_cannot_tell() {
    if !slapd::is_installed() {
        return;
    }
    let server = server();
    let listed = || GroupSearch::member_of("seeAlso");
    for (search, staff, stuff) in [
        (listed(), CannotTell, CannotTell),
        (listed().without_primary_group(), CannotTell, CannotTell),
        (listed().posix_primary_group(GROUPS), known("staff"), CannotTell),
        (GroupSearch::of_member_names(GROUPS, "memberUid").without_primary_group(), known("staff"), Unknown),
    ] {
        let users = directory(&server).groups(search.clone()).build().unwrap();
        assert_eq!(users.knows_group("staff").await.unwrap(), staff, "{search:?}");
        assert_eq!(users.knows_group("stuff").await.unwrap(), stuff, "{search:?}");
    }
}

#[tokio::test]
async fn a_rule_about_no_one_is_found_and_an_outage_is_an_error() {
    if !slapd::is_installed() {
        return;
    }
    let mut server = server();
    let users = directory(&server).administrator_groups(["STAFF", "admins"]).build().unwrap().cached();
    let policy = ActAsPolicy::anybody().deny_groups(["contractor", "Staff"]).deny_users(["mallory", "bob"]);
    let application = wiki().to_builder().act_as(policy).build().unwrap();
    let problems = check_rule_names(&users, [&application]).await.unwrap();
    let names: Vec<_> = problems.iter().map(|problem| &*problem.name).collect();
    assert_eq!(names, ["admins", "bob", "contractor"]);
    server.stop();
    assert!(check_rule_names(&users, [&application]).await.is_err());
}
