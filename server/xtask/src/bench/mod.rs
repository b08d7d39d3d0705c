//! `cargo xtask bench`: the analysis, and what else an editor asks, beside other tools that read TOML, on the same files,
//! in one run; and the work on artifacts beside what no reader of one can do without; and whole runs of tools beside the bare engine's.
//!
//! The others get no schema and so know no rule of a skill.toml: they are measured at their lightest.

mod artifact;
mod client;
mod features;
mod guests;
mod inputs;
mod installed;
mod report;
mod runs;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    error::Error,
    run::{cargo, output, root, run, shown, target},
    tools,
};
use client::Server;
use report::{Measured, Report, Times, Typing};

/// Sizes that keystrokes are measured at, in bytes.
const SIZES: [usize; 3] = [2 << 10, 16 << 10, 160 << 10];
/// Keystrokes a size.
const KEYSTROKES: usize = 200;
/// Keystrokes before those, not counted.
const WARM_UP: usize = 20;
/// Starts of each server, and runs of each check.
const REPEATS: usize = 20;
/// Files of a check.
const FILES: usize = 1000;

const TOMBI: &str = "tombi==1.9.6";
const TAPLO_VERSION: &str = "0.10.0";

/// What can be measured.
const PARTS: [&str; 5] = ["analysis", "features", "artifact", "run", "installed"];

/// One that is measured.
struct Contender {
    name: &'static str,
    program: PathBuf,
    serve: &'static [&'static str],
    /// Whether the client says that it can pull diagnostics.
    client_pulls: bool,
    /// What the client answers when it is asked for configuration.
    configuration: Value,
    /// Arguments of a check; the folder comes after them.
    check: &'static [&'static str],
}

/// Measures the named parts, or all; prints the tables and writes the reports. With `keep` also into the tree.
pub fn bench(parts: &[&str], keep: bool) -> Result<(), Error> {
    if let Some(part) = parts.iter().find(|part| !PARTS.contains(part)) {
        return Err(Error::Usage(format!("there is no benchmark `{part}`, only {}", PARTS.join(", "))));
    }
    if parts.is_empty() || parts.contains(&"analysis") {
        analysis(keep)?;
    }
    if parts.is_empty() || parts.contains(&"features") {
        features::bench(keep)?;
    }
    if parts.is_empty() || parts.contains(&"artifact") {
        artifact::bench(keep)?;
    }
    if parts.is_empty() || parts.contains(&"run") {
        runs::bench(keep)?;
    }
    if parts.is_empty() || parts.contains(&"installed") {
        installed::bench(keep)?;
    }
    Ok(())
}

/// Who could not be had here, each with the reason.
type Missing = Vec<(&'static str, String)>;

/// Everybody, and who could not be had.
fn contenders() -> Result<(Vec<Contender>, Missing), Error> {
    run(&mut cargo(&["build", "--release", "--package", "skillyard"]))?;
    let skillyard = tools::program(&target().join("release"), "skillyard");
    let mut contenders = vec![
        Contender {
            name: "skillyard, pulled",
            program: skillyard.clone(),
            serve: &["lsp"],
            client_pulls: true,
            configuration: Value::Null,
            check: &["check"],
        },
        Contender {
            name: "skillyard, pushed",
            program: skillyard,
            serve: &["lsp"],
            client_pulls: false,
            configuration: Value::Null,
            check: &["check"],
        },
    ];
    let mut missing = Vec::new();
    match tools::cargo_install("taplo-cli", TAPLO_VERSION, &["--features", "lsp"]) {
        Ok(program) => contenders.push(Contender {
            name: "taplo",
            program,
            serve: &["lsp", "stdio"],
            client_pulls: false,
            // Otherwise it looks for schemas on the network.
            configuration: json!({ "schema": { "enabled": false } }),
            check: &["lint"],
        }),
        Err(error) => missing.push(("taplo", error.to_string())),
    }
    match tools::venv("tombi", TOMBI) {
        Ok(bin) => contenders.push(Contender {
            name: "tombi",
            program: tools::program(&bin, "tombi"),
            serve: &["lsp", "--offline"],
            client_pulls: false,
            configuration: Value::Null,
            check: &["lint", "--offline", "--quiet"],
        }),
        Err(error) => missing.push(("tombi", error.to_string())),
    }
    Ok((contenders, missing))
}

/// The analysis: everybody in turns.
fn analysis(keep: bool) -> Result<(), Error> {
    let (contenders, missing) = contenders()?;
    let folder = target().join("bench/analysis");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::io(&folder))?;
    }
    let many = folder.join("many");
    for number in 0..FILES {
        write(&many.join(format!("skill-{number:04}/skill.toml")), &inputs::manifest(number, SIZES[0]))?;
    }
    let report = Report { columns: measure(&contenders, &folder)?, missing };
    let table = report.markdown();
    println!("{table}");
    write(&folder.join("results.md"), &table)?;
    write(&folder.join("results.json"), &report.json())?;
    eprintln!("{}", folder.join("results.json").display());
    if keep {
        write(&root().join("tests/bench/analysis.json"), &report.json())?;
        report::into_readme(&root().join("README.md"), "analysis", &table)?;
    }
    Ok(())
}

