//! What a skill may touch: a host, a secret, a folder, quotas, each where there is none yet.

use skillyard_manifest::{
    Span, TextEdit,
    document::{Origin, string},
    edits, grammar,
    shape::{KeyShape, ROOT, TableShape},
    view::View,
};

use super::{Asked, Offer, REWRITE, Refactoring, Resolved, is_manifest};
use crate::{Facts, Source};

pub(super) static ADD_CAPABILITY: Refactoring =
    Refactoring { id: "add_capability", kind: REWRITE, title: "Add a capability", offer, resolve };

/// What can be added: its name in an offer's data, and the title.
const KINDS: [(&str, &str); 4] = [
    ("host", "Add a host to call"),
    ("secret", "Add a secret to read"),
    ("write_root", "Add a folder to write"),
    ("quotas", "Add quotas"),
];

fn offer(asked: &Asked<'_, '_, '_>, offers: &mut Vec<Offer>) {
    if !asked.is_manifest() {
        return;
    }
    let about_file = !asked.is_within("capabilities");
    for (kind, title) in KINDS {
        if edit(asked.source, kind).is_some() {
            offers.push(Offer {
                id: ADD_CAPABILITY.id,
                title: title.to_owned(),
                kind: ADD_CAPABILITY.kind,
                data: kind.to_owned(),
                disabled: None,
                about_file,
            });
        }
    }
}

fn resolve(source: &Source<'_>, data: &str, _: &Facts) -> Option<Resolved> {
    if !is_manifest(source) {
        return None;
    }
    let (edit, select) = edit(source, data)?;
    // What a person has to change is selected.
    let at = edit.text.rfind(&select)?;
    let inside = Span::new(at, at + select.len());
    Some(Resolved::selecting(vec![edit], 0, inside))
}

/// The edit that adds a capability, and what in it a person has to look at. `None` where there is one already, and where
/// the place takes none.
fn edit(source: &Source<'_>, kind: &str) -> Option<(TextEdit, String)> {
    let root = View::of_table(&source.document.root, Span::at(0), &ROOT);
    let capabilities = match root.get("capabilities") {
        Some(_) => Some(root.table("capabilities")?),
        None => None,
    };
    // A table that is not there, or that has headers below it, takes sections.
    let sections = match capabilities {
        None => true,
        Some(capabilities) => matches!(capabilities.as_table()?.origin, Origin::Header | Origin::Implicit),
    };
    let set = |path: &[&str], key: &str, value: &str| edits::set(source.text, &source.document, root, path, key, value);
    let add = |header: &str, lines: &[String]| edits::add_section(source.text, &source.document, header, lines);
    let listed = |view: Option<View<'_, '_>>, key: &str| {
        view.and_then(|view| view.get(key))
            .is_some_and(|item| item.node.as_array().is_none_or(|items| !items.is_empty()))
    };
    match kind {
        "host" => {
            let example = example(&["capabilities"], "http_egress_allowlist")?.example;
            let free = !listed(capabilities, "http_egress_allowlist");
            Some((free.then(|| set(&["capabilities"], "http_egress_allowlist", example))??, inner(example)))
        }
        "write_root" => {
            let filesystem = capabilities.and_then(|capabilities| capabilities.table("filesystem"));
            let path = ["capabilities", "filesystem"];
            let example = example(&path, "write_roots")?.example;
            let free = !listed(filesystem, "write_roots");
            Some((free.then(|| set(&path, "write_roots", example))??, inner(example)))
        }
        "secret" => {
            let id = source.text_at(&["skill_id"]).map(str::trim).filter(|id| grammar::is_identifier(id));
            let scope = string(&id.map_or_else(|| "global".to_owned(), |id| format!("skill:{id}")));
            let names = example(&["capabilities", "secrets"], "key_names")?.example;
            let there = capabilities.is_some_and(|capabilities| capabilities.get("secrets").is_some());
            let edit = if listed(capabilities, "secrets") {
                None
            } else if sections && !there {
                Some(add("[[capabilities.secrets]]", &[format!("scope = {scope}"), format!("key_names = {names}")]))
            } else {
                set(&["capabilities"], "secrets", &format!("[{{ scope = {scope}, key_names = {names} }}]"))
            };
            Some((edit?, inner(names)))
        }
        "quotas" => {
            let shape = table(&["capabilities", "quotas"])?;
            if capabilities.is_some_and(|capabilities| capabilities.get("quotas").is_some()) {
                return None;
            }
            let lines: Vec<String> = shape.keys.iter().map(|key| format!("{} = {}", key.name, key.default)).collect();
            let first = shape.keys.first()?.default.to_owned();
            let edit = if sections {
                Some(add("[capabilities.quotas]", &lines))
            } else {
                set(&["capabilities"], "quotas", &format!("{{ {} }}", lines.join(", ")))
            };
            Some((edit?, first))
        }
        _ => None,
    }
}

