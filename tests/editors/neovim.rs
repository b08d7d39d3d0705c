//! Skillyard in a real Neovim: by the plug-in, in every layout it is installed in, and by the bare configuration.

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
const EDITORS: &str = include_str!("../../editors/README.md");
/// The plug-in.
const PLUGIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/editors/neovim");

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
fn the_documentation_has_the_tested_configuration() {
    let editors = EDITORS.replace("\r\n", "\n");
    assert!(editors.contains(&format!("```lua\n{}```", CONFIG.replace("\r\n", "\n"))));
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn a_mistake_is_shown_fixed_and_formatted_and_no_process_stays() {
    for way in [Way::Bare, Way::Runtimepath] {
        let home = tempfile::tempdir().expect("a temporary folder");
        let file = workspace(home.path()).join("skill.toml");
        fs::write(&file, BEFORE).expect("a file");
        let said = sitting(home.path(), way, "session.lua");

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
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn the_lens_packages_and_signs_what_verify_accepts() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let workspace = workspace(home.path());
    fs::write(workspace.join("skill.toml"), BEFORE.replace("id = \"echo\"", "id = \"acme.echo\"")).expect("a file");
    fs::write(workspace.join("module.wasm"), MODULE).expect("a file");

    let said = sitting(home.path(), Way::Runtimepath, "package.lua");
    assert!(said.contains("asked 2\n"), "for the lens, then for the key: {said}");
    let artifact = workspace.join("dist").join("acme.echo-1.0.0.palyra-skill");
    assert!(artifact.is_file(), "{said}");

    let mut verify = at_home(home.path(), env!("CARGO_BIN_EXE_skillyard"));
    let output = verify.args(["verify", "--allow-tofu"]).arg(&artifact).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    // What is private is the home's and not the workspace's, and nothing was left over.
    assert_eq!(names(&workspace), ["dist", "module.wasm", "skill.toml"]);
    assert_eq!(names(&workspace.join("dist")).len(), 1);
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn the_lens_runs_a_tool_with_the_input_that_is_typed_once_it_is_approved() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let workspace = workspace(home.path());
    fs::write(workspace.join("skill.toml"), two_tools()).expect("a file");
    fs::write(workspace.join("module.wasm"), COMMAND).expect("a file");

    let said = sitting(home.path(), Way::Runtimepath, "run.lua");
    assert!(said.contains("before {\"said\":\"hello\"}\n"), "the schema's example comes first: {said}");
    let questions: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("question ")).collect();
    let asked = questions.iter().find(|question| question.contains("Approve")).expect("it asks");
    assert!(asked.contains("acme.echo wants to") && asked.contains("write in the folders out"), "{said}");
    assert!(said.contains("told acme.echo gave {"), "{said}");
    // What it may write is the home's and not the workspace's.
    assert_eq!(names(&workspace), ["module.wasm", "skill.toml"]);
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn keys_are_explained_completed_and_listed() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let workspace = workspace(home.path());
    fs::write(workspace.join("skill.toml"), BEFORE).expect("a file");
    fs::write(workspace.join("skillyard.toml"), "[rulez]\n").expect("a file");
    sitting(home.path(), Way::Runtimepath, "edit.lua");
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn names_lead_to_names_and_what_is_typed_is_completed() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let more = "\n[capabilities.quotas]\nmax_memory_bytes = 33554432\n\n\
        [operator.plugin]\ndefault_tool_id = \"acme.echo\"\n";
    let manifest = BEFORE.replace("id = \"echo\"", "id = \"acme.echo\"") + more;
    fs::write(workspace(home.path()).join("skill.toml"), manifest).expect("a file");
    sitting(home.path(), Way::Runtimepath, "names.lua");
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn a_skill_is_made_tested_and_explained() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let workspace = workspace(home.path());
    let said = sitting(home.path(), Way::Runtimepath, "new.lua");
    assert_eq!(names(&workspace), ["made `touch there` %"], "{said}");
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn one_server_knows_all_skills_of_a_repository_or_below_a_configuration() {
    for way in [Way::Bare, Way::Runtimepath] {
        let home = tempfile::tempdir().expect("a temporary folder");
        let workspace = workspace(home.path());
        fs::create_dir(workspace.join(".git")).expect("a folder");
        if way != Way::Bare {
            // A repository of the home is no workspace, nor is a configuration there.
            fs::create_dir(home.path().join(".git")).expect("a folder");
            fs::write(home.path().join("skillyard.toml"), "").expect("a file");
        }
        for folder in [
            "workspace/one",
            "workspace/two/deep",
            "workspace/closed",
            "plain/a",
            "plain/skills/b",
            "plain/shut",
            "alone",
        ] {
            let folder = home.path().join(folder);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("skill.toml"), BEFORE).expect("a file");
            if !folder.ends_with("alone") {
                fs::write(folder.join("skillyard.toml"), "").expect("a file");
            }
        }
        fs::write(home.path().join("plain/skillyard.toml"), "").expect("a file");
        sitting(home.path(), way, "roots.lua");
    }
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn cases_that_never_end_are_ended_by_their_author_and_with_the_editor() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let workspace = workspace(home.path());
    fs::write(workspace.join("skill.toml"), two_tools()).expect("a file");
    fs::write(workspace.join("module.wasm"), COMMAND).expect("a file");
    fs::create_dir(workspace.join("tests")).expect("a folder");
    fs::write(workspace.join("tests/loop.json"), r#"{"tool": "acme.loop", "input": {}, "approve": true}"#)
        .expect("a file");
    let said = sitting(home.path(), Way::Runtimepath, "cases.lua");
    let processes: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("process ")).collect();
    assert_eq!(processes.len(), 2, "{said}");
    for process in processes {
        assert!(ends(process), "the call {process} outlives its end: {said}");
    }
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn a_server_that_is_killed_comes_back() {
    let home = tempfile::tempdir().expect("a temporary folder");
    fs::write(workspace(home.path()).join("skill.toml"), BEFORE).expect("a file");
    sitting(home.path(), Way::Runtimepath, "life.lua");
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn a_server_that_is_not_found_is_said_and_breaks_nothing() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let workspace = workspace(home.path());
    fs::write(workspace.join("skill.toml"), BEFORE).expect("a file");
    // A workspace names no program, neither by an entry of PATH that is relative to it nor by a settings file.
    let there = workspace.join(Path::new(env!("CARGO_BIN_EXE_skillyard")).file_name().expect("a name"));
    fs::copy(env!("CARGO_BIN_EXE_skillyard"), &there).expect("a copy");
    let relative = env::join_paths([Path::new("."), Path::new("")]).expect("a PATH");
    let mut neovim = neovim(home.path(), Way::Runtimepath, "missing.lua");
    neovim.env("PATH", relative).env("SKILLYARD", env!("CARGO_BIN_EXE_skillyard"));
    let said = outcome(home.path(), &mut neovim);
    assert!(said.contains("ERROR There is no server"), "{said}");
    assert!(!said.contains("stack traceback"), "{said}");
}

/// Neovim knows no workspaces that are trusted or not: in every folder, what is opened is read and nothing more.
#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn a_folder_of_a_stranger_is_read_and_nothing_of_it_is_run() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let workspace = workspace(home.path());
    fs::create_dir(workspace.join("tests")).expect("a folder");
    let case = r#"{"tool": "acme.echo", "input": {}, "approve": true, "expect": {"outcome": "ok"}}"#;
    let script = "#!/bin/sh\ntouch touched\n";
    let config = "[package]\nassets = [\"touched\"]\n";
    for (name, content) in [
        ("skill.toml", two_tools().replace("id = \"acme.loop\"", "id = \"loop\"").as_bytes()),
        ("module.wasm", COMMAND),
        ("tests/echo.json", case.as_bytes()),
        ("skillyard", script.as_bytes()),
        ("skillyard.toml", config.as_bytes()),
    ] {
        fs::write(workspace.join(name), content).expect("a file");
    }
    #[cfg(unix)]
    fs::set_permissions(workspace.join("skillyard"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("a mode");
    let before = names(&workspace);
    let said = sitting(home.path(), Way::Runtimepath, "stranger.lua");
    assert!(said.contains("told tool/not-namespaced"), "{said}");
    assert_eq!(names(&workspace), before);
    // No key was made and no storage for a tool.
    for made in ["keys", "storage", "skills"] {
        let found = below(home.path()).into_iter().find(|path| path.file_name().is_some_and(|name| name == made));
        assert_eq!(found, None);
    }
}

/// All folders below `folder`, links not followed.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let folders = entries.filter(|entry| entry.file_type().expect("a type").is_dir()).map(|entry| entry.path());
    folders.flat_map(|path| below(&path).into_iter().chain([path]).collect::<Vec<_>>()).collect()
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn where_all_is_well_its_health_is_clean() {
    let home = tempfile::tempdir().expect("a temporary folder");
    fs::write(workspace(home.path()).join("skill.toml"), BEFORE).expect("a file");
    let said = sitting(home.path(), Way::Runtimepath, "health.lua");
    for part in
        ["Neovim ~", "The program ~", "The server ~", "This machine (skillyard doctor) ~", "attached to 1 buffer"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    // A machine may be weaker than it could be; then that part says so, rightly.
    let (editor, machine) = said.split_once("This machine").expect("two parts");
    assert!(!editor.contains("ERROR") && !editor.contains("WARNING"), "{said}");
    assert!(!machine.contains("ERROR"), "{said}");
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn every_layout_serves_manifests() {
    for way in [Way::Runtimepath, Way::Package, Way::Lazy, Way::Older] {
        let home = tempfile::tempdir().expect("a temporary folder");
        fs::write(workspace(home.path()).join("skill.toml"), BEFORE).expect("a file");
        if way == Way::Package {
            copy(Path::new(PLUGIN), &home.path().join("site/pack/skillyard/start/skillyard"));
        }
        let said = sitting(home.path(), way, "served.lua");
        let server = Path::new(env!("CARGO_BIN_EXE_skillyard")).display().to_string().replace('\\', "/");
        assert!(said.contains(&format!("server {server}")), "{way:?}: {said}");
    }
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn what_mason_installed_is_found_where_path_has_none() {
    let home = tempfile::tempdir().expect("a temporary folder");
    fs::write(workspace(home.path()).join("skill.toml"), BEFORE).expect("a file");
    let data = if cfg!(windows) { "data/nvim-data" } else { "data/nvim" };
    let mason = home.path().join(data).join("mason").join("bin");
    fs::create_dir_all(&mason).expect("a folder");
    let there = mason.join(Path::new(env!("CARGO_BIN_EXE_skillyard")).file_name().expect("a name"));
    fs::copy(env!("CARGO_BIN_EXE_skillyard"), &there).expect("a copy");
    let mut neovim = neovim(home.path(), Way::Runtimepath, "served.lua");
    neovim.env("PATH", "");
    let said = outcome(home.path(), &mut neovim);
    assert!(said.contains("mason/bin/skillyard"), "{said}");
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn an_old_neovim_is_told_what_it_lacks() {
    let home = tempfile::tempdir().expect("a temporary folder");
    fs::write(workspace(home.path()).join("skill.toml"), BEFORE).expect("a file");
    let said = sitting(home.path(), Way::Old, "old.lua");
    assert!(said.contains("Skillyard needs Neovim 0.10 or newer"), "{said}");
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn help_has_tags_and_no_link_leads_nowhere() {
    let home = tempfile::tempdir().expect("a temporary folder");
    workspace(home.path());
    copy(Path::new(PLUGIN), &home.path().join("site/pack/skillyard/start/skillyard"));
    let said = sitting(home.path(), Way::Package, "help.lua");
    assert!(said.contains("links "), "{said}");
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn a_report_shows_what_was_written_and_brings_nothing_alive() {
    let home = tempfile::tempdir().expect("a temporary folder");
    workspace(home.path());
    let said = sitting(home.path(), Way::Runtimepath, "layout.lua");
    // What the plug-in writes out is what the rest of Skillyard does.
    let ranges = said.lines().filter_map(|line| line.strip_prefix("unseen ")?.split_once(' '));
    let ranges: Vec<(u32, u32)> =
        ranges.map(|(from, to)| (from.parse().expect("a number"), to.parse().expect("a number"))).collect();
    for c in '\0'..=char::MAX {
        let written_out = ranges.iter().any(|(from, to)| (*from..=*to).contains(&u32::from(c)));
        assert_eq!(written_out, skillyard_manifest::is_unseen(c), "{:x}", u32::from(c));
    }
}

#[test]
#[ignore = "needs Neovim 0.11: cargo xtask test"]
fn who_opens_no_manifest_pays_for_nothing() {
    let home = tempfile::tempdir().expect("a temporary folder");
    workspace(home.path());
    sitting(home.path(), Way::Runtimepath, "idle.lua");
}

/// A skill with a tool that gives back what it gets and one that never ends, which may both write in a folder.
fn two_tools() -> String {
    let more = "\
[[entrypoints.tools]]
id = \"acme.loop\"
name = \"Loop\"
description = \"Never ends.\"
input_schema = { type = \"object\" }
output_schema = { type = \"object\" }

[capabilities.filesystem]
write_roots = [\"out\"]

[capabilities.quotas]
fuel_budget = 1000000000000000
wall_clock_timeout_ms = 600000

[compat]";
    BEFORE.replace("id = \"echo\"", "id = \"acme.echo\"").replace("[compat]", more).replacen(
        "input_schema = {",
        "input_schema = { required = [\"said\"], properties = { said = { const = \"hello\" } },",
        1,
    )
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

/// How Skillyard comes into Neovim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// By the configuration for those who want no plug-in.
    Bare,
    /// The plug-in's folder is on 'runtimepath', as most managers do it.
    Runtimepath,
    /// The plug-in is a package of a folder `site` in the home.
    Package,
    /// The plug-in is put on 'runtimepath' and read when the first file of its type is open, as lazy.nvim does it.
    Lazy,
    /// As in Neovim 0.10, which has no `vim.lsp.enable` and does not say that it shows lenses.
    Older,
    /// As in a Neovim that says that it is older.
    Old,
}

impl Way {
    /// What Neovim does before it reads plug-ins.
    fn before(self, home: &Path) -> String {
        let prepend = format!("vim.opt.runtimepath:prepend('{PLUGIN}')");
        match self {
            Self::Bare => format!("luafile {FOLDER}/config.lua"),
            Self::Runtimepath => format!("lua {prepend}"),
            Self::Package => format!("lua vim.opt.packpath:prepend('{}')", home.join("site").display()),
            Self::Lazy => format!("luafile {FOLDER}/lazy.lua"),
            Self::Older => format!("luafile {FOLDER}/older.lua"),
            Self::Old => format!("lua vim.fn.has = function() return 0 end; {prepend}"),
        }
    }
}

/// What a person sees in a terminal, kept in `target/tmp/neovim` to be looked at.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs Neovim and tmux: cargo xtask test"]
fn reports_stand_in_a_terminal_as_a_person_reads_them() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("neovim");
    let nvim =
        env::var_os("SKILLYARD_TEST_NVIM").expect("SKILLYARD_TEST_NVIM names Neovim; `cargo xtask test` sets it");
    let mut captures = Command::new("sh");
    captures.arg(format!("{FOLDER}/captures.sh")).arg(nvim).arg(env!("CARGO_BIN_EXE_skillyard")).arg(&out);
    let ran = captures.output().expect("a shell runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let screen = |name: &str| fs::read_to_string(out.join(format!("{name}.txt"))).expect("a screen");
    for (name, words) in [
        ("lenses", &["Package and Sign", "Run Tool acme.greeter.greet"][..]),
        ("audit", &["acme.greeter 0.1.0", "A daemon's checks"]),
        ("verify", &["accepted", "acme"]),
        ("run-approval", &["Approve it", "out"]),
        ("run", &["\"greeting\"", "fuel", "█", "░"]),
        ("run-folded", &["more)"]),
        ("explain-float", &["A host has a port"]),
        ("health", &["This machine", "OK"]),
    ] {
        let screen = screen(name);
        for words in words {
            assert!(screen.contains(words), "{name}: {words}:\n{screen}");
        }
        assert!(!screen.contains("Error executing") && !screen.contains("stack traceback"), "{name}:\n{screen}");
    }
}

/// Lets a script sit before the workspace's manifest, if it has one; what that said.
fn sitting(home: &Path, way: Way, script: &str) -> String {
    outcome(home, &mut neovim(home, way, script))
}

/// Neovim in the workspace, with a script to run and the manifest to open.
fn neovim(home: &Path, way: Way, script: &str) -> Command {
    let nvim =
        env::var_os("SKILLYARD_TEST_NVIM").expect("SKILLYARD_TEST_NVIM names Neovim; `cargo xtask test` sets it");
    let workspace = home.join("workspace");
    let mut neovim = at_home(home, nvim);
    neovim
        .current_dir(&workspace)
        .env("SITTINGS", FOLDER)
        .env("PLUGIN", PLUGIN)
        .args(["--headless", "--clean", "--cmd", &way.before(home)])
        .args(["-c", &format!("luafile {FOLDER}/{script}")])
        // Reached only where the session stopped half-way, or by one that types.
        .args(["-c", "if !exists('g:typing') | cquit | endif"])
        .stdin(Stdio::null());
    if workspace.join("skill.toml").exists() {
        neovim.arg("skill.toml");
    }
    neovim
}

/// What Neovim said, which must have ended well.
fn outcome(home: &Path, neovim: &mut Command) -> String {
    let output = neovim.output().expect("Neovim runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}\n{complained}\n{}", output.status, log(home));
    said
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    names
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// PATH with the folder of a program in front.
fn path_with(program: &Path) -> OsString {
    let folders = program.parent().map(Path::to_path_buf).into_iter();
    let rest: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    env::join_paths(folders.chain(rest)).expect("a PATH")
}

/// Whether a process is gone within a while of the editor's end.
fn ends(process: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(60);
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
