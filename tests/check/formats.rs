//! The six formats, on the same files.

use crate::skillyard::{BAD, Folder, GOOD, ONLY, holds_against, snapshot};

fn folder() -> Folder {
    Folder::with(&[("ledger/skill.toml", BAD), ("plain/skill.toml", GOOD)])
}

fn checked(format: &str) -> String {
    let arguments = [&["check", "--format", format][..], &ONLY].concat();
    // Paths of the system are shown as the system writes them.
    folder().run(&arguments).exits(1).quietly().out.replace("ledger\\", "ledger/").replace("plain\\", "plain/")
}

#[test]
fn human() {
    snapshot("human.txt", &checked("human"));
}

#[test]
fn concise() {
    snapshot("concise.txt", &checked("concise"));
}

#[test]
fn github() {
    snapshot("github.txt", &checked("github"));
}

#[test]
#[cfg_attr(windows, ignore = "paths are written otherwise in JSON")]
fn jsonl() {
    snapshot("jsonl.txt", &checked("jsonl"));
}

#[test]
fn json_is_the_same_objects_in_one_document() {
    let document = folder().run(&["check", "--format", "json"]).exits(1).json();
    let lines = folder().run(&["check", "--format", "jsonl"]).exits(1).jsonl();
    assert_eq!(document["schema_version"], 1);
    assert_eq!(document["files"].as_array().unwrap(), &lines);
    assert_eq!(lines.len(), 2);
    holds_against("schema/check-report.schema.json", &document);
    for line in &lines {
        assert_eq!(line["schema_version"], 1);
        holds_against("schema/check-report.schema.json", line);
    }
}

#[test]
fn json_places_are_bytes_and_utf16() {
    let arguments = [&["check", "--format", "jsonl", "ledger/skill.toml"][..], &ONLY].concat();
    let line = folder().run(&arguments).json();
    let twice = line["diagnostics"].as_array().unwrap().iter().find(|d| d["range"]["start"]["line"] == 20).unwrap();
    let [from, to] = [0, 1].map(|i| usize::try_from(twice["byte_range"][i].as_u64().unwrap()).unwrap());
    assert_eq!(&BAD[from..to], "display_name");
    assert_eq!(twice["range"]["start"]["character"], 0);
    // Behind a character of two UTF-16 units and four bytes.
    let text = "name = [\"📒\", !]\n";
    let line = folder().run_with(&["check", "-", "--format", "jsonl"], text).json();
    let places: Vec<_> = line["diagnostics"].as_array().unwrap().iter().map(|d| &d["range"]["start"]).collect();
    assert!(places.iter().any(|place| place["line"] == 0 && place["character"] == 14), "{line:#}");
}

#[test]
fn no_findings() {
    let folder = Folder::with(&[("skill.toml", GOOD)]);
    let run = |format| folder.run(&["check", "--allow", "*", "--format", format]).exits(0).quietly();
    assert_eq!(run("human").out, "No findings in 1 file.\n");
    assert_eq!(run("concise").out, "");
    assert_eq!(run("github").out, "");
    assert_eq!(run("json").json()["files"][0]["diagnostics"], serde_json::json!([]));
    assert_eq!(run("sarif").json()["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn two_runs_give_the_same_bytes() {
    let all = format!("{}/tests/conformance/manifests", crate::skillyard::ROOT);
    let files: Vec<String> =
        std::fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path().to_string_lossy().into_owned()).collect();
    let folder = Folder::with(&[]);
    for format in ["human", "concise", "json", "jsonl", "sarif", "github"] {
        let arguments = [vec!["check", "--format", format], files.iter().map(String::as_str).collect()].concat();
        assert_eq!(folder.run(&arguments).exits(1), folder.run(&arguments), "{format}");
    }
}

#[test]
fn check_as_an_option_is_the_same() {
    for rest in
        [&["--format", "json"][..], &["--format", "concise", "ledger"], &["--deny", "warnings", "plain"], &["nope"]]
    {
        let option = folder().run(&[&["--check"][..], rest].concat());
        assert_eq!(option, folder().run(&[&["check"][..], rest].concat()), "{rest:?}");
        let behind = folder().run(&[rest, &["--check"][..]].concat());
        if rest[0].starts_with('-') {
            assert_eq!(option, behind, "{rest:?}");
        }
    }
}

#[test]
fn colours_where_they_are_asked_for() {
    let folder = folder();
    let coloured = |name: &str, value: &str| {
        let output = folder.command(&["check"]).env(name, value).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(coloured("CLICOLOR_FORCE", "1"));
    assert!(!coloured("TERM", "xterm-256color"), "no terminal, no colour");
}

#[cfg(target_os = "linux")]
#[test]
fn colours_on_a_terminal_unless_declined() {
    use std::process::Command;
    let folder = folder();
    let on_terminal = |name: &str, value: &str| {
        let command = format!("'{}' check", env!("CARGO_BIN_EXE_skillyard"));
        let mut script = Command::new("script");
        script.args(["--quiet", "--command", &command, "/dev/null"]).current_dir(folder.path("."));
        script.env("TERM", "xterm-256color").env_remove("NO_COLOR").env_remove("CLICOLOR").env(name, value);
        let output = script.stdin(std::process::Stdio::null()).output().unwrap();
        assert!(output.stdout.len() > 100, "{output:?}");
        output.stdout.contains(&0x1b)
    };
    assert!(on_terminal("X", ""));
    assert!(!on_terminal("NO_COLOR", "1"));
    assert!(!on_terminal("CLICOLOR", "0"));
}
