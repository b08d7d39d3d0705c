//! Files of a skill that are about to get another place.

use std::{fs, path::Path};

use serde_json::{Value, json};
use skillyard_manifest::Encoding;

use crate::{GOOD, address, client::Client, editor::Document, greeted, modern};

fn asking() -> Value {
    let mut capabilities = modern();
    capabilities["workspace"]["fileOperations"] = json!({"willRename": true});
    capabilities
}

fn manifest() -> String {
    format!("{GOOD}\n[operator.plugin]\ndefault_module_path = \"modules/echo.wasm\"\n")
}

const CONFIG: &str = "[package]\nmodules = [\"modules/*.wasm\"]\nassets = [\"data\"]\n";

fn skill() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("skill")).unwrap();
    fs::write(folder.path().join("skill/skill.toml"), manifest()).unwrap();
    fs::write(folder.path().join("skill/skillyard.toml"), CONFIG).unwrap();
    folder
}

fn rename(client: &mut Client, folder: &Path, moves: &[(&str, &str)]) -> Value {
    let file =
        |(from, to): &(&str, &str)| json!({"oldUri": address(&folder.join(from)), "newUri": address(&folder.join(to))});
    let files: Vec<Value> = moves.iter().map(file).collect();
    client.call("workspace/willRenameFiles", json!({"files": files}))
}

#[test]
fn the_paths_of_an_open_manifest_and_of_its_configuration_follow() {
    let folder = skill();
    let path = folder.path().join("skill/skill.toml");
    let mut client = greeted(asking(), json!({}));
    let unsaved = manifest().replace("# ", "").replacen("name", "# \u{1F4D2}\nname", 1);
    let document = Document::open(&mut client, &address(&path), "toml", &unsaved, Encoding::Utf16);
    let moves = [("skill/modules/echo.wasm", "skill/modules/shout.wasm"), ("skill/data", "skill/assets/data")];
    let edit = rename(&mut client, folder.path(), &moves);
    let changes = edit["documentChanges"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{edit}");
    assert_eq!(changes[0]["textDocument"], json!({"uri": document.uri, "version": 1}));
    let after = document.with_edits(&changes[0]["edits"]);
    assert_eq!(after, unsaved.replace("modules/echo.wasm", "modules/shout.wasm"));
    let config = folder.path().join("skill/skillyard.toml");
    assert_eq!(changes[1]["textDocument"], json!({"uri": address(&config), "version": null}));
    let closed = Document { uri: address(&config), text: CONFIG.to_owned(), version: 0, encoding: Encoding::Utf16 };
    assert_eq!(closed.with_edits(&changes[1]["edits"]), CONFIG.replace("\"data\"", "\"assets/data\""));
    client.stop();
}

#[test]
fn a_manifest_of_the_workspace_that_is_not_open_follows_too() {
    let folder = skill();
    fs::remove_file(folder.path().join("skill/skillyard.toml")).unwrap();
    // Versions are for clients that know them.
    let capabilities = json!({"workspace": {"fileOperations": {"willRename": true}}});
    let root = json!([{"uri": address(folder.path()), "name": "w"}]);
    let mut client = greeted(capabilities, json!({"workspaceFolders": root}));
    // The skills of the workspace are looked for in the background.
    let edit = loop {
        let edit = rename(&mut client, folder.path(), &[("skill/modules", "skill/modules/v2")]);
        if !edit.is_null() {
            break edit;
        }
    };
    let uri = address(&folder.path().join("skill/skill.toml"));
    let document = Document { uri: uri.clone(), text: manifest(), version: 0, encoding: Encoding::Utf16 };
    let after = document.with_edits(&edit["changes"][&uri]);
    assert_eq!(after, manifest().replace("modules/echo", "modules/v2/echo"));
    client.stop();
}

#[test]
fn what_changes_no_path_has_no_answer() {
    let folder = skill();
    let path = folder.path().join("skill/skill.toml");
    let mut client = greeted(asking(), json!({}));
    let document = Document::open(&mut client, &address(&path), "toml", &manifest(), Encoding::Utf16);
    for moves in [
        // Another file, one that leaves the skill, one that no daemon would take, and the skill as a whole.
        [("skill/modules/other.wasm", "skill/modules/x.wasm")],
        [("skill/modules/echo.wasm", "elsewhere/echo.wasm")],
        [("skill/modules/echo.wasm", "skill/echo.txt")],
        [("skill", "renamed")],
        [("skill/skill.toml", "skill/modules/skill.toml")],
    ] {
        assert_eq!(rename(&mut client, folder.path(), &moves), Value::Null, "{moves:?}");
    }
    let odd = json!({"files": [{"oldUri": "untitled:a", "newUri": "no uri"}, {"oldUri": "", "newUri": ""}]});
    assert_eq!(client.call("workspace/willRenameFiles", odd), Value::Null);
    document.close(&mut client);
    client.stop();
}

#[test]
fn it_is_offered_to_clients_that_ask() {
    let offered = |capabilities: Value| {
        let mut client = crate::start();
        let all = client.call("initialize", json!({"capabilities": capabilities}))["capabilities"].take();
        client.stop();
        all["workspace"]["fileOperations"]["willRename"].clone()
    };
    assert_eq!(offered(asking())["filters"][0]["scheme"], "file");
    assert_eq!(offered(modern()), Value::Null);
}
