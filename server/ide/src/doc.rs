//! What is told about a key, a table, a keyword of JSON Schema, a rule, a tool and a module: the same in a hover and
//! beside a completion.

use std::ptr;

use skillyard_manifest::{
    Daemon,
    rules::{self, Rule},
    shape::{KeyShape, ROOT, TableShape, Type},
};

use crate::{
    facts::ModuleFact,
    keywords::{self, Keyword, Usage, Word},
    prose::{Doc, Line},
    units::{self, Unit},
};

/// Everything about a key: its type, whether it must be there, its default, meaning, limits, and what a daemon does.
#[must_use]
pub fn key_doc(shape: &'static TableShape, key: &'static KeyShape) -> Doc {
    let mut doc = key_intro(shape, key);
    doc.append(key_rest(shape, key));
    doc
}

/// What [`key_doc`] says behind [`key_intro`].
pub(crate) fn key_rest(shape: &'static TableShape, key: &'static KeyShape) -> Doc {
    let mut doc = Doc::default();
    if let Some(effect) = effect(shape, key) {
        doc.say(effect);
    }
    if let Some(alias) = key.alias {
        doc.paragraph(
            Line::of("Deprecated name: ")
                .code(alias)
                .say(". A daemon refuses the two together: ")
                .rule("fields/alias-and-key"),
        );
    }
    let (refused, warned): (Vec<_>, Vec<_>) =
        rules_of(shape, key).into_iter().partition(|rule| rule.daemon == Daemon::Rejects);
    for (said, rules) in [("A daemon refuses:", refused), ("A daemon's report warns:", warned)] {
        if !rules.is_empty() {
            doc.say(said);
            doc.list(rules.into_iter().map(told).collect());
        }
    }
    if let Type::Table(inner) | Type::Tables(inner) | Type::Map(inner) = key.ty {
        doc.append(keys_of(inner));
    }
    if !key.example.is_empty() {
        doc.toml(format!("{} = {}", key.name, key.example));
    }
    doc
}

/// The first lines about a key: where it belongs, its type, whether it must be there, and what it means.
#[must_use]
pub fn key_intro(shape: &'static TableShape, key: &'static KeyShape) -> Doc {
    let mut doc = Doc::default();
    doc.title(match heading(shape) {
        Some(heading) => Line::default().code(key.name).say(" in ").code(&heading),
        None => Line::default().code(key.name).say(" at the top level"),
    });
    doc.paragraph(type_line(key));
    doc.say(key.doc);
    doc
}

/// What a key is that the author names, in the table at `table`.
pub(crate) fn named_intro(name: &str, table: &str, key: &'static KeyShape) -> Doc {
    let mut doc = Doc::default();
    doc.title(Line::default().code(name).say(" in ").code(&format!("[{table}]")));
    doc.paragraph(type_line(key));
    doc.say(key.doc);
    doc
}

/// What a table is for, and its keys.
#[must_use]
pub fn table_doc(shape: &'static TableShape) -> Doc {
    let mut doc = Doc::default();
    if let Some(heading) = heading(shape) {
        doc.title(Line::default().code(&heading));
    }
    doc.say(shape.doc);
    doc.append(keys_of(shape));
    doc
}

/// Everything about a keyword of JSON Schema.
#[must_use]
pub fn keyword_doc(keyword: &'static Keyword) -> Doc {
    let mut doc = Doc::default();
    doc.title(Line::default().code(keyword.name).say(" in a JSON Schema"));
    doc.say(&format!(
        "{}{}",
        capital(keyword.takes.name()),
        if keyword.usage == Usage::Old { ", not of draft 2020-12." } else { "." }
    ));
    doc.say(keyword.doc);
    let words = keywords::words(keyword);
    if keyword.name != "format" {
        doc.list(words.iter().map(|word| Line::default().code(word.name).say(": ").say(word.doc)).collect());
    }
    doc
}

