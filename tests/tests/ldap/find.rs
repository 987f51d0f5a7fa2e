//! Who is found under which name.

use test_services::slapd::{self, Slapd, Tree};
use tower_trusted_app::users::UserDirectoryExt;
use tower_trusted_app::users::names::{LowerCase, Nfc, StripDomain};

use crate::{answer, ask, directory};

/// The characters of a filter (RFC 4515), and whatever else might be taken for something.
const ODD: [&str; 14] = [
    "*",
    "(",
    ")",
    "\\",
    "a*b",
    "a(b)c",
    "\\2a",
    "*)(uid=*",
    "zoë",
    "Jürgen Müßig",
    "管理者",
    "🙂",
    "cn=carol,dc=example",
    "a,b=c+d",
];

#[tokio::test]
async fn a_name_is_never_part_of_the_filter() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    for name in ODD.iter().chain(&["alice"]) {
        tree.person(&[name], false);
    }
    let server = Slapd::start(&tree);
    let users = directory(&server).build().unwrap();
    for name in ODD {
        assert_eq!(answer(&users, name).await, name);
    }
    for nobody in [
        "",
        " ",
        "al*",
        "alice\0",
        "\0",
        "alice\0*",
        "alice)(uid=*",
        "alice)(|(uid=*",
        "*)(objectClass=*",
        "\\61lice",
        "(uid=alice)",
        "a\\2ab",
        "管理",
        "zoe",
        "alice)(&",
        "alice\n",
        "ａｌｉｃｅ",
        "alice\u{200b}",
        "\u{202e}ecila",
    ] {
        assert_eq!(answer(&users, nobody).await, "(unknown)", "{nobody:?}");
    }
}

/// The server takes them for one name.
#[tokio::test]
async fn names_match_byte_for_byte() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    for name in ["alice", "Bob", "carol ", "zoe\u{308}"] {
        tree.person(&[name], false);
    }
    let server = Slapd::start(&tree);
    let users = directory(&server).build().unwrap();
    for name in ["alice", "Bob", "carol ", "zoe\u{308}"] {
        assert_eq!(answer(&users, name).await, name);
    }
    for other in ["ALICE", " alice", "alice ", "bob", "carol", "zo\u{eb}"] {
        assert_eq!(answer(&users, other).await, "(unknown)", "{other:?}");
    }
}

#[tokio::test]
async fn two_entries_for_one_name_are_an_error() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    tree.person(&["alice"], false);
    tree.person(&["alice"], false);
    tree.person(&["bob"], false);
    tree.person(&["bob"], true);
    tree.person(&["carol", "caroline"], false);
    let server = Slapd::start(&tree);
    let users = directory(&server).build().unwrap();
    for name in ["alice", "bob", "carol", "caroline"] {
        assert_eq!(answer(&users, name).await, "(ambiguous)", "{name}");
    }
}

#[tokio::test]
async fn a_disabled_account_is_denied() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    tree.person(&["alice"], false);
    tree.person(&["mallory"], true);
    let server = Slapd::start(&tree);
    let users = directory(&server).build().unwrap();
    assert_eq!(answer(&users, "mallory").await, "(denied)");
    assert_eq!(answer(&users, "alice").await, "alice");
    assert_eq!(answer(&users, "Mallory").await, "(unknown)");
}

/// Of two who fold to one, no spelling finds either.
#[tokio::test]
async fn mapped_names() {
    if !slapd::is_installed() {
        return;
    }
    let mut tree = Tree::default();
    for name in ["alice", "Bob", "twin", "Twin", "zo\u{eb}", "straße", "OTHER\\alice"] {
        tree.person(&[name], false);
    }
    let server = Slapd::start(&tree);
    let users = directory(&server).build().unwrap();
    let folded = users.clone().folding((Nfc, LowerCase));
    for (name, expected) in [
        ("ALICE", "alice"),
        ("bob", "Bob"),
        ("BOB", "Bob"),
        ("twin", "(ambiguous)"),
        ("TWIN", "(ambiguous)"),
        ("Twin", "(ambiguous)"),
        ("ZOE\u{308}", "zo\u{eb}"),
        ("STRASSE", "(unknown)"),
        ("STRAẞE", "straße"),
        ("alice ", "(unknown)"),
        ("*", "(unknown)"),
    ] {
        assert_eq!(answer(&folded, name).await, expected, "{name}");
    }
    let stripped = folded.rewriting(StripDomain::of(["CORP"]));
    for (name, expected) in [
        ("CORP\\ALICE", "alice"),
        ("alice@corp", "alice"),
        ("OTHER\\alice", "OTHER\\alice"),
        ("OTHER\\bob", "(unknown)"),
    ] {
        assert_eq!(answer(&stripped, name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_handler_sees_the_attributes_that_were_asked_for() {
    if !slapd::is_installed() {
        return;
    }
    let server = crate::with_alice();
    let users = directory(&server).attributes(["sn", "mail"]).build().unwrap();
    let Ok(tower_trusted_app::UserLookup::Found(alice)) = ask(&users, "alice").await else {
        panic!("no alice")
    };
    assert_eq!(alice.user.dn, "cn=p0,ou=people,dc=example,dc=com");
    assert_eq!(alice.user.attributes["sn"], ["x"]);
    assert_eq!(alice.user.attributes["mail"], [""; 0]);
}
