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

/// The closed manifests that were checked, by their paths from the root.
#[derive(Default)]
pub(crate) struct Closed(Mutex<BTreeMap<PathBuf, Checked>>);

/// A closed manifest that was checked.
#[derive(Clone)]
struct Checked {
    /// The address under which it is spoken of.
    uri: Uri,
    /// Whether anything was said of it since.
    shown: bool,
}

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
    fn checked(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Checked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where they are.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.checked().keys().cloned().collect()
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
        let now: BTreeMap<PathBuf, Checked> = found
            .iter()
            .filter_map(|(uri, found)| Some((from_root(uri)?, Checked { uri: uri.clone(), shown: !found.is_empty() })))
            // Of what was opened meanwhile the editor knows already.
            .filter(|(path, _)| !self.is_open_file(path))
            .collect();
        let before = std::mem::replace(&mut *self.closed.checked(), now.clone());
        let is_shown = |path: &Path| now.get(path).is_some_and(|checked| checked.shown);
        for (_, gone) in before.into_iter().filter(|(path, checked)| checked.shown && !is_shown(path)) {
            self.client.publish_diagnostics(gone.uri, Vec::new(), None).await;
        }
        for (uri, diagnostics) in found {
            if from_root(uri).is_some_and(|path| is_shown(&path)) {
                self.client.publish_diagnostics(uri.clone(), diagnostics.clone(), None).await;
            }
        }
    }

    /// A document is open now: what was said of the closed file goes.
    pub(crate) fn opens_closed(self: &Arc<Self>, uri: &Uri) {
        let checked = from_root(uri).and_then(|path| self.closed.checked().remove(&path));
        let Some(Checked { uri: shown, .. }) = checked.filter(|checked| checked.shown) else { return };
        // Who is pushed to gets those of the open document in their place.
        if self.abilities().pulls_diagnostics || shown != *uri {
            let session = Arc::clone(self);
            task::spawn(async move { session.client.publish_diagnostics(shown, Vec::new(), None).await });
        }
    }

    /// Looks again, in the background and one after the other, at those that were checked and are `wanted` by their paths
    /// from the root. Whose turn is still to come is looked at once for all that happens until then.
    pub(crate) fn check_closed_again(self: &Arc<Self>, wanted: impl Fn(&Path) -> bool) {
        let again: Vec<(PathBuf, Uri)> = {
            let checked = self.closed.checked();
            let wanted = checked.iter().filter(|(path, _)| wanted(path));
            wanted.map(|(path, checked)| (path.clone(), checked.uri.clone())).collect()
        };
        let started: Vec<_> = again.into_iter().filter(|(_, uri)| self.rechecked.start(uri)).collect();
        if started.is_empty() {
            return;
        }
        let session = Arc::clone(self);
        task::spawn(async move {
            for (path, uri) in started {
                loop {
                    session.rechecked.looks(&uri);
                    session.check_closed_once(&path, &uri).await;
                    if !session.rechecked.again(&uri) {
                        break;
                    }
                }
            }
        });
    }

    async fn check_closed_once(self: &Arc<Self>, path: &Path, uri: &Uri) {
        let look = {
            let (session, path) = (Arc::clone(self), path.to_owned());
            move || session.said_of(&path)
        };
        let found = match self.work(look).await {
            Ok(Said::Closed(_, found)) => found,
            // It is gone.
            Ok(Said::Unreadable(_)) => Vec::new(),
            Ok(Said::Open) | Err(_) => return,
        };
        // Opened meanwhile, or in no workspace folder any more, it is spoken of no more.
        let known = self.closed.checked().get_mut(path).is_some_and(|checked| {
            let speak = checked.shown || !found.is_empty();
            checked.shown = speak;
            speak
        });
        if known {
            self.client.publish_diagnostics(uri.clone(), found, None).await;
        }
    }

    /// Says no more of those that are in no workspace folder any more.
    pub(crate) fn forget_closed_outside(self: &Arc<Self>) {
        let folders = self.folders();
        let gone: Vec<Uri> = {
            let mut checked = self.closed.checked();
            let inside = |path: &Path| folders.iter().any(|folder| path.starts_with(folder));
            let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
                std::mem::take(&mut *checked).into_iter().partition(|(path, _)| inside(path));
            *checked = kept;
            gone.into_values().filter(|checked| checked.shown).map(|checked| checked.uri).collect()
        };
        let session = Arc::clone(self);
        task::spawn(async move {
            for uri in gone {
                session.client.publish_diagnostics(uri, Vec::new(), None).await;
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
