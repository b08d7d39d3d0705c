//! `textDocument/inlayHint`: what numbers come to and who approves a tool's calls, between the author's words.

use skillyard_ide as ide;
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{InlayHint, InlayHintLabel, InlayHintParams, InlayHintTooltip, Uri},
};

use super::DocumentRequest;
use crate::{convert::markup, documents::Kind, session::Snapshot};

/// `textDocument/inlayHint`.
pub(crate) struct InlayHints;

impl DocumentRequest for InlayHints {
    type Params = InlayHintParams;
    type Answer = Option<Vec<InlayHint>>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        let kinds = snapshot.settings.inlay_kinds(snapshot.revision.folder.as_deref());
        let found = ide::inlay_hints(snapshot.source(), converter.span(params.range), kinds);
        let hints = found.into_iter().map(|hint| InlayHint {
            position: converter.position(hint.offset),
            label: InlayHintLabel::String(hint.label),
            kind: None,
            text_edits: None,
            tooltip: hint
                .tooltip
                .map(|doc| InlayHintTooltip::MarkupContent(markup(&doc, snapshot.client.hover_markdown))),
            padding_left: Some(hint.padding_left),
            padding_right: Some(hint.padding_right),
            data: None,
        });
        Ok(Some(hints.collect()))
    }
}
