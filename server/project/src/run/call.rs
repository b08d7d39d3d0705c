//! One call of a tool: input checked, policy asked, module compiled or found compiled, run, output checked.

use std::{
    ffi::OsString,
    fmt, io,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use skillyard_artifact::{Cancelled, Progress};
use skillyard_manifest::model::Tool;
use skillyard_runtime::{
    call::{Call, Given, Outcome},
    egress::{Allow, Broker},
    host, json,
    policy::{AllowLists, Approvals, CallId, CallRequest, Policies, PolicyError, SkillState},
    secrets::{Mask, Values},
    worker::{self, Cancel, CodeSource, CompileFailure, Failure, Program, Ran, Refused, Starting},
};
use skillyard_store::{
    compiled::{CacheKey, CompiledCache},
    inputs::InputError,
    secrets::{Secret, SecretError, SecretName, SecretSource},
};
use zeroize::Zeroizing;

use super::{
    bare::MAX_WAIT_MS,
    hints,
    outside::{Seen, World},
    own_policies::OwnPolicies,
    packed::Ready,
    places::{self, Owner, PlaceError},
    replay::{Exchanges, Replay},
    report::{Handles, RunReport, Violation},
};
use crate::{files::ReadError, home::Home};

/// How often a call that runs says so and looks whether it is to end.
const PACE: Duration = Duration::from_millis(20);

/// What the policy gives or not: requests to hosts.
pub(super) const NETWORK: &str = "skill.capability.http.egress";
/// The same: folders to write in.
pub(super) const FILES: &str = "skill.capability.filesystem.write";
/// The same: values of secrets.
pub(super) const SECRETS: &str = "skill.capability.vault.read";

/// Why there is no report.
#[derive(Debug)]
pub enum CallError {
    /// The program does not find itself.
    Program(io::Error),
    /// The person's policy file cannot be read.
    Read(ReadError),
    /// The person's policies are not in order.
    Policy(PolicyError),
    /// A folder of the skill's own cannot be given.
    Place(PlaceError),
    /// The store of secrets cannot be read.
    Secret(SecretError),
    /// The worker or the compiler could not do its work.
    Worker(Failure),
    /// It was ended before it ran.
    Cancelled,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(error) => write!(f, "this program cannot be started as a worker: {error}"),
            Self::Read(error) => error.fmt(f),
            // It names the file, and the line where it can.
            Self::Policy(error) => error.fmt(f),
            Self::Place(error) => error.fmt(f),
            Self::Secret(error) => error.fmt(f),
            Self::Worker(failure) => failure.fmt(f),
            Self::Cancelled => f.write_str("cancelled; nothing ran"),
        }
    }
}

impl std::error::Error for CallError {}

/// What runs calls: a worker that is being started already, and the cache of compiled modules.
#[derive(Debug)]
pub struct Engine {
    program: Program,
    starting: Starting,
    cache: Option<CompiledCache>,
    /// The bundled policies, read meanwhile; nothing where the system gave no thread.
    policies: Option<JoinHandle<Result<Policies, PolicyError>>>,
}

/// The argument that makes this program a worker.
pub const WORKER: &str = "worker";

impl Engine {
    /// Starts this very program as a worker; do what else has to be done while it comes up. Compiled modules are kept in
    /// the person's cache where `cached`.
    ///
    /// # Errors
    /// If the system does not say which program this is.
    pub fn of_this_program(home: &Home, cached: bool) -> Result<Self, CallError> {
        let program = Program::this([WORKER]).map_err(CallError::Program)?;
        let starting = worker::spawn(&program);
        // A cache that cannot be used costs time and nothing else; `doctor` says why.
        let cache = cached.then(|| home.compiled().ok()).flatten();
        let read = || Policies::load(&[]);
        let policies = thread::Builder::new().name("skillyard-policy".to_owned()).spawn(read).ok();
        Ok(Self { program, starting, cache, policies })
    }

    /// The policies: the bundled ones, with the person's `own` on top.
    fn policies(&mut self, own: &OwnPolicies) -> Result<Policies, PolicyError> {
        let own = own.files();
        match self.policies.take() {
            Some(read) if own.is_empty() => read.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            _ => Policies::load(&own),
        }
    }

