//! What a skill may do, and how that differs from what another version of it may do.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use skillyard_artifact::{
    Cancelled, Finding, Progress, limits::MAX_ENTRY_BYTES, module::scan, update::WIDER, verify::Opened,
};
use skillyard_manifest::{Grants, PolicyBinding, grants, model::Manifest, policy_bindings};

/// Everything that a manifest asks for.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Capabilities {
    /// The skill.
    pub skill_id: String,
    /// Its publisher, as the manifest says.
    pub publisher: String,
    /// Its version, as the manifest says.
    pub version: String,
    /// What a daemon hands to its modules.
    pub grants: Grants,
    /// What policy decides about.
    pub policy_bindings: Vec<PolicyBinding>,
    /// Folders that it asks to read, trimmed and sorted.
    pub read_roots: Vec<String>,
    /// Device capabilities, sorted.
    pub device_capabilities: Vec<String>,
    /// Node capabilities, sorted.
    pub node_capabilities: Vec<String>,
    /// The wildcards that are opted into, sorted: `filesystem`, `http_egress`, `secrets`, `device`, `node`.
    pub wildcards: Vec<&'static str>,
    /// How long and how much.
    pub quotas: Quotas,
    /// What each tool says of its own risk, by tool.
    pub risks: Vec<Risk>,
    /// What its modules import, `module.name`, sorted; `None` where only the manifest was looked at.
    pub imports: Option<Vec<String>>,
}

/// What a tool says of its own risk.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Risk {
    /// The tool.
    pub tool: String,
    /// Whether it is sensitive where nobody says otherwise.
    pub default_sensitive: bool,
    /// Whether each call of it needs an approval.
    pub requires_approval: bool,
}

/// The limits of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Quotas {
    /// Milliseconds.
    pub wall_clock_timeout_ms: u64,
    /// Units of fuel, about one an instruction.
    pub fuel_budget: u64,
    /// Bytes.
    pub max_memory_bytes: u64,
}

/// What became of one thing that a skill asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another value.
    Changed,
}

/// One difference.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Change {
    /// What became of it.
    pub change: How,
    /// The kind of thing: `http_host`, `secret_key`, `storage_prefix`, `channel`, `read_root`, `device_capability`,
    /// `node_capability`, `wildcard`, `policy_binding`, `risk`, `quota`, `import`, `skill_id` or `publisher`.
    pub kind: &'static str,
    /// Which one.
    pub name: String,
    /// Its value before, for what changed.
    pub before: Option<String>,
    /// Its value now, for what changed.
    pub after: Option<String>,
    /// Whether the skill may do more by it, or is another's.
    pub widens: bool,
}

