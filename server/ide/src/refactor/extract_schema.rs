//! What repeats within one schema of a tool as a definition of its own, below `$defs`, with references to it.

use std::collections::{HashMap, HashSet};

use skillyard_manifest::{
    Span, TextEdit,
    document::{Node, NodeKind, Origin, Table, spelled, string},
    edits,
    shape::Type,
    syntax::{Item, ValueKind},
};

use super::{
    Asked, Draft, EXTRACT, Offer, Refactoring, Resolved, broken, data_of,
    draft::{Part, Section},
    has_comments, is_below, item_paths, path_of, same,
    sort_list::value_at,
    to_inline::inline,
    to_section::lines,
    too_deep,
};
use crate::{Facts, Meaning, Path, Source, Step};

pub(super) static EXTRACT_SCHEMA: Refactoring = Refactoring {
    id: "extract_schema",
    kind: EXTRACT,
    title: "Extract a repeated sub-schema to `$defs`",
    offer,
    resolve,
};

/// Values that a sub-schema has at least for a definition to be shorter than its repeats.
const MIN_VALUES: usize = 3;
/// Offers at one place.
const MAX_OFFERS: usize = 3;
/// Repeats that are replaced at once.
const MAX_REPEATS: usize = 200;
/// Values of a schema that is looked at.
const MAX_VALUES: usize = 20_000;

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    let source = asked.source;
    let Some(place) = &asked.place else { return };
    let Some(schema) = schema_of(source, &place.mention.path) else { return };
    let Some(table) = source.table(&schema) else { return };
    let Some(repeats) = Repeats::find(source, table) else { return };
    // The repeated ones that the cursor is in, from the inside out; at the schema itself the largest of all.
    let mut ways: Vec<&[Step<'_>]> = Vec::new();
    let steps = place.mention.path.0.get(schema.0.len()..).unwrap_or_default();
    if steps.is_empty() {
        ways.extend(repeats.largest());
    } else {
        ways.extend((1..=steps.len()).rev().filter_map(|length| steps.get(..length)));
    }
    let mut count = 0;
    for way in ways {
        let Some(group) = repeats.group(way) else { continue };
        let mut path = schema.clone();
        path.0.extend(way.iter().cloned());
        let name = free_name(table, &name_of(table, group.ways.first().map_or(way, Vec::as_slice)));
        offers.push(Offer {
            id: EXTRACT_SCHEMA.id,
            title: format!(
                "Extract {} equal schemas to {}",
                group.ways.len(),
                skillyard_manifest::quoted(&format!("$defs.{name}"))
            ),
            kind: EXTRACT_SCHEMA.kind,
            data: data_of(&path),
            disabled: broken(source)
                .or_else(|| too_deep(source))
                .or_else(|| hindrance(source, &schema, table, group).map(str::to_owned)),
            about_file: false,
        });
        count += 1;
        if count == MAX_OFFERS {
            break;
        }
    }
}

/// The path of the tool's schema that a path leads to or into.
pub(super) fn schema_of<'t>(source: &Source<'t>, path: &Path<'t>) -> Option<Path<'t>> {
    let depth = match source.meaning(path) {
        Meaning::Key(_, key) if matches!(key.ty, Type::Schema) => path.0.len(),
        Meaning::InSchema(_, steps) => path.0.len().checked_sub(steps)?,
        _ => return None,
    };
    Some(Path(path.0.get(..depth)?.to_vec()))
}

/// What a way into a schema leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A schema.
    Schema,
    /// A table of schemas under free names.
    Schemas,
    /// A list of schemas.
    List,
    /// A table of lists of names.
    Names,
}

impl Kind {
    fn step(self, step: &Step<'_>) -> Option<Self> {
        match (self, step) {
            (Self::Schema, Step::Key(keyword)) => match keyword.as_ref() {
                "items"
                | "additionalProperties"
                | "not"
                | "if"
                | "then"
                | "else"
                | "contains"
                | "propertyNames"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "contentSchema" => Some(Self::Schema),
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
                    Some(Self::Schemas)
                }
                "allOf" | "anyOf" | "oneOf" | "prefixItems" => Some(Self::List),
                "dependentRequired" => Some(Self::Names),
                _ => None,
            },
            (Self::Schemas, Step::Key(_)) | (Self::List, Step::Index(_)) => Some(Self::Schema),
            _ => None,
        }
    }
}

