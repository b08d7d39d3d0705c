//! A manifest in its canonical order: keys and sections as the format lists them, tools one after the other with their
//! tables behind them, unknown keys last. Comments move with what they belong to, and nothing changes its meaning.

use std::{borrow::Cow, collections::HashMap};

use skillyard_manifest::{
    Span, TextEdit,
    shape::{TableShape, Type},
    syntax::{Entry, Item, Value, ValueKind},
};

use crate::{
    Meaning, Source, Step,
    refactor::{Draft, Part, has_comments, is_whole},
};

/// The edits that put a text in canonical order; none where it is in that order. `None` for a text with syntax errors.
///
/// Takes time linear in the text but for sorting. Doing it twice changes nothing more.
#[must_use]
pub fn organize(source: &Source<'_>) -> Option<Vec<TextEdit>> {
    if !is_whole(source) {
        return None;
    }
    let mut draft = Draft::new(source);
    for section in &mut draft.sections {
        let state = State::of(source.meaning(&section.path));
        let mut order = Order::default();
        let items = section.entries.iter().map(|block| block.item.and_then(|item| source.tree.items.get(item)));
        let keys: Vec<Vec<Rank>> = items
            .map(|item| match item {
                Some(Item::Entry(entry)) => order.rank(state, entry.keys.iter().map(|key| Step::Key(key.name.clone()))),
                _ => Vec::new(),
            })
            .collect();
        let gap = section.entries.first().map_or("", |block| block.gap);
        let first = section.entries.first().and_then(|block| block.item);
        let mut entries: Vec<_> = keys.into_iter().zip(std::mem::take(&mut section.entries)).collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        section.entries = entries.into_iter().map(|(_, block)| block).collect();
        // The blank line below a header stays there.
        for (at, block) in section.entries.iter_mut().enumerate() {
            if at == 0 {
                block.gap = gap;
            } else if block.item == first {
                block.gap = "";
            }
        }
        for block in &mut section.entries {
            if let Some(Item::Entry(entry)) = block.item.and_then(|item| source.tree.items.get(item)) {
                block.parts = organized(source, state, entry, &block.parts);
            }
        }
    }
    let top = State::Fixed(source.shape);
    let mut order = Order::default();
    let keys: Vec<Vec<Rank>> =
        draft.sections.iter().map(|section| order.rank(top, section.path.0.iter().cloned())).collect();
    let mut sections: Vec<_> = keys.into_iter().zip(std::mem::take(&mut draft.sections)).collect();
    sections.sort_by(|(a, _), (b, _)| a.cmp(b));
    draft.sections = sections.into_iter().map(|(_, section)| section).collect();
    draft.edits_with_same_meaning(source)
}

/// The place of a key among its siblings: known keys as in the shape, then the others as they first appear.
type Rank = (usize, usize);

/// The keys seen so far, each with its place among its siblings.
#[derive(Default)]
struct Order<'t> {
    below: HashMap<Step<'t>, (usize, Order<'t>)>,
}

impl<'t> Order<'t> {
    /// The ranks along the way from a table on.
    fn rank(&mut self, table: State, steps: impl Iterator<Item = Step<'t>>) -> Vec<Rank> {
        let mut state = table;
        let mut order = self;
        let mut ranks = Vec::new();
        for step in steps {
            let (known, next) = state.step(&step);
            let appeared = order.below.len();
            let (place, below) = order.below.entry(step.clone()).or_insert_with(|| (appeared, Order::default()));
            ranks.push(match (known, &step) {
                (_, Step::Index(index)) => (*index, 0),
                // An old name and the new one are one key.
                (Some(known), _) => (known, 0),
                (None, _) => (usize::MAX, *place),
            });
            order = below;
            state = next;
        }
        ranks
    }
}

