//! Why a command could not do its work: what, where, and what to do.

use std::{fmt, io, path::PathBuf};

use serde_json::{Value, json};
use skillyard_lsp::ServeError;
use skillyard_project::{
    Finding,
    audit::{FolderError, NoAdvisories},
    cache::CacheError,
    check::CheckError,
    config::LoadError,
    files::ReadError,
    home::PathError,
    install::InstallError,
    installed::RemoveError,
    new::NewError,
    package::MakeError,
    rules,
    run::{CallError, RunError, TestError},
    secrets::SecretError,
    shown,
    signing::NoKey,
    skill::SkillError,
    standing::Refused,
    suggest::did_you_mean,
    verify::FlowError,
};

use crate::{exit::Exit, machine::SCHEMA_VERSION, report};

/// What helps whoever names a skill that is not installed.
const INSTALLED: &str = "`skillyard list` shows what is installed.";

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Error {
    /// `-` stands beside other paths.
    StdinAmongPaths,
    /// `--stdin-filename` without `-`.
    FilenameWithoutStdin,
    /// `--unsafe-fixes` without anything that fixes.
    UnsafeFixesAlone,
    /// A severity for a rule that the command does not look at.
    LevelElsewhere {
        /// The rule or family.
        code: String,
        /// The command.
        command: &'static str,
        /// What looks at it.
        instead: &'static str,
    },
    /// A severity for what an artifact is refused for.
    LevelForArtifact,
    /// A key is to be pinned, and a folder has none.
    PinOfFolder,
    /// Standard input could not be read.
    Stdin(io::Error),
    /// Standard input does not end.
    StdinTooLarge(usize),
    /// Standard input is no UTF-8.
    StdinNotUtf8(usize),
    /// Standard output could not be written.
    Stdout(io::Error),
    /// An artifact is to come from a terminal.
    StdinIsTerminal,
    /// A file could not be read.
    Read(ReadError),
    /// A configuration is broken.
    Config(Box<LoadError>),
    /// A path of the person's own cannot be used.
    Path(PathError),
    /// An artifact could not be looked at.
    Flow(FlowError),
    /// There are no advisories.
    Advisories(NoAdvisories),
    /// A skill's files could not be collected.
    Skill(SkillError),
    /// A folder could not be audited.
    Folder(FolderError),
    /// There is no key.
    Key(NoKey),
    /// The cache of compiled modules is not used.
    Cache(CacheError),
    /// A secret was not kept or found.
    Secret(SecretError),
    /// No skill was made.
    New(NewError),
    /// No artifact was made.
    Make(MakeError),
    /// A tool was not run.
    Run(RunError),
    /// A call could not be made.
    Call(CallError),
    /// The cases were not run.
    Test(TestError),
    /// No public key.
    BadKey {
        /// What was given.
        given: String,
        /// Why not.
        why: String,
    },
    /// A file could not be checked.
    Check(CheckError),
    /// No rule has this code.
    UnknownRule(String),
    /// The language server could not start.
    Serve(ServeError),
    /// Nothing was installed.
    Install(Box<InstallError>),
    /// What is installed was not read or changed.
    Installed(Box<Refused>),
    /// Nothing was removed.
    Remove(Box<RemoveError>),
    /// A manifest or an artifact is refused: all that is to be said.
    Refused(String),
    /// Standard input is empty.
    StdinEmpty,
    /// `--input @`.
    InputNamesNoFile,
    /// A path stands where a tool's id belongs.
    ToolIsPath(String),
    /// A version stands behind `@` and in a flag.
    TwoVersions(String),
    /// What is to be looked at is neither a file nor installed.
    NoTarget(String),
    /// A folder stands where an artifact belongs.
    FolderNotArtifact(PathBuf),
    /// An artifact is refused, and its key is neither pinned nor explained.
    RefusedArtifact {
        /// Why.
        why: String,
        /// The stable name of that.
        kind: Option<String>,
        /// What was found.
        findings: Vec<Finding>,
    },
    /// A panic.
    Internal,
}

