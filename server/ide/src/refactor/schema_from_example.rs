//! A schema made of an example: of a comment `# example: {…}`, of `default` or `examples`, or of a value that a caller
//! has.

use std::{collections::HashMap, error::Error, fmt};

use serde_json::{Map, Value, json};
use skillyard_manifest::{
    Span, TextEdit,
    document::{Node, NodeKind, Origin, Table, spelled, string},
    edits, quoted,
    syntax::Item,
};

use super::{
    Asked, Draft, Offer, REWRITE, Refactoring, Resolved, broken, data_of,
    draft::{Block, Part, Section},
    extract_schema, is_below, is_manifest, item_paths, path_of, shown,
};
use crate::{Facts, Path, Source, Step};

pub(super) static SCHEMA_FROM_EXAMPLE: Refactoring = Refactoring {
    id: "schema_from_example",
    kind: REWRITE,
    title: "Generate the schema from its example",
    offer,
    resolve,
};

/// Levels of an example that its schema tells apart; what is deeper may be anything.
const MAX_LEVELS: usize = 16;
/// Properties of one object that are named; one with more is a map.
const MAX_PROPERTIES: usize = 200;
/// Elements of one list that are looked at.
const MAX_ITEMS: usize = 1_000;
/// The longest line that a property is written on.
const MAX_LINE: usize = 100;

/// Which schema of a tool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// `input_schema`.
    Input,
    /// `output_schema`.
    Output,
}

impl Side {
    /// The key of the schema in the tool's table.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Input => "input_schema",
            Self::Output => "output_schema",
        }
    }
}

/// Why a schema cannot be written into a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SchemaError {
    /// The text has syntax errors.
    Broken,
    /// No tool has this id.
    NoTool {
        /// The id that was asked for.
        id: String,
    },
    /// The tool is no table that takes keys.
    NoTable {
        /// The tool's id.
        id: String,
        /// The key of the schema.
        key: &'static str,
    },
    /// The schema that is there would lose something.
    Loses {
        /// The tool's id.
        id: String,
        /// The key of the schema.
        key: &'static str,
        /// What, and what to do about it.
        why: &'static str,
    },
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken => f.write_str("the manifest has syntax errors: mend those first, then ask again"),
            Self::NoTool { id } => write!(f, "the manifest has no tool {}: look at its `id`", quoted(id)),
            Self::NoTable { id, key } => write!(
                f,
                "`{key}` of the tool {} is written in a way that cannot be replaced: give it a table of its own",
                quoted(id)
            ),
            Self::Loses { id, key, why } => write!(f, "`{key}` of the tool {}: {why}", quoted(id)),
        }
    }
}

impl Error for SchemaError {}

/// What was seen in one place of an example, or in all elements of a list together.
#[derive(Default)]
struct Seen {
    /// The types of plain values, in the order of [`Seen::types`].
    null: bool,
    boolean: bool,
    integer: bool,
    number: bool,
    string: bool,
    /// How many objects.
    objects: usize,
    /// Their properties, each with the number of objects that had it, in the order in which they appeared.
    properties: Vec<(String, usize, Seen)>,
    places: HashMap<String, usize>,
    /// How many arrays.
    arrays: usize,
    items: Option<Box<Seen>>,
    /// Whether what is below was not looked at.
    cut: bool,
}

impl Seen {
    fn see(&mut self, value: &Value, level: usize) {
        match value {
            Value::Null => self.null = true,
            Value::Bool(_) => self.boolean = true,
            Value::Number(number) if number.is_f64() => self.number = true,
            Value::Number(_) => self.integer = true,
            Value::String(_) => self.string = true,
            Value::Array(items) => {
                self.arrays += 1;
                if level >= MAX_LEVELS || items.len() > MAX_ITEMS {
                    self.cut = true;
                    return;
                }
                for item in items {
                    self.items.get_or_insert_default().see(item, level + 1);
                }
            }
            Value::Object(object) => {
                self.objects += 1;
                if level >= MAX_LEVELS || object.len() > MAX_PROPERTIES {
                    self.cut = true;
                    return;
                }
                for (name, value) in object {
                    let next = self.properties.len();
                    let at = *self.places.entry(name.clone()).or_insert(next);
                    if at == next {
                        self.properties.push((name.clone(), 0, Seen::default()));
                    }
                    if let Some((_, count, seen)) = self.properties.get_mut(at) {
                        *count += 1;
                        seen.see(value, level + 1);
                    }
                }
            }
        }
    }

