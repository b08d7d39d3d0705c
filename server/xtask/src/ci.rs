//! `cargo xtask ci`: everything that has to hold before a change lands.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::Error,
    generate,
    run::{cargo, root, run, shown},
    suite, tools,
};

/// Every check. The tests come last: what they say is then the last that is read.
pub fn ci() -> Result<(), Error> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    deny()?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    generate::generate(true)?;
    suite::test(&[])
}

/// How long the advisory database may take to fetch. It is small; a machine that is cut off waits for this once.
const FETCH: Duration = Duration::from_secs(60);

/// What cargo-deny says about the dependencies. Licences, bans and sources need no network. The advisories need a
/// database that is not everywhere to be had: then that is said, and nothing is claimed.
fn deny() -> Result<(), Error> {
    let program = tools::cargo_deny()?;
    let deny = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.current_dir(root()).args(["--workspace", "--locked", "--log-level", "warn"]).args(args);
        command
    };
    run(&mut deny(&["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))?;
    let mut fetch = deny(&["fetch", "db"]);
    if ends_well(&mut fetch, FETCH)? {
        return run(&mut deny(&["check", "--hide-inclusion-graph", "--disable-fetch", "advisories"]));
    }
    eprintln!("NOT CHECKED: advisories. The RustSec database could not be fetched from here (`{}`).", shown(&fetch));
    Ok(())
}

/// Whether a command succeeds within a time; it is ended where it does not.
fn ends_well(command: &mut Command, limit: Duration) -> Result<bool, Error> {
    let text = shown(command);
    let start = |source| Error::Start { command: text.clone(), source };
    let mut child: Child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(start)?;
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().map_err(start)? {
            return Ok(status.success());
        }
        thread::sleep(Duration::from_millis(100));
    }
    child.kill().and_then(|()| child.wait()).map_err(start)?;
    Ok(false)
}
