//! An inline table, an inline array of tables or dotted keys as sections of their own.

use skillyard_manifest::{
    Span,
    document::dotted,
    edits,
    syntax::{Entry, Item, Value, ValueKind},
};

use super::{
    Asked, Draft, Offer, REWRITE, Refactoring, Resolved, broken, data_of,
    draft::{Block, Part, Section},
    is_below, item_paths, path_of, shown, too_deep,
};
use crate::{Facts, Path, Role, Source, Step};

pub(super) static TO_SECTION: Refactoring = Refactoring {
    id: "to_section",
    kind: REWRITE,
    title: "Write an inline table or dotted keys as a section",
    offer,
    resolve,
};

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    let source = asked.source;
    let Some(Item::Entry(entry)) = asked.item.and_then(|item| source.tree.items.get(item)) else { return };
    let Some(item) = asked.item else { return };
    let mut path = source.table_of(item);
    let sections = match &entry.value.kind {
        ValueKind::Table(_) => Some("a section"),
        ValueKind::Array(items) if are_tables(items) => Some("sections"),
        _ => None,
    };
    let title = match sections {
        Some(sections) => {
            path.0.extend(entry.keys.iter().map(|key| Step::Key(key.name.clone())));
            format!("Write {} as {sections}", shown(&path))
        }
        None => {
            // The table that the part of the key at the cursor names; for the last part the one that it is in.
            let parts = entry.keys.len().saturating_sub(1);
            let at = asked.place.as_ref().filter(|place| place.mention.role == Role::Key && !place.in_value);
            let part = at.and_then(|place| entry.keys.iter().position(|key| key.span == place.mention.span));
            let Some(part) = part.filter(|_| parts > 0) else { return };
            path.0.extend(entry.keys.iter().take(parts.min(part + 1)).map(|key| Step::Key(key.name.clone())));
            format!("Write the keys of {} in a section", shown(&path))
        }
    };
    offers.push(Offer {
        id: TO_SECTION.id,
        title,
        kind: TO_SECTION.kind,
        data: data_of(&path),
        disabled: broken(source).or_else(|| too_deep(source)),
        about_file: false,
    });
}

