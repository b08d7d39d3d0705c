//! Every recorded verdict of a daemon on an artifact and on a trust store, against ours.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::{fs, path::PathBuf};

use serde_json::Value;
use skillyard_artifact::{
    ErrorKind,
    trust::{TrustDecision, TrustStore},
    verify::{Verification, VerifyOptions, verify},
};
use skillyard_manifest::{Severity, grammar::PALYRA_VERSION};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance")
}

fn lines(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

fn verified<'a>(bytes: &'a [u8], trust: &TrustStore, allow_tofu: bool) -> Verification<'a> {
    verify(bytes, &VerifyOptions { trust, allow_tofu, palyra: PALYRA_VERSION }, &()).unwrap()
}

/// What a daemon takes and Skillyard refuses, with the rule that says why.
const STRICTER: &[(&str, &str)] = &[
    ("v08-module-is-text", "content/not-wasm"),
    ("v09-module-is-wat", "content/not-wasm"),
    ("v10-module-empty", "content/not-wasm"),
    ("h01-resigned-by-python", "archive/unsorted"),
    ("h08-dup-same-content", "archive/duplicate-name"),
    ("h09-dup-evil-first", "archive/duplicate-name"),
    ("h17-renamed-newline-signature", "path/normalized"),
    ("h18-renamed-nbsp-module", "path/normalized"),
    ("h20-symlink-signed", "archive/symlink"),
    ("h21-setuid-mode", "archive/attributes"),
    ("h33-extra-toplevel-signed", "path/outside-layout"),
    ("h44-signed-at-future", "signature/impossible-time"),
    ("h54-weak-key-identity", "signature/weak-key"),
    ("h60-integrity-reordered-signed", "listing/unsorted"),
    ("h61-integrity-duplicate-good-last", "listing/repeated"),
    ("h63-integrity-backslash", "listing/normalized"),
    ("h70-trailing-data", "archive/outside-data"),
    ("h71-trailing-70kb", "archive/outside-data"),
    ("h73-prefix-shifted", "archive/outside-data"),
    ("h76-zip64", "archive/zip64"),
    ("h77-zip64-entry-only", "archive/extra-field"),
    ("h82-comment", "archive/comment"),
    ("h86-dir-traversal", "archive/folder"),
    ("h87-dir-absolute", "archive/folder"),
    ("h95-local-method-differs", "archive/headers-differ"),
    ("h96-data-descriptor", "archive/data-descriptor"),
    ("i05-manifest-bom", "content/byte-order-mark"),
    ("i06-manifest-crlf", "content/carriage-return"),
    ("i13-unicode-path-cover-name", "archive/extra-field"),
    ("i15-two-archives-first-wins-elsewhere", "archive/duplicate-name"),
];

/// `h28-stored` is taken: its entries are stored and not deflated, which every reader reads alike.
#[test]
fn agrees_with_every_recorded_artifact() {
    let (mut count, mut wrong) = (0, Vec::new());
    for case in lines("artifacts.jsonl") {
        let file = case["file"].as_str().unwrap();
        let bytes = fs::read(folder().join("artifacts").join(file)).unwrap();
        let trust = TrustStore::default();
        let ours = verified(&bytes, &trust, true);
        let mut differs = |what: &str, ours: Value| {
            if ours != case[what] {
                wrong.push(format!("{file}: {what}: a daemon says {}, we say {ours}", case[what]));
            }
        };
        differs("daemon_accepts", ours.daemon_accepts.into());
        differs("error_kind", json(&ours.daemon_error_kind));
        differs("trust_decision", json(&ours.trust_decision));
        if ours.daemon_accepts {
            differs("payload_sha256", json(&ours.payload_sha256));
            differs("publisher", json(&ours.publisher));
            differs("skill_id", json(&ours.skill_id));
            differs("warnings", json(&ours.manifest_warnings));
        }
        let errors: Vec<&str> =
            ours.findings.iter().filter(|f| f.severity == Severity::Error).map(|f| f.rule.code).collect();
        let name = file.trim_end_matches(".palyra-skill");
        let stricter = STRICTER.iter().find(|(file, _)| *file == name).map(|(_, rule)| *rule);
        match stricter {
            Some(rule) if !errors.contains(&rule) => wrong.push(format!("{file}: {errors:?} lack {rule}")),
            None if ours.daemon_accepts && !ours.accepted => wrong.push(format!("{file}: refused by {errors:?}")),
            None if !ours.daemon_accepts && errors.is_empty() => wrong.push(format!("{file}: no finding says why")),
            _ => {}
        }
        assert!(!ours.accepted || (ours.daemon_accepts && stricter.is_none()), "{file}");
        assert_eq!(ours.accepted, ours.error.is_none() && ours.error_kind.is_none(), "{file}");
        count += 1;
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(count, 82);
}

#[test]
fn agrees_with_every_recorded_trust_decision() {
    let cases = lines("trust.jsonl");
    assert_eq!(cases.len(), 14);
    for case in cases {
        let scenario = case["scenario"].as_str().unwrap();
        // A folder in the store's place is for who reads files.
        if scenario == "store-is-directory" {
            continue;
        }
        let mut text = case["store_before"].as_str().map(str::to_owned);
        for step in case["steps"].as_array().unwrap() {
            let artifact = format!("{}.palyra-skill", step["artifact"].as_str().unwrap());
            let bytes = fs::read(folder().join("artifacts").join(artifact)).unwrap();
            let mut store = match TrustStore::parse(text.as_deref().unwrap_or_default()) {
                Ok(store) => store,
                Err(error) => {
                    assert_eq!(step["stage"], "trust_store_load", "{scenario}: {error}");
                    assert_eq!(step["error_kind"], error.kind().to_string(), "{scenario}");
                    continue;
                }
            };
            let ours = verified(&bytes, &store, step["allow_tofu"].as_bool().unwrap());
            assert_eq!(step["stage"], Value::Null, "{scenario}");
            assert_eq!(ours.daemon_accepts, step["ok"].as_bool().unwrap(), "{scenario}: {:?}", ours.error);
            assert_eq!(serde_json::to_value(ours.trust_decision).unwrap(), step["trust_decision"], "{scenario}");
            assert_eq!(serde_json::to_value(ours.daemon_error_kind).unwrap(), step["error_kind"], "{scenario}");
            if ours.daemon_accepts {
                if ours.trust_decision == Some(TrustDecision::TofuNewlyPinned) {
                    store.pin(&ours.publisher.unwrap(), ours.public_key.unwrap()).unwrap();
                }
                text = Some(store.to_json());
            } else {
                assert!(matches!(
                    ours.error_kind,
                    Some(
                        ErrorKind::UntrustedPublisher
                            | ErrorKind::TrustedPublisherKeyMismatch
                            | ErrorKind::TofuKeyMismatch
                    )
                ));
            }
        }
        assert_eq!(text.as_deref(), case["store_after"].as_str(), "{scenario}");
    }
}
