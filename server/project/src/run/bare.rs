//! A bare module, without a skill: called as a daemon 0.1.0 calls it, with grants that the arguments name.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;
use skillyard_artifact::{
    Progress,
    module::{ModuleKind, scan},
};
use skillyard_manifest::Grants;
use skillyard_runtime::{
    call::{Call, Given, Limits, Outcome},
    json,
    secrets::Values,
};

use super::{
    call::{CallError, Engine, Job, bare_world, finish, trimmed},
    packed::RunError,
    report::{RunReport, SignedBy, Violation},
};
use crate::{home::Home, standing};

/// A module and what it is given.
#[derive(Clone, PartialEq, Debug)]
pub struct BareModule {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it is called in the report.
    pub name: String,
    /// The export of a plugin.
    pub entry: String,
    /// Units of fuel.
    pub fuel: u64,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Milliseconds.
    pub timeout_ms: u64,
    /// Hosts.
    pub http_hosts: Vec<String>,
    /// Secrets.
    pub secrets: Vec<String>,
    /// Folders.
    pub storage: Vec<String>,
    /// Channels.
    pub channels: Vec<String>,
    /// The input of a command or a tool component: JSON.
    pub input: String,
    /// Clocks that stand still, and this seed.
    pub deterministic: Option<u64>,
}

impl BareModule {
    /// Fuel where nothing else is said: a manifest's default.
    pub const FUEL: u64 = 10_000_000;
    /// Memory where nothing else is said: a manifest's default.
    pub const MEMORY_BYTES: u64 = 64 << 20;
    /// Time where nothing else is said: a manifest's default.
    pub const TIMEOUT_MS: u64 = 30_000;
    /// The largest module that is read, in bytes.
    pub const MAX_BYTES: usize = 64 << 20;
}

/// Says whether the module at `path` may be run by itself. One that belongs to an installed skill only where that may.
///
/// # Errors
/// [`RunError::Standing`] where it may not.
pub fn may_run_module(path: &Path, home: &Home, now_unix_ms: u64, progress: &dyn Progress) -> Result<(), RunError> {
    Ok(standing::check_path(home, path, now_unix_ms, progress)?)
}

/// As a daemon keeps a list of grants: trimmed, without empty ones, sorted, without repeats.
fn granted(list: &[String]) -> Vec<String> {
    let set: BTreeSet<&str> = list.iter().map(|item| item.trim()).filter(|item| !item.is_empty()).collect();
    set.into_iter().map(str::to_owned).collect()
}

/// Calls the module. It gets the handles of its grants; what they stand for (hosts, secrets, folders) only a skill has.
///
/// # Errors
/// If the worker or the cache cannot be used.
pub fn run_module(module: &BareModule, engine: Engine, progress: &dyn Progress) -> Result<RunReport, CallError> {
    let began = Instant::now();
    let limits = Limits::of_quotas(module.fuel, module.memory_bytes, module.timeout_ms);
    let deadline = began + Duration::from_millis(module.timeout_ms.min(MAX_WAIT_MS));
    let scanned = scan(&module.bytes, progress).map_err(|_| CallError::Cancelled)?;
    let kind = match scanned.kind(&module.entry) {
        // A core module of no kind is called as a plugin: the verdict on it is then a daemon's.
        ModuleKind::Other if !scanned.component => ModuleKind::PalyraPlugin,
        kind => kind,
    };
    let grants = Grants {
        http_hosts: granted(&module.http_hosts),
        secret_keys: granted(&module.secrets),
        storage_prefixes: granted(&module.storage),
        channels: granted(&module.channels),
    };
    let mut report = RunReport {
        skill_id: None,
        version: None,
        tool_id: None,
        input: Value::Null,
        ..RunReport::of_nothing(kind, module.name.clone(), grants.clone(), limits, SignedBy::Nobody)
    };
    let any = Value::Bool(true);
    if let Err(wrong) = json::check_input(&any, &module.input, progress).map_err(|_| CallError::Cancelled)? {
        let why = wrong.first().map_or("no JSON", |violation| violation.message.as_str());
        report.outcome = Outcome::InputInvalid;
        report.error = Some(format!("the input is {why}; nothing ran"));
        report.violations = Violation::all("input", &wrong, &Values::default().mask());
        return Ok(report);
    }
    let call = Call {
        kind,
        tool_id: module.name.clone(),
        entry: module.entry.clone(),
        input: trimmed(&module.input).to_owned(),
        limits,
        given: Given {
            http_hosts: grants.http_hosts.clone(),
            secret_keys: grants.secret_keys.clone(),
            storage_prefixes: grants.storage_prefixes.clone(),
            channels: grants.channels.clone(),
            folders: Vec::new(),
            withheld: Vec::new(),
        },
        deterministic: module.deterministic,
    };
    let world = bare_world(began, deadline);
    let done = engine.run(Job { code: &module.bytes, call: &call, began, deadline }, world, progress)?;
    finish(&mut report, done, None, progress);
    report.error = report.error.map(|error| in_flags(&error));
    Ok(report)
}

/// An error that names a flag where it names the manifest's key: there is no manifest.
fn in_flags(error: &str) -> String {
    const FLAGS: [(&str, &str); 5] = [
        ("capabilities.quotas.fuel_budget", "--fuel"),
        ("capabilities.quotas.max_memory_bytes", "--memory"),
        ("capabilities.quotas.wall_clock_timeout_ms", "--timeout-ms"),
        ("operator.plugin.default_entrypoint", "--entry"),
        ("no key of the manifest", "no flag"),
    ];
    FLAGS.iter().fold(error.to_owned(), |error, (key, flag)| error.replace(key, flag))
}

/// A longer wall clock than a year is none.
pub(super) const MAX_WAIT_MS: u64 = 365 * 24 * 3600 * 1000;
