//! `skillyard package`: what goes in, what keeps it from being made, and that the same gives the same.

use std::fs;

use serde_json::Value;

use crate::{
    skillyard::{GOOD, holds_against},
    world::{ARTIFACT, ELEVENS, World, module, recorded},
};

#[test]
fn what_is_packaged_verifies_and_passes_the_audit() {
    let world = World::new();
    world.0.write("skill/assets/prompts/hello.txt", "Hello\n");
    let report = world.package(&[]);
    holds_against("schema/package-report.schema.json", &report);
    assert_eq!(report["skill_id"], "northwind.ledger_tools");
    assert_eq!(report["dry_run"], false);
    let paths: Vec<&str> = report["entries"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "assets/prompts/hello.txt",
            "modules/module.wasm",
            "provenance.json",
            "sbom.cdx.json",
            "signature.json",
            "skill.toml"
        ]
    );
    assert_eq!(fs::read(world.artifact()).unwrap().len() as u64, report["bytes"].as_u64().unwrap());

    let trusted = format!("northwind={ELEVENS}");
    let verified =
        world.run(&["verify", ARTIFACT, "--trusted-publisher", &trusted, "--format", "json"]).exits(0).quietly().json();
    assert_eq!(verified["payload_sha256"], report["payload_sha256"]);
    assert_eq!(verified["key_id"], report["key_id"]);
    assert_eq!(verified["trust_decision"], "allowlisted");
    assert_eq!(verified["findings"], serde_json::json!([]));
    let audited =
        world.run(&["audit", ARTIFACT, "--trusted-publisher", &trusted, "--format", "json"]).exits(0).quietly().json();
    assert_eq!((&audited["passed"], &audited["daemon_passed"]), (&true.into(), &true.into()));
    // Nobody was pinned by all that.
    assert!(!world.0.path("home").exists());
}