    /// Compiles the module, unless it is in the cache, and runs the call.
    pub(super) fn run(self, job: Job<'_>, world: Arc<World>, progress: &dyn Progress) -> Result<Done, CallError> {
        let Self { program, starting, cache, policies: _ } = self;
        let cancel = Cancel::new();
        let limit = job.call.limits.wall_clock_ms;
        while_told(progress, limit, &cancel, || {
            let key = CacheKey { module_sha256: Sha256::digest(job.code).into(), engine: host::engine_tag() };
            let mut compile_ms = None;
            let mut fresh = None;
            let mut compile = || {
                let began = Instant::now();
                let code = worker::compile(&program, job.code.to_vec(), job.deadline, &cancel).map(Arc::new);
                compile_ms = Some(began.elapsed().as_secs_f64() * 1000.0);
                fresh = code.as_ref().ok().map(Arc::clone);
                code.map(CodeSource::Bytes)
            };
            let mut damaged = false;
            let run =
                |starting: Starting, code| starting.run(code, job.call, Arc::clone(&world) as _, job.deadline, &cancel);
            let result = match cache.as_ref().and_then(|cache| Some((cache, cache.lookup(&key)?))) {
                Some((_, entry)) => {
                    let ran = run(starting, CodeSource::file(&entry.path, entry.digest));
                    if matches!(ran.failure, Some(Failure::Refused(Refused::CacheFile(_)))) {
                        // An entry that was damaged since it was sealed goes, and the module is compiled again.
                        damaged = true;
                        compile().map(|code| run(worker::spawn(&program), code))
                    } else {
                        Ok(ran)
                    }
                }
                None => compile().map(|code| run(starting, code)),
            };
            let seen = world.end();
            let duration_ms = job.began.elapsed().as_secs_f64() * 1000.0;
            // Only now: what another process does in the cache is not the call's time. What cannot be kept costs the next
            // call its compilation, this one nothing.
            if let Some(cache) = &cache {
                let goes_on = || !cancel.is_cancelled();
                let _ = match &fresh {
                    Some(code) => cache.insert(&key, code, &goes_on).map(drop),
                    None if damaged => cache.discard(&key, &goes_on),
                    None => Ok(()),
                };
            }
            let host::Handles { http, secret, storage, channel } = host::handles(&job.call.given);
            let handles = Handles { http, secret, storage, channel };
            Ok(Done { seen, world, result, handles, compile_ms, duration_ms })
        })
    }
}

/// What is run.
pub(super) struct Job<'j> {
    pub(super) code: &'j [u8],
    pub(super) call: &'j Call,
    pub(super) began: Instant,
    pub(super) deadline: Instant,
}

/// What came of it.
pub(super) struct Done {
    seen: Seen,
    world: Arc<World>,
    result: Result<Ran, CompileFailure>,
    handles: Handles,
    compile_ms: Option<f64>,
    duration_ms: f64,
}

/// Does `work` while another thread tells `progress` that it runs, and turns the switch when that says to end.
fn while_told<T>(
    progress: &dyn Progress,
    limit_ms: u64,
    cancel: &Cancel,
    work: impl FnOnce() -> Result<T, CallError> + Send,
) -> Result<T, CallError>
where
    T: Send,
{
    /// Says that the work is over, however it went.
    struct Over<'o>(&'o (Mutex<bool>, Condvar));
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.0.1.notify_all();
        }
    }
    let over = (Mutex::new(false), Condvar::new());
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let _over = Over(&over);
            work()
        });
        let began = Instant::now();
        let mut done = over.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*done {
            (done, _) = over.1.wait_timeout(done, PACE).unwrap_or_else(PoisonError::into_inner);
            let ran = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            if !*done && progress.at("running", ran.min(limit_ms), limit_ms).is_err() {
                cancel.cancel();
            }
        }
        drop(done);
        // A panic is the caller's to report, as any other.
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What a person says about a call.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CallOptions {
    /// The input: JSON.
    pub input: String,
    /// Whether a person approved this call, having seen [`Ready::asking`].
    pub approved: bool,
    /// Policies of the person's own for this call, on top of those in their home.
    pub policy_file: Option<PathBuf>,
    /// Whether allowed hosts may be on this machine.
    pub allow_loopback: bool,
    /// Clocks that stand still, and this seed.
    pub deterministic: Option<u64>,
    /// Whether the input is not to be remembered.
    pub forget_input: bool,
    /// A world that is written down, in place of the network, the person's secrets and the skill's storage.
    pub replay: Option<Replay>,
}

