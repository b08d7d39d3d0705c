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
pub fn unzip(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|i| {
            let mut entry = archive.by_index(i).unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.name().unwrap().replace('\\', "/").trim().to_owned(), content)
        })
        .collect()
}
