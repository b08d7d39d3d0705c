//! Installing, updating, going back, quarantining, removing, and what stands in the way of each.

use std::fs;

use serde_json::json;

use crate::{
    skills::{ID, INSTALL, INSTALLED, Skills},
    world::{ELEVENS, World, module},
};

const NET: &str = "[capabilities]\nhttp_egress_allowlist = [\"api.example.com\"]\n";

#[test]
fn a_skill_comes_grows_goes_back_and_goes() {
    let skills = Skills::new();
    let list = skills.json(0, INSTALLED, &["list"]);
    assert_eq!(list["versions"], json!([]));
    let first = skills.install(&skills.pack("1.0.0", ""));
    assert_eq!(first["installed"], true);
    assert_eq!(first["previous_version"], json!(null));
    assert_eq!(first["entry"]["trust_decision"], "allowlisted");
    let artifact = skills.pack("1.10.0", "");
    let second = skills.json(0, INSTALL, &["install", &artifact, "--principal", "ops@northwind"]);
    assert_eq!((&second["previous_version"], &second["changes"]), (&json!("1.0.0"), &json!([])));

    let list = skills.json(0, INSTALLED, &["list"]);
    let current: Vec<_> = list["versions"].as_array().unwrap().iter().map(|v| (&v["version"], &v["current"])).collect();
    assert_eq!(current, [(&json!("1.0.0"), &json!(false)), (&json!("1.10.0"), &json!(true))]);
    let info = skills.json(0, INSTALLED, &["info", ID]);
    assert_eq!(info["entry"]["version"], "1.10.0");
    assert_eq!(info["state"]["operator_principal"], "ops@northwind");
    assert_eq!(info["others"], json!(["1.0.0"]));

    let back = skills.json(0, INSTALLED, &["rollback", ID]);
    assert_eq!((&back["entry"]["version"], &back["previous_version"]), (&json!("1.0.0"), &json!("1.10.0")));
    let none = skills.run(&["rollback", ID]).exits(1);
    assert!(none.err.contains("no version"), "{none:?}");
    let several = skills.run(&["remove", ID]).exits(2);
    assert!(several.err.contains("--version"), "{several:?}");
    let gone = skills.json(0, INSTALLED, &["remove", ID, "--version", "1.0.0"]);
    assert_eq!(gone["removed"][0]["version"], "1.0.0");
    assert_eq!(skills.json(0, INSTALLED, &["info", ID])["entry"]["version"], "1.10.0");
    skills.json(0, INSTALLED, &["remove", ID]);
    assert!(!skills.root().join(ID).exists());
    let gone = skills.run(&["info", ID]).exits(1);
    assert!(gone.err.contains("is not installed"), "{gone:?}");

    let log = skills.json(0, INSTALLED, &["log"]);
    let kinds: Vec<&str> =
        log["events"].as_array().unwrap().iter().map(|event| event["event_kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "skill.artifact.verified",
            "skill.audit",
            "skill.installed",
            "skill.artifact.verified",
            "skill.audit",
            "skill.updated",
            "skill.updated",
            "skill.removed",
            "skill.removed"
        ]
    );
    let shown = skills.run(&["log", "--last", "2"]).exits(0).quietly();
    assert!(shown.out.contains("WHOLE") && shown.out.lines().count() == 3, "{shown:?}");
}

#[test]
fn what_may_do_more_needs_a_word() {
    let skills = Skills::new();
    skills.install(&skills.pack("1.0.0", ""));
    let wider = skills.pack("1.1.0", NET);
    let refused = skills.json(1, INSTALL, &["install", &wider]);
    assert_eq!((&refused["installed"], &refused["widens"]), (&json!(false), &json!(true)));
    let names: Vec<_> = refused["changes"].as_array().unwrap().iter().map(|change| &change["name"]).collect();
    assert!(names.contains(&&json!("api.example.com")), "{names:?}");
    let refused = skills.run(&["install", &wider]).exits(1);
    assert!(
        refused.err.contains("+ http host api.example.com") && refused.err.contains("--allow-wider"),
        "{refused:?}"
    );
    assert!(!skills.folder("1.1.0").exists());
    skills.run(&["install", &wider, "--allow-wider"]).exits(0);
    // Less is no question.
    skills.run(&["install", &skills.pack("1.2.0", "")]).exits(0);
    // A module that imports more is one, whatever the manifest says.
    let imports = skills.pack_as(ID, "1.3.0", NET, &module(&[("palyra:host", "http")]));
    let refused = skills.json(1, INSTALL, &["install", &imports]);
    let kinds: Vec<_> = refused["changes"].as_array().unwrap().iter().map(|change| &change["kind"]).collect();
    assert!(kinds.contains(&&json!("import")), "{refused}");
}

