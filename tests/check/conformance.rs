//! Every recorded verdict of a daemon, through the command line.

use std::{fs, path::Path};

use serde_json::Value;

use crate::skillyard::{Folder, ROOT, holds_against};

#[test]
fn check_agrees_with_every_recorded_verdict() {
    let cases = fs::read_to_string(Path::new(ROOT).join("tests/conformance/manifests.jsonl")).unwrap();
    let cases: Vec<Value> = cases.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(cases.len(), 420);

    let folder = Folder::with(&[]);
    let name = |case: &Value| format!("{ROOT}/tests/conformance/manifests/{}", case["file"].as_str().unwrap());
    let files: Vec<String> = cases.iter().map(name).collect();
    let arguments = [vec!["check", "--format", "jsonl"], files.iter().map(String::as_str).collect()].concat();
    let lines = folder.run(&arguments).exits(1).quietly().jsonl();
    assert_eq!(lines.len(), cases.len());

    let mut wrong = Vec::new();
    for ((case, line), file) in cases.iter().zip(&lines).zip(&files) {
        assert_eq!(line["file"], file.as_str());
        holds_against("schema/check-report.schema.json", line);
        let accepts = case["daemon_accepts"].as_bool().unwrap();
        let mut agree = |what: &str, ours: &Value, theirs: &Value| {
            if ours != theirs {
                wrong.push(format!("{}: {what}: a daemon says {theirs}, we say {ours}", case["file"]));
            }
        };
        agree("accepts", &line["daemon"]["accepts"], &case["daemon_accepts"]);
        agree("error_kind", &line["daemon"]["error_kind"], &case["error_kind"]);
        agree("compat_error_kind", &line["daemon"]["compat_error_kind"], &case["compat_error_kind"]);
        agree("grants", &line["grants"], &case["grants"]);
        agree("policy_bindings", &line["policy_bindings"], &case["policy_bindings"]);
        if accepts {
            agree("warnings", &line["daemon"]["warnings"], &case["warnings"]);
        }
        // What a daemon refuses is never passed over in silence, and what it takes is never called rejected.
        let rejected = line["diagnostics"].as_array().unwrap().iter().any(|d| d["daemon"] == "rejects");
        let refused = !accepts || !case["compat_error_kind"].is_null();
        agree("a diagnostic that says so", &rejected.into(), &refused.into());
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_single_file_ends_with_the_verdict_as_exit_code() {
    let folder = Folder::with(&[]);
    let at = |name: &str| format!("{ROOT}/tests/conformance/manifests/{name}");
    folder.run(&["check", "--allow", "*", &at("001-base--v2.toml")]).exits(0);
    folder.run(&["check", "--allow", "*", &at("027-publisher--blank.toml")]).exits(1);
    folder.run(&["check", "--allow", "*", "--palyra-version", "0.0.9", &at("001-base--v2.toml")]).exits(1);
}
