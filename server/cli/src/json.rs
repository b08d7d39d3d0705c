//! JSON that is safe to look at: what a terminal or a reader's eye would act on is written as `\uXXXX`. That is the same
//! value to every program.

use std::io;

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};
use skillyard_manifest::is_unseen;

/// `value` as JSON on one line.
pub fn line<T: Serialize + ?Sized>(value: &T) -> String {
    let mut bytes = Vec::with_capacity(1024);
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, Careful));
    debug_assert!(written.is_ok(), "a report has string keys, and writing to memory does not fail: {written:?}");
    String::from_utf8(bytes).unwrap_or_default()
}

struct Careful;

impl Formatter for Careful {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| is_unseen(*c)) {
            writer.write_all(fragment.get(plain..at).unwrap_or_default().as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = at + c.len_utf8();
        }
        writer.write_all(fragment.get(plain..).unwrap_or_default().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unshowable_is_written_and_the_value_is_the_same() {
        let text = "a\u{1b}\"\\\n\u{7f}\u{202e}é\u{e0041}\u{1F600}z";
        let written = line(text);
        assert!(!written.contains(is_unseen), "{written}");
        assert!(written.contains("\\u202eé\\udb40\\udc41\u{1F600}z"), "{written}");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }
}
