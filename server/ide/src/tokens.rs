//! What words mean, for an editor that colours them: what a grammar of TOML alone cannot know.
//!
//! Comments, numbers, booleans and plain strings have no token: the grammar colours them already.

use std::collections::HashSet;

use skillyard_manifest::{
    Span, grammar,
    shape::{KeyShape, TableShape, Type},
};

use crate::{
    asked,
    keywords::{self, Holds, Keyword, SchemaPlace, Usage, schema_place},
    names::target,
    source::{Meaning, Mention, Role, Source, Step},
};

/// A word with a meaning. It is on one line, and no two overlap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// Where: a key with its quotes, a string without.
    pub span: Span,
    /// What it is.
    pub kind: TokenKind,
    /// More about it.
    pub modifiers: Modifiers,
}

/// What a word is. The order is that of [`LEGEND`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TokenKind {
    /// A table that the format knows.
    Namespace,
    /// A table of which there are several: an element of an array of tables.
    Class,
    /// A key that the format knows.
    Property,
    /// One of a few fixed strings.
    EnumMember,
    /// The id of a tool.
    Function,
    /// A name that the author chose for a value: a configuration property, a property in a JSON Schema.
    Variable,
    /// A type of JSON Schema, or a schema below `$defs`.
    Type,
    /// A keyword of JSON Schema.
    Keyword,
    /// A host.
    Host,
    /// A path.
    Path,
    /// A version.
    Version,
    /// The name or the scope of a secret.
    Secret,
    /// A regular expression.
    Regexp,
}

/// More about a word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Modifiers {
    /// The name is made here.
    pub declaration: bool,
    /// There is a newer word for it.
    pub deprecated: bool,
    /// It stands for more than its author can list.
    pub wildcard: bool,
}

/// The names of kinds and modifiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Legend {
    /// Those of [`TokenKind`], in its order.
    pub types: &'static [&'static str],
    /// Those of [`Modifiers`], in the order of their bits.
    pub modifiers: &'static [&'static str],
}

/// What an editor is told at the start. The names of the protocol's own where there is one; `host`, `path`, `version` and
/// `secret` are ours, and are strings to who does not know them.
pub const LEGEND: Legend = Legend {
    types: &[
        "namespace",
        "class",
        "property",
        "enumMember",
        "function",
        "variable",
        "type",
        "keyword",
        "host",
        "path",
        "version",
        "secret",
        "regexp",
    ],
    modifiers: &["declaration", "deprecated", "wildcard"],
};

impl TokenKind {
    /// Its place in [`LEGEND`].
    #[must_use]
    pub fn index(self) -> u32 {
        self as u32
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        LEGEND.types.get(self as usize).copied().unwrap_or_default()
    }
}

impl Modifiers {
    /// A bit for each that holds, in the order of [`LEGEND`].
    #[must_use]
    pub fn bits(self) -> u32 {
        u32::from(self.declaration) | u32::from(self.deprecated) << 1 | u32::from(self.wildcard) << 2
    }
}

/// The words with a meaning in the order of the text; only those that touch `range`, where one is given.
#[must_use]
pub fn semantic_tokens(source: &Source<'_>, range: Option<Span>) -> Vec<Token> {
    let mut finder = Finder { source, tools: tools(source), tokens: Vec::new() };
    source.mentions(|mention| {
        if range.is_none_or(|range| range.intersects(mention.extent)) {
            finder.mention(&mention);
        }
    });
    let mut tokens = finder.tokens;
    tokens.sort_by_key(|token| token.span);
    // A key that is written into another's range would be a slip of the tree; an editor takes no two that overlap.
    let mut end = 0;
    tokens.retain(|token| {
        let apart = token.span.start >= end;
        if apart {
            end = token.span.end;
        }
        apart && range.is_none_or(|range| range.intersects(token.span))
    });
    tokens
}

/// The ids of the tools, trimmed.
fn tools<'s>(source: &'s Source<'_>) -> HashSet<&'s str> {
    if asked::root(source).is_none() {
        return HashSet::new();
    }
    source.tools().filter_map(|(_, _, table)| Some(table.get("id")?.value.as_str()?.trim())).collect()
}

const DECLARATION: Modifiers = Modifiers { declaration: true, deprecated: false, wildcard: false };
const NO: Modifiers = Modifiers { declaration: false, deprecated: false, wildcard: false };

struct Finder<'s, 't> {
    source: &'s Source<'t>,
    /// The ids of the tools.
    tools: HashSet<&'s str>,
    tokens: Vec<Token>,
}

