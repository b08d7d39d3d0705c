//! The texts that are open in the editor, exactly as they are there.
//!
//! What is known of a document besides stands with it, so that it goes when the document is closed.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use ropey::Rope;
use skillyard_manifest::Encoding;
use skillyard_project::{config, files::MANIFEST_NAME};
use tower_lsp::ls_types::{Position, TextDocumentContentChangeEvent, Uri};

use crate::{
    around::{Beside, Surrounding},
    audits::Audited,
    requests::Sent,
    revision::Revision,
    runs::Ran,
};

/// The language that a client gives to manifests under any name.
const MANIFEST_LANGUAGE: &str = "skill-manifest";

/// The language that a client gives to configurations under any name.
const CONFIG_LANGUAGE: &str = "skillyard-config";

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A `skill.toml`.
    Manifest,
    /// A `skillyard.toml`.
    Config,
    /// Anything else, which is only kept in step.
    Other,
}

impl Kind {
    /// By the language, else by the file's name.
    fn of(uri: &Uri, language: &str) -> Self {
        match (language, file_name(uri).as_deref()) {
            (MANIFEST_LANGUAGE, _) => Self::Manifest,
            (CONFIG_LANGUAGE, _) => Self::Config,
            (_, Some(MANIFEST_NAME)) => Self::Manifest,
            (_, Some(config::FILE_NAME)) => Self::Config,
            _ => Self::Other,
        }
    }
}

/// A document that is open: its text, and what is known besides. All of it goes when it is closed.
pub(crate) struct Document {
    /// The newest state of its text.
    pub(crate) revision: Arc<Revision>,
    /// What the audit of a manifest's folder found last, where it found anything.
    pub(crate) audited: Option<Arc<Audited>>,
    /// What calls of a manifest's tools have shown.
    pub(crate) ran: Option<Arc<Ran>>,
    /// What lies around a manifest.
    pub(crate) surrounding: Option<Arc<Surrounding>>,
    /// What looks at a manifest's folder remember.
    pub(crate) beside: Arc<Beside>,
    /// What was sent last of the semantic tokens.
    pub(crate) tokens: Arc<Mutex<Sent>>,
}

impl Document {
    fn new(revision: Arc<Revision>) -> Self {
        let (beside, tokens) = (Arc::default(), Arc::default());
        Self { revision, audited: None, ran: None, surrounding: None, beside, tokens }
    }
}

/// The open documents.
#[derive(Default)]
pub(crate) struct Documents(HashMap<Uri, Document>);

impl Documents {
    /// Opens a document, or replaces its text where it is open already.
    pub(crate) fn open(&mut self, uri: Uri, language: &str, version: i32, text: &str) {
        let kind = Kind::of(&uri, language);
        let revision = Revision::new(uri.clone(), version, Rope::from_str(text), kind);
        match self.0.entry(uri) {
            Entry::Occupied(mut open) => open.get_mut().revision = revision,
            Entry::Vacant(entry) => drop(entry.insert(Document::new(revision))),
        }
    }

    /// Applies changes in their order; `false` if the document is not open.
    pub(crate) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: &[TextDocumentContentChangeEvent],
        encoding: Encoding,
    ) -> bool {
        let Some(document) = self.0.get_mut(uri) else { return false };
        let mut text = document.revision.rope.clone();
        for change in changes {
            apply(&mut text, change, encoding);
        }
        document.revision = document.revision.next(version, text);
        true
    }

    /// Forgets a document; its last state, if it was open.
    pub(crate) fn close(&mut self, uri: &Uri) -> Option<Document> {
        self.0.remove(uri)
    }

    /// A document.
    pub(crate) fn get(&self, uri: &Uri) -> Option<&Document> {
        self.0.get(uri)
    }

    /// Whether the file at a path from the root is open, under whatever spelling of its address, as something that is
    /// spoken of.
    pub(crate) fn has_file(&self, path: &Path) -> bool {
        self.all()
            .any(|document| document.revision.kind != Kind::Other && document.revision.path.as_deref() == Some(path))
    }

    /// A document, to be told more about.
    pub(crate) fn get_mut(&mut self, uri: &Uri) -> Option<&mut Document> {
        self.0.get_mut(uri)
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Document> {
        self.0.values()
    }
}

