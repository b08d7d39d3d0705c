//! From what is named to what is checked: files, folders, standard input.

use crate::skillyard::{BAD, Folder, GOOD, ONLY};

fn checked(folder: &Folder, arguments: &[&str]) -> Vec<String> {
    let lines = folder.run(&[&["check", "--format", "jsonl"][..], arguments].concat()).jsonl();
    lines.iter().map(|line| line["file"].as_str().unwrap().replace('\\', "/")).collect()
}

#[test]
fn a_folder_means_every_manifest_below_that_is_not_ignored() {
    let folder = Folder::with(&[
        (".gitignore", "/build/\n*.bak/\n"),
        (".ignore", "vendored\n"),
        ("skill.toml", GOOD),
        ("b/skill.toml", GOOD),
        ("a/deep/er/skill.toml", GOOD),
        ("a/skill.toml.txt", BAD),
        ("build/skill.toml", BAD),
        ("x.bak/skill.toml", BAD),
        ("vendored/skill.toml", BAD),
        (".hidden/skill.toml", BAD),
    ]);
    let all = ["a/deep/er/skill.toml", "b/skill.toml", "skill.toml"];
    assert_eq!(checked(&folder, &[]), all);
    assert_eq!(checked(&folder, &["."]), all);
    assert_eq!(checked(&folder, &["b", "a", "b/skill.toml"]), ["b/skill.toml", "a/deep/er/skill.toml"]);
    // What is named is meant, ignored or not, whatever its name.
    assert_eq!(checked(&folder, &["build", "a/skill.toml.txt"]), ["build/skill.toml", "a/skill.toml.txt"]);
}

#[test]
fn a_folder_without_manifests_is_a_note() {
    let folder = Folder::with(&[("x/readme", "")]);
    let ran = folder.run(&["check", "x"]).exits(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "note: no skill.toml below x\n"));
    assert_eq!(folder.run(&["check", "x", "--format", "json"]).exits(0).json()["files"], serde_json::json!([]));
}

#[test]
fn a_missing_file_is_named_and_the_rest_is_checked() {
    let folder = Folder::with(&[("skill.toml", GOOD)]);
    let ran = folder.run(&["check", "--format", "jsonl", "nope.toml", "skill.toml"]).exits(2);
    assert_eq!(ran.err, "error: nope.toml: no such file or folder\n");
    assert_eq!(ran.jsonl().len(), 1);
}

#[test]
fn a_large_file_is_a_finding_and_an_endless_one_an_error() {
    let folder = Folder::with(&[("large.toml", &format!("# {}", "x".repeat(5 << 20)))]);
    let ran = folder.run(&["check", "--format", "concise", "large.toml"]).exits(1).quietly();
    assert!(ran.out.starts_with("large.toml:1:1: error[syntax/too-large]"), "{ran:?}");
    let file = std::fs::File::create(folder.path("huge.toml")).unwrap();
    file.set_len(1 << 40).unwrap();
    let ran = folder.run(&["check", "huge.toml"]).exits(2);
    assert!(ran.err.starts_with("error: huge.toml: is larger than "), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let folder = Folder::with(&[]);
    let pipe = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ran = folder.run(&["check", "pipe", "/dev/zero"]).exits(2);
    assert_eq!(
        ran.err,
        "error: pipe: is a pipe; name a regular file\nerror: /dev/zero: is a device; name a regular file\n"
    );
    std::fs::create_dir(folder.path("skill.toml")).unwrap();
    folder.run(&["check"]).exits(0);
}

#[cfg(unix)]
#[test]
fn an_ignore_file_that_never_ends_is_told_and_the_rest_is_checked() {
    let folder = Folder::with(&[("skill.toml", GOOD), ("piped/skill.toml", GOOD), ("large/skill.toml", GOOD)]);
    std::os::unix::fs::symlink("/dev/zero", folder.path(".gitignore")).unwrap();
    let pipe = folder.path("piped/.ignore");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::fs::File::create(folder.path("large/.gitignore")).unwrap().set_len(1 << 40).unwrap();
    let ran = folder.run(&["check", "--format", "jsonl"]).exits(2);
    assert_eq!(ran.jsonl().len(), 3);
    let mut told: Vec<_> = ran.err.lines().collect();
    told.sort_unstable();
    assert_eq!(told.len(), 3, "{ran:?}");
    assert_eq!(told[0], "error: .gitignore: is a device; name a regular file");
    assert!(told[1].starts_with("error: large/.gitignore: is larger than "), "{ran:?}");
    assert_eq!(told[2], "error: piped/.ignore: is a pipe; name a regular file");
}

#[test]
fn ignore_files_of_more_patterns_than_are_followed_are_told() {
    let patterns = "a\n".repeat(9_000);
    let folder = Folder::with(&[
        ("skill.toml", GOOD),
        (".gitignore", &patterns),
        ("b/.gitignore", &patterns),
        ("b/skill.toml", GOOD),
    ]);
    let ran = folder.run(&["check", "--format", "jsonl"]).exits(2);
    assert_eq!(ran.jsonl().len(), 2);
    let told = ran.err.replace('\\', "/");
    assert!(told.starts_with("error: b/.gitignore: is not followed: ") && told.lines().count() == 1, "{ran:?}");
}

#[test]
fn standard_input() {
    let folder = Folder::with(&[("strict/skillyard.toml", "[rules]\n\"fields/deprecated-alias\" = \"deny\"\n")]);
    let ran = folder.run_with(&[&["check", "-", "--format", "concise"][..], &ONLY].concat(), BAD).exits(1);
    assert!(ran.out.starts_with("-:16:1: warning[fields/deprecated-alias]"), "{ran:?}");
    // The name says where the configuration is; nothing has to be there.
    let arguments = ["check", "-", "--format", "concise", "--stdin-filename", "strict/new/skill.toml"];
    let ran = folder.run_with(&arguments, BAD).exits(1);
    assert!(
        ran.out.replace('\\', "/").contains("strict/new/skill.toml:16:1: error[fields/deprecated-alias]"),
        "{ran:?}"
    );
    assert_eq!(folder.run_with(&["check", "-", "--allow", "*"], GOOD).exits(0).out, "No findings in 1 file.\n");
    folder.run_with(&["check", "-"], b"\xff\xfe").exits(1);
    let same = folder.run_with(&["check", "-", "--allow", "*", "--format", "jsonl"], GOOD).json();
    assert_eq!(same["file"], "-");
}
