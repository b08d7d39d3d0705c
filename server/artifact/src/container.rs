//! The raw archive, walked strictly: exactly the layout that honest builders write, byte for byte.
//!
//! A ZIP file says most things twice, and each reader believes another place. What is accepted here leaves no choice: one
//! end record at the end, entries from the first byte on without a gap, both headers equal in every field, no extra field,
//! no comment, no flag, one time, one mode, compressed streams that end where the headers say. Deflate and stored data
//! are both taken: every reader reads both alike. The structure is that of the ZIP application note (APPNOTE 6.3), the
//! fixed values are those that a daemon's builder writes.

use std::ops::Range;

use skillyard_manifest::{Severity, quoted, rules::Rule};

use crate::{
    Finding, deflate,
    limits::{MAX_ARCHIVE_BYTES, MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_TOTAL_BYTES},
    path,
    rules::{Family, rejects, silent},
};

/// The rules about the archive.
pub static FAMILY: Family = Family {
    name: "archive",
    about: "the ZIP archive",
    rules: &[
        &TOO_LARGE,
        &TOO_MANY_ENTRIES,
        &ENTRY_TOO_LARGE,
        &UNREADABLE,
        &DIRECTORY_TOO_LARGE,
        &NO_END_RECORD,
        &OUTSIDE_DATA,
        &COMMENT,
        &ZIP64,
        &SPLIT,
        &BAD_DIRECTORY,
        &HEADERS_DIFFER,
        &OVERLAP,
        &DUPLICATE_NAME,
        &UNSORTED,
        &FOLDER,
        &SYMLINK,
        &ATTRIBUTES,
        &TIME,
        &MAKER,
        &ENCRYPTED,
        &DATA_DESCRIPTOR,
        &FLAGS,
        &METHOD,
        &EXTRA_FIELD,
        &STREAM,
        &CHECKSUM,
        &STORED,
    ],
};

/// More than 64 MiB, packed or unpacked.
pub static TOO_LARGE: Rule = rejects(
    "archive/too-large",
    "the archive is too large",
    "An artifact has at most 64 MiB, and so have its entries together when they are unpacked. Leave out what the skill does \
     not need.",
);

/// More than 256 entries.
pub static TOO_MANY_ENTRIES: Rule = rejects(
    "archive/too-many-entries",
    "the archive has too many entries",
    "An artifact has at most 256 entries, folders and `signature.json` counted.",
);

/// An entry of more than 16 MiB.
pub static ENTRY_TOO_LARGE: Rule = rejects(
    "archive/entry-too-large",
    "an entry is too large",
    "One file has at most 16 MiB. Bytes are counted while they are unpacked; what the headers say is not believed.",
);

/// What the reader of a daemon cannot read.
pub static UNREADABLE: Rule = rejects(
    "archive/unreadable",
    "the archive does not read",
    "It is no ZIP archive, or it is damaged. Get it again from where it came, or package the skill again.",
);

/// A central directory that would take more memory than any honest one.
pub static DIRECTORY_TOO_LARGE: Rule = silent(
    "archive/directory-too-large",
    "the archive's directory is too large to be read",
    "A directory of very many or very long records takes much memory and can only belong to an attack. It is not read, so \
     what a daemon would say is taken to be a refusal.",
);

/// No end record where it must be.
pub static NO_END_RECORD: Rule = rejects(
    "archive/no-end-record",
    "the archive has no end record",
    "A ZIP archive ends with a record that says where its directory is. The file is cut off, or is no ZIP archive.",
);

/// Bytes that belong to nothing.
pub static OUTSIDE_DATA: Rule = silent(
    "archive/outside-data",
    "the archive holds bytes outside its entries",
    "Bytes in front of the first entry, between entries or behind the end record are covered by no signature, and another \
     reader may find another archive in them. Package the skill again.",
);

/// A comment.
pub static COMMENT: Rule = silent(
    "archive/comment",
    "the archive or an entry has a comment",
    "A comment is covered by no signature, and an end record can hide in it. Package the skill again.",
);

/// Zip64 records.
pub static ZIP64: Rule = silent(
    "archive/zip64",
    "the archive uses zip64",
    "Zip64 says sizes and places a third and fourth time, and no archive of at most 64 MiB needs it.",
);

