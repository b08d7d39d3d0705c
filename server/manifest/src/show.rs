//! Text of others as it may be shown to a person: nothing in it moves a cursor, hides or reorders other text.

use std::{borrow::Cow, fmt::Write as _, path::Path};

/// Longest piece of the file that a message of a finding repeats, in characters.
const MAX_SHOWN: usize = 60;

/// Appends `c` as it may be shown: itself, or `\n`, `\t`, `\u{202e}` and the like.
pub fn push(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_unseen(c) => {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
        c => out.push(c),
    }
}

/// `text` on one line, with everything unshowable escaped.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| push(&mut out, c));
    Cow::Owned(out)
}

/// [`line`] as one word of a Unix shell, for a command that a person copies out of a message.
#[must_use]
pub fn shell_word(text: &str) -> String {
    format!("'{}'", line(text).replace('\'', r"'\''"))
}

/// [`line`], cut after `limit` characters.
#[must_use]
pub fn words(text: &str, limit: usize) -> String {
    // Most texts have not even as many bytes.
    let cut = if text.len() <= limit { None } else { text.char_indices().nth(limit) };
    match cut {
        Some((cut, _)) => format!("{}…", line(text.get(..cut).unwrap_or_default())),
        None => line(text).into_owned(),
    }
}

/// [`line`] for many lines: line ends and tabs stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    let keep = |c| matches!(c, '\n' | '\t');
    if !text.contains(|c| is_unseen(c) && !keep(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if keep(c) || (c == '\r' && chars.peek() == Some(&'\n')) { out.push(c) } else { push(&mut out, c) }
    }
    Cow::Owned(out)
}

/// A path for a message.
#[must_use]
pub fn path(path: &Path) -> String {
    line(&path.to_string_lossy()).into_owned()
}

/// `text` in back quotes, escaped and shortened: for a message of a finding.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("`{}`", plain(text))
}

/// `text` escaped and shortened. Back quotes become plain ones, so that a message cannot end its own quotation.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == MAX_SHOWN {
            out.push('…');
            break;
        }
        match c {
            '`' => out.push('\''),
            c if is_unseen(c) => {
                let _ = write!(out, "\\u{{{:X}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// Whether `c` is a control (the tab and line ends too), a bidirectional control or otherwise invisible, so that a
/// reader would not see it. The one table of them: what is printed and what the rules say rest on it.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unshowable_is_left() {
        let nasty = "a\u{1b}[2J\r\n\t\u{202e}\u{200d}\u{9b}\u{e0041}é\u{7f}";
        assert_eq!(line(nasty), "a\\u{1b}[2J\\r\\n\\t\\u{202e}\\u{200d}\\u{9b}\\u{e0041}é\\u{7f}");
        assert_eq!(lines("a\r\nb\rc\t\u{1b}\n"), "a\r\nb\\rc\t\\u{1b}\n");
        assert_eq!(words("äöü", 2), "äö…");
        assert_eq!(words("äö", 2), "äö");
    }
}
