//! `skillyard schema`: the JSON Schemas of `skill.toml` and `skillyard.toml`, for tools that know no more than schemas.

use clap::Args;
use skillyard_manifest::{config_schema, json_schema};

use crate::{error::Error, exit::Exit, out};

#[derive(Args, Debug)]
#[command(after_help = "Example:
  skillyard schema > skill.schema.json
  skillyard schema --config > skillyard.schema.json
  skillyard schema --settings > settings.schema.json

An editor for TOML then reads it from the first line of a manifest: #:schema ./skill.schema.json")]
pub struct Arguments {
    /// That of skillyard.toml
    #[arg(long)]
    config: bool,
    /// That of the settings that the language server takes from an editor
    #[arg(long, conflicts_with = "config")]
    settings: bool,
}

/// Prints it.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let schema = match (arguments.config, arguments.settings) {
        (true, _) => config_schema(),
        (_, true) => skillyard_lsp::settings_schema(),
        _ => json_schema(),
    };
    out::print(&format!("{schema:#}\n"))?;
    Ok(Exit::Fine)
}
