//! A text, read once: its syntax tree, its document, and the path of every key that is written in it.

use std::{borrow::Cow, collections::HashMap, fmt};

use skillyard_manifest::{
    Span,
    document::{Document, Field, Node, NodeKind, Table, dotted, spelled},
    shape::{KeyShape, ROOT, TableShape, Type},
    syntax::{Entry, Header, Item, Key, Tree, Value, ValueKind},
};

/// A text with what it comes to.
#[derive(Debug)]
pub struct Source<'t> {
    /// The text.
    pub text: &'t str,
    /// Its tokens and items, broken ones too.
    pub tree: Tree<'t>,
    /// Its tables and values.
    pub document: Document<'t>,
    /// What may stand at its top level.
    pub shape: &'static TableShape,
    /// For each item of the tree, the header that it stands below: itself, for a header.
    owners: Vec<Option<usize>>,
    /// For each item, if it is a header, which element each part of its key means that is an array of tables: part, index.
    elements: Vec<Vec<(usize, usize)>>,
}

/// One step from a table or an array to what is in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Step<'t> {
    /// The value of a key.
    Key(Cow<'t, str>),
    /// An element, counted from 0.
    Index(usize),
}

/// The way from the top level to a value.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Path<'t>(pub Vec<Step<'t>>);

impl<'t> Path<'t> {
    /// The path one step on.
    #[must_use]
    pub fn with(&self, step: Step<'t>) -> Self {
        let mut steps = Vec::with_capacity(self.0.len() + 1);
        steps.extend_from_slice(&self.0);
        steps.push(step);
        Self(steps)
    }

    /// The path of the table or array around; `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, steps) = self.0.split_last()?;
        Some(Self(steps.to_vec()))
    }

    /// The last step's key; `None` at the top and for an element.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self.0.last()? {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        }
    }

    /// Whether it goes these ways, `*` for any key and `[]` for any element: `["entrypoints", "tools", "[]", "id"]`.
    #[must_use]
    pub fn is(&self, pattern: &[&str]) -> bool {
        self.0.len() == pattern.len()
            && self.0.iter().zip(pattern).all(|(step, pattern)| match step {
                Step::Key(key) => *pattern == "*" || pattern == key,
                Step::Index(_) => *pattern == "[]",
            })
    }
}

/// Dotted TOML with indices: `entrypoints.tools[0].id`.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => write!(f, "{}", spelled(key))?,
                Step::Key(key) => write!(f, ".{}", spelled(key))?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// How something is written where a [`Mention`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// A part of the dotted key of a `[header]` or `[[header]]`.
    Header,
    /// A part of the dotted key of an entry.
    Key,
    /// An element between the brackets of an array.
    Element,
}

/// A place in the text that names a value.
#[derive(Clone, Debug)]
pub struct Mention<'s, 't> {
    /// The way to the value. A part of a header that is an array of tables means the element that it opens or is in.
    pub path: Path<'t>,
    /// The key with its quotes, or the whole element.
    pub span: Span,
    /// How it is written.
    pub role: Role,
    /// The whole header, entry or element.
    pub extent: Span,
    /// Whether it is the last part of its dotted key: the others only lead there.
    pub last: bool,
    /// What stands behind the `=`, for the last part of an entry's key; the element, for one.
    pub value: Option<&'s Value<'t>>,
}

/// What is at an offset.
#[derive(Clone, Debug)]
pub struct Place<'s, 't> {
    /// What it belongs to.
    pub mention: Mention<'s, 't>,
    /// Whether it is at the value, not at the key. An element is its value.
    pub in_value: bool,
}

