//! `workspace/didChangeWatchedFiles`.

use std::sync::Arc;

use skillyard_project::{config, files::MANIFEST_NAME};
use tower_lsp::ls_types::DidChangeWatchedFilesParams;

use crate::{documents::file_path, session::Session};

/// Reads a `skillyard.toml` and the ids of a `skill.toml` that changed, and looks again at modules beside open manifests.
pub(crate) fn did_change_watched_files(session: &Arc<Session>, params: &DidChangeWatchedFilesParams) {
    let is_config = |path: &str| path.rsplit('/').next() == Some(config::FILE_NAME);
    if params.changes.iter().any(|change| is_config(change.uri.path().as_str())) {
        session.forget_files();
    }
    let (manifests, others): (Vec<_>, Vec<_>) = params
        .changes
        .iter()
        .filter_map(|change| file_path(&change.uri))
        .partition(|path| path.file_name().is_some_and(|name| name == MANIFEST_NAME));
    session.check_closed_again(manifests.clone());
    session.neighbours_changed(manifests);
    session.audit_beside(others.into_iter());
}