    /// The names of the plain types. What is a number once is one everywhere.
    fn types(&self) -> Vec<&'static str> {
        let all = [
            (self.string, "string"),
            (self.number, "number"),
            (self.integer && !self.number, "integer"),
            (self.boolean, "boolean"),
            (self.null, "null"),
        ];
        all.into_iter().filter(|(seen, _)| *seen).map(|(_, name)| name).collect()
    }

    fn schema(&self) -> Value {
        let mut kinds = Vec::new();
        match self.types().as_slice() {
            [] => {}
            [one] => kinds.push(json!({ "type": one })),
            more => kinds.push(json!({ "type": more })),
        }
        if self.objects > 0 {
            kinds.push(self.object());
        }
        if self.arrays > 0 {
            let mut array = json!({ "type": "array" });
            if let (false, Some(items)) = (self.cut, &self.items) {
                array["items"] = items.schema();
            }
            kinds.push(array);
        }
        match kinds.len() {
            0 => json!({}),
            1 => kinds.remove(0),
            _ => json!({ "anyOf": kinds }),
        }
    }

    fn object(&self) -> Value {
        if self.cut || self.properties.len() > MAX_PROPERTIES {
            return json!({ "type": "object" });
        }
        let required: Vec<&str> = self
            .properties
            .iter()
            .filter(|(_, count, _)| *count == self.objects)
            .map(|(name, _, _)| name.as_str())
            .collect();
        let properties: Map<String, Value> =
            self.properties.iter().map(|(name, _, seen)| (name.clone(), seen.schema())).collect();
        let mut object = json!({ "type": "object", "additionalProperties": false });
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        if !properties.is_empty() {
            object["properties"] = Value::Object(properties);
        }
        object
    }
}

/// The JSON Schema (draft 2020-12) that an example gives: the types of all that is in it, its properties required, no
/// others allowed; of a list what all its elements have in common. The example itself fits it.
///
/// Takes time linear in the example; what lies more than 16 levels deep, an object of more than 200 properties and the
/// elements of a list of more than 1000 are not told apart.
#[must_use]
pub fn schema_of(example: &Value) -> Value {
    let mut seen = Seen::default();
    seen.see(example, 0);
    seen.schema()
}

/// The edits that write the schema of `example` into a manifest, as the input or output schema of the tool with this id
/// (white space around it aside). Of a schema that stands there all stays that the example does not contradict, and a
/// comment that holds an example.
///
/// # Errors
///
/// When the text has syntax errors, has no such tool, writes the tool in a way that takes no table, or when comments in
/// the schema would be lost.
pub fn schema_edits(source: &Source<'_>, id: &str, side: Side, example: &Value) -> Result<Vec<TextEdit>, SchemaError> {
    if broken(source).is_some() {
        return Err(SchemaError::Broken);
    }
    let is_it =
        |tool: &Table<'_>| tool.get("id").and_then(|field| field.value.as_str()).map(str::trim) == Some(id.trim());
    let found = source.tools().find(|(_, _, tool)| is_it(tool));
    let (index, _, _) = found.ok_or_else(|| SchemaError::NoTool { id: id.to_owned() })?;
    let key = side.key();
    let steps = ["entrypoints", "tools"].map(|key| Step::Key(key.into()));
    let path = Path(steps.into_iter().chain([Step::Index(index), Step::Key(key.into())]).collect());
    let edits = written(source, &path, example).map_err(|why| SchemaError::Loses { id: id.to_owned(), key, why })?;
    edits.ok_or_else(|| SchemaError::NoTable { id: id.to_owned(), key })
}

/// The edits that write the schema of an example at a path: none where it says all that already, `None` where it cannot
/// stand there. An error says what would be lost.
fn written(source: &Source<'_>, path: &Path<'_>, example: &Value) -> Result<Option<Vec<TextEdit>>, &'static str> {
    let mut schema = schema_of(example);
    if let Some(old) = source.node(path).filter(|node| node.as_table().is_some()) {
        let old = json_of(old).ok_or("it has a date or a number that JSON has no word for: take that out first")?;
        schema = merged(&old, schema);
        if schema == old {
            return Ok(Some(Vec::new()));
        }
    }
    let Some(edits) = replaced(source, path, &schema) else { return Ok(None) };
    let text = skillyard_manifest::fix::apply_edits(source.text, &edits);
    let after = Source::of_shape(&text, source.shape);
    if !super::is_whole(&after) {
        return Ok(None);
    }
    if after.document.comments.len() < source.document.comments.len() {
        return Err("comments in it would be lost: move them above it first");
    }
    Ok(Some(edits))
}

