//! What of a folder is looked at: all that is below it but hidden files and folders and what its ignore files leave out.
//!
//! The ignore files are read here and not by the walker, which opens whatever has their name, follows it wherever it
//! points and reads it to its end: in a cloned repository that can be a device, a pipe that nobody writes to, or a
//! million globs.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use ignore::{
    Match, WalkBuilder,
    gitignore::{Gitignore, GitignoreBuilder},
};

use crate::files::{self, ReadError};

/// The largest ignore file that is followed, in bytes.
const MAX_BYTES: usize = 64 << 10;
/// The most patterns of ignore files that one walk follows. Each can cost ten kilobytes once it is compiled.
const MAX_PATTERNS: usize = 10_000;

/// A walk that is about to begin.
pub(crate) struct Walk {
    /// The walker. Symbolic links are not followed.
    pub(crate) builder: WalkBuilder,
    ignores: Arc<Ignores>,
}

impl Walk {
    /// Of what is below `folder`: hidden files and folders are skipped, and what `.gitignore` and `.ignore` in it, below
    /// it and above it up to the root of the repository leave out. What is found depends on the project alone, not on
    /// whose machine it lies on: no other ignore file has a say.
    pub(crate) fn new(folder: &Path) -> Self {
        let ignores = Arc::new(Ignores::of(folder));
        let mut builder = WalkBuilder::new(folder);
        builder.standard_filters(false).hidden(true).follow_links(false);
        let asked = Arc::clone(&ignores);
        builder.filter_entry(move |entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            !asked.leave_out(entry.path(), is_folder)
        });
        Self { builder, ignores }
    }

    /// The ignore files that have no say so far, for they cannot be read or are too large, as the walker names them.
    pub(crate) fn errors(&self) -> Vec<ReadError> {
        let errors = std::mem::take(&mut self.ignores.known().errors);
        let named = |error: ReadError| match error.path().strip_prefix(&self.ignores.from_root) {
            Ok(below) => {
                let path = self.ignores.folder.join(below);
                error.at(path.strip_prefix(".").map(Path::to_owned).unwrap_or(path))
            }
            Err(_) => error,
        };
        errors.into_iter().map(named).collect()
    }
}

struct Ignores {
    /// As the walker names it.
    folder: PathBuf,
    from_root: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What holds in a folder that was looked into, by its path from the root.
    levels: HashMap<PathBuf, Option<Arc<Level>>>,
    patterns: usize,
    errors: Vec<ReadError>,
}

/// The ignore files of one folder.
struct Level {
    ignore: Gitignore,
    git: Gitignore,
    /// Of the nearest folder above that has any.
    above: Option<Arc<Level>>,
}

impl Ignores {
    fn of(folder: &Path) -> Self {
        let from_root = folder.canonicalize().unwrap_or_else(|_| files::absolute(folder));
        Self { folder: folder.to_owned(), from_root, known: Mutex::default() }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave_out(&self, path: &Path, is_folder: bool) -> bool {
        let Ok(below) = path.strip_prefix(&self.folder) else { return false };
        let path = self.from_root.join(below);
        let level = path.parent().and_then(|folder| self.known().level(folder));
        level.is_some_and(|level| level.leaves_out(&path, is_folder))
    }
}

impl Known {
    fn level(&mut self, folder: &Path) -> Option<Arc<Level>> {
        if let Some(level) = self.levels.get(folder) {
            return level.clone();
        }
        let is_repository = folder.join(".git").symlink_metadata().is_ok();
        let above = if is_repository { None } else { folder.parent().and_then(|above| self.level(above)) };
        let ignore = self.read(folder, ".ignore");
        let git = self.read(folder, ".gitignore");
        let level =
            if ignore.is_empty() && git.is_empty() { above } else { Some(Arc::new(Level { ignore, git, above })) };
        self.levels.insert(folder.to_owned(), level.clone());
        level
    }

