//! From a skill's folder to what goes into its artifact: `skill.toml`, modules and assets.
//!
//! Without a word in `skillyard.toml` the modules are `modules/**/*.wasm` and `module.wasm` beside the manifest, the
//! assets are everything below `assets`. Hidden files, editors' backups and systems' litter stay out, links are not
//! followed; each is listed with its reason. `.gitignore` has no say: a module that was built is usually ignored by git,
//! and is just what belongs into the artifact.
//!
//! [`Plan::of`] looks and reads no content; [`Plan::read`] reads every file once.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

use skillyard_artifact::{
    Cancelled, Progress,
    limits::{MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_TOTAL_BYTES},
};

use crate::{
    config::{FILE_NAME, Modules, PackageConfig, Pattern},
    files::{self, MANIFEST_NAME, ReadError},
    shown,
};

/// The folder of the archive, and beside the manifest, that holds modules.
const MODULES: &str = "modules";
/// The same for assets.
const ASSETS: &str = "assets";
/// The name of an artifact ends so.
pub const ARTIFACT_EXTENSION: &str = "palyra-skill";
/// How many files and folders are looked at before it is no skill's folder any more.
const MAX_VISITED: usize = 100_000;
/// How deep folders are followed.
const MAX_DEPTH: usize = 64;

/// What a person adds to a skill's folder, or puts in the place of what is there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Additions {
    /// Modules: the path in the artifact (`modules/` may be left out), and the file, anywhere.
    pub modules: Vec<(String, PathBuf)>,
    /// Assets, likewise.
    pub assets: Vec<(String, PathBuf)>,
    /// The SBOM.
    pub sbom: Option<PathBuf>,
    /// The provenance.
    pub provenance: Option<PathBuf>,
}

/// What a file becomes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A WebAssembly module, below `modules/`.
    Module,
    /// Any file, below `assets/`.
    Asset,
}

/// A file that goes in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// Its path in the artifact.
    pub entry: String,
    /// What it becomes.
    pub kind: Kind,
    /// Where it is.
    pub file: PathBuf,
    /// Its size in bytes when it was looked at.
    pub bytes: u64,
    /// Whether a person named just this file: then it is read also through a link.
    named: bool,
}

impl Item {
    /// Its bytes.
    pub(crate) fn read(&self) -> Result<Vec<u8>, SkillError> {
        read(&self.file, self.named)
    }
}

/// Why a file stays out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Why {
    /// It is a symbolic link.
    Link,
    /// `exclude` in `skillyard.toml` matches it.
    Excluded,
    /// Its name, or that of a folder around it, starts with a dot.
    Hidden,
    /// An editor left it.
    Backup,
    /// A system left it.
    Litter,
    /// It lies among the modules and is none by its name.
    NotWasm,
    /// It is an artifact itself.
    Artifact,
    /// A flag put another file in its place.
    Replaced,
    /// Nothing names it a module or an asset.
    NotNamed,
}

impl Why {
    /// The reason in a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Link => "a symbolic link; links are not followed",
            Self::Excluded => "excluded in skillyard.toml",
            Self::Hidden => "hidden",
            Self::Backup => "an editor's backup",
            Self::Litter => "left by the system",
            Self::NotWasm => "no .wasm file",
            Self::Artifact => "an artifact",
            Self::Replaced => "replaced by a flag",
            Self::NotNamed => "neither a module nor an asset",
        }
    }

    /// One word for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Excluded => "excluded",
            Self::Hidden => "hidden",
            Self::Backup => "backup",
            Self::Litter => "litter",
            Self::NotWasm => "not_wasm",
            Self::Artifact => "artifact",
            Self::Replaced => "replaced",
            Self::NotNamed => "not_named",
        }
    }
}

/// A file or folder that stays out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LeftOut {
    /// Its path from the skill's folder, with `/`, and a `/` at the end of a folder.
    pub path: String,
    /// Why.
    pub why: Why,
}

