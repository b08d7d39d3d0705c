//! Secrets: scopes and key names.

use std::collections::HashSet;

use super::{
    Context, Family, FixKind, Rule, common,
    identity::{LONGEST, too_long},
};
use crate::{
    diagnostic::{Daemon, Severity, TextEdit},
    document::Origin,
    edits, grammar, show, suggest,
    view::{Text, View},
};

pub(super) static FAMILY: Family = Family {
    name: "secrets",
    about: "`capabilities.secrets`: whose secrets, and which of them.",
    rules: &[&BAD_SCOPE, &NO_KEYS, &BAD_KEY, &UNTRIMMED, &OTHER_SKILL, &DUPLICATE_KEY, &SPLIT_SCOPE, &TOO_LONG],
    check,
};

static BAD_SCOPE: Rule = Rule {
    code: "secrets/bad-scope",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "The scope of a secret is none that there is",
    details: "A scope is `global`, or `principal:`, `channel:` or `skill:` with the identifier of one: of \
              `a-z 0-9 . _ - :`, in lower case. A skill's own secrets are best kept under `skill:` and its `skill_id`. No \
              scope takes a wildcard.",
    bad: "[[capabilities.secrets]]\nscope = \"Global\"\nkey_names = [\"api_key\"]",
    good: "[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"api_key\"]",
};

static NO_KEYS: Rule = Rule {
    code: "secrets/no-keys",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A scope of secrets names no key",
    details: "Each entry of `capabilities.secrets` names at least one key. An empty list is not \"all keys\": that would be \
              `*`, with its opt-in. Name the keys, or remove the entry.",
    bad: "[[capabilities.secrets]]\nscope = \"skill:acme.weather\"\nkey_names = []",
    good: "[[capabilities.secrets]]\nscope = \"skill:acme.weather\"\nkey_names = [\"api_key\"]",
};

static BAD_KEY: Rule = Rule {
    code: "secrets/bad-key",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "The name of a secret is empty or has a character that it cannot have",
    details: "Key names are identifiers: of `a-z 0-9 . _ - :` only, in lower case. Where the secret is stored under another \
              spelling, store it anew under the name that the manifest gives.",
    bad: "[[capabilities.secrets]]\nscope = \"skill:acme.weather\"\nkey_names = [\"API_KEY\"]",
    good: "[[capabilities.secrets]]\nscope = \"skill:acme.weather\"\nkey_names = [\"api_key\"]",
};

static UNTRIMMED: Rule = Rule {
    code: "secrets/untrimmed",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A scope or key name has white space around it",
    details: "A daemon checks scopes and key names without the white space but grants and looks them up with it: \
              `\"api_key \"` is another secret than `\"api_key\"`, and one that nobody has stored.",
    bad: "[[capabilities.secrets]]\nscope = \"skill:acme.weather\"\nkey_names = [\"api_key \"]",
    good: "[[capabilities.secrets]]\nscope = \"skill:acme.weather\"\nkey_names = [\"api_key\"]",
};

static OTHER_SKILL: Rule = Rule {
    code: "secrets/other-skill",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "The scope is that of another skill",
    details: "`skill:` with another id than this manifest's `skill_id` asks for secrets that were stored for another skill. \
              Often the id was renamed in one place only.",
    bad: "[[capabilities.secrets]]\nscope = \"skill:acme.clock\"\nkey_names = [\"api_key\"]",
    good: "[[capabilities.secrets]]\nscope = \"skill:acme.weather\"\nkey_names = [\"api_key\"]",
};

static DUPLICATE_KEY: Rule = Rule {
    code: "secrets/duplicate-key",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A key is listed twice for the same scope",
    details: "The second one grants nothing more. Remove it.",
    bad: "[[capabilities.secrets]]\nscope = \"skill:acme.weather\"\nkey_names = [\"api_key\", \"api_key\"]",
    good: "[[capabilities.secrets]]\nscope = \"skill:acme.weather\"\nkey_names = [\"api_key\"]",
};

static SPLIT_SCOPE: Rule = Rule {
    code: "secrets/split-scope",
    severity: Severity::Info,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "The same scope has several entries",
    details: "A daemon adds the keys of all entries up. One entry with all keys of a scope is easier to review: move the keys \
              to the first.",
    bad: "[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"a\"]\n\n\
          [[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"b\"]",
    good: "[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"a\", \"b\"]",
};

static TOO_LONG: Rule = Rule {
    code: "secrets/too-long",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "A scope, a key name or the list of keys is of absurd length",
    details: "A daemon sets no limit, but nobody reviews hundreds of secrets, and an approval prompt cannot show them. A \
              scope is repeated with each of its keys: where all names together come to more than a mebibyte, no grants are \
              worked out, and no artifact with such a manifest is accepted. Ask for the secrets that the tools use.",
    bad: "[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"api_key_of_the_weather_service_of_the_weather_office_of_\
          the_united_states_of_america_for_the_forecast_of_the_coming_week_and_of_the_next\"]",
    good: "[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"weather_api_key\"]",
};