/// Calls a tool. `lookup` gives the values of environment variables, where secrets may be.
///
/// # Errors
/// If there is no report: the call could not be made. What the policy, the schemas, the walls or the tool itself say
/// against it is in the report.
pub fn call(
    ready: &Ready<'_>,
    mut engine: Engine,
    home: &Home,
    options: &CallOptions,
    lookup: &dyn Fn(&str) -> Option<OsString>,
    progress: &dyn Progress,
) -> Result<RunReport, CallError> {
    let began = Instant::now();
    let limits = ready.limits();
    let deadline = began + Duration::from_millis(limits.wall_clock_ms.min(MAX_WAIT_MS));
    let (manifest, tool) = (ready.manifest(), ready.tool());
    let owner = ready.owner.name(&manifest.skill_id);
    let mut report = RunReport {
        skill_id: Some(manifest.skill_id.clone()),
        version: Some(manifest.version.clone()),
        tool_id: Some(tool.id.clone()),
        trust_decision: ready.trust_decision(),
        ..RunReport::of_nothing(ready.kind, ready.module.clone(), ready.grants.clone(), limits, ready.signed_by)
    };
    let ends = |mut report: RunReport, outcome, error: String| {
        report.outcome = outcome;
        report.error = Some(error);
        report.duration_ms = began.elapsed().as_secs_f64() * 1000.0;
        Ok(report)
    };
    let names = &ready.grants.secret_keys;
    let known = |given| match &options.replay {
        None => Secrets::of(names, given, home, lookup),
        Some(replay) => Ok(Secrets::replayed(names, given, replay)),
    };
    // The input, before anything is started for it.
    let checked = json::check_input(&tool.input_schema, &options.input, progress);
    let input = match checked.map_err(|_| CallError::Cancelled)? {
        // The text that was checked: a value made of it does not keep every digit.
        Ok(_) => trimmed(&options.input).to_owned(),
        Err(violations) => {
            report.violations = Violation::all("input", &violations, &known(false)?.mask);
            let error = match violations.iter().find(|violation| violation.keyword == "json") {
                Some(violation) => format!("the input is {}; nothing ran", violation.message),
                None => format!("the input does not hold to the input_schema of {}; nothing ran", tool.id),
            };
            return ends(report, Outcome::InputInvalid, error);
        }
    };
    // The policy.
    let own = OwnPolicies::read(home, options.policy_file.as_deref())?;
    let policies = engine.policies(&own).map_err(CallError::Policy)?;
    let id = CallId {
        skill_id: manifest.skill_id.clone(),
        version: manifest.version.clone(),
        payload_sha256: hex(&ready.payload_sha256()),
        tool_id: tool.id.clone(),
    };
    let mut approvals = Approvals::none(id.clone());
    if options.approved {
        ready.to_approve().for_each(|binding| approvals.approve(binding));
    }
    let request = CallRequest {
        call: &id,
        publisher: &manifest.publisher,
        skill_state: SkillState::Active,
        bindings: &ready.bindings,
        allow: &AllowLists::only(&manifest.skill_id, &tool.id),
    };
    let decision = policies.decide(&request, approvals);
    let allowed = decision.allowed();
    let [http, files, vault] = [NETWORK, FILES, SECRETS].map(|action| decision.gives(action));
    let why = format!("the policy does not allow the call: {}", decision.hints.join("; "));
    report.policy = Some(decision);
    let Secrets { values, mask, missing, unseen } = known(allowed && vault)?;
    let masked = mask.json(&input);
    let holds_secret = unseen || masked != input;
    report.input = serde_json::from_str(&masked).unwrap_or(Value::Null);
    if !allowed {
        return ends(report, Outcome::Denied, why);
    }
    // What it is given.
    let exchanges = options.replay.as_ref().map(|replay| Exchanges::new(&replay.http));
    let network = if http {
        let allow = Allow {
            hosts: ready.grants.http_hosts.clone(),
            allow_loopback: options.allow_loopback,
            ..Allow::default()
        };
        Ok(match &exchanges {
            None => Broker::new(&allow),
            Some(exchanges) => Broker::replayed(&allow, Box::new(exchanges.clone())),
        })
    } else if ready.grants.http_hosts.is_empty() {
        Err("the manifest grants no host; add it to capabilities.http_egress_allowlist".to_owned())
    } else {
        Err("the policy does not give skill.capability.http.egress for this call".to_owned())
    };
    let filesystem = &manifest.capabilities.filesystem;
    let writes: &[String] = if files { &filesystem.write_roots } else { &[] };
    let storage = match &options.replay {
        None => places::storage(&home.paths().storage, &owner),
        Some(replay) => replay.storage.clone(),
    };
    let folders = places::folders(&storage, &filesystem.read_roots, writes).map_err(CallError::Place)?;
    if !folders.is_empty() && options.replay.is_none() {
        report.storage = Some(storage.display().to_string());
    }
    let call = Call {
        kind: ready.kind,
        tool_id: tool.id.clone(),
        entry: ready.entry.clone(),
        input,
        limits,
        given: Given {
            http_hosts: ready.grants.http_hosts.clone(),
            secret_keys: ready.grants.secret_keys.clone(),
            storage_prefixes: ready.grants.storage_prefixes.clone(),
            channels: ready.grants.channels.clone(),
            folders,
            withheld: [(http, NETWORK), (files, FILES), (vault, SECRETS)]
                .into_iter()
                .filter(|(given, _)| !given)
                .map(|(_, action)| action.to_owned())
                .collect(),
        },
        deterministic: options.deterministic,
    };
    let Some(code) = ready.code() else {
        return ends(report, Outcome::DoesNotCompile, format!("{} is not in the artifact", ready.module));
    };
    let seen = Mutex::default();
    let world = World { network, exchanges, secrets: values, missing, mask, started: began, deadline, seen };
    let done = engine.run(Job { code: &code, call: &call, began, deadline }, Arc::new(world), progress)?;
    finish(&mut report, done, Some(&tool.output_schema), progress);
    if !options.forget_input {
        // Not being remembered takes nothing from the call.
        let _ = remember(home, &owner, &tool.id, &call.input, holds_secret);
    }
    report.hints = hints::of(&ready.grants, &filesystem.read_roots, &report);
    Ok(report)
}

