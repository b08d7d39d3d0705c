//! `skillyard lsp`: the language server.

use clap::Args;

use crate::{error::Error, exit::Exit};

#[derive(Args, Debug)]
#[command(after_help = "Example (Neovim):
  vim.lsp.start({ name = \"skillyard\", cmd = { \"skillyard\", \"lsp\" } })")]
pub struct Arguments {
    /// Speak over standard input and output; there is no other way, so this changes nothing
    #[arg(long)]
    stdio: bool,
}

/// Serves until the editor is done.
pub fn run(_arguments: &Arguments) -> Result<Exit, Error> {
    let end = skillyard_lsp::serve().map_err(Error::Serve)?;
    // The protocol has two endings, and 1 is the one for a client that did not say goodbye.
    Ok(if end.exit_code() == 0 { Exit::Fine } else { Exit::Findings })
}