/// Several disks.
pub static SPLIT: Rule = silent(
    "archive/split",
    "the archive says that it is one of several disks",
    "An artifact is one file; fields for several disks are zero.",
);

/// A directory that does not hold what the end record says.
pub static BAD_DIRECTORY: Rule = silent(
    "archive/bad-directory",
    "the archive's directory is not what its end record says",
    "Number, size and place of the directory's records must fit exactly, or readers disagree on which entries there are.",
);

/// Two headers of one entry that disagree.
pub static HEADERS_DIFFER: Rule = silent(
    "archive/headers-differ",
    "the two headers of an entry disagree",
    "A reader that goes by the directory and one that goes through the file read different archives.",
);

/// Entries that share bytes.
pub static OVERLAP: Rule = silent(
    "archive/overlap",
    "entries share bytes",
    "One piece of the archive is read as two files, which hides data and makes bombs.",
);

/// One raw name twice.
pub static DUPLICATE_NAME: Rule = silent(
    "archive/duplicate-name",
    "the same name stands twice in the archive",
    "A daemon keeps the last entry of a name, other readers the first: what was verified is not what is unpacked.",
);

/// Entries out of order.
pub static UNSORTED: Rule = silent(
    "archive/unsorted",
    "entries are not in the order of their names",
    "Every builder writes entries in byte order of their names. The signature does not cover the order, so anyone could \
     change it. Package the skill again.",
);

/// An entry for a folder.
pub static FOLDER: Rule = silent(
    "archive/folder",
    "the archive has an entry for a folder",
    "A daemon skips such an entry whatever its name is and whatever data it carries; no signature covers it. Folders follow \
     from the names of files.",
);

/// A symbolic link.
pub static SYMLINK: Rule =
    silent("archive/symlink", "an entry is a symbolic link", "Unpacked, it would point out of the skill's folder.");

/// Attributes other than those of a plain file.
pub static ATTRIBUTES: Rule = silent(
    "archive/attributes",
    "an entry is no plain file of mode 0644",
    "Devices, set-uid programs and the like have no place in an artifact. Package the skill again.",
);

/// Another time than 1980-01-01.
pub static TIME: Rule = silent(
    "archive/time",
    "an entry has a time of its own",
    "Every builder writes 1980-01-01 00:00:00, so that the same files make the same archive. The signature covers no time.",
);

/// Versions that honest builders do not write.
pub static MAKER: Rule = silent(
    "archive/version",
    "an entry names another system or version of the format",
    "Builders write Unix or DOS, the version that is needed to read or 4.5, and the same for every entry. The signature does not cover these \
     fields, so nothing else is taken.",
);

/// Encryption.
pub static ENCRYPTED: Rule =
    rejects("archive/encrypted", "an entry is encrypted", "Nobody could verify what is in it.");

/// Streamed entries.
pub static DATA_DESCRIPTOR: Rule = silent(
    "archive/data-descriptor",
    "an entry's sizes stand behind its data",
    "The sizes are then known only after the data was read, and readers find its end in different ways.",
);

/// Other flags.
pub static FLAGS: Rule = silent(
    "archive/flags",
    "an entry has flags that no builder sets",
    "The only flag is the one for a name in UTF-8, on a name that is not ASCII.",
);

/// A method other than Deflate and stored.
pub static METHOD: Rule = silent(
    "archive/method",
    "an entry is compressed by another method",
    "Entries are deflated (method 8) or stored (method 0); not every reader has another one.",
);

/// Extra fields.
pub static EXTRA_FIELD: Rule = silent(
    "archive/extra-field",
    "an entry has an extra field",
    "An extra field can give the entry another name or size, which some readers believe and some do not.",
);

/// A compressed stream that is not exactly one.
pub static STREAM: Rule = silent(
    "archive/stream",
    "an entry's compressed data is not exactly one stream of its size",
    "Bytes behind the stream's end, set bits that no reader looks at, or another size than the headers say: data that no \
     signature covers, or readers that disagree.",
);

/// A CRC that does not fit.
pub static CHECKSUM: Rule = rejects(
    "archive/checksum",
    "an entry's content does not fit its checksum",
    "The archive is damaged. Get it again from where it came.",
);

