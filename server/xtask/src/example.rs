//! `cargo xtask example`: Skillyard's main job on the bundled example, a step after another, as an author would type it.
//!
//! Keys, trust store and caches lie below `target/example`; nothing of the person's own is read or written.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::Error,
    run::{cargo, root, run, target},
};

/// The example, in the repository.
pub const SKILL: &str = "tests/fixtures/greeter";

/// Builds the program, copies the example and takes it from the check to the run.
pub fn example() -> Result<(), Error> {
    run(&mut cargo(&["build", "--release", "--locked", "--bin", "skillyard"]))?;
    let work = target().join("example");
    if work.exists() {
        fs::remove_dir_all(&work).map_err(Error::io(&work))?;
    }
    let skill = work.join("greeter");
    copy(&root().join(SKILL), &skill)?;
    let program = target().join("release").join(format!("skillyard{}", std::env::consts::EXE_SUFFIX));
    for step in steps() {
        let mut command = Command::new(&program);
        command.current_dir(&skill).args(step);
        command.env("SKILLYARD_HOME", work.join("home")).env("SKILLYARD_NO_CREDENTIAL_STORE", "1");
        eprintln!();
        run(&mut command)?;
    }
    Ok(())
}

/// The commands, in their order.
pub fn steps() -> [&'static [&'static str]; 8] {
    const ARTIFACT: &str = "dist/acme.greeter-0.1.0.palyra-skill";
    [
        &["check"],
        &["keygen"],
        &["package"],
        &["verify", "--pin", ARTIFACT],
        &["audit", ARTIFACT],
        &["run", "acme.greeter.greet", "--input", "{\"name\": \"Ada\"}"],
        &["run", "--skill", ARTIFACT, "--input", "{\"name\": \"Grace\"}", "--trace"],
        &["test"],
    ]
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::io(to))?;
    for entry in fs::read_dir(from).map_err(Error::io(from))? {
        let path: PathBuf = entry.map_err(Error::io(from))?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}
