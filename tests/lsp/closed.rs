//! Diagnostics of manifests that are not open, for those who ask for them.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use skillyard_manifest::Encoding;
use tempfile::TempDir;

use crate::{GOOD, address, client::Client, editor::Document, greeted, modern, skillyard};

/// A workspace with one good manifest, and one whose tool lies outside its publisher's namespace.
struct Workspace(TempDir);

impl Workspace {
    fn new() -> Self {
        let workspace = Self(tempfile::tempdir().unwrap());
        fs::create_dir(workspace.0.path().join(".git")).unwrap();
        workspace.write("good", GOOD);
        workspace.write("bad", &bad());
        workspace
    }

    fn path(&self, skill: &str) -> PathBuf {
        self.0.path().join(skill).join("skill.toml")
    }

    fn write(&self, skill: &str, text: &str) {
        fs::create_dir_all(self.path(skill).parent().unwrap()).unwrap();
        fs::write(self.path(skill), text).unwrap();
    }

    fn serve(&self, capabilities: Value) -> Client {
        greeted(capabilities, json!({"workspaceFolders": [{"uri": address(self.0.path()), "name": "w"}]}))
    }
}

fn bad() -> String {
    GOOD.replace("acme.echo", "other.echo").replace("skill_id = \"other.echo\"", "skill_id = \"acme.bad\"")
}

fn check(client: &mut Client) -> Value {
    client.call("workspace/executeCommand", json!({"command": "skillyard.checkWorkspace"}))
}

/// What is pushed next: the document, and the codes of its diagnostics.
fn pushed(client: &mut Client) -> (String, Vec<String>) {
    let pushed = client.notified("textDocument/publishDiagnostics");
    let codes =
        pushed["diagnostics"].as_array().unwrap().iter().map(|found| found["code"].as_str().unwrap().to_owned());
    (pushed["uri"].as_str().unwrap().to_owned(), codes.collect())
}

/// What the command line says of the manifest of a skill.
fn codes_of(workspace: &Workspace, skill: &str) -> Vec<String> {
    let output = skillyard().args(["check", "--format", "json"]).arg(workspace.path(skill)).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = report["files"][0]["diagnostics"].as_array().unwrap();
    found.iter().map(|found| found["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_closed_is_spoken_of_when_asked_and_until_it_is_mended() {
    for capabilities in [modern(), json!({})] {
        let workspace = Workspace::new();
        let mut client = workspace.serve(capabilities);
        let uri = address(&workspace.path("bad"));
        let expected = codes_of(&workspace, "bad");
        assert!(expected.contains(&"tool/not-namespaced".to_owned()), "{expected:?}");

        let report = check(&mut client);
        assert_eq!((&report["checked"], &report["open"]), (&json!(2), &json!(0)), "{report}");
        assert_eq!(report["failing"], json!([uri]));
        assert!(report["markdown"].as_str().unwrap().contains("other.echo"), "{report}");
        assert_eq!(client.notified("window/showMessage")["type"], 1);
        assert_eq!(pushed(&mut client), (uri.clone(), expected.clone()));

        // It changes on the disk.
        let watched = |client: &mut Client| {
            client.notify("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": uri, "type": 2}]}));
        };
        workspace.write("bad", &bad().replace("1.0.0", "1.0"));
        let worse = codes_of(&workspace, "bad");
        assert_ne!(worse, expected);
        watched(&mut client);
        assert_eq!(pushed(&mut client), (uri.clone(), worse));
        workspace.write("bad", &GOOD.replace("acme.echo", "acme.bad"));
        watched(&mut client);
        assert_eq!(pushed(&mut client), (uri.clone(), vec![]));

        let report = check(&mut client);
        assert_eq!((&report["errors"], &report["warnings"]), (&json!(0), &json!(0)), "{report}");
        assert_eq!(client.notified("window/showMessage")["type"], 3);
        assert_eq!(pushed(&mut client), (uri.clone(), vec![]));
        client.stop();
    }
}

#[test]
fn what_is_opened_is_spoken_of_once() {
    let workspace = Workspace::new();
    let mut client = workspace.serve(modern());
    let uri = address(&workspace.path("bad"));
    check(&mut client);
    assert_eq!(pushed(&mut client).0, uri);
    client.notified("window/showMessage");
    let document = Document::open(&mut client, &uri, "toml", &bad(), Encoding::Utf16);
    // What was pushed goes; the editor pulls.
    assert_eq!(pushed(&mut client), (uri.clone(), vec![]));
    assert_eq!(document.pull(&mut client)[0]["code"], "tool/not-namespaced");
    // And is not pushed again while it is open.
    let report = check(&mut client);
    assert_eq!((&report["checked"], &report["open"]), (&json!(1), &json!(1)), "{report}");
    client.notified("window/showMessage");
    client.stop();
}

/// Waits until exactly these codes are pushed for a document.
fn pushed_at_last(client: &mut Client, uri: &str, codes: &[&str]) {
    loop {
        let (of, found) = pushed(client);
        if of == uri && found == codes {
            return;
        }
    }
}

/// Ends the server, which may have said more than the test asked for.
fn end(mut client: Client) {
    assert_eq!(client.call("shutdown", Value::Null), Value::Null);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended_midway(), Some(0));
}

