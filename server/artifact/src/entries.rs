//! The entries as a daemon reads them: names, sizes, hashes, and contents on demand.
//!
//! Which entries there are is the `zip` crate's word, as it is a daemon's: the last of a repeated raw name wins, names
//! that end in a slash are skipped. Contents are inflated here, because a daemon's reader stops at a limit and at nothing
//! else, while the crate also looks at the size in the header.

use std::{borrow::Cow, collections::BTreeMap, fmt, io::Cursor, ops::Range, thread};

use flate2::{Decompress, FlushDecompress, Status};
use skillyard_manifest::quoted;
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use crate::{
    Cancelled, ErrorKind, Finding, Progress,
    container::{self, Container},
    integrity::{self, PayloadHasher, SIGNATURE_PATH},
    limits::{MAX_ARCHIVE_BYTES, MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_TOTAL_BYTES},
    path::{self, EntryPath},
};

/// From here on an entry is hashed on two threads, in bytes.
const PARALLEL_BYTES: usize = 256 << 10;
/// The most that Deflate can make of one byte.
const MAX_RATIO: u64 = 1032;

/// Why a daemon refuses, with the finding that says it.
#[derive(Clone, PartialEq, Debug)]
pub struct Refusal {
    /// The kind of a daemon's error.
    pub kind: ErrorKind,
    /// What is wrong.
    pub finding: Box<Finding>,
}

impl Refusal {
    /// A refusal of `kind`, which `finding` says.
    #[must_use]
    pub fn new(kind: ErrorKind, finding: Finding) -> Self {
        Self { kind, finding: Box::new(finding) }
    }
}

/// One file of an artifact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name as the archive has it.
    pub raw_name: String,
    /// The size of its content, counted while inflating.
    pub size: u64,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
    /// The first bytes of its content, at most 8.
    pub head: Vec<u8>,
    place: Place,
}

/// Where an entry's data lies in the archive.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Place {
    data: Range<usize>,
    deflated: bool,
    crc: u32,
}

/// Why an entry's content does not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentFault {
    /// It is larger than the limit that was given.
    TooLarge,
    /// The compressed data is damaged or cut off.
    Damaged,
    /// The content does not fit its checksum.
    Checksum,
}

impl fmt::Display for ContentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the content is too large",
            Self::Damaged => "the compressed data is damaged",
            Self::Checksum => "the content does not fit its checksum",
        })
    }
}

impl std::error::Error for ContentFault {}

/// The entries of an archive, as far as it reads.
#[derive(Debug)]
pub struct Entries<'a> {
    bytes: &'a [u8],
    list: BTreeMap<EntryPath, Entry>,
    refusal: Option<Refusal>,
    payload: Option<[u8; 32]>,
}

