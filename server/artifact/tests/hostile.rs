//! Every way in which an archive, a signature or a file in it can lie: refused, with the rule that says how.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod handmade;

use handmade::*;
use proptest::{prelude::*, sample::Index};
use skillyard_artifact::{ErrorKind, rules};

/// Refused with `code` after `change` of the raw entries of a good artifact.
#[track_caller]
fn changed(code: &str, change: impl FnOnce(&mut Vec<Raw>)) {
    let mut entries = raws(&good());
    change(&mut entries);
    refused(&archive(&entries), code);
}

/// Refused with `code` where one more asset has the name `name`, listed and signed.
#[track_caller]
fn named(code: &str, name: &str) {
    named_all(code, &[name]);
}

#[track_caller]
fn named_all(code: &str, names: &[&str]) {
    let mut files = parts();
    for name in names {
        files.insert((*name).to_owned(), b"x".to_vec());
    }
    refused(&pack(&signed(with_manifest(files, MANIFEST), "acme")), code);
}

#[test]
fn the_end_of_the_archive() {
    let good = pack(&good());
    refused(b"", "archive/no-end-record");
    let large = vec![0; (64 << 20) + 1];
    refused(&large, "archive/too-large");
    // No more than that is read of a larger file: its size is not known here.
    let verification = verified(&large);
    for told in verification.findings.iter().map(|finding| &finding.message).chain(&verification.error) {
        assert!(told.contains("more than 67108864 bytes") && !told.contains("67108865"), "{told}");
    }
    refused(&good[..good.len() - 4], "archive/no-end-record");
    refused(&[b"#!/bin/sh\n".as_slice(), &good].concat(), "archive/bad-directory");
    refused(&[&good, b"x".as_slice()].concat(), "archive/outside-data");
    // A whole second archive behind, and one in the comment.
    refused(&[&good, good.as_slice()].concat(), "archive/bad-directory");
    let entries = raws(&handmade::good());
    refused(&archive_with(&entries, |end| end.comment = good.clone()), "archive/bad-directory");
    refused(&archive_with(&entries, |end| end.comment = b"x".to_vec()), "archive/comment");
    refused(&archive_with(&entries, |end| end.records_here -= 1), "archive/split");
    refused(&archive_with(&entries, |end| end.records += 1), "archive/bad-directory");
    refused(&archive_with(&entries, |end| end.size -= 1), "archive/bad-directory");
    refused(&archive_with(&entries, |end| end.records = 0xFFFF), "archive/zip64");
    refused(b"PK but nothing more of a ZIP archive than that", "archive/unreadable");
}

#[test]
fn what_lies_around_entries() {
    changed("archive/outside-data", |entries| entries[0].gap = vec![0; 10]);
    changed("archive/outside-data", |entries| entries[2].gap = vec![0]);
    changed("archive/overlap", |entries| entries[1].offset = Some(0));
    changed("archive/overlap", |entries| entries[5].compressed = Some(1 << 20));
    changed("archive/headers-differ", |entries| entries[1].offset = Some(7));
    changed("archive/unsorted", |entries| entries.swap(0, 1));
    changed("archive/duplicate-name", |entries| entries.insert(1, entries[0].clone()));
}

#[test]
fn fields_of_headers() {
    changed("archive/headers-differ", |entries| entries[0].local_name = Some(b"assets/b.txt".to_vec()));
    for place in 4..28 {
        changed("archive/headers-differ", |entries| {
            let local = raws(&good())[0].clone();
            let whole = archive(&[local]);
            entries[0].patch_local = vec![(place, whole[place] ^ 0x10)];
        });
    }
    changed("archive/zip64", |entries| entries[0].size = u32::MAX);
    changed("archive/split", |entries| entries[0].disk = 1);
    changed("archive/symlink", |entries| entries[0].external = 0o120_777 << 16);
    changed("archive/attributes", |entries| entries[0].external = 0o104_755 << 16);
    changed("archive/attributes", |entries| entries[0].external |= 0x10);
    changed("archive/attributes", |entries| entries[0].internal = 1);
    changed("archive/time", |entries| entries[0].time = 1);
    changed("archive/time", |entries| entries[0].date = 0x22);
    changed("archive/version", |entries| entries[0].made_by = 0x1314);
    changed("archive/version", |entries| entries[0].made_by = 45);
    changed("archive/version", |entries| entries[0].version = 45);
    changed("archive/encrypted", |entries| entries[0].flags = 1);
    changed("archive/data-descriptor", |entries| entries[0].flags = 8);
    changed("archive/flags", |entries| entries[0].flags = 1 << 11);
    changed("archive/method", |entries| entries[0].method = 12);
    changed("archive/extra-field", |entries| entries[0].extra_local = vec![1, 0, 0, 0]);
    changed("archive/extra-field", |entries| entries[0].extra_central = vec![1, 0, 0, 0]);
    changed("archive/comment", |entries| entries[0].comment = b"x".to_vec());
}

