//! `textDocument/linkedEditingRange`: the places that are typed together with the one at the cursor.

use skillyard_ide as ide;
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{LinkedEditingRangeParams, LinkedEditingRanges, Uri},
};

use super::DocumentRequest;
use crate::session::Snapshot;

/// `textDocument/linkedEditingRange`.
pub(crate) struct LinkedEditing;

impl DocumentRequest for LinkedEditing {
    type Params = LinkedEditingRangeParams;
    type Answer = Option<LinkedEditingRanges>;

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document_position_params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        let offset = converter.offset(params.text_document_position_params.position);
        Ok(ide::linked(snapshot.source(), offset).map(|linked| LinkedEditingRanges {
            ranges: linked.spans.into_iter().map(|span| converter.range(span)).collect(),
            word_pattern: Some(linked.pattern.to_owned()),
        }))
    }
}
