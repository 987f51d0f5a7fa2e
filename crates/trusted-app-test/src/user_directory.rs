//! What every [`UserDirectory`] must fulfil.
//!
//! ```
//! use tower_trusted_app::users::MemoryDirectory;
//! use trusted_app_test::user_directory;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! user_directory::conformance(async |people| {
//!     let users = MemoryDirectory::of_names(people.active);
//!     people.denied.into_iter().for_each(|name| users.deny(name));
//!     users
//! })
//! .await;
//! # }
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use trusted_app_core::permission::caseless_eq;
use trusted_app_core::store::{NameFold, NameLookup};
use trusted_app_core::{BoxError, TrustedApplication, UserDirectory, UserLookup};

use crate::TestIdentity;

/// Who is in a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct People {
    /// The names of those who may log in.
    pub active: Vec<String>,
    /// The names of those who exist but may not log in.
    pub denied: Vec<String>,
    /// The groups of those who are in any, by name.
    pub groups: BTreeMap<String, Vec<String>>,
}

impl People {
    /// Names that are easily mixed up, mangled or taken for patterns.
    #[must_use]
    pub fn odd() -> Self {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self { active: names(ACTIVE), denied: names(DENIED), groups: BTreeMap::new() }
    }

    /// The same people, some of them in groups whose names are easily mixed up.
    #[must_use]
    pub fn in_groups() -> Self {
        let groups = GROUPS
            .iter()
            .map(|&(name, groups)| (name.to_owned(), groups.iter().map(|&group| group.to_owned()).collect()));
        Self { groups: groups.collect(), ..Self::odd() }
    }

