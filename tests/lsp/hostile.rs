//! Files that were made to hurt: each gets an answer, and the server goes on.

use serde_json::json;
use skillyard_manifest::{Encoding, Span};

use crate::{GOOD, address, checked, client::Client, editor::Document, greeted, modern};

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

/// Of a folder nobody has looked at, the server reads no more than it must: here its ignore files never end.
#[cfg(unix)]
#[test]
fn a_folder_whose_ignore_files_never_end() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    for skill in [&one, &two] {
        std::fs::create_dir(skill).unwrap();
        std::fs::write(skill.join("skill.toml"), GOOD).unwrap();
    }
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join(".gitignore")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(one.join(".ignore")).status().unwrap().success());
    let folders = json!([{"uri": address(folder.path()), "name": "w"}]);
    let mut capabilities = modern();
    capabilities["workspace"]["diagnostics"] = json!({"refreshSupport": true});
    let mut client = greeted(capabilities, json!({"workspaceFolders": folders}));
    let uri = address(&one.join("skill.toml"));
    let document = Document::open(&mut client, &uri, "toml", GOOD, Encoding::Utf16);
    // The other skill of this id is found all the same; looking for it goes on in the background.
    while !document.pull(&mut client).iter().any(|found| found["code"] == "workspace/duplicate-skill-id") {
        client.serve("workspace/diagnostic/refresh", |_| serde_json::Value::Null);
    }
    client.stop();
}
