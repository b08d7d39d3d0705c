//! Installed skills: listing ten thousand, and installing one more beside them and beside none, in turns.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::{Value, json};

use super::{
    report::{self, Times, digits},
    write,
};
use crate::{
    error::Error,
    run::{cargo, output, root, run, shown, target},
    tools,
};

/// How many are installed.
const MANY: usize = 10_000;
/// Runs of each command.
const REPEATS: usize = 40;
/// The key of 32 bytes 0x11, and its public half.
const KEY: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const PUBLIC: &str = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737";

/// Somebody's home, and the artifact that is installed there.
struct Home<'p> {
    program: &'p Path,
    folder: PathBuf,
    artifact: PathBuf,
    skill_id: String,
    trusted: String,
}

impl Home<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.args(arguments).env("SKILLYARD_HOME", &self.folder).env("SKILLYARD_NO_CREDENTIAL_STORE", "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn timed(&self, arguments: &[&str], times: &mut Times) -> Result<(), Error> {
        let mut command = self.command(arguments);
        let begin = Instant::now();
        let status = command.status().map_err(|source| Error::Start { command: shown(&command), source })?;
        times.add(begin.elapsed());
        if status.success() { Ok(()) } else { Err(Error::Failed { command: shown(&command), status }) }
    }

    fn install(&self, times: &mut Times) -> Result<(), Error> {
        let artifact = self.artifact.to_string_lossy();
        self.timed(&["install", &artifact, "--trusted-publisher", &self.trusted], times)
    }

    fn remove(&self, times: &mut Times) -> Result<(), Error> {
        self.timed(&["remove", &self.skill_id], times)
    }

    /// As a daemon would have installed them: the first change takes them over and seals them.
    fn fill(&self) -> Result<(), Error> {
        let skills = self.folder.join("palyra/skills");
        let entries: Vec<Value> = (0..MANY).map(entry).collect();
        for entry in &entries {
            let (id, version) = (entry["skill_id"].as_str().unwrap_or_default(), "1.0.0");
            let mut facts = entry.clone();
            facts["schema_version"] = 1.into();
            write(&skills.join(id).join(version).join("install-metadata.json"), &facts.to_string())?;
            write(&skills.join(id).join("current"), "1.0.0\n")?;
        }
        let index = json!({ "schema_version": 1, "updated_at_unix_ms": 1_700_000_000_000_i64, "entries": entries });
        write(&skills.join("installed-index.json"), &index.to_string())
    }
}

fn entry(number: usize) -> Value {
    json!({
        "skill_id": format!("publisher{}.skill-{number:05}", number % 97),
        "version": "1.0.0",
        "publisher": format!("publisher{}", number % 97),
        "current": true,
        "installed_at_unix_ms": 1_700_000_000_000_i64,
        "artifact_sha256": format!("{number:064x}"),
        "payload_sha256": format!("{:064x}", number + MANY),
        "signature_key_id": "ed25519:0011223344556677",
        "trust_decision": "allowlisted",
        "source": { "kind": "file", "reference": format!("/srv/skills/publisher{}.skill-{number:05}-1.0.0.palyra-skill", number % 97) },
        "missing_secrets": [],
    })
}

/// Measures, prints the table and writes the report. With `keep` also into the tree.
pub fn bench(keep: bool) -> Result<(), Error> {
    run(&mut cargo(&["build", "--release", "--package", "skillyard"]))?;
    let program = tools::program(&target().join("release"), "skillyard");
    measure(&program, keep)
}

fn measure(program: &Path, keep: bool) -> Result<(), Error> {
    let folder = target().join("bench/installed");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::io(&folder))?;
    }
    let (key, artifact) = (folder.join("key"), folder.join("greeter.palyra-skill"));
    write(&key, KEY)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).map_err(Error::io(&key))?;
    }
    let mut package = Command::new(program);
    package.arg("package").arg(root().join("tests/fixtures/greeter")).arg("--key").arg(&key).arg("-o").arg(&artifact);
    let made = output(package.args(["--format", "json"]).env("SKILLYARD_HOME", folder.join("packager")))?;
    let made: Value = serde_json::from_slice(&made.stdout)
        .map_err(|_| Error::Failed { command: shown(&package), status: made.status })?;
    let text = |key: &str| made[key].as_str().unwrap_or_default().to_owned();
    let home = |name: &str| Home {
        program,
        folder: folder.join(name),
        artifact: artifact.clone(),
        skill_id: text("skill_id"),
        trusted: format!("{}={PUBLIC}", text("publisher")),
    };
    let (none, many) = (home("none"), home("many"));
    many.fill()?;
    let mut warm_up = Times::default();
    for home in [&none, &many] {
        home.install(&mut warm_up)?;
        home.remove(&mut warm_up)?;
    }
    let names = ["`list` of 10,000", "`install` beside none", "`install` beside 10,000", "`remove` beside 10,000"];
    let mut times: [Times; 4] = std::array::from_fn(|_| Times::default());
    for _ in 0..REPEATS {
        let [list, beside_none, beside_many, remove] = &mut times;
        many.timed(&["list"], list)?;
        none.install(beside_none)?;
        many.install(beside_many)?;
        none.remove(&mut warm_up)?;
        many.remove(remove)?;
    }
    let rows: Vec<(&str, Value)> = names.into_iter().zip(times.iter().map(Times::json)).collect();
    let table = markdown(&rows);
    println!("{table}");
    let measured: Vec<Value> = rows.iter().map(|(name, times)| json!({ "name": name, "times": times })).collect();
    let report = json!({ "schema_version": 1, "machine": report::machine(), "measured": measured });
    let report = format!("{report:#}\n");
    write(&folder.join("results.json"), &report)?;
    if keep {
        write(&root().join("tests/bench/installed.json"), &report)?;
        report::into_readme(&root().join("README.md"), "installed", &table)?;
    }
    Ok(())
}

fn markdown(rows: &[(&str, Value)]) -> String {
    let mut out = String::from("| median / 95th percentile | ms |\n| --- | --- |\n");
    let figure = |times: &Value, key: &str| digits(times[key].as_f64().unwrap_or_default());
    for (name, times) in rows {
        let _ = writeln!(out, "| {name} | {} / {} |", figure(times, "p50_ms"), figure(times, "p95_ms"));
    }
    let _ = writeln!(out, "\n{}.", report::machine());
    out
}
