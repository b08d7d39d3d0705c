//! The installed skills: folders, index, event log and states of one root, changed by one process at a time and refused
//! where something else than Skillyard changed them.
//!
//! The layout is a daemon's: `<root>/<skill_id>/<version>/` holds the unpacked entries, `artifact.palyra-skill` and
//! `install-metadata.json`; `<root>/<skill_id>/current` is a text file with the current version;
//! `<root>/installed-index.json` lists all; `<root>/audit.ndjson` is the [event log](crate::events). What a daemon does
//! not know lies beside it: `skill-status.sqlite3` ([states](crate::states)), and a lock.
//!
//! What index, log and states have to be is kept under a [seal](crate::seal) elsewhere, with what is under way. A change
//! goes: lock; read and check; stage a new version's folder and read it again; write the whole change down under the seal;
//! take its steps; write under the seal that it is done. A crash before the third leaves nothing but a staged folder, which
//! the next one removes; after it, the next one takes the steps again, or all of them back where somebody took the staged
//! folder away. A listed version whose folder somebody deleted is left out of it. Readers take no lock: they read seal, files, seal,
//! and again where the seal changed in between.
//!
//! The index can be made again from the folders, so it is not forced to the disk: after a power cut it may be an older one,
//! or broken, and is made again. One that reads and is neither is refused.

mod index;
mod ledger;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use skillyard_artifact::integrity::{hex, sha256};
use skillyard_manifest::{
    grammar::{self, Version},
    show,
};

pub use self::{
    index::{Entry, MissingSecret, Source},
    ledger::Recovered,
};
use self::{
    index::{Exchanged, normalize},
    ledger::{Ledger, Pending, Stage, content_digest, digest_of_parts, index_digest},
};
use crate::{
    credentials::Credentials,
    durable::{Disk, ReadError, Reading, refuse_open},
    events::{self, EventKind, Events, Head, LogFault, NewEvent, Tail},
    lock::{self, Lock},
    paths::{PathError, resolve},
    seal::{KeepIn, KeyPlace, Seal, SealError, SealFile, StoreDigest},
    shown::Shown,
    states::{Said, State, StateError, States, Status},
    trust_store::SealWith,
};

/// The name of the index.
pub const INDEX: &str = "installed-index.json";
/// The name of the event log.
pub const LOG: &str = "audit.ndjson";
/// The name of the artifact in a version's folder.
pub const ARTIFACT: &str = "artifact.palyra-skill";
/// The name of the facts in a version's folder.
pub const METADATA: &str = "install-metadata.json";
/// Where new facts are written before they take the place of the old ones.
const HALF_METADATA: &str = ".install-metadata.json.new";
/// The name of the pointer in a skill's folder.
pub const CURRENT: &str = "current";
/// The name of the table of states.
pub const STATES: &str = "skill-status.sqlite3";

/// The files that the root may hold besides skills. No skill can be called so, nor as one of the files that come and go
/// beside them: `.lock`, `.new`, and `-journal`, `-wal`, `-shm` of the table.
const TAKEN: [&str; 5] = [INDEX, LOG, STATES, "trust-store.json", crate::lifecycle::NAME];

/// Far more entries than anyone has: some hundred thousand.
const INDEX_FILE: Reading = Reading { limit: 64 << 20, follow: false, secret: false };
const METADATA_FILE: Reading = Reading { limit: 1 << 20, follow: false, secret: false };
const POINTER_FILE: Reading = Reading { limit: 256, follow: false, secret: false };
/// An artifact has 64 MiB at most.
const INSTALLED_FILE: Reading = Reading { limit: 64 << 20, follow: false, secret: false };

/// How often a reader begins anew while others write.
const READS: usize = 1000;

/// A reason or a principal has at most so many characters.
pub const MAX_WORDS: usize = 1000;

/// The installed skills of one root.
#[derive(Debug)]
pub struct InstalledSkills {
    root: PathBuf,
    seal: SealFile,
    wait: Duration,
    disk: Disk,
}

/// `install-metadata.json`.
#[derive(Serialize, Deserialize)]
struct Metadata {
    schema_version: u32,
    #[serde(flatten)]
    entry: Entry,
}

/// What is installed, at one moment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Snapshot {
    /// All versions, sorted by skill and version.
    pub entries: Vec<Entry>,
    /// What was said of versions, whether they are installed or not.
    pub said: Said,
    /// Whether Skillyard has written here before, so that changes from outside are noticed.
    pub sealed: bool,
    /// The digest that names this very content.
    pub digest: Option<StoreDigest>,
    /// What was put right after crashes, the newest last.
    pub recovered: Vec<Recovered>,
}

/// What is known of one version, whether it is installed or not.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Known {
    /// The versions of its skill that are installed.
    pub entries: Vec<Entry>,
    /// What was said of it, if anything.
    pub said: Option<State>,
}

impl Known {
    /// Why it may not be run, if so.
    #[must_use]
    pub fn blocked(&self) -> Option<&State> {
        self.said.as_ref().filter(|state| state.status != Status::Active)
    }
}

/// A version to be installed. It was verified and audited.
#[derive(Debug)]
pub struct NewVersion<'v> {
    /// What the index is to say; `current` and the time are set here.
    pub entry: Entry,
    /// The artifact's bytes.
    pub artifact: &'v [u8],
    /// Its entries, unpacked: path and content.
    pub files: Vec<(String, Cow<'v, [u8]>)>,
    /// What came before the installation and is to be in the log.
    pub events: Vec<NewEvent>,
    /// The version that was current when the person decided.
    pub expected_current: Option<String>,
    /// Whether it may be older than what is there.
    pub allow_downgrade: bool,
    /// Who installs it.
    pub principal: String,
    /// The time.
    pub now_unix_ms: i64,
}

/// What an administrator says about a version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The state that it gets.
    pub status: Status,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub principal: String,
    /// The time.
    pub now_unix_ms: i64,
}

/// A consistent look at the files and the seal.
struct View {
    seal: Option<(Seal, Ledger)>,
    index: Option<Vec<u8>>,
    index_digest: String,
    tail: Tail,
    /// Where an operation is under way: the end of the log before it.
    tail_before: Option<Tail>,
    said: Said,
    states: String,
    /// What is the matter with a table of states that is none.
    broken: Option<StateError>,
}

impl View {
    fn found(&self) -> StoreDigest {
        content_digest(&self.index_digest, self.tail.bytes, &self.tail.sha256, &self.states)
    }
}

/// Whether a view is what the seal says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Judgement {
    /// All of it.
    Whole,
    /// An operation is under way, or was interrupted.
    Unfinished,
    /// The index is broken or an older one, as after a power cut.
    Torn,
}

/// The lock, and what is there: whole, sealed and nothing under way.
struct Opened {
    _lock: Lock,
    seal: Seal,
    ledger: Ledger,
    index: Vec<u8>,
    said: Said,
}

/// What an operation changes.
#[derive(Default)]
struct Change {
    what: String,
    skill_id: String,
    placed: Option<String>,
    dropped: Vec<String>,
    entries: Option<Vec<Entry>>,
    events: Vec<NewEvent>,
    states: Vec<State>,
    forgotten: Vec<(String, String)>,
}

impl InstalledSkills {
    /// Those at `root`, with their seal in the folder `seals`. Nothing is read or written yet.
    ///
    /// # Errors
    /// [`PathError`], where the path's folders cannot be followed to an end.
    pub fn new(root: &Path, seals: &Path, credentials: Option<Arc<dyn Credentials>>) -> Result<Self, PathError> {
        let root = resolve(root)?;
        let seals = std::path::absolute(seals)
            .map_err(|cause| PathError::Unusable { path: seals.to_owned(), reason: cause.to_string() })?;
        if resolve(&seals)?.starts_with(&root) {
            return Err(PathError::SealBesideStore { store: root, seals });
        }
        let seal = SealFile::new(&seals, &root.join(INDEX), "the installed skills", credentials);
        Ok(Self { root, seal, wait: Duration::from_secs(60), disk: Disk::default() })
    }

    /// Waits at most so long while another process writes. A minute where nothing is said.
    #[must_use]
    pub fn waiting(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The root, with links followed.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a version, whether it is there or not.
    #[must_use]
    pub fn folder(&self, skill_id: &str, version: &str) -> PathBuf {
        self.root.join(skill_id).join(version)
    }

    fn index_path(&self) -> PathBuf {
        self.root.join(INDEX)
    }

    fn log_path(&self) -> PathBuf {
        self.root.join(LOG)
    }

    fn states_path(&self) -> PathBuf {
        self.root.join(STATES)
    }

    // Reading.

    /// What is installed. Writes nothing, but for finishing what a crash interrupted.
    ///
    /// # Errors
    /// What of it is not what Skillyard wrote last.
    pub fn read(&self) -> Result<Snapshot, InstalledError> {
        let view = self.sound()?;
        let mut entries = match &view.index {
            Some(bytes) => self.parse(bytes)?,
            None => Vec::new(),
        };
        normalize(&mut entries);
        let digest = Some(view.found()).filter(|_| view.seal.is_some() || view.index.is_some());
        let (sealed, recovered) = match view.seal {
            Some((_, ledger)) => (true, ledger.recovered),
            None => (false, Vec::new()),
        };
        Ok(Snapshot { entries, said: view.said, sealed, digest, recovered })
    }

    /// What is known of a version. Much faster than [`read`](Self::read) where many are installed.
    ///
    /// # Errors
    /// The same.
    pub fn known(&self, skill_id: &str, version: &str) -> Result<Known, InstalledError> {
        let view = self.sound()?;
        let entries = match &view.index {
            None => Vec::new(),
            Some(bytes) => match view.seal.as_ref().and_then(|_| index::find(bytes, skill_id)) {
                Some(entries) => entries,
                None => {
                    let mut entries = self.parse(bytes)?;
                    entries.retain(|entry| entry.skill_id == skill_id);
                    entries
                }
            },
        };
        let mut entries = entries;
        let mut said = view.said.of(skill_id, version).cloned();
        // What was decided counts before it is done.
        if let Some(pending) = view.seal.as_ref().and_then(|(_, ledger)| ledger.pending.as_deref()) {
            let says = |state: &&State| state.skill_id == skill_id && state.version == version;
            said = match pending.states.iter().find(says) {
                Some(state) if state.status != Status::Active => Some(state.clone()),
                _ => said,
            };
            entries.retain(|entry| pending.skill_id != skill_id || !pending.dropped.contains(&entry.version));
        }
        normalize(&mut entries);
        Ok(Known { entries, said })
    }

    /// What the table of states says of a version; nothing for one that nobody said anything of.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub fn state(&self, skill_id: &str, version: &str) -> Result<Option<State>, InstalledError> {
        match States::open_if_there(&self.states_path()).map_err(InstalledError::State)? {
            Some(states) => states.of(skill_id, version).map_err(InstalledError::State),
            None => Ok(None),
        }
    }

