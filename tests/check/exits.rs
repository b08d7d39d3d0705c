//! Exit codes and usage.

use crate::skillyard::{BAD, Folder, GOOD};

#[test]
fn fine_findings_failed() {
    let folder = Folder::with(&[("good/skill.toml", GOOD), ("bad/skill.toml", BAD)]);
    folder.run(&["check", "--allow", "*", "good"]).exits(0);
    folder.run(&["check", "good", "bad"]).exits(1);
    folder.run(&["check", "bad", "missing"]).exits(2);
}

#[test]
fn wrong_usage_is_2_and_says_what_to_do() {
    let folder = Folder::with(&[("skill.toml", GOOD)]);
    for (arguments, words) in [
        (&["check", "--format", "xml"][..], "possible values: human, concise, json, jsonl, sarif, github"),
        (&["check", "--colour"], "unexpected argument"),
        (&["chek"], "'check'"),
        (&["check", "-", "skill.toml"], "cannot be mixed"),
        (&["check", "--stdin-filename", "x"], "give `-`"),
        (&["fmt", "-", "skill.toml"], "cannot be mixed"),
        (&[], "Usage: skillyard"),
    ] {
        let ran = folder.run(arguments).exits(2);
        assert!(ran.err.contains(words) && ran.out.is_empty(), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn help_and_version() {
    let folder = Folder::with(&[]);
    let version = folder.run(&["--version"]).exits(0).out;
    assert_eq!(version, concat!("skillyard ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = folder.run(&["--help"]).exits(0).out;
    for command in [
        "check",
        "explain",
        "fmt",
        "keygen",
        "package",
        "inspect",
        "verify",
        "audit",
        "capabilities",
        "trust",
        "lsp",
        "schema",
        "completions",
    ] {
        assert!(help.contains(&format!("\n  {command}")), "{command}: {help}");
        let own = folder.run(&[command, "--help"]).exits(0).out;
        assert!(own.contains("Example") && own.contains(&format!("skillyard {command}")), "{own}");
    }
    assert!(help.contains("--check"), "{help}");
}

#[test]
fn completions_for_every_shell() {
    let folder = Folder::with(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = folder.run(&["completions", shell]).exits(0).quietly().out;
        assert!(script.contains("stdin-filename"), "{shell}");
    }
    folder.run(&["completions", "tcsh"]).exits(2);
}
