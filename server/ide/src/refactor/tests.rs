//! What holds of every refactoring: whatever is offered can be done, and leaves what a daemon accepts.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::Path as FilePath,
};

use proptest::prelude::*;
use skillyard_manifest::{Options, analyze, fix::apply_edits};

use super::*;
use crate::fixture::cursor;

/// Manifests that a daemon accepts: the recorded ones, and some that are written in ways that those are not.
pub(crate) fn good() -> Vec<String> {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let cases = fs::read_to_string(folder.join("manifests.jsonl")).unwrap();
    let mut texts: Vec<String> = cases
        .lines()
        .filter_map(|line| {
            let case: Value = serde_json::from_str(line).unwrap();
            let file = folder.join("manifests").join(case["file"].as_str().unwrap());
            case["daemon_accepts"].as_bool().unwrap().then(|| fs::read_to_string(file).unwrap())
        })
        .collect();
    assert!(texts.len() > 150, "only {}", texts.len());
    texts.push(include_str!("../../../../tests/fixtures/greeter/skill.toml").to_owned());
    texts.extend(ODD.map(str::to_owned));
    texts.extend(ODD.map(|text| text.replace('\n', "\r\n")));
    for text in &texts {
        assert!(analyze(text, &Options::default()).daemon.accepts, "{text}");
    }
    texts
}

pub(crate) const ODD: [&str; 5] = [
    // Everything inline, and wildcards.
    "skill_id = \"acme.s\"\nname = \"S\"\nversion = \"1.0.0\"\npublisher = \"acme\"\n\
     entrypoints = { tools = [{ id = \"acme.t\", name = \"T\", description = \"T. More.\", input_schema = { properties = { a = { type = \"string\", minLength = 1, maxLength = 9 }, b = { type = \"string\", minLength = 1, maxLength = 9 } } }, output_schema = {} }] }\n\
     capabilities = { http_egress_allowlist = [\"*\", \"b.example\"], secrets = [{ scope = \"global\", key_names = [\"z*\", \"a\"] }], wildcard_opt_in = { http_egress = true, secrets = true } }\n\
     compat = { min_palyra_version = \"0.1.0\", required_protocol_major = 1 }\n",
    // Dotted keys.
    "compat.min_palyra_version = \"0.1.0\" # oldest\ncompat.required_protocol_major = 1\n# who\npublisher = \"acme\"\nskill_id = \"acme.s\"\nname = \"S\"\n\
     version = \"1.0.0\"\nmanifest_version = 2\ncapabilities.filesystem.write_roots = [\"z\", \"a\"]\ncapabilities.quotas.fuel_budget = 9\n\
     operator.tags = [\n  \"b\", # second\n  # first\n  \"a\"\n]\noperator.config.properties.city.type = \"string\"\n\n\
     [[entrypoints.tools]]\nname = \"T\"\nid = \"acme.t\"\ndescription = \"T.\"\ninput_schema.type = \"object\"\ninput_schema.properties.p.enum = [\"b\", \"a\"]\n\
     output_schema.properties.a.type = \"string\"\noutput_schema.properties.a.minLength = 1\noutput_schema.properties.a.maxLength = 3\n\
     output_schema.properties.b.type = \"string\"\noutput_schema.properties.b.minLength = 1\noutput_schema.properties.b.maxLength = 3\n",
    // Sections in no order, with comments everywhere.
    "# A licence.\n\n# The skill.\nname = \"S\" # shown\nskill_id = \"acme.s\"\n\nversion = \"1.0.0\"\npublisher = \"acme\"\n# behind all keys\n\n\
     # for whom\n[compat] # c\nmin_palyra_version = \"0.1.0\"\nrequired_protocol_major = 1\n\n# first\n[[entrypoints.tools]]\nid = \"acme.b\"\nname = \"B\"\ndescription = \"B.\"\n\
     # example: {\"a\": 1,\n#  \"b\": [\"x\"]}\n[entrypoints.tools.input_schema]\n[entrypoints.tools.output_schema]\n# inner\ntype = \"object\" # t\n\
     [entrypoints.tools.output_schema.properties.x]\n# why\ntype = \"object\"\n[entrypoints.tools.output_schema.properties.x.properties.y]\ntype = \"string\"\nminLength = 2\n\
     [entrypoints.tools.output_schema.properties.z.properties.y]\nminLength = 2\ntype = \"string\"\n[entrypoints.tools.output_schema.properties.z]\ntype = \"object\"\n\n\
     # second\n[[entrypoints.tools]]\nid = \"acme.a\"\nname = \"A\"\ndescription = \"A.\"\ninput_schema = {}\noutput_schema = { default = { n = 1.5 } }\n\n\
     [capabilities.quotas]\nfuel_budget = 1\n\n[[capabilities.secrets]]\nkey_names = [\"*\"]\nscope = \"skill:acme.s\"\n[[capabilities.secrets]]\nscope = \"global\" # g\nkey_names = [\"b\", \"a\"]\n\n\
     [capabilities]\nhttp_egress_allowlist = [\n  \"*.acme.example\", # all\n  # one\n  \"a.example\",\n]\n[capabilities.wildcard_opt_in]\nhttp_egress = true\nsecrets = true\n\n# the end\n",
    // Positional tables, and the first version.
    "manifest_version = 1\nskill_id = \"acme.s\"\nname = \"S\"\nversion = \"1.0.0\"\npublisher = \"acme\"\nentrypoints = [[[\"acme.t\", \"T\", \"T.\", {}, {}]]]\ncompat = [1, \"0.1.0\"]\ncapabilities = [[[], []], [\"*.b.example\", \"a.example\"], [[\"global\", [\"k\"]]], [], [], [1, 2, 65536], [false, true, false, false, false]]\n",
    // No line end at the end, and a mark at the start.
    "\u{FEFF}skill_id = \"acme.s\"\nname = \"S\"\nversion = \"1.0.0\"\npublisher = \"acme\"\n[compat]\nmin_palyra_version = \"0.1.0\"\nrequired_protocol_major = 1\n[entrypoints]\ntools = [\n  # one\n  { id = \"acme.t\", name = \"T\", description = \"T.\", input_schema = {}, output_schema = {\n    # in braces\n    type = \"object\", # t\n    required = [\n      \"b\",\n      \"a\",\n    ],\n  } }, # behind\n]",
];

