//! Verifying: the bytes of an artifact against whom a person trusts, and pinning a publisher at first use.

use std::{fmt, path::PathBuf};

use skillyard_artifact::{
    Cancelled, ErrorKind, Finding, Progress,
    audit::{Policy, Report},
    trust::{TrustError, TrustStore},
    update,
    verify::{Opened, open},
};
use skillyard_manifest::{Severity, grammar::Version};
use skillyard_store::{
    lifecycle::{Lifecycle, Objection, RotationFault},
    paths::PathError,
    trust_store::{SealState, TrustStoreFile, TrustStoreFileError, UpdateError},
};

use crate::{audit::report, home::Home};

pub use skillyard_store::lifecycle::Purpose;

pub use skillyard_artifact::{
    trust::{PublicKey, TrustDecision},
    verify::Verification,
};

/// Whom to trust, beside the trust store.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrustOptions {
    /// Publishers and keys that count as listed, for this time only.
    pub trusted: Vec<(String, PublicKey)>,
    /// Whether an unknown publisher is trusted at first use.
    pub allow_tofu: bool,
    /// Whether the key of an unknown publisher is pinned, once everything has held and the audit passed.
    pub pin: bool,
}

/// Why a flow could not do its work.
#[derive(Debug)]
pub enum FlowError {
    /// A path of the person's own cannot be used.
    Path(PathError),
    /// The trust store cannot be read or written.
    Store(TrustStoreFileError),
    /// A publisher and key were not taken into the trust store.
    Trusted(TrustError),
    /// A key or a version is not taken any more.
    Objection(Box<Objection>),
    /// A statement about a change of keys does not count.
    Rotation(RotationFault),
    /// A word is missing, or a version is none.
    Words(&'static str),
    /// It was ended.
    Cancelled,
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(error) => error.fmt(f),
            // A daemon's word for it helps whoever compares the two.
            Self::Store(error) => write!(f, "{error} (a daemon would say {})", error.error_kind()),
            Self::Trusted(error) => error.fmt(f),
            Self::Objection(objection) => objection.fmt(f),
            Self::Rotation(fault) => write!(f, "the change of keys does not count: {fault}"),
            Self::Words(what) => f.write_str(what),
            Self::Cancelled => write!(f, "{Cancelled}; nothing was written"),
        }
    }
}

impl std::error::Error for FlowError {}

impl From<PathError> for FlowError {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl From<TrustStoreFileError> for FlowError {
    fn from(error: TrustStoreFileError) -> Self {
        Self::Store(error)
    }
}

impl From<TrustError> for FlowError {
    fn from(error: TrustError) -> Self {
        Self::Trusted(error)
    }
}

impl From<Objection> for FlowError {
    fn from(objection: Objection) -> Self {
        Self::Objection(Box::new(objection))
    }
}

impl From<Cancelled> for FlowError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<UpdateError<TrustError>> for FlowError {
    fn from(error: UpdateError<TrustError>) -> Self {
        match error {
            UpdateError::Store(error) => Self::Store(error),
            UpdateError::Change(error) => Self::Trusted(error),
        }
    }
}

/// What became of the wish to pin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pin {
    /// Nobody wished it, or there was nothing to pin.
    None,
    /// The key is the publisher's from now on.
    Pinned,
    /// Everything held but the audit, so nothing was written.
    AuditFailed,
}

/// Whom a person trusts, as it was read.
#[derive(Debug)]
pub struct Trust {
    /// The store on disk.
    pub file: TrustStoreFile,
    /// Its content, with the publishers of [`TrustOptions::trusted`].
    pub store: TrustStore,
    /// How the file is guarded.
    pub seal: SealState,
    /// What is known of the life of keys. It only takes trust away.
    pub lifecycle: Lifecycle,
}

impl Trust {
    /// Refuses what was accepted where its key or its version is not taken any more.
    pub fn judge(&self, verification: &mut Verification<'_>, purpose: Purpose, now_unix_ms: u64) {
        judge(&self.lifecycle, verification, purpose, now_unix_ms);
    }

    /// Reads the person's store.
    ///
    /// # Errors
    /// If it cannot be read, or a key that was given does not do.
    pub fn load(home: &Home, options: &TrustOptions) -> Result<Self, FlowError> {
        let file = home.trust_store()?;
        let loaded = file.load()?;
        let mut store = loaded.store;
        for (publisher, key) in &options.trusted {
            store.allow(publisher, *key).map_err(FlowError::Trusted)?;
        }
        let lifecycle = home.lifecycle()?.load()?.store;
        Ok(Self { file, store, seal: loaded.seal, lifecycle })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.file.path().to_owned()
    }
}

/// Refuses what was accepted where its key or its version is not taken any more, and says so of what nobody trusts, which a
/// revoked key is not any more.
pub(crate) fn judge(lifecycle: &Lifecycle, verification: &mut Verification<'_>, purpose: Purpose, now_unix_ms: u64) {
    let of_trust = matches!(
        verification.error_kind,
        Some(ErrorKind::UntrustedPublisher | ErrorKind::TrustedPublisherKeyMismatch | ErrorKind::TofuKeyMismatch)
    );
    let (true, Some(publisher), Some(key)) =
        (verification.accepted || of_trust, &verification.publisher, verification.public_key)
    else {
        return;
    };
    let now = i64::try_from(now_unix_ms).unwrap_or(i64::MAX);
    let of_version = || {
        let (skill_id, version) = verification.skill_id.as_deref().zip(verification.version.as_deref())?;
        lifecycle.objects_to_version(skill_id, version)
    };
    let objection = lifecycle.objects_to_key(publisher, key, purpose, now).or_else(of_version);
    if let Some(objection) = objection {
        verification.refuse(finding(&objection));
    }
}

