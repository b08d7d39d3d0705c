//! The bytes of an artifact, read once: what is looked at afterwards is what was read.

use std::{
    io::{self, Read},
    path::Path,
};

use skillyard_artifact::limits::MAX_ARCHIVE_BYTES;

use crate::files::{self, ReadError};

/// The bytes of the regular file at `path`. Of a file that is larger than any artifact just so much is read that
/// verification sees it is too large.
///
/// # Errors
/// If it is missing, no regular file (a pipe is refused and never waited for), or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    let (file, size) = files::open_regular(path)?;
    let room = usize::try_from(size.min(MAX_ARCHIVE_BYTES)).unwrap_or_default() + 1;
    read_from(file, room).map_err(|error| ReadError::Io { path: path.to_owned(), error })
}

/// The same from a stream, such as standard input.
///
/// # Errors
/// If it cannot be read.
pub fn read_stream(stream: impl Read) -> io::Result<Vec<u8>> {
    read_from(stream, 0)
}

fn read_from(stream: impl Read, room: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(room);
    stream.take(MAX_ARCHIVE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_tells_that_it_is_too_large() {
        let bytes = read_stream(io::repeat(0)).unwrap();
        assert_eq!(bytes.len() as u64, MAX_ARCHIVE_BYTES + 1);
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x");
        std::fs::File::create(&path).unwrap().set_len(MAX_ARCHIVE_BYTES * 3).unwrap();
        assert_eq!(read(&path).unwrap().len() as u64, MAX_ARCHIVE_BYTES + 1);
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path).unwrap(), b"abc");
        assert!(matches!(read(root.path()), Err(ReadError::NotAFile { .. } | ReadError::Io { .. })));
    }
}
