//! The outline of a manifest: what stands in it, as it is written, and what of it can be searched for by name.
//!
//! A symbol is a header with what follows it, or an entry; a header of a table within the one above stands below that. A
//! table that is written in pieces far apart has a symbol for each piece, so that symbols hold one another and never
//! cross.

use skillyard_manifest::{
    Span,
    document::{Node, Table, dotted},
    model::Tool,
    shape::{KeyShape, Type},
    show::words,
    syntax::{Entry, Item, Key, Value, ValueKind},
    view::View,
};

use crate::{
    asked::{self, Approvals},
    names::{Said, said, spot},
    sections::sections,
    source::{Meaning, Path, Source, Step},
};

/// Something in the outline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// What it is called: the id of a tool, the dotted key of anything else. On one line, escaped, never empty.
    pub name: String,
    /// What tells it apart: a tool's risk, the scope of secrets, what a value says. On one line, escaped.
    pub detail: Option<String>,
    /// What it is.
    pub kind: SymbolKind,
    /// All of it, with its children.
    pub span: Span,
    /// Its name in the text, within [`Symbol::span`].
    pub selection: Span,
    /// Whether it is written under a deprecated name.
    pub deprecated: bool,
    /// What is in it, in the order of the text, without overlap.
    pub children: Vec<Symbol>,
}

/// What a symbol is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SymbolKind {
    /// The skill (only in [`workspace_symbols`]).
    Skill,
    /// A tool.
    Tool,
    /// A table with a header.
    Section,
    /// A table in braces.
    Table,
    /// A list.
    Array,
    /// What an operator configures, or a property of a schema.
    Property,
    /// An entry of `$defs`.
    Definition,
    /// A string.
    String,
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// A date or a time.
    Date,
    /// A key without a value that reads.
    Nothing,
}

/// Something to be found by its name from anywhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkspaceSymbol {
    /// The id of the skill or of the tool; what stands there, escaped and never empty.
    pub name: String,
    /// The name that people see, escaped; a search may look at it too.
    pub title: Option<String>,
    /// [`SymbolKind::Skill`] or [`SymbolKind::Tool`].
    pub kind: SymbolKind,
    /// The id of the skill that a tool belongs to, escaped.
    pub container: Option<String>,
    /// Its id in the text; of a tool that has none yet, its header.
    pub span: Span,
}

/// What the outline is made of.
struct Cx<'s, 't> {
    source: &'s Source<'t>,
    /// Who approves calls; `None` where the file is no manifest.
    approvals: Option<Approvals>,
}

/// The outline of a text.
#[must_use]
pub fn document_symbols(source: &Source<'_>) -> Vec<Symbol> {
    let cx = &Cx { source, approvals: asked::asked(source).map(|asked| Approvals::of(&asked)) };
    let sections = sections(source);
    let mut sections = sections.iter().peekable();
    let mut found = Vec::new();
    // The sections that are not at their end, and how many parts the key of each has.
    let mut open: Vec<(Symbol, usize)> = Vec::new();
    // The table that entries go to.
    let (mut path, mut table) = (Path::default(), Some(&source.document.root));
    for (at, item) in source.tree.items.iter().enumerate() {
        match item {
            Item::Garbage(_) => {}
            Item::Header(header) => {
                path = source.table_of(at);
                table = source.table(&path);
                let Some(section) = sections.next_if(|section| section.item == at) else { continue };
                while open.last().is_some_and(|(symbol, _)| symbol.span.end <= header.span.start) {
                    close(&mut open, &mut found);
                }
                let outer = open.last().map_or(0, |(_, parts)| *parts);
                let readable = section.path.as_ref();
                let symbol = of_header(cx, readable, &header.keys, outer, header.span, section.whole);
                open.push((symbol, header.keys.len()));
            }
            Item::Entry(entry) => {
                let symbol = of_entry(cx, &path, table, entry);
                open.last_mut().map_or(&mut found, |(section, _)| &mut section.children).push(symbol);
            }
        }
    }
    while !open.is_empty() {
        close(&mut open, &mut found);
    }
    found
}

fn close(open: &mut Vec<(Symbol, usize)>, found: &mut Vec<Symbol>) {
    if let Some((symbol, _)) = open.pop() {
        open.last_mut().map_or(found, |(section, _)| &mut section.children).push(symbol);
    }
}

