//! The suite that every user directory must pass.

use std::time::Duration;

use test_services::slapd::{self, Slapd, Tree};
use tower_trusted_app::users::names::{Exact, NameTable, StripDomain};
use tower_trusted_app::users::{CachedDirectory, UserDirectoryExt};
use trusted_app_ldap::LdapDirectory;
use trusted_app_test::user_directory::{self, People};

use crate::directory;

fn serve(people: &People) -> Slapd {
    let mut tree = Tree::default();
    let mut all = Vec::new();
    for (names, disabled) in [(&people.active, false), (&people.denied, true)] {
        all.extend(names.iter().map(|name| (name.clone(), tree.person(&[name], disabled))));
    }
    let groups: std::collections::BTreeSet<_> = people.groups.values().flatten().collect();
    for group in groups {
        let members = all.iter().filter(|(name, _)| people.groups_of(name).contains(group));
        tree.group(group, &members.map(|(_, person)| *person).collect::<Vec<_>>(), &[]);
    }
    Slapd::start(&tree)
}

/// One for each set of people that the suites have. They end with the test, which statics would not.
struct Servers {
    nobody: Slapd,
    odd: Slapd,
    in_groups: Slapd,
}

impl Servers {
    fn start() -> Self {
        Self {
            nobody: serve(&People::default()),
            odd: serve(&People::odd()),
            in_groups: serve(&People::in_groups()),
        }
    }

    fn over(&self, people: &People) -> LdapDirectory {
        let server = match people {
            people if people.active.is_empty() => &self.nobody,
            people if people.groups.is_empty() => &self.odd,
            _ => &self.in_groups,
        };
        // Hundreds of look-ups at once wait for each other.
        directory(server).timeout(Duration::from_secs(120)).build().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alone() {
    if !slapd::is_installed() {
        return;
    }
    let servers = Servers::start();
    user_directory::conformance(async |people| servers.over(&people)).await;
    user_directory::group_conformance(async |people| servers.over(&people)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_cache() {
    if !slapd::is_installed() {
        return;
    }
    let servers = Servers::start();
    let cached = async |people: People| CachedDirectory::new(servers.over(&people));
    user_directory::conformance(cached).await;
    user_directory::group_conformance(cached).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_each_mapping() {
    if !slapd::is_installed() {
        return;
    }
    let servers = Servers::start();
    // Folds that fold nothing, and rewrites of nobody: what they wrap must come through.
    user_directory::conformance(async |people| servers.over(&people).folding(Exact)).await;
    let elsewhere = || StripDomain::of(["nowhere.example"]);
    user_directory::conformance(async |people| servers.over(&people).rewriting(elsewhere())).await;
    let table = || NameTable::new([("someone", "else")]).unwrap();
    user_directory::group_conformance(async |people| servers.over(&people).rewriting(table()).cached()).await;
}
