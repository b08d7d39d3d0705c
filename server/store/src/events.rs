//! The event log of the installed skills: one JSON object a line, `{event_kind, timestamp_unix_ms, payload}`, as a daemon
//! writes and reads it.
//!
//! Each line that Skillyard writes names, in its payload under `chain`, its number and the SHA-256 of the line before it,
//! so that a line that is changed or taken out of the middle breaks the chain at the next one. What is cut off at the end
//! leaves a chain that holds; against that the length and the SHA-256 of the last line are kept elsewhere, under the seal
//! of the installed skills ([`Head`]).
//!
//! A daemon's own lines have no `chain`. They count, and the next line of ours covers the last of them.

use std::{
    fmt, fs, io,
    io::{BufRead as _, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use skillyard_artifact::integrity::{hex, sha256};

use crate::{
    durable::{ReadError, open_regular},
    shown::Shown,
};

/// The most bytes that one line has, its end not counted.
pub const MAX_LINE: u64 = 256 << 10;

/// The hash that the first line names as the one before it.
const NO_LINE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What an event says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EventKind {
    /// An artifact was verified in order to install it.
    Verified,
    /// An artifact was audited.
    Audit,
    /// A skill was installed of which no version was there.
    Installed,
    /// Another version of an installed skill became the current one, or was added.
    Updated,
    /// A version was removed.
    Removed,
    /// A version was quarantined.
    Quarantined,
    /// A version was enabled again.
    Enabled,
}

impl EventKind {
    /// As it stands in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "skill.artifact.verified",
            Self::Audit => "skill.audit",
            Self::Installed => "skill.installed",
            Self::Updated => "skill.updated",
            Self::Removed => "skill.removed",
            Self::Quarantined => "skill.quarantined",
            Self::Enabled => "skill.enabled",
        }
    }
}

/// An event to be written.
#[derive(Clone, PartialEq, Debug)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// To what, and how.
    pub payload: Map<String, Value>,
}

/// Where the log ends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// How many bytes it has.
    pub bytes: u64,
    /// How many lines.
    pub lines: u64,
    /// The SHA-256 of the last line without its end, in hex; zeros where there is none.
    pub sha256: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { bytes: 0, lines: 0, sha256: NO_LINE.to_owned() }
    }
}

#[derive(Serialize)]
struct Line<'e> {
    event_kind: &'e str,
    timestamp_unix_ms: i64,
    payload: &'e Map<String, Value>,
}

/// The text of `events` as it follows on `head`, each with its line end, and the head after it.
///
/// # Errors
/// If a line would be longer than [`MAX_LINE`].
pub(crate) fn lines(head: &Head, events: &[NewEvent], now_unix_ms: i64) -> io::Result<(String, Head)> {
    let mut head = head.clone();
    let mut text = String::new();
    for event in events {
        let mut payload = event.payload.clone();
        let chain = serde_json::json!({ "line": head.lines, "previous_sha256": head.sha256 });
        payload.insert("chain".to_owned(), chain);
        let line = Line { event_kind: event.kind.name(), timestamp_unix_ms: now_unix_ms, payload: &payload };
        let line = serde_json::to_string(&line)?;
        if line.len() as u64 > MAX_LINE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an event is too long for the log"));
        }
        head = Head {
            bytes: head.bytes + line.len() as u64 + 1,
            lines: head.lines + 1,
            sha256: hex(&sha256(line.as_bytes())),
        };
        text.push_str(&line);
        text.push('\n');
    }
    Ok((text, head))
}

/// What is at the end of the log, as cheaply as it can be said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tail {
    /// How many bytes the file has.
    pub bytes: u64,
    /// The SHA-256 of the last line that ends at `upto` or earlier, as far as it was asked for.
    pub sha256: String,
}

