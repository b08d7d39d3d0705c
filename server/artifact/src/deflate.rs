//! A strict look at a Deflate stream (RFC 1951), without inflating it.
//!
//! An inflater ignores what this refuses: bits that pad a stored block or the last byte, and bytes behind the last
//! block. Whoever changed those would change the archive, and no reader would notice. Because only symbols are decoded
//! and nothing is copied, the look costs less than inflating does.

use std::fmt;

/// Why a stream is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The stream ends inside a block.
    Truncated,
    /// A block that no inflater takes, or one whose codes leave bit patterns without a meaning.
    Malformed,
    /// A match reaches to before the start of the output.
    TooFar,
    /// Bits that no inflater looks at are not zero.
    Padding,
    /// Bytes behind the last block: how many.
    Trailing(usize),
    /// It inflates to another number of bytes than the headers say; counting ends just above that.
    Size(u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the compressed stream is cut off"),
            Self::Malformed => f.write_str("the compressed stream is malformed"),
            Self::TooFar => f.write_str("the compressed stream repeats bytes from before its start"),
            Self::Padding => f.write_str("bits that no reader looks at are set in the compressed stream"),
            Self::Trailing(bytes) => write!(f, "{bytes} bytes lie behind the end of the compressed stream"),
            Self::Size(bytes) => write!(f, "the compressed stream inflates to another size ({bytes} bytes or more)"),
        }
    }
}

/// Longest code, in bits.
const MAX_BITS: usize = 15;
/// A symbol of a block is decoded while this many bits are held: a length and a distance, each with its extra bits.
const SYMBOL_BITS: u32 = 15 + 5 + 15 + 13;
/// What a code is looked up by at first, in bits: literals and lengths, distances, lengths of codes.
const LITERAL_ROOT: usize = 10;
const DISTANCE_ROOT: usize = 9;
const LENGTH_ROOT: usize = 7;
/// A block with more symbols than this is worth the work of [`Table::join_literals`].
const LONG_BLOCK: u32 = 2_000;

const LENGTH_BASE: [u16; 29] =
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_EXTRA: [u8; 29] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE: [u16; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA: [u8; 30] =
    [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
/// The order in which the lengths of the code-length code stand.
const LENGTHS_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Whether `stream` is one whole Deflate stream of exactly these bytes that inflates to `size` bytes.
pub(crate) fn check(stream: &[u8], size: u64) -> Result<(), Fault> {
    let mut bits = Bits { bytes: stream, at: 0, held: 0, count: 0 };
    let mut out = 0_u64;
    let mut read = Codes::default();
    // Made where it is needed, and once: a hostile stream may hold a block every ten bits.
    let mut fixed = None;
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => out += bits.stored()?,
            1 => {
                let codes = match &mut fixed {
                    Some(codes) => codes,
                    none => none.insert(Codes::fixed()?),
                };
                block(&mut bits, codes, &mut out)?;
            }
            2 => {
                read.read(&mut bits)?;
                block(&mut bits, &mut read, &mut out)?;
            }
            _ => return Err(Fault::Malformed),
        }
        if out > size {
            return Err(Fault::Size(out));
        }
        if last {
            break;
        }
    }
    bits.pad()?;
    match bits.left() {
        0 if out == size => Ok(()),
        0 => Err(Fault::Size(out)),
        trailing => Err(Fault::Trailing(trailing)),
    }
}

/// The symbols of one compressed block.
fn block(bits: &mut Bits<'_>, codes: &mut Codes, out: &mut u64) -> Result<(), Fault> {
    let mut symbols = 0_u32;
    while symbols < LONG_BLOCK {
        symbols += 1;
        if symbol(bits, codes, out)? == Slot::END {
            return Ok(());
        }
    }
    codes.literals.join_literals();
    while symbol(bits, codes, out)? != Slot::END {}
    Ok(())
}

