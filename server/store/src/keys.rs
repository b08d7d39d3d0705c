//! Signing keys: kept in a folder of their person's own or in the system's credential store, and found again by name.
//!
//! Of each key kept here a record with its public half lies in the folder, `<name>.json`; listing reads only those. The
//! secret half is `<name>.key` beside it, for its owner alone, or an entry of the credential store. A folder on Windows
//! passes its access list on to the files made in it: below a person's own profile that is the person, the system and
//! administrators, and nothing here narrows or checks it.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use skillyard_artifact::trust::PublicKey;
use skillyard_manifest::quoted;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    credentials::{CredentialError, Credentials},
    durable::{Disk, ReadError, Reading, refuse_open},
    lock::Lock,
    seal::StoreDigest,
    shown::Shown,
};

/// The most bytes a file with a key may have.
const MAX_KEY_BYTES: u64 = 64 << 10;
/// A key may be a link, as a mounted secret is; what it leads to is checked.
const KEY: Reading = Reading { limit: MAX_KEY_BYTES, follow: true, secret: true };
/// What is replaced, to be put back where replacing fails. One that others can read is replaced too.
const REPLACED: Reading = Reading { limit: MAX_KEY_BYTES, follow: true, secret: false };
const RECORD: Reading = Reading { limit: 16 << 10, follow: false, secret: false };

/// The name of a key: 1 to 64 of `a-z`, `0-9`, `-` and `_`, the first a letter or digit, and none that Windows keeps for a
/// device. It has no dot and no separator, so that it is never mistaken for a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyName(String);

impl KeyName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyFileError;

    fn from_str(text: &str) -> Result<Self, KeyFileError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let device = matches!(text, "con" | "prn" | "aux" | "nul")
            || matches!(text.as_bytes(), [b'c', b'o', b'm', b'0'..=b'9'] | [b'l', b'p', b't', b'0'..=b'9']);
        let valid = text.len() <= 64
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|b| plain(b) || matches!(b, b'-' | b'_'))
            && !device;
        if valid { Ok(Self(text.to_owned())) } else { Err(KeyFileError::Name { name: text.to_owned() }) }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the secret half of a key is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptIn {
    /// A file in the folder of keys.
    File,
    /// The system's credential store.
    CredentialStore,
}

/// What happens to a key of the same name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Existing {
    /// It stays, and saving is an error.
    #[default]
    Keep,
    /// It is lost: what it signed cannot be signed again in its name.
    Replace,
}

/// Where the bytes of a key came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeySource {
    /// A file.
    File(PathBuf),
    /// An environment variable of this name.
    Environment(String),
    /// The system's credential store, under the name of a key.
    CredentialStore(KeyName),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => Shown(path).fmt(f),
            Self::Environment(name) => write!(f, "the environment variable {}", quoted(name)),
            Self::CredentialStore(name) => write!(f, "the key `{name}` in the system's credential store"),
        }
    }
}

/// The bytes of a key in whatever form they were found, not understood yet. Wiped when dropped; `Debug` shows the source
/// only.
pub struct KeyBytes {
    /// The bytes.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Where they came from.
    pub source: KeySource,
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyBytes").field("source", &self.source).finish_non_exhaustive()
    }
}

impl KeyBytes {
    /// Reads a file. It may be reached by a link, and must be a regular file that nobody but its owner can read.
    ///
    /// # Errors
    /// [`KeyFileError::Read`].
    pub fn of_file(path: &Path) -> Result<Self, KeyFileError> {
        let bytes = Zeroizing::new(KEY.read(path).map_err(KeyFileError::Read)?);
        Ok(Self { bytes, source: KeySource::File(path.to_owned()) })
    }

