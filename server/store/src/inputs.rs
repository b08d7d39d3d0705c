//! The last input of each tool, so that a person who runs it again need not write it again.
//!
//! One file a tool in a folder that its owner alone may read, named by the SHA-256 of skill id and tool id. Neither the
//! number of files nor their size grows without end: [`MAX_INPUTS`], [`MAX_INPUT_BYTES`]. An input that holds a secret's
//! value is not kept; the caller, who knows the values, says so.

use std::{
    ffi::OsStr,
    fmt, fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use skillyard_artifact::integrity::{hex, sha256};

use crate::{
    durable::{Disk, ReadError, Reading, refuse_open},
    lock::Lock,
    shown::Shown,
};

/// How many tools' inputs are remembered; beyond it the oldest goes.
pub const MAX_INPUTS: usize = 500;
/// The most bytes that an input may have to be remembered: a person writes no more.
pub const MAX_INPUT_BYTES: usize = 256 << 10;

/// JSON can write a byte as six (`\u001b`).
const RECORD: Reading = Reading { limit: 6 * MAX_INPUT_BYTES as u64 + (16 << 10), follow: false, secret: true };
const WAIT: Duration = Duration::from_secs(5);

/// What became of an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remembered {
    /// It is the tool's last input now.
    Yes,
    /// It is larger than [`MAX_INPUT_BYTES`]; the one before stays.
    TooLarge,
    /// It holds a secret; the one before stays.
    HoldsSecret,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    schema_version: u32,
    skill_id: String,
    tool_id: String,
    input: String,
}

/// The folder of the last inputs.
#[derive(Debug)]
pub struct LastInputs {
    folder: PathBuf,
    disk: Disk,
}

impl LastInputs {
    /// The one at `folder`, made when something is remembered.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), disk: Disk::default() }
    }

    /// Remembers `input`, the text of a JSON value, as the last one of a skill's tool. `holds_secret` says whether a
    /// secret's value is in it, in any form.
    ///
    /// # Errors
    /// Where it cannot be written, or others can write to the folder.
    pub fn remember(
        &self,
        skill_id: &str,
        tool_id: &str,
        input: &str,
        holds_secret: bool,
    ) -> Result<Remembered, InputError> {
        if holds_secret {
            return Ok(Remembered::HoldsSecret);
        }
        if input.len() > MAX_INPUT_BYTES {
            return Ok(Remembered::TooLarge);
        }
        self.disk.private_folder(&self.folder).map_err(unwritable(&self.folder))?;
        self.check_folder()?;
        let _lock = self.lock()?;
        let path = self.file(skill_id, tool_id);
        let record = Record {
            schema_version: 1,
            skill_id: skill_id.to_owned(),
            tool_id: tool_id.to_owned(),
            input: input.to_owned(),
        };
        let text = serde_json::to_vec(&record).map_err(|cause| unwritable(&path)(cause.into()))?;
        self.disk.replace(&path, &text).map_err(unwritable(&path))?;
        self.forget_oldest(&path)?;
        Ok(Remembered::Yes)
    }

    /// The last input of a skill's tool, as it was written; nothing where there is none, or what is there is no input.
    ///
    /// # Errors
    /// Where it cannot be read, or others could have written or read it.
    pub fn recall(&self, skill_id: &str, tool_id: &str) -> Result<Option<String>, InputError> {
        if !self.folder.exists() {
            return Ok(None);
        }
        self.check_folder()?;
        let read = RECORD.read_if_there(&self.file(skill_id, tool_id)).map_err(InputError::Read)?;
        let record = read.and_then(|text| serde_json::from_slice::<Record>(&text).ok());
        let ours = record
            .filter(|record| record.schema_version == 1 && record.skill_id == skill_id && record.tool_id == tool_id);
        Ok(ours.map(|record| record.input))
    }

    /// Forgets all inputs. Says how many there were.
    ///
    /// # Errors
    /// Where one cannot be removed.
    pub fn clear(&self) -> Result<usize, InputError> {
        if !self.folder.exists() {
            return Ok(0);
        }
        self.check_folder()?;
        let _lock = self.lock()?;
        let files = self.files()?;
        for (_, path) in &files {
            self.disk.remove(path).map_err(unwritable(path))?;
        }
        Ok(files.len())
    }

    fn file(&self, skill_id: &str, tool_id: &str) -> PathBuf {
        // Neither id of a manifest holds NUL; one of a caller that does is divided by its length.
        let text = format!("{}\0{skill_id}\0{tool_id}", skill_id.len());
        let hash = sha256(text.as_bytes());
        self.folder.join(format!("{}.json", hex(hash.get(..16).unwrap_or(&hash))))
    }

    /// All inputs and when they were written.
    fn files(&self) -> Result<Vec<(SystemTime, PathBuf)>, InputError> {
        let unreadable = |cause| InputError::Read(ReadError::Io { path: self.folder.clone(), cause });
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let path = entry.path();
            let is_half = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !is_half && path.extension() == Some(OsStr::new("json")) {
                let written = entry.metadata().and_then(|metadata| metadata.modified());
                files.push((written.unwrap_or(SystemTime::UNIX_EPOCH), path));
            }
        }
        Ok(files)
    }

    fn forget_oldest(&self, newest: &Path) -> Result<(), InputError> {
        let mut files = self.files()?;
        files.retain(|(_, path)| path != newest);
        files.sort();
        let too_many = files.len().saturating_sub(MAX_INPUTS - 1);
        for (_, path) in files.iter().take(too_many) {
            self.disk.remove(path).map_err(unwritable(path))?;
        }
        Ok(())
    }

    fn check_folder(&self) -> Result<(), InputError> {
        let metadata = fs::metadata(&self.folder)
            .map_err(|cause| InputError::Read(ReadError::Io { path: self.folder.clone(), cause }))?;
        refuse_open(&self.folder, &metadata, 0o022).map_err(InputError::Read)
    }

    fn lock(&self) -> Result<Lock, InputError> {
        let path = self.folder.join(".lock");
        match Lock::exclusive(&path, WAIT) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(InputError::Busy { path }),
            Err(cause) => Err(InputError::Write { path, cause }),
        }
    }
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> InputError + use<> {
    let path = path.to_owned();
    move |cause| InputError::Write { path, cause }
}

/// Why an input was not remembered or recalled.
#[derive(Debug)]
pub enum InputError {
    /// A file or the folder cannot be read, or must not be.
    Read(ReadError),
    /// A file cannot be written or removed.
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process is writing.
    Busy {
        /// The lock file.
        path: PathBuf,
    },
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the last inputs of tools: {error}"),
            Self::Write { path, cause } => write!(f, "{}: {cause}", Shown(path)),
            Self::Busy { path } => write!(f, "{} is in use by another process: try again when it is done", Shown(path)),
        }
    }
}

impl std::error::Error for InputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Write { cause, .. } => Some(cause),
            Self::Busy { .. } => None,
        }
    }
}
