//! Whom a person trusts: the trust store as a value, and the decision. No files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

/// The 32 bytes of an Ed25519 public key. Any 32 bytes: whether it is a good key is asked elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// `ed25519:` and the first 8 bytes of the key's SHA-256 in hex.
    #[must_use]
    pub fn id(&self) -> String {
        let hash = crate::integrity::sha256(&self.0);
        format!("ed25519:{}", crate::integrity::hex(hash.get(..8).unwrap_or_default()))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::integrity::hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// Why a publisher's key is trusted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustDecision {
    /// A person listed it.
    Allowlisted,
    /// It is the one that was pinned at first use.
    TofuPinned,
    /// First use: to be pinned, once everything else has held.
    TofuNewlyPinned,
}

/// The content of a trust store.
///
/// Publishers are trimmed identifiers. Nothing here knows where it is kept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrustStore {
    /// The keys that a person listed, by publisher; never an empty set.
    pub trusted: BTreeMap<String, BTreeSet<PublicKey>>,
    /// The key that was pinned at first use, by publisher.
    pub tofu: BTreeMap<String, PublicKey>,
}