#[test]
fn what_is_said_of_closed_manifests_keeps_up_with_what_it_depends_on() {
    const SKILL: &str = "workspace/duplicate-skill-id";
    let workspace = Workspace::new();
    let watched = |client: &mut Client, path: PathBuf, kind: u8| {
        let changes = json!([{"uri": address(&path), "type": kind}]);
        client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
    };
    let (good, twin) = (address(&workspace.path("good")), address(&workspace.path("twin")));
    workspace.write("bad", &GOOD.replace("acme.echo", "acme.bad"));
    workspace.write("twin", &GOOD.replace("acme.echo", "acme.twin"));
    let mut client = workspace.serve(modern());
    assert_eq!(check(&mut client)["warnings"], 0);
    client.notified("window/showMessage");
    // Another gives the id of one that was in order, and takes it back.
    workspace.write("twin", GOOD);
    watched(&mut client, workspace.path("twin"), 2);
    pushed_at_last(&mut client, &good, &[SKILL]);
    // The configuration switches it off, and no more.
    let config = workspace.0.path().join("skillyard.toml");
    fs::write(&config, "[rules]\n\"workspace/*\" = \"allow\"\n").unwrap();
    watched(&mut client, config.clone(), 1);
    pushed_at_last(&mut client, &good, &[]);
    fs::remove_file(&config).unwrap();
    watched(&mut client, config, 3);
    pushed_at_last(&mut client, &good, &[SKILL]);
    // The editor's settings do too.
    let settings = |level: &str| json!({"settings": {"skillyard": {"rules": {"workspace/*": level}}}});
    client.notify("workspace/didChangeConfiguration", settings("allow"));
    pushed_at_last(&mut client, &good, &[]);
    client.notify("workspace/didChangeConfiguration", settings("warn"));
    pushed_at_last(&mut client, &good, &[SKILL]);
    // The text of an open one counts.
    let mut document = Document::open(&mut client, &twin, "toml", GOOD, Encoding::Utf16);
    document.set(&mut client, &GOOD.replace("acme.echo", "acme.typed"));
    pushed_at_last(&mut client, &good, &[]);
    document.close(&mut client);
    pushed_at_last(&mut client, &good, &[SKILL]);
    // The folder of the other is gone, and the editor names nothing in it.
    fs::remove_dir_all(workspace.path("twin").parent().unwrap()).unwrap();
    watched(&mut client, workspace.path("twin").parent().unwrap().to_owned(), 3);
    pushed_at_last(&mut client, &good, &[]);
    end(client);
}

#[test]
fn of_a_folder_that_is_closed_nothing_is_said() {
    let workspace = Workspace::new();
    let mut client = workspace.serve(modern());
    check(&mut client);
    let (bad, codes) = pushed(&mut client);
    assert_eq!((&bad, codes.is_empty()), (&address(&workspace.path("bad")), false));
    client.notified("window/showMessage");
    let folder = json!({"uri": address(workspace.0.path()), "name": "w"});
    let event = json!({"added": [], "removed": [folder]});
    client.notify("workspace/didChangeWorkspaceFolders", json!({"event": event}));
    assert_eq!(pushed(&mut client), (bad, vec![]));
    client.stop();
}

#[test]
fn of_a_folder_that_is_deleted_nothing_is_said() {
    let workspace = Workspace::new();
    let mut client = workspace.serve(modern());
    check(&mut client);
    let (bad, _) = pushed(&mut client);
    client.notified("window/showMessage");
    let folder = workspace.path("bad").parent().unwrap().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    let changes = json!([{"uri": address(&folder), "type": 3}]);
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
    assert_eq!(pushed(&mut client), (bad, vec![]));
    client.stop();
}

#[test]
fn an_address_that_is_spelled_otherwise_is_the_same_file() {
    let workspace = Workspace::new();
    let skill = "b@d+(=1,2)";
    fs::rename(workspace.path("bad").parent().unwrap(), workspace.path(skill).parent().unwrap()).unwrap();
    let mut client = workspace.serve(modern());
    check(&mut client);
    let (shown, _) = pushed(&mut client);
    client.notified("window/showMessage");
    // As the editor of a person spells it: with nothing encoded, or with everything.
    let bare = address(&workspace.path(skill));
    let encoded = bare.replace("skill.toml", "%73kill.toml");
    for uri in [bare, encoded] {
        assert_ne!(uri, shown);
        let document = Document::open(&mut client, &uri, "toml", &bad(), Encoding::Utf16);
        assert_eq!(pushed(&mut client), (shown.clone(), vec![]));
        let report = check(&mut client);
        assert_eq!((&report["checked"], &report["open"]), (&json!(1), &json!(1)), "{report}");
        client.notified("window/showMessage");
        document.close(&mut client);
        check(&mut client);
        client.notified("window/showMessage");
        assert_eq!(pushed(&mut client).0, shown);
    }
    client.stop();
}

#[test]
fn ids_that_closed_manifests_share_are_told_in_both() {
    let workspace = Workspace::new();
    workspace.write("bad", GOOD);
    let mut client = workspace.serve(modern());
    let report = check(&mut client);
    assert_eq!(report["warnings"], 2, "{report}");
    let mut both = [pushed(&mut client), pushed(&mut client)];
    both.sort();
    let code = vec!["workspace/duplicate-skill-id".to_owned()];
    assert_eq!(both, ["bad", "good"].map(|skill| (address(&workspace.path(skill)), code.clone())));
    client.notified("window/showMessage");
    client.stop();
}

#[test]
fn without_a_folder_there_is_nothing_to_check() {
    let mut client = greeted(modern(), json!({}));
    let command = "skillyard.checkWorkspace";
    let refused = client.fail("workspace/executeCommand", json!({"command": command}));
    assert!(refused["message"].as_str().unwrap().contains("no folder is open"), "{refused}");
    let argument = json!({"command": command, "arguments": [{"uri": "file:///skill.toml"}]});
    let refused = client.fail("workspace/executeCommand", argument);
    assert!(refused["message"].as_str().unwrap().contains("takes no argument"), "{refused}");
    client.stop();
}
