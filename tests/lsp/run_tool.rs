//! Run Tool: offered over each tool, asking before what needs an approval, the command line's report, and an end to it.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use skillyard_manifest::Span;

use crate::{
    address,
    client::Client,
    commands::{execute, finished, minimal, progress, refused, titles},
    editor::Document,
    skill::{Skill, full},
};

/// The guest that is a command: its tools do what their names say.
const COMMAND: &[u8] = include_bytes!("../guests/command.wasm");

/// Two tools that give back what they get, one that wants a word first, one that never ends, and folders to write to.
const TOOLS: &str = r#"manifest_version = 2
skill_id = "acme.guest"
name = "Guest"
version = "1.0.0"
publisher = "acme"

[[entrypoints.tools]]
id = "acme.echo"
name = "Echo"
description = "Says it again."
input_schema = { type = "object", required = ["n"], properties = { n = { type = "integer", minimum = 3 } } }
output_schema = { type = "object" }

[[entrypoints.tools]]
id = "acme.loop"
name = "Loop"
description = "Never ends."
input_schema = { type = "object" }
output_schema = { type = "object" }

[capabilities.filesystem]
read_roots = ["in"]
READS_ONLY
[capabilities.quotas]
fuel_budget = 1000000000000000
wall_clock_timeout_ms = 600000

[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"

[operator]
display_name = "Guest"
"#;

/// A skill that needs no approval, or one that does since it writes.
fn guest(writes: bool) -> Skill {
    let skill = Skill::new();
    let roots = if writes { "write_roots = [\"out\"]\n" } else { "" };
    fs::write(skill.manifest(), TOOLS.replace("READS_ONLY\n", roots)).unwrap();
    fs::write(skill.module(), COMMAND).unwrap();
    skill
}

/// A client that can do everything, but pulls diagnostics only when it wants to.
fn unhurried() -> Value {
    let mut capabilities = full();
    capabilities["workspace"].as_object_mut().unwrap().remove("diagnostics");
    capabilities
}

fn run_tool(client: &mut Client, skill: &Skill, more: Value) -> i64 {
    let mut argument = json!({"uri": skill.uri()});
    argument.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    execute(client, "skillyard.runTool", argument)
}

#[test]
fn a_lens_stands_over_each_tool_and_an_action_in_it() {
    let skill = guest(false);
    let mut client = skill.serve(unhurried());
    let document = skill.open(&mut client);
    let text = document.text.clone();
    let lenses = client.call("textDocument/codeLens", json!({"textDocument": document.id()}));
    let over: Vec<&Value> =
        lenses.as_array().unwrap().iter().filter(|lens| lens["command"]["command"] == "skillyard.runTool").collect();
    assert_eq!(over.len(), 2, "{lenses}");
    let tables: Vec<usize> = text.match_indices("[[entrypoints.tools]]").map(|(at, _)| at).collect();
    for ((lens, id), table) in over.iter().zip(["acme.echo", "acme.loop"]).zip(&tables) {
        // What is known of the module stands behind it: live.rs.
        let title = lens["command"]["title"].as_str().unwrap();
        assert!(title.split(" · ").next() == Some(&format!("Run Tool {id}")), "{title}");
        assert_eq!(lens["command"]["arguments"], json!([{"uri": document.uri, "tool": id}]));
        let line = text[..*table].matches('\n').count();
        let at = lens["range"]["start"]["line"].as_u64().unwrap();
        assert!((line..=line + 1).contains(&usize::try_from(at).unwrap()), "{lens} near line {line}");
    }
    let offered = |client: &mut Client, at: usize| -> Vec<Value> {
        let context = json!({"diagnostics": [], "only": ["source.skillyard.runTool"]});
        let params = json!({"textDocument": document.id(), "range": document.range(Span::at(at)), "context": context});
        let actions = client.call("textDocument/codeAction", params);
        actions.as_array().unwrap().iter().map(|action| action["command"]["arguments"][0]["tool"].clone()).collect()
    };
    for (at, tools) in [
        (text.find("Says it again").unwrap(), json!(["acme.echo"])),
        (text.find("Never ends").unwrap(), json!(["acme.loop"])),
        (0, json!([])),
        (text.find("min_palyra_version").unwrap(), json!([])),
    ] {
        assert_eq!(Value::from(offered(&mut client, at)), tools, "at {at}");
    }
    client.stop();
}

#[test]
fn what_is_refused_anyway_is_not_asked_about() {
    let skill = guest(true);
    let mut client = skill.serve(minimal());
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "input": {"n": 2}}));
    let (report, _) = finished(&mut client, id);
    assert_eq!(report["outcome"], "input_invalid", "{report}");
    client.stop();
}

