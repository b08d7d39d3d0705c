//! The language of parent and worker.
//!
//! A frame is two lengths (32 bits each, little-endian), a header in JSON and a payload of raw bytes. What may be long
//! or binary (modules, bodies, input and output) is payload, so that nothing is encoded. The reader says how long each
//! may be before it reads a byte of it.

use std::{
    fmt,
    io::{self, Read, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::failure::Refused;
use crate::{
    call::{Call, Finished, HostCall, Log, Refusal},
    walls::Wall,
};

/// The longest header: a line of the log of 1 MiB, each byte escaped, with room to spare.
pub const HEADER_BYTES: u32 = 8 << 20;
/// The longest body of a request or an answer.
pub const BODY_BYTES: u32 = 32 << 20;
/// The longest compiled module.
pub const CODE_BYTES: u32 = 1 << 30;
/// The longest input of a call.
pub const INPUT_BYTES: u32 = 64 << 20;
/// The most requests of one call that may wait for their answers.
pub const WAITING: usize = 64;
/// The longest payload that is copied behind its header rather than written on its own.
const SMALL: usize = 4 << 10;
/// The longest text of a host call that is told to the parent, in bytes.
pub const HOST_CALL_TEXT: usize = 4 << 10;

/// What a parent says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ToWorker {
    /// The first and only order: run. The payload is the input and then, for [`CodeAt::Payload`], the code.
    Run {
        /// The call, its input empty, its wall clock what is left of it.
        call: Box<Call>,
        /// Bytes of input at the beginning of the payload.
        input_bytes: u32,
        /// Where the code is.
        code: CodeAt,
    },
    /// The first and only order: compile the payload, in this many milliseconds of the wall clock.
    Compile {
        /// What is left of the clock.
        wall_clock_ms: u64,
    },
    /// The answer to the request `id`. The payload is a body or a secret's value.
    Answer {
        /// The request's.
        id: u64,
        /// What came of it.
        answer: Answer,
    },
}

/// See [`super::CodeSource`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeAt {
    /// After the input.
    Payload,
    /// In a file.
    File {
        /// Where.
        #[serde(with = "crate::os_path")]
        path: PathBuf,
        /// Its digest.
        blake3: [u8; 32],
    },
}

/// What came of a request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// An answer whose body is the payload.
    Http {
        /// The status.
        status: u16,
        /// The headers.
        headers: Vec<(String, Vec<u8>)>,
    },
    /// The payload is the value.
    Secret,
    /// No.
    Refused(Refusal),
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ToParent {
    /// First: the walls are up, and nothing has been looked at.
    Walls {
        /// Which.
        walls: Vec<Wall>,
    },
    /// Instead of [`Self::Walls`]: nothing will be run.
    Refused {
        /// Why.
        why: Refused,
    },
    /// A request; its body is the payload.
    Http {
        /// A number that no other request of this run had.
        id: u64,
        /// See `HttpRequest`.
        method: String,
        /// See `HttpRequest`.
        url: String,
        /// See `HttpRequest`.
        headers: Vec<(String, Vec<u8>)>,
        /// See `HttpRequest`.
        timeout_ms: Option<u64>,
    },
    /// A secret.
    Secret {
        /// A number that no other request of this run had.
        id: u64,
        /// Its name.
        name: String,
    },
    /// A line of the log.
    Log {
        /// It.
        log: Log,
    },
    /// A host call that was decided in the worker.
    HostCall {
        /// It.
        call: HostCall,
    },
    /// Last: what came of the call. The payload is the output.
    Done {
        /// All but the output.
        finished: Box<Finished>,
        /// Whether there is an output.
        output: bool,
        /// Host calls that were not told.
        unrecorded: u64,
    },
    /// Last: the payload is the compiled module.
    Compiled {},
    /// Last: why there is none.
    DoesNotCompile {
        /// Why.
        why: String,
    },
}

/// Why a frame is none.
#[derive(Debug)]
pub enum WireError {
    /// The other side is gone, or the pipe is broken.
    Io(io::Error),
    /// The header is longer than any.
    Header(u32),
    /// The payload is longer than this kind of frame's.
    Payload {
        /// Its bytes.
        bytes: u32,
        /// What there may be.
        most: u32,
    },
    /// The header is not of this language.
    Unknown(String),
    /// A frame that may not come here.
    Order(&'static str),
    /// More of something than there may be.
    TooMany(&'static str),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the pipe to it broke: {error}"),
            Self::Header(bytes) => write!(f, "it sent a header of {bytes} bytes, of {HEADER_BYTES} allowed"),
            Self::Payload { bytes, most } => write!(f, "it sent {bytes} bytes where {most} are allowed"),
            Self::Unknown(why) => write!(f, "it sent a message that is none: {}", super::failure::escaped(why)),
            Self::Order(what) => write!(f, "it sent {what}, out of order"),
            Self::TooMany(what) => write!(f, "it sent too many {what}"),
        }
    }
}

