//! The parent's side: it starts a worker, hands it its order, answers what it asks and ends it.
//!
//! Each worker has a thread of the parent's, its keeper, which starts it, speaks with it and lives as long as it does:
//! Linux ends a child that asked for it when the very thread that started it ends. Whoever called waits for what comes
//! first: the keeper's word, the clock, or a cancellation. It then ends the process, which ends the keeper.

use std::{
    io::{self, BufReader, Read, Write as _},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use super::{
    Cancel, CodeSource, CompileFailure, Failure, HOST_CALLS, Program, Ran,
    failure::escaped,
    wire::{self, Answer, CodeAt, ToParent, ToWorker, WireError},
};
use crate::{
    call::{
        Call, Decision, Finished, Fuel, Held, HttpRequest, HttpResponse, Limits, Memory, Outcome, Outside, Refusal,
    },
    walls::{self, Wall},
};

/// What a worker has after its clock has run out, to say so itself with what it used until then.
const GRACE: Duration = Duration::from_millis(250);
/// What is kept of a worker's standard error.
const STDERR_BYTES: usize = 8 << 10;
/// The most walls that a worker may report.
const WALLS: usize = 32;

/// A worker that has been started, or is about to be, and waits for its order. Dropped, it ends.
#[derive(Debug)]
pub struct Starting {
    orders: Sender<Order>,
    said: Receiver<Said>,
    tell: Sender<Said>,
    process: Process,
}

/// Starts a worker and does not wait for it: call this early, do what takes time, then [`Starting::run`]. What goes
/// wrong is told there.
#[must_use]
pub fn spawn(program: &Program) -> Starting {
    let (orders, order) = mpsc::channel();
    let (tell, said) = mpsc::channel();
    let process = Process::default();
    let keeper = Keeper { program: program.clone(), process: process.clone(), tell: tell.clone() };
    let started = thread::Builder::new().name("skillyard-keeper".into()).spawn(move || keeper.keep(&order));
    if let Err(error) = started {
        // The receiver is in this very function's hands.
        let _ = tell.send(Said::Failed(Failure::Start { program: program.path.clone(), error }));
    }
    Starting { orders, said, tell, process }
}

impl Starting {
    /// Runs `call` in the worker, and returns when it has ended or been ended: at the latest a quarter of a second after
    /// `deadline`, which is the start of the whole call (compilation included) and its wall clock.
    ///
    /// What the tool asks is asked of `outside`, each request on a thread of its own, at most 64 at once. A request that
    /// is still unanswered when the call ends is not waited for: its thread ends with it, and its answer is dropped.
    #[must_use]
    pub fn run(
        self,
        code: CodeSource,
        call: &Call,
        outside: Arc<dyn Outside>,
        deadline: Instant,
        cancel: &Cancel,
    ) -> Ran {
        let started = Instant::now();
        let mut call = call.clone();
        let asked_ms = call.limits.wall_clock_ms;
        call.limits.wall_clock_ms = asked_ms.min(left(deadline));
        let limits = call.limits;
        let input = std::mem::take(&mut call.input);
        let order = Order::Run { call: Box::new(call), input, code, outside };
        let (walls, ended) = self.wait(order, deadline + GRACE, cancel);
        let (mut finished, failure, unrecorded) = match ended {
            Ok(Last::Done { finished, unrecorded }) => (finished, None, unrecorded),
            Ok(Last::Compiled(_) | Last::DoesNotCompile(_)) => {
                (nobody(&limits), Some(Failure::Wire(WireError::Order("a compiled module"))), 0)
            }
            Err(failure) => (nobody(&limits), Some(failure), 0),
        };
        if let Some(failure) = &failure {
            finished.outcome = match failure {
                Failure::TimedOut => Outcome::TimedOut,
                Failure::Cancelled => Outcome::Cancelled,
                _ => Outcome::WorkerDied,
            };
            finished.error = Some(failure.to_string());
            finished.ran_ms = started.elapsed().as_secs_f64() * 1000.0;
        }
        // A host call that the clock cut short is answered, and a tool may make a result of that before its own clock is
        // seen to have run out: the call is late all the same.
        if matches!(finished.outcome, Outcome::Ok | Outcome::ToolError) && Instant::now() > deadline {
            finished = Finished { outcome: Outcome::TimedOut, output: None, exit_code: None, ..finished };
        }
        if finished.outcome == Outcome::TimedOut {
            finished.error = Some(format!(
                "the call did not end within {asked_ms} ms, compilation and host calls included \
                 (`capabilities.quotas.wall_clock_timeout_ms`)"
            ));
        }
        Ran { finished, failure, walls, unrecorded }
    }
}

impl Starting {
    /// Hands over the order and waits for the last word; the process is gone when this returns.
    fn wait(&self, order: Order, until: Instant, cancel: &Cancel) -> (Vec<Wall>, Result<Last, Failure>) {
        let tell = self.tell.clone();
        let _listening = cancel.listen(move || {
            // Nobody waits any more.
            let _ = tell.send(Said::Cancelled);
        });
        // Where the keeper is gone, it has said why.
        let _ = self.orders.send(order);
        let mut walls = Vec::new();
        let last = loop {
            match self.said.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Said::Walls(up)) => walls = up,
                Ok(Said::Last(last)) => break Ok(last),
                Ok(Said::Failed(failure)) => break Err(failure),
                Ok(Said::Cancelled) => break Err(Failure::Cancelled),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break Err(Failure::TimedOut),
            }
        };
        self.process.end();
        (walls, last)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.process.end();
    }
}

