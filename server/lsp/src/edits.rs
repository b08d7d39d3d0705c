//! From an old text to a new one in few and small edits, so that cursors, folds and marks in between stay.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};
use skillyard_manifest::{Span, TextEdit};

/// How long to look for small edits before larger ones must do.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);
/// The same where a large edit would reach beyond what was asked for.
pub(crate) const LONG_PATIENCE: Duration = Duration::from_secs(10);

/// Edits, sorted by place and without overlap, that make `old` to `new`. None begins or ends within a line end. They are
/// looked for as long as `patience` says.
pub(crate) fn between(old: &str, new: &str, patience: Duration) -> Vec<TextEdit> {
    let deadline = Instant::now() + patience;
    let mut edits = Vec::new();
    for (old_lines, new_lines) in differences(old, new, Span::new(0, old.len()), 0, lines, deadline) {
        let words = differences(old_lines.of(old), new_lines.of(new), old_lines, new_lines.start, words, deadline);
        edits.extend(words.into_iter().map(|(span, text)| TextEdit { span, text: text.of(new).to_owned() }));
    }
    edits
}

/// Which bytes of `old` are replaced by which of `new`, in the pieces that `cut` makes. `at` is where `old` lies in its
/// text, `new_at` where `new` starts in its own.
fn differences(
    old: &str,
    new: &str,
    at: Span,
    new_at: usize,
    cut: fn(&str) -> Vec<&str>,
    deadline: Instant,
) -> Vec<(Span, Span)> {
    let (old, new) = (cut(old), cut(new));
    let (mut old_at, mut new_at) = (at.start, new_at);
    let mut found = Vec::new();
    for op in capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(deadline)) {
        let (old_len, new_len) = (bytes(&old, op.old_range()), bytes(&new, op.new_range()));
        if !matches!(op, DiffOp::Equal { .. }) {
            found.push((Span::new(old_at, old_at + old_len), Span::new(new_at, new_at + new_len)));
        }
        old_at += old_len;
        new_at += new_len;
    }
    found
}

/// The edits that have to do with the lines of `span`.
pub(crate) fn touching(edits: Vec<TextEdit>, text: &str, span: Span) -> Vec<TextEdit> {
    let start = text.get(..span.start).unwrap_or_default().rfind(['\n', '\r']).map_or(0, |at| at + 1);
    // A range that ends at the start of a line does not mean that line.
    let last = if span.is_empty() { span.end } else { span.end - 1 };
    let rest = text.as_bytes().get(last..).unwrap_or_default();
    let end = rest.iter().position(|&b| b == b'\n' || b == b'\r').map_or(text.len(), |at| last + at);
    let lines = Span::new(start, end.max(start));
    edits.into_iter().filter(|edit| edit.span.start <= lines.end && lines.start <= edit.span.end).collect()
}

fn bytes(pieces: &[&str], range: Range<usize>) -> usize {
    pieces.get(range).unwrap_or_default().iter().map(|piece| piece.len()).sum()
}

/// The lines with their ends, which are LF, CRLF and a lone CR.
fn lines(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
            lines.extend(text.get(start..=at));
            start = at + 1;
        }
    }
    lines.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    lines
}

/// Words, runs of spaces, line ends, and every other character for itself.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '\r' if rest.starts_with("\r\n") => 2,
            ' ' | '\t' => rest.find(|c| c != ' ' && c != '\t').unwrap_or(rest.len()),
            c if c.is_alphanumeric() => rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (word, behind) = rest.split_at(len);
        words.push(word);
        rest = behind;
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use skillyard_manifest::fix::apply_edits;

    use super::*;

    fn shown(old: &str, new: &str) -> Vec<(String, String)> {
        let edits = between(old, new, LONG_PATIENCE);
        assert_eq!(apply_edits(old, &edits), new);
        edits.into_iter().map(|edit| (edit.span.of(old).to_owned(), edit.text)).collect()
    }

    fn pair(old: &str, new: &str) -> (String, String) {
        (old.to_owned(), new.to_owned())
    }

    #[test]
    fn edits_are_small() {
        assert_eq!(shown("a = 1\nb = 2\n", "a = 1\nb = 2\n"), []);
        assert_eq!(
            shown("a=1\nb = 2\nc=3\n", "a = 1\nb = 2\nc = 3\n"),
            [pair("", " "), pair("", " "), pair("", " "), pair("", " ")]
        );
        assert_eq!(shown("a\r\nb\r\n", "a\r\nx\r\nb\r\n"), [pair("", "x\r\n")]);
        assert_eq!(shown("id = \"echo\"\n", "id = \"acme.echo\"\n"), [pair("", "acme.")]);
        assert_eq!(shown("a", ""), [pair("a", "")]);
    }

    #[test]
    fn a_line_end_is_not_cut() {
        assert_eq!(shown("a\r\n", "a\n"), [pair("\r\n", "\n")]);
        assert_eq!(shown("a\n", "a\r\n"), [pair("\n", "\r\n")]);
        assert_eq!(shown("a\r", "a\r\n"), [pair("\r", "\r\n")]);
    }

    #[test]
    fn a_range_takes_its_lines() {
        let old = "a=1\nb=2\nc=3\n";
        let touched = |from, to| {
            let edits = touching(between(old, "a = 1\nb = 2\nc = 3\n", LONG_PATIENCE), old, Span::new(from, to));
            apply_edits(old, &edits)
        };
        assert_eq!(touched(5, 5), "a=1\nb = 2\nc=3\n");
        assert_eq!(touched(4, 8), "a=1\nb = 2\nc=3\n");
        assert_eq!(touched(0, 5), "a = 1\nb = 2\nc=3\n");
        assert_eq!(touched(0, old.len()), "a = 1\nb = 2\nc = 3\n");
        assert_eq!(touched(old.len(), old.len()), old);
    }

    proptest! {
        #[test]
        fn edits_make_the_new_text(old in "[ab\\r\\né\u{1F600}]{0,24}", new in "[ab\\r\\né\u{1F600}]{0,24}") {
            let edits = between(&old, &new, LONG_PATIENCE);
            prop_assert_eq!(apply_edits(&old, &edits), new);
            let inside_crlf = |at: usize| old[..at].ends_with('\r') && old[at..].starts_with('\n');
            prop_assert!(edits.iter().all(|edit| !inside_crlf(edit.span.start) && !inside_crlf(edit.span.end)));
        }
    }
}
