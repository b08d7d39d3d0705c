//! The tables and values that a syntax tree comes to, each with its places: what the rules look at.
//!
//! Built from any tree, also a broken one. Where TOML forbids something (a key twice, a table reopened), the first
//! meaning stays, the slip is reported, and reading goes on.

use std::{borrow::Cow, collections::HashMap};

pub use crate::fields::Fields;
use crate::{
    diagnostic::{Fix, Related, TextEdit},
    edits,
    shape::{self, TableShape, Type},
    show, suggest,
    syntax::{
        self, Entry, Header, Item, Key, SyntaxError, SyntaxErrorKind, Token, Tree, Value as SyntaxValue, ValueKind,
    },
    text::Span,
};

/// How deep tables and arrays may nest in all, counted over headers, dotted keys and brackets together. Everything
/// that recurses over a document relies on it. A daemon has no such limit; what lies deeper is reported and left out.
pub const MAX_DEPTH: usize = 100;

/// The longest line that is taken for a header of a manifest, in bytes.
const MAX_HEADER: usize = 256;

/// The most parts that the key of a header of a manifest has.
const MAX_WORDS: usize = 8;

/// A whole text, read.
#[derive(Debug)]
pub struct Document<'t> {
    /// The table of the top level.
    pub root: Table<'t>,
    /// Everything that is wrong with the syntax, in the order of the text.
    pub errors: Vec<SyntaxError>,
    /// Whether a header could not be read, so that keys may belong to a table that is not known.
    pub headers_broken: bool,
    /// Ranges of items that did not read: nothing but syntax is said there.
    pub broken: Vec<Span>,
    /// How deep the text nests in all, also where that is beyond [`MAX_DEPTH`].
    pub depth: usize,
    /// The ranges of headers and entries, in the order of the text.
    pub items: Vec<Span>,
    /// The comments, each from `#` to the end of its line.
    pub comments: Vec<Span>,
    /// Where each table header stands, with its dotted key, in the order of the text.
    pub headers: Vec<HeaderPlace<'t>>,
}

/// A header in the order of the text.
#[derive(Clone, Debug)]
pub struct HeaderPlace<'t> {
    /// From bracket to bracket.
    pub span: Span,
    /// Its dotted key.
    pub keys: Vec<Key<'t>>,
}

/// A value with its place.
#[derive(Debug)]
pub struct Node<'t> {
    /// The value's own range; for a table written with a header, the header's.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind<'t>,
}

/// What a value is.
#[derive(Debug)]
pub enum NodeKind<'t> {
    /// Missing, or no TOML.
    Invalid,
    /// A string.
    String(Cow<'t, str>),
    /// An integer.
    Integer(i128),
    /// A float.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A date, a time, or both.
    DateTime,
    /// An array, or an array of tables.
    Array(Array<'t>),
    /// A table of any spelling.
    Table(Box<Table<'t>>),
}

/// An array.
#[derive(Debug, Default)]
pub struct Array<'t> {
    /// The elements.
    pub items: Vec<Node<'t>>,
    /// Whether it is written with `[[…]]` headers.
    pub of_tables: bool,
}

/// How a table is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The top level, or a `[header]` or `[[header]]`.
    Header,
    /// Only by headers of tables below it.
    Implicit,
    /// By dotted keys.
    Dotted,
    /// `{ … }`.
    Inline,
}

/// A table.
#[derive(Debug)]
pub struct Table<'t> {
    /// Its keys in the order in which they first appear.
    pub fields: Fields<'t>,
    /// How it is written.
    pub origin: Origin,
    /// Where a new `key = value` goes: behind the last one of its own, or behind its header. For an inline table,
    /// in front of its closing bracket. `None` where it has no lines of its own.
    pub insert_at: Option<usize>,
    /// What stands in front of a key of this table on the line where one is inserted: `compat.` for dotted keys.
    pub prefix: String,
    /// Whether a line in it broke off before its key was known.
    pub incomplete: bool,
}

/// A key of a table with its value.
#[derive(Debug)]
pub struct Field<'t> {
    /// The key, where it first stands.
    pub key: Span,
    /// The whole `key = value`, or the header.
    pub entry: Span,
    /// The value.
    pub value: Node<'t>,
}

