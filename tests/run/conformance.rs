//! What a real daemon said of modules, line by line: `skillyard run --module` says the same.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::{
    skillyard::{ROOT, holds_against},
    world::{World, records},
};

/// How many modules run at a time; each has processes of its own.
const AT_ONCE: usize = 4;

#[test]
fn every_recorded_verdict_is_ours() {
    let world = World::new();
    let lines = records("wasm.jsonl");
    assert_eq!(lines.len(), 41);
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(difference) = differs(&world, line) {
                        wrong.lock().unwrap().push(difference);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is said of a module otherwise than a daemon did.
fn differs(world: &World, line: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let file = text(&line["file"]);
    let module = format!("{ROOT}/tests/conformance/wasm/{file}");
    let mut arguments = vec!["run".to_owned(), "--module".to_owned(), module];
    arguments.extend(line["args"].as_array().unwrap().iter().map(text));
    arguments.extend(["--format".to_owned(), "json".to_owned()]);
    let run = |arguments: &[String]| {
        let ran = world.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let report = ran.json();
        holds_against("schema/run-report.schema.json", &report);
        (ran.code, report)
    };
    if file == "hundred_memories.wasm" {
        // A daemon's limit is for each memory, ours for all of them: the one recorded verdict that we are stricter
        // than. With room for all of them it runs as it did there.
        let (code, report) = run(&arguments);
        assert_eq!((code, &report["outcome"]), (Some(1), &json!("memory_exceeded")), "{report:#}");
        arguments.extend(["--memory".to_owned(), (100_u64 * (64 << 20)).to_string()]);
    }
    let (code, report) = run(&arguments);
    let ok = line["ok"] == true;
    let daemon = if ok { &json!("ok") } else { &line["error_kind"] };
    let same = report["daemon_outcome"] == *daemon
        && report["exit_code"] == line["exit_code"]
        && (line["handles"].is_null() || report["handles"] == line["handles"])
        && (report["outcome"] == "ok") == ok
        && code == Some(i32::from(!ok));
    (!same).then(|| format!("recorded {line}\nexit code {code:?}, said {report}"))
}
