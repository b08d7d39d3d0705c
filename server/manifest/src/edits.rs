//! Edits that keep the layout: made from places in the text, never by printing the document anew.

use std::ops::Range;

use crate::{
    diagnostic::TextEdit,
    document::{Document, Field, HeaderPlace, Node, NodeKind, Origin, Table, string},
    spelling::characters,
    syntax::Key,
    text::Span,
    view::View,
};

/// A replacement.
pub fn replace(span: Span, text: impl Into<String>) -> TextEdit {
    TextEdit { span, text: text.into() }
}

/// An insertion.
pub fn insert(at: usize, text: impl Into<String>) -> TextEdit {
    replace(Span::at(at), text)
}

/// Replaces what a string says, and keeps its quotes where the new text allows.
pub fn set_string(text: &str, span: Span, value: &str) -> TextEdit {
    let raw = span.of(text);
    let plain = !value.contains(['"', '\'', '\\']) && !value.chars().any(char::is_control);
    let quote = ["\"\"\"", "'''"].into_iter().find(|quote| raw.starts_with(quote)).unwrap_or(match raw.get(..1) {
        Some("'") => "'",
        _ => "\"",
    });
    let new = if plain { format!("{quote}{value}{quote}") } else { string(value) };
    replace(span, new)
}

/// The place in the text of a range of what a string says, with the whole of the escapes at its ends.
pub fn inside(text: &str, node: &Node<'_>, range: Range<usize>) -> Span {
    let NodeKind::String(value) = &node.kind else { return node.span };
    if range.end > value.len() {
        return node.span;
    }
    let raw = node.span.of(text);
    let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    let body = raw.get(quotes..raw.len().saturating_sub(quotes)).unwrap_or_default();
    // A line end directly behind the opening quotes of a multi-line string is not part of what it says.
    let skipped = match quotes {
        3 => ["\r\n", "\n"].into_iter().find(|end| body.starts_with(end)).map_or(0, str::len),
        _ => 0,
    };
    let start = node.span.start + quotes + skipped;
    if body.get(skipped..) == Some(value.as_ref()) {
        return Span::new(start + range.start, start + range.end);
    }
    written(text, node.span, start, value, range).unwrap_or(node.span)
}

/// [`inside`] for a string with escapes, whose characters start at `start`. `None` where they are not what it says.
fn written(text: &str, string: Span, start: usize, value: &str, range: Range<usize>) -> Option<Span> {
    let (mut at, mut from, mut to) = (0, None, None);
    let mut rest = value;
    for (span, c) in characters(text, string).into_iter().skip_while(|(span, _)| span.start < start) {
        rest = rest.strip_prefix(c)?;
        if at >= range.start && (at < range.end || range.is_empty()) {
            from = from.or(Some(span.start));
            to = (!range.is_empty()).then_some(span.end).or(to);
        }
        at += c.len_utf8();
    }
    let end = string.end - (start - string.start).min(string.len());
    let from = from.unwrap_or(end);
    rest.is_empty().then(|| Span::new(from, to.unwrap_or(from)))
}

/// The line end that the text uses.
pub fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(i) if text.get(..i).is_some_and(|before| before.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}

/// The end of the line that holds `offset`, in front of its line end.
pub fn line_end(text: &str, offset: usize) -> usize {
    let rest = text.as_bytes().get(offset..).unwrap_or_default();
    let end = memchr::memchr(b'\n', rest).map_or(text.len(), |i| offset + i);
    if text.get(offset..end).is_some_and(|line| line.ends_with('\r')) { end - 1 } else { end }
}

/// The start of the line that holds `offset`.
pub fn line_start(text: &str, offset: usize) -> usize {
    text.as_bytes().get(..offset).and_then(|before| memchr::memrchr(b'\n', before)).map_or(0, |i| i + 1)
}

