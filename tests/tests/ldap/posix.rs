//! Groups that a user is in by `gidNumber`.

use http::{Method, Request};
use test_services::slapd::{self, GROUPS, PEOPLE, Slapd, Tree, group_dn, person_dn};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::permission::ActAsPolicy;
use tower_trusted_app::seraph::Code;
use tower_trusted_app::users::{RequireGroup, UserDirectoryExt};
use tower_trusted_app::{TrustedAppLayer, UserLookup};
use trusted_app_ldap::{ConfigError, GroupSearch, LdapDirectory};
use trusted_app_tests::exchange::send;
use trusted_app_tests::{URL, public_url, sign, wiki};

use crate::{answer, ask, directory};

/// bob's primary group is contractors, which does not list him; he is listed in staff. carol is listed in both and has
/// no number. dave's number is no group's, and two groups have erin's.
fn posix() -> Slapd {
    let mut tree = Tree::default();
    let [bob, carol, dave, erin] = ["bob", "carol", "dave", "erin"].map(|name| tree.person(&[name], false));
    tree.gid(bob, 500);
    tree.gid(dave, 999);
    tree.gid(erin, 700);
    tree.posix_group("contractors", 500, &[carol]);
    tree.posix_group("staff", 600, &[bob, carol]);
    tree.posix_group("one", 700, &[]);
    tree.posix_group("other", 700, &[]);
    Slapd::start(&tree)
}

fn listed() -> GroupSearch {
    GroupSearch::of_member_names(GROUPS, "memberUid")
}

fn counted() -> GroupSearch {
    listed().posix_primary_group(GROUPS)
}

async fn groups(directory: &LdapDirectory, name: &str) -> Vec<String> {
    match ask(directory, name).await {
        Ok(UserLookup::Found(user)) => user.groups.iter().map(ToString::to_string).collect(),
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test]
async fn a_primary_group_by_number_alone_is_a_group() {
    if !slapd::is_installed() {
        return;
    }
    let server = posix();
    let users = directory(&server).groups(counted()).administrator_groups(["Contractors"]).build().unwrap();
    assert_eq!(groups(&users, "bob").await, ["contractors", "staff"]);
    let Ok(UserLookup::Found(bob)) = ask(&users, "bob").await else { panic!("no bob") };
    assert!(bob.administrator);

    // A rule that denies the group.
    let denied = ActAsPolicy::anybody().deny_groups(["contractors"]).insecure_administrators();
    let keys = MemoryKeyStore::new([wiki().to_builder().act_as(denied).build().unwrap()]).unwrap();
    let layer = TrustedAppLayer::builder(keys, users.clone(), public_url()).build().unwrap();
    let request = sign(Request::builder().method(Method::GET).uri(URL).body(()).unwrap(), "bob");
    send(&layer, request).await.assert_refused(Code::PermissionDenied, 403);

    // And one that requires it.
    let required = |group: &str| users.clone().log_in_policy(RequireGroup::any_of([group]).unwrap());
    assert_eq!(answer(&required("contractors"), "bob").await, "bob");
    assert_eq!(answer(&required("guests"), "bob").await, "(something else)");
}

#[tokio::test]
async fn a_primary_group_that_is_not_to_be_had_is_an_error() {
    if !slapd::is_installed() {
        return;
    }
    let server = posix();
    let users = directory(&server).groups(counted()).build().unwrap();
    for (name, person, why) in [
        ("carol", 1, "the entry has no single `gidNumber` that can be read".to_owned()),
        (
            "dave",
            2,
            format!("`gidNumber` is 999, and no group below `{GROUPS}` that can be read is that one"),
        ),
        (
            "erin",
            3,
            format!(
                "`gidNumber` is 700, and several groups are that one: `{}`, `{}`",
                group_dn(2),
                group_dn(3)
            ),
        ),
    ] {
        let expected = format!("(error) the primary group of `{}` cannot be found: {why}", person_dn(person));
        assert_eq!(answer(&users, name).await, expected);
    }
    // Accounts have numbers too, and are no groups.
    let of_all = listed().posix_primary_group("dc=example,dc=com");
    assert_eq!(
        groups(&directory(&server).groups(of_all).build().unwrap(), "bob").await,
        ["contractors", "staff"]
    );
    let of_people = listed().posix_primary_group(PEOPLE);
    let said = answer(&directory(&server).groups(of_people).build().unwrap(), "bob").await;
    assert!(said.starts_with("(error)"), "{said}");
}

#[tokio::test]
async fn a_number_or_a_group_that_cannot_be_read_is_an_error() {
    if !slapd::is_installed() {
        return;
    }
    for rule in
        ["to attrs=gidNumber by * none", "to dn.exact=\"ou=g0,ou=groups,dc=example,dc=com\" by * none"]
    {
        let mut tree = Tree::default();
        let bob = tree.person(&["bob"], false);
        tree.gid(bob, 500);
        tree.posix_group("contractors", 500, &[]);
        tree.access(rule);
        let server = Slapd::start(&tree);
        let users = directory(&server).groups(counted()).build().unwrap();
        let said = answer(&users, "bob").await;
        assert!(said.starts_with("(error) the primary group of"), "{rule}: {said}");
    }
}

/// With each kind of search: a membership that the search does not see is no silent one.
#[tokio::test]
async fn a_primary_group_that_is_neither_counted_nor_ruled_out_is_an_error() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| tree.person(&[name], false));
    let company = tree.group("company", &[alice, bob, carol], &[]);
    let contractors = tree.posix_group("contractors", 500, &[]);
    tree.nest(contractors, company);
    tree.gid(alice, 500);
    tree.primary_group(bob, company);
    let server = Slapd::start(&tree);
    for search in [GroupSearch::of_members(GROUPS, "member"), GroupSearch::member_of("seeAlso")] {
        let users = directory(&server).groups(search.clone()).build().unwrap();
        for (name, attribute, cure) in
            [("alice", "gidNumber", "posix_primary_group"), ("bob", "primaryGroupID", "primary_group")]
        {
            let said = answer(&users, name).await;
            assert!(said.contains(&format!("(`{attribute}`)")), "{search:?}: {said}");
            assert!(said.contains(&format!("`GroupSearch::{cure}`")), "{search:?}: {said}");
        }
        assert_eq!(groups(&users, "carol").await, ["company"], "who has none");

        let without = directory(&server).groups(search.clone().without_primary_group()).build().unwrap();
        let counted = directory(&server).groups(search.posix_primary_group(GROUPS)).build().unwrap();
        assert_eq!(groups(&without, "alice").await, ["company"]);
        assert_eq!(groups(&counted, "alice").await, ["company", "contractors"]);
    }
}