#[test]
fn the_same_and_an_older_version_need_a_word() {
    let skills = Skills::new();
    let old = skills.pack("1.0.0", "");
    let new = skills.pack("2.0.0", "");
    skills.install(&new);
    let same = skills.run(&["install", &new]).exits(1);
    assert!(same.err.contains("is installed already"), "{same:?}");
    let other = skills.pack("2.0.0", NET);
    let same = skills.run(&["install", &other, "--allow-wider"]).exits(1);
    assert!(same.err.contains("with other content"), "{same:?}");
    let older = skills.run(&["install", &old]).exits(1);
    assert!(older.err.contains("--allow-downgrade"), "{older:?}");
    let done = skills.json(0, INSTALL, &["install", &old, "--allow-downgrade"]);
    assert_eq!((&done["downgrade"], &done["entry"]["current"]), (&json!(true), &json!(true)));
}

#[test]
fn first_use_is_pinned_only_with_a_word() {
    let world = World::new();
    world.package(&["-o", "x.palyra-skill"]);
    let refused = world.run(&["install", "x.palyra-skill"]).exits(1);
    assert!(refused.err.contains("not trusted"), "{refused:?}");
    assert!(!world.0.path("home/palyra/skills").exists());
    let done = world.run(&["install", "x.palyra-skill", "--allow-tofu", "--format", "json"]).exits(0).json();
    assert_eq!((&done["pinned"], &done["entry"]["trust_decision"]), (&json!(true), &json!("tofu_newly_pinned")));
    let list = world.run(&["trust", "list", "--format", "json"]).exits(0).json();
    assert_eq!(list["pinned"][0]["key"]["public_key"], ELEVENS);
}

#[test]
fn a_quarantined_version_runs_by_no_path_and_is_not_installed_again() {
    let skills = Skills::new();
    let artifact = skills.pack("1.0.0", "");
    skills.install(&artifact);
    let run = |skill: &str, code: i32| skills.run(&["run", "--skill", skill, "--approve"]).exits(code);
    let folder = skills.folder("1.0.0").to_string_lossy().into_owned();
    let file = format!("{folder}/artifact.palyra-skill");
    let named = format!("{ID}@1.0.0");
    let paths = ["skill", &artifact, &folder, &file, ID, &named];
    for path in paths {
        run(path, 0);
    }
    // Nor does a module of its folder run by itself.
    let module = fs::read_dir(format!("{folder}/modules")).unwrap().next().unwrap().unwrap().path();
    let module = module.to_string_lossy().into_owned();
    let bare = || skills.run(&["run", "--module", &module]);
    assert!(!bare().err.contains("quarantined"));
    skills.quarantine("1.0.0");
    let ran = bare().exits(1);
    assert!(ran.err.contains("is quarantined by `ada`: `bad build`"), "{ran:?}");
    skills.0.0.write(
        "skill/tests/a.json",
        r#"{"tool": "northwind.ledger_read", "input": {}, "approve": true, "expect": {"outcome": "ok"}}"#,
    );
    for path in paths {
        let ran = run(path, 1);
        assert!(ran.err.contains("is quarantined by `ada`: `bad build`"), "{path}: {ran:?}");
    }
    let tested = skills.run(&["test", "skill"]).exits(1);
    assert!(tested.out.contains("is quarantined"), "{tested:?}");
    let list = skills.json(0, INSTALLED, &["list"]);
    assert_eq!(
        (&list["versions"][0]["status"], &list["versions"][0]["reason"]),
        (&json!("quarantined"), &json!("bad build"))
    );

    // Neither removing it nor installing it again ends that.
    skills.run(&["remove", ID]).exits(0);
    let again = skills.run(&["install", &artifact]).exits(1);
    assert!(again.err.contains("is quarantined"), "{again:?}");
    assert_eq!(skills.json(0, INSTALLED, &["list"])["blocked"][0]["version"], "1.0.0");

    // Enabling takes all of its words.
    let enable = ["enable", ID, "--version", "1.0.0", "--reason", "looked at it", "--principal", "ada"];
    skills.run(&enable).exits(2);
    let state = skills.json(0, INSTALLED, &[&enable[..], &["--override"]].concat());
    assert_eq!(state["state"]["status"], "active");
    skills.install(&artifact);
    let log = skills.json(0, INSTALLED, &["log"]);
    let enabled =
        log["events"].as_array().unwrap().iter().find(|event| event["event_kind"] == "skill.enabled").unwrap();
    assert_eq!(
        (&enabled["payload"]["reason"], &enabled["payload"]["override"]),
        (&json!("looked at it"), &json!(true))
    );
}