#[test]
fn compressed_streams() {
    changed("archive/stream", |entries| entries[0].data.push(0));
    changed("archive/stream", |entries| entries[0].size += 1);
    changed("archive/stream", |entries| entries[0].data.truncate(3));
    changed("archive/stream", |entries| {
        // The content in a stored block, with bits set that every inflater skips.
        entries[0].data = [&[0xF9, 9, 0, 0xF6, 0xFF], b"some text".as_slice()].concat();
    });
    changed("archive/stream", |entries| {
        entries[0] = Raw { size: 8, ..Raw::stored("assets/a.txt", b"some text") };
    });
    changed("archive/checksum", |entries| entries[0].crc ^= 1);
}

#[test]
fn too_much() {
    let many = |count: usize| {
        let mut files = parts();
        for at in files.len()..count - 2 {
            files.insert(format!("assets/{at}"), Vec::new());
        }
        pack(&signed(with_manifest(files, MANIFEST), "acme"))
    };
    assert!(verified(&many(256)).accepted);
    refused(&many(257), "archive/too-many-entries");
    assert_eq!(verified(&many(257)).daemon_error_kind, Some(ErrorKind::ArtifactTooManyEntries));

    changed("archive/entry-too-large", |entries| {
        entries[0] = Raw::new("assets/a.txt", &vec![0; (16 << 20) + 1]);
    });
    // A header that lies about it.
    changed("archive/entry-too-large", |entries| {
        entries[0] = Raw { size: 10, ..Raw::new("assets/a.txt", &vec![0; (16 << 20) + 1]) };
    });
    changed("archive/too-large", |entries| {
        let zeros = Raw::new("assets/a", &vec![0; 13 << 20]);
        let zeros = (0..5).map(|at| Raw { name: format!("assets/0{at}").into_bytes(), ..zeros.clone() });
        entries.splice(0..0, zeros);
    });
}

/// Data that inflates to nothing costs the time to read it, once for each entry that shares it.
#[test]
fn many_entries_that_share_large_data() {
    let data = [b"\0\0\0\xff\xff".repeat(5 << 20).as_slice(), b"\x01\0\0\xff\xff"].concat();
    let compressed = Some(u32::try_from(data.len()).unwrap());
    let first = Raw { data, ..Raw { size: 0, crc: 0, ..Raw::new("assets/000", b"") } };
    let mut entries = vec![first.clone()];
    let other = Raw { data: Vec::new(), compressed, offset: Some(0), ..first };
    entries.extend((1..250).map(|at| Raw { name: format!("assets/{at:03}").into_bytes(), ..other.clone() }));
    let bytes = archive(&entries);
    refused(&bytes, "archive/overlap");
    let verification = verified(&bytes);
    assert_eq!(verification.daemon_error_kind, Some(ErrorKind::ArtifactTooLarge), "taken as a refusal");
    assert!(verification.error.as_ref().unwrap().contains("67108864"), "{:?}", verification.error);
    assert_eq!(verification.entries.len(), 2, "no more are read than the archive could hold");
}

#[test]
fn a_directory_of_a_million_records() {
    let record = [b"PK\x01\x02".as_slice(), &[0; 42]].concat();
    let mut bytes = record.repeat(1_400_000);
    let size = u32::try_from(bytes.len()).unwrap();
    bytes.extend(b"PK\x05\x06\0\0\0\0\xFE\xFF\xFE\xFF");
    bytes.extend(size.to_le_bytes());
    bytes.extend([0; 6]);
    refused(&bytes, "archive/directory-too-large");
}

