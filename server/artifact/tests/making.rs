//! Packaging, and the two documents that it makes.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so and fails")]

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read as _},
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use skillyard_artifact::{
    Cancelled, ErrorKind, Progress,
    keys::{SigningKey, Source},
    package::{File, Inputs, PackageError, Packaged, package, secrets},
    provenance::{self, Facts, ProvenanceFault, Revision},
    sbom::{self, Dependency, ModuleFacts, SbomFault},
    trust::TrustStore,
    verify::{VerifyOptions, verify},
};
use skillyard_manifest::{Severity, grammar::Version, model::Manifest};

/// A module with nothing in it.
const EMPTY: &[u8] = b"\0asm\x01\0\0\0";
const PALYRA: Version = Version(0, 1, 0);

fn conformance() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance"))
}

fn base_manifest() -> String {
    fs::read_to_string(conformance().join("manifests/001-base--v2.toml")).expect("a recorded manifest")
}

fn key() -> SigningKey {
    SigningKey::parse(&[0x11; 32], Source::File, None).expect("a raw key")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn inputs<'a>(manifest: &'a str, modules: &[(&'a str, &'a [u8])], assets: &[(&'a str, &'a [u8])]) -> Inputs<'a> {
    let files = |list: &[(&'a str, &'a [u8])]| list.iter().map(|&(path, content)| File { path, content }).collect();
    Inputs {
        manifest,
        modules: files(modules),
        assets: files(assets),
        sbom: None,
        provenance: None,
        facts: Facts::default(),
        signed_at_unix_ms: 1_795_355_105_412,
        palyra: PALYRA,
    }
}

/// The entries of an archive in its order, read by the `zip` crate alone.
fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive)).expect("an archive");
    (0..zip.len())
        .map(|at| {
            let mut entry = zip.by_index(at).expect("an entry");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("it inflates");
            (entry.name().expect("a name").into_owned(), content)
        })
        .collect()
}

fn entry(packaged: &Packaged, path: &str) -> Vec<u8> {
    entries(&packaged.bytes).into_iter().find(|(name, _)| name == path).expect(path).1
}

fn json_entry(packaged: &Packaged, path: &str) -> Value {
    serde_json::from_slice(&entry(packaged, path)).expect("JSON")
}

fn refused(inputs: &Inputs<'_>) -> PackageError {
    package(inputs, &key(), &()).expect_err("this is not packaged")
}

fn codes(error: &PackageError) -> Vec<&'static str> {
    match error {
        PackageError::Refused(findings) => findings.iter().map(|finding| finding.rule.code).collect(),
        other => panic!("not refused for its files: {other}"),
    }
}

/// Recorded artifacts that a daemon's builder made, by file name.
fn recorded() -> impl Iterator<Item = (String, Vec<u8>)> {
    let mut names: Vec<_> =
        fs::read_dir(conformance().join("artifacts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.into_iter().filter_map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        name.starts_with('v').then(|| (name, fs::read(&path).unwrap()))
    })
}

