//! What each package makes its users compile, with all its features on unless the test says otherwise.

use cargo_metadata::MetadataCommand;
use trusted_app_tests::gate::{cargo, output_of, workspace};

/// What one adapter, one store or one tool of ours may need and nobody else should have to compile.
const OF_ONE_ADAPTER: [&str; 7] =
    ["criterion", "ldap3", "libsqlite3-sys", "prost", "redis", "sqlx-core", "tonic"];

#[test]
fn the_core_brings_no_runtime_and_no_framework() {
    let tree = Tree::of(&["--package", "trusted-app-core"]);
    tree.has("http");
    tree.has_none_of(&["async-std", "mio", "smol", "tokio"]);
    tree.has_none_of(&["axum", "axum-core", "hyper", "tower", "tower-http", "tower-layer", "tower-service"]);
    tree.has_none_of(&["tracing"]);
    tree.has_none_of(&OF_ONE_ADAPTER);
}

#[test]
fn the_layer_brings_no_framework() {
    let tree = Tree::of(&["--package", "tower-trusted-app"]);
    tree.has("axum-core"); // by the feature of that name
    tree.has_none_of(&["axum", "hyper"]);
    tree.has_none_of(&OF_ONE_ADAPTER);

    let features = "aws-lc-rs,rsa,file,metrics,toml";
    let tree = Tree::of(&["--package", "tower-trusted-app", "--no-default-features", "--features", features]);
    tree.has("tower-layer");
    tree.has_none_of(&["axum-core"]);
}

#[test]
fn an_axum_service_compiles_no_other_adapter() {
    let tree = Tree::of(&["--package", "trusted-app-axum"]);
    tree.has("axum-core");
    tree.has_none_of(&OF_ONE_ADAPTER);
}

#[test]
fn a_tonic_service_compiles_no_other_adapter() {
    let tree = Tree::of(&["--package", "trusted-app-tonic"]);
    tree.has("tonic");
    tree.has_none_of(&["axum", "axum-core", "trusted-app-axum"]);
    tree.has_none_of(&["criterion", "ldap3", "redis", "rusqlite", "sqlx"]);
}

#[test]
fn the_administration_without_its_site_brings_no_framework() {
    let tree =
        Tree::of(&["--package", "trusted-app-admin", "--no-default-features", "--features", "aws-lc-rs,rsa"]);
    tree.has("ureq");
    tree.has_none_of(&["axum", "axum-core", "hyper", "maud", "openssl", "utoipa"]);
}

#[test]
fn an_ldap_directory_brings_no_openssl_and_no_other_adapter() {
    let tree = Tree::of(&["--package", "trusted-app-ldap"]);
    tree.has("ldap3");
    tree.has("rustls");
    tree.has_none_of(&["openssl", "openssl-sys", "native-tls", "tower-trusted-app"]);
    let others: Vec<_> = OF_ONE_ADAPTER.into_iter().filter(|package| *package != "ldap3").collect();
    tree.has_none_of(&others);
}

#[test]
fn a_replay_store_brings_no_framework_and_no_other_store() {
    let tree = Tree::of(&["--package", "trusted-app-redis"]);
    tree.has("redis");
    tree.has_none_of(&["axum-core", "hyper", "notify", "tower-layer", "tower-trusted-app"]);
    tree.has_none_of(&OF_ONE_ADAPTER.map(|one| if one == "redis" { "sqlx-sqlite" } else { one }));
}

#[test]
fn a_registry_in_sql_brings_no_other_store() {
    let tree = Tree::of(&["--package", "trusted-app-sqlx"]);
    tree.has("sqlx-core");
    tree.has_none_of(&["axum-core", "criterion", "hyper", "ldap3", "prost", "redis", "tonic"]);
}

#[test]
fn the_quick_start_is_light() {
    let tree = Tree::of(&["--package", "quickstart"]);
    tree.has("trusted-app-axum");
    tree.has_none_of(&OF_ONE_ADAPTER);
}

/// `rsa` before 0.10 tells its key by timing (RUSTSEC-2023-0071), and `sqlx-mysql` needs such a one.
#[test]
fn nothing_decrypts_with_a_leaking_rsa() {
    let tree = Tree::of(&["--workspace"]);
    tree.has("rsa v0.10");
    tree.has_none_of(&["rsa v0.8", "rsa v0.9", "sqlx-mysql"]);
}

/// `package?/feature` says nothing until another package of the build turns `package` on. What our users get would
/// then depend on who else is in their build.
#[test]
fn no_feature_is_weak() {
    let metadata =
        MetadataCommand::new().current_dir(workspace()).no_deps().exec().expect("manifests in order");
    for package in metadata.workspace_packages() {
        for (feature, enables) in &package.features {
            assert!(
                enables.iter().all(|other| !other.contains("?/")),
                "{}/{feature}: {enables:?}",
                package.name
            );
        }
    }
}

/// The packages that a selection of ours needs, each as `name v1.2.3`; without those that only tests need.
struct Tree(Vec<String>);

impl Tree {
    fn of(selection: &[&str]) -> Self {
        let mut tree = cargo("tree");
        tree.args(selection).args(["--edges", "normal,build"]);
        if !selection.contains(&"--no-default-features") {
            tree.arg("--all-features");
        }
        tree.args(["--prefix", "none", "--format", "{p}"]);
        Self(output_of(&mut tree).lines().map(str::to_owned).collect())
    }

    /// Whether a package is there, named alone or with the beginning of its version.
    fn holds(&self, package: &str) -> bool {
        let start = if package.contains(' ') { package.to_owned() } else { format!("{package} v") };
        self.0.iter().any(|line| line.starts_with(&start))
    }

    /// Asked beside each absence, so that a misspelt selection or an empty listing is noticed.
    fn has(&self, package: &str) {
        assert!(self.holds(package), "{package} should be among {:#?}", self.0);
    }

    fn has_none_of(&self, packages: &[&str]) {
        let found = packages.iter().find(|package| self.holds(package));
        assert!(found.is_none(), "{found:?} should not be among {:#?}", self.0);
    }
}
