//! Files that were made to hurt: each gets an answer, and the server goes on.

use serde_json::json;
use skillyard_manifest::{Encoding, Span};

use crate::{GOOD, checked, client::Client, editor::Document, greeted, modern};

fn survives(text: &str) {
    let mut client = greeted(modern(), json!({}));
    let uri = "file:///nowhere/skill.toml";
    let mut document = Document::open(&mut client, uri, "toml", text, Encoding::Utf16);
    let before = ask(&mut client, &document);
    assert_eq!(document.seen(&before), checked(&document.text));
    // One character at the end, and away again.
    let end = document.text.len();
    let change = document.edit(Span::at(end), "\u{1F600}");
    client.send(&document.changed(&[change]));
    let change = document.edit(Span::new(end, end + 4), "");
    client.send(&document.changed(&[change]));
    let after = ask(&mut client, &document);
    assert_eq!(document.seen(&after), document.seen(&before));
    document.set(&mut client, GOOD);
    assert!(document.pull(&mut client).is_empty());
    client.stop();
}

/// The diagnostics. Everything else that can be asked is, too, and may fail but must be answered.
fn ask(client: &mut Client, document: &Document) -> Vec<serde_json::Value> {
    let place = json!({"line": 0, "character": 0});
    let range = json!({"start": place, "end": place});
    let options = json!({"tabSize": 2, "insertSpaces": true});
    let id = document.id();
    let requests = [
        ("textDocument/codeAction", json!({"textDocument": id, "range": range, "context": {"diagnostics": []}})),
        ("textDocument/formatting", json!({"textDocument": id, "options": options})),
        ("textDocument/rangeFormatting", json!({"textDocument": id, "range": range, "options": options})),
    ];
    for (method, params) in requests {
        let id = client.request(method, params);
        let answer = client.answer(id);
        assert!(answer.get("result").is_some() || answer["error"]["code"] == -32803, "{method}: {answer:.200}");
    }
    document.pull(client)
}

#[test]
fn twenty_megabytes() {
    survives(&format!("{GOOD}{}", "# padding, padding, padding\n".repeat(20 << 20 >> 5)));
}

#[test]
fn one_line_of_ten_megabytes() {
    survives(&format!("{GOOD}x = \"{}\"\n", "\u{1F600}".repeat(10 << 18)));
}

#[test]
fn one_line_just_below_the_limit() {
    survives(&format!("x = [{}]\n", "\"\u{1F600}\",".repeat(10_000)));
}

#[test]
fn ten_thousand_nested_arrays() {
    survives(&format!("x = {}{}\n", "[".repeat(10_000), "]".repeat(10_000)));
    survives(&format!("x = {}", "[".repeat(10_000)));
}

#[test]
fn ten_thousand_nested_tables() {
    survives(&format!("x = {}1{}\n", "{a=".repeat(10_000), "}".repeat(10_000)));
}

#[test]
fn ten_thousand_dotted_keys() {
    survives(&format!("{} = 1\n", vec!["a"; 10_000].join(".")));
    survives(&format!("[{}]\n", vec!["a"; 10_000].join(".")));
}

#[test]
fn ten_thousand_tools() {
    let (head, tool) = GOOD.split_at(GOOD.find("[[").unwrap());
    let (tool, tail) = tool.split_at(tool.find("[compat]").unwrap());
    survives(&format!("{head}{}{tail}", tool.repeat(10_000)));
}
