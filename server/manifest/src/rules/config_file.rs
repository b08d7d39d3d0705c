//! `skillyard.toml`: its keys, types, rules, levels, versions, globs and paths, each thing at its place.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Context, Family, FixKind, Rule};
use crate::{
    Level, Options, TextEdit,
    config::{
        CONFIG, ConfigFile, LEVELS, LevelFault, MAX_GLOBS, ModulesValue, PackageTable, PlacedFault, check_level,
        file_fault, likely_rule, pattern_fault, shape::PACKAGE,
    },
    document::{Field, Node, NodeKind, Origin, Table, spelled},
    edits,
    grammar::{self, Version},
    shape::TableShape,
    show, suggest,
    text::Span,
};

pub(crate) static FAMILY: Family = Family {
    name: "config-file",
    about: "The file `skillyard.toml`: what a team sets about the analysis and packaging of its skills.",
    rules: &[
        &UNKNOWN_KEY,
        &WRONG_TYPE,
        &BAD_VERSION,
        &UNKNOWN_RULE,
        &UNKNOWN_LEVEL,
        &FIXED_LEVEL,
        &BAD_PATH,
        &BAD_GLOB,
        &TOO_MANY,
        &TOO_LARGE,
    ],
    // It is about another file than the others: see `read`.
    check: |_: &mut Context<'_, '_>| {},
};

static UNKNOWN_KEY: Rule = Rule::refuses(
    "config-file/unknown-key",
    FixKind::Unsafe,
    "A table has a key that it does not know",
    "The keys of `skillyard.toml` are `palyra_version`, `[rules]` and `[package]` with `modules`, `assets`, `exclude`, `sbom` \
     and `provenance`. A misspelt one would be without effect, so none is let through.",
    "palyra_versoin = \"0.1.0\"",
    "palyra_version = \"0.1.0\"",
);

static WRONG_TYPE: Rule = Rule::refuses(
    "config-file/wrong-type",
    FixKind::Unsafe,
    "A value has another type than its key asks for",
    "Versions, levels and paths are strings, and `assets` and `exclude` are arrays of strings also where there is one.",
    "[package]\nassets = \"assets\"",
    "[package]\nassets = [\"assets\"]",
);

static BAD_VERSION: Rule = Rule::refuses(
    "config-file/bad-version",
    FixKind::Unsafe,
    "The daemon's version is not three numbers",
    "A daemon knows versions of exactly three numbers, without pre-release or build parts.",
    "palyra_version = \"0.1\"",
    "palyra_version = \"0.1.0\"",
);

static UNKNOWN_RULE: Rule = Rule::refuses(
    "config-file/unknown-rule",
    FixKind::Unsafe,
    "`[rules]` sets a rule or family that does not exist",
    "`skillyard explain` lists the rules. A rule is written with its family and in quotes, `\"egress/upper-case\"`; a whole family is \
     `\"egress/*\"`, and `\"*\"` is every rule.",
    "[rules]\n\"fields/deprecated-alais\" = \"deny\"",
    "[rules]\n\"fields/deprecated-alias\" = \"deny\"",
);

static UNKNOWN_LEVEL: Rule = Rule::refuses(
    "config-file/unknown-level",
    FixKind::Unsafe,
    "A rule is set to a level that does not exist",
    "The levels are `allow` (not reported), `hint`, `info`, `warn` and `deny` (an error).",
    "[rules]\n\"egress/upper-case\" = \"ignore\"",
    "[rules]\n\"egress/upper-case\" = \"allow\"",
);

static FIXED_LEVEL: Rule = Rule::refuses(
    "config-file/fixed-level",
    FixKind::Unsafe,
    "A rule is set to a level that it cannot have",
    "What a daemon rejects on stays an error: to hide it would only move the surprise to the install. So do findings about \
     `skillyard.toml` itself. A family may be lowered; those of its rules stay errors.",
    "[rules]\n\"fields/unknown-key\" = \"warn\"",
    "[rules]\n\"fields/deprecated-alias\" = \"warn\"",
);

static BAD_PATH: Rule = Rule::refuses(
    "config-file/bad-path",
    FixKind::Safe,
    "A path does not stay in the skill's folder",
    "Paths and globs are counted from the folder of `skill.toml`, have `/` between their parts, and hold no `.`, `..`, drive or \
     root. `sbom`, `provenance` and the values of a table of `modules` name one file; the keys of that table are the \
     modules' paths in the artifact and end in `.wasm`. For a file elsewhere there is `skillyard package --module PATH=FILE`.",
    "[package]\nassets = [\"./assets\"]",
    "[package]\nassets = [\"assets\"]",
);

