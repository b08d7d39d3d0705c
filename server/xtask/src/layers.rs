//! Who may know whom: the layers of server/ARCHITECTURE.md, held by a test.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::run::{cargo, output, root};

/// Every crate with the crates of ours that it may name, and the libraries of others that only it may name.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("skillyard-manifest", &[], &[]),
    ("skillyard-ide", &["skillyard-manifest"], &[]),
    ("skillyard-artifact", &["skillyard-manifest"], &["zip", "wasmparser", "wat", "ed25519-dalek", "ssh-key"]),
    ("skillyard-store", &["skillyard-artifact", "skillyard-manifest"], &["directories", "keyring", "rusqlite"]),
    (
        "skillyard-runtime",
        &["skillyard-artifact", "skillyard-manifest"],
        &[
            "wasmtime",
            "wasmtime-wasi",
            "wasmtime-wasi-http",
            "cedar-policy",
            "ureq",
            "tokio",
            "landlock",
            "seccompiler",
        ],
    ),
    (
        "skillyard-project",
        &["skillyard-manifest", "skillyard-artifact", "skillyard-runtime", "skillyard-store"],
        &["ignore", "globset", "taplo"],
    ),
    (
        "skillyard-lsp",
        &["skillyard-ide", "skillyard-manifest", "skillyard-project"],
        &["tower-lsp-server", "tokio", "ropey"],
    ),
    (
        "skillyard",
        &["skillyard-manifest", "skillyard-project", "skillyard-lsp"],
        &["clap", "clap_complete", "annotate-snippets", "anstream", "anstyle", "ctrlc", "rpassword"],
    ),
    ("xtask", &["skillyard-manifest", "skillyard-artifact"], &[]),
];

/// What the analysis of a text never does: files, network, processes, environment, printing.
const NOT_IN_MANIFEST: &[&str] =
    &["std::fs", "std::net", "std::process", "std::env", "std::io", "println!", "eprintln!", "async fn", "tokio"];

/// The packages of the workspace: name, and the names of what they depend on (not for tests only).
fn packages() -> BTreeMap<String, Vec<String>> {
    let output = output(&mut cargo(&["metadata", "--format-version", "1", "--no-deps"])).expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let depends = |package: &Value| {
        let all = package["dependencies"].as_array().expect("dependencies").iter();
        all.filter(|dependency| dependency["kind"] != "dev").map(name).collect()
    };
    packages.iter().map(|package| (name(package), depends(package))).collect()
}

#[test]
fn no_crate_knows_one_that_it_may_not() {
    for (package, depends) in packages() {
        let Some((_, may, own)) = LAYERS.iter().find(|(name, ..)| *name == package) else {
            panic!("{package} has no layer: give it one in server/xtask/src/layers.rs and server/ARCHITECTURE.md");
        };
        for dependency in &depends {
            if LAYERS.iter().any(|(name, ..)| name == dependency) {
                assert!(may.contains(&dependency.as_str()), "{package} may not know {dependency}");
            }
            let owner = LAYERS.iter().find(|(_, _, libraries)| libraries.contains(&dependency.as_str()));
            if let Some((owner, ..)) = owner {
                assert!(own.contains(&dependency.as_str()), "only {owner} may use {dependency}, {package} does too");
            }
        }
    }
}

#[test]
fn the_analysis_touches_nothing_but_its_text() {
    fn visit(folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                visit(&path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("UTF-8");
            // Tests inside the crate may do what they like.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                for word in NOT_IN_MANIFEST {
                    assert!(!line.contains(word), "{}:{}: `{word}`", path.display(), number + 1);
                }
            }
        }
    }
    visit(&root().join("server/manifest/src"));
    visit(&root().join("server/ide/src"));
}
