//! From a name to where it is declared, from a reference to what it points to, from a path to the file.

use skillyard_manifest::{Span, syntax::ValueKind};

use crate::{
    links::file_at,
    names::{Names, target},
    sections::Places,
    source::{Path, Role, Source},
};

/// Where one gets from a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    /// What leads there: to be underlined while the pointer is on it.
    pub origin: Span,
    /// Where to; at least one.
    pub targets: Vec<Target>,
}

/// One place that a definition is at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// In this text.
    Here {
        /// All that is defined there: a whole tool, an entry.
        span: Span,
        /// The name in it.
        selection: Span,
    },
    /// A file: its path relative to the folder of the manifest, with `/`, as it is in the artifact. It may not exist.
    File(String),
}

/// Where what is at `offset` is defined. In the string that names a tool or a skill the whole of it leads there; the
/// publisher in front of an id leads to `publisher` where the id is declared.
#[must_use]
pub fn definition(source: &Source<'_>, offset: usize) -> Option<Definition> {
    let place = source.at(offset)?;
    let mention = &place.mention;
    if place.in_value
        && let Some(value) = mention.value
        && let ValueKind::String(said) = &value.kind
    {
        if let Some(path) = file_at(source, &mention.path, said) {
            return Some(Definition { origin: value.span, targets: vec![Target::File(path)] });
        }
        if let Some(path) = target(source, mention) {
            return Some(Definition { origin: value.span, targets: vec![pointed(source, &path)?] });
        }
    }
    let names = Names::of(source);
    let found = names.referred(offset)?;
    let mut places = None;
    let mut targets = Vec::new();
    for declared in names.all(&found.name).into_iter().filter(|it| it.declares) {
        let places = places.get_or_insert_with(|| Places::of(source));
        // A tool is more than the line with its id.
        let tool = declared.path.parent().filter(|_| matches!(declared.name, crate::Name::Tool(_)));
        let whole = places.extent(tool.as_ref().unwrap_or(&declared.path)).unwrap_or(declared.span);
        targets.push(Target::Here { span: whole.to(declared.span), selection: declared.span });
    }
    (!targets.is_empty()).then_some(Definition { origin: found.span, targets })
}

