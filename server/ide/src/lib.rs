//! What an editor asks about a `skill.toml` besides what is wrong with it: a text, a place and what lies around it in,
//! plain answers out.
//!
//! Each feature is one file whose functions take a [`Source`] (the text, read once) and give data in byte spans. No files,
//! no protocol, no async: what is known of the folder comes in as [`Facts`]. Every function takes any text and any
//! offset, also ones inside a character or behind the end, and ends without a panic.

mod facts;
mod file_renames;
mod source;

#[cfg(test)]
mod fixture;

pub use facts::{Facts, InstalledFact, ModuleFact, TrustFact};
pub use file_renames::{FileMove, file_renames};
pub use source::{Meaning, Mention, Path, Place, Role, Source, Step};
