//! `textDocument/prepareRename` and `textDocument/rename`: a name changed wherever it stands, or why it cannot be.

use skillyard_ide::{self as ide, RenameError};
use tower_lsp::{
    jsonrpc::{Error, ErrorCode, Result},
    ls_types::{PrepareRenameResponse, RenameParams, TextDocumentPositionParams, Uri, WorkspaceEdit},
};

use super::DocumentRequest;
use crate::session::{Snapshot, plain};

/// `textDocument/prepareRename`.
pub(crate) struct PrepareRename;

impl DocumentRequest for PrepareRename {
    type Params = TextDocumentPositionParams;
    type Answer = Option<PrepareRenameResponse>;

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        match ide::prepare_rename(snapshot.source(), converter.offset(params.position)) {
            Ok(prepared) => Ok(Some(PrepareRenameResponse::RangeWithPlaceholder {
                range: converter.range(prepared.span),
                placeholder: prepared.placeholder,
            })),
            // The editor has words of its own for a place without a name.
            Err(RenameError::Nothing) => Ok(None),
            Err(error) => Err(refused(&error)),
        }
    }
}

/// `textDocument/rename`.
pub(crate) struct Rename;

impl DocumentRequest for Rename {
    type Params = RenameParams;
    type Answer = Option<WorkspaceEdit>;

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document_position.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let converter = snapshot.converter();
        let offset = converter.offset(params.text_document_position.position);
        let edits = ide::rename(snapshot.source(), offset, &params.new_name).map_err(|error| refused(&error))?;
        Ok(Some(converter.workspace_edit(&edits)))
    }
}

/// `RequestFailed`, which editors show as it is.
fn refused(error: &RenameError) -> Error {
    Error { code: ErrorCode::ServerError(-32803), message: plain(&error.to_string()).into(), data: None }
}
