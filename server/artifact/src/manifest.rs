//! `skill.toml` inside an artifact: read as a daemon reads it, with bounds, and what Skillyard refuses beyond.

use std::thread;

use skillyard_manifest::{
    Grants, MAX_SECRET_NAMES, PolicyBinding, Warning, check_compat,
    document::Document,
    grammar::Version,
    grants,
    model::{IntegrityFile, Manifest},
    plain, policy_bindings, quoted,
    rules::Rule,
    secrets_fit, validate, warnings,
};

use crate::{
    ErrorKind, Finding,
    entries::Refusal,
    rules::{Family, rejects, silent},
};

/// The rules about the manifest and the other files that an artifact must have.
pub static FAMILY: Family = Family {
    name: "content",
    about: "the files that an artifact must have",
    rules: &[
        &MISSING,
        &MANIFEST,
        &MANIFEST_TOO_LARGE,
        &TOO_DEEP,
        &BYTE_ORDER_MARK,
        &CARRIAGE_RETURN,
        &POSITIONAL,
        &UNTRIMMED,
        &SBOM,
        &PROVENANCE,
        &DOCUMENT_TOO_LARGE,
        &REPEATED_KEY,
        &NOT_WASM,
        &INCOMPATIBLE,
    ],
};

/// A file that must be there.
pub static MISSING: Rule = rejects(
    "content/missing",
    "the artifact lacks a file that it must have",
    "It has `skill.toml`, `signature.json`, `sbom.cdx.json`, `provenance.json` and at least one module below `modules/` that \
     ends in `.wasm`.",
);

/// A manifest that a daemon refuses.
pub static MANIFEST: Rule = rejects(
    "content/manifest",
    "a daemon refuses the manifest",
    "Take `skill.toml` out of the archive and run `skillyard check` on it: that says where and why.",
);

/// A manifest that is not read.
pub static MANIFEST_TOO_LARGE: Rule = silent(
    "content/manifest-too-large",
    "the manifest is too large to be read",
    "Reading takes many times the memory of the text, so no manifest above 256 KiB, or of more than \
     16,384 lines, commas and braces, or whose secrets have names of more than a mebibyte together, is read in an \
     artifact. What a daemon would say is not known, and taken to be a refusal.",
);

/// Nesting beyond what every thread has room for.
pub static TOO_DEEP: Rule = silent(
    "content/manifest-too-deep",
    "the manifest nests too deep",
    "A manifest nests at most 24 tables and arrays deep; even large schemas stay far below.",
);

/// A byte order mark.
pub static BYTE_ORDER_MARK: Rule = silent(
    "content/byte-order-mark",
    "the manifest starts with a byte order mark",
    "Packaging writes none, a daemon skips it, and other readers see a character in front of the first key.",
);

/// Line ends of Windows.
pub static CARRIAGE_RETURN: Rule = silent(
    "content/carriage-return",
    "the manifest has carriage returns",
    "Packaging writes the manifest anew, with line feeds. This one was put into the archive by hand. Package again.",
);

/// Tables written as arrays.
pub static POSITIONAL: Rule = silent(
    "content/positional",
    "a table of the manifest is written as an array of its values",
    "A daemon happens to read it by the order of its keys, and ignores what is too much. Nobody can read what such a \
     manifest asks for.",
);

/// Identifiers that trimming changes.
pub static UNTRIMMED: Rule = silent(
    "content/untrimmed",
    "a value of the manifest has white space around it",
    "A daemon checks it trimmed, and stores, grants and looks it up as it is: `acme ` is another publisher than `acme` \
     and looks the same.",
);

/// An SBOM that a daemon refuses.
pub static SBOM: Rule = rejects(
    "content/sbom",
    "`sbom.cdx.json` is no CycloneDX document",
    "It is a JSON object with `bomFormat` = `CycloneDX` and a `specVersion`.",
);

