//! The documents that packaging makes, before those who know: the libraries of CycloneDX and in-toto.

#![allow(clippy::expect_used, reason = "a test that cannot go on says so and fails")]

use std::{
    env, fs,
    io::{Cursor, Read as _},
    path::{Path, PathBuf},
    process::Command,
};

use skillyard_artifact::{
    keys::{SigningKey, Source},
    package::{File, Inputs, package},
    provenance::{Facts, Revision},
};
use skillyard_manifest::grammar::Version;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What the judges say of the documents below `folders`.
fn judge(folders: &[PathBuf]) -> String {
    let python = env::var_os("SKILLYARD_TEST_JUDGES")
        .expect("SKILLYARD_TEST_JUDGES names a Python with the judges; `cargo xtask test` sets it");
    let output = Command::new(python)
        .arg(Path::new(ROOT).join("tests/judges/judge.py"))
        .args(folders)
        .output()
        .expect("the judges run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A number in LEB128.
fn leb(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    [leb(bytes.len()), bytes.to_vec()].concat()
}

/// A module with custom sections and imports of functions.
fn module(imports: &[(&str, &str)], customs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    if !imports.is_empty() {
        module.extend(b"\x01\x04\x01\x60\0\0");
        let mut section = leb(imports.len());
        for (from, name) in imports {
            section.extend([counted(from.as_bytes()), counted(name.as_bytes()), vec![0, 0]].concat());
        }
        module.push(2);
        module.extend(counted(&section));
    }
    for (name, content) in customs {
        module.push(0);
        module.extend(counted(&[counted(name.as_bytes()), content.clone()].concat()));
    }
    module
}

/// The `producers` section of <https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md>.
fn producers(fields: &[(&str, &[(&str, &str)])]) -> Vec<u8> {
    let mut section = leb(fields.len());
    for (field, values) in fields {
        section.extend([counted(field.as_bytes()), leb(values.len())].concat());
        for (name, version) in *values {
            section.extend([counted(name.as_bytes()), counted(version.as_bytes())].concat());
        }
    }
    section
}

/// `text` as zlib, in one stored block (RFC 1950 and RFC 1951).
fn zlib(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("one block");
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in text.bytes() {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    let mut bytes = vec![0x78, 0x01, 0x01];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend((b << 16 | a).to_be_bytes());
    bytes
}

fn skills(into: &Path) -> Vec<PathBuf> {
    let base = |name: &str| {
        fs::read_to_string(Path::new(ROOT).join("tests/conformance/manifests").join(name)).expect("a recorded manifest")
    };
    let packages = r#"{"packages":[
        {"name":"adler2","version":"2.0.1","source":"crates.io"},
        {"name":"libc","version":"0.2.177+x","source":"registry","kind":"build"},
        {"name":"näme ?#","version":"1.0.0 beta","source":"crates.io","dependencies":[0]},
        {"name":"tool","version":"0.1.0","source":"local","dependencies":[0,1,2],"root":true}]}"#;
    let rich = module(
        &[("wasi_snapshot_preview1", "fd_write"), ("env", "a\u{1}\u{202e}b"), ("", "")],
        &[
            ("producers", producers(&[("language", &[("Rust", "")]), ("processed-by", &[("rustc", "1.95.0 (é)")])])),
            (".dep-v0", zlib(packages)),
        ],
    );
    let plain = module(&[], &[]);
    let odd_names =
        base("001-base--v2.toml").replace("name = \"Ledger tools\"", "name = \"Ledger \\\"tools\\\" ✓ <&>\"");
    let facts = Facts {
        source: Some(Revision {
            uri: "git+ssh://git@git.northwind.example/ledger.git".to_owned(),
            commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        }),
        builder_id: Some("urn:uuid:6a5b2c1e-0000-4000-8000-000000000000".to_owned()),
        invocation_id: Some("run 42 ✓".to_owned()),
        started_at_unix_ms: Some(1_795_355_100_000),
        built_at_unix_ms: Some(1_795_355_105_412),
    };
    let one: &[(&str, &[u8])] = &[("ledger.wasm", &plain)];
    let two: &[(&str, &[u8])] = &[("ledger.wasm", &rich), ("a folder/ü.wasm", &plain)];
    let assets: &[(&str, &[u8])] = &[("prompts/read me.txt", b"hello"), ("empty", b""), ("ü/☃", b"x")];
    let cases = [
        ("v1", base("000-base--v1.toml"), one, &[][..], Facts::default()),
        ("v2", base("001-base--v2.toml"), one, assets, Facts::default()),
        ("builder", base("002-base--v2-builder.toml"), two, assets, facts.clone()),
        ("odd-names", odd_names, two, &[], facts),
    ];
    let key = SigningKey::parse(&[0x11; 32], Source::File, None).expect("a raw key");
    let made = cases.into_iter().map(|(name, manifest, modules, assets, facts)| {
        let file = |&(path, content): &(&'static str, _)| File { path, content };
        let inputs = Inputs {
            manifest: &manifest,
            modules: modules.iter().map(file).collect(),
            assets: assets.iter().map(file).collect(),
            sbom: None,
            provenance: None,
            facts,
            signed_at_unix_ms: 1_795_355_105_412,
            palyra: Version(0, 1, 0),
        };
        let packaged = package(&inputs, &key, &()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let folder = into.join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let mut zip = zip::ZipArchive::new(Cursor::new(packaged.bytes)).expect("an archive");
        for document in ["sbom.cdx.json", "provenance.json"] {
            let mut text = String::new();
            zip.by_name(document).expect(document).read_to_string(&mut text).expect("text");
            fs::write(folder.join(document), text).expect("a file");
        }
        folder
    });
    made.collect()
}

#[test]
#[ignore = "needs the judges of CycloneDX and in-toto: cargo xtask test"]
fn what_packaging_makes_holds_before_the_judges() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(judge(&skills(folder.path())), "");
}

#[test]
#[ignore = "needs the judges of CycloneDX and in-toto: cargo xtask test"]
fn the_judges_do_judge() {
    let folder = tempfile::tempdir().expect("a folder");
    let skills = skills(folder.path());
    for (name, from, to) in [
        ("sbom.cdx.json", "\"SHA-256\"", "\"SHA-255\""),
        ("sbom.cdx.json", "\"version\": 1,", "\"version\": 0,"),
        ("sbom.cdx.json", "\"file:modules/ledger.wasm\"", "\"file:modules/other.wasm\""),
        ("provenance.json", "\"subject\"", "\"subjects\""),
        ("provenance.json", "\"digest\"", "\"digests\""),
        ("provenance.json", "\"buildType\"", "\"buildKind\""),
    ] {
        let path = skills[0].join(name);
        let good = fs::read_to_string(&path).expect("a document");
        fs::write(&path, good.replacen(from, to, 1)).expect("a file");
        assert_ne!(judge(&skills[..1]), "", "{from}");
        fs::write(&path, good).expect("a file");
    }
}
