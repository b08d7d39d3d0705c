//! The trust store's file: read, changed by one at a time, and refused where something else than Skillyard changed it.
//!
//! A write goes: lock; read and check; seal says *old or new*; file becomes new; seal says *new*. A crash between any
//! two steps leaves a file that the seal knows, and whoever comes next finishes. Readers take no lock: they read seal,
//! file, seal, and again where the seal changed in between.

use std::{
    fmt, io,
    marker::PhantomData,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use skillyard_artifact::{
    ErrorKind,
    trust::{PublicKey, TrustError, TrustStore},
};
use skillyard_manifest::show;

use crate::{
    credentials::Credentials,
    durable::{Disk, ReadError, Reading},
    lock::{self, Lock},
    paths::{PathError, resolve},
    seal::{KeepIn, KeyPlace, Seal, SealError, SealFile, StoreDigest},
    shown::Shown,
};

/// The most bytes a trust store may have: some forty thousand publishers.
pub const MAX_BYTES: u64 = 4 << 20;

/// A link in its place is refused: the seal belongs to a path, and a link would change what stands behind it.
const STORE: Reading = Reading { limit: MAX_BYTES, follow: false, secret: false };

/// How often a reader begins anew while others write.
const READS: usize = 1000;

/// What a sealed file holds.
pub trait Content: Clone + PartialEq + Default {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// What does not read.
    fn parse(text: &str) -> Result<Self, TrustError>;

    /// The text of the file.
    fn to_text(&self) -> String;
}

impl Content for TrustStore {
    fn parse(text: &str) -> Result<Self, TrustError> {
        Self::parse(text)
    }

    fn to_text(&self) -> String {
        self.to_json()
    }
}

/// A trust store on disk.
pub type TrustStoreFile = SealedFile<TrustStore>;

/// A file under a seal: a trust store, or what is beside it.
#[derive(Debug)]
pub struct SealedFile<C> {
    path: PathBuf,
    seal: SealFile,
    wait: Duration,
    disk: Disk,
    content: PhantomData<C>,
}

/// How a trust store is guarded against changes from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SealState {
    /// Skillyard has not written it yet, so there is nothing to hold it against. The next change seals it.
    Unsealed,
    /// By a secret in the system's credential store.
    CredentialStore,
    /// By a secret file. A program that runs as the same person can read that.
    SecretFile,
}

impl From<&KeyPlace> for SealState {
    fn from(place: &KeyPlace) -> Self {
        match place {
            KeyPlace::CredentialStore { .. } => Self::CredentialStore,
            KeyPlace::SecretFile { .. } => Self::SecretFile,
        }
    }
}

impl fmt::Display for SealState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsealed => "not sealed yet: a change from outside would not be noticed",
            Self::CredentialStore => "sealed with a secret in the system's credential store",
            Self::SecretFile => {
                "sealed with a secret file: holds against whoever can write the trust store only, not against a program \
                 that runs as you"
            }
        })
    }
}

/// What a trust store held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loaded<C = TrustStore> {
    /// Its content; empty where the file is missing or blank and was never sealed.
    pub store: C,
    /// Its text, for whoever looks at more than what it means.
    pub text: String,
    /// How it is guarded.
    pub seal: SealState,
    /// The digest of the file.
    pub digest: StoreDigest,
}

/// What a change did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Updated<T> {
    /// What the change answered.
    pub value: T,
    /// Whether anything was written.
    pub written: bool,
    /// How the store is guarded now.
    pub seal: SealState,
}

/// Where the secret of the seal is to be from now on, when a person accepts a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SealWith {
    /// Where it is. A first or a lost one: in the credential store, where there is none in a file.
    #[default]
    Same,
    /// In the system's credential store, or not at all.
    CredentialStore,
    /// In a file.
    SecretFile,
}

/// A consistent view of the file and its seal.
struct View {
    content: Option<Vec<u8>>,
    digest: StoreDigest,
    seal: Option<Seal>,
}

