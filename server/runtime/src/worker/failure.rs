//! What goes wrong with a worker, rather than with the tool in it.

use std::{fmt, io, path::PathBuf, process::ExitStatus};

use serde::{Deserialize, Serialize};

use super::wire::WireError;

/// Why a worker gave no answer.
#[derive(Debug)]
pub enum Failure {
    /// The program could not be started.
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The call cannot be told to a worker.
    Order(String),
    /// The worker gave up before it ran anything.
    Refused(Refused),
    /// What the worker sent is not in the language of workers: it was ended.
    Wire(WireError),
    /// It ended on its own.
    Died {
        /// How.
        status: Option<ExitStatus>,
        /// The beginning of what it wrote to standard error, escaped.
        stderr: String,
    },
    /// The clock ran out, and it was ended.
    TimedOut,
    /// A person ended it.
    Cancelled,
}

/// Why a worker gave up before it ran anything.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The cached file cannot be read, or is not what was written there: compile again.
    CacheFile(String),
    /// A wall that this system has did not go up.
    Wall(String),
    /// A folder of the call is not there, or there is a link on the way to it.
    Folder(String),
    /// The order is none.
    Order(String),
}

impl Refused {
    /// With a worker's words escaped.
    pub(super) fn escaped(self) -> Self {
        match self {
            Self::CacheFile(why) => Self::CacheFile(escaped(&why)),
            Self::Wall(why) => Self::Wall(escaped(&why)),
            Self::Folder(why) => Self::Folder(escaped(&why)),
            Self::Order(why) => Self::Order(escaped(&why)),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CacheFile(why) => {
                write!(f, "the compiled module in the cache cannot be used: {why}; compile it again")
            }
            Self::Wall(why) => write!(
                f,
                "the worker's walls could not be put up, so nothing ran: {why}; `skillyard doctor` says which stand here"
            ),
            Self::Folder(why) => write!(
                f,
                "a folder that the tool is given does not open without following a link, so nothing ran: {why}; remove \
                 what is in its place"
            ),
            Self::Order(why) => write!(f, "the worker did not understand its order: {why}; is it another version?"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, error } => {
                write!(f, "the worker {} could not be started: {error}", escaped(&program.to_string_lossy()))
            }
            Self::Order(why) => write!(f, "the call cannot be handed to a worker: {why}"),
            Self::Refused(why) => why.fmt(f),
            Self::Wire(error) => write!(f, "the worker was ended: {error}"),
            Self::Died { status, stderr } => {
                match status {
                    Some(status) => write!(f, "the worker died: {}", ended(*status))?,
                    None => f.write_str("the worker died")?,
                }
                if stderr.is_empty() { Ok(()) } else { write!(f, "; it said: {stderr}") }
            }
            Self::TimedOut => f.write_str("the wall clock ran out"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Start { error, .. } => Some(error),
            Self::Wire(error) => Some(error),
            _ => None,
        }
    }
}

/// Why a module was not compiled.
#[derive(Debug)]
pub enum CompileFailure {
    /// It is no module, or uses what is switched off: the compiler's words, escaped.
    DoesNotCompile(String),
    /// It took too long, and the compiler was ended.
    TimedOut,
    /// A person ended it.
    Cancelled,
    /// The compiler's process gave no answer: it died, over its limits or else.
    Worker(Failure),
}

impl fmt::Display for CompileFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoesNotCompile(why) => write!(f, "the module does not compile: {why}"),
            Self::TimedOut => f.write_str("the module was not compiled before the wall clock ran out"),
            Self::Cancelled => f.write_str("cancelled while the module was compiled"),
            Self::Worker(failure) => write!(f, "the module was not compiled: {failure}"),
        }
    }
}

impl std::error::Error for CompileFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Worker(failure) => Some(failure),
            _ => None,
        }
    }
}

/// How a process ended, with the walls' own ways named.
fn ended(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            let why = match signal {
                signal if signal == rustix::process::Signal::SYS.as_raw() => {
                    ": it made a system call that its walls forbid"
                }
                signal if signal == rustix::process::Signal::XCPU.as_raw() => {
                    ": it used more processor time than it may"
                }
                signal if signal == rustix::process::Signal::XFSZ.as_raw() => ": it wrote a larger file than it may",
                signal if signal == rustix::process::Signal::ABORT.as_raw() => {
                    ": it gave up, perhaps for want of memory"
                }
                _ => "",
            };
            return format!("signal {signal}{why}");
        }
    }
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}

/// Text of a worker for a person: nothing in it moves a cursor, hides or reorders other text.
pub(super) fn escaped(text: &str) -> String {
    skillyard_manifest::show::line(text).into_owned()
}
