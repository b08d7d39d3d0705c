//! The one look-up of a name.

use std::{
    io,
    net::{IpAddr, ToSocketAddrs as _},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Instant,
};

/// Finds the addresses of a name. It may block for as long as it takes.
pub trait Lookup: Send + Sync {
    /// All addresses of `name`, in the order in which to try them.
    ///
    /// # Errors
    /// What the system says, such as that there is no such name.
    fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own look-up: its hosts file, its name servers.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Lookup for System {
    fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    }
}

/// Why a name has no addresses.
#[derive(Debug)]
pub(super) enum Unresolved {
    /// The deadline came first.
    Late,
    /// Too many earlier look-ups have not come back yet.
    Busy,
    /// The look-up failed, or found nothing.
    Failed(io::Error),
}

/// Looks names up, each on a thread of its own: a system's look-up cannot be called off.
pub(super) struct Resolver {
    lookup: Arc<dyn Lookup>,
    under_way: Arc<AtomicUsize>,
}

/// Look-ups under way at once; one that was given up counts until it comes back.
const AT_ONCE: usize = 16;

/// Takes a place among those under way, and gives it back.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Resolver {
    pub(super) fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup, under_way: Arc::default() }
    }

    pub(super) fn resolve(&self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, Unresolved> {
        let before = self.under_way.fetch_add(1, Ordering::AcqRel);
        let place = Place(Arc::clone(&self.under_way));
        if before >= AT_ONCE {
            return Err(Unresolved::Busy);
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let (lookup, owned) = (Arc::clone(&self.lookup), name.to_owned());
        let work = move || {
            let found = lookup.addresses(&owned);
            drop(place);
            // Nobody waits any more after the deadline.
            let _ = sender.send(found);
        };
        thread::Builder::new().name("look-up".to_owned()).spawn(work).map_err(Unresolved::Failed)?;
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ok(found)) if found.is_empty() => {
                Err(Unresolved::Failed(io::Error::new(io::ErrorKind::NotFound, "no address")))
            }
            Ok(found) => found.map_err(Unresolved::Failed),
            Err(RecvTimeoutError::Timeout) => Err(Unresolved::Late),
            Err(RecvTimeoutError::Disconnected) => Err(Unresolved::Failed(io::Error::other("the look-up broke off"))),
        }
    }
}
