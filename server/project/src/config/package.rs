//! The table `package` of `skillyard.toml`: what of a skill's folder goes into its artifact.
//!
//! ```toml
//! [package]
//! modules = ["modules/**/*.wasm"]  # or a table: { "ledger.wasm" = "build/ledger.wasm" }
//! assets = ["assets"]              # a folder means everything in it
//! exclude = ["assets/drafts", "**/*.map"]
//! sbom = "sbom.cdx.json"
//! provenance = "provenance.json"
//! ```
//!
//! Every path is counted from the skill's folder (the one with `skill.toml`) and stays in it.

use std::{collections::BTreeMap, fmt};

use globset::{GlobBuilder, GlobMatcher};
use skillyard_manifest::Span;
use toml::{Spanned, de::DeValue};

use super::{ConfigFault, Fault, shown_words, span, wrong_type};
use crate::suggest::did_you_mean;

/// What the table sets. What is not set is found by the usual names, see [`crate::skill`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PackageConfig {
    /// The modules.
    pub modules: Option<Modules>,
    /// The assets.
    pub assets: Option<Vec<Pattern>>,
    /// What stays out, whatever the others say.
    pub exclude: Vec<Pattern>,
    /// The SBOM; without one it is generated.
    pub sbom: Option<Pattern>,
    /// The provenance; without one it is generated.
    pub provenance: Option<Pattern>,
}

/// How modules are named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Modules {
    /// By where they are.
    Files(Vec<Pattern>),
    /// The path in the artifact, and where the file is.
    Named(BTreeMap<String, Pattern>),
}

/// A glob over paths below the skill's folder, with `/` between their parts. `*` and `?` stay within a part, `**` does
/// not. What matches a folder means everything in it.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

/// Why a text is no [`Pattern`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PatternFault {
    /// Nothing, or an empty part.
    Empty,
    /// Starts at a root, or names a drive.
    Absolute,
    /// Holds a part `.` or `..`.
    Leaves,
    /// Holds `\`.
    Backslash,
    /// A wildcard where one file is named.
    Wildcard,
    /// No glob. Holds the reason.
    Glob(String),
}

impl fmt::Display for PatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("name a file or folder; no part of a path may be empty"),
            Self::Absolute => f.write_str(
                "write it counted from the skill's folder; for a file elsewhere use `skillyard package --module PATH=FILE` \
                 or `--asset PATH=FILE`",
            ),
            Self::Leaves => f.write_str(
                "it may not hold `.` or `..`: it is counted from the skill's folder and stays in it; for a file elsewhere \
                 use `skillyard package --module PATH=FILE` or `--asset PATH=FILE`",
            ),
            Self::Backslash => f.write_str("write `/` between the parts of a path"),
            Self::Wildcard => f.write_str("one file must be named here, without `*`, `?`, `[` or `{`"),
            Self::Glob(reason) => write!(f, "it is no glob: {reason}"),
        }
    }
}

impl Pattern {
    /// Reads a glob.
    ///
    /// # Errors
    /// If it is none, or could match outside the folder.
    pub fn parse(text: &str) -> Result<Self, PatternFault> {
        if text.contains('\\') {
            return Err(PatternFault::Backslash);
        }
        if text.starts_with('/') || text.contains(':') {
            return Err(PatternFault::Absolute);
        }
        // `assets/` is the folder `assets`.
        let text = text.strip_suffix('/').unwrap_or(text);
        for part in text.split('/') {
            match part {
                "" => return Err(PatternFault::Empty),
                "." | ".." => return Err(PatternFault::Leaves),
                _ => {}
            }
        }
        let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(false).build();
        let glob = glob.map_err(|error| PatternFault::Glob(shown_words(&error.kind().to_string())))?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    /// Reads the path of one file.
    ///
    /// # Errors
    /// As [`Pattern::parse`], and for wildcards.
    pub fn parse_file(text: &str) -> Result<Self, PatternFault> {
        let pattern = Self::parse(text)?;
        if pattern.is_literal() { Ok(pattern) } else { Err(PatternFault::Wildcard) }
    }

    /// As it was written, without a `/` at the end.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it names one file or folder.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.text.contains(WILDCARDS)
    }

    /// The folder (or file) below which everything lies that can match: the parts before the first wildcard.
    #[must_use]
    pub fn root(&self) -> &str {
        match self.text.find(WILDCARDS) {
            None => &self.text,
            Some(wild) => self.text.get(..wild).and_then(|before| before.rsplit_once('/')).map_or("", |(root, _)| root),
        }
    }

    /// Whether it matches `path` or a folder that `path` lies in.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.filter_map(|end| path.get(..end)).any(|folder| self.matcher.is_match(folder))
    }
}

const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

const KEYS: [&str; 5] = ["modules", "assets", "exclude", "sbom", "provenance"];

/// Reads the table.
pub(super) fn read(value: &Spanned<DeValue<'_>>) -> Result<PackageConfig, Fault> {
    let DeValue::Table(table) = value.get_ref() else { return Err(wrong_type(value, "package", "a table")) };
    let mut config = PackageConfig::default();
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "modules" => config.modules = Some(read_modules(value)?),
            "assets" => config.assets = Some(patterns(value, "assets")?),
            "exclude" => config.exclude = patterns(value, "exclude")?,
            "sbom" => config.sbom = Some(file(value, "sbom")?),
            "provenance" => config.provenance = Some(file(value, "provenance")?),
            other => {
                let keys = "the keys of `package` are `modules`, `assets`, `exclude`, `sbom` and `provenance`";
                let hint = did_you_mean(other, KEYS, keys);
                let range = key.span();
                let place = Span::new(range.start, range.end.max(range.start));
                return Err((place, ConfigFault::UnknownKey { key: shown_words(other), hint }));
            }
        }
    }
    Ok(config)
}

