//! What changes in a manifest, and in the `skillyard.toml` beside it, when files of the skill get another place: the paths
//! that name them.
//!
//! Only what a file's place decides is changed. A path is left as it is where its file leaves the skill's folder, where
//! the new one is none that a daemon (or the packaging) takes, and where a module lands outside of what is packed
//! by itself: then the findings about a missing file say so.

use std::borrow::Cow;

use skillyard_manifest::{
    TextEdit,
    config::{file_fault, pattern_fault},
    document::{Node, NodeKind},
    edits, grammar,
};

use crate::Source;

/// A file or folder that gets another place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileMove {
    /// Its path from the skill's folder, with `/`.
    pub from: String,
    /// Its new path; `None` where that is outside of the skill's folder.
    pub to: Option<String>,
}

/// The edits of `source` (a manifest, or the configuration in the same folder) that keep its paths right after `moves`,
/// in the order of the text.
#[must_use]
pub fn file_renames(source: &Source<'_>, moves: &[FileMove]) -> Vec<TextEdit> {
    let mut found = Renames { source, moves, edits: Vec::new() };
    if source.shape.key("package").is_some() {
        found.config();
    } else {
        found.manifest();
    }
    found.edits.sort_by_key(|edit| edit.span);
    found.edits
}

struct Renames<'s, 't> {
    source: &'s Source<'t>,
    moves: &'s [FileMove],
    edits: Vec<TextEdit>,
}

/// What a path means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// A module by its path in the artifact.
    Entry,
    /// A file by the rule for paths of a manifest.
    File,
    /// A file by the rule for paths of a configuration.
    ConfigFile,
    /// Files, by a glob.
    Glob,
}

impl<'s, 't> Renames<'s, 't> {
    fn manifest(&mut self) {
        self.string(&["operator", "plugin", "default_module_path"], Names::Entry);
        for key in ["capability_declaration_path", "provenance_path", "test_harness_path"] {
            self.string(&["builder", "checklist", key], Names::File);
        }
        // A hash that stands here is of the file under its path in the artifact.
        let files = self.node(&["integrity", "files"]).and_then(Node::as_array).unwrap_or_default();
        for path in files.iter().filter_map(|file| file.as_table()?.get("path")) {
            let is_module = path.value.as_str().is_some_and(|path| path.trim().starts_with("modules/"));
            self.path(&path.value, if is_module { Names::Entry } else { Names::File });
        }
    }

    fn config(&mut self) {
        for key in ["modules", "assets", "exclude"] {
            match self.node(&["package", key]).map(|node| &node.kind) {
                Some(NodeKind::Array(array)) => array.items.iter().for_each(|item| self.path(item, Names::Glob)),
                Some(NodeKind::Table(table)) => {
                    table.fields.values().for_each(|field| self.path(&field.value, Names::ConfigFile));
                }
                _ => {}
            }
        }
        for key in ["sbom", "provenance"] {
            self.string(&["package", key], Names::ConfigFile);
        }
    }

    fn node(&self, path: &[&str]) -> Option<&'s Node<'t>> {
        let (last, before) = path.split_last()?;
        let mut table = &self.source.document.root;
        for key in before {
            table = table.get(key)?.value.as_table()?;
        }
        Some(&table.get(last)?.value)
    }

    fn string(&mut self, path: &[&str], names: Names) {
        if let Some(node) = self.node(path) {
            self.path(node, names);
        }
    }

    fn path(&mut self, node: &Node<'t>, names: Names) {
        let Some(written) = node.as_str() else { return };
        if let Some(new) = self.moves.iter().find_map(|moved| renamed(written, moved, names))
            && new != written
        {
            self.edits.push(edits::set_string(self.source.text, node.span, &new));
        }
    }
}

