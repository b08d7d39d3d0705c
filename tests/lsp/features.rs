//! What an editor asks about a manifest, as each editor asks it: the answers fit what the client said that it can do, and
//! every place of good and broken texts has one.
//!
//! `clients/` holds what editors say at the start: `neovim.json` as Neovim 0.11.4 sends it, `vscode.json` as our extension in
//! VS Code 1.99.3 does (vscode-languageclient 11.0.0), `helix.json` as Helix 25.07.1 does; that of Zed as its source has it,
//! without what the server does not look at.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};
use skillyard_manifest::{Encoding, Options, Span, analyze};

use crate::{
    address,
    client::Client,
    editor::Document,
    skill::{Skill, full},
};

/// The bundled example.
const GREETER: &str = include_str!("../fixtures/greeter/skill.toml");

/// Half typed, in many ways, with letters of several bytes.
const BROKEN: &str = "publisher = \"acme\nskill_id = \"acme.é\u{1F600}\nname =\n[entrypoints.\n[[entrypoints.tools]]\nid = 'acme.x\n\
    input_schema = { type = \"obj\n[[entrypoints.tools]\nris\n[capabilities]\nhttp_egress_allowlist = [\"a.example\", \"\n\
    secrets = [{ sc\ncompat.min_\noperator.plugin.default_tool_id = \"acme.\n[compat]\nrequired_protocol_major = \n";