/// What a reference points to: its key, the header of a table that has one, or the element.
fn pointed(source: &Source<'_>, path: &Path<'_>) -> Option<Target> {
    let mut selection = None;
    source.mentions(|mention| {
        let better = mention.last && !selection.is_some_and(|(_, last)| last);
        if (selection.is_none() || better) && mention.path.0 == path.0 {
            let span = if mention.role == Role::Header { mention.extent } else { mention.span };
            selection = Some((span, mention.last));
        }
    });
    let (selection, _) = selection?;
    let span = Places::of(source).extent(path)?;
    Some(Target::Here { span: span.to(selection), selection })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::cursor;

    /// What leads somewhere, and the first line of each target with the name in it.
    fn go(text: &str) -> Option<(String, Vec<String>)> {
        let (text, offset) = cursor(text);
        let found = definition(&Source::new(&text), offset)?;
        let targets = found.targets.into_iter().map(|target| match target {
            Target::Here { span, selection } => {
                assert!(span.start <= selection.start && selection.end <= span.end);
                format!("{}: {}", span.of(&text).lines().next().unwrap_or_default(), selection.of(&text))
            }
            Target::File(path) => format!("file {path}"),
        });
        Some((found.origin.of(&text).to_owned(), targets.collect()))
    }

    fn to(origin: &str, target: &str) -> Option<(String, Vec<String>)> {
        Some((origin.to_owned(), vec![target.to_owned()]))
    }

    const HEAD: &str = "publisher = \"acme\"\nskill_id = \"acme.s\"\n[[entrypoints.tools]]\nname = \"A\"\nid = \"acme.a\"\n\
        [[entrypoints.tools]]\nid = \"acme.b\"\n";

    #[test]
    fn names_lead_to_their_declarations() {
        let plugin = |value: &str| format!("{HEAD}[operator.plugin]\ndefault_tool_id = \"{value}\"\n");
        assert_eq!(go(&plugin("acme.$0a")), to("acme.a", "[[entrypoints.tools]]: acme.a"));
        // Anywhere in it.
        assert_eq!(go(&plugin("$0acme.b")), to("acme.b", "[[entrypoints.tools]]: acme.b"));
        assert_eq!(go(&plugin("acme.$0c")), None);
        let scope = |value: &str| format!("{HEAD}[[capabilities.secrets]]\nscope = \"{value}\"\n");
        assert_eq!(go(&scope("skill:ac$0me.s")), to("acme.s", "skill_id = \"acme.s\": acme.s"));
        assert_eq!(go(&scope("sk$0ill:acme.s")), to("acme.s", "skill_id = \"acme.s\": acme.s"));
        // Another skill of the same publisher.
        assert_eq!(go(&scope("skill:acme.$0t")), None);
        assert_eq!(go(&scope("skill:ac$0me.t")), to("acme", "publisher = \"acme\": acme"));
        assert_eq!(go("publisher = \"acme\"\nskill_id = \"ac$0me.s\""), to("acme", "publisher = \"acme\": acme"));
        assert_eq!(
            go("operator.config.required = [\"$0a.b\"]\noperator.config.properties.\"a.b\".type = \"string\""),
            to("a.b", "operator.config.properties.\"a.b\".type = \"string\": a.b")
        );
        assert_eq!(
            go("[operator.config]\nrequired = ['c$0']\n[operator.config.properties.c]\ntype = 'string'\n"),
            to("c", "[operator.config.properties.c]: c")
        );
    }

    #[test]
    fn references_lead_to_what_they_point_to() {
        let schema = |reference: &str| {
            format!(
                "[[entrypoints.tools]]\n[entrypoints.tools.input_schema]\n\"$ref\" = \"{reference}\"\n\
                 allOf = [{{ type = \"object\" }}]\n[entrypoints.tools.input_schema.\"$defs\".\"a/b\"]\ntype = \"string\"\n\
                 properties.x = {{ \"$anchor\" = \"here\" }}\n"
            )
        };
        let header = "[entrypoints.tools.input_schema.\"$defs\".\"a/b\"]";
        assert_eq!(go(&schema("#/$d$0efs/a~1b")), to("\"#/$defs/a~1b\"", &format!("{header}: {header}")));
        let entry = "properties.x = { \"$anchor\" = \"here\" }";
        assert_eq!(
            go(&schema("#/$defs/a~1b/properties/$0x")),
            to("\"#/$defs/a~1b/properties/x\"", &format!("{entry}: x"))
        );
        assert_eq!(go(&schema("#/all$0Of/0")), to("\"#/allOf/0\"", "{ type = \"object\" }: { type = \"object\" }"));
        let whole = "[entrypoints.tools.input_schema]";
        assert_eq!(go(&schema("#$0")), to("\"#\"", &format!("{whole}: {whole}")));
        assert_eq!(go(&schema("#he$0re")), to("here", "\"$anchor\" = \"here\": here"));
        for nowhere in ["#/$defs/c$0", "#other$0", "https://a.example/$0#/$defs/x", "$0", "#/allOf/1$0"] {
            assert_eq!(go(&schema(nowhere)), None, "{nowhere}");
        }
    }

    #[test]
    fn paths_lead_to_files() {
        assert_eq!(
            go("operator.plugin.default_module_path = \"modules/$0tool.wasm\""),
            to("\"modules/tool.wasm\"", "file modules/tool.wasm")
        );
        assert_eq!(go("builder.checklist.provenance_path = 'a\\b.json$0'"), to("'a\\b.json'", "file a/b.json"));
        assert_eq!(go("[[integrity.files]]\npath = \"assets/a$0\""), to("\"assets/a\"", "file assets/a"));
        for bad in ["../x.wasm", "/modules/x.wasm", "modules/../x.wasm", "modules/", "modules/c:x.wasm", ""] {
            assert_eq!(go(&format!("operator.plugin.default_module_path = \"$0{bad}\"")), None, "{bad}");
        }
        assert_eq!(go("builder.checklist.provenance_path = \"../$0a\""), None);
        assert_eq!(go("builder.checklist.review_notes = \"a$0\""), None);
    }

    #[test]
    fn a_wildcard_leads_to_its_flag() {
        let text = "capabilities.node_capabilities = [\"a$0.*\"]\ncapabilities.wildcard_opt_in.node = true";
        assert_eq!(go(text), to("*", "capabilities.wildcard_opt_in.node = true: node"));
        assert_eq!(go("capabilities.node_capabilities = [\"*$0\"]"), None);
    }
}
