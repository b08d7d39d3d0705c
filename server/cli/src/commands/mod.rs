//! The subcommands, one file each.

pub mod audit;
pub mod capabilities;
pub mod check;
pub mod completions;
pub mod explain;
pub mod fmt;
pub mod inspect;
pub mod keygen;
pub mod lsp;
pub mod package;
pub mod schema;
pub mod trust;
pub mod verify;
pub mod worker;