/// The skill and its tools.
#[must_use]
pub fn workspace_symbols(source: &Source<'_>) -> Vec<WorkspaceSymbol> {
    let root = &source.document.root;
    let text = |key: &str| root.get(key).and_then(|field| shown(field.value.as_str()?));
    let mut found = Vec::new();
    let container = text("skill_id");
    if let Some(field) = root.get("skill_id").or_else(|| root.get("name"))
        && let Some(name) = field.value.as_str().and_then(shown)
    {
        let title = text("name").filter(|title| *title != name);
        let (kind, container) = (SymbolKind::Skill, None);
        found.push(WorkspaceSymbol { name, title, kind, container, span: content(source.text, &field.value) });
    }
    for (_, node, tool) in source.tools() {
        let said = |key: &str| tool.get(key).and_then(|field| shown(field.value.as_str()?));
        let id = tool.get("id").filter(|field| field.value.as_str().and_then(shown).is_some());
        let span = id.map_or(node.span, |id| content(source.text, &id.value));
        let title = said("name");
        let Some(name) = said("id").or_else(|| title.clone()) else { continue };
        let title = title.filter(|title| *title != name);
        found.push(WorkspaceSymbol { name, title, kind: SymbolKind::Tool, container: container.clone(), span });
    }
    found
}

/// Where a string says what it says.
fn content(text: &str, node: &Node<'_>) -> Span {
    let len = node.as_str().map_or(0, str::len);
    skillyard_manifest::edits::inside(text, node, 0..len)
}

/// The longest label, in characters: an id of a length that anything takes is found by each part of it.
const LONGEST: usize = 200;

/// A text on one line with everything unseen escaped, cut where it is absurdly long.
fn label(text: &str) -> String {
    words(text, LONGEST)
}

/// A text as a label, trimmed; `None` where nothing is left to see.
fn shown(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| label(text))
}

fn of_header(
    cx: &Cx<'_, '_>,
    path: Option<&Path<'_>>,
    keys: &[Key<'_>],
    outer: usize,
    header: Span,
    span: Span,
) -> Symbol {
    let selection = keys.get(outer).zip(keys.last()).map_or(header, |(first, last)| first.span.to(last.span));
    let own = keys.get(outer..).filter(|own| !own.is_empty()).unwrap_or(keys);
    let name = if own.is_empty() { label(header.of(cx.source.text)) } else { label(&dotted(own)) };
    let mut symbol = Symbol {
        name,
        detail: None,
        kind: SymbolKind::Section,
        span,
        selection,
        deprecated: false,
        children: Vec::new(),
    };
    if let Some(path) = path {
        let node = cx.source.node(path);
        describe(cx, path, node, &mut symbol);
    }
    symbol
}

/// An entry of the table at `path`.
fn of_entry<'t>(cx: &Cx<'_, 't>, path: &Path<'t>, table: Option<&Table<'t>>, entry: &Entry<'t>) -> Symbol {
    let mut path = path.clone();
    let mut field = None;
    let mut table = table;
    for key in &entry.keys {
        field = table.and_then(|table| table.get(&key.name));
        table = field.and_then(|field| field.value.as_table());
    }
    path.0.extend(entry.keys.iter().map(|key| Step::Key(key.name.clone())));
    let keys = entry.keys.first().zip(entry.keys.last());
    let selection = keys.map_or(entry.span, |(first, last)| first.span.to(last.span));
    let mut symbol =
        of_value(cx, &path, field.map(|field| &field.value), &entry.value, label(&dotted(&entry.keys)), selection);
    symbol.span = entry.span.to(selection);
    symbol.deprecated = spot(cx.source.shape, &path).is_some_and(|spot| {
        let alias = spot.key.alias.is_some() && spot.key.alias == path.key();
        alias && spot.rest.is_empty()
    });
    symbol
}

/// A value, and what is in it. Values nest no deeper than the syntax tree lets them.
fn of_value<'t>(
    cx: &Cx<'_, 't>,
    path: &Path<'t>,
    node: Option<&Node<'t>>,
    value: &Value<'t>,
    name: String,
    selection: Span,
) -> Symbol {
    let raw = || Some(label(value.span.of(cx.source.text)));
    let (kind, detail) = match &value.kind {
        ValueKind::Missing | ValueKind::Invalid => (SymbolKind::Nothing, None),
        ValueKind::String(said) => (SymbolKind::String, shown(said)),
        ValueKind::Integer(_) | ValueKind::Float(_) => (SymbolKind::Number, raw()),
        ValueKind::Boolean(_) => (SymbolKind::Boolean, raw()),
        ValueKind::DateTime => (SymbolKind::Date, raw()),
        ValueKind::Array(items) => (SymbolKind::Array, listed(items)),
        ValueKind::Table(_) => (SymbolKind::Table, None),
    };
    let children = match &value.kind {
        // Of what a list says the detail tells; what has parts of its own is below it.
        ValueKind::Array(items) => {
            let parts = items.iter().enumerate();
            let parts = parts.filter(|(_, item)| matches!(item.kind, ValueKind::Array(_) | ValueKind::Table(_)));
            let symbol = |(index, item): (usize, &Value<'t>)| {
                let node = node.and_then(|node| node.as_array()?.get(index));
                of_value(cx, &path.with(Step::Index(index)), node, item, format!("[{index}]"), item.span)
            };
            parts.map(symbol).collect()
        }
        ValueKind::Table(entries) => {
            let table = node.and_then(Node::as_table);
            entries.iter().map(|entry| of_entry(cx, path, table, entry)).collect()
        }
        _ => Vec::new(),
    };
    let mut symbol = Symbol { name, detail, kind, span: value.span, selection, deprecated: false, children };
    describe(cx, path, node, &mut symbol);
    symbol
}

