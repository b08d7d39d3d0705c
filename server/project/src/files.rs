//! From what a person names to the manifests that are meant, and their bytes.

use std::{
    collections::HashSet,
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
    sync::mpsc,
};

use ignore::{DirEntry, WalkState};

use crate::{shown, walk::Walk};

/// The name of a manifest.
pub const MANIFEST_NAME: &str = "skill.toml";

/// The largest manifest that is read, in bytes. Above [`skillyard_manifest::MAX_BYTES`] a manifest is a finding like any
/// other; what is above this too is no manifest.
pub const MAX_READ: usize = 64 << 20;

/// Why a file could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// Nothing is there.
    NotFound {
        /// What was asked for.
        path: PathBuf,
    },
    /// A folder, a pipe, a device or the like.
    NotAFile {
        /// What was asked for.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// Larger than what is read.
    TooLarge {
        /// What was asked for.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// Not UTF-8.
    NotUtf8 {
        /// What was asked for.
        path: PathBuf,
        /// The first byte that is not.
        at: usize,
    },
    /// An ignore file with more patterns than one walk follows.
    TooManyPatterns {
        /// The file.
        path: PathBuf,
        /// The most that are followed, in all ignore files together.
        limit: usize,
    },
    /// The system refused.
    Io {
        /// What was asked for.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
}

impl ReadError {
    fn of(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path: path.to_owned() },
            _ => Self::Io { path: path.to_owned(), error },
        }
    }

    /// The file or folder that could not be read.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::NotFound { path }
            | Self::NotAFile { path, .. }
            | Self::TooLarge { path, .. }
            | Self::NotUtf8 { path, .. }
            | Self::TooManyPatterns { path, .. }
            | Self::Io { path, .. } => path,
        }
    }

    /// The same of a file that goes by another name.
    pub(crate) fn at(mut self, name: PathBuf) -> Self {
        match &mut self {
            Self::NotFound { path }
            | Self::NotAFile { path, .. }
            | Self::TooLarge { path, .. }
            | Self::NotUtf8 { path, .. }
            | Self::TooManyPatterns { path, .. }
            | Self::Io { path, .. } => *path = name,
        }
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", shown::path(self.path()))?;
        match self {
            Self::NotFound { .. } => write!(f, "no such file or folder"),
            Self::NotAFile { kind, .. } => write!(f, "is {kind}; name a regular file"),
            Self::TooLarge { limit, .. } => write!(f, "is larger than {limit} bytes, the most that is read"),
            Self::NotUtf8 { at, .. } => write!(f, "is not UTF-8 from byte {at} on; save it as UTF-8"),
            Self::TooManyPatterns { limit, .. } => {
                write!(f, "is not followed: with it the ignore files have more than {limit} patterns")
            }
            Self::Io { error, .. } => write!(f, "cannot be read: {error}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// The bytes of the regular file at `path`.
///
/// # Errors
/// If it is missing, no regular file (a pipe is refused and never waited for), or larger than `limit` bytes.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, ReadError> {
    let fail = |error| ReadError::of(path, error);
    let (file, size) = open_regular(path)?;
    let too_large = || ReadError::TooLarge { path: path.to_owned(), limit };
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(size + 1);
    file.take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() > limit { Err(too_large()) } else { Ok(bytes) }
}

/// The regular file at `path`, opened for reading, and its size in bytes.
///
/// # Errors
/// If it is missing, or no regular file.
pub fn open_regular(path: &Path) -> Result<(File, u64), ReadError> {
    let fail = |error| ReadError::of(path, error);
    let file = open(path).map_err(fail)?;
    // Asked of the open file: what lies at the path may change between two looks.
    let about = file.metadata().map_err(fail)?;
    if !about.is_file() {
        return Err(ReadError::NotAFile { path: path.to_owned(), kind: kind(&about) });
    }
    Ok((file, about.len()))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Opening a pipe that nobody writes to would wait for ever.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    options.open(path)
}

fn kind(about: &std::fs::Metadata) -> &'static str {
    if about.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = about.file_type();
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    "no regular file"
}

/// The error of a library that puts the path of a temporary file into its words, without it.
pub(crate) fn without_path(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        None if error.get_ref().is_some() => io::Error::from(error.kind()),
        _ => error,
    }
}

/// `path` from the root, without `..`. Symbolic links stay what they are called, except where a `..` follows one.
#[must_use]
pub fn absolute(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if absolute.components().any(|part| part == Component::ParentDir) {
        absolute.canonicalize().unwrap_or(absolute)
    } else {
        absolute
    }
}

/// What [`manifests`] finds.
#[derive(Debug, Default)]
pub struct Found {
    /// The manifests: in the order named, those of a folder sorted by path, none twice.
    pub files: Vec<PathBuf>,
    /// Folders that were named and hold none.
    pub empty: Vec<PathBuf>,
    /// What was named and is missing, and folders that could not be read.
    pub errors: Vec<ReadError>,
}

