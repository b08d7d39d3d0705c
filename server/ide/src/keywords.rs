//! The keywords of JSON Schema, and what a place within a schema is.

use crate::source::Step;

/// A keyword of JSON Schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keyword {
    /// Its name.
    pub name: &'static str,
    /// What stands behind it.
    pub takes: Takes,
    /// The type of the values that it says something of; empty for any.
    pub of: &'static str,
    /// What it says of a value, in Markdown with nothing but code in it.
    pub doc: &'static str,
    /// Who writes it.
    pub usage: Usage,
}

/// Who writes a keyword.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Usage {
    /// Authors of draft 2020-12: it is offered to them.
    Common,
    /// Nobody who describes a tool, though draft 2020-12 has it.
    Rare,
    /// Nobody any more: a word of older drafts, or of OpenAPI.
    Old,
}

/// What stands behind a keyword.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Takes {
    /// One of [`TYPES`], or a list of them.
    Type,
    /// A string.
    Text,
    /// A regular expression.
    Pattern,
    /// `true` or `false`.
    Boolean,
    /// A number of things.
    Count,
    /// Any number.
    Number,
    /// A number above 0.
    Positive,
    /// A schema.
    Schema,
    /// A schema, mostly a boolean.
    Closed,
    /// A list of schemas.
    Schemas,
    /// A table of schemas, each under a name.
    Named,
    /// A table of schemas or of lists of properties' names.
    NamedOrNames,
    /// Names of properties.
    Names,
    /// A table of such names.
    NamesByName,
    /// A list of any values.
    Values,
    /// Any value.
    Any,
    /// Where another schema stands.
    Reference,
    /// Best one of [`FORMATS`].
    Format,
    /// The name of a way to write bytes.
    Encoding,
    /// One of [`DIALECTS`].
    Dialect,
    /// A table of booleans.
    Flags,
    /// A table.
    Table,
}

/// Where the schemas behind a keyword stand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Holds {
    /// Nowhere: a value stands there.
    Value,
    /// The value is one.
    Schema,
    /// In a list.
    Schemas,
    /// In a table, each under a name.
    Named,
}

impl Takes {
    /// Where schemas stand in it.
    #[must_use]
    pub fn holds(self) -> Holds {
        match self {
            Self::Schema | Self::Closed => Holds::Schema,
            Self::Schemas => Holds::Schemas,
            Self::Named | Self::NamedOrNames => Holds::Named,
            _ => Holds::Value,
        }
    }

    /// Its type, with the article.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "a string, or an array of strings",
            Self::Text | Self::Reference | Self::Format | Self::Encoding | Self::Dialect => "a string",
            Self::Pattern => "a string (a regular expression)",
            Self::Boolean => "a boolean",
            Self::Count => "an integer from 0",
            Self::Number => "a number",
            Self::Positive => "a number above 0",
            Self::Schema => "a schema",
            Self::Closed => "a schema or a boolean",
            Self::Schemas => "an array of schemas, at least one",
            Self::Named => "a table of schemas",
            Self::NamedOrNames => "a table of schemas or arrays of strings",
            Self::Names => "an array of strings",
            Self::NamesByName => "a table of arrays of strings",
            Self::Values => "an array",
            Self::Any => "a value",
            Self::Flags => "a table of booleans",
            Self::Table => "a table",
        }
    }
}

/// A type, a format or the like that a keyword's string can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Word {
    /// The string.
    pub name: &'static str,
    /// What it stands for, with code in back quotes.
    pub doc: &'static str,
}

