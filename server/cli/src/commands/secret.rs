//! `skillyard secret`: values of secrets for the tools that are run here.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use clap::{Args, Subcommand};
use serde_json::json;
use skillyard_project::secrets::{
    KeptIn, MAX_SECRET_BYTES, SecretError, SecretName, SecretSource, SecretValue, unusable, without_line_end,
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, SCHEMA_VERSION},
    out,
    sheet::{Sheet, Tone},
};

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:
  skillyard secret set skill:acme.mail/api_token               asks for the value, and does not show it
  skillyard secret set skill:acme.mail/api_token < token.txt   one line end at the end is not part of it
  skillyard secret list
  skillyard secret remove skill:acme.mail/api_token

A tool is given only what its manifest asks for and you approve. Values are kept in the system's credential store where \
there is one (SKILLYARD_NO_CREDENTIAL_STORE=1 keeps it out), else in files that only you can read. They are never an \
argument and never shown.

For one call a value can come from the environment, which goes first: SKILLYARD_SECRET_, the scope, `__` and the key, in \
capitals: SKILLYARD_SECRET_SKILL_ACME_MAIL__API_TOKEN. One `_` stands for the colon behind `skill` and, before a letter, \
for a dot of the scope and an underscore of the key; else `_0` is a dot, `_1` an underscore, `_2` a dash and `_3` a colon. \
`list` shows each name."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Keep a value, in place of the one before; it comes from standard input or a hidden prompt
    #[command(after_help = "Example:\n  skillyard secret set skill:acme.mail/api_token < token.txt")]
    Set {
        /// Scope and key, as the manifest names them
        #[arg(value_name = "SCOPE/KEY", value_parser = name)]
        name: SecretName,
        /// How to report
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// List the names; no value is opened
    #[command(after_help = "Example:\n  skillyard secret list")]
    List {
        /// How to report
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Forget a value
    #[command(after_help = "Example:\n  skillyard secret remove skill:acme.mail/api_token")]
    Remove {
        /// Scope and key
        #[arg(value_name = "SCOPE/KEY", value_parser = name)]
        name: SecretName,
        /// How to report
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
}

fn name(text: &str) -> Result<SecretName, SecretError> {
    text.parse()
}

/// Does what the subcommand says.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    match &arguments.command {
        Command::Set { name, format } => set(name, *format),
        Command::List { format } => list(*format),
        Command::Remove { name, format } => remove(name, *format),
    }
}

fn set(name: &SecretName, format: Format) -> Result<Exit, Error> {
    let store = machine::home(None)?.secrets();
    let value = value(name)?;
    let unusable = unusable(name, &value);
    let source = store.set(name, &value).map_err(Error::Secret)?;
    let file = if let SecretSource::File(path) = &source { Some(path) } else { None };
    let text = match format {
        Format::Human => {
            let mut sheet = Sheet::new();
            sheet.verdict(Tone::Good, "KEPT", &name.to_string());
            sheet.row(
                "kept in",
                &match file {
                    Some(path) => format!("{} (only you can read it; it is not encrypted)", path.display()),
                    None => source.to_string(),
                },
            );
            if let Some(why) = &unusable {
                sheet.toned_row(Tone::Bad, "no use", why);
            }
            sheet.finish()
        }
        Format::Json => {
            if let Some(why) = &unusable {
                out::print_aside(&format!("{why}\n"));
            }
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "action": "set",
                "name": name.to_string(),
                "changed": true,
                "file": file.map(|path| path.to_string_lossy()),
                "credential_store": file.is_none(),
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

/// The value, from the terminal without showing it, or from what is piped in.
fn value(name: &SecretName) -> Result<SecretValue, Error> {
    if io::stdin().is_terminal() {
        let _ = write!(io::stderr(), "Value of {name} (not shown): ");
        let typed = rpassword::read_password().map_err(Error::Stdin)?;
        return Ok(SecretValue::new(typed.into_bytes()));
    }
    // The buffer never grows, so that no copy of what was read is left behind. Two more for a line end.
    let most = MAX_SECRET_BYTES + 2;
    let mut bytes = SecretValue::new(Vec::with_capacity(most + 1));
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(Error::Stdin)?;
    Ok(without_line_end(bytes))
}

fn list(format: Format) -> Result<Exit, Error> {
    let listed = machine::home(None)?.secrets().list().map_err(Error::Secret)?;
    let in_store = |kept_in| kept_in == KeptIn::CredentialStore;
    let text = match format {
        Format::Human => {
            let mut sheet = Sheet::new();
            if listed.is_empty() {
                sheet.line("No secret is kept yet. `skillyard secret set SCOPE/KEY` keeps one.");
            }
            for secret in &listed {
                sheet.title(&secret.name.to_string());
                let kept_in = if in_store(secret.kept_in) { "the system's credential store" } else { "a file" };
                sheet.row("kept in", kept_in);
                sheet.row("or from", &format!("${}", secret.name.variable()));
            }
            sheet.finish()
        }
        Format::Json => {
            let secrets = listed.iter().map(|secret| {
                json!({
                    "name": secret.name.to_string(),
                    "credential_store": in_store(secret.kept_in),
                    "variable": secret.name.variable(),
                })
            });
            json::line(&json!({ "schema_version": SCHEMA_VERSION, "secrets": secrets.collect::<Vec<_>>() })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

/// That there was none is fine: it is so already.
fn remove(name: &SecretName, format: Format) -> Result<Exit, Error> {
    let removed = machine::home(None)?.secrets().remove(name).map_err(Error::Secret)?;
    let text = match format {
        Format::Human => {
            let mut sheet = Sheet::new();
            if removed {
                sheet.verdict(Tone::Good, "REMOVED", &name.to_string());
            } else {
                sheet.verdict(Tone::Plain, "NOTHING TO DO", &format!("{name} is not kept here"));
            }
            sheet.finish()
        }
        Format::Json => {
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "action": "removed",
                "name": name.to_string(),
                "changed": removed,
                "file": null,
                "credential_store": null,
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}