/// Entries that are not compressed.
pub static STORED: Rule = Rule {
    severity: Severity::Info,
    ..silent(
        "archive/stored",
        "entries are not compressed",
        "Builders compress entries. Every reader reads stored ones alike, so they are taken.",
    )
};

const END_BYTES: usize = 22;
const CENTRAL_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;
const END: [u8; 4] = *b"PK\x05\x06";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const ZIP64_END: [u8; 4] = *b"PK\x06\x06";
const ZIP64_LOCATOR: [u8; 4] = *b"PK\x06\x07";

/// Who made an entry, in the upper byte: Unix, or DOS by builders on Windows.
const SYSTEMS: [u16; 2] = [3 << 8, 0];
/// The version of the format that newer builders name, in the lower byte; older ones name the one that is needed to read.
const NEW_VERSION: u16 = 45;
const VERSION: u16 = 20;
const VERSION_STORED: u16 = 10;
/// 1980-01-01.
const DATE: u16 = 0x21;
/// A plain file of mode 0644, in the upper half as Unix writes it.
const ATTRIBUTES_0644: u32 = 0o100_644 << 16;
const FLAG_UTF8: u16 = 1 << 11;
const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const STORE: u16 = 0;
const DEFLATE: u16 = 8;

/// The archive that the directory of a larger file may be read into, in bytes of records. An honest one has at most
/// 256 of some 300 bytes.
const MAX_DIRECTORY_BYTES: u64 = 1 << 20;
/// Records of the kind above that may be read at all.
const MAX_RECORDS: usize = 4096;
/// Findings kept of one archive.
const MAX_FINDINGS: usize = 500;

/// An entry as the central directory has it, at its place in the archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The name's bytes.
    pub name: Vec<u8>,
    /// The compressed data.
    pub data: Range<usize>,
    /// Whether the data is deflated; else it is stored.
    pub deflated: bool,
    /// The checksum of the content.
    pub crc: u32,
    /// The size of the content, as the headers say.
    pub size: u64,
}

/// The raw archive, its headers walked.
#[derive(Debug)]
pub struct Container<'a> {
    /// The archive.
    pub bytes: &'a [u8],
    /// Everything that is wrong with its layout, in the order of the file.
    pub findings: Vec<Finding>,
    /// The entries of a flawless directory, in its order; none where the directory did not read.
    pub records: Vec<Record>,
    /// Where the last end record ends, with its comment.
    pub(crate) end: Option<usize>,
}

impl<'a> Container<'a> {
    /// Walks the headers of `bytes`. Takes memory in proportion to the number of entries, time in proportion to the number
    /// of bytes.
    #[must_use]
    pub fn walk(bytes: &'a [u8]) -> Self {
        let mut walk = Walk { bytes, findings: Vec::new(), end: None };
        let records = walk.archive();
        let Walk { mut findings, end, .. } = walk;
        findings.truncate(MAX_FINDINGS);
        Self { bytes, findings, records, end }
    }

    /// What is wrong with the compressed streams, found without inflating them. Where the layout is in doubt, so is
    /// where the streams are: then nothing is said.
    #[must_use]
    pub fn streams(&self) -> Vec<Finding> {
        if !self.is_clean() {
            return Vec::new();
        }
        let faulty = self.records.iter().filter(|record| record.deflated).filter_map(|record| {
            let data = self.bytes.get(record.data.clone()).unwrap_or_default();
            let fault = deflate::check(data, record.size).err()?;
            let shown = String::from_utf8_lossy(&record.name).into_owned();
            let message = format!("{}: {fault}", quoted(&shown));
            let range = record.data.start as u64..record.data.end as u64;
            Some(Finding::new(&STREAM, message).in_entry(&shown).at(range))
        });
        faulty.take(MAX_FINDINGS.saturating_sub(self.findings.len())).collect()
    }

