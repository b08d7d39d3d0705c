//! A daemon's own checks: the same ids, order and outcomes, in words of our own.

use serde_json::json;
use skillyard_manifest::{Warning, plain, quoted};

use super::{Check, FEED, Policy, Scanned, Status, Subject, VulnerabilityScan};
use crate::module::Module;

pub(super) fn checks(
    subject: &Subject<'_, Scanned>,
    policy: &Policy,
    vulnerabilities: &VulnerabilityScan,
) -> Vec<Check> {
    let mut checks = vec![signature(subject)];
    checks.push(presence("sbom_presence", "an SBOM", subject.sbom, subject));
    checks.push(presence("provenance_presence", "a provenance document", subject.provenance, subject));
    manifest(subject, policy, &mut checks);

    let count = subject.modules.len();
    let (status, message) = match count {
        0 => (Status::Fail, "there is no module".to_owned()),
        1 => (Status::Pass, "there is one module".to_owned()),
        count => (Status::Pass, format!("there are {count} modules")),
    };
    checks.push(Check::new("wasm_module_presence", status, message, json!({ "modules": count })));
    for scanned in subject.modules {
        module(subject, policy, scanned, &mut checks);
    }
    checks.push(feed(vulnerabilities));
    checks
}

fn signature(subject: &Subject<'_, Scanned>) -> Check {
    let (status, message) = match &subject.signature {
        Some(facts) if facts.accepted => (Status::Pass, "signature, hashes and trust hold"),
        Some(_) => (Status::Fail, "verification refused the artifact"),
        None => (Status::Skipped, "not signed yet: packaging signs it"),
    };
    let hash = subject.signature.as_ref().map(|facts| &facts.payload_sha256);
    Check::new("signature_validity", status, message, json!({ "payload_sha256": hash }))
}

fn presence(id: &str, what: &str, there: bool, subject: &Subject<'_, Scanned>) -> Check {
    let (status, message) = match (there, &subject.signature) {
        (true, _) => (Status::Pass, format!("{what} is there")),
        (false, None) => (Status::Skipped, format!("packaging makes {what}, unless one is given")),
        (false, Some(_)) => (Status::Fail, format!("{what} is missing")),
    };
    Check::new(id, status, message, json!({}))
}

fn manifest(subject: &Subject<'_, Scanned>, policy: &Policy, checks: &mut Vec<Check>) {
    let capabilities = &subject.manifest.capabilities;
    checks.push(Check::new("manifest_sanity", Status::Pass, "the manifest validates", json!({})));
    for warning in subject.warnings {
        let code = code_of(*warning);
        let message = format!("the manifest brings a daemon's warning `{code}`");
        checks.push(Check::new(format!("manifest_warning:{code}"), Status::Warn, message, json!({})));
    }

    let filesystem = &capabilities.filesystem;
    let (read, write) = (filesystem.read_roots.len(), filesystem.write_roots.len());
    checks.push(Check::new(
        "manifest_filesystem_scopes",
        Status::Pass,
        format!("folders asked for: {read} to read, {write} to write"),
        json!({ "read_roots": shown(&filesystem.read_roots), "write_roots": shown(&filesystem.write_roots) }),
    ));
    let hosts = &capabilities.http_egress_allowlist;
    checks.push(Check::new(
        "manifest_http_egress_scopes",
        Status::Pass,
        format!("hosts asked for: {}", hosts.len()),
        json!({ "http_egress_allowlist": shown(hosts) }),
    ));
    let keys = capabilities.secrets.iter().map(|secret| secret.key_names.len()).sum::<usize>();
    let names = capabilities
        .secrets
        .iter()
        .flat_map(|secret| secret.key_names.iter().map(|key| format!("{}/{key}", secret.scope)));
    checks.push(Check::new(
        "manifest_secret_scopes",
        Status::Pass,
        format!("secrets asked for: {keys}"),
        json!({ "secrets": shown(&names.take(SHOWN).collect::<Vec<_>>()) }),
    ));

    let devices = capabilities.device_capabilities.len();
    let (status, message) = match (devices, policy.allow_device_capabilities) {
        (0, _) => (Status::Pass, "no device capability is asked for".to_owned()),
        (devices, true) => (Status::Pass, format!("{devices} device capabilities, which the policy allows")),
        (devices, false) => {
            (Status::Fail, format!("{devices} device capabilities are asked for, and the policy allows none"))
        }
    };
    let details = json!({ "device_capabilities": shown(&capabilities.device_capabilities) });
    checks.push(Check::new("forbidden_device_capabilities", status, message, details));

    let opt_in = &capabilities.wildcard_opt_in;
    let flags = [
        ("filesystem", opt_in.filesystem),
        ("http_egress", opt_in.http_egress),
        ("secrets", opt_in.secrets),
        ("device", opt_in.device),
        ("node", opt_in.node),
    ];
    let on: Vec<&str> = flags.into_iter().filter_map(|(name, on)| on.then_some(name)).collect();
    let (status, message) = match (on.is_empty(), policy.allow_wildcard_capabilities) {
        (true, _) => (Status::Pass, "no wildcard is opted in to".to_owned()),
        (false, true) => (Status::Pass, format!("wildcards for {}, which the policy allows", on.join(", "))),
        (false, false) => {
            (Status::Fail, format!("wildcards for {} are opted in to, and the policy allows none", on.join(", ")))
        }
    };
    checks.push(Check::new("forbidden_wildcard_capabilities", status, message, json!({ "wildcard_opt_in": on })));
}

