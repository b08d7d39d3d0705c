//! `textDocument/didChange`.

use std::sync::Arc;

use tower_lsp::ls_types::DidChangeTextDocumentParams;

use crate::session::Session;

/// Changes a document.
pub(crate) fn did_change(session: &Arc<Session>, params: &DidChangeTextDocumentParams) {
    let document = &params.text_document;
    session.change(&document.uri, document.version, &params.content_changes);
    session.publish_known(&document.uri);
    session.follow_typing(&document.uri);
}
