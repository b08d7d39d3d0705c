//! SARIF, as code scanning reads it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::skillyard::{BAD, Folder, GOOD, ONLY, ROOT, is_sarif, snapshot};

#[test]
fn every_recorded_manifest_gives_a_valid_log() {
    let folder = Folder::with(&[]);
    let all = format!("{ROOT}/tests/conformance/manifests");
    let files: Vec<_> = std::fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut arguments = vec!["check", "--format", "sarif"];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    let log = folder.run(&arguments).exits(1).json();
    is_sarif(&log);
    let run = &log["runs"][0];
    let rules: Vec<_> = run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() > 200);
    for result in results {
        assert!(rules.contains(&&result["ruleId"]), "{result}");
    }
}

#[test]
fn places_are_relative_to_the_repository() {
    let folder = Folder::with(&[(".git/HEAD", ""), ("skills/ä b/skill.toml", BAD), ("skills/good/skill.toml", GOOD)]);
    let arguments = [&["check", "--format", "sarif"][..], &ONLY].concat();
    let mut command = folder.command(&arguments);
    let output = command.current_dir(folder.path("skills")).output().unwrap();
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    is_sarif(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let mut text = String::new();
    for result in results {
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(place["uri"], "skills/%C3%A4%20b/skill.toml");
        assert_eq!(place["uriBaseId"], "%SRCROOT%");
        // In the order of the keys, whatever order this build of the JSON crate keeps.
        let mut result = result.clone();
        result.sort_all_objects();
        writeln!(text, "{result:#}").unwrap();
    }
    snapshot("sarif-results.txt", &text);
}

#[test]
fn fingerprints_survive_a_moved_line_and_differ_from_each_other() {
    let prints = |text: &str| {
        let folder = Folder::with(&[("skill.toml", text)]);
        let log = folder.run(&[&["check", "--format", "sarif"][..], &ONLY].concat()).json();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        let of = |result: &Value| result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap().to_owned();
        results.iter().map(of).collect::<Vec<_>>()
    };
    let (before, after) = (prints(BAD), prints(&format!("# new\n\n{BAD}")));
    assert_eq!(before, after);
    let mut unique = before.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), before.len());
}

#[test]
fn a_failure_is_told_in_the_log_too() {
    let folder = Folder::with(&[("skill.toml", GOOD)]);
    let log = folder.run(&["check", "--format", "sarif", "skill.toml", "missing.toml"]).exits(2).json();
    is_sarif(&log);
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let told = invocation["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert!(told.contains("missing.toml"), "{told}");
}
