//! Whether a version may be run, whatever path named it: what an administrator said about it, and whether what is
//! installed is still what was installed, and whether its key was revoked.

use std::{collections::BTreeMap, fmt, path::Path};

use skillyard_artifact::{Cancelled, ErrorKind, Finding, Progress, integrity, trust::PublicKey, update, verify::open};
use skillyard_manifest::{self as manifest, grammar::Version, quoted};
use skillyard_store::{
    installed::{ARTIFACT, Entry, INDEX, InstalledError, InstalledSkills, STATES, check_name},
    lifecycle::{Objection, Purpose},
    paths::resolve,
    states::{State, Status},
    trust_store::TrustStoreFileError,
};

use crate::{
    home::{Home, PathError},
    installed,
    verify::finding,
};

/// Why a version may not be run.
#[derive(Debug)]
pub enum Refused {
    /// An administrator said so.
    Blocked(Box<State>),
    /// The version is installed with other content.
    OtherContent {
        /// The skill.
        skill_id: String,
        /// The version.
        version: String,
    },
    /// It is installed, and its files are not as they were installed; or there is no telling what is installed.
    Installed(InstalledError),
    /// Its key was revoked, or its version is below the skill's floor.
    Objection(Box<Objection>),
    /// What is known of the life of keys cannot be read.
    Lifecycle(Box<TrustStoreFileError>),
    /// A path cannot be used.
    Path(PathError),
    /// It was ended.
    Cancelled,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked(state) => {
                let (skill_id, version) = (quoted(&state.skill_id), manifest::plain(&state.version));
                write!(f, "{skill_id} {version} is {}", state.status.name())?;
                if let Some(reason) = &state.reason {
                    write!(f, " by {}: {}", quoted(&state.operator_principal), quoted(reason))?;
                }
                let id = manifest::plain(&state.skill_id);
                write!(
                    f,
                    ". `skillyard enable {id} --version {version} --override --reason WHY --principal WHO` ends that"
                )
            }
            Self::OtherContent { skill_id, version } => write!(
                f,
                "{} {version} is installed with other content than this: give this one another version, or `skillyard \
                 remove` the installed one",
                quoted(skill_id)
            ),
            Self::Installed(error) => error.fmt(f),
            Self::Objection(objection) => objection.fmt(f),
            Self::Lifecycle(error) => error.fmt(f),
            Self::Path(error) => error.fmt(f),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for Refused {}

impl Refused {
    /// The stable name of why it was looked at and refused; `None` where it could not be looked at.
    #[must_use]
    pub fn kind(&self) -> Option<String> {
        let name = match self {
            Self::Objection(objection) => return Some(ErrorKind::nearest(finding(objection).rule).to_string()),
            Self::Blocked(state) => blocked(state),
            Self::OtherContent { .. } => "OtherContentInstalled",
            Self::Installed(error) => match error {
                InstalledError::Blocked(state) => blocked(state),
                InstalledError::FileChanged { .. } | InstalledError::Link { .. } => "InstalledFilesChanged",
                error if error.is_change() => "InstalledSkillsChanged",
                InstalledError::AlreadyInstalled { same_content: true, .. } => "AlreadyInstalled",
                InstalledError::AlreadyInstalled { same_content: false, .. } => "OtherContentInstalled",
                InstalledError::Downgrade { .. } => "Downgrade",
                InstalledError::NotInstalled { .. } | InstalledError::NothingBelow { .. } => "NotInstalled",
                InstalledError::IsCurrent { .. } => "AlreadyCurrent",
                InstalledError::InTheWay { .. } => "InTheWay",
                InstalledError::Moved { .. }
                | InstalledError::StagedFolderTaken { .. }
                | InstalledError::NotThatOne { .. } => "Moved",
                InstalledError::BadName { .. } | InstalledError::NoWords { .. } => "BadWords",
                InstalledError::TooMuch { .. } => "TooLarge",
                InstalledError::Read(_)
                | InstalledError::Write { .. }
                | InstalledError::Lock { .. }
                | InstalledError::Busy { .. }
                | InstalledError::Seal(_)
                | InstalledError::State(_)
                | InstalledError::SealFails { .. }
                | InstalledError::StatesChanged { .. }
                | InstalledError::StatesBroken { .. }
                | InstalledError::LogChanged { .. }
                | InstalledError::IndexChanged { .. }
                | InstalledError::OldCopy { .. }
                | InstalledError::NotAnIndex { .. } => return None,
            },
            Self::Lifecycle(_) | Self::Path(_) | Self::Cancelled => return None,
        };
        Some(name.to_owned())
    }

