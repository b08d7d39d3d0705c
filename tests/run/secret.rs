//! `skillyard secret`.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use crate::{
    skillyard::{Ran, holds_against},
    world::World,
};

const SCHEMA: &str = "schema/secret-report.schema.json";
const NAME: &str = "skill:acme.mail/api_token";

fn with_input(mut command: Command, input: &[u8]) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may refuse before it reads everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    Ran::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_secret_is_set_listed_and_removed_and_never_shown() {
    let world = World::new();
    let list = || world.run(&["secret", "list", "--format", "json"]).exits(0).quietly().json();
    holds_against(SCHEMA, &list());
    assert_eq!(list()["secrets"], serde_json::json!([]));
    assert!(!world.0.path("home").exists());

    let set = with_input(world.command(&["secret", "set", NAME, "--format", "json"]), b"hunter2\n").exits(0).quietly();
    let report = set.json();
    holds_against(SCHEMA, &report);
    let file = report["file"].as_str().unwrap();
    assert_eq!(std::fs::read(file).unwrap(), b"hunter2", "the line end is not part of it");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    let human = with_input(world.command(&["secret", "set", "global/other"]), b"hunter2").exits(0).quietly();
    assert!(human.out.starts_with("KEPT: global/other") && human.out.contains("only you can read it"), "{human:?}");

    let listed = list();
    holds_against(SCHEMA, &listed);
    let names: Vec<_> = listed["secrets"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["global/other", NAME]);
    assert_eq!(listed["secrets"][1]["variable"], "SKILLYARD_SECRET_SKILL_ACME_MAIL__API_TOKEN");
    let human_list = world.run(&["secret", "list"]).exits(0).quietly();
    for ran in [&set, &human, &human_list] {
        assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"), "{ran:?}");
    }

    let removed = world.run(&["secret", "remove", NAME, "--format", "json"]).exits(0).quietly().json();
    holds_against(SCHEMA, &removed);
    assert_eq!(removed["changed"], true);
    assert!(!std::path::Path::new(file).exists());
    let again = world.run(&["secret", "remove", NAME, "--format", "json"]).exits(0).json();
    assert_eq!(again["changed"], false);
    assert_eq!(list()["secrets"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_secret_is_refused_with_the_reason() {
    let world = World::new();
    let refused = |arguments: &[&str], input: &[u8], words: &str| {
        let ran = with_input(world.command(&[&["secret"], arguments].concat()), input).exits(2);
        assert!(ran.err.contains(words), "{arguments:?}: {ran:?}");
        assert!(!world.0.path("home").exists());
    };
    refused(&["set", "token"], b"x", "SCOPE/KEY");
    refused(&["set", "user:x/token"], b"x", "scope");
    refused(&["set", "global/Token"], b"x", "key");
    refused(&["set", NAME], b"", "an empty value");
    refused(&["set", NAME], b"\n", "an empty value");
    refused(&["set", NAME], &[b'x'; 70_000], "at most 65536 bytes");
    // There is no place for a value among the arguments.
    refused(&["set", NAME, "hunter2"], b"", "unexpected argument");
}

#[test]
fn a_value_that_no_tool_is_given_is_told_at_once() {
    let world = World::new();
    for value in [&b"abc"[..], b"\xff\xfe\xfd\xfc\xfb"] {
        let human = with_input(world.command(&["secret", "set", NAME]), value).exits(0);
        assert!(human.out.contains("no tool is given"), "{human:?}");
        let json = with_input(world.command(&["secret", "set", NAME, "--format", "json"]), value).exits(0);
        assert!(json.err.contains("no tool is given"), "{json:?}");
        json.json();
    }
    let fine = with_input(world.command(&["secret", "set", NAME]), b"hunter2").exits(0).quietly();
    assert!(!fine.out.contains("no tool"), "{fine:?}");
}
