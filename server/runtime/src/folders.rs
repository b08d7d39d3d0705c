//! A call's folders, opened once: what the walls leave open and what the guest is given are the same folder, whatever is
//! put in its place meanwhile.
//!
//! A folder is named by the skill's own storage and a path below that. No link is followed on that path: a tool that may
//! write in the storage could have put one there, and another call of it may do so at any moment.

use std::{
    fs::File,
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

/// A folder that a tool is given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Folder {
    /// The skill's storage on this machine, absolute; it must exist.
    #[serde(with = "crate::os_path")]
    pub storage: PathBuf,
    /// The folder, from there; empty for all of it. It must exist.
    #[serde(with = "crate::os_path")]
    pub below: PathBuf,
    /// The path under which the tool sees it, from the top: `/ledgers/in`.
    pub guest: String,
    /// Whether files in it may be written, made, renamed and removed.
    pub writable: bool,
    /// The folder itself, once it is open; it does not travel.
    #[serde(skip)]
    opened: Option<Arc<File>>,
}

impl PartialEq for Folder {
    /// Whether both name the same folder.
    fn eq(&self, other: &Self) -> bool {
        let names = |folder: &Self| (folder.storage.clone(), folder.below.clone(), folder.guest.clone());
        names(self) == names(other) && self.writable == other.writable
    }
}

impl Eq for Folder {}

impl Folder {
    /// The folder `below` in `storage`, which the tool sees as `guest`.
    #[must_use]
    pub fn new(
        storage: impl Into<PathBuf>,
        below: impl Into<PathBuf>,
        guest: impl Into<String>,
        writable: bool,
    ) -> Self {
        Self { storage: storage.into(), below: below.into(), guest: guest.into(), writable, opened: None }
    }

    /// Where it is on this machine, for a person.
    #[must_use]
    pub fn host(&self) -> PathBuf {
        self.storage.join(&self.below)
    }

    /// Opens it; all that is done with it is done with what is open from then on.
    ///
    /// # Errors
    /// If it is not there, or there is a link on the way.
    pub fn open(&mut self) -> io::Result<()> {
        if self.opened.is_none() {
            self.opened = Some(Arc::new(self.found()?));
        }
        Ok(())
    }

    /// The open folder; opened now where that was not done before.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub(crate) fn opened(&self) -> io::Result<Arc<File>> {
        match &self.opened {
            Some(file) => Ok(Arc::clone(file)),
            None => self.found().map(Arc::new),
        }
    }

    fn found(&self) -> io::Result<File> {
        if !self.below.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "its path leads out of the storage"));
        }
        system::open(&self.storage, &self.below)
    }

    /// Does `with` with a path by which whoever takes only a path opens this very folder.
    ///
    /// # Errors
    /// If it is not open and cannot be opened.
    pub(crate) fn as_path<T>(&self, with: impl FnOnce(&Path) -> T) -> io::Result<T> {
        system::as_path(&*self.opened()?, &self.host(), with)
    }
}

#[cfg(unix)]
mod system {
    use std::{fs::File, io, path::Path};

    use rustix::fs::{CWD, Mode, OFlags, openat};

    /// A folder to walk through, not to read.
    #[cfg(target_os = "linux")]
    const FLAGS: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    #[cfg(not(target_os = "linux"))]
    const FLAGS: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

    /// Part by part, none of them a link.
    pub(super) fn by_parts(storage: File, below: &Path) -> io::Result<File> {
        below.iter().try_fold(storage, |at, part| Ok(openat(&at, part, FLAGS, Mode::empty())?.into()))
    }

    #[cfg(target_os = "linux")]
    pub(super) fn open(storage: &Path, below: &Path) -> io::Result<File> {
        use rustix::{
            fs::{ResolveFlags, openat2},
            io::Errno,
        };
        let storage: File = openat(CWD, storage, FLAGS, Mode::empty())?.into();
        if below.as_os_str().is_empty() {
            return Ok(storage);
        }
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match openat2(&storage, below, FLAGS, Mode::empty(), resolve) {
            Ok(found) => Ok(found.into()),
            // An old kernel does not know it, and a container's filter may forbid it.
            Err(Errno::NOSYS | Errno::PERM) => by_parts(storage, below),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn open(storage: &Path, below: &Path) -> io::Result<File> {
        by_parts(openat(CWD, storage, FLAGS, Mode::empty())?.into(), below)
    }

    /// The system's own name for what this process has open.
    #[cfg(target_os = "linux")]
    pub(super) fn as_path<T>(file: &File, _: &Path, with: impl FnOnce(&Path) -> T) -> io::Result<T> {
        use std::os::fd::AsRawFd as _;
        Ok(with(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd()))))
    }

