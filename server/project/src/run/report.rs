//! What is said of a call when it has ended: one report for the terminal, for programs and for editors.

use serde::Serialize;
use serde_json::Value;
use skillyard_artifact::{module::ModuleKind, trust::TrustDecision};
use skillyard_manifest::{Grants, Options, Severity, elsewhere::Elsewhere, locate};
use skillyard_runtime::{
    call::{Fuel, HostCall, Limits, Log, Memory, Outcome},
    json,
    policy::Decision,
    secrets::Mask,
    walls::Wall,
};

use super::packed::RunError;
use crate::findings::reported;

/// A call, from the bytes that were verified to what the tool gave. It only grows.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RunReport {
    /// The skill's id; `None` for a bare module.
    pub skill_id: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The tool.
    pub tool_id: Option<String>,
    /// How its module is called.
    pub kind: ModuleKind,
    /// The module, as an entry of the artifact.
    pub module: String,
    /// Whether a daemon 0.1.0 runs modules of this kind.
    pub daemon_runs: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong, for a person.
    pub error: Option<String>,
    /// The stable name of why the artifact was refused, which this one was not: see [`RefusedReport`].
    pub error_kind: Nothing,
    /// What was found in an artifact that was refused.
    pub findings: [Value; 0],
    /// What the tool gave. Text where it is no JSON.
    pub output: Option<Value>,
    /// The same to the letter, where `output` does not keep all digits of a number.
    pub output_text: Option<String>,
    /// A plugin's result or a command's exit code.
    pub exit_code: Option<i32>,
    /// What it logged, secrets masked.
    pub logs: Vec<Log>,
    /// Milliseconds from the start of the call to its end, compilation included.
    pub duration_ms: f64,
    /// Milliseconds in which the tool itself ran.
    pub ran_ms: f64,
    /// Milliseconds of compilation; `None` where a compiled module was in the cache.
    pub compile_ms: Option<f64>,
    /// Milliseconds that the call may take.
    pub wall_clock_ms: u64,
    /// Fuel.
    pub fuel: Fuel,
    /// Memory.
    pub memory: Memory,
    /// What it asked of the host, in the order in which it was answered.
    pub host_calls: Vec<HostCall>,
    /// How many more host calls there were than are listed.
    pub unrecorded_host_calls: u64,
    /// What the manifest grants.
    pub grants: Grants,
    /// Who decided what; `None` for a bare module, about which there is no policy.
    pub policy: Option<Decision>,
    /// How the publisher is trusted; `None` where a throw-away key signed, which nobody trusts or need trust.
    pub trust_decision: Option<TrustDecision>,
    /// Who signed the bytes that were verified and run.
    pub signed_by: SignedBy,
    /// The folder on this machine in which the skill's roots lie; `None` where it was given none, or a case's own.
    pub storage: Option<String>,
    /// The walls round the worker.
    pub walls: Vec<Wall>,
    /// The input that it was called with.
    pub input: Value,
    /// Where the input or the output does not hold to its schema.
    pub violations: Vec<Violation>,
    /// What a daemon 0.1.0 would say of this core module.
    pub daemon_outcome: Option<String>,
    /// The handles of what a plugin is given.
    pub handles: Handles,
    /// Requests that a case lists and the tool never made.
    pub unasked: Vec<String>,
    /// What a person may want to change in the manifest now.
    pub hints: Vec<Hint>,
}

/// Who signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedBy {
    /// The publisher: an artifact was run.
    Publisher,
    /// The author's key: a folder was packaged with it.
    Author,
    /// A key made for this call and forgotten: a folder was packaged for it.
    ThrowAway,
    /// Nobody: a bare module.
    Nobody,
}

/// Where a value does not hold to its schema.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Violation {
    /// `input` or `output`.
    pub of: &'static str,
    /// The JSON pointer of the value.
    pub pointer: String,
    /// The keyword of the schema that it breaks.
    pub keyword: String,
    /// The JSON pointer of that keyword in the schema.
    pub schema_pointer: String,
    /// For a person.
    pub message: String,
}

/// The numbers that a daemon hands to a plugin for its grants; none of what the policy does not give.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Handles {
    /// Hosts.
    pub http: Vec<i32>,
    /// Secrets.
    pub secret: Vec<i32>,
    /// Folders.
    pub storage: Vec<i32>,
    /// Channels.
    pub channel: Vec<i32>,
}

/// A thing of the manifest that the call showed in another light.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Hint {
    /// The rule that it is told by.
    pub code: &'static str,
    /// The manifest's key, dotted.
    pub key: String,
    /// The element of a list that it is about, a secret as `scope/key`; the tool's id, behind `entrypoints.tools`.
    pub value: Option<String>,
    /// For a person.
    pub message: String,
    /// The number that counted for the call, of a quota.
    pub limit: Option<u64>,
    /// The number that would do better, of a quota.
    pub advised: Option<u64>,
}

/// What bytes say that they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// The skill's id.
    pub skill_id: String,
    /// Its version.
    pub version: String,
    /// Who signed.
    pub signed_by: SignedBy,
}

/// What has no value in a report.
pub type Nothing = Option<()>;

