//! What is told about a tool, its module and the properties that an operator sets.

use skillyard_manifest::{model::Quotas, view::View};

use super::{Around, capability};
use crate::{
    asked::{self, Approval, Approvals, Asked},
    doc::{module_doc, module_line, tool_intro},
    prose::{Doc, Line},
    source::Path,
    units,
};

impl<'t> Around<'_, '_, 't> {
    /// A tool in a few lines.
    pub(super) fn tool_summary(&self, asked: &Asked, view: View<'_, '_>) -> Doc {
        let tool = asked::tool(view);
        let mut doc = tool_intro(&tool.id, &tool.name, &tool.description);
        let mut lines = vec![approval(&Approvals::of(asked).tool(&tool))];
        let grants = capability::grant_lines(asked);
        if grants.is_empty() {
            lines.push(Line::of("No network, no secrets, no folders."));
        }
        lines.extend(grants);
        lines.push(quotas(&asked.capabilities.quotas));
        lines.extend(self.module());
        if self.plugin("default_tool_id").is_some_and(|id| !id.is_empty() && id == tool.id) {
            lines.push(Line::of("It is called where a call names no tool."));
        }
        doc.list(lines);
        doc
    }

    /// The module that holds the tools: the named one, else the only one.
    fn module(&self) -> Option<Line> {
        let modules = &self.facts.modules;
        match self.plugin("default_module_path") {
            Some(path) => Some(match modules.iter().find(|module| module.path == path) {
                Some(module) => module_line(module),
                None => Line::of("Module: ").code(path),
            }),
            None => match modules.as_slice() {
                [module] => Some(module_line(module)),
                _ => None,
            },
        }
    }

    pub(super) fn default_tool(&self, asked: &Asked, path: &Path<'t>, doc: &mut Doc) {
        let Some(id) = self.source.node(path).and_then(|node| node.as_str()) else { return };
        let tools = asked::root(self.source).and_then(|root| root.table("entrypoints"));
        let tools = tools.map(|entrypoints| entrypoints.tables("tools")).unwrap_or_default();
        let found = tools.into_iter().find(|tool| tool.text("id").is_some_and(|text| text.trimmed() == id.trim()));
        match found {
            Some(tool) => doc.append(self.tool_summary(asked, tool)),
            None => doc.paragraph(Line::of("No tool of this manifest has the id ").code(id).say(".")),
        }
    }

    pub(super) fn default_module(&self, path: &Path<'t>, doc: &mut Doc) {
        let Some(text) = self.source.node(path).and_then(|node| node.as_str()) else { return };
        let modules = &self.facts.modules;
        match modules.iter().find(|module| module.path == text) {
            Some(module) => doc.append(module_doc(module)),
            None if modules.is_empty() => {}
            None => doc.paragraph(
                Line::of("Packaging makes no such module. There is ")
                    .codes(modules.iter().map(|module| module.path.as_str()))
                    .say("."),
            ),
        }
    }

    pub(super) fn default_entrypoint(&self, path: &Path<'t>, doc: &mut Doc) {
        let Some(name) = self.source.node(path).and_then(|node| node.as_str()) else { return };
        let named = self.plugin("default_module_path");
        let module = match (named, self.facts.modules.as_slice()) {
            (Some(path), modules) => modules.iter().find(|module| module.path == path),
            (None, [module]) => Some(module),
            _ => None,
        };
        let Some(module) = module else { return };
        let line = Line::default().code(&module.path);
        doc.paragraph(if module.exports.iter().any(|export| export == name) {
            line.say(" exports it.")
        } else if module.exports.is_empty() {
            line.say(" exports no function.")
        } else {
            line.say(" does not export it, but ").codes(module.exports.iter().map(String::as_str)).say(".")
        });
    }

    /// A property that `required` names.
    pub(super) fn required_property(&self, path: &Path<'t>, name: &str, doc: &mut Doc) {
        let Some(config) = path.parent().and_then(|path| path.parent()) else { return };
        let property = config.with(key("properties")).with(key(name));
        if self.source.node(&property).is_some() {
            self.property(&property, doc);
        } else {
            doc.paragraph(Line::of("No property ").code(name).say(" is declared: a daemon refuses the manifest."));
        }
    }

    /// A property that an operator sets.
    pub(super) fn property(&self, path: &Path<'_>, doc: &mut Doc) {
        let (Some(name), Some(table)) = (path.key(), self.source.table(path)) else { return };
        let text = |key: &str| table.get(key).and_then(|field| field.value.as_str());
        let title = Line::of("Property ").code(name);
        doc.title(match text("title") {
            Some(words) => title.say(": ").words(words),
            None => title,
        });
        if let Some(description) = text("description") {
            doc.paragraph(Line::default().words(description.trim()));
        }
        let config = path.parent().and_then(|path| path.parent());
        let required = config.and_then(|config| self.source.table(&config)?.get("required")?.value.as_array());
        let required = required.unwrap_or_default().iter().any(|item| item.as_str() == Some(name));
        let mut lines = vec![
            Line::of("Type: ").code(text("type").unwrap_or("?")),
            Line::of(if required { "An operator must set it." } else { "An operator may leave it out." }),
        ];
        if let Some(default) = table.get("default") {
            lines.push(Line::of("Where it is not set: ").code(default.value.span.of(self.source.text)));
        }
        if let Some(values) =
            table.get("enum_values").and_then(|field| field.value.as_array()).filter(|v| !v.is_empty())
        {
            lines.push(Line::of("One of ").codes(values.iter().filter_map(|value| value.as_str())));
        }
        if table.get("redacted").and_then(|field| field.value.as_bool()) == Some(true) {
            lines.push(Line::of("It is kept out of logs and reports."));
        }
        doc.list(lines);
    }
}

fn key(name: &str) -> crate::source::Step<'_> {
    crate::source::Step::Key(name.into())
}

/// What a person must approve: a call, or each use of what its skill asks for.
pub(super) fn approval(approval: &Approval) -> Line {
    let listed = |mut line: Line, names: &[&str]| {
        for (at, name) in names.iter().enumerate() {
            line = line.say(if at > 0 { ", " } else { "" }).code(name);
        }
        line
    };
    let uses: Vec<&str> = approval.asked_for.iter().map(|binding| binding.action.as_str()).collect();
    match (approval.flags.as_slice(), uses.as_slice()) {
        ([], []) => Line::of("A call runs without a person's approval."),
        ([], uses) => {
            let line = Line::of("A call runs without a person's approval, but each use of ");
            listed(line, uses).say(" needs it.")
        }
        (flags, uses) => {
            let line = listed(Line::of("Each call needs a person's approval: "), flags);
            let line = line.say(if flags.len() > 1 { " are on." } else { " is on." });
            if uses.is_empty() { line } else { listed(line.say(" So does each use of "), uses).say(".") }
        }
    }
}

/// What bounds a call.
pub(super) fn quotas(quotas: &Quotas) -> Line {
    Line::of(&format!(
        "A call has {}, {} units of fuel and {} of memory.",
        units::duration(quotas.wall_clock_timeout_ms.into()),
        units::count(quotas.fuel_budget),
        units::size(quotas.max_memory_bytes),
    ))
}