impl Word {
    /// What it stands for, without back quotes: for a list, which shows them.
    #[must_use]
    pub fn plain(&self) -> String {
        self.doc.replace('`', "")
    }
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
            (SchemaPlace::Keyword(keyword), step) => match (keyword.takes.holds(), step) {
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
    match keyword.takes {
        Takes::Type => TYPES,
        Takes::Format => FORMATS,
        Takes::Dialect => DIALECTS,
        _ => &[],
    }
}

const fn common(name: &'static str, takes: Takes, of: &'static str, doc: &'static str) -> Keyword {
    Keyword { name, takes, of, doc, usage: Usage::Common }
}

const fn rare(name: &'static str, takes: Takes, of: &'static str, doc: &'static str) -> Keyword {
    Keyword { name, takes, of, doc, usage: Usage::Rare }
}

const fn old(name: &'static str, takes: Takes, of: &'static str, doc: &'static str) -> Keyword {
    Keyword { name, takes, of, doc, usage: Usage::Old }
}

/// The keywords of draft 2020-12, those that are used most first; then those of older drafts and of OpenAPI.
pub static KEYWORDS: &[Keyword] = &[
    common(
        "type",
        Takes::Type,
        "",
        "The type of the value: `object`, `array`, `string`, `number`, `integer`, `boolean` or `null`, or any of a list.",
    ),
    common(
        "description",
        Takes::Text,
        "",
        "What the value is for. A model that calls the tool reads it. Nothing is checked by it.",
    ),
    common(
        "properties",
        Takes::Named,
        "object",
        "The properties of an object, each with the schema of its value. A property is optional unless `required` names \
         it, and others may be there unless `additionalProperties` is `false`.",
    ),
    common("required", Takes::Names, "object", "The properties that an object must have."),
    common(
        "additionalProperties",
        Takes::Closed,
        "object",
        "What the properties of an object must be that neither `properties` nor `patternProperties` describes. `false` \
         forbids them.",
    ),
    common("items", Takes::Schema, "array", "What each element of an array must be (behind those of `prefixItems`)."),
    common("minItems", Takes::Count, "array", "An array has at least this many elements."),
    common("maxItems", Takes::Count, "array", "An array has at most this many elements."),
    common("uniqueItems", Takes::Boolean, "array", "With `true`, no two elements of an array are equal."),
    common("enum", Takes::Values, "", "The value is one of these."),
    common("const", Takes::Any, "", "The value is exactly this one."),
    common("minLength", Takes::Count, "string", "A string has at least this many characters."),
    common("maxLength", Takes::Count, "string", "A string has at most this many characters."),
    common(
        "pattern",
        Takes::Pattern,
        "string",
        "A string has a part that matches this regular expression. `^` and `$` tie it to the whole string.",
    ),
    common(
        "format",
        Takes::Format,
        "string",
        "What a string looks like: `date-time`, `uri`, `uuid` and others. In draft 2020-12 it is told to readers and \
         checks nothing: add a `pattern` where it must hold.",
    ),
    common("minimum", Takes::Number, "number", "A number is this or above."),
    common("maximum", Takes::Number, "number", "A number is this or below."),
    common("exclusiveMinimum", Takes::Number, "number", "A number is above this."),
    common("exclusiveMaximum", Takes::Number, "number", "A number is below this."),
    common("multipleOf", Takes::Positive, "number", "A number is a multiple of this."),
    common("default", Takes::Any, "", "The value to suppose where none is given. It is not filled in by itself."),
    common("title", Takes::Text, "", "A short name, for people. Nothing is checked by it."),
    common("examples", Takes::Values, "", "Example values. Nothing is checked by them."),
    common(
        "$ref",
        Takes::Reference,
        "",
        "The value matches the schema at this place: `#/$defs/<name>` for one below `$defs`. Nothing is ever fetched: it \
         points within the schema of the same tool.",
    ),
    common("$defs", Takes::Named, "", "Schemas to point to with `$ref`. They check nothing by themselves."),
    common("anyOf", Takes::Schemas, "", "The value matches at least one of these."),
    common("oneOf", Takes::Schemas, "", "The value matches exactly one of these."),
    common("allOf", Takes::Schemas, "", "The value matches every one of these."),
    common("not", Takes::Schema, "", "The value does not match it."),
    common("if", Takes::Schema, "", "Where the value matches it, it must match `then`, and otherwise `else`."),
    common("then", Takes::Schema, "", "What a value must be that matches `if`."),
    common("else", Takes::Schema, "", "What a value must be that does not match `if`."),
    common("prefixItems", Takes::Schemas, "array", "What the first elements of an array must be, one schema for each."),
    common(
        "contains",
        Takes::Schema,
        "array",
        "At least one element of an array matches it: `minContains` says how many.",
    ),
    common("minContains", Takes::Count, "array", "At least this many elements match `contains`. Otherwise 1."),
    common("maxContains", Takes::Count, "array", "At most this many elements match `contains`."),
    common("minProperties", Takes::Count, "object", "An object has at least this many properties."),
    common("maxProperties", Takes::Count, "object", "An object has at most this many properties."),
    common(
        "patternProperties",
        Takes::Named,
        "object",
        "What the properties of an object must be whose names match a regular expression: the key is the expression.",
    ),
    common("propertyNames", Takes::Schema, "object", "What the name of each property must be, as a string."),
    common(
        "dependentRequired",
        Takes::NamesByName,
        "object",
        "Where an object has the property that is the key, it must have those of the list too.",
    ),
    common(
        "dependentSchemas",
        Takes::Named,
        "object",
        "Where an object has the property that is the key, the whole object must match the schema.",
    ),
    common(
        "unevaluatedProperties",
        Takes::Closed,
        "object",
        "Like `additionalProperties`, but it knows the properties that `allOf`, `anyOf`, `$ref` and the like describe.",
    ),
    common(
        "unevaluatedItems",
        Takes::Closed,
        "array",
        "What the elements of an array must be that no other keyword describes, those within `allOf` and the like included.",
    ),
    common(
        "deprecated",
        Takes::Boolean,
        "",
        "With `true`, the value should be used no more. Nothing is checked by it.",
    ),
    common("readOnly", Takes::Boolean, "", "With `true`, the value is only given out. Nothing is checked by it."),
    common("writeOnly", Takes::Boolean, "", "With `true`, the value is only taken in. Nothing is checked by it."),
    common(
        "contentEncoding",
        Takes::Encoding,
        "string",
        "How a string holds bytes, such as `base64`. Nothing is checked by it.",
    ),
    common(
        "contentMediaType",
        Takes::Text,
        "string",
        "The media type of what a string holds. Nothing is checked by it.",
    ),
    common("contentSchema", Takes::Schema, "string", "The schema of what a string holds. Nothing is checked by it."),
    common("$anchor", Takes::Text, "", "A name for the schema, to point to with `$ref = \"#<name>\"`."),
    common("$comment", Takes::Text, "", "A note to those who edit the schema. Nobody else reads it."),
    common(
        "$schema",
        Takes::Dialect,
        "",
        "The draft of JSON Schema that the schema is written in. Otherwise 2020-12. It is never fetched.",
    ),
    common("$id", Takes::Text, "", "The address that names the schema. Nothing is fetched from it."),
    rare("$dynamicAnchor", Takes::Text, "", "A name for the schema that a `$dynamicRef` finds at the outermost place."),
    rare("$dynamicRef", Takes::Text, "", "Like `$ref`, but to the outermost `$dynamicAnchor` of that name."),
    rare("$vocabulary", Takes::Flags, "", "Which keywords a metaschema knows. It has no use in a tool's schema."),
    old("definitions", Takes::Named, "", "The name of `$defs` before draft 2019-09. It still works with `$ref`."),
    old(
        "dependencies",
        Takes::NamedOrNames,
        "object",
        "Before draft 2019-09, what `dependentRequired` and `dependentSchemas` say.",
    ),
    old(
        "additionalItems",
        Takes::Closed,
        "array",
        "Before draft 2020-12, what the elements behind those of a list in `items` must be. Now `items` says it.",
    ),
    old("id", Takes::Text, "", "The name of `$id` in draft 4."),
    old("$recursiveRef", Takes::Text, "", "The name of `$dynamicRef` in draft 2019-09."),
    old("$recursiveAnchor", Takes::Boolean, "", "The name of `$dynamicAnchor` in draft 2019-09."),
    old("example", Takes::Any, "", "OpenAPI's word for one of `examples`. Nothing is checked by it."),
    old("nullable", Takes::Boolean, "", "A word of OpenAPI that checks nothing here: name `null` in `type`."),
    old("discriminator", Takes::Table, "", "A word of OpenAPI that checks nothing here: `oneOf` alone decides."),
];

const fn is(name: &'static str, doc: &'static str) -> Word {
    Word { name, doc }
}

/// The types of JSON Schema, those that are used most first.
pub static TYPES: &[Word] = &[
    is("string", "a text"),
    is("integer", "a number without decimals; `1.0` is one"),
    is("number", "a number, with or without decimals"),
    is("boolean", "`true` or `false`"),
    is("array", "a list of values"),
    is("object", "a table of properties"),
    is("null", "nothing; TOML cannot write it, but JSON input can hold it"),
];

/// The formats of draft 2020-12, those that are used most first.
pub static FORMATS: &[Word] = &[
    is("date-time", "a date with time and zone, `2026-01-31T12:00:00Z`"),
    is("date", "a date, `2026-01-31`"),
    is("time", "a time with zone, `12:00:00Z`"),
    is("duration", "a length of time, `P1DT12H`"),
    is("email", "an address of mail"),
    is("hostname", "the name of a host"),
    is("ipv4", "an IPv4 address"),
    is("ipv6", "an IPv6 address"),
    is("uri", "a whole URI, `https://acme.example/a`"),
    is("uri-reference", "a URI or a part of one, `/a#b`"),
    is("uri-template", "a URI with places to fill in, `/users/{id}`"),
    is("uuid", "a UUID, `3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a`"),
    is("json-pointer", "a path in a JSON value, `/a/0`"),
    is("relative-json-pointer", "a path from a place in a JSON value, `1/b`"),
    is("regex", "a regular expression"),
    is("idn-email", "an address of mail, also with letters outside of ASCII"),
    is("idn-hostname", "the name of a host, also with letters outside of ASCII"),
    is("iri", "a URI, also with letters outside of ASCII"),
    is("iri-reference", "a URI or a part of one, also with letters outside of ASCII"),
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
            // The rules know too where schemas stand.
            let (holds, known) = (keyword.takes.holds(), skillyard_manifest::rules::subschemas(keyword.name));
            assert_eq!(known.one, holds == Holds::Schema, "{}", keyword.name);
            assert_eq!(known.listed, holds == Holds::Schemas || keyword.name == "items", "{}", keyword.name);
        }
    }
}
