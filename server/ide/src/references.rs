//! All places of the name at a place.

use skillyard_manifest::Span;

use crate::{names::occurrences, source::Source};

/// Where the name at `offset` stands, in the order of the text, each place as narrow as the text allows; its
/// declarations only where they are asked for. Empty where there is no name.
#[must_use]
pub fn references(source: &Source<'_>, offset: usize, with_declaration: bool) -> Vec<Span> {
    let Some(named) = occurrences(source, offset) else { return Vec::new() };
    let mut spans = named.uses;
    if with_declaration {
        spans.extend(named.declaration);
    }
    spans.sort_unstable();
    spans.dedup();
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{cursor, marked};

    #[test]
    fn uses_come_with_the_declaration_only_where_asked_for() {
        let (text, marks) = marked(
            "publisher = \"acme\"\n#            ^^^^\n[[entrypoints.tools]]\nid = \"acme.a\"\n#     ^^^^\n[operator.plugin]\n\
             default_tool_id = \"acme.a\"\n#                  ^^^^\n",
        );
        let source = Source::new(&text);
        let at = text.find("acme.a").unwrap_or_default();
        assert_eq!(references(&source, at, true), marks);
        assert_eq!(references(&source, at, false), marks.get(1..).unwrap_or_default());
        assert_eq!(references(&source, 0, true), []);
    }

    #[test]
    fn one_that_is_not_declared_has_uses_still() {
        let (text, at) = cursor("[operator.config]\nrequired = [\"ci$0ty\", \"city\"]\n");
        let source = Source::new(&text);
        assert_eq!(references(&source, at, true).len(), 2);
        assert_eq!(references(&source, at, false).len(), 2);
    }
}
