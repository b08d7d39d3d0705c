//! What the audit says about the modules beside an open manifest, shown at the lines of the manifest concerned.
//!
//! Findings are kept by the key of the manifest that they belong to, and find their place in whatever the text is by
//! then: they move with their lines while an author types.
//!
//! An audit is made when a manifest is opened, when it changes in what it means, and when a module does. What is in the
//! modules is known from the last look around ([`crate::around`]); nothing is compiled or run.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use skillyard_manifest::{Severity, Span, elsewhere::Elsewhere, locate};
use skillyard_project::live::Placed;
use tower_lsp::ls_types::{CodeDescription, Diagnostic, NumberOrString, Uri};

use crate::{
    convert::{Converter, SOURCE, severity},
    revision::Analysed,
    session::{Session, Snapshot},
};

/// What an audit found.
pub(crate) struct Audited {
    /// Differs from that of every other audit.
    pub(crate) number: u64,
    found: Vec<Placed>,
}

impl Audited {
    /// Findings, where there are any.
    pub(crate) fn new(found: Vec<Placed>) -> Option<Arc<Self>> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        (!found.is_empty()).then(|| Arc::new(Self { number, found }))
    }

    /// Whether it found these.
    pub(crate) fn is(&self, found: &[Placed]) -> bool {
        self.found == found
    }

    /// The findings at their places in `analysed`, which need not be the text that was audited.
    pub(crate) fn diagnostics(&self, analysed: &Analysed, converter: Converter<'_>) -> Vec<Diagnostic> {
        let shown = self.shown(analysed).into_iter().map(|(found, place, shown)| Diagnostic {
            range: converter.range(place),
            severity: Some(severity(shown)),
            code: Some(NumberOrString::String(found.code.to_owned())),
            code_description: found.url.as_ref().and_then(|url| url.parse().ok()).map(|href| CodeDescription { href }),
            source: Some(SOURCE.to_owned()),
            message: found.message.clone(),
            ..Diagnostic::default()
        });
        shown.collect()
    }

    /// How many of the findings are errors or warnings in `analysed`.
    pub(crate) fn loud(&self, analysed: &Analysed) -> usize {
        let loud = |severity| matches!(severity, Severity::Error | Severity::Warning);
        self.shown(analysed).into_iter().filter(|&(_, _, shown)| loud(shown)).count()
    }

    /// The findings that are shown, with their places and how loud they are there.
    fn shown(&self, analysed: &Analysed) -> Vec<(&Placed, Span, Severity)> {
        let places = locate::places(&analysed.text, self.found.iter().map(|found| found.key.as_deref()));
        let elsewhere = Elsewhere::new(&analysed.text, &analysed.options);
        let shown =
            self.found.iter().zip(places).filter_map(|(found, place)| {
                Some((found, place, elsewhere.severity(&found.code, found.severity, place)?))
            });
        shown.collect()
    }
}

impl Session {
    /// [`Session::follow`], where something may have changed on the disk.
    pub(crate) fn follow_anew(self: &Arc<Self>, uri: &Uri) {
        if let Some(snapshot) = self.snapshot(uri) {
            snapshot.beside.forget();
        }
        self.follow(uri);
    }

    /// [`Session::follow_anew`] for every open manifest.
    pub(crate) fn follow_all_anew(self: &Arc<Self>) {
        for manifest in self.manifests().into_iter().filter(|manifest| manifest.is_skill()) {
            self.follow_anew(&manifest.uri);
        }
    }

    /// [`Session::follow_anew`] for the open manifests that files lie beside or below.
    pub(crate) fn follow_beside(self: &Arc<Self>, files: &[PathBuf]) {
        let beside = |folder: &Path| files.iter().any(|file| file.starts_with(folder));
        for manifest in self.manifests() {
            if manifest.is_skill() && manifest.folder.as_deref().is_some_and(beside) {
                self.follow_anew(&manifest.uri);
            }
        }
    }

    /// What the audit of the modules around the manifest of `snapshot` finds; `None` where it cannot be known. For a thread
    /// of its own.
    pub(crate) fn audited(&self, snapshot: &Snapshot) -> Option<Vec<Placed>> {
        let surrounding = self.look_around(snapshot)?;
        let analysed = snapshot.analysed();
        let mut live = snapshot.beside.live.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = live.audit(&surrounding.around, &analysed.text, analysed.options.palyra_version)?;
        found.extend(surrounding.installed_otherwise(&analysed.text));
        Some(found)
    }

    /// Shows what an audit of the folder of a manifest found, in place of what one found before.
    pub(crate) fn show_audit(self: &Arc<Self>, uri: &Uri, found: Vec<Placed>) {
        if self.set_audited(uri, found) {
            self.refresh_document(uri);
        }
    }
}
