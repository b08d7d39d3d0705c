//! What is typed at one place and shall be typed at others at the same time.
//!
//! Only where a name is declared, so that nobody who edits a use by itself changes the rest; and only where every place
//! says it letter for letter, so that none is left behind.

use skillyard_manifest::Span;

use crate::{
    names::{Name, Names},
    source::Source,
};

/// Places with the same text that change together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Linked {
    /// The places, in the order of the text; at least two.
    pub spans: Vec<Span>,
    /// What may be typed there and keep them linked, as a regular expression of ECMAScript.
    pub pattern: &'static str,
}

/// The places that belong to the name that is declared at `offset`; `None` where there is none, or none besides.
#[must_use]
pub fn linked(source: &Source<'_>, offset: usize) -> Option<Linked> {
    let names = Names::of(source);
    // A tool's id as a whole, with the publisher in front: typing in one tool's id shall not change the others'.
    let found = names.declared(offset).filter(|found| found.span.touches(offset))?;
    let pattern = match found.name {
        Name::Publisher | Name::SkillId => "[a-z0-9._-]*",
        Name::Tool(_) => "[a-z0-9._:-]*",
        // As bare keys.
        Name::ConfigProperty(_) => "[a-z0-9_-]*",
        Name::SchemaProperty { .. } | Name::Definition { .. } | Name::Anchor { .. } => "[A-Za-z0-9_-]*",
        Name::WildcardOptIn(_) => return None,
    };
    let all = names.all(&found.name);
    let said = found.span.of(source.text);
    let same = all.iter().all(|it| it.written.verbatim(it.span, source.text) && it.span.of(source.text) == said);
    if !same || all.len() < 2 || !all.iter().any(|it| it.declares && it.span == found.span) {
        return None;
    }
    Some(Linked { spans: all.into_iter().map(|it| it.span).collect(), pattern })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{cursor, marked};

    fn spans(text: &str) -> Option<Vec<String>> {
        let (text, offset) = cursor(text);
        let found = linked(&Source::new(&text), offset)?;
        Some(found.spans.into_iter().map(|span| span.of(&text).to_owned()).collect())
    }

    #[test]
    fn the_publisher_is_typed_in_front_of_every_id() {
        let (text, marks) = marked(
            "publisher = \"acme\"\n#            ^^^^\nskill_id = 'acme.s'\n#           ^^^^\n[[entrypoints.tools]]\nid = \"acme.a\"\n#     ^^^^\n\
             [[capabilities.secrets]]\nscope = \"skill:acme.s\"\n#              ^^^^\n[operator.plugin]\ndefault_tool_id = \"acme.a\"\n#                  ^^^^\n",
        );
        let source = Source::new(&text);
        let at = text.find("acme").unwrap_or_default();
        let found = linked(&source, at + 2).unwrap();
        assert_eq!(found.spans, marks);
        // A tool's id is typed with that of the default tool, wherever in it.
        let at = text.find("acme.a").unwrap_or_default();
        for within in [0, 2, 6] {
            let found = linked(&source, at + within).unwrap();
            assert!(found.spans.len() == 2 && found.spans.iter().all(|span| span.of(&text) == "acme.a"), "{found:?}");
        }
        let at = text.find("acme.s").unwrap_or_default();
        assert_eq!(linked(&source, at + 5).unwrap().spans.len(), 2);
        // Where it is only used it is typed alone.
        let at = text.rfind("acme.a").unwrap_or_default();
        assert_eq!(linked(&source, at + 2), None);
    }

    #[test]
    fn a_property_is_typed_with_what_requires_it() {
        assert_eq!(
            spans("[operator.config]\nrequired = [\"city\"]\n[operator.config.properties.ci$0ty]\n").unwrap(),
            ["city", "city"]
        );
        let schema = "[[entrypoints.tools]]\n[entrypoints.tools.input_schema]\nrequired = [\"x\"]\n";
        assert_eq!(
            spans(&format!("{schema}properties.x$0.type = \"string\"\nproperties.x.title = \"X\"\n")).unwrap().len(),
            3
        );
        assert_eq!(spans(&format!("{schema}properties.y$0.type = \"string\"\n")), None);
    }

    #[test]
    fn nothing_is_linked_that_would_leave_a_place_behind() {
        for text in [
            "publisher = \"acme$0\"",
            "publisher = \"ac$0me\"\nskill_id = \"acm\\u0065.s\"",
            "publisher = \"ac$0m\\u0065\"\nskill_id = \"acme.s\"",
            "publisher = \"$0\"\nskill_id = \".s\"",
            "[capabilities]\nnode_capabilities = [\"*\"]\nwildcard_opt_in.no$0de = true",
        ] {
            assert_eq!(spans(text), None, "{text}");
        }
    }
}
