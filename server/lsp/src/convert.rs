//! From the analysis to the protocol: byte spans to ranges in the client's encoding, diagnostics, edits.

use ropey::Rope;
use serde_json::json;
use skillyard_ide::Doc;
use skillyard_manifest::{self as manifest, Encoding, LineIndex, Severity, Span, Tag};
use tower_lsp::ls_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, DocumentChanges,
    Location, MarkupContent, MarkupKind, NumberOrString, OneOf, OptionalVersionedTextDocumentIdentifier, Position,
    Range, TextDocumentEdit, TextEdit, WorkspaceEdit,
};

use crate::{client::Abilities, documents::char_at, revision::Revision};

/// Who the diagnostics are from.
pub(crate) const SOURCE: &str = "skillyard";

/// Turns places of one revision into the client's.
#[derive(Clone, Copy)]
pub(crate) struct Converter<'a> {
    pub(crate) revision: &'a Revision,
    pub(crate) client: &'a Abilities,
}

impl Converter<'_> {
    pub(crate) fn range(self, span: Span) -> Range {
        Range::new(self.position(span.start), self.position(span.end))
    }

    pub(crate) fn position(self, offset: usize) -> Position {
        let revision = self.revision;
        position(revision.text(), revision.lines(), &revision.rope, offset, self.client.encoding)
    }

    /// The byte at a position.
    pub(crate) fn offset(self, at: Position) -> usize {
        let text = &self.revision.rope;
        text.char_to_byte(char_at(text, at, self.client.encoding))
    }

    /// The bytes of a range; one that runs backwards is turned round.
    pub(crate) fn span(self, range: Range) -> Span {
        let text = &self.revision.rope;
        let byte = |position| text.char_to_byte(char_at(text, position, self.client.encoding));
        let (start, end) = (byte(range.start), byte(range.end));
        Span::new(start.min(end), start.max(end))
    }

    pub(crate) fn diagnostic(self, found: &manifest::Diagnostic) -> Diagnostic {
        let url = found.rule.url();
        let related = found.related.iter().map(|related| DiagnosticRelatedInformation {
            location: Location::new(self.revision.uri.clone(), self.range(related.span)),
            message: related.message.clone(),
        });
        let tag = found.tag.map(|tag| match tag {
            Tag::Deprecated => DiagnosticTag::DEPRECATED,
            Tag::Unnecessary => DiagnosticTag::UNNECESSARY,
        });
        Diagnostic {
            range: self.range(found.span),
            severity: Some(severity(found.severity)),
            code: Some(NumberOrString::String(found.rule.code.to_owned())),
            code_description: url.parse().ok().map(|href| CodeDescription { href }),
            source: Some(SOURCE.to_owned()),
            message: found.message.clone(),
            related_information: (self.client.related_information && !found.related.is_empty())
                .then(|| related.collect()),
            tags: tag.filter(|tag| self.client.tags.contains(tag)).map(|tag| vec![tag]),
            data: (self.client.diagnostic_data && !found.fixes.is_empty()).then(|| self.data(found)),
        }
    }

    /// The fixes, for clients that apply one without asking for code actions.
    fn data(self, found: &manifest::Diagnostic) -> serde_json::Value {
        let fixes = found.fixes.iter().map(|fix| {
            let edits: Vec<TextEdit> = fix.edits.iter().map(|edit| self.edit(edit)).collect();
            json!({"title": fix.title, "safe": fix.safe, "edits": edits})
        });
        json!({"version": self.revision.version, "fixes": fixes.collect::<Vec<_>>()})
    }

    pub(crate) fn edit(self, edit: &manifest::TextEdit) -> TextEdit {
        TextEdit::new(self.range(edit.span), edit.text.clone())
    }

    /// Edits of the document; of this very version where the client can tell versions apart.
    pub(crate) fn workspace_edit(self, edits: &[manifest::TextEdit]) -> WorkspaceEdit {
        let edits = edits.iter().map(|edit| self.edit(edit));
        let uri = self.revision.uri.clone();
        if self.client.document_changes {
            let edit = TextDocumentEdit {
                text_document: OptionalVersionedTextDocumentIdentifier { uri, version: Some(self.revision.version) },
                edits: edits.map(OneOf::Left).collect(),
            };
            WorkspaceEdit { document_changes: Some(DocumentChanges::Edits(vec![edit])), ..WorkspaceEdit::default() }
        } else {
            WorkspaceEdit { changes: Some([(uri, edits.collect())].into()), ..WorkspaceEdit::default() }
        }
    }
}