/// A provenance that a daemon refuses.
pub static PROVENANCE: Rule = rejects(
    "content/provenance",
    "`provenance.json` is no build attestation",
    "It is a JSON object with an object `builder` and an array `subject` that is not empty.",
);

/// A document that is not read.
pub static DOCUMENT_TOO_LARGE: Rule = silent(
    "content/document-too-large",
    "a JSON document is too large to be read",
    "SBOM and provenance are read up to 8 MiB, the signature up to 64 KiB. What a daemon would say is not known, and taken \
     to be a refusal.",
);

/// A key that stands twice.
pub static REPEATED_KEY: Rule = silent(
    "content/repeated-key",
    "a key of a JSON document stands twice",
    "A daemon reads the last, other readers the first.",
);

/// A module that is none.
pub static NOT_WASM: Rule = silent(
    "content/not-wasm",
    "a module is no WebAssembly binary",
    "It must start with the bytes `00 61 73 6d` and the version of a module or a component. A daemon takes anything at this \
     point, and later also WebAssembly's text format.",
);

/// Another version of the daemon.
pub static INCOMPATIBLE: Rule = rejects(
    "content/incompatible",
    "the skill is not for this version of the daemon",
    "The protocol that `compat` requires is above the daemon's, or the daemon's version is outside the range.",
);

/// The name of the manifest.
pub(crate) const PATH: &str = "skill.toml";

/// Nesting that any thread's stack has room for, to read it and to drop it.
const MAX_DEPTH: usize = 24;
/// Stack for reading, judging and dropping the deepest manifest that a daemon reads.
const DEEP_STACK_BYTES: usize = 256 << 20;

/// What follows from a manifest that a daemon takes. Nothing in it nests.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Facts {
    pub publisher: String,
    pub skill_id: String,
    pub version: String,
    pub listed: Vec<IntegrityFile>,
    pub warnings: Vec<Warning>,
    pub grants: Grants,
    pub policy_bindings: Vec<PolicyBinding>,
    /// What the version check says.
    pub compat: Result<(), Refusal>,
}

/// A manifest, read.
pub(crate) struct Read {
    /// What follows from it, or why a daemon refuses it.
    pub facts: Result<Facts, Refusal>,
    /// The manifest itself; `None` where it is refused, or nests too deep to be handed out.
    pub manifest: Option<Box<Manifest>>,
    /// What Skillyard refuses in it.
    pub findings: Vec<Finding>,
}

/// What [`crate::limits::MAX_MANIFEST_ITEMS`] counts: lines, commas and braces.
pub(crate) fn items(text: &[u8]) -> usize {
    text.iter().filter(|byte| matches!(byte, b'\n' | b',' | b'{')).count()
}

/// Reads the manifest of an artifact, of at most [`crate::limits::MAX_MANIFEST_BYTES`]. `palyra` is the daemon's version.
pub(crate) fn read(bytes: &[u8], palyra: Version) -> Read {
    let refused = |kind, finding: Finding| Read {
        facts: Err(Refusal::new(kind, finding.in_entry(PATH))),
        manifest: None,
        findings: Vec::new(),
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return refused(ErrorKind::ManifestParse, Finding::new(&MANIFEST, "the manifest is not UTF-8"));
    };
    if Document::parse(text).depth <= MAX_DEPTH {
        return shallow(text, palyra);
    }
    // Read, judged and dropped where there is room for it; only what does not nest comes back.
    thread::scope(|scope| {
        let deep = thread::Builder::new().stack_size(DEEP_STACK_BYTES).spawn_scoped(scope, || {
            let mut read = shallow(text, palyra);
            read.manifest = None;
            read
        });
        let read = deep.ok().and_then(|deep| deep.join().ok());
        let mut read = read.unwrap_or_else(|| {
            refused(ErrorKind::ManifestParse, Finding::new(&MANIFEST, "there is no memory to read the manifest in"))
        });
        let message = format!("the manifest nests more than {MAX_DEPTH} deep");
        read.findings.push(Finding::new(&TOO_DEEP, message).in_entry(PATH));
        read
    })
}

