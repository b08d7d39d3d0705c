//! What has a name in a manifest, where each name is declared and where it is used: the one table that going to a
//! definition, finding references, highlighting, renaming and linked editing rest on.
//!
//! Ids are read as paths: in `acme.weather.today` a cursor at `acme` is at the publisher, one behind it at the tool.
//! A schema's property belongs to the object that it is a property of, so that `required` in a branch of `anyOf` and
//! `properties` beside it mean the same one; what is only reached over a `$ref` is another schema's.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
    ops::Range,
};

use skillyard_manifest::{
    Span,
    document::{Node, NodeKind},
    edits,
    rules::{Subschemas, subschemas},
    shape::{KeyShape, TableShape, Type},
    syntax::ValueKind,
};

use crate::source::{Mention, Path, Role, Source, Step};

/// Something that has a name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Name {
    /// Who signs the skill: declared by `publisher`, used in front of the skill's id and of the tools' ids, also where
    /// those are named.
    Publisher,
    /// The skill: declared by `skill_id`, used in scopes of secrets, `skill:<id>`.
    SkillId,
    /// The tool with this id, without white space around: used by `default_tool_id`.
    Tool(String),
    /// The configuration property with this key: used in `operator.config.required`.
    ConfigProperty(String),
    /// A property of the objects that a schema allows: declared in `properties`, used in `required`, in the keywords
    /// that tell what one property asks of others, in examples and defaults, and on the way of references.
    SchemaProperty {
        /// Which objects those are: where a schema of theirs stands, without branches such as `allOf[0]`.
        schema: String,
        /// The property's key.
        name: String,
    },
    /// An entry of `$defs` or `definitions`: used on the way of references.
    Definition {
        /// The table that it is in.
        schema: String,
        /// Its key.
        name: String,
    },
    /// An `$anchor`: used by references of the same document.
    Anchor {
        /// The document: the schema, or the part of it with an `$id`.
        schema: String,
        /// What it says.
        name: String,
    },
    /// This flag of `capabilities.wildcard_opt_in`: used by each value of its kind that holds `*`.
    WildcardOptIn(String),
}

/// A name with all its places, each as narrow as the text allows: within a string the part that is the name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// What is named.
    pub name: Name,
    /// Where it is declared, in the order of the text; more than one where it is declared twice or in several branches.
    pub declaration: Vec<Span>,
    /// Where else it stands, in the order of the text.
    pub uses: Vec<Span>,
}

/// The name at `offset` with all its places.
#[must_use]
pub fn occurrences(source: &Source<'_>, offset: usize) -> Option<Named> {
    let names = Names::of(source);
    let found = names.at(offset)?;
    let mut named = Named { name: found.name.clone(), declaration: Vec::new(), uses: Vec::new() };
    for occurrence in names.all(&found.name) {
        if occurrence.declares { &mut named.declaration } else { &mut named.uses }.push(occurrence.span);
    }
    Some(named)
}

/// A place where a name stands.
#[derive(Clone, Debug)]
pub(crate) struct Occurrence<'s, 't> {
    pub name: Name,
    /// Whether it is declared here.
    pub declares: bool,
    /// Where the name is, as narrow as the text allows.
    pub span: Span,
    /// Where a cursor is at it, if at no narrower one.
    pub reach: Span,
    /// Whether it is what the whole string means, not only a part of that.
    pub main: bool,
    pub written: Written<'s, 't>,
    /// Where it stands in the document.
    pub path: Path<'t>,
}

/// How a name is written.
#[derive(Clone, Debug)]
pub(crate) enum Written<'s, 't> {
    /// As a key.
    Key {
        /// With its quotes.
        key: Span,
        name: Cow<'t, str>,
        /// Whether it is the last part of its dotted key.
        last: bool,
    },
    /// As a part of what a string says.
    Text {
        /// With its quotes.
        string: Span,
        value: &'s str,
        range: Range<usize>,
        /// Whether it is a part of a JSON pointer in a reference.
        pointer: bool,
    },
    /// By a word or sign of the format: nothing that could have another name.
    Fixed,
}

impl Written<'_, '_> {
    /// Whether the span of an occurrence says the name as it is.
    pub(crate) fn verbatim(&self, span: Span, text: &str) -> bool {
        match self {
            Self::Key { name, .. } => span.of(text) == name.as_ref(),
            Self::Text { string, value, range, .. } => {
                span != *string && value.get(range.clone()) == Some(span.of(text))
            }
            Self::Fixed => false,
        }
    }
}

