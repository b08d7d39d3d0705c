//! What can go wrong in a maintainer's command.

use std::{fmt, io, path::PathBuf, process::ExitStatus};

/// Why a command stopped.
#[derive(Debug)]
pub enum Error {
    /// The command line is not understood.
    Usage(String),
    /// A program could not be started.
    Start {
        /// The command line.
        command: String,
        /// What the system says.
        source: io::Error,
    },
    /// A program ran and failed.
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A file or folder could not be read or written.
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A program said something that it should not have.
    Unexpected {
        /// The program, and where in its output.
        place: String,
        /// What was wrong with it.
        what: String,
    },
    /// Generated files are not what their source says.
    Stale(Vec<PathBuf>),
    /// No Python that can make a virtual environment.
    NoPython(Vec<&'static str>),
    /// No strace, and no rights to install it.
    NoPackages(Vec<&'static str>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what}; see `cargo xtask help`"),
            Self::Start { command, source } => write!(f, "`{command}` cannot be started: {source}"),
            Self::Failed { command, status } => write!(f, "`{command}` failed: {status}"),
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Unexpected { place, what } => write!(f, "{place}: {what}"),
            Self::Stale(files) => {
                writeln!(f, "not what their source says; run `cargo xtask generate` and commit the result:")?;
                files.iter().try_for_each(|file| writeln!(f, "  {}", file.display()))
            }
            Self::NoPackages(packages) => write!(
                f,
                "programs that tests need are not there and cannot be installed with this user's rights; as root: \
                 apt-get install {}",
                packages.join(" ")
            ),
            Self::NoPython(tried) => write!(
                f,
                "no Python 3 found (tried {}); install it with its venv module, or set PYTHON to one",
                tried.join(", ")
            ),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// For `map_err` on a file operation.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
