//! An example of what a schema accepts, for a person to change: the input that a tool is first tried with.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};

use skillyard_artifact::Progress;

use super::{check::check_value, pattern};

/// Values that are made for one example.
const MAX_MADE: usize = 5_000;
/// Levels of one example; what is optional ends earlier.
const MAX_DEPTH: usize = 24;
/// Levels on which properties that are not required are made.
const MAX_OPTIONAL_DEPTH: usize = 6;
/// Items or properties that are made because a schema asks for so many.
const MAX_ITEMS: u64 = 256;
/// Characters of a text that is made longer.
const MAX_TEXT: u64 = 4096;

/// An example of what a schema accepts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Example {
    /// The example; where none was found, the nearest that there is.
    pub value: Value,
    /// Whether the schema accepts it: it was checked.
    pub accepted: bool,
}

/// An example made from `schema`: what the schema itself gives as `default`, `examples`, `const` or `enum` first, the rest
/// by type. Bounded on any schema, also one that recurses or is not valid; where `progress` ends it, it is as good as it
/// was by then.
#[must_use]
pub fn example(schema: &Value, progress: &dyn Progress) -> Example {
    let mut nearest = None;
    // All properties or the required ones, what the schema gives or not, and one alternative after the other.
    for attempt in 0..16_usize {
        let taste = Taste {
            optional: attempt < 8 && attempt % 4 < 2,
            given: attempt % 2 == 0,
            branch: attempt / 4 + if attempt < 4 { 0 } else { attempt % 2 },
        };
        let mut maker = Maker { root: schema, taste, made: 0 };
        let value = maker.value(schema, 0, 0);
        let checked = check_value(schema, value.clone(), progress);
        if let Ok(Ok(value)) = checked {
            return Example { value, accepted: true };
        }
        nearest.get_or_insert(value);
        // What is not decided once will not be in time.
        if !matches!(checked, Ok(Err(found)) if found.iter().all(|one| one.keyword != "budget")) {
            break;
        }
    }
    Example { value: nearest.unwrap_or(Value::Null), accepted: false }
}

/// What one attempt prefers.
#[derive(Clone, Copy)]
struct Taste {
    /// Make properties that are not required.
    optional: bool,
    /// Take `default` and `examples`.
    given: bool,
    /// Which of the alternatives to take.
    branch: usize,
}

struct Maker<'s> {
    root: &'s Value,
    taste: Taste,
    made: usize,
}

/// How a keyword of two schemas becomes that of both.
fn both(key: &str, ours: &Value, theirs: &Value) -> Value {
    let number = |pick: fn(f64, f64) -> bool| match (ours.as_f64(), theirs.as_f64()) {
        (Some(a), Some(b)) if pick(b, a) => theirs.clone(),
        _ => ours.clone(),
    };
    let list = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    match key {
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => number(|b, a| b > a),
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => number(|b, a| b < a),
        "required" => {
            let mut all = list(ours);
            all.extend(list(theirs).into_iter().filter(|name| !list(ours).contains(name)));
            Value::Array(all)
        }
        "enum" => Value::Array(list(ours).into_iter().filter(|value| list(theirs).contains(value)).collect()),
        "type" => {
            let fits = |one: &Value, others: &[Value]| {
                others.contains(one) || (one == "integer" && others.contains(&json!("number")))
            };
            let (a, b) = (list(ours), list(theirs));
            let mut shared: Vec<Value> = a.iter().filter(|one| fits(one, &b)).cloned().collect();
            shared.extend(b.iter().filter(|one| fits(one, &a) && !shared.contains(one)).cloned().collect::<Vec<_>>());
            Value::Array(shared)
        }
        "properties" | "$defs" | "definitions" | "patternProperties" => {
            let mut all = ours.as_object().cloned().unwrap_or_default();
            for (name, schema) in theirs.as_object().into_iter().flatten() {
                let joined = match all.get(name) {
                    Some(other) if other != schema => json!({ "allOf": [other, schema] }),
                    _ => schema.clone(),
                };
                all.insert(name.clone(), joined);
            }
            Value::Object(all)
        }
        "items" | "additionalProperties" if ours != theirs => json!({ "allOf": [ours, theirs] }),
        _ => ours.clone(),
    }
}

