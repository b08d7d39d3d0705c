//! The WebAssembly host: compiles modules, and runs one call of one.
//!
//! It runs inside the worker process. It prints nothing, reads no environment and opens no connection; what a guest asks
//! of the world behind the walls goes through [`Outside`].

mod component;
mod deadline;
mod ending;
mod engine;
mod files;
mod http;
mod limiter;
mod plugin;
mod preview1;
mod sockets;
mod streams;
mod wasi;

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadline::Ticker;
use ending::{Guest, Stop, unstarted};
pub use engine::{Code, CompileError, compile, engine, engine_tag};
pub use plugin::{Handles, handles};
use skillyard_artifact::module::ModuleKind;
use tokio::runtime::Runtime;
use wasmtime::{Engine, Store};

use crate::call::{Call, Finished, Outcome, Outside};

/// After how many units of fuel a guest lets the host's own tasks (requests, timers) go on.
const YIELD: u64 = 100_000;

/// What one call runs on.
struct Session {
    engine: Engine,
    runtime: Runtime,
    deadline: Instant,
}

impl Session {
    /// A store for a guest of `call`, with its quotas in place.
    fn store<T: Guest>(&self, call: &Call, data: T) -> wasmtime::Result<Store<T>> {
        let mut store = Store::try_new(&self.engine, data)?;
        store.limiter(|data| &mut data.base().limiter);
        store.set_fuel(call.limits.fuel)?;
        store.fuel_async_yield_interval(Some(YIELD))?;
        store.epoch_deadline_trap();
        store.set_epoch_deadline(1);
        Ok(store)
    }
}

/// Waits for a step of a guest, up to the deadline of its call: at that a guest that computes traps, and one that waits
/// for the host is dropped. After it no step begins.
fn drive<R>(session: &Session, step: impl Future<Output = wasmtime::Result<R>>) -> wasmtime::Result<R> {
    if Instant::now() >= session.deadline {
        return Err(Stop::TimedOut.into());
    }
    session.runtime.block_on(async {
        match tokio::time::timeout_at(session.deadline.into(), step).await {
            Ok(result) => result,
            Err(_) => Err(Stop::TimedOut.into()),
        }
    })
}

/// Runs one call, and says what became of it. It returns at the latest when `call.limits.wall_clock_ms` are over, counted
/// from now: whoever compiled the module first takes that time off.
///
/// `code` is that of the module that `call.kind` was read from. It blocks its thread and brings a runtime of its own, so it
/// is not for the tasks of another one.
pub fn run(code: Code, call: &Call, outside: Arc<dyn Outside>) -> Finished {
    // A deadline further off than the machine's clock goes is none that anyone waits for: a year.
    let now = Instant::now();
    let deadline = now.checked_add(Duration::from_millis(call.limits.wall_clock_ms));
    let deadline = deadline.unwrap_or_else(|| now + Duration::from_secs(365 * 24 * 3600));
    let engine = match engine(call.limits.stack_bytes) {
        Ok(engine) => engine,
        Err(error) => return unstarted(call, Outcome::DoesNotCompile, error.to_string()),
    };
    // One thread; a second only where a file or the outside is waited for.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let (runtime, ticker) = match (runtime, Ticker::start(&engine, deadline)) {
        (Ok(runtime), Ok(ticker)) => (runtime, ticker),
        _ => return unstarted(call, Outcome::WorkerDied, Stop::NoThread.to_string()),
    };
    let session = Session { engine, runtime, deadline };
    let finished = match call.kind {
        ModuleKind::PalyraPlugin | ModuleKind::Other => match engine::module(&session.engine, code) {
            Ok(module) => plugin::run(&session, &module, call, outside),
            Err(_) if call.kind == ModuleKind::Other => Finished {
                // It compiles core modules only.
                daemon_outcome: Some("Compile".to_owned()),
                ..unstarted(
                    call,
                    Outcome::MissingExport,
                    "the component exports neither `wasi:cli/run` nor `palyra:skill/tool`, so there is nothing to call: \
                     build it as a command of WASI 0.2 or as a tool (schema/wit/skill.wit)"
                        .to_owned(),
                )
            },
            Err(error) => unloadable(call, &error),
        },
        ModuleKind::WasiPreview1Command => match engine::module(&session.engine, code) {
            Ok(module) => preview1::run(&session, &module, call, outside),
            Err(error) => unloadable(call, &error),
        },
        ModuleKind::WasiCommandComponent => match engine::component(&session.engine, code) {
            Ok(component) => component::run_command(&session, &component, call, outside),
            Err(error) => unloadable(call, &error),
        },
        ModuleKind::PalyraToolComponent => match engine::component(&session.engine, code) {
            Ok(component) => component::run_tool(&session, &component, call, outside),
            Err(error) => unloadable(call, &error),
        },
    };
    drop(ticker);
    // A thread that still waits for a file or the outside ends with the process.
    session.runtime.shutdown_background();
    finished
}

/// The answer where compiled code cannot be loaded.
fn unloadable(call: &Call, error: &wasmtime::Error) -> Finished {
    let text =
        format!("the compiled code does not load: {error:#}; remove it from the cache, so that it is made again");
    unstarted(call, Outcome::DoesNotCompile, text)
}