/// A report without what no two calls have in common.
fn but_for_times(mut report: Value) -> Value {
    let all = report.as_object_mut().unwrap();
    for field in ["duration_ms", "ran_ms", "compile_ms", "markdown", "json"] {
        all.remove(field);
    }
    for call in all["host_calls"].as_array_mut().unwrap() {
        call.as_object_mut().unwrap().retain(|name, _| name != "at_ms" && name != "took_ms");
    }
    report
}

#[test]
fn the_result_is_that_of_the_command_line() {
    let skill = guest(false);
    let mut client = skill.serve(minimal());
    // With what looks like a place in a text, but is a tool's own.
    let input = json!({"n": 4, "é": ["|", "`"], "line": -1, "range": {"start": {"character": 1.5}}});
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "input": input}));
    let (report, shown) = finished(&mut client, id);
    let folder = skill.folder();
    let text = input.to_string();
    let arguments = ["run", "--skill", folder.to_str().unwrap(), "--format", "json", "--input", &text, "acme.echo"];
    let (code, said) = skill.run(&arguments);
    assert_eq!(code, Some(0));
    assert_eq!(but_for_times(report.clone()), but_for_times(said));
    assert_eq!(report["output"], input);
    assert_eq!(shown["type"], 3);
    assert!(shown["message"].as_str().unwrap().contains("acme.echo gave"), "{shown}");
    let markdown = report["markdown"].as_str().unwrap();
    let files = format!("Files in `{}`", report["storage"].as_str().unwrap());
    for part in ["acme.echo: ok", "### Output", "### Logs", "### Policy", "| fuel |", "Walls: ", &files] {
        assert!(markdown.contains(part), "{part} in {markdown}");
    }

    // What goes wrong is a result too, and shown as a warning.
    // Null is an input, and not the want of one.
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "input": null}));
    let (report, _) = finished(&mut client, id);
    assert_eq!((&report["outcome"], &report["input"]), (&json!("input_invalid"), &Value::Null), "{report}");
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "input": {"n": 2}}));
    let (report, shown) = finished(&mut client, id);
    assert_eq!((&report["outcome"], &shown["type"]), (&json!("input_invalid"), &json!(2)));
    assert_eq!(
        (&report["violations"][0]["pointer"], &report["violations"][0]["keyword"]),
        (&json!("/n"), &json!("minimum"))
    );
    assert!(report["markdown"].as_str().unwrap().contains("`/n`"), "{report}");
    client.stop();
}

#[cfg(target_os = "linux")]
#[test]
fn the_persons_own_policies_hold_in_an_editor_too() {
    let skill = guest(false);
    let mut client = skill.serve(minimal());
    let policies = skill.home().join("data/skillyard");
    fs::create_dir_all(&policies).unwrap();
    let forbid = "@id(\"no-tools\") forbid(principal, action == Action::\"tool.execute\", resource);";
    fs::write(policies.join("policy.cedar"), forbid).unwrap();
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "input": {"n": 4}}));
    let (report, _) = finished(&mut client, id);
    assert_eq!(report["outcome"], "denied", "{report}");
    assert!(report["policy"]["policies"].as_array().unwrap().contains(&json!("no-tools")), "{report}");
    client.stop();
}

#[test]
fn a_plugin_runs_without_a_word() {
    let skill = Skill::new();
    let mut client = skill.serve(minimal());
    // The only tool needs no name.
    let id = run_tool(&mut client, &skill, json!({}));
    let (report, _) = finished(&mut client, id);
    assert_eq!((&report["kind"], &report["output"]), (&json!("palyra-plugin"), &json!({"exit_code": 0})));
    assert_eq!(report["tool_id"], "acme.echo");
    client.stop();
}

