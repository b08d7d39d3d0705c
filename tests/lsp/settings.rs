//! Settings: from the editor and from `skillyard.toml`, and what happens when they change.

use std::{fs, path::Path};

use serde_json::{Value, json};
use skillyard_manifest::Encoding;
use tempfile::TempDir;

use crate::{GOOD, address, client::Client, editor::Document, greeted, modern};

/// A skill that is too new for the daemon that counts by default, in a folder where no other configuration is found.
struct Skill(TempDir);

impl Skill {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        Self(folder)
    }

    fn open(&self, client: &mut Client) -> Document {
        let text = GOOD.replace("min_palyra_version = \"0.1.0\"", "min_palyra_version = \"0.5.0\"");
        assert_ne!(text, GOOD);
        Document::open(client, &address(&self.0.path().join("skill.toml")), "toml", &text, Encoding::Utf16)
    }

    fn config(&self) -> std::path::PathBuf {
        self.0.path().join("skillyard.toml")
    }
}

/// Settings for the daemon that the skill needs.
fn newer() -> Value {
    json!({"palyraVersion": "0.5.0"})
}

const NEWER: &str = "palyra_version = \"0.5.0\"\n";

fn is_too_new(client: &mut Client, document: &Document) -> bool {
    let mut found = document.pull(client);
    // Every skill here has the same id, which may or may not be seen yet.
    found.retain(|found| found["code"] != "workspace/duplicate-skill-id");
    assert!(found.iter().all(|found| found["code"].as_str().unwrap().starts_with("compat/")), "{found:?}");
    !found.is_empty()
}

fn asking() -> Value {
    let mut capabilities = modern();
    capabilities["workspace"]["configuration"] = json!(true);
    capabilities["workspace"]["diagnostics"] = json!({"refreshSupport": true});
    capabilities
}

/// Answers the question for settings: the general ones, then those by folder.
fn configure(client: &mut Client, answers: &Value) {
    client.serve("workspace/configuration", |asked| {
        let asked = asked["items"].as_array().unwrap();
        assert!(asked.iter().all(|item| item["section"] == "skillyard"));
        assert_eq!(asked.len(), answers.as_array().unwrap().len());
        answers.clone()
    });
}

fn refreshed(client: &mut Client) {
    client.serve("workspace/diagnostic/refresh", |_| Value::Null);
}

fn watched(client: &mut Client, path: &Path, kind: u8) {
    let changes = json!([{"uri": address(path), "type": kind}]);
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
}

#[test]
fn options_at_the_start_count() {
    for (options, expected) in [(Value::Null, true), (newer(), false), (json!({"skillyard": newer()}), false)] {
        let mut client = greeted(modern(), json!({"initializationOptions": options}));
        let document = Skill::new().open(&mut client);
        assert_eq!(is_too_new(&mut client, &document), expected, "{options}");
        client.stop();
    }
}

#[test]
fn faults_of_options_at_the_start_are_shown() {
    let options = json!({"palyraVersion": "new", "rules": {"*": "hint"}});
    let mut client = greeted(modern(), json!({"initializationOptions": options}));
    let shown = client.notified("window/showMessage");
    assert!(shown["message"].as_str().unwrap().contains("palyraVersion"), "{shown}");
    client.stop();
}

#[test]
fn the_client_is_asked_and_asked_again_after_a_change() {
    let mut client = greeted(asking(), json!({}));
    let document = Skill::new().open(&mut client);
    configure(&mut client, &json!([null]));
    assert!(is_too_new(&mut client, &document));
    client.notify("workspace/didChangeConfiguration", json!({"settings": null}));
    configure(&mut client, &json!([newer()]));
    refreshed(&mut client);
    assert!(!is_too_new(&mut client, &document));
    // The same settings again are no news.
    client.notify("workspace/didChangeConfiguration", json!({"settings": null}));
    configure(&mut client, &json!([newer()]));
    client.stop();
}

#[test]
fn a_client_that_cannot_be_asked_pushes_its_settings() {
    let mut client = greeted(modern(), json!({}));
    let document = Skill::new().open(&mut client);
    assert!(is_too_new(&mut client, &document));
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"skillyard": newer()}}));
    assert!(!is_too_new(&mut client, &document));
    client.stop();
}

