//! The edges between the crates of this workspace, as `docs/ARCHITECTURE.md` draws them: what holds them is this test and
//! nobody's memory. A new crate or a new edge is a decision, and starts here.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Which crates of the workspace a crate may stand on. `ingest`, `scorer` and `trainer` meet in topics, stores and the
/// registry, never in code.
const MAY_STAND_ON: [(&str, &[&str]); 13] = [
    ("schemas", &[]),
    ("bucket", &[]),
    ("model", &["schemas"]),
    ("monitor", &["schemas", "model"]),
    ("registry", &["schemas", "model", "bucket"]),
    ("feature-store", &["schemas", "bucket"]),
    ("service", &[]),
    ("ingest", &["schemas", "model", "registry", "feature-store", "service"]),
    ("scorer", &["schemas", "model", "registry", "feature-store", "service"]),
    ("trainer", &["schemas", "model", "monitor", "registry", "feature-store", "service"]),
    ("learner", &["schemas", "model", "registry", "feature-store", "service"]),
    ("demo", &["schemas", "model", "registry", "feature-store", "service", "ingest", "scorer", "trainer"]),
    (
        "plaudit",
        &["schemas", "model", "registry", "feature-store", "service", "ingest", "scorer", "trainer", "learner", "demo"],
    ),
];

/// Crates that compute and never wait: usable from a batch job, a test or another language's extension alike.
const SYNCHRONOUS: [&str; 3] = ["schemas", "model", "monitor"];

/// What a crate that never waits has no use for.
const OF_THE_OUTSIDE_WORLD: [&str; 6] = ["tokio", "rdkafka", "hyper", "axum", "reqwest", "redis"];

/// Names that say nothing of what is inside, so that everything ends up there.
const NO_NAMES: [&str; 3] = ["common", "utils", "core"];

fn metadata() -> Metadata {
    // For this machine only, since other platforms' dependencies need not have been downloaded.
    let host = Command::new("rustc").args(["--print", "host-tuple"]).output().expect("rustc runs");
    let host = String::from_utf8(host.stdout).expect("a target's name is ASCII");
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(["--offline", "--filter-platform", host.trim()].map(str::to_owned))
        .exec()
        .expect("cargo describes the workspace")
}

/// The crates of the workspace that `package` stands on; tests may use more.
fn edges(package: &Package) -> BTreeSet<&str> {
    let of_the_workspace = |name: &str| MAY_STAND_ON.iter().any(|(member, _)| *member == name);
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal && dependency.path.is_some())
        .map(|dependency| dependency.name.as_str())
        .inspect(|name| assert!(of_the_workspace(name), "{} stands on {name}, which is not drawn", package.name))
        .collect()
}

/// The names of all crates that `root` pulls in, through normal dependencies.
fn pulled_in<'a>(metadata: &'a Metadata, root: &PackageId) -> BTreeSet<&'a str> {
    let nodes = &metadata.resolve.as_ref().expect("dependencies are resolved").nodes;
    let node_of: BTreeMap<_, _> = nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = BTreeSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        for dependency in &node_of[id].deps {
            let is_normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if is_normal && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen.into_iter().map(|id| metadata[id].name.as_str()).collect()
}

#[test]
fn crates_stand_only_on_those_below_them() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let (_, allowed) = MAY_STAND_ON
            .iter()
            .find(|(name, _)| *name == package.name.as_str())
            .unwrap_or_else(|| panic!("crate {} is not drawn: say here what it may stand on", package.name));
        for edge in edges(package) {
            assert!(allowed.contains(&edge), "{} stands on {edge}: it may stand on {allowed:?} only", package.name);
        }
    }
}

#[test]
fn every_crate_that_is_drawn_exists() {
    let metadata = metadata();
    let exist: BTreeSet<&str> = metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    let drawn: BTreeSet<&str> = MAY_STAND_ON.iter().map(|(name, _)| *name).collect();
    assert_eq!(exist, drawn);
}

#[test]
fn no_crate_is_named_after_nothing() {
    for package in metadata().workspace_packages() {
        let says_nothing = package.name.split(['-', '_']).any(|word| NO_NAMES.contains(&word));
        assert!(!says_nothing, "crate {}: name it after what it does", package.name);
    }
}

#[test]
fn what_computes_pulls_in_no_runtime_and_no_network() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        if SYNCHRONOUS.contains(&package.name.as_str()) {
            let pulled_in = pulled_in(&metadata, &package.id);
            for banned in OF_THE_OUTSIDE_WORLD {
                let how = format!("see `cargo tree -p {} -e normal -i {banned}`", package.name);
                assert!(!pulled_in.contains(banned), "{} pulls in {banned}: {how}", package.name);
            }
        }
    }
}
