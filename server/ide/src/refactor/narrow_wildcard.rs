//! A wildcard narrowed to what runs were seen to use, or else to what the modules name, and its opt-in taken back when nothing needs it any more.

use skillyard_manifest::{
    Span, TextEdit,
    document::{Field, Node, NodeKind, Origin, Table, string},
    edits, grammar,
    shape::ROOT,
    view::View,
};

use super::{Asked, Offer, REWRITE, Refactoring, Resolved, data_of, has_comments, is_manifest, path_of};
use crate::{Facts, Meaning, Path, Source};

pub(super) static NARROW_WILDCARD: Refactoring = Refactoring {
    id: "narrow_wildcard",
    kind: REWRITE,
    title: "Narrow a wildcard to what the last runs used or the modules name",
    offer,
    resolve,
};

/// Names that take the place of one wildcard at most.
const MAX_NAMES: usize = 200;

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    let source = asked.source;
    let Some(place) = asked.place.as_ref().filter(|_| asked.is_manifest()) else { return };
    let path = &place.mention.path;
    let Some((kind, wild)) = asked_for(source, path) else { return };
    let found = narrowed(source, kind, &wild, asked.facts);
    let title = match (wild.as_slice(), &found) {
        ([one], Ok(Narrowed { names, seen, .. })) => {
            let shown = one.node.as_str().map(skillyard_manifest::quoted).unwrap_or_default();
            let first: Vec<String> = names.iter().take(3).map(|name| skillyard_manifest::quoted(name)).collect();
            let more = if names.len() > first.len() {
                format!(" and {} more", names.len() - first.len())
            } else {
                String::new()
            };
            let who = match seen {
                Seen::InRuns => "which the last runs used",
                Seen::InModules => "which its modules name",
            };
            format!("Narrow {shown} to {}{more}, {who}", first.join(", "))
        }
        _ => NARROW_WILDCARD.title.to_owned(),
    };
    offers.push(Offer {
        id: NARROW_WILDCARD.id,
        title,
        kind: NARROW_WILDCARD.kind,
        data: data_of(path),
        disabled: found.err().map(str::to_owned),
        about_file: false,
    });
}

fn resolve(source: &Source<'_>, data: &str, facts: &Facts) -> Option<Resolved> {
    let path = path_of(data).filter(|_| is_manifest(source))?;
    let (kind, wild) = asked_for(source, &path)?;
    narrowed(source, kind, &wild, facts).ok().map(|narrowed| Resolved::of(narrowed.edits))
}

/// What runs tell the use of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hosts,
    Secrets,
}

impl Kind {
    fn flag(self) -> &'static str {
        match self {
            Self::Hosts => "http_egress",
            Self::Secrets => "secrets",
        }
    }
}

/// A string with `*`, with what is around it.
struct Wild<'s, 't> {
    node: &'s Node<'t>,
    /// The list that it is in.
    list: &'s [Node<'t>],
    /// Whose secret it is, trimmed.
    scope: Option<&'s str>,
}

/// The wildcards that a path asks for: the one that it leads to, or all that the opt-in at it is for.
fn asked_for<'s, 't>(source: &'s Source<'t>, path: &Path<'_>) -> Option<(Kind, Vec<Wild<'s, 't>>)> {
    let node = source.node(path)?;
    match source.meaning(path) {
        Meaning::Listed(shape, key) => {
            let kind = match (shape.path, key.name) {
                ("capabilities", "http_egress_allowlist") => Kind::Hosts,
                ("capabilities.secrets[]", "key_names") => Kind::Secrets,
                _ => return None,
            };
            let one = all(source, kind).into_iter().find(|wild| wild.node.span == node.span)?;
            Some((kind, vec![one]))
        }
        Meaning::Key(shape, key) if shape.path == "capabilities.wildcard_opt_in" => {
            let kind = [Kind::Hosts, Kind::Secrets].into_iter().find(|kind| kind.flag() == key.name)?;
            Some((kind, all(source, kind))).filter(|(_, wild)| !wild.is_empty())
        }
        _ => None,
    }
}

