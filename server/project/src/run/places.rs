//! The folders of a skill's own that its tools may read and write.
//!
//! They lie below a folder of the person's own, never in a workspace: `skill.<skill_id>/<root>`. A tool may put
//! symbolic links into them; none is followed on the way to a root.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use skillyard_artifact::{
    integrity::{hex, sha256},
    trust::PublicKey,
};
use skillyard_runtime::call::Folder;

use crate::{files, shown};

/// Why a root is not given.
#[derive(Debug)]
pub enum PlaceError {
    /// It cannot be made or looked at.
    Io {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// Something else is in its place, or on the way.
    NoFolder {
        /// What is in the way.
        path: PathBuf,
    },
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{}: cannot be made: {error}", shown::path(path)),
            Self::NoFolder { path } => {
                write!(
                    f,
                    "{}: is no folder, or a link to one; remove it, so that the tool gets its own",
                    shown::path(path)
                )
            }
        }
    }
}

impl std::error::Error for PlaceError {}

/// Whose a skill's storage and its remembered inputs are. Anybody can write any `skill_id` into a manifest, so that the id
/// alone opens only what belongs to whom the person trusts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Owner {
    /// This publisher, whom the person trusts.
    Trusted(String),
    /// Who signs with a key that is taken for this once.
    Stranger(PublicKey),
    /// A folder, whoever wrote what is in it.
    Folder(PathBuf),
}

impl Owner {
    /// That of the skill in `folder`.
    #[must_use]
    pub fn folder(folder: &Path) -> Self {
        Self::Folder(fs::canonicalize(folder).unwrap_or_else(|_| files::absolute(folder)))
    }

    /// A name for a skill of this owner, which no id is: none has an `@`.
    #[must_use]
    pub fn name(&self, skill_id: &str) -> String {
        match self {
            // Another publisher may give its skill the same id, and no name of one is a file's on every system.
            Self::Trusted(publisher) => format!("{skill_id}@by-{}", digest(publisher.as_bytes())),
            Self::Stranger(key) => format!("{skill_id}@key-{}", digest(key.to_string().as_bytes())),
            Self::Folder(path) => format!("{skill_id}@folder-{}", digest(&bytes_of(path))),
        }
    }
}

/// Half of a SHA-256, in hex.
fn digest(bytes: &[u8]) -> String {
    hex(&sha256(bytes).as_slice()[..16])
}

/// A path as the system has it: it is the same for every build of the program.
#[cfg(unix)]
fn bytes_of(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes().to_vec()
}

/// A path as the system has it: it is the same for every build of the program.
#[cfg(windows)]
fn bytes_of(path: &Path) -> Vec<u8> {
    use std::os::windows::ffi::OsStrExt as _;
    path.as_os_str().encode_wide().flat_map(u16::to_le_bytes).collect()
}

/// The folder below which all roots of the skill are, by its [`Owner::name`].
pub fn storage(all: &Path, name: &str) -> PathBuf {
    // With a word in front no id is a device of Windows.
    all.join(format!("skill.{name}"))
}

/// Makes the folders of `roots` (as the manifest writes them) below `storage`, and says where they are.
///
/// # Errors
/// If one cannot be made without following a link.
pub fn folders(storage: &Path, reads: &[String], writes: &[String]) -> Result<Vec<Folder>, PlaceError> {
    let mut folders: Vec<Folder> = Vec::new();
    for (roots, writable) in [(writes, true), (reads, false)] {
        let mut roots: Vec<&str> = roots.iter().map(|root| root.trim()).collect();
        // The outer before the inner.
        roots.sort_by_key(|root| (*root != "*", root.len()));
        for root in roots {
            // From the top: libraries of C and Rust take `in/a` as well as `/in/a` for what lies in `/in`, that of Go
            // only the latter.
            let guest = if root == "*" { "/".to_owned() } else { format!("/{}", root.trim_start_matches('/')) };
            // What may be written may be read, with all below it. A folder in one that a tool may write is never opened
            // by its own name: in its place the tool could have put a link to anywhere, and a call that runs at the same
            // time would follow it.
            if folders.iter().any(|folder| folder.writable && is_at_or_below(&guest, &folder.guest)) {
                continue;
            }
            let (storage, below) = make(storage, root)?;
            folders.push(Folder::new(storage, below, guest, writable));
        }
    }
    Ok(folders)
}

/// Whether the folder `inner` is `outer` or lies in it.
fn is_at_or_below(inner: &str, outer: &str) -> bool {
    let outer = outer.trim_end_matches('/');
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Makes `storage` and, part by part, the folder of `root` in it, and says where the one is and the other from there.
/// `*` is the storage itself.
fn make(storage: &Path, root: &str) -> Result<(PathBuf, PathBuf), PlaceError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| PlaceError::Io { path, error }
    };
    fs::create_dir_all(storage).map_err(failed(storage))?;
    only_for_me(storage).map_err(failed(storage))?;
    let storage = fs::canonicalize(storage).map_err(failed(storage))?;
    let mut below = PathBuf::new();
    let parts = root.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "*"));
    for part in parts {
        below.push(part);
        let at = storage.join(&below);
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(PlaceError::NoFolder { path: at }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&at).map_err(failed(&at))?,
            Err(error) => return Err(PlaceError::Io { path: at, error }),
        }
    }
    Ok((storage, below))
}

#[cfg(unix)]
fn only_for_me(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// The person's own folders are theirs alone on Windows.
#[cfg(not(unix))]
fn only_for_me(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;

    #[test]
    fn roots_are_made_below_the_storage() {
        let state = tempfile::tempdir().unwrap();
        let storage = storage(state.path(), "acme.echo");
        let reads = ["in".to_owned(), " both ".to_owned()];
        let writes = ["both".to_owned(), "a/b".to_owned()];
        let folders = folders(&storage, &reads, &writes).unwrap();
        let seen: Vec<_> = folders.iter().map(|folder| (folder.guest.as_str(), folder.writable)).collect();
        assert_eq!(seen, [("/a/b", true), ("/both", true), ("/in", false)]);
        assert!(folders.iter().all(|folder| folder.host().is_dir()));
        assert!(storage.join("a").join("b").is_dir());
    }

    #[test]
    fn nothing_in_a_folder_that_may_be_written_is_opened_by_its_own_name() {
        let state = tempfile::tempdir().unwrap();
        let storage = storage(state.path(), "acme.echo");
        let given = |reads: &[&str], writes: &[&str]| {
            let owned = |roots: &[&str]| roots.iter().map(|root| (*root).to_owned()).collect::<Vec<_>>();
            let folders = folders(&storage, &owned(reads), &owned(writes)).unwrap();
            folders.into_iter().map(|folder| folder.guest).collect::<Vec<_>>()
        };
        assert_eq!(given(&["a/c"], &["a/b", "a"]), ["/a"]);
        assert_eq!(given(&["b"], &["a", "*"]), ["/"]);
        // Beside it, or in one that is only read, is another matter.
        assert_eq!(given(&["a"], &["ab", "a/b"]), ["/ab", "/a/b", "/a"]);
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_out() {
        let state = tempfile::tempdir().unwrap();
        let storage = storage(state.path(), "acme.echo");
        fs::create_dir_all(storage.join("out")).unwrap();
        std::os::unix::fs::symlink("/", storage.join("out").join("all")).unwrap();
        let error = folders(&storage, &["out/all".to_owned()], &[]).unwrap_err();
        assert!(matches!(error, PlaceError::NoFolder { .. }), "{error}");
        assert!(folders(&storage, &["out/all/etc".to_owned()], &[]).is_err());
    }
}
