//! `skillyard.toml`: what a team sets about the analysis of its skills.
//!
//! ```toml
//! palyra_version = "0.1.0"    # the daemon to check compatibility against
//!
//! [rules]
//! "egress/port" = "deny"      # allow, hint, info, warn or deny
//! "operator/*" = "hint"       # a whole family; the more specific entry wins
//! ```
//!
//! The file counts for every skill beside it and below it. The nearest one wins whole; nothing is merged. The search
//! stops at the folder that holds `.git`.
//!
//! The table `package` says what goes into the skill's artifact, see [`PackageConfig`]. Every unknown key, and every rule
//! that does not exist, is an error with its place. A rule that a daemon rejects on stays an error: it can be neither
//! silenced nor lowered, by name or by family.

mod package;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use skillyard_manifest::{Daemon, Encoding, Level, LineIndex, Options, Position, Span, grammar::Version, rules};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    files::{self, ReadError},
    shown,
    suggest::did_you_mean,
};

pub use package::{Modules, PackageConfig, Pattern, PatternFault};

/// The name of the file.
pub const FILE_NAME: &str = "skillyard.toml";

/// The largest configuration that is read, in bytes. There are some hundred rules; a file beyond this is no
/// configuration.
pub const MAX_CONFIG_BYTES: usize = 256 * 1024;

/// What a `skillyard.toml` sets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Config {
    /// The daemon's version; `None` leaves it as it is.
    pub palyra_version: Option<Version>,
    /// Levels by rule code or family pattern.
    pub levels: BTreeMap<String, Level>,
    /// What goes into the artifact.
    pub package: PackageConfig,
}

/// A fault of a configuration's text, and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The bytes that are wrong.
    pub span: Span,
    /// The start of `span`, counted in UTF-16 from 0.
    pub start: Position,
    /// The end of `span`, counted in UTF-16 from 0.
    pub end: Position,
    /// What is wrong.
    pub fault: ConfigFault,
}

/// What is wrong with a configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigFault {
    /// The text is too large to be a configuration.
    TooLarge(usize),
    /// No TOML. Holds the parser's words.
    Syntax(String),
    /// A key that means nothing.
    UnknownKey {
        /// The key.
        key: String,
        /// What may have been meant, as the end of a sentence.
        hint: String,
    },
    /// A value of another type than the key's.
    WrongType {
        /// The key.
        key: String,
        /// What it should be.
        expected: &'static str,
    },
    /// No version of three numbers.
    BadVersion(String),
    /// A rule or family that does not exist.
    UnknownRule {
        /// What was written.
        code: String,
        /// What may have been meant, as the end of a sentence.
        hint: String,
    },
    /// A level that does not exist.
    UnknownLevel(String),
    /// A level below error for a rule that a daemon rejects on.
    Lowered(String),
    /// No path or glob below the skill's folder.
    BadPath {
        /// What was written.
        path: String,
        /// Why not.
        fault: PatternFault,
    },
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(bytes) => {
                write!(f, "{bytes} bytes are too many for a configuration; the limit is {MAX_CONFIG_BYTES}")
            }
            Self::Syntax(message) => write!(f, "not valid TOML: {message}"),
            Self::UnknownKey { key, hint } => {
                write!(f, "unknown key `{key}`; {hint}")
            }
            Self::WrongType { key, expected } => write!(f, "`{key}` must be {expected}"),
            Self::BadVersion(text) => {
                write!(f, "`{text}` is no version; write three numbers, such as \"0.1.0\"")
            }
            Self::UnknownRule { code, hint } => {
                write!(f, "unknown rule `{code}`; {hint}")
            }
            Self::UnknownLevel(level) => {
                write!(f, "unknown level `{level}`; use `allow`, `hint`, `info`, `warn` or `deny`")
            }
            Self::Lowered(code) => write!(f, "{}", lowered(code)),
            Self::BadPath { path, fault } => write!(f, "`{path}`: {fault}"),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)
    }
}

impl std::error::Error for ConfigError {}

/// Why a level cannot be set.
pub(crate) fn lowered(code: &str) -> String {
    format!("a daemon rejects on `{code}`, so it stays an error: fix the manifest, or set it to `deny`")
}

/// Why a configuration file could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// It could not be read.
    Read(ReadError),
    /// It holds a fault.
    Config {
        /// The file.
        path: PathBuf,
        /// The fault.
        error: ConfigError,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Config { path, error } => {
                write!(f, "{}:{}:{}: {error}", shown::path(path), error.start.line + 1, error.start.character + 1)
            }
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Config { error, .. } => Some(error),
        }
    }
}