#[test]
fn the_same_files_give_the_same_bytes_anywhere() {
    let (one, other) = (World::new(), World::new());
    for world in [&one, &other] {
        world.0.write("skill/assets/b", "b");
        world.0.write("skill/assets/a/x", "x");
        world.0.write("skill/modules/second.wasm", module(&[]));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(other.0.path("skill/assets/b"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(other.0.path("skill/module.wasm")).unwrap().set_modified(old).unwrap();
    one.package(&[]);
    other.package(&[]);
    assert_eq!(fs::read(one.artifact()).unwrap(), fs::read(other.artifact()).unwrap());
    // Another time of signing changes the signature's time only, which nothing covers.
    let before = one.run(&["verify", ARTIFACT, "--allow-tofu", "--format", "json"]).exits(0).json();
    one.run(&["package", "skill", "--key", "elevens.key"]).exits(0);
    let after = one.run(&["verify", ARTIFACT, "--allow-tofu", "--format", "json"]).exits(0).json();
    assert_eq!(before["entries"].as_array().unwrap().len(), 8);
    let ran =
        one.run_with(&[("SOURCE_DATE_EPOCH", "yesterday")], &["package", "skill", "--key", "elevens.key"]).exits(2);
    assert!(ran.err.contains("SOURCE_DATE_EPOCH is `yesterday`"), "{ran:?}");
    assert_eq!(before["publisher"], after["publisher"]);
}

#[test]
fn a_dry_run_writes_nothing_and_says_everything() {
    let world = World::new();
    world.0.write("skill/assets/x", "x");
    world.0.write("skill/assets/.hidden", "x");
    world.0.write("skill/notes.md", "x");
    // No key is needed.
    let report = world.run(&["package", "skill", "--dry-run", "--format", "json"]).exits(0).quietly().json();
    holds_against("schema/package-report.schema.json", &report);
    assert_eq!(
        (&report["dry_run"], &report["artifact"], &report["key_id"]),
        (&true.into(), &Value::Null, &Value::Null)
    );
    assert!(report["output"].as_str().unwrap().ends_with("northwind.ledger_tools-1.4.2.palyra-skill"));
    let left: Vec<(&str, &str)> = report["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|out| (out["path"].as_str().unwrap(), out["why"].as_str().unwrap()))
        .collect();
    assert_eq!(left, [(".git/", "hidden"), ("assets/.hidden", "hidden"), ("notes.md", "not_named")]);
    assert!(!world.0.path("skill/dist").exists());
    let signed = world.run(&["package", "skill", "--key", "elevens.key", "--format", "json"]).exits(0).json();
    assert_eq!(signed["payload_sha256"], report["payload_sha256"], "what was shown is what is signed");
    assert_eq!(world.0.files().iter().filter(|name| name.contains("dist/")).count(), 1, "{:?}", world.0.files());
}

#[test]
fn likely_secrets_stop_it() {
    let world = World::new();
    let stopped = |what: &str| {
        let ran = world.run(&["package", "skill", "--key", "elevens.key"]).exits(1);
        assert!(ran.err.contains("NOT PACKAGED") && ran.err.contains(what) && ran.out.is_empty(), "{what}: {ran:?}");
        world.run(&["package", "skill", "--dry-run"]).exits(1);
        assert!(!world.artifact().exists());
    };
    world.0.write("skill/assets/plain.txt", "x");
    world.run(&["keygen", "--output", "skill/assets/ci.txt"]).exits(0);
    stopped("package/private-key");
    let ran = world.run(&["package", "skill", "--key", "elevens.key", "--not-secret", "assets/ci.txt"]).exits(1);
    assert!(ran.err.contains("package/private-key"), "a private key is always one: {ran:?}");
    fs::remove_file(world.0.path("skill/assets/ci.txt")).unwrap();
    world.0.write("skill/assets/ci.txt", format!("key {}{}\n", "AKIA", "IOSFODNN7EXAMPLE"));
    stopped("package/token");
    let ran = world.run(&["package", "skill", "--key", "elevens.key", "--not-secret", "assets/ci.txt"]).exits(0);
    assert!(ran.out.contains("package/token"), "it is still said: {ran:?}");
    fs::remove_file(world.artifact()).unwrap();
    // The very key that signs, which a dry run does not have.
    world.0.write("skill/assets/ci.txt", "11".repeat(32));
    let ran = world.run(&["package", "skill", "--key", "elevens.key"]).exits(1);
    assert!(ran.err.contains("package/signing-key") && !ran.err.contains(&"11".repeat(32)), "{ran:?}");
    fs::remove_file(world.0.path("skill/assets/ci.txt")).unwrap();
    let ran = world.run(&["package", "skill", "--key", "elevens.key", "--asset", "x/.env=skill/skill.toml"]).exits(1);
    assert!(ran.err.contains("package/secret-file"), "{ran:?}");
}

#[test]
fn a_skill_that_does_not_do_is_not_packaged() {
    let world = World::new();
    let package = |more: &[&str]| world.run(&[&["package", "skill", "--key", "elevens.key"], more].concat());
    let before = world.0.files();
    world.0.write("skill/skill.toml", GOOD.replace("\"1.4.2\"", "\"1.4\""));
    let ran = package(&[]).exits(1);
    assert!(ran.err.contains("skill.toml:") && ran.err.contains("; `skillyard check skill` shows all"), "{ran:?}");
    world.0.write("skill/skill.toml", GOOD);
    let ran = package(&["--palyra-version", "0.0.1"]).exits(1);
    assert!(ran.err.contains("skill.toml:") && ran.err.contains("; `skillyard check skill` shows all"), "{ran:?}");
    world.0.write("skill/module.wasm", "(module)");
    let ran = package(&[]).exits(1);
    assert!(ran.err.contains("content/not-wasm"), "{ran:?}");
    fs::remove_file(world.0.path("skill/module.wasm")).unwrap();
    let ran = package(&[]).exits(1);
    assert!(ran.err.contains("--module"), "{ran:?}");
    world.0.write("skill/module.wasm", module(&[]));
    for (more, words) in [
        (&["--sbom", "gone"][..], "gone: no such file"),
        (&["--module", "a.wasm=gone"], "gone: no such file"),
        (&["--module", "a.wasm"], "the path in the artifact, `=`"),
        (&["--key-name", "no-such"], "cannot be used with"),
    ] {
        let ran = package(more).exits(2);
        assert!(ran.err.contains(words), "{more:?}: {ran:?}");
    }
    let ran = world.run(&["package", "nowhere", "--key", "elevens.key"]).exits(2);
    assert!(ran.err.contains("name the folder of a skill"), "{ran:?}");
    world.0.write("skill/skillyard.toml", "[package]\nmodles = []\n");
    let ran = package(&[]).exits(2);
    assert!(ran.err.contains("skillyard.toml:2:1: unknown key `modles`; did you mean `modules`?"), "{ran:?}");
    fs::remove_file(world.0.path("skill/skillyard.toml")).unwrap();
    assert_eq!(world.0.files(), before, "nothing is written");
}

/// A skill that was looked at and does not do is refused in a document too, whatever stage finds it.
#[test]
fn what_the_folder_holds_is_refused_in_a_document() {
    let refused = |world: &World, words: &str| {
        let ran = world.run(&["package", "skill", "--dry-run", "--format", "json"]).exits(1);
        let report = ran.json();
        holds_against("schema/package-report.schema.json", &report);
        assert!(report["error"].as_str().unwrap().contains(words), "{report}");
        assert_eq!((&report["artifact"], &report["dry_run"]), (&Value::Null, &Value::Bool(true)), "{report}");
    };
    let world = World::new();
    for at in 0..253 {
        world.0.write(&format!("skill/assets/{at}"), "x");
    }
    refused(&world, "252 modules and assets");

    let world = World::new();
    let large = |name: &str, bytes: u64| {
        world.0.write(name, "");
        fs::File::options().write(true).open(world.0.path(name)).unwrap().set_len(bytes).unwrap();
    };
    for at in 0..4 {
        large(&format!("skill/assets/{at}"), 16 << 20);
    }
    refused(&world, "67108864");
    large("skill/assets/0", (16 << 20) + 1);
    refused(&world, "16777216");

    let world = World::new();
    world.0.write("skill/modules/module.wasm", module(&[]));
    refused(&world, "two files would become `modules/module.wasm`");
    let world = World::new();
    world.0.write("skill/skillyard.toml", "[package]\nmodules = [\"build/*.wasm\"]\n");
    refused(&world, "matches nothing");
    world.0.write("skill/skillyard.toml", "[package]\nsbom = \"gone.json\"\n");
    refused(&world, "no such file");

    // Not on macOS, whose file systems take no such name.
    #[cfg(target_os = "linux")]
    {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
        let world = World::new();
        world.0.write("skill/assets/x", "x");
        fs::rename(world.0.path("skill/assets/x"), world.0.path("skill/assets").join(OsStr::from_bytes(b"\xff")))
            .unwrap();
        refused(&world, "the name is not UTF-8");
    }
}

/// One cause, one exit code: the skill is at fault, whichever command looks at it, and a program gets a document.
#[test]
fn a_skill_at_fault_is_a_finding_to_every_command() {
    let world = World::new();
    let refused = |words: &str| {
        for (command, schema) in
            [("package", "schema/package-report.schema.json"), ("audit", "schema/audit-report.schema.json")]
        {
            let more: &[&str] = if command == "package" { &["--dry-run"] } else { &[] };
            let report = world.run(&[&[command, "skill", "--format", "json"], more].concat()).exits(1).json();
            holds_against(schema, &report);
            assert!(report["error"].as_str().unwrap().contains(words), "{command}: {report}");
        }
    };
    world.0.write("skill/skill.toml", b"name = \"\xff\"\n");
    refused("UTF-8");
    world.0.write("skill/skill.toml", GOOD);
    world.0.write("skill/skillyard.toml", "[package]\nmodules = [\"build/*.wasm\"]\n");
    refused("matches nothing");
    fs::remove_file(world.0.path("skill/skillyard.toml")).unwrap();
    let ran = world.run(&["audit", "skill", "--pin"]).exits(2);
    assert!(ran.err.contains("`--pin` is for an artifact"), "{ran:?}");
}

/// What went wrong is what is said.
#[test]
fn what_is_not_there_is_named() {
    let world = World::new();
    for (arguments, words) in [
        (&["package", "nope", "--dry-run"][..], "nope: no such folder; name the folder of a skill"),
        (&["keygen", "-o", "nodir/a.key"], "nodir: no such folder; make it first"),
        (&["keygen", "--credential-store"], "unset that, or leave the key in a file"),
    ] {
        let ran = world.run(arguments).exits(2);
        assert!(ran.err.contains(words), "{arguments:?}: {ran:?}");
    }
    let ran = world.run_with(&[("SOURCE_DATE_EPOCH", "253402300800")], &["package", "skill", "--dry-run"]).exits(2);
    assert!(ran.err.contains("at most 253402300799"), "{ran:?}");
}

/// A truncated module would fail every audit: it is not signed.
#[test]
fn a_truncated_module_is_refused() {
    let world = World::new();
    let whole = module(&[]);
    world.0.write("skill/module.wasm", &whole[..whole.len() - 2]);
    let ran = world.run(&["package", "skill", "--key", "elevens.key"]).exits(1);
    assert!(ran.err.contains("module/invalid") && ran.err.contains("modules/module.wasm"), "{ran:?}");
    assert!(!world.artifact().exists());
}

#[test]
fn only_an_artifact_is_overwritten() {
    let world = World::new();
    let package = |output: &str| world.run(&["package", "skill", "--key", "elevens.key", "-o", output]);
    world.0.write("notes.txt", "mine");
    let ran = package("notes.txt").exits(2);
    assert_eq!(
        ran.err,
        "error: notes.txt: is there already and no .palyra-skill file and is left alone; name another output\n"
    );
    assert_eq!(world.0.read("notes.txt"), "mine");
    package("skill/skill.toml").exits(2);
    assert_eq!(world.0.read("skill/skill.toml"), GOOD);
    // A folder gets the usual name in it; a folder that is not there is not made.
    fs::create_dir(world.0.path("out")).unwrap();
    package("out").exits(0);
    assert!(world.0.path("out/northwind.ledger_tools-1.4.2.palyra-skill").is_file());
    let ran = package("none/x.palyra-skill").exits(2);
    assert!(ran.err.contains("none: no such folder; make it first"), "{ran:?}");
    world.0.write("old.palyra-skill", "old");
    package("old.palyra-skill").exits(0);
    assert!(fs::read(world.0.path("old.palyra-skill")).unwrap().starts_with(b"PK"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        symlink(world.0.path("notes.txt"), world.0.path("link.palyra-skill")).unwrap();
        let ran = package("link.palyra-skill").exits(2);
        assert!(ran.err.contains("a symbolic link"), "{ran:?}");
        fs::set_permissions(world.0.path("old.palyra-skill"), fs::Permissions::from_mode(0o444)).unwrap();
        let ran = package("old.palyra-skill").exits(2);
        assert!(ran.err.contains("read-only"), "{ran:?}");
        let made = fs::metadata(world.0.path("out/northwind.ledger_tools-1.4.2.palyra-skill")).unwrap();
        assert_eq!(made.permissions().mode() & 0o111, 0, "an artifact is not executable");
    }
    assert!(!world.0.files().iter().any(|name| name.contains(".skillyard-")), "nothing is left beside");
}

#[test]
fn a_given_sbom_and_provenance_go_in_as_they_are() {
    let world = World::new();
    world.0.write("sbom.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#);
    world.0.write("skill/made.json", r#"{"builder":{"id":"x"},"subject":[{}]}"#);
    world.0.write("skill/skillyard.toml", "[package]\nprovenance = \"made.json\"\n");
    let report = world.package(&["--sbom", "sbom.json"]);
    let bytes = |path: &str| {
        let entries = report["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["path"] == path).unwrap()["bytes"].as_u64().unwrap()
    };
    assert_eq!(bytes("sbom.cdx.json"), 45);
    assert_eq!(bytes("provenance.json"), 37);
    world.0.write("sbom.json", "{}");
    let ran = world.run(&["package", "skill", "--key", "elevens.key", "--sbom", "sbom.json"]).exits(1);
    assert!(ran.err.contains("CycloneDX"), "{ran:?}");
}

#[test]
fn the_provenance_says_where_it_was_built() {
    let world = World::new();
    let commit = "0123456789012345678901234567890123456789";
    let variables = [
        ("SOURCE_DATE_EPOCH", "1700000000"),
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "northwind/skills"),
        ("GITHUB_RUN_ID", "17"),
        ("GITHUB_SHA", commit),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_TOKEN", "ghs_thisneverappears"),
    ];
    world.run_with(&variables, &["package", "skill", "--key", "elevens.key"]).exits(0);
    let report = world.run(&["inspect", ARTIFACT, "--format", "json"]).exits(0).json();
    holds_against("schema/inspect-report.schema.json", &report);
    let made = &report["provenance"];
    assert_eq!(made["self_declared"], true);
    assert_eq!(made["builder_id"], "https://github.com/actions/runner/self-hosted");
    assert_eq!(made["invocation_id"], "https://github.com/northwind/skills/actions/runs/17/attempts/1");
    assert_eq!(made["sources"][0]["uri"], "git+https://github.com/northwind/skills@refs/heads/main");
    assert!(made["sources"][0]["digest"].as_str().unwrap().contains(commit), "{made}");
    assert!(!report.to_string().contains("thisneverappears"));
}

/// A repository is a skill's source only where it tracks the skill, and a commit only where it holds what is packaged.
#[test]
fn a_source_is_named_only_where_it_is_one() {
    let world = World::new();
    fs::remove_dir(world.0.path("skill/.git")).unwrap();
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.current_dir(world.0.path(".")).args(["-c", "user.name=n", "-c", "user.email=e@e"]).args(arguments);
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        assert!(command.status().unwrap().success(), "{arguments:?}");
    };
    let sources = |variables: &[(&str, &str)]| {
        let ran = world.run_with(variables, &["package", "skill", "--key", "elevens.key"]).exits(0);
        let report = world.run(&["inspect", ARTIFACT, "--format", "json"]).exits(0).json();
        (report["provenance"]["sources"].as_array().unwrap().clone(), ran.out)
    };
    world.0.write("notes", "x");
    git(&["init", "-q"]);
    git(&["remote", "add", "origin", "https://forge.example/private/home.git"]);
    git(&["add", "notes"]);
    git(&["commit", "-q", "-m", "one"]);
    assert_eq!(sources(&[]).0, [Value::Null; 0], "it merely lies there");
    git(&["add", "skill/skill.toml"]);
    git(&["commit", "-q", "-m", "two"]);
    let (named, out) = sources(&[]);
    assert!(named[0]["uri"].as_str().unwrap().starts_with("git+https://forge.example/private/home.git"), "{named:?}");
    assert!(!out.contains("package/changed-source"), "{out}");
    world.0.write("skill/skill.toml", format!("{GOOD}\n# changed\n"));
    let ci = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "private/home"),
        ("GITHUB_SHA", "0123456789012345678901234567890123456789"),
    ];
    for variables in [&[][..], &ci] {
        let (named, out) = sources(variables);
        assert_eq!(named, [Value::Null; 0]);
        assert!(
            out.contains("package/changed-source") && out.contains("`skill.toml` is not as the repository"),
            "{out}"
        );
    }
}

#[test]
fn a_recorded_manifest_is_packaged_to_what_a_daemon_packaged() {
    // The recorded artifact was made by a daemon's builder; what it accepts of that ours has the same shape as.
    let world = World::new();
    let theirs = world.run(&["inspect", &recorded("v02-operator-asset"), "--format", "json"]).exits(0).json();
    let ours = {
        world.package(&[]);
        world.run(&["inspect", ARTIFACT, "--format", "json"]).exits(0).json()
    };
    assert_eq!(theirs["key_id"], ours["key_id"], "the same key");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&theirs), keys(&ours));
}
