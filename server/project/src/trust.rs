//! The trust store in a person's hands: looked at, added to, taken from.

use std::path::PathBuf;

use skillyard_artifact::{
    Finding,
    trust::{PublicKey, TrustError, look_alike},
};

use crate::{home::Home, verify::FlowError};

pub use skillyard_store::{
    StoreDigest,
    trust_store::{SealState, SealWith},
};

/// What the trust store says.
#[derive(Debug)]
pub struct Listing {
    /// The file.
    pub path: PathBuf,
    /// How it is guarded.
    pub seal: SealState,
    /// The file's digest.
    pub digest: StoreDigest,
    /// Publishers and the keys that a person listed, sorted.
    pub trusted: Vec<(String, Vec<PublicKey>)>,
    /// Publishers and the key that was pinned at first use, sorted.
    pub pinned: Vec<(String, PublicKey)>,
    /// Keys in it that prove nothing.
    pub faults: Vec<Finding>,
}

/// Reads the trust store.
///
/// # Errors
/// If it cannot be read.
pub fn list(home: &Home) -> Result<Listing, FlowError> {
    let file = home.trust_store()?;
    let loaded = file.load()?;
    let store = loaded.store;
    Ok(Listing {
        path: file.path().to_owned(),
        seal: loaded.seal,
        digest: loaded.digest,
        faults: store.faults(),
        trusted: store.trusted.into_iter().map(|(name, keys)| (name, keys.into_iter().collect())).collect(),
        pinned: store.tofu.into_iter().collect(),
    })
}

/// A change of the trust store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// Whether anything was written; not where it was so already.
    pub written: bool,
    /// The file.
    pub path: PathBuf,
    /// A publisher that is known and whose name could be taken for the one concerned.
    pub looks_like: Option<String>,
}

/// Lists `key` as one of `publisher`.
///
/// # Errors
/// If it is no good key or publisher, or the store cannot be written.
pub fn allow(home: &Home, publisher: &str, key: PublicKey) -> Result<Changed, FlowError> {
    let file = home.trust_store()?;
    let updated = file.update(|store| {
        let alike = look_alike(store, publisher).map(|alike| alike.known.to_owned());
        store.allow(publisher, key).map(|_| alike)
    })?;
    Ok(Changed { written: updated.written, path: file.path().to_owned(), looks_like: updated.value })
}

/// Pins `key` as that of `publisher`, as first use does.
///
/// # Errors
/// If the publisher has another key, it is no good key or publisher, or the store cannot be written.
pub fn pin(home: &Home, publisher: &str, key: PublicKey) -> Result<Changed, FlowError> {
    let file = home.trust_store()?;
    let updated = file.update(|store| {
        let alike = look_alike(store, publisher).map(|alike| alike.known.to_owned());
        store.pin(publisher, key).map(|()| alike)
    })?;
    Ok(Changed { written: updated.written, path: file.path().to_owned(), looks_like: updated.value })
}

/// Removes one key of `publisher`, or all. Says whether any was there.
///
/// # Errors
/// If the store cannot be written.
pub fn remove(home: &Home, publisher: &str, key: Option<PublicKey>) -> Result<Changed, FlowError> {
    let file = home.trust_store()?;
    let updated = file.update(|store| Ok::<bool, TrustError>(store.remove(publisher, key)))?;
    Ok(Changed { written: updated.written, path: file.path().to_owned(), looks_like: None })
}

/// Takes the store as it is, though something else than Skillyard changed it. `found` is the digest of what the person
/// looked at.
///
/// # Errors
/// If it is another by now, or no trust store.
pub fn accept(home: &Home, found: StoreDigest, with: SealWith) -> Result<SealState, FlowError> {
    Ok(home.trust_store()?.accept(found, with)?)
}
