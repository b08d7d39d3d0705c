//! The seal of a store (the trust store, what is beside it, the installed skills): which content Skillyard wrote last,
//! said so that only Skillyard can say it.
//!
//! For each store a record lies in the folder of the seals: the SHA-256 of the store's content, a count of writes, and
//! while a write is under way also the SHA-256 of what is being written. An HMAC-SHA-256 over all of it, keyed with a
//! secret of 32 random bytes, makes it a seal. The secret lies in the system's credential store where that can be
//! reached when the first seal is made, else in a file beside the record that its owner alone may read. The record says
//! which, and it stays so until a person changes it: a machine that is reached with and without a desktop session does
//! not switch between the two by itself.
//!
//! Beside the record lies an empty file that says that there is one: a record that is gone is told from one that never was.
//!
//! What this holds against: whoever can write the store's file, or its folder, but not the folder of the seals. It does
//! not hold against a program that runs as the same person and goes for the seals too.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use skillyard_artifact::integrity::{hex, sha256};
use zeroize::Zeroizing;

use crate::{
    credentials::{CredentialError, Credentials},
    durable::{Disk, ReadError, Reading, refuse_open},
    shown::Shown,
};

/// What a trust store's file holds, as a seal names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StoreDigest {
    /// There is no file.
    Missing,
    /// The SHA-256 of its bytes.
    Sha256([u8; 32]),
}

impl StoreDigest {
    /// That of what was read.
    #[must_use]
    pub fn of(content: Option<&[u8]>) -> Self {
        content.map_or(Self::Missing, |bytes| Self::Sha256(sha256(bytes)))
    }
}

/// 64 digits of hex, or `missing`. [`FromStr`] reads the same.
impl fmt::Display for StoreDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Sha256(hash) => f.write_str(&hex(hash)),
        }
    }
}

impl FromStr for StoreDigest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        if text == "missing" {
            return Ok(Self::Missing);
        }
        unhex(text).map(Self::Sha256).ok_or(NotADigest)
    }
}

/// Neither `missing` nor 64 digits of hex.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotADigest;

impl fmt::Display for NotADigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither `missing` nor a SHA-256 of 64 digits of hex")
    }
}

impl std::error::Error for NotADigest {}

/// 32 bytes of 64 digits of hex.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Where the secret of a seal is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum KeyPlace {
    CredentialStore { entry: String },
    SecretFile { name: String },
}

impl KeyPlace {
    pub(crate) fn is_credential_store(&self) -> bool {
        matches!(self, Self::CredentialStore { .. })
    }
}

/// What a seal says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    schema_version: u32,
    /// For people; what counts is the name of the record's file, which is in the HMAC.
    store: String,
    generation: u64,
    current: String,
    next: Option<String>,
    key: KeyPlace,
    /// What the store's owner keeps under the seal besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    seal: Body,
    hmac_sha256: String,
}

/// A seal whose HMAC has held.
pub(crate) struct Seal {
    generation: u64,
    pub current: StoreDigest,
    pub next: Option<StoreDigest>,
    pub place: KeyPlace,
    /// What the store's owner keeps under the seal besides.
    pub note: Option<String>,
    secret: Secret,
}

type Secret = Zeroizing<Vec<u8>>;

/// The seal of one store.
#[derive(Debug)]
pub(crate) struct SealFile {
    folder: PathBuf,
    /// Of the store's resolved path, in hex.
    id: String,
    store: PathBuf,
    /// What the store is, for messages.
    what: &'static str,
    credentials: Option<Arc<dyn Credentials>>,
}

/// An operation on installed skills that is under way stands in it whole.
const RECORD: Reading = Reading { limit: 4 << 20, follow: false, secret: false };
const SECRET: Reading = Reading { limit: 1 << 10, follow: false, secret: true };
const SECRET_BYTES: usize = 32;

impl SealFile {
    /// That of the store at `store`, a resolved path. `what` it is stands in messages: `the trust store`.
    pub(crate) fn new(
        folder: &Path,
        store: &Path,
        what: &'static str,
        credentials: Option<Arc<dyn Credentials>>,
    ) -> Self {
        let hash = sha256(store.as_os_str().as_encoded_bytes());
        let id = hex(hash.get(..16).unwrap_or(&hash));
        Self { folder: folder.to_owned(), id, store: store.to_owned(), what, credentials }
    }

