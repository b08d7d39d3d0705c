//! What the server has to say to whoever looks at its log: standard error, one line each.

use std::io::{self, Write};

use skillyard_project::shown;

/// Writes a line. Text of others in it is escaped. A closed standard error is no reason to stop.
pub(crate) fn log(message: &str) {
    let _ = writeln!(io::stderr(), "skillyard: {}", shown::words(message, 1000));
}
