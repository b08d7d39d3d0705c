//! What an author sets about the findings of an audit: by flag, in `skillyard.toml`, by a comment in the manifest.

use serde_json::Value;

use crate::{
    skillyard::GOOD,
    world::{ARTIFACT, World, module},
};

const CODE: &str = "module/unknown-import";

/// A world whose module imports what no host gives, which is a warning.
fn strange() -> World {
    let world = World::new();
    world.0.write("skill/module.wasm", module(&[("env", "x")]));
    world
}

/// A world whose module opens files that no manifest grants, for which an artifact is refused.
fn greedy() -> World {
    let world = World::new();
    world.0.write("skill/module.wasm", module(&[("wasi_snapshot_preview1", "path_open")]));
    world
}

/// The codes and severities that an audit of the folder finds, and whether it passed.
fn found(world: &World, more: &[&str]) -> (Vec<(String, String)>, bool) {
    let ran = world.run(&[&["audit", "skill", "--format", "json"], more].concat());
    let report = ran.json();
    let passed = report["passed"].as_bool().unwrap();
    assert_eq!(ran.code, Some(i32::from(!passed)), "{ran:?}");
    assert_eq!(report["should_quarantine"], !passed);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let checks = report["extra_checks"].as_array().unwrap();
    (checks.iter().map(|check| (text(&check["check_id"]), text(&check["severity"]))).collect(), passed)
}

fn only(severity: &str) -> Vec<(String, String)> {
    vec![(CODE.to_owned(), severity.to_owned())]
}

#[test]
fn flags_set_how_loud_a_finding_is() {
    let world = strange();
    assert_eq!(found(&world, &[]), (only("warning"), true));
    assert_eq!(found(&world, &["--deny", CODE]), (only("error"), false));
    assert_eq!(found(&world, &["--deny", "warnings"]), (only("error"), false));
    assert_eq!(found(&world, &["--allow", "module/*"]), (vec![], true));
    assert_eq!(found(&world, &["--allow", "module/*", "--warn", CODE]), (only("warning"), true));
    let said = world.run(&["audit", "skill", "--deny", CODE]).exits(1).out;
    assert!(said.contains("FAILED") && said.contains("a daemon's own audit would let it pass"), "{said}");
}

#[test]
fn a_configuration_and_a_comment_do_too() {
    let world = strange();
    world.0.write("skill/skillyard.toml", format!("[rules]\n\"{CODE}\" = \"info\"\n"));
    assert_eq!(found(&world, &[]), (only("info"), true));
    assert_eq!(found(&world, &["--warn", CODE]), (only("warning"), true));
    // `check` knows the rule, and has nothing to say of modules.
    world.run(&["check", "skill"]).exits(0);

    let allowed = format!("# skillyard: allow-file({CODE}): linked by a host of our own\n{GOOD}");
    world.0.write("skill/skill.toml", &allowed);
    assert_eq!(found(&world, &[]), (vec![], true));
    let said = world.run(&["check", "skill", "--format", "concise"]).exits(0).out;
    assert!(!said.contains("suppress/"), "{said}");
}

#[test]
fn what_an_artifact_is_refused_for_stays_an_error() {
    let world = greedy();
    let code = "module/filesystem-import";
    for family in ["*", "module/*"] {
        let (found, passed) = found(&world, &["--allow", family]);
        assert!(found.contains(&(code.to_owned(), "error".to_owned())) && !passed, "{found:?}");
    }
    let said = world.run(&["audit", "skill", "--allow", code]).exits(2).err;
    assert!(said.contains("an artifact is refused for") && said.contains("stays an error"), "{said}");
    world.0.write("skill/skill.toml", format!("# skillyard: allow-file({code}): I want it\n{GOOD}"));
    assert!(!found(&world, &[]).1);
    let said = world.run(&["check", "skill", "--format", "concise"]).exits(1).out;
    assert!(said.contains("suppress/not-allowed"), "{said}");
    // What lies in the author's folder says nothing of an artifact.
    world.0.write("skill/skill.toml", GOOD);
    world.0.write("skill/skillyard.toml", "[rules]\n\"*\" = \"allow\"\n");
    world.package(&[]);
    let report = world.run(&["audit", ARTIFACT, "--allow-tofu", "--format", "json"]).exits(1).json();
    let codes: Vec<&Value> = report["extra_checks"].as_array().unwrap().iter().map(|it| &it["check_id"]).collect();
    assert!(codes.contains(&&Value::from(code)), "{report:#}");
    world.run(&["install", ARTIFACT, "--allow-tofu"]).exits(1);
}

#[test]
fn what_a_daemon_fails_on_is_never_hidden() {
    let world = World::new();
    let component = wat::parse_str("(component)").unwrap();
    world.0.write("skill/module.wasm", component);
    world.0.write("skill/skill.toml", format!("# skillyard: allow-file(module/component): later daemons do\n{GOOD}"));
    let (found, passed) = found(&world, &["--allow", "*"]);
    assert!(found.contains(&("module/component".to_owned(), "warning".to_owned())) && !passed, "{found:?}");
    let said = world.run(&["check", "skill", "--format", "concise"]).exits(1).out;
    assert!(said.contains("suppress/not-allowed") && said.contains("a daemon refuses it"), "{said}");
}

#[test]
fn a_severity_goes_to_the_command_that_looks() {
    let world = strange();
    let said = world.run(&["check", "skill", "--allow", CODE]).exits(2).err;
    assert!(said.contains("it is about modules") && said.contains("`skillyard audit DIR`"), "{said}");
    let said = world.run(&["audit", "skill", "--allow", "egress/*"]).exits(2).err;
    assert!(said.contains("`skillyard check`"), "{said}");
    for command in ["check", "audit"] {
        let said = world.run(&[command, "skill", "--allow", "run/loose-quota"]).exits(2).err;
        assert!(said.contains("skillyard.toml"), "{said}");
        world.run(&[command, "skill", "--warn", "*"]).exits(0);
    }
    // Nobody who gets an artifact has its author's wishes.
    world.package(&[]);
    let said = world.run(&["audit", ARTIFACT, "--allow-tofu", "--allow", CODE]).exits(2).err;
    assert!(said.contains("are for a folder"), "{said}");
    // A word that names nothing is told as such.
    let said = world.run(&["audit", "nothing-here", "--allow", CODE]).exits(2).err;
    assert!(said.contains("nothing-here"), "{said}");
}
