//! Installing: the bytes read once, verified, audited and held against what is installed; shown to a person; and only then
//! unpacked.

use std::{borrow::Cow, collections::BTreeSet, ffi::OsString, fmt, str::FromStr as _};

use serde::Serialize;
use serde_json::{Value, json};
use skillyard_artifact::{
    Cancelled, ErrorKind, Finding, Progress,
    audit::Report,
    integrity::{hex, sha256},
    verify::{Verification, open},
};
use skillyard_manifest::{Options, grammar::Version, plain, quoted};
use skillyard_store::{
    events::{EventKind, NewEvent},
    installed::{InstalledError, NewVersion, check_name},
    lifecycle::Purpose,
    secrets::{SecretError, SecretName},
};

use crate::{
    audit::{AuditOptions, report},
    capabilities::{self, Capabilities, Change},
    findings::reported,
    home::{Home, PathError},
    installed::{self, Entry, MissingSecret, Source},
    standing::{self, Refused},
    states,
    verify::{FlowError, Pin, PublicKey, Trust, TrustDecision, TrustOptions, advice, pin},
};

/// What a person wants.
#[derive(Debug)]
pub struct InstallOptions {
    /// Whom to trust. First use pins the key.
    pub trusting: TrustOptions,
    /// What may pass.
    pub audit: AuditOptions,
    /// Whether it may be older than what is installed.
    pub allow_downgrade: bool,
    /// Where the artifact came from.
    pub source: Source,
    /// Who installs it.
    pub principal: String,
}

/// Why nothing was installed.
#[derive(Debug)]
pub enum InstallError {
    /// The trust store cannot be read or written.
    Flow(FlowError),
    /// The artifact is refused.
    Refused {
        /// Why, in words.
        why: String,
        /// The same as a daemon's reason, or the nearest one.
        kind: Option<ErrorKind>,
        /// The publisher and its key, where nothing is wrong but that nobody decided about them yet: first use may.
        stranger: Option<(String, PublicKey)>,
        /// What a person can do about a key that is not trusted: lines of text.
        advice: Box<[String]>,
        /// What was found.
        findings: Vec<Finding>,
    },
    /// The audit did not pass.
    Audit {
        /// The messages of the checks that failed.
        failed: Vec<String>,
        /// What was found.
        findings: Vec<Finding>,
        /// Whether the version was quarantined for it.
        quarantined: bool,
    },
    /// What is installed, or an administrator, stands in the way.
    Standing(Refused),
    /// The kept secrets cannot be listed.
    Secrets(SecretError),
    /// An entry that was verified does not read any more.
    Entry {
        /// Its path.
        path: String,
    },
    /// The publisher's key was pinned, and then it could not be installed.
    AfterPin {
        /// Why not.
        error: Box<InstallError>,
        /// The publisher.
        publisher: String,
    },
}

impl InstallError {
    /// The stable name of why it was looked at and refused; `None` where it could not be looked at.
    #[must_use]
    pub fn kind(&self) -> Option<String> {
        match self {
            Self::Refused { kind, .. } => Some(kind.unwrap_or(ErrorKind::ManifestValidation).to_string()),
            Self::Audit { .. } => Some("AuditFailed".to_owned()),
            Self::Standing(refused) => refused.kind(),
            Self::AfterPin { error, .. } => error.kind(),
            _ => None,
        }
    }

    /// What was found and is not said by the error's own words.
    #[must_use]
    pub fn unsaid_findings(&self) -> Vec<Finding> {
        let Self::Refused { why, .. } = self else { return self.findings() };
        let said = |finding: &Finding| finding.entry.is_none() && finding.message == *why;
        self.findings().into_iter().filter(|finding| !said(finding)).collect()
    }

    /// What was found.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Refused { findings, .. } | Self::Audit { findings, .. } => findings.clone(),
            Self::Standing(refused) => refused.findings(),
            Self::AfterPin { error, .. } => error.findings(),
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flow(error) => error.fmt(f),
            Self::Refused { why, .. } => write!(f, "not installed: the artifact is refused: {why}"),
            Self::Audit { failed, quarantined, .. } => {
                let first = failed.first().map_or("", String::as_str);
                let more = match failed.len() {
                    0 | 1 => String::new(),
                    more => format!(" (and {} more)", more - 1),
                };
                let then = if *quarantined { "; the version is quarantined" } else { "" };
                write!(f, "not installed: the audit does not pass: {first}{more}{then}")
            }
            Self::Standing(Refused::Cancelled) => f.write_str("cancelled; nothing was installed"),
            Self::Standing(error) => write!(f, "not installed: {error}"),
            Self::Secrets(error) => error.fmt(f),
            Self::Entry { path } => write!(f, "{} cannot be unpacked", quoted(path)),
            Self::AfterPin { error, publisher } => write!(
                f,
                "{error}. The key of {} was pinned before that; `skillyard trust remove {}` takes it out again",
                quoted(publisher),
                plain(publisher)
            ),
        }
    }
}

