//! The audit: what a skill's modules are and want, beside what its manifest says. Nothing is compiled or run.
//!
//! Two lists come out: a daemon's own checks, in its order and by its ids, and what is found beyond them. The verdict is
//! the stricter of the two. An artifact and a folder that is not packaged yet are audited by the same code.

mod advisories;
mod daemon;
mod imports;
mod modules;
mod skill;

use std::{borrow::Cow, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::{Value, json};
use skillyard_manifest::{Severity, Warning, model::Manifest};

use crate::{
    Cancelled, Finding, Progress,
    entries::Entries,
    limits::MAX_ENTRY_BYTES,
    module::{self, Module},
    trust::TrustDecision,
};

pub use advisories::{Advisories, AdvisoryError, Affected};
pub(crate) use modules::fault_finding;

/// What an audit lets pass.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Policy {
    /// The largest module, in bytes. A larger one is not read.
    pub max_module_bytes: u64,
    /// The most functions that one module exports.
    pub max_exported_functions: u64,
    /// Whether a skill may declare device or node capabilities.
    pub allow_device_capabilities: bool,
    /// Whether a skill may opt in to wildcards.
    pub allow_wildcard_capabilities: bool,
}

impl Default for Policy {
    /// A daemon's own.
    fn default() -> Self {
        Self {
            max_module_bytes: 8 << 20,
            max_exported_functions: 128,
            allow_device_capabilities: false,
            allow_wildcard_capabilities: false,
        }
    }
}

/// What is known of an artifact from its verification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignatureFacts {
    /// Whether the verification accepted it.
    pub accepted: bool,
    /// Why its key is trusted.
    pub trust_decision: Option<TrustDecision>,
    /// Its payload hash, lower-case hex.
    pub payload_sha256: String,
}

/// What is audited; its modules as bytes, or as what was found in them before.
#[derive(Clone, Debug)]
pub struct Subject<'a, M = (&'a str, &'a [u8])> {
    /// The manifest, which validates.
    pub manifest: &'a Manifest,
    /// A daemon's warnings about it.
    pub warnings: &'a [Warning],
    /// The modules: path in the archive and content, in the order of the paths.
    pub modules: &'a [M],
    /// Whether there is an SBOM that a daemon takes.
    pub sbom: bool,
    /// Whether there is a provenance document that a daemon takes.
    pub provenance: bool,
    /// What verification said; `None` for a folder that is not signed yet.
    pub signature: Option<SignatureFacts>,
}

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Pass,
    /// It holds, with something to look at.
    Warn,
    /// It does not hold.
    Fail,
    /// There was nothing to check yet.
    Skipped,
}

impl Status {
    /// The name in every report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }

    fn severity(self) -> &'static str {
        match self {
            Self::Pass | Self::Skipped => "info",
            Self::Warn => "warning",
            Self::Fail => "error",
        }
    }
}

/// One check of a daemon's.
#[derive(Clone, PartialEq, Debug)]
pub struct Check {
    /// Its stable id.
    pub check_id: String,
    /// How it ended.
    pub status: Status,
    /// What was seen, on one line, with everything from the skill in it escaped.
    pub message: String,
    /// The figures and names behind it.
    pub details: Value,
}

impl Check {
    fn new(check_id: impl Into<String>, status: Status, message: impl Into<String>, details: Value) -> Self {
        Self { check_id: check_id.into(), status, message: message.into(), details }
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Check", 5)?;
        out.serialize_field("check_id", &self.check_id)?;
        out.serialize_field("status", &self.status)?;
        out.serialize_field("severity", self.status.severity())?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("details", &self.details)?;
        out.end()
    }
}

/// One finding in the shape of a check: its code is the id; an error fails, a warning warns, the rest passes with a note.
struct ExtraCheck<'a>(&'a Finding);

