//! `textDocument/references`: all places of the name at the cursor.

use skillyard_ide as ide;
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{Location, ReferenceParams, Uri},
};

use super::DocumentRequest;
use crate::session::Snapshot;

/// `textDocument/references`.
pub(crate) struct References;

impl DocumentRequest for References {
    type Params = ReferenceParams;
    type Answer = Option<Vec<Location>>;

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document_position.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        let offset = converter.offset(params.text_document_position.position);
        let spans = ide::references(snapshot.source(), offset, params.context.include_declaration);
        let place = |span| Location::new(snapshot.revision.uri.clone(), converter.range(span));
        Ok(Some(spans.into_iter().map(place).collect()))
    }
}
