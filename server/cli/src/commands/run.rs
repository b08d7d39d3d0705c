//! `skillyard run`: calls a tool as a daemon would, through the full verifier and behind walls.

use std::{
    io::{self, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;
use skillyard_manifest::{MAX_BYTES, Options};
use skillyard_project::{
    check::config_of,
    files::{self, MANIFEST_NAME},
    home::Home,
    installed::named,
    run::{
        Asking, BareModule, CallOptions, Engine, Held, Packed, RefusedReport, RunError, RunReport, SignedBy, call,
        may_run_module, run_module,
    },
    shown,
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, PalyraArguments, PolicyArguments, SCHEMA_VERSION, SkillsArguments, TrustArguments},
    out,
    report::run as report,
    watch::Watch,
};

/// The largest input that is read, in bytes.
const MAX_INPUT: u64 = 16 << 20;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard run acme.echo --input '{\"text\": \"hello\"}'        the skill in the current folder
  skillyard run --skill dist/acme.ledger-1.2.0.palyra-skill acme.ledger_read --input @input.json
  skillyard run acme.fetch --approve --trace                what it asked of the host, call by call
  skillyard run --module build/plugin.wasm --entry run      a bare module, as a daemon calls it

A folder is packaged in memory with a key that is made for this call and forgotten; nothing is written but what the \
tool writes into its own folders. An artifact needs a publisher whom you trust.

Exit codes: 0 the tool gave its result; 1 it failed, or was refused; 2 the command could not do its work.")]
pub struct Arguments {
    /// The tool's id; without it the skill's default tool, or its only one
    #[arg(conflicts_with = "module")]
    tool: Option<String>,
    /// The skill: its folder, an artifact, or an installed one: SKILL or SKILL@VERSION
    #[arg(long, value_name = "DIR, ARTIFACT or SKILL", default_value = ".", conflicts_with = "module")]
    skill: PathBuf,
    /// The input as JSON; `@FILE` reads a file, `-` standard input. Without it `{}`
    #[arg(long, value_name = "JSON", allow_negative_numbers = true)]
    input: Option<String>,
    /// Approve, for this call, what the manifest wants a person to approve
    #[arg(long, conflicts_with = "module")]
    approve: bool,
    /// Show every call of the host: arguments, decision, time
    #[arg(long)]
    trace: bool,
    /// Let allowed hosts be on this machine, for development
    #[arg(long, conflicts_with = "module")]
    allow_loopback: bool,
    /// Stop the clocks and draw randomness from a seed
    #[arg(long, value_name = "SEED", num_args = 0..=1, default_missing_value = "0")]
    deterministic: Option<u64>,
    /// Cedar policies for this call, on top of the built-in ones and those of your home (`skillyard doctor` says where)
    #[arg(long, value_name = "FILE", conflicts_with = "module")]
    policy_file: Option<PathBuf>,
    /// Do not read or keep compiled modules
    #[arg(long)]
    no_cache: bool,
    #[command(flatten)]
    bare: BareArguments,
    #[command(flatten)]
    trust: TrustArguments,
    #[command(flatten)]
    skills: SkillsArguments,
    #[command(flatten)]
    policy: PolicyArguments,
    #[command(flatten)]
    palyra: PalyraArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

// A module without a skill.
#[derive(Args, Debug)]
struct BareArguments {
    /// The module, in place of a skill: nobody signed it and no policy decides about it
    #[arg(
        long,
        help_heading = "A bare module",
        value_name = "FILE",
        conflicts_with_all = ["TrustArguments", "PolicyArguments", "PalyraArguments"]
    )]
    module: Option<PathBuf>,
    /// The export to call
    #[arg(long, help_heading = "A bare module", value_name = "NAME", default_value = "run", requires = "module")]
    entry: String,
    /// Units of fuel
    #[arg(long, help_heading = "A bare module", value_name = "N", default_value_t = BareModule::FUEL, requires = "module")]
    fuel: u64,
    /// Bytes of memory
    #[arg(long, help_heading = "A bare module", value_name = "BYTES", default_value_t = BareModule::MEMORY_BYTES, requires = "module")]
    memory: u64,
    /// Milliseconds
    #[arg(long, help_heading = "A bare module", value_name = "N", default_value_t = BareModule::TIMEOUT_MS, requires = "module")]
    timeout_ms: u64,
    /// A host that it is granted
    #[arg(long, help_heading = "A bare module", value_name = "H", requires = "module")]
    http_host: Vec<String>,
    /// A secret that it is granted, `scope/key`
    #[arg(long, help_heading = "A bare module", value_name = "K", requires = "module")]
    secret: Vec<String>,
    /// A folder that it is granted
    #[arg(long, help_heading = "A bare module", value_name = "P", requires = "module")]
    storage: Vec<String>,
    /// A channel that it is granted
    #[arg(long, help_heading = "A bare module", value_name = "C", requires = "module")]
    channel: Vec<String>,
}