impl Serialize for ExtraCheck<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let finding = self.0;
        let status = match finding.severity {
            Severity::Error => Status::Fail,
            Severity::Warning => Status::Warn,
            Severity::Info | Severity::Hint => Status::Pass,
        };
        let mut out = serializer.serialize_struct("ExtraCheck", 8)?;
        out.serialize_field("check_id", finding.rule.code)?;
        out.serialize_field("status", &status)?;
        out.serialize_field("severity", status.severity())?;
        out.serialize_field("message", &finding.message)?;
        let mut details = json!({ "level": finding.severity.name(), "url": finding.rule.url() });
        if !finding.names.is_empty() {
            details["names"] = json!(finding.names);
        }
        out.serialize_field("details", &details)?;
        out.serialize_field("entry", &finding.entry)?;
        out.serialize_field("byte_range", &finding.byte_range.as_ref().map(|range| [range.start, range.end]))?;
        let manifest = finding.manifest.as_ref().map(|place| json!({ "key": place.key, "advice": place.advice }));
        out.serialize_field("manifest", &manifest)?;
        out.end()
    }
}

/// What is known of one module, for reports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ModuleSummary {
    /// Its path in the archive, escaped.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// How it is called; null where it was not read or is not valid.
    pub kind: Option<module::ModuleKind>,
    /// Whether a daemon 0.1.0 runs a module of that kind.
    pub daemon_runs: bool,
}

/// What the advisories said.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct VulnerabilityScan {
    /// How many advisories there were to compare with; null where no feed is configured.
    pub advisories: Option<u64>,
    /// How many packages the modules list.
    pub packages: u64,
    /// Modules that do not say what they were built from, escaped.
    pub modules_without_data: Vec<String>,
    /// How many times a package that is in a module matched a vulnerability.
    pub vulnerable: u64,
    /// What matched, vulnerabilities first. At most a thousand.
    pub matches: Vec<Affected>,
}

/// The report of an audit.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The manifest's `skill_id`.
    pub skill_id: String,
    /// The manifest's `version`.
    pub version: String,
    /// The manifest's `publisher`.
    pub publisher: String,
    /// Whether verification accepted the artifact; `None` for a folder.
    pub accepted: Option<bool>,
    /// Why its key is trusted.
    pub trust_decision: Option<TrustDecision>,
    /// Its payload hash.
    pub payload_sha256: Option<String>,
    /// When the report was made.
    pub generated_at_unix_ms: u64,
    /// What it was held against.
    pub policy: Policy,
    /// A daemon's warnings about the manifest.
    pub manifest_warnings: Vec<Warning>,
    /// A daemon's checks, in its order.
    pub checks: Vec<Check>,
    /// What else was found, the loudest first.
    pub findings: Vec<Finding>,
    /// The modules.
    pub modules: Vec<ModuleSummary>,
    /// What the advisories said.
    pub vulnerability_scan: VulnerabilityScan,
}

/// The id of the check that a daemon can load a module.
pub(super) const VALIDATION: &str = "wasm_module_validation";
/// The id of the check that a daemon has no feed for.
const FEED: &str = "vulnerability_feed_hook";

impl Report {
    /// Whether no check failed, neither a daemon's nor one beyond.
    #[must_use]
    pub fn passed(&self) -> bool {
        let failed = self.checks.iter().any(|check| check.status == Status::Fail);
        !failed && self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }

    /// What keeps it from running here: all that failed, but that a daemon 0.1.0 loads no components, of which it has
    /// nothing else to say.
    #[must_use]
    pub fn objections(&self) -> Vec<&str> {
        let is_component = |check: &Check| {
            check.check_id == VALIDATION
                && self.modules.iter().any(|module| {
                    check.details.get("module").is_some_and(|named| *named == module.path)
                        && module.kind.is_some_and(module::ModuleKind::is_component)
                })
        };
        let failed = self.checks.iter().filter(|check| check.status == Status::Fail && !is_component(check));
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error);
        failed.map(|check| &*check.message).chain(errors.map(|finding| &*finding.message)).collect()
    }

    /// Whether a daemon alone would let it pass. It has no advisories to look into.
    #[must_use]
    pub fn daemon_passed(&self) -> bool {
        self.checks.iter().all(|check| check.status != Status::Fail || check.check_id == FEED)
    }

    /// Whether it must not be enabled.
    #[must_use]
    pub fn should_quarantine(&self) -> bool {
        !self.passed()
    }

    /// The messages of what failed, each once.
    #[must_use]
    pub fn quarantine_reasons(&self) -> Vec<&str> {
        let failed = self.checks.iter().filter(|check| check.status == Status::Fail).map(|check| &*check.message);
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let mut reasons: Vec<&str> = Vec::new();
        for reason in failed.chain(errors.map(|finding| &*finding.message)) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        reasons
    }
}