/// What the way leads to that starts at a schema; `None` where it leads through something that holds no schemas.
pub(super) fn leads_to(way: &[Step<'_>]) -> Option<Kind> {
    way.iter().try_fold(Kind::Schema, |kind, step| kind.step(step))
}

/// Equal sub-schemas.
struct Group<'t> {
    /// The ways from the schema to each, in the order of the text as far as tables have one.
    ways: Vec<Vec<Step<'t>>>,
    /// Values in each.
    values: usize,
}

/// The repeated sub-schemas of one schema.
struct Repeats<'t> {
    groups: Vec<Group<'t>>,
}

/// A sub-schema that is looked at.
struct Candidate<'d, 't> {
    way: Vec<Step<'t>>,
    node: &'d Node<'t>,
    values: usize,
}

impl<'t> Repeats<'t> {
    /// `None` for a schema that is too large, or of a dialect in which a `$ref` hides what stands beside it.
    fn find(source: &Source<'t>, schema: &Table<'t>) -> Option<Self> {
        if let Some(dialect) = schema.get("$schema") {
            let dialect = dialect.value.as_str()?.trim_end_matches('#');
            let known =
                ["https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2019-09/schema"];
            known.contains(&dialect).then_some(())?;
        }
        let mut left = MAX_VALUES;
        let mut candidates = Vec::new();
        let mut way = Vec::new();
        for (key, field) in &schema.fields {
            let step = Step::Key(key.clone());
            let kind = Kind::Schema.step(&step);
            way.push(step);
            walk(&field.value, kind, &mut way, &mut candidates, &mut left)?;
            way.pop();
        }
        // By what they print like first, so that few are compared in full.
        let mut by_size: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
        for (at, candidate) in candidates.iter().enumerate() {
            let fields = candidate.node.as_table().map_or(0, |table| table.fields.len());
            by_size.entry((candidate.values, fields)).or_default().push(at);
        }
        let mut groups: Vec<Group<'t>> = Vec::new();
        let mut seen: HashMap<u64, Vec<(usize, usize)>> = HashMap::new();
        let mut alike: Vec<usize> = by_size.into_values().filter(|alike| alike.len() > 1).flatten().collect();
        alike.sort_unstable();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for at in alike {
            let candidate = &candidates[at];
            let known = seen.entry(fingerprint(candidate.node)).or_default();
            let equal =
                known.iter().find(|(first, _)| same(source.text, candidates[*first].node, source.text, candidate.node));
            match equal {
                Some((_, group)) => members[*group].push(at),
                None => {
                    known.push((at, members.len()));
                    members.push(vec![at]);
                }
            }
        }
        for group in members.into_iter().filter(|group| group.len() > 1) {
            let values = group.first().map_or(0, |&at| candidates[at].values);
            groups.push(Group { ways: group.into_iter().map(|at| candidates[at].way.clone()).collect(), values });
        }
        Some(Self { groups })
    }