/// What a person can do about an artifact that is refused for its key alone: lines of text. Empty where more stands in the
/// way, for nobody should come to trust what is broken. The commands in it work on the trust store of `home`.
#[must_use]
pub fn advice(about: &Verification<'_>, home: &Home) -> Vec<String> {
    // Whom something else keeps from being trusted, nobody is told how to trust.
    if about.findings.iter().any(|finding| [&update::REVOKED_KEY, &update::RETIRED_KEY].contains(&finding.rule)) {
        return Vec::new();
    }
    let errors = about.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let (Some(publisher), Some(key), 0..=1) = (&about.publisher, &about.public_key, errors) else { return Vec::new() };
    let store = home.store_argument();
    let mut lines: Vec<String> = match about.error_kind {
        Some(ErrorKind::UntrustedPublisher) => {
            vec![
                "Ask the publisher for the public key, by another way than this file came. If it is the same:"
                    .to_owned(),
            ]
        }
        Some(ErrorKind::TrustedPublisherKeyMismatch | ErrorKind::TofuKeyMismatch) => vec![
            format!(
                "If the publisher changed keys, take the statement that the old key signed: `skillyard trust rotate STATEMENT{store}`."
            ),
            format!("How it was decided: `skillyard trust show {publisher}={key}{store}`."),
            "Once the publisher confirmed the new key, by another way than this file came:".to_owned(),
        ],
        _ => return Vec::new(),
    };
    lines.push(format!("  skillyard trust allow {publisher}={key}{store}"));
    lines
}

/// An objection as a finding.
pub(crate) fn finding(objection: &Objection) -> Finding {
    let rule = match objection {
        Objection::Revoked { .. } => &update::REVOKED_KEY,
        Objection::Retired { .. } | Objection::Expired { .. } => &update::RETIRED_KEY,
        Objection::BelowFloor { .. } => &update::BELOW_FLOOR,
    };
    Finding::new(rule, objection.to_string())
}

/// What verifying gave.
#[derive(Debug)]
pub struct Verified<'b> {
    /// The verdict and all that is known.
    pub verification: Verification<'b>,
    /// What became of the wish to pin.
    pub pin: Pin,
    /// The audit, where the wish to pin asked for one.
    pub audit: Option<Report>,
}

/// Verifies the bytes of an artifact, for a daemon of the version `palyra`. `now_unix_ms` is the time that a report
/// bears.
///
/// # Errors
/// If the trust store cannot be read or written, or `progress` ended it.
pub fn verify<'b>(
    bytes: &'b [u8],
    home: &Home,
    options: &TrustOptions,
    palyra: Version,
    now_unix_ms: u64,
    progress: &dyn Progress,
) -> Result<Verified<'b>, FlowError> {
    let trust = Trust::load(home, options)?;
    let opened = open(bytes, palyra, progress)?;
    let audit = match options.pin {
        true => report(&opened, &trust.store, options.wants_tofu(), &Policy::default(), now_unix_ms, None, progress)?,
        false => None,
    };
    let mut verification = opened.decide(&trust.store, options.wants_tofu());
    trust.judge(&mut verification, Purpose::Take, now_unix_ms);
    let passed = audit.as_ref().is_some_and(Report::passed);
    let pin = pin(&trust, options, &verification, passed, progress)?;
    Ok(Verified { verification, pin, audit })
}

impl TrustOptions {
    /// Whether an unknown publisher may be trusted: who wants to pin one wants that.
    #[must_use]
    pub fn wants_tofu(&self) -> bool {
        self.allow_tofu || self.pin
    }
}

/// Pins, where it is wished and everything has held, `audit_passed` included.
pub(crate) fn pin(
    trust: &Trust,
    options: &TrustOptions,
    verification: &Verification<'_>,
    audit_passed: bool,
    progress: &dyn Progress,
) -> Result<Pin, FlowError> {
    let Some(artifact) = &verification.artifact else { return Ok(Pin::None) };
    if !options.pin || artifact.trust_decision() != TrustDecision::TofuNewlyPinned {
        return Ok(Pin::None);
    }
    if !audit_passed {
        return Ok(Pin::AuditFailed);
    }
    // The last moment to end it.
    progress.at("pinning", 0, 1)?;
    trust.file.pin(artifact.publisher(), artifact.key())?;
    Ok(Pin::Pinned)
}

/// What a daemon alone would decide about the publisher of an opened artifact; `None` where it refuses before.
pub(crate) fn daemon_decision(opened: &Opened<'_>, store: &TrustStore, allow_tofu: bool) -> Option<TrustDecision> {
    match (&opened.refusal, opened.publisher(), opened.key()) {
        (None, Some(publisher), Some(key)) => store.decide(publisher, key, allow_tofu).ok(),
        _ => None,
    }
}