/// Findings as the `extra_checks` of a report, for one that has nothing else to say.
pub fn extra_checks(findings: &[Finding]) -> impl Serialize {
    findings.iter().map(ExtraCheck).collect::<Vec<_>>()
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let extra = extra_checks(&self.findings);
        let mut out = serializer.serialize_struct("Report", 17)?;
        out.serialize_field("skill_id", &self.skill_id)?;
        out.serialize_field("version", &self.version)?;
        out.serialize_field("publisher", &self.publisher)?;
        out.serialize_field("accepted", &self.accepted)?;
        out.serialize_field("passed", &self.passed())?;
        out.serialize_field("daemon_passed", &self.daemon_passed())?;
        out.serialize_field("should_quarantine", &self.should_quarantine())?;
        out.serialize_field("trust_decision", &self.trust_decision)?;
        out.serialize_field("payload_sha256", &self.payload_sha256)?;
        out.serialize_field("generated_at_unix_ms", &self.generated_at_unix_ms)?;
        out.serialize_field("policy", &self.policy)?;
        out.serialize_field("manifest_warnings", &self.manifest_warnings)?;
        out.serialize_field("checks", &self.checks)?;
        out.serialize_field("extra_checks", &extra)?;
        out.serialize_field("quarantine_reasons", &self.quarantine_reasons())?;
        out.serialize_field("modules", &self.modules)?;
        out.serialize_field("vulnerability_scan", &self.vulnerability_scan)?;
        out.end()
    }
}

/// A module of the subject, as far as it was read.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// Its path in the archive.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What was found in it; `None` where it is over the policy's size limit.
    pub module: Option<Arc<Module>>,
}

/// Audits `subject`. `now_unix_ms` is the time of the report; `feed` are advisories to look the modules' packages up in.
///
/// # Errors
/// [`Cancelled`], where `progress` says so.
pub fn audit(
    subject: &Subject<'_>,
    policy: &Policy,
    now_unix_ms: u64,
    feed: Option<&Advisories>,
    progress: &dyn Progress,
) -> Result<Report, Cancelled> {
    let content = |at: usize| subject.modules.get(at).map(|(_, content)| Cow::Borrowed(*content));
    let modules = subject.modules.iter().map(|(path, content)| (*path, content.len() as u64));
    let scanned = scan_each(modules, content, policy, progress)?;
    let &Subject { manifest, warnings, sbom, provenance, ref signature, .. } = subject;
    let subject = Subject { manifest, warnings, modules: &scanned, sbom, provenance, signature: signature.clone() };
    Ok(audit_scanned(&subject, policy, now_unix_ms, feed))
}

/// Reads an archive's modules for [`audit_scanned`], one after the other: never is more than one of them held.
///
/// # Errors
/// [`Cancelled`], where `progress` says so.
pub fn scan(entries: &Entries<'_>, policy: &Policy, progress: &dyn Progress) -> Result<Vec<Scanned>, Cancelled> {
    let modules: Vec<_> = entries.iter().filter(|(path, _)| path.is_module()).collect();
    // What was listed was inflated once and does so again.
    let content = |at: usize| modules.get(at).and_then(|(_, entry)| entries.content(entry, MAX_ENTRY_BYTES).ok());
    scan_each(modules.iter().map(|(path, entry)| (path.as_str(), entry.size)), content, policy, progress)
}

