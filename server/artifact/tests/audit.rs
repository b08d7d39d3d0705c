//! The audit: a daemon's recorded checks, and every finding beyond them.

mod common;

use common::*;
use serde_json::{Value, json};
use skillyard_artifact::{
    audit::{Advisories, Policy, Report, SignatureFacts, Status, Subject, audit},
    trust::TrustDecision,
};
use skillyard_manifest::Severity;

#[test]
fn a_daemons_recorded_audits_agree() {
    let mut audited = 0;
    for line in std::fs::read_to_string(conformance("artifacts.jsonl")).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let Some(wanted) = record.get("audit").filter(|audit| !audit.is_null()) else { continue };
        let file = record["file"].as_str().unwrap();
        let entries = unzip(&std::fs::read(conformance(&format!("artifacts/{file}"))).unwrap());
        let text = entries.iter().find(|(name, _)| name == "skill.toml").unwrap();
        let text = String::from_utf8(text.1.clone()).unwrap();
        let manifest = toml::from_str(text.trim_start_matches('\u{feff}')).unwrap();
        let warnings = skillyard_manifest::warnings(&manifest);
        let modules: Vec<_> =
            entries.iter().filter(|(name, _)| name.ends_with(".wasm")).map(|(n, c)| (&**n, &**c)).collect();
        let facts = SignatureFacts {
            accepted: true,
            trust_decision: Some(TrustDecision::TofuNewlyPinned),
            payload_sha256: record["payload_sha256"].as_str().unwrap().to_owned(),
        };
        let subject = Subject {
            manifest: &manifest,
            warnings: &warnings,
            modules: &modules,
            sbom: true,
            provenance: true,
            signature: Some(facts),
        };
        let report = audit(&subject, &Policy::default(), 7, None, &()).unwrap();
        let checks: Vec<_> = report.checks.iter().map(|c| json!([c.check_id, c.status.name()])).collect();
        assert_eq!(json!(checks), wanted["checks"], "{file}");
        assert_eq!(json!(report.daemon_passed()), wanted["passed"], "{file}");
        // Never more lenient.
        assert!(report.daemon_passed() || !report.passed(), "{file}");
        audited += 1;
    }
    assert!(audited >= 30, "only {audited} recorded audits");
}