#[test]
fn names() {
    for name in ["../x", "/etc/x", "assets/../x", "assets//x", "./x", "c:x", "assets/x:y", "assets/\0x"] {
        named("path/invalid", name);
    }
    for name in ["assets\\x", " assets/x", "assets/x\n", "\u{A0}assets/x"] {
        named("path/normalized", name);
    }
    named_all("path/duplicate", &["assets/x", "assets\\x"]);
    for name in ["x", "README.md", "modules/x.txt", "src/x.wasm", "skill.toml.bak"] {
        named("path/outside-layout", name);
    }
    for name in ["assets/\u{202E}gpj.exe", "assets/x\u{200B}", "assets/\u{7}x"] {
        named("path/unseen-character", name);
    }
    for name in ["assets/a?", "assets/a*b", "assets/<x>", "assets/\"", "assets/a|b"] {
        named("path/bad-character", name);
    }
    for name in ["assets/CON", "assets/nul.txt", "assets/com1/x", "assets/Lpt9.x.y", "assets/COM¹"] {
        named("path/device-name", name);
    }
    for name in ["assets/x.", "assets/x /y", "assets/x./y"] {
        named("path/trailing-dot-or-space", name);
    }
    named("path/too-long", &format!("assets/{}", "x".repeat(240)));
    named_all("path/case-twin", &["assets/x", "assets/X"]);
    named_all("path/case-twin", &["assets/ä", "assets/Ä"]);
    // A folder that is another's twin, with other files in it.
    named_all("path/case-twin", &["assets/A/x", "assets/a/y"]);
    named_all("path/case-twin", &["assets/b/Deep/x", "assets/b/deep/er/y"]);
    named_all("path/unicode-twin", &["assets/é/x", "assets/e\u{301}/y"]);
    named_all("path/unicode-twin", &["assets/\u{E9}", "assets/e\u{301}"]);
    named_all("path/unicode-twin", &["assets/ﬁ", "assets/fi"]);
    named_all("path/file-and-folder", &["assets/x", "assets/x/y"]);
    named_all("path/file-and-folder", &["assets/x", "assets/X/y"]);
    for name in ["modules/x.WASM", "modules/x.Wasm"] {
        named("path/extension-case", name);
    }
    // Names that only look dangerous.
    for name in ["assets/ä.txt", "assets/日本", "assets/a b", "assets/.hidden", "assets/console", "assets/x..y"] {
        let mut files = parts();
        files.insert(name.to_owned(), b"x".to_vec());
        let bytes = pack(&signed(with_manifest(files, MANIFEST), "acme"));
        let verification = verified(&bytes);
        assert!(verification.accepted, "{name}: {:?}", verification.findings);
    }
    // Not UTF-8.
    changed("path/bad-character", |entries| {
        entries[0].name = b"assets/\xFF".to_vec();
        entries[0].flags = 1 << 11;
    });
    changed("archive/folder", |entries| entries.insert(0, Raw::stored("assets/", b"")));
    changed("archive/folder", |entries| entries.insert(0, Raw::new("../../x/", b"data")));
}

#[test]
fn files_that_must_be_there() {
    for name in ["skill.toml", "signature.json", "sbom.cdx.json", "provenance.json", "modules/echo.wasm"] {
        let mut files = good();
        files.remove(name);
        let bytes = pack(&files);
        refused(&bytes, "content/missing");
        assert_eq!(verified(&bytes).daemon_error_kind, Some(ErrorKind::MissingArtifactEntry), "{name}");
    }
}

/// Refused with `code` where the file `name` has the content, listed and signed.
#[track_caller]
fn with_file(code: &str, name: &str, content: &[u8]) {
    let mut files = parts();
    files.insert(name.to_owned(), content.to_vec());
    refused(&pack(&signed(with_manifest(files, MANIFEST), "acme")), code);
}

/// Refused with `code` where the manifest is `text`, signed.
#[track_caller]
fn with_text(code: &str, text: &str) {
    refused(&pack(&signed(with_manifest(parts(), text), "acme")), code);
}