/// Whether an array can be written with `[[…]]`.
fn are_tables(items: &[Value<'_>]) -> bool {
    !items.is_empty() && items.iter().all(|item| matches!(item.kind, ValueKind::Table(_)))
}

fn resolve(source: &Source<'_>, data: &str, _: &Facts) -> Option<Resolved> {
    if broken(source).is_some() {
        return None;
    }
    let path = path_of(data)?;
    let paths = item_paths(source);
    let is_entry = |item: usize| matches!(source.tree.items.get(item), Some(Item::Entry(_)));
    // The first entry that names the table; what stands in sections below it says nothing of its place.
    let names = |item: usize| is_below(&paths[item], &path) && !is_below(&source.table_of(item), &path);
    let first = (0..paths.len()).find(|&item| is_entry(item) && names(item))?;
    let mut draft = Draft::new(source);
    let (at, Some(index)) = draft.find(first)? else { return None };
    let mut sections = match source.tree.items.get(first)? {
        Item::Entry(entry) if paths.get(first)? == &path => {
            let block = draft.sections.get_mut(at)?.entries.remove(index);
            let header = format!("{}{}", prefix(source, first), dotted(&entry.keys));
            from_value(source, &draft, &path, entry, block, &header)?
        }
        _ => {
            // The entries of one section, whose keys start with those of the table.
            let depth = path.0.len().checked_sub(source.table_of(first).0.len())?;
            let mut moved = Vec::new();
            let section = draft.sections.get_mut(at)?;
            let (taken, kept) = std::mem::take(&mut section.entries)
                .into_iter()
                .partition(|block: &Block<'_>| block.item.is_some_and(|item| is_below(&paths[item], &path)));
            section.entries = kept;
            let taken: Vec<Block<'_>> = taken;
            let Item::Entry(entry) = source.tree.items.get(first)? else { return None };
            let header = format!("{}{}", prefix(source, first), dotted(entry.keys.get(..depth)?));
            for mut block in taken {
                let Some(Item::Entry(entry)) = block.item.and_then(|item| source.tree.items.get(item)) else {
                    return None;
                };
                let [Part::Old(line)] = block.parts.as_slice() else { return None };
                let rest = Span::new(entry.keys.get(depth)?.span.start, line.end);
                block.parts = vec![Part::Old(rest)];
                moved.push(block);
            }
            let mut section = draft.section(path.clone(), format!("[{header}]"));
            if let Some(first) = moved.first_mut() {
                first.gap = "";
            }
            section.entries = moved;
            vec![section]
        }
    };
    // Comments at the end of the section are behind its last entry, which is gone or not; they stay there.
    let around = draft.sections.get(at)?;
    let is_implied = around.entries.is_empty()
        && around.tail.is_none()
        && around.path.key().is_some()
        && around.header.as_ref().is_some_and(|header| header.lead.is_empty() && bare_header(source, header));
    if is_implied {
        // Its header says nothing any more that those of the new sections do not say.
        let removed = draft.sections.remove(at);
        if let (Some(header), Some(old)) = (sections.first_mut().and_then(|s| s.header.as_mut()), removed.header) {
            header.gap = old.gap;
        }
        draft.sections.splice(at..at, sections);
    } else {
        draft.sections.splice(at + 1..at + 1, sections);
    }
    draft.edits_with_same_meaning(source).map(Resolved::of)
}

/// Whether a header has its line for itself.
fn bare_header(source: &Source<'_>, header: &Block<'_>) -> bool {
    let Some(item) = header.item.and_then(|item| source.tree.items.get(item)) else { return false };
    matches!(header.parts.as_slice(), [Part::Old(line)] if line.of(source.text).trim() == item.span().of(source.text))
}

/// The dotted key of the section that an item is in, with a dot; empty at the top.
fn prefix(source: &Source<'_>, item: usize) -> String {
    let header = source.header_of(item);
    if header.is_empty() { header } else { format!("{header}.") }
}

/// The sections that an inline table or an inline array of tables becomes. `block` is its entry's.
fn from_value<'t>(
    source: &Source<'t>,
    draft: &Draft<'t>,
    path: &Path<'static>,
    entry: &Entry<'t>,
    block: Block<'t>,
    header: &str,
) -> Option<Vec<Section<'t>>> {
    let [Part::Old(line)] = block.parts.as_slice() else { return None };
    let behind = source.text.get(entry.value.span.end..line.end)?;
    let path = || Path(path.0.clone());
    match &entry.value.kind {
        ValueKind::Table(entries) => {
            let mut section = draft.section(path(), format!("[{header}]{behind}"));
            if let Some(header) = &mut section.header {
                header.lead = block.lead;
            }
            section.entries = lines(source, draft, entry.value.span, entries);
            Some(vec![section])
        }
        ValueKind::Array(items) if are_tables(items) => {
            let spans: Vec<Span> = items.iter().map(|item| item.span).collect();
            let comments = comments_by(source, entry.value.span, &spans);
            let mut sections = Vec::new();
            for (at, (item, own)) in items.iter().zip(&comments.each).enumerate() {
                let ValueKind::Table(entries) = &item.kind else { return None };
                let behind =
                    own.behind.iter().fold(String::new(), |all, comment| format!("{all} {}", comment.of(source.text)));
                let mut section = draft.section(path().with(Step::Index(at)), String::new());
                if let Some(new) = &mut section.header {
                    if at == 0 {
                        new.lead = block.lead;
                    }
                    let above = own.above.iter().map(|comment| comment.of(source.text));
                    let first = if at == 0 { behind_value(behind_of(source, entry, line.end)) } else { None };
                    let mut text: Vec<&str> = first.into_iter().chain(above).collect();
                    let header = format!("[[{header}]]{behind}");
                    text.push(&header);
                    new.parts = vec![Part::New(text.join(draft.newline()))];
                }
                section.entries = lines(source, draft, item.span, entries);
                if at + 1 == items.len() {
                    let rest = comments.rest.iter().map(|comment| draft.block_of(vec![Part::Old(*comment)]));
                    section.entries.extend(rest);
                }
                sections.push(section);
            }
            Some(sections)
        }
        _ => None,
    }
}

