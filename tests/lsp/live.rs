//! What the audit says about the modules beside a manifest, live in the editor.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    GOOD, address,
    client::Client,
    editor::Document,
    modern,
    skill::{Skill, full, module},
};

/// A module that wants a file system which the manifest does not give.
fn greedy() -> Vec<u8> {
    module(&[("wasi_snapshot_preview1", "path_open")])
}

/// The diagnostics that no analysis of the text gives.
fn about_modules(document: &Document, found: &[Value]) -> Vec<(String, String)> {
    let found = found.iter().filter(|found| found["message"].as_str().unwrap().contains("module.wasm"));
    let seen = found.map(|found| {
        assert_eq!(found["source"], "skillyard");
        let place = document.span(&found["range"]).of(&document.text).to_owned();
        (found["code"].as_str().unwrap().to_owned(), place)
    });
    seen.collect()
}

fn refreshed(client: &mut Client) {
    client.serve("workspace/diagnostic/refresh", |_| Value::Null);
}