#[test]
fn a_reason_and_a_principal_are_asked_for() {
    let skills = Skills::new();
    skills.install(&skills.pack("1.0.0", ""));
    skills.run(&["quarantine", ID, "--reason", "x"]).exits(2);
    skills.run(&["quarantine", ID, "--principal", "x"]).exits(2);
    let empty = skills.run(&["quarantine", ID, "--principal", " ", "--reason", "x"]);
    assert!(empty.code != Some(0) && empty.err.contains("principal"), "{empty:?}");
    let disabled = skills.json(0, INSTALLED, &["quarantine", ID, "--disable", "--reason", "x", "--principal", "ada"]);
    assert_eq!(disabled["state"]["status"], "disabled");
    let ran = skills.run(&["run", "--skill", ID, "--approve"]).exits(1);
    assert!(ran.err.contains("is disabled"), "{ran:?}");
}

#[test]
fn an_audit_that_fails_quarantines() {
    let skills = Skills::new();
    let artifact = skills.pack("1.0.0", "[capabilities]\ndevice_capabilities = [\"camera\"]\n");
    let refused = skills.json(1, INSTALL, &["install", &artifact]);
    assert_eq!(refused["quarantined"], true);
    let log = skills.json(0, INSTALLED, &["log"]);
    let kinds: Vec<_> = log["events"].as_array().unwrap().iter().map(|event| &event["event_kind"]).collect();
    assert_eq!(kinds, ["skill.audit", "skill.quarantined"]);
    assert_eq!(log["events"][0]["payload"]["passed"], false);
    // From then on it is not a matter of the audit alone.
    let again = skills.run(&["install", &artifact, "--allow-device-capabilities"]).exits(1);
    assert!(again.err.contains("is quarantined"), "{again:?}");

    // Nobody whom the person does not know quarantines anything.
    let stranger = World::new();
    fs::copy(skills.0.0.path(&artifact), stranger.0.path("x.palyra-skill")).unwrap();
    stranger.run(&["install", "x.palyra-skill", "--allow-tofu"]).exits(1);
    let list = stranger.run(&["list", "--format", "json"]).exits(0).json();
    assert_eq!(list["blocked"], json!([]));
    let trusted = stranger.run(&["trust", "list", "--format", "json"]).exits(0).json();
    assert_eq!(trusted["pinned"], json!([]), "a pin needs an audit that passes");
}