impl std::error::Error for WireError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A header that has been read, whose payload has not.
#[derive(Debug)]
pub struct Head<T> {
    /// The message.
    pub message: T,
    /// Bytes of payload to come.
    pub payload: u32,
}

impl<T> Head<T> {
    /// Whether the payload is at most this long.
    ///
    /// # Errors
    /// When it is longer.
    pub fn at_most(&self, most: u32) -> Result<(), WireError> {
        if self.payload > most { Err(WireError::Payload { bytes: self.payload, most }) } else { Ok(()) }
    }
}

/// Reads a header; `None` at the end of the stream.
///
/// # Errors
/// When the pipe breaks, or it is no header of a `T`.
pub fn head<T: DeserializeOwned>(from: &mut impl Read) -> Result<Option<Head<T>>, WireError> {
    let mut lengths = [0; 8];
    let mut have = 0;
    while let Some(rest) = lengths.get_mut(have..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => have += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let [a, b, c, d, e, f, g, h] = lengths;
    let header = u32::from_le_bytes([a, b, c, d]);
    let payload = u32::from_le_bytes([e, f, g, h]);
    if header > HEADER_BYTES {
        return Err(WireError::Header(header));
    }
    let header = exactly(from, header)?;
    let message = serde_json::from_slice(&header).map_err(|error| WireError::Unknown(error.to_string()))?;
    Ok(Some(Head { message, payload }))
}

/// Reads `bytes` bytes. Memory grows with what comes, not with what was announced.
///
/// # Errors
/// When the pipe breaks before.
pub fn exactly(from: &mut impl Read, bytes: u32) -> Result<Vec<u8>, WireError> {
    let mut read = Vec::with_capacity(bytes.min(1 << 20) as usize);
    from.take(u64::from(bytes)).read_to_end(&mut read)?;
    if read.len() < bytes as usize {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(read)
}

/// The lengths and the header of a frame.
///
/// # Errors
/// When something is too long for a frame, or is no JSON (`InvalidInput`).
pub fn header<T: Serialize>(message: &T, payload: usize) -> io::Result<Vec<u8>> {
    let long = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{what} is too long"));
    let payload = u32::try_from(payload).map_err(|_| long("the payload"))?;
    let mut frame = vec![0; 8];
    serde_json::to_writer(&mut frame, message).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let header = u32::try_from(frame.len() - 8).ok().filter(|&header| header <= HEADER_BYTES);
    let lengths = u64::from(header.ok_or_else(|| long("the message"))?) | (u64::from(payload) << 32);
    if let Some(place) = frame.get_mut(..8) {
        place.copy_from_slice(&lengths.to_le_bytes());
    }
    Ok(frame)
}

/// Writes a frame.
///
/// # Errors
/// Those of [`header`], and when the pipe breaks.
pub fn send<T: Serialize>(to: &mut impl Write, message: &T, payload: &[u8]) -> io::Result<()> {
    let mut frame = header(message, payload.len())?;
    if payload.len() > SMALL {
        to.write_all(&frame)?;
        return to.write_all(payload);
    }
    // In one write: the reader wakes up once. A secret may be in it.
    frame.reserve_exact(payload.len());
    let mut frame = Zeroizing::new(frame);
    frame.extend_from_slice(payload);
    to.write_all(&frame)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use std::ffi::OsString;

    use super::*;
    use crate::call::Folder;

    #[cfg(unix)]
    fn no_text() -> OsString {
        use std::os::unix::ffi::OsStringExt as _;
        OsString::from_vec(b"/home/h\xff/x".to_vec())
    }

    #[cfg(windows)]
    fn no_text() -> OsString {
        use std::os::windows::ffi::OsStringExt as _;
        OsString::from_wide(&[0x43, 0x3a, 0x5c, 0xd800, 0x78])
    }

    #[test]
    fn a_path_that_is_no_text_comes_over_as_it_is() {
        let path = PathBuf::from(no_text());
        let mut bytes = Vec::new();
        send(&mut bytes, &CodeAt::File { path: path.clone(), blake3: [7; 32] }, &[]).unwrap();
        let read = head::<CodeAt>(&mut bytes.as_slice()).unwrap().unwrap().message;
        assert!(matches!(read, CodeAt::File { path: came, blake3: [7, ..] } if came == path));
        let folder = Folder::new(path.clone(), path.strip_prefix("/").unwrap_or(&path), "/in", true);
        let mut bytes = Vec::new();
        send(&mut bytes, &folder, &[]).unwrap();
        assert_eq!(head::<Folder>(&mut bytes.as_slice()).unwrap().unwrap().message, folder);
    }
}
