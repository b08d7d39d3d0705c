//! Headers with all that stands below them in one piece: what an outline, a fold and a growing selection rest on.

use std::collections::HashMap;

use skillyard_manifest::{
    Span, edits,
    syntax::{Item, TokenKind},
};

use crate::source::{Path, Source};

/// A header with its lines, and with the sections right behind it that are of tables within its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Section<'t> {
    /// The index of the header in the tree.
    pub item: usize,
    /// The path of its table; `None` where it could not be read.
    pub path: Option<Path<'t>>,
    /// The section around it, by its place in the list.
    pub parent: Option<usize>,
    /// Where the comments directly above the header start, or its line.
    pub lead: usize,
    /// From the header to the last thing of its own.
    pub own: Span,
    /// From the header to the last thing of the sections in it.
    pub whole: Span,
    /// [`Section::whole`] with the comments behind it that do not stand directly above the next header.
    pub reach: Span,
}

/// The sections in the order of the text.
pub(crate) fn sections<'t>(source: &Source<'t>) -> Vec<Section<'t>> {
    let mut sections: Vec<Section<'t>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (item, it) in source.tree.items.iter().enumerate() {
        let span = it.span();
        let Item::Header(header) = it else {
            if let Some(section) = open.last().and_then(|at| sections.get_mut(*at)) {
                section.own = section.own.to(span);
            }
            continue;
        };
        let readable = !header.cut && !header.keys.is_empty();
        let path = readable.then(|| source.table_of(item));
        let lead = above(source, span.start);
        while let Some(&last) = open.last() {
            let holds = sections.get(last).is_some_and(|section| within(section.path.as_ref(), path.as_ref()));
            if holds {
                break;
            }
            open.pop();
            close(&mut sections, last, source.text, lead);
        }
        let parent = open.last().copied();
        open.push(sections.len());
        sections.push(Section { item, path, parent, lead, own: span, whole: span, reach: span });
    }
    while let Some(last) = open.pop() {
        close(&mut sections, last, source.text, source.text.len());
    }
    sections
}

/// Whether a table lies within another one.
fn within(outer: Option<&Path<'_>>, inner: Option<&Path<'_>>) -> bool {
    outer.zip(inner).is_some_and(|(outer, inner)| inner.0.len() > outer.0.len() && inner.0.starts_with(&outer.0))
}

/// Ends a section in front of `end`, and lets the one around it hold it.
fn close(sections: &mut [Section<'_>], at: usize, text: &str, end: usize) {
    let Some(section) = sections.get_mut(at) else { return };
    section.whole = section.whole.to(section.own);
    let last = text.get(..end).map_or(0, |text| text.trim_end().len());
    section.reach = Span::new(section.own.start, last.max(section.whole.end));
    let (whole, parent) = (section.whole, section.parent);
    if let Some(parent) = parent.and_then(|parent| sections.get_mut(parent)) {
        parent.whole = parent.whole.to(whole);
    }
}

/// The start of the line of what starts at `at`, or of the comments that stand directly above that line.
pub(crate) fn above(source: &Source<'_>, at: usize) -> usize {
    let mut start = edits::line_start(source.text, at);
    while let Some(comment) = comment_above(source, start) {
        start = edits::line_start(source.text, comment.start);
    }
    start
}

/// The comment that has the line above the one that starts at `line` for itself.
fn comment_above(source: &Source<'_>, line: usize) -> Option<Span> {
    let before = source.text.get(..line.checked_sub(1)?)?;
    let end = before.strip_suffix('\r').unwrap_or(before).len();
    let comments = &source.document.comments;
    let at = comments.partition_point(|comment| comment.start < end).checked_sub(1)?;
    let comment = *comments.get(at)?;
    (comment.end == end && stands_alone(source, comment)).then_some(comment)
}

/// Whether nothing else stands on the line of a comment.
pub(crate) fn stands_alone(source: &Source<'_>, comment: Span) -> bool {
    let tokens = &source.tree.tokens;
    let before = tokens.partition_point(|token| token.span().start < comment.start);
    let mut before = tokens.get(..before).unwrap_or_default().iter().rev();
    before.find(|token| token.kind != TokenKind::Whitespace).is_none_or(|token| token.kind == TokenKind::Newline)
}

/// Where tables with a header stand, by their paths.
pub(crate) struct Places<'s, 't> {
    source: &'s Source<'t>,
    sections: HashMap<Path<'t>, Span>,
}

impl<'s, 't> Places<'s, 't> {
    pub(crate) fn of(source: &'s Source<'t>) -> Self {
        let mut places = HashMap::new();
        for section in sections(source) {
            if let Some(path) = section.path {
                places.entry(path).or_insert(section.whole);
            }
        }
        Self { source, sections: places }
    }

    /// The range of what is at `path` with all that belongs to it: its section, its entry or its element.
    pub(crate) fn extent(&self, path: &Path<'_>) -> Option<Span> {
        if path.0.is_empty() {
            return Some(Span::new(0, self.source.text.len()));
        }
        let section = self.sections.get(path).copied();
        section
            .or_else(|| self.source.field(path).map(|field| field.entry))
            .or_else(|| self.source.node(path).map(|node| node.span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a = 1\n# of b\n[b]\nx = 1\n# in b\n\n# of c\n[b.c]\ny = \"\"\"\n# z\"\"\"\n[d]\n[b.e]\n[[t]]\n[t.u]\n# last\n\n[[t]]\n# end\n";

    #[test]
    fn sections_hold_what_follows_in_one_piece() {
        let source = Source::new(TEXT);
        let found: Vec<_> = sections(&source)
            .into_iter()
            .map(|section| {
                let path = section.path.map(|path| path.to_string()).unwrap_or_default();
                (path, section.own.of(TEXT), section.whole.of(TEXT), section.reach.of(TEXT), section.parent)
            })
            .collect();
        let b = "[b]\nx = 1\n# in b\n\n# of c\n[b.c]\ny = \"\"\"\n# z\"\"\"";
        let c = "[b.c]\ny = \"\"\"\n# z\"\"\"";
        let expected = [
            ("b", "[b]\nx = 1", b, b, None),
            ("b.c", c, c, c, Some(0)),
            ("d", "[d]", "[d]", "[d]", None),
            ("b.e", "[b.e]", "[b.e]", "[b.e]", None),
            ("t[0]", "[[t]]", "[[t]]\n[t.u]", "[[t]]\n[t.u]\n# last", None),
            ("t[0].u", "[t.u]", "[t.u]", "[t.u]\n# last", Some(4)),
            ("t[1]", "[[t]]", "[[t]]", "[[t]]\n# end", None),
        ];
        let found: Vec<_> =
            found.iter().map(|(path, own, whole, reach, at)| (path.as_str(), *own, *whole, *reach, *at)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_header_that_cannot_be_read_holds_nothing() {
        let source = Source::new("[a]\n[\n[a.b]\n[a.]\n");
        let found: Vec<_> =
            sections(&source).into_iter().map(|section| (section.path.is_some(), section.parent)).collect();
        assert_eq!(found, [(true, None), (false, None), (true, None), (false, None)]);
    }
}
