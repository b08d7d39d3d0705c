//! Every rule that there is: of manifests, then of artifacts. What explains, completes and lists rules asks here.

use skillyard_manifest::rules::Rule;

/// The rules of one part of a manifest or an artifact.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The part of the codes in front of the `/`.
    pub name: &'static str,
    /// What it guards, in one line.
    pub about: &'static str,
    /// Its rules, in the order of the documentation.
    pub rules: &'static [&'static Rule],
}

/// All families, in the order of the documentation.
pub fn families() -> impl Iterator<Item = Family> {
    let manifest = skillyard_manifest::rules::FAMILIES.iter();
    let artifact = skillyard_artifact::rules::FAMILIES.iter();
    manifest
        .map(|family| Family { name: family.name, about: family.about, rules: family.rules })
        .chain(artifact.map(|family| Family { name: family.name, about: family.about, rules: family.rules }))
}

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    families().flat_map(|family| family.rules.iter().copied())
}

/// The rule with `code`.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}

/// The page of a rule, in Markdown.
#[must_use]
pub fn page(rule: &Rule) -> String {
    if skillyard_artifact::rules::find(rule.code).is_some() {
        skillyard_manifest::rules::page_about("artifact", rule)
    } else {
        skillyard_manifest::rules::page(rule)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_in_their_family() {
        let mut seen = HashSet::new();
        for family in families() {
            for rule in family.rules {
                assert_eq!(rule.code.split_once('/').map(|(name, _)| name), Some(family.name));
                assert!(seen.insert(rule.code), "{}", rule.code);
            }
        }
    }
}
