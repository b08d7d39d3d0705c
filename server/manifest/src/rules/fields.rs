//! Keys and types: what serde says about the shape of the manifest, each thing at its place.

use std::{cell::OnceCell, collections::HashSet};

use super::{Context, Family, FixKind, Rule, common};
use crate::{
    diagnostic::{Daemon, Severity, Tag, TextEdit},
    document::{Field, Node, NodeKind, Origin, Table, spelled, string},
    edits, grammar,
    shape::{KeyShape, PROPERTY_TYPES, ROOT, TableShape, Type},
    show, suggest,
    text::Span,
    view::View,
};

pub(super) static FAMILY: Family = Family {
    name: "fields",
    about: "Keys and types: every table has fixed keys, and values never change their type by themselves.",
    rules: &[
        &UNKNOWN_KEY,
        &MISSING_KEY,
        &WRONG_TYPE,
        &OUT_OF_RANGE,
        &UNKNOWN_VALUE,
        &ALIAS_AND_KEY,
        &DEPRECATED_ALIAS,
        &POSITIONAL,
        &ENUM_TABLE,
        &SCATTERED,
    ],
    check,
};

static UNKNOWN_KEY: Rule = Rule {
    code: "fields/unknown-key",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A table has a key that it does not know",
    details: "Every table of the manifest has fixed keys, so that a misspelt one is never silently without effect. Only the \
              schemas, configuration properties and their defaults hold keys of your own.",
    bad: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\nmax_version = \"1.0.0\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\nmax_palyra_version = \"1.0.0\"",
};

