//! `skillyard fmt`.

use crate::skillyard::{BAD, Folder, GOOD};

const LOOSE: &str = "# mine\nname=\"x\"   # why\n\n\n\n\n[compat]\nlist = [ 1,2 ]\n";
const NEAT: &str = "# mine\nname = \"x\" # why\n\n[compat]\nlist = [1, 2]\n";

#[test]
fn formats_and_stays_formatted() {
    let folder = Folder::with(&[("skill.toml", LOOSE), ("a/skill.toml", NEAT), ("a/other.toml", LOOSE)]);
    let ran = folder.run(&["fmt"]).exits(0);
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("formatted skill.toml\n", "note: 1 formatted, 1 as they should be\n")
    );
    assert_eq!(folder.read("skill.toml"), NEAT);
    assert_eq!(folder.read("a/other.toml"), LOOSE);
    assert_eq!(folder.run(&["fmt"]).exits(0).out, "");
}

#[test]
fn check_and_diff_write_nothing() {
    let folder = Folder::with(&[("skill.toml", LOOSE), ("good/skill.toml", GOOD)]);
    assert_eq!(folder.run(&["fmt", "--check"]).exits(1).out, "would format skill.toml\n");
    let diff = folder.run(&["fmt", "--diff"]).exits(1).out;
    assert!(
        diff.starts_with("--- skill.toml\n+++ skill.toml\n@@") && diff.contains("\n+name = \"x\" # why\n"),
        "{diff}"
    );
    assert_eq!(folder.read("skill.toml"), LOOSE);
    folder.run(&["fmt", "--check", "good"]).exits(0);
}

#[test]
fn a_broken_file_is_left_alone_and_the_rest_is_formatted() {
    let newer = "x = {\n  a = 1,\n}\n";
    let folder = Folder::with(&[("a/skill.toml", BAD), ("b/skill.toml", LOOSE), ("c/skill.toml", newer)]);
    let ran = folder.run(&["fmt"]).exits(1);
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("error: ")).count(), 2, "{ran:?}");
    assert!(
        ran.err.replace('\\', "/").contains("error: a/skill.toml:21:1: not formatted, since it has a syntax error"),
        "{ran:?}"
    );
    assert!(
        ran.err.replace('\\', "/").contains("error: c/skill.toml:1:6: not formatted: the formatter reads TOML 1.0"),
        "{ran:?}"
    );
    assert_eq!((folder.read("a/skill.toml").as_str(), folder.read("c/skill.toml").as_str()), (BAD, newer));
    assert_eq!(folder.read("b/skill.toml"), NEAT);
    folder.run(&["fmt", "missing"]).exits(2);
}

#[test]
fn standard_input() {
    let folder = Folder::with(&[]);
    assert_eq!(folder.run_with(&["fmt", "-"], LOOSE).exits(0).quietly().out, NEAT);
    assert_eq!(folder.run_with(&["fmt", "--check", "-"], LOOSE).exits(1).out, "");
    assert_eq!(folder.run_with(&["fmt", "--check", "-"], NEAT).exits(0).out, "");
    let ran = folder.run_with(&["fmt", "-"], BAD).exits(1);
    assert_eq!(ran.out, "");
    assert!(ran.err.starts_with("error: standard input:21:1: not formatted"), "{ran:?}");
    folder.run_with(&["fmt", "-"], b"\xff").exits(2);
}
