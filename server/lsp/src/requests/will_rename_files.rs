//! `workspace/willRenameFiles`: files or folders of skills are about to get another place; the edits that keep the paths
//! in their manifests, and in the `skillyard.toml` beside each, right.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use skillyard_ide::{FileMove, Source, file_renames};
use skillyard_manifest::{self as manifest, Encoding, LineIndex, config::CONFIG};
use skillyard_project::{
    config,
    files::{self, MANIFEST_NAME},
};
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{
        DocumentChanges, FileOperationFilter, FileOperationPattern, FileOperationRegistrationOptions, OneOf,
        OptionalVersionedTextDocumentIdentifier, Position, Range, RenameFilesParams, TextDocumentEdit, TextEdit, Uri,
        WorkspaceEdit,
    },
};

use crate::{documents::file_path, revision::Revision, session::Session};

/// What the server wants to be asked about: any file, since a manifest may name any, and any folder with some in it.
pub(crate) fn wanted() -> FileOperationRegistrationOptions {
    let pattern = FileOperationPattern { glob: "**/*".to_owned(), ..FileOperationPattern::default() };
    FileOperationRegistrationOptions { filters: vec![FileOperationFilter { scheme: Some("file".to_owned()), pattern }] }
}

/// Answers it. `null` where no path changes.
pub(crate) async fn will_rename_files(
    session: &Arc<Session>,
    params: RenameFilesParams,
) -> Result<Option<WorkspaceEdit>> {
    let moves: Vec<(PathBuf, PathBuf)> = params
        .files
        .iter()
        .filter_map(|file| {
            let path = |uri: &str| Some(files::absolute(&file_path(&uri.parse().ok()?)?));
            Some((path(&file.old_uri)?, path(&file.new_uri)?))
        })
        .collect();
    let open = session.open_files();
    let encoding = session.abilities().encoding;
    let skills: BTreeSet<PathBuf> = session
        .neighbours()
        .paths()
        .chain(open.keys().map(PathBuf::as_path))
        .filter(|path| path.file_name().is_some_and(|name| name == MANIFEST_NAME))
        .filter_map(|path| path.parent().map(Path::to_owned))
        .collect();
    let job = move || {
        let mut changed = Vec::new();
        for folder in skills {
            let inside: Vec<FileMove> = moves.iter().filter_map(|(from, to)| moved(&folder, from, to)).collect();
            if !inside.is_empty() {
                for name in [MANIFEST_NAME, config::FILE_NAME] {
                    changed.extend(edited(&folder.join(name), &inside, &open, encoding));
                }
            }
        }
        changed
    };
    let changed = session.work(job).await?;
    Ok((!changed.is_empty()).then(|| workspace_edit(changed, session.abilities().document_changes)))
}

/// A move as the skill in `folder` sees it; `None` where it is none of its files, or the whole skill moves.
fn moved(folder: &Path, from: &Path, to: &Path) -> Option<FileMove> {
    let inside = |path: &Path| {
        let parts = path.strip_prefix(folder).ok()?.components().map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        });
        let parts: Vec<&str> = parts.collect::<Option<_>>()?;
        (!parts.is_empty()).then(|| parts.join("/"))
    };
    Some(FileMove { from: inside(from)?, to: inside(to) })
}

/// A file with what changes in it.
struct Changed {
    uri: Uri,
    /// Of the text in the editor, where it is open.
    version: Option<i32>,
    edits: Vec<TextEdit>,
}

fn edited(
    path: &Path,
    moves: &[FileMove],
    open: &HashMap<PathBuf, Arc<Revision>>,
    encoding: Encoding,
) -> Option<Changed> {
    let (uri, version, text) = match open.get(path) {
        Some(revision) => (revision.uri.clone(), Some(revision.version), Arc::clone(revision.text())),
        None => {
            let bytes = files::read(path, manifest::MAX_BYTES).ok()?;
            (Uri::from_file_path(path)?, None, String::from_utf8(bytes).ok()?.into())
        }
    };
    let is_config = path.file_name().is_some_and(|name| name == config::FILE_NAME);
    let source = if is_config { Source::of_shape(&text, &CONFIG) } else { Source::new(&text) };
    let edits = file_renames(&source, moves);
    let index = LineIndex::new(&text);
    let place = |offset| {
        let manifest::Position { line, character } = index.position(&text, offset, encoding);
        Position::new(line, character)
    };
    let edits: Vec<TextEdit> = edits
        .into_iter()
        .map(|edit| TextEdit::new(Range::new(place(edit.span.start), place(edit.span.end)), edit.text))
        .collect();
    (!edits.is_empty()).then_some(Changed { uri, version, edits })
}

fn workspace_edit(changed: Vec<Changed>, versioned: bool) -> WorkspaceEdit {
    if !versioned {
        let changes = changed.into_iter().map(|changed| (changed.uri, changed.edits)).collect();
        return WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() };
    }
    let edits = changed.into_iter().map(|changed| TextDocumentEdit {
        text_document: OptionalVersionedTextDocumentIdentifier { uri: changed.uri, version: changed.version },
        edits: changed.edits.into_iter().map(OneOf::Left).collect(),
    });
    WorkspaceEdit { document_changes: Some(DocumentChanges::Edits(edits.collect())), ..WorkspaceEdit::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_seen_from_the_skill() {
        let seen = |from: &str, to: &str| {
            moved(Path::new("/w/skill"), Path::new(from), Path::new(to)).map(|moved| (moved.from, moved.to))
        };
        let some = |from: &str, to: Option<&str>| Some((from.to_owned(), to.map(ToOwned::to_owned)));
        assert_eq!(seen("/w/skill/a/b", "/w/skill/c"), some("a/b", Some("c")));
        assert_eq!(seen("/w/skill/a", "/w/other/a"), some("a", None));
        assert_eq!(seen("/w/skill/a", "/w/skill2/a"), some("a", None));
        assert_eq!(seen("/w/skill", "/w/other"), None);
        assert_eq!(seen("/w", "/v"), None);
        assert_eq!(seen("/w/skill2/a", "/w/skill/a"), None);
    }
}
