//! What a person is told whose call does not come about: what, where, and what to do.

use crate::guest::{FOLDERS, Guest, bytes, tool};

#[test]
fn a_denied_call_says_how_to_approve_it() {
    let asks = tool("echo", "input_schema = {}\noutput_schema = {}\nrisk = { requires_approval = true }");
    let guest = Guest::of(bytes("command"), &[asks], FOLDERS);
    let ran = guest.shown(&[]).exits(1);
    assert!(ran.out.contains("Run it again with `--approve`"), "{ran:?}");
    assert!(!ran.out.contains("\nUsed"), "nothing ran: {ran:?}");
    let case = r#"{"tool": "acme.echo", "expect": {"outcome": "ok"}}"#;
    guest.0.0.write("skill/tests/a.json", case);
    let ran = guest.0.run(&["test", "skill"]).exits(1);
    assert!(ran.out.contains("set \"approve\": true in tests/a.json"), "{ran:?}");
}

#[test]
fn input_that_is_no_json_is_called_so() {
    let closed = "input_schema = { type = \"object\", properties = { b = false } }\noutput_schema = {}";
    let guest = Guest::of(bytes("command"), &[tool("echo", closed)], FOLDERS);
    let ran = guest.shown(&["--input", "input.json"]).exits(1);
    assert!(ran.out.contains("the input is no JSON") && ran.out.contains("line 1 column 1"), "{ran:?}");
    assert!(ran.out.contains("`--input @input.json`") && !ran.out.contains("schema"), "{ran:?}");
    assert!(!ran.out.contains("\nUsed"), "nothing ran: {ran:?}");
    // What is meant as JSON is no file's name.
    for input in ["{\"a.b\": }", "[1.5", "\"a/b", "1.5.", "treu", "{'a': 1}"] {
        let ran = guest.shown(&["--input", input]).exits(1);
        assert!(ran.out.contains("the input is no JSON") && !ran.out.contains("To read a file"), "{ran:?}");
    }
    let ran = guest.shown(&["--input", r#"{"b": 1}"#]).exits(1);
    assert!(ran.out.contains("`b` is not allowed") && !ran.out.contains("False schema"), "{ran:?}");
    let ran = guest.0.0.run_with(&["run", "--skill", "skill", "--input", "-"], " \n").exits(2);
    assert!(ran.err.contains("standard input is empty"), "{ran:?}");
    let ran = guest.shown(&["--input", "@"]).exits(2);
    assert!(ran.err.contains("names no file"), "{ran:?}");
}

#[test]
fn a_path_in_place_of_a_tool_is_told_its_flag() {
    let guest = Guest::named("command", &["echo"], FOLDERS);
    for path in ["skill/", ".", "x.palyra-skill"] {
        let ran = guest.0.run(&["run", path]).exits(2);
        assert!(ran.err.contains(&format!("`--skill {path}`")), "{ran:?}");
    }
}

/// What a call at a terminal shows where somebody types `answer`, and its exit code.
#[cfg(target_os = "linux")]
fn at_a_terminal(guest: &Guest, arguments: &str, answer: &str) -> (Option<i32>, String) {
    use std::{io::Write as _, process::Stdio};
    let command = format!("'{}' run --skill skill {arguments}", env!("CARGO_BIN_EXE_skillyard"));
    let inside = guest.0.command(&[]);
    let mut script = std::process::Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).current_dir(guest.0.0.path("."));
    for (name, value) in inside.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_no_at_the_terminal_is_a_cancellation() {
    // Without the approval the tool would run, and write nothing.
    let guest = Guest::named("command", &["echo"], FOLDERS);
    let (code, shown) = at_a_terminal(&guest, "--input 1", "n\n");
    assert!(shown.contains("write in the folders out") && shown.contains("Approve it"), "{shown}");
    assert!(shown.contains("cancelled; nothing ran") && !shown.contains("Output"), "{shown}");
    assert_eq!(code, Some(2), "{shown}");
    let (code, shown) = at_a_terminal(&guest, "--input 1", "y\n");
    assert!(code == Some(0) && shown.contains("Output"), "{shown}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_needs_an_approval_is_named_in_the_question() {
    let plugin = r#"(module (memory 1 1) (func (export "run") (result i32) i32.const 7))"#;
    let more = "[capabilities]\ndevice_capabilities = [\"camera\"]\nnode_capabilities = [\"gpu\"]\n";
    let guest = Guest::with(wat::parse_str(plugin).unwrap(), &["echo"], more);
    let (_, shown) = at_a_terminal(&guest, "--allow-device-capabilities", "n\n");
    assert!(shown.contains("use the devices camera") && shown.contains("use the node capabilities gpu"), "{shown}");
}

#[test]
fn a_negative_number_is_an_input() {
    let guest = Guest::named("command", &["echo"], FOLDERS);
    for (input, output) in [("-5", serde_json::json!(-5)), ("-0.5", serde_json::json!(-0.5))] {
        assert_eq!(guest.fine(&["--input", input])["output"], output);
    }
}

#[test]
fn a_denial_that_no_approval_lifts_does_not_ask_for_one() {
    let asks = tool("echo", "input_schema = {}\noutput_schema = {}\nrisk = { requires_approval = true }");
    let guest = Guest::of(bytes("command"), &[asks], FOLDERS);
    guest.0.0.write("mine.cedar", "forbid(principal, action == Action::\"tool.execute\", resource);\n");
    let ran = guest.shown(&["--policy-file", "mine.cedar"]).exits(1);
    assert!(ran.out.contains("mine.cedar:1") && !ran.out.contains("--approve"), "{ran:?}");
    // What is denied beside it does not keep the tool from running, and an approval is not what it lacks.
    let guest = Guest::named("command", &["echo"], FOLDERS);
    guest.0.0.write("mine.cedar", "forbid(principal, action == Action::\"tool.execute\", resource);\n");
    let ran = guest.shown(&["--policy-file", "mine.cedar"]).exits(1);
    assert!(!ran.out.contains("--approve"), "{ran:?}");
}

#[test]
fn a_manifest_in_place_of_its_folder_is_as_good() {
    let guest = Guest::named("command", &["echo"], FOLDERS);
    guest.0.run(&["run", "--skill", "skill/skill.toml", "--input", "1"]).exits(0);
}
