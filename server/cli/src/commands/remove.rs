//! `skillyard remove`: takes an installed version away.

use clap::Args;
use serde_json::json;
use skillyard_project::installed::{Which, remove};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, SCHEMA_VERSION, SkillsArguments, skill_and_version},
    out,
    sheet::{Sheet, Tone},
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard remove acme.ledger
  skillyard remove acme.ledger --version 1.2.0
  skillyard remove acme.ledger --all

Where the current version goes and others stay, the highest of them is the current one. A quarantine stays.

Exit codes: 0 removed; 1 it is not installed; 2 the command could not do its work.")]
pub struct Arguments {
    /// The skill: SKILL or SKILL@VERSION
    skill: String,
    /// The version; without it the only one
    #[arg(long, value_name = "V")]
    version: Option<String>,
    /// All versions
    #[arg(long, conflicts_with = "version")]
    all: bool,
    /// Who removes it, for the log; without it your user name
    #[arg(long, value_name = "P")]
    principal: Option<String>,
    #[command(flatten)]
    skills: SkillsArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Removes and reports.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let home = arguments.skills.home(None)?;
    let (skill_id, version) = skill_and_version(&arguments.skill, arguments.version.as_deref())?;
    let which = match version {
        Some(_) if arguments.all => return Err(Error::TwoVersions(arguments.skill.clone())),
        Some(version) => Which::Version(version),
        None if arguments.all => Which::All,
        None => Which::Only,
    };
    let principal = machine::principal(arguments.principal.as_deref());
    let gone = remove(&home, skill_id, which, &principal, machine::now_i64())?;
    let text = match arguments.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            for entry in &gone {
                sheet.verdict(Tone::Good, "REMOVED", &format!("{} {}", entry.skill_id, entry.version));
            }
            sheet.finish()
        }
        Format::Json => json::line(&json!({ "schema_version": SCHEMA_VERSION, "removed": gone })) + "\n",
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}
