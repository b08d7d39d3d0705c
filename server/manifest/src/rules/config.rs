//! What an operator can configure: `[operator.config]`.

use std::collections::HashMap;

use super::{
    Context, Family, FixKind, Rule, common,
    identity::{self, LONGEST, repaired},
    operator::remove_key,
    plugin::variant,
};
use crate::{
    diagnostic::{Daemon, Severity, Tag, TextEdit},
    document::{Field, Node, NodeKind, Origin, Table, spelled, string},
    edits, grammar,
    shape::PROPERTY_TYPES,
    show, suggest,
    text::Span,
    view::View,
};

pub(super) static FAMILY: Family = Family {
    name: "config",
    about: "What an operator can configure: the properties with their types, defaults and allowed values.",
    rules: &[
        &BAD_SCHEMA_VERSION,
        &BAD_KEY,
        &UNDECLARED_REQUIRED,
        &EMPTY_TEXT,
        &ENUM_NOT_STRING,
        &EMPTY_ENUM_VALUE,
        &DUPLICATE_ENUM_VALUE,
        &WRONG_DEFAULT,
        &DEFAULT_OUTSIDE_ENUM,
        &EMPTY_CONTRACT,
        &REDACTION_RECOMMENDED,
        &SURROUNDING_SPACE,
        &DUPLICATE_REQUIRED,
        &REQUIRED_WITH_DEFAULT,
        &TOO_LONG,
    ],
    check,
};

static BAD_SCHEMA_VERSION: Rule = Rule {
    code: "config/bad-schema-version",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "`schema_version` is 0",
    details: "Versions of a set of properties count from 1. Raise it whenever a property changes its meaning.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config]\nschema_version = 0\nproperties = { city = { type = \"string\" } }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config]\nschema_version = 1\nproperties = { city = { type = \"string\" } }",
};

static BAD_KEY: Rule = Rule {
    code: "config/bad-key",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "A configuration key is empty or has a character that keys have not",
    details: "Keys have only lower-case ASCII letters, digits, `.`, `_` and `-`, where they are declared and in `required`. The \
              module reads its configuration by these keys: rename them there too.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\nCity = { type = \"string\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ncity = { type = \"string\" }",
};

static UNDECLARED_REQUIRED: Rule = Rule {
    code: "config/undeclared-required",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "`required` names a property that is not declared",
    details: "Every required key is one of `[operator.config.properties]`, letter by letter: here nothing is trimmed.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config]\nrequired = [\"cty\"]\nproperties = { city = { type = \"string\" } }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config]\nrequired = [\"city\"]\nproperties = { city = { type = \"string\" } }",
};

static EMPTY_TEXT: Rule = Rule {
    code: "config/empty-text",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "The `title` or `description` of a property is empty",
    details: "A text that is there says something; leave out one that has nothing to say.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ncity = { type = \"string\", title = \"\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ncity = { type = \"string\", title = \"City\" }",
};

static ENUM_NOT_STRING: Rule = Rule {
    code: "config/enum-not-string",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A property that is no string has `enum_values`",
    details: "Only a property of type `string` can be limited to a list of values.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ndays = { type = \"integer\", enum_values = [\"1\", \"2\"] }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ndays = { type = \"string\", enum_values = [\"1\", \"2\"] }",
};

static EMPTY_ENUM_VALUE: Rule = Rule {
    code: "config/empty-enum-value",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "One of `enum_values` is empty",
    details: "An operator cannot choose a value that cannot be seen. Name it (`none`), or make the property optional.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ncity = { type = \"string\", enum_values = [\"Paris\", \"\"] }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ncity = { type = \"string\", enum_values = [\"Paris\"] }",
};

static DUPLICATE_ENUM_VALUE: Rule = Rule {
    code: "config/duplicate-enum-value",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "One of `enum_values` is there twice",
    details: "Values are compared without white space around them, and with upper and lower case apart.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\n\
          city = { type = \"string\", enum_values = [\"Paris\", \"Paris\"] }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\n\
           city = { type = \"string\", enum_values = [\"Paris\", \"Rome\"] }",
};

static WRONG_DEFAULT: Rule = Rule {
    code: "config/wrong-default",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "A `default` has another type than its property",
    details: "Values never change their type by themselves: an `integer` takes `1`, not `1.0` and not `\"1\"`; a `number` takes both \
              integers and floats, but not NaN or an infinity; a `string_list` takes an array of strings. No type takes a date.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ndays = { type = \"integer\", default = \"3\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ndays = { type = \"integer\", default = 3 }",
};

