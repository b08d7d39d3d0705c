//! Paths as an error text may show them.

use std::{fmt, path::Path};

use skillyard_manifest::show;

/// A path for a message: what a reader would not see in it is escaped, so that no name moves a cursor.
pub(crate) struct Shown<'a>(pub &'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show::line(&self.0.to_string_lossy()))
    }
}
