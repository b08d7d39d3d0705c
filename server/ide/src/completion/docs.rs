//! The documentation of completions, made when it is asked for: from a short key that a client keeps meanwhile.

use skillyard_manifest::{
    Options,
    config::{ConfigValue, config_values},
    document::Table,
    rules::{self, Rule},
    shape::{KeyShape, TableShape, Type},
};

use super::{Cx, headers};
use crate::{
    Doc, Facts, Source,
    doc::{key_doc, keyword_doc, module_doc, rule_page, table_doc, tool_intro, type_doc, value_doc},
    keywords,
    prose::Line,
};

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

/// The documentation of a completion, from [`Completion::documentation`](super::Completion::documentation).
/// The key may come from anybody: `None` where it names nothing.
#[must_use]
pub fn document(source: &Source<'_>, facts: &Facts, key: &str) -> Option<Doc> {
    let (kind, rest) = key.split_once('|')?;
    match kind {
        "config" => {
            let mut parts = rest.split('|');
            let toml = parts.next()?;
            let keys: Vec<&str> = parts.collect();
            config_values(&keys).into_iter().find(|value| value.toml == toml).map(|value| of_config(&value))
        }
        "key" => {
            let (path, name) = rest.split_once('|')?;
            let shape = shape_at(source.shape, path)?;
            Some(key_doc(shape, shape.key(name)?.1))
        }
        "table" => Some(table_doc(shape_at(source.shape, rest)?)),
        "value" => {
            let mut parts = rest.splitn(3, '|');
            let shape = shape_at(source.shape, parts.next()?)?;
            let key = shape.key(parts.next()?)?.1;
            let Type::Enum(allowed) = key.ty else { return None };
            let value = parts.next()?;
            Some(value_doc(shape, key, allowed.iter().find(|allowed| **allowed == value)?))
        }
        "word" => keywords::keyword(rest).map(keyword_doc),
        "type" => keywords::TYPES.iter().find(|ty| ty.name == rest).map(type_doc),
        "module" => facts.modules.iter().find(|module| module.path == rest).map(module_doc),
        "tool" => {
            let text = |table: &Table<'_>, key: &str| {
                table.get(key).and_then(|field| field.value.as_str()).unwrap_or_default().trim().to_owned()
            };
            let (_, _, table) = source.tools().find(|(_, _, table)| text(table, "id") == rest)?;
            Some(tool_intro(rest, &text(table, "name"), &text(table, "description")))
        }
        "part" => {
            let template = match rest {
                "tool" => headers::tool(&Cx::new(source, facts, &Options::default(), source.text)),
                "manifest" => headers::manifest(),
                _ => return None,
            };
            let mut doc = Doc::default();
            doc.toml(template.plain());
            Some(doc)
        }
        _ => None,
    }
}

/// What a key of `[rules]` stands for: a rule or a family. `None` where there is no such.
pub(crate) fn pattern(code: &str) -> Option<Doc> {
    if let Some(rule) = rules::find(code) {
        return Some(rule_page(rule));
    }
    let toml = format!("\"{code}\"");
    config_values(&["rules"]).iter().find(|value| value.toml == toml).map(of_config)
}

/// Something that `skillyard.toml` takes: the rule that it names, or the rules that it stands for.
fn of_config(value: &ConfigValue) -> Doc {
    if let [rule] = value.rules.as_slice()
        && value.toml.trim_matches('"') == rule.code
    {
        return rule_page(rule);
    }
    let mut doc = Doc::default();
    doc.say(&value.doc);
    let line = |rule: &&'static Rule| {
        Line::default().rule(rule.code).say(&format!(" ({}): {}", rule.severity.name(), rule.summary))
    };
    doc.list(value.rules.iter().map(line).collect());
    doc
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

/// The key to the documentation of something that `skillyard.toml` takes.
pub(super) fn configured(keys: &[&str], toml: &str) -> String {
    format!("config|{toml}|{}", keys.join("|"))
}