/// The next symbol of a block, with the distance that a length has behind it. Gives its kind.
#[inline(always)]
fn symbol(bits: &mut Bits<'_>, codes: &Codes, out: &mut u64) -> Result<u32, Fault> {
    if bits.count < SYMBOL_BITS {
        bits.fill();
    }
    let slot = codes.literals.slot(bits.held);
    let more = u64::from(bits.next(slot)?);
    match slot.kind() {
        Slot::LITERAL => *out += more,
        Slot::REPEAT => {
            let slot = codes.distances.slot(bits.held);
            let distance = u64::from(bits.next(slot)?);
            if slot.kind() != Slot::REPEAT {
                return Err(Fault::Malformed);
            }
            if distance > *out {
                return Err(Fault::TooFar);
            }
            *out += more;
        }
        Slot::END => {}
        _ => return Err(Fault::Malformed),
    }
    Ok(slot.kind())
}

/// The stream as bits, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte to hold.
    at: usize,
    /// The bits that are held. Above them stands nothing, or already what follows in the stream.
    held: u64,
    count: u32,
}

impl Bits<'_> {
    /// Holds at least 56 bits, or all that are left.
    #[inline(always)]
    fn fill(&mut self) {
        if let Some(word) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            self.held |= u64::from_le_bytes(*word) << self.count;
            self.at += ((63 - self.count) / 8) as usize;
            self.count |= 56;
        } else {
            self.fill_bytes();
        }
    }

    /// The same where fewer than eight bytes are left.
    #[cold]
    fn fill_bytes(&mut self) {
        while self.count < 56 {
            let Some(byte) = self.bytes.get(self.at) else { return };
            self.held |= u64::from(*byte) << self.count;
            self.count += 8;
            self.at += 1;
        }
    }

    /// Goes over a code that was looked up and its extra bits. Gives its value.
    #[inline(always)]
    fn next(&mut self, slot: Slot) -> Result<u32, Fault> {
        let (code, extra) = (slot.bits(), slot.extra());
        if code + extra > self.count {
            return Err(Fault::Truncated);
        }
        let more = (self.held >> code) as u32 & ((1 << extra) - 1);
        self.held >>= code + extra;
        self.count -= code + extra;
        Ok(slot.base() + more)
    }

    /// The next `n` bits, up to 16.
    fn take(&mut self, n: u32) -> Result<u32, Fault> {
        if self.count < n {
            self.fill();
        }
        if self.count < n {
            return Err(Fault::Truncated);
        }
        let value = self.held & ((1 << n) - 1);
        self.held >>= n;
        self.count -= n;
        Ok(value as u32)
    }

    /// Goes to the end of a byte, over zeros only.
    fn pad(&mut self) -> Result<(), Fault> {
        if self.take(self.count % 8)? == 0 { Ok(()) } else { Err(Fault::Padding) }
    }

    /// A stored block behind its type: how many bytes it holds.
    fn stored(&mut self) -> Result<u64, Fault> {
        self.pad()?;
        let length = self.take(16)?;
        if self.take(16)? != length ^ 0xFFFF {
            return Err(Fault::Malformed);
        }
        // Whole bytes are held: give them back and step over the block.
        self.at = self.at - (self.count / 8) as usize + length as usize;
        (self.held, self.count) = (0, 0);
        if self.at > self.bytes.len() { Err(Fault::Truncated) } else { Ok(u64::from(length)) }
    }

    /// Whole bytes that nothing has taken.
    fn left(&self) -> usize {
        self.bytes.len() - self.at + (self.count / 8) as usize
    }
}

/// The two codes of a compressed block.
#[derive(Default)]
struct Codes {
    literals: Table,
    distances: Table,
}

impl Codes {
    fn fixed() -> Result<Self, Fault> {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        let mut codes = Self::default();
        codes.literals.set(&lengths, LITERAL_ROOT, false, Slot::of_literal)?;
        codes.distances.set(&[5; 32], DISTANCE_ROOT, false, Slot::of_distance)?;
        Ok(codes)
    }

