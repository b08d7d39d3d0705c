//! Packaging: a skill's folder becomes a signed artifact on disk, or nothing does.

use std::{
    fmt, fs,
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use skillyard_artifact::{
    Cancelled, ErrorKind, Finding, Progress,
    keys::{KeyError, SigningKey},
    package::{self, File, Inputs, Packaged, secrets},
    provenance::{Facts, Revision},
};
use skillyard_manifest::{Options, grammar::Version, plain, quoted};

use crate::{
    audit::first_error,
    check::config_of,
    config::LoadError,
    files::{ReadError, without_path},
    shown,
    skill::{ARTIFACT_EXTENSION, Additions, Collected, Given, Kind, Plan, SkillError},
    source::{BadEpoch, Ci, Git, source_date_epoch},
};

pub use skillyard_artifact::package::{PackageError, Report};

/// The folder, beside the manifest, that artifacts are written to where nothing else is said.
pub const OUTPUT_FOLDER: &str = "dist";

/// What is asked for besides the folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PackageOptions {
    /// What a person adds or replaces.
    pub additions: Additions,
    /// Where the artifact goes: a file, or a folder that is there. Without it `dist/<skill_id>-<version>.palyra-skill`
    /// in the skill's folder.
    pub output: Option<PathBuf>,
    /// The daemon's version; without it what `skillyard.toml` says.
    pub palyra: Option<Version>,
    /// Entries in which likely secrets are none: a person looked. A private key is always one.
    pub not_secret: Vec<String>,
    /// Now, in milliseconds since 1970: when it is signed, unless `SOURCE_DATE_EPOCH` says otherwise.
    pub now_unix_ms: i64,
}

/// Why there is no artifact. Nothing was written then.
#[derive(Debug)]
pub enum MakeError {
    /// The configuration is broken.
    Config(LoadError),
    /// The files could not be collected.
    Skill(SkillError),
    /// The manifest is not UTF-8.
    NotUtf8 {
        /// The manifest.
        path: PathBuf,
        /// The first byte that is not.
        at: usize,
    },
    /// `SOURCE_DATE_EPOCH` does not do.
    Epoch(BadEpoch),
    /// The system gave no randomness for a trial.
    Key(KeyError),
    /// The manifest does not do.
    Manifest {
        /// The first error, with its place.
        what: String,
        /// What a daemon says; `None` where Skillyard alone refuses.
        error_kind: Option<ErrorKind>,
    },
    /// It cannot be packaged.
    Package(PackageError),
    /// A document that was given does not do.
    Document {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: PackageError,
    },
    /// There are likely secrets in the files.
    Secrets(Vec<Finding>),
    /// What is at the output's place is not replaced.
    Occupied {
        /// The place.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// The output's name is not that of an artifact.
    Name {
        /// The place.
        path: PathBuf,
    },
    /// The output's folder is not there.
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The output could not be written.
    Write {
        /// The place.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// What was written is not what was to be written.
    Damaged {
        /// The place.
        path: PathBuf,
    },
    /// It was ended.
    Cancelled,
}

impl fmt::Display for MakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Skill(error) => error.fmt(f),
            Self::NotUtf8 { path, at } => ReadError::NotUtf8 { path: path.clone(), at: *at }.fmt(f),
            Self::Epoch(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Manifest { what, .. } => f.write_str(what),
            Self::Package(error) => error.fmt(f),
            Self::Document { path, error } => write!(f, "{}: {error}", shown::path(path)),
            Self::Secrets(findings) => {
                let more = findings.len().saturating_sub(1);
                let first = findings.first().map_or("", |finding| finding.message.as_str());
                let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
                write!(f, "what looks like a secret would be given away: {first}{more}")
            }
            Self::Occupied { path, what } => {
                write!(f, "{}: is {what} and is left alone; name another output", shown::path(path))
            }
            Self::Name { path } => {
                write!(
                    f,
                    "{}: an artifact's name ends in .{ARTIFACT_EXTENSION}; name another output",
                    shown::path(path)
                )
            }
            Self::NoFolder { path } => write!(f, "{}: no such folder; make it first", shown::path(path)),
            Self::Write { path, error } => {
                write!(f, "{}: cannot be written: {error}; check the folder and its permissions", shown::path(path))
            }
            Self::Damaged { path } => {
                write!(f, "{}: what was written reads back otherwise; check the disk", shown::path(path))
            }
            Self::Cancelled => write!(f, "{Cancelled}; nothing was written"),
        }
    }
}