static DEFAULT_OUTSIDE_ENUM: Rule = Rule {
    code: "config/default-outside-enum",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "A `default` is none of the `enum_values`",
    details: "The default is one of the allowed values, letter by letter.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\n\
          city = { type = \"string\", default = \"Pari\", enum_values = [\"Paris\", \"Rome\"] }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\n\
           city = { type = \"string\", default = \"Paris\", enum_values = [\"Paris\", \"Rome\"] }",
};

static EMPTY_CONTRACT: Rule = Rule {
    code: "config/empty-operator-config-contract",
    severity: Severity::Warning,
    daemon: Daemon::Warns,
    fix: FixKind::Unsafe,
    summary: "`operator.config` declares no properties",
    details: "A daemon reports `empty_operator_config_contract`. Declare a property, or leave `[operator.config]` out.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config]\nschema_version = 1",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config]\nproperties = { city = { type = \"string\" } }",
};

static REDACTION_RECOMMENDED: Rule = Rule {
    code: "config/operator-config-redaction-recommended",
    severity: Severity::Warning,
    daemon: Daemon::Warns,
    fix: FixKind::Safe,
    summary: "A property that is named like a secret is not redacted",
    details: "A daemon reports `operator_config_redaction_recommended` for names with `secret`, `token`, `password`, `api_key` or \
              `client_key`. Without `redacted = true` the value shows up in logs and reports. Better still, keep secrets out of \
              the configuration and ask for them in `[[capabilities.secrets]]`.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\napi_key = { type = \"string\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\napi_key = { type = \"string\", redacted = true }",
};

static SURROUNDING_SPACE: Rule = Rule {
    code: "config/surrounding-space",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A configuration key has white space around it",
    details: "A daemon checks it trimmed, but looks it up as it is written: `\"city \"` and `city` are two properties.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\n\"city \" = { type = \"string\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ncity = { type = \"string\" }",
};

static DUPLICATE_REQUIRED: Rule = Rule {
    code: "config/duplicate-required",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "`required` names a property twice",
    details: "The second one has no effect.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config]\nrequired = [\"city\", \"city\"]\n\
          properties = { city = { type = \"string\" } }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config]\nrequired = [\"city\"]\n\
           properties = { city = { type = \"string\" } }",
};

static REQUIRED_WITH_DEFAULT: Rule = Rule {
    code: "config/required-with-default",
    severity: Severity::Hint,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "A required property has a default",
    details: "A default is for what an operator does not set, and `required` is for what an operator must set: with both, one of \
              them has no effect.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config]\nrequired = [\"city\"]\n\
          properties = { city = { type = \"string\", default = \"Paris\" } }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config]\n\
           properties = { city = { type = \"string\", default = \"Paris\" } }",
};

static TOO_LONG: Rule = Rule {
    code: "config/too-long",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::None,
    summary: "A configuration key, text or list is of absurd length",
    details: "Keys and titles stay below 128 characters, descriptions below 4096, and there are at most 256 properties and 256 values \
              of one: more is not set by anybody.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\n\
          city = { type = \"string\", title = \"City city city city city city city city city city city city city city city city city \
          city city city city city city city city city city city\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\n\n[operator.config.properties]\ncity = { type = \"string\", title = \"City\" }",
};

/// What a key is made of, for messages.
const KEY: &str = "`a-z 0-9 . _ -`";

const LONGEST_DESCRIPTION: usize = 4096;
const MOST: usize = 256;

/// How many pairs of words are compared to find what was meant.
const MOST_COMPARED: usize = 4096;

fn check(cx: &mut Context<'_, '_>) {
    let Some(config) = cx.root.table("operator").and_then(|operator| operator.table("config")) else { return };
    check_schema_version(cx, config);
    let table = config.get("properties").and_then(|item| item.node.as_table());
    let declared = Declared { table };
    let required: HashMap<&str, &Node<'_>> =
        config.texts("required").into_iter().rev().map(|text| (text.value, text.node)).collect();
    check_empty(cx, config, &declared);
    check_required(cx, config, &declared);
    let Some(shape) = config.shape.child("properties") else { return };
    for (at, (key, field)) in table.into_iter().flat_map(|table| &table.fields).enumerate() {
        if at == MOST {
            cx.report(&TOO_LONG, field.key, format!("{} properties: keep it below {MOST}", declared.len()));
        }
        let property = View::of_node(&field.value, shape);
        check_key(cx, &required, &declared, key, field);
        check_redaction(cx, key, field, property);
        if let Some(property) = property {
            check_property(cx, property);
        }
    }
}

/// The declared properties.
#[derive(Clone, Copy)]
struct Declared<'d, 't> {
    table: Option<&'d Table<'t>>,
}

impl<'d, 't> Declared<'d, 't> {
    fn len(self) -> usize {
        self.table.map_or(0, |table| table.fields.len())
    }

    fn get(self, key: &str) -> Option<&'d Field<'t>> {
        self.table?.get(key)
    }

    fn keys(self) -> impl Iterator<Item = &'d str> {
        self.table.into_iter().flat_map(|table| table.fields.keys().map(AsRef::as_ref))
    }
}