    /// That its record is not one of Skillyard's.
    pub(crate) fn broken(&self) -> SealError {
        SealError::Broken { record: self.record_path(), what: self.what }
    }

    fn record_path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.id))
    }

    /// Says that there was a record, so that one that is gone is not taken for one that never was.
    fn trace_path(&self) -> PathBuf {
        self.folder.join(format!("{}.sealed", self.id))
    }

    /// That its record is gone, though Skillyard wrote one.
    pub(crate) fn lost(&self) -> SealError {
        SealError::Lost { record: self.record_path(), what: self.what }
    }

    /// Whether a record was written some time. Where there is none now, whoever asks looks for it again: another process
    /// may have written the first one just now.
    pub(crate) fn was_written(&self) -> Result<bool, SealError> {
        let path = self.trace_path();
        match fs::symlink_metadata(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(cause) => Err(SealError::Read(ReadError::Io { path, cause })),
            Ok(_) => Ok(true),
        }
    }

    /// The record's bytes, not believed yet; nothing where the store was never sealed.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, SealError> {
        match fs::metadata(&self.folder) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(SealError::Read(ReadError::Io { path: self.folder.clone(), cause })),
            Ok(metadata) => refuse_open(&self.folder, &metadata, 0o022).map_err(SealError::Read)?,
        }
        RECORD.read_if_there(&self.record_path()).map_err(SealError::Read)
    }

    /// Believes a record, or says why not.
    pub(crate) fn open(&self, record: &[u8]) -> Result<Seal, SealError> {
        let broken = || self.broken();
        let record: Record = serde_json::from_slice(record).map_err(|_| broken())?;
        let body = &record.seal;
        let secret = self.secret(&body.key)?;
        let claimed = unhex(&record.hmac_sha256).ok_or_else(broken)?;
        let mac = self.mac(body, &secret).ok_or_else(broken)?;
        mac.verify_slice(&claimed).map_err(|_| broken())?;
        if body.schema_version != 1 {
            return Err(broken());
        }
        let digest = |text: &str| text.parse().map_err(|NotADigest| broken());
        Ok(Seal {
            generation: body.generation,
            current: digest(&body.current)?,
            next: body.next.as_deref().map(digest).transpose()?,
            place: body.key.clone(),
            note: body.note.clone(),
            secret,
        })
    }

    /// Where the secret of an unproven record is said to be.
    pub(crate) fn place(record: &[u8]) -> Option<KeyPlace> {
        serde_json::from_slice::<Record>(record).ok().map(|record| record.seal.key)
    }

    fn mac(&self, body: &Body, secret: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
        mac.update(b"skillyard trust store seal 1\0");
        mac.update(self.id.as_bytes());
        mac.update(&serde_json::to_vec(body).ok()?);
        Some(mac)
    }

    fn secret(&self, place: &KeyPlace) -> Result<Secret, SealError> {
        let secret = match place {
            KeyPlace::CredentialStore { entry } => {
                if !entry.starts_with(&self.entry("")) {
                    return Err(self.broken());
                }
                let credentials = self.credentials.as_ref().ok_or(SealError::Credentials {
                    store: self.store.clone(),
                    cause: CredentialError::Unavailable { reason: "it was not to be asked".to_owned() },
                })?;
                credentials
                    .read(entry)
                    .map_err(|cause| SealError::Credentials { store: self.store.clone(), cause })?
                    .ok_or_else(|| SealError::NoSecret {
                        store: self.store.clone(),
                        place: format!(
                            "the entry `{}` of the system's credential store",
                            skillyard_manifest::plain(entry)
                        ),
                    })?
            }
            KeyPlace::SecretFile { name } => {
                // The record is not proven yet: its name must not lead elsewhere.
                if !self.is_secret_name(name) {
                    return Err(self.broken());
                }
                let path = self.folder.join(name);
                let text = SECRET.read_if_there(&path).map_err(SealError::Read)?;
                Zeroizing::new(text.ok_or_else(|| SealError::NoSecret {
                    store: self.store.clone(),
                    place: Shown(&path).to_string(),
                })?)
            }
        };
        // A shorter one would be guessed; `Hmac` takes any.
        if secret.len() == SECRET_BYTES { Ok(secret) } else { Err(self.broken()) }
    }

    /// The name of a secret in the credential store.
    fn entry(&self, salt: &str) -> String {
        format!("trust store seal {}-{salt}", self.id)
    }

    fn is_secret_name(&self, name: &str) -> bool {
        name.strip_prefix(&self.id)
            .and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".key"))
            .is_some_and(|middle| middle.len() == 16 && middle.bytes().all(|b| b.is_ascii_hexdigit()))
    }

    /// A new secret: in the credential store where `keep` allows it and it works, else in a file where `keep` allows it.
    pub(crate) fn new_secret(&self, disk: &Disk, keep: KeepIn) -> Result<(KeyPlace, NewSecret), SealError> {
        let mut secret = Zeroizing::new(vec![0; SECRET_BYTES]);
        let mut salt = [0; 8];
        for bytes in [secret.as_mut_slice(), &mut salt] {
            getrandom::fill(bytes).map_err(|cause| SealError::NoRandomness { reason: cause.to_string() })?;
        }
        if keep != KeepIn::File {
            let entry = self.entry(&hex(&salt));
            match self.keep_in_credentials(&entry, &secret) {
                Ok(()) => return Ok((KeyPlace::CredentialStore { entry }, NewSecret(secret))),
                Err(cause) if keep == KeepIn::CredentialStore => {
                    return Err(SealError::Credentials { store: self.store.clone(), cause });
                }
                Err(_) => {}
            }
        }
        let name = format!("{}-{}.key", self.id, hex(&salt));
        self.make_folder(disk)?;
        let path = self.folder.join(&name);
        disk.replace(&path, &secret).map_err(|cause| SealError::Write { path, cause })?;
        Ok((KeyPlace::SecretFile { name }, NewSecret(secret)))
    }

    /// Written and read back: a store that forgets at once would lock its person out.
    fn keep_in_credentials(&self, entry: &str, secret: &[u8]) -> Result<(), CredentialError> {
        let credentials =
            self.credentials.as_ref().ok_or(CredentialError::Unavailable { reason: "not asked".to_owned() })?;
        credentials.write(entry, secret)?;
        match credentials.read(entry)? {
            Some(kept) if kept.as_slice() == secret => Ok(()),
            _ => Err(CredentialError::Refused { reason: "it did not keep what it was given".to_owned() }),
        }
    }

    fn make_folder(&self, disk: &Disk) -> Result<(), SealError> {
        disk.private_folder(&self.folder).map_err(|cause| SealError::Write { path: self.folder.clone(), cause })
    }

    /// How many bytes the record has at the most with `note` in it, and how many of one are read.
    pub(crate) fn size_with(&self, note: &str) -> (u64, u64) {
        // In the record the note is a string; paths and digests beside it are short.
        let note = note.len() + note.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).count();
        let beside = self.store.as_os_str().len().saturating_mul(6).saturating_add(4096);
        (note.saturating_add(beside) as u64, RECORD.limit)
    }

    /// Where the record is.
    pub(crate) fn path(&self) -> PathBuf {
        self.record_path()
    }

    /// Writes the seal. The caller holds the store's lock.
    pub(crate) fn write(&self, disk: &Disk, seal: &Seal) -> Result<(), SealError> {
        let path = self.record_path();
        let unwritable = |cause| SealError::Write { path: path.clone(), cause };
        let body = Body {
            schema_version: 1,
            store: self.store.to_string_lossy().into_owned(),
            generation: seal.generation,
            current: seal.current.to_string(),
            next: seal.next.as_ref().map(ToString::to_string),
            key: seal.place.clone(),
            note: seal.note.clone(),
        };
        let mac = self
            .mac(&body, &seal.secret)
            .ok_or_else(|| unwritable(io::Error::other("the seal cannot be computed")))?
            .finalize()
            .into_bytes();
        let record = Record { seal: body, hmac_sha256: hex(&mac) };
        let mut text = serde_json::to_vec_pretty(&record).map_err(|cause| unwritable(cause.into()))?;
        text.push(b'\n');
        self.make_folder(disk)?;
        disk.replace(&path, &text).map_err(unwritable)?;
        // Behind the record: a crash between the two leaves no trace of what never was.
        if !self.was_written()? {
            let trace = self.trace_path();
            disk.replace(&trace, b"").map_err(|cause| SealError::Write { path: trace.clone(), cause })?;
        }
        Ok(())
    }

    /// Removes secrets that no seal names any more. What cannot be removed now stays; it opens nothing.
    pub(crate) fn tidy(&self, disk: &Disk, keep: &KeyPlace, old: Option<&KeyPlace>) {
        if let (Some(old @ KeyPlace::CredentialStore { entry }), Some(credentials)) = (old, &self.credentials)
            && old != keep
        {
            let _ = credentials.remove(entry);
        }
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            // Half a secret, left by a crash, goes too.
            let half = name.strip_prefix('.').and_then(|name| name.strip_suffix(".new"));
            let kept = matches!(keep, KeyPlace::SecretFile { name: kept } if *kept == name);
            if self.is_secret_name(half.unwrap_or(&name)) && !kept {
                let _ = disk.remove(&entry.path());
            }
        }
    }
}

