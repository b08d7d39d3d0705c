//! What calls of the tools have shown, at its places in the manifest: what was granted and not used, quotas far from what
//! was used. What the manifest no longer says is not shown.

use skillyard_manifest::{
    Diagnostic, Fix, Options, Span, TextEdit,
    document::Node,
    edits,
    elsewhere::Elsewhere,
    outline, quoted,
    rules::{Rule, finding},
};

use crate::source::{Path, Source, Step};

/// A thing that a call has shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The rule that it is told by.
    pub rule: &'static Rule,
    /// The manifest's key, dotted.
    pub key: String,
    /// The element of a list that it is about, a secret as `scope/key`; a tool's id, behind `entrypoints.tools`.
    pub value: Option<String>,
    /// For a person, on one line, what comes from the skill escaped.
    pub message: String,
    /// The number that counted for the call, of a quota.
    pub limit: Option<u64>,
    /// The number that would do better, of a quota.
    pub advised: Option<u64>,
}

/// What calls of several tools have shown together, each list of one tool: unused is what no call used, a quota is loose
/// that is so for all of them.
#[must_use]
pub fn together<'l>(lists: impl IntoIterator<Item = &'l [Shown]> + Clone) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    for shown in lists.clone().into_iter().flatten() {
        let same = |other: &&Shown| (other.rule, &other.key, &other.value) == (shown.rule, &shown.key, &shown.value);
        let everywhere = || lists.clone().into_iter().all(|list| list.iter().any(|other| same(&other)));
        if all.iter().any(|other| same(&other)) || !(about_one(shown.rule) || everywhere()) {
            continue;
        }
        // Of several calls the one that used most says what a quota should be.
        let most = lists.clone().into_iter().flatten().filter(same).max_by_key(|other| other.advised);
        all.push(most.unwrap_or(shown).clone());
    }
    all
}

/// Whether one call is enough to say it.
fn about_one(rule: &Rule) -> bool {
    !matches!(rule.code, "run/unused-grant" | "run/loose-quota")
}

/// What was shown, as findings in the text with their fixes, in the order of the text.
#[must_use]
pub fn diagnostics(source: &Source<'_>, shown: &[Shown], options: &Options) -> Vec<Diagnostic> {
    let elsewhere = Elsewhere::new(source.text, options);
    let mut found: Vec<Diagnostic> = shown.iter().filter_map(|shown| place(source, shown, &elsewhere)).collect();
    found.sort_by(|a, b| (a.span, a.rule.code).cmp(&(b.span, b.rule.code)));
    found
}

fn place(source: &Source<'_>, shown: &Shown, elsewhere: &Elsewhere<'_>) -> Option<Diagnostic> {
    let (span, fix) = match (&shown.value, shown.limit) {
        (Some(id), _) if shown.key == "entrypoints.tools" => {
            let tool = outline::tools(source.text).into_iter().find(|tool| tool.id == *id)?;
            (tool.span, None)
        }
        (Some(name), _) if shown.key == "capabilities.secrets" => secret(source, name)?,
        (Some(value), _) => element(source, &path(&shown.key), value)?,
        (None, Some(limit)) => quota(source, shown, limit)?,
        (None, None) => (source.field(&path(&shown.key))?.key, None),
    };
    let mut diagnostic = finding(shown.rule, span, shown.message.clone());
    diagnostic.fixes.extend(fix);
    elsewhere.is_reported(&mut diagnostic).then_some(diagnostic)
}

fn path(key: &str) -> Path<'_> {
    Path(key.split('.').map(|part| Step::Key(part.into())).collect())
}

fn unsafe_fix(title: String, edits: Vec<TextEdit>) -> Option<Fix> {
    Some(Fix { title, safe: false, edits })
}

/// The strings of an array that say `value`, as a daemon reads them: without white space around.
fn listed<'s>(items: &'s [Node<'_>], value: &'s str) -> impl Iterator<Item = Span> + 's {
    items.iter().filter(move |item| item.as_str().is_some_and(|text| text.trim() == value)).map(|item| item.span)
}

fn element(source: &Source<'_>, list: &Path<'_>, value: &str) -> Option<(Span, Option<Fix>)> {
    let span = listed(source.node(list)?.as_array()?, value).next()?;
    let edit = edits::remove_listed(source.text, &source.document.comments, span);
    Some((span, unsafe_fix(format!("Remove {}", quoted(value)), vec![edit])))
}

/// A key of a secret's scope. With its last key the scope goes.
fn secret(source: &Source<'_>, name: &str) -> Option<(Span, Option<Fix>)> {
    let secrets = source.node(&path("capabilities.secrets"))?;
    for table in secrets.as_array()? {
        let get = |key: &str| table.as_table().and_then(|fields| fields.get(key)).map(|field| &field.value);
        let Some(keys) = get("key_names").and_then(Node::as_array) else { continue };
        let scope = get("scope").and_then(Node::as_str).unwrap_or_default();
        let Some(key) = name.strip_prefix(scope).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let Some(span) = listed(keys, key).next() else { continue };
        let title = format!("Remove the secret {}", quoted(name));
        let edit = if keys.len() > 1 {
            edits::remove_listed(source.text, &source.document.comments, span)
        } else if let Some(section) = edits::section(source.text, &source.document, table.span) {
            TextEdit { span: section, text: String::new() }
        } else {
            edits::remove_listed(source.text, &source.document.comments, table.span)
        };
        return Some((span, unsafe_fix(title, vec![edit])));
    }
    None
}