impl std::error::Error for InstallError {}

impl From<FlowError> for InstallError {
    fn from(error: FlowError) -> Self {
        Self::Flow(error)
    }
}

impl From<Refused> for InstallError {
    fn from(error: Refused) -> Self {
        Self::Standing(error)
    }
}

impl From<InstalledError> for InstallError {
    fn from(error: InstalledError) -> Self {
        Self::Standing(error.into())
    }
}

impl From<PathError> for InstallError {
    fn from(error: PathError) -> Self {
        Self::Standing(error.into())
    }
}

impl From<Cancelled> for InstallError {
    fn from(_: Cancelled) -> Self {
        Self::Standing(Refused::Cancelled)
    }
}

/// An artifact that may be installed, and what a person is to know before.
#[derive(Debug)]
pub struct Proposal<'b> {
    bytes: &'b [u8],
    /// What verifying it gave: it is accepted.
    pub verification: Verification<'b>,
    /// The audit, which passed.
    pub report: Report,
    /// What it may do.
    pub capabilities: Capabilities,
    /// The version that is current now.
    pub previous: Option<Entry>,
    /// How it differs from that one; `None` where there is none. Where the installed artifact is not as it was installed
    /// it counts as one that may do nothing.
    pub changes: Option<Vec<Change>>,
    /// Whether it is older than a version that is installed.
    pub downgrade: bool,
    /// The secrets that it wants and that are not kept.
    pub missing_secrets: Vec<MissingSecret>,
    trust: Trust,
}

impl Proposal<'_> {
    /// Whether it may do more than the version that is installed, so that a person has to say yes.
    #[must_use]
    pub fn widens(&self) -> bool {
        self.changes.iter().flatten().any(|change| change.widens)
    }

    /// The skill.
    #[must_use]
    pub fn skill_id(&self) -> &str {
        &self.capabilities.skill_id
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.capabilities.version
    }
}

/// Verifies and audits the bytes of an artifact, and holds them against what is installed. `lookup` gives the values of
/// environment variables, which secrets may come from. Writes nothing, but for the log and the quarantine of a version
/// that does not pass the audit.
///
/// # Errors
/// Whatever keeps it from being installed.
pub fn propose<'b>(
    bytes: &'b [u8],
    home: &Home,
    options: &InstallOptions,
    lookup: &dyn Fn(&str) -> Option<OsString>,
    progress: &dyn Progress,
) -> Result<Proposal<'b>, InstallError> {
    let trust = Trust::load(home, &options.trusting)?;
    let opened = open(bytes, options.audit.palyra, progress)?;
    let tofu = options.trusting.wants_tofu();
    let audit = &options.audit;
    let report = report(&opened, &trust.store, tofu, &audit.policy, audit.now_unix_ms, audit.feed.as_ref(), progress)?;
    let imports = capabilities::imports_of_artifact(&opened, progress)?;
    let mut verification = opened.decide(&trust.store, tofu);
    let undecided = verification.daemon_error_kind == Some(ErrorKind::UntrustedPublisher);
    let found = verification.findings.len();
    trust.judge(&mut verification, Purpose::Take, audit.now_unix_ms);
    let (Some(artifact), Some(report)) = (&verification.artifact, report) else {
        let undecided = undecided && verification.findings.len() == found;
        let advice = advice(&verification, home).into();
        return Err(InstallError::Refused {
            advice,
            why: verification.error.unwrap_or_else(|| "it is not accepted".to_owned()),
            kind: verification.error_kind,
            stranger: verification.publisher.zip(verification.public_key).filter(|_| undecided),
            findings: verification.findings,
        });
    };
    let capabilities = Capabilities::of(artifact.manifest()).with_imports(imports);
    // Before anything is said of it: nothing is known by such a name, in a log or elsewhere.
    check_name(&capabilities.skill_id, &capabilities.version)?;
    let skills = home.installed()?;
    let known = skills.known(&capabilities.skill_id, &capabilities.version)?;
    let same = known.entries.iter().find(|entry| entry.version == capabilities.version);
    if let Some(same) = same {
        return Err(InstalledError::AlreadyInstalled {
            skill_id: capabilities.skill_id.clone(),
            version: capabilities.version.clone(),
            same_content: same.payload_sha256 == hex(&artifact.payload_sha256()),
        }
        .into());
    }
    if let Some(state) = known.blocked() {
        return Err(Refused::Blocked(Box::new(state.clone())).into());
    }
    let failed: Vec<String> = report.objections().into_iter().map(str::to_owned).collect();
    if !failed.is_empty() {
        let about = (&*capabilities.skill_id, &*capabilities.version);
        // Nobody else's artifact says anything about a version.
        let known = artifact.trust_decision() != TrustDecision::TofuNewlyPinned;
        let quarantined = states::after_audit(&skills, about, &report, &failed, known)?;
        return Err(InstallError::Audit { failed, findings: report.findings, quarantined });
    }
    let version = Version::parse(&capabilities.version);
    let highest = known.entries.iter().max_by_key(|entry| Version::parse(&entry.version));
    let downgrade = highest.is_some_and(|highest| Version::parse(&highest.version) > version);
    if let Some(highest) = highest.filter(|_| downgrade && !options.allow_downgrade) {
        return Err(InstalledError::Downgrade {
            skill_id: capabilities.skill_id.clone(),
            version: capabilities.version.clone(),
            installed: highest.version.clone(),
        }
        .into());
    }
    let previous = known.entries.into_iter().find(|entry| entry.current);
    let changes = match &previous {
        None => None,
        Some(previous) => {
            let old = match standing::whole(&skills, previous, progress) {
                Ok(bytes) => {
                    let opened = open(&bytes, Options::default().palyra_version, progress)?;
                    installed::capabilities_of(&opened, progress)?
                }
                Err(Refused::Cancelled) => return Err(Refused::Cancelled.into()),
                // What it may do is not known any more; all that the new one may do counts as more.
                Err(_) => None,
            };
            let old = old.unwrap_or_else(|| capabilities.nothing());
            Some(capabilities.against(&old))
        }
    };
    let missing_secrets = missing(home, &capabilities.grants.secret_keys, lookup)?;
    Ok(Proposal { bytes, verification, report, capabilities, previous, changes, downgrade, missing_secrets, trust })
}

