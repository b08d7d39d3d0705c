//! What a manifest asks for and what a daemon makes of it, as far as the text can be read: also in one that is half
//! typed, of which no analysis gives grants.

use std::ptr;

use skillyard_manifest::{
    PolicyBinding, Span,
    model::{
        Capabilities, Compat, Entrypoints, Filesystem, Integrity, Manifest, Operator, Quotas, Risk, Secret, Tool,
        WildcardOptIn,
    },
    policy_bindings, shape,
    view::View,
};

use crate::source::Source;

/// A manifest without what grants and bindings do not rest on.
pub(crate) type Asked = Manifest<()>;

/// What `source` asks for; `None` where it is no manifest.
pub(crate) fn asked(source: &Source<'_>) -> Option<Asked> {
    let root = root(source)?;
    let capabilities = root.table("capabilities");
    let tools = root.table("entrypoints").map(|entrypoints| entrypoints.tables("tools")).unwrap_or_default();
    Some(Manifest {
        manifest_version: 2,
        skill_id: text(root, "skill_id"),
        name: text(root, "name"),
        version: text(root, "version"),
        publisher: text(root, "publisher"),
        entrypoints: Entrypoints { tools: tools.into_iter().map(tool).collect() },
        capabilities: capabilities.map(self::capabilities).unwrap_or_default(),
        compat: compat(root.table("compat")),
        integrity: Integrity::default(),
        builder: None,
        operator: Operator::default(),
    })
}

/// The top level of a manifest; `None` where the text is none.
pub(crate) fn root<'s, 't>(source: &'s Source<'t>) -> Option<View<'s, 't>> {
    ptr::eq(source.shape, &shape::ROOT).then(|| View::of_table(&source.document.root, Span::at(0), &shape::ROOT))
}

fn text(view: View<'_, '_>, key: &str) -> String {
    view.text(key).map(|text| text.value.to_owned()).unwrap_or_default()
}

fn texts(view: View<'_, '_>, key: &str) -> Vec<String> {
    view.texts(key).into_iter().map(|text| text.value.to_owned()).collect()
}

/// One tool.
pub(crate) fn tool(view: View<'_, '_>) -> Tool<()> {
    let risk = view.table("risk").map(|risk| Risk {
        default_sensitive: risk.flag("default_sensitive"),
        requires_approval: risk.flag("requires_approval"),
    });
    Tool {
        id: text(view, "id"),
        name: text(view, "name"),
        description: text(view, "description"),
        input_schema: (),
        output_schema: (),
        risk: risk.unwrap_or_default(),
    }
}

fn capabilities(view: View<'_, '_>) -> Capabilities {
    let filesystem = view.table("filesystem");
    let opt_in = view.table("wildcard_opt_in");
    let on = |flag: &str| opt_in.is_some_and(|opt_in| opt_in.flag(flag));
    Capabilities {
        filesystem: filesystem
            .map(|roots| Filesystem {
                read_roots: texts(roots, "read_roots"),
                write_roots: texts(roots, "write_roots"),
            })
            .unwrap_or_default(),
        http_egress_allowlist: texts(view, "http_egress_allowlist"),
        secrets: view
            .tables("secrets")
            .into_iter()
            .map(|secret| Secret { scope: text(secret, "scope"), key_names: texts(secret, "key_names") })
            .collect(),
        device_capabilities: texts(view, "device_capabilities"),
        node_capabilities: texts(view, "node_capabilities"),
        quotas: quotas(view.table("quotas")),
        wildcard_opt_in: WildcardOptIn {
            filesystem: on("filesystem"),
            http_egress: on("http_egress"),
            secrets: on("secrets"),
            device: on("device"),
            node: on("node"),
        },
    }
}

/// What bounds a call: what is written, and what a daemon takes for the rest.
pub(crate) fn quotas(view: Option<View<'_, '_>>) -> Quotas {
    let default = Quotas::default();
    let get = |key: &str| view?.integer(key).and_then(|(_, number)| u64::try_from(number).ok());
    Quotas {
        wall_clock_timeout_ms: get("wall_clock_timeout_ms").unwrap_or(default.wall_clock_timeout_ms),
        fuel_budget: get("fuel_budget").unwrap_or(default.fuel_budget),
        max_memory_bytes: get("max_memory_bytes").unwrap_or(default.max_memory_bytes),
    }
}

fn compat(view: Option<View<'_, '_>>) -> Compat {
    let get = |key: &str| view?.text(key).map(|text| text.value.to_owned());
    let protocol = view.and_then(|view| view.integer("required_protocol_major"));
    Compat {
        required_protocol_major: protocol.and_then(|(_, number)| u32::try_from(number).ok()).unwrap_or_default(),
        min_palyra_version: get("min_palyra_version").unwrap_or_default(),
        max_palyra_version: get("max_palyra_version"),
    }
}