impl<C: Content> SealedFile<C> {
    /// The store at `path`, its seal in the folder `seals`. Nothing is read or written yet. Without `credentials` new
    /// seals are made with a secret file, and one made with the credential store is refused.
    ///
    /// # Errors
    /// [`PathError`], where the path's folders cannot be followed to an end.
    pub fn new(path: &Path, seals: &Path, credentials: Option<Arc<dyn Credentials>>) -> Result<Self, PathError> {
        let unusable = |reason: &str| PathError::Unusable { path: path.to_owned(), reason: reason.to_owned() };
        let absolute = std::path::absolute(path).map_err(|cause| unusable(&cause.to_string()))?;
        let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(unusable("not a path of a file"));
        };
        // The folder's links are followed, so that one store has one seal however it is spelled; the file's are not.
        let folder = resolve(folder)?;
        let seals = std::path::absolute(seals).map_err(|cause| unusable(&cause.to_string()))?;
        if folder == resolve(&seals)? {
            return Err(PathError::SealBesideStore { store: path.to_owned(), seals });
        }
        let path = folder.join(name);
        let seal = SealFile::new(&seals, &path, "the trust store", credentials);
        Ok(Self { path, seal, wait: Duration::from_secs(60), disk: Disk::default(), content: PhantomData })
    }

    /// Waits at most so long while another process writes. A minute where nothing is said.
    #[must_use]
    pub fn waiting(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The path, with its folders' links followed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the store. Writes nothing, but for finishing what a crash interrupted.
    ///
    /// # Errors
    /// [`TrustStoreFileError::Changed`] where the file is not what Skillyard wrote last: edited, cut, an older copy, gone.
    pub fn load(&self) -> Result<Loaded<C>, TrustStoreFileError> {
        let view = self.view()?;
        let store = self.judge(&view)?;
        if view.seal.as_ref().is_some_and(|seal| seal.next.is_some()) {
            self.finish();
        }
        let text = String::from_utf8_lossy(view.content.as_deref().unwrap_or_default()).into_owned();
        Ok(Loaded { store, text, seal: state(view.seal.as_ref()), digest: view.digest })
    }

    /// Changes the store: reads it, lets `change` do its work, and writes what came of it, all while no other process
    /// does. Nothing is written where `change` fails or changes nothing.
    ///
    /// # Errors
    /// [`UpdateError::Change`] is what `change` said, [`UpdateError::Store`] what stood in the way here.
    pub fn update<T, E>(&self, change: impl FnOnce(&mut C) -> Result<T, E>) -> Result<Updated<T>, UpdateError<E>> {
        self.update_locked(change, || self.lock())
    }

    fn update_locked<T, E>(
        &self,
        change: impl FnOnce(&mut C) -> Result<T, E>,
        lock: impl FnOnce() -> Result<Lock, TrustStoreFileError>,
    ) -> Result<Updated<T>, UpdateError<E>> {
        let _lock = lock().map_err(UpdateError::Store)?;
        let view = self.view().map_err(UpdateError::Store)?;
        let old = self.judge(&view).map_err(UpdateError::Store)?;
        let mut new = old.clone();
        let value = change(&mut new).map_err(UpdateError::Change)?;
        if new == old {
            let seal = state(view.seal.as_ref());
            if let Some(seal) = view.seal
                && seal.next.is_some()
            {
                self.settle(seal, view.digest).map_err(UpdateError::Store)?;
            }
            return Ok(Updated { value, written: false, seal });
        }
        let seal = self.write(view, &new).map_err(UpdateError::Store)?;
        Ok(Updated { value, written: true, seal })
    }

    /// Takes the file as it is, because a person looked at it and says so: it is sealed, or sealed anew. `found` is the
    /// digest of what the person looked at, so that nothing else is accepted in its place.
    ///
    /// # Errors
    /// [`TrustStoreFileError::NotThatOne`] where the file is another by now; what is no trust store is not accepted.
    pub fn accept(&self, found: StoreDigest, with: SealWith) -> Result<SealState, TrustStoreFileError> {
        let _lock = self.lock()?;
        let record = self.seal.read()?;
        let content = self.read()?;
        let digest = StoreDigest::of(content.as_deref());
        if digest != found {
            return Err(TrustStoreFileError::NotThatOne { path: self.path.clone(), named: found, found: digest });
        }
        self.parse(content.as_deref())?;
        let old_place = record.as_deref().and_then(SealFile::place);
        let old = match record.as_deref().map(|record| self.seal.open(record)).transpose() {
            Ok(old) => old,
            // The person says where to go from here.
            Err(SealError::Broken { .. } | SealError::NoSecret { .. }) => None,
            Err(_) if with != SealWith::Same => None,
            Err(error) => return Err(error.into()),
        };
        let keep = match (&old, with) {
            (Some(_), SealWith::Same) => None,
            (Some(seal), SealWith::CredentialStore) if seal.place.is_credential_store() => None,
            (Some(seal), SealWith::SecretFile) if !seal.place.is_credential_store() => None,
            (None, SealWith::Same) => Some(KeepIn::Either),
            (_, SealWith::CredentialStore) => Some(KeepIn::CredentialStore),
            (_, SealWith::SecretFile) => Some(KeepIn::File),
        };
        let seal = match (old, keep) {
            (Some(seal), None) => seal.follow(digest, None),
            (_, keep) => {
                let (place, secret) = self.seal.new_secret(&self.disk, keep.unwrap_or(KeepIn::Either))?;
                Seal::first(place, secret, digest)
            }
        };
        self.seal.write(&self.disk, &seal)?;
        self.seal.tidy(&self.disk, &seal.place, old_place.as_ref());
        Ok(SealState::from(&seal.place))
    }

    /// The digest of what is there, whatever the seal says.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn digest(&self) -> Result<StoreDigest, TrustStoreFileError> {
        Ok(StoreDigest::of(self.read()?.as_deref()))
    }

    fn lock(&self) -> Result<Lock, TrustStoreFileError> {
        let path = lock::beside(&self.path);
        let unwritable = |path: &Path, cause| TrustStoreFileError::Write { path: path.to_owned(), cause };
        if let Some(folder) = self.path.parent() {
            self.disk.private_folder(folder).map_err(|cause| unwritable(folder, cause))?;
        }
        Lock::exclusive(&path, self.wait)
            .map_err(|cause| unwritable(&path, cause))?
            .ok_or(TrustStoreFileError::Busy { path, waited: self.wait })
    }

    fn read(&self) -> Result<Option<Vec<u8>>, TrustStoreFileError> {
        STORE.read_if_there(&self.path).map_err(TrustStoreFileError::Read)
    }

    /// Seal, file, seal: where the seal is the same before and after, no write of ours began or ended in between, and the
    /// file is the old or the new one of that very seal.
    fn view(&self) -> Result<View, TrustStoreFileError> {
        for _ in 0..READS {
            let before = self.seal.read()?;
            let content = self.read()?;
            if before == self.seal.read()? {
                let seal = before.as_deref().map(|record| self.seal.open(record)).transpose();
                let seal = match seal {
                    Ok(None) if self.seal.was_written()? => Err(self.seal.lost()),
                    seal => seal,
                };
                // A secret that is gone may be one that was replaced meanwhile, and a seal the first one of another process.
                if seal.is_err() && before != self.seal.read()? {
                    continue;
                }
                let digest = StoreDigest::of(content.as_deref());
                return match seal {
                    Ok(seal) => Ok(View { digest, content, seal }),
                    Err(error) => Err(self.with_way_out(error, digest)),
                };
            }
        }
        Err(TrustStoreFileError::Busy { path: self.path.clone(), waited: Duration::ZERO })
    }

    fn with_way_out(&self, error: SealError, found: StoreDigest) -> TrustStoreFileError {
        match error {
            SealError::Broken { .. }
            | SealError::Lost { .. }
            | SealError::NoSecret { .. }
            | SealError::Credentials { .. } => TrustStoreFileError::SealFails { path: self.path.clone(), found, error },
            error => error.into(),
        }
    }

    /// The store in the view, where its seal holds.
    fn judge(&self, view: &View) -> Result<C, TrustStoreFileError> {
        if let Some(seal) = &view.seal
            && view.digest != seal.current
            && Some(view.digest) != seal.next
        {
            return Err(TrustStoreFileError::Changed {
                path: self.path.clone(),
                sealed: seal.current,
                found: view.digest,
            });
        }
        self.parse(view.content.as_deref())
    }

    fn parse(&self, content: Option<&[u8]>) -> Result<C, TrustStoreFileError> {
        let Some(bytes) = content else { return Ok(C::default()) };
        let text = str::from_utf8(bytes).map_err(|_| TrustStoreFileError::NotText { path: self.path.clone() })?;
        C::parse(text).map_err(|error| TrustStoreFileError::Invalid { path: self.path.clone(), error })
    }

    /// Writes `new`. The caller holds the lock, and `view` was read since.
    fn write(&self, view: View, new: &C) -> Result<SealState, TrustStoreFileError> {
        let bytes = new.to_text().into_bytes();
        if bytes.len() as u64 > MAX_BYTES {
            return Err(TrustStoreFileError::Read(ReadError::TooLarge { path: self.path.clone(), limit: MAX_BYTES }));
        }
        let next = StoreDigest::of(Some(&bytes));
        let first = view.seal.is_none();
        let seal = match view.seal {
            Some(seal) => seal,
            None => {
                let (place, secret) = self.seal.new_secret(&self.disk, KeepIn::Either)?;
                Seal::first(place, secret, view.digest)
            }
        };
        let seal = seal.follow(view.digest, Some(next));
        self.seal.write(&self.disk, &seal)?;
        // Whoever writes without the lock is noticed as late as possible.
        let now = StoreDigest::of(self.read()?.as_deref());
        if now != view.digest {
            return Err(TrustStoreFileError::Changed { path: self.path.clone(), sealed: view.digest, found: now });
        }
        self.disk
            .replace(&self.path, &bytes)
            .map_err(|cause| TrustStoreFileError::Write { path: self.path.clone(), cause })?;
        let place = seal.place.clone();
        self.settle(seal, next)?;
        if first {
            self.seal.tidy(&self.disk, &place, None);
        }
        Ok(SealState::from(&place))
    }

    /// The seal says `digest` and nothing else.
    fn settle(&self, seal: Seal, digest: StoreDigest) -> Result<(), TrustStoreFileError> {
        Ok(self.seal.write(&self.disk, &seal.follow(digest, None))?)
    }

    /// Ends a write that a crash interrupted, where nobody is writing just now. Where it cannot be done now, the next
    /// change does it: the seal knows both contents.
    fn finish(&self) {
        let lock = || match Lock::exclusive(&lock::beside(&self.path), Duration::ZERO) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(TrustStoreFileError::Busy { path: self.path.clone(), waited: Duration::ZERO }),
            Err(cause) => Err(TrustStoreFileError::Write { path: self.path.clone(), cause }),
        };
        let _ = self.update_locked(|_| Ok::<(), std::convert::Infallible>(()), lock);
    }
}

