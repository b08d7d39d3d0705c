//! Packaging: files in, a signed artifact out.
//!
//! The same files and the same key give the same bytes; of the moment of signing only `signature.json` speaks.

mod archive;
mod rules;
pub mod secrets;

use std::{
    collections::{BTreeMap, BTreeSet},
    error, fmt,
};

use serde::Serialize;
use skillyard_manifest::{
    Options, Severity,
    document::Document,
    grammar::{self, Version},
    model::{IntegrityFile, Manifest},
    plain, quoted,
};

use crate::{
    Cancelled, ErrorKind, Finding, Progress, audit,
    integrity::{self, hex, sha256},
    keys::SigningKey,
    limits::{
        MAX_ARCHIVE_BYTES, MAX_DOCUMENT_BYTES, MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_MANIFEST_BYTES, MAX_MANIFEST_ITEMS,
        MAX_TOTAL_BYTES,
    },
    module, path,
    provenance::{self, FactFault, Facts, ProvenanceFault},
    sbom::{self, ModuleFacts, SbomFault},
    signature,
    timestamp::MAX_UNIX_MS,
    trust::TrustStore,
    verify::{PREAMBLES, VerifyOptions, verify},
};

pub use rules::{CHANGED_SOURCE, FAMILY};

/// A file for an artifact: its path and its content. The path may leave out the `modules/` or `assets/` in front.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct File<'a> {
    /// Its path, with `/` between folders.
    pub path: &'a str,
    /// Its content.
    pub content: &'a [u8],
}

/// What goes into an artifact.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The text of `skill.toml`. Its `integrity` is filled anew.
    pub manifest: &'a str,
    /// The WebAssembly modules, at least one.
    pub modules: Vec<File<'a>>,
    /// Any other files.
    pub assets: Vec<File<'a>>,
    /// The SBOM. One is made where it is not given.
    pub sbom: Option<&'a [u8]>,
    /// The provenance. One is made where it is not given.
    pub provenance: Option<&'a [u8]>,
    /// What the SBOM and the provenance that are made here say about the build.
    pub facts: Facts,
    /// The moment of signing.
    pub signed_at_unix_ms: i64,
    /// The version of the daemon that it is made for.
    pub palyra: Version,
}

/// An artifact, made and verified.
#[derive(Clone, Debug)]
pub struct Packaged {
    /// The archive.
    pub bytes: Vec<u8>,
    /// What was made.
    pub report: Report,
    /// What is worth a look, though it keeps nobody from packaging.
    pub findings: Vec<Finding>,
}

/// What was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// Where it was written, for whoever writes it.
    pub artifact: Option<String>,
    /// The skill.
    pub skill_id: String,
    /// Its publisher.
    pub publisher: String,
    /// Its version.
    pub version: String,
    /// The hash that is signed.
    pub payload_sha256: String,
    /// The key that signed.
    pub key_id: String,
    /// The size of the archive.
    pub bytes: u64,
    /// What is inside, in order.
    pub entries: Vec<Entry>,
}

/// A file in an artifact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Entry {
    /// Its path.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
}

/// Why there is no artifact.
#[derive(Debug)]
pub enum PackageError {
    /// The manifest does not do.
    Manifest {
        /// What a daemon says; `None` where Skillyard alone refuses.
        error_kind: Option<ErrorKind>,
        /// How many errors it has.
        errors: usize,
        /// The first of them.
        first: String,
        /// The line of the first, from 1.
        line: usize,
    },
    /// The manifest nests deeper than an artifact's manifest may.
    ManifestTooDeep {
        /// How deep.
        depth: usize,
    },
    /// The manifest has more lines, commas and braces than an artifact's manifest may have.
    ManifestTooLong {
        /// How many, as it would be packaged.
        items: usize,
    },
    /// The manifest holds what cannot be written again.
    ManifestUnwritable {
        /// What the writer said.
        message: String,
    },
    /// The files do not do.
    Refused(Vec<Finding>),
    /// The SBOM that was given does not do.
    Sbom(SbomFault),
    /// The provenance that was given does not do.
    Provenance(ProvenanceFault),
    /// A document names a key twice.
    RepeatedKey {
        /// Its name in the artifact.
        document: &'static str,
    },
    /// A fact about the build does not do.
    Fact(FactFault),
    /// The moment of signing is outside the years 1970 to 9999.
    SignedAt {
        /// What was given.
        unix_ms: i64,
    },
    /// The archive could not be written.
    Write(String),
    /// What was written does not verify.
    NotVerified {
        /// Why not.
        message: String,
    },
    /// The person ended it.
    Cancelled,
}

