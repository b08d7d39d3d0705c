//! Where everything is, and that none of it is inside a workspace.

use std::{
    ffi::OsString,
    fmt, fs, io,
    path::{Component, Path, PathBuf},
};

use crate::shown::Shown;

/// The environment variable that names the trust store, where no argument does.
pub const TRUST_STORE_VARIABLE: &str = "PALYRA_SKILLS_TRUST_STORE";

/// The folders of a person on this system that the rest lies in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BaseFolders {
    /// State. Linux: `$XDG_STATE_HOME`, or `~/.local/state`. macOS: `~/Library/Application Support`. Windows:
    /// `%LOCALAPPDATA%`.
    pub state: PathBuf,
    /// Data that is not to be lost. Linux: `$XDG_DATA_HOME`, or `~/.local/share`. Elsewhere the same as `state`.
    pub data: PathBuf,
    /// What can be made again. Linux: `$XDG_CACHE_HOME`, or `~/.cache`. macOS: `~/Library/Caches`. Windows:
    /// `%LOCALAPPDATA%`.
    pub cache: PathBuf,
}

impl BaseFolders {
    /// Those of the person who runs this process.
    ///
    /// # Errors
    /// [`PathError::NoHome`].
    pub fn of_system() -> Result<Self, PathError> {
        let folders = directories::BaseDirs::new().ok_or(PathError::NoHome)?;
        let data = folders.data_local_dir().to_owned();
        let cache = folders.cache_dir().to_owned();
        Ok(Self { state: folders.state_dir().map_or_else(|| data.clone(), Path::to_owned), data, cache })
    }

    /// One folder for everything.
    #[must_use]
    pub fn all_in(folder: &Path) -> Self {
        Self { state: folder.to_owned(), data: folder.to_owned(), cache: folder.to_owned() }
    }
}

/// What a person asked for in place of the usual paths.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Overrides {
    /// `--trust-store`.
    pub trust_store: Option<PathBuf>,
    /// The value of [`TRUST_STORE_VARIABLE`]; an empty one counts for nothing.
    pub trust_store_variable: Option<OsString>,
    /// `--skills-dir`.
    pub skills: Option<PathBuf>,
    /// Another folder for signing keys.
    pub keys: Option<PathBuf>,
    /// Another folder for the seals of trust stores.
    pub seals: Option<PathBuf>,
}

/// Where things are kept. All absolute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paths {
    /// The trust store, a file.
    pub trust_store: PathBuf,
    /// The root of installed skills.
    pub skills: PathBuf,
    /// The folder of the trust stores' seals. Never the trust store's own folder: who can write one cannot, by that,
    /// write the other.
    pub seals: PathBuf,
    /// The folder of signing keys.
    pub keys: PathBuf,
    /// The folder of secrets for tools.
    pub secrets: PathBuf,
    /// The folder of compiled modules.
    pub compiled: PathBuf,
    /// The file with the secret that compiled modules are sealed with. Never in their own folder: who can write one
    /// cannot, by that, read the other.
    pub compiled_key: PathBuf,
    /// The folder of the last inputs of tools.
    pub inputs: PathBuf,
    /// The folder below which each skill has the folders that its tools may read and write.
    pub storage: PathBuf,
    /// The person's own policies, a file.
    pub policy: PathBuf,
}

impl Paths {
    /// The usual paths below `base`, with what `overrides` says in their place: an argument before a variable.
    ///
    /// # Errors
    /// [`PathError::Unusable`] for an empty override, [`PathError::SealBesideStore`].
    pub fn new(base: &BaseFolders, overrides: Overrides) -> Result<Self, PathError> {
        let absolute = |path: PathBuf| {
            std::path::absolute(&path).map_err(|cause| PathError::Unusable { path, reason: cause.to_string() })
        };
        let variable = overrides.trust_store_variable.filter(|value| !value.is_empty()).map(PathBuf::from);
        let trust_store = overrides
            .trust_store
            .or(variable)
            .unwrap_or_else(|| base.state.join("palyra").join("skills").join("trust-store.json"));
        let skills = overrides.skills.unwrap_or_else(|| base.state.join("palyra").join("skills"));
        let seals = overrides.seals.unwrap_or_else(|| base.state.join("skillyard").join("seals"));
        let keys = overrides.keys.unwrap_or_else(|| base.data.join("skillyard").join("keys"));
        let paths = Self {
            trust_store: absolute(trust_store)?,
            skills: absolute(skills)?,
            seals: absolute(seals)?,
            keys: absolute(keys)?,
            secrets: absolute(base.data.join("skillyard").join("secrets"))?,
            compiled: absolute(base.cache.join("skillyard").join("compiled"))?,
            compiled_key: absolute(base.state.join("skillyard").join("compiled.key"))?,
            inputs: absolute(base.state.join("skillyard").join("inputs"))?,
            storage: absolute(base.data.join("skillyard").join("storage"))?,
            policy: absolute(base.data.join("skillyard").join("policy.cedar"))?,
        };
        if paths.trust_store.parent() == Some(&paths.seals) {
            return Err(PathError::SealBesideStore { store: paths.trust_store, seals: paths.seals });
        }
        Ok(paths)
    }

