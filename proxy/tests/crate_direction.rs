//! Crates point downwards only, and `rules` stays pure: read from Cargo, not from anybody's memory.

#![expect(clippy::unwrap_used, reason = "a test complains by panicking")]

use std::process::Command;

use serde_json::Value;

/// The crates, from the bottom up: each may depend on those before it, in tests and benchmarks too.
const UPWARDS: [&str; 5] =
    ["portalmeter-rules", "portalmeter-meter", "portalmeter-dashboard", "portalmeter", "portalmeter-bench"];

/// Nothing depends on these: one is the program, the other drives it.
const TOPS: [&str; 2] = ["portalmeter", "portalmeter-bench"];

/// What `rules` must not reach, by no way round: runtimes, files, sockets, databases, clocks and logs.
const IMPURE: [&str; 17] = [
    "async-trait",
    "axum",
    "chrono",
    "futures-core",
    "http",
    "hyper",
    "jiff",
    "mio",
    "pingora",
    "pingora-core",
    "portalmeter-meter",
    "redis",
    "rusqlite",
    "socket2",
    "tokio",
    "tracing",
    "ureq",
];

#[test]
fn crates_depend_downwards_only() {
    let place = |name: &str| UPWARDS.iter().position(|known| *known == name);
    for (name, dependencies) in workspace() {
        let own = place(&name).unwrap_or_else(|| panic!("`{name}` has no place in UPWARDS: say what it may depend on"));
        for dependency in dependencies {
            assert!(place(&dependency) < Some(own), "`{name}` depends on `{dependency}`, which is not below it");
        }
    }
}

#[test]
fn nothing_depends_on_the_program_or_the_bench() {
    for (name, dependencies) in workspace() {
        let top = dependencies.iter().find(|dependency| TOPS.contains(&dependency.as_str()));
        assert_eq!(top, None, "`{name}` depends on it");
    }
}

#[test]
fn rules_reach_nothing_impure() {
    let tree = cargo(&["tree", "--package", "portalmeter-rules", "--edges", "normal", "--prefix", "none"]);
    let reached: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(reached.contains(&"aho-corasick"), "this is no tree of the rules:\n{tree}");
    let impure: Vec<&&str> = reached.iter().filter(|name| IMPURE.contains(name)).collect();
    assert!(impure.is_empty(), "rules reach {impure:?}");
}

/// The workspace's crates, each with those of the workspace that it depends on in any way.
fn workspace() -> Vec<(String, Vec<String>)> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |package: &Value| package["name"].as_str().unwrap().to_owned();
    let ours: Vec<String> = packages.iter().map(name).collect();
    assert!(ours.iter().any(|name| name == env!("CARGO_PKG_NAME")), "{ours:?}");
    let of_ours = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        dependencies.map(name).filter(|dependency| ours.contains(dependency)).collect()
    };
    packages.iter().map(|package| (name(package), of_ours(package))).collect()
}

/// What Cargo answers about this workspace. It builds nothing and asks no registry.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--locked", "--offline", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .output()
        .unwrap();
    let asked = arguments.join(" ");
    assert!(output.status.success(), "cargo {asked}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