impl From<Cancelled> for PackageError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl PackageError {
    /// What a daemon's own builder would say; `None` where it would build, and where there is nothing to say.
    #[must_use]
    pub fn error_kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Manifest { error_kind, .. } => *error_kind,
            Self::ManifestUnwritable { .. } => Some(ErrorKind::Serialization),
            Self::Refused(findings) => findings.iter().find_map(|finding| rules::error_kind(finding.rule)),
            Self::Sbom(_) => Some(ErrorKind::InvalidSbom),
            Self::Provenance(_) => Some(ErrorKind::InvalidProvenance),
            Self::Write(_) => Some(ErrorKind::Zip),
            Self::ManifestTooDeep { .. }
            | Self::ManifestTooLong { .. }
            | Self::RepeatedKey { .. }
            | Self::Fact(_)
            | Self::SignedAt { .. }
            | Self::NotVerified { .. }
            | Self::Cancelled => None,
        }
    }
}

impl fmt::Display for PackageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest { errors, first, line, .. } => write!(
                f,
                "the manifest has {errors} error{}, first in line {line}: {first}. `skillyard check` shows where and why",
                if *errors == 1 { "" } else { "s" }
            ),
            Self::ManifestTooDeep { depth } => {
                write!(f, "the manifest nests {depth} tables and arrays deep, and at most {MAX_DEPTH} can be packaged")
            }
            Self::ManifestTooLong { items } => write!(
                f,
                "the manifest comes to {items} lines, commas and braces when it is packaged, and may have \
                 {MAX_MANIFEST_ITEMS}: shorten its longest lists, as the `enum` of a schema (a `pattern` may say the same)"
            ),
            Self::ManifestUnwritable { message } => write!(f, "the manifest cannot be packaged: {message}"),
            Self::Refused(findings) => match findings.as_slice() {
                [] => f.write_str("the files cannot be packaged"),
                [one] => f.write_str(&one.message),
                [first, more @ ..] => write!(f, "{} (and {} more)", first.message, more.len()),
            },
            Self::Sbom(fault) => fault.fmt(f),
            Self::Provenance(fault) => fault.fmt(f),
            Self::RepeatedKey { document } => write!(
                f,
                "`{document}` names a key twice in one object, so two readers may read two documents, or has too many \
                 keys to tell: write each key once, and at most 262144"
            ),
            Self::Fact(fault) => fault.fmt(f),
            Self::SignedAt { unix_ms } => write!(
                f,
                "the moment of signing ({unix_ms} ms) is not between the years 1970 and 9999: set the clock or \
                 SOURCE_DATE_EPOCH right"
            ),
            Self::Write(message) => write!(f, "the archive cannot be written: {message}"),
            Self::NotVerified { message } => write!(f, "the artifact that was made does not verify: {message}"),
            Self::Cancelled => Cancelled.fmt(f),
        }
    }
}

impl error::Error for PackageError {}

/// Nesting that any thread's stack has room for, to read the manifest, write it and drop it.
const MAX_DEPTH: usize = 24;

const MANIFEST: &str = "skill.toml";
const SBOM: &str = "sbom.cdx.json";
const PROVENANCE: &str = "provenance.json";
const SIGNATURE: &str = "signature.json";

