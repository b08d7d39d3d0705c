//! JSON Schema below the schemas of the tools: keywords, types, references, and what the schema itself declares.

use std::collections::HashSet;

use skillyard_manifest::document::{Node, NodeKind, Table, spelled, string};

use super::{
    Candidate, Completion, CompletionKind as Kind, Cx,
    context::{KeySpot, Next},
    headers::{Body, Search, There, Wanted},
    keys::{self, Named},
    template::Template,
    values::{Asked, Filled, flag},
};
use crate::{
    Path, Step,
    keywords::{DIALECTS, FORMATS, Holds, KEYWORDS, Keyword, TYPES, Takes, Usage, Word, keyword},
    names::encoded,
};

/// What a keyword takes; those of older drafts too.
fn takes(name: &str) -> Option<Takes> {
    keyword(name).map(|keyword| keyword.takes)
}

/// The keywords that are offered, those that are used most first.
fn offered() -> impl Iterator<Item = &'static Keyword> {
    KEYWORDS.iter().filter(|keyword| keyword.usage == Usage::Common)
}

/// The names of the types.
pub(super) fn types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|ty| ty.name)
}

/// What a place within a schema is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place<'p> {
    /// A schema, behind this keyword if it is alone there.
    Schema(Option<&'p str>),
    /// A table of schemas behind this keyword.
    Named(&'p str),
    /// A list of schemas.
    List,
    /// What stands behind a keyword.
    Word(&'p str),
    /// In a list behind a keyword.
    Element(&'p str),
    /// Any JSON.
    Free,
}

/// What the place at the end of `steps`, counted from a schema's top, is; and how many steps lead to the schema that it
/// is in. A schema is in itself.
fn place<'p>(steps: &'p [Step<'_>]) -> (Place<'p>, usize) {
    let mut place = Place::Schema(None);
    let mut schema = 0;
    for (at, step) in steps.iter().enumerate() {
        place = match (place, step) {
            (Place::Schema(Some("items")), Step::Index(_)) => Place::Schema(None),
            (Place::Schema(_), Step::Key(key)) => match takes(key) {
                Some(takes) => match takes.holds() {
                    Holds::Schema => Place::Schema(Some(key)),
                    Holds::Schemas => Place::List,
                    Holds::Named => Place::Named(key),
                    Holds::Value => Place::Word(key),
                },
                None => Place::Word(key),
            },
            (Place::Named(_), Step::Key(_)) | (Place::List, Step::Index(_)) => Place::Schema(None),
            (Place::Word("dependentRequired"), Step::Key(_)) => Place::Word("required"),
            (Place::Word(key), Step::Index(_)) => Place::Element(key),
            _ => Place::Free,
        };
        if let Place::Schema(_) = place {
            schema = at + 1;
        }
    }
    (place, schema)
}

/// The tables of the schema around a place, and of the document that it belongs to.
struct Schemas<'s> {
    own: Option<&'s Table<'s>>,
    root: Option<&'s Table<'s>>,
}

fn schemas<'s>(cx: &'s Cx<'_, '_>, path: &Path<'_>, root: usize, own: usize) -> Schemas<'s> {
    let table = |steps: usize| {
        let path = Path(path.0.get(..steps).unwrap_or_default().to_vec());
        cx.source.table(&path)
    };
    Schemas { own: table(root + own), root: table(root) }
}

/// The names of the properties that a schema declares.
fn declared<'s>(schema: Option<&'s Table<'s>>) -> Vec<&'s str> {
    let properties = schema.and_then(|schema| schema.get("properties")?.value.as_table());
    properties.into_iter().flat_map(|table| table.fields.keys()).map(AsRef::as_ref).collect()
}

/// What a schema says of itself in a word.
fn said<'s>(schema: &'s Table<'s>) -> Option<&'s str> {
    ["title", "description", "type"].iter().find_map(|key| schema.get(key)?.value.as_str())
}

/// The names that a schema requires.
fn required<'s>(schema: Option<&'s Table<'s>>) -> Vec<&'s str> {
    let names = schema.and_then(|schema| schema.get("required")?.value.as_array());
    names.unwrap_or_default().iter().filter_map(Node::as_str).collect()
}

/// Names that a table of schemas lacks: properties that are required, definitions that are referred to.
fn lacking(schemas: &Schemas<'_>, keyword: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let names: Vec<String> = match keyword {
        "properties" => required(schemas.own).into_iter().map(str::to_owned).collect(),
        "$defs" | "definitions" => {
            let mut found = Vec::new();
            let prefix = format!("#/{keyword}/");
            if let Some(root) = schemas.root {
                referred(root, &prefix, 0, &mut found);
            }
            found
        }
        "dependentSchemas" | "dependencies" => declared(schemas.own).into_iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let table = schemas.own.and_then(|schema| schema.get(keyword)?.value.as_table());
    let free = |name: &String| !name.is_empty() && table.is_none_or(|table| table.get(name).is_none());
    names.into_iter().filter(|name| seen.insert(name.clone())).filter(free).collect()
}

/// How deep a schema is looked through.
const DEPTH: usize = 64;

fn referred(table: &Table<'_>, prefix: &str, depth: usize, found: &mut Vec<String>) {
    for (key, field) in &table.fields {
        if key == "$ref"
            && let Some(name) = field.value.as_str().and_then(|target| target.strip_prefix(prefix))
            && !name.contains(['/', '%', '~'])
        {
            found.push(name.to_owned());
        }
        below(&field.value, depth, &mut |table, depth| referred(table, prefix, depth, found));
    }
}

/// The tables directly below a value.
fn below<'s, 't>(node: &'s Node<'t>, depth: usize, each: &mut dyn FnMut(&'s Table<'t>, usize)) {
    if depth >= DEPTH {
        return;
    }
    match &node.kind {
        NodeKind::Table(table) => each(table, depth + 1),
        NodeKind::Array(array) => {
            for item in &array.items {
                below(item, depth + 1, each);
            }
        }
        _ => {}
    }
}

// ---- keys ----

/// The keys of a schema, or of a table in it, `steps` from the schema's top.
pub(super) fn keys(cx: &Cx<'_, '_>, spot: &KeySpot<'_>, steps: usize, found: &mut Vec<Completion>) {
    let Some(root) = spot.table.0.len().checked_sub(steps) else { return };
    let inner = spot.table.0.get(root..).unwrap_or_default();
    let (place, own) = place(inner);
    let schemas = schemas(cx, &spot.table, root, own);
    let table = cx.source.table(&spot.table);
    match place {
        Place::Schema(_) => keywords(spot, table, &schemas, found),
        Place::Named(keyword) => {
            for (rank, name) in lacking(&schemas, keyword).into_iter().enumerate() {
                if !keys::is_there(spot, table, &name) {
                    found.push(property(spot, name, rank));
                }
            }
        }
        Place::Word("dependentRequired") => {
            for (rank, name) in declared(schemas.own).into_iter().enumerate() {
                if keys::is_there(spot, table, name) {
                    continue;
                }
                let template = Template::of("[").quoted("").text("]");
                let value = Filled { template, incomplete: false, retrigger: true };
                found.push(keys::named(
                    spot,
                    Named {
                        name: name.into(),
                        kind: Kind::Reference,
                        detail: None,
                        description: None,
                        doc: None,
                        value,
                        instead: None,
                        sort: format!("0{rank:04}"),
                    },
                ));
            }
        }
        Place::List | Place::Word(_) | Place::Element(_) | Place::Free => {}
    }
}

/// One schema by name.
fn property(spot: &KeySpot<'_>, name: String, rank: usize) -> Completion {
    let value = Filled { template: typed(), incomplete: false, retrigger: false };
    let (kind, detail) = (Kind::Reference, Some("schema".to_owned()));
    let description = Some("named, not declared".to_owned());
    let sort = format!("0{rank:04}");
    keys::named(spot, Named { name: name.into(), kind, detail, description, doc: None, value, instead: None, sort })
}

/// `{ type = "…" }`.
fn typed() -> Template {
    Template::of("{ type = \"").choice(types()).text("\" }")
}

fn keywords(spot: &KeySpot<'_>, table: Option<&Table<'_>>, schemas: &Schemas<'_>, found: &mut Vec<Completion>) {
    let types: Vec<&str> = table
        .and_then(|table| {
            let value = &table.get("type")?.value;
            Some(value.as_array().unwrap_or(std::slice::from_ref(value)).iter().filter_map(Node::as_str).collect())
        })
        .unwrap_or_default();
    let has = |key: &str| table.is_some_and(|table| table.get(key).is_some());
    for (rank, keyword) in offered().enumerate() {
        let dotted = keyword.takes == Takes::Named && spot.lines && spot.next == Next::End;
        let there = keys::is_there(spot, table, keyword.name);
        if there && !(dotted && keys::is_dotted(table, keyword.name)) {
            continue;
        }
        let fits = |ty: &&str| **ty == *keyword.of || (**ty == *"integer" && keyword.of == "number");
        // What says nothing of the values at hand stands last.
        let group = match (keyword.name, types.iter().any(fits)) {
            ("then" | "else", _) => 6 - 5 * usize::from(has("if")),
            ("contentSchema" | "minContains" | "maxContains", _) => 6,
            (_, true) => 0,
            ("type" | "description" | "properties" | "required", _) if types.is_empty() => 0,
            _ if keyword.of.is_empty() || types.is_empty() => 1,
            _ => 6,
        };
        let value = value_of(keyword, schemas);
        let instead = (dotted).then(|| {
            let name = lacking(schemas, keyword.name).into_iter().next().unwrap_or_else(|| "name".to_owned());
            let known = table.and_then(|table| table.get(keyword.name)?.value.as_table());
            let taken = known.is_some_and(|table| table.get(&name).is_some());
            let name = if taken { format!("{name}_{}", known.map_or(0, |known| known.fields.len())) } else { name };
            Template::of(".").stop(spelled(&name)).text(" = ").then(typed())
        });
        found.push(keys::named(
            spot,
            Named {
                name: keyword.name.into(),
                kind: Kind::Property,
                detail: (!keyword.of.is_empty()).then(|| format!("of {} {}", article(keyword.of), keyword.of)),
                description: None,
                doc: Some(format!("word|{}", keyword.name)),
                value,
                instead,
                sort: format!("{group}{rank:04}"),
            },
        ));
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

/// A value for a keyword that is not there yet.
fn value_of(keyword: &Keyword, schemas: &Schemas<'_>) -> Filled {
    let mut retrigger = false;
    let template = match keyword.takes {
        Takes::Type => Template::of("\"").choice(types()).text("\""),
        Takes::Text => Template::default().quoted(""),
        Takes::Pattern => Template::of("'^").stop("").text("$'"),
        Takes::Boolean => Template::default().choice(["true", "false"]),
        Takes::Closed => Template::default().choice(["false", "true"]),
        Takes::Count => Template::default().stop("1"),
        Takes::Positive => Template::default().stop("1"),
        Takes::Number => Template::default().stop("0"),
        Takes::Schema => typed(),
        Takes::Schemas => Template::of("[").then(typed()).text(", ").then(typed()).text("]"),
        Takes::Named | Takes::NamedOrNames => {
            let name = lacking(schemas, keyword.name).into_iter().next().unwrap_or_else(|| "name".to_owned());
            let name = spelled(&name);
            Template::of("{ ").stop(name).text(" = ").then(typed()).text(" }")
        }
        Takes::Names => {
            let first = declared(schemas.own).into_iter().find(|name| !name.is_empty());
            retrigger = first.is_some();
            match first {
                Some(first) => Template::of("[").quoted(first).text("]"),
                None => Template::default().list(),
            }
        }
        Takes::NamesByName | Takes::Flags | Takes::Table => Template::of("{").stop("").text("}"),
        Takes::Values => Template::of("[").quoted("").text("]"),
        Takes::Any => Template::default().quoted(""),
        Takes::Reference => {
            retrigger = true;
            Template::default().quoted(references(schemas.root).first().map_or("#", |(target, _)| target))
        }
        Takes::Format => {
            retrigger = true;
            Template::default().quoted("date-time")
        }
        Takes::Encoding => Template::default().quoted("base64"),
        Takes::Dialect => Template::default().quoted(DIALECTS.first().map_or("", |dialect| dialect.name)),
    };
    Filled { template, incomplete: false, retrigger }
}

// ---- values ----

/// Whole schemas of a tool's input or output.
pub(super) fn roots() -> Vec<Candidate> {
    let none = Template::of("{ type = \"object\", additionalProperties = false }");
    let one = Template::of("{ type = \"object\", required = [\"")
        .stop("name")
        .text("\"], properties = { ")
        .again(1)
        .text(" = ")
        .text("{ type = \"")
        .choice(types())
        .text("\" } } }");
    vec![
        Candidate::toml(one, Kind::Snippet).described("with a property"),
        Candidate::toml(none, Kind::Table).described("with none"),
        Candidate::toml(Template::of("{ type = \"object\" }"), Kind::Table).described("with any"),
    ]
}

/// The values at a place `steps` from a schema's top.
pub(super) fn values(asked: &Asked<'_, '_>, steps: usize) -> Vec<Candidate> {
    let Some(root) = asked.path.0.len().checked_sub(steps) else { return Vec::new() };
    let inner = asked.path.0.get(root..).unwrap_or_default();
    let (place, mut own) = place(inner);
    if let Place::Schema(_) = place {
        // The schema that the value is a part of.
        own = self::place(inner.get(..inner.len().saturating_sub(1)).unwrap_or_default()).1;
    }
    let schemas = schemas(asked.cx, asked.path, root, own);
    match place {
        Place::Schema(by) => {
            let mut found = Vec::new();
            if let Some(Takes::Closed) = by.and_then(takes) {
                found.extend([flag("false").described("none"), flag("true").described("any")]);
            }
            found.extend(TYPES.iter().map(|ty| {
                let template = match ty.name {
                    "array" => Template::of("{ type = \"array\", items = ").then(typed()).text(" }"),
                    "object" => Template::of("{ type = \"object\", properties = { ")
                        .stop("name")
                        .text(" = ")
                        .then(typed())
                        .text(" } }"),
                    name => Template::of(format!("{{ type = \"{name}\"")).stop("").text(" }"),
                };
                Candidate::toml(template, Kind::Table).described(ty.plain()).documented(format!("type|{}", ty.name))
            }));
            let below = references(schemas.root).into_iter().filter(|(target, _)| target != "#");
            found.extend(below.map(|(target, _)| {
                let spelled = string(&target);
                Candidate::toml(Template::of(format!("{{ \"$ref\" = {spelled} }}")), Kind::Reference)
            }));
            found
        }
        Place::Named(keyword) => {
            let name = lacking(&schemas, keyword).into_iter().next().unwrap_or_else(|| "name".to_owned());
            let name = spelled(&name);
            let one = Template::of("{ ").stop(name).text(" = ").then(typed()).text(" }");
            vec![Candidate::toml(one, Kind::Table), Candidate::toml(Template::of("{}"), Kind::Table)]
        }
        Place::List => {
            let two = Template::of("[").then(typed()).text(", ").then(typed()).text("]");
            vec![Candidate::toml(two, Kind::Table)]
        }
        Place::Word(name) => of_word(name, &schemas),
        Place::Element(name) => of_element(asked, name, &schemas),
        Place::Free => Vec::new(),
    }
}

fn of_word(name: &str, schemas: &Schemas<'_>) -> Vec<Candidate> {
    let doc = |candidate: Candidate| match keyword(name) {
        Some(keyword) if candidate.doc.is_none() => candidate.documented(format!("word|{}", keyword.name)),
        _ => candidate,
    };
    let numbers = |numbers: &[&str]| -> Vec<Candidate> {
        numbers.iter().map(|number| Candidate::toml(Template::of(*number), Kind::Number)).collect()
    };
    let texts = |words: &[Word], kind: Kind| -> Vec<Candidate> {
        words.iter().map(|word| Candidate::text(word.name, kind).described(word.plain())).collect()
    };
    let found = match takes(name) {
        Some(Takes::Type) => free_types(&HashSet::new()),
        Some(Takes::Boolean) => vec![flag("true"), flag("false")],
        Some(Takes::Count) => numbers(&["1", "0", "10", "100", "1000"]),
        Some(Takes::Positive) => numbers(&["1", "0.1", "10"]),
        Some(Takes::Number) => numbers(&["0", "1", "100"]),
        Some(Takes::Format) => texts(FORMATS, Kind::Enum),
        Some(Takes::Encoding) => {
            ["base64", "base16", "base32"].into_iter().map(|name| Candidate::text(name, Kind::Enum)).collect()
        }
        Some(Takes::Dialect) => texts(DIALECTS, Kind::Value),
        Some(Takes::Reference) => references(schemas.root)
            .into_iter()
            .map(|(target, what)| Candidate::text(target, Kind::Reference).described(what))
            .collect(),
        Some(Takes::Names) => {
            let names = declared(schemas.own);
            let spelled: Vec<String> = names.iter().map(|name| string(name)).collect();
            let mut found = Vec::new();
            if spelled.len() > 1 && spelled.len() <= 50 {
                let all = Template::of(format!("[{}]", spelled.join(", ")));
                found.push(Candidate::toml(all, Kind::Value).described("all that are declared"));
            }
            let one = |spelled: &String| Candidate::toml(Template::of(format!("[{spelled}]")), Kind::Reference);
            found.extend(spelled.iter().map(one));
            found.push(Candidate::toml(Template::of("[]"), Kind::Value));
            found
        }
        Some(Takes::NamesByName) => vec![Candidate::toml(Template::of("{}"), Kind::Value)],
        Some(Takes::Pattern) => patterns(),
        Some(Takes::Any) => ones(schemas.own),
        Some(Takes::Values) => vec![Candidate::toml(Template::of("[").quoted("").text("]"), Kind::Value)],
        _ => Vec::new(),
    };
    found.into_iter().map(doc).collect()
}

fn of_element(asked: &Asked<'_, '_>, name: &str, schemas: &Schemas<'_>) -> Vec<Candidate> {
    let list = asked.path.parent().and_then(|path| asked.cx.source.node(&path)).and_then(Node::as_array);
    let others = list.unwrap_or_default().iter().filter(|item| Some(item.span) != asked.at);
    let others: HashSet<&str> = others.filter_map(Node::as_str).collect();
    match name {
        "required" => declared(schemas.own)
            .into_iter()
            .filter(|name| !others.contains(name))
            .map(|name| {
                let schema = schemas.own.and_then(|schema| schema.get("properties")?.value.as_table()?.get(name));
                let schema = schema.and_then(|field| field.value.as_table());
                let said = schema.and_then(said);
                let candidate = Candidate::text(name, Kind::Reference);
                said.into_iter().fold(candidate, Candidate::described)
            })
            .collect(),
        "type" => free_types(&others),
        "examples" => ones(schemas.own),
        _ => Vec::new(),
    }
}

fn free_types(others: &HashSet<&str>) -> Vec<Candidate> {
    let free = TYPES.iter().filter(|ty| !others.contains(ty.name));
    free.map(|ty| Candidate::text(ty.name, Kind::Enum).described(ty.plain()).documented(format!("type|{}", ty.name)))
        .collect()
}

/// Values that a schema allows, as far as it says.
fn ones(schema: Option<&Table<'_>>) -> Vec<Candidate> {
    let allowed = schema.and_then(|schema| schema.get("enum")?.value.as_array()).unwrap_or_default();
    let allowed: Vec<Candidate> = allowed
        .iter()
        .filter_map(|node| match &node.kind {
            NodeKind::String(text) => Some(Candidate::text(text.as_ref(), Kind::Enum)),
            NodeKind::Integer(number) => Some(Candidate::toml(Template::of(number.to_string()), Kind::Enum)),
            NodeKind::Boolean(value) => Some(flag(if *value { "true" } else { "false" })),
            _ => None,
        })
        .collect();
    if !allowed.is_empty() {
        return allowed;
    }
    let toml = |text: &str| Candidate::toml(Template::of(text), Kind::Value);
    match schema.and_then(|schema| schema.get("type")?.value.as_str()) {
        Some("boolean") => vec![flag("false"), flag("true")],
        Some("integer") => vec![toml("0"), toml("1")],
        Some("number") => vec![toml("0.0"), toml("1.0")],
        Some("array") => vec![toml("[]")],
        Some("object") => vec![toml("{}")],
        Some("string") => vec![Candidate::toml(Template::default().quoted(""), Kind::Value)],
        _ => Vec::new(),
    }
}

/// Regular expressions that are wanted often. Between single quotes a backslash is one.
fn patterns() -> Vec<Candidate> {
    [
        ("'^.+$'", "something"),
        ("'\\S'", "not only white space"),
        ("'^[a-z0-9_-]+$'", "lower-case letters, digits, `_` and `-`"),
        ("'^[A-Z]{2}$'", "two capital letters"),
        ("'^[0-9]{4}-[0-9]{2}-[0-9]{2}$'", "a date"),
    ]
    .into_iter()
    .map(|(pattern, what)| Candidate::toml(Template::of(pattern), Kind::Value).described(what))
    .collect()
}

/// What a `$ref` can point to, with what it is.
fn references(root: Option<&Table<'_>>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Some(root) = root else { return found };
    for keyword in ["$defs", "definitions"] {
        let Some(table) = root.get(keyword).and_then(|field| field.value.as_table()) else { continue };
        for (name, field) in &table.fields {
            let part = encoded(name);
            let said = field.value.as_table().and_then(said);
            found.push((format!("#/{keyword}/{part}"), said.unwrap_or_default().to_owned()));
        }
    }
    anchors(root, 0, &mut found);
    found.push(("#".to_owned(), "the whole schema".to_owned()));
    found
}

fn anchors(table: &Table<'_>, depth: usize, found: &mut Vec<(String, String)>) {
    for (key, field) in &table.fields {
        if key == "$anchor"
            && let Some(name) = field.value.as_str()
        {
            found.push((format!("#{name}"), "an anchor".to_owned()));
        }
        below(&field.value, depth, &mut |table, depth| anchors(table, depth, found));
    }
}

// ---- headers ----

/// The headers within the schema at `path`: those below what is typed.
pub(super) fn headers(search: &mut Search<'_, '_, '_, '_>, path: &Path<'_>, names: &[String]) {
    let typed = search.typed;
    let cx = search.cx;
    if typed.len() < names.len() || typed.iter().zip(names).any(|(typed, name)| typed != name) {
        // Not typed yet: only the properties that are missing, and one with a name to give.
        let schemas = schemas(cx, path, path.0.len(), 0);
        named(search, path, names, "properties", &schemas);
        return;
    }
    let root = path.0.len();
    let mut path = Path(path.0.iter().cloned().map(owned).collect());
    let mut names = names.to_vec();
    for name in typed.get(names.len()..).unwrap_or_default() {
        names.push(name.to_string());
        path.0.push(Step::Key(name.to_string().into()));
        // An array of tables means its last element; none of a schema's lists is worth that.
        if matches!(search.there(&path), There::Closed | There::Array) {
            return;
        }
    }
    let (place, own) = place(path.0.get(root..).unwrap_or_default());
    let schemas = schemas(cx, &path, root, own);
    match place {
        Place::Schema(_) => {
            for keyword in offered() {
                match keyword.takes.holds() {
                    Holds::Named => named(search, &path, &names, keyword.name, &schemas),
                    Holds::Schema => {
                        let there = search.there(&path.with(Step::Key(keyword.name.into())));
                        if there == There::Open {
                            let mut names = names.clone();
                            names.push(keyword.name.to_owned());
                            push(search, names, false, keyword.name);
                        }
                    }
                    _ => {}
                }
            }
        }
        Place::Named(keyword) => {
            let Some(schema) = path.parent() else { return };
            let Some((_, above)) = names.split_last() else { return };
            let Some(keyword) = crate::keywords::keyword(keyword).map(|keyword| keyword.name) else { return };
            named(search, &schema, above, keyword, &schemas);
        }
        _ => {}
    }
}

fn owned(step: Step<'_>) -> Step<'static> {
    match step {
        Step::Key(key) => Step::Key(key.into_owned().into()),
        Step::Index(index) => Step::Index(index),
    }
}

/// The headers of schemas in a table of them: those that are lacking, and one with a name to give.
fn named(
    search: &mut Search<'_, '_, '_, '_>,
    schema: &Path<'_>,
    names: &[String],
    keyword: &'static str,
    schemas: &Schemas<'_>,
) {
    let table = schema.with(Step::Key(keyword.into()));
    if matches!(search.there(&table), There::Closed | There::Array) {
        return;
    }
    let free = search.new_name(&table, "name");
    let lacking = lacking(schemas, keyword);
    let known = lacking.into_iter().map(|name| (name, false));
    for (name, free) in known.chain([(free, true)]) {
        let names: Vec<String> = names.iter().cloned().chain([keyword.to_owned(), name]).collect();
        push(search, names, free, keyword);
    }
}

fn push(search: &mut Search<'_, '_, '_, '_>, names: Vec<String>, free: bool, keyword: &'static str) {
    let lines = Template::of("\ntype = \"").choice(types()).text("\"").end();
    search.found.push(Wanted {
        names,
        array: false,
        path: Path::default(),
        free,
        orphan: false,
        body: Body::Lines(lines),
        detail: "schema".to_owned(),
        doc: Some(format!("word|{keyword}")),
        group: if free { 3 } else { 2 },
    });
}
