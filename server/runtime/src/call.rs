//! What a call is, what it may do, and what came of it: the words that the parent, the worker and the faces share.

use serde::{Deserialize, Serialize};
use skillyard_artifact::module::ModuleKind;

pub use crate::{egress::Held, folders::Folder};

/// What a call may use at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Limits {
    /// Units of fuel, about one an instruction (`capabilities.quotas.fuel_budget`).
    pub fuel: u64,
    /// Bytes of all memories and tables together (`capabilities.quotas.max_memory_bytes`).
    pub memory_bytes: u64,
    /// Milliseconds from the start of the call, compilation and host calls included
    /// (`capabilities.quotas.wall_clock_timeout_ms`).
    pub wall_clock_ms: u64,
    /// Bytes of output.
    pub output_bytes: u64,
    /// Bytes of logs.
    pub log_bytes: u64,
    /// Elements of each table.
    pub table_elements: u32,
    /// Instances of core modules.
    pub instances: u32,
    /// Bytes of the guest's stack.
    pub stack_bytes: u32,
}

impl Limits {
    /// The limits that no manifest sets, round the three that it does.
    #[must_use]
    pub const fn of_quotas(fuel: u64, memory_bytes: u64, wall_clock_ms: u64) -> Self {
        Self {
            fuel,
            memory_bytes,
            wall_clock_ms,
            output_bytes: 16 << 20,
            log_bytes: 1 << 20,
            table_elements: 100_000,
            instances: 256,
            stack_bytes: 512 << 10,
        }
    }
}

/// What a call is given, decided before it starts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Given {
    /// Hosts for HTTP, sorted.
    pub http_hosts: Vec<String>,
    /// Names of secrets, each `scope/key`, sorted. Their values stay with the parent until asked for.
    pub secret_keys: Vec<String>,
    /// Roots that may be written, sorted.
    pub storage_prefixes: Vec<String>,
    /// Channels, sorted.
    pub channels: Vec<String>,
    /// Folders, opened before the walls go up.
    pub folders: Vec<Folder>,
    /// What the manifest grants and the policy does not give, by its actions, such as `skill.capability.http.egress`: a
    /// plugin gets no handle of it.
    pub withheld: Vec<String>,
}

/// One call, as the worker gets it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Call {
    /// How the module is called.
    pub kind: ModuleKind,
    /// The tool's id.
    pub tool_id: String,
    /// The export of a [`ModuleKind::PalyraPlugin`].
    pub entry: String,
    /// JSON, already checked against the tool's schema.
    pub input: String,
    /// What it may use.
    pub limits: Limits,
    /// What it is given.
    pub given: Given,
    /// Clocks that stand still and randomness from this seed.
    pub deterministic: Option<u64>,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It gave a result: an output, or an exit code (that of a command is 0).
    Ok,
    /// The tool said that it failed: an exit code of a command that is not 0, or an error from `invoke`.
    ToolError,
    /// The input does not hold to the tool's schema; nothing ran.
    InputInvalid,
    /// The output is no JSON, or does not hold to the tool's schema.
    OutputInvalid,
    /// The policy said no; nothing ran.
    Denied,
    /// The module is none, or uses what is switched off.
    DoesNotCompile,
    /// An import that nobody provides, or of another type.
    DoesNotLink,
    /// The entrypoint is not there, or of another type.
    MissingExport,
    /// It trapped: `unreachable`, an access out of bounds, a division by zero …
    Trapped,
    /// It recursed deeper than its stack.
    StackOverflow,
    /// It used up its fuel.
    FuelExhausted,
    /// It starts with more memory than it may use in all, or ended after more was refused.
    MemoryExceeded,
    /// A table starts with more elements than one may have.
    TableExceeded,
    /// More instances than one call may make.
    InstancesExceeded,
    /// More output than a tool may give.
    OutputTooLarge,
    /// More logs than a tool may write.
    LogTooLarge,
    /// The wall clock ran out, in the guest, in a host call or in the compiler.
    TimedOut,
    /// A person ended it.
    Cancelled,
    /// The worker died without an answer.
    WorkerDied,
}

