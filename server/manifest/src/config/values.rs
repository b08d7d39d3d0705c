//! What may be written at a place of `skillyard.toml`, with what to say about it: for completion and hover.

use super::{LEVELS, check_level, shape::PACKAGE};
use crate::{
    Level, Severity,
    grammar::PALYRA_VERSION,
    rules::{self, Rule, config_file},
};

/// Something that may stand at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigValue {
    /// As it is written in TOML: a key with its quotes, or a value.
    pub toml: String,
    /// One line about it.
    pub summary: String,
    /// More about it, with code in back quotes.
    pub doc: String,
    /// The rules that it stands for, where it is a key of `[rules]`: the one that it names, those of a family.
    pub rules: Vec<&'static Rule>,
}

/// What may stand at `path`, the keys from the top level: for a table whose keys are free (`["rules"]`) the keys, for
/// anything else the values. Empty where only the author knows, and for keys and values that [`super::CONFIG`] tells.
///
/// - `["rules"]`: every rule and family that can be set, in quotes;
/// - `["rules", CODE]`: the levels that this one may have, in quotes;
/// - `["palyra_version"]`, `["package", KEY]`: the value to start from.
#[must_use]
pub fn config_values(path: &[&str]) -> Vec<ConfigValue> {
    match path {
        ["palyra_version"] => vec![ConfigValue {
            toml: format!("\"{PALYRA_VERSION}\""),
            summary: "the daemon that Skillyard knows".to_owned(),
            doc: format!("Palyra {PALYRA_VERSION}, the newest daemon that this version of Skillyard knows."),
            rules: Vec::new(),
        }],
        ["rules"] => patterns(),
        ["rules", code] => LEVELS.iter().filter_map(|level| level_of(code, level)).collect(),
        ["package", key] => PACKAGE.key(key).map(|(_, key)| started(key.default, key.example)).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn patterns() -> Vec<ConfigValue> {
    let all = ConfigValue {
        toml: "\"*\"".to_owned(),
        summary: "every rule".to_owned(),
        doc: "Every rule that no other entry sets. What a daemon rejects stays an error.".to_owned(),
        rules: Vec::new(),
    };
    let mut values = vec![all];
    for family in rules::FAMILIES.iter().filter(|family| family.name != config_file::FAMILY.name) {
        // Where each stays an error, nothing can be set.
        if family.rules.iter().all(|rule| rule.least() == Some(Severity::Error)) {
            continue;
        }
        values.push(ConfigValue {
            toml: format!("\"{}/*\"", family.name),
            summary: family.about.to_owned(),
            doc: family.about.to_owned(),
            rules: family.rules.iter().copied().filter(|rule| can_be_set(rule)).collect(),
        });
    }
    let single = rules::all().filter(|rule| can_be_set(rule));
    values.extend(single.map(|rule| ConfigValue {
        toml: format!("\"{}\"", rule.code),
        summary: rule.summary.to_owned(),
        doc: rule.details.to_owned(),
        rules: vec![rule],
    }));
    values
}

fn can_be_set(rule: &Rule) -> bool {
    check_level(rule.code, Level::Allow).is_ok()
}

fn level_of(code: &str, name: &str) -> Option<ConfigValue> {
    let level = Level::parse(name)?;
    check_level(code, level).ok()?;
    let what = match level.severity() {
        None => "not reported".to_owned(),
        Some(severity) => format!("reported as {}", severity.name()),
    };
    let own =
        rules::find(code).map(|rule| format!(" Without an entry it is {}.", rule.severity.name())).unwrap_or_default();
    let doc = format!("`{code}` is {what}.{own}");
    Some(ConfigValue { toml: format!("\"{name}\""), summary: what, doc, rules: Vec::new() })
}

fn started(default: &str, example: &str) -> Vec<ConfigValue> {
    let mut values = Vec::new();
    if !default.is_empty() {
        values.push(ConfigValue {
            toml: default.to_owned(),
            summary: "the default".to_owned(),
            doc: "What counts without an entry.".to_owned(),
            rules: Vec::new(),
        });
    }
    if !example.is_empty() && example != default {
        values.push(ConfigValue {
            toml: example.to_owned(),
            summary: "an example".to_owned(),
            doc: "A value to start from.".to_owned(),
            rules: Vec::new(),
        });
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{analyze_config, read_config};

    #[test]
    fn what_is_offered_can_be_written() {
        let version = config_values(&["palyra_version"]);
        assert!(read_config(&format!("palyra_version = {}", version[0].toml)).unwrap().palyra_version.is_some());
        let keys = config_values(&["rules"]);
        assert!(keys.len() > 80, "{}", keys.len());
        for key in &keys {
            assert!(!key.summary.is_empty() && !key.doc.is_empty(), "{key:?}");
            let code = key.toml.trim_matches('"');
            let levels = config_values(&["rules", code]);
            assert_eq!(levels.len(), LEVELS.len(), "{code}");
            for level in levels {
                let text = format!("[rules]\n{} = {}\n", key.toml, level.toml);
                assert_eq!(analyze_config(&text), [], "{text}");
            }
        }
        for key in PACKAGE.keys {
            for value in config_values(&["package", key.name]) {
                let text = format!("[package]\n{} = {}\n", key.name, value.toml);
                assert_eq!(analyze_config(&text), [], "{text}");
            }
        }
    }

    #[test]
    fn what_a_daemon_rejects_may_only_be_denied() {
        assert!(config_values(&["rules"]).iter().all(|key| key.toml != "\"fields/unknown-key\""));
        let levels = config_values(&["rules", "fields/unknown-key"]);
        assert_eq!(levels.iter().map(|level| level.toml.as_str()).collect::<Vec<_>>(), ["\"deny\""]);
        for nothing in [&["rules", "no/such"][..], &["rules", "a", "b"], &["x"], &[], &["package", "x"]] {
            assert_eq!(config_values(nothing), [], "{nothing:?}");
        }
    }
}
