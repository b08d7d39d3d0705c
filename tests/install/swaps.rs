//! What somebody exchanges behind Skillyard's back is refused, each with its own message.

use std::fs;

use crate::{
    skills::{ID, INSTALLED, Skills},
    world::module,
};

/// What `list` and `run` say, both refused.
fn refused(skills: &Skills, words: &str) {
    let listed = skills.run(&["list"]).exits(1);
    assert!(listed.err.contains(words), "{words}: {listed:?}");
    let ran = skills.run(&["run", "--skill", ID, "--approve"]).exits(1);
    assert!(ran.err.contains(words), "{words}: {ran:?}");
    // A folder of the same skill does not get round it either.
    let ran = skills.run(&["run", "--skill", "skill", "--approve"]).exits(1);
    assert!(ran.err.contains(words), "{words}: {ran:?}");
}

fn two() -> Skills {
    let skills = Skills::new();
    skills.install(&skills.pack("1.0.0", ""));
    skills.install(&skills.pack("1.1.0", ""));
    skills
}

#[test]
fn an_installed_module_that_was_exchanged_does_not_run() {
    let skills = two();
    let folder = skills.folder("1.1.0");
    let modules = fs::read_dir(folder.join("modules")).unwrap();
    let path = modules.map(|entry| entry.unwrap().path()).next().unwrap();
    let good = fs::read(&path).unwrap();
    fs::write(&path, module(&[("palyra:host", "log")])).unwrap();
    let artifact = format!("{ID}-1.1.0.palyra-skill");
    let file = folder.join("artifact.palyra-skill").to_string_lossy().into_owned();
    // By whatever path the version is named, though those bytes would not be the ones that run.
    for path in [ID, &artifact, &file, &folder.to_string_lossy()] {
        let ran = skills.run(&["run", "--skill", path, "--approve"]).exits(1);
        assert!(ran.err.contains("changed since it was installed") && ran.err.contains("modules"), "{path}: {ran:?}");
    }
    let info = skills.run(&["info", ID]).exits(1);
    assert!(info.out.contains("CHANGED"), "{info:?}");
    fs::write(&path, good).unwrap();
    skills.run(&["info", ID]).exits(0);

    // One artifact in place of another, both of the same publisher.
    fs::copy(skills.folder("1.0.0").join("artifact.palyra-skill"), &file).unwrap();
    for path in [ID, &file] {
        let ran = skills.run(&["run", "--skill", path, "--approve"]).exits(1);
        assert!(ran.err.contains("changed since it was installed"), "{path}: {ran:?}");
    }
}

#[test]
fn another_artifact_of_an_installed_version_does_not_run() {
    let skills = two();
    let other = skills.pack("1.1.0", "[capabilities]\nhttp_egress_allowlist = [\"evil.example\"]\n");
    let ran = skills.run(&["run", "--skill", &other, "--approve"]).exits(1);
    assert!(ran.err.contains("with other content"), "{ran:?}");
}

#[test]
fn a_seal_that_is_gone_lets_nothing_run() {
    let skills = two();
    skills.quarantine("1.1.0");
    let seals = skills.0.0.path("home/skillyard/seals");
    for file in fs::read_dir(&seals).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "json") {
            fs::remove_file(file).unwrap();
        }
    }
    let doctor = skills.run(&["doctor"]).exits(1);
    assert_eq!(doctor.out.matches(".json is gone, and Skillyard wrote one").count(), 2, "{doctor:?}");
    assert!(doctor.out.contains("trust accept") && doctor.out.contains("log --skills-dir"), "{doctor:?}");
    let trust = skills.run(&["trust", "list"]);
    assert!(trust.code != Some(0) && trust.err.contains("is gone, and Skillyard wrote one"), "{trust:?}");

    // With all seals and the quarantine gone, the chain of the log still says who wrote it.
    fs::remove_dir_all(&seals).unwrap();
    for name in ["skill-status.sqlite3", "skill-status.sqlite3-wal", "skill-status.sqlite3-shm"] {
        let _ = fs::remove_file(skills.root().join(name));
    }
    refused(&skills, "is gone, and Skillyard wrote one");
}