impl MakeError {
    /// Whether the skill was looked at and cannot be packaged as it is, and not that the looking failed.
    #[must_use]
    pub fn refuses(&self) -> bool {
        match self {
            Self::Secrets(_)
            | Self::Package(_)
            | Self::Manifest { .. }
            | Self::Document { .. }
            | Self::NotUtf8 { .. } => true,
            Self::Skill(error) => error.refuses(),
            _ => false,
        }
    }

    /// What a daemon's own builder would say; `None` where it would build.
    #[must_use]
    pub fn error_kind(&self) -> Option<String> {
        match self {
            Self::Package(error) | Self::Document { error, .. } => error.error_kind().map(|kind| kind.to_string()),
            Self::Manifest { error_kind, .. } => error_kind.map(|kind| kind.to_string()),
            _ => None,
        }
    }

    /// What was found in the files.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Secrets(findings) | Self::Package(PackageError::Refused(findings)) => findings,
            _ => &[],
        }
    }
}

impl std::error::Error for MakeError {}

impl From<SkillError> for MakeError {
    fn from(error: SkillError) -> Self {
        match error {
            SkillError::Cancelled => Self::Cancelled,
            error => Self::Skill(error),
        }
    }
}

impl From<PackageError> for MakeError {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::Cancelled => Self::Cancelled,
            error => Self::Package(error),
        }
    }
}

impl From<Cancelled> for MakeError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// A skill's files, read and ready to be packaged.
#[derive(Debug)]
pub struct Prepared {
    /// What goes in and what stays out.
    pub plan: Plan,
    /// What the provenance will say of the sources and the builder, unless one is given.
    pub facts: Facts,
    /// The file that is not as its repository has it, and the revision that the provenance does not name therefore.
    changed: Option<(PathBuf, Revision)>,
    collected: Collected,
    manifest: String,
    palyra: Version,
    signed_at_unix_ms: i64,
    output: Option<PathBuf>,
    not_secret: Vec<String>,
}

/// An artifact that was made.
#[derive(Debug)]
pub struct Made {
    /// What was made; `artifact` names the file, and nothing for a trial.
    pub report: Report,
    /// Where it is, or would be.
    pub path: PathBuf,
    /// What is worth a look, though it kept nobody from packaging.
    pub findings: Vec<Finding>,
}

impl Prepared {
    /// Collects and reads the skill in `folder`. `lookup` gives the values of environment variables: those of continuous
    /// integration, and `SOURCE_DATE_EPOCH`.
    ///
    /// # Errors
    /// If the folder, its configuration or its files do not do, or `progress` ended it.
    pub fn of(
        folder: &Path,
        options: &PackageOptions,
        lookup: &dyn Fn(&str) -> Option<String>,
        progress: &dyn Progress,
    ) -> Result<Self, MakeError> {
        let config = config_of(folder).map_err(MakeError::Config)?;
        let epoch = source_date_epoch(lookup).map_err(MakeError::Epoch)?;
        let plan = Plan::of(folder, &config.package, &options.additions, progress)?;
        let mut collected = plan.read(progress)?;
        let manifest = String::from_utf8(std::mem::take(&mut collected.manifest)).map_err(|error| {
            MakeError::NotUtf8 { path: plan.manifest.clone(), at: error.utf8_error().valid_up_to() }
        })?;
        let palyra = options.palyra.or(config.palyra_version).unwrap_or(Options::default().palyra_version);
        let git = Git::of((&plan.manifest, manifest.as_bytes()), sources(&plan, &collected));
        let (facts, changed) = facts(git, epoch, lookup);
        Ok(Self {
            facts,
            changed,
            plan,
            collected,
            manifest,
            palyra,
            signed_at_unix_ms: epoch.unwrap_or(options.now_unix_ms),
            output: options.output.clone(),
            not_secret: options.not_secret.clone(),
        })
    }

    /// Packages as [`sign`](Self::sign) does, with a key that nobody keeps, and writes nothing: what would go in, and
    /// whether anything keeps it from being packaged. The report's key id is that of no one.
    ///
    /// # Errors
    /// What would keep it from being packaged.
    pub fn rehearse(&self, progress: &dyn Progress) -> Result<Made, MakeError> {
        let packaged = self.package(&SigningKey::generate().map_err(MakeError::Key)?, progress)?;
        let path = self.output(&packaged.report)?;
        Ok(Made { report: packaged.report, path, findings: packaged.findings })
    }

    /// Packages, signs with `key`, verifies and writes the artifact. The file is there whole or not at all.
    ///
    /// # Errors
    /// If it cannot be packaged or written, or `progress` ended it.
    pub fn sign(&self, key: &SigningKey, progress: &dyn Progress) -> Result<Made, MakeError> {
        let Packaged { bytes, mut report, findings } = self.package(key, progress)?;
        let path = self.output(&report)?;
        if self.output.is_none()
            && let Some(folder) = path.parent()
        {
            fs::create_dir_all(folder).map_err(|error| MakeError::Write { path: folder.to_owned(), error })?;
        }
        // The last moment to end it.
        progress.at("writing", 0, report.bytes)?;
        write(&path, &bytes)?;
        report.artifact = Some(path.to_string_lossy().into_owned());
        Ok(Made { report, path, findings })
    }