/// Why a folder has no plan, or its files could not be read.
#[derive(Debug)]
pub enum SkillError {
    /// There is no such folder.
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no `skill.toml`.
    NoManifest {
        /// The folder.
        folder: PathBuf,
    },
    /// A file could not be read.
    Read(ReadError),
    /// A folder could not be listed.
    List {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// A pipe, a device or the like among the files.
    Special {
        /// Where.
        path: PathBuf,
    },
    /// A name that is no UTF-8.
    Name {
        /// Where.
        path: PathBuf,
    },
    /// What `skillyard.toml` names is not there.
    Missing {
        /// The key in `package`.
        key: &'static str,
        /// What it names.
        path: String,
    },
    /// What `skillyard.toml` names is a link, or lies behind one.
    Link {
        /// The key in `package`.
        key: &'static str,
        /// What it names.
        path: String,
    },
    /// Two files want to be the same entry.
    Twice {
        /// The entry.
        entry: String,
        /// One.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// No module.
    NoModule {
        /// The folder.
        folder: PathBuf,
    },
    /// `package.modules` matches nothing.
    NothingMatches {
        /// The skill's folder.
        folder: PathBuf,
        /// The `skillyard.toml`.
        config: PathBuf,
        /// The patterns.
        patterns: Vec<String>,
    },
    /// One file is too large for an artifact.
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        bytes: u64,
    },
    /// All together are too large.
    TooLarge {
        /// Their size in bytes.
        bytes: u64,
    },
    /// More files than an artifact holds.
    TooMany {
        /// How many.
        files: usize,
    },
    /// The folder is too deep or too full to be a skill's.
    Endless {
        /// Where looking ended.
        path: PathBuf,
    },
    /// It was ended.
    Cancelled,
}

impl fmt::Display for SkillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFolder { folder } => {
                write!(f, "{}: no such folder; name the folder of a skill", shown::path(folder))
            }
            Self::NoManifest { folder } => {
                write!(f, "{}: no {MANIFEST_NAME} in this folder; name the folder of a skill", shown::path(folder))
            }
            Self::Read(error) => error.fmt(f),
            Self::List { path, error } => write!(f, "{}: cannot be listed: {error}", shown::path(path)),
            Self::Special { path } => {
                write!(f, "{}: is no regular file; move it away, or exclude it in {FILE_NAME}", shown::path(path))
            }
            Self::Name { path } => write!(
                f,
                "{}: the name is not UTF-8, and no entry can have it; rename the file, or exclude it in {FILE_NAME}",
                shown::path(path)
            ),
            Self::Missing { key, path } => write!(
                f,
                "{FILE_NAME} names `{}` under `package.{key}`, and the skill's folder has no such file; build it first, \
                 or correct the path",
                shown::words(path, 200)
            ),
            Self::Link { key, path } => write!(
                f,
                "{FILE_NAME} names `{}` under `package.{key}`, which is or lies behind a symbolic link, and those are \
                 not followed; name the file itself, with a flag if it lies elsewhere",
                shown::words(path, 200)
            ),
            Self::Twice { entry, one, other } => write!(
                f,
                "two files would become `{}`: {} and {}; name one of them otherwise, or exclude it in {FILE_NAME}",
                shown::words(entry, 200),
                shown::path(one),
                shown::path(other)
            ),
            Self::NoModule { folder } => write!(
                f,
                "{}: a skill needs a module; build it to modules/NAME.wasm or module.wasm, name it under \
                 `package.modules` in {FILE_NAME}, or give `--module NAME.wasm=FILE`",
                shown::path(folder)
            ),
            Self::NothingMatches { folder, config, patterns } => write!(
                f,
                "{}: under `package.modules`, {} matches nothing in {}; build the module first, or correct the pattern",
                shown::path(config),
                patterns.iter().map(|it| format!("`{}`", shown::words(it, 200))).collect::<Vec<_>>().join(", "),
                shown::path(folder)
            ),
            Self::FileTooLarge { path, bytes } => write!(
                f,
                "{}: has {bytes} bytes, and an artifact takes files up to {MAX_ENTRY_BYTES}",
                shown::path(path)
            ),
            Self::TooLarge { bytes } => write!(
                f,
                "the files have {bytes} bytes together, and an artifact takes {MAX_TOTAL_BYTES}; exclude some in \
                 {FILE_NAME}"
            ),
            Self::TooMany { files } => write!(
                f,
                "there are {files} files, and an artifact takes {MAX_FILES} modules and assets; exclude some in {FILE_NAME}"
            ),
            Self::Endless { path } => write!(
                f,
                "{}: the folder is too deep or too full for a skill's; name modules and assets more closely in {FILE_NAME}",
                shown::path(path)
            ),
            Self::Cancelled => Cancelled.fmt(f),
        }
    }
}

impl SkillError {
    /// Whether the skill is at fault: what its folder holds, or its `skillyard.toml` names. What could not be read says
    /// nothing of it.
    #[must_use]
    pub fn refuses(&self) -> bool {
        matches!(
            self,
            Self::NoModule { .. }
                | Self::NothingMatches { .. }
                | Self::Missing { .. }
                | Self::Link { .. }
                | Self::Special { .. }
                | Self::Name { .. }
                | Self::Twice { .. }
                | Self::FileTooLarge { .. }
                | Self::TooLarge { .. }
                | Self::TooMany { .. }
        )
    }
}

impl std::error::Error for SkillError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::List { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<Cancelled> for SkillError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Entries left for modules and assets beside the manifest, the signature, the SBOM and the provenance.
pub const MAX_FILES: usize = MAX_ENTRIES - 4;

/// What goes into an artifact and what does not, before any content was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The skill's folder.
    pub folder: PathBuf,
    /// The manifest.
    pub manifest: PathBuf,
    /// Modules and assets, in the order of their entries.
    pub items: Vec<Item>,
    /// What stays out, sorted.
    pub left_out: Vec<LeftOut>,
    /// The globs in `skillyard.toml` that match nothing.
    pub idle: Vec<String>,
    /// The SBOM that was given.
    pub sbom: Option<Given>,
    /// The provenance that was given.
    pub provenance: Option<Given>,
}

