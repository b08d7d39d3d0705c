//! The worker process, its wire and its end. This program starts itself again, as a worker of the product, as one that
//! lies, and as a parent that is killed.
#![allow(clippy::expect_used, reason = "a test; without a harness nothing says so")]

use std::{
    ffi::OsString,
    fs,
    io::{self, Read as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use skillyard_artifact::module::ModuleKind;
use skillyard_runtime::{
    call::{
        Call, Decision, Finished, Folder, Fuel, Given, Held, HostCall, HttpRequest, HttpResponse, Limits, Log,
        LogLevel, Memory, Outcome, Outside, Refusal,
    },
    host::Code,
    walls::{self, Plan, Role, WallName},
    worker::{
        self, Cancel, CodeSource, CompileFailure, Failure, HOST_CALLS, Program, Ran, Runner, Starting, serve,
        serve_with,
    },
};

const WALLS: [WallName; 7] = [
    WallName::Environment,
    WallName::Descriptors,
    WallName::Dump,
    WallName::Limits,
    WallName::Privileges,
    WallName::Landlock,
    WallName::Seccomp,
];

/// Long enough for anything that ends.
const LONG: Duration = Duration::from_secs(60);

fn this(args: &[&str]) -> Program {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    Program { path: std::env::current_exe().expect("this program is somewhere"), args }
}

/// A name that no other process has in its arguments.
fn marker() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("marked-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst))
}

fn product() -> Program {
    this(&["worker", "product"])
}

fn call() -> Call {
    Call {
        kind: ModuleKind::PalyraPlugin,
        tool_id: "tool".into(),
        entry: "run".into(),
        input: "{}".into(),
        limits: Limits::of_quotas(1_000_000_000_000, 64 << 20, 60_000),
        given: Given::default(),
        deterministic: None,
    }
}

/// A whole second of the wall clock.
fn short() -> (Call, Instant) {
    within(1)
}

/// So many seconds of it.
fn within(seconds: u64) -> (Call, Instant) {
    let mut call = call();
    call.limits.wall_clock_ms = seconds * 1000;
    (call, Instant::now() + Duration::from_secs(seconds))
}

/// Seconds of the wall clock to try with, one after the other: a busy machine may take longer than the first to begin.
const TRIES: [u64; 4] = [1, 4, 16, 64];

fn compiled(text: &str) -> Vec<u8> {
    let module = wat::parse_str(text).expect("it is WebAssembly");
    worker::compile(&product(), module, Instant::now() + LONG, &Cancel::new()).expect("it compiles")
}

/// What a test saw of a call, and what it answers.
#[derive(Default)]
struct World {
    logs: Mutex<Vec<Log>>,
    host_calls: AtomicU64,
    requests: AtomicUsize,
    /// Requests wait until this is so.
    open: Mutex<bool>,
    opened: Condvar,
    /// Told when a request has come.
    came: Mutex<Option<mpsc::Sender<()>>>,
}

impl World {
    fn open() -> Arc<Self> {
        let world = Self::default();
        *world.open.lock().expect("lock") = true;
        Arc::new(world)
    }

    fn shut() -> (Arc<Self>, mpsc::Receiver<()>) {
        let (tell, came) = mpsc::channel();
        let world = Self::default();
        *world.came.lock().expect("lock") = Some(tell);
        (Arc::new(world), came)
    }

    fn let_go(&self) {
        *self.open.lock().expect("lock") = true;
        self.opened.notify_all();
    }
}

impl Outside for World {
    fn http(&self, request: HttpRequest) -> Result<HttpResponse, Refusal> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if let Some(came) = &*self.came.lock().expect("lock") {
            let _ = came.send(());
        }
        let open = self.open.lock().expect("lock");
        drop(self.opened.wait_while(open, |open| !*open).expect("lock"));
        if request.url.contains("denied") {
            return Err(Refusal::Denied("not in the manifest".into()));
        }
        let mut body = request.body;
        body.reverse();
        Ok(HttpResponse { status: 207, headers: vec![("x".into(), vec![0, 255])], body, held: Held::default() })
    }

    fn secret(&self, name: &str) -> Result<String, Refusal> {
        if name == "scope/key" { Ok("s\u{0}ecret\u{e9}".into()) } else { Err(Refusal::Denied("no such".into())) }
    }

    fn log(&self, log: Log) {
        self.logs.lock().expect("lock").push(log);
    }

    fn host_call(&self, _: HostCall) {
        self.host_calls.fetch_add(1, Ordering::SeqCst);
    }
}

fn run(program: &Program, code: CodeSource, call: &Call, outside: Arc<World>) -> Ran {
    let deadline = Instant::now() + Duration::from_millis(call.limits.wall_clock_ms);
    worker::spawn(program).run(code, call, outside, deadline, &Cancel::new())
}

fn lying(how: &str) -> Ran {
    run(&this(&["worker", how]), CodeSource::bytes(vec![1; 300_000]), &call(), World::open())
}

// What runs in the worker, in place of a module.

fn finished(outcome: Outcome, output: Option<String>) -> Finished {
    Finished {
        outcome,
        daemon_outcome: None,
        error: None,
        output,
        exit_code: None,
        fuel: Fuel::default(),
        memory: Memory::default(),
        ran_ms: 0.5,
    }
}

fn request(url: &str, body: Vec<u8>) -> HttpRequest {
    HttpRequest { method: "POST".into(), url: url.into(), headers: Vec::new(), body, timeout_ms: None }
}

/// Everything once.
fn asks(code: Vec<u8>, call: &Call, outside: Arc<dyn Outside>) -> Finished {
    let body = vec![7, 8, 9];
    let answer =
        outside.http(request("https://a.example", body)).map(|answer| (answer.status, answer.headers, answer.body));
    let large = outside.http(request("https://a.example", vec![1; 5 << 20])).map(|answer| answer.body.len());
    let too_large = outside.http(request("https://a.example", vec![1; 40 << 20])).is_err();
    let denied = outside.http(request("https://denied.example", Vec::new())).err();
    outside.log(Log { level: LogLevel::Warn, text: "a line\u{1b}".into() });
    let said = json!({
        "code": code.len(), "input": call.input, "answer": answer.ok(), "large": large.ok(), "too_large": too_large,
        "denied": denied, "secret": outside.secret("scope/key").ok(), "none": outside.secret("other").err(),
    });
    finished(Outcome::Ok, Some(said.to_string()))
}

fn many_calls(_: Vec<u8>, _: &Call, outside: Arc<dyn Outside>) -> Finished {
    for n in 0..HOST_CALLS + 500 {
        outside.host_call(HostCall {
            name: "open".into(),
            // Longer than a parent takes, and not cut where a character is.
            arguments: if n == 0 { "\u{e9}\u{20ac}".repeat(5000) } else { String::new() },
            decision: Decision::Allowed,
            at_ms: 0.0,
            took_ms: 0.0,
        });
    }
    finished(Outcome::Ok, None)
}

fn many_requests(_: Vec<u8>, _: &Call, outside: Arc<dyn Outside>) -> Finished {
    let threads: Vec<_> = (0..80)
        .map(|_| {
            let outside = outside.clone();
            thread::spawn(move || outside.http(request("https://a.example", Vec::new())).is_ok())
        })
        .collect();
    let ok = threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|ok| *ok).count();
    finished(Outcome::Ok, Some(ok.to_string()))
}