/// Packages and signs a skill, and verifies what was made.
///
/// # Errors
/// A [`PackageError`] that says what to change; nothing is made then.
pub fn package(inputs: &Inputs<'_>, key: &SigningKey, progress: &dyn Progress) -> Result<Packaged, PackageError> {
    if !(0..=MAX_UNIX_MS).contains(&inputs.signed_at_unix_ms) {
        return Err(PackageError::SignedAt { unix_ms: inputs.signed_at_unix_ms });
    }
    let mut manifest = read_manifest(inputs.manifest, inputs.palyra)?;
    let mut files = Files::default();
    inputs.modules.iter().for_each(|file| files.add_module(file));
    inputs.assets.iter().for_each(|file| files.add_asset(file));
    files.check(&manifest);
    let total: u64 = files.placed.values().map(|(content, _)| content.len() as u64).sum();
    let mut done = 0;
    let mut hashed = Vec::with_capacity(files.placed.len());
    for (path, (content, is_module)) in &files.placed {
        progress.at("Reading", done, total)?;
        files.findings.extend(secrets::scan(path, content));
        files.findings.extend(signing_key(key, path, content));
        hashed.push((sbom::File { path, bytes: content.len() as u64, sha256: sha256(content) }, *is_module, *content));
        done += content.len() as u64;
    }
    for (name, content) in
        [(MANIFEST, Some(inputs.manifest.as_bytes())), (SBOM, inputs.sbom), (PROVENANCE, inputs.provenance)]
    {
        files.findings.extend(content.iter().flat_map(|content| secrets::scan(name, content)));
    }
    if files.findings.iter().any(|finding| finding.severity == Severity::Error) {
        files.findings.retain(|finding| finding.severity == Severity::Error);
        return Err(PackageError::Refused(files.findings));
    }

    let mut modules = Vec::new();
    let mut assets = Vec::new();
    let mut broken = Vec::new();
    for (file, is_module, content) in hashed {
        if !is_module {
            assets.push(file);
            continue;
        }
        let module = module::scan(content, progress)?;
        if let Some(fault) = &module.fault {
            let mut finding = audit::fault_finding(fault);
            finding.message = format!("{}: {}; build it again", quoted(file.path), finding.message);
            broken.push(finding.in_entry(file.path));
        }
        let entrypoint = manifest.operator.plugin.default_entrypoint.as_deref().unwrap_or("run");
        modules.push((file, ModuleFacts::of(&module, entrypoint)));
    }
    // No engine would load them, and an audit fails them: a signature would be for nothing.
    if !broken.is_empty() {
        return Err(PackageError::Refused(broken));
    }
    let (sbom, provenance) = documents(inputs, &manifest, &modules, &assets)?;

    let mut entries: BTreeMap<&str, &[u8]> =
        files.placed.iter().map(|(path, (content, _))| (path.as_str(), *content)).collect();
    entries.insert(SBOM, &sbom);
    entries.insert(PROVENANCE, &provenance);
    let list =
        |(path, content): (&&str, &&[u8])| IntegrityFile { path: (*path).to_owned(), sha256: hex(&sha256(content)) };
    manifest.integrity.files = entries.iter().map(list).collect();
    let text = write_manifest(&manifest)?;
    let items = crate::manifest::items(text.as_bytes());
    if items > MAX_MANIFEST_ITEMS {
        return Err(PackageError::ManifestTooLong { items });
    }
    entries.insert(MANIFEST, text.as_bytes());
    // The others were looked at with their files. Of the manifest what is written counts: comments are not packaged.
    let made = [(MANIFEST, text.as_bytes()), (SBOM, &sbom), (PROVENANCE, &provenance)];
    let held: Vec<_> = made.iter().filter_map(|(path, content)| signing_key(key, path, content)).collect();
    if !held.is_empty() {
        return Err(PackageError::Refused(held));
    }

    let payload = integrity::payload_hash(entries.iter().map(|(path, content)| (*path, *content)));
    let sign = |message: &[u8]| key.sign(message);
    let signature =
        signature::sign(&manifest.publisher, &payload, key.public(), inputs.signed_at_unix_ms, sign).to_json();
    entries.insert(SIGNATURE, signature.as_bytes());
    limits(&entries)?;
    let bytes = archive::write(&entries, progress)?;
    if bytes.len() as u64 > MAX_ARCHIVE_BYTES {
        let message =
            format!("the archive comes to {} bytes, and may have {MAX_ARCHIVE_BYTES}: leave assets out", bytes.len());
        return Err(PackageError::Refused(vec![Finding::new(&rules::TOO_LARGE, message)]));
    }
    verified(&bytes, inputs, &manifest, key, &mut files.findings, progress)?;
    let report = Report {
        artifact: None,
        skill_id: manifest.skill_id.clone(),
        publisher: manifest.publisher.clone(),
        version: manifest.version.clone(),
        payload_sha256: hex(&payload),
        key_id: key.public().id(),
        bytes: bytes.len() as u64,
        entries: entries
            .iter()
            .map(|(path, content)| Entry {
                path: (*path).to_owned(),
                bytes: content.len() as u64,
                sha256: hex(&sha256(content)),
            })
            .collect(),
    };
    Ok(Packaged { bytes, report, findings: files.findings })
}