fn shallow(text: &str, palyra: Version) -> Read {
    let mut findings = form(text);
    let refused = |kind: ErrorKind, message: String, findings| Read {
        facts: Err(Refusal::new(kind, Finding::new(&MANIFEST, message).in_entry(PATH))),
        manifest: None,
        findings,
    };
    let manifest: Box<Manifest> = match toml::from_str(text) {
        Ok(manifest) => Box::new(manifest),
        Err(error) => {
            let message = format!("the manifest does not read: {}", plain(error.message()));
            return refused(ErrorKind::ManifestParse, message, findings);
        }
    };
    if let Err(kind) = validate(&manifest) {
        return refused(kind.into(), format!("a daemon refuses the manifest: {kind}"), findings);
    }
    if !secrets_fit(&manifest) {
        let message = format!("the names of all secrets come to more than {MAX_SECRET_NAMES} bytes, `scope/key` each");
        let finding = Finding::new(&MANIFEST_TOO_LARGE, message).in_entry(PATH);
        return Read { facts: Err(Refusal::new(ErrorKind::ManifestParse, finding)), manifest: None, findings };
    }
    untrimmed(&manifest, &mut findings);
    let compat = check_compat(&manifest, palyra).map_err(|kind| {
        let compat = &manifest.compat;
        let message = format!(
            "the skill is for protocol {} and versions from {}{}, the daemon is {palyra}",
            compat.required_protocol_major,
            quoted(&compat.min_palyra_version),
            compat.max_palyra_version.as_deref().map(|max| format!(" to {}", quoted(max))).unwrap_or_default(),
        );
        Refusal::new(kind.into(), Finding::new(&INCOMPATIBLE, message).in_entry(PATH))
    });
    let facts = Facts {
        publisher: manifest.publisher.clone(),
        skill_id: manifest.skill_id.clone(),
        version: manifest.version.clone(),
        listed: manifest.integrity.files.clone(),
        warnings: warnings(&manifest),
        grants: grants(&manifest),
        policy_bindings: policy_bindings(&manifest),
        compat,
    };
    Read { facts: Ok(facts), manifest: Some(manifest), findings }
}

/// What is wrong with the text's form.
fn form(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |rule, message: &str, at: usize| {
        findings.push(Finding::new(rule, message).in_entry(PATH).at(at as u64..at as u64 + 1));
    };
    if text.starts_with('\u{FEFF}') {
        report(&BYTE_ORDER_MARK, "the manifest starts with a byte order mark: package the skill again", 0);
    }
    if let Some(at) = text.find('\r') {
        report(&CARRIAGE_RETURN, "the manifest has carriage returns: package the skill again", at);
    }
    if let Ok(table) = text.parse::<toml::Table>() {
        let root = toml::Value::Table(table);
        for place in TABLES {
            if let Some(found) = not_a_table(&root, place.split('.'), "") {
                let message = format!("{} is written as an array of its values: name the keys", quoted(&found));
                findings.push(
                    Finding::new(&POSITIONAL, message).in_entry(PATH).see(found, "write a table with named keys"),
                );
                break;
            }
        }
    }
    findings
}

/// Every table of fixed fields; `*` goes through the elements of an array or the values of a table.
const TABLES: &[&str] = &[
    "entrypoints",
    "entrypoints.tools.*",
    "entrypoints.tools.*.risk",
    "capabilities",
    "capabilities.filesystem",
    "capabilities.secrets.*",
    "capabilities.quotas",
    "capabilities.wildcard_opt_in",
    "compat",
    "integrity",
    "integrity.files.*",
    "builder",
    "builder.checklist",
    "operator",
    "operator.plugin",
    "operator.plugin.contracts.*",
    "operator.config",
    "operator.config.properties.*",
];

