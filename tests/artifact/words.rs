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

#[test]
fn advice_can_be_followed_as_it_stands() {
    let world = World::new();
    world.package(&[]);
    // On the trust store that the command was given.
    for arguments in
        [["verify", ARTIFACT].as_slice(), &["audit", ARTIFACT], &["install", ARTIFACT], &["run", "--skill", ARTIFACT]]
    {
        let arguments = [arguments, &["--trust-store", "my store.json"]].concat();
        let ran = world.run(&arguments).exits(1);
        let said = ran.out.clone() + &ran.err;
        assert!(said.contains(&format!("northwind={ELEVENS} --trust-store 'my store.json'")), "{arguments:?}: {ran:?}");
    }
    let publisher = format!("northwind={ELEVENS}");
    world.run(&["trust", "allow", &publisher, "--trust-store", "my store.json"]).exits(0);
    world.run(&["verify", ARTIFACT, "--trust-store", "my store.json"]).exits(0);
    // No flag that the command does not have.
    let ran = world.run(&["inspect", ARTIFACT]).exits(0);
    assert!(ran.out.contains("--allow-tofu") && !ran.out.contains("--pin"), "{ran:?}");
    world.run(&["inspect", ARTIFACT, "--allow-tofu"]).exits(0);
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
        holds_against("schema/refusal.schema.json", &report);
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
    // An artifact that is refused.
    let broken = crate::world::recorded("h09-dup-evil-first");
    document(&["trust", "pin", &broken]);
    world.0.write("no.palyra-skill", "no archive");
    assert_eq!(document(&["trust", "show", "no.palyra-skill"])["error_kind"], "Zip");
    let ran = world.run(&["verify", "no.palyra-skill"]).exits(1);
    assert!(ran.out.contains("REFUSED: it is cut off, or is no ZIP archive; a daemon says: "), "{ran:?}");
    // A person reads the same, and nothing on standard output.
    let ran = world.run(&["info", "acme.none"]).exits(1);
    assert!(ran.out.is_empty() && ran.err.contains("acme.none"), "{ran:?}");
}

#[test]
fn nobody_takes_a_slip_for_a_removal() {
    let world = World::new();
    world.run(&["trust", "allow", &format!("northwind={ELEVENS}")]).exits(0);
    let ran = world.run(&["trust", "remove", "northwindd"]).exits(1);
    assert!(ran.err.contains("no key of `northwindd`") && ran.err.contains("it has northwind"), "{ran:?}");
    let ran = world.run(&["trust", "allow", &format!("={ELEVENS}")]).exits(2);
    assert!(ran.err.contains("no publisher stands in front of `=`"), "{ran:?}");
}

#[test]
fn a_refused_manifest_is_told_in_one_text() {
    let world = World::new();
    world.0.write("skill/skill.toml", GOOD.replace("\"1.4.2\"", "\"1.4\""));
    let commands: [&[&str]; 5] = [
        &["package", "skill", "--dry-run"],
        &["audit", "skill"],
        &["capabilities", "skill"],
        &["run", "--skill", "skill"],
        &["test", "skill"],
    ];
    let said: Vec<String> = commands.iter().map(|command| world.run(command).exits(1).err).collect();
    assert!(said[0].contains("; `skillyard check skill` shows all") && said[0].contains("skill.toml:"), "{said:?}");
    assert!(said.iter().all(|one| *one == said[0]), "{said:#?}");
}

#[test]
fn versions_are_named_alike_everywhere() {
    let world = World::new();
    world.run(&["trust", "allow", &format!("northwind={ELEVENS}")]).exits(0);
    world.package(&[]);
    world.run(&["install", ARTIFACT]).exits(0);
    let named = "northwind.ledger_tools@1.4.2";
    world.run(&["info", named]).exits(0);
    let ran = world.run(&["info", named, "--version", "1.4.2"]).exits(2);
    assert!(ran.err.contains("give one of them"), "{ran:?}");
    let said = ["--reason", "x", "--principal", "ada"];
    world.run(&[["quarantine", named].as_slice(), &said].concat()).exits(0);
    let ran = world.run(&["run", "--skill", "northwind.ledger_tools"]).exits(1);
    assert!(ran.err.contains("--override --reason WHY --principal WHO"), "{ran:?}");
    world.run(&[["enable", named, "--override"].as_slice(), &said].concat()).exits(0);
    world.run(&["remove", named]).exits(0);
    for command in ["info", "remove", "rollback"] {
        let ran = world.run(&[command, named]).exits(1);
        assert!(ran.err.contains("`skillyard list` shows"), "{command}: {ran:?}");
    }
    // What does not do as a word was not looked up.
    world.run(&["quarantine", "northwind.ledger_tools@one", "--reason", "x", "--principal", "ada"]).exits(2);
    world.run(&["quarantine", named, "--reason", "", "--principal", "ada"]).exits(2);
}

#[test]
fn paths_are_taken_for_what_they_are() {
    let world = World::new();
    let ran = world.run(&["audit", "acme.greeter"]).exits(2);
    assert!(ran.err.contains("no such file or folder, and no skill of that name"), "{ran:?}");
    let ran = world.run(&["verify", "skill"]).exits(2);
    assert!(ran.err.contains("`skillyard package skill`") && ran.err.contains("`skillyard audit skill`"), "{ran:?}");
    // A manifest stands for its folder.
    world.run(&["audit", "skill/skill.toml"]).exits(0);
    world.run(&["package", "skill/skill.toml", "--dry-run"]).exits(0);
    world.run(&["test", "skill/skill.toml"]).exits(0);
    world.package(&[]);
    for (file, words) in [(ARTIFACT, "ZIP archive"), ("skill/module.wasm", "WebAssembly module")] {
        let ran = world.run(&["check", file]).exits(2);
        assert!(ran.err.contains(words) && ran.err.lines().count() == 1, "{ran:?}");
    }
    let ran = world.run(&["package", "skill", "--dry-run", "--sbom", "skill/skill.toml"]).exits(1);
    assert!(ran.err.starts_with("error: skill/skill.toml: "), "{ran:?}");
    let ran = world.run(&["package", "skill", "--key", "elevens.key", "-o", "foo.zip"]).exits(2);
    assert!(ran.err.contains("ends in .palyra-skill") && !world.0.path("foo.zip").exists(), "{ran:?}");
    world.0.write("skill/skillyard.toml", "[package]\nmodules = [\"build/*.wasm\"]\n");
    let ran = world.run(&["package", "skill", "--dry-run"]).exits(1);
    assert!(ran.err.contains("skillyard.toml: under `package.modules`, `build/*.wasm` matches nothing"), "{ran:?}");
}
