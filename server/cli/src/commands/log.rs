//! `skillyard log`: what happened to the installed skills.

use std::{collections::BTreeMap, time::Duration};

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value, json};
use skillyard_project::{
    home::Home,
    installed::accept,
    log::{Event, read, read_after},
    shown,
    trust::StoreDigest,
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{Format, SCHEMA_VERSION, Seal, SkillsArguments, moment},
    out,
    sheet::{Sheet, Tone},
};

/// How often the log is looked at again.
const PACE: Duration = Duration::from_millis(250);

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard log
  skillyard log --last 20 --format json
  skillyard log --follow
  skillyard log --accept 3f1c…       index, log and states are right as they are, whoever changed them; a log whose
                                     chain is broken is set aside, and an index that is none made from the folders

Each line names the one before it by its digest, and the end is sealed: a cut or an edit shows.

Exit codes: 0 the log is whole; 1 it was changed; 2 the command could not do its work.")]
pub struct Arguments {
    /// Only the last N events
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Go on showing what happens
    #[arg(long, conflicts_with = "accept")]
    follow: bool,
    /// Take what is installed as it is: the digest of what you looked at, as the refusal names it
    #[arg(long, value_name = "DIGEST")]
    accept: Option<StoreDigest>,
    /// Where the secret of the seal is kept from now on
    #[arg(long, value_enum, default_value_t = Seal::Same, requires = "accept")]
    seal: Seal,
    #[command(flatten)]
    skills: SkillsArguments,
    /// How to report; with --follow JSON is a line an event
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Serialize)]
struct Shown<'e> {
    line: u64,
    event_kind: &'e str,
    timestamp_unix_ms: i64,
    payload: &'e Map<String, Value>,
    chained: bool,
}

/// An event that is followed: a document of its own.
#[derive(Serialize)]
struct Line<'e> {
    schema_version: u32,
    #[serde(flatten)]
    event: Shown<'e>,
}

impl<'e> From<&'e Event> for Shown<'e> {
    fn from(event: &'e Event) -> Self {
        Self {
            line: event.line,
            event_kind: &event.event_kind,
            timestamp_unix_ms: event.timestamp_unix_ms,
            payload: &event.payload,
            chained: event.chained,
        }
    }
}

/// Shows.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let home = arguments.skills.home(None)?;
    if let Some(digest) = arguments.accept {
        return accepted(&home, digest, arguments.seal, arguments.format);
    }
    if arguments.follow {
        return follow(&home, arguments);
    }
    let log = read(&home, arguments.last)?;
    let fault = log.fault.as_ref().map(ToString::to_string);
    let text = match arguments.format {
        Format::Human => {
            let mut text: String = log.events.iter().map(human).collect();
            let mut sheet = Sheet::new();
            match &fault {
                None => sheet.verdict(Tone::Good, "WHOLE", &crate::sheet::number(count(log.head.lines), "event")),
                Some(fault) => sheet.verdict(Tone::Bad, "CHANGED", fault),
            }
            text.push_str(&sheet.finish());
            text
        }
        Format::Json => {
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "events": log.events.iter().map(Shown::from).collect::<Vec<_>>(),
                "lines": log.head.lines,
                "whole": fault.is_none(),
                "error": fault,
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(if fault.is_none() { Exit::Fine } else { Exit::Findings })
}

fn count(lines: u64) -> usize {
    usize::try_from(lines).unwrap_or(usize::MAX)
}

/// Until the process is ended, nobody reads any more, or the log is not to be believed.
fn follow(home: &Home, arguments: &Arguments) -> Result<Exit, Error> {
    let mut log = read(home, arguments.last)?;
    loop {
        for event in &log.events {
            out::print(&match arguments.format {
                Format::Human => human(event),
                Format::Json => json::line(&Line { schema_version: SCHEMA_VERSION, event: Shown::from(event) }) + "\n",
            })?;
        }
        if let Some(fault) = &log.fault {
            out::error(fault);
            return Ok(Exit::Findings);
        }
        if out::is_closed_within(PACE) {
            return Ok(Exit::Fine);
        }
        log = read_after(home, &log.head, None)?;
    }
}

fn accepted(home: &Home, digest: StoreDigest, seal: Seal, format: Format) -> Result<Exit, Error> {
    let aside = accept(home, digest, seal.into())?;
    let lines = read(home, Some(0))?.head.lines;
    let text = match format {
        Format::Human => {
            let mut sheet = Sheet::new();
            sheet.verdict(Tone::Good, "ACCEPTED", "what is installed is right as it is, from now on");
            if let Some(log) = &aside.log {
                sheet.row("set aside", &format!("{}, whose chain is broken; a new log begins", shown::path(log)));
            }
            if let Some(states) = &aside.states {
                sheet.row("set aside", &format!("{}, which says nothing; nothing is quarantined", shown::path(states)));
            }
            sheet.finish()
        }
        Format::Json => {
            json::line(&json!({
                "schema_version": SCHEMA_VERSION,
                "events": [],
                "lines": lines,
                "whole": true,
                "error": null,
            })) + "\n"
        }
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

/// When, what, to which version, and what else is said of it.
fn human(event: &Event) -> String {
    let mut rest: BTreeMap<&str, &Value> = event.payload.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let mut text = |key: &str| rest.remove(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (skill_id, version) = (text("skill_id"), text("version"));
    let said = ["status", "reason", "operator_principal", "previous_version", "trust_decision"];
    let said = said.into_iter().map(|key| (key, text(key))).filter(|(_, value)| !value.is_empty());
    let said: Vec<String> = said.map(|(key, value)| format!("{}: {value}", key.replace('_', " "))).collect();
    let mut sheet = Sheet::new();
    let mark = if event.chained { "-" } else { "?" };
    let details = if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) };
    let when = moment(event.timestamp_unix_ms);
    sheet.item(Tone::Plain, mark, &format!("{when} {} {skill_id} {version}{details}", event.event_kind));
    sheet.finish()
}