/// The key of the first value at `place` that is an array. Enum values that are tables of one key are found too.
fn not_a_table<'p>(value: &toml::Value, mut place: impl Iterator<Item = &'p str> + Clone, key: &str) -> Option<String> {
    let Some(part) = place.next() else {
        let table_for_word = |table: &toml::Table| {
            ["kind", "type"].iter().any(|word| table.get(*word).is_some_and(toml::Value::is_table))
        };
        let odd = value.is_array() || value.as_table().is_some_and(table_for_word);
        return odd.then(|| key.to_owned());
    };
    let join = |part: &str| if key.is_empty() { part.to_owned() } else { format!("{key}.{part}") };
    match (part, value) {
        ("*", toml::Value::Array(items)) => {
            items.iter().enumerate().find_map(|(at, item)| not_a_table(item, place.clone(), &format!("{key}[{at}]")))
        }
        ("*", toml::Value::Table(items)) => {
            items.iter().find_map(|(name, item)| not_a_table(item, place.clone(), &join(name)))
        }
        (part, toml::Value::Table(table)) => not_a_table(table.get(part)?, place, &join(part)),
        _ => None,
    }
}

/// Values that a daemon trims before it checks them, and uses as they are.
fn untrimmed(manifest: &Manifest, findings: &mut Vec<Finding>) {
    const SHOWN: usize = 20;
    let (capabilities, operator) = (&manifest.capabilities, &manifest.operator);
    let (filesystem, plugin) = (&capabilities.filesystem, &operator.plugin);
    let tools = manifest.entrypoints.tools.iter().map(|tool| &tool.id);
    let secrets = &capabilities.secrets;
    let config = operator.config.as_ref();
    let values: [(&str, Vec<&String>); 18] = [
        ("publisher", vec![&manifest.publisher]),
        ("skill_id", vec![&manifest.skill_id]),
        ("version", vec![&manifest.version]),
        ("compat.min_palyra_version", vec![&manifest.compat.min_palyra_version]),
        ("compat.max_palyra_version", manifest.compat.max_palyra_version.iter().collect()),
        ("entrypoints.tools[].id", tools.collect()),
        ("capabilities.filesystem.read_roots", filesystem.read_roots.iter().collect()),
        ("capabilities.filesystem.write_roots", filesystem.write_roots.iter().collect()),
        ("capabilities.http_egress_allowlist", capabilities.http_egress_allowlist.iter().collect()),
        ("capabilities.secrets[].scope", secrets.iter().map(|secret| &secret.scope).collect()),
        ("capabilities.secrets[].key_names", secrets.iter().flat_map(|secret| &secret.key_names).collect()),
        ("capabilities.device_capabilities", capabilities.device_capabilities.iter().collect()),
        ("capabilities.node_capabilities", capabilities.node_capabilities.iter().collect()),
        ("operator.categories", operator.categories.iter().collect()),
        ("operator.tags", operator.tags.iter().collect()),
        (
            "operator.plugin",
            [&plugin.default_tool_id, &plugin.default_module_path, &plugin.default_entrypoint]
                .into_iter()
                .flatten()
                .collect(),
        ),
        ("operator.config.required", config.iter().flat_map(|config| &config.required).collect()),
        ("operator.config.properties", config.iter().flat_map(|config| config.properties.keys()).collect()),
    ];
    // The part of a scope behind the colon is trimmed by itself.
    let odd = |value: &str| value.split(':').any(|part| part.trim() != part);
    let all = values.iter().flat_map(|(key, values)| values.iter().map(move |value| (*key, *value)));
    for (key, value) in all.filter(|(_, value)| odd(value)).take(SHOWN) {
        let message = format!("`{key}` holds {} with white space around it", quoted(value));
        findings.push(Finding::new(&UNTRIMMED, message).in_entry(PATH).see(key, "write it without white space"));
    }
}