#[test]
fn recorded_artifacts_are_made_again_byte_for_byte() {
    let mut made = 0;
    for (name, archive) in recorded() {
        let theirs = entries(&archive);
        let by_name: BTreeMap<&str, &[u8]> =
            theirs.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
        let below = |folder: &str| -> Vec<(&str, &[u8])> {
            by_name
                .iter()
                .filter(|(path, _)| path.starts_with(folder))
                .map(|(path, content)| (*path, *content))
                .collect()
        };
        let manifest = std::str::from_utf8(by_name["skill.toml"]).unwrap();
        let signature: Value = serde_json::from_slice(by_name["signature.json"]).unwrap();
        let (modules, assets) = (below("modules/"), below("assets/"));
        let mut inputs = inputs(manifest, &modules, &assets);
        inputs.sbom = Some(by_name["sbom.cdx.json"]);
        inputs.provenance = Some(by_name["provenance.json"]);
        inputs.signed_at_unix_ms = signature["signed_at_unix_ms"].as_i64().unwrap();
        if modules.iter().any(|(_, content)| !content.starts_with(b"\0asm")) {
            assert_eq!(codes(&refused(&inputs)), ["content/not-wasm"], "{name}");
            continue;
        }
        if signature["key_id"] != key().public().id() {
            continue;
        }
        let ours = package(&inputs, &key(), &()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let texts = |entries: Vec<(String, Vec<u8>)>| -> Vec<(String, String)> {
            entries.into_iter().map(|(path, content)| (path, String::from_utf8_lossy(&content).into_owned())).collect()
        };
        for (ours, theirs) in texts(entries(&ours.bytes)).into_iter().zip(texts(theirs)) {
            assert!(ours == theirs, "{name}: {}\n{}", ours.0, if ours.1.len() < 10_000 { &ours.1 } else { "" });
        }
        assert_eq!(ours.bytes.len(), archive.len(), "{name}");
        assert!(ours.bytes == archive, "{name}: the archives differ");
        made += 1;
    }
    assert!(made >= 9, "{made}");
}

/// What the specification says about the payload hash and the signature, written down once more.
#[test]
fn hash_and_signature_follow_the_specification() {
    for (file, module) in
        [("000-base--v1.toml", EMPTY), ("001-base--v2.toml", EMPTY), ("002-base--v2-builder.toml", EMPTY)]
    {
        let manifest = fs::read_to_string(conformance().join("manifests").join(file)).unwrap();
        let packaged =
            package(&inputs(&manifest, &[("ledger.wasm", module)], &[("a b/ü.txt", b"x")]), &key(), &()).expect(file);
        let mut stream = b"palyra.skill.payload.v1".to_vec();
        let mut listed = Vec::new();
        for (path, content) in entries(&packaged.bytes) {
            if path == "signature.json" {
                continue;
            }
            stream.extend((path.len() as u64).to_be_bytes());
            stream.extend(path.as_bytes());
            stream.extend((content.len() as u64).to_be_bytes());
            stream.extend(&content);
            if path != "skill.toml" {
                listed.push((path, sha256(&content)));
            }
        }
        let payload = sha256(&stream);
        assert_eq!(packaged.report.payload_sha256, payload);

        let signature = json_entry(&packaged, "signature.json");
        let public = "d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737";
        let public: [u8; 32] = std::array::from_fn(|at| u8::from_str_radix(&public[at * 2..at * 2 + 2], 16).unwrap());
        let key_id = format!("ed25519:{}", &sha256(&public)[..16]);
        assert_eq!(packaged.report.key_id, key_id);
        let bytes = STANDARD.decode(signature["signature_base64"].as_str().unwrap()).unwrap();
        ed25519_dalek::VerifyingKey::from_bytes(&public)
            .unwrap()
            .verify_strict(payload.as_bytes(), &ed25519_dalek::Signature::from_slice(&bytes).unwrap())
            .expect("the signature over the hash's hex holds");
        assert_eq!(
            signature,
            json!({
                "algorithm": "ed25519-sha256",
                "publisher": "northwind",
                "key_id": key_id,
                "public_key_base64": STANDARD.encode(public),
                "payload_sha256": payload,
                "signature_base64": signature["signature_base64"],
                "signed_at_unix_ms": 1_795_355_105_412_i64,
            })
        );
        let written: Manifest = toml::from_str(&String::from_utf8(entry(&packaged, "skill.toml")).unwrap()).unwrap();
        let integrity: Vec<_> = written.integrity.files.into_iter().map(|file| (file.path, file.sha256)).collect();
        assert_eq!(integrity, listed);
    }
}

#[test]
fn the_archive_has_the_layout_of_honest_builders() {
    let manifest = base_manifest();
    let modules = [("modules/z.wasm", EMPTY), ("a.wasm", EMPTY)];
    let assets = [("prompts/read.txt", b"hello".as_slice()), ("assets/b", b"")];
    let packaged = package(&inputs(&manifest, &modules, &assets), &key(), &()).unwrap();
    let names: Vec<String> = entries(&packaged.bytes).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "assets/b",
            "assets/prompts/read.txt",
            "modules/a.wasm",
            "modules/z.wasm",
            "provenance.json",
            "sbom.cdx.json",
            "signature.json",
            "skill.toml"
        ]
    );
    let mut zip = zip::ZipArchive::new(Cursor::new(&packaged.bytes)).unwrap();
    for at in 0..zip.len() {
        let entry = zip.by_index(at).unwrap();
        assert_eq!(entry.last_modified(), Some(zip::DateTime::DEFAULT));
        assert_eq!(entry.unix_mode(), Some(0o100_644));
        assert_eq!(entry.compression(), zip::CompressionMethod::Deflated);
        assert!(entry.extra_data().as_deref().is_none_or(<[u8]>::is_empty) && entry.comment().is_empty());
    }
    let report = serde_json::to_value(&packaged.report).unwrap();
    assert_eq!(report["bytes"], packaged.bytes.len());
    assert_eq!(report["artifact"], Value::Null);
    assert_eq!((&report["skill_id"], &report["version"]), (&json!("northwind.ledger_tools"), &json!("1.4.2")));
    assert_eq!(
        report["entries"][1],
        json!({"path": "assets/prompts/read.txt", "bytes": 5, "sha256": sha256(b"hello")})
    );
    assert_eq!(report["entries"].as_array().unwrap().len(), 8);
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let manifest = base_manifest();
    let forward = inputs(&manifest, &[("a.wasm", EMPTY), ("b.wasm", EMPTY)], &[("x", b"1"), ("y", b"2")]);
    let mut backward = forward.clone();
    backward.modules.reverse();
    backward.assets.reverse();
    let one = package(&forward, &key(), &()).unwrap();
    assert_eq!(one.bytes, package(&backward, &key(), &()).unwrap().bytes);

    // On another day only the signature's own time is another.
    let later = Inputs { signed_at_unix_ms: 1_900_000_000_000, ..forward };
    let later = package(&later, &key(), &()).unwrap();
    assert_eq!(one.report.payload_sha256, later.report.payload_sha256);
    for ((path, before), (_, after)) in entries(&one.bytes).into_iter().zip(entries(&later.bytes)) {
        assert_eq!(before == after, path != "signature.json", "{path}");
    }
    let (mut before, mut after) = (json_entry(&one, "signature.json"), json_entry(&later, "signature.json"));
    before["signed_at_unix_ms"].take();
    after["signed_at_unix_ms"].take();
    assert_eq!(before, after);
}

#[test]
fn integrity_that_stands_there_is_filled_anew() {
    let manifest = base_manifest();
    let clean = package(&inputs(&manifest, &[("a.wasm", EMPTY)], &[]), &key(), &()).unwrap();
    let stale = format!("{manifest}\n[[integrity.files]]\npath = \"modules/gone.wasm\"\nsha256 = \"00\"\n");
    let again = package(&inputs(&stale, &[("a.wasm", EMPTY)], &[]), &key(), &()).unwrap();
    assert_eq!(clean.bytes, again.bytes);
    let text = String::from_utf8(entry(&clean, "skill.toml")).unwrap();
    let again = package(&inputs(&text, &[("a.wasm", EMPTY)], &[]), &key(), &()).unwrap();
    assert_eq!(clean.bytes, again.bytes, "packaging what was packaged changes nothing");
}

#[test]
fn a_manifest_with_errors_is_not_packaged() {
    let good = base_manifest();
    for (from, to, kind) in [
        ("manifest_version = 2", "manifest_version = 3", Some(ErrorKind::ManifestValidation)),
        ("publisher = ", "publisher == ", Some(ErrorKind::ManifestParse)),
        ("required_protocol_major = 1", "required_protocol_major = 2", Some(ErrorKind::UnsupportedProtocolMajor)),
        (
            "min_palyra_version = \"0.1.0\"",
            "min_palyra_version = \"0.2.0\"",
            Some(ErrorKind::UnsupportedRuntimeVersion),
        ),
        ("ledgers/in", "../in", Some(ErrorKind::InvalidArtifactPath)),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        let error = refused(&inputs(&bad, &[("a.wasm", EMPTY)], &[]));
        assert!(matches!(error, PackageError::Manifest { .. }), "{to}: {error}");
        assert_eq!(error.error_kind(), kind, "{to}");
        assert!(error.to_string().contains("skillyard check"), "{error}");
    }
    let newer = Inputs { palyra: Version(2, 0, 1), ..inputs(&good, &[("a.wasm", EMPTY)], &[]) };
    assert_eq!(refused(&newer).error_kind(), Some(ErrorKind::RuntimeVersionAboveSupportedMaximum));
}

#[test]
fn the_moment_of_signing_is_a_time() {
    let manifest = base_manifest();
    for wrong in [-1, i64::MIN, i64::MAX] {
        let inputs = Inputs { signed_at_unix_ms: wrong, ..inputs(&manifest, &[("a.wasm", EMPTY)], &[]) };
        assert!(matches!(refused(&inputs), PackageError::SignedAt { unix_ms } if unix_ms == wrong));
    }
}

