//! A list in alphabetical order, where its order means nothing. Comments stay with their elements.

use std::cmp::Ordering;

use skillyard_manifest::{
    Span, TextEdit, edits,
    shape::Type,
    syntax::{Entry, Item, Value, ValueKind},
};

use super::{Asked, Offer, REWRITE, Refactoring, Resolved, broken, data_of, has_comments, path_of, shown};
use crate::{Facts, Meaning, Path, Source, Step};

pub(super) static SORT_LIST: Refactoring =
    Refactoring { id: "sort_list", kind: REWRITE, title: "Sort the list", offer, resolve };

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    let Some(place) = &asked.place else { return };
    let source = asked.source;
    // The list at the cursor, or the one around the element there.
    let mut path = place.mention.path.clone();
    while let Some(Step::Index(_)) = path.0.last() {
        path.0.pop();
    }
    let Some(list) = value_at(source, &path) else { return };
    let Some(order) = sorted(source, &path, list) else { return };
    if order.iter().enumerate().all(|(at, index)| at == *index) {
        return;
    }
    let disabled = broken(source).or_else(|| cells(source, list).err().map(str::to_owned));
    offers.push(Offer {
        id: SORT_LIST.id,
        title: format!("Sort {}", shown(&path)),
        kind: SORT_LIST.kind,
        data: data_of(&path),
        disabled,
        about_file: false,
    });
}

fn resolve(source: &Source<'_>, data: &str, _: &Facts) -> Option<Resolved> {
    if broken(source).is_some() {
        return None;
    }
    let path = path_of(data)?;
    let list = value_at(source, &path)?;
    let order = sorted(source, &path, list)?;
    let cells = cells(source, list).ok()?;
    let text = source.text;
    let commas = cells.iter().all(|cell| cell.comma);
    let last = order.len().checked_sub(1)?;
    let mut edits = Vec::new();
    for (at, index) in order.iter().enumerate() {
        let (slot, cell) = (cells.get(at)?, cells.get(*index)?);
        let mut new = cell.span.of(text).to_owned();
        if cell.own_lines {
            // The last one has a comma only where it had one.
            let behind = cell.element.end - cell.span.start;
            match (cell.comma, at < last || commas) {
                (true, false) => new.replace_range(behind..=behind, ""),
                (false, true) => new.insert(behind, ','),
                _ => {}
            }
        }
        if new != slot.span.of(text) {
            edits.push(TextEdit { span: slot.span, text: new });
        }
    }
    Some(Resolved::of(edits))
}

/// The value that an entry gives the key at `path`, where that is written as one.
pub(super) fn value_at<'s, 't>(source: &'s Source<'t>, path: &Path<'_>) -> Option<&'s Value<'t>> {
    let span = source.node(path)?.span;
    let item = source.item_at(span.start)?;
    match source.tree.items.get(item)? {
        Item::Entry(entry) => inside(entry, span),
        _ => None,
    }
}

fn inside<'s, 't>(entry: &'s Entry<'t>, span: Span) -> Option<&'s Value<'t>> {
    let mut value = &entry.value;
    while value.span != span {
        value = match &value.kind {
            ValueKind::Array(items) => {
                items.iter().find(|item| item.span.start <= span.start && span.end <= item.span.end)?
            }
            ValueKind::Table(entries) => {
                &entries.iter().find(|entry| entry.span.start <= span.start && span.end <= entry.span.end)?.value
            }
            _ => return None,
        };
    }
    Some(value)
}

