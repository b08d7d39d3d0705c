//! The sizes that a daemon sets, in bytes where nothing else is said.

/// The archive itself.
pub const MAX_ARCHIVE_BYTES: u64 = 64 << 20;
/// All entries together, inflated.
pub const MAX_TOTAL_BYTES: u64 = 64 << 20;
/// One entry, inflated.
pub const MAX_ENTRY_BYTES: u64 = 16 << 20;
/// How many entries an archive has, `signature.json` and directory entries included.
pub const MAX_ENTRIES: usize = 256;
