//! The rules about artifacts and modules, in the shape of the manifest's: a code, a severity, what a daemon does, words.
//! Each family stands in the module that reports it and is listed here.

use skillyard_manifest::{
    Daemon, Severity,
    rules::{FixKind, Rule},
};

/// The rules of one part of an artifact.
#[derive(Debug)]
pub struct Family {
    /// The part of the codes in front of the `/`.
    pub name: &'static str,
    /// What it guards, in one line.
    pub about: &'static str,
    /// Its rules, in the order of the documentation.
    pub rules: &'static [&'static Rule],
}

/// A rule. What stands in an archive is no text to be edited: it has no fix and no fragment as an example.
pub(crate) const fn rule(
    code: &'static str,
    severity: Severity,
    daemon: Daemon,
    summary: &'static str,
    details: &'static str,
) -> Rule {
    Rule { code, severity, daemon, fix: FixKind::None, summary, details, bad: "", good: "" }
}

/// An error that a daemon takes without a word.
pub(crate) const fn silent(code: &'static str, summary: &'static str, details: &'static str) -> Rule {
    rule(code, Severity::Error, Daemon::Silent, summary, details)
}

/// An error that a daemon refuses too.
pub(crate) const fn rejects(code: &'static str, summary: &'static str, details: &'static str) -> Rule {
    rule(code, Severity::Error, Daemon::Rejects, summary, details)
}

/// All families, in the order of the documentation.
pub static FAMILIES: &[&Family] = &[
    &crate::container::FAMILY,
    &crate::path::FAMILY,
    &crate::signature::FAMILY,
    &crate::trust::FAMILY,
    &crate::package::FAMILY,
    &crate::manifest::FAMILY,
    &crate::integrity::FAMILY,
    &crate::update::FAMILY,
];

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.rules.iter().copied())
}

/// The rule with `code`.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}
