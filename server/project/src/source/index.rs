//! What git's index says of a few files: whether they are tracked, and by which content.
//!
//! Only the entries are read, of versions 2 to 4. An index whose entries stand in another file (a split index) is not
//! understood, and nothing is concluded from it.

use std::{collections::HashMap, path::Path};

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::files;

/// The largest index that is read, in bytes: those of the largest repositories have fifty millions.
const MAX_INDEX: usize = 64 << 20;
/// The longest path of an entry, in bytes.
const MAX_NAME: usize = 4096;
/// What each entry has in front of its name of the content: times, places, mode, owners and size.
const STAT: usize = 40;

/// What the index says of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Tracked {
    /// It is tracked with this content.
    As(Vec<u8>),
    /// It is tracked, and has more contents than one: a merge goes on.
    Torn,
}

impl Tracked {
    /// Whether `content` is what is tracked. A checkout may write other ends of lines than are tracked, as on Windows:
    /// that is no other content.
    pub(super) fn is(&self, content: &[u8]) -> bool {
        let Self::As(id) = self else { return false };
        blob_id(content, id.len()) == *id || unix_lines(content).is_some_and(|text| blob_id(&text, id.len()) == *id)
    }
}

/// The name that git gives to a content, by the hash whose values have `len` bytes.
fn blob_id(content: &[u8], len: usize) -> Vec<u8> {
    let header = format!("blob {}\0", content.len());
    if len == 20 {
        Sha1::new().chain_update(header).chain_update(content).finalize().to_vec()
    } else {
        Sha256::new().chain_update(header).chain_update(content).finalize().to_vec()
    }
}

/// The text with `\n` for each `\r\n`; `None` where there is none, or it is no text to git.
fn unix_lines(content: &[u8]) -> Option<Vec<u8>> {
    if content.contains(&0) || !content.windows(2).any(|pair| pair == b"\r\n") {
        return None;
    }
    let mut text = Vec::with_capacity(content.len());
    for (at, &byte) in content.iter().enumerate() {
        if byte != b'\r' || content.get(at + 1) != Some(&b'\n') {
            text.push(byte);
        }
    }
    Some(text)
}

/// What the index at `path`, of a repository whose hashes have `hash` bytes, says of the files `wanted`: their paths from
/// the top of the working tree, with `/`. Those that it does not track are not among the answers. `None` where it cannot
/// be read or understood.
pub(super) fn look_up(path: &Path, hash: usize, wanted: &[String]) -> Option<HashMap<String, Tracked>> {
    let bytes = files::read(path, MAX_INDEX).ok()?;
    let mut rest = Bytes(&bytes);
    if rest.take(4)? != b"DIRC" {
        return None;
    }
    let version = rest.number()?;
    if !(2..=4).contains(&version) {
        return None;
    }
    let wanted: HashMap<&[u8], &String> = wanted.iter().map(|path| (path.as_bytes(), path)).collect();
    let mut found = HashMap::new();
    let mut name: Vec<u8> = Vec::new();
    for _ in 0..rest.number()? {
        let before = rest.0.len();
        rest.take(STAT)?;
        let id = rest.take(hash)?;
        let flags = rest.short()?;
        let more = if flags & 0x4000 == 0 { 0 } else { rest.short()? };
        if version == 4 {
            let kept = name.len().checked_sub(rest.varint()?)?;
            name.truncate(kept);
            name.extend_from_slice(rest.until_nul()?);
        } else {
            name.clear();
            name.extend_from_slice(rest.until_nul()?);
            // One NUL ends the name, and up to seven more make the entry's length a multiple of eight.
            let len = before - rest.0.len();
            rest.take(len.next_multiple_of(8) - len)?;
        }
        if name.len() > MAX_NAME {
            return None;
        }
        let Some(&wanted) = wanted.get(name.as_slice()) else { continue };
        // What is only meant to be added has no content yet.
        if more & 0x2000 == 0 {
            let tracked = if flags & 0x3000 == 0 { Tracked::As(id.to_vec()) } else { Tracked::Torn };
            found.insert(wanted.clone(), tracked);
        }
    }
    (!rest.splits(hash)?).then_some(found)
}

/// What is still to be read.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn until_nul(&mut self) -> Option<&'b [u8]> {
        let end = self.0.iter().take(MAX_NAME + 1).position(|&byte| byte == 0)?;
        let name = self.take(end)?;
        self.take(1)?;
        Some(name)
    }

    /// A number as git writes offsets: seven bits a byte, the highest first, each next one counted from one.
    fn varint(&mut self) -> Option<usize> {
        let mut value = 0_usize;
        loop {
            let byte = *self.take(1)?.first()?;
            value = value.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            value = value.checked_add(1)?;
        }
    }

    /// Whether what follows the entries says that others stand in another file. Up to the hash at the end there are
    /// extensions: a name of four bytes, a size, and as many bytes.
    fn splits(mut self, hash: usize) -> Option<bool> {
        while self.0.len() > hash {
            let name = self.take(4)?;
            let size = usize::try_from(self.number()?).ok()?;
            let body = self.take(size)?;
            if name == b"link" && body.iter().take(hash).any(|&byte| byte != 0) {
                return Some(true);
            }
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn index(version: u32, count: u32, entries: &[u8]) -> Vec<u8> {
        [b"DIRC", &version.to_be_bytes()[..], &count.to_be_bytes(), entries, &[0; 20]].concat()
    }

    fn entry(name: &[u8]) -> Vec<u8> {
        let mut entry = [&[0; STAT][..], &[7; 20], &[0, 1], name, &[0]].concat();
        entry.resize(entry.len().next_multiple_of(8), 0);
        entry
    }

    #[test]
    fn an_index_that_lies_is_no_index() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let look = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            look_up(&path, 20, &["a".to_owned()])
        };
        let good = index(2, 1, &entry(b"a"));
        assert_eq!(look(&good).unwrap()["a"], Tracked::As(vec![7; 20]));
        assert_eq!(look(&index(2, 1, &entry(b"b"))), Some(HashMap::new()));
        for cut in 0..good.len() - 20 {
            assert_eq!(look(&good[..cut]), None, "cut at {cut}");
        }
        for (what, bytes) in [
            ("a count beyond its entries", index(2, u32::MAX, &entry(b"a"))),
            ("a version of the future", index(5, 1, &entry(b"a"))),
            ("a name without an end", index(2, 1, &[&entry(b"a")[..62], &[b'x'; 9000]].concat())),
            ("a name that takes more back than there is", {
                index(4, 1, &[&[0; STAT][..], &[7; 20], &[0, 1], &[9], b"a\0"].concat())
            }),
            ("a number without an end", index(4, 1, &[&[0; STAT][..], &[7; 20], &[0, 1], &[0xff; 40]].concat())),
            ("a part of another file", index(2, 1, &[&entry(b"a")[..], b"link\0\0\0\x14", &[1; 20]].concat())),
            ("an extension beyond the end", index(2, 1, &[&entry(b"a")[..], b"TREE\xff\xff\xff\xff"].concat())),
        ] {
            assert_eq!(look(&bytes), None, "{what}");
        }
        // No byte makes it panic.
        for at in 0..good.len() {
            for value in [0, 1, 0x40, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                look(&bytes);
            }
        }
    }
}
