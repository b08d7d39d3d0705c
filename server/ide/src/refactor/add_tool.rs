//! A new tool, complete: an id that is free, a name, a description, and both schemas.

use std::collections::HashSet;

use skillyard_manifest::{
    Span, TextEdit,
    document::{NodeKind, Origin, string},
    edits, grammar,
    shape::ROOT,
    view::View,
};

use super::{Asked, Offer, REWRITE, Refactoring, Resolved, is_manifest};
use crate::{Facts, Source};

pub(super) static ADD_TOOL: Refactoring =
    Refactoring { id: "add_tool", kind: REWRITE, title: "Add a tool", offer, resolve };

/// What a new tool is called behind the prefix of its id.
const NAME: &str = "new_tool";

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    if !asked.is_manifest() {
        return;
    }
    let disabled = match (prefix(asked.source), edit(asked.source)) {
        (None, _) => Some("a tool's id starts with the publisher: write a good `publisher` first".to_owned()),
        (_, None) => Some("the tools are written in a way that takes no more: write them as sections first".to_owned()),
        _ => None,
    };
    offers.push(Offer {
        id: ADD_TOOL.id,
        title: ADD_TOOL.title.to_owned(),
        kind: ADD_TOOL.kind,
        data: String::new(),
        disabled,
        about_file: !asked.is_within("entrypoints"),
    });
}

fn resolve(source: &Source<'_>, _: &str, _: &Facts) -> Option<Resolved> {
    if !is_manifest(source) {
        return None;
    }
    let edit = edit(source)?;
    let name = id(source)?.1;
    let at = edit.text.find(&format!("{name}\""))?;
    Some(Resolved::selecting(vec![edit], 0, Span::new(at, at + name.len())))
}

/// What the ids of this skill's tools start with: its own id where that is in the publisher's namespace, with a dot.
fn prefix(source: &Source<'_>) -> Option<String> {
    let publisher = source.text_at(&["publisher"])?.trim();
    if !grammar::is_identifier(publisher) {
        return None;
    }
    let space = format!("{publisher}.");
    let skill = source.text_at(&["skill_id"]).map(str::trim).filter(|id| grammar::is_skill_id(id));
    Some(match skill.filter(|id| id.starts_with(&space)) {
        Some(skill) => format!("{skill}."),
        None => space,
    })
}

/// A free id for a tool, and its last part.
fn id(source: &Source<'_>) -> Option<(String, String)> {
    let prefix = prefix(source)?;
    let root = View::of_table(&source.document.root, Span::at(0), &ROOT);
    let tools = root.table("entrypoints").map(|entrypoints| entrypoints.tables("tools")).unwrap_or_default();
    let known: HashSet<&str> = tools.iter().filter_map(|tool| Some(tool.text("id")?.trimmed())).collect();
    let names = std::iter::once(NAME.to_owned()).chain((2_u32..).map(|number| format!("{NAME}_{number}")));
    let mut ids = names.map(|name| (format!("{prefix}{name}"), name));
    ids.find(|(id, _)| !known.contains(id.as_str()))
}

