//! What can stand behind a `=` or between the brackets of a list, and what a new key gets for a value.

use std::ptr;

use skillyard_manifest::{
    Span,
    config::{CONFIG, config_values},
    document::{spelled, string},
    shape::{KeyShape, TableShape, Type},
};

use super::{
    Candidate, Completion, CompletionKind, Content, Cx, completion, context::ValueSpot, docs, known, schema,
    template::Template,
};
use crate::{Meaning, Path, Step};

/// Where a value is asked for.
pub(super) struct Asked<'a, 't> {
    pub cx: &'a Cx<'a, 't>,
    pub path: &'a Path<'a>,
    /// What stands there now; `None` for a value of a key that is not there yet.
    pub at: Option<Span>,
}

/// The completions of a value.
pub(super) fn at(cx: &Cx<'_, '_>, spot: &ValueSpot<'_>) -> Vec<Completion> {
    let mut path = spot.path.clone();
    if let Some(Step::Index(index)) = path.0.last_mut().filter(|_| spot.word.span.is_empty()) {
        // A new element: the one with this index stands behind it.
        *index = usize::MAX;
    }
    let asked = Asked { cx, path: &path, at: Some(spot.word.span) };
    let mut found = candidates(&asked);
    if cx.manifest && spot.path.0.first() == Some(&Step::Key("operator".into())) && known::is_legacy(cx.source) {
        let legacy = "refused: `manifest_version` 1 has no `operator`";
        found = found.into_iter().map(|candidate| candidate.refused(true, legacy)).collect();
    }
    let mut preselected = false;
    found
        .into_iter()
        .enumerate()
        .map(|(rank, candidate)| {
            let mut done = placed(spot, &candidate);
            done.sort = format!("{rank:04}");
            done.preselect = candidate.preselect && !preselected;
            preselected |= done.preselect;
            done
        })
        .collect()
}

/// A value in its place, with the quotes that are there.
fn placed(spot: &ValueSpot<'_>, candidate: &Candidate) -> Completion {
    let word = spot.word;
    let around = &spot.around;
    let mut done = match (&candidate.content, word.quote) {
        (Content::Text(value), Some(quote)) if spot.within && (quote.mark == '"' || fits_literal(value)) => {
            let spelled = string(value);
            let inner = match quote.mark {
                '"' => spelled.get(1..spelled.len() - 1).unwrap_or_default(),
                _ => value,
            };
            let content = word.content();
            let mut done = if quote.closed && around.after.is_empty() {
                completion(candidate.label.clone(), candidate.kind, content, &Template::of(inner), around)
            } else {
                let template = if candidate.retrigger { Template::of(inner).end() } else { Template::of(inner) };
                let template = template.text(quote.mark);
                let span = Span::new(content.start, word.span.end);
                completion(candidate.label.clone(), candidate.kind, span, &template, around)
            };
            done.filter = value.clone();
            done
        }
        (content, quote) => {
            let mut done =
                completion(candidate.label.clone(), candidate.kind, word.span, &candidate.template(), around);
            let bare = match content {
                Content::Text(value) => value.clone(),
                Content::Toml(template) => template.plain(),
            };
            done.filter = match quote.filter(|_| spot.within) {
                Some(quote) => format!("{}{bare}", quote.mark),
                None => bare,
            };
            done
        }
    };
    done.description = candidate.description.clone();
    done.documentation = candidate.doc.clone();
    done.incomplete = candidate.incomplete;
    done.contradicts = candidate.contradicts;
    done.retrigger = candidate.retrigger;
    done
}

/// Whether a string can stand between single quotes.
fn fits_literal(value: &str) -> bool {
    !value.contains(|c: char| c == '\'' || (c.is_control() && c != '\t'))
}

/// What can stand there, best first.
pub(super) fn candidates(asked: &Asked<'_, '_>) -> Vec<Candidate> {
    let cx = asked.cx;
    match cx.source.meaning(asked.path) {
        Meaning::Key(shape, key) => of_key(asked, shape, key),
        Meaning::Listed(shape, key) => strings(asked, shape, key),
        // A table behind a key that the author names, or an element of a list of tables.
        Meaning::Table(shape) if !asked.path.0.is_empty() => vec![inline(cx, asked.path, shape)],
        Meaning::InSchema(_, steps) => schema::values(asked, steps),
        Meaning::Table(_) | Meaning::Free(_) | Meaning::Unknown => Vec::new(),
    }
}

