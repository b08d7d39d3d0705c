//! Comments that switch a rule off where they stand: `# skillyard: allow(egress/port): why`.
//!
//! Behind a value or header, a comment speaks for it with all its lines; inside a value, behind an element, for its line; on
//! a line of its own, for the key or header that follows, with all lines of its value. `allow-file` speaks for the whole
//! file.

use super::{Context, Family, FixKind, Rule, finding, is_found_elsewhere};
use crate::{
    diagnostic::{Daemon, Diagnostic, Fix, Severity, Tag},
    document::Document,
    edits, show, suggest,
    text::Span,
};

pub(super) static FAMILY: Family = Family {
    name: "suppress",
    about: "Comments that switch a rule off where they stand.",
    rules: &[&UNUSED, &NO_REASON, &UNKNOWN_CODE, &NOT_ALLOWED, &MALFORMED],
    // The comments are read after all other rules have spoken: see `apply`.
    check: |_: &mut Context<'_, '_>| {},
};

static UNUSED: Rule = Rule {
    code: "suppress/unused",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A comment allows what is not there",
    details: "The finding that the comment allows is gone, or the comment stands in the wrong place: behind a value it speaks \
              for the value, behind an element of a list for its line, on a line of its own for the key or header that \
              follows. Left behind, it would hide the next one.",
    bad: "# skillyard: allow(egress/upper-case): as its owner writes it\nname = \"Weather\"",
    good: "name = \"Weather\"",
};

static NO_REASON: Rule = Rule {
    code: "suppress/no-reason",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "A comment allows something without saying why",
    details: "Write the reason behind the colon: `# skillyard: allow(fields/deprecated-alias): read by daemons before 0.1`. The next \
              reader, or a reviewer, will ask for it.",
    bad: "[compat]\nmin_protocol_major = 1 # skillyard: allow(fields/deprecated-alias)\nmin_palyra_version = \"0.1.0\"",
    good: "[compat]\nmin_protocol_major = 1 # skillyard: allow(fields/deprecated-alias): shared with older tools\n\
           min_palyra_version = \"0.1.0\"",
};

static UNKNOWN_CODE: Rule = Rule {
    code: "suppress/unknown-code",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "A comment allows a rule that does not exist",
    details: "`skillyard explain` lists the rules. A whole family cannot be allowed in a file: name the rule.",
    bad: "name = \"Weather\" # skillyard: allow(fields/deprecated-alais): a typing mistake",
    good: "name = \"Weather\"",
};

static NOT_ALLOWED: Rule = Rule {
    code: "suppress/not-allowed",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A comment allows what a daemon refuses, or an artifact is refused for",
    details: "Nothing in the file makes anybody accept it, so hiding the finding would only move the surprise to the install. \
              The finding stays.",
    bad: "# skillyard: allow(fields/unknown-key): I want it\ncolour = \"blue\"",
    good: "name = \"Weather\"",
};

static MALFORMED: Rule = Rule {
    code: "suppress/malformed",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "A comment starts like an instruction to Skillyard but is none",
    details: "The forms are `# skillyard: allow(code, code): reason` and `# skillyard: allow-file(code): reason`.",
    bad: "# skillyard: ignore fields/deprecated-alias\nname = \"Weather\"",
    good: "# skillyard is the tool in use here\nname = \"Weather\"",
};

struct Allow<'t> {
    comment: Span,
    codes: Vec<(Span, &'t str)>,
    reason: &'t str,
    /// What it speaks for.
    scope: Span,
}

/// Takes out the findings that comments allow, and reports what is wrong with the comments.
pub(crate) fn apply<'t>(text: &'t str, document: &Document<'t>, findings: &mut Vec<Diagnostic>) {
    if !text.contains("skillyard:") {
        return;
    }
    let mut own = Vec::new();
    for &comment in &document.comments {
        match read(text, document, comment) {
            Some(Ok(allow)) => judge(text, &allow, findings, &mut own),
            Some(Err(message)) => own.push(finding(&MALFORMED, comment, message)),
            None => {}
        }
    }
    findings.append(&mut own);
}

/// What the comments of a text allow, for findings that were made elsewhere.
pub(crate) struct Allowed<'t> {
    allows: Vec<Allow<'t>>,
}

impl<'t> Allowed<'t> {
    /// Reads the comments. Takes no time where there are none of ours.
    pub(crate) fn of(text: &'t str) -> Self {
        if !text.contains("skillyard:") {
            return Self { allows: Vec::new() };
        }
        let document = Document::parse(text);
        let allows = document.comments.iter().filter_map(|comment| read(text, &document, *comment)?.ok());
        Self { allows: allows.collect() }
    }

    /// Whether one of them allows what the rule with `code` finds at `span`.
    pub(crate) fn covers(&self, code: &str, span: Span) -> bool {
        let named = |allow: &Allow<'_>| allow.codes.iter().any(|(_, named)| *named == code);
        self.allows.iter().any(|allow| allow.scope.intersects(span) && named(allow))
    }
}

