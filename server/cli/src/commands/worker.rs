//! `skillyard worker`: the process that a tool runs in, or that compiles a module. Nobody types this.

use clap::Args;

use crate::exit::Exit;

/// Run what the parent process orders over standard input, behind walls
#[derive(Args, Debug)]
#[command(
    hide = true,
    after_help = "Example:
  skillyard worker   what Skillyard starts itself with; without an order it ends"
)]
pub struct Arguments {}

/// Serves its parent. Nothing may have happened in this process before: no thread, no file.
pub fn run(_arguments: &Arguments) -> Exit {
    if skillyard_project::worker::serve() { Exit::Fine } else { Exit::Failed }
}
