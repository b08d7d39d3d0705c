//! The audit of a skill's modules while its manifest is edited: made anew only where the manifest comes to mean something
//! else or a module changes, with every finding at a key of the manifest.
//!
//! Only the modules are looked for and read; nothing is compiled, run or written.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use skillyard_artifact::audit::{Policy, Report, Status};
use skillyard_manifest::{Severity, grammar::Version, model::Manifest, quoted};

use crate::{
    Cancelled, Progress,
    audit::{AuditOptions, FolderError, audit_folder, manifest},
    check::config_of,
    skill::{Plan, SkillError},
};

/// A finding of an audit, as it stands in a manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// The code of the rule, or the id of a daemon's check.
    pub code: String,
    /// The page of the rule, if it has one.
    pub url: Option<String>,
    /// How loud it is.
    pub severity: Severity,
    /// What is wrong and what to do. One line, with everything from the skill in it escaped.
    pub message: String,
    /// The key that it belongs to, as dotted TOML with indices. The manifest need not have it. `None` where it is about
    /// the skill as a whole.
    pub key: Option<String>,
}

/// What looks at one skill's folder remember.
#[derive(Debug, Default)]
pub struct Live {
    last: Option<(Basis, Vec<Placed>)>,
}

/// What an audit rests on.
#[derive(PartialEq, Debug)]
struct Basis {
    manifest: Box<Manifest>,
    modules: Vec<ModuleState>,
}

/// A module's file as it was before it was read.
#[derive(PartialEq, Debug)]
struct ModuleState {
    entry: String,
    file: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Live {
    /// Audits the modules of the skill in `folder` beside the manifest `text`, which need not be what is on the disk, for
    /// a daemon of the version `palyra`.
    ///
    /// Gives the findings, none where there is no module; `None` where the manifest is one that a daemon refuses, so that
    /// they cannot be known. What cannot be collected has no findings here: a build may be half done. Who audits the
    /// folder is told.
    ///
    /// # Errors
    /// Only if `progress` ends it.
    pub fn look(
        &mut self,
        folder: &Path,
        text: &str,
        palyra: Version,
        progress: &dyn Progress,
    ) -> Result<Option<Vec<Placed>>, Cancelled> {
        let nothing = |live: &mut Self| {
            live.last = None;
            Ok(Some(Vec::new()))
        };
        let Ok(config) = config_of(folder) else { return nothing(self) };
        let plan = match Plan::of_modules(folder, &config.package, progress) {
            Ok(plan) => plan,
            Err(SkillError::Cancelled) => return Err(Cancelled),
            Err(_) => return nothing(self),
        };
        let Ok(manifest) = manifest(&plan.manifest, text.as_bytes(), palyra) else { return Ok(None) };
        let modules = plan.items.iter().map(|item| ModuleState {
            entry: item.entry.clone(),
            file: item.file.clone(),
            bytes: item.bytes,
            modified: item.file.metadata().and_then(|about| about.modified()).ok(),
        });
        let basis = Basis { manifest, modules: modules.collect() };
        if let Some((_, found)) = self.last.as_ref().filter(|(last, _)| *last == basis) {
            return Ok(Some(found.clone()));
        }
        let mut collected = match plan.read(progress) {
            Ok(collected) => collected,
            Err(SkillError::Cancelled) => return Err(Cancelled),
            Err(_) => return nothing(self),
        };
        collected.manifest = text.as_bytes().to_owned();
        let options = AuditOptions { policy: Policy::default(), feed: None, palyra, now_unix_ms: 0 };
        match audit_folder(folder, &collected, &options, progress) {
            Ok(report) => {
                let found = placed(&report);
                self.last = Some((basis, found.clone()));
                Ok(Some(found))
            }
            Err(FolderError::Cancelled) => Err(Cancelled),
            Err(_) => nothing(self),
        }
    }
}

/// The checks of a daemon's that neither a rule about the manifest nor a finding stands for.
const CHECKS: [&str; 3] = ["wasm_module_presence", "wasm_module_size_limit", "wasm_exported_function_limit"];

/// What an audit found, the loudest first. What the analysis of the manifest says already is left out.
#[must_use]
pub fn placed(report: &Report) -> Vec<Placed> {
    let failed = report.checks.iter().filter(|check| check.status == Status::Fail);
    let checks = failed.filter(|check| CHECKS.contains(&check.check_id.as_str())).map(|check| Placed {
        code: check.check_id.clone(),
        url: None,
        severity: Severity::Error,
        message: check.message.clone(),
        key: None,
    });
    let findings = report.findings.iter().map(|finding| {
        let mut message = match &finding.entry {
            Some(entry) => format!("{entry}: {}", finding.message),
            None => finding.message.clone(),
        };
        if let Some(place) = &finding.manifest {
            message.push_str(&format!(" ({}: {})", quoted(&place.key), place.advice));
        }
        Placed {
            code: finding.rule.code.to_owned(),
            url: Some(finding.rule.url()),
            severity: finding.severity,
            message,
            key: finding.manifest.as_ref().map(|place| place.key.clone()),
        }
    });
    checks.chain(findings).collect()
}
