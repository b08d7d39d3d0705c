//! Whether a text is JSON that holds to a schema.
//!
//! The `jsonschema` crate validates; built without its resolvers it fetches nothing. It knows no budget, so one is put
//! into a copy of the schema: a keyword of our own in each subschema, which counts whenever the subschema is compiled or
//! accepts a value, and in each choice, which counts when nothing is left of it. It unwinds the thread that validates when
//! the budget, the time or the stack is spent. That ends doubling levels and recursion wherever they come from.
//!
//! What one keyword does by itself it does not see: a pattern that goes back, a long `enum`, what fails. So whoever waits
//! for the thread does that no longer than the check may take, and leaves it to itself then. A thread cannot be ended: it
//! ends at its next look, or when its keyword is done. Until then it has a slot of those that there are, and where there
//! is no more nothing is checked.

use std::{
    panic,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use jsonschema::{Draft, Keyword, PatternOptions, ValidationError, Validator, paths::Location};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use skillyard_artifact::{Cancelled, Progress};
use skillyard_manifest::{quoted, show::words};

use super::{
    count::{MAX_VALUES, too_many},
    text::repeats,
};

/// Longest text that is parsed, in bytes.
pub const MAX_INSTANCE_BYTES: usize = 16 << 20;
/// Values in one schema; the analysis of a manifest has the same limit.
pub const MAX_SCHEMA_VALUES: usize = 20_000;
/// Levels of one schema; the analysis of a manifest has the same limit.
pub const MAX_SCHEMA_DEPTH: usize = 64;
/// Violations that are told of one text.
pub const MAX_VIOLATIONS: usize = 50;

/// References in one schema: a chain of them is compiled on the stack.
const MAX_REFS: usize = 1000;
/// Subschemas that are compiled of one schema. References may compile one again.
const MAX_COMPILED_SCHEMAS: u64 = 100_000;
/// Units of work of one validation, about one a look of a subschema at a value: for any value, and for each value in it.
const MAX_WORK: u64 = 300_000;
/// See [`MAX_WORK`].
const MAX_WORK_EACH: u64 = 16;
/// Units of work for saying what is wrong: each may keep a copy of a value and of an error.
const MAX_TELLING: u64 = 20_000;
/// Looks after which the clock is read again.
const CLOCK_EVERY: u64 = 64;
/// Time that one check may take, whatever its work is made of.
const MAX_TIME: Duration = Duration::from_secs(10);
/// How often whoever waits for a check says so and looks whether it is to end.
const PACE: Duration = Duration::from_millis(20);
/// Checks at once, with those that were given up and go on: so much of the machine they take at most.
const MAX_CHECKS: usize = 8;
/// Stack of the thread that validates.
const STACK_BYTES: usize = 256 << 20;
/// Subschemas that may be entered in each other before that stack is in danger.
const MAX_FRAMES: usize = 60_000;
/// How much of it may be in use when a subschema is looked at.
const MAX_STACK_USED: usize = 64 << 20;
/// Memory of a compiled pattern, as in the analysis of a manifest.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// Longest pattern, as in the analysis of a manifest.
const MAX_PATTERN: usize = 4096;
/// Steps back that one match may take.
const MAX_BACKTRACKS: usize = 10_000;
/// Longest text, in bytes, that is matched with a pattern that looks around or back: each step back may read it all.
const MAX_BACKTRACKED: usize = 4096;
/// Characters of a message.
const MAX_MESSAGE: usize = 300;

/// The keyword that counts. The library looks at it after all others of a subschema, and not at all once one of them
/// failed. So it counts what succeeds; and what fails with more than one subschema tried on the way (`anyOf`, `oneOf`,
/// `if`, `contains`) gets a last alternative that counts and always fails.
const COUNTER: &str = "x-skillyard-work";

/// One thing that is wrong with a text. All texts are for a person: one line, nothing unseen in them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Violation {
    /// Where in the text, as a JSON pointer.
    pub instance_pointer: String,
    /// The keyword that it violates, as a JSON pointer into the schema.
    pub schema_pointer: String,
    /// The keyword. `json` where the text is no JSON, `schema` where the schema itself cannot be used, `budget` where
    /// the check was given up: then nothing is known of the text.
    pub keyword: String,
    /// What is wrong.
    pub message: String,
    /// The pointer and the message as they were, before they were cut: what is to be hidden is looked for in the whole.
    #[serde(skip)]
    whole: Whole,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Whole {
    pointer: String,
    /// `None` where the message is about the pointer's last name: [`not_allowed`].
    message: Option<String>,
}

impl Whole {
    /// The pointer and the message for a person.
    fn shown(&self) -> (String, String) {
        let message = self.message.clone().unwrap_or_else(|| not_allowed(&self.pointer));
        (words(&self.pointer, MAX_MESSAGE), words(&message, MAX_MESSAGE))
    }
}

impl Violation {
    /// With what `mask` hides hidden in it: names of the text may be secrets.
    #[must_use]
    pub fn masked(&self, mask: &dyn Fn(&str) -> String) -> Self {
        let name = |token: &str| escaped_token(&mask(&unescaped_token(token)));
        let pointer = mask(&self.whole.pointer.split('/').map(name).collect::<Vec<_>>().join("/"));
        let whole = Whole { pointer, message: self.whole.message.as_deref().map(mask) };
        let (instance_pointer, message) = whole.shown();
        Self { instance_pointer, message, whole, ..self.clone() }
    }

    fn whole(keyword: &str, message: &str) -> Vec<Self> {
        vec![Self {
            instance_pointer: String::new(),
            schema_pointer: String::new(),
            keyword: keyword.to_owned(),
            message: words(message, MAX_MESSAGE),
            whole: Whole { pointer: String::new(), message: Some(message.to_owned()) },
        }]
    }

    fn of(error: &ValidationError<'_>) -> Self {
        let schema_pointer = error.schema_path().as_str();
        let keyword = schema_pointer
            .rsplit('/')
            .find(|part| !part.is_empty() && part.bytes().any(|b| !b.is_ascii_digit()))
            .unwrap_or_else(|| error.kind().keyword());
        // The value may be long or a secret: its pointer says which it is.
        let message = match error.kind().keyword() {
            "falseSchema" => None,
            _ => Some(error.masked_with("the value").to_string()),
        };
        let whole = Whole { pointer: error.instance_path().as_str().to_owned(), message };
        let (instance_pointer, message) = whole.shown();
        Self {
            instance_pointer,
            schema_pointer: words(schema_pointer, MAX_MESSAGE),
            keyword: words(known(error.kind().keyword(), keyword, schema_pointer), MAX_MESSAGE),
            message,
            whole,
        }
    }
}

/// A name as a JSON pointer writes it, and the other way round.
fn escaped_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescaped_token(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// What a schema that is `false` says of the value at `pointer`.
fn not_allowed(pointer: &str) -> String {
    match pointer.rsplit_once('/') {
        Some((_, key)) => format!("{} is not allowed here", quoted(&unescaped_token(key))),
        None => "no value is allowed here".to_owned(),
    }
}

/// The keyword that an error is of. A schema that is `false` has none, the keyword that holds it stands for it; and the
/// library says `required` for what `dependentRequired` requires.
fn known<'k>(kind: &'k str, holder: &'k str, pointer: &str) -> &'k str {
    match kind {
        "falseSchema" => holder,
        "required" if !pointer.ends_with("/required") && pointer.contains("/dependentRequired") => "dependentRequired",
        kind => kind,
    }
}

/// What came of a check: the value, or what is wrong with it, at most [`MAX_VIOLATIONS`] and never empty; or somebody
/// ended it.
pub type Checked = Result<Result<Value, Vec<Violation>>, Cancelled>;

/// Parses `instance` and checks that it holds to `schema`: JSON Schema of the draft that its `$schema` names, else 2020-12.
/// Takes ten seconds at most, whatever the two are; a thread that was given up may go on behind it, and holds up nobody.
///
/// # Errors
/// If `progress` ends it.
pub fn check(schema: &Value, instance: &str, progress: &dyn Progress) -> Checked {
    if instance.len() > MAX_INSTANCE_BYTES {
        let message = format!("it has {} bytes; at most {MAX_INSTANCE_BYTES} are read", instance.len());
        return Ok(Err(Violation::whole("budget", &message)));
    }
    if let Some(values) = too_many(instance) {
        let message = format!("it has {values} values and keys; at most {MAX_VALUES} are read");
        return Ok(Err(Violation::whole("budget", &message)));
    }
    match serde_json::from_str(instance) {
        Ok(value) => check_value(schema, value, progress),
        Err(error) => Ok(Err(Violation::whole("json", &format!("no JSON: {error}")))),
    }
}

/// [`check`] of a text that is handed on as it is: all who read it read the same.
///
/// # Errors
/// If `progress` ends it.
pub fn check_input(schema: &Value, instance: &str, progress: &dyn Progress) -> Checked {
    let checked = check(schema, instance, progress)?;
    if checked.is_ok() && repeats(instance) {
        return Ok(Err(Violation::whole("json", "no JSON that all read alike: an object in it has one name twice")));
    }
    Ok(checked)
}

/// [`check`] of a value that is there already.
pub(super) fn check_value(schema: &Value, instance: Value, progress: &dyn Progress) -> Checked {
    static SLOTS: Slots = Slots::of(MAX_CHECKS);
    check_within(schema, instance, MAX_TIME, &SLOTS, progress)
}

fn check_within(
    schema: &Value,
    instance: Value,
    time: Duration,
    slots: &'static Slots,
    progress: &dyn Progress,
) -> Checked {
    let (counted, chain) = match counted(schema) {
        Ok(counted) => counted,
        Err(problem) => return Ok(Err(Violation::whole("schema", &problem))),
    };
    let gives_up = |why: &str| Ok(Err(Violation::whole("budget", why)));
    if chain.saturating_mul(levels(&instance)) > MAX_FRAMES {
        return gives_up("the schema and the value nest too deep for each other: not checked");
    }
    let waiting = Waiting { began: Instant::now(), time, progress };
    let slot = loop {
        if let Some(slot) = slots.take() {
            break slot;
        }
        if waiting.is_over()? {
            return gives_up(
                "too many checks that were given up still go on: not checked; start again what runs Skillyard, or try later",
            );
        }
    };
    // The wait for a place is none of the check's.
    let waiting = Waiting { began: Instant::now(), ..waiting };
    let gauge = Arc::new(Gauge::new(&instance, time));
    let inside = Arc::clone(&gauge);
    let (tell, said) = mpsc::channel();
    let work = move || {
        // The last to go: what a check holds is gone when the next takes its place.
        let _slot = slot;
        let (schema, instance, tell) = (counted, instance, tell);
        let verdict = validate(&schema, &instance, inside).map(|()| instance);
        // Where it was given up, nobody listens.
        let _ = tell.send(verdict);
    };
    let thread = thread::Builder::new().name("json".to_owned()).stack_size(STACK_BYTES);
    if let Err(error) = thread.spawn(work) {
        return gives_up(&format!("no thread to check on: {error}"));
    }
    loop {
        match said.recv_timeout(PACE) {
            Ok(verdict) => return Ok(verdict),
            // Our unwinding ends there, as its panics do.
            Err(RecvTimeoutError::Disconnected) => return gives_up(gauge.why()),
            Err(RecvTimeoutError::Timeout) => match waiting.is_over() {
                Ok(false) => {}
                over => {
                    gauge.given_up.store(true, Ordering::Relaxed);
                    return over.and_then(|_| gives_up(TOO_LONG));
                }
            },
        }
    }
}

/// Somebody who waits for a check.
struct Waiting<'p> {
    began: Instant,
    time: Duration,
    progress: &'p dyn Progress,
}

impl Waiting<'_> {
    /// Says how long it took so far, and whether that is all that it may take.
    fn is_over(&self) -> Result<bool, Cancelled> {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (took, total) = (self.began.elapsed(), milliseconds(self.time));
        self.progress.at("checking", milliseconds(took).min(total), total)?;
        Ok(took > self.time)
    }
}