    /// Whether nothing speaks against the layout.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Whether a general reader may open the archive without taking much memory for its directory. A clean one may; in
    /// any other every place that could be a record counts.
    pub(crate) fn may_open(&self) -> bool {
        if self.bytes.len() as u64 > MAX_ARCHIVE_BYTES {
            return false;
        }
        if self.is_clean() {
            return true;
        }
        let (mut records, mut total) = (0, 0_u64);
        let mut rest = self.bytes;
        while let Some(at) = rest.iter().position(|byte| *byte == b'P') {
            rest = rest.get(at..).unwrap_or_default();
            if rest.starts_with(&CENTRAL) {
                records += 1;
                let lengths = [28, 30, 32].map(|at| u64::from(u16_at(rest, at).unwrap_or_default()));
                total += CENTRAL_BYTES as u64 + lengths.iter().sum::<u64>();
            } else if rest.starts_with(&ZIP64_END) {
                // A reader keeps the record's free part.
                total = total.saturating_add(u64_at(rest, 4).unwrap_or_default().min(rest.len() as u64));
            }
            if records > MAX_RECORDS || total > MAX_DIRECTORY_BYTES {
                return false;
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        true
    }
}

/// The fields of an end record.
struct End {
    at: usize,
    disk: u16,
    directory_disk: u16,
    records_here: u16,
    records: u16,
    size: u32,
    offset: u32,
    comment: u16,
}

/// What all entries of an archive share.
struct Frame {
    /// Where the directory begins.
    directory_at: usize,
    /// The system and version that made the first entry; one builder makes all.
    maker: u16,
}

/// The fields of a central record, up to its name.
struct Central {
    at: usize,
    made_by: u16,
    shared: Shared,
    extra: u16,
    comment: u16,
    disk: u16,
    internal: u16,
    external: u32,
    offset: u32,
}

/// The fields that stand in both headers.
#[derive(PartialEq, Eq)]
struct Shared {
    version: u16,
    flags: u16,
    method: u16,
    time: u16,
    date: u16,
    crc: u32,
    compressed: u32,
    size: u32,
    name: u16,
}

impl Shared {
    /// They lie side by side in both headers, from `at` on.
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self {
            version: u16_at(bytes, at)?,
            flags: u16_at(bytes, at + 2)?,
            method: u16_at(bytes, at + 4)?,
            time: u16_at(bytes, at + 6)?,
            date: u16_at(bytes, at + 8)?,
            crc: u32_at(bytes, at + 10)?,
            compressed: u32_at(bytes, at + 14)?,
            size: u32_at(bytes, at + 18)?,
            name: u16_at(bytes, at + 22)?,
        })
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    findings: Vec<Finding>,
    end: Option<usize>,
}

impl<'a> Walk<'a> {
    fn archive(&mut self) -> Vec<Record> {
        let len = self.bytes.len();
        if len as u64 > MAX_ARCHIVE_BYTES {
            self.report(&TOO_LARGE, format!("the archive has more than {MAX_ARCHIVE_BYTES} bytes"), 0..len);
            return Vec::new();
        }
        let Some(end) = self.end() else {
            self.report(&NO_END_RECORD, "the archive has no end record: it is cut off, or is no ZIP archive", 0..len);
            return Vec::new();
        };
        let directory = self.directory(&end);
        if directory.len() > MAX_ENTRIES {
            let message = format!("the archive has {} entries, more than {MAX_ENTRIES}", directory.len());
            self.report(&TOO_MANY_ENTRIES, message, end.at..end.at + END_BYTES);
            return Vec::new();
        }
        let mut records = Vec::with_capacity(directory.len());
        let directory_at = end.offset as usize;
        let maker = directory.first().map_or(0, |central| central.made_by);
        let frame = Frame { directory_at, maker };
        let mut expected = 0;
        for central in &directory {
            records.extend(self.entry(central, &mut expected, &frame));
        }
        if expected < directory_at && records.len() == directory.len() {
            self.report(
                &OUTSIDE_DATA,
                format!("{} bytes between the entries and the directory belong to nothing", directory_at - expected),
                expected..directory_at,
            );
        }
        self.names(&records);
        self.sizes(&records);
        if records.iter().any(|record| !record.deflated) {
            self.report(&STORED, "entries are not compressed; builders deflate them", 0..len);
        }
        records
    }

