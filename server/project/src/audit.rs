//! Auditing: an artifact, or a skill's folder that is not packaged yet.

use std::{fmt, path::Path};

use skillyard_artifact::{
    Cancelled, Finding, Progress,
    audit::{Advisories, AdvisoryError, SignatureFacts, Subject, audit, audit_scanned, scan},
    integrity,
    limits::MAX_MANIFEST_BYTES,
    trust::TrustStore,
    verify::{Opened, Verification, open},
};
use skillyard_manifest::{
    Encoding, ErrorKind, LineIndex, Options, Position, Severity, analyze, check_compat, document::Document,
    elsewhere::Elsewhere, grammar::Version, locate::places, model::Manifest, validate, warnings,
};

use crate::{
    files::{self, MANIFEST_NAME, ReadError},
    home::Home,
    shown,
    skill::{Collected, SkillError},
    verify::{FlowError, Pin, Purpose, Trust, TrustOptions, daemon_decision, pin},
};

pub use skillyard_artifact::audit::{Check, ModuleSummary, Policy, Report, Status, extra_checks};
pub use skillyard_artifact::module::ModuleKind;

/// The largest file of advisories that is read, in bytes.
const MAX_ADVISORIES: usize = 64 << 20;
/// How deep the manifest of an artifact nests at the most.
const MAX_DEPTH: usize = 24;

/// Why there are no advisories.
#[derive(Debug)]
pub enum NoAdvisories {
    /// The file could not be read.
    Read(ReadError),
    /// It holds none.
    Bad {
        /// The file, escaped.
        path: String,
        /// Why.
        error: AdvisoryError,
    },
}

impl fmt::Display for NoAdvisories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Bad { path, error } => write!(f, "{path}: {error}"),
        }
    }
}

impl std::error::Error for NoAdvisories {}

/// The advisories in the file at `path`.
///
/// # Errors
/// If it cannot be read or holds none.
pub fn advisories(path: &Path) -> Result<Advisories, NoAdvisories> {
    let bytes = files::read(path, MAX_ADVISORIES).map_err(NoAdvisories::Read)?;
    Advisories::parse(&bytes).map_err(|error| NoAdvisories::Bad { path: shown::path(path), error })
}

/// What an audit is held against.
#[derive(Debug)]
pub struct AuditOptions {
    /// What may pass.
    pub policy: Policy,
    /// Advisories, if there are any.
    pub feed: Option<Advisories>,
    /// The daemon's version.
    pub palyra: Version,
    /// The time that the report bears.
    pub now_unix_ms: u64,
}

/// The audit of an artifact.
#[derive(Debug)]
pub struct Audited<'b> {
    /// What verifying it gave.
    pub verification: Verification<'b>,
    /// The report; `None` where the artifact has no manifest that a daemon takes, so that nothing can be said about what
    /// it asks for.
    pub report: Option<Report>,
    /// What became of the wish to pin.
    pub pin: Pin,
}

impl Audited<'_> {
    /// Whether everything passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verification.accepted && self.report.as_ref().is_some_and(Report::passed)
    }

    /// Whether a daemon alone would accept the artifact and let it pass.
    #[must_use]
    pub fn daemon_passed(&self) -> bool {
        self.verification.daemon_accepts && self.report.as_ref().is_some_and(Report::daemon_passed)
    }
}

/// Verifies and audits the bytes of an artifact, to take it up or, where it is installed, to run it.
///
/// # Errors
/// If the trust store cannot be read or written, or `progress` ended it.
pub fn audit_artifact<'b>(
    bytes: &'b [u8],
    home: &Home,
    trusting: &TrustOptions,
    options: &AuditOptions,
    purpose: Purpose,
    progress: &dyn Progress,
) -> Result<Audited<'b>, FlowError> {
    let trust = Trust::load(home, trusting)?;
    let opened = open(bytes, options.palyra, progress)?;
    let (tofu, feed) = (trusting.wants_tofu(), options.feed.as_ref());
    let mut report = report(&opened, &trust.store, tofu, &options.policy, options.now_unix_ms, feed, progress)?;
    let mut verification = opened.decide(&trust.store, tofu);
    trust.judge(&mut verification, purpose, options.now_unix_ms);
    if let Some(report) = &mut report {
        report.accepted = Some(verification.accepted);
        report.trust_decision = verification.trust_decision;
        report.payload_sha256.clone_from(&verification.payload_sha256);
        // What verifying found comes first, the loudest first, as the audit has its own.
        let mut found = verification.findings.clone();
        found.append(&mut report.findings);
        found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        report.findings = found;
    }
    let passed = report.as_ref().is_some_and(Report::passed);
    let pin = pin(&trust, trusting, &verification, passed, progress)?;
    Ok(Audited { verification, report, pin })
}

/// Audits what an opened artifact holds, also where only Skillyard refuses it. `None` where a daemon would not get as
/// far as asking what it holds: no manifest.
pub(crate) fn report(
    opened: &Opened<'_>,
    store: &TrustStore,
    allow_tofu: bool,
    policy: &Policy,
    now_unix_ms: u64,
    feed: Option<&Advisories>,
    progress: &dyn Progress,
) -> Result<Option<Report>, Cancelled> {
    let Some(manifest) = opened.manifest() else { return Ok(None) };
    let entries = opened.content.entries();
    let modules = scan(entries, policy, progress)?;
    let warnings = warnings(manifest);
    let decision = daemon_decision(opened, store, allow_tofu);
    let subject = Subject {
        manifest,
        warnings: &warnings,
        modules: &modules,
        // Without them a daemon refuses the artifact before.
        sbom: entries.get("sbom.cdx.json").is_some(),
        provenance: entries.get("provenance.json").is_some(),
        signature: Some(SignatureFacts {
            accepted: decision.is_some(),
            trust_decision: decision,
            payload_sha256: opened.payload_sha256().map(|hash| integrity::hex(&hash)).unwrap_or_default(),
        }),
    };
    Ok(Some(audit_scanned(&subject, policy, now_unix_ms, feed)))
}