/// Places for threads that check.
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    const fn of(free: usize) -> Self {
        Self { free: Mutex::new(free), freed: Condvar::new() }
    }

    /// A place, where one is free or gets free in a moment.
    fn take(&'static self) -> Option<Slot> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut free, _) =
            self.freed.wait_timeout_while(free, PACE, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(1)?;
        Some(Slot(self))
    }
}

/// One of them, until this goes.
struct Slot(&'static Slots);

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

fn validate(schema: &Value, instance: &Value, gauge: Arc<Gauge>) -> Result<(), Vec<Violation>> {
    gauge.start();
    let compiling = Arc::clone(&gauge);
    let patterns = PatternOptions::fancy_regex()
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .backtrack_limit(MAX_BACKTRACKS);
    let draft = Draft::default().detect(schema);
    if draft == Draft::Unknown {
        return Err(Violation::whole(
            "schema",
            "its `$schema` names a dialect that is not built in, and none is fetched",
        ));
    }
    let validator: Validator = jsonschema::options()
        .with_draft(draft)
        .with_pattern_options(patterns)
        .with_keyword(COUNTER, move |parent: &Map<String, Value>, counter: &Value, _: Location| {
            compiling.compiled();
            Ok(Box::new(Counter::new(parent, counter == &Value::Bool(true), Arc::clone(&compiling))))
        })
        .build(schema)
        .map_err(|error| {
            let place = error.instance_path().as_str().to_owned();
            let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
            Violation::whole("schema", &format!("the schema cannot be used{place}: {}", error.masked()))
        })?;
    if validator.is_valid(instance) {
        return Ok(());
    }
    let told = Arc::clone(&gauge);
    // Saying what is wrong costs more than seeing that something is; the verdict stands when that is too much.
    let listed = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        told.restart(MAX_TELLING);
        validator.iter_errors(instance).take(MAX_VIOLATIONS).map(|error| Violation::of(&error)).collect::<Vec<_>>()
    }));
    match listed {
        Ok(violations) if !violations.is_empty() => Err(violations),
        _ => {
            let top: Vec<&str> = schema
                .as_object()
                .into_iter()
                .flat_map(|schema| schema.keys())
                .map(String::as_str)
                .filter(|key| *key != COUNTER)
                .take(8)
                .collect();
            let message = format!(
                "the value does not hold to the schema ({}); saying where takes more work than a check is given",
                top.join(", ")
            );
            Err(Violation::whole("schema", &message))
        }
    }
}

