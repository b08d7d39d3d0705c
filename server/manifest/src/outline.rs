//! The tools of a manifest and where each stands, also in a text that is half typed.

use crate::{
    document::{Document, NodeKind},
    text::Span,
};

/// A tool in the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToolPlace {
    /// Its id, as it is written; empty where there is none yet.
    pub id: String,
    /// Its header, or its inline table.
    pub span: Span,
    /// All that belongs to it: its own keys and the tables below it, up to what comes next.
    pub extent: Span,
}

/// The tools in `text`, in their order.
#[must_use]
pub fn tools(text: &str) -> Vec<ToolPlace> {
    let document = Document::parse(text);
    let Some(tools) = document.root.get("entrypoints").and_then(|field| field.value.as_table()?.get("tools")) else {
        return Vec::new();
    };
    let NodeKind::Array(array) = &tools.value.kind else { return Vec::new() };
    let is_below = |keys: &[crate::syntax::Key<'_>]| {
        keys.len() > 2 && keys.first().is_some_and(|key| key.name == "entrypoints") && keys[1].name == "tools"
    };
    array
        .items
        .iter()
        .map(|tool| {
            let id = tool.as_table().and_then(|table| table.get("id")?.value.as_str()).unwrap_or_default().to_owned();
            let end = if array.of_tables {
                let next = document
                    .headers
                    .iter()
                    .find(|header| header.span.start > tool.span.start && !is_below(&header.keys));
                next.map_or(text.len(), |header| header.span.start)
            } else {
                tool.span.end
            };
            ToolPlace { id, span: tool.span, extent: Span::new(tool.span.start, end) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;

    #[test]
    fn tools_have_places() {
        let text = "skill_id = \"acme.x\"\n[[entrypoints.tools]]\nid = \"acme.a\"\n[entrypoints.tools.risk]\n\
                    [[entrypoints.tools]]\nname = \"b\"\n[compat]\n";
        let found = tools(text);
        let words: Vec<_> =
            found.iter().map(|tool| (tool.id.as_str(), &text[tool.extent.start..tool.extent.end])).collect();
        assert_eq!(
            words,
            [
                ("acme.a", "[[entrypoints.tools]]\nid = \"acme.a\"\n[entrypoints.tools.risk]\n"),
                ("", "[[entrypoints.tools]]\nname = \"b\"\n"),
            ]
        );
        assert!(found.iter().all(|tool| &text[tool.span.start..tool.span.end] == "[[entrypoints.tools]]"));
    }

    #[test]
    fn inline_tools_have_places_too() {
        let text = "entrypoints.tools = [{ id = \"a.b\" }, { id = \"a.c\" }]\n";
        let found: Vec<_> =
            tools(text).into_iter().map(|tool| text[tool.extent.start..tool.extent.end].to_owned()).collect();
        assert_eq!(found, ["{ id = \"a.b\" }", "{ id = \"a.c\" }"]);
    }

    #[test]
    fn half_typed_text_has_what_it_has() {
        for text in
            ["", "entrypoints = 1", "[entrypoints]\ntools = 3", "[[entrypoints.tools]]\nid =", "[[entrypoints.tools"]
        {
            assert!(tools(text).iter().all(|tool| tool.id.is_empty()), "{text}");
        }
        assert_eq!(tools("[[entrypoints.tools]]\nid = \"a.b\"\nname = \"x\n[compat]\n")[0].id, "a.b");
    }
}
