//! What the audit says about the modules beside a manifest, live in the editor.

use std::{fs, path::Path};

use serde_json::{Value, json};
use skillyard_manifest::Span;
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

/// Puts a module into its place, whole: who looks at it meanwhile sees the one before.
fn build(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).unwrap();
    fs::rename(beside, path).unwrap();
}

/// Asks again with each refresh until what is said of modules has these codes: a look at the modules that was under way
/// may have seen the one before, and is followed by another.
fn settles(client: &mut Client, document: &Document, codes: &[&str]) {
    loop {
        refreshed(client);
        let found = about_modules(document, &document.pull(client));
        if found.iter().map(|(code, _)| code.as_str()).eq(codes.iter().copied()) {
            return;
        }
    }
}

/// What [`greedy`] is told, and an artifact refused for.
const CODE: &str = "module/filesystem-import";
/// A warning about a module that imports what no host gives.
const STRANGE: &str = "module/unknown-import";

/// A text with a table of capabilities that does not give what [`greedy`] wants.
fn with_capabilities() -> String {
    GOOD.replace("\n[compat]", "\n[capabilities.quotas]\nwall_clock_timeout_ms = 1000\n\n[compat]")
}

/// One that does.
fn granting() -> String {
    GOOD.replace("\n[compat]", "\n[capabilities.filesystem]\nread_roots = [\"data\"]\n\n[compat]")
}

fn watched(client: &mut Client, path: &Path) {
    let changes = json!([{"uri": address(path), "type": 2}]);
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
}

#[test]
fn findings_stand_at_the_line_concerned_and_move_with_it() {
    let skill = Skill::new();
    build(&skill.module(), &greedy());
    let mut client = skill.serve(full());
    let mut document = skill.open(&mut client);
    refreshed(&mut client);
    let found = document.pull(&mut client);
    assert_eq!(about_modules(&document, &found), [(CODE.to_owned(), "skill_id".to_owned())]);
    let finding = found.iter().find(|found| found["code"] == CODE).unwrap();
    assert_eq!(finding["severity"], 1);
    assert!(finding["codeDescription"]["href"].as_str().unwrap().ends_with(CODE));

    // It finds its line in a text that no audit has seen.
    let text = format!("# one\n# two\n{}", with_capabilities());
    document.set(&mut client, &text);
    let place = about_modules(&document, &document.pull(&mut client)).pop().unwrap().1;
    assert_eq!(place, "capabilities");
    // Also where nothing can be audited.
    document.set(&mut client, &format!("{text}\n["));
    assert_eq!(about_modules(&document, &document.pull(&mut client)).pop().unwrap().1, "capabilities");
    document.set(&mut client, "");
    assert_eq!(about_modules(&document, &document.pull(&mut client)).pop().unwrap().1, "");

    document.set(&mut client, &granting());
    refreshed(&mut client);
    assert_eq!(about_modules(&document, &document.pull(&mut client)), []);
    client.stop();
}

#[test]
fn a_result_with_other_findings_is_another_result() {
    let skill = Skill::new();
    let mut client = skill.serve(full());
    let document = skill.open(&mut client);
    let pull = |client: &mut Client, previous: &Value| {
        let params = json!({"textDocument": document.id(), "previousResultId": previous});
        client.call("textDocument/diagnostic", params)
    };
    let clean = pull(&mut client, &Value::Null);
    assert_eq!(clean["items"], json!([]));
    build(&skill.module(), &greedy());
    watched(&mut client, &skill.module());
    settles(&mut client, &document, &[CODE]);
    let found = pull(&mut client, &clean["resultId"]);
    assert_eq!(found["kind"], "full");
    assert_eq!(pull(&mut client, &found["resultId"])["kind"], "unchanged");
    client.stop();
}

