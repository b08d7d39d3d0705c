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
/// Codes up to this length are looked up at once.
const FAST_BITS: usize = 10;

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
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => out += bits.stored()?,
            1 => block(&mut bits, &Codes::fixed()?, &mut out, size)?,
            2 => {
                let codes = Codes::read(&mut bits)?;
                block(&mut bits, &codes, &mut out, size)?;
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
fn block(bits: &mut Bits<'_>, codes: &Codes, out: &mut u64, size: u64) -> Result<(), Fault> {
    loop {
        let symbol = codes.literals.next(bits)?;
        if symbol < 256 {
            *out += 1;
        } else if symbol == 256 {
            return Ok(());
        } else {
            let (base, extra) = looked_up(&LENGTH_BASE, &LENGTH_EXTRA, symbol - 257)?;
            let length = base + u64::from(bits.take(extra)?);
            let (base, extra) = looked_up(&DISTANCE_BASE, &DISTANCE_EXTRA, codes.distances.next(bits)?)?;
            let distance = base + u64::from(bits.take(extra)?);
            if distance > *out {
                return Err(Fault::TooFar);
            }
            *out += length;
        }
        if *out > size {
            return Err(Fault::Size(*out));
        }
    }
}

fn looked_up(base: &[u16], extra: &[u8], symbol: u16) -> Result<(u64, u32), Fault> {
    match (base.get(usize::from(symbol)), extra.get(usize::from(symbol))) {
        (Some(base), Some(extra)) => Ok((u64::from(*base), u32::from(*extra))),
        _ => Err(Fault::Malformed),
    }
}

/// The stream as bits, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte to hold.
    at: usize,
    held: u64,
    count: u32,
}

impl Bits<'_> {
    /// Holds at least 32 bits, or all that are left.
    fn fill(&mut self) {
        while self.count <= 56 {
            let Some(byte) = self.bytes.get(self.at) else { return };
            self.held |= u64::from(*byte) << self.count;
            self.count += 8;
            self.at += 1;
        }
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
struct Codes {
    literals: Code,
    distances: Code,
}

impl Codes {
    fn fixed() -> Result<Self, Fault> {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        Ok(Self { literals: Code::new(&lengths, false)?, distances: Code::new(&[5; 32], false)? })
    }

    fn read(bits: &mut Bits<'_>) -> Result<Self, Fault> {
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
        let code = Code::new(&lengths, false)?;
        let mut lengths = [0_u8; 286 + 30];
        let total = literals + distances;
        let mut at = 0;
        while at < total {
            let (length, times) = match code.next(bits)? {
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
        Ok(Self {
            literals: Code::new(&lengths[..literals], false)?,
            distances: Code::new(&lengths[literals..total], true)?,
        })
    }
}

/// A canonical Huffman code.
struct Code {
    /// By the next [`FAST_BITS`] bits: symbol and length of a short code, length 0 for none.
    fast: Vec<(u16, u8)>,
    /// How many codes there are of each length.
    counts: [u16; MAX_BITS + 1],
    /// Symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    /// `lengths` by symbol. Every bit pattern must mean something; a distance code alone may have one code of one bit,
    /// or none.
    fn new(lengths: &[u8], distance: bool) -> Result<Self, Fault> {
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
        let mut starts = [0_u16; MAX_BITS + 2];
        let mut codes = [0_u16; MAX_BITS + 2];
        for length in 1..=MAX_BITS {
            starts[length + 1] = starts[length] + counts[length];
            codes[length + 1] = (codes[length] + counts[length]) << 1;
        }
        let mut symbols = vec![0; usize::from(used)];
        let mut fast = vec![(0, 0); 1 << FAST_BITS];
        for (symbol, length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
            let bits = usize::from(*length);
            symbols[usize::from(starts[bits])] = symbol as u16;
            starts[bits] += 1;
            if bits <= FAST_BITS {
                // A code stands with its highest bit first, the stream with its lowest.
                let reversed = usize::from(codes[bits].reverse_bits() >> (16 - bits));
                for slot in fast.iter_mut().skip(reversed).step_by(1 << bits) {
                    *slot = (symbol as u16, *length);
                }
            }
            codes[bits] += 1;
        }
        Ok(Self { fast, counts, symbols })
    }

    fn next(&self, bits: &mut Bits<'_>) -> Result<u16, Fault> {
        if bits.count < MAX_BITS as u32 {
            bits.fill();
        }
        let (symbol, length) = self.fast[(bits.held & ((1 << FAST_BITS) - 1)) as usize];
        if length > 0 {
            bits.take(u32::from(length))?;
            return Ok(symbol);
        }
        let (mut code, mut first, mut index) = (0_i32, 0_i32, 0_i32);
        for count in &self.counts[1..] {
            code |= bits.take(1)? as i32;
            let count = i32::from(*count);
            if code - count < first {
                return self.symbols.get((index + code - first) as usize).copied().ok_or(Fault::Malformed);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Fault::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
