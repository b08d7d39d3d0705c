//! Finding one's way and renaming, over every manifest that a daemon's verdict is recorded of, and over broken ones.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::Path,
};

use proptest::prelude::*;
use serde_json::Value;
use skillyard_ide::{
    Facts, Name, RenameError, Source, Symbol, Target, definition, document_symbols, folding, highlights, linked, links,
    occurrences, prepare_rename, references, rename, selection, workspace_symbols,
};
use skillyard_manifest::{LineIndex, Options, Span, TextEdit, analyze, fix::apply_edits};

/// The recorded manifests that are text, each with its name and whether a daemon accepts it.
fn manifests() -> Vec<(String, bool, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let cases = fs::read_to_string(folder.join("manifests.jsonl")).unwrap();
    let cases = cases.lines().filter_map(|line| {
        let case: Value = serde_json::from_str(line).unwrap();
        let file = case["file"].as_str().unwrap().to_owned();
        let text = String::from_utf8(fs::read(folder.join("manifests").join(&file)).unwrap()).ok()?;
        Some((file, case["daemon_accepts"].as_bool().unwrap(), text))
    });
    cases.collect()
}

fn accepts(text: &str) -> bool {
    analyze(text, &Options::default()).daemon.accepts
}

/// Every place of a text that can be renamed, with the name there and an offset that leads to it.
fn renameable(source: &Source<'_>) -> Vec<(Span, String, usize)> {
    let mut found = BTreeMap::new();
    // A cursor beside a name of one letter is at it too.
    for offset in (0..=source.text.len()).step_by(2) {
        if let Ok(prepared) = prepare_rename(source, offset) {
            found.insert((prepared.span, prepared.placeholder), offset);
        }
    }
    found.into_iter().map(|((span, name), offset)| (span, name, offset)).collect()
}

/// A new name of the kind of the one at `offset`, in two spellings where keys have two.
fn fresh(source: &Source<'_>, offset: usize) -> Vec<String> {
    let name = occurrences(source, offset).unwrap().name;
    let names = match name {
        Name::Publisher => vec!["fresh-publisher"],
        Name::SkillId => vec!["fresh.skill_id"],
        Name::Tool(_) => {
            let publisher = source.text_at(&["publisher"]).unwrap().trim();
            return vec![format!("{publisher}.fresh.tool:1")];
        }
        Name::ConfigProperty(_) => vec!["fresh-key", "fresh.key"],
        Name::SchemaProperty { .. } | Name::Definition { .. } => vec!["fresh-key", "fresh 'key'/~%\"\\é"],
        Name::Anchor { .. } => vec!["fresh-anchor"],
        Name::WildcardOptIn(_) => panic!("not to be renamed"),
    };
    names.into_iter().map(str::to_owned).collect()
}

/// Where `offset` is after the edits.
fn moved(offset: usize, edits: &[TextEdit]) -> usize {
    let before = edits.iter().filter(|edit| edit.span.start < offset && edit.span.end <= offset);
    let (added, removed) =
        before.fold((0, 0), |(added, removed), edit| (added + edit.text.len(), removed + edit.span.len()));
    offset + added - removed
}