/// A quota that still is what it was when the call was made. That a default is generous is no one's slip.
fn quota(source: &Source<'_>, shown: &Shown, limit: u64) -> Option<(Span, Option<Fix>)> {
    let (path, advised) = (path(&shown.key), shown.advised);
    let name = path.key()?;
    let title = |advised: u64| format!("Set `{name}` to {advised}");
    if let Some(node) = source.node(&path) {
        if node.as_integer() != Some(limit.into()) {
            return None;
        }
        let fix = advised.and_then(|advised| {
            unsafe_fix(title(advised), vec![TextEdit { span: node.span, text: advised.to_string() }])
        });
        return Some((node.span, fix));
    }
    if shown.rule.code == "run/loose-quota" {
        return None;
    }
    // The default counted, and still does.
    let quotas = path.parent()?;
    let edit = |advised: u64| match source.table(&quotas) {
        Some(table) => edits::add_key(source.text, table, name, &advised.to_string()),
        None => {
            let lines = [format!("{name} = {advised}")];
            Some(edits::add_section(source.text, &source.document, &format!("[{quotas}]"), &lines))
        }
    };
    let span = source.field(&quotas).or_else(|| source.field(&quotas.parent()?))?.key;
    Some((span, advised.and_then(|advised| unsafe_fix(title(advised), vec![edit(advised)?]))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{apply, marked};
    use skillyard_manifest::rules::run::{LOOSE_QUOTA as LOOSE, TIGHT_QUOTA as TIGHT, UNUSED_GRANT as UNUSED};

    fn unused(key: &str, value: &str) -> Shown {
        let message = "unused".to_owned();
        Shown { rule: &UNUSED, key: key.into(), value: Some(value.into()), message, limit: None, advised: None }
    }

    fn number(rule: &'static Rule, limit: u64, advised: u64) -> Shown {
        let key = "capabilities.quotas.fuel_budget".to_owned();
        Shown { rule, key, value: None, message: "far".into(), limit: Some(limit), advised: Some(advised) }
    }

    /// The one finding stands at the mark, and its fix makes the text `after`.
    fn check(text: &str, shown: &Shown, after: &str) {
        let (text, marks) = marked(text);
        let found = diagnostics(&Source::new(&text), std::slice::from_ref(shown), &Options::default());
        let spans: Vec<Span> = found.iter().map(|found| found.span).collect();
        assert_eq!(spans, marks, "{text}");
        assert_eq!(apply(&text, &found[0].fixes[0].edits), after);
    }

    #[test]
    fn unused_things_are_marked_and_removed() {
        check(
            "[capabilities]\nhttp_egress_allowlist = [\"a.example\", \"b.example\"]\n#                                     ^^^^^^^^^^^\n",
            &unused("capabilities.http_egress_allowlist", "b.example"),
            "[capabilities]\nhttp_egress_allowlist = [\"a.example\"]\n",
        );
        check(
            "[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"a\", \"b\"]\n#            ^^^\n",
            &unused("capabilities.secrets", "global/a"),
            "[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"b\"]\n",
        );
        check(
            "[[capabilities.secrets]]\nscope = \"skill:acme.a\"\nkey_names = [\"a\"]\n#            ^^^\n[compat]\n",
            &unused("capabilities.secrets", "skill:acme.a/a"),
            "[compat]\n",
        );
    }

    #[test]
    fn quotas_are_marked_and_set() {
        check(
            "[capabilities.quotas]\nfuel_budget = 10000000\n#             ^^^^^^^^\n",
            &number(&LOOSE, 10_000_000, 4096),
            "[capabilities.quotas]\nfuel_budget = 4096\n",
        );
        check(
            "[capabilities.quotas]\n#             ^^^^^^\nmax_memory_bytes = 65536\n",
            &number(&TIGHT, 10_000_000, 20_000_000),
            "[capabilities.quotas]\nmax_memory_bytes = 65536\nfuel_budget = 20000000\n",
        );
        check(
            "[capabilities]\n#^^^^^^^^^^^^\ndevice_capabilities = []\n",
            &number(&TIGHT, 10_000_000, 20_000_000),
            "[capabilities]\ndevice_capabilities = []\n\n[capabilities.quotas]\nfuel_budget = 20000000\n",
        );
    }

    #[test]
    fn what_was_changed_since_is_not_shown() {
        let text = "capabilities.http_egress_allowlist = [\"c.example\"]\ncapabilities.quotas.fuel_budget = 5\n";
        let shown = [unused("capabilities.http_egress_allowlist", "b.example"), number(&LOOSE, 10_000_000, 4096)];
        assert_eq!(diagnostics(&Source::new(text), &shown, &Options::default()), []);
    }

    #[test]
    fn what_one_tool_uses_is_used() {
        let (a, b) =
            (unused("capabilities.http_egress_allowlist", "a"), unused("capabilities.http_egress_allowlist", "b"));
        let one = [a.clone(), b.clone(), number(&LOOSE, 9, 3)];
        let two = [b.clone(), number(&LOOSE, 9, 5), number(&TIGHT, 9, 8)];
        assert_eq!(together([&one[..], &two[..]]), [b, number(&LOOSE, 9, 5), number(&TIGHT, 9, 8)]);
        assert_eq!(together([&one[..]]), one);
        assert_eq!(together([&one[..], &[][..]]), []);
    }
}