/// The elements in their order: for each place the index of the element that belongs there. `None` for a list whose order
/// means something, and for one that is no list of strings or of scopes.
fn sorted(source: &Source<'_>, path: &Path<'_>, list: &Value<'_>) -> Option<Vec<usize>> {
    let ValueKind::Array(items) = &list.kind else { return None };
    let text = |value: &Value<'_>| match &value.kind {
        ValueKind::String(text) => Some(text.to_string()),
        _ => None,
    };
    let keys: Option<Vec<String>> = match source.meaning(path) {
        Meaning::Key(_, key) => match key.ty {
            Type::Strings => items.iter().map(text).collect(),
            // Secrets, by their scopes.
            Type::Tables(shape) if shape.path == "capabilities.secrets[]" => items
                .iter()
                .map(|item| match &item.kind {
                    ValueKind::Table(entries) => {
                        let of = |entry: &&Entry<'_>| matches!(entry.keys.as_slice(), [key] if key.name == "scope");
                        text(&entries.iter().find(of)?.value)
                    }
                    _ => None,
                })
                .collect(),
            _ => None,
        },
        Meaning::InSchema(_, steps) if is_set(path, steps) => items.iter().map(text).collect(),
        _ => None,
    };
    let keys = keys.filter(|keys| keys.len() > 1)?;
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|a, b| compare(keys.get(*a), keys.get(*b)));
    Some(order)
}

/// Whether the keyword at the end of a path into a schema takes a set: a list whose order means nothing. What is not
/// below keywords that hold schemas only is a value like any other.
fn is_set(path: &Path<'_>, steps: usize) -> bool {
    let Some(inner) = path.0.len().checked_sub(steps).and_then(|start| path.0.get(start..)) else { return false };
    let Some((Step::Key(last), above)) = inner.split_last() else { return false };
    let Some(kind) = super::extract_schema::leads_to(above) else { return false };
    match last.as_ref() {
        "required" | "enum" | "type" => kind == super::extract_schema::Kind::Schema,
        _ => kind == super::extract_schema::Kind::Names,
    }
}

/// By letters whatever their case, then by case.
fn compare(a: Option<&String>, b: Option<&String>) -> Ordering {
    let folded = |text: Option<&String>| text.map(|text| text.trim().to_lowercase());
    folded(a).cmp(&folded(b)).then_with(|| a.cmp(&b))
}

/// What moves with an element.
struct Cell {
    /// All of it: the element, or its lines with the comments above and behind.
    span: Span,
    /// The element.
    element: Span,
    /// Whether it has lines of its own, with the comma in them.
    own_lines: bool,
    /// Whether a comma follows.
    comma: bool,
}