    /// Takes the value of the environment variable `name`, which the caller has read.
    ///
    /// # Errors
    /// [`KeyFileError::Variable`], where it is not set, empty, or no text.
    pub fn of_environment(name: &str, value: Option<OsString>) -> Result<Self, KeyFileError> {
        let fault = |what| KeyFileError::Variable { name: name.to_owned(), what };
        let text = value.ok_or_else(|| fault("is not set"))?.into_string().map_err(|other| {
            other.into_encoded_bytes().zeroize();
            fault("is not text: put the key in it as hex, base64 or PEM")
        })?;
        let bytes = Zeroizing::new(text.into_bytes());
        if bytes.trim_ascii().is_empty() {
            return Err(fault("is empty"));
        }
        Ok(Self { bytes, source: KeySource::Environment(name.to_owned()) })
    }
}

/// What the folder knows of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedKey {
    /// Its name.
    pub name: KeyName,
    /// Its public half, where a record tells.
    pub public: Option<PublicKey>,
    /// Where the secret half is.
    pub kept_in: KeptIn,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    schema_version: u32,
    key_id: String,
    public_key: String,
    kept_in: KeptIn,
}

/// All that is kept under a name before another key takes its place.
struct Replaced {
    /// Whether there is a record, which is moved [`aside`].
    record: bool,
    kept_in: Option<KeptIn>,
    file: Option<Zeroizing<Vec<u8>>>,
    /// The entry of the credential store, where that has a part in it.
    entry: Option<Zeroizing<Vec<u8>>>,
}

/// The folder of a person's keys.
#[derive(Debug)]
pub struct KeyFolder {
    folder: PathBuf,
    credentials: Option<Arc<dyn Credentials>>,
    disk: Disk,
}

impl KeyFolder {
    /// The one at `folder`, made when something is saved. Without `credentials` no key is saved in or loaded from the
    /// system's credential store.
    #[must_use]
    pub fn new(folder: &Path, credentials: Option<Arc<dyn Credentials>>) -> Self {
        Self { folder: folder.to_owned(), credentials, disk: Disk::default() }
    }

