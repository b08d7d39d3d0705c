//! `skillyard check`: diagnostics, in the format of the place.

use std::{
    collections::HashSet,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use skillyard_manifest::{grammar::Version, rules::is_about_text};
use skillyard_project::{
    check::{CheckError, Checked, Settings, check, check_text},
    config, files,
    fix::{self, FixMode},
    shown,
};

use crate::{
    error::Error,
    exit::Exit,
    levels::LevelFlags,
    out,
    report::{Reporter, Tally, concise, github, human, json, sarif},
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard check                                  every skill.toml below the current folder
  skillyard check --fix skills/ledger              and apply the fixes that are safe
  skillyard check --format sarif > skills.sarif    for code scanning
  skillyard check --warn 'egress/*' --deny warnings
  skillyard check - --stdin-filename skills/ledger/skill.toml < draft.toml

Severities come from the skillyard.toml beside the skill or above it; all that is wrong in it is told. Flags win \
over it, and of flags the last wins. What a daemon rejects is always an error. The modules beside a manifest are \
looked at by `skillyard audit`.

Exit codes: 0 no errors; 1 errors (with --deny warnings also warnings, with --diff also fixes to apply); \
2 the command could not do its work. A folder without any skill.toml is a note and no failure.")]
pub struct Arguments {
    /// Files and folders; a folder means every skill.toml below it, none means the current folder, `-` standard input
    paths: Vec<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Apply the fixes that keep what the author meant, and report what is left
    #[arg(long)]
    fix: bool,
    /// With --fix or --diff: also those that decide something for the author
    #[arg(long)]
    unsafe_fixes: bool,
    /// Write nothing; print what --fix would change as a diff
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    levels: LevelFlags,
    /// The version of the daemon to check against
    #[arg(long, value_name = "VERSION", value_parser = version)]
    palyra_version: Option<Version>,
    /// The name of what comes from standard input: it is reported, and its folder says which skillyard.toml counts
    #[arg(long, value_name = "PATH")]
    stdin_filename: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Format {
    /// For a person: the line of the file with marks under it
    Human,
    /// A line a finding: path:line:column: severity[code] message
    Concise,
    /// One JSON document, described by schema/check-report.schema.json
    Json,
    /// A JSON document a file, each on a line
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| "write three numbers, such as 0.1.0".to_owned())
}

/// Checks, reports, and says how it went.
pub fn run(arguments: Arguments) -> Result<Exit, Error> {
    if arguments.unsafe_fixes && !arguments.fix && !arguments.diff {
        return Err(Error::UnsafeFixesAlone);
    }
    let unsafe_too = arguments.unsafe_fixes;
    let fix = match (arguments.diff, arguments.fix) {
        (true, _) => FixMode::Diff { unsafe_too },
        (false, true) => FixMode::Write { unsafe_too },
        (false, false) => FixMode::Off,
    };
    arguments.levels.about("check", is_about_text)?;
    let settings = Settings { palyra_version: arguments.palyra_version, levels: arguments.levels.levels.clone(), fix };
    let is_stdin = arguments.paths.iter().any(|path| path == Path::new("-"));
    match (is_stdin, arguments.paths.len()) {
        (true, 1) => check_stdin(&arguments, &settings),
        (true, _) => Err(Error::StdinAmongPaths),
        (false, _) if arguments.stdin_filename.is_some() => Err(Error::FilenameWithoutStdin),
        (false, _) => check_files(&arguments, &settings),
    }
}

fn check_files(arguments: &Arguments, settings: &Settings) -> Result<Exit, Error> {
    let found = files::manifests(&arguments.paths);
    let mut failures: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
    for folder in &found.empty {
        out::say("note", &format_args!("no {} below {}", files::MANIFEST_NAME, shown::path(folder)));
    }
    // Named itself, it is no manifest.
    let (configs, files): (Vec<PathBuf>, Vec<PathBuf>) =
        found.files.into_iter().partition(|path| path.file_name().is_some_and(|name| name == config::FILE_NAME));
    // One that a person named may be something else altogether.
    let named: HashSet<&PathBuf> = arguments.paths.iter().collect();
    let (others, files): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|path| named.contains(path) && binary(path).is_some());
    failures.extend(others.iter().filter_map(|path| Some(format!("{}: {}", shown::path(path), binary(path)?))));
    let mut told = HashSet::new();
    for error in configs.iter().filter_map(|path| config::load(&files::absolute(path)).err()) {
        failures.extend(error.lines().into_iter().filter(|line| told.insert(line.clone())));
    }
    let reporter = arguments.reporter();
    let shown = check(&files, settings, |result| Shown::of(result, reporter.as_ref(), settings.fix));

    let (mut tally, mut pieces) = (Tally::default(), Vec::with_capacity(shown.len()));
    for shown in shown {
        match shown {
            Ok(shown) => {
                tally.add(&shown.tally);
                pieces.push(shown.piece);
            }
            // A broken configuration is the same failure for every file below it.
            Err(error) => {
                failures.extend(error.lines().into_iter().filter(|line| told.insert(line.clone())));
            }
        }
    }
    failures.iter().for_each(|failure| out::error(failure));
    let report = match settings.fix {
        FixMode::Diff { .. } => {
            tell_what_would_be(&tally);
            pieces.concat()
        }
        _ => reporter.whole(&pieces, &tally, &failures),
    };
    out::print(&report)?;
    Ok(arguments.exit(&tally, settings.fix, !failures.is_empty()))
}

/// What a file is that its first bytes tell to be no manifest, and what looks at it.
fn binary(path: &Path) -> Option<&'static str> {
    let mut first = [0; 4];
    files::open_regular(path).ok()?.0.read_exact(&mut first).ok()?;
    match &first {
        b"PK\x03\x04" => Some("is a ZIP archive and no manifest; `skillyard verify` and `audit` look at artifacts"),
        b"\0asm" => Some("is a WebAssembly module and no manifest; `skillyard audit` looks at a skill's modules"),
        _ => None,
    }
}

