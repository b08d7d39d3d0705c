//! What an editor asks about a `skill.toml` besides what is wrong with it: a text, a place and what lies around it in,
//! plain answers out.
//!
//! Each feature is one file whose functions take a [`Source`] (the text, read once) and give data in byte spans. No files,
//! no protocol, no async: what is known of the folder comes in as [`Facts`]. Every function takes any text and any
//! offset, also ones inside a character or behind the end, and ends without a panic.

pub mod after_run;
mod asked;
mod completion;
mod definition;
mod doc;
mod facts;
mod file_renames;
mod folding;
mod highlights;
mod hover;
mod inlay;
pub mod keywords;
mod lenses;
mod linked;
mod links;
pub mod markdown;
mod names;
mod organize;
mod prose;
pub mod refactor;
mod references;
mod rename;
mod sections;
mod selection;
mod source;
mod symbols;
mod tokens;
pub mod units;

#[cfg(test)]
mod fixture;

pub use completion::{Completion, CompletionKind, MAX_COMPLETIONS, TRIGGERS, complete, document};
pub use definition::{Definition, Target, definition};
pub use doc::{key_doc, key_intro, keyword_doc, rule_doc, table_doc, type_doc, value_doc};
pub use facts::{Facts, InstalledFact, ModuleFact, TrustFact};
pub use file_renames::{FileMove, file_renames};
pub use folding::{Fold, FoldKind, folding};
pub use highlights::{Highlight, highlights};
pub use hover::{Hover, hover};
pub use inlay::{InlayHint, InlayKind, InlayKinds, inlay_hints};
pub use lenses::{install_note, run_note};
pub use linked::{Linked, linked};
pub use links::{Link, LinkTarget, links};
pub use names::{Name, Named, occurrences};
pub use organize::organize;
pub use prose::Doc;
pub use references::references;
pub use rename::{Prepared, RenameError, prepare_rename, rename};
pub use selection::selection;
pub use source::{Meaning, Mention, Path, Place, Role, Source, Step};
pub use symbols::{Symbol, SymbolKind, WorkspaceSymbol, document_symbols, workspace_symbols};
pub use tokens::{LEGEND, Legend, Modifiers, Token, TokenKind, semantic_tokens};