/// Compiles `module` in a process of its own, behind the same walls, with its own limits (see `walls::limits`), and
/// returns when that has ended or been ended: at `deadline` or before.
///
/// # Errors
/// When it is no module that runs here, takes too long, is cancelled, or the compiler dies.
pub fn compile(
    program: &Program,
    module: Vec<u8>,
    deadline: Instant,
    cancel: &Cancel,
) -> Result<Vec<u8>, CompileFailure> {
    let order = Order::Compile { module, wall_clock_ms: left(deadline) };
    match spawn(program).wait(order, deadline, cancel).1 {
        Ok(Last::Compiled(code)) => Ok(code),
        Ok(Last::DoesNotCompile(why)) => Err(CompileFailure::DoesNotCompile(why)),
        Ok(Last::Done { .. }) => Err(CompileFailure::Worker(Failure::Wire(WireError::Order("a result")))),
        Err(Failure::TimedOut) => Err(CompileFailure::TimedOut),
        Err(Failure::Cancelled) => Err(CompileFailure::Cancelled),
        Err(failure) => Err(CompileFailure::Worker(failure)),
    }
}

/// Milliseconds until `deadline`, rounded up.
fn left(deadline: Instant) -> u64 {
    let left = deadline.saturating_duration_since(Instant::now());
    u64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

/// What is known of a call whose worker says nothing.
fn nobody(limits: &Limits) -> Finished {
    Finished {
        outcome: Outcome::WorkerDied,
        daemon_outcome: None,
        error: None,
        output: None,
        exit_code: None,
        fuel: Fuel { used: 0, budget: limits.fuel },
        memory: Memory { peak_bytes: 0, limit_bytes: limits.memory_bytes },
        ran_ms: 0.0,
    }
}

/// What a worker is for.
enum Order {
    Run { call: Box<Call>, input: String, code: CodeSource, outside: Arc<dyn Outside> },
    Compile { module: Vec<u8>, wall_clock_ms: u64 },
}

/// What a keeper, or a cancellation, says to whoever waits.
#[derive(Debug)]
enum Said {
    Walls(Vec<Wall>),
    Last(Last),
    Failed(Failure),
    Cancelled,
}

/// A worker's last word.
#[derive(Debug)]
enum Last {
    Done { finished: Finished, unrecorded: u64 },
    Compiled(Vec<u8>),
    DoesNotCompile(String),
}

/// The process, from before it is there until after it is gone.
#[derive(Clone, Debug, Default)]
struct Process(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
enum Slot {
    /// Nobody has started it yet.
    #[default]
    Before,
    /// It may run.
    There {
        child: Child,
        #[cfg(windows)]
        _job: walls::Job,
    },
    /// It has been reaped, with this status; or will never be started.
    Gone(Option<ExitStatus>),
}

/// The three pipes to a child.
type Pipes = (ChildStdin, ChildStdout, ChildStderr);

impl Process {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it, unless it was ended before; the calling thread must live as long as it.
    fn start(&self, program: &Program) -> io::Result<Option<Pipes>> {
        let mut slot = self.slot();
        if !matches!(*slot, Slot::Before) {
            return Ok(None);
        }
        let path = std::path::absolute(&program.path)?;
        let mut command = Command::new(&path);
        command.args(&program.args).env_clear();
        // The root: no folder that anybody unmounts, removes or puts something in.
        command.current_dir(path.ancestors().last().unwrap_or(&path));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // Not of the terminal's group: an interrupt there is for the parent, who ends its worker in good order.
            command.process_group(0);
            // What this program itself was left by whoever started it is not handed on; our own are so from birth.
            close_fds::set_fds_cloexec_threadsafe(3, &[]);
        }
        #[cfg(windows)]
        let job = walls::Job::new()?;
        let mut child = command.spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        // It waits for its order, so it has done nothing before it is in the job.
        #[cfg(windows)]
        let job = job.hold(&child).map(|()| job);
        #[cfg(windows)]
        if job.is_err() {
            let _ = child.kill();
        }
        *slot = Slot::There {
            child,
            #[cfg(windows)]
            _job: job?,
        };
        // All three were asked for.
        Ok(pipes.map(|((stdin, stdout), stderr)| (stdin, stdout, stderr)))
    }

    /// Ends it and everything that it started, and says how it had ended.
    fn end(&self) -> Option<ExitStatus> {
        let mut slot = self.slot();
        let status = match &mut *slot {
            Slot::Before => None,
            Slot::There { child, .. } => {
                #[cfg(unix)]
                if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                    // It is not reaped yet, so the number is still its.
                    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                }
                // It may be dead already.
                let _ = child.kill();
                child.wait().ok()
            }
            Slot::Gone(status) => *status,
        };
        *slot = Slot::Gone(status);
        status
    }
}

