//! A developer's secrets for the tools that are run here: values by scope and key, as a manifest's
//! `capabilities.secrets` names them.
//!
//! A value is kept in the system's credential store where that can be reached when it is set, else in a file that its
//! owner alone may read, below the person's own data. A file is not encrypted: a key beside it would open it to whoever
//! can read it. For each secret a record `ID.json` in the folder tells its name and where its value is, so that listing
//! opens none; ID is the start of the SHA-256 of the name, and `ID.secret` beside it the value, where it is a file.
//!
//! The environment is another source and goes first: what a person sets for one call counts for it. See
//! [`SecretName::variable`].

use std::{
    ffi::{OsStr, OsString},
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use skillyard_artifact::integrity::{hex, sha256};
use skillyard_manifest::{grammar, quoted};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    credentials::{CredentialError, Credentials},
    durable::{Disk, ReadError, Reading, refuse_open},
    keys::KeptIn,
    lock::Lock,
    shown::Shown,
};

/// The most bytes that a value may have. Windows' credential store takes 2560; what it refuses is kept in a file.
pub const MAX_SECRET_BYTES: usize = 64 << 10;
/// What the names of environment variables with secrets start with.
pub const VARIABLE_PREFIX: &str = "SKILLYARD_SECRET_";

/// The longest name that is taken; no manifest needs more.
const MAX_NAME_BYTES: usize = 512;
const VALUE: Reading = Reading { limit: MAX_SECRET_BYTES as u64, follow: false, secret: true };
const RECORD: Reading = Reading { limit: 16 << 10, follow: false, secret: false };
const WAIT: Duration = Duration::from_secs(60);

/// The name of a secret: a scope (`global`, `principal:X`, `channel:X`, `skill:X`) and a key, both as a daemon reads
/// them, without white space round them. Written `scope/key`, as in the grants of a skill.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SecretName {
    scope: String,
    key: String,
}

impl SecretName {
    /// The scope.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The name of the environment variable that holds this secret, and no other: [`VARIABLE_PREFIX`], the scope, `__`
    /// and the key, in capitals. `skill:acme.mail/api_token` is `SKILLYARD_SECRET_SKILL_ACME_MAIL__API_TOKEN`.
    ///
    /// One `_` stands for the colon behind the scope's first word and, where a letter follows, for a dot of the scope
    /// or an underscore of the key. Every other sign has a number: `_0` is `.`, `_1` is `_`, `_2` is `-`, `_3` is `:`.
    /// So an `_` and what follows it is read in one way only, and no two names have the same variable.
    #[must_use]
    pub fn variable(&self) -> String {
        let mut name = VARIABLE_PREFIX.to_owned();
        let (kind, rest) = self.scope.split_once(':').unwrap_or((&self.scope, ""));
        name.push_str(&kind.to_ascii_uppercase());
        if !rest.is_empty() {
            name.push('_');
            spell(&mut name, rest, '.');
        }
        name.push_str("__");
        spell(&mut name, &self.key, '_');
        name
    }

    /// The name of its files and of its entry in the credential store.
    fn id(&self) -> String {
        let hash = sha256(self.to_string().as_bytes());
        hex(hash.get(..16).unwrap_or(&hash))
    }

    fn entry(&self) -> String {
        format!("secret {self}")
    }
}

/// Adds `text` to the name of a variable; `usual` is the sign that a lone `_` stands for.
fn spell(name: &mut String, text: &str, usual: char) {
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_uppercase());
            continue;
        }
        name.push('_');
        if c == usual && rest.peek().is_some_and(char::is_ascii_alphabetic) {
            continue;
        }
        name.push(match c {
            '.' => '0',
            '_' => '1',
            '-' => '2',
            // There is no fifth sign: see `FromStr`.
            _ => '3',
        });
    }
}

impl FromStr for SecretName {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let fault = |what| SecretError::Name { name: text.chars().take(200).collect(), what };
        if text.len() > MAX_NAME_BYTES {
            return Err(fault("is too long"));
        }
        let (scope, key) = text.split_once('/').ok_or_else(|| fault("has no `/` between scope and key"))?;
        if scope != scope.trim() || !grammar::is_secret_scope(scope) {
            return Err(fault("has no scope that a daemon knows"));
        }
        // `skill: x` is one to a daemon, which trims both halves.
        if scope.contains(char::is_whitespace) {
            return Err(fault("has white space in its scope"));
        }
        if key != key.trim() || !grammar::is_identifier(key) {
            return Err(fault("has no key of a-z, 0-9, `.`, `_`, `-` and `:`"));
        }
        Ok(Self { scope: scope.to_owned(), key: key.to_owned() })
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope, self.key)
    }
}

