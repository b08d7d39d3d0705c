//! `check`: from files to what there is to say about them, in parallel and in order.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use skillyard_manifest::{
    Analysis, Level, Options, Severity, analyze_bytes, elsewhere::Elsewhere, grammar::Version, readable, workspace,
};

use crate::{
    config::{self, Config, LoadError},
    files::{self, MAX_READ, ReadError},
    fix::{self, FixMode, WriteError},
    workspace::{Clash, Workspace},
};

/// What is asked for besides the files, over what a `skillyard.toml` says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// The daemon's version.
    pub palyra_version: Option<Version>,
    /// Levels by rule code or family pattern. A later entry wins over an earlier one and over the configuration, also
    /// where it covers more rules.
    pub levels: Vec<(String, Level)>,
    /// What to do about fixes.
    pub fix: FixMode,
}

impl Settings {
    /// `base` (what the configuration says) with these settings over it.
    #[must_use]
    pub fn options(&self, base: Options) -> Options {
        let mut options = base;
        if let Some(version) = self.palyra_version {
            options.palyra_version = version;
        }
        for (pattern, level) in &self.levels {
            options.levels.retain(|covered, _| !covers(pattern, covered));
            options.levels.insert(pattern.clone(), *level);
        }
        options
    }
}

/// Whether a rule code or pattern covers another: all of `egress/*` is covered by it and by `*`.
#[must_use]
pub fn covers(pattern: &str, other: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => other.starts_with(prefix),
        None => pattern == other,
    }
}

/// One manifest and what there is to say about it.
#[derive(Debug)]
pub struct Checked {
    /// The file as it was named, or below the folder that was named.
    pub path: PathBuf,
    /// The text that `analysis` is about: after fixing, where fixes were written. It has exactly the bytes of the file,
    /// except that each byte that is no UTF-8 is a `?`, so places hold in both.
    pub text: String,
    /// What there is to say about `text`.
    pub analysis: Analysis,
    /// How many fixes were applied (or would be, for [`FixMode::Diff`]).
    pub fixed: usize,
    /// The text after fixing, where it differs from the file and was not written.
    pub unwritten: Option<String>,
}

impl Checked {
    /// Whether a daemon refuses the manifest, or a rule of severity error found something.
    #[must_use]
    pub fn fails(&self) -> bool {
        let verdict = &self.analysis.daemon;
        !verdict.accepts || verdict.compat_error_kind.is_some() || self.analysis.error_count() > 0
    }

    /// The number of findings of `severity`.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.analysis.diagnostics.iter().filter(|d| d.severity == severity).count()
    }
}

/// Why a file has no result.
#[derive(Clone, Debug)]
pub enum CheckError {
    /// It could not be read.
    Read(Arc<ReadError>),
    /// The configuration that counts for it is broken.
    Config(Arc<LoadError>),
    /// Its fixes could not be written.
    Write(Arc<WriteError>),
}

impl CheckError {
    /// All that it says, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Config(error) => error.lines(),
            Self::Read(_) | Self::Write(_) => vec![self.to_string()],
        }
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::Write(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CheckError {}

/// The configuration that counts for a skill in `folder`: what its nearest `skillyard.toml` says, else nothing.
///
/// # Errors
/// If that file cannot be read or holds a fault.
pub fn config_of(folder: &Path) -> Result<Config, LoadError> {
    config::find(folder).map_or_else(|| Ok(Config::default()), |path| config::load(&path))
}

/// Checks `files` on as many threads as the machine has cores, each for itself and then for the ids that others of them
/// give too. `show` is called on those threads, and its results come in the order of `files`, so what is made of a file is
/// made in parallel too.
pub fn check<T: Send>(
    files: &[PathBuf],
    settings: &Settings,
    show: impl Fn(Result<Checked, CheckError>) -> T + Sync,
) -> Vec<T> {
    let configs = Configs::new(settings);
    let look = |path: &PathBuf| check_file(path, &configs, settings.fix);
    // One manifest has no other beside it.
    if files.len() < 2 {
        return in_parallel(files, |path| show(look(path)));
    }
    let checked = in_parallel(files, look);
    let places: Vec<Arc<Path>> = files.iter().map(|path| files::absolute(path).into()).collect();
    let known = places.iter().zip(&checked).filter_map(|(place, checked)| {
        let names = &checked.as_ref().ok()?.analysis.names;
        Some((Arc::clone(place), names))
    });
    let workspace = Workspace::of(known);
    let all: Vec<_> = places.iter().zip(checked).map(|(place, checked)| (place, Mutex::new(Some(checked)))).collect();
    in_parallel(&all, |(place, checked)| {
        // Each is taken once.
        let checked = checked.lock().unwrap_or_else(PoisonError::into_inner).take();
        checked.map(|mut checked| {
            if let Ok(checked) = &mut checked {
                add_clashes(checked, &workspace.clashes(place, &checked.analysis.names), &configs);
            }
            show(checked)
        })
    })
    .into_iter()
    .flatten()
    .collect()
}

fn add_clashes(checked: &mut Checked, clashes: &[Clash], configs: &Configs<'_>) {
    if clashes.is_empty() {
        return;
    }
    let Ok(options) = configs.options(folder(&checked.path)) else { return };
    // What the places count in: the fixed text, where it was not written.
    let text = checked.unwritten.as_ref().unwrap_or(&checked.text);
    let mut found: Vec<_> = clashes.iter().map(|clash| clash.diagnostic.clone()).collect();
    let elsewhere = Elsewhere::new(text, &options);
    found.retain_mut(|found| elsewhere.is_reported(found));
    workspace::add(&mut checked.analysis, found);
}

/// Checks the bytes of a manifest that lies in no file, as if they lay at `path`. Nothing is written; with
/// [`FixMode::Write`] the fixed text is in [`Checked::unwritten`].
///
/// # Errors
/// If the configuration that counts for `path` is broken.
pub fn check_text(path: &Path, bytes: Vec<u8>, settings: &Settings) -> Result<Checked, CheckError> {
    let options = Configs::new(settings).options(folder(path)).map_err(CheckError::Config)?;
    Ok(checked(path, bytes, &options, settings.fix))
}

fn check_file(path: &Path, configs: &Configs<'_>, mode: FixMode) -> Result<Checked, CheckError> {
    let bytes = files::read(path, MAX_READ).map_err(|error| CheckError::Read(Arc::new(error)))?;
    let options = configs.options(folder(path)).map_err(CheckError::Config)?;
    let mut checked = checked(path, bytes, &options, mode);
    if matches!(mode, FixMode::Write { .. })
        && let Some(text) = checked.unwritten.take()
    {
        fix::replace(path, checked.text.as_bytes(), text.as_bytes())
            .map_err(|error| CheckError::Write(Arc::new(error)))?;
        checked.text = text;
    }
    Ok(checked)
}

fn checked(path: &Path, bytes: Vec<u8>, options: &Options, mode: FixMode) -> Checked {
    let mut analysis = analyze_bytes(&bytes, options);
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            // An edit of what is no text would be a guess about the bytes around it.
            analysis.diagnostics.iter_mut().for_each(|finding| finding.fixes.clear());
            readable(error.as_bytes()).into_owned()
        }
    };
    let mut checked = Checked { path: path.to_owned(), text, analysis, fixed: 0, unwritten: None };
    let fixed = mode.unsafe_too().and_then(|unsafe_too| {
        let fixable = skillyard_manifest::fix::compatible(&checked.analysis.diagnostics, unsafe_too).1 > 0;
        fixable.then(|| skillyard_manifest::fix::fix_all(&checked.text, options, unsafe_too))
    });
    if let Some(fixed) = fixed.filter(|fixed| fixed.applied > 0 && fixed.text != checked.text) {
        checked.fixed = fixed.applied;
        checked.unwritten = Some(fixed.text);
        checked.analysis = fixed.analysis;
    }
    checked
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

