//! Who may import whom, as the design says, over what cargo itself reports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Normal and build dependencies among our own packages; what is not here is not allowed.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("server", &["model", "store", "challenges", "scoreboard", "site", "lab", "localnet"]),
    ("store", &["model"]),
    ("challenges", &["model"]),
    ("scoreboard", &["model"]),
    ("site", &["scoreboard", "model"]),
    ("model", &[]),
    ("lab", &[]),
    ("localnet", &[]),
];

/// What tests may import beside that.
const ALLOWED_IN_TESTS: [(&str, &str); 1] = [("challenges", "lab")];

/// What could do I/O; neither the words nor the scoring may bring it in, through anybody.
const NO_SOCKETS: [&str; 7] = ["tokio", "hyper", "axum", "sqlx", "reqwest", "mio", "socket2"];

/// What may lie at the top of the repository, beside licences and dot-files.
const TOP: [&str; 7] =
    ["Cargo.toml", "Cargo.lock", "README.md", "platform", "challenges", "scoreboard", "migrations"];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Edge {
    from: String,
    to: String,
    in_tests: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn metadata(options: &[&str]) -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(options)
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Names of our packages, and every dependency of one on another.
fn own(metadata: &Value) -> (BTreeSet<String>, Vec<Edge>) {
    let packages = list(metadata, "packages");
    let names: BTreeSet<String> = packages.iter().map(|package| text(package, "name").to_owned()).collect();
    let mut edges = Vec::new();
    for package in packages {
        for dependency in list(package, "dependencies") {
            let to = text(dependency, "name").to_owned();
            if dependency["path"].is_string() || names.contains(&to) {
                let in_tests = text(dependency, "kind") == "dev";
                edges.push(Edge { from: text(package, "name").to_owned(), to, in_tests });
            }
        }
    }
    (names, edges)
}

fn is_allowed(edge: &Edge) -> bool {
    let normal = ALLOWED.iter().any(|(from, to)| *from == edge.from && to.contains(&edge.to.as_str()));
    normal || (edge.in_tests && ALLOWED_IN_TESTS.contains(&(edge.from.as_str(), edge.to.as_str())))
}

/// Everything that `package` is built with, itself included; not what its tests need.
fn tree(metadata: &Value, package: &str) -> BTreeSet<String> {
    let names: BTreeMap<&str, &str> = list(metadata, "packages")
        .iter()
        .map(|package| (text(package, "id"), text(package, "name")))
        .collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"], "nodes").iter().map(|node| (text(node, "id"), node)).collect();
    let start = names.iter().find(|(_, name)| **name == package).expect("a package of the workspace").0;
    let (mut seen, mut next) = (BTreeSet::new(), vec![*start]);
    while let Some(id) = next.pop() {
        if seen.insert(id) {
            let built = list(nodes[id], "deps").iter().filter(|dependency| is_built(dependency));
            next.extend(built.map(|dependency| text(dependency, "pkg")));
        }
    }
    seen.into_iter().map(|id| names[id].to_owned()).collect()
}

fn is_built(dependency: &Value) -> bool {
    list(dependency, "dep_kinds").iter().any(|kind| text(kind, "kind") != "dev")
}

/// The first part of each tracked path that does not belong at the top.
fn strangers(paths: &str) -> BTreeSet<&str> {
    let first = paths.lines().filter_map(|path| path.split('/').next());
    first
        .filter(|name| !TOP.contains(name) && !name.starts_with('.') && !name.starts_with("LICENSE"))
        .collect()
}

#[test]
fn packages_import_what_the_design_allows_and_nothing_else() {
    let (names, edges) = own(&metadata(&["--no-deps"]));
    let unknown: Vec<_> =
        names.iter().filter(|name| ALLOWED.iter().all(|(known, _)| known != name)).collect();
    assert!(unknown.is_empty(), "say in DESIGN.md and here what these may import: {unknown:?}");
    let forbidden: Vec<_> = edges.iter().filter(|edge| !is_allowed(edge)).collect();
    assert!(forbidden.is_empty(), "the design does not allow {forbidden:?}");
    assert!(edges.len() >= 8, "the workspace has more edges than {edges:?}");
    println!("{} packages, {} edges among them", names.len(), edges.len());
}

#[test]
fn wings_and_leaves_are_told_apart() {
    let edge = |from: &str, to: &str, in_tests| Edge { from: from.into(), to: to.into(), in_tests };
    for (from, to, in_tests) in
        [("server", "site", false), ("server", "localnet", true), ("challenges", "lab", true)]
    {
        assert!(is_allowed(&edge(from, to, in_tests)), "{from} -> {to}");
    }
    for (from, to, in_tests) in [
        ("challenges", "scoreboard", false),
        ("scoreboard", "challenges", true),
        ("challenges", "lab", false),
        ("lab", "model", false),
        ("challenges", "localnet", true),
        ("site", "challenges", false),
        ("model", "scoreboard", true),
    ] {
        assert!(!is_allowed(&edge(from, to, in_tests)), "{from} -> {to}");
    }
}

#[test]
fn neither_the_words_nor_the_scoring_can_name_a_socket() {
    let metadata = metadata(&["--filter-platform", "x86_64-unknown-linux-gnu"]);
    for package in ["scoreboard", "model"] {
        let tree = tree(&metadata, package);
        let found: Vec<_> = NO_SOCKETS.iter().filter(|name| tree.contains(**name)).collect();
        assert!(found.is_empty(), "{package} is built with {found:?}");
        assert!(tree.contains("serde"), "{package} is built with {tree:?}");
        println!("{package}: {} packages, no socket library", tree.len());
    }
    let engine = tree(&metadata, "challenges");
    assert!(engine.contains("tokio") && engine.contains("mio"), "the search finds what is there: {engine:?}");
}

#[test]
fn the_top_of_the_repository_holds_the_three_wings_and_no_more() {
    assert_eq!(
        strangers("README.md\nplatform/a.rs\n.ci/x\nLICENSE-MIT\nnotes/b.md"),
        BTreeSet::from(["notes"])
    );
    let output = Command::new("git").current_dir(root()).args(["ls-files"]).output();
    let Some(output) = output.ok().filter(|output| output.status.success() && !output.stdout.is_empty())
    else {
        eprintln!("not run: this is no git repository");
        return;
    };
    let paths = String::from_utf8(output.stdout).expect("names are text");
    assert_eq!(strangers(&paths), BTreeSet::new(), "not at the top of the repository");
    println!("{} tracked files", paths.lines().count());
}
