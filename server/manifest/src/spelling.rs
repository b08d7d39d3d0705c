//! How a string or a quoted key is written: which bytes of the text stand for which of its characters.

use crate::text::Span;

/// What a string or key says, each character with its place, also where it is written as an escape.
pub(crate) fn characters(text: &str, span: Span) -> Vec<(Span, char)> {
    let raw = span.of(text);
    let quotes =
        if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { usize::from(raw.starts_with(['"', '\''])) };
    let escapes = raw.starts_with('"');
    let end = raw.len().saturating_sub(quotes);
    let mut out = Vec::new();
    let mut at = quotes;
    while let Some(c) = raw.get(at..end).and_then(|rest| rest.chars().next()) {
        let (c, len) =
            if escapes && c == '\\' { escape(raw.get(at..end).unwrap_or_default()) } else { (Some(c), c.len_utf8()) };
        if let Some(c) = c {
            out.push((Span::new(span.start + at, span.start + at + len), c));
        }
        at += len;
    }
    out
}

/// The character and the length of the escape at the start of `raw`.
fn escape(raw: &str) -> (Option<char>, usize) {
    let Some(kind) = raw.chars().nth(1) else { return (None, raw.len()) };
    let hex = |digits: usize| {
        let code = raw.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match code.and_then(char::from_u32) {
            Some(c) => (Some(c), 2 + digits),
            None => (None, 2),
        }
    };
    match kind {
        'x' => hex(2),
        'u' => hex(4),
        'U' => hex(8),
        'b' => (Some('\u{8}'), 2),
        'e' => (Some('\u{1B}'), 2),
        'f' => (Some('\u{C}'), 2),
        'n' => (Some('\n'), 2),
        'r' => (Some('\r'), 2),
        't' => (Some('\t'), 2),
        '"' | '\\' => (Some(kind), 2),
        // A line end with what follows up to the next word is nothing.
        c if c.is_whitespace() => {
            let rest = raw.get(1..).unwrap_or_default();
            (None, 1 + rest.len() - rest.trim_start().len())
        }
        c => (None, 1 + c.len_utf8()),
    }
}
