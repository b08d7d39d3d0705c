//! `textDocument/didClose`.

use std::sync::Arc;

use tower_lsp::ls_types::DidCloseTextDocumentParams;

use crate::{documents::Kind, session::Session};

/// Forgets a document and takes its diagnostics back.
pub(crate) fn did_close(session: &Arc<Session>, params: &DidCloseTextDocumentParams) {
    let uri = &params.text_document.uri;
    let Some((last, has_neighbours)) = session.close(uri) else { return };
    if last.kind != Kind::Other {
        session.publish(uri);
    }
    if has_neighbours {
        // From here on the file counts.
        session.neighbours_changed(last.path.iter().cloned().collect());
    }
}
