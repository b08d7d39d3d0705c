//! Findings that no text shows by itself: those of other manifests, of modules, of calls. They are set and allowed where
//! all others are.

use crate::{Diagnostic, Options, Severity, rules, text::Span};

/// How loud findings that were made elsewhere (in other manifests, in modules, by calls) are in a text: what options and the
/// comments in it make of them.
pub struct Elsewhere<'a> {
    allowed: rules::Allowed<'a>,
    options: &'a Options,
}

impl<'a> Elsewhere<'a> {
    /// For findings in `text`.
    #[must_use]
    pub fn new(text: &'a str, options: &'a Options) -> Self {
        Self { allowed: rules::Allowed::of(text), options }
    }

    /// The severity of what the rule with `code` finds at `span`, where it has `own` by itself; `None` where it is switched
    /// off. Never less than [`Rule::least`](rules::Rule::least); an error that no rule of manifests stands for, such as a daemon's own check,
    /// stays one.
    #[must_use]
    pub fn severity(&self, code: &str, own: Severity, span: Span) -> Option<Severity> {
        let least = match rules::find(code) {
            Some(rule) => rule.least(),
            None => (own == Severity::Error).then_some(own),
        };
        let set = self.options.level(code).map_or(Some(own), |level| level.severity());
        match least {
            Some(least) => set.max(Some(least)),
            None => set.filter(|_| !self.allowed.covers(code, span)),
        }
    }

    /// Gives a finding its severity; `false` where it is switched off.
    #[must_use]
    pub fn is_reported(&self, found: &mut Diagnostic) -> bool {
        let Some(severity) = self.severity(found.rule.code, found.severity, found.span) else { return false };
        found.severity = severity;
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;
    use crate::{
        Level, analyze,
        workspace::{DUPLICATE_SKILL_ID, Names},
    };

    const TEXT: &str = "skill_id = \"acme.a\"\nname = \"A\"\n";

    #[test]
    fn options_and_comments_decide_what_is_reported() {
        let found = |text: &str| {
            let span = Names::read(text).skill.unwrap().span;
            rules::finding(&DUPLICATE_SKILL_ID, span, "again".to_owned())
        };
        let reported =
            |found: &mut Diagnostic, text: &str, options: &Options| Elsewhere::new(text, options).is_reported(found);
        let mut options = Options::default();
        let mut one = found(TEXT);
        assert!(reported(&mut one, TEXT, &options));
        assert_eq!(one.severity, DUPLICATE_SKILL_ID.severity);
        options.levels.insert("workspace/*".to_owned(), Level::Deny);
        assert!(reported(&mut one, TEXT, &options));
        assert_eq!(one.severity, Severity::Error);
        options.levels.insert("workspace/duplicate-skill-id".to_owned(), Level::Allow);
        assert!(!reported(&mut one, TEXT, &options));

        let allowed = format!("# skillyard: allow(workspace/duplicate-skill-id): a copy for tests\n{TEXT}");
        assert!(!reported(&mut found(&allowed), &allowed, &Options::default()));
        // What another rule's comment allows is something else, and so is what stands elsewhere.
        let other = allowed.replace("skill-id", "tool-id");
        assert!(reported(&mut found(&other), &other, &Options::default()));
        let elsewhere = TEXT.replace("name =", "# skillyard: allow(workspace/duplicate-skill-id): no\nname =");
        assert!(reported(&mut found(&elsewhere), &elsewhere, &Options::default()));
        // Nor does a comment, or a level, take back what an artifact is refused for.
        options.levels.insert("*".to_owned(), Level::Hint);
        let of = |code: &str, own, text: &str| Elsewhere::new(text, &options).severity(code, own, Span::at(0));
        let allowing = "# skillyard: allow-file(module/socket-import, module/memory-unbounded): no\n";
        for text in ["", allowing] {
            assert_eq!(of("module/socket-import", Severity::Error, text), Some(Severity::Error));
            assert_eq!(of("wasm_module_presence", Severity::Error, text), Some(Severity::Error));
        }
        assert_eq!(of("module/memory-unbounded", Severity::Warning, ""), Some(Severity::Hint));
        assert_eq!(of("module/memory-unbounded", Severity::Warning, allowing), None);
        // The analysis of one text cannot know whether such a comment is needed.
        for text in [&allowed, &other, &elsewhere] {
            let analysis = analyze(text, &Options::default());
            assert!(!analysis.diagnostics.iter().any(|found| found.rule.code.starts_with("suppress/")), "{text}");
        }
    }
}
