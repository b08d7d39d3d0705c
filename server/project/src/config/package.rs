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

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use skillyard_manifest::{
    config::{ModulesValue, PackageTable, pattern_fault},
    plain, quoted,
};

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

impl PackageConfig {
    /// Of a table that was read.
    ///
    /// # Errors
    /// If the library cannot read a glob that has no fault. A test holds that it reads them all.
    pub(super) fn of(table: PackageTable) -> Result<Self, String> {
        let all = |texts: Vec<String>| texts.into_iter().map(Pattern::new).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            modules: match table.modules {
                None => None,
                Some(ModulesValue::Files(files)) => Some(Modules::Files(all(files)?)),
                Some(ModulesValue::Named(named)) => {
                    let named = named.into_iter().map(|(path, file)| Ok((path, Pattern::new(file)?)));
                    Some(Modules::Named(named.collect::<Result<_, String>>()?))
                }
            },
            assets: table.assets.map(all).transpose()?,
            exclude: all(table.exclude)?,
            sbom: table.sbom.map(Pattern::new).transpose()?,
            provenance: table.provenance.map(Pattern::new).transpose()?,
        })
    }
}

/// A glob over paths below the skill's folder, with `/` between their parts. `*` and `?` stay within a part, `**` does
/// not. What matches a folder means everything in it.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    matcher: GlobSet,
}

impl Pattern {
    /// Reads a glob.
    ///
    /// # Errors
    /// If it is none, or could match outside the folder: why.
    pub fn parse(text: &str) -> Result<Self, String> {
        match pattern_fault(text) {
            None => Self::new(text.to_owned()),
            Some((fault, _)) => Err(format!("{}: {fault}", quoted(text))),
        }
    }

    /// Of a text without a fault.
    fn new(mut text: String) -> Result<Self, String> {
        // `assets/` is the folder `assets`.
        if text.ends_with('/') {
            text.pop();
        }
        match matcher(&text) {
            Ok(matcher) => Ok(Self { text, matcher }),
            Err(error) => Err(format!("{}: {}", quoted(&text), plain(&error.kind().to_string()))),
        }
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

/// The library's own glob. Unlike its matcher for one glob, a set of one tells what it cannot compile.
fn matcher(text: &str) -> Result<GlobSet, globset::Error> {
    let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(false).build()?;
    GlobSetBuilder::new().add(glob).build()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use skillyard_manifest::config::PatternFault;

    use super::*;
    use crate::config::Config;

    fn package(text: &str) -> PackageConfig {
        Config::parse(&format!("[package]\n{text}")).unwrap().package
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
    fn what_would_exhaust_the_library_is_refused() {
        for text in ["{".repeat(1000) + &"}".repeat(1000), "?".repeat(200_000), format!("a{}", "[a-z]".repeat(40_000))]
        {
            assert!(Pattern::parse(&text).is_err());
        }
        for text in ["?".repeat(4096), "[!a-z]".repeat(682), "**/".repeat(1365) + "a", "{a,b}".repeat(819)] {
            assert!(Pattern::parse(&text).unwrap().text().len() >= 4091, "{}", text.len());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        /// What the analysis calls a glob is what the library reads.
        #[test]
        fn the_two_grammars_of_globs_are_one(text in "[ab!^,*?\\[\\]{}/\u{e9}\u{100}-]{1,14}") {
            let fault = pattern_fault(&text).map(|(fault, _)| fault);
            let of_paths = fault.as_ref().is_some_and(|fault| !fault.is_of_globs());
            let deep = fault == Some(PatternFault::TooDeep);
            if !of_paths && !deep {
                prop_assert_eq!(matcher(text.strip_suffix('/').unwrap_or(&text)).is_ok(), fault.is_none(), "{:?}", fault);
            }
        }
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
