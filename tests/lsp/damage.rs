//! Messages that make no sense. Each costs an error at most; the server goes on.

use serde_json::{Value, json};
use skillyard_manifest::Encoding;

use crate::{
    GOOD, checked,
    client::{Client, frame, frame_text},
    editor::Document,
    greeted, modern, open, start,
};

/// The server still does its work.
fn serves(client: &mut Client) {
    let uri = "file:///still/there/skill.toml";
    let document = Document::open(client, uri, "toml", "half = ", Encoding::Utf16);
    let pulled = document.pull(client);
    assert_eq!(document.seen(&pulled), checked(&document.text));
    document.close(client);
}

#[test]
fn damaged_frames_and_json() {
    let mut client = greeted(modern(), json!({}));
    let no_length = b"Content-Type: application/vscode-jsonrpc\r\n\r\n";
    let bad_length = b"Content-Length: many\r\n\r\n";
    let too_long = b"Content-Length: 18446744073709551615\r\n\r\n";
    for header in [&no_length[..], bad_length, too_long] {
        client.send_bytes(header);
        assert_eq!(client.complaint()["code"], -32700);
        serves(&mut client);
    }
    for body in ["{", "", "nonsense", &"[".repeat(100_000)] {
        client.send_bytes(&frame_text(body));
        assert_eq!(client.complaint()["code"], -32700, "{body:.20}");
    }
    for body in ["[]", "{}", "1", r#"{"jsonrpc":"2.0","id":[],"method":"x"}"#, r#"{"method":5}"#] {
        client.send_bytes(&frame_text(body));
        assert_eq!(client.complaint()["code"], -32600, "{body}");
    }
    // A length that is too short: the rest stands in front of the next header.
    let mut cut = frame_text("{}");
    cut.extend(b"rest of a body\xff");
    client.send_bytes(&cut);
    assert_eq!(client.complaint()["code"], -32600);
    serves(&mut client);
    client.stop();
}

#[test]
fn unknown_methods_and_wrong_parameters() {
    let mut client = greeted(modern(), json!({}));
    assert_eq!(client.fail("textDocument/fold", json!({}))["code"], -32601);
    client.notify("textDocument/didFold", json!({}));
    client.notify("$/unknown", json!([1, 2]));
    assert_eq!(client.fail("textDocument/diagnostic", json!({}))["code"], -32602);
    assert_eq!(client.fail("textDocument/formatting", json!([[], "x"]))["code"], -32602);
    assert_eq!(client.fail("initialize", json!({"capabilities": {}}))["code"], -32600);
    client.notify("textDocument/didOpen", json!({"textDocument": 5}));
    client.notify("$/cancelRequest", json!({"id": 4711}));
    client.send(&json!({"jsonrpc": "2.0", "id": 4711, "result": null}));
    serves(&mut client);
    client.stop();
}

#[test]
fn messages_in_the_wrong_order() {
    let mut client = start();
    assert_eq!(client.fail("textDocument/diagnostic", json!({"textDocument": {"uri": "file:///a"}}))["code"], -32002);
    open(&mut client, GOOD);
    client.call("initialize", json!({"capabilities": modern()}));
    // Opened too early: not open.
    let uri = json!({"uri": "file:///nowhere/skill.toml"});
    assert_eq!(client.call("textDocument/diagnostic", json!({"textDocument": uri}))["items"], json!([]));
    serves(&mut client);
    assert_eq!(client.call("shutdown", Value::Null), Value::Null);
    assert_eq!(client.fail("textDocument/diagnostic", json!({"textDocument": uri}))["code"], -32600);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended(), Some(0));
}

