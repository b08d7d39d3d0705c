//! Applying fixes: one, or all that can be applied together.

use crate::{
    Analysis, Options, analyze,
    config::analyze_config,
    diagnostic::{Diagnostic, Fix, Severity, TextEdit},
    rules,
};

/// Applies edits that do not overlap, in any order.
#[must_use]
pub fn apply_edits(text: &str, edits: &[TextEdit]) -> String {
    let mut sorted: Vec<&TextEdit> = edits.iter().collect();
    sorted.sort_by_key(|edit| edit.span);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in sorted {
        debug_assert!(at <= edit.span.start, "edits overlap at byte {at}");
        out.push_str(text.get(at..edit.span.start).unwrap_or_default());
        out.push_str(&edit.text);
        at = at.max(edit.span.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// What [`fix_all`] comes to.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// The text afterwards.
    pub text: String,
    /// How many fixes were applied.
    pub applied: usize,
    /// The analysis of `text`.
    pub analysis: Analysis,
}

/// How often [`fix_all`] looks again for what an earlier fix uncovered.
const MAX_ROUNDS: usize = 16;

/// The most texts that [`fix_all`] looks at, and about how many bytes they may come to where that is fewer.
const MAX_LOOKS: usize = 1_000;
const MAX_LOOKED: usize = 16 << 20;

/// Applies the first fix of every diagnostic that has one, until none is left: safe ones only, unless `unsafe_too`.
/// Of fixes that touch each other the first in the text wins a round and the rest wait for the next.
///
/// Fixes are kept only if they leave no more errors than there were, so the result is never worse than `text`: where some
/// of a round would, the others are kept. Syntax comes first, and counts for itself: what was not read before is not made
/// worse by being read.
#[must_use]
pub fn fix_all(text: &str, options: &Options, unsafe_too: bool) -> Fixed {
    let look = |text: &str| analyze(text, options);
    let (text, applied, analysis) = settle(text, unsafe_too, &look, &|analysis| &analysis.diagnostics);
    Fixed { text, applied, analysis }
}

/// [`fix_all`] for the text of a `skillyard.toml`: the text afterwards.
#[must_use]
pub fn fix_config(text: &str, unsafe_too: bool) -> String {
    settle(text, unsafe_too, &analyze_config, &|findings| findings).0
}

type Look<'l, L> = &'l dyn Fn(&str) -> L;
type Findings<'l, L> = &'l dyn Fn(&L) -> &[Diagnostic];

/// The text with fixes applied, how many those are, and what `look` says about it.
fn settle<L>(text: &str, unsafe_too: bool, look: Look<'_, L>, findings: Findings<'_, L>) -> (String, usize, L) {
    let (mut text, mut applied, mut looked) = (text.to_owned(), 0, look(text));
    let mut looks = (MAX_LOOKED / text.len().max(1)).clamp(MAX_ROUNDS, MAX_LOOKS);
    for _ in 0..MAX_ROUNDS {
        let all = findings(&looked);
        let syntax = apart(all.iter().filter(|found| is_syntax(found)), unsafe_too);
        let others = apart(all.iter().filter(|found| !is_syntax(found)), unsafe_too);
        let before = errors(all);
        let mut kept = None;
        for fixes in [syntax, others] {
            let mut round =
                Round { text: &text, look, findings, looks, edits: Vec::new(), fixes: 0, errors: before, then: None };
            round.keep(&fixes);
            looks = round.looks;
            if let Some((next, then)) = round.then {
                kept = Some((next, applied + round.fixes, then));
                break;
            }
        }
        let Some(kept) = kept else { break };
        (text, applied, looked) = kept;
    }
    (text, applied, looked)
}

fn is_syntax(found: &Diagnostic) -> bool {
    rules::is_syntax(found.rule)
}

/// How many errors there are: those of syntax, and all.
fn errors(findings: &[Diagnostic]) -> (usize, usize) {
    let all = findings.iter().filter(|found| found.severity == Severity::Error);
    (all.clone().filter(|found| is_syntax(found)).count(), all.count())
}

/// Fixes of one text, and which of them are kept.
struct Round<'r, L> {
    text: &'r str,
    look: Look<'r, L>,
    findings: Findings<'r, L>,
    /// How many texts may still be looked at.
    looks: usize,
    /// Those that are kept.
    edits: Vec<TextEdit>,
    fixes: usize,
    /// With these.
    errors: (usize, usize),
    /// The text with these, and what was seen in it.
    then: Option<(String, L)>,
}

impl<L> Round<'_, L> {
    /// Keeps `fixes`, or those of them that leave no more errors.
    fn keep(&mut self, fixes: &[&Fix]) {
        if fixes.is_empty() || self.looks == 0 {
            return;
        }
        self.looks -= 1;
        let mut edits = self.edits.clone();
        edits.extend(fixes.iter().flat_map(|fix| fix.edits.iter().cloned()));
        let next = apply_edits(self.text, &edits);
        let same = next == self.then.as_ref().map_or(self.text, |(text, _)| text);
        let then = (self.look)(&next);
        let errors = errors((self.findings)(&then));
        if !same && errors <= self.errors {
            self.edits = edits;
            self.fixes += fixes.len();
            self.errors = errors;
            self.then = Some((next, then));
        } else if fixes.len() > 1 {
            let (first, second) = fixes.split_at(fixes.len() / 2);
            self.keep(first);
            self.keep(second);
        }
    }
}

