//! `skillyard completions`: what a shell needs to complete the arguments.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{Cli, error::Error, exit::Exit, out};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard completions bash > ~/.local/share/bash-completion/completions/skillyard
  skillyard completions zsh > ~/.zfunc/_skillyard
  skillyard completions fish > ~/.config/fish/completions/skillyard.fish")]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints them.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "skillyard", &mut script);
    out::print_bytes(&script)?;
    Ok(Exit::Fine)
}
