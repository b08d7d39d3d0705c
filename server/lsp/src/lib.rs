//! The language server: protocol in, `skillyard_manifest` and `skillyard_project` called, protocol out.
//!
//! Only this crate knows the protocol. A request or notification is one file under `requests` or `notifications`; what
//! it says about a manifest comes from [`skillyard_manifest::analyze`], the same as on the command line.
//!
//! How a message goes through: a thread reads it from standard input (`framing`, `message`), the loop in
//! `transport` starts its handler, and the handler's first statement either changes the document or takes a snapshot
//! of it (`session`). Messages are thereby seen in the order of arrival, whatever is slow. Analysis runs on threads of
//! its own over snapshots, and a second thread writes what comes out.

mod around;
mod audits;
mod backend;
mod client;
mod closed;
mod commands;
mod convert;
mod documents;
mod edits;
mod follow;
mod framing;
mod log;
mod message;
mod neighbours;
mod notifications;
mod parent;
mod publisher;
mod requests;
mod revision;
mod runs;
mod session;
mod settings;
mod transport;
mod turns;
mod work;
mod workers;

use std::{
    cell::OnceCell,
    fmt,
    fs::File,
    io::{self, BufReader},
    sync::Arc,
    time::Duration,
};

use skillyard_ide::markdown;
use tokio::sync::Notify;

pub use settings::settings_schema;
pub use transport::End;

use crate::{backend::Backend, session::Session};

/// Why the server could not start.
#[derive(Debug)]
pub enum ServeError {
    /// Standard input or output is closed or cannot be used.
    Stdio(io::Error),
    /// The system gave no thread or no event queue.
    Runtime(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio(error) => write!(
                f,
                "the language server speaks over standard input and output, and they cannot be used: {error}; start it \
                 from an editor"
            ),
            Self::Runtime(error) => {
                write!(f, "the language server could not start: {error}; free memory or processes and try again")
            }
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Stdio(error) | Self::Runtime(error) => Some(error),
        }
    }
}

/// How long work that writes may take to end.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Serves on standard input and output until the client says `exit`, the input ends or the client's process dies.
/// Blocks. Returns why it ended; [`End::exit_code`] is what the process should end with.
///
/// # Errors
/// If standard input and output cannot be used, or the system gives no threads.
pub fn serve() -> Result<End, ServeError> {
    let (input, output) = stdio().map_err(ServeError::Stdio)?;
    // One thread runs all handlers, so that documents change in the order of arrival; analysis goes to others.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(ServeError::Runtime)?;
    let session = OnceCell::<Arc<Session>>::new();
    let end = runtime.block_on(async {
        let gone = Arc::new(Notify::new());
        let (service, socket) =
            Backend::service(|client| Arc::clone(session.get_or_init(|| Session::new(client, Arc::clone(&gone)))));
        let (incoming, reader) = transport::read(BufReader::with_capacity(64 * 1024, input));
        let (outgoing, writer) = transport::write(output);
        reader.and(writer).map_err(ServeError::Runtime)?;
        Ok(transport::run(service, socket, incoming, outgoing, gone).await)
    });
    // Analyses that still run are worth nothing now, but work that writes ends at its next step, and takes away what it
    // has not finished.
    if let Some(session) = session.get()
        && session.works.cancel_all()
    {
        session.workers.settle(LAST_WORK);
    }
    end
}

/// Standard input and output as plain files: the ones of the standard library have buffers of their own, which would
/// copy each message and cut it into two writes.
#[cfg(unix)]
fn stdio() -> io::Result<(File, File)> {
    use std::os::fd::AsFd;
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    Ok((File::from(input), File::from(output)))
}

/// Standard input and output as plain files: the ones of the standard library have buffers of their own, which would
/// copy each message and cut it into two writes.
#[cfg(windows)]
fn stdio() -> io::Result<(File, File)> {
    use std::os::windows::io::AsHandle;
    let input = io::stdin().as_handle().try_clone_to_owned()?;
    let output = io::stdout().as_handle().try_clone_to_owned()?;
    Ok((File::from(input), File::from(output)))
}