/// What a type of JSON Schema is.
#[must_use]
pub fn type_doc(ty: &'static Word) -> Doc {
    let mut doc = Doc::default();
    doc.title(Line::default().code(ty.name).say(" in a JSON Schema"));
    doc.say(&format!("The value is {}.", ty.doc));
    doc
}

/// What one of the fixed strings behind a key means.
#[must_use]
pub fn value_doc(shape: &TableShape, key: &KeyShape, value: &str) -> Doc {
    let mut doc = Doc::default();
    doc.paragraph(Line::default().code(value).say(": ").say(meaning(shape, value)));
    doc.say(key.doc);
    doc
}

/// A tool by its own words. What is empty is left out.
pub(crate) fn tool_intro(id: &str, name: &str, description: &str) -> Doc {
    let mut doc = Doc::default();
    if !id.is_empty() {
        let title = Line::of("Tool ").code(id);
        doc.title(if name.trim().is_empty() { title } else { title.say(": ").words(name) });
    }
    if !description.trim().is_empty() {
        doc.paragraph(Line::default().words(description.trim()));
    }
    doc
}

/// A module with what it exports.
pub(crate) fn module_doc(module: &ModuleFact) -> Doc {
    let mut doc = Doc::default();
    doc.paragraph(module_line(module));
    if !module.exports.is_empty() {
        doc.paragraph(Line::of("It exports ").codes(module.exports.iter().map(String::as_str)).say("."));
    }
    doc
}

/// `modules/tool.wasm`: palyra plug-in, 12.5 KiB.
pub(crate) fn module_line(module: &ModuleFact) -> Line {
    let kind = module.kind.as_deref().unwrap_or("no kind of tool that runs");
    Line::of("Module: ").code(&module.path).say(", ").words(kind).say(&format!(", {}", units::size(module.bytes)))
}

/// [`rule_doc`] with the examples of the rule's page.
pub(crate) fn rule_page(rule: &'static Rule) -> Doc {
    let mut doc = rule_doc(rule);
    doc.say(&format!("Its severity is {}.", rule.severity.name()));
    for (said, example) in [("Wrong:", rule.bad), ("Right:", rule.good)] {
        if !example.is_empty() {
            doc.say(said);
            doc.toml(example);
        }
    }
    doc
}

/// What a rule is about, with the address of its page.
#[must_use]
pub fn rule_doc(rule: &'static Rule) -> Doc {
    let mut doc = Doc::default();
    doc.title(Line::default().code(rule.code));
    doc.say(&format!("{}.", rule.summary));
    let about_text = rules::is_about_text(rule);
    doc.say(match rule.daemon {
        Daemon::Rejects if !about_text => "A daemon's audit fails for it, so that no comment can allow it.",
        _ if !about_text && rule.least().is_some() => "An artifact is refused for it, so that no comment can allow it.",
        _ if !about_text => "A daemon says nothing of it.",
        Daemon::Rejects => "A daemon refuses the manifest, so that no comment can allow it.",
        Daemon::Warns => "A daemon takes the manifest with a warning.",
        Daemon::Silent => "A daemon takes the manifest without a word.",
    });
    doc.say(rule.details);
    doc.paragraph(Line::default().link("The page of the rule", rule.url()));
    doc
}