impl TrustStoreFile {
    /// Pins `key` as the one of `publisher` at its first use; [`Updated::written`] says whether it was not trusted before.
    ///
    /// Decided anew while no other process writes: of two that pin different keys at once one wins and the other is told.
    ///
    /// # Errors
    /// [`UpdateError::Change`] with the key or keys that the publisher has already, or where it can have none.
    pub fn pin(&self, publisher: &str, key: PublicKey) -> Result<Updated<()>, UpdateError<TrustError>> {
        self.update(|store| store.pin(publisher, key))
    }
}

fn state(seal: Option<&Seal>) -> SealState {
    seal.map_or(SealState::Unsealed, |seal| SealState::from(&seal.place))
}

/// Why a trust store could not be read or written. It was left as it was.
#[derive(Debug)]
pub enum TrustStoreFileError {
    /// The file cannot be read, or is no regular file.
    Read(ReadError),
    /// Something cannot be written.
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is no trust store.
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and at which entry.
        error: TrustError,
    },
    /// The file is not UTF-8.
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The file is not the one that Skillyard wrote last.
    Changed {
        /// The file.
        path: PathBuf,
        /// What Skillyard wrote.
        sealed: StoreDigest,
        /// What is there.
        found: StoreDigest,
    },
    /// The seal cannot be checked.
    SealFails {
        /// The file.
        path: PathBuf,
        /// What is there.
        found: StoreDigest,
        /// Why.
        error: SealError,
    },
    /// The seal cannot be read or written.
    Seal(SealError),
    /// A person accepted another content than is there.
    NotThatOne {
        /// The file.
        path: PathBuf,
        /// What the person named.
        named: StoreDigest,
        /// What is there.
        found: StoreDigest,
    },
    /// Another process keeps the lock.
    Busy {
        /// The lock file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
}

