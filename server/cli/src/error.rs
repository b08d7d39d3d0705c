//! Why a command could not do its work: one line that says what, where, and what to do.

use std::{fmt, io};

use skillyard_lsp::ServeError;
use skillyard_project::{check::CheckError, rules, shown, suggest::did_you_mean};

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Error {
    /// `-` stands beside other paths.
    StdinAmongPaths,
    /// `--stdin-filename` without `-`.
    FilenameWithoutStdin,
    /// `--unsafe-fixes` without anything that fixes.
    UnsafeFixesAlone,
    /// Standard input could not be read.
    Stdin(io::Error),
    /// Standard input does not end.
    StdinTooLarge(usize),
    /// Standard input is no UTF-8.
    StdinNotUtf8(usize),
    /// Standard output could not be written.
    Stdout(io::Error),
    /// A file could not be checked.
    Check(CheckError),
    /// No rule has this code.
    UnknownRule(String),
    /// The language server could not start.
    Serve(ServeError),
    /// A panic.
    Internal,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StdinAmongPaths => write!(f, "`-` (standard input) cannot be mixed with other paths; give it alone"),
            Self::FilenameWithoutStdin => {
                write!(f, "`--stdin-filename` names what comes from standard input; give `-` as the path too")
            }
            Self::UnsafeFixesAlone => {
                write!(f, "`--unsafe-fixes` says which fixes; add `--fix` to apply them or `--diff` to see them")
            }
            Self::Stdin(error) => write!(f, "standard input: cannot be read: {error}"),
            Self::StdinTooLarge(limit) => {
                write!(f, "standard input: is larger than {limit} bytes, the most that is read")
            }
            Self::StdinNotUtf8(at) => write!(f, "standard input: is not UTF-8 from byte {at} on; save it as UTF-8"),
            Self::Stdout(error) => write!(f, "standard output: cannot be written: {error}"),
            Self::Check(error) => error.fmt(f),
            Self::UnknownRule(code) => {
                let codes = rules::all().map(|rule| rule.code);
                let hint = did_you_mean(code, codes, "`skillyard explain` lists all rules");
                write!(f, "no rule `{}`; {hint}", shown::words(code, 80))
            }
            Self::Serve(error) => error.fmt(f),
            Self::Internal => {
                write!(f, "internal error: this is a fault of skillyard; please report what is printed above")
            }
        }
    }
}

impl std::error::Error for Error {}
