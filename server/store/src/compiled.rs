//! Compiled modules, so that the second run of a tool starts at once.
//!
//! Whoever runs a compiled module runs machine code, so an entry is believed only with a seal: a record beside it with
//! the key, the length and the BLAKE3 digest of the bytes under an HMAC-SHA-256, keyed with 32 random bytes of this
//! person's own in a file of the *state* folder. [`CompiledCache::lookup`] checks all of that but the digest and reads
//! none of the bytes; whoever uses the bytes checks the digest over just those that it uses, and says so with
//! [`CompiledCache::discard`] where it does not hold.
//!
//! An entry is two files, named by the SHA-256 of its key: `ID.json`, the record, and `ID-DIGEST.bin`, the bytes, whose
//! name changes with them: a record never stands beside other bytes than its own. A record is written last and removed
//! first. Its time of change is that of the entry's last use.
//!
//! What this holds against: whoever can put files into the cache's folder (a cache restored from elsewhere, a shared
//! disk). It does not hold against a program that runs as the same person and reads the secret.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use skillyard_artifact::integrity::{hex, sha256};
use zeroize::Zeroizing;

use crate::{
    durable::{Disk, ReadError, Reading, refuse_open, refuse_others},
    lock::Lock,
    seal::unhex,
    shown::Shown,
};

/// How many bytes are kept where nobody says otherwise: 1 GiB.
pub const DEFAULT_LIMIT_BYTES: u64 = 1 << 30;

const RECORD: Reading = Reading { limit: 4 << 10, follow: false, secret: false };
const SECRET: Reading = Reading { limit: 1 << 10, follow: false, secret: true };
const SECRET_BYTES: usize = 32;
/// The name of the lock's file in the cache's folder.
const LOCK: &str = ".lock";
/// How long a person who empties the cache waits for another process.
const WAIT: Duration = Duration::from_secs(60);
/// How long another process is waited for where a module is kept: not being kept costs the next call its compilation.
const INSERT: Duration = Duration::from_secs(1);
/// How often whoever keeps a module looks whether it is still to wait.
const PACE: Duration = Duration::from_millis(20);

/// How long a look-up that found something broken waits for a process that may just be exchanging it: much less than
/// compiling takes.
const EXCHANGE: Duration = Duration::from_secs(1);

/// What a compiled module is found by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CacheKey {
    /// The SHA-256 of the module's bytes.
    pub module_sha256: [u8; 32],
    /// Everything else that compiled code depends on: the engine, its version, its settings, the processor's features.
    pub engine: String,
}

impl CacheKey {
    /// The name of the entry's files.
    fn id(&self) -> String {
        let mut text = Vec::with_capacity(32 + self.engine.len());
        // Of fixed length, so that the two cannot be divided otherwise.
        text.extend(self.module_sha256);
        text.extend(self.engine.as_bytes());
        hex(&sha256(&text))
    }
}

/// A compiled module whose seal has held. Its bytes have not been looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The file with the compiled bytes. It can go at any time: that it does not open is a miss.
    pub path: PathBuf,
    /// The BLAKE3 digest that the bytes must have.
    pub digest: [u8; 32],
    /// How many bytes there are.
    pub length: u64,
}

/// How full the cache is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CacheInfo {
    /// Its folder, which may not exist yet.
    pub folder: PathBuf,
    /// How many modules are in it.
    pub entries: u64,
    /// How many bytes they take.
    pub bytes: u64,
    /// How many they may take.
    pub limit_bytes: u64,
}

/// What was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cleared {
    /// How many modules.
    pub entries: u64,
    /// How many bytes.
    pub bytes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    schema_version: u32,
    module_sha256: String,
    engine: String,
    length: u64,
    blake3: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    entry: Body,
    hmac_sha256: String,
}

/// The files of one id, as far as they are there.
#[derive(Default)]
struct Files {
    record: Option<(PathBuf, SystemTime)>,
    others: Vec<PathBuf>,
    bytes: u64,
}

/// The cache of one person. Any number of processes may use it at once.
#[derive(Debug)]
pub struct CompiledCache {
    folder: PathBuf,
    secret: PathBuf,
    limit: u64,
    disk: Disk,
}

impl CompiledCache {
    /// The one at `folder`, sealed with the secret in the file `secret`, holding `limit` bytes at most. Both are made
    /// when something is kept; until then nothing is written.
    ///
    /// # Errors
    /// [`CacheError::Unsafe`] where others can write to the folder or read the secret: then nothing in it is to be run.
    pub fn open(folder: &Path, secret: &Path, limit: u64) -> Result<Self, CacheError> {
        let cache = Self { folder: folder.to_owned(), secret: secret.to_owned(), limit, disk: Disk::default() };
        cache.check_folder()?;
        match cache.read_secret() {
            Err(error @ ReadError::OpenToOthers { .. }) => Err(CacheError::Unsafe(error)),
            // What else is the matter with it is seen when something is kept; until then everything is a miss.
            _ => Ok(cache),
        }
    }

