//! What looking at an artifact does to the machine: nothing.

use std::{fs, process::Command};

use crate::world::{ARTIFACT, World};

#[test]
#[ignore = "needs strace: cargo xtask test"]
fn no_process_no_connection_and_no_file_written() {
    let world = World::new();
    world.0.write("skill/assets/page.html", "<img src=\"http://127.0.0.1:9/a.png\">");
    world.package(&[]);
    let before = world.0.files();
    for arguments in [
        &["verify", "--allow-tofu", ARTIFACT][..],
        &["inspect", ARTIFACT],
        &["audit", "--allow-tofu", ARTIFACT],
        &["audit", "skill"],
        &["capabilities", ARTIFACT, "--against", "skill"],
        &["package", "skill", "--dry-run"],
        &["trust", "list"],
    ] {
        let log = tempfile::NamedTempFile::new().unwrap();
        let plain = world.command(arguments);
        let mut traced = Command::new("strace");
        traced.args(["--follow-forks", "--trace=process,network,openat,open,creat,rename,unlink,mkdir,link,symlink"]);
        traced.args(["--signal=none", "--output"]).arg(log.path()).arg(plain.get_program()).args(plain.get_args());
        traced.current_dir(plain.get_current_dir().unwrap());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => traced.env(name, value),
                None => traced.env_remove(name),
            };
        }
        let status = traced.stdout(std::process::Stdio::null()).status().unwrap();
        assert!(status.success(), "{arguments:?}: {status}");
        let log = fs::read_to_string(log.path()).unwrap();
        let calls: Vec<&str> =
            log.lines().filter_map(|line| line.split_once(' ').map(|(_, call)| call.trim())).collect();
        assert_eq!(
            calls.iter().filter(|call| call.starts_with("execve(")).count(),
            1,
            "only the program itself: {log}"
        );
        for call in calls {
            let forks = ["fork(", "vfork("].iter().any(|name| call.starts_with(name))
                || (call.starts_with("clone") && !call.contains("CLONE_THREAD"));
            let connects = ["socket(", "connect(", "bind(", "sendto("].iter().any(|name| call.starts_with(name));
            let opens = ["open", "creat("].iter().any(|name| call.starts_with(name));
            let writes = opens && ["O_WRONLY", "O_RDWR", "O_CREAT", "creat("].iter().any(|flag| call.contains(flag));
            let changes = ["rename", "unlink", "mkdir", "link", "symlink"].iter().any(|name| call.starts_with(name));
            assert!(!forks && !connects && !writes && !changes, "{arguments:?}: {call}");
        }
    }
    assert_eq!(world.0.files(), before);
}