/// What a fixed string means.
fn meaning(shape: &TableShape, value: &str) -> &'static str {
    match (shape.path, value) {
        ("operator.config.properties.*", "string") => "text, or one of `enum_values`.",
        ("operator.config.properties.*", "integer") => "a whole number.",
        ("operator.config.properties.*", "number") => "any number.",
        ("operator.config.properties.*", "boolean") => "true or false.",
        ("operator.config.properties.*", "string_list") => "a list of texts.",
        ("operator.plugin.contracts[]", "memory_provider") => "keeps and finds memories.",
        ("operator.plugin.contracts[]", "context_engine") => "puts together what a model is given.",
        ("operator.plugin.contracts[]", "routing_strategy") => "chooses where a request goes.",
        ("operator.plugin.contracts[]", "run_lifecycle_hook") => "is called as runs begin and end.",
        ("operator.plugin.contracts[]", "compaction_provider") => "shortens what has grown long.",
        ("operator.plugin.contracts[]", "diagnostics_provider") => "tells how things stand.",
        ("operator.plugin.contracts[]", "policy_signal_provider") => "tells policy what it decides by.",
        ("operator.plugin.contracts[]", "channel_binding_provider") => "binds channels.",
        ("operator.plugin.contracts[]", "delivery_adapter") => "delivers messages.",
        ("operator.plugin.contracts[]", "scheduler_task_provider") => "gives the scheduler tasks.",
        ("operator.plugin.contracts[]", "model_auth_provider") => "gives access to models.",
        ("operator.plugin.contracts[]", "connector_adapter") => "connects to another system.",
        _ => "one of the values that may stand here.",
    }
}

/// The rules about a key that a daemon refuses or warns by, beyond those of its type.
#[must_use]
pub fn rules_of(shape: &'static TableShape, key: &'static KeyShape) -> Vec<&'static Rule> {
    let codes = of_manifest(shape).then(|| RULES.iter().find(|(at, _)| names(at, shape, key))).flatten();
    codes.into_iter().flat_map(|(_, codes)| codes.iter().copied()).filter_map(rules::find).collect()
}

/// What a daemon does with a key, where its meaning does not say it.
fn effect(shape: &'static TableShape, key: &'static KeyShape) -> Option<&'static str> {
    if !of_manifest(shape) {
        return None;
    }
    EFFECTS.iter().find(|(at, _)| names(at, shape, key)).map(|(_, effect)| *effect)
}

/// Whether `at` is the dotted key of `key` in `shape`.
fn names(at: &str, shape: &TableShape, key: &KeyShape) -> bool {
    match at.rsplit_once('.') {
        Some((table, name)) => table == shape.path && name == key.name,
        None => shape.path.is_empty() && at == key.name,
    }
}

/// Whether a table is one of a manifest's: other files have shapes whose paths may be the same.
fn of_manifest(shape: &'static TableShape) -> bool {
    let mut table = &ROOT;
    for part in shape.path.split(['.', '[', ']', '*']).filter(|part| !part.is_empty()) {
        let Some(child) = table.child(part) else { return false };
        table = child;
    }
    ptr::eq(table, shape)
}

/// The header of a table: `[[entrypoints.tools]]`; `None` for the top level.
fn heading(shape: &TableShape) -> Option<String> {
    let path = shape.path;
    if path.is_empty() {
        return None;
    }
    let name = path.replace("[]", "").replace('*', "<key>");
    Some(if path.ends_with("[]") { format!("[[{name}]]") } else { format!("[{name}]") })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `An integer from 0 to 18446744073709551615, optional: 30000 (30 s) where it is left out.`
fn type_line(key: &KeyShape) -> Line {
    let mut line = match key.ty {
        Type::Enum(allowed) => Line::of("One of ").codes(allowed.iter().copied()),
        ty => Line::of(&capital(ty.name())),
    };
    if key.required {
        return line.say(", required.");
    }
    line = line.say(", optional");
    if key.default.is_empty() {
        return line.say(".");
    }
    line = line.say(": ").code(key.default);
    let amount = Unit::of(key).zip(key.default.parse().ok()).and_then(|(unit, number)| unit.amount(number));
    if let Some(amount) = amount {
        line = line.say(&format!(" ({amount})"));
    }
    line.say(" where it is left out.")
}

/// The keys of a table, a line each.
fn keys_of(shape: &'static TableShape) -> Doc {
    let mut doc = Doc::default();
    doc.say("Its keys:");
    let line = |key: &'static KeyShape| {
        let required = if key.required { " (required)" } else { "" };
        Line::default().code(key.name).say(required).say(": ").say(first_sentence(key.doc))
    };
    doc.list(shape.keys.iter().map(line).collect());
    doc
}

