//! What came of a call, for a person: output, logs, bars for fuel, memory and time, host calls, policy, walls.

use serde_json::Value;
use skillyard_project::{
    run::{Decision, HostCall, LogLevel, Outcome, RunReport, SignedBy},
    shown,
    verify::TrustDecision,
};

use crate::sheet::{Sheet, Tone, number, size};

/// How wide a bar is, in characters.
const BAR: usize = 24;
/// As many lines of output, and of logs, are shown; all of them are in the JSON.
const LINES: usize = 200;
/// As many host calls are shown where nobody asked for all.
const CALLS: usize = 12;

/// The report; `file_meant` where the input reads as the name of a file.
pub fn human(report: &RunReport, trace: bool, file_meant: bool) -> String {
    let mut sheet = Sheet::new();
    let about = match (&report.tool_id, &report.skill_id, &report.version) {
        (Some(tool), Some(skill), Some(version)) => format!("{tool} of {skill} {version}"),
        _ => report.module.clone(),
    };
    sheet.title(&about);
    let (tone, word) = verdict(report);
    sheet.verdict(tone, word, report.error.as_deref().unwrap_or_default());
    if file_meant && report.violations.iter().any(|it| it.of == "input" && it.keyword == "json") {
        sheet.line("To read a file: `--input @input.json`.");
    }
    if report.lacks_approval() {
        sheet.line("Run it again with `--approve`, or in a terminal to be asked.");
    }
    // Of what is no JSON the verdict has said all.
    for violation in report.violations.iter().filter(|it| it.of == "output" || it.keyword != "json") {
        let pointer = if violation.pointer.is_empty() { "the whole" } else { &violation.pointer };
        sheet.item(
            Tone::Bad,
            "✗",
            &format!("{} {pointer}: {} ({})", violation.of, violation.message, violation.keyword),
        );
    }
    if let Some(output) = report.output.as_ref().filter(|output| output.as_str() != Some("")) {
        sheet.heading("Output");
        let text = match (output, &report.output_text) {
            (_, Some(text)) => text.clone(),
            (Value::String(text), None) => text.clone(),
            (value, None) => serde_json::to_string_pretty(value).unwrap_or_default(),
        };
        block(&mut sheet, &text);
    } else if let Some(code) = report.exit_code {
        sheet.heading("Output");
        sheet.row("exit code", &code.to_string());
    }
    if !report.logs.is_empty() {
        sheet.heading("Logs");
        for log in report.logs.iter().take(LINES) {
            let (tone, level) = match log.level {
                LogLevel::Trace => (Tone::Plain, "trace "),
                LogLevel::Debug => (Tone::Plain, "debug "),
                LogLevel::Info => (Tone::Plain, "info  "),
                LogLevel::Warn => (Tone::Wary, "warn  "),
                LogLevel::Error => (Tone::Bad, "error "),
                LogLevel::Stderr => (Tone::Plain, "stderr"),
            };
            sheet.item(tone, level, &log.text);
        }
        if report.logs.len() > LINES {
            sheet.item(
                Tone::Plain,
                "…",
                &format!("and {} more, in --format json", number(report.logs.len() - LINES, "line")),
            );
        }
    }
    if !matches!(report.outcome, Outcome::InputInvalid | Outcome::Denied) {
        used(&mut sheet, report);
    }
    calls(&mut sheet, report, trace);
    policy(&mut sheet, report);
    if !report.hints.is_empty() {
        sheet.heading("Hints");
        for hint in &report.hints {
            sheet.item(Tone::Wary, "•", &format!("{}: {}", hint.key, hint.message));
        }
    }
    sheet.finish()
}

fn verdict(report: &RunReport) -> (Tone, &'static str) {
    match report.outcome {
        Outcome::Ok => (Tone::Good, "OK"),
        Outcome::ToolError => (Tone::Bad, "TOOL ERROR"),
        Outcome::InputInvalid => (Tone::Bad, "INPUT REFUSED"),
        Outcome::OutputInvalid => (Tone::Bad, "OUTPUT REFUSED"),
        Outcome::Denied => (Tone::Bad, "DENIED"),
        Outcome::DoesNotCompile => (Tone::Bad, "DOES NOT COMPILE"),
        Outcome::DoesNotLink => (Tone::Bad, "DOES NOT LINK"),
        Outcome::MissingExport => (Tone::Bad, "MISSING EXPORT"),
        Outcome::Trapped => (Tone::Bad, "TRAPPED"),
        Outcome::StackOverflow => (Tone::Bad, "STACK OVERFLOW"),
        Outcome::FuelExhausted => (Tone::Bad, "OUT OF FUEL"),
        Outcome::MemoryExceeded => (Tone::Bad, "OUT OF MEMORY"),
        Outcome::TableExceeded => (Tone::Bad, "TABLE TOO LARGE"),
        Outcome::InstancesExceeded => (Tone::Bad, "TOO MANY INSTANCES"),
        Outcome::OutputTooLarge => (Tone::Bad, "OUTPUT TOO LARGE"),
        Outcome::LogTooLarge => (Tone::Bad, "LOG TOO LARGE"),
        Outcome::TimedOut => (Tone::Bad, "TIMED OUT"),
        Outcome::Cancelled => (Tone::Wary, "CANCELLED"),
        Outcome::WorkerDied => (Tone::Bad, "WORKER DIED"),
    }
}

/// Text as it is, line by line, escaped.
fn block(sheet: &mut Sheet, text: &str) {
    let mut lines = text.lines();
    for line in lines.by_ref().take(LINES) {
        sheet.item(Tone::Plain, "│", &shown::line(line));
    }
    let more = lines.count();
    if more > 0 {
        sheet.item(Tone::Plain, "…", &format!("and {} more, in --format json", number(more, "line")));
    }
}

