//! Function bodies: validated and counted, on more than one thread where there are many.
//!
//! Bodies are most of a module and validating them most of the work, while everything else in a module must be read in
//! order. So the pass over the sections hands bodies out in batches, works on one itself whenever nobody else is free,
//! and all results are merged in a way that does not depend on who was first.

use std::{
    num::NonZero,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, Scope},
};

use wasmparser::{Error, FuncToValidate, FuncValidatorAllocations, FunctionBody, ValidatorResources};

/// The functions of a module together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Code {
    /// How many there are.
    pub functions: u64,
    /// The most locals of one function, parameters included, and where it stands.
    pub most_locals: Option<(u64, Range<u64>)>,
    /// The largest function, in bytes, and where it stands.
    pub largest: Option<(u64, Range<u64>)>,
    /// What compiling has to keep track of: for each function its branching instructions times its locals, summed up,
    /// where a loop within many others counts for many. A compiler's time grows with it.
    pub compile_cost: u64,
    /// The function with the most of it.
    pub costliest: Option<(u64, Range<u64>)>,
    /// The first instruction whose result may be a NaN with bits that differ between machines.
    pub nan: Option<Range<u64>>,
    /// The first instruction that machines are free to answer differently (relaxed SIMD).
    pub relaxed: Option<Range<u64>>,
}

impl Code {
    fn merge(&mut self, other: Self) {
        self.functions += other.functions;
        self.compile_cost = self.compile_cost.saturating_add(other.compile_cost);
        larger(&mut self.most_locals, other.most_locals);
        larger(&mut self.largest, other.largest);
        larger(&mut self.costliest, other.costliest);
        earlier(&mut self.nan, other.nan);
        earlier(&mut self.relaxed, other.relaxed);
    }
}

/// Keeps the larger, of equal ones the one that stands first.
pub(super) fn larger(kept: &mut Option<(u64, Range<u64>)>, new: Option<(u64, Range<u64>)>) {
    let Some(new) = new else { return };
    let beats = kept.as_ref().is_none_or(|kept| new.0 > kept.0 || (new.0 == kept.0 && new.1.start < kept.1.start));
    if beats {
        *kept = Some(new);
    }
}

fn earlier(kept: &mut Option<Range<u64>>, new: Option<Range<u64>>) {
    let Some(new) = new else { return };
    if kept.as_ref().is_none_or(|kept| new.start < kept.start) {
        *kept = Some(new);
    }
}

/// One function as the sections' pass hands it out.
type Function<'a> = (FuncToValidate<ValidatorResources>, FunctionBody<'a>);

/// Bytes of bodies in a batch, and functions: large enough that handing over costs nothing, small enough that two
/// threads end together.
const BATCH_BYTES: u64 = 128 << 10;
const BATCH_FUNCTIONS: usize = 1_024;
/// Threads beside the one that reads the sections. More do not help: reading comes before.
const MAX_WORKERS: usize = 7;

/// What all threads share.
#[derive(Default)]
pub(super) struct Shared {
    code: Mutex<Code>,
    error: Mutex<Option<Error>>,
    /// The offset of the first error so far: nothing behind it need be read.
    limit: AtomicU64,
    stop: AtomicBool,
}

impl Shared {
    pub fn new() -> Self {
        Self { limit: AtomicU64::new(u64::MAX), ..Self::default() }
    }

    /// Ends the work of all threads.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The result, once all threads have ended.
    pub fn finish(self) -> (Code, Option<Error>) {
        let code = self.code.into_inner().unwrap_or_else(PoisonError::into_inner);
        let error = self.error.into_inner().unwrap_or_else(PoisonError::into_inner);
        (code, error)
    }

    fn failed(&self, error: Error) {
        let mut kept = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_none_or(|kept| error.offset() < kept.offset()) {
            self.limit.fetch_min(error.offset(), Ordering::Relaxed);
            *kept = Some(error);
        }
    }