// ---- the budget ----

/// What one check used so far.
struct Gauge {
    /// Units that it may use.
    budget: AtomicU64,
    work: AtomicU64,
    looks: AtomicU64,
    compiled: AtomicU64,
    /// An address at the start of the thread's stack.
    base: AtomicUsize,
    /// 0 while all is well, else which of the limits was met.
    met: AtomicUsize,
    started: Instant,
    /// What it may take from then on.
    time: Duration,
    /// Whether nobody waits for it any more.
    given_up: AtomicBool,
}

const TOO_LONG: &str = "the check took too long: given up";
const LIMITS: [&str; 6] = [
    "the check ended without an answer",
    "the schema takes too much work for this value: given up; it doubles or repeats itself",
    TOO_LONG,
    "the schema recurses without end: given up",
    "the schema has too many subschemas, counted once for each reference: given up",
    "the value is too long for a pattern that looks around or back: given up",
];

impl Gauge {
    fn new(instance: &Value, time: Duration) -> Self {
        let mut size = 0;
        weigh(instance, u64::MAX, &mut size);
        Self {
            budget: AtomicU64::new(MAX_WORK + MAX_WORK_EACH * size),
            work: AtomicU64::new(0),
            looks: AtomicU64::new(0),
            compiled: AtomicU64::new(0),
            base: AtomicUsize::new(0),
            met: AtomicUsize::new(0),
            started: Instant::now(),
            time,
            given_up: AtomicBool::new(false),
        }
    }