/// Where a value is, or came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretSource {
    /// The environment variable of this name.
    Environment(String),
    /// The system's credential store.
    CredentialStore,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::CredentialStore => f.write_str("the system's credential store"),
            Self::File(path) => Shown(path).fmt(f),
        }
    }
}

/// A value. Wiped when dropped; it has no `Debug`, so that none is printed by mistake.
pub struct Secret {
    /// The bytes.
    pub value: Zeroizing<Vec<u8>>,
    /// Where they came from.
    pub source: SecretSource,
}

/// A secret that is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedSecret {
    /// Its name.
    pub name: SecretName,
    /// Where its value is.
    pub kept_in: KeptIn,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    schema_version: u32,
    name: String,
    kept_in: KeptIn,
}

/// The folder of a person's secrets.
#[derive(Debug)]
pub struct SecretStore {
    folder: PathBuf,
    credentials: Option<Arc<dyn Credentials>>,
    disk: Disk,
}

impl SecretStore {
    /// The one at `folder`, made when something is set. Without `credentials` values are kept in files, and those that
    /// the system's credential store has are not found.
    #[must_use]
    pub fn new(folder: &Path, credentials: Option<Arc<dyn Credentials>>) -> Self {
        Self { folder: folder.to_owned(), credentials, disk: Disk::default() }
    }

    /// Keeps `value` under `name`, in place of what was there, and says where.
    ///
    /// # Errors
    /// For an empty or too large value; where it cannot be written.
    pub fn set(&self, name: &SecretName, value: &[u8]) -> Result<SecretSource, SecretError> {
        if value.is_empty() {
            return Err(SecretError::Empty { name: name.clone() });
        }
        if value.len() > MAX_SECRET_BYTES {
            return Err(SecretError::TooLarge { name: name.clone() });
        }
        self.disk.private_folder(&self.folder).map_err(unwritable(&self.folder))?;
        self.check_folder()?;
        let _lock = self.lock()?;
        let (file, record) = (self.file(name), self.record(name));
        let (kept_in, source) = if self.keep_in_credentials(name, value).is_ok() {
            (KeptIn::CredentialStore, SecretSource::CredentialStore)
        } else {
            self.disk.replace(&file, value).map_err(unwritable(&file))?;
            (KeptIn::File, SecretSource::File(file.clone()))
        };
        let text = Record { schema_version: 1, name: name.to_string(), kept_in };
        let text = serde_json::to_vec_pretty(&text).map_err(|cause| unwritable(&record)(cause.into()))?;
        self.disk.replace(&record, &text).map_err(unwritable(&record))?;
        // The old value goes last: until then the record told of it.
        if kept_in == KeptIn::CredentialStore {
            self.disk.remove(&file).map_err(unwritable(&file))?;
        }
        Ok(source)
    }

    /// The value of `name`, if one is kept.
    ///
    /// # Errors
    /// If there is one and it cannot be read: the credential store is locked, others can read the file.
    pub fn get(&self, name: &SecretName) -> Result<Option<Secret>, SecretError> {
        let Some(record) = self.read_record(&self.record(name))? else { return Ok(None) };
        if record.name != name.to_string() {
            return Err(SecretError::Record { path: self.record(name) });
        }
        let gone = || SecretError::Gone { name: name.clone() };
        match record.kept_in {
            KeptIn::CredentialStore => {
                let credentials = self.credentials.as_deref().ok_or_else(|| SecretError::Credentials {
                    name: name.clone(),
                    cause: CredentialError::Unavailable { reason: "it was not to be asked".to_owned() },
                })?;
                let value = credentials
                    .read(&name.entry())
                    .map_err(|cause| SecretError::Credentials { name: name.clone(), cause })?
                    .ok_or_else(gone)?;
                Ok(Some(Secret { value, source: SecretSource::CredentialStore }))
            }
            KeptIn::File => {
                self.check_folder()?;
                let path = self.file(name);
                let value = VALUE.read_if_there(&path).map_err(SecretError::Read)?.ok_or_else(gone)?;
                Ok(Some(Secret { value: Zeroizing::new(value), source: SecretSource::File(path) }))
            }
        }
    }

