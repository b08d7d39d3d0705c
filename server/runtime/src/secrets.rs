//! The secrets of a call: their values, and the mask that hides them in whatever comes out of it.
//!
//! The mask knows each value as it is, in base64 (both alphabets, padded or not, at any place among other bytes) and in
//! hexadecimal digits, and in lower case as a host would be; each of them also percent-encoded, escaped as in JSON, broken by line ends, and split over
//! adjacent writes or log lines. It is there for the tool that logs what it should not. A tool that means to give a
//! secret away can spell it in ways without number, and what keeps it from that is what it is granted.

use std::{
    collections::{BTreeMap, VecDeque},
    error::Error,
    fmt,
    ops::Range,
};

use base64::{Engine as _, engine::general_purpose};
use zeroize::{Zeroize as _, Zeroizing};

use crate::call::{Decision, HostCall, Log};

mod automaton;
mod json;
mod views;

use automaton::Automaton;

/// What stands where a secret was.
pub const MARK: &str = "***";

/// Bytes that a value has at least, without white space around it. A shorter one stands in every other word: to hide it
/// everywhere would ruin all output, and show it by that.
pub const MIN_BYTES: usize = 4;
/// Bytes that a value has at most.
pub const MAX_BYTES: usize = 64 << 10;
/// Bytes of all values together at most.
pub const MAX_ALL_BYTES: usize = 256 << 10;

/// Lines of a value from this length on are hidden alone too: those of a PEM file, not its last few letters.
const MIN_LINE: usize = 16;

/// Why a value is not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BadSecret {
    /// It cannot be hidden.
    TooShort {
        /// Its `scope/key`.
        name: String,
    },
    /// It, or all of them together, are more than a mask looks for.
    TooLong {
        /// The `scope/key` at which it was too much.
        name: String,
    },
}

impl fmt::Display for BadSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { name } => write!(
                f,
                "the secret {} has fewer than {MIN_BYTES} bytes, which cannot be hidden in what a tool prints: set a longer one",
                skillyard_manifest::quoted(name)
            ),
            Self::TooLong { name } => write!(
                f,
                "the secret {} is too long: one may have {MAX_BYTES} bytes, all of them {MAX_ALL_BYTES}",
                skillyard_manifest::quoted(name)
            ),
        }
    }
}

impl Error for BadSecret {}

/// The values of the secrets that a call may ask for, by `scope/key`; wiped when they go.
#[derive(Default)]
pub struct Values {
    by_name: BTreeMap<String, Zeroizing<String>>,
}

impl Values {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the value of `name`, its `scope/key`, in the place of an earlier one.
    ///
    /// # Errors
    /// [`BadSecret`] of a value that no mask could hide; nothing is changed then.
    pub fn insert(&mut self, name: impl Into<String>, value: Zeroizing<String>) -> Result<(), BadSecret> {
        let name = name.into();
        if value.trim().len() < MIN_BYTES {
            return Err(BadSecret::TooShort { name });
        }
        let others: usize =
            self.by_name.iter().filter(|(other, _)| **other != name).map(|(_, value)| value.len()).sum();
        if value.len() > MAX_BYTES || others + value.len() > MAX_ALL_BYTES {
            return Err(BadSecret::TooLong { name });
        }
        self.by_name.insert(name, value);
        Ok(())
    }

    /// The value of a `scope/key`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(|value| value.as_str())
    }

    /// What there is a value of, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// A mask that hides all of them.
    #[must_use]
    pub fn mask(&self) -> Mask {
        Mask::new(self.by_name.values().map(|value| value.as_str()))
    }
}

/// A form of a value.
struct Needle {
    bytes: Zeroizing<Vec<u8>>,
    /// Whether the letters beside it hold bits of the value too, as those of base64 do.
    shares_neighbours: bool,
}

/// Hides values in what comes out of a call. Its work grows with the text, not with text times values.
pub struct Mask {
    automaton: Automaton,
    /// Bytes that one value can stretch over at most.
    reach: usize,
}

/// Bytes that a byte of a form becomes at most, escaped as `\u{00006f}`.
const MAX_STRETCH: usize = 10;
/// Bytes of a text that are looked at in one go.
const WINDOW: usize = 1 << 20;