/// What the format says of a path.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// A table with fixed keys: the top level, an element of an array of tables, a table behind any key of a map.
    Table(&'static TableShape),
    /// A key of a table with fixed keys, and the shape of what is behind it; any key of a table whose keys are free (its
    /// shape is then named `*`), with the table that this table stands in.
    Key(&'static TableShape, &'static KeyShape),
    /// A string of a list, which is behind this key.
    Listed(&'static TableShape, &'static KeyShape),
    /// Something within a JSON Schema, which is behind this key; the number of steps from the schema to it (1 or more).
    InSchema(&'static KeyShape, usize),
    /// Something within a value of any shape (`default`), which is behind this key.
    Free(&'static KeyShape),
    /// Nothing that the format knows.
    Unknown,
}

/// What a format with this top level says of `path`, under the names and the deprecated names of the keys.
fn meaning(shape: &'static TableShape, path: &Path<'_>) -> Meaning {
    let mut meaning = Meaning::Table(shape);
    for (at, step) in path.0.iter().enumerate() {
        meaning = match (meaning, step) {
            (Meaning::Table(shape), Step::Key(name)) => match shape.key(name) {
                Some((_, key)) => Meaning::Key(shape, key),
                None => return Meaning::Unknown,
            },
            (Meaning::Key(shape, key), step) => match (key.ty, step) {
                (Type::Table(inner), Step::Key(name)) => match inner.key(name) {
                    Some((_, key)) => Meaning::Key(inner, key),
                    None => return Meaning::Unknown,
                },
                (Type::Tables(inner), Step::Index(_)) | (Type::Map(inner), Step::Key(_)) => Meaning::Table(inner),
                (Type::Strings | Type::StringsOrValues(_), Step::Index(_)) => Meaning::Listed(shape, key),
                (Type::Values(inner) | Type::StringsOrValues(inner), Step::Key(_)) => Meaning::Key(shape, inner),
                (Type::Schema, _) => return Meaning::InSchema(key, path.0.len() - at),
                (Type::Any, _) => return Meaning::Free(key),
                _ => return Meaning::Unknown,
            },
            _ => return Meaning::Unknown,
        };
    }
    meaning
}

/// The tables that headers have opened so far.
#[derive(Default)]
struct Opened<'t> {
    /// How many elements, for an array of tables.
    elements: usize,
    /// What is below; of the last element, for an array.
    below: HashMap<Cow<'t, str>, Opened<'t>>,
}

impl<'t> Source<'t> {
    /// Reads any text as a manifest.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        Self::of_shape(text, &ROOT)
    }

    /// Reads any text as a file whose top level has another shape.
    #[must_use]
    pub fn of_shape(text: &'t str, shape: &'static TableShape) -> Self {
        let (tree, document) = Document::with_tree(text);
        let mut owners = Vec::with_capacity(tree.items.len());
        let mut elements = Vec::with_capacity(tree.items.len());
        let mut root = Opened::default();
        let mut owner = None;
        for (at, item) in tree.items.iter().enumerate() {
            elements.push(match item {
                Item::Header(header) => {
                    owner = Some(at);
                    open(&mut root, header)
                }
                Item::Entry(_) | Item::Garbage(_) => Vec::new(),
            });
            owners.push(owner);
        }
        Self { text, tree, document, shape, owners, elements }
    }

    /// The path of the table that a header opens, or that an entry stands in: of the item with this index of the tree.
    #[must_use]
    pub fn table_of(&self, item: usize) -> Path<'t> {
        let Some(owner) = self.owners.get(item).copied().flatten() else { return Path::default() };
        match self.tree.items.get(owner) {
            Some(Item::Header(header)) => self.header_path(owner, header, header.keys.len()),
            _ => Path::default(),
        }
    }

    /// The path of the first `parts` of a header's key.
    fn header_path(&self, item: usize, header: &Header<'t>, parts: usize) -> Path<'t> {
        let indices = self.elements.get(item).map(Vec::as_slice).unwrap_or_default();
        let mut path = Path::default();
        for (at, key) in header.keys.iter().take(parts).enumerate() {
            path.0.push(Step::Key(key.name.clone()));
            if let Some((_, index)) = indices.iter().find(|(part, _)| *part == at) {
                path.0.push(Step::Index(*index));
            }
        }
        path
    }

    /// The index in the tree of the item that touches `offset`: the one that starts there, where two do.
    #[must_use]
    pub fn item_at(&self, offset: usize) -> Option<usize> {
        let behind = self.tree.items.partition_point(|item| item.span().start <= offset);
        let at = behind.checked_sub(1)?;
        self.tree.items.get(at)?.span().touches(offset).then_some(at)
    }

    /// What is at `offset`: the innermost key or value that touches it, the one behind it where two do. `None` in white
    /// space, comments and what cannot be read.
    #[must_use]
    pub fn at(&self, offset: usize) -> Option<Place<'_, 't>> {
        let item = self.item_at(offset)?;
        match self.tree.items.get(item)? {
            Item::Garbage(_) => None,
            Item::Header(header) => {
                let part = touching(&header.keys, offset)?;
                Some(Place { mention: self.header_mention(item, header, part), in_value: false })
            }
            Item::Entry(entry) => in_entry(self.table_of(item), entry, offset),
        }
    }

    /// Every place that names a value, in the order of the text.
    pub fn mentions<'s>(&'s self, mut each: impl FnMut(Mention<'s, 't>)) {
        let mut table = Path::default();
        for (at, item) in self.tree.items.iter().enumerate() {
            match item {
                Item::Garbage(_) => {}
                Item::Header(header) => {
                    (0..header.keys.len()).for_each(|part| each(self.header_mention(at, header, part)));
                    table = self.table_of(at);
                }
                Item::Entry(entry) => visit_entry(&table, entry, &mut each),
            }
        }
    }

    fn header_mention(&self, item: usize, header: &Header<'t>, part: usize) -> Mention<'_, 't> {
        Mention {
            path: self.header_path(item, header, part + 1),
            span: header.keys.get(part).map_or(header.span, |key| key.span),
            role: Role::Header,
            extent: header.span,
            last: part + 1 == header.keys.len(),
            value: None,
        }
    }

    /// What the format says of `path`, under the names and the deprecated names of the keys.
    #[must_use]
    pub fn meaning(&self, path: &Path<'_>) -> Meaning {
        meaning(self.shape, path)
    }

    /// The value at `path` in the document.
    #[must_use]
    pub fn node(&self, path: &Path<'_>) -> Option<&Node<'t>> {
        let mut node: Option<&Node<'t>> = None;
        for step in &path.0 {
            node = Some(match step {
                Step::Key(key) => {
                    let table = match node {
                        None => &self.document.root,
                        Some(node) => node.as_table()?,
                    };
                    &table.get(key)?.value
                }
                Step::Index(index) => node?.as_array()?.get(*index)?,
            });
        }
        node
    }

    /// The table at `path` in the document; the top level for the empty path.
    #[must_use]
    pub fn table(&self, path: &Path<'_>) -> Option<&Table<'t>> {
        if path.0.is_empty() { Some(&self.document.root) } else { self.node(path)?.as_table() }
    }

    /// The key with its value at `path`, which ends in a key.
    #[must_use]
    pub fn field(&self, path: &Path<'_>) -> Option<&Field<'t>> {
        self.table(&path.parent()?)?.get(path.key()?)
    }

    /// The string at `path`.
    #[must_use]
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        let mut table = &self.document.root;
        let (last, before) = path.split_last()?;
        for key in before {
            table = table.get(key)?.value.as_table()?;
        }
        table.get(last)?.value.as_str()
    }

    /// The tools as tables, each with its index; elements of another type are left out.
    pub fn tools(&self) -> impl Iterator<Item = (usize, &Node<'t>, &Table<'t>)> {
        let entrypoints = self.document.root.get("entrypoints").and_then(|field| field.value.as_table());
        let array = entrypoints.and_then(|table| match &table.get("tools")?.value.kind {
            NodeKind::Array(array) => Some(array.items.as_slice()),
            _ => None,
        });
        let items = array.unwrap_or_default().iter().enumerate();
        items.filter_map(|(at, node)| Some((at, node, node.as_table()?)))
    }

    /// The dotted key of the header that opens the item's table, as it is spelled in TOML; empty at the top.
    #[must_use]
    pub fn header_of(&self, item: usize) -> String {
        match self.owners.get(item).copied().flatten().and_then(|owner| self.tree.items.get(owner)) {
            Some(Item::Header(header)) => dotted(&header.keys),
            _ => String::new(),
        }
    }
}

/// Notes the table that a header opens; which element each part of its key means.
fn open<'t>(root: &mut Opened<'t>, header: &Header<'t>) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut table = root;
    for (part, key) in header.keys.iter().enumerate() {
        table = table.below.entry(key.name.clone()).or_default();
        if header.array && part + 1 == header.keys.len() && !header.cut {
            table.elements += 1;
            table.below.clear();
        }
        if table.elements > 0 {
            found.push((part, table.elements - 1));
        }
    }
    found
}

