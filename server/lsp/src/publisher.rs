//! Diagnostics for clients that do not ask for them: one publisher a document, the newest version wins. The result of an
//! analysis that something newer has overtaken is dropped.

use std::sync::Arc;

use tokio::task;
use tower_lsp::ls_types::{Diagnostic, Uri};

use crate::{
    revision::Analysed,
    session::{Session, Snapshot},
};

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

    /// [`Session::publish`] for a document that is a manifest or a configuration; the others have no diagnostics.
    pub(crate) fn publish_known(self: &Arc<Self>, uri: &Uri) {
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

/// The diagnostics that `analysed`, the audit, the calls and the other skills of the workspace come to, for the
/// client.
pub(crate) fn diagnostics(snapshot: &Snapshot, analysed: &Analysed) -> Vec<Diagnostic> {
    with_neighbours(snapshot, analysed, about_neighbours(snapshot, analysed))
}

/// [`diagnostics`], with what [`about_neighbours`] told.
pub(crate) fn with_neighbours(
    snapshot: &Snapshot,
    analysed: &Analysed,
    neighbours: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let converter = snapshot.converter();
    let analysis = analysed.diagnostics.iter().map(|found| converter.diagnostic(found));
    let audit = snapshot.audited.as_ref().map(|audited| audited.diagnostics(analysed, converter));
    let ran = snapshot.ran.iter().flat_map(|ran| ran.diagnostics(analysed));
    let ran = ran.map(|found| converter.diagnostic(&found));
    analysis.chain(audit.into_iter().flatten()).chain(neighbours).chain(ran).collect()
}

/// What is told about the other skills of the workspace.
pub(crate) fn about_neighbours(snapshot: &Snapshot, analysed: &Analysed) -> Vec<Diagnostic> {
    let told = snapshot.neighbours.as_ref().map(|others| others.diagnostics(analysed, snapshot.converter()));
    told.unwrap_or_default()
}
