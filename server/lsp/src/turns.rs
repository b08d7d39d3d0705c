//! Work about a document that is worth doing for its newest state only: one at a time, and while it runs all that
//! happens leaves a note to look again, so that two hundred changes at once cost two turns and not two hundred.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, PoisonError},
};

use tower_lsp::ls_types::Uri;

/// The documents that are worked on; `true` where to look again afterwards.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<Uri, bool>>);

impl Turns {
    /// Whether somebody has to start; else the one at work looks again.
    pub(crate) fn start(&self, uri: &Uri) -> bool {
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

    /// From here on what happens is something newer.
    pub(crate) fn looks(&self, uri: &Uri) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(uri.clone(), false);
    }

    /// Whether to look again; else the turn is over.
    pub(crate) fn again(&self, uri: &Uri) -> bool {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let again = turns.get(uri) == Some(&true);
        if !again {
            turns.remove(uri);
        }
        again
    }
}
