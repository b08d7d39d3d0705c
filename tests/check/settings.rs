//! Severities: `skillyard.toml`, flags, and comments in the file.

use crate::skillyard::{BAD, Folder, GOOD};

/// A manifest with one warning.
fn warned() -> String {
    GOOD.replace("required_protocol_major", "min_protocol_major")
}

const CODE: &str = "fields/deprecated-alias";

fn severity(folder: &Folder, arguments: &[&str]) -> Option<String> {
    let report = folder.run(&[&["check", "--format", "json"][..], arguments].concat()).json();
    let found = report["files"][0]["diagnostics"].as_array().unwrap().clone();
    let found = found.into_iter().find(|d| d["code"] == CODE)?;
    Some(found["severity"].as_str().unwrap().to_owned())
}

#[test]
fn the_nearest_configuration_counts() {
    let folder = Folder::with(&[("a/skill.toml", &warned())]);
    assert_eq!(severity(&folder, &[]).as_deref(), Some("warning"));
    folder.write("skillyard.toml", format!("[rules]\n\"{CODE}\" = \"hint\"\n"));
    assert_eq!(severity(&folder, &[]).as_deref(), Some("hint"));
    folder.write("a/skillyard.toml", "[rules]\n\"fields/*\" = \"info\"\n");
    assert_eq!(severity(&folder, &[]).as_deref(), Some("info"));
    folder.write("a/skillyard.toml", "[rules]\n\"fields/*\" = \"info\"\n\"fields/deprecated-alias\" = \"allow\"\n");
    assert_eq!(severity(&folder, &[]), None);
}

#[test]
fn flags_win_over_the_configuration_and_the_last_flag_wins() {
    let folder =
        Folder::with(&[("skill.toml", &warned()), ("skillyard.toml", &format!("[rules]\n\"{CODE}\" = \"hint\"\n"))]);
    assert_eq!(severity(&folder, &["--deny", "*"]).as_deref(), Some("error"));
    assert_eq!(severity(&folder, &["--deny", CODE, "--warn", "fields/*"]).as_deref(), Some("warning"));
    assert_eq!(severity(&folder, &["--warn", "fields/*", "--deny", CODE]).as_deref(), Some("error"));
    assert_eq!(severity(&folder, &["--deny", CODE, "--allow", "*"]), None);
}

#[test]
fn warnings_fail_when_denied() {
    let folder = Folder::with(&[("skill.toml", &warned())]);
    let only = ["--allow", "*", "--warn", CODE];
    folder.run(&[&["check"][..], &only].concat()).exits(0);
    let denied = folder.run(&[&["check", "--deny", "warnings", "--format", "concise"][..], &only].concat()).exits(1);
    assert!(denied.out.contains("warning["), "{denied:?}");
    folder.run(&["check", "--deny", "warnings", "--allow", "*"]).exits(0);
}

#[test]
fn what_a_daemon_rejects_stays_an_error() {
    let folder = Folder::with(&[("skill.toml", BAD)]);
    folder.run(&["check", "--allow", "*"]).exits(1);
    folder.run(&["check", "--allow", "fields/*"]).exits(1);
    for flag in ["--allow", "--warn"] {
        let ran = folder.run(&["check", flag, "fields/unknown-key"]).exits(2);
        assert!(ran.err.contains("a daemon rejects on `fields/unknown-key`"), "{ran:?}");
    }
    folder.run(&["check", "--deny", "fields/unknown-key"]).exits(1);
    folder.write("skillyard.toml", "[rules]\n\"fields/unknown-key\" = \"warn\"\n");
    let ran = folder.run(&["check"]).exits(2);
    assert!(ran.err.starts_with("error: ") && ran.err.contains("skillyard.toml:2:24: a daemon rejects on"), "{ran:?}");
}

#[test]
fn an_unknown_code_is_a_usage_error_with_advice() {
    let folder = Folder::with(&[("skill.toml", GOOD)]);
    let ran = folder.run(&["check", "--warn", "fields/deprecated-alais"]).exits(2);
    assert!(ran.err.contains("did you mean `fields/deprecated-alias`?"), "{ran:?}");
    let ran = folder.run(&["check", "--deny", "field/*"]).exits(2);
    assert!(ran.err.contains("did you mean `fields/*`?"), "{ran:?}");
    folder.run(&["check", "--palyra-version", "1.2"]).exits(2);
}

#[test]
fn a_broken_configuration_is_told_once_with_its_place() {
    let folder = Folder::with(&[
        ("skillyard.toml", "palyra_version = \"0.1.0\"\n[rule]\n"),
        ("a/skill.toml", GOOD),
        ("b/skill.toml", GOOD),
        ("c/skillyard.toml", ""),
        ("c/skill.toml", GOOD),
    ]);
    let ran = folder.run(&["check", "--format", "jsonl"]).exits(2);
    assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
    assert!(ran.err.contains("skillyard.toml:2:2: unknown key `rule`; did you mean `rules`?"), "{ran:?}");
    assert_eq!(ran.jsonl().len(), 1, "what has its own configuration is checked");
}