#[test]
fn what_is_packaged_verifies() {
    let manifest = base_manifest();
    let packaged = package(&inputs(&manifest, &[("ledger.wasm", EMPTY)], &[("a b/ü.txt", b"x")]), &key(), &()).unwrap();
    let store = TrustStore::default();
    let options = VerifyOptions { trust: &store, allow_tofu: true, palyra: PALYRA };
    let verification = verify(&packaged.bytes, &options, &()).unwrap();
    assert!(verification.accepted && verification.daemon_accepts, "{:?}", verification.error);
    assert_eq!(verification.payload_sha256.as_deref(), Some(packaged.report.payload_sha256.as_str()));
    assert_eq!(verification.key_id.as_deref(), Some(packaged.report.key_id.as_str()));
    assert_eq!((verification.findings, packaged.findings), (vec![], vec![]));
}

#[test]
fn a_manifest_that_cannot_be_written_again_is_not_packaged() {
    let good = base_manifest();
    for line in ["default = nan", "maximum = inf", "examples = [nan]"] {
        let bad = good.replacen("type = \"object\"\n", &format!("type = \"object\"\n{line}\n"), 1);
        assert_ne!(bad, good);
        let error = refused(&inputs(&bad, &[("a.wasm", EMPTY)], &[]));
        assert!(
            matches!(error, PackageError::ManifestUnwritable { .. } | PackageError::Manifest { .. }),
            "{line}: {error}"
        );
    }
    let nested = format!("{}{}", "{a=".repeat(40), "1") + &"}".repeat(40);
    let bad = good.replacen("type = \"object\"\n", &format!("type = \"object\"\nx-deep = {nested}\n"), 1);
    let error = refused(&inputs(&bad, &[("a.wasm", EMPTY)], &[]));
    assert!(matches!(error, PackageError::ManifestTooDeep { .. }), "{error}");
}

#[test]
fn schemas_are_kept_whole() {
    let schema = "x-float = 1.0\nx-big = 9223372036854775807\nx-text = \"\"\"\na\\u0001\\tb\n\"\"\"\nx-quoted.\"a.b c\" = [{ z = 1, a = [[], [1, 2]] }]\n";
    let manifest = base_manifest().replacen("type = \"object\"\n", &format!("type = \"object\"\n{schema}"), 1);
    let packaged = package(&inputs(&manifest, &[("a.wasm", EMPTY)], &[]), &key(), &()).unwrap();
    let mut written: Manifest = toml::from_str(&String::from_utf8(entry(&packaged, "skill.toml")).unwrap()).unwrap();
    written.integrity.files.clear();
    assert_eq!(written, toml::from_str(&manifest).unwrap());
}

#[test]
fn files_that_do_not_do() {
    let manifest = base_manifest();
    let check = |modules: &[(&str, &[u8])], assets: &[(&str, &[u8])], code: &str, kind: Option<ErrorKind>| {
        let error = refused(&inputs(&manifest, modules, assets));
        assert_eq!(codes(&error), [code], "{modules:?} {assets:?}");
        assert_eq!(error.error_kind(), kind, "{code}");
    };
    let module: &[(&str, &[u8])] = &[("a.wasm", EMPTY)];
    check(&[], &[("x", b"")], "package/no-module", Some(ErrorKind::MissingArtifactEntry));
    check(&[("a.wat", EMPTY)], &[], "package/module-name", Some(ErrorKind::MissingArtifactEntry));
    check(&[("a.WASM", EMPTY)], &[], "package/module-name", Some(ErrorKind::MissingArtifactEntry));
    for no_module in
        [b"(module)".as_slice(), b"", b"\0asm", b"\0asm\x02\0\0\0", b"#!/bin/sh\n", b"\x7fELF\x02\x01\x01\0"]
    {
        check(&[("a.wasm", no_module)], &[], "content/not-wasm", None);
    }
    for path in ["../x", "/x", "a//b", "a/./b", "C:x", "a\0b", "", "assets/", "assets/../x", "a\\..\\b"] {
        let error = refused(&inputs(&manifest, module, &[(path, b"")]));
        assert_eq!(
            (codes(&error)[0], error.error_kind()),
            ("path/invalid", Some(ErrorKind::InvalidArtifactPath)),
            "{path}"
        );
    }
    for (path, code) in [
        ("x ", "path/normalized"),
        ("a\\b", "path/normalized"),
        ("a\u{202e}b", "path/unseen-character"),
        ("nul.txt", "path/device-name"),
        ("a./b", "path/trailing-dot-or-space"),
        ("what?", "path/bad-character"),
    ] {
        assert!(codes(&refused(&inputs(&manifest, module, &[(path, b"")]))).contains(&code), "{path}");
    }
    check(module, &[("Read", b""), ("read", b"")], "path/case-twin", None);
    check(module, &[("a", b""), ("a/b", b"")], "path/file-and-folder", None);
    check(
        module,
        &[("x", b"1"), ("assets/x", b"2")],
        "package/duplicate-path",
        Some(ErrorKind::DuplicateArtifactEntry),
    );
    check(
        &[("a.wasm", EMPTY), ("modules/a.wasm", EMPTY)],
        &[],
        "package/duplicate-path",
        Some(ErrorKind::DuplicateArtifactEntry),
    );

    let large = vec![0; (16 << 20) + 1];
    check(module, &[("x", &large)], "package/file-too-large", Some(ErrorKind::ArtifactEntryTooLarge));
    let most = &large[1..];
    check(
        module,
        &[("1", most), ("2", most), ("3", most), ("4", most)],
        "package/too-large",
        Some(ErrorKind::ArtifactTooLarge),
    );
    let names: Vec<String> = (0..252).map(|n| n.to_string()).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    check(module, &many, "package/too-many-files", Some(ErrorKind::ArtifactTooManyEntries));
    package(&inputs(&manifest, module, &many[1..]), &key(), &()).expect("256 entries in all");
}

#[test]
fn a_default_module_that_is_not_there_is_a_warning() {
    let manifest = base_manifest();
    let with = |path| package(&inputs(&manifest, &[(path, EMPTY)], &[]), &key(), &()).unwrap();
    assert_eq!(with("ledger.wasm").findings, []);
    let findings = with("other.wasm").findings;
    assert_eq!(findings.iter().map(|finding| finding.rule.code).collect::<Vec<_>>(), ["audit/default-module-missing"]);
    assert_eq!(findings[0].severity, Severity::Warning);
    assert_eq!(findings[0].manifest.as_ref().unwrap().key, "operator.plugin.default_module_path");
}