/// What was used of what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Fuel {
    /// Units used.
    pub used: u64,
    /// Units given.
    pub budget: u64,
}

/// What was used of what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The most bytes that all memories and tables had together.
    pub peak_bytes: u64,
    /// Bytes given.
    pub limit_bytes: u64,
}

/// Where a line of a tool's log came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// The import `log` at its level, or a command's standard error.
    Trace,
    /// See above.
    Debug,
    /// See above.
    Info,
    /// See above.
    Warn,
    /// See above; also the lines of standard error.
    Error,
    /// A command's standard error, of no level.
    Stderr,
}

/// One line that a tool logged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Log {
    /// Where it came from.
    pub level: LogLevel,
    /// The text, without its line end; secrets are masked.
    pub text: String,
}

/// What was decided about a host call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It was done.
    Allowed,
    /// It was refused, and why: what the manifest or the policy would need.
    Denied(String),
    /// It was allowed and failed, and why.
    Failed(String),
}

/// One call of the host by a tool.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HostCall {
    /// What was called, such as `http`, `secret`, `open`, `http-handle`.
    pub name: String,
    /// What with, for a person: `GET https://api.example/x`, a path, a name. Never a secret's value.
    pub arguments: String,
    /// What was decided.
    pub decision: Decision,
    /// Milliseconds since the tool started.
    pub at_ms: f64,
    /// Milliseconds that it took.
    pub took_ms: f64,
}

/// What a worker says of a call that it ran.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// What a daemon 0.1.0 would have called it, of a core module: `ok`, `Compile`, `Linker`, `MissingExport`,
    /// `Execution`, `ExecutionLimitExceeded`, `ExecutionTimedOut`.
    pub daemon_outcome: Option<String>,
    /// Text of what went wrong, for a person: what, how much of how much, which key of the manifest sets it.
    pub error: Option<String>,
    /// What the tool gave: JSON of a tool component, the bytes of standard output as text.
    pub output: Option<String>,
    /// The plugin's result, or a command's exit code.
    pub exit_code: Option<i32>,
    /// Fuel.
    pub fuel: Fuel,
    /// Memory.
    pub memory: Memory,
    /// Milliseconds from instantiation to the end.
    pub ran_ms: f64,
}

/// A request for a granted host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HttpRequest {
    /// The method, as the guest wrote it.
    pub method: String,
    /// The whole URL, as the guest wrote it: whoever decides parses it, once.
    pub url: String,
    /// Headers in the guest's order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// Milliseconds that the guest would wait at most, where it says.
    pub timeout_ms: Option<u64>,
}

/// The answer to a request.
#[derive(Debug)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// Headers, without those that speak of the connection.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, whole.
    pub body: Vec<u8>,
    /// The place that the body takes of what a call may hold.
    pub held: Held,
}

/// Why something that a tool asked for was not given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It may not, and what would let it.
    Denied(String),
    /// It may, and it did not work: a name that does not resolve, a connection refused, an answer too large.
    Failed(String),
    /// It took longer than it may.
    TimedOut(String),
}

/// What a running tool asks of the world behind its walls. The worker's asks its parent.
///
/// Every method may block; the wall clock runs on. Implementations record their own host calls.
pub trait Outside: Send + Sync {
    /// Asks for a URL.
    ///
    /// # Errors
    /// See [`Refusal`].
    fn http(&self, request: HttpRequest) -> Result<HttpResponse, Refusal>;

    /// The value of a secret, by its `scope/key`.
    ///
    /// # Errors
    /// See [`Refusal`].
    fn secret(&self, name: &str) -> Result<String, Refusal>;

    /// A line of the log.
    fn log(&self, log: Log);

    /// A host call that was decided inside the worker (files, handles, refused imports).
    fn host_call(&self, call: HostCall);
}
