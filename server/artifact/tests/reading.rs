//! What a good artifact gives, and what is known about a broken one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod handmade;

use std::{
    io::{Cursor, Write as _},
    sync::atomic::{AtomicUsize, Ordering},
};

use handmade::*;
use skillyard_artifact::{
    Cancelled, Progress,
    container::Container,
    entries::Entries,
    integrity::{hex, sha256},
    trust::{TrustDecision, TrustStore},
    verify::{Content, VerifyOptions, open, verify},
};
use skillyard_manifest::grammar::PALYRA_VERSION;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// What the `zip` crate's writer makes, as builders use it.
fn zipped(files: &Files, method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let time = DateTime::from_date_and_time(1980, 1, 1, 0, 0, 0).unwrap();
    let options =
        SimpleFileOptions::default().compression_method(method).unix_permissions(0o644).last_modified_time(time);
    for (name, content) in files {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_good_artifact() {
    let bytes = pack(&good());
    let verification = verified(&bytes);
    assert!(verification.accepted && verification.daemon_accepts, "{:?}", verification.findings);
    assert!(verification.findings.is_empty());
    assert_eq!(verification.trust_decision, Some(TrustDecision::TofuNewlyPinned));
    assert_eq!(verification.payload_sha256.as_deref(), Some(hex(&payload(&good())).as_str()));
    let listed: Vec<_> = verification.entries.iter().map(|entry| (entry.path.as_str(), entry.bytes)).collect();
    let files = good();
    assert_eq!(listed, files.iter().map(|(name, content)| (name.as_str(), content.len() as u64)).collect::<Vec<_>>());
    for entry in &verification.entries {
        assert_eq!(entry.sha256, hex(&sha256(&files[&entry.path])));
    }
    let artifact = verification.artifact.unwrap();
    assert_eq!(artifact.publisher(), "acme");
    assert_eq!(artifact.manifest().skill_id, "acme.echo");
    assert_eq!(artifact.manifest_text().as_bytes(), files["skill.toml"]);
    assert_eq!(artifact.modules().collect::<Vec<_>>(), [("modules/echo.wasm", MODULE.into())]);
    assert_eq!(artifact.entry("assets/a.txt").unwrap(), b"some text".as_slice());
    assert_eq!(artifact.entry("assets/b.txt"), None);
    assert_eq!((artifact.key(), artifact.payload_sha256()), (public(&key()), payload(&files)));
    assert_eq!(artifact.trust_decision(), TrustDecision::TofuNewlyPinned);
}

#[test]
fn what_the_writer_of_builders_makes() {
    let mut files = parts();
    files.insert("assets/ä.txt".to_owned(), vec![b'x'; 100_000]);
    files.insert("assets/empty".to_owned(), Vec::new());
    let files = signed(with_manifest(files, MANIFEST), "acme");
    let bytes = zipped(&files, CompressionMethod::Deflated);
    let verification = verified(&bytes);
    assert!(verification.accepted, "{:?}", verification.findings);
    let bytes = zipped(&files, CompressionMethod::Stored);
    let verification = verified(&bytes);
    assert!(verification.accepted, "{:?}", verification.findings);
    assert_eq!(verification.findings.iter().map(|f| f.rule.code).collect::<Vec<_>>(), ["archive/stored"]);
}

#[test]
fn the_report() {
    let bytes = pack(&good());
    let report = serde_json::to_value(verified(&bytes)).unwrap();
    let keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    for key in [
        "accepted",
        "daemon_accepts",
        "daemon_error_kind",
        "error_kind",
        "error",
        "trust_decision",
        "payload_sha256",
        "publisher",
        "skill_id",
        "version",
        "key_id",
        "manifest_warnings",
        "grants",
        "policy_bindings",
        "findings",
    ] {
        assert!(keys.contains(&key), "{key}");
    }
    assert_eq!(report["trust_decision"], "tofu_newly_pinned");
    assert_eq!(report["policy_bindings"][0]["resource"], "tool:acme.echo");
    let mut entries = raws(&good());
    entries[0].name = b"assets/\x1b[31m`x".to_vec();
    let report = serde_json::to_value(verified(&archive(&entries))).unwrap();
    assert_eq!(report["accepted"], false);
    let finding = &report["findings"][0];
    for key in ["code", "severity", "message", "entry"] {
        assert!(finding[key].is_string(), "{finding}");
    }
    assert!(!report["findings"].to_string().contains("\\u001b"), "names are shown harmless: {report}");
}

#[test]
fn what_is_known_of_a_broken_artifact() {
    let mut files = good();
    files.insert("assets/a.txt".to_owned(), b"changed".to_vec());
    let bytes = pack(&files);
    let verification = verified(&bytes);
    assert!(!verification.accepted && verification.artifact.is_none());
    assert_eq!(verification.publisher.as_deref(), Some("acme"));
    assert_eq!(verification.skill_id.as_deref(), Some("acme.echo"));
    assert_eq!(verification.key_id, Some(public(&key()).id()));
    assert_eq!(verification.entries.len(), 6);
    assert_eq!(verification.trust_decision, None);
    assert!(verification.grants.is_some());
    // The same of one whose archive is broken.
    let mut entries = raws(&good());
    entries[0].crc ^= 1;
    let bytes = archive(&entries);
    let verification = verified(&bytes);
    assert_eq!(verification.publisher.as_deref(), Some("acme"));
    assert_eq!(verification.entries.len(), 5);
    assert_eq!(verification.payload_sha256, None);
}

#[test]
fn inspecting_asks_nobody_for_trust() {
    let bytes = pack(&good());
    let opened = open(&bytes, PALYRA_VERSION, &()).unwrap();
    let Content::Signed(signed) = &opened.content else { panic!("{:?}", opened.findings) };
    assert_eq!(signed.publisher(), "acme");
    assert_eq!(opened.publisher(), Some("acme"));
    let verification = opened.decide(&TrustStore::default(), false);
    assert!(!verification.accepted && !verification.daemon_accepts);
    let mut entries = raws(&good());
    entries[0].crc ^= 1;
    let bytes = archive(&entries);
    assert!(matches!(open(&bytes, PALYRA_VERSION, &()).unwrap().content, Content::Unproven(_)));
}

#[test]
fn entries_out_of_order_have_the_same_payload_hash() {
    let mut entries = raws(&good());
    entries.reverse();
    let bytes = archive(&entries);
    let entries = Entries::read(&Container::walk(&bytes), &()).unwrap();
    assert_eq!(entries.payload_sha256(), Some(payload(&good())));
    let verification = verified(&bytes);
    assert!(verification.daemon_accepts && !verification.accepted);
}

/// Ends the work at the given call.
struct EndsAt(usize, AtomicUsize);

impl Progress for EndsAt {
    fn at(&self, _: &'static str, done: u64, total: u64) -> Result<(), Cancelled> {
        assert!(done <= total);
        if self.1.fetch_add(1, Ordering::Relaxed) == self.0 { Err(Cancelled) } else { Ok(()) }
    }
}

#[test]
fn can_be_ended() {
    let bytes = pack(&good());
    let store = TrustStore::default();
    let options = VerifyOptions { trust: &store, allow_tofu: true, palyra: PALYRA_VERSION };
    for at in 0..7 {
        assert_eq!(verify(&bytes, &options, &EndsAt(at, AtomicUsize::new(0))).unwrap_err(), Cancelled);
    }
    assert!(verify(&bytes, &options, &EndsAt(7, AtomicUsize::new(0))).unwrap().accepted);
}
