//! What is kept under the seal of the installed skills: what index, log and states are, and what is under way.
//!
//! An operation that changes anything is written down here whole before its first step. From then on it happens: whoever
//! comes after a crash goes through the same steps again, each of which sees whether it was taken. Only where the folder
//! that was to be placed is lost, and the index is still the one before, everything is brought back to what it was.

use serde::{Deserialize, Serialize};
use skillyard_artifact::integrity::sha256;

use super::index::Entry;
use crate::{events::Head, seal::StoreDigest, states::State};

/// How many of the things that were put right after crashes are remembered.
const REMEMBERED: usize = 20;

/// The digest of an index: BLAKE3 in hex, or `missing`.
pub(super) fn index_digest(index: Option<&[u8]>) -> String {
    index.map_or_else(|| "missing".to_owned(), |bytes| digest_of_parts(&[bytes]))
}

/// That of an index in parts.
pub(super) fn digest_of_parts(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_hex().to_string()
}

/// Something that a crash had left and that was put right.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovered {
    /// When, in milliseconds since 1970.
    pub at_unix_ms: i64,
    /// What was done.
    pub what: String,
}

/// A folder that an artifact is being unpacked to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stage {
    pub skill_id: String,
    pub version: String,
}

/// An operation that was begun and is to be finished.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pending {
    /// In words, for `doctor`.
    pub what: String,
    pub skill_id: String,
    /// The version whose staged folder moves into place.
    pub placed: Option<String>,
    /// The versions whose folders go.
    pub dropped: Vec<String>,
    /// All entries of the skill as they are to be; nothing where the index stays.
    pub entries: Option<Vec<Entry>>,
    pub updated_at_unix_ms: i64,
    pub index_after: String,
    /// The lines that the log gets.
    pub lines: String,
    pub log_after: Head,
    pub states: Vec<State>,
    /// Versions whose rows go where they are active.
    pub forgotten: Vec<(String, String)>,
    pub states_after: String,
}

/// All of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    pub schema_version: u32,
    /// The digest of the index, and the one before: after a power cut the file may be that again.
    pub index: String,
    pub previous_index: Option<String>,
    /// When the index was written, as it stands in it.
    pub updated_at_unix_ms: i64,
    pub log: Head,
    /// The digest of the blocked versions.
    pub states: String,
    pub stage: Option<Stage>,
    pub pending: Option<Box<Pending>>,
    pub recovered: Vec<Recovered>,
}

impl Ledger {
    /// The digest by which a person names this very content.
    pub fn digest(&self) -> StoreDigest {
        content_digest(&self.index, self.log.bytes, &self.log.sha256, &self.states)
    }

    pub fn remember(&mut self, at_unix_ms: i64, what: String) {
        self.recovered.push(Recovered { at_unix_ms, what });
        let over = self.recovered.len().saturating_sub(REMEMBERED);
        self.recovered.drain(..over);
    }
}

/// The digest by which a person names what is there.
pub(super) fn content_digest(index: &str, log_bytes: u64, log_sha256: &str, states: &str) -> StoreDigest {
    StoreDigest::Sha256(sha256(
        format!("skillyard installed 1\n{index}\n{log_bytes}\n{log_sha256}\n{states}\n").as_bytes(),
    ))
}