    /// The groups that somebody is in.
    #[must_use]
    pub fn groups_of(&self, name: &str) -> &[String] {
        self.groups.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Each another user; some differ in one byte, some only in how they are written.
const ACTIVE: &[&str] = &[
    "alice",
    "Alice",
    "bob",
    "bob ",
    " bob",
    "bob.builder@example.com",
    "zo\u{eb}",
    "zoe\u{308}",
    "straße",
    "i\u{307}stanbul",
    "管理者",
    "🙂",
    "o'hara",
    "\"quoted\"",
    "`tick`",
    "back\\slash",
    "%",
    "_",
    "*",
    "*)(uid=*",
    "cn=carol,dc=example",
    "DOMAIN\\dave",
    "<b>eve</b>",
    "null",
    "0",
];

const GROUPS: &[(&str, &[&str])] = &[
    ("alice", &["staff", "admins", "管理者"]),
    ("Alice", &["guests"]),
    ("bob", &["staff"]),
    ("zo\u{eb}", &["o'hara", "a,b", "c=d"]),
    ("*", &["*"]),
    ("*)(uid=*", &["(a)", "back\\slash"]),
    ("管理者", &["staff"]),
    ("mallory", &["staff"]),
];

const DENIED: &[&str] = &["mallory", "o'mallory", "left the company"];

/// Names that nobody has and that a careless comparison would find.
const NEAR_MISSES: &[&str] = &[
    "",
    " ",
    "nobody",
    "ALICE",
    "alic",
    "alicee",
    "alice ",
    " alice",
    "alice\u{200b}",
    "аlice", // a Cyrillic first letter
    "bob  ",
    "b%",
    "b_b",
    "b*",
    "%%",
    "zoe",
    "ZOË",
    "strasse",
    "管理",
    "O'HARA",
    "' OR '1'='1",
    "alice' --",
    "alice)(uid=*",
    "bob.builder",
    "carol",
    "dave",
    "Mallory",
    "mållory",
    "omallory",
    "00",
];

/// Checks a user directory that compares names byte for byte: `make` makes one with exactly these
/// people in it.
///
/// It is called twice: with nobody, and with [`People::odd`].
///
/// # Panics
///
/// When the directory is wrong; the text says about whom.
pub async fn conformance<D: UserDirectory>(make: impl AsyncFn(People) -> D) {
    for people in [People::default(), People::odd()] {
        check(make(people.clone()).await, &people).await;
    }
}

/// Checks that a directory says which groups its users are in: `make` makes one with exactly these people and
/// groups in it. It is called once, with [`People::in_groups`].
///
/// # Panics
///
/// When the directory is wrong; the text says about whom.
pub async fn group_conformance<D: UserDirectory>(make: impl AsyncFn(People) -> D) {
    let people = People::in_groups();
    check(make(people.clone()).await, &people).await;
}

/// Checks a directory behind a fold: `make` makes one with exactly these people and groups in it, and puts the fold
/// before it. It is called once, with [`People::in_groups`].
///
/// Each name of the suite, also in capitals and in small letters, must find the one user whose name folds to the same,
/// under the name that was put in; two are ambiguous, also if one of them may not log in.
///
/// # Panics
///
/// When the directory is wrong; the text says about whom.
pub async fn fold_conformance<D: UserDirectory>(fold: &dyn NameFold, make: impl AsyncFn(People) -> D) {
    let people = People::in_groups();
    let directory = make(people.clone()).await;
    let everybody = || people.active.iter().chain(&people.denied).map(String::as_str);
    for name in everybody().chain(NEAR_MISSES.iter().copied()) {
        for name in [name.to_owned(), name.to_uppercase(), name.to_lowercase()] {
            let key = fold.fold(&name);
            let meant: Vec<_> = everybody().filter(|one| fold.fold(one) == key).collect();
            let expected = match *meant {
                [] => Expected::Unknown,
                [one] if people.denied.iter().any(|denied| denied == one) => Expected::Denied,
                [one] => Expected::found(&people, one),
                _ => Expected::Ambiguous,
            };
            assert_answer(&directory, &name, &expected).await;
        }
    }
}

/// Checks a directory that holds exactly these people, however they came into it: each is found
/// under the name that was put in and in their groups alone, or denied, once, again and many at a time; nobody
/// else is found. If the directory can tell about [names in rules](UserDirectory::knows_user), it knows these people and
/// their groups, and no others.
///
/// # Panics
///
/// When the directory is wrong; the text says about whom.
pub async fn check<D: UserDirectory>(directory: D, people: &People) {
    for _ in 0..2 {
        for name in &people.active {
            assert_answer(&directory, name, &Expected::found(people, name)).await;
        }
        for name in &people.denied {
            assert_answer(&directory, name, &Expected::Denied).await;
        }
    }
    let odd = People::odd();
    let others = NEAR_MISSES.iter().copied().chain(odd.active.iter().chain(&odd.denied).map(String::as_str));
    for name in others.filter(|name| !people.active.iter().chain(&people.denied).any(|one| one == name)) {
        assert_answer(&directory, name, &Expected::Unknown).await;
    }
    check_rule_names(&directory, people).await;
    check_at_once(directory, people).await;
}

/// Names in rules: what is there is known in its own spelling, and what is not there is known by no other name.
async fn check_rule_names<D: UserDirectory>(directory: &D, people: &People) {
    let odd = People::in_groups();
    let users: Vec<_> = people.active.iter().chain(&people.denied).collect();
    let others = NEAR_MISSES.iter().copied().chain(odd.active.iter().chain(&odd.denied).map(String::as_str));
    for name in users.iter().map(|name| name.as_str()).chain(others) {
        assert_known("user", name, &users, directory.knows_user(name).await.map_err(Into::into));
    }
    // Who may not log in is in no group that anybody asks for.
    let groups: Vec<_> = people.active.iter().flat_map(|name| people.groups_of(name)).collect();
    let others = odd.groups.values().flatten().map(String::as_str).chain(NEAR_MISSES.iter().copied());
    for name in groups.iter().map(|name| name.as_str()).chain(others) {
        assert_known("group", name, &groups, directory.knows_group(name).await.map_err(Into::into));
    }
}

fn assert_known(kind: &str, name: &str, there: &[&String], answer: Result<NameLookup, BoxError>) {
    let is_there = there.iter().any(|one| *one == name);
    match answer {
        Err(error) => panic!("whether there is a {kind} {name:?}: {error}"),
        Ok(NameLookup::Known(spelling)) if is_there => {
            assert_eq!(&*spelling, name, "the {kind} {name:?} is known by another name");
        }
        Ok(NameLookup::Known(spelling)) => assert!(
            caseless_eq(&spelling, name) && there.iter().any(|one| **one == *spelling),
            "there is no {kind} {name:?}, but it is known as {spelling:?}"
        ),
        Ok(NameLookup::Unknown) => assert!(!is_there, "the {kind} {name:?} is there, but not known"),
        // It cannot tell.
        Ok(_) => {}
    }
}

/// Many look-ups at a time, each of which must get its own answer.
async fn check_at_once<D: UserDirectory>(directory: D, people: &People) {
    let directory = Arc::new(directory);
    let active = people.active.iter().map(|name| (name, Expected::found(people, name)));
    let all: Vec<_> = active.chain(people.denied.iter().map(|name| (name, Expected::Denied))).collect();
    let mut look_ups = JoinSet::new();
    for (name, expected) in all.iter().cycle().take(8 * all.len()) {
        let (directory, name, expected) = (Arc::clone(&directory), (*name).clone(), expected.clone());
        look_ups.spawn(async move { assert_answer(&*directory, &name, &expected).await });
    }
    look_ups.join_all().await;
}

#[derive(Debug, Clone)]
enum Expected {
    Found { name: String, groups: Vec<String> },
    Denied,
    Unknown,
    Ambiguous,
}

impl Expected {
    fn found(people: &People, name: &str) -> Self {
        let mut groups = people.groups_of(name).to_vec();
        groups.sort_unstable();
        Self::Found { name: name.to_owned(), groups }
    }
}

async fn assert_answer<D: UserDirectory>(directory: &D, name: &str, expected: &Expected) {
    let answer: Result<_, BoxError> = directory.user(&wiki(), name).await.map_err(Into::into);
    match (expected, answer) {
        (_, Err(error)) => panic!("looking up {name:?}: {error}"),
        (Expected::Found { name: canonical, groups }, Ok(UserLookup::Found(user))) => {
            assert_eq!(&*user.name, canonical, "{name:?} is found under another name");
            let mut found: Vec<_> = user.groups.iter().map(ToString::to_string).collect();
            found.sort_unstable();
            assert_eq!(found, *groups, "{name:?} is in other groups");
        }
        (Expected::Denied, Ok(UserLookup::Denied))
        | (Expected::Unknown, Ok(UserLookup::Unknown))
        | (Expected::Ambiguous, Ok(UserLookup::Ambiguous)) => {}
        (_, Ok(other)) => panic!("{name:?} should be {expected:?}, but is {}", kind(&other)),
    }
}

fn kind<U>(answer: &UserLookup<U>) -> String {
    match answer {
        UserLookup::Found(user) => format!("Found as {:?}", user.name),
        UserLookup::Denied => "Denied".into(),
        UserLookup::LogInRefused(reason) => format!("LogInRefused, {reason}"),
        UserLookup::Ambiguous => "Ambiguous".into(),
        _ => "Unknown".into(),
    }
}

/// The application that asks.
fn wiki() -> TrustedApplication {
    TestIdentity::wiki().trusted().build().expect("the wiki with any rule")
}
