//! How long work tells where it is, and how it is ended.

use std::{error, fmt};

/// Told by long work where it is; may end it.
pub trait Progress: Sync {
    /// Work is `done` of `total` through `step` (the same unit for both; bytes where there are any).
    ///
    /// # Errors
    /// [`Cancelled`], to end the work at once. Nothing that was begun is left behind.
    fn at(&self, step: &'static str, done: u64, total: u64) -> Result<(), Cancelled>;
}

/// The person who asked for the work ended it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")
    }
}

impl error::Error for Cancelled {}

/// Nobody watches, nobody ends it.
impl Progress for () {
    fn at(&self, _: &'static str, _: u64, _: u64) -> Result<(), Cancelled> {
        Ok(())
    }
}
