//! Artifacts made by hand: honest ones, and every way in which an archive can lie.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "shared by tests, which fail by a panic")]

use std::{collections::BTreeMap, fs, io::Write as _, path::PathBuf};

use ed25519_dalek::{Signer as _, SigningKey};
use flate2::{Compression, write::DeflateEncoder};
use skillyard_artifact::{
    integrity::{hex, payload_hash, sha256},
    signature::{self, Signature},
    trust::{PublicKey, TrustStore},
    verify::{Verification, VerifyOptions, verify},
};
use skillyard_manifest::{Severity, grammar::PALYRA_VERSION};

/// The files of an artifact by their names.
pub type Files = BTreeMap<String, Vec<u8>>;

pub const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const SIGNED_AT: i64 = 1_700_000_000_000;

pub fn recorded(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/artifacts");
    fs::read(folder.join(format!("{name}.palyra-skill"))).unwrap()
}

pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn public(key: &SigningKey) -> PublicKey {
    PublicKey(key.verifying_key().to_bytes())
}

/// The manifest of an artifact, without its list of files.
pub const MANIFEST: &str = r#"manifest_version = 2
skill_id = "acme.echo"
name = "Echo"
version = "1.0.0"
publisher = "acme"

[[entrypoints.tools]]
id = "acme.echo"
name = "Echo"
description = "Says it again."

[entrypoints.tools.input_schema]
type = "object"

[entrypoints.tools.output_schema]
type = "object"