#[test]
fn renaming_keeps_every_accepted_manifest_accepted_and_can_be_undone() {
    let (mut renames, mut undone) = (0, 0);
    for (file, _, text) in manifests().into_iter().filter(|(_, accepted, _)| *accepted) {
        let source = Source::new(&text);
        // Of the places of one name the first stands for all: their edits are the same.
        let mut seen = BTreeSet::new();
        for (span, old, at) in renameable(&source) {
            for new in fresh(&source, at) {
                let edits = rename(&source, at, &new).unwrap_or_else(|error| panic!("{file}: {old}: {error}"));
                let here = edits.iter().any(|edit| edit.span.start <= span.start && span.end <= edit.span.end);
                assert!(here, "{file}: {old}: {edits:?}");
                assert!(edits.is_sorted_by(|a, b| a.span.end <= b.span.start), "{file}: {edits:?}");
                if !seen.insert((edits.iter().map(|edit| edit.span).collect::<Vec<_>>(), new.clone())) {
                    continue;
                }
                let out = apply_edits(&text, &edits);
                assert!(accepts(&out), "{file}: {old} to {new}:\n{out}");
                renames += 1;
                let there = Source::new(&out);
                let start = moved(span.start, &edits);
                let named = |at: &usize| prepare_rename(&there, *at).is_ok_and(|prepared| prepared.placeholder == new);
                let at = (start.saturating_sub(2)..out.len()).find(named).unwrap();
                let back = match rename(&there, at, &old) {
                    Ok(back) => back,
                    // A daemon takes one with nothing behind its publisher, or with white space around; nobody is
                    // helped to write it.
                    Err(RenameError::OnlyNamespace { .. }) => continue,
                    Err(RenameError::Character { .. }) if old.trim() != old => continue,
                    Err(error) => panic!("{file}: {new}: {error}\n{out}"),
                };
                assert_eq!(back.len(), edits.len(), "{file}: {old} to {new} and back:\n{out}");
                let again = apply_edits(&out, &back);
                // An escape is not written again, and quotes that a key needed for a while may stay away.
                let plain = edits.iter().all(|edit| !edit.span.of(&text).contains(['\\', '"', '\'', '%']));
                if plain && !new.contains('"') {
                    assert_eq!(again, text, "{file}: {old} to {new} and back");
                    undone += 1;
                } else {
                    assert!(accepts(&again), "{file}: {old} to {new} and back:\n{again}");
                }
            }
        }
    }
    assert!(renames > 1400 && undone > 1200, "{renames} renames, {undone} undone letter for letter");
}

#[test]
fn no_name_makes_a_rename_that_a_daemon_refuses() {
    let odd = ["", " ", ".", "a.", ".a", "a..b", ":", "a:b", "A", "é", "a b", "a\"b", "a'b", "\n", "\u{202e}", "%2F"];
    let (mut done, mut taken) = (0, 0);
    for (file, _, text) in manifests().into_iter().filter(|(_, accepted, _)| *accepted).step_by(7) {
        let source = Source::new(&text);
        let mut seen = HashSet::new();
        let mut each = |at: usize, old: &str, new: &str| match rename(&source, at, new) {
            Ok(edits) if edits.is_empty() => assert_eq!(new, old, "{file}"),
            Ok(edits) => {
                let out = apply_edits(&text, &edits);
                assert!(accepts(&out), "{file}: {old} to {new:?}:\n{out}");
                done += 1;
            }
            Err(RenameError::Taken { .. }) => taken += 1,
            Err(error) => assert!(!error.to_string().contains(skillyard_manifest::is_unseen), "{error:?}"),
        };
        let places = renameable(&source);
        for (_, old, at) in &places {
            let name = occurrences(&source, *at).unwrap().name;
            let in_schema = matches!(name, Name::SchemaProperty { .. } | Name::Definition { .. });
            if !seen.insert(name) {
                continue;
            }
            // In a schema a daemon takes any name.
            let odd = if in_schema { &odd[..2] } else { &odd[..] };
            odd.iter().for_each(|end| {
                each(*at, old, end);
                each(*at, old, &format!("{old}{end}"));
            });
            // What something else has already.
            places.iter().for_each(|(_, other, _)| each(*at, old, other));
        }
    }
    assert!(done > 100 && taken > 10, "{done} done, {taken} taken");
}

