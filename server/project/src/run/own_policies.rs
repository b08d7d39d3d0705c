//! A person's own policies: those of `policy.cedar` among their own things, which hold for every call, and those of a file
//! that they name for one. Nothing of a workspace is ever read for one.

use std::{fs, io, path::Path};

use skillyard_runtime::policy::Policies;

use super::call::CallError;
use crate::{
    files::{self, ReadError},
    home::Home,
    shown,
};

/// The largest policy file that is read, in bytes.
const MAX_POLICY: usize = 1 << 20;

/// Files with policies, each with what it is called in messages.
#[derive(Default)]
pub(super) struct OwnPolicies(Vec<(String, String)>);

impl OwnPolicies {
    /// Reads that of `home`, where there is one, and `named` on top of it.
    pub(super) fn read(home: &Home, named: Option<&Path>) -> Result<Self, CallError> {
        let usual = &home.paths().policy;
        let mut own = Self::default();
        if is_there(usual)? {
            own.add(usual)?;
        }
        if let Some(named) = named {
            // It may be named though it counts already.
            let same = !own.0.is_empty() && fs::canonicalize(named).ok() == fs::canonicalize(usual).ok();
            if !same {
                own.add(named)?;
            }
        }
        Ok(own)
    }

    fn add(&mut self, path: &Path) -> Result<(), CallError> {
        let bytes = files::read(path, MAX_POLICY).map_err(CallError::Read)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            CallError::Read(ReadError::NotUtf8 { path: path.to_owned(), at: error.utf8_error().valid_up_to() })
        })?;
        self.0.push((shown::path(path), text));
        Ok(())
    }

    /// Each file's name and its text.
    pub(super) fn files(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
    }
}

/// Whether a person has put something there. A link that leads nowhere is something: what it led to may have forbidden
/// what would run without it.
fn is_there(path: &Path) -> Result<bool, CallError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(CallError::Read(ReadError::Io { path: path.to_owned(), error })),
    }
}

/// Whether the person has policies of their own in their home.
///
/// # Errors
/// Why no tool runs: they cannot be read, or are not in order.
pub fn own_policies(home: &Home) -> Result<bool, CallError> {
    let own = OwnPolicies::read(home, None)?;
    let files = own.files();
    Policies::load(&files).map_err(CallError::Policy)?;
    Ok(!files.is_empty())
}