/// Reads modules, given as their paths and their sizes in bytes; `content` gives the bytes of the one at a place. One
/// without is left out.
fn scan_each<'m, 'c>(
    modules: impl Iterator<Item = (&'m str, u64)> + Clone,
    content: impl Fn(usize) -> Option<Cow<'c, [u8]>>,
    policy: &Policy,
    progress: &dyn Progress,
) -> Result<Vec<Scanned>, Cancelled> {
    let total = modules.clone().map(|(_, bytes)| bytes).sum();
    let (mut scanned, mut done) = (Vec::new(), 0);
    for (at, (path, bytes)) in modules.enumerate() {
        let module = if bytes <= policy.max_module_bytes {
            let Some(content) = content(at) else { continue };
            Some(Arc::new(module::scan(&content, &Step { progress, done, total })?))
        } else {
            None
        };
        scanned.push(Scanned { path: path.to_owned(), bytes, module });
        done += bytes;
        progress.at("audit", done, total)?;
    }
    Ok(scanned)
}

/// [`audit`] of modules that were scanned before: takes no time for what is in them.
#[must_use]
pub fn audit_scanned(
    subject: &Subject<'_, Scanned>,
    policy: &Policy,
    now_unix_ms: u64,
    feed: Option<&Advisories>,
) -> Report {
    let entrypoint = entrypoint(subject.manifest);
    let vulnerability_scan = advisories::compare(subject.modules, feed);
    let mut findings = Vec::new();
    for module in subject.modules {
        modules::check(subject.manifest, entrypoint, module, &mut findings);
    }
    skill::check(subject.manifest, subject.modules, &vulnerability_scan, &mut findings);
    // The loudest first; of equals in the order of the modules and of the bytes.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let manifest = subject.manifest;
    Report {
        skill_id: manifest.skill_id.clone(),
        version: manifest.version.clone(),
        publisher: manifest.publisher.clone(),
        accepted: subject.signature.as_ref().map(|facts| facts.accepted),
        trust_decision: subject.signature.as_ref().and_then(|facts| facts.trust_decision),
        payload_sha256: subject.signature.as_ref().map(|facts| facts.payload_sha256.clone()),
        generated_at_unix_ms: now_unix_ms,
        policy: policy.clone(),
        manifest_warnings: subject.warnings.to_vec(),
        checks: daemon::checks(subject, policy, &vulnerability_scan),
        findings,
        modules: subject.modules.iter().map(|module| module.summary(entrypoint)).collect(),
        vulnerability_scan,
    }
}

/// The export that a daemon calls.
fn entrypoint(manifest: &Manifest) -> &str {
    manifest.operator.plugin.default_entrypoint.as_deref().map_or("run", str::trim)
}

impl Scanned {
    /// The module, if it was read and is valid.
    fn valid(&self) -> Option<&Module> {
        self.module.as_deref().filter(|module| module.fault.is_none())
    }

    fn summary(&self, entrypoint: &str) -> ModuleSummary {
        let kind = self.valid().map(|module| module.kind(entrypoint));
        ModuleSummary {
            path: skillyard_manifest::plain(&self.path),
            bytes: self.bytes,
            kind,
            daemon_runs: kind == Some(module::ModuleKind::PalyraPlugin),
        }
    }
}

/// The steps of one module's scan as steps of the whole audit.
struct Step<'a> {
    progress: &'a dyn Progress,
    done: u64,
    total: u64,
}

impl Progress for Step<'_> {
    fn at(&self, _: &'static str, done: u64, _: u64) -> Result<(), Cancelled> {
        self.progress.at("audit", self.done + done, self.total)
    }
}

/// The first few of `names` in back quotes, and how many more there are.
fn few<'n>(names: impl IntoIterator<Item = &'n str>, total: u64) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = names.into_iter().take(SHOWN).map(skillyard_manifest::quoted).collect();
    let more = total.saturating_sub(shown.len() as u64);
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