    /// Finds the end record as other readers do, from behind, and says what lies around it.
    fn end(&mut self) -> Option<End> {
        let len = self.bytes.len();
        let last = len.checked_sub(END_BYTES)?;
        let at = (0..=last).rev().find(|at| self.bytes.get(*at..).is_some_and(|rest| rest.starts_with(&END)))?;
        let bytes = self.bytes;
        let end = End {
            at,
            disk: u16_at(bytes, at + 4)?,
            directory_disk: u16_at(bytes, at + 6)?,
            records_here: u16_at(bytes, at + 8)?,
            records: u16_at(bytes, at + 10)?,
            size: u32_at(bytes, at + 12)?,
            offset: u32_at(bytes, at + 16)?,
            comment: u16_at(bytes, at + 20)?,
        };
        let behind = at + END_BYTES;
        let comment = usize::from(end.comment).min(len - behind);
        self.end = Some(behind + comment);
        if end.comment > 0 {
            let message = format!("the end record has a comment of {} bytes", end.comment);
            self.report(&COMMENT, message, behind..behind + comment);
        }
        if behind + comment < len {
            let message = format!("{} bytes lie behind the end record", len - behind - comment);
            self.report(&OUTSIDE_DATA, message, behind + comment..len);
        }
        Some(end)
    }

    /// The central records, which must fill the space in front of the end record exactly.
    fn directory(&mut self, end: &End) -> Vec<Central> {
        let record = end.at..end.at + END_BYTES;
        let locator = end.at.checked_sub(20).and_then(|at| self.bytes.get(at..));
        let full = end.records == u16::MAX || end.size == u32::MAX || end.offset == u32::MAX;
        if full || locator.is_some_and(|at| at.starts_with(&ZIP64_LOCATOR)) {
            self.report(
                &ZIP64,
                "the archive has the end records of zip64, which no archive of this size needs",
                record,
            );
            return Vec::new();
        }
        if end.disk != 0 || end.directory_disk != 0 || end.records_here != end.records {
            self.report(&SPLIT, "the end record speaks of several disks", record.clone());
        }
        let (from, size) = (end.offset as usize, end.size as usize);
        if from.checked_add(size) != Some(end.at) {
            self.report(
                &BAD_DIRECTORY,
                format!("the end record places the directory at {from} with {size} bytes, and stands at {}", end.at),
                record,
            );
            return Vec::new();
        }
        let mut directory = Vec::new();
        let mut at = from;
        while at < end.at && directory.len() <= MAX_ENTRIES.max(usize::from(end.records)) {
            let Some(central) = self.central(at) else {
                self.report(&BAD_DIRECTORY, format!("no whole record of the directory stands at {at}"), at..end.at);
                return Vec::new();
            };
            at += CENTRAL_BYTES
                + usize::from(central.shared.name)
                + usize::from(central.extra)
                + usize::from(central.comment);
            directory.push(central);
        }
        if at != end.at || directory.len() != usize::from(end.records) {
            let message =
                format!("the directory holds {} records, the end record says {}", directory.len(), end.records);
            self.report(&BAD_DIRECTORY, message, record);
        }
        directory
    }

    fn central(&self, at: usize) -> Option<Central> {
        let bytes = self.bytes;
        if !bytes.get(at..)?.starts_with(&CENTRAL) {
            return None;
        }
        Some(Central {
            at,
            made_by: u16_at(bytes, at + 4)?,
            shared: Shared::read(bytes, at + 6)?,
            extra: u16_at(bytes, at + 30)?,
            comment: u16_at(bytes, at + 32)?,
            disk: u16_at(bytes, at + 34)?,
            internal: u16_at(bytes, at + 36)?,
            external: u32_at(bytes, at + 38)?,
            offset: u32_at(bytes, at + 42)?,
        })
    }

