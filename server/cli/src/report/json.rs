//! `--format jsonl` and `--format json`: what other programs read. `schema/check-report.schema.json` describes both.

use serde::Serialize;
use skillyard_manifest::{ErrorKind, Grants, PolicyBinding, Position, Span, Warning};
use skillyard_project::check::Checked;

use super::{Places, Reporter, Tally};
use crate::json;

/// The version of the reports' shape. It changes when a field goes or changes its meaning, not when one comes.
const SCHEMA_VERSION: u32 = 1;

/// A JSON document a file, each on a line.
pub struct Lines;

impl Reporter for Lines {
    fn piece(&self, checked: &Checked, text: &str) -> String {
        json::line(&file(checked, text)) + "\n"
    }
}

/// One JSON document with the same objects under `files`.
pub struct Document;

impl Reporter for Document {
    fn piece(&self, checked: &Checked, text: &str) -> String {
        json::line(&file(checked, text))
    }

    fn whole(&self, pieces: &[String], _: &Tally, _: &[String]) -> String {
        format!("{{\"schema_version\":{SCHEMA_VERSION},\"files\":[{}]}}\n", pieces.join(",\n"))
    }
}

#[derive(Serialize)]
struct File<'c> {
    schema_version: u32,
    file: String,
    daemon: Daemon<'c>,
    grants: Option<&'c Grants>,
    policy_bindings: Option<&'c [PolicyBinding]>,
    diagnostics: Vec<Diagnostic<'c>>,
}

#[derive(Serialize)]
struct Daemon<'c> {
    accepts: bool,
    error_kind: Option<ErrorKind>,
    compat_error_kind: Option<ErrorKind>,
    warnings: &'c [Warning],
}

#[derive(Serialize)]
struct Diagnostic<'c> {
    code: &'static str,
    severity: &'static str,
    message: &'c str,
    range: Range,
    byte_range: [usize; 2],
    daemon: &'static str,
    url: String,
    fixes: Vec<Fix<'c>>,
}

#[derive(Serialize)]
struct Range {
    start: Place,
    end: Place,
}

#[derive(Serialize)]
struct Place {
    line: u32,
    character: u32,
}

#[derive(Serialize)]
struct Fix<'c> {
    title: &'c str,
    safe: bool,
    edits: Vec<Edit<'c>>,
}

#[derive(Serialize)]
struct Edit<'c> {
    byte_range: [usize; 2],
    text: &'c str,
}

fn file<'c>(checked: &'c Checked, text: &str) -> File<'c> {
    let analysis = &checked.analysis;
    let places = Places::new(text);
    File {
        schema_version: SCHEMA_VERSION,
        file: checked.path.to_string_lossy().into_owned(),
        daemon: Daemon {
            accepts: analysis.daemon.accepts,
            error_kind: analysis.daemon.error_kind,
            compat_error_kind: analysis.daemon.compat_error_kind,
            warnings: &analysis.daemon.warnings,
        },
        grants: analysis.grants.as_ref(),
        policy_bindings: analysis.policy_bindings.as_deref(),
        diagnostics: analysis.diagnostics.iter().map(|finding| diagnostic(finding, &places)).collect(),
    }
}

fn diagnostic<'c>(finding: &'c skillyard_manifest::Diagnostic, places: &Places<'_>) -> Diagnostic<'c> {
    let (start, end) = places.range(finding.span);
    Diagnostic {
        code: finding.rule.code,
        severity: finding.severity.name(),
        message: &finding.message,
        range: Range { start: place(start), end: place(end) },
        byte_range: bytes(finding.span),
        daemon: finding.rule.daemon.name(),
        url: finding.rule.url(),
        fixes: finding.fixes.iter().map(fix).collect(),
    }
}

fn fix(fix: &skillyard_manifest::Fix) -> Fix<'_> {
    let edits = fix.edits.iter().map(|edit| Edit { byte_range: bytes(edit.span), text: &edit.text });
    Fix { title: &fix.title, safe: fix.safe, edits: edits.collect() }
}

fn place(position: Position) -> Place {
    Place { line: position.line, character: position.character }
}

fn bytes(span: Span) -> [usize; 2] {
    [span.start, span.end]
}
