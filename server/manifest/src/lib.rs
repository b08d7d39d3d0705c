//! The analysis of a Palyra skill's manifest, `skill.toml`: text in, diagnostics and fixes out.
//!
//! No files, no threads that outlive a call, no editor types. [`analyze`] reads a text once and says everything that is
//! to be said about it; what an editor shows and what the command line prints both come from its result.

pub mod config;
mod daemon;
mod deep;
mod diagnostic;
pub mod document;
pub mod edits;
pub mod elsewhere;
mod fields;
pub mod fix;
pub mod grammar;
mod grants;
mod json_schema;
pub mod locate;
pub mod model;
mod options;
pub mod outline;
pub mod rules;
pub mod shape;
pub mod show;
mod spelling;
pub mod suggest;
pub mod syntax;
mod text;
mod typed;
pub mod view;
pub mod workspace;

use document::Document;
use model::{Glance, Manifest, Schema};
use workspace::Names;

pub use config::{analyze_config, read_config};
pub use daemon::{ErrorKind, Warning, check_compat, validate, warnings};
pub use diagnostic::{Daemon, Diagnostic, Fix, Related, Severity, Tag, TextEdit};
pub use grants::{Grants, MAX_SECRET_NAMES, PolicyBinding, grants, policy_bindings, secrets_fit};
pub use json_schema::{config_schema, json_schema};
pub use options::{Level, Options};
pub use show::{is_unseen, plain, quoted};
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

impl Verdict {
    fn refused(kind: ErrorKind) -> Self {
        Self { accepts: false, error_kind: Some(kind), compat_error_kind: None, warnings: Vec::new() }
    }
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
    /// The ids that the manifest gives, whatever else is wrong with it.
    pub names: Names,
}

impl Analysis {
    /// The number of findings that are errors.
    #[must_use]
    pub fn error_count(&self) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == Severity::Error).count()
    }
}

/// The largest text that is analysed, in bytes. A larger one gets one finding.
pub const MAX_BYTES: usize = 4 << 20;

/// Analyses the text of a `skill.toml`.
///
/// Takes any text, ends in time linear in its size, and needs no more than 512 KiB of stack.
#[must_use]
pub fn analyze(text: &str, options: &Options) -> Analysis {
    if text.len() > MAX_BYTES {
        return too_large(text.len(), options);
    }
    let document = Document::parse(text);
    // The manifest lives and dies there: dropping it recurses as deep as reading it.
    let judgement = deep::run(document.depth, || judge(text, &document, options));
    let mut diagnostics = rules::run(text, &document, options);
    if let Some(refusal) = judgement.refusal
        && !diagnostics.iter().any(|d| d.rule.daemon == Daemon::Rejects && !rules::is_compat(d.rule))
    {
        diagnostics.push(refusal);
    }
    rules::suppress(text, &document, &mut diagnostics);
    configure(&mut diagnostics, options);
    let Judgement { daemon, grants, policy_bindings, .. } = judgement;
    Analysis { diagnostics, daemon, grants, policy_bindings, names: Names::of(&document) }
}

/// Analyses the bytes of a file. Bytes that are no UTF-8 are one finding each run, and do not hide the rest; spans count
/// the file's own bytes.
#[must_use]
pub fn analyze_bytes(bytes: &[u8], options: &Options) -> Analysis {
    match std::str::from_utf8(bytes) {
        Ok(text) => analyze(text, options),
        Err(_) if bytes.len() > MAX_BYTES => too_large(bytes.len(), options),
        Err(_) => analyze_not_utf8(bytes, options),
    }
}