fn read<'t>(text: &'t str, document: &Document<'t>, comment: Span) -> Option<Result<Allow<'t>, String>> {
    let body = comment.of(text).strip_prefix('#')?.trim_start().strip_prefix("skillyard:")?.trim();
    let rest = body.strip_prefix("allow").unwrap_or("");
    let (file, rest) = match rest.strip_prefix("-file") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let Some((list, reason)) = rest.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
        return Some(Err("write `# skillyard: allow(code): reason`".to_owned()));
    };
    let offset = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let codes = list
        .split(',')
        .map(str::trim)
        .filter(|code| !code.is_empty())
        .map(|code| (Span::new(offset(code), offset(code) + code.len()), code))
        .collect();
    let reason = reason.trim_start().strip_prefix(':').unwrap_or("").trim();
    let scope = if file { Span::new(0, text.len()) } else { scope(text, document, comment) };
    Some(Ok(Allow { comment, codes, reason, scope }))
}

fn scope(text: &str, document: &Document<'_>, comment: Span) -> Span {
    let start = edits::line_start(text, comment.start);
    let own_line = Span::new(start, comment.start).of(text).trim().is_empty();
    let next = document.items.partition_point(|item| item.start < comment.start);
    let before = next.checked_sub(1).and_then(|i| document.items.get(i));
    if !own_line {
        // All of a value over several lines that ends here: a formatter that breaks a list into lines leaves the comment
        // behind its bracket.
        let ended = before.filter(|item| (start..=comment.start).contains(&item.end));
        return Span::new(ended.map_or(start, |item| item.start.min(start)), comment.start);
    }
    // Inside a value over several lines: the line below.
    if let Some(around) = before.filter(|item| item.end > comment.end) {
        let below = edits::line_end(text, comment.end);
        let from = (below + 1).min(around.end);
        return Span::new(from, edits::line_end(text, from));
    }
    document.items.get(next).copied().unwrap_or(Span::at(text.len()))
}

fn judge(text: &str, allow: &Allow<'_>, findings: &mut Vec<Diagnostic>, own: &mut Vec<Diagnostic>) {
    if allow.codes.is_empty() {
        own.push(finding(&MALFORMED, allow.comment, "name the rule: `# skillyard: allow(code): reason`".to_owned()));
        return;
    }
    for (span, code) in &allow.codes {
        let shown = show::quoted(code);
        let Some(rule) = super::find(code) else {
            let meant =
                suggest::closest(code, super::all().map(|rule| rule.code).filter(|c| suggest::same_family(c, code)));
            let message = match meant {
                Some(meant) => format!("there is no rule {shown}: did you mean `{meant}`?"),
                None => format!("there is no rule {shown}"),
            };
            let mut unknown = finding(&UNKNOWN_CODE, *span, message);
            if let Some(meant) = meant {
                let edits = vec![edits::replace(*span, meant)];
                unknown.fixes.push(Fix { title: format!("Write `{meant}`"), safe: false, edits });
            }
            own.push(unknown);
            continue;
        };
        if rule.least().is_some() {
            let daemon = rule.daemon == Daemon::Rejects;
            let who = if daemon { "a daemon refuses it" } else { "an artifact is refused for it" };
            let message = format!("{shown} cannot be allowed: {who} whatever stands here");
            let mut refused = finding(&NOT_ALLOWED, *span, message);
            refused.fixes.push(remove(text, allow, *span));
            own.push(refused);
            continue;
        }
        let before = findings.len();
        findings.retain(|f| f.rule.code != *code || !allow.scope.intersects(f.span));
        if findings.len() == before && is_found_elsewhere(rule) {
            // Whether it is there is not known here.
        } else if findings.len() == before {
            let mut unused = finding(&UNUSED, *span, format!("{shown} is allowed here but not found here"));
            unused.tag = Some(Tag::Unnecessary);
            unused.fixes.push(remove(text, allow, *span));
            own.push(unused);
        } else if allow.reason.is_empty() {
            own.push(finding(&NO_REASON, allow.comment, format!("say why {shown} is allowed, behind a colon")));
        }
    }
}

/// Removes one code, or the comment where it is the only one.
fn remove(text: &str, allow: &Allow<'_>, code: Span) -> Fix {
    let edit = if allow.codes.len() > 1 {
        // All of it is in one comment: no comma is hidden by another.
        edits::remove_listed(text, &[], code)
    } else if edits::line_start(text, allow.comment.start) + indent(text, allow.comment) == allow.comment.start {
        edits::remove_lines(text, allow.comment)
    } else {
        let before = text.get(..allow.comment.start).unwrap_or_default();
        edits::replace(Span::new(before.trim_end_matches([' ', '\t']).len(), allow.comment.end), "")
    };
    let title = if allow.codes.len() > 1 { "Remove it from the comment" } else { "Remove the comment" };
    Fix { title: title.to_owned(), safe: true, edits: vec![edit] }
}

fn indent(text: &str, comment: Span) -> usize {
    let line = Span::new(edits::line_start(text, comment.start), comment.start).of(text);
    line.len() - line.trim_start().len()
}