/// A text for a person, as Markdown where the client shows that.
pub(crate) fn markup(doc: &Doc, markdown: bool) -> MarkupContent {
    if markdown {
        MarkupContent { kind: MarkupKind::Markdown, value: doc.markdown() }
    } else {
        MarkupContent { kind: MarkupKind::PlainText, value: doc.plain() }
    }
}

/// A severity in the protocol.
pub(crate) fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
        Severity::Hint => DiagnosticSeverity::HINT,
    }
}

/// How far from its line's start a place is counted in the text itself, in bytes.
const NEAR: usize = 1024;

/// The line and column of byte `offset` of a text, with where its lines start and the same text as a rope. An offset
/// within a character counts as its start, one behind the text as its end, and one between CR and LF, which the protocol
/// cannot name, as the end of the line.
///
/// An outline asks for thousands, so nothing is counted twice; and a line may be as long as a file, so that far from its
/// start the rope is asked, which has counted already.
fn position(text: &str, lines: &LineIndex, rope: &Rope, offset: usize, encoding: Encoding) -> Position {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let bytes = text.as_bytes();
    if bytes.get(offset) == Some(&b'\n') && bytes.get(..offset).is_some_and(|before| before.ends_with(b"\r")) {
        offset -= 1;
    }
    let line = lines.line_of(offset);
    let start = lines.line_span(line).start;
    let before = text.get(start..offset).unwrap_or_default();
    let column = match encoding {
        Encoding::Utf8 => before.len(),
        _ if before.len() > NEAR => {
            let before = rope.byte_slice(start..offset);
            if encoding == Encoding::Utf16 { before.len_utf16_cu() } else { before.len_chars() }
        }
        _ if before.is_ascii() => before.len(),
        Encoding::Utf16 => before.encode_utf16().count(),
        Encoding::Utf32 => before.chars().count(),
    };
    let number = |n| u32::try_from(n).unwrap_or(u32::MAX);
    Position::new(number(line), number(column))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The command line counts with `LineIndex`, the server with the rope: they must agree.
        #[test]
        fn places_are_those_of_the_command_line(
            piece in "[ab\\r\\n\u{e9}\u{2028}\u{85}\u{1F600}\u{301}]{0,40}",
            // A rope's chunks have about a thousand bytes, and a line may be longer.
            (times, line) in prop_oneof![Just((1, 0)), (1..120_usize, 0..3000_usize)],
            at in 0.0..1.1,
        ) {
            let text = format!("{}{}{}", piece.repeat(times), "\u{e9}".repeat(line), piece.repeat(times));
            let at = (text.len() as f64 * at) as usize;
            let rope = Rope::from_str(&text);
            let index = LineIndex::new(&text);
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                let ours = position(&text, &index, &rope, at, encoding);
                let cut = text.get(..at).is_some_and(|before| before.ends_with('\r') && text[at..].starts_with('\n'));
                let at = if cut { at - 1 } else { at };
                let theirs = index.position(&text, at, encoding);
                prop_assert_eq!((ours.line, ours.character), (theirs.line, theirs.character));
                let back = rope.char_to_byte(char_at(&rope, ours, encoding));
                prop_assert_eq!(back, index.offset(&text, theirs, encoding));
            }
        }
    }
}
