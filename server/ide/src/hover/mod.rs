//! What is told where the mouse rests: what a key means, what its value comes to, and what is known around it.

mod capability;
mod identity;
mod schema;
mod tool;

use skillyard_manifest::{
    Options, Span,
    config::config_values,
    model::Manifest,
    rules,
    shape::{KeyShape, TableShape, Type},
    syntax::Item,
    view::View,
};

use crate::{
    asked::{self, Approvals, Asked},
    completion::pattern,
    doc::{key_intro, key_rest, named_intro, rule_doc, table_doc},
    facts::Facts,
    prose::{Doc, Line},
    source::{Meaning, Mention, Path, Place, Role, Source},
    units::Unit,
};

/// What is told about a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hover {
    /// What it is about.
    pub span: Span,
    /// What is told.
    pub doc: Doc,
}

/// What there is to tell about what is at `offset`: a key, a value, a table's header, a rule that a comment names.
#[must_use]
pub fn hover(source: &Source<'_>, offset: usize, facts: &Facts, options: &Options) -> Option<Hover> {
    if let Some(hover) = in_comment(source, offset) {
        return Some(hover);
    }
    let (place, span) = found(source, offset)?;
    let around = Around { source, facts, options, asked: asked::asked(source) };
    let doc = around.place(&place)?;
    (!doc.is_empty()).then_some(Hover { span, doc })
}

/// What is at `offset`, and the range to mark: the value where one is meant, else the key with its quotes. The brackets
/// of a header mean the table that it opens.
fn found<'s, 't>(source: &'s Source<'t>, offset: usize) -> Option<(Place<'s, 't>, Span)> {
    if let Some(place) = source.at(offset) {
        let span = match place.mention.value {
            Some(value) if place.in_value => value.span,
            _ => place.mention.span,
        };
        return Some((place, span));
    }
    let Item::Header(header) = source.tree.items.get(source.item_at(offset)?)? else { return None };
    let place = source.at(header.keys.last()?.span.end)?;
    Some((place, header.span))
}

/// A rule that a `# skillyard: allow(…)` names.
fn in_comment(source: &Source<'_>, offset: usize) -> Option<Hover> {
    let comments = &source.document.comments;
    let behind = comments.partition_point(|comment| comment.start <= offset);
    let comment = *comments.get(behind.checked_sub(1)?)?;
    if !comment.touches(offset) {
        return None;
    }
    let text = comment.of(source.text);
    text.trim_start_matches(['#', ' ', '\t']).strip_prefix("skillyard:")?;
    let is_code = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-');
    let at = offset - comment.start;
    // An offset inside a character is in no code.
    let before: usize = text.get(..at)?.chars().rev().take_while(is_code).count();
    let after: usize = text.get(at..)?.chars().take_while(is_code).count();
    let span = Span::new(offset - before, offset + after);
    let rule = rules::find(span.of(source.text))?;
    Some(Hover { span, doc: rule_doc(rule) })
}

/// What a hover looks at.
struct Around<'a, 's, 't> {
    source: &'s Source<'t>,
    facts: &'a Facts,
    options: &'a Options,
    /// What the manifest asks for; `None` where the file is none.
    asked: Option<Asked>,
}

