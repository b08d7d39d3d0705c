//! The formats of `check`, one file each.
//!
//! A format makes a piece of each file, on many threads, and then one whole of the pieces.

pub mod concise;
pub mod github;
pub mod human;
pub mod json;
pub mod roots;
pub mod run;
pub mod sarif;
pub mod skill;

use skillyard_manifest::{Encoding, LineIndex, Position, Severity, Span};
use skillyard_project::check::Checked;
pub use skillyard_project::findings::reported as finding;

/// One format.
pub trait Reporter: Sync {
    /// What is said about one file, whose text is `text`.
    fn piece(&self, checked: &Checked, text: &str) -> String;

    /// What is said in all. `failures` are what kept files from being checked.
    fn whole(&self, pieces: &[String], tally: &Tally, failures: &[String]) -> String {
        let _ = (tally, failures);
        pieces.concat()
    }
}

/// Counts over files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Files checked.
    pub files: usize,
    /// Files with a finding.
    pub with_findings: usize,
    /// Files that a daemon refuses or that have an error.
    pub failing: usize,
    /// Findings by severity.
    pub errors: usize,
    /// Findings by severity.
    pub warnings: usize,
    /// Findings by severity.
    pub infos: usize,
    /// Findings by severity.
    pub hints: usize,
    /// Fixes that were applied, or would be.
    pub fixed: usize,
    /// Findings left that have a safe fix.
    pub fixable: usize,
    /// Findings left that have unsafe fixes only.
    pub unsafely_fixable: usize,
}

impl Tally {
    /// Of one file.
    pub fn of(checked: &Checked) -> Self {
        let found = &checked.analysis.diagnostics;
        let (fixable, rest): (Vec<_>, Vec<_>) =
            found.iter().filter(|d| !d.fixes.is_empty()).partition(|d| d.fixes.iter().any(|fix| fix.safe));
        Self {
            files: 1,
            with_findings: usize::from(!found.is_empty()),
            failing: usize::from(checked.fails()),
            errors: checked.count(Severity::Error),
            warnings: checked.count(Severity::Warning),
            infos: checked.count(Severity::Info),
            hints: checked.count(Severity::Hint),
            fixed: checked.fixed,
            fixable: fixable.len(),
            unsafely_fixable: rest.len(),
        }
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.with_findings += other.with_findings;
        self.failing += other.failing;
        self.errors += other.errors;
        self.warnings += other.warnings;
        self.infos += other.infos;
        self.hints += other.hints;
        self.fixed += other.fixed;
        self.fixable += other.fixable;
        self.unsafely_fixable += other.unsafely_fixable;
    }
}

/// The places of one text, in UTF-16 as every JSON report counts.
pub struct Places<'t> {
    text: &'t str,
    index: LineIndex,
}

impl<'t> Places<'t> {
    /// Of `text`.
    pub fn new(text: &'t str) -> Self {
        Self { text, index: LineIndex::new(text) }
    }

    /// Start and end, from 0, in UTF-16, over all that the file holds.
    pub fn range(&self, span: Span) -> (Position, Position) {
        let at = |offset| self.index.position(self.text, offset, Encoding::Utf16);
        (at(span.start), at(span.end))
    }

    /// Line and column of a byte as a viewer counts them: from 1, and without a byte order mark.
    pub fn seen(&self, offset: usize, encoding: Encoding) -> Position {
        let Position { line, character } = self.index.position(self.text, offset, encoding);
        let mark = if line == 0 && self.text.starts_with('\u{feff}') { 1 } else { 0 };
        Position { line: line + 1, character: (character + 1).saturating_sub(mark).max(1) }
    }

    /// The line that holds a byte, without its line end.
    pub fn line(&self, offset: usize) -> Span {
        self.index.line_content(self.text, self.index.line_of(offset))
    }

    /// The text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The lines.
    pub fn index(&self) -> &LineIndex {
        &self.index
    }
}
