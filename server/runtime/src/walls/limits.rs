//! Resource limits of a worker: the last of three clocks, and what it may write and open.
//!
//! None bounds the number of processes: the system counts those of the whole user. None bounds a running worker's
//! address space: each linear memory reserves 4 GiB of it and touches what it uses. What is counted instead is data,
//! private memory that may be written to, and to which a reserved page belongs only once the guest may touch it.

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{Plan, Role, Wall, WallError, WallName};

/// What the wall holds.
pub(super) const DETAIL: &str = if cfg!(target_os = "linux") {
    "processor time, data, locked memory, open files, size of files"
} else {
    "processor time, open files, size of files"
};

/// Bytes of data that a worker has round its guest: buffers of requests, stacks, the allocator's slack.
const AROUND: u64 = 512 << 20;
/// Bytes of data of a compiler before it sees a module.
const COMPILER: u64 = 512 << 20;
/// Bytes of data of a compiler for each byte of a module. Many small functions were seen to need 25 (a module of 12 MB:
/// 300 MB), one function that keeps every value alive 240.
const COMPILER_EACH: u64 = 256;
/// Bytes of the largest file of a tool that may write.
const WRITTEN: u64 = 1 << 30;
/// Bytes of the largest file of any other: the engine puts a module's initial memory in one that has no name.
const UNNAMED: u64 = 64 << 20;

/// Each limit of `plan`, in the units of `setrlimit`.
fn limits(plan: &Plan<'_>) -> Vec<(Resource, u64)> {
    let seconds = |ms: u64| ms.div_ceil(1000);
    let mut limits = match plan.role {
        Role::Run { limits, .. } => vec![
            (Resource::Nofile, 256),
            (Resource::Fsize, if plan.folders.iter().any(|folder| folder.writable) { WRITTEN } else { UNNAMED }),
            // One thread runs the guest; the others wait.
            (Resource::Cpu, seconds(limits.wall_clock_ms).saturating_add(2)),
        ],
        Role::Compile { wall_clock_ms, .. } => {
            let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
            vec![
                (Resource::Nofile, 64),
                (Resource::Fsize, 0),
                (Resource::Cpu, seconds(wall_clock_ms).saturating_mul(threads).saturating_add(2)),
            ]
        }
    };
    #[cfg(target_os = "linux")]
    {
        let data = match plan.role {
            // Code is held as it came and as it is run; output is gathered, made text and sent.
            Role::Run { limits, code_bytes } => [
                limits.memory_bytes,
                code_bytes.saturating_mul(3),
                limits.output_bytes.saturating_mul(6),
                limits.log_bytes.saturating_mul(6),
                AROUND,
            ]
            .into_iter()
            .fold(0, u64::saturating_add),
            Role::Compile { module_bytes, .. } => module_bytes.saturating_mul(COMPILER_EACH).saturating_add(COMPILER),
        };
        limits.extend([(Resource::Data, data), (Resource::Memlock, 0)]);
        if let Role::Compile { .. } = plan.role {
            // It has no memories to reserve for, but an allocator that reserves some for each thread.
            limits.push((Resource::As, data.saturating_add(8 << 30)));
        }
    }
    limits
}

/// Sets them, for good.
pub(super) fn set(plan: &Plan<'_>) -> Result<Wall, WallError> {
    for (resource, most) in limits(plan) {
        // Never more than this process was left with.
        let old = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let most = most.min(old);
        // At the first processor limit comes a signal that says so, a second later the end.
        let maximum = if resource == Resource::Cpu { most.saturating_add(1).min(old) } else { most };
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(maximum) })
            .map_err(|error| WallError { wall: WallName::Limits, why: format!("{resource:?}: {error}") })?;
    }
    Ok(WallName::Limits.stands(DETAIL))
}
