//! `skillyard test`: runs the cases of a skill.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use skillyard_project::run::{Held, TestReport, test_folder};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, PalyraArguments, PolicyArguments, SCHEMA_VERSION, SkillsArguments, folder_of},
    out,
    sheet::{Sheet, Tone, number},
    watch::Watch,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard test
  skillyard test skills/ledger --format junit > results.xml

A case: { \"tool\": \"acme.echo\", \"input\": { \"text\": \"hi\" }, \"expect\": { \"output\": { \"text\": \"hi\" } } }
It may also have approve, http, secrets and files; see schema/test-case.schema.json. No case reaches the network, your \
secrets or the skill's own storage.

Exit codes: 0 all passed; 1 something did not; 2 the command could not do its work.")]
pub struct Arguments {
    /// The skill's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    skills: SkillsArguments,
    #[command(flatten)]
    policy: PolicyArguments,
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
    /// One JSON document, described by schema/test-report.schema.json
    Json,
    /// JUnit's XML, for continuous integration
    Junit,
}

#[derive(Serialize)]
struct Document<'r> {
    schema_version: u32,
    #[serde(flatten)]
    report: &'r TestReport,
}

/// Runs the cases, reports, and says how it went.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let held = Held {
        policy: arguments.policy.policy(),
        palyra: arguments.palyra.given(),
        now_unix_ms: machine::now_unix_ms(),
    };
    let watch = Watch::new();
    let home = arguments.skills.home(None)?;
    let report = test_folder(&folder_of(&arguments.folder), &home, held, &machine::text_variable, &watch)
        .map_err(Error::Test)?;
    drop(watch);
    let text = match arguments.format {
        Format::Human => human(&report),
        Format::Json => json::line(&Document { schema_version: SCHEMA_VERSION, report: &report }) + "\n",
        Format::Junit => junit(&report),
    };
    out::print(&text)?;
    Ok(if report.failed == 0 { Exit::Fine } else { Exit::Findings })
}

fn human(report: &TestReport) -> String {
    let mut sheet = Sheet::new();
    sheet.title(&format!("{} {}", report.skill_id, report.version));
    let count = number(report.cases.len(), "case");
    match (report.cases.len(), report.failed) {
        (0, _) => sheet.verdict(Tone::Wary, "NO CASES", "put them into tests/*.json"),
        (_, 0) => sheet.verdict(Tone::Good, "PASSED", &count),
        (_, failed) => sheet.verdict(Tone::Bad, "FAILED", &format!("{failed} of {count}")),
    }
    sheet.blank();
    for case in &report.cases {
        let (tone, mark) = if case.passed { (Tone::Good, "✓") } else { (Tone::Bad, "✗") };
        sheet.item(tone, mark, &format!("{} ({:.0} ms)", case.name, case.duration_ms));
        for failure in &case.failures {
            sheet.item(Tone::Plain, " ", &format!("  {failure}"));
        }
    }
    sheet.finish()
}

/// The report as build servers read it: a suite with a case each.
fn junit(report: &TestReport) -> String {
    // The sum of nothing is -0.0.
    let seconds = report.cases.iter().map(|case| case.duration_ms / 1000.0).sum::<f64>().abs();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" \
         errors=\"0\" skipped=\"0\" time=\"{seconds:.3}\">\n",
        escaped(&report.skill_id),
        report.cases.len(),
        report.failed
    );
    for case in &report.cases {
        let (suite, name, seconds) = (escaped(&report.skill_id), escaped(&case.name), case.duration_ms / 1000.0);
        out.push_str(&format!("    <testcase classname=\"{suite}\" name=\"{name}\" time=\"{seconds:.3}\""));
        if case.passed {
            out.push_str("/>\n");
            continue;
        }
        let first = escaped(case.failures.first().map_or("", String::as_str));
        let all = escaped(&case.failures.join("\n"));
        out.push_str(&format!(">\n      <failure message=\"{first}\">{all}</failure>\n    </testcase>\n"));
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text in XML 1.0: what it cannot hold, and what is not seen, is written as an escape that a person can read.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            c if skillyard_manifest::is_unseen(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                out.extend(c.escape_default());
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        assert_eq!(escaped("<a href=\"x\">&\u{1b}\n"), "&lt;a href=&quot;x&quot;&gt;&amp;\\u{1b}&#10;");
    }
}
