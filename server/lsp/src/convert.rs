//! From the analysis to the protocol: byte spans to ranges in the client's encoding, diagnostics, edits.

use ropey::Rope;
use serde_json::json;
use skillyard_ide::Doc;
use skillyard_manifest::{self as manifest, Encoding, Severity, Span, Tag};
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
        let text = &self.revision.rope;
        Range::new(position(text, span.start, self.client.encoding), position(text, span.end, self.client.encoding))
    }

    pub(crate) fn position(self, offset: usize) -> Position {
        position(&self.revision.rope, offset, self.client.encoding)
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

/// The line and column of byte `offset`. An offset within a character counts as its start, one behind the text as its
/// end, and one between CR and LF, which the protocol cannot name, as the end of the line. The time does not depend on
/// the length of the line.
fn position(text: &Rope, offset: usize, encoding: Encoding) -> Position {
    let mut at = text.byte_to_char(offset.min(text.len_bytes()));
    if at > 0 && text.get_char(at) == Some('\n') && text.get_char(at - 1) == Some('\r') {
        at -= 1;
    }
    let line = text.char_to_line(at);
    let start = text.line_to_char(line);
    let column = match encoding {
        Encoding::Utf8 => text.char_to_byte(at) - text.char_to_byte(start),
        Encoding::Utf16 => text.char_to_utf16_cu(at) - text.char_to_utf16_cu(start),
        Encoding::Utf32 => at - start,
    };
    let number = |n| u32::try_from(n).unwrap_or(u32::MAX);
    Position::new(number(line), number(column))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use skillyard_manifest::LineIndex;

    use super::*;

    proptest! {
        /// The command line counts with `LineIndex`, the server with the rope: they must agree.
        #[test]
        fn places_are_those_of_the_command_line(text in "[ab\\r\\n\u{e9}\u{2028}\u{85}\u{1F600}\u{301}]{0,40}", at in 0..200_usize) {
            let rope = Rope::from_str(&text);
            let index = LineIndex::new(&text);
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                let ours = position(&rope, at, encoding);
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
