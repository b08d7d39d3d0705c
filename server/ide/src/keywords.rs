//! The keywords of JSON Schema, and what a place within a schema is.

use crate::source::Step;

/// A keyword of JSON Schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keyword {
    /// Its name.
    pub name: &'static str,
    /// What stands behind it.
    pub holds: Holds,
    /// The type of its value, with the article.
    pub value: &'static str,
    /// What it says of a value, in Markdown with nothing but code in it.
    pub doc: &'static str,
    /// Whether draft 2020-12 does not know it: a word of older drafts, or of OpenAPI.
    pub old: bool,
}

/// What stands behind a keyword.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Holds {
    /// A value, no schema.
    Value,
    /// A schema.
    Schema,
    /// A list of schemas.
    Schemas,
    /// Tables of schemas, each under a name.
    Named,
}

/// A type, a format or the like that a keyword's string can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Word {
    /// The string.
    pub name: &'static str,
    /// What it stands for.
    pub doc: &'static str,
}

/// What a place within a JSON Schema is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SchemaPlace {
    /// A schema: behind this keyword, where it is not the whole.
    Schema(Option<&'static Keyword>),
    /// A keyword with its value.
    Keyword(&'static Keyword),
    /// A name that its author chose, with the schema behind it: behind this keyword (`properties`).
    Named(&'static Keyword),
    /// Something within the value of this keyword.
    Value(&'static Keyword),
    /// A key that JSON Schema does not have, or something within it.
    Unknown,
}

/// What `steps` lead to, from the top of a schema.
#[must_use]
pub fn schema_place(steps: &[Step<'_>]) -> SchemaPlace {
    let mut place = SchemaPlace::Schema(None);
    for step in steps {
        place = match (place, step) {
            (SchemaPlace::Schema(_) | SchemaPlace::Named(_), Step::Key(name)) => match keyword(name) {
                Some(keyword) => SchemaPlace::Keyword(keyword),
                None => return SchemaPlace::Unknown,
            },
            (SchemaPlace::Keyword(keyword), step) => match (keyword.holds, step) {
                // A keyword that holds a schema is one.
                (Holds::Schema, Step::Key(name)) => match self::keyword(name) {
                    Some(keyword) => SchemaPlace::Keyword(keyword),
                    None => return SchemaPlace::Unknown,
                },
                // Before draft 2020-12 `items` could be a list.
                (Holds::Schema | Holds::Schemas, Step::Index(_)) => SchemaPlace::Schema(Some(keyword)),
                (Holds::Named, Step::Key(_)) => SchemaPlace::Named(keyword),
                _ => SchemaPlace::Value(keyword),
            },
            // `dependencies` names lists of strings too.
            (SchemaPlace::Named(keyword), Step::Index(_)) => SchemaPlace::Value(keyword),
            (SchemaPlace::Value(keyword), _) => SchemaPlace::Value(keyword),
            _ => return SchemaPlace::Unknown,
        };
    }
    place
}

/// The keyword with this name.
#[must_use]
pub fn keyword(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// What a word behind `keyword` stands for, where only certain ones can stand there.
#[must_use]
pub fn word(keyword: &Keyword, name: &str) -> Option<&'static Word> {
    words(keyword).iter().find(|word| word.name == name)
}

/// The strings that can stand behind `keyword`, where only certain ones can.
#[must_use]
pub fn words(keyword: &Keyword) -> &'static [Word] {
    match keyword.name {
        "type" => TYPES,
        "format" => FORMATS,
        "$schema" => DIALECTS,
        _ => &[],
    }
}

const fn new(name: &'static str, holds: Holds, value: &'static str, doc: &'static str) -> Keyword {
    Keyword { name, holds, value, doc, old: false }
}

const fn old(name: &'static str, holds: Holds, value: &'static str, doc: &'static str) -> Keyword {
    Keyword { name, holds, value, doc, old: true }
}

const STRING: &str = "a string";
const STRINGS: &str = "an array of strings";
const COUNT: &str = "an integer from 0";
const NUMBER: &str = "a number";
const FLAG: &str = "a boolean";
const ANY: &str = "a value";
const ARRAY: &str = "an array";
const SCHEMA: &str = "a schema";
const SCHEMAS: &str = "an array of schemas, at least one";
const NAMED: &str = "a table of schemas";

/// The keywords of draft 2020-12, then those of older drafts and of OpenAPI; in the order in which a schema reads best.
pub static KEYWORDS: &[Keyword] = &[
    new(
        "type",
        Holds::Value,
        "a string, or an array of strings",
        "The type of the value: `object`, `array`, `string`, `number`, `integer`, `boolean` or `null`, or any of a list.",
    ),
    new("title", Holds::Value, STRING, "A short name, for people. Nothing is checked by it."),
    new(
        "description",
        Holds::Value,
        STRING,
        "What the value is for. A model that calls the tool reads it. Nothing is checked by it.",
    ),
    new("default", Holds::Value, ANY, "The value to suppose where none is given. It is not filled in by itself."),
    new("examples", Holds::Value, ARRAY, "Example values. Nothing is checked by them."),
    new("enum", Holds::Value, ARRAY, "The value is one of these."),
    new("const", Holds::Value, ANY, "The value is exactly this one."),
    new(
        "properties",
        Holds::Named,
        NAMED,
        "The properties of an object, each with the schema of its value. A property is optional unless `required` names \
         it, and others may be there unless `additionalProperties` is `false`.",
    ),
    new("required", Holds::Value, STRINGS, "The properties that an object must have."),
    new(
        "additionalProperties",
        Holds::Schema,
        "a schema or a boolean",
        "What the properties of an object must be that neither `properties` nor `patternProperties` describes. `false` \
         forbids them.",
    ),
    new(
        "patternProperties",
        Holds::Named,
        NAMED,
        "What the properties of an object must be whose names match a regular expression: the key is the expression.",
    ),
    new("propertyNames", Holds::Schema, SCHEMA, "What the name of each property must be, as a string."),
    new("minProperties", Holds::Value, COUNT, "An object has at least this many properties."),
    new("maxProperties", Holds::Value, COUNT, "An object has at most this many properties."),
    new(
        "dependentRequired",
        Holds::Value,
        "a table of arrays of strings",
        "Where an object has the property that is the key, it must have those of the list too.",
    ),
    new(
        "dependentSchemas",
        Holds::Named,
        NAMED,
        "Where an object has the property that is the key, the whole object must match the schema.",
    ),
    new(
        "unevaluatedProperties",
        Holds::Schema,
        "a schema or a boolean",
        "Like `additionalProperties`, but it knows the properties that `allOf`, `anyOf`, `$ref` and the like describe.",
    ),
    new("items", Holds::Schema, SCHEMA, "What each element of an array must be (behind those of `prefixItems`)."),
    new("prefixItems", Holds::Schemas, SCHEMAS, "What the first elements of an array must be, one schema for each."),
    new("contains", Holds::Schema, SCHEMA, "At least one element of an array matches it: `minContains` says how many."),
    new("minContains", Holds::Value, COUNT, "At least this many elements match `contains`. Otherwise 1."),
    new("maxContains", Holds::Value, COUNT, "At most this many elements match `contains`."),
    new("minItems", Holds::Value, COUNT, "An array has at least this many elements."),
    new("maxItems", Holds::Value, COUNT, "An array has at most this many elements."),
    new("uniqueItems", Holds::Value, FLAG, "With `true`, no two elements of an array are equal."),
    new(
        "unevaluatedItems",
        Holds::Schema,
        "a schema or a boolean",
        "What the elements of an array must be that no other keyword describes, those within `allOf` and the like included.",
    ),
    new("minLength", Holds::Value, COUNT, "A string has at least this many characters."),
    new("maxLength", Holds::Value, COUNT, "A string has at most this many characters."),
    new(
        "pattern",
        Holds::Value,
        "a string (a regular expression)",
        "A string has a part that matches this regular expression. `^` and `$` tie it to the whole string.",
    ),
    new(
        "format",
        Holds::Value,
        STRING,
        "What a string looks like: `date-time`, `uri`, `uuid` and others. In draft 2020-12 it is told to readers and \
         checks nothing: add a `pattern` where it must hold.",
    ),
    new("minimum", Holds::Value, NUMBER, "A number is this or above."),
    new("maximum", Holds::Value, NUMBER, "A number is this or below."),
    new("exclusiveMinimum", Holds::Value, NUMBER, "A number is above this."),
    new("exclusiveMaximum", Holds::Value, NUMBER, "A number is below this."),
    new("multipleOf", Holds::Value, "a number above 0", "A number is a multiple of this."),
    new("allOf", Holds::Schemas, SCHEMAS, "The value matches every one of these."),
    new("anyOf", Holds::Schemas, SCHEMAS, "The value matches at least one of these."),
    new("oneOf", Holds::Schemas, SCHEMAS, "The value matches exactly one of these."),
    new("not", Holds::Schema, SCHEMA, "The value does not match it."),
    new("if", Holds::Schema, SCHEMA, "Where the value matches it, it must match `then`, and otherwise `else`."),
    new("then", Holds::Schema, SCHEMA, "What a value must be that matches `if`."),
    new("else", Holds::Schema, SCHEMA, "What a value must be that does not match `if`."),
    new(
        "$ref",
        Holds::Value,
        STRING,
        "The value matches the schema at this place: `#/$defs/<name>` for one below `$defs`. Nothing is ever fetched: it \
         points within the schema of the same tool.",
    ),
    new("$defs", Holds::Named, NAMED, "Schemas to point to with `$ref`. They check nothing by themselves."),
    new(
        "$schema",
        Holds::Value,
        STRING,
        "The draft of JSON Schema that the schema is written in. Otherwise 2020-12. It is never fetched.",
    ),
    new("$id", Holds::Value, STRING, "The address that names the schema. Nothing is fetched from it."),
    new("$anchor", Holds::Value, STRING, "A name for the schema, to point to with `$ref = \"#<name>\"`."),
    new(
        "$dynamicAnchor",
        Holds::Value,
        STRING,
        "A name for the schema that a `$dynamicRef` finds at the outermost place.",
    ),
    new("$dynamicRef", Holds::Value, STRING, "Like `$ref`, but to the outermost `$dynamicAnchor` of that name."),
    new(
        "$vocabulary",
        Holds::Value,
        "a table of booleans",
        "Which keywords a metaschema knows. It has no use in a tool's schema.",
    ),
    new("$comment", Holds::Value, STRING, "A note to those who edit the schema. Nobody else reads it."),
    new("deprecated", Holds::Value, FLAG, "With `true`, the value should be used no more. Nothing is checked by it."),
    new("readOnly", Holds::Value, FLAG, "With `true`, the value is only given out. Nothing is checked by it."),
    new("writeOnly", Holds::Value, FLAG, "With `true`, the value is only taken in. Nothing is checked by it."),
    new(
        "contentEncoding",
        Holds::Value,
        STRING,
        "How a string holds bytes, such as `base64`. Nothing is checked by it.",
    ),
    new("contentMediaType", Holds::Value, STRING, "The media type of what a string holds. Nothing is checked by it."),
    new("contentSchema", Holds::Schema, SCHEMA, "The schema of what a string holds. Nothing is checked by it."),
    old("definitions", Holds::Named, NAMED, "The name of `$defs` before draft 2019-09. It still works with `$ref`."),
    old(
        "dependencies",
        Holds::Named,
        "a table of schemas or arrays of strings",
        "Before draft 2019-09, what `dependentRequired` and `dependentSchemas` say.",
    ),
    old(
        "additionalItems",
        Holds::Schema,
        "a schema or a boolean",
        "Before draft 2020-12, what the elements behind those of a list in `items` must be. Now `items` says it.",
    ),
    old("id", Holds::Value, STRING, "The name of `$id` in draft 4."),
    old("$recursiveRef", Holds::Value, STRING, "The name of `$dynamicRef` in draft 2019-09."),
    old("$recursiveAnchor", Holds::Value, FLAG, "The name of `$dynamicAnchor` in draft 2019-09."),
    old("example", Holds::Value, ANY, "OpenAPI's word for one of `examples`. Nothing is checked by it."),
    old("nullable", Holds::Value, FLAG, "A word of OpenAPI that checks nothing here: name `null` in `type`."),
    old("discriminator", Holds::Value, "a table", "A word of OpenAPI that checks nothing here: `oneOf` alone decides."),
];

const fn is(name: &'static str, doc: &'static str) -> Word {
    Word { name, doc }
}

/// The types of JSON Schema.
pub static TYPES: &[Word] = &[
    is("object", "a table of properties"),
    is("array", "a list of values"),
    is("string", "a text"),
    is("number", "a number, with or without decimals"),
    is("integer", "a number without decimals; `1.0` is one"),
    is("boolean", "`true` or `false`"),
    is("null", "nothing; TOML cannot write it, but JSON input can hold it"),
];

/// The formats of draft 2020-12.
pub static FORMATS: &[Word] = &[
    is("date-time", "a date with time and zone, `2026-01-31T12:00:00Z`"),
    is("date", "a date, `2026-01-31`"),
    is("time", "a time with zone, `12:00:00Z`"),
    is("duration", "a length of time, `P1DT12H`"),
    is("email", "an address of mail"),
    is("idn-email", "an address of mail, also with letters outside of ASCII"),
    is("hostname", "the name of a host"),
    is("idn-hostname", "the name of a host, also with letters outside of ASCII"),
    is("ipv4", "an IPv4 address"),
    is("ipv6", "an IPv6 address"),
    is("uri", "a whole URI, `https://acme.example/a`"),
    is("uri-reference", "a URI or a part of one, `/a#b`"),
    is("iri", "a URI, also with letters outside of ASCII"),
    is("iri-reference", "a URI or a part of one, also with letters outside of ASCII"),
    is("uri-template", "a URI with places to fill in, `/users/{id}`"),
    is("uuid", "a UUID, `3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a`"),
    is("json-pointer", "a path in a JSON value, `/a/0`"),
    is("relative-json-pointer", "a path from a place in a JSON value, `1/b`"),
    is("regex", "a regular expression"),
];

/// The drafts that are built in.
pub static DIALECTS: &[Word] = &[
    is("https://json-schema.org/draft/2020-12/schema", "draft 2020-12, which holds where none is named"),
    is("https://json-schema.org/draft/2019-09/schema", "draft 2019-09"),
    is("http://json-schema.org/draft-07/schema#", "draft 7"),
    is("http://json-schema.org/draft-06/schema#", "draft 6"),
    is("http://json-schema.org/draft-04/schema#", "draft 4"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn at(path: &[&str]) -> String {
        let steps: Vec<_> = path
            .iter()
            .map(|step| match step.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => Step::Key((*step).into()),
            })
            .collect();
        match schema_place(&steps) {
            SchemaPlace::Schema(None) => "schema".into(),
            SchemaPlace::Schema(Some(keyword)) => format!("schema in {}", keyword.name),
            SchemaPlace::Keyword(keyword) => format!("keyword {}", keyword.name),
            SchemaPlace::Named(keyword) => format!("named in {}", keyword.name),
            SchemaPlace::Value(keyword) => format!("value in {}", keyword.name),
            SchemaPlace::Unknown => "unknown".into(),
        }
    }

    #[test]
    fn places_are_told_apart() {
        assert_eq!(at(&[]), "schema");
        assert_eq!(at(&["type"]), "keyword type");
        assert_eq!(at(&["properties"]), "keyword properties");
        assert_eq!(at(&["properties", "type"]), "named in properties");
        assert_eq!(at(&["properties", "type", "type"]), "keyword type");
        assert_eq!(at(&["properties", "properties", "properties", "items"]), "named in properties");
        assert_eq!(at(&["items"]), "keyword items");
        assert_eq!(at(&["items", "type"]), "keyword type");
        assert_eq!(at(&["items", "0"]), "schema in items");
        assert_eq!(at(&["allOf", "1"]), "schema in allOf");
        assert_eq!(at(&["allOf", "1", "not", "enum", "0"]), "value in enum");
        assert_eq!(at(&["default", "type"]), "value in default");
        assert_eq!(at(&["required", "0"]), "value in required");
        assert_eq!(at(&["typ"]), "unknown");
        assert_eq!(at(&["typ", "type"]), "unknown");
        assert_eq!(at(&["allOf", "type"]), "value in allOf");
    }

    #[test]
    fn every_keyword_is_there_once_and_says_something() {
        let names: BTreeSet<_> = KEYWORDS.iter().map(|keyword| keyword.name).collect();
        assert_eq!(names.len(), KEYWORDS.len());
        let known: BTreeSet<_> = skillyard_manifest::rules::schema_keywords().collect();
        assert_eq!(names, known, "those that the rules know");
        for keyword in KEYWORDS {
            assert!(keyword.doc.len() > 15 && keyword.doc.ends_with('.'), "{}", keyword.name);
            assert_eq!(keyword.doc.matches('`').count() % 2, 0, "{}", keyword.name);
        }
    }
}
