//! What a real daemon said of modules, line by line: the host here says the same.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use skillyard_artifact::module::ModuleKind;
use skillyard_runtime::call::{
    Call, Given, HostCall, HttpRequest, HttpResponse, Limits, Log, Outcome, Outside, Refusal,
};
use skillyard_runtime::host::{Code, Handles, compile, handles, run};

#[derive(Deserialize)]
struct Record {
    file: String,
    args: Vec<String>,
    ok: bool,
    error_kind: Option<String>,
    exit_code: Option<i32>,
    handles: Option<Handles>,
}

/// A world that gives nothing.
struct Nothing;

impl Outside for Nothing {
    fn http(&self, _: HttpRequest) -> Result<HttpResponse, Refusal> {
        Err(Refusal::Denied("nothing is given".to_owned()))
    }
    fn secret(&self, _: &str) -> Result<String, Refusal> {
        Err(Refusal::Denied("nothing is given".to_owned()))
    }
    fn log(&self, _: Log) {}
    fn host_call(&self, _: HostCall) {}
}

fn call(args: &[String]) -> Call {
    // What a daemon takes where nothing is said.
    let mut call = Call {
        kind: ModuleKind::PalyraPlugin,
        tool_id: "test".to_owned(),
        entry: "run".to_owned(),
        input: "{}".to_owned(),
        limits: Limits::of_quotas(10_000_000, 64 << 20, 60_000),
        given: Given::default(),
        deterministic: None,
    };
    for pair in args.chunks(2) {
        let [name, value] = pair else { panic!("{args:?}") };
        match name.as_str() {
            "--http-host" => call.given.http_hosts.push(value.clone()),
            "--secret" => call.given.secret_keys.push(value.clone()),
            "--storage" => call.given.storage_prefixes.push(value.clone()),
            "--channel" => call.given.channels.push(value.clone()),
            "--entry" => call.entry.clone_from(value),
            "--fuel" => call.limits.fuel = value.parse().unwrap(),
            "--memory" => call.limits.memory_bytes = value.parse().unwrap(),
            "--timeout-ms" => call.limits.wall_clock_ms = value.parse().unwrap(),
            _ => panic!("{name}"),
        }
    }
    call
}

#[test]
fn every_recorded_verdict_is_ours() {
    let records = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let lines = std::fs::read_to_string(records.join("wasm.jsonl")).unwrap();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for line in lines.lines() {
        let record: Record = serde_json::from_str(line).unwrap();
        let bytes = std::fs::read(records.join("wasm").join(&record.file)).unwrap();
        let mut call = call(&record.args);
        if record.file == "hundred_memories.wasm" {
            // A daemon's limit is for each memory, ours for all of them: the one recorded verdict that we are stricter
            // than. With room for all of them it runs as it did there.
            let code = compile(&bytes).unwrap();
            let finished = run(Code::Bytes(code), &call, Arc::new(Nothing));
            assert_eq!((finished.outcome, finished.daemon_outcome), (Outcome::MemoryExceeded, None));
            call.limits.memory_bytes = 100 * (64 << 20);
        }
        let (outcome, daemon, exit) = match compile(&bytes) {
            Err(_) => (Outcome::DoesNotCompile, Some("Compile".to_owned()), None),
            Ok(code) => {
                let finished = run(Code::Bytes(code), &call, Arc::new(Nothing));
                (finished.outcome, finished.daemon_outcome, finished.exit_code)
            }
        };
        let expected = if record.ok { "ok" } else { record.error_kind.as_deref().unwrap() };
        if daemon.as_deref() != Some(expected) || exit != record.exit_code || record.ok != (outcome == Outcome::Ok) {
            wrong.push(format!("{} {:?}: {outcome:?} {daemon:?} {exit:?}, recorded {line}", record.file, record.args));
        }
        if let Some(recorded) = record.handles {
            assert_eq!(handles(&call.given), recorded, "{line}");
        }
        seen += 1;
    }
    assert_eq!(seen, 41);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
