//! *Run Tool*: a tool is called as a daemon would call it, through the full verifier and behind the worker's walls.
//!
//! A folder is packaged in memory; those bytes, or those of an artifact, are verified and audited ([`Packed::ready`]); the
//! policy decides with the approval that a person gave for this one call; the module's bytes that came out of the verified
//! archive are compiled in a child of their own (or their compiled form is taken from the person's own cache), and run in
//! a worker that asks this process for everything outside. There is no shorter way.

mod bare;
mod call;
mod cases;
mod hints;
mod outside;
mod own_policies;
mod packed;
mod places;
mod replay;
mod report;

pub use bare::{BareModule, may_run_module, run_module};
pub use call::{CallError, CallOptions, Engine, UsualInput, WORKER, call, usual_input, usual_input_of};
pub use cases::{CaseReport, TestError, TestReport, test_folder};
pub use own_policies::own_policies;
pub use packed::{AskedSecret, Asking, Held, Packed, Ready, RunError};
pub use places::Owner;
pub use replay::Replay;
pub use report::{About, Handles, Hint, Nothing, RefusedReport, RunReport, SignedBy, Violation};
/// What this program does, and all it does, when it is started with [`WORKER`] as its one argument.
pub use skillyard_runtime::worker::serve as serve_worker;
pub use skillyard_runtime::{
    call::{Decision, Fuel, HostCall, Log, LogLevel, Memory, Outcome},
    walls::Wall,
};
