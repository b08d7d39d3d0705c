//! Signing keys as a person names them: a file, an environment variable, a key of the own folder, or the only one.

use std::{
    ffi::OsString,
    fmt,
    io::Write as _,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use skillyard_artifact::{
    keys::{KeyError, Source},
    trust::PublicKey,
};
use skillyard_store::keys::{Existing, KeptIn, KeyBytes, KeyFileError, KeyName};
use zeroize::Zeroizing;

use crate::{files::without_path, home::Home, shown};

pub use skillyard_artifact::keys::{Form, SigningKey};
pub use skillyard_store::keys::KeySource;

/// The variable that holds the passphrase of an encrypted key, where nobody is there to type it.
pub const PASSPHRASE_VARIABLE: &str = "SKILLYARD_KEY_PASSPHRASE";
/// The name of a key that is made without one, and that signs where several are there.
pub const DEFAULT_NAME: &str = "default";

/// Which key signs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum KeyChoice {
    /// A file.
    File(PathBuf),
    /// The value of an environment variable of this name.
    Environment(String),
    /// A key that was made by [`generate`] and kept, by its name.
    Named(String),
    /// The kept key called `default`, else the only one there is.
    #[default]
    Usual,
}

/// Why there is no key to sign with.
#[derive(Debug)]
pub enum NoKey {
    /// None was ever made.
    None,
    /// Several are there and none is the usual one.
    Several(Vec<String>),
    /// It could not be read or kept.
    File(KeyFileError),
    /// What was read is no key.
    Bad {
        /// Where it was read from, escaped.
        source: String,
        /// Why not.
        error: KeyError,
    },
    /// A file cannot be written.
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str(
                "there is no key to sign with: make one with `skillyard keygen`, or name one with `--key FILE` or \
                 `--key-env VARIABLE`",
            ),
            Self::Several(names) => write!(
                f,
                "there are several keys ({}) and none is called `{DEFAULT_NAME}`: choose one with `--key-name NAME`",
                names.join(", ")
            ),
            Self::File(error) => error.fmt(f),
            Self::Bad { source, error: KeyError::NeedsPassphrase } => write!(
                f,
                "{source}: the key is under a passphrase; run this in a terminal to be asked for it, or set \
                 {PASSPHRASE_VARIABLE}"
            ),
            Self::Bad { source, error } => write!(f, "{source}: {error}"),
            Self::Write { path, error } if error.kind() == std::io::ErrorKind::AlreadyExists => {
                write!(f, "{}: is there already and is left alone; name another file", shown::path(path))
            }
            Self::Write { path, error } if error.kind() == std::io::ErrorKind::NotFound => {
                let folder = path.parent().unwrap_or(path);
                write!(f, "{}: no such folder; make it first, or name another file", shown::path(folder))
            }
            Self::Write { path, error } => write!(f, "{}: cannot be written: {error}", shown::path(path)),
        }
    }
}

impl std::error::Error for NoKey {}

impl From<KeyFileError> for NoKey {
    fn from(error: KeyFileError) -> Self {
        Self::File(error)
    }
}

/// A passphrase, wiped when it goes.
pub type Passphrase = Zeroizing<String>;

/// How a passphrase is come by. Asked only where a key needs one.
pub type AskPassphrase<'a> = dyn FnMut(&str) -> Option<Passphrase> + 'a;