    /// Refuses where any of the paths lies inside one of the open `workspaces`, whose files are others'.
    ///
    /// # Errors
    /// [`PathError::InsideWorkspace`], and what [`refuse_inside`] says.
    pub fn refuse_inside(&self, workspaces: &[&Path]) -> Result<(), PathError> {
        let all = [
            &self.trust_store,
            &self.skills,
            &self.seals,
            &self.keys,
            &self.secrets,
            &self.compiled,
            &self.compiled_key,
            &self.inputs,
            &self.policy,
        ];
        for path in all {
            for workspace in workspaces {
                refuse_inside(path, workspace)?;
            }
        }
        Ok(())
    }
}

/// Refuses a `path` that is `workspace` or lies below it, as written or with links followed. Neither need exist.
///
/// # Errors
/// [`PathError::InsideWorkspace`]; [`PathError::Unusable`] where links cannot be followed to an end.
pub fn refuse_inside(path: &Path, workspace: &Path) -> Result<(), PathError> {
    let inside = || PathError::InsideWorkspace { path: path.to_owned(), workspace: workspace.to_owned() };
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .map_err(|cause| PathError::Unusable { path: path.to_owned(), reason: cause.to_string() })
    };
    if absolute(path)?.starts_with(absolute(workspace)?) || resolve(path)?.starts_with(resolve(workspace)?) {
        return Err(inside());
    }
    Ok(())
}

/// `path` absolute and with every link followed, though its last parts may not exist yet.
///
/// # Errors
/// [`PathError::Unusable`]: a link that leads nowhere, `..` below what does not exist, a folder that may not be read.
pub fn resolve(path: &Path) -> Result<PathBuf, PathError> {
    let unusable = |reason: String| PathError::Unusable { path: path.to_owned(), reason };
    let absolute = std::path::absolute(path).map_err(|cause| unusable(cause.to_string()))?;
    let mut missing: Vec<OsString> = Vec::new();
    let mut existing = absolute.as_path();
    loop {
        match fs::symlink_metadata(existing) {
            Ok(_) => break,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(unusable(cause.to_string())),
        }
        match (existing.components().next_back(), existing.parent()) {
            (Some(Component::Normal(name)), Some(parent)) => {
                missing.push(name.to_owned());
                existing = parent;
            }
            (Some(Component::ParentDir), _) => {
                return Err(unusable("it goes up (`..`) out of a folder that does not exist".to_owned()));
            }
            _ => return Err(unusable("no part of it exists".to_owned())),
        }
    }
    let mut resolved = fs::canonicalize(existing).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => unusable(format!("the link {} leads nowhere", Shown(existing))),
        _ => unusable(cause.to_string()),
    })?;
    resolved.extend(missing.into_iter().rev());
    Ok(resolved)
}

/// Why a path is not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PathError {
    /// The system knows no home folder for this person.
    NoHome,
    /// It cannot be made absolute, or its links cannot be followed.
    Unusable {
        /// The path as given.
        path: PathBuf,
        /// What is the matter with it.
        reason: String,
    },
    /// It lies in a folder whose files are others'.
    InsideWorkspace {
        /// The path as given.
        path: PathBuf,
        /// The workspace.
        workspace: PathBuf,
    },
    /// The trust store lies in the folder of the seals.
    SealBesideStore {
        /// The trust store.
        store: PathBuf,
        /// The folder of the seals.
        seals: PathBuf,
    },
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHome => {
                f.write_str("this system knows no home folder for you: set HOME, or name the paths yourself")
            }
            Self::Unusable { path, reason } => write!(f, "{}: {reason}", Shown(path)),
            Self::InsideWorkspace { path, workspace } => write!(
                f,
                "{} lies inside the workspace {}, whose files others may have written: nothing that is to be \
                 relied on is kept there. Name a path outside of it",
                Shown(path),
                Shown(workspace)
            ),
            Self::SealBesideStore { store, seals } => write!(
                f,
                "the trust store {} lies in {}, the folder of the seals that guard it: name another folder for one",
                Shown(store),
                Shown(seals)
            ),
        }
    }
}

impl std::error::Error for PathError {}
