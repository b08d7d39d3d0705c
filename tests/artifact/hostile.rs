//! Artifacts, manifests and names by someone who means harm to who looks at the output.

use std::fs;

use crate::{
    skillyard::GOOD,
    world::{World, module, recorded},
};

fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[test]
fn nothing_harmful_is_printed_of_any_recorded_artifact() {
    let world = World::new();
    let folder = format!("{}/tests/conformance/artifacts", crate::skillyard::ROOT);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let path = path.to_str().unwrap();
        for command in ["verify", "inspect", "audit", "capabilities"] {
            let ran = world.run(&[command, path]);
            assert!(ran.code.is_some_and(|code| code < 2), "{command} {path}: {ran:?}");
            assert!(!ran.out.contains(is_harmful) && !ran.err.contains(is_harmful), "{command} {path}: {ran:?}");
        }
    }
}

#[test]
fn nothing_harmful_of_a_manifest_or_a_module_is_printed() {
    let world = World::new();
    let escaped = "\\u001B[2J\\u202E\\u0007\\u200B";
    let text = GOOD
        .replace("\"Reads rows", &format!("\"{escaped}Reads rows"))
        .replace("name = \"Ledger tools\"", &format!("name = \"{escaped}\""));
    world.0.write("skill/skill.toml", text);
    world.0.write("skill/module.wasm", module(&[("env\u{1b}[2J\u{202e}", "\u{7}x\u{200b}")]));
    for arguments in [
        &["package", "skill", "--dry-run"][..],
        &["audit", "skill"],
        &["audit", "skill", "--format", "json"],
        &["audit", "skill", "--format", "sarif"],
        &["capabilities", "skill"],
        &["verify", "no\u{1b}[2J\u{202e}such"],
        &["trust", "allow", "\u{1b}[2J=00"],
        &["trust", "remove", "\u{1b}[2J\u{202e}"],
        &["package", "skill", "--key-name", "\u{1b}[2J"],
        &["package", "skill", "--not-secret", "\u{1b}[2J", "--dry-run"],
    ] {
        let ran = world.run(arguments);
        assert!(!ran.out.contains(is_harmful) && !ran.err.contains(is_harmful), "{arguments:?}: {ran:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_name_is_as_harmless() {
    let world = World::new();
    let name = "a\u{1b}[2J\n::error::\u{202e}";
    world.0.write(&format!("skill/assets/.{name}"), "x");
    for more in [&["--dry-run"][..], &["--dry-run", "--format", "json"]] {
        let ran = world.run(&[&["package", "skill"], more].concat()).exits(0);
        assert!(!ran.out.contains(is_harmful), "{ran:?}");
        assert!(!ran.out.lines().any(|line| line.starts_with("::error::")), "{ran:?}");
    }
    world.0.write(&format!("skill/assets/{name}"), "x");
    let ran = world.run(&["package", "skill", "--dry-run"]);
    assert!(!ran.out.contains(is_harmful) && !ran.err.contains(is_harmful), "{ran:?}");
}

#[test]
fn what_is_no_artifact_is_an_answer() {
    let world = World::new();
    world.0.write("empty", "");
    world.0.write("zeros", vec![0; 1 << 20]);
    fs::File::create(world.0.path("huge")).unwrap().set_len((64 << 20) + 1).unwrap();
    for (name, kind) in [("empty", "Zip"), ("zeros", "Zip"), ("huge", "ArtifactTooLarge")] {
        for command in ["verify", "inspect", "audit"] {
            let report = world.run(&[command, name, "--format", "json"]).exits(1).quietly().json();
            assert_eq!(report["error_kind"], kind, "{command} {name}");
            assert_eq!(report["accepted"], false);
        }
    }
    world.run(&["verify", "gone"]).exits(2);
    world.run(&["verify", "."]).exits(2);
    #[cfg(unix)]
    {
        let pipe = world.0.path("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let ran = world.run(&["verify", "pipe"]).exits(2);
        assert!(ran.err.contains("a pipe"), "{ran:?}");
    }
}

#[test]
fn standard_input_is_an_artifact_too() {
    let world = World::new();
    let bytes = fs::read(recorded("v02-operator-asset")).unwrap();
    for command in ["verify", "inspect", "audit"] {
        let mut command = world.command(&[command, "-", "--allow-tofu", "--format", "json"]);
        let mut child = command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), &bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["accepted"], true);
    }
}
