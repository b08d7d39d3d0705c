//! Paths as an error text may show them.

use std::{
    fmt::{self, Write as _},
    path::Path,
};

use skillyard_manifest::is_unseen;

/// A path for a message: what a reader would not see in it is escaped, so that no name moves a cursor.
pub(crate) struct Shown<'a>(pub &'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string_lossy().chars() {
            if is_unseen(c) { write!(f, "\\u{{{:x}}}", u32::from(c))? } else { f.write_char(c)? }
        }
        Ok(())
    }
}
