//! Package and Sign, Verify and Audit: how they are offered, what they ask, what they say while they work, how they end.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::{Value, json};
use skillyard_manifest::{Encoding, Span};

use crate::{
    GOOD,
    client::Client,
    editor::Document,
    greeted, modern,
    skill::{Skill, full},
};

const CREATE: &str = "Create a signing key";

/// A client that says as little as it may.
pub fn minimal() -> Value {
    json!({})
}

pub fn execute(client: &mut Client, command: &str, argument: Value) -> i64 {
    client.request("workspace/executeCommand", json!({"command": command, "arguments": [argument]}))
}

fn package(client: &mut Client, skill: &Skill) -> i64 {
    execute(client, "skillyard.packageAndSign", json!({"uri": skill.uri()}))
}

/// Lets a person's question for a key be answered with a new one.
fn create_a_key(client: &mut Client) {
    client.serve("window/showMessageRequest", |asked| {
        assert_eq!(titles(asked), [CREATE, "Cancel"], "{asked}");
        json!({"title": CREATE})
    });
}

pub fn titles(asked: &Value) -> Vec<String> {
    let title = |action: &Value| action["title"].as_str().unwrap().to_owned();
    asked["actions"].as_array().unwrap().iter().map(title).collect()
}

/// The result of a command, and what was shown at its end.
pub fn finished(client: &mut Client, id: i64) -> (Value, Value) {
    let mut answer = client.answer(id);
    assert!(answer.get("error").is_none(), "{answer}");
    (answer["result"].take(), client.notified("window/showMessage"))
}

pub fn refused(client: &mut Client, id: i64) -> Value {
    let mut answer = client.answer(id);
    assert!(answer.get("result").is_none(), "{answer}");
    answer["error"].take()
}

/// Makes a key and packages the skill with it.
fn packaged(client: &mut Client, skill: &Skill) -> Value {
    let id = package(client, skill);
    create_a_key(client);
    finished(client, id).0
}

#[test]
fn lenses_and_actions_name_only_commands_that_the_server_executes() {
    let skill = Skill::new();
    let mut client = crate::start();
    let capabilities = client.call("initialize", json!({"capabilities": full()}))["capabilities"].take();
    client.notify("initialized", json!({}));
    let executed: BTreeSet<&str> = capabilities["executeCommandProvider"]["commands"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert_eq!(
        executed,
        [
            "skillyard.audit",
            "skillyard.checkWorkspace",
            "skillyard.install",
            "skillyard.packageAndSign",
            "skillyard.runTool",
            "skillyard.schemaFromExample",
            "skillyard.verify"
        ]
        .into()
    );
    // The client does not say that it asks for what is left out.
    assert_eq!(capabilities["codeLensProvider"], json!({"resolveProvider": false}));

    let document = skill.open(&mut client);
    let lenses = client.call("textDocument/codeLens", json!({"textDocument": document.id()}));
    // Those over tools are in run_tool.rs.
    let of_manifest: Vec<&Value> =
        lenses.as_array().unwrap().iter().filter(|lens| lens["command"]["command"] != "skillyard.runTool").collect();
    let calls: Vec<(&str, &str)> = of_manifest.iter().map(|lens| called(lens, &document)).collect();
    let expected = [
        ("Package and Sign", "skillyard.packageAndSign"),
        ("Verify", "skillyard.verify"),
        ("Audit", "skillyard.audit"),
        ("Install", "skillyard.install"),
    ];
    assert_eq!(calls, expected);
    assert!(of_manifest.iter().all(|lens| lens["range"] == document.range(Span::at(0))), "{lenses}");

    let context = json!({"diagnostics": [], "only": ["source.skillyard"]});
    let range = document.range(Span::at(40));
    let params = json!({"textDocument": document.id(), "range": range, "context": context});
    let actions = client.call("textDocument/codeAction", params);
    let calls: Vec<(&str, &str)> = actions.as_array().unwrap().iter().map(|action| called(action, &document)).collect();
    assert_eq!(calls, expected);
    assert!(actions.as_array().unwrap().iter().all(|action| action["title"] == action["command"]["title"]));
    client.stop();
}

/// The title and name of a command that is offered for the document.
fn called<'a>(offer: &'a Value, document: &Document) -> (&'a str, &'a str) {
    let command = &offer["command"];
    assert_eq!(command["arguments"], json!([{"uri": document.uri}]));
    (command["title"].as_str().unwrap(), command["command"].as_str().unwrap())
}