impl<'a> Entries<'a> {
    /// Reads all entries once, each up to the limits, and hashes them.
    ///
    /// An archive that a daemon refuses gives the entries that read, and [`Entries::refusal`].
    ///
    /// # Errors
    /// [`Cancelled`], where `progress` ends the work.
    pub fn read(container: &Container<'a>, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let mut reading = Reading {
            entries: Self { bytes: container.bytes, list: BTreeMap::new(), refusal: None, payload: None },
            total: 0,
            read: 0,
            payload: Some(PayloadHasher::default()),
            last: None,
        };
        reading.archive(container, progress)?;
        let Reading { mut entries, payload, .. } = reading;
        if entries.refusal.is_none() {
            entries.payload = match payload {
                Some(payload) => Some(payload.finish()),
                None => entries.hash_in_order(progress)?,
            };
        }
        Ok(entries)
    }

    /// Why a daemon refuses to read the archive; `None` where it reads.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// The entries in byte order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&EntryPath, &Entry)> {
        self.list.iter()
    }

    /// The entry at `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.list.get(&EntryPath::parse(path).ok()?)
    }

    /// The SHA-256 over everything that a signature covers; `None` where a daemon refuses to read the archive.
    #[must_use]
    pub fn payload_sha256(&self) -> Option<[u8; 32]> {
        self.payload
    }

    /// The content of an entry, inflated now. `limit` is in bytes; a larger content is a fault.
    ///
    /// # Errors
    /// Why it does not read. An entry that was listed reads, up to 16 MiB.
    pub fn content(&self, entry: &Entry, limit: u64) -> Result<Cow<'a, [u8]>, ContentFault> {
        if entry.size > limit {
            return Err(ContentFault::TooLarge);
        }
        if !entry.place.deflated {
            return self.bytes.get(entry.place.data.clone()).map(Cow::Borrowed).ok_or(ContentFault::Damaged);
        }
        let mut content = Vec::with_capacity(usize::try_from(entry.size).map_err(|_| ContentFault::TooLarge)? + 1);
        inflate(self.bytes, &entry.place, limit, &mut content)?;
        Ok(Cow::Owned(content))
    }

    /// The payload hash of entries that were not met in the order of their paths.
    fn hash_in_order(&self, progress: &dyn Progress) -> Result<Option<[u8; 32]>, Cancelled> {
        let mut hasher = PayloadHasher::default();
        for (at, (path, entry)) in self.list.iter().enumerate() {
            progress.at("Hashing", at as u64, self.list.len() as u64)?;
            if path.as_str() != SIGNATURE_PATH {
                let Ok(content) = self.content(entry, MAX_ENTRY_BYTES) else { return Ok(None) };
                hasher.add(path.as_str(), &content);
            }
        }
        Ok(Some(hasher.finish()))
    }
}

/// One reading of an archive.
struct Reading<'a> {
    entries: Entries<'a>,
    /// Bytes inflated so far.
    total: u64,
    /// Bytes of the archive read for that, those that entries share once for each.
    read: u64,
    /// The payload hash so far, as long as entries come in the order of their paths.
    payload: Option<PayloadHasher>,
    last: Option<EntryPath>,
}

