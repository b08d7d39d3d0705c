//! What is installed: listed, shown, removed, and gone back to an older version.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Serialize;
use skillyard_artifact::{
    Cancelled, Progress,
    audit::Report,
    integrity::sha256,
    update,
    verify::{Opened, open},
};
use skillyard_manifest::{
    self as manifest, Options,
    grammar::{Version, is_skill_id},
    model::Manifest,
    quoted,
};
use skillyard_store::{
    installed::InstalledSkills,
    lifecycle::{Lifecycle, Objection, Purpose},
    trust_store::SealWith,
};

use crate::{
    audit,
    capabilities::{self, Capabilities},
    check::config_of,
    files::MANIFEST_NAME,
    home::{Home, PathError},
    live::Placed,
    skill::{Additions, Plan, SkillError},
    standing::{self, Refused},
    states,
    trust::StoreDigest,
    verify::PublicKey,
};

pub use skillyard_store::{
    installed::{Entry, Examined, InstalledError, MissingSecret, Recovered, SetAside, Source, Verdict, WrongPointer},
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
    /// Why it may not be run by what is known of its key and of the skill's floor, if so.
    pub ended: Option<String>,
}

/// What ends installed versions by the lives of keys and the floors of skills.
struct Ends {
    lives: Lifecycle,
    /// The keys that were revoked, by their ids: the index has no more of a key.
    revoked: BTreeMap<String, Objection>,
}

impl Ends {
    fn read(home: &Home) -> Result<Self, FlowError> {
        let lives = home.lifecycle()?.load().map_err(|error| Refused::Lifecycle(Box::new(error)))?.store;
        let objection = |key: PublicKey| Some((key.id(), lives.objects_to_key("", key, Purpose::Run, 0)?));
        let revoked = lives.revoked().filter_map(objection).collect();
        Ok(Self { lives, revoked })
    }

    fn of(&self, entry: &Entry) -> Option<String> {
        let of_version = || self.lives.objects_to_version(&entry.skill_id, &entry.version);
        let objection = self.revoked.get(&entry.signature_key_id).cloned().or_else(of_version)?;
        Some(objection.to_string())
    }
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
    let ends = Ends::read(home)?;
    let mut blocked: BTreeMap<(&str, &str), &State> =
        snapshot.said.blocked().map(|state| ((&*state.skill_id, &*state.version), state)).collect();
    let versions = snapshot.entries.iter().map(|entry| {
        let state = blocked.remove(&(&*entry.skill_id, &*entry.version));
        let status = state.map_or(Status::Active, |state| state.status);
        let reason = state.and_then(|state| state.reason.clone());
        Listed { entry: entry.clone(), status, reason, ended: ends.of(entry) }
    });
    let versions = versions.collect();
    Ok(Listing { root: skills.root().to_owned(), versions, blocked: blocked.into_values().cloned().collect() })
}

/// The installed versions of one skill.
///
/// # Errors
/// What of them is not what Skillyard wrote.
pub fn of_skill(home: &Home, skill_id: &str) -> Result<Vec<Listed>, FlowError> {
    let skills = home.installed()?;
    let ends = Ends::read(home)?;
    let listed = |entry: Entry| {
        let known = skills.known(skill_id, &entry.version)?;
        let blocked = known.blocked();
        let status = blocked.map_or(Status::Active, |state| state.status);
        let (reason, ended) = (blocked.and_then(|state| state.reason.clone()), ends.of(&entry));
        Ok(Listed { entry, status, reason, ended })
    };
    skills.known(skill_id, "")?.entries.into_iter().map(listed).collect()
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
    /// Why it may not be run by what is known of its key and of the skill's floor, if so.
    pub ended: Option<String>,
    /// What it may do; `None` where its artifact is not as it was installed.
    pub capabilities: Option<Capabilities>,
    /// What is wrong with the pointer to the current version, if so.
    pub pointer: Option<WrongPointer>,
    /// The other versions that are installed.
    pub others: Vec<String>,
}