#[test]
fn an_installed_version_whose_audit_fails_later_is_quarantined() {
    const AUDIT: &str = "schema/audit-report.schema.json";
    let skills = Skills::new();
    let artifact = skills.pack("1.0.0", "[capabilities]\ndevice_capabilities = [\"camera\"]\n");
    let allowed = "--allow-device-capabilities";
    skills.run(&["install", &artifact, allowed]).exits(0);
    let passed = skills.json(0, AUDIT, &["audit", ID, allowed]);
    assert_eq!((&passed["passed"], &passed["quarantined"]), (&json!(true), &json!(false)));
    // The same bytes elsewhere are an artifact, and nothing is written about those.
    let failed = skills.json(1, AUDIT, &["audit", &artifact]);
    assert_eq!((&failed["should_quarantine"], &failed["quarantined"]), (&json!(true), &json!(false)));
    assert_eq!(skills.json(0, INSTALLED, &["list"])["versions"][0]["status"], "active");

    let folder = skills.folder("1.0.0").to_string_lossy().into_owned();
    let failed = skills.json(1, AUDIT, &["audit", &folder]);
    assert_eq!((&failed["passed"], &failed["quarantined"]), (&json!(false), &json!(true)));
    let ran = skills.run(&["run", "--skill", ID, "--approve", allowed]).exits(1);
    assert!(ran.err.contains("is quarantined by `skillyard audit`"), "{ran:?}");
    // It is so already; and an audit that passes ends nothing.
    assert_eq!(skills.json(1, AUDIT, &["audit", &format!("{ID}@1.0.0")])["quarantined"], false);
    skills.json(0, AUDIT, &["audit", ID, allowed]);
    let info = skills.json(1, INSTALLED, &["info", ID]);
    assert_eq!(info["state"]["status"], "quarantined");
    let log = skills.json(0, INSTALLED, &["log"]);
    let kinds = log["events"].as_array().unwrap().iter().map(|event| event["event_kind"].as_str().unwrap());
    let kinds: Vec<&str> = kinds.skip(3).collect();
    let audit = "skill.audit";
    assert_eq!(kinds, [audit, audit, "skill.quarantined", audit, audit]);
    skills.run(&["audit", "northwind.other"]).exits(2);

    // Nor does it end what a person said: who enabled the version knew what the audit says.
    let enable = ["enable", ID, "--override", "--reason", "the camera is meant", "--principal", "ada"];
    skills.run(&enable).exits(0);
    let failed = skills.json(1, AUDIT, &["audit", ID]);
    assert_eq!((&failed["passed"], &failed["quarantined"]), (&json!(false), &json!(false)));
    assert_eq!(skills.json(0, INSTALLED, &["list"])["versions"][0]["status"], "active");
}

/// A name that no folder can have is refused before anything is pinned, quarantined or logged.
#[test]
fn a_name_that_nothing_is_installed_under_leaves_nothing() {
    let skills = Skills::new();
    skills.run(&["trust", "remove", "northwind"]).exits(0);
    let long = format!("northwind.{}", "a".repeat(195));
    let device = "[capabilities]\ndevice_capabilities = [\"camera\"]\n";
    let cases = [("con.acme", "1.0.0", ""), (&*long, "1.0.0", ""), (ID, "01.0.0", ""), (ID, "01.0.0", device)];
    for (id, version, more) in cases {
        let artifact = skills.pack_as(id, version, more, &module(&[]));
        for trust in ["--allow-tofu", &format!("--trusted-publisher=northwind={ELEVENS}")] {
            let refused = skills.json(1, INSTALL, &["install", &artifact, trust]);
            assert_eq!((&refused["pinned"], &refused["quarantined"]), (&json!(false), &json!(false)), "{refused}");
            assert_eq!(refused["error_kind"], "BadWords", "{refused}");
            assert!(refused["error"].as_str().unwrap().contains("of an installed skill"), "{refused}");
        }
    }
    let list = skills.run(&["trust", "list", "--format", "json"]).exits(0).json();
    assert_eq!((&list["pinned"], &list["trusted"]), (&json!([]), &json!([])));
    assert_eq!(skills.json(0, INSTALLED, &["list"])["blocked"], json!([]));
    assert_eq!(skills.json(0, INSTALLED, &["log"])["events"], json!([]));
}

#[test]
fn a_pin_that_was_made_before_it_failed_is_told() {
    let skills = Skills::new();
    let artifact = skills.pack("1.0.0", "");
    skills.install(&artifact);
    skills.run(&["remove", ID]).exits(0);
    skills.run(&["trust", "remove", "northwind"]).exits(0);
    fs::create_dir_all(skills.folder("1.0.0")).unwrap();
    let refused = skills.json(1, INSTALL, &["install", &artifact, "--allow-tofu"]);
    assert_eq!((&refused["installed"], &refused["pinned"]), (&json!(false), &json!(true)));
    assert_eq!(refused["error_kind"], "InTheWay");
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("move it away first") && error.contains("`skillyard trust remove northwind`"), "{error}");
    let list = skills.run(&["trust", "list", "--format", "json"]).exits(0).json();
    assert_eq!(list["pinned"][0]["key"]["public_key"], ELEVENS);
    // It is not said again of a pin that was there before.
    assert_eq!(skills.json(1, INSTALL, &["install", &artifact, "--allow-tofu"])["pinned"], false);
}

