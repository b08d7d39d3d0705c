//! `skillyard doctor`: what stands on this machine.

use clap::Args;
use serde::Serialize;
use skillyard_project::doctor::{Health, Sign, examine};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, SCHEMA_VERSION, SkillsArguments},
    out,
    sheet::{Sheet, Tone},
};

#[derive(Args, Debug)]
#[command(after_help = "Example:
  skillyard doctor

It looks. What a crash left half done in your own stores is finished or undone, as by every command that
reads them, and said; nothing else is changed.

Exit codes: 0 nothing is broken; 1 something is; 2 the command could not do its work.")]
pub struct Arguments {
    #[command(flatten)]
    skills: SkillsArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Serialize)]
struct Document<'s> {
    schema_version: u32,
    signs: &'s [Sign],
}

/// Looks, reports, and says whether anything is broken.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let signs = examine(&arguments.skills.home(None)?, machine::now_i64(), &machine::variable);
    let text = match arguments.format {
        Format::Human => human(&signs),
        Format::Json => json::line(&Document { schema_version: SCHEMA_VERSION, signs: &signs }) + "\n",
    };
    out::print(&text)?;
    let broken = signs.iter().any(|sign| sign.health == Health::Broken);
    Ok(if broken { Exit::Findings } else { Exit::Fine })
}

fn human(signs: &[Sign]) -> String {
    let mut sheet = Sheet::new();
    let worst = signs.iter().map(|sign| sign.health).max();
    match worst {
        Some(Health::Broken) => sheet.verdict(Tone::Bad, "BROKEN", "something will fail; see below"),
        Some(Health::Weak) => sheet.verdict(Tone::Wary, "WEAK", "everything works, with less protection or speed"),
        _ => sheet.verdict(Tone::Good, "WELL", ""),
    }
    let mut area = "";
    for sign in signs {
        if sign.area != area {
            area = sign.area;
            sheet.heading(&format!("{}{}", area[..1].to_uppercase(), &area[1..]));
        }
        let (tone, mark) = match sign.health {
            Health::Good => (Tone::Good, "✓"),
            Health::Absent => (Tone::Plain, "-"),
            Health::Weak => (Tone::Wary, "!"),
            Health::Broken => (Tone::Bad, "✗"),
        };
        let advice = sign.advice.as_ref().map(|advice| format!(" ({advice})")).unwrap_or_default();
        sheet.item(tone, mark, &format!("{}: {}{advice}", sign.name, sign.detail));
    }
    sheet.finish()
}