/// Whether the key that signs stands in an entry, or in its path, which is not repeated then.
fn signing_key(key: &SigningKey, path: &str, content: &[u8]) -> Option<Finding> {
    if key.stands_in(path.as_bytes()) {
        let message = "the path of a file holds the key that signs: rename it, and make a new key if it was shown";
        return Some(Finding::new(&rules::SIGNING_KEY, message));
    }
    let message =
        || format!("{} holds the key that signs: take it out, and make a new key if it was shown", quoted(path));
    key.stands_in(content).then(|| Finding::new(&rules::SIGNING_KEY, message()).in_entry(path))
}

/// Reads what was written as whoever trusts the key would.
fn verified(
    bytes: &[u8],
    inputs: &Inputs<'_>,
    manifest: &Manifest,
    key: &SigningKey,
    findings: &mut Vec<Finding>,
    progress: &dyn Progress,
) -> Result<(), PackageError> {
    let trusted = BTreeMap::from([(manifest.publisher.trim().to_owned(), BTreeSet::from([key.public()]))]);
    let trust = TrustStore { trusted, ..TrustStore::default() };
    let options = VerifyOptions { trust: &trust, allow_tofu: false, palyra: inputs.palyra };
    let verification = verify(bytes, &options, progress)?;
    if !verification.accepted || !verification.daemon_accepts {
        return Err(PackageError::NotVerified { message: verification.error.unwrap_or_default() });
    }
    findings.extend(verification.findings);
    Ok(())
}

/// Reads the manifest that is packaged: nothing in it may be an error.
fn read_manifest(text: &str, palyra: Version) -> Result<Manifest, PackageError> {
    let options = Options { palyra_version: palyra, ..Options::default() };
    let analysis = skillyard_manifest::analyze(text, &options);
    let kind = analysis.daemon.error_kind.or(analysis.daemon.compat_error_kind).map(ErrorKind::from);
    let mut errors = analysis.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    if let Some(first) = errors.next() {
        let before = text.as_bytes().get(..first.span.start).unwrap_or_default();
        return Err(PackageError::Manifest {
            error_kind: kind,
            errors: 1 + errors.count(),
            first: first.message.clone(),
            line: 1 + before.iter().filter(|&&byte| byte == b'\n').count(),
        });
    }
    let refused = |message: String| PackageError::Manifest { error_kind: kind, errors: 1, first: message, line: 1 };
    if let Some(kind) = kind {
        return Err(refused(format!("a daemon refuses it: {kind}")));
    }
    let depth = Document::parse(text).depth;
    if depth > MAX_DEPTH {
        return Err(PackageError::ManifestTooDeep { depth });
    }
    toml::from_str(text).map_err(|error| refused(plain(error.message())))
}

