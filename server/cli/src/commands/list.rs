//! `skillyard list`: what is installed.

use clap::Args;
use serde::Serialize;
use skillyard_project::{
    installed::{Listed, Listing, State, Status, list},
    shown, states,
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{Format, SCHEMA_VERSION, SkillsArguments},
    out,
    sheet::{Sheet, Tone},
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard list
  skillyard list --format json

Exit codes: 0 fine; 1 what is installed was changed by something else; 2 the command could not do its work.")]
pub struct Arguments {
    #[command(flatten)]
    skills: SkillsArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Serialize)]
struct Document<'l> {
    schema_version: u32,
    root: String,
    versions: &'l [Listed],
    blocked: &'l [State],
}

/// Lists.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let listing = list(&arguments.skills.home(None)?)?;
    let text = match arguments.format {
        Format::Human => human(&listing),
        Format::Json => {
            json::line(&Document {
                schema_version: SCHEMA_VERSION,
                root: listing.root.to_string_lossy().into_owned(),
                versions: &listing.versions,
                blocked: &listing.blocked,
            }) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

fn human(listing: &Listing) -> String {
    let mut sheet = Sheet::new();
    sheet.title(&format!("Installed in {}", shown::path(&listing.root)));
    if listing.versions.is_empty() {
        sheet.line("Nothing is installed yet. `skillyard install ARTIFACT` does that.");
    }
    for listed in &listing.versions {
        let entry = &listed.entry;
        let runs = listed.status == Status::Active && listed.ended.is_none();
        let (tone, mark) = match (runs, entry.current) {
            (true, true) => (Tone::Good, "*"),
            (true, false) => (Tone::Plain, " "),
            (false, _) => (Tone::Bad, "✗"),
        };
        let mut text = format!("{} {} by {}", entry.skill_id, entry.version, entry.publisher);
        if !runs && entry.current {
            text.push_str(", the current version");
        }
        if listed.status != Status::Active {
            text.push_str(&format!(", {}", listed.status.name()));
            text.extend(listed.reason.iter().map(|reason| format!(": {reason}")));
        }
        text.extend(listed.ended.iter().map(|why| format!(", does not run: {why}")));
        if !entry.missing_secrets.is_empty() {
            text.push_str(&format!(
                " ({} wanted when it was installed)",
                crate::sheet::number(entry.missing_secrets.len(), "secret")
            ));
        }
        sheet.item(tone, mark, &text);
    }
    if !listing.blocked.is_empty() {
        sheet.heading("Not installed, and not to be");
        for state in &listing.blocked {
            sheet.item(Tone::Bad, "✗", &format!("{} {}: {}", state.skill_id, state.version, states::words(state)));
        }
    }
    sheet.finish()
}