/// What a list says, as far as a line takes it.
fn listed(items: &[Value<'_>]) -> Option<String> {
    const SHOWN: usize = 60;
    let mut out = String::new();
    for item in items {
        let ValueKind::String(said) = &item.kind else { return Some(count(items.len())) };
        if out.len() > SHOWN {
            break;
        }
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(said);
    }
    Some(if out.is_empty() { count(items.len()) } else { label(&out) })
}

fn count(items: usize) -> String {
    if items == 1 { "1 item".to_owned() } else { format!("{items} items") }
}

/// Says of a symbol what the format and JSON Schema know.
fn describe<'t>(cx: &Cx<'_, 't>, path: &Path<'t>, node: Option<&Node<'t>>, symbol: &mut Symbol) {
    let source = cx.source;
    let table = node.and_then(Node::as_table);
    let text = |key: &str| table.and_then(|table| shown(table.get(key)?.value.as_str()?));
    match source.meaning(path) {
        Meaning::Table(shape) if shape.path == "entrypoints.tools[]" => {
            symbol.kind = SymbolKind::Tool;
            let Some(table) = table else { return };
            let tool = node.and_then(|node| View::of_node(node, shape)).map(asked::tool);
            symbol.detail = tool.zip(cx.approvals.as_ref()).map(|(tool, approvals)| risk(&tool, approvals));
            if let Some(name) = text("id").or_else(|| text("name")) {
                symbol.name = name;
            }
            // Where the id stands in the text, if there: the name of a symbol is what is jumped to.
            if let Some(id) = table.get("id").map(|field| content(source.text, &field.value))
                && symbol.span.start <= id.start
                && id.end <= symbol.span.end
            {
                symbol.selection = id;
            }
        }
        Meaning::Table(shape) => {
            if shape.path.ends_with(".*") {
                symbol.kind = SymbolKind::Property;
            }
            // The first of its keys says which one it is.
            symbol.detail = shape.keys.first().and_then(|key: &KeyShape| text(key.name));
        }
        Meaning::InSchema(..) => match said(source, path) {
            Some(Said::Property { declares: true, .. }) => {
                symbol.kind = SymbolKind::Property;
                symbol.detail = text("type");
            }
            Some(Said::Definition { .. }) => {
                symbol.kind = SymbolKind::Definition;
                symbol.detail = text("type");
            }
            Some(Said::Schema) if table.is_some() => symbol.detail = text("type"),
            _ => {}
        },
        Meaning::Key(_, key) if matches!(key.ty, Type::Schema) => symbol.detail = text("type"),
        _ => {}
    }
}