fn join(into: &mut Map<String, Value>, more: Map<String, Value>) {
    for (key, value) in more {
        let joined = into.get(&key).map_or_else(|| value.clone(), |ours| both(&key, ours, &value));
        into.insert(key, joined);
    }
}

fn whole(schema: &Map<String, Value>, key: &str) -> Option<u64> {
    schema.get(key).and_then(|value| value.as_u64().or_else(|| value.as_f64().map(|f| f as u64)))
}

impl Maker<'_> {
    /// One schema with what it refers to and combines put into it, so that only plain keywords are left.
    fn flat(&mut self, schema: &Value, depth: usize) -> Map<String, Value> {
        self.made += 1;
        let Value::Object(schema) = schema else { return Map::new() };
        let mut out = schema.clone();
        if depth > MAX_DEPTH || self.made > MAX_MADE {
            return out;
        }
        for key in ["$ref", "$dynamicRef", "$recursiveRef"] {
            if let Some(Value::String(target)) = out.remove(key)
                && let Some(pointed) = self.target(&target)
            {
                let more = self.flat(&pointed, depth + 1);
                join(&mut out, more);
            }
        }
        if let Some(Value::Array(all)) = out.remove("allOf") {
            for one in &all {
                let more = self.flat(one, depth + 1);
                join(&mut out, more);
            }
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(Value::Array(alternatives)) = out.remove(key) {
                let possible: Vec<&Value> = alternatives.iter().filter(|one| **one != Value::Bool(false)).collect();
                if let Some(one) = possible.get(self.taste.branch % possible.len().max(1)) {
                    let more = self.flat(one, depth + 1);
                    join(&mut out, more);
                }
            }
        }
        if let Some(condition) = out.remove("if") {
            let (then, otherwise) = (out.remove("then"), out.remove("else"));
            let parts = if self.taste.branch.is_multiple_of(2) { [Some(condition), then] } else { [otherwise, None] };
            for part in parts.into_iter().flatten() {
                let more = self.flat(&part, depth + 1);
                join(&mut out, more);
            }
        }
        out
    }

    fn target(&self, target: &str) -> Option<Value> {
        let fragment = target.strip_prefix('#')?;
        if fragment.is_empty() {
            return Some(self.root.clone());
        }
        if fragment.starts_with('/') {
            return self.root.pointer(&fragment.replace("%25", "%").replace("%24", "$")).cloned();
        }
        let defs = ["$defs", "definitions"].into_iter().filter_map(|key| self.root.get(key)?.as_object());
        let mut named = defs.flat_map(|defs| defs.values());
        named
            .find(|schema| ["$anchor", "$dynamicAnchor"].iter().any(|key| schema.get(*key) == Some(&json!(fragment))))
            .cloned()
    }

    /// A value for a schema; `nth` tells apart the items of a list without repeats.
    fn value(&mut self, schema: &Value, depth: usize, nth: usize) -> Value {
        let schema = self.flat(schema, 0);
        if self.taste.given && nth == 0 {
            let first = schema.get("examples").and_then(Value::as_array).and_then(|examples| examples.first());
            if let Some(given) = schema.get("default").or(first) {
                return given.clone();
            }
        }
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(one) = schema.get("enum").and_then(Value::as_array).filter(|values| !values.is_empty()) {
            return one.get((nth + self.taste.branch) % one.len()).cloned().unwrap_or_default();
        }
        if depth > MAX_DEPTH || self.made > MAX_MADE {
            return Value::Null;
        }
        match self.type_of(&schema, depth).as_str() {
            "object" => self.object(&schema, depth),
            "array" => self.array(&schema, depth),
            "string" => Value::String(text(&schema, nth)),
            "integer" => number(&schema, nth, true),
            "number" => number(&schema, nth, false),
            "boolean" => Value::Bool(nth.is_multiple_of(2)),
            _ => Value::Null,
        }
    }

    fn type_of(&self, schema: &Map<String, Value>, depth: usize) -> String {
        match schema.get("type") {
            Some(Value::String(one)) => return one.clone(),
            Some(Value::Array(some)) => {
                // `null` beside others is what a caller leaves out.
                let mut names: Vec<&str> = some.iter().filter_map(Value::as_str).collect();
                names.sort_by_key(|name| *name == "null");
                if let Some(name) = names.get(self.taste.branch % names.len().max(1)) {
                    return (*name).to_owned();
                }
            }
            _ => {}
        }
        let implied = [
            ("object", ["properties", "required", "additionalProperties", "minProperties", "patternProperties"]),
            ("array", ["items", "prefixItems", "minItems", "contains", "uniqueItems"]),
            ("string", ["pattern", "minLength", "maxLength", "format", "contentEncoding"]),
            ("number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
        ];
        let found = implied.iter().find(|(_, keys)| keys.iter().any(|key| schema.contains_key(*key)));
        found.map_or(if depth == 0 { "object" } else { "string" }, |(name, _)| name).to_owned()
    }

    fn object(&mut self, schema: &Map<String, Value>, depth: usize) -> Value {
        let none = Map::new();
        let declared = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let mut names: Vec<&str> = Vec::new();
        let listed = |value: Option<&'_ Value>| -> Vec<String> {
            let items = value.and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let required = listed(schema.get("required"));
        names.extend(required.iter().map(String::as_str));
        if self.taste.optional && depth < MAX_OPTIONAL_DEPTH {
            let most =
                whole(schema, "maxProperties").map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
            for (name, schema) in declared {
                if names.len() < most && *schema != Value::Bool(false) && !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
        }
        let mut all: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mut at = 0;
        while let Some(name) = all.get(at) {
            for more in listed(schema.get("dependentRequired").and_then(|dependent| dependent.get(name))) {
                if !all.contains(&more) {
                    all.push(more);
                }
            }
            at += 1;
        }
        let least = whole(schema, "minProperties").unwrap_or(0).min(MAX_ITEMS) as usize;
        for name in declared.keys() {
            if all.len() < least && !all.contains(name) {
                all.push(name.clone());
            }
        }
        for i in 1.. {
            if all.len() >= least {
                break;
            }
            all.push(format!("key{i}"));
        }
        let mut out = Map::new();
        for name in all {
            let anything = Value::Bool(true);
            let by_rest = schema.get("additionalProperties").unwrap_or(&anything).clone();
            let schema = declared.get(&name).unwrap_or(&by_rest).clone();
            let value = self.value(&schema, depth + 1, 0);
            out.insert(name, value);
        }
        Value::Object(out)
    }

    fn array(&mut self, schema: &Map<String, Value>, depth: usize) -> Value {
        let none = Vec::new();
        let items = schema.get("items");
        let first = schema.get("prefixItems").or(items).and_then(Value::as_array).unwrap_or(&none);
        let rest = items.filter(|items| !items.is_array()).or_else(|| schema.get("additionalItems")).cloned();
        let contains = schema.get("contains").cloned();
        let least = whole(schema, "minItems").unwrap_or(0).min(MAX_ITEMS);
        let most = whole(schema, "maxItems").unwrap_or(u64::MAX);
        let mut wanted = least;
        if self.taste.optional && depth < MAX_OPTIONAL_DEPTH {
            wanted = wanted.max(first.len() as u64).max(u64::from(rest.as_ref().is_some_and(|rest| *rest != false)));
        }
        let contained = contains.as_ref().map_or(0, |_| whole(schema, "minContains").unwrap_or(1).min(MAX_ITEMS));
        wanted = wanted.max(if contained > 0 { first.len() as u64 + contained } else { 0 }).min(most).min(MAX_ITEMS);
        let anything = Value::Bool(true);
        // Only where they have to differ: the next number may be beyond a bound, the next text of no format.
        let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
        let mut out = Vec::new();
        for i in 0..wanted as usize {
            let item = match first.get(i) {
                Some(item) => item.clone(),
                None => match (&contains, &rest) {
                    (Some(contains), Some(rest)) if (i - first.len()) < contained as usize => {
                        json!({ "allOf": [contains, rest] })
                    }
                    (Some(contains), None) if (i - first.len()) < contained as usize => contains.clone(),
                    _ => rest.as_ref().unwrap_or(&anything).clone(),
                },
            };
            out.push(self.value(&item, depth + 1, if unique { i } else { 0 }));
        }
        Value::Array(out)
    }
}

/// A text that fits, as far as a pattern or a format can be met.
fn text(schema: &Map<String, Value>, nth: usize) -> String {
    let least = whole(schema, "minLength").unwrap_or(0).min(MAX_TEXT) as usize;
    let most = whole(schema, "maxLength").map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        let fits = |text: &String| (least..=most).contains(&text.chars().count());
        let samples = (0..=least.max(2)).filter_map(|extra| pattern::sample(pattern, extra));
        let fitting: Vec<String> = samples.take(64 + least).filter(fits).take(1 + nth).collect();
        if let Some(found) = fitting.last() {
            return found.clone();
        }
        // Without an anchor at its end more may follow.
        if let Some(mut text) = pattern::sample(pattern, 0) {
            while text.chars().count() < least {
                text.push('a');
            }
            return text;
        }
    }
    let formatted = match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-31",
        Some("time") => "12:00:00Z",
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("duration") => "P1D",
        Some("email" | "idn-email") => "someone@example.com",
        Some("hostname" | "idn-hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("uri" | "iri") => "https://example.com/",
        Some("uri-reference" | "iri-reference" | "uri-template") => "/path",
        Some("uuid") => "123e4567-e89b-42d3-a456-426614174000",
        Some("json-pointer") => "/a",
        Some("relative-json-pointer") => "0/a",
        Some("regex") => "^a$",
        _ => "",
    };
    if !formatted.is_empty() && nth == 0 {
        return formatted.to_owned();
    }
    let mut text = if nth == 0 { "text".to_owned() } else { format!("{nth}text") };
    while text.chars().count() < least {
        text.push('a');
    }
    text.chars().take(most).collect()
}

