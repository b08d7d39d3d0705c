//! The server's text stays the editor's, whatever is typed and however fast.

use serde_json::{Value, json};
use skillyard_manifest::{Encoding, Span};

use crate::{GOOD, checked, client::frame, editor::Document, greeted, modern, open};

/// What is typed: pieces of TOML, and characters that encodings and line counts disagree about.
const PIECES: [&str; 24] = [
    "a",
    "\"",
    "'",
    " = ",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "#",
    ",",
    ".",
    "1",
    "true",
    "\n",
    "\r\n",
    "\r",
    "\u{1F600}",
    "e\u{301}",
    "\u{2028}",
    "\u{85}",
    "ß",
    "\u{10FFFF}",
    "\nkey = \"\u{1F44D}\u{1F3FD}\"\r\n",
];

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    /// A place that has a line and a column: not within a character, not between CR and LF.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) || (text[..at].ends_with('\r') && text[at..].starts_with('\n')) {
            at -= 1;
        }
        at
    }

    /// Some edit of the document, most of them small.
    fn edit(&mut self, document: &mut Document) -> Value {
        let text: String = (0..self.below(4)).map(|_| PIECES[self.below(PIECES.len())]).collect();
        let start = self.place(&document.text);
        let near = document.text.floor_char_boundary(start + 30);
        let end = if self.below(3) == 0 { self.place(&document.text[..near]).max(start) } else { start };
        document.edit(Span::new(start, end), &text)
    }

    /// A notification of one change, or now and then of several or of the whole text.
    fn change(&mut self, document: &mut Document) -> Value {
        let mut changes: Vec<Value> = (0..1 + self.below(2)).map(|_| self.edit(document)).collect();
        if self.below(100) == 0 {
            changes.push(json!({"text": document.text}));
        }
        document.changed(&changes)
    }
}

fn encodings() -> [(Encoding, &'static str); 3] {
    [(Encoding::Utf8, "utf-8"), (Encoding::Utf16, "utf-16"), (Encoding::Utf32, "utf-32")]
}

#[test]
fn a_thousand_edits_in_each_encoding_end_in_the_editors_text() {
    for (encoding, name) in encodings() {
        let mut capabilities = modern();
        capabilities["general"]["positionEncodings"] = json!([name]);
        let mut client = greeted(capabilities, json!({}));
        let uri = "file:///nowhere/skill.toml";
        let mut document = Document::open(&mut client, uri, "toml", GOOD, encoding);
        let mut dice = Dice(0x5EED);
        for round in 1..=1000 {
            client.send(&dice.change(&mut document));
            if round % 100 == 0 {
                let pulled = document.pull(&mut client);
                assert!(!pulled.is_empty());
                assert_eq!(document.seen(&pulled), checked(&document.text), "{name}, after {round} changes");
            }
        }
        client.stop();
    }
}

#[test]
fn two_hundred_changes_at_once_among_slow_requests_end_in_the_editors_text() {
    let mut client = greeted(modern(), json!({}));
    let slow = slow_document(&mut client);
    let requests: Vec<i64> = (0..20).map(|_| client.request("textDocument/codeAction", fix_all(&slow))).collect();
    let mut document = open(&mut client, GOOD);
    let mut dice = Dice(7);
    let changes: Vec<u8> = (0..200).flat_map(|_| frame(&dice.change(&mut document))).collect();
    client.send_bytes(&changes);
    let pulled = document.pull(&mut client);
    assert_eq!(document.seen(&pulled), checked(&document.text));
    for id in requests {
        client.notify("$/cancelRequest", json!({"id": id}));
        client.answer(id);
    }
    client.stop();
}

#[test]
fn cancelling_answers_while_the_work_goes_on() {
    let mut client = greeted(modern(), json!({}));
    let slow = slow_document(&mut client);
    // Numbers that no request before has.
    let requests: Vec<i64> = (1000..1020).collect();
    let asked = requests
        .iter()
        .map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/codeAction", "params": fix_all(&slow)}));
    let cancelled =
        requests.iter().map(|id| json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id}}));
    let sent: Vec<u8> = asked.chain(cancelled).flat_map(|message| frame(&message)).collect();
    client.send_bytes(&sent);
    // All were sent in one go: the last of them has not had its turn yet, and is cancelled all the same.
    let answers: Vec<Value> = requests.into_iter().map(|id| client.answer(id)).collect();
    assert_eq!(answers.last().unwrap()["error"]["code"], -32800);
    client.stop();
}

/// A document that takes long to fix: two hundred tools, each with the same fault.
fn slow_document(client: &mut crate::client::Client) -> Document {
    let (head, tool) = GOOD.split_at(GOOD.find("[[").unwrap());
    let (tool, tail) = tool.split_at(tool.find("[compat]").unwrap());
    let tools: String = (0..200).map(|n| tool.replace("acme.echo", &format!("echo{n}"))).collect();
    let uri = "file:///nowhere/slow/skill.toml";
    Document::open(client, uri, "toml", &format!("{head}{tools}{tail}"), Encoding::Utf16)
}

fn fix_all(document: &Document) -> Value {
    let place = json!({"line": 0, "character": 0});
    json!({
        "textDocument": document.id(), "range": {"start": place, "end": place},
        "context": {"diagnostics": [], "only": ["source.fixAll"]},
    })
}