/// The names of a text.
pub(crate) struct Names<'s, 't> {
    source: &'s Source<'t>,
    publisher: Option<&'s str>,
    skill: Option<&'s str>,
}

impl<'s, 't> Names<'s, 't> {
    pub(crate) fn of(source: &'s Source<'t>) -> Self {
        let said = |key| source.text_at(&[key]).map(str::trim).filter(|said| !said.is_empty());
        Self { source, publisher: said("publisher"), skill: said("skill_id") }
    }

    /// The publisher, without white space around.
    pub(crate) fn publisher(&self) -> Option<&'s str> {
        self.publisher
    }

    /// What a cursor at `offset` is at: the narrowest name.
    pub(crate) fn at(&self, offset: usize) -> Option<Occurrence<'s, 't>> {
        let found = self.here(offset);
        let narrow = found.iter().filter(|it| it.span.touches(offset)).min_by_key(|it| (it.span.len(), !it.main));
        narrow.or_else(|| found.iter().find(|it| it.main)).cloned()
    }

    /// What the string at `offset` refers to as a whole; [`Names::at`] where it only declares.
    pub(crate) fn referred(&self, offset: usize) -> Option<Occurrence<'s, 't>> {
        let found = self.here(offset).into_iter().find(|it| it.main && !it.declares);
        found.or_else(|| self.at(offset))
    }

    /// What the key or string at `offset` declares as a whole.
    pub(crate) fn declared(&self, offset: usize) -> Option<Occurrence<'s, 't>> {
        self.here(offset).into_iter().find(|it| it.main && it.declares)
    }

    /// Every name whose reach touches `offset`.
    fn here(&self, offset: usize) -> Vec<Occurrence<'s, 't>> {
        let mut found = Vec::new();
        let Some(place) = self.source.at(offset) else { return found };
        self.in_mention(&place.mention, &mut |occurrence| {
            if occurrence.reach.touches(offset) {
                found.push(occurrence);
            }
        });
        found
    }

    /// All places of a name in the order of the text.
    pub(crate) fn all(&self, name: &Name) -> Vec<Occurrence<'s, 't>> {
        let mut found: Vec<Occurrence<'s, 't>> = Vec::new();
        self.each(|occurrence| {
            if occurrence.name == *name {
                found.push(occurrence);
            }
        });
        // A key that is written more than once is declared where its table is opened, else where it stands first.
        let mut declared: HashMap<Path<'t>, usize> = HashMap::new();
        let opens = |it: &Occurrence<'_, '_>| matches!(it.written, Written::Key { last: true, .. });
        for (at, it) in found.iter().enumerate() {
            if !it.declares {
                continue;
            }
            let Written::Key { .. } = it.written else { continue };
            match declared.entry(it.path.clone()) {
                Entry::Vacant(place) => drop(place.insert(at)),
                Entry::Occupied(mut place) => {
                    if opens(it) && !found.get(*place.get()).is_some_and(opens) {
                        place.insert(at);
                    }
                }
            }
        }
        for (at, it) in found.iter_mut().enumerate() {
            if matches!(it.written, Written::Key { .. }) {
                it.declares &= declared.get(&it.path) == Some(&at);
            }
        }
        found
    }

    /// Every place of every name in the order of the text. A key that declares may come more than once.
    pub(crate) fn each(&self, mut each: impl FnMut(Occurrence<'s, 't>)) {
        self.source.mentions(|mention| self.in_mention(&mention, &mut each));
    }

    fn in_mention(&self, mention: &Mention<'s, 't>, each: &mut dyn FnMut(Occurrence<'s, 't>)) {
        let Some(spot) = spot(self.source.shape, &mention.path) else { return };
        let text = mention.value.and_then(|value| match &value.kind {
            ValueKind::String(said) => {
                Some(Text { text: self.source.text, path: &mention.path, span: value.span, said })
            }
            _ => None,
        });
        match (spot.table.path, spot.key.name, spot.rest) {
            ("", "publisher", []) => {
                if let Some(text) = text {
                    text.whole(each, Name::Publisher, true);
                }
            }
            ("", "skill_id", []) => {
                let Some(text) = text else { return };
                text.whole(each, Name::SkillId, true);
                self.prefix(&text, text.trimmed(), each);
            }
            ("entrypoints.tools[]", "id", []) | ("operator.plugin", "default_tool_id", []) => {
                let Some(text) = text else { return };
                let name = Name::Tool(text.said.trim().to_owned());
                text.whole(each, name, spot.key.name == "id");
                self.prefix(&text, text.trimmed(), each);
            }
            ("capabilities.secrets[]", "scope", []) => {
                if let Some(text) = text {
                    self.scope(&text, each);
                }
            }
            ("operator.config", "properties", [Step::Key(key)]) => {
                key_of(self.source.text, mention, each, Name::ConfigProperty(key.to_string()), true);
            }
            // Compared as it is written, white space and all.
            ("operator.config", "required", [Step::Index(_)]) => {
                if let Some(text) = text {
                    text.part(each, Name::ConfigProperty(text.said.to_owned()), false, 0..text.said.len(), true);
                }
            }
            ("capabilities.wildcard_opt_in", flag, []) => each(Occurrence {
                name: Name::WildcardOptIn(flag.to_owned()),
                declares: true,
                span: mention.span,
                reach: mention.span,
                main: true,
                written: Written::Fixed,
                path: mention.path.clone(),
            }),
            ("entrypoints.tools[]", "input_schema" | "output_schema", [_, ..]) => {
                self.in_schema(mention, spot.rest.len(), text.as_ref(), each);
            }
            (table, key, [Step::Index(_)]) => {
                if let Some((text, flag)) = text.zip(opt_in(table, key)) {
                    wildcard(&text, flag, each);
                }
            }
            _ => {}
        }
    }

    /// The publisher in front of an id.
    fn prefix(&self, text: &Text<'s, '_, 't>, id: Range<usize>, each: &mut dyn FnMut(Occurrence<'s, 't>)) {
        let Some(publisher) = self.publisher else { return };
        let said = text.said.get(id.clone()).unwrap_or_default();
        if said.strip_prefix(publisher).is_some_and(|rest| rest.starts_with('.')) {
            text.part(each, Name::Publisher, false, id.start..id.start + publisher.len(), false);
        }
    }

    fn scope(&self, text: &Text<'s, '_, 't>, each: &mut dyn FnMut(Occurrence<'s, 't>)) {
        let scope = text.trimmed();
        let said = text.said.get(scope.clone()).unwrap_or_default();
        let Some(id) = said.strip_prefix("skill:") else { return };
        let start = scope.end - id.trim_start().len();
        let id = start..scope.end;
        if self.skill.is_some() && text.said.get(id.clone()) == self.skill {
            text.part(each, Name::SkillId, false, id.clone(), true);
        }
        self.prefix(text, id, each);
    }

    /// What the last `below` steps of a path come to, which are within a schema.
    fn in_schema(
        &self,
        mention: &Mention<'s, 't>,
        below: usize,
        text: Option<&Text<'s, '_, 't>>,
        each: &mut dyn FnMut(Occurrence<'s, 't>),
    ) {
        let root = mention.path.0.len() - below;
        let mut last = Said::Nothing;
        along(&mention.path.0, root, false, |at, said| {
            if at + 1 == mention.path.0.len() {
                last = said;
            }
        });
        let key = || mention.path.key().unwrap_or_default().to_owned();
        match (last, text) {
            (Said::Property { of, declares }, _) => {
                let name = Name::SchemaProperty { schema: of.to_string(), name: key() };
                key_of(self.source.text, mention, each, name, declares);
            }
            (Said::Definition { of }, _) => {
                let name = Name::Definition { schema: of.to_string(), name: key() };
                key_of(self.source.text, mention, each, name, true);
            }
            (Said::NameOfProperty { of }, Some(text)) => {
                let name = Name::SchemaProperty { schema: of.to_string(), name: text.said.to_owned() };
                text.part(each, name, false, 0..text.said.len(), true);
            }
            (Said::Anchor, Some(text)) => {
                let Some(document) = documents(self.source, &mention.path, root).pop() else { return };
                let name = Name::Anchor { schema: document.path.to_string(), name: text.said.to_owned() };
                text.part(each, name, true, 0..text.said.len(), true);
            }
            (Said::Reference, Some(text)) => {
                let Some(reference) = Reference::read(self.source, &mention.path, root, text.said) else { return };
                match reference {
                    Reference::Anchor { document, range } => {
                        let Some(name) = text.said.get(range.clone()) else { return };
                        let name = Name::Anchor { schema: document.to_string(), name: name.to_owned() };
                        text.part(each, name, false, range, true);
                    }
                    Reference::Pointer { path, segments } => {
                        let first = path.0.len() - segments.len();
                        along(&path.0, root, true, |at, said| {
                            let Some(range) = at.checked_sub(first).and_then(|at| segments.get(at)) else { return };
                            let Some(Step::Key(key)) = path.0.get(at) else { return };
                            let name = match said {
                                Said::Property { of, .. } => {
                                    Name::SchemaProperty { schema: of.to_string(), name: key.to_string() }
                                }
                                Said::Definition { of } => {
                                    Name::Definition { schema: of.to_string(), name: key.to_string() }
                                }
                                _ => return,
                            };
                            text.piece(each, name, false, range.clone(), at + 1 == path.0.len(), true);
                        });
                    }
                }
            }
            _ => {}
        }
    }
}