impl Capabilities {
    /// What `manifest` asks for.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        let asked = &manifest.capabilities;
        let sorted = |list: &[String]| -> Vec<String> {
            list.iter().map(|item| item.trim().to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let opted = &asked.wildcard_opt_in;
        let wildcards = [
            ("device", opted.device),
            ("filesystem", opted.filesystem),
            ("http_egress", opted.http_egress),
            ("node", opted.node),
            ("secrets", opted.secrets),
        ];
        Self {
            skill_id: manifest.skill_id.clone(),
            publisher: manifest.publisher.clone(),
            version: manifest.version.clone(),
            grants: grants(manifest),
            policy_bindings: policy_bindings(manifest),
            read_roots: sorted(&asked.filesystem.read_roots),
            device_capabilities: sorted(&asked.device_capabilities),
            node_capabilities: sorted(&asked.node_capabilities),
            wildcards: wildcards.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect(),
            quotas: Quotas {
                wall_clock_timeout_ms: asked.quotas.wall_clock_timeout_ms,
                fuel_budget: asked.quotas.fuel_budget,
                max_memory_bytes: asked.quotas.max_memory_bytes,
            },
            risks: manifest
                .entrypoints
                .tools
                .iter()
                .map(|tool| Risk {
                    tool: tool.id.clone(),
                    default_sensitive: tool.risk.default_sensitive,
                    requires_approval: tool.risk.requires_approval,
                })
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            imports: None,
        }
    }

    /// The same with what the modules import.
    #[must_use]
    pub fn with_imports(mut self, imports: Vec<String>) -> Self {
        self.imports = Some(imports);
        self
    }

    /// A version of the same skill that may do nothing.
    #[must_use]
    pub fn nothing(&self) -> Self {
        Self {
            skill_id: self.skill_id.clone(),
            publisher: self.publisher.clone(),
            version: String::new(),
            grants: Grants {
                http_hosts: Vec::new(),
                secret_keys: Vec::new(),
                storage_prefixes: Vec::new(),
                channels: Vec::new(),
            },
            policy_bindings: Vec::new(),
            read_roots: Vec::new(),
            device_capabilities: Vec::new(),
            node_capabilities: Vec::new(),
            wildcards: Vec::new(),
            quotas: Quotas { wall_clock_timeout_ms: 0, fuel_budget: 0, max_memory_bytes: 0 },
            risks: Vec::new(),
            imports: Some(Vec::new()),
        }
    }

    /// What differs from `old`, sorted. Everything that was added widens, even where something old may cover it: whether
    /// it does is a daemon's matter of matching, and a person decides on what is written.
    #[must_use]
    pub fn against(&self, old: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut lists = |kind, old: &[String], new: &[String]| compare(&mut changes, kind, old, new);
        lists("http_host", &old.grants.http_hosts, &self.grants.http_hosts);
        lists("secret_key", &old.grants.secret_keys, &self.grants.secret_keys);
        lists("storage_prefix", &old.grants.storage_prefixes, &self.grants.storage_prefixes);
        lists("channel", &old.grants.channels, &self.grants.channels);
        lists("read_root", &old.read_roots, &self.read_roots);
        lists("device_capability", &old.device_capabilities, &self.device_capabilities);
        lists("node_capability", &old.node_capabilities, &self.node_capabilities);
        let owned = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        lists("wildcard", &owned(&old.wildcards), &owned(&self.wildcards));
        if let (Some(old), Some(new)) = (&old.imports, &self.imports) {
            compare(&mut changes, "import", old, new);
        }
        bindings(&mut changes, &old.policy_bindings, &self.policy_bindings);
        risks(&mut changes, &old.risks, &self.risks);
        let quotas = |of: &Quotas| {
            [
                ("wall_clock_timeout_ms", of.wall_clock_timeout_ms),
                ("fuel_budget", of.fuel_budget),
                ("max_memory_bytes", of.max_memory_bytes),
            ]
        };
        for ((name, before), (_, after)) in quotas(&old.quotas).into_iter().zip(quotas(&self.quotas)) {
            if before != after {
                changes.push(changed("quota", name, &before.to_string(), &after.to_string(), after > before));
            }
        }
        for (kind, before, after) in
            [("skill_id", &old.skill_id, &self.skill_id), ("publisher", &old.publisher, &self.publisher)]
        {
            if before != after {
                changes.push(changed(kind, kind, before, after, true));
            }
        }
        changes.sort();
        changes
    }
}

impl Change {
    /// The change in words: what, and from what to what.
    #[must_use]
    pub fn words(&self) -> String {
        let value = match (&self.before, &self.after) {
            (Some(before), Some(after)) => format!(": {before} → {after}"),
            (None, Some(after)) => format!(" ({after})"),
            _ => String::new(),
        };
        format!("{} {}{value}", self.kind.replace('_', " "), self.name)
    }
}

/// What widens among `changes`, as findings.
#[must_use]
pub fn findings(changes: &[Change], old: &Capabilities) -> Vec<Finding> {
    let wider = changes.iter().filter(|change| change.widens);
    let message = |change: &Change| {
        let how = if change.change == How::Changed { "changed" } else { "new" };
        format!("{how} since {} {}: {}", old.skill_id, old.version, skillyard_manifest::plain(&change.words()))
    };
    wider.map(|change| Finding::new(&WIDER, message(change))).collect()
}

/// What the modules of an opened artifact import, sorted.
///
/// # Errors
/// Only if `progress` ends it.
pub fn imports_of_artifact(opened: &Opened<'_>, progress: &dyn Progress) -> Result<Vec<String>, Cancelled> {
    let entries = opened.content.entries();
    let mut imports = BTreeSet::new();
    for (_, entry) in entries.iter().filter(|(path, _)| path.is_module()) {
        // What was listed was inflated once and does so again.
        if let Ok(content) = entries.content(entry, MAX_ENTRY_BYTES) {
            imports_of(&content, &mut imports, progress)?;
        }
    }
    Ok(imports.into_iter().collect())
}

/// What the modules import, sorted.
///
/// # Errors
/// Only if `progress` ends it.
pub fn imports_of_modules<'m>(
    modules: impl IntoIterator<Item = &'m [u8]>,
    progress: &dyn Progress,
) -> Result<Vec<String>, Cancelled> {
    let mut imports = BTreeSet::new();
    for module in modules {
        imports_of(module, &mut imports, progress)?;
    }
    Ok(imports.into_iter().collect())
}

