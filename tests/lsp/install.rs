//! Install: what it asks, what it reports, what is told of an installed version afterwards.

use std::{fs, path::PathBuf, time::Instant};

use serde_json::{Value, json};
use skillyard_manifest::Span;

use crate::{
    GOOD, address,
    client::{Client, PATIENCE},
    commands::{execute, finished, minimal, progress, refused, titles},
    editor::Document,
    skill::{Skill, full},
};

/// A client that shows no progress and asks for diagnostics by itself: all that comes is a question or an end.
fn quiet() -> Value {
    let mut capabilities = full();
    capabilities["window"]["workDoneProgress"] = json!(false);
    capabilities["workspace"]["diagnostics"]["refreshSupport"] = json!(false);
    capabilities
}

fn write(skill: &Skill, version: &str, more: &str) {
    let text = GOOD.replacen("1.0.0", version, 1).replace("[operator]", &format!("{more}\n[operator]"));
    fs::write(skill.manifest(), text).unwrap();
}

/// Packages the skill on the command line, with a key of the person's own.
fn package(skill: &Skill) {
    // There is one already from the second time on.
    skill.skillyard().arg("keygen").output().unwrap();
    let (code, report) = skill.run(&["package", skill.folder().to_str().unwrap(), "--format", "json"]);
    assert_eq!(code, Some(0), "{report}");
}

fn install(client: &mut Client, skill: &Skill) -> i64 {
    execute(client, "skillyard.install", json!({"uri": skill.uri()}))
}

/// Answers the next question, which has `words` in it, with `answer`.
fn asked(client: &mut Client, words: &str, answer: &'static str) {
    let words = words.to_owned();
    client.serve("window/showMessageRequest", move |asked| {
        assert!(asked["message"].as_str().unwrap().contains(&words), "{asked}");
        assert!(answer == "Cancel" || titles(asked) == [answer, "Cancel"], "{asked}");
        json!({"title": answer})
    });
}

fn listed(skill: &Skill) -> Vec<String> {
    let (_, list) = skill.run(&["list", "--format", "json"]);
    let version = |version: &Value| version["version"].as_str().unwrap().to_owned();
    list["versions"].as_array().unwrap().iter().map(version).collect()
}

fn holds(report: &Value) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/install-report.schema.json");
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let faults: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(report).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?} in {report}");
}

