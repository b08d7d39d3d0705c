//! Every recorded verdict of a daemon about artifacts and trust, through the command line.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    skillyard::{ROOT, holds_against},
    world::{World, recorded, records},
};

#[test]
fn verify_agrees_with_every_recorded_verdict() {
    let world = World::new();
    let cases = records("artifacts.jsonl");
    assert_eq!(cases.len(), 82);
    let mut wrong = Vec::new();
    for case in &cases {
        let file = case["file"].as_str().unwrap();
        let path = format!("{ROOT}/tests/conformance/artifacts/{file}");
        let ran = world.run(&["verify", "--allow-tofu", "--format", "json", &path]).quietly();
        let report = ran.json();
        holds_against("schema/verify-report.schema.json", &report);
        let accepted = report["accepted"].as_bool().unwrap();
        let accepts = case["daemon_accepts"].as_bool().unwrap();
        assert_eq!(ran.code, Some(i32::from(!accepted)), "{file}");
        let mut agree = |what: &str, ours: &Value, theirs: &Value| {
            if ours != theirs {
                wrong.push(format!("{file}: {what}: a daemon says {theirs}, we say {ours}"));
            }
        };
        agree("accepts", &report["daemon_accepts"], &case["daemon_accepts"]);
        agree("error kind", &report["daemon_error_kind"], &case["error_kind"]);
        if accepts {
            for (name, theirs) in [
                ("trust_decision", "trust_decision"),
                ("payload_sha256", "payload_sha256"),
                ("publisher", "publisher"),
                ("skill_id", "skill_id"),
                ("manifest_warnings", "warnings"),
            ] {
                agree(name, &report[name], &case[theirs]);
            }
        }
        assert!(accepts || !accepted, "{file}: accepted, and a daemon refuses");
        let errors = report["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error");
        assert_eq!(errors.count() > 0, !accepted, "{file}: a refusal has a finding, and only a refusal");
        // What a daemon's own builder wrote is good, but for modules that are none.
        if file.starts_with('v') {
            let is_module = !["v08", "v09", "v10"].iter().any(|prefix| file.starts_with(prefix));
            assert_eq!(accepted, is_module, "{file}: {report:#}");
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn audit_agrees_with_every_recorded_verdict() {
    let world = World::new();
    let mut wrong = Vec::new();
    for case in records("artifacts.jsonl") {
        let file = case["file"].as_str().unwrap();
        let path = format!("{ROOT}/tests/conformance/artifacts/{file}");
        let ran = world.run(&["audit", "--allow-tofu", "--format", "json", &path]).quietly();
        let report = ran.json();
        holds_against("schema/audit-report.schema.json", &report);
        let passed = report["passed"].as_bool().unwrap();
        assert_eq!(ran.code, Some(i32::from(!passed)), "{file}");
        assert_eq!(report["should_quarantine"], !passed, "{file}");
        assert!(!passed || report["accepted"] == true && report["daemon_passed"] == true, "{file}");
        if passed == report["quarantine_reasons"].as_array().unwrap().iter().any(|_| true) {
            wrong.push(format!("{file}: passed {passed}, and {}", report["quarantine_reasons"]));
        }
        if case["audit"].is_null() {
            assert_eq!(report["daemon_passed"], false, "{file}: a daemon refuses it before");
            continue;
        }
        let checks: Vec<Value> = report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|check| json!([check["check_id"], check["status"]]))
            .collect();
        for (what, ours, theirs) in [
            ("passed", &report["daemon_passed"], &case["audit"]["passed"]),
            ("checks", &json!(checks), &case["audit"]["checks"]),
        ] {
            if ours != theirs {
                wrong.push(format!("{file}: {what}: a daemon says {theirs}, we say {ours}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// A store's entries, whatever their order and spelling. An array is the values in the order of the two keys.
fn meaning(text: &str) -> BTreeMap<(bool, String), Vec<String>> {
    let store: Value = if text.trim().is_empty() { json!({}) } else { serde_json::from_str(text).unwrap() };
    let lists = match &store {
        Value::Array(lists) => vec![lists[0].clone(), lists[1].clone()],
        store => vec![store["trusted_publishers"].clone(), store["tofu_publishers"].clone()],
    };
    let mut meaning = BTreeMap::new();
    for (is_pin, list) in [false, true].into_iter().zip(lists) {
        for (publisher, keys) in list.as_object().into_iter().flatten() {
            let keys = match keys {
                Value::Array(keys) => keys.clone(),
                key => vec![key.clone()],
            };
            let mut keys: Vec<String> = keys.iter().map(|key| key.as_str().unwrap().trim().to_lowercase()).collect();
            keys.sort();
            keys.dedup();
            meaning.insert((is_pin, publisher.trim().to_owned()), keys);
        }
    }
    meaning
}

/// A daemon pins wherever first use is allowed; Skillyard where it is asked for.
#[test]
fn trust_agrees_with_every_recorded_scenario() {
    for case in records("trust.jsonl") {
        let name = case["scenario"].as_str().unwrap();
        let world = World::new();
        if name == "store-is-directory" {
            std::fs::create_dir(world.0.path("store.json")).unwrap();
            let artifact = recorded("v02-operator-asset");
            let ran = world.run(&["verify", "--pin", "--trust-store", "store.json", &artifact]).exits(2);
            assert!(
                ran.err.contains(case["steps"][0]["error_kind"].as_str().unwrap()) && ran.out.is_empty(),
                "{ran:?}"
            );
            continue;
        }
        if let Some(text) = case["store_before"].as_str() {
            world.0.write("store.json", text);
        }
        let mut all_ours = true;
        for step in case["steps"].as_array().unwrap() {
            let artifact = recorded(step["artifact"].as_str().unwrap());
            let mut arguments = vec!["verify", "--trust-store", "store.json", "--format", "json", &artifact];
            arguments.extend(step["allow_tofu"].as_bool().unwrap().then_some("--pin"));
            let ran = world.run(&arguments);
            if step["stage"] == "trust_store_load" {
                let kind = step["error_kind"].as_str().unwrap();
                assert!(ran.err.contains(kind) && ran.out.is_empty(), "{name}: {ran:#?}");
                ran.exits(2);
                continue;
            }
            let report = ran.clone().quietly().json();
            assert_eq!(report["daemon_accepts"], step["ok"], "{name}: {report:#}");
            assert_eq!(report["daemon_error_kind"], step["error_kind"], "{name}");
            assert_eq!(report["trust_decision"], step["trust_decision"], "{name}");
            assert!(report["accepted"] == false || step["ok"] == true, "{name}");
            all_ours &= report["accepted"] == step["ok"];
            assert_eq!(ran.code, Some(i32::from(report["accepted"] == false)), "{name}");
        }
        let after = std::fs::read_to_string(world.0.path("store.json")).unwrap_or_default();
        // What a daemon cannot load it does not touch, and nor do we.
        let expected = case["store_after"].as_str().or(case["store_before"].as_str()).unwrap_or_default();
        if case["steps"].as_array().unwrap().iter().any(|step| step["stage"] == "trust_store_load") {
            assert_eq!(after, expected, "{name}");
        } else if all_ours {
            assert_eq!(meaning(&after), meaning(expected), "{name}: {after}");
        }
    }
}