fn check_schema_version(cx: &mut Context<'_, '_>, config: View<'_, '_>) {
    if let Some((span, 0)) = config.integer("schema_version") {
        let fix = vec![edits::replace(span, "1")];
        cx.report(&BAD_SCHEMA_VERSION, span, "versions count from 1").unsafe_fix("Set it to 1", fix);
    }
}

fn check_empty(cx: &mut Context<'_, '_>, config: View<'_, '_>, declared: &Declared<'_, '_>) {
    let not_a_table = declared.table.is_none() && config.get("properties").is_some();
    // Required keys without any property are told one by one.
    if declared.len() > 0 || not_a_table || !config.texts("required").is_empty() {
        return;
    }
    let operator = cx.root.table("operator");
    let fix = match config.as_table().map(|table| table.origin) {
        Some(Origin::Inline) => operator.map(|operator| remove_key(cx, operator, "config")).unwrap_or_default(),
        Some(Origin::Header) => {
            edits::section(cx.text, cx.document, config.span).map(|span| edits::replace(span, "")).into_iter().collect()
        }
        _ => Vec::new(),
    };
    cx.report(&EMPTY_CONTRACT, config.span, "`operator.config` declares no properties: add one or leave it out")
        .unsafe_fix("Remove `operator.config`", fix);
}

fn check_required(cx: &mut Context<'_, '_>, config: View<'_, '_>, declared: &Declared<'_, '_>) {
    let required = config.texts("required");
    let suggests = required.len().saturating_mul(declared.len().max(1)) <= MOST_COMPARED;
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for text in required {
        let key = text.value;
        if let Some(first) = seen.get(key).copied() {
            let fix = vec![cx.remove_listed(text.node)];
            cx.report(&DUPLICATE_REQUIRED, text.span(), format!("{} is required twice: remove one", show::quoted(key)))
                .related(first, "first here")
                .tag(Tag::Unnecessary)
                .safe_fix("Remove it", fix);
            continue;
        }
        seen.insert(key, text.span());
        let found = declared.get(key);
        if !grammar::is_label(key) {
            // One that is declared the same way is told at its declaration; its fix comes here too.
            if found.is_none() {
                required_key_is_bad(cx, declared, text);
            }
            continue;
        }
        let Some(found) = found else {
            undeclared(cx, declared, text, suggests);
            continue;
        };
        if let Some(default) = found.value.as_table().and_then(|property| property.get("default")) {
            let fix = vec![cx.remove_listed(text.node)];
            cx.report(&REQUIRED_WITH_DEFAULT, text.span(), "this property has a default: nobody needs to set it")
                .related(default.key, "its default")
                .unsafe_fix("Do not require it", fix);
        }
    }
}

fn required_key_is_bad(cx: &mut Context<'_, '_>, declared: &Declared<'_, '_>, text: crate::view::Text<'_, '_>) {
    let remove = vec![cx.remove_listed(text.node)];
    if text.trimmed().is_empty() {
        cx.report(&BAD_KEY, text.span(), "a required key is empty: leave it out").safe_fix("Remove it", remove);
        return;
    }
    let repair = repaired(text.trimmed(), grammar::is_label_char);
    let known = repair.filter(|(value, _)| declared.get(value).is_some());
    let fix = known.map(|(value, _)| (show::quoted(&value), cx.set_string(text.node, &value)));
    let message = format!("a key takes only {KEY}, unlike {}", show::quoted(text.value));
    let finding = cx.report(&BAD_KEY, text.span(), message);
    match fix {
        Some((value, edit)) => finding.safe_fix(format!("Write {value}"), vec![edit]),
        None => finding.unsafe_fix("Remove it", remove),
    };
}

