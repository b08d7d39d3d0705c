//! What programs read of a skill that is refused before a call: one document, with a name for every reason.

use std::fs;

use serde_json::{Value, json};

use crate::{
    skills::{ID, Skills},
    world::module,
};

const RUN: &str = "schema/run-report.schema.json";
const TEST: &str = "schema/test-report.schema.json";

/// A skill that is installed, and one case for it in its folder.
fn installed() -> (Skills, String) {
    let skills = Skills::new();
    let artifact = skills.pack("1.0.0", "");
    skills.install(&artifact);
    skills.0.0.write(
        "skill/tests/a.json",
        r#"{"tool": "northwind.ledger_read", "input": {}, "approve": true, "expect": {"outcome": "ok"}}"#,
    );
    (skills, artifact)
}

/// `run` of each of `paths` is refused as `kind`, in a document that has all of a report's fields.
#[track_caller]
fn refused(skills: &Skills, paths: &[&str], kind: &str) -> Vec<Value> {
    let one = |path: &&str| {
        let arguments = ["run", "northwind.ledger_read", "--skill", path, "--approve"];
        let report = skills.json(1, RUN, &arguments);
        assert_eq!(report["error_kind"], kind, "{path}: {report:#}");
        assert_eq!((&report["outcome"], &report["walls"]), (&Value::Null, &json!([])), "{path}: {report:#}");
        assert_eq!(
            (&report["skill_id"], &report["version"], &report["tool_id"]),
            (&json!(ID), &json!("1.0.0"), &json!("northwind.ledger_read")),
            "{path}: {report:#}"
        );
        // The words are those that a person reads.
        let person = skills.run(&arguments).exits(1);
        assert!(person.err.contains(report["error"].as_str().unwrap()), "{path}: {person:?}");
        report
    };
    paths.iter().map(one).collect()
}

/// The one case of the folder fails, with the same refusal in its report.
#[track_caller]
fn tested(skills: &Skills, kind: &str) {
    let report = skills.json(1, TEST, &["test", "skill"]);
    let case = &report["cases"][0];
    assert_eq!((&report["failed"], &case["passed"]), (&json!(1), &json!(false)), "{report:#}");
    assert_eq!((&case["report"]["error_kind"], &case["report"]["outcome"]), (&json!(kind), &Value::Null), "{case:#}");
    assert_eq!(case["report"]["tool_id"], "northwind.ledger_read", "{case:#}");
    assert_eq!(case["failures"], json!([case["report"]["error"]]), "{case:#}");
    let mut whole = case["report"].clone();
    whole["schema_version"] = json!(1);
    crate::skillyard::holds_against(RUN, &whole);
}

#[test]
fn what_an_administrator_said_has_a_name() {
    let (skills, artifact) = installed();
    let folder = skills.folder("1.0.0").to_string_lossy().into_owned();
    let paths = ["skill", &artifact, &folder, ID];
    skills.quarantine("1.0.0");
    refused(&skills, &paths, "Quarantined");
    tested(&skills, "Quarantined");
    skills.run(&["quarantine", ID, "--disable", "--reason", "x", "--principal", "ada"]).exits(0);
    refused(&skills, &paths, "Disabled");
    tested(&skills, "Disabled");
}

#[test]
fn what_is_installed_otherwise_has_a_name() {
    let (skills, _) = installed();
    let other = skills.pack("1.0.0", "[capabilities]\nhttp_egress_allowlist = [\"evil.example\"]\n");
    refused(&skills, &[&other], "OtherContentInstalled");

    let modules = fs::read_dir(skills.folder("1.0.0").join("modules")).unwrap();
    let path = modules.map(|entry| entry.unwrap().path()).next().unwrap();
    fs::write(&path, module(&[("palyra:host", "log")])).unwrap();
    let folder = skills.folder("1.0.0").to_string_lossy().into_owned();
    refused(&skills, &[ID, &folder], "InstalledFilesChanged");

    let index = skills.root().join("installed-index.json");
    let text = fs::read_to_string(&index).unwrap();
    fs::write(&index, text.replacen("northwind\"", "southwind\"", 1)).unwrap();
    refused(&skills, &["skill"], "InstalledSkillsChanged");
    tested(&skills, "InstalledSkillsChanged");
}

#[test]
fn a_key_or_a_version_that_is_not_taken_any_more_has_its_rule() {
    let (skills, artifact) = installed();
    let file = skills.folder("1.0.0").join("artifact.palyra-skill").to_string_lossy().into_owned();
    let rules = |reports: Vec<Value>, code: &str| {
        for report in reports {
            let found = report["findings"].as_array().unwrap();
            assert!(found.iter().any(|finding| finding["code"] == code), "{code}: {report:#}");
        }
    };
    skills.run(&["trust", "floor", ID, "1.10.0", "--reason", "CVE-2026-1234"]).exits(0);
    rules(refused(&skills, &[ID, &artifact, &file, "skill"], "ManifestValidation"), "update/below-floor");
    tested(&skills, "ManifestValidation");
    skills.run(&["trust", "floor", ID, "1.0.0", "--reason", "x", "--lower"]).exits(0);
    // What a retired key signed runs where it is installed; a revoked one's does not.
    skills.run(&["trust", "revoke", "northwind", "--reason", "stolen"]).exits(0);
    rules(refused(&skills, &[ID, &artifact, &file], "UntrustedPublisher"), "update/revoked-key");
    // A folder is signed by nobody's key but the one that is made for the call.
    skills.run(&["run", "--skill", "skill", "--approve"]).exits(0);
}

#[test]
fn what_is_not_there_was_not_refused() {
    let (skills, _) = installed();
    for name in ["northwind.other", &format!("{ID}@9.9.9")] {
        let ran = skills.run(&["run", "--skill", name, "--approve", "--format", "json"]).exits(2);
        assert!(ran.err.contains("is not installed") && ran.out.is_empty(), "{ran:?}");
    }
}
