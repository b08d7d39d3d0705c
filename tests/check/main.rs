//! The command line as its users meet it: real processes, their output and exit codes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so and fails")]

mod conformance;
mod exits;
mod explain;
mod fixing;
mod fmt;
mod formats;
mod hostile;
mod paths;
mod sarif;
mod settings;
mod skillyard;