#[derive(Serialize)]
struct Document<R> {
    schema_version: u32,
    #[serde(flatten)]
    report: R,
}

/// Runs, reports, and says how it went.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let home = arguments.skills.home(arguments.trust.trust_store.clone())?;
    let report = match &arguments.bare.module {
        Some(module) => bare(arguments, module, &home),
        None => tool(arguments, &home),
    };
    let report = match report {
        Ok(report) => report,
        Err(Error::Run(error)) if arguments.format == Format::Json => return refused(error, arguments),
        Err(error) => return Err(error),
    };
    let text = match arguments.format {
        Format::Human => {
            let file_meant = arguments.input.as_deref().is_some_and(is_file_name);
            report::human(&report, arguments.trace, file_meant)
        }
        Format::Json => document(&report),
    };
    out::print(&text)?;
    Ok(if report.fine() { Exit::Fine } else { Exit::Findings })
}

fn document(report: impl Serialize) -> String {
    json::line(&Document { schema_version: SCHEMA_VERSION, report }) + "\n"
}

/// Reports an artifact that is refused as a program reads it; what else kept the tool from being run is an error.
fn refused(error: RunError, arguments: &Arguments) -> Result<Exit, Error> {
    match RefusedReport::of(&error, arguments.tool.as_deref()) {
        Some(report) => {
            out::print(&document(&report))?;
            Ok(Error::Run(error).exit())
        }
        None => Err(Error::Run(error)),
    }
}

fn tool(arguments: &Arguments, home: &Home) -> Result<RunReport, Error> {
    if let Some(path) = arguments.tool.as_deref().filter(|tool| is_path(tool)) {
        return Err(Error::ToolIsPath(path.to_owned()));
    }
    let engine = engine(arguments, home)?;
    let input = input(arguments.input.as_deref())?;
    let held = Held {
        policy: arguments.policy.policy(),
        palyra: arguments.palyra.given(),
        now_unix_ms: machine::now_unix_ms(),
    };
    let watch = Watch::new();
    let trusting = arguments.trust.options(false);
    let skill = machine::folder_of(&arguments.skill);
    let packed = if let Some((skill_id, version)) = named(home, &skill).map_err(Error::Path)? {
        Packed::of_installed(&skill_id, version.as_deref(), home, &trusting, held, &watch)?
    } else if skill.is_dir() {
        Packed::of_folder(&skill, None, home, held, &machine::text_variable, &watch)?
    } else {
        Packed::of_file(&skill, home, &trusting, held, machine::artifact, &watch)?
    };
    let mut ready = packed.ready(arguments.tool.as_deref(), &watch).map_err(Error::Run)?;
    let asking = ready.asking(&input, home, &machine::variable, &watch);
    drop(watch);
    let approved = match asking {
        Some(asking) if !arguments.approve => {
            let approved = match approve(&asking) {
                Some(false) => return Err(Error::Run(RunError::Cancelled)),
                said => said.is_some(),
            };
            // A person takes their time, and in that somebody may have quarantined the version.
            ready = packed.ready(arguments.tool.as_deref(), &Watch::new()).map_err(Error::Run)?;
            approved
        }
        Some(_) => true,
        None => false,
    };
    let options = CallOptions {
        input,
        approved,
        policy_file: arguments.policy_file.clone(),
        allow_loopback: arguments.allow_loopback,
        deterministic: arguments.deterministic,
        ..CallOptions::default()
    };
    // Before the call, which may change it: its author has it at hand.
    let own = if ready.signed_by == SignedBy::ThrowAway { Some(own(&skill)?) } else { None };
    let watch = Watch::new();
    let mut report = call(&ready, engine, home, &options, &machine::variable, &watch).map_err(Error::Call)?;
    if let Some((manifest, levels)) = own {
        report.keep_wanted_hints(&manifest, &levels);
    }
    Ok(report)
}