    fn start(&self) {
        self.base.store(stack_address(), Ordering::Relaxed);
    }

    fn restart(&self, budget: u64) {
        self.budget.store(budget, Ordering::Relaxed);
        self.work.store(0, Ordering::Relaxed);
    }

    fn why(&self) -> &'static str {
        LIMITS.get(self.met.load(Ordering::Relaxed)).copied().unwrap_or(LIMITS[0])
    }

    /// Ends the check from wherever it is.
    fn end(&self, limit: usize) -> ! {
        self.met.store(limit, Ordering::Relaxed);
        // Unlike a panic this runs no hook and prints nothing.
        panic::resume_unwind(Box::new("budget"))
    }

    fn bounds(&self) {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        let is_late = || looks.is_multiple_of(CLOCK_EVERY) && self.started.elapsed() > self.time;
        if self.given_up.load(Ordering::Relaxed) || is_late() {
            self.end(2);
        }
        if self.base.load(Ordering::Relaxed).abs_diff(stack_address()) > MAX_STACK_USED {
            self.end(3);
        }
    }

    fn compiled(&self) {
        if self.compiled.fetch_add(1, Ordering::Relaxed) > MAX_COMPILED_SCHEMAS {
            self.end(4);
        }
        self.bounds();
    }

    fn spend(&self, units: u64) {
        if self.work.fetch_add(units, Ordering::Relaxed).saturating_add(units) > self.budget.load(Ordering::Relaxed) {
            self.end(1);
        }
        self.bounds();
    }
}

#[inline(never)]
fn stack_address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)) as usize
}

/// [`COUNTER`] in one subschema.
struct Counter {
    /// Units for any value: what the keywords beside it compare a value with.
    fixed: u64,
    /// Units for each property or 16 characters.
    each: u64,
    /// Alternatives, each of which keeps a copy of a value that it refuses.
    alternatives: u64,
    /// Whether a string, or the names of properties, meet a pattern that is not matched in linear time.
    backtracks: (bool, bool),
    /// Whether it accepts what it counts.
    accepts: bool,
    gauge: Arc<Gauge>,
}

/// Whether a pattern may look around or back, or is near enough to one that does.
fn backtracks(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    bytes
        .windows(2)
        .any(|two| matches!(two, [b'\\', b'0'..=b'9' | b'k' | b'K' | b'G'] | [b'+' | b'*' | b'?' | b'}', b'+']))
        || pattern.match_indices("(?").any(|(at, _)| bytes.get(at + 2) != Some(&b':'))
}

impl Counter {
    fn new(schema: &Map<String, Value>, accepts: bool, gauge: Arc<Gauge>) -> Self {
        let len = |key: &str| match schema.get(key) {
            Some(Value::Array(items)) => items.len() as u64,
            Some(Value::Object(map)) => map.len() as u64,
            _ => 0,
        };
        let hard = schema.get("pattern").and_then(Value::as_str).is_some_and(backtracks);
        let hard_names =
            schema.get("patternProperties").and_then(Value::as_object).is_some_and(|m| m.keys().any(|p| backtracks(p)));
        let pattern = if hard { 2000 } else { 16 * u64::from(schema.contains_key("pattern")) };
        Self {
            fixed: 1 + len("enum") / 8 + len("required") / 8 + pattern,
            each: 1
                + len("patternProperties") * if hard_names { 2000 } else { 8 }
                + u64::from(schema.contains_key("pattern")),
            alternatives: len("anyOf") + len("oneOf"),
            backtracks: (hard, hard_names),
            accepts,
            gauge,
        }
    }

    fn look(&self, instance: &Value) {
        let size = match instance {
            Value::String(s) if self.backtracks.0 && s.len() > MAX_BACKTRACKED => self.gauge.end(5),
            Value::Object(map) if self.backtracks.1 && map.keys().any(|key| key.len() > MAX_BACKTRACKED) => {
                self.gauge.end(5)
            }
            Value::String(s) => s.len() as u64 / 16,
            Value::Array(items) => items.len() as u64 / 16,
            Value::Object(map) => map.len() as u64,
            _ => 0,
        };
        self.gauge.spend(self.fixed.saturating_add(size.saturating_mul(self.each)));
    }
}

impl<'i> Keyword<'i> for Counter {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        self.look(instance);
        let budget = self.gauge.budget.load(Ordering::Relaxed).saturating_mul(16);
        if let Some(limit) = budget.checked_div(self.alternatives) {
            let mut copied = 0;
            weigh(instance, limit, &mut copied);
            self.gauge.spend(self.alternatives.saturating_mul(copied) / 16);
        }
        if self.accepts { Ok(()) } else { Err(ValidationError::custom("no alternative is left")) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.look(instance);
        self.accepts
    }
}

/// Adds the size of a value, in values and 16 bytes of text, up to about `limit`.
fn weigh(value: &Value, limit: u64, sum: &mut u64) {
    *sum += 1;
    if *sum > limit {
        return;
    }
    match value {
        Value::String(s) => *sum += s.len() as u64 / 16,
        Value::Array(items) => items.iter().for_each(|item| weigh(item, limit, sum)),
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            *sum += key.len() as u64 / 16;
            weigh(value, limit, sum);
        }),
        _ => {}
    }
}

