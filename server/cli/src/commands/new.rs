//! `skillyard new`: a complete skill to start from.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use serde_json::json;
use skillyard_project::{
    new::{self, Created, Language, NewError, NewSkill},
    shown,
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{Format, SCHEMA_VERSION},
    out,
    sheet::{Sheet, Tone},
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard new acme.mail                            a skill of acme, in the folder acme.mail
  skillyard new mail --publisher acme --lang rust
  skillyard new acme.ledger skills/ledger --lang c

A tool in wat is a module that a daemon 0.1.0 runs: it gets no input and gives a number. Those in the other languages are \
WASI commands: JSON on standard input, JSON on standard output. The module is there already; README.md says how to build \
it anew.")]
pub struct Arguments {
    /// The skill's id, such as acme.mail, or what follows the publisher in it
    name: String,
    /// The folder, which is not there yet or empty; else it is called as the name
    folder: Option<PathBuf>,
    /// The publisher; else the part of the name before the first dot
    #[arg(long)]
    publisher: Option<String>,
    /// What the tool is written in; without it you are asked, or it is wat
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Lang {
    /// WebAssembly's text format
    Wat,
    /// C, with WASI
    C,
    /// AssemblyScript, with WASI
    Assemblyscript,
    /// Rust, with WASI
    Rust,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Wat => Self::Wat,
            Lang::C => Self::C,
            Lang::Assemblyscript => Self::AssemblyScript,
            Lang::Rust => Self::Rust,
        }
    }
}

/// Makes it.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    // A report for programs is never mixed with questions.
    let asks = arguments.format == Format::Human && io::stdin().is_terminal() && io::stderr().is_terminal();
    let mut asked = NewSkill {
        name: arguments.name.clone(),
        publisher: arguments.publisher.clone(),
        language: arguments.lang.map_or(Language::Wat, Language::from),
        folder: arguments.folder.clone(),
    };
    if asks && arguments.lang.is_none() {
        asked.language = ask_language()?;
    }
    let made = match new::create(&asked) {
        Err(NewError::NoPublisher { name }) if asks => {
            asked.publisher = Some(ask(&format!("Publisher of {}: ", shown::words(&name, 80)))?);
            new::create(&asked)
        }
        made => made,
    };
    let made = made.map_err(Error::New)?;
    let text = match arguments.format {
        Format::Human => human(&made, asked.language),
        Format::Json => {
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "folder": made.folder.to_string_lossy(),
                "skill_id": made.skill_id,
                "publisher": made.publisher,
                "tool_id": made.tool_id,
                "language": asked.language.name(),
                "files": made.files,
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

fn human(made: &Created, language: Language) -> String {
    let mut sheet = Sheet::new();
    sheet.verdict(Tone::Good, "MADE", &made.skill_id);
    sheet.row("folder", &made.folder.to_string_lossy());
    sheet.row("tool", &format!("{}, in {language}", made.tool_id));
    sheet.rows("files", &made.files);
    sheet.blank();
    sheet.line("Next, in that folder:");
    sheet.line("  skillyard test         runs its cases");
    sheet.line("  skillyard keygen       once: the key that signs");
    sheet.line("  skillyard package      packages and signs it");
    sheet.line("Its module is built anew by");
    sheet.line(&format!("  {}", language.build_command()));
    if language != Language::Wat {
        sheet.blank();
        sheet.line("The tool is a WASI command, which `skillyard run` runs and a daemon 0.1.0 does not.");
    }
    sheet.finish()
}

/// One line from the terminal; the end of input is an empty one.
fn ask(question: &str) -> Result<String, Error> {
    let _ = write!(io::stderr(), "{question}");
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(Error::Stdin)?;
    Ok(line.trim().to_owned())
}

fn ask_language() -> Result<Language, Error> {
    let names = Language::ALL.map(Language::name).join(", ");
    loop {
        let answer = ask(&format!("Language ({names}) [wat]: "))?;
        if answer.is_empty() {
            return Ok(Language::Wat);
        }
        if let Some(language) = Language::ALL.into_iter().find(|language| language.name() == answer) {
            return Ok(language);
        }
    }
}
