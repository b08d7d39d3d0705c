//! What a change of an open manifest brings on besides its own diagnostics: its ids for the other skills of the workspace,
//! and the audit of the modules around it.
//!
//! Nobody waits for it, so it stays out of the way of what somebody does wait for: it is one piece of work for the newest
//! state, done when the keystrokes that come one upon the other pause for [`PAUSE`] or have come for as long.

use std::{sync::Arc, time::Duration};

use tokio::{task, time::sleep};
use tower_lsp::ls_types::Uri;

use crate::session::{Session, Snapshot};

/// How long a change of the text waits for others. The answers to what an editor asks upon a keystroke are made in less.
const PAUSE: Duration = Duration::from_millis(50);

impl Session {
    /// Follows what happened around a manifest, at once. Does nothing for other documents.
    pub(crate) fn follow(self: &Arc<Self>, uri: &Uri) {
        self.follow_after(uri, None);
    }

    /// Follows a change of a manifest's text, soon. Does nothing for other documents.
    pub(crate) fn follow_typing(self: &Arc<Self>, uri: &Uri) {
        self.follow_after(uri, Some(PAUSE));
    }

    fn follow_after(self: &Arc<Self>, uri: &Uri, pause: Option<Duration>) {
        let followed = self.snapshot(uri).is_some_and(|snapshot| snapshot.revision.is_skill());
        if !followed || !self.followers.start(uri) {
            return;
        }
        let session = Arc::clone(self);
        let uri = uri.clone();
        task::spawn(async move {
            let mut pause = pause;
            loop {
                if let Some(pause) = pause {
                    sleep(pause).await;
                }
                session.followers.looks(&uri);
                if let Some(snapshot) = session.snapshot(&uri) {
                    session.follow_once(snapshot).await;
                }
                if !session.followers.again(&uri) {
                    return;
                }
                pause = Some(PAUSE);
            }
        });
    }

    async fn follow_once(self: &Arc<Self>, snapshot: Snapshot) {
        let job = {
            let (session, snapshot) = (Arc::clone(self), snapshot.clone());
            move || (session.names_of(&snapshot), session.audited(&snapshot))
        };
        // What something newer has overtaken is dropped; that one has left a note to look again.
        let Ok((names, found)) = self.work(job).await else { return };
        if !self.is_current(&snapshot) {
            return;
        }
        if let Some(found) = found {
            self.show_audit(&snapshot.revision.uri, found);
        }
        self.lenses_changed(&snapshot.revision.uri).await;
        if let Some(names) = names {
            self.take_neighbours(vec![names]).await;
        }
    }
}