/// Shows one version: `version`, or the current one, as it stands at `now_unix_ms` (milliseconds since 1970).
///
/// # Errors
/// If it is not installed, or what is installed cannot be believed.
pub fn info(
    home: &Home,
    skill_id: &str,
    version: Option<&str>,
    now_unix_ms: u64,
    progress: &dyn Progress,
) -> Result<Info, FlowError> {
    let skills = home.installed()?;
    let (entry, others) = find(&skills, skill_id, version)?;
    let mut ended = None;
    let (changed, capabilities) = match standing::whole(&skills, &entry, progress) {
        Ok(bytes) => {
            let opened = open(&bytes, Options::default().palyra_version, progress)?;
            let now = i64::try_from(now_unix_ms).unwrap_or(i64::MAX);
            if let Some(signer) = opened.publisher().zip(opened.key()) {
                ended = match standing::not_objected(home, (skill_id, &entry.version), signer, Purpose::Run, now) {
                    Err(Refused::Objection(objection)) => Some(objection.to_string()),
                    other => other.map(|()| None)?,
                };
            }
            (None, capabilities_of(&opened, progress)?)
        }
        // Nothing of it is changed: it was removed, or installed anew, while it was looked at.
        Err(moved @ (Refused::Cancelled | Refused::Installed(InstalledError::Moved { .. }))) => return Err(moved),
        Err(error) => (Some(error.to_string()), None),
    };
    // Who installed it is not under the seal, and decides nothing.
    let state = match skills.known(skill_id, &entry.version)?.said {
        None => skills.state(skill_id, &entry.version)?.filter(State::says_nothing),
        said => said,
    };
    let folder = skills.folder(skill_id, &entry.version);
    let pointer = skills.pointer(skill_id)?;
    Ok(Info { entry, folder, state, changed, ended, capabilities, pointer, others })
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

/// The installed version that `given` names: `SKILL` or `SKILL@VERSION`, where no file has that name, or a path in the
/// folder of an installed version.
///
/// # Errors
/// If the folder of installed skills cannot be found.
pub fn named(home: &Home, given: &Path) -> Result<Option<(String, Option<String>)>, PathError> {
    let text = given.to_str().filter(|text| *text != "-" && !text.ends_with(".palyra-skill") && !given.exists());
    if let Some(text) = text {
        let (skill_id, version) = match text.split_once('@') {
            Some((skill_id, version)) => (skill_id, Some(version.to_owned())),
            None => (text, None),
        };
        if is_skill_id(skill_id) {
            return Ok(Some((skill_id.to_owned(), version)));
        }
    }
    Ok(standing::installed_at(home, given)?.map(|(skill_id, version)| (skill_id, Some(version))))
}

/// The artifact of an installed version, or of the current one, which is as it was installed.
///
/// # Errors
/// If it is not installed, or not as it was.
pub fn artifact(
    home: &Home,
    skill_id: &str,
    version: Option<&str>,
    progress: &dyn Progress,
) -> Result<(Entry, Vec<u8>), FlowError> {
    let skills = home.installed()?;
    let (entry, _) = find(&skills, skill_id, version)?;
    let bytes = standing::whole(&skills, &entry, progress)?;
    Ok((entry, bytes))
}

/// A version that is installed, to hold the folder of its skill against.
#[derive(Debug)]
pub struct Installed {
    version: String,
    palyra: Version,
    manifest: Box<Manifest>,
    /// A module or asset of the folder that is another than the installed one, or that only one of the two has.
    differs: Option<String>,
}

impl Installed {
    /// Reads the installed version that the manifest `text` of the skill in `folder` names, and the folder's modules and
    /// assets. `None` where none is installed, and where what is there cannot be read: that is for who packages or
    /// installs to say.
    ///
    /// # Errors
    /// Only if `progress` ends it.
    pub fn read(home: &Home, folder: &Path, text: &str, progress: &dyn Progress) -> Result<Option<Self>, Cancelled> {
        let Ok(config) = config_of(folder) else { return Ok(None) };
        let palyra = config.palyra_version.unwrap_or(Options::default().palyra_version);
        let Ok(about) = audit::manifest(Path::new(MANIFEST_NAME), text.as_bytes(), palyra) else { return Ok(None) };
        let version = Version::parse(&about.version).map(|version| version.to_string());
        let (entry, bytes) = match artifact(home, about.skill_id.trim(), version.as_deref(), progress) {
            Ok(found) => found,
            Err(Refused::Cancelled) => return Err(Cancelled),
            Err(_) => return Ok(None),
        };
        let opened = open(&bytes, palyra, progress)?;
        let plan = Plan::of(folder, &config.package, &Additions::default(), progress);
        let collected = match plan.and_then(|plan| plan.read(progress)) {
            Ok(collected) => collected,
            Err(SkillError::Cancelled) => return Err(Cancelled),
            Err(_) => return Ok(None),
        };
        let modules_and_assets = collected.modules.iter().chain(&collected.assets);
        let here: BTreeMap<&str, [u8; 32]> =
            modules_and_assets.map(|(path, bytes)| (path.as_str(), sha256(bytes))).collect();
        // A manifest is packaged as what it means, not as it is written. The others are made while packaging.
        let other_ways = [MANIFEST_NAME, "sbom.cdx.json", "provenance.json", "signature.json"];
        let entries = opened.content.entries().iter().map(|(path, entry)| (path.as_str(), entry.sha256));
        let there: BTreeMap<&str, [u8; 32]> = entries.filter(|(path, _)| !other_ways.contains(path)).collect();
        let differs = here.keys().chain(there.keys()).find(|path| here.get(*path) != there.get(*path));
        let differs = differs.map(|path| (*path).to_owned());
        let Some(manifest) = opened.manifest().cloned() else { return Ok(None) };
        Ok(Some(Self { version: entry.version, palyra, manifest: Box::new(manifest), differs }))
    }

    /// What there is to say at the version of the manifest `text`, if it is this one and the skill has other content. Who
    /// signed, and what is made while packaging, does not count. Nothing is read for it.
    #[must_use]
    pub fn otherwise(&self, text: &str) -> Option<Placed> {
        let about = audit::manifest(Path::new(MANIFEST_NAME), text.as_bytes(), self.palyra).ok()?;
        let version = Version::parse(&about.version).map(|version| version.to_string());
        if about.skill_id.trim() != self.manifest.skill_id.trim() || version.as_ref() != Some(&self.version) {
            return None;
        }
        let same = Manifest { integrity: about.integrity.clone(), ..(*self.manifest).clone() } == *about;
        let path = if same { self.differs.as_deref()? } else { MANIFEST_NAME };
        let rule = &update::OTHER_CONTENT;
        Some(Placed {
            code: rule.code.to_owned(),
            url: Some(rule.url()),
            severity: rule.severity,
            message: format!(
                "{} is installed with other content ({} differs): give this one another version",
                manifest::plain(&about.version),
                quoted(path)
            ),
            key: Some("version".to_owned()),
        })
    }
}

/// Notes in the log what the audit of an installed version came to, and quarantines it where it must not run. Says whether
/// it did.
///
/// # Errors
/// If it cannot be written.
pub fn after_audit(home: &Home, entry: &Entry, report: &Report) -> Result<bool, FlowError> {
    let failed: Vec<String> = report.objections().into_iter().map(str::to_owned).collect();
    // Whoever installed it knows its publisher.
    Ok(states::after_audit(&home.installed()?, (&entry.skill_id, &entry.version), report, &failed, true)?)
}

/// What an artifact that is installed may do.
pub(crate) fn capabilities_of(opened: &Opened<'_>, progress: &dyn Progress) -> Result<Option<Capabilities>, Cancelled> {
    match opened.manifest() {
        Some(manifest) => {
            let imports = capabilities::imports_of_artifact(opened, progress)?;
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
/// installed, its key not revoked, and its version not below the skill's floor.
///
/// # Errors
/// If there is none, or it may not be run; where another process makes another version the current one meanwhile.
pub fn roll_back(
    home: &Home,
    skill_id: &str,
    to: Option<&str>,
    principal: &str,
    now_unix_ms: i64,
    progress: &dyn Progress,
) -> Result<(Entry, Entry), FlowError> {
    let skills = home.installed()?;
    let (from, others) = find(&skills, skill_id, None)?;
    let to = match to {
        Some(version) => version.to_owned(),
        None => {
            let current = Version::parse(&from.version);
            let below = others.into_iter().filter(|version| Version::parse(version) < current);
            let highest = below.max_by_key(|version| Version::parse(version));
            highest.ok_or_else(|| InstalledError::NothingBelow {
                skill_id: skill_id.to_owned(),
                version: from.version.clone(),
            })?
        }
    };
    let (entry, _) = find(&skills, skill_id, Some(&to))?;
    standing::of_installed(home, &skills, &entry, now_unix_ms, progress)?;
    Ok(skills.roll_back(skill_id, &from.version, &to, principal, now_unix_ms)?)
}

/// Takes what is installed as it is, though something else than Skillyard changed it. A log whose chain is broken is set
/// aside, as is a table of states that is none.
///
/// # Errors
/// If it is another by now, or cannot be believed at all.
pub fn accept(home: &Home, found: StoreDigest, with: SealWith) -> Result<SetAside, FlowError> {
    Ok(home.installed()?.accept(found, with)?)
}