    /// Packages and signs with `key` as [`sign`](Self::sign) does, and gives the bytes instead of writing them.
    ///
    /// # Errors
    /// If it cannot be packaged, or `progress` ended it.
    pub fn in_memory(&self, key: &SigningKey, progress: &dyn Progress) -> Result<Packaged, MakeError> {
        self.package(key, progress)
    }

    /// The version of the daemon that counts for the skill.
    #[must_use]
    pub fn palyra(&self) -> Version {
        self.palyra
    }

    /// Whether a finding is about a likely secret that [`PackageOptions::not_secret`] can tell to be none.
    #[must_use]
    pub fn may_be_known(finding: &Finding) -> bool {
        is_secret(finding) && !std::ptr::eq(finding.rule, &secrets::PRIVATE_KEY)
    }

    fn package(&self, key: &SigningKey, progress: &dyn Progress) -> Result<Packaged, MakeError> {
        let files = |kind| {
            let files = match kind {
                Kind::Module => &self.collected.modules,
                Kind::Asset => &self.collected.assets,
            };
            files.iter().map(|(path, content)| File { path, content }).collect()
        };
        let inputs = Inputs {
            manifest: &self.manifest,
            modules: files(Kind::Module),
            assets: files(Kind::Asset),
            sbom: self.collected.sbom.as_deref(),
            provenance: self.collected.provenance.as_deref(),
            facts: self.facts.clone(),
            signed_at_unix_ms: self.signed_at_unix_ms,
            palyra: self.palyra,
        };
        let packaged = package::package(&inputs, key, progress).map_err(|error| self.placed(error))?;
        let (secret, rest): (Vec<_>, Vec<_>) = packaged.findings.into_iter().partition(is_secret);
        let (known, secret): (Vec<_>, Vec<_>) = secret
            .into_iter()
            .partition(|finding| finding.entry.as_ref().is_some_and(|entry| self.not_secret.contains(entry)));
        if !secret.is_empty() {
            return Err(MakeError::Secrets(secret));
        }
        let changed = self.changed.iter().filter(|_| self.collected.provenance.is_none()).map(|(file, source)| {
            let file = file.strip_prefix(&self.plan.folder).unwrap_or(file);
            let message = format!(
                "{} is not as the repository has it, so the provenance names no source: commit it to name {} at a commit \
                 that holds what is packaged",
                quoted(&file.to_string_lossy()),
                plain(&source.uri)
            );
            Finding::new(&package::CHANGED_SOURCE, message)
        });
        Ok(Packaged { findings: known.into_iter().chain(rest).chain(changed).collect(), ..packaged })
    }

    /// An error with the file that it is about.
    fn placed(&self, error: PackageError) -> MakeError {
        let given = match &error {
            PackageError::Manifest { error_kind, .. } => {
                let what = first_error(&self.plan.manifest, &self.manifest, self.palyra);
                return MakeError::Manifest { what, error_kind: *error_kind };
            }
            PackageError::Sbom(_) => &self.plan.sbom,
            PackageError::Provenance(_) => &self.plan.provenance,
            _ => &None,
        };
        match given {
            Some(given) => MakeError::Document { path: given.file.clone(), error },
            None => error.into(),
        }
    }

    /// Where the artifact goes.
    fn output(&self, report: &Report) -> Result<PathBuf, MakeError> {
        let path = match &self.output {
            None => {
                let path = usual_output(&self.plan.folder, &report.skill_id, &report.version);
                // What a person did not name stays in the skill's folder, whoever made that.
                let folder = self.plan.folder.join(OUTPUT_FOLDER);
                if folder.is_symlink() {
                    return Err(MakeError::Occupied { path: folder, what: "a symbolic link" });
                }
                path
            }
            Some(folder) if folder.is_dir() => folder.join(file_name(&report.skill_id, &report.version)),
            Some(file) => file.clone(),
        };
        may_be_replaced(&path)?;
        if path.extension().is_none_or(|extension| extension != ARTIFACT_EXTENSION) {
            return Err(MakeError::Name { path });
        }
        let folder = path.parent().filter(|folder| self.output.is_some() && !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(MakeError::NoFolder { path: folder.to_owned() });
        }
        Ok(path)
    }
}