type Loaded = Result<Arc<Options>, Arc<LoadError>>;

/// The options that count in each folder, each looked for once.
struct Configs<'s> {
    settings: &'s Settings,
    plain: Arc<Options>,
    known: Mutex<HashMap<PathBuf, Loaded>>,
}

impl<'s> Configs<'s> {
    fn new(settings: &'s Settings) -> Self {
        let plain = Arc::new(settings.options(Options::default()));
        Self { settings, plain, known: Mutex::default() }
    }

    fn options(&self, folder: &Path) -> Loaded {
        self.find(&files::absolute(folder))
    }

    /// The same answer as [`config::find`] and [`config::load`], remembered for every folder on the way.
    fn find(&self, folder: &Path) -> Loaded {
        if let Some(known) = self.known().get(folder) {
            return known.clone();
        }
        let loaded = match (config::config_in(folder), folder.parent()) {
            (Some(path), _) => config::load(&path)
                .map(|config| Arc::new(self.settings.options(config.options(Options::default()))))
                .map_err(Arc::new),
            (None, Some(parent)) if !config::holds_git(folder) => self.find(parent),
            (None, _) => Ok(Arc::clone(&self.plain)),
        };
        self.known().insert(folder.to_owned(), loaded.clone());
        loaded
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Loaded>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `work` on every item, on as many threads as there are cores; the results in the order of the items.
pub fn in_parallel<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(items.len().div_ceil(8));
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            match items.get(at) {
                Some(item) => done.push((at, work(item))),
                None => return done,
            }
        }
    };
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut all = take();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, done)| done).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn later_settings_win_over_what_they_cover() {
        let level = |pattern: &str, level| (pattern.to_owned(), level);
        let mut base = Options::default();
        base.levels.insert("egress/port".to_owned(), Level::Deny);
        base.levels.insert("tool/x".to_owned(), Level::Deny);
        let settings = Settings {
            levels: vec![level("egress/*", Level::Allow), level("egress/ip", Level::Hint)],
            ..Settings::default()
        };
        let options = settings.options(base);
        let of = |code| options.level(code);
        assert_eq!(
            (of("egress/port"), of("egress/ip"), of("tool/x")),
            (Some(Level::Allow), Some(Level::Hint), Some(Level::Deny))
        );
        let all = Settings { levels: vec![level("*", Level::Warn)], ..Settings::default() };
        assert_eq!(all.options(options).levels.len(), 1);
    }

    #[test]
    fn results_come_in_order() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(in_parallel(&items, |n| n * 2), items.iter().map(|n| n * 2).collect::<Vec<_>>());
        assert!(in_parallel(&[] as &[u8], |n| *n).is_empty());
    }

    #[test]
    fn each_folder_has_its_own_configuration() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir_all(root.join("c")).unwrap();
        fs::write(root.join("a/skillyard.toml"), "palyra_version = \"7.0.0\"").unwrap();
        fs::write(root.join("c/skillyard.toml"), "x = 1").unwrap();
        let settings = Settings::default();
        let configs = Configs::new(&settings);
        for _ in 0..2 {
            assert_eq!(configs.options(&root.join("a/b")).unwrap().palyra_version, Version(7, 0, 0));
            assert_eq!(configs.options(&root).unwrap().palyra_version, Version(0, 1, 0));
            assert!(configs.options(&root.join("c")).unwrap_err().to_string().contains("unknown key `x`"));
        }
    }
}
