//! How a call ended, in the words of [`Finished`].

use std::collections::HashMap;
use std::fmt;
use std::time::Instant;

use wasmtime::{AsContext, Store, Trap};

use super::limiter::Limiter;
use crate::call::{Call, Decision, Finished, Fuel, HostCall, Limits, Memory, Outcome, Outside};

/// What every guest's store holds, whatever its kind.
pub(super) struct Base {
    pub(super) limiter: Limiter,
    pub(super) outside: std::sync::Arc<dyn Outside>,
    pub(super) started: Instant,
    /// The paths of what the guest has open, from the top as it sees them, by its own numbers for them.
    opened: HashMap<u32, String>,
    /// The host call that was begun last and is not told yet: what it is called, what with, and when it began.
    under_way: Option<(&'static str, String, f64)>,
}

/// A path of an open folder longer than this is kept as its length alone; one may keep thousands open.
const LONG_PATH: usize = 512;

impl Base {
    pub(super) fn new(call: &Call, outside: std::sync::Arc<dyn Outside>) -> Self {
        Self {
            limiter: Limiter::new(&call.limits),
            outside,
            started: Instant::now(),
            opened: HashMap::new(),
            under_way: None,
        }
    }

    /// The path of what the guest has open as `number`, from the top; nothing of its streams.
    pub(super) fn path_of(&self, number: u32) -> Option<String> {
        self.opened.get(&number).cloned()
    }

    /// A host call that may wait begins: where it never comes back, [`failed`] tells of it. A guest has one at a time.
    pub(super) fn begin(&mut self, name: &'static str, arguments: &str) -> f64 {
        let at_ms = self.at_ms();
        self.under_way = Some((name, arguments.to_owned(), at_ms));
        at_ms
    }

    /// The host call that was begun at `at_ms` is over. Who listens bounds how many are kept, and counts the rest.
    pub(super) fn end(&mut self, name: &str, arguments: String, decision: Decision, at_ms: f64) {
        self.under_way = None;
        let took_ms = self.at_ms() - at_ms;
        self.outside.host_call(HostCall { name: name.to_owned(), arguments, decision, at_ms, took_ms });
    }

    /// `path`, which the guest names from what it has open as `number`, from the top.
    pub(super) fn whole_path(&self, number: u32, path: &str) -> String {
        match self.opened.get(&number) {
            Some(folder) if folder.ends_with('/') => format!("{folder}{path}"),
            Some(folder) => format!("{folder}/{path}"),
            None => path.to_owned(),
        }
    }

    /// What the guest has as `number` from now on is at `path`, from the top.
    pub(super) fn opens(&mut self, number: u32, path: String) {
        let path = if path.len() > LONG_PATH { format!("(a path of {} bytes)", path.len()) } else { path };
        self.opened.insert(number, path);
    }

    /// Nothing is open as `number` any more; what was.
    pub(super) fn closes(&mut self, number: u32) -> Option<String> {
        self.opened.remove(&number)
    }

    /// Milliseconds since the tool started.
    pub(super) fn at_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1e3
    }
}

/// A store's data: it has a [`Base`].
pub(super) trait Guest: 'static + Send {
    fn base(&mut self) -> &mut Base;
    fn base_ref(&self) -> &Base;
}

/// Why the host ends a guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// It wrote more output than it may, in bytes.
    OutputTooLarge { allowed: u64 },
    /// It wrote more logs than it may, in bytes.
    LogTooLarge { allowed: u64 },
    /// It still ran at its deadline.
    TimedOut,
    /// The host could not start.
    NoThread,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutputTooLarge { allowed } => write!(
                f,
                "the output is over {allowed} bytes, the most that a tool may give; no key of the manifest raises that, so \
                 give less or write it to a file below a write root"
            ),
            Self::LogTooLarge { allowed } => write!(
                f,
                "the log is over {allowed} bytes, the most that a tool may write; no key of the manifest raises that, so \
                 log less"
            ),
            Self::TimedOut => f.write_str("the wall clock ran out"),
            Self::NoThread => {
                f.write_str("the machine gave no thread for the wall clock; end other programs and call again")
            }
        }
    }
}

impl std::error::Error for Stop {}

/// At which step a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// While imports were matched, before anything of the guest ran.
    Link,
    /// While it was instantiated, its start function run.
    Instantiate,
    /// While it was called.
    Run,
}

/// A call that ended before anything ran.
pub(super) fn unstarted(call: &Call, outcome: Outcome, error: String) -> Finished {
    let daemon = match outcome {
        Outcome::DoesNotCompile => Some("Compile"),
        Outcome::MissingExport => Some("MissingExport"),
        _ => None,
    };
    Finished {
        outcome,
        daemon_outcome: daemon.map(str::to_owned),
        error: Some(error),
        output: None,
        exit_code: None,
        fuel: Fuel { used: 0, budget: call.limits.fuel },
        memory: Memory { peak_bytes: 0, limit_bytes: call.limits.memory_bytes },
        ran_ms: 0.0,
    }
}

/// What `store` used up to now, of a call that ended well.
pub(super) fn finished<T: Guest>(store: &Store<T>, call: &Call, outcome: Outcome) -> Finished {
    let base = store.data().base_ref();
    let left = store.as_context().get_fuel().unwrap_or(0);
    Finished {
        outcome,
        daemon_outcome: None,
        error: None,
        output: None,
        exit_code: None,
        fuel: Fuel { used: call.limits.fuel.saturating_sub(left), budget: call.limits.fuel },
        memory: base.limiter.memory(),
        ran_ms: base.at_ms(),
    }
}