/// Writes the manifest as a daemon's builder does: the typed manifest, in the order of its fields, keys of schemas sorted.
fn write_manifest(manifest: &Manifest) -> Result<String, PackageError> {
    let unwritable = |message: String| PackageError::ManifestUnwritable { message };
    let mut sorted = manifest.clone();
    for tool in &mut sorted.entrypoints.tools {
        sort_keys(&mut tool.input_schema);
        sort_keys(&mut tool.output_schema);
    }
    let text = toml::to_string_pretty(&sorted).map_err(|error| {
        unwritable(format!(
            "a schema holds a value that TOML cannot write again, as `nan`: {}",
            plain(&error.to_string())
        ))
    })?;
    // What it says must not change on the way: a schema's `nan` reads as nothing, and would be dropped.
    match toml::from_str::<Manifest>(&text) {
        Ok(again) if again == *manifest => Ok(text),
        _ => {
            Err(unwritable("a schema holds a value that JSON does not know, as `nan` or `inf`: take it out".to_owned()))
        }
    }
}

/// Sorts the keys of objects, whatever order this build of the JSON crate keeps them in.
fn sort_keys(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) => items.iter_mut().for_each(sort_keys),
        serde_json::Value::Object(object) => {
            let mut sorted: BTreeMap<String, serde_json::Value> = std::mem::take(object).into_iter().collect();
            sorted.values_mut().for_each(sort_keys);
            object.extend(sorted);
        }
        _ => {}
    }
}

/// The files at their places.
#[derive(Default)]
struct Files<'a> {
    placed: BTreeMap<String, (&'a [u8], bool)>,
    findings: Vec<Finding>,
}

impl<'a> Files<'a> {
    fn add_module(&mut self, file: &File<'a>) {
        if !file.path.ends_with(".wasm") {
            let message =
                format!("the module {} does not end in `.wasm`: a daemon would not see it as one", quoted(file.path));
            self.findings.push(Finding::new(&rules::MODULE_NAME, message).in_entry(file.path));
            return;
        }
        if !is_wasm(file.content) {
            let message = match file.content.trim_ascii_start().first() {
                Some(b'(' | b';') => {
                    format!("the module {} is WebAssembly text: build it with `wat2wasm`", quoted(file.path))
                }
                None => format!("the module {} is empty", quoted(file.path)),
                Some(_) => {
                    format!("the module {} is no WebAssembly binary: give what the compiler made", quoted(file.path))
                }
            };
            self.findings.push(Finding::new(&crate::manifest::NOT_WASM, message).in_entry(file.path));
        }
        self.add("modules/", file, true);
    }

    fn add_asset(&mut self, file: &File<'a>) {
        self.add("assets/", file, false);
    }

    fn add(&mut self, folder: &str, file: &File<'a>, is_module: bool) {
        let inside = file.path.strip_prefix(folder).unwrap_or(file.path);
        if let Some(fault) = grammar::path_fault(inside) {
            let fault = path::fault_text(fault);
            let message = format!("{} is no path for an artifact: {fault}", quoted(file.path));
            self.findings.push(Finding::new(&path::INVALID, message).in_entry(file.path));
            return;
        }
        let path = format!("{folder}{inside}");
        path::check(&path, &mut self.findings);
        if file.content.len() as u64 > MAX_ENTRY_BYTES {
            let message =
                format!("{} has {} bytes, and a file may have {MAX_ENTRY_BYTES}", quoted(&path), file.content.len());
            self.findings.push(Finding::new(&rules::FILE_TOO_LARGE, message).in_entry(&path));
        }
        if self.placed.contains_key(&path) {
            let message = format!("two files are to be {}: rename one", quoted(&path));
            self.findings.push(Finding::new(&rules::DUPLICATE, message).in_entry(&path));
            return;
        }
        self.placed.insert(path, (file.content, is_module));
    }