/// A document that was given and is not generated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    /// The file.
    pub file: PathBuf,
    /// Whether a person named just this file: then it is read also through a link.
    named: bool,
}

/// The files of a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collected {
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The modules by their path in the artifact.
    pub modules: BTreeMap<String, Vec<u8>>,
    /// The assets by their path in the artifact.
    pub assets: BTreeMap<String, Vec<u8>>,
    /// The SBOM that was given.
    pub sbom: Option<Vec<u8>>,
    /// The provenance that was given.
    pub provenance: Option<Vec<u8>>,
}

impl Plan {
    /// Looks through the skill in `folder`.
    ///
    /// # Errors
    /// If there is no manifest or no module, a file is missing or no regular one, two would become one entry, there is
    /// more than an artifact takes, or `progress` ended it.
    pub fn of(
        folder: &Path,
        config: &PackageConfig,
        additions: &Additions,
        progress: &dyn Progress,
    ) -> Result<Self, SkillError> {
        let manifest = folder.join(MANIFEST_NAME);
        match manifest.symlink_metadata() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = folder.to_owned();
                return Err(if folder.is_dir() {
                    SkillError::NoManifest { folder }
                } else {
                    SkillError::NoFolder { folder }
                });
            }
            Err(error) => return Err(SkillError::Read(ReadError::Io { path: manifest, error })),
        }
        let mut look = Look::new(folder, config, progress);
        look.folder()?;
        look.rest()?;
        let sbom = look.given(config.sbom.as_ref(), additions.sbom.as_ref(), "sbom")?;
        let provenance = look.given(config.provenance.as_ref(), additions.provenance.as_ref(), "provenance")?;
        let idle = look.idle();
        look.any_module(&additions.modules)?;
        let Look { mut items, mut left_out, .. } = look;
        add(&mut items, &mut left_out, Kind::Module, &additions.modules, folder)?;
        add(&mut items, &mut left_out, Kind::Asset, &additions.assets, folder)?;
        left_out.sort();
        let items: Vec<Item> = items.into_values().collect();
        let plan = Self { folder: folder.to_owned(), manifest, items, left_out, idle, sbom, provenance };
        plan.check_sizes()?;
        Ok(plan)
    }

    /// The modules alone, for a look at them before anything is packaged: nothing else is looked for, and what stays out
    /// is not told.
    ///
    /// # Errors
    /// As [`Plan::of`], as far as it is about modules.
    pub fn of_modules(folder: &Path, config: &PackageConfig, progress: &dyn Progress) -> Result<Self, SkillError> {
        let config = PackageConfig { assets: Some(Vec::new()), ..config.clone() };
        let mut look = Look::new(folder, &config, progress);
        look.folder()?;
        let items: Vec<Item> = std::mem::take(&mut look.items).into_values().collect();
        let plan = Self {
            folder: folder.to_owned(),
            manifest: folder.join(MANIFEST_NAME),
            items,
            left_out: Vec::new(),
            idle: Vec::new(),
            sbom: None,
            provenance: None,
        };
        plan.check_sizes()?;
        Ok(plan)
    }

    /// How many bytes modules and assets have together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.items.iter().fold(0, |sum, item| sum.saturating_add(item.bytes))
    }

    fn check_sizes(&self) -> Result<(), SkillError> {
        if !self.items.iter().any(|item| item.kind == Kind::Module) {
            return Err(SkillError::NoModule { folder: self.folder.clone() });
        }
        if let Some(large) = self.items.iter().find(|item| item.bytes > MAX_ENTRY_BYTES) {
            return Err(SkillError::FileTooLarge { path: large.file.clone(), bytes: large.bytes });
        }
        if self.items.len() > MAX_FILES {
            return Err(SkillError::TooMany { files: self.items.len() });
        }
        if self.bytes() > MAX_TOTAL_BYTES { Err(SkillError::TooLarge { bytes: self.bytes() }) } else { Ok(()) }
    }

    /// Reads every file, once.
    ///
    /// # Errors
    /// If one cannot be read or has grown beyond what an artifact takes, or `progress` ended it.
    pub fn read(&self, progress: &dyn Progress) -> Result<Collected, SkillError> {
        const STEP: &str = "reading files";
        let total = self.bytes();
        let mut done = 0;
        let mut files = [BTreeMap::new(), BTreeMap::new()];
        for item in &self.items {
            progress.at(STEP, done, total)?;
            let bytes = item.read()?;
            done = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_add(done);
            if done > MAX_TOTAL_BYTES {
                return Err(SkillError::TooLarge { bytes: done });
            }
            files[usize::from(item.kind == Kind::Asset)].insert(item.entry.clone(), bytes);
        }
        progress.at(STEP, done, total.max(done))?;
        let document = |given: &Option<Given>| given.as_ref().map(|given| read(&given.file, given.named)).transpose();
        let [modules, assets] = files;
        Ok(Collected {
            manifest: read(&self.manifest, true)?,
            modules,
            assets,
            sbom: document(&self.sbom)?,
            provenance: document(&self.provenance)?,
        })
    }
}

