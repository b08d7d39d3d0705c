//! What a caller can set about an analysis.

use std::collections::BTreeMap;

use crate::{
    diagnostic::Severity,
    grammar::{PALYRA_VERSION, Version},
};

/// What a configuration makes of a rule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Not reported. A rule that a daemon rejects on cannot be silenced and stays an error.
    Allow,
    /// Reported as a hint.
    Hint,
    /// Reported as information.
    Info,
    /// Reported as a warning.
    Warn,
    /// Reported as an error.
    Deny,
}

impl Level {
    /// What names a level; the last three are how people write them too.
    pub(crate) const NAMES: [(&str, Self); 8] = [
        ("allow", Self::Allow),
        ("hint", Self::Hint),
        ("info", Self::Info),
        ("warn", Self::Warn),
        ("deny", Self::Deny),
        ("off", Self::Allow),
        ("warning", Self::Warn),
        ("error", Self::Deny),
    ];

    /// Reads `allow`, `hint`, `info`, `warn` or `deny` (and, as people write them too, `off`, `warning`, `error`).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find_map(|(known, level)| (known == name).then_some(level))
    }

    /// The severity to report at; `None` for [`Level::Allow`].
    #[must_use]
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Allow => None,
            Self::Hint => Some(Severity::Hint),
            Self::Info => Some(Severity::Info),
            Self::Warn => Some(Severity::Warning),
            Self::Deny => Some(Severity::Error),
        }
    }
}

/// What a caller can set about an analysis. The default is a Palyra 0.1.0 daemon and every rule at its own severity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// The version of the daemon to check compatibility against.
    pub palyra_version: Version,
    /// Levels by rule code (`egress/port`) or by family (`egress/*`, `*`); the more specific wins.
    pub levels: BTreeMap<String, Level>,
}

impl Default for Options {
    fn default() -> Self {
        Self { palyra_version: PALYRA_VERSION, levels: BTreeMap::new() }
    }
}

impl Options {
    /// The level set for `code`, if any.
    #[must_use]
    pub fn level(&self, code: &str) -> Option<Level> {
        let family = code.split_once('/').map(|(family, _)| format!("{family}/*"));
        [Some(code), family.as_deref(), Some("*")].into_iter().flatten().find_map(|key| self.levels.get(key).copied())
    }

    /// Whether `pattern` can be a key of [`Options::levels`]: a rule's code, a family with `/*`, or `*`.
    #[must_use]
    pub fn is_pattern(pattern: &str) -> bool {
        pattern == "*"
            || crate::rules::find(pattern).is_some()
            || pattern.strip_suffix("/*").is_some_and(|family| crate::rules::FAMILIES.iter().any(|f| f.name == family))
    }
}
