//! The keys of the table at hand that are not there yet.

use std::borrow::Cow;

use skillyard_manifest::{
    document::{NodeKind, Origin, Table, spelled, string},
    shape::{KeyShape, TableShape, Type},
};

use super::{
    Completion, CompletionKind, Cx, completion,
    context::{KeySpot, Next},
    docs, entries_below, headers, known, schema, shown,
    template::Template,
    values::{Filled, filled},
};
use crate::{Meaning, Step};

/// The completions of a key.
pub(super) fn at(cx: &Cx<'_, '_>, spot: &KeySpot<'_>) -> Vec<Completion> {
    let table = cx.source.table(&spot.table);
    // A dotted key cannot reach into a table with a header or braces of its own.
    let open = !spot.dotted || table.is_none_or(|table| matches!(table.origin, Origin::Dotted | Origin::Implicit));
    let mut found = Vec::new();
    if open {
        match cx.source.meaning(&spot.table) {
            Meaning::Table(shape) => of_shape(cx, spot, table, shape, &mut found),
            Meaning::Key(_, key) => match key.ty {
                Type::Table(inner) | Type::Tables(inner) => of_shape(cx, spot, table, inner, &mut found),
                Type::Map(inner) => of_map(cx, spot, table, inner, &mut found),
                Type::Values(_) => of_values(cx, spot, table, &mut found),
                Type::Schema => schema::keys(cx, spot, 0, &mut found),
                _ => {}
            },
            Meaning::InSchema(_, steps) => schema::keys(cx, spot, steps, &mut found),
            Meaning::Listed(..) | Meaning::Free(_) | Meaning::Unknown => {}
        }
    }
    if spot.lines && !spot.dotted && spot.word.quote.is_none() && spot.next == Next::End {
        headers::on_line(cx, spot, &mut found);
    }
    if spot.next != Next::End {
        for done in &mut found {
            done.contradicts = in_place_of(cx, spot, table, done);
        }
    }
    found
}

/// Why a daemon refuses what a key makes of the value behind the one that it takes the place of.
fn in_place_of(
    cx: &Cx<'_, '_>,
    spot: &KeySpot<'_>,
    table: Option<&Table<'_>>,
    done: &Completion,
) -> Option<&'static str> {
    let shape = match cx.source.meaning(&spot.table) {
        Meaning::Table(shape) => Some(shape),
        Meaning::Key(_, key) => match key.ty {
            Type::Table(inner) | Type::Tables(inner) => Some(inner),
            _ => None,
        },
        _ => None,
    };
    let old = table.and_then(|table| table.fields.iter().find(|(_, field)| field.key == spot.word.span));
    let new = shape.and_then(|shape| shape.key(&done.label));
    let why = old.zip(new).and_then(|((name, field), (at, key))| {
        let needed = || shape?.key(name).filter(|(old, key)| *old != at && key.required);
        misfit(&field.value.kind, key.ty).or_else(|| needed().map(|_| "refused: takes the place of a required key"))
    });
    match cx.refuses(done) {
        Some(true) => Some(why.unwrap_or("refused: the value there does not fit")),
        Some(false) => None,
        // In what is refused anyway, what cannot fit is all that can be told.
        None => why,
    }
}

