//! Writing fixed text back, and showing what would be written.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use similar::TextDiff;

use crate::{
    files::{self, ReadError},
    shown,
};

/// What to do about fixes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FixMode {
    /// Nothing.
    #[default]
    Off,
    /// Write them.
    Write {
        /// Also those that decide something for the author.
        unsafe_too: bool,
    },
    /// Work them out and write nothing.
    Diff {
        /// Also those that decide something for the author.
        unsafe_too: bool,
    },
}

impl FixMode {
    /// Whether unsafe fixes are asked for; `None` where no fixes are.
    #[must_use]
    pub fn unsafe_too(self) -> Option<bool> {
        match self {
            Self::Off => None,
            Self::Write { unsafe_too } | Self::Diff { unsafe_too } => Some(unsafe_too),
        }
    }
}

/// Why a file was not written. The file is as it was.
#[derive(Debug)]
pub enum WriteError {
    /// It may not be written.
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// It is a symbolic link.
    Link {
        /// The link.
        path: PathBuf,
    },
    /// It is not what was read.
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// It could not be read again.
    Read(ReadError),
    /// The system refused.
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, why) = match self {
            Self::ReadOnly { path } => (path, "not written: the file is read-only; make it writable first".to_owned()),
            Self::Link { path } => (path, "not written: it is a symbolic link; name the file it points to".to_owned()),
            Self::Changed { path } => {
                (path, "not written: the file changed meanwhile; run the command again".to_owned())
            }
            Self::Read(error) => return error.fmt(f),
            Self::Io { path, error } => {
                (path, format!("not written: {error}; check the folder's permissions and space"))
            }
        };
        write!(f, "{}: {why}", shown::path(path))
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Replaces the content `before` of the file at `path` by `after`, with the permissions that it had.
///
/// The new content is written beside the file and moved over it, so at any moment, whatever kills the process, the file
/// holds the one or the other. A read-only file, a symbolic link and a file whose content is no longer `before` are
/// left alone.
///
/// # Errors
/// If the file was not written.
pub fn replace(path: &Path, before: &[u8], after: &[u8]) -> Result<(), WriteError> {
    let fail = |error| WriteError::Io { path: path.to_owned(), error };
    let about = path.symlink_metadata().map_err(fail)?;
    if about.is_symlink() {
        return Err(WriteError::Link { path: path.to_owned() });
    }
    if about.permissions().readonly() {
        return Err(WriteError::ReadOnly { path: path.to_owned() });
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut new = tempfile::Builder::new().prefix(".skillyard-").tempfile_in(folder).map_err(fail)?;
    new.write_all(after).map_err(fail)?;
    keep_owner(&about, new.as_file());
    new.as_file().set_permissions(about.permissions()).map_err(fail)?;
    new.as_file().sync_all().map_err(fail)?;
    // As late as can be: an editor may have saved since the file was read.
    if files::read(path, before.len()).map_err(|error| changed(path, error))? != before {
        return Err(WriteError::Changed { path: path.to_owned() });
    }
    new.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

fn changed(path: &Path, error: ReadError) -> WriteError {
    match error {
        ReadError::TooLarge { .. } => WriteError::Changed { path: path.to_owned() },
        error => WriteError::Read(error),
    }
}

/// Gives the new file the owner of the old one. Only the superuser can give files away, and only the superuser's files
/// would otherwise change hands, so a refusal does not matter.
#[cfg(unix)]
fn keep_owner(about: &fs::Metadata, new: &fs::File) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let _ = fchown(new, Some(about.uid()), Some(about.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_about: &fs::Metadata, _new: &fs::File) {}

/// The difference between two texts of the file at `path`, as a unified diff. Controls, bidirectional and invisible
/// characters are escaped, since it is for reading. Empty where the texts are the same.
#[must_use]
pub fn diff(path: &Path, before: &str, after: &str) -> String {
    let name = shown::path(path);
    let diff = TextDiff::from_lines(before, after).unified_diff().context_radius(3).header(&name, &name).to_string();
    shown::lines(&diff).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_and_leaves_nothing_beside() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("skill.toml");
        fs::write(&file, "old").unwrap();
        replace(&file, b"old", b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        for before in ["old", "newer", "ne"] {
            assert!(matches!(replace(&file, before.as_bytes(), b"x"), Err(WriteError::Changed { .. })));
        }
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn keeps_permissions_and_spares_links_and_read_only_files() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("skill.toml");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
        replace(&file, b"old", b"new").unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o664);
        let link = root.path().join("link");
        symlink(&file, &link).unwrap();
        assert!(matches!(replace(&link, b"new", b"x"), Err(WriteError::Link { .. })));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(matches!(replace(&file, b"new", b"x"), Err(WriteError::ReadOnly { .. })));
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[test]
    fn a_diff_is_for_reading() {
        let text = diff(Path::new("a\u{1b}b"), "x\ny\u{202e}\nz\n", "x\ny\nz\n");
        assert_eq!(text, "--- a\\u{1b}b\n+++ a\\u{1b}b\n@@ -1,3 +1,3 @@\n x\n-y\\u{202e}\n+y\n z\n");
        assert_eq!(diff(Path::new("a"), "x", "x"), "");
    }
}
