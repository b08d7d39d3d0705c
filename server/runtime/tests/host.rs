//! One call of a tool of each kind: what it gets, what it gives, and what ends it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use skillyard_artifact::module::{ModuleKind, scan};
use skillyard_runtime::call::{
    Call, Decision, Finished, Folder, Given, Held, HostCall, HttpRequest, HttpResponse, Limits, Log, LogLevel, Outcome,
    Outside, Refusal,
};
use skillyard_runtime::host::{Code, compile, engine_tag, run};

const BIG: u64 = 1 << 50;
const MEMORY: u64 = 64 << 20;

/// A world that notes what is asked of it.
#[derive(Default)]
struct World {
    logs: Mutex<Vec<Log>>,
    calls: Mutex<Vec<HostCall>>,
    requests: Mutex<Vec<HttpRequest>>,
    /// Where it is set, a request waits until its other end goes.
    hang: Mutex<Option<Receiver<()>>>,
}

impl Outside for World {
    fn http(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        if let Some(hang) = self.hang.lock().unwrap().take() {
            let _ = hang.recv();
        }
        self.requests.lock().unwrap().push(request.clone());
        if request.url.contains("denied.example") {
            return Err(Refusal::Denied("not granted".to_owned()));
        }
        let body = format!("{} {} {}", request.method, request.url, String::from_utf8_lossy(&request.body));
        let headers = vec![("x-answer".to_owned(), b"yes".to_vec())];
        Ok(HttpResponse { status: 201, headers, body: body.into_bytes(), held: Held::default() })
    }

    fn secret(&self, name: &str) -> Result<String, Refusal> {
        if let Some(hang) = self.hang.lock().unwrap().take() {
            let _ = hang.recv();
        }
        match name {
            "api/token" => Ok("s3cret".to_owned()),
            "api/gone" => Err(Refusal::Failed("none is stored".to_owned())),
            _ => Err(Refusal::Denied("not declared".to_owned())),
        }
    }

    fn log(&self, log: Log) {
        self.logs.lock().unwrap().push(log);
    }

    fn host_call(&self, call: HostCall) {
        self.calls.lock().unwrap().push(call);
    }
}

impl World {
    fn lines(&self) -> Vec<(LogLevel, String)> {
        self.logs.lock().unwrap().iter().map(|log| (log.level, log.text.clone())).collect()
    }

    fn told(&self) -> Vec<(String, String, Decision)> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|call| (call.name.clone(), call.arguments.clone(), call.decision.clone())).collect()
    }
}

fn call(kind: ModuleKind, tool: &str, input: &str) -> Call {
    Call {
        kind,
        tool_id: tool.to_owned(),
        entry: "run".to_owned(),
        input: input.to_owned(),
        limits: Limits::of_quotas(BIG, MEMORY, 60_000),
        given: Given::default(),
        deterministic: None,
    }
}

fn wat(text: &str) -> Vec<u8> {
    compile(&wat::parse_str(text).unwrap()).unwrap()
}

fn go(code: &[u8], call: &Call) -> (Finished, Arc<World>) {
    let world = Arc::new(World::default());
    (go_in(code, call, &world), world)
}

fn go_in(code: &[u8], call: &Call, world: &Arc<World>) -> Finished {
    run(Code::Bytes(code.to_vec()), call, Arc::clone(world) as Arc<dyn Outside>)
}

/// Runs a plugin's text with changed limits.
fn plugin(text: &str, change: impl FnOnce(&mut Limits)) -> Finished {
    let mut call = call(ModuleKind::PalyraPlugin, "t", "{}");
    change(&mut call.limits);
    go(&wat(text), &call).0
}

fn guest(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests").join(name)
}

fn compiled(name: &str) -> Vec<u8> {
    compile(&std::fs::read(guest(name)).unwrap()).unwrap()
}

