//! A WebAssembly module or component, read but never compiled: what it is, asks for and holds.
//!
//! [`scan`] makes one pass over the bytes with `wasmparser`, which validates on the way. What it returns are facts; which
//! of them matter beside a manifest is [`crate::audit`]'s question. Every list of facts is bounded, so that a hostile
//! module costs a small multiple of its own size.

mod bodies;
mod dependencies;
mod scan;
mod strings;

use std::ops::Range;

pub use bodies::Code;
pub use dependencies::{Dependencies, Dependency, MAX_DEPENDENCY_BYTES, MAX_EDGES, MAX_PACKAGES};
pub use scan::scan;
use serde::{Deserialize, Serialize};
pub use strings::{HostName, Secret, Strings};

/// The largest text-format module that is read, in bytes. A text costs up to 60 times its size while it is assembled.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// How many imports, and how many exports, are kept of one module.
pub const MAX_NAMES: usize = 100_000;

/// What was found in one module.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Module {
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it is written in the text format. Byte ranges are then those of the binary that the text comes to.
    pub text: bool,
    /// Whether it is a component rather than a core module.
    pub component: bool,
    /// Why it is not valid. The facts below are then those in front of the fault.
    pub fault: Option<Fault>,
    /// What it imports: of a component the interfaces. At most [`MAX_NAMES`].
    pub imports: Vec<Import>,
    /// How many imports there are in all.
    pub import_count: u64,
    /// What it exports: of a component the interfaces. At most [`MAX_NAMES`].
    pub exports: Vec<Export>,
    /// How many exports there are in all.
    pub export_count: u64,
    /// How many of the exports are functions.
    pub function_exports: u64,
    /// The memories that it defines, those of nested modules too. At most [`MAX_NAMES`].
    pub memories: Vec<Memory>,
    /// The tables that it defines.
    pub tables: Tables,
    /// Where a core module names a function to be run when it is instantiated.
    pub start: Option<Range<u64>>,
    /// The functions that it defines.
    pub code: Code,
    /// Its data segments.
    pub data: Data,
    /// Its custom sections: all of 64 KiB and more, the first thousand of the rest.
    pub customs: Vec<Custom>,
    /// What it says it was made with.
    pub producers: Vec<Producer>,
    /// The packages that it says it was built from.
    pub dependencies: Dependencies,
    /// What its data says.
    pub strings: Strings,
}

/// Why a module is not valid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where, in bytes from the start of the file; `None` for a text or where there is no one place.
    pub at: Option<u64>,
    /// What is wrong, in the words of the parser. Not yet escaped.
    pub message: String,
    /// Whether the module is sound but uses a part of WebAssembly that a daemon leaves off.
    pub feature: bool,
}

/// One import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// The module named: `wasi_snapshot_preview1`. Of a component the interface with its version:
    /// `wasi:http/outgoing-handler@0.2.0`.
    pub module: String,
    /// The name in it; empty for an interface of a component.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The type of a function: `(i32) -> i32`.
    pub signature: Option<String>,
    /// Where it stands.
    pub range: Range<u64>,
}

/// One export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// Its name. Of a component the interface with its version.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The type of a core module's function: `(i32) -> i32`.
    pub signature: Option<String>,
    /// Where it stands.
    pub range: Range<u64>,
}

/// What is imported or exported.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the words of WebAssembly")]
pub enum Kind {
    Function,
    Table,
    Memory,
    Global,
    Tag,
    Module,
    Component,
    Instance,
    Type,
    Value,
}

/// A memory. Sizes in bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Memory {
    /// What it starts with.
    pub initial: u64,
    /// What it may grow to, where it says so.
    pub maximum: Option<u64>,
    /// Whether its addresses have 64 bits.
    pub memory64: bool,
    /// Where it stands.
    pub range: Range<u64>,
}

/// The tables of a module together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tables {
    /// How many there are.
    pub count: u64,
    /// How many elements they start with, together.
    pub elements: u64,
    /// The largest: its elements at the start, and where it stands.
    pub largest: Option<(u64, Range<u64>)>,
}

