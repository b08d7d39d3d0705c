//! One writer at a time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Held as long as this lives; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: fs::File,
}

impl Lock {
    /// Waits at most `wait` for the lock on the file `path`, which is made where it is missing and never removed.
    ///
    /// Nothing where the time was over.
    pub(crate) fn exclusive(path: &Path, wait: Duration) -> io::Result<Option<Self>> {
        let deadline = Instant::now() + wait;
        loop {
            let file = open(path)?;
            let file = match file.try_lock() {
                Ok(()) => file,
                Err(fs::TryLockError::Error(cause)) => return Err(cause),
                Err(fs::TryLockError::WouldBlock) => {
                    match wait_for(file, deadline.saturating_duration_since(Instant::now()))? {
                        Some(file) => file,
                        None => return Ok(None),
                    }
                }
            };
            // Whoever removed the file meanwhile would make a lock of its own.
            if still_there(&file, path) {
                return Ok(Some(Self { _file: file }));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
        }
    }
}

/// The system has no lock with a deadline, so a thread waits. Where it comes too late it finds nobody to give the file
/// to, drops it, and by that releases the lock.
fn wait_for(file: fs::File, wait: Duration) -> io::Result<Option<fs::File>> {
    if wait.is_zero() {
        return Ok(None);
    }
    let (send, receive) = mpsc::sync_channel(0);
    thread::Builder::new().name("lock".to_owned()).spawn(move || {
        let locked = file.lock().map(|()| file);
        let _ = send.send(locked);
    })?;
    match receive.recv_timeout(wait) {
        Ok(locked) => locked.map(Some),
        Err(_) => Ok(None),
    }
}

fn open(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

#[cfg(unix)]
fn still_there(file: &fs::File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// A file that is open keeps its name there.
#[cfg(not(unix))]
fn still_there(_file: &fs::File, _path: &Path) -> bool {
    true
}

/// The lock file beside `path`.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