fn read_modules(value: &Spanned<DeValue<'_>>) -> Result<Modules, Fault> {
    match value.get_ref() {
        DeValue::Table(table) => {
            let mut named = BTreeMap::new();
            for (path, value) in table {
                named.insert(path.get_ref().clone().into_owned(), file(value, "modules")?);
            }
            Ok(Modules::Named(named))
        }
        DeValue::Array(_) => Ok(Modules::Files(patterns(value, "modules")?)),
        _ => Err(wrong_type(value, "modules", "a list of globs, or a table of paths in the artifact and files")),
    }
}

fn patterns(value: &Spanned<DeValue<'_>>, key: &'static str) -> Result<Vec<Pattern>, Fault> {
    let expected = "a list of globs in quotes";
    let DeValue::Array(items) = value.get_ref() else { return Err(wrong_type(value, key, expected)) };
    let mut patterns = Vec::with_capacity(items.len());
    for item in items.iter() {
        let DeValue::String(text) = item.get_ref() else { return Err(wrong_type(item, key, expected)) };
        patterns.push(Pattern::parse(text).map_err(|fault| bad_path(item, text, fault))?);
    }
    Ok(patterns)
}

fn file(value: &Spanned<DeValue<'_>>, key: &'static str) -> Result<Pattern, Fault> {
    let DeValue::String(text) = value.get_ref() else {
        return Err(wrong_type(value, key, "the path of a file, in quotes"));
    };
    Pattern::parse_file(text).map_err(|fault| bad_path(value, text, fault))
}

fn bad_path(value: &Spanned<DeValue<'_>>, text: &str, fault: PatternFault) -> Fault {
    (span(value), ConfigFault::BadPath { path: shown_words(text), fault })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn package(text: &str) -> PackageConfig {
        Config::parse(&format!("[package]\n{text}")).unwrap().package
    }

    fn fault(text: &str) -> (String, String) {
        let text = format!("[package]\n{text}");
        let error = Config::parse(&text).unwrap_err();
        (error.span.of(&text).to_owned(), error.to_string())
    }

    #[test]
    fn reads_what_it_documents() {
        let read = package("modules = [\"a/*.wasm\"]\nassets = [\"data/\"]\nexclude = [\"**/x\"]\nsbom = \"s\"\n");
        assert_eq!(read.modules, Some(Modules::Files(vec![Pattern::parse("a/*.wasm").unwrap()])));
        assert_eq!(read.assets, Some(vec![Pattern::parse("data").unwrap()]));
        assert_eq!(read.exclude[0].text(), "**/x");
        assert_eq!(read.sbom.unwrap().text(), "s");
        assert_eq!(read.provenance, None);
        let Some(Modules::Named(named)) = package("modules = { \"a.wasm\" = \"b/c.wasm\" }").modules else { panic!() };
        assert_eq!(named["a.wasm"].text(), "b/c.wasm");
    }

    #[test]
    fn faults_have_place_and_advice() {
        let (place, words) = fault("moduls = []");
        assert_eq!((place.as_str(), words.as_str()), ("moduls", "unknown key `moduls`; did you mean `modules`?"));
        assert!(fault("key = \"/etc/passwd\"").1.contains("the keys of `package` are"));
        assert_eq!(fault("modules = 1").0, "1");
        assert_eq!(fault("assets = [\"a\", 1]").0, "1");
        assert_eq!(fault("sbom = []").0, "[]");
        for (text, words) in [
            ("/etc", "counted from the skill's folder"),
            ("c:/x", "counted from the skill's folder"),
            ("../x", "stays in it"),
            ("a/./b", "stays in it"),
            ("a//b", "may be empty"),
            ("", "may be empty"),
            ("a[", "no glob"),
        ] {
            let (place, said) = fault(&format!("assets = [\"{text}\"]"));
            assert_eq!(place, format!("\"{text}\""));
            assert!(said.contains(words), "{said}");
        }
        assert!(fault("assets = ['a\\b']").1.contains("write `/`"));
        assert!(fault("sbom = \"*.json\"").1.contains("one file"));
    }

    #[test]
    fn patterns_match_within_parts_and_folders_whole() {
        let matches = |pattern: &str, path: &str| Pattern::parse(pattern).unwrap().matches(path);
        assert!(
            matches("a/*.wasm", "a/b.wasm") && !matches("a/*.wasm", "a/b/c.wasm") && !matches("*.wasm", "a/b.wasm")
        );
        assert!(matches("a/**/*.wasm", "a/b/c.wasm") && matches("a/**/*.wasm", "a/c.wasm"));
        assert!(matches("assets", "assets/x/y") && !matches("assets", "assets2/x") && matches("**/tmp", "a/tmp/b"));
        let root = |pattern: &str| Pattern::parse(pattern).unwrap().root().to_owned();
        assert_eq!(
            (root("a/b/*.x"), root("a/b"), root("*.x"), root("a*/b")),
            ("a/b".into(), "a/b".into(), String::new(), String::new())
        );
    }
}
