//! The audit of a skill's modules while its manifest is edited: made anew only where the manifest comes to mean something
//! else or what lies around it changed, with every finding at a key of the manifest.
//!
//! Nothing is read here, compiled, run or written: [`crate::around`] has looked.

use std::{path::Path, sync::Arc};

use skillyard_artifact::audit::{Policy, Report, Scanned, Status, Subject, audit_scanned};
use skillyard_manifest::{Severity, grammar::Version, model::Manifest, quoted, warnings};

use crate::{around::Around, audit::manifest, files::MANIFEST_NAME};

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

/// What audits of one skill remember.
#[derive(Debug, Default)]
pub struct Live {
    last: Option<Last>,
}

/// An audit: what it rests on, and what it found.
#[derive(Debug)]
struct Last {
    manifest: Box<Manifest>,
    around: Arc<Around>,
    found: Vec<Placed>,
}

impl Live {
    /// Audits the modules of `around` beside the manifest `text`, which need not be what is on the disk, for a daemon of
    /// the version `palyra`. Touches nothing but these.
    ///
    /// Gives the findings, none where there is no module; `None` where the manifest is one that a daemon refuses, so that
    /// they cannot be known. What cannot be collected has no findings here: a build may be half done. Who audits the
    /// folder is told.
    pub fn audit(&mut self, around: &Arc<Around>, text: &str, palyra: Version) -> Option<Vec<Placed>> {
        let readable = around.modules.iter().all(|module| module.scan.is_some());
        if around.modules.is_empty() || !readable {
            self.last = None;
            return Some(Vec::new());
        }
        let manifest = manifest(Path::new(MANIFEST_NAME), text.as_bytes(), palyra).ok()?;
        if let Some(last) = &self.last
            && Arc::ptr_eq(&last.around, around)
            && last.manifest == manifest
        {
            return Some(last.found.clone());
        }
        let policy = Policy::default();
        let modules = around.modules.iter().map(|module| Scanned {
            path: module.entry.clone(),
            bytes: module.bytes,
            module: module.scan.clone().filter(|_| module.bytes <= policy.max_module_bytes),
        });
        let (modules, warnings) = (modules.collect::<Vec<_>>(), warnings(&manifest));
        let subject = Subject {
            manifest: &manifest,
            warnings: &warnings,
            modules: &modules,
            sbom: false,
            provenance: false,
            signature: None,
        };
        let found = placed(&audit_scanned(&subject, &policy, 0, None));
        self.last = Some(Last { manifest, around: Arc::clone(around), found: found.clone() });
        Some(found)
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
