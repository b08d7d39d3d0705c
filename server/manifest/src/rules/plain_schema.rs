//! Schemas that the metaschema has nothing against at a glance: nearly all that authors write. For them the metaschema
//! need not be compiled, which is slow once and large for good.

use crate::document::{Node, NodeKind, Table};

/// Elements of a list that are compared with each other.
const FEW: usize = 32;

/// Whether a schema of JSON Schema 2020-12 holds nothing but well-known keywords with values that surely fit. `false`
/// says nothing: then the metaschema has the word.
///
/// Recurses as deep as the schema nests.
pub(super) fn is_plain(schema: &Table<'_>) -> bool {
    schema.fields.iter().all(|(keyword, field)| fits(keyword, &field.value))
}

fn fits(keyword: &str, value: &Node<'_>) -> bool {
    match keyword {
        "type" => value.as_str().is_some_and(|name| super::schema::TYPES.contains(&name)),
        "title" | "description" | "format" | "$comment" => value.as_str().is_some(),
        "default" | "const" => true,
        "properties" => {
            value.as_table().is_some_and(|named| named.fields.values().all(|field| is_schema(&field.value)))
        }
        "items" | "additionalProperties" | "not" => is_schema(value),
        "allOf" | "anyOf" | "oneOf" => {
            value.as_array().is_some_and(|schemas| !schemas.is_empty() && schemas.iter().all(is_schema))
        }
        "required" => value.as_array().is_some_and(|names| {
            names.len() <= FEW
                && names.iter().enumerate().all(|(at, name)| {
                    name.as_str().is_some_and(|name| names[..at].iter().all(|other| other.as_str() != Some(name)))
                })
        }),
        "enum" => value.as_array().is_some_and(|values| values.iter().all(|value| value.as_str().is_some())),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            value.as_integer().is_some_and(|count| count >= 0)
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.as_integer().is_some(),
        "uniqueItems" | "deprecated" | "readOnly" | "writeOnly" => value.as_bool().is_some(),
        _ => false,
    }
}

fn is_schema(node: &Node<'_>) -> bool {
    match &node.kind {
        NodeKind::Table(schema) => is_plain(schema),
        NodeKind::Boolean(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::Document;

    fn plain(text: &str) -> bool {
        let document = Document::parse(text);
        assert!(document.errors.is_empty(), "{text}: {:?}", document.errors);
        is_plain(&document.root)
    }

    #[test]
    fn what_authors_write_is_plain() {
        assert!(plain(""));
        assert!(plain(
            "type = 'object'\nrequired = ['a', 'b']\nadditionalProperties = false\n[properties.a]\ntype = 'string'"
        ));
        assert!(plain("type = 'array'\nitems = { type = 'integer', minimum = -1, maximum = 5 }\nmaxItems = 3"));
        assert!(plain("oneOf = [{ enum = ['x'] }, true]\ntitle = ''\nuniqueItems = true"));
    }

    #[test]
    fn what_may_be_wrong_is_left_to_the_metaschema() {
        for text in [
            "type = 'objekt'",
            "type = ['string']",
            "required = ['a', 'a']",
            "required = 'a'",
            "minLength = -1",
            "minLength = 1.0",
            "allOf = []",
            "items = []",
            "properties = { a = 1 }",
            "'$ref' = '#'",
            "'$schema' = ''",
            "pattern = 'a'",
            "x = 1",
            "enum = 1",
            "properties.a.type = 1",
            "title = 1",
            "minimum = nan",
        ] {
            assert!(!plain(text), "{text}");
        }
    }

    const KEYWORDS: &[&str] = &[
        "type",
        "title",
        "default",
        "format",
        "properties",
        "items",
        "not",
        "allOf",
        "oneOf",
        "required",
        "enum",
        "minLength",
        "maxItems",
        "minimum",
        "exclusiveMaximum",
        "uniqueItems",
        "deprecated",
        "additionalProperties",
        "description",
    ];

    fn value() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(
            &["'string'", "'object'", "'a'", "1", "-1", "1.5", "true", "[]", "['a']", "['a', 'a']", "[1]", "{}"][..],
        )
        .prop_map(str::to_owned);
        leaf.prop_recursive(4, 24, 3, |inner| {
            let table =
                prop::collection::btree_map(prop::sample::select(KEYWORDS), inner.clone(), 0..3).prop_map(|map| {
                    let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                    format!("{{ {} }}", entries.join(", "))
                });
            let list = prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(", ")));
            prop_oneof![4 => table, 1 => list]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_metaschema_takes_what_is_plain(
            schema in prop::collection::btree_map(prop::sample::select(KEYWORDS), value(), 0..4),
        ) {
            let text: String = schema.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
            if plain(&text) {
                let json: serde_json::Value = toml::from_str(&text).unwrap();
                prop_assert!(jsonschema::draft202012::meta::validator().is_valid(&json), "{}", text);
            }
        }
    }
}
