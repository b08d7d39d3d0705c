//! How a server ends.

use serde_json::{Value, json};

use crate::{GOOD, greeted, modern, open, start};

#[test]
fn exit_after_shutdown_is_0() {
    greeted(modern(), json!({})).stop();
}

#[test]
fn exit_without_shutdown_is_1() {
    let mut client = greeted(modern(), json!({}));
    open(&mut client, GOOD);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended(), Some(1));

    let mut client = start();
    client.notify("exit", Value::Null);
    assert_eq!(client.ended(), Some(1));
}

#[test]
fn shutdown_and_exit_in_one_go_are_answered() {
    let mut client = greeted(modern(), json!({}));
    let id = client.request("shutdown", Value::Null);
    client.notify("exit", Value::Null);
    assert_eq!(client.answer(id)["result"], Value::Null);
    assert_eq!(client.ended(), Some(0));
}

#[test]
fn nothing_is_asked_of_a_client_that_said_goodbye() {
    let mut abilities = modern();
    abilities["workspace"] = json!({
        "configuration": true,
        "inlayHint": {"refreshSupport": true},
        "diagnostics": {"refreshSupport": true},
    });
    let mut client = greeted(abilities, json!({}));
    let question = client.asked("workspace/configuration");
    open(&mut client, GOOD);
    assert_eq!(client.call("shutdown", Value::Null), Value::Null);
    // An answer that comes late changes settings, after which a client is asked to draw anew what it shows.
    client.respond(&question, "result", json!([{"rules": {"*": "hint"}}]));
    for _ in 0..3 {
        client.fail("textDocument/hover", json!({}));
    }
    client.notify("exit", Value::Null);
    assert_eq!(client.ended(), Some(0));
}

#[test]
fn the_end_of_the_input_is_the_end() {
    let mut client = greeted(modern(), json!({}));
    open(&mut client, GOOD);
    client.close_input();
    assert_eq!(client.ended(), Some(1));

    let mut client = greeted(modern(), json!({}));
    client.call("shutdown", Value::Null);
    client.close_input();
    assert_eq!(client.ended(), Some(0));

    // Also in the middle of a message.
    let mut client = greeted(modern(), json!({}));
    client.send_bytes(b"Content-Length: 100\r\n\r\n{");
    client.close_input();
    assert_eq!(client.ended(), Some(1));
}

#[test]
fn the_end_of_the_clients_process_is_the_end() {
    // Any process can be the client's, such as another server. The pipes to the one under test stay open.
    let editor = start();
    let mut client = start();
    client.call("initialize", json!({"processId": editor.pid(), "capabilities": modern()}));
    client.notify("initialized", json!({}));
    let document = open(&mut client, "half = ");
    assert!(!document.pull(&mut client).is_empty());
    let mut editor = editor;
    editor.close_input();
    assert_eq!(editor.ended(), Some(1));
    assert_eq!(client.ended(), Some(1));
}
