//! What a manifest asks for, as a daemon grants it and binds policy to it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::Manifest;

/// The most bytes that the names of all secrets come to, each `scope/key`: a scope is repeated with each of its keys, so
/// that a file of megabytes could ask for names of gigabytes.
pub const MAX_SECRET_NAMES: usize = 1 << 20;

/// The handles that a daemon hands to a module. Every list is sorted and without repeats.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Grants {
    /// Hosts for HTTP, trimmed.
    pub http_hosts: Vec<String>,
    /// Secrets, each `scope/key`.
    pub secret_keys: Vec<String>,
    /// Folders that may be written, trimmed. `read_roots` grant nothing in a daemon 0.1.0.
    pub storage_prefixes: Vec<String>,
    /// Channels: no manifest key grants any.
    pub channels: Vec<String>,
}

/// One thing that policy decides about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct PolicyBinding {
    /// The action, such as `tool.execute`.
    pub action: String,
    /// What it acts on, such as `tool:acme.echo`.
    pub resource: String,
    /// Whether a person must approve each call.
    pub requires_approval: bool,
}

/// Whether the names of all secrets of `manifest` come to at most [`MAX_SECRET_NAMES`].
#[must_use]
pub fn secrets_fit<S>(manifest: &Manifest<S>) -> bool {
    let all: usize = manifest.capabilities.secrets.iter().map(|secret| secret.key_names.len()).sum();
    secret_keys(manifest).count() == all
}

/// Each `scope/key`, as long as they fit.
fn secret_keys<S>(manifest: &Manifest<S>) -> impl Iterator<Item = (&str, &str)> {
    let secrets = manifest.capabilities.secrets.iter();
    let all = secrets.flat_map(|secret| secret.key_names.iter().map(|key| (secret.scope.as_str(), key.as_str())));
    all.scan(0_usize, |bytes, (scope, key)| {
        *bytes = bytes.saturating_add(scope.len()).saturating_add(1).saturating_add(key.len());
        (*bytes <= MAX_SECRET_NAMES).then_some((scope, key))
    })
}

/// The grants of `manifest`. Of secrets that do not [fit](secrets_fit), only the first.
#[must_use]
pub fn grants<S>(manifest: &Manifest<S>) -> Grants {
    let capabilities = &manifest.capabilities;
    let trimmed = |list: &[String]| sorted(list.iter().map(|s| s.trim().to_owned()));
    Grants {
        http_hosts: trimmed(&capabilities.http_egress_allowlist),
        secret_keys: sorted(secret_keys(manifest).map(|(scope, key)| format!("{scope}/{key}"))),
        storage_prefixes: trimmed(&capabilities.filesystem.write_roots),
        channels: Vec::new(),
    }
}

/// The policy bindings of `manifest`, sorted and without repeats.
#[must_use]
pub fn policy_bindings<S>(manifest: &Manifest<S>) -> Vec<PolicyBinding> {
    let capabilities = &manifest.capabilities;
    let tools = manifest.entrypoints.tools.iter().map(|tool| PolicyBinding {
        action: "tool.execute".to_owned(),
        resource: format!("tool:{}", tool.id),
        requires_approval: tool.risk.default_sensitive || tool.risk.requires_approval,
    });
    let asked = [
        ("skill.capability.http.egress", !capabilities.http_egress_allowlist.is_empty()),
        ("skill.capability.filesystem.write", !capabilities.filesystem.write_roots.is_empty()),
        ("skill.capability.vault.read", !capabilities.secrets.is_empty()),
        (
            "skill.capability.device.use",
            !capabilities.device_capabilities.is_empty() || !capabilities.node_capabilities.is_empty(),
        ),
    ];
    let skill = asked.into_iter().filter(|(_, asked)| *asked).map(|(action, _)| PolicyBinding {
        action: action.to_owned(),
        resource: format!("skill:{}", manifest.skill_id),
        requires_approval: true,
    });
    sorted(tools.chain(skill))
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<BTreeSet<_>>().into_iter().collect()
}
