//! The `skillyard` binary: arguments in, the flows of `skillyard_project` called, text or JSON out.

use std::process::ExitCode;

use clap::Parser;

/// Checks, formats and explains the manifests of Palyra skills.
#[derive(Parser)]
#[command(name = "skillyard", version)]
struct Cli {}

fn main() -> ExitCode {
    let Cli {} = Cli::parse();
    ExitCode::SUCCESS
}
