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
