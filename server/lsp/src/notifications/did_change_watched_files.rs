//! `workspace/didChangeWatchedFiles`.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use skillyard_project::{
    config,
    files::{self, MANIFEST_NAME},
};
use tower_lsp::ls_types::{DidChangeWatchedFilesParams, FileChangeType};

use crate::{documents::file_path, session::Session};

/// Reads a `skillyard.toml` and the ids of a `skill.toml` that changed, forgets what lay in a folder that is gone, and looks
/// again at modules beside open manifests, and at what is trusted and installed.
pub(crate) fn did_change_watched_files(session: &Arc<Session>, params: &DidChangeWatchedFilesParams) {
    let is_config = |path: &str| path.rsplit('/').next() == Some(config::FILE_NAME);
    if params.changes.iter().any(|change| is_config(change.uri.path().as_str())) {
        session.forget_files();
        session.refresh();
        session.check_closed_again(|_| true);
        session.refresh_lenses();
    }
    let (manifests, others): (Vec<_>, Vec<_>) = params
        .changes
        .iter()
        .filter_map(|change| file_path(&change.uri))
        .partition(|path| path.file_name().is_some_and(|name| name == MANIFEST_NAME));
    let files: HashSet<PathBuf> = manifests.iter().map(|path| files::absolute(path)).collect();
    // Of a folder that is gone not every client names what was in it.
    let deleted = params.changes.iter().filter(|change| change.typ == FileChangeType::DELETED);
    let deleted: HashSet<PathBuf> =
        deleted.filter_map(|change| Some(files::absolute(&file_path(&change.uri)?))).collect();
    session.check_closed_again(|path| files.contains(path) || path.ancestors().any(|folder| deleted.contains(folder)));
    let gone = session.neighbours_below(&deleted);
    session.neighbours_changed(manifests.into_iter().chain(gone).collect());
    session.follow_beside(&others);
    if session.home().is_ok_and(|home| home.records().iter().any(|record| others.contains(record))) {
        session.follow_all_anew();
    }
}