impl<'a> Reading<'a> {
    fn archive(&mut self, container: &Container<'a>, progress: &dyn Progress) -> Result<(), Cancelled> {
        if container.bytes.len() as u64 > MAX_ARCHIVE_BYTES {
            let message =
                format!("the archive has more than {MAX_ARCHIVE_BYTES} bytes, which is all that a daemon reads");
            self.refuse(ErrorKind::ArtifactTooLarge, Finding::new(&container::TOO_LARGE, message));
            return Ok(());
        }
        if !container.may_open() {
            let message = "the archive's directory is too large to be read; what a daemon would say is not known";
            self.refuse(ErrorKind::ArtifactTooManyEntries, Finding::new(&container::DIRECTORY_TOO_LARGE, message));
            return Ok(());
        }
        // A daemon's reader finds the end record however far from the end it stands; the crate of today gives up after
        // 64 KiB, and then gets the archive without what lies behind.
        let archive = ZipArchive::new(Cursor::new(container.bytes)).or_else(|error| match container.end {
            Some(end) if end < container.bytes.len() => {
                ZipArchive::new(Cursor::new(container.bytes.get(..end).unwrap_or_default()))
            }
            _ => Err(error),
        });
        let mut archive = match archive {
            Ok(archive) => archive,
            Err(error) => {
                self.refuse(zip_kind(&error), Finding::new(&container::UNREADABLE, zip_text(&error)));
                return Ok(());
            }
        };
        if archive.len() > MAX_ENTRIES {
            let message = format!("the archive has {} entries, more than {MAX_ENTRIES}", archive.len());
            self.refuse(ErrorKind::ArtifactTooManyEntries, Finding::new(&container::TOO_MANY_ENTRIES, message));
            return Ok(());
        }
        // Room for the largest entry that there can be, taken once; what is not used costs nothing.
        let most = (container.bytes.len() as u64).saturating_mul(MAX_RATIO).min(MAX_ENTRY_BYTES);
        let mut content = Vec::with_capacity(usize::try_from(most).unwrap_or_default() + 1);
        for index in 0..archive.len() {
            if self.entry(&mut archive, index, &mut content, progress)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads one entry. Breaks where reading on would be unbounded.
    fn entry(
        &mut self,
        archive: &mut ZipArchive<Cursor<&'a [u8]>>,
        index: usize,
        content: &mut Vec<u8>,
        progress: &dyn Progress,
    ) -> Result<std::ops::ControlFlow<()>, Cancelled> {
        use std::ops::ControlFlow::{Break, Continue};
        let named = |finding: Finding, name: &str| finding.in_entry(name);
        let (raw, place) = match place(archive, index) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Continue(())),
            Err(error) => {
                self.refuse(zip_kind(&error), Finding::new(&container::UNREADABLE, zip_text(&error)));
                return Ok(Continue(()));
            }
        };
        progress.at("Reading", place.data.start as u64, self.entries.bytes.len() as u64)?;
        let path = match EntryPath::parse(&raw) {
            Ok(path) => path,
            Err(fault) => {
                let message = format!("the name {} is refused: {}", quoted(&raw), path::fault_text(fault));
                self.refuse(ErrorKind::InvalidArtifactPath, named(Finding::new(&path::INVALID, message), &raw));
                return Ok(Continue(()));
            }
        };
        if self.entries.list.contains_key(&path) {
            let message = format!("another entry comes to the path {}", quoted(path.as_str()));
            self.refuse(ErrorKind::DuplicateArtifactEntry, named(Finding::new(&path::DUPLICATE, message), &raw));
            return Ok(Continue(()));
        }
        let length = place.data.end.min(self.entries.bytes.len()).saturating_sub(place.data.start);
        self.read += length as u64;
        if self.read > MAX_ARCHIVE_BYTES {
            let message = format!(
                "the entries would be read from more than {MAX_ARCHIVE_BYTES} bytes, so they share some; what a daemon \
                 would say is not known"
            );
            self.refuse(ErrorKind::ArtifactTooLarge, Finding::new(&container::OVERLAP, message));
            return Ok(Break(()));
        }
        content.clear();
        if let Err(fault) = inflate(self.entries.bytes, &place, MAX_ENTRY_BYTES, content) {
            let (kind, rule) = match fault {
                ContentFault::TooLarge => (ErrorKind::ArtifactEntryTooLarge, &container::ENTRY_TOO_LARGE),
                ContentFault::Damaged => (ErrorKind::Io, &container::UNREADABLE),
                ContentFault::Checksum => (ErrorKind::Io, &container::CHECKSUM),
            };
            let message = format!("{}: {fault}", quoted(&raw));
            let range = place.data.start as u64..place.data.end as u64;
            self.refuse(kind, named(Finding::new(rule, message), &raw).at(range));
            self.total += content.len() as u64;
        } else {
            self.total += content.len() as u64;
            self.keep(raw, path, place, content);
        }
        if self.total > MAX_TOTAL_BYTES {
            let message = format!("the entries have more than {MAX_TOTAL_BYTES} bytes together");
            self.refuse(ErrorKind::ArtifactTooLarge, Finding::new(&container::TOO_LARGE, message));
            return Ok(Break(()));
        }
        Ok(Continue(()))
    }

    /// Hashes an entry and lists it.
    fn keep(&mut self, raw_name: String, path: EntryPath, place: Place, content: &[u8]) {
        if self.last.as_ref().is_some_and(|last| *last > path) {
            self.payload = None;
        }
        let payload = self.payload.as_mut().filter(|_| path.as_str() != SIGNATURE_PATH);
        let sha256 = match payload {
            Some(payload) => hash_twice(payload, &path, content),
            None => integrity::sha256(content),
        };
        let head = content.iter().take(8).copied().collect();
        self.last = Some(path.clone());
        self.entries.list.insert(path, Entry { raw_name, size: content.len() as u64, sha256, head, place });
    }

