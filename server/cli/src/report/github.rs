//! `--format github`: workflow commands that GitHub Actions shows as annotations.

use std::fmt::Write as _;

use skillyard_manifest::{Encoding, Severity};
use skillyard_project::{check::Checked, shown};

use super::{Places, Reporter, roots::Root};

/// The format.
pub struct Github {
    root: Root,
}

impl Github {
    /// With paths counted from the repository around the current folder.
    pub fn here() -> Self {
        Self { root: Root::here() }
    }
}

impl Reporter for Github {
    fn piece(&self, checked: &Checked, text: &str) -> String {
        let found = &checked.analysis.diagnostics;
        let mut out = String::new();
        if found.is_empty() {
            return out;
        }
        let places = Places::new(text);
        let file = property(&self.root.plain(&checked.path));
        for finding in found {
            let command = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info | Severity::Hint => "notice",
            };
            let start = places.seen(finding.span.start, Encoding::Utf16);
            let end = places.seen(finding.span.end, Encoding::Utf16);
            // Writing to a string cannot fail.
            let _ = write!(out, "::{command} file={file},line={},endLine={}", start.line, end.line);
            // Columns count for findings within one line only.
            if start.line == end.line {
                let _ = write!(out, ",col={},endColumn={}", start.character, end.character);
            }
            let _ = writeln!(out, ",title={}::{}", property(finding.rule.code), message(&finding.message));
        }
        out
    }
}

fn message(text: &str) -> String {
    shown::line(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(property("a,b:c%d\n::error::x"), "a%2Cb%3Ac%25d\\n%3A%3Aerror%3A%3Ax");
        assert_eq!(message("100%: a, b"), "100%25: a, b");
    }
}
