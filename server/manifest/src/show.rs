//! Text from a file inside a message: short, on one line, and with nothing in it that a terminal or an editor acts on.

use std::fmt::Write as _;

/// Longest piece of the file that a message repeats, in characters.
const MAX_SHOWN: usize = 60;

/// `text` in back quotes, escaped and shortened.
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
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}
