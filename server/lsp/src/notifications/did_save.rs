//! `textDocument/didSave`.

use std::sync::Arc;

use tower_lsp::ls_types::DidSaveTextDocumentParams;

use crate::session::Session;

/// Looks again whether another `skillyard.toml` counts now and whether a module changed, for clients that do not watch
/// files.
pub(crate) fn did_save(session: &Arc<Session>, params: &DidSaveTextDocumentParams) {
    let uri = &params.text_document.uri;
    session.forget_files();
    session.publish_known(uri);
    session.follow_anew(uri);
}