    /// Keeps a key under `name`: its secret half, in the form it is to be read in again, and its public half.
    ///
    /// # Errors
    /// [`KeyFileError::Exists`] where the name is taken and `existing` does not say to replace it. After an error the key
    /// that was to be replaced is there as before, as far as the disk and the credential store still let it be put back.
    pub fn save(
        &self,
        name: &KeyName,
        secret: &[u8],
        public: &PublicKey,
        kept_in: KeptIn,
        existing: Existing,
    ) -> Result<KeySource, KeyFileError> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |cause| KeyFileError::Write { path, cause }
        };
        self.disk.private_folder(&self.folder).map_err(unwritable(&self.folder))?;
        self.check_folder()?;
        let lock = self.folder.join(".lock");
        let wait = Duration::from_secs(60);
        let _lock = Lock::exclusive(&lock, wait)
            .map_err(unwritable(&lock))?
            .ok_or_else(|| KeyFileError::Busy { path: lock.clone(), waited: wait })?;

        let (file, record) = (self.file(name), self.record(name));
        if existing == Existing::Keep
            && let Some(taken) = [&record, &file].into_iter().find(|path| fs::symlink_metadata(path).is_ok())
        {
            return Err(KeyFileError::Exists { name: name.clone(), at: KeySource::File(taken.clone()) });
        }
        let listed = self.read_record(name).ok().flatten().map(|record| record.kept_in);
        // Asked before anything is changed: where the store has a part in it and does not answer, all stays as it is.
        let credentials = match (kept_in, listed) {
            (KeptIn::CredentialStore, _) | (_, Some(KeptIn::CredentialStore)) => Some(self.credentials(name)?),
            _ => None,
        };
        let kept = credentials.map(|credentials| credentials.read(&entry(name))).transpose();
        let replaced = Replaced {
            record: fs::symlink_metadata(&record).is_ok(),
            kept_in: listed,
            file: REPLACED.read_if_there(&file).map_err(KeyFileError::Read)?.map(Zeroizing::new),
            entry: kept.map_err(|cause| refused(name, cause))?.flatten(),
        };
        // Another folder of keys may have one there.
        if existing == Existing::Keep && kept_in == KeptIn::CredentialStore && replaced.entry.is_some() {
            return Err(KeyFileError::Exists { name: name.clone(), at: KeySource::CredentialStore(name.clone()) });
        }
        let text = Record { schema_version: 1, key_id: public.id(), public_key: public.to_string(), kept_in };
        let text = serde_json::to_vec_pretty(&text).map_err(|cause| unwritable(&record)(cause.into()))?;
        // First the record goes and last it comes, so that a crash leaves none that tells of another key.
        // It is moved and not removed: to be moved back it needs no room on the disk.
        let aside = aside(&record);
        self.disk.remove(&aside).map_err(unwritable(&aside))?;
        let save = || {
            if replaced.record {
                self.disk.rename(&record, &aside).map_err(unwritable(&record))?;
            }
            match kept_in {
                KeptIn::File => self.disk.replace(&file, secret).map_err(unwritable(&file))?,
                KeptIn::CredentialStore => self.keep_in_credentials(name, secret)?,
            }
            self.disk.replace(&record, &text).map_err(unwritable(&record))?;
            match (kept_in, credentials) {
                (KeptIn::File, Some(credentials)) => {
                    credentials.remove(&entry(name)).map_err(|cause| refused(name, cause))
                }
                (KeptIn::File, None) => Ok(()),
                (KeptIn::CredentialStore, _) => self.disk.remove(&file).map_err(unwritable(&file)),
            }
        };
        if let Err(error) = save() {
            self.put_back(name, &replaced, credentials);
            return Err(error);
        }
        // What stays, here or after a crash, is read by nothing and has no secret in it.
        let _ = self.disk.remove(&aside);
        Ok(match kept_in {
            KeptIn::File => KeySource::File(file),
            KeptIn::CredentialStore => KeySource::CredentialStore(name.clone()),
        })
    }

    /// Undoes a save that failed, as far as the disk and the credential store let it: the secrets first, then the record,
    /// unless another secret is known to stand where it points.
    fn put_back(&self, name: &KeyName, replaced: &Replaced, credentials: Option<&dyn Credentials>) {
        let (file, record, entry) = (self.file(name), self.record(name), entry(name));
        let file_is = || REPLACED.read_if_there(&file).is_ok_and(|bytes| bytes.map(Zeroizing::new) == replaced.file);
        let put_file = || match &replaced.file {
            Some(bytes) => self.disk.replace(&file, bytes),
            None => self.disk.remove(&file),
        };
        let file_is_back = file_is() || put_file().is_ok();
        let entry_is_other = credentials.is_some_and(|credentials| {
            let put = match &replaced.entry {
                Some(bytes) => credentials.write(&entry, bytes),
                None => credentials.remove(&entry),
            };
            put.is_err() && credentials.read(&entry).is_ok_and(|kept| kept != replaced.entry)
        });
        let is_back = match replaced.kept_in {
            Some(KeptIn::CredentialStore) => !entry_is_other,
            Some(KeptIn::File) | None => file_is_back,
        };
        // Best effort: the error that is told is the first one, and a key's file is found without a record too.
        let _ = if replaced.record && is_back {
            self.disk.rename(&aside(&record), &record)
        } else {
            self.disk.remove(&record)
        };
    }

    /// The keys that are kept here, by name. Opens no secret.
    ///
    /// # Errors
    /// Where the folder cannot be read, or a record in it is damaged.
    pub fn list(&self) -> Result<Vec<ListedKey>, KeyFileError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(KeyFileError::Read(ReadError::Io { path: self.folder.clone(), cause })),
        };
        let mut names = BTreeSet::new();
        for entry in entries {
            let entry =
                entry.map_err(|cause| KeyFileError::Read(ReadError::Io { path: self.folder.clone(), cause }))?.path();
            if entry.extension().is_some_and(|extension| extension == "key" || extension == "json")
                && let Some(Ok(name)) = entry.file_stem().and_then(OsStr::to_str).map(KeyName::from_str)
            {
                names.insert(name);
            }
        }
        names
            .into_iter()
            .map(|name| {
                let record = self.read_record(&name)?;
                let kept_in = record.as_ref().map_or(KeptIn::File, |record| record.kept_in);
                let public = record.map(|record| self.public(&name, &record)).transpose()?;
                Ok(ListedKey { name, public, kept_in })
            })
            .collect()
    }

    /// The key that a person named: by its name here, or by a path, which has a separator or a dot in it.
    ///
    /// # Errors
    /// [`KeyFileError::NoKey`] for a name that is not here: a name is never taken for a file of the current folder.
    pub fn load(&self, named: &OsStr) -> Result<KeyBytes, KeyFileError> {
        match named.to_str().map(KeyName::from_str) {
            Some(Ok(name)) => self.load_name(&name),
            _ if Path::new(named).components().count() > 1 || named.as_encoded_bytes().contains(&b'.') => {
                KeyBytes::of_file(Path::new(named))
            }
            _ => Err(KeyFileError::Name { name: named.to_string_lossy().into_owned() }),
        }
    }

    /// The key of this name.
    ///
    /// # Errors
    /// [`KeyFileError::NoKey`], and what keeps it from being read.
    pub fn load_name(&self, name: &KeyName) -> Result<KeyBytes, KeyFileError> {
        let record = self.read_record(name)?;
        if record.is_some_and(|record| record.kept_in == KeptIn::CredentialStore) {
            let bytes = self.credentials(name)?.read(&entry(name)).map_err(|cause| refused(name, cause))?;
            let bytes = bytes.ok_or_else(|| KeyFileError::Gone { name: name.clone() })?;
            return Ok(KeyBytes { bytes, source: KeySource::CredentialStore(name.clone()) });
        }
        match KeyBytes::of_file(&self.file(name)) {
            Err(KeyFileError::Read(ReadError::Io { cause, .. })) if cause.kind() == io::ErrorKind::NotFound => {
                Err(KeyFileError::NoKey { name: name.clone(), folder: self.folder.clone() })
            }
            loaded => {
                self.check_folder()?;
                loaded
            }
        }
    }

    fn file(&self, name: &KeyName) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    fn record(&self, name: &KeyName) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn check_folder(&self) -> Result<(), KeyFileError> {
        let metadata = fs::metadata(&self.folder)
            .map_err(|cause| KeyFileError::Read(ReadError::Io { path: self.folder.clone(), cause }))?;
        refuse_open(&self.folder, &metadata, 0o022).map_err(KeyFileError::Read)
    }

    fn read_record(&self, name: &KeyName) -> Result<Option<Record>, KeyFileError> {
        let path = self.record(name);
        let Some(bytes) = RECORD.read_if_there(&path).map_err(KeyFileError::Read)? else { return Ok(None) };
        match serde_json::from_slice::<Record>(&bytes) {
            Ok(record) if record.schema_version == 1 => Ok(Some(record)),
            _ => Err(KeyFileError::Record { path }),
        }
    }

    fn public(&self, name: &KeyName, record: &Record) -> Result<PublicKey, KeyFileError> {
        match record.public_key.parse() {
            Ok(StoreDigest::Sha256(bytes)) if PublicKey(bytes).id() == record.key_id => Ok(PublicKey(bytes)),
            _ => Err(KeyFileError::Record { path: self.record(name) }),
        }
    }

    fn credentials(&self, name: &KeyName) -> Result<&dyn Credentials, KeyFileError> {
        let unasked = "SKILLYARD_NO_CREDENTIAL_STORE keeps it from being asked; unset that, or leave the key in a file";
        self.credentials
            .as_deref()
            .ok_or_else(|| refused(name, CredentialError::Unavailable { reason: unasked.to_owned() }))
    }

    /// Written and read back, before anything that it replaces is removed.
    fn keep_in_credentials(&self, name: &KeyName, secret: &[u8]) -> Result<(), KeyFileError> {
        let credentials = self.credentials(name)?;
        let entry = entry(name);
        let kept = credentials.write(&entry, secret).and_then(|()| credentials.read(&entry));
        match kept {
            Ok(Some(kept)) if kept.as_slice() == secret => Ok(()),
            Ok(_) => {
                let reason = "it did not keep what it was given".to_owned();
                Err(refused(name, CredentialError::Refused { reason }))
            }
            Err(cause) => Err(refused(name, cause)),
        }
    }
}