    /// The artifact of an installed version, whose bytes are those that were installed.
    ///
    /// # Errors
    /// [`InstalledError::FileChanged`] where they are not.
    pub fn artifact(&self, entry: &Entry) -> Result<Vec<u8>, InstalledError> {
        self.refuse_links(&entry.skill_id, &[&entry.version])?;
        let path = self.folder(&entry.skill_id, &entry.version).join(ARTIFACT);
        let Some(bytes) = INSTALLED_FILE.read_if_there(&path).map_err(InstalledError::Read)? else {
            return Err(InstalledError::FileChanged { files: vec![path] });
        };
        if hex(&sha256(&bytes)) != entry.artifact_sha256 {
            return Err(InstalledError::FileChanged { files: vec![path] });
        }
        Ok(bytes)
    }

    /// The unpacked files of an installed version that are not as they were installed: changed, missing, or more than
    /// there were. `unpacked` are the paths and SHA-256 of the artifact's entries.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn changed_files(
        &self,
        entry: &Entry,
        unpacked: &BTreeMap<String, [u8; 32]>,
    ) -> Result<Vec<PathBuf>, InstalledError> {
        self.refuse_links(&entry.skill_id, &[&entry.version])?;
        let folder = self.folder(&entry.skill_id, &entry.version);
        let mut changed = Vec::new();
        let mut found = BTreeSet::new();
        files_below(&folder, "", &mut found)
            .map_err(|cause| InstalledError::Read(ReadError::Io { path: folder.clone(), cause }))?;
        for name in unpacked.keys() {
            if !found.contains(name) {
                changed.push(folder.join(name));
            }
        }
        for name in found {
            let path = folder.join(&name);
            let good = match (name.as_str(), unpacked.get(&name)) {
                // The facts are just being written anew, or a crash left half of them.
                (ARTIFACT | HALF_METADATA, None) => true,
                (METADATA, None) => has_facts(&path, entry),
                (_, Some(hash)) => INSTALLED_FILE.read(&path).is_ok_and(|bytes| sha256(&bytes) == *hash),
                (_, None) => false,
            };
            if !good {
                changed.push(path);
            }
        }
        changed.sort();
        changed.dedup();
        Ok(changed)
    }

    /// Refuses where a link stands in place of a skill's folder or of one of its versions': what lies behind it is not what
    /// was installed.
    fn refuse_links(&self, skill_id: &str, versions: &[&str]) -> Result<(), InstalledError> {
        let skill = self.root.join(skill_id);
        let folders = versions.iter().map(|version| skill.join(version));
        let mut folders = [skill.clone()].into_iter().chain(folders);
        folders.find(|path| is_link(path)).map_or(Ok(()), |path| Err(InstalledError::Link { path }))
    }

    /// The event log from its beginning. [`check_end`](Self::check_end) says whether its end is the right one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn events(&self) -> Result<Events, InstalledError> {
        Events::open(&self.log_path()).map_err(InstalledError::Read)
    }

    /// The events that follow on `head`, where a reader of the log ended before; all of them, where the log is another one
    /// since.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn events_after(&self, head: &Head) -> Result<Events, InstalledError> {
        Events::open_after(&self.log_path(), head).map_err(InstalledError::Read)
    }

    /// Whether the log ends where Skillyard ended it, and index and states are what it wrote.
    ///
    /// # Errors
    /// What is not.
    pub fn check_end(&self) -> Result<(), InstalledError> {
        self.sound().map(drop)
    }

    /// A view that is what the seal says. What a crash left is put right where nobody is at work.
    fn sound(&self) -> Result<View, InstalledError> {
        let view = self.look()?;
        if self.judge(&view)? == Judgement::Whole {
            return Ok(view);
        }
        match self.begin(Duration::ZERO) {
            // Another process is at work, on this very operation perhaps.
            Err(InstalledError::Busy { .. }) => {}
            // What cannot be finished here, for instance where nothing can be written, is not finished, and no more.
            Err(InstalledError::Write { cause, .. } | InstalledError::Lock { cause, .. })
                if matches!(cause.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied) => {}
            done => drop(done?),
        }
        let view = self.look()?;
        match self.judge(&view)? {
            Judgement::Torn => drop(self.begin(self.wait)?),
            _ => return Ok(view),
        }
        let view = self.look()?;
        self.judge(&view)?;
        Ok(view)
    }

    fn check_root(&self) -> Result<bool, InstalledError> {
        match fs::symlink_metadata(&self.root) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(cause) => Err(InstalledError::Read(ReadError::Io { path: self.root.clone(), cause })),
            Ok(metadata) => {
                // Whoever can write here cannot forge, but can do away with what keeps a tool from running.
                refuse_open(&self.root, &metadata, 0o022).map_err(InstalledError::Read)?;
                Ok(true)
            }
        }
    }

    /// Seal, files, seal.
    fn look(&self) -> Result<View, InstalledError> {
        self.check_root()?;
        for _ in 0..READS {
            let before = self.seal.read().map_err(InstalledError::Seal)?;
            let index = INDEX_FILE.read_if_there(&self.index_path()).map_err(InstalledError::Read)?;
            let tail = events::tail(&self.log_path(), None).map_err(InstalledError::Read)?;
            let (said, states, broken) = self.states_there()?;
            let opened = before.as_deref().map(|record| self.open_seal(record)).transpose();
            let ledger = opened.as_ref().ok().and_then(Option::as_ref).map(|(_, ledger)| ledger);
            let tail_before = match ledger {
                Some(ledger) if ledger.pending.is_some() => {
                    Some(events::tail(&self.log_path(), Some(ledger.log.bytes)).map_err(InstalledError::Read)?)
                }
                _ => None,
            };
            let opened = match opened {
                Ok(None) if self.was_sealed()? => Err(self.seal.lost()),
                opened => opened,
            };
            if before != self.seal.read().map_err(InstalledError::Seal)? {
                continue;
            }
            let index_digest = index_digest(index.as_deref());
            let mut view = View { seal: None, index, index_digest, tail, tail_before, said, states, broken };
            match opened {
                Ok(seal) => view.seal = seal,
                Err(
                    error @ (SealError::Broken { .. }
                    | SealError::Lost { .. }
                    | SealError::NoSecret { .. }
                    | SealError::Credentials { .. }),
                ) => {
                    return Err(InstalledError::SealFails { root: self.root.clone(), found: view.found(), error });
                }
                Err(error) => return Err(InstalledError::Seal(error)),
            }
            return Ok(view);
        }
        Err(InstalledError::Busy { path: self.index_path(), waited: Duration::ZERO })
    }

    /// Whether Skillyard sealed what is here some time: the folder of the seals says so, or the log, whose chain nobody
    /// else writes.
    fn was_sealed(&self) -> Result<bool, InstalledError> {
        if self.seal.was_written().map_err(InstalledError::Seal)? {
            return Ok(true);
        }
        // What is no event ends the reading, and is for who takes over a daemon's log to say.
        Ok(self.events()?.any(|event| match event {
            Ok(event) => event.chained,
            Err(fault) => matches!(fault, LogFault::Broken { .. }),
        }))
    }

    fn open_seal(&self, record: &[u8]) -> Result<(Seal, Ledger), SealError> {
        let seal = self.seal.open(record)?;
        let ledger: Option<Ledger> = seal.note.as_deref().and_then(|note| serde_json::from_str(note).ok());
        match ledger {
            Some(ledger) if ledger.schema_version == 1 && ledger.digest() == seal.current => Ok((seal, ledger)),
            _ => Err(self.seal.broken()),
        }
    }

    fn judge(&self, view: &View) -> Result<Judgement, InstalledError> {
        let found = view.found();
        if let Some(error) = &view.broken {
            return Err(InstalledError::StatesBroken { root: self.root.clone(), found, why: error.to_string() });
        }
        let Some((_, ledger)) = &view.seal else { return Ok(Judgement::Whole) };
        let pending = ledger.pending.as_deref();
        let is_index = |digest: &str| view.index_digest == digest;
        let index_good = is_index(&ledger.index) || pending.is_some_and(|pending| is_index(&pending.index_after));
        let log = self.judge_log(view, ledger);
        let states = [view.states.clone(), view.said.first_digest()];
        let states_good = states.contains(&ledger.states) || pending.is_some_and(|p| states.contains(&p.states_after));
        if let Err(fault) = log {
            // Everything is older than it should be, or nothing is there at all.
            let shorter = matches!(fault, LogFault::Cut { .. });
            return Err(if shorter && !index_good {
                let gone = view.index.is_none() && self.entries_of_folders().unwrap_or_default().is_empty();
                InstalledError::OldCopy { root: self.root.clone(), found, gone }
            } else {
                InstalledError::LogChanged { root: self.root.clone(), fault, found }
            });
        }
        if !states_good {
            return Err(InstalledError::StatesChanged { root: self.root.clone(), found });
        }
        if !index_good {
            let found = view.index.as_deref().and_then(index::parse);
            let previous = ledger.previous_index.as_deref().is_some_and(is_index);
            // Several changes may be lost at once. What comes of it is exactly what was sealed, so nobody gains by an old one.
            let older = |at: i64| at < ledger.updated_at_unix_ms && matches!(self.made_again(ledger), Ok(Some(_)));
            if previous || found.is_none_or(|(_, at)| older(at)) {
                return Ok(Judgement::Torn);
            }
            return Err(self.index_changed(view));
        }
        // Sealed when not all that is said of versions was: once it is taken as it is.
        let unfinished = pending.is_some() || ledger.stage.is_some() || ledger.states != view.states;
        Ok(if unfinished { Judgement::Unfinished } else { Judgement::Whole })
    }

    /// What was said of versions, its digest, and what is the matter with a table that is none: nothing is said by that, and
    /// its digest is one that no table has.
    fn states_there(&self) -> Result<(Said, String, Option<StateError>), InstalledError> {
        let path = self.states_path();
        let said = match States::open_if_there(&path) {
            Ok(Some(states)) => states.said(),
            Ok(None) => Ok(Said::default()),
            Err(error) => Err(error),
        };
        match said {
            Ok(said) => {
                let digest = said.digest();
                Ok((said, digest, None))
            }
            Err(error) if error.is_broken() => {
                let bytes = INSTALLED_FILE.read_if_there(&path).ok().flatten();
                Ok((Said::default(), format!("broken {}", index_digest(bytes.as_deref())), Some(error)))
            }
            Err(error) => Err(InstalledError::State(error)),
        }
    }

    fn judge_log(&self, view: &View, ledger: &Ledger) -> Result<(), LogFault> {
        let path = || self.log_path();
        let (sealed, found) = (ledger.log.bytes, view.tail.bytes);
        if found < sealed {
            return Err(LogFault::Cut { path: path(), sealed, found });
        }
        match &view.tail_before {
            // What comes behind is being written just now, or half of it was.
            Some(before) if before.sha256 == ledger.log.sha256 => Ok(()),
            Some(_) => Err(LogFault::LastChanged { path: path() }),
            None if found > sealed => Err(LogFault::Longer { path: path(), sealed, found }),
            None if view.tail.sha256 != ledger.log.sha256 => Err(LogFault::LastChanged { path: path() }),
            None => Ok(()),
        }
    }

    fn index_changed(&self, view: &View) -> InstalledError {
        let there = view.index.as_deref().and_then(index::parse).map(|(entries, _)| entries).unwrap_or_default();
        let folders = self.entries_of_folders().unwrap_or_default();
        let names = |entries: &[Entry]| -> BTreeMap<String, Entry> {
            entries.iter().map(|entry| (format!("{} {}", entry.skill_id, entry.version), entry.clone())).collect()
        };
        let (there, folders) = (names(&there), names(&folders));
        let all: BTreeSet<&String> = there.keys().chain(folders.keys()).collect();
        let differs = all.into_iter().filter(|name| there.get(*name) != folders.get(*name)).take(5).cloned().collect();
        InstalledError::IndexChanged { root: self.root.clone(), differs, found: view.found() }
    }

    fn parse(&self, bytes: &[u8]) -> Result<Vec<Entry>, InstalledError> {
        match index::parse(bytes) {
            Some((entries, _)) => Ok(entries),
            None if bytes.iter().all(u8::is_ascii_whitespace) => Ok(Vec::new()),
            None => Err(InstalledError::NotAnIndex { path: self.index_path() }),
        }
    }

    /// What the folders say is installed.
    fn entries_of_folders(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for (skill_id, folder) in folders_in(&self.root)? {
            if check_skill_id(&skill_id).is_err() {
                continue;
            }
            for (version, folder) in folders_in(&folder)? {
                let read = read_metadata(&folder.join(METADATA)).ok().flatten();
                entries.extend(read.filter(|entry| entry.skill_id == skill_id && entry.version == version));
            }
        }
        normalize(&mut entries);
        Ok(entries)
    }

    // Writing.

    fn lock(&self, wait: Duration) -> Result<Lock, InstalledError> {
        self.disk.private_folder(&self.root).map_err(unwritable(&self.root))?;
        self.check_root()?;
        let path = lock::beside(&self.index_path());
        match Lock::exclusive(&path, wait) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(InstalledError::Busy { path, waited: wait }),
            Err(cause) => Err(InstalledError::Lock { path, cause }),
        }
    }

    /// Takes the lock, checks, and puts right what a crash left.
    fn begin(&self, wait: Duration) -> Result<Opened, InstalledError> {
        let lock = self.lock(wait)?;
        let mut view = self.look()?;
        let judgement = self.judge(&view)?;
        let Some((mut seal, mut ledger)) = view.seal.take() else { return self.first(lock, &view) };
        let mut index = view.index.take();
        let mut said = std::mem::take(&mut view.said);
        let now = now_unix_ms();
        // Where an operation changes the index, it is made again on its way.
        let changes_index = ledger.pending.as_ref().is_some_and(|pending| pending.entries.is_some());
        if judgement == Judgement::Torn && !changes_index {
            let Some(made) = self.made_again(&ledger)? else {
                let found = view.found();
                return Err(InstalledError::OldCopy { root: self.root.clone(), found, gone: index.is_none() });
            };
            self.disk.replace(&self.index_path(), &made).map_err(unwritable(&self.index_path()))?;
            index = Some(made);
            let what = "the index was broken or an older one, and was made again from the folders";
            ledger.remember(now, what.to_owned());
            seal = self.write_seal(seal, &ledger)?;
        }
        if let Some(pending) = ledger.pending.clone() {
            (seal, ledger) = match self.is_lost(&pending) && index_digest(index.as_deref()) == ledger.index {
                true => self.give_up(seal, ledger, index.as_deref(), now)?,
                false => {
                    ledger.remember(now, format!("finished what was interrupted: {}", pending.what));
                    said = said.with(&pending.states, &pending.forgotten);
                    self.take_steps(seal, ledger, None)?
                }
            };
            index = INDEX_FILE.read_if_there(&self.index_path()).map_err(InstalledError::Read)?;
        }
        if let Some(stage) = ledger.stage.take() {
            let folder = self.root.join(&stage.skill_id).join(staged(&stage.version));
            self.disk.remove_folder(&folder).map_err(unwritable(&folder))?;
            // Only where nothing else of the skill is there.
            let _ = fs::remove_dir(self.root.join(&stage.skill_id));
            let what = format!("undid an interrupted installation of {} {}", stage.skill_id, stage.version);
            ledger.remember(now, what);
            seal = self.write_seal(seal, &ledger)?;
        }
        if ledger.states != said.digest() {
            ledger.states = said.digest();
            seal = self.write_seal(seal, &ledger)?;
        }
        let index = index.unwrap_or_else(|| index::write(&[], ledger.updated_at_unix_ms));
        Ok(Opened { _lock: lock, seal, ledger, index, said })
    }

    /// Seals what is there for the first time, a daemon's own installations among it. The index is brought to the form
    /// that single entries can be exchanged in.
    fn first(&self, lock: Lock, view: &View) -> Result<Opened, InstalledError> {
        let (index, ledger) = self.adopt(view)?;
        let (place, secret) = self.seal.new_secret(&self.disk, KeepIn::Either).map_err(InstalledError::Seal)?;
        let seal = Seal::first(place, secret, ledger.digest());
        let seal = self.write_seal(seal, &ledger)?;
        self.seal.tidy(&self.disk, &seal.place, None);
        Ok(Opened { _lock: lock, seal, ledger, index, said: view.said.clone() })
    }

    /// A ledger of what is there.
    fn adopt(&self, view: &View) -> Result<(Vec<u8>, Ledger), InstalledError> {
        let (mut entries, updated_at_unix_ms) = match &view.index {
            None => (Vec::new(), now_unix_ms()),
            Some(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => (Vec::new(), now_unix_ms()),
            Some(bytes) => index::parse(bytes).ok_or_else(|| InstalledError::NotAnIndex { path: self.index_path() })?,
        };
        for entry in &entries {
            check_name(&entry.skill_id, &entry.version)?;
        }
        normalize(&mut entries);
        let index = index::write(&entries, updated_at_unix_ms);
        self.check_index(&index)?;
        if view.index.as_ref() != Some(&index) {
            self.disk.replace(&self.index_path(), &index).map_err(unwritable(&self.index_path()))?;
        }
        let mut events = self.events()?;
        let fault = events.by_ref().find_map(Result::err);
        match fault {
            None => {}
            Some(fault) => {
                return Err(InstalledError::LogChanged { root: self.root.clone(), fault, found: view.found() });
            }
        }
        let ledger = Ledger {
            schema_version: 1,
            index: index_digest(Some(&index)),
            previous_index: None,
            updated_at_unix_ms,
            log: events.head().clone(),
            states: view.states.clone(),
            stage: None,
            pending: None,
            recovered: Vec::new(),
        };
        Ok((index, ledger))
    }

    fn write_seal(&self, seal: Seal, ledger: &Ledger) -> Result<Seal, InstalledError> {
        let note = note_of(ledger).map_err(unwritable(&self.index_path()))?;
        let seal = seal.follow(ledger.digest(), None).noting(note);
        self.seal.write(&self.disk, &seal).map_err(InstalledError::Seal)?;
        Ok(seal)
    }

    /// The index as the folders give it, with what is under way, where that is the very one that is sealed.
    fn made_again(&self, ledger: &Ledger) -> Result<Option<Vec<u8>>, InstalledError> {
        let pending = ledger.pending.as_deref();
        let change = pending.and_then(|pending| Some((pending, pending.entries.as_deref()?)));
        let (updated_at_unix_ms, digest) = match change {
            Some((pending, _)) => (pending.updated_at_unix_ms, &pending.index_after),
            None => (ledger.updated_at_unix_ms, &ledger.index),
        };
        self.index_from_folders(
            change.map(|(pending, entries)| (&*pending.skill_id, entries)),
            updated_at_unix_ms,
            digest,
        )
    }

    /// The index as the folders give it, the entries of one skill put in place of what its folders say, where that is the
    /// one with `digest`.
    fn index_from_folders(
        &self,
        change: Option<(&str, &[Entry])>,
        updated_at_unix_ms: i64,
        digest: &str,
    ) -> Result<Option<Vec<u8>>, InstalledError> {
        let unreadable = |cause| InstalledError::Read(ReadError::Io { path: self.root.clone(), cause });
        let mut found = self.entries_of_folders().map_err(unreadable)?;
        if let Some((skill_id, entries)) = change {
            found.retain(|entry| entry.skill_id != skill_id);
            found.extend_from_slice(entries);
            normalize(&mut found);
        }
        let made = index::write(&found, updated_at_unix_ms);
        Ok((index_digest(Some(&made)) == digest).then_some(made))
    }

    /// Writes a change down and takes its steps. Where it places a version, that is unpacked before.
    fn commit(
        &self,
        opened: Opened,
        change: Change,
        now_unix_ms: i64,
        placed: Option<(&Entry, &NewVersion<'_>)>,
    ) -> Result<(), InstalledError> {
        let Opened { _lock, mut seal, mut ledger, index, said } = opened;
        let unwritten = |cause| InstalledError::Write { path: self.log_path(), cause };
        let (lines, log_after) = events::lines(&ledger.log, &change.events, now_unix_ms).map_err(unwritten)?;
        let entries = change.entries.map(|mut entries| {
            normalize(&mut entries);
            entries
        });
        let (updated_at_unix_ms, index_after, new_index) = match &entries {
            None => (ledger.updated_at_unix_ms, ledger.index.clone(), None),
            Some(entries) => {
                let new = index::exchange(&index, &change.skill_id, entries, now_unix_ms)
                    .ok_or_else(|| InstalledError::NotAnIndex { path: self.index_path() })?;
                (now_unix_ms, digest_of_parts(&new.parts()), Some(new))
            }
        };
        let pending = Box::new(Pending {
            what: change.what,
            skill_id: change.skill_id,
            placed: change.placed,
            dropped: change.dropped,
            entries,
            updated_at_unix_ms,
            index_after,
            lines,
            log_after,
            states_after: said.with(&change.states, &change.forgotten).digest(),
            states: change.states,
            forgotten: change.forgotten,
        });
        self.check_places(&pending)?;
        self.check_sizes(&ledger, &pending, new_index.as_ref())?;
        if let Some((entry, new)) = placed {
            (seal, ledger) = self.stage(seal, ledger, entry, new)?;
        }
        ledger.stage = None;
        ledger.pending = Some(pending);
        let seal = self.write_seal(seal, &ledger)?;
        if let Some(pending) = ledger.pending.as_deref().filter(|pending| self.is_lost(pending)) {
            let path = self.root.join(&pending.skill_id);
            self.give_up(seal, ledger, Some(&index), now_unix_ms)?;
            return Err(InstalledError::StagedFolderTaken { path });
        }
        self.take_steps(seal, ledger, new_index)?;
        Ok(())
    }

    /// Refuses where a link lies in the place of a folder, or a folder in that of a file that is about to be written: once a change is written down, it
    /// would be tried again for ever.
    fn check_places(&self, pending: &Pending) -> Result<(), InstalledError> {
        if let Some(entries) = &pending.entries {
            let versions = entries.iter().map(|entry| &entry.version).chain(&pending.dropped);
            self.refuse_links(&pending.skill_id, &versions.map(String::as_str).collect::<Vec<_>>())?;
        }
        let entries = pending.entries.iter().flatten();
        let facts = entries.map(|entry| self.folder(&entry.skill_id, &entry.version).join(METADATA));
        let pointer = self.root.join(&pending.skill_id).join(CURRENT);
        let mut files = facts.chain(pending.entries.is_some().then_some(pointer));
        files.find(|path| is_folder(path)).map_or(Ok(()), |path| Err(InstalledError::InTheWay { path }))
    }

    /// Refuses what would be written and never read again, since whoever reads it takes no more than a limit.
    fn check_sizes(
        &self,
        ledger: &Ledger,
        pending: &Pending,
        new_index: Option<&Exchanged<'_>>,
    ) -> Result<(), InstalledError> {
        for entry in pending.entries.iter().flatten() {
            let path = self.folder(&entry.skill_id, &entry.version).join(METADATA);
            fits(path, metadata(entry).len() as u64, METADATA_FILE.limit)?;
        }
        if let Some(new) = new_index {
            let bytes = new.parts().iter().map(|part| part.len() as u64).sum();
            fits(self.index_path(), bytes, INDEX_FILE.limit)?;
        }
        let planned = Ledger { stage: None, pending: Some(Box::new(pending.clone())), ..ledger.clone() };
        let (bytes, limit) = self.seal.size_with(&note_of(&planned).map_err(unwritable(&self.index_path()))?);
        fits(self.seal.path(), bytes, limit)
    }

    fn check_index(&self, index: &[u8]) -> Result<(), InstalledError> {
        fits(self.index_path(), index.len() as u64, INDEX_FILE.limit)
    }

    /// Whether somebody took away the folder that is to come into place: it is neither there nor where it was staged.
    fn is_lost(&self, pending: &Pending) -> bool {
        let skill = self.root.join(&pending.skill_id);
        pending
            .placed
            .as_ref()
            .is_some_and(|version| !is_folder(&skill.join(staged(version))) && !is_folder(&skill.join(version)))
    }

    /// Brings everything back to what it was before what is under way, whose folder is lost. `index` is the one from
    /// before, and what comes after the index in [`take_steps`](Self::take_steps) may have been done before a power cut.
    /// The caller holds the lock.
    fn give_up(
        &self,
        seal: Seal,
        mut ledger: Ledger,
        index: Option<&[u8]>,
        now_unix_ms: i64,
    ) -> Result<(Seal, Ledger), InstalledError> {
        let Some(pending) = ledger.pending.take() else { return Ok((seal, ledger)) };
        let skill = self.root.join(&pending.skill_id);
        let mut entries = index.and_then(|index| index::find(index, &pending.skill_id)).unwrap_or_default();
        normalize(&mut entries);
        // Where a file was being written and is what it was before, nobody else tidies up.
        let facts = entries.iter().map(|entry| self.folder(&entry.skill_id, &entry.version).join(METADATA));
        for path in facts.chain([skill.join(CURRENT)]).filter(|path| path.parent().is_some_and(is_folder)) {
            self.disk.remove_stale(&path).map_err(unwritable(&path))?;
        }
        self.write_facts(&entries)?;
        self.point(&skill, entries.iter().find(|entry| entry.current))?;
        if events::tail(&self.log_path(), None).map_err(InstalledError::Read)?.bytes > ledger.log.bytes {
            self.disk.append(&self.log_path(), ledger.log.bytes, b"").map_err(unwritable(&self.log_path()))?;
        }
        // A version that is placed gets a row only where it had none.
        let rows: Vec<_> = pending.states.iter().map(|state| (state.skill_id.clone(), state.version.clone())).collect();
        if !rows.is_empty() {
            States::open(&self.states_path(), &self.disk)
                .and_then(|mut states| states.write(&self.disk, &[], &rows))
                .map_err(InstalledError::State)?;
        }
        ledger.remember(now_unix_ms, format!("gave up {}, since its folder had been taken away", pending.what));
        let seal = self.write_seal(seal, &ledger)?;
        Ok((seal, ledger))
    }

    /// Writes the facts of each version into its folder, where that is there: one that somebody deleted is for `doctor`
    /// to name.
    fn write_facts(&self, entries: &[Entry]) -> Result<(), InstalledError> {
        for entry in entries {
            let folder = self.folder(&entry.skill_id, &entry.version);
            let path = folder.join(METADATA);
            // A version of a daemon's may have another form; it is left as it is where it says the same.
            let same = || matches!(read_metadata(&path), Ok(Some(known)) if known == *entry);
            if is_folder(&folder) && !same() {
                self.disk.replace(&path, &metadata(entry)).map_err(unwritable(&path))?;
            }
        }
        Ok(())
    }

    /// Takes the steps of what is under way, each where it was not taken yet. The caller holds the lock.
    fn take_steps(
        &self,
        seal: Seal,
        mut ledger: Ledger,
        new_index: Option<Exchanged<'_>>,
    ) -> Result<(Seal, Ledger), InstalledError> {
        let Some(pending) = ledger.pending.take() else { return Ok((seal, ledger)) };
        let skill = self.root.join(&pending.skill_id);
        if let Some(version) = &pending.placed {
            let (from, to) = (skill.join(staged(version)), skill.join(version));
            // Where the staged one is gone, it was moved.
            if is_folder(&from) {
                // Not over what somebody put there meanwhile.
                if fs::symlink_metadata(&to).is_ok() {
                    return Err(InstalledError::InTheWay { path: to });
                }
                self.disk.rename(&from, &to).map_err(unwritable(&to))?;
            }
        }
        for version in &pending.dropped {
            let (from, to) = (skill.join(version), skill.join(removed(version)));
            if fs::symlink_metadata(&from).is_ok() {
                self.disk.remove_folder(&to).map_err(unwritable(&to))?;
                self.disk.rename(&from, &to).map_err(unwritable(&to))?;
            }
            self.disk.remove_folder(&to).map_err(unwritable(&to))?;
        }
        if let Some(entries) = &pending.entries {
            self.write_facts(entries)?;
            self.point(&skill, entries.iter().find(|entry| entry.current))?;
            self.step_index(&ledger, &pending, entries, new_index)?;
        }
        self.disk
            .append(&self.log_path(), ledger.log.bytes, pending.lines.as_bytes())
            .map_err(unwritable(&self.log_path()))?;
        if !pending.states.is_empty() || !pending.forgotten.is_empty() {
            States::open(&self.states_path(), &self.disk)
                .and_then(|mut states| states.write(&self.disk, &pending.states, &pending.forgotten))
                .map_err(InstalledError::State)?;
        }
        if ledger.index != pending.index_after {
            ledger.previous_index = Some(std::mem::replace(&mut ledger.index, pending.index_after));
        }
        ledger.updated_at_unix_ms = pending.updated_at_unix_ms;
        ledger.log = pending.log_after;
        ledger.states = pending.states_after;
        let seal = self.write_seal(seal, &ledger)?;
        Ok((seal, ledger))
    }

    fn point(&self, skill: &Path, current: Option<&Entry>) -> Result<(), InstalledError> {
        let path = skill.join(CURRENT);
        match current {
            // Somebody deleted the folders of all versions, which is for `doctor` to say.
            Some(_) if !is_folder(skill) => {}
            Some(entry) => {
                let text = format!("{}\n", entry.version);
                let there = POINTER_FILE.read_if_there(&path);
                if !matches!(&there, Ok(Some(there)) if *there == text.as_bytes()) {
                    self.disk.replace(&path, text.as_bytes()).map_err(unwritable(&path))?;
                }
            }
            None => {
                if is_folder(skill) {
                    self.disk.remove(&path).map_err(unwritable(&path))?;
                    // Only where nothing that is not ours lies there.
                    let _ = fs::remove_dir(skill);
                }
            }
        }
        Ok(())
    }

    fn step_index(
        &self,
        ledger: &Ledger,
        pending: &Pending,
        entries: &[Entry],
        new_index: Option<Exchanged<'_>>,
    ) -> Result<(), InstalledError> {
        let path = self.index_path();
        let from;
        let new = match new_index {
            Some(new) => new,
            None => {
                let there = INDEX_FILE.read_if_there(&path).map_err(InstalledError::Read)?;
                let digest = index_digest(there.as_deref());
                if digest == pending.index_after {
                    return Ok(());
                }
                from = match there {
                    Some(there) if digest == ledger.index => there,
                    None if ledger.index == digest => index::write(&[], 0),
                    // Broken by a power cut, or an older one.
                    _ => {
                        let change = Some((&*pending.skill_id, entries));
                        let made = self.index_from_folders(change, pending.updated_at_unix_ms, &pending.index_after)?;
                        return match made {
                            Some(made) => self.disk.replace(&path, &made).map_err(unwritable(&path)),
                            // A person has to look, and is told what to accept.
                            None => Err(self.index_changed(&self.unsealed()?)),
                        };
                    }
                };
                index::exchange(&from, &pending.skill_id, entries, pending.updated_at_unix_ms)
                    .ok_or_else(|| InstalledError::NotAnIndex { path: path.clone() })?
            }
        };
        self.disk.replace_lightly(&path, &new.parts()).map_err(unwritable(&path))
    }

    /// Installs a version and makes it the current one.
    ///
    /// # Errors
    /// [`InstalledError::AlreadyInstalled`], [`Downgrade`](InstalledError::Downgrade),
    /// [`Blocked`](InstalledError::Blocked), [`Moved`](InstalledError::Moved) where another process changed what the
    /// person decided on; what cannot be written.
    pub fn install(&self, new: &NewVersion<'_>) -> Result<Entry, InstalledError> {
        let (skill_id, version) = (&new.entry.skill_id, &new.entry.version);
        check_name(skill_id, version)?;
        for (path, _) in &new.files {
            check_entry_path(path)?;
        }
        let opened = self.begin(self.wait)?;
        let old = index::find(&opened.index, skill_id).unwrap_or_default();
        if let Some(same) = old.iter().find(|entry| entry.version == *version) {
            return Err(InstalledError::AlreadyInstalled {
                skill_id: skill_id.clone(),
                version: version.clone(),
                same_content: same.payload_sha256 == new.entry.payload_sha256,
            });
        }
        if let Some(state) = opened.said.blocks(skill_id, version) {
            return Err(InstalledError::Blocked(Box::new(state.clone())));
        }
        let current = old.iter().find(|entry| entry.current);
        if current.map(|entry| &entry.version) != new.expected_current.as_ref() {
            return Err(InstalledError::Moved { skill_id: skill_id.clone() });
        }
        let highest = old.iter().max_by_key(|entry| entry.order());
        if let Some(highest) = highest.filter(|highest| highest.order() > new.entry.order() && !new.allow_downgrade) {
            return Err(InstalledError::Downgrade {
                skill_id: skill_id.clone(),
                version: version.clone(),
                installed: highest.version.clone(),
            });
        }
        let place = self.folder(skill_id, version);
        if fs::symlink_metadata(&place).is_ok() {
            return Err(InstalledError::InTheWay { path: place });
        }
        let entry = Entry { current: true, installed_at_unix_ms: new.now_unix_ms, ..new.entry.clone() };
        let previous = current.map(|entry| entry.version.clone());
        let mut entries = old;
        for old in &mut entries {
            old.current = false;
        }
        entries.push(entry.clone());
        let mut events = new.events.clone();
        let kind = if previous.is_some() { EventKind::Updated } else { EventKind::Installed };
        events.push(NewEvent {
            kind,
            payload: facts(json!({
                "skill_id": skill_id,
                "version": version,
                "previous_version": previous,
                "publisher": entry.publisher,
                "artifact_sha256": entry.artifact_sha256,
                "payload_sha256": entry.payload_sha256,
                "signature_key_id": entry.signature_key_id,
                "trust_decision": entry.trust_decision,
                "source": entry.source,
                "operator_principal": new.principal,
            })),
        });
        let now = new.now_unix_ms;
        // What a person said of it before stays said.
        let said = self.state(skill_id, version)?.filter(|state| state.reason.is_some());
        let active = said.is_none().then(|| State {
            skill_id: skill_id.clone(),
            version: version.clone(),
            status: Status::Active,
            reason: None,
            detected_at_ms: now,
            operator_principal: new.principal.clone(),
            created_at_unix_ms: now,
            updated_at_unix_ms: now,
        });
        let change = Change {
            what: format!("installing {skill_id} {version}"),
            skill_id: skill_id.clone(),
            placed: Some(version.clone()),
            entries: Some(entries),
            events,
            states: active.into_iter().collect(),
            ..Change::default()
        };
        self.commit(opened, change, now, Some((&entry, new)))?;
        Ok(entry)
    }

    /// Unpacks into a folder beside the place, and reads again what was written.
    fn stage(
        &self,
        seal: Seal,
        mut ledger: Ledger,
        entry: &Entry,
        new: &NewVersion<'_>,
    ) -> Result<(Seal, Ledger), InstalledError> {
        let skill = self.root.join(&entry.skill_id);
        let folder = skill.join(staged(&entry.version));
        ledger.stage = Some(Stage { skill_id: entry.skill_id.clone(), version: entry.version.clone() });
        let seal = self.write_seal(seal, &ledger)?;
        self.disk.private_folder(&skill).map_err(unwritable(&skill))?;
        self.disk.remove_folder(&folder).map_err(unwritable(&folder))?;
        self.disk.make_folder(&folder).map_err(unwritable(&folder))?;
        let facts = metadata(entry);
        let own = [(ARTIFACT, new.artifact), (METADATA, facts.as_slice())];
        let files = new.files.iter().map(|(path, content)| (path.as_str(), content.as_ref()));
        let mut folders = BTreeSet::from([folder.clone()]);
        for (name, content) in own.into_iter().chain(files.clone()) {
            let path = folder.join(name);
            let above: Vec<&Path> = path.ancestors().skip(1).take_while(|above| *above != folder).collect();
            for above in above.into_iter().rev() {
                if folders.insert(above.to_owned()) {
                    self.disk.make_folder(above).map_err(unwritable(above))?;
                }
            }
            self.disk.make(&path, content).map_err(unwritable(&path))?;
        }
        for folder in folders.iter().chain([&skill]) {
            self.disk.sync(folder).map_err(unwritable(folder))?;
        }
        for (name, content) in own.into_iter().chain(files) {
            let path = folder.join(name);
            if INSTALLED_FILE.read(&path).map_err(InstalledError::Read)? != content {
                return Err(InstalledError::FileChanged { files: vec![path] });
            }
        }
        Ok((seal, ledger))
    }

    /// Makes the installed version `to` the current one in place of `from`, the one that was current when the caller looked
    /// whether `to` is whole.
    ///
    /// # Errors
    /// If there is no such version, or it may not be run; [`Moved`](InstalledError::Moved) where another one is current.
    pub fn roll_back(
        &self,
        skill_id: &str,
        from: &str,
        to: &str,
        principal: &str,
        now_unix_ms: i64,
    ) -> Result<(Entry, Entry), InstalledError> {
        let opened = self.begin(self.wait)?;
        let mut entries = index::find(&opened.index, skill_id).unwrap_or_default();
        normalize(&mut entries);
        let current = entries.iter().find(|entry| entry.current && entry.version == from).cloned();
        let from = current.ok_or_else(|| InstalledError::Moved { skill_id: skill_id.to_owned() })?;
        let to = entries.iter().find(|entry| entry.version == to).cloned().ok_or_else(|| {
            InstalledError::NotInstalled { skill_id: skill_id.to_owned(), version: Some(to.to_owned()) }
        });
        let mut to = to?;
        if to.current {
            return Err(InstalledError::IsCurrent { skill_id: skill_id.to_owned(), version: to.version });
        }
        let folder = self.folder(skill_id, &to.version);
        if !is_folder(&folder) {
            return Err(InstalledError::FileChanged { files: vec![folder] });
        }
        if let Some(state) = opened.said.blocks(skill_id, &to.version) {
            return Err(InstalledError::Blocked(Box::new(state.clone())));
        }
        to.current = true;
        for entry in &mut entries {
            entry.current = entry.version == to.version;
        }
        let change = Change {
            what: format!("making {skill_id} {} the current version", to.version),
            skill_id: skill_id.to_owned(),
            entries: Some(entries),
            events: vec![NewEvent {
                kind: EventKind::Updated,
                payload: facts(json!({
                    "skill_id": skill_id,
                    "version": to.version,
                    "previous_version": from.version,
                    "publisher": to.publisher,
                    "artifact_sha256": to.artifact_sha256,
                    "payload_sha256": to.payload_sha256,
                    "signature_key_id": to.signature_key_id,
                    "trust_decision": to.trust_decision,
                    "source": to.source,
                    "operator_principal": principal,
                    "rollback": true,
                })),
            }],
            ..Change::default()
        };
        self.commit(opened, change, now_unix_ms, None)?;
        Ok((from, to))
    }

    /// Removes a version, or all of a skill. Where the current one goes and others stay, the highest of them is current.
    /// Quarantines stay: what is installed again is still quarantined.
    ///
    /// # Errors
    /// If there is no such version.
    pub fn remove(
        &self,
        skill_id: &str,
        version: Option<&str>,
        principal: &str,
        now_unix_ms: i64,
    ) -> Result<Vec<Entry>, InstalledError> {
        let meant = |entry: &Entry| version.is_none_or(|version| entry.version == version);
        let not_installed =
            || InstalledError::NotInstalled { skill_id: skill_id.to_owned(), version: version.map(str::to_owned) };
        // Before anything is written: where nothing is installed, nothing is made for it.
        if !self.known(skill_id, "")?.entries.iter().any(meant) {
            return Err(not_installed());
        }
        let opened = self.begin(self.wait)?;
        let entries = index::find(&opened.index, skill_id).unwrap_or_default();
        let (gone, mut kept): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(meant);
        if gone.is_empty() {
            return Err(not_installed());
        }
        normalize(&mut kept);
        let current = kept.iter().find(|entry| entry.current).map(|entry| entry.version.clone());
        let events = gone.iter().map(|entry| NewEvent {
            kind: EventKind::Removed,
            payload: facts(json!({
                "skill_id": skill_id,
                "version": entry.version,
                "publisher": entry.publisher,
                "payload_sha256": entry.payload_sha256,
                "current_version": current,
                "operator_principal": principal,
            })),
        });
        let versions: Vec<String> = gone.iter().map(|entry| entry.version.clone()).collect();
        let change = Change {
            what: format!("removing {skill_id} {}", versions.join(", ")),
            skill_id: skill_id.to_owned(),
            events: events.collect(),
            forgotten: versions.iter().map(|version| (skill_id.to_owned(), version.clone())).collect(),
            dropped: versions,
            entries: Some(kept),
            ..Change::default()
        };
        self.commit(opened, change, now_unix_ms, None)?;
        Ok(gone)
    }

    /// Gives a version a state; it need not be installed. `also` are events that led to it and come first.
    ///
    /// # Errors
    /// Without a reason or a principal; if it cannot be written.
    pub fn set_state(
        &self,
        skill_id: &str,
        version: &str,
        verdict: &Verdict,
        also: &[NewEvent],
    ) -> Result<State, InstalledError> {
        self.say(skill_id, version, verdict, also, |_| true).map(|(state, _)| state)
    }

    /// [`set_state`](Self::set_state) for what no person says: where anybody gave the version a state with a reason before,
    /// enabling it among that, that word stays, and only `also` is written. Says what the version's state is then, and
    /// whether it is this one.
    ///
    /// # Errors
    /// The same.
    pub fn set_state_where_nobody_did(
        &self,
        skill_id: &str,
        version: &str,
        verdict: &Verdict,
        also: &[NewEvent],
    ) -> Result<(State, bool), InstalledError> {
        self.say(skill_id, version, verdict, also, |before| before.is_none_or(|state| state.reason.is_none()))
    }

    /// Gives a version a state where `may` says so of the one that it has, all while no other process writes.
    fn say(
        &self,
        skill_id: &str,
        version: &str,
        verdict: &Verdict,
        also: &[NewEvent],
        may: impl FnOnce(Option<&State>) -> bool,
    ) -> Result<(State, bool), InstalledError> {
        check_name(skill_id, version)?;
        for (what, words) in [("reason", &verdict.reason), ("principal", &verdict.principal)] {
            if words.trim().is_empty() || words.chars().count() > MAX_WORDS {
                return Err(InstalledError::NoWords { what });
            }
        }
        let opened = self.begin(self.wait)?;
        let before = self.state(skill_id, version)?;
        let now = verdict.now_unix_ms;
        if !may(before.as_ref())
            && let Some(before) = before
        {
            let what = format!("writing to the log about {skill_id} {version}");
            self.commit(opened, Change { what, events: also.to_vec(), ..Change::default() }, now, None)?;
            return Ok((before, false));
        }
        let state = State {
            skill_id: skill_id.to_owned(),
            version: version.to_owned(),
            status: verdict.status,
            reason: Some(verdict.reason.clone()),
            detected_at_ms: match &before {
                // It was found when it was first said.
                Some(before) if before.status == verdict.status => before.detected_at_ms,
                _ => now,
            },
            operator_principal: verdict.principal.clone(),
            created_at_unix_ms: before.as_ref().map_or(now, |before| before.created_at_unix_ms),
            updated_at_unix_ms: now,
        };
        let kind = match verdict.status {
            Status::Active => EventKind::Enabled,
            Status::Quarantined | Status::Disabled => EventKind::Quarantined,
        };
        let mut events = also.to_vec();
        events.push(NewEvent {
            kind,
            payload: facts(json!({
                "skill_id": skill_id,
                "version": version,
                "status": verdict.status.name(),
                "previous_status": before.map_or(Status::Active, |before| before.status).name(),
                "reason": verdict.reason,
                "operator_principal": verdict.principal,
                "override": verdict.status == Status::Active,
            })),
        });
        let change = Change {
            what: format!("{skill_id} {version} becoming {}", verdict.status.name()),
            skill_id: skill_id.to_owned(),
            events,
            states: vec![state.clone()],
            ..Change::default()
        };
        self.commit(opened, change, now, None)?;
        Ok((state, true))
    }

    /// Writes events to the log, and nothing else.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn note(&self, events: Vec<NewEvent>, now_unix_ms: i64) -> Result<(), InstalledError> {
        let opened = self.begin(self.wait)?;
        let change = Change { what: "writing to the log".to_owned(), events, ..Change::default() };
        self.commit(opened, change, now_unix_ms, None)
    }

    /// Takes index, log and states as they are, because a person looked at them and says so. `found` is the digest of
    /// what the person looked at. What was under way is given up. A log whose chain is broken within is set aside under
    /// another name, and a new one begun, and so is a table of states that is none; where there is no index, it is made from
    /// the folders.
    ///
    /// # Errors
    /// [`InstalledError::NotThatOne`] where it is another by now; [`InstalledError::SealFails`] where the secret cannot be
    /// reached and no other is asked for.
    pub fn accept(&self, found: StoreDigest, with: SealWith) -> Result<SetAside, InstalledError> {
        let _lock = self.lock(self.wait)?;
        let record = self.seal.read().map_err(InstalledError::Seal)?;
        let mut view = match self.look() {
            Ok(view) => view,
            // A secret that cannot be reached now may be there in the next session: a person has to say that it is to be
            // another one.
            Err(error @ InstalledError::SealFails { error: SealError::Credentials { .. }, .. })
                if with == SealWith::Same =>
            {
                return Err(error);
            }
            Err(InstalledError::SealFails { .. }) => self.unsealed()?,
            Err(error) => return Err(error),
        };
        if view.found() != found {
            return Err(InstalledError::NotThatOne { named: found, found: view.found() });
        }
        let log = self.set_broken_log_aside()?;
        let states = match view.broken.take() {
            Some(_) => {
                view.states = Said::default().digest();
                self.set_broken_states_aside()?
            }
            None => None,
        };
        self.remove_halves()?;
        // An index that is none, or none at all, says nothing of what the folders hold.
        if view.index.as_deref().and_then(index::parse).is_none() {
            let unreadable = |cause| InstalledError::Read(ReadError::Io { path: self.root.clone(), cause });
            let entries = self.entries_of_folders().map_err(unreadable)?;
            let made = index::write(&entries, now_unix_ms());
            self.check_index(&made)?;
            self.disk.replace(&self.index_path(), &made).map_err(unwritable(&self.index_path()))?;
            view.index = Some(made);
        }
        let (_, mut ledger) = self.adopt(&view)?;
        let old_place = record.as_deref().and_then(SealFile::place);
        let keep = match with {
            SealWith::Same => KeepIn::Either,
            SealWith::CredentialStore => KeepIn::CredentialStore,
            SealWith::SecretFile => KeepIn::File,
        };
        let seal = match view.seal {
            Some((seal, old)) if with == SealWith::Same => {
                ledger.recovered = old.recovered;
                seal
            }
            _ => {
                let (place, secret) = self.seal.new_secret(&self.disk, keep).map_err(InstalledError::Seal)?;
                Seal::first(place, secret, ledger.digest())
            }
        };
        let place: KeyPlace = seal.place.clone();
        self.write_seal(seal, &ledger)?;
        self.seal.tidy(&self.disk, &place, old_place.as_ref());
        Ok(SetAside { log, states })
    }

    /// Removes what interrupted operations left beside the versions. The caller holds the lock.
    fn remove_halves(&self) -> Result<(), InstalledError> {
        let unreadable = |cause| InstalledError::Read(ReadError::Io { path: self.root.clone(), cause });
        for (skill_id, folder) in folders_in(&self.root).map_err(unreadable)? {
            if check_skill_id(&skill_id).is_err() {
                continue;
            }
            for (_, half) in halves_in(&folder).map_err(unreadable)? {
                self.disk.remove_folder(&half).map_err(unwritable(&half))?;
                // Only where nothing else of the skill is there.
                let _ = fs::remove_dir(&folder);
            }
        }
        Ok(())
    }

    /// Nothing can follow on a log whose chain is broken. It is kept, and nobody reads it as the log any more.
    fn set_broken_log_aside(&self) -> Result<Option<PathBuf>, InstalledError> {
        if self.events()?.all(|event| event.is_ok()) {
            return Ok(None);
        }
        self.set_aside(&self.log_path(), |n| format!("audit-broken-{n}.ndjson"))
    }

    fn set_broken_states_aside(&self) -> Result<Option<PathBuf>, InstalledError> {
        let path = self.states_path();
        let aside = self.set_aside(&path, |n| format!("skill-status-broken-{n}.sqlite3"))?;
        // What SQLite keeps beside a table belongs to that one.
        for more in ["-wal", "-shm"] {
            let path = self.root.join(format!("{STATES}{more}"));
            self.disk.remove(&path).map_err(unwritable(&path))?;
        }
        Ok(aside)
    }

    /// Gives a file a name that nothing has.
    fn set_aside(&self, path: &Path, name: impl Fn(u64) -> String) -> Result<Option<PathBuf>, InstalledError> {
        let mut names = (1..).map(|n| self.root.join(name(n)));
        let aside = names.find(|path| fs::symlink_metadata(path).is_err());
        if let Some(aside) = &aside {
            self.disk.rename(path, aside).map_err(unwritable(aside))?;
        }
        Ok(aside)
    }

    /// What is there, whatever the seal says.
    fn unsealed(&self) -> Result<View, InstalledError> {
        let index = INDEX_FILE.read_if_there(&self.index_path()).map_err(InstalledError::Read)?;
        let tail = events::tail(&self.log_path(), None).map_err(InstalledError::Read)?;
        let (said, states, broken) = self.states_there()?;
        let index_digest = index_digest(index.as_deref());
        Ok(View { seal: None, index, index_digest, tail, tail_before: None, said, states, broken })
    }

    /// What `look` gives, with whether all of it is well. What is not is looked at again where another process was at work
    /// meanwhile: it is not wrong what is just being changed.
    fn settled<T>(&self, look: impl Fn() -> Result<(T, bool), InstalledError>) -> Result<T, InstalledError> {
        for _ in 0..READS {
            let before = self.seal.read().map_err(InstalledError::Seal)?;
            let (found, well) = look()?;
            if well {
                return Ok(found);
            }
            let view = self.look()?;
            let quiet = view.seal.is_none_or(|(_, ledger)| ledger.pending.is_none() && ledger.stage.is_none());
            if quiet && before == self.seal.read().map_err(InstalledError::Seal)? {
                return Ok(found);
            }
            match self.lock(self.wait) {
                // It is done.
                Ok(lock) => drop(lock),
                Err(busy @ InstalledError::Busy { .. }) => return Err(busy),
                // Nobody can be at work here.
                Err(_) => return Ok(found),
            }
        }
        Err(InstalledError::Busy { path: self.index_path(), waited: Duration::ZERO })
    }

    /// What is wrong with the pointer of an installed skill to its current version, if anything: a daemon goes by it.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub fn pointer(&self, skill_id: &str) -> Result<Option<WrongPointer>, InstalledError> {
        self.settled(|| {
            let known = self.known(skill_id, "")?;
            let wrong = known.entries.iter().find(|entry| entry.current).and_then(|entry| self.wrong_pointer(entry));
            let well = wrong.is_none();
            Ok((wrong, well))
        })
    }

    /// What is wrong with the pointer to `current`.
    fn wrong_pointer(&self, current: &Entry) -> Option<WrongPointer> {
        let skill = self.root.join(&current.skill_id);
        let path = skill.join(CURRENT);
        let says = match POINTER_FILE.read_if_there(&path) {
            Ok(Some(bytes)) => Some(String::from_utf8_lossy(&bytes).trim().to_owned()),
            _ => None,
        };
        // Where the folder of the skill is gone that is said, and no more.
        let well = says.as_ref() == Some(&current.version) || !is_folder(&skill);
        (!well).then(|| WrongPointer { path, says, current: current.version.clone() })
    }

    /// Looks at all of it: folders that the index does not know or that are missing, pointers, and the whole chain of the
    /// log.
    ///
    /// # Errors
    /// What is not what Skillyard wrote.
    pub fn examine(&self) -> Result<Examined, InstalledError> {
        self.settled(|| {
            let examined = self.examine_now()?;
            let well = examined.unknown.is_empty() && examined.missing.is_empty() && examined.pointers.is_empty();
            Ok((examined, well))
        })
    }

    fn examine_now(&self) -> Result<Examined, InstalledError> {
        let snapshot = self.read()?;
        let unreadable = |cause| InstalledError::Read(ReadError::Io { path: self.root.clone(), cause });
        let mut unknown = Vec::new();
        let known: BTreeSet<(&str, &str)> =
            snapshot.entries.iter().map(|entry| (entry.skill_id.as_str(), entry.version.as_str())).collect();
        if self.root.exists() {
            for (skill_id, folder) in folders_in(&self.root).map_err(unreadable)? {
                for (version, folder) in folders_in(&folder).map_err(unreadable)? {
                    if !known.contains(&(skill_id.as_str(), version.as_str())) {
                        unknown.push(folder);
                    }
                }
                unknown.extend(halves_in(&folder).map_err(unreadable)?.into_iter().map(|(_, half)| half));
            }
        }
        let is_there = |entry: &&Entry| {
            self.refuse_links(&entry.skill_id, &[&entry.version]).is_ok()
                && has_facts(&self.folder(&entry.skill_id, &entry.version).join(METADATA), entry)
        };
        let missing = snapshot.entries.iter().filter(|entry| !is_there(entry));
        let missing = missing.map(|entry| self.folder(&entry.skill_id, &entry.version)).collect();
        let current = snapshot.entries.iter().filter(|entry| entry.current);
        let pointers = current.filter_map(|entry| self.wrong_pointer(entry)).collect();
        let mut log = self.events()?;
        let (mut lines, mut foreign) = (0, 0);
        for event in log.by_ref() {
            let event = event.map_err(|fault| InstalledError::LogChanged {
                root: self.root.clone(),
                fault,
                found: snapshot.digest.unwrap_or(StoreDigest::Missing),
            })?;
            lines += 1;
            foreign += u64::from(!event.chained);
        }
        Ok(Examined { snapshot, unknown, missing, pointers, lines, foreign })
    }
}

