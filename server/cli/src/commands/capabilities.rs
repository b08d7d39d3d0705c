//! `skillyard capabilities`: what a skill may do, and what a new version may do beyond an old one.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use skillyard_project::{
    audit,
    capabilities::{Capabilities, Change, How, findings, imports_of_modules},
    check::config_of,
    files::{self, MANIFEST_NAME},
    inspect, shown,
    skill::{Plan, SkillError},
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, PalyraArguments, SCHEMA_VERSION},
    out,
    report::{sarif, skill},
    sheet::{Sheet, Tone},
    watch::Watch,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard capabilities .
  skillyard capabilities new.palyra-skill --against old.palyra-skill
  skillyard capabilities . --against old.palyra-skill --format sarif > wider.sarif

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

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Format {
    /// For a person
    Human,
    /// One JSON document, described by schema/capabilities-report.schema.json
    Json,
    /// SARIF 2.1.0, for code scanning: what it may do beyond the old one
    Sarif,
}

/// Compares and reports.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let mut loaded = Vec::with_capacity(2);
    for target in [Some(&arguments.target), arguments.against.as_ref()].into_iter().flatten() {
        match load(target, arguments)? {
            Ok(capabilities) => loaded.push(capabilities),
            // Who uploads what comes gets a document to upload, as of an audit.
            Err(refused) if arguments.format == Format::Sarif => {
                out::print(&sarif::not_looked_at(&refused, target))?;
                return Ok(Exit::Findings);
            }
            Err(refused) => return Err(Error::Refused(refused)),
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
        Format::Sarif => {
            let wider = old.as_ref().zip(changes.as_deref()).map(|(old, changes)| findings(changes, old));
            let manifest = arguments.target.join(MANIFEST_NAME);
            let place = if arguments.target.is_dir() { &manifest } else { &arguments.target };
            sarif::findings(&wider.unwrap_or_default(), place)
        }
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
    let capabilities = match audit::manifest(&manifest, &bytes, palyra) {
        Ok(manifest) => Capabilities::of(&manifest),
        Err(error) => return Ok(Err(error.to_string())),
    };
    // A manifest by its own name, or one without modules beside it, is looked at alone.
    if !target.is_dir() {
        return Ok(Ok(capabilities));
    }
    let watch = Watch::new();
    let collected = match Plan::of_modules(target, &config.package, &watch) {
        Ok(plan) => plan.read(&watch).map_err(Error::Skill)?,
        Err(SkillError::NoModule { .. }) => return Ok(Ok(capabilities)),
        Err(error) => return Err(Error::Skill(error)),
    };
    let imports = imports_of_modules(collected.modules.values().map(Vec::as_slice), &watch);
    let imports = imports.map_err(|cancelled| Error::Flow(cancelled.into()))?;
    Ok(Ok(capabilities.with_imports(imports)))
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
    sheet.rows("imports", new.imports.iter().flatten());
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

/// A line about a difference.
pub(super) fn human_change(sheet: &mut Sheet, change: &Change) {
    let mark = match change.change {
        How::Added => "+",
        How::Removed => "-",
        How::Changed => "~",
    };
    let tone = if change.widens { Tone::Wary } else { Tone::Good };
    sheet.item(tone, mark, &change.words());
}
