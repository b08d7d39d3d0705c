//! What an operator sees: the texts, labels and address of `[operator]`.

use std::collections::HashMap;

use super::{
    Context, Family, FixKind, Rule, fields,
    identity::{self, LONGEST, bad_characters, name_as_toml, surrounding_space, too_long},
};
use crate::{
    diagnostic::{Daemon, Severity, Tag, TextEdit},
    document::Origin,
    edits, grammar, show,
    text::Span,
    view::{Text, View},
};

pub(super) static FAMILY: Family = Family {
    name: "operator",
    about: "What an operator sees of the skill: texts, labels and the address of its documentation.",
    rules: &[
        &NEEDS_VERSION_2,
        &MISSING_METADATA,
        &MISSING_DISPLAY_NAME,
        &EMPTY_TEXT,
        &BAD_LABEL,
        &BAD_DOCS_URL,
        &SURROUNDING_SPACE,
        &DUPLICATE_LABEL,
        &UNUSABLE_DOCS_URL,
        &TOO_LONG,
    ],
    check,
};

static NEEDS_VERSION_2: Rule = Rule {
    code: "operator/needs-version-2",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A version 1 manifest has `operator` content",
    details: "`[operator]` came with manifest version 2. Raise `manifest_version`, or take the content out.",
    bad: "manifest_version = 1\n\n[operator]\ndisplay_name = \"Weather\"",
    good: "manifest_version = 2\n\n[operator]\ndisplay_name = \"Weather\"",
};

static MISSING_METADATA: Rule = Rule {
    code: "operator/missing-operator-metadata",
    severity: Severity::Warning,
    daemon: Daemon::Warns,
    fix: FixKind::Safe,
    summary: "The manifest has no `operator` content",
    details: "A daemon reports `missing_operator_metadata`: an operator's lists have nothing to show but the id. The fix adds \
              the skill's name as `display_name`. A version 1 manifest cannot have any; raise its `manifest_version` first.",
    bad: "operator = {}",
    good: "operator = { display_name = \"Weather\" }",
};

static MISSING_DISPLAY_NAME: Rule = Rule {
    code: "operator/missing-operator-display-name",
    severity: Severity::Warning,
    daemon: Daemon::Warns,
    fix: FixKind::Safe,
    summary: "`operator` has no `display_name`",
    details: "A daemon reports `missing_operator_display_name`. The fix takes the skill's name.",
    bad: "[operator]\nsummary = \"Weather for any place\"",
    good: "[operator]\ndisplay_name = \"Weather\"\nsummary = \"Weather for any place\"",
};

static EMPTY_TEXT: Rule = Rule {
    code: "operator/empty-text",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "`display_name`, `summary` or `description` of `operator` is empty",
    details: "A text that is there says something; leave out one that has nothing to say.",
    bad: "[operator]\ndisplay_name = \"Weather\"\nsummary = \"\"",
    good: "[operator]\ndisplay_name = \"Weather\"",
};

static BAD_LABEL: Rule = Rule {
    code: "operator/bad-label",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "A category or tag is empty or has a character that labels have not",
    details: "Labels have only lower-case ASCII letters, digits, `.`, `_` and `-`.",
    bad: "[operator]\ndisplay_name = \"Weather\"\ntags = [\"Forecast\"]",
    good: "[operator]\ndisplay_name = \"Weather\"\ntags = [\"forecast\"]",
};

static BAD_DOCS_URL: Rule = Rule {
    code: "operator/bad-docs-url",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "`docs_url` does not start with `https://`, or holds a space or `#`",
    details: "An operator clicks it: it is an address with `https://` in lower case, without spaces (write `%20`) and without a \
              fragment.",
    bad: "[operator]\ndisplay_name = \"Weather\"\ndocs_url = \"http://docs.acme.example\"",
    good: "[operator]\ndisplay_name = \"Weather\"\ndocs_url = \"https://docs.acme.example\"",
};

static SURROUNDING_SPACE: Rule = Rule {
    code: "operator/surrounding-space",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A label or `docs_url` has white space around it",
    details: "A daemon checks it trimmed, but stores and shows it as it is written.",
    bad: "[operator]\ndisplay_name = \"Weather\"\ntags = [\"forecast \"]",
    good: "[operator]\ndisplay_name = \"Weather\"\ntags = [\"forecast\"]",
};

static DUPLICATE_LABEL: Rule = Rule {
    code: "operator/duplicate-label",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A category or tag is listed twice",
    details: "The second one has no effect.",
    bad: "[operator]\ndisplay_name = \"Weather\"\ntags = [\"forecast\", \"forecast\"]",
    good: "[operator]\ndisplay_name = \"Weather\"\ntags = [\"forecast\"]",
};