/// What moves with each element; why nothing can, where comments belong to none of them.
fn cells(source: &Source<'_>, list: &Value<'_>) -> Result<Vec<Cell>, &'static str> {
    const SHARED: &str = "its comments cannot be told apart: give each element a line of its own";
    let ValueKind::Array(items) = &list.kind else { return Err("it is no list") };
    let text = source.text;
    let spans: Vec<Span> = items.iter().map(|item| item.span).collect();
    if !has_comments(source, list.span, &spans) {
        return Ok(spans.iter().map(|&span| Cell { span, element: span, own_lines: false, comma: true }).collect());
    }
    // The lines of each element go together, with the comments above them.
    let mut cells = Vec::with_capacity(spans.len());
    let mut at = edits::line_end(text, list.span.start);
    for element in spans {
        let rest = text.get(element.end..).unwrap_or_default();
        let comma = rest.starts_with(',');
        let end = edits::line_end(text, element.end);
        let behind = text.get(element.end + usize::from(comma)..end).unwrap_or_default().trim_start();
        let starts_line = text.get(edits::line_start(text, element.start)..element.start).unwrap_or_default();
        let ends_line = behind.is_empty() || behind.starts_with('#');
        if at >= element.start || !starts_line.trim().is_empty() || !ends_line {
            return Err(SHARED);
        }
        // Comments above it, and the line end in front of them, unless a blank line keeps them from it.
        let mut start = edits::line_start(text, element.start);
        while start > at + 2 {
            let above = edits::line_start(text, start - 1);
            let line = text.get(above..start).unwrap_or_default().trim();
            if above <= at || !line.starts_with('#') {
                break;
            }
            start = above;
        }
        cells.push(Cell { span: Span::new(start, end), element, own_lines: true, comma });
        at = end;
    }
    // A comma on the next line belongs to none of these lines.
    let split = cells.len().saturating_sub(1);
    if cells.iter().take(split).any(|cell| !cell.comma) {
        return Err(SHARED);
    }
    if cells.last().is_some_and(|cell| {
        let rest = text.get(cell.span.end..list.span.end).unwrap_or_default();
        !cell.comma && rest.lines().any(|line| line.trim_start().starts_with(','))
    }) {
        return Err(SHARED);
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{after, hindered, offers},
        *,
    };

    fn sorted_tags(list: &str) -> String {
        after("sort_list", &format!("operator.tags$0 = {list}\n")).replace("operator.tags = ", "")
    }

    #[test]
    fn elements_change_places() {
        assert_eq!(sorted_tags("[\"b\",'a' , \"B\"]"), "['a',\"B\" , \"b\"]\n");
        assert_eq!(sorted_tags("[\n  \"b\", \"c\",\n  \"a\"\n]"), "[\n  \"a\", \"b\",\n  \"c\"\n]\n");
    }

    #[test]
    fn comments_stay_with_their_elements() {
        assert_eq!(
            sorted_tags("[ # all\n  # of b\n  # too\n  \"b\", # b\n\n  # of a\n  \"a\"\n  # end\n]"),
            "[ # all\n  # of a\n  \"a\",\n\n  # of b\n  # too\n  \"b\" # b\n  # end\n]\n"
        );
        assert_eq!(
            sorted_tags("[\n  # a list\n\n  \"b\", # b\n  \"a\",\n]"),
            "[\n  # a list\n\n  \"a\",\n  \"b\", # b\n]\n"
        );
        assert_eq!(sorted_tags("[\r\n  \"b\", # b\r\n  \"a\"\r\n]"), "[\r\n  \"a\",\r\n  \"b\" # b\r\n]\n");
    }

    #[test]
    fn comments_that_belong_to_none_hinder() {
        for list in [
            "[ # all\n  \"b\", \"a\",\n]",
            "[\n  \"b\" # b\n  , \"a\"\n]",
            "[\"b\", # b\n  \"a\"]",
            "[\n  \"b\",\n  \"a\" # a\n  ,\n]",
        ] {
            assert!(hindered("sort_list", &format!("operator.tags$0 = {list}\n")).contains("comments"), "{list}");
        }
    }

    #[test]
    fn only_sets_are_sorted() {
        let schema = |rest: &str| format!("[[entrypoints.tools]]\n[entrypoints.tools.input_schema]\n{rest}\n");
        let is_offered = |text: &str| !offers("sort_list", text, &Facts::default()).is_empty();
        for text in [
            "capabilities.http_egress_allowlist = [\"b\", $0\"a\"]",
            "[[capabilities.secrets]]\nkey_names = [\"b\"$0, \"a\"]",
            "capabilities.secrets = [{ scope$0 = \"skill:a\" }, { scope = \"global\" }]$0",
            "operator.config.properties.x.enum_values = [$0\"b\", \"a\"]",
            &schema("required = [\"b\"$0, \"a\"]"),
            &schema("properties.x.items.enum = [\"b\"$0, \"a\"]"),
            &schema("dependentRequired.x = [\"b\"$0, \"a\"]"),
        ] {
            // The second mark shows that the offer is for the list as a whole.
            let text = if text.matches("$0").count() == 2 { text.replacen("$0", "", 1) } else { text.to_owned() };
            assert!(is_offered(&text), "{text}");
        }
        for text in [
            "operator.tags = [\"a\", $0\"b\"]",
            "operator.tags = [\"b\", $0 1]",
            "operator.config.properties.x.default = [\"b\", $0\"a\"]",
            "compat = [\"b\"$0, \"a\"]",
            "unknown = [\"b\", $0\"a\"]",
            &schema("examples = [\"b\"$0, \"a\"]"),
            &schema("default.required = [\"b\"$0, \"a\"]"),
            &schema("properties.required = [\"b\"$0, \"a\"]"),
        ] {
            assert!(!is_offered(text), "{text}");
        }
    }
}
