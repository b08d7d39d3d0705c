//! A tool's call in a process of its own.
//!
//! The parent starts the same program again with the arguments of [`Program`], which must lead to [`serve`]; the two
//! speak in frames over the child's standard input and output. Before the child looks at a byte of a module it puts up
//! its [walls](crate::walls). What a tool asks of the outside is a frame to the parent, who decides. The parent takes
//! nothing of the child's for true: every frame has its largest size, its place in the order and its number.
//!
//! The child ends with its call, when the clock has run out, when somebody cancels, when what holds it is dropped and
//! when the parent dies, in whatever way.

mod cancel;
mod child;
mod failure;
mod parent;
mod remote;
mod wire;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use cancel::Cancel;
pub use child::serve;
#[doc(hidden)]
pub use child::{Runner, serve_with};

pub use failure::{CompileFailure, Failure, Refused};
pub use parent::{Starting, compile, spawn};
pub use wire::WireError;

use crate::{call::Finished, walls::Wall};

/// What is started as a worker: a program and the arguments with which it calls [`serve`] and does nothing else before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// The program, absolute.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl Program {
    /// This very program with `args`. On Linux that is the file that is running, even after another was put in its place.
    ///
    /// # Errors
    /// When the system does not say where the program is.
    pub fn this<I: Into<OsString>>(args: impl IntoIterator<Item = I>) -> io::Result<Self> {
        let path = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
        Ok(Self { path, args: args.into_iter().map(Into::into).collect() })
    }
}

/// Where the compiled module of a call is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodeSource {
    /// Here, as [`compile`] gave it.
    Bytes(Arc<Vec<u8>>),
    /// In a file of the user's own cache. The worker reads it once, before its walls go up, and runs what it read only
    /// if that has this BLAKE3 digest.
    File {
        /// Where.
        path: PathBuf,
        /// The digest of all bytes that [`compile`] gave.
        blake3: [u8; 32],
    },
}

impl CodeSource {
    /// Code that is here.
    #[must_use]
    pub fn bytes(code: impl Into<Arc<Vec<u8>>>) -> Self {
        Self::Bytes(code.into())
    }

    /// The digest that [`Self::File`] wants, of `code`.
    #[must_use]
    pub fn digest(code: &[u8]) -> [u8; 32] {
        *blake3::hash(code).as_bytes()
    }

    /// A cached file.
    #[must_use]
    pub fn file(path: &Path, blake3: [u8; 32]) -> Self {
        Self::File { path: path.to_owned(), blake3 }
    }
}

/// What came of a call.
#[derive(Debug)]
pub struct Ran {
    /// What the worker said, or what the parent says of a worker that could not.
    pub finished: Finished,
    /// Why the worker gave no answer of its own, where it did not; [`Finished::error`] says the same in words.
    pub failure: Option<Failure>,
    /// The walls round the call. Empty when the worker died before it had any.
    pub walls: Vec<Wall>,
    /// Host calls that were made but not told to `Outside`: more than [`HOST_CALLS`] are only counted.
    pub unrecorded: u64,
}

/// The most host calls of one run that are told to `Outside::host_call`.
pub const HOST_CALLS: u64 = 10_000;