/// What was set aside when a person took what is there as it is: it is kept, and nobody reads it any more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SetAside {
    /// A log whose chain is broken.
    pub log: Option<PathBuf>,
    /// A table of states that is none.
    pub states: Option<PathBuf>,
}

/// What a look at everything gave.
#[derive(Clone, PartialEq, Debug)]
pub struct Examined {
    /// What is installed.
    pub snapshot: Snapshot,
    /// Folders that the index does not list.
    pub unknown: Vec<PathBuf>,
    /// Folders of listed versions that are missing, or whose facts are others than the index says.
    pub missing: Vec<PathBuf>,
    /// Pointers that do not name the version that is current.
    pub pointers: Vec<WrongPointer>,
    /// How many lines the log has.
    pub lines: u64,
    /// How many of them Skillyard did not write.
    pub foreign: u64,
}

/// A pointer to a skill's current version that does not name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrongPointer {
    /// The file.
    pub path: PathBuf,
    /// What it says; nothing where it cannot be read.
    pub says: Option<String>,
    /// The version that is current.
    pub current: String,
}

impl fmt::Display for WrongPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.says {
            Some(says) => write!(f, "{} names {}", Shown(&self.path), skillyard_manifest::quoted(says))?,
            None => write!(f, "{} is missing or no file to be read", Shown(&self.path))?,
        }
        write!(f, ", and {} is current: a daemon goes by this file. Write {} into it", self.current, self.current)
    }
}

