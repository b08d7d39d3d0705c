//! `skillyard enable`: lets a version be run again.

use clap::Args;
use skillyard_project::installed::Status;

use super::quarantine::{Common, change};
use crate::{error::Error, exit::Exit};

#[derive(Args, Debug)]
#[command(after_help = "Example:
  skillyard enable acme.ledger --version 1.2.0 --override --reason 'looked at it' --principal ops@acme

Exit codes: 0 done; 1 it is not installed, and no version is named; 2 the command could not do its work.")]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    /// That you mean it: what it was quarantined for counts no more
    #[arg(long = "override", required = true)]
    overriding: bool,
}

/// Enables and reports.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    // The flag is required, so that it stands in whoever's history.
    debug_assert!(arguments.overriding);
    change(&arguments.common, Status::Active)
}
