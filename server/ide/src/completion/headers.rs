//! Headers of tables, with the keys that belong below, and whole parts of a manifest.

use skillyard_manifest::{
    Span,
    document::{NodeKind, Origin, spelled},
    shape::{KeyShape, TableShape, Type},
    syntax::{Item, Key},
};

use super::{
    Completion, CompletionKind, Cx, completion,
    context::{Around, HeaderSpot, KeySpot},
    docs, entries_below, keys, known, schema,
    template::Template,
    values::{self, Filled, filled},
};
use crate::{Meaning, Path, Step};

/// A header that may be written.
pub(super) struct Wanted<'p> {
    /// Its dotted key.
    pub names: Vec<String>,
    /// Whether it is one of many, `[[…]]`.
    pub array: bool,
    /// The table that it opens.
    pub path: Path<'p>,
    /// Whether the author names its last part.
    pub free: bool,
    /// Whether a table around it is not there that needs keys of its own.
    pub orphan: bool,
    /// The lines below it.
    pub body: Body,
    pub detail: String,
    pub doc: Option<String>,
    /// 2 for what has to be there, 3 for what may.
    pub group: usize,
}

/// The rank from which on tables stand that the table at hand has to have: behind its other keys.
pub(super) const NEAR: usize = 5000;

/// What stands below a header.
pub(super) enum Body {
    /// The keys of a shape that are required, or that one mostly begins with.
    Keys(&'static TableShape),
    /// Lines as they are, each with a line end in front.
    Lines(Template),
}

/// The headers for a cursor between brackets.
pub(super) fn in_brackets(cx: &Cx<'_, '_>, spot: &HeaderSpot<'_>) -> Vec<Completion> {
    let offset = spot.span.end;
    let taken = entries_below(cx.source, offset);
    let mut found = Vec::new();
    for (rank, wanted) in all(cx, spot.span.start, &spot.before).into_iter().enumerate() {
        let matches = wanted.names.len() > spot.before.len()
            && wanted.names.iter().zip(&spot.before).all(|(name, typed)| name == typed);
        // Two brackets are typed for one of many only.
        if !matches || (spot.array && !wanted.array) {
            continue;
        }
        let mut done = written(cx, &wanted, spot.span, !taken, rank);
        let rest = wanted.names.get(spot.before.len()..).unwrap_or_default();
        // With the quote that is typed: the client compares all from the bracket to the cursor.
        done.filter = format!("{}{}{}", spot.typed, spot.quote, rest.join("."));
        done.contradicts = done.contradicts.or_else(|| takes(cx, spot, &wanted, &done, taken));
        found.push(done);
    }
    found
}

/// Why a daemon refuses a header, by what it takes from another or by what is not there around it.
fn takes(
    cx: &Cx<'_, '_>,
    spot: &HeaderSpot<'_>,
    wanted: &Wanted<'_>,
    done: &Completion,
    taken: bool,
) -> Option<&'static str> {
    let fits = fits(cx, spot.span.end, wanted);
    let why = match () {
        () if taken && spot.known => "refused: takes the keys of the table below",
        () if taken => "refused: takes the keys below",
        () if !fits => "refused: takes the tables below",
        () if wanted.orphan => "refused: the table around it lacks keys",
        () if spot.known => "refused: takes the place of a table",
        () => return None,
    };
    match cx.refuses(done) {
        // What is to be filled is not refused for being empty.
        Some(refused) => (refused && !done.incomplete).then_some(why),
        // In what is refused anyway, keys that the table cannot have are all that can be told.
        None => (taken && has_strangers(cx, spot.span.end, wanted)).then_some(why),
    }
}

/// Whether a key stands below `offset` that the table of a header there does not have.
fn has_strangers(cx: &Cx<'_, '_>, offset: usize, wanted: &Wanted<'_>) -> bool {
    let shape = match cx.source.meaning(&wanted.path) {
        Meaning::Table(shape) => shape,
        Meaning::Key(_, KeyShape { ty: Type::Table(shape), .. }) => shape,
        _ => return false,
    };
    let items = cx.source.tree.items.iter().skip_while(|item| item.span().start < offset);
    let mut entries = items.take_while(|item| !matches!(item, Item::Header(_))).filter_map(|item| match item {
        Item::Entry(entry) => entry.keys.first(),
        _ => None,
    });
    entries.any(|key| shape.key(&key.name).is_none())
}

