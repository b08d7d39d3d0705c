//! What opening a folder of others does to the machine: nothing; and what a keystroke asks of it.

use std::{fs, process::Command};

use serde_json::json;
use skillyard_manifest::Encoding;

use crate::{
    GOOD, address,
    client::Client,
    editor::Document,
    skill::{Skill, full, module},
};

#[test]
#[ignore = "needs strace: cargo xtask test"]
fn no_process_no_connection_and_no_file_written() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls");
    let workspace = folder.path().join("workspace");
    fs::create_dir(&workspace).unwrap();
    // Asks for all that a hostile workspace would like to have.
    fs::write(workspace.join("skillyard.toml"), "[package]\nkey = \"/etc/passwd\"\nrun = \"/bin/sh\"\n").unwrap();
    // And another skill, whose module is read.
    let other = workspace.join("other");
    fs::create_dir_all(other.join("modules")).unwrap();
    fs::write(other.join("skillyard.toml"), "").unwrap();
    fs::write(other.join("skill.toml"), GOOD).unwrap();
    fs::write(other.join("modules/greedy.wasm"), module(&[("wasi_snapshot_preview1", "path_open")])).unwrap();
    // Of another id: two of one would be told to be so.
    let text = GOOD.replace("acme.echo", "acme.first").replace(
        "input_schema = { type = \"object\" }",
        "input_schema = { \"$ref\" = \"http://127.0.0.1:9/a.json\", properties = { a = { \"$ref\" = \"file:///etc/passwd\" } } }",
    );
    assert_ne!(text, GOOD);

    let mut command = Command::new("strace");
    command.args(["--follow-forks", "--trace=process,network,openat,open,creat,rename,unlink,mkdir,link,symlink"]);
    command.args(["--signal=none", "--output"]).arg(&log).arg(env!("CARGO_BIN_EXE_skillyard")).arg("lsp");
    let mut client = Client::start(command);
    let settings = json!({"path": "/bin/sh", "serverPath": "/bin/sh", "keyPath": "/etc/passwd"});
    let root = json!([{"uri": address(&workspace), "name": "x"}]);
    client.call(
        "initialize",
        json!({
            "processId": std::process::id(), "capabilities": full(), "initializationOptions": settings,
            "workspaceFolders": root,
        }),
    );
    client.notify("initialized", json!({}));
    let uri = address(&workspace.join("skill.toml"));
    let document = Document::open(&mut client, &uri, "skill-manifest", &text, Encoding::Utf16);
    document.pull(&mut client);
    let uri = address(&other.join("skill.toml"));
    let other = Document::open(&mut client, &uri, "skill-manifest", GOOD, Encoding::Utf16);
    assert!(client.notified("window/showMessage")["message"].as_str().unwrap().contains("skillyard.toml"));
    client.serve("workspace/diagnostic/refresh", |_| serde_json::Value::Null);
    assert!(other.pull(&mut client).iter().any(|found| found["code"] == "module/filesystem-import"));
    client.call("textDocument/codeLens", json!({"textDocument": other.id()}));
    let place = json!({"line": 0, "character": 0});
    let (id, range) = (document.id(), json!({"start": place, "end": place}));
    client.call("textDocument/codeAction", json!({"textDocument": id, "range": range, "context": {"diagnostics": []}}));
    client
        .call("textDocument/formatting", json!({"textDocument": id, "options": {"tabSize": 2, "insertSpaces": true}}));
    client.notify("textDocument/didSave", json!({"textDocument": id}));
    client.stop();

    let log = fs::read_to_string(&log).unwrap();
    let calls: Vec<&str> = log.lines().filter_map(|line| line.split_once(' ').map(|(_, call)| call.trim())).collect();
    for file in ["skillyard.toml", "greedy.wasm"] {
        assert!(calls.iter().any(|call| call.starts_with("openat(") && call.contains(file)), "{file}: {log}");
    }
    let started = calls.iter().filter(|call| call.starts_with("execve(")).count();
    assert_eq!(started, 1, "only the server itself: {log}");
    for call in calls {
        let forks = ["fork(", "vfork("].iter().any(|name| call.starts_with(name))
            || (call.starts_with("clone") && !call.contains("CLONE_THREAD"));
        let connects = ["socket", "connect(", "bind(", "sendto("].iter().any(|name| call.starts_with(name));
        let opens = ["open", "creat("].iter().any(|name| call.starts_with(name));
        let writes = opens && ["O_WRONLY", "O_RDWR", "O_CREAT", "creat("].iter().any(|flag| call.contains(flag));
        let changes = ["rename", "unlink", "mkdir", "link", "symlink"].iter().any(|name| call.starts_with(name));
        assert!(!forks && !connects && !writes && !changes, "{call}");
        assert!(!call.contains("/etc/passwd"), "{call}");
    }
}

#[test]
#[ignore = "needs strace: cargo xtask test"]
fn a_keystroke_makes_no_call_about_a_file() {
    let skill = Skill::new();
    fs::write(skill.module(), module(&[("wasi_snapshot_preview1", "path_open")])).unwrap();
    let log = skill.home().join("calls");
    let mut command = Command::new("strace");
    command.args(["--follow-forks", "--trace=%file", "--signal=none", "--output"]).arg(&log);
    command.arg(env!("CARGO_BIN_EXE_skillyard")).arg("lsp");
    let mut client = Client::start(command);
    client.call("initialize", json!({"processId": std::process::id(), "capabilities": full()}));
    client.notify("initialized", json!({}));
    let refreshed = |client: &mut Client| client.serve("workspace/diagnostic/refresh", |_| serde_json::Value::Null);
    let mut document = skill.open(&mut client);
    refreshed(&mut client);
    document.pull(&mut client);
    let before = fs::read_to_string(&log).unwrap();
    assert!(before.contains("module.wasm") && before.contains("skillyard.toml"), "{before}");
    let granting = GOOD.replace("\n[compat]", "\n[capabilities.filesystem]\nread_roots = [\"data\"]\n\n[compat]");
    assert_ne!(granting, GOOD);
    for text in [&granting, GOOD, &granting, GOOD] {
        for letters in ["a", "ab", "abc"] {
            document.set(&mut client, &text.replace("Echo", letters));
            document.pull(&mut client);
            let id = json!({"textDocument": document.id()});
            client.call("textDocument/semanticTokens/full", id.clone());
            client.call("textDocument/codeLens", id.clone());
            client.call("textDocument/documentLink", id);
        }
        // What the audit found is another thing by now.
        refreshed(&mut client);
    }
    let after = fs::read_to_string(&log).unwrap();
    // The system's own libraries look there.
    let own = |call: &str| ["\"/proc/", "\"/sys/"].iter().any(|place| call.contains(place));
    let calls: Vec<&str> = after[before.len()..].lines().filter(|call| !own(call)).collect();
    assert!(calls.is_empty(), "{calls:#?}");
    client.stop();
}
