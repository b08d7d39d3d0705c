//! `skillyard new`: every language, all the way.

use std::{fs, path::Path, process::Command};

use crate::{
    skillyard::{ROOT, holds_against},
    world::World,
};

const LANGUAGES: [&str; 4] = ["wat", "c", "assemblyscript", "rust"];

fn template(language: &str, file: &str) -> String {
    format!("{ROOT}/server/project/src/new/templates/{language}/{file}")
}

#[test]
fn a_new_skill_passes_everything_at_once() {
    for language in LANGUAGES {
        let world = World::new();
        let folder = format!("new-{language}");
        let made = world
            .run(&["new", "acme.mail-box", &folder, "--lang", language, "--format", "json"])
            .exits(0)
            .quietly()
            .json();
        holds_against("schema/new-report.schema.json", &made);
        assert_eq!((&made["skill_id"], &made["publisher"]), (&"acme.mail-box".into(), &"acme".into()));
        // Not one finding, of whatever severity.
        let checked = world.run(&["check", &folder, "--format", "json"]).exits(0).quietly().json();
        assert_eq!(checked["files"][0]["diagnostics"], serde_json::json!([]), "{language}");
        assert_eq!(checked["files"][0]["daemon"]["accepts"], true);
        world.run(&["fmt", "--check", &folder]).exits(0);

        let audited = world.run(&["audit", &folder, "--format", "json"]).exits(0).quietly().json();
        assert_eq!(audited["passed"], true, "{language}: {audited:#}");
        let packaged =
            world.run(&["package", &folder, "--key", "elevens.key", "--format", "json"]).exits(0).quietly().json();
        let artifact = packaged["artifact"].as_str().unwrap();
        let entries: Vec<_> =
            packaged["entries"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
        assert!(entries.contains(&"modules/tool.wasm"), "{entries:?}");
        world.run(&["verify", artifact, "--allow-tofu"]).exits(0).quietly();
        world.run(&["audit", artifact, "--allow-tofu"]).exits(0).quietly();

        // Every case holds against the schema, and names the tool.
        for file in made["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()) {
            if file.starts_with("tests/") {
                let case = serde_json::from_str(&world.0.read(&format!("{folder}/{file}"))).unwrap();
                holds_against("schema/test-case.schema.json", &case);
                assert_eq!(case["tool"], made["tool_id"], "{language} {file}");
            }
        }
    }
}

#[test]
fn what_cannot_be_made_is_refused_and_leaves_nothing() {
    let world = World::new();
    let before = world.0.files();
    let refused = |arguments: &[&str], words: &str| {
        let ran = world.run(&[&["new"], arguments].concat()).exits(2);
        assert!(ran.err.contains(words), "{arguments:?}: {ran:?}");
        assert_eq!(world.0.files(), before);
    };
    refused(&["mail"], "--publisher PUBLISHER");
    refused(&["Mail", "--publisher", "acme"], "no name for a skill's name");
    refused(&["../mail", "--publisher", "acme"], "no name for");
    refused(&["mail", "--publisher", "Acme"], "no name for a publisher");
    refused(&["acme.mail", "skill"], "is not empty");
    refused(&["acme.mail", "no/where"], "no such folder");
    refused(&["acme.mail", "elevens.key"], "is a file");
    refused(&["acme.mail", "--lang", "cobol"], "cobol");
}

#[test]
fn the_module_in_the_text_format_is_what_its_source_comes_to() {
    let built = wat::parse_file(template("wat", "src/tool.wat")).unwrap();
    assert!(built == fs::read(template("wat", "modules/tool.wasm")).unwrap());
}

/// Runs a build where the tool is there; says that it was left out where not.
fn built(command: &mut Command, module: &Path) -> Option<Vec<u8>> {
    match command.output() {
        Err(_) => {
            println!("left out: {command:?} does not start");
            None
        }
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(fs::read(module).unwrap())
        }
    }
}

#[test]
#[ignore = "needs Debian's clang 19, lld 19 and wasi-libc"]
fn the_module_in_c_is_what_its_source_comes_to() {
    let world = World::new();
    world.run(&["new", "acme.mail", "--lang", "c"]).exits(0);
    let module = world.0.path("acme.mail/modules/tool.wasm");
    let mut command = Command::new("clang-19");
    // As in README.md, by Debian's name of the compiler.
    let arguments = "--target=wasm32-wasi -Oz -flto -Wl,--lto-O3 -Wl,--max-memory=1048576 -s src/tool.c -o \
                     modules/tool.wasm";
    assert!(world.0.read("acme.mail/README.md").contains(&format!("$ clang {arguments}\n")));
    command.args(arguments.split(' ')).current_dir(world.0.path("acme.mail"));
    fs::remove_file(&module).unwrap();
    if let Some(built) = built(&mut command, &module) {
        assert!(built == fs::read(template("c", "modules/tool.wasm")).unwrap());
    }
}

#[test]
#[ignore = "needs npm and its registry"]
fn the_module_in_assemblyscript_is_what_its_source_comes_to() {
    let world = World::new();
    world.run(&["new", "acme.mail", "--lang", "assemblyscript"]).exits(0);
    let module = world.0.path("acme.mail/modules/tool.wasm");
    fs::remove_file(&module).unwrap();
    let folder = world.0.path("acme.mail");
    let mut install = Command::new("npm");
    install.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
    let Ok(installed) = install.output() else { return println!("left out: there is no npm") };
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    let mut build = Command::new("npm");
    build.args(["run", "build"]).current_dir(&folder);
    if let Some(built) = built(&mut build, &module) {
        assert!(built == fs::read(template("assemblyscript", "modules/tool.wasm")).unwrap());
    }
}