static MISSING_KEY: Rule = Rule {
    code: "fields/missing-key",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A table lacks a key that it must have",
    details: "The fix adds the key with a value to start from; look it over.",
    bad: "[compat]\nrequired_protocol_major = 1",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

static WRONG_TYPE: Rule = Rule {
    code: "fields/wrong-type",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "A value has another type than its key asks for",
    details: "Values never change their type by themselves: `\"1\"` is no integer, `1.0` is no integer, and one string is no \
              array of strings.",
    bad: "[compat]\nrequired_protocol_major = \"1\"\nmin_palyra_version = \"0.1.0\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

static OUT_OF_RANGE: Rule = Rule {
    code: "fields/out-of-range",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::None,
    summary: "An integer is outside the range of its key",
    details: "Versions of formats and protocols are 32-bit, quotas 64-bit, and none is negative.",
    bad: "manifest_version = -1",
    good: "manifest_version = 2",
};

static UNKNOWN_VALUE: Rule = Rule {
    code: "fields/unknown-value",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A string is none of those that its key allows",
    details: "Contract kinds and property types are fixed lists, in lower case with underscores.",
    bad: "[operator.plugin]\ncontracts = [{ kind = \"memory\" }]",
    good: "[operator.plugin]\ncontracts = [{ kind = \"memory_provider\" }]",
};

static ALIAS_AND_KEY: Rule = Rule {
    code: "fields/alias-and-key",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A key and its deprecated name are both given",
    details: "`min_protocol_major` is an older name for `required_protocol_major`, and `min_runtime_version` one for \
              `min_palyra_version`. Together they count as a repeated key. Keep the newer.",
    bad: "[compat]\nrequired_protocol_major = 1\nmin_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

static DEPRECATED_ALIAS: Rule = Rule {
    code: "fields/deprecated-alias",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A key is written with its deprecated name",
    details: "Daemons still read it. Packaging writes the newer name.",
    bad: "[compat]\nmin_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

static POSITIONAL: Rule = Rule {
    code: "fields/positional",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A table is written as an array of its values",
    details: "A daemon happens to read `[1, \"0.1.0\"]` as a table by the order of its keys, and ignores what is too much. \
              Nobody can read such a manifest, and one `true` too many opts in to a wildcard. Name the keys.",
    bad: "compat = [1, \"0.1.0\"]",
    good: "compat = { required_protocol_major = 1, min_palyra_version = \"0.1.0\" }",
};

static ENUM_TABLE: Rule = Rule {
    code: "fields/enum-table",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A fixed string is written as a table of one key",
    details: "A daemon happens to read `{ memory_provider = {} }` as `\"memory_provider\"`. Write the string.",
    bad: "[operator.plugin]\ncontracts = [{ kind = { memory_provider = {} } }]",
    good: "[operator.plugin]\ncontracts = [{ kind = \"memory_provider\" }]",
};

static SCATTERED: Rule = Rule {
    code: "fields/scattered",
    severity: Severity::Info,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "The sections of one table are scattered over the file",
    details: "Sections that belong together are found together: `[capabilities.quotas]` far from the other `[capabilities…]` \
              sections is easily overlooked by a reviewer.",
    bad: "[capabilities]\nhttp_egress_allowlist = []\n\n[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n\n\
          [capabilities.quotas]\nfuel_budget = 1000",
    good: "[capabilities]\nhttp_egress_allowlist = []\n\n[capabilities.quotas]\nfuel_budget = 1000\n\n[compat]\n\
           required_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

fn check(cx: &mut Context<'_, '_>) {
    check_table(cx, cx.root, &ROOT, &Strays::new());
    check_scattered(cx);
}

fn check_table(cx: &mut Context<'_, '_>, view: View<'_, '_>, shape: &'static TableShape, strays: &Strays) {
    match view.as_table() {
        Some(table) => {
            let guesses = check_keys(cx, table, shape);
            check_missing(cx, view, table, shape, &guesses, strays);
        }
        None => check_positional(cx, view, shape),
    }
    for (key, item) in view.items() {
        check_value(cx, key, item.node, strays);
    }
}

/// The keys that stand in a table that does not know them, each with the path of the table that it belongs to. Sought
/// only where a key is missing.
type Strays = OnceCell<HashSet<(&'static str, String)>>;

/// Whether `key` of the table at `path` stands in a table that does not know it.
pub(super) fn is_stray(root: View<'_, '_>, path: &'static str, key: &str) -> bool {
    let mut strays = HashSet::new();
    find_strays(root, root, &mut strays);
    strays.contains(&(path, key.to_owned()))
}

fn find_strays(root: View<'_, '_>, view: View<'_, '_>, strays: &mut HashSet<(&'static str, String)>) {
    let shape = view.shape;
    if let Some(table) = view.as_table() {
        let unknown = table.fields.keys().filter(|name| shape.key(name).is_none());
        for name in unknown.take(MAX_GUESSES) {
            if sought(root, table, shape, name).is_none()
                && let Some(target) = elsewhere(shape, name)
                && (!target.path.contains(['[', '*']) || only(root, target.path).is_some())
            {
                strays.insert((target.path, name.to_string()));
            }
        }
    }
    for (key, item) in view.items() {
        let below: Vec<&Node<'_>> = match key.ty {
            Type::Table(_) => vec![item.node],
            Type::Tables(_) => item.node.as_array().unwrap_or_default().iter().collect(),
            Type::Map(_) => {
                item.node.as_table().into_iter().flat_map(|t| t.fields.values()).map(|f| &f.value).collect()
            }
            _ => continue,
        };
        let Some(shape) = shape.child(key.name) else { continue };
        for view in below.into_iter().filter_map(|node| View::of_node(node, shape)) {
            find_strays(root, view, strays);
        }
    }
}

/// Unknown keys of one table that a meaning is sought for: more of them are no slips of the pen.
const MAX_GUESSES: usize = 100;

/// Reports what is wrong with the keys; gives the keys that unknown ones are told to mean.
fn check_keys(cx: &mut Context<'_, '_>, table: &Table<'_>, shape: &'static TableShape) -> Vec<&'static str> {
    let mut guesses = Vec::new();
    let mut unknown = 0;
    for (name, field) in &table.fields {
        let Some((_, key)) = shape.key(name) else {
            unknown += 1;
            let meant = if unknown <= MAX_GUESSES { sought(cx.root, table, shape, name) } else { None };
            if let Some(Meant::Missing(key)) = meant {
                guesses.push(key);
            }
            unknown_key(cx, table, shape, name, field, meant);
            continue;
        };
        if key.name == name {
            continue;
        }
        if let Some(newer) = table.get(key.name) {
            let edit = edits::remove_field(cx.text, &cx.document.comments, field, table);
            cx.report(
                &ALIAS_AND_KEY,
                field.key,
                format!("`{name}` is an older name for `{}`, which is given too", key.name),
            )
            .related(newer.key, format!("`{}` here", key.name))
            .tag(Tag::Deprecated)
            .unsafe_fix(format!("Remove `{name}`"), vec![edit]);
        } else {
            cx.report(&DEPRECATED_ALIAS, field.key, format!("`{name}` is deprecated: write `{}`", key.name))
                .tag(Tag::Deprecated)
                .safe_fix(format!("Rename to `{}`", key.name), vec![edits::replace(field.key, key.name)]);
        }
    }
    guesses
}

fn unknown_key(
    cx: &mut Context<'_, '_>,
    table: &Table<'_>,
    shape: &'static TableShape,
    name: &str,
    field: &Field<'_>,
    meant: Option<Meant<'_, '_>>,
) {
    let owner = if shape.path.is_empty() { "the manifest".to_owned() } else { format!("`{}`", shape.path) };
    let shown = show::quoted(name);
    let header_only = field.entry == field.value.span && field.value.as_table().is_some();
    let of_tables = matches!(field.value.kind, NodeKind::Array(ref array) if array.of_tables);
    let removal = (!header_only && !of_tables)
        .then(|| edits::remove_field(cx.text, &cx.document.comments, field, table))
        .into_iter()
        .collect();
    match meant {
        Some(Meant::Missing(meant)) => {
            cx.report(&UNKNOWN_KEY, field.key, format!("{owner} has no key {shown}: did you mean `{meant}`?"))
                .unsafe_fix(format!("Rename to `{meant}`"), vec![edits::replace(field.key, meant)]);
        }
        Some(Meant::Implied(meant, below)) => {
            let rename = merges(field, below).then(|| edits::replace(field.key, meant)).into_iter().collect();
            cx.report(&UNKNOWN_KEY, field.key, format!("{owner} has no key {shown}: did you mean `{meant}`?"))
                .related(below.value.span, format!("`{meant}` here"))
                .unsafe_fix(format!("Rename to `{meant}`"), rename);
        }
        Some(Meant::Given(meant, given)) => {
            cx.report(&UNKNOWN_KEY, field.key, format!("{owner} has no key {shown}: `{meant}` is given already"))
                .related(given.key, format!("`{meant}` here"))
                .unsafe_fix(format!("Remove {shown}"), removal);
        }
        None => {
            let Some(target) = elsewhere(shape, name) else {
                let message = format!("{owner} has no key {shown}: its keys are {}", names(shape));
                cx.report(&UNKNOWN_KEY, field.key, message).unsafe_fix(format!("Remove {shown}"), removal);
                return;
            };
            let (place, short) = match target.path {
                "" => ("the top level, above the first header".to_owned(), "the top level".to_owned()),
                path => (format!("`{path}`"), format!("`{path}`")),
            };
            // Each looks for its place in the whole file.
            let few = cx.findings.len() < MAX_GUESSES;
            let moved = few.then(|| move_to(cx, table, name, field, target)).flatten();
            let finding =
                cx.report(&UNKNOWN_KEY, field.key, format!("{owner} has no key {shown}: it belongs to {place}"));
            // It is wanted where it belongs: taking it out is no repair by itself.
            if let Some(moved) = moved {
                finding.unsafe_fix(format!("Move to {short}"), moved).unsafe_fix(format!("Remove {shown}"), removal);
            }
        }
    }
}

/// Where a key belongs that `shape` does not know, such as a root key behind a header.
fn elsewhere(shape: &'static TableShape, name: &str) -> Option<&'static TableShape> {
    let root = ROOT.key(name).filter(|_| !shape.path.is_empty());
    root.map(|_| &ROOT).or_else(|| table_with(&ROOT, name))
}

/// The edits that move an unknown key to the table that it belongs to: an entry on lines of its own, to the lines of a
/// table that lacks it, or to a new section.
fn move_to(
    cx: &Context<'_, '_>,
    table: &Table<'_>,
    name: &str,
    field: &Field<'_>,
    target: &TableShape,
) -> Option<Vec<TextEdit>> {
    let by_header = |table: &Table<'_>| table.origin == Origin::Header;
    let one_entry = match &field.value.kind {
        NodeKind::Table(value) => value.origin == Origin::Inline,
        NodeKind::Array(array) => !array.of_tables,
        _ => true,
    };
    if !by_header(table) || !one_entry || field.entry.start != field.key.start {
        return None;
    }
    let mut view = cx.root;
    for part in target.path.split('.').filter(|part| !part.is_empty()) {
        if let Some(list) = part.strip_suffix("[]") {
            view = only_of(view, list)?;
            continue;
        }
        if view.get(part).is_some() {
            view = view.table(part)?;
            continue;
        }
        // Of the elements of an array, and of tables that the author names, none is the one.
        let plain = !target.path.contains(['[', '*']);
        let open = view.as_table().is_some_and(|table| matches!(table.origin, Origin::Header | Origin::Implicit));
        let header = (plain && open && !is_guessed(view, part)).then(|| format!("[{}]", target.path))?;
        return edits::move_to_section(cx.text, cx.document, field.entry, &header);
    }
    let to = view.as_table().filter(|table| by_header(table) && view.get(name).is_none())?;
    edits::move_entry(cx.text, cx.document, field.entry, to)
}

/// The table at `path`, of arrays in it the only element: of several none is the one that a key was meant for.
fn only<'d, 't>(root: View<'d, 't>, path: &str) -> Option<View<'d, 't>> {
    path.split('.').try_fold(root, |view, part| match part.strip_suffix("[]") {
        Some(list) => only_of(view, list),
        None => view.table(part),
    })
}

fn only_of<'d, 't>(view: View<'d, 't>, list: &str) -> Option<View<'d, 't>> {
    match view.tables(list).as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

/// Whether the sections of an unknown key may stand under the name of `below`, of which only sections below it are there.
fn merges(unknown: &Field<'_>, below: &Field<'_>) -> bool {
    let (Some(unknown_table), Some(below_table)) = (unknown.value.as_table(), below.value.as_table()) else {
        return false;
    };
    let of_tables = |node: &Node<'_>| matches!(&node.kind, NodeKind::Array(array) if array.of_tables);
    let by_header = matches!(unknown_table.origin, Origin::Header | Origin::Implicit);
    by_header
        && unknown_table.fields.iter().all(|(name, new)| match below_table.get(name) {
            None => true,
            Some(old) if of_tables(&new.value) && of_tables(&old.value) => true,
            // `[[a.b]]` in front of `[a.b.c]`.
            Some(old) => {
                let implied = old.value.as_table().is_some_and(|table| table.origin == Origin::Implicit);
                implied && of_tables(&new.value) && new.key.start < old.key.start
            }
        })
}

fn names(shape: &TableShape) -> String {
    shape.keys.iter().map(|key| format!("`{}`", key.name)).collect::<Vec<_>>().join(", ")
}

/// A table below `shape` that has a key `name`.
fn table_with(shape: &'static TableShape, name: &str) -> Option<&'static TableShape> {
    shape.keys.iter().find_map(|key| {
        let child = shape.child(key.name)?;
        if child.key(name).is_some() { Some(child) } else { table_with(child, name) }
    })
}

fn check_missing(
    cx: &mut Context<'_, '_>,
    view: View<'_, '_>,
    table: &Table<'_>,
    shape: &'static TableShape,
    guesses: &[&str],
    strays: &Strays,
) {
    // Where a line broke off, the missing key may be the one that is being written.
    if table.incomplete || cx.document.headers_broken {
        return;
    }
    let place = if shape.path.is_empty() {
        table.fields.first().map_or(Span::at(0), |(_, field)| field.key)
    } else {
        view.span
    };
    for key in shape.keys.iter().filter(|key| key.required) {
        if view.get(key.name).is_some() || guesses.contains(&key.name) {
            continue;
        }
        let strays = strays.get_or_init(|| {
            let mut strays = HashSet::new();
            find_strays(cx.root, cx.root, &mut strays);
            strays
        });
        // It is there, in another table, and that is told.
        if strays.contains(&(shape.path, key.name.to_owned())) {
            continue;
        }
        let owner = if shape.path.is_empty() { "the manifest".to_owned() } else { format!("`{}`", shape.path) };
        let edit = missing_fix(cx, table, shape, key);
        let finding = cx.report(&MISSING_KEY, place, format!("{owner} needs `{}`", key.name));
        if let Some(edit) = edit {
            finding.unsafe_fix(format!("Add `{}`", key.name), vec![edit]);
        }
    }
}

/// What an unknown key most likely means.
#[derive(Clone, Copy)]
enum Meant<'f, 't> {
    /// A key that is not there.
    Missing(&'static str),
    /// A table of which only sections below it are there.
    Implied(&'static str, &'f Field<'t>),
    /// A key that is there too.
    Given(&'static str, &'f Field<'t>),
}

/// [`meant`], but for a key of the top level that is missing there: that is what it is, whatever is near.
fn sought<'f, 't>(
    root: View<'_, '_>,
    table: &'f Table<'t>,
    shape: &'static TableShape,
    name: &str,
) -> Option<Meant<'f, 't>> {
    let of_root = !shape.path.is_empty() && ROOT.key(name).is_some_and(|(_, key)| key.required);
    if of_root && root.get(name).is_none() { None } else { meant(table, shape, name) }
}

fn meant<'f, 't>(table: &'f Table<'t>, shape: &'static TableShape, name: &str) -> Option<Meant<'f, 't>> {
    let given = |key: &KeyShape| table.get(key.name).or_else(|| table.get(key.alias?));
    // The nearest, also where it is given: the next one may be the opposite.
    if let Some(nearest) = suggest::nearest(name, shape.keys.iter().map(|key| key.name))
        && let Some(field) = shape.key(nearest).and_then(|(_, key)| given(key))
    {
        let implied = field.value.as_table().is_some_and(|table| table.origin == Origin::Implicit);
        return Some(if implied { Meant::Implied(nearest, field) } else { Meant::Given(nearest, field) });
    }
    let missing = shape.keys.iter().filter(|key| given(key).is_none());
    suggest::closest(name, missing.map(|key| key.name)).map(Meant::Missing)
}

/// Whether a key that `view` lacks is most likely there under an unknown name, which is told.
pub(super) fn is_guessed(view: View<'_, '_>, key: &str) -> bool {
    let Some(table) = view.as_table().filter(|_| view.get(key).is_none()) else { return false };
    let unknown = table.fields.iter().map(|(name, _)| name).filter(|name| view.shape.key(name).is_none());
    unknown
        .take(MAX_GUESSES)
        .any(|name| matches!(meant(table, view.shape, name), Some(Meant::Missing(meant)) if meant == key))
}

/// Adds a missing key with a value to start from, in the words of the manifest where it has them.
fn missing_fix(
    cx: &Context<'_, '_>,
    table: &Table<'_>,
    shape: &'static TableShape,
    key: &'static KeyShape,
) -> Option<TextEdit> {
    let publisher = cx.publisher().unwrap_or("acme");
    let skill = || {
        let id = cx.root.text("skill_id").map(|id| id.trimmed()).filter(|id| grammar::is_skill_id(id));
        id.map_or_else(|| format!("{publisher}.skill"), ToOwned::to_owned)
    };
    let section = |header: &str, lines: &[&str]| {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Some(edits::add_section(cx.text, cx.document, header, &lines))
    };
    let value = match (shape.path, key.name) {
        ("", "entrypoints") | ("entrypoints", "tools") => {
            let id = format!("id = \"{publisher}.tool\"");
            return section(
                "[[entrypoints.tools]]",
                &[
                    &id,
                    "name = \"Tool\"",
                    "description = \"What the tool does.\"",
                    "input_schema = { type = \"object\" }",
                    "output_schema = { type = \"object\" }",
                ],
            );
        }
        ("", "compat") => {
            return section("[compat]", &["required_protocol_major = 1", "min_palyra_version = \"0.1.0\""]);
        }
        ("", "publisher") => {
            let of_skill = cx.root.text("skill_id").and_then(|id| id.trimmed().split_once('.')).map(|(first, _)| first);
            format!("\"{}\"", of_skill.filter(|first| grammar::is_identifier(first)).unwrap_or("acme"))
        }
        ("", "skill_id") => format!("\"{publisher}.skill\""),
        ("", "version") => "\"0.1.0\"".to_owned(),
        ("", "name") => "\"Skill\"".to_owned(),
        ("entrypoints.tools[]", "id") => format!("\"{publisher}.tool\""),
        ("entrypoints.tools[]", "name") => "\"Tool\"".to_owned(),
        ("entrypoints.tools[]", "description") => "\"What the tool does.\"".to_owned(),
        ("entrypoints.tools[]", _) => "{ type = \"object\" }".to_owned(),
        ("capabilities.secrets[]", "scope") => format!("\"skill:{}\"", skill()),
        ("builder", "checklist") => return None,
        _ if !key.example.is_empty() => key.example.to_owned(),
        _ => return None,
    };
    edits::add_key(cx.text, table, key.name, &value)
}

fn check_positional(cx: &mut Context<'_, '_>, view: View<'_, '_>, shape: &'static TableShape) {
    let known: Vec<(&str, Span)> = view.items().map(|(key, item)| (key.name, item.node.span)).collect();
    let entries: Vec<String> = known.iter().map(|(name, span)| format!("{name} = {}", span.of(cx.text))).collect();
    let named = if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) };
    cx.report(&POSITIONAL, view.span, format!("`{}` is written as an array: name its keys", shape.path))
        .safe_fix("Name the keys", vec![edits::replace(view.span, named)]);
    for key in shape.keys.iter().filter(|key| key.required) {
        if view.get(key.name).is_none() {
            cx.report(&MISSING_KEY, view.span, format!("`{}` needs `{}`", shape.path, key.name));
        }
    }
}

fn check_value(cx: &mut Context<'_, '_>, key: &'static KeyShape, node: &Node<'_>, strays: &Strays) {
    if matches!(node.kind, NodeKind::Invalid) {
        return;
    }
    match key.ty {
        Type::Any | Type::Schema => {}
        Type::String if node.as_str().is_some() => {}
        Type::Boolean if node.as_bool().is_some() => {}
        Type::U32 | Type::U64 => check_integer(cx, key, node),
        Type::Enum(allowed) => check_enum(cx, key, allowed, node),
        Type::Strings => match node.as_array() {
            Some(items) => {
                for item in items.iter().filter(|item| !matches!(item.kind, NodeKind::String(_) | NodeKind::Invalid)) {
                    wrong_type(cx, key, "a string", item);
                }
            }
            None => wrong_type(cx, key, key.ty.name(), node),
        },
        Type::Table(shape) => match View::of_node(node, shape) {
            Some(view) => check_table(cx, view, shape, strays),
            None => wrong_type(cx, key, key.ty.name(), node),
        },
        Type::Tables(shape) => match node.as_array() {
            Some(items) => {
                for item in items {
                    match View::of_node(item, shape) {
                        Some(view) => check_table(cx, view, shape, strays),
                        None if matches!(item.kind, NodeKind::Invalid) => {}
                        None => wrong_type(cx, key, "a table", item),
                    }
                }
            }
            None => wrong_type(cx, key, key.ty.name(), node),
        },
        Type::Map(shape) => match node.as_table() {
            Some(table) => {
                for field in table.fields.values() {
                    match View::of_node(&field.value, shape) {
                        Some(view) => check_table(cx, view, shape, strays),
                        None if matches!(field.value.kind, NodeKind::Invalid) => {}
                        None => wrong_type(cx, key, "a table", &field.value),
                    }
                }
            }
            None => wrong_type(cx, key, key.ty.name(), node),
        },
        _ => wrong_type(cx, key, key.ty.name(), node),
    }
}

fn check_integer(cx: &mut Context<'_, '_>, key: &'static KeyShape, node: &Node<'_>) {
    let Some(value) = node.as_integer() else {
        wrong_type(cx, key, key.ty.name(), node);
        return;
    };
    let max = if matches!(key.ty, Type::U32) { i128::from(u32::MAX) } else { i128::from(u64::MAX) };
    if !(0..=max).contains(&value) {
        cx.report(&OUT_OF_RANGE, node.span, format!("`{}` is {}: {value} is outside", key.name, key.ty.name()));
    }
}

fn check_enum(cx: &mut Context<'_, '_>, key: &'static KeyShape, allowed: &'static [&'static str], node: &Node<'_>) {
    // `kind = { memory_provider = {} }`: serde's long spelling of a variant.
    if let Some(table) = node.as_table()
        && table.fields.len() == 1
        && let Some((name, field)) = table.fields.first()
        && field.value.as_table().is_some_and(|inner| inner.fields.is_empty())
        && allowed.contains(&name.as_ref())
    {
        cx.report(&ENUM_TABLE, node.span, format!("write `{} = \"{name}\"`", key.name))
            .safe_fix("Write it as a string", vec![edits::replace(node.span, format!("\"{name}\""))]);
        return;
    }
    let Some(value) = node.as_str() else {
        wrong_type(cx, key, "a string", node);
        return;
    };
    if allowed.contains(&value) {
        return;
    }
    let shown = show::quoted(value);
    let usual = match value.to_ascii_lowercase().as_str() {
        _ if allowed != PROPERTY_TYPES => None,
        "array" | "list" => Some("string_list"),
        other => common::usual_type(other),
    };
    let meant = usual.or_else(|| suggest::closest(value, allowed.iter().copied()));
    let message = match meant {
        Some(meant) => format!("`{}` cannot be {shown}: did you mean `{meant}`?", key.name),
        None => format!("`{}` cannot be {shown}: it is one of {}", key.name, allowed.join(", ")),
    };
    let edit = meant.map(|meant| cx.set_string(node, meant));
    let finding = cx.report(&UNKNOWN_VALUE, node.span, message);
    if let (Some(meant), Some(edit)) = (meant, edit) {
        finding.unsafe_fix(format!("Write `{meant}`"), vec![edit]);
    }
}

fn wrong_type(cx: &mut Context<'_, '_>, key: &'static KeyShape, expected: &str, node: &Node<'_>) {
    // `[[a]]` that did not read leaves its sub-sections, which make a table of `a`.
    let by_headers = node.as_table().is_some_and(|table| table.origin != Origin::Inline);
    if cx.document.headers_broken && matches!(key.ty, Type::Tables(_)) && by_headers {
        return;
    }
    let raw = node.span.of(cx.text);
    if let (Type::Strings, NodeKind::String(value)) = (key.ty, &node.kind)
        && let Some(list) = as_list(key.name, value)
    {
        cx.report(&WRONG_TYPE, node.span, format!("`{}` takes {expected}, not one string", key.name))
            .unsafe_fix(format!("Write `{}`", show::plain(&list)), vec![edits::replace(node.span, list)]);
        return;
    }
    if let (Type::Boolean, Some(meant)) = (key.ty, as_boolean(node)) {
        cx.report(
            &WRONG_TYPE,
            node.span,
            format!("`{}` takes {expected}, not {}", spelled(key.name), node.type_name()),
        )
        .unsafe_fix(format!("Write `{meant}`"), vec![edits::replace(node.span, meant)]);
        return;
    }
    // What a person clearly means can be written in the right type.
    let converted = match (key.ty, &node.kind) {
        (Type::Boolean, NodeKind::String(s)) => matches!(s.trim(), "true" | "false").then(|| s.trim().to_owned()),
        (Type::U32 | Type::U64, NodeKind::String(s)) => s.trim().parse::<u64>().ok().map(|n| n.to_string()),
        (Type::U32 | Type::U64, NodeKind::Float(f)) => {
            (f.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(f)).then(|| format!("{f:.0}"))
        }
        (
            Type::String | Type::Strings | Type::Enum(_),
            NodeKind::Integer(_) | NodeKind::Float(_) | NodeKind::Boolean(_) | NodeKind::DateTime,
        ) if expected == "a string" => Some(format!("\"{raw}\"")),
        (Type::Strings, NodeKind::String(_)) => Some(format!("[{raw}]")),
        (Type::Tables(_), NodeKind::Table(table)) if table.origin == Origin::Inline => Some(format!("[{raw}]")),
        _ => None,
    };
    let mut edits: Vec<_> = converted.map(|new| edits::replace(node.span, new)).into_iter().collect();
    let mut title = "Write it in the right type";
    // `[a]` where `[[a]]` is meant; a header of a table below, `[a.b]`, says nothing of the kind.
    if let (Type::Tables(_), NodeKind::Table(table)) = (key.ty, &node.kind)
        && table.origin == Origin::Header
        && edits.is_empty()
        && raw.starts_with('[')
        && !raw.starts_with("[[")
    {
        edits = vec![edits::replace(node.span, format!("[{raw}]"))];
        title = "Write it as `[[…]]`";
    }
    cx.report(&WRONG_TYPE, node.span, format!("`{}` takes {expected}, not {}", spelled(key.name), node.type_name()))
        .safe_fix(title, edits);
}

/// The boolean that a value is in other formats.
fn as_boolean(node: &Node<'_>) -> Option<&'static str> {
    match &node.kind {
        NodeKind::Integer(1) => Some("true"),
        NodeKind::Integer(0) => Some("false"),
        NodeKind::String(word) => match word.trim() {
            // Meant beyond doubt, and repaired as such.
            "true" | "false" => None,
            word if ["true", "yes", "on", "1"].iter().any(|yes| word.eq_ignore_ascii_case(yes)) => Some("true"),
            word if ["false", "no", "off", "0"].iter().any(|no| word.eq_ignore_ascii_case(no)) => Some("false"),
            _ => None,
        },
        _ => None,
    }
}

/// The list that one string most likely is: what stands between its commas, or between the spaces of hosts, which have
/// none.
fn as_list(key: &str, value: &str) -> Option<String> {
    let spaced = key == "http_egress_allowlist";
    let parts: Vec<String> = value
        .split(|c: char| c == ',' || (spaced && c.is_whitespace()))
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(string)
        .collect();
    (parts.len() > 1).then(|| format!("[{}]", parts.join(", ")))
}

fn check_scattered(cx: &mut Context<'_, '_>) {
    let document = cx.document;
    let mut last: Option<&str> = None;
    let mut seen: Vec<(&str, Span)> = Vec::new();
    for header in &document.headers {
        let Some(first) = header.keys.first() else { continue };
        let name = first.name.as_ref();
        if last != Some(name) {
            if let Some((_, before)) = seen.iter().find(|(other, _)| *other == name) {
                let before = *before;
                cx.report(
                    &SCATTERED,
                    header.span,
                    format!("the sections of `{}` are scattered: move this one to the others", show::plain(name)),
                )
                .related(before, "the others are here");
            } else if ROOT.key(name).is_some() {
                // Only known tables: others are told already, and their number is bounded this way.
                seen.push((name, header.span));
            }
        }
        last = Some(name);
    }
}
