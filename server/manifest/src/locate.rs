//! Where a key of the manifest stands: a dotted key with indices comes to a span of the text.
//!
//! For what is found elsewhere (in a module, in an artifact) and belongs to a line of the manifest.

use crate::{
    document::{Document, Node, NodeKind, Origin, Table},
    text::Span,
};

/// The span of `key` in `text`: of the key itself, of the header of a table that has one, of an element of an array.
/// Where it is not there, the span of the nearest table or array around it that is.
///
/// `key` is dotted TOML with indices: `capabilities.http_egress_allowlist`, `entrypoints.tools[0].id`; a part with dots
/// stands in double quotes: `operator.config.properties."a.b"`. `None` where nothing of it is there.
#[must_use]
pub fn locate(text: &str, key: &str) -> Option<Span> {
    locate_many(text, &[key]).into_iter().next().flatten()
}

/// [`locate`] for several keys, in their order; the text is read once.
#[must_use]
pub fn locate_many(text: &str, keys: &[&str]) -> Vec<Option<Span>> {
    if keys.is_empty() {
        return Vec::new();
    }
    let document = Document::parse(text);
    keys.iter().map(|key| find(&document.root, key)).collect()
}

/// The key where what is found about a skill as a whole stands.
const WHOLE: &str = "skill_id";

/// The place of each finding in a manifest: of the key that it belongs to, else of the skill's id, else the start.
#[must_use]
pub fn places<'k>(text: &str, keys: impl IntoIterator<Item = Option<&'k str>>) -> Vec<Span> {
    let keys = keys.into_iter().map(|key| key.unwrap_or(WHOLE));
    let mut spans = locate_many(text, &keys.chain([WHOLE]).collect::<Vec<_>>());
    let whole = spans.pop().flatten().unwrap_or(Span::at(0));
    spans.into_iter().map(|span| span.unwrap_or(whole)).collect()
}

/// One step into a document.
enum Part<'k> {
    Key(&'k str),
    Index(usize),
}

fn find(root: &Table<'_>, key: &str) -> Option<Span> {
    let mut place = None;
    let mut node: Option<&Node<'_>> = None;
    for part in parts(key) {
        let next = match (part, node.map(|node| &node.kind)) {
            (Part::Key(name), None) => member(root, name),
            (Part::Key(name), Some(NodeKind::Table(table))) => member(table, name),
            (Part::Index(index), Some(NodeKind::Array(array))) => array.items.get(index).map(|item| (item.span, item)),
            _ => None,
        };
        let Some((span, inner)) = next else { break };
        place = Some(span);
        node = Some(inner);
    }
    place
}

/// The span to show for a member, and its value.
fn member<'d, 't>(table: &'d Table<'t>, name: &str) -> Option<(Span, &'d Node<'t>)> {
    let field = table.get(name)?;
    let by_header = match &field.value.kind {
        NodeKind::Table(inner) => inner.origin == Origin::Header,
        NodeKind::Array(array) => array.of_tables,
        _ => false,
    };
    Some((if by_header { field.value.span } else { field.key }, &field.value))
}

/// The parts of a dotted key. What does not read ends it: the nearest table is found still.
fn parts(key: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = key;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(quoted) = rest.strip_prefix('"') {
            let Some((name, behind)) = quoted.split_once('"') else { break };
            parts.push(Part::Key(name));
            rest = behind;
        } else if let Some(index) = rest.strip_prefix('[') {
            let Some((index, behind)) = index.split_once(']') else { break };
            let Ok(index) = index.parse() else { break };
            parts.push(Part::Index(index));
            rest = behind;
        } else {
            let (name, behind) = rest.split_at(rest.find(['.', '[', '"']).unwrap_or(rest.len()));
            if name.is_empty() {
                break;
            }
            parts.push(Part::Key(name));
            rest = behind;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"skill_id = "acme.a"
capabilities.http_egress_allowlist = ["a.example", "b.example"]

[[entrypoints.tools]]
id = "acme.a.one"

[[entrypoints.tools]]
id = "acme.a.two"
risk = { requires_approval = true }

[operator.config.properties."a.b"]
type = "string"
"#;

    fn at(key: &str) -> &str {
        locate(TEXT, key).unwrap_or_else(|| panic!("{key} is not there")).of(TEXT)
    }

    #[test]
    fn keys_elements_and_headers_are_found() {
        assert_eq!(at("skill_id"), "skill_id");
        assert_eq!(at("capabilities.http_egress_allowlist"), "http_egress_allowlist");
        assert_eq!(at("capabilities.http_egress_allowlist[1]"), "\"b.example\"");
        assert_eq!(at("entrypoints.tools[1].risk.requires_approval"), "requires_approval");
        assert_eq!(at("operator.config.properties.\"a.b\""), "[operator.config.properties.\"a.b\"]");
        assert_eq!(at("operator.config.properties.\"a.b\".type"), "type");
        // The second tool's header, not the first's.
        let second = locate(TEXT, "entrypoints.tools[1]").unwrap();
        assert_eq!(second.of(TEXT), "[[entrypoints.tools]]");
        assert!(second.start > locate(TEXT, "entrypoints.tools[0].id").unwrap().start);
    }

    #[test]
    fn what_is_missing_is_placed_at_the_nearest_that_is_there() {
        assert_eq!(at("entrypoints.tools[1].name"), "[[entrypoints.tools]]");
        assert_eq!(at("entrypoints.tools[1].risk.default_sensitive"), "risk");
        assert_eq!(at("capabilities.http_egress_allowlist[9]"), "http_egress_allowlist");
        assert_eq!(at("operator.config.properties.\"a.b\".title"), "[operator.config.properties.\"a.b\"]");
        assert_eq!(locate(TEXT, "compat"), None);
        assert_eq!(locate("", "a.b[0]"), None);
    }

    #[test]
    fn any_key_and_any_text_come_to_an_answer() {
        for key in [
            "",
            ".",
            "[",
            "[x]",
            "\"",
            "\"a",
            "a..b",
            "skill_id[0]",
            "skill_id.x",
            "entrypoints.tools[99999999999999999999]",
        ] {
            for text in [TEXT, "skill_id", "[[", "a = [[["] {
                let _ = locate(text, key);
            }
        }
        assert_eq!(locate_many(TEXT, &["skill_id", "nothing"]), [locate(TEXT, "skill_id"), None]);
    }
}
