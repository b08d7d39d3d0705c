//! `skillyard explain`: the page of a rule, or the list of all.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use skillyard_manifest::{
    Level,
    config::{LEVELS, check_level},
    rules::{FixKind, Rule},
};
use skillyard_project::rules;

use crate::{error::Error, exit::Exit, json, out};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard explain egress/port
  skillyard explain --list
  skillyard explain --list --format json")]
pub struct Arguments {
    /// The rule's code; without one all rules are listed
    #[arg(conflicts_with = "list")]
    code: Option<String>,
    /// List all rules
    #[arg(long)]
    list: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Format {
    /// Markdown, or a list
    Human,
    /// A JSON document, described by schema/explain-report.schema.json
    Json,
}

/// Prints it.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let chosen: Vec<&Rule> = match &arguments.code {
        Some(code) => vec![rules::find(code).ok_or_else(|| Error::UnknownRule(code.clone()))?],
        None => rules::all().collect(),
    };
    let text = match (arguments.format, &arguments.code) {
        (Format::Json, _) => {
            let rules: Vec<Value> = chosen.into_iter().map(about).collect();
            json::line(&json!({ "schema_version": 1, "rules": rules })) + "\n"
        }
        (Format::Human, Some(_)) => chosen.into_iter().map(rules::page).collect(),
        (Format::Human, None) => list(),
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

fn list() -> String {
    let width = rules::all().map(|rule| rule.code.len()).max().unwrap_or_default();
    let mut text = String::new();
    // Writing to a string cannot fail.
    for family in rules::families() {
        let _ = writeln!(text, "{}: {}", family.name, family.about);
        for rule in family.rules {
            let _ = writeln!(text, "  {:width$}  {:7}  {}", rule.code, rule.severity.name(), rule.summary);
        }
        text.push('\n');
    }
    text.push_str("`skillyard explain CODE` says more about one of them.\n");
    text
}

fn about(rule: &Rule) -> Value {
    let fix = match rule.fix {
        FixKind::None => Value::Null,
        FixKind::Safe => "safe".into(),
        FixKind::Unsafe => "unsafe".into(),
    };
    let can_be = |name: &&&str| Level::parse(name).is_some_and(|level| check_level(rule.code, level).is_ok());
    json!({
        "code": rule.code,
        "severity": rule.severity.name(),
        "levels": LEVELS.iter().filter(can_be).collect::<Vec<_>>(),
        "daemon": rule.daemon.name(),
        "fix": fix,
        "summary": rule.summary,
        "url": rule.url(),
        "page": rules::page(rule),
    })
}