/// All wildcards of a kind.
fn all<'s, 't>(source: &'s Source<'t>, kind: Kind) -> Vec<Wild<'s, 't>> {
    let root = View::of_table(&source.document.root, Span::at(0), &ROOT);
    let Some(capabilities) = root.table("capabilities") else { return Vec::new() };
    let wild = |list: &'s [Node<'t>], scope: Option<&'s str>| {
        let is_wild = |node: &&Node<'_>| node.as_str().is_some_and(|text| text.contains('*'));
        list.iter().filter(is_wild).map(move |node| Wild { node, list, scope }).collect::<Vec<_>>()
    };
    let list = |view: View<'s, 't>, key: &str| view.get(key).and_then(|item| item.node.as_array()).unwrap_or_default();
    match kind {
        Kind::Hosts => wild(list(capabilities, "http_egress_allowlist"), None),
        Kind::Secrets => {
            let secrets = capabilities.tables("secrets").into_iter();
            secrets
                .flat_map(|view| wild(list(view, "key_names"), view.text("scope").map(|scope| scope.trimmed())))
                .collect()
        }
    }
}

/// Where names were seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    InRuns,
    InModules,
}

/// What was seen of what a wildcard covers: by runs, or in the modules where no run used any of it.
fn used(kind: Kind, wild: &Wild<'_, '_>, facts: &Facts) -> (Vec<String>, Seen) {
    let pattern = wild.node.as_str().unwrap_or_default().trim();
    let hosts = |seen: &[String]| -> Vec<String> {
        seen.iter()
            .map(|host| grammar::normalize_host(host))
            .filter(|host| grammar::is_host(host) && covers_host(pattern, host))
            .collect()
    };
    let mut seen = Seen::InRuns;
    let mut names: Vec<String> = match kind {
        Kind::Hosts => {
            let called = hosts(&facts.hosts_called);
            if called.is_empty() {
                seen = Seen::InModules;
                hosts(&facts.hosts_named)
            } else {
                called
            }
        }
        Kind::Secrets => facts
            .secrets_read
            .iter()
            .filter(|(scope, key)| Some(scope.as_str()) == wild.scope && covers_key(pattern, key))
            .map(|(_, key)| key.clone())
            .filter(|key| grammar::is_identifier(key) && !key.contains('*'))
            .collect(),
    };
    names.sort();
    names.dedup();
    (names, seen)
}

/// Whether an entry with `*` grants a host: `*` any name, `*.` one label more.
fn covers_host(pattern: &str, host: &str) -> bool {
    let pattern = grammar::normalize_host(pattern);
    pattern == "*"
        || pattern.strip_prefix("*.").is_some_and(|suffix| {
            !suffix.contains('*')
                && host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == suffix)
        })
}

