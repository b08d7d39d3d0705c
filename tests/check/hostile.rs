//! Files and names by someone who means harm to who looks at the output.

use crate::skillyard::{Folder, GOOD};

fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Everything that moves a cursor, hides or reorders, in each part of a manifest.
const NASTY: &str = "\u{1b}]0;x\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{200b}\u{e0041}\u{7f}\u{8}";

fn manifest() -> String {
    // The escapes give strings that hold what the raw file may not.
    let escaped = "\\u001B[2J\\u202E\\u0007\\u200B";
    GOOD.replace("\"northwind.ledger_read\"", &format!("\"{escaped}{NASTY}\""))
        .replace("[compat]\n", &format!("# {NASTY}\n[compat]\n\"{escaped}\" = 1\n\"{NASTY}\" = 1\n"))
        .replace("\"1.4.2\"", &format!("\"{escaped}\""))
        + &format!("{NASTY} = {NASTY}\n[{NASTY}]\n")
}

#[test]
fn nothing_harmful_is_printed() {
    let folder = Folder::with(&[("skill.toml", &manifest()), ("skillyard.toml", "")]);
    for format in ["human", "concise", "json", "jsonl", "sarif", "github"] {
        let ran = folder.run(&["check", "--format", format]).exits(1);
        assert!(ran.out.len() > 200, "{format}");
        assert!(!ran.out.contains(is_harmful) && !ran.err.contains(is_harmful), "{format}: {ran:?}");
    }
    for arguments in [&["check", "--diff", "--unsafe-fixes"][..], &["fmt"], &["fmt", "--diff"]] {
        let ran = folder.run(arguments);
        assert!(!ran.out.contains(is_harmful) && !ran.err.contains(is_harmful), "{arguments:?}: {ran:?}");
    }
    folder.write("skillyard.toml", "[rules]\n\"\\u001B[2J\\u202E\" = \"warn\"\n");
    let ran = folder.run(&["check"]).exits(2);
    assert!(!ran.err.contains(is_harmful), "{ran:?}");
    let ran = folder.run(&["explain", NASTY]).exits(2);
    assert!(!ran.err.contains(is_harmful), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_name_is_as_harmless() {
    let name = "a\u{1b}[2J\n::error::x\u{202e}";
    let folder = Folder::with(&[(&format!("{name}/skill.toml"), "x")]);
    for format in ["human", "concise", "json", "jsonl", "sarif", "github"] {
        let ran = folder.run(&["check", "--format", format]).exits(1);
        assert!(!ran.out.contains(is_harmful), "{format}: {ran:?}");
        assert!(!ran.out.lines().any(|line| line.starts_with("::error::")), "{format}: {ran:?}");
    }
    let line = folder.run(&["check", "--format", "jsonl"]).json();
    assert_eq!(line["file"], format!("{name}/skill.toml"), "the value itself is whole");
    let ran = folder.run(&["check", &format!("{name}/none")]).exits(2);
    assert!(!ran.err.contains(is_harmful), "{ran:?}");
    assert_eq!(ran.err.lines().count(), 1);
}

/// A hook hands over the names of files, and one of them may look like an option.
#[test]
fn an_argument_that_is_refused_is_as_harmless() {
    let folder = Folder::with(&[]);
    let name = "x\u{1b}[2J\u{7}\n::error::y\u{202e}";
    let option = format!("--{name}");
    let version = format!("--palyra-version={name}");
    for arguments in
        [&[name][..], &["check", &option], &["check", "--format", name], &["check", &version], &["help", name]]
    {
        let ran = folder.run(arguments).exits(2);
        assert!(ran.err.contains("x\\u{1b}[2J") && ran.err.contains("y\\u{202e}"), "it is named: {ran:?}");
        assert!(!ran.err.contains(is_harmful), "{arguments:?}: {ran:?}");
        assert!(!ran.err.lines().any(|line| line.starts_with("::error::")), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn size_and_depth_end_in_an_answer() {
    let deep = |open: &str, close: &str| format!("a = {}1{}", open.repeat(10_000), close.repeat(10_000));
    let folder = Folder::with(&[
        ("arrays.toml", &deep("[", "]")),
        ("tables.toml", &deep("{a=", "}")),
        ("dots.toml", &format!("{}a = 1", "a.".repeat(10_000))),
        ("header.toml", &format!("[{}a]", "a.".repeat(10_000))),
        ("line.toml", &format!("a = \"{}\u{1b}\"", "x".repeat(2 << 20))),
        ("many.toml", &"x = = y\n".repeat(10_000)),
    ]);
    for format in ["human", "jsonl", "sarif"] {
        let ran = folder.run(&[
            "check",
            "--format",
            format,
            "arrays.toml",
            "tables.toml",
            "dots.toml",
            "header.toml",
            "line.toml",
            "many.toml",
        ]);
        assert_eq!(ran.code, Some(1), "{format}: {}", ran.err);
        assert_eq!(ran.err, "");
    }
    let ran = folder.run(&["fmt", "arrays.toml", "tables.toml", "dots.toml", "header.toml"]).exits(1);
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("error: ")).count(), 4, "{ran:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::{io::Read as _, process::Stdio};
    let folder = Folder::with(&[("skill.toml", &"x = = y\n".repeat(5_000))]);
    let mut command = folder.command(&["check"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 16];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