/// The end of the log at `path` as if it had `upto` bytes, or all of it without that. A missing file is an empty log.
pub(crate) fn tail(path: &Path, upto: Option<u64>) -> Result<Tail, ReadError> {
    let fault = |cause| ReadError::Io { path: path.to_owned(), cause };
    let (mut file, metadata) = match open_regular(path, false) {
        Err(ReadError::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
            return Ok(Tail { bytes: 0, sha256: NO_LINE.to_owned() });
        }
        opened => opened?,
    };
    let bytes = metadata.len();
    let end = upto.unwrap_or(bytes).min(bytes);
    if end == 0 {
        return Ok(Tail { bytes, sha256: NO_LINE.to_owned() });
    }
    // Most lines are short: first little is read, then as much as a line may have.
    for window in [4 << 10, MAX_LINE + 2] {
        let from = end.saturating_sub(window);
        file.seek(io::SeekFrom::Start(from)).map_err(fault)?;
        let mut text = Vec::new();
        file.by_ref().take(end - from).read_to_end(&mut text).map_err(fault)?;
        let line = text.strip_suffix(b"\n").unwrap_or(&text);
        match line.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => {
                return Ok(Tail { bytes, sha256: hex(&sha256(line.get(at + 1..).unwrap_or_default())) });
            }
            None if from == 0 => return Ok(Tail { bytes, sha256: hex(&sha256(line)) }),
            None => {}
        }
    }
    Ok(Tail { bytes, sha256: "a line without an end".to_owned() })
}

/// One line of the log.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// Its number, from 0.
    pub line: u64,
    /// The kind, as it is written; a daemon may know more than [`EventKind`].
    pub event_kind: String,
    /// When, in milliseconds since 1970.
    pub timestamp_unix_ms: i64,
    /// What it says, without the chain.
    pub payload: Map<String, Value>,
    /// Whether it is part of the chain, or somebody else's.
    pub chained: bool,
}

#[derive(Deserialize)]
struct Read {
    event_kind: String,
    timestamp_unix_ms: i64,
    payload: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain {
    line: u64,
    previous_sha256: String,
}

/// Why the log is not believed.
#[derive(Debug)]
pub enum LogFault {
    /// It cannot be read.
    Read(ReadError),
    /// A line is no event.
    NotAnEvent {
        /// The log.
        path: PathBuf,
        /// Its number, from 1.
        line: u64,
    },
    /// A line does not follow on the one before it.
    Broken {
        /// The log.
        path: PathBuf,
        /// Its number, from 1.
        line: u64,
    },
    /// Lines are missing at the end.
    Cut {
        /// The log.
        path: PathBuf,
        /// How many bytes it should have.
        sealed: u64,
        /// How many it has.
        found: u64,
    },
    /// There is more at the end than Skillyard wrote.
    Longer {
        /// The log.
        path: PathBuf,
        /// How many bytes it should have.
        sealed: u64,
        /// How many it has.
        found: u64,
    },
    /// The last line is another one.
    LastChanged {
        /// The log.
        path: PathBuf,
    },
}

impl fmt::Display for LogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::NotAnEvent { path, line } => write!(f, "{}: line {line} is no event", Shown(path)),
            Self::Broken { path, line } => write!(
                f,
                "{}: line {line} does not follow on the line before it: a line was changed, added or removed there",
                Shown(path)
            ),
            Self::Cut { path, sealed, found } => write!(
                f,
                "{}: lines were removed at the end: it has {found} bytes, and Skillyard wrote {sealed}",
                Shown(path)
            ),
            Self::Longer { path, sealed, found } => write!(
                f,
                "{}: something else than Skillyard wrote to it: it has {found} bytes, and Skillyard wrote {sealed}",
                Shown(path)
            ),
            Self::LastChanged { path } => {
                write!(f, "{}: its last line is not the one that Skillyard wrote", Shown(path))
            }
        }
    }
}

impl std::error::Error for LogFault {}

/// Reads the log line by line and follows the chain.
#[derive(Debug)]
pub struct Events {
    path: PathBuf,
    reader: Option<io::BufReader<fs::File>>,
    head: Head,
    failed: bool,
}