fn of_key(asked: &Asked<'_, '_>, shape: &'static TableShape, key: &'static KeyShape) -> Vec<Candidate> {
    let cx = asked.cx;
    match key.ty {
        Type::String => strings(asked, shape, key),
        Type::Enum(allowed) => {
            let configured = configured(cx, asked.path);
            if configured.is_empty() { enums(asked, shape, key, allowed) } else { configured }
        }
        Type::U32 | Type::U64 => numbers(asked, shape, key),
        Type::Boolean => flags(asked, shape, key),
        Type::Strings => {
            let mut found = known::lists(asked);
            let elements = elements(asked, shape, key);
            found.extend(elements.into_iter().map(|element| {
                let template = Template::of("[").then(element.template()).text("]");
                let label = shown_list(&element);
                Candidate { content: Content::Toml(template), label, ..element }
            }));
            let open = Template::of("[").quoted("").text("]");
            found.push(Candidate { label: "[…]".to_owned(), ..Candidate::toml(open, CompletionKind::Value) }.opened());
            let empty = Candidate::toml(Template::of("[]"), CompletionKind::Value);
            found.push(empty.refused(key.required, "refused: may not be empty").documented(docs::key(shape, key)));
            found
        }
        Type::Table(inner) => vec![inline(cx, asked.path, inner)],
        Type::Map(_) => vec![Candidate::toml(Template::of("{").stop("").text("}"), CompletionKind::Table)],
        Type::Tables(inner) => {
            let filled = table(cx, &asked.path.with(Step::Index(0)), inner);
            let template = Template::of("[").then(filled.template).text("]");
            vec![Candidate::toml(template, CompletionKind::Table).incomplete(filled.incomplete)]
        }
        Type::Schema => schema::roots(),
        Type::Any if cx.manifest => known::defaults(asked),
        _ => Vec::new(),
    }
}

fn shown_list(element: &Candidate) -> String {
    format!("[{}]", super::shown(&element.template().plain()))
}

/// An inline table.
fn inline(cx: &Cx<'_, '_>, path: &Path<'_>, shape: &'static TableShape) -> Candidate {
    let filled = table(cx, path, shape);
    let candidate = Candidate::toml(filled.template, CompletionKind::Table).incomplete(filled.incomplete);
    candidate.refused(all_used(cx, path, shape), ALL_USED).documented(docs::table(shape))
}

pub(super) const ALL_USED: &str = "refused: all kinds are used already";

/// Whether a table at `path` has to have one of a few strings that each stand once, and all of them do.
pub(super) fn all_used(cx: &Cx<'_, '_>, path: &Path<'_>, shape: &'static TableShape) -> bool {
    shape.keys.iter().filter(|key| key.required).any(|key| match key.ty {
        Type::Enum(allowed) => {
            let path = path.with(Step::Key(key.name.into()));
            known::split_enum(&Asked { cx, path: &path, at: None }, allowed).0.is_empty()
        }
        _ => false,
    })
}

fn strings(asked: &Asked<'_, '_>, shape: &'static TableShape, key: &'static KeyShape) -> Vec<Candidate> {
    let mut found = if asked.cx.manifest { known::strings(asked) } else { configured(asked.cx, asked.path) };
    if found.is_empty() && !asked.cx.manifest {
        found = given(key);
    }
    for candidate in &mut found {
        candidate.doc.get_or_insert_with(|| docs::key(shape, key));
    }
    found
}

/// Elements of the list behind a key, which is not there yet or is empty.
fn elements(asked: &Asked<'_, '_>, shape: &'static TableShape, key: &'static KeyShape) -> Vec<Candidate> {
    let path = asked.path.with(Step::Index(0));
    strings(&Asked { path: &path, at: asked.at, ..*asked }, shape, key)
}

/// What `skillyard.toml` takes at a path: the values behind a key, or the keys of a table that has free ones.
pub(super) fn configured(cx: &Cx<'_, '_>, path: &Path<'_>) -> Vec<Candidate> {
    if !ptr::eq(cx.source.shape, &CONFIG) {
        return Vec::new();
    }
    let keys = path.0.iter().map(|step| match step {
        Step::Key(key) => Some(key.as_ref()),
        Step::Index(_) => None,
    });
    let Some(keys) = keys.collect::<Option<Vec<&str>>>() else { return Vec::new() };
    let values = config_values(&keys).into_iter();
    let strings = values.filter_map(|value| {
        let candidate = Candidate::text(unquoted(&value.toml)?, CompletionKind::Enum).described(&value.summary);
        Some(candidate.documented(docs::configured(&keys, &value.toml)))
    });
    strings.collect()
}