fn used(sheet: &mut Sheet, report: &RunReport) {
    sheet.heading("Used");
    let (fuel, memory) = (report.fuel, report.memory);
    meter(sheet, "fuel", fuel.used, fuel.budget, &format!("{} of {}", grouped(fuel.used), grouped(fuel.budget)));
    let of = format!("{} of {}", size(memory.peak_bytes), size(memory.limit_bytes));
    meter(sheet, "memory", memory.peak_bytes, memory.limit_bytes, &of);
    let compiled = match report.compile_ms {
        Some(ms) => format!(", {} of them to compile", milliseconds(ms)),
        None => ", compiled before".to_owned(),
    };
    let limit = report.wall_clock_ms;
    let of = format!("{} of {}{compiled}", milliseconds(report.duration_ms), milliseconds(as_float(limit)));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds of one call")]
    let took = report.duration_ms.max(0.0) as u64;
    meter(sheet, "time", took, limit, &of);
    if let Some(storage) = &report.storage {
        sheet.row("files in", storage);
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn as_float(n: u64) -> f64 {
    n as f64
}

/// A bar, the share and the numbers.
fn meter(sheet: &mut Sheet, name: &str, used: u64, limit: u64, numbers: &str) {
    let share = if limit == 0 { 1.0 } else { (as_float(used) / as_float(limit)).clamp(0.0, 1.0) };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "0 to BAR"
    )]
    let full = ((share * BAR as f64).ceil() as usize).min(BAR);
    let bar = format!("{}{}", "█".repeat(full), "░".repeat(BAR - full));
    let tone = match share {
        share if share >= 0.9 => Tone::Bad,
        share if share >= 0.7 => Tone::Wary,
        _ => Tone::Good,
    };
    sheet.toned_row(tone, name, &format!("{bar} {:3.0} %  {numbers}", share * 100.0));
}

fn calls(sheet: &mut Sheet, report: &RunReport, trace: bool) {
    let calls: &[HostCall] = &report.host_calls;
    if calls.is_empty() {
        return;
    }
    sheet.heading("Host calls");
    let shown = if trace { calls.len() } else { CALLS };
    for call in calls.iter().take(shown) {
        let (tone, mark, why) = match &call.decision {
            Decision::Allowed => (Tone::Good, "✓", String::new()),
            Decision::Denied(why) => (Tone::Bad, "✗", format!(": {why}")),
            Decision::Failed(why) => (Tone::Wary, "!", format!(": {why}")),
        };
        let times = if trace {
            format!("{:>9} +{:<9} ", milliseconds(call.at_ms), milliseconds(call.took_ms))
        } else {
            String::new()
        };
        sheet.item(tone, mark, &format!("{times}{} {}{why}", call.name, call.arguments));
    }
    if report.unrecorded_host_calls > 0 {
        let more = report.unrecorded_host_calls;
        sheet.item(Tone::Wary, "!", &format!("and {more} more, which were too many to list"));
    }
    if calls.len() > shown {
        sheet.item(Tone::Plain, "…", &format!("and {} more; --trace shows all", number(calls.len() - shown, "call")));
    }
}

fn policy(sheet: &mut Sheet, report: &RunReport) {
    sheet.heading("Decided by");
    let signed = match report.signed_by {
        SignedBy::Publisher => match report.trust_decision {
            Some(TrustDecision::TofuPinned) => "the publisher, with the key that is pinned".to_owned(),
            Some(TrustDecision::TofuNewlyPinned) => "the publisher, whom you trust this time only".to_owned(),
            Some(TrustDecision::Allowlisted) | None => "the publisher, whom you listed".to_owned(),
        },
        SignedBy::Author => "your key".to_owned(),
        SignedBy::ThrowAway => "a key made for this call; an artifact for others needs your own".to_owned(),
        SignedBy::Nobody => "nobody: a bare module".to_owned(),
    };
    sheet.row("signed by", &signed);
    if let Some(policy) = &report.policy {
        for action in &policy.actions {
            let (tone, word) = if action.allowed() { (Tone::Good, "allowed") } else { (Tone::Bad, "denied") };
            let by =
                if action.policies.is_empty() { String::new() } else { format!(" by {}", action.policies.join(", ")) };
            sheet.toned_row(tone, word, &format!("{}{by}", action.action));
            // What the verdict says is not said again.
            if !action.allowed() && report.outcome != Outcome::Denied {
                sheet.row("", &action.hint);
            }
        }
    }
    let kind = format!(
        "{}{}",
        report.kind.name(),
        if report.daemon_runs { "" } else { "; a 0.1.0 daemon does not run this kind" }
    );
    sheet.row("kind", &kind);
    let (stand, fallen): (Vec<_>, Vec<_>) = report.walls.iter().partition(|wall| wall.stands);
    let stand: Vec<&str> = stand.iter().map(|wall| wall.name.as_str()).collect();
    if !stand.is_empty() {
        sheet.row("walls", &stand.join(", "));
    }
    for wall in fallen {
        sheet.toned_row(Tone::Wary, "no wall", &format!("{}: {}", wall.name, wall.detail));
    }
}

/// `12,345,678`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `0.4 ms`, `12 ms`, `1.5 s`.
fn milliseconds(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_reading() {
        assert_eq!(
            (grouped(0), grouped(999), grouped(1000), grouped(12_345_678)),
            ("0".into(), "999".into(), "1,000".into(), "12,345,678".to_owned())
        );
        assert_eq!(
            (milliseconds(0.04), milliseconds(12.4), milliseconds(30_000.0)),
            ("0.0 ms".into(), "12 ms".into(), "30.0 s".to_owned())
        );
    }
}