/// Adds `key = value` to a table behind its last own key. `None` where it has no lines of its own.
pub fn add_key(text: &str, table: &Table<'_>, key: &str, value: &str) -> Option<TextEdit> {
    let entry = format!("{}{key} = {value}", table.prefix);
    let at = match (table.origin, last_entry(table)) {
        (Origin::Inline, None) => {
            // Behind a comment only where that has ended.
            let at = table.insert_at?;
            let gap = if text.get(..at)?.ends_with([' ', '\t', '\n']) { "" } else { " " };
            return Some(insert(at, format!("{gap}{entry} ")));
        }
        (Origin::Inline | Origin::Dotted, Some(last)) => {
            // Dotted keys stand on lines, or between the commas of an inline table.
            let next = skip_trivia(text, last.end);
            if table.origin == Origin::Inline || text.get(next..)?.starts_with([',', '}']) {
                let lead = text.get(line_start(text, last.start)..last.start)?;
                let own_line = lead.trim().is_empty() && last.start > lead.len();
                let gap = if own_line { format!("{}{lead}", newline(text)) } else { " ".to_owned() };
                return Some(insert(last.end, format!(",{gap}{entry}")));
            }
            last.end
        }
        _ => table.insert_at?,
    };
    Some(insert_line(text, at, &entry))
}

/// Inserts lines where a table has a place for them: behind the line that holds `at`, or in front of the one that starts
/// there (the top of a file).
fn insert_line(text: &str, at: usize, lines: &str) -> TextEdit {
    let before = text.get(..at).unwrap_or_default();
    if before.is_empty() || before == "\u{FEFF}" || before.ends_with('\n') {
        let newline = newline(text);
        let follows = text.get(at..).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['\n', '\r']));
        insert(at, format!("{lines}{newline}{}", if follows { newline } else { "" }))
    } else {
        insert(line_end(text, at), format!("{}{lines}", newline(text)))
    }
}

/// Where the first key of a text goes that has none: behind the comments at its top that a blank line sets apart, such as
/// those of a licence.
pub(crate) fn top(text: &str) -> usize {
    let mut end = if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
    let mut top = end;
    let mut commented = false;
    for line in text.get(end..).unwrap_or_default().split_inclusive('\n') {
        end += line.len();
        match line.trim_start().chars().next() {
            Some('#') => commented = true,
            None if commented && line.ends_with('\n') => top = end,
            None => {}
            Some(_) => break,
        }
    }
    top
}

/// The edit that sets `key` of the table at `path`, which starts at `root` (the top level of `document`), to `value`: in
/// place, behind the table's last key, or in a new section. `None` where the place allows none (a table written as an
/// array of values).
pub fn set(
    text: &str,
    document: &Document<'_>,
    root: View<'_, '_>,
    path: &[&str],
    key: &str,
    value: &str,
) -> Option<TextEdit> {
    let mut view = root;
    for (i, part) in path.iter().enumerate() {
        match view.get(part) {
            Some(_) => view = view.table(part)?,
            // An inline or dotted parent takes an inline child.
            None if matches!(view.as_table()?.origin, Origin::Inline | Origin::Dotted) => {
                let mut inner = format!("{{ {key} = {value} }}");
                for below in path[i + 1..].iter().rev() {
                    inner = format!("{{ {below} = {inner} }}");
                }
                return add_key(text, view.as_table()?, part, &inner);
            }
            None => {
                let header = format!("[{}]", path.join("."));
                return Some(add_section(text, document, &header, &[format!("{key} = {value}")]));
            }
        }
    }
    match view.get(key) {
        Some(item) => Some(replace(item.node.span, value)),
        None => {
            let table = view.as_table()?;
            match add_key(text, table, key, value) {
                Some(edit) => Some(edit),
                // Known only by the headers below it.
                None => {
                    let header = format!("[{}]", path.join("."));
                    let lines = [format!("{key} = {value}")];
                    (table.origin == Origin::Implicit).then(|| add_section(text, document, &header, &lines))
                }
            }
        }
    }
}

/// The last `key = value` of a table, its dotted keys included and what has a header of its own left out.
fn last_entry(table: &Table<'_>) -> Option<Span> {
    let entry = |field: &Field<'_>| match &field.value.kind {
        NodeKind::Table(inner) => match inner.origin {
            Origin::Dotted => last_entry(inner),
            Origin::Inline => Some(field.entry),
            Origin::Header | Origin::Implicit => None,
        },
        NodeKind::Array(array) if array.of_tables => None,
        _ => Some(field.entry),
    };
    table.fields.values().filter_map(entry).max_by_key(|span| span.end)
}