/// The edits that write a schema at a path. `None` where that cannot be.
fn replaced(source: &Source<'_>, path: &Path<'_>, schema: &Value) -> Option<Vec<TextEdit>> {
    let tool = path.parent()?;
    let table = source.table(&tool)?;
    let key = path.key()?;
    let old = table.get(key);
    if table.origin == Origin::Inline {
        let text = toml(schema);
        let edit = match old {
            None => edits::add_key(source.text, table, key, &text)?,
            Some(field) => match field.value.as_table().map(|table| table.origin) {
                Some(Origin::Dotted) => return None,
                _ => edits::replace(field.value.span, text),
            },
        };
        return Some(vec![edit]);
    }
    let mut draft = Draft::new(source);
    let items = item_paths(source);
    let own = draft.section_at(&tool)?;
    let mut header =
        match draft.sections.get(own)?.header.as_ref()?.item.and_then(|item| source.tree.items.get(item))? {
            Item::Header(header) => skillyard_manifest::document::dotted(&header.keys),
            _ => return None,
        };
    header.push('.');
    header.push_str(&spelled(key));
    let (mut sections, mut at, mut lead, mut examples) = (Vec::new(), None, Span::default(), Vec::new());
    print(&draft, schema, &header, &mut sections);
    let mut kept: Vec<Section<'_>> = Vec::new();
    for mut section in std::mem::take(&mut draft.sections) {
        if section.header.is_some() && is_below(&section.path, path) {
            at = at.or(Some(kept.len()));
            let blocks = section.header.iter().chain(&section.entries).chain(&section.tail);
            for (index, block) in blocks.enumerate() {
                let is_own = index == 0 && section.path == *path;
                if is_own {
                    lead = block.lead;
                }
                examples.extend(example_lines(source, block, !is_own));
            }
            continue;
        }
        let (gone, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut section.entries)
            .into_iter()
            .partition(|block| block.item.and_then(|item| items.get(item)).is_some_and(|item| is_below(item, path)));
        section.entries = stay;
        let own = section.path == tool;
        for (index, block) in gone.iter().enumerate() {
            if index == 0 {
                lead = block.lead;
            }
            examples.extend(example_lines(source, block, index > 0));
        }
        kept.push(section);
        if !gone.is_empty() || (own && at.is_none() && old.is_none() && key == Side::Input.key()) {
            at = at.or(Some(kept.len()));
        }
    }
    // One that was not there: an output schema goes behind the input schema.
    let behind = |kept: &[Section<'_>]| {
        let mut input = tool.clone();
        input.0.push(Step::Key(Side::Input.key().into()));
        let last = kept.iter().rposition(|section| section.header.is_some() && is_below(&section.path, &input));
        last.or_else(|| kept.iter().position(|section| section.header.is_some() && section.path == tool))
    };
    let at = match at {
        Some(at) => at,
        None => behind(&kept)? + 1,
    };
    if let Some(first) = sections.first_mut() {
        if let Some(header) = &mut first.header {
            header.lead = lead;
        }
        let examples = examples.into_iter().map(|comment| draft.block_of(vec![Part::Old(comment)]));
        first.entries.splice(0..0, examples);
    }
    kept.splice(at..at, sections);
    draft.sections = kept;
    Some(draft.edits())
}

/// The comments above, in and behind an item from the first on that holds an example; none where none does. Those
/// `above` stay where they are, if so asked.
fn example_lines(source: &Source<'_>, block: &Block<'_>, above: bool) -> Vec<Span> {
    let own = block.item.and_then(|item| source.tree.items.get(item)).map_or(block.lead, Item::span);
    let start = if above { block.lead.start.min(own.start) } else { own.start };
    let end = edits::line_end(source.text, own.end);
    let comments = &source.document.comments;
    let first = comments.partition_point(|comment| comment.start < start);
    comments
        .iter()
        .skip(first)
        .take_while(|comment| comment.start < end)
        .skip_while(|comment| example_of(comment.of(source.text)).is_none())
        .map(|comment| Span::new(comment.start, comment.start + comment.of(source.text).trim_end().len()))
        .collect()
}

/// Keywords that say nothing of a value's type, so that no example contradicts them.
const WORDS: [&str; 15] = [
    "$schema",
    "$id",
    "$anchor",
    "$comment",
    "title",
    "description",
    "deprecated",
    "readOnly",
    "writeOnly",
    "default",
    "examples",
    "$defs",
    "definitions",
    "$vocabulary",
    "$dynamicAnchor",
];

/// Keywords by which a schema without a `type` says what it takes.
const CHOICES: [&str; 6] = ["$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not"];

/// The types that a schema names.
fn types_of(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
        other => other.and_then(Value::as_str).into_iter().collect(),
    }
}