impl Mask {
    fn new<'v>(values: impl Iterator<Item = &'v str>) -> Self {
        let mut needles = Vec::new();
        for value in values {
            forms(value, &mut needles);
        }
        let longest = needles.iter().map(|needle| needle.bytes.len()).max().unwrap_or(0);
        Self { automaton: Automaton::new(&needles), reach: longest * MAX_STRETCH }
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reach == 0
    }

    /// `text` without the values.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        into_text(cut(text.as_bytes(), &self.spans(text.as_bytes())))
    }

    /// `bytes` without the values.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        cut(bytes, &self.spans(bytes))
    }

    /// JSON without the values, still JSON: in strings, in keys, across strings that follow one another; a number that
    /// holds one becomes a string. What is not JSON is taken as text.
    #[must_use]
    pub fn json(&self, text: &str) -> String {
        json::mask(self, text).unwrap_or_else(|| self.text(text))
    }

    /// A host call without the values.
    pub fn host_call(&self, call: &mut HostCall) {
        call.name = self.text(&call.name);
        call.arguments = self.text(&call.arguments);
        match &mut call.decision {
            Decision::Allowed => {}
            Decision::Denied(why) | Decision::Failed(why) => *why = self.text(why),
        }
    }

    /// A mask for bytes that come piece by piece.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        Stream { mask: self, held: Zeroizing::default(), hidden: 0 }
    }

    /// A mask for lines of a log.
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        Lines { mask: self, held: VecDeque::new(), held_bytes: 0, fresh: 0, hidden: 0 }
    }

    /// Where values stand in `text`: sorted, apart from one another.
    fn spans(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        if self.is_empty() {
            return spans;
        }
        let step = WINDOW.max(2 * self.reach);
        let mut start = 0;
        while start < text.len() {
            // Each begins a byte early, for a match whose neighbour is hidden too, and sees a whole reach further.
            let from = start.saturating_sub(1);
            let to = text.len().min(start.saturating_add(step).saturating_add(self.reach + 1));
            if let Some(window) = text.get(from..to) {
                views::for_each(window, |view| self.find(window, from, &view, &mut spans));
            }
            start += step;
        }
        merge(&mut spans);
        spans
    }

    /// Where values stand in `texts`, alone and one behind the other, as places in all of them joined.
    fn spans_over(&self, texts: &[&[u8]]) -> Vec<Range<usize>> {
        let joined = Zeroizing::new(texts.concat());
        let mut spans = self.spans(&joined);
        // An escape that a line leaves open must not change how the next one is read.
        let mut start = 0;
        for text in texts {
            spans.extend(self.spans(text).into_iter().map(|span| span.start + start..span.end + start));
            start += text.len();
        }
        merge(&mut spans);
        spans
    }

    fn find(&self, window: &[u8], offset: usize, view: &views::View<'_>, spans: &mut Vec<Range<usize>>) {
        let is_letter = |at: usize| {
            window.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'))
        };
        self.automaton.find(view.bytes(), |found, shares_neighbours| {
            let mut raw = view.raw(found);
            if shares_neighbours {
                if raw.start > 0 && is_letter(raw.start - 1) {
                    raw.start -= 1;
                }
                if is_letter(raw.end) {
                    raw.end += 1;
                }
            }
            let span = raw.start + offset..raw.end + offset;
            // Overlapping matches come in the order of their ends: most melt at once.
            match spans.last_mut() {
                Some(last) if span.start <= last.end && last.start <= span.start => last.end = last.end.max(span.end),
                _ => spans.push(span),
            }
        });
    }
}

/// Bytes that come piece by piece, without the values, also those whose parts came in two pieces.
///
/// What could be the start of a value is held back until more comes, or the end: up to twice the longest form.
pub struct Stream<'m> {
    mask: &'m Mask,
    held: Zeroizing<Vec<u8>>,
    /// So many bytes at the start of `held` are of a value whose mark is written already.
    hidden: usize,
}

impl Stream<'_> {
    /// Takes the next bytes, and gives those that nothing can change any more.
    #[must_use]
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.mask.is_empty() {
            return bytes.to_vec();
        }
        self.held.extend_from_slice(bytes);
        // Only when as much is new as is looked at again: so the work stays linear.
        if self.held.len() < 2 * (self.mask.reach + 1) {
            return Vec::new();
        }
        self.release(self.held.len() - self.mask.reach - 1)
    }

    /// The rest.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.release(self.held.len())
    }

    fn release(&mut self, until: usize) -> Vec<u8> {
        let mut spans = self.mask.spans(&self.held);
        if self.hidden > 0 {
            spans.push(0..self.hidden);
            merge(&mut spans);
        }
        let mut out = Vec::with_capacity(until);
        let (mut at, mut hidden) = (0, 0);
        for span in spans.iter().take_while(|span| span.start < until) {
            out.extend_from_slice(self.held.get(at..span.start).unwrap_or_default());
            if span.start > 0 || self.hidden == 0 {
                out.extend_from_slice(MARK.as_bytes());
            }
            at = span.end.min(until);
            hidden = span.end.saturating_sub(until);
        }
        out.extend_from_slice(self.held.get(at..until).unwrap_or_default());
        self.hidden = hidden;
        self.held.copy_within(until.., 0);
        let left = self.held.len() - until;
        if let Some(rest) = self.held.get_mut(left..) {
            rest.zeroize();
        }
        self.held.truncate(left);
        out
    }
}

/// Lines of a log without the values, also those whose parts stand in adjacent lines.
///
/// Lines are held back until no later one can change them, or the end.
pub struct Lines<'m> {
    mask: &'m Mask,
    held: VecDeque<Log>,
    held_bytes: usize,
    /// How much came since the held ones were last looked at.
    fresh: usize,
    /// So many bytes at the start of `held` are of a value that began in an earlier line.
    hidden: usize,
}