#[test]
fn the_first_version_asks_for_its_key_and_a_wider_one_for_what_is_new() {
    let skill = Skill::new();
    let mut client = skill.serve(quiet());
    let mut document = skill.open(&mut client);
    told(&mut client, &document, "No version of the skill is installed");
    let id = install(&mut client, &skill);
    let error = refused(&mut client, id);
    assert!(error["message"].as_str().unwrap().contains("Package and Sign"), "{error}");

    package(&skill);
    let id = install(&mut client, &skill);
    asked(&mut client, "the publisher `acme` is not known", "Cancel");
    assert_eq!(refused(&mut client, id)["code"], -32800);
    assert!(listed(&skill).is_empty());
    let id = install(&mut client, &skill);
    asked(&mut client, "the publisher `acme` is not known", "Trust This Key");
    let (report, shown) = finished(&mut client, id);
    holds(&report);
    assert_eq!((&report["installed"], &report["pinned"], &report["error"]), (&json!(true), &json!(true), &Value::Null));
    assert_eq!(report["entry"]["source"]["kind"], "file");
    assert_eq!(listed(&skill), ["1.0.0"]);
    assert_eq!((&shown["type"], &shown["message"]), (&json!(3), &json!("acme.echo 1.0.0 is installed")));
    assert!(report["markdown"].as_str().unwrap().contains("is installed"), "{report}");
    told(&mut client, &document, "Installed: `1.0.0` (current): active");
    // What something else changed is not believed, and not kept quiet about either.
    let (_, list) = skill.run(&["list", "--format", "json"]);
    let index = PathBuf::from(list["root"].as_str().unwrap()).join("installed-index.json");
    let before = fs::read(&index).unwrap();
    fs::write(&index, [before.as_slice(), b"\n"].concat()).unwrap();
    client.notify("textDocument/didSave", json!({"textDocument": document.id()}));
    told(&mut client, &document, "`skillyard log` says what to do");
    fs::write(&index, before).unwrap();
    client.notify("textDocument/didSave", json!({"textDocument": document.id()}));
    told(&mut client, &document, "Installed: `1.0.0` (current): active");
    // As it is installed, and then not any more.
    assert!(!other_content(&mut client, &mut document, |found| !found));
    let named = GOOD.replace("name = \"Echo\"", "name = \"Another\"");
    document.set(&mut client, &named);
    assert!(other_content(&mut client, &mut document, |found| found));
    document.set(&mut client, &named.replacen("1.0.0", "1.0.1", 1));
    assert!(!other_content(&mut client, &mut document, |found| !found));
    document.close(&mut client);

    // The same again is refused, and nothing is asked.
    let id = install(&mut client, &skill);
    let (report, shown) = finished(&mut client, id);
    holds(&report);
    assert_eq!((&report["error_kind"], &shown["type"]), (&json!("AlreadyInstalled"), &json!(1)), "{report}");

    write(&skill, "1.5.0", "[capabilities]\nhttp_egress_allowlist = [\"api.example.com\"]\n");
    package(&skill);
    let id = install(&mut client, &skill);
    asked(&mut client, "api.example.com", "Cancel");
    assert_eq!(refused(&mut client, id)["code"], -32800);
    assert_eq!(listed(&skill), ["1.0.0"]);
    let id = install(&mut client, &skill);
    asked(&mut client, "api.example.com", "Install All the Same");
    let (report, _) = finished(&mut client, id);
    holds(&report);
    assert_eq!((&report["widens"], &report["previous_version"]), (&json!(true), &json!("1.0.0")));
    assert!(report["markdown"].as_str().unwrap().contains("**more:**"), "{report}");

    write(&skill, "1.4.9", "");
    package(&skill);
    let id = install(&mut client, &skill);
    asked(&mut client, "1.4.9 is older", "Install the Older Version");
    let (report, _) = finished(&mut client, id);
    assert_eq!((&report["installed"], &report["downgrade"]), (&json!(true), &json!(true)));
    assert_eq!(listed(&skill), ["1.0.0", "1.4.9", "1.5.0"]);
    client.stop();
}

/// Whether the version is said to be installed with other content, once it is as `wanted`.
fn other_content(client: &mut Client, document: &mut Document, wanted: fn(bool) -> bool) -> bool {
    let begun = Instant::now();
    loop {
        let found = document.pull(client).iter().any(|told| told["code"] == "update/other-content");
        if wanted(found) || begun.elapsed() > PATIENCE {
            return found;
        }
    }
}

/// Waits until the hover on the version says so: what lies around a manifest is looked at in the background.
#[track_caller]
fn told(client: &mut Client, document: &Document, words: &str) {
    told_at(client, document, "version = \"1", words);
}

/// The same of a hover on the key that begins so.
#[track_caller]
fn told_at(client: &mut Client, document: &Document, key: &str, words: &str) {
    let at = GOOD.find(key).unwrap() + 1;
    let position = document.range(Span::at(at))["start"].clone();
    let params = json!({"textDocument": document.id(), "position": position});
    let begun = Instant::now();
    loop {
        let said = client.call("textDocument/hover", params.clone()).to_string();
        if said.contains(words) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{words:?} is not in {said}");
    }
}

