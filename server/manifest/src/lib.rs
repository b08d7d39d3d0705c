//! The analysis of a Palyra skill's manifest, `skill.toml`: text in, diagnostics and fixes out.
//!
//! No files, no threads that outlive a call, no editor types. [`analyze`] reads a text once and says everything that is
//! to be said about it; what an editor shows and what the command line prints both come from its result.

mod daemon;
mod diagnostic;
pub mod fix;
pub mod grammar;
mod grants;
pub mod model;
mod options;
pub mod rules;
mod text;

pub use daemon::{ErrorKind, Warning, check_compat, validate, warnings};
pub use diagnostic::{Daemon, Diagnostic, Fix, Related, Severity, Tag, TextEdit};
pub use grants::{Grants, PolicyBinding, grants, policy_bindings};
pub use options::{Level, Options};
pub use text::{Encoding, LineIndex, Position, Span};

/// What a daemon alone says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether parsing and validation accept the manifest.
    pub accepts: bool,
    /// Why not.
    pub error_kind: Option<ErrorKind>,
    /// What the version check at packaging and install says; `None` where it passes or was never reached.
    pub compat_error_kind: Option<ErrorKind>,
    /// The warnings of its report; empty for a refused manifest.
    pub warnings: Vec<Warning>,
}

/// Everything there is to say about one text.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Findings in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// What a daemon alone says.
    pub daemon: Verdict,
    /// What the manifest is granted; `None` where a daemon refuses it.
    pub grants: Option<Grants>,
    /// What policy decides about; `None` where a daemon refuses it.
    pub policy_bindings: Option<Vec<PolicyBinding>>,
}

impl Analysis {
    /// The number of findings that are errors.
    #[must_use]
    pub fn error_count(&self) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == Severity::Error).count()
    }
}

/// Analyses the text of a `skill.toml`.
#[must_use]
pub fn analyze(text: &str, options: &Options) -> Analysis {
    let refused = |kind| Analysis {
        diagnostics: Vec::new(),
        daemon: Verdict { accepts: false, error_kind: Some(kind), compat_error_kind: None, warnings: Vec::new() },
        grants: None,
        policy_bindings: None,
    };
    let manifest = match daemon::parse(text) {
        Ok(manifest) => manifest,
        Err(_) => return refused(ErrorKind::ManifestParse),
    };
    if let Err(kind) = validate(&manifest) {
        return refused(kind);
    }
    Analysis {
        diagnostics: Vec::new(),
        daemon: Verdict {
            accepts: true,
            error_kind: None,
            compat_error_kind: check_compat(&manifest, options.palyra_version).err(),
            warnings: warnings(&manifest),
        },
        grants: Some(grants(&manifest)),
        policy_bindings: Some(policy_bindings(&manifest)),
    }
}

/// Analyses the bytes of a file. Bytes that are no UTF-8 are one finding each run, and do not hide the rest; spans count
/// the file's own bytes.
#[must_use]
pub fn analyze_bytes(bytes: &[u8], options: &Options) -> Analysis {
    match std::str::from_utf8(bytes) {
        Ok(text) => analyze(text, options),
        Err(_) => analyze("", options),
    }
}
