//! What the checks of lists and names share.

use std::{collections::HashMap, hash::Hash, ops::Range};

use super::{Context, Rule, identity, latin_look};
use crate::{diagnostic::Tag, grammar, show, view::Text};

/// The type of a manifest or a schema that programming languages call `name`, in lower case.
pub(super) fn usual_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "str" | "text" => "string",
        "int" => "integer",
        "float" | "double" => "number",
        "bool" => "boolean",
        _ => return None,
    })
}

/// The elements whose key an earlier one has, each behind that first one.
pub(super) fn repeated<K: Eq + Hash, T: Copy>(items: impl IntoIterator<Item = (K, T)>) -> Vec<(T, T)> {
    let mut firsts = HashMap::new();
    let mut repeated = Vec::new();
    for (key, item) in items {
        match firsts.get(&key) {
            Some(first) => repeated.push((*first, item)),
            None => {
                firsts.insert(key, item);
            }
        }
    }
    repeated
}

/// Reports the elements of a list whose key an earlier one has.
pub(super) fn report_repeated<'d, 't: 'd>(
    cx: &mut Context<'_, '_>,
    rule: &'static Rule,
    items: impl IntoIterator<Item = (String, Text<'d, 't>)>,
) {
    for (first, again) in repeated(items) {
        let message = if first.value == again.value {
            format!("{} is listed twice: remove one", show::quoted(again.value))
        } else {
            format!("{} is the same as {}: remove one", show::quoted(again.value), show::quoted(first.value))
        };
        let edit = cx.remove_listed(again.node);
        cx.report(rule, again.span(), message)
            .related(first.span(), "first here")
            .tag(Tag::Unnecessary)
            .safe_fix("Remove the repetition", vec![edit]);
    }
}

/// The range of the white space around what `value` says: at one end, or the whole where it is at both.
pub(super) fn untrimmed(value: &str) -> Option<Range<usize>> {
    let start = value.len() - value.trim_start().len();
    let end = value.trim_end().len();
    match (start > 0, end < value.len()) {
        (true, false) => Some(0..start),
        (false, true) => Some(end..value.len()),
        (true, true) => Some(0..value.len()),
        (false, false) => None,
    }
}

/// Reports white space around a string that a daemon takes. `why` says what it does; `same`
/// whether the string surely means the same without: a wildcard that matches nothing may match much then.
pub(super) fn report_untrimmed(
    cx: &mut Context<'_, '_>,
    rule: &'static Rule,
    text: Text<'_, '_>,
    why: &str,
    same: bool,
) {
    let Some(range) = untrimmed(text.value) else { return };
    let edit = cx.set_string(text.node, text.trimmed());
    let span = cx.inside(text.node, range);
    let finding = cx.report(rule, span, format!("white space around {}: {why}", show::quoted(text.trimmed())));
    identity::fix(finding, same, "Remove the white space", vec![edit]);
}

/// The first run of characters of `value` for which `is` holds.
pub(super) fn first_run(value: &str, is: impl Fn(char) -> bool) -> Option<Range<usize>> {
    let start = value.find(&is)?;
    let rest = value.get(start..)?;
    let len = rest.find(|c| !is(c)).unwrap_or(rest.len());
    Some(start..start + len)
}

/// Reports a name that is no identifier, at the characters that are wrong. `what` names it with its article; `only` is
/// one that its list cannot do without.
pub(super) fn report_bad_name(
    cx: &mut Context<'_, '_>,
    rule: &'static Rule,
    text: Text<'_, '_>,
    what: &str,
    only: bool,
) {
    let trimmed = text.trimmed();
    if trimmed.is_empty() {
        let edit = (!only).then(|| cx.remove_listed(text.node));
        cx.report(rule, text.span(), format!("{what} is empty: name one, or remove it"))
            .unsafe_fix("Remove it", edit.into_iter().collect());
        return;
    }
    let skipped = text.value.len() - text.value.trim_start().len();
    let run = first_run(trimmed, |c| !grammar::is_identifier_char(c)).unwrap_or(0..trimmed.len());
    let shown = show::quoted(trimmed.get(run.clone()).unwrap_or_default());
    let span = cx.inside(text.node, run.start + skipped..run.end + skipped);
    let lower = trimmed.to_ascii_lowercase();
    let plain = |c: char| latin_look(c).map_or(c, |c| c.to_ascii_lowercase());
    let mapped = lower.chars().map(plain).map(|c| if grammar::is_identifier_char(c) { c } else { '_' });
    let mapped: String = mapped.collect();
    let edit = cx.set_string(text.node, &mapped);
    let finding = cx.report(rule, span, format!("{shown} cannot stand in {what}: use `a-z 0-9 . _ - :`"));
    if mapped == lower {
        finding.safe_fix("Write it in lower case", vec![edit]);
    } else if mapped.contains(|c: char| c.is_ascii_alphanumeric()) {
        finding.unsafe_fix(format!("Write `{}`", show::plain(&mapped)), vec![edit]);
    }
}
