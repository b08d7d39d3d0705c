//! Who the skill is: format version, publisher, skill id, version and name. Also the checks on identifiers and versions
//! that other families share.

use std::ops::Range;

use super::{
    Context, Family, Finding, FixKind, Rule,
    common::{first_run, untrimmed},
    text,
};
use crate::{
    diagnostic::{Daemon, Severity, Tag},
    document::string,
    edits,
    grammar::{self, Version},
    show,
    view::Text,
};

pub(super) static FAMILY: Family = Family {
    name: "identity",
    about: "Who the skill is: publisher, skill id, version and name, as a trust store and an operator know them.",
    rules: &[
        &BAD_MANIFEST_VERSION,
        &LEGACY_MANIFEST_VERSION,
        &BAD_PUBLISHER,
        &BAD_SKILL_ID,
        &BAD_VERSION,
        &EMPTY_NAME,
        &SURROUNDING_SPACE,
        &OUTSIDE_NAMESPACE,
        &ODD_IDENTIFIER,
        &VERSION_SPELLING,
        &TOO_LONG,
    ],
    check,
};

static BAD_MANIFEST_VERSION: Rule = Rule {
    code: "identity/bad-manifest-version",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "`manifest_version` is neither 1 nor 2",
    details: "The version of the format, not of the skill: that one is `version`. Two formats exist, and 2 is the one to write.",
    bad: "manifest_version = 3",
    good: "manifest_version = 2",
};

static LEGACY_MANIFEST_VERSION: Rule = Rule {
    code: "identity/legacy-manifest-version",
    severity: Severity::Warning,
    daemon: Daemon::Warns,
    fix: FixKind::Unsafe,
    summary: "The manifest is in the legacy format 1",
    details: "A daemon still reads version 1, but reports `legacy_manifest_version`. Such a manifest cannot carry `[operator]`. \
              Everything else means the same in version 2.",
    bad: "manifest_version = 1\noperator = {}",
    good: "manifest_version = 2",
};

static BAD_PUBLISHER: Rule = Rule {
    code: "identity/bad-publisher",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "`publisher` is no identifier",
    details: "The publisher is the name that a trust store keeps a key under, and the namespace of every tool. It has only \
              lower-case ASCII letters, digits, `.`, `_`, `-` and `:`.",
    bad: "publisher = \"Acme\"",
    good: "publisher = \"acme\"",
};

static BAD_SKILL_ID: Rule = Rule {
    code: "identity/bad-skill-id",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "`skill_id` is no skill id",
    details: "A skill id has only lower-case ASCII letters, digits, `.`, `_` and `-`, and something between every two dots. \
              Unlike other identifiers it holds no `:`, because it names folders.",
    bad: "skill_id = \"acme..weather\"",
    good: "skill_id = \"acme.weather\"",
};

static BAD_VERSION: Rule = Rule {
    code: "identity/bad-version",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "`version` is not three numbers",
    details: "A version is exactly `major.minor.patch`, each a number up to 4294967295. Pre-release and build parts are not \
              read: give a pre-release a number of its own.",
    bad: "version = \"1.0\"",
    good: "version = \"1.0.0\"",
};

static EMPTY_NAME: Rule = Rule {
    code: "identity/empty-name",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "`name` is empty",
    details: "The name is what people see in lists and when they are asked to approve. The fix makes one from the skill id.",
    bad: "name = \" \"",
    good: "name = \"Weather\"",
};

static SURROUNDING_SPACE: Rule = Rule {
    code: "identity/surrounding-space",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "An identifier or version has white space around it",
    details: "A daemon checks it trimmed, but stores and looks it up as it is written: to a trust store, `\"acme \"` is another \
              publisher than `\"acme\"`, with no key and no history. Nobody sees the difference.",
    bad: "publisher = \"acme \"",
    good: "publisher = \"acme\"",
};

static OUTSIDE_NAMESPACE: Rule = Rule {
    code: "identity/outside-namespace",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "`skill_id` does not start with the publisher and a dot",
    details: "Skill ids are not unique by themselves: two publishers may both call a skill `weather`. With the publisher in \
              front (`acme.weather`) it cannot be taken for somebody else's. A daemon asks this of tool ids only.",
    bad: "skill_id = \"weather\"",
    good: "skill_id = \"acme.weather\"",
};