/// The key that `choice` means. `lookup` gives the values of environment variables; `ask` is asked for the passphrase of
/// an encrypted key, by the name of its source, where [`PASSPHRASE_VARIABLE`] is not set.
///
/// # Errors
/// If there is none, or it does not read.
pub fn signing_key(
    choice: &KeyChoice,
    home: &Home,
    lookup: &dyn Fn(&str) -> Option<OsString>,
    ask: &mut AskPassphrase<'_>,
) -> Result<SigningKey, NoKey> {
    let read = match choice {
        KeyChoice::File(path) => KeyBytes::of_file(path)?,
        KeyChoice::Environment(name) => KeyBytes::of_environment(name, lookup(name))?,
        KeyChoice::Named(name) => home.keys().load_name(&KeyName::from_str(name)?)?,
        KeyChoice::Usual => home.keys().load_name(&usual(home)?)?,
    };
    let form = match read.source {
        KeySource::File(_) => Source::File,
        KeySource::Environment(_) | KeySource::CredentialStore(_) => Source::Text,
    };
    let bad = |error| NoKey::Bad { source: read.source.to_string(), error };
    match SigningKey::parse(&read.bytes, form, None) {
        Err(KeyError::NeedsPassphrase) => {
            let set = lookup(PASSPHRASE_VARIABLE).and_then(|value| value.into_string().ok()).map(Zeroizing::new);
            let passphrase = set.or_else(|| ask(&read.source.to_string()));
            let passphrase = passphrase.ok_or_else(|| bad(KeyError::NeedsPassphrase))?;
            SigningKey::parse(&read.bytes, form, Some(passphrase.as_bytes())).map_err(bad)
        }
        parsed => parsed.map_err(bad),
    }
}

fn usual(home: &Home) -> Result<KeyName, NoKey> {
    let mut keys = home.keys().list()?;
    if let Some(at) = keys.iter().position(|key| key.name.as_str() == DEFAULT_NAME) {
        return Ok(keys.swap_remove(at).name);
    }
    match keys.len() {
        0 => Err(NoKey::None),
        1 => Ok(keys.swap_remove(0).name),
        _ => Err(NoKey::Several(keys.iter().map(|key| key.name.to_string()).collect())),
    }
}

/// Where a new key goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Keep {
    /// Into the folder of keys, by a name.
    Named {
        /// The name.
        name: String,
        /// Whether the secret half goes to the system's credential store and not to a file.
        in_credential_store: bool,
        /// Whether a key of that name is lost for it.
        replace: bool,
    },
    /// To a new file.
    File {
        /// The file.
        path: PathBuf,
        /// Its form.
        form: Form,
    },
}

/// A key that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Generated {
    /// The public half.
    pub public: PublicKey,
    /// Where the secret half is.
    pub source: KeySource,
}

/// Makes a key and keeps it, for its owner alone.
///
/// # Errors
/// If there is one already, or it cannot be kept.
pub fn generate(home: &Home, keep: &Keep) -> Result<Generated, NoKey> {
    let bad = |error| NoKey::Bad { source: "the new key".to_owned(), error };
    let key = SigningKey::generate().map_err(bad)?;
    let public = key.public();
    let source = match keep {
        Keep::Named { name, in_credential_store, replace } => {
            let name = KeyName::from_str(name)?;
            let secret = key.write(Form::default()).map_err(bad)?;
            let kept_in = if *in_credential_store { KeptIn::CredentialStore } else { KeptIn::File };
            let existing = if *replace { Existing::Replace } else { Existing::Keep };
            home.keys().save(&name, &secret, &public, kept_in, existing)?
        }
        Keep::File { path, form } => {
            write_new(path, &key.write(*form).map_err(bad)?)
                .map_err(|error| NoKey::Write { path: path.clone(), error })?;
            KeySource::File(path.clone())
        }
    };
    Ok(Generated { public, source })
}

/// Writes a file that was not there, for its owner alone. A file that cannot be written whole does not stay.
fn write_new(path: &Path, secret: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Temporary files are for their owner alone from the start.
    let mut file = tempfile::Builder::new().prefix(".skillyard-").tempfile_in(folder).map_err(without_path)?;
    file.write_all(secret)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

/// One of a person's keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptKey {
    /// Its name.
    pub name: String,
    /// Its public half, where a record tells.
    pub public: Option<PublicKey>,
    /// Whether the secret half is in the system's credential store.
    pub in_credential_store: bool,
}

/// The keys that are kept, by name. No secret is opened.
///
/// # Errors
/// If they cannot be listed.
pub fn keys(home: &Home) -> Result<Vec<KeptKey>, NoKey> {
    let listed = home.keys().list()?.into_iter();
    let kept = listed.map(|key| KeptKey {
        name: key.name.to_string(),
        public: key.public,
        in_credential_store: key.kept_in == KeptIn::CredentialStore,
    });
    Ok(kept.collect())
}
