//! `sbom.cdx.json`: what a daemon asks of it, the one that packaging makes, and what is shown of any.
//!
//! The one that is made is CycloneDX 1.6 (ECMA-424), <https://cyclonedx.org/docs/1.6/json/>; package addresses are
//! purls, <https://github.com/package-url/purl-spec>.

use std::{collections::BTreeMap, error, fmt};

use serde::{Deserialize, Serialize};
use skillyard_manifest::model::Manifest;

use crate::{
    integrity::{hex, sha256},
    json::{self, Kind, List, Table, Text},
    limits::MAX_DOCUMENT_BYTES,
    module::{self, MAX_PACKAGES, Module, ModuleKind},
    timestamp::rfc3339,
};

/// Why an SBOM does not do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SbomFault {
    /// It does not read as JSON.
    NotJson {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, in bytes from 1.
        column: usize,
    },
    /// It is no object.
    NotAnObject,
    /// `bomFormat` is not `CycloneDX`.
    BomFormat,
    /// `specVersion` is missing, empty or no text.
    SpecVersion,
}

impl fmt::Display for SbomFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column } => {
                write!(f, "the SBOM is not JSON: see line {line}, column {column} of `sbom.cdx.json`")
            }
            Self::NotAnObject => f.write_str("the SBOM is not a JSON object"),
            Self::BomFormat => f.write_str("the SBOM's `bomFormat` is not \"CycloneDX\": give one in that format"),
            Self::SpecVersion => {
                f.write_str("the SBOM has no `specVersion`: write the version of CycloneDX, as \"1.6\"")
            }
        }
    }
}

impl error::Error for SbomFault {}

fn outline(bytes: &[u8]) -> Result<json::Outline, SbomFault> {
    json::outline(bytes, &["bomFormat", "specVersion"])
        .map_err(|error| SbomFault::NotJson { line: error.line(), column: error.column() })
}

/// What a daemon demands of an SBOM.
///
/// # Errors
/// The first demand that is not met.
pub fn check(bytes: &[u8]) -> Result<(), SbomFault> {
    let outline = outline(bytes)?;
    if !outline.is_object {
        return Err(SbomFault::NotAnObject);
    }
    if !matches!(outline.get("bomFormat"), Some(Kind::Text(format)) if format == "CycloneDX") {
        return Err(SbomFault::BomFormat);
    }
    match outline.get("specVersion") {
        Some(Kind::Text(version)) if !version.trim().is_empty() => Ok(()),
        _ => Err(SbomFault::SpecVersion),
    }
}

/// Whether an object in the document names a key twice, so that two readers may read two documents.
///
/// # Errors
/// The document is no JSON.
pub fn has_repeated_keys(bytes: &[u8]) -> Result<bool, SbomFault> {
    outline(bytes).map(|outline| outline.repeated)
}

/// What is shown of an SBOM. Texts are as they stand in it, cut to 200 characters: the caller escapes them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Summary {
    /// Which CycloneDX.
    pub spec_version: Option<String>,
    /// When it says it was made.
    pub timestamp: Option<String>,
    /// What it says it describes.
    pub subject: Option<Package>,
    /// How many components it lists at its outermost level.
    pub component_count: usize,
    /// The first thousand of them.
    pub components: Vec<Package>,
    /// How many components say what they depend on.
    pub dependency_count: usize,
}

/// A component of an SBOM.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Package {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// `application`, `library`, `file`, …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its address as a package.
    pub purl: Option<String>,
}

/// Reads what is shown of an SBOM, ours or another's. What has an unexpected shape is left out.
///
/// # Errors
/// The document is no JSON object, or names a key twice.
pub fn summary(bytes: &[u8]) -> Result<Summary, SbomFault> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Component {
        name: Text,
        version: Text,
        #[serde(rename = "type")]
        kind: Text,
        purl: Text,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Metadata {
        timestamp: Text,
        component: Table<Component>,
    }

    #[derive(Deserialize, Default)]
    #[serde(default, rename_all = "camelCase")]
    struct Document {
        spec_version: Text,
        metadata: Table<Metadata>,
        components: List<Table<Component>>,
        dependencies: List<serde::de::IgnoredAny>,
    }

    let package = |c: Component| Package { name: c.name.0, version: c.version.0, kind: c.kind.0, purl: c.purl.0 };
    let Table(document) = serde_json::from_slice::<Table<Document>>(bytes)
        .map_err(|error| SbomFault::NotJson { line: error.line(), column: error.column() })?;
    let document = document.ok_or(SbomFault::NotAnObject)?;
    let metadata = document.metadata.0.unwrap_or_default();
    Ok(Summary {
        spec_version: document.spec_version.0,
        timestamp: metadata.timestamp.0,
        subject: metadata.component.0.map(package),
        component_count: document.components.count,
        components: document.components.first.into_iter().filter_map(|component| component.0).map(package).collect(),
        dependency_count: document.dependencies.count,
    })
}

