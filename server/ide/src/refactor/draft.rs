//! A text taken apart into sections and lines with their comments and blank lines, to be put together in another way.
//!
//! What comes of it is edits that leave alone whatever stays in its order: a section that moves is taken out in one place
//! and put in at another, and nothing between is touched.

use skillyard_manifest::{
    Span, TextEdit,
    document::{Document, Node, NodeKind, Table},
    edits,
    syntax::Item,
};

use crate::{Path, Source};

/// A run of text in a draft.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// As it stands in the text.
    Old(Span),
    /// Not there yet.
    New(String),
}

/// An entry or a header with the comments above it, or comments alone.
#[derive(Clone, Debug)]
pub(crate) struct Block<'t> {
    /// The item of the tree; `None` for comments alone and for what is new.
    pub item: Option<usize>,
    /// The blank lines in front.
    pub gap: &'t str,
    /// The comment lines above, with the blank lines between them, up to the line of the item.
    pub lead: Span,
    /// The item's line or lines with the comment behind it, without the line end.
    pub parts: Vec<Part>,
    /// The line end behind it; empty at the end of a text that has none there.
    pub eol: &'t str,
    /// Whether it is the first of its text.
    first: bool,
}

/// A header with the entries below it; the first has no header.
#[derive(Clone, Debug)]
pub(crate) struct Section<'t> {
    /// The path of its table.
    pub path: Path<'t>,
    /// The line of its header; `None` for the top level.
    pub header: Option<Block<'t>>,
    /// Its entries.
    pub entries: Vec<Block<'t>>,
    /// Comments behind the last entry that belong to what is above.
    pub tail: Option<Block<'t>>,
}

/// A text taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'t> {
    text: &'t str,
    newline: &'static str,
    /// What stays at the top: the byte order mark, comments that a blank line keeps from what follows.
    head: Span,
    /// The sections.
    pub sections: Vec<Section<'t>>,
    /// What stays at the end: blank lines and comments behind a blank line.
    foot: Span,
    /// Replacements within what is old; without overlap.
    splices: Vec<TextEdit>,
}

impl<'t> Draft<'t> {
    /// Takes apart a text without syntax errors.
    pub fn new(source: &Source<'t>) -> Self {
        let text = source.text;
        let items = &source.tree.items;
        let start = if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
        let mut draft = Self {
            text,
            newline: edits::newline(text),
            head: Span::new(0, start),
            sections: vec![Section { path: Path::default(), header: None, entries: Vec::new(), tail: None }],
            foot: Span::at(text.len()),
            splices: Vec::new(),
        };
        // Where the lines of the item before end.
        let mut at = start;
        for (index, item) in items.iter().enumerate() {
            let span = item.span();
            let line = edits::line_start(text, span.start).max(at);
            let first = index == 0;
            let mut above = Span::new(at, line);
            if first {
                above.start = head_end(text, above);
                draft.head.end = above.start;
            }
            let is_header = matches!(item, Item::Header(_));
            if is_header && !first {
                above.start = draft.take_tail(above);
            }
            let (gap, lead) = gap_and_lead(text, above);
            let end = edits::line_end(text, span.end);
            let eol = line_break(text, end);
            let block =
                Block { item: Some(index), gap, lead, parts: vec![Part::Old(Span::new(line, end))], eol, first };
            if is_header {
                let path = source.table_of(index);
                draft.sections.push(Section { path, header: Some(block), entries: Vec::new(), tail: None });
            } else if let Some(section) = draft.sections.last_mut() {
                section.entries.push(block);
            }
            at = end + eol.len();
        }
        if items.is_empty() {
            draft.head.end = text.len();
        } else {
            draft.foot.start = draft.take_tail(Span::new(at, text.len()));
        }
        draft
    }