static UNUSABLE_DOCS_URL: Rule = Rule {
    code: "operator/unusable-docs-url",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "`docs_url` is no address that an operator can open",
    details: "A daemon looks at the first characters only. An address needs a host name that others can reach, and no white space, \
              quotes, angle brackets, backslashes or user names in front of the host.",
    bad: "[operator]\ndisplay_name = \"Weather\"\ndocs_url = \"https://localhost/docs\"",
    good: "[operator]\ndisplay_name = \"Weather\"\ndocs_url = \"https://docs.acme.example/weather\"",
};

static TOO_LONG: Rule = Rule {
    code: "operator/too-long",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "A text or list of `operator` is of absurd length",
    details: "Names and labels stay below 128 characters, texts and addresses below 4096, and lists below 64 labels: more is not \
              read by anybody.",
    bad: "[operator]\ndisplay_name = \"Weather weather weather weather weather weather weather weather weather weather weather \
          weather weather weather weather weather weather\"",
    good: "[operator]\ndisplay_name = \"Weather\"",
};

const LONGEST_TEXT: usize = 4096;
const MOST_LABELS: usize = 64;

/// Whether `operator` says anything, as a daemon sees it: empty lists and an empty `plugin` are nothing.
pub(super) fn has_content(root: View<'_, '_>) -> bool {
    let Some(operator) = root.table("operator") else { return false };
    let listed = |view: View<'_, '_>, key: &str| {
        view.get(key).and_then(|item| item.node.as_array()).is_some_and(|items| !items.is_empty())
    };
    ["display_name", "summary", "description", "docs_url", "config"].iter().any(|key| operator.get(key).is_some())
        || ["categories", "tags"].iter().any(|key| listed(operator, key))
        || operator.table("plugin").is_some_and(|plugin| {
            ["default_tool_id", "default_module_path", "default_entrypoint"].iter().any(|key| plugin.get(key).is_some())
                || listed(plugin, "contracts")
        })
}

fn check(cx: &mut Context<'_, '_>) {
    check_presence(cx);
    let Some(operator) = cx.root.table("operator") else { return };
    check_texts(cx, operator);
    for key in ["categories", "tags"] {
        check_labels(cx, operator, key);
    }
    if let Some(url) = operator.text("docs_url") {
        check_docs_url(cx, operator, url);
    }
}

fn check_presence(cx: &mut Context<'_, '_>) {
    let version = cx.root.integer("manifest_version");
    let legacy = version.filter(|(_, version)| *version == 1).map(|(span, _)| span);
    let operator = cx.root.get("operator");
    let place = operator.map(|item| item.node.span);
    if !has_content(cx.root) {
        // What is not a table is told by its type, and behind a broken header may stand what seems to be missing.
        if cx.document.headers_broken || (operator.is_some() && cx.root.table("operator").is_none()) {
            return;
        }
        // A manifest without a name is told so at its start; this would say more about nothing.
        let Some(span) = place.or_else(|| cx.root.text("name").map(|name| name.span())) else { return };
        let fix = if legacy.is_none() { display_name(cx) } else { Vec::new() };
        let message = if legacy.is_none() {
            "there is no operator metadata: add at least `operator.display_name`"
        } else {
            "there is no operator metadata: it needs `manifest_version = 2`"
        };
        cx.report(&MISSING_METADATA, span, message).safe_fix("Add `operator.display_name`", fix);
        return;
    }
    let Some(span) = place else { return };
    if let Some(version) = legacy {
        let raise = vec![edits::replace(version, "2")];
        let remove = remove_operator(cx);
        cx.report(&NEEDS_VERSION_2, span, "a version 1 manifest cannot have `operator` content")
            .related(version, "the version of the manifest")
            .unsafe_fix("Raise `manifest_version` to 2", raise)
            .unsafe_fix("Remove `operator`", remove);
        return;
    }
    let Some(view) = cx.root.table("operator") else { return };
    if view.get("display_name").is_none() {
        let fix = display_name(cx);
        cx.report(&MISSING_DISPLAY_NAME, span, "`operator` has no `display_name`")
            .safe_fix("Take the skill's name", fix);
    }
}

/// The edit that takes the skill's name. None where an author's own is there, in another table, which is told and is moved.
fn display_name(cx: &Context<'_, '_>) -> Vec<TextEdit> {
    if fields::is_stray(cx.root, "operator", "display_name") {
        return Vec::new();
    }
    name_as_toml(cx).and_then(|name| cx.set(&["operator"], "display_name", &name)).into_iter().collect()
}