/// The most keys of one scope that anyone reviews.
const MAX_KEYS: usize = 256;

fn check(cx: &mut Context<'_, '_>) {
    let Some(capabilities) = cx.capabilities() else { return };
    let secrets = capabilities.tables("secrets");
    for secret in &secrets {
        if let Some(scope) = secret.text("scope") {
            check_scope(cx, scope);
            too_long(cx, &TOO_LONG, scope, "the scope", LONGEST + "principal:".len());
        }
        check_keys(cx, *secret);
    }
    let scopes = secrets.iter().filter_map(|secret| Some((secret.text("scope")?, *secret)));
    let scopes = scopes.filter(|(scope, _)| grammar::is_secret_scope(scope.value));
    let scopes = scopes.map(|(scope, secret)| (scope.trimmed(), (scope, secret)));
    for ((first, to), (again, from)) in common::repeated(scopes) {
        let message = format!("{} has an entry already: move the keys there", show::quoted(again.trimmed()));
        let edits = merge(cx, to, from);
        cx.report(&SPLIT_SCOPE, again.span(), message)
            .related(first.span(), "first here")
            .unsafe_fix("Move the keys to the first entry", edits.unwrap_or_default());
    }
}

/// The edits that add the keys of one entry to another, and remove it.
fn merge(cx: &Context<'_, '_>, to: View<'_, '_>, from: View<'_, '_>) -> Option<Vec<TextEdit>> {
    let there: HashSet<&str> = to.texts("key_names").iter().map(|key| key.value).collect();
    let keys = from.texts("key_names");
    if there.is_empty() || keys.is_empty() {
        return None;
    }
    let mut edits = vec![removal(cx, from)?];
    let missing: Vec<&str> =
        keys.iter().filter(|key| !there.contains(key.value)).map(|key| key.node.span.of(cx.text)).collect();
    if !missing.is_empty() {
        let list = to.get("key_names")?.node;
        edits.push(edits::append_listed(cx.text, &cx.document.comments, list, &missing.join(", "))?);
    }
    Some(edits)
}

/// This skill's id, if it is a good one.
fn skill_id<'d>(cx: &Context<'d, '_>) -> Option<&'d str> {
    cx.root.text("skill_id").map(|id| id.trimmed()).filter(|id| grammar::is_skill_id(id))
}

fn check_scope(cx: &mut Context<'_, '_>, scope: Text<'_, '_>) {
    if !grammar::is_secret_scope(scope.value) {
        bad_scope(cx, scope);
        return;
    }
    let trimmed = scope.trimmed();
    if common::untrimmed(scope.value).is_some() {
        common::report_untrimmed(cx, &UNTRIMMED, scope, "a daemon looks the secrets up with it", true);
        return;
    }
    let Some((prefix, id)) = trimmed.split_once(':') else { return };
    let behind = prefix.len() + 1;
    if let Some(range) = common::untrimmed(id) {
        let edit = cx.set_string(scope.node, &format!("{prefix}:{}", id.trim()));
        let span = cx.inside(scope.node, range.start + behind..range.end + behind);
        let message = format!("white space in {}: a daemon looks the secrets up with it", show::quoted(trimmed));
        cx.report(&UNTRIMMED, span, message).safe_fix("Remove the white space", vec![edit]);
        return;
    }
    if prefix == "skill"
        && let Some(own) = skill_id(cx)
        && own != id
    {
        let edit = cx.set_string(scope.node, &format!("skill:{own}"));
        let span = cx.inside(scope.node, behind..scope.value.len());
        let message =
            format!("these are the secrets of {}, not of this skill, {}", show::quoted(id), show::quoted(own));
        cx.report(&OTHER_SKILL, span, message).unsafe_fix(format!("Write `skill:{}`", show::plain(own)), vec![edit]);
    }
}

