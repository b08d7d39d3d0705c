//! The system's credential store: the Secret Service on Linux, the Keychain on macOS, the Credential Manager on Windows.
//!
//! Nothing here is touched before a secret is asked for: a start-up that needs none speaks to no bus. Every question has
//! a deadline, since the service may be waiting for a password that nobody types.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use zeroize::Zeroizing;

/// The name that all our entries stand under.
const SERVICE: &str = "skillyard";

/// Secrets by name.
///
/// What is written is there for the next process of the same person, or writing is an error.
pub trait Credentials: fmt::Debug + Send + Sync {
    /// The secret called `name`; nothing where there is none.
    ///
    /// # Errors
    /// Where the store cannot be asked or does not answer.
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, CredentialError>;

    /// Keeps `secret` under `name`, in place of what was there.
    ///
    /// # Errors
    /// Where the store cannot be asked or does not keep it.
    fn write(&self, name: &str, secret: &[u8]) -> Result<(), CredentialError>;

    /// Forgets what is called `name`. Missing is fine.
    ///
    /// # Errors
    /// Where the store cannot be asked or does not forget.
    fn remove(&self, name: &str) -> Result<(), CredentialError>;
}

/// Opens the entry of a name.
pub type OpenEntry = dyn Fn(&str) -> keyring::Result<keyring::Entry> + Send + Sync;

/// The credential store of the system.
///
/// On Linux any program that runs as the same person can ask the Secret Service too, once it is unlocked; macOS asks the
/// person where another program does; on Windows any program of the same person can read it.
pub struct SystemCredentials {
    open: Arc<OpenEntry>,
    wait: Duration,
    /// It did not answer once, so it is not waited for again in this process.
    silent: AtomicBool,
}

impl SystemCredentials {
    /// How long a person has to type the password of a locked store.
    pub const WAIT: Duration = Duration::from_secs(30);

    /// The system's own, each question answered within [`WAIT`](Self::WAIT) or an error. Asks nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|name| keyring::Entry::new(SERVICE, name), Self::WAIT)
    }

    /// Entries of another place, for instance `keyring-core`'s mock.
    #[must_use]
    pub fn with(
        open: impl Fn(&str) -> keyring::Result<keyring::Entry> + Send + Sync + 'static,
        wait: Duration,
    ) -> Self {
        Self { open: Arc::new(open), wait, silent: AtomicBool::new(false) }
    }

    /// Runs `work` on a thread of its own, which is left alone with its question when the time is over.
    fn ask<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&keyring::Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<T, CredentialError> {
        let no_answer = CredentialError::NoAnswer { waited: self.wait };
        if self.silent.load(Ordering::Relaxed) {
            return Err(no_answer);
        }
        let (send, receive) = mpsc::sync_channel(1);
        let (open, name) = (Arc::clone(&self.open), name.to_owned());
        thread::Builder::new()
            .name("credentials".to_owned())
            .spawn(move || {
                let _ = send.send(open(&name).and_then(|entry| work(&entry)));
            })
            .map_err(|cause| CredentialError::Unavailable { reason: cause.to_string() })?;
        match receive.recv_timeout(self.wait) {
            Ok(answer) => answer.map_err(CredentialError::from),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.silent.store(true, Ordering::Relaxed);
                Err(no_answer)
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                Err(CredentialError::Refused { reason: "it gave no answer".to_owned() })
            }
        }
    }
}

impl Default for SystemCredentials {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SystemCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemCredentials")
    }
}

impl Credentials for SystemCredentials {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, CredentialError> {
        self.ask(name, |entry| match entry.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), CredentialError> {
        let secret = Zeroizing::new(secret.to_vec());
        self.ask(name, move |entry| entry.set_secret(&secret))
    }

    fn remove(&self, name: &str) -> Result<(), CredentialError> {
        self.ask(name, |entry| match entry.delete_credential() {
            Err(keyring::Error::NoEntry) => Ok(()),
            done => done,
        })
    }
}

/// Why the credential store did not do what was asked. Never holds a secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CredentialError {
    /// There is none, or none that can be reached from this session.
    Unavailable {
        /// The system's words.
        reason: String,
    },
    /// It did not answer in time.
    NoAnswer {
        /// How long was waited.
        waited: Duration,
    },
    /// It answered no.
    Refused {
        /// The system's words.
        reason: String,
    },
}

impl From<keyring::Error> for CredentialError {
    /// The words of `error` without the bytes it may carry: only `Display`, never `Debug`.
    fn from(error: keyring::Error) -> Self {
        use keyring::Error;
        match error {
            Error::NoDefaultStore => Self::Unavailable {
                reason: match keyring::Entry::store_status() {
                    Err(cause) => cause.to_string(),
                    Ok(()) => "there is none".to_owned(),
                },
            },
            Error::NoStorageAccess(_) => Self::Unavailable { reason: error.to_string() },
            Error::BadEncoding(_) | Error::BadDataFormat(..) => {
                Self::Refused { reason: "what it holds is damaged".to_owned() }
            }
            Error::Ambiguous(_) => Self::Refused { reason: "it holds several entries of this name".to_owned() },
            other => Self::Refused { reason: other.to_string() },
        }
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { reason } => {
                write!(f, "the system's credential store cannot be reached from this session ({reason})")
            }
            Self::NoAnswer { waited } => write!(
                f,
                "the system's credential store did not answer within {} seconds; it may be locked and wait for its \
                 password",
                waited.as_secs()
            ),
            Self::Refused { reason } => write!(f, "the system's credential store refused ({reason})"),
        }
    }
}

impl std::error::Error for CredentialError {}
