//! `--format concise`: `path:line:column: severity[code] message`, a line a finding.

use std::fmt::Write as _;

use skillyard_manifest::Encoding;
use skillyard_project::{check::Checked, shown};

use super::{Places, Reporter};

/// The format.
pub struct Concise;

impl Reporter for Concise {
    fn piece(&self, checked: &Checked, text: &str) -> String {
        let found = &checked.analysis.diagnostics;
        let mut out = String::new();
        if found.is_empty() {
            return out;
        }
        let places = Places::new(text);
        let path = shown::path(&checked.path);
        for finding in found {
            let at = places.seen(finding.span.start, Encoding::Utf32);
            let (severity, code, message) = (finding.severity.name(), finding.rule.code, shown::line(&finding.message));
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{path}:{}:{}: {severity}[{code}] {message}", at.line, at.character);
        }
        out
    }
}
