//! A name changed at every place where it stands, or the reason why it cannot be.

use std::{collections::HashSet, fmt};

use skillyard_manifest::{
    Span, TextEdit,
    document::{spelled, string},
    edits, grammar, is_unseen, quoted,
};

use crate::{
    names::{Name, Names, Occurrence, Written, encoded},
    source::Source,
};

/// What an editor shows when it asks for the new name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prepared {
    /// The name at the cursor, as it is written there.
    pub span: Span,
    /// The name as it is now.
    pub placeholder: String,
}

/// Why something cannot be renamed, or not so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RenameError {
    /// There is no name here.
    Nothing,
    /// The name is a word of the format.
    Fixed,
    /// It is used here, and declared nowhere in this text.
    Undeclared {
        /// What it would be, with the article: `a tool`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The new name is empty.
    Empty {
        /// What is renamed.
        what: &'static str,
    },
    /// The new name has a character that such names have not.
    Character {
        /// What is renamed.
        what: &'static str,
        /// The first such character.
        found: char,
        /// What may stand there; empty where anything may that can be seen.
        allowed: &'static str,
    },
    /// The new name, or a skill id with it in front, has an empty part between dots.
    EmptyPart {
        /// What would have it.
        what: &'static str,
        /// What that would be.
        name: String,
    },
    /// The id of a tool has to start with its publisher.
    OutsideNamespace {
        /// The publisher with a dot.
        namespace: String,
    },
    /// Nothing stands behind the publisher in the id of a tool.
    OnlyNamespace {
        /// The publisher with a dot.
        namespace: String,
    },
    /// The publisher stands in front of the skill's id, and that cannot hold `:`.
    SkillId {
        /// What the skill's id would be.
        id: String,
    },
    /// Something of this kind has the new name already.
    Taken {
        /// What is renamed.
        what: &'static str,
        /// The name.
        name: String,
    },
}

impl fmt::Display for RenameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str(
                "nothing here can be renamed: names are the publisher, the ids of the skill and its tools, configuration \
                 properties, and the properties, definitions and anchors of a schema",
            ),
            Self::Fixed => f.write_str("this is a word of the format and has no other name"),
            Self::Undeclared { what, name } => {
                write!(f, "{} is not declared in this manifest: declare {what} of that name first", quoted(name))
            }
            Self::Empty { what } => write!(f, "{what} cannot be empty"),
            Self::Character { what, found, allowed } => {
                let found = quoted(found.encode_utf8(&mut [0; 4]));
                match *allowed {
                    "" => write!(f, "{what} cannot hold {found}: nobody sees it"),
                    allowed => write!(f, "{what} takes only `{allowed}`, not {found}"),
                }
            }
            Self::EmptyPart { what, name } => {
                write!(f, "{what} would be {}: put something between and around its dots", quoted(name))
            }
            Self::OutsideNamespace { namespace } => {
                write!(f, "a tool's id starts with its publisher: keep {} in front", quoted(namespace))
            }
            Self::OnlyNamespace { namespace } => {
                write!(f, "a tool's id needs a name behind {}", quoted(namespace))
            }
            Self::SkillId { id } => {
                write!(f, "the skill's id would be {}, and cannot hold `:`: choose a publisher without it", quoted(id))
            }
            Self::Taken { what, name } => write!(f, "there is {what} named {} already", quoted(name)),
        }
    }
}

impl std::error::Error for RenameError {}

/// What a rename at `offset` would change.
///
/// # Errors
/// [`RenameError::Nothing`], [`RenameError::Fixed`] and [`RenameError::Undeclared`], where there is nothing to rename.
pub fn prepare_rename(source: &Source<'_>, offset: usize) -> Result<Prepared, RenameError> {
    let names = Names::of(source);
    let found = names.at(offset).ok_or(RenameError::Nothing)?;
    renameable(&names, &found)?;
    Ok(Prepared { span: found.span, placeholder: now(&found).to_owned() })
}