/// The name of a warning in every report.
fn code_of(warning: Warning) -> &'static str {
    match warning {
        Warning::LegacyManifestVersion => "legacy_manifest_version",
        Warning::MissingOperatorMetadata => "missing_operator_metadata",
        Warning::MissingOperatorDisplayName => "missing_operator_display_name",
        Warning::EmptyOperatorConfigContract => "empty_operator_config_contract",
        Warning::OperatorConfigRedactionRecommended => "operator_config_redaction_recommended",
    }
}

fn module(subject: &Subject<'_, Scanned>, policy: &Policy, scanned: &Scanned, checks: &mut Vec<Check>) {
    let (path, name, bytes) = (plain(&scanned.path), quoted(&scanned.path), scanned.bytes);
    let limit = policy.max_module_bytes;
    let Some(module) = &scanned.module else {
        let message =
            format!("{name} has {bytes} bytes, more than the {limit} that the policy allows; it was not read");
        let details = json!({ "module": path, "bytes": bytes, "limit": limit });
        checks.push(Check::new("wasm_module_size_limit", Status::Fail, message, details));
        return;
    };
    // A daemon says nothing else of a module that it cannot load.
    if let Some(why) = refusal(module) {
        let message = format!("{name} is no module that a daemon loads: {why}");
        checks.push(Check::new(super::VALIDATION, Status::Fail, message, json!({ "module": path })));
        return;
    }
    let details = json!({ "module": path, "bytes": bytes, "limit": limit });
    let message = format!("{name} has {bytes} of at most {limit} bytes");
    checks.push(Check::new("wasm_module_size_limit", Status::Pass, message, details));

    let (functions, limit) = (module.function_exports, policy.max_exported_functions);
    let (status, message) = if functions > limit {
        (Status::Fail, format!("{name} exports {functions} functions, more than the {limit} that the policy allows"))
    } else {
        (Status::Pass, format!("{name} exports {functions} of at most {limit} functions"))
    };
    let details = json!({ "module": path, "exported_functions": functions, "limit": limit });
    checks.push(Check::new("wasm_exported_function_limit", status, message, details));

    let filesystem = &subject.manifest.capabilities.filesystem;
    let granted = !filesystem.read_roots.is_empty() || !filesystem.write_roots.is_empty();
    let imports = module.imports.iter().filter(|import| import.module.starts_with("wasi:filesystem")).count();
    let (status, message) = match (imports, granted) {
        (0, _) => (Status::Pass, format!("{name} imports nothing of wasi:filesystem")),
        (imports, true) => (
            Status::Pass,
            format!("{name} has {imports} imports of wasi:filesystem, and the manifest declares folders"),
        ),
        (imports, false) => (
            Status::Fail,
            format!("{name} has {imports} imports of wasi:filesystem, and the manifest declares no folder"),
        ),
    };
    let details = json!({ "module": path, "imports": imports });
    checks.push(Check::new("wasm_wasi_filesystem_imports", status, message, details));
}

/// Why a daemon cannot load a module.
fn refusal(module: &Module) -> Option<String> {
    match &module.fault {
        Some(fault) => Some(plain(&fault.message)),
        None if module.component => Some("it is a component, and a daemon 0.1.0 loads core modules only".to_owned()),
        None => None,
    }
}

fn feed(scan: &VulnerabilityScan) -> Check {
    let vulnerable = scan.vulnerable;
    let (status, message) = match scan.advisories {
        None => (Status::Warn, "no advisories are configured: known vulnerabilities were not looked for".to_owned()),
        Some(_) if vulnerable > 0 => {
            (Status::Fail, format!("{vulnerable} known vulnerabilities in the modules' packages"))
        }
        Some(advisories) => {
            let packages = scan.packages;
            (Status::Pass, format!("none of {advisories} advisories is about one of the {packages} packages"))
        }
    };
    let details = json!({ "advisories": scan.advisories, "packages": scan.packages, "vulnerable": vulnerable });
    Check::new(FEED, status, message, details)
}

/// The most names in the details of a check.
const SHOWN: usize = 100;

/// Names for the details, escaped.
fn shown(names: &[String]) -> Vec<String> {
    names.iter().take(SHOWN).map(|name| plain(name)).collect()
}
