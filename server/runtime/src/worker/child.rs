//! The worker's side: one order, one answer.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    failure::Refused,
    remote::Remote,
    wire::{self, CodeAt, Head, ToParent, ToWorker, WireError},
};
use crate::{
    call::{Call, Finished, Outside},
    host::{self, Code},
    walls::{self, First, Plan, Role, WallName},
};

/// The exit code of a worker whose parent is gone.
pub(super) const ORPHANED: i32 = 3;

/// What a worker does when its walls are up. Tests put enemies here; the product has [`serve`] alone.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Runner {
    /// Runs compiled code.
    pub run: fn(Vec<u8>, &Call, Arc<dyn Outside>) -> Finished,
    /// Compiles a module.
    pub compile: fn(&[u8]) -> Result<Vec<u8>, String>,
    /// Walls that are left out, to see what each holds.
    pub without: Vec<WallName>,
}

/// What a program does that was started as a [`Program`](super::Program), before anything else and instead of anything
/// else: it reads its order from standard input, puts up its walls, does what it was told and answers on standard output.
/// Whether it did; where not, it has said why to standard error.
#[must_use]
pub fn serve() -> bool {
    serve_with(&Runner::default())
}

impl Default for Runner {
    /// What the product runs.
    fn default() -> Self {
        Self {
            run: |code, call, outside| host::run(Code::Bytes(code), call, outside),
            compile: |module| host::compile(module).map_err(|error| error.message),
            without: Vec::new(),
        }
    }
}

/// [`serve`] with something else to run.
#[doc(hidden)]
#[must_use]
pub fn serve_with(runner: &Runner) -> bool {
    let first = walls::first(&runner.without);
    let done = pipes().map_err(WireError::from).and_then(|mut pipes| order(&mut pipes, runner, first));
    if let Err(error) = &done {
        use io::Write as _;
        // Nobody may listen any more.
        let _ = writeln!(io::stderr(), "worker: {error}");
    }
    done.is_ok()
}

/// Standard input and output, unbuffered: a secret stays nowhere but where it goes.
struct Pipes {
    from: File,
    to: File,
}

fn pipes() -> io::Result<Pipes> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        let from = io::stdin().as_fd().try_clone_to_owned()?;
        let to = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Pipes { from: from.into(), to: to.into() })
    }
    #[cfg(windows)]
    {
        use std::os::windows::io::AsHandle as _;
        let from = io::stdin().as_handle().try_clone_to_owned()?;
        let to = io::stdout().as_handle().try_clone_to_owned()?;
        Ok(Pipes { from: from.into(), to: to.into() })
    }
}

fn order(pipes: &mut Pipes, runner: &Runner, first: First) -> Result<(), WireError> {
    // A parent that changed its mind closes the pipe.
    let Some(head) = wire::head::<ToWorker>(&mut pipes.from)? else { return Ok(()) };
    let started = Instant::now();
    let payload = head.payload;
    match head.message {
        ToWorker::Run { call, input_bytes, code } => {
            let order = RunOrder { call: *call, input_bytes, payload, code, started };
            run(pipes, runner, first, order)
        }
        ToWorker::Compile { wall_clock_ms } => compile(pipes, runner, first, payload, wall_clock_ms),
        ToWorker::Answer { .. } => refuse(pipes, Refused::Order("an answer, before anything was asked".into())),
    }
}

fn refuse(pipes: &mut Pipes, why: Refused) -> Result<(), WireError> {
    Ok(wire::send(&mut pipes.to, &ToParent::Refused { why }, &[])?)
}

/// [`ToWorker::Run`], and when it came.
struct RunOrder {
    call: Call,
    input_bytes: u32,
    payload: u32,
    code: CodeAt,
    started: Instant,
}

