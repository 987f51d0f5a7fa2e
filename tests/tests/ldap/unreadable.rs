//! What our account may not read must not let anybody in.

use test_services::slapd::{self, GROUPS, PASSWORD, PEOPLE, READER, Slapd, Tree, group_dn, person_dn};
use tower_trusted_app::UserLookup;
use trusted_app_ldap::{GroupSearch, LdapDirectory, LdapDirectoryBuilder};

use crate::{answer, ask, directory};

const ENABLED: &str = "(&(employeeType=*)(!(employeeType=disabled)))";

/// alice is in staff, which is in company; mallory is disabled and in no group.
fn tree() -> Tree {
    let mut tree = Tree::default();
    let alice = tree.person(&["alice"], false);
    tree.person(&["mallory"], true);
    let staff = tree.group("staff", &[alice], &[]);
    tree.group("company", &[], &[staff]);
    tree
}

/// Of that tree, with this rule of access.
fn server(rule: &str) -> Slapd {
    let mut tree = tree();
    tree.access(rule);
    Slapd::start(&tree)
}

/// Without a filter for who is disabled, and without groups.
fn plain(server: &Slapd) -> LdapDirectoryBuilder {
    LdapDirectory::builder(server.plain_url(), PEOPLE).bind(READER, PASSWORD).roots_pem(server.authority())
}

#[tokio::test]
async fn only_who_matches_the_enabled_filter_may_log_in() {
    if !slapd::is_installed() {
        return;
    }
    let server = Slapd::start(&tree());
    let enabled = plain(&server).enabled_filter(ENABLED).build().unwrap();
    assert_eq!(answer(&enabled, "alice").await, "alice");
    assert_eq!(answer(&enabled, "mallory").await, "(denied)");
    // Both hold.
    let both =
        plain(&server).enabled_filter("(employeeType=*)").disabled_filter("(uid=alice)").build().unwrap();
    assert_eq!(answer(&both, "alice").await, "(denied)");
    assert_eq!(answer(&both, "mallory").await, "mallory");
    assert!(plain(&server).enabled_filter("employeeType=*").build().is_err());
}

#[tokio::test]
async fn nobody_is_enabled_whose_state_cannot_be_read() {
    if !slapd::is_installed() {
        return;
    }
    let server = server("to attrs=employeeType by * none");
    let enabled = plain(&server).enabled_filter(ENABLED).build().unwrap();
    for name in ["alice", "mallory"] {
        assert_eq!(answer(&enabled, name).await, "(denied)");
    }
    // What the documentation of the other filter warns of.
    let disabled = plain(&server).disabled_filter("(employeeType=disabled)").build().unwrap();
    assert_eq!(answer(&disabled, "mallory").await, "mallory");
}

/// It is found, and then it is not there any more: an entry that may be sent, but not be searched in.
#[tokio::test]
async fn an_entry_that_vanishes_is_not_enabled() {
    if !slapd::is_installed() {
        return;
    }
    let server = server(&format!("to dn.exact=\"{}\" attrs=entry by dn.exact=\"{READER}\" =r", person_dn(1)));
    let unasked = plain(&server).build().unwrap();
    assert_eq!(answer(&unasked, "mallory").await, "mallory", "the search finds it");
    let disabled = plain(&server).disabled_filter("(employeeType=disabled)");
    for users in [disabled, plain(&server).enabled_filter(ENABLED)].map(|users| users.build().unwrap()) {
        let said = answer(&users, "mallory").await;
        assert!(said.starts_with("(error)") && said.contains(&person_dn(1)), "{said}");
        assert_eq!(answer(&users, "alice").await, "alice");
    }
}

/// The group itself, its class, which is what is asked for, and its name.
#[tokio::test]
async fn a_group_that_cannot_be_read_is_an_error() {
    if !slapd::is_installed() {
        return;
    }
    let (staff, company) = (group_dn(0), group_dn(1));
    let listed = || GroupSearch::member_of("seeAlso");
    let members = || GroupSearch::of_members(GROUPS, "member");
    for (rule, unreadable, searches) in [
        (format!("to dn.exact=\"{staff}\" by * none"), &staff, vec![listed()]),
        (format!("to dn.exact=\"{staff}\" attrs=objectClass by * none"), &staff, vec![listed()]),
        (format!("to dn.exact=\"{staff}\" attrs=cn by * none"), &staff, vec![listed(), members()]),
        (format!("to dn.exact=\"{company}\" by * none"), &company, vec![listed().nested()]),
        (
            format!("to dn.exact=\"{company}\" attrs=cn by * none"),
            &company,
            vec![listed().nested(), members().nested()],
        ),
    ] {
        let server = server(&rule);
        for search in searches {
            let users = plain(&server).groups(search.clone()).build().unwrap();
            let said = answer(&users, "alice").await;
            assert!(said.starts_with("(error)") && said.contains(unreadable), "{rule}, {search:?}: {said}");
            assert_eq!(answer(&users, "mallory").await, "mallory", "who is in none");
        }
    }
}