impl Config {
    /// Reads the text of a `skillyard.toml`.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let at = |span: Span, fault| {
            let index = LineIndex::new(text);
            let place = |offset| index.position(text, offset, Encoding::Utf16);
            ConfigError { span, start: place(span.start), end: place(span.end), fault }
        };
        if text.len() > MAX_CONFIG_BYTES {
            return Err(at(Span::at(0), ConfigFault::TooLarge(text.len())));
        }
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().map_or(Span::at(0), |range| Span::new(range.start, range.end.max(range.start)));
            at(span, ConfigFault::Syntax(shown_words(error.message())))
        })?;
        let mut config = Self::default();
        for (key, value) in table.get_ref() {
            read_key(&mut config, key, value).map_err(|(span, fault)| at(span, fault))?;
        }
        Ok(config)
    }

    /// `base` with what the configuration sets.
    #[must_use]
    pub fn options(&self, base: Options) -> Options {
        let mut options = base;
        if let Some(version) = self.palyra_version {
            options.palyra_version = version;
        }
        options.levels.extend(self.levels.iter().map(|(code, level)| (code.clone(), *level)));
        options
    }
}

type Fault = (Span, ConfigFault);

fn read_key(config: &mut Config, key: &Spanned<impl AsRef<str>>, value: &Spanned<DeValue<'_>>) -> Result<(), Fault> {
    match (key.get_ref().as_ref(), value.get_ref()) {
        ("palyra_version", DeValue::String(text)) => match Version::parse(text) {
            Some(version) => config.palyra_version = Some(version),
            None => return Err((span(value), ConfigFault::BadVersion(shown_words(text)))),
        },
        ("palyra_version", _) => return Err(wrong_type(value, "palyra_version", "a string, such as \"0.1.0\"")),
        ("rules", DeValue::Table(rules)) => {
            for (code, level) in rules {
                let (code, level) = read_rule(code, level)?;
                config.levels.insert(code, level);
            }
        }
        ("rules", _) => return Err(wrong_type(value, "rules", "a table of rule codes and levels")),
        ("package", _) => config.package = package::read(value)?,
        (other, _) => {
            let hint = did_you_mean(
                other,
                ["palyra_version", "rules", "package"],
                "the keys are `palyra_version`, `rules` and `package`",
            );
            return Err((span(key), ConfigFault::UnknownKey { key: shown_words(other), hint }));
        }
    }
    Ok(())
}

fn read_rule(code: &Spanned<impl AsRef<str>>, level: &Spanned<DeValue<'_>>) -> Result<(String, Level), Fault> {
    let name = code.get_ref().as_ref();
    if !Options::is_pattern(name) {
        // `egress.port = "warn"` reads as a table in a table: the quotes are missing.
        let hint = match level.get_ref() {
            DeValue::Table(_) => format!("write a rule as \"{}/…\" = \"warn\", in quotes", shown_words(name)),
            _ => hint_for(name),
        };
        return Err((span(code), ConfigFault::UnknownRule { code: shown_words(name), hint }));
    }
    let DeValue::String(text) = level.get_ref() else {
        return Err(wrong_type(level, name, "a level in quotes: \"allow\", \"hint\", \"info\", \"warn\" or \"deny\""));
    };
    let Some(parsed) = Level::parse(text) else {
        return Err((span(level), ConfigFault::UnknownLevel(shown_words(text))));
    };
    match check_level(name, parsed) {
        Ok(()) => Ok((name.to_owned(), parsed)),
        Err(fault) => Err((span(level), fault)),
    }
}

/// Whether `pattern` exists and may be set to `level`: a rule that a daemon rejects on may only be `deny`.
///
/// # Errors
/// [`ConfigFault::UnknownRule`] or [`ConfigFault::Lowered`].
pub fn check_level(pattern: &str, level: Level) -> Result<(), ConfigFault> {
    if !Options::is_pattern(pattern) {
        return Err(ConfigFault::UnknownRule { code: shown_words(pattern), hint: hint_for(pattern) });
    }
    match rules::find(pattern) {
        Some(rule) if rule.daemon == Daemon::Rejects && level != Level::Deny => {
            Err(ConfigFault::Lowered(pattern.to_owned()))
        }
        _ => Ok(()),
    }
}

const ALL: &str = "`skillyard explain` lists all rules";

/// What may have been meant by an unknown rule or family, as the end of a sentence.
#[must_use]
pub fn hint_for(pattern: &str) -> String {
    let families: Vec<String> = rules::FAMILIES.iter().map(|family| format!("{}/*", family.name)).collect();
    did_you_mean(pattern, rules::all().map(|rule| rule.code).chain(families.iter().map(String::as_str)), ALL)
}

fn wrong_type(value: &Spanned<DeValue<'_>>, key: &str, expected: &'static str) -> Fault {
    (span(value), ConfigFault::WrongType { key: shown_words(key), expected })
}