/// See the module.
struct Keeper {
    program: Program,
    process: Process,
    tell: Sender<Said>,
}

impl Keeper {
    fn keep(self, orders: &Receiver<Order>) {
        let (stdin, stdout, stderr) = match self.process.start(&self.program) {
            Ok(Some(pipes)) => pipes,
            Ok(None) => return,
            Err(error) => return self.tell(Said::Failed(Failure::Start { program: self.program.path.clone(), error })),
        };
        let Ok(order) = orders.recv() else {
            self.process.end();
            return;
        };
        let stdin = Arc::new(Mutex::new(stdin));
        let said = match self.speak(order, &stdin, stdout) {
            Ok(last) => Said::Last(last),
            Err(Failure::Wire(WireError::Io(_))) => {
                let status = self.process.end();
                Said::Failed(Failure::Died { status, stderr: beginning(stderr) })
            }
            Err(failure) => Said::Failed(failure),
        };
        self.tell(said);
        // This thread outlives it.
        self.process.end();
    }

    fn tell(&self, said: Said) {
        // Nobody waits when the clock ran out just before.
        let _ = self.tell.send(said);
    }

    fn speak(&self, order: Order, stdin: &Arc<Mutex<ChildStdin>>, stdout: ChildStdout) -> Result<Last, Failure> {
        let mut from = BufReader::new(stdout);
        let (frame, talk) = taken_apart(order).map_err(|error| Failure::Order(error.to_string()))?;
        let to = stdin.clone();
        let write = move || {
            let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
            // A worker that is gone, or that does not want the rest, says why, or just ends.
            let _ = frame.iter().try_for_each(|part| to.write_all(part));
        };
        // A worker that does not read must not keep this thread from reading what it says instead.
        thread::Builder::new()
            .name("skillyard-order".into())
            .spawn(write)
            .map_err(|error| Failure::Order(error.to_string()))?;
        let walls = self.walls(&mut from)?;
        self.tell(Said::Walls(walls));
        let last = match talk {
            Some((limits, outside)) => Talk::new(&limits, outside, stdin).last(&mut from),
            None => compiled(&mut from),
        };
        last.map_err(Failure::Wire)
    }

    /// The first frame: the walls, or why there are none.
    fn walls(&self, from: &mut impl Read) -> Result<Vec<Wall>, Failure> {
        let head = next(from).map_err(Failure::Wire)?;
        head.at_most(0).map_err(Failure::Wire)?;
        match head.message {
            ToParent::Walls { walls } if walls.len() <= WALLS => {
                let shown = walls.into_iter().map(|wall| Wall {
                    name: escaped(&wall.name),
                    stands: wall.stands,
                    detail: escaped(&wall.detail),
                });
                Ok(shown.chain(walls::of_parent()).collect())
            }
            ToParent::Walls { .. } => Err(Failure::Wire(WireError::TooMany("walls"))),
            ToParent::Refused { why } => Err(Failure::Refused(why.escaped())),
            _ => Err(Failure::Wire(WireError::Order("something before its walls were up"))),
        }
    }
}

