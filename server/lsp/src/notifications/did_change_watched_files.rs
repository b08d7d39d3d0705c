//! `workspace/didChangeWatchedFiles`.

use std::sync::Arc;

use skillyard_project::config;
use tower_lsp::ls_types::DidChangeWatchedFilesParams;

use crate::session::Session;

/// Reads a `skillyard.toml` that changed.
pub(crate) fn did_change_watched_files(session: &Arc<Session>, params: &DidChangeWatchedFilesParams) {
    let is_config = |path: &str| path.rsplit('/').next() == Some(config::FILE_NAME);
    if params.changes.iter().any(|change| is_config(change.uri.path().as_str())) {
        session.forget_files();
    }
}