fn span<T>(value: &Spanned<T>) -> Span {
    let range = value.span();
    Span::new(range.start, range.end.max(range.start))
}

/// A piece of the file in a message: escaped, on one line and not endless.
fn shown_words(text: &str) -> String {
    shown::words(text, 120)
}

/// The configuration that counts for a skill in `folder`: the nearest `skillyard.toml` in it or above it, not beyond
/// the folder that holds `.git`.
#[must_use]
pub fn find(folder: &Path) -> Option<PathBuf> {
    let start = files::absolute(folder);
    for folder in start.ancestors() {
        if let Some(found) = config_in(folder) {
            return Some(found);
        }
        if holds_git(folder) {
            return None;
        }
    }
    None
}

/// The configuration file in `folder` itself. Whatever has the name counts, also what cannot be read: to skip it would
/// check by other rules than the author set.
pub(crate) fn config_in(folder: &Path) -> Option<PathBuf> {
    let path = folder.join(FILE_NAME);
    path.symlink_metadata().is_ok().then_some(path)
}

pub(crate) fn holds_git(folder: &Path) -> bool {
    folder.join(".git").symlink_metadata().is_ok()
}

/// Reads the configuration file at `path`.
///
/// # Errors
/// If it is no regular file, is too large, cannot be read, or holds a fault.
pub fn load(path: &Path) -> Result<Config, LoadError> {
    let bytes = files::read(path, MAX_CONFIG_BYTES).map_err(LoadError::Read)?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            return Err(LoadError::Read(ReadError::NotUtf8 {
                path: path.to_owned(),
                at: error.utf8_error().valid_up_to(),
            }));
        }
    };
    Config::parse(&text).map_err(|error| LoadError::Config { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (String, String) {
        let error = Config::parse(text).unwrap_err();
        (error.span.of(text).to_owned(), error.to_string())
    }

    #[test]
    fn reads_what_it_documents() {
        let config = Config::parse("palyra_version = \"0.2.0\"\n[rules]\n\"*\" = \"info\"\n").unwrap();
        assert_eq!(config.palyra_version, Some(Version(0, 2, 0)));
        assert_eq!(config.levels, BTreeMap::from([("*".to_owned(), Level::Info)]));
        let options = config.options(Options::default());
        assert_eq!(options.palyra_version, Version(0, 2, 0));
        assert_eq!(options.level("any/thing"), Some(Level::Info));
        assert_eq!(Config::parse("").unwrap().options(Options::default()), Options::default());
    }

    #[test]
    fn faults_have_place_and_advice() {
        let (place, words) = fault("[rules]\n[palyra_versoin]\n");
        assert_eq!(place, "palyra_versoin");
        assert!(words.contains("did you mean `palyra_version`?"), "{words}");
        assert_eq!(fault("palyra_version = 1").0, "1");
        assert_eq!(fault("palyra_version = \"1.2\"").0, "\"1.2\"");
        assert_eq!(fault("rules = 1").0, "1");
        assert_eq!(fault("package = 1").0, "1");
        assert_eq!(fault("[rules]\n\"*\" = \"loud\"").0, "\"loud\"");
        assert_eq!(fault("[rules]\n\"*\" = 3").0, "3");
        assert_eq!(fault("[rules]\n\"no/such\" = \"warn\"").0, "\"no/such\"");
        assert!(fault("[rules]\negress.port = \"warn\"").1.contains("in quotes"));
        assert!(fault("= 1").1.starts_with("not valid TOML: "));
        assert!(fault(&"#".repeat(MAX_CONFIG_BYTES + 1)).1.contains("too many"));
    }

    #[test]
    fn text_of_the_file_is_escaped_in_messages() {
        let words = fault("\"\\u001b[31m\\u202e\" = 1").1;
        assert!(!words.contains(['\u{1b}', '\u{202e}']), "{words:?}");
    }

    #[test]
    fn the_nearest_wins_and_git_ends_the_search() {
        let root = tempfile::tempdir().unwrap();
        let skill = root.path().join("repo/skills/one");
        std::fs::create_dir_all(&skill).unwrap();
        let outer = root.path().join(FILE_NAME);
        std::fs::write(&outer, "").unwrap();
        assert_eq!(find(&skill), Some(outer));
        std::fs::create_dir(root.path().join("repo/.git")).unwrap();
        assert_eq!(find(&skill), None);
        let near = root.path().join("repo/skills").join(FILE_NAME);
        std::fs::write(&near, "palyra_version = \"0.3.0\"").unwrap();
        assert_eq!(find(&skill), Some(near.clone()));
        assert_eq!(find(&skill.join("../one")), Some(near.clone()));
        assert_eq!(load(&near).unwrap().palyra_version, Some(Version(0, 3, 0)));
    }
}