#[test]
fn an_author_sets_what_is_said_of_modules() {
    let skill = Skill::new();
    build(&skill.module(), &module(&[("env", "x")]));
    let mut client = skill.serve(full());
    let mut document = skill.open(&mut client);
    settles(&mut client, &document, &[STRANGE]);
    document.set(&mut client, &format!("# skillyard: allow-file({STRANGE}): of our own host\n{GOOD}"));
    let found = document.pull(&mut client);
    assert_eq!(found, [] as [Value; 0], "neither the finding nor one about the comment");
    // What an artifact is refused for is no comment's to allow.
    document.set(&mut client, &format!("# skillyard: allow-file({CODE}): no\n{GOOD}"));
    build(&skill.module(), &greedy());
    watched(&mut client, &skill.module());
    settles(&mut client, &document, &[CODE]);
    client.stop();
}

#[test]
fn a_module_that_changes_or_goes_is_looked_at_again() {
    let skill = Skill::new();
    let mut client = skill.serve(full());
    let document = skill.open(&mut client);
    for _ in 0..3 {
        build(&skill.module(), &greedy());
        watched(&mut client, &skill.module());
        settles(&mut client, &document, &[CODE]);
        build(&skill.module(), &module(&[]));
        watched(&mut client, &skill.module());
        settles(&mut client, &document, &[]);
    }
    let modules = skill.folder().join("modules");
    fs::create_dir(&modules).unwrap();
    fs::rename(skill.module(), modules.join("module.wasm")).unwrap();
    build(&modules.join("module.wasm"), &greedy());
    watched(&mut client, &modules.join("module.wasm"));
    settles(&mut client, &document, &[CODE]);
    // Some clients say no more than that the folder is gone.
    fs::remove_dir_all(&modules).unwrap();
    watched(&mut client, &modules);
    settles(&mut client, &document, &[]);
    client.stop();
}

#[test]
fn typing_asks_nothing_of_the_disk() {
    let skill = Skill::new();
    fs::write(skill.module(), module(&[("wasi_snapshot_preview1", "path_open"), ("env", "x")])).unwrap();
    fs::write(skill.folder().join("skillyard.toml"), "[rules]\n\"*\" = \"hint\"\n").unwrap();
    let mut client = skill.serve(full());
    let mut document = skill.open(&mut client);
    refreshed(&mut client);
    let seen = |client: &mut Client, document: &Document| {
        let found = document.pull(client);
        let strange: Vec<&Value> = found.iter().filter(|it| it["code"] == STRANGE).collect();
        assert!(strange.iter().all(|it| it["severity"] == 4), "{found:?}");
        found.iter().filter(|it| it["code"] == CODE).count()
    };
    assert_eq!(seen(&mut client, &document), 1);
    // Nobody says that all of it is gone: what was seen last counts, also for texts that were never audited.
    fs::remove_dir_all(skill.folder()).unwrap();
    for (text, count) in [(granting(), 0), (with_capabilities(), 1), (granting(), 0), (with_capabilities(), 1)] {
        document.set(&mut client, &text);
        refreshed(&mut client);
        assert_eq!(seen(&mut client, &document), count);
    }
    let place = document.range(Span::at(document.text.find("[capabilities").unwrap() + 2))["start"].take();
    let params = json!({"textDocument": document.id(), "position": place});
    assert!(client.call("textDocument/completion", params.clone()).is_object());
    assert!(client.call("textDocument/hover", params).is_object());
    // Saving is a reason to look.
    client.notify("textDocument/didSave", json!({"textDocument": document.id()}));
    refreshed(&mut client);
    assert_eq!(seen(&mut client, &document), 0);
    client.stop();
}

#[test]
fn a_client_that_only_saves_is_pushed_to() {
    let skill = Skill::new();
    build(&skill.module(), &greedy());
    let mut client = skill.serve(json!({"textDocument": {"publishDiagnostics": {"versionSupport": true}}}));
    let document = skill.open(&mut client);
    let pushed_until = |client: &mut Client, count: usize| loop {
        let pushed = client.notified("textDocument/publishDiagnostics");
        assert_eq!(pushed["version"], document.version);
        if about_modules(&document, pushed["diagnostics"].as_array().unwrap()).len() == count {
            return;
        }
    };
    pushed_until(&mut client, 1);
    build(&skill.module(), &module(&[]));
    client.notify("textDocument/didSave", json!({"textDocument": document.id()}));
    pushed_until(&mut client, 0);
    fs::remove_file(skill.module()).unwrap();
    client.notify("textDocument/didSave", json!({"textDocument": document.id()}));
    // The answer to something later: nothing of the kind is on its way.
    document.close(&mut client);
    while client.notified("textDocument/publishDiagnostics").get("version").is_some() {}
    client.stop();
}