/// Everything about everybody. They take turns, so that what else the machine does falls on all of them.
fn measure(contenders: &[Contender], folder: &Path) -> Result<Vec<(&'static str, Measured)>, Error> {
    let mut columns = Vec::new();
    for contender in contenders {
        let version = output(Command::new(&contender.program).arg("--version"))?;
        let version = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default().to_owned();
        columns.push((contender.name, Measured { version, check_arguments: contender.check, ..Measured::default() }));
    }
    let empty = folder.join("empty");
    fs::create_dir_all(&empty).map_err(Error::io(&empty))?;
    eprintln!("measuring the starts");
    for _ in 0..REPEATS {
        for (contender, (_, measured)) in contenders.iter().zip(&mut columns) {
            let (server, took) = contender.start(&empty)?;
            measured.resident_at_start = server.resident();
            measured.start.add(took);
            server.stop()?;
        }
    }
    for size in SIZES {
        eprintln!("measuring keystrokes in {} KB", size / 1024);
        let text = inputs::manifest(0, size);
        let path = folder.join(format!("size-{size}")).join("skill.toml");
        write(&path, &text)?;
        for (contender, (_, measured)) in contenders.iter().zip(&mut columns) {
            measured.typing.push(type_into(contender, &path, &text)?);
        }
    }
    eprintln!("measuring the checks");
    for _ in 0..REPEATS {
        for (contender, (_, measured)) in contenders.iter().zip(&mut columns) {
            measured.check.add(check(contender, &folder.join("many"))?);
        }
    }
    Ok(columns)
}

impl Contender {
    /// Its server in a folder, and how long it took to answer.
    fn start(&self, folder: &Path) -> Result<(Server, Duration), Error> {
        let mut command = Command::new(&self.program);
        Server::start(command.args(self.serve), folder, self.client_pulls, &self.configuration)
    }
}

/// One sitting: the keystrokes in one document.
fn type_into(contender: &Contender, path: &Path, text: &str) -> Result<Typing, Error> {
    let place = inputs::typing_place(text)
        .ok_or_else(|| Error::Unexpected { place: path.display().to_string(), what: "no description".into() })?;
    let (mut server, _) = contender.start(path.parent().unwrap_or(path))?;
    let mut document = server.open(path, text)?;
    let mut times = Times::default();
    for (at, letter) in ('a'..='z').cycle().take(WARM_UP + KEYSTROKES).enumerate() {
        let time = server.type_char(&mut document, place + at, letter)?;
        if at >= WARM_UP {
            times.add(time);
        }
    }
    let resident = server.resident();
    let pulled = server.delivery == client::Delivery::Pull;
    server.stop()?;
    Ok(Typing { bytes: text.len(), times, resident, pulled })
}

/// The time of one check of all files, from the start of the process to its end.
fn check(contender: &Contender, folder: &Path) -> Result<Duration, Error> {
    let mut command = Command::new(&contender.program);
    // In the folder, not by its name: what each takes as a path differs, what it finds below its folder does not.
    command.args(contender.check).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let status = command.status().map_err(|source| Error::Start { command: shown(&command), source })?;
    let took = begin.elapsed();
    // The files are good: whoever says otherwise has not done the same work.
    if status.success() { Ok(took) } else { Err(Error::Failed { command: shown(&command), status }) }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::io(folder))?;
    }
    fs::write(path, text).map_err(Error::io(path))
}