/// A daemon refuses such a file; the rest of it is analysed with a stand-in of the same length for each bad byte.
fn analyze_not_utf8(bytes: &[u8], options: &Options) -> Analysis {
    const SHOWN: usize = 20;
    let text = readable(bytes);
    let mut analysis = analyze(&text, options);
    let mut findings = Vec::new();
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        at += chunk.valid().len();
        let bad = chunk.invalid().len();
        if bad > 0 && findings.len() < SHOWN {
            let span = Span::new(at, at + bad);
            let message = "these bytes are not UTF-8: save the file in that encoding".to_owned();
            findings.push(rules::finding(&rules::NOT_UTF8, span, message));
        }
        at += bad;
    }
    configure(&mut findings, options);
    analysis.diagnostics.retain(|d| !findings.iter().any(|bad| bad.span.intersects(d.span)));
    analysis.diagnostics.extend(findings);
    analysis.diagnostics.sort_by_key(|d| d.span);
    analysis.daemon = Verdict::refused(ErrorKind::ManifestParse);
    analysis.grants = None;
    analysis.policy_bindings = None;
    analysis
}

/// The bytes as text of the same length, each byte that is no UTF-8 shown as `?`: what spans of [`analyze_bytes`] are
/// counted and shown in.
#[must_use]
pub fn readable(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    text.into()
}

fn too_large(len: usize, options: &Options) -> Analysis {
    let message = format!("the file has {len} bytes, and no manifest above {MAX_BYTES} is read");
    let mut diagnostics = vec![rules::finding(&rules::TOO_LARGE, Span::at(0), message)];
    configure(&mut diagnostics, options);
    let daemon = Verdict::refused(ErrorKind::ManifestParse);
    Analysis { diagnostics, daemon, grants: None, policy_bindings: None, names: Names::default() }
}

/// What a daemon alone says of a text, with what follows from its verdict.
struct Judgement {
    daemon: Verdict,
    grants: Option<Grants>,
    policy_bindings: Option<Vec<PolicyBinding>>,
    /// Its own words where it refuses.
    refusal: Option<Diagnostic>,
}

/// A text that reads well is not read again: its document says the same. Every refusal to read is the `toml` crate's.
fn judge(text: &str, document: &Document<'_>, options: &Options) -> Judgement {
    if let Some(manifest) = typed::read::<Manifest<Glance>>(document) {
        // Every test that analyses anything holds the two readings equal.
        debug_assert_eq!(toml::from_str(text).as_ref(), Ok(&manifest), "{text:?}");
        debug_assert!(toml::from_str::<Manifest>(text).is_ok(), "{text:?}");
        return decide(&manifest, options);
    }
    match toml::from_str::<Manifest>(text) {
        Ok(manifest) => decide(&manifest, options),
        Err(error) => {
            let span = error.span().map_or(Span::at(0), |at| Span::new(at.start.min(at.end), at.end));
            refused(ErrorKind::ManifestParse, span, plain(error.message()))
        }
    }
}

fn decide<S: Schema>(manifest: &Manifest<S>, options: &Options) -> Judgement {
    if let Err(kind) = validate(manifest) {
        return refused(kind, Span::at(0), format!("a daemon refuses this manifest: {kind}"));
    }
    Judgement {
        daemon: Verdict {
            accepts: true,
            error_kind: None,
            compat_error_kind: check_compat(manifest, options.palyra_version).err(),
            warnings: warnings(manifest),
        },
        grants: secrets_fit(manifest).then(|| grants(manifest)),
        policy_bindings: Some(policy_bindings(manifest)),
        refusal: None,
    }
}

fn refused(kind: ErrorKind, span: Span, message: String) -> Judgement {
    Judgement {
        daemon: Verdict::refused(kind),
        grants: None,
        policy_bindings: None,
        refusal: Some(rules::finding(&rules::REFUSED, span, message)),
    }
}

/// Gives each finding the severity that the options ask for, takes out what they switch off, and puts the rest in order.
fn configure(diagnostics: &mut Vec<Diagnostic>, options: &Options) {
    diagnostics.retain_mut(|diagnostic| {
        let Some(level) = options.level(diagnostic.rule.code) else { return true };
        if diagnostic.rule.least().is_some() {
            return true;
        }
        match level.severity() {
            Some(severity) => {
                diagnostic.severity = severity;
                true
            }
            None => false,
        }
    });
    diagnostics.sort_by(|a, b| (a.span, a.rule.code).cmp(&(b.span, b.rule.code)));
}