/// The part of a dotted key that touches `offset`: the one that starts there, where two do.
fn touching(keys: &[Key<'_>], offset: usize) -> Option<usize> {
    keys.iter().rposition(|key| key.span.touches(offset))
}

fn entry_mention<'s, 't>(table: &Path<'t>, entry: &'s Entry<'t>, part: usize) -> Mention<'s, 't> {
    let last = part + 1 == entry.keys.len();
    let mut path = table.clone();
    path.0.extend(entry.keys.iter().take(part + 1).map(|key| Step::Key(key.name.clone())));
    Mention {
        path,
        span: entry.keys.get(part).map_or(entry.span, |key| key.span),
        role: Role::Key,
        extent: entry.span,
        last,
        value: last.then_some(&entry.value),
    }
}

/// Values nest no deeper than the syntax tree lets them: a bound that keeps recursion shallow.
fn in_entry<'s, 't>(table: Path<'t>, entry: &'s Entry<'t>, offset: usize) -> Option<Place<'s, 't>> {
    if let Some(part) = touching(&entry.keys, offset) {
        return Some(Place { mention: entry_mention(&table, entry, part), in_value: false });
    }
    if !entry.value.span.touches(offset) || matches!(entry.value.kind, ValueKind::Missing) {
        return None;
    }
    let mention = entry_mention(&table, entry, entry.keys.len().checked_sub(1)?);
    let inner = in_value(&mention.path, &entry.value, offset);
    Some(inner.unwrap_or(Place { mention, in_value: true }))
}

fn in_value<'s, 't>(path: &Path<'t>, value: &'s Value<'t>, offset: usize) -> Option<Place<'s, 't>> {
    match &value.kind {
        ValueKind::Array(items) => {
            let index = items.iter().rposition(|item| item.span.touches(offset))?;
            let item = items.get(index)?;
            let mention = element(path, item, index);
            let inner = in_value(&mention.path, item, offset);
            Some(inner.unwrap_or(Place { mention, in_value: true }))
        }
        ValueKind::Table(entries) => {
            let entry = entries.iter().rev().find(|entry| entry.span.touches(offset))?;
            in_entry(path.clone(), entry, offset)
        }
        _ => None,
    }
}

fn element<'s, 't>(array: &Path<'t>, item: &'s Value<'t>, index: usize) -> Mention<'s, 't> {
    Mention {
        path: array.with(Step::Index(index)),
        span: item.span,
        role: Role::Element,
        extent: item.span,
        last: true,
        value: Some(item),
    }
}

fn visit_entry<'s, 't>(table: &Path<'t>, entry: &'s Entry<'t>, each: &mut dyn FnMut(Mention<'s, 't>)) {
    let mut path = Path::default();
    for part in 0..entry.keys.len() {
        let mention = entry_mention(table, entry, part);
        if mention.last {
            path = mention.path.clone();
        }
        each(mention);
    }
    visit_value(&path, &entry.value, each);
}

fn visit_value<'s, 't>(path: &Path<'t>, value: &'s Value<'t>, each: &mut dyn FnMut(Mention<'s, 't>)) {
    match &value.kind {
        ValueKind::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let mention = element(path, item, index);
                let path = mention.path.clone();
                each(mention);
                visit_value(&path, item, each);
            }
        }
        ValueKind::Table(entries) => entries.iter().for_each(|entry| visit_entry(path, entry, each)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::cursor;

    fn at(marked: &str) -> Option<(String, bool)> {
        let (text, offset) = cursor(marked);
        let source = Source::new(&text);
        source.at(offset).map(|place| (place.mention.path.to_string(), place.in_value))
    }

    fn key(path: &str) -> Option<(String, bool)> {
        Some((path.to_owned(), false))
    }

    fn value(path: &str) -> Option<(String, bool)> {
        Some((path.to_owned(), true))
    }

    #[test]
    fn keys_values_headers_and_elements_are_found() {
        assert_eq!(at("na$0me = \"x\""), key("name"));
        assert_eq!(at("name = \"$0x\""), value("name"));
        assert_eq!(at("name $0= \"x\""), None);
        assert_eq!(at("# na$0me\n"), None);
        assert_eq!(at("name =$0"), None);
        assert_eq!(at("compat.min$0_palyra_version = \"1\""), key("compat.min_palyra_version"));
        assert_eq!(at("com$0pat.min_palyra_version = \"1\""), key("compat"));
        assert_eq!(at("[entrypoints.to$0ols.risk]"), key("entrypoints.tools"));
        assert_eq!(at("a = [1, [2, $03]]"), value("a[1][1]"));
        assert_eq!(at("a = [1,$0 2]"), value("a"));
        assert_eq!(at("a = { b = { c = $01 } }"), value("a.b.c"));
        assert_eq!(at("a = { b = { c$0 = 1 } }"), key("a.b.c"));
        assert_eq!(at("a = [{ \"x y\" = 1 }, { \"x y$0\" = 1 }]"), key("a[1].\"x y\""));
    }

    #[test]
    fn elements_of_arrays_of_tables_are_told_apart() {
        let text = "[[entrypoints.tools]]\nid = 1\n[[entrypoints.tools]]\n[entrypoints.tools.risk]\nrequires_approval = $0true\n";
        assert_eq!(at(text), value("entrypoints.tools[1].risk.requires_approval"));
        let text = "[[a]]\n[[a.b]]\n[[a.b]]\n[[a]]\n[[a.b]]\nx$0 = 1\n";
        assert_eq!(at(text), key("a[1].b[0].x"));
        assert_eq!(at("[[a.$0b]]"), key("a.b[0]"));
    }

    #[test]
    fn every_path_leads_to_its_node() {
        let text = include_str!("../../../tests/fixtures/greeter/skill.toml");
        let source = Source::new(text);
        let mut seen = 0;
        source.mentions(|mention| {
            seen += 1;
            let node = source.node(&mention.path);
            assert!(node.is_some(), "{}", mention.path);
            if let Some(value) = mention.value {
                assert_eq!(node.unwrap().span, value.span, "{}", mention.path);
            }
            assert!(!matches!(source.meaning(&mention.path), Meaning::Unknown), "{}", mention.path);
        });
        assert!(seen > 30, "{seen}");
    }

    #[test]
    fn paths_have_meanings() {
        let of = |marked: &str| {
            let (text, offset) = cursor(marked);
            let source = Source::new(&text);
            source.meaning(&source.at(offset).unwrap().mention.path)
        };
        assert!(matches!(of("ski$0ll_id = 1"), Meaning::Key(_, key) if key.name == "skill_id"));
        assert!(
            matches!(of("compat.min_runtime$0_version = 1"), Meaning::Key(_, key) if key.name == "min_palyra_version")
        );
        assert!(matches!(of("[[entrypoints.t$0ools]]"), Meaning::Table(shape) if shape.path == "entrypoints.tools[]"));
        assert!(matches!(of("[operator.config.properties.x$0]"), Meaning::Table(shape) if shape.path.ends_with(".*")));
        let listed = of("capabilities.http_egress_allowlist = [\"$0\"]");
        assert!(matches!(listed, Meaning::Listed(_, key) if key.name == "http_egress_allowlist"));
        let inner = of("[entrypoints.tools.input_schema.properties.x]\nty$0pe = 1");
        assert!(matches!(inner, Meaning::Unknown), "without `[[…]]` it is no tool");
        let inner = of("[[entrypoints.tools]]\n[entrypoints.tools.input_schema.properties.x]\nty$0pe = 1");
        assert!(matches!(inner, Meaning::InSchema(key, 3) if key.name == "input_schema"), "{inner:?}");
        assert!(matches!(of("name.x$0 = 1"), Meaning::Unknown));
        assert!(matches!(of("operator.config.properties.a.default.x$0 = 1"), Meaning::Free(_)));
    }

    #[test]
    fn paths_of_another_shape_have_their_meanings() {
        use skillyard_manifest::config::CONFIG;
        let of = |marked: &str| {
            let (text, offset) = cursor(marked);
            let source = Source::of_shape(&text, &CONFIG);
            source.meaning(&source.at(offset).unwrap().mention.path)
        };
        assert!(matches!(of("palyra$0_version = 1"), Meaning::Key(_, key) if key.name == "palyra_version"));
        let level = of("[rules]\n\"egress/upper-case\" = \"wa$0rn\"");
        assert!(matches!(level, Meaning::Key(_, key) if key.name == "*" && matches!(key.ty, Type::Enum(_))));
        assert!(matches!(of("[pack$0age]"), Meaning::Key(_, key) if key.name == "package"));
        assert!(matches!(of("[package]\nas$0sets = 1"), Meaning::Key(shape, _) if shape.path == "package"));
        assert!(matches!(of("package.modules = [\"$0a\"]"), Meaning::Listed(_, key) if key.name == "modules"));
        let file = of("[package.modules]\n\"a.wasm\" = \"$0b\"");
        assert!(matches!(file, Meaning::Key(_, key) if key.name == "*" && matches!(key.ty, Type::String)));
        assert!(matches!(of("ski$0ll_id = 1"), Meaning::Unknown));
        assert!(matches!(of("rules.a.b$0 = 1"), Meaning::Unknown));
    }

    #[test]
    fn any_text_and_any_offset_come_to_an_answer() {
        for text in
            ["", "[", "[[", "[[a", "a", "a =", "a.b", "= 1", "[a.]\nb=", "\u{1F600} = 1", "a = {b = [", "\u{FEFF}a = 1"]
        {
            let source = Source::new(text);
            (0..text.len() + 3).for_each(|offset| {
                let _ = source.at(offset);
            });
            source.mentions(|_| {});
        }
    }
}