fn staged(version: &str) -> String {
    format!(".staging-{version}")
}

fn removed(version: &str) -> String {
    format!(".removed-{version}")
}

fn facts(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What is kept under the seal.
fn note_of(ledger: &Ledger) -> io::Result<String> {
    serde_json::to_string(ledger).map_err(io::Error::from)
}

fn metadata(entry: &Entry) -> Vec<u8> {
    let document = Metadata { schema_version: 1, entry: entry.clone() };
    // Strings and numbers always serialize.
    let mut text = serde_json::to_vec_pretty(&document).unwrap_or_default();
    text.push(b'\n');
    text
}

/// The facts in a file; nothing where it is missing or holds none.
fn read_metadata(path: &Path) -> Result<Option<Entry>, ReadError> {
    let Some(bytes) = METADATA_FILE.read_if_there(path)? else { return Ok(None) };
    let document: Option<Metadata> = serde_json::from_slice(&bytes).ok();
    Ok(document.filter(|document| document.schema_version == 1).map(|document| document.entry))
}

/// Whether the facts in a file are those of an entry. Which version is current is for the index to say, and another process
/// may just be changing it.
fn has_facts(path: &Path, entry: &Entry) -> bool {
    matches!(read_metadata(path), Ok(Some(known)) if Entry { current: entry.current, ..known.clone() } == *entry)
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

/// Whether a folder lies there. A link to one is none.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// The folders in a folder by name, those with a dot in front left out; none where it is missing. Links are no folders.
fn folders_in(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    Ok(all_folders_in(folder)?.into_iter().filter(|(name, _)| !name.starts_with('.')).collect())
}

/// The folders in a skill's folder that an operation is under way in, or was interrupted in.
fn halves_in(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let half = |name: &str| [staged(""), removed("")].iter().any(|before| name.starts_with(before));
    Ok(all_folders_in(folder)?.into_iter().filter(|(name, _)| half(name)).collect())
}

fn all_folders_in(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.file_type()?.is_dir() {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// The paths of everything below `folder` that is no folder, with `/` between.
fn files_below(folder: &Path, before: &str, found: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        // An artifact's paths are bounded, and so is what was made of them; a deeper folder is somebody else's.
        if entry.file_type()?.is_dir() && name.len() < 4096 {
            files_below(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.insert(name);
        }
    }
    Ok(())
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> InstalledError {
    let path = path.to_owned();
    move |cause| InstalledError::Write { path, cause }
}

fn now_unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Names of devices on Windows, whatever stands behind their first dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Refuses a skill id or a version that nothing can be installed under.
///
/// # Errors
/// [`InstalledError::BadName`], which says why.
pub fn check_name(skill_id: &str, version: &str) -> Result<(), InstalledError> {
    check_skill_id(skill_id)?;
    check_version(version)
}

fn check_skill_id(skill_id: &str) -> Result<(), InstalledError> {
    let bad = |why| Err(InstalledError::BadName { what: "skill id", name: skill_id.to_owned(), why });
    if !grammar::is_skill_id(skill_id) || skill_id.trim() != skill_id {
        return bad("it is none");
    }
    let first = skill_id.split('.').next().unwrap_or_default();
    let numbered = |device: &str| {
        first.strip_prefix(device).is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let taken =
        |name: &&str| skill_id.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']));
    if TAKEN.iter().any(taken) || DEVICES.contains(&first) || numbered("com") || numbered("lpt") {
        return bad("no folder can have this name");
    }
    if skill_id.len() > 200 {
        return bad("it is longer than 200 characters");
    }
    Ok(())
}

fn check_version(version: &str) -> Result<(), InstalledError> {
    match Version::parse(version) {
        Some(parsed) if parsed.to_string() == version => Ok(()),
        _ => Err(InstalledError::BadName {
            what: "version",
            name: version.to_owned(),
            why: "write three numbers without leading zeros, such as 1.2.0",
        }),
    }
}

/// What an artifact's reader lets through is fine; this holds whoever else calls.
fn check_entry_path(path: &str) -> Result<(), InstalledError> {
    let good = !path.is_empty()
        && !path.contains(['\\', ':', '\0'])
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && ![ARTIFACT, METADATA].contains(&path);
    if good {
        return Ok(());
    }
    Err(InstalledError::BadName { what: "path", name: path.to_owned(), why: "nothing is unpacked to it" })
}

/// Why the installed skills were not read or changed.
#[derive(Debug)]
pub enum InstalledError {
    /// A file cannot be read.
    Read(ReadError),
    /// A file or folder cannot be written. What was begun is finished or undone the next time.
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The lock cannot be taken. Nothing was begun.
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process is at work.
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// The seal cannot be read or written.
    Seal(SealError),
    /// The seal cannot be checked.
    SealFails {
        /// The root.
        root: PathBuf,
        /// The digest of what is there.
        found: StoreDigest,
        /// Why.
        error: SealError,
    },
    /// The table of states does not do.
    State(StateError),
    /// The table of states is not the one that Skillyard wrote.
    StatesChanged {
        /// The root.
        root: PathBuf,
        /// The digest of what is there.
        found: StoreDigest,
    },
    /// The table of states is none.
    StatesBroken {
        /// The root.
        root: PathBuf,
        /// The digest of what is there.
        found: StoreDigest,
        /// What is the matter with it.
        why: String,
    },
    /// The event log is not the one that Skillyard wrote.
    LogChanged {
        /// The root.
        root: PathBuf,
        /// What is the matter with it.
        fault: LogFault,
        /// The digest of what is there.
        found: StoreDigest,
    },
    /// The index is not the one that Skillyard wrote.
    IndexChanged {
        /// The root.
        root: PathBuf,
        /// Some of the versions that it says other things of than their folders.
        differs: Vec<String>,
        /// The digest of what is there.
        found: StoreDigest,
    },
    /// Everything is older than what Skillyard wrote last.
    OldCopy {
        /// The root.
        root: PathBuf,
        /// The digest of what is there.
        found: StoreDigest,
        /// Whether there is no index at all.
        gone: bool,
    },
    /// The index is none.
    NotAnIndex {
        /// The file.
        path: PathBuf,
    },
    /// Installed files are not as they were installed.
    FileChanged {
        /// Which.
        files: Vec<PathBuf>,
    },
    /// A link stands where Skillyard made a folder.
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A name that nothing is installed under.
    BadName {
        /// Of what.
        what: &'static str,
        /// The name.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// The version is installed already.
    AlreadyInstalled {
        /// The skill.
        skill_id: String,
        /// The version.
        version: String,
        /// Whether it is the very same.
        same_content: bool,
    },
    /// A higher version is installed.
    Downgrade {
        /// The skill.
        skill_id: String,
        /// The version that was to be installed.
        version: String,
        /// The highest that is.
        installed: String,
    },
    /// It is not installed.
    NotInstalled {
        /// The skill.
        skill_id: String,
        /// The version, where one was named.
        version: Option<String>,
    },
    /// It is the current version already.
    IsCurrent {
        /// The skill.
        skill_id: String,
        /// The version.
        version: String,
    },
    /// There is no version to go back to.
    NothingBelow {
        /// The skill.
        skill_id: String,
        /// The current version.
        version: String,
    },
    /// The version may not be run.
    Blocked(Box<State>),
    /// Something that Skillyard does not know lies where the version would.
    InTheWay {
        /// What.
        path: PathBuf,
    },
    /// Another process changed what a person decided on.
    Moved {
        /// The skill.
        skill_id: String,
    },
    /// A file would become larger than it is ever read again. Nothing was changed.
    TooMuch {
        /// The file.
        path: PathBuf,
        /// How large it would be, in bytes.
        bytes: u64,
        /// How large it may be, in bytes.
        limit: u64,
    },
    /// What was unpacked to be installed was taken away before it came into its place.
    StagedFolderTaken {
        /// The skill's folder.
        path: PathBuf,
    },
    /// A word is missing or too long.
    NoWords {
        /// Which.
        what: &'static str,
    },
    /// A person accepted other things than are there.
    NotThatOne {
        /// What the person named.
        named: StoreDigest,
        /// What is there.
        found: StoreDigest,
    },
}

/// Refuses what would be larger than its reader takes.
fn fits(path: PathBuf, bytes: u64, limit: u64) -> Result<(), InstalledError> {
    if bytes > limit { Err(InstalledError::TooMuch { path, bytes, limit }) } else { Ok(()) }
}

/// The command by which a person accepts what is there, for a file in the root or for the root itself.
struct Accept<'a> {
    root: &'a Path,
    found: &'a StoreDigest,
    seal: SealWith,
}

impl<'a> Accept<'a> {
    /// Without another secret.
    fn new(root: &'a Path, found: &'a StoreDigest) -> Self {
        Self { root, found, seal: SealWith::Same }
    }
}

impl fmt::Display for Accept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = show::shell_word(&self.root.to_string_lossy());
        let seal = if self.seal == SealWith::SecretFile { " --seal secret-file" } else { "" };
        write!(f, "`skillyard log --skills-dir {root} --accept {}{seal}`", self.found)
    }
}

/// What to do about a change that somebody else made.
struct LookAtIt<'a>(Accept<'a>);

impl fmt::Display for LookAtIt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "look at it; if it is right as it is, run {}", self.0)
    }
}