#[test]
fn each_workspace_folder_has_its_own() {
    let (one, two) = (Skill::new(), Skill::new());
    let folder = |skill: &Skill| json!({"uri": address(skill.0.path()), "name": "x"});
    let mut client = greeted(asking(), json!({"workspaceFolders": [folder(&one)]}));
    configure(&mut client, &json!([null, newer()]));
    refreshed(&mut client);
    let (in_one, in_two) = (one.open(&mut client), two.open(&mut client));
    assert!(!is_too_new(&mut client, &in_one));
    assert!(is_too_new(&mut client, &in_two));

    let event = json!({"added": [folder(&two)], "removed": [folder(&one)]});
    client.notify("workspace/didChangeWorkspaceFolders", json!({"event": event}));
    configure(&mut client, &json!([null, newer()]));
    refreshed(&mut client);
    assert!(is_too_new(&mut client, &in_one));
    assert!(!is_too_new(&mut client, &in_two));
    client.stop();
}

#[test]
fn the_file_counts_over_the_editor_and_is_read_again_when_it_changes() {
    let mut capabilities = modern();
    capabilities["workspace"]["didChangeWatchedFiles"] = json!({"dynamicRegistration": true});
    capabilities["workspace"]["diagnostics"] = json!({"refreshSupport": true});
    let skill = Skill::new();
    fs::write(skill.config(), "palyra_version = \"0.2.0\"\n").unwrap();
    let mut client = greeted(capabilities, json!({"initializationOptions": newer()}));
    client.serve("client/registerCapability", |asked| {
        let asked = &asked["registrations"][0];
        assert_eq!(asked["method"], "workspace/didChangeWatchedFiles");
        assert_eq!(
            asked["registerOptions"],
            json!({"watchers": [
                {"globPattern": "**/skillyard.toml"}, {"globPattern": "**/skill.toml"}, {"globPattern": "**/*.wasm"},
                {"globPattern": "**/modules"},
                {"globPattern": "**", "kind": 4},
            ]})
        );
        Value::Null
    });
    let document = skill.open(&mut client);
    assert!(is_too_new(&mut client, &document));

    fs::write(skill.config(), NEWER).unwrap();
    watched(&mut client, &skill.config(), 2);
    refreshed(&mut client);
    assert!(!is_too_new(&mut client, &document));

    fs::write(skill.config(), "palyra_version = \"0.3.0\"\n").unwrap();
    watched(&mut client, &skill.config(), 2);
    refreshed(&mut client);
    assert!(is_too_new(&mut client, &document));

    fs::remove_file(skill.config()).unwrap();
    watched(&mut client, &skill.config(), 3);
    refreshed(&mut client);
    assert!(!is_too_new(&mut client, &document));
    // Other files are none of its business.
    watched(&mut client, &skill.0.path().join("other.toml"), 2);
    client.stop();
}

#[test]
fn a_client_that_is_pushed_to_sees_a_changed_file_at_once() {
    let skill = Skill::new();
    let mut client = greeted(json!({}), json!({}));
    let document = skill.open(&mut client);
    let count = |client: &mut Client| {
        let pushed = client.notified("textDocument/publishDiagnostics");
        pushed["diagnostics"].as_array().unwrap().len()
    };
    assert_eq!(count(&mut client), 1);
    fs::write(skill.config(), NEWER).unwrap();
    watched(&mut client, &skill.config(), 1);
    assert_eq!(count(&mut client), 0);
    // Without a watcher, saving the skill looks again.
    fs::remove_file(skill.config()).unwrap();
    client.notify("textDocument/didSave", json!({"textDocument": document.id()}));
    assert_eq!(count(&mut client), 1);
    client.stop();
}

#[test]
fn faults_of_settings_are_shown_and_hold_no_links() {
    let skill = Skill::new();
    fs::write(skill.config(), "\"[x](command:evil)\\u001b\" = 1\n").unwrap();
    let mut client = greeted(modern(), json!({}));
    let document = skill.open(&mut client);
    assert!(is_too_new(&mut client, &document));
    let shown = client.notified("window/showMessage");
    assert_eq!(shown["type"], 2);
    let text = shown["message"].as_str().unwrap();
    assert!(text.contains("skillyard.toml:1:1: ") && text.contains("[x] (command:evil)"), "{text}");
    assert!(!text.contains('\u{1b}'));
    // Once is enough.
    assert!(is_too_new(&mut client, &document));

    let settings = json!({"settings": {"skillyard": {"rules": {"no/such": "warn"}}}});
    client.notify("workspace/didChangeConfiguration", settings);
    let shown = client.notified("window/showMessage");
    assert!(shown["message"].as_str().unwrap().contains("no/such"));
    client.stop();
}
