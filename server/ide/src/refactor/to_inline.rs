//! A section as an inline table, and `[[…]]` sections as an inline array of tables.

use std::fmt::Write as _;

use skillyard_manifest::{
    document::{Node, NodeKind, Origin, Table, spelled},
    syntax::Item,
};

use super::{
    Asked, Draft, INLINE, Offer, Refactoring, Resolved, broken, data_of,
    draft::{Block, Part, Section},
    is_below, path_of, shown, too_deep,
};
use crate::{Facts, Path, Source, Step};

pub(super) static TO_INLINE: Refactoring =
    Refactoring { id: "to_inline", kind: INLINE, title: "Write a section as an inline table", offer, resolve };

/// The longest inline table that is offered, in bytes of the sections that it is made of: on one line nobody reads more.
const MAX_BYTES: usize = 2_000;

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    let source = asked.source;
    let Some(item) = asked.item else { return };
    let Some(Item::Header(header)) = source.tree.items.get(item) else { return };
    let mut path = source.table_of(item);
    if path.0.is_empty() {
        return;
    }
    if header.array {
        path.0.pop();
    }
    let what = if header.array { "an array of inline tables" } else { "an inline table" };
    let disabled = broken(source).or_else(|| too_deep(source)).or_else(|| {
        let draft = Draft::new(source);
        hindrance(source, &draft, &path)
    });
    offers.push(Offer {
        id: TO_INLINE.id,
        title: format!("Write {} as {what}", shown(&path)),
        kind: TO_INLINE.kind,
        data: data_of(&path),
        disabled,
        about_file: false,
    });
}

/// Why the sections below a path cannot be inlined.
fn hindrance(source: &Source<'_>, draft: &Draft<'_>, path: &Path<'_>) -> Option<String> {
    let mut bytes = 0;
    for section in draft.sections.iter().filter(|section| is_below(&section.path, path)) {
        let own = section.path == *path || matches!(section.path.0.get(path.0.len()..), Some([Step::Index(_)]));
        let header = section.header.as_ref().filter(|header| !own && has_words(source, header)).is_some();
        let entries = section.entries.iter().any(|block| has_words(source, block));
        if header || entries || section.tail.is_some() {
            return Some("its comments would have no place on one line".to_owned());
        }
        bytes += section.entries.iter().map(|block| length(block)).sum::<usize>();
    }
    (bytes > MAX_BYTES).then(|| format!("it has {bytes} bytes, too much for one line"))
}

fn length(block: &Block<'_>) -> usize {
    block.parts.iter().map(|part| if let Part::Old(span) = part { span.len() } else { 0 }).sum()
}

/// Whether comments stand above or behind the item of a block. Those within its value go with that.
fn has_words(source: &Source<'_>, block: &Block<'_>) -> bool {
    !block.lead.of(source.text).trim().is_empty() || !behind(source, block).is_empty()
}

/// The comment behind an item, with the space in front of it.
pub(super) fn behind<'t>(source: &Source<'t>, block: &Block<'_>) -> &'t str {
    let Some(item) = block.item.and_then(|item| source.tree.items.get(item)) else { return "" };
    let [Part::Old(line)] = block.parts.as_slice() else { return "" };
    source.text.get(item.span().end..line.end).unwrap_or_default().trim_end()
}