#[test]
fn everything_at_once_without_waiting() {
    // A client need not wait for the answer before it goes on.
    let mut client = start();
    let mut bytes =
        frame(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": modern()}}));
    let uri = "file:///a/skill.toml";
    let item = json!({"uri": uri, "languageId": "toml", "version": 1, "text": "half = "});
    for (method, params) in [("initialized", json!({})), ("textDocument/didOpen", json!({"textDocument": item}))] {
        bytes.extend(frame(&json!({"jsonrpc": "2.0", "method": method, "params": params})));
    }
    let params = json!({"textDocument": {"uri": uri}});
    bytes.extend(frame(&json!({"jsonrpc": "2.0", "id": 2, "method": "textDocument/diagnostic", "params": params})));
    client.send_bytes(&bytes);
    assert!(client.answer(1)["result"]["capabilities"].is_object());
    assert_eq!(client.answer(2)["result"]["items"].as_array().unwrap().len(), checked("half = ").len());
    serves(&mut client);
    client.stop();
}

#[test]
fn changes_of_what_is_not_open() {
    let mut client = greeted(modern(), json!({}));
    let mut closed = open(&mut client, GOOD);
    let change = closed.changed(&[json!({"text": "x"})]);
    closed.close(&mut client);
    client.send(&change);
    let uri = json!({"uri": "file:///nowhere/skill.toml"});
    client.notify("textDocument/didClose", json!({"textDocument": uri}));
    client.notify("textDocument/didSave", json!({"textDocument": uri}));
    assert_eq!(client.call("textDocument/diagnostic", json!({"textDocument": uri}))["items"], json!([]));
    assert_eq!(
        client.call(
            "textDocument/formatting",
            json!({
                "textDocument": uri, "options": {"tabSize": 2, "insertSpaces": true},
            })
        ),
        Value::Null
    );
    serves(&mut client);
    client.stop();
}

#[test]
fn places_that_are_not_there() {
    let mut client = greeted(modern(), json!({}));
    let text = "a = 1\nb = \"\u{1F600}\"\n";
    let place = |line: Value, character: Value| json!({"line": line, "character": character});
    let range = |start: Value, end: Value| json!({"start": start, "end": end});
    let cases = [
        // Behind the end of the line, then of the text.
        (range(place(json!(0), json!(99)), place(json!(0), json!(4_000_000_000_u32))), "a = 1!\nb = \"\u{1F600}\"\n"),
        (range(place(json!(9), json!(0)), place(json!(99), json!(5))), "a = 1\nb = \"\u{1F600}\"\n!"),
        // Backwards.
        (range(place(json!(1), json!(1)), place(json!(0), json!(0))), "! = \"\u{1F600}\"\n"),
        // Not whole, below zero, endless.
        (range(place(json!(-1), json!(-5)), place(json!(0), json!(1))), "! = 1\nb = \"\u{1F600}\"\n"),
        (range(place(json!(0.5), json!(0)), place(json!(1e300), json!(1e300))), "!"),
        // Within a surrogate pair: its start.
        (range(place(json!(1), json!(6)), place(json!(1), json!(6))), "a = 1\nb = \"!\u{1F600}\"\n"),
    ];
    for (range, after) in cases {
        let mut document = open(&mut client, text);
        client.send(&document.changed(&[json!({"range": range, "text": "!"})]));
        document.text = after.to_owned();
        let pulled = document.pull(&mut client);
        assert_eq!(document.seen(&pulled), checked(after), "{range}");
        let params = json!({"textDocument": document.id(), "range": range, "context": {"diagnostics": []}});
        assert!(client.call("textDocument/codeAction", params).is_array());
        document.close(&mut client);
    }
    client.stop();
}

#[test]
fn half_characters() {
    let mut client = greeted(modern(), json!({}));
    let uri = "file:///nowhere/skill.toml";
    let head =
        format!(r#"{{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{{"textDocument":{{"uri":"{uri}","#);
    let body = format!(r#"{head}"languageId":"toml","version":1,"text":"\ud83d = \"\ude00\" x \ud83d\ude00"}}}}}}"#);
    client.send_bytes(&frame_text(&body));
    let text = "\u{fffd} = \"\u{fffd}\" x \u{1F600}".to_owned();
    let document = Document { uri: uri.to_owned(), text, version: 1, encoding: Encoding::Utf16 };
    let pulled = document.pull(&mut client);
    assert_eq!(document.seen(&pulled), checked(&document.text));
    client.stop();
}