fn undeclared(cx: &mut Context<'_, '_>, declared: &Declared<'_, '_>, text: crate::view::Text<'_, '_>, suggests: bool) {
    let key = text.value;
    let trimmed = text.trimmed();
    let shown = show::quoted(key);
    let same = (trimmed != key && declared.get(trimmed).is_some()).then_some(trimmed);
    let close = || suggest::closest(key, declared.keys().filter(|key| key.len() <= LONGEST && grammar::is_label(key)));
    let meant = same.or_else(|| if suggests { close() } else { None });
    let message = match meant {
        Some(meant) => format!("{shown} is required but not declared: did you mean {}?", show::quoted(meant)),
        None => format!("{shown} is required but not declared in `properties`: declare it, or do not require it"),
    };
    let write = meant.map(|meant| (show::quoted(meant), cx.set_string(text.node, meant)));
    let remove = vec![cx.remove_listed(text.node)];
    // Looks for a place in the whole file: not for lists without end.
    let declare = if suggests { declare(cx, trimmed) } else { Vec::new() };
    let mut finding = cx.report(&UNDECLARED_REQUIRED, text.span(), message);
    if let Some((meant, edit)) = write {
        finding = identity::fix(finding, same.is_some(), format!("Write {meant}"), vec![edit]);
    }
    if same.is_none() {
        // A key that differs by white space only stays undeclared.
        if key == trimmed {
            finding = finding.unsafe_fix(format!("Declare {shown} as a string"), declare);
        }
        finding.unsafe_fix(format!("Do not require {shown}"), remove);
    }
}

fn declare(cx: &Context<'_, '_>, key: &str) -> Vec<TextEdit> {
    let edit = cx.set(&["operator", "config", "properties"], &spelled(key), "{ type = \"string\" }");
    edit.into_iter().collect()
}

fn check_key(
    cx: &mut Context<'_, '_>,
    required: &HashMap<&str, &Node<'_>>,
    declared: &Declared<'_, '_>,
    key: &str,
    field: &Field<'_>,
) {
    let trimmed = key.trim();
    let (rule, message, repair) = if trimmed.is_empty() {
        (&BAD_KEY, "a configuration key is empty: give it a name".to_owned(), None)
    } else if !grammar::is_label(key) {
        let run = common::first_run(trimmed, |c| !grammar::is_label_char(c)).and_then(|run| trimmed.get(run));
        let bad: String = run.unwrap_or(trimmed).chars().take(8).collect();
        let message = format!("a key takes only {KEY}, not {}", show::quoted(&bad));
        (&BAD_KEY, message, repaired(trimmed, grammar::is_label_char))
    } else if trimmed != key {
        let message = "a key has white space around it: it is checked without, but looked up with it".to_owned();
        (&SURROUNDING_SPACE, message, Some((trimmed.to_owned(), true)))
    } else {
        if key.len() > LONGEST {
            cx.report(&TOO_LONG, field.key, format!("a key of {} characters: keep it below {LONGEST}", key.len()));
        }
        return;
    };
    let repair = repair.filter(|(new, _)| declared.get(new).is_none()).and_then(|(new, safe)| {
        let mut edits = rename(field, &new)?;
        // Repeated ones are told there.
        edits.extend(required.get(key).map(|node| cx.set_string(node, &new)));
        Some((show::quoted(&new), safe, edits))
    });
    let finding = cx.report(rule, field.key, message);
    if let Some((new, safe, edits)) = repair {
        identity::fix(finding, safe, format!("Rename to {new}"), edits);
    }
}

/// The edits that rename a property, where its key stands in one place only.
fn rename(field: &Field<'_>, new: &str) -> Option<Vec<TextEdit>> {
    let table = field.value.as_table()?;
    let alone = match table.origin {
        Origin::Inline => true,
        Origin::Header => table.fields.values().all(|below| {
            below.value.as_table().is_none_or(|table| table.origin == Origin::Inline)
                && !matches!(&below.value.kind, NodeKind::Array(array) if array.of_tables)
        }),
        _ => false,
    };
    alone.then(|| vec![edits::replace(field.key, spelled(new))])
}

