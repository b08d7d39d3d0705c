//! The frames of the protocol: header lines, an empty line, and as many bytes as `Content-Length` says.
//!
//! Damage is survived. A header that makes no sense is one [`FrameFault`], and reading goes on at the next
//! `Content-Length`, wherever in a line it stands.

use std::{
    fmt,
    io::{self, BufRead, Read},
};

/// The largest message that is read, in bytes. A 20 MB file in the longest JSON escapes has 120 MB.
pub(crate) const MAX_MESSAGE_BYTES: u64 = 256 * 1024 * 1024;

/// The longest piece of a header line that is looked at in one go.
const MAX_HEADER_BYTES: u64 = 8 * 1024;

const CONTENT_LENGTH: &[u8] = b"content-length:";

/// What is wrong with a header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum FrameFault {
    /// The header ended without a length.
    NoLength,
    /// The length is no number.
    BadLength,
    /// The message is larger than [`MAX_MESSAGE_BYTES`].
    TooLarge(u64),
}

impl fmt::Display for FrameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLength => write!(f, "a message header without `Content-Length`"),
            Self::BadLength => write!(f, "a `Content-Length` that is no number"),
            Self::TooLarge(bytes) => {
                write!(f, "a message of {bytes} bytes is too large; the limit is {MAX_MESSAGE_BYTES}")
            }
        }
    }
}

/// Cuts a byte stream into message bodies.
pub(crate) struct Frames<R> {
    input: R,
    line: Vec<u8>,
}

impl<R: BufRead> Frames<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, line: Vec::new() }
    }

    /// The body of the next message, or what was wrong with it; `None` at the end of the input, also within a message.
    pub(crate) fn next(&mut self) -> io::Result<Option<Result<Vec<u8>, FrameFault>>> {
        let mut length = None;
        let mut unknown = false;
        loop {
            self.line.clear();
            if self.input.by_ref().take(MAX_HEADER_BYTES).read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            let line = self.line.trim_ascii_end();
            if let Some(value) = content_length(line) {
                let Some(value) = value else { return Ok(Some(Err(FrameFault::BadLength))) };
                if value > MAX_MESSAGE_BYTES {
                    return Ok(Some(Err(FrameFault::TooLarge(value))));
                }
                length = Some(value);
            } else if !line.is_empty() {
                unknown = true;
            } else if let Some(length) = length {
                return self.body(length).map(|body| body.map(Ok));
            } else if unknown {
                return Ok(Some(Err(FrameFault::NoLength)));
            }
        }
    }

    fn body(&mut self, length: u64) -> io::Result<Option<Vec<u8>>> {
        // Reserved only as far as bytes are likely to come: the length is a claim.
        let mut body = Vec::with_capacity(usize::try_from(length.min(1 << 20)).unwrap_or_default());
        let read = self.input.by_ref().take(length).read_to_end(&mut body)?;
        Ok((read as u64 == length).then_some(body))
    }
}

/// The value of `Content-Length` where the line has one: `Some(None)` if it is no number. The header may follow the
/// rest of a body that was longer than its own header said, so it is looked for in the whole line.
fn content_length(line: &[u8]) -> Option<Option<u64>> {
    let at = line.windows(CONTENT_LENGTH.len()).rposition(|window| window.eq_ignore_ascii_case(CONTENT_LENGTH))?;
    let value = line.get(at + CONTENT_LENGTH.len()..).unwrap_or_default().trim_ascii();
    Some(std::str::from_utf8(value).ok().and_then(|value| value.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str) -> Vec<Result<String, FrameFault>> {
        let mut frames = Frames::new(input.as_bytes());
        std::iter::from_fn(|| frames.next().unwrap())
            .map(|frame| frame.map(|body| String::from_utf8(body).unwrap()))
            .collect()
    }

    #[test]
    fn reads_messages_with_any_header_case_and_order() {
        let input =
            "Content-Length: 2\r\n\r\n{}content-length:3\r\nContent-Type: application/x; charset=latin1\r\n\r\n[1]";
        assert_eq!(read(input), [Ok("{}".to_owned()), Ok("[1]".to_owned())]);
        assert_eq!(read("X-Y: z\nContent-Length: 2\n\n{}"), [Ok("{}".to_owned())]);
    }

    #[test]
    fn goes_on_after_damage() {
        let good = "Content-Length: 2\r\n\r\n{}";
        assert_eq!(read(&format!("garbage{good}{good}")), [Ok("{}".to_owned()), Ok("{}".to_owned())]);
        assert_eq!(read(&format!("garbage\r\n\r\n{good}")), [Err(FrameFault::NoLength), Ok("{}".to_owned())]);
        assert_eq!(
            read(&format!("Content-Length: two\r\n\r\n[]{good}")),
            [Err(FrameFault::BadLength), Ok("{}".to_owned())]
        );
        assert_eq!(
            read(&format!("Content-Length: 99999999999999\r\n\r\n[]{good}")),
            [Err(FrameFault::TooLarge(99_999_999_999_999)), Ok("{}".to_owned())]
        );
        // A length that is too short leaves the rest of the body in front of the next header.
        assert_eq!(read(&format!("Content-Length: 2\r\n\r\n[1, 2]{good}")), [Ok("[1".to_owned()), Ok("{}".to_owned())]);
        let long = "x".repeat(100_000);
        assert_eq!(read(&format!("{long}\r\n\r\n{good}")), [Err(FrameFault::NoLength), Ok("{}".to_owned())]);
    }

    #[test]
    fn ends_with_the_input() {
        assert_eq!(read(""), []);
        assert_eq!(read("Content-Length: 5\r\n\r\n{}"), []);
        assert_eq!(read("Content-Length: 5"), []);
    }
}