/// The secrets among `wanted` (each `scope/key`) that are neither kept nor in the environment.
fn missing(
    home: &Home,
    wanted: &[String],
    lookup: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Vec<MissingSecret>, InstallError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let kept = home.secrets().list().map_err(InstallError::Secrets)?;
    let kept: BTreeSet<&SecretName> = kept.iter().map(|secret| &secret.name).collect();
    let there =
        |name: &SecretName| kept.contains(name) || lookup(&name.variable()).is_some_and(|value| !value.is_empty());
    let mut missing = Vec::new();
    for wanted in wanted {
        match SecretName::from_str(wanted) {
            Ok(name) if there(&name) => {}
            Ok(name) => {
                missing.push(MissingSecret { scope: name.scope().to_owned(), key: name.key().to_owned() });
            }
            // A name that nothing can be kept under is missing for good.
            Err(_) => {
                let (scope, key) = wanted.split_once('/').unwrap_or(("", wanted));
                missing.push(MissingSecret { scope: scope.to_owned(), key: key.to_owned() });
            }
        }
    }
    missing.sort();
    missing.dedup();
    Ok(missing)
}

/// What was installed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Installed {
    /// What the index says.
    pub entry: Entry,
    /// Whether a key was pinned for it.
    pub pinned: bool,
}

