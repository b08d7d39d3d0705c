//! `skillyard package`: a skill's folder becomes a signed artifact.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
};

use clap::Args;
use serde_json::{Map, Value, json};
use skillyard_manifest::grammar::Version;
use skillyard_project::{
    Finding,
    package::{Made, MakeError, PackageError, PackageOptions, Prepared},
    shown,
    signing::{KeyChoice, Passphrase, signing_key},
    skill::{Additions, Kind, Why},
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, SCHEMA_VERSION, folder_of, path_and_file, version},
    out, report,
    sheet::{Sheet, Tone, number, size},
    watch::Watch,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard package                            the current folder, to dist/SKILL-VERSION.palyra-skill
  skillyard package --dry-run                  what would go in, what stays out, and why
  skillyard package -o out.palyra-skill --key ci.pem skills/ledger
  skillyard package --module ledger.wasm=../target/wasm32-wasip1/release/ledger.wasm

In go skill.toml, modules/**/*.wasm or module.wasm, and assets/**, or what [package] in skillyard.toml names. \
.gitignore has no say: a built module is usually ignored there. Hidden files, backups and links stay out. Likely \
secrets stop it.

SOURCE_DATE_EPOCH sets the time of signing; with it the same files and key give the same bytes. A passphrase is \
taken from SKILLYARD_KEY_PASSPHRASE or asked for.

Exit codes: 0 written (or could be); 1 the skill cannot be packaged as it is; 2 the command could not do its work.")]
pub struct Arguments {
    /// The skill's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Where the artifact goes: a file that ends in .palyra-skill, or a folder
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Sign with the key in this file: PKCS#8 PEM, OpenSSH, hex, base64 or 32 raw bytes
    #[arg(long, value_name = "FILE", group = "signing", help_heading = "Key")]
    key: Option<PathBuf>,
    /// Sign with the key in this environment variable
    #[arg(long, value_name = "VARIABLE", group = "signing", help_heading = "Key")]
    key_env: Option<String>,
    /// Sign with this one of your own keys; else it is `default`, or the only one
    #[arg(long, value_name = "NAME", group = "signing", help_heading = "Key")]
    key_name: Option<String>,
    /// Add a module, or put it in the place of the folder's; may be repeated
    #[arg(long, value_name = "PATH=FILE", value_parser = path_and_file, help_heading = "Files")]
    module: Vec<(String, PathBuf)>,
    /// Add an asset, or put it in the place of the folder's; may be repeated
    #[arg(long, value_name = "PATH=FILE", value_parser = path_and_file, help_heading = "Files")]
    asset: Vec<(String, PathBuf)>,
    /// The SBOM (CycloneDX JSON); without one it is generated
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    sbom: Option<PathBuf>,
    /// The provenance; without one it is generated
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    provenance: Option<PathBuf>,
    /// What looks like a secret in this file of the artifact is none; may be repeated
    #[arg(long, value_name = "PATH", help_heading = "Files")]
    not_secret: Vec<String>,
    /// Write nothing; list what would go in and what stays out
    #[arg(long)]
    dry_run: bool,
    /// The version of the daemon that the skill is for
    #[arg(long, value_name = "VERSION", value_parser = version)]
    palyra_version: Option<Version>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Packages, reports, and says how it went.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let options = PackageOptions {
        additions: Additions {
            modules: arguments.module.clone(),
            assets: arguments.asset.clone(),
            sbom: arguments.sbom.clone(),
            provenance: arguments.provenance.clone(),
        },
        output: arguments.output.clone(),
        palyra: arguments.palyra_version,
        not_secret: arguments.not_secret.clone(),
        now_unix_ms: i64::try_from(machine::now_unix_ms()).unwrap_or(i64::MAX),
    };
    match make(arguments, &options) {
        Ok((prepared, made)) => {
            let text = match arguments.format {
                Format::Human => human(&prepared, &made),
                Format::Json => json::line(&document(&prepared, &made)) + "\n",
            };
            out::print(&text)?;
            Ok(Exit::Fine)
        }
        Err(error @ Error::Make(_)) if error.exit() == Exit::Findings && arguments.format == Format::Json => {
            out::print(&(json::line(&nothing_made(&error, arguments.dry_run)) + "\n"))?;
            Ok(Exit::Findings)
        }
        Err(Error::Make(MakeError::Secrets(findings) | MakeError::Package(PackageError::Refused(findings)))) => {
            refused(&findings);
            Ok(Exit::Findings)
        }
        Err(error) => Err(error),
    }
}

fn make(arguments: &Arguments, options: &PackageOptions) -> Result<(Prepared, Made), Error> {
    let watch = Watch::new();
    let prepared =
        Prepared::of(&folder_of(&arguments.folder), options, &machine::text_variable, &watch).map_err(Error::Make)?;
    if arguments.dry_run {
        let made = prepared.rehearse(&watch).map_err(Error::Make)?;
        return Ok((prepared, made));
    }
    drop(watch);
    let choice = match (&arguments.key, &arguments.key_env, &arguments.key_name) {
        (Some(file), ..) => KeyChoice::File(file.clone()),
        (_, Some(variable), _) => KeyChoice::Environment(variable.clone()),
        (.., Some(name)) => KeyChoice::Named(name.clone()),
        _ => KeyChoice::Usual,
    };
    let home = machine::home(None)?;
    let key = signing_key(&choice, &home, &machine::variable, &mut ask_passphrase).map_err(Error::Key)?;
    let watch = Watch::new();
    let made = prepared.sign(&key, &watch).map_err(Error::Make)?;
    Ok((prepared, made))
}

/// Asks at the terminal, without showing what is typed. `None` where nobody is there.
pub(super) fn ask_passphrase(source: &str) -> Option<Passphrase> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let _ = write!(io::stderr(), "Passphrase of {}: ", shown::line(source));
    rpassword::read_password().ok().map(Passphrase::new)
}

/// The report of what was not made: every field of one that was, and why.
fn nothing_made(error: &Error, dry_run: bool) -> Value {
    let mut document = error.document();
    if let Some(document) = document.as_object_mut() {
        let nothing = ["artifact", "skill_id", "publisher", "version", "payload_sha256", "key_id", "bytes", "output"];
        document.extend(nothing.map(|name| (name.to_owned(), Value::Null)));
        document.extend(["entries", "files", "left_out"].map(|name| (name.to_owned(), json!([]))));
        document.insert("dry_run".to_owned(), dry_run.into());
    }
    document
}

/// What keeps the skill from being packaged goes where errors go: there is no report of what was not made.
fn refused(findings: &[Finding]) {
    let mut sheet = Sheet::aside();
    sheet.verdict(Tone::Bad, "NOT PACKAGED", "nothing was written");
    sheet.findings(findings);
    if findings.iter().any(Prepared::may_be_known) {
        sheet.line("If something is no secret, look again, then say so: `--not-secret PATH`.");
    }
    out::print_aside(&sheet.finish());
}

fn human(prepared: &Prepared, made: &Made) -> String {
    let mut sheet = Sheet::new();
    let about = &made.report;
    sheet.title(&format!("{} {} by {}", about.skill_id, about.version, about.publisher));
    match about.artifact {
        Some(_) => sheet.verdict(Tone::Good, "PACKAGED", &made.path.to_string_lossy()),
        None => sheet.verdict(Tone::Good, "DRY RUN", &format!("would be written to {}", made.path.to_string_lossy())),
    }
    if about.artifact.is_some() {
        sheet.row("signed by", &about.key_id);
    }
    sheet.row("payload", &about.payload_sha256);
    sheet.row("size", &format!("{}, {}", size(about.bytes), number(about.entries.len(), "file")));
    if prepared.plan.provenance.is_none() {
        let source = prepared.facts.source.as_ref();
        sheet.rows("source", source.map(|source| format!("{} at {}", source.uri, source.commit)));
        sheet.rows("built by", prepared.facts.builder_id.iter());
    }
    sheet.heading("Goes in");
    for entry in &about.entries {
        let from = prepared.plan.items.iter().find(|item| item.entry == entry.path);
        // Where the name says it already, it is not said again.
        let from =
            from.map(|item| item.file.strip_prefix(&prepared.plan.folder).unwrap_or(&item.file).to_string_lossy());
        let from = from.filter(|from| *from != entry.path).map_or_else(String::new, |from| format!(", from {from}"));
        sheet.item(Tone::Good, "+", &format!("{}, {}{from}", entry.path, size(entry.bytes)));
    }
    let mut left: Vec<(Why, Vec<&str>)> = Vec::new();
    for out in &prepared.plan.left_out {
        match left.iter_mut().find(|(why, _)| *why == out.why) {
            Some((_, paths)) => paths.push(&out.path),
            None => left.push((out.why, vec![&out.path])),
        }
    }
    if !left.is_empty() {
        left.sort_by_key(|(why, _)| *why);
        sheet.heading("Stays out");
        for (why, paths) in left {
            let tone = if why == Why::Link { Tone::Wary } else { Tone::Plain };
            sheet.item(tone, "-", &format!("{}: {}", why.words(), few(&paths)));
        }
    }
    for pattern in &prepared.plan.idle {
        sheet.blank();
        sheet.verdict(Tone::Wary, "note", &format!("`{pattern}` in skillyard.toml matches nothing"));
    }
    sheet.findings(&made.findings);
    sheet.finish()
}

/// The first few and how many more.
fn few(paths: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown = paths.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn document(prepared: &Prepared, made: &Made) -> Value {
    let mut document = Map::new();
    document.insert("schema_version".to_owned(), SCHEMA_VERSION.into());
    if let Ok(Value::Object(report)) = serde_json::to_value(&made.report) {
        document.extend(report);
    }
    let is_trial = made.report.artifact.is_none();
    if is_trial {
        document.insert("key_id".to_owned(), Value::Null);
    }
    let kind = |kind| match kind {
        Kind::Module => "module",
        Kind::Asset => "asset",
    };
    let files = prepared
        .plan
        .items
        .iter()
        .map(|item| json!({ "entry": item.entry, "kind": kind(item.kind), "file": item.file.to_string_lossy() }));
    let left_out = prepared.plan.left_out.iter().map(|out| json!({ "path": out.path, "why": out.why.name() }));
    document.extend([
        ("error".to_owned(), Value::Null),
        ("error_kind".to_owned(), Value::Null),
        ("dry_run".to_owned(), is_trial.into()),
        ("output".to_owned(), made.path.to_string_lossy().into()),
        ("files".to_owned(), files.collect()),
        ("left_out".to_owned(), left_out.collect()),
        ("findings".to_owned(), made.findings.iter().map(report::finding).collect()),
    ]);
    Value::Object(document)
}
