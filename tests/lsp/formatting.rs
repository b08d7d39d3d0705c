//! Formatting, whole and in part.

use std::fs;

use serde_json::{Value, json};
use skillyard_manifest::{Encoding, Span};

use crate::{address, client::Client, editor::Document, greeted, modern, open, skillyard};

const RAGGED: &str = "# kept\r\na=1\r\n\r\n\r\n\r\nb   =   [ 1,2 ]  # \u{1F600}\r\n  [ t ]\r\nc='x'\r\n";

fn options() -> Value {
    json!({"tabSize": 8, "insertSpaces": false})
}

fn formatted(client: &mut Client, document: &Document) -> Value {
    client.call("textDocument/formatting", json!({"textDocument": document.id(), "options": options()}))
}

#[test]
fn formatting_is_what_the_command_line_does() {
    let mut client = greeted(modern(), json!({}));
    let mut document = open(&mut client, RAGGED);
    let after = document.with_edits(&formatted(&mut client, &document));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("skill.toml");
    fs::write(&file, RAGGED).unwrap();
    assert!(skillyard().arg("fmt").arg(&file).output().unwrap().status.success());
    assert_eq!(after, fs::read_to_string(&file).unwrap());
    assert_ne!(after, RAGGED);

    document.set(&mut client, &after);
    assert_eq!(formatted(&mut client, &document), json!([]));
    client.stop();
}

#[test]
fn a_configuration_is_laid_out_too() {
    const TEXT: &str = "palyra_version='0.1.0'\n[rules]\n\"egress/*\"=\"hint\" # quiet\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("skillyard.toml");
    fs::write(&file, TEXT).unwrap();
    let mut client = greeted(modern(), json!({}));
    let document = Document::open(&mut client, &address(&file), "skillyard-config", TEXT, Encoding::Utf16);
    let after = document.with_edits(&formatted(&mut client, &document));
    assert!(skillyard().arg("fmt").arg(&file).output().unwrap().status.success());
    assert_eq!(after, fs::read_to_string(&file).unwrap());
    assert!(after.contains("\"egress/*\" = \"hint\" # quiet\n"), "{after}");
    client.stop();
}

#[test]
fn a_range_changes_only_its_lines() {
    let mut client = greeted(modern(), json!({}));
    let document = open(&mut client, "a=1\nb=2\nc=3\n");
    let range = document.range(Span::new(4, 6));
    let params = json!({"textDocument": document.id(), "range": range, "options": options()});
    let edits = client.call("textDocument/rangeFormatting", params);
    assert_eq!(document.with_edits(&edits), "a=1\nb = 2\nc=3\n");
    client.stop();
}

#[test]
fn a_broken_file_stays_as_it_is() {
    let mut client = greeted(modern(), json!({}));
    let document = open(&mut client, "a=1\nb = \"open\nc=3\n");
    assert_eq!(formatted(&mut client, &document), Value::Null);
    let other = Document::open(&mut client, "file:///a/Cargo.toml", "toml", "a=1\n", document.encoding);
    assert_eq!(formatted(&mut client, &other), Value::Null);
    client.stop();
}