/// The headers and parts for a cursor at the start of a line.
pub(super) fn on_line(cx: &Cx<'_, '_>, spot: &KeySpot<'_>, found: &mut Vec<Completion>) {
    let word = spot.word.span;
    if entries_below(cx.source, word.end) {
        return;
    }
    for (rank, wanted) in all(cx, word.start, &[]).into_iter().enumerate() {
        if wanted.free || wanted.orphan || !fits(cx, word.end, &wanted) {
            continue;
        }
        // Those beside or below the table at hand first.
        let far = wanted.names.first().map(String::as_str)
            != spot.table.0.first().and_then(|step| match step {
                Step::Key(key) => Some(key.as_ref()),
                Step::Index(_) => None,
            });
        let mut done = written(cx, &wanted, word, true, rank + if far { 500 } else { 0 });
        // What the table at hand has to have, in front of what it may have.
        let is_own = !spot.table.0.is_empty() && wanted.path.parent().is_some_and(|parent| parent == spot.table);
        if is_own && matches!(cx.source.meaning(&wanted.path), Meaning::Key(_, key) if key.required) {
            done.sort = format!("0{:04}", NEAR + rank);
        }
        done.filter = wanted.names.join(".");
        found.push(done);
    }
    if cx.manifest {
        parts(cx, spot, found);
    }
}

/// The completion of a header.
fn written(cx: &Cx<'_, '_>, wanted: &Wanted<'_>, span: Span, with_body: bool, rank: usize) -> Completion {
    let (open, close) = if wanted.array { ("[[", "]]") } else { ("[", "]") };
    let mut dotted: Vec<String> = wanted.names.iter().map(|name| spelled(name)).collect();
    let label = if wanted.free {
        let parts = dotted.get(..dotted.len().saturating_sub(1)).unwrap_or_default().join(".");
        format!("{open}{parts}.…{close}")
    } else {
        format!("{open}{}{close}", dotted.join("."))
    };
    let mut template = Template::of(open);
    if wanted.free {
        let last = dotted.pop().unwrap_or_default();
        template = template.text(format!("{}.", dotted.join("."))).stop(last);
    } else {
        template = template.text(dotted.join("."));
    }
    template = template.text(close);
    let (mut incomplete, mut retrigger) = (false, false);
    if with_body {
        let filled = body(cx, wanted);
        template = template.then(filled.template);
        incomplete |= filled.incomplete;
        retrigger = filled.retrigger;
    }
    let mut done = completion(super::shown(&label), CompletionKind::Table, span, &template, &Around::default());
    done.detail = Some(wanted.detail.clone());
    done.documentation.clone_from(&wanted.doc);
    done.incomplete = incomplete;
    done.retrigger = retrigger;
    if let Body::Keys(shape) = wanted.body
        && values::all_used(cx, &wanted.path, shape)
    {
        done.contradicts = Some(values::ALL_USED);
    }
    done.sort = format!("{}{rank:04}", wanted.group);
    done
}

fn body(cx: &Cx<'_, '_>, wanted: &Wanted<'_>) -> Filled {
    let shape = match &wanted.body {
        Body::Lines(lines) => return Filled { template: lines.clone(), incomplete: false, retrigger: false },
        Body::Keys(shape) => *shape,
    };
    let mut filled_all = Filled { template: Template::default(), incomplete: false, retrigger: false };
    let first = known::first_keys(cx, shape);
    let there = cx.source.table(&wanted.path);
    for key in shape.keys.iter().filter(|key| key.required || first.contains(&key.name)) {
        // A table that is known by the headers below it may have some already.
        if !wanted.array && there.is_some_and(|table| table.get(key.name).is_some()) {
            continue;
        }
        let path = wanted.path.with(Step::Key(key.name.into()));
        let filled = filled(cx, &path, shape, key);
        let line = Template::of(format!("\n{} = ", spelled(key.name))).then(filled.template);
        filled_all.template = filled_all.template.then(line);
        filled_all.incomplete |= filled.incomplete;
        filled_all.retrigger |= filled.retrigger;
    }
    filled_all
}

