//! What a selection grows to, step by step: from a word to the whole file.

use skillyard_manifest::{
    Span, edits,
    syntax::{Entry, Item, Key, Value, ValueKind},
};

use crate::{
    sections::{above, sections, stands_alone},
    source::Source,
};

/// The ranges around `offset` that mean something, the smallest first, each within the next and smaller than it; the last
/// one is the whole text.
#[must_use]
pub fn selection(source: &Source<'_>, offset: usize) -> Vec<Span> {
    let mut offset = offset.min(source.text.len());
    while !source.text.is_char_boundary(offset) {
        offset -= 1;
    }
    // From the largest to the smallest; what does not fit is left out below.
    let mut around = Around { text: source.text, offset, spans: vec![Span::new(0, source.text.len())] };
    for section in sections(source) {
        let with_comments = Span::new(section.lead, section.reach.end);
        [with_comments, section.reach, section.whole, section.own].into_iter().for_each(|span| around.add(span));
    }
    around.comments_and_items(source);
    let mut grown = around.spans;
    grown.reverse();
    grown
}

/// What was found around a place, each range within the one before.
struct Around<'t> {
    text: &'t str,
    offset: usize,
    spans: Vec<Span>,
}

impl Around<'_> {
    fn add(&mut self, span: Span) {
        let Some(last) = self.spans.last() else { return };
        let inside = last.start <= span.start && span.end <= last.end && span != *last;
        if inside && span.touches(self.offset) && !span.is_empty() {
            self.spans.push(span);
        }
    }

    fn comments_and_items(&mut self, source: &Source<'_>) {
        let comments = &source.document.comments;
        let at = comments.partition_point(|comment| comment.start <= self.offset);
        let comment = at.checked_sub(1).and_then(|at| comments.get(at)).copied();
        let comment = comment.filter(|comment| comment.touches(self.offset));
        let item = match (source.item_at(self.offset), comment) {
            // One that is in the item, or behind it on its line.
            (Some(item), _) => Some(item),
            (None, Some(comment)) => beside(source, comment),
            (None, None) => None,
        };
        if let Some(item) = item {
            self.add(block(source, item));
            self.item(source, item);
        }
        if let Some(comment) = comment {
            self.add(comments_around(source, comment));
            self.add(comment);
            let said = comment.of(self.text).trim_start_matches('#').trim_start();
            self.add(Span::new(comment.end - said.len(), comment.end));
            self.word(comment);
        }
    }

    fn item(&mut self, source: &Source<'_>, at: usize) {
        let Some(item) = source.tree.items.get(at) else { return };
        let span = item.span();
        // With the comment behind it.
        let end = edits::line_end(self.text, span.end);
        self.add(Span::new(span.start, self.text.get(..end).map_or(end, |text| text.trim_end().len()).max(span.end)));
        match item {
            Item::Header(header) => {
                self.add(header.span);
                self.keys(&header.keys);
            }
            Item::Entry(entry) => self.entry(entry),
            Item::Garbage(span) => {
                self.add(*span);
                self.word(*span);
            }
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        self.add(entry.span);
        let in_key = entry.keys.iter().any(|key| key.span.touches(self.offset));
        if in_key {
            self.keys(&entry.keys);
        } else if entry.value.span.touches(self.offset) {
            self.value(&entry.value);
        }
    }

    fn keys(&mut self, keys: &[Key<'_>]) {
        if let Some((first, last)) = keys.first().zip(keys.last()) {
            self.add(first.span.to(last.span));
        }
        if let Some(key) = keys.iter().rev().find(|key| key.span.touches(self.offset)) {
            self.add(key.span);
            self.quoted(key.span);
        }
    }

    /// Values nest no deeper than the syntax tree lets them.
    fn value(&mut self, value: &Value<'_>) {
        self.add(value.span);
        match &value.kind {
            ValueKind::Missing => {}
            ValueKind::Array(items) => {
                self.content(value.span, "[", "]");
                if let Some(item) = items.iter().rev().find(|item| item.span.touches(self.offset)) {
                    self.value(item);
                }
            }
            ValueKind::Table(entries) => {
                self.content(value.span, "{", "}");
                if let Some(entry) = entries.iter().rev().find(|entry| entry.span.touches(self.offset)) {
                    self.entry(entry);
                }
            }
            _ => self.quoted(value.span),
        }
    }

    /// What stands between brackets, without white space around.
    fn content(&mut self, span: Span, opening: &str, closing: &str) {
        let raw = span.of(self.text);
        let Some(content) = raw.strip_prefix(opening) else { return };
        let content = content.strip_suffix(closing).unwrap_or(content);
        let start = span.start + opening.len();
        self.add(Span::new(start, start + content.len()));
        let blank = content.len() - content.trim_start().len();
        self.add(Span::new(start + blank, start + blank + content.trim().len()));
    }

    /// What stands between quotes, and the word in it.
    fn quoted(&mut self, span: Span) {
        let raw = span.of(self.text);
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| raw.starts_with(quote)).unwrap_or_default();
        let content = raw.strip_prefix(quote).unwrap_or(raw);
        let content = content.strip_suffix(quote).unwrap_or(content);
        let start = span.start + quote.len();
        let span = Span::new(start, start + content.len());
        self.add(span);
        self.word(span);
    }

    /// The word that the place is in or at: a part of an id, a path or a sentence.
    fn word(&mut self, within: Span) {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if !within.touches(self.offset) {
            return;
        }
        let before = Span::new(within.start, self.offset).of(self.text);
        let behind = Span::new(self.offset, within.end).of(self.text);
        let start = self.offset - (before.len() - before.trim_end_matches(is_word).len());
        let end = self.offset + (behind.len() - behind.trim_start_matches(is_word).len());
        self.add(Span::new(start, end));
    }
}

