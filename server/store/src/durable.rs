//! Files that are there whole or not at all, whenever the power goes.

use std::{
    fmt, fs, io,
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use skillyard_manifest::show;

use crate::shown::Shown;

/// One system call that changes the disk, named before it is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    MakeFolder,
    RemoveStale,
    CreateTemporary,
    Write,
    SyncFile,
    Rename,
    SyncFolder,
    Remove,
    RemoveFolder,
    Truncate,
    Append,
    Commit,
}

/// Asked before each [`Step`]; an error stops there and then, as a crash would: nothing is tidied up.
pub(crate) type Before = Box<dyn Fn(Step) -> io::Result<()> + Send + Sync>;

/// Writes to the disk in such an order that a crash leaves the old or the new.
#[derive(Default)]
pub(crate) struct Disk {
    /// For tests that crash at a chosen step.
    pub(crate) before: Option<Before>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    /// Says that `step` comes next.
    pub(crate) fn step(&self, step: Step) -> io::Result<()> {
        self.before.as_ref().map_or(Ok(()), |before| before(step))
    }

    /// Makes `path` hold `bytes`, readable by its owner alone. The caller holds the lock that keeps others from writing
    /// it, so a temporary file that is found is one that a crash left.
    ///
    /// When this returns, the new content outlives a power cut. When it does not, `path` holds the old or the new one.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.exchange(path, &[bytes], true)
    }

    /// Removes what a [`replace`](Self::replace) of `path` left that was interrupted. Missing is fine.
    pub(crate) fn remove_stale(&self, path: &Path) -> io::Result<()> {
        self.step(Step::RemoveStale)?;
        temporary(path).map_or(Ok(()), |temporary| ignore_missing(fs::remove_file(temporary)))
    }

    /// [`replace`](Self::replace) for what can be made again: after a power cut, not after a crash, the file may be the
    /// old one or broken. `parts` are written one after the other.
    pub(crate) fn replace_lightly(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        self.exchange(path, parts, false)
    }

    fn exchange(&self, path: &Path, parts: &[&[u8]], durably: bool) -> io::Result<()> {
        let (Some(folder), Some(temporary)) = (path.parent(), temporary(path)) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a path of a file"));
        };
        self.remove_stale(path)?;
        self.step(Step::CreateTemporary)?;
        // `create_new` follows no link that lies in wait.
        let mut file = private(fs::OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
        self.step(Step::Write)?;
        if !durably {
            reserve(&file, parts.iter().map(|part| part.len() as u64).sum());
        }
        for part in parts {
            file.write_all(part)?;
        }
        if durably {
            self.step(Step::SyncFile)?;
            file.sync_all()?;
        }
        drop(file);
        self.step(Step::Rename)?;
        fs::rename(&temporary, path)?;
        if durably {
            self.step(Step::SyncFolder)?;
            sync_folder(folder)?;
        }
        Ok(())
    }

    /// Makes a file that must not be there yet, for its owner alone. It outlives a power cut; its name does once the
    /// folder is synced.
    pub(crate) fn make(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step(Step::CreateTemporary)?;
        let mut file = private(fs::OpenOptions::new().write(true).create_new(true)).open(path)?;
        self.step(Step::Write)?;
        file.write_all(bytes)?;
        self.step(Step::SyncFile)?;
        file.sync_all()
    }

    /// Makes a folder that must not be there yet, for its owner alone.
    pub(crate) fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(Step::MakeFolder)?;
        make_private(folder)
    }

    /// Makes the names in a folder outlive a power cut.
    pub(crate) fn sync(&self, folder: &Path) -> io::Result<()> {
        self.step(Step::SyncFolder)?;
        sync_folder(folder)
    }

    /// Gives a folder another name beside its own, for good when this returns.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Step::Rename)?;
        fs::rename(from, to)?;
        self.step(Step::SyncFolder)?;
        to.parent().map_or(Ok(()), sync_folder)
    }

    /// Removes a folder and what is in it, or what lies there in its place; links are removed, not followed. Missing is
    /// fine.
    pub(crate) fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(Step::RemoveFolder)?;
        let is_file = fs::symlink_metadata(folder).is_ok_and(|found| found.is_file());
        ignore_missing(if is_file { fs::remove_file(folder) } else { fs::remove_dir_all(folder) })
    }

    /// Makes `path`, which has `from` good bytes, end with `bytes` behind them. What a crash left behind the good ones
    /// is cut off. For good when this returns.
    pub(crate) fn append(&self, path: &Path, from: u64, bytes: &[u8]) -> io::Result<()> {
        let is_new = !path.exists();
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
        }
        let mut file = private(&mut options).open(path)?;
        let there = file.metadata()?.len();
        if there < from {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is shorter than it was"));
        }
        if there > from {
            self.step(Step::Truncate)?;
            file.set_len(from)?;
        }
        file.seek(io::SeekFrom::Start(from))?;
        self.step(Step::Append)?;
        file.write_all(bytes)?;
        self.step(Step::SyncFile)?;
        file.sync_all()?;
        if is_new {
            self.step(Step::SyncFolder)?;
            path.parent().map_or(Ok(()), sync_folder)?;
        }
        Ok(())
    }

    /// Removes a file, for good when this returns. Missing is fine.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(Step::Remove)?;
        ignore_missing(fs::remove_file(path))?;
        self.step(Step::SyncFolder)?;
        path.parent().map_or(Ok(()), sync_folder)
    }

    /// Makes the folder and what is missing above it, each for its owner alone.
    pub(crate) fn private_folder(&self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
        for folder in missing.into_iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
            self.step(Step::MakeFolder)?;
            match make_private(folder) {
                // Another process was quicker.
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                done => done?,
            }
            self.step(Step::SyncFolder)?;
            folder.parent().map_or(Ok(()), sync_folder)?;
        }
        Ok(())
    }
}

