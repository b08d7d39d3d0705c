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

/// Why the text is no trust store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustStoreError(String);

impl fmt::Display for TrustStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TrustStoreError {}

pub(crate) fn parse(bytes: &[u8]) -> Result<TrustStore, TrustStoreError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(TrustStore::default());
    }
    let file: File = serde_json::from_slice(bytes).map_err(|error| TrustStoreError(error.to_string()))?;
    let key = |text: &String| {
        text.parse()
            .ok()
            .and_then(|digest| match digest {
                crate::seal::StoreDigest::Sha256(bytes) => Some(PublicKey(bytes)),
                crate::seal::StoreDigest::Missing => None,
            })
            .ok_or_else(|| TrustStoreError("not a key".to_owned()))
    };
    Ok(TrustStore {
        trusted: file
            .trusted_publishers
            .iter()
            .map(|(name, keys)| Ok((name.clone(), keys.iter().map(key).collect::<Result<_, _>>()?)))
            .collect::<Result<_, TrustStoreError>>()?,
        tofu: file
            .tofu_publishers
            .iter()
            .map(|(name, text)| Ok((name.clone(), key(text)?)))
            .collect::<Result<_, TrustStoreError>>()?,
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
