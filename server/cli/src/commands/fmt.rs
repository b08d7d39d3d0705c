//! `skillyard fmt`: the formatter.

use std::path::{Path, PathBuf};

use clap::Args;
use skillyard_project::{
    check::in_parallel,
    files, fix,
    format::{FormatError, FormatFileError, FormatOptions, Outcome, format, format_file},
    shown,
};

use crate::{error::Error, exit::Exit, out};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard fmt                     format every skill.toml below the current folder
  skillyard fmt --check skills/     write nothing; exit code 1 if a file is not formatted
  skillyard fmt - < skill.toml      format standard input to standard output

Files with syntax errors are left alone.

Exit codes: 0 fine; 1 a file is not formatted (with --check or --diff) or cannot be formatted; 2 the command \
could not do its work.")]
pub struct Arguments {
    /// Files and folders; a folder means every skill.toml below it, none means the current folder, `-` standard input
    paths: Vec<PathBuf>,
    /// Write nothing; name the files that are not formatted
    #[arg(long)]
    check: bool,
    /// Write nothing; print what would change as a diff
    #[arg(long)]
    diff: bool,
}

/// Formats.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    if arguments.paths.iter().any(|path| path == Path::new("-")) {
        return if arguments.paths.len() == 1 { stdin(arguments) } else { Err(Error::StdinAmongPaths) };
    }
    let found = files::manifests(&arguments.paths);
    let write = !arguments.check && !arguments.diff;
    let options = FormatOptions::default();
    let done = in_parallel(&found.files, |path| format_file(path, &options, write));

    let mut exit = Exit::Fine;
    for error in &found.errors {
        out::error(error);
        exit = Exit::Failed;
    }
    for folder in &found.empty {
        out::say("note", &format_args!("no {} below {}", files::MANIFEST_NAME, shown::path(folder)));
    }
    let (mut same, mut changed) = (0, 0);
    let mut text = String::new();
    for (path, result) in found.files.iter().zip(done) {
        match result {
            Ok(Outcome::Same) => same += 1,
            Ok(Outcome::Changed { before, after }) => {
                changed += 1;
                exit = exit.max(if write { Exit::Fine } else { Exit::Findings });
                if arguments.diff {
                    text.push_str(&fix::diff(path, &before, &after));
                } else {
                    let verb = if write { "formatted" } else { "would format" };
                    text.push_str(&format!("{verb} {}\n", shown::path(path)));
                }
            }
            Err(error) => {
                let fault = matches!(error, FormatFileError::Format { .. });
                exit = exit.max(if fault { Exit::Findings } else { Exit::Failed });
                out::error(&error);
            }
        }
    }
    out::print(&text)?;
    if same + changed > 0 {
        let verb = if write { "formatted" } else { "not formatted" };
        out::say("note", &format_args!("{changed} {verb}, {same} as they should be"));
    }
    Ok(exit)
}

fn stdin(arguments: &Arguments) -> Result<Exit, Error> {
    let before =
        String::from_utf8(out::stdin()?).map_err(|error| Error::StdinNotUtf8(error.utf8_error().valid_up_to()))?;
    let after = match format(&before, &FormatOptions::default()) {
        Ok(after) => after,
        Err(error) => {
            out::error(&standard_input(&error));
            return Ok(Exit::Findings);
        }
    };
    let found = if after == before { Exit::Fine } else { Exit::Findings };
    if arguments.diff {
        out::print(&fix::diff(Path::new("-"), &before, &after))?;
    } else if !arguments.check {
        out::print(&after)?;
        return Ok(Exit::Fine);
    }
    Ok(found)
}

fn standard_input(error: &FormatError) -> String {
    match error.start() {
        Some(start) => format!("standard input:{}:{}: {error}", start.line + 1, start.character + 1),
        None => format!("standard input: {error}"),
    }
}
