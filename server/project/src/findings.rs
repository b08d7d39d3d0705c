//! Findings about artifacts, as every JSON report has them.

use serde_json::{Value, json};
use skillyard_artifact::Finding;

/// One finding.
#[must_use]
pub fn reported(finding: &Finding) -> Value {
    json!({
        "code": finding.rule.code,
        "severity": finding.severity.name(),
        "message": finding.message,
        "entry": finding.entry,
        "byte_range": finding.byte_range.as_ref().map(|at| [at.start, at.end]),
        "daemon": finding.rule.daemon.name(),
        "url": finding.rule.url(),
    })
}
