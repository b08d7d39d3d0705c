//! What of a manifest can be folded away.

use skillyard_manifest::{
    LineIndex, Span, plain,
    syntax::{Entry, Item, Value, ValueKind},
};

use crate::{
    sections::{sections, stands_alone},
    source::{Meaning, Source},
};

/// A range that can be folded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fold {
    /// What is hidden: from behind the header, the opening bracket or the first line of comments to the end, in front of
    /// a closing bracket. Always over a line end.
    pub span: Span,
    /// What it is.
    pub kind: FoldKind,
    /// What to show in place of what is hidden; on one line, escaped.
    pub collapsed: Option<String>,
}

/// What is folded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FoldKind {
    /// Lines of comments.
    Comment,
    /// What stands between `#region` and `#endregion`.
    Region,
    /// A section, with those of the tables in its own that follow it.
    Section,
    /// A tool with its sections.
    Tool,
    /// A list.
    Array,
    /// A table in braces.
    Table,
    /// A string of several lines.
    Text,
}

impl Fold {
    /// The first and the last line, from 0, for a client that folds whole lines: the first stays in sight, and so does
    /// the one with a closing bracket. `None` where no line would go.
    #[must_use]
    pub fn lines(&self, text: &str, index: &LineIndex) -> Option<(usize, usize)> {
        let first = index.line_of(self.span.start);
        let last = index.line_of(self.span.end);
        let before = Span::new(index.line_span(last).start.min(self.span.end), self.span.end).of(text);
        let last = if before.trim().is_empty() { last.checked_sub(1)? } else { last };
        (last > first).then_some((first, last))
    }
}

/// What can be folded, in the order of where it starts, the larger first.
#[must_use]
pub fn folding(source: &Source<'_>) -> Vec<Fold> {
    let mut folds = Vec::new();
    of_sections(source, &mut folds);
    for item in &source.tree.items {
        if let Item::Entry(entry) = item {
            of_entry(source.text, entry, &mut folds);
        }
    }
    of_comments(source, &mut folds);
    folds.retain(|fold| fold.span.of(source.text).contains(['\n', '\r']));
    folds.sort_by_key(|fold| (fold.span.start, usize::MAX - fold.span.end));
    folds
}

fn of_sections(source: &Source<'_>, folds: &mut Vec<Fold>) {
    for section in sections(source) {
        let Some(header) = source.tree.items.get(section.item).map(Item::span) else { continue };
        let tool = section.path.as_ref().filter(
            |path| matches!(source.meaning(path), Meaning::Table(shape) if shape.path == "entrypoints.tools[]"),
        );
        let kind = if tool.is_some() { FoldKind::Tool } else { FoldKind::Section };
        let id = tool.and_then(|path| source.table(path)?.get("id")?.value.as_str());
        let collapsed = id.filter(|id| !id.trim().is_empty()).map(|id| format!("… {}", plain(id.trim())));
        folds.push(Fold { span: Span::new(header.end, section.reach.end.max(header.end)), kind, collapsed });
    }
}

/// Values nest no deeper than the syntax tree lets them.
fn of_entry(text: &str, entry: &Entry<'_>, folds: &mut Vec<Fold>) {
    of_value(text, &entry.value, folds);
}

fn of_value(text: &str, value: &Value<'_>, folds: &mut Vec<Fold>) {
    let raw = value.span.of(text);
    let (kind, opening, closing, items) = match &value.kind {
        ValueKind::Array(items) => {
            items.iter().for_each(|item| of_value(text, item, folds));
            (FoldKind::Array, "[", "]", Some(items.len()))
        }
        ValueKind::Table(entries) => {
            entries.iter().for_each(|entry| of_entry(text, entry, folds));
            (FoldKind::Table, "{", "}", Some(entries.len()))
        }
        ValueKind::String(_) | ValueKind::Invalid if raw.starts_with("\"\"\"") => {
            (FoldKind::Text, "\"\"\"", "\"\"\"", None)
        }
        ValueKind::String(_) | ValueKind::Invalid if raw.starts_with("'''") => (FoldKind::Text, "'''", "'''", None),
        _ => return,
    };
    let start = value.span.start + opening.len();
    let closed = raw.len() >= opening.len() + closing.len() && raw.ends_with(closing);
    let end = if closed { value.span.end - closing.len() } else { value.span.end };
    let collapsed = items.map(|items| format!("… {items} {}", if items == 1 { "item" } else { "items" }));
    folds.push(Fold { span: Span::new(start.min(end), end), kind, collapsed });
}