impl<'s, 't> Around<'_, 's, 't> {
    fn place(&self, place: &Place<'s, 't>) -> Option<Doc> {
        let mention = &place.mention;
        match self.source.meaning(&mention.path) {
            Meaning::Key(_, key) if key.name == "*" => self.of_config(key, &mention.path, place.in_value),
            Meaning::Key(shape, key) => Some(self.key(shape, key, mention, place.in_value)),
            Meaning::Table(shape) => Some(self.table(shape, mention)),
            Meaning::Listed(shape, key) => Some(self.listed(shape, key, mention)),
            Meaning::InSchema(_, steps) => Some(self.in_schema(mention, steps, place.in_value)),
            Meaning::Free(key) => {
                let (shape, _) = self.around(&mention.path)?;
                Some(key_intro(shape, key))
            }
            Meaning::Unknown => None,
        }
    }

    /// The key around a value of any shape.
    fn around(&self, path: &Path<'t>) -> Option<(&'static TableShape, &'static KeyShape)> {
        let mut path = path.clone();
        loop {
            if let Meaning::Key(shape, key) = self.source.meaning(&path) {
                return Some((shape, key));
            }
            path = path.parent()?;
        }
    }

    /// A key with what stands behind it; the value first where the mouse is there.
    fn key(
        &self,
        shape: &'static TableShape,
        key: &'static KeyShape,
        mention: &Mention<'s, 't>,
        in_value: bool,
    ) -> Doc {
        // A part that only leads to a table says what that is.
        let here = if mention.last || mention.role == Role::Header || matches!(key.ty, Type::Table(_)) {
            self.here(shape, key, &mention.path)
        } else {
            Doc::default()
        };
        let mut doc = Doc::default();
        if in_value && !here.is_empty() {
            doc.append(here);
            doc.append(key_intro(shape, key));
        } else {
            doc.append(key_intro(shape, key));
            doc.append(here);
            doc.append(key_rest(shape, key));
        }
        doc
    }

    /// A key that the author names, in a table of `skillyard.toml`: the rules that it sets and to what, or a file.
    fn of_config(&self, key: &'static KeyShape, path: &Path<'t>, in_value: bool) -> Option<Doc> {
        let (name, table) = (path.key()?, path.parent()?);
        let page = table.is(&["rules"]).then(|| pattern(name)).flatten();
        let mut doc = page.unwrap_or_else(|| named_intro(name, &table.to_string(), key));
        let level = self.source.node(path).and_then(|node| node.as_str()).map(|level| format!("\"{level}\""));
        let mut levels = if table.is(&["rules"]) { config_values(&["rules", name]) } else { Vec::new() };
        levels.retain(|value| Some(&value.toml) == level.as_ref());
        let mut here = Doc::default();
        levels.iter().for_each(|level| here.say(&level.doc));
        if in_value {
            here.append(doc);
            return Some(here);
        }
        doc.append(here);
        Some(doc)
    }

    /// What the value of a key comes to in this file.
    fn here(&self, shape: &'static TableShape, key: &'static KeyShape, path: &Path<'t>) -> Doc {
        let mut doc = Doc::default();
        if let Some(unit) = Unit::of(key) {
            doc.paragraph(self.amount(unit, key, path).unwrap_or_default());
        }
        let Some(asked) = &self.asked else { return doc };
        match (shape.path, key.name) {
            ("", "skill_id") => self.installed(&mut doc),
            ("", "version") => self.version(asked, &mut doc),
            ("", "publisher") => self.trust(asked, &mut doc),
            ("", "compat") | ("compat", _) => self.compat(asked, &mut doc),
            ("", "capabilities") => capability::granted(asked, &mut doc),
            ("entrypoints.tools[]", "input_schema" | "output_schema") => self.schema(path, &mut doc),
            ("entrypoints.tools[]", "id" | "risk") => {
                if let Some(tool) = path.parent().and_then(|path| self.tool(&path)) {
                    if key.name == "risk" {
                        doc.paragraph(tool::approval(&Approvals::of(asked).tool(&asked::tool(tool))));
                    } else {
                        doc.append(self.tool_summary(asked, tool));
                    }
                }
            }
            ("entrypoints.tools[].risk", _) => {
                if let Some(tool) = path.parent().and_then(|path| path.parent()).and_then(|path| self.tool(&path)) {
                    doc.paragraph(tool::approval(&Approvals::of(asked).tool(&asked::tool(tool))));
                }
            }
            ("capabilities", "quotas") => doc.paragraph(tool::quotas(&asked.capabilities.quotas)),
            ("capabilities.wildcard_opt_in", flag) => capability::covered(asked, flag, &mut doc),
            ("capabilities" | "capabilities.filesystem", name) => {
                capability::all_of(asked, name, &mut doc);
            }
            ("capabilities.secrets[]", "scope" | "key_names") => self.secrets_of(asked, path, &mut doc),
            ("operator.plugin", "default_tool_id") => self.default_tool(asked, path, &mut doc),
            ("operator.plugin", "default_module_path") => self.default_module(path, &mut doc),
            ("operator.plugin", "default_entrypoint") => self.default_entrypoint(path, &mut doc),
            _ => {}
        }
        doc
    }

    /// `33554432` bytes are 32 MiB.
    fn amount(&self, unit: Unit, key: &KeyShape, path: &Path<'t>) -> Option<Line> {
        let number = u64::try_from(self.source.node(path)?.as_integer()?).ok()?;
        let amount = unit.amount(number)?;
        let mut line = Line::of(&format!("`{number}` {} are {amount}", unit.name()));
        if key.name == "max_memory_bytes" && number >= skillyard_manifest::grammar::MIN_MEMORY_BYTES {
            let pages = number / skillyard_manifest::grammar::MIN_MEMORY_BYTES;
            line = line.say(&format!(", {pages} WebAssembly {}", if pages == 1 { "page" } else { "pages" }));
        }
        Some(line.say("."))
    }

    /// An element of an array of tables or a table under a name of the author's: what it holds, and its keys.
    fn table(&self, shape: &'static TableShape, mention: &Mention<'s, 't>) -> Doc {
        let mut doc = Doc::default();
        if let Some(asked) = &self.asked {
            match shape.path {
                "entrypoints.tools[]" => {
                    if let Some(tool) = self.tool(&mention.path) {
                        doc.append(self.tool_summary(asked, tool));
                    }
                }
                "capabilities.secrets[]" => self.secrets_in(asked, &mention.path, &mut doc),
                "operator.config.properties.*" => self.property(&mention.path, &mut doc),
                _ => {}
            }
        }
        doc.append(table_doc(shape));
        doc
    }

    /// A string of a list.
    fn listed(&self, shape: &'static TableShape, key: &'static KeyShape, mention: &Mention<'s, 't>) -> Doc {
        let mut doc = Doc::default();
        let text = self.source.node(&mention.path).and_then(|node| node.as_str());
        if let (Some(asked), Some(text)) = (&self.asked, text) {
            match (shape.path, key.name) {
                ("capabilities", "http_egress_allowlist") => self.host(asked, text, &mut doc),
                ("capabilities", "device_capabilities" | "node_capabilities") => {
                    capability::device(asked, key.name, text, &mut doc);
                }
                ("capabilities.filesystem", which) => capability::root(asked, which, text, &mut doc),
                ("capabilities.secrets[]", "key_names") => self.secret(asked, &mention.path, text, &mut doc),
                ("operator.config", "required") => self.required_property(&mention.path, text, &mut doc),
                _ => {}
            }
        }
        doc.append(key_intro(shape, key));
        doc
    }

    /// The tool at `path`.
    fn tool(&self, path: &Path<'t>) -> Option<View<'s, 't>> {
        let Meaning::Table(shape) = self.source.meaning(path) else { return None };
        (shape.path == "entrypoints.tools[]").then(|| View::of_node(self.source.node(path)?, shape)).flatten()
    }

    /// A string of `[operator.plugin]`.
    fn plugin(&self, key: &str) -> Option<&'s str> {
        let plugin = asked::root(self.source)?.table("operator")?.table("plugin")?;
        plugin.text(key).map(|text| text.value)
    }
}

/// A manifest that asks for what `set` says alone.
fn alone(asked: &Asked, set: impl FnOnce(&mut Asked)) -> Manifest<()> {
    let mut alone = asked::nothing_of(asked);
    set(&mut alone);
    alone
}

#[cfg(test)]
mod tests;