/// Whether the header can stand at `offset` without taking what belongs to another.
fn fits(cx: &Cx<'_, '_>, offset: usize, wanted: &Wanted<'_>) -> bool {
    if !wanted.array {
        return true;
    }
    let next = headers(cx).find(|(_, span, keys)| span.start >= offset && begins(keys, &wanted.names));
    next.is_none_or(|(_, _, keys)| keys.len() == wanted.names.len())
}

fn headers<'c>(cx: &'c Cx<'_, '_>) -> impl DoubleEndedIterator<Item = (usize, Span, &'c [Key<'c>])> {
    cx.source.tree.items.iter().enumerate().filter_map(|(at, item)| match item {
        Item::Header(header) => Some((at, header.span, header.keys.as_slice())),
        _ => None,
    })
}

fn begins(keys: &[Key<'_>], names: &[String]) -> bool {
    keys.len() >= names.len() && keys.iter().zip(names).all(|(key, name)| key.name == *name)
}

/// The element of an array of tables that a header at `offset` goes to: the last one in front of it.
fn element<'c>(cx: &'c Cx<'_, '_>, names: &[String], offset: usize) -> Option<Path<'c>> {
    let (at, ..) = headers(cx).rev().find(|(_, span, keys)| span.start < offset && begins(keys, names))?;
    let mut path = cx.source.table_of(at);
    let mut keys = 0;
    let mut end = 0;
    for step in &path.0 {
        match step {
            Step::Key(_) if keys == names.len() => break,
            Step::Key(_) => keys += 1,
            Step::Index(_) => {}
        }
        end += 1;
    }
    path.0.truncate(end);
    matches!(path.0.last(), Some(Step::Index(_))).then_some(path)
}

/// Every header that the shape allows at `offset` and that is not there; below `typed`, those within a schema too.
fn all<'c>(cx: &'c Cx<'_, '_>, offset: usize, typed: &[std::borrow::Cow<'_, str>]) -> Vec<Wanted<'c>> {
    let mut search = Search { cx, offset, typed, orphan: false, found: Vec::new() };
    search.table(cx.source.shape, &Path::default(), &mut Vec::new(), true);
    search.found
}

pub(super) struct Search<'c, 'x, 't, 'y> {
    pub cx: &'c Cx<'x, 't>,
    offset: usize,
    pub typed: &'y [std::borrow::Cow<'y, str>],
    /// Whether a table around the place at hand is not there that needs keys of its own.
    orphan: bool,
    pub found: Vec<Wanted<'c>>,
}

/// What is at a path, for a header that would open it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum There {
    /// Nothing, or only tables below it.
    Open,
    /// A table; others may be put below it.
    Taken,
    /// Something that no header can reach into.
    Closed,
    /// An array of tables.
    Array,
}

