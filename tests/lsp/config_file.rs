//! `skillyard.toml` as a document: its diagnostics and fixes.

use std::fs;

use serde_json::{Value, json};
use skillyard_manifest::{Encoding, Span, analyze_config};

use crate::{client::Client, editor::Document, greeted, modern, skillyard};

const URI: &str = "file:///nowhere/skillyard.toml";

const BAD: &str = "palyra_versoin = \"0.1.0\"\n\n[rules]\n\"egress/upper-case\" = \"ignore\"\n\
                   \"fields/unknown-key\" = \"warn\"\n\n[package]\nassets = [\"./assets\", \"a[\"]\n";

fn open(client: &mut Client, text: &str) -> Document {
    Document::open(client, URI, "toml", text, Encoding::Utf16)
}

/// What the analysis says, in the fields of [`Document::seen`].
fn expected(text: &str) -> Vec<Value> {
    let seen = |found: &skillyard_manifest::Diagnostic| {
        json!({
            "code": found.rule.code, "severity": found.severity.name(), "message": found.message,
            "byte_range": [found.span.start, found.span.end], "url": found.rule.url(),
        })
    };
    analyze_config(text).iter().map(seen).collect()
}

/// Line, column and message of what the command line says about a text.
fn told(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("skillyard.toml"), text).unwrap();
    fs::write(folder.path().join("skill.toml"), crate::GOOD).unwrap();
    let output = skillyard().arg("check").current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let lines = String::from_utf8(output.stderr).unwrap();
    lines.lines().map(|line| line.split_once("skillyard.toml:").unwrap().1.to_owned()).collect()
}

#[test]
fn it_has_all_its_diagnostics_and_they_are_the_command_lines() {
    let mut client = greeted(modern(), json!({}));
    let document = open(&mut client, BAD);
    let found = document.pull(&mut client);
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(document.seen(&found), expected(BAD));
    let place = |found: &Value| {
        let start = &found["range"]["start"];
        let of = |name: &str| start[name].as_u64().unwrap() + 1;
        format!("{}:{}: {}", of("line"), of("character"), found["message"].as_str().unwrap())
    };
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), told(BAD));
    client.stop();
}

#[test]
fn it_is_known_by_its_name_or_its_language() {
    let mut client = greeted(modern(), json!({}));
    let mut found = |uri: &str, language: &str| {
        let document = Document::open(&mut client, uri, language, "skill_id = 1\n", Encoding::Utf16);
        let found = document.pull(&mut client);
        document.close(&mut client);
        found.iter().map(|found| found["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let unknown = ["config-file/unknown-key"];
    assert_eq!(found(URI, "toml"), unknown);
    assert_eq!(found(URI, "plaintext"), unknown);
    assert_eq!(found("untitled:Untitled-1", "skillyard-config"), unknown);
    assert_eq!(found("file:///nowhere/skillyard.toml.orig", "toml"), [] as [&str; 0]);
    client.stop();
}

#[test]
fn a_client_that_cannot_pull_is_pushed_to() {
    let mut client = greeted(json!({}), json!({}));
    let mut document = open(&mut client, BAD);
    let pushed = client.notified("textDocument/publishDiagnostics");
    assert_eq!(document.seen(pushed["diagnostics"].as_array().unwrap()), expected(BAD));
    document.set(&mut client, "[rules]\n");
    let pushed = client.notified("textDocument/publishDiagnostics");
    assert_eq!(pushed["diagnostics"], json!([]));
    document.set(&mut client, "[rulez]\n");
    assert_eq!(client.notified("textDocument/publishDiagnostics")["diagnostics"].as_array().unwrap().len(), 1);
    document.close(&mut client);
    assert_eq!(client.notified("textDocument/publishDiagnostics"), json!({"uri": URI, "diagnostics": []}));
    client.stop();
}

fn actions(client: &mut Client, document: &Document, at: &str, context: Value) -> Vec<Value> {
    let start = document.text.find(at).unwrap();
    let range = document.range(Span::at(start + 1));
    let params = json!({"textDocument": document.id(), "range": range, "context": context});
    match client.call("textDocument/codeAction", params) {
        Value::Array(actions) => actions,
        other => panic!("{other}"),
    }
}

#[test]
fn its_slips_have_quick_fixes() {
    let mut client = greeted(modern(), json!({}));
    let mut document = open(&mut client, BAD);
    let found = document.pull(&mut client);
    let offered = actions(&mut client, &document, "palyra_versoin", json!({"diagnostics": found}));
    let titles: Vec<&str> = offered.iter().map(|action| action["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Rename to `palyra_version`", "Fix all problems that can be fixed safely"]);
    assert_eq!(offered[0]["diagnostics"], json!([found[0]]));
    let after = document.with_workspace_edit(&offered[0]["edit"]);
    assert_eq!(after, BAD.replace("versoin", "version"));
    document.set(&mut client, &after);
    assert_eq!(document.pull(&mut client).len(), found.len() - 1);

    let offered = actions(&mut client, &document, "\"warn\"", json!({"diagnostics": [], "only": ["quickfix"]}));
    let titles: Vec<&str> = offered.iter().map(|action| action["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Set it to `deny`", "Remove `fields/unknown-key`"]);

    let offered = actions(&mut client, &document, "[rules]", json!({"diagnostics": [], "only": ["source.fixAll"]}));
    assert_eq!(offered.len(), 1, "{offered:?}");
    let after = document.with_workspace_edit(&offered[0]["edit"]);
    assert_eq!(after, document.text.replace("./assets", "assets"), "what is safe, and nothing else");
    client.stop();
}

#[test]
fn what_is_for_manifests_is_not_offered() {
    let mut client = greeted(modern(), json!({}));
    let document = open(&mut client, "[rules]\n\"*\"   =   \"warn\"\n");
    assert_eq!(document.pull(&mut client), [] as [Value; 0]);
    assert_eq!(client.call("textDocument/codeLens", json!({"textDocument": document.id()})), Value::Null);
    assert_eq!(actions(&mut client, &document, "[rules]", json!({"diagnostics": []})), [] as [Value; 0]);
    let failed = client.fail("skillyard/exampleInput", json!({"uri": URI, "tool": "x"}));
    assert!(failed["message"].as_str().unwrap().contains("no skill.toml"), "{failed}");
    client.stop();
}

#[test]
fn every_text_on_the_way_has_an_answer() {
    let mut client = greeted(modern(), json!({}));
    let mut document = open(&mut client, "");
    for at in (0..=BAD.len()).step_by(3) {
        document.set(&mut client, &BAD[..at]);
        let found = document.pull(&mut client);
        assert_eq!(document.seen(&found), expected(&BAD[..at]));
    }
    client.stop();
}
