//! `skillyard run --module`: a module without a skill.

use serde_json::{Value, json};

use crate::{guest::report, world::World};

/// A world with the text `wat` as a binary module.
fn world(wat: &str) -> World {
    let world = World::new();
    world.0.write("m.wasm", wat::parse_str(wat).unwrap());
    world
}

fn run(world: &World, more: &[&str]) -> Value {
    report(&world.run(&[&["run", "--format", "json", "--module", "m.wasm"], more].concat())).1
}

#[test]
fn a_component_that_exports_nothing_to_call_says_so() {
    let report = run(&world("(component)"), &[]);
    assert_eq!((&report["outcome"], &report["kind"]), (&json!("missing_export"), &json!("other")), "{report:#}");
    let error = report["error"].as_str().unwrap();
    assert!(error.contains("neither `wasi:cli/run` nor `palyra:skill/tool`") && !error.contains("cache"), "{error}");
}

#[test]
fn a_flag_that_means_nothing_to_a_bare_module_is_refused() {
    let world = world("(module (func (export \"run\") (result i32) i32.const 7))");
    let key = format!("acme={}", crate::world::ELEVENS);
    for flag in [
        &["--skill", "."][..],
        &["--approve"],
        &["--policy-file", "p.cedar"],
        &["--allow-loopback"],
        &["--max-module-bytes", "9"],
        &["--max-exported-functions", "9"],
        &["--allow-device-capabilities"],
        &["--trust-store", "t.json"],
        &["--trusted-publisher", &key],
        &["--allow-tofu"],
        &["--palyra-version", "0.1.0"],
        &["acme.tool"],
    ] {
        let ran = world.run(&[&["run", "--module", "m.wasm"], flag].concat()).exits(2);
        assert!(ran.err.contains("cannot be used with") && ran.err.contains("--module"), "{flag:?}: {ran:?}");
    }
    assert_eq!(run(&world, &["--trace", "--no-cache", "--deterministic"])["exit_code"], 7);
}

#[test]
fn what_ends_a_bare_module_names_the_flag_that_sets_it() {
    let endless = "(module (memory 2) (func (export \"run\") (result i32) (loop $l br $l) i32.const 0))";
    let world = world(endless);
    for (flags, outcome, named) in [
        (&["--fuel", "1000"][..], "fuel_exhausted", "`--fuel`"),
        (&["--timeout-ms", "200", "--fuel", "1000000000000000"], "timed_out", "`--timeout-ms`"),
        (&["--memory", "65536"], "memory_exceeded", "`--memory`"),
        (&["--entry", "other"], "missing_export", "`--entry`"),
    ] {
        let report = run(&world, flags);
        let error = report["error"].as_str().unwrap();
        assert_eq!(report["outcome"], outcome, "{report:#}");
        assert!(error.contains(named) && !error.contains("capabilities.") && !error.contains("operator."), "{error}");
    }
}

#[test]
fn the_input_of_a_bare_module_is_json_too() {
    let world = world("(module (func (export \"run\") (result i32) i32.const 7))");
    let report = run(&world, &["--input", "notjson"]);
    assert_eq!((&report["outcome"], &report["exit_code"]), (&json!("input_invalid"), &Value::Null), "{report:#}");
    assert!(report["error"].as_str().unwrap().contains("no JSON"), "{report:#}");
}

#[test]
fn text_in_place_of_a_module_is_told_in_one_line() {
    let world = World::new();
    world.0.write("m.wat", "(module (func (export \"run\") (result i32) i32.const 7))");
    let ran = world.run(&["run", "--module", "m.wat"]).exits(1);
    assert!(ran.out.contains("wasm-tools parse") && !ran.out.contains("\\n"), "{ran:?}");
}