    fn batch(&self, batch: Vec<Function<'_>>, allocations: &mut FuncValidatorAllocations) {
        let mut code = Code::default();
        for (function, body) in batch {
            if self.stop.load(Ordering::Relaxed) || body.range().start > self.limit.load(Ordering::Relaxed) {
                continue;
            }
            if let Err(error) = validate(function, &body, allocations, &mut code) {
                self.failed(error);
            }
        }
        self.code.lock().unwrap_or_else(PoisonError::into_inner).merge(code);
    }
}

/// Takes bodies and sees to it that they are validated.
pub(super) struct Bodies<'scope, 'env, 'a> {
    scope: &'scope Scope<'scope, 'env>,
    shared: &'scope Shared,
    pending: Vec<Function<'a>>,
    pending_bytes: u64,
    queue: Option<SyncSender<Vec<Function<'a>>>>,
    /// What the queue's other end is handed over in; the workers take turns at it.
    workers: usize,
    allocations: FuncValidatorAllocations,
}

impl<'scope, 'env, 'a: 'scope> Bodies<'scope, 'env, 'a> {
    pub fn new(scope: &'scope Scope<'scope, 'env>, shared: &'scope Shared) -> Self {
        let workers = thread::available_parallelism().map_or(0, |all| NonZero::get(all) - 1).min(MAX_WORKERS);
        Self {
            scope,
            shared,
            pending: Vec::new(),
            pending_bytes: 0,
            queue: None,
            workers,
            allocations: FuncValidatorAllocations::default(),
        }
    }

    pub fn push(&mut self, function: FuncToValidate<ValidatorResources>, body: FunctionBody<'a>) {
        let range = body.range();
        self.pending_bytes += range.end - range.start;
        self.pending.push((function, body));
        if self.pending_bytes >= BATCH_BYTES || self.pending.len() >= BATCH_FUNCTIONS {
            self.flush();
        }
    }

    /// Hands out what is pending.
    fn flush(&mut self) {
        let batch = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        if self.queue.is_none() && self.workers > 0 {
            self.queue = self.start();
        }
        let batch = match &self.queue {
            None => batch,
            Some(queue) => match queue.try_send(batch) {
                Ok(()) => return,
                Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => batch,
            },
        };
        self.shared.batch(batch, &mut self.allocations);
    }

    /// Starts the workers; `None` where the system gives no thread.
    fn start(&mut self) -> Option<SyncSender<Vec<Function<'a>>>> {
        let (sender, receiver) = sync_channel(2 * self.workers);
        let receiver = std::sync::Arc::new(Mutex::new(receiver));
        let mut started = 0;
        for _ in 0..self.workers {
            let (receiver, shared) = (receiver.clone(), self.shared);
            let spawned = thread::Builder::new().spawn_scoped(self.scope, move || work(shared, &receiver));
            started += usize::from(spawned.is_ok());
        }
        self.workers = started;
        (started > 0).then_some(sender)
    }

    /// Works off the rest. The threads end by themselves once this is dropped.
    pub fn finish(mut self) {
        let batch = std::mem::take(&mut self.pending);
        if !batch.is_empty() {
            self.shared.batch(batch, &mut self.allocations);
        }
    }
}

fn work(shared: &Shared, queue: &Mutex<Receiver<Vec<Function<'_>>>>) {
    let mut allocations = FuncValidatorAllocations::default();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(batch) => shared.batch(batch, &mut allocations),
            Err(_) => return,
        }
    }
}

/// Branching: a new path for a compiler to follow.
const BRANCH: u8 = 1;
/// Float arithmetic that can make a NaN.
const NAN: u8 = 2;
/// The first byte of the SIMD instructions.
const SIMD: u8 = 3;
/// The end of a block, a loop or the function.
const END: u8 = 4;