[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"

[operator]
display_name = "Echo"
"#;

/// Documents and one module; no manifest yet.
pub fn parts() -> Files {
    [
        ("assets/a.txt", b"some text".as_slice()),
        ("modules/echo.wasm", MODULE),
        ("provenance.json", br#"{"builder": {"id": "x"}, "subject": [{"name": "x"}]}"#),
        ("sbom.cdx.json", br#"{"bomFormat": "CycloneDX", "specVersion": "1.6"}"#),
    ]
    .map(|(name, content)| (name.to_owned(), content.to_vec()))
    .into()
}

/// The manifest's list of `files`.
pub fn listing(files: &Files) -> String {
    let listed = files.iter().filter(|(name, _)| !matches!(name.as_str(), "skill.toml" | "signature.json"));
    listed
        .map(|(name, content)| {
            format!("\n[[integrity.files]]\npath = {:?}\nsha256 = \"{}\"\n", name.trim(), hex(&sha256(content)))
        })
        .collect()
}

/// `files` with the manifest `text` and its list.
pub fn with_manifest(mut files: Files, text: &str) -> Files {
    let manifest = format!("{text}{}", listing(&files));
    files.insert("skill.toml".to_owned(), manifest.into_bytes());
    files
}

/// `files` with a signature by [`key`].
pub fn signed(files: Files, publisher: &str) -> Files {
    resigned(files, publisher, |_| {})
}

/// `files` with a signature that `change` changes before it is written.
pub fn resigned(mut files: Files, publisher: &str, change: impl FnOnce(&mut Signature)) -> Files {
    let payload = payload_hash(files.iter().map(|(name, content)| (name.as_str(), content.as_slice())));
    let key = key();
    let mut signature =
        signature::sign(publisher, &payload, public(&key), SIGNED_AT, |message| key.sign(message).to_bytes());
    change(&mut signature);
    files.insert("signature.json".to_owned(), signature.to_json().into_bytes());
    files
}

/// The files of a good artifact.
pub fn good() -> Files {
    signed(with_manifest(parts(), MANIFEST), "acme")
}

/// The payload hash of `files`.
pub fn payload(files: &Files) -> [u8; 32] {
    payload_hash(files.iter().map(|(name, content)| (name.as_str(), content.as_slice())))
}

/// One entry as both headers have it, and where they differ.
#[derive(Clone)]
pub struct Raw {
    pub name: Vec<u8>,
    pub local_name: Option<Vec<u8>>,
    pub data: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub time: u16,
    pub date: u16,
    pub crc: u32,
    pub size: u32,
    pub compressed: Option<u32>,
    pub version: u16,
    pub made_by: u16,
    pub internal: u16,
    pub external: u32,
    pub disk: u16,
    pub extra_local: Vec<u8>,
    pub extra_central: Vec<u8>,
    pub comment: Vec<u8>,
    pub offset: Option<u32>,
    /// Bytes in front of the local header.
    pub gap: Vec<u8>,
    /// Changes to the local header alone, made after it was written.
    pub patch_local: Vec<(usize, u8)>,
}

pub fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

impl Raw {
    pub fn new(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            local_name: None,
            data: deflated(content),
            method: 8,
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            time: 0,
            date: 0x21,
            crc: crc32fast::hash(content),
            size: u32::try_from(content.len()).unwrap(),
            compressed: None,
            version: 20,
            made_by: 0x0314,
            internal: 0,
            external: 0o100_644 << 16,
            disk: 0,
            extra_local: Vec::new(),
            extra_central: Vec::new(),
            comment: Vec::new(),
            offset: None,
            gap: Vec::new(),
            patch_local: Vec::new(),
        }
    }

    pub fn stored(name: &str, content: &[u8]) -> Self {
        Self { data: content.to_vec(), method: 0, ..Self::new(name, content) }
    }

    fn shared(&self, name: &[u8]) -> Vec<u8> {
        let compressed = self.compressed.unwrap_or(u32::try_from(self.data.len()).unwrap());
        let mut out = Vec::new();
        for field in [self.version, self.flags, self.method, self.time, self.date] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.crc, compressed, self.size] {
            out.extend(field.to_le_bytes());
        }
        out.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        out
    }
}

/// The end record's fields: records here, records, size, offset, comment.
pub struct End {
    pub records: u16,
    pub records_here: u16,
    pub size: u32,
    pub offset: u32,
    pub comment: Vec<u8>,
}

/// An archive of `raws`, with an end record that `change` changes.
pub fn archive_with(raws: &[Raw], change: impl FnOnce(&mut End)) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for raw in raws {
        out.extend(&raw.gap);
        let at = out.len();
        let local_name = raw.local_name.as_ref().unwrap_or(&raw.name);
        out.extend(b"PK\x03\x04");
        out.extend(raw.shared(local_name));
        out.extend(u16::try_from(raw.extra_local.len()).unwrap().to_le_bytes());
        out.extend(local_name);
        out.extend(&raw.extra_local);
        out.extend(&raw.data);
        for (place, byte) in &raw.patch_local {
            out[at + place] = *byte;
        }
        directory.extend(b"PK\x01\x02");
        directory.extend(raw.made_by.to_le_bytes());
        directory.extend(raw.shared(&raw.name));
        for field in [raw.extra_central.len(), raw.comment.len()] {
            directory.extend(u16::try_from(field).unwrap().to_le_bytes());
        }
        for field in [raw.disk, raw.internal] {
            directory.extend(field.to_le_bytes());
        }
        directory.extend(raw.external.to_le_bytes());
        directory.extend(raw.offset.unwrap_or(u32::try_from(at).unwrap()).to_le_bytes());
        directory.extend(&raw.name);
        directory.extend(&raw.extra_central);
        directory.extend(&raw.comment);
    }
    let count = u16::try_from(raws.len()).unwrap_or(u16::MAX);
    let mut end = End {
        records: count,
        records_here: count,
        size: u32::try_from(directory.len()).unwrap(),
        offset: u32::try_from(out.len()).unwrap(),
        comment: Vec::new(),
    };
    change(&mut end);
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(end.records_here.to_le_bytes());
    out.extend(end.records.to_le_bytes());
    out.extend(end.size.to_le_bytes());
    out.extend(end.offset.to_le_bytes());
    out.extend(u16::try_from(end.comment.len()).unwrap().to_le_bytes());
    out.extend(end.comment);
    out
}

pub fn archive(raws: &[Raw]) -> Vec<u8> {
    archive_with(raws, |_| {})
}

pub fn raws(files: &Files) -> Vec<Raw> {
    files.iter().map(|(name, content)| Raw::new(name, content)).collect()
}

/// `files` packed as a builder packs them.
pub fn pack(files: &Files) -> Vec<u8> {
    archive(&raws(files))
}

/// The verdict against an empty store, with first use allowed.
pub fn verified(bytes: &[u8]) -> Verification<'_> {
    verify(bytes, &VerifyOptions { trust: &TrustStore::default(), allow_tofu: true, palyra: PALYRA_VERSION }, &())
        .unwrap()
}

/// The codes of the errors.
pub fn errors(verification: &Verification<'_>) -> Vec<&'static str> {
    verification.findings.iter().filter(|f| f.severity == Severity::Error).map(|f| f.rule.code).collect()
}

/// Fails unless `bytes` is refused with an error of the rule `code`.
#[track_caller]
pub fn refused(bytes: &[u8], code: &str) {
    let verification = verified(bytes);
    assert!(!verification.accepted, "accepted, {code} was expected");
    assert!(errors(&verification).contains(&code), "{code} is not among {:?}", verification.findings);
}