/// A text of JSON without the white space around it.
pub(super) fn trimmed(json: &str) -> &str {
    json.trim_matches([' ', '\t', '\n', '\r'])
}

/// Remembers an input, unless it is the last one already: writing waits for the disk.
fn remember(home: &Home, owner: &str, tool_id: &str, input: &str, holds_secret: bool) -> Result<(), InputError> {
    let inputs = home.inputs();
    if inputs.recall(owner, tool_id)?.as_deref() != Some(input) {
        inputs.remember(owner, tool_id, input, holds_secret)?;
    }
    Ok(())
}

/// The secrets that a manifest names.
struct Secrets {
    /// Those that the call is given.
    values: Values,
    /// Hides those that it is not given too: a person may have typed one into the input.
    mask: Mask,
    /// The names without a value for the call, each with the reason.
    missing: Vec<(String, String)>,
    /// Whether there may be one that the mask does not know.
    unseen: bool,
}

const NOT_GIVEN: &str = "the policy does not give skill.capability.vault.read for this call";

impl Secrets {
    /// The person's own. Fails only where they are `given`; where they are not, nobody is asked for one.
    fn of(
        names: &[String],
        given: bool,
        home: &Home,
        lookup: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, CallError> {
        let store = home.secrets();
        let mut values = Values::default();
        let mut missing = Vec::new();
        let mut unseen = false;
        for name in names {
            let known = match name.parse::<SecretName>() {
                Ok(known) => known,
                Err(error) => {
                    missing.push((name.clone(), error.to_string()));
                    continue;
                }
            };
            let mut lacks = |why: String| missing.push((known.to_string(), why));
            let found = if given {
                store.find(&known, lookup).map_err(CallError::Secret)?
            } else {
                match store.source(&known, lookup) {
                    Ok(None) => None,
                    Ok(Some(SecretSource::CredentialStore)) | Err(_) => {
                        unseen = true;
                        None
                    }
                    Ok(Some(_)) => store.find(&known, lookup).unwrap_or_else(|_| {
                        unseen = true;
                        None
                    }),
                }
            };
            let Some(Secret { value, .. }) = found else {
                let variable = known.variable();
                lacks(format!("it has no value here: `skillyard secret set {known}`, or the variable {variable}"));
                continue;
            };
            let taken = match std::str::from_utf8(&value) {
                Ok(value) => values
                    .insert(known.to_string(), Zeroizing::new(value.to_owned()))
                    .map_err(|error| error.to_string()),
                Err(_) => Err("its value is not text".to_owned()),
            };
            if let Err(why) = taken {
                unseen = true;
                lacks(why);
            }
        }
        Ok(Self::told(names, given, values, missing, unseen))
    }

    /// The made-up ones of a case.
    fn replayed(names: &[String], given: bool, replay: &Replay) -> Self {
        let mut values = Values::default();
        let mut missing = Vec::new();
        for name in names {
            let taken = match replay.secrets.get(name) {
                None => Err("the case gives it no value".to_owned()),
                Some(value) => values.insert(name.clone(), value.0.clone()).map_err(|error| error.to_string()),
            };
            missing.extend(taken.err().map(|why| (name.clone(), why)));
        }
        Self::told(names, given, values, missing, false)
    }

    fn told(names: &[String], given: bool, values: Values, missing: Vec<(String, String)>, unseen: bool) -> Self {
        let mask = values.mask();
        if given {
            return Self { values, mask, missing, unseen };
        }
        let missing = names.iter().map(|name| (name.clone(), NOT_GIVEN.to_owned())).collect();
        Self { values: Values::default(), mask, missing, unseen }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The world of a bare module: nothing.
pub(super) fn bare_world(started: Instant, deadline: Instant) -> Arc<World> {
    let secrets = Values::default();
    let mask = secrets.mask();
    let network = Err("a bare module reaches no host; run it in a skill".to_owned());
    let (missing, seen) = (Vec::new(), Mutex::default());
    Arc::new(World { network, exchanges: None, secrets, missing, mask, started, deadline, seen })
}

/// Puts into the report what came of the call; the output is held against `schema`.
pub(super) fn finish(report: &mut RunReport, done: Done, schema: Option<&Value>, progress: &dyn Progress) {
    let Done { seen, world, result, handles, compile_ms, duration_ms } = done;
    if let Some(exchanges) = &world.exchanges {
        report.unasked = exchanges.unasked();
    }
    report.compile_ms = compile_ms;
    report.duration_ms = duration_ms;
    // A secret may stand in two lines, so they are masked together.
    let mut lines = world.mask.lines();
    report.logs = seen.logs.into_iter().flat_map(|log| lines.push(log)).collect();
    report.logs.extend(lines.finish());
    report.host_calls = seen.calls;
    report.unrecorded_host_calls = seen.unrecorded;
    let ran = match result {
        Ok(ran) => ran,
        Err(failure) => {
            report.error = Some(match &failure {
                CompileFailure::TimedOut => format!(
                    "{failure}: it may take {} ms (`capabilities.quotas.wall_clock_timeout_ms`), compilation included",
                    report.wall_clock_ms
                ),
                failure => failure.to_string(),
            });
            (report.outcome, report.daemon_outcome) = match &failure {
                CompileFailure::DoesNotCompile(_) => (Outcome::DoesNotCompile, Some("Compile".to_owned())),
                CompileFailure::TimedOut => (Outcome::TimedOut, None),
                CompileFailure::Cancelled => (Outcome::Cancelled, None),
                CompileFailure::Worker(_) => (Outcome::WorkerDied, None),
            };
            return;
        }
    };
    report.unrecorded_host_calls += ran.unrecorded;
    let finished = ran.finished;
    report.walls = ran.walls;
    report.outcome = finished.outcome;
    report.error = finished.error.map(|error| world.mask.text(&error));
    report.exit_code = finished.exit_code;
    report.fuel = finished.fuel;
    report.memory = finished.memory;
    report.ran_ms = finished.ran_ms;
    report.daemon_outcome = finished.daemon_outcome;
    report.handles = handles;
    let is_plugin = report.kind == skillyard_artifact::module::ModuleKind::PalyraPlugin;
    if let Some(values) = finished.output.as_deref().and_then(json::too_many) {
        // Nothing is built of it: values take many times the memory that their text does.
        let error =
            format!("the output has {values} JSON values and keys, of {} that a tool may give", json::MAX_VALUES);
        if report.outcome == Outcome::Ok {
            report.outcome = Outcome::OutputTooLarge;
        }
        report.error = Some(report.error.take().map_or_else(|| error.clone(), |first| format!("{first}; {error}")));
        return;
    }
    let output = match (finished.output, is_plugin, report.exit_code) {
        (Some(output), ..) => Some(output),
        // What a plugin gives is its number.
        (None, true, Some(code)) if report.outcome == Outcome::Ok => {
            Some(serde_json::json!({ "exit_code": code }).to_string())
        }
        _ => None,
    };
    let Some(output) = output else { return };
    let exact = json::unkept(&output).map(|_| world.mask.json(&output));
    let checked = match schema {
        // The result of a plugin is no JSON that an author could shape.
        Some(schema) if report.outcome == Outcome::Ok && !is_plugin => json::check(schema, &output, progress),
        _ => Ok(serde_json::from_str(&output).map_err(|_| Vec::new())),
    };
    match checked {
        // There is nothing to hide in it.
        Ok(Ok(value)) if world.mask.is_empty() => {
            report.output = Some(value);
            report.output_text = exact;
            return;
        }
        Ok(Ok(value)) => drop(value),
        Err(Cancelled) => {
            report.outcome = Outcome::Cancelled;
            report.error = Some("cancelled while the output was held against the tool's output_schema".to_owned());
        }
        Ok(Err(violations)) => {
            report.violations = Violation::all("output", &violations, &world.mask);
            if schema.is_some() && report.outcome == Outcome::Ok {
                report.outcome = Outcome::OutputInvalid;
                report.error = Some("the output does not hold to the tool's output_schema".to_owned());
            }
        }
    }
    let shown = masked(&world.mask, &output);
    // Text that is no JSON is there as it is.
    report.output_text = exact.filter(|_| !shown.is_string());
    report.output = Some(shown);
}

/// What a tool gave, as it is shown: without secrets, text where it is no JSON.
fn masked(mask: &Mask, output: &str) -> Value {
    let hidden = mask.json(output);
    let Ok(value) = serde_json::from_str::<Value>(&hidden) else { return Value::String(hidden) };
    // A number is shown in other digits than the tool's own, and may be a secret only in them.
    let shown = value.to_string();
    drop(value);
    serde_json::from_str(&mask.json(&shown)).unwrap_or(Value::Null)
}

/// What a tool would be called with where nobody says.
#[derive(Clone, PartialEq, Debug)]
pub struct UsualInput {
    /// The input.
    pub value: Value,
    /// Whether it is that of the last call, and not an example made from the schema.
    pub remembered: bool,
}

/// The input of the last call where the tool's schema still takes it, else an example that its schema takes; where
/// `progress` ends it, anything.
#[must_use]
pub fn usual_input(ready: &Ready<'_>, home: &Home, progress: &dyn Progress) -> UsualInput {
    usual_input_of(&ready.owner, &ready.manifest().skill_id, ready.tool(), home, progress)
}

/// The same for a tool of which nothing is packaged.
#[must_use]
pub fn usual_input_of(owner: &Owner, skill_id: &str, tool: &Tool, home: &Home, progress: &dyn Progress) -> UsualInput {
    let last = home.inputs().recall(&owner.name(skill_id), &tool.id).ok().flatten();
    let checked = last.and_then(|last| json::check(&tool.input_schema, &last, progress).ok());
    if let Some(Ok(value)) = checked {
        return UsualInput { value, remembered: true };
    }
    UsualInput { value: json::example(&tool.input_schema, progress).value, remembered: false }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_that_becomes_a_secret_when_it_is_shown_is_hidden() {
        let mut values = Values::default();
        values.insert("a/b", Zeroizing::new("12345678".to_owned())).unwrap();
        let mask = values.mask();
        for output in ["1.2345678e7", "12345678", "1234567.8E+1", "123456780e-1"] {
            assert!(!masked(&mask, output).to_string().contains("12345678"), "{output}");
            let list = masked(&mask, &format!("[{output}, 7, \"x\"]"));
            assert_eq!(list.as_array().unwrap()[1..], [json!(7), json!("x")]);
            assert!(!list.to_string().contains("12345678"), "{output}");
        }
        assert_eq!(masked(&mask, "no JSON 12345678"), json!("no JSON ***"));
    }
}
