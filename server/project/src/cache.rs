//! The cache of compiled modules, as a person looks at it and clears it.

pub use skillyard_store::compiled::{CacheError, CacheInfo, Cleared};