#[test]
fn what_is_in_no_folder_gets_no_offer() {
    let mut client = greeted(full(), json!({}));
    for (uri, language) in [
        ("untitled:Untitled-1", "skill-manifest"),
        ("vscode-vfs://github/a/skill.toml", "toml"),
        ("file:///nowhere/other.toml", "skill-manifest"),
    ] {
        let document = Document::open(&mut client, uri, language, GOOD, Encoding::Utf16);
        assert_eq!(client.call("textDocument/codeLens", json!({"textDocument": document.id()})), Value::Null, "{uri}");
        let context = json!({"diagnostics": [], "only": ["source.skillyard"]});
        let range = document.range(Span::at(0));
        let params = json!({"textDocument": document.id(), "range": range, "context": context});
        assert_eq!(client.call("textDocument/codeAction", params), json!([]), "{uri}");
        document.close(&mut client);
    }
    client.stop();
    let mut client = crate::start();
    let capabilities = client.call("initialize", json!({"capabilities": minimal()}))["capabilities"].take();
    assert!(capabilities.get("codeLensProvider").is_none());
    client.stop();
}

#[test]
fn wrong_calls_are_refused_with_the_reason() {
    let mut client = greeted(modern(), json!({}));
    let uri = "file:///nowhere/skill.toml";
    for (command, argument, reason) in [
        ("skillyard.explode", json!({"uri": uri}), "skillyard.packageAndSign"),
        ("skillyard.verify", json!({}), "uri"),
        ("skillyard.verify", json!(null), "skillyard.verify"),
        ("skillyard.verify", json!({"uri": 4}), "skillyard.verify"),
        ("skillyard.verify", json!({"uri": uri, "key": "a"}), "`key`"),
        ("skillyard.packageAndSign", json!({"uri": uri, "artifact": uri}), "`artifact`"),
        ("skillyard.verify", json!({"uri": uri, "folder": uri}), "`folder`"),
        ("skillyard.install", json!({"uri": uri, "key": "a"}), "`key`"),
        ("skillyard.install", json!({"folder": "file:///nowhere"}), "uri"),
        ("skillyard.packageAndSign", json!({"uri": uri, "output": "/etc/passwd"}), "output"),
        ("skillyard.packageAndSign", json!({"uri": uri, "trustStore": "x"}), "trustStore"),
        ("skillyard.audit", json!({"uri": uri, "example": {}}), "`example`"),
        ("skillyard.runTool", json!({"uri": uri, "side": "input"}), "`side`"),
        ("skillyard.schemaFromExample", json!({"uri": uri, "tool": "acme.echo"}), "`example`"),
        ("skillyard.schemaFromExample", json!({"uri": uri, "example": 1}), "`tool`"),
        ("skillyard.schemaFromExample", json!({"uri": uri, "tool": "a", "example": 1, "side": "both"}), "`output`"),
        ("skillyard.audit", json!({"uri": "untitled:Untitled-1"}), "save"),
        ("skillyard.audit", json!({"uri": "file:///nowhere/Cargo.toml"}), "skill.toml"),
        ("skillyard.audit", json!({"uri": "https://example.com/skill.toml"}), "skill.toml"),
    ] {
        let id = execute(&mut client, command, argument.clone());
        let error = refused(&mut client, id);
        assert_eq!(error["code"], -32602, "{command} {argument}: {error}");
        assert!(error["message"].as_str().unwrap().contains(reason), "{command} {argument}: {error}");
    }
    for arguments in [json!([]), json!([{"uri": uri}, {"uri": uri}])] {
        let params = json!({"command": "skillyard.audit", "arguments": arguments});
        assert_eq!(client.fail("workspace/executeCommand", params)["code"], -32602);
    }
    client.stop();
}

