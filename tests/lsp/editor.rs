//! An editor as far as the tests need one: it holds a text, changes it and tells the server, counts places in the
//! agreed encoding, and applies the server's edits.

use serde_json::{Value, json};
use skillyard_manifest::{Encoding, LineIndex, Position, Span, TextEdit, fix::apply_edits};

use crate::client::{Client, notification};

/// A document that is open.
pub struct Document {
    pub uri: String,
    pub text: String,
    pub version: i32,
    pub encoding: Encoding,
}

impl Document {
    /// Opens a document.
    pub fn open(client: &mut Client, uri: &str, language: &str, text: &str, encoding: Encoding) -> Self {
        let item = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        client.notify("textDocument/didOpen", json!({"textDocument": item}));
        Self { uri: uri.to_owned(), text: text.to_owned(), version: 1, encoding }
    }

    /// Closes it.
    pub fn close(self, client: &mut Client) {
        client.notify("textDocument/didClose", json!({"textDocument": self.id()}));
    }

    /// The document in a request.
    pub fn id(&self) -> Value {
        json!({"uri": self.uri})
    }

    /// Replaces bytes of the text and returns the change that says so.
    pub fn edit(&mut self, span: Span, text: &str) -> Value {
        let change = json!({"range": self.range(span), "text": text});
        self.text.replace_range(span.start..span.end, text);
        change
    }

    /// The notification of changes that were made.
    pub fn changed(&mut self, changes: &[Value]) -> Value {
        self.version += 1;
        let document = json!({"uri": self.uri, "version": self.version});
        notification("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}))
    }

    /// Replaces the whole text and tells the server.
    pub fn set(&mut self, client: &mut Client, text: &str) {
        self.text = text.to_owned();
        client.send(&self.changed(&[json!({"text": text})]));
    }

    pub fn range(&self, span: Span) -> Value {
        let index = LineIndex::new(&self.text);
        let place = |offset| {
            let Position { line, character } = index.position(&self.text, offset, self.encoding);
            json!({"line": line, "character": character})
        };
        json!({"start": place(span.start), "end": place(span.end)})
    }

    /// The bytes of a range that the server sent.
    pub fn span(&self, range: &Value) -> Span {
        self.span_by(&LineIndex::new(&self.text), range)
    }

    fn span_by(&self, index: &LineIndex, range: &Value) -> Span {
        let number = |value: &Value| u32::try_from(value.as_u64().expect("a number")).expect("32 bits");
        let byte = |place: &Value| {
            let place = Position { line: number(&place["line"]), character: number(&place["character"]) };
            let offset = index.offset(&self.text, place, self.encoding);
            assert_eq!(index.position(&self.text, offset, self.encoding), place, "a place that the text has");
            offset
        };
        Span::new(byte(&range["start"]), byte(&range["end"]))
    }

    /// The text after edits that the server sent.
    pub fn with_edits(&self, edits: &Value) -> String {
        let index = LineIndex::new(&self.text);
        let edits = edits.as_array().expect("edits").iter().map(|edit| TextEdit {
            span: self.span_by(&index, &edit["range"]),
            text: edit["newText"].as_str().expect("a text").to_owned(),
        });
        apply_edits(&self.text, &edits.collect::<Vec<_>>())
    }

    /// The text after a `WorkspaceEdit` with `documentChanges`, which must be about this version of this document.
    pub fn with_workspace_edit(&self, edit: &Value) -> String {
        let changes = edit["documentChanges"].as_array().expect("documentChanges");
        assert_eq!(changes.len(), 1, "{edit}");
        assert_eq!(changes[0]["textDocument"], json!({"uri": self.uri, "version": self.version}));
        self.with_edits(&changes[0]["edits"])
    }

    /// Asks for the diagnostics.
    pub fn pull(&self, client: &mut Client) -> Vec<Value> {
        let mut report = client.call("textDocument/diagnostic", json!({"textDocument": self.id()}));
        assert_eq!(report["kind"], "full");
        match report["items"].take() {
            Value::Array(items) => items,
            other => panic!("{other}"),
        }
    }

    /// What is to be compared of a diagnostic: code, severity, message and bytes.
    pub fn seen(&self, diagnostics: &[Value]) -> Vec<Value> {
        let index = LineIndex::new(&self.text);
        let seen = diagnostics.iter().map(|found| {
            assert_eq!(found["source"], "skillyard");
            let severity = match found["severity"].as_u64() {
                Some(1) => "error",
                Some(2) => "warning",
                Some(3) => "info",
                Some(4) => "hint",
                other => panic!("{other:?}"),
            };
            let span = self.span_by(&index, &found["range"]);
            json!({
                "code": found["code"], "severity": severity, "message": found["message"],
                "byte_range": [span.start, span.end], "url": found["codeDescription"]["href"],
            })
        });
        seen.collect()
    }
}