pub(crate) fn facts() -> Facts {
    let pair = |scope: &str, key: &str| (scope.to_owned(), key.to_owned());
    Facts {
        hosts_called: ["api.acme.example", "api.northwind.example", "b.example", "x.b.example"]
            .map(str::to_owned)
            .to_vec(),
        secrets_read: vec![pair("global", "zip"), pair("skill:acme.s", "key"), pair("global", "ledger_api_key")],
        ..Facts::default()
    }
}

/// Where a cursor can be that something is at: starts, keys, values, and the ends of lines.
fn places(source: &Source<'_>) -> Vec<usize> {
    let mut places = vec![0, source.text.len()];
    source.mentions(|mention| {
        places.push(mention.span.start);
        places.push(mention.extent.end);
        places.extend(mention.value.map(|value| value.span.start + 1));
    });
    places.extend(source.document.comments.iter().map(|comment| comment.start));
    places.sort_unstable();
    places.dedup();
    // Enough of a large one.
    let step = places.len() / 300 + 1;
    places.into_iter().step_by(step).collect()
}

fn value_of(text: &str) -> Value {
    toml::from_str(text).unwrap()
}

/// A document in which references are what they point to.
fn expanded(value: &Value, schema: &Value) -> Value {
    match value {
        Value::Object(table) => {
            if let (1, Some(Value::String(reference))) = (table.len(), table.get("$ref"))
                && let Some(name) = reference.strip_prefix("#/$defs/")
            {
                return expanded(&schema["$defs"][name], schema);
            }
            Value::Object(table.iter().map(|(key, value)| (key.clone(), expanded(value, schema))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| expanded(item, schema)).collect()),
        _ => value.clone(),
    }
}

/// The text after an offer.
pub(crate) fn done(source: &Source<'_>, offer: &Offer, facts: &Facts) -> (String, Option<Span>) {
    let resolved = resolve(source, offer.id, &offer.data, facts)
        .unwrap_or_else(|| panic!("{offer:?} cannot be done in\n{}", source.text));
    for pair in resolved.edits.windows(2) {
        assert!(pair[0].span.end <= pair[1].span.start, "{offer:?}: {:?}", resolved.edits);
    }
    let text = apply_edits(source.text, &resolved.edits);
    if let Some(select) = resolved.select {
        assert!(text.get(select.start..select.end).is_some_and(|selected| !selected.is_empty()), "{offer:?}");
    }
    (text, resolved.select)
}

/// The offers of one refactoring at the cursor, `$0`.
pub(crate) fn offers(id: &str, marked: &str, facts: &Facts) -> Vec<Offer> {
    let (text, at) = cursor(marked);
    let mut offers = offer(&Source::new(&text), Span::at(at), facts, |_| true);
    offers.retain(|offer| offer.id == id);
    offers
}

/// The text after the first offer of a refactoring at the cursor, `«»` around what is selected.
pub(crate) fn after_with(id: &str, marked: &str, facts: &Facts) -> String {
    let offers = offers(id, marked, facts);
    let offer = offers.first().unwrap_or_else(|| panic!("{id} is not offered in\n{marked}"));
    assert_eq!(offer.disabled, None, "{marked}");
    let (text, _) = cursor(marked);
    let (mut text, select) = done(&Source::new(&text), offer, facts);
    if let Some(select) = select {
        text.insert(select.end, '»');
        text.insert(select.start, '«');
    }
    text
}

pub(crate) fn after(id: &str, marked: &str) -> String {
    after_with(id, marked, &Facts::default())
}

/// Why the first offer of a refactoring at the cursor cannot be done.
pub(crate) fn hindered(id: &str, marked: &str) -> String {
    let offers = offers(id, marked, &Facts::default());
    offers.into_iter().next().unwrap().disabled.unwrap_or_else(|| panic!("{id} can be done in\n{marked}"))
}

#[test]
fn whatever_is_offered_can_be_done_and_is_accepted() {
    let facts = facts();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, text) in good().into_iter().enumerate() {
        let is_recorded = text.contains("northwind");
        let source = Source::new(&text);
        let mut seen = HashSet::new();
        for at in places(&source) {
            for offer in offer(&source, Span::at(at), &facts, |_| true) {
                if !seen.insert((offer.id, offer.data.clone())) || offer.disabled.is_some() {
                    continue;
                }
                // The recorded ones have most of their sections in common.
                let is_spelling = ["to_section", "to_inline", "to_dotted"].contains(&offer.id);
                if is_recorded && is_spelling && !(offer.data.len() + index).is_multiple_of(8) {
                    continue;
                }
                *counts.entry(offer.id).or_default() += 1;
                let (after, _) = done(&source, &offer, &facts);
                assert!(analyze(&after, &Options::default()).daemon.accepts, "{offer:?}\n{text}\n=>\n{after}");
                let is_crlf = |text: &str| text.matches('\n').count() == text.matches("\r\n").count();
                assert!(!is_crlf(&text) || is_crlf(&after), "{offer:?}\n{after:?}");
                match offer.id {
                    "organize" | "to_section" | "to_inline" | "to_dotted" => {
                        assert_eq!(value_of(&text), value_of(&after), "{offer:?}\n{text}\n=>\n{after}");
                        let count = |text: &str| Source::new(text).document.comments.len();
                        assert_eq!(count(&text), count(&after), "{offer:?}\n{text}\n=>\n{after}");
                    }
                    "extract_schema" => {
                        let (before, after) = (value_of(&text), value_of(&after));
                        let tools = |value: &Value| value["entrypoints"]["tools"].as_array().unwrap().clone();
                        for (before, after) in tools(&before).iter().zip(&tools(&after)) {
                            for side in ["input_schema", "output_schema"] {
                                let mut expanded = expanded(&after[side], &after[side]);
                                if let (Some(table), None) = (expanded.as_object_mut(), before[side].get("$defs")) {
                                    table.remove("$defs");
                                }
                                assert_eq!(before[side], expanded);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    for refactoring in REFACTORINGS {
        assert!(counts.get(refactoring.id).is_some_and(|&count| count > 1), "{}: {counts:?}", refactoring.id);
    }
}

#[test]
fn any_text_and_any_place_come_to_an_answer() {
    let facts = facts();
    let whole = ODD[2];
    let mut texts: Vec<String> =
        ["", "[", "[[", "a", "a =", "a = {", "= 1", "\u{FEFF}", "[entrypoints]\ntools = [", "a.b = 1\n[a]\n[a]\n"]
            .map(str::to_owned)
            .to_vec();
    texts.extend((0..whole.len()).step_by(97).map(|end| whole[..end].to_owned()));
    for text in &texts {
        let source = Source::new(text);
        for at in (0..text.len() + 3).step_by(if text.len() > 200 { 13 } else { 1 }) {
            for offer in offer(&source, Span::new(at, at + 5), &facts, |_| true) {
                assert!(!offer.title.chars().any(skillyard_manifest::is_unseen), "{}", offer.title);
                let resolved = resolve(&source, offer.id, &offer.data, &facts);
                if let Some(resolved) = resolved {
                    let _ = apply_edits(text, &resolved.edits);
                }
            }
        }
    }
    // Data that is none of ours.
    let source = Source::new(whole);
    for refactoring in REFACTORINGS {
        for data in ["", "[", "{}", "[1]", "[\"a\"]", "[\"entrypoints\",\"tools\",99]", "[null]", "[\"compat\",\"x\"]"]
        {
            let _ = resolve(&source, refactoring.id, data, &facts);
        }
    }
    assert_eq!(resolve(&source, "nothing", "", &facts), None);
}

#[test]
fn ids_are_unique_and_kinds_are_known() {
    let ids: HashSet<&str> = REFACTORINGS.iter().map(|refactoring| refactoring.id).collect();
    assert_eq!(ids.len(), REFACTORINGS.len());
    for refactoring in REFACTORINGS {
        assert!([REWRITE, EXTRACT, INLINE, ORGANIZE].contains(&refactoring.kind));
    }
}

const PIECES: &[&str] = &[
    "a = 1\n",
    "b.c = 2 # c\n",
    "b.d.e = {}\n",
    "f = { g = 1, h.i = [1], j = { k = 'x' } }\n",
    "l = [{ m = 1 }, { n = { o = 1 } }]\n",
    "p = {\n  # q\n  r = 1, # s\n  t = 2,\n}\n",
    "l = [ # u\n  { m = 1 }, # v\n  # w\n  { n = 1, }\n]\n",
    "[a]\n",
    "[b]\n",
    "[b.d]\n",
    "[b.d.z] # z\n",
    "[b.'x y']\n",
    "[[l]]\n",
    "[l.f]\n",
    "[[l.f]]\n",
    "[l.f.b]\n",
    "[f]\n",
    "[f.h]\n",
    "[[entrypoints.tools]]\n",
    "[entrypoints.tools.input_schema]\n",
    "[entrypoints.tools.input_schema.properties.a]\n",
    "[entrypoints.tools.input_schema.properties.b]\n",
    "[entrypoints.tools.input_schema.properties.b.items]\n",
    "properties.a = { type = 'x', title = 'A b', minLength = 1 }\n",
    "properties.c = { title = 'A b', type = 'x', minLength = 1 }\n",
    "properties.d.type = 'x'\nproperties.d.title = 'A b'\nproperties.d.minLength = 1\n",
    "type = 'x'\ntitle = 'A b'\nminLength = 1\n",
    "items = { type = 'x', title = 'A b', minLength = 1 }\n",
    "\"$defs\".x = {}\n",
    "\"$defs\" = { a_b = {} }\n",
    "input_schema = { items = { type = 'x', title = 'A b', minLength = 1 }, properties.a = { type = 'x', title = 'A b', minLength = 1 } }\n",
    "# y\n",
    "\n",
    "\n",
    "# o\n\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is offered can be done on any text without slips, and changes no more than it says.
    #[test]
    fn texts_like_toml_keep_their_meaning(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14), crlf: bool) {
        let text = pieces.concat();
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let source = Source::new(&text);
        let mut seen = HashSet::new();
        for at in places(&source) {
            for offer in offer(&source, Span::at(at), &Facts::default(), |_| true) {
                if offer.disabled.is_some() || !seen.insert((offer.id, offer.data.clone())) {
                    continue;
                }
                let (after, _) = done(&source, &offer, &Facts::default());
                let value = |text: &str| toml::from_str::<Value>(text);
                match offer.id {
                    "to_section" | "to_inline" | "to_dotted" => {
                        prop_assert_eq!(value(&text), value(&after), "{:?}\n{}\n=>\n{}", offer, text, after);
                        let words = |text: &str| Source::new(text).document.comments.iter().map(|c| c.of(text).trim().to_owned()).collect::<BTreeSet<_>>();
                        prop_assert_eq!(words(&text), words(&after), "{:?}\n{}\n=>\n{}", offer, text, after);
                    }
                    "extract_schema" => {
                        let (before, after_value) = (value(&text).unwrap(), value(&after).unwrap());
                        let tools = |value: &Value| value["entrypoints"]["tools"].as_array().unwrap().clone();
                        for (before, after) in tools(&before).iter().zip(&tools(&after_value)) {
                            let schema = &after["input_schema"];
                            let mut expanded = expanded(schema, schema);
                            let old = before["input_schema"]["$defs"].as_object();
                            if let (Some(table), Some(old)) = (expanded.as_object_mut(), old) {
                                table.insert("$defs".to_owned(), Value::Object(old.clone()));
                            } else if let Some(table) = expanded.as_object_mut() {
                                table.remove("$defs");
                            }
                            prop_assert_eq!(&before["input_schema"], &expanded, "{:?}\n=>\n{}", text, after);
                        }
                    }
                    _ => prop_assert!(value(&text).is_err() || value(&after).is_ok(), "{:?}\n{}\n=>\n{}", offer, text, after),
                }
            }
        }
    }
}