fn resolve(source: &Source<'_>, data: &str, _: &Facts) -> Option<Resolved> {
    if broken(source).is_some() {
        return None;
    }
    let path = path_of(data)?;
    let mut draft = Draft::new(source);
    if hindrance(source, &draft, &path).is_some() {
        return None;
    }
    let value = match &source.node(&path)?.kind {
        NodeKind::Table(table) if table.origin == Origin::Header => inline_table(source.text, table),
        NodeKind::Array(array) if array.of_tables => {
            let mut text = format!("[{}", draft.newline());
            let mut headers = draft
                .sections
                .iter()
                .filter(|section| section.path.0.len() == path.0.len() + 1 && is_below(&section.path, &path));
            for (at, item) in array.items.iter().enumerate() {
                let header = headers.next()?.header.as_ref()?;
                // The comments above the first go above the key.
                let above = if at == 0 { "" } else { header.lead.of(source.text) };
                for line in above.lines().filter(|line| !line.trim().is_empty()) {
                    let _ = write!(text, "  {}{}", line.trim(), draft.newline());
                }
                let _ = write!(text, "  {},{}{}", inline(source.text, item), behind(source, header), draft.newline());
            }
            text.push(']');
            text
        }
        _ => return None,
    };
    let is_array = matches!(source.node(&path)?.kind, NodeKind::Array(_));
    let first = draft.sections.iter().position(|section| {
        if is_array {
            is_below(&section.path, &path) && section.path.0.len() == path.0.len() + 1
        } else {
            section.path == path
        }
    })?;
    let header = draft.sections.get(first)?.header.clone()?;
    let gone = |section: &Path<'_>| is_below(section, &path);
    let comment = if is_array { "" } else { behind(source, &header) };
    let host = host(source, &mut draft, &path, first)?;
    let key = spelled(path.key()?);
    let mut block = draft.block(format!("{}{key} = {value}{comment}", host.prefix));
    block.lead = header.lead;
    let section = draft.sections.get_mut(host.section)?;
    section.entries.insert(host.at, block);
    draft.sections.retain(|section| !gone(&section.path));
    draft.edits_with_same_meaning(source).map(Resolved::of)
}

/// Where a key of the table around a section goes.
pub(super) struct Host {
    /// Which section of the draft.
    pub section: usize,
    /// In front of which of its entries.
    pub at: usize,
    /// What the key starts with there, with a dot.
    pub prefix: String,
}

/// Where the entries go that take the place of the section of `path`, which is the one at `own` in the draft. A table
/// that only headers below it tell of gets a header of its own, at the place of that section.
pub(super) fn host(source: &Source<'_>, draft: &mut Draft<'_>, path: &Path<'static>, own: usize) -> Option<Host> {
    let around = path.parent()?;
    let origin = source.table(&around)?.origin;
    match origin {
        Origin::Header => {
            let section = draft.section_at(&around)?;
            let at = draft.sections.get(section)?.entries.len();
            Some(Host { section, at, prefix: String::new() })
        }
        Origin::Implicit => {
            let item = draft.sections.get(own)?.header.as_ref()?.item?;
            let Some(Item::Header(header)) = source.tree.items.get(item) else { return None };
            let keys = header.keys.get(..header.keys.len().checked_sub(1)?)?;
            let gap = draft.sections.get(own)?.header.as_ref()?.gap;
            let mut section = draft.section(around, format!("[{}]", skillyard_manifest::document::dotted(keys)));
            if let Some(header) = &mut section.header {
                header.gap = if own == 1 && gap.is_empty() { "" } else { gap };
            }
            draft.sections.insert(own, section);
            Some(Host { section: own, at: 0, prefix: String::new() })
        }
        Origin::Dotted => {
            // Behind the last of its dotted keys.
            let outer = |(_, section): &(usize, &Section<'_>)| section.path.0.len() < around.0.len();
            let (section, at) = draft.sections.iter().enumerate().filter(outer).find_map(|(index, section)| {
                let of = |block: &Block<'_>| {
                    let Some(Item::Entry(entry)) = block.item.and_then(|item| source.tree.items.get(item)) else {
                        return false;
                    };
                    let mut full = section.path.clone();
                    full.0.extend(entry.keys.iter().map(|key| Step::Key(key.name.clone())));
                    full.0.len() > around.0.len() && is_below(&full, &around)
                };
                Some((index, section.entries.iter().rposition(of)? + 1))
            })?;
            let depth = draft.sections.get(section)?.path.0.len();
            let mut prefix = String::new();
            for step in around.0.get(depth..)? {
                let Step::Key(key) = step else { return None };
                let _ = write!(prefix, "{}.", spelled(key));
            }
            Some(Host { section, at, prefix })
        }
        Origin::Inline => None,
    }
}