#[test]
fn missing_secrets_are_listed() {
    let skills = Skills::new();
    let secrets = format!("[capabilities]\nsecrets = [{{ scope = \"skill:{ID}\", key_names = [\"a\", \"b\"] }}]\n");
    let artifact = skills.pack("1.0.0", &secrets);
    let name = format!("skill:{ID}/a");
    let set = skills.0.0.path("value");
    fs::write(&set, "secret").unwrap();
    let mut command = skills.0.command(&["secret", "set", &name]);
    assert!(command.stdin(fs::File::open(&set).unwrap()).output().unwrap().status.success());
    let done = skills.install(&artifact);
    assert_eq!(done["entry"]["missing_secrets"], json!([{ "scope": format!("skill:{ID}"), "key": "b" }]));
}

#[test]
fn every_command_takes_another_folder_of_skills() {
    let skills = Skills::new();
    let artifact = skills.pack("1.0.0", "");
    let here = |arguments: &[&str]| skills.run(&[arguments, &["--skills-dir", "elsewhere"]].concat());
    here(&["install", &artifact]).exits(0);
    here(&["quarantine", ID, "--reason", "bad build", "--principal", "ada"]).exits(0);
    skills.0.0.write(
        "skill/tests/a.json",
        r#"{"tool": "northwind.ledger_read", "input": {}, "approve": true, "expect": {"outcome": "ok"}}"#,
    );
    for command in [&["run", "--skill", "skill", "--approve"][..], &["test", "skill"]] {
        let ran = here(command).exits(1);
        assert!(format!("{}{}", ran.out, ran.err).contains("is quarantined"), "{ran:?}");
        skills.run(command).exits(0);
    }
    let (there, usual) = (here(&["doctor"]), skills.run(&["doctor"]));
    assert!(there.out.contains("elsewhere: 1 version, 1 blocked, 4 events in the log"), "{there:?}");
    assert!(usual.out.contains("0 versions, 0 blocked"), "{usual:?}");
    assert!(!skills.root().join(ID).exists());
}

#[test]
fn a_quarantine_counts_whatever_root_is_named() {
    let skills = Skills::new();
    let artifact = skills.pack("1.0.0", "");
    skills.run(&["install", &artifact, "--skills-dir", "elsewhere"]).exits(0);
    skills.install(&artifact);
    let module = |folder: &std::path::Path| {
        let file = fs::read_dir(folder.join("modules")).unwrap().next().unwrap().unwrap().path();
        file.to_string_lossy().into_owned()
    };
    let elsewhere = skills.0.0.path("elsewhere").join(ID).join("1.0.0");
    let folders = [(elsewhere, &[][..]), (skills.folder("1.0.0"), &["--skills-dir", "empty"][..])];
    let run = |folder: &std::path::Path, more: &[&str]| -> Vec<crate::skillyard::Ran> {
        let artifact = folder.join("artifact.palyra-skill");
        let by = |flag: &str, path: &str| skills.run(&[&["run", flag, path, "--approve"], more].concat());
        let skill = |path: &std::path::Path| by("--skill", &path.to_string_lossy());
        vec![skill(folder), skill(&artifact), skills.run(&[&["run", "--module", &module(folder)], more].concat())]
    };
    for (folder, more) in &folders {
        for ran in run(folder, more).into_iter().take(2) {
            ran.exits(0);
        }
    }
    let words = ["--reason", "bad build", "--principal", "ada"];
    skills.run(&[&["quarantine", ID, "--skills-dir", "elsewhere"], &words[..]].concat()).exits(0);
    for ran in run(&folders[0].0, folders[0].1) {
        assert!(ran.code == Some(1) && ran.err.contains("is quarantined by `ada`"), "{ran:?}");
    }
    skills.quarantine("1.0.0");
    for (folder, more) in &folders {
        for ran in run(folder, more) {
            assert!(ran.code == Some(1) && ran.err.contains("is quarantined by `ada`"), "{ran:?}");
        }
    }
    // A changed file is noticed there too.
    skills.run(&[&["enable", ID, "--override", "--skills-dir", "elsewhere"], &words[..]].concat()).exits(0);
    skills.run(&[&["enable", ID, "--override"], &words[..]].concat()).exits(0);
    for (folder, more) in &folders {
        fs::write(folder.join("more"), "more").unwrap();
        for ran in run(folder, more) {
            assert!(ran.code == Some(1) && ran.err.contains("changed since it was installed"), "{ran:?}");
        }
    }
}