/// A file of the skill, as it is packaged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File<'a> {
    /// Its path in the artifact.
    pub path: &'a str,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

/// What a module says about itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModuleFacts {
    /// How it is called: the name of its [`crate::module::ModuleKind`].
    pub kind: Option<&'static str>,
    /// Whether it is a program to run rather than functions to call.
    pub is_program: bool,
    /// What it was made with: field (`language`, `processed-by`, `sdk`), name, version.
    pub producers: Vec<(String, String, String)>,
    /// What it imports: `module.name`, or the interface for a component.
    pub imports: Vec<String>,
    /// The packages that it was built from.
    pub dependencies: Vec<Dependency>,
}

/// A package that a module was built from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it came from: `crates.io`, `git`, `local`, …
    pub source: String,
    /// Whether it only built the others.
    pub build_only: bool,
    /// Whether it is what was built.
    pub root: bool,
    /// What it depends on, as places in the same list.
    pub dependencies: Vec<usize>,
}

impl ModuleFacts {
    /// What was found in a module; `entrypoint` is the export that a manifest names.
    #[must_use]
    pub fn of(module: &Module, entrypoint: &str) -> Self {
        let kind = module.kind(entrypoint);
        let import = |import: &module::Import| match (import.module.as_str(), import.name.as_str()) {
            (module, "") => module.to_owned(),
            ("", name) => name.to_owned(),
            (module, name) => format!("{module}.{name}"),
        };
        let dependency = |dependency: &module::Dependency| Dependency {
            name: dependency.name.clone(),
            version: dependency.version.clone(),
            source: dependency.source.clone(),
            build_only: dependency.kind == "build",
            root: dependency.root,
            dependencies: dependency.dependencies.clone(),
        };
        Self {
            kind: (kind != ModuleKind::Other).then(|| kind.name()),
            is_program: matches!(kind, ModuleKind::WasiPreview1Command | ModuleKind::WasiCommandComponent),
            producers: module
                .producers
                .iter()
                .map(|line| (line.field.clone(), line.name.clone(), line.version.clone()))
                .collect(),
            imports: module.imports.iter().map(import).collect(),
            dependencies: module.dependencies.listed().iter().map(dependency).collect(),
        }
    }
}

/// What an SBOM is made of.
#[derive(Clone, Debug)]
pub struct Skill<'a> {
    /// The skill.
    pub manifest: &'a Manifest,
    /// Its modules.
    pub modules: &'a [(File<'a>, ModuleFacts)],
    /// Its other files.
    pub assets: &'a [File<'a>],
    /// When it was built. Not when it is signed: the same files give the same SBOM on another day.
    pub built_at_unix_ms: Option<i64>,
}

/// Imports of one module that are listed, and characters of a name that are kept: a hostile module makes no huge SBOM.
const MAX_IMPORTS: usize = 200;
const MAX_NAME: usize = 256;

#[derive(Serialize)]
struct Bom {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "bomFormat")]
    bom_format: &'static str,
    #[serde(rename = "specVersion")]
    spec_version: &'static str,
    #[serde(rename = "serialNumber")]
    serial_number: String,
    version: u32,
    metadata: BomMetadata,
    components: Vec<Component>,
    dependencies: Vec<Depends>,
}

#[derive(Serialize)]
struct BomMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    tools: Tools,
    component: Component,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<Component>,
}

#[derive(Serialize, Default)]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    bom_ref: Option<String>,
    #[serde(rename = "mime-type", skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct Property {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Depends {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(rename = "dependsOn", skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
}

