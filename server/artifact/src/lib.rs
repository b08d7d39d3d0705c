//! The `.palyra-skill` artifact: bytes in, reports out. No files, no network, no clock, no environment.
//!
//! An artifact is read in steps, each a type that only the step before gives:
//! `Container` (the raw archive, walked strictly) → `Entries` (names, sizes,
//! hashes) → `SignedArtifact` (the publisher's signature holds) →
//! `VerifiedArtifact` (and the publisher's key is trusted). What needs verified bytes takes
//! the last.
//!
//! Two verdicts stand side by side everywhere: what a daemon alone would say, and what Skillyard says, which is never
//! more lenient.

pub mod audit;
pub mod container;
mod deflate;
pub mod entries;
mod error_kind;
mod finding;
pub mod integrity;
mod json;
pub mod keys;
pub mod limits;
mod manifest;
pub mod module;
pub mod package;
pub mod path;
mod progress;
pub mod provenance;
pub mod rules;
pub mod sbom;
pub mod signature;
pub mod timestamp;
pub mod trust;
pub mod update;
pub mod verify;

pub use error_kind::ErrorKind;
pub use finding::{Finding, ManifestPlace};
pub use progress::{Cancelled, Progress};
