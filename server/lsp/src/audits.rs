//! What the audit says about the modules beside an open manifest, shown at the lines of the manifest concerned.
//!
//! Findings are kept by the key of the manifest that they belong to, and find their place in whatever the text is by
//! then: they move with their lines while an author types.
//!
//! An audit reads the modules and nothing else; it runs when a manifest is opened, when it changes in what it means, and
//! when a module does. It never compiles or runs anything.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use skillyard_manifest::{Span, locate};
use skillyard_project::{Cancelled, Progress, live::Placed};
use tokio::task;
use tower_lsp::ls_types::{CodeDescription, Diagnostic, NumberOrString, Uri};

use crate::{
    convert::{Converter, SOURCE, severity},
    documents::Analysed,
    session::Session,
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
        let keys = self.found.iter().map(|found| found.key.as_deref().unwrap_or(WHOLE));
        let spans = locate::locate_many(&analysed.text, &keys.chain([WHOLE]).collect::<Vec<_>>());
        // A manifest without any of it has no place but its start.
        let whole = spans.last().copied().flatten().unwrap_or(Span::at(0));
        let shown = self.found.iter().zip(spans).filter_map(|(found, span)| {
            let level = analysed.options.level(&found.code);
            let shown = level.map_or(Some(found.severity), |level| level.severity())?;
            Some(Diagnostic {
                range: converter.range(span.unwrap_or(whole)),
                severity: Some(severity(shown)),
                code: Some(NumberOrString::String(found.code.to_owned())),
                code_description: found
                    .url
                    .as_ref()
                    .and_then(|url| url.parse().ok())
                    .map(|href| CodeDescription { href }),
                source: Some(SOURCE.to_owned()),
                message: found.message.clone(),
                ..Diagnostic::default()
            })
        });
        shown.collect()
    }
}

impl Session {
    /// Looks again at what lies beside a manifest, soon. Does nothing for other documents.
    pub(crate) fn audit(self: &Arc<Self>, uri: &Uri) {
        let skill = self.snapshot(uri).is_some_and(|snapshot| snapshot.revision.is_skill());
        if !skill || !self.auditors.start(uri) {
            return;
        }
        let session = Arc::clone(self);
        let uri = uri.clone();
        task::spawn(async move {
            loop {
                session.audit_once(&uri).await;
                if !session.auditors.again(&uri) {
                    return;
                }
            }
        });
    }

    /// [`Session::audit`], where something may have changed on the disk.
    pub(crate) fn audit_anew(self: &Arc<Self>, uri: &Uri) {
        if let Some(surroundings) = self.surroundings(uri) {
            surroundings.forget();
        }
        self.audit(uri);
    }

    /// [`Session::audit_anew`] for the open manifests that files lie beside or below.
    pub(crate) fn audit_beside(self: &Arc<Self>, files: impl Iterator<Item = PathBuf>) {
        let skills = self.skills();
        let concerned: HashSet<&Uri> = files
            .flat_map(|file| skills.iter().filter(move |(_, folder)| file.starts_with(folder)).map(|(uri, _)| uri))
            .collect();
        concerned.into_iter().for_each(|uri| self.audit_anew(uri));
    }

    async fn audit_once(self: &Arc<Self>, uri: &Uri) {
        self.auditors.looks(uri);
        let Some((snapshot, live)) = self.snapshot(uri).zip(self.live(uri)) else { return };
        let job = {
            let (session, snapshot) = (Arc::clone(self), snapshot.clone());
            move || {
                let folder = snapshot.revision.folder.as_deref()?;
                let analysed = snapshot.analysed();
                let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
                let progress = WhileOpen { session: &session, uri: &snapshot.revision.uri };
                let mut found =
                    live.look(folder, &analysed.text, analysed.options.palyra_version, &progress).ok()??;
                found.extend(session.installed_otherwise(&snapshot.revision.uri, &progress));
                Some(found)
            }
        };
        self.look_around(&snapshot).await;
        // What something newer has overtaken is dropped; that one has left a note to look again.
        if let Ok(Some(found)) = self.work(job).await
            && self.is_current(&snapshot)
        {
            self.show_audit(uri, found);
        }
    }

    /// Shows what an audit of the folder of a manifest found, in place of what one found before.
    pub(crate) fn show_audit(self: &Arc<Self>, uri: &Uri, found: Vec<Placed>) {
        if self.set_audited(uri, found) {
            self.refresh_document(uri);
        }
    }
}

/// An audit ends where nobody sees it any more.
pub(crate) struct WhileOpen<'a> {
    pub(crate) session: &'a Session,
    pub(crate) uri: &'a Uri,
}

impl Progress for WhileOpen<'_> {
    fn at(&self, _: &'static str, _: u64, _: u64) -> Result<(), Cancelled> {
        self.session.snapshot(self.uri).map(drop).ok_or(Cancelled)
    }
}

/// Where a finding about the skill as a whole stands.
const WHOLE: &str = "skill_id";
