//! `*` and its opt-ins.

use super::{Context, Family, FixKind, Rule, edits};
use crate::{
    diagnostic::{Daemon, Severity, Tag},
    grammar, show,
    text::Span,
    view::Text,
};

pub(super) static FAMILY: Family = Family {
    name: "wildcard",
    about: "`*` in capabilities, and the opt-ins that it needs.",
    rules: &[&NOT_OPTED_IN, &UNUSED_OPT_IN, &FAILS_AUDIT],
    check,
};

static NOT_OPTED_IN: Rule = Rule {
    code: "wildcard/not-opted-in",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A capability holds `*` without the opt-in for it",
    details: "A wildcard asks for more than its author can list, so each kind of capability that holds one needs its flag in \
              `capabilities.wildcard_opt_in`: `filesystem`, `http_egress`, `secrets`, `device` or `node`. Name what you need \
              instead where you can: a daemon's default audit policy fails every skill that opts in.",
    bad: "[capabilities]\nhttp_egress_allowlist = [\"*.acme.example\"]",
    good: "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\", \"cdn.acme.example\"]",
};

static UNUSED_OPT_IN: Rule = Rule {
    code: "wildcard/unused-opt-in",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A wildcard opt-in is on and nothing uses it",
    details: "The flag grants nothing by itself, but a daemon's default audit policy fails a skill for it alone, and the next \
              `*` comes in unnoticed. Turn it off.",
    bad: "[capabilities.wildcard_opt_in]\ndevice = true",
    good: "[capabilities.wildcard_opt_in]\ndevice = false",
};

static FAILS_AUDIT: Rule = Rule {
    code: "wildcard/fails-audit",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "A wildcard opt-in fails a daemon's default audit policy",
    details: "A daemon reads the manifest, but its audit fails the skill unless an operator has allowed wildcards, and by \
              default none are. List what you need without `*`, or tell your operators what to allow and why.",
    bad: "[capabilities]\nnode_capabilities = [\"sensor.*\"]\n\n[capabilities.wildcard_opt_in]\nnode = true",
    good: "[capabilities]\nnode_capabilities = [\"sensor.read\"]",
};

/// The strings that a flag is about.
fn guarded<'d>(cx: &Context<'d, '_>, flag: &str) -> Vec<(Text<'d, 'd>, bool)> {
    let Some(capabilities) = cx.capabilities() else { return Vec::new() };
    // Whether one may go without leaving an empty list that a daemon refuses.
    let all = |list: Vec<Text<'d, 'd>>| list.into_iter().map(|text| (text, true)).collect();
    match flag {
        "filesystem" => capabilities.table("filesystem").map_or_else(Vec::new, |filesystem| {
            all(filesystem.texts("read_roots").into_iter().chain(filesystem.texts("write_roots")).collect())
        }),
        "http_egress" => all(capabilities.texts("http_egress_allowlist")),
        "secrets" => capabilities
            .tables("secrets")
            .iter()
            .flat_map(|secret| {
                let keys = secret.texts("key_names");
                let others = keys.len() > 1;
                keys.into_iter().map(move |key| (key, others))
            })
            .collect(),
        "device" => all(capabilities.texts("device_capabilities")),
        _ => all(capabilities.texts("node_capabilities")),
    }
}

fn check(cx: &mut Context<'_, '_>) {
    for flag in ["filesystem", "http_egress", "secrets", "device", "node"] {
        let wild: Vec<_> = guarded(cx, flag).into_iter().filter(|(text, _)| text.value.contains('*')).collect();
        if cx.opted_in(flag) {
            check_opt_in(cx, flag, &wild);
        } else {
            check_wildcards(cx, flag, &wild);
        }
    }
}

fn check_opt_in(cx: &mut Context<'_, '_>, flag: &str, wild: &[(Text<'_, '_>, bool)]) {
    let item = cx.capabilities().and_then(|c| c.table("wildcard_opt_in")).and_then(|opt_in| opt_in.get(flag));
    let Some(item) = item else { return };
    let span = item.node.span;
    if let Some((first, _)) = wild.first() {
        let message =
            format!("`{flag}` wildcards fail a daemon's default audit policy: name what you need where you can");
        cx.report(&FAILS_AUDIT, span, message).related(first.span(), "used here");
        return;
    }
    // What did not read may be what uses it.
    if cx.document.headers_broken || !cx.document.broken.is_empty() {
        return;
    }
    let message =
        format!("no `{flag}` capability holds `*`, and a daemon's default audit policy fails this: turn it off");
    cx.report(&UNUSED_OPT_IN, span, message)
        .tag(Tag::Unnecessary)
        .safe_fix("Turn it off", vec![edits::replace(span, "false")]);
}

fn check_wildcards(cx: &mut Context<'_, '_>, flag: &str, wild: &[(Text<'_, '_>, bool)]) {
    if wild.is_empty() {
        return;
    }
    let opt_in = cx.opt_in(flag);
    let place = missing_opt_in(cx, flag);
    for (text, removable) in wild {
        let start = text.value.find('*').unwrap_or_default();
        let rest = text.value.get(start..).unwrap_or_default();
        let len = rest.len() - rest.trim_start_matches('*').len();
        let span = cx.inside(text.node, start..start + len);
        let message = format!("`*` needs `capabilities.wildcard_opt_in.{flag} = true`: name what you need, or opt in");
        let without = without_wildcard(flag, text.trimmed());
        let replaced = without.map(|new| (format!("Write `{}`", show::plain(new)), cx.set_string(text.node, new)));
        let removed = removable.then(|| ("Remove it".to_owned(), cx.remove_listed(text.node)));
        let mut finding = cx.report(&NOT_OPTED_IN, span, message);
        if let Some((span, message)) = place {
            finding = finding.related(span, message);
        }
        if let Some(edit) = &opt_in {
            finding = finding.unsafe_fix(format!("Set `wildcard_opt_in.{flag} = true`"), vec![edit.clone()]);
        }
        if let Some((title, edit)) = replaced.or(removed) {
            finding.unsafe_fix(title, vec![edit]);
        }
    }
}

/// What is left of a value without its wildcard, where that is a good one.
fn without_wildcard<'a>(flag: &str, value: &'a str) -> Option<&'a str> {
    match flag {
        "http_egress" => {
            value.strip_prefix("*.").filter(|host| host.contains('.') && !host.contains('*') && grammar::is_host(host))
        }
        "filesystem" => {
            let root = value.trim_end_matches('*').strip_suffix('/')?;
            (!root.contains('*') && grammar::path_fault(root).is_none()).then_some(root)
        }
        _ => None,
    }
}

/// Where the flag is off, or where it would stand.
fn missing_opt_in(cx: &Context<'_, '_>, flag: &str) -> Option<(Span, &'static str)> {
    let capabilities = cx.capabilities()?;
    match capabilities.table("wildcard_opt_in") {
        Some(opt_in) => match opt_in.get(flag) {
            Some(item) => Some((item.node.span, "it is off here")),
            None => Some((opt_in.span, "it belongs here")),
        },
        None => Some((capabilities.span, "no `wildcard_opt_in` here")),
    }
}
