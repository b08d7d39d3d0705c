//! What a skill may touch: one more host, secret, folder or device; quotas where there are none yet.

use std::collections::HashSet;

use skillyard_manifest::{
    Span, TextEdit,
    document::{Node, NodeKind, Origin, string},
    edits, grammar,
    shape::{ROOT, TableShape},
    view::View,
};

use super::{Asked, Offer, REWRITE, Refactoring, Resolved, is_manifest};
use crate::{Facts, Source};

pub(super) static ADD_CAPABILITY: Refactoring =
    Refactoring { id: "add_capability", kind: REWRITE, title: "Add a capability", offer, resolve };

/// What can be added: its name in an offer's data, and the title.
const KINDS: [(&str, &str); 6] = [
    ("host", "Add a host to call"),
    ("secret", "Add a secret to read"),
    ("write_root", "Add a folder to write"),
    ("device", "Add a device capability"),
    ("node", "Add a node capability"),
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

/// The edit that adds a capability, and what in it a person has to look at. `None` where the place takes none, and for
/// quotas that are there.
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
    let list = |path: &[&str], key: &str, name: &str| {
        let table = path.iter().try_fold(root, |view, key| view.table(key));
        match table.and_then(|table| table.get(key)) {
            Some(item) => {
                let name = free(name, item.node);
                Some((edits::append_listed(source.text, &source.document.comments, item.node, &string(&name))?, name))
            }
            None => Some((set(path, key, &format!("[{}]", string(name)))?, name.to_owned())),
        }
    };
    match kind {
        "host" => {
            list(&["capabilities"], "http_egress_allowlist", &example(&["capabilities"], "http_egress_allowlist")?)
        }
        "write_root" => {
            let path = ["capabilities", "filesystem"];
            list(&path, "write_roots", &example(&path, "write_roots")?)
        }
        "device" => list(&["capabilities"], "device_capabilities", "camera"),
        "node" => list(&["capabilities"], "node_capabilities", "gpu"),
        "secret" => {
            let id = source.text_at(&["skill_id"]).map(str::trim).filter(|id| grammar::is_identifier(id));
            let scope = id.map_or_else(|| "global".to_owned(), |id| format!("skill:{id}"));
            let name = example(&["capabilities", "secrets"], "key_names")?;
            let there = capabilities.map(|capabilities| capabilities.tables("secrets")).unwrap_or_default();
            // All keys of a scope stand together.
            let same = there.iter().find(|secret| secret.text("scope").is_some_and(|text| text.trimmed() == scope));
            if let Some(keys) = same.and_then(|secret| secret.get("key_names")) {
                let name = free(&name, keys.node);
                return Some((
                    edits::append_listed(source.text, &source.document.comments, keys.node, &string(&name))?,
                    name,
                ));
            }
            let lines = [format!("scope = {}", string(&scope)), format!("key_names = [{}]", string(&name))];
            let inline = || format!("{{ {} }}", lines.join(", "));
            let secrets = capabilities.and_then(|capabilities| capabilities.get("secrets")).map(|item| item.node);
            let edit = match secrets.map(|node| (node, &node.kind)) {
                Some((_, NodeKind::Array(array))) if array.of_tables => add("[[capabilities.secrets]]", &lines),
                Some((node, _)) => edits::append_listed(source.text, &source.document.comments, node, &inline())?,
                None if sections => add("[[capabilities.secrets]]", &lines),
                None => set(&["capabilities"], "secrets", &format!("[{}]", inline()))?,
            };
            Some((edit, name))
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

/// A name that is not there: `api.acme.example`, `api2.acme.example`.
fn free(name: &str, list: &Node<'_>) -> String {
    let items = list.as_array().unwrap_or_default();
    let there: HashSet<&str> = items.iter().filter_map(Node::as_str).map(str::trim).collect();
    let (head, rest) = name.split_at(name.find('.').unwrap_or(name.len()));
    let others = (2_u32..).map(|number| format!("{head}{number}{rest}"));
    let mut names = std::iter::once(name.to_owned()).chain(others);
    names.find(|name| !there.contains(name.as_str())).unwrap_or_else(|| name.to_owned())
}

/// The shape of the table at a path.
fn table(path: &[&str]) -> Option<&'static TableShape> {
    path.iter().try_fold(&ROOT, |shape, key| shape.child(key))
}

/// The string in the list that a key has for an example.
fn example(path: &[&str], key: &str) -> Option<String> {
    let (_, key) = table(path)?.key(key)?;
    Some(key.example.trim_matches(['[', ']', '"']).to_owned())
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

    /// The text after one that can be added.
    fn one(kind: &str, text: &str) -> String {
        let resolved = resolve(&Source::new(text), kind, &Facts::default()).unwrap();
        apply_edits(text, &resolved.edits)
    }

    #[test]
    fn nothing_goes_behind_headers_as_if_they_were_a_list() {
        for (kind, key) in [("host", "http_egress_allowlist"), ("device", "device_capabilities")] {
            let text = format!("[[capabilities.{key}]]\na = 1\n");
            assert!(resolve(&Source::new(&text), kind, &Facts::default()).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_not_there_can_be_added() {
        assert_eq!(
            all("skill_id = \"acme.s\"\n"),
            [
                "skill_id = \"acme.s\"\n\n[capabilities]\nhttp_egress_allowlist = [\"«api.acme.example»\"]\n",
                "skill_id = \"acme.s\"\n\n[[capabilities.secrets]]\nscope = \"skill:acme.s\"\nkey_names = [\"«api_key»\"]\n",
                "skill_id = \"acme.s\"\n\n[capabilities.filesystem]\nwrite_roots = [\"«out»\"]\n",
                "skill_id = \"acme.s\"\n\n[capabilities]\ndevice_capabilities = [\"«camera»\"]\n",
                "skill_id = \"acme.s\"\n\n[capabilities]\nnode_capabilities = [\"«gpu»\"]\n",
                "skill_id = \"acme.s\"\n\n[capabilities.quotas]\nwall_clock_timeout_ms = «30000»\nfuel_budget = 10000000\n\
                 max_memory_bytes = 67108864\n",
            ]
        );
        let empty = "[capabilities]\nhttp_egress_allowlist = []\nsecrets = []\n[capabilities.filesystem]\n[capabilities.quotas]\n";
        for (kind, old, new) in [
            ("host", "allowlist = []", "allowlist = [\"api.acme.example\"]"),
            ("secret", "secrets = []", "secrets = [{ scope = \"global\", key_names = [\"api_key\"] }]"),
            ("write_root", "filesystem]\n", "filesystem]\nwrite_roots = [\"out\"]\n"),
        ] {
            assert_eq!(one(kind, empty), empty.replace(old, new));
        }
    }

    #[test]
    fn tables_within_braces_get_what_is_within_braces() {
        let text = "capabilities = { http_egress_allowlist = [\"a.b\"] }";
        for (kind, more) in [
            ("secret", "secrets = [{ scope = \"global\", key_names = [\"api_key\"] }]"),
            ("write_root", "filesystem = { write_roots = [\"out\"] }"),
            (
                "quotas",
                "quotas = { wall_clock_timeout_ms = 30000, fuel_budget = 10000000, max_memory_bytes = 67108864 }",
            ),
        ] {
            assert_eq!(one(kind, text), text.replace(" }", &format!(", {more} }}")));
        }
        assert_eq!(all("capabilities = [[], []]"), [""; 0]);
    }

    #[test]
    fn one_more_goes_behind_those_that_are_there() {
        for (kind, list, after) in [
            ("host", "http_egress_allowlist = [\"a.b\"]", "http_egress_allowlist = [\"a.b\", \"api.acme.example\"]"),
            (
                "host",
                "http_egress_allowlist = [\n  \"api.acme.example\", # c\n]",
                "http_egress_allowlist = [\n  \"api.acme.example\", # c\n  \"api2.acme.example\",\n]",
            ),
            ("node", "node_capabilities = [\n  'a' # c\n]", "node_capabilities = [\n  'a', # c\n  \"gpu\"\n]"),
            ("write_root", "filesystem.write_roots = [\"out\"]", "filesystem.write_roots = [\"out\", \"out2\"]"),
            (
                "device",
                "device_capabilities = ['camera', 'camera2']",
                "device_capabilities = ['camera', 'camera2', \"camera3\"]",
            ),
            ("node", "node_capabilities = ['a']", "node_capabilities = ['a', \"gpu\"]"),
            (
                "secret",
                "secrets = [[\"channel:a\", [\"k\"]]]",
                "secrets = [[\"channel:a\", [\"k\"]], { scope = \"global\", key_names = [\"api_key\"] }]",
            ),
            (
                "secret",
                "[[capabilities.secrets]]\nscope = \"channel:a\"\nkey_names = [\"k\"]",
                "[[capabilities.secrets]]\nscope = \"channel:a\"\nkey_names = [\"k\"]\n\n\
                 [[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"api_key\"]",
            ),
            // All keys of a scope stand together.
            (
                "secret",
                "[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"api_key\"]",
                "[[capabilities.secrets]]\nscope = \"global\"\nkey_names = [\"api_key\", \"api_key2\"]",
            ),
        ] {
            assert_eq!(one(kind, &format!("[capabilities]\n{list}\n")), format!("[capabilities]\n{after}\n"));
        }
        let resolve = |kind, text| resolve(&Source::new(text), kind, &Facts::default());
        assert_eq!(resolve("quotas", "capabilities.quotas.fuel_budget = 1\n"), None);
        assert_eq!(resolve("host", "capabilities.http_egress_allowlist = 1\n"), None);
        assert_eq!(resolve("host", "capabilities.http_egress_allowlist = [\n# none\n]\n"), None);
    }
}
