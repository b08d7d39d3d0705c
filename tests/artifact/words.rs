//! What a person or a program is told who comes with something that does not do: what, where, and what to do.

use serde_json::{Value, json};

use crate::{
    skillyard::{GOOD, holds_against},
    world::{ARTIFACT, ELEVENS, World},
};

#[test]
fn install_says_that_it_pins() {
    let help = World::new().run(&["install", "--help"]).exits(0).out;
    assert!(help.contains("pinned") && !help.contains("nothing is written"), "{help}");
    let help = World::new().run(&["run", "--help"]).exits(0).out;
    assert!(help.contains("nothing is written"), "{help}");
}

#[test]
fn whoever_meets_a_stranger_is_told_the_command() {
    let world = World::new();
    world.package(&[]);
    let allow = format!("skillyard trust allow northwind={ELEVENS}");
    for arguments in [["verify", ARTIFACT].as_slice(), &["install", ARTIFACT], &["run", "--skill", ARTIFACT]] {
        let ran = world.run(arguments).exits(1);
        let said = ran.out.clone() + &ran.err;
        assert!(said.contains(&allow) && said.contains("--allow-tofu"), "{arguments:?}: {ran:?}");
        assert_eq!(said.matches("is not trusted").count(), 1, "{arguments:?}: {ran:?}");
    }
    // Another key than the one that is known: a change of keys has a statement.
    world.run(&["trust", "allow", &format!("northwind={}", OTHER)]).exits(0);
    for arguments in [["verify", ARTIFACT].as_slice(), &["install", ARTIFACT], &["run", "--skill", ARTIFACT]] {
        let ran = world.run(arguments).exits(1);
        let said = ran.out.clone() + &ran.err;
        for words in ["skillyard trust rotate STATEMENT", "skillyard trust show northwind=", &allow] {
            assert!(said.contains(words), "{arguments:?}: {words}: {ran:?}");
        }
    }
    // What is refused for more than its key: nobody should come to trust it.
    let ran = world.run(&["run", "--skill", &crate::world::recorded("h09-dup-evil-first")]).exits(1);
    assert!(!ran.err.contains("trust allow"), "{ran:?}");
}

/// The public key of the key of 32 bytes 0x22.
const OTHER: &str = "a09aa5f47a6759802ff955f8dc2d2a14a5c99d23be97f864127ff9383455a4f0";

#[test]
fn names_of_keys_and_files_are_told_apart() {
    let world = World::new();
    let ran = world.run(&["keygen", "ci.pem"]).exits(2);
    assert!(ran.err.contains("--output FILE") && ran.err.contains("--key FILE"), "{ran:?}");
    let ran = world.run(&["package", "skill", "--key-name", "nope"]).exits(2);
    assert!(ran.err.contains("`skillyard keygen nope` makes one"), "{ran:?}");
    assert!(ran.err.contains("for a file: `--key ./nope`"), "{ran:?}");
    world.run(&["keygen"]).exits(0);
    let ran = world.run(&["keygen"]).exits(2);
    assert!(ran.err.contains("`--replace`"), "{ran:?}");
}

#[test]
fn a_refusal_is_one_document_for_a_program() {
    let world = World::new();
    let document = |arguments: &[&str]| -> Value {
        let report = world.run(&[arguments, &["--format", "json"]].concat()).exits(1).quietly().json();
        assert_eq!(report["schema_version"], 1, "{arguments:?}: {report:#}");
        assert!(report["error"].as_str().is_some_and(|error| !error.is_empty()), "{arguments:?}: {report:#}");
        assert!(report["findings"].is_array() && report.get("error_kind").is_some(), "{arguments:?}: {report:#}");
        report
    };
    // What lies in the folder.
    world.0.write("skill/assets/rates.json", "{}");
    world.run(&["keygen", "--output", "skill/assets/ci.txt"]).exits(0);
    let report = document(&["package", "skill", "--key", "elevens.key"]);
    holds_against("schema/package-report.schema.json", &report);
    assert_eq!(report["findings"][0]["code"], "package/private-key", "{report:#}");
    assert_eq!((&report["artifact"], &report["entries"]), (&Value::Null, &json!([])));
    std::fs::remove_file(world.0.path("skill/assets/ci.txt")).unwrap();
    // The manifest.
    world.0.write("skill/skill.toml", GOOD.replace("\"1.4.2\"", "\"1.4\""));
    let report = document(&["package", "skill", "--dry-run"]);
    holds_against("schema/package-report.schema.json", &report);
    assert_eq!(report["dry_run"], true);
    let kind = report["error_kind"].clone();
    assert!(kind.is_string(), "{report:#}");
    holds_against("schema/audit-report.schema.json", &document(&["audit", "skill"]));
    document(&["capabilities", "skill"]);
    document(&["test", "skill"]);
    let report = document(&["run", "--skill", "skill"]);
    holds_against("schema/run-report.schema.json", &report);
    assert_eq!(report["error_kind"], kind);
    // What is not installed.
    for command in ["info", "remove", "rollback"] {
        assert_eq!(document(&[command, "acme.none"])["error_kind"], "NotInstalled", "{command}");
    }
    let said = ["acme.none", "--reason", "x", "--principal", "ada"];
    document(&[["quarantine"].as_slice(), &said].concat());
    document(&[["enable", "--override"].as_slice(), &said].concat());
    // A person reads the same, and nothing on standard output.
    let ran = world.run(&["info", "acme.none"]).exits(1);
    assert!(ran.out.is_empty() && ran.err.contains("acme.none"), "{ran:?}");
}