    /// Gives the comments directly at the start of `between` to the last section, where a blank line (or the end of the
    /// text) keeps them from what follows; where the rest starts.
    fn take_tail(&mut self, between: Span) -> usize {
        let mut end = between.start;
        for line in between.of(self.text).split_inclusive('\n') {
            if !line.trim_start().starts_with('#') {
                break;
            }
            end += line.len();
        }
        let comments = Span::new(between.start, end).of(self.text);
        let for_the_next = end == between.end && end < self.text.len() || is_instruction(comments);
        if comments.is_empty() || for_the_next {
            return between.start;
        }
        let content = Span::new(between.start, between.start + comments.trim_end_matches(['\r', '\n']).len());
        let eol = line_break(self.text, content.end);
        let tail = Block {
            item: None,
            gap: "",
            lead: Span::at(content.start),
            parts: vec![Part::Old(content)],
            eol,
            first: false,
        };
        if let Some(section) = self.sections.last_mut() {
            section.tail = Some(tail);
        }
        end
    }

    /// The line end to write.
    pub fn newline(&self) -> &'static str {
        self.newline
    }

    /// A block that is new.
    pub fn block(&self, text: String) -> Block<'t> {
        self.block_of(vec![Part::New(text)])
    }

    /// A block of these parts.
    pub fn block_of(&self, parts: Vec<Part>) -> Block<'t> {
        Block { item: None, gap: "", lead: Span::default(), parts, eol: self.newline, first: false }
    }

    /// A section that is new, behind a blank line.
    pub fn section(&self, path: Path<'t>, header: String) -> Section<'t> {
        let mut header = self.block(header);
        header.gap = self.newline;
        Section { path, header: Some(header), entries: Vec::new(), tail: None }
    }

    /// The section and the place in it of an item of the tree: `None` in place of the entry's index for a header.
    pub fn find(&self, item: usize) -> Option<(usize, Option<usize>)> {
        let of = |block: &Block<'_>| block.item == Some(item);
        self.sections.iter().enumerate().find_map(|(at, section)| {
            if section.header.as_ref().is_some_and(of) {
                return Some((at, None));
            }
            Some((at, Some(section.entries.iter().position(of)?)))
        })
    }

    /// The section of the header with this path.
    pub fn section_at(&self, path: &Path<'_>) -> Option<usize> {
        self.sections
            .iter()
            .position(|section| (section.header.is_some() || path.0.is_empty()) && section.path == *path)
    }

    /// Replaces a range of what is old, wherever that goes.
    pub fn splice(&mut self, edit: TextEdit) {
        let at = self.splices.partition_point(|other| other.span <= edit.span);
        self.splices.insert(at, edit);
    }

    /// The text as parts.
    fn parts(&self) -> Vec<Part> {
        let mut out = Vec::new();
        let mut put = |part: Part| match part {
            Part::Old(span) => self.put_old(span, &mut out),
            Part::New(text) => out.push(Part::New(text)),
        };
        put(Part::Old(self.head));
        let blocks: Vec<(&Block<'t>, bool)> = self
            .sections
            .iter()
            .flat_map(|section| {
                let header = section.header.iter().map(|block| (block, true));
                header.chain(section.entries.iter().chain(&section.tail).map(|block| (block, false)))
            })
            .collect();
        for (index, (block, is_header)) in blocks.iter().enumerate() {
            if index > 0 {
                // What stood at the top has no blank line in front yet.
                let gap = if block.first && *is_header { self.newline } else { block.gap };
                put(Part::New(gap.to_owned()));
            }
            put(Part::Old(block.lead));
            block.parts.iter().for_each(|part| put(part.clone()));
            let last = index + 1 == blocks.len();
            if !last || self.text.ends_with('\n') || !self.foot.is_empty() {
                put(Part::New(if block.eol.is_empty() { self.newline } else { block.eol }.to_owned()));
            }
        }
        put(Part::Old(self.foot));
        out
    }

    /// What is old, with the splices in it.
    fn put_old(&self, span: Span, out: &mut Vec<Part>) {
        if span.is_empty() {
            return;
        }
        let mut at = span.start;
        let from = self.splices.partition_point(|splice| splice.span.start < span.start);
        for splice in self.splices.iter().skip(from).take_while(|splice| splice.span.end <= span.end) {
            if splice.span.start < at {
                continue;
            }
            if splice.span.start > at {
                out.push(Part::Old(Span::new(at, splice.span.start)));
            }
            out.push(Part::New(splice.text.clone()));
            at = splice.span.end;
        }
        if at < span.end {
            out.push(Part::Old(Span::new(at, span.end)));
        }
    }

    /// The edits that make the text what the draft is, few and small, sorted and without overlap.
    pub fn edits(&self) -> Vec<TextEdit> {
        between(self.text, &self.parts())
    }

    /// The edits, where the text that they make reads well and means what `source` means.
    pub fn edits_with_same_meaning(&self, source: &Source<'_>) -> Option<Vec<TextEdit>> {
        let edits = self.edits();
        let text = skillyard_manifest::fix::apply_edits(self.text, &edits);
        let document = Document::parse(&text);
        let reads = document.errors.is_empty() && document.broken.is_empty();
        (reads && same_table(source.text, &source.document.root, &text, &document.root)).then_some(edits)
    }
}

/// Where what stays at the top of the file ends: behind the last blank line in front of the first item, and behind the
/// first lines that speak to tools about the whole file.
fn head_end(text: &str, above: Span) -> usize {
    let mut end = above.start;
    let mut at = above.start;
    for line in above.of(text).split_inclusive('\n') {
        at += line.len();
        let comment = line.trim();
        if comment.is_empty() || (end + line.len() == at && (comment.starts_with("#:") || comment.starts_with("#!"))) {
            let kept = Span::new(end, at).of(text);
            if !is_instruction(kept) {
                end = at;
            }
        }
    }
    end
}

/// Whether comments speak about the key that follows them.
fn is_instruction(comments: &str) -> bool {
    comments.lines().any(|line| {
        let line = line.trim_start_matches(['#', ' ', '\t']);
        line.strip_prefix("skillyard:").is_some_and(|rest| !rest.trim_start().starts_with("allow-file"))
    })
}

/// The blank lines at the start of a range of blank lines and comments, and the rest of it.
fn gap_and_lead(text: &str, above: Span) -> (&str, Span) {
    let mut end = above.start;
    for line in above.of(text).split_inclusive('\n') {
        if !line.trim().is_empty() {
            break;
        }
        end += line.len();
    }
    (Span::new(above.start, end).of(text), Span::new(end, above.end))
}

fn line_break(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    match rest.strip_prefix('\r').unwrap_or(rest).strip_prefix('\n') {
        Some(behind) => rest.get(..rest.len() - behind.len()).unwrap_or_default(),
        None => "",
    }
}

/// The edits that make `text` the concatenation of `parts`. What stays in its order is not touched.
fn between(text: &str, parts: &[Part]) -> Vec<TextEdit> {
    let kept = in_order(parts);
    let mut edits = Vec::new();
    let mut new = String::new();
    let mut at = 0;
    let mut replace = |span: Span, new: &str| {
        let old = span.of(text);
        if old != new {
            edits.push(trimmed(span, old, new));
        }
    };
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Old(span) if kept.binary_search(&index).is_ok() => {
                replace(Span::new(at, span.start), &new);
                new.clear();
                at = span.end;
            }
            Part::Old(span) => new.push_str(span.of(text)),
            Part::New(added) => new.push_str(added),
        }
    }
    replace(Span::new(at, text.len()), &new);
    edits
}