    /// There is none, but the current folder can be an open one. Nothing else here names a file from it.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn as_path<T>(file: &File, _: &Path, with: impl FnOnce(&Path) -> T) -> io::Result<T> {
        use std::sync::{Mutex, PoisonError};
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let before = openat(CWD, ".", FLAGS, Mode::empty())?;
        rustix::process::fchdir(file)?;
        let done = with(Path::new("."));
        rustix::process::fchdir(before)?;
        Ok(done)
    }
}

#[cfg(not(unix))]
mod system {
    use std::{
        fs::{self, File},
        io,
        path::Path,
    };

    pub(super) fn open(storage: &Path, below: &Path) -> io::Result<File> {
        let mut at = storage.to_owned();
        for part in below {
            at.push(part);
            if !fs::symlink_metadata(&at)?.is_dir() {
                return Err(io::Error::new(io::ErrorKind::NotADirectory, "there is a link on the way"));
            }
        }
        open_folder(&at)
    }

    #[cfg(windows)]
    fn open_folder(at: &Path) -> io::Result<File> {
        use std::os::windows::fs::OpenOptionsExt as _;
        const BACKUP_SEMANTICS: u32 = 0x0200_0000;
        const READ_AND_WRITE: u32 = 3;
        // While this is open nobody renames or removes the folder: its path stays its own.
        fs::OpenOptions::new().read(true).share_mode(READ_AND_WRITE).custom_flags(BACKUP_SEMANTICS).open(at)
    }

    #[cfg(not(windows))]
    fn open_folder(at: &Path) -> io::Result<File> {
        File::open(at)
    }

    pub(super) fn as_path<T>(_: &File, host: &Path, with: impl FnOnce(&Path) -> T) -> io::Result<T> {
        Ok(with(host))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn storage() -> tempfile::TempDir {
        let all = tempfile::tempdir().unwrap();
        fs::create_dir_all(all.path().join("storage/a/b")).unwrap();
        fs::create_dir_all(all.path().join("outside/b")).unwrap();
        fs::write(all.path().join("storage/a/b/file"), "its own").unwrap();
        fs::write(all.path().join("outside/b/file"), "private").unwrap();
        all
    }

    fn folder(all: &tempfile::TempDir, below: &str) -> Folder {
        Folder::new(all.path().join("storage"), below, "/a", true)
    }

    #[test]
    fn what_is_open_stays_what_it_was() {
        let all = storage();
        let mut folder = folder(&all, "a/b");
        folder.open().unwrap();
        fs::rename(all.path().join("storage/a"), all.path().join("storage/before")).unwrap();
        symlink(all.path().join("outside"), all.path().join("storage/a")).unwrap();
        assert_eq!(fs::read_to_string(folder.host().join("file")).unwrap(), "private");
        let read = folder.as_path(|path| fs::read_to_string(path.join("file"))).unwrap();
        assert_eq!(read.unwrap(), "its own");
    }

    #[test]
    fn a_link_on_the_way_is_not_followed() {
        let all = storage();
        symlink(all.path().join("outside"), all.path().join("storage/link")).unwrap();
        symlink("a", all.path().join("storage/inner")).unwrap();
        symlink("../outside/b", all.path().join("storage/a/last")).unwrap();
        for below in ["link", "link/b", "inner/b", "a/last", "nowhere", "a/b/file", "../outside", "/etc"] {
            assert!(folder(&all, below).open().is_err(), "{below}");
            let open = || File::open(all.path().join("storage")).unwrap();
            let leaves = below.starts_with(['.', '/']);
            assert!(leaves || system::by_parts(open(), Path::new(below)).is_err(), "{below}");
        }
        for below in ["", "a", "a/b"] {
            folder(&all, below).open().unwrap();
            system::by_parts(File::open(all.path().join("storage")).unwrap(), Path::new(below)).unwrap();
        }
        // The storage itself is no link either.
        symlink(all.path().join("storage"), all.path().join("other")).unwrap();
        assert!(Folder::new(all.path().join("other"), "a", "/a", true).open().is_err());
    }
}
