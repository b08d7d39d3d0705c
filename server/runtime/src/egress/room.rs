//! What the bodies of one call take at once.
//!
//! One answer has its limit, and so many are under way at most: together that is more than a machine can spare. So what
//! is read is reserved first, and free again when whoever asked has taken it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The bytes that are left of a call's.
#[derive(Debug)]
pub(super) struct Room(Arc<AtomicUsize>);

impl Room {
    pub(super) fn of(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// Nothing of it yet.
    pub(super) fn hold(&self) -> Held {
        Held { left: Some(Arc::clone(&self.0)), bytes: 0 }
    }
}

/// The place that a body takes, until this goes: keep it as long as the body. By default a place that nobody counts.
#[derive(Debug, Default)]
pub struct Held {
    left: Option<Arc<AtomicUsize>>,
    bytes: usize,
}

impl Held {
    /// Whether there was room for so many bytes more; it is taken then.
    #[must_use]
    pub(super) fn grow(&mut self, more: usize) -> bool {
        let Some(left) = &self.left else { return true };
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more)).is_ok();
        if taken {
            self.bytes += more;
        }
        taken
    }

    /// Gives back all but `bytes`.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        self.bytes -= less;
        if let Some(left) = &self.left {
            left.fetch_add(less, Ordering::Relaxed);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}
