//! Quick fixes, and all safe fixes at once.

use std::fs;

use serde_json::{Value, json};
use skillyard_manifest::Span;

use crate::{GOOD, client::Client, editor::Document, greeted, modern, open, skillyard};

fn actions(client: &mut Client, document: &Document, at: Span, context: Value) -> Vec<Value> {
    let params = json!({"textDocument": document.id(), "range": document.range(at), "context": context});
    match client.call("textDocument/codeAction", params) {
        Value::Array(actions) => actions,
        other => panic!("{other}"),
    }
}

fn place_of(document: &Document, text: &str) -> Span {
    let start = document.text.find(text).unwrap();
    Span::at(start + text.len() / 2)
}

/// Two tools outside of the publisher's names.
fn bad() -> String {
    let (head, tool) = GOOD.split_at(GOOD.find("[[").unwrap());
    let (tool, tail) = tool.split_at(tool.find("[compat]").unwrap());
    format!("{head}{}{}{tail}", tool.replace("acme.echo", "echo"), tool.replace("acme.echo", "shout"))
}

#[test]
fn a_quick_fix_ends_its_diagnostic() {
    let mut client = greeted(modern(), json!({}));
    let mut document = open(&mut client, &bad());
    let found = document.pull(&mut client);
    let mine = found.iter().find(|found| found["code"] == "tool/not-namespaced").unwrap();
    let at = place_of(&document, "\"echo\"");
    let offered = actions(&mut client, &document, at, json!({"diagnostics": found, "only": ["quickfix"]}));
    let fix = &offered[0];
    assert_eq!((&fix["kind"], &fix["isPreferred"]), (&json!("quickfix"), &json!(true)));
    assert_eq!(fix["diagnostics"], json!([mine]), "it belongs to the client's own diagnostic");
    let after = document.with_workspace_edit(&fix["edit"]);
    assert_eq!(after, document.text.replace("id = \"echo\"", "id = \"acme.echo\""));

    document.set(&mut client, &after);
    let left = document.pull(&mut client);
    assert_eq!(left.len(), found.len() - 1, "{left:?}");
    client.stop();
}

#[test]
fn only_what_is_asked_for_is_offered() {
    let mut client = greeted(modern(), json!({}));
    let document = open(&mut client, &bad());
    let kinds = |client: &mut Client, at: Span, context: Value| -> Vec<String> {
        let offered = actions(client, &document, at, context);
        offered.iter().map(|action| action["kind"].as_str().unwrap().to_owned()).collect()
    };
    let (here, elsewhere) = (place_of(&document, "\"echo\""), place_of(&document, "manifest_version"));
    let all = "source.fixAll.skillyard";
    let count = |kinds: &[String], kind: &str| kinds.iter().filter(|k| *k == kind).count();
    let offered = kinds(&mut client, here, json!({"diagnostics": []}));
    let at_end = offered.iter().rev().take(4).all(|kind| kind.starts_with("source.skillyard."));
    assert!(at_end, "the commands do not stand in the way: {offered:?}");
    assert!(count(&offered, "quickfix") >= 1 && count(&offered, all) == 1, "{offered:?}");
    // Not with each move of the cursor.
    let offered = kinds(&mut client, here, json!({"diagnostics": [], "triggerKind": 2}));
    assert!(count(&offered, "quickfix") >= 1 && count(&offered, all) == 0, "{offered:?}");
    let commands = ["packageAndSign", "verify", "audit", "install"].map(|name| format!("source.skillyard.{name}"));
    let offered = kinds(&mut client, elsewhere, json!({"diagnostics": [], "only": ["source"]}));
    // It is in order, so that it is not to be put in order.
    assert_eq!(offered, [&[all.to_owned()][..], &commands[..]].concat());
    let (top, rest) = GOOD.split_once("\n\n").unwrap();
    let (tool, last) = rest.rsplit_once("\n\n").unwrap();
    let turned = format!("{top}\n\n{last}\n{tool}\n");
    let other = Document::open(&mut client, "file:///nowhere/other/skill.toml", "toml", &turned, document.encoding);
    let at = other.range(Span::at(0));
    let params = json!({"textDocument": other.id(), "range": at, "context": {"diagnostics": [], "only": ["source.organizeManifest"]}});
    let offered = client.call("textDocument/codeAction", params);
    assert_eq!(offered[0]["kind"], "source.organizeManifest", "{offered}");
    let offered = kinds(&mut client, elsewhere, json!({"diagnostics": [], "only": ["source.skillyard"]}));
    assert_eq!(offered, commands);
    for only in ["source.fixAll", all] {
        assert_eq!(kinds(&mut client, elsewhere, json!({"diagnostics": [], "only": [only]})), [all], "{only}");
    }
    let offered = kinds(&mut client, here, json!({"diagnostics": [], "only": ["refactor"]}));
    assert!(!offered.is_empty() && offered.iter().all(|kind| kind.starts_with("refactor.")), "{offered:?}");
    for only in ["source.organizeImports", "source.fixAll.eslint"] {
        assert!(kinds(&mut client, here, json!({"diagnostics": [], "only": [only]})).is_empty(), "{only}");
    }
    assert!(kinds(&mut client, elsewhere, json!({"diagnostics": [], "only": ["quickfix"]})).is_empty());
    client.stop();
}

#[test]
fn fixing_all_is_what_the_command_line_does() {
    let mut client = greeted(modern(), json!({}));
    let document = open(&mut client, &bad());
    let context = json!({"diagnostics": [], "only": ["source.fixAll"]});
    let offered = actions(&mut client, &document, Span::at(0), context);
    let after = document.with_workspace_edit(&offered[0]["edit"]);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("skill.toml");
    fs::write(&file, &document.text).unwrap();
    let status = skillyard().args(["check", "--fix"]).arg(&file).output().unwrap().status;
    assert!(status.code().is_some_and(|code| code < 2));
    assert_eq!(after, fs::read_to_string(&file).unwrap());
    assert_ne!(after, document.text);

    // Only what changes is sent.
    let edits = offered[0]["edit"]["documentChanges"][0]["edits"].as_array().unwrap();
    assert!(edits.iter().all(|edit| edit["newText"].as_str().unwrap().len() <= "acme.".len()), "{edits:?}");
    client.stop();
}

#[test]
fn a_client_without_versions_gets_plain_changes() {
    let mut capabilities = modern();
    capabilities["workspace"] = json!({});
    let mut client = greeted(capabilities, json!({}));
    let document = open(&mut client, &bad());
    let at = place_of(&document, "\"echo\"");
    let offered = actions(&mut client, &document, at, json!({"diagnostics": [], "only": ["quickfix"]}));
    let edits = &offered[0]["edit"]["changes"][&document.uri];
    assert_eq!(document.with_edits(edits), document.text.replace("id = \"echo\"", "id = \"acme.echo\""));
    client.stop();
}
