//! The rules about all modules of a skill together.

use skillyard_manifest::{model::Manifest, quoted, rules::audit as rules};

use super::{
    Affected, Scanned, VulnerabilityScan, few,
    imports::{self, Need},
};
use crate::{Finding, module::PREVIEW1};

pub(super) fn check(
    manifest: &Manifest,
    modules: &[Scanned],
    vulnerabilities: &VulnerabilityScan,
    findings: &mut Vec<Finding>,
) {
    if let Some(path) = &manifest.operator.plugin.default_module_path
        && !modules.iter().any(|module| module.path == *path)
    {
        let there = few(modules.iter().map(|module| module.path.as_str()), modules.len() as u64);
        let message = match modules.len() {
            0 => format!("the default module {} is not there", quoted(path)),
            _ => format!("the default module {} is not there, but {there}", quoted(path)),
        };
        let advice = match modules.first() {
            Some(first) => format!("name a module that is there: {}", quoted(&first.path)),
            None => "add the module".to_owned(),
        };
        findings.push(
            Finding::new(&rules::DEFAULT_MODULE_MISSING, message).see("operator.plugin.default_module_path", advice),
        );
    }
    unused(manifest, modules, findings);
    for affected in &vulnerabilities.matches {
        findings.push(advised(affected));
    }
}

/// Grants that no module can use: said only where all modules were read and nothing in them is unknown.
fn unused(manifest: &Manifest, modules: &[Scanned], findings: &mut Vec<Finding>) {
    let mut needs = Vec::new();
    // A command may be handed its secrets without an import.
    let mut plugins_only = true;
    for module in modules {
        let Some(module) = module.valid() else { return };
        plugins_only &= !module.component;
        for import in &module.imports {
            let need = imports::need(import, module.component);
            // What an interface of a tool's own world gives is not known here.
            if matches!(need, Need::Unknown(_)) || import.module.starts_with("palyra:skill/") {
                return;
            }
            plugins_only &= import.module != PREVIEW1;
            needs.push(need);
        }
    }
    if modules.is_empty() {
        return;
    }
    let used = |wanted: &[Need]| needs.iter().any(|need| wanted.contains(need));
    let capabilities = &manifest.capabilities;
    let files = &[Need::Filesystem, Need::Storage][..];
    let declared = [
        ("http_egress_allowlist", !capabilities.http_egress_allowlist.is_empty(), &[Need::Http][..]),
        ("secrets", plugins_only && !capabilities.secrets.is_empty(), &[Need::Secrets][..]),
        ("filesystem.read_roots", !capabilities.filesystem.read_roots.is_empty(), files),
        ("filesystem.write_roots", !capabilities.filesystem.write_roots.is_empty(), files),
    ];
    for (key, declared, needs) in declared {
        if declared && !used(needs) {
            let message = format!("`capabilities.{key}` is declared, and no module imports anything that could use it");
            let advice = "leave it out until a module uses it";
            findings.push(Finding::new(&rules::UNUSED_CAPABILITY, message).see(format!("capabilities.{key}"), advice));
        }
    }
}

fn advised(affected: &Affected) -> Finding {
    let Affected { id, package, version, .. } = affected;
    let fixed = match &affected.fixed {
        Some(fixed) => format!(": fixed in {fixed}"),
        None => String::new(),
    };
    let about = affected.summary.as_ref().map(|summary| format!(" ({summary})")).unwrap_or_default();
    let mut finding = if affected.counts() {
        Finding::new(&rules::VULNERABLE_DEPENDENCY, format!("{id} is about {package} {version}{about}{fixed}"))
    } else {
        let why = affected.informational.as_deref().unwrap_or("only used for building");
        Finding::new(&rules::ADVISED_DEPENDENCY, format!("{id} is about {package} {version}, {why}{about}{fixed}"))
    };
    finding.entry = Some(affected.module.clone());
    finding
}
