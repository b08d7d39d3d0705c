//! Long work seen from a terminal: a line that says where it is, and ctrl-C that ends it with nothing left half.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process,
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use skillyard_project::{Cancelled, Progress};

/// Work that is done sooner shows nothing.
const QUIET: Duration = Duration::from_millis(300);
/// The line is not written more often than this.
const PACE: Duration = Duration::from_millis(100);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static LISTEN: Once = Once::new();

/// Shows how far the work is, on standard error where that is a terminal.
pub struct Watch {
    begun: Instant,
    is_terminal: bool,
    /// When the line was written last.
    written: Mutex<Option<Instant>>,
}

impl Watch {
    /// Begins. From now on the first ctrl-C asks the work to end, and a second one ends the process.
    pub fn new() -> Self {
        LISTEN.call_once(|| {
            // Without it ctrl-C ends the process, as it always did.
            let _ = ctrlc::set_handler(|| {
                if INTERRUPTED.swap(true, Ordering::Relaxed) {
                    process::exit(130);
                }
            });
        });
        Self { begun: Instant::now(), is_terminal: io::stderr().is_terminal(), written: Mutex::new(None) }
    }
}

impl Progress for Watch {
    fn at(&self, step: &'static str, done: u64, total: u64) -> Result<(), Cancelled> {
        if INTERRUPTED.load(Ordering::Relaxed) {
            return Err(Cancelled);
        }
        if !self.is_terminal || self.begun.elapsed() < QUIET {
            return Ok(());
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.is_none_or(|at| at.elapsed() >= PACE) {
            let share = match total {
                0 => String::new(),
                total => format!(" {} %", (u128::from(done.min(total)) * 100) / u128::from(total)),
            };
            let _ = write!(io::stderr(), "\r\u{1b}[K{step}{share}");
            *written = Some(Instant::now());
        }
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.written.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}