    /// What was found, where a rule says it.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Objection(objection) => vec![finding(objection)],
            Self::OtherContent { .. } => vec![Finding::new(&update::OTHER_CONTENT, self.to_string())],
            _ => Vec::new(),
        }
    }
}

fn blocked(state: &State) -> &'static str {
    match state.status {
        Status::Disabled => "Disabled",
        Status::Quarantined | Status::Active => "Quarantined",
    }
}

impl From<InstalledError> for Refused {
    fn from(error: InstalledError) -> Self {
        Self::Installed(error)
    }
}

impl From<PathError> for Refused {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl From<Cancelled> for Refused {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// What is about to run.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// The skill, as its manifest says.
    pub skill_id: &'s str,
    /// The version, as its manifest says.
    pub version: &'s str,
    /// The SHA-256 over everything that is signed, of a published artifact; nothing for a folder that was packaged in
    /// memory, whose content nobody published.
    pub payload_sha256: Option<[u8; 32]>,
    /// Who signed it, with which key.
    pub signed_by: (&'s str, PublicKey),
    /// The time, in milliseconds since 1970.
    pub now_unix_ms: u64,
}

/// Says whether `subject` may run. Asked before every run, after everything else has held.
///
/// # Errors
/// Why it may not. Where what is installed cannot be believed nothing runs: a quarantine may be among what is missing.
pub fn check(home: &Home, subject: &Subject<'_>, progress: &dyn Progress) -> Result<(), Refused> {
    let skills = home.installed()?;
    // As a version is compared: another way to write it is the same one.
    let version = Version::parse(subject.version).map_or_else(|| subject.version.to_owned(), |it| it.to_string());
    let skill_id = subject.skill_id.trim();
    let now = i64::try_from(subject.now_unix_ms).unwrap_or(i64::MAX);
    not_objected(home, (skill_id, &version), subject.signed_by, Purpose::Run, now)?;
    let known = skills.known(skill_id, &version)?;
    if let Some(state) = known.blocked() {
        return Err(Refused::Blocked(Box::new(state.clone())));
    }
    let installed = known.entries.iter().find(|entry| entry.version == version);
    if let (Some(entry), Some(payload)) = (installed, subject.payload_sha256) {
        if integrity::hex(&payload) != entry.payload_sha256 {
            return Err(Refused::OtherContent { skill_id: skill_id.to_owned(), version });
        }
        whole(&skills, entry, progress)?;
    }
    Ok(())
}

/// Says whether nothing speaks against a key, for `purpose`, or against a version: a revocation, an end, a floor.
///
/// # Errors
/// [`Refused::Objection`] where something does.
pub(crate) fn not_objected(
    home: &Home,
    (skill_id, version): (&str, &str),
    (publisher, key): (&str, PublicKey),
    purpose: Purpose,
    now_unix_ms: i64,
) -> Result<(), Refused> {
    let lifecycle = home.lifecycle()?.load().map_err(|error| Refused::Lifecycle(Box::new(error)))?.store;
    let objection = lifecycle
        .objects_to_key(publisher, key, purpose, now_unix_ms)
        .or_else(|| lifecycle.objects_to_version(skill_id, version));
    objection.map_or(Ok(()), |objection| Err(Refused::Objection(Box::new(objection))))
}

/// Says whether an installed version is whole, and nothing was said against its key or its version. What an administrator
/// said about it is for the store to say, all while nobody else changes it.
///
/// # Errors
/// What keeps it from running.
pub(crate) fn of_installed(
    home: &Home,
    skills: &InstalledSkills,
    entry: &Entry,
    now_unix_ms: i64,
    progress: &dyn Progress,
) -> Result<(), Refused> {
    let bytes = whole(skills, entry, progress)?;
    let opened = open(&bytes, manifest::Options::default().palyra_version, progress)?;
    let Some((publisher, key)) = opened.publisher().zip(opened.key()) else {
        let file = skills.folder(&entry.skill_id, &entry.version).join(ARTIFACT);
        return Err(Refused::Installed(InstalledError::FileChanged { files: vec![file] }));
    };
    not_objected(home, (&entry.skill_id, &entry.version), (publisher, key), Purpose::Run, now_unix_ms)
}

/// Says whether the file at `path` may be run by itself: one in the folder of an installed version only where that
/// version may.
///
/// # Errors
/// Why it may not.
pub(crate) fn check_path(home: &Home, path: &Path, now_unix_ms: u64, progress: &dyn Progress) -> Result<(), Refused> {
    let Some(Place { home, skill_id, version }) = place_of(home, path)? else { return Ok(()) };
    let home = &home;
    let skills = home.installed()?;
    let (entry, _) = installed::find(&skills, &skill_id, Some(&version))?;
    let now = i64::try_from(now_unix_ms).unwrap_or(i64::MAX);
    of_installed(home, &skills, &entry, now, progress)?;
    let known = skills.known(&skill_id, &version)?;
    known.blocked().map_or(Ok(()), |state| Err(Refused::Blocked(Box::new(state.clone()))))
}

/// The bytes of an installed artifact, where it and all files that were unpacked from it are as they were installed.
///
/// # Errors
/// Which are not; [`InstalledError::Moved`] where the version was removed while it was looked at.
pub(crate) fn whole(skills: &InstalledSkills, entry: &Entry, progress: &dyn Progress) -> Result<Vec<u8>, Refused> {
    let looked = unchanged(skills, entry, progress);
    if let Err(Refused::Installed(InstalledError::FileChanged { .. } | InstalledError::Read(_))) = &looked {
        let known = skills.known(&entry.skill_id, &entry.version)?.entries;
        let same = |it: &Entry| Entry { current: entry.current, ..it.clone() } == *entry;
        if !known.iter().any(same) {
            return Err(Refused::Installed(InstalledError::Moved { skill_id: entry.skill_id.clone() }));
        }
    }
    looked
}

fn unchanged(skills: &InstalledSkills, entry: &Entry, progress: &dyn Progress) -> Result<Vec<u8>, Refused> {
    let bytes = skills.artifact(entry)?;
    let opened = open(&bytes, manifest::Options::default().palyra_version, progress)?;
    let entries = opened.content.entries();
    let unpacked: BTreeMap<String, [u8; 32]> =
        entries.iter().map(|(path, entry)| (path.as_str().to_owned(), entry.sha256)).collect();
    let files = skills.changed_files(entry, &unpacked)?;
    if files.is_empty() { Ok(bytes) } else { Err(Refused::Installed(InstalledError::FileChanged { files })) }
}

/// Where an installed version lies, as a path says.
pub(crate) struct Place {
    /// The home, with the root that the version lies in as the one of its installed skills.
    pub home: Home,
    /// The skill.
    pub skill_id: String,
    /// The version.
    pub version: String,
}

/// The installed version whose folder `path` is or lies in: in the home's root, or in another one that looks like a root.
/// What was quarantined there may not be run either.
///
/// # Errors
/// If the folder of installed skills cannot be found.
pub(crate) fn place_of(home: &Home, path: &Path) -> Result<Option<Place>, PathError> {
    if let Some((skill_id, version)) = installed_at(home, path)? {
        return Ok(Some(Place { home: home.clone(), skill_id, version }));
    }
    // As it is written too: a link in place of a version's folder leads elsewhere, and is for the store to refuse.
    let written = std::path::absolute(path).ok();
    let paths = [resolve(path).ok(), written];
    for folder in paths.iter().flatten().flat_map(|path| path.ancestors()) {
        let names = folder.file_name().zip(folder.parent().and_then(Path::file_name));
        let Some((version, skill_id)) = names.and_then(|(version, id)| version.to_str().zip(id.to_str())) else {
            continue;
        };
        let Some(root) = folder.ancestors().nth(2) else { continue };
        // One of the two is enough: whoever takes the other away must not get round a quarantine by that.
        let is_root = || [INDEX, STATES].iter().any(|name| root.join(name).symlink_metadata().is_ok());
        if check_name(skill_id, version).is_ok() && is_root() {
            let home = home.clone().with_skills_in(Some(resolve(root)?))?;
            return Ok(Some(Place { home, skill_id: skill_id.to_owned(), version: version.to_owned() }));
        }
    }
    Ok(None)
}

/// The skill and version whose installed folder `path` is or lies in, as the path says.
///
/// # Errors
/// If the folder of installed skills cannot be found.
pub(crate) fn installed_at(home: &Home, path: &Path) -> Result<Option<(String, String)>, PathError> {
    let root = resolve(&home.paths().skills)?;
    // What cannot be followed to an end is nowhere.
    let Ok(path) = resolve(path) else { return Ok(None) };
    let Ok(below) = path.strip_prefix(&root) else { return Ok(None) };
    let mut parts = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    Ok(parts.next().zip(parts.next()).filter(|(skill_id, _)| !skill_id.starts_with('.')))
}