/// The manifest with nothing asked for and no tools, to see what one thing alone comes to.
pub(crate) fn nothing_of(asked: &Asked) -> Asked {
    Manifest {
        skill_id: asked.skill_id.clone(),
        entrypoints: Entrypoints { tools: Vec::new() },
        capabilities: Capabilities::default(),
        compat: asked.compat.clone(),
        integrity: Integrity::default(),
        operator: Operator::default(),
        name: String::new(),
        version: String::new(),
        publisher: String::new(),
        manifest_version: asked.manifest_version,
        builder: None,
    }
}

/// What a person must approve of a skill's tools, by a daemon's own bindings.
pub(crate) struct Approvals {
    nothing: Asked,
    /// The bindings of what the skill asks for that require approval.
    asked_for: Vec<PolicyBinding>,
}

impl Approvals {
    pub(crate) fn of(asked: &Asked) -> Self {
        let nothing = nothing_of(asked);
        let skill = Manifest { capabilities: asked.capabilities.clone(), ..nothing.clone() };
        Self { nothing, asked_for: needing(&skill) }
    }

    /// What of a call of `tool` waits for a person.
    pub(crate) fn tool(&self, tool: &Tool<()>) -> Approval {
        let mut alone = self.nothing.clone();
        alone.entrypoints.tools.push(tool.clone());
        let own = needing(&alone);
        let flags =
            [(tool.risk.default_sensitive, "default_sensitive"), (tool.risk.requires_approval, "requires_approval")];
        let flags = flags.into_iter().filter(|(on, _)| *on && !own.is_empty()).map(|(_, flag)| flag).collect();
        Approval { flags, asked_for: self.asked_for.clone() }
    }
}

/// The bindings that require approval.
fn needing(asked: &Asked) -> Vec<PolicyBinding> {
    let mut bindings = policy_bindings(asked);
    bindings.retain(|binding| binding.requires_approval);
    bindings
}

/// What of a call of a tool waits for a person. A flag of the tool makes the call itself wait; what its skill asks for
/// leaves `tool.execute` allowed and makes each use wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Approval {
    /// The flags of its own that are on.
    pub flags: Vec<&'static str>,
    /// The bindings of what its skill asks for.
    pub asked_for: Vec<PolicyBinding>,
}

impl Approval {
    /// In a word each thing that the skill asks for.
    pub fn uses(&self) -> Vec<&'static str> {
        let word = |binding: &PolicyBinding| match binding.action.as_str() {
            "skill.capability.http.egress" => "network",
            "skill.capability.filesystem.write" => "files",
            "skill.capability.vault.read" => "secrets",
            "skill.capability.device.use" => "devices",
            _ => "policy",
        };
        self.asked_for.iter().map(word).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use skillyard_manifest::{Options, analyze, grants};

    use super::*;

    /// What is read of a manifest that a daemon takes comes to the daemon's own grants and bindings.
    #[test]
    fn it_agrees_with_a_daemon() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/manifests");
        let mut compared = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let Ok(text) = fs::read_to_string(entry.unwrap().path()) else { continue };
            let analysis = analyze(&text, &Options::default());
            let Some(theirs) = analysis.grants else { continue };
            let asked = asked(&Source::new(&text)).unwrap();
            assert_eq!(grants(&asked), theirs, "{text}");
            assert_eq!(policy_bindings(&asked), analysis.policy_bindings.unwrap(), "{text}");
            compared += 1;
        }
        assert!(compared > 100, "{compared}");
    }

    #[test]
    fn approval_has_reasons() {
        let text = "skill_id = \"a.b\"\n[capabilities]\nhttp_egress_allowlist = [\"a.example\"]\n\
                    [[entrypoints.tools]]\nid = \"a.one\"\nrisk.default_sensitive = true\n[[entrypoints.tools]]\nid = \"a.two\"\n";
        let of = |text: &str, at: usize| {
            let asked = asked(&Source::new(text)).unwrap();
            let approval = Approvals::of(&asked).tool(&asked.entrypoints.tools[at]);
            (approval.flags.join(" "), approval.uses().join(" "))
        };
        assert_eq!(of(text, 0), ("default_sensitive".to_owned(), "network".to_owned()));
        assert_eq!(of(text, 1), (String::new(), "network".to_owned()));
        let text = text.replace("\"a.example\"", "");
        assert_eq!(of(&text, 1), (String::new(), String::new()));
    }
}