/// What a path says after a move that concerns it.
fn renamed(written: &str, moved: &FileMove, names: Names) -> Option<String> {
    let to = moved.to.as_deref()?;
    let (from, to): (Cow<'_, str>, Cow<'_, str>) = match names {
        Names::Entry => (entry(&moved.from)?, entry(to)?),
        Names::File | Names::ConfigFile => (moved.from.as_str().into(), to.into()),
        Names::Glob => (literal(&moved.from), literal(to)),
    };
    // A daemon trims paths and reads `\` as `/`; a configuration does neither.
    let path: Cow<'_, str> = match names {
        Names::Entry | Names::File if written.contains('\\') => written.trim().replace('\\', "/").into(),
        Names::Entry | Names::File => written.trim().into(),
        Names::ConfigFile | Names::Glob => written.into(),
    };
    let rest = path.strip_prefix(&*from).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
    let new = format!("{to}{rest}");
    let good = match names {
        Names::Entry => new.starts_with("modules/") && new.ends_with(".wasm") && !new.contains("..") && is_path(&new),
        Names::File => is_path(&new),
        Names::ConfigFile => file_fault(&new).is_none(),
        Names::Glob => pattern_fault(&new).is_none(),
    };
    good.then_some(new)
}

fn is_path(path: &str) -> bool {
    grammar::path_fault(path).is_none() && path.trim() == path
}

/// Where packaging puts a module, or those of a folder, without a configuration.
fn entry(path: &str) -> Option<Cow<'_, str>> {
    match path {
        "module.wasm" => Some("modules/module.wasm".into()),
        "modules" => Some(path.into()),
        _ => path.starts_with("modules/").then_some(path.into()),
    }
}