// ---- putting the counter in ----

/// Keywords whose value is a value and no schema.
const VALUES: [&str; 8] =
    ["enum", "const", "default", "examples", "example", "dependentRequired", "$vocabulary", COUNTER];
/// Keywords whose value is a table of schemas.
const NAMED: [&str; 6] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];
/// Keywords that refer to a schema.
const REFS: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// How many values a schema has and how deep it nests; stops counting beyond the limits.
fn measure(value: &Value, depth: usize, count: &mut usize) -> Result<(), String> {
    *count += 1;
    if *count > MAX_SCHEMA_VALUES {
        return Err(format!("the schema has more than {MAX_SCHEMA_VALUES} values: it is not used"));
    }
    if depth > MAX_SCHEMA_DEPTH {
        return Err(format!("the schema nests deeper than {MAX_SCHEMA_DEPTH} levels: it is not used"));
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| measure(item, depth + 1, count)),
        Value::Object(map) => map.values().try_for_each(|value| measure(value, depth + 1, count)),
        _ => Ok(()),
    }
}

/// The schema with [`COUNTER`] in every subschema, or why it is not used.
/// With how many subschemas may be entered in each other for each level of a value.
fn counted(schema: &Value) -> Result<(Value, usize), String> {
    let mut count = 0;
    measure(schema, 0, &mut count)?;
    if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
        return Err("a schema is an object, `true` or `false`".to_owned());
    }
    let mut out = schema.clone();
    let mut seen = Seen::default();
    put(&mut out, &mut seen)?;
    if seen.refs.len() > MAX_REFS {
        return Err(format!("the schema has {} references, at most {MAX_REFS} are followed", seen.refs.len()));
    }
    for target in &seen.refs {
        let fragment = target.split_once('#').map_or("", |(_, fragment)| fragment);
        // A value of an instance may read like a schema, but nothing counts in there.
        if fragment.contains('%') || fragment.split('/').any(|part| VALUES.contains(&part)) {
            let pointed = schema_at(&out, fragment);
            let counts = pointed.is_some_and(|to| to.is_boolean() || to.get(COUNTER).is_some());
            if seen.inner_ids || !counts {
                return Err(format!("the reference {target} does not point to a schema"));
            }
        }
    }
    // Without references a schema is entered no deeper than it nests, whatever the value.
    let chain = if seen.refs.is_empty() { 1 } else { count.min((seen.refs.len() + 1) * levels(schema)) };
    Ok((out, chain))
}

/// How deep a value nests; callers bound it.
fn levels(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(levels).max().unwrap_or(0),
        Value::Object(map) => map.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

fn schema_at<'s>(root: &'s Value, fragment: &str) -> Option<&'s Value> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    root.pointer(std::str::from_utf8(&bytes).ok()?)
}

/// An empty list of alternatives is no valid schema, and stays so.
fn is_empty(list: &Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}

#[derive(Default)]
struct Seen {
    refs: Vec<String>,
    inner_ids: bool,
    below_root: bool,
}

