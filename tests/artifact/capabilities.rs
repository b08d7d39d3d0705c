//! `skillyard capabilities`: what a skill may do, and what a new version may do beyond.

use crate::{
    skillyard::{GOOD, holds_against, is_sarif},
    world::{ARTIFACT, World, module},
};

#[test]
fn what_is_refused_has_a_document_for_code_scanning() {
    let world = World::new();
    world.package(&[]);
    world.0.write("junk.palyra-skill", "junk");
    for (target, against) in [("junk.palyra-skill", ARTIFACT), (ARTIFACT, "junk.palyra-skill")] {
        let arguments = ["capabilities", target, "--against", against, "--format", "sarif"];
        let report = world.run(&arguments).exits(1).quietly().json();
        is_sarif(&report);
        let looked = &report["runs"][0]["invocations"][0];
        assert_eq!(looked["executionSuccessful"], false);
        let said = looked["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
        assert!(said.contains("junk.palyra-skill"), "{said}");
    }
}

#[test]
fn a_new_version_that_may_do_more_is_told() {
    let world = World::new();
    world.package(&[]);
    let shown = world.run(&["capabilities", ARTIFACT, "--format", "json"]).exits(0).quietly().json();
    holds_against("schema/capabilities-report.schema.json", &shown);
    assert_eq!(shown["against"], serde_json::Value::Null);
    assert_eq!(shown["policy_bindings"][0]["requires_approval"], true);

    // A folder, a manifest and an artifact of the same are the same.
    for same in ["skill", "skill/skill.toml", ARTIFACT] {
        let report =
            world.run(&["capabilities", same, "--against", ARTIFACT, "--format", "json"]).exits(0).quietly().json();
        assert_eq!(report["against"]["changes"], serde_json::json!([]), "{same}");
    }
    let more = GOOD
        .replace("requires_approval = true", "requires_approval = false")
        .replace("[operator]", "[capabilities]\nhttp_egress_allowlist = [\"api.example.com\"]\n\n[operator]");
    world.0.write("new/skill.toml", more);
    let report =
        world.run(&["capabilities", "new", "--against", ARTIFACT, "--format", "json"]).exits(1).quietly().json();
    holds_against("schema/capabilities-report.schema.json", &report);
    assert_eq!(report["against"]["widens"], true);
    let changes: Vec<String> = report["against"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| format!("{} {} {}", change["change"], change["kind"], change["widens"]))
        .collect();
    assert_eq!(
        changes,
        [
            "\"added\" \"http_host\" true",
            "\"added\" \"policy_binding\" true",
            "\"changed\" \"policy_binding\" true",
            "\"changed\" \"risk\" true",
        ]
    );
    let sarif =
        world.run(&["capabilities", "new", "--against", ARTIFACT, "--format", "sarif"]).exits(1).quietly().json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    assert!(results.iter().all(|result| result["ruleId"] == "update/wider"), "{results:?}");
    // The other way round it may do less.
    let report =
        world.run(&["capabilities", ARTIFACT, "--against", "new", "--format", "json"]).exits(0).quietly().json();
    assert_eq!(report["against"]["widens"], false);
    let ran = world.run(&["capabilities", "new", "--against", ARTIFACT]).exits(1).quietly();
    assert!(ran.out.contains("MORE") && ran.out.contains("+ http host api.example.com"), "{ran:?}");
}

#[test]
fn a_module_that_imports_more_is_told() {
    let world = World::new();
    world.package(&[]);
    world.0.write("skill/module.wasm", module(&[("palyra:host", "log")]));
    let arguments = ["capabilities", "skill", "--against", ARTIFACT, "--format", "json"];
    let report = world.run(&arguments).exits(1).quietly().json();
    holds_against("schema/capabilities-report.schema.json", &report);
    let changes = report["against"]["changes"].as_array().unwrap();
    assert!(changes.len() == 1 && changes[0]["kind"] == "import" && changes[0]["name"] == "palyra:host.log");
}

#[test]
fn what_has_no_capabilities_is_told() {
    let world = World::new();
    world.0.write("bad/skill.toml", "x");
    world.0.write("x.palyra-skill", "x");
    for target in ["bad", "x.palyra-skill"] {
        let ran = world.run(&["capabilities", target]).exits(1);
        assert!(ran.out.is_empty() && ran.err.starts_with("error: "), "{ran:?}");
    }
    world.run(&["capabilities", "gone"]).exits(2);
}