impl<'t> Finder<'_, 't> {
    fn mention(&mut self, mention: &Mention<'_, 't>) {
        match self.source.meaning(&mention.path) {
            Meaning::Key(shape, key) => {
                if mention.role != Role::Element {
                    let deprecated = key.alias.is_some() && mention.path.key() == key.alias;
                    self.push(mention.span, key_kind(key), Modifiers { deprecated, ..NO });
                }
                self.value(shape, key, mention);
            }
            Meaning::Table(shape) if mention.role != Role::Element => {
                // A name that the author chose, or the key of an array of tables.
                match mention.path.0.last() {
                    Some(Step::Key(_)) if shape.path.ends_with('*') => {
                        self.push(mention.span, TokenKind::Variable, DECLARATION);
                    }
                    _ => self.push(mention.span, TokenKind::Class, NO),
                }
            }
            Meaning::Listed(shape, key) => self.listed(shape, key, mention),
            Meaning::InSchema(_, steps) => self.in_schema(mention, steps),
            Meaning::Table(_) | Meaning::Free(_) | Meaning::Unknown => {}
        }
    }

    /// The string behind a key.
    fn value(&mut self, shape: &TableShape, key: &KeyShape, mention: &Mention<'_, 't>) {
        let Some(text) = self.string(mention) else { return };
        let path = TokenKind::Path;
        let (kind, modifiers) = match (shape.path, key.name) {
            _ if matches!(key.ty, Type::Enum(allowed) if allowed.contains(&text)) => (TokenKind::EnumMember, NO),
            // What follows is said of a manifest only.
            _ if !self.is_manifest() => return,
            ("", "publisher") if grammar::is_identifier(text) => (TokenKind::Namespace, DECLARATION),
            ("", "skill_id") if grammar::is_skill_id(text) => (TokenKind::Namespace, DECLARATION),
            ("", "version") | ("compat", "min_palyra_version" | "max_palyra_version")
                if grammar::Version::parse(text).is_some() =>
            {
                (TokenKind::Version, NO)
            }
            ("entrypoints.tools[]", "id") if grammar::is_identifier(text) => (TokenKind::Function, DECLARATION),
            ("operator.plugin", "default_tool_id") if self.tools.contains(text.trim()) => (TokenKind::Function, NO),
            ("operator.plugin", "default_module_path") if grammar::is_module_path(text) => (path, NO),
            ("integrity.files[]", "path") if grammar::path_fault(text).is_none() => (path, NO),
            ("builder.checklist", name) if name.ends_with("_path") && grammar::path_fault(text).is_none() => (path, NO),
            ("capabilities.secrets[]", "scope") if grammar::is_secret_scope(text) => (TokenKind::Secret, NO),
            _ => return,
        };
        self.text(mention, kind, modifiers);
    }

    /// A string of a list.
    fn listed(&mut self, shape: &TableShape, key: &KeyShape, mention: &Mention<'_, 't>) {
        let Some(text) = self.string(mention) else { return };
        if !self.is_manifest() {
            return;
        }
        let wildcard = text.contains('*');
        let (kind, holds) = match (shape.path, key.name) {
            ("capabilities", "http_egress_allowlist") => (TokenKind::Host, grammar::is_host(text)),
            ("capabilities.filesystem", _) => (TokenKind::Path, grammar::path_fault(text).is_none()),
            ("capabilities.secrets[]", "key_names") => (TokenKind::Secret, grammar::is_identifier(text)),
            ("operator.config", "required") => {
                let config = mention.path.parent().and_then(|path| path.parent());
                let property = config.map(|config| config.with(named("properties")).with(named(text)));
                (TokenKind::Variable, property.is_some_and(|path| self.source.node(&path).is_some()))
            }
            _ => return,
        };
        if holds || (wildcard && kind != TokenKind::Variable) {
            self.text(mention, kind, Modifiers { wildcard, ..NO });
        }
    }

    /// A place `steps` below the top of a JSON Schema.
    fn in_schema(&mut self, mention: &Mention<'_, 't>, steps: usize) {
        let path = &mention.path;
        let top = path.0.len().saturating_sub(steps);
        match schema_place(path.0.get(top..).unwrap_or_default()) {
            SchemaPlace::Keyword(keyword) => {
                self.push(
                    mention.span,
                    TokenKind::Keyword,
                    Modifiers { deprecated: keyword.usage == Usage::Old, ..NO },
                );
                self.schema_word(keyword, mention);
            }
            SchemaPlace::Named(keyword) => {
                let kind = match keyword.name {
                    "$defs" | "definitions" => TokenKind::Type,
                    "patternProperties" => TokenKind::Regexp,
                    _ => TokenKind::Variable,
                };
                let declares = matches!(keyword.name, "properties" | "$defs" | "definitions");
                self.push(mention.span, kind, if declares { DECLARATION } else { NO });
            }
            SchemaPlace::Value(keyword) if mention.role == Role::Element => self.schema_word(keyword, mention),
            SchemaPlace::Schema(_) | SchemaPlace::Value(_) | SchemaPlace::Unknown => {}
        }
    }

    /// The string behind a keyword, or in its list.
    fn schema_word(&mut self, keyword: &Keyword, mention: &Mention<'_, 't>) {
        let Some(text) = self.string(mention) else { return };
        let kind = match keyword.name {
            "type" if keywords::word(keyword, text).is_some() => TokenKind::Type,
            "format" if keywords::word(keyword, text).is_some() => TokenKind::EnumMember,
            "pattern" => TokenKind::Regexp,
            "$ref" if target(self.source, mention).is_some() => TokenKind::Type,
            "required" if mention.role == Role::Element => {
                let schema = mention.path.parent().and_then(|path| path.parent());
                let property = schema.map(|schema| schema.with(named("properties")).with(named(text)));
                match property {
                    Some(property) if self.source.node(&property).is_some() => TokenKind::Variable,
                    _ => return,
                }
            }
            _ => return,
        };
        // A list that holds schemas holds no words.
        if mention.role != Role::Element || keyword.takes.holds() == Holds::Value {
            self.text(mention, kind, NO);
        }
    }

    fn is_manifest(&self) -> bool {
        asked::root(self.source).is_some()
    }

    /// What a string says, where one stands there.
    fn string<'s>(&self, mention: &Mention<'s, 't>) -> Option<&'s str> {
        match &mention.value?.kind {
            skillyard_manifest::syntax::ValueKind::String(text) => Some(text.as_ref()),
            _ => None,
        }
    }

    /// Adds what stands between the quotes of the value, line by line.
    fn text(&mut self, mention: &Mention<'_, 't>, kind: TokenKind, modifiers: Modifiers) {
        let Some(value) = mention.value else { return };
        let raw = value.span.of(self.source.text);
        let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| raw.starts_with(quotes));
        let Some(quotes) = quotes else { return };
        let Some(body) = raw.get(quotes.len()..).map(|body| body.strip_suffix(quotes).unwrap_or(body)) else { return };
        let mut at = value.span.start + quotes.len();
        for line in body.split_inclusive('\n') {
            let content = line.trim_end_matches(['\n', '\r']);
            self.push(Span::new(at, at + content.len()), kind, modifiers);
            at += line.len();
        }
    }

    fn push(&mut self, span: Span, kind: TokenKind, modifiers: Modifiers) {
        // A quoted key that is not closed ends with its line: what an editor cannot show is left out.
        if !span.is_empty() && !span.of(self.source.text).contains(['\n', '\r']) {
            self.tokens.push(Token { span, kind, modifiers });
        }
    }
}