/// The manifest of a skill that its author has at hand, and what is said beside it of rules.
fn own(folder: &Path) -> Result<(String, Options), Error> {
    let config = config_of(folder).map_err(|error| Error::Config(error.into()))?;
    let bytes = files::read(&folder.join(MANIFEST_NAME), MAX_BYTES).map_err(Error::Read)?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), config.options(Options::default())))
}

fn bare(arguments: &Arguments, path: &Path, home: &Home) -> Result<RunReport, Error> {
    let bare = &arguments.bare;
    let engine = engine(arguments, home)?;
    may_run_module(path, home, machine::now_unix_ms(), &Watch::new()).map_err(Error::Run)?;
    let bytes = files::read(path, BareModule::MAX_BYTES).map_err(Error::Read)?;
    let module = BareModule {
        bytes,
        name: path.to_string_lossy().into_owned(),
        entry: bare.entry.clone(),
        fuel: bare.fuel,
        memory_bytes: bare.memory,
        timeout_ms: bare.timeout_ms,
        http_hosts: bare.http_host.clone(),
        secrets: bare.secret.clone(),
        storage: bare.storage.clone(),
        channels: bare.channel.clone(),
        input: input(arguments.input.as_deref())?,
        deterministic: arguments.deterministic,
    };
    run_module(&module, engine, &Watch::new()).map_err(Error::Call)
}

fn engine(arguments: &Arguments, home: &Home) -> Result<Engine, Error> {
    Engine::of_this_program(home, !arguments.no_cache).map_err(Error::Call)
}

/// Whether the tool is really a path: no tool's id looks like one.
fn is_path(tool: &str) -> bool {
    matches!(tool, "." | "..") || tool.contains(['/', '\\']) || tool.ends_with(".palyra-skill")
}

/// Whether what was given as an input is rather the name of a file: nothing that begins as JSON does.
fn is_file_name(input: &str) -> bool {
    let input = input.trim();
    !input.is_empty()
        && !input.starts_with(|c: char| matches!(c, '{' | '[' | '"' | '@' | '-') || c.is_ascii_digit())
        && input.contains(['.', '/', '\\'])
        && !input.contains(char::is_whitespace)
}

/// The input's text.
fn input(given: Option<&str>) -> Result<String, Error> {
    match given {
        None => Ok("{}".to_owned()),
        Some("-") => {
            let mut bytes = Vec::new();
            io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes).map_err(Error::Stdin)?;
            let limit = usize::try_from(MAX_INPUT).unwrap_or(usize::MAX);
            if bytes.len() > limit {
                return Err(Error::StdinTooLarge(limit));
            }
            if bytes.trim_ascii().is_empty() {
                return Err(Error::StdinEmpty);
            }
            String::from_utf8(bytes).map_err(|error| Error::StdinNotUtf8(error.utf8_error().valid_up_to()))
        }
        Some(text) => match text.strip_prefix('@') {
            None => Ok(text.to_owned()),
            Some("") => Err(Error::InputNamesNoFile),
            Some(path) => {
                let path = PathBuf::from(path);
                let limit = usize::try_from(MAX_INPUT).unwrap_or(usize::MAX);
                let bytes = files::read(&path, limit).map_err(Error::Read)?;
                String::from_utf8(bytes).map_err(|error| {
                    Error::Read(files::ReadError::NotUtf8 { path, at: error.utf8_error().valid_up_to() })
                })
            }
        },
    }
}

/// Asks at the terminal; nothing where nobody is there, and the tool runs without what needs an approval, or not at all.
fn approve(asking: &Asking) -> Option<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let mut text = format!("{} wants to\n", shown::line(&asking.tool_id));
    for line in asking.lines() {
        text.push_str(&format!("  - {}\n", shown::line(&line)));
    }
    text.push_str("Approve it for this call? [y/N] ");
    out::print_aside(&text);
    let _ = io::stderr().flush();
    let mut answer = String::new();
    Some(io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}
