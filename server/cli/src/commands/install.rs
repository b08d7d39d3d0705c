//! `skillyard install`: verifies, audits, shows what it may do, and installs.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;
use skillyard_project::{
    audit::AuditOptions,
    install::{InstallError, InstallOptions, InstallReport, Installed, Proposal, install, propose},
    installed::Source,
    shown,
};

use super::capabilities::human_change;
use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, PalyraArguments, PolicyArguments, SCHEMA_VERSION, SkillsArguments, TrustArguments},
    out,
    report::skill,
    sheet::{Sheet, Tone},
    watch::Watch,
};

#[derive(Args, Debug)]
// Here first use is remembered, as it is nowhere else.
#[command(mut_arg("allow_tofu", |flag| flag.help("Trust an unknown publisher, whose key is pinned from then on")))]
#[command(after_help = "Examples:
  skillyard install dist/acme.ledger-1.2.0.palyra-skill
  skillyard install --allow-tofu acme.palyra-skill       trust the publisher's key from now on
  skillyard install --allow-wider acme.palyra-skill      an update that may do more, without being asked

What may do more than the installed version needs a yes at the terminal, or --allow-wider.

Exit codes: 0 installed; 1 refused; 2 the command could not do its work.")]
pub struct Arguments {
    /// The artifact; `-` is standard input
    artifact: PathBuf,
    #[command(flatten)]
    skills: SkillsArguments,
    /// Install it though it may do more than the version that is installed
    #[arg(long)]
    allow_wider: bool,
    /// Install it though a higher version is installed
    #[arg(long)]
    allow_downgrade: bool,
    /// Who installs it, for the log; without it your user name
    #[arg(long, value_name = "P")]
    principal: Option<String>,
    #[command(flatten)]
    trust: TrustArguments,
    #[command(flatten)]
    policy: PolicyArguments,
    #[command(flatten)]
    palyra: PalyraArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Serialize)]
struct Document {
    schema_version: u32,
    #[serde(flatten)]
    report: InstallReport,
}

/// Proposes, asks where that is needed, installs and reports.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let home = arguments.skills.home(arguments.trust.trust_store.clone())?;
    let bytes = machine::artifact(&arguments.artifact)?;
    let options = InstallOptions {
        trusting: arguments.trust.options(false),
        audit: AuditOptions {
            policy: arguments.policy.policy(),
            feed: None,
            palyra: arguments.palyra.version(),
            now_unix_ms: machine::now_unix_ms(),
        },
        allow_downgrade: arguments.allow_downgrade,
        source: Source::of_file(&arguments.artifact),
        principal: machine::principal(arguments.principal.as_deref()),
    };
    let watch = Watch::new();
    let proposed = propose(&bytes, &home, &options, &machine::variable, &watch);
    drop(watch);
    let proposal = match proposed {
        Ok(proposal) => proposal,
        Err(error) => return refused(arguments, error),
    };
    if arguments.format == Format::Human {
        out::print_aside(&summary(&proposal, &skill::Given { path: &arguments.artifact, home: &home, flags: "" }));
    }
    if proposal.widens() && !arguments.allow_wider && !agreed(arguments) {
        let report = InstallReport::of(&proposal, None);
        match arguments.format {
            Format::Human => out::error(&report.error.unwrap_or_default()),
            Format::Json => out::print(&document(report))?,
        }
        return Ok(Exit::Findings);
    }
    let watch = Watch::new();
    let installed = install(&proposal, &home, &options, &watch);
    drop(watch);
    let installed = match installed {
        Ok(installed) => installed,
        Err(error) => return refused(arguments, error),
    };
    let text = match arguments.format {
        Format::Human => done(&proposal, &installed, &home.paths().skills),
        Format::Json => document(InstallReport::of(&proposal, Some(&installed))),
    };
    out::print(&text)?;
    Ok(Exit::Fine)
}

/// Asks at the terminal. Nobody there is a no.
fn agreed(arguments: &Arguments) -> bool {
    if arguments.format != Format::Human || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return false;
    }
    out::print_aside("It may do more than the installed version. Install it? [y/N] ");
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
}

fn refused(arguments: &Arguments, error: InstallError) -> Result<Exit, Error> {
    let Some(report) = InstallReport::refused(&error) else { return Err(error.into()) };
    match arguments.format {
        Format::Human => {
            let mut sheet = Sheet::aside();
            sheet.findings(&error.unsaid_findings());
            sheet.blank();
            out::print_aside(&sheet.finish());
            out::error(&error);
            let error = Error::from(error);
            error.advice().iter().for_each(|line| out::aside(line));
        }
        Format::Json => out::print(&document(report))?,
    }
    Ok(Exit::Findings)
}

fn document(report: InstallReport) -> String {
    json::line(&Document { schema_version: SCHEMA_VERSION, report }) + "\n"
}

/// Who signed it, how that key is trusted, what it may do, and what of that is new.
fn summary(proposal: &Proposal<'_>, given: &skill::Given<'_>) -> String {
    let mut sheet = Sheet::aside();
    let about = &proposal.verification;
    skill::title(&mut sheet, about, given);
    skill::verdict(&mut sheet, about, given);
    skill::signature(&mut sheet, about);
    skill::may(&mut sheet, &proposal.capabilities.grants, &proposal.capabilities.policy_bindings);
    sheet.rows("asks to read", &proposal.capabilities.read_roots);
    sheet.rows("use devices", &proposal.capabilities.device_capabilities);
    sheet.rows("use nodes", &proposal.capabilities.node_capabilities);
    if let (Some(previous), Some(changes)) = (&proposal.previous, &proposal.changes) {
        sheet.heading(&format!("Against {} {}, which is installed", previous.skill_id, previous.version));
        if proposal.downgrade {
            sheet.item(Tone::Wary, "!", "it is an older version");
        }
        if changes.is_empty() {
            sheet.item(Tone::Good, "=", "it may do no more and no less");
        }
        for change in changes {
            human_change(&mut sheet, change);
        }
    }
    sheet.blank();
    sheet.finish()
}

fn done(proposal: &Proposal<'_>, installed: &Installed, root: &Path) -> String {
    let mut sheet = Sheet::new();
    let entry = &installed.entry;
    let words = match &proposal.previous {
        Some(previous) => format!("{} {}, in place of {}", entry.skill_id, entry.version, previous.version),
        None => format!("{} {}", entry.skill_id, entry.version),
    };
    sheet.verdict(Tone::Good, "INSTALLED", &words);
    sheet.row("folder", &shown::path(&root.join(&entry.skill_id).join(&entry.version)));
    if installed.pinned {
        sheet.row("pinned", "from now on only this key speaks for the publisher");
    }
    for missing in &entry.missing_secrets {
        let name = format!("{}/{}", missing.scope, missing.key);
        sheet.toned_row(Tone::Wary, "no secret", &format!("{name}: `skillyard secret set {name}`"));
    }
    sheet.finish()
}