fn check_stdin(arguments: &Arguments, settings: &Settings) -> Result<Exit, Error> {
    let bytes = out::stdin()?;
    let path = arguments.stdin_filename.as_deref().unwrap_or(Path::new("-"));
    let checked = check_text(path, bytes.clone(), settings).map_err(Error::Check)?;
    let fixed = checked.unwritten.clone();
    let reporter = arguments.reporter();
    let shown = Shown::new(&checked, reporter.as_ref(), settings.fix);
    match settings.fix {
        FixMode::Off => out::print(&reporter.whole(&[shown.piece], &shown.tally, &[]))?,
        FixMode::Diff { .. } => {
            tell_what_would_be(&shown.tally);
            out::print(&shown.piece)?;
        }
        // Standard output is the fixed file's, so the report goes beside it.
        FixMode::Write { .. } => {
            out::print_bytes(fixed.as_deref().map_or(&bytes, |text| text.as_bytes()))?;
            out::print_aside(&reporter.whole(&[shown.piece], &shown.tally, &[]));
        }
    }
    Ok(arguments.exit(&shown.tally, settings.fix, false))
}

fn tell_what_would_be(tally: &Tally) {
    match tally.fixed {
        0 => out::say("note", &"nothing to fix"),
        count => out::say("note", &format_args!("nothing written; `--fix` would apply {}", human::fixes(count))),
    }
}

/// What is left of a file once it has been checked: what is printed and counted.
struct Shown {
    piece: String,
    tally: Tally,
}

impl Shown {
    fn of(result: Result<Checked, CheckError>, reporter: &dyn Reporter, fix: FixMode) -> Result<Self, CheckError> {
        result.map(|checked| Self::new(&checked, reporter, fix))
    }

    fn new(checked: &Checked, reporter: &dyn Reporter, fix: FixMode) -> Self {
        let tally = Tally::of(checked);
        let piece = match (fix, &checked.unwritten) {
            (FixMode::Diff { .. }, Some(after)) => fix::diff(&checked.path, &checked.text, after),
            (FixMode::Diff { .. }, None) => String::new(),
            (FixMode::Write { .. }, Some(after)) => {
                // Only standard input is not written: its report is about what went to standard output.
                reporter.piece(checked, after)
            }
            _ => reporter.piece(checked, &checked.text),
        };
        Self { piece, tally }
    }
}

impl Arguments {
    fn reporter(&self) -> Box<dyn Reporter> {
        match self.format {
            Format::Human => Box::new(human::Human::new(out::coloured())),
            Format::Concise => Box::new(concise::Concise),
            Format::Json => Box::new(json::Document),
            Format::Jsonl => Box::new(json::Lines),
            Format::Sarif => Box::new(sarif::Sarif::here()),
            Format::Github => Box::new(github::Github::here()),
        }
    }

    fn exit(&self, tally: &Tally, fix: FixMode, failed: bool) -> Exit {
        let would_fix = matches!(fix, FixMode::Diff { .. }) && tally.fixed > 0;
        let warned = self.levels.deny_warnings && tally.warnings > 0;
        if failed {
            Exit::Failed
        } else if tally.failing > 0 || warned || would_fix {
            Exit::Findings
        } else {
            Exit::Fine
        }
    }
}