/// Reads a file of at most an entry's size. A link is followed only where a person named just it.
fn read(path: &Path, named: bool) -> Result<Vec<u8>, SkillError> {
    // It was no link when it was looked at; whoever may make it one now may as well change the file.
    if !named && path.symlink_metadata().is_ok_and(|about| about.is_symlink()) {
        return Err(SkillError::Special { path: path.to_owned() });
    }
    let limit = usize::try_from(MAX_ENTRY_BYTES).unwrap_or(usize::MAX);
    files::read(path, limit).map_err(|error| match error {
        ReadError::TooLarge { path, .. } => {
            let bytes = path.metadata().map_or(MAX_ENTRY_BYTES + 1, |about| about.len());
            SkillError::FileTooLarge { path, bytes }
        }
        error => SkillError::Read(error),
    })
}

/// Puts in what a person named, in the place of what is there.
fn add(
    items: &mut BTreeMap<String, Item>,
    left_out: &mut Vec<LeftOut>,
    kind: Kind,
    named: &[(String, PathBuf)],
    folder: &Path,
) -> Result<(), SkillError> {
    for (path, file) in named {
        let entry = entry(kind, path);
        let about = file.metadata().map_err(|error| {
            SkillError::Read(match error.kind() {
                io::ErrorKind::NotFound => ReadError::NotFound { path: file.clone() },
                _ => ReadError::Io { path: file.clone(), error },
            })
        })?;
        let item = Item { entry: entry.clone(), kind, file: file.clone(), bytes: about.len(), named: true };
        match items.insert(entry.clone(), item) {
            Some(twice) if twice.named => {
                return Err(SkillError::Twice { entry, one: twice.file, other: file.clone() });
            }
            Some(replaced) => {
                let path = replaced.file.strip_prefix(folder).unwrap_or(&replaced.file);
                let path = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
                left_out.push(LeftOut { path, why: Why::Replaced });
            }
            None => {}
        }
    }
    Ok(())
}

/// The path in the artifact of what is called `path` below its kind's folder or in it.
fn entry(kind: Kind, path: &str) -> String {
    let folder = match kind {
        Kind::Module => MODULES,
        Kind::Asset => ASSETS,
    };
    if path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')) {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    }
}

/// What a walk through a skill's folder finds.
struct Look<'l> {
    folder: &'l Path,
    config: &'l PackageConfig,
    progress: &'l dyn Progress,
    modules: Vec<Pattern>,
    assets: Vec<Pattern>,
    /// Whether each of `modules`, then `assets`, has matched.
    matched: Vec<bool>,
    items: BTreeMap<String, Item>,
    left_out: Vec<LeftOut>,
    /// What the walk has been to, at the top of the skill's folder.
    met: Vec<String>,
    visited: usize,
}

impl<'l> Look<'l> {
    fn new(folder: &'l Path, config: &'l PackageConfig, progress: &'l dyn Progress) -> Self {
        let fixed = |texts: &[&str]| texts.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
        let modules = match &config.modules {
            Some(Modules::Files(patterns)) => patterns.clone(),
            Some(Modules::Named(_)) => Vec::new(),
            None => fixed(&["modules/**/*.wasm", "module.wasm"]),
        };
        let assets = config.assets.clone().unwrap_or_else(|| fixed(&[ASSETS]));
        let matched = vec![false; modules.len() + assets.len()];
        Self {
            folder,
            config,
            progress,
            modules,
            assets,
            matched,
            items: BTreeMap::new(),
            left_out: Vec::new(),
            met: Vec::new(),
            visited: 0,
        }
    }

