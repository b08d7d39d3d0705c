//! What is told about what a skill asks for: what each thing is granted as, and the policy that it causes.

use skillyard_manifest::{PolicyBinding, grammar, grants, model::Secret, policy_bindings};

use super::{Around, alone};
use crate::{
    asked::Asked,
    prose::{Doc, Line},
    source::Path,
};

impl<'t> Around<'_, '_, 't> {
    /// A host that may be called.
    pub(super) fn host(&self, asked: &Asked, host: &str, doc: &mut Doc) {
        let wild = host.contains('*');
        if wild && !asked.capabilities.wildcard_opt_in.http_egress {
            return refused(host, "it needs `wildcard_opt_in.http_egress`", doc);
        }
        if !wild && !grammar::is_host(host) {
            return refused(host, "it is no bare host name", doc);
        }
        let alone = alone(asked, |alone| alone.capabilities.http_egress_allowlist = vec![host.to_owned()]);
        let granted = grants(&alone).http_hosts;
        doc.paragraph(Line::of("Granted as the HTTP host ").codes(granted.iter().map(String::as_str)).say("."));
        bindings(&policy_bindings(&alone), doc);
        let called = &self.facts.hosts_called;
        if !wild && !called.is_empty() {
            let name = grammar::normalize_host(host);
            doc.say(if called.iter().any(|called| grammar::normalize_host(called) == name) {
                "The tools' last runs called it."
            } else {
                "None of the tools' last runs called it."
            });
        }
        if !wild && self.facts.hosts_named.contains(&grammar::normalize_host(host)) {
            doc.say("The data of a module names it.");
        }
    }

    /// The entry of secrets that holds the key at `path`.
    fn entry(&self, path: &Path<'t>) -> Option<Secret> {
        let table = self.source.table(path)?;
        let scope = table.get("scope").and_then(|field| field.value.as_str()).unwrap_or_default().to_owned();
        let keys = table.get("key_names").and_then(|field| field.value.as_array()).unwrap_or_default();
        let key_names = keys.iter().filter_map(|key| key.as_str().map(str::to_owned)).collect();
        Some(Secret { scope, key_names })
    }

    /// One secret that may be read: an element of `key_names`.
    pub(super) fn secret(&self, asked: &Asked, path: &Path<'t>, key: &str, doc: &mut Doc) {
        let Some(entry) = path.parent().and_then(|path| path.parent()).and_then(|path| self.entry(&path)) else {
            return;
        };
        if key.contains('*') && !asked.capabilities.wildcard_opt_in.secrets {
            return refused(key, "it needs `wildcard_opt_in.secrets`", doc);
        }
        if !key.contains('*') && !grammar::is_identifier(key) {
            return refused(key, "a secret's name has only `a-z 0-9 . _ - :`", doc);
        }
        secrets(asked, Secret { scope: entry.scope.clone(), key_names: vec![key.to_owned()] }, doc);
        let read = &self.facts.secrets_read;
        if !read.is_empty() && !key.contains('*') {
            let known = read.iter().any(|(scope, name)| *scope == entry.scope && name == key);
            doc.say(if known { "The tools' last runs read it." } else { "None of the tools' last runs read it." });
        }
    }

    /// The secrets of the entry that `path` is a key of.
    pub(super) fn secrets_of(&self, asked: &Asked, path: &Path<'t>, doc: &mut Doc) {
        if let Some(path) = path.parent() {
            self.secrets_in(asked, &path, doc);
        }
    }

    /// The secrets of the entry at `path`.
    pub(super) fn secrets_in(&self, asked: &Asked, path: &Path<'t>, doc: &mut Doc) {
        if let Some(entry) = self.entry(path) {
            secrets(asked, entry, doc);
        }
    }
}

/// What secrets of one scope come to.
fn secrets(asked: &Asked, entry: Secret, doc: &mut Doc) {
    if !grammar::is_secret_scope(&entry.scope) {
        return refused(&entry.scope, "a scope is `global`, `principal:<id>`, `channel:<id>` or `skill:<id>`", doc);
    }
    let whose = match entry.scope.trim().split_once(':') {
        None => Line::of("Secrets of everyone."),
        Some(("skill", id)) if id == asked.skill_id => Line::of("Secrets of this skill."),
        Some((kind, id)) => Line::of(&format!("Secrets of the {kind} ")).code(id).say("."),
    };
    let alone = alone(asked, |alone| alone.capabilities.secrets = vec![entry]);
    let granted = grants(&alone).secret_keys;
    doc.paragraph(whose);
    if !granted.is_empty() {
        doc.paragraph(Line::of("Granted as ").codes(granted.iter().map(String::as_str)).say("."));
        bindings(&policy_bindings(&alone), doc);
    }
}

/// A folder below the skill's storage.
pub(super) fn root(asked: &Asked, which: &str, root: &str, doc: &mut Doc) {
    if root.contains('*') && !asked.capabilities.wildcard_opt_in.filesystem {
        return refused(root, "it needs `wildcard_opt_in.filesystem`", doc);
    }
    if grammar::path_fault(root).is_some() {
        return refused(root, "a root is a plain relative path", doc);
    }
    let alone = alone(asked, |alone| match which {
        "write_roots" => alone.capabilities.filesystem.write_roots = vec![root.to_owned()],
        _ => alone.capabilities.filesystem.read_roots = vec![root.to_owned()],
    });
    let granted = grants(&alone).storage_prefixes;
    if granted.is_empty() {
        doc.say("A daemon 0.1.0 grants nothing for it. A run in Skillyard may read there, below the skill's storage.");
    } else {
        doc.paragraph(
            Line::of("Granted as the storage prefix ")
                .codes(granted.iter().map(String::as_str))
                .say(": to read and write there, below the skill's storage."),
        );
    }
    bindings(&policy_bindings(&alone), doc);
}

