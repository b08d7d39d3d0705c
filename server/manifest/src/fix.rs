//! Applying fixes: one, or all that can be applied together.

use crate::{
    Analysis, Options, analyze,
    config::analyze_config,
    diagnostic::{Diagnostic, Fix, Severity, TextEdit},
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

/// Applies the first fix of every diagnostic that has one, until none is left: safe ones only, unless `unsafe_too`.
/// Of fixes that touch each other the first in the text wins a round and the rest wait for the next.
///
/// A round is taken only if it leaves no more errors than there were, so the result is never worse than `text`.
#[must_use]
pub fn fix_all(text: &str, options: &Options, unsafe_too: bool) -> Fixed {
    let look = |text: &str| analyze(text, options);
    let (text, applied, analysis) = settle(text, unsafe_too, look, |analysis| &analysis.diagnostics);
    Fixed { text, applied, analysis }
}

/// [`fix_all`] for the text of a `skillyard.toml`: the text afterwards.
#[must_use]
pub fn fix_config(text: &str, unsafe_too: bool) -> String {
    settle(text, unsafe_too, analyze_config, |findings| findings).0
}

/// The text with fixes applied, how many those are, and what `look` says about it.
fn settle<L>(
    text: &str,
    unsafe_too: bool,
    look: impl Fn(&str) -> L,
    findings: impl Fn(&L) -> &[Diagnostic],
) -> (String, usize, L) {
    let errors = |looked: &L| findings(looked).iter().filter(|found| found.severity == Severity::Error).count();
    let (mut text, mut applied, mut looked) = (text.to_owned(), 0, look(text));
    for _ in 0..MAX_ROUNDS {
        let (edits, more) = compatible(findings(&looked), unsafe_too);
        if more == 0 {
            break;
        }
        let next = apply_edits(&text, &edits);
        let then = look(&next);
        if next == text || errors(&then) > errors(&looked) {
            break;
        }
        (text, applied, looked) = (next, applied + more, then);
    }
    (text, applied, looked)
}

/// The edits of all fixes that do not touch each other, and how many fixes those are.
#[must_use]
pub fn compatible(findings: &[Diagnostic], unsafe_too: bool) -> (Vec<TextEdit>, usize) {
    let mut edits: Vec<TextEdit> = Vec::new();
    let mut applied = 0;
    for diagnostic in findings {
        let Some(fix) = diagnostic.fixes.iter().find(|fix| fix.safe || unsafe_too) else { continue };
        if fix.edits.is_empty() || touches(fix, &edits) {
            continue;
        }
        edits.extend(fix.edits.iter().cloned());
        applied += 1;
    }
    edits.sort_by_key(|edit| edit.span);
    (edits, applied)
}

fn touches(fix: &Fix, taken: &[TextEdit]) -> bool {
    fix.edits.iter().any(|new| taken.iter().any(|old| old.span.start <= new.span.end && new.span.start <= old.span.end))
}