/// What is to be said of a value that a key of this type cannot have.
fn misfit(kind: &NodeKind<'_>, ty: Type) -> Option<&'static str> {
    let fits = match kind {
        NodeKind::Invalid => true,
        NodeKind::String(_) => matches!(ty, Type::String | Type::Enum(_)),
        NodeKind::Integer(_) => matches!(ty, Type::U32 | Type::U64),
        NodeKind::Boolean(_) => matches!(ty, Type::Boolean),
        NodeKind::Float(_) | NodeKind::DateTime => false,
        // A daemon reads an array as a table of its values, and a table of one key as one of a few strings.
        NodeKind::Array(_) => !matches!(ty, Type::String | Type::U32 | Type::U64 | Type::Boolean),
        NodeKind::Table(_) => !matches!(ty, Type::String | Type::U32 | Type::U64 | Type::Boolean | Type::Strings),
    };
    if fits || matches!(ty, Type::Any) {
        return None;
    }
    match kind {
        NodeKind::String(_) => Some("refused: the value there is a string"),
        NodeKind::Integer(_) => Some("refused: the value there is an integer"),
        NodeKind::Float(_) => Some("refused: the value there is a float"),
        NodeKind::Boolean(_) => Some("refused: the value there is a boolean"),
        NodeKind::DateTime => Some("refused: the value there is a date-time"),
        NodeKind::Array(_) => Some("refused: the value there is an array"),
        NodeKind::Table(_) => Some("refused: the value there is a table"),
        NodeKind::Invalid => None,
    }
}

/// Whether a key is there, elsewhere than at the cursor.
pub(super) fn is_there(spot: &KeySpot<'_>, table: Option<&Table<'_>>, key: &str) -> bool {
    table.and_then(|table| table.get(key)).is_some_and(|field| field.key != spot.word.span)
}

/// Whether a key is there as a table of dotted keys, which can be added to.
pub(super) fn is_dotted(table: Option<&Table<'_>>, key: &str) -> bool {
    let field = table.and_then(|table| table.get(key));
    field.is_some_and(|field| match &field.value.kind {
        NodeKind::Table(inner) => inner.origin == Origin::Dotted,
        _ => false,
    })
}

/// A key as it is written where the cursor is, with the quotes that are there.
fn as_typed(spot: &KeySpot<'_>, name: &str) -> String {
    match spot.word.quote {
        Some(quote) if quote.mark == '\'' && !name.contains(|c: char| c == '\'' || c.is_control()) => {
            format!("'{name}'")
        }
        Some(_) => string(name),
        None => spelled(name),
    }
}

/// A key that may be typed.
pub(super) struct Named<'n> {
    pub name: Cow<'n, str>,
    pub kind: CompletionKind,
    pub detail: Option<String>,
    pub description: Option<String>,
    pub doc: Option<String>,
    /// What stands behind the `=`.
    pub value: Filled,
    /// What stands behind the key instead of ` = ` and the value: `.name = …`.
    pub instead: Option<Template>,
    pub sort: String,
}

/// The completion of a key.
pub(super) fn named(spot: &KeySpot<'_>, key: Named<'_>) -> Completion {
    let typed = as_typed(spot, &key.name);
    let alone = spot.next != Next::End;
    let template = match (alone, key.instead) {
        (true, _) => Template::of(typed),
        (false, Some(rest)) => Template::of(typed).then(rest),
        (false, None) => Template::of(format!("{typed} = ")).then(key.value.template),
    };
    let mut done = completion(shown(&key.name), key.kind, spot.word.span, &template, &spot.around);
    done.detail = key.detail;
    done.description = key.description;
    done.documentation = key.doc;
    done.filter = match spot.word.quote {
        Some(quote) => format!("{}{}", quote.mark, key.name),
        None => key.name.into_owned(),
    };
    done.sort = key.sort;
    done.incomplete = !alone && key.value.incomplete;
    done.retrigger = !alone && key.value.retrigger;
    done
}

fn of_shape(
    cx: &Cx<'_, '_>,
    spot: &KeySpot<'_>,
    table: Option<&Table<'_>>,
    shape: &'static TableShape,
    found: &mut Vec<Completion>,
) {
    let sections = spot.next == Next::End && spot.word.quote.is_none() && !entries_below(cx.source, spot.word.span.end);
    for (rank, key) in shape.keys.iter().enumerate() {
        let alias_there = key.alias.is_some_and(|alias| is_there(spot, table, alias));
        if is_there(spot, table, key.name) || alias_there {
            if spot.lines && is_dotted(table, key.name) && spot.next == Next::End {
                found.push(more(spot, key, rank, shape));
            }
            continue;
        }
        // At the top a section says the same and reads better, where one can stand.
        let as_section = cx.manifest && shape.path.is_empty() && spot.lines && is_table(key) && sections;
        if (spot.next == Next::Dot && !is_table(key))
            || as_section
            || (cx.manifest && known::is_left_out(cx, shape, key))
        {
            continue;
        }
        let path = spot.table.with(Step::Key(key.name.into()));
        let name = |name: &'static str, group: usize, rank: usize| Named {
            name: name.into(),
            kind: if is_table(key) { CompletionKind::Table } else { CompletionKind::Key },
            detail: Some(detail(key)),
            description: known::of_key(cx, shape, key),
            doc: Some(docs::key(shape, key)),
            value: filled(cx, &path, shape, key),
            instead: None,
            sort: format!("{group}{rank:04}"),
        };
        let group = match (key.required, is_table(key) && spot.lines) {
            (true, false) => 0,
            (false, false) if cx.manifest && known::is_needed(cx, shape, key) => 0,
            (false, false) => 1,
            // Sections are better to read, where one can stand.
            (true, true) => 0,
            (false, true) => 5,
        };
        // What has to be there as a table stands behind its section, in front of what may be there.
        let rank = if group == 0 && is_table(key) && spot.lines { headers::NEAR + 1000 + rank } else { rank };
        found.push(named(spot, name(key.name, group, rank)));
        if let Some(alias) = key.alias {
            // Who types the old name gets the new one.
            let mut old = named(spot, name(key.name, 8, rank));
            old.label = alias.to_owned();
            old.filter = match spot.word.quote {
                Some(quote) => format!("{}{alias}", quote.mark),
                None => alias.to_owned(),
            };
            old.deprecated = true;
            old.description = Some(format!("now {}", key.name));
            found.push(old);
        }
    }
}