fn one_request(_: Vec<u8>, _: &Call, outside: Arc<dyn Outside>) -> Finished {
    match outside.http(request("https://a.example", Vec::new())) {
        Ok(_) => finished(Outcome::Ok, None),
        Err(Refusal::TimedOut(_)) => finished(Outcome::TimedOut, None),
        Err(_) => finished(Outcome::ToolError, None),
    }
}

fn hangs(_: Vec<u8>, _: &Call, outside: Arc<dyn Outside>) -> Finished {
    outside.log(Log { level: LogLevel::Info, text: "hanging".into() });
    loop {
        thread::park();
    }
}

fn log_flood(_: Vec<u8>, _: &Call, outside: Arc<dyn Outside>) -> Finished {
    loop {
        outside.log(Log { level: LogLevel::Info, text: "x".repeat(100) });
    }
}

fn panics(_: Vec<u8>, _: &Call, _: Arc<dyn Outside>) -> Finished {
    panic!("on purpose \u{1b}[31m")
}

fn aborts(_: Vec<u8>, _: &Call, _: Arc<dyn Outside>) -> Finished {
    std::process::abort()
}

fn spins(_: Vec<u8>, _: &Call, _: Arc<dyn Outside>) -> Finished {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

fn never_compiles(_: &[u8]) -> Result<Vec<u8>, String> {
    loop {
        thread::park();
    }
}

fn as_worker(mode: &str) -> ExitCode {
    let with = |run: fn(Vec<u8>, &Call, Arc<dyn Outside>) -> Finished| serve_with(&Runner { run, ..Runner::default() });
    let done = match mode {
        "product" => serve(),
        "asks" => with(asks),
        "many-calls" => with(many_calls),
        "many-requests" => with(many_requests),
        "one-request" => with(one_request),
        "hangs" => with(hangs),
        "log-flood" => with(log_flood),
        "panics" => with(panics),
        "aborts" => with(aborts),
        "spins" => with(spins),
        "without-walls" => serve_with(&Runner { without: WALLS.to_vec(), ..Runner::default() }),
        "without-limits" => serve_with(&Runner { without: vec![WallName::Limits], ..Runner::default() }),
        "without-landlock" => serve_with(&Runner { without: vec![WallName::Landlock], ..Runner::default() }),
        "without-seccomp" => serve_with(&Runner { without: vec![WallName::Seccomp], ..Runner::default() }),
        "time-walls" => time_walls(),
        "compile-and-tell" => {
            serve_with(&Runner { compile: compile_and_tell, without: WALLS.to_vec(), ..Runner::default() })
        }
        "never-compiles" => serve_with(&Runner { compile: never_compiles, ..Runner::default() }),
        "compile-says-no" => serve_with(&Runner { compile: |_| Err("no\u{1b}[31m".into()), ..Runner::default() }),
        lie => return lie_as(lie),
    };
    ExitCode::from(u8::from(!done))
}

/// A worker that speaks for itself.
fn lie_as(how: &str) -> ExitCode {
    let frame = |header: &str, payload: usize, rest: &[u8]| {
        let mut frame = u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        frame.extend(u32::try_from(payload).unwrap_or(u32::MAX).to_le_bytes());
        frame.extend(header.as_bytes());
        frame.extend(rest);
        frame
    };
    let say = |bytes: &[u8]| {
        let mut to = io::stdout().lock();
        let _ = to.write_all(bytes).and_then(|()| to.flush());
    };
    let walls = || frame(r#"{"walls":{"walls":[]}}"#, 0, b"");
    let done = json!({"done": {"finished": finished(Outcome::Ok, None), "output": false, "unrecorded": 0}}).to_string();
    let http = |id: u64| {
        let request = json!({"id": id, "method": "GET", "url": "u", "headers": [], "timeout_ms": null});
        frame(&json!({ "http": request }).to_string(), 0, b"")
    };
    match how {
        "dies" => {
            eprint!("boom \u{1b}[31m\u{202e}");
            return ExitCode::from(7);
        }
        "silent" => {}
        "junk" => say(&[0x55; 70_000]),
        "not-json" => say(&frame("hello", 0, b"")),
        "unknown" => say(&frame(r#"{"exec":{"path":"/bin/sh"}}"#, 0, b"")),
        "deep" => say(&frame(&"[".repeat(1 << 20), 0, b"")),
        "huge-header" => say(&[0xff; 8]),
        "huge-payload" => {
            say(&[walls(), frame(r#"{"log":{"log":{"level":"info","text":""}}}"#, u32::MAX as usize, b"")].concat())
        }
        "huge-output" => {
            let done = done.replace("\"output\":false", "\"output\":true");
            say(&[walls(), frame(&done, 100 << 20, b"")].concat());
        }
        "no-walls" => say(&frame(&done, 0, b"")),
        "walls-twice" => say(&[walls(), walls()].concat()),
        "many-walls" => {
            let wall = json!({"name": "n", "stands": true, "detail": ""});
            say(&frame(&json!({"walls": {"walls": vec![wall; 1000]}}).to_string(), 0, b""));
        }
        "refuses-late" => say(&[walls(), frame(r#"{"refused":{"why":{"order":"x"}}}"#, 0, b"")].concat()),
        "same-number" => say(&[walls(), http(1), http(1)].concat()),
        "compiled-in-a-run" => say(&[walls(), frame(r#"{"compiled":{}}"#, 0, b"")].concat()),
        "not-utf-8" => {
            let done = done.replace("\"output\":false", "\"output\":true");
            say(&[walls(), frame(&done, 2, &[0xff, 0xfe])].concat());
        }
        "half-a-frame" => {
            say(&frame(r#"{"walls":"#, 10, b"")[..12]);
            return ExitCode::SUCCESS;
        }
        "endless-requests" => {
            say(&walls());
            (0..u64::MAX).for_each(|id| say(&http(id)));
        }
        "endless-calls" => {
            say(&walls());
            let call = HostCall {
                name: "n".into(),
                arguments: String::new(),
                decision: Decision::Allowed,
                at_ms: 0.0,
                took_ms: 0.0,
            };
            let call = frame(&json!({"host_call": {"call": call}}).to_string(), 0, b"");
            loop {
                say(&call);
            }
        }
        "endless-stderr" => {
            say(&walls());
            loop {
                let _ = io::stderr().write_all(&[b'e'; 4096]);
            }
        }
        "bad-answers" => {
            let mut all = Vec::new();
            let _ = io::stdin().read_to_end(&mut all);
        }
        other => {
            eprintln!("no mode {other}");
            return ExitCode::from(9);
        }
    }
    loop {
        thread::park();
    }
}

// The tests.

fn runs() -> Result<(), Failed> {
    let code = compiled(r#"(module (func (export "run") (result i32) i32.const 41))"#);
    let ran = run(&product(), CodeSource::bytes(code.clone()), &call(), World::open());
    assert_eq!((ran.finished.outcome, ran.finished.exit_code), (Outcome::Ok, Some(41)), "{ran:?}");
    assert!(ran.failure.is_none());
    #[cfg(target_os = "linux")]
    assert_eq!(ran.walls, walls::probe());
    // From the cache, and not when it is another file than was put there.
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("code");
    fs::write(&path, &code)?;
    let source = CodeSource::file(&path, CodeSource::digest(&code));
    let ran = run(&product(), source.clone(), &call(), World::open());
    assert_eq!(ran.finished.exit_code, Some(41), "{ran:?}");
    let mut changed = code;
    if let Some(byte) = changed.last_mut() {
        *byte ^= 1;
    }
    fs::write(&path, &changed)?;
    let ran = run(&product(), source.clone(), &call(), World::open());
    assert!(matches!(&ran.failure, Some(Failure::Refused(worker::Refused::CacheFile(_)))), "{ran:?}");
    fs::remove_file(&path)?;
    let ran = run(&product(), source, &call(), World::open());
    assert!(matches!(&ran.failure, Some(Failure::Refused(worker::Refused::CacheFile(_)))), "{ran:?}");
    assert!(ran.finished.error.is_some_and(|text| text.contains("compile it again")));
    Ok(())
}

/// What every guest does behind the walls is what it does in this very process, without any.
/// A guest of `tests/guests`, compiled.
fn guest(name: &str) -> Result<Vec<u8>, Failed> {
    let module = fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests").join(name))?;
    worker::compile(&product(), module, Instant::now() + LONG, &Cancel::new())
        .map_err(|why| Failed::from(why.to_string()))
}

fn guests() -> Result<(), Failed> {
    let commands: &[(&str, &str)] = &[
        ("echo", "in"),
        ("fail", ""),
        ("surroundings", ""),
        ("read", "in/a.txt"),
        ("read", "out/out"),
        ("read", "/etc/passwd"),
        ("write", "out/new.txt"),
        ("write", "in/new.txt"),
        ("truncate", "in/a.txt"),
        ("truncate", "out/b.txt"),
        ("link", "out/b.txt out/c.txt"),
        ("rename", "out/b.txt out/c.txt"),
        ("rename", "in/a.txt out/c.txt"),
        ("symlink", "b.txt out/c.txt"),
        ("unlink", "out/b.txt"),
        ("mkdir", "out/folder"),
        ("recurse", ""),
        ("memory", ""),
        ("memory-trap", ""),
        ("logs", ""),
        ("output", ""),
        ("binary", ""),
        ("random", ""),
    ];
    let tools: &[(&str, &str)] = &[
        ("echo", "in"),
        ("fail", ""),
        ("trap", ""),
        ("secret", "scope/key"),
        ("secret", "none"),
        ("http", "https://a.example"),
    ];
    for (kind, file, calls) in [
        (ModuleKind::WasiPreview1Command, "command.wasm", commands),
        (ModuleKind::WasiCommandComponent, "command-component.wasm", commands),
        (ModuleKind::PalyraToolComponent, "tool.wasm", tools),
    ] {
        let code = guest(file)?;
        for (tool, input) in calls {
            let folder = tempfile::tempdir()?;
            let folders = ["in", "out"].map(|name| Folder::new(folder.path(), name, name, name == "out"));
            let mut call = call();
            call.kind = kind;
            call.tool_id = (*tool).to_owned();
            call.input =
                if kind == ModuleKind::PalyraToolComponent { (*input).to_owned() } else { json!(input).to_string() };
            call.given.folders = folders.to_vec();
            call.given.secret_keys = vec!["scope/key".into()];
            call.given.http_hosts = vec!["a.example".into()];
            call.deterministic = Some(7);
            let fresh = || -> io::Result<()> {
                for folder in &folders {
                    let _ = fs::remove_dir_all(folder.host());
                    fs::create_dir(folder.host())?;
                }
                fs::write(folder.path().join("in/a.txt"), "in it")?;
                fs::write(folder.path().join("out/b.txt"), "before")
            };
            let (there, here) = (World::open(), World::open());
            fresh()?;
            let without = skillyard_runtime::host::run(Code::Bytes(code.clone()), &call, here.clone());
            fresh()?;
            let ran = run(&product(), CodeSource::bytes(code.clone()), &call, there.clone());
            let told = |finished: &Finished, world: &World| {
                let lines = world.logs.lock().expect("lock").clone();
                let calls = world.host_calls.load(Ordering::SeqCst);
                (finished.outcome, finished.output.clone(), finished.exit_code, finished.error.clone(), lines, calls)
            };
            assert!(ran.failure.is_none(), "{file} {tool} {input}: {ran:?}");
            assert!(ran.walls.iter().all(|wall| wall.stands) || !cfg!(target_os = "linux"), "{:?}", ran.walls);
            assert_eq!(told(&ran.finished, &there), told(&without, &here), "{file} {tool} {input}");
        }
    }
    Ok(())
}

/// A call that was ready, and a link that was put in the place of one of its folders before the worker opened it.
#[cfg(unix)]
fn links_are_not_followed() -> Result<(), Failed> {
    let code = guest("command.wasm")?;
    let all = tempfile::tempdir()?;
    for folder in ["storage/a/in", "outside/in"] {
        fs::create_dir_all(all.path().join(folder))?;
        fs::write(all.path().join(folder).join("a.txt"), folder)?;
    }
    let mut call = call();
    call.kind = ModuleKind::WasiPreview1Command;
    call.tool_id = "read".into();
    call.input = json!("in/a.txt").to_string();
    call.given.folders = vec![Folder::new(all.path().join("storage"), "a/in", "/in", false)];
    let ran = run(&product(), CodeSource::bytes(code.clone()), &call, World::open());
    assert_eq!(ran.finished.output.as_deref(), Some("\"storage/a/in\""), "{ran:?}");
    // The folder itself, and one on the way to it.
    for place in ["storage/a/in", "storage/a"] {
        fs::remove_dir_all(all.path().join(place))?;
        let to = all.path().join(if place == "storage/a" { "outside" } else { "outside/in" });
        std::os::unix::fs::symlink(to, all.path().join(place))?;
        let ran = run(&product(), CodeSource::bytes(code.clone()), &call, World::open());
        assert!(matches!(&ran.failure, Some(Failure::Refused(worker::Refused::Folder(_)))), "{place}: {ran:?}");
        assert_eq!(ran.finished.output, None);
    }
    Ok(())
}

fn asks_the_parent() -> Result<(), Failed> {
    let world = World::open();
    let mut call = call();
    call.input = "\"\u{0}\u{202e} input".repeat(50_000);
    let ran = run(&this(&["worker", "asks"]), CodeSource::bytes(vec![3; 1 << 20]), &call, world.clone());
    let said: Value = serde_json::from_str(&ran.finished.output.ok_or("no output")?)?;
    assert_eq!(said["code"], 1 << 20);
    assert_eq!(said["input"], call.input.as_str());
    assert_eq!(said["answer"], json!([207, [["x", [0, 255]]], [9, 8, 7]]));
    assert_eq!(said["large"], 5 << 20);
    assert_eq!(said["too_large"], true);
    assert_eq!(said["denied"], json!({"denied": "not in the manifest"}));
    assert_eq!(said["secret"], "s\u{0}ecret\u{e9}");
    assert_eq!(said["none"], json!({"denied": "no such"}));
    assert_eq!(
        world.logs.lock().expect("lock").as_slice(),
        [Log { level: LogLevel::Warn, text: "a line\u{1b}".into() }]
    );
    // The one that is too large never left the worker.
    assert_eq!(world.requests.load(Ordering::SeqCst), 3);
    Ok(())
}

fn counts() -> Result<(), Failed> {
    let world = World::open();
    let ran = run(&this(&["worker", "many-calls"]), CodeSource::bytes(Vec::new()), &call(), world.clone());
    assert_eq!((ran.finished.outcome, ran.unrecorded), (Outcome::Ok, 500), "{ran:?}");
    assert_eq!(world.host_calls.load(Ordering::SeqCst), HOST_CALLS);
    // As many requests at once as there may be; the rest is refused in the worker, and the call goes on.
    let (world, came) = World::shut();
    let held = world.clone();
    let opener = thread::spawn(move || {
        let all = (0..64).all(|_| came.recv_timeout(LONG).is_ok());
        held.let_go();
        all
    });
    let ran = run(&this(&["worker", "many-requests"]), CodeSource::bytes(Vec::new()), &call(), world.clone());
    assert!(opener.join().is_ok_and(|all| all), "64 came at once");
    assert_eq!(ran.finished.outcome, Outcome::Ok, "{ran:?}");
    let ok: usize = ran.finished.output.ok_or("no output")?.parse()?;
    assert!(ok >= 64, "{ok}");
    Ok(())
}

fn times_out() -> Result<(), Failed> {
    // The engine's own clock: what was used is known.
    let code = compiled(r#"(module (func (export "run") (result i32) (loop $l (br $l)) i32.const 0))"#);
    let mut told = false;
    for seconds in TRIES {
        let (call, deadline) = within(seconds);
        let code = CodeSource::bytes(code.clone());
        let ran = worker::spawn(&product()).run(code, &call, World::open(), deadline, &Cancel::new());
        assert_eq!(ran.finished.outcome, Outcome::TimedOut, "{ran:?}");
        let said = format!("{seconds}000 ms");
        let error = ran.finished.error.as_deref().unwrap_or_default();
        assert!(error.contains(&said) && error.contains("wall_clock_timeout_ms"), "{error}");
        told = ran.failure.is_none() && ran.finished.fuel.used > 0;
        if told {
            break;
        }
    }
    assert!(told, "the worker says itself how it ended");
    // A worker that does not look at the clock, in native code or asleep.
    for mode in ["hangs", "spins", "silent"] {
        let (call, deadline) = short();
        let program = this(&["worker", mode]);
        let ran =
            worker::spawn(&program).run(CodeSource::bytes(Vec::new()), &call, World::open(), deadline, &Cancel::new());
        assert!(matches!(ran.failure, Some(Failure::TimedOut)), "{mode}: {ran:?}");
        assert_eq!(ran.finished.outcome, Outcome::TimedOut);
    }
    // A host call that never comes back, and is not waited for.
    let mut asked = false;
    for seconds in TRIES {
        let (world, came) = World::shut();
        let (call, deadline) = within(seconds);
        let program = this(&["worker", "one-request"]);
        let ran =
            worker::spawn(&program).run(CodeSource::bytes(Vec::new()), &call, world.clone(), deadline, &Cancel::new());
        assert_eq!(ran.finished.outcome, Outcome::TimedOut, "{ran:?}");
        asked = came.try_recv().is_ok();
        world.let_go();
        if asked {
            break;
        }
    }
    assert!(asked, "the host call had begun");
    Ok(())
}

fn cancelled() -> Result<(), Failed> {
    let cancel = Cancel::new();
    let (world, came) = World::shut();
    let turned = cancel.clone();
    let canceller = thread::spawn(move || {
        let came = came.recv_timeout(LONG).is_ok();
        turned.cancel();
        came
    });
    let program = this(&["worker", "one-request"]);
    let ran = worker::spawn(&program).run(
        CodeSource::bytes(Vec::new()),
        &call(),
        world.clone(),
        Instant::now() + LONG,
        &cancel,
    );
    assert!(canceller.join().is_ok_and(|came| came));
    assert!(matches!(ran.failure, Some(Failure::Cancelled)), "{ran:?}");
    assert_eq!(ran.finished.outcome, Outcome::Cancelled);
    world.let_go();
    // Before it began; and a compilation.
    let ran =
        worker::spawn(&product()).run(CodeSource::bytes(Vec::new()), &call(), world, Instant::now() + LONG, &cancel);
    assert_eq!(ran.finished.outcome, Outcome::Cancelled);
    let compiled = worker::compile(&this(&["worker", "never-compiles"]), Vec::new(), Instant::now() + LONG, &cancel);
    assert!(matches!(compiled, Err(CompileFailure::Cancelled)), "{compiled:?}");
    Ok(())
}

fn lies() -> Result<(), Failed> {
    for (how, says) in [
        ("junk", "a header of"),
        ("not-json", "a message that is none"),
        ("unknown", "a message that is none"),
        ("deep", "a message that is none"),
        ("huge-header", "a header of 4294967295 bytes"),
        ("huge-payload", "4294967295 bytes where 0 are allowed"),
        ("huge-output", "104857600 bytes where 50331648 are allowed"),
        ("no-walls", "before its walls were up"),
        ("walls-twice", "its walls, again"),
        ("many-walls", "too many walls"),
        ("refuses-late", "it refuses, after it began"),
        ("same-number", "a request's number again"),
        ("compiled-in-a-run", "a compiled module, instead of a result"),
        ("not-utf-8", "output that is no UTF-8"),
        ("endless-calls", "too many host calls"),
        ("log-flood", "too many lines of the log"),
    ] {
        let ran = lying(how);
        assert!(matches!(ran.failure, Some(Failure::Wire(_))), "{how}: {ran:?}");
        assert_eq!(ran.finished.outcome, Outcome::WorkerDied, "{how}");
        let error = ran.finished.error.unwrap_or_default();
        assert!(error.starts_with("the worker was ended: it sent") && error.contains(says), "{how}: {error}");
    }
    // More requests at once than there may be, of a worker that does not count.
    let (world, came) = World::shut();
    let ran = run(&this(&["worker", "endless-requests"]), CodeSource::bytes(Vec::new()), &call(), world.clone());
    assert!(ran.finished.error.is_some_and(|text| text.contains("too many requests at once")));
    // Their threads have started by and by, and no other has.
    assert!((0..64).all(|_| came.recv_timeout(LONG).is_ok()));
    assert_eq!(world.requests.load(Ordering::SeqCst), 64);
    world.let_go();
    Ok(())
}

fn deaths() -> Result<(), Failed> {
    let died = |how: &str| -> Result<String, Failed> {
        let ran = lying(how);
        assert!(matches!(ran.failure, Some(Failure::Died { .. })), "{how}: {ran:?}");
        assert_eq!(ran.finished.outcome, Outcome::WorkerDied);
        Ok(ran.finished.error.ok_or("no text")?)
    };
    let text = died("dies")?;
    assert_eq!(text, "the worker died: exit code 7; it said: boom \\u{1b}[31m\\u{202e}");
    assert_eq!(died("half-a-frame")?, "the worker died: exit code 0");
    let text = died("panics")?;
    assert!(text.contains("on purpose \\u{1b}[31m"), "{text}");
    #[cfg(unix)]
    assert_eq!(died("aborts")?, "the worker died: signal 6: it gave up, perhaps for want of memory");
    let nowhere = Program { path: "/nowhere/worker".into(), args: Vec::new() };
    let ran = run(&nowhere, CodeSource::bytes(Vec::new()), &call(), World::open());
    assert!(matches!(ran.failure, Some(Failure::Start { .. })), "{ran:?}");
    // One that writes to standard error for ever stops itself there.
    let (call, deadline) = short();
    let program = this(&["worker", "endless-stderr"]);
    let ran =
        worker::spawn(&program).run(CodeSource::bytes(Vec::new()), &call, World::open(), deadline, &Cancel::new());
    assert_eq!(ran.finished.outcome, Outcome::TimedOut, "{ran:?}");
    Ok(())
}

/// A function whose compilation takes minutes: one huge expression.
fn heavy(instructions: usize) -> Vec<u8> {
    fn leb(mut n: usize, to: &mut Vec<u8>) {
        loop {
            let byte = u8::try_from(n & 0x7f).unwrap_or_default();
            n >>= 7;
            to.push(if n == 0 { byte } else { byte | 0x80 });
            if n == 0 {
                return;
            }
        }
    }
    fn section(id: u8, body: &[u8], to: &mut Vec<u8>) {
        to.push(id);
        leb(body.len(), to);
        to.extend(body);
    }
    // Every value lives until the end: the allocator of registers has all of them to place.
    let mut code = vec![0];
    for n in 0..instructions {
        // local.get 0, i32.const n, i32.add
        code.extend([0x20, 0, 0x41]);
        leb(n & 0x3f, &mut code);
        code.push(0x6a);
    }
    code.extend(std::iter::repeat_n(0x73, instructions - 1));
    code.push(0x0b);
    let mut body = vec![1];
    leb(code.len(), &mut body);
    body.extend(code);
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    section(1, &[1, 0x60, 1, 0x7f, 1, 0x7f], &mut module);
    section(3, &[1, 0], &mut module);
    section(10, &body, &mut module);
    module
}

/// A module of many functions, of about `bytes` bytes.
fn wide(bytes: usize) -> Vec<u8> {
    let function = |n: usize| {
        let line = "(local.set 1 (i32.add (i32.mul (local.get 0) (i32.const 12345)) (local.get 1)))";
        let check = "(if (i32.gt_u (local.get 1) (i32.const 77)) (then (local.set 0 (call 0 (local.get 1)))))";
        format!(
            "(func (param i32) (result i32) (local i32) {} (i32.const {n}) drop local.get 1)",
            [line, check].concat().repeat(40)
        )
    };
    let one = wat::parse_str(format!("(module {})", function(0))).map_or(1, |module| module.len());
    let body = (0..bytes.div_ceil(one)).map(function).collect::<String>();
    wat::parse_str(format!("(module {body})")).expect("it is WebAssembly")
}

/// A module as large as an artifact may have compiles within the limits.
fn large_modules_compile() -> Result<(), Failed> {
    let module = wide(2 << 20);
    let compiled = worker::compile(&product(), module, Instant::now() + 10 * LONG, &Cancel::new());
    compiled.map(drop).map_err(|why| why.to_string().into())
}

/// What it costs. In a release build, with nothing else running: `SKILLYARD_COSTS=1 cargo test --release -p
/// skillyard-runtime --test worker -- --ignored --nocapture`. It judges nothing, so that it is no test without being asked.
fn costs() -> Result<(), Failed> {
    if std::env::var_os("SKILLYARD_COSTS").is_none() {
        return Ok(());
    }
    let code = compiled(r#"(module (func (export "run") (result i32) i32.const 0))"#);
    let median = |what: &str, once: &dyn Fn() -> Duration| {
        let mut all: Vec<_> = (0..300).map(|_| once()).collect();
        all.sort();
        println!("{what:64} median {:?}, 95 % within {:?}", all[150], all[285]);
    };
    for mode in ["product", "without-walls", "without-limits", "without-landlock", "without-seccomp"] {
        median(&format!("{mode}: start, walls, an empty plugin, end"), &|| {
            let begin = Instant::now();
            let ran = run(&this(&["worker", mode]), CodeSource::bytes(code.clone()), &call(), World::open());
            assert_eq!(ran.finished.outcome, Outcome::Ok, "{ran:?}");
            begin.elapsed()
        });
    }
    median("product, started early: walls, an empty plugin, end", &|| {
        let starting = worker::spawn(&product());
        thread::sleep(Duration::from_millis(5));
        let begin = Instant::now();
        let ran = starting.run(CodeSource::bytes(code.clone()), &call(), World::open(), begin + LONG, &Cancel::new());
        assert_eq!(ran.finished.outcome, Outcome::Ok, "{ran:?}");
        begin.elapsed()
    });
    median("the walls alone, in the worker", &|| {
        let mut worker = std::process::Command::new(std::env::current_exe().expect("this program is somewhere"));
        let told = worker.args(["worker", "time-walls"]).env_clear().output().expect("it starts");
        let told = String::from_utf8_lossy(&told.stdout).trim().parse().expect("a number");
        Duration::from_nanos(told)
    });
    for instructions in [10_000, 50_000] {
        let module = heavy(instructions);
        let begin = Instant::now();
        let bytes = module.len();
        let used = worker::compile(&this(&["worker", "compile-and-tell"]), module, begin + 2 * LONG, &Cancel::new());
        println!("one function of {bytes} bytes, without walls: {:?}, {used:?}", begin.elapsed());
    }
    for megabytes in [1, 4, 12] {
        let module = wide(megabytes << 20);
        let begin = Instant::now();
        let used =
            worker::compile(&this(&["worker", "compile-and-tell"]), module.clone(), begin + 5 * LONG, &Cancel::new());
        println!("{megabytes} MB, without walls: {:?}, {used:?}", begin.elapsed());
        let begin = Instant::now();
        let compiled = worker::compile(&product(), module, begin + 5 * LONG, &Cancel::new());
        println!("{megabytes} MB, product: {:?}, {:?}", begin.elapsed(), compiled.map(|code| code.len()));
    }
    Ok(())
}

/// How long the walls take to go up, in nanoseconds.
fn time_walls() -> bool {
    let given = Given::default();
    let role = Role::Run { limits: call().limits, code_bytes: 0 };
    let begin = Instant::now();
    let raised = walls::raise(walls::first(&[]), &Plan { role, folders: &given.folders, without: &[] });
    println!("{}", begin.elapsed().as_nanos());
    raised.is_ok()
}

/// The compiler's memory, in place of what it made.
fn compile_and_tell(module: &[u8]) -> Result<Vec<u8>, String> {
    let code = skillyard_runtime::host::compile(module).map_err(|why| why.message)?;
    let status = fs::read_to_string("/proc/self/status").map_err(|why| why.to_string())?;
    let lines = status.lines().filter(|line| ["VmPeak", "VmHWM", "VmData"].iter().any(|name| line.starts_with(name)));
    Err(format!("{} bytes of code, {}", code.len(), lines.collect::<Vec<_>>().join(", ").replace('\t', " ")))
}

fn compiles() -> Result<(), Failed> {
    let compile = |how: &str, module: Vec<u8>, ms: u64| {
        let deadline = Instant::now() + Duration::from_millis(ms);
        worker::compile(&this(&["worker", how]), module, deadline, &Cancel::new())
    };
    let none = compile("product", b"\0asm\x01\0\0\0\xff".to_vec(), 60_000);
    assert!(matches!(none, Err(CompileFailure::DoesNotCompile(_))), "{none:?}");
    let escaped = compile("compile-says-no", Vec::new(), 60_000);
    assert!(matches!(&escaped, Err(CompileFailure::DoesNotCompile(why)) if why == "no\\u{1b}[31m"), "{escaped:?}");
    for (how, module) in [("never-compiles", Vec::new()), ("product", heavy(1_000_000))] {
        let late = compile(how, module, 1000);
        assert!(matches!(late, Err(CompileFailure::TimedOut)), "{how}: {late:?}");
    }
    let lie = compile("no-walls", Vec::new(), 60_000);
    assert!(matches!(lie, Err(CompileFailure::Worker(Failure::Wire(_)))), "{lie:?}");
    let died = compile("dies", Vec::new(), 60_000);
    assert!(matches!(died, Err(CompileFailure::Worker(Failure::Died { .. }))), "{died:?}");
    Ok(())
}

/// A worker that was started early by a thread that is no more: it does not go with it.
fn outlives_its_starter() -> Result<(), Failed> {
    let code = compiled(r#"(module (func (export "run") (result i32) i32.const 5))"#);
    for _ in 0..10 {
        let starting: Starting = thread::spawn(|| worker::spawn(&product())).join().map_err(|_| "it ends")?;
        let source = CodeSource::bytes(code.clone());
        let ran = starting.run(source, &call(), World::open(), Instant::now() + LONG, &Cancel::new());
        assert_eq!(ran.finished.exit_code, Some(5), "{ran:?}");
    }
    Ok(())
}

/// Processes, as Linux shows them.
#[cfg(target_os = "linux")]
mod processes {
    use std::{collections::HashSet, path::PathBuf};

    use super::*;

    /// Those that have `marker` among their arguments and are still there.
    fn marked(marker: &str) -> HashSet<u32> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let has = |id: &u32| {
            fs::read(PathBuf::from(format!("/proc/{id}/cmdline")))
                .is_ok_and(|line| line.split(|byte| *byte == 0).any(|argument| argument == marker.as_bytes()))
        };
        ids.filter(has).collect()
    }

    /// Waits until nobody has `marker`: an end by the system has no event for those who are no parents.
    fn all_gone(marker: &str) -> Result<(), Failed> {
        let until = Instant::now() + LONG;
        while !marked(marker).is_empty() {
            if Instant::now() > until {
                return Err(format!("still there: {:?}", marked(marker)).into());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// The parent is killed at some point of a run, a compilation, or before either.
    pub fn parent_killed() -> Result<(), Failed> {
        for (phase, delays) in [("early", 12), ("runs", 12), ("spins", 12), ("compiles", 12)] {
            for nth in 0..delays {
                let marker = marker();
                let mut parent = std::process::Command::new(std::env::current_exe()?)
                    .args(["parent", phase, &marker])
                    .stdin(std::process::Stdio::null())
                    .stdout(std::process::Stdio::piped())
                    .spawn()?;
                let mut out = parent.stdout.take().ok_or("no pipe")?;
                // It has begun. The point itself is to differ from time to time.
                out.read_exact(&mut [0])?;
                thread::sleep(Duration::from_micros(nth * nth * 150));
                parent.kill()?;
                parent.wait()?;
                all_gone(&marker).map_err(|why| format!("{phase}, {nth}: {why:?}"))?;
            }
        }
        Ok(())
    }

    /// See [`parent_killed`]: starts workers for ever.
    pub fn as_parent(phase: &str, marker: &str) -> ExitCode {
        let begun = || {
            let _ = io::stdout().write_all(b".").and_then(|()| io::stdout().flush());
        };
        let worker = |how: &str| this(&["worker", how, marker]);
        begun();
        loop {
            match phase {
                "early" => {
                    let starting: Vec<_> = (0..4).map(|_| worker::spawn(&worker("product"))).collect();
                    thread::sleep(Duration::from_millis(5));
                    drop(starting);
                }
                "compiles" => {
                    let deadline = Instant::now() + LONG;
                    let _ = worker::compile(&worker("product"), heavy(500_000), deadline, &Cancel::new());
                }
                "spins" => drop(run(&worker("spins"), CodeSource::bytes(Vec::new()), &call(), World::open())),
                _ => drop(run(&worker("one-request"), CodeSource::bytes(vec![0; 1 << 20]), &call(), World::shut().0)),
            }
        }
    }

    /// The worker or the compiler is killed: said so, nothing is left.
    pub fn worker_killed() -> Result<(), Failed> {
        for nth in 0..20 {
            let marker = marker();
            let program = this(&["worker", "hangs", &marker]);
            let watched = marker.clone();
            let killer = thread::spawn(move || {
                let until = Instant::now() + LONG;
                while Instant::now() < until {
                    if let Some(id) = marked(&watched).into_iter().next() {
                        thread::sleep(Duration::from_micros(nth * nth * 50));
                        let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
                        return id.is_some_and(|id| {
                            rustix::process::kill_process(id, rustix::process::Signal::KILL).is_ok()
                        });
                    }
                }
                false
            });
            let ran = if nth % 2 == 0 {
                let ran = run(&program, CodeSource::bytes(vec![0; 1 << 20]), &call(), World::open());
                assert!(matches!(ran.failure, Some(Failure::Died { .. })), "{ran:?}");
                ran.finished.error.unwrap_or_default()
            } else {
                let program = this(&["worker", "never-compiles", &marker]);
                match worker::compile(&program, vec![0; 1 << 20], Instant::now() + LONG, &Cancel::new()) {
                    Err(CompileFailure::Worker(failure @ Failure::Died { .. })) => failure.to_string(),
                    other => return Err(format!("{other:?}").into()),
                }
            };
            assert!(ran.contains("signal 9"), "{ran}");
            assert!(killer.join().is_ok_and(|killed| killed));
            assert!(marked(&marker).is_empty());
        }
        Ok(())
    }

    /// Whatever came of it, nothing is there when the call has returned.
    pub fn leaves_nothing() -> Result<(), Failed> {
        let marker = marker();
        let worker = |how: &str| this(&["worker", how, &marker]);
        drop(worker::spawn(&worker("product")));
        assert!(marked(&marker).is_empty(), "dropped at once");
        let starting = worker::spawn(&worker("product"));
        while marked(&marker).is_empty() {
            thread::yield_now();
        }
        drop(starting);
        assert!(marked(&marker).is_empty(), "dropped when it was there");
        for how in ["product", "asks", "panics", "junk", "endless-calls", "silent"] {
            let (call, deadline) = short();
            drop(worker::spawn(&worker(how)).run(
                CodeSource::bytes(Vec::new()),
                &call,
                World::open(),
                deadline,
                &Cancel::new(),
            ));
            assert!(marked(&marker).is_empty(), "{how}");
        }
        let _ = worker::compile(&worker("never-compiles"), Vec::new(), Instant::now(), &Cancel::new());
        assert!(marked(&marker).is_empty(), "a compilation");
        Ok(())
    }

    /// Children of this process that are dead and were not waited for, or are not dead.
    pub fn children() -> Vec<String> {
        let me = std::process::id().to_string();
        let stats = fs::read_dir("/proc").into_iter().flatten().flatten();
        let stats = stats.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        stats
            .filter(|stat| stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)) == Some(&me))
            .collect()
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["worker", mode, ..] => return as_worker(mode),
        #[cfg(target_os = "linux")]
        ["parent", phase, marker] => return processes::as_parent(phase, marker),
        _ => {}
    }
    #[cfg_attr(not(target_os = "linux"), expect(unused_mut, reason = "there are more on Linux"))]
    let mut trials = vec![
        Trial::test("a_plugin_runs_from_bytes_and_from_the_cache_that_is_what_it_was", runs),
        Trial::test("every_guest_does_behind_the_walls_what_it_does_without", guests),
        #[cfg(unix)]
        Trial::test("a_link_in_the_place_of_a_folder_is_not_followed", links_are_not_followed),
        Trial::test("what_a_tool_asks_is_asked_of_the_parent", asks_the_parent),
        Trial::test("more_than_there_may_be_is_counted_or_refused_in_the_worker", counts),
        Trial::test("the_wall_clock_ends_the_guest_the_worker_and_a_host_call", times_out),
        Trial::test("a_person_ends_it", cancelled),
        Trial::test("a_worker_that_lies_is_ended_and_named", lies),
        Trial::test("a_worker_that_dies_is_named", deaths),
        Trial::test("a_compilation_ends", compiles),
        Trial::test("a_large_module_compiles_within_the_limits", large_modules_compile),
        Trial::test("what_it_costs", costs).with_ignored_flag(true),
        Trial::test("a_worker_outlives_the_thread_that_started_it", outlives_its_starter),
    ];
    #[cfg(target_os = "linux")]
    {
        use processes::{leaves_nothing, parent_killed, worker_killed};
        trials.extend([
            Trial::test("a_killed_parent_leaves_no_process", parent_killed),
            Trial::test("a_killed_worker_is_named_and_leaves_no_process", worker_killed),
            Trial::test("nothing_is_left_when_a_call_returns", leaves_nothing),
        ]);
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    #[cfg(target_os = "linux")]
    {
        let left = processes::children();
        if !left.is_empty() {
            eprintln!("children are left: {left:?}");
            return ExitCode::FAILURE;
        }
    }
    conclusion.exit_code()
}