/// Where a record waits while another takes its place.
fn aside(record: &Path) -> PathBuf {
    record.with_extension("json-old")
}

fn entry(name: &KeyName) -> String {
    format!("signing key {name}")
}

fn refused(name: &KeyName, cause: CredentialError) -> KeyFileError {
    KeyFileError::Credentials { name: name.clone(), cause }
}

/// Why a key was not kept or found. Never holds any of a key.
#[derive(Debug)]
pub enum KeyFileError {
    /// Not a name of a key.
    Name {
        /// The name.
        name: String,
    },
    /// No key of this name.
    NoKey {
        /// The name.
        name: KeyName,
        /// Where keys are kept.
        folder: PathBuf,
    },
    /// The name is taken.
    Exists {
        /// The name.
        name: KeyName,
        /// What is there.
        at: KeySource,
    },
    /// A file cannot be read, or must not be.
    Read(ReadError),
    /// A file cannot be written.
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process is saving a key.
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// The record beside a key is damaged.
    Record {
        /// The record.
        path: PathBuf,
    },
    /// The credential store did not do its part.
    Credentials {
        /// The key.
        name: KeyName,
        /// Why.
        cause: CredentialError,
    },
    /// The credential store has no such key any more.
    Gone {
        /// The key.
        name: KeyName,
    },
    /// An environment variable holds no key.
    Variable {
        /// Its name.
        name: String,
        /// What is the matter with it.
        what: &'static str,
    },
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { name } => write!(
                f,
                "{} is no name for a key: use 1 to 64 of a-z, 0-9, `-` and `_`, a letter or digit first. A file is \
                 made by `keygen --output FILE` and named by `--key FILE`",
                quoted(name)
            ),
            Self::NoKey { name, folder } => write!(
                f,
                "there is no key `{name}` in {}: `skillyard keygen {name}` makes one; for a file: `--key ./{name}`",
                Shown(folder)
            ),
            Self::Exists { name, at } => write!(
                f,
                "there is a key `{name}` already ({at}): choose another name, or let go of \
                 that key for good with `--replace`"
            ),
            Self::Read(error) => write!(f, "the key was not read: {error}"),
            Self::Write { path, cause } => write!(f, "{}: {cause}", Shown(path)),
            Self::Busy { path, waited } => write!(
                f,
                "{} is in use by another process (waited {} seconds): try again when it is done",
                Shown(path),
                waited.as_secs()
            ),
            Self::Record { path } => write!(
                f,
                "{} is damaged: it should tell a key's public half. Remove it; the key itself is not in it",
                Shown(path)
            ),
            Self::Credentials { name, cause } => write!(f, "the key `{name}`: {cause}"),
            Self::Gone { name } => write!(
                f,
                "the key `{name}` is not in the system's credential store any more: make another with `skillyard keygen`"
            ),
            Self::Variable { name, what } => write!(f, "the environment variable {} {what}", quoted(name)),
        }
    }
}

impl std::error::Error for KeyFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Write { cause, .. } => Some(cause),
            Self::Credentials { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