/// The shape of the table at a path.
fn table(path: &[&str]) -> Option<&'static TableShape> {
    path.iter().try_fold(&ROOT, |shape, key| shape.child(key))
}

fn example(path: &[&str], key: &str) -> Option<&'static KeyShape> {
    table(path)?.key(key).map(|(_, key)| key)
}

/// What is between the quotes of a list of one string.
fn inner(list: &str) -> String {
    list.trim_matches(['[', ']', '"']).to_owned()
}

#[cfg(test)]
mod tests {
    use skillyard_manifest::fix::apply_edits;

    use super::*;

    fn all(text: &str) -> Vec<String> {
        let source = Source::new(text);
        let kinds = KINDS.iter().filter_map(|(kind, _)| resolve(&source, kind, &Facts::default()));
        let show = |resolved: Resolved| {
            let mut after = apply_edits(text, &resolved.edits);
            let select = resolved.select.unwrap();
            after.insert(select.end, '»');
            after.insert(select.start, '«');
            after
        };
        kinds.map(show).collect()
    }

    #[test]
    fn what_is_not_there_can_be_added() {
        assert_eq!(
            all("skill_id = \"acme.s\"\n"),
            [
                "skill_id = \"acme.s\"\n\n[capabilities]\nhttp_egress_allowlist = [\"«api.acme.example»\"]\n",
                "skill_id = \"acme.s\"\n\n[[capabilities.secrets]]\nscope = \"skill:acme.s\"\nkey_names = [\"«api_key»\"]\n",
                "skill_id = \"acme.s\"\n\n[capabilities.filesystem]\nwrite_roots = [\"«out»\"]\n",
                "skill_id = \"acme.s\"\n\n[capabilities.quotas]\nwall_clock_timeout_ms = «30000»\nfuel_budget = 10000000\n\
                 max_memory_bytes = 67108864\n",
            ]
        );
        assert_eq!(
            all(
                "[capabilities]\nhttp_egress_allowlist = []\nsecrets = []\n[capabilities.filesystem]\n[capabilities.quotas]\n"
            ),
            [
                "[capabilities]\nhttp_egress_allowlist = [\"«api.acme.example»\"]\nsecrets = []\n[capabilities.filesystem]\n[capabilities.quotas]\n",
                "[capabilities]\nhttp_egress_allowlist = []\nsecrets = [{ scope = \"global\", key_names = [\"«api_key»\"] }]\n\
                 [capabilities.filesystem]\n[capabilities.quotas]\n",
                "[capabilities]\nhttp_egress_allowlist = []\nsecrets = []\n[capabilities.filesystem]\nwrite_roots = [\"«out»\"]\n[capabilities.quotas]\n",
            ]
        );
    }

    #[test]
    fn tables_within_braces_get_what_is_within_braces() {
        assert_eq!(
            all("capabilities = { http_egress_allowlist = [\"a.b\"] }"),
            [
                "capabilities = { http_egress_allowlist = [\"a.b\"], secrets = [{ scope = \"global\", key_names = [\"«api_key»\"] }] }",
                "capabilities = { http_egress_allowlist = [\"a.b\"], filesystem = { write_roots = [\"«out»\"] } }",
                "capabilities = { http_egress_allowlist = [\"a.b\"], quotas = { wall_clock_timeout_ms = «30000», fuel_budget = 10000000, max_memory_bytes = 67108864 } }",
            ]
        );
        assert_eq!(all("capabilities = [[], []]"), [""; 0]);
    }

    #[test]
    fn what_is_there_is_not_offered() {
        let full = "capabilities.http_egress_allowlist = [\"a.b\"]\ncapabilities.secrets = [[\"global\", [\"k\"]]]\n\
                    capabilities.filesystem = [[], [\"out\"]]\ncapabilities.quotas.fuel_budget = 1\n";
        assert_eq!(all(full), [""; 0]);
    }
}