/// A client of before LSP 3.8 takes commands, and nothing else, as code actions.
#[test]
fn a_client_without_code_actions_is_offered_the_commands() {
    let skill = guest(false);
    let mut quiet = minimal();
    quiet["textDocument"]["diagnostic"] = json!({});
    let mut client = skill.serve(quiet);
    let document = skill.open(&mut client);
    let at = document.text.find("Says it again").unwrap();
    let context = json!({"diagnostics": []});
    let params = json!({"textDocument": document.id(), "range": document.range(Span::at(at)), "context": context});
    let actions = client.call("textDocument/codeAction", params);
    let offered: Vec<_> = actions.as_array().unwrap().iter().map(|it| it["command"].as_str().unwrap()).collect();
    let of_manifest =
        ["packageAndSign", "verify", "audit", "install", "runTool"].map(|name| format!("skillyard.{name}"));
    assert_eq!(offered, of_manifest);
    assert_eq!(actions[4]["arguments"], json!([{"uri": document.uri, "tool": "acme.echo"}]));
    assert!(actions.as_array().unwrap().iter().all(|action| action.get("edit").is_none()));
    let id = client.request("workspace/executeCommand", actions[4].clone());
    assert_eq!(finished(&mut client, id).0["outcome"], "ok");
    client.stop();
}

/// What reads JSON in an editor may know no number but a double.
#[test]
fn input_and_report_go_as_text_too() {
    const DIGITS: &str = "9007199254740993";
    let skill = guest(false);
    let mut quiet = minimal();
    quiet["textDocument"]["diagnostic"] = json!({});
    let mut client = skill.serve(quiet);
    let document = skill.open(&mut client);
    let text = format!("{{\"n\": {DIGITS}}}");
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "inputText": text}));
    let (report, _) = finished(&mut client, id);
    assert_eq!(report["output"]["n"].to_string(), DIGITS, "{report}");
    // The text is the report that the command line gives.
    let mut other = report.clone();
    let fields = other.as_object_mut().unwrap();
    fields.remove("markdown").unwrap();
    fields.remove("json").unwrap();
    let json = report["json"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(json).unwrap(), other);
    assert!(json.contains(DIGITS), "{json}");
    let usual = client.call("skillyard/exampleInput", json!({"uri": document.uri, "tool": "acme.echo"}));
    assert_eq!(usual["remembered"], true);
    assert_eq!(serde_json::from_str::<Value>(usual["text"].as_str().unwrap()).unwrap(), usual["input"]);
    assert!(usual["text"].as_str().unwrap().contains(DIGITS), "{usual}");
    // What is no JSON is refused as on the command line.
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "inputText": "{"}));
    let (report, _) = finished(&mut client, id);
    assert_eq!(report["outcome"], "input_invalid", "{report}");
    for (wrong, why) in [
        (json!({"uri": document.uri, "input": 1, "inputText": "1"}), "not both"),
        (json!({"uri": document.uri, "inputText": 1}), "inputText"),
    ] {
        let params = json!({"command": "skillyard.runTool", "arguments": [wrong]});
        let refused = client.fail("workspace/executeCommand", params);
        assert!(refused["message"].as_str().unwrap().contains(why) || why == "inputText", "{refused}");
    }
    let params = json!({"command": "skillyard.audit", "arguments": [{"uri": document.uri, "inputText": "1"}]});
    let refused = client.fail("workspace/executeCommand", params);
    assert!(refused["message"].as_str().unwrap().contains("has no argument `inputText`"), "{refused}");
    client.stop();
}

