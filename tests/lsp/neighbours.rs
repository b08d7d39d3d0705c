//! Ids that several skills of the workspace give.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use skillyard_manifest::Encoding;
use tempfile::TempDir;

use crate::{GOOD, address, client::Client, editor::Document, greeted, modern, skillyard};

/// A workspace of two skills of one id, and one of another.
struct Workspace(TempDir);

impl Workspace {
    fn new() -> Self {
        let workspace = Self(tempfile::tempdir().unwrap());
        fs::create_dir(workspace.0.path().join(".git")).unwrap();
        workspace.write("one", GOOD);
        workspace.write("two", GOOD);
        workspace.write("three", &GOOD.replace("acme.echo", "acme.other"));
        workspace
    }

    fn path(&self, skill: &str) -> PathBuf {
        self.0.path().join(skill).join("skill.toml")
    }

    fn write(&self, skill: &str, text: &str) {
        fs::create_dir_all(self.path(skill).parent().unwrap()).unwrap();
        fs::write(self.path(skill), text).unwrap();
    }

    fn open(&self, client: &mut Client, skill: &str) -> Document {
        let text = fs::read_to_string(self.path(skill)).unwrap();
        Document::open(client, &address(&self.path(skill)), "toml", &text, Encoding::Utf16)
    }

    fn folder(&self) -> Value {
        json!([{"uri": address(self.0.path()), "name": "w"}])
    }

    /// A server for a client that is pushed to.
    fn pushing(&self) -> Client {
        let capabilities = json!({"textDocument": {"publishDiagnostics": {"relatedInformation": true}}});
        greeted(capabilities, json!({"workspaceFolders": self.folder()}))
    }

    /// A server for a client that asks, and is told when to ask again.
    fn pulling(&self) -> Client {
        let mut capabilities = modern();
        capabilities["workspace"]["diagnostics"] = json!({"refreshSupport": true});
        greeted(capabilities, json!({"workspaceFolders": self.folder()}))
    }

    /// What the command line says of the whole workspace: file, code and message.
    fn checked(&self) -> Vec<String> {
        let output = skillyard().args(["check", "--format", "concise"]).current_dir(self.0.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().filter(|line| line.contains("[workspace/")).map(ToOwned::to_owned).collect()
    }
}

/// Waits until exactly `expected` codes are pushed for a document.
fn pushed(client: &mut Client, document: &Document, expected: &[&str]) -> Vec<Value> {
    loop {
        let pushed = client.notified("textDocument/publishDiagnostics");
        let found = pushed["diagnostics"].as_array().unwrap().clone();
        let codes: Vec<&str> = found.iter().map(|found| found["code"].as_str().unwrap()).collect();
        if pushed["uri"] == document.uri && codes == expected {
            return found;
        }
    }
}

/// Ends the server, which may have said more than the test asked for.
fn end(mut client: Client) {
    assert_eq!(client.call("shutdown", Value::Null), Value::Null);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended_midway(), Some(0));
}

const SKILL: &str = "workspace/duplicate-skill-id";
const TOOL: &str = "workspace/duplicate-tool-id";

#[test]
fn an_id_of_two_skills_is_told_at_the_id_with_the_other_file() {
    let workspace = Workspace::new();
    let mut client = workspace.pushing();
    let one = workspace.open(&mut client, "one");
    let found = pushed(&mut client, &one, &[SKILL]);
    assert_eq!(one.span(&found[0]["range"]).of(GOOD), "\"acme.echo\"");
    assert_eq!(found[0]["severity"], 2);
    let related = found[0]["relatedInformation"].as_array().unwrap();
    assert_eq!(related.len(), 1);
    assert_eq!(related[0]["location"], json!({"uri": address(&workspace.path("two")), "range": found[0]["range"]}));
    let message = found[0]["message"].as_str().unwrap();
    assert!(message.contains("`acme.echo`") && message.contains("in ../two/skill.toml"), "{message}");
    // The command line says the same of both.
    let checked = workspace.checked();
    assert_eq!(checked.len(), 2, "{checked:?}");
    assert!(checked[0].contains(message) && checked[0].contains("one"), "{checked:?}");
    end(client);
}

#[test]
fn a_change_of_one_reaches_the_other_that_is_open() {
    let workspace = Workspace::new();
    let mut client = workspace.pushing();
    let one = workspace.open(&mut client, "one");
    pushed(&mut client, &one, &[SKILL]);
    let mut two = workspace.open(&mut client, "two");
    pushed(&mut client, &two, &[SKILL]);
    // Unsaved: what is in the editor counts.
    two.set(&mut client, &GOOD.replacen("acme.echo", "acme.second", 1));
    pushed(&mut client, &one, &[TOOL]);
    // Closed without saving: the file counts.
    two.close(&mut client);
    pushed(&mut client, &one, &[SKILL]);
    client.notify("textDocument/didClose", json!({"textDocument": one.id()}));
    pushed(&mut client, &one, &[]);
    end(client);
}

#[test]
fn a_file_that_changes_on_the_disk_counts() {
    let workspace = Workspace::new();
    let mut client = workspace.pushing();
    let one = workspace.open(&mut client, "one");
    pushed(&mut client, &one, &[SKILL]);
    let changed = |client: &mut Client, skill: &str, kind: u8| {
        let changes = json!([{"uri": address(&workspace.path(skill)), "type": kind}]);
        client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
    };
    fs::remove_file(workspace.path("two")).unwrap();
    changed(&mut client, "two", 3);
    pushed(&mut client, &one, &[]);
    workspace.write("four", GOOD);
    changed(&mut client, "four", 1);
    pushed(&mut client, &one, &[SKILL]);
    // With its folder, and only that is named.
    let folder = workspace.path("four").parent().unwrap().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    let changes = json!([{"uri": address(&folder), "type": 3}]);
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
    pushed(&mut client, &one, &[]);
    end(client);
}

