//! `skillyard keygen`: a signing key, of which the public half is printed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;
use skillyard_project::signing::{DEFAULT_NAME, Form, Keep, KeySource, generate, keys};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, SCHEMA_VERSION},
    out,
    sheet::{Sheet, Tone},
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard keygen                         the key that `skillyard package` signs with
  skillyard keygen release --credential-store
  skillyard keygen --output ci.pem         a file, for the secrets of a CI
  skillyard keygen --list

Only you can read what is made. The secret half is never printed; keep a copy of it where you keep such things, for \
without it no new version can be signed by the same key.")]
pub struct Arguments {
    /// The key's name
    #[arg(default_value = DEFAULT_NAME)]
    name: String,
    /// Write the secret half to this new file instead of keeping it by a name
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["name", "credential_store", "replace", "list"])]
    output: Option<PathBuf>,
    /// The form of that file; a daemon's own tools read hex, base64 and raw
    #[arg(long, value_enum, default_value_t = FileForm::Pem, requires = "output")]
    form: FileForm,
    /// Keep the secret half in the system's credential store, not in a file
    #[arg(long, conflicts_with = "list")]
    credential_store: bool,
    /// Let go of the key that has the name now; what it signed can never be signed again in its name
    #[arg(long, conflicts_with = "list")]
    replace: bool,
    /// List the keys that are there and make none
    #[arg(long, conflicts_with = "name")]
    list: bool,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum FileForm {
    /// PKCS#8 in PEM, as openssl writes it
    Pem,
    /// 64 hex digits
    Hex,
    /// Base64 of the 32 bytes
    Base64,
    /// The 32 bytes alone
    Raw,
}

/// Makes a key, or lists.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let home = machine::home(None)?;
    if arguments.list {
        return list(arguments, &home);
    }
    let keep = match &arguments.output {
        Some(path) => Keep::File {
            path: path.clone(),
            form: match arguments.form {
                FileForm::Pem => Form::Pkcs8Pem,
                FileForm::Hex => Form::Hex,
                FileForm::Base64 => Form::Base64,
                FileForm::Raw => Form::Raw,
            },
        },
        None => Keep::Named {
            name: arguments.name.clone(),
            in_credential_store: arguments.credential_store,
            replace: arguments.replace,
        },
    };
    let made = generate(&home, &keep).map_err(Error::Key)?;
    let (id, key) = (made.public.id(), made.public.to_string());
    let file = if let KeySource::File(path) = &made.source { Some(path) } else { None };
    let text = match arguments.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            sheet.verdict(Tone::Good, "MADE", "a key to sign skills with");
            sheet.row("key", &id);
            sheet.row("public key", &key);
            sheet.row(
                "kept in",
                &match file {
                    Some(path) => format!("{} (only you can read it)", path.display()),
                    None => made.source.to_string(),
                },
            );
            sheet.blank();
            sheet.line("Tell others the public key, by a way they trust. They trust it as yours with:");
            sheet.line(&format!("  skillyard trust allow PUBLISHER={key}"));
            sheet.finish()
        }
        Format::Json => {
            let named = arguments.output.is_none().then_some(&arguments.name);
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "name": named,
                "key_id": id,
                "public_key": key,
                "file": file.map(|path| path.to_string_lossy()),
                "credential_store": file.is_none(),
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

fn list(arguments: &Arguments, home: &skillyard_project::home::Home) -> Result<Exit, Error> {
    let keys = keys(home).map_err(Error::Key)?;
    let text = match arguments.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            if keys.is_empty() {
                sheet.line("There is no key yet. `skillyard keygen` makes one.");
            }
            for key in &keys {
                sheet.title(&key.name);
                match &key.public {
                    Some(public) => {
                        sheet.row("key", &public.id());
                        sheet.row("public key", &public.to_string());
                    }
                    None => sheet.row("key", "of which the public half is not recorded"),
                }
                sheet.row("kept in", if key.in_credential_store { "the system's credential store" } else { "a file" });
            }
            sheet.finish()
        }
        Format::Json => {
            let keys = keys.iter().map(|key| {
                json!({
                    "name": key.name,
                    "key_id": key.public.map(|public| public.id()),
                    "public_key": key.public.map(|public| public.to_string()),
                    "credential_store": key.in_credential_store,
                })
            });
            json::line(&json!({ "schema_version": SCHEMA_VERSION, "keys": keys.collect::<Vec<_>>() })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}