static BAD_GLOB: Rule = Rule::refuses(
    "config-file/bad-glob",
    FixKind::None,
    "A glob does not read",
    "`*` and `?` stand for text within a part of a path, `**` for any parts, `[a-z]` for one of some characters and `{a,b}` for \
     one of some texts. A bracket that is meant itself stands in `[…]`: `[[]`, `[{]`.",
    "[package]\nmodules = [\"modules/*.{wasm\"]",
    "[package]\nmodules = [\"modules/*.{wasm,wat}\"]",
);

static TOO_MANY: Rule = Rule::refuses(
    "config-file/too-many",
    FixKind::None,
    "A list has more globs than are read",
    "`modules`, `assets` and `exclude` hold up to 1000 globs or paths each; every file of the skill's folder is held against \
     them. A folder in a list stands for everything in it, and `**` for any folders.",
    "",
    "",
);

pub(crate) static TOO_LARGE: Rule = Rule::refuses(
    "config-file/too-large",
    FixKind::None,
    "The file is too large to be a configuration",
    "Skillyard does not read a `skillyard.toml` above 256 KiB. Nothing else is said about such a file.",
    "",
    "",
);

/// Reports what is wrong, and gives what is not.
pub(super) fn read(cx: &mut Context<'_, '_>) -> ConfigFile {
    let root = &cx.document.root;
    let mut file = ConfigFile::default();
    check_keys(cx, root, &CONFIG);
    if let Some(field) = root.get("palyra_version") {
        file.palyra_version = version(cx, &field.value);
    }
    if let Some(field) = root.get("rules")
        && let Some(table) = table(cx, "rules", "a table of rule codes and levels", &field.value)
    {
        file.levels = levels(cx, table);
    }
    if let Some(field) = root.get("package")
        && let Some(table) = table(cx, "package", "a table", &field.value)
    {
        check_keys(cx, table, &PACKAGE);
        file.package = package(cx, table);
    }
    file
}

fn table<'d, 't>(cx: &mut Context<'_, '_>, key: &str, expected: &str, node: &'d Node<'t>) -> Option<&'d Table<'t>> {
    let table = node.as_table();
    if table.is_none() {
        wrong_type(cx, key, expected, node, None);
    }
    table
}

fn check_keys(cx: &mut Context<'_, '_>, table: &Table<'_>, shape: &'static TableShape) {
    for (name, field) in &table.fields {
        if shape.key(name).is_none() {
            unknown_key(cx, table, shape, name, field);
        }
    }
}

fn unknown_key(cx: &mut Context<'_, '_>, table: &Table<'_>, shape: &'static TableShape, name: &str, field: &Field<'_>) {
    let shown = show::quoted(name);
    let free = shape.keys.iter().map(|key| key.name).filter(|key| table.get(key).is_none());
    if let Some(meant) = suggest::closest(name, free) {
        cx.report(&UNKNOWN_KEY, field.key, format!("unknown key {shown}; did you mean `{meant}`?"))
            .unsafe_fix(format!("Rename to `{meant}`"), vec![edits::replace(field.key, meant)]);
        return;
    }
    let known = |shape: &TableShape| {
        let names: Vec<String> = shape.keys.iter().map(|key| format!("`{}`", key.name)).collect();
        names.join(", ")
    };
    let hint = if Options::is_pattern(name) {
        "it belongs to `[rules]`".to_owned()
    } else if shape.path.is_empty() && PACKAGE.key(name).is_some() {
        "it belongs to `[package]`".to_owned()
    } else if !shape.path.is_empty() && CONFIG.key(name).is_some() {
        "it belongs to the top level, above the first header".to_owned()
    } else if shape.path.is_empty() {
        format!("the keys are {}", known(shape))
    } else {
        format!("the keys of `{}` are {}", shape.path, known(shape))
    };
    let edit = removal(cx, table, field);
    let finding = cx.report(&UNKNOWN_KEY, field.key, format!("unknown key {shown}; {hint}"));
    if let Some(edit) = edit {
        finding.unsafe_fix(format!("Remove {shown}"), vec![edit]);
    }
}

