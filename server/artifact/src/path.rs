//! The paths of entries.