/// A number that fits; the `nth` above the least.
fn number(schema: &Map<String, Value>, nth: usize, integer: bool) -> Value {
    let get = |key: &str| schema.get(key).and_then(Value::as_f64);
    let step = get("multipleOf").filter(|step| *step > 0.0 && step.is_finite());
    let integer = integer || (step.is_none() && get("exclusiveMinimum").is_none() && get("exclusiveMaximum").is_none());
    let unit = match step {
        Some(step) if integer && step.fract() != 0.0 => {
            (1..=1000).map(f64::from).map(|n| n * step).find(|n| n.fract() == 0.0).unwrap_or(step)
        }
        Some(step) => step,
        None => 1.0,
    };
    // Draft 4 says with a boolean that a bound is exclusive.
    let strict = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    let low = match (get("minimum"), get("exclusiveMinimum")) {
        (Some(a), Some(b)) if a > b => Some((a, false)),
        (_, Some(b)) => Some((b, true)),
        (Some(a), None) => Some((a, strict("exclusiveMinimum"))),
        (None, None) => None,
    };
    let high = match (get("maximum"), get("exclusiveMaximum")) {
        (Some(a), Some(b)) if a < b => Some((a, false)),
        (_, Some(b)) => Some((b, true)),
        (Some(a), None) => Some((a, strict("exclusiveMaximum"))),
        (None, None) => None,
    };
    let fits = |n: f64| {
        low.is_none_or(|(low, strict)| if strict { n > low } else { n >= low })
            && high.is_none_or(|(high, strict)| if strict { n < high } else { n <= high })
    };
    let from_low = low.map(|(low, _)| (low / unit).ceil() * unit);
    let from_high = high.map(|(high, _)| (high / unit).floor() * unit);
    let mut candidates = vec![unit, 0.0];
    candidates.extend(from_low.into_iter().flat_map(|n| [n, n + unit]));
    candidates.extend(from_high.into_iter().flat_map(|n| [n, n - unit]));
    if !integer && step.is_none() {
        // Between two bounds there may be no whole number.
        candidates.extend(low.zip(high).map(|((low, _), (high, _))| low + (high - low) / 2.0));
        candidates.extend(low.map(|(low, _)| low));
        candidates.extend(high.map(|(high, _)| high));
    }
    let base = if nth == 0 { None } else { from_low.or(from_high.map(|n| n - unit * 300.0)) };
    let start = base.or_else(|| candidates.into_iter().find(|n| fits(*n))).unwrap_or(unit);
    let n = start + unit * nth as f64;
    // Exact in a double up to 2^53.
    if n.fract() == 0.0 && n.abs() <= 9_007_199_254_740_992.0 {
        return json!(n as i64);
    }
    Number::from_f64(n).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example(schema: &Value) -> Example {
        super::example(schema, &())
    }

    fn accepted(schema: &Value) -> Value {
        let example = example(schema);
        assert!(example.accepted, "{schema} does not accept {}", example.value);
        example.value
    }

    #[test]
    fn what_the_schema_gives_comes_first() {
        let schema = json!({ "type": "object", "properties": {
            "a": { "type": "string", "default": "Bern" }, "b": { "examples": [3, 4] }, "c": { "const": "x" },
            "d": { "enum": ["metric", "imperial"] }, "e": { "type": "integer", "minimum": 3 } } });
        assert_eq!(accepted(&schema), json!({ "a": "Bern", "b": 3, "c": "x", "d": "metric", "e": 3 }));
    }

    #[test]
    fn a_default_that_the_schema_refuses_is_not_taken() {
        assert_eq!(accepted(&json!({ "type": "integer", "default": "no", "maximum": -5 })), json!(-5));
    }

    #[test]
    fn examples_of_schemas_that_authors_write() {
        for schema in [
            json!({}),
            json!(true),
            json!({ "type": "object" }),
            json!({ "type": "string", "pattern": "^[0-9]{5}$" }),
            json!({ "type": "string", "pattern": "^[a-z]+$", "minLength": 12, "maxLength": 14 }),
            json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }),
            json!({ "type": "integer", "multipleOf": 7, "minimum": 30 }),
            json!({ "type": "array", "items": { "type": "integer" }, "minItems": 3, "uniqueItems": true }),
            json!({ "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": 0 }, "minItems": 2 }),
            json!({ "$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "minItems": 2,
                    "items": { "type": "string", "format": "date-time" } }),
            json!({ "type": "array", "prefixItems": [{ "type": "string" }, { "type": "null" }], "items": false }),
            json!({ "type": "array", "contains": { "const": 7 } }),
            json!({ "type": ["null", "string"], "format": "date" }),
            json!({ "allOf": [{ "required": ["a"] }, { "properties": { "a": { "type": "boolean" } } }] }),
            json!({ "oneOf": [{ "type": "string" }, { "type": "string", "minLength": 2 }, { "type": "integer" }] }),
            json!({ "required": ["kind"], "properties": { "kind": { "enum": ["a", "b"] } },
                    "if": { "properties": { "kind": { "const": "a" } } }, "then": { "required": ["x"] } }),
            json!({ "$ref": "#/$defs/tree", "$defs": { "tree": { "type": "object", "required": ["name"], "properties": {
                "name": { "type": "string" }, "children": { "type": "array", "items": { "$ref": "#/$defs/tree" } } } } } }),
            json!({ "minProperties": 2, "additionalProperties": { "type": "integer" } }),
            json!({ "properties": { "a": {} }, "dependentRequired": { "a": ["b"] }, "required": ["a"] }),
        ] {
            accepted(&schema);
        }
    }

    #[test]
    fn without_an_example_it_says_so() {
        for schema in
            [json!(false), json!({ "type": "integer", "minimum": 2, "maximum": 1 }), json!({ "not": {} }), json!(3)]
        {
            assert!(!example(&schema).accepted, "{schema}");
        }
    }

    #[test]
    fn it_ends_on_recursion_and_doubling() {
        let _ = example(&json!({ "$ref": "#" }));
        let _ = example(&json!({ "required": ["a"], "properties": { "a": { "$ref": "#" } } }));
        let _ =
            example(&json!({ "required": ["a", "b"], "properties": { "a": { "$ref": "#" }, "b": { "$ref": "#" } } }));
        let mut defs = Map::new();
        for level in 0..30 {
            let next = json!({ "$ref": format!("#/$defs/l{}", level + 1) });
            defs.insert(
                format!("l{level}"),
                json!({ "type": "array", "minItems": 2, "items": next, "allOf": [next, next] }),
            );
        }
        let _ = example(&json!({ "$ref": "#/$defs/l0", "$defs": defs }));
        let _ = example(&json!({ "type": "array", "minItems": 1e15, "items": { "minItems": 1e15 } }));
        let _ = example(&json!({ "type": "string", "minLength": 1e15 }));
        let _ = example(&json!({ "pattern": "((a{1000}){1000}){1000}" }));
    }

    fn any_schema() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (0..20_u32, 0..20_u32).prop_map(|(a, b)| json!({ "type": "string", "minLength": a, "maxLength": a + b })),
            (-50..50_i32, 0..50_i32).prop_map(|(a, b)| json!({ "type": "integer", "minimum": a, "maximum": a + b })),
            (-50..50_i32, 1..50_i32)
                .prop_map(|(a, b)| json!({ "type": "number", "exclusiveMinimum": a, "exclusiveMaximum": a + b })),
            (1..9_i32, -90..90_i32).prop_map(|(a, b)| json!({ "type": "integer", "multipleOf": a, "minimum": b })),
            Just(json!({ "type": "boolean" })),
            Just(json!({ "type": "null" })),
            Just(json!({ "type": "string", "format": "date-time" })),
            Just(json!({ "type": "string", "pattern": "^[a-f0-9]{4,}(-x)?$" })),
            Just(json!({ "enum": ["a", 1, null] })),
            Just(json!({ "const": { "a": [1] } })),
            Just(json!({ "type": ["integer", "null"], "default": 4 })),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                (prop::collection::btree_map("[a-d]", inner.clone(), 0..4), any::<bool>(), any::<bool>()).prop_map(
                    |(properties, all, closed)| {
                        let required: Vec<String> = if all { properties.keys().cloned().collect() } else { Vec::new() };
                        json!({ "type": "object", "properties": properties, "required": required,
                                "additionalProperties": !closed })
                    }
                ),
                (inner.clone(), 0..4_u32).prop_map(|(items, least)| {
                    json!({ "type": "array", "items": items, "minItems": least, "maxItems": least + 1 })
                }),
                prop::collection::vec(inner.clone(), 1..3).prop_map(|any| json!({ "anyOf": any })),
                inner.clone().prop_map(|one| json!({ "allOf": [one, {}] })),
                inner.prop_map(|one| json!({ "$ref": "#/$defs/x", "$defs": { "x": one } })),
            ]
        })
        .prop_map(hoisted)
    }

    /// References of the parts point into the whole: each definition gets a place of its own there.
    fn hoisted(mut schema: Value) -> Value {
        fn lift(value: &mut Value, defs: &mut Map<String, Value>) {
            if let Value::Object(map) = value
                && let Some(Value::Object(mut own)) = map.remove("$defs")
                && let Some(mut one) = own.remove("x")
            {
                lift(&mut one, defs);
                let name = format!("d{}", defs.len());
                map.insert("$ref".to_owned(), json!(format!("#/$defs/{name}")));
                defs.insert(name, one);
            }
            match value {
                Value::Object(map) => map.values_mut().for_each(|value| lift(value, defs)),
                Value::Array(items) => items.iter_mut().for_each(|item| lift(item, defs)),
                _ => {}
            }
        }
        let mut defs = Map::new();
        lift(&mut schema, &mut defs);
        schema["$defs"] = Value::Object(defs);
        schema
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn an_example_is_accepted(schema in any_schema()) {
            let example = example(&schema);
            prop_assert!(example.accepted, "{} does not accept {}", schema, example.value);
        }
    }
}
