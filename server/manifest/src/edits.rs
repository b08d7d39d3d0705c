//! Edits that keep the layout: made from places in the text, never by printing the document anew.

use std::ops::Range;

use crate::{
    diagnostic::TextEdit,
    document::{Document, Field, Node, NodeKind, Origin, Table, dotted, string},
    text::Span,
};

/// A replacement.
pub(crate) fn replace(span: Span, text: impl Into<String>) -> TextEdit {
    TextEdit { span, text: text.into() }
}

/// An insertion.
pub(crate) fn insert(at: usize, text: impl Into<String>) -> TextEdit {
    replace(Span::at(at), text)
}

/// Replaces what a string says, and keeps its quotes where the new text allows.
pub(crate) fn set_string(text: &str, span: Span, value: &str) -> TextEdit {
    let raw = span.of(text);
    let plain = !value.contains(['"', '\'', '\\']) && !value.chars().any(char::is_control);
    let quote = ["\"\"\"", "'''"].into_iter().find(|quote| raw.starts_with(quote)).unwrap_or(match raw.get(..1) {
        Some("'") => "'",
        _ => "\"",
    });
    let new = if plain { format!("{quote}{value}{quote}") } else { string(value) };
    replace(span, new)
}

/// The place in the text of a range of what a string says; the whole string where escapes hide it.
pub(crate) fn inside(text: &str, node: &Node<'_>, range: Range<usize>) -> Span {
    let NodeKind::String(value) = &node.kind else { return node.span };
    let raw = node.span.of(text);
    let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    let body = raw.get(quotes..raw.len().saturating_sub(quotes)).unwrap_or_default();
    // A line end directly behind the opening quotes of a multi-line string is not part of what it says.
    let skipped = body.len().saturating_sub(value.len());
    let verbatim = body.ends_with(value.as_ref()) && matches!(body.get(..skipped), Some("" | "\n" | "\r\n"));
    if !verbatim || range.end > value.len() {
        return node.span;
    }
    let start = node.span.start + quotes + skipped;
    Span::new(start + range.start, start + range.end)
}

/// The line end that the text uses.
pub(crate) fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(i) if text.get(..i).is_some_and(|before| before.ends_with('\r')) => "\r\n",
        _ => "\n",
    }
}

/// The end of the line that holds `offset`, in front of its line end.
pub(crate) fn line_end(text: &str, offset: usize) -> usize {
    let rest = text.get(offset..).unwrap_or_default();
    let end = rest.find('\n').map_or(text.len(), |i| offset + i);
    if text.get(offset..end).is_some_and(|line| line.ends_with('\r')) { end - 1 } else { end }
}

/// The start of the line that holds `offset`.
pub(crate) fn line_start(text: &str, offset: usize) -> usize {
    text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1)
}

/// Adds `key = value` to a table behind its last own key. `None` where it has no lines of its own.
pub(crate) fn add_key(text: &str, table: &Table<'_>, key: &str, value: &str) -> Option<TextEdit> {
    let at = table.insert_at?;
    let entry = format!("{}{key} = {value}", table.prefix);
    if table.origin == Origin::Inline {
        let body = text.get(..at)?;
        let kept = body.trim_end().len();
        let empty = body.get(..kept)?.ends_with('{');
        let comma = if empty || body.get(..kept)?.ends_with(',') { "" } else { "," };
        let close = if at > kept || empty { " " } else { "" };
        return Some(replace(Span::new(kept, at), format!("{comma} {entry}{close}")));
    }
    if at == 0 || (at <= 3 && text.get(..at) == Some("\u{FEFF}")) {
        return Some(insert(at, format!("{entry}{}", newline(text))));
    }
    let at = line_end(text, at);
    Some(insert(at, format!("{}{entry}", newline(text))))
}

/// Adds a section, `[a.b]` with its lines, behind the last section that shares its first key, or at the end.
pub(crate) fn add_section(text: &str, document: &Document<'_>, header: &str, lines: &[String]) -> TextEdit {
    let newline = newline(text);
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
                seen += line.len();
                let line = line.trim();
                if !line.is_empty() && (!line.starts_with('#') || i + 1 == document.headers.len()) {
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

/// Removes a key with its value: its whole lines, or the entry with its comma in an inline table.
pub(crate) fn remove_field(text: &str, field: &Field<'_>, siblings: &Table<'_>) -> TextEdit {
    if siblings.origin == Origin::Inline || siblings.insert_at.is_none() && siblings.origin == Origin::Dotted {
        return remove_listed(text, field.entry);
    }
    remove_lines(text, field.entry)
}

/// Removes the whole lines of a range, with a comment behind it.
pub(crate) fn remove_lines(text: &str, span: Span) -> TextEdit {
    let start = line_start(text, span.start);
    let end = text.get(span.end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |i| span.end + i + 1);
    replace(Span::new(start, end), "")
}

/// Removes an element of a list in brackets, with one comma beside it and the space between.
pub(crate) fn remove_listed(text: &str, span: Span) -> TextEdit {
    let after = text.get(span.end..).unwrap_or_default();
    let gap = after.len() - after.trim_start_matches([' ', '\t', '\n', '\r']).len();
    if after.get(gap..).is_some_and(|rest| rest.starts_with(',')) {
        let behind = after.get(gap + 1..).unwrap_or_default();
        // Keep a comment behind the comma and the indentation of the next line.
        let space = behind.len() - behind.trim_start_matches([' ', '\t']).len();
        let line_ends = behind.get(space..).is_none_or(|rest| rest.starts_with(['\n', '\r']) || rest.is_empty());
        // Looks at white space only, so that a long line of many elements takes no quadratic time.
        let lead = text.get(..span.start).unwrap_or_default().trim_end_matches([' ', '\t']);
        let own_line = lead.is_empty() || lead.ends_with('\n');
        if own_line && line_ends {
            return remove_lines(text, span);
        }
        let space = if line_ends { 0 } else { space };
        return replace(Span::new(span.start, span.end + gap + 1 + space), "");
    }
    // The last one: the comma in front goes.
    let before = text.get(..span.start).unwrap_or_default();
    let kept = before.trim_end();
    let start = if kept.ends_with(',') { kept.len() - 1 } else { span.start };
    replace(Span::new(start, span.end), "")
}

/// The range of a whole section: header and lines up to the next header that is not below it.
pub(crate) fn section(text: &str, document: &Document<'_>, header: Span) -> Option<Span> {
    let at = document.headers.iter().position(|h| h.span == header)?;
    let path = dotted(&document.headers[at].keys);
    let below = format!("{path}.");
    let next = document.headers.iter().skip(at + 1).find(|h| !dotted(&h.keys).starts_with(&below));
    let start = line_start(text, header.start);
    let end = next.map_or(text.len(), |next| line_start(text, next.span.start));
    Some(Span::new(start, end))
}