#[test]
fn a_skill_is_packaged_with_a_key_made_on_the_way_and_the_command_line_verifies_it() {
    for capabilities in [full(), minimal()] {
        let skill = Skill::new();
        let shows_progress = capabilities["window"]["workDoneProgress"] == true;
        let mut client = skill.serve(capabilities);
        let id = package(&mut client, &skill);
        let token = shows_progress.then(|| {
            let asked = client.asked("window/workDoneProgress/create");
            client.respond(&asked, "result", Value::Null);
            asked["params"]["token"].clone()
        });
        create_a_key(&mut client);
        let (report, shown) = finished(&mut client, id);
        let artifact = report["artifact"].as_str().unwrap();
        assert!(artifact.starts_with(skill.folder().to_str().unwrap()), "{artifact}");
        for field in ["skill_id", "publisher", "version", "payload_sha256", "key_id", "bytes", "entries"] {
            assert!(!report[field].is_null(), "{field}: {report}");
        }
        assert_eq!(report["schema_version"], 1);
        let markdown = report["markdown"].as_str().unwrap();
        let said = shown["message"].as_str().unwrap();
        for fact in [&report["key_id"], &report["payload_sha256"]] {
            assert!(said.contains(fact.as_str().unwrap()), "{fact} in {said}");
            assert!(markdown.contains(fact.as_str().unwrap()), "{fact} in {markdown}");
        }
        assert_eq!(shown["type"], 3);
        if let Some(token) = token {
            let progress = progress(&mut client, &token);
            assert_eq!(progress.first().unwrap()["kind"], "begin");
        }
        let (code, verified) = skill.run(&["verify", "--format", "json", "--allow-tofu", artifact]);
        assert_eq!((code, &verified["accepted"]), (Some(0), &json!(true)), "{verified}");
        assert_eq!(verified["payload_sha256"], report["payload_sha256"]);
        client.stop();
    }
}

/// The values of a progress from its begin to its end, which must be sound.
pub fn progress(client: &mut Client, token: &Value) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut percentage = 0;
    loop {
        let told = client.notified("$/progress");
        assert_eq!(told["token"], *token);
        let value = told["value"].clone();
        let kind = value["kind"].as_str().unwrap().to_owned();
        assert_eq!(kind == "begin", values.is_empty(), "{value} after {values:?}");
        if kind != "end" {
            assert_eq!(value["cancellable"], true, "{value}");
            let next = value["percentage"].as_u64().unwrap();
            assert!((percentage..100).contains(&next), "{next} after {percentage}");
            percentage = next;
        }
        values.push(value);
        if kind == "end" {
            return values;
        }
    }
}

#[test]
fn an_example_becomes_the_schema_of_a_tool() {
    let skill = Skill::new();
    let mut client = skill.serve(modern());
    let call = |client: &mut Client, tool: &str, side: Option<&str>| {
        let mut argument = json!({"uri": skill.uri(), "tool": tool, "example": {"city": "Oslo", "days": [1, 2]}});
        if let Some(side) = side {
            argument["side"] = json!(side);
        }
        execute(client, "skillyard.schemaFromExample", argument)
    };
    // What is not open has no text to be edited.
    let id = call(&mut client, "acme.echo", None);
    assert!(refused(&mut client, id)["message"].as_str().unwrap().contains("open"));

    let mut document = skill.open(&mut client);
    document.set(&mut client, &document.text.replace("Echo", "Weather"));
    for (side, key) in [(None, "input_schema"), (Some("input"), "input_schema"), (Some("output"), "output_schema")] {
        let id = call(&mut client, "acme.echo", side);
        let (report, shown) = finished(&mut client, id);
        assert_eq!((&report["tool_id"], &report["key"]), (&json!("acme.echo"), &json!(key)));
        assert!(shown["message"].as_str().unwrap().contains(key), "{shown}");
        assert_eq!(report["schema"]["properties"]["city"], json!({"type": "string"}));
        assert!(report["markdown"].as_str().unwrap().contains("additionalProperties"));
        // It is an edit of this very text, as it is in the editor.
        let text = document.with_workspace_edit(&report["edit"]);
        document.set(&mut client, &text);
        let found = document.pull(&mut client);
        assert!(found.iter().all(|found| found["severity"] != 1), "{found:?}\n{text}");
        if key == "input_schema" {
            let params = json!({"uri": skill.uri(), "tool": "acme.echo"});
            assert_eq!(client.call("skillyard/exampleInput", params)["schema"], report["schema"]);
        } else {
            assert!(text.matches("city").count() >= 4, "the input's and the output's: {text}");
        }
    }
    let id = call(&mut client, "acme.other", None);
    assert!(refused(&mut client, id)["message"].as_str().unwrap().contains("acme.other"));
    client.stop();
}