/// What a person says in a terminal, or another program, is told while the manifest is open.
#[test]
fn a_word_about_an_installed_version_is_heard_where_the_client_watches() {
    let skill = Skill::new();
    package(&skill);
    let (code, report) = skill.run(&["install", &artifact(&skill, "1.0.0"), "--allow-tofu", "--format", "json"]);
    assert_eq!(code, Some(0), "{report}");
    let mut capabilities = quiet();
    capabilities["workspace"]["didChangeWatchedFiles"] =
        json!({"dynamicRegistration": true, "relativePatternSupport": true});
    let mut client = skill.serve(capabilities);
    let mut watched = Vec::new();
    client.serve("client/registerCapability", |asked| {
        let watchers = asked["registrations"][0]["registerOptions"]["watchers"].as_array().unwrap().clone();
        let elsewhere = watchers.iter().map(|watcher| &watcher["globPattern"]).filter(|glob| glob.is_object());
        watched.extend(elsewhere.map(|glob| {
            let [folder, name] = ["baseUri", "pattern"].map(|key| glob[key].as_str().unwrap().to_owned());
            format!("{folder}/{name}")
        }));
        Value::Null
    });
    let document = skill.open(&mut client);
    told(&mut client, &document, "Installed: `1.0.0` (current): active");
    let said = ["quarantine", "acme.echo", "--reason", "looks odd", "--principal", "me", "--format", "json"];
    assert_eq!(skill.run(&said).0, Some(0));
    let (_, list) = skill.run(&["list", "--format", "json"]);
    let log = address(&PathBuf::from(list["root"].as_str().unwrap()).join("audit.ndjson"));
    assert!(watched.contains(&log), "{log} in {watched:?}");
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": log, "type": 2}]}));
    told(&mut client, &document, "quarantined");
    client.stop();
}

/// A key that stands in the trust store and counts no more is not said to be trusted.
#[test]
fn a_key_whose_life_is_over_is_told_at_the_publisher() {
    let skill = Skill::new();
    let keys = ["one", "two"].map(|name| {
        let (code, made) = skill.run(&["keygen", name, "--format", "json"]);
        assert_eq!(code, Some(0), "{made}");
        ["public_key", "key_id"].map(|part| made[part].as_str().unwrap().to_owned())
    });
    let own = keys.each_ref().map(|[key, _]| format!("acme={key}"));
    for own in &own {
        assert_eq!(skill.run(&["trust", "allow", own, "--format", "json"]).0, Some(0));
    }
    let mut client = skill.serve(quiet());
    let document = skill.open(&mut client);
    told_at(&mut client, &document, "publisher", &format!("`{}`", keys[1][1]));
    let again = |client: &mut Client, said: &[&str], words: &str| {
        assert_eq!(skill.run(said).0, Some(0), "{said:?}");
        client.notify("textDocument/didSave", json!({"textDocument": document.id()}));
        told_at(client, &document, "publisher", words);
    };
    again(&mut client, &["trust", "expire", &own[0], "2020-01-01", "--format", "json"], "is over since 2020");
    again(
        &mut client,
        &["trust", "revoke", &own[1], "--reason", "stolen", "--format", "json"],
        "was revoked: `stolen`",
    );
    told_at(&mut client, &document, "publisher", "trusts no key of `acme`");
    // With the last key the publisher goes, and another may be taken at first use.
    again(&mut client, &["trust", "remove", "acme", "--format", "json"], "does not know `acme`");
    told_at(&mut client, &document, "publisher", "was revoked: `stolen`");
    client.stop();
}

#[test]
fn what_the_audit_or_a_revoked_key_refuses_is_a_report_and_no_question() {
    let skill = Skill::new();
    write(&skill, "1.0.0", "[capabilities]\ndevice_capabilities = [\"camera\"]\n");
    package(&skill);
    let (_, shown) = skill.run(&["trust", "show", "--format", "json", &artifact(&skill, "1.0.0")]);
    let key = format!("acme={}", shown["public_key"].as_str().unwrap());
    let (code, _) = skill.run(&["trust", "allow", &key, "--format", "json"]);
    assert_eq!(code, Some(0));
    let mut client = skill.serve(quiet());
    let id = install(&mut client, &skill);
    let (report, said) = finished(&mut client, id);
    holds(&report);
    assert_eq!((&report["error_kind"], &report["quarantined"]), (&json!("AuditFailed"), &json!(true)), "{report}");
    assert!(said["message"].as_str().unwrap().contains("the version is quarantined"), "{said}");

    write(&skill, "1.1.0", "");
    package(&skill);
    let (code, _) = skill.run(&["trust", "revoke", "acme", "--reason", "stolen", "--format", "json"]);
    assert_eq!(code, Some(0));
    let id = install(&mut client, &skill);
    let (report, _) = finished(&mut client, id);
    assert_eq!(report["error_kind"], "UntrustedPublisher");
    assert!(report["markdown"].as_str().unwrap().contains("update/revoked-key"), "{report}");
    assert!(listed(&skill).is_empty());
    client.stop();
}