/// A value on one line as far as it was: a table of any spelling as an inline one. Recurses as deep as it nests.
pub(super) fn inline(text: &str, node: &Node<'_>) -> String {
    match &node.kind {
        NodeKind::Table(table) if table.origin != Origin::Inline => inline_table(text, table),
        NodeKind::Array(array) if array.of_tables => {
            let items: Vec<String> = array.items.iter().map(|item| inline(text, item)).collect();
            format!("[{}]", items.join(", "))
        }
        _ => node.span.of(text).to_owned(),
    }
}

fn inline_table(text: &str, table: &Table<'_>) -> String {
    let mut entries = Vec::new();
    inline_entries(text, table, "", &mut entries);
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}

fn inline_entries(text: &str, table: &Table<'_>, prefix: &str, entries: &mut Vec<String>) {
    for (key, field) in &table.fields {
        let key = format!("{prefix}{}", spelled(key));
        match &field.value.kind {
            // Dotted keys stay dotted, where nothing but them is below.
            NodeKind::Table(inner) if inner.origin == Origin::Dotted => {
                inline_entries(text, inner, &format!("{key}."), entries);
            }
            _ => entries.push(format!("{key} = {}", inline(text, &field.value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{after, hindered, offers},
        *,
    };

    #[test]
    fn a_section_becomes_an_inline_table() {
        for (was, is) in [
            (
                "[capabilities]\nx = 1 # x\n\n# q\n[capabilities.quotas]$0 # c\na = 1\nb.c = 2\n\n[capabilities.quotas.d]\ne = [\n  1, # f\n]\n[compat]\n",
                "[capabilities]\nx = 1 # x\n# q\nquotas = { a = 1, b.c = 2, d = { e = [\n  1, # f\n] } } # c\n[compat]\n",
            ),
            // The table around gets a header where it has none.
            (
                "a = 1\n\n# q\n[capabilities.quo$0tas]\na = 1\n\n[compat]\n",
                "a = 1\n\n[capabilities]\n# q\nquotas = { a = 1 }\n\n[compat]\n",
            ),
            ("a = 1\r\n[com$0pat]\r\nx = 1\r\n", "a = 1\r\ncompat = { x = 1 }\r\n"),
            ("[com$0pat]\n", "compat = {}\n"),
            ("a.b = 1\n[c]\n[a.d$0]\nx = 1", "a.b = 1\na.d = { x = 1 }\n[c]"),
            (
                "[[t]]\nid = 1\n[[t]]\nid = 2\n[t.r$0]\nx = 1\n[t.s]\n",
                "[[t]]\nid = 1\n[[t]]\nid = 2\nr = { x = 1 }\n[t.s]\n",
            ),
        ] {
            assert_eq!(after("to_inline", was), is, "{was}");
        }
    }

    #[test]
    fn sections_become_an_array_of_inline_tables() {
        assert_eq!(
            after(
                "to_inline",
                "[capabilities]\nx = 1\n# s\n[[capabilities.secrets]]$0 # c\na = 1\n# t\n[[capabilities.secrets]] # d\na = 2\n[capabilities.secrets.b]\nc = 1\n\n[compat]\n"
            ),
            "[capabilities]\nx = 1\n# s\nsecrets = [\n  { a = 1 }, # c\n  # t\n  { a = 2, b = { c = 1 } }, # d\n]\n\n[compat]\n"
        );
    }

    #[test]
    fn what_has_no_place_on_one_line_hinders() {
        for text in ["[a]$0\nb = 1 # c\n", "[a]$0\n# c\nb = 1\n", "[a]$0\nb = 1\n# c\n\n[a.d]\n", "[a]$0\n[a.b] # c\n"]
        {
            assert!(hindered("to_inline", text).contains("comments"), "{text}");
        }
        assert!(hindered("to_inline", &format!("[a]$0\nb = \"{}\"\n", "x".repeat(3000))).contains("bytes"));
        assert!(hindered("to_inline", "[a]$0\nb =\n").contains("syntax"));
        assert_eq!(offers("to_inline", "a.b$0 = 1\n", &Facts::default()), []);
    }
}