/// The first sentence without its stop. A stop within code ends none.
fn first_sentence(text: &str) -> &str {
    let ends = text.match_indices(". ").map(|(at, _)| text.get(..at).unwrap_or_default());
    let mut whole = ends.filter(|first| first.matches('`').count().is_multiple_of(2));
    whole.next().unwrap_or(text).trim_end_matches('.')
}

/// A rule in one line.
fn told(rule: &'static Rule) -> Line {
    Line::of(rule.summary).say(": ").link(rule.code, rule.url())
}

impl Line {
    /// A link to the page of a rule.
    #[must_use]
    pub(crate) fn rule(self, code: &'static str) -> Self {
        match rules::find(code) {
            Some(rule) => self.link(code, rule.url()),
            None => self.code(code),
        }
    }
}

const HOST: &[&str] = &[
    "egress/empty",
    "egress/scheme",
    "egress/user",
    "egress/port",
    "egress/path",
    "egress/ipv6",
    "egress/dots",
    "egress/hyphen",
    "egress/non-ascii",
    "egress/bad-character",
    "wildcard/not-opted-in",
];

const ROOTS: &[&str] = &[
    "filesystem/empty",
    "filesystem/absolute",
    "filesystem/colon",
    "filesystem/nul",
    "filesystem/parent-segment",
    "filesystem/dot-segment",
    "filesystem/empty-segment",
    "wildcard/not-opted-in",
];

const OPERATOR_TEXT: &[&str] = &["operator/empty-text"];

