//! The `skillyard` binary: arguments in, the flows of `skillyard_project` called, text or JSON out.
//!
//! A subcommand is one file under `commands`; a format of `check` is one file under `report`.

mod alias;
mod commands;
mod error;
mod exit;
mod json;
mod levels;
mod machine;
mod out;
mod report;
mod sheet;
mod watch;

use std::{panic, process::ExitCode};

use clap::{
    ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    error::{ContextKind, ContextValue},
};
use skillyard_project::{
    run::{WORKER, serve_worker},
    shown,
};

use crate::{
    commands::{
        audit, cache, capabilities, check, completions, doctor, enable, explain, fmt, info, inspect, install, keygen,
        list, log, lsp, new, package, quarantine, remove, rollback, run, schema, secret, test, trust, verify,
    },
    error::Error,
    exit::Exit,
};

/// Checks, formats, packages, signs, verifies and audits Palyra skills, in the terminal and in the editor.
#[derive(Parser, Debug)]
#[command(
    name = "skillyard",
    version,
    arg_required_else_help = true,
    after_help = "Examples:
  skillyard new acme.mail           a complete skill to start from
  skillyard check                   check every skill.toml below the current folder
  skillyard check --fix skills/     and apply the fixes that are safe
  skillyard explain egress/port     what a rule is about
  skillyard package                 package and sign the skill in the current folder
  skillyard verify x.palyra-skill   whether an artifact is whole and by someone you trust

Exit codes: 0 fine, 1 there are findings, 2 the command could not do its work."
)]
pub struct Cli {
    /// The same as the subcommand `check`, with all its options
    // Taken out of the arguments by `alias` before they are read; it stands here for the help.
    #[arg(long, value_name = "PATHS", num_args = 0..)]
    check: Option<Vec<String>>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
// A command's arguments are made when it is asked for: those of all the others cost every start a millisecond. What is
// said of a command in the list stands here therefore, and what its arguments flatten has no doc comment: that would be
// taken for the command's.
#[command(defer = true)]
enum Command {
    /// Make a new skill: manifest, a tool, its module built, and cases to test it with
    New(new::Arguments),
    /// Check manifests: what a daemon would refuse or warn about, and what a careful reader would
    Check(Box<check::Arguments>),
    /// Explain a rule: what it is about, what a daemon does, and how to fix what it finds
    Explain(explain::Arguments),
    /// Format manifests; what a file means and its comments stay
    Fmt(fmt::Arguments),
    /// Make a signing key and print its public half, or list the keys that are there
    Keygen(keygen::Arguments),
    /// Package a skill's folder and sign it
    Package(Box<package::Arguments>),
    /// Show what is in an artifact: manifest, files, modules, SBOM, provenance, signature
    Inspect(inspect::Arguments),
    /// Verify an artifact: whether it is whole, who signed it, and whether you trust them
    Verify(verify::Arguments),
    /// Audit an artifact, a skill's folder before it is packaged, or what is installed: what its modules are and want
    Audit(Box<audit::Arguments>),
    /// Show what a skill may do, or what a new version may do beyond an old one
    Capabilities(capabilities::Arguments),
    /// Show and change whom you trust
    Trust(trust::Arguments),
    /// Install an artifact: verified, audited, and shown with what it may do beyond the version that is installed
    Install(Box<install::Arguments>),
    /// List what is installed
    List(list::Arguments),
    /// Show an installed skill: who signed it, what it may do, its state, and whether its files are as they were installed
    Info(info::Arguments),
    /// Remove an installed skill, or one version of it
    Remove(remove::Arguments),
    /// Go back to an older version that is installed
    Rollback(rollback::Arguments),
    /// Keep a version of a skill from being run or installed, by any path
    Quarantine(quarantine::Arguments),
    /// Let a quarantined or disabled version be run again
    Enable(enable::Arguments),
    /// Show what happened to the installed skills, and whether the log is whole
    Log(log::Arguments),
    /// Call a tool of a skill as a daemon would: verified, audited, under policy and quotas, behind walls
    Run(Box<run::Arguments>),
    /// Run a skill's cases (tests/*.json): each calls a tool as `run` does, with requests replayed from the case
    Test(test::Arguments),
    /// Say what stands on this machine: walls, keys, stores, editors
    Doctor(doctor::Arguments),
    /// Keep secrets for the tools that you run
    Secret(secret::Arguments),
    /// Show how full the cache of compiled modules is, or clear it
    Cache(cache::Arguments),
    /// Serve an editor over standard input and output
    Lsp(lsp::Arguments),
    /// Print the JSON Schema of skill.toml, or of skillyard.toml
    Schema(schema::Arguments),
    /// Print completions for a shell
    Completions(completions::Arguments),
}

fn main() -> ExitCode {
    // Started by ourselves, to run a tool behind walls: nothing comes before those.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == WORKER) && arguments.next().is_none() {
        return if serve_worker() { Exit::Fine } else { Exit::Failed }.into();
    }
    let arguments = alias::expand(std::env::args_os());
    let matches = Cli::command().try_get_matches_from(arguments).unwrap_or_else(|error| refuse(error));
    let for_a_program = asks_for_json(&matches);
    let Cli { command, check: _ } = Cli::from_arg_matches(&matches).unwrap_or_else(|error| refuse(error));
    // The panic itself has been printed by then. Exit code 1 would say that something was found.
    let ended = panic::catch_unwind(|| run(command)).unwrap_or(Err(Error::Internal));
    match ended {
        Ok(exit) => exit.into(),
        // Who asked for JSON and gets the exit code 1 has a document to read.
        Err(error) if for_a_program && error.exit() == Exit::Findings => {
            out::print(&(json::line(&error.document()) + "\n")).map_or(Exit::Failed, |()| Exit::Findings).into()
        }
        Err(error) => {
            error.lines().iter().for_each(|line| out::error(line));
            error.advice().iter().for_each(|line| out::aside(line));
            error.exit().into()
        }
    }
}