/// Whether a blank line stands in what is between two things.
fn has_blank_line(gap: &str) -> bool {
    let mut lines = gap.split('\n');
    // What ends the first line and starts the last is no line of its own.
    lines.next();
    lines.next_back();
    lines.any(|line| line.trim().is_empty())
}

/// The entries around the one at `item` without a blank line between them, with the comments above; a header alone.
fn block(source: &Source<'_>, item: usize) -> Span {
    let items = &source.tree.items;
    let span = |at: usize| items.get(at).map_or(Span::at(0), Item::span);
    let is_entry = |at: usize| matches!(items.get(at), Some(Item::Entry(_)));
    let joined = |first: usize, second: usize| {
        let gap = source.text.get(span(first).end..span(second).start).unwrap_or_default();
        is_entry(first) && is_entry(second) && !has_blank_line(gap)
    };
    let (mut first, mut last) = (item, item);
    while first.checked_sub(1).is_some_and(|before| joined(before, first)) {
        first -= 1;
    }
    while last + 1 < items.len() && joined(last, last + 1) {
        last += 1;
    }
    let end = edits::line_end(source.text, span(last).end);
    let end = source.text.get(..end).map_or(end, |text| text.trim_end().len());
    if is_entry(item) { Span::new(above(source, span(first).start), end.max(span(last).end)) } else { span(item) }
}

/// The item that a comment stands above or behind without a blank line between, if there is one.
fn beside(source: &Source<'_>, comment: Span) -> Option<usize> {
    let items = &source.tree.items;
    let next = items.partition_point(|item| item.span().start < comment.start);
    if !stands_alone(source, comment) {
        return next.checked_sub(1);
    }
    let after = items.get(next)?.span().start;
    let gap = source.text.get(comment.end..after)?;
    (matches!(items.get(next), Some(Item::Entry(_))) && !has_blank_line(gap)).then_some(next)
}