static ODD_IDENTIFIER: Rule = Rule {
    code: "identity/odd-identifier",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "An identifier is made of punctuation only, or has an empty part",
    details: "`acme..x`, `acme.` and `.` are identifiers to a daemon. People misread them, and with a publisher `acme.` a tool \
              id needs two dots behind `acme`. Use letters and digits between single dots.",
    bad: "publisher = \"acme.\"\nskill_id = \"acme.x\"\n\n[[entrypoints.tools]]\nid = \"acme..x\"\nname = \"X\"\n\
          description = \"Does x.\"\ninput_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }",
    good: "publisher = \"acme\"",
};

static VERSION_SPELLING: Rule = Rule {
    code: "identity/version-spelling",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "`version` has leading zeros or plus signs",
    details: "A daemon compares `01.+2.3` as `1.2.3` but stores it as it is written, so the same release appears under two \
              names. Write the plain numbers.",
    bad: "version = \"01.2.3\"",
    good: "version = \"1.2.3\"",
};

static TOO_LONG: Rule = Rule {
    code: "identity/too-long",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "An identifier or name is longer than 128 characters",
    details: "A daemon sets no limit, but lists, file systems and approval prompts do: what is cut off is not seen.",
    bad: "name = \"Weather weather weather weather weather weather weather weather weather weather weather weather weather \
          weather weather weather weather\"",
    good: "name = \"Weather\"",
};

/// The longest identifier or name that is not absurd, in characters.
pub(super) const LONGEST: usize = 128;

/// What an identifier is made of, for messages.
pub(super) const IDENTIFIER: &str = "`a-z 0-9 . _ - :`";

fn check(cx: &mut Context<'_, '_>) {
    check_manifest_version(cx);
    check_publisher(cx);
    check_skill_id(cx);
    check_version(cx);
    check_name(cx);
}

fn check_manifest_version(cx: &mut Context<'_, '_>) {
    let Some((span, version)) = cx.root.integer("manifest_version") else { return };
    let fix = vec![edits::replace(span, "2")];
    match version {
        2 => {}
        // With operator content the daemon refuses it: that rule speaks.
        1 if super::operator::has_content(cx.root) => {}
        1 => {
            cx.report(&LEGACY_MANIFEST_VERSION, span, "manifest version 1 is the legacy format: write 2")
                .tag(Tag::Deprecated)
                .unsafe_fix("Raise `manifest_version` to 2", fix);
        }
        _ if (0..=i128::from(u32::MAX)).contains(&version) => {
            cx.report(&BAD_MANIFEST_VERSION, span, format!("there is no manifest version {version}: write 2"))
                .unsafe_fix("Set `manifest_version` to 2", fix);
        }
        _ => {}
    }
}

fn check_publisher(cx: &mut Context<'_, '_>) {
    let Some(publisher) = cx.root.text("publisher") else { return };
    if !grammar::is_identifier(publisher.value) {
        bad_characters(cx, &BAD_PUBLISHER, publisher, "`publisher`", grammar::is_identifier_char, IDENTIFIER);
        return;
    }
    surrounding_space(cx, &SURROUNDING_SPACE, publisher, "`publisher`");
    odd_identifier(cx, &ODD_IDENTIFIER, publisher, "`publisher`");
    too_long(cx, &TOO_LONG, publisher, "`publisher`", LONGEST);
}