    /// Where the compiled form of `key` is, if the cache has it; that it was used is remembered. An entry that is
    /// broken, half, of another key or sealed by somebody else is none, and goes.
    #[must_use]
    pub fn lookup(&self, key: &CacheKey) -> Option<Entry> {
        self.check_folder().ok()?;
        let secret = self.read_secret().ok()??;
        let id = key.id();
        match self.read_entry(&id, key, &secret) {
            Ok(found) => {
                let entry = found?;
                // That it cannot be noted makes the entry look older, no more.
                let record = fs::OpenOptions::new().write(true).open(self.record_path(&id));
                let _ = record.and_then(|record| record.set_modified(SystemTime::now()));
                Some(entry)
            }
            Err(Broken) => {
                // Another process may just be exchanging it: with the lock nobody is, and it is looked at again.
                if let Ok(Some(_lock)) = Lock::exclusive(&self.folder.join(LOCK), EXCHANGE) {
                    match self.read_entry(&id, key, &secret) {
                        Ok(found) => return found,
                        Err(Broken) => self.remove_id(&id),
                    }
                }
                None
            }
        }
    }

    /// Keeps `compiled` as the compiled form of `key`, in place of what was there, and lets go of what was not used for
    /// longest where there is no room. Another process that writes is waited for a second at most, and only while
    /// `goes_on`; nothing is written where that says no.
    ///
    /// # Errors
    /// [`CacheError::TooLarge`] for more bytes than all may take together; [`CacheError::Busy`]; where it cannot be
    /// written.
    pub fn insert(&self, key: &CacheKey, compiled: &[u8], goes_on: &dyn Fn() -> bool) -> Result<Entry, CacheError> {
        let length = compiled.len() as u64;
        if length > self.limit {
            return Err(CacheError::TooLarge { bytes: length, limit: self.limit });
        }
        self.disk
            .private_folder(&self.folder)
            .map_err(|cause| CacheError::Write { path: self.folder.clone(), cause })?;
        self.check_folder()?;
        let _lock = self.lock_while(goes_on)?;
        let secret = self.secret_or_new()?;

        let id = key.id();
        let digest = *blake3::hash(compiled).as_bytes();
        let (record_path, path) = (self.record_path(&id), self.bytes_path(&id, &digest));
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |cause| CacheError::Write { path, cause }
        };
        let body = Body {
            schema_version: 1,
            module_sha256: hex(&key.module_sha256),
            engine: key.engine.clone(),
            length,
            blake3: hex(&digest),
        };
        let no_seal = || unwritable(&record_path)(io::Error::other("the seal cannot be computed"));
        let tag = mac(&body, &secret).ok_or_else(no_seal)?.finalize().into_bytes();
        let record = Record { entry: body, hmac_sha256: hex(&tag) };
        let text = serde_json::to_vec(&record).map_err(|_| no_seal())?;
        // Room is made before it is needed. What is there of this key counts as gone.
        let old = self.files_of(&id);
        self.make_room(self.limit.saturating_sub(length.saturating_add(text.len() as u64)), &id)?;
        self.disk.replace(&path, compiled).map_err(unwritable(&path))?;
        self.disk.replace(&record_path, &text).map_err(unwritable(&record_path))?;
        for other in old.others.iter().filter(|other| **other != path) {
            // It opens nothing any more; what cannot be removed now is removed when room is made.
            let _ = self.disk.remove(other);
        }
        Ok(Entry { path, digest, length })
    }

    /// Removes the entry of `key`, whose bytes turned out to be others than its seal says; waits as [`insert`] does.
    ///
    /// [`insert`]: Self::insert
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn discard(&self, key: &CacheKey, goes_on: &dyn Fn() -> bool) -> Result<(), CacheError> {
        if !self.folder.exists() {
            return Ok(());
        }
        self.check_folder()?;
        let _lock = self.lock_while(goes_on)?;
        self.remove_id(&key.id());
        let record = self.record_path(&key.id());
        match fs::symlink_metadata(&record) {
            Ok(_) => Err(CacheError::Write { path: record, cause: io::Error::other("it cannot be removed") }),
            Err(_) => Ok(()),
        }
    }

    /// How full it is.
    ///
    /// # Errors
    /// If its folder cannot be listed.
    pub fn info(&self) -> Result<CacheInfo, CacheError> {
        let files = self.files()?;
        Ok(CacheInfo {
            folder: self.folder.clone(),
            entries: files.values().filter(|files| files.record.is_some()).count() as u64,
            bytes: files.values().map(|files| files.bytes).sum(),
            limit_bytes: self.limit,
        })
    }

    /// Removes everything. The secret stays.
    ///
    /// # Errors
    /// If its folder cannot be listed, or a file cannot be removed.
    pub fn clear(&self) -> Result<Cleared, CacheError> {
        if !self.folder.exists() {
            return Ok(Cleared::default());
        }
        self.check_folder()?;
        let _lock = self.lock()?;
        let mut cleared = Cleared::default();
        for files in self.files()?.into_values() {
            cleared.entries += u64::from(files.record.is_some());
            cleared.bytes += files.bytes;
            self.remove(&files)?;
        }
        Ok(cleared)
    }

    /// Others must not be able to write here: whoever can, chooses what a person runs.
    fn check_folder(&self) -> Result<(), CacheError> {
        match fs::symlink_metadata(&self.folder) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(cause) => Err(CacheError::Unsafe(ReadError::Io { path: self.folder.clone(), cause })),
            Ok(metadata) if metadata.is_symlink() => {
                Err(CacheError::Unsafe(ReadError::Link { path: self.folder.clone() }))
            }
            Ok(metadata) => {
                refuse_open(&self.folder, &metadata, 0o022).map_err(CacheError::Unsafe)?;
                refuse_others(&self.folder, &metadata).map_err(CacheError::Unsafe)
            }
        }
    }

    /// Nothing where there is none yet, or it is no secret.
    fn read_secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        let secret = SECRET.read_if_there(&self.secret)?.map(Zeroizing::new);
        Ok(secret.filter(|secret| secret.len() == SECRET_BYTES))
    }

    /// The caller holds the lock.
    fn secret_or_new(&self) -> Result<Zeroizing<Vec<u8>>, CacheError> {
        match self.read_secret() {
            Ok(Some(secret)) => return Ok(secret),
            Ok(None) => {}
            Err(error) => return Err(CacheError::Unsafe(error)),
        }
        let mut secret = Zeroizing::new(vec![0; SECRET_BYTES]);
        getrandom::fill(&mut secret).map_err(|cause| CacheError::NoRandomness { reason: cause.to_string() })?;
        let folder = self.secret.parent().unwrap_or(Path::new(""));
        let written = self.disk.private_folder(folder).and_then(|()| self.disk.replace(&self.secret, &secret));
        written.map_err(|cause| CacheError::Write { path: self.secret.clone(), cause })?;
        Ok(secret)
    }

    fn lock(&self) -> Result<Lock, CacheError> {
        let path = self.folder.join(LOCK);
        match Lock::exclusive(&path, WAIT) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(CacheError::Busy { path, waited: WAIT }),
            Err(cause) => Err(CacheError::Write { path, cause }),
        }
    }

    fn lock_while(&self, goes_on: &dyn Fn() -> bool) -> Result<Lock, CacheError> {
        let path = self.folder.join(LOCK);
        let began = Instant::now();
        while goes_on() {
            match Lock::exclusive(&path, Duration::ZERO) {
                Ok(Some(lock)) => return Ok(lock),
                Ok(None) if began.elapsed() >= INSERT => break,
                Ok(None) => thread::sleep(PACE),
                Err(cause) => return Err(CacheError::Write { path, cause }),
            }
        }
        Err(CacheError::Busy { path, waited: began.elapsed() })
    }

    fn record_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn bytes_path(&self, id: &str, digest: &[u8; 32]) -> PathBuf {
        self.folder.join(format!("{id}-{}.bin", hex(digest.get(..8).unwrap_or(digest))))
    }

    /// The entry of `id` if its seal holds and bytes of the right length are there; nothing where there is no record.
    fn read_entry(&self, id: &str, key: &CacheKey, secret: &[u8]) -> Result<Option<Entry>, Broken> {
        let Some(text) = RECORD.read_if_there(&self.record_path(id)).map_err(|_| Broken)? else { return Ok(None) };
        let Record { entry: body, hmac_sha256 } = serde_json::from_slice(&text).map_err(|_| Broken)?;
        let claimed = unhex(&hmac_sha256).ok_or(Broken)?;
        mac(&body, secret).ok_or(Broken)?.verify_slice(&claimed).map_err(|_| Broken)?;
        let is_for = unhex(&body.module_sha256) == Some(key.module_sha256) && body.engine == key.engine;
        if body.schema_version != 1 || !is_for {
            return Err(Broken);
        }
        let digest = unhex(&body.blake3).ok_or(Broken)?;
        let path = self.bytes_path(id, &digest);
        let metadata = fs::symlink_metadata(&path).map_err(|_| Broken)?;
        if !metadata.is_file() || metadata.len() != body.length || refuse_open(&path, &metadata, 0o022).is_err() {
            return Err(Broken);
        }
        Ok(Some(Entry { path, digest, length: body.length }))
    }

    /// All files of the cache by their id. What else lies in the folder is not ours and not counted.
    fn files(&self) -> Result<BTreeMap<String, Files>, CacheError> {
        let unreadable = |cause| CacheError::List { path: self.folder.clone(), cause };
        let entries = match fs::read_dir(&self.folder) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            entries => entries.map_err(unreadable)?,
        };
        let mut found: BTreeMap<String, Files> = BTreeMap::new();
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Some((id, is_record)) = id_of(&name) else { continue };
            // Gone since: another process made room.
            let Ok(metadata) = entry.metadata() else { continue };
            let files = found.entry(id.to_owned()).or_default();
            files.bytes = files.bytes.saturating_add(metadata.len());
            if is_record {
                files.record = Some((entry.path(), metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)));
            } else {
                files.others.push(entry.path());
            }
        }
        Ok(found)
    }

    fn files_of(&self, id: &str) -> Files {
        self.files().ok().and_then(|mut files| files.remove(id)).unwrap_or_default()
    }

    /// Removes what a crash left, and then what was not used for longest, until the rest takes `limit` bytes at most.
    /// `except` is neither counted nor removed. The caller holds the lock.
    fn make_room(&self, limit: u64, except: &str) -> Result<(), CacheError> {
        let mut files = self.files()?;
        files.remove(except);
        let (whole, half): (Vec<Files>, Vec<Files>) =
            files.into_values().partition(|files| files.record.is_some() && !files.others.is_empty());
        for files in half {
            self.remove(&files)?;
        }
        let mut bytes: u64 = whole.iter().map(|files| files.bytes).sum();
        let mut by_age: Vec<&Files> = whole.iter().collect();
        by_age.sort_by_key(|files| files.record.as_ref().map(|(_, used)| *used));
        for files in by_age {
            if bytes <= limit {
                break;
            }
            self.remove(files)?;
            bytes = bytes.saturating_sub(files.bytes);
        }
        Ok(())
    }

    /// The record first: bytes without one are nothing.
    fn remove(&self, files: &Files) -> Result<(), CacheError> {
        let record = files.record.as_ref().map(|(path, _)| path);
        for path in record.into_iter().chain(&files.others) {
            self.disk.remove(path).map_err(|cause| CacheError::Write { path: path.clone(), cause })?;
        }
        Ok(())
    }

    /// What cannot be removed stays a miss.
    fn remove_id(&self, id: &str) {
        let _ = self.disk.remove(&self.record_path(id));
        let _ = self.remove(&self.files_of(id));
    }
}

