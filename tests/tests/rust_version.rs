//! Every published package's `rust-version` is what it needs and no more: the largest that one of its dependencies
//! declares with all features on, on any platform, or what the language of our own sources needs.
//!
//! That our sources call nothing newer of the standard library is watched by clippy (`incompatible_msrv`).

use std::collections::{BTreeSet, HashMap};

use cargo_metadata::{
    CargoOpt, DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId, semver::Version,
};
use trusted_app_tests::gate::workspace;

/// Edition 2024 with `let` chains.
const LANGUAGE: Version = Version::new(1, 88, 0);

#[test]
#[ignore = "needs the manifests of every platform's dependencies; .ci/run asks for it"]
fn each_rust_version_is_what_the_package_needs() {
    let metadata = MetadataCommand::new()
        .current_dir(workspace())
        .features(CargoOpt::AllFeatures)
        .other_options(["--locked".to_owned()])
        .exec()
        .expect("the workspace's manifests are in order");
    let graph = Graph::of(&metadata);

    for package in metadata.workspace_packages().into_iter().filter(|package| package.publish.is_none()) {
        let (needed, why) = graph.needed_by(package);
        assert_eq!(
            package.rust_version.as_ref(),
            Some(&needed),
            "{}: `rust-version` must be {}.{}, for {why}",
            package.name,
            needed.major,
            needed.minor,
        );
    }
}

struct Graph<'a> {
    packages: HashMap<&'a PackageId, &'a Package>,
    nodes: HashMap<&'a PackageId, &'a Node>,
}

impl<'a> Graph<'a> {
    fn of(metadata: &'a Metadata) -> Self {
        let resolve = metadata.resolve.as_ref().expect("dependencies were asked for");
        Self {
            packages: metadata.packages.iter().map(|package| (&package.id, package)).collect(),
            nodes: resolve.nodes.iter().map(|node| (&node.id, node)).collect(),
        }
    }

    /// The version that a package needs, and what needs it.
    fn needed_by(&self, package: &Package) -> (Version, String) {
        self.dependencies_of(package)
            .iter()
            .filter_map(|id| {
                let dependency = self.packages[id];
                Some((
                    dependency.rust_version.clone()?,
                    format!("{} {}", dependency.name, dependency.version),
                ))
            })
            .chain([(LANGUAGE, "our own sources".to_owned())])
            .max_by(|(one, _), (other, _)| one.cmp(other))
            .expect("our own sources are one")
    }

    /// All that is compiled for a package's users: dependencies of dependencies too, tests' alone not.
    fn dependencies_of(&self, package: &'a Package) -> BTreeSet<&'a PackageId> {
        let (mut found, mut open) = (BTreeSet::new(), vec![&package.id]);
        while let Some(id) = open.pop() {
            let dependencies = self.nodes[id].deps.iter().filter(|dependency| {
                dependency.dep_kinds.iter().any(|how| how.kind != DependencyKind::Development)
            });
            open.extend(dependencies.map(|dependency| &dependency.pkg).filter(|id| found.insert(*id)));
        }
        found
    }
}
