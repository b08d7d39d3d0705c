//! Why a daemon refuses an artifact.

use std::fmt;

use serde::Serialize;
use skillyard_manifest::rules::Rule;

/// Why a daemon refuses: the stable names that its reports use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[expect(missing_docs, reason = "the names are the daemon's own")]
pub enum ErrorKind {
    ManifestParse,
    ManifestValidation,
    ArtifactTooLarge,
    ArtifactTooManyEntries,
    ArtifactEntryTooLarge,
    MissingArtifactEntry,
    DuplicateArtifactEntry,
    InvalidArtifactPath,
    InvalidSbom,
    InvalidProvenance,
    PayloadHashMismatch,
    SignatureVerificationFailed,
    InvalidSigningKeyLength,
    UntrustedPublisher,
    TrustedPublisherKeyMismatch,
    TofuKeyMismatch,
    UnsupportedProtocolMajor,
    UnsupportedRuntimeVersion,
    RuntimeVersionAboveSupportedMaximum,
    Io,
    Zip,
    Serialization,
}

impl ErrorKind {
    /// The kind that says best why Skillyard refuses what a daemon takes, by the rule that is broken.
    #[must_use]
    pub fn nearest(rule: &Rule) -> Self {
        match rule.code.split_once('/').unwrap_or_default() {
            (_, "duplicate-name" | "duplicate") => Self::DuplicateArtifactEntry,
            ("archive", "too-large") => Self::ArtifactTooLarge,
            ("archive", "too-many-entries" | "directory-too-large") => Self::ArtifactTooManyEntries,
            ("archive", "entry-too-large") => Self::ArtifactEntryTooLarge,
            ("archive", _) => Self::Zip,
            ("path", _) => Self::InvalidArtifactPath,
            ("signature", "positional" | "not-canonical" | "impossible-time") => Self::Serialization,
            ("signature", _) => Self::SignatureVerificationFailed,
            ("content", "repeated-key") => Self::Serialization,
            ("trust", _) | ("update", "revoked-key" | "retired-key") => Self::UntrustedPublisher,
            _ => Self::ManifestValidation,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl From<skillyard_manifest::ErrorKind> for ErrorKind {
    fn from(kind: skillyard_manifest::ErrorKind) -> Self {
        use skillyard_manifest::ErrorKind as Manifest;
        match kind {
            Manifest::ManifestParse => Self::ManifestParse,
            Manifest::ManifestValidation => Self::ManifestValidation,
            Manifest::InvalidArtifactPath => Self::InvalidArtifactPath,
            Manifest::UnsupportedProtocolMajor => Self::UnsupportedProtocolMajor,
            Manifest::UnsupportedRuntimeVersion => Self::UnsupportedRuntimeVersion,
            Manifest::RuntimeVersionAboveSupportedMaximum => Self::RuntimeVersionAboveSupportedMaximum,
        }
    }
}