/// There is something, and it is not what it should be.
struct Broken;

/// The id in the name of a file of the cache, and whether it is a record. Half-written ones are theirs whose they would
/// have been.
fn id_of(name: &str) -> Option<(&str, bool)> {
    let half = name.strip_prefix('.').and_then(|name| name.strip_suffix(".new"));
    let (stem, extension) = half.unwrap_or(name).rsplit_once('.')?;
    let (id, is_record) = match extension {
        "json" => (stem, half.is_none()),
        "bin" => (stem.split_once('-')?.0, false),
        _ => return None,
    };
    unhex(id).map(|_| (id, is_record))
}

fn mac(body: &Body, secret: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(b"skillyard compiled module 1\0");
    mac.update(&serde_json::to_vec(body).ok()?);
    Some(mac)
}

/// Why the cache is not used.
#[derive(Debug)]
pub enum CacheError {
    /// Others could choose what is run.
    Unsafe(ReadError),
    /// A file cannot be written or removed.
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The folder cannot be listed.
    List {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process is writing.
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// The compiled module is larger than the whole cache.
    TooLarge {
        /// Its bytes.
        bytes: u64,
        /// Those of the cache.
        limit: u64,
    },
    /// The system gives no random bytes.
    NoRandomness {
        /// Its words.
        reason: String,
    },
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsafe(error) => write!(f, "the cache of compiled modules is not used: {error}"),
            Self::Write { path, cause } => write!(f, "{}: {cause}", Shown(path)),
            Self::List { path, cause } => write!(f, "{}: cannot be listed: {cause}", Shown(path)),
            Self::Busy { path, waited } => write!(
                f,
                "{} is in use by another process (waited {} seconds): try again when it is done",
                Shown(path),
                waited.as_secs()
            ),
            Self::TooLarge { bytes, limit } => {
                write!(f, "a compiled module of {bytes} bytes is not kept: the whole cache has {limit} bytes")
            }
            Self::NoRandomness { reason } => write!(f, "the system gives no random bytes: {reason}"),
        }
    }
}

impl std::error::Error for CacheError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unsafe(error) => Some(error),
            Self::Write { cause, .. } | Self::List { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