/// A secret just made.
pub(crate) struct NewSecret(Secret);

impl Seal {
    /// The next one of the same store: the file is `current` or, while it is being written, `next`.
    pub(crate) fn follow(mut self, current: StoreDigest, next: Option<StoreDigest>) -> Self {
        self.generation = self.generation.saturating_add(1);
        self.current = current;
        self.next = next;
        self
    }

    /// The first one of a store, or one in place of a broken one.
    pub(crate) fn first(place: KeyPlace, new: NewSecret, current: StoreDigest) -> Self {
        Self { generation: 0, current, next: None, place, note: None, secret: new.0 }
    }

    /// The same with another note.
    pub(crate) fn noting(mut self, note: String) -> Self {
        self.note = Some(note);
        self
    }
}

/// Where a new secret may be kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeepIn {
    /// In the credential store, else in a file.
    Either,
    /// In the credential store only.
    CredentialStore,
    /// In a file only.
    File,
}

/// Why there is no saying whether a store is the one that Skillyard wrote.
#[derive(Debug)]
pub enum SealError {
    /// The record or its secret cannot be read.
    Read(ReadError),
    /// The record or its secret cannot be written.
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The record is not one that Skillyard wrote.
    Broken {
        /// The record.
        record: PathBuf,
        /// What it guards.
        what: &'static str,
    },
    /// The record is gone.
    Lost {
        /// Where it was.
        record: PathBuf,
        /// What it guarded.
        what: &'static str,
    },
    /// The secret is gone.
    NoSecret {
        /// The store that is guarded.
        store: PathBuf,
        /// Where it should be.
        place: String,
    },
    /// The secret is in the system's credential store, which did not give it.
    Credentials {
        /// The store that is guarded.
        store: PathBuf,
        /// Why not.
        cause: CredentialError,
    },
    /// The system gives no random bytes.
    NoRandomness {
        /// Its words.
        reason: String,
    },
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "a seal cannot be read: {error}"),
            Self::Write { path, cause } => write!(f, "{}: {cause}", Shown(path)),
            Self::Broken { record, what } => write!(
                f,
                "the seal {} was changed by something else than Skillyard, so it says nothing about {what}",
                Shown(record)
            ),
            Self::Lost { record, what } => {
                write!(f, "the seal {} is gone, and Skillyard wrote one for {what}", Shown(record))
            }
            Self::NoSecret { store, place } => {
                write!(f, "the secret that the seal of {} was made with is gone: {place}", Shown(store))
            }
            Self::Credentials { store, cause } => write!(
                f,
                "{cause}, and it keeps the secret that the seal of {} was made with. Unlock it or use a session that \
                 reaches it; to go on without it, seal it with a secret file",
                Shown(store)
            ),
            Self::NoRandomness { reason } => write!(f, "the system gives no random bytes: {reason}"),
        }
    }
}

impl std::error::Error for SealError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Write { cause, .. } => Some(cause),
            Self::Credentials { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