#[test]
fn a_client_that_pulls_is_told_to_ask_again() {
    let workspace = Workspace::new();
    fs::remove_file(workspace.path("one")).unwrap();
    let mut client = workspace.pulling();
    let three = workspace.open(&mut client, "three");
    let codes = |client: &mut Client| -> Vec<String> {
        three.pull(client).iter().map(|found| found["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&mut client), [] as [&str; 0]);
    let mut two = workspace.open(&mut client, "two");
    two.set(&mut client, &GOOD.replace("acme.echo", "acme.other"));
    client.serve("workspace/diagnostic/refresh", |_| Value::Null);
    assert_eq!(codes(&mut client), [SKILL]);
    client.notify("textDocument/didClose", json!({"textDocument": two.id()}));
    client.serve("workspace/diagnostic/refresh", |_| Value::Null);
    assert_eq!(codes(&mut client), [] as [&str; 0]);
    client.stop();
}

#[test]
fn news_about_others_leaves_a_result_as_it_is() {
    let workspace = Workspace::new();
    let mut client = workspace.pulling();
    let [one, three] = ["one", "three"].map(|skill| workspace.open(&mut client, skill));
    let pull = |client: &mut Client, document: &Document, previous: &Value| {
        let params = json!({"textDocument": document.id(), "previousResultId": previous});
        client.call("textDocument/diagnostic", params)
    };
    // The result in which a document's id is told as given twice.
    let told = |client: &mut Client, document: &Document| loop {
        let result = pull(client, document, &Value::Null);
        if result["items"].as_array().unwrap().iter().any(|found| found["code"] == SKILL) {
            return result;
        }
        client.serve("workspace/diagnostic/refresh", |_| Value::Null);
    };
    let before = told(&mut client, &one);
    workspace.write("four", &GOOD.replace("acme.echo", "acme.other"));
    let changes = json!([{"uri": address(&workspace.path("four")), "type": 1}]);
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
    told(&mut client, &three);
    assert_eq!(pull(&mut client, &one, &before["resultId"])["kind"], "unchanged");
    end(client);
}

#[test]
fn settings_and_comments_switch_it_off() {
    let workspace = Workspace::new();
    let mut client = workspace.pushing();
    let mut one = workspace.open(&mut client, "one");
    pushed(&mut client, &one, &[SKILL]);
    let allowed = GOOD.replacen("skill_id", "# skillyard: allow(workspace/duplicate-skill-id): a copy\nskill_id", 1);
    one.set(&mut client, &allowed);
    pushed(&mut client, &one, &[]);
    workspace.write("one", &allowed);
    assert_eq!(workspace.checked().len(), 1, "only in the other");
    fs::write(workspace.0.path().join("skillyard.toml"), "[rules]\n\"workspace/*\" = \"allow\"\n").unwrap();
    assert_eq!(workspace.checked(), [] as [&str; 0]);
    end(client);
}

#[test]
fn what_is_in_no_workspace_folder_has_no_neighbours() {
    let workspace = Workspace::new();
    let folder = json!([{"uri": address(&workspace.0.path().join("two")), "name": "w"}]);
    let mut client = greeted(modern(), json!({"workspaceFolders": folder}));
    let one = workspace.open(&mut client, "one");
    let two = workspace.open(&mut client, "two");
    assert_eq!(one.pull(&mut client), [] as [Value; 0]);
    assert_eq!(two.pull(&mut client), [] as [Value; 0]);
    client.stop();
}

#[test]
fn folders_that_come_and_go_count() {
    let (first, second) = (Workspace::new(), Workspace::new());
    fs::remove_file(first.path("two")).unwrap();
    fs::remove_file(second.path("two")).unwrap();
    let mut client = first.pushing();
    let one = first.open(&mut client, "one");
    pushed(&mut client, &one, &[]);
    let change = |client: &mut Client, added: &Value, removed: &Value| {
        let event = json!({"added": added, "removed": removed});
        client.notify("workspace/didChangeWorkspaceFolders", json!({"event": event}));
    };
    change(&mut client, &second.folder(), &json!([]));
    pushed(&mut client, &one, &[SKILL]);
    change(&mut client, &json!([]), &second.folder());
    pushed(&mut client, &one, &[]);
    end(client);
}

#[test]
fn skills_of_a_folder_that_went_and_of_one_that_came_are_not_compared() {
    let (first, second) = (Workspace::new(), Workspace::new());
    fs::remove_file(first.path("two")).unwrap();
    fs::remove_file(second.path("two")).unwrap();
    let mut client = first.pulling();
    let mut other = second.open(&mut client, "one");
    // The folder goes while the skill in it is still read for the first time, which takes a while.
    let mut long = GOOD.to_owned();
    long.extend((0..20_000).map(|n| format!("# {n}\n\n[[entrypoints.tools]]\nid = \"acme.echo.n{n}\"\n")));
    first.write("one", &long);
    first.open(&mut client, "one");
    let event = json!({"added": second.folder(), "removed": first.folder()});
    client.notify("workspace/didChangeWorkspaceFolders", json!({"event": event}));
    // The other has nobody of its id beside it, until it takes that of the third.
    assert_eq!(other.pull(&mut client), [] as [Value; 0]);
    other.set(&mut client, &GOOD.replace("acme.echo", "acme.other"));
    client.serve("workspace/diagnostic/refresh", |_| Value::Null);
    let told = other.pull(&mut client);
    assert_eq!(told.iter().map(|told| &told["code"]).collect::<Vec<_>>(), [SKILL]);
    client.stop();
}
