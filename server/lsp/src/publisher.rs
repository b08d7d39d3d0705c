//! Diagnostics for clients that do not ask for them: one publisher a document, the newest version wins.
//!
//! While an analysis runs, further changes only leave a note that there is something newer. The result of an analysis
//! that something newer has overtaken is dropped, so that two hundred changes at once cost two analyses and not two
//! hundred.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task;
use tower_lsp::ls_types::{Diagnostic, Uri};

use crate::{
    documents::Analysed,
    session::{Session, Snapshot},
};

/// The documents whose publisher is at work; `true` where it is to look again.
#[derive(Default)]
pub(crate) struct Publishers(Mutex<HashMap<Uri, bool>>);

impl Publishers {
    /// Whether a publisher has to be started; else the one at work looks again.
    fn start(&self, uri: &Uri) -> bool {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(uri.clone()) {
            Entry::Occupied(mut again) => {
                again.insert(true);
                false
            }
            Entry::Vacant(entry) => {
                entry.insert(false);
                true
            }
        }
    }

    /// From here on what changes is something newer.
    fn looks(&self, uri: &Uri) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(uri.clone(), false);
    }

    /// Whether the publisher has to look again; else it is gone.
    fn again(&self, uri: &Uri) -> bool {
        let mut publishers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let again = publishers.get(uri) == Some(&true);
        if !again {
            publishers.remove(uri);
        }
        again
    }
}

impl Session {
    /// Pushes the diagnostics of the newest version of a document, soon; of one that is closed, none. Does nothing for
    /// a client that asks for them.
    pub(crate) fn publish(self: &Arc<Self>, uri: &Uri) {
        if self.abilities().pulls_diagnostics || !self.publishers.start(uri) {
            return;
        }
        let session = Arc::clone(self);
        let uri = uri.clone();
        task::spawn(async move {
            loop {
                session.publish_once(&uri).await;
                if !session.publishers.again(&uri) {
                    return;
                }
            }
        });
    }

    /// [`Session::publish`] for a document that is a manifest; the others have no diagnostics.
    pub(crate) fn publish_manifest(self: &Arc<Self>, uri: &Uri) {
        if self.snapshot(uri).is_some() {
            self.publish(uri);
        }
    }

    async fn publish_once(&self, uri: &Uri) {
        self.publishers.looks(uri);
        let Some(snapshot) = self.snapshot(uri) else {
            return self.client.publish_diagnostics(uri.clone(), Vec::new(), None).await;
        };
        let job = {
            let snapshot = snapshot.clone();
            move || diagnostics(&snapshot, &snapshot.analysed())
        };
        // It fails only where the analysis panics; then what was shown stays, and the next change tries again.
        let Ok(diagnostics) = self.work(job).await else { return };
        if self.is_newest(&snapshot) {
            let version = snapshot.client.diagnostic_versions.then_some(snapshot.revision.version);
            self.client.publish_diagnostics(uri.clone(), diagnostics, version).await;
            self.tell_problems(&snapshot).await;
        }
    }
}

/// The diagnostics that `analysed` holds, for the client.
pub(crate) fn diagnostics(snapshot: &Snapshot, analysed: &Analysed) -> Vec<Diagnostic> {
    let converter = snapshot.converter();
    analysed.analysis.diagnostics.iter().map(|found| converter.diagnostic(found)).collect()
}