#[test]
fn an_index_that_was_edited_is_refused() {
    let skills = two();
    let path = skills.root().join("installed-index.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("northwind\"", "southwind\"", 1)).unwrap();
    refused(&skills, "installed-index.json was changed by something else than Skillyard");
    let install = skills.run(&["install", &skills.pack("2.0.0", "")]).exits(1);
    assert!(install.err.contains("was changed by something else"), "{install:?}");
    // The message names the way out, for a person who looked.
    let digest = install.err.split("--accept ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    skills.run(&["log", "--accept", &digest]).exits(0);
    skills.run(&["list"]).exits(0);
}

#[test]
fn an_index_that_a_daemon_wrote_later_is_refused_until_a_person_looked() {
    let skills = two();
    let path = skills.root().join("installed-index.json");
    let mut index: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let written = index["updated_at_unix_ms"].as_i64().unwrap();
    index["updated_at_unix_ms"] = (written + 1).into();
    // The daemon's person went back to the older version.
    for entry in index["entries"].as_array_mut().unwrap() {
        entry["current"] = (entry["version"] == "1.0.0").into();
    }
    fs::write(&path, serde_json::to_string_pretty(&index).unwrap()).unwrap();
    fs::write(skills.root().join(ID).join("current"), "1.0.0\n").unwrap();
    refused(&skills, "installed-index.json was changed by something else than Skillyard");
    let said = skills.run(&["list"]).exits(1).err;
    let digest = said.split("--accept ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    skills.run(&["log", "--accept", &digest]).exits(0);
    let doctor = skills.run(&["doctor", "--format", "json"]).json();
    let mut signs = doctor["signs"].as_array().unwrap().iter().filter(|sign| sign["name"] == "installed skills");
    assert!(signs.all(|sign| sign["health"] == "good"), "{doctor}");
    assert_eq!(skills.json(0, INSTALLED, &["info", ID])["entry"]["version"], "1.0.0");
}

#[test]
fn states_that_are_no_table_are_refused_with_a_way_out() {
    let skills = two();
    for more in ["-wal", "-shm"] {
        let _ = fs::remove_file(skills.root().join(format!("skill-status.sqlite3{more}")));
    }
    fs::write(skills.root().join("skill-status.sqlite3"), "hi\n").unwrap();
    refused(&skills, "so a quarantine may be missing");
    let said = skills.run(&["list"]).exits(1).err;
    let digest = said.split("--accept ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    let accepted = skills.run(&["log", "--accept", &digest]).exits(0);
    assert!(accepted.out.contains("skill-status-broken-1.sqlite3"), "{accepted:?}");
    skills.run(&["list"]).exits(0);
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_a_version_is_neither_run_nor_removed() {
    let skills = two();
    let (place, elsewhere) = (skills.folder("1.1.0"), skills.0.0.path("elsewhere"));
    fs::rename(&place, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &place).unwrap();
    for path in [ID.to_owned(), place.to_string_lossy().into_owned()] {
        let ran = skills.run(&["run", "--skill", &path, "--approve"]).exits(1);
        assert!(ran.err.contains("a link stands in place"), "{path}: {ran:?}");
    }
    let info = skills.run(&["info", ID]).exits(1);
    assert!(info.out.contains("CHANGED"), "{info:?}");
    let removed = skills.run(&["remove", ID, "--version", "1.1.0"]).exits(1);
    assert!(removed.err.contains("a link stands in place") && elsewhere.exists(), "{removed:?}");
}

#[test]
fn a_log_line_that_was_removed_is_refused() {
    let skills = two();
    let path = skills.root().join("audit.ndjson");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::write(&path, lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    refused(&skills, "lines were removed at the end");
    let log = skills.run(&["log"]).exits(1);
    assert!(log.out.contains("CHANGED"), "{log:?}");

    // In the middle: who reads the log sees it, at the place.
    let mut without = lines.clone();
    let removed = without.remove(2);
    let mut last = without.pop().unwrap().to_owned();
    // Of the same length, so that only the chain tells.
    last.push_str(&" ".repeat(removed.len() + 1));
    fs::write(&path, format!("{}\n{last}\n", without.join("\n"))).unwrap();
    let log = skills.run(&["log"]).exits(1);
    assert!(log.out.contains("CHANGED"), "{log:?}");
    let mut edited = lines.clone();
    let changed = edited[1].replace("true", "null");
    edited[1] = &changed;
    fs::write(&path, edited.join("\n") + "\n").unwrap();
    let log = skills.run(&["log"]).exits(1);
    assert!(log.out.contains("line 3 does not follow"), "{log:?}");
    let doctor = skills.run(&["doctor"]).exits(1);
    assert!(doctor.out.contains("line 3 does not follow"), "{doctor:?}");

    // The way out that the message names is one: the broken log is kept, and a new one begins.
    let digest = log.out.split("--accept ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    let accepted = skills.run(&["log", "--accept", &digest]).exits(0);
    assert!(accepted.out.contains("audit-broken-1.ndjson"), "{accepted:?}");
    assert!(skills.root().join("audit-broken-1.ndjson").exists());
    assert!(skills.run(&["log"]).exits(0).out.contains("0 events"));
    skills.quarantine("1.0.0");
    assert!(skills.run(&["log"]).exits(0).out.contains("1 event"));
}

#[cfg(unix)]
#[test]
fn a_store_that_was_restored_from_an_old_copy_is_refused() {
    let skills = two();
    let (root, copy) = (skills.root(), skills.0.0.path("copy"));
    let cp = |from: &std::path::Path, to: &std::path::Path| {
        assert!(std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    };
    cp(&root, &copy);
    skills.quarantine("1.1.0");
    skills.install(&skills.pack("1.2.0", ""));
    fs::remove_dir_all(&root).unwrap();
    cp(&copy, &root);
    refused(&skills, "was restored from an older copy");
    fs::remove_dir_all(&root).unwrap();
    refused(&skills, "is gone");
}

#[test]
fn a_quarantine_that_was_taken_out_of_the_table_is_refused() {
    let skills = two();
    skills.quarantine("1.1.0");
    for name in ["skill-status.sqlite3", "skill-status.sqlite3-wal", "skill-status.sqlite3-shm"] {
        let _ = fs::remove_file(skills.root().join(name));
    }
    refused(&skills, "so a quarantine may be missing");
}

/// The bytes are read once: what stands in the file afterwards is not what is installed.
#[test]
fn an_artifact_that_is_exchanged_after_it_was_read_is_not_what_is_installed() {
    use std::{
        io::{BufRead as _, BufReader, Read as _},
        process::Stdio,
    };
    let skills = Skills::new();
    skills.install(&skills.pack("1.0.0", ""));
    // Of the same publisher and version: whoever reads the file again installs it without a word.
    let other = skills.pack("1.1.0", "[capabilities]\nhttp_egress_allowlist = [\"evil.example\"]\n");
    let evil = fs::read(skills.0.0.path(&other)).unwrap();
    let artifact = skills.pack("1.1.0", "");
    let good = fs::read(skills.0.0.path(&artifact)).unwrap();
    assert_ne!(good, evil);

    // While the lock is held nothing is installed; who only looks needs none.
    let lock = fs::File::options().write(true).open(skills.root().join("installed-index.json.lock")).unwrap();
    lock.lock().unwrap();
    let mut child =
        skills.0.command(&["install", &artifact]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("1.1.0") {
        assert_ne!(told.read_line(&mut line).unwrap(), 0, "{line}");
    }
    // The file was verified and a person shown what it may do, and now it is exchanged.
    fs::write(skills.0.0.path(&artifact), &evil).unwrap();
    assert!(child.try_wait().unwrap().is_none() && !skills.folder("1.1.0").exists());
    lock.unlock().unwrap();
    told.read_to_string(&mut line).unwrap();
    assert!(child.wait().unwrap().success(), "{line}");
    assert_eq!(fs::read(skills.folder("1.1.0").join("artifact.palyra-skill")).unwrap(), good);
    let info = skills.json(0, INSTALLED, &["info", ID]);
    assert!(info["entry"]["version"] == "1.1.0" && !info.to_string().contains("evil.example"), "{info}");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_looked_at_was_not_changed() {
    use std::os::unix::fs::PermissionsExt as _;
    let skills = Skills::new();
    skills.install(&skills.pack("1.0.0", ""));
    let root = skills.folder("1.0.0").parent().unwrap().parent().unwrap().to_owned();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o775)).unwrap();
    for command in ["list", "log"] {
        let ran = skills.run(&[command]).exits(2);
        assert!(ran.err.contains("775") && !ran.out.contains("CHANGED"), "{ran:?}");
    }
}