#[test]
fn contents() {
    with_file("content/sbom", "sbom.cdx.json", b"{}");
    with_file("content/provenance", "provenance.json", br#"{"builder": {}, "subject": []}"#);
    let twice = br#"{"bomFormat": "x", "bomFormat": "CycloneDX", "specVersion": "1.6"}"#;
    with_file("content/repeated-key", "sbom.cdx.json", twice);
    with_file("content/document-too-large", "sbom.cdx.json", &vec![b' '; 9 << 20]);
    for module in [b"".as_slice(), b"(module)", b"\0asm", b"\0asm\x02\0\0\0", b"\x7FELF\0\0\0\0"] {
        with_file("content/not-wasm", "modules/echo.wasm", module);
    }
    with_text("content/manifest", "x = [");
    with_text("content/manifest", &MANIFEST.replace("\"acme\"", "\"ACME\""));
    with_text("content/manifest-too-large", &format!("# {}\n{MANIFEST}", "x".repeat(1 << 20)));
    let keys: Vec<String> = (0..1000).map(|n| format!("\"k{n}\"")).collect();
    let (scope, keys) = ("s".repeat(2000), keys.join(","));
    let secrets = format!("{MANIFEST}\n[[capabilities.secrets]]\nscope = \"skill:{scope}\"\nkey_names = [{keys}]\n");
    with_text("content/manifest-too-large", &secrets);
    with_text("content/byte-order-mark", &format!("\u{FEFF}{MANIFEST}"));
    with_text("content/carriage-return", &MANIFEST.replace('\n', "\r\n"));
    with_text("content/incompatible", &MANIFEST.replace("major = 1", "major = 2"));
    with_text("content/incompatible", &MANIFEST.replace("\"0.1.0\"", "\"0.2.0\""));
    let compat = "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n";
    with_text("content/positional", &MANIFEST.replace(compat, "").replace("\n[[", "compat = [1, \"0.1.0\"]\n[["));
    with_text("content/untrimmed", &MANIFEST.replace("\"1.0.0\"", "\" 1.0.0\""));
    let untrimmed = MANIFEST.replace("publisher = \"acme\"", "publisher = \"acme \"");
    refused(&pack(&signed(with_manifest(parts(), &untrimmed), "acme ")), "content/untrimmed");
    let deep = format!("[entrypoints.tools.input_schema]\nx = {}{}", "[".repeat(40), "]".repeat(40));
    let deep = MANIFEST.replace("[entrypoints.tools.input_schema]", &deep);
    with_text("content/manifest-too-deep", &deep);
    let bytes = pack(&signed(with_manifest(parts(), &deep), "acme"));
    assert!(verified(&bytes).daemon_accepts, "a daemon takes such nesting");
}

#[test]
fn the_list_of_files() {
    let listed = |list: &str| {
        let mut files = parts();
        files.insert("skill.toml".to_owned(), format!("{MANIFEST}{list}").into_bytes());
        pack(&signed(files, "acme"))
    };
    let list = listing(&parts());
    assert!(verified(&listed(&list)).accepted);
    let entries: Vec<&str> = list.split_inclusive("\"\n\n").collect();
    refused(&listed(""), "listing/mismatch");
    refused(&listed(&entries[1..].concat()), "listing/mismatch");
    refused(&listed(&list.replace("assets/a.txt", "assets/b.txt")), "listing/mismatch");
    refused(&listed(&list.replace("assets/a.txt", "../a.txt")), "listing/bad-path");
    refused(&listed(&list.replace("assets/a.txt", "assets\\\\a.txt")), "listing/normalized");
    refused(&listed(&format!("{}{list}", entries[0])), "listing/repeated");
    refused(&listed(&format!("{}{}", entries[1..].concat(), entries[0])), "listing/unsorted");
}

#[test]
fn every_rule_is_reported_by_a_test() {
    let tests = [
        include_str!("hostile.rs"),
        include_str!("conformance.rs"),
        include_str!("signatures.rs"),
        include_str!("reading.rs"),
        include_str!("trust.rs"),
    ]
    .concat();
    let ours = ["archive", "path", "content", "listing", "signature", "trust"];
    for family in rules::FAMILIES.iter().filter(|family| ours.contains(&family.name)) {
        for rule in family.rules {
            assert!(rule.code.starts_with(&format!("{}/", family.name)), "{rule:?}");
            assert!(tests.contains(&format!("\"{}\"", rule.code)), "no test reports {rule:?}");
            assert!(!rule.summary.ends_with('.') && rule.details.ends_with('.'), "{rule:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_a_verdict(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(!verified(&bytes).accepted);
    }

    /// Skillyard never takes what a daemon refuses, and takes nothing that reads differently.
    #[test]
    fn a_changed_archive_is_refused_or_reads_the_same(
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in proptest::option::weighted(0.2, any::<Index>()),
        doubled in proptest::option::weighted(0.2, (any::<Index>(), any::<Index>())),
    ) {
        let good = pack(&good());
        let mut bytes = good.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Some((from, to)) = doubled && !bytes.is_empty() {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            let piece = bytes[from.min(to)..from.max(to)].to_vec();
            bytes.splice(from.min(to)..from.min(to), piece);
        }
        let verification = verified(&bytes);
        if verification.accepted {
            prop_assert!(verification.daemon_accepts);
            prop_assert_eq!(&verification.entries, &verified(&good).entries);
        }
    }
}