/// A string of the text.
struct Text<'s, 'm, 't> {
    text: &'t str,
    path: &'m Path<'t>,
    span: Span,
    said: &'s str,
}

impl<'s, 't> Text<'s, '_, 't> {
    /// The range of what it says without white space around.
    fn trimmed(&self) -> Range<usize> {
        let start = self.said.len() - self.said.trim_start().len();
        start..start + self.said.trim().len()
    }

    /// Where a range of what it says stands in the text, with the whole of the escapes at its ends.
    fn place(&self, range: Range<usize>) -> Span {
        inside(self.text, self.span, self.said, range)
    }

    /// What the string without white space around is the name of.
    fn whole(&self, each: &mut dyn FnMut(Occurrence<'s, 't>), name: Name, declares: bool) {
        let range = self.trimmed();
        if !range.is_empty() {
            self.part(each, name, declares, range, true);
        }
    }

    fn part(
        &self,
        each: &mut dyn FnMut(Occurrence<'s, 't>),
        name: Name,
        declares: bool,
        range: Range<usize>,
        main: bool,
    ) {
        self.piece(each, name, declares, range, main, false);
    }

    fn piece(
        &self,
        each: &mut dyn FnMut(Occurrence<'s, 't>),
        name: Name,
        declares: bool,
        range: Range<usize>,
        main: bool,
        pointer: bool,
    ) {
        let span = self.place(range.clone());
        let reach = if main { self.span } else { span };
        let written = Written::Text { string: self.span, value: self.said, range, pointer };
        each(Occurrence { name, declares, span, reach, main, written, path: self.path.clone() });
    }
}

