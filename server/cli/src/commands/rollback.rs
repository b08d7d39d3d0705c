//! `skillyard rollback`: makes an older installed version the current one.

use clap::Args;
use serde_json::json;
use skillyard_project::installed::roll_back;

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, SCHEMA_VERSION, SkillsArguments, skill_and_version},
    out,
    sheet::{Sheet, Tone},
    watch::Watch,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard rollback acme.ledger                    the highest version below the current one
  skillyard rollback acme.ledger --version 1.1.0

Nothing is removed: the version that was current stays installed.

Exit codes: 0 done; 1 there is no such version, or it may not run; 2 the command could not do its work.")]
pub struct Arguments {
    /// The skill: SKILL or SKILL@VERSION
    skill: String,
    /// The version to go to
    #[arg(long, value_name = "V")]
    version: Option<String>,
    /// Who does it, for the log; without it your user name
    #[arg(long, value_name = "P")]
    principal: Option<String>,
    #[command(flatten)]
    skills: SkillsArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Goes back and reports.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let home = arguments.skills.home(None)?;
    let (skill_id, version) = skill_and_version(&arguments.skill, arguments.version.as_deref())?;
    let principal = machine::principal(arguments.principal.as_deref());
    let watch = Watch::new();
    let done = roll_back(&home, skill_id, version, &principal, machine::now_i64(), &watch);
    drop(watch);
    let (from, to) = done?;
    let text = match arguments.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            let words = format!("{} {}, in place of {}", to.skill_id, to.version, from.version);
            sheet.verdict(Tone::Good, "CURRENT", &words);
            sheet.finish()
        }
        Format::Json => {
            json::line(&json!({ "schema_version": SCHEMA_VERSION, "entry": to, "previous_version": from.version }))
                + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}