/// The edits that give the name at `offset` another one everywhere, in the order of the text and without overlap; none
/// where it has that name.
///
/// A publisher takes along what it stands in front of: the skill's id, the tools' ids, and both where they are named.
///
/// # Errors
/// What is in the way: a manifest that a daemon accepts stays one that it accepts, or is left as it is.
pub fn rename(source: &Source<'_>, offset: usize, new: &str) -> Result<Vec<TextEdit>, RenameError> {
    let names = Names::of(source);
    let found = names.at(offset).ok_or(RenameError::Nothing)?;
    let all = renameable(&names, &found)?;
    if now(&found) == new {
        return Ok(Vec::new());
    }
    check(source, &names, &found.name, new)?;
    // A key of that name may stand beside one of these without being declared, in an example.
    let beside = |it: &Occurrence<'_, '_>| {
        matches!(it.written, Written::Key { .. })
            && it.path.parent().and_then(|table| source.table(&table)?.get(new)).is_some()
    };
    if all.iter().any(beside) {
        return Err(RenameError::Taken { what: what(&found.name), name: new.to_owned() });
    }
    let mut edits: Vec<TextEdit> = all.iter().filter_map(|it| edit(source.text, it, new)).collect();
    edits.sort_by_key(|edit| edit.span);
    edits.dedup_by_key(|edit| edit.span);
    Ok(edits)
}

/// All places of a name that can be changed.
fn renameable<'s, 't>(
    names: &Names<'s, 't>,
    found: &Occurrence<'s, 't>,
) -> Result<Vec<Occurrence<'s, 't>>, RenameError> {
    if matches!(found.written, Written::Fixed) {
        return Err(RenameError::Fixed);
    }
    let all = names.all(&found.name);
    if all.iter().any(|it| it.declares) {
        Ok(all)
    } else {
        Err(RenameError::Undeclared { what: what(&found.name), name: now(found).to_owned() })
    }
}

/// The name as it is now.
fn now<'o>(found: &'o Occurrence<'_, '_>) -> &'o str {
    match (&found.name, &found.written) {
        (
            Name::Tool(name)
            | Name::ConfigProperty(name)
            | Name::SchemaProperty { name, .. }
            | Name::Definition { name, .. }
            | Name::Anchor { name, .. }
            | Name::WildcardOptIn(name),
            _,
        ) => name,
        (_, Written::Text { value, range, .. }) => value.get(range.clone()).unwrap_or_default(),
        (_, Written::Key { name, .. }) => name,
        (_, Written::Fixed) => "",
    }
}

/// What messages call it, with the article.
fn what(name: &Name) -> &'static str {
    match name {
        Name::Publisher => "a publisher",
        Name::SkillId => "a skill id",
        Name::Tool(_) => "a tool",
        Name::ConfigProperty(_) => "a configuration property",
        Name::SchemaProperty { .. } => "a property",
        Name::Definition { .. } => "a definition",
        Name::Anchor { .. } => "an anchor",
        Name::WildcardOptIn(_) => "a wildcard opt-in",
    }
}

const IDENTIFIER: &str = "a-z 0-9 . _ - :";
const LABEL: &str = "a-z 0-9 . _ -";

