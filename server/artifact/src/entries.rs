//! The entries of an archive: names, sizes, hashes, contents.