/// Where the new content of `path` is written to; nothing where that is no path of a file.
fn temporary(path: &Path) -> Option<PathBuf> {
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(path.file_name()?);
    temporary.push(".new");
    Some(path.parent()?.join(temporary))
}

/// Takes the room on the disk before anything is written. Where a file whose room is still to be found takes the place of
/// another, ext4 waits until its bytes are on their way to the disk: who does not ask for durability need not pay for it.
fn reserve(file: &fs::File, bytes: u64) {
    #[cfg(target_os = "linux")]
    if bytes > 0 {
        // Not every file system can; the bytes are written all the same.
        let _ = rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, bytes);
}

fn ignore_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Sets the mode 0600 for a file about to be made. On Windows the folder's access list is what a new file gets: below a
/// person's own profile that is the person, the system and administrators.
fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Makes names in `folder` outlive a power cut, where the system can: a folder that may be entered but not read cannot
/// be synced, some network file systems do not know the call, and Windows leaves it to the file system's journal.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    match fs::File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(cause)
            if matches!(
                cause.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) => {}
        done => done?,
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Opens a regular file without following a link in its last part where `follow` is false, and without waiting for
/// anybody at the other end of a pipe.
pub(crate) fn open_regular(path: &Path, follow: bool) -> Result<(fs::File, fs::Metadata), ReadError> {
    let fault = |cause| ReadError::Io { path: path.to_owned(), cause };
    let check = |metadata: &fs::Metadata| -> Result<(), ReadError> {
        let kind = metadata.file_type();
        if kind.is_symlink() {
            return Err(ReadError::Link { path: path.to_owned() });
        }
        if !kind.is_file() {
            let what = if kind.is_dir() { "a folder" } else { "a pipe, a socket or a device" };
            return Err(ReadError::NotRegular { path: path.to_owned(), what });
        }
        Ok(())
    };
    // Asked before opening too, since opening a device can already do something.
    check(&if follow { fs::metadata(path) } else { fs::symlink_metadata(path) }.map_err(fault)?)?;
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC | if follow { 0 } else { libc::O_NOFOLLOW });
    }
    #[cfg(windows)]
    if !follow {
        use std::os::windows::fs::OpenOptionsExt as _;
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }
    let file = options.open(path).map_err(fault)?;
    let metadata = file.metadata().map_err(fault)?;
    check(&metadata)?;
    Ok((file, metadata))
}