impl<'c> Search<'c, '_, '_, '_> {
    pub(super) fn there(&self, path: &Path<'_>) -> There {
        match self.cx.source.node(path).map(|node| &node.kind) {
            None => There::Open,
            Some(NodeKind::Table(table)) => match table.origin {
                Origin::Implicit => There::Open,
                Origin::Header | Origin::Dotted => There::Taken,
                Origin::Inline => There::Closed,
            },
            Some(NodeKind::Array(array)) if array.of_tables => There::Array,
            Some(_) => There::Closed,
        }
    }

    /// Below a table with fixed keys. `required` while each table on the way has to be there.
    fn table(&mut self, shape: &'static TableShape, path: &Path<'c>, names: &mut Vec<String>, required: bool) {
        for key in shape.keys {
            let alias_there =
                key.alias.is_some_and(|alias| self.there(&path.with(Step::Key(alias.into()))) != There::Open);
            if alias_there || (self.cx.manifest && known::is_left_out(self.cx, shape, key)) {
                continue;
            }
            names.push(key.name.to_owned());
            self.key(shape, key, &path.with(Step::Key(key.name.into())), names, required && key.required);
            names.pop();
        }
    }

    fn key(
        &mut self,
        shape: &'static TableShape,
        key: &'static KeyShape,
        path: &Path<'c>,
        names: &mut Vec<String>,
        required: bool,
    ) {
        let there = self.there(path);
        match key.ty {
            Type::Table(inner) => {
                let own = inner.keys.iter().any(|key| !matches!(key.ty, Type::Tables(_) | Type::Map(_)));
                if there == There::Open && own {
                    self.push(shape, key, path, names, Body::Keys(inner), required);
                }
                if matches!(there, There::Open | There::Taken) {
                    let table = self.cx.source.table(path);
                    let lacks = |key: &&KeyShape| {
                        key.required
                            && !keys::is_table(key)
                            && table.is_none_or(|table| {
                                table.get(key.name).is_none()
                                    && key.alias.is_none_or(|alias| table.get(alias).is_none())
                            })
                    };
                    let orphan = self.orphan;
                    // The tables that it needs itself are among those that follow.
                    self.orphan |= inner.keys.iter().any(|key| lacks(&key)) && own;
                    self.table(inner, path, names, required);
                    self.orphan = orphan;
                }
            }
            Type::Tables(inner) => {
                if matches!(there, There::Open | There::Array) {
                    let lone = there == There::Open;
                    let body = if self.cx.manifest && inner.path == "entrypoints.tools[]" {
                        Body::Lines(small_tool(self.cx))
                    } else {
                        Body::Keys(inner)
                    };
                    let path = path.with(Step::Index(usize::MAX));
                    self.push(shape, key, &path, names, body, required && lone);
                }
                if there == There::Array
                    && let Some(last) = element(self.cx, names, self.offset)
                {
                    self.table(inner, &last, names, required);
                }
            }
            Type::Map(inner) if matches!(there, There::Open | There::Taken) => {
                for name in known::wanted(self.cx, path) {
                    names.push(name.clone());
                    let path = path.with(Step::Key(name.into()));
                    self.push(shape, key, &path, names, Body::Keys(inner), true);
                    names.pop();
                }
                let name = self.new_name(path, "name");
                names.push(name.clone());
                let path = path.with(Step::Key(name.into()));
                self.push(shape, key, &path, names, Body::Keys(inner), false);
                if let Some(last) = self.found.last_mut() {
                    last.free = true;
                }
                names.pop();
            }
            // A table of the author's keys, each in quotes: those are completed below it.
            Type::Values(_) if there == There::Open => {
                self.push(shape, key, path, names, Body::Lines(Template::of("\n").end()), required);
            }
            Type::Schema => {
                if there == There::Open {
                    let lines = Template::of("\ntype = \"object\"").end();
                    self.push(shape, key, path, names, Body::Lines(lines), required);
                }
                if matches!(there, There::Open | There::Taken) {
                    schema::headers(self, path, names);
                }
            }
            _ => {}
        }
    }

    fn push(
        &mut self,
        shape: &'static TableShape,
        key: &'static KeyShape,
        path: &Path<'c>,
        names: &[String],
        body: Body,
        required: bool,
    ) {
        self.found.push(Wanted {
            names: names.to_vec(),
            array: matches!(key.ty, Type::Tables(_)),
            path: path.clone(),
            free: false,
            orphan: self.orphan,
            body,
            detail: keys::detail(key),
            doc: Some(docs::key(shape, key)),
            group: if required { 2 } else { 3 },
        });
    }

    /// A name that no key of the table at `path` has.
    pub(super) fn new_name(&self, path: &Path<'_>, name: &str) -> String {
        let table = self.cx.source.table(path);
        let there = |name: &str| table.is_some_and(|table| table.get(name).is_some());
        let mut free = name.to_owned();
        let mut number = 2u64;
        while there(&free) {
            free = format!("{name}_{number}");
            number += 1;
        }
        free
    }
}

