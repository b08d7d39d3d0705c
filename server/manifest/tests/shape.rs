//! The shape of a manifest, that messages, the JSON Schema and an editor's help are made from, against the typed model
//! that a daemon reads with.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use skillyard_manifest::{
    document::dotted,
    json_schema,
    model::Manifest,
    shape::{ROOT, TableShape, Type},
    syntax::Key,
};

/// Every table of the shape, with the headers that lead to it.
fn tables() -> Vec<(&'static TableShape, String)> {
    fn below(shape: &'static TableShape, path: &str, before: &str, out: &mut Vec<(&'static TableShape, String)>) {
        for key in shape.keys {
            let next = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            let (child, next) = match key.ty {
                Type::Table(child) => (child, format!("[{next}]")),
                Type::Tables(child) => (child, format!("[[{next}]]")),
                Type::Map(child) => (child, format!("[{next}.any]")),
                _ => continue,
            };
            out.push((child, format!("{before}{next}")));
            // A table below an array of tables belongs to its last element.
            let before = if next.starts_with("[[") { format!("{before}{next}\n") } else { before.to_owned() };
            below(child, next.trim_matches(['[', ']']), &before, out);
        }
    }
    let mut out = vec![(&ROOT, String::new())];
    below(&ROOT, "", "", &mut out);
    out
}

#[test]
fn every_table_has_the_keys_of_the_model_in_its_order() {
    let tables = tables();
    assert_eq!(tables.len(), 19, "{:?}", tables.iter().map(|(_, header)| header).collect::<Vec<_>>());
    for (shape, header) in tables {
        // serde lists the keys that it knows when it meets one that it does not.
        let error = toml::from_str::<Manifest>(&format!("{header}\n0 = 0\n")).unwrap_err();
        let message = error.message().to_owned();
        let (found, known) = message.split_once("expected").unwrap_or_else(|| panic!("{header}: {message}"));
        assert!(found.contains("unknown field `0`"), "{header}: {message}");
        let theirs: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let ours: Vec<&str> = shape.keys.iter().flat_map(|key| std::iter::once(key.name).chain(key.alias)).collect();
        let sorted = |mut names: Vec<&'static str>| {
            names.sort_unstable();
            names
        };
        let mut theirs_sorted = theirs.clone();
        theirs_sorted.sort_unstable();
        assert_eq!(sorted(ours), theirs_sorted, "{header}");
        // A table may be written as an array of its values: the order is part of the format.
        let order: Vec<&str> =
            theirs.into_iter().filter(|name| shape.keys.iter().any(|key| key.name == *name)).collect();
        assert_eq!(shape.keys.iter().map(|key| key.name).collect::<Vec<_>>(), order, "{header}");
    }
}

#[test]
fn every_key_is_documented_and_its_values_are_toml() {
    for (shape, header) in tables() {
        assert!(!shape.doc.is_empty(), "{header}");
        for key in shape.keys {
            assert!(key.doc.ends_with('.'), "{header}: {}: {:?}", key.name, key.doc);
            for value in [key.default, key.example] {
                let text = format!("v = {value}");
                assert!(value.is_empty() || text.parse::<toml::Table>().is_ok(), "{header}: {}: {value}", key.name);
            }
        }
    }
}

#[test]
fn defaults_are_those_of_the_model() {
    let read = |text: &str| serde_json::to_value(toml::from_str::<Manifest>(text).unwrap()).unwrap();
    let base = "skill_id = \"a.b\"\nname = \"n\"\nversion = \"1.0.0\"\npublisher = \"a\"\n\
                compat = { required_protocol_major = 1, min_palyra_version = \"0.1.0\" }\n";
    let tool = "[[entrypoints.tools]]\nid = \"a.t\"\nname = \"n\"\ndescription = \"d\"\ninput_schema = {}\noutput_schema = {}\n";
    let left_out = read(&format!("{base}{tool}"));
    let mut given = format!("manifest_version = {}\n{base}{tool}", default_of("", "manifest_version"));
    for path in
        ["entrypoints.tools[].risk", "capabilities.filesystem", "capabilities.quotas", "capabilities.wildcard_opt_in"]
    {
        given.push_str(&format!("[{}]\n", path.replace("[]", "")));
        let (shape, _) = tables().into_iter().find(|(shape, _)| shape.path == path).unwrap();
        for key in shape.keys {
            given.push_str(&format!("{} = {}\n", key.name, key.default));
        }
    }
    assert_eq!(left_out, read(&given));
}

fn default_of(path: &str, name: &str) -> &'static str {
    let (shape, _) = tables().into_iter().find(|(shape, _)| shape.path == path).unwrap();
    shape.key(name).unwrap().1.default
}

#[test]
fn the_json_schema_is_one() {
    let schema = json_schema();
    assert!(jsonschema::draft7::meta::is_valid(&schema));
    let properties = schema["properties"].as_object().unwrap();
    assert!(ROOT.keys.iter().all(|key| properties.contains_key(key.name)));
}

#[test]
fn keys_are_spelled_as_toml_needs_them() {
    let key = |name: &'static str| Key { span: skillyard_manifest::Span::at(0), name: name.into() };
    assert_eq!(dotted(&[key("a"), key("b c"), key("")]), "a.\"b c\".\"\"");
}
