//! The subcommands, one file each.

pub mod audit;
pub mod cache;
pub mod capabilities;
pub mod check;
pub mod completions;
pub mod doctor;
pub mod explain;
pub mod fmt;
pub mod inspect;
pub mod keygen;
pub mod lsp;
pub mod new;
pub mod package;
pub mod run;
pub mod schema;
pub mod secret;
pub mod test;
pub mod trust;
pub mod verify;