/// The place in the text of a range of what a string says, with the whole of the escapes at its ends.
pub(crate) fn inside(text: &str, string: Span, said: &str, range: Range<usize>) -> Span {
    let node = Node { span: string, kind: NodeKind::String(Cow::Borrowed(said)) };
    edits::inside(text, &node, range)
}

/// A key that is a name.
fn key_of<'s, 't>(
    text: &'t str,
    mention: &Mention<'s, 't>,
    each: &mut dyn FnMut(Occurrence<'s, 't>),
    name: Name,
    declares: bool,
) {
    let Some(Step::Key(key)) = mention.path.0.last() else { return };
    if mention.role == Role::Element {
        return;
    }
    let span = key_content(text, mention.span, key);
    let written = Written::Key { key: mention.span, name: key.clone(), last: mention.last };
    each(Occurrence { name, declares, span, reach: mention.span, main: true, written, path: mention.path.clone() });
}

/// A key without its quotes, where it stands there as it is.
fn key_content(text: &str, key: Span, name: &str) -> Span {
    let raw = key.of(text);
    if raw.len() == name.len() + 2 && raw.get(1..=name.len()) == Some(name) {
        return Span::new(key.start + 1, key.end - 1);
    }
    key
}

/// The flag that a list of strings needs for `*`.
fn opt_in(table: &str, key: &str) -> Option<&'static str> {
    match (table, key) {
        ("capabilities.filesystem", "read_roots" | "write_roots") => Some("filesystem"),
        ("capabilities", "http_egress_allowlist") => Some("http_egress"),
        ("capabilities.secrets[]", "key_names") => Some("secrets"),
        ("capabilities", "device_capabilities") => Some("device"),
        ("capabilities", "node_capabilities") => Some("node"),
        _ => None,
    }
}