/// The edit that takes a key with its value out; `None` for what has headers of its own.
fn removal(cx: &Context<'_, '_>, table: &Table<'_>, field: &Field<'_>) -> Option<TextEdit> {
    let of_lines = match &field.value.kind {
        NodeKind::Table(inner) => inner.origin == Origin::Inline,
        NodeKind::Array(array) => !array.of_tables,
        NodeKind::Invalid => false,
        _ => true,
    };
    of_lines.then(|| edits::remove_field(cx.text, &cx.document.comments, field, table))
}

/// Reports a value of another type; `meant` is what it may mean, in TOML.
fn wrong_type(cx: &mut Context<'_, '_>, key: &str, expected: &str, node: &Node<'_>, meant: Option<String>) {
    if matches!(node.kind, NodeKind::Invalid) {
        return;
    }
    let edits = meant.into_iter().map(|value| edits::replace(node.span, value)).collect();
    let name = show::plain(&spelled(key));
    cx.report(&WRONG_TYPE, node.span, format!("`{name}` must be {expected}, not {}", node.type_name()))
        .unsafe_fix("Write it in the right type", edits);
}

fn version(cx: &mut Context<'_, '_>, node: &Node<'_>) -> Option<Version> {
    let Some(text) = node.as_str() else {
        let raw = node.span.of(cx.text);
        let meant = match node.kind {
            NodeKind::Integer(_) | NodeKind::Float(_) => likely_version(raw).map(|version| format!("\"{version}\"")),
            _ => None,
        };
        wrong_type(cx, "palyra_version", "a string, such as \"0.1.0\"", node, meant);
        return None;
    };
    let version = Version::parse(text);
    if version.is_none() {
        let edit = likely_version(text).map(|version| (version.to_string(), cx.set_string(node, &version.to_string())));
        let message = format!("{} is no version; write three numbers, such as \"0.1.0\"", show::quoted(text));
        let finding = cx.report(&BAD_VERSION, node.span, message);
        if let Some((version, edit)) = edit {
            finding.unsafe_fix(format!("Write `{version}`"), vec![edit]);
        }
    }
    version
}

/// The version that a person may mean: `v0.1`, `0.1`, `0.1.0-rc.1`.
fn likely_version(text: &str) -> Option<Version> {
    let text = text.trim().trim_start_matches(['v', 'V', '=', '^', '~', ' ']);
    let numbers = text.split(['-', '+']).next()?;
    let missing = 3_usize.checked_sub(numbers.split('.').count())?;
    Version::parse(&format!("{numbers}{}", ".0".repeat(missing)))
}

/// Unknown rules that a meaning is sought for: more of them are no slips of the pen.
const MAX_GUESSES: usize = 100;

fn levels(cx: &mut Context<'_, '_>, table: &Table<'_>) -> BTreeMap<String, Level> {
    let mut levels = BTreeMap::new();
    let mut unknown = 0;
    for (code, field) in &table.fields {
        if !Options::is_pattern(code) {
            unknown += 1;
            unknown_rule(cx, table, code, field, unknown <= MAX_GUESSES);
        } else if let Some(level) = level(cx, table, code, field) {
            levels.insert(code.clone().into_owned(), level);
        }
    }
    levels
}

fn level(cx: &mut Context<'_, '_>, table: &Table<'_>, code: &str, field: &Field<'_>) -> Option<Level> {
    let node = &field.value;
    let Some(text) = node.as_str() else {
        // As other linters have it.
        let meant = match node.kind {
            NodeKind::Boolean(false) | NodeKind::Integer(0) => Some("\"allow\"".to_owned()),
            NodeKind::Integer(1) => Some("\"warn\"".to_owned()),
            NodeKind::Integer(2) => Some("\"deny\"".to_owned()),
            _ => None,
        };
        let expected = "a level in quotes: \"allow\", \"hint\", \"info\", \"warn\" or \"deny\"";
        wrong_type(cx, code, expected, node, meant);
        return None;
    };
    let Some(level) = Level::parse(text) else {
        let meant = likely_level(text);
        let message = format!("unknown level {}; use `allow`, `hint`, `info`, `warn` or `deny`", show::quoted(text));
        let edit = meant.map(|meant| (meant, cx.set_string(node, meant)));
        let finding = cx.report(&UNKNOWN_LEVEL, node.span, message);
        if let Some((meant, edit)) = edit {
            finding.unsafe_fix(format!("Write `{meant}`"), vec![edit]);
        }
        return None;
    };
    match check_level(code, level) {
        Ok(()) => Some(level),
        Err(fault) => {
            let deny = cx.set_string(node, "deny");
            let remove = edits::remove_field(cx.text, &cx.document.comments, field, table);
            let removal = |finding: super::Finding<'_>| {
                finding.unsafe_fix(format!("Remove {}", show::quoted(code)), vec![remove]);
            };
            let finding = cx.report(&FIXED_LEVEL, node.span, fault.to_string());
            match fault {
                LevelFault::Fixed(_) => removal(finding),
                _ => removal(finding.unsafe_fix("Set it to `deny`", vec![deny])),
            }
            None
        }
    }
}

