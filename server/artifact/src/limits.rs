//! The sizes that a daemon sets, in bytes where nothing else is said, and those that Skillyard sets to what it parses.

/// The archive itself.
pub const MAX_ARCHIVE_BYTES: u64 = 64 << 20;
/// All entries together, inflated.
pub const MAX_TOTAL_BYTES: u64 = 64 << 20;
/// One entry, inflated.
pub const MAX_ENTRY_BYTES: u64 = 16 << 20;
/// How many entries an archive has, `signature.json` and directory entries included.
pub const MAX_ENTRIES: usize = 256;

/// `skill.toml` in an artifact. Skillyard's own: a parser takes up to a thousand bytes for each table, and whatever is
/// opened must stay below 100 MB, beside an archive of 64 MiB.
pub const MAX_MANIFEST_BYTES: u64 = 256 << 10;
/// Lines, commas and braces of `skill.toml` together. Skillyard's own, for the same reason.
pub const MAX_MANIFEST_ITEMS: usize = 16 << 10;
/// `sbom.cdx.json` and `provenance.json`. Skillyard's own.
pub const MAX_DOCUMENT_BYTES: u64 = 8 << 20;
/// `signature.json`, which has some 400 bytes. Skillyard's own.
pub const MAX_SIGNATURE_BYTES: u64 = 64 << 10;
