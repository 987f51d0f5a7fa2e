//! Whom a name means, under each mapping: one user, nobody, or too many to tell, and never the first hit.

use tower_trusted_app::users::names::{Exact, LowerCase, NameTable, Nfc, StripDomain};
use tower_trusted_app::users::{MemoryDirectory, UserDirectoryExt};
use tower_trusted_app::{BoxError, UserDirectory, UserLookup};
use trusted_app_test::user_directory::{self, People};
use trusted_app_tests::domain::InDomain;
use trusted_app_tests::log::Log;
use trusted_app_tests::wiki;

const NOBODY: &str = "(nobody)";
const AMBIGUOUS: &str = "(ambiguous)";

/// Our users. `twin` and `Twin` fold to one, and so do the two spellings of `çağ`.
fn users() -> MemoryDirectory {
    MemoryDirectory::of_names([
        "alice",
        "Bob",
        "twin",
        "Twin",
        "title",
        "inci",
        "i\u{307}nci",
        "straße",
        "zo\u{eb}",
        "ÅSA",
        "çağ",
        "c\u{327}ag\u{306}",
        "ａda",
        "CORP\\dave",
        "dave",
        "eve@corp.example.com",
        "管理者",
    ])
}

async fn whom(directory: &impl UserDirectory, name: &str) -> String {
    match directory.user(&wiki(), name).await.map_err(Into::<BoxError>::into).unwrap() {
        UserLookup::Found(user) => user.name.to_string(),
        UserLookup::Unknown => NOBODY.to_owned(),
        UserLookup::Ambiguous => AMBIGUOUS.to_owned(),
        _ => panic!("{name:?}"),
    }
}

