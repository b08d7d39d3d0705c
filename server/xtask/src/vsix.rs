//! `cargo xtask vsix`: the packages of the VS Code extension, one for every platform without the program and one for this
//! platform with it, in `target/vsix`.

use std::{env::consts, process::Command};

use crate::{
    error::Error,
    run::{cargo, root, run, target},
    tools::program,
};

/// Builds the program and both packages. Needs Node 20.15 or newer with npm.
pub fn vsix() -> Result<(), Error> {
    let platform = platform().ok_or_else(|| Error::Unexpected {
        place: format!("{} {}", consts::OS, consts::ARCH),
        what: "is no platform that VS Code knows".into(),
    })?;
    run(&mut cargo(&["build", "--release", "--locked", "--bin", "skillyard"]))?;
    let built = program(&target().join("release"), "skillyard");
    let folder = root().join("editors/vscode");
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    run(Command::new(npm).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder))?;
    let package = || {
        let mut command = Command::new("node");
        command.arg("scripts/package.mjs").arg("--out").arg(target().join("vsix")).current_dir(&folder);
        command
    };
    run(&mut package())?;
    run(package().args(["--target", platform, "--binary"]).arg(built))
}

/// What VS Code calls this platform.
fn platform() -> Option<&'static str> {
    Some(match (consts::OS, consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        ("windows", "x86_64") => "win32-x64",
        ("windows", "aarch64") => "win32-arm64",
        _ => return None,
    })
}