fn imports_of(module: &[u8], imports: &mut BTreeSet<String>, progress: &dyn Progress) -> Result<(), Cancelled> {
    let module = scan(module, progress)?;
    let listed = module.imports.len() as u64;
    imports.extend(module.imports.into_iter().map(|import| match import.module.as_str() {
        "" => import.name,
        from => format!("{from}.{}", import.name),
    }));
    // A list of so many is cut; that there are more is a difference too.
    if module.import_count > listed {
        imports.insert(format!("({} more)", module.import_count - listed));
    }
    Ok(())
}

/// A tool that says something else of its own risk than before is one that a person looks at: with a mark less it is asked
/// about less, and one that calls itself sensitive now does what it did not say before. A new tool is a binding of its own.
fn risks(changes: &mut Vec<Change>, old: &[Risk], new: &[Risk]) {
    for now in new {
        let Some(before) = old.iter().find(|before| before.tool == now.tool) else { continue };
        for (flag, before, now_is) in [
            ("default_sensitive", before.default_sensitive, now.default_sensitive),
            ("requires_approval", before.requires_approval, now.requires_approval),
        ] {
            if before != now_is {
                let name = format!("{flag} of {}", now.tool);
                // An approval that is asked for now is none that was given before.
                let widens = flag == "default_sensitive" || before;
                changes.push(changed("risk", &name, &before.to_string(), &now_is.to_string(), widens));
            }
        }
    }
}

fn compare(changes: &mut Vec<Change>, kind: &'static str, old: &[String], new: &[String]) {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (old.iter().collect(), new.iter().collect());
    let one = |change, name: &&String, widens| Change {
        change,
        kind,
        name: (*name).clone(),
        before: None,
        after: None,
        widens,
    };
    changes.extend(new.difference(&old).map(|name| one(How::Added, name, true)));
    changes.extend(old.difference(&new).map(|name| one(How::Removed, name, false)));
}

fn changed(kind: &'static str, name: &str, before: &str, after: &str, widens: bool) -> Change {
    let text = |text: &str| Some(text.to_owned());
    Change { change: How::Changed, kind, name: name.to_owned(), before: text(before), after: text(after), widens }
}