impl<'t> Table<'t> {
    fn new(origin: Origin) -> Self {
        Self { fields: Fields::default(), origin, insert_at: None, prefix: String::new(), incomplete: false }
    }

    /// The field with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Field<'t>> {
        self.fields.get(key)
    }
}

impl<'t> Node<'t> {
    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::String(s) => Some(s),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            NodeKind::Boolean(b) => Some(b),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i128> {
        match self.kind {
            NodeKind::Integer(i) => Some(i),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Node<'t>]> {
        match &self.kind {
            NodeKind::Array(array) => Some(&array.items),
            _ => None,
        }
    }

    /// The table, if it is one.
    #[must_use]
    pub fn as_table(&self) -> Option<&Table<'t>> {
        match &self.kind {
            NodeKind::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The name of its type, with the article: `a string`, `an array`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            NodeKind::Invalid => "nothing",
            NodeKind::String(_) => "a string",
            NodeKind::Integer(_) => "an integer",
            NodeKind::Float(_) => "a float",
            NodeKind::Boolean(_) => "a boolean",
            NodeKind::DateTime => "a date-time",
            NodeKind::Array(_) => "an array",
            NodeKind::Table(_) => "a table",
        }
    }
}

impl<'t> Document<'t> {
    /// Reads any text.
    #[must_use]
    pub fn parse(text: &'t str) -> Self {
        let mut builder = Builder::new(text);
        // Item by item: all of them at once would be as large as the document.
        let (tokens, errors) = syntax::read(text, |item| builder.item(item));
        builder.finish(&tokens, errors)
    }

    /// Reads any text once, for who needs its syntax tree too.
    #[must_use]
    pub fn with_tree(text: &'t str) -> (Tree<'t>, Self) {
        let mut builder = Builder::new(text);
        let mut items = Vec::new();
        let (tokens, errors) = syntax::read(text, |item| {
            items.push(item.clone());
            builder.item(item);
        });
        let document = builder.finish(&tokens, errors.clone());
        (Tree { text, tokens, items, errors }, document)
    }
}

/// The table that entries go to.
#[derive(Clone, Copy)]
enum Place {
    Root,
    /// That of this one of the document's headers: reached by its dotted key from the root, through the last element of
    /// each array of tables.
    Header(usize),
    /// A header that could not be read or placed: its entries go nowhere.
    Nowhere,
}

struct Builder<'t> {
    text: &'t str,
    document: Document<'t>,
    current: Place,
    depth_reported: bool,
    /// The table that is opened a second time: that is told once, and not again for each of its keys.
    reopened: bool,
    /// The header that the line in front, which did not read, most likely is.
    meant: Option<MeantHeader<'t>>,
    /// Whether the header in front is broken and may lack parts of its key.
    doubtful: bool,
    /// Words that stand where a boolean is due, each with the one that is meant.
    booleans: Vec<(Span, &'static str)>,
    /// Lines that are taken for headers, in the order of the text, each with the header.
    taken: Vec<(Span, String)>,
}

/// A header as the words of a line that did not read spell it.
struct MeantHeader<'t> {
    header: Header<'t>,
    /// The line, which has nothing but these words and what stands around them.
    line: Span,
    shape: &'static TableShape,
}