/// What the shape itself gives as strings: the default and the example.
fn given(key: &KeyShape) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for (text, what) in [(key.default, "default"), (key.example, "example")] {
        if let Some(value) = unquoted(text) {
            let candidate = Candidate::text(value, CompletionKind::Value).described(what);
            if !found.iter().any(|other| other.label == candidate.label) {
                found.push(candidate);
            }
        }
    }
    found
}

/// What a plain string of the shape's own texts says.
fn unquoted(toml: &str) -> Option<&str> {
    let text = toml.strip_prefix('"')?.strip_suffix('"')?;
    (!text.is_empty() && !text.contains(['"', '\\'])).then_some(text)
}

fn enums(
    asked: &Asked<'_, '_>,
    shape: &'static TableShape,
    key: &'static KeyShape,
    allowed: &'static [&'static str],
) -> Vec<Candidate> {
    let (free, taken) = known::split_enum(asked, allowed);
    let of = |value: &&'static str| {
        let candidate = Candidate::text(*value, CompletionKind::Enum).documented(docs::value(shape, key, value));
        let in_the_way = if asked.cx.manifest { known::in_the_way(asked, value) } else { None };
        candidate.refused(in_the_way.is_some(), in_the_way.unwrap_or_default())
    };
    let mut found: Vec<Candidate> = free.iter().map(of).collect();
    found.extend(taken.iter().map(|value| of(value).described("used already").refused(true, "refused: used already")));
    found
}

fn numbers(asked: &Asked<'_, '_>, shape: &'static TableShape, key: &'static KeyShape) -> Vec<Candidate> {
    let mut found = if asked.cx.manifest { known::numbers(asked) } else { Vec::new() };
    if found.is_empty() {
        for text in [key.default, key.example] {
            let number = Candidate::toml(Template::of(text), CompletionKind::Number);
            if !text.is_empty() && !found.iter().any(|other| other.label == number.label) {
                found.push(number);
            }
        }
    }
    for candidate in &mut found {
        if candidate.description.is_none() && candidate.label == key.default {
            candidate.description = Some("default".to_owned());
        }
        candidate.doc.get_or_insert_with(|| docs::key(shape, key));
    }
    found
}

fn flags(asked: &Asked<'_, '_>, shape: &'static TableShape, key: &'static KeyShape) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = if asked.cx.manifest { known::flags(asked) } else { Vec::new() };
    if found.is_empty() {
        let first = if key.example.is_empty() { "true" } else { key.example };
        let second = if first == "true" { "false" } else { "true" };
        found = [first, second].into_iter().map(flag).collect();
    }
    for candidate in &mut found {
        if candidate.description.is_none() && candidate.label == key.default {
            candidate.description = Some("default".to_owned());
        }
        candidate.doc.get_or_insert_with(|| docs::key(shape, key));
    }
    found
}

/// `true` or `false`.
pub(super) fn flag(word: &str) -> Candidate {
    Candidate::toml(Template::of(word), CompletionKind::Keyword)
}

/// A value for a new key.
pub(super) struct Filled {
    pub template: Template,
    /// Whether the plain text is not enough for a daemon, or is not meant.
    pub incomplete: bool,
    /// Whether there is more to choose from at the first place.
    pub retrigger: bool,
}