    /// The value of `name` from the environment, else the kept one. `lookup` gives the values of environment variables;
    /// an empty one counts for nothing.
    ///
    /// # Errors
    /// As of [`get`](Self::get); [`SecretError::Variable`].
    pub fn find(
        &self,
        name: &SecretName,
        lookup: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Secret>, SecretError> {
        match Self::of_environment(name, lookup)? {
            Some(secret) => Ok(Some(secret)),
            None => self.get(name),
        }
    }

    /// Where [`find`](Self::find) would take the value of `name` from; no kept value is opened.
    ///
    /// # Errors
    /// [`SecretError::Variable`]; where the record of it cannot be read.
    pub fn source(
        &self,
        name: &SecretName,
        lookup: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Option<SecretSource>, SecretError> {
        if let Some(secret) = Self::of_environment(name, lookup)? {
            return Ok(Some(secret.source));
        }
        Ok(self.read_record(&self.record(name))?.map(|record| match record.kept_in {
            KeptIn::CredentialStore => SecretSource::CredentialStore,
            KeptIn::File => SecretSource::File(self.file(name)),
        }))
    }

    fn of_environment(
        name: &SecretName,
        lookup: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Secret>, SecretError> {
        let variable = name.variable();
        let Some(value) = lookup(&variable).filter(|value| !value.is_empty()) else { return Ok(None) };
        match value.into_string() {
            Ok(text) => {
                let value = Zeroizing::new(text.into_bytes());
                if value.len() > MAX_SECRET_BYTES {
                    return Err(SecretError::TooLarge { name: name.clone() });
                }
                Ok(Some(Secret { value, source: SecretSource::Environment(variable) }))
            }
            Err(other) => {
                other.into_encoded_bytes().zeroize();
                Err(SecretError::Variable { variable })
            }
        }
    }

    /// The secrets that are kept, by name. Opens no value.
    ///
    /// # Errors
    /// Where the folder cannot be read, or a record in it is damaged.
    pub fn list(&self) -> Result<Vec<ListedSecret>, SecretError> {
        let unreadable = |cause| SecretError::Read(ReadError::Io { path: self.folder.clone(), cause });
        let entries = match fs::read_dir(&self.folder) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(unreadable)?,
        };
        let mut listed = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            let is_half = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if is_half || path.extension() != Some(OsStr::new("json")) {
                continue;
            }
            // Gone since: another process removed it.
            let Some(record) = self.read_record(&path)? else { continue };
            let name = SecretName::from_str(&record.name).map_err(|_| SecretError::Record { path: path.clone() })?;
            if self.record(&name) != path {
                return Err(SecretError::Record { path });
            }
            listed.push(ListedSecret { name, kept_in: record.kept_in });
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    /// Forgets `name`. Says whether there was one.
    ///
    /// # Errors
    /// Where it is kept and cannot be removed; then it is still listed.
    pub fn remove(&self, name: &SecretName) -> Result<bool, SecretError> {
        let record = self.record(name);
        if !self.folder.exists() {
            return Ok(false);
        }
        self.check_folder()?;
        let _lock = self.lock()?;
        let Some(kept) = self.read_record(&record)? else { return Ok(false) };
        if kept.kept_in == KeptIn::CredentialStore {
            let credentials = self.credentials.as_deref().ok_or_else(|| SecretError::Credentials {
                name: name.clone(),
                cause: CredentialError::Unavailable { reason: "it was not to be asked".to_owned() },
            })?;
            credentials
                .remove(&name.entry())
                .map_err(|cause| SecretError::Credentials { name: name.clone(), cause })?;
        }
        let file = self.file(name);
        self.disk.remove(&file).map_err(unwritable(&file))?;
        self.disk.remove(&record).map_err(unwritable(&record))?;
        Ok(true)
    }

    fn file(&self, name: &SecretName) -> PathBuf {
        self.folder.join(format!("{}.secret", name.id()))
    }

    fn record(&self, name: &SecretName) -> PathBuf {
        self.folder.join(format!("{}.json", name.id()))
    }

    fn check_folder(&self) -> Result<(), SecretError> {
        let metadata = fs::metadata(&self.folder)
            .map_err(|cause| SecretError::Read(ReadError::Io { path: self.folder.clone(), cause }))?;
        refuse_open(&self.folder, &metadata, 0o022).map_err(SecretError::Read)
    }

    fn lock(&self) -> Result<Lock, SecretError> {
        let path = self.folder.join(".lock");
        match Lock::exclusive(&path, WAIT) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(SecretError::Busy { path, waited: WAIT }),
            Err(cause) => Err(SecretError::Write { path, cause }),
        }
    }

    fn read_record(&self, path: &Path) -> Result<Option<Record>, SecretError> {
        let Some(text) = RECORD.read_if_there(path).map_err(SecretError::Read)? else { return Ok(None) };
        match serde_json::from_slice::<Record>(&text) {
            Ok(record) if record.schema_version == 1 => Ok(Some(record)),
            _ => Err(SecretError::Record { path: path.to_owned() }),
        }
    }

    /// Written and read back: a store that forgets at once would lose it.
    fn keep_in_credentials(&self, name: &SecretName, value: &[u8]) -> Result<(), CredentialError> {
        let credentials =
            self.credentials.as_ref().ok_or(CredentialError::Unavailable { reason: "not asked".to_owned() })?;
        let entry = name.entry();
        credentials.write(&entry, value)?;
        match credentials.read(&entry)? {
            Some(kept) if kept.as_slice() == value => Ok(()),
            _ => Err(CredentialError::Refused { reason: "it did not keep what it was given".to_owned() }),
        }
    }
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> SecretError + use<> {
    let path = path.to_owned();
    move |cause| SecretError::Write { path, cause }
}

/// Why a secret was not kept or found. Never holds any of a value.
#[derive(Debug)]
pub enum SecretError {
    /// Not a name of a secret.
    Name {
        /// The name.
        name: String,
        /// What is the matter with it.
        what: &'static str,
    },
    /// No value.
    Empty {
        /// The secret.
        name: SecretName,
    },
    /// More than [`MAX_SECRET_BYTES`].
    TooLarge {
        /// The secret.
        name: SecretName,
    },
    /// An environment variable holds no text.
    Variable {
        /// Its name.
        variable: String,
    },
    /// A file cannot be read, or must not be.
    Read(ReadError),
    /// A file cannot be written or removed.
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process is changing secrets.
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// The record of a secret is damaged.
    Record {
        /// The record.
        path: PathBuf,
    },
    /// The credential store has the value and did not do its part.
    Credentials {
        /// The secret.
        name: SecretName,
        /// Why.
        cause: CredentialError,
    },
    /// There is a record and no value any more.
    Gone {
        /// The secret.
        name: SecretName,
    },
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { name, what } => write!(
                f,
                "{} {what}: write SCOPE/KEY as the manifest names it, such as `skill:acme.mail/api_token`; scopes are \
                 `global`, `principal:X`, `channel:X` and `skill:X`",
                quoted(name)
            ),
            Self::Empty { name } => write!(f, "the secret {name}: an empty value is none; nothing was changed"),
            Self::TooLarge { name } => {
                write!(f, "the secret {name}: a value has at most {MAX_SECRET_BYTES} bytes")
            }
            Self::Variable { variable } => write!(f, "the environment variable {variable} holds no text"),
            Self::Read(error) => write!(f, "the secret was not read: {error}"),
            Self::Write { path, cause } => write!(f, "{}: {cause}", Shown(path)),
            Self::Busy { path, waited } => write!(
                f,
                "{} is in use by another process (waited {} seconds): try again when it is done",
                Shown(path),
                waited.as_secs()
            ),
            Self::Record { path } => write!(
                f,
                "{} is damaged: it should tell a secret's name. Remove it and set the secret again; no value is in it",
                Shown(path)
            ),
            Self::Credentials { name, cause } => write!(f, "the secret {name}: {cause}"),
            Self::Gone { name } => write!(
                f,
                "the value of the secret {name} is gone from where it was kept: set it again with `skillyard secret \
                 set {name}`"
            ),
        }
    }
}

impl std::error::Error for SecretError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Write { cause, .. } => Some(cause),
            Self::Credentials { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
