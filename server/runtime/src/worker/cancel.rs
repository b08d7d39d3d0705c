//! A person's word that a call or a compilation should end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Listener = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    cancelled: bool,
    next: u64,
    listeners: Vec<(u64, Listener)>,
}

/// Ends what it was given to, at once, from any thread. Clones are the same switch.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Mutex<State>>);

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

impl Cancel {
    /// A switch that nobody has turned.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends everything that was given this switch. More than once is once.
    pub fn cancel(&self) {
        let listeners = {
            let mut state = self.state();
            state.cancelled = true;
            std::mem::take(&mut state.listeners)
        };
        listeners.into_iter().for_each(|(_, listener)| listener());
    }

    /// Whether it was turned.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state().cancelled
    }

    /// Calls `listener` when the switch is turned, at once where it was; never after the guard is gone.
    pub(super) fn listen(&self, listener: impl FnOnce() + Send + 'static) -> Listening {
        let mut state = self.state();
        if state.cancelled {
            drop(state);
            listener();
            return Listening { cancel: self.clone(), id: u64::MAX };
        }
        let id = state.next;
        state.next += 1;
        state.listeners.push((id, Box::new(listener)));
        drop(state);
        Listening { cancel: self.clone(), id }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes its listener back when it goes.
pub(super) struct Listening {
    cancel: Cancel,
    id: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.cancel.state().listeners.retain(|(id, _)| *id != self.id);
    }
}
