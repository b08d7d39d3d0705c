//! `skillyard explain` and `skillyard schema`.

use crate::skillyard::{Folder, holds_against};

#[test]
fn a_rule_has_a_page() {
    let folder = Folder::with(&[]);
    let page = folder.run(&["explain", "fields/unknown-key"]).exits(0).quietly().out;
    assert!(page.starts_with("# fields/unknown-key\n"), "{page}");
}

#[test]
fn the_rules_of_artifacts_are_explained_too() {
    let folder = Folder::with(&[]);
    for code in ["archive/duplicate-name", "trust/unknown-publisher", "module/filesystem-import"] {
        let page = folder.run(&["explain", code]).exits(0).quietly().out;
        assert!(page.starts_with(&format!("# {code}\n")) && page.contains("the artifact"), "{page}");
    }
}

#[test]
fn all_rules_are_listed_and_described() {
    let folder = Folder::with(&[]);
    let list = folder.run(&["explain"]).exits(0).quietly().out;
    assert_eq!(list, folder.run(&["explain", "--list"]).exits(0).out);
    let report = folder.run(&["explain", "--format", "json"]).exits(0).json();
    holds_against("schema/explain-report.schema.json", &report);
    let rules = report["rules"].as_array().unwrap();
    assert!(rules.len() > 10);
    for rule in rules {
        let code = rule["code"].as_str().unwrap();
        assert!(list.contains(&format!("\n  {code} ")), "{code}");
        let one = folder.run(&["explain", code, "--format", "json"]).exits(0).json();
        assert_eq!(&one["rules"][0], rule);
    }
}

#[test]
fn an_unknown_rule_gets_advice() {
    let folder = Folder::with(&[]);
    let ran = folder.run(&["explain", "fields/unknwon-key"]).exits(2);
    assert_eq!(ran.err, "error: no rule `fields/unknwon-key`; did you mean `fields/unknown-key`?\n");
    let ran = folder.run(&["explain", "zzz"]).exits(2);
    assert_eq!(ran.err, "error: no rule `zzz`; `skillyard explain` lists all rules\n");
}

#[test]
fn the_schema_is_one_and_takes_a_good_manifest() {
    let folder = Folder::with(&[]);
    let schema = folder.run(&["schema"]).exits(0).quietly().json();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let manifest = serde_json::json!({
        "manifest_version": 2,
        "skill_id": "acme.x",
        "name": "X",
        "version": "1.0.0",
        "publisher": "acme",
        "entrypoints": { "tools": [{
            "id": "acme.x", "name": "X", "description": "X.", "input_schema": {}, "output_schema": {},
        }] },
        "compat": { "required_protocol_major": 1, "min_palyra_version": "0.1.0" },
    });
    assert!(validator.is_valid(&manifest));
    let mut wrong = manifest.clone();
    wrong["colour"] = "blue".into();
    assert!(!validator.is_valid(&wrong));
}