impl Lines<'_> {
    /// Takes the next line, and gives those that nothing can change any more.
    #[must_use]
    pub fn push(&mut self, log: Log) -> Vec<Log> {
        if self.mask.is_empty() {
            return vec![log];
        }
        self.held_bytes += log.text.len();
        self.fresh += log.text.len() + 1;
        self.held.push_back(log);
        // Only when about as much is new as is looked at again: so the work stays linear.
        if self.fresh <= self.mask.reach.max(self.held_bytes / 2) {
            return Vec::new();
        }
        self.fresh = 0;
        self.release(self.held_bytes.saturating_sub(self.mask.reach + 1))
    }

    /// The rest.
    #[must_use]
    pub fn finish(mut self) -> Vec<Log> {
        self.release(usize::MAX)
    }

    /// Gives the lines that end at or before `until`, a place in the text of all held ones.
    fn release(&mut self, until: usize) -> Vec<Log> {
        let texts: Vec<&[u8]> = self.held.iter().map(|log| log.text.as_bytes()).collect();
        let mut spans = self.mask.spans_over(&texts);
        if self.hidden > 0 {
            spans.push(0..self.hidden);
            merge(&mut spans);
        }
        let mut out = Vec::new();
        let mut start = 0;
        let mut rest = spans.as_slice();
        while let Some(mut log) = self.held.pop_front() {
            let end = start + log.text.len();
            if end > until {
                self.held.push_front(log);
                break;
            }
            log.text = into_text(cut(log.text.as_bytes(), &clip(&mut rest, start..end)));
            out.push(log);
            start = end;
        }
        self.held_bytes -= start;
        self.hidden =
            spans.iter().find(|span| span.start < start && span.end > start).map_or(0, |span| span.end - start);
        out
    }
}

/// What of the sorted `spans` is within `part`, relative to it; those that end in it are dropped from `spans`.
fn clip(spans: &mut &[Range<usize>], part: Range<usize>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    while let Some((first, later)) = spans.split_first() {
        if first.start >= part.end && !part.is_empty() || first.start > part.end {
            break;
        }
        let span = first.start.max(part.start)..first.end.min(part.end);
        if !span.is_empty() {
            out.push(span.start - part.start..span.end - part.start);
        }
        if first.end > part.end {
            break;
        }
        *spans = later;
    }
    out
}

/// `bytes` with a mark in the place of each of `spans`.
fn cut(bytes: &[u8], spans: &[Range<usize>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for span in spans {
        out.extend_from_slice(bytes.get(at..span.start).unwrap_or_default());
        out.extend_from_slice(MARK.as_bytes());
        at = span.end;
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
    out
}

fn into_text(bytes: Vec<u8>) -> String {
    // A match begins and ends between characters, so there is nothing to lose but in the cut of a character by lines.
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn merge(spans: &mut Vec<Range<usize>>) {
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    spans.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
}

/// All forms of a value that are looked for.
fn forms(value: &str, needles: &mut Vec<Needle>) {
    let mut add = |bytes: Vec<u8>, shares_neighbours: bool| {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() >= MIN_BYTES {
            needles.push(Needle { bytes, shares_neighbours });
        }
    };
    let value = value.trim();
    let is_end = |c: char| matches!(c, '\r' | '\n');
    add(value.as_bytes().to_vec(), false);
    if value.contains(is_end) {
        add(value.replace(is_end, "").into_bytes(), false);
        for line in value.split(is_end).map(str::trim).filter(|line| line.len() >= MIN_LINE) {
            add(line.as_bytes().to_vec(), false);
        }
    }
    if value.contains(|c: char| c.is_ascii_uppercase()) {
        // Hosts of URLs and names of headers are written so.
        add(value.to_ascii_lowercase().into_bytes(), false);
    }
    if value.contains(' ') {
        // A form's way to write a space.
        add(value.replace(' ', "+").into_bytes(), false);
    }
    for shift in 0..3_usize {
        // The letters of base64 that hold nothing but bits of the value, with so many other bytes before it.
        let mut shifted = Zeroizing::new(vec![0; shift]);
        shifted.reserve_exact(value.len());
        shifted.extend_from_slice(value.as_bytes());
        let inner = (8 * shift).div_ceil(6)..8 * shifted.len() / 6;
        for engine in [&general_purpose::STANDARD_NO_PAD, &general_purpose::URL_SAFE_NO_PAD] {
            let encoded = Zeroizing::new(engine.encode(&*shifted));
            add(encoded.as_bytes().get(inner.clone()).unwrap_or_default().to_vec(), true);
        }
    }
    for digits in [b"0123456789abcdef", b"0123456789ABCDEF"] {
        let digit = |nibble: u8| digits.get(usize::from(nibble)).copied().unwrap_or_default();
        // Room for all at once: a vector that grows leaves copies behind.
        let mut written = Vec::with_capacity(2 * value.len());
        written.extend(value.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
        add(written, false);
    }
}

#[cfg(test)]
mod tests;