#[test]
fn documents_that_are_given_are_checked() {
    let manifest = base_manifest();
    let base = inputs(&manifest, &[("a.wasm", EMPTY)], &[]);
    let good: &[u8] = br#"{"bomFormat": "CycloneDX", "specVersion": "1.5"}"#;
    assert_eq!(
        entry(&package(&Inputs { sbom: Some(good), ..base.clone() }, &key(), &()).unwrap(), "sbom.cdx.json"),
        good
    );
    let good: &[u8] = br#"{"builder": {}, "subject": [1]}"#;
    let packaged = package(&Inputs { provenance: Some(good), ..base.clone() }, &key(), &()).unwrap();
    assert_eq!(entry(&packaged, "provenance.json"), good);
    let bad = Inputs { sbom: Some(b"{}"), ..base.clone() };
    assert_eq!(refused(&bad).error_kind(), Some(ErrorKind::InvalidSbom));
    let bad = Inputs { provenance: Some(b"{}"), ..base.clone() };
    assert_eq!(refused(&bad).error_kind(), Some(ErrorKind::InvalidProvenance));
    let twice =
        Inputs { sbom: Some(br#"{"bomFormat": "CycloneDX", "specVersion": "1.5", "a": {"b": 1, "b": 2}}"#), ..base };
    assert!(matches!(refused(&twice), PackageError::RepeatedKey { document: "sbom.cdx.json" }));
}

#[test]
fn what_a_daemon_demands_of_the_documents() {
    for (text, fault) in [
        (r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#, None),
        (r#"{"specVersion":"x","bomFormat":"CycloneDX","components":7}"#, None),
        (r#"[{"bomFormat":"CycloneDX","specVersion":"1.6"}]"#, Some(SbomFault::NotAnObject)),
        (r#"["CycloneDX","1.6"]"#, Some(SbomFault::NotAnObject)),
        ("null", Some(SbomFault::NotAnObject)),
        (r#"{"bomFormat":"cyclonedx","specVersion":"1.6"}"#, Some(SbomFault::BomFormat)),
        (r#"{"bomFormat":"SPDX","bomFormat":"CycloneDX","specVersion":"1.6"}"#, None),
        (r#"{"bomFormat":"CycloneDX","bomFormat":"SPDX","specVersion":"1.6"}"#, Some(SbomFault::BomFormat)),
        (r#"{"specVersion":"1.6"}"#, Some(SbomFault::BomFormat)),
        (r#"{"bomFormat":"CycloneDX","specVersion":""}"#, Some(SbomFault::SpecVersion)),
        (r#"{"bomFormat":"CycloneDX","specVersion":1.6}"#, Some(SbomFault::SpecVersion)),
        (r#"{"bomFormat":"CycloneDX"}"#, Some(SbomFault::SpecVersion)),
        ("{\n \"bomFormat\" \"x\"}", Some(SbomFault::NotJson { line: 2, column: 14 })),
    ] {
        assert_eq!(sbom::check(text.as_bytes()).err(), fault, "{text}");
    }
    for (text, fault) in [
        (r#"{"builder":{},"subject":[1]}"#, None),
        (r#"{"builder":{},"subject":[]}"#, Some(ProvenanceFault::Subject)),
        (r#"{"builder":{},"subject":{}}"#, Some(ProvenanceFault::Subject)),
        (r#"{"builder":{}}"#, Some(ProvenanceFault::Subject)),
        (r#"{"builder":[],"subject":[1]}"#, Some(ProvenanceFault::Builder)),
        (r#"{"builder":"x","subject":[1]}"#, Some(ProvenanceFault::Builder)),
        (r#"{"subject":[1]}"#, Some(ProvenanceFault::Builder)),
        (r#"[{"id":1},[1]]"#, Some(ProvenanceFault::NotAnObject)),
        ("", Some(ProvenanceFault::NotJson { line: 1, column: 0 })),
    ] {
        assert_eq!(provenance::check(text.as_bytes()).err(), fault, "{text}");
    }
    assert_eq!(sbom::has_repeated_keys(br#"{"a":{"b":1},"c":{"b":1}}"#), Ok(false));
    assert_eq!(sbom::has_repeated_keys(br#"{"a":[{"b":1,"b":1}]}"#), Ok(true));
    assert_eq!(provenance::has_repeated_keys(br#"{"a":1,"\u0061":1}"#), Ok(true));
}

#[test]
fn the_sbom_says_what_is_inside() {
    let manifest = base_manifest();
    let mut given = inputs(&manifest, &[("ledger.wasm", EMPTY)], &[("read.txt", b"hello")]);
    given.facts.built_at_unix_ms = Some(1_795_355_105_412);
    let packaged = package(&given, &key(), &()).unwrap();
    let bom = json_entry(&packaged, "sbom.cdx.json");
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&json!("CycloneDX"), &json!("1.6")));
    let metadata = &bom["metadata"];
    assert_eq!(metadata["timestamp"], "2026-11-22T13:45:05Z");
    assert_eq!(metadata["tools"]["components"][0]["name"], "skillyard");
    let root = &metadata["component"];
    assert_eq!((&root["name"], &root["version"]), (&json!("Ledger tools"), &json!("1.4.2")));
    assert_eq!(root["publisher"], "northwind");
    assert_eq!(root["purl"], "pkg:generic/northwind/northwind.ledger_tools@1.4.2");
    let components = bom["components"].as_array().unwrap();
    assert_eq!(components.len(), 2);
    for (component, path, kind, content) in [
        (&components[0], "modules/ledger.wasm", "library", EMPTY),
        (&components[1], "assets/read.txt", "file", b"hello"),
    ] {
        assert_eq!((&component["name"], &component["type"]), (&json!(path), &json!(kind)));
        assert_eq!(component["hashes"], json!([{"alg": "SHA-256", "content": sha256(content)}]));
        let size = json!({"name": "skillyard:bytes", "value": content.len().to_string()});
        assert!(component["properties"].as_array().unwrap().contains(&size));
    }
    let summary = sbom::summary(&entry(&packaged, "sbom.cdx.json")).unwrap();
    assert_eq!((summary.component_count, summary.components.len(), summary.dependency_count), (2, 2, 3));
    assert_eq!(summary.subject.unwrap().name.as_deref(), Some("Ledger tools"));

    // The number names the content.
    let other = package(&inputs(&manifest, &[("ledger.wasm", EMPTY)], &[]), &key(), &()).unwrap();
    assert_ne!(bom["serialNumber"], json_entry(&other, "sbom.cdx.json")["serialNumber"]);
    assert_eq!(json_entry(&other, "sbom.cdx.json")["metadata"].get("timestamp"), None);
}

fn dependency(name: &str, source: &str, build_only: bool, dependencies: &[usize]) -> Dependency {
    Dependency {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        source: source.to_owned(),
        build_only,
        root: name == "tool",
        dependencies: dependencies.to_vec(),
    }
}

#[test]
fn the_sbom_says_what_modules_were_built_from() {
    let manifest: Manifest = toml::from_str(&base_manifest()).unwrap();
    let facts = |more: Vec<Dependency>| ModuleFacts {
        kind: Some("palyra-plugin"),
        is_program: false,
        producers: vec![
            ("language".to_owned(), "Rust".to_owned(), String::new()),
            ("processed-by".to_owned(), "rustc".to_owned(), "1.95.0".to_owned()),
        ],
        imports: (0..300).map(|n| format!("env.f{n}")).collect(),
        dependencies: more,
    };
    let first = facts(vec![
        dependency("tool", "local", false, &[1, 2]),
        dependency("serde", "crates.io", false, &[3]),
        dependency("cc", "crates.io", true, &[]),
        dependency("a/b", "crates.io", false, &[1, 3, 9]),
    ]);
    let second = facts(vec![dependency("cc", "crates.io", false, &[]), dependency("serde", "git", false, &[])]);
    let file = |path| sbom::File { path, bytes: 1, sha256: [7; 32] };
    let modules = [(file("modules/a.wasm"), first), (file("modules/b.wasm"), second)];
    let skill = sbom::Skill { manifest: &manifest, modules: &modules, assets: &[], built_at_unix_ms: None };
    let bytes = sbom::generate(&skill).unwrap();
    assert_eq!(bytes, sbom::generate(&skill).unwrap());
    let bom: Value = serde_json::from_slice(&bytes).unwrap();

    let components: BTreeMap<&str, &Value> =
        bom["components"].as_array().unwrap().iter().map(|c| (c["bom-ref"].as_str().unwrap(), c)).collect();
    assert_eq!(components.len(), bom["components"].as_array().unwrap().len(), "each reference is there once");
    let serde = components["pkg:cargo/serde@1.0.0"];
    assert_eq!((&serde["purl"], &serde["scope"]), (&json!("pkg:cargo/serde@1.0.0"), &json!("required")));
    assert_eq!(components["pkg:cargo/cc@1.0.0"]["scope"], "required", "one module needs it when it runs");
    let from_git = components["pkg:cargo/serde@1.0.0#git"];
    assert_eq!(from_git.get("purl"), None, "its address is not known");
    assert!(components.contains_key("pkg:cargo/a%2Fb@1.0.0"));

    let depends: BTreeMap<&str, Vec<&str>> = bom["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| {
            let on = d["dependsOn"].as_array().into_iter().flatten().map(|r| r.as_str().unwrap()).collect();
            (d["ref"].as_str().unwrap(), on)
        })
        .collect();
    let root = bom["metadata"]["component"]["bom-ref"].as_str().unwrap();
    assert_eq!(depends[root], ["file:modules/a.wasm", "file:modules/b.wasm"]);
    assert_eq!(depends["file:modules/a.wasm"], ["pkg:cargo/tool@1.0.0#local"]);
    assert_eq!(depends["file:modules/b.wasm"], ["pkg:cargo/cc@1.0.0", "pkg:cargo/serde@1.0.0#git"]);
    assert_eq!(depends["pkg:cargo/tool@1.0.0#local"], ["pkg:cargo/cc@1.0.0", "pkg:cargo/serde@1.0.0"]);
    assert_eq!(depends["pkg:cargo/serde@1.0.0"], ["pkg:cargo/a%2Fb@1.0.0"]);
    for on in depends.values().flatten() {
        assert!(components.contains_key(on), "{on}");
    }

    let properties = components["file:modules/a.wasm"]["properties"].as_array().unwrap();
    let has = |name: &str, value: &str| properties.contains(&json!({"name": name, "value": value}));
    assert!(has("skillyard:wasm:kind", "palyra-plugin"));
    assert!(has("skillyard:wasm:producers:language", "Rust"));
    assert!(has("skillyard:wasm:producers:processed-by", "rustc 1.95.0"));
    assert!(has("skillyard:wasm:import", "env.f0"));
    assert!(has("skillyard:wasm:imports_not_listed", "100"));
}

#[test]
fn the_provenance_is_a_statement_about_the_modules() {
    let manifest = base_manifest();
    let mut given = inputs(&manifest, &[("a.wasm", EMPTY), ("b.wasm", EMPTY)], &[("read.txt", b"hello")]);
    given.facts = Facts {
        source: Some(Revision {
            uri: "git+https://ci:s3cret@git.northwind.example/ledger.git".to_owned(),
            commit: "0123456789ABCDEF0123456789abcdef01234567".to_owned(),
        }),
        builder_id: Some("https://ci.northwind.example/runner/7".to_owned()),
        invocation_id: Some("https://ci.northwind.example/runs/42".to_owned()),
        started_at_unix_ms: Some(0),
        built_at_unix_ms: Some(1_795_355_105_412),
    };
    let packaged = package(&given, &key(), &()).unwrap();
    let text = String::from_utf8(entry(&packaged, "provenance.json")).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let statement: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let digest = json!({"sha256": sha256(EMPTY)});
    let subjects = json!([{"name": "modules/a.wasm", "digest": digest}, {"name": "modules/b.wasm", "digest": digest}]);
    assert_eq!(statement["subject"], subjects);
    assert_eq!(statement["builder"]["id"], "https://ci.northwind.example/runner/7");
    let definition = &statement["predicate"]["buildDefinition"];
    assert_eq!(
        definition["resolvedDependencies"],
        json!([
            {
                "uri": "git+https://git.northwind.example/ledger.git",
                "digest": {"gitCommit": "0123456789abcdef0123456789abcdef01234567"}
            },
            {"name": "assets/read.txt", "digest": {"sha256": sha256(b"hello")}}
        ])
    );
    assert_eq!(definition["externalParameters"]["skill_id"], "northwind.ledger_tools");
    let run = &statement["predicate"]["runDetails"];
    assert_eq!(run["builder"], statement["builder"]);
    assert_eq!(
        run["metadata"],
        json!({
            "invocationId": "https://ci.northwind.example/runs/42",
            "startedOn": "1970-01-01T00:00:00Z",
            "finishedOn": "2026-11-22T13:45:05Z"
        })
    );

    let summary = provenance::summary(text.as_bytes()).unwrap();
    assert!(summary.self_declared);
    assert_eq!(summary.builder_id.as_deref(), Some("https://ci.northwind.example/runner/7"));
    assert_eq!(summary.sources[0].digest.as_deref(), Some("0123456789abcdef0123456789abcdef01234567"));
    assert_eq!((summary.subject_count, summary.subjects.len()), (2, 2));

    let plain = package(&inputs(&manifest, &[("a.wasm", EMPTY)], &[]), &key(), &()).unwrap();
    let summary = provenance::summary(&entry(&plain, "provenance.json")).unwrap();
    assert_eq!(summary.builder_id.as_deref(), Some(provenance::LOCAL_BUILDER));
    assert_eq!((summary.sources, summary.started_on), (vec![], None));
}

#[test]
fn facts_that_do_not_do() {
    let manifest = base_manifest();
    let with = |facts: Facts| {
        let error = refused(&Inputs { facts, ..inputs(&manifest, &[("a.wasm", EMPTY)], &[]) });
        assert!(matches!(error, PackageError::Fact(_)), "{error}");
        error.to_string()
    };
    let source = |uri: &str, commit: &str| Facts {
        source: Some(Revision { uri: uri.to_owned(), commit: commit.to_owned() }),
        ..Facts::default()
    };
    let commit = "0".repeat(40);
    assert!(with(source("https://a.example/x", "main")).contains("git rev-parse"));
    assert!(with(source("git@a.example:x.git", &commit)).contains("no URI"));
    let shown = with(source("https://me:hunter2@a.example/x y", &commit));
    assert!(shown.contains("no URI") && !shown.contains("hunter2"), "{shown}");
    assert!(with(Facts { builder_id: Some("me".to_owned()), ..Facts::default() }).contains("no URI"));
    assert!(with(Facts { invocation_id: Some("a\u{202e}b".to_owned()), ..Facts::default() }).contains("invocation"));
    assert!(with(Facts { built_at_unix_ms: Some(-1), ..Facts::default() }).contains("1970"));
    assert!(with(Facts { started_at_unix_ms: Some(i64::MAX), ..Facts::default() }).contains("9999"));
}

#[test]
fn summaries_of_documents_of_others() {
    let odd = br#"{"bomFormat":"CycloneDX","specVersion":1,"metadata":[1],"components":[{"name":7,"version":"2"},"x",null,[]],
        "dependencies":{"a":1}}"#;
    let summary = sbom::summary(odd).unwrap();
    assert_eq!((summary.component_count, summary.components.len(), summary.spec_version), (4, 1, None));
    assert_eq!(summary.components[0].version.as_deref(), Some("2"));
    assert_eq!(sbom::summary(b"[]"), Err(SbomFault::NotAnObject));
    assert!(sbom::summary(br#"{"specVersion":"1","specVersion":"2"}"#).is_err());
    let many = format!(r#"{{"components":[{}{{}}]}}"#, "{},".repeat(5000));
    let summary = sbom::summary(many.as_bytes()).unwrap();
    assert_eq!((summary.component_count, summary.components.len()), (5001, 1000));

    let recorded = br#"{"builder": {"id": "local"}, "subject": [{"name": "ledger"}]}"#;
    let summary = provenance::summary(recorded).unwrap();
    assert!(summary.self_declared);
    assert_eq!(summary.builder_id.as_deref(), Some("local"));
    assert_eq!(summary.subjects, [(Some("ledger".to_owned()), None)]);
}

fn found(path: &str, content: &str) -> Vec<&'static str> {
    secrets::scan(path, content.as_bytes()).iter().map(|finding| finding.rule.code).collect()
}

#[test]
fn likely_secrets() {
    for name in [
        ".env",
        "config/.env.production",
        "prod.env/.env",
        "id_ed25519",
        ".ssh/id_rsa",
        ".npmrc",
        ".aws/credentials",
        "tls/server.key",
        "a.p12",
        "config/prod.env",
    ] {
        assert_eq!(found(name, ""), ["package/secret-file"], "{name}");
    }
    for name in [
        ".env.example",
        "example.env",
        "id_ed25519.pub",
        "environment.md",
        "env",
        "key.txt",
        "monkey.png",
        "keys/README.md",
        "a.pem",
    ] {
        assert_eq!(found(name, ""), [""; 0], "{name}");
    }
    // Written in two halves, so that nothing that scans this repository takes them for real.
    let key = ["-----BEGIN ", "PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIKyuE4Cbvpwnj+xywn/Ca7Ysv5qs9vyxlvbLD2Bg4XQn\n"]
        .concat();
    assert_eq!(found("a.pem", &key), ["package/private-key"]);
    assert_eq!(found("a.json", &format!("{{\"k\":\"{}\"}}", key.replace('\n', "\\n"))), ["package/private-key"]);
    let traditional =
        ["-----BEGIN RSA ", "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", &"A".repeat(64)]
            .concat();
    assert_eq!(found("a", &traditional), ["package/private-key"]);
    // The same key in other dresses: twice in base64, in DER, in UTF-16.
    let twice = STANDARD.encode(&key);
    assert_eq!(found("a.yaml", &format!("data: {twice}\n")), ["package/private-key"]);
    assert_eq!(found("a.txt", key.lines().nth(1).unwrap()), ["package/private-key"]);
    let der = STANDARD.decode(key.lines().nth(1).unwrap()).unwrap();
    let codes =
        |content: &[u8]| secrets::scan("a", content).iter().map(|finding| finding.rule.code).collect::<Vec<_>>();
    assert_eq!(codes(&[b"\0\x01\x02", &der[..]].concat()), ["package/private-key"]);
    for units in [u16::to_le_bytes, u16::to_be_bytes] {
        let wide: Vec<u8> = key.encode_utf16().flat_map(units).collect();
        assert_eq!(codes(&wide), ["package/private-key"]);
        assert_eq!(codes(&[&units(0xfeff)[..], &wide].concat()), ["package/private-key"]);
    }
    let certificate =
        STANDARD.encode(format!("{}{}", "-----BEGIN CERTIFICATE-----\n", "MIIB0DCCAXegAwIBAgIU".repeat(20)));
    assert_eq!(found("a", &certificate), [""; 0], "nothing secret");
    assert_eq!(
        found("a", "looks for \"-----BEGIN PRIVATE KEY-----\" in the text"),
        [""; 0],
        "a program that reads keys"
    );
    assert_eq!(
        found("a", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAd9fWpm5/k4OMsexWdx6LGWGOJVHkhvMp9PpsX27XCRw=\n"),
        [""; 0]
    );
    for (start, rest) in [
        ("AKIA", "Q3EXAMPLE7654321"),
        ("ghp_", "0123456789abcdefghijABCDEFGHIJ012345"),
        ("glpat-", "0123456789abcdefABCD"),
        ("xoxb-", "123456789012-123456789012-abcdefABCDEF"),
        ("AIza", "SyA0123456789abcdefghijklmnopqrstuv"),
        ("sk_live_", "0123456789abcdefABCDEFGH"),
        ("npm_", "0123456789abcdefghijABCDEFGHIJ012345"),
        ("hf_", "abcdefghijABCDEFGHIJabcdefghijABCD"),
        ("sk-", "0123456789abcdefABCDT3BlbkFJ0123456789abcdefABCD"),
    ] {
        let token = [start, rest].concat();
        assert_eq!(found("a.txt", &format!("see: {token}\n")), ["package/token"], "{token}");
        let finding = &secrets::scan("a.txt", format!("\nx={token}").as_bytes())[0];
        assert!(finding.message.contains("line 2") && !finding.message.contains(rest), "{}", finding.message);
        let range = finding.byte_range.clone().unwrap();
        assert_eq!(usize::try_from(range.end - range.start).unwrap(), token.len());
    }
    for secret in [
        "api_key = \"q7Zr1LmX0pB4tVn8sKd2HwYc\"",
        "\"client_secret\": \"q7Zr1LmX0pB4tVn8sKd2HwYc\"",
        "export DB_PASSWORD=q7Zr1LmX0pB4tVn8sKd2HwYc",
        "access-token: q7Zr1LmX0pB4tVn8sKd2HwYc",
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIaK7MDENGbbPxRfiCYzzzzAKEYqw",
        "curl -H 'Authorization: Bearer q7Zr1LmX0pB4tVn8sKd2HwYc' https://a.example",
        "\"authorization\": \"Bearer q7Zr1LmX0pB4tVn8sKd2HwYc\"",
        "url = postgres://app:n0tForYou@db.acme.example/ledger",
        "https://:n0tForYou@acme.example/",
    ] {
        assert_eq!(found("a.txt", secret), ["package/secret-value"], "{secret}");
    }
    for innocent in [
        "api_key = \"your-api-key-goes-here-please\"",
        "password = os.environ[\"DB_PASSWORD\"]",
        "token_url = https://auth.example.com/oauth/token",
        "secrets: the ledger_api_key that the skill asks for",
        "max_tokens = 100000000000000000000000000",
        "secret = \"xxxxxxxxxxxxxxxxxxxxxxxxxxxx1\"",
        "sha256 = \"32e9891ae7d3cedff10d21cea1ae3a989d4fb5424b89b9c2f93328535cf30af7\"",
        "password_hash_algorithm = argon2id-with-defaults",
        "MyAKIAQ3EXAMPLE76543210000",
        "secret_name = projects/my-project/secrets/db-password",
        "password_label = billingAddressPasswordConfirmation",
        "token_method = getAccessTokenFromRefreshToken",
        "key: kubernetes.io/service-account-token-name",
        "TOKEN_NAME=PASSWORD_RESET_TOKEN_EXPIRES_IN_HOURS",
        "token_source: isOkToUseMyOwnKeyAsToken",
        "integrity sha512-z6cBlBv9ZzjJPP1LDVHSmLEfxQ4DGPyqmEYHBOn2jYJhYcqW1rYJ1Y3mGmQv3VzL8sFqPpRrWbZyHnTtXw0uKQ==",
        "id = 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "src: url(data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk)",
        "Authorization: Bearer YOUR_ACCESS_TOKEN_GOES_HERE",
        "Authorization: Bearer ${ACCESS_TOKEN_OF_THE_SERVICE}",
        "postgres://user:password@localhost/db",
        "redis://:${REDIS_PASSWORD}@cache:6379",
        "https://user:%s@a.example/",
        "amqp://me:my-password@host",
        "see http://a.example:8080/@scope/name and mailto:a@b.example",
    ] {
        assert_eq!(found("a.txt", innocent), [""; 0], "{innocent}");
    }
}

/// What a generator makes is told from words nearly always, whatever its letters are.
#[test]
fn random_values_are_told_from_words() {
    const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
    const SAMPLES: u32 = 1500;
    let mixed = [UPPER, LOWER, "0123456789"].concat();
    for (alphabet, length, most) in [
        (mixed.clone(), 24, 30),
        (mixed.clone(), 32, 20),
        (mixed.clone(), 40, 10),
        (format!("{mixed}+/"), 40, 10),
        (format!("{mixed}_-"), 43, 10),
        ([LOWER, "0123456789"].concat(), 32, 20),
        ([UPPER, "234567"].concat(), 32, 60),
        ("0123456789abcdef".to_owned(), 32, 20),
        ("0123456789abcdef".to_owned(), 64, 5),
    ] {
        let missed = (0..SAMPLES).filter(|seed| {
            let mut value = String::new();
            for block in 0_u32.. {
                let bytes = Sha256::digest([seed.to_be_bytes(), block.to_be_bytes()].concat());
                // Bytes that would make some letters likelier are passed over.
                let fair = bytes.iter().filter(|byte| usize::from(**byte) < 256 / alphabet.len() * alphabet.len());
                value.extend(fair.map(|byte| char::from(alphabet.as_bytes()[usize::from(*byte) % alphabet.len()])));
                if value.len() >= length {
                    break;
                }
            }
            value.truncate(length);
            found("a.txt", &format!("SECRET_KEY={value}\n")).is_empty()
        });
        let missed = missed.count();
        assert!(missed <= most, "{missed} of {SAMPLES} of {length} of {alphabet}");
    }
}

#[test]
fn the_signing_key_is_never_packaged() {
    let manifest = base_manifest();
    for held in [
        b"\x11".repeat(32),
        hex(&[0x11; 32]).into_bytes(),
        b"\n\"ERERERERERERERERERERERERERERERERERERERERERE=\"".to_vec(),
    ] {
        let error = refused(&inputs(&manifest, &[("a.wasm", EMPTY)], &[("notes", &held)]));
        assert_eq!(codes(&error), ["package/signing-key"]);
        assert!(!error.to_string().contains("1111"), "{error}");
    }
    // Wherever it stands in what is packaged.
    let secret = hex(&[0x11; 32]);
    let in_manifest = manifest.replacen("Read and post ledger rows", &secret, 1);
    assert!(in_manifest.contains(&secret));
    let sbom = format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","x":"{secret}"}}"#);
    let provenance = format!(r#"{{"builder":{{"id":"x"}},"subject":[{{"name":"{secret}"}}]}}"#);
    let base = inputs(&manifest, &[("a.wasm", EMPTY)], &[]);
    let source = Revision { uri: format!("git+https://x.example/{secret}"), commit: "0".repeat(40) };
    for (place, given) in [
        ("skill.toml", inputs(&in_manifest, &[("a.wasm", EMPTY)], &[])),
        ("sbom.cdx.json", Inputs { sbom: Some(sbom.as_bytes()), ..base.clone() }),
        ("provenance.json", Inputs { provenance: Some(provenance.as_bytes()), ..base.clone() }),
        ("provenance.json", Inputs { facts: Facts { source: Some(source), ..Facts::default() }, ..base.clone() }),
    ] {
        let error = refused(&given);
        let PackageError::Refused(findings) = &error else { panic!("{place}: {error}") };
        assert!(findings.iter().any(|found| found.rule.code == "package/signing-key"), "{place}: {error}");
        // What the manifest says stands in a made SBOM too.
        assert_eq!(findings[0].entry.as_deref(), Some(place), "{findings:?}");
        assert!(!error.to_string().contains("1111"), "{error}");
    }
    // A name is packaged too, and is not repeated.
    let error = refused(&inputs(&manifest, &[("a.wasm", EMPTY)], &[(&secret, b"x")]));
    let PackageError::Refused(findings) = &error else { panic!("{error}") };
    assert_eq!(codes(&error), ["package/signing-key"]);
    assert!(!format!("{findings:?} {error}").contains("1111"), "{error}");
    // A comment is not packaged.
    let commented = format!("{manifest}\n# {secret}\n");
    package(&inputs(&commented, &[("a.wasm", EMPTY)], &[]), &key(), &()).unwrap();
    let warned = package(&inputs(&manifest, &[("ledger.wasm", EMPTY)], &[(".env", b"A=1")]), &key(), &()).unwrap();
    assert_eq!(warned.findings[0].rule.code, "package/secret-file");
    assert_eq!(warned.findings[0].entry.as_deref(), Some("assets/.env"));
}

/// An artifact's manifest is read up to a number of lines, commas and braces; writing it makes a line of each value.
#[test]
fn a_manifest_of_too_many_items_says_so() {
    let base = base_manifest();
    let with = |values: usize| {
        let values: Vec<String> = (0..values).map(|at| format!("\"v{at}\"")).collect();
        let schema = "[entrypoints.tools.input_schema]\n";
        assert!(base.contains(schema), "{base}");
        base.replacen(schema, &format!("{schema}enum = [{}]\n", values.join(",")), 1)
    };
    let many = with(20_000);
    let error = refused(&inputs(&many, &[("ledger.wasm", EMPTY)], &[]));
    let PackageError::ManifestTooLong { items } = error else { panic!("{error}") };
    assert!(items > 40_000, "{items}");
    let told = error.to_string();
    assert!(told.contains("16384") && told.contains("`enum`") && !told.contains("verify"), "{told}");
    assert_eq!(error.error_kind(), None, "a daemon's builder packages it");
    package(&inputs(&with(7_000), &[("ledger.wasm", EMPTY)], &[]), &key(), &()).unwrap();
    // Comments are not packaged, so they do not count.
    let commented = format!("{base}{}", "# a, b\n".repeat(20_000));
    package(&inputs(&commented, &[("ledger.wasm", EMPTY)], &[]), &key(), &()).unwrap();
}

/// What a rule's page says of sizes is what is enforced.
#[test]
fn the_rules_name_the_limits() {
    use skillyard_artifact::{limits::*, package::FAMILY};
    let page = |code: &str| FAMILY.rules.iter().find(|rule| rule.code == code).unwrap();
    let (mib, kib) = (|bytes: u64| format!("{} MiB", bytes >> 20), |bytes: u64| format!("{} KiB", bytes >> 10));
    let rule = page("package/file-too-large");
    assert!(rule.summary.contains(&mib(MAX_ENTRY_BYTES)));
    let details = rule.details;
    assert!(details.contains(&format!("no entry above {}", mib(MAX_ENTRY_BYTES))), "{details}");
    assert!(details.contains(&format!("provenance above {}", mib(MAX_DOCUMENT_BYTES))), "{details}");
    assert!(details.contains(&format!("manifest above {}", kib(MAX_MANIFEST_BYTES))), "{details}");
    let rule = page("package/too-large");
    assert!(rule.summary.contains(&mib(MAX_TOTAL_BYTES)) && rule.details.contains(&mib(MAX_ARCHIVE_BYTES)));
    let rule = page("package/too-many-files");
    assert!(rule.summary.contains(&MAX_ENTRIES.to_string()));
    assert!(rule.details.contains(&(MAX_ENTRIES - 4).to_string()), "{}", rule.details);
}

/// Nobody could run them: an audit fails them, so they would be signed for nothing.
#[test]
fn modules_that_do_not_validate_are_not_signed() {
    let manifest = base_manifest();
    let sound = wat::parse_str("(module (func (export \"run\") (result i32) i32.const 0))").unwrap();
    let threads = wat::parse_str("(module (memory 1 1 shared))").unwrap();
    let wrong = wat::parse_str("(module (func (result i32)))").unwrap();
    for (content, rule, why) in [
        (&sound[..sound.len() - 3], "module/invalid", "unexpected end"),
        (&wrong, "module/invalid", "type mismatch"),
        (&threads, "module/unsupported-feature", "threads"),
    ] {
        let error = refused(&inputs(&manifest, &[("a.wasm", &sound), ("b.wasm", content)], &[]));
        assert_eq!(codes(&error), [rule], "{error}");
        let PackageError::Refused(findings) = &error else { panic!("{error}") };
        assert_eq!(findings[0].entry.as_deref(), Some("modules/b.wasm"));
        assert!(error.to_string().contains("`modules/b.wasm`") && error.to_string().contains(why), "{error}");
        assert_eq!(error.error_kind(), None, "a daemon's builder packages anything");
    }
    let both = [("a.wasm", &sound[..sound.len() - 3]), ("b.wasm", threads.as_slice())];
    assert_eq!(codes(&refused(&inputs(&manifest, &both, &[]))), ["module/invalid", "module/unsupported-feature"]);
    package(&inputs(&manifest, &[("ledger.wasm", &sound)], &[]), &key(), &()).unwrap();
}

/// Ends the work at the `n`th report.
struct Ends(AtomicUsize);

impl Progress for Ends {
    fn at(&self, _: &'static str, done: u64, total: u64) -> Result<(), Cancelled> {
        assert!(done <= total);
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(|_| ()).map_err(|_| Cancelled)
    }
}

#[test]
fn it_can_be_ended_at_every_step() {
    let manifest = base_manifest();
    let inputs = inputs(&manifest, &[("a.wasm", EMPTY)], &[("x", b"1")]);
    let ended = (0..100).take_while(|&steps| match package(&inputs, &key(), &Ends(AtomicUsize::new(steps))) {
        Ok(_) => false,
        Err(PackageError::Cancelled) => true,
        Err(error) => panic!("{error}"),
    });
    assert!((3..100).contains(&ended.count()));
}

#[test]
fn nothing_of_the_files_is_shown_raw() {
    let manifest = base_manifest();
    let nasty = "a\u{1b}[2J\u{202e}.wasm/../x";
    let error = refused(&inputs(&manifest, &[("a.wasm", EMPTY)], &[(nasty, b"")]));
    let PackageError::Refused(findings) = &error else { panic!("{error}") };
    for text in [error.to_string(), findings[0].message.clone(), findings[0].entry.clone().unwrap()] {
        assert!(!text.contains(skillyard_manifest::is_unseen), "{text:?}");
    }
}
