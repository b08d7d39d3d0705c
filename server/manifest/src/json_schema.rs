//! The JSON Schemas of `skill.toml` and `skillyard.toml`, for editors and validators that know nothing of Skillyard. Made
//! from [`crate::shape`] and [`crate::config`]; draft 7, the one that TOML tools read.

use serde_json::{Map, Value, json};

use crate::{
    Level,
    config::CONFIG,
    shape::{KeyShape, ROOT, TableShape, Type},
};

/// The schema of a whole manifest.
///
/// It holds what a schema can say: keys, types, defaults, the small grammars. It refuses no manifest that a daemon
/// accepts and an author should write; the array spelling of tables is left out on purpose.
#[must_use]
pub fn json_schema() -> Value {
    of(&ROOT, "Palyra skill manifest", "skill")
}

/// The schema of a whole `skillyard.toml`. What it refuses, `check` refuses too; not the other way round.
#[must_use]
pub fn config_schema() -> Value {
    of(&CONFIG, "Skillyard's settings for a folder", "skillyard")
}

/// The schema of the file `name`.toml.
fn of(shape: &'static TableShape, title: &str, name: &str) -> Value {
    let mut rest = table(shape);
    let root = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "x-taplo-info": {
            "authors": ["Skillyard"],
            "patterns": [format!("^(.*(/|\\\\){name}\\.toml|{name}\\.toml)$")],
        },
    });
    let mut out = Map::new();
    for part in [root, rest.take()] {
        if let Value::Object(part) = part {
            out.extend(part);
        }
    }
    // The same text from every build: whether objects keep their order depends on who else uses the JSON crate.
    let mut schema = Value::Object(out);
    schema.sort_all_objects();
    schema
}

fn table(shape: &'static TableShape) -> Value {
    let mut properties = Map::new();
    for key in shape.keys {
        properties.insert(key.name.to_owned(), property(shape, key));
        if let Some(alias) = key.alias {
            let mut old = property(shape, key);
            old["deprecated"] = json!(true);
            old["description"] = json!(format!("Deprecated: write `{}`.", key.name));
            properties.insert(alias.to_owned(), old);
        }
    }
    // A key that has an older name is required under either.
    let plain: Vec<&str> = shape.keys.iter().filter(|k| k.required && k.alias.is_none()).map(|k| k.name).collect();
    let either: Vec<Value> = shape
        .keys
        .iter()
        .filter(|k| k.required)
        .filter_map(|k| Some(json!({ "oneOf": [{ "required": [k.name] }, { "required": [k.alias?] }] })))
        .collect();
    let mut out = json!({
        "type": "object",
        "description": shape.doc,
        "additionalProperties": false,
        "properties": properties,
    });
    if !plain.is_empty() {
        out["required"] = json!(plain);
    }
    if !either.is_empty() {
        out["allOf"] = json!(either);
    }
    out
}

fn property(shape: &TableShape, key: &KeyShape) -> Value {
    let mut out = match key.ty {
        Type::String => json!({ "type": "string" }),
        Type::Enum(allowed) => json!({ "type": "string", "enum": allowed }),
        Type::U32 => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        // Validators hold integers as they can: the largest u64 is beyond many of them.
        Type::U64 => json!({ "type": "integer", "minimum": 0 }),
        Type::Boolean => json!({ "type": "boolean" }),
        Type::Strings => json!({ "type": "array", "items": { "type": "string" } }),
        Type::Table(child) => table(child),
        Type::Tables(child) => json!({ "type": "array", "items": table(child) }),
        Type::Map(child) => json!({ "type": "object", "additionalProperties": table(child) }),
        Type::Values(inner) => json!({ "type": "object", "additionalProperties": property(shape, inner) }),
        Type::StringsOrValues(inner) => json!({ "anyOf": [
            { "type": "array", "items": { "type": "string" } },
            { "type": "object", "additionalProperties": property(shape, inner) },
        ] }),
        Type::Schema => json!({ "type": "object", "additionalProperties": true }),
        Type::Any => json!({}),
    };
    out["description"] = json!(key.doc);
    for (word, text) in [("default", key.default), ("example", key.example)] {
        if let Some(value) = toml_value(text) {
            if word == "default" {
                out["default"] = value;
            } else {
                out["examples"] = json!([value]);
            }
        }
    }
    for (word, limit) in limits(shape.path, key.name) {
        match word {
            "items" => out["items"] = merge(&out["items"], &limit),
            _ => out[word] = limit,
        }
    }
    out
}

fn merge(base: &Value, more: &Value) -> Value {
    let mut out = base.clone();
    for (key, value) in more.as_object().into_iter().flatten() {
        out[key] = value.clone();
    }
    out
}

fn toml_value(text: &str) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    let table: Map<String, Value> = toml::from_str(&format!("v = {text}")).ok()?;
    table.get("v").cloned()
}

/// The small grammars, as far as a pattern can tell them. White space around is left to the rules.
fn limits(path: &str, key: &str) -> Vec<(&'static str, Value)> {
    let identifier = json!("^\\s*[a-z0-9._:-]+\\s*$");
    let text = json!("\\S");
    let version = json!("^\\s*\\+?[0-9]+\\.\\+?[0-9]+\\.\\+?[0-9]+\\s*$");
    let label = json!({ "pattern": "^\\s*[a-z0-9._-]+\\s*$" });
    match (path, key) {
        // A level of `[rules]`.
        ("", "*") => vec![("enum", json!(Level::NAMES.map(|(name, _)| name)))],
        ("", "manifest_version") => vec![("enum", json!([1, 2]))],
        ("", "skill_id") => vec![("pattern", json!("^\\s*[a-z0-9_-]+(\\.[a-z0-9_-]+)*\\s*$"))],
        ("", "publisher") | ("entrypoints.tools[]", "id") | ("operator.plugin", "default_tool_id") => {
            vec![("pattern", identifier)]
        }
        ("", "version" | "palyra_version") | ("compat", "min_palyra_version" | "max_palyra_version") => {
            vec![("pattern", version)]
        }
        ("", "name") | ("entrypoints.tools[]", "name" | "description") => vec![("pattern", text)],
        ("entrypoints", "tools") | ("capabilities.secrets[]", "key_names") => vec![("minItems", json!(1))],
        ("capabilities.secrets[]", "scope") => {
            vec![("pattern", json!("^\\s*(global|(principal|channel|skill):\\s*[a-z0-9._:-]+)\\s*$"))]
        }
        ("capabilities.quotas", "max_memory_bytes") => vec![("minimum", json!(crate::grammar::MIN_MEMORY_BYTES))],
        ("capabilities.quotas", _) => vec![("minimum", json!(1))],
        ("operator", "display_name" | "summary" | "description") => vec![("pattern", text)],
        ("operator", "categories" | "tags") => vec![("items", label)],
        ("operator", "docs_url") => vec![("pattern", json!("^\\s*https://[^ #]*\\s*$"))],
        ("operator.plugin", "default_module_path") => vec![("pattern", json!("^modules/.*\\.wasm$"))],
        ("operator.plugin", "default_entrypoint") => vec![("pattern", json!("^\\s*[a-z0-9_-]+\\s*$"))],
        ("operator.plugin.contracts[]", "version") => vec![("enum", json!([1]))],
        ("operator.config", "schema_version") => vec![("minimum", json!(1))],
        ("operator.config.properties.*", "title" | "description") => vec![("pattern", text)],
        ("builder", "experimental") => vec![("const", json!(true))],
        ("builder", "source_kind" | "source_ref" | "rollout_flag") => vec![("pattern", text)],
        _ => Vec::new(),
    }
}
