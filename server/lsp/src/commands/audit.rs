//! *Audit*: what the modules of a skill's folder are and want, beside what its manifest says.
//!
//! The manifest is what stands in the editor, saved or not: what is shown there is what is audited. Nothing is written,
//! and nothing of the skill is run.

use std::sync::Arc;

use serde_json::Value;
use skillyard_manifest as manifest;
use skillyard_project::{
    audit::{AuditOptions, ModuleKind, Policy, Report, at_levels, audit_folder},
    check::config_of,
    live::{self, Placed},
    skill::{Additions, Plan},
};
use tower_lsp::ls_types::MessageType;

use super::{Failure, Outcome, Skill, in_a_word, now_unix_ms, report_of};
use crate::{markdown, work::Work};

/// Audits, shows the findings at the lines of the manifest, and reports.
pub(super) async fn run(work: &Work, skill: Skill) -> Result<Outcome, Failure> {
    let uri = skill.uri.clone();
    let session = Arc::clone(work.session());
    let audited = work.run(move |progress| {
        let (outcome, mut found) = audited(&skill, progress)?;
        let around = skill.open.as_ref().and_then(|open| {
            open.beside.forget();
            session.look_around(open)?.installed_otherwise(open.revision.text())
        });
        found.extend(around);
        Ok::<_, Failure>((outcome, found))
    });
    let (outcome, found) = audited.await??;
    work.session().show_audit(&uri, found);
    work.session().lenses_changed(&uri).await;
    Ok(outcome)
}

fn audited(skill: &Skill, progress: &dyn skillyard_project::Progress) -> Result<(Outcome, Vec<Placed>), Failure> {
    let config = config_of(&skill.folder).map_err(Failure::failed)?;
    let plan = Plan::of(&skill.folder, &config.package, &Additions::default(), progress)?;
    let mut collected = plan.read(progress)?;
    if let Some(open) = &skill.open {
        collected.manifest = open.revision.text().as_bytes().to_owned();
    }
    let options =
        AuditOptions { policy: Policy::default(), feed: None, palyra: skill.palyra(), now_unix_ms: now_unix_ms() };
    let mut report = audit_folder(&skill.folder, &collected, &options, progress)?;
    // What stands in the editor gets its level there, from whatever the text and the settings are by then.
    let found = live::placed(&report);
    at_levels(&mut report, &collected.manifest, &skill.options());
    let (said, level) = in_a_line(&report);
    let mut document = report_of(&report)?;
    // What a report of an artifact says besides.
    for name in ["daemon_accepts", "daemon_error_kind", "error", "error_kind"] {
        document.insert(name.to_owned(), Value::Null);
    }
    for name in ["pinned", "quarantined"] {
        document.insert(name.to_owned(), false.into());
    }
    Ok((Outcome { report: document, markdown: in_markdown(&report), said, level }, found))
}

fn in_a_line(report: &Report) -> (String, MessageType) {
    let skill = format!("{} {}", manifest::plain(&report.skill_id), manifest::plain(&report.version));
    match report.quarantine_reasons().as_slice() {
        [] => (format!("{skill} passes the audit"), MessageType::INFO),
        [reason] => (format!("{skill} fails the audit: {reason}"), MessageType::ERROR),
        [reason, more @ ..] => {
            (format!("{skill} fails the audit: {reason}; and {} more", more.len()), MessageType::ERROR)
        }
    }
}

fn in_markdown(report: &Report) -> String {
    let passed = if report.passed() { "passes the audit" } else { "fails the audit" };
    let daemon = if report.daemon_passed() { "passes" } else { "fails" };
    let mut out = format!(
        "## {} {} {passed}\n\nBy {}; not packaged yet. A daemon's own audit: {daemon}.\n",
        markdown::words(&report.skill_id),
        markdown::words(&report.version),
        markdown::code(&report.publisher)
    );
    if !report.modules.is_empty() {
        out.push_str("\n| module | bytes | kind |\n| --- | ---: | --- |\n");
        for module in &report.modules {
            let kind = module.kind.map_or("not valid", ModuleKind::name);
            out.push_str(&format!("| {} | {} | {kind} |\n", markdown::cell(&module.path), module.bytes));
        }
    }
    out.push_str("\n### Findings\n\n");
    let found = live::placed(report);
    if found.is_empty() {
        out.push_str("None.\n");
    }
    out.extend(found.iter().map(|found| {
        // The code is a rule's own; only the message quotes the skill.
        let code = match &found.url {
            Some(url) => format!("[{}]({url})", found.code),
            None => format!("`{}`", found.code),
        };
        format!("- {} {code}: {}\n", in_a_word(found.severity), markdown::message(&found.message))
    }));
    out.push_str("\n### A daemon's checks\n\n");
    out.extend(report.checks.iter().map(|check| {
        format!(
            "- {} {}: {}\n",
            check.status.name(),
            markdown::code(&check.check_id),
            markdown::message(&check.message)
        )
    }));
    out
}