/// What is known of a table along the way.
#[derive(Clone, Copy)]
enum State {
    /// Its keys have an order.
    Fixed(&'static TableShape),
    /// An array of such tables, or a table of them under free keys.
    Each(&'static TableShape),
    /// Its keys have none, nor has what is below.
    Free,
}

impl State {
    fn of(meaning: Meaning) -> Self {
        match meaning {
            Meaning::Table(shape) => Self::Fixed(shape),
            Meaning::Key(_, key) => Self::behind(key.ty),
            _ => Self::Free,
        }
    }

    fn behind(ty: Type) -> Self {
        match ty {
            Type::Table(shape) => Self::Fixed(shape),
            Type::Tables(shape) | Type::Map(shape) => Self::Each(shape),
            _ => Self::Free,
        }
    }

    /// The place of a key in the order of the format, and what is behind it.
    fn step(self, step: &Step<'_>) -> (Option<usize>, Self) {
        match (self, step) {
            (Self::Fixed(shape), Step::Key(name)) => match shape.key(name) {
                Some((at, key)) => (Some(at), Self::behind(key.ty)),
                None => (None, Self::Free),
            },
            (Self::Each(shape), _) => (None, Self::Fixed(shape)),
            _ => (None, Self::Free),
        }
    }
}

/// The parts of an entry whose inline tables are in order too.
fn organized<'t>(source: &Source<'t>, table: State, entry: &Entry<'t>, parts: &[Part]) -> Vec<Part> {
    let [Part::Old(line)] = parts else { return parts.to_vec() };
    if !matches!(entry.value.kind, ValueKind::Table(_) | ValueKind::Array(_)) {
        return parts.to_vec();
    }
    let keys = entry.keys.iter().map(|key| Step::Key(key.name.clone()));
    let state = keys.fold(table, |state, key| state.step(&key).1);
    let span = entry.value.span;
    match rendered(source, state, &entry.value) {
        Cow::Borrowed(_) => parts.to_vec(),
        Cow::Owned(text) => {
            vec![
                Part::Old(Span::new(line.start, span.start)),
                Part::New(text),
                Part::Old(Span::new(span.end, line.end)),
            ]
        }
    }
}

/// A value with its inline tables in order; borrowed where they are. Recurses as deep as the value nests.
fn rendered<'t>(source: &Source<'t>, state: State, value: &Value<'t>) -> Cow<'t, str> {
    let text = source.text;
    let whole = || Cow::Borrowed(text.get(value.span.start..value.span.end).unwrap_or_default());
    match &value.kind {
        ValueKind::Array(items) => {
            let State::Each(shape) = state else { return whole() };
            let spans: Vec<Span> = items.iter().map(|item| item.span).collect();
            let texts: Vec<_> = items.iter().map(|item| rendered(source, State::Fixed(shape), item)).collect();
            joined(text, value.span, &spans, texts)
        }
        ValueKind::Table(entries) => {
            let mut order = Order::default();
            let spans: Vec<Span> = entries.iter().map(|entry| entry.span).collect();
            let mut slots: Vec<(Vec<Rank>, Cow<'t, str>)> = entries
                .iter()
                .map(|entry| {
                    let steps = || entry.keys.iter().map(|key| Step::Key(key.name.clone()));
                    let behind = steps().fold(state, |state, step| state.step(&step).1);
                    let value = rendered(source, behind, &entry.value);
                    (order.rank(state, steps()), joined(text, entry.span, &[entry.value.span], vec![value]))
                })
                .collect();
            if matches!(state, State::Fixed(_) | State::Each(_)) && !has_comments(source, value.span, &spans) {
                slots.sort_by(|(a, _), (b, _)| a.cmp(b));
            }
            joined(text, value.span, &spans, slots.into_iter().map(|(_, text)| text).collect())
        }
        _ => whole(),
    }
}

/// The text of `whole` with `texts` where `spans` are; borrowed where that is the same.
fn joined<'t>(text: &'t str, whole: Span, spans: &[Span], texts: Vec<Cow<'t, str>>) -> Cow<'t, str> {
    let old = text.get(whole.start..whole.end).unwrap_or_default();
    if spans.iter().zip(&texts).all(|(span, new)| span.of(text) == new.as_ref()) {
        return Cow::Borrowed(old);
    }
    let mut out = String::with_capacity(old.len());
    let mut at = whole.start;
    for (span, new) in spans.iter().zip(&texts) {
        out.push_str(text.get(at..span.start).unwrap_or_default());
        out.push_str(new);
        at = span.end;
    }
    out.push_str(text.get(at..whole.end).unwrap_or_default());
    Cow::Owned(out)
}
