//! `skillyard trust` and pinning.

use std::fs;

use crate::{
    skillyard::holds_against,
    world::{ARTIFACT, ELEVENS, World, recorded},
};

const STORE: &str = "home/palyra/skills/trust-store.json";

#[test]
fn listing_pinning_and_removing() {
    let world = World::new();
    let list = || {
        let list = world.run(&["trust", "list", "--format", "json"]).exits(0).quietly().json();
        holds_against("schema/trust-report.schema.json", &list);
        list
    };
    let empty = list();
    assert_eq!((empty["trusted"].as_array().unwrap().len(), empty["seal"].as_str()), (0, Some("unsealed")));
    assert!(!world.0.path(STORE).exists(), "looking makes nothing");

    let pair = format!("northwind={ELEVENS}");
    let told = world.run(&["trust", "allow", &pair, "--format", "json"]).exits(0).quietly().json();
    holds_against("schema/trust-report.schema.json", &told);
    assert_eq!((&told["written"], &told["publisher"]), (&true.into(), &"northwind".into()));
    assert_eq!(world.run(&["trust", "allow", &pair, "--format", "json"]).exits(0).json()["written"], false);
    let after = list();
    assert_eq!(after["trusted"][0]["keys"][0]["public_key"], ELEVENS);
    assert_eq!(after["seal"], "secret_file");

    world.run(&["trust", "remove", "northwind", &"00".repeat(32)]).exits(0);
    assert_eq!(list()["trusted"].as_array().unwrap().len(), 1, "another key is not this one");
    world.run(&["trust", "remove", "northwind", ELEVENS]).exits(0);
    assert_eq!(list()["trusted"], serde_json::json!([]));
    world.run(&["trust", "pin", &pair]).exits(0);
    assert_eq!(list()["pinned"][0]["key"]["public_key"], ELEVENS);
    world.run(&["trust", "remove", "northwind"]).exits(0);
    assert_eq!(list()["pinned"], serde_json::json!([]));
}

#[test]
fn nothing_is_written_unless_a_pin_is_asked_for() {
    let world = World::new();
    world.package(&[]);
    let before = world.0.files();
    world.run(&["verify", ARTIFACT]).exits(1);
    world.run(&["verify", ARTIFACT, "--allow-tofu"]).exits(0);
    world.run(&["audit", ARTIFACT, "--allow-tofu"]).exits(0);
    world.run(&["inspect", ARTIFACT, "--allow-tofu"]).exits(0);
    assert_eq!(world.0.files(), before);
    let pinned = world.run(&["verify", ARTIFACT, "--pin", "--format", "json"]).exits(0).json();
    assert_eq!((&pinned["pinned"], &pinned["trust_decision"]), (&true.into(), &"tofu_newly_pinned".into()));
    let known = world.run(&["verify", ARTIFACT, "--format", "json"]).exits(0).json();
    assert_eq!((&known["pinned"], &known["trust_decision"]), (&false.into(), &"tofu_pinned".into()));
    // Another key for the same publisher is refused, whatever is allowed.
    let other = recorded("v24-key-b");
    for more in [&["--allow-tofu"][..], &["--pin"], &[]] {
        let report = world.run(&[&["verify", &other, "--format", "json"], more].concat()).exits(1).json();
        assert_eq!(report["error_kind"], "TofuKeyMismatch");
    }
    world.run(&["trust", "pin", &other]).exits(1);
}

#[test]
fn only_what_passes_the_audit_is_pinned() {
    let world = World::new();
    // A daemon takes both; the first fails its audit, of the second only ours says anything.
    for name in ["v20-wildcards", "v17-wasi-fs-import"] {
        let artifact = recorded(name);
        for command in [&["verify", "--pin"][..], &["audit", "--pin"], &["trust", "pin"]] {
            let ran = world.run(&[command, &[artifact.as_str()]].concat()).exits(1);
            assert!(ran.out.contains("not pinned") || ran.err.contains("not pinned"), "{command:?}: {ran:?}");
        }
        assert!(!world.0.path(STORE).exists(), "{name}");
    }
    world.run(&["trust", "pin", &recorded("v02-operator-asset")]).exits(0);
    assert!(world.0.read(STORE).contains(ELEVENS));
}

