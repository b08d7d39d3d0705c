//! `workspace/didChangeWorkspaceFolders`.

use std::sync::Arc;

use tokio::task;
use tower_lsp::ls_types::DidChangeWorkspaceFoldersParams;

use crate::session::Session;

/// Takes over the folders, looks for the skills in them, and asks for the settings of new ones.
pub(crate) fn did_change_workspace_folders(session: &Arc<Session>, params: DidChangeWorkspaceFoldersParams) {
    session.change_folders(params.event.added, &params.event.removed);
    session.forget_closed_outside();
    session.look_for_neighbours();
    if session.abilities().configuration {
        let session = Arc::clone(session);
        task::spawn(async move { session.ask_for_settings().await });
    }
}
