//! schema/skill.schema.json, as the editors' TOML tools see it.

#![allow(clippy::expect_used, reason = "a test that cannot go on says so and fails")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Good manifests in TOML 1.1, of which taplo reads 1.0: it has syntax errors where there are none.
const NEWER_TOML: &[&str] =
    &["664-toml--escape-x.toml", "674-toml--inline-compat-multiline.toml", "695-toml--datetime-no-seconds.toml"];

/// Good manifests in a form that a daemon reads and no author should write; the schema describes what to write.
const ODD_FORMS: &[&str] = &[
    "626-positional--compat.toml",
    "628-positional--compat-too-long.toml",
    "630-positional--quotas.toml",
    "631-positional--quotas-short.toml",
    "632-positional--risk.toml",
    "633-positional--filesystem.toml",
    "634-positional--wildcards.toml",
    "637-positional--tools.toml",
    "638-positional--entrypoints.toml",
    "641-enum_shape--contract-kind-table.toml",
];

/// What a schema can refuse, one of each kind.
const BAD: &[(&str, &str)] = &[
    ("an unknown key", "colour = \"blue\"\n"),
    ("a wrong type", "manifest_version = \"2\"\n"),
    ("an unknown table", "[compatibility]\n"),
];

fn schema_path() -> PathBuf {
    Path::new(ROOT).join("schema/skill.schema.json")
}

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(schema_path()).expect("the schema")).expect("JSON")
}

/// The names of the conformance manifests that a daemon accepts.
fn good() -> Vec<String> {
    let lines = fs::read_to_string(Path::new(ROOT).join("tests/conformance/manifests.jsonl")).expect("the cases");
    let cases = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let good = cases.filter(|case| case["daemon_accepts"] == true);
    good.map(|case| case["file"].as_str().expect("a name").to_owned()).collect()
}

/// Whether `taplo lint` accepts all files under the schema, and what it says.
fn taplo(files: &[PathBuf]) -> (bool, String) {
    let program =
        env::var_os("SKILLYARD_TEST_TAPLO").expect("SKILLYARD_TEST_TAPLO names taplo; `cargo xtask test` sets it");
    let path = fs::canonicalize(schema_path()).expect("the schema").to_string_lossy().replace('\\', "/");
    let path = path.trim_start_matches("//?/");
    let url = format!("file://{}{path}", if path.starts_with('/') { "" } else { "/" });
    let mut command = Command::new(program);
    command.args(["lint", "--no-auto-config", "--schema", &url]).args(files).stdin(Stdio::null());
    let output = command.output().expect("taplo runs");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn it_is_a_schema_and_describes_every_key() {
    let schema = schema();
    let meta = jsonschema::meta::validate(&schema);
    assert!(meta.is_ok(), "{meta:?}");
    let mut undescribed = Vec::new();
    find_undescribed(&schema, "", &mut undescribed);
    assert!(undescribed.is_empty(), "without a description: {undescribed:?}");
}

/// The keys of a manifest that the schema has no word about.
fn find_undescribed(schema: &Value, path: &str, found: &mut Vec<String>) {
    let Value::Object(members) = schema else { return };
    for (keyword, value) in members {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (key, value) in properties {
                    let path = format!("{path}/{key}");
                    find_undescribed(value, &path, found);
                    if value.get("description").is_none() {
                        found.push(path);
                    }
                }
            }
            ("items" | "additionalProperties", value) => find_undescribed(value, &format!("{path}/*"), found),
            _ => {}
        }
    }
}

#[test]
#[ignore = "needs taplo: cargo xtask test"]
fn taplo_accepts_every_good_manifest_under_it() {
    let good = good();
    let excepted = |name: &str| NEWER_TOML.contains(&name) || ODD_FORMS.contains(&name);
    let path = |name: &String| Path::new(ROOT).join("tests/conformance/manifests").join(name);
    let files: Vec<PathBuf> = good.iter().filter(|name| !excepted(name)).map(path).collect();
    assert!(files.len() > 150, "{}", files.len());
    let (accepts, said) = taplo(&files);
    assert!(accepts, "{said}");

    // An exception that is none any more goes from the list.
    for name in NEWER_TOML.iter().chain(ODD_FORMS) {
        assert!(good.iter().any(|file| file == name), "{name} is no good manifest");
        let (accepts, _) = taplo(&[path(&(*name).to_owned())]);
        assert!(!accepts, "{name} is no exception");
    }
}

#[test]
#[ignore = "needs taplo: cargo xtask test"]
fn taplo_refuses_bad_manifests_under_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good = fs::read_to_string(Path::new(ROOT).join("tests/conformance/manifests/001-base--v2.toml")).expect("it");
    let without_version = good.replace("manifest_version = 2\n", "");
    let file = folder.path().join("skill.toml");
    fs::write(&file, &without_version).expect("a file");
    let (accepts, said) = taplo(std::slice::from_ref(&file));
    assert!(accepts, "{said}");

    for (what, line) in BAD {
        // In front of all tables, where a key is one of the whole manifest; a table at the end.
        let text = if line.starts_with('[') {
            format!("{without_version}\n{line}")
        } else {
            format!("{line}{without_version}")
        };
        fs::write(&file, text).expect("a file");
        let (accepts, said) = taplo(std::slice::from_ref(&file));
        assert!(!accepts, "accepts {what}: {said}");
    }
    fs::write(&file, good.replace("publisher = \"northwind\"\n", "")).expect("a file");
    let (accepts, said) = taplo(std::slice::from_ref(&file));
    assert!(!accepts && said.contains("publisher"), "accepts a manifest without a publisher: {said}");
}