/// Why a folder was not audited.
#[derive(Debug)]
pub enum FolderError {
    /// Its files could not be collected.
    Skill(SkillError),
    /// A daemon refuses the manifest.
    Manifest {
        /// The first error, with its place: see [`first_error`].
        what: String,
        /// Why.
        kind: ErrorKind,
    },
    /// The manifest is larger, or nests deeper, than Skillyard takes in an artifact.
    Unwieldy {
        /// The file, escaped.
        path: String,
    },
    /// It was ended.
    Cancelled,
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skill(error) => error.fmt(f),
            Self::Manifest { what, .. } => f.write_str(what),
            Self::Unwieldy { path } => write!(
                f,
                "{path}: in an artifact a manifest has at most {MAX_MANIFEST_BYTES} bytes and nests at most {MAX_DEPTH} deep"
            ),
            Self::Cancelled => Cancelled.fmt(f),
        }
    }
}

impl FolderError {
    /// Whether the skill is at fault, and not that the looking failed.
    #[must_use]
    pub fn refuses(&self) -> bool {
        match self {
            Self::Manifest { .. } | Self::Unwieldy { .. } => true,
            Self::Skill(error) => error.refuses(),
            Self::Cancelled => false,
        }
    }
}

impl std::error::Error for FolderError {}

impl From<SkillError> for FolderError {
    fn from(error: SkillError) -> Self {
        match error {
            SkillError::Cancelled => Self::Cancelled,
            error => Self::Skill(error),
        }
    }
}

impl From<Cancelled> for FolderError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Audits a skill's files that are not packaged yet. `folder` is where the manifest lies, for messages.
///
/// # Errors
/// If a daemon refuses the manifest, or `progress` ended it.
pub fn audit_folder(
    folder: &Path,
    collected: &Collected,
    options: &AuditOptions,
    progress: &dyn Progress,
) -> Result<Report, FolderError> {
    let manifest = manifest(&folder.join(MANIFEST_NAME), &collected.manifest, options.palyra)?;
    let modules: Vec<(&str, &[u8])> =
        collected.modules.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let warnings = warnings(&manifest);
    let subject = Subject {
        manifest: &manifest,
        warnings: &warnings,
        modules: &modules,
        sbom: collected.sbom.is_some(),
        provenance: collected.provenance.is_some(),
        signature: None,
    };
    Ok(audit(&subject, &options.policy, options.now_unix_ms, options.feed.as_ref(), progress)?)
}

/// Gives what the audit of a folder found the severity that its author has set, by `options` or by a comment in the manifest
/// at the key concerned, and takes out what is switched off. What an artifact is refused for stays an error, since nobody
/// who gets one reads either.
pub fn at_levels(report: &mut Report, manifest: &[u8], options: &Options) {
    let Ok(text) = std::str::from_utf8(manifest) else { return };
    let key = |found: &Finding| found.manifest.as_ref().map(|place| place.key.clone());
    let keys: Vec<Option<String>> = report.findings.iter().map(key).collect();
    let mut places = places(text, keys.iter().map(Option::as_deref)).into_iter();
    let elsewhere = Elsewhere::new(text, options);
    report.findings.retain_mut(|found| {
        let place = places.next().unwrap_or_default();
        let Some(severity) = elsewhere.severity(found.rule.code, found.severity, place) else { return false };
        found.severity = severity;
        true
    });
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
}

/// What is said of a manifest that is refused: its first error with its place, and what shows the others.
pub(crate) fn first_error(path: &Path, text: &str, palyra: Version) -> String {
    let analysis = analyze(text, &Options { palyra_version: palyra, ..Options::default() });
    let error = analysis.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
    let (at, message) = error.map_or((0, "a daemon refuses the manifest"), |error| (error.span.start, &error.message));
    let Position { line, character } = LineIndex::new(text).position(text, at, Encoding::Utf32);
    let (line, column) = (line + 1, character + 1);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    format!("{}:{line}:{column}: {message}; `skillyard check {}` shows all", shown::path(path), shown::path(folder))
}

/// The manifest in `bytes`, which a daemon of the version `palyra` takes. `path` is for messages.
///
/// # Errors
/// Why a daemon refuses it, or that it is too large or nests too deep to be packaged.
pub fn manifest(path: &Path, bytes: &[u8], palyra: Version) -> Result<Box<Manifest>, FolderError> {
    let text = std::str::from_utf8(bytes).map_err(|_| FolderError::Manifest {
        what: format!("{}: is not UTF-8; save it as UTF-8", shown::path(path)),
        kind: ErrorKind::ManifestParse,
    })?;
    let refused = |kind| FolderError::Manifest { what: first_error(path, text, palyra), kind };
    // Reading and dropping recurse as deep as the manifest nests.
    if bytes.len() as u64 > MAX_MANIFEST_BYTES || Document::parse(text).depth > MAX_DEPTH {
        return Err(FolderError::Unwieldy { path: shown::path(path) });
    }
    let manifest: Box<Manifest> = Box::new(toml::from_str(text).map_err(|_| refused(ErrorKind::ManifestParse))?);
    validate(&manifest).map_err(refused)?;
    check_compat(&manifest, palyra).map_err(refused)?;
    Ok(manifest)
}