/// A device or node capability.
pub(super) fn device(asked: &Asked, list: &str, name: &str, doc: &mut Doc) {
    let opt_in = &asked.capabilities.wildcard_opt_in;
    let (flag, on) = if list == "device_capabilities" { ("device", opt_in.device) } else { ("node", opt_in.node) };
    if name.contains('*') && !on {
        return refused(name, &format!("it needs `wildcard_opt_in.{flag}`"), doc);
    }
    if !name.contains('*') && !grammar::is_identifier(name) {
        return refused(name, "a capability's name has only `a-z 0-9 . _ - :`", doc);
    }
    let alone = alone(asked, |alone| match flag {
        "device" => alone.capabilities.device_capabilities = vec![name.to_owned()],
        _ => alone.capabilities.node_capabilities = vec![name.to_owned()],
    });
    doc.say("It grants no handle.");
    bindings(&policy_bindings(&alone), doc);
}

/// All that a skill is granted.
pub(super) fn granted(asked: &Asked, doc: &mut Doc) {
    let lines = grant_lines(asked);
    if lines.is_empty() {
        doc.say("The skill is granted nothing: no network, no secrets, no folders.");
        return;
    }
    doc.say("The skill asks for:");
    doc.list(lines);
    let alone = alone(asked, |alone| alone.capabilities = asked.capabilities.clone());
    bindings(&policy_bindings(&alone), doc);
}

/// What a skill is granted, a line for each kind that there is any of.
pub(super) fn grant_lines(asked: &Asked) -> Vec<Line> {
    let granted = grants(asked);
    let capabilities = &asked.capabilities;
    [
        ("HTTP hosts: ", &granted.http_hosts),
        ("Secrets: ", &granted.secret_keys),
        ("Folders to write: ", &granted.storage_prefixes),
        ("Folders to read: ", &capabilities.filesystem.read_roots),
        ("Devices: ", &capabilities.device_capabilities),
        ("Nodes: ", &capabilities.node_capabilities),
    ]
    .into_iter()
    .filter(|(_, list)| !list.is_empty())
    .map(|(name, list)| Line::of(name).codes(list.iter().map(String::as_str)))
    .collect()
}

/// What one list of `[capabilities]` comes to as a whole.
pub(super) fn all_of(asked: &Asked, key: &str, doc: &mut Doc) {
    let all = &asked.capabilities;
    let one = alone(asked, |one| match key {
        "http_egress_allowlist" => one.capabilities.http_egress_allowlist.clone_from(&all.http_egress_allowlist),
        "secrets" => one.capabilities.secrets.clone_from(&all.secrets),
        "device_capabilities" => one.capabilities.device_capabilities.clone_from(&all.device_capabilities),
        "node_capabilities" => one.capabilities.node_capabilities.clone_from(&all.node_capabilities),
        "filesystem" => one.capabilities.filesystem.clone_from(&all.filesystem),
        "read_roots" => one.capabilities.filesystem.read_roots.clone_from(&all.filesystem.read_roots),
        "write_roots" => one.capabilities.filesystem.write_roots.clone_from(&all.filesystem.write_roots),
        _ => {}
    });
    doc.list(grant_lines(&one));
    bindings(&policy_bindings(&one), doc);
}

/// The values with `*` that an opt-in covers.
pub(super) fn covered(asked: &Asked, flag: &str, doc: &mut Doc) {
    let all = &asked.capabilities;
    let values: Vec<&String> = match flag {
        "filesystem" => all.filesystem.read_roots.iter().chain(&all.filesystem.write_roots).collect(),
        "http_egress" => all.http_egress_allowlist.iter().collect(),
        "secrets" => all.secrets.iter().flat_map(|secret| &secret.key_names).collect(),
        "device" => all.device_capabilities.iter().collect(),
        "node" => all.node_capabilities.iter().collect(),
        _ => return,
    };
    let wild: Vec<&str> = values.into_iter().map(String::as_str).filter(|value| value.contains('*')).collect();
    if wild.is_empty() {
        doc.say("No value in this manifest needs it.");
    } else {
        doc.paragraph(Line::of("It is about ").codes(wild).say("."));
    }
}

fn refused(what: &str, why: &str, doc: &mut Doc) {
    doc.paragraph(Line::of("A daemon refuses ").code(what).say(&format!(": {why}.")));
}

/// What policy decides about, a line each.
pub(super) fn bindings(bindings: &[PolicyBinding], doc: &mut Doc) {
    let line = |binding: &PolicyBinding| {
        let approval = if binding.requires_approval {
            ", which a person approves for each call."
        } else {
            ", without a person's approval."
        };
        Line::of("Policy decides about ").code(&binding.action).say(" on ").code(&binding.resource).say(approval)
    };
    match bindings {
        [] => {}
        [one] => doc.paragraph(line(one)),
        several => doc.list(several.iter().map(line).collect()),
    }
}