#[test]
fn all_that_is_wrong_with_a_configuration_is_told() {
    let folder = Folder::with(&[
        ("skillyard.toml", "palyra_versoin = \"0.1.0\"\n[rules]\n\"*\" = \"loud\"\n[package]\nassets = [\"a[\"]\n"),
        ("a/skill.toml", GOOD),
        ("b/skill.toml", GOOD),
    ]);
    let expected = [
        "skillyard.toml:1:1: unknown key `palyra_versoin`; did you mean `palyra_version`?",
        "skillyard.toml:3:7: unknown level `loud`; use `allow`, `hint`, `info`, `warn` or `deny`",
        "skillyard.toml:5:13: `a[`: it is no glob: `[` has no `]`; for a `[` itself write `[[]`",
    ];
    for arguments in [&["check"][..], &["check", "--stdin-filename", "a/skill.toml", "-"], &["audit", "a"]] {
        let ran = folder.run(arguments).exits(2);
        let lines: Vec<&str> = ran.err.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{ran:?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with("error: ") && line.ends_with(expected), "{ran:?}");
        }
    }
    // In a report for machines too.
    let log = folder.run(&["check", "--format", "sarif"]).exits(2).json();
    let told = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().unwrap().clone();
    assert_eq!(told.len(), expected.len(), "{told:?}");
}

#[test]
fn a_configuration_that_is_named_is_checked_as_one() {
    let folder =
        Folder::with(&[("skillyard.toml", "[rulez]\n"), ("a/skill.toml", GOOD), ("b/skillyard.toml", "[rules]\n")]);
    let ran = folder.run(&["check", "skillyard.toml", "b/skillyard.toml", "a"]).exits(2);
    assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
    assert!(ran.err.contains("skillyard.toml:1:2: unknown key `rulez`; did you mean `rules`?"), "{ran:?}");
    folder.run(&["check", "b/skillyard.toml"]).exits(0);
}

#[test]
fn ids_of_two_skills_are_told_in_both_and_can_be_switched_off() {
    let folder = Folder::with(&[("a/skill.toml", GOOD), ("b/skill.toml", GOOD), ("c/other.toml", GOOD)]);
    let told = |arguments: &[&str], code| -> Vec<String> {
        let ran = folder.run(&[&["check", "--format", "concise"][..], arguments].concat()).exits(code);
        ran.out.lines().filter(|line| line.contains("[workspace/duplicate-skill-id]")).map(ToOwned::to_owned).collect()
    };
    let both = told(&[], 0);
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both[0].contains("a/skill.toml:2:12: warning") || cfg!(windows), "{both:?}");
    assert!(both[0].contains("../b/skill.toml") && both[1].contains("../a/skill.toml"), "{both:?}");
    let named = told(&["a", "c/other.toml"], 0);
    assert!(named.len() == 2 && named[0].contains("../c/other.toml"), "{named:?}");
    assert_eq!(told(&["a"], 0), [] as [&str; 0]);
    assert_eq!(told(&["--allow", "workspace/*"], 0), [] as [&str; 0]);
    assert_eq!(told(&["--deny", "workspace/duplicate-skill-id"], 1).len(), 2);
    folder.write("skillyard.toml", "[rules]\n\"workspace/duplicate-skill-id\" = \"deny\"\n");
    assert_eq!(told(&[], 1).len(), 2);
    // What is fixed is told of what is left.
    let named = GOOD.replace("required_protocol_major", "min_protocol_major");
    folder.write("a/skill.toml", named);
    let ran = folder.run(&["check", "--fix", "--format", "concise"]).exits(1);
    assert_eq!(ran.out.matches("[workspace/duplicate-skill-id]").count(), 2, "{ran:?}");
}

#[test]
fn the_configuration_sets_the_daemon() {
    let folder = Folder::with(&[("skill.toml", GOOD), ("skillyard.toml", "palyra_version = \"0.0.1\"\n")]);
    let kind = |arguments: &[&str]| {
        let line = folder.run(&[&["check", "--format", "jsonl"][..], arguments].concat()).json();
        line["daemon"]["compat_error_kind"].clone()
    };
    assert_eq!(kind(&[]), "UnsupportedRuntimeVersion");
    assert_eq!(kind(&["--palyra-version", "0.1.0"]), serde_json::Value::Null);
}

#[test]
fn a_comment_allows_a_finding_with_a_reason() {
    let allowed = format!("# skillyard: allow({CODE}): old daemons read it\nmin_protocol_major");
    let folder = Folder::with(&[("skill.toml", &warned().replace("min_protocol_major", &allowed))]);
    assert_eq!(severity(&folder, &[]), None);
    // What is allowed without need is reported.
    folder.write("skill.toml", warned().replace("min_protocol_major", &allowed.replace(CODE, "fields/positional")));
    let ran = folder.run(&["check", "--format", "concise"]);
    assert!(ran.out.contains("[suppress/unused]") && ran.out.contains(CODE), "{ran:?}");
    // What a daemon rejects is not allowed away.
    folder.write("skill.toml", BAD.replace("sumary", "# skillyard: allow(fields/unknown-key): why not\nsumary"));
    let ran = folder.run(&["check", "--format", "concise"]).exits(1);
    assert!(ran.out.contains("[fields/unknown-key]"), "{ran:?}");
}