/// Everything that is asked of a text as a whole.
fn whole(text: &str) {
    let source = Source::new(text);
    let symbols = document_symbols(&source);
    held(&symbols, Span::new(0, text.len()), text);
    for symbol in workspace_symbols(&source) {
        assert!(!symbol.name.trim().is_empty() && text.get(symbol.span.start..symbol.span.end).is_some());
    }
    let index = LineIndex::new(text);
    for fold in folding(&source) {
        assert!(fold.span.of(text).contains(['\n', '\r']), "{fold:?}");
        if let Some((first, last)) = fold.lines(text, &index) {
            assert!(first < last && last < index.line_count(), "{fold:?}");
        }
    }
    for link in links(&source, &Facts::default()) {
        assert!(!link.span.of(text).is_empty());
    }
}

/// Symbols lie within what they belong to, in order and apart.
fn held(symbols: &[Symbol], within: Span, text: &str) {
    let mut at = within.start;
    for symbol in symbols {
        assert!(at <= symbol.span.start && symbol.span.end <= within.end, "{symbol:?} in {within:?}");
        assert!(symbol.span.start <= symbol.selection.start && symbol.selection.end <= symbol.span.end, "{symbol:?}");
        assert!(text.get(symbol.selection.start..symbol.selection.end).is_some());
        assert!(!symbol.name.trim().is_empty() && !symbol.name.contains(skillyard_manifest::is_unseen), "{symbol:?}");
        at = symbol.span.end;
        held(&symbol.children, symbol.span, text);
    }
}

/// Everything that is asked of one place.
fn place(source: &Source<'_>, offset: usize) {
    let text = source.text;
    let at = offset.min(text.len());
    let is_in = |span: Span| assert!(text.get(span.start..span.end).is_some(), "{span:?}");
    if let Some(named) = occurrences(source, offset) {
        let all: Vec<Span> = named.declaration.iter().chain(&named.uses).copied().collect();
        assert!(!all.is_empty());
        all.iter().for_each(|span| is_in(*span));
        assert_eq!(references(source, offset, true).len(), all.iter().collect::<BTreeSet<_>>().len());
    }
    highlights(source, offset).iter().for_each(|highlight| is_in(highlight.span));
    if let Some(found) = definition(source, offset) {
        is_in(found.origin);
        assert!(!found.targets.is_empty());
        for target in &found.targets {
            if let Target::Here { span, selection } = target {
                assert!(span.start <= selection.start && selection.end <= span.end, "{found:?}");
                is_in(*span);
            }
        }
    }
    if let Some(found) = linked(source, offset) {
        let said = found.spans.first().unwrap().of(text);
        assert!(found.spans.len() > 1 && found.spans.iter().all(|span| span.of(text) == said));
        assert!(found.spans.is_sorted_by(|a, b| a.end <= b.start) && found.spans.iter().any(|span| span.touches(at)));
    }
    let grown = selection(source, offset);
    assert_eq!(grown.last(), Some(&Span::new(0, text.len())));
    for pair in grown.windows(2) {
        let [inner, outer] = pair else { continue };
        assert!(outer.start <= inner.start && inner.end <= outer.end && inner != outer, "{grown:?}");
    }
    for span in grown {
        is_in(span);
        assert!(span.touches(at) || !text.is_char_boundary(at));
    }
    if let Ok(edits) = rename(source, offset, "x.y") {
        assert!(edits.is_sorted_by(|a, b| a.span.end <= b.span.start));
        let _ = apply_edits(text, &edits);
    }
}

fn sweep(text: &str) {
    whole(text);
    let source = Source::new(text);
    (0..=text.len() + 2).for_each(|offset| place(&source, offset));
}