fn likely_level(text: &str) -> Option<&'static str> {
    let text = text.trim().to_ascii_lowercase();
    let other = match text.as_str() {
        "ignore" | "none" | "silent" | "disable" | "disabled" | "false" | "skip" => "allow",
        "note" | "notice" | "information" => "info",
        "forbid" | "fatal" | "critical" | "true" => "deny",
        _ => return suggest::closest(&text, LEVELS.iter().copied()),
    };
    Some(other)
}

fn unknown_rule(cx: &mut Context<'_, '_>, table: &Table<'_>, code: &str, field: &Field<'_>, guess: bool) {
    // `egress.port = "warn"` reads as a table in a table: the quotes are missing.
    if let Some(inner) = field.value.as_table().filter(|inner| !inner.fields.is_empty()) {
        for (name, below) in &inner.fields {
            without_quotes(cx, code, field, inner, name, below);
        }
        return;
    }
    let meant = if guess { likely_rule(code) } else { None };
    let meant = meant.filter(|meant| table.get(meant).is_none());
    let message = if CONFIG.key(code).is_some() {
        format!("unknown rule {}; it belongs to the top level, above the first header", show::quoted(code))
    } else {
        LevelFault::UnknownRule { code: code.to_owned(), meant: meant.clone() }.to_string()
    };
    let edit = removal(cx, table, field);
    let finding = cx.report(&UNKNOWN_RULE, field.key, message);
    if let Some(meant) = meant {
        finding.unsafe_fix(format!("Write `{meant}`"), vec![edits::replace(field.key, format!("\"{meant}\""))]);
    } else if let Some(edit) = edit {
        finding.unsafe_fix(format!("Remove {}", show::quoted(code)), vec![edit]);
    }
}

fn without_quotes(
    cx: &mut Context<'_, '_>,
    family: &str,
    field: &Field<'_>,
    inner: &Table<'_>,
    name: &str,
    below: &Field<'_>,
) {
    let code = format!("{family}/{name}");
    let shown = show::plain(&code);
    // The dotted key, where the family's part of it is in the same line.
    let dotted =
        inner.origin == Origin::Dotted && below.entry.start <= field.key.start && field.key.end <= below.key.start;
    let span = if dotted { Span::new(field.key.start, below.key.end) } else { below.key };
    let message = format!("unknown rule {}; write it as `\"{shown}\"`, in quotes", show::quoted(family));
    let finding = cx.report(&UNKNOWN_RULE, span, message);
    if dotted && Options::is_pattern(&code) {
        finding.unsafe_fix(format!("Write `\"{code}\"`"), vec![edits::replace(span, format!("\"{code}\""))]);
    }
}

fn package(cx: &mut Context<'_, '_>, table: &Table<'_>) -> PackageTable {
    let value = |key| table.get(key).map(|field| &field.value);
    let (modules, assets, exclude) =
        (list(cx, table, "modules"), list(cx, table, "assets"), list(cx, table, "exclude"));
    let (sbom, provenance) = (value("sbom"), value("provenance"));
    PackageTable {
        modules: modules.and_then(|node| self::modules(cx, node)),
        assets: assets.and_then(|node| globs(cx, "assets", node)),
        exclude: exclude.and_then(|node| globs(cx, "exclude", node)).unwrap_or_default(),
        sbom: sbom.and_then(|node| file(cx, "sbom", node)),
        provenance: provenance.and_then(|node| file(cx, "provenance", node)),
    }
}

