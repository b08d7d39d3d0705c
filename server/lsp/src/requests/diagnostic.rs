//! `textDocument/diagnostic`: the diagnostics of a document, for clients that ask.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::OnceLock,
    time::SystemTime,
};

use serde::Serialize;
use tower_lsp::{
    jsonrpc::Result,
    ls_types::{
        Diagnostic, DocumentDiagnosticParams, DocumentDiagnosticReport, DocumentDiagnosticReportResult,
        FullDocumentDiagnosticReport, RelatedFullDocumentDiagnosticReport, RelatedUnchangedDocumentDiagnosticReport,
        UnchangedDocumentDiagnosticReport, Uri,
    },
};

use super::DocumentRequest;
use crate::{documents::Kind, publisher, session::Snapshot};

/// `textDocument/diagnostic`.
pub(crate) struct DocumentDiagnostics;

impl DocumentRequest for DocumentDiagnostics {
    type Params = DocumentDiagnosticParams;
    type Answer = Report;

    const ABOUT: &[Kind] = &[Kind::Manifest, Kind::Config];

    fn document(params: &Self::Params) -> &Uri {
        &params.text_document.uri
    }

    fn answer(snapshot: &Snapshot, params: Self::Params) -> Result<Self::Answer> {
        let analysed = snapshot.analysed();
        let audit = snapshot.audited.as_ref().map_or(0, |audited| audited.number);
        let ran = snapshot.ran.as_ref().map_or(0, |ran| ran.number);
        let neighbours = publisher::about_neighbours(snapshot, &analysed);
        let id = result_id(analysed.number, [audit, ran, digest(&neighbours)]);
        if params.previous_result_id.as_ref() == Some(&id) {
            let unchanged = UnchangedDocumentDiagnosticReport { result_id: id };
            let report = RelatedUnchangedDocumentDiagnosticReport {
                related_documents: None,
                unchanged_document_diagnostic_report: unchanged,
            };
            return Ok(Report(DocumentDiagnosticReport::from(report).into()));
        }
        let items = publisher::with_neighbours(snapshot, &analysed, neighbours);
        Ok(Report::full(FullDocumentDiagnosticReport { result_id: Some(id), items }))
    }
}

/// What the client gets. By default no diagnostics: the protocol has no answer without any.
#[derive(Serialize)]
pub(crate) struct Report(pub(crate) DocumentDiagnosticReportResult);

impl Default for Report {
    fn default() -> Self {
        Self::full(FullDocumentDiagnosticReport::default())
    }
}

impl Report {
    fn full(report: FullDocumentDiagnosticReport) -> Self {
        let report =
            RelatedFullDocumentDiagnosticReport { related_documents: None, full_document_diagnostic_report: report };
        Self(DocumentDiagnosticReport::from(report).into())
    }
}

/// What is told about other skills, as a number. They change all the time, mostly without a word for this one.
fn digest(neighbours: &[Diagnostic]) -> u64 {
    if neighbours.is_empty() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    // Never fails: all of its keys are texts.
    serde_json::to_string(neighbours).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

/// The name of a result. A client may still know those of a server that ran before, so that they begin with the time.
fn result_id((revision, options): (u64, u64), [audit, ran, neighbours]: [u64; 3]) -> String {
    static STARTED: OnceLock<u128> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap_or_default().as_nanos()
    });
    format!("{started:x}-{revision:x}-{options:x}-{audit:x}-{ran:x}-{neighbours:x}")
}