fn check_skill_id(cx: &mut Context<'_, '_>) {
    let Some(id) = cx.root.text("skill_id") else { return };
    let allowed = |c| grammar::is_identifier_char(c) && c != ':';
    if id.trimmed().is_empty() || !id.trimmed().chars().all(allowed) {
        bad_characters(cx, &BAD_SKILL_ID, id, "`skill_id`", allowed, "`a-z 0-9 . _ -`");
        return;
    }
    if let Some(empty) = empty_part(id.value) {
        let repaired = without_empty_parts(id.trimmed());
        let fix = (!repaired.is_empty()).then(|| cx.set_string(id.node, &repaired));
        let span = cx.inside(id.node, empty);
        cx.report(&BAD_SKILL_ID, span, "`skill_id` has an empty part: put something between and around its dots")
            .unsafe_fix("Drop the empty parts", fix.into_iter().collect());
        return;
    }
    surrounding_space(cx, &SURROUNDING_SPACE, id, "`skill_id`");
    too_long(cx, &TOO_LONG, id, "`skill_id`", LONGEST);
    if odd_identifier(cx, &ODD_IDENTIFIER, id, "`skill_id`") {
        return;
    }
    let Some(publisher) = cx.publisher().filter(|publisher| !is_odd(publisher)) else { return };
    let namespace = format!("{publisher}.");
    if id.trimmed().starts_with(&namespace) {
        return;
    }
    let prefixed = format!("{namespace}{}", id.trimmed());
    let fix = (id.trimmed() != publisher && grammar::is_skill_id(&prefixed)).then(|| cx.set_string(id.node, &prefixed));
    let at = cx.root.text("publisher").map(|publisher| publisher.span());
    let shown = show::quoted(&namespace);
    let mut finding = cx.report(
        &OUTSIDE_NAMESPACE,
        id.span(),
        format!("`skill_id` is outside its publisher's namespace {shown}: start it with that"),
    );
    if let Some(at) = at {
        finding = finding.related(at, "the publisher");
    }
    finding.unsafe_fix(format!("Prefix the skill id with {shown}"), fix.into_iter().collect());
}

fn check_version(cx: &mut Context<'_, '_>) {
    let Some(version) = cx.root.text("version") else { return };
    let rules = VersionRules { bad: &BAD_VERSION, space: &SURROUNDING_SPACE, spelling: &VERSION_SPELLING };
    check_version_text(cx, version, "`version`", &rules, |_| true);
}

fn check_name(cx: &mut Context<'_, '_>) {
    let Some(name) = cx.root.text("name") else { return };
    if name.trimmed().is_empty() {
        let made = cx.root.text("skill_id").and_then(|id| name_from_id(id.value));
        let fix = made.map(|made| cx.set_string(name.node, &made));
        cx.report(&EMPTY_NAME, name.span(), "`name` is empty: write what people shall see")
            .unsafe_fix("Make a name from the skill id", fix.into_iter().collect());
        return;
    }
    too_long(cx, &TOO_LONG, name, "`name`", LONGEST);
}

/// A name for people from the last part of an id: `acme.storm_watch` gives `Storm watch`.
pub(super) fn name_from_id(id: &str) -> Option<String> {
    let last = id.trim().rsplit('.').find(|part| !part.is_empty())?.replace(['_', '-'], " ");
    let last = last.trim();
    let first = last.chars().next()?;
    (last.is_ascii() && first.is_ascii_alphanumeric() && last.len() <= LONGEST)
        .then(|| format!("{}{}", first.to_ascii_uppercase(), last.get(1..).unwrap_or_default()))
}

/// Where the trimmed part of `value` starts.
fn lead(value: &str) -> usize {
    value.len() - value.trim_start().len()
}

/// Says that an identifier has white space around it, at that space.
pub(super) fn surrounding_space(cx: &mut Context<'_, '_>, rule: &'static Rule, text: Text<'_, '_>, what: &str) {
    let trimmed = text.trimmed();
    let Some(range) = untrimmed(text.value).filter(|_| !trimmed.is_empty()) else { return };
    let span = if range.len() == text.value.len() { text.span() } else { cx.inside(text.node, range) };
    let fix = vec![cx.set_string(text.node, trimmed)];
    let message = format!("{what} has white space around it: it is checked without, but stored and looked up with it");
    cx.report(rule, span, message).safe_fix("Trim the white space", fix);
}

/// Says that a string is empty or has characters that are not allowed, at the first run of them.
pub(super) fn bad_characters(
    cx: &mut Context<'_, '_>,
    rule: &'static Rule,
    text: Text<'_, '_>,
    what: &str,
    allowed: impl Fn(char) -> bool,
    charset: &str,
) {
    let trimmed = text.trimmed();
    if trimmed.is_empty() {
        cx.report(rule, text.span(), format!("{what} is empty: fill it in"));
        return;
    }
    let Some(run) = first_run(trimmed, |c| !allowed(c)) else { return };
    let lead = lead(text.value);
    let span = cx.inside(text.node, lead + run.start..lead + run.end);
    let bad = show::quoted(trimmed.get(run).unwrap_or_default());
    let repair = repaired(trimmed, allowed).map(|(value, safe)| {
        // Lower-casing alone leaves what else is wrong with a skill id.
        let whole = if std::ptr::eq(rule, &BAD_SKILL_ID) { without_empty_parts(&value) } else { value.clone() };
        (cx.set_string(text.node, &whole), safe && whole == value, whole)
    });
    let finding = cx.report(rule, span, format!("{what} takes only {charset}, not {bad}"));
    if let Some((edit, safe, value)) = repair {
        fix(finding, safe, format!("Write {}", show::quoted(&value)), vec![edit]);
    }
}

