//! Why a daemon refuses an artifact.

use std::fmt;

use serde::Serialize;

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
