//! What is wrong with an artifact, or worth knowing about it.

use std::ops::Range;

use skillyard_manifest::{Severity, rules::Rule};

/// One finding of one rule of [`crate::rules`].
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// The rule: its code, documentation and what a daemon does.
    pub rule: &'static Rule,
    /// How loud it is. An error keeps Skillyard from accepting the artifact.
    pub severity: Severity,
    /// What is wrong and what to do. One line, with everything from the artifact in it escaped.
    pub message: String,
    /// The entry concerned, as its name stands in the archive, escaped.
    pub entry: Option<String>,
    /// The bytes concerned: of the entry's content for a finding inside a module or a document, of the archive for one
    /// about the container.
    pub byte_range: Option<Range<u64>>,
    /// The line of the manifest that would grant, narrow or explain it.
    pub manifest: Option<ManifestPlace>,
    /// Everything that it is about by name, escaped, where the message names the first few only.
    pub names: Vec<String>,
}

/// A place in the manifest and what to do there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManifestPlace {
    /// The key, as dotted TOML with indices: `capabilities.http_egress_allowlist`, `entrypoints.tools[0].id`. It need not be
    /// there yet: then the finding belongs to the nearest table around it.
    pub key: String,
    /// What to write there and what that does: ``add "api.acme.example" to allow it``.
    pub advice: String,
}

impl Finding {
    /// A finding at the rule's own severity, without a place.
    #[must_use]
    pub fn new(rule: &'static Rule, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            rule,
            severity: rule.severity,
            message,
            entry: None,
            byte_range: None,
            manifest: None,
            names: Vec::new(),
        }
    }

    /// The entry it is about; `name` is escaped here.
    #[must_use]
    pub fn in_entry(mut self, name: &str) -> Self {
        self.entry = Some(skillyard_manifest::plain(name));
        self
    }

    /// The bytes it is about.
    #[must_use]
    pub fn at(mut self, bytes: Range<u64>) -> Self {
        self.byte_range = Some(bytes);
        self
    }

    /// The line of the manifest that would grant, narrow or explain it.
    #[must_use]
    pub fn see(mut self, key: impl Into<String>, advice: impl Into<String>) -> Self {
        self.manifest = Some(ManifestPlace { key: key.into(), advice: advice.into() });
        self
    }
}