/// The glob that means just this path.
fn literal(path: &str) -> Cow<'_, str> {
    let special = |c: char| matches!(c, '*' | '?' | '[' | '{' | '}');
    if !path.contains(special) {
        return path.into();
    }
    let mut out = String::with_capacity(path.len() + 8);
    for c in path.chars() {
        if special(c) {
            out.extend(['[', c, ']']);
        } else {
            out.push(c);
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use skillyard_manifest::{Options, analyze, analyze_config, config::CONFIG};

    use super::*;
    use crate::fixture::apply;

    fn moved(from: &str, to: &str) -> FileMove {
        FileMove { from: from.to_owned(), to: (to != "-").then(|| to.to_owned()) }
    }

    fn manifest(text: &str, moves: &[FileMove]) -> String {
        apply(text, &file_renames(&Source::new(text), moves))
    }

    fn config(text: &str, moves: &[FileMove]) -> String {
        apply(text, &file_renames(&Source::of_shape(text, &CONFIG), moves))
    }

    fn module(path: &str, from: &str, to: &str) -> String {
        let text = format!("[operator.plugin]\ndefault_module_path = \"{path}\" # here\n");
        let after = manifest(&text, &[moved(from, to)]);
        after.split('"').nth(1).unwrap().to_owned()
    }

    #[test]
    fn the_module_of_a_plugin_follows_its_file() {
        assert_eq!(module("modules/a.wasm", "modules/a.wasm", "modules/b.wasm"), "modules/b.wasm");
        assert_eq!(module("modules/x/a.wasm", "modules/x", "modules/y/z"), "modules/y/z/a.wasm");
        assert_eq!(module("modules/module.wasm", "module.wasm", "modules/tool.wasm"), "modules/tool.wasm");
        assert_eq!(module("modules/a.wasm", "modules/a.wasm", "module.wasm"), "modules/module.wasm");
    }

    #[test]
    fn what_a_daemon_would_refuse_is_not_written() {
        for to in ["-", "lib/a.wasm", "modules/a.wat", "modules/a..b.wasm", "modules/a:b.wasm", "modules/ a.wasm "] {
            assert_eq!(module("modules/a.wasm", "modules/a.wasm", to), "modules/a.wasm", "{to}");
        }
        // Another file, and one whose name only starts the same.
        assert_eq!(module("modules/a.wasm", "modules/b.wasm", "modules/c.wasm"), "modules/a.wasm");
        assert_eq!(module("modules/ab.wasm", "modules/a", "modules/c"), "modules/ab.wasm");
        assert_eq!(module("modules/a.wasm", "modules", "lib"), "modules/a.wasm");
    }

    #[test]
    fn the_paths_of_a_checklist_follow_their_files() {
        let text = "[builder.checklist]\ncapability_declaration_path = 'docs\\caps.json'\nprovenance_path = \"prov.json\"\n\
                    test_harness_path = \"tests/run.sh\"\n";
        let moves = [moved("docs", "doc/all"), moved("tests/run.sh", "tests/go.sh"), moved("prov.json", "a:b.json")];
        assert_eq!(
            manifest(text, &moves),
            "[builder.checklist]\ncapability_declaration_path = 'doc/all/caps.json'\nprovenance_path = \"prov.json\"\n\
             test_harness_path = \"tests/go.sh\"\n"
        );
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(manifest(&crlf, &moves), manifest(text, &moves).replace('\n', "\r\n"));
    }

    #[test]
    fn the_paths_of_hashes_follow_their_files() {
        let text =
            "[[integrity.files]]\npath = \"assets/a.svg\"\n[[integrity.files]]\npath = \"modules/module.wasm\"\n";
        let moves = [moved("assets", "art"), moved("module.wasm", "modules/tool.wasm")];
        assert_eq!(
            manifest(text, &moves),
            "[[integrity.files]]\npath = \"art/a.svg\"\n[[integrity.files]]\npath = \"modules/tool.wasm\"\n"
        );
        assert_eq!(
            manifest("integrity.files = [{ path = 'a' }, 1]", &[moved("a", "b")]),
            "integrity.files = [{ path = 'b' }, 1]"
        );
        assert_eq!(manifest(text, &[moved("assets", "-"), moved("module.wasm", "lib/a.wasm")]), text);
    }

    #[test]
    fn the_paths_and_globs_of_a_configuration_follow_their_files() {
        let text = "[package]\nmodules = { \"a.wasm\" = \"build/a.wasm\" }\nassets = [\"assets/\", \"data/**/*.csv\"]\n\
                    exclude = [\"data/raw\", \"**/*.map\"]\nsbom = \"sbom.json\"\n";
        let moves = [
            moved("build/a.wasm", "out/b.wasm"),
            moved("assets", "files"),
            moved("data", "more/da[t]a"),
            moved("sbom.json", "made/sbom.json"),
        ];
        let after = config(text, &moves);
        assert_eq!(
            after,
            "[package]\nmodules = { \"a.wasm\" = \"out/b.wasm\" }\nassets = [\"files/\", \"more/da[[]t]a/**/*.csv\"]\n\
             exclude = [\"more/da[[]t]a/raw\", \"**/*.map\"]\nsbom = \"made/sbom.json\"\n"
        );
        assert_eq!(analyze_config(&after), []);
        // One file cannot have a wildcard in its name here.
        assert_eq!(config(text, &[moved("sbom.json", "s[1].json")]), text);
        assert_eq!(config(text, &[moved("sbom.json", "-"), moved("other", "else")]), text);
        // What is a key of the one means nothing in the other.
        assert_eq!(manifest(text, &moves), text);
    }

    #[test]
    fn a_manifest_that_is_accepted_stays_so() {
        let good = include_str!("../../../tests/fixtures/greeter/skill.toml");
        let text = format!("{good}\n[operator.plugin]\ndefault_module_path = \"modules/greeter.wasm\"\n");
        let accepts = |text: &str| analyze(text, &Options::default()).daemon.accepts;
        let before = accepts(&text);
        for to in
            ["modules/x.wasm", "modules/\u{202e}.wasm", "modules/a\\b.wasm", "modules/..wasm", "modules/\".wasm", "x"]
        {
            let after = manifest(&text, &[moved("modules/greeter.wasm", to)]);
            assert_eq!(accepts(&after), before, "{to}");
        }
    }

    #[test]
    fn any_text_comes_to_an_answer() {
        let moves = [moved("", ""), moved("a", "b"), moved("modules", "modules/x"), moved("/", "\0")];
        for text in [
            "",
            "[",
            "operator = 1",
            "operator.plugin.default_module_path = 1",
            "[builder]\nchecklist = []",
            "package = []",
            "package.modules = [1, { a = 2 }]",
            "[package]\nsbom = \"a",
            "[package.modules]\na = \"a\"\n",
        ] {
            let _ = (manifest(text, &moves), config(text, &moves));
        }
    }
}