    /// Reads the codes that stand in front of a block.
    fn read(&mut self, bits: &mut Bits<'_>) -> Result<(), Fault> {
        let literals = bits.take(5)? as usize + 257;
        let distances = bits.take(5)? as usize + 1;
        let given = bits.take(4)? as usize + 4;
        if literals > 286 || distances > 30 {
            return Err(Fault::Malformed);
        }
        let mut lengths = [0; 19];
        for at in LENGTHS_ORDER.into_iter().take(given) {
            lengths[at] = bits.take(3)? as u8;
        }
        // In the place of the literals, which come next.
        self.literals.set(&lengths, LENGTH_ROOT, false, |symbol| Slot::new(Slot::LITERAL, symbol, 0))?;
        let mut lengths = [0_u8; 286 + 30];
        let total = literals + distances;
        let mut at = 0;
        while at < total {
            if bits.count < MAX_BITS as u32 {
                bits.fill();
            }
            let slot = self.literals.slot(bits.held);
            let (length, times) = match bits.next(slot)? {
                symbol @ ..=15 => (symbol as u8, 1),
                16 if at == 0 => return Err(Fault::Malformed),
                16 => (lengths[at - 1], bits.take(2)? as usize + 3),
                17 => (0, bits.take(3)? as usize + 3),
                _ => (0, bits.take(7)? as usize + 11),
            };
            if at + times > total {
                return Err(Fault::Malformed);
            }
            lengths[at..at + times].fill(length);
            at += times;
        }
        if lengths[256] == 0 {
            return Err(Fault::Malformed);
        }
        self.literals.set(&lengths[..literals], LITERAL_ROOT, false, Slot::of_literal)?;
        self.distances.set(&lengths[literals..total], DISTANCE_ROOT, true, Slot::of_distance)
    }
}

/// What a bit pattern means: a kind, the bits of its code, and a value with so many extra bits behind the code to add.
#[derive(Clone, Copy)]
struct Slot(u32);

impl Slot {
    /// Nothing.
    const NONE: u32 = 0;
    /// As many literals as the value says.
    const LITERAL: u32 = 1;
    /// The length or the distance of a repetition.
    const REPEAT: u32 = 2;
    /// The end of the block.
    const END: u32 = 3;
    /// A longer code: the value is where its own slots begin.
    const LONGER: u32 = 4;

    fn new(kind: u32, base: u16, extra: u8) -> Self {
        Self(kind | u32::from(extra) << 8 | u32::from(base) << 16)
    }

    fn of_literal(symbol: u16) -> Self {
        match symbol {
            // Which literal it is does not matter here.
            0..=255 => Self::new(Self::LITERAL, 1, 0),
            256 => Self::new(Self::END, 0, 0),
            _ => Self::of_repeat(&LENGTH_BASE, &LENGTH_EXTRA, usize::from(symbol) - 257),
        }
    }

    fn of_distance(symbol: u16) -> Self {
        Self::of_repeat(&DISTANCE_BASE, &DISTANCE_EXTRA, usize::from(symbol))
    }

    fn of_repeat(base: &[u16], extra: &[u8], symbol: usize) -> Self {
        match (base.get(symbol), extra.get(symbol)) {
            (Some(base), Some(extra)) => Self::new(Self::REPEAT, *base, *extra),
            _ => Self::new(Self::NONE, 0, 0),
        }
    }

    fn with_bits(self, bits: usize) -> Self {
        Self(self.0 | (bits as u32) << 4)
    }

    fn kind(self) -> u32 {
        self.0 & 15
    }

    fn bits(self) -> u32 {
        self.0 >> 4 & 15
    }

    fn extra(self) -> u32 {
        self.0 >> 8 & 15
    }

    fn base(self) -> u32 {
        self.0 >> 16
    }
}

/// A canonical Huffman code, to be looked up by the next bits of a stream.
#[derive(Default)]
struct Table {
    /// By the next `root` bits; behind those, for each start of longer codes, by the bits that follow.
    slots: Vec<Slot>,
    root: usize,
    /// The longest code, in bits.
    longest: usize,
}

