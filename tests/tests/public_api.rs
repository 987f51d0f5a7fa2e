//! The public API of every library we publish, against its snapshot in `api/`, and the foreign crates whose types
//! it may name.
//!
//! Both are read from rustdoc's JSON, whose form changes with the compiler, so they run where they are asked for:
//! `cargo test -p trusted-app-tests --test public_api -- --ignored`. With `UPDATE_API=1` before it the snapshots are
//! written again; their difference belongs in the commit and, if it can break a user, in `CHANGELOG.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use cargo_metadata::{Metadata, MetadataCommand};
use trusted_app_tests::gate::{cargo, output_of, workspace};

/// The foreign crates whose items each library names in public, beside the standard library's. A breaking release of
/// one of them is a breaking release of ours, so the list is exact: a crate that is no longer named leaves it.
const NAMED: [(&str, &[&str]); 9] = [
    (
        "tower-trusted-app",
        &["axum_core", "bytes", "http", "http_body", "tower_layer", "tower_service", "trusted_app_core"],
    ),
    ("trusted-app-admin", &["axum", "http", "tower_trusted_app", "trusted_app_core"]),
    ("trusted-app-axum", &["axum", "http", "tower_trusted_app", "trusted_app_core"]),
    ("trusted-app-core", &["http", "serde_core", "zeroize"]),
    ("trusted-app-ldap", &["trusted_app_core"]),
    ("trusted-app-redis", &["trusted_app_core"]),
    (
        "trusted-app-sqlx",
        &["sqlx_core", "sqlx_postgres", "sqlx_sqlite", "tower_trusted_app", "trusted_app_core"],
    ),
    ("trusted-app-test", &["http", "tower_layer", "tower_service", "trusted_app_core"]),
    ("trusted-app-tonic", &["bytes", "http", "tonic", "tower_trusted_app", "trusted_app_core"]),
];

/// The lines of each published library's public API, by package.
static APIS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let metadata = MetadataCommand::new().no_deps().exec().expect("the workspace's manifests are in order");
    let json = rustdoc_json(&metadata);
    published_libraries(&metadata)
        .map(|(package, library)| (package, public_items(&json.join(library).with_extension("json"))))
        .collect()
});

#[test]
#[ignore = "reads rustdoc's unstable JSON; .ci/run asks for it"]
fn the_public_api_is_the_snapshot() {
    let update = env::var_os("UPDATE_API").is_some();
    let mut changes = String::new();
    for (package, items) in &*APIS {
        let snapshot = workspace().join(format!("tests/api/{package}.txt"));
        if update {
            fs::write(&snapshot, items.join("\n") + "\n").expect("the snapshot can be written");
        }
        let before = fs::read_to_string(&snapshot).unwrap_or_default();
        changes += &difference(&before.lines().collect(), &items.iter().map(String::as_str).collect());
    }
    assert!(
        changes.is_empty(),
        "the public API has changed. If that is meant, run this test with UPDATE_API=1.\n{changes}"
    );
}

#[test]
#[ignore = "reads rustdoc's unstable JSON; .ci/run asks for it"]
fn only_the_listed_foreign_crates_are_named() {
    let listed = BTreeMap::from(NAMED);
    for (package, items) in &*APIS {
        let own = package.replace('-', "_");
        let mut named = BTreeMap::<&str, &str>::new();
        for item in items {
            named.extend(crates_named_in(item).map(|name| (name, item.as_str())));
        }
        named.retain(|name, _| ![&own, "core", "alloc", "std"].contains(name));

        let listed = listed.get(package.as_str()).copied().unwrap_or_default();
        for (name, item) in &named {
            assert!(listed.contains(name), "{package} may not name `{name}` in public, but does:\n{item}");
        }
        for name in listed {
            assert!(
                named.contains_key(name),
                "{package} no longer names `{name}` in public: take it off the list"
            );
        }
    }
}

/// Writes the JSON of the whole workspace, with the features that `cargo doc` has compiled it with before.
fn rustdoc_json(metadata: &Metadata) -> PathBuf {
    let mut doc = cargo("doc");
    doc.args(["--workspace", "--no-deps", "--all-features", "--lib"])
        .env("RUSTDOC", workspace().join("tests/api/rustdoc"))
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json --cap-lints allow");
    let _ = output_of(&mut doc);
    metadata.target_directory.join("doc").into()
}

fn published_libraries(metadata: &Metadata) -> impl Iterator<Item = (String, String)> {
    metadata.workspace_packages().into_iter().filter(|package| package.publish.is_none()).filter_map(
        |package| {
            let library = package.targets.iter().find(|target| target.is_lib())?;
            Some((package.name.to_string(), library.name.clone()))
        },
    )
}

fn public_items(json: &Path) -> Vec<String> {
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .expect("the pinned `public-api` reads the JSON of the pinned toolchain");
    // `pin_project` says there, through types of its own, when a future is `Unpin`.
    api.items().map(ToString::to_string).filter(|item| !item.contains("pin_project::__private")).collect()
}

fn difference(before: &BTreeSet<&str>, after: &BTreeSet<&str>) -> String {
    let gone = before.difference(after).map(|item| format!("- {item}\n"));
    let new = after.difference(before).map(|item| format!("+ {item}\n"));
    gone.chain(new).collect()
}

/// The first segment of every path in an item as `public-api` writes it. Paths there are whole, so a segment in lower
/// case that nothing precedes is a crate; `T::Error` and `Self::Error` are not.
fn crates_named_in(item: &str) -> impl Iterator<Item = &str> {
    item.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).filter_map(|path| {
        let (first, _) = path.split_once("::")?;
        first.starts_with(|c: char| c.is_lowercase()).then_some(first)
    })
}

#[test]
fn a_crate_is_told_from_a_parameter() {
    let item = "pub fn own::Layer<S>::call(&mut self, http::request::Request<B>) -> <S as tower_service::Service>::Future";
    assert_eq!(crates_named_in(item).collect::<Vec<_>>(), ["own", "http", "tower_service"]);
    assert_eq!(crates_named_in("pub type X::Error = <T as X>::Error where T::Error: a").count(), 0);
}