/// What a comment says about folding.
enum Mark {
    Opens,
    Closes,
    None,
}

fn mark(comment: &str) -> Mark {
    let said = comment.trim_start_matches('#').trim_start();
    let is = |word: &str| said.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()));
    match said {
        _ if is("region") => Mark::Opens,
        _ if is("endregion") => Mark::Closes,
        _ => Mark::None,
    }
}

fn of_comments(source: &Source<'_>, folds: &mut Vec<Fold>) {
    let mut regions: Vec<Span> = Vec::new();
    // First and last comment of the run at hand.
    let mut run: Option<(Span, Span)> = None;
    let mut end = |run: Option<(Span, Span)>| {
        if let Some((first, last)) = run.filter(|(first, last)| first != last) {
            folds.push(Fold { span: Span::new(first.end, last.end), kind: FoldKind::Comment, collapsed: None });
        }
    };
    let mut closed = Vec::new();
    for comment in &source.document.comments {
        if !stands_alone(source, *comment) {
            end(run.take());
            continue;
        }
        match mark(comment.of(source.text)) {
            Mark::Opens => {
                end(run.take());
                regions.push(*comment);
            }
            Mark::Closes => {
                end(run.take());
                if let Some(open) = regions.pop() {
                    closed.push(Fold {
                        span: Span::new(open.end, comment.end),
                        kind: FoldKind::Region,
                        collapsed: None,
                    });
                }
            }
            Mark::None => {
                let next = |last: Span| {
                    let gap = source.text.get(last.end..comment.start).unwrap_or_default();
                    gap.trim().is_empty() && matches!(gap.trim_matches([' ', '\t']), "\n" | "\r\n" | "\r")
                };
                run = match run {
                    Some((first, last)) if next(last) => Some((first, *comment)),
                    other => {
                        end(other);
                        Some((*comment, *comment))
                    }
                };
            }
        }
    }
    end(run);
    folds.extend(closed);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, first and last line (from 1) and what is shown instead.
    fn found(text: &str) -> Vec<String> {
        let index = LineIndex::new(text);
        let source = Source::new(text);
        let folds = folding(&source).into_iter().filter_map(|fold| {
            let (first, last) = fold.lines(text, &index)?;
            let shown = fold.collapsed.map(|shown| format!(" {shown}")).unwrap_or_default();
            Some(format!("{:?} {}-{}{shown}", fold.kind, first + 1, last + 1))
        });
        folds.collect()
    }

    #[test]
    fn sections_fold_with_what_is_below_them() {
        let text = "name = \"x\"\n[[entrypoints.tools]]\nid = \"acme.a\"\n[entrypoints.tools.risk]\nrequires_approval = true\n\n\
                    [[entrypoints.tools]]\nid = \"\"\n# its end\n\n# of compat\n[compat]\n[operator]\nname = 1\n\n\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            assert_eq!(found(&text), ["Tool 2-5 … acme.a", "Section 4-5", "Tool 7-9", "Section 13-14"], "{text:?}");
        }
    }

    #[test]
    fn values_fold_between_their_brackets() {
        let text = "a = [\n  1,\n  2,\n]\nb = [1,\n  2]\nc = {\n  d = [\n    1\n  ]\n}\ne = \"\"\"\nx\ny\"\"\"\nf = [1, 2]\ng = '''x'''\n\
                    h = [\n";
        assert_eq!(
            found(text),
            ["Array 1-3 … 2 items", "Array 5-6 … 2 items", "Table 7-10 … 1 item", "Array 8-9 … 1 item", "Text 12-14",]
        );
        let whole: Vec<_> = folding(&Source::new(text)).iter().map(|fold| fold.span.of(text)).collect();
        assert_eq!(whole.first(), Some(&"\n  1,\n  2,\n"));
    }

    #[test]
    fn comments_fold_by_blocks_and_regions() {
        let text = "# a\n# b\n\n# c\nx = 1 # d\n# e\n  # f\n# region of it\n# g\n# h\ny = [\n  # i\n  # j\n]\n#endregion\n# endregions\n\
                    # k\n#endregion\n";
        assert_eq!(
            found(text),
            [
                "Comment 1-2",
                "Comment 6-7",
                "Region 8-15",
                "Comment 9-10",
                "Array 11-13 … 0 items",
                "Comment 12-13",
                "Comment 16-17"
            ]
        );
    }
}