    /// Walks from the root of every pattern.
    fn folder(&mut self) -> Result<(), SkillError> {
        if let Some(Modules::Named(named)) = &self.config.modules {
            for (path, file) in named {
                let about = self.literal(file, "modules")?;
                self.met.push(top(file.text()).to_owned());
                self.take(entry(Kind::Module, path), Kind::Module, file.text(), &about)?;
            }
        }
        let keyed = |patterns: &[Pattern], key: &'static str| -> Vec<(Pattern, &'static str)> {
            patterns.iter().map(|pattern| (pattern.clone(), key)).collect()
        };
        let all = [keyed(&self.modules, "modules"), keyed(&self.assets, "assets")].concat();
        let by_default = |key| match key {
            "modules" => self.config.modules.is_none(),
            _ => self.config.assets.is_none(),
        };
        let mut roots: Vec<String> = Vec::new();
        for (pattern, key) in &all {
            let there = !pattern.root().is_empty() && pattern.is_literal();
            // What a person names without a wildcard has to be there.
            if there && !by_default(key) {
                self.literal(pattern, key)?;
            }
            roots.push(pattern.root().to_owned());
        }
        // Of a root within another one the walk of the outer takes care.
        roots.sort();
        roots.dedup();
        let outer: Vec<String> = roots
            .iter()
            .filter(|root| !roots.iter().any(|other| other != *root && is_within(root, other)))
            .cloned()
            .collect();
        for root in outer {
            self.met.push(top(&root).to_owned());
            self.walk(&root)?;
        }
        Ok(())
    }

    /// What lies at a path that is named in full, no part of it a link.
    fn literal(&self, pattern: &Pattern, key: &'static str) -> Result<Metadata, SkillError> {
        let mut path = self.folder.to_owned();
        let mut last = None;
        for part in pattern.text().split('/') {
            path.push(part);
            let about = path.symlink_metadata().map_err(|error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    SkillError::Missing { key, path: pattern.text().to_owned() }
                }
                _ => SkillError::Read(ReadError::Io { path: path.clone(), error }),
            })?;
            if about.is_symlink() {
                return Err(SkillError::Link { key, path: pattern.text().to_owned() });
            }
            last = Some(about);
        }
        last.ok_or_else(|| SkillError::Missing { key, path: pattern.text().to_owned() })
    }

    fn walk(&mut self, root: &str) -> Result<(), SkillError> {
        let mut path = self.folder.to_owned();
        // No part of the way to a root may be a link either.
        for (at, part) in root.split('/').filter(|part| !part.is_empty()).enumerate() {
            path.push(part);
            match path.symlink_metadata() {
                Ok(about) if about.is_symlink() => {
                    let link: Vec<&str> = root.split('/').take(at + 1).collect();
                    self.leave(link.join("/"), Why::Link);
                    return Ok(());
                }
                Ok(about) if about.is_dir() => {}
                Ok(about) => return self.file(root, &about),
                // Nothing there: the usual folders need not be.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    return Ok(());
                }
                Err(error) => return Err(SkillError::Read(ReadError::Io { path, error })),
            }
        }
        let mut folders = vec![(root.to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            for (name, path) in self.list(&folder)? {
                let below = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
                let about = path
                    .symlink_metadata()
                    .map_err(|error| SkillError::Read(ReadError::Io { path: path.clone(), error }))?;
                let slash = if about.is_dir() { "/" } else { "" };
                if let Some(why) = self.unwanted(&below, &name, &about) {
                    self.leave(format!("{below}{slash}"), why);
                } else if about.is_dir() {
                    if depth >= MAX_DEPTH {
                        return Err(SkillError::Endless { path });
                    }
                    folders.push((below, depth + 1));
                } else {
                    self.file(&below, &about)?;
                }
            }
        }
        Ok(())
    }

    /// The names in a folder, sorted, and their paths.
    fn list(&mut self, folder: &str) -> Result<Vec<(String, PathBuf)>, SkillError> {
        self.progress.at("looking through the folder", u64::try_from(self.visited).unwrap_or(u64::MAX), 0)?;
        let at = if folder.is_empty() { self.folder.to_owned() } else { self.folder.join(folder) };
        let fail = |error| SkillError::List { path: at.clone(), error };
        let mut names = Vec::new();
        for entry in fs::read_dir(&at).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            self.visited += 1;
            if self.visited > MAX_VISITED {
                return Err(SkillError::Endless { path: at });
            }
            match entry.file_name().into_string() {
                Ok(name) => names.push((name, entry.path())),
                Err(_) => return Err(SkillError::Name { path: entry.path() }),
            }
        }
        names.sort();
        Ok(names)
    }

    /// Why what lies at `path` stays out whatever is asked for.
    fn unwanted(&self, path: &str, name: &str, about: &Metadata) -> Option<Why> {
        let named = self
            .modules
            .iter()
            .chain(&self.assets)
            .any(|pattern| pattern.is_literal() && is_within(pattern.text(), path));
        if self.config.exclude.iter().any(|pattern| pattern.matches(path)) {
            Some(Why::Excluded)
        } else if about.is_symlink() {
            Some(Why::Link)
        } else if named {
            None
        } else if is_litter(name) {
            Some(Why::Litter)
        } else if name.starts_with('.') {
            Some(Why::Hidden)
        } else if about.is_file() && is_backup(name) {
            Some(Why::Backup)
        } else {
            None
        }
    }

    /// A file that is wanted if a pattern matches it.
    fn file(&mut self, path: &str, about: &Metadata) -> Result<(), SkillError> {
        // The settings' own files are never an asset.
        if [MANIFEST_NAME, FILE_NAME].contains(&path) {
            return Ok(());
        }
        let is_module = self.notice(path, Kind::Module);
        let is_asset = self.notice(path, Kind::Asset);
        if is_module {
            let name = if is_within(path, MODULES) { path } else { path.rsplit('/').next().unwrap_or(path) };
            if !name.ends_with(".wasm") {
                self.leave(path.to_owned(), Why::NotWasm);
                return Ok(());
            }
            return self.take(entry(Kind::Module, name), Kind::Module, path, about);
        }
        if is_asset {
            if path.ends_with(&format!(".{ARTIFACT_EXTENSION}")) {
                self.leave(path.to_owned(), Why::Artifact);
                return Ok(());
            }
            return self.take(entry(Kind::Asset, path), Kind::Asset, path, about);
        }
        if is_within(path, MODULES) {
            let why = if path.ends_with(".wasm") { Why::NotNamed } else { Why::NotWasm };
            self.leave(path.to_owned(), why);
        }
        Ok(())
    }

    /// Whether a pattern of `kind` matches; all that do are remembered.
    fn notice(&mut self, path: &str, kind: Kind) -> bool {
        let (patterns, first) = match kind {
            Kind::Module => (&self.modules, 0),
            Kind::Asset => (&self.assets, self.modules.len()),
        };
        let mut any = false;
        for (at, pattern) in patterns.iter().enumerate() {
            if pattern.matches(path) {
                any = true;
                if let Some(matched) = self.matched.get_mut(first + at) {
                    *matched = true;
                }
            }
        }
        any
    }

    fn take(&mut self, entry: String, kind: Kind, path: &str, about: &Metadata) -> Result<(), SkillError> {
        let file = path.split('/').fold(self.folder.to_owned(), |file, part| file.join(part));
        if !about.is_file() {
            return Err(SkillError::Special { path: file });
        }
        let item = Item { entry: entry.clone(), kind, file: file.clone(), bytes: about.len(), named: false };
        match self.items.insert(entry.clone(), item) {
            Some(one) if one.file != file => Err(SkillError::Twice { entry, one: one.file, other: file }),
            _ => Ok(()),
        }
    }

    fn leave(&mut self, path: String, why: Why) {
        self.left_out.push(LeftOut { path, why });
    }

    /// What else lies beside the manifest: it is said that it stays out.
    fn rest(&mut self) -> Result<(), SkillError> {
        if self.met.iter().any(String::is_empty) {
            // The walk was through the whole folder; what it did not take was not asked for.
            return Ok(());
        }
        for (name, path) in self.list("")? {
            if [MANIFEST_NAME, FILE_NAME].contains(&name.as_str()) || self.met.contains(&name) {
                continue;
            }
            let about = path
                .symlink_metadata()
                .map_err(|error| SkillError::Read(ReadError::Io { path: path.clone(), error }))?;
            let slash = if about.is_dir() { "/" } else { "" };
            let why =
                self.unwanted(&name, &name, &about).unwrap_or(if name.ends_with(&format!(".{ARTIFACT_EXTENSION}")) {
                    Why::Artifact
                } else {
                    Why::NotNamed
                });
            self.leave(format!("{name}{slash}"), why);
        }
        Ok(())
    }

    /// The document that a flag names, else the one that the configuration names.
    fn given(
        &self,
        config: Option<&Pattern>,
        flag: Option<&PathBuf>,
        key: &'static str,
    ) -> Result<Option<Given>, SkillError> {
        match (flag, config) {
            (Some(file), _) => Ok(Some(Given { file: file.clone(), named: true })),
            (None, Some(pattern)) => {
                self.literal(pattern, key)?;
                Ok(Some(Given { file: self.folder.join(pattern.text()), named: false }))
            }
            (None, None) => Ok(None),
        }
    }

    /// Fails where `package.modules` is set, none of it matches, and no flag gives a module.
    fn any_module(&self, given: &[(String, PathBuf)]) -> Result<(), SkillError> {
        let matched = self.items.values().any(|item| item.kind == Kind::Module);
        if self.config.modules.is_none() || self.modules.is_empty() || matched || !given.is_empty() {
            return Ok(());
        }
        let patterns = self.modules.iter().map(|pattern| pattern.text().to_owned()).collect();
        let config = crate::config::find(self.folder).unwrap_or_else(|| self.folder.join(FILE_NAME));
        Err(SkillError::NothingMatches { folder: self.folder.to_owned(), config, patterns })
    }

    /// The patterns of `skillyard.toml` that matched nothing.
    fn idle(&self) -> Vec<String> {
        let set = |is_set: bool, patterns: &[Pattern]| vec![is_set; patterns.len()];
        let is_set =
            [set(self.config.modules.is_some(), &self.modules), set(self.config.assets.is_some(), &self.assets)]
                .concat();
        let all = self.modules.iter().chain(&self.assets);
        let idle = all.zip(&self.matched).zip(is_set).filter(|((_, matched), is_set)| !**matched && *is_set);
        idle.map(|((pattern, _), _)| pattern.text().to_owned()).collect()
    }
}