impl InstalledError {
    /// Whether something else than Skillyard changed index, log, states or seal: they were looked at, and are not to be
    /// believed.
    #[must_use]
    pub fn is_change(&self) -> bool {
        matches!(
            self,
            Self::SealFails { .. }
                | Self::StatesChanged { .. }
                | Self::StatesBroken { .. }
                | Self::LogChanged { .. }
                | Self::IndexChanged { .. }
                | Self::OldCopy { .. }
                | Self::NotAnIndex { .. }
        )
    }
}

impl fmt::Display for InstalledError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = skillyard_manifest::quoted;
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Write { path, cause } => {
                write!(f, "{}: {cause}. What was begun is finished or undone the next time", Shown(path))
            }
            Self::Lock { path, cause } => write!(
                f,
                "{}: {cause}. Nothing was begun: it is the lock, and where something else than a file is in its place, that \
                 has to go",
                Shown(path)
            ),
            Self::Busy { path, waited } => write!(
                f,
                "{} is in use by another process (waited {} seconds): try again when it is done",
                Shown(path),
                waited.as_secs()
            ),
            Self::Seal(error) => error.fmt(f),
            Self::SealFails { root, found, error } => {
                let seal =
                    if matches!(error, SealError::Credentials { .. }) { SealWith::SecretFile } else { SealWith::Same };
                let look = LookAtIt(Accept { root, found, seal });
                write!(f, "{error}. It guards what is installed in {}: {look}", Shown(root))
            }
            Self::State(error) => error.fmt(f),
            Self::StatesChanged { root, found } => write!(
                f,
                "the states of skills in {} were changed by something else than Skillyard, so a quarantine may be \
                 missing: {}",
                Shown(&root.join(STATES)),
                LookAtIt(Accept::new(root, found))
            ),
            Self::StatesBroken { root, found, why } => write!(
                f,
                "{why}, so a quarantine may be missing. Put the file back that was there; if it is lost, run {}, which sets \
                 it aside and begins a new one in which nothing is quarantined",
                Accept::new(root, found)
            ),
            Self::LogChanged { root, fault, found } => {
                write!(f, "the event log was changed: {fault}: {}", LookAtIt(Accept::new(root, found)))
            }
            Self::IndexChanged { root, differs, found } => {
                write!(f, "the index {} was changed by something else than Skillyard", Shown(&root.join(INDEX)))?;
                if !differs.is_empty() {
                    let differs: Vec<String> = differs.iter().map(|name| quoted(name)).collect();
                    write!(f, " (it and the folders differ about {})", differs.join(", "))?;
                }
                write!(f, ": {}", LookAtIt(Accept::new(root, found)))
            }
            Self::OldCopy { root, found, gone: false } => write!(
                f,
                "what is installed in {} was restored from an older copy: index and log end before what Skillyard \
                 wrote last, so a quarantine or a removal may be missing: {}",
                Shown(root),
                LookAtIt(Accept::new(root, found))
            ),
            Self::OldCopy { root, found, gone: true } => write!(
                f,
                "what Skillyard installed in {} is gone. Put it back; if nothing is to be installed there, run {}",
                Shown(root),
                Accept::new(root, found)
            ),
            Self::NotAnIndex { path } => {
                write!(f, "{} is no index of installed skills, and was left as it is", Shown(path))
            }
            Self::FileChanged { files } => {
                let names: Vec<String> = files.iter().take(3).map(|file| Shown(file).to_string()).collect();
                let more = files.len().saturating_sub(names.len());
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                write!(
                    f,
                    "{}{more} changed since it was installed: remove the version and install it again",
                    names.join(", ")
                )
            }
            Self::Link { path } => write!(
                f,
                "{} changed since it was installed: a link stands in place of the folder. Put the folder back; where it is \
                 lost, remove the link and then what was installed there",
                Shown(path)
            ),
            Self::BadName { what, name, why } => {
                write!(f, "{} does not do as the {what} of an installed skill: {why}", quoted(name))
            }
            Self::AlreadyInstalled { skill_id, version, same_content: true } => {
                write!(f, "{} {version} is installed already", quoted(skill_id))
            }
            Self::AlreadyInstalled { skill_id, version, same_content: false } => write!(
                f,
                "{} {version} is installed already, with other content: a version is published once. Ask the \
                 publisher; to exchange it, `skillyard remove` it first",
                quoted(skill_id)
            ),
            Self::Downgrade { skill_id, version, installed } => write!(
                f,
                "{} {installed} is installed, and {version} is older: an older version may lack what was repaired \
                 since. --allow-downgrade installs it anyway",
                quoted(skill_id)
            ),
            Self::NotInstalled { skill_id, version: None } => write!(f, "{} is not installed", quoted(skill_id)),
            Self::NotInstalled { skill_id, version: Some(version) } => {
                write!(f, "{} {} is not installed", quoted(skill_id), quoted(version))
            }
            Self::IsCurrent { skill_id, version } => {
                write!(f, "{version} is the current version of {} already", quoted(skill_id))
            }
            Self::NothingBelow { skill_id, version } => {
                write!(f, "no version of {} below {version} is installed", quoted(skill_id))
            }
            Self::Blocked(state) => {
                write!(f, "{} {} is {}", quoted(&state.skill_id), quoted(&state.version), state.status.name())?;
                if let Some(reason) = &state.reason {
                    write!(f, " by {}: {}", quoted(&state.operator_principal), quoted(reason))?;
                }
                write!(f, ". `skillyard enable` says how to end that")
            }
            Self::InTheWay { path } => {
                write!(f, "{} is there, and the index does not know it: move it away first", Shown(path))
            }
            Self::Moved { skill_id } => {
                write!(f, "another process changed what is installed of {} just now: look again", quoted(skill_id))
            }
            Self::TooMuch { path, bytes, limit } => write!(
                f,
                "{} would have {bytes} bytes, and {limit} are the most: nothing was changed. Remove versions that nobody \
                 needs; where it is about one version, ask its publisher for one that wants fewer secrets",
                Shown(path)
            ),
            Self::StagedFolderTaken { path } => write!(
                f,
                "something else took away what was being unpacked in {}: nothing was installed; try again",
                Shown(path)
            ),
            Self::NoWords { what } => write!(f, "the {what} must have 1 to {MAX_WORDS} characters"),
            Self::NotThatOne { named, found } => {
                write!(f, "what is installed is {found}, not {named}: look at it again before you accept it")
            }
        }
    }
}

impl std::error::Error for InstalledError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Write { cause, .. } | Self::Lock { cause, .. } => Some(cause),
            Self::Seal(error) | Self::SealFails { error, .. } => Some(error),
            Self::State(error) => Some(error),
            Self::LogChanged { fault, .. } => Some(fault),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
