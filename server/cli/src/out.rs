//! Standard output and standard error: colours on a terminal only, and nobody minds a reader that has gone.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Read as _, Write as _},
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use skillyard_project::{files::MAX_READ, shown};

use crate::error::Error;

/// Whether standard output takes colours: a terminal, and `NO_COLOR` and `CLICOLOR` have nothing against it.
/// `CLICOLOR_FORCE` asks for them anywhere.
pub fn coloured() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// The same of standard error.
pub fn coloured_aside() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Writes to standard output. That the reader has gone (a pager that was closed) is no failure.
///
/// # Errors
/// If it cannot be written.
pub fn print(text: &str) -> Result<(), Error> {
    print_bytes(text.as_bytes())
}

/// Writes bytes to standard output.
///
/// # Errors
/// If it cannot be written.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Error> {
    let stdout = io::stdout();
    let written = if stdout.is_terminal() {
        // Translates colours for old Windows consoles.
        let mut stream = AutoStream::auto(stdout.lock());
        stream.write_all(bytes).and_then(|()| stream.flush())
    } else {
        let mut stream = stdout.lock();
        stream.write_all(bytes).and_then(|()| stream.flush())
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Stdout(error)),
        _ => Ok(()),
    }
}

/// Waits for `pace`, and says whether the reader of standard output has gone meanwhile: at once where it has.
#[cfg(unix)]
pub fn is_closed_within(pace: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = io::stdout();
    // That its reader has gone is said of a pipe unasked.
    let mut asked = [PollFd::new(&stdout, PollFlags::empty())];
    let pace = Timespec::try_from(pace).ok();
    let gone = poll(&mut asked, pace.as_ref());
    gone.is_ok_and(|gone| gone > 0)
}

/// Waits for `pace`. Where the system does not say that the reader has gone, the process ends with the terminal's.
#[cfg(not(unix))]
pub fn is_closed_within(pace: Duration) -> bool {
    std::thread::sleep(pace);
    false
}

/// Writes one line to standard error. If even that is closed, the exit code has to do.
pub fn say(kind: &str, message: &dyn Display) {
    let _ = writeln!(io::stderr(), "{kind}: {}", shown::line(&message.to_string()));
}

/// Writes an error to standard error.
pub fn error(message: &dyn Display) {
    say("error", message);
}

/// Writes a line of advice to standard error, below the error that it is about.
pub fn aside(line: &str) {
    let _ = writeln!(io::stderr(), "{}", shown::line(line));
}

/// Writes text to standard error as it is.
pub fn print_aside(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Everything from standard input.
///
/// # Errors
/// If it cannot be read or is too large to be a manifest.
pub fn stdin() -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_READ).unwrap_or(u64::MAX).saturating_add(1);
    io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(Error::Stdin)?;
    if bytes.len() > MAX_READ { Err(Error::StdinTooLarge(MAX_READ)) } else { Ok(bytes) }
}
