//! Where a person's own things are: the trust store, installed skills, their seals, signing keys, secrets, compiled
//! modules, last inputs.

use std::{ffi::OsString, fmt, path::PathBuf, sync::Arc};

use skillyard_manifest::show;
use skillyard_store::{
    compiled::{CacheError, CompiledCache, DEFAULT_LIMIT_BYTES},
    credentials::{Credentials, SystemCredentials},
    inputs::LastInputs,
    installed::{INDEX, InstalledSkills, LOG},
    keys::KeyFolder,
    lifecycle::{self, LifecycleFile},
    paths::{BaseFolders, Overrides, Paths, TRUST_STORE_VARIABLE},
    secrets::SecretStore,
    trust_store::TrustStoreFile,
};

pub use skillyard_store::paths::PathError;

/// Set to anything, it keeps the system's credential store out of everything: seals, keys and secrets are kept in files.
pub const NO_CREDENTIAL_STORE_VARIABLE: &str = "SKILLYARD_NO_CREDENTIAL_STORE";

/// Names a folder that everything is kept below, in place of the system's usual ones.
pub const HOME_VARIABLE: &str = "SKILLYARD_HOME";

/// A person's own things on this machine.
#[derive(Clone)]
pub struct Home {
    paths: Paths,
    credentials: Option<Arc<dyn Credentials>>,
    /// The trust store that an argument named, as it was given.
    named_store: Option<PathBuf>,
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").field("paths", &self.paths).finish_non_exhaustive()
    }
}

impl Home {
    /// That of the person who runs this process. `trust_store` is the one that an argument names; `lookup` gives the
    /// values of environment variables. Nothing is read or made yet.
    ///
    /// # Errors
    /// If the system knows no home folder, or a path cannot be used.
    pub fn of_system(
        trust_store: Option<PathBuf>,
        lookup: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, PathError> {
        let named_store = trust_store.clone();
        let overrides =
            Overrides { trust_store, trust_store_variable: lookup(TRUST_STORE_VARIABLE), ..Overrides::default() };
        let credentials: Option<Arc<dyn Credentials>> = match lookup(NO_CREDENTIAL_STORE_VARIABLE) {
            Some(value) if !value.is_empty() => None,
            _ => Some(Arc::new(SystemCredentials::new())),
        };
        let base = match lookup(HOME_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from) {
            Some(home) => BaseFolders::all_in(&home),
            None => BaseFolders::of_system()?,
        };
        Ok(Self { named_store, ..Self::new(Paths::new(&base, overrides)?, credentials) })
    }

    /// At the given places.
    #[must_use]
    pub fn new(paths: Paths, credentials: Option<Arc<dyn Credentials>>) -> Self {
        Self { paths, credentials, named_store: None }
    }

    /// The same with the installed skills at `folder`, where one is given.
    ///
    /// # Errors
    /// If it cannot be made absolute.
    pub fn with_skills_in(mut self, folder: Option<PathBuf>) -> Result<Self, PathError> {
        if let Some(folder) = folder {
            self.paths.skills = std::path::absolute(&folder)
                .map_err(|cause| PathError::Unusable { path: folder, reason: cause.to_string() })?;
        }
        Ok(self)
    }

    /// What a command needs that is to change the same trust store, with a space in front: nothing for the usual one.
    pub(crate) fn store_argument(&self) -> String {
        let argument = |path: &PathBuf| format!(" --trust-store {}", show::shell_word(&path.to_string_lossy()));
        self.named_store.as_ref().map(argument).unwrap_or_default()
    }

    /// The places.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The trust store.
    ///
    /// # Errors
    /// If its folders cannot be followed to an end.
    pub fn trust_store(&self) -> Result<TrustStoreFile, PathError> {
        TrustStoreFile::new(&self.paths.trust_store, &self.paths.seals, self.credentials.clone())
    }

    /// The installed skills.
    ///
    /// # Errors
    /// If their folders cannot be followed to an end.
    pub fn installed(&self) -> Result<InstalledSkills, PathError> {
        InstalledSkills::new(&self.paths.skills, &self.paths.seals, self.credentials.clone())
    }

    /// What is known of the life of publishers' keys, beside the trust store.
    ///
    /// # Errors
    /// If its folders cannot be followed to an end.
    pub fn lifecycle(&self) -> Result<LifecycleFile, PathError> {
        LifecycleFile::new(&lifecycle::beside(&self.paths.trust_store), &self.paths.seals, self.credentials.clone())
    }

    /// The files that say what is trusted and what is installed: one of them changes with each word that a person, or
    /// another program, says about it.
    #[must_use]
    pub fn records(&self) -> [PathBuf; 4] {
        let Paths { trust_store, skills, .. } = &self.paths;
        [trust_store.clone(), lifecycle::beside(trust_store), skills.join(INDEX), skills.join(LOG)]
    }

    /// The signing keys.
    #[must_use]
    pub fn keys(&self) -> KeyFolder {
        KeyFolder::new(&self.paths.keys, self.credentials.clone())
    }

    /// The secrets for tools.
    #[must_use]
    pub fn secrets(&self) -> SecretStore {
        SecretStore::new(&self.paths.secrets, self.credentials.clone())
    }

    /// The cache of compiled modules.
    ///
    /// # Errors
    /// If others could choose what is in it. A run goes on without it.
    pub fn compiled(&self) -> Result<CompiledCache, CacheError> {
        CompiledCache::open(&self.paths.compiled, &self.paths.compiled_key, DEFAULT_LIMIT_BYTES)
    }

    /// The last inputs of tools.
    #[must_use]
    pub fn inputs(&self) -> LastInputs {
        LastInputs::new(&self.paths.inputs)
    }
}