fn run(pipes: &mut Pipes, runner: &Runner, first: First, order: RunOrder) -> Result<(), WireError> {
    let RunOrder { mut call, input_bytes, payload, code, started } = order;
    let Some(code_bytes) = payload.checked_sub(input_bytes) else {
        return refuse(pipes, Refused::Order("the input is longer than its frame".into()));
    };
    // Before the walls hide the cache.
    let cached = match &code {
        CodeAt::Payload => None,
        CodeAt::File { path, blake3 } => match cached(path, blake3) {
            Ok(bytes) => Some(bytes),
            Err(why) => return refuse(pipes, Refused::CacheFile(why)),
        },
    };
    for folder in &mut call.given.folders {
        if let Err(error) = folder.open() {
            return refuse(pipes, Refused::Folder(format!("{}: {error}", folder.host().display())));
        }
    }
    let code_len = cached.as_ref().map_or(u64::from(code_bytes), |bytes| bytes.len() as u64);
    let plan = Plan {
        role: Role::Run { limits: call.limits, code_bytes: code_len + u64::from(input_bytes) },
        folders: &call.given.folders,
        without: &runner.without,
    };
    let walls = match walls::raise(first, &plan) {
        Ok(walls) => walls,
        Err(error) => return refuse(pipes, Refused::Wall(error.to_string())),
    };
    wire::send(&mut pipes.to, &ToParent::Walls { walls }, &[])?;
    let input = wire::exactly(&mut pipes.from, input_bytes)?;
    call.input = String::from_utf8(input).map_err(|_| WireError::Unknown("input that is no UTF-8".into()))?;
    let rest = wire::exactly(&mut pipes.from, code_bytes)?;
    let code = cached.unwrap_or(rest);
    let deadline = started + Duration::from_millis(call.limits.wall_clock_ms.min(u64::from(u32::MAX)));
    let remote = Arc::new(Remote::new(pipes.to.try_clone()?, deadline));
    let from = pipes.from.try_clone()?;
    let answers = remote.clone();
    thread::Builder::new().name("answers".into()).spawn(move || listen(from, &answers))?;
    let mut finished = (runner.run)(code, &call, remote.clone());
    let output = finished.output.take();
    let done =
        ToParent::Done { output: output.is_some(), finished: Box::new(finished), unrecorded: remote.unrecorded() };
    remote.send(&done, output.as_deref().unwrap_or_default().as_bytes());
    Ok(())
}

fn compile(
    pipes: &mut Pipes,
    runner: &Runner,
    first: First,
    payload: u32,
    wall_clock_ms: u64,
) -> Result<(), WireError> {
    let role = Role::Compile { module_bytes: payload.into(), wall_clock_ms };
    let walls = match walls::raise(first, &Plan { role, folders: &[], without: &runner.without }) {
        Ok(walls) => walls,
        Err(error) => return refuse(pipes, Refused::Wall(error.to_string())),
    };
    wire::send(&mut pipes.to, &ToParent::Walls { walls }, &[])?;
    let module = wire::exactly(&mut pipes.from, payload)?;
    let mut from = pipes.from.try_clone()?;
    // Nothing more will come but the end: the parent's.
    thread::Builder::new().name("parent".into()).spawn(move || {
        let _ = from.read(&mut [0]);
        std::process::exit(ORPHANED);
    })?;
    match (runner.compile)(&module) {
        Ok(code) => wire::send(&mut pipes.to, &ToParent::Compiled {}, &code)?,
        Err(why) => wire::send(&mut pipes.to, &ToParent::DoesNotCompile { why }, &[])?,
    }
    Ok(())
}

/// Hands answers on until the parent is gone, and ends the process then.
fn listen(mut from: File, remote: &Remote) -> ! {
    loop {
        let answer = wire::head::<ToWorker>(&mut from).and_then(|head| match head {
            Some(Head { message: ToWorker::Answer { id, answer }, payload }) => {
                Ok(Some((id, answer, wire::exactly(&mut from, payload)?)))
            }
            _ => Ok(None),
        });
        match answer {
            Ok(Some((id, answer, payload))) => remote.answered(id, answer, payload),
            _ => std::process::exit(ORPHANED),
        }
    }
}

/// The file's bytes, read once and then compared: what runs is what was checked, whatever happens to the file.
fn cached(path: &Path, blake3: &[u8; 32]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| {
        let length = file.metadata()?.len();
        if length > u64::from(wire::CODE_BYTES) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has {length} bytes")));
        }
        bytes.reserve_exact(usize::try_from(length).unwrap_or_default());
        file.take(u64::from(wire::CODE_BYTES)).read_to_end(&mut bytes)
    });
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    // The comparison takes the same time wherever they differ.
    if blake3::hash(&bytes) != blake3::Hash::from_bytes(*blake3) {
        return Err(format!("{} is not what was put there", path.display()));
    }
    Ok(bytes)
}