/// What stands behind a value on its line.
fn behind_of<'t>(source: &Source<'t>, entry: &Entry<'t>, end: usize) -> &'t str {
    source.text.get(entry.value.span.end..end).unwrap_or_default()
}

fn behind_value(behind: &str) -> Option<&str> {
    Some(behind.trim()).filter(|behind| !behind.is_empty())
}

/// The comments in brackets, told apart by what they belong to.
pub(super) struct Comments {
    /// Of each element: above it, and behind it on its line.
    each: Vec<Own>,
    /// Behind all of them.
    rest: Vec<Span>,
}

#[derive(Default)]
struct Own {
    above: Vec<Span>,
    behind: Vec<Span>,
}

fn comments_by(source: &Source<'_>, around: Span, elements: &[Span]) -> Comments {
    let text = source.text;
    let mut found = Comments { each: elements.iter().map(|_| Own::default()).collect(), rest: Vec::new() };
    let comments = &source.document.comments;
    let first = comments.partition_point(|comment| comment.start < around.start);
    for &comment in comments.iter().skip(first).take_while(|comment| comment.start < around.end) {
        let next = elements.partition_point(|element| element.end <= comment.start);
        if elements.get(next).is_some_and(|element| element.start <= comment.start) {
            // Within an element, and moves with it.
            continue;
        }
        let last = next.checked_sub(1);
        let on_its_line = last
            .and_then(|last| elements.get(last))
            .is_some_and(|element| text.get(element.end..comment.start).is_some_and(|between| !between.contains('\n')));
        let comment = Span::new(comment.start, comment.start + comment.of(text).trim_end().len());
        match (last, on_its_line) {
            (Some(last), true) => found.each.get_mut(last).map(|own| own.behind.push(comment)),
            _ if next < elements.len() => found.each.get_mut(next).map(|own| own.above.push(comment)),
            _ => {
                found.rest.push(comment);
                None
            }
        };
    }
    found
}

/// The entries of an inline table as lines, with their comments.
pub(super) fn lines<'t>(source: &Source<'t>, draft: &Draft<'t>, around: Span, entries: &[Entry<'t>]) -> Vec<Block<'t>> {
    let spans: Vec<Span> = entries.iter().map(|entry| entry.span).collect();
    let comments = comments_by(source, around, &spans);
    let mut blocks = Vec::new();
    for (entry, own) in entries.iter().zip(&comments.each) {
        for comment in &own.above {
            blocks.push(draft.block_of(vec![Part::Old(*comment)]));
        }
        let mut parts = outdented(source, entry);
        for comment in &own.behind {
            parts.push(Part::New(" ".to_owned()));
            parts.push(Part::Old(*comment));
        }
        blocks.push(draft.block_of(parts));
    }
    blocks.extend(comments.rest.iter().map(|comment| draft.block_of(vec![Part::Old(*comment)])));
    blocks
}