    /// One entry: its central record, its local header, and that it begins at `expected`, which moves to its end, in
    /// front of the directory.
    fn entry(&mut self, central: &Central, expected: &mut usize, frame: &Frame) -> Option<Record> {
        let shared = &central.shared;
        let name_at = central.at + CENTRAL_BYTES;
        let name = self.bytes.get(name_at..name_at + usize::from(shared.name)).unwrap_or_default().to_vec();
        let shown = String::from_utf8_lossy(&name).into_owned();
        self.central_fields(central, frame.maker, &shown, &name);

        let at = central.offset as usize;
        let local = self
            .bytes
            .get(at..)
            .filter(|rest| rest.starts_with(&LOCAL))
            .and_then(|_| Some((Shared::read(self.bytes, at + 4)?, u16_at(self.bytes, at + 28)?)));
        let Some((local, extra)) = local else {
            let message = format!("{} has no header at {at}, where the directory places it", quoted(&shown));
            self.report_in(&HEADERS_DIFFER, message, &shown, central.at..name_at);
            return None;
        };
        let behind = at + LOCAL_BYTES;
        if extra > 0 {
            let message = format!("{} has an extra field of {extra} bytes in its header", quoted(&shown));
            self.report_in(&EXTRA_FIELD, message, &shown, at..behind);
        }
        let local_name = self.bytes.get(behind..behind + usize::from(local.name)).unwrap_or_default();
        if let Some(field) = difference(shared, &local, &name, local_name) {
            let message = format!("header and directory disagree on the {field} of {}", quoted(&shown));
            self.report_in(&HEADERS_DIFFER, message, &shown, at..behind + local_name.len());
        }
        let start = behind + usize::from(local.name) + usize::from(extra);
        let stop = start + shared.compressed as usize;
        if at < *expected {
            let message = format!("{} begins at {at}, inside what stands in front of it", quoted(&shown));
            self.report_in(&OVERLAP, message, &shown, at..*expected);
        } else if at > *expected {
            let message = format!("{} bytes in front of {} belong to nothing", at - *expected, quoted(&shown));
            self.report(&OUTSIDE_DATA, message, *expected..at);
        }
        if self.bytes.get(start..stop).is_none() || stop > frame.directory_at {
            let message = format!("{} reaches into the directory or beyond the file", quoted(&shown));
            self.report_in(&OVERLAP, message, &shown, at..stop.min(self.bytes.len()));
            return None;
        }
        *expected = (*expected).max(stop);
        let deflated = shared.method != STORE;
        Some(Record { name, data: start..stop, deflated, crc: shared.crc, size: shared.size.into() })
    }

    fn central_fields(&mut self, central: &Central, maker: u16, shown: &str, name: &[u8]) {
        let shared = &central.shared;
        let at = central.at..central.at + CENTRAL_BYTES;
        let quoted = quoted(shown);
        let mut wrong = Vec::new();
        let kind = central.external >> 28;
        if kind == 0o12 {
            wrong.push((&SYMLINK, format!("{quoted} is a symbolic link")));
        } else if central.external != ATTRIBUTES_0644 || central.internal != 0 {
            let attributes = central.external;
            wrong.push((
                &ATTRIBUTES,
                format!("{quoted} has attributes {attributes:#x}: it is no plain file of mode 0644"),
            ));
        }
        if name.ends_with(b"/") || name.ends_with(b"\\") {
            wrong.push((&FOLDER, format!("{quoted} is an entry for a folder: folders follow from the names of files")));
        }
        let version_known = shared.version == VERSION || (shared.version == VERSION_STORED && shared.method == STORE);
        let new = maker & 0xFF == NEW_VERSION;
        let made_by = maker & 0xFF00 | if new { NEW_VERSION } else { shared.version };
        if !SYSTEMS.contains(&(maker & 0xFF00)) || central.made_by != made_by || !version_known {
            let (maker, version) = (central.made_by, shared.version);
            wrong.push((
                &MAKER,
                format!("{quoted} names the maker {maker:#06x} and version {version}: no builder writes that"),
            ));
        }
        if (shared.time, shared.date) != (0, DATE) {
            wrong.push((&TIME, format!("{quoted} has a time other than 1980-01-01 00:00:00")));
        }
        if shared.flags & FLAG_ENCRYPTED != 0 {
            wrong.push((&ENCRYPTED, format!("{quoted} is encrypted")));
        }
        if shared.flags & FLAG_DESCRIPTOR != 0 {
            wrong.push((&DATA_DESCRIPTOR, format!("the sizes of {quoted} stand behind its data")));
        }
        let wanted = if name.is_ascii() { 0 } else { FLAG_UTF8 };
        if shared.flags & !(FLAG_ENCRYPTED | FLAG_DESCRIPTOR) != wanted {
            wrong.push((&FLAGS, format!("{quoted} has the flags {:#06x} where {wanted:#06x} belong", shared.flags)));
        }
        if !matches!(shared.method, STORE | DEFLATE) {
            let method = shared.method;
            wrong.push((&METHOD, format!("{quoted} is compressed by method {method}; write it deflated")));
        }
        if shared.method == STORE && shared.compressed != shared.size {
            wrong.push((&STREAM, format!("{quoted} is stored and has two different sizes")));
        }
        if central.extra > 0 {
            wrong.push((
                &EXTRA_FIELD,
                format!("{quoted} has an extra field of {} bytes in the directory", central.extra),
            ));
        }
        if central.comment > 0 {
            wrong.push((&COMMENT, format!("{quoted} has a comment of {} bytes", central.comment)));
        }
        if central.disk != 0 {
            wrong.push((&SPLIT, format!("{quoted} is said to lie on another disk")));
        }
        if shared.compressed == u32::MAX || shared.size == u32::MAX || central.offset == u32::MAX {
            wrong.push((&ZIP64, format!("{quoted} has the sizes of zip64")));
        }
        for (rule, message) in wrong {
            self.report_in(rule, message, shown, at.clone());
        }
    }

