//! `skillyard info`: one installed version.

use clap::Args;
use serde_json::json;
use skillyard_project::{
    installed::{Info, Status, info},
    shown, states,
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{Format, SCHEMA_VERSION, SkillsArguments, moment, now_unix_ms, skill_and_version},
    out,
    report::skill,
    sheet::{Sheet, Tone},
    watch::Watch,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard info acme.ledger
  skillyard info acme.ledger --version 1.2.0 --format json

Exit codes: 0 it may run; 1 it may not, or is not installed; 2 the command could not do its work.")]
pub struct Arguments {
    /// The skill: SKILL or SKILL@VERSION
    skill: String,
    /// The version; without it the current one
    #[arg(long, value_name = "V")]
    version: Option<String>,
    #[command(flatten)]
    skills: SkillsArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Shows.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let home = arguments.skills.home(None)?;
    let (skill_id, version) = skill_and_version(&arguments.skill, arguments.version.as_deref())?;
    let watch = Watch::new();
    let found = info(&home, skill_id, version, now_unix_ms(), &watch);
    drop(watch);
    let info = found?;
    let status = info.state.as_ref().map_or(Status::Active, |state| state.status);
    let runs = info.changed.is_none() && info.ended.is_none() && status == Status::Active;
    let text = match arguments.format {
        Format::Human => human(&info, status),
        Format::Json => {
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "entry": info.entry,
                "folder": info.folder.to_string_lossy(),
                "status": status,
                "state": info.state,
                "changed": info.changed,
                "ended": info.ended,
                "capabilities": info.capabilities,
                "pointer": info.pointer.as_ref().map(ToString::to_string),
                "others": info.others,
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(if runs { Exit::Fine } else { Exit::Findings })
}

fn human(info: &Info, status: Status) -> String {
    let mut sheet = Sheet::new();
    let entry = &info.entry;
    sheet.title(&format!("{} {} by {}", entry.skill_id, entry.version, entry.publisher));
    match (&info.changed, &info.ended, status, &info.state) {
        (Some(changed), ..) => sheet.verdict(Tone::Bad, "CHANGED", changed),
        (None, Some(ended), ..) => sheet.verdict(Tone::Bad, "MAY NOT RUN", ended),
        (None, None, Status::Active, _) => sheet.verdict(Tone::Good, "ACTIVE", "its files are as they were installed"),
        (None, None, _, Some(state)) => {
            sheet.verdict(Tone::Bad, &status.name().to_uppercase(), &states::words(state));
        }
        (None, None, _, None) => sheet.verdict(Tone::Bad, &status.name().to_uppercase(), ""),
    }
    sheet.blank();
    sheet.row("folder", &shown::path(&info.folder));
    sheet.row("current", if entry.current { "yes" } else { "no" });
    if let Some(pointer) = &info.pointer {
        sheet.row("pointer", &pointer.to_string());
    }
    sheet.row("installed", &moment(entry.installed_at_unix_ms));
    sheet.row("from", &entry.source.reference);
    sheet.row("key", &format!("{} ({})", entry.signature_key_id, entry.trust_decision));
    sheet.row("artifact", &entry.artifact_sha256);
    sheet.row("payload", &entry.payload_sha256);
    sheet.rows("also", &info.others);
    sheet.rows("no secret", entry.missing_secrets.iter().map(|missing| format!("{}/{}", missing.scope, missing.key)));
    if let Some(capabilities) = &info.capabilities {
        skill::may(&mut sheet, &capabilities.grants, &capabilities.policy_bindings);
    }
    sheet.finish()
}