/// The edits that take `operator` out: its inline table, or all its sections.
fn remove_operator(cx: &Context<'_, '_>) -> Vec<TextEdit> {
    let Some(field) = cx.root.get("operator").and_then(|item| item.field) else { return Vec::new() };
    let table = field.value.as_table();
    if table.is_none_or(|table| table.origin == Origin::Inline) {
        return vec![edits::remove_lines(cx.text, field.entry)];
    }
    let headers = &cx.document.headers;
    let mut removed = Vec::new();
    for (i, header) in headers.iter().enumerate() {
        if header.keys.first().is_none_or(|key| key.name != "operator") {
            continue;
        }
        let next = headers.get(i + 1).map_or(cx.text.len(), |next| edits::line_start(cx.text, next.span.start));
        // Comments and blank lines in front of the next header belong to that.
        let body = Span::new(header.span.end, next.max(header.span.end)).of(cx.text);
        let mut kept = 0;
        let mut seen = 0;
        for line in body.split_inclusive('\n') {
            let written = header.span.end + seen + line.len() - line.trim_start().len();
            seen += line.len();
            if !line.trim().is_empty() && !edits::comment_at(&cx.document.comments, written) {
                kept = seen;
            }
        }
        let start = edits::line_start(cx.text, header.span.start);
        let end = if kept == 0 { edits::line_end(cx.text, header.span.end) } else { header.span.end + kept };
        removed.push(edits::replace(Span::new(start, end), ""));
    }
    // By dotted keys of the top level: not in one piece.
    if table.is_some_and(|table| table.origin == Origin::Dotted) { Vec::new() } else { removed }
}

/// The edit that removes a key of `view`, where it has one.
pub(super) fn remove_key(cx: &Context<'_, '_>, view: View<'_, '_>, key: &str) -> Vec<TextEdit> {
    let field = view.get(key).and_then(|item| item.field);
    field
        .zip(view.as_table())
        .map(|(field, table)| edits::remove_field(cx.text, &cx.document.comments, field, table))
        .into_iter()
        .collect()
}

fn check_texts(cx: &mut Context<'_, '_>, operator: View<'_, '_>) {
    for key in ["display_name", "summary", "description"] {
        let Some(text) = operator.text(key) else { continue };
        if !text.trimmed().is_empty() {
            let most = if key == "display_name" { LONGEST } else { LONGEST_TEXT };
            too_long(cx, &TOO_LONG, text, &format!("`{key}`"), most);
            continue;
        }
        let named: Vec<_> = if key == "display_name" {
            name_as_toml(cx).map(|name| edits::replace(text.span(), name)).into_iter().collect()
        } else {
            Vec::new()
        };
        let remove = remove_key(cx, operator, key);
        cx.report(&EMPTY_TEXT, text.span(), format!("`{key}` is empty: say something or leave it out"))
            .safe_fix("Take the skill's name", named)
            .safe_fix(format!("Remove `{key}`"), remove);
    }
}

fn check_labels<'d>(cx: &mut Context<'d, '_>, operator: View<'d, '_>, key: &str) {
    let what = if key == "tags" { "a tag" } else { "a category" };
    let labels = operator.texts(key);
    if let Some(over) = labels.get(MOST_LABELS) {
        let message = format!("{} labels in `{key}`: keep it below {MOST_LABELS}", labels.len());
        cx.report(&TOO_LONG, over.span(), message);
    }
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for label in labels {
        if label.trimmed().is_empty() {
            let fix = vec![cx.remove_listed(label.node)];
            cx.report(&BAD_LABEL, label.span(), format!("{what} is empty: leave it out")).safe_fix("Remove it", fix);
            continue;
        }
        if !grammar::is_label(label.value) {
            bad_characters(cx, &BAD_LABEL, label, what, grammar::is_label_char, "`a-z 0-9 . _ -`");
            continue;
        }
        if let Some(first) = seen.get(label.trimmed()).copied() {
            let fix = vec![cx.remove_listed(label.node)];
            cx.report(
                &DUPLICATE_LABEL,
                label.span(),
                format!("{} is listed twice: remove one", show::quoted(label.trimmed())),
            )
            .related(first, "first here")
            .tag(Tag::Unnecessary)
            .safe_fix("Remove it", fix);
            continue;
        }
        seen.insert(label.trimmed(), label.span());
        surrounding_space(cx, &SURROUNDING_SPACE, label, what);
        too_long(cx, &TOO_LONG, label, what, LONGEST);
    }
}