/// The file that a document is in, where it is in one.
pub(crate) fn file_path(uri: &Uri) -> Option<PathBuf> {
    if !uri.scheme().as_str().eq_ignore_ascii_case("file") {
        return None;
    }
    uri.to_file_path().map(|path| path.into_owned())
}

/// The last part of the document's path, decoded.
pub(crate) fn file_name(uri: &Uri) -> Option<String> {
    let name = uri.path().split('/').next_back()?;
    Some(name.decode().to_string_lossy().into_owned())
}

/// Applies one change. Places outside the text are moved to its nearest place, and a range that runs backwards is
/// turned round.
fn apply(text: &mut Rope, change: &TextDocumentContentChangeEvent, encoding: Encoding) {
    let Some(range) = change.range else {
        *text = Rope::from_str(&change.text);
        return;
    };
    let (start, end) = (char_at(text, range.start, encoding), char_at(text, range.end, encoding));
    let (start, end) = (start.min(end), start.max(end));
    // Both are within the text, so that neither fails.
    if text.try_remove(start..end).is_ok() {
        let _ = text.try_insert(start, &change.text);
    }
}

/// The index of the character at `position`. A line behind the last is the end of the text, a column behind the end of
/// its line that end, and a column within a character its start.
pub(crate) fn char_at(text: &Rope, position: Position, encoding: Encoding) -> usize {
    let (line, column) = (position.line as usize, position.character as usize);
    let Some(content) = text.get_line(line) else { return text.len_chars() };
    let ends_with =
        |c, back: usize| content.len_chars().checked_sub(back).and_then(|at| content.get_char(at)) == Some(c);
    let line_end = match () {
        () if ends_with('\n', 1) && ends_with('\r', 2) => 2,
        () if ends_with('\n', 1) || ends_with('\r', 1) => 1,
        () => 0,
    };
    let len = content.len_chars() - line_end;
    let content = content.slice(..len);
    let within = match encoding {
        Encoding::Utf8 => content.try_byte_to_char(column.min(content.len_bytes())),
        Encoding::Utf16 => content.try_utf16_cu_to_char(column.min(content.len_utf16_cu())),
        Encoding::Utf32 => Ok(column.min(len)),
    };
    text.line_to_char(line) + within.unwrap_or(len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use skillyard_manifest::{LineIndex, Position as Place};
    use tower_lsp::ls_types::Range;

    use super::*;

    const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    fn edit(start: (u32, u32), end: (u32, u32), text: &str) -> TextDocumentContentChangeEvent {
        let range = Range::new(Position::new(start.0, start.1), Position::new(end.0, end.1));
        TextDocumentContentChangeEvent { range: Some(range), range_length: None, text: text.to_owned() }
    }

    fn after(text: &str, change: &TextDocumentContentChangeEvent, encoding: Encoding) -> String {
        let mut documents = Documents::default();
        let uri = uri("file:///skill.toml");
        documents.open(uri.clone(), "toml", 1, text);
        assert!(documents.change(&uri, 2, std::slice::from_ref(change), encoding));
        documents.get(&uri).unwrap().revision.rope.to_string()
    }

    #[test]
    fn manifests_and_configurations_are_known_by_name_or_language() {
        let kind = |at: &str, language| {
            let mut documents = Documents::default();
            documents.open(uri(at), language, 1, "");
            documents.get(&uri(at)).unwrap().revision.kind
        };
        for at in ["file:///a/skill.toml", "file:///a/sk%69ll.toml", "vscode-vfs://github/a/skill.toml"] {
            assert_eq!(kind(at, "toml"), Kind::Manifest, "{at}");
        }
        assert_eq!(kind("untitled:Untitled-1", "skill-manifest"), Kind::Manifest);
        assert_eq!(kind("file:///a/skillyard.toml", "toml"), Kind::Config);
        assert_eq!(kind("file:///a/skillyard.toml", "plaintext"), Kind::Config);
        assert_eq!(kind("untitled:Untitled-1", "skillyard-config"), Kind::Config);
        for at in ["file:///a/Cargo.toml", "file:///skill.toml/x", "file:///a/skillyard.toml.orig"] {
            assert_eq!(kind(at, "toml"), Kind::Other, "{at}");
        }
    }

    #[test]
    fn only_open_documents_change() {
        let mut documents = Documents::default();
        let uri = uri("file:///skill.toml");
        assert!(!documents.change(&uri, 1, &[], Encoding::Utf16));
        documents.open(uri.clone(), "toml", 1, "a");
        assert!(documents.close(&uri).is_some());
        assert!(documents.close(&uri).is_none());
        assert!(!documents.change(&uri, 2, &[], Encoding::Utf16));
        assert!(documents.get(&uri).is_none());
    }

    #[test]
    fn a_snapshot_stays_as_it_was() {
        let mut documents = Documents::default();
        let uri = uri("file:///skill.toml");
        documents.open(uri.clone(), "toml", 1, "a");
        let before = Arc::clone(&documents.get(&uri).unwrap().revision);
        documents.change(&uri, 2, &[edit((0, 1), (0, 1), "b")], Encoding::Utf16);
        assert_eq!((before.rope.to_string(), before.version), ("a".to_owned(), 1));
        assert!(!Arc::ptr_eq(&before, &documents.get(&uri).unwrap().revision));
    }

    #[test]
    fn places_outside_the_text_are_moved_into_it() {
        let text = "ab\r\nc\u{1F600}d\rx";
        for encoding in ENCODINGS {
            assert_eq!(after(text, &edit((0, 99), (0, 99), "!"), encoding), "ab!\r\nc\u{1F600}d\rx");
            assert_eq!(after(text, &edit((1, u32::MAX), (1, u32::MAX), "!"), encoding), "ab\r\nc\u{1F600}d!\rx");
            assert_eq!(after(text, &edit((u32::MAX, 7), (u32::MAX, u32::MAX), "!"), encoding), format!("{text}!"));
            assert_eq!(after(text, &edit((0, 2), (0, 1), "!"), encoding), "a!\r\nc\u{1F600}d\rx");
            assert_eq!(after(text, &edit((9, 9), (0, 0), ""), encoding), "");
        }
        // Between the surrogates: the start of the character.
        assert_eq!(after(text, &edit((1, 2), (1, 3), ""), Encoding::Utf16), "ab\r\ncd\rx");
        assert_eq!(after(text, &edit((1, 3), (1, 5), ""), Encoding::Utf8), "ab\r\ncd\rx");
    }

    /// What an editor holds: characters that are cut up in different ways, and line ends of all kinds.
    fn piece() -> impl Strategy<Value = String> {
        const PARTS: [&str; 14] = [
            "a",
            "\"",
            " = ",
            "\n",
            "\r\n",
            "\r",
            "\u{1F600}",
            "e\u{301}",
            "\u{2028}",
            "\u{85}",
            "\u{b}",
            "ß",
            "\u{10FFFF}",
            "\0",
        ];
        proptest::collection::vec(proptest::sample::select(&PARTS[..]), 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        /// After any edits the server holds the client's text, in each encoding. The client's side is plain string
        /// surgery with the places counted by `LineIndex`.
        #[test]
        fn edits_end_in_the_clients_text(
            start in piece(),
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), piece()), 1..40),
        ) {
            for encoding in ENCODINGS {
                let mut documents = Documents::default();
                let uri = uri("file:///skill.toml");
                documents.open(uri.clone(), "toml", 0, &start);
                let mut client = start.clone();
                for (version, (from, to, text)) in (1..).zip(&edits) {
                    // A place between CR and LF has no line and column.
                    let places: Vec<usize> = (0..=client.len())
                        .filter(|&at| client.is_char_boundary(at))
                        .filter(|&at| !(client[..at].ends_with('\r') && client[at..].starts_with('\n')))
                        .collect();
                    let (from, to) = (places[from.index(places.len())], places[to.index(places.len())]);
                    let (from, to) = (from.min(to), from.max(to));
                    let index = LineIndex::new(&client);
                    let at = |offset| {
                        let Place { line, character } = index.position(&client, offset, encoding);
                        (line, character)
                    };
                    let change = edit(at(from), at(to), text);
                    client.replace_range(from..to, text);
                    prop_assert!(documents.change(&uri, version, &[change], encoding));
                    prop_assert_eq!(&documents.get(&uri).unwrap().revision.rope, client.as_str());
                }
            }
        }
    }
}