#[test]
fn what_needs_an_approval_is_asked_for_with_all_that_it_may_touch() {
    let skill = guest(true);
    let mut client = skill.serve(minimal());
    let call = json!({"tool": "acme.echo", "input": {"n": 4}});
    for no in [Value::Null, json!({"title": "Cancel"})] {
        let id = run_tool(&mut client, &skill, call.clone());
        client.serve("window/showMessageRequest", |asked| {
            let question = asked["message"].as_str().unwrap();
            for part in ["acme.echo", "write in the folders", "out", "read in the folders", "in", "for this call"] {
                assert!(question.contains(part), "{part}: {question}");
            }
            assert_eq!(titles(asked), ["Run once", "Cancel"]);
            no
        });
        assert_eq!(refused(&mut client, id)["code"], -32800);
        assert!(skill.written().is_empty(), "nothing ran: {:?}", skill.written());
    }
    for _ in 0..2 {
        // Each call is asked for anew.
        let id = run_tool(&mut client, &skill, call.clone());
        client.serve("window/showMessageRequest", |_| json!({"title": "Run once"}));
        let (report, _) = finished(&mut client, id);
        assert_eq!(report["outcome"], "ok", "{report:#}");
        assert!(report["policy"]["actions"].as_array().unwrap().iter().all(|action| action["decision"] == "allow"));
    }
    // More than fits into one question comes in several, and the last one alone takes a yes.
    let hosts: Vec<String> = (0..40).map(|at| format!("host-{at}.api.example")).collect();
    let text = fs::read_to_string(skill.manifest()).unwrap();
    fs::write(skill.manifest(), format!("{text}\n[capabilities]\nhttp_egress_allowlist = {hosts:?}\n")).unwrap();
    for no in [Value::Null, json!({"title": "Cancel"})] {
        let before = skill.written();
        let id = run_tool(&mut client, &skill, call.clone());
        client.serve("window/showMessageRequest", |_| json!({"title": "Show More"}));
        client.serve("window/showMessageRequest", |_| no);
        assert_eq!(refused(&mut client, id)["code"], -32800);
        assert_eq!(skill.written(), before, "nothing ran");
    }
    let id = run_tool(&mut client, &skill, call.clone());
    let (mut said, mut asks) = (String::new(), true);
    while asks {
        client.serve("window/showMessageRequest", |asked| {
            said.push_str(asked["message"].as_str().unwrap());
            let yes = titles(asked)[0].clone();
            asks = yes == "Show More";
            assert!(asks || yes == "Run once", "{asked}");
            json!({"title": yes})
        });
    }
    let (report, _) = finished(&mut client, id);
    assert_eq!(report["outcome"], "ok", "{report:#}");
    assert!(said.contains("acme.echo wants to (1 of ") && hosts.iter().all(|host| said.contains(host)), "{said}");
    fs::write(skill.manifest(), text).unwrap();
    // Who cannot ask says what to type.
    let id = run_tool(&mut client, &skill, call);
    let asked = client.asked("window/showMessageRequest");
    client.respond(&asked, "error", json!({"code": -32601, "message": "what?"}));
    let error = refused(&mut client, id);
    assert_eq!(error["code"], -32803);
    assert!(error["message"].as_str().unwrap().contains("skillyard run acme.echo --approve"), "{error}");
    client.stop();
}

/// The workers of a server.
#[cfg(target_os = "linux")]
fn workers(server: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{server}/task")).unwrap().flatten();
    let children = tasks.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default());
    children.flat_map(|all| all.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn a_tool_that_never_ends_is_ended() {
    let ways: [fn(&mut Client, i64); 2] = [
        |client, id| client.notify("$/cancelRequest", json!({"id": id})),
        |client, _| client.notify("window/workDoneProgress/cancel", json!({"token": "t"})),
    ];
    let skill = guest(false);
    let mut client = skill.serve(unhurried());
    for cancel in ways {
        let params = json!({
            "command": "skillyard.runTool", "workDoneToken": "t",
            "arguments": [{"uri": skill.uri(), "tool": "acme.loop", "input": {}}],
        });
        let id = client.request("workspace/executeCommand", params);
        loop {
            let told = client.notified("$/progress");
            if told["value"]["message"] == "running" {
                assert_eq!(told["value"]["cancellable"], true);
                break;
            }
        }
        #[cfg(target_os = "linux")]
        let running = workers(client.pid());
        cancel(&mut client, id);
        assert_eq!(refused(&mut client, id)["code"], -32800);
        while client.notified("$/progress")["value"]["kind"] != "end" {}
        #[cfg(target_os = "linux")]
        {
            assert!(!running.is_empty());
            // The answer comes from the thread that awaited the worker's end.
            assert_eq!(workers(client.pid()), [""; 0], "of {running:?}");
        }
    }
    client.stop();
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_server_leaves_no_worker() {
    let skill = guest(false);
    let mut client = skill.serve(unhurried());
    // The module is compiled and kept, so that what is waited for is a worker and no compiler.
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "input": {"n": 3}}));
    allow_progress(&mut client);
    finished(&mut client, id);
    client.request(
        "workspace/executeCommand",
        json!({
            "command": "skillyard.runTool", "workDoneToken": "t",
            "arguments": [{"uri": skill.uri(), "tool": "acme.loop", "input": {}}],
        }),
    );
    while client.notified("$/progress")["value"]["message"] != "running" {}
    let running = workers(client.pid());
    assert!(!running.is_empty());
    std::process::Command::new("kill").args(["-KILL", &client.pid().to_string()]).status().unwrap();
    assert_eq!(client.ended_midway(), None, "a signal ended it");
    let runs = |pid: &String| fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    for _ in 0..1000 {
        if !running.iter().any(runs) {
            return;
        }
        // No other process is told when they end.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{running:?} outlive the server that started them");
}

