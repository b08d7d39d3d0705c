//! Which rule may be set to which level, wherever levels are set: in `skillyard.toml`, by a flag, in an editor.

use std::fmt;

use crate::{
    Daemon, Level, Options, Severity,
    rules::{self, Rule, config_file},
    show, suggest,
};

/// The names of the levels, from silent to loud.
pub const LEVELS: &[&str] = &["allow", "hint", "info", "warn", "deny"];

/// Why a level cannot be set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LevelFault {
    /// There is no such rule or family.
    UnknownRule {
        /// What was written.
        code: String,
        /// What may have been meant.
        meant: Option<String>,
    },
    /// A level that is lower than what a rule stays at.
    TooLow(&'static Rule),
    /// A level below `deny` for a rule about the configuration itself.
    Fixed(String),
}

impl fmt::Display for LevelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownRule { code, meant: Some(meant) } => {
                write!(f, "unknown rule {}; did you mean `{meant}`?", show::quoted(code))
            }
            Self::UnknownRule { code, meant: None } => {
                write!(f, "unknown rule {}; `skillyard explain` lists all rules", show::quoted(code))
            }
            Self::TooLow(rule) => {
                let daemon = rule.daemon == Daemon::Rejects;
                let why = if daemon { "a daemon rejects on" } else { "an artifact is refused for" };
                let what = if rules::is_about_modules(rule) { "mend the module" } else { "fix the manifest" };
                let stays = if rule.severity == Severity::Error { "an error" } else { "a warning" };
                write!(f, "{why} `{}`, so it stays {stays}: {what}, or set it to `deny`", rule.code)
            }
            Self::Fixed(code) => {
                write!(f, "{} is about skillyard.toml itself and stays an error: leave it out", show::quoted(code))
            }
        }
    }
}

impl std::error::Error for LevelFault {}

/// Whether `pattern` (a rule's code, a family with `/*`, or `*`) exists and may be set to `level`: no rule may be set
/// below what it stays at ([`Rule::least`]), and one about the configuration itself may only be `deny`.
///
/// # Errors
/// Why not.
pub fn check_level(pattern: &str, level: Level) -> Result<(), LevelFault> {
    if !Options::is_pattern(pattern) {
        return Err(LevelFault::UnknownRule { code: pattern.to_owned(), meant: likely_rule(pattern) });
    }
    if level == Level::Deny {
        return Ok(());
    }
    if pattern.split_once('/').is_some_and(|(family, _)| family == config_file::FAMILY.name) {
        return Err(LevelFault::Fixed(pattern.to_owned()));
    }
    match rules::find(pattern) {
        Some(rule) if rule.least().is_some_and(|least| level.severity().is_none_or(|severity| severity < least)) => {
            Err(LevelFault::TooLow(rule))
        }
        _ => Ok(()),
    }
}

/// The rule or family that an unknown one may mean.
pub fn likely_rule(pattern: &str) -> Option<String> {
    let families: Vec<String> = rules::FAMILIES.iter().map(|family| format!("{}/*", family.name)).collect();
    let codes = rules::all().map(|rule| rule.code);
    suggest::closest(pattern, codes.chain(families.iter().map(String::as_str))).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_an_error_cannot_be_lowered() {
        let fault = |code, level| check_level(code, level).unwrap_err().to_string();
        assert!(fault("fields/unknown-key", Level::Warn).starts_with("a daemon rejects on `fields/unknown-key`"));
        assert!(fault("module/memories-together", Level::Warn).starts_with("an artifact is refused for"));
        assert!(fault("module/invalid", Level::Allow).contains("stays an error"));
        assert!(fault("module/component", Level::Hint).contains("stays a warning"));
        assert_eq!(check_level("module/component", Level::Warn), Ok(()));
        assert!(fault("config-file/unknown-key", Level::Warn).contains("stays an error"));
        assert!(fault("config-file/*", Level::Allow).contains("stays an error"));
        for code in ["fields/unknown-key", "config-file/*", "config-file/unknown-key"] {
            assert_eq!(check_level(code, Level::Deny), Ok(()));
        }
        // Of a family those rules are lowered that can be.
        for code in ["fields/*", "*", "fields/deprecated-alias", "module/*", "audit/unused-capability"] {
            assert_eq!(check_level(code, Level::Allow), Ok(()));
        }
    }

    #[test]
    fn an_unknown_rule_gets_advice() {
        let fault = |code| check_level(code, Level::Warn).unwrap_err().to_string();
        assert_eq!(fault("field/*"), "unknown rule `field/*`; did you mean `fields/*`?");
        assert!(fault("fields/deprecated-alais").ends_with("did you mean `fields/deprecated-alias`?"));
        assert!(fault("zzz").ends_with("`skillyard explain` lists all rules"));
        assert!(!fault("\u{1b}\u{202e}").contains(['\u{1b}', '\u{202e}']));
    }

    #[test]
    fn the_levels_are_those_that_are_read() {
        let levels = LEVELS.iter().map(|name| Level::parse(name).unwrap());
        assert!(levels.eq([Level::Allow, Level::Hint, Level::Info, Level::Warn, Level::Deny]));
    }
}