fn wildcard<'s, 't>(text: &Text<'s, '_, 't>, flag: &str, each: &mut dyn FnMut(Occurrence<'s, 't>)) {
    let Some(start) = text.said.find('*') else { return };
    let rest = text.said.get(start..).unwrap_or_default();
    let range = start..start + rest.len() - rest.trim_start_matches('*').len();
    each(Occurrence {
        name: Name::WildcardOptIn(flag.to_owned()),
        declares: false,
        span: text.place(range),
        reach: text.span,
        main: true,
        written: Written::Fixed,
        path: text.path.clone(),
    });
}

// ---- where a path leads ----

/// What the format has at a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'p, 't> {
    /// The table with fixed keys that holds the key.
    pub table: &'static TableShape,
    /// The last key with a meaning of its own.
    pub key: &'static KeyShape,
    /// The steps behind it.
    pub rest: &'p [Step<'t>],
}

/// What the format has at `path`, also where a table with fixed keys is written as an array of its values.
pub(crate) fn spot<'p, 't>(root: &'static TableShape, path: &'p Path<'t>) -> Option<Spot<'p, 't>> {
    let mut table = root;
    let mut steps = path.0.as_slice();
    loop {
        let (step, rest) = steps.split_first()?;
        let key = match step {
            Step::Key(name) => table.key(name)?.1,
            // The top level is never written so.
            Step::Index(at) if steps.len() < path.0.len() => table.keys.get(*at)?,
            Step::Index(_) => return None,
        };
        (table, steps) = match (key.ty, rest) {
            (Type::Table(inner), [_, ..]) => (inner, rest),
            (Type::Tables(inner), [Step::Index(_), rest @ ..]) if !rest.is_empty() => (inner, rest),
            (Type::Map(inner), [Step::Key(_), rest @ ..]) if !rest.is_empty() => (inner, rest),
            _ => return Some(Spot { table, key, rest }),
        };
    }
}

