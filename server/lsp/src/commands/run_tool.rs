//! *Run Tool*: a tool of the folder's skill is called, through the full verifier and behind the worker's walls.
//!
//! What runs is what is on the disk. What the manifest wants a person to approve is asked for, for this one call, with all
//! that the tool may touch; ending the work ends the worker.

use std::{env, sync::Arc};

use serde_json::Value;
use skillyard_manifest as manifest;
use skillyard_project::run::{
    Asking, CallOptions, Decision, Engine, Held, Outcome as Ended, Packed, RunReport, call, usual_input,
};
use tower_lsp::ls_types::MessageType;

use super::{Failure, Outcome, Skill, now_unix_ms, report_of};
use crate::{
    markdown,
    work::{NoAnswer, Work},
};

const APPROVE: &str = "Run once";
const MORE: &str = "Show More";
const CANCEL: &str = "Cancel";
/// What a window of a small screen shows beside its buttons.
const QUESTION_CHARACTERS: usize = 600;

/// Calls `tool` (or the one that the skill would choose) with `input`, JSON text, or with what it was called with last, or with an
/// example that its schema takes.
pub(super) async fn run(
    work: &Work,
    skill: Skill,
    tool: Option<String>,
    input: Option<String>,
) -> Result<Outcome, Failure> {
    let home = Arc::new(work.session().home()?);
    let uri = skill.uri.clone();
    let (own_home, asked) = (Arc::clone(&home), tool.clone());
    let prepared = work.run(move |progress| {
        skill.is_saved()?;
        let held = Held { palyra: Some(skill.palyra()), now_unix_ms: now_unix_ms(), ..Held::default() };
        let packed = Packed::of_folder(&skill.folder, None, &own_home, held, &|name| env::var(name).ok(), progress)?;
        let (asking, input) = {
            let ready = packed.ready(asked.as_deref(), progress)?;
            let input = match input {
                Some(input) => input,
                None => usual_input(&ready, &own_home, progress).value.to_string(),
            };
            (ready.asking(&input, &own_home, &|name| env::var_os(name), progress), input)
        };
        Ok::<_, Failure>((packed, asking, input))
    });
    let (packed, asking, input) = prepared.await??;
    let approved = match asking {
        Some(asking) => {
            approve(work, &asking).await?;
            true
        }
        None => false,
    };
    let report = work.run(move |progress| {
        let ready = packed.ready(tool.as_deref(), progress)?;
        let engine = Engine::of_this_program(&home, true).map_err(Failure::failed)?;
        let options = CallOptions { input, approved, ..CallOptions::default() };
        let report =
            call(&ready, engine, &home, &options, &|name| env::var_os(name), progress).map_err(Failure::failed)?;
        if report.outcome == Ended::Cancelled {
            return Err(Failure::Cancelled);
        }
        Ok(report)
    });
    let report = report.await??;
    work.session().show_run(&uri, &report);
    Ok(Outcome {
        markdown: in_markdown(&report),
        said: in_a_line(&report),
        level: if report.fine() { MessageType::INFO } else { MessageType::WARNING },
        report: report_of(&report)?,
    })
}

/// Asks the person. A no is a cancellation, and nobody says yes before all of it was shown: what does not fit into one
/// question comes in the next.
async fn approve(work: &Work, asking: &Asking) -> Result<(), Failure> {
    let tool = manifest::plain(&asking.tool_id);
    let pages = asking.pages(QUESTION_CHARACTERS);
    for (at, lines) in pages.iter().enumerate() {
        let last = at + 1 == pages.len();
        let part = if pages.len() > 1 { format!(" ({} of {})", at + 1, pages.len()) } else { String::new() };
        let head = format!("{tool} wants to{part}");
        let asked = if last { "Approve it for this call?" } else { "There is more." };
        let question: Vec<&str> = lines.iter().map(String::as_str).chain([asked]).collect();
        let yes = if last { APPROVE } else { MORE };
        match work.ask_at_length(&head, &question, &[yes.to_owned(), CANCEL.to_owned()]).await {
            Ok(0) => {}
            Ok(_) | Err(NoAnswer::Cancelled) => return Err(Failure::Cancelled),
            Err(NoAnswer::CannotAsk) => {
                return Err(Failure::Failed(format!(
                    "{tool} needs an approval, and this editor shows no questions: use `skillyard run {tool} --approve`"
                )));
            }
        }
    }
    Ok(())
}