fn artifact(skill: &Skill, version: &str) -> String {
    let path = skill.folder().join("dist").join(format!("acme.echo-{version}.palyra-skill"));
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_artifact_and_a_folder_that_are_named_are_meant() {
    let skill = Skill::new();
    package(&skill);
    let mut client = skill.serve(full());
    let elsewhere = skill.home().join("elsewhere");
    let argument = json!({
        "uri": skill.uri(), "artifact": address(artifact(&skill, "1.0.0").as_ref()),
        "folder": address(&elsewhere),
    });
    let id = execute(&mut client, "skillyard.install", argument);
    let create = client.asked("window/workDoneProgress/create");
    client.respond(&create, "result", Value::Null);
    asked(&mut client, "acme", "Trust This Key");
    let (report, _) = finished(&mut client, id);
    assert_eq!(report["installed"], true, "{report}");
    assert!(elsewhere.join("acme.echo/1.0.0/install-metadata.json").exists());
    assert!(progress(&mut client, &create["params"]["token"]).len() > 1);
    assert!(listed(&skill).is_empty());
    client.stop();
}

/// An editor picks files too: nothing of a skill's folder need be there.
#[test]
fn an_artifact_alone_is_read_once_and_installed() {
    let skill = Skill::new();
    package(&skill);
    let path = skill.home().join("elsewhere.palyra-skill");
    fs::rename(artifact(&skill, "1.0.0"), &path).unwrap();
    let mut client = skill.serve(quiet());
    let argument = json!({"artifact": address(&path), "folder": address(&skill.home().join("elsewhere"))});
    let id = execute(&mut client, "skillyard.install", argument);
    let question = client.asked("window/showMessageRequest");
    // What a person agrees to is what was read, whatever lies there by now.
    fs::write(&path, "something else").unwrap();
    client.respond(&question, "result", json!({"title": "Trust This Key"}));
    let (report, _) = finished(&mut client, id);
    assert_eq!(report["installed"], true, "{report}");
    assert!(skill.home().join("elsewhere/acme.echo/1.0.0/install-metadata.json").exists());
    client.stop();
}

#[test]
fn a_client_that_cannot_ask_is_told_the_flag() {
    let skill = Skill::new();
    package(&skill);
    let mut client = skill.serve(minimal());
    let id = install(&mut client, &skill);
    let question = client.asked("window/showMessageRequest");
    client.respond(&question, "error", json!({"code": -32601, "message": "what?"}));
    let error = refused(&mut client, id);
    assert!(error["message"].as_str().unwrap().contains("skillyard install --allow-tofu"), "{error}");
    assert!(listed(&skill).is_empty());
    client.stop();
}

/// Between the question and the answer somebody exchanges the file that was read: what was asked about is installed.
#[test]
fn an_artifact_that_is_exchanged_while_a_person_is_asked_is_not_what_is_installed() {
    let skill = Skill::new();
    let path = artifact(&skill, "1.0.0");
    // Of the same publisher and version, so that who reads the file again installs it without another question.
    write(&skill, "1.0.0", "[capabilities]\nhttp_egress_allowlist = [\"evil.example\"]\n");
    package(&skill);
    let evil = fs::read(&path).unwrap();
    fs::write(skill.manifest(), GOOD).unwrap();
    package(&skill);
    let good = fs::read(&path).unwrap();
    assert_ne!(good, evil);
    let mut client = skill.serve(quiet());
    let id = install(&mut client, &skill);
    client.serve("window/showMessageRequest", move |_| {
        fs::write(&path, &evil).unwrap();
        json!({"title": "Trust This Key"})
    });
    let (report, _) = finished(&mut client, id);
    assert_eq!(report["installed"], true, "{report}");
    let (_, list) = skill.run(&["list", "--format", "json"]);
    let root = PathBuf::from(list["root"].as_str().unwrap());
    assert!(fs::read(root.join("acme.echo/1.0.0/artifact.palyra-skill")).unwrap() == good, "{report}");
    assert!(!report["capabilities"].to_string().contains("evil.example"), "{report}");
    client.stop();
}