/// Installs what was proposed, after a person saw it: pins the key where it is the first of its publisher, unpacks, and
/// makes it the current version.
///
/// # Errors
/// What cannot be written; where another process changed meanwhile what is installed of the skill.
pub fn install(
    proposal: &Proposal<'_>,
    home: &Home,
    options: &InstallOptions,
    progress: &dyn Progress,
) -> Result<Installed, InstallError> {
    let verification = &proposal.verification;
    let Some(artifact) = &verification.artifact else {
        let why = verification.error.clone().unwrap_or_else(|| "it is not accepted".to_owned());
        let (kind, stranger) = (verification.error_kind, None);
        return Err(InstallError::Refused { why, kind, stranger, advice: Box::default(), findings: Vec::new() });
    };
    let mut files: Vec<(String, Cow<'_, [u8]>)> = Vec::new();
    for (path, entry) in artifact.entries().iter() {
        let content = artifact.entry(path.as_str());
        let content = content.filter(|content| sha256(content) == entry.sha256);
        let path = path.as_str().to_owned();
        let content = content.ok_or_else(|| InstallError::Entry { path: path.clone() })?;
        files.push((path, content));
    }
    let about = &proposal.capabilities;
    let (artifact_sha256, payload_sha256) = (hex(&sha256(proposal.bytes)), hex(&artifact.payload_sha256()));
    let decision = match artifact.trust_decision() {
        TrustDecision::Allowlisted => "allowlisted",
        TrustDecision::TofuPinned => "tofu_pinned",
        TrustDecision::TofuNewlyPinned => "tofu_newly_pinned",
    };
    let verified = NewEvent {
        kind: EventKind::Verified,
        payload: states::facts(json!({
            "skill_id": about.skill_id,
            "version": about.version,
            "publisher": about.publisher,
            "artifact_sha256": artifact_sha256,
            "payload_sha256": payload_sha256,
            "signature_key_id": artifact.key().id(),
            "trust_decision": decision,
        })),
    };
    let now_unix_ms = i64::try_from(options.audit.now_unix_ms).unwrap_or(i64::MAX);
    let new = NewVersion {
        entry: Entry {
            skill_id: about.skill_id.clone(),
            version: about.version.clone(),
            publisher: about.publisher.clone(),
            current: true,
            installed_at_unix_ms: now_unix_ms,
            artifact_sha256,
            payload_sha256,
            signature_key_id: artifact.key().id(),
            trust_decision: decision.to_owned(),
            source: options.source.clone(),
            missing_secrets: proposal.missing_secrets.clone(),
        },
        artifact: proposal.bytes,
        files,
        events: vec![verified, states::event_of_audit((&about.skill_id, &about.version), &proposal.report, &[])],
        expected_current: proposal.previous.as_ref().map(|entry| entry.version.clone()),
        allow_downgrade: options.allow_downgrade,
        principal: options.principal.clone(),
        now_unix_ms,
    };
    let skills = home.installed()?;
    // A person takes their time over a question, and in that somebody may have revoked the key.
    let signer = (artifact.publisher(), artifact.key());
    standing::not_objected(home, (&about.skill_id, &about.version), signer, Purpose::Take, now_unix_ms)?;
    // Whoever ends it does so before anything is written.
    progress.at("installing", 0, 1)?;
    let trusting = TrustOptions { pin: options.trusting.wants_tofu(), ..options.trusting.clone() };
    let pinned = pin(&proposal.trust, &trusting, verification, true, progress)? == Pin::Pinned;
    match skills.install(&new) {
        Ok(entry) => Ok(Installed { entry, pinned }),
        Err(error) if pinned => {
            Err(InstallError::AfterPin { error: Box::new(error.into()), publisher: about.publisher.clone() })
        }
        Err(error) => Err(error.into()),
    }
}

/// What became of a wish to install, as every face reports it. It only grows.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct InstallReport {
    /// Whether it was installed.
    pub installed: bool,
    /// Why not.
    pub error: Option<String>,
    /// The stable name of that: see [`InstallError::kind`]; or `Wider`.
    pub error_kind: Option<String>,
    /// Whether the version was quarantined because the audit does not pass.
    pub quarantined: bool,
    /// What the index says.
    pub entry: Option<Entry>,
    /// Whether the publisher's key was pinned for it.
    pub pinned: bool,
    /// The version that was current.
    pub previous_version: Option<String>,
    /// Whether a higher version is installed.
    pub downgrade: bool,
    /// What it may do.
    pub capabilities: Option<Capabilities>,
    /// How that differs from the version that was current.
    pub changes: Option<Vec<Change>>,
    /// Whether it may do more than that.
    pub widens: bool,
    /// What was found.
    pub findings: Vec<Value>,
}

impl InstallReport {
    /// Of what was proposed: installed, or not, since nobody said yes to what it may do beyond the installed version.
    #[must_use]
    pub fn of(proposal: &Proposal<'_>, installed: Option<&Installed>) -> Self {
        let refused = installed.is_none();
        Self {
            installed: !refused,
            error: refused.then(|| {
                "not installed: it may do more than the installed version; look at what, and say yes by --allow-wider"
                    .to_owned()
            }),
            error_kind: refused.then(|| "Wider".to_owned()),
            quarantined: false,
            entry: installed.map(|installed| installed.entry.clone()),
            pinned: installed.is_some_and(|installed| installed.pinned),
            previous_version: proposal.previous.as_ref().map(|entry| entry.version.clone()),
            downgrade: proposal.downgrade,
            capabilities: Some(proposal.capabilities.clone()),
            changes: proposal.changes.clone(),
            widens: proposal.widens(),
            findings: proposal.report.findings.iter().map(reported).collect(),
        }
    }

    /// Of an artifact that was refused; `None` where it was not even looked at.
    #[must_use]
    pub fn refused(error: &InstallError) -> Option<Self> {
        Some(Self {
            installed: false,
            error: Some(error.to_string()),
            error_kind: Some(error.kind()?),
            quarantined: matches!(error, InstallError::Audit { quarantined: true, .. }),
            entry: None,
            pinned: matches!(error, InstallError::AfterPin { .. }),
            previous_version: None,
            downgrade: false,
            capabilities: None,
            changes: None,
            widens: false,
            findings: error.findings().iter().map(reported).collect(),
        })
    }
}
