//! Ended at any moment, packaging leaves the old artifact, the new one, or none; never half of one.

use std::{fs, process::Stdio};

use crate::world::{ARTIFACT, World};

/// A skill of some size, so that there is time to end it.
fn large() -> World {
    let world = World::new();
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..4 << 20)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    world.0.write("skill/assets/noise", noise);
    world
}

#[test]
fn kill_leaves_nothing_half() {
    let world = large();
    let spawn = || {
        let mut command = world.command(&["package", "skill", "--key", "elevens.key"]);
        command.env("SOURCE_DATE_EPOCH", "1700000000").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    assert!(spawn().wait().unwrap().success());
    let whole = fs::read(world.artifact()).unwrap();
    for round in 0..12_u64 {
        // Every other round there is an old one.
        if round % 2 == 0 {
            fs::remove_file(world.artifact()).unwrap_or_default();
        }
        let mut child = spawn();
        // End it once something is written beside the place, at the latest when it is done.
        let dist = world.0.path("skill/dist");
        let begun = || {
            fs::read_dir(&dist).is_ok_and(|mut all| {
                all.any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(".skillyard-"))
            })
        };
        let mut looks = 0_u64;
        while child.try_wait().unwrap().is_none() && !(begun() && looks >= round) {
            looks += u64::from(begun());
        }
        let _ = child.kill();
        child.wait().unwrap();
        match fs::read(world.artifact()) {
            Ok(bytes) => assert!(bytes == whole, "round {round}: {} of {} bytes", bytes.len(), whole.len()),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
        for entry in fs::read_dir(&dist).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().starts_with(".skillyard-") {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_at_all() {
    let world = large();
    let mut child = world
        .command(&["package", "skill", "--key", "elevens.key", "-o", "out.palyra-skill"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Before it listens ctrl-C ends it like any other program; then it ends itself, and tidies up.
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let mut err = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut err).unwrap();
    let status = child.wait().unwrap();
    if status.success() {
        assert!(world.0.path("out.palyra-skill").is_file(), "it was done before");
    } else {
        assert!(status.code().is_none_or(|code| code == 2), "{status}: {err}");
        assert!(!world.0.path("out.palyra-skill").exists() && !world.0.path(ARTIFACT).exists());
    }
    assert!(!world.0.files().iter().any(|name| name.contains(".skillyard-")));
}