/// A replacement without what is the same at both ends. No line end is cut in two.
fn trimmed(span: Span, old: &str, new: &str) -> TextEdit {
    let same = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
    };
    let mut front = same(&mut old.chars().zip(new.chars()));
    if old.get(..front).is_some_and(|kept| kept.ends_with('\r')) {
        front -= 1;
    }
    let (old_rest, new_rest) = (old.get(front..).unwrap_or_default(), new.get(front..).unwrap_or_default());
    let mut back = same(&mut old_rest.chars().rev().zip(new_rest.chars().rev()));
    // A line feed whose carriage return is not kept is not kept either.
    if old_rest.get(old_rest.len() - back..).is_some_and(|kept| kept.starts_with('\n')) {
        back -= 1;
    }
    TextEdit {
        span: Span::new(span.start + front, span.end - back),
        text: new_rest.get(..new_rest.len() - back).unwrap_or_default().to_owned(),
    }
}

/// The indices of as many old parts as can stay where they are: the longest run of rising places.
fn in_order(parts: &[Part]) -> Vec<usize> {
    // The index of the last part of the best run of each length, and for each part the one before it in its run.
    let mut ends: Vec<(usize, usize)> = Vec::new();
    let mut before = vec![None; parts.len()];
    for (index, part) in parts.iter().enumerate() {
        let Part::Old(span) = part else { continue };
        let length = ends.partition_point(|(start, _)| *start < span.start);
        if let Some(slot) = before.get_mut(index) {
            *slot = length.checked_sub(1).and_then(|last| ends.get(last)).map(|(_, index)| *index);
        }
        match ends.get_mut(length) {
            Some(end) => *end = (span.start, index),
            None => ends.push((span.start, index)),
        }
    }
    let mut run = Vec::with_capacity(ends.len());
    let mut at = ends.last().map(|(_, index)| *index);
    while let Some(index) = at {
        run.push(index);
        at = before.get(index).copied().flatten();
    }
    run.reverse();
    run
}