#[test]
fn a_log_is_followed_until_nobody_reads_it() {
    use std::io::{BufRead as _, BufReader};
    let skills = Skills::new();
    skills.install(&skills.pack("1.0.0", ""));
    let mut command = skills.0.command(&["log", "--follow", "--format", "json"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<serde_json::Value>(&lines.next().unwrap().unwrap()).unwrap();
    for kind in ["skill.artifact.verified", "skill.audit", "skill.installed"] {
        assert_eq!(next()["event_kind"], kind);
    }
    skills.quarantine("1.0.0");
    let event = next();
    assert_eq!((&event["event_kind"], &event["line"]), (&json!("skill.quarantined"), &json!(3)));
    skills.run(&["remove", ID]).exits(0);
    let event = next();
    assert_eq!((&event["event_kind"], &event["line"]), (&json!("skill.removed"), &json!(4)));
    if cfg!(unix) {
        drop(lines);
    } else {
        child.kill().unwrap();
    }
    let ended = child.wait().unwrap();
    assert!(!cfg!(unix) || ended.code() == Some(0), "{ended:?}");
}

#[test]
fn what_is_refused_leaves_nothing_and_says_why() {
    let skills = Skills::new();
    skills.run(&["remove", "acme.x", "--version", "1.0.0", "--skills-dir", "typo"]).exits(1);
    skills.run(&["remove", "acme.x", "--skills-dir", "typo"]).exits(1);
    assert!(!skills.0.0.path("typo").exists());
    skills.install(&skills.pack("1.0.0", ""));
    let said = ["--reason", "r", "--principal", "p"];
    let zeros = skills.run(&[&["quarantine", ID, "--version", "00.2.0"], &said[..]].concat());
    assert!(zeros.code != Some(0) && zeros.err.contains("without leading zeros"), "{zeros:?}");
    assert!(!zeros.err.contains("cannot be installed"), "{zeros:?}");
    let absent = skills.run(&["audit", &format!("{ID}@9.9.9")]).exits(1);
    assert!(absent.err.contains("`9.9.9` is not installed") && !absent.err.contains("no skill"), "{absent:?}");
    let lock = skills.root().join("installed-index.json.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    let locked = skills.run(&["remove", ID]).exits(2);
    assert!(locked.err.contains("Nothing was begun") && locked.err.contains("has to go"), "{locked:?}");
}

#[test]
fn doctor_and_info_say_that_a_pointer_is_wrong() {
    let skills = Skills::new();
    skills.install(&skills.pack("1.0.0", ""));
    assert_eq!(skills.json(0, INSTALLED, &["info", ID])["pointer"], json!(null));
    fs::write(skills.root().join(ID).join("current"), "0.1.0\n").unwrap();
    let doctor = skills.run(&["doctor"]).exits(1);
    assert!(doctor.out.contains("names `0.1.0`, and 1.0.0 is current"), "{doctor:?}");
    let info = skills.json(0, INSTALLED, &["info", ID]);
    assert!(info["pointer"].as_str().unwrap().contains("names `0.1.0`"), "{info}");
}

#[test]
fn doctor_says_what_stands() {
    let skills = Skills::new();
    skills.install(&skills.pack("1.0.0", ""));
    let said = skills.run(&["doctor"]);
    assert!(said.out.contains("installed skills") && said.out.contains("1 version, 0 blocked"), "{said:?}");
    fs::create_dir(skills.root().join(ID).join("9.9.9")).unwrap();
    fs::remove_file(skills.folder("1.0.0").join("install-metadata.json")).unwrap();
    let said = skills.run(&["doctor"]).exits(1);
    assert!(said.out.contains("is not in the index") && said.out.contains("is missing or changed"), "{said:?}");
}