#[test]
fn every_place_of_real_and_broken_manifests_comes_to_an_answer() {
    let greeter = include_str!("../../../tests/fixtures/greeter/skill.toml");
    let forecast = include_str!("../../../tests/fixtures/forecast/skill.toml");
    sweep(greeter);
    sweep(&forecast.replace('\n', "\r\n"));
    for (_, _, text) in manifests() {
        whole(&text);
        let source = Source::new(&text);
        (0..=text.len()).step_by(61).for_each(|offset| place(&source, offset));
    }
    // Half typed: cut anywhere.
    for end in (0..greeter.len()).step_by(11) {
        let text = &greeter[..end];
        whole(text);
        let source = Source::new(text);
        (end.saturating_sub(30)..=end).for_each(|offset| place(&source, offset));
    }
    let broken = [
        "",
        "[",
        "[[",
        "[[a",
        "[a.]\nb=",
        "a",
        "a = {b = [",
        "\u{FEFF}a = 1",
        "\u{1F600} = \"\u{1F600}\"",
        "publisher = \"\"\nskill_id = \".\"\n",
        "publisher = \"a\npublisher = 'a'\nskill_id = \"a.b",
        "[[entrypoints.tools]]\n[[entrypoints.tools]]\n[entrypoints]\n[entrypoints.tools]\nid = \"x\"\n",
        "[[entrypoints.tools]]\ninput_schema = { \"$ref\" = \"#/\", \"$defs\" = { \"\" = {} }, required = [\"\"], properties.\"\" = {} }",
        "[[entrypoints.tools]]\ninput_schema = { \"$ref\" = \"#/%ff/%2F/~2/\u{e9}\", allOf = 1, properties = [[{}]], items = [{}], \"$id\" = 1 }",
        "entrypoints = [[[\"a.b\", 1, 2, { \"$id\" = \"x\", \"$ref\" = \"x#/a\" }]]]",
        "[capabilities]\r# x\rsecrets = [[\"skill:\", [\"*\"]]]\r\nwildcard_opt_in = [true]",
        "# a\n#\n # b\n[x] # c\n# d",
        "a = '''\n# b\n[c]\n'''\n",
    ];
    broken.into_iter().for_each(sweep);
}

#[test]
fn deep_and_wide_texts_end() {
    let deep =
        format!("[[entrypoints.tools]]\ninput_schema = {}1{}", "{ properties = { a = ".repeat(40), " } }".repeat(40));
    whole(&deep);
    let source = Source::new(&deep);
    (0..deep.len()).step_by(7).for_each(|offset| place(&source, offset));
    let headers: String = (1..=85).map(|parts| format!("[{}]\n", vec!["a"; parts].join("."))).collect();
    whole(&headers);
    let source = Source::new(&headers);
    (0..headers.len()).step_by(101).for_each(|offset| place(&source, offset));
    let pointer = format!("[[entrypoints.tools]]\ninput_schema = {{ \"$ref\" = \"#{}\" }}", "/a".repeat(100_000));
    whole(&pointer);
    place(&Source::new(&pointer), 70);
    let many: String = (0..4_000).map(|at| format!("[[entrypoints.tools]]\nid = \"a.b\" # {at}\n")).collect();
    let many = format!("publisher = \"a\"\n{many}[operator]\nplugin.default_tool_id = \"a.b\"\n");
    whole(&many);
    let source = Source::new(&many);
    place(&source, 13);
    place(&source, many.len() - 4);
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "publisher = \"a\"\n",
        "skill_id = \"a.b\"\n",
        "[[entrypoints.tools]]\n",
        "id = \"a.b\"\n",
        "id = 'a.c'\n",
        "[entrypoints.tools.input_schema]\n",
        "[entrypoints.tools.input_schema.properties.x]\n",
        "required = [\"x\", \"y\"]\n",
        "\"$ref\" = \"#/properties/x\"\n",
        "[operator.config]\n",
        "[operator.config.properties.x]\n",
        "[operator.plugin]\n",
        "default_tool_id = \"a.b\"\n",
        "[[capabilities.secrets]]\n",
        "scope = \"skill:a.b\"\n",
        "# c\n",
        "\n",
        "\r\n",
        "=",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "\"\"\"",
        ".",
        ",",
        "x",
        "\u{e9}",
        "\\u0061",
        "*",
        " ",
        "\r",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_and_any_place_come_to_an_answer(text in pieces()) {
        sweep(&text);
    }
}