/// A value for the key at `path`, which is not there yet.
pub(super) fn filled(cx: &Cx<'_, '_>, path: &Path<'_>, shape: &'static TableShape, key: &'static KeyShape) -> Filled {
    let asked = Asked { cx, path, at: None };
    let done = |template| Filled { template, incomplete: false, retrigger: false };
    match key.ty {
        Type::String => of_texts(strings(&asked, shape, key), key),
        Type::Enum(allowed) => {
            let (free, taken) = known::split_enum(&asked, allowed);
            let incomplete = free.is_empty();
            let words = if incomplete { taken } else { free };
            Filled { incomplete, ..done(Template::of("\"").choice(words).text("\"")) }
        }
        Type::U32 | Type::U64 => {
            let found = numbers(&asked, shape, key);
            let best = found.iter().find(|candidate| candidate.preselect).or(found.first());
            let first = best.map_or_else(|| "0".to_owned(), |candidate| candidate.template().plain());
            done(Template::default().stop(first))
        }
        Type::Boolean => {
            let found: Vec<String> = flags(&asked, shape, key).into_iter().map(|flag| flag.label).collect();
            done(Template::default().choice(found.iter().map(String::as_str)))
        }
        Type::Strings => {
            let found = elements(&asked, shape, key);
            let first = found.iter().find(|candidate| candidate.is_whole());
            // A list that may not be empty starts with something.
            let plain = match (&first, key.required) {
                (Some(candidate), true) => candidate.template().plain(),
                (None, true) => key.example.trim_start_matches('[').trim_end_matches(']').to_owned(),
                _ => String::new(),
            };
            let retrigger = !found.is_empty();
            let template = match unquoted(&plain) {
                Some(text) => Template::of("[\"").stop(text).text("\"]"),
                None if plain.is_empty() => Template::default().list(),
                None => Template::of("[").stop(plain).text("]"),
            };
            Filled { retrigger, ..done(template) }
        }
        Type::Table(inner) => table(cx, path, inner),
        Type::Tables(inner) => {
            let filled = table(cx, &path.with(Step::Index(usize::MAX)), inner);
            Filled { template: Template::of("[").then(filled.template).text("]"), ..filled }
        }
        Type::Map(_) => done(Template::of("{").stop("").text("}")),
        Type::Schema => done(Template::of("{ type = \"object\"").stop("").text(" }")),
        Type::Any if cx.manifest => {
            let found = known::defaults(&asked);
            match found.first() {
                Some(first) => Filled { incomplete: !first.is_whole(), ..done(first.template()) },
                None => Filled { incomplete: true, ..done(Template::default().stop("\"\"")) },
            }
        }
        _ => {
            let first = [key.default, key.example].into_iter().find(|text| !text.is_empty()).unwrap_or("\"\"");
            done(Template::default().stop(first))
        }
    }
}

/// A string out of some: the only one to change, several to choose from.
fn of_texts(found: Vec<Candidate>, key: &'static KeyShape) -> Filled {
    let whole: Vec<&Candidate> = found.iter().filter(|candidate| candidate.is_whole()).collect();
    let text = |candidate: &Candidate| match &candidate.content {
        Content::Text(value) => value.clone(),
        Content::Toml(template) => template.plain(),
    };
    match (whole.first(), found.len()) {
        (Some(only), 1) => {
            Filled { template: Template::default().quoted(&text(only)), incomplete: false, retrigger: false }
        }
        // The first is at hand, and the others are shown.
        (Some(first), _) => {
            Filled { template: Template::default().quoted(&text(first)), incomplete: false, retrigger: true }
        }
        (None, 0) if key.required => {
            let example = unquoted(key.example).unwrap_or_default();
            Filled { template: Template::default().quoted(example), incomplete: example.is_empty(), retrigger: false }
        }
        (None, 0) => Filled { template: Template::default().quoted(""), incomplete: true, retrigger: false },
        (None, _) => {
            let prefix = found.first().map(text).unwrap_or_default();
            Filled { template: inside(&prefix), incomplete: true, retrigger: true }
        }
    }
}

fn inside(prefix: &str) -> Template {
    let spelled = string(prefix);
    Template::of(spelled.get(..spelled.len() - 1).unwrap_or_default()).stop("").text("\"")
}

/// An inline table with the keys that it needs.
pub(super) fn table(cx: &Cx<'_, '_>, path: &Path<'_>, shape: &'static TableShape) -> Filled {
    let mut template = Template::of("{");
    let mut incomplete = false;
    let first = known::first_keys(cx, shape);
    for (at, key) in shape.keys.iter().filter(|key| key.required || first.contains(&key.name)).enumerate() {
        let filled = filled(cx, &path.with(Step::Key(key.name.into())), shape, key);
        let lead = if at == 0 { " " } else { ", " };
        template = template.text(format!("{lead}{} = ", spelled(key.name))).then(filled.template);
        incomplete |= filled.incomplete;
    }
    let needs = !first.is_empty() || shape.keys.iter().any(|key| key.required);
    let template = if needs { template.text(" }") } else { template.stop("").text("}") };
    Filled { template, incomplete, retrigger: false }
}