/// The rules that a daemon refuses or warns by, of each key that has any besides those of its type: tests hold it
/// complete.
const RULES: &[(&str, &[&str])] = &[
    (
        "manifest_version",
        &["identity/bad-manifest-version", "operator/needs-version-2", "identity/legacy-manifest-version"],
    ),
    ("skill_id", &["identity/bad-skill-id"]),
    ("name", &["identity/empty-name"]),
    ("version", &["identity/bad-version"]),
    ("publisher", &["identity/bad-publisher", "tool/not-namespaced"]),
    ("operator", &["operator/needs-version-2", "operator/missing-operator-metadata"]),
    ("entrypoints.tools", &["tool/none", "tool/duplicate-id"]),
    ("entrypoints.tools[].id", &["tool/bad-id", "tool/not-namespaced", "tool/duplicate-id"]),
    ("entrypoints.tools[].name", &["tool/empty-name"]),
    ("entrypoints.tools[].description", &["tool/empty-description"]),
    ("entrypoints.tools[].input_schema", &["schema/not-a-table"]),
    ("entrypoints.tools[].output_schema", &["schema/not-a-table"]),
    ("capabilities.http_egress_allowlist", HOST),
    ("capabilities.device_capabilities", &["device/bad-name", "wildcard/not-opted-in"]),
    ("capabilities.node_capabilities", &["device/bad-name", "wildcard/not-opted-in"]),
    ("capabilities.filesystem.read_roots", ROOTS),
    ("capabilities.filesystem.write_roots", ROOTS),
    ("capabilities.secrets[].scope", &["secrets/bad-scope"]),
    ("capabilities.secrets[].key_names", &["secrets/no-keys", "secrets/bad-key", "wildcard/not-opted-in"]),
    ("capabilities.quotas.wall_clock_timeout_ms", &["quotas/zero"]),
    ("capabilities.quotas.fuel_budget", &["quotas/zero"]),
    ("capabilities.quotas.max_memory_bytes", &["quotas/memory-too-small"]),
    ("capabilities.wildcard_opt_in.filesystem", &["wildcard/not-opted-in"]),
    ("capabilities.wildcard_opt_in.http_egress", &["wildcard/not-opted-in"]),
    ("capabilities.wildcard_opt_in.secrets", &["wildcard/not-opted-in"]),
    ("capabilities.wildcard_opt_in.device", &["wildcard/not-opted-in"]),
    ("capabilities.wildcard_opt_in.node", &["wildcard/not-opted-in"]),
    ("compat.required_protocol_major", &["compat/protocol-too-new"]),
    ("compat.min_palyra_version", &["compat/bad-version", "compat/max-below-min", "compat/min-too-new"]),
    ("compat.max_palyra_version", &["compat/bad-version", "compat/max-below-min", "compat/max-too-old"]),
    ("builder.experimental", &["builder/not-experimental"]),
    ("builder.source_kind", &["builder/empty"]),
    ("builder.source_ref", &["builder/empty"]),
    ("builder.rollout_flag", &["builder/empty"]),
    ("builder.checklist.capability_declaration_path", &["builder/bad-path"]),
    ("builder.checklist.provenance_path", &["builder/bad-path"]),
    ("builder.checklist.test_harness_path", &["builder/bad-path"]),
    ("operator.display_name", &["operator/empty-text", "operator/missing-operator-display-name"]),
    ("operator.summary", OPERATOR_TEXT),
    ("operator.description", OPERATOR_TEXT),
    ("operator.categories", &["operator/bad-label"]),
    ("operator.tags", &["operator/bad-label"]),
    ("operator.docs_url", &["operator/bad-docs-url"]),
    ("operator.plugin.default_tool_id", &["plugin/bad-tool-id", "plugin/unknown-tool"]),
    ("operator.plugin.default_module_path", &["plugin/bad-module-path"]),
    ("operator.plugin.default_entrypoint", &["plugin/bad-entrypoint"]),
    ("operator.plugin.contracts", &["plugin/duplicate-contract"]),
    ("operator.plugin.contracts[].kind", &["plugin/duplicate-contract"]),
    ("operator.plugin.contracts[].version", &["plugin/bad-contract-version"]),
    ("operator.config", &["config/empty-operator-config-contract"]),
    ("operator.config.schema_version", &["config/bad-schema-version"]),
    ("operator.config.required", &["config/bad-key", "config/undeclared-required"]),
    ("operator.config.properties", &["config/bad-key", "config/empty-operator-config-contract"]),
    ("operator.config.properties.*.type", &["config/enum-not-string", "config/wrong-default"]),
    ("operator.config.properties.*.title", &["config/empty-text"]),
    ("operator.config.properties.*.description", &["config/empty-text"]),
    ("operator.config.properties.*.default", &["config/wrong-default", "config/default-outside-enum"]),
    ("operator.config.properties.*.redacted", &["config/operator-config-redaction-recommended"]),
    (
        "operator.config.properties.*.enum_values",
        &[
            "config/enum-not-string",
            "config/empty-enum-value",
            "config/duplicate-enum-value",
            "config/default-outside-enum",
        ],
    ),
];

