//! `skillyard quarantine`: keeps a version from being run.

use clap::Args;
use serde_json::json;
use skillyard_project::{
    installed::{State, Status},
    states::{Wish, set, words},
};

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
  skillyard quarantine acme.ledger --reason 'CVE-2026-1234' --principal ops@acme
  skillyard quarantine acme.ledger --version 1.2.0 --reason 'bad build' --principal ada
  skillyard quarantine acme.ledger --disable --reason 'not used here' --principal ada

A version need not be installed; it cannot be then.

Exit codes: 0 done; 1 it is not installed, and no version is named; 2 the command could not do its work.")]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Switch it off, without anything being held against it
    #[arg(long)]
    disable: bool,
}

// What an administrator says.
#[derive(Args, Debug)]
pub struct Common {
    /// The skill: SKILL or SKILL@VERSION
    skill: String,
    /// The version; without it the current one
    #[arg(long, value_name = "V")]
    version: Option<String>,
    /// Why; it is kept and logged
    #[arg(long, value_name = "R")]
    reason: String,
    /// Who says so; it is kept and logged
    #[arg(long, value_name = "P")]
    principal: String,
    #[command(flatten)]
    skills: SkillsArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Quarantines and reports.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    change(&arguments.common, if arguments.disable { Status::Disabled } else { Status::Quarantined })
}

/// Gives the version a state and reports.
pub fn change(common: &Common, status: Status) -> Result<Exit, Error> {
    let (skill_id, version) = skill_and_version(&common.skill, common.version.as_deref())?;
    let wish = Wish {
        skill_id: skill_id.to_owned(),
        version: version.map(str::to_owned),
        status,
        reason: common.reason.clone(),
        principal: common.principal.clone(),
        now_unix_ms: machine::now_i64(),
    };
    let state: State = set(&common.skills.home(None)?, &wish)?;
    let text = match common.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            let tone = if status == Status::Active { Tone::Good } else { Tone::Wary };
            let said = format!("{} {}: {}", state.skill_id, state.version, words(&state));
            sheet.verdict(tone, &status.name().to_uppercase(), &said);
            sheet.finish()
        }
        Format::Json => json::line(&json!({ "schema_version": SCHEMA_VERSION, "state": state })) + "\n",
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}
