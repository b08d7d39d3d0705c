//! Diagnostics, pushed and pulled.

use serde_json::{Value, json};
use skillyard_manifest::Encoding;

use crate::{GOOD, checked, client::frame, editor::Document, greeted, modern, open};

const OUTSIDE: (&str, &str) = ("id = \"acme.echo\"", "id = \"echo\"");

fn bad() -> String {
    // The first is the skill's own id.
    GOOD.replace(&format!("\n{}", OUTSIDE.0), &format!("\n{}", OUTSIDE.1))
}

#[test]
fn pulled_diagnostics_say_all_there_is() {
    let mut client = greeted(modern(), json!({}));
    let document = open(&mut client, &bad());
    let found = document.pull(&mut client);
    assert_eq!(document.seen(&found), checked(&document.text));
    let found = found.iter().find(|found| found["code"] == "tool/not-namespaced").unwrap();
    assert_eq!(document.span(&found["range"]).of(&document.text), "\"echo\"");
    assert!(found["codeDescription"]["href"].as_str().unwrap().ends_with("tool/not-namespaced"));
    let fix = &found["data"]["fixes"][0];
    assert_eq!(document.with_edits(&fix["edits"]), GOOD);
    assert_eq!(found["data"]["version"], document.version);
    client.stop();
}

#[test]
fn a_result_that_is_still_true_is_not_sent_again() {
    let mut client = greeted(modern(), json!({}));
    let mut document = open(&mut client, &bad());
    let pull = |client: &mut crate::client::Client, previous: Value| {
        let params = json!({"textDocument": {"uri": "file:///nowhere/skill.toml"}, "previousResultId": previous});
        client.call("textDocument/diagnostic", params)
    };
    let first = pull(&mut client, Value::Null);
    assert_eq!(first["kind"], "full");
    let again = pull(&mut client, first["resultId"].clone());
    assert_eq!(again, json!({"kind": "unchanged", "resultId": first["resultId"]}));
    document.set(&mut client, GOOD);
    let changed = pull(&mut client, first["resultId"].clone());
    assert_eq!((&changed["kind"], &changed["items"]), (&json!("full"), &json!([])));
    assert_ne!(changed["resultId"], first["resultId"]);
    client.stop();
}

#[test]
fn only_manifests_are_analysed() {
    let mut client = greeted(modern(), json!({}));
    let mut found = |uri: &str, language: &str| {
        let document = Document::open(&mut client, uri, language, "no manifest", Encoding::Utf16);
        let found = document.pull(&mut client);
        document.close(&mut client);
        !found.is_empty()
    };
    assert!(found("file:///any/where/skill.toml", "plaintext"));
    assert!(found("untitled:Untitled-1", "skill-manifest"));
    assert!(!found("file:///any/where/Cargo.toml", "toml"));
    assert!(!found("file:///any/where/skill.toml.orig", "toml"));
    client.stop();
}

#[test]
fn a_client_that_cannot_pull_is_pushed_to_and_the_newest_version_wins() {
    let capabilities = json!({"textDocument": {"publishDiagnostics": {"versionSupport": true}}});
    let mut client = greeted(capabilities, json!({}));
    let mut document = open(&mut client, &bad());
    let first = client.notified("textDocument/publishDiagnostics");
    assert_eq!((&first["uri"], &first["version"]), (&json!(document.uri), &json!(1)));
    assert_eq!(document.seen(first["diagnostics"].as_array().unwrap()), checked(&document.text));
    // What the client did not say it knows is left out.
    for field in ["relatedInformation", "tags", "data"] {
        assert!(first["diagnostics"][0].get(field).is_none(), "{field}");
    }

    let mut changes = Vec::new();
    for round in 0..200 {
        let text = if round % 2 == 0 { GOOD.to_owned() } else { format!("{}\n# {round}\n[", bad()) };
        document.text = text;
        changes.extend(frame(&document.changed(&[json!({"text": document.text})])));
    }
    client.send_bytes(&changes);
    let (mut version, newest) = (1, i64::from(document.version));
    while version < newest {
        let pushed = client.notified("textDocument/publishDiagnostics");
        let next = pushed["version"].as_i64().unwrap();
        assert!(next > version, "{next} after {version}");
        version = next;
        if version == newest {
            assert_eq!(document.seen(pushed["diagnostics"].as_array().unwrap()), checked(&document.text));
        }
    }

    document.close(&mut client);
    let last = client.notified("textDocument/publishDiagnostics");
    assert_eq!(last, json!({"uri": "file:///nowhere/skill.toml", "diagnostics": []}));
    client.stop();
}

#[test]
fn offers_fit_the_client() {
    let mut client = crate::start();
    let modern = client.call("initialize", json!({"capabilities": modern()}))["capabilities"].take();
    assert_eq!(modern["positionEncoding"], "utf-16");
    assert_eq!(modern["diagnosticProvider"]["workspaceDiagnostics"], false);
    assert_eq!(modern["textDocumentSync"]["change"], 2);
    client.stop();

    let mut client = crate::start();
    let old = client.call("initialize", json!({"capabilities": {}}))["capabilities"].take();
    assert_eq!(old["positionEncoding"], "utf-16");
    assert!(old.get("diagnosticProvider").is_none());
    assert_eq!(old["codeActionProvider"], true);
    client.stop();
}
