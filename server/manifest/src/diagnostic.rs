//! What the analysis says: diagnostics, their places, and their fixes.

use crate::{rules::Rule, text::Span};

/// How loud a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Shown in an editor only, as a faint mark.
    Hint,
    /// Worth knowing.
    Info,
    /// Likely a mistake.
    Warning,
    /// A daemon refuses it, or it cannot mean what its author thinks.
    Error,
}

impl Severity {
    /// The name in every report: `error`, `warning`, `info` or `hint`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Hint => "hint",
        }
    }
}

/// What a daemon does on its own about the thing that a rule guards against.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Daemon {
    /// Refuses the manifest, or refuses it at packaging and install (the version check).
    Rejects,
    /// Takes it with a warning in its report.
    Warns,
    /// Takes it without a word.
    Silent,
}

impl Daemon {
    /// The name in every report: `rejects`, `warns` or `silent`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rejects => "rejects",
            Self::Warns => "warns",
            Self::Silent => "silent",
        }
    }
}

/// How an editor may draw a diagnostic besides its severity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tag {
    /// Still read, but there is a newer way: drawn struck through.
    Deprecated,
    /// Has no effect: drawn faded.
    Unnecessary,
}

/// Another place that belongs to a diagnostic, such as the first of two duplicates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Related {
    /// Where.
    pub span: Span,
    /// What is there.
    pub message: String,
}

/// Replaces the bytes of `span` by `text`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextEdit {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// What stands there afterwards; empty for a deletion.
    pub text: String,
}

/// A change that ends a diagnostic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// What it does, in the imperative: ``Prefix the tool id with `acme.` ``.
    pub title: String,
    /// Whether it keeps what the author evidently meant. An unsafe one decides something for the author (grants more,
    /// invents a value, deletes what may be wanted) and is applied only where a person asked for it.
    pub safe: bool,
    /// The edits, sorted by place, without overlap.
    pub edits: Vec<TextEdit>,
}

/// One finding of one rule at one place.
#[derive(Clone, PartialEq, Debug)]
pub struct Diagnostic {
    /// The rule that found it: its code, documentation and what a daemon does.
    pub rule: &'static Rule,
    /// The rule's severity, or what the configuration made of it.
    pub severity: Severity,
    /// The narrowest range that is wrong.
    pub span: Span,
    /// What is wrong and what to do. One line. Text from the file in it is escaped: it holds no control,
    /// bidirectional or invisible character.
    pub message: String,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    /// How to draw it.
    pub tag: Option<Tag>,
    /// What would end it, best first. A fix stands alone: applying one is enough.
    pub fixes: Vec<Fix>,
}