/// The first place from `at` on that is neither white space nor in a comment.
fn skip_trivia(text: &str, mut at: usize) -> usize {
    while let Some(rest) = text.get(at..) {
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        if blank > 0 {
            at += blank;
        } else if rest.starts_with('#') {
            at = line_end(text, at);
        } else {
            break;
        }
    }
    at
}

/// Whether one of `comments`, in the order of the text, starts at `offset`.
pub fn comment_at(comments: &[Span], offset: usize) -> bool {
    comments.binary_search_by_key(&offset, |comment| comment.start).is_ok()
}

/// Whether the character at `offset` is in one of `comments`, in the order of the text.
fn in_comment(comments: &[Span], offset: usize) -> bool {
    let before = comments.partition_point(|comment| comment.start <= offset);
    comments.get(..before).and_then(<[Span]>::last).is_some_and(|comment| offset < comment.end)
}

/// Adds a section, `[a.b]` with its lines: in front of the first section below it, else behind the last one that shares its
/// first key, else at the end.
pub fn add_section(text: &str, document: &Document<'_>, header: &str, lines: &[String]) -> TextEdit {
    let newline = newline(text);
    if let Some(at) = above_its_own(text, document, header) {
        let lines = std::iter::once(header).chain(lines.iter().map(String::as_str));
        let section: String = lines.map(|line| format!("{line}{newline}")).collect();
        return insert(at, format!("{section}{newline}"));
    }
    let first = header.trim_matches(['[', ']']).split('.').next().unwrap_or_default();
    let last = document.headers.iter().rposition(|h| h.keys.first().is_some_and(|key| key.name == first));
    let at = match last {
        // The end of that section: behind the last line that is neither blank nor a comment of what follows.
        Some(i) => {
            let start = document.headers[i].span.end;
            let end = document.headers.get(i + 1).map_or(text.len(), |next| line_start(text, next.span.start));
            let body = text.get(start..end).unwrap_or_default();
            let mut kept = 0;
            let mut seen = 0;
            for line in body.split_inclusive('\n') {
                let lead = line.len() - line.trim_start().len();
                let is_comment = comment_at(&document.comments, start + seen + lead);
                seen += line.len();
                if !line.trim().is_empty() && (!is_comment || i + 1 == document.headers.len()) {
                    kept = seen;
                }
            }
            line_end(text, start + body.get(..kept).unwrap_or_default().trim_end().len())
        }
        None => text.trim_end().len(),
    };
    let mut section = if at == 0 { String::new() } else { format!("{newline}{newline}") };
    section.push_str(header);
    for line in lines {
        section.push_str(newline);
        section.push_str(line);
    }
    if text.get(at..).is_none_or(str::is_empty) {
        section.push_str(newline);
    }
    insert(at, section)
}

/// The start of the first section below the table `header`, with the comments right above that.
fn above_its_own(text: &str, document: &Document<'_>, header: &str) -> Option<usize> {
    let keys: Vec<&str> = header.strip_prefix('[')?.strip_suffix(']')?.split('.').collect();
    let is_below = |other: &&HeaderPlace<'_>| {
        other.keys.len() > keys.len() && other.keys.iter().zip(&keys).all(|(other, key)| other.name == *key)
    };
    let first = document.headers.iter().find(is_below)?;
    let line = line_start(text, first.span.start);
    let mut at = line;
    while let Some(line) = text.get(..at).and_then(|above| above.strip_suffix('\n')) {
        let start = line_start(text, line.len());
        let lead = text.get(start..at).map_or(0, |line| line.len() - line.trim_start_matches([' ', '\t']).len());
        if !comment_at(&document.comments, start + lead) {
            break;
        }
        at = start;
    }
    // What the file begins with is about all of it.
    Some(if at == 0 { line } else { at })
}

/// Removes a key with its value: its whole lines, or the entry with its comma in an inline table. `comments` are those of
/// the document.
pub fn remove_field(text: &str, comments: &[Span], field: &Field<'_>, siblings: &Table<'_>) -> TextEdit {
    if siblings.origin == Origin::Inline || siblings.insert_at.is_none() && siblings.origin == Origin::Dotted {
        return remove_listed(text, comments, field.entry);
    }
    remove_lines(text, field.entry)
}