    /// Keeps the first refusal: that is the one that a daemon stops at.
    fn refuse(&mut self, kind: ErrorKind, finding: Finding) {
        if self.entries.refusal.is_none() {
            self.entries.refusal = Some(Refusal::new(kind, finding));
        }
    }
}

/// The hash of one file and the payload's, at once where that is worth a thread.
fn hash_twice(payload: &mut PayloadHasher, path: &EntryPath, content: &[u8]) -> [u8; 32] {
    if content.len() < PARALLEL_BYTES {
        payload.add(path.as_str(), content);
        return integrity::sha256(content);
    }
    thread::scope(|scope| {
        let file = thread::Builder::new().spawn_scoped(scope, || integrity::sha256(content));
        payload.add(path.as_str(), content);
        file.ok().and_then(|file| file.join().ok()).unwrap_or_else(|| integrity::sha256(content))
    })
}

/// The name of the entry at `index` and where its data lies; `None` for a folder, which a daemon skips.
fn place(archive: &mut ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<Option<(String, Place)>, ZipError> {
    let file = archive.by_index(index)?;
    if file.is_dir() {
        return Ok(None);
    }
    let name = file.name()?.into_owned();
    let deflated = match file.compression() {
        CompressionMethod::Stored => false,
        CompressionMethod::Deflated => true,
        _ => return Err(ZipError::UnsupportedArchive("the method of compression is not known")),
    };
    let start = file.data_start();
    let too_large = || ZipError::InvalidArchive("an entry lies beyond what can be addressed".into());
    let start = start.and_then(|start| usize::try_from(start).ok()).ok_or_else(too_large)?;
    let length = usize::try_from(file.compressed_size()).map_err(|_| too_large())?;
    let data = start..start.checked_add(length).ok_or_else(too_large)?;
    Ok(Some((name, Place { data, deflated, crc: file.crc32() })))
}

/// Appends the content at `place`, up to `limit` bytes and one more, and checks its sum.
fn inflate(bytes: &[u8], place: &Place, limit: u64, content: &mut Vec<u8>) -> Result<(), ContentFault> {
    // Data that reaches beyond the end is read as far as it goes, as a daemon's reader does.
    let end = place.data.end.min(bytes.len());
    let data = bytes.get(place.data.start.min(end)..end).unwrap_or_default();
    let most = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    if place.deflated {
        stream(data, most, content)?;
    } else {
        content.extend_from_slice(data.get(..most).unwrap_or(data));
    }
    if content.len() >= most {
        return Err(ContentFault::TooLarge);
    }
    if crc32fast::hash(content) == place.crc { Ok(()) } else { Err(ContentFault::Checksum) }
}

/// Inflates until the stream ends or `most` bytes are there. What lies behind the stream is not looked at.
fn stream(data: &[u8], most: usize, content: &mut Vec<u8>) -> Result<(), ContentFault> {
    let mut inflater = Decompress::new(false);
    loop {
        if content.len() >= most {
            return Ok(());
        }
        if content.len() == content.capacity() {
            content.reserve((content.len() / 2).clamp(4096, most - content.len()));
        }
        let (read, written) = (inflater.total_in(), inflater.total_out());
        let rest = usize::try_from(read).ok().and_then(|read| data.get(read..)).unwrap_or_default();
        let status =
            inflater.decompress_vec(rest, content, FlushDecompress::None).map_err(|_| ContentFault::Damaged)?;
        match status {
            Status::StreamEnd => return Ok(()),
            _ if (read, written) == (inflater.total_in(), inflater.total_out())
                && content.len() < content.capacity() =>
            {
                return Err(ContentFault::Damaged);
            }
            _ => {}
        }
    }
}

/// The kind of a daemon's error for an error of its reader.
fn zip_kind(error: &ZipError) -> ErrorKind {
    match error {
        ZipError::Io(_) => ErrorKind::Io,
        _ => ErrorKind::Zip,
    }
}

fn zip_text(error: &ZipError) -> String {
    format!("the archive does not read: {}", skillyard_manifest::plain(&error.to_string()))
}