/// Whether a key name with `*` covers another: each `*` stands for any text.
fn covers_key(pattern: &str, key: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| key.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Wildcards with what was seen in their place.
struct Narrowed {
    edits: Vec<TextEdit>,
    /// What that is, sorted.
    names: Vec<String>,
    /// Where that of the last wildcard was seen.
    seen: Seen,
}

/// The edits that put what was seen in the place of wildcards; why it cannot be done.
fn narrowed(source: &Source<'_>, kind: Kind, wild: &[Wild<'_, '_>], facts: &Facts) -> Result<Narrowed, &'static str> {
    let mut last_seen = Seen::InRuns;
    let text = source.text;
    let mut edits: Vec<TextEdit> = Vec::new();
    let mut all_names: Vec<String> = Vec::new();
    // What a list names by now, by the place of the list.
    let mut named: Vec<(usize, String)> = Vec::new();
    for one in wild {
        let (names, seen) = used(kind, one, facts);
        last_seen = seen;
        if names.is_empty() {
            return Err(match kind {
                Kind::Hosts => {
                    "the last runs called no host that it covers, and no module names one: run the tool first"
                }
                Kind::Secrets => "the last runs read no secret that it covers: run the tool first",
            });
        }
        if names.len() > MAX_NAMES {
            return Err("too many names were seen for a list");
        }
        let list = one.list.first().map_or(0, |first| first.span.start);
        let known = |name: &String| {
            one.list.iter().any(|other| {
                other.as_str().is_some_and(|other| match kind {
                    Kind::Hosts => grammar::normalize_host(other) == *name,
                    Kind::Secrets => other.trim() == name,
                })
            })
        };
        let new: Vec<String> =
            names.iter().filter(|name| !known(name) && !named.contains(&(list, (*name).clone()))).cloned().collect();
        named.extend(new.iter().map(|name| (list, name.clone())));
        all_names.extend(names);
        if new.is_empty() {
            edits.push(edits::remove_listed(text, &source.document.comments, one.node.span));
            continue;
        }
        // A line each where the wildcard has one.
        let lead = text.get(edits::line_start(text, one.node.span.start)..one.node.span.start).unwrap_or_default();
        let gap = if lead.trim().is_empty() { format!(",{}{lead}", edits::newline(text)) } else { ", ".to_owned() };
        let names: Vec<String> = new.iter().map(|name| string(name)).collect();
        edits.push(edits::replace(one.node.span, names.join(&gap)));
    }
    if all(source, kind).len() == wild.len() {
        edits.extend(without_opt_in(source, kind.flag()));
    }
    edits.sort_by_key(|edit| edit.span);
    let overlap = edits.windows(2).any(|pair| matches!(pair, [a, b] if b.span.start < a.span.end));
    if overlap {
        return Err("they stand too close together: narrow one after the other");
    }
    all_names.sort();
    all_names.dedup();
    Ok(Narrowed { edits, names: all_names, seen: last_seen })
}

/// The edit that takes an opt-in back: its key, or the whole table where that holds nothing else.
fn without_opt_in(source: &Source<'_>, flag: &str) -> Option<TextEdit> {
    let text = source.text;
    let root = View::of_table(&source.document.root, Span::at(0), &ROOT);
    let capabilities = root.table("capabilities")?;
    let opt_in = capabilities.table("wildcard_opt_in")?;
    let item = opt_in.get(flag)?;
    let (Some(field), Some(table)) = (item.field, opt_in.as_table()) else {
        // In an array of values each has its place.
        return Some(edits::replace(item.node.span, "false"));
    };
    let whole = capabilities.get("wildcard_opt_in").and_then(|item| item.field);
    if let (1, Some(whole), Some(around)) = (table.fields.len(), whole, capabilities.as_table())
        && let Some(edit) = without_table(source, whole, around)
    {
        return Some(edit);
    }
    Some(edits::remove_field(text, &source.document.comments, field, table))
}

/// The edit that removes a table of one key, where no comments would go with it.
fn without_table(source: &Source<'_>, field: &Field<'_>, around: &Table<'_>) -> Option<TextEdit> {
    let NodeKind::Table(table) = &field.value.kind else { return None };
    let text = source.text;
    match table.origin {
        Origin::Header => {
            let span = edits::section(text, &source.document, field.value.span)?;
            (!has_comments(source, span, &[])).then(|| edits::replace(span, ""))
        }
        Origin::Inline => (!has_comments(source, field.value.span, &[]))
            .then(|| edits::remove_field(text, &source.document.comments, field, around)),
        Origin::Dotted | Origin::Implicit => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{after_with, offers},
        *,
    };

    fn seen() -> Facts {
        let pair = |scope: &str, key: &str| (scope.to_owned(), key.to_owned());
        Facts {
            hosts_called: ["API.acme.example.", "a.b.acme.example", "other.example", "10.0.0.1:80"]
                .map(str::to_owned)
                .to_vec(),
            secrets_read: vec![
                pair("global", "api_key"),
                pair("global", "x"),
                pair("skill:acme.s", "own"),
                pair("global", "B AD"),
            ],
            ..Facts::default()
        }
    }

    fn narrow(marked: &str) -> String {
        after_with("narrow_wildcard", marked, &seen())
    }

    #[test]
    fn a_wildcard_becomes_what_it_was_used_for() {
        assert_eq!(
            narrow(
                "[capabilities]\nhttp_egress_allowlist = [\"$0*\"]\n\n[capabilities.wildcard_opt_in]\nhttp_egress = true\n\n[compat]\n"
            ),
            "[capabilities]\nhttp_egress_allowlist = [\"a.b.acme.example\", \"api.acme.example\", \"other.example\"]\n\n[compat]\n"
        );
        // One label only; what is named already stays named once; another wildcard keeps the opt-in.
        assert_eq!(
            narrow(
                "[capabilities]\nhttp_egress_allowlist = [\n  \"*.ac$0me.example\", # all\n  \"*.b.example\",\n]\nwildcard_opt_in = { http_egress = true }\n"
            ),
            "[capabilities]\nhttp_egress_allowlist = [\n  \"api.acme.example\", # all\n  \"*.b.example\",\n]\nwildcard_opt_in = { http_egress = true }\n"
        );
        assert_eq!(
            narrow(
                "capabilities = { http_egress_allowlist = [\"$0*.acme.example\", \"api.acme.example\"], wildcard_opt_in = { http_egress = true } }\n"
            ),
            "capabilities = { http_egress_allowlist = [\"api.acme.example\"] }\n"
        );
        assert_eq!(
            narrow(
                "capabilities = { http_egress_allowlist = [\"$0*.acme.example\"], wildcard_opt_in = [false, true] }\n"
            ),
            "capabilities = { http_egress_allowlist = [\"api.acme.example\"], wildcard_opt_in = [false, false] }\n"
        );
    }

    #[test]
    fn secrets_are_those_of_their_scope() {
        let head = "[[capabilities.secrets]]\nscope = \"global\"\n";
        assert_eq!(
            narrow(&format!(
                "{head}key_names = [\"a*$0\", \"x\"]\n[capabilities.wildcard_opt_in]\nsecrets = true\ndevice = false # no\n"
            )),
            format!("{head}key_names = [\"api_key\", \"x\"]\n[capabilities.wildcard_opt_in]\ndevice = false # no\n")
        );
        // From the opt-in all at once.
        assert_eq!(
            narrow(&format!(
                "{head}key_names = [\"*\"]\n[[capabilities.secrets]]\nscope = \"skill:acme.s\"\nkey_names = [\"*\"]\n\
                 [capabilities.wildcard_opt_in]\n# why\nsecre$0ts = true\n"
            )),
            format!(
                "{head}key_names = [\"api_key\", \"x\"]\n[[capabilities.secrets]]\nscope = \"skill:acme.s\"\nkey_names = [\"own\"]\n\
                 [capabilities.wildcard_opt_in]\n# why\n"
            )
        );
    }

    #[test]
    fn what_no_run_used_becomes_what_the_modules_name() {
        let marked = "[capabilities]\nhttp_egress_allowlist = [\"*.ac$0me.example\"]\n";
        let hosts_named = ["api.acme.example", "docs.example", "mail.acme.example"].map(str::to_owned).to_vec();
        let facts = Facts { hosts_named, ..Facts::default() };
        assert_eq!(
            offers("narrow_wildcard", marked, &facts)[0].title,
            "Narrow `*.acme.example` to `api.acme.example`, `mail.acme.example`, which its modules name"
        );
        assert_eq!(
            after_with("narrow_wildcard", marked, &facts),
            "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\", \"mail.acme.example\"]\n"
        );
        // What ran knows better.
        let facts = Facts { hosts_called: vec!["api.acme.example".to_owned()], ..facts };
        assert_eq!(
            offers("narrow_wildcard", marked, &facts)[0].title,
            "Narrow `*.acme.example` to `api.acme.example`, which the last runs used"
        );
    }

    #[test]
    fn without_a_run_nothing_is_known() {
        let marked = "[capabilities]\nhttp_egress_allowlist = [\"$0*\"]\n";
        let offer = &offers("narrow_wildcard", marked, &Facts::default())[0];
        assert!(offer.disabled.as_ref().is_some_and(|why| why.contains("run the tool")), "{offer:?}");
        assert_eq!(offers("narrow_wildcard", "[capabilities]\nhttp_egress_allowlist = [\"$0a.b\"]\n", &seen()), []);
        assert_eq!(offers("narrow_wildcard", "[capabilities.wildcard_opt_in]\nhttp_eg$0ress = true\n", &seen()), []);
    }

    #[test]
    fn patterns_cover() {
        for (pattern, key, is) in [
            ("*", "a", true),
            ("a*", "ab", true),
            ("a*", "ba", false),
            ("a*b*c", "aXbYc", true),
            ("a*b", "ab", true),
            ("ab*b", "ab", false),
        ] {
            assert_eq!(covers_key(pattern, key), is, "{pattern} {key}");
        }
        for (pattern, host, is) in [
            ("*", "a", true),
            ("*.b.c", "a.b.c", true),
            ("*.b.c", "b.c", false),
            ("*.b.c", "x.a.b.c", false),
            ("a.*", "a.b", false),
            ("*.*", "a.b", false),
        ] {
            assert_eq!(covers_host(pattern, host), is, "{pattern} {host}");
        }
    }
}