#[test]
fn modules_are_watched_where_the_client_can() {
    let skill = Skill::new();
    let mut capabilities = modern();
    capabilities["workspace"]["didChangeWatchedFiles"] = json!({"dynamicRegistration": true});
    let mut client = skill.serve(capabilities);
    client.may_leave("workspace/codeLens/refresh");
    client.may_leave("workspace/diagnostic/refresh");
    client.serve("client/registerCapability", |asked| {
        let watchers = asked["registrations"][0]["registerOptions"]["watchers"].as_array().unwrap();
        let globs: Vec<&str> = watchers.iter().map(|watcher| watcher["globPattern"].as_str().unwrap()).collect();
        assert!(globs.contains(&"**/*.wasm") && globs.contains(&"**/skillyard.toml"), "{globs:?}");
        Value::Null
    });
    client.stop();
}

#[test]
fn an_audit_that_was_asked_for_shows_what_it_found() {
    let skill = Skill::new();
    let name = "[run](command:evil)<img src=x>`";
    build(&skill.module(), &module(&[("wasi_snapshot_preview1", "path_open"), ("env", name)]));
    let mut client = skill.serve(full());
    let mut document = skill.open(&mut client);
    refreshed(&mut client);
    document.set(&mut client, &GOOD.replace("1.0.0", "1.0.1"));
    let params = json!({"command": "skillyard.audit", "arguments": [{"uri": skill.uri()}], "workDoneToken": 1});
    let report = client.call("workspace/executeCommand", params);
    while client.notified("$/progress")["value"]["kind"] != "end" {}
    assert_eq!(report["version"], "1.0.1", "what is in the editor counts");
    assert_eq!((&report["passed"], &report["schema_version"]), (&json!(false), &json!(1)));
    let failed = client.notified("window/showMessage");
    assert_eq!(failed["type"], 1, "{failed}");
    let markdown = report["markdown"].as_str().unwrap();
    assert!(markdown.contains(CODE), "{markdown}");
    assert!(markdown.contains("img src"), "{markdown}");
    // Outside of code only what is escaped.
    let words: String = markdown.split('`').step_by(2).collect();
    for alive in ["](command:", "<", "img src"] {
        assert!(!words.replace("\\<", "").contains(alive), "{alive} in {markdown}");
    }
    // The same as on the command line, but for the time.
    fs::write(skill.manifest(), &document.text).unwrap();
    let (code, mut checked) = skill.run(&["audit", "--format", "json", skill.folder().to_str().unwrap()]);
    assert_eq!(code, Some(1));
    let mut reported = report.clone();
    for report in [&mut reported, &mut checked] {
        let report = report.as_object_mut().unwrap();
        report.remove("generated_at_unix_ms").unwrap();
        report.remove("markdown");
        report.remove("json");
    }
    assert_eq!(reported, checked);
    // Found already, and nothing that is news.
    assert_eq!(about_modules(&document, &document.pull(&mut client)).len(), 2);
    client.stop();
}

