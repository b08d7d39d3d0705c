//! Refactorings: code actions that change how a manifest is written, or add to it, without anything being wrong.
//!
//! One table, [`REFACTORINGS`], says what there is. [`offer`] looks at a place and says which apply there, cheaply: it is
//! asked with every move of a cursor. [`resolve`] makes the edits of one when a person picks it.
//!
//! What only changes the spelling is checked before it is given away: the new text is read again, and edits that would
//! change what the manifest says are not given.

mod add_capability;
mod add_tool;
mod draft;
mod extract_schema;
mod narrow_wildcard;
mod organize_file;
mod schema_from_example;
mod sort_list;
mod to_dotted;
mod to_inline;
mod to_section;
mod upgrade_version;

use std::{borrow::Cow, ptr};

use serde_json::Value;
use skillyard_manifest::{Span, TextEdit, shape::ROOT, syntax::Item};

use crate::{Facts, Path, Place, Source, Step};

use draft::same;
pub(crate) use draft::{Draft, Part};
pub use schema_from_example::{SchemaError, Side, schema_edits, schema_of};

/// The kind of what writes the same, or more, in another way.
pub const REWRITE: &str = "refactor.rewrite";
/// The kind of what gives a part of its own to what repeats.
pub const EXTRACT: &str = "refactor.extract";
/// The kind of what writes a table within another.
pub const INLINE: &str = "refactor.inline";
/// The kind of what puts the whole file in order.
pub const ORGANIZE: &str = "source.organizeManifest";

/// One refactoring: an entry of [`REFACTORINGS`].
#[derive(Debug)]
pub struct Refactoring {
    /// What [`resolve`] finds it by: lower case with `_`.
    pub id: &'static str,
    /// Its kind in the words of the language server protocol.
    pub kind: &'static str,
    /// What it does in general. An [`Offer`] has a title of its own that names what it is about.
    pub title: &'static str,
    /// Adds what it has to offer at a place.
    offer: fn(&Asked<'_, '_, '_>, &mut Vec<Offer>),
    /// Makes the edits of an offer from its data.
    resolve: fn(&Source<'_>, &str, &Facts) -> Option<Resolved>,
}

/// All refactorings, in the order in which they are offered.
pub static REFACTORINGS: &[&Refactoring] = &[
    &narrow_wildcard::NARROW_WILDCARD,
    &upgrade_version::UPGRADE_VERSION,
    &sort_list::SORT_LIST,
    &to_section::TO_SECTION,
    &to_inline::TO_INLINE,
    &to_dotted::TO_DOTTED,
    &extract_schema::EXTRACT_SCHEMA,
    &schema_from_example::SCHEMA_FROM_EXAMPLE,
    &add_tool::ADD_TOOL,
    &add_capability::ADD_CAPABILITY,
    &organize_file::ORGANIZE_FILE,
];

/// A refactoring that applies at a place, or that a person would expect to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The id of the [`Refactoring`].
    pub id: &'static str,
    /// What it would do here, in the imperative and on one line. Text from the file in it is escaped.
    pub title: String,
    /// The kind of the [`Refactoring`].
    pub kind: &'static str,
    /// What [`resolve`] finds the place by: short, to be handed back as it is.
    pub data: String,
    /// Why it cannot be done here, for a person to read; `None` where it can.
    pub disabled: Option<String>,
    /// Whether it is about the file and not about the place: for a list that a person asks for, not for the mark that
    /// an editor shows wherever the cursor goes.
    pub about_file: bool,
}

/// The edits of an offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// The edits, sorted by place and without overlap. None at all where nothing is to be done.
    pub edits: Vec<TextEdit>,
    /// What to select afterwards, in the new text: where a person goes on typing.
    pub select: Option<Span>,
}

impl Resolved {
    fn of(edits: Vec<TextEdit>) -> Self {
        Self { edits, select: None }
    }

    /// Selects what `inside` (a range of `text`) is after an edit that inserted or replaced by `text`: that edit is the
    /// one at `edit` in `edits`.
    fn selecting(mut edits: Vec<TextEdit>, edit: usize, inside: Span) -> Self {
        let at = edits.get(edit).map_or(0, |edit| edit.span.start);
        let (mut added, mut removed) = (0, 0);
        for other in edits.iter().filter(|other| other.span.start < at) {
            added += other.text.len();
            removed += other.span.len();
        }
        let start = (at + added).saturating_sub(removed);
        edits.sort_by_key(|edit| edit.span);
        Self { edits, select: Some(Span::new(start + inside.start, start + inside.end)) }
    }
}

/// The refactorings that apply where the cursor or the selection is, of those that `wanted` is true for: to see whether one
/// applies may take as long as to apply it, and editors ask with each move of the cursor.
///
/// Takes any range, also one outside the text, and time linear in the text at most; in most places much less.
#[must_use]
pub fn offer(source: &Source<'_>, range: Span, facts: &Facts, wanted: impl Fn(&Refactoring) -> bool) -> Vec<Offer> {
    let asked = Asked::new(source, range, facts);
    let mut offers = Vec::new();
    for refactoring in REFACTORINGS.iter().filter(|one| wanted(one)) {
        (refactoring.offer)(&asked, &mut offers);
    }
    offers
}

/// The edits of an offer with this id and data. `None` where the text is no longer one that the offer can be for.
#[must_use]
pub fn resolve(source: &Source<'_>, id: &str, data: &str, facts: &Facts) -> Option<Resolved> {
    let refactoring = REFACTORINGS.iter().find(|refactoring| refactoring.id == id)?;
    (refactoring.resolve)(source, data, facts)
}