#[test]
fn progress_goes_to_the_clients_own_token_and_ends_before_the_answer() {
    let skill = Skill::new();
    let mut client = skill.serve(full());
    packaged_with_progress(&mut client, &skill);
    let argument = json!([{"uri": skill.uri()}]);
    for token in [json!(7), json!("mine")] {
        let params = json!({"command": "skillyard.audit", "arguments": argument, "workDoneToken": token});
        let id = client.request("workspace/executeCommand", params);
        let mut kinds = Vec::new();
        loop {
            let message = client.next();
            if message["id"] == id && message.get("method").is_none() {
                break;
            }
            if message["method"] == "$/progress" {
                assert_eq!(message["params"]["token"], token);
                kinds.push(message["params"]["value"]["kind"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!((kinds.first().unwrap().as_str(), kinds.last().unwrap().as_str()), ("begin", "end"), "{kinds:?}");
    }
    client.stop();
}

fn packaged_with_progress(client: &mut Client, skill: &Skill) {
    let id = package(client, skill);
    let asked = client.asked("window/workDoneProgress/create");
    client.respond(&asked, "result", Value::Null);
    create_a_key(client);
    finished(client, id);
    progress(client, &asked["params"]["token"]);
}

#[test]
fn a_client_that_refuses_to_show_progress_gets_none() {
    let skill = Skill::new();
    let mut client = skill.serve(full());
    let id = package(&mut client, &skill);
    let asked = client.asked("window/workDoneProgress/create");
    client.respond(&asked, "error", json!({"code": -32603, "message": "no room"}));
    create_a_key(&mut client);
    finished(&mut client, id);
    client.stop();
}

#[test]
fn a_question_that_is_cancelled_leaves_nothing_behind() {
    let ways: [fn(&mut Client, i64, &Value, &Value); 4] = [
        // The person dismisses the question, or chooses to.
        |client, _, _, asked| client.respond(asked, "result", Value::Null),
        |client, _, _, asked| client.respond(asked, "result", json!({"title": "Cancel"})),
        // The work is ended while the question stands, and the question answered all the same.
        |client, _, token, asked| {
            client.notify("window/workDoneProgress/cancel", json!({"token": token}));
            client.respond(asked, "result", json!({"title": CREATE}));
        },
        |client, id, _, asked| {
            client.notify("$/cancelRequest", json!({"id": id}));
            client.respond(asked, "result", json!({"title": CREATE}));
        },
    ];
    for way in ways {
        let skill = Skill::new();
        let mut client = skill.serve(full());
        let id = package(&mut client, &skill);
        let create = client.asked("window/workDoneProgress/create");
        client.respond(&create, "result", Value::Null);
        let token = &create["params"]["token"];
        let asked = client.asked("window/showMessageRequest");
        way(&mut client, id, token, &asked);
        assert_eq!(refused(&mut client, id)["code"], -32800);
        progress(&mut client, token);
        assert_eq!(skill.written(), Vec::<PathBuf>::new());
        client.stop();
    }
}

/// A server in the middle of packaging something large under the token `t`, the id of that request, and the files there
/// were before.
fn in_the_middle(skill: &Skill) -> (Client, i64, Vec<PathBuf>) {
    let mut client = skill.serve(full());
    packaged_with_progress(&mut client, skill);
    // Enough that nobody packages it before what follows arrives.
    let assets = skill.folder().join("assets");
    fs::create_dir(&assets).unwrap();
    for at in 0..3_u64 {
        fs::write(assets.join(at.to_string()), noise(at, 15 << 20)).unwrap();
    }
    let there = skill.written();
    let params = json!({
        "command": "skillyard.packageAndSign", "arguments": [{"uri": skill.uri()}], "workDoneToken": "t",
    });
    let id = client.request("workspace/executeCommand", params);
    while client.notified("$/progress")["value"]["kind"] != "report" {}
    (client, id, there)
}

#[test]
fn work_that_is_cancelled_ends_at_once_and_leaves_nothing_behind() {
    let ways: [fn(&mut Client, i64); 2] = [
        |client, id| client.notify("$/cancelRequest", json!({"id": id})),
        |client, _| client.notify("window/workDoneProgress/cancel", json!({"token": "t"})),
    ];
    for cancel in ways {
        let skill = Skill::new();
        let (mut client, id, there) = in_the_middle(&skill);
        cancel(&mut client, id);
        assert_eq!(refused(&mut client, id)["code"], -32800);
        while client.notified("$/progress")["value"]["kind"] != "end" {}
        assert_eq!(skill.written(), there);
        client.stop();
    }
}

#[test]
fn work_that_the_servers_end_cuts_off_leaves_nothing_behind() {
    let skill = Skill::new();
    let (mut client, _, there) = in_the_middle(&skill);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended_midway(), Some(1));
    assert_eq!(skill.written(), there);
}

/// Bytes that do not compress.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..len.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(len).collect()
}

#[test]
fn a_client_that_cannot_ask_is_told_what_to_type() {
    let skill = Skill::new();
    let mut client = skill.serve(minimal());
    let id = package(&mut client, &skill);
    let asked = client.asked("window/showMessageRequest");
    client.respond(&asked, "error", json!({"code": -32601, "message": "what?"}));
    let error = refused(&mut client, id);
    assert_eq!(error["code"], -32803);
    assert!(error["message"].as_str().unwrap().contains("skillyard keygen"), "{error}");
    assert_eq!(skill.written(), Vec::<PathBuf>::new());
    client.stop();
}

#[test]
fn of_several_keys_one_is_chosen_or_named() {
    let skill = Skill::new();
    let keygen = |name: &str| {
        let (code, made) = skill.run(&["keygen", "--format", "json", name]);
        assert_eq!(code, Some(0), "{made}");
        made["key_id"].as_str().unwrap().to_owned()
    };
    let (work, home) = (keygen("work"), keygen("home"));
    let mut client = skill.serve(minimal());
    let id = package(&mut client, &skill);
    client.serve("window/showMessageRequest", |asked| {
        let titles = titles(asked);
        assert_eq!(titles.len(), 3, "{titles:?}");
        assert!(titles[0].contains("home") && titles[0].contains(&home), "{titles:?}");
        assert!(titles[1].contains("work") && titles[1].contains(&work), "{titles:?}");
        json!({"title": titles[1]})
    });
    assert_eq!(finished(&mut client, id).0["key_id"], work);
    let id = execute(&mut client, "skillyard.packageAndSign", json!({"uri": skill.uri(), "key": "home"}));
    assert_eq!(finished(&mut client, id).0["key_id"], home);
    let id = execute(&mut client, "skillyard.packageAndSign", json!({"uri": skill.uri(), "key": "other"}));
    let error = refused(&mut client, id);
    assert!(error["message"].as_str().unwrap().contains("other"), "{error}");
    client.stop();
}

#[test]
fn what_is_not_saved_is_not_signed() {
    let skill = Skill::new();
    let mut client = skill.serve(json!({"textDocument": {"publishDiagnostics": {"versionSupport": true}}}));
    let mut document = skill.open(&mut client);
    assert_eq!(client.notified("textDocument/publishDiagnostics")["diagnostics"], json!([]));
    packaged(&mut client, &skill);
    // Line ends, a byte order mark and the end of the last line are the editor's own business.
    document.set(&mut client, &GOOD.replace('\n', "\r\n"));
    let id = package(&mut client, &skill);
    finished(&mut client, id);
    document.set(&mut client, &GOOD.replace("1.0.0", "1.0.1"));
    let id = package(&mut client, &skill);
    let error = refused(&mut client, id);
    assert_eq!(error["code"], -32803);
    assert!(error["message"].as_str().unwrap().contains("save"), "{error}");
    client.notify("textDocument/didClose", json!({"textDocument": document.id()}));
    while client.notified("textDocument/publishDiagnostics").get("version").is_some() {}
    let id = package(&mut client, &skill);
    finished(&mut client, id);
    client.stop();
}

#[test]
fn verifying_looks_and_pins_nothing() {
    let skill = Skill::new();
    let mut client = skill.serve(minimal());
    let id = execute(&mut client, "skillyard.verify", json!({"uri": skill.uri()}));
    let error = refused(&mut client, id);
    assert!(error["message"].as_str().unwrap().contains("Package and Sign"), "{error}");
    let made = packaged(&mut client, &skill);
    let before = skill.written();

    let id = execute(&mut client, "skillyard.verify", json!({"uri": skill.uri()}));
    let (report, shown) = finished(&mut client, id);
    assert_eq!(shown["type"], 3, "{shown}");
    for (field, expected) in [
        ("accepted", json!(true)),
        ("trust_decision", json!("tofu_newly_pinned")),
        ("payload_sha256", made["payload_sha256"].clone()),
        ("key_id", made["key_id"].clone()),
        ("pinned", json!(false)),
    ] {
        assert_eq!(report[field], expected, "{report}");
    }
    assert!(report["markdown"].as_str().unwrap().contains(made["key_id"].as_str().unwrap()));
    assert_eq!(skill.written(), before);

    let artifact = made["artifact"].as_str().unwrap();
    let mut bytes = fs::read(artifact).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = skill.folder().join("damaged.palyra-skill");
    fs::write(&damaged, bytes).unwrap();
    let argument = json!({"uri": skill.uri(), "artifact": crate::address(&damaged)});
    let id = execute(&mut client, "skillyard.verify", argument);
    let (report, shown) = finished(&mut client, id);
    assert_eq!((&report["accepted"], &shown["type"]), (&json!(false), &json!(1)), "{report} {shown}");
    assert!(!report["error_kind"].is_null(), "{report}");
    let argument = json!({"uri": skill.uri(), "artifact": "https://example.com/a.palyra-skill"});
    let id = execute(&mut client, "skillyard.verify", argument);
    assert_eq!(refused(&mut client, id)["code"], -32803);
    client.stop();
}

#[test]
fn keys_are_never_kept_in_a_workspace() {
    let skill = Skill::new();
    let mut command = skill.skillyard();
    // As a hostile workspace would have it, had it a say.
    command.arg("lsp").env("PALYRA_SKILLS_TRUST_STORE", skill.folder().join("trust.json"));
    let mut client = Client::start(command);
    let folders = json!([{"uri": crate::address(&skill.folder()), "name": "skill"}]);
    client.call("initialize", json!({"capabilities": minimal(), "workspaceFolders": folders}));
    client.notify("initialized", json!({}));
    for command in ["skillyard.packageAndSign", "skillyard.verify"] {
        let id = execute(&mut client, command, json!({"uri": skill.uri()}));
        let error = refused(&mut client, id);
        assert!(error["message"].as_str().unwrap().contains("workspace"), "{error}");
    }
    assert_eq!(skill.written(), Vec::<PathBuf>::new());
    client.stop();
}

#[cfg(unix)]
#[test]
fn an_artifact_stays_in_the_skills_folder() {
    let skill = Skill::new();
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), skill.folder().join("dist")).unwrap();
    let mut client = skill.serve(minimal());
    let id = package(&mut client, &skill);
    let error = refused(&mut client, id);
    assert!(error["message"].as_str().unwrap().contains("symbolic link"), "{error}");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    client.stop();
}