/// The data segments of a module together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Data {
    /// How many there are.
    pub segments: u64,
    /// What they hold together, in bytes.
    pub bytes: u64,
    /// The largest.
    pub largest: Option<Range<u64>>,
}

/// A custom section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Custom {
    /// Its name.
    pub name: String,
    /// Its content.
    pub range: Range<u64>,
}

/// One line of the `producers` section.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub field: String,
    /// The tool.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// How a module is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleKind {
    /// A core module with the entry export: the one kind that a daemon 0.1.0 runs.
    PalyraPlugin,
    /// A core module with `_start` and imports of WASI preview 1.
    #[serde(rename = "wasi-preview1-command")]
    WasiPreview1Command,
    /// A component that exports `wasi:cli/run`.
    #[serde(rename = "wasi-0.2-command")]
    WasiCommandComponent,
    /// A component that exports `palyra:skill/tool`.
    PalyraToolComponent,
    /// None of them.
    Other,
}

impl ModuleKind {
    /// Whether it is a component, and no core module.
    #[must_use]
    pub fn is_component(self) -> bool {
        matches!(self, Self::WasiCommandComponent | Self::PalyraToolComponent)
    }

    /// The name in every report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PalyraPlugin => "palyra-plugin",
            Self::WasiPreview1Command => "wasi-preview1-command",
            Self::WasiCommandComponent => "wasi-0.2-command",
            Self::PalyraToolComponent => "palyra-tool-component",
            Self::Other => "other",
        }
    }

    /// What a person calls it; `None` where no tool of that kind can be called.
    #[must_use]
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::PalyraPlugin => Some("palyra plug-in"),
            Self::WasiPreview1Command => Some("WASI preview 1 command"),
            Self::WasiCommandComponent => Some("WASI 0.2 command"),
            Self::PalyraToolComponent => Some("palyra tool component"),
            Self::Other => None,
        }
    }
}

/// The imports of WASI preview 1.
pub const PREVIEW1: &str = "wasi_snapshot_preview1";
/// The functions that a daemon 0.1.0 gives to a plugin.
pub const HOST_CAPABILITIES: &str = "palyra:plugins/host-capabilities@0.1.0";
/// The type of an entry export.
pub const ENTRY_SIGNATURE: &str = "() -> i32";

impl Module {
    /// How it is called, where `entrypoint` is the export that a manifest names (`run`, unless it says otherwise).
    #[must_use]
    pub fn kind(&self, entrypoint: &str) -> ModuleKind {
        let exports = |wanted: fn(&str) -> bool| self.exports.iter().any(|export| wanted(&export.name));
        if self.component {
            return if exports(|name| unversioned(name) == "palyra:skill/tool") {
                ModuleKind::PalyraToolComponent
            } else if exports(|name| unversioned(name) == "wasi:cli/run") {
                ModuleKind::WasiCommandComponent
            } else {
                ModuleKind::Other
            };
        }
        let entry = self.entry(entrypoint);
        let preview1 = self.imports.iter().any(|import| import.module == PREVIEW1);
        let command = preview1 && self.export("_start").is_some_and(|export| export.kind == Kind::Function);
        // A command may well export a `run` of its own; a plugin imports nothing of WASI.
        match (entry.is_some(), command) {
            (_, true) => ModuleKind::WasiPreview1Command,
            (true, false) => ModuleKind::PalyraPlugin,
            (false, false) => ModuleKind::Other,
        }
    }

    /// The entry export `name`, if it is a function that a daemon can call.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Export> {
        self.export(name).filter(|export| export.signature.as_deref() == Some(ENTRY_SIGNATURE))
    }

    /// The export `name`.
    #[must_use]
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.iter().find(|export| export.name == name)
    }
}

/// An interface without its version: `wasi:cli/run` for `wasi:cli/run@0.2.3`.
#[must_use]
pub fn unversioned(interface: &str) -> &str {
    interface.split_once('@').map_or(interface, |(name, _)| name)
}