    fn read(&mut self, folder: &Path, name: &str) -> Gitignore {
        let path = folder.join(name);
        let bytes = match files::read(&path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => {
                if !matches!(error, ReadError::NotFound { .. }) && !path.is_dir() {
                    self.errors.push(error);
                }
                return Gitignore::empty();
            }
        };
        // Git takes any bytes; a pattern that is not UTF-8 matches nothing here.
        let text = String::from_utf8_lossy(&bytes);
        let lines = || text.trim_start_matches('\u{feff}').lines();
        let patterns = || lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        self.patterns += patterns().count();
        if self.patterns > MAX_PATTERNS {
            self.errors.push(ReadError::TooManyPatterns { path, limit: MAX_PATTERNS });
            return Gitignore::empty();
        }
        let mut builder = GitignoreBuilder::new(folder);
        for pattern in patterns() {
            // What is no pattern says nothing: so does git read it.
            let _ = builder.add_line(None, pattern);
        }
        builder.build().unwrap_or_else(|_| Gitignore::empty())
    }
}

impl Level {
    /// The nearest ignore file that says anything decides, and each `.ignore` before any `.gitignore`.
    fn leaves_out(&self, path: &Path, is_folder: bool) -> bool {
        let levels = || std::iter::successors(Some(self), |level| level.above.as_deref());
        let files = levels().map(|level| &level.ignore).chain(levels().map(|level| &level.git));
        let mut said = files.map(|file| file.matched(path, is_folder)).filter(|said| !said.is_none());
        matches!(said.next(), Some(Match::Ignore(_)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    /// The files below a folder, sorted, and what is told of its ignore files.
    fn found(folder: &Path) -> (Vec<String>, Vec<String>) {
        let walk = Walk::new(folder);
        let name = |path: &Path| path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
        let entries = walk.builder.build().map(Result::unwrap).filter(|entry| entry.path().is_file());
        let mut files: Vec<String> = entries.map(|entry| name(entry.path())).collect();
        files.sort();
        let told = |error: ReadError| {
            let path = error.path().to_owned();
            let file = name(&path);
            error.at(file.into()).to_string()
        };
        (files, walk.errors().into_iter().map(told).collect())
    }

    #[test]
    fn ignore_files_leave_out_what_they_name() {
        let root = tree(&[
            (".gitignore", "\u{feff}/out/\n*.log\n# *.txt\n\n[\n!keep.log\n"),
            ("a.log", ""),
            ("a.txt", ""),
            ("keep.log", ""),
            ("out/a.txt", ""),
            ("deep/out/a.txt", ""),
            ("deep/er/.gitignore", "!b.log\n/c.txt\n"),
            ("deep/er/a.log", ""),
            ("deep/er/b.log", ""),
            ("deep/er/c.txt", ""),
            ("deep/er/x/c.txt", ""),
            // What `.ignore` says counts for more, also where a nearer `.gitignore` says something else.
            ("other/.ignore", "x.txt\n!y.log\n"),
            ("other/x/.gitignore", "!x.txt\ny.log\n"),
            ("other/x/x.txt", ""),
            ("other/x/y.log", ""),
            (".hidden/a.txt", ""),
        ]);
        let (files, told) = found(root.path());
        assert_eq!(files, ["a.txt", "deep/er/b.log", "deep/er/x/c.txt", "deep/out/a.txt", "keep.log", "other/x/y.log"]);
        assert!(told.is_empty(), "{told:?}");
    }

    #[test]
    fn those_above_count_up_to_the_root_of_the_repository() {
        let files = [(".gitignore", "*.a\n"), ("in/.gitignore", "*.b\nfolder/\n"), ("in/folder/x.a", "")];
        let root = tree(&[&files[..], &[("in/folder/x.b", ""), ("in/folder/x.c", "")]].concat());
        // A folder that is named is meant, whatever leaves it out.
        assert_eq!(found(&root.path().join("in/folder")).0, ["x.c"]);
        fs::create_dir(root.path().join("in/.git")).unwrap();
        assert_eq!(found(&root.path().join("in/folder")).0, ["x.a", "x.c"]);
        // Of one's own clone only.
        fs::create_dir(root.path().join("in/.git/info")).unwrap();
        fs::write(root.path().join("in/.git/info/exclude"), "*.c\n").unwrap();
        assert_eq!(found(&root.path().join("in/folder")).0, ["x.a", "x.c"]);
    }

    #[test]
    fn what_is_too_large_has_no_say_and_is_told() {
        let line = "x\n";
        let root = tree(&[
            ("a/.gitignore", &line.repeat(MAX_BYTES / line.len() + 1)),
            ("a/x", ""),
            ("b/.ignore", &line.repeat(MAX_PATTERNS + 1)),
            ("b/x", ""),
        ]);
        let (files, mut told) = found(root.path());
        told.sort();
        assert_eq!(files, ["a/x", "b/x"]);
        assert_eq!(
            told,
            [
                "a/.gitignore: is larger than 65536 bytes, the most that is read",
                "b/.ignore: is not followed: with it the ignore files have more than 10000 patterns",
            ]
        );
        // The most that is followed is.
        fs::write(root.path().join("b/.ignore"), line.repeat(MAX_PATTERNS)).unwrap();
        assert_eq!(found(&root.path().join("b")), (vec![], vec![]));
        // All of them together.
        fs::write(root.path().join("b/.gitignore"), line).unwrap();
        assert_eq!(found(&root.path().join("b")).1.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_neither_waited_for_nor_read_to_its_end() {
        use std::os::unix::fs::symlink;

        let root = tree(&[("a/x", ""), ("b/x", ""), ("c/x", ""), ("d/x", ""), ("d/.ignore/x", ""), ("said", "x")]);
        let at = |path: &str| root.path().join(path);
        symlink("/dev/zero", at("a/.gitignore")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("b/.ignore")).status().unwrap().success());
        symlink(at("said"), at("c/.ignore")).unwrap();
        symlink("/dev/zero", at(".git")).unwrap();
        symlink("nowhere", at("d/.gitignore")).unwrap();
        let (files, mut told) = found(root.path());
        told.sort();
        assert_eq!(files, ["a/x", "b/x", "d/x", "said"]);
        assert_eq!(
            told,
            ["a/.gitignore: is a device; name a regular file", "b/.ignore: is a pipe; name a regular file"]
        );
    }
}