/// Where the artifact of the skill in `folder` goes where nothing else is said.
#[must_use]
pub fn usual_output(folder: &Path, skill_id: &str, version: &str) -> PathBuf {
    folder.join(OUTPUT_FOLDER).join(file_name(skill_id, version))
}

fn file_name(skill_id: &str, version: &str) -> String {
    format!("{skill_id}-{version}.{ARTIFACT_EXTENSION}")
}

/// Whether a finding is about a likely secret.
fn is_secret(finding: &Finding) -> bool {
    [&secrets::PRIVATE_KEY, &secrets::FILE_NAME, &secrets::TOKEN, &secrets::ASSIGNMENT]
        .into_iter()
        .any(|rule| std::ptr::eq(rule, finding.rule))
}

/// The files beside the manifest that an artifact is made of, each with its content.
fn sources<'c>(plan: &'c Plan, collected: &'c Collected) -> impl Iterator<Item = (&'c Path, &'c [u8])> {
    let items = plan.items.iter().filter_map(|item| {
        let content = collected.modules.get(&item.entry).or_else(|| collected.assets.get(&item.entry))?;
        Some((item.file.as_path(), content.as_slice()))
    });
    let documents = [(&plan.sbom, &collected.sbom), (&plan.provenance, &collected.provenance)];
    let given = |(given, content): (&'c Option<Given>, &'c Option<Vec<u8>>)| {
        Some((given.as_ref()?.file.as_path(), content.as_deref()?))
    };
    items.chain(documents.into_iter().filter_map(given))
}

/// What can be said about sources and builder, and which file keeps a revision from being named: it is tracked with
/// another content than is packaged.
fn facts(
    git: Option<Git>,
    epoch: Option<i64>,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> (Facts, Option<(PathBuf, Revision)>) {
    let ci = Ci::of(lookup);
    let revision = |remote: &str, reference: Option<&String>, commit: &str| {
        // As pip, SPDX and SLSA write the address of a repository.
        let scheme = if remote.starts_with("git") { "" } else { "git+" };
        let reference = reference.map(|reference| format!("@{reference}")).unwrap_or_default();
        Revision { uri: format!("{scheme}{remote}{reference}"), commit: commit.to_owned() }
    };
    let of_ci = ci
        .as_ref()
        .and_then(|ci| Some(revision(ci.repository.as_deref()?, ci.reference.as_ref(), ci.commit.as_ref()?)));
    let of_git =
        git.as_ref().and_then(|git| Some(revision(git.remote.as_deref()?, git.reference.as_ref(), &git.commit)));
    let source = of_ci.or(of_git);
    let (builder_id, invocation_id) = ci.map_or((None, None), |ci| (Some(ci.builder), ci.invocation));
    let changed = git.and_then(|git| git.changed);
    let (source, changed) = match (source, changed) {
        (Some(source), Some(changed)) => (None, Some((changed, source))),
        (source, _) => (source, None),
    };
    (Facts { source, builder_id, invocation_id, started_at_unix_ms: None, built_at_unix_ms: epoch }, changed)
}

/// Only an artifact is replaced by an artifact.
fn may_be_replaced(path: &Path) -> Result<(), MakeError> {
    let occupied = |what| MakeError::Occupied { path: path.to_owned(), what };
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(MakeError::Write { path: path.to_owned(), error }),
        Ok(about) if about.is_symlink() => Err(occupied("a symbolic link")),
        Ok(about) if about.is_dir() => Err(occupied("a folder")),
        Ok(about) if !about.is_file() => Err(occupied("no regular file")),
        Ok(about) if about.permissions().readonly() => Err(occupied("read-only")),
        Ok(_) if path.extension().is_some_and(|extension| extension == ARTIFACT_EXTENSION) => Ok(()),
        Ok(_) => Err(occupied("there already and no .palyra-skill file")),
    }
}

/// Writes the file whole: beside its place first, synced and read back, then moved over it. Not read back from its place,
/// where another process may have put its own by then.
fn write(path: &Path, bytes: &[u8]) -> Result<(), MakeError> {
    let fail = |error| MakeError::Write { path: path.to_owned(), error };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".skillyard-");
    // An artifact is for everyone that the person's own settings let read files.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(|error| fail(without_path(error)))?;
    file.write_all(bytes).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    let mut written = Vec::with_capacity(bytes.len());
    file.rewind().and_then(|()| file.read_to_end(&mut written)).map_err(fail)?;
    if written != bytes {
        return Err(MakeError::Damaged { path: path.to_owned() });
    }
    file.persist(path).map_err(|error| fail(error.error))?;
    sync_folder(folder);
    Ok(())
}

/// The move itself is safe on the disk only once the folder is. Where a folder cannot be opened there is nothing to do.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
    #[cfg(not(unix))]
    let _ = folder;
}