/// Whether the new name can be.
fn check(source: &Source<'_>, names: &Names<'_, '_>, name: &Name, new: &str) -> Result<(), RenameError> {
    let what = what(name);
    if new.is_empty() {
        return Err(RenameError::Empty { what });
    }
    let only = |may: fn(char) -> bool, allowed: &'static str| match new.chars().find(|c| !may(*c)) {
        Some(found) => Err(RenameError::Character { what, found, allowed }),
        None => Ok(()),
    };
    let mut renamed = name.clone();
    match &mut renamed {
        Name::Publisher => {
            only(grammar::is_identifier_char, IDENTIFIER)?;
            return check_publisher(source, names, new);
        }
        Name::SkillId => {
            only(grammar::is_label_char, LABEL)?;
            if !grammar::is_skill_id(new) {
                return Err(RenameError::EmptyPart { what: "the skill's id", name: new.to_owned() });
            }
            return Ok(());
        }
        Name::Tool(id) => {
            only(grammar::is_identifier_char, IDENTIFIER)?;
            if let Some(publisher) = names.publisher() {
                let namespace = format!("{publisher}.");
                match new.strip_prefix(&namespace) {
                    None => return Err(RenameError::OutsideNamespace { namespace }),
                    Some("") => return Err(RenameError::OnlyNamespace { namespace }),
                    Some(_) => {}
                }
            }
            new.clone_into(id);
        }
        Name::ConfigProperty(name) => {
            only(grammar::is_label_char, LABEL)?;
            new.clone_into(name);
        }
        Name::Anchor { name, .. } => {
            only(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'), "A-Z a-z 0-9 _ - .")?;
            if let Some(found) = new.chars().next().filter(|c| !c.is_ascii_alphabetic() && *c != '_') {
                return Err(RenameError::Character { what: "the start of an anchor", found, allowed: "A-Z a-z _" });
            }
            new.clone_into(name);
        }
        Name::SchemaProperty { name, .. } | Name::Definition { name, .. } => {
            only(|c| !is_unseen(c), "")?;
            new.clone_into(name);
        }
        Name::WildcardOptIn(_) => return Err(RenameError::Fixed),
    }
    let mut taken = false;
    names.each(|it| taken |= it.declares && it.name == renamed);
    if taken { Err(RenameError::Taken { what, name: new.to_owned() }) } else { Ok(()) }
}

/// Whether what a publisher stands in front of can have the new one there.
fn check_publisher(source: &Source<'_>, names: &Names<'_, '_>, new: &str) -> Result<(), RenameError> {
    let Some(old) = names.publisher() else { return Ok(()) };
    let with = |id: &str| match id.strip_prefix(old).filter(|rest| rest.starts_with('.')) {
        Some(rest) => format!("{new}{rest}"),
        None => id.to_owned(),
    };
    if let Some(id) = source.text_at(&["skill_id"]).map(str::trim).filter(|id| grammar::is_skill_id(id)) {
        let id = with(id);
        if id.contains(':') {
            return Err(RenameError::SkillId { id });
        }
        if !grammar::is_skill_id(&id) {
            return Err(RenameError::EmptyPart { what: "the skill's id", name: id });
        }
    }
    // Of a tool that is outside the namespace the id stays.
    let mut old_ids = HashSet::new();
    names.each(|it| {
        if let (Name::Tool(id), true) = (it.name, it.declares) {
            old_ids.insert(id);
        }
    });
    let mut new_ids = HashSet::new();
    for id in &old_ids {
        if let Some(id) = new_ids.replace(with(id)) {
            return Err(RenameError::Taken { what: "a tool", name: id });
        }
    }
    Ok(())
}

/// The edit that writes the new name at one place.
fn edit(text: &str, it: &Occurrence<'_, '_>, new: &str) -> Option<TextEdit> {
    match &it.written {
        Written::Key { key, name, .. } => Some(edits::replace(*key, key_as(key.of(text), name, new))),
        Written::Text { string, value, range, pointer } => {
            let new = if *pointer { encoded(new) } else { new.to_owned() };
            let plain = !new.contains(['"', '\'', '\\']) && !new.contains(char::is_control);
            if plain && it.span != *string {
                return Some(edits::replace(it.span, new));
            }
            let mut said = (*value).to_owned();
            said.replace_range(range.clone(), &new);
            Some(edits::set_string(text, *string, &said))
        }
        Written::Fixed => None,
    }
}