/// Why a dotted key cannot be followed.
enum Blocked {
    /// The table at this key is closed to it; the place of its first definition.
    Closed(Span),
    /// At this key stands a value of this type.
    Value(&'static str, Span),
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        let mut root = Table::new(Origin::Header);
        root.insert_at = Some(edits::top(text));
        let document = Document {
            root,
            errors: Vec::new(),
            headers_broken: false,
            broken: Vec::new(),
            depth: 0,
            items: Vec::new(),
            comments: Vec::new(),
            headers: Vec::new(),
        };
        Self {
            text,
            document,
            current: Place::Root,
            depth_reported: false,
            reopened: false,
            meant: None,
            doubtful: false,
            booleans: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// The document, with what the syntax alone says.
    fn finish(self, tokens: &[Token], mut errors: Vec<SyntaxError>) -> Document<'t> {
        let mut document = self.document;
        let booleans: HashMap<Span, &str> = self.booleans.into_iter().collect();
        if !booleans.is_empty() {
            for error in &mut errors {
                let span = error.span;
                let Some(meant) = booleans.get(&span) else { continue };
                error.message = format!("{} is no boolean: write `{meant}`", show::quoted(span.of(self.text)));
                let edits = vec![TextEdit { span, text: (*meant).to_owned() }];
                error.fix = Some(Fix { title: format!("Write `{meant}`"), safe: false, edits });
            }
        }
        for error in &mut errors {
            let next = self.taken.partition_point(|(line, _)| line.end < error.span.end);
            let Some((line, header)) = self.taken.get(next).filter(|(line, _)| line.start <= error.span.start) else {
                continue;
            };
            error.kind = SyntaxErrorKind::BadHeader;
            error.message = format!("the keys below belong to a table, which a header opens: write `{header}`");
            let edits = vec![TextEdit { span: *line, text: header.clone() }];
            error.fix = Some(Fix { title: format!("Write `{header}`"), safe: false, edits });
        }
        errors.append(&mut document.errors);
        errors.sort_by_key(|error| error.span);
        document.errors = errors;
        document.comments = syntax::comments(tokens).collect();
        document
    }

    fn item(&mut self, item: Item<'t>) {
        self.document.items.push(item.span());
        match item {
            Item::Header(header) => self.header(header),
            Item::Entry(entry) => self.entry(entry),
            Item::Garbage(span) => {
                self.document.broken.push(span);
                if let Some(table) = self.current_table() {
                    table.incomplete = true;
                }
                let last = span.of(self.text).rfind(['\n', '\r']).map_or(span.start, |at| span.start + at + 1);
                self.meant = self.meant_header(last);
            }
        }
    }

    fn current_table(&mut self) -> Option<&mut Table<'t>> {
        let mut table = &mut self.document.root;
        match self.current {
            Place::Root => Some(table),
            Place::Nowhere => None,
            Place::Header(at) => {
                for key in &self.document.headers.get(at)?.keys {
                    table = last_table(&mut table.fields.get_mut(&key.name)?.value)?;
                }
                Some(table)
            }
        }
    }

    fn error(&mut self, kind: SyntaxErrorKind, span: Span, message: String, related: Vec<Related>) {
        self.document.errors.push(SyntaxError { kind, span, message, related, fix: None });
    }

    fn too_deep(&mut self, span: Span) {
        if !self.depth_reported {
            self.depth_reported = true;
            let message = format!("tables nest deeper than {MAX_DEPTH} levels here: what lies deeper is not checked");
            self.error(SyntaxErrorKind::TooDeep, span, message, Vec::new());
        }
    }

