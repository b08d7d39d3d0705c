//! Diagnostics of manifests that are not open: shown when a person asks for them, and from then on for as long as the file
//! stays closed. One that is opened is spoken of as every open document; one that changes on the disk is looked at again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use skillyard_manifest::MAX_BYTES;
use skillyard_project::{Cancelled, Progress, files};
use tokio::task;
use tower_lsp::ls_types::{Diagnostic, DiagnosticSeverity, Uri};

use crate::{documents::file_path, publisher, session::Session};

/// The closed manifests whose diagnostics are shown, by their paths from the root, with the addresses under which they are.
#[derive(Default)]
pub(crate) struct Closed(Mutex<BTreeMap<PathBuf, Uri>>);

/// What a look at the workspace found.
pub(crate) struct Look {
    /// The manifests that are open: what is said of them is shown anyway.
    pub(crate) open: usize,
    /// What is said of the closed ones.
    pub(crate) closed: Vec<(Uri, Vec<Diagnostic>)>,
    /// Those that cannot be read, with the reason.
    pub(crate) unreadable: Vec<String>,
}

impl Look {
    /// How many diagnostics have a severity.
    pub(crate) fn count(&self, severity: DiagnosticSeverity) -> usize {
        let all = self.closed.iter().flat_map(|(_, found)| found);
        all.filter(|found| found.severity == Some(severity)).count()
    }
}

impl Closed {
    fn shown(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Uri>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Looks at manifests that may be open or not. Takes as long as it takes: for a thread of its own.
    ///
    /// # Errors
    /// If it is cancelled.
    pub(crate) fn look_at_closed(&self, paths: &[PathBuf], progress: &dyn Progress) -> Result<Look, Cancelled> {
        let mut look = Look { open: 0, closed: Vec::new(), unreadable: Vec::new() };
        for (at, path) in paths.iter().enumerate() {
            progress.at("check", at as u64, paths.len() as u64)?;
            match self.said_of(path) {
                Said::Open => look.open += 1,
                Said::Closed(uri, found) => look.closed.push((uri, found)),
                Said::Unreadable(why) => look.unreadable.push(why),
            }
        }
        Ok(look)
    }

    /// Shows what a look found, and no more what an earlier one did.
    pub(crate) async fn show_closed(&self, found: &[(Uri, Vec<Diagnostic>)]) {
        let now: BTreeMap<PathBuf, Uri> = found
            .iter()
            .filter(|(_, diagnostics)| !diagnostics.is_empty())
            .filter_map(|(uri, _)| Some((from_root(uri)?, uri.clone())))
            // Of what was opened meanwhile the editor knows already.
            .filter(|(path, _)| !self.is_open_file(path))
            .collect();
        let before = std::mem::replace(&mut *self.closed.shown(), now.clone());
        for (_, gone) in before.into_iter().filter(|(path, _)| !now.contains_key(path)) {
            self.client.publish_diagnostics(gone, Vec::new(), None).await;
        }
        for (uri, diagnostics) in found {
            if from_root(uri).is_some_and(|path| now.contains_key(&path)) {
                self.client.publish_diagnostics(uri.clone(), diagnostics.clone(), None).await;
            }
        }
    }

    /// A document is open now: what was said of the closed file goes.
    pub(crate) fn opens_closed(self: &Arc<Self>, uri: &Uri) {
        let shown = from_root(uri).and_then(|path| self.closed.shown().remove(&path));
        // Who is pushed to gets those of the open document in their place.
        if let Some(shown) = shown.filter(|shown| self.abilities().pulls_diagnostics || shown != uri) {
            let session = Arc::clone(self);
            task::spawn(async move { session.client.publish_diagnostics(shown, Vec::new(), None).await });
        }
    }

    /// Looks again at those of the files that something is shown of.
    pub(crate) fn check_closed_again(self: &Arc<Self>, paths: Vec<PathBuf>) {
        let mut paths: Vec<PathBuf> = paths.iter().map(|path| files::absolute(path)).collect();
        paths.retain(|path| self.closed.shown().contains_key(path));
        if paths.is_empty() {
            return;
        }
        let session = Arc::clone(self);
        task::spawn(async move {
            for path in paths {
                let look = {
                    let (session, path) = (Arc::clone(&session), path.clone());
                    move || session.said_of(&path)
                };
                let Some(uri) = session.closed.shown().get(&path).cloned() else { continue };
                let found = match session.work(look).await {
                    Ok(Said::Closed(_, found)) => found,
                    // It is gone.
                    Ok(Said::Unreadable(_)) => Vec::new(),
                    Ok(Said::Open) | Err(_) => continue,
                };
                // Opened meanwhile, it is shown no more.
                if session.closed.shown().contains_key(&path) {
                    session.client.publish_diagnostics(uri, found, None).await;
                }
            }
        });
    }

    fn said_of(&self, path: &Path) -> Said {
        let bytes = match files::read(path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => return Said::Unreadable(error.to_string()),
        };
        let Some(uri) = Uri::from_file_path(path) else { return Said::Open };
        // As an editor shows it.
        let text = String::from_utf8_lossy(&bytes);
        match self.closed_snapshot(&uri, &text) {
            Some(snapshot) => {
                let mut found = publisher::diagnostics(&snapshot, &snapshot.analysed());
                found.sort_by_key(|found| found.range.start);
                Said::Closed(uri, found)
            }
            None => Said::Open,
        }
    }
}

/// The file at an address, by its path from the root: one file has many addresses.
fn from_root(uri: &Uri) -> Option<PathBuf> {
    file_path(uri).as_deref().map(files::absolute)
}

/// What there is to say of a file.
enum Said {
    /// It is open in the editor.
    Open,
    /// It is not.
    Closed(Uri, Vec<Diagnostic>),
    /// It cannot be read.
    Unreadable(String),
}
