//! `textDocument/didClose`.

use std::sync::Arc;

use tower_lsp::ls_types::DidCloseTextDocumentParams;

use crate::session::Session;

/// Forgets a document and takes its diagnostics back.
pub(crate) fn did_close(session: &Arc<Session>, params: &DidCloseTextDocumentParams) {
    let uri = &params.text_document.uri;
    let neighbour = session.neighbour_path(uri);
    if session.close(uri) {
        session.publish(uri);
    }
    // From here on the file counts.
    session.neighbours_changed(neighbour.into_iter().collect());
}