/// The edits of all fixes that do not touch each other, and how many fixes those are.
#[must_use]
pub fn compatible(findings: &[Diagnostic], unsafe_too: bool) -> (Vec<TextEdit>, usize) {
    let fixes = apart(findings.iter(), unsafe_too);
    let mut edits: Vec<TextEdit> = fixes.iter().flat_map(|fix| fix.edits.iter().cloned()).collect();
    edits.sort_by_key(|edit| edit.span);
    (edits, fixes.len())
}

/// The first fix of each finding, but for those that touch an earlier one.
fn apart<'f>(findings: impl Iterator<Item = &'f Diagnostic>, unsafe_too: bool) -> Vec<&'f Fix> {
    let mut taken: Vec<&Fix> = Vec::new();
    for diagnostic in findings {
        let Some(fix) = diagnostic.fixes.iter().find(|fix| fix.safe || unsafe_too) else { continue };
        if !fix.edits.is_empty() && !taken.iter().any(|taken| touches(fix, &taken.edits)) {
            taken.push(fix);
        }
    }
    taken
}

fn touches(fix: &Fix, taken: &[TextEdit]) -> bool {
    fix.edits.iter().any(|new| taken.iter().any(|old| old.span.start <= new.span.end && new.span.start <= old.span.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "manifest_version = 2\nskill_id = \"acme.s\"\nname = \"S\"\nversion = \"1.0.0\"\npublisher = \"acme\"\n";
    const TOOL: &str = "[[entrypoints.tools]]\nid = \"acme.t\"\nname = \"T\"\ndescription = \"T.\"\n\
        input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }\n";
    const COMPAT: &str = "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n";

    fn fixed(text: &str, unsafe_too: bool) -> String {
        let fixed = fix_all(text, &Options::default(), unsafe_too);
        assert_eq!(fixed.applied > 0, fixed.text != text, "{}", fixed.text);
        assert!(toml::de::DeTable::parse(&fixed.text).is_ok(), "{}", fixed.text);
        fixed.text
    }

    #[test]
    fn keys_below_a_header_that_stands_too_early_are_kept() {
        for header in ["[operator]", "[operator.plugin]", "[capabilities.quotas]"] {
            let text = format!("{header}\n{HEAD}{TOOL}{COMPAT}");
            let fixed = fixed(&text, true);
            assert!(fixed.starts_with(HEAD.split_once('\n').unwrap().1) || fixed.starts_with(HEAD), "{fixed}");
            assert!(analyze(&fixed, &Options::default()).daemon.accepts, "{fixed}");
        }
    }

    #[test]
    fn a_fix_that_uncovers_errors_keeps_no_other_back() {
        let text = format!(
            "{HEAD}{TOOL}[capabilities]\nhttp_egress_allowlist = [\"API.acme.example\"]\n{COMPAT}zax_palyra_version = \"0.0.9\"\n"
        );
        let after = fixed(&text, true);
        assert!(after.contains("[\"api.acme.example\"]"), "{after}");
        assert!(after.contains("zax_palyra_version"), "{after}");
    }

    #[test]
    fn what_a_mended_syntax_lets_be_read_is_no_step_back() {
        let text = format!("{HEAD}{TOOL}[compat");
        let after = fixed(&text, false);
        assert!(after.contains("\n[compat]\n"), "{after}");
    }

    #[test]
    fn nothing_unseen_is_taken_out_of_what_is_granted() {
        let lists = "http_egress_allowlist = [\"*.a\\u200bcme.example\"]\nfilesystem.write_roots = [\"a\\u200bb\"]\n\
                     wildcard_opt_in.http_egress = true\n";
        let text = format!("{HEAD}{TOOL}[capabilities]\n{lists}{COMPAT}");
        assert!(fixed(&text, false).contains(lists));
        assert!(fixed(&text, true).contains("\"*.acme.example\""));
    }

    #[test]
    fn two_fixes_never_write_a_table_or_key_twice() {
        let text = format!(
            "{HEAD}{TOOL}[capabilities.filesystem]\nwrite_roots = [\"out/*\"]\n\
             [capabilities.wildcard_optin]\nfilesystem = true\n{COMPAT}"
        );
        let after = fixed(&text, true);
        assert_eq!(after.matches("[capabilities.wildcard_opt_in]").count(), 1, "{after}");
        assert!(!after.contains("wildcard_optin"), "{after}");
        let text = format!(
            "{HEAD}[operator]\ndisplay_name = \"S\"\n{TOOL}[entrypoints.tools.isk]\ndefault_sensitive = false\n\
             [capabilities]\nhttp_egress_allowlist = [\"api.acme.example\"]\n{COMPAT}"
        );
        let after = fixed(&text, true);
        assert_eq!(after.matches("risk").count(), 1, "{after}");
        assert!(after.contains("[entrypoints.tools.risk]"), "{after}");
        // Both mean the same key: one of them becomes it, the other goes.
        let twice = "min_palyra_versoin = \"0.1.0\"\nmin_palyra_versin = \"0.1.0\"\n";
        let after = fixed(&format!("{HEAD}{TOOL}[compat]\nrequired_protocol_major = 1\n{twice}"), true);
        assert_eq!(after.matches("min_palyra_vers").count(), 1, "{after}");
        assert!(after.contains("min_palyra_version = "), "{after}");
    }
}