/// A key as its author would write it: in quotes where it needs them, and where the old one had them without need.
fn key_as(raw: &str, old: &str, new: &str) -> String {
    let bare = spelled(new);
    let quotes = raw.get(..1).filter(|quote| matches!(*quote, "\"" | "'") && spelled(old) == old);
    match quotes {
        Some("'") if !new.contains('\'') && !new.contains(char::is_control) => format!("'{new}'"),
        Some(_) => string(new),
        None => bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{apply, cursor};

    fn renamed(text: &str, new: &str) -> Result<String, RenameError> {
        let (text, offset) = cursor(text);
        let source = Source::new(&text);
        let edits = rename(&source, offset, new)?;
        Ok(apply(&text, &edits))
    }

    fn why(text: &str, new: &str) -> String {
        renamed(text, new).expect_err("refused").to_string()
    }

    const SKILL: &str = r#"publisher = "acme"
skill_id = "acme.weather"
[[entrypoints.tools]]
id = "acme.weather.today"
[[entrypoints.tools]]
id = 'acme.tomorrow'
[[capabilities.secrets]]
scope = "skill:acme.weather"
[[capabilities.secrets]]
scope = "skill:acme.other"
[[capabilities.secrets]]
scope = "principal:acme.weather"
[operator.plugin]
default_tool_id = "acme.weather.today"
"#;

    /// [`SKILL`] with the cursor behind the first `at`.
    fn skill(at: &str) -> String {
        SKILL.replacen(at, &format!("{at}$0"), 1)
    }

    #[test]
    fn a_publisher_takes_its_ids_along() {
        let expected = SKILL.replace("acme", "storm").replace("principal:storm", "principal:acme");
        assert_eq!(renamed(&skill("publisher = \"ac"), "storm").unwrap(), expected);
        assert_eq!(renamed(&skill("skill_id = \"acme"), "storm").unwrap(), expected);
        assert_eq!(renamed(&skill("id = 'acm"), "storm").unwrap(), expected);
        assert_eq!(renamed(&skill("skill:a"), "storm").unwrap(), expected);
        assert_eq!(renamed(&skill("publisher = \"ac"), "acme").unwrap(), SKILL);
    }

    #[test]
    fn a_tool_takes_the_default_along() {
        let expected = SKILL.replace("acme.weather.today", "acme.now");
        assert_eq!(renamed(&skill("acme.weather.to"), "acme.now").unwrap(), expected);
        assert_eq!(renamed(&skill("default_tool_id = \"acme.w"), "acme.now").unwrap(), expected);
        assert_eq!(why(&skill("acme.tom"), "acme.weather.today"), "there is a tool named `acme.weather.today` already");
        assert_eq!(why(&skill("acme.tom"), "tomorrow"), "a tool's id starts with its publisher: keep `acme.` in front");
        assert_eq!(why(&skill("acme.tom"), "acme."), "a tool's id needs a name behind `acme.`");
        assert_eq!(why(&skill("acme.tom"), "acme.To"), "a tool takes only `a-z 0-9 . _ - :`, not `T`");
        assert_eq!(why(&skill("acme.tom"), " acme.x"), "a tool takes only `a-z 0-9 . _ - :`, not ` `");
        assert_eq!(why(&skill("acme.tom"), ""), "a tool cannot be empty");
        let unknown = "[operator.plugin]\ndefault_tool_id = \"acme.x$0\"";
        assert_eq!(why(unknown, "a.b"), "`acme.x` is not declared in this manifest: declare a tool of that name first");
    }

    #[test]
    fn a_skill_takes_its_scope_along() {
        let expected = SKILL.replace("skill_id = \"acme.weather", "skill_id = \"acme.storm");
        let expected = expected.replace("skill:acme.weather", "skill:acme.storm");
        assert_eq!(renamed(&skill("skill_id = \"acme.we"), "acme.storm").unwrap(), expected);
        assert_eq!(renamed(&skill("skill:acme.we"), "acme.storm").unwrap(), expected);
        assert_eq!(why(&skill("skill_id = \"acme.we"), "acme:storm"), "a skill id takes only `a-z 0-9 . _ -`, not `:`");
        assert_eq!(
            why(&skill("skill_id = \"acme.we"), "acme."),
            "the skill's id would be `acme.`: put something between and around its dots"
        );
    }

    #[test]
    fn a_publisher_has_to_suit_what_it_stands_in_front_of() {
        let at = skill("publisher = \"ac");
        assert_eq!(why(&at, "Acme"), "a publisher takes only `a-z 0-9 . _ - :`, not `A`");
        assert_eq!(
            why(&at, "team:acme"),
            "the skill's id would be `team:acme.weather`, and cannot hold `:`: choose a publisher without it"
        );
        assert_eq!(
            why(&at, "acme."),
            "the skill's id would be `acme..weather`: put something between and around its dots"
        );
        let alone = at.replace("skill_id = \"acme.weather\"", "skill_id = \"weather\"");
        assert!(renamed(&alone, "team:acme").unwrap().contains("'team:acme.tomorrow'"));
        // Two that would come to be one.
        let two = "publisher = \"a$0\"\nentrypoints.tools = [{ id = \"a.x\" }, { id = \"b.x\" }]";
        assert_eq!(why(two, "b"), "there is a tool named `b.x` already");
    }

    #[test]
    fn strings_keep_their_kind_and_escapes_cost_only_the_string() {
        assert_eq!(
            renamed("publisher = \"\"\"\nac$0me\"\"\"\nskill_id = \"a\\u0063me.s\" # c", "b").unwrap(),
            "publisher = \"\"\"\nb\"\"\"\nskill_id = \"b.s\" # c"
        );
        assert_eq!(
            renamed("publisher = ' ac$0me '\nskill_id = 'acme.s'", "b").unwrap(),
            "publisher = ' b '\nskill_id = 'b.s'"
        );
    }

    #[test]
    fn a_configuration_property_is_renamed_wherever_its_key_stands() {
        let text = "[operator.config]\nrequired = ['ci$0ty']\n[operator.config.properties.city]\ntype = \"string\"\n\
                    [operator.config.properties]\n\"other\".type = \"integer\"\n";
        let expected = "[operator.config]\nrequired = ['a.b']\n[operator.config.properties.\"a.b\"]\ntype = \"string\"\n\
                        [operator.config.properties]\n\"other\".type = \"integer\"\n";
        assert_eq!(renamed(text, "a.b").unwrap(), expected);
        let back = renamed(&expected.replacen("a.b", "a$0.b", 1), "city").unwrap();
        assert_eq!(back, text.replace("$0", ""));
        assert_eq!(why(text, "other"), "there is a configuration property named `other` already");
        assert_eq!(why(text, "City"), "a configuration property takes only `a-z 0-9 . _ -`, not `C`");
        // Quotes that were there without need stay.
        let other = text.replace("$0", "").replacen("other", "ot$0her", 1);
        assert!(renamed(&other, "third").unwrap().contains("\"third\".type"));
        let undeclared = "operator.config.required = [\"a$0\"]";
        assert!(matches!(renamed(undeclared, "b"), Err(RenameError::Undeclared { .. })));
    }

    #[test]
    fn what_a_schema_names_is_renamed_in_it_and_nowhere_else() {
        let text = r##"[[entrypoints.tools]]
[entrypoints.tools.input_schema]
"$ref" = "#/$defs/place/properties/city"
required = ["place"]
properties.pl$0ace = { "$ref" = "#/$defs/place" }
default = { place = { city = "x" } }
anyOf = [{ required = ["place"], properties.place.minProperties = 1 }]
dependentRequired.place = ["time", "place"]
[entrypoints.tools.input_schema."$defs".place]
required = ["place"]
properties = { city = {}, place = {} }
[entrypoints.tools.output_schema]
required = ["place"]
properties.place = {}
"##;
        let expected = r##"[[entrypoints.tools]]
[entrypoints.tools.input_schema]
"$ref" = "#/$defs/place/properties/city"
required = ["where/to"]
properties."where/to" = { "$ref" = "#/$defs/place" }
default = { "where/to" = { city = "x" } }
anyOf = [{ required = ["where/to"], properties."where/to".minProperties = 1 }]
dependentRequired."where/to" = ["time", "where/to"]
[entrypoints.tools.input_schema."$defs".place]
required = ["place"]
properties = { city = {}, place = {} }
[entrypoints.tools.output_schema]
required = ["place"]
properties.place = {}
"##;
        assert_eq!(renamed(text, "where/to").unwrap(), expected);
        let text = text.replace("$0", "");
        let definition = text.replacen("\"$defs\".pl", "\"$defs\".pl$0", 1);
        let out = renamed(&definition, "where/to ~").unwrap();
        assert!(out.contains(r##""$ref" = "#/$defs/where~1to%20~0/properties/city""##), "{out}");
        assert!(out.contains(r##"{ "$ref" = "#/$defs/where~1to%20~0" }"##), "{out}");
        assert!(out.contains(r#"input_schema."$defs"."where/to ~"]"#), "{out}");
        let city = text.replacen("properties/ci", "properties/ci$0", 1);
        let out = renamed(&city, "town").unwrap();
        assert_eq!(out, text.replace("properties/city", "properties/town").replace("{ city = {}", "{ town = {}"));
        assert_eq!(why(&city, "place"), "there is a property named `place` already");
        let example = "[[entrypoints.tools]]\ninput_schema = { properties.a$0 = {}, examples = [{ a = 1, b = 2 }] }";
        assert_eq!(why(example, "b"), "there is a property named `b` already");
        assert_eq!(why(&city, "a\u{202e}b"), "a property cannot hold `\\u{202E}`: nobody sees it");
    }

    #[test]
    fn an_anchor_is_renamed_in_its_document() {
        let schema = |anchor: &str, first: &str, second: &str| {
            format!(
                "[[entrypoints.tools]]\n[entrypoints.tools.input_schema]\nnot = {{ \"$anchor\" = \"{anchor}\" }}\n\
                 items = {{ \"$ref\" = \"{first}\" }}\n\
                 then = {{ \"$id\" = \"https://a.example/s\", not = {{ \"$ref\" = \"{second}\" }} }}\n"
            )
        };
        assert_eq!(renamed(&schema("he$0re", "#here", "#here"), "there").unwrap(), schema("there", "#there", "#here"));
        assert!(renamed(&schema("he$0re", "#here", "#here"), "1").is_err());
        assert!(renamed(&schema("he$0re", "#here", "#here"), "a b").is_err());
    }

    #[test]
    fn what_is_no_name_is_left_alone() {
        let cases = ["na$0me = \"x\"", "name = \"x$0\"", "# pub$0lisher", "publisher$0 = \"acme\"", "[comp$0at]", "$0"];
        for text in cases {
            assert_eq!(renamed(text, "x"), Err(RenameError::Nothing), "{text}");
        }
        let flag = "[capabilities]\nnode_capabilities = [\"a$0.*\"]\nwildcard_opt_in.node = true";
        assert_eq!(renamed(flag, "x"), Err(RenameError::Fixed));
        assert_eq!(renamed(&flag.replace("$0", "").replace("in.no", "in.no$0"), "x"), Err(RenameError::Fixed));
    }

    #[test]
    fn what_is_asked_for_is_shown_first() {
        let prepared = |text: &str| {
            let (text, offset) = cursor(text);
            let prepared = prepare_rename(&Source::new(&text), offset).unwrap();
            (prepared.span.of(&text).to_owned(), prepared.placeholder)
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(prepared(&skill("id = \"acme.weather.to")), pair("acme.weather.today", "acme.weather.today"));
        assert_eq!(prepared(&skill("id = \"ac")), pair("acme", "acme"));
        assert_eq!(prepared("publisher = \"a\\u0063me$0\""), pair("a\\u0063me", "acme"));
        assert_eq!(prepared("[operator.config.properties.'a.b$0']"), pair("a.b", "a.b"));
    }
}
