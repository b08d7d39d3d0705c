//! The language server as a client sees it: real processes over standard input and output.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so and fails")]

mod actions;
mod client;
mod closed;
mod commands;
mod config_file;
mod damage;
mod diagnostics;
mod editor;
mod edits;
mod features;
mod file_renames;
mod formatting;
mod hostile;
mod install;
mod life;
mod live;
mod neighbours;
mod run_tool;
mod settings;
mod skill;
// strace is a tool of Linux.
#[cfg(target_os = "linux")]
mod walls;

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use serde_json::{Value, json};
use skillyard_manifest::Encoding;

use crate::{client::Client, editor::Document};

/// A manifest without a fault.
const GOOD: &str = include_str!("good.toml");

/// The binary under test.
fn skillyard() -> Command {
    Command::new(env!("CARGO_BIN_EXE_skillyard"))
}

/// What a modern editor can do: it pulls diagnostics and takes versioned edits.
fn modern() -> Value {
    json!({
        "general": {"positionEncodings": ["utf-16"]},
        "textDocument": {
            "diagnostic": {},
            "publishDiagnostics": {
                "relatedInformation": true, "dataSupport": true, "codeDescriptionSupport": true,
                "tagSupport": {"valueSet": [1, 2]},
            },
            "codeAction": {
                "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "source.fixAll"]}},
                "isPreferredSupport": true,
            },
        },
        "workspace": {"workspaceEdit": {"documentChanges": true}},
    })
}

/// A server, not initialized yet.
fn start() -> Client {
    let mut command = skillyard();
    command.arg("lsp");
    Client::start(command)
}

/// A server after the greeting, which takes `more` besides the capabilities.
fn greeted(capabilities: Value, more: Value) -> Client {
    let mut client = start();
    let mut params = json!({"processId": std::process::id(), "rootUri": null, "capabilities": capabilities});
    params.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let result = client.call("initialize", params);
    assert_eq!(result["serverInfo"]["name"], "skillyard");
    client.notify("initialized", json!({}));
    client
}

fn open(client: &mut Client, text: &str) -> Document {
    Document::open(client, "file:///nowhere/skill.toml", "toml", text, Encoding::Utf16)
}

/// What the command line says about a text, in the fields of [`Document::seen`].
fn checked(text: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = skillyard();
    command.args(["check", "--format", "jsonl", "--stdin-filename", "skill.toml", "-"]).current_dir(folder.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = thread::scope(|scope| {
        scope.spawn(move || input.write_all(text.as_bytes()).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.code().is_some_and(|code| code < 2), "{output:?}");
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    // The protocol has no place between CR and LF; there the server says the end of the line.
    let place = |offset: &Value| {
        let offset = usize::try_from(offset.as_u64().unwrap()).unwrap();
        let cut = text[..offset].ends_with('\r') && text[offset..].starts_with('\n');
        if cut { offset - 1 } else { offset }
    };
    let seen = |found: &Value| {
        let bytes = &found["byte_range"];
        json!({
            "code": found["code"], "severity": found["severity"], "message": found["message"],
            "byte_range": [place(&bytes[0]), place(&bytes[1])], "url": found["url"],
        })
    };
    line["diagnostics"].as_array().unwrap().iter().map(seen).collect()
}

/// The `file:` address of a path.
fn address(path: &Path) -> String {
    let path = path.to_str().unwrap().replace('\\', "/");
    if path.starts_with('/') { format!("file://{path}") } else { format!("file:///{path}") }
}