/// What a step of a path within a schema is.
#[derive(Clone, Debug)]
pub(crate) enum Said<'t> {
    /// Nothing with a name of its own.
    Nothing,
    /// A schema stands behind it, and nothing with a name.
    Schema,
    /// The key is a property of these objects; a schema stands behind it where it is declared so.
    Property { of: Path<'t>, declares: bool },
    /// The string is a property's name.
    NameOfProperty { of: Path<'t> },
    /// The key is a definition in this table; a schema stands behind it.
    Definition { of: Path<'t> },
    /// The string behind the key is a reference.
    Reference,
    /// The string behind the key is an anchor.
    Anchor,
}

/// Where one is on the way through a schema. A path in it tells which value is described: that of the tool's schema
/// with the way to the value, without branches that describe the same one.
enum Stand<'t> {
    Schema(Path<'t>),
    /// Behind a keyword with schemas for `value`, or for its elements where that is `None`.
    Behind {
        value: Path<'t>,
        same: bool,
        can: Subschemas,
    },
    Properties(Path<'t>),
    Definitions,
    /// Behind `patternProperties`.
    Patterns(Path<'t>),
    /// A table whose keys are properties, with schemas or lists of properties behind them.
    Dependents(Path<'t>),
    Dependent(Path<'t>),
    /// A list of properties' names.
    Names(Path<'t>),
    /// An example of the value, or something in one.
    Value(Path<'t>),
    /// A list of examples.
    Values(Path<'t>),
    Elsewhere,
}

/// Goes along the steps of `path` behind its first `root`, which lead to a schema; tells what each is, with its place
/// in the path. `pointer` reads numbers as elements where there is a list.
fn along<'t>(path: &[Step<'t>], root: usize, pointer: bool, mut each: impl FnMut(usize, Said<'t>)) {
    let to = |at: usize| Path(path.get(..at).unwrap_or_default().to_vec());
    let mut stand = Stand::Schema(to(root));
    for (at, step) in path.iter().enumerate().skip(root) {
        let element = match step {
            Step::Index(index) => Some(*index),
            Step::Key(key) if pointer => key.parse().ok(),
            Step::Key(_) => None,
        };
        let is_element = element.is_some();
        // A keyword with one schema leads right into it.
        stand = match (stand, step) {
            (Stand::Behind { value, can, .. }, Step::Key(_)) if can.one && !(is_element && can.listed) => {
                Stand::Schema(value)
            }
            (Stand::Dependent(value), Step::Key(_)) if !is_element => Stand::Schema(value),
            (stand, _) => stand,
        };
        let said;
        (stand, said) = match (stand, step) {
            (Stand::Schema(value), Step::Key(key)) => keyword(key, step, value),
            (Stand::Behind { value, same, can }, _) if can.listed && is_element => {
                let index = element.unwrap_or_default();
                (Stand::Schema(if same { value } else { value.with(Step::Index(index)) }), Said::Schema)
            }
            (Stand::Properties(of), Step::Key(_)) => {
                let value = of.with(Step::Key("properties".into())).with(step.clone());
                (Stand::Schema(value), Said::Property { of, declares: true })
            }
            (Stand::Definitions, Step::Key(_)) => (Stand::Schema(to(at + 1)), Said::Definition { of: to(at) }),
            (Stand::Patterns(of), Step::Key(_)) => (Stand::Schema(of.with(step.clone())), Said::Schema),
            (Stand::Dependents(of), Step::Key(_)) => {
                (Stand::Dependent(of.clone()), Said::Property { of, declares: false })
            }
            (Stand::Dependent(of) | Stand::Names(of), _) if is_element => {
                (Stand::Elsewhere, Said::NameOfProperty { of })
            }
            (Stand::Value(of), Step::Key(_)) => {
                let value = of.with(Step::Key("properties".into())).with(step.clone());
                (Stand::Value(value), Said::Property { of, declares: false })
            }
            (Stand::Value(of), Step::Index(_)) => (Stand::Value(of.with(Step::Key("items".into()))), Said::Nothing),
            (Stand::Values(of), Step::Index(_)) => (Stand::Value(of), Said::Nothing),
            _ => (Stand::Elsewhere, Said::Nothing),
        };
        each(at, said);
    }
}

/// What stands behind a keyword of a schema for `value`.
fn keyword<'t>(key: &str, step: &Step<'t>, value: Path<'t>) -> (Stand<'t>, Said<'t>) {
    let stand = match key {
        "$ref" | "$dynamicRef" => return (Stand::Elsewhere, Said::Reference),
        "$anchor" | "$dynamicAnchor" => return (Stand::Elsewhere, Said::Anchor),
        "properties" => Stand::Properties(value),
        "$defs" | "definitions" => Stand::Definitions,
        "patternProperties" => Stand::Patterns(value.with(step.clone())),
        "dependentSchemas" | "dependentRequired" | "dependencies" => Stand::Dependents(value),
        "required" => Stand::Names(value),
        "default" | "const" | "example" => Stand::Value(value),
        "examples" | "enum" => Stand::Values(value),
        _ => {
            let can = subschemas(key);
            let same = matches!(key, "allOf" | "anyOf" | "oneOf" | "if" | "then" | "else" | "not");
            let value = if same { value } else { value.with(step.clone()) };
            let said = if can.one { Said::Schema } else { Said::Nothing };
            return (Stand::Behind { value, same, can }, said);
        }
    };
    (stand, Said::Nothing)
}

/// What the last step of `path` is, where that leads into the schema of a tool.
pub(crate) fn said<'t>(source: &Source<'t>, path: &Path<'t>) -> Option<Said<'t>> {
    let spot = spot(source.shape, path)?;
    if !matches!(spot.key.ty, Type::Schema) {
        return None;
    }
    let root = path.0.len() - spot.rest.len();
    let mut last = Said::Schema;
    along(&path.0, root, false, |_, said| last = said);
    Some(last)
}

// ---- references of JSON Schema ----

/// A schema with references of its own.
struct SchemaDocument<'t, 's> {
    path: Path<'t>,
    id: Option<&'s str>,
}

/// The documents around `path`, the outermost first: the schema, which the first `root` steps lead to, and each part on
/// the way that has an `$id`.
fn documents<'s, 't>(source: &'s Source<'t>, path: &Path<'t>, root: usize) -> Vec<SchemaDocument<'t, 's>> {
    let to = |at: usize| Path(path.0.get(..at).unwrap_or_default().to_vec());
    let mut found = vec![SchemaDocument { path: to(root), id: None }];
    let mut node = source.node(&to(root));
    for (at, step) in path.0.iter().enumerate().skip(root) {
        let table = node.and_then(Node::as_table);
        let id = table.and_then(|table| table.get("$id")).and_then(|field| field.value.as_str());
        if let Some(id) = id.filter(|id| !id.starts_with('#')) {
            let id = Some(id.trim_end_matches('#'));
            match found.first_mut() {
                Some(first) if at == root => first.id = id,
                _ => found.push(SchemaDocument { path: to(at), id }),
            }
        }
        node = match step {
            Step::Key(key) => table.and_then(|table| table.get(key)).map(|field| &field.value),
            Step::Index(index) => node.and_then(Node::as_array).and_then(|items| items.get(*index)),
        };
    }
    found
}

/// Where a reference leads.
pub(crate) enum Reference<'t> {
    /// To an anchor of a document; where its name stands in the reference.
    Anchor { document: Path<'t>, range: Range<usize> },
    /// To what a JSON pointer leads to; where each of the pointer's parts stands in the reference. The path ends in
    /// these parts, numbers too as keys.
    Pointer { path: Path<'t>, segments: Vec<Range<usize>> },
}

/// The most parts that a pointer may have to lead anywhere.
const MAX_PARTS: usize = skillyard_manifest::document::MAX_DEPTH;

impl<'t> Reference<'t> {
    /// Reads the reference that stands at `path`; `None` for one that leads out of the schema, or not to read.
    fn read(source: &Source<'t>, path: &Path<'t>, root: usize, said: &str) -> Option<Self> {
        let (base, fragment) = said.split_once('#')?;
        let mut documents = documents(source, path, root);
        let document = if base.is_empty() {
            documents.pop()?
        } else {
            documents.into_iter().rev().find(|document| document.id == Some(base))?
        };
        let start = base.len() + 1;
        if fragment.is_empty() {
            return Some(Self::Pointer { path: document.path, segments: Vec::new() });
        }
        let Some(pointer) = fragment.strip_prefix('/') else {
            return Some(Self::Anchor { document: document.path, range: start..said.len() });
        };
        let mut path = document.path;
        let mut segments = Vec::new();
        let mut at = start + 1;
        for part in pointer.split('/') {
            if segments.len() == MAX_PARTS {
                return None;
            }
            path.0.push(Step::Key(Cow::Owned(decoded(part)?)));
            segments.push(at..at + part.len());
            at += part.len() + 1;
        }
        Some(Self::Pointer { path, segments })
    }
}

/// Where the reference behind `mention` leads: the path of a value of the document.
pub(crate) fn target<'t>(source: &Source<'t>, mention: &Mention<'_, 't>) -> Option<Path<'t>> {
    let spot = spot(source.shape, &mention.path)?;
    let ValueKind::String(said) = &mention.value?.kind else { return None };
    if !matches!(spot.key.ty, Type::Schema) || !matches!(self::said(source, &mention.path)?, Said::Reference) {
        return None;
    }
    let root = mention.path.0.len() - spot.rest.len();
    let Reference::Pointer { path, segments } = Reference::read(source, &mention.path, root, said)? else {
        return None;
    };
    let mut found = Path(path.0.get(..path.0.len() - segments.len())?.to_vec());
    let mut node = source.node(&found)?;
    for step in path.0.into_iter().skip(found.0.len()) {
        let Step::Key(key) = step else { return None };
        if let Some(items) = node.as_array() {
            let index = key.parse().ok()?;
            node = items.get(index)?;
            found.0.push(Step::Index(index));
        } else {
            node = &node.as_table()?.get(&key)?.value;
            found.0.push(Step::Key(key));
        }
    }
    Some(found)
}

/// What a part of a JSON pointer in a reference means. `None` where it holds a `/` in disguise, or no UTF-8.
fn decoded(part: &str) -> Option<String> {
    if !part.contains(['%', '~']) {
        return Some(part.to_owned());
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains('/')).then(|| text.replace("~1", "/").replace("~0", "~"))
}

/// `key` as a part of a JSON pointer in a reference.
pub(crate) fn encoded(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for c in key.replace('~', "~0").replace('/', "~1").chars() {
        if c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@?".contains(c) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        }
    }
    out
}