fn in_a_line(report: &RunReport) -> String {
    let tool = manifest::plain(report.tool_id.as_deref().unwrap_or(&report.module));
    let time = format!("{:.0} ms, {} fuel", report.duration_ms, report.fuel.used);
    match (&report.error, report.fine()) {
        (_, true) => {
            let output = report.output.as_ref().map(short).or_else(|| report.exit_code.map(|code| code.to_string()));
            format!("{tool} gave {} ({time})", output.unwrap_or_else(|| "nothing".to_owned()))
        }
        (Some(error), false) => format!("{tool}: {}", manifest::plain(error)),
        (None, false) => format!("{tool}: {} ({time})", outcome(report)),
    }
}

/// The name of how it ended, as in the report.
fn outcome(report: &RunReport) -> String {
    match serde_json::to_value(report.outcome) {
        Ok(Value::String(name)) => name,
        _ => format!("{:?}", report.outcome),
    }
}

fn short(output: &Value) -> String {
    const LONG: usize = 200;
    let text = manifest::plain(&output.to_string());
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn in_markdown(report: &RunReport) -> String {
    let tool = report.tool_id.as_deref().unwrap_or(&report.module);
    let mut out = format!("## {}: {}\n\n", markdown::words(tool), outcome(report).replace('_', " "));
    if let Some(error) = &report.error {
        out.push_str(&format!("{}\n\n", markdown::message(error)));
    }
    for violation in &report.violations {
        let pointer = if violation.pointer.is_empty() { "/" } else { &violation.pointer };
        let (of, message) = (violation.of, markdown::message(&violation.message));
        out.push_str(&format!("- {of} {}: {message}\n", markdown::code(pointer)));
    }
    if let Some(output) = &report.output {
        let text = match (output, &report.output_text) {
            (_, Some(text)) => text.clone(),
            (Value::String(text), None) => text.clone(),
            (value, None) => serde_json::to_string_pretty(value).unwrap_or_default(),
        };
        out.push_str(&format!("### Output\n\n{}\n", markdown::fence("json", &text)));
    }
    if let Some(code) = report.exit_code {
        out.push_str(&format!("- Exit code: {code}\n"));
    }
    let compile = match report.compile_ms {
        Some(ms) => format!("{ms:.1} ms of them to compile"),
        None => "compiled before".to_owned(),
    };
    out.push_str(&format!(
        "\n| | used | of |\n| --- | ---: | ---: |\n| fuel | {} | {} |\n| memory, bytes | {} | {} |\n| time | {:.1} ms \
         ({compile}) | {} ms |\n",
        report.fuel.used,
        report.fuel.budget,
        report.memory.peak_bytes,
        report.memory.limit_bytes,
        report.duration_ms,
        report.wall_clock_ms,
    ));
    if let Some(storage) = &report.storage {
        out.push_str(&format!("\nFiles in {}.\n", markdown::code(storage)));
    }
    if !report.logs.is_empty() {
        let text: Vec<&str> = report.logs.iter().map(|log| log.text.as_str()).collect();
        out.push_str(&format!("\n### Logs\n\n{}\n", markdown::fence("text", &text.join("\n"))));
    }
    if !report.host_calls.is_empty() {
        out.push_str("\n### Host calls\n\n| call | arguments | decision | ms |\n| --- | --- | --- | ---: |\n");
        out.extend(report.host_calls.iter().map(|call| {
            let decision = match &call.decision {
                Decision::Allowed => "allowed".to_owned(),
                Decision::Denied(why) => format!("denied: {why}"),
                Decision::Failed(why) => format!("failed: {why}"),
            };
            let (name, arguments) = (markdown::cell(&call.name), markdown::cell(&call.arguments));
            format!("| {name} | {arguments} | {} | {:.1} |\n", markdown::cell(&decision), call.took_ms)
        }));
    }
    if let Some(policy) = &report.policy {
        out.push_str("\n### Policy\n\n");
        out.extend(policy.actions.iter().map(|action| {
            let word = if action.allowed() { "allowed" } else { "denied" };
            let by = markdown::words(&action.policies.join(", "));
            format!("- {} {word} by {by}\n", markdown::code(&action.action))
        }));
    }
    let walls: Vec<String> = report
        .walls
        .iter()
        .map(|wall| {
            if wall.stands {
                wall.name.clone()
            } else {
                format!("~~{}~~ ({})", wall.name, markdown::words(&wall.detail))
            }
        })
        .collect();
    if !walls.is_empty() {
        out.push_str(&format!("\nWalls: {}.\n", walls.join(", ")));
    }
    out
}