/// What is asked about: a place with what is around it.
struct Asked<'a, 's, 't> {
    source: &'s Source<'t>,
    /// Where the cursor is, or the start of what is selected; never behind the end of the text.
    at: usize,
    facts: &'a Facts,
    /// The key or value at the cursor, or the first that is selected.
    place: Option<Place<'s, 't>>,
    /// The item at the cursor, or the first that is selected.
    item: Option<usize>,
}

impl<'a, 's, 't> Asked<'a, 's, 't> {
    fn new(source: &'s Source<'t>, range: Span, facts: &'a Facts) -> Self {
        let end = source.text.len();
        let range = Span::new(range.start.min(end), range.end.min(end).max(range.start.min(end)));
        let behind = source.tree.items.partition_point(|item| item.span().start < range.start);
        let selected = source.tree.items.get(behind).map(|item| item.span().start).filter(|&start| start < range.end);
        let item = source.item_at(range.start).or(selected.map(|_| behind));
        // Behind a header or at a `=` the key is meant.
        let key = || match source.tree.items.get(item?)? {
            Item::Header(header) => header.keys.last().map(|key| key.span.start),
            Item::Entry(entry) => entry.keys.last().map(|key| key.span.start),
            Item::Garbage(_) => None,
        };
        let place = source.at(range.start).or_else(|| source.at(key()?));
        Self { source, at: range.start, facts, place, item }
    }

    /// Whether the text is a manifest.
    fn is_manifest(&self) -> bool {
        is_manifest(self.source)
    }

    /// The path of the section that the cursor is in; that of the top level in front of the first header.
    fn section(&self) -> Path<'t> {
        let behind = self.source.tree.items.partition_point(|item| item.span().start <= self.at);
        behind.checked_sub(1).map_or_else(Path::default, |item| self.source.table_of(item))
    }

    /// Whether the cursor is in a section of `key` or in an entry about it.
    fn is_within(&self, key: &str) -> bool {
        let starts = |path: &Path<'_>| matches!(path.0.first(), Some(Step::Key(first)) if first == key);
        starts(&self.section()) || self.place.as_ref().is_some_and(|place| starts(&place.mention.path))
    }
}

/// Whether the text is a manifest, not another file of ours.
fn is_manifest(source: &Source<'_>) -> bool {
    ptr::eq(source.shape, &raw const ROOT)
}

/// Why a text whose syntax is broken is not rewritten; `None` where it is not.
fn broken(source: &Source<'_>) -> Option<String> {
    (!is_whole(source)).then(|| "the file has syntax errors: mend those first".to_owned())
}

/// Why what nests deep is not written in another way; `None` where nothing does. Braces and dotted keys have a limit that
/// headers, each with few keys, stay below.
fn too_deep(source: &Source<'_>) -> Option<String> {
    const MAX: usize = skillyard_manifest::syntax::MAX_NESTING / 2;
    let depth = source.document.depth;
    (depth > MAX)
        .then(|| format!("the file nests {depth} levels deep, and another spelling may not: up to {MAX} is rewritten"))
}

/// Whether nothing is wrong with the syntax.
pub(crate) fn is_whole(source: &Source<'_>) -> bool {
    source.document.errors.is_empty() && source.document.broken.is_empty() && !source.document.headers_broken
}

/// A path as the data of an offer: a JSON array of its keys and indices.
fn data_of(path: &Path<'_>) -> String {
    let steps = path.0.iter().map(|step| match step {
        Step::Key(key) => Value::from(key.as_ref()),
        Step::Index(index) => Value::from(*index),
    });
    Value::Array(steps.collect()).to_string()
}

/// The path that [`data_of`] wrote.
fn path_of(data: &str) -> Option<Path<'static>> {
    let steps = match serde_json::from_str(data).ok()? {
        Value::Array(steps) => steps,
        _ => return None,
    };
    let step = |step| match step {
        Value::String(key) => Some(Step::Key(Cow::Owned(key))),
        Value::Number(index) => Some(Step::Index(usize::try_from(index.as_u64()?).ok()?)),
        _ => None,
    };
    steps.into_iter().map(step).collect::<Option<Vec<_>>>().map(Path)
}

/// The full path of each item: of the table that a header opens, or of what an entry gives a value.
fn item_paths<'t>(source: &Source<'t>) -> Vec<Path<'t>> {
    let items = source.tree.items.iter().enumerate();
    items
        .map(|(at, item)| {
            let mut path = source.table_of(at);
            if let Item::Entry(entry) = item {
                path.0.extend(entry.keys.iter().map(|key| Step::Key(key.name.clone())));
            }
            path
        })
        .collect()
}

/// Whether `path` leads to or through what is at `above`.
pub(crate) fn is_below(path: &Path<'_>, above: &Path<'_>) -> bool {
    path.0.len() >= above.0.len() && path.0.iter().zip(&above.0).all(|(step, above)| step == above)
}

/// Whether a comment stands in `span` outside of all of `inner`, which are sorted and lie in `span`.
pub(crate) fn has_comments(source: &Source<'_>, span: Span, inner: &[Span]) -> bool {
    let comments = &source.document.comments;
    let first = comments.partition_point(|comment| comment.start < span.start);
    let within = comments.iter().skip(first).take_while(|comment| comment.start < span.end);
    within.into_iter().any(|comment| {
        inner.get(inner.partition_point(|i| i.end <= comment.start)).is_none_or(|i| i.start > comment.start)
    })
}

/// A path shown in a title: dotted, escaped, in back quotes.
fn shown(path: &Path<'_>) -> String {
    skillyard_manifest::quoted(&path.to_string())
}

#[cfg(test)]
pub(crate) mod tests;
