//! Skillyard in a real Neovim, set up exactly as README says.

#![allow(clippy::expect_used, reason = "a test that cannot go on says so and fails")]

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/editors/neovim");
const CONFIG: &str = include_str!("neovim/config.lua");
const README: &str = include_str!("../../README.md");

/// What the author has: one tool id outside the publisher's namespace, and a line out of shape.
const BEFORE: &str = r#"# Kept as it is.
manifest_version = 2
skill_id = "acme.echo"
name = "Echo"
version   =   "1.0.0"
publisher = "acme"

[[entrypoints.tools]]
id = "echo"
name = "Echo"
description = "Says it again."
input_schema = { type = "object" }
output_schema = { type = "object" }

[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"
"#;

#[test]
fn readme_has_the_tested_configuration() {
    let readme = README.replace("\r\n", "\n");
    assert!(readme.contains(&format!("```lua\n{}```", CONFIG.replace("\r\n", "\n"))));
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn a_mistake_is_shown_fixed_and_formatted_and_no_process_stays() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = workspace(home.path()).join("skill.toml");
    fs::write(&file, BEFORE).expect("a file");
    let said = sitting(home.path(), "session.lua");

    assert!(said.contains("diagnostic 9:6 "), "at the id's value: {said}");
    assert!(said.contains("severity ERROR\n"), "{said}");
    let after = fs::read_to_string(&file).expect("the file");
    let expected = BEFORE.replace("version   =   ", "version = ").replace("id = \"echo\"", "id = \"acme.echo\"");
    assert_eq!(after, expected, "{said}");

    let processes: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("process ")).collect();
    assert_eq!(processes.len(), 1, "one server: {said}");
    for process in processes {
        assert!(ends(process), "the server {process} outlives the editor");
    }
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn the_lens_packages_and_signs_what_verify_accepts() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let workspace = workspace(home.path());
    fs::write(workspace.join("skill.toml"), BEFORE.replace("id = \"echo\"", "id = \"acme.echo\"")).expect("a file");
    fs::write(workspace.join("module.wasm"), MODULE).expect("a file");

    let said = sitting(home.path(), "package.lua");
    assert!(said.contains("asked 2\n"), "for the lens, then for the key: {said}");
    assert!(said.contains("progress true\n"), "{said}");
    let artifact = workspace.join("dist").join("acme.echo-1.0.0.palyra-skill");
    assert!(artifact.is_file(), "{said}");

    let mut verify = at_home(home.path(), env!("CARGO_BIN_EXE_skillyard"));
    let output = verify.args(["verify", "--allow-tofu"]).arg(&artifact).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    // What is private is the home's and not the workspace's, and nothing was left over.
    let mut there: Vec<OsString> =
        fs::read_dir(&workspace).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    there.sort();
    assert_eq!(there, ["dist", "module.wasm", "skill.toml"]);
    assert_eq!(fs::read_dir(workspace.join("dist")).expect("a folder").count(), 1);
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn the_lens_runs_a_tool_that_is_approved_and_shows_what_it_gave() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let workspace = workspace(home.path());
    let writes = "[capabilities.filesystem]\nwrite_roots = [\"out\"]\n\n[compat]";
    let manifest = BEFORE.replace("id = \"echo\"", "id = \"acme.echo\"").replace("[compat]", writes);
    let manifest = manifest.replace(
        "input_schema = {",
        "input_schema = { required = [\"said\"], properties = { said = { const = \"hello\" } },",
    );
    fs::write(workspace.join("skill.toml"), manifest).expect("a file");
    fs::write(workspace.join("module.wasm"), COMMAND).expect("a file");

    let said = sitting(home.path(), "run.lua");
    let questions: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("question ")).collect();
    let asked = questions.iter().find(|question| question.contains("Approve")).expect("it asks");
    assert!(asked.contains("acme.echo wants to") && asked.contains("write in the folders out"), "{said}");
    assert!(said.contains("told acme.echo gave {\"said\":\"hello\"}"), "{said}");
    // What it may write is the home's and not the workspace's.
    let mut there: Vec<OsString> =
        fs::read_dir(&workspace).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    there.sort();
    assert_eq!(there, ["module.wasm", "skill.toml"]);
}

/// Gives back what it gets, for a tool that is called `echo`.
const COMMAND: &[u8] = include_bytes!("../guests/command.wasm");

/// `(module (memory 1 1) (func (export "run") (result i32) i32.const 0))`.
const MODULE: &[u8] =
    b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\x05\x04\x01\x01\x01\x01\x07\x07\x01\x03run\0\0\
    \x0a\x06\x01\x04\0\x41\0\x0b";

/// A new folder for a skill.
fn workspace(home: &Path) -> PathBuf {
    let workspace = home.join("workspace");
    fs::create_dir(&workspace).expect("a folder");
    workspace
}

/// A program that knows no other home.
fn at_home(home: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env("PATH", path_with(Path::new(env!("CARGO_BIN_EXE_skillyard"))))
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("SKILLYARD_NO_CREDENTIAL_STORE", "1")
        .env_remove("PALYRA_SKILLS_TRUST_STORE")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
    command
}

/// Opens the workspace's manifest in Neovim, set up as in README, and lets a script sit before it; what that said.
fn sitting(home: &Path, script: &str) -> String {
    let nvim =
        env::var_os("SKILLYARD_TEST_NVIM").expect("SKILLYARD_TEST_NVIM names Neovim; `cargo xtask test` sets it");
    let output = at_home(home, nvim)
        .args(["--headless", "--clean"])
        .arg("--cmd")
        .arg(format!("luafile {FOLDER}/config.lua"))
        .args(["-c", &format!("luafile {FOLDER}/{script}")])
        // Reached only where the session stopped half-way.
        .args(["-c", "cquit"])
        .arg(home.join("workspace").join("skill.toml"))
        .stdin(Stdio::null())
        .output()
        .expect("Neovim runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}\n{complained}\n{}", output.status, log(home));
    said
}

/// PATH with the folder of a program in front.
fn path_with(program: &Path) -> OsString {
    let folders = program.parent().map(Path::to_path_buf).into_iter();
    let rest: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    env::join_paths(folders.chain(rest)).expect("a PATH")
}

/// Whether a process is gone within a while of the editor's end.
fn ends(process: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if !runs(process) {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

#[cfg(target_os = "linux")]
fn runs(process: &str) -> bool {
    // A zombie has ended; whoever inherited it has not looked yet.
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn runs(process: &str) -> bool {
    let state = Command::new("ps").args(["-o", "state=", "-p", process]).output().expect("ps runs").stdout;
    !state.is_empty() && !state.starts_with(b"Z")
}

#[cfg(windows)]
fn runs(process: &str) -> bool {
    let list = Command::new("tasklist").args(["/NH", "/FI", &format!("PID eq {process}")]).output();
    String::from_utf8_lossy(&list.expect("tasklist runs").stdout).contains(process)
}

/// What Neovim wrote down about its servers.
fn log(home: &Path) -> String {
    fs::read_to_string(home.join("state/nvim/lsp.log")).unwrap_or_default()
}