    /// The header that the line at `start` is, give or take its brackets: its words are the key of a table of manifests.
    fn meant_header(&self, start: usize) -> Option<MeantHeader<'t>> {
        // No longer one is a header: a file may be one line.
        let rest = self.text.as_bytes().get(start..)?;
        let len = rest.iter().take(MAX_HEADER + 1).position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
        if len > MAX_HEADER {
            return None;
        }
        let whole = Span::new(start, start + len);
        let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let line = whole.of(self.text).trim_end();
        let whole = Span::new(start, start + line.len());
        let lead = line.len() - line.trim_start_matches(|c: char| !is_bare(c) || c == '-').len();
        let words = line.get(lead..)?.trim_end_matches(|c: char| !is_bare(c) || c == '-');
        let mut keys = Vec::new();
        let mut at = start + lead;
        for word in words.split(|c: char| c == '.' || c.is_ascii_whitespace()) {
            let span = Span::new(at, at + word.len());
            at = span.end + 1;
            if !word.chars().all(is_bare) || keys.len() > MAX_WORDS {
                return None;
            }
            if !word.is_empty() {
                keys.push(Key { span, name: Cow::Borrowed(span.of(self.text)) });
            }
        }
        let span = keys.first()?.span.to(keys.last()?.span);
        let (shape, array) = shape::opened(keys.iter().map(|key| key.name.as_ref()))?;
        Some(MeantHeader { line: whole, header: Header { span, array, keys, broken: true, cut: false }, shape })
    }

    /// Takes the line in front as the header that it most likely is, if `key` belongs there rather than here.
    fn take_meant(&mut self, meant: MeantHeader<'t>, key: &str) {
        let here = self.shape_here();
        let known = meant.shape.key(key).is_some();
        let own = match here {
            // Any key belongs to a schema.
            None => matches!(self.current, Place::Header(_)) && !known,
            Some(shape) => {
                shape.key(key).is_some() && self.current_table().is_some_and(|table| table.get(key).is_none())
            }
        };
        if !own {
            self.document.headers_broken = true;
            self.doubtful = true;
            let keys = dotted(&meant.header.keys);
            let header = if meant.header.array { format!("[[{keys}]]") } else { format!("[{keys}]") };
            self.taken.push((meant.line, header));
            self.open(meant.header);
        }
    }

    /// The shape of the table that entries go to.
    fn shape_here(&self) -> Option<&'static TableShape> {
        match self.current {
            Place::Root => Some(&shape::ROOT),
            Place::Header(at) => self.shape_of(at),
            Place::Nowhere => None,
        }
    }

    /// Notes the words in a broken entry of a table that are booleans but for a slip.
    fn find_booleans(&mut self, shape: &'static TableShape, entry: &Entry<'t>) {
        let Some((last, path)) = entry.keys.split_last() else { return };
        let Some(shape) = path.iter().try_fold(shape, |shape, key| shape.child(&key.name)) else { return };
        let Some((_, key)) = shape.key(&last.name) else { return };
        match (&entry.value.kind, key.ty) {
            (ValueKind::Invalid, Type::Boolean) => {
                let word = entry.value.span.of(self.text);
                let meant = ["true", "false"].into_iter().find(|meant| {
                    (suggest::one_slip(word, meant) && !word.eq_ignore_ascii_case(meant))
                        || (word.len() >= 2 && meant.starts_with(word) && word != *meant)
                });
                self.booleans.extend(meant.map(|meant| (entry.value.span, meant)));
            }
            (ValueKind::Table(entries), Type::Table(below)) => {
                for entry in entries {
                    self.find_booleans(below, entry);
                }
            }
            (ValueKind::Array(items), Type::Tables(below)) => {
                for item in items {
                    let ValueKind::Table(entries) = &item.kind else { continue };
                    for entry in entries {
                        self.find_booleans(below, entry);
                    }
                }
            }
            _ => {}
        }
    }

    /// The shape of the table that this one of the headers opens.
    fn shape_of(&self, header: usize) -> Option<&'static TableShape> {
        let keys = &self.document.headers.get(header)?.keys;
        shape::opened(keys.iter().map(|key| key.name.as_ref())).map(|(shape, _)| shape)
    }

    fn header(&mut self, mut header: Header<'t>) {
        self.meant = None;
        self.doubtful = header.broken;
        if header.broken {
            self.document.broken.push(header.span);
            self.document.headers_broken = true;
            // `[capabilities quotas]`.
            if let Some(meant) = self.meant_header(header.span.start)
                && meant.header.keys.len() > header.keys.len()
            {
                header.keys = meant.header.keys;
            }
        }
        self.open(header);
    }

    fn open(&mut self, header: Header<'t>) {
        self.current = Place::Nowhere;
        self.reopened = false;
        if header.keys.is_empty() || header.cut {
            return;
        }
        self.document.depth = self.document.depth.max(header.keys.len() + usize::from(header.array));
        if self.opens(&header) {
            self.current = Place::Header(self.document.headers.len());
        }
        self.document.headers.push(HeaderPlace { span: header.span, keys: header.keys });
    }

    /// Makes the table of a header; whether it is known which table it opens.
    fn opens(&mut self, header: &Header<'t>) -> bool {
        let Some((last, path)) = header.keys.split_last() else { return false };
        if header.keys.len() * 2 > MAX_DEPTH && self.depth_of(&header.keys) >= MAX_DEPTH {
            self.too_deep(header.span);
            return false;
        }
        let parent = match descend(&mut self.document.root, path, false, header.span) {
            Ok(parent) => parent,
            Err((key, blocked)) => {
                self.blocked(&key, blocked);
                return false;
            }
        };
        let opened = || {
            let mut table = Table::new(Origin::Header);
            table.insert_at = Some(header.span.end);
            Node { span: header.span, kind: NodeKind::Table(Box::new(table)) }
        };
        let clash = match parent.fields.get_mut(&last.name) {
            None => {
                let value = if header.array {
                    let array = Array { items: vec![opened()], of_tables: true };
                    Node { span: header.span, kind: NodeKind::Array(array) }
                } else {
                    opened()
                };
                parent.fields.push(last.name.clone(), Field { key: last.span, entry: header.span, value });
                None
            }
            Some(field) => {
                let first = field.key;
                match &mut field.value.kind {
                    NodeKind::Array(array) if header.array && array.of_tables => {
                        array.items.push(opened());
                        None
                    }
                    NodeKind::Table(table) if !header.array && table.origin == Origin::Implicit => {
                        table.origin = Origin::Header;
                        table.insert_at = Some(header.span.end);
                        field.key = last.span;
                        field.entry = header.span;
                        field.value.span = header.span;
                        None
                    }
                    // The line itself, read as a key without a value.
                    NodeKind::Invalid | NodeKind::Array(Array { of_tables: false, .. })
                        if header.broken && self.document.broken.last() == Some(&field.entry) =>
                    {
                        let kind = if header.array {
                            NodeKind::Array(Array { items: vec![opened()], of_tables: true })
                        } else {
                            opened().kind
                        };
                        field.value = Node { span: header.span, kind };
                        field.entry = header.span;
                        None
                    }
                    // Reopened: an error, but what follows clearly means this table.
                    NodeKind::Table(table) if !header.array && table.origin == Origin::Header => Some((first, true)),
                    _ => Some((first, false)),
                }
            }
        };
        if let Some((first, reopened)) = clash {
            self.reopened = reopened;
            // Of a header that is being typed, what it clashes with says nothing, above or below.
            if reopened && (header.broken || is_within(&self.document.broken, first)) {
                return true;
            }
            let shown = show::quoted(&dotted(&header.keys));
            let related = vec![Related { span: first, message: "first here".to_owned() }];
            let message = if header.array {
                format!("{shown} is already something other than an array of `[[…]]` tables")
            } else {
                format!("{shown} is already defined: a table is opened once")
            };
            self.error(SyntaxErrorKind::Duplicate, header.span, message, related);
            return reopened;
        }
        true
    }

    /// How deep the table at `keys` lies, counting the elements of arrays of tables.
    fn depth_of(&self, keys: &[Key<'t>]) -> usize {
        let mut table = &self.document.root;
        let mut depth = keys.len();
        for key in keys {
            let Some(field) = table.get(&key.name) else { break };
            let node = match &field.value.kind {
                NodeKind::Array(array) => {
                    depth += 1;
                    array.items.last()
                }
                _ => Some(&field.value),
            };
            match node.and_then(Node::as_table) {
                Some(next) => table = next,
                None => break,
            }
        }
        depth
    }

    fn entry(&mut self, entry: Entry<'t>) {
        if entry.broken {
            self.document.broken.push(entry.span);
        }
        let valueless = match &entry.value.kind {
            ValueKind::Missing | ValueKind::Invalid => true,
            ValueKind::Array(items) => items.iter().all(|item| matches!(item.kind, ValueKind::Invalid)),
            _ => false,
        };
        if let Some(key) = entry.keys.first() {
            if let Some(meant) = self.meant.take() {
                self.take_meant(meant, &key.name);
            }
            if std::mem::take(&mut self.doubtful)
                && let Place::Header(at) = self.current
                && self.shape_of(at).is_some_and(|shape| shape.key(&key.name).is_none())
            {
                self.current = Place::Nowhere;
            }
        }
        if entry.broken && valueless {
            self.meant = self.meant_header(entry.span.start);
        }
        if entry.broken
            && let Some(shape) = self.shape_here()
        {
            self.find_booleans(shape, &entry);
        }
        let header = match self.current {
            Place::Header(at) => self.document.headers.get(at),
            // Still counted, so that nothing too deep is hidden behind a broken header.
            Place::Root | Place::Nowhere => None,
        };
        let base = match header {
            None => 0,
            Some(header) if header.keys.len() * 2 < MAX_DEPTH / 2 => header.keys.len() * 2,
            Some(header) => self.depth_of(&header.keys),
        };
        let deepest = base + entry.keys.len() + nesting(&entry.value);
        self.document.depth = self.document.depth.max(deepest);
        if deepest > MAX_DEPTH {
            self.too_deep(entry.span);
            return;
        }
        let broken = entry.broken;
        let mut errors = Vec::new();
        let end = entry.span.end;
        let entry_span = entry.span;
        if let Some(table) = self.current_table() {
            table.incomplete |= broken;
            if table.origin != Origin::Inline {
                table.insert_at = Some(end);
            }
            insert(table, entry, &mut errors);
        }
        for (key, blocked) in errors {
            if self.reopened && matches!(blocked, Blocked::Closed(_)) {
                continue;
            }
            self.blocked_or_duplicate(&key, blocked, entry_span);
        }
    }

    fn blocked_or_duplicate(&mut self, key: &Key<'t>, blocked: Blocked, entry: Span) {
        let at = self.document.errors.len();
        self.blocked(key, blocked);
        // A whole line that only repeats a key can go; which of the two is meant the author knows.
        if let Some(error) = self.document.errors.get_mut(at)
            && error.kind == SyntaxErrorKind::Duplicate
            && let Some(line) = whole_lines(self.text, entry)
        {
            error.fix = Some(Fix {
                title: format!("Remove the second {}", show::quoted(&key.name)),
                safe: false,
                edits: vec![TextEdit { span: line, text: String::new() }],
            });
        }
    }

    fn blocked(&mut self, key: &Key<'t>, blocked: Blocked) {
        let shown = show::quoted(&key.name);
        match blocked {
            Blocked::Closed(first) => {
                let related = vec![Related { span: first, message: "first here".to_owned() }];
                self.error(
                    SyntaxErrorKind::Duplicate,
                    key.span,
                    format!("{shown} is already defined in this table"),
                    related,
                );
            }
            Blocked::Value(type_name, first) => {
                let related = vec![Related { span: first, message: format!("{type_name} here") }];
                let message = format!("{shown} is {type_name}: a dotted key or header cannot reach into it");
                self.error(SyntaxErrorKind::Conflict, key.span, message, related);
            }
        }
    }
}

