//! The event log of the installed skills, read with its chain.

use skillyard_store::installed::InstalledError;

use crate::{home::Home, installed::FlowError, standing::Refused, trust::StoreDigest};

pub use skillyard_store::events::{Event, Events, Head, LogFault};

/// What the log holds.
#[derive(Debug)]
pub struct Log {
    /// The events, the oldest first, up to where the log is not to be believed any more.
    pub events: Vec<Event>,
    /// Where that is, and why.
    pub fault: Option<InstalledError>,
    /// Where the events end.
    pub head: Head,
}

/// Reads the log; the last `last` events of it, where that is given.
///
/// # Errors
/// If it cannot be read at all.
pub fn read(home: &Home, last: Option<usize>) -> Result<Log, FlowError> {
    read_after(home, &Head::default(), last)
}

/// Reads what follows on `head`, where it was read to before; the last `last` events of it, where that is given. Where
/// another log began meanwhile, that is read.
///
/// # Errors
/// If it cannot be read at all.
pub fn read_after(home: &Home, head: &Head, last: Option<usize>) -> Result<Log, FlowError> {
    let skills = home.installed()?;
    // What index and states are is asked in the same breath: the end of the log is sealed with them.
    let sealed = skills.check_end();
    let mut reader = skills.events_after(head)?;
    let mut events = Vec::new();
    let mut fault = None;
    for event in reader.by_ref() {
        match event {
            Ok(event) => events.push(event),
            Err(broken) => fault = Some(broken),
        }
        if let Some(last) = last.filter(|last| events.len() > last.saturating_mul(2).max(1024)) {
            events.drain(..events.len() - last);
        }
    }
    if let Some(last) = last {
        events.drain(..events.len().saturating_sub(last));
    }
    let fault = match (fault, sealed) {
        (_, Err(error @ InstalledError::LogChanged { .. })) => Some(error),
        (Some(fault), sealed) => {
            let found = match sealed {
                Err(error) => return Err(Refused::Installed(error)),
                Ok(()) => skills.read()?.digest.unwrap_or(StoreDigest::Missing),
            };
            Some(InstalledError::LogChanged { root: skills.root().to_owned(), fault, found })
        }
        (None, Err(error)) if error.is_change() => Some(error),
        // It could not be looked at: nobody changed anything, for all that is known.
        (None, Err(error)) => return Err(Refused::Installed(error)),
        (None, Ok(())) => None,
    };
    Ok(Log { events, fault, head: reader.head().clone() })
}
