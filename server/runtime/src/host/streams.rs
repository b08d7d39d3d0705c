//! What a command writes: standard output, kept; standard error, told line by line.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::ending::Stop;
use crate::call::{Log, LogLevel, Outside};

/// How many bytes a guest may write at once.
const CHUNK: usize = 64 << 10;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds it can leave it half-written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where bytes of a guest go.
trait Sink: Clone + Send + Sync + 'static {
    /// Takes bytes, or says why the guest ends.
    fn take(&self, bytes: &[u8]) -> Result<(), Stop>;
}

/// A call's output, up to its limit.
#[derive(Clone)]
pub(super) struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    allowed: u64,
}

impl Output {
    pub(super) fn new(allowed: u64) -> Self {
        Self { bytes: Arc::default(), allowed }
    }

    /// What was written, which is taken out.
    pub(super) fn take_all(&self) -> Vec<u8> {
        std::mem::take(&mut *lock(&self.bytes))
    }
}

impl Sink for Output {
    fn take(&self, bytes: &[u8]) -> Result<(), Stop> {
        let mut kept = lock(&self.bytes);
        if (kept.len() as u64).saturating_add(bytes.len() as u64) > self.allowed {
            return Err(Stop::OutputTooLarge { allowed: self.allowed });
        }
        kept.extend_from_slice(bytes);
        Ok(())
    }
}

/// A call's log, up to its limit: what its streams write and what it logs by name count together.
#[derive(Clone)]
pub(super) struct Logs {
    outside: Arc<dyn Outside>,
    used: Arc<Mutex<u64>>,
    allowed: u64,
}

impl Logs {
    pub(super) fn new(outside: Arc<dyn Outside>, allowed: u64) -> Self {
        Self { outside, used: Arc::default(), allowed }
    }

    /// Tells a line. It counts its bytes and one for its end.
    pub(super) fn line(&self, level: LogLevel, text: String) -> Result<(), Stop> {
        self.count(text.len() as u64 + 1)?;
        self.outside.log(Log { level, text });
        Ok(())
    }

    fn count(&self, bytes: u64) -> Result<(), Stop> {
        let mut used = lock(&self.used);
        if used.saturating_add(bytes) > self.allowed {
            return Err(Stop::LogTooLarge { allowed: self.allowed });
        }
        *used += bytes;
        Ok(())
    }
}

/// A stream whose lines are told as they end.
#[derive(Clone)]
pub(super) struct Lines {
    logs: Logs,
    level: LogLevel,
    /// The line that has not ended. Its bytes are counted already.
    open: Arc<Mutex<Vec<u8>>>,
}

impl Lines {
    pub(super) fn new(logs: Logs, level: LogLevel) -> Self {
        Self { logs, level, open: Arc::default() }
    }

    /// Tells the last line, where it has no end.
    pub(super) fn finish(&self) {
        let mut open = lock(&self.open);
        if !open.is_empty() {
            self.tell(&mut open);
        }
    }

    fn tell(&self, open: &mut Vec<u8>) {
        let line = open.strip_suffix(b"\r").unwrap_or(open);
        let text = String::from_utf8_lossy(line).into_owned();
        self.logs.outside.log(Log { level: self.level, text });
        open.clear();
    }
}

impl Sink for Lines {
    fn take(&self, bytes: &[u8]) -> Result<(), Stop> {
        let counted = self.logs.count(bytes.len() as u64);
        if counted.is_err() {
            self.finish();
        }
        counted?;
        let mut open = lock(&self.open);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    open.extend_from_slice(end);
                    self.tell(&mut open);
                }
                None => open.extend_from_slice(piece),
            }
        }
        Ok(())
    }
}

/// A sink as the streams of WASI.
#[derive(Clone)]
pub(super) struct Stream<S>(pub(super) S);

impl<S> IsTerminal for Stream<S> {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl<S: Sink> StdoutStream for Stream<S> {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl<S: Sync + Send + 'static> Pollable for Stream<S> {
    async fn ready(&mut self) {}
}

impl<S: Sink> OutputStream for Stream<S> {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.take(&bytes).map_err(|stop| StreamError::Trap(stop.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

impl<S: Sink> AsyncWrite for Stream<S> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.take(bytes).map(|()| bytes.len()).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