/// What became of a call that ended in `error`.
pub(super) fn failed<T: Guest>(store: &Store<T>, call: &Call, step: Step, error: &wasmtime::Error) -> Finished {
    let base = store.data().base_ref();
    if let Some((name, arguments, at_ms)) = &base.under_way {
        let decision = Decision::Failed("still under way when the call ended".to_owned());
        let (name, arguments, at_ms) = ((*name).to_owned(), arguments.clone(), *at_ms);
        base.outside.host_call(HostCall { name, arguments, decision, at_ms, took_ms: base.at_ms() - at_ms });
    }
    let limiter = &base.limiter;
    let trap = error.downcast_ref::<Trap>().copied();
    let stop = error.downcast_ref::<Stop>().copied();
    let limits = &call.limits;
    let (outcome, text) = match (stop, trap) {
        (Some(stop), _) => match stop {
            Stop::OutputTooLarge { .. } => (Outcome::OutputTooLarge, stop.to_string()),
            Stop::LogTooLarge { .. } => (Outcome::LogTooLarge, stop.to_string()),
            Stop::TimedOut => (Outcome::TimedOut, timed_out(limits)),
            Stop::NoThread => (Outcome::WorkerDied, stop.to_string()),
        },
        (None, Some(Trap::OutOfFuel)) => (
            Outcome::FuelExhausted,
            format!(
                "the fuel ran out: all {} units are used; `capabilities.quotas.fuel_budget` sets how many there are",
                limits.fuel
            ),
        ),
        (None, Some(Trap::Interrupt)) => (Outcome::TimedOut, timed_out(limits)),
        (None, Some(Trap::StackOverflow)) => (
            Outcome::StackOverflow,
            format!(
                "the guest recursed deeper than its stack of {} bytes; no key of the manifest raises that, so recurse less",
                limits.stack_bytes
            ),
        ),
        (None, Some(trap)) => match limiter.refused_memory {
            Some(wanted) => {
                (Outcome::MemoryExceeded, format!("{}, and then it trapped: {trap}", memory(limits, wanted)))
            }
            None => (Outcome::Trapped, trapped(step, error)),
        },
        (None, None) => unlimited(limiter, limits, step, error),
    };
    Finished {
        error: Some(text),
        daemon_outcome: daemon(step, outcome, trap, limiter.stricter).map(str::to_owned),
        ..finished(store, call, outcome)
    }
}

/// What an error is that is neither a trap nor a stop of ours.
fn unlimited(limiter: &Limiter, limits: &Limits, step: Step, error: &wasmtime::Error) -> (Outcome, String) {
    let root = error.root_cause().to_string();
    if root.starts_with("resource limit exceeded: instance count") {
        return (
            Outcome::InstancesExceeded,
            format!(
                "it makes more than {} instances of core modules, the most for one call; no key of the manifest raises that",
                limits.instances
            ),
        );
    }
    if let (true, Some(wanted)) = (step == Step::Instantiate, limiter.refused_memory) {
        return (Outcome::MemoryExceeded, memory(limits, wanted));
    }
    if let (true, Some(wanted)) = (step == Step::Instantiate, limiter.refused_table) {
        return (
            Outcome::TableExceeded,
            format!(
                "a table wants {wanted} elements where {} are allowed; no key of the manifest raises that",
                limits.table_elements
            ),
        );
    }
    if root.starts_with("resource limit exceeded: memory count") {
        return (Outcome::MemoryExceeded, format!("it has too many memories: {root}"));
    }
    if root.starts_with("resource limit exceeded: table count") {
        return (Outcome::TableExceeded, format!("it has too many tables: {root}"));
    }
    match step {
        Step::Link => (
            Outcome::DoesNotLink,
            format!(
                "an import is not provided: {error:#}; `skillyard audit` lists the imports and what would grant each"
            ),
        ),
        Step::Instantiate | Step::Run => (Outcome::Trapped, trapped(step, error)),
    }
}

fn timed_out(limits: &Limits) -> String {
    format!(
        "it still ran after {} ms; `capabilities.quotas.wall_clock_timeout_ms` sets how long it may",
        limits.wall_clock_ms
    )
}

fn memory(limits: &Limits, wanted: u64) -> String {
    format!(
        "all memories and tables together would be {wanted} bytes where {} are allowed; \
         `capabilities.quotas.max_memory_bytes` sets how many",
        limits.memory_bytes
    )
}

fn trapped(step: Step, error: &wasmtime::Error) -> String {
    let place = if step == Step::Instantiate { "while it was instantiated" } else { "while it ran" };
    // The innermost error names the trap; the others hold a backtrace, which says where.
    format!("the tool trapped {place}: {}", error.root_cause())
}

/// What a daemon 0.1.0 calls it; `None` where it would have gone another way.
fn daemon(step: Step, outcome: Outcome, trap: Option<Trap>, stricter: bool) -> Option<&'static str> {
    if stricter {
        return None;
    }
    match outcome {
        Outcome::FuelExhausted | Outcome::TableExceeded => Some("ExecutionLimitExceeded"),
        // A trap after a refused growth is a trap to it.
        Outcome::MemoryExceeded if trap.is_none() => Some("ExecutionLimitExceeded"),
        Outcome::TimedOut => Some("ExecutionTimedOut"),
        Outcome::DoesNotLink => Some("Linker"),
        // Whatever else fails while it instantiates is a matter of linking to it.
        Outcome::Trapped | Outcome::StackOverflow | Outcome::MemoryExceeded => {
            Some(if step == Step::Run { "Execution" } else { "Linker" })
        }
        _ => None,
    }
}
