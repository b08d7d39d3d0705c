//! `skillyard cache`: the compiled modules that make the second run of a tool fast.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, SCHEMA_VERSION},
    out,
    sheet::{Sheet, Tone, number, size},
};

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:
  skillyard cache info
  skillyard cache clear

A module that ran once is kept compiled, in a folder that only you can write to and never in a skill's; each entry is \
sealed with a secret of your own. What was not used for longest goes when it is full. Clearing it costs nothing but the \
time to compile again."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Show where it is and how full
    #[command(after_help = "Example:\n  skillyard cache info")]
    Info {
        /// How to report
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Remove all compiled modules
    #[command(after_help = "Example:\n  skillyard cache clear")]
    Clear {
        /// How to report
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
}

/// Does what the subcommand says.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let cache = machine::home(None)?.compiled().map_err(Error::Cache)?;
    let text = match arguments.command {
        Command::Info { format } => {
            let info = cache.info().map_err(Error::Cache)?;
            match format {
                Format::Human => {
                    let mut sheet = Sheet::new();
                    sheet.title("Compiled modules");
                    sheet.row("folder", &info.folder.to_string_lossy());
                    sheet.row("modules", &info.entries.to_string());
                    sheet.row("size", &format!("{} of {} at most", size(info.bytes), size(info.limit_bytes)));
                    sheet.finish()
                }
                Format::Json => {
                    json::line(&json!({
                        "schema_version": SCHEMA_VERSION,
                        "folder": info.folder.to_string_lossy(),
                        "entries": info.entries,
                        "bytes": info.bytes,
                        "limit_bytes": info.limit_bytes,
                    })) + "\n"
                }
            }
        }
        Command::Clear { format } => {
            let cleared = cache.clear().map_err(Error::Cache)?;
            match format {
                Format::Human => {
                    let mut sheet = Sheet::new();
                    let count = number(usize::try_from(cleared.entries).unwrap_or(usize::MAX), "compiled module");
                    sheet.verdict(Tone::Good, "CLEARED", &format!("{count}, {}", size(cleared.bytes)));
                    sheet.finish()
                }
                Format::Json => {
                    json::line(&json!({
                        "schema_version": SCHEMA_VERSION,
                        "cleared_entries": cleared.entries,
                        "cleared_bytes": cleared.bytes,
                    })) + "\n"
                }
            }
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}