#[cfg(unix)]
#[test]
fn what_is_no_module_at_all_holds_nothing_up() {
    let place = |make: &dyn Fn(&Path)| {
        let skill = Skill::new();
        fs::remove_file(skill.module()).unwrap();
        make(&skill.module());
        let mut client = skill.serve(full());
        let document = skill.open(&mut client);
        document.pull(&mut client);
        let id = client.request(
            "workspace/executeCommand",
            json!({
                "command": "skillyard.audit", "arguments": [{"uri": skill.uri()}], "workDoneToken": 1,
            }),
        );
        let answer = client.answer(id);
        assert_eq!(answer["error"]["code"], -32803, "{answer}");
        while client.notified("$/progress")["value"]["kind"] != "end" {}
        assert_eq!(document.pull(&mut client), Vec::<Value>::new());
        client.stop();
    };
    let elsewhere: TempDir = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("x.wasm"), greedy()).unwrap();
    place(&|path| fs::create_dir(path).unwrap());
    place(&|path| std::os::unix::fs::symlink(elsewhere.path().join("x.wasm"), path).unwrap());
    place(&|path| fs::File::create(path).unwrap().set_len(1 << 40).unwrap());
    place(&|path| {
        let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    });
}

/// What the lenses of a document say behind the names of their commands, each asked for as an editor does that shows it.
fn notes(client: &mut Client, document: &Document) -> Vec<String> {
    let lenses = client.call("textDocument/codeLens", json!({"textDocument": document.id()}));
    let titles = lenses.as_array().unwrap().iter().map(|lens| {
        assert!(lens.get("command").is_none(), "{lens}");
        let shown = client.call("codeLens/resolve", lens.clone());
        assert_eq!(shown["range"], lens["range"]);
        shown["command"]["title"].as_str().unwrap().to_owned()
    });
    titles.filter_map(|title| Some(title.split_once(" · ")?.1.to_owned())).collect()
}

/// Asks for the lenses again with each refresh until they say this.
fn lenses_say(client: &mut Client, document: &Document, wanted: &[&str]) {
    while notes(client, document) != wanted {
        client.serve("workspace/codeLens/refresh", |_| Value::Null);
    }
}

#[test]
fn lenses_say_what_is_known_when_they_are_shown_and_are_asked_for_again() {
    let skill = Skill::new();
    fs::remove_file(skill.module()).unwrap();
    let mut capabilities = full();
    capabilities["textDocument"]["codeLens"] = json!({"resolveSupport": {"properties": ["command"]}});
    capabilities["workspace"]["codeLens"] = json!({"refreshSupport": true});
    let mut client = skill.serve(capabilities);
    client.may_leave("workspace/codeLens/refresh");
    client.may_leave("workspace/diagnostic/refresh");
    let document = skill.open(&mut client);
    lenses_say(&mut client, &document, &["no module yet"]);
    // A module comes, and another in its place.
    build(&skill.module(), &module(&[]));
    watched(&mut client, &skill.module());
    lenses_say(&mut client, &document, &["palyra plug-in"]);
    build(&skill.module(), &module(&[("env", "odd")]));
    watched(&mut client, &skill.module());
    lenses_say(&mut client, &document, &["1 finding", "palyra plug-in"]);
    // The configuration says that it does not matter.
    let config = skill.folder().join("skillyard.toml");
    fs::write(&config, format!("[rules]\n\"{STRANGE}\" = \"off\"\n")).unwrap();
    watched(&mut client, &config);
    lenses_say(&mut client, &document, &["palyra plug-in"]);
    client.stop();
}

#[test]
fn a_client_that_does_not_ask_for_what_is_left_out_gets_it_at_once() {
    let skill = Skill::new();
    let mut capabilities = full();
    capabilities["workspace"]["codeLens"] = json!({"refreshSupport": true});
    let mut client = skill.serve(capabilities);
    client.may_leave("workspace/codeLens/refresh");
    client.may_leave("workspace/diagnostic/refresh");
    let document = skill.open(&mut client);
    loop {
        let lenses = client.call("textDocument/codeLens", json!({"textDocument": document.id()}));
        let titles: Vec<&str> =
            lenses.as_array().unwrap().iter().map(|lens| lens["command"]["title"].as_str().unwrap()).collect();
        assert_eq!(&titles[..4], ["Package and Sign", "Verify", "Audit", "Install"]);
        if titles[4].ends_with(" · palyra plug-in") {
            break;
        }
        client.serve("workspace/codeLens/refresh", |_| Value::Null);
    }
    client.stop();
}
