//! The rules about artifacts and modules, in the shape of the manifest's: a code, a severity, what a daemon does, words.
//! Each family stands in the module that reports it and is listed here.

use skillyard_manifest::rules::Rule;

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

/// All families, in the order of the documentation.
pub static FAMILIES: &[&Family] = &[
    &crate::container::FAMILY,
    &crate::path::FAMILY,
    &crate::signature::FAMILY,
    &crate::trust::FAMILY,
    &crate::package::FAMILY,
    &crate::audit::MODULE_FAMILY,
    &crate::audit::SKILL_FAMILY,
    &crate::manifest::FAMILY,
    &crate::integrity::FAMILY,
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