/// `trimmed` with allowed characters only, and whether that keeps what was meant: lower-casing does, replacing does not.
/// Letters of other scripts are replaced by the Latin ones that they imitate, and by nothing else.
pub(super) fn repaired(trimmed: &str, allowed: impl Fn(char) -> bool) -> Option<(String, bool)> {
    let lower = trimmed.to_ascii_lowercase();
    if lower.chars().all(&allowed) {
        return Some((lower, true));
    }
    let mut out = String::new();
    for c in lower.chars() {
        match text::latin_look(c).map(|c| c.to_ascii_lowercase()).unwrap_or(c) {
            c if allowed(c) => out.push(c),
            ':' | '/' if allowed('.') => out.push('.'),
            c if c.is_alphanumeric() => return None,
            _ if out.ends_with('-') => {}
            _ => out.push('-'),
        }
    }
    let out = without_empty_parts(&out.split('.').map(|part| part.trim_matches('-')).collect::<Vec<_>>().join("."));
    (out.chars().any(|c| c.is_ascii_alphanumeric()) && out.chars().all(&allowed)).then_some((out, false))
}

fn without_empty_parts(id: &str) -> String {
    id.split('.').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// Adds a fix of either kind.
pub(super) fn fix<'a>(
    finding: Finding<'a>,
    safe: bool,
    title: impl Into<String>,
    edits: Vec<crate::TextEdit>,
) -> Finding<'a> {
    if safe { finding.safe_fix(title, edits) } else { finding.unsafe_fix(title, edits) }
}

/// The dots around the first empty part of an identifier.
fn empty_part(value: &str) -> Option<Range<usize>> {
    let trimmed = value.trim();
    let at = lead(value);
    if trimmed.starts_with('.') {
        return Some(at..at + 1);
    }
    if let Some(dots) = trimmed.find("..") {
        return Some(at + dots..at + dots + 2);
    }
    trimmed.ends_with('.').then(|| at + trimmed.len() - 1..at + trimmed.len())
}

/// Whether an identifier is of punctuation only or has an empty part.
pub(super) fn is_odd(id: &str) -> bool {
    !id.contains(|c: char| c.is_ascii_alphanumeric()) || empty_part(id).is_some()
}

/// Says that an identifier is of punctuation only or has an empty part; whether it does.
pub(super) fn odd_identifier(cx: &mut Context<'_, '_>, rule: &'static Rule, text: Text<'_, '_>, what: &str) -> bool {
    if !text.value.contains(|c: char| c.is_ascii_alphanumeric()) {
        cx.report(rule, text.span(), format!("{what} is made of punctuation only: nobody can call it by name"));
        return true;
    }
    let Some(empty) = empty_part(text.value) else { return false };
    let span = cx.inside(text.node, empty);
    cx.report(rule, span, format!("{what} has an empty part at this dot: leave the dot out"));
    true
}

/// Says that a string is of absurd length.
pub(super) fn too_long(cx: &mut Context<'_, '_>, rule: &'static Rule, text: Text<'_, '_>, what: &str, most: usize) {
    // Bytes first: counting characters is only needed where they may be too many.
    if text.value.len() > most {
        let count = text.value.chars().count();
        if count > most {
            cx.report(rule, text.span(), format!("{what} has {count} characters: keep it below {most}"));
        }
    }
}

/// The rules that a version is checked by.
pub(super) struct VersionRules {
    /// It does not read.
    pub bad: &'static Rule,
    /// There is white space around it.
    pub space: &'static Rule,
    /// Its numbers are not plain.
    pub spelling: &'static Rule,
}