#[test]
fn progress_goes_on_until_the_tool_is_done() {
    let skill = guest(false);
    let mut client = skill.serve(unhurried());
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "input": {"n": 3}}));
    let asked = client.asked("window/workDoneProgress/create");
    client.respond(&asked, "result", Value::Null);
    finished(&mut client, id);
    let told = progress(&mut client, &asked["params"]["token"]);
    assert_eq!(told[0]["title"], "Skillyard: Run Tool");
    client.stop();
}

#[test]
fn the_example_goes_first_and_then_what_was_typed() {
    let skill = guest(false);
    let mut client = skill.serve(minimal());
    let mut document = skill.open(&mut client);
    client.notified("textDocument/publishDiagnostics");
    let params = |tool: &str| json!({"uri": skill.uri(), "tool": tool});
    let example = client.call("skillyard/exampleInput", params("acme.echo"));
    assert_eq!(example["remembered"], false);
    assert!(example["input"]["n"].as_i64().unwrap() >= 3, "{example}");
    assert_eq!(example["schema"]["properties"]["n"]["minimum"], 3);
    // Without an input the example is what it is called with.
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo"}));
    assert_eq!(finished(&mut client, id).0["input"], example["input"]);

    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "input": {"n": 77}}));
    finished(&mut client, id);
    let last = client.call("skillyard/exampleInput", params("acme.echo"));
    assert_eq!((&last["remembered"], &last["input"]), (&json!(true), &json!({"n": 77})));
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo"}));
    assert_eq!(finished(&mut client, id).0["input"], json!({"n": 77}));
    // One that the schema, as it is typed now, no longer takes is not offered.
    let stricter = document.text.replace("minimum = 3", "minimum = 100");
    document.set(&mut client, &stricter);
    let next = client.call("skillyard/exampleInput", params("acme.echo"));
    assert_eq!(next["remembered"], false);
    assert!(next["input"]["n"].as_i64().unwrap() >= 100, "{next}");

    for wrong in [
        json!({"uri": skill.uri(), "tool": "acme.nothing"}),
        json!({"uri": "file:///nowhere/skill.toml", "tool": "acme.echo"}),
        json!({"uri": skill.uri()}),
        json!({}),
    ] {
        assert_eq!(client.fail("skillyard/exampleInput", wrong.clone())["code"], -32602, "{wrong}");
    }
    drain(&mut client, &document);
    client.stop();
}

/// Reads what a client without pulled diagnostics was told until the server knew of the document's end.
fn drain(client: &mut Client, document: &Document) {
    client.notify("textDocument/didClose", json!({"textDocument": document.id()}));
    while client.notified("textDocument/publishDiagnostics")["diagnostics"] != json!([]) {}
}

#[test]
fn what_is_not_saved_and_what_is_not_there_does_not_run() {
    let skill = guest(false);
    let mut client = skill.serve(unhurried());
    let mut document = skill.open(&mut client);
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.\u{202e}nothing"}));
    allow_progress(&mut client);
    let error = refused(&mut client, id);
    assert_eq!(error["code"], -32803);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("acme.echo") && !message.contains('\u{202e}'), "{error}");

    document.set(&mut client, &document.text.replace("1.0.0", "1.0.1"));
    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo"}));
    allow_progress(&mut client);
    let error = refused(&mut client, id);
    assert!(error["message"].as_str().unwrap().contains("save"), "{error}");
    assert!(skill.written().is_empty(), "{:?}", skill.written());
    for (argument, words) in [
        (json!({"uri": skill.uri(), "tool": 3}), "skillyard.runTool"),
        (json!({"uri": skill.uri(), "key": "a"}), "`key`"),
        (json!({"uri": skill.uri(), "approve": true}), "approve"),
    ] {
        let id = execute(&mut client, "skillyard.runTool", argument);
        let error = refused(&mut client, id);
        assert_eq!(error["code"], -32602, "{error}");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    let id = execute(&mut client, "skillyard.verify", json!({"uri": skill.uri(), "tool": "acme.echo"}));
    assert_eq!(refused(&mut client, id)["code"], -32602);
    client.stop();
}

/// Lets the server show progress, and reads it to its end.
fn allow_progress(client: &mut Client) {
    let asked = client.asked("window/workDoneProgress/create");
    client.respond(&asked, "result", Value::Null);
    progress(client, &asked["params"]["token"]);
}

