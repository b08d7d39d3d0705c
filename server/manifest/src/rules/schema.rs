//! The JSON Schemas of the tools: checked where they are written, never fetched from anywhere.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, Hash, Hasher},
    sync::{LazyLock, Mutex, PoisonError},
};

use jsonschema::{Draft, error::ValidationErrorKind};
use serde_json::{Map, Number, Value};

use super::{Context, Family, FixKind, Rule, common, plain_schema::is_plain};
use crate::{
    deep,
    diagnostic::{Daemon, Severity, Tag},
    document::{Node, NodeKind, Table},
    edits, show, suggest,
    text::Span,
};

pub(super) static FAMILY: Family = Family {
    name: "schema",
    about: "The JSON Schemas of the tools' input and output.",
    rules: &[
        &NOT_A_TABLE,
        &INVALID,
        &UNKNOWN_TYPE,
        &UNKNOWN_DIALECT,
        &OUTSIDE_REF,
        &BROKEN_REF,
        &DATE_TIME,
        &NOT_FINITE,
        &REQUIRED_UNDECLARED,
        &BAD_PATTERN,
        &UNKNOWN_KEYWORD,
        &TOO_LARGE,
    ],
    check,
};

static NOT_A_TABLE: Rule = Rule {
    code: "schema/not-a-table",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A schema is not a table",
    details: "`input_schema` and `output_schema` are JSON Schemas written as TOML tables. The booleans that JSON Schema allows \
              in place of a schema are refused here; `{}` says the same as `true`.",
    bad: "[[entrypoints.tools]]\nid = \"acme.weather.today\"\nname = \"Today\"\ndescription = \"Tells the weather.\"\n\
          input_schema = \"object\"\noutput_schema = {}",
    good: "[[entrypoints.tools]]\nid = \"acme.weather.today\"\nname = \"Today\"\ndescription = \"Tells the weather.\"\n\
           input_schema = { type = \"object\" }\noutput_schema = {}",
};