/// What a daemon does with a key, where the key's own text does not say it.
const EFFECTS: &[(&str, &str)] = &[
    ("manifest_version", "It decides what else may be there: with `1`, a daemon refuses anything below `[operator]`."),
    (
        "skill_id",
        "A daemon installs the skill under it. Policy decides about `skill:<skill_id>`: it is who asks, whatever the skill \
         asks for.",
    ),
    ("name", "It identifies nothing: two skills may have the same."),
    (
        "version",
        "Together with the `skill_id` it names what is installed: the same version cannot be installed twice, and a lower \
         one than the current only where that is asked for.",
    ),
    (
        "publisher",
        "At install a daemon takes an artifact only where its trust store knows the key that signed it under this name, or \
         where it may pin it at first use. Every tool's id starts with it.",
    ),
    (
        "capabilities",
        "Each thing asked for becomes a handle that the module gets, and a policy binding that a person approves for each \
         call.",
    ),
    ("entrypoints.tools", "Each tool becomes a policy binding: `tool.execute` on `tool:<id>`."),
    (
        "entrypoints.tools[].id",
        "A daemon finds the tool by it, among all skills, and policy decides about `tool:<id>`.",
    ),
    ("entrypoints.tools[].name", "People see it when they are asked to approve a call."),
    (
        "entrypoints.tools[].input_schema",
        "A daemon reads nothing of it but that it is a table. A run in Skillyard checks the input against it before anything \
         of the module runs.",
    ),
    (
        "entrypoints.tools[].output_schema",
        "A daemon reads nothing of it but that it is a table. A run in Skillyard checks what the tool answers against it.",
    ),
    (
        "entrypoints.tools[].risk",
        "Where it is left out, the tool itself needs no approval; what its skill asks for under `[capabilities]` still does.",
    ),
    ("entrypoints.tools[].risk.default_sensitive", "The binding `tool.execute` of the tool then requires approval."),
    ("entrypoints.tools[].risk.requires_approval", "The binding `tool.execute` of the tool then requires approval."),
    (
        "capabilities.filesystem.read_roots",
        "They cause no policy binding. A run in Skillyard opens them for reading, below the skill's storage.",
    ),
    (
        "capabilities.filesystem.write_roots",
        "Each is granted as a storage prefix, trimmed, in sorted order. Any of them causes the policy binding \
         `skill.capability.filesystem.write`, which requires approval for each call.",
    ),
    (
        "capabilities.http_egress_allowlist",
        "Each is granted as an HTTP host, trimmed, in sorted order. Any of them causes the policy binding \
         `skill.capability.http.egress`, which requires approval for each call.",
    ),
    (
        "capabilities.secrets",
        "Each key is granted as `<scope>/<key>`, in sorted order. Any of them causes the policy binding \
         `skill.capability.vault.read`, which requires approval for each call.",
    ),
    ("capabilities.secrets[].scope", "The scope is part of each grant, letter by letter: `<scope>/<key>`."),
    (
        "capabilities.secrets[].key_names",
        "Each is granted as `<scope>/<key>`. Any of them causes the policy binding `skill.capability.vault.read`, which \
         requires approval for each call.",
    ),
    (
        "capabilities.device_capabilities",
        "Any of them causes the policy binding `skill.capability.device.use`, which requires approval for each call. It \
         grants no handle.",
    ),
    (
        "capabilities.node_capabilities",
        "Any of them causes the policy binding `skill.capability.device.use`, which requires approval for each call. It \
         grants no handle.",
    ),
    (
        "capabilities.quotas.wall_clock_timeout_ms",
        "A call that takes longer is ended, wherever it is. Waiting for the network counts, compiling the module does not.",
    ),
    ("capabilities.quotas.fuel_budget", "A call that uses it up is ended with a limit exceeded."),
    (
        "capabilities.quotas.max_memory_bytes",
        "A module that needs more to start is refused. One that asks for more while it runs is told -1, and goes on.",
    ),
    (
        "capabilities.wildcard_opt_in.filesystem",
        "It grants nothing by itself. A daemon's default audit policy fails a skill that has it on.",
    ),
    (
        "capabilities.wildcard_opt_in.http_egress",
        "It grants nothing by itself. A daemon's default audit policy fails a skill that has it on.",
    ),
    (
        "capabilities.wildcard_opt_in.secrets",
        "It grants nothing by itself. A daemon's default audit policy fails a skill that has it on.",
    ),
    (
        "capabilities.wildcard_opt_in.device",
        "It grants nothing by itself. A daemon's default audit policy fails a skill that has it on.",
    ),
    (
        "capabilities.wildcard_opt_in.node",
        "It grants nothing by itself. A daemon's default audit policy fails a skill that has it on.",
    ),
    ("compat.required_protocol_major", "It is checked at packaging and at install, not when the manifest is read."),
    ("compat.min_palyra_version", "It is checked against the daemon's own version at packaging and at install."),
    (
        "compat.max_palyra_version",
        "It is checked against the daemon's own version at packaging and at install. Without it every newer daemon takes \
         the skill.",
    ),
    ("integrity.files", "A daemon checks the hash of each entry of an artifact when it verifies it."),
    (
        "operator.plugin.default_tool_id",
        "It is called where a call names no tool. It is looked up as it is written, letter by letter.",
    ),
    (
        "operator.plugin.default_module_path",
        "It is loaded where a call names no module. Nothing is trimmed, and a daemon does not look for it before a call.",
    ),
    (
        "operator.plugin.default_entrypoint",
        "A daemon calls the export of exactly this name, without parameters, and takes the i32 that it gives for the exit \
         code.",
    ),
    ("operator.config.required", "Every name is that of a declared property, letter by letter."),
    (
        "operator.config.properties.*.redacted",
        "A daemon's report warns where it is off and the property's name holds `secret`, `token`, `password`, `api_key` or \
         `client_key`.",
    ),
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use skillyard_manifest::{Options, analyze, shape::CONTRACT_KINDS};

    use super::*;
    use crate::source::{Meaning, Source};

    /// Every key of every table of a manifest.
    fn keys(each: &mut dyn FnMut(&'static TableShape, &'static KeyShape)) {
        let mut tables = vec![&ROOT];
        while let Some(table) = tables.pop() {
            for key in table.keys {
                each(table, key);
                tables.extend(table.child(key.name));
            }
        }
    }

    #[test]
    fn every_key_says_its_type_whether_it_must_be_there_and_what_it_means() {
        let mut count = 0;
        keys(&mut |shape, key| {
            count += 1;
            let text = key_doc(shape, key).plain();
            let name = format!("{}.{}", shape.path, key.name);
            assert!(text.starts_with(&format!("`{}` ", key.name)), "{name}: {text}");
            match key.ty {
                Type::Enum(allowed) => {
                    assert!(allowed.iter().all(|one| text.contains(&format!("`{one}`"))), "{name}: {text}");
                }
                ty => assert!(text.contains(&capital(ty.name())), "{name}: {text}"),
            }
            if key.required {
                assert!(text.contains(", required."), "{name}: {text}");
            } else {
                assert!(text.contains(", optional"), "{name}: {text}");
                assert!(key.default.is_empty() || text.contains(&format!("`{}`", key.default)), "{name}: {text}");
            }
            assert!(text.contains(key.doc), "{name}: {text}");
            assert!(key.alias.is_none_or(|alias| text.contains(&format!("`{alias}`"))), "{name}: {text}");
            for rule in rules_of(shape, key) {
                assert!(text.contains(rule.summary) && text.contains(rule.code), "{name}: {text}");
                assert!(key_doc(shape, key).markdown().contains(&rule.url()), "{name}");
            }
        });
        assert!(count > 70, "{count}");
        assert_eq!(CONTRACT_KINDS.len(), 12, "all of them are shown");
    }

    #[test]
    fn the_tables_name_keys_and_rules_that_there_are() {
        let mut known = BTreeSet::new();
        keys(&mut |shape, key| {
            let dot = if shape.path.is_empty() { "" } else { "." };
            known.insert(format!("{}{dot}{}", shape.path, key.name));
        });
        for at in RULES.iter().map(|(at, _)| at).chain(EFFECTS.iter().map(|(at, _)| at)) {
            assert!(known.contains(*at), "{at} is no key");
        }
        let mut tied = BTreeSet::new();
        for (at, codes) in RULES {
            for code in *codes {
                let rule = rules::find(code).unwrap_or_else(|| panic!("{at}: {code} is no rule"));
                assert_ne!(rule.daemon, Daemon::Silent, "{code}");
                tied.insert(*code);
            }
        }
        // Those of the syntax and of types are told by the type line; the rest belongs to a key.
        for rule in rules::all().filter(|rule| rule.daemon != Daemon::Silent && !rules::is_about_modules(rule)) {
            let general = rule.code.starts_with("syntax/") || rule.code.starts_with("fields/");
            assert!(general || tied.contains(rule.code), "{} belongs to no key", rule.code);
        }
    }

    /// Wherever an analysis finds what a daemon refuses, the key there says so.
    #[test]
    fn a_key_says_what_is_refused_at_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/manifests");
        let mut texts: Vec<String> =
            fs::read_dir(folder).unwrap().filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok()).collect();
        texts.extend(rules::all().map(|rule| rule.bad.to_owned()));
        let mut seen = BTreeSet::new();
        for text in texts {
            let source = Source::new(&text);
            for found in analyze(&text, &Options::default()).diagnostics {
                let code = found.rule.code;
                if found.rule.daemon == Daemon::Silent || code.starts_with("syntax/") || code.starts_with("fields/") {
                    continue;
                }
                let Some(place) = source.at(found.span.start) else { continue };
                let told = match source.meaning(&place.mention.path) {
                    Meaning::Key(shape, key) | Meaning::Listed(shape, key) => {
                        // What is missing is found at the table or at the top.
                        rules_of(shape, key).iter().any(|rule| rule.code == code)
                            || shape.child(key.name).is_some_and(|inner| {
                                inner.keys.iter().any(|key| rules_of(inner, key).iter().any(|rule| rule.code == code))
                            })
                            || code.contains("missing")
                    }
                    // The name of a property.
                    Meaning::Table(_) => code == "config/bad-key" || code.contains("redaction"),
                    _ => false,
                };
                assert!(told, "{code} at {}:\n{text}", place.mention.path);
                seen.insert(code);
            }
        }
        assert!(seen.len() > 40, "{seen:?}");
    }

    #[test]
    fn code_in_a_list_of_keys_is_whole() {
        keys(&mut |shape, _| {
            for line in table_doc(shape).plain().lines() {
                assert!(line.matches('`').count().is_multiple_of(2), "{line}");
            }
        });
        assert_eq!(first_sentence("Of `a . b`, at most. More."), "Of `a . b`, at most");
        assert_eq!(first_sentence("One."), "One");
    }

    #[test]
    fn headings_read_as_they_are_written() {
        let tool = ROOT.child("entrypoints").unwrap().child("tools").unwrap();
        assert_eq!(heading(tool).unwrap(), "[[entrypoints.tools]]");
        assert_eq!(heading(tool.child("risk").unwrap()).unwrap(), "[entrypoints.tools.risk]");
        let property = ROOT.child("operator").unwrap().child("config").unwrap().child("properties").unwrap();
        assert_eq!(heading(property).unwrap(), "[operator.config.properties.<key>]");
        assert!(of_manifest(property) && of_manifest(&ROOT));
    }

    #[test]
    fn another_file_gets_nothing_of_a_manifest() {
        static OTHER: TableShape = TableShape {
            path: "",
            doc: "Another file.",
            keys: &[KeyShape {
                name: "version",
                alias: None,
                ty: Type::U32,
                required: false,
                default: "1",
                example: "",
                doc: "Its version.",
            }],
        };
        let text = key_doc(&OTHER, &OTHER.keys[0]).plain();
        assert_eq!(
            text,
            "`version` at the top level\n\nAn integer from 0 to 4294967295, optional: `1` where it is left out.\n\nIts version."
        );
        assert!(table_doc(&OTHER).plain().contains("- `version`: Its version"));
    }

    #[test]
    fn a_key_reads_well() {
        let quotas = ROOT.child("capabilities").unwrap().child("quotas").unwrap();
        assert_eq!(
            key_doc(quotas, quotas.key("wall_clock_timeout_ms").unwrap().1).plain(),
            "`wall_clock_timeout_ms` in `[capabilities.quotas]`\n\n\
             An integer from 0 to 18446744073709551615, optional: `30000` (30 s) where it is left out.\n\n\
             Milliseconds of real time, more than 0.\n\n\
             A call that takes longer is ended, wherever it is. Waiting for the network counts, compiling the module does \
             not.\n\n\
             A daemon refuses:\n\n\
             - A timeout or a fuel budget is zero: quotas/zero\n\n    \
             wall_clock_timeout_ms = 5000"
        );
    }
}
