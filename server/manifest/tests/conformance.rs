//! Every recorded verdict of a daemon on a manifest, against ours.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::{fs, path::Path};

use serde_json::Value;
use skillyard_manifest::{Options, analyze_bytes};

#[test]
fn agrees_with_every_recorded_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let cases = fs::read_to_string(folder.join("manifests.jsonl")).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let file = case["file"].as_str().unwrap();
        let bytes = fs::read(folder.join("manifests").join(file)).unwrap();
        let analysis = analyze_bytes(&bytes, &Options::default());
        let mut differs = |what: &str, ours: Value| {
            if ours != case[what] {
                wrong.push(format!("{file}: {what}: a daemon says {}, we say {ours}", case[what]));
            }
        };
        differs("daemon_accepts", analysis.daemon.accepts.into());
        differs("error_kind", serde_json::to_value(analysis.daemon.error_kind).unwrap());
        differs("compat_error_kind", serde_json::to_value(analysis.daemon.compat_error_kind).unwrap());
        if analysis.daemon.accepts {
            differs("warnings", serde_json::to_value(&analysis.daemon.warnings).unwrap());
        }
        differs("grants", serde_json::to_value(&analysis.grants).unwrap());
        differs("policy_bindings", serde_json::to_value(&analysis.policy_bindings).unwrap());
        count += 1;
    }
    assert_eq!(count, 420);
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
