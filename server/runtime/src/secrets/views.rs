//! A text as it reads once its escapes are undone, with the way back to where each byte stood.

use std::{borrow::Cow, ops::Range};

use zeroize::Zeroize as _;

/// A text read in some way.
pub(super) struct View<'t> {
    bytes: Cow<'t, [u8]>,
    /// Where the distance between both texts changes, in order.
    jumps: Vec<Jump>,
}

#[derive(Clone, Copy)]
struct Jump {
    view: usize,
    raw: usize,
    /// Whether the byte before it is of an escape, which ends here.
    ends_escape: bool,
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(bytes) = &mut self.bytes {
            bytes.zeroize();
        }
    }
}

/// Calls `see` with the text as it is, and with each other way to read it that makes a difference.
pub(super) fn for_each(text: &[u8], mut see: impl FnMut(View<'_>)) {
    see(View { bytes: Cow::Borrowed(text), jumps: Vec::new() });
    for (sign, read) in
        [(b"%".as_slice(), percent as fn(&[u8]) -> Option<Read>), (b"\\", backslash), (b"\r\n", line_end)]
    {
        if text.iter().any(|byte| sign.contains(byte)) {
            see(View::read(text, read));
        }
    }
}

/// An escape: the bytes that it is, and those that it stands for.
struct Read {
    length: usize,
    bytes: [u8; 4],
    count: usize,
}

impl<'t> View<'t> {
    fn read(text: &'t [u8], escape: fn(&[u8]) -> Option<Read>) -> Self {
        let mut bytes = Vec::with_capacity(text.len());
        let mut jumps: Vec<Jump> = Vec::new();
        let mut at = 0;
        while let Some(rest @ [first, ..]) = text.get(at..) {
            match escape(rest) {
                Some(read) => {
                    bytes.extend_from_slice(read.bytes.get(..read.count).unwrap_or_default());
                    at += read.length;
                    let jump = Jump { view: bytes.len(), raw: at, ends_escape: read.count > 0 };
                    match jumps.last_mut() {
                        Some(last) if last.view == jump.view => last.raw = jump.raw,
                        _ => jumps.push(jump),
                    }
                }
                None => {
                    bytes.push(*first);
                    at += 1;
                }
            }
        }
        Self { bytes: Cow::Owned(bytes), jumps }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the bytes of `range`, which is not empty, stood.
    pub(super) fn raw(&self, range: Range<usize>) -> Range<usize> {
        let start = self.place(range.start);
        let ended = self.jumps.binary_search_by_key(&range.end, |jump| jump.view).ok();
        let end = match ended.and_then(|i| self.jumps.get(i)) {
            Some(jump) if jump.ends_escape => jump.raw,
            _ => self.place(range.end.saturating_sub(1)) + 1,
        };
        start..end
    }

    fn place(&self, view: usize) -> usize {
        let behind = self.jumps.partition_point(|jump| jump.view <= view);
        match behind.checked_sub(1).and_then(|i| self.jumps.get(i)) {
            Some(jump) => jump.raw + (view - jump.view),
            None => view,
        }
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// `%41`.
fn percent(text: &[u8]) -> Option<Read> {
    let [b'%', high, low, ..] = text else { return None };
    Some(Read { length: 3, bytes: [hex(*high)? << 4 | hex(*low)?, 0, 0, 0], count: 1 })
}

/// `\n`, `\u0041`, also as a pair of surrogates, and what is not JSON's: `\x41`, `\u{41}`.
fn backslash(text: &[u8]) -> Option<Read> {
    let [b'\\', kind, rest @ ..] = text else { return None };
    let one = |byte: u8| Some(Read { length: 2, bytes: [byte, 0, 0, 0], count: 1 });
    match kind {
        b'n' => one(b'\n'),
        b'r' => one(b'\r'),
        b't' => one(b'\t'),
        b'b' => one(8),
        b'f' => one(12),
        b'"' | b'\\' | b'/' | b'\'' => one(*kind),
        b'x' => {
            let [high, low, ..] = rest else { return None };
            Some(Read { length: 4, bytes: [hex(*high)? << 4 | hex(*low)?, 0, 0, 0], count: 1 })
        }
        b'u' if rest.first() == Some(&b'{') => {
            let digits = rest.get(1..rest.len().min(8))?;
            let count = digits.iter().position(|byte| *byte == b'}')?;
            character(number(digits.get(..count)?)?, count + 4)
        }
        b'u' => {
            let first = number(rest.get(..4)?)?;
            if !(0xd800..0xdc00).contains(&first) {
                return character(first, 6);
            }
            let second =
                rest.get(4..10).filter(|pair| pair.starts_with(b"\\u")).and_then(|pair| number(pair.get(2..)?));
            let second = second.filter(|second| (0xdc00..0xe000).contains(second))?;
            character(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, digit| Some(number.checked_mul(16)? + u32::from(hex(*digit)?)))
}

fn character(number: u32, length: usize) -> Option<Read> {
    let mut bytes = [0; 4];
    let count = char::from_u32(number)?.encode_utf8(&mut bytes).len();
    Some(Read { length, bytes, count })
}

/// Line ends, which are left out.
fn line_end(text: &[u8]) -> Option<Read> {
    matches!(text, [b'\r' | b'\n', ..]).then_some(Read { length: 1, bytes: [0; 4], count: 0 })
}
