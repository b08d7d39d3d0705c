//! `skillyard.toml`: what a team sets about the analysis of its skills.
//!
//! ```toml
//! palyra_version = "0.1.0"     # the daemon to check compatibility against
//!
//! [rules]
//! "egress/upper-case" = "deny" # allow, hint, info, warn or deny
//! "operator/*" = "hint"        # a whole family; the more specific entry wins
//! ```
//!
//! The file counts for every skill beside it and below it. The nearest one wins whole; nothing is merged. The search
//! stops at the folder that holds `.git`.
//!
//! The table `package` says what goes into the skill's artifact, see [`PackageConfig`]. What is wrong in a file is said by
//! [`skillyard_manifest::analyze_config`], here and in an editor: a file in which that finds an error does not count, and
//! whoever needs it is refused with all its findings. A rule that a daemon rejects on stays an error: it can be neither
//! silenced nor lowered, by name or by family.

mod package;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use skillyard_manifest::{
    Diagnostic, Encoding, Level, LineIndex, Options, Position, Severity, Span, config::MAX_CONFIG_BYTES,
    grammar::Version, read_config,
};

use crate::{
    files::{self, ReadError},
    shown,
};

pub use package::{Modules, PackageConfig, Pattern};

/// The name of the file.
pub const FILE_NAME: &str = "skillyard.toml";

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

/// Why a text is no configuration.
#[derive(Clone, PartialEq, Debug)]
pub struct ConfigError {
    /// What is wrong with it, in the order of the text: one thing at least.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The code of its rule, `config-file/unknown-key`.
    pub code: &'static str,
    /// The bytes that are wrong.
    pub span: Span,
    /// Where they start, counted in UTF-16 from 0 as an editor shows it: without a byte order mark.
    pub start: Position,
    /// What is wrong, on one line.
    pub message: String,
}

/// `LINE:COLUMN: what is wrong`, counted from 1.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.start.line + 1, self.start.character + 1, self.message)
    }
}

impl ConfigError {
    /// The errors among the findings in `text`.
    fn of(text: &str, findings: Vec<Diagnostic>) -> Self {
        let index = LineIndex::new(text);
        let fault = |found: Diagnostic| {
            let mut start = index.position(text, found.span.start, Encoding::Utf16);
            if start.line == 0 && text.starts_with('\u{feff}') {
                start.character = start.character.saturating_sub(1);
            }
            Fault { code: found.rule.code, span: found.span, start, message: found.message }
        };
        let errors = findings.into_iter().filter(|found| found.severity == Severity::Error);
        Self { faults: errors.map(fault).collect() }
    }
}

/// The first fault, and how many others there are.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, others)) = self.faults.split_first() else { return f.write_str("1:1: no configuration") };
        first.fmt(f)?;
        if others.is_empty() { Ok(()) } else { write!(f, " (and {} more)", others.len()) }
    }
}

impl std::error::Error for ConfigError {}

/// Why a configuration file could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// It could not be read.
    Read(ReadError),
    /// Something in it is wrong.
    Config {
        /// The file.
        path: PathBuf,
        /// What.
        error: ConfigError,
    },
}

impl LoadError {
    /// Everything that is wrong, a line each, with the file and the place: `skillyard.toml:2:1: …`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Read(error) => vec![error.to_string()],
            Self::Config { path, error } => {
                error.faults.iter().map(|fault| format!("{}:{fault}", shown::path(path))).collect()
            }
        }
    }
}

/// The first thing that is wrong.
impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Config { path, error } => write!(f, "{}:{error}", shown::path(path)),
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
    /// What is wrong with it, where [`skillyard_manifest::analyze_config`] finds an error, and only there.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let file = read_config(text).map_err(|findings| ConfigError::of(text, findings))?;
        let package = PackageConfig::of(file.package).map_err(|message| ConfigError {
            faults: vec![Fault {
                code: "config-file/bad-glob",
                span: Span::at(0),
                start: Position::default(),
                message,
            }],
        })?;
        Ok(Self { palyra_version: file.palyra_version, levels: file.levels, package })
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
    fn all_faults_are_told_with_their_places() {
        let text = "\u{feff}palyra_versoin = 1\n[rules]\n\"*\" = \"loud\"\n";
        let error = Config::parse(text).unwrap_err();
        let told: Vec<String> = error.faults.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0], "1:1: unknown key `palyra_versoin`; did you mean `palyra_version`?");
        assert!(told[1].starts_with("3:7: unknown level `loud`"), "{told:?}");
        assert_eq!(error.to_string(), format!("{} (and 1 more)", told[0]));
        assert_eq!(error.faults[0].span.of(text), "palyra_versoin");
        assert_eq!(error.faults[1].code, "config-file/unknown-level");
    }

    #[test]
    fn what_the_analysis_finds_is_refused_and_nothing_else() {
        for text in [
            "",
            "= 1",
            "a = 1",
            "palyra_version = 1",
            "[rules]\n\"*\" = \"warn\"",
            "[rules]\negress.port = \"warn\"",
            "[rules]\n\"fields/unknown-key\" = \"hint\"",
            "package = 1",
            "[package]\nsbom = \"*.json\"",
            "[package]\nassets = [\"a\", \"b/**\"]",
            "[package.modules]\n\"a.wasm\" = \"../b\"",
            "# \u{202e}",
        ] {
            let findings = skillyard_manifest::analyze_config(text);
            let codes: Vec<&str> = findings.iter().map(|found| found.rule.code).collect();
            match Config::parse(text) {
                Ok(_) => assert_eq!(codes, [] as [&str; 0], "{text}"),
                Err(error) => {
                    assert_eq!(error.faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), codes, "{text}")
                }
            }
        }
        let large = "#".repeat(MAX_CONFIG_BYTES + 1);
        assert!(Config::parse(&large).unwrap_err().to_string().contains("too many"));
    }

    #[test]
    fn text_of_the_file_is_escaped_in_messages() {
        let words = Config::parse("\"\\u001b[31m\\u202e\" = 1").unwrap_err().to_string();
        assert!(words.contains("unknown key") && !words.contains(['\u{1b}', '\u{202e}']), "{words:?}");
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
