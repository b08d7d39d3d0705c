//! The work on artifacts: packaging, verifying and auditing them, in the process and by the program, beside the floor:
//! what inflating and hashing the same bytes once takes in the same run.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::{Value, json};

use super::{
    guests,
    report::{self, Times, digits},
    write,
};
use crate::{
    error::Error,
    run::{cargo, output, root, run, shown, target},
    tools,
};

/// Runs of the program on each artifact.
const REPEATS: usize = 20;

/// Something that was measured.
struct Row {
    name: String,
    /// The content that it is about.
    bytes: u64,
    times: Value,
    /// What inflating and hashing that content takes.
    floor: Value,
}

/// Builds the modules, measures, prints the table and writes the report. With `keep` also into the tree.
pub fn bench(keep: bool) -> Result<(), Error> {
    let guests = guests::build()?;
    let folder = target().join("bench/artifact");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::io(&folder))?;
    }
    // The same profile as the program's.
    let bench = ["bench", "--package", "skillyard-artifact", "--bench", "artifact", "--"];
    run(cargo(&bench).arg(&guests.folder).arg(&folder))?;
    let path = folder.join("figures.json");
    let text = fs::read(&path).map_err(Error::io(&path))?;
    let figures: Value = serde_json::from_slice(&text).map_err(|error| unexpected(&path, error.to_string()))?;
    let mut rows = Vec::new();
    for case in list(&figures, "cases", &path)? {
        rows.push(Row {
            name: case["name"].as_str().unwrap_or_default().to_owned(),
            bytes: case["bytes"].as_u64().unwrap_or_default(),
            times: case["times"].clone(),
            floor: case["floor"].clone(),
        });
    }
    let mut missing = guests.missing;
    if let Some(program) = program()? {
        rows.extend(by_program(&program, &figures, &folder)?);
    } else {
        missing.push(("`skillyard verify`", "the program has no such command".into()));
    }
    let table = markdown(&rows, &missing);
    println!("{table}");
    write(&folder.join("results.md"), &table)?;
    write(&folder.join("results.json"), &json(&rows, &missing))?;
    eprintln!("{}", folder.join("results.json").display());
    if keep {
        write(&root().join("tests/bench/artifact.json"), &json(&rows, &missing))?;
        report::into_readme(&root().join("README.md"), "artifact", &table)?;
    }
    Ok(())
}

/// The program, where it works on artifacts.
fn program() -> Result<Option<std::path::PathBuf>, Error> {
    run(&mut cargo(&["build", "--release", "--package", "skillyard"]))?;
    let program = tools::program(&target().join("release"), "skillyard");
    let help = output(Command::new(&program).args(["verify", "--help"]))?;
    Ok(help.status.success().then_some(program))
}

/// The program on each packaged artifact, from the start of the process to its end. They take turns.
fn by_program(program: &Path, figures: &Value, folder: &Path) -> Result<Vec<Row>, Error> {
    let path = folder.join("figures.json");
    let trusted = figures["trusted"].as_str().ok_or_else(|| unexpected(&path, "no `trusted`".into()))?;
    let artifacts = list(figures, "artifacts", &path)?;
    let mut times: Vec<Times> = artifacts.iter().map(|_| Times::default()).collect();
    for _ in 0..REPEATS {
        for (artifact, times) in artifacts.iter().zip(&mut times) {
            let file = artifact["file"].as_str().unwrap_or_default();
            let mut command = Command::new(program);
            // A store that is not there: what the person trusts is none of this.
            let trust = ["--trust-store", "trust.json", "--trusted-publisher", trusted];
            command.args(["verify", file]).args(trust).current_dir(folder);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let begin = Instant::now();
            let status = command.status().map_err(|source| Error::Start { command: shown(&command), source })?;
            times.add(begin.elapsed());
            if !status.success() {
                return Err(Error::Failed { command: shown(&command), status });
            }
        }
    }
    let rows = artifacts.iter().zip(times).map(|(artifact, times)| Row {
        name: format!("`skillyard verify`, {}", artifact["size"].as_str().unwrap_or_default()),
        bytes: artifact["bytes"].as_u64().unwrap_or_default(),
        times: times.json(),
        floor: artifact["floor"].clone(),
    });
    Ok(rows.collect())
}

/// The table, with what it was measured on.
fn markdown(rows: &[Row], missing: &[(&'static str, String)]) -> String {
    let mut out = String::from("| median / 95th percentile | ms | MB/s | inflate and hash, ms | times that |\n");
    out.push_str("| --- | --- | --- | --- | --- |\n");
    for row in rows {
        let (time, floor) = (milliseconds(&row.times, "p50_ms"), milliseconds(&row.floor, "p50_ms"));
        let _ = writeln!(
            out,
            "| {} | {} / {} | {} | {} / {} | {} |",
            row.name,
            digits(time),
            digits(milliseconds(&row.times, "p95_ms")),
            digits(row.bytes as f64 / 1e3 / time),
            digits(floor),
            digits(milliseconds(&row.floor, "p95_ms")),
            digits(time / floor),
        );
    }
    let _ = write!(out, "\n{}.", report::machine());
    for (name, why) in missing {
        let _ = write!(out, " Missing: {name} ({}).", why.lines().next().unwrap_or_default());
    }
    out.push('\n');
    out
}

/// The same for programs.
fn json(rows: &[Row], missing: &[(&'static str, String)]) -> String {
    let measured: Vec<Value> = rows
        .iter()
        .map(|row| json!({ "name": row.name, "bytes": row.bytes, "times": row.times, "floor": row.floor }))
        .collect();
    let missing: Vec<Value> = missing.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
    let report = json!({ "schema_version": 1, "machine": report::machine(), "measured": measured, "missing": missing });
    format!("{report:#}\n")
}

fn milliseconds(times: &Value, rank: &str) -> f64 {
    times[rank].as_f64().unwrap_or(f64::NAN)
}

fn list<'a>(figures: &'a Value, key: &str, path: &Path) -> Result<&'a Vec<Value>, Error> {
    figures[key].as_array().ok_or_else(|| unexpected(path, format!("no list `{key}`")))
}

fn unexpected(path: &Path, what: String) -> Error {
    Error::Unexpected { place: path.display().to_string(), what }
}