/// Ends the process with what is wrong with the arguments, or with the help that was asked for.
///
/// A hook hands over the names of files: what is quoted of an argument is escaped, like every text of others.
fn refuse(mut error: clap::Error) -> ! {
    let quoted: Vec<(ContextKind, ContextValue)> =
        error.context().filter_map(|(kind, value)| Some((kind, escaped(value)?))).collect();
    for (kind, value) in quoted {
        error.insert(kind, value);
    }
    error.exit()
}

/// What an error of the arguments quotes, escaped; `None` for what is no text.
fn escaped(value: &ContextValue) -> Option<ContextValue> {
    let line = |text: &String| shown::line(text).into_owned();
    match value {
        ContextValue::String(text) => Some(ContextValue::String(line(text))),
        ContextValue::Strings(texts) => Some(ContextValue::Strings(texts.iter().map(line).collect())),
        // Advice to write the argument in another way: it would not be the same with another text.
        ContextValue::StyledStrs(advice) => {
            let plain = advice.iter().filter(|advice| shown::line(&advice.to_string()) == advice.to_string());
            Some(ContextValue::StyledStrs(plain.cloned().collect()))
        }
        _ => None,
    }
}

/// Whether the command was asked for one JSON document.
fn asks_for_json(mut matches: &ArgMatches) -> bool {
    while let Some((_, of_command)) = matches.subcommand() {
        matches = of_command;
    }
    let format = matches.try_get_raw("format").ok().flatten();
    format.is_some_and(|mut values| values.any(|value| value == "json"))
}

fn run(command: Command) -> Result<Exit, Error> {
    match command {
        Command::New(arguments) => new::run(&arguments),
        Command::Check(arguments) => check::run(*arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Package(arguments) => package::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Capabilities(arguments) => capabilities::run(&arguments),
        Command::Trust(arguments) => trust::run(&arguments),
        Command::Install(arguments) => install::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Info(arguments) => info::run(&arguments),
        Command::Remove(arguments) => remove::run(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
        Command::Quarantine(arguments) => quarantine::run(&arguments),
        Command::Enable(arguments) => enable::run(&arguments),
        Command::Log(arguments) => log::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Secret(arguments) => secret::run(&arguments),
        Command::Cache(arguments) => cache::run(&arguments),
        Command::Lsp(arguments) => lsp::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_begins_with_what_the_list_says() {
        let listed: Vec<String> = Cli::command().get_subcommands().map(about).collect();
        let mut built = Cli::command();
        built.build();
        assert_eq!(listed, built.get_subcommands().map(about).take(listed.len()).collect::<Vec<_>>());
    }

    fn about(command: &clap::Command) -> String {
        format!("{}: {}", command.get_name(), command.get_about().map(ToString::to_string).unwrap_or_default())
    }

    #[test]
    fn no_heading_goes_on_to_what_is_not_its() {
        let mut command = Cli::command();
        command.build();
        for sub in command.get_subcommands() {
            let general = ["palyra-version", "format", "skills-dir"];
            for argument in sub.get_arguments().filter(|it| it.get_long().is_some_and(|it| general.contains(&it))) {
                assert_eq!(argument.get_help_heading(), None, "{} of {}", argument.get_id(), sub.get_name());
            }
        }
    }

    #[test]
    fn every_help_has_an_example() {
        let mut command = Cli::command();
        command.build();
        for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
            let name = sub.get_name().to_owned();
            let help = sub.render_long_help().to_string();
            assert!(help.contains("Example") && help.contains(&format!("skillyard {name}")), "{name}:\n{help}");
            for below in sub.get_subcommands_mut().filter(|below| below.get_name() != "help") {
                let name = format!("{name} {}", below.get_name());
                let help = below.render_long_help().to_string();
                assert!(help.contains("Example") && help.contains(&format!("skillyard {name}")), "{name}:\n{help}");
            }
        }
    }
}