/// The lines of a tool, its schemas on one line each.
fn small_tool(cx: &Cx<'_, '_>) -> Template {
    Template::of("\nid = ")
        .quoted(&known::new_tool_id(cx))
        .text("\nname = ")
        .quoted("Tool")
        .text("\ndescription = ")
        .quoted("What the tool does.")
        .text("\ninput_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }")
        .end()
}

/// A tool with sections for its schemas.
pub(super) fn tool(cx: &Cx<'_, '_>) -> Template {
    let tool = Template::of("[[entrypoints.tools]]\nid = ").quoted(&known::new_tool_id(cx));
    tool_lines(tool, 4)
}

/// The lines of a tool behind its id. The input's property is the place with this number.
fn tool_lines(tool: Template, property: usize) -> Template {
    tool.text("\nname = ")
        .quoted("Tool")
        .text("\ndescription = ")
        .quoted("What the tool does.")
        .text("\n\n[entrypoints.tools.input_schema]\ntype = \"object\"\nadditionalProperties = false\nrequired = [\"")
        .stop("text")
        .text("\"]\nproperties.")
        .again(property)
        .text(" = { type = \"")
        .choice(schema::types().filter(|ty| *ty != "null"))
        .text("\", description = ")
        .quoted("")
        .text(" }\n\n[entrypoints.tools.output_schema]\ntype = \"object\"")
        .end()
}

/// A whole manifest.
pub(super) fn manifest() -> Template {
    let head = Template::of("manifest_version = 2\nskill_id = \"")
        .stop("acme")
        .text(".")
        .stop("skill")
        .text("\"\nname = ")
        .quoted("Skill")
        .text("\nversion = \"0.1.0\"\npublisher = \"")
        .again(1)
        .text("\"\n\n[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n\n[capabilities.quotas]\n")
        .text("wall_clock_timeout_ms = 30000\nfuel_budget = 10000000\nmax_memory_bytes = 67108864\n\n[operator]\n")
        .text("display_name = \"")
        .again(3)
        .text("\"\n\n[[entrypoints.tools]]\nid = \"")
        .again(1)
        .text(".")
        .again(2)
        .text(".")
        .stop("tool")
        .text("\"");
    tool_lines(head, 7)
}

/// The snippets: parts of a manifest under a word of their own.
fn parts(cx: &Cx<'_, '_>, spot: &KeySpot<'_>, found: &mut Vec<Completion>) {
    let word = spot.word.span;
    let mut push = |label: &str, detail: &str, template: &Template, doc: &str, sort: &str| {
        let mut done = completion(label.to_owned(), CompletionKind::Snippet, word, template, &Around::default());
        done.detail = Some(detail.to_owned());
        done.documentation = Some(format!("part|{doc}"));
        done.filter = label.to_owned();
        done.sort = sort.to_owned();
        found.push(done);
    };
    if cx.source.tree.items.is_empty() {
        push("manifest", "a whole skill with one tool", &manifest(), "manifest", "00000");
        return;
    }
    let name = vec!["entrypoints".to_owned(), "tools".to_owned()];
    let path = Path(vec![Step::Key("entrypoints".into()), Step::Key("tools".into())]);
    let search = Search { cx, offset: word.start, typed: &[], orphan: false, found: Vec::new() };
    let entrypoints = search.there(&Path(vec![Step::Key("entrypoints".into())]));
    let open = entrypoints != There::Closed && matches!(search.there(&path), There::Open | There::Array);
    let wanted = Wanted {
        names: name,
        array: true,
        path,
        free: false,
        orphan: false,
        body: Body::Lines(Template::default()),
        detail: String::new(),
        doc: None,
        group: 0,
    };
    if open && fits(cx, word.end, &wanted) {
        push("tool", "a tool with its schemas as sections", &tool(cx), "tool", "70000");
    }
}