/// An old schema with what an example's adds to it; where the two take other types, the example's with the words of the
/// old one.
fn merged(old: &Value, new: Value) -> Value {
    let (old, new) = match (old, new) {
        (Value::Object(old), Value::Object(new)) => (old, new),
        (_, new) => return new,
    };
    if !old.contains_key("type") && CHOICES.iter().any(|choice| old.contains_key(*choice)) {
        return Value::Object(old.clone());
    }
    let takes = types_of(old);
    let fits = |ty: &&str| takes.contains(ty) || (*ty == "integer" && takes.contains(&"number"));
    if old.contains_key("type") && (new.contains_key("anyOf") || !types_of(&new).iter().all(fits)) {
        let mut all = new;
        all.extend(
            old.iter().filter(|(key, _)| WORDS.contains(&key.as_str())).map(|(key, it)| (key.clone(), it.clone())),
        );
        return Value::Object(all);
    }
    let says_little = is_bare(old.keys().map(String::as_str));
    let mut all = old.clone();
    for (key, value) in new {
        let merged = match (key.as_str(), old.get(&key), value) {
            ("items", Some(old), value) => merged(old, value),
            // What is said of each place would be said of the rest.
            ("items", None, _) if old.contains_key("prefixItems") => continue,
            ("properties", Some(Value::Object(old)), Value::Object(new)) => {
                let mut both = old.clone();
                for (name, property) in new {
                    let property = match old.get(&name) {
                        Some(old) => merged(old, property),
                        None => property,
                    };
                    both.insert(name, property);
                }
                Value::Object(both)
            }
            ("required", there, Value::Array(names)) => {
                let required = there.and_then(Value::as_array);
                let known = |name: &str| old.get("properties").is_some_and(|there| there.get(name).is_some());
                // What the author left optional stays so, and nothing is required that the example lacks.
                let names = names.into_iter().filter(|name| {
                    required.is_some_and(|required| required.contains(name)) || !name.as_str().is_some_and(known)
                });
                let names: Vec<Value> = names.collect();
                if names.is_empty() && there.is_none() {
                    continue;
                }
                names.into()
            }
            // Who left other properties open may mean it.
            ("additionalProperties", None, value) if says_little => value,
            ("additionalProperties", None, _) => continue,
            (_, Some(there), _) => there.clone(),
            (_, None, value) => value,
        };
        all.insert(key, merged);
    }
    Value::Object(all)
}

/// Whether a schema with these keywords says no more than a type and words.
fn is_bare<'k>(mut keywords: impl Iterator<Item = &'k str>) -> bool {
    keywords.all(|key| key == "type" || WORDS.contains(&key))
}

/// The keywords of a schema that is written, in their order; others stand between the two halves.
const FIRST: [&str; 5] = ["$schema", "$id", "title", "description", "type"];
const LAST: [&str; 8] =
    ["additionalProperties", "required", "properties", "items", "anyOf", "$defs", "default", "examples"];

/// The entries of a schema in the order in which they are written.
fn in_order(schema: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let of = |names: &'static [&'static str]| names.iter().filter_map(|name| schema.get_key_value(*name));
    let others = schema.iter().filter(|(key, _)| !FIRST.contains(&key.as_str()) && !LAST.contains(&key.as_str()));
    of(&FIRST).chain(others).chain(of(&LAST))
}

/// Prints a schema as sections: what is short in one line, the rest below headers of its own.
fn print<'t>(draft: &Draft<'t>, schema: &Value, header: &str, sections: &mut Vec<Section<'t>>) {
    let mut section = draft.section(Path::default(), format!("[{header}]"));
    let mut below: Vec<(String, &Value)> = Vec::new();
    let mut line = |key: String, value: &'_ Value, is_schema: bool| {
        let text = format!("{key} = {}", toml(value));
        if is_schema && value.is_object() && (text.len() > MAX_LINE || value.get("properties").is_some()) {
            return Some(format!("{header}.{key}"));
        }
        section.entries.push(draft.block(text));
        None
    };
    for (keyword, value) in schema.as_object().into_iter().flat_map(in_order) {
        let key = spelled(keyword);
        match value {
            Value::Object(named) if ["properties", "$defs"].contains(&keyword.as_str()) && !named.is_empty() => {
                for (name, schema) in named {
                    let header = line(format!("{key}.{}", spelled(name)), schema, true);
                    below.extend(header.map(|header| (header, schema)));
                }
            }
            _ => below.extend(line(key, value, keyword == "items").map(|header| (header, value))),
        }
    }
    sections.push(section);
    for (header, schema) in below {
        print(draft, schema, &header, sections);
    }
}

