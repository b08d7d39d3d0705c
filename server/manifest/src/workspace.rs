//! What the skills of one workspace share and should not: the ids of skills and of tools.
//!
//! A manifest says nothing of others, so that [`crate::analyze`] cannot find it. Who has several gives the [`Names`] of
//! each; which belong together, and where the files are, is theirs to know.

use crate::{
    Analysis, Diagnostic, Options, Severity,
    document::{Document, Node},
    rules,
    text::Span,
};

pub use rules::workspace::{DUPLICATE_SKILL_ID, DUPLICATE_TOOL_ID};

/// An id and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// The id without white space around it; never empty.
    pub id: String,
    /// The string with its quotes.
    pub span: Span,
}

/// The ids that a manifest gives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    /// Of the skill.
    pub skill: Option<Name>,
    /// Of its tools, in the order of the text.
    pub tools: Vec<Name>,
}

impl Names {
    /// The ids that any text gives as a manifest.
    #[must_use]
    pub fn read(text: &str) -> Self {
        if text.len() > crate::MAX_BYTES { Self::default() } else { Self::of(&Document::parse(text)) }
    }

    pub(crate) fn of(document: &Document<'_>) -> Self {
        let name = |node: &Node<'_>| {
            let id = node.as_str()?.trim();
            (!id.is_empty()).then(|| Name { id: id.to_owned(), span: node.span })
        };
        let tools = document.root.get("entrypoints").and_then(|field| field.value.as_table()?.get("tools"));
        let tools = tools.and_then(|field| field.value.as_array()).unwrap_or_default();
        Self {
            skill: document.root.get("skill_id").and_then(|field| name(&field.value)),
            tools: tools.iter().filter_map(|tool| name(&tool.as_table()?.get("id")?.value)).collect(),
        }
    }

    /// Every id with its place.
    pub fn all(&self) -> impl Iterator<Item = &Name> {
        self.skill.iter().chain(&self.tools)
    }
}

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
    /// off. An error about modules stays one, since an artifact is refused for it, and so does one of a rule that no
    /// author can set or that no rule stands for, such as a daemon's own check.
    #[must_use]
    pub fn severity(&self, code: &str, own: Severity, span: Span) -> Option<Severity> {
        let stays = |rule: &rules::Rule| rule.stays_an_error() || rules::is_about_modules(rule);
        if own == Severity::Error && rules::find(code).is_none_or(stays) {
            return Some(own);
        }
        if self.allowed.covers(code, span) {
            return None;
        }
        self.options.level(code).map_or(Some(own), |level| level.severity())
    }

    /// Gives a finding its severity; `false` where it is switched off.
    #[must_use]
    pub fn is_reported(&self, found: &mut Diagnostic) -> bool {
        let Some(severity) = self.severity(found.rule.code, found.severity, found.span) else { return false };
        found.severity = severity;
        true
    }
}

/// Puts findings that were made elsewhere into an analysis, each at its place in the order of the text.
pub fn add(analysis: &mut Analysis, found: impl IntoIterator<Item = Diagnostic>) {
    analysis.diagnostics.extend(found);
    analysis.diagnostics.sort_by(|a, b| (a.span, a.rule.code).cmp(&(b.span, b.rule.code)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, analyze};

    const TEXT: &str = "skill_id = \" acme.a \"\n[[entrypoints.tools]]\nid = \"acme.one\"\n[[entrypoints.tools]]\nname = \"x\"\n\
                        [[entrypoints.tools]]\nid = 'acme.two'\n[[entrypoints.tools]]\nid = \"\"\n";

    #[test]
    fn a_manifest_has_its_names() {
        let names = Names::read(TEXT);
        let found: Vec<_> = names.all().map(|name| (name.id.as_str(), name.span.of(TEXT))).collect();
        assert_eq!(found, [("acme.a", "\" acme.a \""), ("acme.one", "\"acme.one\""), ("acme.two", "'acme.two'")]);
        assert_eq!(analyze(TEXT, &Options::default()).names, names);
        for text in ["", "skill_id = 1", "entrypoints = 1", "[entrypoints]\ntools = 3", "[[entrypoints.tools", "[["] {
            assert_eq!(Names::read(text), Names::default(), "{text}");
        }
    }

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