/// Removes the whole lines of a range, with a comment behind it.
pub fn remove_lines(text: &str, span: Span) -> TextEdit {
    let start = line_start(text, span.start);
    let rest = text.as_bytes().get(span.end..).unwrap_or_default();
    let end = memchr::memchr(b'\n', rest).map_or(text.len(), |i| span.end + i + 1);
    replace(Span::new(start, end), "")
}

/// Moves an entry, with the comments above and behind it, from lines of its own behind the last one of another table.
/// `None` where either shares its line with something else.
pub fn move_entry(text: &str, document: &Document<'_>, entry: Span, to: &Table<'_>) -> Option<Vec<TextEdit>> {
    let at = to.insert_at?;
    let lines = lines_of(text, document, entry)?;
    Some(vec![insert_line(text, at, lines.of(text)), remove_last_lines(text, lines)])
}

/// Moves an entry as [`move_entry`] does, to a new section with this header.
pub fn move_to_section(text: &str, document: &Document<'_>, entry: Span, header: &str) -> Option<Vec<TextEdit>> {
    let lines = lines_of(text, document, entry)?;
    let insertion = add_section(text, document, header, &[lines.of(text).to_owned()]);
    let removal = remove_last_lines(text, lines);
    if !removal.span.touches(insertion.span.start) {
        return Some(vec![insertion, removal]);
    }
    // The section comes directly behind the entry: one edit, so that the two do not touch.
    let lead = if removal.span.start == line_start(text, lines.start) {
        insertion.text.strip_prefix(newline(text)).unwrap_or(&insertion.text)
    } else {
        &insertion.text
    };
    let end = if lead.ends_with('\n') { "" } else { newline(text) };
    Some(vec![replace(removal.span, format!("{lead}{end}"))])
}

/// An entry with the comments directly above it and the one behind it, where nothing stands in front of it on its line.
/// Comments at the top of the text are its own.
fn lines_of(text: &str, document: &Document<'_>, entry: Span) -> Option<Span> {
    let start = line_start(text, entry.start);
    if !text.get(start..entry.start)?.trim().is_empty() {
        return None;
    }
    let above = comments_above(text, &document.comments, start);
    let start = if above == start || line_start(text, above) == 0 && above <= '\u{FEFF}'.len_utf8() {
        entry.start
    } else {
        above + text.get(above..)?.len() - text.get(above..)?.trim_start().len()
    };
    let end = line_end(text, entry.end);
    Some(Span::new(start, start + text.get(start..end)?.trim_end().len()))
}

/// Removes whole lines, the last of the text with the line end in front of them.
fn remove_last_lines(text: &str, entry: Span) -> TextEdit {
    let mut removal = remove_lines(text, entry);
    // Without a line end of its own, the last line takes the one in front of it.
    if !removal.span.of(text).ends_with('\n') {
        let before = text.get(..removal.span.start).unwrap_or_default();
        let kept = before.strip_suffix('\n').map_or(before, |before| before.strip_suffix('\r').unwrap_or(before));
        removal.span = Span::new(kept.len(), removal.span.end);
    }
    removal
}

/// Removes an element of a list in brackets, with one comma beside it and the space between. `comments` are those of the
/// document: a comma in one is none of the list's.
pub fn remove_listed(text: &str, comments: &[Span], span: Span) -> TextEdit {
    let comma = skip_trivia(text, span.end);
    if text.get(comma..).is_some_and(|rest| rest.starts_with(',')) {
        let behind = text.get(comma + 1..).unwrap_or_default();
        // Keep a comment behind the comma and the indentation of the next line.
        let space = behind.len() - behind.trim_start_matches([' ', '\t']).len();
        let line_ends = behind.get(space..).is_none_or(|rest| rest.starts_with(['\n', '\r']) || rest.is_empty());
        // Looks at white space only, so that a long line of many elements takes no quadratic time.
        let lead = text.get(..span.start).unwrap_or_default().trim_end_matches([' ', '\t']);
        let own_line = lead.is_empty() || lead.ends_with('\n');
        if own_line && line_ends {
            return remove_lines(text, Span::new(span.start, comma));
        }
        let space = if line_ends { 0 } else { space };
        return replace(Span::new(span.start, comma + 1 + space), "");
    }
    // The last one: the comma in front goes. One in front of a comment stays, as a list may end with one.
    let before = text.get(..span.start).unwrap_or_default();
    let kept = before.trim_end();
    let own_comma = kept.ends_with(',') && !in_comment(comments, kept.len() - 1);
    let start = if own_comma { kept.len() - 1 } else { span.start };
    replace(Span::new(start, span.end), "")
}