static INVALID: Rule = Rule {
    code: "schema/invalid",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A keyword of a schema has a value that JSON Schema does not allow",
    details: "The schema is checked against the metaschema that its `$schema` names, else against draft 2020-12. A daemon takes \
              it unread, and every call of the tool fails on it later.",
    bad: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
          input_schema = { type = \"object\", required = \"city\" }, output_schema = {} }]",
    good: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
           input_schema = { type = \"object\", required = [\"city\"], properties = { city = {} } }, output_schema = {} }]",
};

static UNKNOWN_TYPE: Rule = Rule {
    code: "schema/unknown-type",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "`type` names a type that JSON Schema does not have",
    details: "The types are `object`, `array`, `string`, `number`, `integer`, `boolean` and `null`.",
    bad: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
          input_schema = { type = \"objct\" }, output_schema = {} }]",
    good: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
           input_schema = { type = \"object\" }, output_schema = {} }]",
};

static UNKNOWN_DIALECT: Rule = Rule {
    code: "schema/unknown-dialect",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "`$schema` names a dialect that is not built in",
    details: "Known are the JSON Schema drafts 4, 6, 7, 2019-09 and 2020-12. Others would have to be fetched, and nothing is \
              ever fetched. Leave `$schema` out for draft 2020-12.",
    bad: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
          input_schema = { \"$schema\" = \"https://acme.example/schema\" }, output_schema = {} }]",
    good: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
           input_schema = { \"$schema\" = \"https://json-schema.org/draft/2020-12/schema\" }, output_schema = {} }]",
};

static OUTSIDE_REF: Rule = Rule {
    code: "schema/outside-ref",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "A reference points outside the schema",
    details: "Nothing is ever fetched, from the network or from disk: a schema holds all it needs. Put the other schema below \
              `$defs` and point to it with `#/$defs/<name>`.",
    bad: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
          input_schema = { \"$ref\" = \"https://acme.example/city.json\" }, output_schema = {} }]",
    good: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
           input_schema = { \"$ref\" = \"#/$defs/city\", \"$defs\" = { city = { type = \"object\" } } }, output_schema = {} }]",
};

static BROKEN_REF: Rule = Rule {
    code: "schema/broken-ref",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "A reference points to nothing in the schema",
    details: "`#/a/b` is a path from the top of the schema, with `~1` for `/` and `~0` for `~` in a name; `#name` is a \
              `$anchor`. Each schema of a tool is a document of its own.",
    bad: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
          input_schema = { \"$ref\" = \"#/$defs/citty\", \"$defs\" = { city = {} } }, output_schema = {} }]",
    good: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
           input_schema = { \"$ref\" = \"#/$defs/city\", \"$defs\" = { city = {} } }, output_schema = {} }]",
};

static DATE_TIME: Rule = Rule {
    code: "schema/date-time",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A date stands in a schema, where JSON has none",
    details: "JSON has no dates. A daemon turns a TOML date into a private marker object that no input ever equals. Write it as \
              a string.",
    bad: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
          input_schema = { default = 2026-01-01 }, output_schema = {} }]",
    good: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
           input_schema = { default = \"2026-01-01\" }, output_schema = {} }]",
};

static NOT_FINITE: Rule = Rule {
    code: "schema/not-finite",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "An infinity or NaN stands in a schema, where JSON has none",
    details: "A daemon reads it as null, and packaging cannot write it. Leave out a bound that is infinite.",
    bad: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
          input_schema = { maximum = inf }, output_schema = {} }]",
    good: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
           input_schema = { type = \"number\" }, output_schema = {} }]",
};

static REQUIRED_UNDECLARED: Rule = Rule {
    code: "schema/required-undeclared",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "`required` names a property that is not declared",
    details: "A caller learns from `properties` what to send. A required property that is not declared there is nearly always \
              a misspelt one, and then no input fits.",
    bad: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
          input_schema = { required = [\"citty\"], properties = { city = {} } }, output_schema = {} }]",
    good: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
           input_schema = { required = [\"city\"], properties = { city = {} } }, output_schema = {} }]",
};

static BAD_PATTERN: Rule = Rule {
    code: "schema/bad-pattern",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "A `pattern` is no regular expression that compiles",
    details: "Patterns are ECMAScript regular expressions. One that does not compile, or that would need more memory than a \
              pattern is given, fails every call of the tool. In a TOML string in double quotes a backslash is doubled; single \
              quotes spare that.",
    bad: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
          input_schema = { properties = { zip = { pattern = '^[0-9{5}$' } } }, output_schema = {} }]",
    good: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
           input_schema = { properties = { zip = { pattern = '^[0-9]{5}$' } } }, output_schema = {} }]",
};

static UNKNOWN_KEYWORD: Rule = Rule {
    code: "schema/unknown-keyword",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "A key of a schema is nearly, but not quite, a keyword",
    details: "JSON Schema ignores keys that it does not know, so that a misspelt keyword silently checks nothing. Keys that are \
              not near any keyword are taken for annotations and left alone.",
    bad: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
          input_schema = { propertes = { city = {} } }, output_schema = {} }]",
    good: "[entrypoints]\ntools = [{ id = \"acme.weather.today\", name = \"Today\", description = \"Tells the weather.\", \
           input_schema = { properties = { city = {} } }, output_schema = {} }]",
};

static TOO_LARGE: Rule = Rule {
    code: "schema/too-large",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "A schema is too large or too deep to be checked",
    details: "Checking stops at 20000 values or 64 levels in one schema, so that no manifest can hold up an editor or a build. \
              Such a schema is hard on every caller, too.",
    bad: "[[entrypoints.tools]]\nid = \"acme.weather.today\"\nname = \"Today\"\ndescription = \"Tells the weather.\"\n\
          output_schema = {}\ninput_schema.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.\
          a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1",
    good: "[[entrypoints.tools]]\nid = \"acme.weather.today\"\nname = \"Today\"\ndescription = \"Tells the weather.\"\n\
           output_schema = {}\ninput_schema.type = \"object\"",
};

/// Values in one schema that are looked at.
const MAX_VALUES: usize = 20_000;
/// Levels of one schema that are looked at.
const MAX_DEPTH: usize = 64;
/// Metaschema violations that are reported of one schema.
const MAX_VIOLATIONS: usize = 50;

fn check(cx: &mut Context<'_, '_>) {
    for tool in cx.tools() {
        for name in ["input_schema", "output_schema"] {
            let Some(item) = tool.get(name) else { continue };
            check_schema(cx, name, item.node);
        }
    }
}

fn check_schema(cx: &mut Context<'_, '_>, name: &str, node: &Node<'_>) {
    let table = match &node.kind {
        NodeKind::Table(table) => table,
        NodeKind::Invalid => return,
        // A daemon's reader makes a date a table of its own kind.
        NodeKind::DateTime => {
            Walk::new(cx).free(node);
            return;
        }
        // The place of such an array is its first header: only that header can be written anew.
        NodeKind::Array(array) if array.of_tables => {
            let raw = node.span.of(cx.text);
            let single = raw.strip_prefix('[').and_then(|raw| raw.strip_suffix(']')).filter(|_| array.items.len() == 1);
            let edits = single.map(|header| edits::replace(node.span, header)).into_iter().collect();
            cx.report(&NOT_A_TABLE, node.span, format!("`{name}` is a table, not {}", node.type_name()))
                .unsafe_fix("Write it as `[…]`", edits);
            return;
        }
        _ => {
            let edits = vec![edits::replace(node.span, "{ type = \"object\" }")];
            cx.report(&NOT_A_TABLE, node.span, format!("`{name}` is a table, not {}", node.type_name()))
                .unsafe_fix("Write `{ type = \"object\" }`", edits);
            return;
        }
    };
    let mut count = 0;
    let depth = measure(node, &mut count);
    if count > MAX_VALUES || depth > MAX_DEPTH {
        cx.report(
            &TOO_LARGE,
            node.span,
            format!("this schema has {count} values on {depth} levels: it is not checked"),
        );
        return;
    }
    let mut walk = Walk::new(cx);
    walk.root = Some(table);
    walk.anchors(table);
    walk.schema(table, false);
    let Walk { told, dialect_unknown, .. } = walk;
    if !dialect_unknown && !is_plain(table) {
        check_metaschema(cx, node, depth, &told);
    }
}

/// How deep a value nests, adding the number of its values to `count`.
fn measure(node: &Node<'_>, count: &mut usize) -> usize {
    *count += 1;
    match &node.kind {
        NodeKind::Array(array) => 1 + array.items.iter().map(|item| measure(item, count)).max().unwrap_or(0),
        NodeKind::Table(table) => 1 + table.fields.values().map(|f| measure(&f.value, count)).max().unwrap_or(0),
        _ => 0,
    }
}

// ---- against the metaschema ----

/// Schemas that are kept as valid: a text is analysed again at every keystroke, and nearly all its schemas stay.
const MAX_VALID: usize = 16_384;

/// What the metaschema found nothing in, by fingerprint.
static VALID: LazyLock<Mutex<HashSet<u64>>> = LazyLock::new(Mutex::default);

/// A number that two schemas share only if they say the same: seeded anew in each process, so that none can be made.
fn fingerprint(node: &Node<'_>) -> u64 {
    static SEED: LazyLock<foldhash::quality::RandomState> = LazyLock::new(Default::default);
    let mut hasher = SEED.build_hasher();
    feed(node, &mut hasher);
    hasher.finish()
}

fn feed(node: &Node<'_>, hasher: &mut impl Hasher) {
    std::mem::discriminant(&node.kind).hash(hasher);
    match &node.kind {
        NodeKind::Invalid | NodeKind::DateTime => {}
        NodeKind::String(s) => s.hash(hasher),
        NodeKind::Integer(i) => i.hash(hasher),
        NodeKind::Float(f) => f.to_bits().hash(hasher),
        NodeKind::Boolean(b) => b.hash(hasher),
        NodeKind::Array(array) => {
            array.items.len().hash(hasher);
            array.items.iter().for_each(|item| feed(item, hasher));
        }
        NodeKind::Table(table) => {
            table.fields.len().hash(hasher);
            for (key, field) in &table.fields {
                key.hash(hasher);
                feed(&field.value, hasher);
            }
        }
    }
}

fn check_metaschema(cx: &mut Context<'_, '_>, node: &Node<'_>, depth: usize, told: &HashSet<Span>) {
    let fingerprint = fingerprint(node);
    if VALID.lock().unwrap_or_else(PoisonError::into_inner).contains(&fingerprint) {
        return;
    }
    let Some(schema) = json(node) else { return };
    let errors: Vec<Violation> = deep::run(depth * 3, || {
        let validator = match Draft::default().detect(&schema) {
            Draft::Draft4 => jsonschema::draft4::meta::validator(),
            Draft::Draft6 => jsonschema::draft6::meta::validator(),
            Draft::Draft7 => jsonschema::draft7::meta::validator(),
            Draft::Draft201909 => jsonschema::draft201909::meta::validator(),
            _ => jsonschema::draft202012::meta::validator(),
        };
        if validator.is_valid(&schema) {
            return Vec::new();
        }
        let mut errors: Vec<Violation> = Vec::new();
        for error in validator.iter_errors(&schema).take(MAX_VIOLATIONS) {
            let pointer: Vec<String> = error.instance_path().as_str().split('/').skip(1).map(unescape).collect();
            // Keywords shared by several vocabularies say the same thing more than once.
            if errors.iter().any(|other| other.pointer == pointer) {
                continue;
            }
            let message = violation(pointer.last(), error.kind(), error.instance());
            // What is wrong with a list of types is told as no more than that none of its forms fits.
            let repeats = matches!(error.kind(), ValidationErrorKind::UniqueItems)
                || (error.instance().is_array() && pointer.last().is_some_and(|keyword| keyword == "type"));
            errors.push(Violation { pointer, message, wanted: Wanted::of(error.kind()), repeats });
        }
        errors
    });
    if errors.is_empty() {
        let mut valid = VALID.lock().unwrap_or_else(PoisonError::into_inner);
        if valid.len() >= MAX_VALID {
            valid.clear();
        }
        valid.insert(fingerprint);
    }
    for Violation { pointer, message, wanted, repeats } in errors {
        let (key, value) = locate(node, &pointer);
        if told.iter().any(|told| told.intersects(value.span)) || (repeats && report_repeats(cx, value)) {
            continue;
        }
        let converted = wanted.and_then(|wanted| wanted.converted(cx.text, value));
        let edits = converted.map(|new| edits::replace(value.span, new)).into_iter().collect();
        let mut finding = cx.report(&INVALID, value.span, message);
        if let Some(key) = key {
            finding = finding.related(key, "the keyword");
        }
        finding.safe_fix("Write it in the right type", edits);
    }
}

/// Reports the elements of a list of a schema that an earlier one is equal to; whether there are any.
fn report_repeats(cx: &mut Context<'_, '_>, list: &Node<'_>) -> bool {
    let items = list.as_array().unwrap_or_default().iter();
    let repeated = common::repeated(items.filter_map(|item| Some((json(item)?.to_string(), item))));
    for (first, again) in &repeated {
        let shown = again.as_str().map_or_else(|| "the same".to_owned(), show::quoted);
        let edit = cx.remove_listed(again);
        cx.report(
            &INVALID,
            again.span,
            format!("{shown} is listed twice, and a schema takes this list without repeats"),
        )
        .related(first.span, "first here")
        .tag(Tag::Unnecessary)
        .safe_fix("Remove the repetition", vec![edit]);
    }
    !repeated.is_empty()
}

/// What the metaschema refuses.
struct Violation {
    /// The way to it from the schema.
    pointer: Vec<String>,
    message: String,
    wanted: Option<Wanted>,
    /// Whether it is, or may be, that elements of a list are equal.
    repeats: bool,
}

/// The type that a keyword takes, where a string can be written in it.
#[derive(Clone, Copy)]
enum Wanted {
    Integer,
    Number,
    Array,
}

impl Wanted {
    fn of(kind: &ValidationErrorKind) -> Option<Self> {
        let ValidationErrorKind::Type { kind: jsonschema::error::TypeKind::Single(wanted) } = kind else { return None };
        match wanted.to_string().as_str() {
            "integer" => Some(Self::Integer),
            "number" => Some(Self::Number),
            "array" => Some(Self::Array),
            _ => None,
        }
    }

    /// A string as what it evidently is: a number in quotes, or the only one of a list.
    fn converted(self, text: &str, node: &Node<'_>) -> Option<String> {
        let value = node.as_str()?;
        let digits = value.strip_prefix('-').unwrap_or(value);
        let (whole, rest) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        // TOML reads no leading zero, and no integer beyond 64 bits.
        let plain =
            is_number(whole) && is_number(rest) && (whole == "0" || !whole.starts_with('0')) && whole.len() < 19;
        match self {
            Self::Integer if plain && !digits.contains('.') => Some(value.to_owned()),
            Self::Number if plain => Some(value.to_owned()),
            Self::Array if !value.contains([',', ' ']) => Some(format!("[{}]", node.span.of(text))),
            _ => None,
        }
    }
}

fn violation(keyword: Option<&String>, kind: &ValidationErrorKind, value: &Value) -> String {
    let keyword = keyword.map_or_else(|| "the schema".to_owned(), |keyword| show::quoted(keyword));
    let found = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::String(s) => show::quoted(s),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    };
    match kind {
        ValidationErrorKind::Type { kind } => {
            let wanted = match kind {
                jsonschema::error::TypeKind::Single(one) => one.to_string(),
                jsonschema::error::TypeKind::Multiple(many) => {
                    many.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or ")
                }
            };
            format!("{keyword} in a schema takes {wanted}, not {found}")
        }
        ValidationErrorKind::Minimum { limit } | ValidationErrorKind::ExclusiveMinimum { limit } => {
            format!("{keyword} in a schema takes no number below {limit}: {found}")
        }
        ValidationErrorKind::MinItems { .. } => format!("{keyword} in a schema takes a list that is not empty"),
        ValidationErrorKind::UniqueItems => format!("{keyword} in a schema takes a list without repeats"),
        ValidationErrorKind::Enum { options } => format!("{keyword} in a schema is one of {options}, not {found}"),
        _ => format!("{keyword} in a schema cannot be {found}"),
    }
}

/// The key and the value that a JSON pointer into a schema names; the nearest that there is.
fn locate<'d, 't>(schema: &'d Node<'t>, pointer: &[String]) -> (Option<Span>, &'d Node<'t>) {
    let mut node = schema;
    let mut key = None;
    for part in pointer {
        let next = match &node.kind {
            NodeKind::Table(table) => table.get(part).map(|field| {
                key = Some(field.key);
                &field.value
            }),
            NodeKind::Array(array) => part.parse::<usize>().ok().and_then(|i| array.items.get(i)),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    (key, node)
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// A value as JSON, dates and all that did not read left out. `None` for what JSON has no word for.
fn json(node: &Node<'_>) -> Option<Value> {
    Some(match &node.kind {
        NodeKind::Invalid | NodeKind::DateTime => return None,
        NodeKind::String(s) => Value::String(s.to_string()),
        NodeKind::Boolean(b) => Value::Bool(*b),
        NodeKind::Integer(i) => Value::Number(Number::from_i128(*i)?),
        NodeKind::Float(f) => Value::Number(Number::from_f64(*f)?),
        NodeKind::Array(array) => Value::Array(array.items.iter().filter_map(json).collect()),
        NodeKind::Table(table) => {
            let mut map = Map::new();
            for (key, field) in &table.fields {
                if let Some(value) = json(&field.value) {
                    map.insert(key.to_string(), value);
                }
            }
            Value::Object(map)
        }
    })
}

// ---- what a metaschema cannot say ----

pub(super) const TYPES: [&str; 7] = ["object", "array", "string", "number", "integer", "boolean", "null"];

/// Keywords whose value is one schema.
const ONE: [&str; 12] = [
    "additionalProperties",
    "additionalItems",
    "items",
    "contains",
    "propertyNames",
    "if",
    "then",
    "else",
    "not",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];
/// Keywords whose value is a list of schemas.
const MANY: [&str; 5] = ["allOf", "anyOf", "oneOf", "prefixItems", "items"];
/// Keywords whose value is a table of schemas.
const NAMED: [&str; 6] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];
/// The other keywords.
const PLAIN: [&str; 44] = [
    "$schema",
    "$id",
    "id",
    "$ref",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$vocabulary",
    "$comment",
    "type",
    "enum",
    "const",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "format",
    "contentEncoding",
    "contentMediaType",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxContains",
    "minContains",
    "maxProperties",
    "minProperties",
    "required",
    "dependentRequired",
    "discriminator",
    "example",
    "nullable",
];

/// How the schemas behind a keyword stand there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subschemas {
    /// The value itself may be one.
    pub one: bool,
    /// They may be the elements of a list.
    pub listed: bool,
}

/// The schemas right behind a keyword; all false for one that has none there (those in a table, as `properties`, have
/// names in front of them), and for what is no keyword.
#[must_use]
pub fn subschemas(keyword: &str) -> Subschemas {
    Subschemas { one: ONE.contains(&keyword), listed: MANY.contains(&keyword) }
}

/// Every keyword that a key of a schema can be.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    ONE.into_iter().chain(MANY).chain(NAMED).chain(PLAIN)
}

static KEYWORDS: LazyLock<HashSet<&'static str, foldhash::fast::RandomState>> = LazyLock::new(|| keywords().collect());

struct Walk<'n, 'c, 'd, 't> {
    cx: &'c mut Context<'d, 't>,
    root: Option<&'n Table<'n>>,
    anchors: HashSet<String>,
    ids: HashSet<String>,
    /// What was told here, so that the metaschema does not tell it again.
    told: HashSet<Span>,
    dialect_unknown: bool,
}

impl<'n, 'c, 'd, 't> Walk<'n, 'c, 'd, 't> {
    fn new(cx: &'c mut Context<'d, 't>) -> Self {
        Self {
            cx,
            root: None,
            anchors: HashSet::new(),
            ids: HashSet::new(),
            told: HashSet::new(),
            dialect_unknown: false,
        }
    }

    /// Notes every anchor and `$id` below a table.
    fn anchors(&mut self, table: &Table<'_>) {
        for (key, field) in &table.fields {
            if let Some(name) = field.value.as_str() {
                match key.as_ref() {
                    "$anchor" | "$dynamicAnchor" => drop(self.anchors.insert(name.to_owned())),
                    "$id" | "id" => drop(self.ids.insert(name.trim_end_matches('#').to_owned())),
                    _ => {}
                }
            }
            self.anchors_of(&field.value);
        }
    }

    fn anchors_of(&mut self, node: &Node<'_>) {
        match &node.kind {
            NodeKind::Table(table) => self.anchors(table),
            NodeKind::Array(array) => array.items.iter().for_each(|item| self.anchors_of(item)),
            _ => {}
        }
    }

    /// One schema. `within` where it only adds conditions to a schema around it.
    fn schema(&mut self, table: &'n Table<'n>, within: bool) {
        for (key, field) in &table.fields {
            let key = key.as_ref();
            let value = &field.value;
            match key {
                "type" => self.types(value),
                "$schema" => self.dialect(value),
                "$ref" | "$dynamicRef" | "$recursiveRef" => self.reference(value),
                "pattern" => self.pattern(value),
                "required" => self.required(table, value, within),
                "enum" | "const" | "default" | "examples" | "example" => {
                    self.free(value);
                    continue;
                }
                "patternProperties" => {
                    for (pattern, field) in value.as_table().into_iter().flat_map(|t| &t.fields) {
                        self.pattern_text(pattern, field.key);
                    }
                }
                _ if !KEYWORDS.contains(key) => {
                    self.unknown(table, key, field.key);
                    self.free(value);
                    continue;
                }
                _ => {}
            }
            let conditions =
                matches!(key, "allOf" | "anyOf" | "oneOf" | "if" | "then" | "else" | "not" | "dependentSchemas");
            self.below(key, value, conditions);
        }
    }

    fn below(&mut self, key: &str, value: &'n Node<'n>, conditions: bool) {
        match &value.kind {
            NodeKind::Table(table) if NAMED.contains(&key) => {
                for field in table.fields.values() {
                    match &field.value.kind {
                        NodeKind::Table(schema) => self.schema(schema, conditions),
                        _ => self.free(&field.value),
                    }
                }
            }
            NodeKind::Table(table) if ONE.contains(&key) => self.schema(table, conditions),
            NodeKind::Array(array) if MANY.contains(&key) => {
                for item in &array.items {
                    match &item.kind {
                        NodeKind::Table(schema) => self.schema(schema, conditions),
                        _ => self.free(item),
                    }
                }
            }
            _ => self.free(value),
        }
    }

    /// Any JSON: only what JSON has no word for is wrong in it.
    fn free(&mut self, node: &Node<'_>) {
        match &node.kind {
            NodeKind::DateTime => {
                let raw = node.span.of(self.cx.text);
                let edits = vec![edits::replace(node.span, format!("\"{raw}\""))];
                self.told.insert(node.span);
                self.cx
                    .report(&DATE_TIME, node.span, "JSON has no dates: write this one as a string")
                    .safe_fix("Put it in quotes", edits);
            }
            NodeKind::Float(f) if !f.is_finite() => {
                self.told.insert(node.span);
                self.cx.report(&NOT_FINITE, node.span, format!("JSON has no `{f}`: the skill cannot be packaged"));
            }
            NodeKind::Array(array) => array.items.iter().for_each(|item| self.free(item)),
            NodeKind::Table(table) => table.fields.values().for_each(|field| self.free(&field.value)),
            _ => {}
        }
    }

    fn types(&mut self, value: &Node<'_>) {
        let one = std::slice::from_ref(value);
        for item in value.as_array().unwrap_or(one) {
            let Some(name) = item.as_str() else { continue };
            if TYPES.contains(&name) {
                continue;
            }
            self.told.insert(item.span);
            self.told.insert(value.span);
            let meant = match name.to_ascii_lowercase().as_str() {
                "list" => Some("array"),
                "dict" | "map" | "table" => Some("object"),
                "none" | "nil" => Some("null"),
                other => common::usual_type(other).or_else(|| suggest::closest(other, TYPES.into_iter())),
            };
            let shown = show::quoted(name);
            let message = match meant {
                Some(meant) => format!("JSON Schema has no type {shown}: did you mean `{meant}`?"),
                None => format!("JSON Schema has no type {shown}: it has {}", TYPES.join(", ")),
            };
            let edit = meant.map(|meant| (meant, self.cx.set_string(item, meant)));
            let finding = self.cx.report(&UNKNOWN_TYPE, item.span, message);
            if let Some((meant, edit)) = edit {
                finding.unsafe_fix(format!("Write `{meant}`"), vec![edit]);
            }
        }
    }

    fn dialect(&mut self, value: &Node<'_>) {
        const KNOWN: [&str; 5] = [
            "json-schema.org/draft/2020-12/schema",
            "json-schema.org/draft/2019-09/schema",
            "json-schema.org/draft-07/schema",
            "json-schema.org/draft-06/schema",
            "json-schema.org/draft-04/schema",
        ];
        let Some(uri) = value.as_str() else { return };
        let bare = uri.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('#');
        if KNOWN.contains(&bare) {
            return;
        }
        self.dialect_unknown = true;
        let edit = self.cx.set_string(value, "https://json-schema.org/draft/2020-12/schema");
        let message = format!(
            "the dialect {} is not known here, and nothing is ever fetched: name a published draft of JSON Schema, such as 2020-12",
            show::quoted(uri)
        );
        self.cx.report(&UNKNOWN_DIALECT, value.span, message).unsafe_fix("Use draft 2020-12", vec![edit]);
    }

    fn reference(&mut self, value: &Node<'_>) {
        let Some(target) = value.as_str() else { return };
        let (base, fragment) = target.split_once('#').unwrap_or((target, ""));
        if !base.is_empty() {
            if !self.ids.contains(base) {
                let message = format!("{} is outside this schema, and nothing is ever fetched", show::quoted(target));
                self.cx.report(&OUTSIDE_REF, value.span, message);
            }
            return;
        }
        let Some(root) = self.root else { return };
        if fragment.is_empty() {
            return;
        }
        let fragment = percent_decoded(fragment);
        let Some(pointer) = fragment.strip_prefix('/') else {
            if !self.anchors.contains(fragment.as_str()) {
                let message = format!(
                    "no `$anchor` in this schema is named {}: add it, or point to `#/$defs/…`",
                    show::quoted(&fragment)
                );
                self.cx.report(&BROKEN_REF, value.span, message);
            }
            return;
        };
        // Embedded documents have roots of their own; theirs are not judged.
        if !self.ids.is_empty() {
            return;
        }
        let mut table = Some(root);
        let mut list: Option<&[Node<'_>]> = None;
        let parts: Vec<String> = pointer.split('/').map(unescape).collect();
        for (i, part) in parts.iter().enumerate() {
            let next = match (table, list) {
                (Some(table), _) => table.get(part).map(|field| &field.value),
                (None, Some(items)) => part.parse::<usize>().ok().and_then(|at| items.get(at)),
                (None, None) => None,
            };
            let Some(next) = next else {
                let keys = table.into_iter().flat_map(|table| table.fields.keys().map(AsRef::as_ref));
                let meant = suggest::closest(part, keys.filter(|key| i == 0 || !key.is_empty()));
                let message = match meant {
                    Some(meant) => {
                        format!("{} points to nothing: did you mean `{}`?", show::quoted(target), show::plain(meant))
                    }
                    None => format!("{} points to nothing in this schema", show::quoted(target)),
                };
                let fixed = meant.map(|meant| {
                    let mut parts: Vec<String> = parts.clone();
                    parts[i] = meant.to_owned();
                    let path: Vec<String> =
                        parts.iter().map(|part| part.replace('~', "~0").replace('/', "~1")).collect();
                    (meant, self.cx.set_string(value, &format!("#/{}", path.join("/"))))
                });
                let finding = self.cx.report(&BROKEN_REF, value.span, message);
                if let Some((meant, edit)) = fixed {
                    finding.unsafe_fix(format!("Point to {}", show::quoted(meant)), vec![edit]);
                }
                return;
            };
            table = next.as_table();
            list = next.as_array();
        }
    }

    fn required(&mut self, table: &Table<'_>, value: &Node<'_>, within: bool) {
        let declared = table.get("properties").and_then(|field| field.value.as_table());
        // Elsewhere declared, or a condition on a schema around it.
        let elsewhere = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties", "$dynamicRef"];
        if elsewhere.iter().any(|key| table.get(key).is_some()) || (within && declared.is_none()) {
            return;
        }
        for item in value.as_array().unwrap_or_default() {
            let Some(name) = item.as_str() else { continue };
            if declared.is_some_and(|properties| properties.get(name).is_some()) {
                continue;
            }
            let keys = declared.into_iter().flat_map(|properties| properties.fields.keys().map(AsRef::as_ref));
            let meant = suggest::closest(name, keys);
            let shown = show::quoted(name);
            let message = match meant {
                Some(meant) => format!("no property is named {shown}: did you mean {}?", show::quoted(meant)),
                None => {
                    format!("{shown} is required but not declared in `properties`: declare it, or do not require it")
                }
            };
            let edit = match meant {
                Some(meant) => (format!("Write {}", show::quoted(meant)), self.cx.set_string(item, meant)),
                None => (format!("Remove {shown} from `required`"), self.cx.remove_listed(item)),
            };
            self.cx.report(&REQUIRED_UNDECLARED, item.span, message).unsafe_fix(edit.0, vec![edit.1]);
        }
    }

    fn pattern(&mut self, value: &Node<'_>) {
        if let Some(pattern) = value.as_str() {
            self.pattern_text(pattern, value.span);
        }
    }

    fn pattern_text(&mut self, pattern: &str, span: Span) {
        if let Some(problem) = pattern_problem(pattern) {
            self.cx.report(&BAD_PATTERN, span, format!("this pattern does not compile: {problem}"));
        }
    }

    fn unknown(&mut self, table: &Table<'_>, key: &str, span: Span) {
        // Near means one slip in a word of some length: `x-order` and `group` are somebody's annotations.
        let free = keywords().filter(|keyword| table.get(keyword).is_none() && keyword.len().abs_diff(key.len()) <= 2);
        let Some(meant) = suggest::closest(key, free).filter(|_| key.len() >= 4) else { return };
        let plain = key.trim_start_matches('$').eq_ignore_ascii_case(meant.trim_start_matches('$'));
        if !plain && !suggest::one_slip(key, meant) {
            return;
        }
        let new = crate::document::spelled(meant);
        self.cx
            .report(&UNKNOWN_KEYWORD, span, format!("{} is no keyword: did you mean `{meant}`?", show::quoted(key)))
            .unsafe_fix(format!("Rename to `{meant}`"), vec![edits::replace(span, new)]);
    }
}

fn percent_decoded(fragment: &str) -> String {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Longest pattern that is compiled, in bytes.
const MAX_PATTERN: usize = 4096;
/// Memory that a compiled pattern may take, in bytes.
const MAX_COMPILED: usize = 1 << 20;
/// Patterns whose verdict is kept: a text is analysed again at every keystroke, and its patterns rarely change.
const MAX_KEPT: usize = 4096;

/// Why a pattern does not compile, if so.
fn pattern_problem(pattern: &str) -> Option<String> {
    static KEPT: LazyLock<Mutex<HashMap<String, Option<String>>>> = LazyLock::new(Mutex::default);
    if pattern.len() > MAX_PATTERN {
        return Some(format!("it has {} bytes, and none above {MAX_PATTERN} is compiled", pattern.len()));
    }
    if let Some(kept) = KEPT.lock().unwrap_or_else(PoisonError::into_inner).get(pattern) {
        return kept.clone();
    }
    let problem = compile(pattern).err();
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= MAX_KEPT {
        kept.clear();
    }
    kept.insert(pattern.to_owned(), problem.clone());
    problem
}

/// Compiles a pattern with the engine that will match with it, under its limits.
fn compile(pattern: &str) -> Result<(), String> {
    let schema = serde_json::json!({ "pattern": pattern });
    let options = jsonschema::PatternOptions::fancy_regex().size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED);
    match jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(options).build(&schema) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text =
                regex::Regex::new(pattern).err().map(|error| error.to_string()).unwrap_or_else(|| error.to_string());
            // The library draws the pattern over several lines; its last one says what is wrong.
            let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(show::plain(&last))
        }
    }
}