/// The value of a list, unless it is too long to be looked into.
fn list<'d>(cx: &mut Context<'_, '_>, table: &'d Table<'d>, key: &str) -> Option<&'d Node<'d>> {
    let field = table.get(key)?;
    let count = match &field.value.kind {
        NodeKind::Array(array) => array.items.len(),
        NodeKind::Table(table) => table.fields.len(),
        _ => 0,
    };
    if count <= MAX_GLOBS {
        return Some(&field.value);
    }
    let message =
        format!("{count} globs are too many for `{key}`; the limit is {MAX_GLOBS}. Name folders, or use `*` and `**`");
    cx.report(&TOO_MANY, field.key, message);
    None
}

fn modules(cx: &mut Context<'_, '_>, node: &Node<'_>) -> Option<ModulesValue> {
    match &node.kind {
        NodeKind::Array(array) if !array.of_tables => globs(cx, "modules", node).map(ModulesValue::Files),
        NodeKind::Table(table) => {
            let mut named = BTreeMap::new();
            for (path, field) in &table.fields {
                entry(cx, path, field);
                if let Some(file) = file(cx, path, &field.value) {
                    named.insert(path.clone().into_owned(), file);
                }
            }
            Some(ModulesValue::Named(named))
        }
        _ => {
            let expected = "a list of globs, or a table of paths in the artifact and files";
            wrong_type(cx, "modules", expected, node, listed(cx, node));
            None
        }
    }
}

/// Checks the path of a module in the artifact.
fn entry(cx: &mut Context<'_, '_>, path: &str, field: &Field<'_>) {
    let fault = if grammar::path_fault(path).is_some() || path.contains('\\') || path.trim() != path {
        "write a path in the artifact, counted from `modules/`, with `/` between its parts"
    } else if !path.ends_with(".wasm") {
        "a module's path in the artifact ends in `.wasm`"
    } else {
        return;
    };
    // `ledger.wasm = "…"` without quotes reads as a table in a table.
    let hint = if field.value.as_table().is_some() { ", in quotes" } else { "" };
    cx.report(&BAD_PATH, field.key, format!("{}: {fault}{hint}", show::quoted(path)));
}

fn globs(cx: &mut Context<'_, '_>, key: &str, node: &Node<'_>) -> Option<Vec<String>> {
    let expected = "a list of globs in quotes";
    let Some(items) = node.as_array() else {
        wrong_type(cx, key, expected, node, listed(cx, node));
        return None;
    };
    let mut globs = Vec::with_capacity(items.len());
    for item in items {
        match item.as_str() {
            Some(text) => globs.extend(path(cx, item, text, pattern_fault)),
            None => wrong_type(cx, key, expected, item, None),
        }
    }
    Some(globs)
}

/// One string as a list.
fn listed(cx: &Context<'_, '_>, node: &Node<'_>) -> Option<String> {
    node.as_str().map(|_| format!("[{}]", node.span.of(cx.text)))
}

fn file(cx: &mut Context<'_, '_>, key: &str, node: &Node<'_>) -> Option<String> {
    let Some(text) = node.as_str() else {
        wrong_type(cx, key, "the path of a file, in quotes", node, None);
        return None;
    };
    path(cx, node, text, file_fault)
}

fn path(
    cx: &mut Context<'_, '_>,
    node: &Node<'_>,
    text: &str,
    check: fn(&str) -> Option<PlacedFault>,
) -> Option<String> {
    let Some((fault, range)) = check(text) else { return Some(text.to_owned()) };
    let span = if range.is_empty() { node.span } else { cx.inside(node, range) };
    let message = format!("{}: {fault}", show::quoted(text));
    if fault.is_of_globs() {
        cx.report(&BAD_GLOB, span, message);
        return None;
    }
    let tidy = tidied(text).filter(|tidy| check(tidy).is_none());
    let edit = tidy.map(|tidy| (show::quoted(&tidy), cx.set_string(node, &tidy)));
    let finding = cx.report(&BAD_PATH, span, message);
    if let Some((shown, edit)) = edit {
        finding.safe_fix(format!("Write {shown}"), vec![edit]);
    }
    None
}

/// The same path with `/` between its parts and without parts that mean nothing. `None` for one that starts at a root.
fn tidied(text: &str) -> Option<String> {
    let text: Cow<'_, str> = if text.contains('\\') { text.replace('\\', "/").into() } else { text.into() };
    if text.starts_with('/') {
        return None;
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}