/// An entry without the indentation that its lines have in common; as it is where a string spans lines.
fn outdented(source: &Source<'_>, entry: &Entry<'_>) -> Vec<Part> {
    let text = source.text;
    let whole = entry.span.of(text);
    let line = edits::line_start(text, entry.span.start);
    let before = text.get(line..entry.span.start).unwrap_or_default();
    let indent = before.get(..before.len() - before.trim_start().len()).unwrap_or_default();
    let has_long_strings = whole.contains("\"\"\"") || whole.contains("'''");
    if indent.is_empty() || has_long_strings || !whole.contains('\n') {
        return vec![Part::Old(entry.span)];
    }
    let lines = whole.split_inclusive('\n').enumerate();
    let lines = lines.map(|(at, line)| if at == 0 { line } else { line.strip_prefix(indent).unwrap_or(line) });
    vec![Part::New(lines.collect())]
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{after, hindered, offers},
        *,
    };

    #[test]
    fn an_inline_table_becomes_a_section() {
        for (was, is) in [
            (
                "[capabilities]\n# q\nquotas = { fuel_budget = 1, max_memory_bytes = 65536$0 } # c\nnode_capabilities = []\n\n[compat]\n",
                "[capabilities]\nnode_capabilities = []\n\n# q\n[capabilities.quotas] # c\nfuel_budget = 1\nmax_memory_bytes = 65536\n\n[compat]\n",
            ),
            // A header that says nothing any more goes; one with comments stays.
            ("[capabilities]\nquo$0tas = {}\n\n[compat]\n", "[capabilities.quotas]\n\n[compat]\n"),
            ("[capabilities] # c\nquo$0tas = {}\n", "[capabilities] # c\n\n[capabilities.quotas]\n"),
            ("name = 1\r\ncompat = {$0 a.b = 1 }\r\n", "name = 1\r\n\r\n[compat]\r\na.b = 1\r\n"),
            ("compat$0 = { a = 1 }", "[compat]\na = 1"),
            // That of an element goes behind its own keys.
            (
                "[[entrypoints.tools]]\nrisk = {$0 a = 1 }\nid = 1\n[[entrypoints.tools]]\nid = 2\n",
                "[[entrypoints.tools]]\nid = 1\n\n[entrypoints.tools.risk]\na = 1\n[[entrypoints.tools]]\nid = 2\n",
            ),
        ] {
            assert_eq!(after("to_section", was), is, "{was}");
        }
    }

    #[test]
    fn comments_in_braces_stay_with_their_keys() {
        assert_eq!(
            after(
                "to_section",
                "compat = { # c\n  # a\n  a = [\n    1, # one\n  ], # behind a\n\n  b = '''\n  x''',\n  # end\n}$0\n[z]\n"
            ),
            "[compat]\n# c\n# a\na = [\n  1, # one\n] # behind a\nb = '''\n  x'''\n# end\n[z]\n"
        );
    }

    #[test]
    fn an_array_of_inline_tables_becomes_sections() {
        assert_eq!(
            after(
                "to_section",
                "[entrypoints]\n# all\ntools = [\n  # one\n  { id = \"a\", risk = {} }, # r\n  { id = \"b\", schema = {\n    # x\n    a = [\n      1,\n    ], # y\n  } }$0\n  # end\n] # t\n\n[compat]\n"
            ),
            "# all\n# t\n# one\n[[entrypoints.tools]] # r\nid = \"a\"\nrisk = {}\n\n[[entrypoints.tools]]\nid = \"b\"\nschema = {\n  # x\n  a = [\n    1,\n  ], # y\n}\n# end\n\n[compat]\n"
        );
        assert_eq!(offers("to_section", "a = [{}, 1$0]\n", &Facts::default()), []);
        assert_eq!(offers("to_section", "a = [$0]\n", &Facts::default()), []);
    }

    #[test]
    fn dotted_keys_become_a_section() {
        for (was, is) in [
            (
                "name = 1\ncom$0pat.min = 1 # c\nx = 1\n\ncompat.max.a = 2\n[b]\n",
                "name = 1\nx = 1\n\n[compat]\nmin = 1 # c\n\nmax.a = 2\n[b]\n",
            ),
            ("[a]\nb.c.d$0 = 1\nb.x = 2\n", "[a]\nb.x = 2\n\n[a.b.c]\nd = 1\n"),
            ("[a]\nb$0.c.d = 1\nb.x = 2\n[a.b.y]\nz = 1\n", "[a.b]\nc.d = 1\nx = 2\n[a.b.y]\nz = 1\n"),
            // Comments above a key stay above it.
            ("x = 1\n# m\na$0.b = 1\n", "x = 1\n\n[a]\n# m\nb = 1\n"),
        ] {
            assert_eq!(after("to_section", was), is, "{was}");
        }
    }

    #[test]
    fn broken_and_deep_files_say_why() {
        assert!(hindered("to_section", "compat = {$0}\nname =\n").contains("syntax"));
        let deep = format!("a.b = {}1{}$0\n", "{ a = ".repeat(30), " }".repeat(30));
        assert!(hindered("to_section", &deep).contains("deep"));
    }
}