impl Table {
    /// Makes it the code whose `lengths` are by symbol, with what `slot` says about a symbol. Codes up to `root` bits are
    /// found at once. Every bit pattern must mean something; a distance code alone may have one code of one bit, or none.
    fn set(&mut self, lengths: &[u8], root: usize, distance: bool, slot: fn(u16) -> Slot) -> Result<(), Fault> {
        let mut counts = [0_u16; MAX_BITS + 1];
        for length in lengths {
            counts[usize::from(*length)] += 1;
        }
        counts[0] = 0;
        let mut left = 1_i32;
        for count in &counts[1..] {
            left = (left << 1) - i32::from(*count);
            if left < 0 {
                return Err(Fault::Malformed);
            }
        }
        let used: u16 = counts.iter().sum();
        if left > 0 && !(distance && (used == 0 || (used == 1 && counts[1] == 1))) {
            return Err(Fault::Malformed);
        }
        self.longest = counts.iter().rposition(|count| *count > 0).unwrap_or(1).max(1);
        // Small codes get small tables: a hostile stream may change its codes every few bytes.
        self.root = root.min(self.longest);
        let longer = self.longest - self.root;
        self.slots.clear();
        self.slots.resize(1 << self.root, Slot::new(Slot::NONE, 0, 0).with_bits(1));
        let mut codes = [0_u16; MAX_BITS + 2];
        for length in 1..=MAX_BITS {
            codes[length + 1] = (codes[length] + counts[length]) << 1;
        }
        for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
            let bits = usize::from(*length);
            let slot = slot(symbol as u16).with_bits(bits);
            // A code stands with its highest bit first, the stream with its lowest.
            let code = usize::from(codes[bits].reverse_bits() >> (16 - bits));
            codes[bits] += 1;
            if bits <= self.root {
                self.slots[..1 << self.root].iter_mut().skip(code).step_by(1 << bits).for_each(|at| *at = slot);
            } else {
                let start = code & ((1 << self.root) - 1);
                if self.slots[start].kind() != Slot::LONGER {
                    self.slots[start] = Slot::new(Slot::LONGER, self.slots.len() as u16, 0);
                    self.slots.resize(self.slots.len() + (1 << longer), slot);
                }
                let from = self.slots[start].base() as usize;
                let rest = code >> self.root;
                let own = &mut self.slots[from..from + (1 << longer)];
                own.iter_mut().skip(rest).step_by(1 << (bits - self.root)).for_each(|at| *at = slot);
            }
        }
        Ok(())
    }

    /// What the lowest of the `bits` mean.
    #[inline(always)]
    fn slot(&self, bits: u64) -> Slot {
        let slot = self.at(bits as usize & ((1 << self.root) - 1));
        if slot.kind() != Slot::LONGER {
            return slot;
        }
        self.at(slot.base() as usize + ((bits >> self.root) as usize & ((1 << (self.longest - self.root)) - 1)))
    }

    #[inline(always)]
    fn at(&self, index: usize) -> Slot {
        self.slots.get(index).copied().unwrap_or(Slot(Slot::NONE))
    }

    /// Lets a look-up go over as many literals as the bits that it sees are sure to hold.
    fn join_literals(&mut self) {
        // Downwards: what is behind a literal has a lower index, and is not joined yet.
        for index in (0..1 << self.root).rev() {
            let first = self.at(index);
            if first.kind() != Slot::LITERAL {
                continue;
            }
            let mut joined = first;
            loop {
                let next = self.at(index >> joined.bits());
                let bits = joined.bits() + next.bits();
                if next.kind() != Slot::LITERAL || bits > self.root as u32 {
                    break;
                }
                joined = Slot::new(Slot::LITERAL, (joined.base() + next.base()) as u16, 0).with_bits(bits as usize);
            }
            self.slots[index] = joined;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::io::Write as _;

    use flate2::{Compression, Decompress, FlushDecompress, Status, write::DeflateEncoder};

    fn deflated(content: &[u8], level: u32) -> Vec<u8> {
        let mut writer = DeflateEncoder::new(Vec::new(), Compression::new(level));
        writer.write_all(content).expect("memory is there");
        writer.finish().expect("memory is there")
    }

    /// Contents that lead to every kind of block and code: none, runs, text, all bytes alike and few of them often.
    fn contents() -> Vec<Vec<u8>> {
        let mut state = 7_u32;
        let mut chance = move || {
            state = state.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F);
            state >> 8
        };
        let noise: Vec<u8> = (0..100_000).map(|_| chance() as u8).collect();
        // The fewer leading zeros, the rarer: codes of every length.
        let skewed: Vec<u8> = (0..100_000).map(|_| (chance() & 0xFF_FFFF | 1).leading_zeros() as u8 * 3).collect();
        let words: Vec<u8> =
            (0..60_000).flat_map(|_| format!("w{} ", chance() % 900 * (chance() % 3)).into_bytes()).collect();
        let mixed = [&noise[..9_000], &words[..40_000], &[0; 70_000], &skewed[..30_000], &noise[..9_000]].concat();
        vec![Vec::new(), vec![7], vec![0; 300_000], noise, skewed, words, mixed]
    }

    #[test]
    fn what_is_deflated_is_of_its_size() {
        for content in contents() {
            for level in 0..=9 {
                let stream = deflated(&content, level);
                let size = content.len() as u64;
                assert_eq!(check(&stream, size), Ok(()), "{size} bytes at level {level}");
                assert_eq!(check(&stream, size + 1), Err(Fault::Size(size)));
                if size > 0 {
                    assert!(matches!(check(&stream, size - 1), Err(Fault::Size(_))));
                }
                assert_eq!(check(&[&stream[..], &[0]].concat(), size), Err(Fault::Trailing(1)));
                for cut in [0, 1, stream.len() / 2, stream.len() - 1] {
                    assert!(check(&stream[..cut], size).is_err(), "{size} bytes at level {level}, cut at {cut}");
                }
            }
        }
    }

    /// Whatever is let through, an inflater takes whole, and to that size.
    #[test]
    fn what_is_let_through_inflates() {
        let mut through = 0;
        for content in contents().iter().map(|content| &content[..content.len().min(600)]) {
            for level in [0, 1, 6] {
                let stream = deflated(content, level);
                for bit in 0..stream.len() * 8 {
                    let mut changed = stream.clone();
                    changed[bit / 8] ^= 1 << (bit % 8);
                    if check(&changed, content.len() as u64).is_ok() {
                        through += 1;
                        let mut inflater = Decompress::new(false);
                        let mut out = vec![0; content.len() + 1];
                        let status = inflater.decompress(&changed, &mut out, FlushDecompress::Finish);
                        assert_eq!(status.ok(), Some(Status::StreamEnd), "bit {bit}");
                        assert_eq!(inflater.total_in(), changed.len() as u64);
                        assert_eq!(inflater.total_out(), content.len() as u64);
                    }
                }
            }
        }
        assert!(through > 500, "{through} changed streams are good streams of something else");
    }

    /// A stream may hold a block every ten bits; each costs what it says and no more.
    #[test]
    fn millions_of_empty_blocks() {
        // Twelve blocks of ten bits in fifteen bytes: not last, fixed codes, end.
        let mut fifteen = [0_u8; 15];
        for bit in (0..120).step_by(10).map(|bit| bit + 1) {
            fifteen[bit / 8] |= 1 << (bit % 8);
        }
        let stream = [fifteen.repeat(300_000), vec![3, 0]].concat();
        assert_eq!(check(&stream, 0), Ok(()));
    }

    #[test]
    fn one_fixed_block() {
        // An empty fixed block, last; its ten bits leave six for padding.
        assert_eq!(check(&[3, 0], 0), Ok(()));
        assert_eq!(check(&[3, 0], 1), Err(Fault::Size(0)));
        assert_eq!(check(&[3, 4], 0), Err(Fault::Padding));
        assert_eq!(check(&[3, 0, 0], 0), Err(Fault::Trailing(1)));
        assert_eq!(check(&[3], 0), Err(Fault::Truncated));
        assert_eq!(check(&[7, 0], 0), Err(Fault::Malformed));
    }

    #[test]
    fn one_stored_block() {
        assert_eq!(check(&[1, 2, 0, 0xFD, 0xFF, 7, 7], 2), Ok(()));
        assert_eq!(check(&[0x81, 2, 0, 0xFD, 0xFF, 7, 7], 2), Err(Fault::Padding));
        assert_eq!(check(&[1, 2, 0, 0xFD, 0xFE, 7, 7], 2), Err(Fault::Malformed));
        assert_eq!(check(&[1, 2, 0, 0xFD, 0xFF, 7], 2), Err(Fault::Truncated));
        assert_eq!(check(&[1, 2, 0, 0xFD, 0xFF, 7, 7, 7], 2), Err(Fault::Trailing(1)));
        assert_eq!(check(&[1, 2, 0, 0xFD, 0xFF, 7, 7], 1), Err(Fault::Size(2)));
    }
}
