//! The walls round a worker: what its process can no longer do, whatever runs in it.

use serde::{Deserialize, Serialize};

/// One wall, as a report shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Wall {
    /// Its name, one of those of [`WallName`].
    pub name: String,
    /// Whether it stands.
    pub stands: bool,
    /// What it holds, or why it does not stand.
    pub detail: String,
}