    /// What the names say alone and together.
    fn names(&mut self, records: &[Record]) {
        let names: Vec<String> =
            records.iter().map(|record| String::from_utf8_lossy(&record.name).into_owned()).collect();
        for (record, name) in records.iter().zip(&names) {
            if !record.name.ends_with(b"/") && !record.name.ends_with(b"\\") {
                path::check(name, &mut self.findings);
            }
        }
        path::check_all(names.iter().map(String::as_str), &mut self.findings);
        let mut sorted: Vec<&Record> = records.iter().collect();
        sorted.sort_by(|a, b| a.name.cmp(&b.name));
        for pair in sorted.windows(2) {
            if let [a, b] = pair
                && a.name == b.name
            {
                let shown = String::from_utf8_lossy(&b.name);
                let message = format!("{} stands twice in the archive: a daemon keeps the last", quoted(&shown));
                self.report_in(&DUPLICATE_NAME, message, &shown, b.data.clone());
            }
        }
        if let Some([_, late]) = records.windows(2).find(|pair| matches!(pair, [a, b] if a.name > b.name)) {
            let shown = String::from_utf8_lossy(&late.name);
            let message = format!("{} stands behind an entry whose name comes later", quoted(&shown));
            self.report_in(&UNSORTED, message, &shown, late.data.clone());
        }
    }

    /// What the headers say about sizes, before anything is inflated.
    fn sizes(&mut self, records: &[Record]) {
        for record in records.iter().filter(|record| record.size > MAX_ENTRY_BYTES) {
            let shown = String::from_utf8_lossy(&record.name);
            let message = format!("{} has {} bytes, more than {MAX_ENTRY_BYTES}", quoted(&shown), record.size);
            self.report_in(&ENTRY_TOO_LARGE, message, &shown, record.data.clone());
        }
        let total: u64 = records.iter().map(|record| record.size).sum();
        if total > MAX_TOTAL_BYTES {
            let message = format!("the entries have {total} bytes together, more than {MAX_TOTAL_BYTES}");
            self.report(&TOO_LARGE, message, 0..self.bytes.len());
        }
    }

    fn report(&mut self, rule: &'static Rule, message: impl Into<String>, at: Range<usize>) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding::new(rule, message).at(at.start as u64..at.end as u64));
        }
    }

    fn report_in(&mut self, rule: &'static Rule, message: String, entry: &str, at: Range<usize>) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding::new(rule, message).in_entry(entry).at(at.start as u64..at.end as u64));
        }
    }
}

/// The first field that two headers disagree on.
fn difference(central: &Shared, local: &Shared, name: &[u8], local_name: &[u8]) -> Option<&'static str> {
    [
        (central.version != local.version, "version"),
        (central.flags != local.flags, "flags"),
        (central.method != local.method, "method"),
        ((central.time, central.date) != (local.time, local.date), "time"),
        (central.crc != local.crc, "checksum"),
        (central.compressed != local.compressed, "compressed size"),
        (central.size != local.size, "size"),
        (name != local_name, "name"),
    ]
    .into_iter()
    .find_map(|(differs, field)| differs.then_some(field))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|b| u64::from_le_bytes(*b))
}
