//! The conformance suite of user directories.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use tower_trusted_app::users::{MemoryDirectory, UserDirectoryExt, user_directory_fn};
use trusted_app_core::store::NameLookup;
use trusted_app_core::{ApplicationId, KnownUser, TrustedApplication, UserDirectory, UserLookup};
use trusted_app_test::FaultyDirectory;
use trusted_app_test::user_directory::{self, People};

use crate::complaint;

fn memory_of(people: People) -> MemoryDirectory {
    let in_groups = |name: &String| KnownUser::new(&**name, ()).with_groups(people.groups_of(name).to_vec());
    let users = MemoryDirectory::of_users(people.active.iter().map(in_groups));
    people.denied.into_iter().for_each(|name| users.deny(name));
    users
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    user_directory::conformance(async |people| memory_of(people)).await;
    user_directory::group_conformance(async |people| memory_of(people)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boxed() {
    user_directory::conformance(async |people| memory_of(people).boxed()).await;
    user_directory::group_conformance(async |people| memory_of(people).boxed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shared() {
    user_directory::conformance(async |people| Arc::new(memory_of(people))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closure() {
    user_directory::conformance(async |people| {
        let users = memory_of(people);
        user_directory_fn(move |_: ApplicationId, name: String| {
            let users = users.clone();
            async move {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(users.get(&name))
            }
        })
    })
    .await;
}

/// A directory that finds somebody by whatever `key` makes of a name.
struct WrongDirectory {
    active: HashMap<String, String>,
    denied: HashSet<String>,
    key: fn(&str) -> String,
}

impl WrongDirectory {
    fn new(people: People, key: fn(&str) -> String) -> Self {
        let active = people.active.iter().map(|name| (key(name), name.clone())).collect();
        Self { active, denied: people.denied.iter().map(|name| key(name)).collect(), key }
    }
}

impl UserDirectory for WrongDirectory {
    type User = ();
    type Error = Infallible;

    async fn user(&self, _: &TrustedApplication, name: &str) -> Result<UserLookup<()>, Infallible> {
        let key = (self.key)(name);
        Ok(match self.active.get(&key) {
            _ if self.denied.contains(&key) => UserLookup::Denied,
            Some(name) => UserLookup::found(name.clone(), ()),
            None => UserLookup::Unknown,
        })
    }
}

#[tokio::test]
async fn names_are_compared_byte_for_byte() {
    user_directory::conformance(async |people| WrongDirectory::new(people, str::to_owned)).await;
    for (what, key) in [
        ("letter case", str::to_lowercase as fn(&str) -> String),
        ("blanks", |name| name.trim().to_owned()),
        ("not ASCII", |name| name.chars().filter(char::is_ascii).collect()),
        ("an accent", |name| name.replace('å', "a")),
        ("a quote", |name| name.replace('\'', "")),
        ("a realm", |name| name.split('@').next().unwrap_or_default().to_owned()),
    ] {
        let suite = user_directory::conformance(async move |people| WrongDirectory::new(people, key));
        let text = complaint(suite).await;
        assert!(text.contains("found under another name") || text.contains("should be"), "{what}: {text}");
    }
}

/// A directory that says of every name in a rule what `answer` makes of the right answer.
struct WrongNames {
    users: MemoryDirectory,
    answer: fn(&str, NameLookup) -> NameLookup,
}

impl UserDirectory for WrongNames {
    type User = ();
    type Error = Infallible;

    async fn user(&self, asked: &TrustedApplication, name: &str) -> Result<UserLookup<()>, Infallible> {
        self.users.user(asked, name).await
    }

    async fn knows_user(&self, name: &str) -> Result<NameLookup, Infallible> {
        self.users.knows_user(name).await.map(|right| (self.answer)(name, right))
    }

    async fn knows_group(&self, name: &str) -> Result<NameLookup, Infallible> {
        self.users.knows_group(name).await.map(|right| (self.answer)(name, right))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_in_rules_are_known_or_nothing_is_said_about_them() {
    let cannot_tell: fn(&str, NameLookup) -> NameLookup = |_, _| NameLookup::CannotTell;
    let make = async |people: People| WrongNames { users: memory_of(people), answer: cannot_tell };
    user_directory::conformance(make).await;
    user_directory::group_conformance(make).await;
    for (answer, complaint_of) in [
        ((|_, _| NameLookup::Unknown) as fn(&str, NameLookup) -> NameLookup, "is there, but not known"),
        (|name, _| NameLookup::Known(name.into()), "but it is known as"),
        (
            |_, right| match right {
                NameLookup::Known(name) => NameLookup::Known(name.to_uppercase().into()),
                other => other,
            },
            "is known by another name",
        ),
    ] {
        let make = async move |people: People| WrongNames { users: memory_of(people), answer };
        let text = complaint(user_directory::group_conformance(make)).await;
        assert!(text.contains(complaint_of), "{text}");
    }
}

#[tokio::test]
async fn an_error_is_no_answer() {
    let text = complaint(user_directory::conformance(async |_| FaultyDirectory::<()>::errs())).await;
    assert!(text.contains("looking up") && text.contains("the store fails"), "{text}");
}

#[tokio::test]
async fn denied_is_not_unknown() {
    let text = complaint(user_directory::conformance(async |people: People| {
        MemoryDirectory::of_names(people.active)
    }));
    let text = text.await;
    assert!(text.contains("\"mallory\" should be Denied, but is Unknown"), "{text}");
}

#[tokio::test]
async fn groups_are_exactly_those() {
    let too_few = async |mut people: People| {
        people.groups.clear();
        memory_of(people)
    };
    let text = complaint(user_directory::group_conformance(too_few)).await;
    assert!(text.contains("is in other groups"), "{text}");
    let too_many = async |mut people: People| {
        people.groups.insert("bob".into(), vec!["staff".into(), "admins".into()]);
        memory_of(people)
    };
    let text = complaint(user_directory::conformance(too_many)).await;
    assert!(text.contains("\"bob\" is in other groups"), "{text}");
}