/// A name, and whom it means exactly, in lower case, in NFC, in lower case of NFC, and with the domain stripped.
const TABLE: &[(&str, [&str; 5])] = &[
    ("alice", ["alice", "alice", "alice", "alice", "alice"]),
    ("ALICE", [NOBODY, "alice", NOBODY, "alice", NOBODY]),
    ("bob", [NOBODY, "Bob", NOBODY, "Bob", NOBODY]),
    // Two who fold to one.
    ("twin", ["twin", AMBIGUOUS, "twin", AMBIGUOUS, "twin"]),
    ("Twin", ["Twin", AMBIGUOUS, "Twin", AMBIGUOUS, "Twin"]),
    ("TWIN", [NOBODY, AMBIGUOUS, NOBODY, AMBIGUOUS, NOBODY]),
    // No locale is asked: in a Turkish one TITLE would be tıtle.
    ("TITLE", [NOBODY, "title", NOBODY, "title", NOBODY]),
    ("tıtle", [NOBODY; 5]),
    ("INCI", [NOBODY, "inci", NOBODY, "inci", NOBODY]),
    ("İNCİ", [NOBODY; 5]),
    ("İnci", [NOBODY, "i\u{307}nci", NOBODY, "i\u{307}nci", NOBODY]),
    ("ıncı", [NOBODY; 5]),
    ("STRASSE", [NOBODY; 5]),
    ("strasse", [NOBODY; 5]),
    ("STRAẞE", [NOBODY, "straße", NOBODY, "straße", NOBODY]),
    // Composed and decomposed.
    ("zoe\u{308}", [NOBODY, NOBODY, "zo\u{eb}", "zo\u{eb}", NOBODY]),
    ("ZOE\u{308}", [NOBODY, NOBODY, NOBODY, "zo\u{eb}", NOBODY]),
    ("A\u{30a}SA", [NOBODY, NOBODY, "ÅSA", "ÅSA", NOBODY]),
    ("\u{212b}SA", [NOBODY, "ÅSA", "ÅSA", "ÅSA", NOBODY]), // the Ångström sign
    ("çağ", ["çağ", "çağ", AMBIGUOUS, AMBIGUOUS, "çağ"]),
    ("ÇAĞ", [NOBODY, "çağ", NOBODY, AMBIGUOUS, NOBODY]),
    // Full-width letters are letters of their own, with small and capital ones.
    ("ａｌｉｃｅ", [NOBODY; 5]),
    ("Ａda", [NOBODY, "ａda", NOBODY, "ａda", NOBODY]),
    ("ada", [NOBODY; 5]),
    ("管理者", ["管理者"; 5]),
    // Nothing is dropped: zero-width, bidi, soft hyphen, blanks.
    ("alice\u{200b}", [NOBODY; 5]),
    ("al\u{200d}ice", [NOBODY; 5]),
    ("\u{feff}alice", [NOBODY; 5]),
    ("\u{202e}ecila", [NOBODY; 5]),
    ("alice\u{200e}", [NOBODY; 5]),
    ("ali\u{ad}ce", [NOBODY; 5]),
    (" alice", [NOBODY; 5]),
    ("alice ", [NOBODY; 5]),
    ("аlice", [NOBODY; 5]), // a Cyrillic first letter
    ("", [NOBODY; 5]),
    // Domains.
    ("CORP\\alice", [NOBODY, NOBODY, NOBODY, NOBODY, "alice"]),
    ("corp\\alice", [NOBODY, NOBODY, NOBODY, NOBODY, "alice"]),
    ("CORP\\ALICE", [NOBODY; 5]),
    ("alice@corp.example.com", [NOBODY, NOBODY, NOBODY, NOBODY, "alice"]),
    ("alice@Corp.Example.Com", [NOBODY, NOBODY, NOBODY, NOBODY, "alice"]),
    ("OTHER\\alice", [NOBODY; 5]),
    ("alice@other.example.com", [NOBODY; 5]),
    ("CORP\\OTHER\\alice", [NOBODY; 5]),
    ("CORP\\", [NOBODY; 5]),
    ("@corp.example.com", [NOBODY; 5]),
    ("alice@corp.example.com@other", [NOBODY; 5]),
    // There is a dave, and somebody who really is called CORP\dave.
    ("CORP\\dave", ["CORP\\dave", "CORP\\dave", "CORP\\dave", "CORP\\dave", AMBIGUOUS]),
    ("dave", ["dave"; 5]),
    // Who is called by the long name here is found by it.
    ("eve@corp.example.com", ["eve@corp.example.com"; 5]),
    ("EVE@CORP.EXAMPLE.COM", [NOBODY, "eve@corp.example.com", NOBODY, "eve@corp.example.com", NOBODY]),
];

#[tokio::test]
async fn the_table() {
    let exact = users().folding(Exact);
    let (lower, nfc, both) =
        (users().folding(LowerCase), users().folding(Nfc), users().folding((Nfc, LowerCase)));
    let stripped = users().rewriting(StripDomain::of(["CORP", "corp.example.com"]));
    for &(name, expected) in TABLE {
        let found = [
            whom(&exact, name).await,
            whom(&lower, name).await,
            whom(&nfc, name).await,
            whom(&both, name).await,
            whom(&stripped, name).await,
        ];
        assert_eq!(found.each_ref().map(String::as_str), expected, "{name:?}");
        assert_eq!(whom(&users(), name).await, expected[0], "{name:?}: nothing is mapped unless you say so");
    }
}