/// How careful a daemon is with a tool.
fn risk(tool: &Tool<()>, approvals: &Approvals) -> String {
    let approval = approvals.tool(tool);
    match () {
        () if tool.risk.default_sensitive => "sensitive, needs approval".to_owned(),
        () if !approval.flags.is_empty() => "needs approval".to_owned(),
        () if !approval.asked_for.is_empty() => format!("asks approval for: {}", approval.uses().join(", ")),
        () => "no approval".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line a symbol, indented: kind, name, detail, and the first line of its text.
    fn drawn(text: &str) -> Vec<String> {
        fn draw(symbols: &[Symbol], depth: usize, out: &mut Vec<String>) {
            for symbol in symbols {
                let detail = symbol.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
                let old = if symbol.deprecated { " deprecated" } else { "" };
                out.push(format!("{}{:?} {}{detail}{old}", "  ".repeat(depth), symbol.kind, symbol.name));
                draw(&symbol.children, depth + 1, out);
            }
        }
        let mut out = Vec::new();
        draw(&document_symbols(&Source::new(text)), 0, &mut out);
        out
    }

    #[test]
    fn the_outline_follows_the_text() {
        let text = r#"skill_id = "acme.s"
[[entrypoints.tools]]
id = "acme.a"
input_schema = { type = "object", properties.city = { type = "string" }, "$defs".x.type = "integer" }
risk = { requires_approval = true }
[entrypoints.tools.output_schema]
type = "object"
[entrypoints.tools.output_schema.properties.out]
type = "string"
[[entrypoints.tools]]
name = "B"
[entrypoints.tools.risk]
default_sensitive = true
[capabilities]
http_egress_allowlist = ["a.example", "b.example"]
[compat]
min_runtime_version = "0.1.0"
[capabilities.quotas]
fuel_budget = 1_000
[[capabilities.secrets]]
scope = "global"
key_names = []
[operator.config.properties."a.b"]
type = "boolean"
default = true
"#;
        let expected = r#"String skill_id (acme.s)
Tool acme.a (needs approval)
  String id (acme.a)
  Table input_schema (object)
    String type (object)
    Property properties.city (string)
      String type (string)
    String "$defs".x.type (integer)
  Table risk
    Boolean requires_approval (true)
  Section output_schema (object)
    String type (object)
    Property properties.out (string)
      String type (string)
Tool B (sensitive, needs approval)
  String name (B)
  Section risk
    Boolean default_sensitive (true)
Section capabilities
  Array http_egress_allowlist (a.example, b.example)
Section compat
  String min_runtime_version (0.1.0) deprecated
Section capabilities.quotas
  Number fuel_budget (1_000)
Section capabilities.secrets (global)
  String scope (global)
  Array key_names (0 items)
Property operator.config.properties."a.b" (boolean)
  String type (boolean)
  Boolean default (true)"#;
        assert_eq!(drawn(text).join("\n"), expected);
    }

    #[test]
    fn what_a_skill_asks_for_is_told_from_flags() {
        let text = "skill_id = \"acme.s\"\n[[entrypoints.tools]]\nid = \"acme.a\"\n[capabilities]\nhttp_egress_allowlist = [\"a.example\"]\n";
        assert_eq!(drawn(text)[1], "Tool acme.a (asks approval for: network)");
        let text = text.replace("\"a.example\"", "");
        assert_eq!(drawn(&text)[1], "Tool acme.a (no approval)");
    }

    #[test]
    fn tools_in_braces_are_tools_too() {
        let text = "entrypoints.tools = [{ id = 'acme.a', risk = [true] }, 1, { id = \"\" }]";
        assert_eq!(
            drawn(text),
            [
                "Array entrypoints.tools (3 items)",
                "  Tool acme.a (sensitive, needs approval)",
                "    String id (acme.a)",
                "    Array risk (1 item)",
                "  Tool [2] (no approval)",
                "    String id",
            ]
        );
        let symbols = document_symbols(&Source::new(text));
        let tool = symbols.first().and_then(|list| list.children.first()).unwrap();
        assert_eq!(tool.selection.of(text), "acme.a");
    }

    #[test]
    fn half_typed_text_has_an_outline() {
        assert_eq!(
            drawn("a\nb =\n[\n[c.\nd = \"x\n[e]\n\"\" = [\n[f]\ng = 1\nan\u{202e} = 2\n"),
            [
                "Nothing a",
                "Nothing b",
                "Section [",
                "Section c",
                "  Nothing d",
                "Section e",
                "  Array \"\" (0 items)",
                "Section f",
                "  Number g (1)",
                "  Number \"an\\u{202e}\" (2)"
            ]
        );
    }

    #[test]
    fn a_skill_and_its_tools_are_found() {
        let text = "name = \"S\"\nskill_id = \"acme.s\"\n[[entrypoints.tools]]\nid = \"acme.\\u202ea\"\nname = \"A\"\n\
                    [[entrypoints.tools]]\nname = \"B\"\n[[entrypoints.tools]]\n";
        let found: Vec<_> = workspace_symbols(&Source::new(text))
            .into_iter()
            .map(|it| {
                let line = |text: Option<String>| text.unwrap_or_default();
                format!(
                    "{:?} {} / {} / {} / {}",
                    it.kind,
                    it.name,
                    line(it.title),
                    line(it.container),
                    it.span.of(text)
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "Skill acme.s / S /  / acme.s",
                "Tool acme.\\u{202e}a / A / acme.s / acme.\\u202ea",
                "Tool B /  / acme.s / [[entrypoints.tools]]",
            ]
        );
        assert_eq!(workspace_symbols(&Source::new("")), []);
    }
}