impl Events {
    /// From the beginning. A missing file is an empty log.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let reader = match open_regular(path, false) {
            Err(ReadError::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => None,
            opened => Some(io::BufReader::with_capacity(64 << 10, opened?.0)),
        };
        Ok(Self { path: path.to_owned(), reader, head: Head::default(), failed: false })
    }

    /// What follows on `head`, where a reader ended before; all of it, where the log is another one since.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn open_after(path: &Path, head: &Head) -> Result<Self, ReadError> {
        let there = tail(path, Some(head.bytes))?;
        let mut events = Self::open(path)?;
        if there.bytes >= head.bytes && there.sha256 == head.sha256 {
            if let Some(reader) = &mut events.reader {
                let fault = |cause| ReadError::Io { path: path.to_owned(), cause };
                reader.seek(io::SeekFrom::Start(head.bytes)).map_err(fault)?;
            }
            events.head = head.clone();
        }
        Ok(events)
    }

    /// Where the lines that were read end.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    fn read(&mut self) -> Result<Option<Event>, LogFault> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let mut line = Vec::new();
        let io = |cause| LogFault::Read(ReadError::Io { path: self.path.clone(), cause });
        reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line).map_err(io)?;
        if line.is_empty() {
            return Ok(None);
        }
        let bytes = line.len() as u64;
        let number = self.head.lines;
        let not_an_event = || LogFault::NotAnEvent { path: self.path.clone(), line: number + 1 };
        // One without an end is half a line.
        let line = line.strip_suffix(b"\n").ok_or_else(not_an_event)?;
        let mut event: Read = serde_json::from_slice(line).map_err(|_| not_an_event())?;
        let chained = match event.payload.remove("chain") {
            None => false,
            Some(chain) => {
                let holds = Chain::deserialize(chain)
                    .is_ok_and(|chain| chain.line == number && chain.previous_sha256 == self.head.sha256);
                if !holds {
                    return Err(LogFault::Broken { path: self.path.clone(), line: number + 1 });
                }
                true
            }
        };
        self.head = Head { bytes: self.head.bytes + bytes, lines: number + 1, sha256: hex(&sha256(line)) };
        Ok(Some(Event {
            line: number,
            event_kind: event.event_kind,
            timestamp_unix_ms: event.timestamp_unix_ms,
            payload: event.payload,
            chained,
        }))
    }
}

/// Ends after the first fault.
impl Iterator for Events {
    type Item = Result<Event, LogFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let read = self.read().transpose();
        self.failed = matches!(read, Some(Err(_)));
        read
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;

    fn event(kind: EventKind, n: u64) -> NewEvent {
        let mut payload = Map::new();
        payload.insert("n".to_owned(), n.into());
        NewEvent { kind, payload }
    }

    fn log(count: u64) -> (String, Head) {
        let events: Vec<NewEvent> = (0..count).map(|n| event(EventKind::Installed, n)).collect();
        lines(&Head::default(), &events, 7).unwrap()
    }

    fn read(text: &str) -> (usize, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.ndjson");
        fs::write(&path, text).unwrap();
        let (mut good, mut fault) = (0, None);
        for event in Events::open(&path).unwrap() {
            match event {
                Ok(_) => good += 1,
                Err(error) => fault = Some(error.to_string()),
            }
        }
        (good, fault)
    }

    #[test]
    fn a_line_has_a_daemons_three_keys_and_a_chain_in_the_payload() {
        let (text, head) = log(2);
        let parsed: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in &parsed {
            let mut keys: Vec<&String> = line.as_object().unwrap().keys().collect();
            keys.sort();
            assert_eq!(keys, ["event_kind", "payload", "timestamp_unix_ms"]);
        }
        assert_eq!(parsed[0]["event_kind"], "skill.installed");
        assert_eq!(parsed[0]["payload"]["chain"]["previous_sha256"], NO_LINE);
        assert_eq!(head.lines, 2);
        assert_eq!(head.bytes, text.len() as u64);
        assert_eq!(read(&text), (2, None));
    }