/// Puts a value behind the last of a list: in a line of its own where the others have one, below a comment on the last.
/// `None` where that is no list, or an empty one with comments. `comments` are those of the document.
pub fn append_listed(text: &str, comments: &[Span], list: &Node<'_>, value: &str) -> Option<TextEdit> {
    // Headers are no list that a value could stand in.
    if matches!(&list.kind, NodeKind::Array(array) if array.of_tables) {
        return None;
    }
    let Some(last) = list.as_array()?.last() else {
        let first = comments.partition_point(|comment| comment.start < list.span.start);
        let plain = comments.get(first).is_none_or(|comment| comment.start >= list.span.end);
        return plain.then(|| replace(list.span, format!("[{value}]")));
    };
    let lead = text.get(line_start(text, last.span.start)..last.span.start)?;
    if !lead.trim().is_empty() {
        return Some(insert(last.span.end, format!(", {value}")));
    }
    let rest = Span::new(last.span.end, line_end(text, last.span.end));
    let behind = rest.of(text);
    let comma = behind.trim_start().strip_prefix(',');
    let tail = comma.unwrap_or(behind);
    let gap = format!("{}{lead}", newline(text));
    if !tail.trim().is_empty() && !tail.trim_start().starts_with('#') {
        return Some(insert(last.span.end, format!(",{gap}{value}")));
    }
    let end = if comma.is_some() { "," } else { "" };
    Some(replace(rest, format!(",{tail}{gap}{value}{end}")))
}

/// The range of a whole section: header and lines up to the next header that is not below it. Comments directly above
/// that next header belong to it.
pub fn section(text: &str, document: &Document<'_>, header: Span) -> Option<Span> {
    let at = document.headers.binary_search_by_key(&header.start, |h| h.span.start).ok()?;
    let keys = &document.headers[at].keys;
    let is_below = |other: &[Key<'_>]| {
        other.len() > keys.len() && other.iter().zip(keys).all(|(other, key)| other.name == key.name)
    };
    let next = (at + 1..document.headers.len()).find(|i| !is_below(&document.headers[*i].keys));
    Some(Span::new(line_start(text, header.start), section_end(text, document, next)))
}

/// The ranges of all sections whose dotted key starts with `first`, those behind one another as one range.
pub fn sections(text: &str, document: &Document<'_>, first: &str) -> Vec<Span> {
    let mut ranges = Vec::new();
    let mut start = None;
    for (i, header) in document.headers.iter().enumerate() {
        let ours = header.keys.first().is_some_and(|key| key.name == first);
        match start {
            None if ours => start = Some(line_start(text, header.span.start)),
            Some(from) if !ours => {
                ranges.push(Span::new(from, section_end(text, document, Some(i))));
                start = None;
            }
            _ => {}
        }
    }
    ranges.extend(start.map(|from| Span::new(from, text.len())));
    ranges
}

/// Where the lines in front of the header at `next` end: above the comments that stand directly above it.
fn section_end(text: &str, document: &Document<'_>, next: Option<usize>) -> usize {
    let Some(header) = next.and_then(|next| document.headers.get(next)) else { return text.len() };
    comments_above(text, &document.comments, line_start(text, header.span.start))
}