impl From<InstallError> for Error {
    fn from(error: InstallError) -> Self {
        Self::Install(Box::new(error))
    }
}

impl From<Refused> for Error {
    fn from(error: Refused) -> Self {
        Self::Installed(Box::new(error))
    }
}

impl From<RemoveError> for Error {
    fn from(error: RemoveError) -> Self {
        Self::Remove(Box::new(error))
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

impl Error {
    /// All that is to be printed, a line each: of a broken configuration everything that is wrong with it.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Config(error) => error.lines(),
            Self::Check(error) => error.lines(),
            _ => vec![self.to_string()],
        }
    }

    /// What a person can do about it, a line each, beside what it says itself.
    pub fn advice(&self) -> Vec<String> {
        let (mut lines, closing) = match self {
            Self::Run(RunError::Standing { refused, .. }) if refused.kind().as_deref() == Some("NotInstalled") => {
                return vec![INSTALLED.to_owned()];
            }
            Self::Installed(_) | Self::Remove(_) if self.kind().as_deref() == Some("NotInstalled") => {
                return vec![INSTALLED.to_owned()];
            }
            Self::Run(error) => (error.advice().to_vec(), "To run it without deciding: --allow-tofu."),
            Self::Install(error) => match &**error {
                InstallError::Refused { advice, .. } => {
                    (advice.to_vec(), "To trust the first key you see from now on: --allow-tofu.")
                }
                _ => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        if !lines.is_empty() && self.kind().as_deref() == Some("UntrustedPublisher") {
            lines.push(closing.to_owned());
        }
        lines
    }

    /// The stable name of why something was refused; `None` where nothing was, or no name says it.
    pub fn kind(&self) -> Option<String> {
        match self {
            Self::Run(error) | Self::Test(TestError::Run(error)) => error.kind(),
            Self::Make(error) => error.error_kind(),
            Self::Folder(FolderError::Manifest { kind, .. }) => Some(kind.to_string()),
            Self::RefusedArtifact { kind, .. } => kind.clone(),
            Self::Installed(refused) => refused.kind(),
            Self::Install(error) => error.kind(),
            Self::Remove(error) => match &**error {
                RemoveError::Flow(refused) => refused.kind(),
                _ => None,
            },
            _ => None,
        }
    }

    /// What was found in what is refused.
    pub fn findings(&self) -> Vec<Finding> {
        match self {
            Self::Run(error) | Self::Test(TestError::Run(error)) => error.findings().to_vec(),
            Self::Make(error) => error.findings().to_vec(),
            Self::RefusedArtifact { findings, .. } => findings.clone(),
            Self::Installed(refused) => refused.findings(),
            Self::Install(error) => error.findings(),
            _ => Vec::new(),
        }
    }

    /// The one JSON document of a refusal.
    pub fn document(&self) -> Value {
        json!({
            "schema_version": SCHEMA_VERSION,
            "error": self.lines().join("; "),
            "error_kind": self.kind(),
            "findings": self.findings().iter().map(report::finding).collect::<Vec<_>>(),
        })
    }

    /// How a command ends that meets it: a skill that is refused was looked at, and something was found.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Run(error) | Self::Test(TestError::Run(error)) if error.refuses() => Exit::Findings,
            Self::Make(error) if error.refuses() => Exit::Findings,
            Self::Folder(error) if error.refuses() => Exit::Findings,
            Self::Refused(_) | Self::RefusedArtifact { .. } => Exit::Findings,
            // A word that does not do was not looked up.
            Self::Installed(refused) if refused.kind().as_deref() == Some("BadWords") => Exit::Failed,
            Self::Installed(refused) if refused.kind().is_some() => Exit::Findings,
            Self::Install(error) if error.kind().is_some() => Exit::Findings,
            Self::Remove(error) if matches!(&**error, RemoveError::Flow(refused) if refused.kind().is_some()) => {
                Exit::Findings
            }
            _ => Exit::Failed,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StdinAmongPaths => write!(f, "`-` (standard input) cannot be mixed with other paths; give it alone"),
            Self::FilenameWithoutStdin => {
                write!(f, "`--stdin-filename` names what comes from standard input; give `-` as the path too")
            }
            Self::LevelElsewhere { code, command, instead } => {
                write!(f, "`skillyard {command}` does not look at `{code}`: {instead}")
            }
            Self::LevelForArtifact => {
                write!(f, "`--deny`, `--warn` and `--allow` are for a folder: nobody sets what an artifact is held to")
            }
            Self::PinOfFolder => {
                write!(f, "`--pin` is for an artifact: nobody has signed a folder; package it, or leave `--pin` out")
            }
            Self::UnsafeFixesAlone => {
                write!(f, "`--unsafe-fixes` says which fixes; add `--fix` to apply them or `--diff` to see them")
            }
            Self::Stdin(error) => write!(f, "standard input: cannot be read: {error}"),
            Self::StdinTooLarge(limit) => {
                write!(f, "standard input: is larger than {limit} bytes, the most that is read")
            }
            Self::StdinNotUtf8(at) => write!(f, "standard input: is not UTF-8 from byte {at} on; save it as UTF-8"),
            Self::Stdout(error) => write!(f, "standard output: cannot be written: {error}"),
            Self::StdinIsTerminal => {
                write!(f, "standard input is a terminal; pipe an artifact into it, or name a file")
            }
            Self::Read(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::Path(error) => error.fmt(f),
            Self::Flow(error) => error.fmt(f),
            Self::Advisories(error) => error.fmt(f),
            Self::Skill(error) => error.fmt(f),
            Self::Folder(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Cache(error) => error.fmt(f),
            Self::Secret(error) => error.fmt(f),
            Self::New(error) => error.fmt(f),
            Self::Make(error) => error.fmt(f),
            Self::Run(error) => error.fmt(f),
            Self::Call(error) => error.fmt(f),
            Self::Test(error) => error.fmt(f),
            Self::BadKey { given, why } => {
                write!(f, "`{}` is neither a file nor PUB=HEX: {why}", shown::words(given, 80))
            }
            Self::Check(error) => error.fmt(f),
            Self::UnknownRule(code) => {
                let codes = rules::all().map(|rule| rule.code);
                let hint = did_you_mean(code, codes, "`skillyard explain` lists all rules");
                write!(f, "no rule `{}`; {hint}", shown::words(code, 80))
            }
            Self::Serve(error) => error.fmt(f),
            Self::Install(error) => error.fmt(f),
            Self::Installed(error) => error.fmt(f),
            Self::Remove(error) => error.fmt(f),
            Self::Refused(why) | Self::RefusedArtifact { why, .. } => f.write_str(why),
            Self::TwoVersions(skill) => {
                write!(f, "`{}` names a version, and so does a flag; give one of them", shown::words(skill, 200))
            }
            Self::NoTarget(target) => write!(
                f,
                "{}: no such file or folder, and no skill of that name is installed; `skillyard list` shows what is",
                shown::words(target, 200)
            ),
            Self::FolderNotArtifact(folder) => {
                let folder = shown::path(folder);
                write!(
                    f,
                    "{folder}: is a folder; package it first (`skillyard package {folder}`) or look at it with \
                     `skillyard audit {folder}`"
                )
            }
            Self::StdinEmpty => f.write_str("standard input is empty; pipe the input into it, as JSON"),
            Self::InputNamesNoFile => f.write_str("`--input @` names no file; write `--input @input.json`"),
            Self::ToolIsPath(path) => {
                let path = shown::words(path, 200);
                write!(f, "`{path}` is a path, and a tool's id is wanted here; a skill is named by `--skill {path}`")
            }
            Self::Internal => {
                write!(f, "internal error: this is a fault of skillyard; please report what is printed above")
            }
        }
    }
}

impl std::error::Error for Error {}
