//! The documentation of completions, made when it is asked for: from a short key that a client keeps meanwhile.

use std::fmt::Write as _;

use skillyard_manifest::{
    config::config_values,
    is_unseen,
    shape::{KeyShape, TableShape, Type},
};

use super::{Cx, headers, keys};
use crate::{Facts, Source, doc::keyword_doc, keywords};

/// The key for the documentation of a key.
pub(super) fn key(shape: &TableShape, key: &KeyShape) -> String {
    format!("key|{}|{}", shape.path, key.name)
}

/// The key for the documentation of a table.
pub(super) fn table(shape: &TableShape) -> String {
    format!("table|{}", shape.path)
}

/// The key for the documentation of a fixed string.
pub(super) fn value(shape: &TableShape, key: &KeyShape, value: &str) -> String {
    format!("value|{}|{}|{value}", shape.path, key.name)
}

/// The documentation of a completion, as Markdown, from [`Completion::documentation`](super::Completion::documentation).
/// The key may come from anybody: `None` where it names nothing.
#[must_use]
pub fn document(source: &Source<'_>, facts: &Facts, key: &str) -> Option<String> {
    let (kind, rest) = key.split_once('|')?;
    match kind {
        "config" => {
            let mut parts = rest.split('|');
            let toml = parts.next()?;
            let keys: Vec<&str> = parts.collect();
            config_values(&keys).into_iter().find(|value| value.toml == toml).map(|value| value.doc)
        }
        "key" => {
            let (path, name) = rest.split_once('|')?;
            let shape = shape_at(source.shape, path)?;
            Some(of_key(shape, shape.key(name)?.1))
        }
        "table" => Some(of_table(shape_at(source.shape, rest)?)),
        "value" => {
            let mut parts = rest.splitn(3, '|');
            let shape = shape_at(source.shape, parts.next()?)?;
            let key = shape.key(parts.next()?)?.1;
            let Type::Enum(allowed) = key.ty else { return None };
            let value = parts.next()?;
            let value = allowed.iter().find(|allowed| **allowed == value)?;
            Some(format!("`{value}`: {}\n\n{}", of_value(shape, value), key.doc))
        }
        "word" => keywords::keyword(rest).map(|keyword| keyword_doc(keyword).markdown()),
        "type" => {
            let ty = keywords::TYPES.iter().find(|ty| ty.name == rest)?;
            Some(format!("**`{}`** · JSON Schema\n\nThe value is {}.", ty.name, ty.doc))
        }
        "module" => {
            let module = facts.modules.iter().find(|module| module.path == rest)?;
            let mut out = code(&module.path);
            let _ = write!(out, "\n\n{} bytes", module.bytes);
            if let Some(kind) = &module.kind {
                let _ = write!(out, ", {}", words(kind));
            }
            if !module.exports.is_empty() {
                let exports: Vec<String> = module.exports.iter().take(12).map(|export| code(export)).collect();
                let more = if module.exports.len() > 12 { ", …" } else { "" };
                let _ = write!(out, "\n\nExports {}{more}", exports.join(", "));
            }
            Some(out)
        }
        "tool" => {
            let (_, _, table) = source.tools().find(|(_, _, table)| {
                table.get("id").and_then(|field| field.value.as_str()).is_some_and(|id| id.trim() == rest)
            })?;
            let text = |key: &str| table.get(key).and_then(|field| field.value.as_str());
            let mut out = format!("**{}**", words(text("name").unwrap_or(rest)));
            if let Some(description) = text("description") {
                let _ = write!(out, "\n\n{}", words(description));
            }
            Some(out)
        }
        "part" => {
            let template = match rest {
                "tool" => headers::tool(&Cx::new(source, facts)),
                "manifest" => headers::manifest(),
                _ => return None,
            };
            Some(fence(&template.plain()))
        }
        _ => None,
    }
}

/// The shape with this path.
fn shape_at(shape: &'static TableShape, path: &str) -> Option<&'static TableShape> {
    if shape.path == path {
        return Some(shape);
    }
    shape.keys.iter().find_map(|key| match key.ty {
        Type::Table(inner) | Type::Tables(inner) | Type::Map(inner) => shape_at(inner, path),
        _ => None,
    })
}

fn of_key(shape: &TableShape, key: &KeyShape) -> String {
    let path = if shape.path.is_empty() { key.name.to_owned() } else { format!("{}.{}", shape.path, key.name) };
    let mut out = format!("**`{path}`** · {}\n\n{}", keys::detail(key), key.doc);
    if let Type::Enum(allowed) = key.ty {
        let allowed: Vec<String> = allowed.iter().map(|value| format!("`{value}`")).collect();
        let _ = write!(out, "\n\nOne of {}.", allowed.join(", "));
    }
    if !key.example.is_empty() {
        let _ = write!(out, "\n\n```toml\n{} = {}\n```", key.name, key.example);
    }
    out
}

fn of_table(shape: &TableShape) -> String {
    let mut out = format!("**`{}`**\n\n{}\n", shape.path, shape.doc);
    for key in shape.keys {
        let _ = write!(out, "\n- `{}`: {}", key.name, keys::detail(key));
    }
    out
}

/// What a fixed string means.
fn of_value(shape: &TableShape, value: &str) -> &'static str {
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

/// Text of others as plain words on one line: no link, no HTML, no heading, nothing that is not seen.
fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unseen(c) {
            // Escaped, and the escape's own characters too.
            c.escape_unicode().for_each(|c| push_word(&mut out, c));
        } else {
            push_word(&mut out, c);
        }
    }
    out
}

fn push_word(out: &mut String, c: char) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

/// Text of others as code on one line.
fn code(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) { line.extend(c.escape_unicode()) } else { line.push(c) }
    }
    let longest = line.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    format!("{fence} {line} {fence}")
}

/// Lines as TOML.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}toml\n{text}\n{fence}")
}

/// The key to the documentation of something that `skillyard.toml` takes.
pub(super) fn configured(keys: &[&str], toml: &str) -> String {
    format!("config|{toml}|{}", keys.join("|"))
}