fn named(name: &str) -> Step<'_> {
    Step::Key(name.into())
}

fn key_kind(key: &KeyShape) -> TokenKind {
    match key.ty {
        Type::Table(_) | Type::Map(_) => TokenKind::Namespace,
        Type::Tables(_) => TokenKind::Class,
        _ => TokenKind::Property,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::marked;

    /// The tokens of a text, a line each.
    fn all(text: &str) -> Vec<String> {
        shown(text, None)
    }

    fn shown(text: &str, range: Option<Span>) -> Vec<String> {
        let source = Source::new(text);
        semantic_tokens(&source, range)
            .into_iter()
            .map(|token| {
                let mut line = format!("{} {}", token.span.of(text), token.kind.name());
                for (bit, name) in LEGEND.modifiers.iter().enumerate() {
                    if token.modifiers.bits() >> bit & 1 == 1 {
                        line.push_str(&format!(" {name}"));
                    }
                }
                line
            })
            .collect()
    }

    #[test]
    fn strings_are_marked_between_their_quotes() {
        let (text, marks) = marked(
            r#"
publisher = "acme"
#^^^^^^^^    ^^^^
[[entrypoints.tools]]
# ^^^^^^^^^^^ ^^^^^
id = 'acme.x'
#     ^^^^^^
"#,
        );
        let mut found: Vec<_> = semantic_tokens(&Source::new(&text), None).iter().map(|token| token.span).collect();
        // Where the `#` of the marks stands, none can.
        found.retain(|span| span.of(&text) != "id");
        found.iter_mut().filter(|span| span.of(&text) == "publisher").for_each(|span| span.start += 1);
        assert_eq!(found, marks);
    }

    #[test]
    fn keys_tables_and_values() {
        assert_eq!(
            all("skill_id = \"acme.x\" # c\nname = \"X\"\ncolour = 1\n[compat]\nmin_runtime_version = '0.1.0'\n\
                 required_protocol_major = 1\n[nothing]\nname = 1\n"),
            [
                "skill_id property",
                "acme.x namespace declaration",
                "name property",
                "compat namespace",
                "min_runtime_version property deprecated",
                "0.1.0 version",
                "required_protocol_major property",
            ]
        );
    }

    #[test]
    fn tools_are_functions() {
        assert_eq!(
            all("[[entrypoints.tools]]\nid = \"a.b\"\n[operator.plugin]\ndefault_tool_id = \"a.b\"\n\
                 default_module_path = \"modules/a.wasm\"\ncontracts = [{ kind = \"memory_provider\" }]\n"),
            [
                "entrypoints namespace",
                "tools class",
                "id property",
                "a.b function declaration",
                "operator namespace",
                "plugin namespace",
                "default_tool_id property",
                "a.b function",
                "default_module_path property",
                "modules/a.wasm path",
                "contracts class",
                "kind property",
                "memory_provider enumMember",
            ]
        );
        // A tool that is not there is no function.
        assert_eq!(all("operator.plugin.default_tool_id = 'a.c'").len(), 3);
    }

    #[test]
    fn capabilities_have_formats() {
        assert_eq!(
            all("[capabilities]\nhttp_egress_allowlist = [\"a.example\", \"*.b.example\", \"x:1\", 2]\n\
                 filesystem = { write_roots = ['out', '../x'] }\n\
                 secrets = [{ scope = \"global\", key_names = [\"k\", \"K\"] }]\n"),
            [
                "capabilities namespace",
                "http_egress_allowlist property",
                "a.example host",
                "*.b.example host wildcard",
                "filesystem namespace",
                "write_roots property",
                "out path",
                "secrets class",
                "scope property",
                "global secret",
                "key_names property",
                "k secret",
            ]
        );
    }

    #[test]
    fn configuration_names_are_variables() {
        assert_eq!(
            all("[operator.config]\nrequired = ['city', 'ctiy']\n[operator.config.properties.city]\ntype = 'string'\n\
                 default.x = 1\n"),
            [
                "operator namespace",
                "config namespace",
                "required property",
                "city variable",
                "operator namespace",
                "config namespace",
                "properties namespace",
                "city variable declaration",
                "type property",
                "string enumMember",
                "default property",
            ]
        );
    }

    #[test]
    fn schemas_have_keywords_types_and_names() {
        assert_eq!(
            all("[[entrypoints.tools]]\n[entrypoints.tools.input_schema]\ntype = 'object'\nrequired = ['a', 'b']\n\
                 properties.a = { type = ['string', 'nul'], pattern = '^x', default = 'string', \"$ref\" = '#/$defs/d' }\n\
                 \"$defs\".d = { typ = 'string' }\ndefinitions.e = {}\n")[5..],
            [
                "type keyword",
                "object type",
                "required keyword",
                "a variable",
                "properties keyword",
                "a variable declaration",
                "type keyword",
                "string type",
                "pattern keyword",
                "^x regexp",
                "default keyword",
                "\"$ref\" keyword",
                "#/$defs/d type",
                "\"$defs\" keyword",
                "d type declaration",
                "definitions keyword deprecated",
                "e type declaration",
            ]
        );
    }

    #[test]
    fn each_is_on_one_line() {
        assert_eq!(all("publisher = \"\"\"\r\nacme\r\n\"\"\"")[1..], ["acme namespace declaration"]);
        assert_eq!(all("publisher = \"acme")[0], "publisher property");
    }

    #[test]
    fn a_range_has_its_own() {
        let text = include_str!("../../../tests/fixtures/greeter/skill.toml");
        let source = Source::new(text);
        let whole = semantic_tokens(&source, None);
        for (start, end) in [(0, text.len()), (100, 300), (200, 201), (150, 150), (text.len(), text.len())] {
            let range = Span::new(start, end);
            let some: Vec<_> = whole.iter().copied().filter(|token| token.span.intersects(range)).collect();
            assert_eq!(semantic_tokens(&source, Some(range)), some, "{range:?}");
        }
        assert!(whole.len() > 50, "{}", whole.len());
    }

    #[test]
    fn the_legend_names_every_kind() {
        assert_eq!(TokenKind::Regexp.index() as usize + 1, LEGEND.types.len());
        assert_eq!(TokenKind::Host.name(), "host");
        let all = Modifiers { declaration: true, deprecated: true, wildcard: true };
        assert_eq!(all.bits(), 0b111);
    }
}
