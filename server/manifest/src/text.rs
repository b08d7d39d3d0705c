//! Places in a text: byte spans, and the line and column that an editor or a person counts.

use std::fmt;

/// A half-open range of byte offsets into the analysed text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte; never before `start`.
    pub end: usize,
}

impl Span {
    /// The range `start..end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "a span never runs backwards: {start}..{end}");
        Self { start, end }
    }

    /// The empty range before byte `offset`.
    #[must_use]
    pub fn at(offset: usize) -> Self {
        Self::new(offset, offset)
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// Whether the range holds no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether `offset` lies in the range or directly behind it (where a cursor can stand).
    #[must_use]
    pub fn touches(self, offset: usize) -> bool {
        self.start <= offset && offset <= self.end
    }

    /// Whether the two share a byte, or an empty one lies in or at an end of the other.
    #[must_use]
    pub fn intersects(self, other: Self) -> bool {
        if self.is_empty() || other.is_empty() {
            self.start <= other.end && other.start <= self.end
        } else {
            self.start < other.end && other.start < self.end
        }
    }

    /// The bytes of `text` in the range.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// What one column is: the unit of [`Position::character`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units: the default of the language server protocol and of every JSON report.
    #[default]
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

/// A place as a line and a column, both from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position {
    /// Line; lines end at `\n`, `\r\n` or a lone `\r`, as the language server protocol counts.
    pub line: u32,
    /// Units of an [`Encoding`] from the start of the line.
    pub character: u32,
}

/// Where the lines of a text start. Built once a text, in one pass.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<usize>,
    len: usize,
}

impl LineIndex {
    /// Indexes `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = Vec::with_capacity(bytes.len() / 24 + 1);
        starts.push(0);
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            if bytes.get(at..at + 2) != Some(b"\r\n") {
                starts.push(at + 1);
            }
        }
        Self { starts, len: bytes.len() }
    }

    /// Number of lines; a text without line ends has one.
    #[must_use]
    pub fn line_count(&self) -> usize {
        self.starts.len()
    }

    /// The line (from 0) that holds byte `offset`.
    #[must_use]
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset).saturating_sub(1)
    }

    /// The bytes of line `line` with its line end; empty behind the last line.
    #[must_use]
    pub fn line_span(&self, line: usize) -> Span {
        let start = self.starts.get(line).copied().unwrap_or(self.len);
        let end = self.starts.get(line + 1).copied().unwrap_or(self.len);
        Span::new(start, end)
    }

    /// The bytes of line `line` of `text` (the indexed one) without its line end.
    #[must_use]
    pub fn line_content(&self, text: &str, line: usize) -> Span {
        let span = self.line_span(line);
        let trimmed = span.of(text).trim_end_matches(['\n', '\r']).len();
        Span::new(span.start, span.start + trimmed)
    }

    /// The line and column of byte `offset` of `text` (the indexed one). An offset inside a character counts as its
    /// start, one behind the text as its end.
    #[must_use]
    pub fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Position {
        let mut offset = offset.min(self.len);
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_of(offset);
        let before = text.get(self.line_span(line).start..offset).unwrap_or_default();
        let character = match encoding {
            Encoding::Utf8 => before.len(),
            _ if before.is_ascii() => before.len(),
            Encoding::Utf16 => before.chars().map(char::len_utf16).sum(),
            Encoding::Utf32 => before.chars().count(),
        };
        Position { line: to_u32(line), character: to_u32(character) }
    }

    /// The byte offset of `position` in `text` (the indexed one). A column behind the end of its line is the line's
    /// end, a line behind the last is the text's end, and a column inside a character is that character's start.
    #[must_use]
    pub fn offset(&self, text: &str, position: Position, encoding: Encoding) -> usize {
        let line = position.line as usize;
        if line >= self.starts.len() {
            return self.len;
        }
        let span = self.line_content(text, line);
        let mut left = position.character as usize;
        for (i, c) in span.of(text).char_indices() {
            let width = match encoding {
                Encoding::Utf8 => c.len_utf8(),
                Encoding::Utf16 => c.len_utf16(),
                Encoding::Utf32 => 1,
            };
            if left < width {
                return span.start + i;
            }
            left -= width;
        }
        span.end
    }
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_lf_crlf_and_lone_cr() {
        let text = "a\nb\r\nc\rd";
        let index = LineIndex::new(text);
        assert_eq!(index.line_count(), 4);
        let lines: Vec<_> = (0..4).map(|l| index.line_content(text, l).of(text)).collect();
        assert_eq!(lines, ["a", "b", "c", "d"]);
    }

    #[test]
    fn columns_count_in_each_encoding() {
        let text = "x\né\u{1F600}z";
        let index = LineIndex::new(text);
        let z = text.find('z').unwrap();
        let at = |e| index.position(text, z, e).character;
        assert_eq!((at(Encoding::Utf8), at(Encoding::Utf16), at(Encoding::Utf32)), (6, 3, 2));
        for e in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            for (offset, _) in text.char_indices() {
                assert_eq!(index.offset(text, index.position(text, offset, e), e), offset);
            }
        }
    }

    #[test]
    fn positions_outside_are_clamped() {
        let text = "ab\ncd";
        let index = LineIndex::new(text);
        let place = |line, character| Position { line, character };
        assert_eq!(index.offset(text, place(0, 99), Encoding::Utf16), 2);
        assert_eq!(index.offset(text, place(9, 0), Encoding::Utf16), 5);
        assert_eq!(index.position(text, 99, Encoding::Utf16), place(1, 2));
        // A column in the middle of a surrogate pair is the start of its character.
        let smile = "\u{1F600}";
        assert_eq!(LineIndex::new(smile).offset(smile, place(0, 1), Encoding::Utf16), 0);
    }
}
