//! `skillyard audit --format sarif`, as code scanning reads it.

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
