//! `textDocument/documentHighlight`: the other places of what is at the cursor.

use skillyard_ide as ide;
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{DocumentHighlight, DocumentHighlightKind, DocumentHighlightParams, Uri},
};

use super::DocumentRequest;
use crate::{documents::Kind, session::Snapshot};

/// `textDocument/documentHighlight`.
pub(crate) struct DocumentHighlights;

impl DocumentRequest for DocumentHighlights {
    type Params = DocumentHighlightParams;
    type Answer = Option<Vec<DocumentHighlight>>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document_position_params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        let offset = converter.offset(params.text_document_position_params.position);
        let found = ide::highlights(snapshot.source(), offset);
        let kind = |write| if write { DocumentHighlightKind::WRITE } else { DocumentHighlightKind::READ };
        let marks = found.into_iter();
        Ok(Some(
            marks.map(|it| DocumentHighlight { range: converter.range(it.span), kind: Some(kind(it.write)) }).collect(),
        ))
    }
}