/// The groups that a primary group is in, as those of any other.
#[tokio::test]
async fn a_primary_group_is_nested_like_any_other() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    let alice = tree.person(&["alice"], false);
    tree.gid(alice, 500);
    let contractors = tree.posix_group("contractors", 500, &[]);
    let company = tree.group("company", &[], &[contractors]);
    tree.group("world", &[], &[company]);
    let server = Slapd::start(&tree);
    for search in [GroupSearch::of_members(GROUPS, "member"), GroupSearch::member_of("seeAlso")] {
        let users = directory(&server).groups(search.nested().posix_primary_group(GROUPS)).build().unwrap();
        assert_eq!(groups(&users, "alice").await, ["company", "contractors", "world"]);
    }
}

/// It is found by another attribute, and says nothing about whether the lists can be read.
#[tokio::test]
async fn a_primary_group_is_not_the_membership_that_is_required() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    let [bob, carol] = ["bob", "carol"].map(|name| tree.person(&[name], false));
    tree.gid(bob, 500);
    tree.gid(carol, 500);
    tree.posix_group("contractors", 500, &[]);
    tree.posix_group("staff", 600, &[carol]);
    let server = Slapd::start(&tree);
    let users = directory(&server).groups(counted().require_membership()).build().unwrap();
    assert_eq!(
        answer(&users, "bob").await,
        format!("(error) `{}` is in no LDAP group that can be read", person_dn(0))
    );
    assert_eq!(groups(&users, "carol").await, ["contractors", "staff"]);
}

#[test]
fn a_search_by_names_says_whether_primary_groups_count() {
    let build = |search| {
        let users = LdapDirectory::builder("ldap://127.0.0.1", PEOPLE).insecure_plaintext();
        users.groups(search).build()
    };
    for incomplete in [listed(), listed().nested(), listed().primary_group(GROUPS)] {
        let refused = build(incomplete.clone()).unwrap_err();
        assert!(matches!(refused, ConfigError::PrimaryGroupNotStated), "{incomplete:?}: {refused}");
        let said = refused.to_string();
        for cure in ["GroupSearch::posix_primary_group", "GroupSearch::without_primary_group"] {
            assert!(said.contains(cure), "{said}");
        }
    }
    for complete in [
        listed().without_primary_group(),
        counted(),
        counted().primary_group(GROUPS),
        GroupSearch::of_members(GROUPS, "member"),
        GroupSearch::member_of("memberOf"),
    ] {
        assert!(build(complete.clone()).is_ok(), "{complete:?}");
    }
}