/// Whether a place lies in one of `broken`, which are in the order of the text and apart.
fn is_within(broken: &[Span], place: Span) -> bool {
    let next = broken.partition_point(|broken| broken.end < place.end);
    broken.get(next).is_some_and(|broken| broken.start <= place.start)
}

/// The range of the whole lines of `entry`, if nothing but a comment shares them.
fn whole_lines(text: &str, entry: Span) -> Option<Span> {
    let start = text.get(..entry.start)?.rfind('\n').map_or(0, |i| i + 1);
    let end = text.get(entry.end..)?.find('\n').map_or(text.len(), |i| entry.end + i + 1);
    let alone = text.get(start..entry.start)?.trim().is_empty() && text.get(entry.end..end)?.trim().is_empty();
    alone.then(|| Span::new(start, end))
}

/// The table that a node is, or whose last element it holds.
fn last_table<'a, 't>(node: &'a mut Node<'t>) -> Option<&'a mut Table<'t>> {
    match &mut node.kind {
        NodeKind::Table(table) => Some(table),
        NodeKind::Array(array) if array.of_tables => match &mut array.items.last_mut()?.kind {
            NodeKind::Table(table) => Some(table),
            _ => None,
        },
        _ => None,
    }
}

/// Follows a dotted key, making the tables that are not there.
fn descend<'a, 't>(
    mut table: &'a mut Table<'t>,
    path: &[Key<'t>],
    by_dots: bool,
    place: Span,
) -> Result<&'a mut Table<'t>, (Key<'t>, Blocked)> {
    for key in path {
        let blocked = |blocked| Err((key.clone(), blocked));
        let Table { fields, prefix, .. } = table;
        let field = fields.get_or_insert_with(&key.name, || {
            let (origin, span) = if by_dots { (Origin::Dotted, key.span) } else { (Origin::Implicit, place) };
            let mut below = Table::new(origin);
            if by_dots {
                below.prefix = format!("{prefix}{}.", spelled(&key.name));
            }
            Field { key: key.span, entry: place, value: Node { span, kind: NodeKind::Table(Box::new(below)) } }
        });
        let first = field.key;
        if let NodeKind::Table(next) = &field.value.kind {
            if next.origin == Origin::Inline {
                return blocked(Blocked::Value("an inline table", first));
            }
            // A table with a header of its own is closed to dotted keys.
            if by_dots && next.origin == Origin::Header {
                return blocked(Blocked::Closed(first));
            }
        }
        let type_name = field.value.type_name();
        match last_table(&mut field.value) {
            Some(next) => {
                if by_dots && next.origin == Origin::Implicit {
                    next.origin = Origin::Dotted;
                }
                table = next;
            }
            None => return blocked(Blocked::Value(type_name, first)),
        }
    }
    Ok(table)
}

/// Puts an entry into `table`; what stands in its way goes to `errors`.
fn insert<'t>(table: &mut Table<'t>, entry: Entry<'t>, errors: &mut Vec<(Key<'t>, Blocked)>) {
    let Some((last, path)) = entry.keys.split_last() else { return };
    let lines = table.origin != Origin::Inline;
    let parent = match descend(table, path, true, entry.span) {
        Ok(parent) => parent,
        Err(error) => {
            errors.push(error);
            return;
        }
    };
    if !path.is_empty() {
        // Dotted keys cannot add to a table that has a header (reached as the element of an array of tables).
        if parent.origin == Origin::Header {
            errors.push((last.clone(), Blocked::Closed(path[path.len() - 1].span)));
            return;
        }
        parent.insert_at = lines.then_some(entry.span.end);
    }
    let value = node(entry.value, errors);
    match parent.fields.get(&last.name) {
        None => parent.fields.push(last.name.clone(), Field { key: last.span, entry: entry.span, value }),
        Some(field) => errors.push((last.clone(), Blocked::Closed(field.key))),
    }
}