/// How a file is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The most bytes it may have.
    pub limit: u64,
    /// Whether a link may stand in its place.
    pub follow: bool,
    /// Whether it is refused when others than its owner may read it. (Unix; see [`private`] for Windows.)
    pub secret: bool,
}

impl Reading {
    /// The bytes of a regular file. They are handed to a `Vec` that never grows, so that a caller who zeroizes it
    /// leaves no other copy.
    pub(crate) fn read(self, path: &Path) -> Result<Vec<u8>, ReadError> {
        let (file, metadata) = open_regular(path, self.follow)?;
        if self.secret {
            refuse_open(path, &metadata, 0o077)?;
        }
        let too_large = || ReadError::TooLarge { path: path.to_owned(), limit: self.limit };
        let size = metadata.len();
        if size > self.limit {
            return Err(too_large());
        }
        // One more byte than it says shows whether it grew.
        let mut bytes = Vec::with_capacity(usize::try_from(size).map_err(|_| too_large())?.saturating_add(1));
        let read = file.take(size.saturating_add(1)).read_to_end(&mut bytes);
        if let Err(cause) = read {
            zeroize::Zeroize::zeroize(&mut bytes);
            return Err(ReadError::Io { path: path.to_owned(), cause });
        }
        if bytes.len() as u64 > size {
            zeroize::Zeroize::zeroize(&mut bytes);
            return Err(ReadError::Grew { path: path.to_owned() });
        }
        Ok(bytes)
    }

    /// [`read`](Self::read), or nothing where nothing has the name.
    pub(crate) fn read_if_there(self, path: &Path) -> Result<Option<Vec<u8>>, ReadError> {
        match self.read(path) {
            Err(ReadError::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }
}

/// Refuses a file or folder of which others have any of the rights in `mask`.
pub(crate) fn refuse_open(path: &Path, metadata: &fs::Metadata, mask: u32) -> Result<(), ReadError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if metadata.mode() & mask != 0 {
            return Err(ReadError::OpenToOthers {
                path: path.to_owned(),
                mode: metadata.mode() & 0o7777,
                folder: metadata.is_dir(),
            });
        }
    }
    #[cfg(not(unix))]
    let _ = (path, metadata, mask);
    Ok(())
}

/// Refuses a folder that belongs to somebody else than who runs this process: its owner can write to it whatever its mode
/// says. (Unix; see [`private`] for Windows.)
pub(crate) fn refuse_others(path: &Path, metadata: &fs::Metadata) -> Result<(), ReadError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(ReadError::Foreign { path: path.to_owned(), owner: metadata.uid() });
        }
    }
    #[cfg(not(unix))]
    let _ = (path, metadata);
    Ok(())
}

/// Why a file was not read.
#[derive(Debug)]
pub enum ReadError {
    /// The system said no.
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        cause: io::Error,
    },
    /// A symbolic link stands in its place.
    Link {
        /// The link.
        path: PathBuf,
    },
    /// It is a folder, a pipe, a device.
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It is larger than anything that could be meant.
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// It grew while it was read.
    Grew {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner have rights that they must not have.
    OpenToOthers {
        /// The file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Whether it is a folder.
        folder: bool,
    },
    /// It belongs to somebody else.
    Foreign {
        /// The folder.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, cause } => write!(f, "{}: {cause}", Shown(path)),
            Self::Link { path } => {
                write!(f, "{} is a symbolic link: what it names could be exchanged. Name the file itself", Shown(path))
            }
            Self::NotRegular { path, what } => write!(f, "{} is {what}, not a file", Shown(path)),
            Self::TooLarge { path, limit } => write!(f, "{} is larger than {limit} bytes", Shown(path)),
            Self::Grew { path } => write!(f, "{} grew while it was read: try again", Shown(path)),
            Self::OpenToOthers { path, mode, folder } => {
                let (what, chmod) = if *folder { ("written", "700") } else { ("read", "600") };
                let word = show::shell_word(&path.to_string_lossy());
                write!(f, "{} can be {what} by others (mode {mode:04o}): run `chmod {chmod} {word}`", Shown(path))
            }
            Self::Foreign { path, owner } => write!(
                f,
                "{} belongs to another user (number {owner}): remove it, or name another folder by SKILLYARD_HOME",
                Shown(path)
            ),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
