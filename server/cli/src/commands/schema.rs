//! `skillyard schema`: the JSON Schema of `skill.toml`, for tools that know no more than schemas.

use clap::Args;

use crate::{error::Error, exit::Exit, out};

/// Print the JSON Schema of skill.toml
#[derive(Args, Debug)]
#[command(after_help = "Example:
  skillyard schema > skill.schema.json

An editor for TOML then reads it from the first line of a manifest: #:schema ./skill.schema.json")]
pub struct Arguments {}

/// Prints it.
pub fn run(_arguments: &Arguments) -> Result<Exit, Error> {
    let schema = skillyard_manifest::json_schema();
    out::print(&format!("{schema:#}\n"))?;
    Ok(Exit::Fine)
}