pub(super) fn is_table(key: &KeyShape) -> bool {
    matches!(key.ty, Type::Table(_) | Type::Tables(_) | Type::Map(_) | Type::Schema)
}

/// One more dotted key of a table that is written with them.
fn more(spot: &KeySpot<'_>, key: &'static KeyShape, rank: usize, shape: &'static TableShape) -> Completion {
    let value = Filled { template: Template::default(), incomplete: true, retrigger: true };
    let mut done = named(
        spot,
        Named {
            name: key.name.into(),
            kind: CompletionKind::Table,
            detail: Some(detail(key)),
            description: None,
            doc: Some(docs::key(shape, key)),
            value,
            instead: Some(Template::of(".")),
            sort: format!("6{rank:04}"),
        },
    );
    done.label.push('.');
    done
}

/// The type of a key in short, and whether it has to be there.
pub(super) fn detail(key: &KeyShape) -> String {
    let ty = match key.ty {
        Type::String => "string",
        Type::Enum(_) => "one of a few strings",
        Type::U32 | Type::U64 => "integer",
        Type::Boolean => "boolean",
        Type::Strings => "list of strings",
        Type::Table(_) | Type::Map(_) => "table",
        Type::Tables(_) => "list of tables",
        Type::Schema => "JSON Schema",
        _ => "value",
    };
    match (key.required, key.default) {
        (true, _) => format!("{ty}, required"),
        (false, "") => ty.to_owned(),
        (false, default) => format!("{ty}, default {default}"),
    }
}

/// The keys of a table whose keys name what they set.
fn of_values(cx: &Cx<'_, '_>, spot: &KeySpot<'_>, table: Option<&Table<'_>>, found: &mut Vec<Completion>) {
    let keys = super::values::configured(cx, &spot.table).into_iter().enumerate();
    for (rank, key) in keys.filter(|(_, key)| !is_there(spot, table, &key.label)) {
        let value = Filled { template: Template::default().quoted(""), incomplete: true, retrigger: true };
        found.push(named(
            spot,
            Named {
                name: key.label.into(),
                kind: CompletionKind::Reference,
                detail: None,
                description: key.description,
                doc: key.doc,
                value,
                instead: None,
                sort: format!("{rank:04}"),
            },
        ));
    }
}

/// The keys of a table whose keys the author names: those that something asks for.
fn of_map(
    cx: &Cx<'_, '_>,
    spot: &KeySpot<'_>,
    table: Option<&Table<'_>>,
    inner: &'static TableShape,
    found: &mut Vec<Completion>,
) {
    for (rank, name) in known::wanted(cx, &spot.table).into_iter().enumerate() {
        if is_there(spot, table, &name) {
            continue;
        }
        let path = spot.table.with(Step::Key(Cow::Owned(name.clone())));
        let value = super::values::table(cx, &path, inner);
        found.push(named(
            spot,
            Named {
                name: name.into(),
                kind: CompletionKind::Reference,
                detail: Some("table".to_owned()),
                description: Some("required".to_owned()),
                doc: Some(docs::table(inner)),
                value,
                instead: None,
                sort: format!("0{rank:04}"),
            },
        ));
    }
}