fn clients() -> [(&'static str, Value); 6] {
    let read = |text| serde_json::from_str(text).unwrap();
    [
        ("none", json!({})),
        ("full", full()),
        ("neovim", read(include_str!("clients/neovim.json"))),
        ("vscode", read(include_str!("clients/vscode.json"))),
        ("helix", read(include_str!("clients/helix.json"))),
        ("zed", read(include_str!("clients/zed.json"))),
    ]
}

/// The unit of columns that the server chooses for these capabilities: the first of theirs.
fn encoding(capabilities: &Value) -> Encoding {
    match capabilities["general"]["positionEncodings"][0].as_str() {
        Some("utf-8") => Encoding::Utf8,
        Some("utf-32") => Encoding::Utf32,
        _ => Encoding::Utf16,
    }
}

/// Everything that is asked about one place.
fn at_a_place(document: &Document, at: usize) -> Vec<(&'static str, Value)> {
    let range = document.range(Span::at(at));
    let position = range["start"].clone();
    let here = json!({"textDocument": document.id(), "position": position});
    let with = |more: Value| {
        let mut params = here.clone();
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    vec![
        ("textDocument/completion", here.clone()),
        ("textDocument/hover", here.clone()),
        ("textDocument/definition", here.clone()),
        ("textDocument/references", with(json!({"context": {"includeDeclaration": true}}))),
        ("textDocument/documentHighlight", here.clone()),
        ("textDocument/prepareRename", here.clone()),
        ("textDocument/rename", with(json!({"newName": "other.name"}))),
        ("textDocument/linkedEditingRange", here.clone()),
        ("textDocument/selectionRange", json!({"textDocument": document.id(), "positions": [position]})),
        (
            "textDocument/codeAction",
            json!({"textDocument": document.id(), "range": range, "context": {"diagnostics": []}}),
        ),
        ("textDocument/inlayHint", json!({"textDocument": document.id(), "range": range})),
        ("textDocument/semanticTokens/range", json!({"textDocument": document.id(), "range": range})),
    ]
}

/// Everything that is asked about a whole document.
const OF_DOCUMENT: [&str; 5] = [
    "textDocument/documentSymbol",
    "textDocument/foldingRange",
    "textDocument/documentLink",
    "textDocument/semanticTokens/full",
    "textDocument/codeLens",
];

/// Whether an answer is one that this client can take.
fn fits(method: &str, answer: &Value, capabilities: &Value, document: &Document, at: usize) {
    let text_document = &capabilities["textDocument"];
    match method {
        "textDocument/completion" => {
            let item = &text_document["completion"]["completionItem"];
            for completion in answer["items"].as_array().into_iter().flatten() {
                let snippets = item["snippetSupport"] == true;
                assert!(snippets || completion.get("insertTextFormat").is_none(), "{completion}");
                let range = &completion["textEdit"]["range"];
                assert_eq!(range["start"]["line"], range["end"]["line"], "{completion}");
                let span = document.span(range);
                assert!(span.touches(at), "{span:?} at {at}: {completion}");
                let modes = item["insertTextModeSupport"]["valueSet"].as_array();
                if let Some(mode) = completion.get("insertTextMode") {
                    assert!(modes.is_some_and(|modes| modes.contains(mode)), "{completion}");
                }
                assert!(completion.get("tags").is_none() || item.get("tagSupport").is_some(), "{completion}");
                let details = item["labelDetailsSupport"] == true;
                assert!(details || completion.get("labelDetails").is_none(), "{completion}");
            }
        }
        "textDocument/hover" if !answer.is_null() => {
            let formats = text_document["hover"]["contentFormat"].as_array();
            let markdown = formats.is_some_and(|formats| formats.contains(&json!("markdown")));
            assert_eq!(answer["contents"]["kind"], if markdown { "markdown" } else { "plaintext" });
        }
        "textDocument/definition" => {
            let links = text_document["definition"]["linkSupport"] == true;
            for target in answer.as_array().into_iter().flatten() {
                assert_eq!(target.get("targetUri").is_some(), links, "{target}");
            }
        }
        "textDocument/documentSymbol" => {
            let nested = text_document["documentSymbol"]["hierarchicalDocumentSymbolSupport"] == true;
            for symbol in answer.as_array().unwrap() {
                assert_eq!(symbol.get("selectionRange").is_some(), nested, "{symbol}");
            }
        }
        "textDocument/selectionRange" => assert_eq!(answer.as_array().unwrap().len(), 1, "{answer}"),
        "textDocument/codeAction" => {
            let code_action = &text_document["codeAction"];
            for action in answer.as_array().into_iter().flatten() {
                assert!(action.get("disabled").is_none() || code_action["disabledSupport"] == true, "{action}");
                let lazy = action.get("edit").is_none() && action.get("command").is_none();
                let resolves = code_action["resolveSupport"]["properties"]
                    .as_array()
                    .is_some_and(|all| all.contains(&json!("edit")));
                assert!(!lazy || resolves || action.get("disabled").is_some(), "{action}");
            }
        }
        "textDocument/foldingRange" => {
            let lines = text_document["foldingRange"]["lineFoldingOnly"] == true;
            for fold in answer.as_array().unwrap() {
                assert!(!lines || fold.get("startCharacter").is_none(), "{fold}");
            }
        }
        _ => {}
    }
}

/// What the client can do, without what would have the server ask for or tell things meanwhile: that has conversations of
/// its own.
fn unasked(capabilities: &Value) -> Value {
    let mut quiet = capabilities.clone();
    for (section, keys) in [
        (
            "workspace",
            &[
                "codeLens",
                "configuration",
                "didChangeConfiguration",
                "didChangeWatchedFiles",
                "diagnostic",
                "diagnostics",
                "inlayHint",
            ][..],
        ),
        ("window", &["workDoneProgress"]),
    ] {
        if let Some(section) = quiet.get_mut(section).and_then(Value::as_object_mut) {
            keys.iter().for_each(|key| drop(section.remove(*key)));
        }
    }
    quiet
}

fn open(skill: &Skill, capabilities: &Value, text: &str) -> (Client, Document) {
    fs::write(skill.manifest(), text).unwrap();
    let mut quiet = unasked(capabilities);
    if let Some(all) = quiet.as_object_mut() {
        let document = all.entry("textDocument").or_insert(json!({}));
        document["diagnostic"] = json!({});
    }
    let mut client = skill.serve(quiet);
    let document = Document::open(&mut client, &skill.uri(), "toml", text, encoding(capabilities));
    (client, document)
}

/// What stands behind each thing that a server says that it can do.
const BEHIND: [(&str, &[&str]); 20] = [
    ("codeActionProvider", &["textDocument/codeAction", "codeAction/resolve"]),
    ("codeLensProvider", &["textDocument/codeLens", "codeLens/resolve"]),
    ("completionProvider", &["textDocument/completion", "completionItem/resolve"]),
    ("definitionProvider", &["textDocument/definition"]),
    ("diagnosticProvider", &["textDocument/diagnostic"]),
    ("documentFormattingProvider", &["textDocument/formatting"]),
    ("documentHighlightProvider", &["textDocument/documentHighlight"]),
    ("documentLinkProvider", &["textDocument/documentLink"]),
    ("documentRangeFormattingProvider", &["textDocument/rangeFormatting"]),
    ("documentSymbolProvider", &["textDocument/documentSymbol"]),
    ("executeCommandProvider", &["workspace/executeCommand"]),
    ("foldingRangeProvider", &["textDocument/foldingRange"]),
    ("hoverProvider", &["textDocument/hover"]),
    ("inlayHintProvider", &["textDocument/inlayHint"]),
    ("linkedEditingRangeProvider", &["textDocument/linkedEditingRange"]),
    ("referencesProvider", &["textDocument/references"]),
    ("renameProvider", &["textDocument/prepareRename", "textDocument/rename"]),
    ("selectionRangeProvider", &["textDocument/selectionRange"]),
    (
        "semanticTokensProvider",
        &[
            "textDocument/semanticTokens/full",
            "textDocument/semanticTokens/full/delta",
            "textDocument/semanticTokens/range",
        ],
    ),
    ("workspaceSymbolProvider", &["workspace/symbol"]),
];

/// What the server says that it can do is answered, and its page names that and no more.
#[test]
fn what_is_advertised_is_answered_and_on_the_page() {
    let mut listed = BTreeSet::new();
    for line in include_str!("../../editors/METHODS.md").lines().filter(|line| line.starts_with("| [")) {
        let names = line.split("](").next().unwrap();
        for name in names.split('`').skip(1).step_by(2) {
            match name.split_once('{') {
                Some((stem, ends)) => {
                    listed.extend(ends.trim_end_matches('}').split(", ").map(|end| format!("{stem}{end}")));
                }
                None => drop(listed.insert(name.to_owned())),
            }
        }
    }
    // Those that no capability of that kind stands for.
    let mut expected: BTreeSet<String> =
        ["initialize", "skillyard/exampleInput", "workspace/willRenameFiles"].map(str::to_owned).into();
    let skill = Skill::new();
    for (name, capabilities) in clients() {
        let mut client = Client::start({
            let mut command = skill.skillyard();
            command.arg("lsp");
            command
        });
        let answer = client.call("initialize", json!({"capabilities": unasked(&capabilities)}));
        client.notify("initialized", json!({}));
        let offered = answer["capabilities"].as_object().unwrap();
        for provider in offered.keys().filter(|key| key.ends_with("Provider")) {
            let (_, methods) = BEHIND
                .iter()
                .find(|(known, _)| known == provider)
                .unwrap_or_else(|| panic!("{name}: nothing is known of {provider}"));
            for method in *methods {
                let id = client.request(method, json!({}));
                assert_ne!(client.answer(id)["error"]["code"], -32601, "{name}: {method}");
                expected.insert((*method).to_owned());
            }
        }
        assert_eq!(
            offered["renameProvider"].is_object(),
            capabilities["textDocument"]["rename"]["prepareSupport"] == true,
            "{name}: its options are for clients that prepare"
        );
        client.stop();
    }
    assert_eq!(listed, expected);
}

/// What a client does not ask for, or show, one by one comes with the list.
#[test]
fn a_completion_says_what_it_is_to_each_client() {
    let skill = Skill::new();
    let text = "manifest_version = 2\n[capabilities.quotas]\nmax_memory_bytes = \n";
    for (name, capabilities) in clients() {
        let (mut client, document) = open(&skill, &capabilities, text);
        let position = document.range(Span::at(text.len() - 1))["start"].clone();
        let params = json!({"textDocument": document.id(), "position": position});
        let answer = client.call("textDocument/completion", params);
        let item = answer["items"].as_array().unwrap().iter().find(|item| item["label"] == "67108864").unwrap().clone();
        let behind = item["labelDetails"]["description"].as_str().or(item["detail"].as_str());
        assert!(behind.is_some_and(|text| text.contains("64 MiB")), "{name}: {item}");
        let resolves = &capabilities["textDocument"]["completion"]["completionItem"]["resolveSupport"]["properties"];
        let at_once = resolves.as_array().is_some_and(|all| !all.contains(&json!("documentation")));
        let keys = client.call(
            "textDocument/completion",
            json!({"textDocument": document.id(), "position": document.range(Span::at(0))["start"]}),
        );
        let said = keys["items"].as_array().unwrap().iter().filter(|item| item.get("documentation").is_some()).count();
        assert_eq!(said > 0, at_once, "{name}: {keys}");
        client.stop();
    }
}

#[test]
fn every_place_has_answers_that_each_client_can_take() {
    let skill = Skill::new();
    for (number, (name, capabilities)) in clients().iter().enumerate() {
        for text in [GREETER, BROKEN] {
            let (mut client, document) = open(&skill, capabilities, text);
            for method in OF_DOCUMENT {
                let answer = client.call(method, json!({"textDocument": document.id()}));
                fits(method, &answer, capabilities, &document, 0);
            }
            // Every place is asked about by one of the clients at least.
            let step = clients().len();
            let places = (0..=text.len()).filter(|&at| text.is_char_boundary(at));
            for at in places.enumerate().filter(|(count, _)| count % step == number).map(|(_, at)| at) {
                for (method, params) in at_a_place(&document, at) {
                    let id = client.request(method, params);
                    let answer = client.answer(id);
                    // A place that cannot be renamed says so.
                    if let Some(error) = answer.get("error") {
                        assert!(method.contains("ename") && error["code"] == -32803, "{name} {method} {at}: {error}");
                        continue;
                    }
                    fits(method, &answer["result"], capabilities, &document, at);
                }
            }
            client.stop();
        }
    }
}

fn place(document: &Document, word: &str) -> Value {
    let at = document.text.find(word).unwrap_or_else(|| panic!("{word}"));
    let range = document.range(Span::at(at + word.len()));
    json!({"textDocument": document.id(), "position": range["start"]})
}

fn neovim() -> Value {
    serde_json::from_str(include_str!("clients/neovim.json")).unwrap()
}

fn accepted(text: &str) -> bool {
    analyze(text, &Options::default()).daemon.accepts
}

#[test]
fn a_completion_says_what_it_is_when_asked_and_fits_where_it_is_put() {
    let skill = Skill::new();
    let text = GREETER.replacen("[compat]", "[compat]\nmax_", 1);
    let (mut client, document) = open(&skill, &full(), &text);
    let answer = client.call("textDocument/completion", place(&document, "[compat]\nmax_"));
    let items = answer["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["label"] == "max_palyra_version").unwrap();
    assert!(item.get("documentation").is_none(), "{item}");
    let resolved = client.call("completionItem/resolve", item.clone());
    let said = resolved["documentation"]["value"].as_str().unwrap();
    assert!(said.to_lowercase().contains("inclusive") || said.contains("max_palyra_version"), "{said}");
    assert_eq!(resolved["label"], item["label"]);
    // As plain text, for a client without snippets.
    client.stop();
    let (mut client, document) = open(&skill, &json!({}), &text);
    let answer = client.call("textDocument/completion", place(&document, "[compat]\nmax_"));
    let items = answer["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["label"] == "max_palyra_version").unwrap();
    let completed = document.with_edits(&json!([item["textEdit"]]));
    assert!(accepted(&completed), "{completed}");
    // It shows no Markdown either.
    let resolved = client.call("completionItem/resolve", item.clone());
    let documentation = &resolved["documentation"];
    assert_eq!(documentation["kind"], "plaintext");
    let said = documentation["value"].as_str().unwrap();
    assert!(said.contains("max_palyra_version") && !said.contains("**") && !said.contains("]("), "{said}");
    client.stop();
}

#[test]
fn a_name_is_renamed_everywhere_or_the_reason_is_told() {
    let skill = Skill::new();
    let mut capabilities = neovim();
    capabilities["workspace"]["workspaceEdit"] = json!({"documentChanges": true});
    let (mut client, document) = open(&skill, &capabilities, GREETER);
    let mut params = place(&document, "publisher = \"ac");
    let prepared = client.call("textDocument/prepareRename", params.clone());
    assert_eq!(prepared["placeholder"], "acme");
    params["newName"] = json!("northwind");
    let edit = client.call("textDocument/rename", params.clone());
    let renamed = document.with_workspace_edit(&edit);
    assert!(accepted(&renamed) && !renamed.contains("acme"), "{renamed}");
    params["newName"] = json!("North Wind");
    let error = client.fail("textDocument/rename", params);
    assert_eq!(error["code"], -32803);
    assert!(error["message"].as_str().unwrap().contains("publisher"), "{error}");
    client.stop();
}

#[test]
fn tokens_and_their_changes_come_to_the_same() {
    let skill = Skill::new();
    let (mut client, mut document) = open(&skill, &neovim(), GREETER);
    let numbers =
        |value: &Value| -> Vec<u64> { value.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect() };
    let first = client.call("textDocument/semanticTokens/full", json!({"textDocument": document.id()}));
    let mut data = numbers(&first["data"]);
    assert!(!data.is_empty() && data.len() % 5 == 0);
    let mut id = first["resultId"].clone();
    for text in [
        GREETER.replacen("[compat]", "[compat]\nmax_palyra_version = \"1.0.0\"", 1),
        GREETER.to_owned(),
        GREETER.to_owned(),
        String::new(),
    ] {
        document.set(&mut client, &text);
        let params = json!({"textDocument": document.id(), "previousResultId": id});
        let delta = client.call("textDocument/semanticTokens/full/delta", params);
        for edit in delta["edits"].as_array().unwrap() {
            let (start, count) = (edit["start"].as_u64().unwrap(), edit["deleteCount"].as_u64().unwrap());
            let (start, count) = (usize::try_from(start).unwrap(), usize::try_from(count).unwrap());
            data.splice(start..start + count, numbers(edit.get("data").unwrap_or(&json!([]))));
        }
        id = delta["resultId"].clone();
        let all = json!({"textDocument": document.id(), "range": document.range(Span::new(0, text.len()))});
        let all = client.call("textDocument/semanticTokens/range", all);
        assert_eq!(numbers(&all["data"]), data);
    }
    // Of a result that the server no longer has all is sent again.
    let params = json!({"textDocument": document.id(), "previousResultId": "9999"});
    assert!(client.call("textDocument/semanticTokens/full/delta", params).get("data").is_some());
    client.stop();
}

#[test]
fn a_refactoring_is_the_same_whether_its_edits_come_at_once_or_when_asked() {
    let skill = Skill::new();
    let titles = |client: &mut Client, document: &Document| -> Vec<Value> {
        let range = document.range(Span::at(document.text.find("[capabilities").unwrap() + 2));
        let context = json!({"diagnostics": [], "only": ["refactor", "source.organizeManifest"]});
        let params = json!({"textDocument": document.id(), "range": range, "context": context});
        client.call("textDocument/codeAction", params).as_array().unwrap().clone()
    };
    let mut lazy = neovim();
    lazy["workspace"]["workspaceEdit"] = json!({"documentChanges": true});
    let (mut client, document) = open(&skill, &lazy, GREETER);
    let mut picked = Vec::new();
    for action in titles(&mut client, &document) {
        assert!(action.get("edit").is_none(), "{action}");
        let resolved = client.call("codeAction/resolve", action);
        let text = document.with_workspace_edit(&resolved["edit"]);
        assert!(accepted(&text), "{}: {text}", resolved["title"]);
        picked.push((resolved["title"].clone(), text));
    }
    assert!(!picked.is_empty());
    // What has changed since is not done to another text.
    let old = titles(&mut client, &document).remove(0);
    let mut document = document;
    document.set(&mut client, "name = \"x\"\n");
    assert_eq!(client.fail("codeAction/resolve", old)["code"], -32801);
    client.stop();

    let (mut client, document) = open(&skill, &full(), GREETER);
    let eager: Vec<_> = titles(&mut client, &document)
        .iter()
        .map(|action| (action["title"].clone(), document.with_workspace_edit(&action["edit"])))
        .collect();
    assert_eq!(eager, picked);
    client.stop();
}

#[test]
fn symbols_are_found_in_all_folders_whether_open_or_not() {
    let skill = Skill::new();
    let other = skill.folder().join("other");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("skill.toml"), GREETER.replace("acme", "northwind")).unwrap();
    let (mut client, _document) = open(&skill, &neovim(), GREETER);
    let found = client.call("workspace/symbol", json!({"query": "greet"}));
    let named = |name: &str| -> Vec<Value> {
        let found = found.as_array().unwrap().iter();
        found.filter(|symbol| symbol["name"] == name).map(|symbol| symbol["location"]["uri"].clone()).collect()
    };
    assert_eq!(named("acme.greeter.greet"), [json!(skill.uri())], "{found}");
    assert_eq!(named("northwind.greeter.greet"), [json!(address(&other.join("skill.toml")))], "{found}");
    assert_eq!(client.call("workspace/symbol", json!({"query": "no such thing"})), json!([]));
    client.stop();
}

#[test]
fn paths_lead_to_their_files() {
    let skill = Skill::new();
    let (mut client, document) = open(&skill, &neovim(), GREETER);
    let params = place(&document, "default_module_path = \"mod");
    // The example's module lies elsewhere than this skill's.
    assert_eq!(client.call("textDocument/definition", params.clone()), Value::Null);
    let modules = skill.folder().join("modules");
    fs::create_dir_all(&modules).unwrap();
    fs::copy(skill.module(), modules.join("tool.wasm")).unwrap();
    let target = client.call("textDocument/definition", params);
    let uri = target[0].get("targetUri").or(target[0].get("uri")).unwrap();
    assert_eq!(*uri, json!(address(&modules.join("tool.wasm"))));
    client.stop();
}

#[test]
fn a_completion_that_a_daemon_would_refuse_says_so() {
    let text = crate::GOOD.replacen("manifest_version = 2", "manifest_version = 1", 1);
    for with_details in [true, false] {
        let mut capabilities = crate::modern();
        capabilities["textDocument"]["completion"] = json!({"completionItem": {"labelDetailsSupport": with_details}});
        let mut client = crate::greeted(capabilities, json!({}));
        let document = crate::open(&mut client, &text);
        let at = text.find("manifest_version = ").unwrap() + "manifest_version = ".len();
        let position = document.range(Span::at(at))["start"].clone();
        let params = json!({"textDocument": document.id(), "position": position});
        let list = client.call("textDocument/completion", params);
        let items = list["items"].as_array().unwrap();
        let legacy = items.iter().find(|item| item["label"] == "1").unwrap();
        let said = if with_details { &legacy["labelDetails"]["description"] } else { &legacy["detail"] };
        assert!(said.as_str().is_some_and(|said| said.contains("refused")), "{legacy}");
        let present = items.iter().find(|item| item["label"] == "2").unwrap();
        assert!(!present.to_string().contains("refused"), "{present}");
        client.stop();
    }
}