fn check_redaction(cx: &mut Context<'_, '_>, key: &str, field: &Field<'_>, property: Option<View<'_, '_>>) {
    let Some(property) = property else { return };
    if !crate::daemon::names_a_secret(key) || property.flag("redacted") {
        return;
    }
    let given = property.get("redacted");
    // Not a boolean: told by its type.
    if given.is_some_and(|given| given.node.as_bool().is_none()) {
        return;
    }
    let (span, fix) = match given {
        Some(given) => (given.node.span, Some(edits::replace(given.node.span, "true"))),
        None => (field.key, cx.add_key(property, "redacted", "true")),
    };
    let message = format!("{} is named like a secret: set `redacted = true`", show::quoted(key));
    cx.report(&REDACTION_RECOMMENDED, span, message).safe_fix("Set `redacted = true`", fix.into_iter().collect());
}

fn check_property(cx: &mut Context<'_, '_>, property: View<'_, '_>) {
    for (key, most) in [("title", LONGEST), ("description", LONGEST_DESCRIPTION)] {
        let Some(text) = property.text(key) else { continue };
        if text.trimmed().is_empty() {
            let fix = remove_key(cx, property, key);
            cx.report(&EMPTY_TEXT, text.span(), format!("`{key}` is empty: say something or leave it out"))
                .safe_fix(format!("Remove `{key}`"), fix);
        } else {
            identity::too_long(cx, &TOO_LONG, text, &format!("`{key}`"), most);
        }
    }
    let kind = property.get("type").and_then(|item| variant(item.node)).filter(|kind| PROPERTY_TYPES.contains(kind));
    check_enum(cx, property, kind);
    if let (Some(kind), Some(default)) = (kind, property.get("default")) {
        check_default(cx, property, kind, default.node);
    }
}

fn check_enum(cx: &mut Context<'_, '_>, property: View<'_, '_>, kind: Option<&str>) {
    let values = property.texts("enum_values");
    if let (Some(first), Some(kind)) = (values.first(), kind)
        && kind != "string"
    {
        let span = property.get("enum_values").map_or(first.span(), |item| item.node.span);
        let fix = remove_key(cx, property, "enum_values");
        let message = format!(
            "only a property of type string has `enum_values`, and this one is of type {kind}: make it a string, or leave them out"
        );
        cx.report(&ENUM_NOT_STRING, span, message).unsafe_fix("Remove `enum_values`", fix);
    }
    if let Some(over) = values.get(MOST) {
        cx.report(&TOO_LONG, over.span(), format!("{} values to choose from: keep it below {MOST}", values.len()));
    }
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for value in values {
        let trimmed = value.trimmed();
        if trimmed.is_empty() {
            let fix = vec![cx.remove_listed(value.node)];
            cx.report(&EMPTY_ENUM_VALUE, value.span(), "one of `enum_values` is empty: name it or leave it out")
                .unsafe_fix("Remove it", fix);
        } else if let Some(first) = seen.get(trimmed).copied() {
            let fix = vec![cx.remove_listed(value.node)];
            cx.report(
                &DUPLICATE_ENUM_VALUE,
                value.span(),
                format!("{} is there twice: remove one", show::quoted(trimmed)),
            )
            .related(first, "first here")
            .safe_fix("Remove the second one", fix);
        } else {
            seen.insert(trimmed, value.span());
        }
    }
}

