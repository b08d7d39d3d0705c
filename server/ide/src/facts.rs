//! What is known around a manifest: gathered by who has the folder, the stores and the last runs.

/// What is known around a manifest. Everything may be missing: an answer then says less.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The modules that packaging would take, in the order of their paths.
    pub modules: Vec<ModuleFact>,
    /// The paths of the assets that packaging would take (`assets/icon.svg`), sorted.
    pub assets: Vec<String>,
    /// Every other file below the manifest's folder that a path in it may name, sorted; relative, with `/`.
    pub files: Vec<String>,
    /// What the trust store says of the publisher; `None` where it was not asked.
    pub trust: Option<TrustFact>,
    /// What is installed of this skill, or why that cannot be told; `None` where it was not looked up.
    pub installed: Option<Result<Vec<InstalledFact>, String>>,
    /// Hosts that the tools' last runs called, sorted.
    pub hosts_called: Vec<String>,
    /// Hosts that the data of the modules names, whole and in the form that grants have, sorted. Some of them nobody calls: a
    /// library's data names whom it came from.
    pub hosts_named: Vec<String>,
    /// Secrets, as scope and key, that the tools' last runs read, sorted.
    pub secrets_read: Vec<(String, String)>,
}

/// A module beside the manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleFact {
    /// Where packaging puts it: `modules/module.wasm`.
    pub path: String,
    /// The kind of tool in it, in words: `palyra plug-in`, `WASI 0.2 command`; `None` where it is none.
    pub kind: Option<String>,
    /// Its exported functions, in their order.
    pub exports: Vec<String>,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What a trust store says of a publisher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrustFact {
    /// The store does not know it.
    Unknown,
    /// It knows the publisher.
    Known {
        /// The keys, by their ids, that a person listed and that count.
        listed: Vec<String>,
        /// The key, by its id, that was pinned at first use, where none is listed and it counts.
        pinned: Option<String>,
        /// Whether another key may be pinned at first use, since the store itself does not name the publisher any more.
        first_use: bool,
        /// Why others do not count, or not for anything new: a sentence for each.
        ended: Vec<String>,
    },
    /// The store cannot be read; why.
    Unreadable(String),
}

/// A version of this skill that is installed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstalledFact {
    /// The version.
    pub version: String,
    /// Whether it is the current one.
    pub current: bool,
    /// `active`, `quarantined` or `disabled`.
    pub state: String,
    /// Why it is in that state, where somebody said.
    pub reason: Option<String>,
    /// Why it does not run whatever its state, by its key or the skill's floor.
    pub ended: Option<String>,
}
