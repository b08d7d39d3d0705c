//! `skillyard audit --format sarif`, as code scanning reads it.

use std::fs;

use crate::{
    skillyard::is_sarif,
    world::{World, module, recorded},
};

#[test]
fn findings_are_results_of_known_rules() {
    let world = World::new();
    world.0.write("skill/module.wasm", module(&[("wasi_snapshot_preview1", "path_open"), ("env", "x")]));
    for target in ["skill".to_owned(), recorded("h09-dup-evil-first"), recorded("h81-not-zip")] {
        let report = world.run(&["audit", &target, "--allow-tofu", "--format", "sarif"]).exits(1).quietly().json();
        is_sarif(&report);
        let run = &report["runs"][0];
        let rules: Vec<&str> = run["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["id"].as_str().unwrap())
            .collect();
        let results = run["results"].as_array().unwrap();
        assert!(!results.is_empty(), "{target}");
        for result in results {
            assert!(rules.contains(&result["ruleId"].as_str().unwrap()), "{result}");
            assert!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].is_string(), "{result}");
        }
        // The same finding has the same fingerprint in the next run.
        let again = world.run(&["audit", &target, "--allow-tofu", "--format", "sarif"]).exits(1).json();
        assert_eq!(again["runs"][0]["results"], run["results"]);
    }
}

#[test]
fn a_manifest_that_is_refused_is_an_audit_that_failed() {
    let world = World::new();
    world.0.write("skill/skill.toml", "manifest_version = 9\n");
    let report = world.run(&["audit", "skill", "--format", "sarif"]).exits(1).quietly().json();
    is_sarif(&report);
    let run = &report["runs"][0];
    assert_eq!(run["results"], serde_json::json!([]));
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let told = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(told["level"], "error");
    assert!(told["message"]["text"].as_str().unwrap().contains("skillyard check"), "{told}");
    let uri = &told["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert!(uri.as_str().unwrap().ends_with("skill/skill.toml"), "{told}");
}

#[test]
fn a_check_of_a_daemons_that_fails_is_a_result() {
    let world = World::new();
    world.0.write("skill/module.wasm", module(&[]));
    let whole = world.run(&["audit", "skill", "--format", "sarif"]).exits(0).json();
    assert_eq!(whole["runs"][0]["results"], serde_json::json!([]));
    // No finding stands for this one.
    let run = ["audit", "skill", "--max-module-bytes", "10", "--format", "sarif"];
    let report = world.run(&run).exits(1).quietly().json();
    is_sarif(&report);
    let results = report["runs"][0]["results"].as_array().unwrap();
    let of_check = results.iter().find(|result| result["ruleId"] == "wasm_module_size_limit").unwrap();
    assert_eq!(of_check["level"], "error");
    // For each module one, and the rule once.
    world.0.write("skill/modules/more.wasm", module(&[("env", "x")]));
    fs::rename(world.0.path("skill/module.wasm"), world.0.path("skill/modules/one.wasm")).unwrap();
    let report = world.run(&run).exits(1).json();
    is_sarif(&report);
    let results = report["runs"][0]["results"].as_array().unwrap();
    let of_check: Vec<_> = results.iter().filter(|result| result["ruleId"] == "wasm_module_size_limit").collect();
    assert_eq!(of_check.len(), 2, "{results:#?}");
    assert_ne!(of_check[0]["partialFingerprints"], of_check[1]["partialFingerprints"]);
    // A person reads why nothing is known of the module.
    let text = world.run(&run[..4]).exits(1).out;
    assert!(text.contains("not read: it is over the limit of size"), "{text}");
}