/// The outermost sees the peer's name first.
#[tokio::test]
async fn mappings_together() {
    let users = users().folding((Nfc, LowerCase)).rewriting(StripDomain::of(["CORP"]));
    for (name, expected) in [
        ("CORP\\ALICE", "alice"),
        ("corp\\ZOE\u{308}", "zo\u{eb}"),
        ("CORP\\TWIN", AMBIGUOUS),
        ("CORP\\dave", AMBIGUOUS),
        ("OTHER\\alice", NOBODY),
    ] {
        assert_eq!(whom(&users, name).await, expected, "{name}");
        assert_eq!(whom(&users.clone().cached(), name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_table_says_who_is_who() {
    let table =
        NameTable::new([("asmith", "alice"), ("robert", "Bob"), ("Bob", "Bob"), ("gone", "nobody")]).unwrap();
    let users = users().rewriting(table);
    for (name, expected) in [
        ("asmith", "alice"),
        ("robert", "Bob"),
        ("Bob", "Bob"),
        ("dave", "dave"),
        ("gone", NOBODY),
        // The peer's own alice is not ours: asmith is.
        ("alice", AMBIGUOUS),
        ("nobody", AMBIGUOUS),
        ("ASMITH", NOBODY),
    ] {
        assert_eq!(whom(&users, name).await, expected, "{name}");
    }
    let twice = NameTable::new([("a", "b"), ("a", "c")]).unwrap_err();
    assert_eq!(twice.to_string(), "the peer's user \"a\" is listed twice");
}

/// However the directory behind the table finds a user: who is somebody else's by their own name is not found.
#[tokio::test]
async fn no_spelling_slips_past_a_table() {
    let table = || NameTable::new([("asmith", "alice"), ("robert", "bob"), ("dora", "dave")]).unwrap();
    let folded = users().folding((Nfc, LowerCase)).rewriting(table());
    let stripped = users().rewriting(StripDomain::of(["NOWHERE"])).rewriting(table());
    let outside = users().folding(LowerCase).rewriting(table()).rewriting(StripDomain::of(["NOWHERE"]));
    for (name, expected) in [
        ("asmith", ["alice"; 3]),
        ("alice", [AMBIGUOUS; 3]),
        ("Alice", [AMBIGUOUS, NOBODY, AMBIGUOUS]),
        ("ALICE", [AMBIGUOUS, NOBODY, AMBIGUOUS]),
        ("NOWHERE\\alice", [NOBODY, AMBIGUOUS, AMBIGUOUS]),
        ("nowhere\\ALICE", [NOBODY, NOBODY, AMBIGUOUS]),
        ("ASMITH", [NOBODY; 3]),
        ("NOWHERE\\asmith", [NOBODY, NOBODY, "alice"]),
        // The table's `bob` is not how the directory spells him.
        ("robert", [NOBODY; 3]),
        ("dora", ["dave"; 3]),
        ("TITLE", ["title", NOBODY, "title"]),
        ("NOWHERE\\title", [NOBODY, "title", "title"]),
    ] {
        let found = [whom(&folded, name).await, whom(&stripped, name).await, whom(&outside, name).await];
        assert_eq!(found.each_ref().map(String::as_str), expected, "{name:?}");
        assert_eq!(whom(&folded.clone().cached(), name).await, expected[0], "{name:?}, cached");
    }
    // Somebody here who has a name that means another of ours there.
    let users = MemoryDirectory::of_names(["asmith", "alice"]).folding(LowerCase).rewriting(table());
    assert_eq!(whom(&users, "asmith").await, "alice");
    assert_eq!(whom(&users, "ASmith").await, AMBIGUOUS);
}

/// Also if one of the two may not log in: nobody knows which was meant.
#[tokio::test]
async fn a_disabled_twin_is_a_twin() {
    let directory = MemoryDirectory::of_names(["twin"]);
    directory.deny("TWIN");
    directory.deny("CORP\\twin");
    assert_eq!(whom(&directory.clone().folding(LowerCase), "Twin").await, AMBIGUOUS);
    assert_eq!(whom(&directory.rewriting(StripDomain::of(["CORP"])), "CORP\\twin").await, AMBIGUOUS);
}

#[tokio::test]
async fn what_was_tried_stands_in_the_log() {
    let log = Log::start();
    let users = users().folding(LowerCase).rewriting(StripDomain::of(["CORP"]));
    let tried = |log: &Log| {
        let records = log.take().into_iter().filter(|record| record.message == "user name mapped");
        let text = |record: &trusted_app_tests::log::Record, name: &str| record.fields[name].clone();
        records
            .map(|record| (text(&record, "claimed_user"), text(&record, "tried"), text(&record, "outcome")))
            .collect::<Vec<_>>()
    };
    whom(&users, "CORP\\Nobody").await;
    let line =
        |name: &str, tried: &str, outcome: &str| (name.to_owned(), tried.to_owned(), outcome.to_owned());
    assert_eq!(
        tried(&log),
        [
            line("Nobody", "nobody", "unknown"),
            line("CORP\\Nobody", "corp\\nobody", "unknown"),
            line("CORP\\Nobody", "Nobody", "unknown"),
        ]
    );
    whom(&users, "TWIN").await;
    assert_eq!(tried(&log), [line("TWIN", "twin", "ambiguous")]);
    whom(&users, "alice").await;
    assert_eq!(tried(&log), [], "nothing is said about who is found");
}

fn memory(people: &People) -> MemoryDirectory {
    let in_groups = |name: &String| {
        tower_trusted_app::KnownUser::new(&**name, ()).with_groups(people.groups_of(name).to_vec())
    };
    let users = MemoryDirectory::of_users(people.active.iter().map(in_groups));
    people.denied.iter().for_each(|name| users.deny(&**name));
    users
}

/// What a mapping wraps comes through it: the suite that every directory must pass.
#[tokio::test(flavor = "multi_thread")]
async fn conformance_behind_each_mapping() {
    let table = || NameTable::new([("someone", "else")]).unwrap();
    for suite in [0, 1] {
        macro_rules! run {
            ($make:expr) => {
                match suite {
                    0 => user_directory::conformance($make).await,
                    _ => user_directory::group_conformance($make).await,
                }
            };
        }
        run!(async |people: People| memory(&people).cached());
        run!(async |people: People| memory(&people).folding(Exact));
        run!(async |people: People| memory(&people).folding((Exact, Exact)).cached());
        run!(async |people: People| memory(&people).rewriting(StripDomain::of(["nowhere.example"])));
        run!(async |people: People| memory(&people).cached().rewriting(table()));
        run!(async |people: People| memory(&people).rewriting(StripDomain::of(["DOMAIN", "example.com"])));
        run!(async |people: People| InDomain::new(memory(&people)));
        run!(async |people: People| InDomain::new(memory(&people).folding(Exact)).cached());
    }
}

/// And the suite for folds.
#[tokio::test]
async fn conformance_behind_each_fold() {
    macro_rules! run {
        ($($fold:expr),*) => {$(
            user_directory::fold_conformance(&$fold, async |people| memory(&people).folding($fold)).await;
            let cached = async |people: People| InDomain::new(memory(&people).folding($fold).cached());
            user_directory::fold_conformance(&$fold, cached).await;
        )*};
    }
    run!(Exact, LowerCase, Nfc, (Nfc, LowerCase));
}

/// The suite for folds finds another fold, and a first hit.
#[tokio::test]
#[should_panic = "should be Ambiguous, but is Found as \"alice\""]
async fn another_fold_is_found() {
    user_directory::fold_conformance(&LowerCase, async |people| memory(&people).folding(Nfc)).await;
}

#[tokio::test]
#[should_panic = "should be Ambiguous, but is Found as \"alice\""]
async fn a_first_hit_is_found() {
    let without = async |mut people: People| {
        people.active.retain(|name| name != "Alice");
        memory(&people).folding(LowerCase)
    };
    user_directory::fold_conformance(&LowerCase, without).await;
}

/// A fold finds all that the suite has and that have no twin, by any of their spellings.
#[tokio::test]
async fn every_odd_name_is_found_or_ambiguous() {
    let people = People::odd();
    let users = MemoryDirectory::of_names(people.active.iter().map(|name| &**name)).folding((Nfc, LowerCase));
    for name in &people.active {
        let twins = ["alice", "Alice", "zo\u{eb}", "zoe\u{308}"];
        let expected = if twins.contains(&&**name) { AMBIGUOUS } else { name };
        assert_eq!(whom(&users, name).await, expected, "{name:?}");
    }
}
