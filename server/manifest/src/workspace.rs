//! What the skills of one workspace share and should not: the ids of skills and of tools.
//!
//! A manifest says nothing of others, so that [`crate::analyze`] cannot find it. Who has several gives the [`Names`] of
//! each; which belong together, and where the files are, is theirs to know.

use crate::{
    Analysis, Diagnostic,
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

/// Puts findings that were made elsewhere into an analysis, each at its place in the order of the text.
pub fn add(analysis: &mut Analysis, found: impl IntoIterator<Item = Diagnostic>) {
    analysis.diagnostics.extend(found);
    analysis.diagnostics.sort_by(|a, b| (a.span, a.rule.code).cmp(&(b.span, b.rule.code)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, analyze};

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
}
