//! What the tests of modules and of the audit share.
#![allow(dead_code, reason = "each test uses its part")]

use std::{
    io::{Cursor, Read as _},
    path::PathBuf,
};

/// A file of the recorded verdicts.
pub fn conformance(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance").join(name)
}

/// The entries of an archive, the last of a repeated name.
pub fn unzip(what: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    // One record has 70 KB behind its end, further than this crate looks back.
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06").unwrap();
    let comment = usize::from(u16::from_le_bytes([bytes[end + 20], bytes[end + 21]]));
    let bytes = &bytes[..bytes.len().min(end + 22 + comment)];
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap_or_else(|e| panic!("{what}: {e}"));
    (0..archive.len())
        .map(|i| {
            let mut entry = archive.by_index(i).unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.name().unwrap().replace('\\', "/").trim().to_owned(), content)
        })
        .collect()
}

use skillyard_artifact::{
    Finding,
    audit::{Policy, Report, Subject, audit},
};
use skillyard_manifest::model::Manifest;

/// A good manifest with `more` behind it.
pub fn manifest(more: &str) -> Manifest {
    let text = format!(
        "skill_id = \"acme.echo\"\nname = \"Echo\"\nversion = \"1.0.0\"\npublisher = \"acme\"\n\
         [compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n\
         [[entrypoints.tools]]\nid = \"acme.echo.say\"\nname = \"Say\"\ndescription = \"Says it again\"\n\
         input_schema = {{}}\noutput_schema = {{}}\n{more}\n"
    );
    let manifest: Manifest = toml::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    skillyard_manifest::validate(&manifest).unwrap_or_else(|e| panic!("{e}\n{text}"));
    manifest
}

/// The binary of a module in the text format.
pub fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|e| panic!("{e}"))
}

/// The audit of a folder with these modules, by the default policy.
pub fn audit_of(manifest: &Manifest, modules: &[(&str, &[u8])]) -> Report {
    let warnings = skillyard_manifest::warnings(manifest);
    let subject = Subject { manifest, warnings: &warnings, modules, sbom: false, provenance: false, signature: None };
    audit(&subject, &Policy::default(), 0, None, &()).unwrap()
}

/// The one finding with this code.
pub fn found<'r>(report: &'r Report, code: &str) -> &'r Finding {
    let all: Vec<_> = report.findings.iter().filter(|finding| finding.rule.code == code).collect();
    assert_eq!(all.len(), 1, "{code} among {:#?}", report.findings);
    all[0]
}

/// The codes of all findings, in their order.
pub fn codes(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.rule.code).collect()
}
