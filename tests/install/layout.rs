//! The layout on the disk, file by file and key by key, as a daemon's own tools read it.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::{
    skills::{ID, Skills},
    world::{recorded, records},
};

/// The facts of one version.
const FACTS: [&str; 11] = [
    "artifact_sha256",
    "current",
    "installed_at_unix_ms",
    "missing_secrets",
    "payload_sha256",
    "publisher",
    "signature_key_id",
    "skill_id",
    "source",
    "trust_decision",
    "version",
];

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn read(skills: &Skills, name: &str) -> Value {
    serde_json::from_slice(&fs::read(skills.root().join(name)).unwrap()).unwrap()
}

fn check_version(skills: &Skills, entry: &Value) {
    let text = |key: &str| entry[key].as_str().unwrap().to_owned();
    assert_eq!(keys(entry), BTreeSet::from(FACTS));
    assert_eq!(keys(&entry["source"]), BTreeSet::from(["kind", "reference"]));
    for missing in entry["missing_secrets"].as_array().unwrap() {
        assert_eq!(keys(missing), BTreeSet::from(["scope", "key"]));
    }
    for hash in ["artifact_sha256", "payload_sha256"] {
        assert!(text(hash).len() == 64 && text(hash).bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    }
    let folder = skills.root().join(text("skill_id")).join(text("version"));
    let name = format!("{}/{}", text("skill_id"), text("version"));
    let metadata = read(skills, &format!("{name}/install-metadata.json"));
    assert_eq!(keys(&metadata), FACTS.iter().copied().chain(["schema_version"]).collect());
    assert_eq!(metadata["schema_version"], 1);
    for key in FACTS {
        assert_eq!(metadata[key], entry[key], "{key}");
    }
    // What the archive holds is unpacked, and nothing else lies there.
    let bytes = fs::read(folder.join("artifact.palyra-skill")).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&bytes)).unwrap();
    let mut names: BTreeSet<String> = BTreeSet::from(["artifact.palyra-skill".into(), "install-metadata.json".into()]);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        let name = entry.name().unwrap().into_owned();
        assert_eq!(fs::read(folder.join(&name)).unwrap(), content, "{name}");
        names.insert(name);
    }
    let below = |name: &String| {
        name.strip_prefix(&format!("home/palyra/skills/{name_of}/", name_of = folder_name(entry))).map(str::to_owned)
    };
    let found: BTreeSet<String> = skills.0.0.files().iter().filter_map(below).collect();
    assert_eq!(found, names);
}

fn folder_name(entry: &Value) -> String {
    format!("{}/{}", entry["skill_id"].as_str().unwrap(), entry["version"].as_str().unwrap())
}

#[test]
fn two_versions_lie_as_a_daemon_has_them() {
    let skills = Skills::new();
    for version in ["1.0.0", "1.1.0"] {
        skills.install(&skills.pack(version, ""));
    }
    let index = read(&skills, "installed-index.json");
    assert_eq!(keys(&index), BTreeSet::from(["schema_version", "updated_at_unix_ms", "entries"]));
    assert_eq!(index["schema_version"], 1);
    assert!(index["updated_at_unix_ms"].is_i64());
    let entries = index["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        check_version(&skills, entry);
        assert_eq!(entry["current"], entry["version"] == "1.1.0");
    }
    let pointer = fs::read_to_string(skills.root().join(ID).join("current")).unwrap();
    assert_eq!(pointer.trim(), "1.1.0");
    let mut of_skill: Vec<_> =
        fs::read_dir(skills.root().join(ID)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    of_skill.sort();
    assert_eq!(of_skill, ["1.0.0", "1.1.0", "current"]);
    let log = fs::read_to_string(skills.root().join("audit.ndjson")).unwrap();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(keys(&line), BTreeSet::from(["event_kind", "timestamp_unix_ms", "payload"]));
    }
}

/// Every recorded artifact that passes is installed, and lies as the description has it.
#[test]
fn the_recorded_artifacts_lie_as_described() {
    let skills = Skills::new();
    let mut installed = 0;
    for record in records("artifacts.jsonl") {
        let name = record["file"].as_str().unwrap().trim_end_matches(".palyra-skill").to_owned();
        // Each in a root of its own, since many are one version of one skill.
        let root = skills.0.0.path("home/palyra/skills");
        let _ = fs::remove_dir_all(&root);
        let _ = fs::remove_dir_all(skills.0.0.path("home/skillyard"));
        let ran = skills.run(&["install", &recorded(&name), "--allow-tofu", "--format", "json"]);
        if ran.code != Some(0) {
            assert_eq!(ran.code, Some(1), "{name}: {ran:?}");
            let listed = skills.run(&["list", "--format", "json"]).exits(0).json();
            assert_eq!(listed["versions"], serde_json::json!([]), "{name}");
            continue;
        }
        assert_eq!(record["daemon_accepts"], true, "{name}");
        let index = read(&skills, "installed-index.json");
        assert_eq!(index["entries"].as_array().unwrap().len(), 1);
        assert_eq!(index["entries"][0]["payload_sha256"], record["payload_sha256"], "{name}");
        check_version(&skills, &index["entries"][0]);
        installed += 1;
    }
    assert!(installed > 5, "{installed}");
}
