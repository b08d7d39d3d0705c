//! `textDocument/didOpen`.

use std::sync::Arc;

use tower_lsp::ls_types::DidOpenTextDocumentParams;

use crate::session::Session;

/// Takes over the text of a document, and looks what lies beside a manifest.
pub(crate) fn did_open(session: &Arc<Session>, params: DidOpenTextDocumentParams) {
    let uri = params.text_document.uri.clone();
    session.open(params.text_document);
    session.opens_closed(&uri);
    session.publish_known(&uri);
    session.audit(&uri);
    session.names_changed(&uri);
}