/// What ended it, and that its text says how much was allowed and names the key that sets it.
#[track_caller]
fn ended(finished: &Finished, outcome: Outcome, words: &[&str]) {
    assert_eq!(finished.outcome, outcome, "{finished:?}");
    let error = finished.error.as_deref().unwrap();
    for word in words {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
    assert_eq!(finished.output, None);
}

// ---- Compiling

#[test]
fn the_text_format_is_not_taken() {
    for text in ["(module)", " \n(component)", ";; a comment\n(module)", "(; one ;) (module)"] {
        let error = compile(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("text format") && error.contains("wasm-tools parse"), "{error}");
    }
    for bytes in [&b""[..], b"MZ", b"\0asn"] {
        let error = compile(bytes).unwrap_err().to_string();
        assert!(error.contains("`\\0asm`") && !error.contains('\n'), "{error}");
    }
    compile(b"\0asm").unwrap_err();
}

#[test]
fn what_is_switched_off_does_not_compile() {
    for text in [
        "(module (memory 1 1 shared))",
        "(module (tag))",
        "(module (type (struct)))",
        "(module (type (func)) (func (param (ref null 0))))",
        "(module (func (param anyref)))",
        // What the collector would keep.
        "(module (func (param externref)))",
    ] {
        let error = compile(&wat::parse_str(text).unwrap()).unwrap_err();
        assert!(error.to_string().contains("does not compile"), "{text}: {error}");
    }
}

#[test]
fn what_is_on_compiles() {
    for text in [
        "(module (func (result v128) v128.const i64x2 1 2))",
        "(module (memory 1) (memory 1))",
        "(module (memory i64 1))",
        "(module (func $f return_call $f))",
        "(module (func (result i32 i64) i32.const 1 i64.const 2))",
    ] {
        compile(&wat::parse_str(text).unwrap()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn code_of_something_else_does_not_load() {
    for kind in [
        ModuleKind::PalyraPlugin,
        ModuleKind::WasiPreview1Command,
        ModuleKind::WasiCommandComponent,
        ModuleKind::PalyraToolComponent,
    ] {
        let (finished, _) = go(b"nonsense", &call(kind, "t", "{}"));
        ended(&finished, Outcome::DoesNotCompile, &["cache"]);
    }
    // A component where a module is expected.
    let (finished, _) = go(&wat("(component)"), &call(ModuleKind::PalyraPlugin, "t", "{}"));
    ended(&finished, Outcome::DoesNotCompile, &[]);
    let (finished, _) = go(&wat("(component)"), &call(ModuleKind::Other, "t", "{}"));
    ended(&finished, Outcome::MissingExport, &["neither `wasi:cli/run` nor `palyra:skill/tool`"]);
    assert_eq!(finished.daemon_outcome.as_deref(), Some("Compile"));
}

#[test]
fn code_runs_from_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), wat(r#"(module (func (export "run") (result i32) i32.const 7))"#)).unwrap();
    let call = call(ModuleKind::PalyraPlugin, "t", "{}");
    let finished = run(Code::File(file.reopen().unwrap()), &call, Arc::new(World::default()));
    assert_eq!((finished.outcome, finished.exit_code), (Outcome::Ok, Some(7)));
    assert_eq!(finished.output.as_deref(), Some(r#"{"exit_code":7}"#));
}

#[test]
fn the_tag_stands_still() {
    assert_eq!(engine_tag(), engine_tag());
}

// ---- Quotas

const LOOP: &str = r#"(module (func (export "run") (result i32) (loop $l br $l) i32.const 0))"#;

#[test]
fn an_endless_loop_ends_at_its_fuel() {
    let finished = plugin(LOOP, |limits| limits.fuel = 1_000_000);
    ended(&finished, Outcome::FuelExhausted, &["1000000", "capabilities.quotas.fuel_budget"]);
    assert_eq!((finished.fuel.used, finished.fuel.budget), (1_000_000, 1_000_000));
    assert_eq!(finished.daemon_outcome.as_deref(), Some("ExecutionLimitExceeded"));
}

#[test]
fn an_endless_loop_ends_at_the_wall_clock() {
    // A busy machine may take longer than that to begin.
    let finished = [50, 500, 5000, 50_000].into_iter().map(|ms| {
        let finished = plugin(LOOP, |limits| limits.wall_clock_ms = ms);
        ended(&finished, Outcome::TimedOut, &[&format!("{ms} ms"), "capabilities.quotas.wall_clock_timeout_ms"]);
        finished
    });
    let finished = finished.into_iter().find(|finished| finished.fuel.used > 0).expect("it began");
    assert_eq!(finished.daemon_outcome.as_deref(), Some("ExecutionTimedOut"));
}

#[test]
fn nothing_runs_after_the_deadline() {
    let finished =
        plugin(r#"(module (func (export "run") (result i32) i32.const 7))"#, |limits| limits.wall_clock_ms = 0);
    ended(&finished, Outcome::TimedOut, &["0 ms"]);
    assert_eq!((finished.fuel.used, finished.exit_code), (0, None));
}

#[test]
fn a_start_function_that_loops_ends_the_same_ways() {
    let text = r#"(module (func $s (loop $l br $l)) (start $s) (func (export "run") (result i32) i32.const 0))"#;
    ended(&plugin(text, |limits| limits.fuel = 1_000), Outcome::FuelExhausted, &["1000 units"]);
    ended(&plugin(text, |limits| limits.wall_clock_ms = 50), Outcome::TimedOut, &["50 ms"]);
}

#[test]
fn deep_recursion_is_a_stack_overflow() {
    let text = r#"(module (func $f (export "run") (result i32) (i32.add (call $f) (i32.const 1))))"#;
    let finished = plugin(text, |_| ());
    ended(&finished, Outcome::StackOverflow, &["524288 bytes"]);
    assert_eq!(finished.daemon_outcome.as_deref(), Some("Execution"));
}

#[test]
fn memory_fill_in_a_loop_ends_at_the_wall_clock() {
    let text = r#"(module (memory 1000) (func (export "run") (result i32)
        (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536000)) br $l) i32.const 0))"#;
    ended(&plugin(text, |limits| limits.wall_clock_ms = 100), Outcome::TimedOut, &["100 ms"]);
}

#[test]
fn a_memory_of_65536_pages_is_too_much() {
    let finished = plugin(r#"(module (memory 65536) (func (export "run") (result i32) i32.const 0))"#, |_| ());
    ended(&finished, Outcome::MemoryExceeded, &["4294967296", "67108864", "capabilities.quotas.max_memory_bytes"]);
    assert_eq!(finished.daemon_outcome.as_deref(), Some("ExecutionLimitExceeded"));
    assert_eq!(finished.memory.peak_bytes, 0);
}

#[test]
fn ten_memories_count_together() {
    let text = format!(
        r#"(module {} (func (export "run") (result i32) (memory.grow 0 (i32.const 1))))"#,
        "(memory 16)".repeat(10)
    );
    // Ten of a mebibyte, and a page more.
    let finished = plugin(&text, |limits| limits.memory_bytes = (10 << 20) + 65536);
    assert_eq!((finished.outcome, finished.exit_code), (Outcome::Ok, Some(16)));
    assert_eq!(finished.memory.peak_bytes, (10 << 20) + 65536);
    let finished = plugin(&text, |limits| limits.memory_bytes = 10 << 20);
    assert_eq!((finished.outcome, finished.exit_code), (Outcome::Ok, Some(-1)), "a refused growth is a number");
    // The daemon would have let it grow.
    assert_eq!(finished.daemon_outcome, None);
    ended(&plugin(&text, |limits| limits.memory_bytes = (10 << 20) - 1), Outcome::MemoryExceeded, &["10485760"]);
}

#[test]
fn a_growth_that_overflows_does_not_count_backwards() {
    // Grows by one, then by more than there are pages, over and over: the limit holds all the same.
    let text = r#"(module (memory 1) (func (export "run") (result i32) (local i32)
        (loop $l
            (drop (memory.grow (i32.const -1)))
            (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (memory.size)))"#;
    let finished = plugin(text, |limits| limits.memory_bytes = 10 * 65536);
    assert_eq!((finished.outcome, finished.exit_code), (Outcome::Ok, Some(10)));
    assert_eq!(finished.memory.peak_bytes, 10 * 65536);
}

#[test]
fn a_trap_after_memory_was_refused_says_so() {
    let text = r#"(module (memory 1) (func (export "run") (result i32)
        (if (i32.eq (memory.grow (i32.const 65000)) (i32.const -1)) (then unreachable)) i32.const 0))"#;
    let finished = plugin(text, |_| ());
    ended(&finished, Outcome::MemoryExceeded, &["capabilities.quotas.max_memory_bytes", "unreachable"]);
    assert_eq!(finished.daemon_outcome.as_deref(), Some("Execution"));
}

#[test]
fn ten_million_table_elements_are_too_many() {
    let text = r#"(module (table 10000000 funcref) (func (export "run") (result i32) i32.const 0))"#;
    let finished = plugin(text, |limits| limits.memory_bytes = 1 << 32);
    ended(&finished, Outcome::TableExceeded, &["10000000", "100000"]);
    assert_eq!(finished.daemon_outcome.as_deref(), Some("ExecutionLimitExceeded"));
}

#[test]
fn tables_count_as_memory() {
    let text =
        format!(r#"(module {} (func (export "run") (result i32) i32.const 0))"#, "(table 100000 funcref)".repeat(10));
    ended(&plugin(&text, |limits| limits.memory_bytes = 1 << 20), Outcome::MemoryExceeded, &["max_memory_bytes"]);
    let finished = plugin(&text, |_| ());
    assert_eq!(finished.outcome, Outcome::Ok);
    assert_eq!(finished.memory.peak_bytes, 10 * 100_000 * size_of::<usize>() as u64);
}

/// A command of WASI 0.2 with so many instances.
fn instances(count: usize) -> String {
    format!(
        r#"(component
            (core module $m (func (export "run") (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            {}
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance $run (export "run" (func $run)))
            (export "wasi:cli/run@0.2.3" (instance $run)))"#,
        "(core instance (instantiate $m))".repeat(count - 1)
    )
}

#[test]
fn ten_thousand_instances_are_too_many() {
    let call = call(ModuleKind::WasiCommandComponent, "t", "{}");
    assert_eq!(go(&wat(&instances(256)), &call).0.outcome, Outcome::Ok);
    ended(&go(&wat(&instances(257)), &call).0, Outcome::InstancesExceeded, &["256"]);
    // Ten thousand, by components in a component: so many in one are not even taken by the compiler.
    compile(&wat::parse_str(instances(10_000)).unwrap()).unwrap_err();
    let inner = format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(100));
    let nested = format!("(component $c {inner}) {}", "(instance (instantiate $c))".repeat(100));
    let text = instances(1).replacen("(component", &format!("(component {nested}"), 1);
    ended(&go(&wat(&text), &call).0, Outcome::InstancesExceeded, &["256"]);
}

#[test]
fn what_is_missing_is_named() {
    let finished =
        plugin(r#"(module (import "env" "x" (func)) (func (export "run") (result i32) i32.const 0))"#, |_| ());
    ended(&finished, Outcome::DoesNotLink, &["env", "x"]);
    let finished = plugin("(module)", |_| ());
    ended(&finished, Outcome::MissingExport, &["`run`"]);
    let finished = plugin(r#"(module (func (export "run") (result i32) unreachable))"#, |_| ());
    ended(&finished, Outcome::Trapped, &["unreachable"]);
}

#[test]
fn handles_are_told() {
    let text = r#"(module
        (import "palyra:plugins/host-capabilities@0.1.0" "http-handle" (func $h (param i32) (result i32)))
        (import "palyra:plugins/host-capabilities@0.1.0" "http-count" (func $n (result i32)))
        (func (export "run") (result i32)
            (drop (call $h (i32.const 1))) (drop (call $n)) (call $h (i32.const 0))))"#;
    let mut call = call(ModuleKind::PalyraPlugin, "t", "{}");
    call.given.http_hosts = vec![" b.example ".to_owned()];
    let (finished, world) = go(&wat(text), &call);
    assert_eq!(finished.exit_code, Some(10_000));
    let told = world.told();
    assert!(
        matches!(&told[0], (name, place, Decision::Denied(_)) if name == "http-handle" && place == "1"),
        "{told:?}"
    );
    assert_eq!(told[1], ("http-count".to_owned(), "→ 1".to_owned(), Decision::Allowed));
    assert_eq!(told[2], ("http-handle".to_owned(), "0: b.example".to_owned(), Decision::Allowed));
}

#[test]
fn a_plugin_has_no_handle_of_what_the_policy_withholds() {
    let text = r#"(module
        (import "palyra:plugins/host-capabilities@0.1.0" "http-handle" (func $h (param i32) (result i32)))
        (import "palyra:plugins/host-capabilities@0.1.0" "http-count" (func $n (result i32)))
        (import "palyra:plugins/host-capabilities@0.1.0" "storage-handle" (func $s (param i32) (result i32)))
        (func (export "run") (result i32)
            (i32.add (call $n) (i32.add (call $h (i32.const 0)) (call $s (i32.const 0))))))"#;
    let mut call = call(ModuleKind::PalyraPlugin, "t", "{}");
    call.given.http_hosts = vec!["a.example".to_owned()];
    call.given.storage_prefixes = vec!["out".to_owned()];
    call.given.withheld = vec!["skill.capability.http.egress".to_owned()];
    let (finished, world) = go(&wat(text), &call);
    assert_eq!(finished.exit_code, Some(30_000 - 1), "none of the one, -1 for it, and the other");
    let told = world.told();
    for (at, (name, what)) in [("http-count", "→ 0"), ("http-handle", "0")].into_iter().enumerate() {
        let Decision::Denied(why) = &told[at].2 else { panic!("{told:?}") };
        assert_eq!((told[at].0.as_str(), told[at].1.as_str()), (name, what));
        assert!(why.contains("the policy does not give skill.capability.http.egress"), "{why}");
    }
    assert_eq!(told[2].2, Decision::Allowed, "{told:?}");
    let handles = skillyard_runtime::host::handles(&call.given);
    assert_eq!((handles.http, handles.storage), (vec![], vec![30_000]));
}

// ---- Commands: the same source as preview 1 and as a component of 0.2

/// The two builds of `command.c`.
static COMMANDS: LazyLock<[(ModuleKind, Vec<u8>); 2]> = LazyLock::new(|| {
    [
        (ModuleKind::WasiPreview1Command, compiled("command.wasm")),
        (ModuleKind::WasiCommandComponent, compiled("command-component.wasm")),
    ]
});

/// Runs a tool of both builds.
#[track_caller]
fn command(tool: &str, input: &str, change: impl Fn(&mut Call), check: impl Fn(Finished, Arc<World>)) {
    for (kind, code) in COMMANDS.iter() {
        let mut call = call(*kind, tool, input);
        change(&mut call);
        let (finished, world) = go(code, &call);
        let daemon = (*kind == ModuleKind::WasiPreview1Command).then_some("Linker");
        assert_eq!(
            finished.daemon_outcome.as_deref(),
            daemon,
            "a daemon provides nothing of WASI, and runs no component"
        );
        check(finished, world);
    }
}

#[test]
fn the_kinds_are_what_the_audit_reads() {
    for (name, kind) in [
        ("command.wasm", ModuleKind::WasiPreview1Command),
        ("command-component.wasm", ModuleKind::WasiCommandComponent),
        ("tool.wasm", ModuleKind::PalyraToolComponent),
    ] {
        assert_eq!(scan(&std::fs::read(guest(name)).unwrap(), &()).unwrap().kind("run"), kind, "{name}");
    }
}

#[test]
fn a_command_gets_its_input_and_gives_its_output() {
    command(
        "echo",
        r#"{"a":[1,"ž"]}"#,
        |_| (),
        |finished, world| {
            assert_eq!((finished.outcome, finished.exit_code), (Outcome::Ok, Some(0)), "{finished:?}");
            assert_eq!(finished.output.as_deref(), Some(r#"{"a":[1,"ž"]}"#));
            assert_eq!(finished.error, None);
            assert_eq!(
                world.lines(),
                [(LogLevel::Stderr, "hello".to_owned()), (LogLevel::Stderr, "from echo, with 2 arguments".to_owned())]
            );
            assert!(finished.fuel.used > 0 && finished.memory.peak_bytes > 0);
        },
    );
}

#[test]
fn an_exit_code_is_the_tools_error() {
    command(
        "fail",
        "{}",
        |_| (),
        |finished, world| {
            assert_eq!(finished.outcome, Outcome::ToolError);
            // WASI 0.2 knows success and failure only.
            let code = if finished.daemon_outcome.is_some() { 3 } else { 1 };
            assert_eq!(finished.exit_code, Some(code));
            assert!(finished.error.unwrap().contains(&format!("exit code {code}")));
            assert_eq!(world.lines(), [(LogLevel::Stderr, "it is broken".to_owned())]);
        },
    );
}

#[test]
fn every_exit_code_is_one() {
    for code in [0, 1, 125, 126, 127, 255, 256] {
        let text = format!(
            r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const {code}))))"#
        );
        let (finished, _) = go(&wat(&text), &call(ModuleKind::WasiPreview1Command, "t", "{}"));
        let outcome = if code == 0 { Outcome::Ok } else { Outcome::ToolError };
        assert_eq!((finished.outcome, finished.exit_code), (outcome, Some(code)), "{finished:?}");
    }
}