/// Why no SBOM is made.
#[derive(Debug)]
pub enum GenerateError {
    /// The packages of the modules come to more than an SBOM may have.
    TooLarge,
    /// The JSON writer's own.
    Json(serde_json::Error),
}

impl fmt::Display for GenerateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(
                f,
                "the modules list more packages (in `.dep-v0`) than an SBOM of {MAX_DOCUMENT_BYTES} bytes holds: give an \
                 SBOM, or build the modules without the list"
            ),
            Self::Json(error) => write!(f, "the SBOM cannot be written: {error}"),
        }
    }
}

impl error::Error for GenerateError {}

impl From<serde_json::Error> for GenerateError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

/// Makes the SBOM of a skill: CycloneDX 1.6, the same bytes for the same skill.
///
/// # Errors
/// A [`GenerateError`].
pub fn generate(skill: &Skill<'_>) -> Result<Vec<u8>, GenerateError> {
    let manifest = skill.manifest;
    let (publisher, id) = (manifest.publisher.trim(), manifest.skill_id.trim());
    let root = purl("generic", Some(publisher), id, manifest.version.trim());
    let mut components = Vec::new();
    let mut packages = Packages::default();
    let mut dependencies = Vec::new();
    for (file, facts) in skill.modules {
        components.push(module(file, facts));
        let roots = packages.add(facts)?;
        dependencies.push(Depends { reference: file_ref(file), depends_on: roots });
    }
    for file in skill.assets {
        components.push(Component { kind: "file", ..of_file(file) });
        dependencies.push(Depends { reference: file_ref(file), depends_on: Vec::new() });
    }
    let files = components.iter().filter_map(|component| component.bom_ref.clone()).collect();
    dependencies.insert(0, Depends { reference: root.clone(), depends_on: files });
    for (reference, package) in packages.known {
        components.push(package.component(&reference));
        dependencies.push(Depends { reference, depends_on: package.depends_on.into_iter().collect() });
    }

    let mut bom = Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: String::new(),
        version: 1,
        metadata: BomMetadata {
            timestamp: skill.built_at_unix_ms.and_then(rfc3339),
            tools: Tools {
                components: vec![Component {
                    kind: "application",
                    name: "skillyard".to_owned(),
                    version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                    ..Component::default()
                }],
            },
            component: Component {
                kind: "application",
                bom_ref: Some(root.clone()),
                publisher: Some(publisher.to_owned()),
                name: manifest.name.trim().to_owned(),
                version: Some(manifest.version.trim().to_owned()),
                description: manifest.operator.summary.clone(),
                purl: Some(root),
                properties: vec![property("skillyard:skill_id", id)],
                ..Component::default()
            },
        },
        components,
        dependencies,
    };
    // The number names this very content: equal SBOMs have equal numbers, others never.
    bom.serial_number = uuid(&sha256(&serde_json::to_vec(&bom)?));
    let mut bytes = serde_json::to_vec_pretty(&bom)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A UUID of version 8 (RFC 9562, section 5.8) from the first 16 bytes of a hash, as a URN.