/// A JSON value as TOML on one line. A null, which TOML has no word for, is left out.
fn toml(value: &Value) -> String {
    match value {
        Value::Null => "{}".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => string(text),
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(object) => {
            let entries: Vec<String> =
                in_order(object).map(|(key, value)| format!("{} = {}", spelled(key), toml(value))).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
    }
}

/// An example that was found.
enum Example {
    Value(Value),
    /// Why a comment that starts one holds none.
    NoJson(String),
    None,
}

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    let source = asked.source;
    if !asked.is_manifest() {
        return;
    }
    let at_place = asked.place.as_ref().and_then(|place| extract_schema::schema_of(source, &place.mention.path));
    let Some(path) = at_place.or_else(|| extract_schema::schema_of(source, &asked.section())) else { return };
    let table = source.table(&path);
    let keys = table.map_or(0, |table| table.fields.len());
    let disabled = match example(source, &path) {
        Example::Value(value) => broken(source).or_else(|| match written(source, &path, &value) {
            Ok(Some(edits)) if edits.is_empty() => Some("it says all that its example has already".to_owned()),
            Ok(Some(_)) => None,
            Ok(None) => Some("it is written in a way that cannot be replaced: give it a table of its own".to_owned()),
            Err(why) => Some(why.to_owned()),
        }),
        Example::NoJson(why) => Some(why),
        // Where there is hardly a schema yet, a person wonders how to get one.
        Example::None if keys <= 1 => {
            Some("it has no example: write a comment `# example: {…}` above it, or `examples = […]` in it".to_owned())
        }
        Example::None => return,
    };
    // A person is told where a schema is there that may lose something.
    let is_bare = table.is_none_or(|table| is_bare(table.fields.keys().map(AsRef::as_ref)));
    let path_shown = shown(&path);
    offers.push(Offer {
        id: SCHEMA_FROM_EXAMPLE.id,
        title: if is_bare {
            format!("Generate {path_shown} from its example")
        } else {
            format!("Replace {path_shown} with a schema that fits its example")
        },
        kind: SCHEMA_FROM_EXAMPLE.kind,
        data: data_of(&path),
        disabled,
        about_file: false,
    });
}

fn resolve(source: &Source<'_>, data: &str, _: &Facts) -> Option<Resolved> {
    let path = path_of(data)?;
    if !is_manifest(source) || broken(source).is_some() || extract_schema::schema_of(source, &path)? != path {
        return None;
    }
    let Example::Value(value) = example(source, &path) else { return None };
    written(source, &path, &value).ok()?.map(Resolved::of)
}

/// The example of the schema at a path: in a comment above or in it, in `default`, in `examples`.
fn example(source: &Source<'_>, path: &Path<'_>) -> Example {
    match commented(source, path) {
        Example::None => {}
        found => return found,
    }
    let Some(table) = source.table(path) else { return Example::None };
    let default = table.get("default").and_then(|field| json_of(&field.value));
    let first = || table.get("examples")?.value.as_array()?.iter().find_map(json_of);
    default.or_else(first).map_or(Example::None, Example::Value)
}

/// The example in the comments above and in a schema.
fn commented(source: &Source<'_>, path: &Path<'_>) -> Example {
    const MAX_LINES: usize = 400;
    const MAX_TEXT: usize = 64 << 10;
    let text = source.text;
    let items = &source.tree.items;
    let ours: Vec<usize> = (0..items.len())
        .filter(|&at| {
            let mut full = source.table_of(at);
            if let Some(Item::Entry(entry)) = items.get(at) {
                full.0.extend(entry.keys.iter().map(|key| Step::Key(key.name.clone())));
            }
            is_below(&full, path)
        })
        .collect();
    for at in ours {
        let before = at.checked_sub(1).and_then(|at| items.get(at)).map_or(0, |item| item.span().end);
        let start = if before == 0 { 0 } else { edits::line_end(text, before) };
        let end = items.get(at).map_or(start, |item| edits::line_end(text, item.span().end)).max(start);
        let comments = &source.document.comments;
        let first = comments.partition_point(|comment| comment.start < start);
        let own: Vec<&str> = comments
            .iter()
            .skip(first)
            .take_while(|comment| comment.start < end)
            .take(MAX_LINES)
            .map(|comment| comment.of(text))
            .collect();
        for (at, line) in own.iter().enumerate() {
            let Some(start) = example_of(line) else { continue };
            let mut json = start.to_owned();
            let mut why = None;
            // It goes on in the next lines until it is whole.
            for next in own.iter().skip(at + 1).map(Some).chain([None]) {
                match serde_json::from_str(&json) {
                    Ok(value) => return Example::Value(value),
                    Err(error) => {
                        let goes_on = error.is_eof() && json.len() < MAX_TEXT;
                        why.get_or_insert(error.to_string());
                        if !goes_on {
                            break;
                        }
                    }
                }
                if let Some(next) = next {
                    json.push('\n');
                    json.push_str(next.trim_start_matches('#'));
                }
            }
            let why = skillyard_manifest::plain(&why.unwrap_or_default());
            return Example::NoJson(format!("the example in its comment is no JSON: {why}"));
        }
    }
    Example::None
}