/// The node of a value; slips inside inline tables go to `errors`.
fn node<'t>(value: SyntaxValue<'t>, errors: &mut Vec<(Key<'t>, Blocked)>) -> Node<'t> {
    let kind = match value.kind {
        ValueKind::Missing | ValueKind::Invalid => NodeKind::Invalid,
        ValueKind::String(s) => NodeKind::String(s),
        ValueKind::Integer(i) => NodeKind::Integer(i),
        ValueKind::Float(f) => NodeKind::Float(f),
        ValueKind::Boolean(b) => NodeKind::Boolean(b),
        ValueKind::DateTime => NodeKind::DateTime,
        ValueKind::Array(items) => {
            let items = items.into_iter().map(|item| node(item, errors)).collect();
            NodeKind::Array(Array { items, of_tables: false })
        }
        ValueKind::Table(entries) => {
            let mut table = Table::new(Origin::Inline);
            for entry in entries {
                table.incomplete |= entry.broken;
                insert(&mut table, entry, errors);
            }
            table.insert_at = Some(value.span.end.saturating_sub(1));
            NodeKind::Table(Box::new(table))
        }
    };
    Node { span: value.span, kind }
}

/// How deep a value nests, with the dotted keys inside it.
fn nesting(value: &SyntaxValue<'_>) -> usize {
    match &value.kind {
        ValueKind::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        ValueKind::Table(entries) => {
            1 + entries.iter().map(|entry| entry.keys.len() + nesting(&entry.value)).max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// A dotted key as it is written.
#[must_use]
pub fn dotted(keys: &[Key<'_>]) -> String {
    keys.iter().map(|key| spelled(&key.name)).collect::<Vec<_>>().join(".")
}

/// A key as it is written: bare where it can be.
#[must_use]
pub fn spelled(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if bare { name.to_owned() } else { string(name) }
}

/// `value` as a TOML basic string.
#[must_use]
pub fn string(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