#[test]
fn what_a_call_shows_is_hinted_where_it_stands_with_its_fix() {
    let skill = guest(false);
    let mut capabilities = unhurried();
    capabilities.as_object_mut().unwrap().remove("window");
    let mut client = skill.serve(capabilities);
    let mut document = skill.open(&mut client);
    let hints = |client: &mut Client, document: &Document| -> Vec<(String, String)> {
        let found = document.pull(client);
        let ours = found.iter().filter(|found| found["code"].as_str().is_some_and(|code| code.starts_with("run/")));
        ours.map(|found| {
            assert_eq!((&found["severity"], &found["source"]), (&json!(4), &json!("skillyard")));
            assert!(found["codeDescription"]["href"].as_str().unwrap().ends_with(found["code"].as_str().unwrap()));
            (found["code"].as_str().unwrap().to_owned(), document.span(&found["range"]).of(&document.text).to_owned())
        })
        .collect()
    };
    assert_eq!(hints(&mut client, &document), []);

    let id = run_tool(&mut client, &skill, json!({"tool": "acme.echo", "input": {"n": 4}}));
    finished(&mut client, id);
    let said = |code: &str, place: &str| (code.to_owned(), place.to_owned());
    let mut found = hints(&mut client, &document);
    found.sort();
    assert_eq!(
        found,
        [
            said("run/daemon-differs", "[[entrypoints.tools]]"),
            said("run/loose-quota", "1000000000000000"),
            said("run/unused-grant", "\"in\""),
        ]
    );

    // The fix of one ends it and leaves the others where they are.
    let place = Span::at(document.text.find("\"in\"").unwrap() + 1);
    let context = json!({"diagnostics": [], "only": ["quickfix"]});
    let params = json!({"textDocument": document.id(), "range": document.range(place), "context": context});
    let actions = client.call("textDocument/codeAction", params);
    let action = actions.as_array().unwrap().iter().find(|action| action["title"] == "Remove `in`").unwrap();
    let fixed = document.with_workspace_edit(&action["edit"]);
    assert!(fixed.contains("read_roots = []\n"), "{fixed}");
    document.set(&mut client, &fixed);
    let left = hints(&mut client, &document);
    assert_eq!(left.len(), 2, "{left:?}");
    client.stop();
}

/// The editor opens an installed version's own manifest, and asks for its tool: what the command line refuses is refused.
#[test]
fn an_installed_version_that_may_not_run_is_refused_in_the_editor_too() {
    let skill = guest(false);
    let said = |arguments: &[&str]| {
        let output = skill.skillyard().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    said(&["keygen"]);
    said(&["package", skill.folder().to_str().unwrap()]);
    let artifact = skill.folder().join("dist").join("acme.guest-1.0.0.palyra-skill");
    said(&["install", artifact.to_str().unwrap(), "--allow-tofu"]);
    let (_, list) = skill.run(&["list", "--format", "json"]);
    let installed = PathBuf::from(list["root"].as_str().unwrap()).join("acme.guest").join("1.0.0");
    let mut client = skill.serve(minimal());
    let call = json!({"uri": address(&installed.join("skill.toml")), "tool": "acme.echo", "input": {"n": 3}});
    let runs = |client: &mut Client| {
        let id = execute(client, "skillyard.runTool", call.clone());
        let (report, _) = finished(client, id);
        assert_eq!(report["outcome"], "ok", "{report}");
    };
    let refuses = |client: &mut Client, words: &str| {
        let id = execute(client, "skillyard.runTool", call.clone());
        let error = refused(client, id);
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    };
    runs(&mut client);
    let word = ["--reason", "looks odd", "--principal", "me"];
    said(&[&["quarantine", "acme.guest"], &word[..]].concat());
    refuses(&mut client, "1.0.0 is quarantined by `me`: `looks odd`");
    said(&[&["enable", "acme.guest", "--version", "1.0.0", "--override"], &word[..]].concat());
    runs(&mut client);
    said(&[&["quarantine", "acme.guest", "--disable"], &word[..]].concat());
    refuses(&mut client, "1.0.0 is disabled by `me`");
    said(&[&["enable", "acme.guest", "--version", "1.0.0", "--override"], &word[..]].concat());
    let sbom = installed.join("sbom.cdx.json");
    let before = fs::read(&sbom).unwrap();
    fs::write(&sbom, [before.as_slice(), b" "].concat()).unwrap();
    refuses(&mut client, "sbom.cdx.json changed since it was installed");
    fs::write(&sbom, before).unwrap();
    runs(&mut client);
    let (_, trusted) = skill.run(&["trust", "list", "--format", "json"]);
    let key = trusted["pinned"][0]["key"]["public_key"].as_str().unwrap();
    said(&["trust", "revoke", &format!("acme={key}"), "--reason", "stolen"]);
    refuses(&mut client, "revoked");
    client.stop();
}
