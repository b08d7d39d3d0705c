//! What in a manifest can be opened: the documentation's address, and the files that it names.
//!
//! An address is a link only where a daemon takes it as `docs_url` and a person sees where it leads. `$schema` and `$ref`
//! are none: they are names that nothing is ever fetched under.

use skillyard_manifest::{Span, grammar, is_unseen, plain, syntax::ValueKind};

use crate::{
    facts::Facts,
    names::{inside, spot},
    source::{Path, Source},
};

/// A part of the text that leads somewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// What is underlined: what the string says, without its quotes.
    pub span: Span,
    /// Where it leads.
    pub target: LinkTarget,
    /// What it does, with text of the file in it escaped.
    pub tooltip: String,
}

/// Where a link leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkTarget {
    /// An `https://` address.
    Url(String),
    /// A file below the folder of the manifest: its path with `/`, one of those in [`Facts`].
    File(String),
}

/// The links of a manifest in the order of the text: only those to files that exist.
#[must_use]
pub fn links(source: &Source<'_>, facts: &Facts) -> Vec<Link> {
    let mut links = Vec::new();
    source.mentions(|mention| {
        let Some(value) = mention.value else { return };
        let ValueKind::String(said) = &value.kind else { return };
        let trimmed = said.trim();
        let start = said.len() - said.trim_start().len();
        let span = || inside(source.text, value.span, said, start..start + trimmed.len());
        if let Some(path) = file_at(source, &mention.path, said) {
            if exists(facts, &path) {
                let tooltip = format!("Open {}", plain(&path));
                links.push(Link { span: span(), target: LinkTarget::File(path), tooltip });
            }
        } else if is_docs_url(source, &mention.path) && grammar::is_docs_url(said) && shows_its_host(trimmed) {
            let tooltip = format!("Open {}", plain(trimmed));
            links.push(Link { span: span(), target: LinkTarget::Url(trimmed.to_owned()), tooltip });
        }
    });
    links
}

fn is_docs_url(source: &Source<'_>, path: &Path<'_>) -> bool {
    spot(source.shape, path).is_some_and(|spot| (spot.table.path, spot.key.name) == ("operator", "docs_url"))
}

/// Whether an address leads where it says: with a host of ASCII letters in plain sight, nothing in front of that, and
/// nothing unseen or to be read in several ways.
fn shows_its_host(url: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || is_unseen(c) || "\"<>\\^`{|}".contains(c);
    let rest = url.strip_prefix("https://").unwrap_or_default();
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    let port = authority.get(host.len()..).unwrap_or_default();
    !url.contains(odd)
        && grammar::is_host(host)
        && (port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit())))
}

/// Whether `path` is a file beside the manifest.
fn exists(facts: &Facts, path: &str) -> bool {
    facts.modules.binary_search_by(|module| module.path.as_str().cmp(path)).is_ok()
        || facts.assets.binary_search_by(|asset| asset.as_str().cmp(path)).is_ok()
        || facts.files.binary_search_by(|file| file.as_str().cmp(path)).is_ok()
}

/// The file that the string at `path` names, relative to the manifest's folder, with `/`; `None` where it names none, or
/// by a path that a daemon refuses.
pub(crate) fn file_at(source: &Source<'_>, path: &Path<'_>, said: &str) -> Option<String> {
    let spot = spot(source.shape, path)?;
    let good = match (spot.table.path, spot.key.name) {
        ("operator.plugin", "default_module_path") => grammar::is_module_path(said) && said.trim() == said,
        ("integrity.files[]", "path") => true,
        ("builder.checklist", "capability_declaration_path" | "provenance_path" | "test_harness_path") => true,
        _ => false,
    };
    let written = said.trim().replace('\\', "/");
    (good && grammar::path_fault(&written).is_none()).then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ModuleFact;

    fn facts() -> Facts {
        let module = ModuleFact { path: "modules/tool.wasm".to_owned(), kind: None, exports: Vec::new(), bytes: 8 };
        Facts {
            modules: vec![module],
            assets: vec!["assets/icon.svg".to_owned()],
            files: vec!["review/a.md".to_owned(), "review/b.md".to_owned()],
            ..Facts::default()
        }
    }

    fn found(text: &str) -> Vec<(String, LinkTarget)> {
        let links = links(&Source::new(text), &facts());
        links.into_iter().map(|link| (link.span.of(text).to_owned(), link.target)).collect()
    }

    fn file(path: &str) -> LinkTarget {
        LinkTarget::File(path.to_owned())
    }

    #[test]
    fn files_that_exist_are_links() {
        let text = "builder.checklist = { provenance_path = \" review/b.md \", test_harness_path = 'review\\a.md', \
                    capability_declaration_path = \"review/none.md\", review_notes = \"review/a.md\" }\n\
                    [operator.plugin]\ndefault_module_path = \"modules/tool.wasm\"\n\
                    [[integrity.files]]\npath = \"assets/icon.svg\"\n[[integrity.files]]\npath = \"skill.toml\"\n";
        assert_eq!(
            found(text),
            [
                ("review/b.md".to_owned(), file("review/b.md")),
                ("review\\a.md".to_owned(), file("review/a.md")),
                ("modules/tool.wasm".to_owned(), file("modules/tool.wasm")),
                ("assets/icon.svg".to_owned(), file("assets/icon.svg")),
            ]
        );
        assert_eq!(found("operator.plugin.default_module_path = \"modules/other.wasm\""), []);
    }

    #[test]
    fn an_address_is_a_link_where_it_shows_where_it_leads() {
        let link = |url: &str| found(&format!("[operator]\ndocs_url = \"{url}\"\n")).len() == 1;
        for good in [
            "https://docs.acme.example",
            "https://docs.acme.example/a/b?c=d@e",
            " https://docs.acme.example ",
            "https://docs.acme.example:8443/ü",
        ] {
            assert!(link(good), "{good}");
        }
        for bad in [
            "http://docs.acme.example",
            "HTTPS://docs.acme.example",
            "https://docs.acme.example/#a",
            "https://docs.acme.example/a b",
            "https://docs.acme.example@evil.example/",
            "https://docs.acme.example:x@evil.example/",
            "https://dоcs.acme.example/",
            "https://docs.acme.example\\\\@evil.example",
            "https://docs.acme.example/\\u202e",
            "https://",
            "javascript:alert(1)",
            "command:x",
            "",
        ] {
            assert!(!link(bad), "{bad}");
        }
        assert_eq!(found("[operator]\nsummary = \"https://docs.acme.example\"\n# https://docs.acme.example\n"), []);
        let schema =
            "[[entrypoints.tools]]\ninput_schema = { \"$schema\" = \"https://json-schema.org/draft/2020-12/schema\" }";
        assert_eq!(found(schema), []);
    }
}