/// What follows `example:` in a comment.
fn example_of(comment: &str) -> Option<&str> {
    let text = comment.trim_start().strip_prefix('#')?.trim_start();
    let word = text.get(.."example".len()).filter(|word| word.eq_ignore_ascii_case("example"))?;
    text.get(word.len()..)?.trim_start().strip_prefix(':').map(str::trim)
}

/// A value of the text as JSON. `None` for what JSON has no word for.
fn json_of(node: &Node<'_>) -> Option<Value> {
    Some(match &node.kind {
        NodeKind::Invalid | NodeKind::DateTime => return None,
        NodeKind::String(text) => Value::String(text.to_string()),
        NodeKind::Boolean(value) => Value::Bool(*value),
        NodeKind::Integer(number) => {
            i64::try_from(*number).map(Value::from).or_else(|_| u64::try_from(*number).map(Value::from)).ok()?
        }
        NodeKind::Float(number) => Value::Number(serde_json::Number::from_f64(*number)?),
        NodeKind::Array(array) => Value::Array(array.items.iter().map(json_of).collect::<Option<_>>()?),
        NodeKind::Table(table) => {
            let entry = |(key, field): (&std::borrow::Cow<'_, str>, &skillyard_manifest::document::Field<'_>)| {
                Some((key.to_string(), json_of(&field.value)?))
            };
            Value::Object(table.fields.iter().map(entry).collect::<Option<_>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::tests::{after, hindered, offers},
        *,
    };
    use crate::fixture::apply;

    fn of(example: &Value) -> Value {
        let schema = schema_of(example);
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        assert!(validator.is_valid(example), "{schema} {example}");
        schema
    }

    #[test]
    fn types_are_those_of_the_example() {
        assert_eq!(of(&json!("x")), json!({ "type": "string" }));
        assert_eq!(of(&json!(1)), json!({ "type": "integer" }));
        assert_eq!(of(&json!(1.5)), json!({ "type": "number" }));
        assert_eq!(of(&json!(null)), json!({ "type": "null" }));
        assert_eq!(of(&json!([])), json!({ "type": "array" }));
        assert_eq!(of(&json!({})), json!({ "type": "object", "additionalProperties": false }));
        assert_eq!(
            of(&json!([{ "a": 1, "b": true }, { "a": null }])),
            json!({ "type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": ["a"],
                "properties": { "a": { "type": ["integer", "null"] }, "b": { "type": "boolean" } },
            } })
        );
        assert_eq!(
            of(&json!([1, 2.5, "x", [1]])),
            json!({ "type": "array", "items": { "anyOf": [
                { "type": ["string", "number"] }, { "type": "array", "items": { "type": "integer" } },
            ] } })
        );
    }

    #[test]
    fn large_and_deep_examples_come_to_small_schemas() {
        let deep = (0..100).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert!(of(&deep).to_string().len() < 2_000);
        let wide: Map<String, Value> = (0..1_000).map(|n| (n.to_string(), json!(n))).collect();
        assert_eq!(of(&Value::Object(wide)), json!({ "type": "object" }));
        assert_eq!(of(&json!(vec![1; 2_000])), json!({ "type": "array" }));
    }

    const TOOL: &str = "[[entrypoints.tools]]\nid = \"x\"\n";

    #[test]
    fn an_example_in_a_comment_is_taken() {
        assert_eq!(
            after(
                "schema_from_example",
                &format!(
                    "{TOOL}# Example: {{\"a\": 1, \"b\": [\n#  {{\"x\": \"\"}}]}}\ninput_schema = {{}}$0\noutput_schema = {{}}\n\n[compat]\n"
                )
            ),
            format!(
                "{TOOL}output_schema = {{}}\n\n# Example: {{\"a\": 1, \"b\": [\n#  {{\"x\": \"\"}}]}}\n[entrypoints.tools.input_schema]\n\
                 type = \"object\"\nadditionalProperties = false\nrequired = [\"a\", \"b\"]\nproperties.a = {{ type = \"integer\" }}\n\n\
                 [entrypoints.tools.input_schema.properties.b]\ntype = \"array\"\n\n[entrypoints.tools.input_schema.properties.b.items]\n\
                 type = \"object\"\nadditionalProperties = false\nrequired = [\"x\"]\nproperties.x = {{ type = \"string\" }}\n\n[compat]\n"
            )
        );
        // Within the section, where it stays; words of the old schema stay too.
        assert_eq!(
            after(
                "schema_from_example",
                &format!(
                    "{TOOL}# s\n[entrypoints.tools.output_schema]$0\n# example: [\"x\"]\ntype = \"array\"\ntitle = \"T\"\n\n\
                     [entrypoints.tools.output_schema.items]\ndescription = \"\\\"D\\\"\"\n\n[compat]\n"
                )
            ),
            format!(
                "{TOOL}\n# s\n[entrypoints.tools.output_schema]\n# example: [\"x\"]\ntitle = \"T\"\ntype = \"array\"\n\
                 items = {{ description = \"\\\"D\\\"\", type = \"string\" }}\n\n[compat]\n"
            )
        );
        // Behind it.
        assert_eq!(
            after("schema_from_example", &format!("{TOOL}input_schema = {{}}$0 # example: 1\n")),
            format!("{TOOL}\n[entrypoints.tools.input_schema]\n# example: 1\ntype = \"integer\"\n")
        );
    }

    #[test]
    fn an_example_in_the_schema_is_taken() {
        for keys in ["default = { a = 1 }", "examples = [{ a = 1 }, 2]"] {
            assert_eq!(
                after("schema_from_example", &format!("entrypoints.tools = [{{ input_schema = {{ {keys}$0 }} }}]\n")),
                format!(
                    "entrypoints.tools = [{{ input_schema = {{ type = \"object\", additionalProperties = false, \
                     required = [\"a\"], properties = {{ a = {{ type = \"integer\" }} }}, {keys} }} }}]\n"
                )
            );
        }
    }

    #[test]
    fn what_an_author_wrote_stays() {
        let header = "[entrypoints.tools.input_schema]";
        let marked = format!(
            "{TOOL}\n# example: {{\"a\": \"x\", \"b\": 1, \"e\": 2, \"f\": true}}\n{header}$0\n\"$schema\" = \"s\"\ntype = \"object\"\n\
             minProperties = 1\nrequired = [\"a\", \"d\"]\nproperties.a = {{ type = \"string\", minLength = 1, pattern = \"^x\" }}\n\
             properties.b = {{ type = \"string\", description = \"B\", enum = [\"b\"] }}\nproperties.d = {{ \"$ref\" = \"#/$defs/d\" }}\n\
             properties.e = {{ \"$ref\" = \"#/$defs/d\" }}\n\"$defs\".d = {{ type = \"number\" }}\nexamples = [1]\n"
        );
        assert_eq!(
            after("schema_from_example", &marked),
            format!(
                "{TOOL}\n# example: {{\"a\": \"x\", \"b\": 1, \"e\": 2, \"f\": true}}\n{header}\n\"$schema\" = \"s\"\ntype = \"object\"\n\
                 minProperties = 1\nrequired = [\"a\", \"f\"]\nproperties.a = {{ type = \"string\", minLength = 1, pattern = \"^x\" }}\n\
                 properties.b = {{ description = \"B\", type = \"integer\" }}\nproperties.d = {{ \"$ref\" = \"#/$defs/d\" }}\nproperties.e = {{ \"$ref\" = \"#/$defs/d\" }}\n\
                 properties.f = {{ type = \"boolean\" }}\n\
                 \"$defs\".d = {{ type = \"number\" }}\nexamples = [1]\n"
            )
        );
        let offers = offers("schema_from_example", &marked, &Facts::default());
        assert!(offers[0].title.starts_with("Replace `"), "{}", offers[0].title);
        // A type that takes more, and tables of its own.
        assert_eq!(
            after(
                "schema_from_example",
                &format!(
                    "{TOOL}\n# example: {{\"a\": [1], \"b\": 1}}\n{header}$0\n[entrypoints.tools.input_schema.properties.a.items]\n\
                     type = [\"number\", \"null\"]\nmaximum = 3.0\n"
                )
            ),
            format!(
                "{TOOL}\n# example: {{\"a\": [1], \"b\": 1}}\n{header}\ntype = \"object\"\nrequired = [\"b\"]\n\
                 properties.a = {{ type = \"array\", items = {{ type = [\"number\", \"null\"], maximum = 3.0 }} }}\n\
                 properties.b = {{ type = \"integer\" }}\n"
            )
        );
    }

    #[test]
    fn comments_are_not_lost() {
        for schema in [
            "[entrypoints.tools.input_schema]$0\n# why\ntype = \"object\"\n",
            "[entrypoints.tools.input_schema]$0\ntype = \"object\" # why\n",
            "input_schema = { type = \"object\" }$0 # why\n",
            "input_schema = {$0\n  # why\n  type = \"object\",\n}\n",
        ] {
            let marked = format!("{TOOL}# example: {{\"a\": 1}}\n{schema}");
            let why = hindered("schema_from_example", &marked);
            assert!(why.contains("comments"), "{why}");
            let text = marked.replace("$0", "");
            let error = schema_edits(&Source::new(&text), "x", Side::Input, &json!({ "a": 1 })).unwrap_err();
            assert!(error.to_string().contains("comments in it would be lost"), "{error}");
        }
        let why =
            hindered("schema_from_example", &format!("{TOOL}input_schema = {{ default = 1$0, x = 2020-01-01 }}\n"));
        assert!(why.contains("a date"), "{why}");
    }

    #[test]
    fn a_schema_that_has_it_all_says_so() {
        let why = hindered(
            "schema_from_example",
            &format!("{TOOL}input_schema = {{ type = \"string\"$0, default = \"x\" }}\n"),
        );
        assert!(why.contains("already"), "{why}");
    }

    #[test]
    fn no_example_says_so() {
        assert!(hindered("schema_from_example", &format!("{TOOL}input_schema = {{}}$0\n")).contains("# example:"));
        let why = hindered("schema_from_example", &format!("{TOOL}# example: {{a: 1}}\ninput_schema = {{}}$0\n"));
        assert!(why.contains("no JSON"), "{why}");
        let why = hindered("schema_from_example", &format!("{TOOL}# example: {{\"a\": \n# 1\ninput_schema = {{}}$0\n"));
        assert!(why.contains("no JSON"), "{why}");
    }

    #[test]
    fn a_value_of_a_caller_is_written() {
        let write = |text: &str, side| {
            schema_edits(&Source::new(text), "x", side, &json!({ "a": 1 })).map(|edits| apply(text, &edits))
        };
        let schema = "type = \"object\"\nadditionalProperties = false\nrequired = [\"a\"]\nproperties.a = { type = \"integer\" }\n";
        let section = |side| format!("[entrypoints.tools.{side}]\n{schema}");
        // Replaced where it stands, whatever its spelling.
        let (input, output) = (section("input_schema"), section("output_schema"));
        let old = "[entrypoints.tools.input_schema]\ntype = 1\n[entrypoints.tools.input_schema.properties.b]\n";
        assert_eq!(write(&format!("{TOOL}{old}\n[compat]\n"), Side::Input), Ok(format!("{TOOL}\n{input}\n[compat]\n")));
        assert_eq!(
            write(
                &format!("{TOOL}input_schema.type = 1\nname = 1\ninput_schema.items = {{}}\n\n[compat]\n"),
                Side::Input
            ),
            Ok(format!("{TOOL}name = 1\n\n{input}\n[compat]\n"))
        );
        // Written where there was none.
        assert_eq!(write(&format!("{TOOL}\n{output}"), Side::Input), Ok(format!("{TOOL}\n{input}\n{output}")));
        assert_eq!(
            write(&format!("{TOOL}\n{input}\n[[entrypoints.tools]]\n"), Side::Output),
            Ok(format!("{TOOL}\n{input}\n{output}\n[[entrypoints.tools]]\n"))
        );
        let inline = "{ type = \"object\", additionalProperties = false, required = [\"a\"], properties = { a = { type = \"integer\" } } }";
        assert_eq!(
            write("entrypoints.tools = [{ id = \" x \" }]", Side::Output),
            Ok(format!("entrypoints.tools = [{{ id = \" x \", output_schema = {inline} }}]"))
        );
        let error = |text: &str| write(text, Side::Input).unwrap_err();
        assert_eq!(error("a ="), SchemaError::Broken);
        assert_eq!(error(""), SchemaError::NoTool { id: "x".to_owned() });
        assert_eq!(
            error("entrypoints.tools = [{ id = \"x\", input_schema.a = 1 }]"),
            SchemaError::NoTable { id: "x".to_owned(), key: "input_schema" }
        );
        assert!(error("entrypoints.tools = [{ id = \"x\", input_schema.a = 1 }]").to_string().contains("`x`"));
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            "[a\"\\\\\u{7F}\u{1F600}]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 48, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-c.\"\\\\ \u{E9}]{0,3}", inner, 0..5)
                    .prop_map(|object| Value::Object(object.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        /// Any example fits its schema, and the schema that is written is that one.
        #[test]
        fn examples_fit_their_schemas(example in json_value()) {
            let schema = of(&example);
            for (text, side) in [
                (format!("{TOOL}\n[compat]\n"), Side::Input),
                ("entrypoints.tools = [{ id = \"x\" }]".to_owned(), Side::Output),
            ] {
                let edits = schema_edits(&Source::new(&text), "x", side, &example).unwrap();
                let after = apply(&text, &edits);
                let read: Value = toml::from_str(&after).unwrap_or_else(|error| panic!("{error}\n{after}"));
                prop_assert_eq!(&read["entrypoints"]["tools"][0][side.key()], &schema, "{}", after);
            }
        }
    }
}
