//! `--fix`, `--unsafe-fixes` and `--diff`.

use std::fs;

use crate::skillyard::{BAD, Folder, GOOD, snapshot};

/// A manifest with a warning that has a safe fix, and comments all over.
const FIXABLE: &str = "# mine\nmanifest_version = 2 # two\n";

fn fixable() -> String {
    let text = GOOD.replace("manifest_version = 2\n", FIXABLE);
    text.replace("required_protocol_major = 1", "min_protocol_major  =  1 # keep my spaces")
}

fn fixed() -> String {
    fixable().replace("min_protocol_major", "required_protocol_major")
}

#[test]
fn fix_changes_what_is_wrong_and_nothing_else() {
    let folder = Folder::with(&[("skill.toml", &fixable()), ("good/skill.toml", GOOD)]);
    let ran = folder.run(&["check", "--fix", "--allow", "*", "--warn", "fields/deprecated-alias"]).exits(0).quietly();
    assert_eq!(ran.out, "1 fix applied. No findings in 2 files.\n");
    assert_eq!(folder.read("skill.toml"), fixed());
    assert_eq!(folder.read("good/skill.toml"), GOOD);
    assert_eq!(folder.files(), ["good/skill.toml", "skill.toml"], "nothing is left beside");
}

#[test]
fn fix_keeps_line_ends_and_the_byte_order_mark() {
    let dos = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let folder = Folder::with(&[("skill.toml", &dos(&fixable()))]);
    folder.run(&["check", "--fix", "--allow", "*", "--warn", "fields/deprecated-alias"]).exits(0);
    assert_eq!(folder.read("skill.toml"), dos(&fixed()));
}

#[test]
fn what_is_left_is_reported_and_fails() {
    let folder = Folder::with(&[("skill.toml", BAD)]);
    let ran = folder.run(&["check", "--fix", "--format", "concise"]).exits(1);
    assert!(ran.out.contains("fields/unknown-key") && !ran.out.contains("deprecated-alias"), "{ran:?}");
    assert!(folder.read("skill.toml").contains("required_protocol_major"));
    // An unsafe fix only where it is asked for.
    assert!(folder.read("skill.toml").contains("sumary"));
    folder.run(&["check", "--fix", "--unsafe-fixes", "--allow", "*"]).exits(1);
    assert!(!folder.read("skill.toml").contains("sumary"));
    assert!(folder.read("skill.toml").contains("display_name = \"📒\" # twice"), "which of two is meant nobody knows");
}

#[test]
fn unsafe_fixes_alone_say_what_is_missing() {
    let folder = Folder::with(&[("skill.toml", BAD)]);
    let ran = folder.run(&["check", "--unsafe-fixes"]).exits(2);
    assert!(ran.err.contains("add `--fix`"), "{ran:?}");
    assert_eq!(folder.read("skill.toml"), BAD);
}

#[test]
fn diff_writes_nothing() {
    let folder = Folder::with(&[("skill.toml", BAD), ("good/skill.toml", GOOD)]);
    let ran = folder.run(&["check", "--diff", "--unsafe-fixes", "--allow", "*", "--warn", "fields/deprecated-alias"]);
    snapshot("diff.txt", &ran.clone().exits(1).out);
    assert!(ran.err.starts_with("note: nothing written; "), "{ran:?}");
    assert_eq!(folder.read("skill.toml"), BAD);
    // Also where both are given.
    folder.run(&["check", "--diff", "--fix"]).exits(1);
    assert_eq!(folder.read("skill.toml"), BAD);
    let ran = folder.run(&["check", "--diff", "--allow", "*", "good"]).exits(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "note: nothing to fix\n"));
}

#[cfg(unix)]
#[test]
fn a_diff_is_a_patch() {
    let folder = Folder::with(&[("skill.toml", &fixable())]);
    let diff = folder.run(&["check", "--diff"]).exits(1).out;
    folder.write("x.patch", &diff);
    let status =
        std::process::Command::new("git").args(["apply", "-p0", "x.patch"]).current_dir(folder.path(".")).status();
    assert!(status.unwrap().success(), "{diff}");
    assert_eq!(folder.read("skill.toml"), fixed());
}

#[test]
fn standard_input_comes_out_fixed() {
    let folder = Folder::with(&[]);
    let only = ["--allow", "*", "--warn", "fields/deprecated-alias"];
    let ran = folder.run_with(&[&["check", "-", "--fix"][..], &only].concat(), fixable()).exits(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (fixed().as_str(), "1 fix applied. No findings in 1 file.\n"));
    // What needs no fix comes out as it went in, byte by byte.
    let ran = folder.run_with(&["check", "-", "--fix", "--allow", "*"], GOOD).exits(0);
    assert_eq!(ran.out, GOOD);
    let ran = folder.run_with(&["check", "-", "--diff"], fixable()).exits(1);
    assert!(ran.out.starts_with("--- -\n+++ -\n@@"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_read_only_file_and_a_link_are_left_alone() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = Folder::with(&[("skill.toml", &fixable()), ("other/target.toml", &fixable())]);
    fs::set_permissions(folder.path("skill.toml"), fs::Permissions::from_mode(0o444)).unwrap();
    symlink(folder.path("other/target.toml"), folder.path("link.toml")).unwrap();
    let ran = folder.run(&["check", "--fix", "skill.toml", "link.toml"]).exits(2);
    assert_eq!(
        ran.err,
        "error: skill.toml: not written: the file is read-only; make it writable first\n\
         error: link.toml: not written: it is a symbolic link; name the file it points to\n"
    );
    assert_eq!(folder.read("skill.toml"), fixable());
    assert_eq!(folder.read("other/target.toml"), fixable());
    assert_eq!(folder.files().len(), 3);
}

#[cfg(unix)]
#[test]
fn permissions_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::with(&[("skill.toml", &fixable())]);
    fs::set_permissions(folder.path("skill.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    folder.run(&["check", "--fix", "--allow", "*", "--warn", "fields/deprecated-alias"]).exits(0);
    assert_eq!(folder.path("skill.toml").metadata().unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(folder.read("skill.toml"), fixed());
}

/// Killed at any moment, every file is the old one or the new one, whole.
#[test]
fn a_killed_process_leaves_whole_files() {
    const FILES: usize = 200;
    let (before, after) = (fixable(), fixed());
    let folder = Folder::with(&[]);
    for round in 0..5 {
        for file in 0..FILES {
            folder.write(&format!("{file}/skill.toml"), &before);
        }
        let mut child = folder.command(&["check", "--fix"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        // Kill it in the middle: a little later each round.
        let done = || (0..FILES).filter(|file| folder.read(&format!("{file}/skill.toml")) == after).count();
        while done() <= round * 20 && child.try_wait().unwrap().is_none() {}
        let _ = child.kill();
        child.wait().unwrap();
        for file in 0..FILES {
            let text = folder.read(&format!("{file}/skill.toml"));
            assert!(text == before || text == after, "{text:?}");
        }
    }
}
