//! The wall clock of a call.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use wasmtime::Engine;

/// A thread that ends the guests of an engine at a moment, unless it is dropped before.
#[derive(Debug)]
pub(super) struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts it: at `deadline` the engine's epoch moves on, and guests whose deadline is the next epoch trap.
    ///
    /// # Errors
    /// Where the machine gives no thread.
    pub(super) fn start(engine: &Engine, deadline: Instant) -> std::io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let engine = engine.weak();
        let thread = std::thread::Builder::new().name("deadline".to_owned()).spawn(move || {
            let left = deadline.saturating_duration_since(Instant::now());
            if stopped.recv_timeout(left) == Err(RecvTimeoutError::Timeout)
                && let Some(engine) = engine.upgrade()
            {
                engine.increment_epoch();
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It only waits and ticks; a panic in it would have been shown already.
            drop(thread.join());
        }
    }
}
