//! What a tool of WASI is given: its input, its folders, clocks and randomness. No environment, no sockets.

use std::sync::Arc;
use std::time::Duration;

use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{Deterministic, FsPerms, HostMonotonicClock, HostWallClock, WasiCtxBuilder};

use super::streams::{Lines, Logs, Output, Stream};
use crate::call::{Call, Finished, LogLevel, Outcome, Outside};

/// The first of a command's arguments, its program name.
const PROGRAM: &str = "tool";
/// Where a clock that stands still stands: 2000-01-01T00:00:00Z, in seconds since 1970.
const STANDS_AT: u64 = 946_684_800;
/// How many bytes of a deterministic call's randomness there are before they come again.
const RANDOM_BYTES: usize = 64 << 10;
/// How many things (files, streams, requests) a guest may have open; each costs the host some memory.
pub(super) const OPEN: usize = 16 << 10;

/// A call's streams.
pub(super) struct Streams {
    pub(super) logs: Logs,
    output: Output,
    stdout: Lines,
    stderr: Lines,
}

/// The streams and the rest of what a call is given.
///
/// # Errors
/// What is wrong with a folder.
pub(super) fn context(call: &Call, outside: Arc<dyn Outside>) -> Result<(WasiCtxBuilder, Streams), String> {
    let logs = Logs::new(outside, call.limits.log_bytes);
    let streams = Streams {
        output: Output::new(call.limits.output_bytes),
        stdout: Lines::new(logs.clone(), LogLevel::Info),
        stderr: Lines::new(logs.clone(), LogLevel::Stderr),
        logs,
    };
    let mut context = WasiCtxBuilder::new();
    context.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false).stderr(Stream(streams.stderr.clone()));
    if let Some(seed) = call.deterministic {
        let random = |purpose: &str| {
            let mut bytes = vec![0; RANDOM_BYTES];
            blake3::Hasher::new_derive_key(purpose).update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
            Deterministic::new(bytes)
        };
        context
            .secure_random(random("skillyard runtime secure random v1"))
            .insecure_random(random("skillyard runtime insecure random v1"))
            .insecure_random_seed(u128::from(seed))
            .wall_clock(Still)
            .monotonic_clock(Still);
    }
    for folder in &call.given.folders {
        let perms = if folder.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        let opened = folder.as_path(|path| context.preopened_dir(path, &folder.guest, perms).map(drop));
        opened
            .map_err(|error| error.to_string())
            .and_then(|opened| opened.map_err(|error| error.to_string()))
            .map_err(|error| {
                let (guest, host) = (&folder.guest, folder.host());
                format!("the folder for `{guest}`, {}, does not open: {error}; see that it is there", host.display())
            })?;
    }
    Ok((context, streams))
}

impl Streams {
    /// Makes a command of it: the input at its standard input, standard output as its result.
    pub(super) fn command(&self, context: &mut WasiCtxBuilder, call: &Call) {
        context
            .args(&[PROGRAM, &call.tool_id])
            .stdin(MemoryInputPipe::new(call.input.clone()))
            .stdout(Stream(self.output.clone()));
    }

    /// Makes a component with calls of its own of it: no input, standard output told as log.
    pub(super) fn component(&self, context: &mut WasiCtxBuilder) {
        context.stdout(Stream(self.stdout.clone()));
    }

    /// The answer of a command that ended with an exit code.
    pub(super) fn ended(&self, code: i32, finished: Finished) -> Finished {
        let finished = Finished { exit_code: Some(code), ..finished };
        let output = match String::from_utf8(self.output.take_all()) {
            Ok(output) => output,
            Err(error) => {
                return Finished {
                    outcome: Outcome::OutputInvalid,
                    error: Some(format!(
                        "the output is no UTF-8 from byte {} on; standard output is for JSON, anything else goes to \
                         standard error or a file",
                        error.utf8_error().valid_up_to()
                    )),
                    ..finished
                };
            }
        };
        match code {
            0 => Finished { outcome: Outcome::Ok, output: Some(output), ..finished },
            _ => Finished {
                outcome: Outcome::ToolError,
                error: Some(format!("the tool ended with exit code {code}; what it says of that is in the log")),
                output: Some(output),
                ..finished
            },
        }
    }

    /// Tells the lines that have no end.
    pub(super) fn finish(&self) {
        self.stdout.finish();
        self.stderr.finish();
    }
}

/// Clocks that stand still. What waits for one waits in earnest.
struct Still;

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::from_secs(STANDS_AT)
    }
}

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}