/// The start of the lines directly above `end`, the start of a line, that hold nothing but a comment.
fn comments_above(text: &str, comments: &[Span], mut end: usize) -> usize {
    while end > 0 {
        let above = line_start(text, end - 1);
        let line = text.get(above..end).unwrap_or_default();
        let lead = line.len() - line.trim_start_matches([' ', '\t', '\u{FEFF}']).len();
        if !comment_at(comments, above + lead) {
            break;
        }
        end = above;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, diagnostic::Diagnostic, fix::apply_edits};

    const REST: &str = "\n[[entrypoints.tools]]\nid = \"acme.t\"\nname = \"T\"\ndescription = \"T.\"\ninput_schema = {}\n\
        output_schema = {}\n\n[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n";

    /// Turns the opt-in of the one wildcard in `fragment` on.
    fn opted_in(fragment: &str) -> String {
        let head = "skill_id = \"acme.s\"\nname = \"S\"\nversion = \"1.0.0\"\npublisher = \"acme\"\n";
        let mut text = format!("{head}{fragment}\n{REST}");
        if fragment.contains('\r') {
            text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        let of = |d: &&Diagnostic| d.rule.code == "wildcard/not-opted-in";
        let before = crate::analyze(&text, &Options::default());
        let found = before.diagnostics.iter().find(of).unwrap_or_else(|| panic!("not found in\n{text}"));
        let fix =
            found.fixes.iter().find(|fix| fix.title.starts_with("Set")).unwrap_or_else(|| panic!("no fix:\n{text}"));
        let fixed = apply_edits(&text, &fix.edits);
        let after = crate::analyze(&fixed, &Options::default());
        assert!(after.daemon.accepts, "{:?}\n{fixed}", after.diagnostics);
        assert!(!after.diagnostics.iter().any(|d| of(&d)), "{fixed}");
        if fragment.contains('\r') {
            assert_eq!(fixed.matches('\n').count(), fixed.matches("\r\n").count(), "{fixed:?}");
        }
        let start = head.len() + head.matches('\n').count() * usize::from(fragment.contains('\r'));
        let behind = text.len() - start - fragment.len();
        let kept = fixed.get(start..fixed.len().saturating_sub(behind)).unwrap_or_default().to_owned();
        if kept.is_empty() { fixed } else { kept }
    }

    /// What stands in the text for a part of what a string says.
    fn written_for(string: &str, part: &str) -> String {
        let text = format!("a = {string}\n");
        let document = Document::parse(&text);
        let node = &document.root.get("a").unwrap().value;
        let at = node.as_str().unwrap().find(part).unwrap();
        inside(&text, node, at..at + part.len()).of(&text).to_owned()
    }

    #[test]
    fn a_part_of_a_string_has_its_place() {
        for (string, part, expected) in [
            ("\"a/../b\"", "..", ".."),
            ("'a/../b'", "..", ".."),
            ("\"\\u0061/../b\"", "..", ".."),
            ("\"a/.\\x2e/b\"", "..", ".\\x2e"),
            ("\"a\\\\b c\"", " ", " "),
            ("\"a\\\\b c\"", "\\", "\\\\"),
            ("\"a\\tb\"", "\tb", "\\tb"),
            ("\"\"\"\na\\\\b ü..\"\"\"", "..", ".."),
            ("\"\"\"\r\na\\tü..\"\"\"", "..", ".."),
            ("\"\"\"a\\\n   b..\"\"\"", "ab", "a\\\n   b"),
            ("'''\n\n..'''", "\n.", "\n."),
            ("\"\\u00fc\"", "", ""),
        ] {
            assert_eq!(written_for(string, part), expected, "{string}");
        }
    }

    #[test]
    fn the_first_key_goes_below_a_licence() {
        for (text, expected) in [
            ("", "k = 1\n"),
            ("\u{FEFF}", "\u{FEFF}k = 1\n"),
            ("[a]\n", "k = 1\n\n[a]\n"),
            ("\n[a]\n", "k = 1\n\n[a]\n"),
            ("# of a\n[a]\n", "k = 1\n\n# of a\n[a]\n"),
            ("# c\r\n\r\n[a]\r\n", "# c\r\n\r\nk = 1\r\n\r\n[a]\r\n"),
            ("\u{FEFF}# c\n# d\n\n\n# of a\n[a]\n", "\u{FEFF}# c\n# d\n\n\nk = 1\n\n# of a\n[a]\n"),
            ("# c\n", "k = 1\n\n# c\n"),
            ("# c", "k = 1\n\n# c"),
        ] {
            let edit = add_key(text, &Document::parse(text).root, "k", "1").unwrap();
            assert_eq!(apply_edits(text, &[edit]), expected, "{text:?}");
        }
    }

    #[test]
    fn opting_in_adds_a_section() {
        let expected =
            "[capabilities]\ndevice_capabilities = [\"a.*\"]\n\n[capabilities.wildcard_opt_in]\ndevice = true";
        assert_eq!(opted_in("[capabilities]\ndevice_capabilities = [\"a.*\"]"), expected);
        assert_eq!(opted_in("[capabilities]\r\ndevice_capabilities = [\"a.*\"]"), expected.replace('\n', "\r\n"));
        // Known only by a header below it; a comment of what follows stays with that.
        assert_eq!(
            opted_in("[capabilities.filesystem]\nwrite_roots = [\n  \"*\", # all\n] # roots\n\n# next\n[operator]"),
            "[capabilities.filesystem]\nwrite_roots = [\n  \"*\", # all\n] # roots\n\n[capabilities.wildcard_opt_in]\n\
             filesystem = true\n\n# next\n[operator]"
        );
        // Behind the last of an array of tables.
        assert_eq!(
            opted_in("[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"k*\"]"),
            "[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"k*\"]\n\n[capabilities.wildcard_opt_in]\n\
             secrets = true"
        );
    }

    #[test]
    fn opting_in_uses_the_section_that_is_there() {
        for (was, is) in [
            ("[capabilities.wildcard_opt_in]", "[capabilities.wildcard_opt_in]\nnode = true"),
            ("[capabilities.wildcard_opt_in] # c", "[capabilities.wildcard_opt_in] # c\nnode = true"),
            (
                "[capabilities.wildcard_opt_in]\ndevice = false # c",
                "[capabilities.wildcard_opt_in]\ndevice = false # c\nnode = true",
            ),
            ("[capabilities.wildcard_opt_in]\nnode = false # c", "[capabilities.wildcard_opt_in]\nnode = true # c"),
        ] {
            let list = "[capabilities]\nnode_capabilities = [\"*\"]\n\n";
            assert_eq!(opted_in(&format!("{list}{was}")), format!("{list}{is}"));
        }
    }

    #[test]
    fn opting_in_keeps_dotted_and_inline_tables() {
        for (was, is) in [
            (
                "capabilities.node_capabilities = [\"*\"] # c",
                "capabilities.node_capabilities = [\"*\"] # c\ncapabilities.wildcard_opt_in = { node = true }",
            ),
            (
                "capabilities.filesystem.write_roots = [\"*\"]",
                "capabilities.filesystem.write_roots = [\"*\"]\ncapabilities.wildcard_opt_in = { filesystem = true }",
            ),
            (
                "capabilities.wildcard_opt_in.device = false\ncapabilities.node_capabilities = [\"*\"]",
                "capabilities.wildcard_opt_in.device = false\ncapabilities.wildcard_opt_in.node = true\n\
                 capabilities.node_capabilities = [\"*\"]",
            ),
            (
                "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in.device = false",
                "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in.device = false\nwildcard_opt_in.node = true",
            ),
            (
                "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in = {}",
                "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in = { node = true }",
            ),
            (
                "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in = { device = false, }",
                "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in = { device = false, node = true, }",
            ),
            (
                "capabilities = { node_capabilities = [\"*\"] }",
                "capabilities = { node_capabilities = [\"*\"], wildcard_opt_in = { node = true } }",
            ),
            (
                "capabilities = { wildcard_opt_in.device = false, node_capabilities = [\"*\"] }",
                "capabilities = { wildcard_opt_in.device = false, wildcard_opt_in.node = true, node_capabilities = [\"*\"] }",
            ),
            (
                "capabilities = {\n  node_capabilities = [\"*\"] # last\n}",
                "capabilities = {\n  node_capabilities = [\"*\"],\n  wildcard_opt_in = { node = true } # last\n}",
            ),
            (
                "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in = {\n  # none yet\n}",
                "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in = {\n  # none yet\nnode = true }",
            ),
            (
                "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in = [false, false, false, false, false]",
                "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in = [false, false, false, false, true]",
            ),
        ] {
            assert_eq!(opted_in(was), is);
        }
    }

    #[test]
    fn a_list_keeps_its_layout() {
        for (was, is) in [
            ("[X]", "[]"),
            ("[X, 1]", "[1]"),
            ("[1, X]", "[1]"),
            ("[1, X, ]", "[1, ]"),
            ("[\n  X, # x\n  1,\n]", "[\n  # x\n  1,\n]"),
            ("[\n  X,\n  1,\n]", "[\n  1,\n]"),
            ("[\n  1, # one\n  X # x\n]", "[\n  1, # one\n   # x\n]"),
            ("[\n  X\n  , 1\n]", "[\n  1\n]"),
            ("[\n  X # x,\n  , 1\n]", "[\n  1\n]"),
            ("[\n  X\n  ,\n  1\n]", "[\n  1\n]"),
        ] {
            let text = format!("a = {was}");
            let at = text.find('X').unwrap();
            let edit = remove_listed(&text, &Document::parse(&text).comments, Span::new(at, at + 1));
            assert_eq!(apply_edits(&text, &[edit]), format!("a = {is}"), "{was}");
        }
    }

    #[test]
    fn a_comma_in_a_comment_is_no_comma() {
        let list = "[\"a\", # first,\n \"a\"]";
        let text = format!("[capabilities]\nnode_capabilities = {list}\n");
        let found = crate::analyze(&text, &Options::default());
        let fixes: Vec<_> = found
            .diagnostics
            .iter()
            .flat_map(|diagnostic| &diagnostic.fixes)
            .map(|fix| apply_edits(&text, &fix.edits))
            .filter(|fixed| fixed.contains("node_capabilities = [") && !fixed.contains(list))
            .collect();
        assert_eq!(fixes, [text.replace(list, "[\"a\", # first,\n ]")]);
    }

    #[test]
    fn a_line_of_a_string_is_no_comment() {
        let text = "[a]\nx = '''\n# in a string'''\n# of b\n[b]\n";
        let document = Document::parse(text);
        let edit = add_section(text, &document, "[a.c]", &["y = 1".to_owned()]);
        assert_eq!(apply_edits(text, &[edit]), "[a]\nx = '''\n# in a string'''\n\n[a.c]\ny = 1\n# of b\n[b]\n");
        let text = "[a]\nx = '''\n# in a string'''\n[b]\n";
        let document = Document::parse(text);
        let first = section(text, &document, document.headers[0].span).unwrap();
        assert_eq!(first.of(text), "[a]\nx = '''\n# in a string'''\n");
        assert_eq!(sections(text, &document, "b").iter().map(|span| span.of(text)).collect::<Vec<_>>(), ["[b]\n"]);
    }

    #[test]
    fn a_section_goes_above_those_below_it() {
        let after = |text: &str| {
            let edit = add_section(text, &Document::parse(text), "[b]", &["y = 1".to_owned()]);
            apply_edits(text, &[edit])
        };
        assert_eq!(
            after("x = 1\n\n# of b.c\n# more\n[b.c]\nz = 1\n[b.d]\n"),
            "x = 1\n\n[b]\ny = 1\n\n# of b.c\n# more\n[b.c]\nz = 1\n[b.d]\n"
        );
        assert_eq!(after("[[b.c]]\r\nz = 1\r\n"), "[b]\r\ny = 1\r\n\r\n[[b.c]]\r\nz = 1\r\n");
        // What the file begins with stays there.
        assert_eq!(after("# all\n[b.c]\n"), "# all\n[b]\ny = 1\n\n[b.c]\n");
        assert_eq!(after("x = '''\n# no comment'''\n[b.c]\n"), "x = '''\n# no comment'''\n[b]\ny = 1\n\n[b.c]\n");
        // Those of another name are none of it.
        assert_eq!(after("[bc.d]\n"), "[bc.d]\n\n[b]\ny = 1\n");
    }

    #[test]
    fn sections_leave_the_comments_of_others() {
        let text = "[a]\nx = 1\n\n# of b\n[b.c]\ny = 1\n\n[[b.d]]\n# in d\nz = 1\n\n# of e\n[e]\n[b]\n";
        let document = Document::parse(text);
        let ranges: Vec<&str> = sections(text, &document, "b").iter().map(|span| span.of(text)).collect();
        assert_eq!(ranges, ["[b.c]\ny = 1\n\n[[b.d]]\n# in d\nz = 1\n\n", "[b]\n"]);
        let of = |i: usize| section(text, &document, document.headers[i].span).unwrap().of(text);
        assert_eq!(of(0), "[a]\nx = 1\n\n");
        assert_eq!(of(2), "[[b.d]]\n# in d\nz = 1\n\n");
    }
}