#[test]
fn a_store_that_others_changed_is_refused_until_a_person_accepts_it() {
    let world = World::new();
    world.package(&[]);
    world.run(&["trust", "allow", &format!("northwind={ELEVENS}")]).exits(0);
    let written = world.0.read(STORE);
    for changed in [Some(written.replace("northwind", "southwind")), Some(String::new()), None] {
        match &changed {
            Some(text) => world.0.write(STORE, text),
            None => fs::remove_file(world.0.path(STORE)).unwrap(),
        }
        for command in
            [&["verify", ARTIFACT, "--pin"][..], &["trust", "list"], &["trust", "allow", &format!("x={ELEVENS}")]]
        {
            let ran = world.run(command).exits(2);
            assert!(ran.err.contains("skillyard trust accept") && ran.out.is_empty(), "{ran:?}");
        }
        assert_eq!(fs::read_to_string(world.0.path(STORE)).ok(), changed, "it is never replaced");
        let said = world.run(&["trust", "list"]).err;
        let command = said.split('`').find(|part| part.starts_with("skillyard trust accept")).unwrap();
        // The very command that is offered, as a shell would read it.
        let words: Vec<String> = command.split(' ').skip(1).map(|word| word.trim_matches('\'').to_owned()).collect();
        world.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
        world.run(&["trust", "list"]).exits(0);
        let is_there = changed.as_ref().is_some_and(|text| text.contains("southwind"));
        world.run(&["trust", "remove", "southwind"]).exits(if is_there { 0 } else { 1 });
        world.run(&["trust", "allow", &format!("northwind={ELEVENS}")]).exits(0);
    }
}

#[test]
fn what_does_not_do_is_refused() {
    let world = World::new();
    for (arguments, words) in [
        (&["trust", "allow", "northwind"][..], "write the publisher, `=`"),
        (&["trust", "allow", "northwind=12"], "64 hex digits"),
        (&["trust", "allow", &format!("North Wind={ELEVENS}")], "North Wind"),
        (&["trust", "pin", "gone.palyra-skill"], "no such file"),
        (&["trust", "pin", "northwind=12"], "64 hex digits"),
        (&["trust", "accept", "xyz"], "xyz"),
        (&["trust"], "Usage: skillyard trust"),
    ] {
        let ran = world.run(arguments).exits(2);
        assert!(ran.err.contains(words), "{arguments:?}: {ran:?}");
    }
    // A key that anyone can sign for is never listed.
    for weak in ["00".repeat(32), format!("01{}", "00".repeat(31))] {
        world.run(&["trust", "allow", &format!("acme={weak}")]).exits(2);
    }
    assert!(!world.0.path(STORE).exists());
}

#[test]
fn a_name_that_looks_like_a_known_one_is_said_loudly() {
    let world = World::new();
    world.run(&["trust", "allow", &format!("northwind={ELEVENS}")]).exits(0);
    let ran = world.run(&["trust", "allow", &format!("northw1nd={ELEVENS}")]).exits(0);
    assert!(ran.err.contains("warning: `northw1nd` looks like `northwind`"), "{ran:?}");
}

/// White space makes another publisher: nothing is done to, or said of, one that was not named.
#[test]
fn a_publisher_is_named_as_it_is_written() {
    let world = World::new();
    world.package(&[]);
    world.run(&["trust", "allow", &format!("acme={ELEVENS}")]).exits(0);
    world
        .run(&[
            "trust",
            "allow",
            &format!("northwind={}", "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"),
        ])
        .exits(0);
    let before = world.0.read(STORE);
    for name in ["acme ", "\tacme", "Acme", "acme\u{a0}"] {
        let pair = format!("{name}={ELEVENS}");
        for arguments in [
            &["trust", "remove", name][..],
            &["trust", "remove", name, ELEVENS],
            &["trust", "allow", &pair],
            &["trust", "pin", &pair],
            &["trust", "show", &pair],
            &["trust", "expire", &pair, "2026-12-31"],
            &["trust", "revoke", &pair, "--reason", "x"],
            &["trust", "revoke", name, "--reason", "x"],
            &["trust", "rotate", name, "--to", ELEVENS, "--key", "elevens.key", "-o", "x.json"],
            &["verify", ARTIFACT, "--trusted-publisher", &pair],
        ] {
            let ran = world.run(arguments).exits(2);
            assert!(ran.err.contains("is no publisher: write it as its skills do"), "{arguments:?}: {ran:?}");
            assert!(!ran.err.contains("trust store"), "the argument is at fault: {ran:?}");
        }
        let skill = format!("{name}.greeter");
        if skill.trim() != skill {
            world.run(&["trust", "floor", &skill, "1.0.0", "--reason", "x"]).exits(2);
        }
    }
    let ran = world.run(&["trust", "floor", "acme.greeter ", "1.0.0", "--reason", "x"]).exits(2);
    assert!(ran.err.contains("without white space around it"), "{ran:?}");
    assert_eq!(world.0.read(STORE), before);
    assert!(!world.0.path("home/palyra/skills/trust-lifecycle.json").exists() && !world.0.path("x.json").exists());
}

#[test]
fn the_store_is_where_a_person_says() {
    let world = World::new();
    let pair = format!("northwind={ELEVENS}");
    world.run_with(&[("PALYRA_SKILLS_TRUST_STORE", "variable.json")], &["trust", "allow", &pair]).exits(0);
    assert!(world.0.path("variable.json").is_file());
    let arguments = ["trust", "allow", &pair, "--trust-store", "flag.json"];
    world.run_with(&[("PALYRA_SKILLS_TRUST_STORE", "other.json")], &arguments).exits(0);
    assert!(world.0.path("flag.json").is_file() && !world.0.path("other.json").exists());
}
