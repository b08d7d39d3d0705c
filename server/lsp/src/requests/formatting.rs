//! `textDocument/formatting`: the document as `skillyard fmt` lays it out, in few edits.
//!
//! The layout is the project's and not the editor's (`tabSize` and the like): what the editor formats must pass
//! `skillyard fmt --check`.

use std::time::Duration;

use skillyard_manifest as manifest;
use skillyard_project::format::{self, FormatError, FormatOptions};
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{DocumentFormattingParams, TextEdit, Uri},
};

use super::DocumentRequest;
use crate::{commands::Failure, documents::Kind, edits, session::Snapshot};

/// `textDocument/formatting`.
pub(crate) struct Formatting;

impl DocumentRequest for Formatting {
    type Params = DocumentFormattingParams;
    type Answer = Option<Vec<TextEdit>>;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, _: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        Ok(formatted(snapshot.revision.text(), edits::PATIENCE)?
            .map(|edits| edits.iter().map(|edit| converter.edit(edit)).collect()))
    }
}

/// The edits that format `text`. `None` where it has a syntax error: the editor shows that one already, and an error at
/// every save would be in the way. `patience` as for [`edits::between`].
pub(super) fn formatted(text: &str, patience: Duration) -> Result<Option<Vec<manifest::TextEdit>>> {
    match format::format(text, &FormatOptions::default()) {
        Ok(new) => Ok(Some(edits::between(text, &new, patience))),
        Err(FormatError::Syntax { .. }) => Ok(None),
        Err(error) => Err(Failure::Failed(error.to_string()).into()),
    }
}