/// A binding is an action on a resource; losing the approval of it widens. Of repeated ones the laxest counts.
fn bindings(changes: &mut Vec<Change>, old: &[PolicyBinding], new: &[PolicyBinding]) {
    let by_name = |list: &[PolicyBinding]| {
        let mut map: BTreeMap<String, bool> = BTreeMap::new();
        for binding in list {
            let approved = map.entry(format!("{} on {}", binding.action, binding.resource)).or_insert(true);
            *approved &= binding.requires_approval;
        }
        map
    };
    let (old, new) = (by_name(old), by_name(new));
    let words = |approved: bool| if approved { "needs approval" } else { "without approval" };
    for (name, approved) in &new {
        match old.get(name) {
            None => changes.push(Change {
                change: How::Added,
                kind: "policy_binding",
                name: name.clone(),
                before: None,
                after: Some(words(*approved).to_owned()),
                widens: true,
            }),
            Some(before) if before != approved => {
                changes.push(changed("policy_binding", name, words(*before), words(*approved), *before));
            }
            Some(_) => {}
        }
    }
    for (name, approved) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        changes.push(Change {
            change: How::Removed,
            kind: "policy_binding",
            name: name.clone(),
            before: Some(words(*approved).to_owned()),
            after: None,
            widens: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"
skill_id = "acme.x"
name = "X"
version = "1.0.0"
publisher = "acme"
[[entrypoints.tools]]
id = "acme.read"
name = "Read"
description = "Reads."
input_schema = {}
output_schema = {}
risk = { requires_approval = true }
[capabilities]
http_egress_allowlist = ["b.example", "a.example"]
device_capabilities = []
secrets = [{ scope = "skill:acme.x", key_names = ["token"] }]
[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"
"#;

    fn of(text: &str) -> Capabilities {
        Capabilities::of(&toml::from_str(text).unwrap())
    }

    fn changes(from: &str, to: &str) -> Vec<(How, &'static str, String, bool)> {
        let new = BASE.replace(from, to);
        assert_ne!(new, BASE);
        let changes = of(&new).against(&of(BASE)).into_iter();
        changes.map(|change| (change.change, change.kind, change.name, change.widens)).collect()
    }

    #[test]
    fn the_same_is_no_change() {
        assert_eq!(of(BASE).against(&of(BASE)), []);
        assert_eq!(changes("[\"b.example\", \"a.example\"]", "[\" a.example\", \"b.example\", \"b.example\"]"), []);
        assert_eq!(changes("\"1.0.0\"", "\"2.0.0\""), []);
    }

    #[test]
    fn what_is_added_widens_and_what_goes_does_not() {
        let name = |name: &str| name.to_owned();
        assert_eq!(
            changes("\"b.example\"", "\"c.example\""),
            [(How::Added, "http_host", name("c.example"), true), (How::Removed, "http_host", name("b.example"), false),]
        );
        assert_eq!(
            changes("\"token\"", "\"token\", \"more\""),
            [(How::Added, "secret_key", name("skill:acme.x/more"), true)]
        );
        assert_eq!(
            changes("device_capabilities = []", "device_capabilities = [\"camera\"]"),
            [
                (How::Added, "device_capability", name("camera"), true),
                (How::Added, "policy_binding", name("skill.capability.device.use on skill:acme.x"), true),
            ]
        );
        assert_eq!(
            changes("[compat]", "[capabilities.wildcard_opt_in]\nhttp_egress = true\n[compat]"),
            [(How::Added, "wildcard", name("http_egress"), true)]
        );
        assert_eq!(
            changes("[compat]", "[capabilities.filesystem]\nread_roots = [\"data\"]\n[compat]"),
            [(How::Added, "read_root", name("data"), true)]
        );
    }

    #[test]
    fn approval_and_quotas_count() {
        let read = || "tool.execute on tool:acme.read".to_owned();
        assert_eq!(
            changes("requires_approval = true", "requires_approval = false"),
            [
                (How::Changed, "policy_binding", read(), true),
                (How::Changed, "risk", "requires_approval of acme.read".to_owned(), true),
            ]
        );
        assert_eq!(
            changes("requires_approval = true", "requires_approval = true, default_sensitive = true"),
            [(How::Changed, "risk", "default_sensitive of acme.read".to_owned(), true)]
        );
        assert_eq!(changes("id = \"acme.read\"", "id = \"acme.write\"").len(), 2);
        let quota =
            |value: &str| changes("[compat]", &format!("[capabilities.quotas]\nfuel_budget = {value}\n[compat]"));
        assert_eq!(quota("10000001"), [(How::Changed, "quota", "fuel_budget".to_owned(), true)]);
        assert_eq!(quota("9999999"), [(How::Changed, "quota", "fuel_budget".to_owned(), false)]);
        assert_eq!(quota("10000000"), []);
    }

    #[test]
    fn imports_count_where_both_are_known() {
        let base = || of(BASE);
        let with = |names: &[&str]| base().with_imports(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(with(&["a.b"]).against(&base()), []);
        assert_eq!(base().against(&with(&["a.b"])), []);
        let found = with(&["a.b", "c.d"]).against(&with(&["a.b", "e.f"]));
        let found: Vec<_> = found.into_iter().map(|change| (change.kind, change.name, change.widens)).collect();
        assert_eq!(found, [("import", "c.d".to_owned(), true), ("import", "e.f".to_owned(), false)]);
        // Against nothing all of it is more.
        assert!(with(&["a.b"]).against(&base().nothing()).iter().all(|change| change.widens));
    }

    #[test]
    fn another_publisher_is_another_skill() {
        assert_eq!(
            changes("publisher = \"acme\"", "publisher = \"acne\""),
            [(How::Changed, "publisher", "publisher".to_owned(), true)]
        );
    }
}
