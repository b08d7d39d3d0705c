//! A manifest in its canonical order: keys and sections as the format lists them, tools one after the other with their
//! tables behind them, unknown keys last. Comments move with what they belong to, and nothing changes its meaning.

use std::{borrow::Cow, collections::HashMap};

use skillyard_manifest::{
    Span, TextEdit,
    shape::{TableShape, Type},
    syntax::{Entry, Item, Value, ValueKind},
};

use crate::{
    Meaning, Path, Source, Step,
    refactor::{Draft, Part, has_comments, is_below, is_whole},
};

/// The edits that put a text in canonical order; none where it is in that order. `None` for a text with syntax errors.
///
/// Takes time linear in the text but for sorting. Doing it twice changes nothing more.
#[must_use]
pub fn organize(source: &Source<'_>) -> Option<Vec<TextEdit>> {
    if !is_whole(source) {
        return None;
    }
    organized_draft(source).edits_with_same_meaning(source)
}

/// Whether a text without syntax errors is in canonical order: whether [`organize`] would change nothing.
pub(crate) fn is_in_order(source: &Source<'_>) -> bool {
    is_whole(source) && organized_draft(source).edits().is_empty()
}

fn organized_draft<'t>(source: &Source<'t>) -> Draft<'t> {
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
    let mut sections: Vec<_> = keys.into_iter().zip(std::mem::take(&mut draft.sections)).enumerate().collect();
    sections.sort_by(|(_, (a, _)), (_, (b, _))| a.cmp(b));
    let mut before: Option<(usize, Path<'_>)> = None;
    for (place, (_, mut section)) in sections {
        // Behind another than it was, it is set off by a blank line, but from the table that it is in.
        if let (Some((last, above)), Some(header)) = (&before, &mut section.header)
            && last + 1 != place
            && header.gap.is_empty()
            && !is_below(&section.path, above)
        {
            header.gap = draft.newline();
        }
        before = Some((place, section.path.clone()));
        draft.sections.push(section);
    }
    draft
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::*;
    use crate::{
        fixture::apply,
        refactor::tests::{ODD, good},
    };

    fn organized(text: &str) -> String {
        let edits = organize(&Source::new(text)).unwrap_or_else(|| panic!("not organized:\n{text}"));
        apply(text, &edits)
    }

    #[test]
    fn keys_and_sections_are_in_the_order_of_the_format() {
        let text = "\
# A licence.

version = \"1.0.0\" # v
# who it is
skill_id = \"acme.s\"
zzz = 1

name = \"S\"

[compat]
max_palyra_version = \"1.0.0\"

min_palyra_version = \"0.1.0\"
# the protocol
min_protocol_major = 1
# behind compat

[unknown]
b = 1
a = 2

[operator.config.properties.b]
title = \"B\"
type = \"string\"
[operator.config.properties.a]
[operator]
config.required = [\"b\"]
tags = []

# tools
[[entrypoints.tools]]
output_schema = { required = [], type = \"object\" }
id = \"acme.b\"
[entrypoints.tools.risk]
[entrypoints.tools.input_schema.properties.x]
[entrypoints.tools.input_schema]
type = \"object\"
description = \"\"
[[entrypoints.tools]]
risk = { requires_approval = true, default_sensitive = false }
id = \"acme.a\"

# the end
";
        let expected = "\
# A licence.

# who it is
skill_id = \"acme.s\"

name = \"S\"
version = \"1.0.0\" # v
zzz = 1

# tools
[[entrypoints.tools]]
id = \"acme.b\"
output_schema = { required = [], type = \"object\" }
[entrypoints.tools.input_schema]
type = \"object\"
description = \"\"
[entrypoints.tools.input_schema.properties.x]

[entrypoints.tools.risk]

[[entrypoints.tools]]
id = \"acme.a\"
risk = { default_sensitive = false, requires_approval = true }

[compat]
# the protocol
min_protocol_major = 1

min_palyra_version = \"0.1.0\"
max_palyra_version = \"1.0.0\"
# behind compat

[operator]
tags = []
config.required = [\"b\"]

[operator.config.properties.b]
type = \"string\"
title = \"B\"
[operator.config.properties.a]

[unknown]
b = 1
a = 2

# the end
";
        assert_eq!(organized(text), expected);
        assert_eq!(organize(&Source::new(expected)), Some(Vec::new()));
        assert_eq!(organized(&text.replace('\n', "\r\n")), expected.replace('\n', "\r\n"));
    }

    #[test]
    fn comments_go_where_they_belong() {
        for (was, is) in [
            // What speaks to tools about the file stays at the top, what speaks about a key goes with it.
            ("#:schema x\nversion = 1\nname = 1\n", "#:schema x\nname = 1\nversion = 1\n"),
            ("# of version\nversion = 1\nname = 1\n", "name = 1\n# of version\nversion = 1\n"),
            (
                "# skillyard: allow(fields/deprecated-alias): old\n\nversion = 1\nname = 1\n",
                "name = 1\n# skillyard: allow(fields/deprecated-alias): old\n\nversion = 1\n",
            ),
            (
                "# skillyard: allow-file(a/b): c\n\nversion = 1\nname = 1\n",
                "# skillyard: allow-file(a/b): c\n\nname = 1\nversion = 1\n",
            ),
            // Without a line end at the end, and with a mark at the start.
            ("\u{FEFF}version = 1\nname = 1", "\u{FEFF}name = 1\nversion = 1"),
            ("[compat]\n[capabilities]\nx = 1", "[capabilities]\nx = 1\n\n[compat]"),
            (
                "[compat] # c\n# in compat\n\n# of capabilities\n[capabilities] # d\n",
                "# of capabilities\n[capabilities] # d\n\n[compat] # c\n# in compat\n",
            ),
            // Comments in braces hold what they are in where it is, and go with what is around.
            (
                "compat = {\n  min_palyra_version = 1, # m\n  required_protocol_major = 1,\n}\nname = 1\n",
                "name = 1\ncompat = {\n  min_palyra_version = 1, # m\n  required_protocol_major = 1,\n}\n",
            ),
            (
                "compat = { max_palyra_version = 1, \"min_palyra_version\" = 2 }",
                "compat = { \"min_palyra_version\" = 2, max_palyra_version = 1 }",
            ),
            ("", ""),
            ("# only this\n", "# only this\n"),
        ] {
            assert_eq!(organized(was), is, "{was}");
            assert_eq!(organized(is), is, "{was}");
        }
    }

    #[test]
    fn free_keys_keep_their_order() {
        let text = "[[entrypoints.tools]]\n[entrypoints.tools.output_schema]\nz = 1\na = { z = 1, a = 2 }\n[entrypoints.tools.output_schema.x]\n[entrypoints.tools.output_schema.b]\n";
        assert_eq!(organized(text), text);
        // Those of one table stand together.
        assert_eq!(
            organized("[[entrypoints.tools]]\ninput_schema.z.b = 1\ninput_schema.a = 2\ninput_schema.z.a = 3\n"),
            "[[entrypoints.tools]]\ninput_schema.z.b = 1\ninput_schema.z.a = 3\ninput_schema.a = 2\n"
        );
    }

    #[test]
    fn the_edits_leave_alone_what_stays() {
        let text = "skill_id = 1\n\n[compat]\nx = 1\n\n[capabilities]\ny = 1\n\n[operator]\nz = 1\n";
        let edits = organize(&Source::new(text)).unwrap();
        let moved: usize = edits.iter().map(|edit| edit.span.len() + edit.text.len()).sum();
        assert!(edits.len() <= 2 && moved < 60, "{edits:?}");
    }

    #[test]
    fn a_broken_file_is_left_alone() {
        for text in ["version = 1\nname =\n", "[b\n[a]\n", "name = 1\nname = 1\n"] {
            assert_eq!(organize(&Source::new(text)), None, "{text}");
        }
    }

    #[test]
    fn good_manifests_mean_the_same_and_stay_organized() {
        for text in good() {
            let after = organized(&text);
            let value = |text: &str| toml::from_str::<Json>(text).unwrap();
            // A float that is none is no JSON, and equal to nothing.
            assert_eq!(value(&text), value(&after), "{text}");
            assert_eq!(organize(&Source::new(&after)), Some(Vec::new()), "{after}");
            let lines = |text: &str| {
                let mut lines: Vec<String> =
                    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
                lines.sort();
                lines
            };
            if !text.contains('{') {
                assert_eq!(lines(&text), lines(&after));
            }
        }
    }

    /// The pieces of a manifest that may stand in any order: keys of the top level; sections, each with its keys.
    const KEYS: [&str; 5] = [
        "manifest_version = 2\n",
        "skill_id = \"acme.s\" # id\n",
        "# n\nname = \"S\"\n",
        "version = \"1.0.0\"\n",
        "publisher = \"acme\"\n",
    ];
    const SECTIONS: [(&str, &[&str]); 8] = [
        ("[capabilities]\n", &["node_capabilities = [] # n\n", "# h\nhttp_egress_allowlist = [\n  \"a.b\", # c\n]\n"]),
        ("[capabilities.quotas] # q\n", &["fuel_budget = 1\n", "wall_clock_timeout_ms = 2\n"]),
        ("# two of them\n[[capabilities.secrets]]\n", &["scope = \"global\"\n", "key_names = [\"k\"]\n"]),
        (
            "[compat]\n",
            &["min_palyra_version = \"0.1.0\"\n", "required_protocol_major = 1\n", "max_palyra_version = \"2.0.0\"\n"],
        ),
        ("[operator]\n", &["display_name = \"S\"\n", "tags = [\"a\"]\n", "plugin.default_entrypoint = \"run\"\n"]),
        ("[operator.config]\n", &["required = [\"p\"]\n", "schema_version = 1\n"]),
        ("[operator.config.properties.p]\n", &["title = \"P\"\n", "type = \"string\"\n"]),
        (
            "# tools\n[[entrypoints.tools]]\n",
            &[
                "id = \"acme.t\"\n",
                "name = \"T\"\n",
                "description = \"T.\"\n",
                "output_schema = { type = \"object\" }\n",
                "input_schema.type = \"object\"\n",
            ],
        ),
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever order the pieces come in, they mean what they meant, come to one order, and stay there.
        #[test]
        fn every_order_comes_to_one(
            keys in Just(KEYS.to_vec()).prop_shuffle(),
            sections in Just(SECTIONS.to_vec()).prop_shuffle(),
            orders in prop::collection::vec(any::<u64>(), SECTIONS.len()),
            gaps in prop::collection::vec(0..3_usize, SECTIONS.len()),
        ) {
            let mut text: String = keys.concat();
            for (((header, entries), order), gap) in sections.iter().zip(orders).zip(gaps) {
                let mut entries = entries.to_vec();
                let turn = usize::try_from(order).unwrap_or(usize::MAX) % entries.len();
                entries.rotate_left(turn);
                text.push_str(&"\n".repeat(gap));
                text.push_str(header);
                text.push_str(&entries.concat());
            }
            let after = organized(&text);
            prop_assert_eq!(toml::from_str::<Json>(&text).unwrap(), toml::from_str::<Json>(&after).unwrap());
            prop_assert_eq!(organize(&Source::new(&after)), Some(Vec::new()), "{}", after);
            let first = organized(&(KEYS.concat() + &SECTIONS.iter().map(|(header, keys)| format!("{header}{}", keys.concat())).collect::<String>()));
            let words = |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&after), words(&first));
        }

        /// Any text comes to an answer, and a good one to the same values.
        #[test]
        fn texts_like_toml_keep_their_meaning(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14)) {
            let text = pieces.concat();
            let source = Source::new(&text);
            if let Some(edits) = organize(&source) {
                let after = apply(&text, &edits);
                prop_assert_eq!(toml::from_str::<Json>(&text).ok(), toml::from_str::<Json>(&after).ok(), "{}", after);
                let again = organize(&Source::new(&after));
                prop_assert_eq!(again.as_deref(), Some([].as_slice()), "{:?}\n=>\n{:?}\n=> {:?}", text, after, again);
            }
        }
    }

    const PIECES: &[&str] = &[
        "name = 1\n",
        "version = 1\n",
        "compat.max_palyra_version = 1 # m\n",
        "compat.min_palyra_version = 1\n",
        "a.b.c = 1\n",
        "a.d = 1\n",
        "d = { a.b = 1, c = { name = 1 } }\n",
        "[a]\n",
        "[a.b]\n",
        "[a.b.d]\n",
        "[capabilities.quotas]\n",
        "[[capabilities.secrets]]\n",
        "[capabilities]\n",
        "[compat]\n",
        "[[entrypoints.tools]]\n",
        "[entrypoints.tools.risk]\n",
        "[entrypoints.tools.input_schema.x]\n",
        "[entrypoints]\n",
        "fuel_budget = 1\n",
        "# c\n",
        "# d\n\n",
        "\n",
        "\r\n",
        "  ",
        "entrypoints.tools = [{ name = 1, id = 1 }, { risk = 1 }]\n",
        "compat = {\n max_palyra_version = 1,\n min_palyra_version = 1 }\n",
        "compat = { max_palyra_version = 1, # c\n min_palyra_version = 1 }\n",
        "# skillyard: allow(a/b): c\n",
        "#:schema s\n",
    ];

    #[test]
    fn odd_manifests_are_organized() {
        for text in ODD {
            let after = organized(text);
            assert!(
                skillyard_manifest::analyze(&after, &skillyard_manifest::Options::default()).daemon.accepts,
                "{after}"
            );
        }
    }
}
