//! `skillyard audit`: what a daemon's audit says of an artifact or a folder, and what a careful reader adds.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use skillyard_manifest::{Options, Severity, rules::is_about_modules};
use skillyard_project::{
    audit::{
        AuditOptions, Audited, FolderError, ModuleKind, Report, Status, advisories, at_levels, audit_artifact,
        audit_folder, extra_checks,
    },
    check::config_of,
    files::MANIFEST_NAME,
    home::Home,
    installed::{after_audit, artifact as installed_artifact, named, of_skill},
    skill::{Additions, Plan},
    verify::{Pin, Purpose},
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    levels::LevelFlags,
    machine::{self, PalyraArguments, PolicyArguments, SCHEMA_VERSION, SkillsArguments, TrustArguments},
    out,
    report::{sarif, skill},
    sheet::{Sheet, Tone, number},
    watch::Watch,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard audit dist/acme.ledger-1.2.0.palyra-skill
  skillyard audit .                                   a folder, before it is packaged
  skillyard audit acme.ledger --advisories osv.json   the installed version; quarantined where it fails
  skillyard audit --advisories osv.json --format sarif acme.palyra-skill > audit.sarif
  skillyard audit . --deny warnings                   in CI; severities of skillyard.toml count for a folder too

An artifact is verified first. Modules are only parsed, never run or compiled. Nothing is written unless --pin asks \
for it, but of an installed version: what its audit came to is in the log, and one that fails may not be run until \
`skillyard enable`.

Exit codes: 0 passed; 1 something failed, or the artifact was refused; 2 the command could not do its work.")]
pub struct Arguments {
    /// The artifact, the skill's folder, or an installed skill: SKILL or SKILL@VERSION; `-` is an artifact on standard
    /// input
    #[arg(value_name = "ARTIFACT, DIR or SKILL")]
    target: PathBuf,
    #[command(flatten)]
    trust: TrustArguments,
    /// Remember the key of an unknown publisher, once everything holds and the audit passes
    #[arg(long, help_heading = "Trust")]
    pin: bool,
    #[command(flatten)]
    skills: SkillsArguments,
    #[command(flatten)]
    policy: PolicyArguments,
    /// A file of advisories in the format of OSV, to look the modules' packages up in
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    advisories: Option<PathBuf>,
    #[command(flatten)]
    levels: LevelFlags,
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
    /// One JSON document, described by schema/audit-report.schema.json
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// Audits, reports, and says how it went.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let feed = arguments.advisories.as_deref().map(advisories).transpose().map_err(Error::Advisories)?;
    let mut options = AuditOptions {
        policy: arguments.policy.policy(),
        feed,
        palyra: arguments.palyra.version(),
        now_unix_ms: machine::now_unix_ms(),
    };
    arguments.levels.about("audit", is_about_modules)?;
    let home = arguments.skills.home(arguments.trust.trust_store.clone())?;
    match named(&home, &arguments.target).map_err(Error::Path)? {
        Some((skill_id, version)) => match installed(arguments, &home, &skill_id, version.as_deref(), &options) {
            Err(Error::Installed(refused))
                if refused.kind().as_deref() == Some("NotInstalled")
                    && !arguments.target.exists()
                    && of_skill(&home, &skill_id)?.is_empty() =>
            {
                Err(Error::NoTarget(arguments.target.to_string_lossy().into_owned()))
            }
            audited => audited,
        },
        None if machine::folder_of(&arguments.target) != arguments.target => {
            folder(arguments, &machine::folder_of(&arguments.target), &mut options)
        }
        None if arguments.target.is_dir() => folder(arguments, &arguments.target, &mut options),
        None => artifact(arguments, &home, &options),
    }
}

fn installed(
    arguments: &Arguments,
    home: &Home,
    skill_id: &str,
    version: Option<&str>,
    options: &AuditOptions,
) -> Result<Exit, Error> {
    let watch = Watch::new();
    let (entry, bytes) = installed_artifact(home, skill_id, version, &watch)?;
    no_levels(arguments)?;
    let trusting = arguments.trust.options(arguments.pin);
    let audited = audit_artifact(&bytes, home, &trusting, options, Purpose::Run, &watch).map_err(Error::Flow)?;
    drop(watch);
    let quarantined = match &audited.report {
        Some(report) => after_audit(home, &entry, report)?,
        None => false,
    };
    tell(arguments, home, &audited, options, quarantined)
}

fn folder(arguments: &Arguments, folder: &Path, options: &mut AuditOptions) -> Result<Exit, Error> {
    let config = config_of(folder).map_err(|error| Error::Config(error.into()))?;
    if let Some(version) = arguments.palyra.given().or(config.palyra_version) {
        options.palyra = version;
    }
    if arguments.pin {
        return Err(Error::PinOfFolder);
    }
    let watch = Watch::new();
    let collected = Plan::of(folder, &config.package, &Additions::default(), &watch).and_then(|plan| plan.read(&watch));
    let audited = collected.map_err(FolderError::from).and_then(|collected| {
        let report = audit_folder(folder, &collected, options, &watch)?;
        Ok((report, collected))
    });
    drop(watch);
    let report = match audited {
        Ok((mut report, collected)) => {
            at_levels(&mut report, &collected.manifest, &arguments.levels.options(config.options(Options::default())));
            arguments.levels.deny(&mut report);
            report
        }
        // The skill is at fault, not the command.
        Err(error) if error.refuses() => {
            let error = Error::Folder(error);
            let text = match arguments.format {
                Format::Human => return Err(error),
                Format::Json => json::line(&not_audited(&error, options)) + "\n",
                Format::Sarif => sarif::not_looked_at(&error.to_string(), &folder.join(MANIFEST_NAME)),
            };
            out::print(&text)?;
            return Ok(Exit::Findings);
        }
        Err(error) => return Err(Error::Folder(error)),
    };
    let text = match arguments.format {
        Format::Human => {
            let mut sheet = Sheet::new();
            sheet.title(&format!("{} {} by {}, not packaged yet", report.skill_id, report.version, report.publisher));
            human_report(&mut sheet, &report);
            sheet.finish()
        }
        Format::Json => json::line(&with_version(&report, &not_an_artifact())) + "\n",
        Format::Sarif => sarif::audit(&report, &folder.join(MANIFEST_NAME)),
    };
    out::print(&text)?;
    Ok(if report.passed() { Exit::Fine } else { Exit::Findings })
}

/// Severities are the author's, and an artifact is not held to them.
fn no_levels(arguments: &Arguments) -> Result<(), Error> {
    if arguments.levels.is_empty() { Ok(()) } else { Err(Error::LevelForArtifact) }
}

fn artifact(arguments: &Arguments, home: &Home, options: &AuditOptions) -> Result<Exit, Error> {
    let bytes = machine::artifact(&arguments.target)?;
    no_levels(arguments)?;
    let watch = Watch::new();
    let audited = audit_artifact(&bytes, home, &arguments.trust.options(arguments.pin), options, Purpose::Take, &watch);
    drop(watch);
    tell(arguments, home, &audited.map_err(Error::Flow)?, options, false)
}

fn tell(
    arguments: &Arguments,
    home: &Home,
    audited: &Audited<'_>,
    options: &AuditOptions,
    quarantined: bool,
) -> Result<Exit, Error> {
    let text = match arguments.format {
        Format::Human => {
            let given = skill::Given { path: &arguments.target, home, flags: skill::LOOK_OR_PIN };
            human(audited, &given, quarantined)
        }
        Format::Json => json::line(&document(audited, options, quarantined)) + "\n",
        Format::Sarif => match &audited.report {
            Some(report) => sarif::audit(report, &arguments.target),
            None => sarif::findings(&audited.verification.findings, &arguments.target),
        },
    };
    out::print(&text)?;
    Ok(if audited.passed() { Exit::Fine } else { Exit::Findings })
}

/// The report with the version of its schema in front and `more` in its place.
fn with_version(report: &Report, more: &[(&str, Value)]) -> Value {
    let mut document = json!({ "schema_version": SCHEMA_VERSION });
    if let (Some(document), Ok(Value::Object(report))) = (document.as_object_mut(), serde_json::to_value(report)) {
        document.extend(report);
        document.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    document
}

/// The keys of an artifact's report that a folder has nothing for.
fn not_an_artifact() -> Vec<(&'static str, Value)> {
    let nothing = ["daemon_accepts", "daemon_error_kind", "error_kind", "error"].map(|name| (name, Value::Null));
    nothing.into_iter().chain([("pinned", false.into()), ("quarantined", false.into())]).collect()
}

/// The report of a folder whose manifest is refused.
fn not_audited(error: &Error, options: &AuditOptions) -> Value {
    let mut document = json!({
        "accepted": null, "passed": false, "should_quarantine": true, "daemon_passed": false,
        "daemon_accepts": null, "daemon_error_kind": null, "pinned": false, "quarantined": false,
        "skill_id": null, "version": null, "publisher": null, "trust_decision": null, "payload_sha256": null,
        "generated_at_unix_ms": options.now_unix_ms, "policy": options.policy,
        "manifest_warnings": [], "checks": [], "extra_checks": [], "quarantine_reasons": [error.to_string()],
        "modules": [], "vulnerability_scan": null,
    });
    if let (Some(document), Value::Object(why)) = (document.as_object_mut(), error.document()) {
        document.extend(why);
    }
    document
}

/// The same keys whether there is anything to audit or not.
fn document(audited: &Audited<'_>, options: &AuditOptions, quarantined: bool) -> Value {
    let about = &audited.verification;
    let verdict = [
        ("accepted", json!(about.accepted)),
        ("passed", json!(audited.passed())),
        ("should_quarantine", json!(!audited.passed())),
        ("daemon_passed", json!(audited.daemon_passed())),
        ("daemon_accepts", json!(about.daemon_accepts)),
        ("daemon_error_kind", json!(about.daemon_error_kind)),
        ("error_kind", json!(about.error_kind)),
        ("error", json!(about.error)),
        ("pinned", json!(audited.pin == Pin::Pinned)),
        ("quarantined", json!(quarantined)),
    ];
    if let Some(report) = &audited.report {
        return with_version(report, &verdict);
    }
    let mut document = json!({
        "schema_version": SCHEMA_VERSION,
        "skill_id": about.skill_id,
        "version": about.version,
        "publisher": about.publisher,
        "trust_decision": about.trust_decision,
        "payload_sha256": about.payload_sha256,
        "generated_at_unix_ms": options.now_unix_ms,
        "policy": options.policy,
        "manifest_warnings": [],
        "checks": [],
        "extra_checks": extra_checks(&about.findings),
        "quarantine_reasons": about.error.iter().collect::<Vec<_>>(),
        "modules": [],
        "vulnerability_scan": null,
    });
    if let Some(document) = document.as_object_mut() {
        document.extend(verdict.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    document
}

fn human(audited: &Audited<'_>, given: &skill::Given<'_>, quarantined: bool) -> String {
    let mut sheet = Sheet::new();
    skill::title(&mut sheet, &audited.verification, given);
    skill::verdict(&mut sheet, &audited.verification, given);
    skill::pin(&mut sheet, &audited.verification, audited.pin);
    if quarantined {
        sheet.verdict(Tone::Bad, "QUARANTINED", "no tool of the installed version runs until `skillyard enable`");
    }
    match &audited.report {
        Some(report) => human_report(&mut sheet, report),
        None => {
            sheet.verdict(Tone::Bad, "NOT AUDITED", "there is no manifest to hold the modules against");
            sheet.findings(&skill::findings(&audited.verification));
        }
    }
    sheet.finish()
}

fn human_report(sheet: &mut Sheet, report: &Report) {
    let failed = report.checks.iter().filter(|check| check.status == Status::Fail).count();
    let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    match (report.passed(), report.daemon_passed()) {
        (true, _) => sheet.verdict(Tone::Good, "PASSED", "nothing speaks against it"),
        (false, false) => {
            let checks = format!("{} of a daemon's failed", number(failed, "check"));
            let ours = if errors == 0 { String::new() } else { format!(", and {} besides", number(errors, "error")) };
            sheet.verdict(Tone::Bad, "FAILED", &format!("{checks}{ours}; a daemon quarantines it"));
        }
        (false, true) => sheet.verdict(
            Tone::Bad,
            "FAILED",
            &format!("{} below; a daemon's own audit would let it pass", number(errors, "error")),
        ),
    }
    if !report.modules.is_empty() {
        sheet.heading("Modules");
        for module in &report.modules {
            // Of what is over the limit nothing is read.
            let unread = module.kind.is_none() && module.bytes > report.policy.max_module_bytes;
            let kind = match module.kind {
                None if unread => "not read: it is over the limit of size",
                kind => kind.map_or("not a module", ModuleKind::name),
            };
            let runs = if unread || module.daemon_runs { "" } else { ", which a daemon 0.1.0 does not run" };
            let text = format!("{}: {kind}{runs}, {}", module.path, crate::sheet::size(module.bytes));
            sheet.item(Tone::Plain, "-", &text);
        }
    }
    sheet.heading("A daemon's checks");
    for check in &report.checks {
        let (tone, mark) = match check.status {
            Status::Pass => (Tone::Good, "pass"),
            Status::Warn => (Tone::Wary, "warn"),
            Status::Fail => (Tone::Bad, "FAIL"),
            Status::Skipped => (Tone::Plain, "skip"),
        };
        sheet.item(tone, mark, &format!("{}: {}", check.check_id, check.message));
    }
    sheet.findings(&report.findings);
}