#[test]
fn a_command_sees_nothing_of_where_it_runs() {
    command(
        "surroundings",
        "{}",
        |_| (),
        |finished, _| {
            assert_eq!(finished.output.as_deref(), Some(r#"{"program":"tool","environment":0}"#));
        },
    );
}

#[test]
fn a_command_ends_at_its_limits() {
    command(
        "loop",
        "{}",
        |call| call.limits.fuel = 10_000_000,
        |finished, _| {
            ended(&finished, Outcome::FuelExhausted, &["10000000"]);
        },
    );
    command(
        "loop",
        "{}",
        |call| call.limits.wall_clock_ms = 50,
        |finished, _| {
            ended(&finished, Outcome::TimedOut, &["50 ms"]);
        },
    );
    command(
        "memory-trap",
        "{}",
        |_| (),
        |finished, _| {
            ended(&finished, Outcome::MemoryExceeded, &["67108864"]);
            assert!(finished.memory.peak_bytes <= MEMORY && finished.memory.peak_bytes > MEMORY / 2);
        },
    );
    // A tool that copes with less memory than it wants is fine.
    // (What makes a component of it needs a page of its own at the end.)
    let (finished, _) = go(&COMMANDS[0].1, &call(ModuleKind::WasiPreview1Command, "memory", "{}"));
    assert_eq!(finished.outcome, Outcome::Ok, "{finished:?}");
    assert!(finished.memory.peak_bytes <= MEMORY && finished.memory.peak_bytes > MEMORY / 2);
}

#[test]
fn deep_recursion_of_a_command_ends() {
    // Its own stack, in its memory, or the host's: whichever is over first.
    command(
        "recurse",
        "{}",
        |_| (),
        |finished, _| {
            assert!(matches!(finished.outcome, Outcome::Trapped | Outcome::StackOverflow), "{finished:?}");
        },
    );
}

#[test]
fn a_flood_ends() {
    command("output", "{}", |_| (), |finished, _| ended(&finished, Outcome::OutputTooLarge, &["16777216"]));
    command(
        "logs",
        "{}",
        |_| (),
        |finished, world| {
            ended(&finished, Outcome::LogTooLarge, &["1048576"]);
            let told: usize = world.lines().iter().map(|(_, line)| line.len() + 1).sum();
            assert!(told <= 1 << 20 && told > (1 << 20) - 100, "{told}");
        },
    );
    command(
        "long-line",
        "{}",
        |_| (),
        |finished, world| {
            ended(&finished, Outcome::LogTooLarge, &["1048576"]);
            assert_eq!(world.lines().len(), 1, "what was written of it is told");
        },
    );
}

#[test]
fn output_that_is_no_text_is_invalid() {
    command("binary", "{}", |_| (), |finished, _| ended(&finished, Outcome::OutputInvalid, &["byte 2"]));
}

#[test]
fn a_sleep_ends_at_the_wall_clock() {
    let before = Instant::now();
    command(
        "sleep",
        "{}",
        |call| call.limits.wall_clock_ms = 50,
        |finished, _| {
            ended(&finished, Outcome::TimedOut, &["50 ms"]);
        },
    );
    assert!(before.elapsed() < Duration::from_secs(60), "an hour's sleep was not waited for");
}

#[test]
fn a_deterministic_call_is_the_same_twice() {
    let seen = Mutex::new(Vec::new());
    command(
        "random",
        "{}",
        |call| call.deterministic = Some(7),
        |finished, _| {
            seen.lock().unwrap().push(finished.output.unwrap());
        },
    );
    command(
        "random",
        "{}",
        |call| call.deterministic = Some(7),
        |finished, _| {
            seen.lock().unwrap().push(finished.output.unwrap());
        },
    );
    let seen = seen.into_inner().unwrap();
    assert!(seen.iter().all(|output| *output == seen[0]), "{seen:?}");
    assert!(seen[0].contains(r#""wall":946684800,"steady":0"#), "{seen:?}");
    command(
        "random",
        "{}",
        |call| call.deterministic = Some(8),
        |finished, _| {
            assert_ne!(finished.output.unwrap(), seen[0]);
        },
    );
    command("random", "{}", |_| (), |finished, _| assert_ne!(finished.output.unwrap(), seen[0]));
}

// ---- Other languages

#[test]
fn a_plugin_in_assemblyscript_runs() {
    let mut call = call(ModuleKind::PalyraPlugin, "t", "{}");
    call.given.http_hosts = vec!["b.example".to_owned(), "a.example".to_owned()];
    let code = compiled("plugin-assemblyscript.wasm");
    assert_eq!(go(&code, &call).0.exit_code, Some(10_000 + 10_001));
    call.given.secret_keys = vec!["a/b".to_owned()];
    assert_eq!(go(&code, &call).0.exit_code, Some(10_000 + 10_001 + 20_000));
}

#[test]
fn a_command_in_assemblyscript_runs() {
    let code = compiled("command-assemblyscript.wasm");
    let (finished, world) = go(&code, &call(ModuleKind::WasiPreview1Command, "t", "[1]"));
    assert_eq!(finished.output.as_deref(), Some(r#"{"tool":"t","input":[1]}"#), "{finished:?}");
    assert_eq!(world.lines(), [(LogLevel::Stderr, "hello from AssemblyScript".to_owned())]);
}

#[test]
#[ignore = "needs tests/guests/build.sh to be run: the module is large"]
fn a_command_in_go_runs() {
    let folders = Folders::new();
    // Its library makes paths absolute in a way of its own, so it is given absolute ones.
    let mut call = call(ModuleKind::WasiPreview1Command, "t", r#"{"path":"/in/a.txt"}"#);
    folders.give(&mut call);
    for folder in &mut call.given.folders {
        folder.guest.insert(0, '/');
    }
    let (finished, world) = go(&compiled("big/command-go.wasm"), &call);
    assert_eq!(finished.outcome, Outcome::Ok, "{finished:?} {:?} {:?}", world.lines(), world.told());
    assert_eq!(finished.output.as_deref(), Some("{\"text\":\"in it\",\"tool\":\"t\"}\n"));
    assert_eq!(world.lines(), [(LogLevel::Stderr, "hello from Go".to_owned())]);
}

#[test]
#[ignore = "needs tests/guests/build.sh to be run: the component is large"]
fn a_tool_in_javascript_runs() {
    let code = compiled("big/tool-js.wasm");
    let (finished, world) = go(&code, &call(ModuleKind::PalyraToolComponent, "t", r#"{"a":1}"#));
    assert_eq!(finished.output.as_deref(), Some(r#"{"tool":"t","asked":{"a":1}}"#), "{finished:?}");
    assert_eq!(world.lines(), [(LogLevel::Info, "hello from JavaScript".to_owned())]);
    let (finished, _) = go(&code, &call(ModuleKind::PalyraToolComponent, "secret", r#"{"name":"api/token"}"#));
    assert_eq!(finished.output.as_deref(), Some(r#"{"length":6}"#), "{finished:?}");
    let (finished, _) = go(&code, &call(ModuleKind::PalyraToolComponent, "fail", r#"{"name":"x"}"#));
    ended(&finished, Outcome::ToolError, &["not found", "there is no x"]);
}

// ---- Files

/// A folder with one that is read and one that is written, and a secret beside them.
struct Folders {
    all: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        for folder in ["in", "out"] {
            std::fs::create_dir(all.path().join(folder)).unwrap();
        }
        std::fs::write(all.path().join("in/a.txt"), "in it").unwrap();
        std::fs::write(all.path().join("out/b.txt"), "before").unwrap();
        std::fs::write(all.path().join("outside.txt"), "not yours").unwrap();
        Self { all }
    }

    fn give(&self, call: &mut Call) {
        call.given.folders = ["in", "out"].map(|name| Folder::new(self.all.path(), name, name, name == "out")).to_vec();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.all.path().join(path)).unwrap()
    }
}

/// Runs a tool of files, in both builds, each in fresh folders.
#[track_caller]
fn files(tool: &str, input: &str, prepare: impl Fn(&Folders), check: impl Fn(&str, &Folders, &World)) {
    for (kind, code) in COMMANDS.iter() {
        let folders = Folders::new();
        prepare(&folders);
        let mut call = call(*kind, tool, &format!("\"{input}\""));
        folders.give(&mut call);
        let (finished, world) = go(code, &call);
        assert_eq!(finished.outcome, Outcome::Ok, "{kind:?} {finished:?}");
        check(&finished.output.unwrap(), &folders, &world);
        assert_eq!(folders.read("outside.txt"), "not yours");
        assert_eq!(folders.read("in/a.txt"), "in it");
    }
}

fn refused(output: &str) -> bool {
    output.starts_with(r#"{"result":-1"#)
}

#[test]
fn granted_files_are_read_and_written() {
    files(
        "read",
        "in/a.txt",
        |_| (),
        |output, _, world| {
            assert_eq!(output, "\"in it\"");
            assert_eq!(world.told(), [("open".to_owned(), "in/a.txt".to_owned(), Decision::Allowed)]);
        },
    );
    files(
        "write",
        "out/new.txt",
        |_| (),
        |output, folders, world| {
            assert!(!refused(output), "{output}");
            assert_eq!(folders.read("out/new.txt"), "written");
            assert_eq!(world.told(), [("open".to_owned(), "out/new.txt".to_owned(), Decision::Allowed)]);
        },
    );
    files("mkdir", "out/sub", |_| (), |_, folders, _| assert!(folders.all.path().join("out/sub").is_dir()));
    files("unlink", "out/b.txt", |_| (), |_, folders, _| assert!(!folders.all.path().join("out/b.txt").exists()));
    files(
        "rename",
        "out/b.txt out/c.txt",
        |_| (),
        |_, folders, world| {
            assert_eq!(folders.read("out/c.txt"), "before");
            assert_eq!(world.told(), [("rename".to_owned(), "out/b.txt -> out/c.txt".to_owned(), Decision::Allowed)]);
        },
    );
}

#[test]
fn a_folder_that_is_read_is_not_written() {
    for (tool, paths) in [
        ("write", "in/new.txt"),
        ("write", "in/a.txt"),
        ("truncate", "in/a.txt"),
        ("unlink", "in/a.txt"),
        ("mkdir", "in/sub"),
        ("rename", "in/a.txt in/b.txt"),
        ("rename", "in/a.txt out/a.txt"),
        ("rename", "out/b.txt in/a.txt"),
        ("link", "in/a.txt out/a.txt"),
        ("link", "out/b.txt in/b.txt"),
        ("link", "in/a.txt in/b.txt"),
        ("symlink", "a.txt in/b.txt"),
    ] {
        files(
            tool,
            paths,
            |_| (),
            |output, folders, world| {
                assert!(refused(output), "{tool} {paths}: {output}");
                assert_eq!(std::fs::read_dir(folders.all.path().join("in")).unwrap().count(), 1, "{tool} {paths}");
                assert_eq!(std::fs::read_dir(folders.all.path().join("out")).unwrap().count(), 1, "{tool} {paths}");
                let told = world.told();
                assert!(matches!(told.last(), Some((_, _, Decision::Denied(_)))), "{tool} {paths}: {told:?}");
            },
        );
    }
}

#[test]
fn no_path_leads_out() {
    for path in ["out/../outside.txt", "out/../../outside.txt", "/outside.txt", "outside.txt", "/etc/passwd", "."] {
        files("read", path, |_| (), |output, _, _| assert!(refused(output), "{path}: {output}"));
    }
}

#[cfg(unix)]
#[test]
fn no_symbolic_link_leads_out() {
    let link = |folders: &Folders| {
        use std::os::unix::fs::symlink;
        symlink(folders.all.path().join("outside.txt"), folders.all.path().join("out/absolute")).unwrap();
        symlink("../outside.txt", folders.all.path().join("out/relative")).unwrap();
        symlink("..", folders.all.path().join("out/up")).unwrap();
        symlink("../out/b.txt", folders.all.path().join("in/other")).unwrap();
    };
    for path in ["out/absolute", "out/relative", "out/up/outside.txt", "in/other"] {
        files("read", path, link, |output, _, _| assert!(refused(output), "{path}: {output}"));
        files("write", path, link, |output, _, _| assert!(refused(output), "{path}: {output}"));
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_feeds_ends_at_the_wall_clock() {
    for (kind, code) in COMMANDS.iter() {
        let folders = Folders::new();
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            folders.all.path().join("out/pipe"),
            rustix::fs::Mode::from_raw_mode(0o600),
        )
        .unwrap();
        let mut call = call(*kind, "read", "\"out/pipe\"");
        folders.give(&mut call);
        // A busy machine may take longer than that to come to the pipe.
        let mut tries = [200, 2000, 20_000, 200_000].into_iter().map(|ms| {
            call.limits.wall_clock_ms = ms;
            go(code, &call)
        });
        let came = |(finished, world): &(Finished, Arc<World>)| {
            finished.outcome != Outcome::TimedOut || !world.told().is_empty()
        };
        let (finished, world) = tries.find(came).expect("it began");
        // Refused at once, or waited for up to the end; never beyond.
        if finished.outcome == Outcome::TimedOut {
            let told = world.told();
            let Some((name, path, Decision::Failed(why))) = told.last() else { panic!("{kind:?}: {told:?}") };
            assert_eq!((name.as_str(), path.as_str()), ("open", "out/pipe"), "{kind:?}");
            assert!(why.contains("still under way"), "{kind:?}: {why}");
        } else {
            assert!(refused(&finished.output.unwrap()), "{kind:?}");
        }
    }
}

#[test]
fn what_only_looks_at_a_folder_is_told() {
    // Looks at a file and at its folder, lists that in two pieces, reads a link that is none, and sets times where it may
    // not.
    let text = r#"(module
        (import "wasi_snapshot_preview1" "path_filestat_get"
            (func $stat (param i32 i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_filestat_get" (func $fstat (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_readdir" (func $list (param i32 i32 i32 i64 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_readlink"
            (func $link (param i32 i32 i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "path_filestat_set_times"
            (func $times (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "a.txt")
        (func (export "_start")
            (drop (call $stat (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 64)))
            (drop (call $fstat (i32.const 3) (i32.const 64)))
            (drop (call $fstat (i32.const 1) (i32.const 64)))
            (drop (call $list (i32.const 3) (i32.const 256) (i32.const 512) (i64.const 0) (i32.const 64)))
            (drop (call $list (i32.const 3) (i32.const 256) (i32.const 512) (i64.const 1) (i32.const 64)))
            (drop (call $link (i32.const 3) (i32.const 0) (i32.const 5) (i32.const 256) (i32.const 64) (i32.const 64)))
            (drop (call $times (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 5) (i64.const 0) (i64.const 0)
                (i32.const 5)))))"#;
    let folders = Folders::new();
    let mut call = call(ModuleKind::WasiPreview1Command, "t", "{}");
    folders.give(&mut call);
    let (finished, world) = go(&wat(text), &call);
    assert_eq!(finished.outcome, Outcome::Ok, "{finished:?}");
    let told = world.told();
    let asked: Vec<_> = told.iter().map(|(name, path, _)| (name.as_str(), path.as_str())).collect();
    assert_eq!(
        asked,
        [("stat", "in/a.txt"), ("stat", "in"), ("readdir", "in"), ("readlink", "in/a.txt"), ("set-times", "in/a.txt")]
    );
    assert!(told[..3].iter().all(|(_, _, decision)| *decision == Decision::Allowed), "{told:?}");
    assert!(matches!(told[3].2, Decision::Failed(_)), "{told:?}");
    assert!(matches!(told[4].2, Decision::Denied(_)), "{told:?}");
}

// ---- Tools

static TOOL: LazyLock<Vec<u8>> = LazyLock::new(|| compiled("tool.wasm"));

fn tool(id: &str, input: &str) -> (Finished, Arc<World>) {
    go(&TOOL, &call(ModuleKind::PalyraToolComponent, id, input))
}

#[test]
fn a_tool_gets_its_input_and_gives_its_output() {
    let (finished, world) = tool("echo", r#"{"a":1}"#);
    assert_eq!(finished.outcome, Outcome::Ok, "{finished:?}");
    assert_eq!(finished.output.as_deref(), Some(r#"{"a":1}"#));
    assert_eq!((finished.exit_code, finished.daemon_outcome), (None, None));
    assert_eq!(world.lines(), [(LogLevel::Info, "called".to_owned())]);
}

#[test]
fn a_tools_error_is_its_own() {
    let (finished, _) = tool("fail", "{}");
    ended(&finished, Outcome::ToolError, &["not found", "there is no such thing"]);
    let (finished, _) = tool("trap", "{}");
    ended(&finished, Outcome::Trapped, &["unreachable"]);
}

#[test]
fn a_tool_gets_declared_secrets_only() {
    assert_eq!(tool("secret", "api/token").0.output.as_deref(), Some("s3cret"));
    assert_eq!(tool("secret", "api/gone").0.output.as_deref(), Some("missing: none is stored"));
    assert_eq!(tool("secret", "other/x").0.output.as_deref(), Some("denied: not declared"));
}

#[test]
fn a_tool_ends_at_its_limits() {
    let mut endless = call(ModuleKind::PalyraToolComponent, "loop", "{}");
    endless.limits.fuel = 1_000_000;
    ended(&go(&TOOL, &endless).0, Outcome::FuelExhausted, &["1000000"]);
    let mut endless = call(ModuleKind::PalyraToolComponent, "loop", "{}");
    endless.limits.wall_clock_ms = 50;
    ended(&go(&TOOL, &endless).0, Outcome::TimedOut, &["50 ms"]);
    ended(&tool("logs", "{}").0, Outcome::LogTooLarge, &["1048576"]);
    ended(&tool("output", "{}").0, Outcome::OutputTooLarge, &["16777216"]);
    ended(&tool("memory", "{}").0, Outcome::MemoryExceeded, &["67108864"]);
}

#[test]
fn a_host_call_that_blocks_ends_at_the_wall_clock() {
    let world = Arc::new(World::default());
    let (hold, hang) = channel();
    *world.hang.lock().unwrap() = Some(hang);
    let mut call = call(ModuleKind::PalyraToolComponent, "secret", "api/token");
    call.limits.wall_clock_ms = 50;
    let finished = go_in(&TOOL, &call, &world);
    ended(&finished, Outcome::TimedOut, &["50 ms"]);
    drop(hold);
}

#[test]
fn a_tool_asks_over_http() {
    let (finished, world) = tool("http", "api.example");
    assert_eq!(finished.output.as_deref(), Some("201 GET https://api.example/x?y=1 "), "{finished:?}");
    let requests = world.requests.lock().unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].headers, [], "the host is in the URL");
    drop(requests);
    let (finished, _) = tool("http", "denied.example");
    assert_eq!(finished.output.as_deref(), Some("refused"), "{finished:?}");
    // One that keeps asking whether the answer is there, instead of waiting for it.
    let (finished, _) = tool("http-spin", "api.example");
    assert_eq!(finished.outcome, Outcome::Ok, "{finished:?}");
}

#[test]
fn a_socket_is_refused_and_told() {
    let (finished, world) = tool("socket", "{}");
    assert_eq!(finished.output.as_deref(), Some("refused"), "{finished:?}");
    let told = world.told();
    assert!(matches!(&told[..], [(name, of, Decision::Denied(_))] if name == "tcp-socket" && of == "IPv4"), "{told:?}");
}
