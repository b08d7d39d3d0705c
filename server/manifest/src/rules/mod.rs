//! The rules, a file a family, and the one table of them all.

use crate::diagnostic::{Daemon, Severity};

/// Whether a rule's findings come with a fix.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FixKind {
    /// Never: what is right only the author knows.
    None,
    /// With one that keeps what the author meant.
    Safe,
    /// With one that decides something for the author, applied only when asked for.
    Unsafe,
}

/// One rule: what its diagnostics and its page are made of.
#[derive(PartialEq, Eq, Hash, Debug)]
pub struct Rule {
    /// Stable name, `family/what-is-wrong`.
    pub code: &'static str,
    /// Severity unless configured otherwise. Always an error where a daemon rejects.
    pub severity: Severity,
    /// What a daemon does on its own.
    pub daemon: Daemon,
    /// Whether its findings come with a fix (where the place allows one).
    pub fix: FixKind,
    /// What is wrong, in one line without a full stop.
    pub summary: &'static str,
    /// Why that matters and what to do, in Markdown.
    pub details: &'static str,
    /// A fragment of a manifest that breaks the rule. What it leaves out is filled in by a good manifest.
    pub bad: &'static str,
    /// The fragment as it should be.
    pub good: &'static str,
}

/// The rules that guard one part of the manifest.
#[derive(Debug)]
pub struct Family {
    /// The part of the codes in front of the `/`.
    pub name: &'static str,
    /// What it guards, in one line.
    pub about: &'static str,
    /// Its rules, in the order of the documentation.
    pub rules: &'static [&'static Rule],
}

/// All families, in the order of the documentation.
pub static FAMILIES: &[&Family] = &[];

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.rules.iter().copied())
}

/// The rule with `code`.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}

/// Where the pages of the rules are published; [`Rule::url`] adds the code.
pub const PAGES: &str = "https://skillyard.dev/rules/";

impl Rule {
    /// The address of the rule's page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{PAGES}{}", self.code)
    }
}