/// How deep loops nest in what people and compilers write.
const USUAL_LOOPS: u64 = 8;
/// What a loop below that counts for with each loop around it. Measured with Wasmtime 49: 200 loops in each other and
/// 1,000 locals, 15 KB in all, compile for a minute, as long as some 5,000,000,000 plain branches times locals.
const NESTED_LOOP: u64 = 250;

/// What the first byte of an instruction says of it.
static CLASS: [u8; 256] = {
    let mut class = [0; 256];
    // block, loop, if, else, br, br_if, br_table
    let branches = [0x02, 0x03, 0x04, 0x05, 0x0c, 0x0d, 0x0e];
    let mut i = 0;
    while i < branches.len() {
        class[branches[i]] = BRANCH;
        i += 1;
    }
    // f32 and f64: ceil, floor, trunc, nearest, sqrt, add, sub, mul, div, min, max
    let mut op = 0x8d;
    while op <= 0x97 {
        class[op] = NAN;
        class[op + 14] = NAN;
        op += 1;
    }
    // f32.demote_f64, f64.promote_f32
    class[0xb6] = NAN;
    class[0xbb] = NAN;
    class[0xfd] = SIMD;
    class[0x0b] = END;
    class
};

fn validate(
    function: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    allocations: &mut FuncValidatorAllocations,
    code: &mut Code,
) -> Result<(), Error> {
    let mut validator = function.into_validator(std::mem::take(allocations));
    let mut reader = body.get_binary_reader();
    let (base, bytes, range) = (reader.original_position(), body.as_bytes(), body.range());
    validator.read_locals(&mut reader)?;
    reader.set_features(*validator.features());
    let mut branches: u64 = 0;
    // What is open, each with whether it is a loop, and how many are.
    let (mut open, mut loops) = (Vec::new(), 0_u64);
    while !reader.eof() {
        let at = reader.original_position();
        let rest = usize::try_from(at - base).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        if let [first, rest @ ..] = rest {
            match CLASS[usize::from(*first)] {
                0 => {}
                BRANCH => {
                    branches += 1;
                    let is_loop = *first == 0x03;
                    if is_loop {
                        loops += 1;
                        branches += loops.saturating_sub(USUAL_LOOPS) * NESTED_LOOP;
                    }
                    if matches!(first, 0x02..=0x04) {
                        open.push(is_loop);
                    }
                }
                END => loops -= u64::from(open.pop().unwrap_or(false)),
                NAN => earlier(&mut code.nan, Some(at..at + 1)),
                _ => match simd(rest) {
                    Simd::Relaxed => earlier(&mut code.relaxed, Some(at..at + 1)),
                    Simd::Nan => earlier(&mut code.nan, Some(at..at + 1)),
                    Simd::Other => {}
                },
            }
        }
        reader.visit_operator(&mut validator.visitor(at))??;
    }
    reader.finish_expression(&validator.visitor(reader.original_position()))?;
    let locals = u64::from(validator.len_locals());
    *allocations = validator.into_allocations();

    let cost = branches.saturating_mul(locals.max(1));
    code.merge(Code {
        functions: 1,
        most_locals: Some((locals, range.clone())),
        largest: Some((range.end - range.start, range.clone())),
        compile_cost: cost,
        costliest: Some((cost, range)),
        nan: None,
        relaxed: None,
    });
    Ok(())
}

enum Simd {
    Relaxed,
    Nan,
    Other,
}

/// What the bytes behind the SIMD prefix, a LEB128 number first, say.
fn simd(rest: &[u8]) -> Simd {
    let mut op: u32 = 0;
    for (i, byte) in rest.iter().take(5).enumerate() {
        op |= u32::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            break;
        }
    }
    match op {
        0x100..=0x1ff => Simd::Relaxed,
        // f32x4 and f64x2: rounding, square roots, arithmetic, minimum and maximum, demote and promote
        0x5e | 0x5f | 0x67..=0x6a | 0x74 | 0x75 | 0x7a | 0x94 | 0xe3..=0xe9 | 0xef..=0xf5 => Simd::Nan,
        _ => Simd::Other,
    }
}