    /// What the files are together, and beside the manifest.
    fn check(&mut self, manifest: &Manifest) {
        path::check_all(self.placed.keys().map(String::as_str), &mut self.findings);
        if !self.placed.values().any(|(_, is_module)| *is_module) && self.findings.is_empty() {
            let message = "there is no module: a skill needs at least one file that ends in `.wasm`";
            self.findings.push(Finding::new(&rules::NO_MODULE, message));
        }
        // The SBOM, the provenance, the manifest and the signature come to them.
        let entries = self.placed.len() + 4;
        if entries > MAX_ENTRIES {
            let message =
                format!("the artifact comes to {entries} files, and may have {MAX_ENTRIES}: pack assets together");
            self.findings.push(Finding::new(&rules::TOO_MANY_FILES, message));
        }
        if let Some(path) = manifest.operator.plugin.default_module_path.as_deref()
            && !self.placed.contains_key(path)
        {
            let message = format!("the manifest names the module {}, which is not packaged", quoted(path));
            let finding = Finding::new(&skillyard_manifest::rules::audit::DEFAULT_MODULE_MISSING, message);
            self.findings.push(finding.see("operator.plugin.default_module_path", "name one of the packaged modules"));
        }
    }
}

/// Whether `content` starts as WebAssembly's binary format does, module or component.
fn is_wasm(content: &[u8]) -> bool {
    PREAMBLES.iter().any(|preamble| content.starts_with(*preamble))
}

/// What the files come to with those that packaging adds.
fn limits(entries: &BTreeMap<&str, &[u8]>) -> Result<(), PackageError> {
    let mut findings = Vec::new();
    for (path, content) in entries {
        let limit = match *path {
            MANIFEST => MAX_MANIFEST_BYTES,
            SBOM | PROVENANCE => MAX_DOCUMENT_BYTES,
            _ => MAX_ENTRY_BYTES,
        };
        if content.len() as u64 > limit {
            let message = format!("{} has {} bytes, and may have {limit}", quoted(path), content.len());
            findings.push(Finding::new(&rules::FILE_TOO_LARGE, message).in_entry(path));
        }
    }
    let total: u64 = entries.values().map(|content| content.len() as u64).sum();
    if total > MAX_TOTAL_BYTES {
        let message =
            format!("the files come to {total} bytes, and may have {MAX_TOTAL_BYTES} together: leave assets out");
        findings.push(Finding::new(&rules::TOO_LARGE, message));
    }
    if findings.is_empty() { Ok(()) } else { Err(PackageError::Refused(findings)) }
}

/// The SBOM and the provenance: those that were given, or new ones.
fn documents(
    inputs: &Inputs<'_>,
    manifest: &Manifest,
    modules: &[(sbom::File<'_>, ModuleFacts)],
    assets: &[sbom::File<'_>],
) -> Result<(Vec<u8>, Vec<u8>), PackageError> {
    let sbom = match inputs.sbom {
        Some(given) => given.to_vec(),
        None => {
            let built_at_unix_ms = inputs.facts.built_at_unix_ms;
            sbom::generate(&sbom::Skill { manifest, modules, assets, built_at_unix_ms }).map_err(
                |error| match error {
                    sbom::GenerateError::TooLarge => PackageError::Refused(vec![
                        Finding::new(&rules::FILE_TOO_LARGE, error.to_string()).in_entry(SBOM),
                    ]),
                    sbom::GenerateError::Json(_) => PackageError::Write(error.to_string()),
                },
            )?
        }
    };
    sbom::check(&sbom).map_err(PackageError::Sbom)?;
    if sbom::has_repeated_keys(&sbom).map_err(PackageError::Sbom)? {
        return Err(PackageError::RepeatedKey { document: SBOM });
    }
    let provenance = match inputs.provenance {
        Some(given) => given.to_vec(),
        None => {
            let modules: Vec<_> = modules.iter().map(|(file, _)| file.clone()).collect();
            provenance::generate(manifest, &modules, assets, &inputs.facts).map_err(|error| match error {
                provenance::GenerateError::Fact(fault) => PackageError::Fact(fault),
                provenance::GenerateError::Json(error) => PackageError::Write(error.to_string()),
            })?
        }
    };
    provenance::check(&provenance).map_err(PackageError::Provenance)?;
    if provenance::has_repeated_keys(&provenance).map_err(PackageError::Provenance)? {
        return Err(PackageError::RepeatedKey { document: PROVENANCE });
    }
    Ok((sbom, provenance))
}
