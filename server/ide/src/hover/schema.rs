//! What is told within a JSON Schema: its keywords, its types, and the properties that it describes.

use skillyard_manifest::document::{Node, Table};

use super::Around;
use crate::{
    doc::keyword_doc,
    keywords::{self, Keyword, SchemaPlace, schema_place},
    names::{encoded, target},
    prose::{Doc, Line},
    source::{Mention, Path, Step},
};

impl<'s, 't> Around<'_, 's, 't> {
    /// A place `steps` below the top of a schema.
    pub(super) fn in_schema(&self, mention: &Mention<'s, 't>, steps: usize, in_value: bool) -> Doc {
        let path = &mention.path;
        let top = path.0.len().saturating_sub(steps);
        match schema_place(path.0.get(top..).unwrap_or_default()) {
            SchemaPlace::Keyword(keyword) => self.keyword(keyword, mention, in_value),
            SchemaPlace::Named(keyword) => self.named(keyword, path),
            SchemaPlace::Value(keyword) => self.within(keyword, path),
            SchemaPlace::Schema(Some(keyword)) => {
                let mut doc = Doc::default();
                if let Some(table) = self.source.table(path) {
                    described(table, &mut doc);
                }
                doc.append(keyword_doc(keyword));
                doc
            }
            SchemaPlace::Schema(None) => Doc::default(),
            SchemaPlace::Unknown => {
                let mut doc = Doc::default();
                if let Some(key) = path.key() {
                    doc.title(Line::default().code(key).say(" in a JSON Schema"));
                }
                doc.say("JSON Schema has no such keyword: nothing is checked by it.");
                doc
            }
        }
    }

    fn keyword(&self, keyword: &'static Keyword, mention: &Mention<'s, 't>, in_value: bool) -> Doc {
        let path = &mention.path;
        let mut doc = Doc::default();
        let node = self.source.node(path);
        let text = node.and_then(Node::as_str);
        if let Some(word) = text.filter(|_| in_value).and_then(|text| keywords::word(keyword, text)) {
            doc.paragraph(Line::default().code(word.name).say(": ").say(word.doc).say("."));
        }
        if keyword.name == "$ref"
            && let Some(table) = target(self.source, mention).and_then(|path| self.source.table(&path))
        {
            doc.say("What it points to:");
            described(table, &mut doc);
        }
        if keyword.name == "properties"
            && let Some(schema) = path.parent().and_then(|path| self.source.table(&path))
        {
            doc.list(properties(schema));
        }
        doc.append(keyword_doc(keyword));
        doc
    }

    /// A schema under a name that its author chose.
    fn named(&self, keyword: &'static Keyword, path: &Path<'t>) -> Doc {
        let mut doc = Doc::default();
        let Some(name) = path.key() else { return doc };
        let what = match keyword.name {
            "properties" => "Property ",
            "$defs" | "definitions" => "Schema ",
            "patternProperties" => "Properties whose names match ",
            _ => "Property ",
        };
        let mut title = Line::of(what).code(name);
        if keyword.name == "properties" {
            title = title.say(if self.is_required(path) { ", required" } else { ", optional" });
        }
        doc.title(title);
        if let Some(table) = self.source.table(path) {
            described(table, &mut doc);
        }
        if matches!(keyword.name, "$defs" | "definitions") {
            let part = encoded(name);
            doc.paragraph(
                Line::of("Point to it with ").code(&format!("\"$ref\" = \"#/{}/{part}\"", keyword.name)).say("."),
            );
        }
        doc.paragraph(Line::default().code(keyword.name).say(": ").say(keyword.doc));
        doc
    }

    /// Whether the schema around requires the property at `path`.
    fn is_required(&self, path: &Path<'t>) -> bool {
        let schema = path.parent().and_then(|path| path.parent());
        let required = schema.and_then(|path| self.source.node(&path)?.as_table()?.get("required")?.value.as_array());
        required.unwrap_or_default().iter().any(|item| item.as_str() == path.key())
    }

    /// Something in the value of a keyword.
    fn within(&self, keyword: &'static Keyword, path: &Path<'t>) -> Doc {
        let mut doc = Doc::default();
        let text = self.source.node(path).and_then(Node::as_str);
        if let Some(word) = text.and_then(|text| keywords::word(keyword, text)) {
            doc.paragraph(Line::default().code(word.name).say(": ").say(word.doc).say("."));
        }
        if keyword.name == "required"
            && let (Some(name), Some(schema)) = (text, path.parent().and_then(|path| path.parent()))
        {
            let property = schema.with(Step::Key("properties".into())).with(Step::Key(name.to_owned().into()));
            match self.source.table(&property) {
                Some(table) => {
                    doc.title(Line::of("Property ").code(name).say(", required"));
                    described(table, &mut doc);
                }
                None => doc.paragraph(Line::of("`properties` does not describe ").code(name).say(".")),
            }
        }
        doc.append(keyword_doc(keyword));
        doc
    }

    /// The schema of a tool's input or output as a whole.
    pub(super) fn schema(&self, path: &Path<'t>, doc: &mut Doc) {
        if let Some(table) = self.source.table(path) {
            described(table, doc);
        }
    }
}

/// A schema in a few lines: its own words, its type, its properties.
fn described(schema: &Table<'_>, doc: &mut Doc) {
    let text =
        |key: &str| schema.get(key).and_then(|field| field.value.as_str()).filter(|text| !text.trim().is_empty());
    let kind = kinds(schema);
    let mut line = Line::default();
    if !kind.is_empty() {
        line = line.say("Type: ").codes(kind);
    }
    doc.paragraph(line);
    for words in [text("title"), text("description")].into_iter().flatten() {
        doc.paragraph(Line::default().words(words.trim()));
    }
    doc.list(properties(schema));
}

/// The types that a schema allows.
fn kinds<'a>(schema: &'a Table<'_>) -> Vec<&'a str> {
    let Some(field) = schema.get("type") else { return Vec::new() };
    match field.value.as_array() {
        Some(items) => items.iter().filter_map(Node::as_str).collect(),
        None => field.value.as_str().into_iter().collect(),
    }
}

/// The properties of a schema, a line each.
fn properties(schema: &Table<'_>) -> Vec<Line> {
    let Some(properties) = schema.get("properties").and_then(|field| field.value.as_table()) else { return Vec::new() };
    let required = schema.get("required").and_then(|field| field.value.as_array()).unwrap_or_default();
    let required: std::collections::HashSet<&str> = required.iter().filter_map(Node::as_str).collect();
    let line = |(name, field): (&std::borrow::Cow<'_, str>, &skillyard_manifest::document::Field<'_>)| {
        let mut line = Line::default().code(name);
        let Some(table) = field.value.as_table() else { return line };
        let mut notes = kinds(table);
        notes.extend(required.contains(name.as_ref()).then_some("required"));
        if !notes.is_empty() {
            line = line.say(" (").words(&notes.join(", ")).say(")");
        }
        match table.get("description").and_then(|field| field.value.as_str()) {
            Some(description) => line.say(": ").words(description.trim()),
            None => line,
        }
    };
    properties.fields.iter().map(line).collect()
}
