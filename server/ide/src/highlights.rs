//! The other places of what is at the cursor, to be marked while it stands there.

use skillyard_manifest::Span;

use crate::{
    names::occurrences,
    source::{Role, Source},
};

/// A place to mark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Highlight {
    /// Where.
    pub span: Span,
    /// Whether it is where the thing gets its name or is defined, not only used.
    pub write: bool,
}

/// Where what is at `offset` stands, in the order of the text: the places of its name; of any other key, each place
/// where that key of the same table is written. Empty where there is nothing.
#[must_use]
pub fn highlights(source: &Source<'_>, offset: usize) -> Vec<Highlight> {
    let mut found = match occurrences(source, offset) {
        Some(named) => {
            let all = named.declaration.into_iter().map(|span| Highlight { span, write: true });
            all.chain(named.uses.into_iter().map(|span| Highlight { span, write: false })).collect()
        }
        None => same_key(source, offset),
    };
    found.sort_unstable_by_key(|it| it.span);
    found.dedup_by_key(|it| it.span);
    found
}

fn same_key(source: &Source<'_>, offset: usize) -> Vec<Highlight> {
    let mut found = Vec::new();
    let Some(place) = source.at(offset).filter(|place| !place.in_value) else { return found };
    source.mentions(|mention| {
        if mention.role != Role::Element && mention.path == place.mention.path {
            found.push(Highlight { span: mention.span, write: mention.last });
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::cursor;

    fn marks(text: &str) -> Vec<(usize, String, bool)> {
        let (text, offset) = cursor(text);
        let line = |at: usize| text[..at].matches('\n').count();
        let found = highlights(&Source::new(&text), offset);
        found.into_iter().map(|it| (line(it.span.start), it.span.of(&text).to_owned(), it.write)).collect()
    }

    #[test]
    fn a_name_is_marked_where_it_is_declared_and_used() {
        let found = marks(
            "[operator.config]\nrequired = [\"a\", \"ci$0ty\"]\n[operator.config.properties.\"city\"]\ntype = \"string\"\n",
        );
        assert_eq!(found, [(1, "city".to_owned(), false), (2, "city".to_owned(), true)]);
    }

    #[test]
    fn a_wildcard_is_marked_with_its_flag() {
        let found = marks(
            "[capabilities]\nhttp_egress_allowlist = [\"*.a.example\", \"b.example\"]\ndevice_capabilities = [\"*\"]\n\
             [capabilities.wildcard_opt_in]\nhttp_e$0gress = true\n",
        );
        assert_eq!(found, [(1, "*".to_owned(), false), (4, "http_egress".to_owned(), true)]);
    }

    #[test]
    fn another_key_is_marked_where_its_table_is_written() {
        let found = marks("[capabilities]\n[ca$0pabilities.quotas]\nfuel_budget = 1\n[compat]\n");
        assert_eq!(found, [(0, "capabilities".to_owned(), true), (1, "capabilities".to_owned(), false)]);
        // The second tool's, not the first's.
        let found = marks("[[entrypoints.tools]]\n[[entrypoints.tools]]\n[entrypoints.to$0ols.risk]\n");
        assert_eq!(found, [(1, "tools".to_owned(), true), (2, "tools".to_owned(), false)]);
    }

    #[test]
    fn nothing_is_marked_at_a_value_without_a_name() {
        assert_eq!(marks("name = \"acme$0\"\npublisher = \"acme\"\n"), []);
        assert_eq!(marks("# pub$0lisher\npublisher = \"acme\"\n"), []);
    }
}
