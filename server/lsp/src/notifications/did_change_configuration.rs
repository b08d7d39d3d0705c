//! `workspace/didChangeConfiguration`.

use std::sync::Arc;

use tokio::task;
use tower_lsp::ls_types::DidChangeConfigurationParams;

use crate::{session::Session, settings::EditorSettings};

/// Takes over changed settings: asks for them, or reads the pushed ones where the client cannot be asked.
pub(crate) fn did_change_configuration(session: &Arc<Session>, params: &DidChangeConfigurationParams) {
    if session.abilities().configuration {
        let session = Arc::clone(session);
        task::spawn(async move { session.ask_for_settings().await });
        return;
    }
    let mut problems = Vec::new();
    let settings = EditorSettings::read(&params.settings, &mut problems);
    session.push_settings(settings);
    let session = Arc::clone(session);
    task::spawn(async move { session.tell(problems).await });
}