fn uuid(hash: &[u8; 32]) -> String {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let parts: Vec<String> = [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().map(|part| hex(&bytes[part])).collect();
    format!("urn:uuid:{}", parts.join("-"))
}

fn property(name: &str, value: impl Into<String>) -> Property {
    Property { name: name.to_owned(), value: value.into() }
}

/// The name of a file's component inside the SBOM.
fn file_ref(file: &File<'_>) -> String {
    format!("file:{}", file.path)
}

fn of_file(file: &File<'_>) -> Component {
    Component {
        bom_ref: Some(file_ref(file)),
        name: file.path.to_owned(),
        hashes: vec![Hash { alg: "SHA-256", content: hex(&file.sha256) }],
        properties: vec![property("skillyard:bytes", file.bytes.to_string())],
        ..Component::default()
    }
}

fn module(file: &File<'_>, facts: &ModuleFacts) -> Component {
    let mut component = of_file(file);
    component.kind = if facts.is_program { "application" } else { "library" };
    component.mime_type = Some("application/wasm");
    let properties = &mut component.properties;
    properties.extend(facts.kind.map(|kind| property("skillyard:wasm:kind", kind)));
    for (field, name, version) in facts.producers.iter().take(MAX_IMPORTS) {
        let value = if version.is_empty() { cut(name) } else { format!("{} {}", cut(name), cut(version)) };
        properties.push(Property { name: format!("skillyard:wasm:producers:{}", cut(field)), value });
    }
    properties.extend(facts.imports.iter().take(MAX_IMPORTS).map(|name| property("skillyard:wasm:import", cut(name))));
    if let Some(more @ 1..) = facts.imports.len().checked_sub(MAX_IMPORTS) {
        properties.push(property("skillyard:wasm:imports_not_listed", more.to_string()));
    }
    component
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

/// The packages of all modules, each once.
#[derive(Default)]
struct Packages {
    /// By the name of the component inside the SBOM.
    known: BTreeMap<String, PackageFacts>,
    /// The bytes of the names that the SBOM will repeat.
    bytes: u64,
}

struct PackageFacts {
    name: String,
    version: String,
    from_crates_io: bool,
    source: String,
    build_only: bool,
    depends_on: std::collections::BTreeSet<String>,
}

impl Packages {
    /// Adds those of a module; gives the names of what the module itself is made of.
    fn add(&mut self, facts: &ModuleFacts) -> Result<Vec<String>, GenerateError> {
        let list = facts.dependencies.as_slice();
        let mut references = Vec::with_capacity(list.len());
        for package in list {
            let reference = package_ref(package);
            // Of what several modules list the document tells once.
            if !self.known.contains_key(&reference) {
                take(&mut self.bytes, &reference)?;
            }
            references.push(reference);
        }
        for (package, reference) in list.iter().zip(&references) {
            let Self { known, bytes } = self;
            // In an SBOM each takes more than 420 bytes.
            if known.len() >= MAX_PACKAGES && !known.contains_key(reference) {
                return Err(GenerateError::TooLarge);
            }
            let known = known.entry(reference.clone()).or_insert_with(|| PackageFacts {
                name: cut(&package.name),
                version: cut(&package.version),
                from_crates_io: package.source == "crates.io",
                source: cut(&package.source),
                build_only: true,
                depends_on: std::collections::BTreeSet::new(),
            });
            known.build_only &= package.build_only;
            for other in package.dependencies.iter().filter_map(|&place| references.get(place)) {
                if other != reference && !known.depends_on.contains(other) {
                    take(bytes, other)?;
                    known.depends_on.insert(other.clone());
                }
            }
        }
        let roots =
            list.iter().zip(&references).filter(|(package, _)| package.root).map(|(_, reference)| reference.clone());
        let mut roots: Vec<String> = roots.collect();
        if roots.is_empty() {
            // Nothing says what the module is: it is made of all of them.
            roots = references;
        }
        roots.sort_unstable();
        roots.dedup();
        Ok(roots)
    }
}

/// Counts a name that the SBOM will have, so that few long names are not repeated into hundreds of megabytes.
fn take(bytes: &mut u64, reference: &str) -> Result<(), GenerateError> {
    *bytes += reference.len() as u64;
    if *bytes > MAX_DOCUMENT_BYTES { Err(GenerateError::TooLarge) } else { Ok(()) }
}

fn package_ref(package: &Dependency) -> String {
    let (name, version) = (cut(&package.name), cut(&package.version));
    let address = purl("cargo", None, &name, &version);
    if package.source == "crates.io" { address } else { format!("{address}#{}", escape(&cut(&package.source))) }
}

impl PackageFacts {
    fn component(self: &PackageFacts, reference: &str) -> Component {
        Component {
            kind: "library",
            bom_ref: Some(reference.to_owned()),
            name: self.name.clone(),
            version: Some(self.version.clone()),
            scope: Some(if self.build_only { "excluded" } else { "required" }),
            // An address of a package says where it can be had, which only crates.io does.
            purl: self.from_crates_io.then(|| reference.to_owned()),
            properties: vec![property("skillyard:cargo:source", self.source.clone())],
            ..Component::default()
        }
    }
}

/// A package's address.
fn purl(kind: &str, namespace: Option<&str>, name: &str, version: &str) -> String {
    let namespace = namespace.map(|namespace| format!("{}/", escape(namespace))).unwrap_or_default();
    format!("pkg:{kind}/{namespace}{}@{}", escape(name), escape(version))
}

/// Percent-encodes what a part of a purl must not hold as it is.
fn escape(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex(&[byte]).to_uppercase());
        }
    }
    out
}