/// The edit that adds a tool behind the others.
fn edit(source: &Source<'_>) -> Option<TextEdit> {
    const SCHEMA: [&str; 2] = ["type = \"object\"", "additionalProperties = false"];
    let text = source.text;
    let own = [
        format!("id = {}", string(&id(source)?.0)),
        "name = \"New tool\"".to_owned(),
        "description = \"Say what the tool does: a model decides by this text when to call it.\"".to_owned(),
    ];
    let inline = || {
        let schema = format!("{{ {} }}", SCHEMA.join(", "));
        format!("{{ {}, input_schema = {schema}, output_schema = {schema} }}", own.join(", "))
    };
    let section = || {
        let mut lines = own.to_vec();
        for side in ["input_schema", "output_schema"] {
            lines.extend([String::new(), format!("[entrypoints.tools.{side}]")]);
            lines.extend(SCHEMA.map(str::to_owned));
        }
        edits::add_section(text, &source.document, "[[entrypoints.tools]]", &lines)
    };
    let root = View::of_table(&source.document.root, Span::at(0), &ROOT);
    if root.get("entrypoints").is_none() {
        return Some(section());
    }
    let table = root.table("entrypoints")?.as_table()?;
    let Some(tools) = table.get("tools") else {
        return match table.origin {
            Origin::Header | Origin::Implicit => Some(section()),
            Origin::Dotted | Origin::Inline => edits::add_key(text, table, "tools", &format!("[{}]", inline())),
        };
    };
    let NodeKind::Array(array) = &tools.value.kind else { return None };
    if array.of_tables {
        return Some(section());
    }
    edits::append_listed(source.text, &source.document.comments, &tools.value, &inline())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{after, hindered, offers};
    use crate::Facts;

    const SECTIONS: &str = "name = \"New tool\"\ndescription = \"Say what the tool does: a model decides by this text when to call it.\"\n\n\
        [entrypoints.tools.input_schema]\ntype = \"object\"\nadditionalProperties = false\n\n\
        [entrypoints.tools.output_schema]\ntype = \"object\"\nadditionalProperties = false\n";
    const INLINE: &str = "name = \"New tool\", description = \"Say what the tool does: a model decides by this text when to call it.\", \
        input_schema = { type = \"object\", additionalProperties = false }, output_schema = { type = \"object\", additionalProperties = false } }";

    #[test]
    fn a_tool_goes_behind_the_others() {
        let head = "publisher = \"acme\"\n";
        assert_eq!(
            after("add_tool", &format!("{head}$0")),
            format!("{head}\n[[entrypoints.tools]]\nid = \"acme.«new_tool»\"\n{SECTIONS}")
        );
        let skill = "publisher = \" acme\"\nskill_id = \"acme.s\"\n[[entrypoints.tools]]\nid = \"acme.s.new_tool\"\n[entrypoints.tools.risk]\n";
        assert_eq!(
            after("add_tool", &format!("{skill}\n# next\n[compat]$0\n")),
            format!("{skill}\n[[entrypoints.tools]]\nid = \"acme.s.«new_tool_2»\"\n{SECTIONS}\n# next\n[compat]\n")
        );
    }

    #[test]
    fn a_tool_is_written_as_the_others() {
        let head = "publisher = \"acme\"\nskill_id = \"other.s\"\n";
        for (was, is) in [
            ("entrypoints = {}", "entrypoints = { tools = [{ id = \"acme.«new_tool»\", X] }"),
            ("entrypoints.tools = []", "entrypoints.tools = [{ id = \"acme.«new_tool»\", X]"),
            (
                "[entrypoints]\ntools = [{ id = \"acme.a\" }]",
                "[entrypoints]\ntools = [{ id = \"acme.a\" }, { id = \"acme.«new_tool»\", X]",
            ),
            (
                "[entrypoints]\ntools = [\n  { id = \"acme.a\" }, # a\n]",
                "[entrypoints]\ntools = [\n  { id = \"acme.a\" }, # a\n  { id = \"acme.«new_tool»\", X,\n]",
            ),
        ] {
            assert_eq!(after("add_tool", &format!("{head}{was}$0\n")), format!("{head}{}\n", is.replace('X', INLINE)));
        }
    }

    #[test]
    fn without_a_publisher_there_is_no_id() {
        assert!(hindered("add_tool", "$0").contains("publisher"));
        assert!(hindered("add_tool", "publisher = \"A B\"$0").contains("publisher"));
        assert!(hindered("add_tool", "publisher = \"a\"\nentrypoints = [[]]$0").contains("sections"));
    }

    #[test]
    fn only_in_the_entrypoints_it_is_about_the_place() {
        let about_file = |text: &str| offers("add_tool", text, &Facts::default())[0].about_file;
        assert!(about_file("$0publisher = \"a\"\n"));
        assert!(!about_file("publisher = \"a\"\n[[entrypoints.tools]]\nid = \"a.b\"\n$0"));
        assert!(!about_file("publisher = \"a\"\nentry$0points = {}\n"));
    }
}