fn bad_scope(cx: &mut Context<'_, '_>, scope: Text<'_, '_>) {
    let trimmed = scope.trimmed();
    let skipped = scope.value.len() - scope.value.trim_start().len();
    let at = |range: std::ops::Range<usize>| cx.inside(scope.node, range.start + skipped..range.end + skipped);
    let (prefix, id) = match trimmed.split_once(':') {
        Some((prefix, id)) => (prefix, Some(id)),
        None => (trimmed, None),
    };
    let known = grammar::SCOPE_PREFIXES.contains(&prefix);
    let meant = meant_scope(cx, trimmed, prefix, id);
    let (span, message) = match id {
        _ if trimmed.is_empty() => {
            (scope.span(), "the scope is empty: write `global`, or `skill:` with this skill's id".to_owned())
        }
        Some(id) if known && id.trim().is_empty() => {
            (scope.span(), format!("`{prefix}:` needs an identifier behind it"))
        }
        Some(id) if known => {
            let behind = prefix.len() + 1 + (id.len() - id.trim_start().len());
            let run = common::first_run(id.trim(), |c| !grammar::is_identifier_char(c)).unwrap_or_default();
            let shown = show::quoted(id.trim().get(run.clone()).unwrap_or_default());
            let message = format!("{shown} cannot stand in the identifier of a scope: use `a-z 0-9 . _ - :`");
            (at(run.start + behind..run.end + behind), message)
        }
        None if known => (scope.span(), format!("`{prefix}` needs `:` and an identifier behind it")),
        _ => {
            let shown = show::quoted(prefix);
            let message = match &meant {
                Some((meant, _)) => format!("{shown} is no scope: did you mean {}?", show::quoted(meant)),
                None => format!("{shown} is no scope: it is `global`, `principal:ID`, `channel:ID` or `skill:ID`"),
            };
            (at(0..prefix.len()), message)
        }
    };
    let fix =
        meant.map(|(meant, safe)| (format!("Write {}", show::quoted(&meant)), safe, cx.set_string(scope.node, &meant)));
    let finding = cx.report(&BAD_SCOPE, span, message);
    match fix {
        Some((title, true, edit)) => {
            finding.safe_fix(title, vec![edit]);
        }
        Some((title, false, edit)) => {
            finding.unsafe_fix(title, vec![edit]);
        }
        None => {}
    }
}

/// The scope that was likely meant, and whether that is beyond doubt.
fn meant_scope(cx: &Context<'_, '_>, scope: &str, prefix: &str, id: Option<&str>) -> Option<(String, bool)> {
    let good = |meant: String, safe| grammar::is_secret_scope(&meant).then_some((meant, safe));
    let compact = match id {
        Some(id) => format!("{}:{}", prefix.trim(), id.trim()),
        None => scope.to_owned(),
    };
    if let Some(meant) = good(compact.to_ascii_lowercase(), true) {
        return Some(meant);
    }
    let words = || grammar::SCOPE_PREFIXES.into_iter();
    let own = skill_id(cx);
    match id {
        Some(id) => {
            let word = suggest::closest(prefix, words())?;
            // An identifier that is wrong only the author knows, but for the skill's own.
            match good(format!("{word}:{}", id.trim().to_ascii_lowercase()), false) {
                None if word == "skill" => good(format!("skill:{}", own?), false),
                meant => meant,
            }
        }
        None if own.is_some_and(|own| own == scope) => good(format!("skill:{scope}"), false),
        None => match suggest::closest(scope, words().chain(["global"]))? {
            "global" => good("global".to_owned(), false),
            "skill" => good(format!("skill:{}", own?), false),
            _ => None,
        },
    }
}

fn check_keys(cx: &mut Context<'_, '_>, secret: View<'_, '_>) {
    let Some(item) = secret.get("key_names") else { return };
    let Some(items) = item.node.as_array() else { return };
    if items.is_empty() {
        let edit = removal(cx, secret);
        cx.report(&NO_KEYS, item.node.span, "`key_names` is empty: name at least one key")
            .unsafe_fix("Remove the entry", edit.into_iter().collect());
        return;
    }
    let keys = secret.texts("key_names");
    let opted_in = cx.opted_in("secrets");
    for key in &keys {
        // A daemon looks no further at one that is opted in; its own rule speaks for one that is not.
        let wild = key.value.contains('*');
        if wild && !opted_in {
            continue;
        }
        if wild || grammar::is_identifier(key.value) {
            common::report_untrimmed(cx, &UNTRIMMED, *key, "a daemon looks the secret up with it", !wild);
        } else {
            common::report_bad_name(cx, &BAD_KEY, *key, "the name of a secret", items.len() == 1);
        }
    }
    keys.iter().for_each(|key| too_long(cx, &TOO_LONG, *key, "the name of a secret", LONGEST));
    if items.len() > MAX_KEYS {
        let message = format!("{} keys in one scope: {MAX_KEYS} are the most that anyone reviews", items.len());
        cx.report(&TOO_LONG, item.node.span, message);
    }
    let good = keys.iter().filter(|key| !key.trimmed().is_empty());
    common::report_repeated(cx, &DUPLICATE_KEY, good.map(|key| (key.trimmed().to_owned(), *key)));
}

/// The edit that removes an entry of `capabilities.secrets`.
fn removal(cx: &Context<'_, '_>, secret: View<'_, '_>) -> Option<TextEdit> {
    match secret.as_table()?.origin {
        Origin::Inline => Some(edits::remove_listed(cx.text, &cx.document.comments, secret.span)),
        Origin::Header => edits::section(cx.text, cx.document, secret.span).map(|span| edits::replace(span, "")),
        _ => None,
    }
}