    #[test]
    fn any_line_that_goes_comes_or_changes_breaks_the_chain_but_at_the_very_end() {
        let (text, _) = log(5);
        let all: Vec<&str> = text.lines().collect();
        for at in 0..4 {
            let mut without = all.clone();
            without.remove(at);
            let (good, fault) = read(&(without.join("\n") + "\n"));
            assert!(good == at && fault.is_some(), "{at}: {good} {fault:?}");

            let changed = all[at].replace(&format!("\"n\":{at}"), "\"n\":9");
            assert_ne!(changed, all[at]);
            let mut with = all.clone();
            with[at] = &changed;
            let (good, fault) = read(&(with.join("\n") + "\n"));
            assert!(good == at + 1 && fault.is_some(), "{at}: {good} {fault:?}");

            let mut twice = all.clone();
            twice.insert(at, all[at]);
            assert!(read(&(twice.join("\n") + "\n")).1.is_some());

            // A line without a chain is a daemon's, and where it was put in the next one does not follow.
            let mut foreign = all.clone();
            foreign.insert(at, r#"{"event_kind":"skill.audit","timestamp_unix_ms":1,"payload":{}}"#);
            assert!(read(&(foreign.join("\n") + "\n")).1.is_some());
        }
        assert_eq!(read(&(all[..4].join("\n") + "\n")), (4, None), "that is what the sealed head is for");
    }

    #[test]
    fn a_reader_goes_on_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (three, five) = (log(3), log(5));
        fs::write(&path, &five.0).unwrap();
        let lines = |head: &Head| -> Vec<u64> {
            let mut events = Events::open_after(&path, head).unwrap();
            let lines = events.by_ref().map(|event| event.unwrap().line).collect();
            assert_eq!(*events.head(), five.1);
            lines
        };
        assert_eq!(lines(&Head::default()), [0, 1, 2, 3, 4]);
        assert_eq!(lines(&three.1), [3, 4]);
        assert!(lines(&five.1).is_empty());
        // A log that was set aside, and another one began.
        for other in [log(9).1, Head { sha256: NO_LINE.to_owned(), ..three.1 }] {
            assert_eq!(lines(&other), [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn half_a_line_is_none() {
        let (text, _) = log(2);
        let (good, fault) = read(text.trim_end());
        assert!(good == 1 && fault.unwrap().contains("line 2"));
        assert!(read("nonsense\n").1.unwrap().contains("line 1"));
        assert!(read(&"x".repeat(1 << 20)).1.is_some());
    }

    #[test]
    fn a_daemons_lines_are_covered_by_the_next_of_ours() {
        let foreign = "{\"event_kind\":\"skill.other\",\"timestamp_unix_ms\":1,\"payload\":{\"a\":1}}\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.ndjson");
        fs::write(&path, foreign).unwrap();
        let mut events = Events::open(&path).unwrap();
        assert!(!events.next().unwrap().unwrap().chained);
        let (text, _) = lines(events.head(), &[event(EventKind::Removed, 1)], 2).unwrap();
        assert_eq!(read(&format!("{foreign}{text}")), (2, None));
        assert!(read(&format!("{}{text}", foreign.replace("1}}", "2}}"))).1.is_some());
    }

    #[test]
    fn the_tail_is_that_of_the_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.ndjson");
        assert_eq!(tail(&path, None).unwrap(), Tail { bytes: 0, sha256: NO_LINE.to_owned() });
        let (first, short) = log(1);
        fs::write(&path, &first).unwrap();
        assert_eq!(tail(&path, None).unwrap(), Tail { bytes: short.bytes, sha256: short.sha256.clone() });
        let mut long = event(EventKind::Audit, 1);
        long.payload.insert("long".to_owned(), "x".repeat(100_000).into());
        let (more, head) = lines(&short, &[long], 1).unwrap();
        fs::write(&path, format!("{first}{more}")).unwrap();
        assert_eq!(tail(&path, None).unwrap(), Tail { bytes: head.bytes, sha256: head.sha256 });
        assert_eq!(tail(&path, Some(short.bytes)).unwrap(), Tail { bytes: head.bytes, sha256: short.sha256 });
    }
}
