//! `textDocument/didSave`.

use std::sync::Arc;

use tower_lsp::ls_types::DidSaveTextDocumentParams;

use crate::session::Session;

/// Looks again whether another `skillyard.toml` counts now and whether a module changed, for clients that do not watch
/// files.
pub(crate) fn did_save(session: &Arc<Session>, params: &DidSaveTextDocumentParams) {
    session.publish_known(&params.text_document.uri);
    session.audit_anew(&params.text_document.uri);
}