/// Whether two tables of two texts say the same, in whatever order and spelling of their keys.
fn same_table(a_text: &str, a: &Table<'_>, b_text: &str, b: &Table<'_>) -> bool {
    a.fields.len() == b.fields.len()
        && (&a.fields)
            .into_iter()
            .all(|(key, field)| b.get(key).is_some_and(|other| same(a_text, &field.value, b_text, &other.value)))
}

/// Whether two values of two texts say the same. Recurses as deep as they nest.
pub(crate) fn same(a_text: &str, a: &Node<'_>, b_text: &str, b: &Node<'_>) -> bool {
    match (&a.kind, &b.kind) {
        (NodeKind::String(a), NodeKind::String(b)) => a == b,
        (NodeKind::Integer(a), NodeKind::Integer(b)) => a == b,
        (NodeKind::Float(a), NodeKind::Float(b)) => a.to_bits() == b.to_bits(),
        (NodeKind::Boolean(a), NodeKind::Boolean(b)) => a == b,
        (NodeKind::DateTime, NodeKind::DateTime) => a.span.of(a_text) == b.span.of(b_text),
        (NodeKind::Array(a), NodeKind::Array(b)) => {
            a.items.len() == b.items.len() && a.items.iter().zip(&b.items).all(|(a, b)| same(a_text, a, b_text, b))
        }
        (NodeKind::Table(a), NodeKind::Table(b)) => same_table(a_text, a, b_text, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use skillyard_manifest::fix::apply_edits;

    use super::*;

    #[test]
    fn a_text_is_put_together_as_it_was() {
        for text in [
            "",
            "# only\n",
            "a = 1",
            "\u{FEFF}# h\n\n\n# l\na = 1 # b\n\n# t\n\n# of s\n\n[s] # c\n\n# in s\nx = [\n 1,\n]\n# tail\n\n# foot\n\n",
            "a = 1\r\n\r\n[b]\r\nc = 2\r\n# x",
            "a = 1\n[b]\r\n\n  c = 2  \n",
            "[a]\n# t\n[b]\n# skillyard: allow(x/y): z\n\n[c]\n",
        ] {
            let source = Source::new(text);
            let draft = Draft::new(&source);
            assert_eq!(draft.edits(), [], "{text:?}");
            assert_eq!(draft.edits_with_same_meaning(&source), Some(Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn edits_that_change_the_meaning_are_not_given() {
        let source = Source::new("[a]\nx = 1\n[b]\ny = 2\n");
        let mut draft = Draft::new(&source);
        let moved = draft.sections[1].entries.remove(0);
        draft.sections[2].entries.push(moved);
        assert_eq!(apply_edits(source.text, &draft.edits()), "[a]\n[b]\ny = 2\nx = 1\n");
        assert_eq!(draft.edits_with_same_meaning(&source), None);
    }

    #[test]
    fn no_line_end_is_cut() {
        for (old, new) in
            [("a\r\nb", "a\nb"), ("a\nb", "a\r\nb"), ("x\r\n", "y\r\n"), ("\u{E9}", "\u{E8}"), ("aa", "a")]
        {
            let edit = trimmed(Span::new(0, old.len()), old, new);
            let inside = |at: usize| old[..at].ends_with('\r') && old[at..].starts_with('\n');
            assert!(!inside(edit.span.start) && !inside(edit.span.end), "{old:?} {edit:?}");
            assert_eq!(apply_edits(old, &[edit]), new);
        }
    }
}