/// The first bytes of what a dead worker had said.
fn beginning(stderr: ChildStderr) -> String {
    let mut bytes = Vec::new();
    // As much as could be read is shown.
    let _ = stderr.take(STDERR_BYTES as u64).read_to_end(&mut bytes);
    escaped(String::from_utf8_lossy(&bytes).trim())
}

fn next(from: &mut impl Read) -> Result<wire::Head<ToParent>, WireError> {
    wire::head(from)?.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof).into())
}

/// Who is asked, of a run.
type Asked = (Limits, Arc<dyn Outside>);

/// A part of a frame, which may be large and is shared.
type Piece = Arc<Vec<u8>>;

/// The parts of an order's frame, and who is asked.
fn taken_apart(order: Order) -> io::Result<(Vec<Piece>, Option<Asked>)> {
    match order {
        Order::Compile { module, wall_clock_ms } => {
            let header = wire::header(&ToWorker::Compile { wall_clock_ms }, module.len())?;
            Ok((vec![Arc::new(header), Arc::new(module)], None))
        }
        Order::Run { call, input, code, outside } => {
            let input_bytes = u32::try_from(input.len()).ok().filter(|&bytes| bytes <= wire::INPUT_BYTES);
            let input_bytes = input_bytes.ok_or_else(|| {
                let text = format!("the input has {} bytes, of {} allowed", input.len(), wire::INPUT_BYTES);
                io::Error::new(io::ErrorKind::InvalidInput, text)
            })?;
            let (code, bytes) = match code {
                CodeSource::Bytes(bytes) => (CodeAt::Payload, bytes),
                CodeSource::File { path, blake3 } => (CodeAt::File { path, blake3 }, Arc::default()),
            };
            let limits = call.limits;
            let header = wire::header(&ToWorker::Run { call, input_bytes, code }, input.len() + bytes.len())?;
            Ok((vec![Arc::new(header), Arc::new(input.into_bytes()), bytes], Some((limits, outside))))
        }
    }
}

fn compiled(from: &mut impl Read) -> Result<Last, WireError> {
    let head = next(from)?;
    match &head.message {
        ToParent::Compiled {} => {
            head.at_most(wire::CODE_BYTES)?;
            Ok(Last::Compiled(wire::exactly(from, head.payload)?))
        }
        ToParent::DoesNotCompile { why } => {
            head.at_most(0)?;
            Ok(Last::DoesNotCompile(escaped(why)))
        }
        _ => Err(WireError::Order("something else than a compiled module")),
    }
}

/// An answer, its payload, and the place that this takes.
type Answered = (Answer, Zeroizing<Vec<u8>>, Held);

fn refused(refusal: Refusal) -> Answered {
    (Answer::Refused(refusal), Zeroizing::default(), Held::default())
}

/// What a running tool asks, counted.
struct Talk<'a> {
    outside: Arc<dyn Outside>,
    stdin: &'a Arc<Mutex<ChildStdin>>,
    output_bytes: u32,
    last_id: Option<u64>,
    waiting: Arc<AtomicUsize>,
    /// Answers that are worked on or not yet written: a worker that does not read gets no threads without end.
    unwritten: Arc<AtomicUsize>,
    host_calls: u64,
    log_bytes: u64,
}

impl<'a> Talk<'a> {
    fn new(limits: &Limits, outside: Arc<dyn Outside>, stdin: &'a Arc<Mutex<ChildStdin>>) -> Self {
        Self {
            outside,
            stdin,
            // A byte that is no UTF-8 becomes three.
            output_bytes: u32::try_from(limits.output_bytes.saturating_mul(3)).unwrap_or(u32::MAX),
            last_id: None,
            waiting: Arc::default(),
            unwritten: Arc::default(),
            host_calls: 0,
            // The worker counts what the tool wrote. Masks, escapes and line ends may add to that, not more.
            log_bytes: limits.log_bytes.saturating_mul(3).saturating_add(64 << 10),
        }
    }