/// The first part of a path.
fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

/// Whether `path` is `folder` or lies in it.
fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_backup(name: &str) -> bool {
    let ends = ["~", ".swp", ".swo", ".bak", ".orig", ".rej"];
    ends.iter().any(|end| name.ends_with(end)) || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'))
}

fn is_litter(name: &str) -> bool {
    let names = [".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"];
    names.contains(&name.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, *file).unwrap();
        }
        root
    }

    fn plan_with(root: &Path, config: &str, additions: &Additions) -> Result<Plan, SkillError> {
        let config = Config::parse(config).unwrap();
        Plan::of(root, &config.package, additions, &())
    }

    fn plan(root: &Path, config: &str) -> Result<Plan, SkillError> {
        plan_with(root, config, &Additions::default())
    }

    fn entries(plan: &Plan) -> Vec<&str> {
        plan.items.iter().map(|item| item.entry.as_str()).collect()
    }

    fn left(plan: &Plan) -> Vec<(&str, Why)> {
        plan.left_out.iter().map(|left| (left.path.as_str(), left.why)).collect()
    }

    #[test]
    fn takes_what_has_the_usual_names() {
        let root = tree(&[
            "skill.toml",
            "skillyard.toml",
            "module.wasm",
            "modules/a.wasm",
            "modules/b/c.wasm",
            "modules/a.wat",
            "assets/x.json",
            "assets/deep/y",
            "assets/x.json~",
            "assets/.hidden",
            "assets/.git/config",
            "assets/Thumbs.db",
            "README.md",
            "src/lib.rs",
            ".gitignore",
            "old.palyra-skill",
        ]);
        // What git ignores is not asked.
        fs::write(root.path().join(".gitignore"), "*.wasm\nassets\n").unwrap();
        let plan = plan(root.path(), "").unwrap();
        assert_eq!(
            entries(&plan),
            ["assets/deep/y", "assets/x.json", "modules/a.wasm", "modules/b/c.wasm", "modules/module.wasm"]
        );
        assert_eq!(
            left(&plan),
            [
                (".gitignore", Why::Hidden),
                ("README.md", Why::NotNamed),
                ("assets/.git/", Why::Hidden),
                ("assets/.hidden", Why::Hidden),
                ("assets/Thumbs.db", Why::Litter),
                ("assets/x.json~", Why::Backup),
                ("modules/a.wat", Why::NotWasm),
                ("old.palyra-skill", Why::Artifact),
                ("src/", Why::NotNamed),
            ]
        );
        let read = plan.read(&()).unwrap();
        assert_eq!(read.modules["modules/module.wasm"], b"module.wasm");
        assert_eq!(read.assets["assets/deep/y"], b"assets/deep/y");
        assert_eq!(read.manifest, b"skill.toml");
    }

    #[test]
    fn the_configuration_names_others() {
        let root = tree(&[
            "skill.toml",
            "build/a.wasm",
            "build/a.js",
            "build/sub/b.wasm",
            "data/x.json",
            "data/x.map",
            "sbom.json",
        ]);
        let config = "[package]\nmodules = [\"build/*.wasm\", \"none/*.wasm\"]\nassets = [\"data\"]\nexclude = [\"**/*.map\"]\nsbom = \"sbom.json\"\n";
        let found = plan(root.path(), config).unwrap();
        assert_eq!(entries(&found), ["assets/data/x.json", "modules/a.wasm"]);
        assert_eq!(left(&found), [("data/x.map", Why::Excluded), ("sbom.json", Why::NotNamed)]);
        assert_eq!(found.idle, ["none/*.wasm"]);
        assert_eq!(found.read(&()).unwrap().sbom.unwrap(), b"sbom.json");
        let found = plan(root.path(), "[package]\nmodules = { \"x/y.wasm\" = \"build/sub/b.wasm\" }").unwrap();
        assert_eq!(entries(&found), ["modules/x/y.wasm"]);
        let found = plan(root.path(), "[package]\nmodules = [\"**/*.wasm\"]").unwrap();
        assert_eq!(entries(&found), ["modules/a.wasm", "modules/b.wasm"]);
        for (config, words) in [
            ("modules = [\"gone.wasm\"]", "names `gone.wasm` under `package.modules`"),
            ("modules = { \"a.wasm\" = \"gone.wasm\" }", "names `gone.wasm` under `package.modules`"),
            ("provenance = \"gone\"", "names `gone` under `package.provenance`"),
            ("modules = []", "needs a module"),
        ] {
            let error = plan(root.path(), &format!("[package]\n{config}")).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn flags_add_and_replace() {
        let root = tree(&["skill.toml", "modules/a.wasm", "out/a.wasm", "out/.env", "x"]);
        let at = |name: &str| root.path().join(name);
        let additions = Additions {
            modules: vec![("a.wasm".into(), at("out/a.wasm")), ("modules/b.wasm".into(), at("x"))],
            assets: vec![("e/env".into(), at("out/.env"))],
            ..Additions::default()
        };
        let found = plan_with(root.path(), "", &additions).unwrap();
        assert_eq!(entries(&found), ["assets/e/env", "modules/a.wasm", "modules/b.wasm"]);
        assert_eq!(found.read(&()).unwrap().modules["modules/a.wasm"], b"out/a.wasm");
        assert!(left(&found).contains(&("modules/a.wasm", Why::Replaced)));
        let twice =
            Additions { modules: vec![("a.wasm".into(), at("x")), ("a.wasm".into(), at("x"))], ..Additions::default() };
        assert!(matches!(plan_with(root.path(), "", &twice), Err(SkillError::Twice { .. })));
        let gone = Additions { sbom: Some(at("gone")), ..Additions::default() };
        assert!(matches!(plan_with(root.path(), "", &gone).unwrap().read(&()), Err(SkillError::Read(_))));
    }

    #[test]
    fn faults_say_what_to_do() {
        let root = tree(&["modules/a.wasm"]);
        assert!(matches!(plan(root.path(), ""), Err(SkillError::NoManifest { .. })));
        let root = tree(&["skill.toml", "module.wasm", "modules/module.wasm"]);
        assert!(matches!(plan(root.path(), ""), Err(SkillError::Twice { .. })));
        let root = tree(&["skill.toml", "module.wasm"]);
        let big = fs::File::create(root.path().join("module.wasm")).unwrap();
        big.set_len(MAX_ENTRY_BYTES + 1).unwrap();
        assert!(matches!(plan(root.path(), ""), Err(SkillError::FileTooLarge { .. })));
        big.set_len(MAX_ENTRY_BYTES).unwrap();
        for name in ["a", "b", "c", "d"] {
            fs::create_dir_all(root.path().join("assets")).unwrap();
            fs::File::create(root.path().join("assets").join(name)).unwrap().set_len(MAX_ENTRY_BYTES).unwrap();
        }
        assert!(matches!(plan(root.path(), ""), Err(SkillError::TooLarge { .. })));
        let root = tree(&["skill.toml", "module.wasm"]);
        fs::create_dir(root.path().join("assets")).unwrap();
        for name in 0..MAX_FILES {
            fs::write(root.path().join("assets").join(name.to_string()), "").unwrap();
        }
        assert!(matches!(plan(root.path(), ""), Err(SkillError::TooMany { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_out_and_special_files_stop() {
        use std::os::unix::fs::symlink;
        let root = tree(&["skill.toml", "module.wasm", "assets/x", "real/m.wasm"]);
        let at = |name: &str| root.path().join(name);
        symlink("/etc", at("assets/etc")).unwrap();
        symlink("/etc/passwd", at("assets/passwd")).unwrap();
        symlink("/etc/passwd", at("linked.json")).unwrap();
        symlink(at("real"), at("modules")).unwrap();
        let found = plan(root.path(), "").unwrap();
        assert_eq!(entries(&found), ["assets/x", "modules/module.wasm"]);
        let links: Vec<_> =
            left(&found).into_iter().filter(|(_, why)| *why == Why::Link).map(|(path, _)| path).collect();
        assert_eq!(links, ["assets/etc", "assets/passwd", "linked.json", "modules"]);
        for config in [
            "modules = [\"modules/m.wasm\"]",
            "modules = { \"m.wasm\" = \"modules/m.wasm\" }",
            "sbom = \"linked.json\"",
        ] {
            let error = plan(root.path(), &format!("[package]\n{config}")).unwrap_err();
            assert!(matches!(error, SkillError::Link { .. }), "{error}");
        }
        // What became a link after the look is not read.
        fs::remove_file(at("assets/x")).unwrap();
        symlink("/etc/passwd", at("assets/x")).unwrap();
        assert!(matches!(found.read(&()), Err(SkillError::Special { .. })));
        fs::remove_file(at("assets/x")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("assets/x")).status().unwrap().success());
        assert!(matches!(plan(root.path(), ""), Err(SkillError::Special { .. })));
        assert!(plan(root.path(), "[package]\nexclude = [\"assets/x\"]").is_ok());
    }

    #[test]
    fn a_person_can_end_it() {
        struct Ended;
        impl Progress for Ended {
            fn at(&self, _: &'static str, _: u64, _: u64) -> Result<(), Cancelled> {
                Err(Cancelled)
            }
        }
        let root = tree(&["skill.toml", "module.wasm", "modules/a.wasm"]);
        let config = PackageConfig::default();
        assert!(matches!(Plan::of(root.path(), &config, &Additions::default(), &Ended), Err(SkillError::Cancelled)));
        assert!(matches!(plan(root.path(), "").unwrap().read(&Ended), Err(SkillError::Cancelled)));
    }
}
