//! Until the artifact crate reads trust stores: the same names, here.

use std::fmt;

use serde::{Deserialize, Serialize};
use skillyard_artifact::trust::{PublicKey, TrustStore};

#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    trusted_publishers: std::collections::BTreeMap<String, Vec<String>>,
    tofu_publishers: std::collections::BTreeMap<String, String>,
}

/// Why a store does not read, or a key is not trusted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrustError {
    /// The text is not a store.
    NotAStore(String),
    /// The publisher is listed with other keys.
    NotListed {
        /// The publisher.
        publisher: String,
        /// The key that signed.
        key: PublicKey,
        /// The keys that are listed.
        listed: Vec<PublicKey>,
    },
    /// The publisher is pinned with another key.
    OtherPinned {
        /// The publisher.
        publisher: String,
        /// The key that signed.
        key: PublicKey,
        /// The key that is pinned.
        pinned: PublicKey,
    },
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAStore(what) => f.write_str(what),
            Self::NotListed { publisher, .. } | Self::OtherPinned { publisher, .. } => {
                write!(f, "{publisher} has another key")
            }
        }
    }
}

impl std::error::Error for TrustError {}

pub(crate) fn parse(text: &str) -> Result<TrustStore, TrustError> {
    if text.trim().is_empty() {
        return Ok(TrustStore::default());
    }
    let file: File = serde_json::from_str(text).map_err(|error| TrustError::NotAStore(error.to_string()))?;
    let key = |text: &String| match text.parse() {
        Ok(crate::seal::StoreDigest::Sha256(bytes)) => Ok(PublicKey(bytes)),
        _ => Err(TrustError::NotAStore("not a key".to_owned())),
    };
    Ok(TrustStore {
        trusted: file
            .trusted_publishers
            .iter()
            .map(|(name, keys)| Ok((name.clone(), keys.iter().map(key).collect::<Result<_, _>>()?)))
            .collect::<Result<_, TrustError>>()?,
        tofu: file
            .tofu_publishers
            .iter()
            .map(|(name, text)| Ok((name.clone(), key(text)?)))
            .collect::<Result<_, TrustError>>()?,
    })
}

pub(crate) fn to_json(store: &TrustStore) -> String {
    let file = File {
        trusted_publishers: store
            .trusted
            .iter()
            .map(|(name, keys)| (name.clone(), keys.iter().map(ToString::to_string).collect()))
            .collect(),
        tofu_publishers: store.tofu.iter().map(|(name, key)| (name.clone(), key.to_string())).collect(),
    };
    serde_json::to_string_pretty(&file).unwrap_or_default()
}

pub(crate) fn pin(store: &mut TrustStore, publisher: &str, key: PublicKey) -> Result<(), TrustError> {
    let publisher = publisher.to_owned();
    if let Some(listed) = store.trusted.get(&publisher) {
        let listed: Vec<PublicKey> = listed.iter().copied().collect();
        return if listed.contains(&key) { Ok(()) } else { Err(TrustError::NotListed { publisher, key, listed }) };
    }
    match store.tofu.get(&publisher) {
        Some(pinned) if *pinned == key => Ok(()),
        Some(&pinned) => Err(TrustError::OtherPinned { publisher, key, pinned }),
        None => {
            store.tofu.insert(publisher, key);
            Ok(())
        }
    }
}