impl TrustStoreFileError {
    /// What a daemon would call it: it knows only whether a store can be read and understood.
    #[must_use]
    pub fn error_kind(&self) -> ErrorKind {
        match self {
            Self::Invalid { .. } => ErrorKind::Serialization,
            _ => ErrorKind::Io,
        }
    }
}

impl From<SealError> for TrustStoreFileError {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

/// The command by which a person accepts what is there.
struct Accept<'a> {
    path: &'a Path,
    found: StoreDigest,
    secret_file: bool,
}

impl fmt::Display for Accept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = show::shell_word(&self.path.to_string_lossy());
        let seal = if self.secret_file { " --seal secret-file" } else { "" };
        write!(f, "`skillyard trust accept {}{seal} --trust-store {path}`", self.found)
    }
}

/// Whether a sealed file is the one about the lives of keys.
fn is_lifecycle(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == crate::lifecycle::NAME)
}

fn what(path: &Path) -> &'static str {
    if is_lifecycle(path) { "the file about the lives of keys" } else { "the trust store" }
}

impl fmt::Display for TrustStoreFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the trust store: {error}"),
            Self::Write { path, cause } => write!(f, "{}: {cause}", Shown(path)),
            Self::Invalid { path, error } => {
                write!(f, "{}: {error}. Nothing is trusted by it, and it was left as it is", Shown(path))
            }
            Self::NotText { path } => {
                write!(f, "{} is not text. Nothing is trusted by it, and it was left as it is", Shown(path))
            }
            Self::Changed { path, sealed, found } => {
                let accept = Accept { path, found: *found, secret_file: false };
                match found {
                    StoreDigest::Missing => write!(
                        f,
                        "{} {} is gone: Skillyard wrote one with the SHA-256 {sealed}. Put it back, or, if {} from now \
                         on, run {accept}",
                        what(path),
                        Shown(path),
                        if is_lifecycle(path) {
                            "every revocation, every change of keys and every floor is to be forgotten"
                        } else {
                            "trusting nobody is right"
                        }
                    ),
                    StoreDigest::Sha256(_) => write!(
                        f,
                        "{} {} was changed by something else than Skillyard: its SHA-256 is {found}, Skillyard wrote \
                         {sealed}. Look at it; if what it says is right, run {accept}",
                        what(path),
                        Shown(path)
                    ),
                }
            }
            Self::SealFails { path, found, error } => {
                let secret_file = matches!(error, SealError::Credentials { .. });
                let accept = Accept { path, found: *found, secret_file };
                write!(
                    f,
                    "{error}. It is about {} {}, which has the SHA-256 {found}. Look at that; if what it says is right, \
                     run {accept}",
                    what(path),
                    Shown(path)
                )
            }
            Self::Seal(error) => write!(f, "{error}"),
            Self::NotThatOne { path, named, found } => write!(
                f,
                "{} {} is {found}, not {named}: look at it again before you accept it",
                what(path),
                Shown(path)
            ),
            Self::Busy { path, waited } => write!(
                f,
                "{} is in use by another process (waited {} seconds): try again when it is done",
                Shown(path),
                waited.as_secs()
            ),
        }
    }
}

impl std::error::Error for TrustStoreFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Write { cause, .. } => Some(cause),
            Self::Invalid { error, .. } => Some(error),
            Self::SealFails { error, .. } | Self::Seal(error) => Some(error),
            _ => None,
        }
    }
}

/// Why a change did not come about.
#[derive(Debug)]
pub enum UpdateError<E> {
    /// The store cannot be read or written.
    Store(TrustStoreFileError),
    /// The change itself said no.
    Change(E),
}

impl<E: fmt::Display> fmt::Display for UpdateError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Change(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for UpdateError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Change(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests;