/// The report of what was refused before any call, be it the artifact, the audit, an administrator or what is installed:
/// the fields of a [`RunReport`], of which none is left out.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct RefusedReport {
    skill_id: Option<String>,
    version: Option<String>,
    tool_id: Option<String>,
    kind: Nothing,
    module: Nothing,
    daemon_runs: Nothing,
    outcome: Nothing,
    error: String,
    error_kind: Option<String>,
    findings: Vec<Value>,
    output: Nothing,
    output_text: Nothing,
    exit_code: Nothing,
    logs: [Log; 0],
    duration_ms: Nothing,
    ran_ms: Nothing,
    compile_ms: Nothing,
    wall_clock_ms: Nothing,
    fuel: Nothing,
    memory: Nothing,
    host_calls: [HostCall; 0],
    unrecorded_host_calls: u64,
    grants: Nothing,
    policy: Nothing,
    trust_decision: Nothing,
    signed_by: Option<SignedBy>,
    storage: Nothing,
    walls: [Wall; 0],
    input: Nothing,
    violations: [Violation; 0],
    daemon_outcome: Nothing,
    handles: Nothing,
    unasked: [String; 0],
    hints: [Hint; 0],
}

impl RefusedReport {
    /// The report of `error`, where that refuses a skill; `tool` is what was asked for.
    #[must_use]
    pub fn of(error: &RunError, tool: Option<&str>) -> Option<Self> {
        if !error.refuses() {
            return None;
        }
        let about = error.about();
        Some(Self {
            skill_id: about.map(|about| about.skill_id.clone()),
            version: about.map(|about| about.version.clone()),
            tool_id: tool.map(str::to_owned),
            error: error.to_string(),
            error_kind: error.kind(),
            findings: error.findings().iter().map(reported).collect(),
            signed_by: about.map(|about| about.signed_by),
            ..Self::default()
        })
    }
}

impl Violation {
    /// What was found wrong with the input or the output: a name in it, which a pointer tells, may be a secret.
    pub(super) fn all(of: &'static str, found: &[json::Violation], mask: &Mask) -> Vec<Self> {
        let one = |found: &json::Violation| {
            let found = found.masked(&|text| mask.text(text));
            Self {
                of,
                pointer: found.instance_pointer,
                keyword: found.keyword,
                schema_pointer: found.schema_pointer,
                message: found.message,
            }
        };
        found.iter().map(one).collect()
    }
}

impl RunReport {
    /// Takes out the hints that an author has switched off, by `options` or by a comment in `manifest` at the key that a
    /// hint is about.
    pub fn keep_wanted_hints(&mut self, manifest: &str, options: &Options) {
        let places = locate::places(manifest, self.hints.iter().map(|hint| Some(&*hint.key)));
        let elsewhere = Elsewhere::new(manifest, options);
        let mut places = places.into_iter();
        self.hints
            .retain(|hint| elsewhere.severity(hint.code, Severity::Hint, places.next().unwrap_or_default()).is_some());
    }

    /// The report of a call that has not begun.
    pub(super) fn of_nothing(
        kind: ModuleKind,
        module: String,
        grants: Grants,
        limits: Limits,
        signed_by: SignedBy,
    ) -> Self {
        Self {
            skill_id: None,
            version: None,
            tool_id: None,
            kind,
            module,
            daemon_runs: kind == ModuleKind::PalyraPlugin,
            outcome: Outcome::WorkerDied,
            error: None,
            error_kind: None,
            findings: [],
            output: None,
            output_text: None,
            exit_code: None,
            logs: Vec::new(),
            duration_ms: 0.0,
            ran_ms: 0.0,
            compile_ms: None,
            wall_clock_ms: limits.wall_clock_ms,
            fuel: Fuel { used: 0, budget: limits.fuel },
            memory: Memory { peak_bytes: 0, limit_bytes: limits.memory_bytes },
            host_calls: Vec::new(),
            unrecorded_host_calls: 0,
            grants,
            policy: None,
            trust_decision: None,
            signed_by,
            storage: None,
            walls: Vec::new(),
            input: Value::Null,
            violations: Vec::new(),
            daemon_outcome: None,
            handles: Handles::default(),
            unasked: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Whether it was denied, and a person's approval is all that it lacks.
    #[must_use]
    pub fn lacks_approval(&self) -> bool {
        self.outcome == Outcome::Denied && self.policy.as_ref().is_some_and(Decision::lacks_approval)
    }

    /// Whether the tool gave what it should.
    #[must_use]
    pub fn fine(&self) -> bool {
        self.outcome == Outcome::Ok
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;

    #[test]
    fn a_refusal_has_every_field_of_a_report() {
        let limits = Limits::of_quotas(1, 2, 3);
        let called = RunReport::of_nothing(
            ModuleKind::PalyraPlugin,
            "modules/a.wasm".to_owned(),
            Grants { http_hosts: vec![], secret_keys: vec![], storage_prefixes: vec![], channels: vec![] },
            limits,
            SignedBy::Publisher,
        );
        let keys = |report: Value| report.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let refused = serde_json::to_value(RefusedReport::default()).unwrap();
        assert_eq!(keys(refused), keys(serde_json::to_value(called).unwrap()));
    }
}
