//! `skillyard capabilities`: what a skill may do, and what a new version may do beyond an old one.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use skillyard_project::{
    audit,
    capabilities::{Capabilities, Change, How},
    check::config_of,
    files::{self, MANIFEST_NAME},
    inspect, shown,
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, PalyraArguments, SCHEMA_VERSION},
    out,
    report::skill,
    sheet::{Sheet, Tone},
    watch::Watch,
};

/// Show what a skill may do, or what a new version may do beyond an old one
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard capabilities .
  skillyard capabilities new.palyra-skill --against old.palyra-skill

Whether an artifact is to be trusted is not asked here: that is `skillyard verify`.

Exit codes: 0 fine; 1 it may do more than the old one, or the manifest is refused; 2 the command could not do its \
work.")]
pub struct Arguments {
    /// An artifact, a skill's folder or a skill.toml; `-` is an artifact on standard input
    target: PathBuf,
    /// The older version to compare with: an artifact, a folder or a skill.toml
    #[arg(long, value_name = "OLD")]
    against: Option<PathBuf>,
    #[command(flatten)]
    palyra: PalyraArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Compares and reports.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let mut loaded = Vec::with_capacity(2);
    for target in [Some(&arguments.target), arguments.against.as_ref()].into_iter().flatten() {
        match load(target, arguments)? {
            Ok(capabilities) => loaded.push(capabilities),
            Err(refused) => {
                out::error(&refused);
                return Ok(Exit::Findings);
            }
        }
    }
    let mut loaded = loaded.into_iter();
    let Some(new) = loaded.next() else { return Err(Error::Internal) };
    let old = loaded.next();
    let changes = old.as_ref().map(|old| new.against(old));
    let widens = changes.as_ref().is_some_and(|changes| changes.iter().any(|change| change.widens));
    let text = match arguments.format {
        Format::Human => human(&new, old.as_ref().zip(changes.as_deref())),
        Format::Json => json::line(&document(&new, old.as_ref().zip(changes.as_deref()))?) + "\n",
    };
    out::print(&text)?;
    Ok(if widens { Exit::Findings } else { Exit::Fine })
}

/// What the target's manifest asks for, or why a daemon refuses it.
fn load(target: &Path, arguments: &Arguments) -> Result<Result<Capabilities, String>, Error> {
    let folder_of = |file: &Path| file.parent().unwrap_or(Path::new("")).to_owned();
    let manifest = if target.is_dir() {
        Some(target.join(MANIFEST_NAME))
    } else {
        target.extension().is_some_and(|extension| extension == "toml").then(|| target.to_owned())
    };
    let Some(manifest) = manifest else {
        let bytes = machine::artifact(target)?;
        let watch = Watch::new();
        let loaded = inspect::capabilities(&bytes, arguments.palyra.version(), &watch);
        return match loaded {
            Ok(loaded) => Ok(loaded.map_err(|why| format!("{}: {why}", shown::path(target)))),
            Err(cancelled) => Err(Error::Flow(cancelled.into())),
        };
    };
    let config = config_of(&folder_of(&manifest)).map_err(|error| Error::Config(error.into()))?;
    let palyra = arguments.palyra.given().or(config.palyra_version).unwrap_or(arguments.palyra.version());
    let bytes = files::read(&manifest, files::MAX_READ).map_err(Error::Read)?;
    Ok(audit::manifest(&manifest, &bytes, palyra)
        .map(|manifest| Capabilities::of(&manifest))
        .map_err(|error| error.to_string()))
}

fn document(new: &Capabilities, against: Option<(&Capabilities, &[Change])>) -> Result<Value, Error> {
    let mut document = json!({ "schema_version": SCHEMA_VERSION });
    let against = against.map(|(old, changes)| {
        json!({
            "skill_id": old.skill_id,
            "publisher": old.publisher,
            "version": old.version,
            "widens": changes.iter().any(|change| change.widens),
            "changes": changes,
        })
    });
    match (document.as_object_mut(), serde_json::to_value(new)) {
        (Some(document), Ok(Value::Object(new))) => {
            document.extend(new);
            document.insert("against".to_owned(), json!(against));
        }
        _ => return Err(Error::Internal),
    }
    Ok(document)
}

fn human(new: &Capabilities, against: Option<(&Capabilities, &[Change])>) -> String {
    let mut sheet = Sheet::new();
    sheet.title(&format!("{} {} by {}", new.skill_id, new.version, new.publisher));
    if let Some((old, changes)) = against {
        let widening = changes.iter().filter(|change| change.widens).count();
        let over = format!("than {} {} by {}", old.skill_id, old.version, old.publisher);
        match (changes.is_empty(), widening) {
            (true, _) => sheet.verdict(Tone::Good, "THE SAME", &format!("it may do no more and no less {over}")),
            (false, 0) => sheet.verdict(Tone::Good, "LESS", &format!("it may do less {over}")),
            (false, _) => sheet.verdict(Tone::Wary, "MORE", &format!("it may do more {over}")),
        }
        for change in changes {
            human_change(&mut sheet, change);
        }
    }
    skill::may(&mut sheet, &new.grants, &new.policy_bindings);
    sheet.rows("asks to read", &new.read_roots);
    sheet.rows("use devices", &new.device_capabilities);
    sheet.rows("use nodes", &new.node_capabilities);
    sheet.rows("wildcards", &new.wildcards);
    let quotas = &new.quotas;
    sheet.row(
        "within",
        &format!(
            "{} ms, {} fuel, {} memory a call",
            quotas.wall_clock_timeout_ms,
            quotas.fuel_budget,
            crate::sheet::size(quotas.max_memory_bytes)
        ),
    );
    sheet.finish()
}

fn human_change(sheet: &mut Sheet, change: &Change) {
    let kind = change.kind.replace('_', " ");
    let (mark, text) = match change.change {
        How::Added => ("+", format!("{kind} {}", change.name)),
        How::Removed => ("-", format!("{kind} {}", change.name)),
        How::Changed => ("~", format!("{kind} {}", change.name)),
    };
    let value = match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!(": {before} → {after}"),
        (None, Some(after)) => format!(" ({after})"),
        _ => String::new(),
    };
    let tone = if change.widens { Tone::Wary } else { Tone::Good };
    sheet.item(tone, mark, &format!("{text}{value}"));
}
