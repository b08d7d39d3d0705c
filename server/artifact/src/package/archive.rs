//! The archive as it is written: nothing in it but the entries.

use std::{
    collections::BTreeMap,
    io::{Cursor, Write as _},
};

use zip::{CompressionMethod, DateTime, System, ZipWriter, write::SimpleFileOptions};

use super::PackageError;
use crate::Progress;

/// Writes `entries` in their order, each deflated, with one fixed time and mode 0644.
pub(super) fn write(entries: &BTreeMap<&str, &[u8]>, progress: &dyn Progress) -> Result<Vec<u8>, PackageError> {
    let failed = |error: zip::result::ZipError| PackageError::Write(error.to_string());
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644)
        // The same on every machine.
        .system(System::Unix);
    let total: u64 = entries.values().map(|content| content.len() as u64).sum();
    let mut done = 0;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in entries {
        writer.start_file(*path, options).map_err(failed)?;
        for part in content.chunks(1 << 20) {
            progress.at("Compressing", done, total)?;
            writer.write_all(part).map_err(|error| PackageError::Write(error.to_string()))?;
            done += part.len() as u64;
        }
    }
    writer.finish().map(Cursor::into_inner).map_err(failed)
}
