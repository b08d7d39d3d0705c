//! `textDocument/rangeFormatting`: of what formatting the document would change, that which touches a range's lines.

use tower_lsp::{
    jsonrpc::Result,
    ls_types::{DocumentRangeFormattingParams, TextEdit, Uri},
};

use super::{DocumentRequest, formatting::formatted};
use crate::{documents::Kind, edits, session::Snapshot};

/// `textDocument/rangeFormatting`.
pub(crate) struct RangeFormatting;

impl DocumentRequest for RangeFormatting {
    type Params = DocumentRangeFormattingParams;
    type Answer = Option<Vec<TextEdit>>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let text = snapshot.revision.text();
        let converter = snapshot.converter();
        let Some(edits) = formatted(text, edits::LONG_PATIENCE)? else { return Ok(None) };
        let edits = edits::touching(edits, text, converter.span(params.range));
        Ok(Some(edits.iter().map(|edit| converter.edit(edit)).collect()))
    }
}
