//! `skillyard.toml`: what a team sets about the analysis and packaging of its skills.
//!
//! [`shape`] says what may stand there, [`analyze_config`] what is wrong with a text, [`read_config`] what a text sets,
//! and [`config_values`] what an editor may offer at a place. The configuration that the command line and the server
//! count with is made of [`read_config`]'s result, so that what they refuse is what an editor shows.

mod level;
mod pattern;
pub mod shape;
mod values;

use std::collections::BTreeMap;

pub use level::{LEVELS, LevelFault, check_level, likely_rule};
pub use pattern::{MAX_GROUPS, MAX_PATTERN_BYTES, PatternFault, PlacedFault, file_fault, pattern_fault};
pub use shape::CONFIG;
pub use values::{ConfigValue, config_values};

use crate::{
    Diagnostic, Severity, Span,
    document::Document,
    grammar::Version,
    options::Level,
    rules::{self, config_file},
};

/// The largest configuration that is read, in bytes. There are some hundred rules; a file beyond this is no
/// configuration.
pub const MAX_CONFIG_BYTES: usize = 256 * 1024;

/// How many globs or paths `modules`, `assets` and `exclude` hold each. An artifact has fewer entries, and each glob is
/// held against every file of the folder.
pub const MAX_GLOBS: usize = 1000;

/// What a `skillyard.toml` sets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConfigFile {
    /// `palyra_version`.
    pub palyra_version: Option<Version>,
    /// `[rules]`: levels by rule code or family pattern.
    pub levels: BTreeMap<String, Level>,
    /// `[package]`.
    pub package: PackageTable,
}

/// What the table `package` sets. Every text is a glob or path without a [`PatternFault`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PackageTable {
    /// `modules`.
    pub modules: Option<ModulesValue>,
    /// `assets`, globs.
    pub assets: Option<Vec<String>>,
    /// `exclude`, globs.
    pub exclude: Vec<String>,
    /// `sbom`, the path of a file.
    pub sbom: Option<String>,
    /// `provenance`, the path of a file.
    pub provenance: Option<String>,
}

/// What `package.modules` sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModulesValue {
    /// Globs.
    Files(Vec<String>),
    /// The path in the artifact, and the path of the file.
    Named(BTreeMap<String, String>),
}

/// Everything that is wrong with the text of a `skillyard.toml`, in the order of the text.
///
/// Takes any text and ends in time linear in its size.
#[must_use]
pub fn analyze_config(text: &str) -> Vec<Diagnostic> {
    read(text).1
}

/// What the text of a `skillyard.toml` sets.
///
/// # Errors
/// All findings of [`analyze_config`], in the order of the text, where one of them is an error.
pub fn read_config(text: &str) -> Result<ConfigFile, Vec<Diagnostic>> {
    let (file, findings) = read(text);
    if findings.iter().any(|found| found.severity == Severity::Error) { Err(findings) } else { Ok(file) }
}

fn read(text: &str) -> (ConfigFile, Vec<Diagnostic>) {
    if text.len() > MAX_CONFIG_BYTES {
        let message = format!("{} bytes are too many for a configuration; the limit is {MAX_CONFIG_BYTES}", text.len());
        return (ConfigFile::default(), vec![rules::finding(&config_file::TOO_LARGE, Span::at(0), message)]);
    }
    let document = Document::parse(text);
    let (file, mut findings) = rules::run_config(text, &document);
    findings.sort_by(|a, b| (a.span, a.rule.code).cmp(&(b.span, b.rule.code)));
    (file, findings)
}
