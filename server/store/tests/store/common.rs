use std::{path::PathBuf, sync::Arc, time::Duration};

use keyring_core::{api::CredentialStoreApi as _, mock};
use skillyard_artifact::{
    keys::{SigningKey, Source},
    trust::PublicKey,
};
use skillyard_store::{
    credentials::{Credentials, SystemCredentials},
    trust_store::TrustStoreFile,
};
use tempfile::TempDir;

/// A person's folders.
pub struct Home {
    folder: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn store_path(&self) -> PathBuf {
        self.path("state/palyra/skills/trust-store.json")
    }

    pub fn seals(&self) -> PathBuf {
        self.path("state/skillyard/seals")
    }

    /// The store, sealed with a secret file.
    pub fn store(&self) -> TrustStoreFile {
        self.store_with(None)
    }

    pub fn store_with(&self, credentials: Option<Arc<dyn Credentials>>) -> TrustStoreFile {
        TrustStoreFile::new(&self.store_path(), &self.seals(), credentials).unwrap()
    }
}

/// The real code over `keyring-core`'s mock.
pub fn mock_credentials() -> (Arc<mock::Store>, Arc<dyn Credentials>) {
    let store = mock::Store::new().unwrap();
    (store.clone(), over(store))
}

/// Another process' view of the same mock.
pub fn over(store: Arc<mock::Store>) -> Arc<dyn Credentials> {
    let open = move |name: &str| Ok(keyring::Entry { inner: store.build("skillyard", name, None)? });
    Arc::new(SystemCredentials::with(open, Duration::from_secs(10)))
}

/// A machine without a credential service.
pub fn no_credentials() -> Arc<dyn Credentials> {
    let open = |_: &str| Err(keyring::Error::NoStorageAccess("no bus".into()));
    Arc::new(SystemCredentials::with(open, Duration::from_secs(10)))
}

/// The public half of the key of 32 bytes `n`.
pub fn key(n: u8) -> PublicKey {
    SigningKey::parse(format!("{n:02x}").repeat(32).as_bytes(), Source::Text, None).unwrap().public()
}
