//! What a manifest asks for, as a daemon grants it and binds policy to it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::Manifest;

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

/// The grants of `manifest`.
#[must_use]
pub fn grants<S>(manifest: &Manifest<S>) -> Grants {
    let capabilities = &manifest.capabilities;
    let trimmed = |list: &[String]| sorted(list.iter().map(|s| s.trim().to_owned()));
    Grants {
        http_hosts: trimmed(&capabilities.http_egress_allowlist),
        secret_keys: sorted(
            capabilities.secrets.iter().flat_map(|s| s.key_names.iter().map(|key| format!("{}/{key}", s.scope))),
        ),
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