/// Checks a version: that it reads, that nothing surrounds it, and that its numbers are plain. A repaired one that does
/// not `fit` is offered as unsafe.
pub(super) fn check_version_text(
    cx: &mut Context<'_, '_>,
    text: Text<'_, '_>,
    what: &str,
    rules: &VersionRules,
    fits: impl Fn(Version) -> bool,
) {
    if let Some(version) = Version::parse(text.value) {
        let plain = version.to_string();
        if text.trimmed() == plain {
            surrounding_space(cx, rules.space, text, what);
        } else {
            let fix = vec![cx.set_string(text.node, &plain)];
            cx.report(rules.spelling, text.span(), format!("{what} is read as {plain}: write it so"))
                .safe_fix(format!("Write `{plain}`"), fix);
        }
        return;
    }
    let (range, problem) = version_fault(text.value);
    let span = cx.inside(text.node, range);
    let repair = version_repair(text.trimmed()).map(|(version, safe)| {
        let value = version.to_string();
        (cx.set_string(text.node, &value), value, safe && fits(version))
    });
    let finding = cx.report(rules.bad, span, format!("{what} {problem}"));
    if let Some((edit, value, safe)) = repair {
        fix(finding, safe, format!("Write `{value}`"), vec![edit]);
    }
}

/// Where a version that does not read is wrong, and why.
fn version_fault(value: &str) -> (Range<usize>, String) {
    let trimmed = value.trim();
    let at = lead(value);
    let whole = at..at + trimmed.len();
    if trimmed.is_empty() {
        return (0..value.len(), "is empty: write three numbers, such as `1.0.0`".to_owned());
    }
    let digits = trimmed.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    if digits > 0 && trimmed.get(..digits).is_some_and(|front| !front.contains(['.', '+'])) {
        let front = show::quoted(trimmed.get(..digits).unwrap_or_default());
        return (at..at + digits, format!("is three numbers alone: leave out {front}"));
    }
    // `1.2.3-rc.1+7`: everything behind the numbers.
    let numbers = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let whole_numbers = trimmed.get(..numbers).is_some_and(|front| front.ends_with(|c: char| c.is_ascii_digit()));
    if whole_numbers && trimmed.get(numbers..).is_some_and(|rest| rest.starts_with(['-', '+'])) {
        return (
            at + numbers..whole.end,
            "has no pre-release and no build part: a daemon does not read them".to_owned(),
        );
    }
    let parts = trimmed.split('.').count();
    if parts != 3 {
        return (whole, "is exactly three numbers, such as `1.0.0`".to_owned());
    }
    let mut start = at;
    for part in trimmed.split('.') {
        if part.parse::<u32>().is_err() {
            let problem = if part.is_empty() {
                "has an empty part: write three numbers".to_owned()
            } else if part.bytes().all(|b| b.is_ascii_digit()) {
                "has a number above 4294967295".to_owned()
            } else {
                format!("has only numbers between its dots, not {}", show::quoted(part))
            };
            return (if part.is_empty() { whole } else { start..start + part.len() }, problem);
        }
        start += part.len() + 1;
    }
    (whole, "is not three numbers".to_owned())
}

/// The version that was evidently meant, and whether nothing of meaning is lost.
fn version_repair(trimmed: &str) -> Option<(Version, bool)> {
    let front = trimmed.find(|c: char| c.is_ascii_digit())?;
    let prefix = trimmed.get(..front)?.trim();
    let numbers = trimmed.get(front..)?;
    let end = numbers.find(['-', '+']).unwrap_or(numbers.len());
    let dropped = end < numbers.len();
    let dots = |c: char| if matches!(c, ',' | '\u{FF0E}') { '.' } else { c };
    let numbers: String = numbers.get(..end)?.chars().map(dots).collect();
    // White space beside a dot is a slip; between two digits it may stand for a dot, or for nothing.
    let mut parts = numbers.split('.').map(|part| part.trim().parse::<u32>().ok()).collect::<Option<Vec<_>>>()?;
    let known = matches!(prefix, "" | "v" | "V" | "=");
    if parts.len() > 3 || !(known || matches!(prefix, ">=" | "^" | "~" | "v." | "V.")) {
        return None;
    }
    parts.resize(3, 0);
    Some((Version(parts[0], parts[1], parts[2]), known && !dropped))
}

/// The name of the skill as TOML, for texts that are made from it.
pub(super) fn name_as_toml(cx: &Context<'_, '_>) -> Option<String> {
    let name = cx.root.text("name")?.trimmed();
    (!name.is_empty()).then(|| string(name))
}