/// The manifests that `paths` mean. A file is itself, whatever its name. A folder means every `skill.toml` below it:
/// `.gitignore` and `.ignore` are respected, hidden folders skipped and symbolic links not followed. No path at all
/// means the current folder.
#[must_use]
pub fn manifests(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let here = [PathBuf::from(".")];
    for path in if paths.is_empty() { &here } else { paths } {
        match path.metadata() {
            Ok(about) if about.is_dir() => {
                let mut errors = Vec::new();
                let mut files = below(path, &mut errors);
                found.errors.append(&mut errors);
                if files.is_empty() {
                    found.empty.push(path.clone());
                }
                files.retain(|file| seen.insert(absolute(file)));
                found.files.append(&mut files);
            }
            // Whether it is a regular file is told by reading it.
            Ok(_) => {
                if seen.insert(absolute(path)) {
                    found.files.push(path.clone());
                }
            }
            Err(error) => found.errors.push(ReadError::of(path, error)),
        }
    }
    found
}

fn below(folder: &Path, errors: &mut Vec<ReadError>) -> Vec<PathBuf> {
    let walk = Walk::new(folder);
    let (sender, found) = mpsc::channel();
    walk.builder.build_parallel().run(|| {
        let sender = sender.clone();
        Box::new(move |entry| {
            let result = match entry {
                Ok(entry) if is_manifest(&entry) => Ok(entry.into_path()),
                Ok(_) => return WalkState::Continue,
                Err(error) => Err(walk_error(folder, &error)),
            };
            // The receiver outlives the walk.
            let _ = sender.send(result);
            WalkState::Continue
        })
    });
    drop(sender);
    let mut files = Vec::new();
    for result in found {
        match result {
            Ok(path) => files.push(path.strip_prefix(".").map(Path::to_owned).unwrap_or(path)),
            Err(error) => errors.push(error),
        }
    }
    errors.extend(walk.errors());
    files.sort();
    errors.sort_by(|a, b| a.path().cmp(b.path()));
    files
}

fn is_manifest(entry: &DirEntry) -> bool {
    entry.file_name() == MANIFEST_NAME && entry.file_type().is_some_and(|kind| kind.is_file())
}

fn walk_error(folder: &Path, error: &ignore::Error) -> ReadError {
    let path = place(error).unwrap_or(folder).to_owned();
    let kind = error.io_error().map_or(io::ErrorKind::Other, io::Error::kind);
    // The walker's own text repeats the path.
    let error = match error.io_error().and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(kind, shown::words(&error.to_string(), 200)),
    };
    ReadError::Io { path, error }
}

fn place(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => place(err),
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    fn names(root: &Path, found: &Found) -> Vec<String> {
        let name = |file: &PathBuf| file.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        found.files.iter().map(name).collect()
    }

    #[test]
    fn a_folder_means_every_manifest_below_in_order() {
        let root = tree(&[
            "b/skill.toml",
            "a/skill.toml",
            "a/x/skill.toml",
            "a/other.toml",
            ".hidden/skill.toml",
            "out/skill.toml",
        ]);
        fs::write(root.path().join(".gitignore"), "out/\n").unwrap();
        let found = manifests(&[root.path().to_owned()]);
        assert_eq!(names(root.path(), &found), ["a/skill.toml", "a/x/skill.toml", "b/skill.toml"]);
        assert!(found.errors.is_empty() && found.empty.is_empty());
    }

    #[test]
    fn what_is_named_is_meant_and_once_only() {
        let root = tree(&["b/skill.toml", "b/other.toml", "none/x"]);
        let at = |name: &str| root.path().join(name);
        let found = manifests(&[at("b/other.toml"), at("b"), at("b/skill.toml"), at("none"), at("missing")]);
        assert_eq!(names(root.path(), &found), ["b/other.toml", "b/skill.toml"]);
        assert_eq!(found.empty, [at("none")]);
        assert!(matches!(&found.errors[..], [ReadError::NotFound { path }] if *path == at("missing")));
    }

    #[test]
    fn reads_regular_files_up_to_the_limit() {
        let root = tree(&[]);
        let file = root.path().join("f");
        fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert!(matches!(read(&file, 4), Err(ReadError::TooLarge { limit: 4, .. })));
        assert!(matches!(read(root.path(), 5), Err(ReadError::NotAFile { .. } | ReadError::Io { .. })));
        assert!(matches!(read(&root.path().join("none"), 5), Err(ReadError::NotFound { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_and_a_device_too() {
        let root = tree(&[]);
        let pipe = root.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(matches!(read(&pipe, 5), Err(ReadError::NotAFile { kind: "a pipe", .. })));
        assert!(matches!(read(Path::new("/dev/zero"), 5), Err(ReadError::NotAFile { kind: "a device", .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_below_a_folder_are_not_followed() {
        let root = tree(&["a/skill.toml", "b/x"]);
        std::os::unix::fs::symlink(root.path().join("a"), root.path().join("b/link")).unwrap();
        std::os::unix::fs::symlink(root.path().join("a/skill.toml"), root.path().join("b/skill.toml")).unwrap();
        assert_eq!(names(root.path(), &manifests(&[root.path().to_owned()])), ["a/skill.toml"]);
    }
}
