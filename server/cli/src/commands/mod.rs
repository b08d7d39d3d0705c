//! The subcommands, one file each.

pub mod check;
pub mod completions;
pub mod explain;
pub mod fmt;
pub mod lsp;
pub mod schema;
