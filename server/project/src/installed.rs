//! What is installed: listed, shown, removed, and gone back to an older version.

use std::path::PathBuf;

use serde::Serialize;
use skillyard_artifact::{Progress, verify::open};
use skillyard_manifest::{Options, quoted};
use skillyard_store::{installed::InstalledSkills, trust_store::SealWith};

use crate::{
    capabilities::{self, Capabilities},
    home::Home,
    standing::{self, Refused},
    trust::StoreDigest,
};

pub use skillyard_store::{
    installed::{Entry, Examined, InstalledError, MissingSecret, Recovered, Source, Verdict},
    states::{State, Status},
};

/// Why a flow over the installed skills did not do its work.
pub type FlowError = Refused;

/// One version, as it is listed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Listed {
    /// What the index says.
    #[serde(flatten)]
    pub entry: Entry,
    /// What an administrator said.
    pub status: Status,
    /// Why, where it may not be run.
    pub reason: Option<String>,
}

/// Everything that is installed.
#[derive(Clone, PartialEq, Debug)]
pub struct Listing {
    /// The root.
    pub root: PathBuf,
    /// The versions, sorted by skill and version.
    pub versions: Vec<Listed>,
    /// Versions that may not be run and are not installed.
    pub blocked: Vec<State>,
}

/// Lists what is installed; of `only`, where that is given.
///
/// # Errors
/// What of it is not what Skillyard wrote.
pub fn list(home: &Home) -> Result<Listing, FlowError> {
    let skills = home.installed()?;
    let snapshot = skills.read()?;
    let mut blocked = snapshot.blocked.0;
    let versions = snapshot.entries.into_iter().map(|entry| {
        let state = blocked.remove(&(entry.skill_id.clone(), entry.version.clone()));
        let status = state.as_ref().map_or(Status::Active, |state| state.status);
        Listed { entry, status, reason: state.and_then(|state| state.reason) }
    });
    let versions = versions.collect();
    Ok(Listing { root: skills.root().to_owned(), versions, blocked: blocked.into_values().collect() })
}

/// One installed version, with all that can be said about it.
#[derive(Clone, PartialEq, Debug)]
pub struct Info {
    /// What the index says.
    pub entry: Entry,
    /// Its folder.
    pub folder: PathBuf,
    /// The state, where anybody said anything about it.
    pub state: Option<State>,
    /// Why it does not run as it is on the disk, if so.
    pub changed: Option<String>,
    /// What it may do; `None` where its artifact is not as it was installed.
    pub capabilities: Option<Capabilities>,
    /// The other versions that are installed.
    pub others: Vec<String>,
}

/// Shows one version: `version`, or the current one.
///
/// # Errors
/// If it is not installed, or what is installed cannot be believed.
pub fn info(home: &Home, skill_id: &str, version: Option<&str>, progress: &dyn Progress) -> Result<Info, FlowError> {
    let skills = home.installed()?;
    let (entry, others) = find(&skills, skill_id, version)?;
    let (changed, capabilities) = match standing::whole(&skills, &entry, progress) {
        Ok(bytes) => (None, capabilities_of(&bytes, progress)?),
        Err(Refused::Cancelled) => return Err(Refused::Cancelled),
        Err(error) => (Some(error.to_string()), None),
    };
    let state = skills.state(skill_id, &entry.version)?;
    let folder = skills.folder(skill_id, &entry.version);
    Ok(Info { entry, folder, state, changed, capabilities, others })
}

/// An installed version, and the other versions of its skill.
pub(crate) fn find(
    skills: &InstalledSkills,
    skill_id: &str,
    version: Option<&str>,
) -> Result<(Entry, Vec<String>), FlowError> {
    let known = skills.known(skill_id, version.unwrap_or_default())?;
    let wanted = |entry: &&Entry| version.map_or(entry.current, |version| entry.version == version);
    let entry = known.entries.iter().find(wanted).cloned().ok_or_else(|| InstalledError::NotInstalled {
        skill_id: skill_id.to_owned(),
        version: version.map(str::to_owned),
    })?;
    let others = known.entries.iter().filter(|other| **other != entry).map(|other| other.version.clone()).collect();
    Ok((entry, others))
}

/// What an artifact that is installed may do.
pub(crate) fn capabilities_of(bytes: &[u8], progress: &dyn Progress) -> Result<Option<Capabilities>, FlowError> {
    let opened = open(bytes, Options::default().palyra_version, progress)?;
    match opened.manifest() {
        Some(manifest) => {
            let imports = capabilities::imports_of_artifact(&opened, progress)?;
            Ok(Some(Capabilities::of(manifest).with_imports(imports)))
        }
        None => Ok(None),
    }
}

/// Removes a version, or the only one; all of them where `all`.
///
/// # Errors
/// If it is not installed, or several are and none is named.
pub fn remove(
    home: &Home,
    skill_id: &str,
    which: Which<'_>,
    principal: &str,
    now_unix_ms: i64,
) -> Result<Vec<Entry>, RemoveError> {
    let flow = |error: InstalledError| RemoveError::Flow(error.into());
    let skills = home.installed().map_err(|error| RemoveError::Flow(error.into()))?;
    let version = match which {
        Which::All => None,
        Which::Version(version) => Some(version.to_owned()),
        Which::Only => {
            let known = skills.known(skill_id, "").map_err(flow)?;
            let versions: Vec<String> = known.entries.into_iter().map(|entry| entry.version).collect();
            if versions.len() > 1 {
                return Err(RemoveError::Several { skill_id: skill_id.to_owned(), versions });
            }
            // By its number: another one may come meanwhile.
            versions.into_iter().next()
        }
    };
    skills.remove(skill_id, version.as_deref(), principal, now_unix_ms).map_err(flow)
}

/// Which versions are removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which<'w> {
    /// The one that there is.
    Only,
    /// This one.
    Version(&'w str),
    /// All.
    All,
}

/// Why nothing was removed.
#[derive(Debug)]
pub enum RemoveError {
    /// It could not be done.
    Flow(FlowError),
    /// It is not clear which version is meant.
    Several {
        /// The skill.
        skill_id: String,
        /// The versions.
        versions: Vec<String>,
    },
}

impl std::fmt::Display for RemoveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flow(error) => error.fmt(f),
            Self::Several { skill_id, versions } => write!(
                f,
                "several versions of {} are installed ({}): name one by --version, or remove --all",
                quoted(skill_id),
                versions.join(", ")
            ),
        }
    }
}

impl std::error::Error for RemoveError {}

/// Makes an older installed version the current one: `to`, or the highest below the current one. It must be as it was
/// installed.
///
/// # Errors
/// If there is none, or it may not be run.
pub fn roll_back(
    home: &Home,
    skill_id: &str,
    to: Option<&str>,
    principal: &str,
    now_unix_ms: i64,
    progress: &dyn Progress,
) -> Result<(Entry, Entry), FlowError> {
    let skills = home.installed()?;
    if let Some(version) = to {
        let (entry, _) = find(&skills, skill_id, Some(version))?;
        standing::whole(&skills, &entry, progress)?;
    }
    Ok(skills.roll_back(skill_id, to, principal, now_unix_ms)?)
}

/// Takes what is installed as it is, though something else than Skillyard changed it.
///
/// # Errors
/// If it is another by now, or cannot be believed at all.
pub fn accept(home: &Home, found: StoreDigest, with: SealWith) -> Result<(), FlowError> {
    Ok(home.installed()?.accept(found, with)?)
}