fn check_default(cx: &mut Context<'_, '_>, property: View<'_, '_>, kind: &str, default: &Node<'_>) {
    let integer = |i: i128| i128::from(i64::MIN) <= i && i <= i128::from(u64::MAX);
    let holds = match (kind, &default.kind) {
        // What did not read is told by its syntax.
        (_, NodeKind::Invalid) => return,
        ("string", NodeKind::String(value)) => {
            default_in_enum(cx, property, default, value);
            true
        }
        ("integer" | "number", NodeKind::Integer(i)) => integer(*i),
        ("number", NodeKind::Float(f)) => f.is_finite(),
        ("boolean", NodeKind::Boolean(_)) => true,
        ("string_list", NodeKind::Array(array)) => array.items.iter().all(|item| item.as_str().is_some()),
        _ => false,
    };
    if holds {
        return;
    }
    // The element that does not fit, where only some do not.
    let odd = default.as_array().filter(|_| kind == "string_list").and_then(|items| {
        let mut odd = items.iter().filter(|item| item.as_str().is_none());
        odd.next().filter(|_| odd.next().is_none())
    });
    let node = odd.unwrap_or(default);
    let raw = node.span.of(cx.text);
    let converted = match (kind, &node.kind) {
        (
            "string" | "string_list",
            NodeKind::Integer(_) | NodeKind::Boolean(_) | NodeKind::Float(_) | NodeKind::DateTime,
        ) => {
            let text = string(raw);
            Some(if kind == "string_list" && odd.is_none() { format!("[{text}]") } else { text })
        }
        ("string_list", NodeKind::String(_)) => Some(format!("[{raw}]")),
        ("integer", NodeKind::String(s)) => s.trim().parse::<i64>().ok().map(|n| n.to_string()),
        ("integer", NodeKind::Float(f)) => {
            (f.fract() == 0.0 && f.abs() <= 9_007_199_254_740_992.0).then(|| format!("{f:.0}"))
        }
        ("number", NodeKind::String(s)) => {
            let s = s.trim();
            s.parse::<i64>()
                .map(|n| n.to_string())
                .ok()
                .or_else(|| s.parse::<f64>().ok().filter(|f| f.is_finite()).map(|f| format!("{f:?}")))
        }
        ("boolean", NodeKind::String(s)) => matches!(s.trim(), "true" | "false").then(|| s.trim().to_owned()),
        _ => None,
    };
    let article = |kind: &str| if kind == "integer" { format!("an {kind}") } else { format!("a {kind}") };
    let got = match &node.kind {
        NodeKind::Float(f) if !f.is_finite() => "NaN or an infinity",
        NodeKind::Integer(_) => "an integer",
        _ => node.type_name(),
    };
    let message = if odd.is_some() {
        format!(
            "the default of a string_list is an array of strings, and this is {got}: write it in brackets, `[\"a\", \"b\"]`"
        )
    } else {
        format!("the property is {}, but its default is {got}: write one of the other's type", article(kind))
    };
    let span = node.span;
    let remove = remove_key(cx, property, "default");
    let related = property.get("type").map(|item| item.node.span);
    let fix = converted.map(|new| edits::replace(span, new));
    let mut finding = cx.report(&WRONG_DEFAULT, span, message);
    if let Some(at) = related {
        finding = finding.related(at, "its type");
    }
    finding.safe_fix("Write it in the right type", fix.into_iter().collect()).unsafe_fix("Remove the default", remove);
}

fn default_in_enum(cx: &mut Context<'_, '_>, property: View<'_, '_>, default: &Node<'_>, value: &str) {
    let values = property.texts("enum_values");
    let Some(item) = property.get("enum_values") else { return };
    if values.is_empty() || values.iter().any(|allowed| allowed.value == value) {
        return;
    }
    let same = values
        .iter()
        .map(|allowed| allowed.value)
        .find(|allowed| allowed.trim() == value.trim() || allowed.eq_ignore_ascii_case(value.trim()));
    let meant = same.or_else(|| {
        // Upper and lower case are no difference to a reader.
        let lower: Vec<String> = values
            .iter()
            .take(MOST)
            .map(|allowed| allowed.value)
            .filter(|word| word.len() <= LONGEST)
            .map(str::to_ascii_lowercase)
            .collect();
        let closest = suggest::closest(value, lower.iter().map(String::as_str))?;
        values.iter().map(|allowed| allowed.value).find(|allowed| allowed.eq_ignore_ascii_case(closest))
    });
    let shown = show::quoted(value);
    let message = match meant {
        Some(meant) => format!("the default {shown} is none of `enum_values`: did you mean {}?", show::quoted(meant)),
        None => format!("the default {shown} is none of `enum_values`: add it there, or choose one of them"),
    };
    let write = meant.map(|meant| (show::quoted(meant), cx.set_string(default, meant)));
    let add = values.last().map(|last| edits::insert(last.span().end, format!(", {}", string(value))));
    let place = item.node.span;
    let mut finding = cx.report(&DEFAULT_OUTSIDE_ENUM, default.span, message).related(place, "the allowed values");
    if let Some((meant, edit)) = write {
        finding = identity::fix(finding, same.is_some(), format!("Write {meant}"), vec![edit]);
    }
    if !value.trim().is_empty() {
        finding.unsafe_fix(format!("Allow {shown}"), add.into_iter().collect());
    }
}