fn check_docs_url(cx: &mut Context<'_, '_>, operator: View<'_, '_>, url: Text<'_, '_>) {
    let trimmed = url.trimmed();
    let lead = url.value.len() - url.value.trim_start().len();
    if trimmed.is_empty() {
        let fix = remove_key(cx, operator, "docs_url");
        cx.report(&BAD_DOCS_URL, url.span(), "`docs_url` is empty: leave it out").safe_fix("Remove `docs_url`", fix);
        return;
    }
    if grammar::is_docs_url(url.value) {
        surrounding_space(cx, &SURROUNDING_SPACE, url, "`docs_url`");
        too_long(cx, &TOO_LONG, url, "`docs_url`", LONGEST_TEXT);
        check_usable(cx, url, trimmed, lead);
        return;
    }
    check_scheme(cx, url, trimmed, lead);
    if let Some(space) = trimmed.find(' ') {
        let rest = trimmed.get(space..).unwrap_or_default();
        let run = rest.len() - rest.trim_start_matches(' ').len();
        let span = cx.inside(url.node, lead + space..lead + space + run);
        let fix = vec![cx.set_string(url.node, &trimmed.replace(' ', "%20"))];
        cx.report(&BAD_DOCS_URL, span, "an address has no spaces: write `%20`").safe_fix("Write spaces as `%20`", fix);
    }
    if let Some(hash) = trimmed.find('#') {
        let span = cx.inside(url.node, lead + hash..lead + trimmed.len());
        let fix = vec![cx.set_string(url.node, trimmed.get(..hash).unwrap_or_default().trim_end())];
        cx.report(&BAD_DOCS_URL, span, "`docs_url` has no fragment: leave out everything from `#`")
            .unsafe_fix("Drop the fragment", fix);
    }
}

fn check_scheme(cx: &mut Context<'_, '_>, url: Text<'_, '_>, trimmed: &str, lead: usize) {
    if trimmed.starts_with("https://") {
        return;
    }
    let scheme = trimmed.find("://").map(|at| at + 3);
    let lower = trimmed.get(..scheme.unwrap_or(0)).unwrap_or_default().to_ascii_lowercase();
    let rest = trimmed.get(scheme.unwrap_or(0)..).unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    let (new, safe) = match lower.as_str() {
        "https://" => (Some(format!("https://{rest}")), true),
        "http://" => (Some(format!("https://{rest}")), false),
        "" if host.contains('.') && grammar::is_host(host) => (Some(format!("https://{rest}")), false),
        _ => (None, false),
    };
    let span = match scheme {
        Some(end) => cx.inside(url.node, lead..lead + end),
        None => url.span(),
    };
    let fix = new.map(|new| cx.set_string(url.node, &new)).into_iter().collect();
    let finding = cx.report(&BAD_DOCS_URL, span, "`docs_url` starts with `https://`, in lower case");
    identity::fix(finding, safe, "Write `https://`", fix);
}

/// What a daemon does not look at.
fn check_usable(cx: &mut Context<'_, '_>, url: Text<'_, '_>, trimmed: &str, lead: usize) {
    let bad =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '}');
    if let Some(at) = trimmed.find(bad) {
        let len = trimmed.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let shown = show::quoted(trimmed.get(at..at + len).unwrap_or_default());
        let span = cx.inside(url.node, lead + at..lead + at + len);
        cx.report(&UNUSABLE_DOCS_URL, span, format!("an address has no {shown}: write it percent-encoded"));
        return;
    }
    let start = "https://".len();
    let rest = trimmed.get(start..).unwrap_or_default();
    let authority = rest.get(..rest.find(['/', '?']).unwrap_or(rest.len())).unwrap_or_default();
    let problem = if authority.contains('@') {
        "an address has no user name: it hides the host behind it"
    } else {
        let host = authority.split(':').next().unwrap_or_default().to_lowercase();
        if host.is_empty() {
            "an address has a host name behind `https://`"
        } else if host == "localhost" || host.ends_with(".localhost") || authority.starts_with('[') {
            "nobody else can open this address: write a public host name"
        } else if !host.contains('.') {
            "this host is no public name: write one with a domain"
        } else {
            return;
        }
    };
    let span = if authority.is_empty() {
        url.span()
    } else {
        cx.inside(url.node, lead + start..lead + start + authority.len())
    };
    cx.report(&UNUSABLE_DOCS_URL, span, problem);
}