/// The lines of comments around one that has a line for itself.
fn comments_around(source: &Source<'_>, comment: Span) -> Span {
    if !stands_alone(source, comment) {
        return comment;
    }
    let comments = &source.document.comments;
    let at = comments.partition_point(|other| other.start < comment.start);
    let start = above(source, comment.start);
    let mut end = comment.end;
    for next in comments.get(at + 1..).unwrap_or_default() {
        let gap = source.text.get(end..next.start).unwrap_or_default();
        if !gap.trim().is_empty() || has_blank_line(gap) {
            break;
        }
        end = next.end;
    }
    let lead = source.text.get(start..comment.start).map_or(0, |text| text.len() - text.trim_start().len());
    Span::new(start + lead, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::cursor;

    fn grown(text: &str) -> Vec<String> {
        let (text, offset) = cursor(text);
        selection(&Source::new(&text), offset).into_iter().map(|span| span.of(&text).to_owned()).collect()
    }

    #[test]
    fn a_selection_grows_from_a_word_to_the_file() {
        let tool = "[[entrypoints.tools]]\n# its name\nname = \"A\"\nid = \"acme.we$0ather.today\" # c\n\ndescription = \"x\"\n\
                    [entrypoints.tools.risk]\n";
        let plain = tool.replace("$0", "");
        assert_eq!(
            grown(&format!("# file\n{tool}\n[compat]\n")),
            [
                "weather",
                "acme.weather.today",
                "\"acme.weather.today\"",
                "id = \"acme.weather.today\"",
                "id = \"acme.weather.today\" # c",
                "# its name\nname = \"A\"\nid = \"acme.weather.today\" # c",
                plain.trim_end().trim_end_matches("[entrypoints.tools.risk]").trim_end(),
                plain.trim_end(),
                &format!("# file\n{}", plain.trim_end()),
                &format!("# file\n{plain}\n[compat]\n"),
            ]
        );
    }

    #[test]
    fn lists_and_tables_grow_by_what_is_in_them() {
        assert_eq!(
            grown("a = [\n  \"x y$0\",\n  { b.'c d' = 1 },\n]"),
            [
                "y",
                "x y",
                "\"x y\"",
                "\"x y\",\n  { b.'c d' = 1 },",
                "\n  \"x y\",\n  { b.'c d' = 1 },\n",
                "[\n  \"x y\",\n  { b.'c d' = 1 },\n]",
                "a = [\n  \"x y\",\n  { b.'c d' = 1 },\n]"
            ]
        );
        assert_eq!(
            grown("a = [{ b.'c $0d' = 1 }]"),
            [
                "d",
                "c d",
                "'c d'",
                "b.'c d'",
                "b.'c d' = 1",
                " b.'c d' = 1 ",
                "{ b.'c d' = 1 }",
                "[{ b.'c d' = 1 }]",
                "a = [{ b.'c d' = 1 }]"
            ]
        );
        assert_eq!(grown("[a.$0b]"), ["b", "a.b", "[a.b]"]);
        assert_eq!(grown("a = 12$03"), ["123", "a = 123"]);
    }

    #[test]
    fn comments_grow_by_themselves_and_with_what_they_stand_above() {
        assert_eq!(
            grown("x = 1\n\n# one wo$0rd\n# two\na = 1\nb = 2\n\nc = 3\n"),
            [
                "word",
                "one word",
                "# one word",
                "# one word\n# two",
                "# one word\n# two\na = 1\nb = 2",
                "x = 1\n\n# one word\n# two\na = 1\nb = 2\n\nc = 3\n"
            ]
        );
        assert_eq!(grown("a = 1 # wo$0rd"), ["word", "# word", "a = 1 # word"]);
        assert_eq!(grown("a = 1\n\n# wo$0rd\n[b]"), ["word", "# word", "# word\n[b]", "a = 1\n\n# word\n[b]"]);
        assert_eq!(grown("a = 1\n$0\n\n"), ["a = 1\n\n\n"]);
        assert_eq!(grown("$0"), [""]);
    }
}