    fn group(&self, way: &[Step<'_>]) -> Option<&Group<'t>> {
        self.groups.iter().find(|group| group.ways.iter().any(|other| other == way))
    }

    /// One of the largest repeated.
    fn largest(&self) -> Option<&[Step<'t>]> {
        let largest = self.groups.iter().max_by_key(|group| (group.values, group.ways.len()))?;
        largest.ways.first().map(Vec::as_slice)
    }
}

/// Looks for sub-schemas that could be definitions; the number of values in `node`. `None` when there are too many.
fn walk<'d, 't>(
    node: &'d Node<'t>,
    kind: Option<Kind>,
    way: &mut Vec<Step<'t>>,
    found: &mut Vec<Candidate<'d, 't>>,
    left: &mut usize,
) -> Option<(usize, bool)> {
    *left = left.checked_sub(1)?;
    let (mut values, mut movable) = (1, true);
    match &node.kind {
        NodeKind::Table(table) => {
            let before = found.len();
            for (key, field) in &table.fields {
                let step = Step::Key(key.clone());
                let below = kind.and_then(|kind| kind.step(&step));
                way.push(step);
                let (count, moves) = walk(&field.value, below, way, found, left)?;
                way.pop();
                values += count;
                movable &= moves;
            }
            if kind == Some(Kind::Schema) {
                // What has a name of its own, or a base of its own for references, stays where it is.
                const NAMED: [&str; 6] =
                    ["$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef"];
                if NAMED.iter().any(|key| table.get(key).is_some()) {
                    movable = false;
                }
                if table.get("$id").is_some() {
                    found.truncate(before);
                }
                // A definition that is there already is one of the repeats that a reader would rather see used; it stays.
                let is_definition = matches!(way.as_slice(), [Step::Key(defs), Step::Key(_)] if defs == "$defs");
                let is_reference = table.get("$ref").is_some() && table.fields.len() == 1;
                if movable && values > MIN_VALUES && !is_reference && !is_definition {
                    found.push(Candidate { way: way.clone(), node, values });
                }
            }
        }
        NodeKind::Array(array) => {
            for (index, item) in array.items.iter().enumerate() {
                let step = Step::Index(index);
                let below = kind.and_then(|kind| kind.step(&step));
                way.push(step);
                let (count, moves) = walk(item, below, way, found, left)?;
                way.pop();
                values += count;
                movable &= moves;
            }
        }
        NodeKind::Invalid | NodeKind::DateTime => movable = false,
        _ => {}
    }
    Some((values, movable))
}

/// A number that equal values share, whatever the order of their keys.
fn fingerprint(node: &Node<'_>) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    match &node.kind {
        NodeKind::Invalid | NodeKind::DateTime => {}
        NodeKind::String(text) => text.hash(&mut hasher),
        NodeKind::Integer(number) => number.hash(&mut hasher),
        NodeKind::Float(number) => number.to_bits().hash(&mut hasher),
        NodeKind::Boolean(value) => value.hash(&mut hasher),
        NodeKind::Array(array) => array.items.iter().for_each(|item| fingerprint(item).hash(&mut hasher)),
        NodeKind::Table(table) => {
            let mut all = 0_u64;
            for (key, field) in &table.fields {
                let mut own = DefaultHasher::new();
                key.hash(&mut own);
                fingerprint(&field.value).hash(&mut own);
                all = all.wrapping_add(own.finish());
            }
            all.hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// How one of the repeats is written.
enum Written {
    /// By one value: an inline table.
    Value(Span),
    /// By lines: dotted keys, or sections.
    Lines,
}

fn written(source: &Source<'_>, path: &Path<'_>) -> Option<Written> {
    let node = source.node(path)?;
    match &node.as_table()?.origin {
        Origin::Inline => Some(Written::Value(node.span)),
        Origin::Header | Origin::Implicit => Some(Written::Lines),
        // Dotted keys on lines, not within braces.
        Origin::Dotted => {
            let item = source.item_at(node.span.start)?;
            match source.tree.items.get(item)? {
                Item::Entry(entry) => (node.span.start < entry.value.span.start).then_some(Written::Lines),
                _ => None,
            }
        }
    }
}

/// The paths of a group's repeats.
fn paths<'t>(schema: &Path<'t>, group: &Group<'t>) -> Vec<Path<'t>> {
    let ways = group.ways.iter();
    ways.map(|way| Path(schema.0.iter().chain(way).cloned().collect())).collect()
}

/// Why a group cannot be extracted.
fn hindrance<'t>(source: &Source<'t>, schema: &Path<'t>, table: &Table<'t>, group: &Group<'t>) -> Option<&'static str> {
    if group.ways.len() > MAX_REPEATS {
        return Some("it repeats too often");
    }
    let paths = paths(schema, group);
    if paths.iter().any(|path| written(source, path).is_none()) {
        return Some("one of them is written with dotted keys within braces: give it braces of its own first");
    }
    if table.get("$defs").is_some_and(|field| field.value.as_table().is_none()) {
        return Some("`$defs` is no table");
    }
    let mut pointers = HashSet::new();
    references(table, &mut pointers);
    let into = group.ways.iter().any(|way| {
        let start = format!("{}/", pointer(way));
        pointers.iter().any(|pointer| pointer.starts_with(&start))
    });
    if into {
        return Some("a reference points into one of them");
    }
    let with_comments = commented(source, &paths);
    if with_comments.len() > 1 {
        return Some("the comments in all but one of them would be lost");
    }
    let target = target(source, schema, table);
    if with_comments
        .first()
        .is_some_and(|path| target.is_none() && matches!(written(source, path), Some(Written::Lines)))
    {
        return Some("its comments would have no place in the braces of `$defs`");
    }
    None
}

/// The paths whose repeats have comments in them.
fn commented<'p, 't>(source: &Source<'t>, paths: &'p [Path<'t>]) -> Vec<&'p Path<'t>> {
    let items = item_paths(source);
    let has = |path: &&Path<'t>| match written(source, path) {
        Some(Written::Value(span)) => has_comments(source, span, &[]),
        Some(Written::Lines) => {
            let of = |at: &usize| items.get(*at).is_some_and(|item| is_below(item, path));
            (0..items.len()).filter(of).any(|at| {
                let own_header = items.get(at) == Some(path);
                let Some(span) = source.tree.items.get(at).map(Item::span) else { return false };
                let end = edits::line_end(source.text, span.end);
                let before =
                    at.checked_sub(1).and_then(|at| source.tree.items.get(at)).map_or(0, |item| item.span().end);
                let before = edits::line_end(source.text, before).min(span.start);
                // What is said above and behind its own header stays there.
                let within = if own_header { span } else { Span::new(before, end) };
                has_comments(source, within, &[])
            })
        }
        None => false,
    };
    paths.iter().filter(has).collect()
}

/// Every `$ref` to a place in the same document, as a JSON pointer.
fn references(table: &Table<'_>, found: &mut HashSet<String>) {
    fn visit(node: &Node<'_>, found: &mut HashSet<String>) {
        match &node.kind {
            NodeKind::Table(table) => references(table, found),
            NodeKind::Array(array) => array.items.iter().for_each(|item| visit(item, found)),
            _ => {}
        }
    }
    for (key, field) in &table.fields {
        if let (true, Some(reference)) = (key == "$ref", field.value.as_str())
            && let Some((_, pointer)) = reference.split_once('#')
        {
            found.insert(percent_decoded(pointer));
        }
        visit(&field.value, found);
    }
}

/// A fragment of a URI as the text that it stands for.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let digit = |at: usize| behind.get(at).and_then(|&b| char::from(b).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A way as a JSON pointer.
fn pointer(way: &[Step<'_>]) -> String {
    let mut out = String::new();
    for step in way {
        out.push('/');
        match step {
            Step::Key(key) => out.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => out.push_str(&index.to_string()),
        }
    }
    out
}

/// The name that a definition gets: of its title, else of the key that it stands behind.
fn name_of(schema: &Table<'_>, way: &[Step<'_>]) -> String {
    let mut node = None;
    let mut table = Some(schema);
    for step in way {
        node = match (step, table, node) {
            (Step::Key(key), Some(table), _) => table.get(key).map(|field| &field.value),
            (Step::Index(index), _, Some(before)) => Node::as_array(before).and_then(|items| items.get(*index)),
            _ => None,
        };
        table = node.and_then(Node::as_table);
    }
    let title = table.and_then(|table| table.get("title")?.value.as_str()).map(slug).filter(|name| !name.is_empty());
    let by_key = || {
        let mut named = None;
        let mut kind = Some(Kind::Schema);
        let mut item = false;
        for step in way {
            if let (Some(Kind::Schemas), Step::Key(key)) = (kind, step) {
                named = Some(slug(key)).filter(|name| !name.is_empty());
                item = false;
            } else {
                item |= matches!(step, Step::Key(key) if key == "items");
            }
            kind = kind.and_then(|kind| kind.step(step));
        }
        match named {
            Some(named) if item => format!("{named}_item"),
            Some(named) => named,
            None => "shared".to_owned(),
        }
    };
    title.unwrap_or_else(by_key)
}

/// Lower-case words with `_` between.
fn slug(text: &str) -> String {
    const LONGEST: usize = 40;
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_");
    name.truncate(LONGEST);
    name.trim_end_matches('_').to_owned()
}

/// `name`, with a number where a definition has that name.
fn free_name(schema: &Table<'_>, name: &str) -> String {
    let defs = schema.get("$defs").and_then(|field| field.value.as_table());
    let is_free = |name: &str| defs.is_none_or(|defs| defs.get(name).is_none());
    if is_free(name) {
        return name.to_owned();
    }
    (2_u32..).map(|number| format!("{name}_{number}")).find(|name| is_free(name)).unwrap_or_else(|| name.to_owned())
}

/// The header of the schema's definitions, where they can have sections. `None` where they stand within braces.
fn target(source: &Source<'_>, schema: &Path<'_>, table: &Table<'_>) -> Option<String> {
    let defs = table.get("$defs").and_then(|field| field.value.as_table());
    if table.origin == Origin::Inline || defs.is_some_and(|defs| defs.origin == Origin::Inline) {
        return None;
    }
    let mut header = String::new();
    for step in &schema.0 {
        if let Step::Key(key) = step {
            header.push_str(&spelled(key));
            header.push('.');
        }
    }
    debug_assert!(source.node(schema).is_some());
    Some(format!("{header}{}", spelled("$defs")))
}

fn resolve(source: &Source<'_>, data: &str, _: &Facts) -> Option<Resolved> {
    if broken(source).is_some() {
        return None;
    }
    let path = path_of(data)?;
    let schema = schema_of(source, &path)?;
    let table = source.table(&schema)?;
    let repeats = Repeats::find(source, table)?;
    let group = repeats.group(path.0.get(schema.0.len()..)?)?;
    if hindrance(source, &schema, table, group).is_some() {
        return None;
    }
    let name = free_name(table, &name_of(table, group.ways.first()?));
    let paths = paths(&schema, group);
    let reference = string(&format!("#/$defs/{name}"));
    // The one whose text becomes the definition: that with the comments.
    let model = commented(source, &paths).first().copied().or(paths.first())?;
    let mut draft = Draft::new(source);
    let items = item_paths(source);
    // The sections with dotted keys of the schema.
    let holds = |section: &&Section<'_>| {
        let mut own = section.entries.iter().filter_map(|block| items.get(block.item?));
        own.any(|item| is_below(item, &schema))
    };
    let holders: Vec<Path<'_>> = draft.sections.iter().filter(holds).map(|section| section.path.clone()).collect();
    let definition = match target(source, &schema, table) {
        Some(header) => Some(definition(source, &draft, &items, model, &format!("{header}.{name}"))?),
        None => {
            let value = inline(source.text, source.node(model)?);
            let edit = match table.get("$defs").map(|field| &field.value) {
                Some(defs) => edits::add_key(source.text, defs.as_table()?, &name, &value)?,
                None => edits::add_key(source.text, table, &spelled("$defs"), &format!("{{ {name} = {value} }}"))?,
            };
            draft.splice(edit);
            None
        }
    };
    for path in &paths {
        match written(source, path)? {
            Written::Value(span) => {
                draft.splice(TextEdit { span, text: format!("{{ \"$ref\" = {reference} }}") });
            }
            Written::Lines => replace_lines(source, &mut draft, &items, path, &reference)?,
        }
    }
    if let Some(sections) = definition {
        // Behind all that belongs to the schema.
        let of_schema = |section: &Section<'_>| section.header.is_some() && is_below(&section.path, &schema);
        let at = draft.sections.iter().rposition(|section| of_schema(section) || holders.contains(&section.path))? + 1;
        draft.sections.splice(at..at, sections);
    }
    let edits = draft.edits();
    let text = skillyard_manifest::fix::apply_edits(source.text, &edits);
    let after = Source::of_shape(&text, source.shape);
    super::is_whole(&after).then_some(())?;
    // The definition says what its repeats said.
    let defined = after.node(&schema)?.as_table()?.get("$defs")?.value.as_table()?.get(&name)?;
    let said = source.node(model)?;
    if !same(&text, &defined.value, source.text, said) {
        return None;
    }
    Some(Resolved { edits, select: Some(defined.key) })
}

/// The sections of a definition, made of the text of one of the repeats.
fn definition<'t>(
    source: &Source<'t>,
    draft: &Draft<'t>,
    items: &[Path<'t>],
    model: &Path<'t>,
    header: &str,
) -> Option<Vec<Section<'t>>> {
    let mut first = draft.section(Path::default(), format!("[{header}]"));
    if matches!(written(source, model)?, Written::Value(_)) {
        let value = value_at(source, model)?;
        let ValueKind::Table(entries) = &value.kind else { return None };
        first.entries = lines(source, draft, value.span, entries);
        return Some(vec![first]);
    }
    let mut sections = vec![first];
    for section in &draft.sections {
        if section.header.is_some() && is_below(&section.path, model) {
            let mut copy = section.clone();
            let depth = model.0.len();
            if section.path.0.len() > depth {
                let below = section.path.0.get(depth..)?;
                let mut key = header.to_owned();
                for step in below {
                    if let Step::Key(name) = step {
                        key.push('.');
                        key.push_str(&spelled(name));
                    }
                }
                let old = section.header.as_ref()?;
                let Some(Item::Header(written)) = source.tree.items.get(old.item?) else { return None };
                let key = if written.array { format!("[[{key}]]") } else { format!("[{key}]") };
                let behind = super::to_inline::behind(source, old);
                let new = copy.header.as_mut()?;
                new.parts = vec![Part::New(format!("{key}{behind}"))];
                sections.push(copy);
            } else if let Some(first) = sections.first_mut() {
                first.entries = copy.entries;
                first.tail = copy.tail;
            }
            continue;
        }
        for block in &section.entries {
            let Some(item) = block.item.filter(|&item| items.get(item).is_some_and(|item| is_below(item, model)))
            else {
                continue;
            };
            let Item::Entry(entry) = source.tree.items.get(item)? else { return None };
            let [Part::Old(line)] = block.parts.as_slice() else { return None };
            let depth = model.0.len().checked_sub(section.path.0.len())?;
            let mut copy = block.clone();
            copy.parts = vec![Part::Old(Span::new(entry.keys.get(depth)?.span.start, line.end))];
            sections.first_mut()?.entries.push(copy);
        }
    }
    // All of it is written again: what it was made of goes where it stood.
    for section in &mut sections {
        for block in section.header.iter_mut().chain(&mut section.entries).chain(&mut section.tail) {
            block.eol = draft.newline();
        }
    }
    if let Some(block) = sections.first_mut().and_then(|section| section.entries.first_mut()) {
        block.gap = "";
    }
    Some(sections)
}

/// Puts a reference in the place of a sub-schema that is written on lines.
fn replace_lines<'t>(
    source: &Source<'t>,
    draft: &mut Draft<'t>,
    items: &[Path<'t>],
    path: &Path<'t>,
    reference: &str,
) -> Option<()> {
    let mut placed = false;
    let entry = draft.block(format!("\"$ref\" = {reference}"));
    let mut kept = Vec::new();
    for mut section in std::mem::take(&mut draft.sections) {
        if section.header.is_some() && is_below(&section.path, path) {
            let own = section.path == *path;
            if !placed {
                placed = true;
                if !own {
                    // Only sections below it told of it.
                    let depth = section.path.0.len() - path.0.len();
                    let item = section.header.as_ref()?.item?;
                    let Some(Item::Header(header)) = source.tree.items.get(item) else { return None };
                    let keys = section.path.0.get(section.path.0.len() - depth..)?;
                    let below = keys.iter().filter(|step| matches!(step, Step::Key(_))).count();
                    let keys = header.keys.get(..header.keys.len().checked_sub(below)?)?;
                    let new = section.header.as_mut()?;
                    new.lead = Span::default();
                    new.parts = vec![Part::New(format!("[{}]", skillyard_manifest::document::dotted(keys)))];
                    section.path = path.clone();
                }
                section.entries = vec![entry.clone()];
                section.tail = None;
                kept.push(section);
            } else if own {
                // A header behind those of the tables below it: one of them has its place already.
                continue;
            }
            continue;
        }
        let mut entries = Vec::new();
        for block in std::mem::take(&mut section.entries) {
            let ours = block.item.filter(|&item| items.get(item).is_some_and(|item| is_below(item, path)));
            let Some(item) = ours else {
                entries.push(block);
                continue;
            };
            if placed {
                continue;
            }
            placed = true;
            let Item::Entry(written) = source.tree.items.get(item)? else { return None };
            let depth = path.0.len().checked_sub(section.path.0.len())?;
            let keys = skillyard_manifest::document::dotted(written.keys.get(..depth)?);
            let mut new = draft.block(format!("{keys}.\"$ref\" = {reference}"));
            new.gap = block.gap;
            entries.push(new);
        }
        section.entries = entries;
        kept.push(section);
    }
    draft.sections = kept;
    placed.then_some(())
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{after, hindered, offers},
        *,
    };

    const TOOL: &str = "[[entrypoints.tools]]\nid = \"x\"\n";

    #[test]
    fn sections_become_one_definition() {
        assert_eq!(
            after(
                "extract_schema",
                &format!(
                    "{TOOL}[entrypoints.tools.input_schema]\ntype = \"object\"\n\n# at home\n[entrypoints.tools.input_schema.properties.home]$0 # h\n\
                     # where\ntype = \"object\"\ntitle = \"Postal address\"\n[entrypoints.tools.input_schema.properties.home.properties.zip]\n\
                     type = \"string\" # z\n\n[entrypoints.tools.input_schema.properties.work]\ntitle = \"Postal address\"\ntype = \"object\"\n\
                     properties.zip = {{ type = \"string\" }}\n\n[entrypoints.tools.output_schema]\n"
                )
            ),
            format!(
                "{TOOL}[entrypoints.tools.input_schema]\ntype = \"object\"\n\n# at home\n[entrypoints.tools.input_schema.properties.home] # h\n\
                 \"$ref\" = \"#/$defs/postal_address\"\n\n[entrypoints.tools.input_schema.properties.work]\n\"$ref\" = \"#/$defs/postal_address\"\n\n\
                 [entrypoints.tools.input_schema.\"$defs\".«postal_address»]\n# where\ntype = \"object\"\ntitle = \"Postal address\"\n\
                 [entrypoints.tools.input_schema.\"$defs\".postal_address.properties.zip]\ntype = \"string\" # z\n\n[entrypoints.tools.output_schema]\n"
            )
        );
    }

    #[test]
    fn dotted_keys_and_inline_tables_do_too() {
        assert_eq!(
            after(
                "extract_schema",
                &format!(
                    "{TOOL}input_schema.properties.a.type = \"string\"\ninput_schema.properties.a.minLength = 1\ninput_schema.properties.a.maxLength = 3\n\
                     input_schema.properties.b$0 = {{ type = \"string\", minLength = 1, maxLength = 3 }} # b\noutput_schema = {{}}\n"
                )
            ),
            format!(
                "{TOOL}input_schema.properties.a.\"$ref\" = \"#/$defs/a\"\ninput_schema.properties.b = {{ \"$ref\" = \"#/$defs/a\" }} # b\n\
                 output_schema = {{}}\n\n[entrypoints.tools.input_schema.\"$defs\".«a»]\ntype = \"string\"\nminLength = 1\nmaxLength = 3\n"
            )
        );
        let schema = "{ type = \"string\", minLength = 1, maxLength = 3 }";
        assert_eq!(
            after(
                "extract_schema",
                &format!(
                    "{TOOL}input_schema = {{ properties = {{ l = {{ items = {{ type =$0 \"string\", minLength = 1, maxLength = 3 }} }}, b = {schema} }}, \"$defs\" = {{ l_item = true }} }}\n"
                )
            ),
            format!(
                "{TOOL}input_schema = {{ properties = {{ l = {{ items = {{ \"$ref\" = \"#/$defs/l_item_2\" }} }}, b = {{ \"$ref\" = \"#/$defs/l_item_2\" }} }}, \
                 \"$defs\" = {{ l_item = true, «l_item_2» = {schema} }} }}\n"
            )
        );
    }

    #[test]
    fn what_only_headers_below_tell_of_gets_a_header() {
        assert_eq!(
            after(
                "extract_schema",
                &format!(
                    "{TOOL}[entrypoints.tools.input_schema.properties.a$0.items]\ntype = \"string\"\nminLength = 1\n\
                     [entrypoints.tools.input_schema.properties.b.items]\ntype = \"string\"\nminLength = 1\n"
                )
            ),
            format!(
                "{TOOL}[entrypoints.tools.input_schema.properties.a]\n\"$ref\" = \"#/$defs/a\"\n[entrypoints.tools.input_schema.properties.b]\n\
                 \"$ref\" = \"#/$defs/a\"\n\n[entrypoints.tools.input_schema.\"$defs\".«a»]\n\
                 [entrypoints.tools.input_schema.\"$defs\".a.items]\ntype = \"string\"\nminLength = 1\n"
            )
        );
    }

    fn in_schema(rest: &str) -> String {
        format!("{TOOL}[entrypoints.tools.input_schema]$0\n{rest}\n")
    }

    #[test]
    fn only_schemas_that_repeat_are_extracted() {
        let same = "type = \"string\", minLength = 1, maxLength = 3";
        let is_offered = |rest: &str| !offers("extract_schema", &in_schema(rest), &Facts::default()).is_empty();
        assert!(is_offered(&format!("properties.a = {{ {same} }}\nitems = {{ {same} }}")));
        assert!(is_offered(&format!(
            "properties.a = {{ {same} }}\nallOf = [{{ {same} }}]\n\"$schema\" = \"https://json-schema.org/draft/2020-12/schema\""
        )));
        for rest in [
            // Once; too small; values, not schemas; where a reference would hide what is beside it.
            format!("properties.a = {{ {same} }}\nitems = {{ {same}, title = \"x\" }}"),
            "properties.a = { type = \"string\", minLength = 1 }\nitems = { type = \"string\", minLength = 1 }"
                .to_owned(),
            format!("default = [{{ {same} }}, {{ {same} }}]"),
            format!("const.properties.a = {{ {same} }}\nenum = [{{ {same} }}]"),
            format!(
                "properties.a = {{ {same} }}\nitems = {{ {same} }}\n\"$schema\" = \"http://json-schema.org/draft-07/schema#\""
            ),
            // What has a name or a base of its own.
            format!("properties.a = {{ \"$anchor\" = \"n\", {same} }}\nitems = {{ \"$anchor\" = \"n\", {same} }}"),
            format!("properties.a = {{ \"$id\" = \"n\", items = {{ {same} }} }}\nitems = {{ {same} }}"),
        ] {
            assert!(!is_offered(&rest), "{rest}");
        }
    }

    #[test]
    fn what_would_be_lost_hinders() {
        let hindered = |rest: &str| hindered("extract_schema", &in_schema(rest));
        let inner = "items = { type = \"string\", minLength = 1 }, maxItems = 3";
        let both = format!("properties.a = {{ {inner} }}\nproperties.b = {{ {inner} }}\n");
        assert!(hindered(&format!("{both}not.\"$ref\" = \"#/properties/a/items\"")).contains("points into"));
        assert!(hindered(&format!("{both}not.\"$ref\" = \"#/%70roperties/a/items\"")).contains("points into"));
        assert!(hindered(&format!("{both}\"$defs\" = true")).contains("no table"));
        let commented = both.replace("minLength = 1 }", "minLength = 1 # c\n}");
        assert!(hindered(&commented).contains("comments"));
        assert!(
            hindered("properties = { a.type = \"string\", a.minLength = 1, a.maxLength = 2, b = { type = \"string\", minLength = 1, maxLength = 2 } }")
                .contains("dotted keys within braces")
        );
        // The comments of one are kept.
        let one = both.replacen("minLength = 1 }", "minLength = 1 # c\n}", 1);
        assert!(after("extract_schema", &in_schema(&one)).contains("# c\n"));
    }

    #[test]
    fn names_come_from_titles_and_keys() {
        assert_eq!(slug("Postal  address (EU)"), "postal_address_eu");
        assert_eq!(slug("\u{1F600}"), "");
        let key = |key: &'static str| Step::Key(key.into());
        let document = skillyard_manifest::document::Document::parse("");
        let name = |way: &[Step<'_>]| name_of(&document.root, way);
        assert_eq!(name(&[key("properties"), key("x-Y")]), "x_y");
        assert_eq!(name(&[key("properties"), key("x"), key("items")]), "x_item");
        assert_eq!(name(&[key("allOf"), Step::Index(1)]), "shared");
    }
}