#[tokio::test]
async fn who_must_be_in_a_group_is_in_one_that_can_be_read() {
    if !slapd::is_installed() {
        return;
    }
    let listed = || GroupSearch::member_of("seeAlso");
    let members = || GroupSearch::of_members(GROUPS, "member");
    for search in [listed(), members()] {
        let server = Slapd::start(&tree());
        let users = plain(&server).groups(search.require_membership()).build().unwrap();
        assert_eq!(answer(&users, "alice").await, "alice");
        let said = answer(&users, "mallory").await;
        assert_eq!(said, format!("(error) `{}` is in no LDAP group that can be read", person_dn(1)));
    }
    for (rule, search) in [
        ("to attrs=seeAlso by * none".to_owned(), listed()),
        ("to attrs=member by * none".to_owned(), members()),
        (format!("to dn.exact=\"{}\" by * none", group_dn(0)), members()),
    ] {
        let server = server(&rule);
        let tolerant = plain(&server).groups(search.clone()).build().unwrap();
        assert_eq!(answer(&tolerant, "alice").await, "alice", "it looks like no group");
        let strict = plain(&server).groups(search.require_membership()).build().unwrap();
        let said = answer(&strict, "alice").await;
        assert_eq!(
            said,
            format!("(error) `{}` is in no LDAP group that can be read", person_dn(0)),
            "{rule}"
        );
    }
}

/// alice is in staff, and her primary group is "domain users", which is in company. bob has none.
fn with_primary_group(rule: Option<&str>) -> Slapd {
    let mut tree = Tree::default();
    let alice = tree.person(&["alice"], false);
    tree.person(&["bob"], false);
    tree.group("staff", &[alice], &[]);
    let domain_users = tree.group("domain users", &[], &[]);
    tree.group("company", &[], &[domain_users]);
    tree.primary_group(alice, domain_users);
    if let Some(rule) = rule {
        tree.access(rule);
    }
    Slapd::start(&tree)
}

#[tokio::test]
async fn a_primary_group_counts_if_it_is_asked_for() {
    if !slapd::is_installed() {
        return;
    }
    let server = with_primary_group(None);
    for search in [GroupSearch::member_of("seeAlso"), GroupSearch::of_members(GROUPS, "member")] {
        for (search, expected) in [
            (search.clone().without_primary_group(), vec!["staff"]),
            (search.clone().primary_group(GROUPS), vec!["domain users", "staff"]),
            (search.primary_group(GROUPS).nested(), vec!["company", "domain users", "staff"]),
        ] {
            let users = directory(&server).groups(search.clone()).build().unwrap();
            let Ok(UserLookup::Found(alice)) = ask(&users, "alice").await else { panic!("{search:?}") };
            let groups: Vec<_> = alice.groups.iter().map(ToString::to_string).collect();
            assert_eq!(groups, expected, "{search:?}");
        }
    }
}

#[tokio::test]
async fn a_primary_group_that_cannot_be_found_is_an_error() {
    if !slapd::is_installed() {
        return;
    }
    let asked = |server: &Slapd, base| {
        let search = GroupSearch::member_of("seeAlso").primary_group(base);
        directory(server).groups(search).build().unwrap()
    };
    let server = with_primary_group(None);
    let none = |person, why: &str| {
        format!("(error) the primary group of `{}` cannot be found: {why}", person_dn(person))
    };
    let unread = |attribute: &str| format!("the entry has no single `{attribute}` that can be read");
    let elsewhere = |base: &str| {
        format!("`primaryGroupID` is 100001, and no group below `{base}` that can be read is that one")
    };
    assert_eq!(answer(&asked(&server, GROUPS), "alice").await, "alice");
    assert_eq!(answer(&asked(&server, GROUPS), "bob").await, none(1, &unread("primaryGroupID")));
    assert_eq!(answer(&asked(&server, PEOPLE), "alice").await, none(0, &elsewhere(PEOPLE)));
    for attribute in ["objectSid", "primaryGroupID"] {
        let server = with_primary_group(Some(&format!("to attrs={attribute} by * none")));
        assert_eq!(answer(&asked(&server, GROUPS), "alice").await, none(0, &unread(attribute)));
    }
    let hidden = with_primary_group(Some(&format!("to dn.exact=\"{}\" by * none", group_dn(1))));
    assert_eq!(answer(&asked(&hidden, GROUPS), "alice").await, none(0, &elsewhere(GROUPS)));
}