fn put(schema: &mut Value, seen: &mut Seen) -> Result<(), String> {
    match schema {
        Value::Object(map) => {
            if map.contains_key(COUNTER) {
                return Err(format!("`{COUNTER}` is a word of this program"));
            }
            seen.inner_ids |= seen.below_root && (map.contains_key("$id") || map.contains_key("id"));
            seen.below_root = true;
            for (key, value) in map.iter_mut() {
                let key = key.as_str();
                match value {
                    Value::String(target) if REFS.contains(&key) => seen.refs.push(target.clone()),
                    Value::String(pattern) if key == "pattern" && pattern.len() > MAX_PATTERN => {
                        return Err(format!("a pattern has {} bytes, at most {MAX_PATTERN} are used", pattern.len()));
                    }
                    Value::Object(named) if NAMED.contains(&key) => {
                        for (name, value) in named.iter_mut() {
                            if key == "patternProperties" && name.len() > MAX_PATTERN {
                                return Err(format!("a pattern has more than {MAX_PATTERN} bytes"));
                            }
                            put(value, seen)?;
                        }
                    }
                    // What a keyword that nobody knows holds may still be referred to.
                    value if !VALUES.contains(&key) => put(value, seen)?,
                    _ => {}
                }
            }
            let fails = || Value::Object(Map::from_iter([(COUNTER.to_owned(), Value::Bool(false))]));
            for key in ["anyOf", "oneOf"] {
                if let Some(Value::Array(alternatives)) = map.get_mut(key).filter(|list| !is_empty(list)) {
                    alternatives.push(fails());
                }
            }
            for key in ["if", "contains"] {
                let Some(tried) = map.get_mut(key) else { continue };
                let alternatives = vec![tried.take(), fails()];
                *tried = Value::Object(Map::from_iter([("anyOf".to_owned(), Value::Array(alternatives))]));
            }
            map.insert(COUNTER.to_owned(), Value::Bool(true));
        }
        Value::Array(items) => {
            seen.below_root = true;
            for item in items {
                put(item, seen)?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, instance: &str) -> Result<Value, Vec<Violation>> {
        super::check(schema, instance, &()).unwrap()
    }

    fn keyword(schema: &Value, instance: &str) -> String {
        check(schema, instance).unwrap_err()[0].keyword.clone()
    }

    #[test]
    fn a_violation_names_both_pointers_and_the_keyword() {
        let schema = json!({
            "type": "object",
            "required": ["city"],
            "properties": { "city": { "type": "string" }, "days": { "$ref": "#/$defs/days" } },
            "$defs": { "days": { "type": "integer", "minimum": 1 } },
            "additionalProperties": false,
        });
        assert_eq!(check(&schema, r#"{"city":"Bern","days":2}"#).unwrap(), json!({ "city": "Bern", "days": 2 }));
        let found = check(&schema, r#"{"days":0,"b":1}"#).unwrap_err();
        let of = |keyword: &str| found.iter().find(|v| v.keyword == keyword).unwrap();
        assert_eq!(of("minimum").instance_pointer, "/days");
        assert_eq!(of("minimum").schema_pointer, "/$defs/days/minimum");
        assert_eq!(of("required").instance_pointer, "");
        assert_eq!(of("required").schema_pointer, "/required");
        assert_eq!(of("additionalProperties").schema_pointer, "/additionalProperties");
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn no_json_and_no_schema_are_told() {
        assert_eq!(keyword(&json!({}), "{"), "json");
        assert_eq!(keyword(&json!({}), &"[".repeat(100_000)), "json");
        assert_eq!(keyword(&json!(false), "1"), "falseSchema");
        assert_eq!(keyword(&json!({ "type": "strnig" }), "1"), "schema");
        assert_eq!(keyword(&json!(1), "1"), "schema");
        assert_eq!(keyword(&json!({ "pattern": "(" }), "\"a\""), "schema");
        assert_eq!(keyword(&json!({ "properties": { "a": { "$ref": "#/no" } } }), "{}"), "schema");
    }

    #[test]
    fn nothing_is_fetched() {
        for target in ["http://127.0.0.1:1/x", "https://acme.example/s.json", "file:///etc/passwd", "/etc/passwd", "x"]
        {
            assert_eq!(keyword(&json!({ "$ref": target }), "1"), "schema", "{target}");
        }
        assert_eq!(keyword(&json!({ "$schema": "https://acme.example/dialect" }), "1"), "schema");
    }

    #[test]
    fn messages_hide_the_value_and_escape_what_is_unseen() {
        let schema = json!({ "additionalProperties": { "type": "integer", "title": "\u{202e}" } });
        let found = check(&schema, "{\"a\u{202e}\\u001b[2J\":\"secret-value\"}").unwrap_err();
        for text in [&found[0].message, &found[0].instance_pointer, &found[0].schema_pointer] {
            assert!(!text.contains(skillyard_manifest::is_unseen), "{text:?}");
            assert!(!text.contains("secret-value"), "{text:?}");
        }
        let closed = json!({ "properties": { "a": {} }, "additionalProperties": false });
        let found = check(&closed, "{\"\u{202e}\":1}").unwrap_err();
        assert!(found[0].message.contains("\\u{202e}"), "{found:?}");
    }

    /// Thirty levels of two references each.
    fn doubling(word: &str, draft: &str) -> Value {
        let mut defs = Map::new();
        for level in 0..30 {
            let next = json!({ "$ref": format!("#/definitions/l{}", level + 1) });
            let level_schema =
                if word == "if" { json!({ "if": next, "else": next }) } else { json!({ word: [next, next] }) };
            defs.insert(format!("l{level}"), level_schema);
        }
        defs.insert("l30".to_owned(), json!({ "type": "integer" }));
        json!({ "$schema": draft, "allOf": [{ "$ref": "#/definitions/l0" }], "definitions": defs })
    }

    const DRAFTS: [&str; 3] = [
        "https://json-schema.org/draft/2020-12/schema",
        "http://json-schema.org/draft-07/schema#",
        "http://json-schema.org/draft-04/schema#",
    ];

    #[test]
    fn thirty_doubling_levels_end() {
        for draft in DRAFTS {
            for word in ["allOf", "anyOf", "oneOf", "if"] {
                for instance in ["1", "\"no\""] {
                    // Whoever short-cuts may know the answer; nobody may hang.
                    if let Err(found) = check(&doubling(word, draft), instance) {
                        assert!(!found.is_empty());
                        assert!(instance != "1" || word != "allOf" || found[0].keyword == "budget", "{found:?}");
                    }
                }
            }
        }
        let mut nested = json!({ "$ref": "#" });
        nested = json!({ "anyOf": [{ "items": nested.clone(), "minItems": 1 }, { "items": nested, "minItems": 2 }] });
        let _ = check(&nested, &format!("{}1{}", "[".repeat(60), "]".repeat(60)));
    }

    #[test]
    fn endless_recursion_ends() {
        for draft in DRAFTS {
            for schema in [
                json!({ "$schema": draft, "$ref": "#" }),
                json!({ "$schema": draft, "allOf": [{ "$ref": "#" }] }),
                json!({ "$schema": draft, "not": { "$ref": "#" } }),
                json!({ "$schema": draft, "anyOf": [{ "$ref": "#" }, { "allOf": [{ "$ref": "#" }] }] }),
                json!({ "$schema": draft, "$ref": "#/definitions/a", "definitions": {
                    "a": { "$ref": "#/definitions/b" }, "b": { "$ref": "#/definitions/a" } } }),
                json!({ "$schema": draft, "allOf": [{ "$ref": "#/definitions/a" }], "definitions": {
                    "a": { "$ref": "#/definitions/b" }, "b": { "$ref": "#/definitions/c" },
                    "c": { "$ref": "#/definitions/a" } } }),
                json!({ "$schema": draft, "$ref": "#/const", "const": { "allOf": [{ "$ref": "#/const" }] } }),
                json!({ "$schema": draft, "$ref": "#/%63onst", "const": { "allOf": [{ "$ref": "#/%63onst" }] } }),
                json!({ "$schema": draft, "$ref": "#/x/y", "x": { "y": { "allOf": [{ "$ref": "#/x/y" }] } } }),
                json!({ "$schema": draft, "$ref": "#/required/0", "required": [{ "allOf": [{ "$ref": "#/required/0" }] }] }),
            ] {
                let _ = check(&schema, "{\"a\":1}");
            }
        }
        let dynamic = json!({ "$dynamicAnchor": "n", "allOf": [{ "$dynamicRef": "#n" }] });
        let _ = check(&dynamic, "1");
    }

    #[test]
    fn long_chains_of_references_end() {
        for draft in DRAFTS {
            let mut defs = Map::new();
            for i in 0..990 {
                defs.insert(format!("l{i}"), json!({ "$ref": format!("#/definitions/l{}", i + 1) }));
            }
            defs.insert("l990".to_owned(), json!({ "type": "integer" }));
            let schema = json!({ "$schema": draft, "allOf": [{ "$ref": "#/definitions/l0" }], "definitions": defs });
            assert!(check(&schema, "1").is_ok(), "{draft}");
            assert!(check(&schema, "\"a\"").is_err(), "{draft}");
        }
    }

    #[test]
    fn a_long_chain_on_a_deep_value_does_not_meet_the_end_of_the_stack() {
        for draft in DRAFTS {
            for length in [400, 990] {
                let mut defs = Map::new();
                for i in 0..length {
                    let next = json!({ "allOf": [{ "$ref": format!("#/definitions/l{}", i + 1) }] });
                    defs.insert(format!("l{i}"), next);
                }
                defs.insert(format!("l{length}"), json!({ "items": { "$ref": "#/definitions/l0" } }));
                let schema =
                    json!({ "$schema": draft, "allOf": [{ "$ref": "#/definitions/l0" }], "definitions": defs });
                for depth in [40, 120] {
                    let _ = check(&schema, &format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
                }
            }
        }
    }

    #[test]
    fn dependent_names_are_no_schemas() {
        let schema = json!({ "dependentRequired": { "a": ["b"] } });
        assert!(check(&schema, r#"{"a":1,"b":2}"#).is_ok());
        assert_eq!(keyword(&schema, r#"{"a":1}"#), "dependentRequired");
    }

    #[test]
    fn conditions_and_alternatives_mean_what_they_say() {
        let schema = json!({ "if": { "type": "string" }, "then": { "minLength": 2 }, "else": { "minimum": 3 } });
        assert!(check(&schema, "\"ab\"").is_ok() && check(&schema, "3").is_ok());
        assert_eq!(check(&schema, "\"a\"").unwrap_err()[0].schema_pointer, "/then/minLength");
        assert_eq!(check(&schema, "2").unwrap_err()[0].schema_pointer, "/else/minimum");
        let one = json!({ "oneOf": [{ "type": "integer" }, { "minimum": 3 }] });
        assert!(check(&one, "2").is_ok());
        assert_eq!(keyword(&one, "4"), "oneOf");
        assert_eq!(check(&json!({ "anyOf": [{ "type": "null" }] }), "4").unwrap_err()[0].schema_pointer, "/anyOf");
        assert_eq!(keyword(&json!({ "anyOf": [] }), "4"), "schema");
    }

    #[test]
    fn evil_patterns_end() {
        for length in [4000, 50_000] {
            let evil = format!("\"{}!\"", "a".repeat(length));
            for pattern in ["^(a+)+$", "^(a|a)*$", "^(?=(a+)+$)", "(a*)*b", "^(a+)+\\1$", "(?<=a)(a+)+$"] {
                assert!(check(&json!({ "pattern": pattern }), &evil).is_err(), "{pattern}");
                let keys = json!({ "patternProperties": { pattern: false } });
                let _ = check(&keys, &format!("{{{evil}:1}}"));
            }
        }
        assert_eq!(keyword(&json!({ "pattern": "((a{1000}){1000}){1000}" }), "\"a\""), "schema");
        assert_eq!(keyword(&json!({ "pattern": "a".repeat(5000) }), "\"a\""), "schema");
    }

    /// A schema and a value whose check takes long, and counts little on the way.
    fn slow_ones() -> [(Value, Value); 3] {
        let numbers = |from: u32, to: u32| Value::Array((from..to).map(|n| json!([n])).collect());
        let contains = json!({ "not": { "contains": { "$ref": "#/$defs/x" } } });
        let all = |times| json!({ "allOf": vec![contains.clone(); times], "$defs": { "x": { "enum": numbers(10_000, 13_000) } } });
        [
            (json!({ "pattern": "(?=(a+)+$)b" }), json!(format!("{}!", "a".repeat(60_000)))),
            (all(10), numbers(0, 4000)),
            (all(60), numbers(0, 2000)),
        ]
    }

    #[test]
    fn what_one_keyword_does_is_given_up_when_it_takes_too_long() {
        static SLOTS: Slots = Slots::of(3);
        for (schema, instance) in slow_ones() {
            let found = check_within(&schema, instance, Duration::from_millis(50), &SLOTS, &()).unwrap().unwrap_err();
            assert_eq!((found[0].keyword.as_str(), found[0].message.as_str()), ("budget", TOO_LONG), "{schema:.80}");
        }
    }

    #[test]
    fn a_check_ends_when_somebody_says_so() {
        /// Ends what asks.
        struct Ends;
        impl Progress for Ends {
            fn at(&self, _: &'static str, _: u64, _: u64) -> Result<(), Cancelled> {
                Err(Cancelled)
            }
        }
        static SLOTS: Slots = Slots::of(1);
        let (schema, items) = endless();
        assert_eq!(check_within(&schema, items, Duration::from_secs(3600), &SLOTS, &Ends), Err(Cancelled));
    }

    /// Hours of work, in which no item is one of those.
    fn endless() -> (Value, Value) {
        let rare = Value::Array((10_000..19_000).map(|n| json!([n])).collect());
        let contains = json!({ "not": { "contains": { "$ref": "#/$defs/x" } } });
        let schema = json!({ "allOf": vec![contains; 60], "$defs": { "x": { "enum": rare } } });
        (schema, Value::Array(vec![json!([1]); 200_000]))
    }

    #[test]
    fn a_check_that_was_given_up_gives_its_place_back_while_its_keyword_goes_on() {
        static SLOTS: Slots = Slots::of(1);
        let (schema, items) = endless();
        let found = check_within(&schema, items, Duration::from_millis(1), &SLOTS, &()).unwrap().unwrap_err();
        assert_eq!(found[0].keyword, "budget");
        while SLOTS.take().is_none() {}
        assert!(check(&json!({ "contains": { "const": 1 } }), "[0, 1]").is_ok());
        let found = check(&json!({ "contains": { "const": 1 } }), "[0, 2]").unwrap_err();
        assert_eq!((found[0].keyword.as_str(), found[0].schema_pointer.as_str()), ("contains", "/contains"));
        let none = json!({ "contains": { "const": 1 }, "minContains": 2, "maxContains": 2 });
        assert!(
            check(&none, "[1, 0, 1]").is_ok() && check(&none, "[1, 0]").is_err() && check(&none, "[1, 1, 1]").is_err()
        );
        let evaluated = json!({ "contains": { "const": 1 }, "unevaluatedItems": false });
        assert!(check(&evaluated, "[1, 1]").is_ok() && check(&evaluated, "[1, 0]").is_err());
    }

    #[test]
    fn where_all_places_are_taken_nothing_is_checked() {
        static SLOTS: Slots = Slots::of(2);
        const LONG: Duration = Duration::from_secs(3600);
        let check = |schema: Value, time| check_within(&schema, json!(1), time, &SLOTS, &()).unwrap();
        let take = || {
            loop {
                if let Some(slot) = SLOTS.take() {
                    break slot;
                }
            }
        };
        let first = take();
        assert_eq!(check(json!({}), LONG), Ok(json!(1)));
        let second = take();
        let found = check(json!({}), Duration::from_millis(1)).unwrap_err();
        assert_eq!(found[0].keyword, "budget");
        assert!(found[0].message.contains("not checked"), "{found:?}");
        drop((first, second));
        // A check that unwinds gives its place back, as any other.
        for _ in 0..3 {
            assert!(check(doubling("allOf", DRAFTS[0]), LONG).is_err());
            assert_eq!(check(json!({}), LONG), Ok(json!(1)));
        }
    }

    #[test]
    fn huge_schemas_and_instances_are_refused() {
        let values: Vec<u32> = (0..100_000).collect();
        assert_eq!(keyword(&json!({ "enum": values }), "1"), "schema");
        let few: Vec<u32> = (0..19_000).collect();
        assert!(check(&json!({ "enum": few }), "18999").is_ok());
        let many = format!("[{}1]", "1,".repeat(100_000));
        let _ = check(&json!({ "items": { "enum": few } }), &many);
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({ "not": deep });
        }
        assert_eq!(keyword(&deep, "1"), "schema");
        assert_eq!(keyword(&json!({}), &" ".repeat(MAX_INSTANCE_BYTES + 1)), "budget");
        assert_eq!(keyword(&json!({}), &format!("[{}1]", "1,".repeat(MAX_VALUES))), "budget");
    }

    #[test]
    fn many_violations_are_a_few() {
        let many = format!("[{}1]", "1,".repeat(10_000));
        let found = check(&json!({ "items": { "type": "string" } }), &many).unwrap_err();
        assert_eq!(found.len(), MAX_VIOLATIONS);
        let alternatives = vec![json!({ "type": "string" }); 1000];
        assert!(check(&json!({ "anyOf": alternatives }), &many).is_err());
    }

    #[test]
    fn an_own_word_in_a_schema_is_refused() {
        assert_eq!(keyword(&json!({ COUNTER: 1 }), "1"), "schema");
    }
}