    /// Serves the worker until its last word.
    fn last(mut self, from: &mut impl Read) -> Result<Last, WireError> {
        loop {
            let head = next(from)?;
            let most = match &head.message {
                ToParent::Http { .. } => wire::BODY_BYTES,
                ToParent::Done { output: true, .. } => self.output_bytes,
                _ => 0,
            };
            head.at_most(most)?;
            let payload = wire::exactly(from, head.payload)?;
            match head.message {
                ToParent::Http { id, method, url, headers, timeout_ms } => {
                    let request = HttpRequest { method, url, headers, body: payload, timeout_ms };
                    self.answer(id, move |outside| match outside.http(request) {
                        Ok(HttpResponse { status, headers, body, held }) if body.len() <= wire::BODY_BYTES as usize => {
                            (Answer::Http { status, headers }, body.into(), held)
                        }
                        Ok(_) => refused(Refusal::Failed("the answer is too large".into())),
                        Err(refusal) => refused(refusal),
                    })?;
                }
                ToParent::Secret { id, name } => {
                    self.answer(id, move |outside| match outside.secret(&name) {
                        Ok(value) => (Answer::Secret, value.into_bytes().into(), Held::default()),
                        Err(refusal) => refused(refusal),
                    })?;
                }
                ToParent::Log { log } => {
                    let bytes = log.text.len() as u64 + 1;
                    self.log_bytes = self.log_bytes.checked_sub(bytes).ok_or(WireError::TooMany("lines of the log"))?;
                    self.outside.log(log);
                }
                ToParent::HostCall { call } => {
                    self.host_calls += 1;
                    let why = match &call.decision {
                        Decision::Allowed => 0,
                        Decision::Denied(why) | Decision::Failed(why) => why.len(),
                    };
                    let text = call.name.len() + call.arguments.len() + why;
                    if self.host_calls > HOST_CALLS || text > 3 * wire::HOST_CALL_TEXT {
                        return Err(WireError::TooMany("host calls"));
                    }
                    self.outside.host_call(call);
                }
                ToParent::Done { mut finished, output, unrecorded } => {
                    finished.output = None;
                    if output {
                        let text = String::from_utf8(payload);
                        finished.output = Some(text.map_err(|_| WireError::Unknown("output that is no UTF-8".into()))?);
                    }
                    return Ok(Last::Done { finished: *finished, unrecorded });
                }
                ToParent::Walls { .. } => return Err(WireError::Order("its walls, again")),
                ToParent::Refused { .. } => return Err(WireError::Order("that it refuses, after it began")),
                ToParent::Compiled {} | ToParent::DoesNotCompile { .. } => {
                    return Err(WireError::Order("a compiled module, instead of a result"));
                }
            }
        }
    }

    /// Answers the request `id` from a thread of its own.
    fn answer(
        &mut self,
        id: u64,
        ask: impl FnOnce(&dyn Outside) -> Answered + Send + 'static,
    ) -> Result<(), WireError> {
        if self.last_id.is_some_and(|last| id <= last) {
            return Err(WireError::Order("a request's number again"));
        }
        self.last_id = Some(id);
        // Counted down when the answer is ready, before it is sent: a worker that has it may ask again.
        if self.waiting.fetch_add(1, Ordering::SeqCst) >= wire::WAITING {
            return Err(WireError::TooMany("requests at once"));
        }
        if self.unwritten.fetch_add(1, Ordering::SeqCst) >= 2 * wire::WAITING {
            return Err(WireError::TooMany("requests whose answers it does not read"));
        }
        let (outside, waiting, stdin) = (self.outside.clone(), self.waiting.clone(), self.stdin.clone());
        let unwritten = self.unwritten.clone();
        let answer = move || {
            // Until it is written, the answer takes the place that it has.
            let (answer, payload, held) = ask(&*outside);
            drop(outside);
            waiting.fetch_sub(1, Ordering::SeqCst);
            let mut to = stdin.lock().unwrap_or_else(PoisonError::into_inner);
            // A worker that is gone needs no answer.
            let _ = wire::send(&mut *to, &ToWorker::Answer { id, answer }, &payload);
            drop((payload, held));
            unwritten.fetch_sub(1, Ordering::SeqCst);
        };
        let started = thread::Builder::new().name("skillyard-outside".into()).spawn(answer);
        started.map(drop).map_err(|_| WireError::TooMany("requests for the threads of this machine"))
    }
}
