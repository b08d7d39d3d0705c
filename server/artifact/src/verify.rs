//! Verification from bytes to a verdict, in a daemon's order, with what Skillyard demands beyond.
//!
//! [`open`] does everything but ask whom the person trusts; [`Opened::decide`] asks that. [`verify`] is both.

use std::{borrow::Cow, thread};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};
use skillyard_manifest::{
    Grants, PolicyBinding, Severity, Warning, grammar::Version, model::Manifest, plain, quoted, rules::Rule,
};

use crate::{
    Cancelled, ErrorKind, Finding, Progress,
    container::Container,
    entries::{ContentFault, Entries, Entry, Refusal},
    integrity::{self, SIGNATURE_PATH},
    limits::{MAX_DOCUMENT_BYTES, MAX_ENTRY_BYTES, MAX_MANIFEST_BYTES, MAX_MANIFEST_ITEMS, MAX_SIGNATURE_BYTES},
    manifest::{self, Facts},
    provenance, sbom,
    signature::{self, Signature},
    trust::{self, Likeness, PublicKey, TrustDecision, TrustStore},
};

/// From here on an archive is read on two threads, in bytes.
const PARALLEL_BYTES: usize = 256 << 10;
/// The names of the two documents about how the skill was built.
const SBOM_PATH: &str = "sbom.cdx.json";
const PROVENANCE_PATH: &str = "provenance.json";

/// The eight bytes that a WebAssembly module or component starts with.
pub(crate) const PREAMBLES: [&[u8; 8]; 2] = [b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"];

/// What the caller decides about a verification.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions<'o> {
    /// Whom the person trusts. It is not changed: pinning is the caller's, once everything else has held.
    pub trust: &'o TrustStore,
    /// Whether an unknown publisher is trusted on first use.
    pub allow_tofu: bool,
    /// The version of the daemon that the skill is for.
    pub palyra: Version,
}

/// An artifact whose signature holds, for a publisher that nobody was asked about.
#[derive(Debug)]
pub struct SignedArtifact<'a> {
    entries: Entries<'a>,
    manifest: Box<Manifest>,
    manifest_text: String,
    key: PublicKey,
    payload: [u8; 32],
}

impl<'a> SignedArtifact<'a> {
    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The manifest's text, as it is signed.
    #[must_use]
    pub fn manifest_text(&self) -> &str {
        &self.manifest_text
    }

    /// The modules in the order of their paths, each inflated when its turn comes: together they may be larger than
    /// what anyone wants in memory at once.
    pub fn modules(&self) -> impl Iterator<Item = (&str, Cow<'a, [u8]>)> {
        self.entries.iter().filter(|(path, _)| path.is_module()).filter_map(|(path, entry)| {
            // What was listed was inflated once and does so again.
            Some((path.as_str(), self.entries.content(entry, MAX_ENTRY_BYTES).ok()?))
        })
    }

    /// All entries.
    #[must_use]
    pub fn entries(&self) -> &Entries<'a> {
        &self.entries
    }

    /// The content of the entry at `path`.
    #[must_use]
    pub fn entry(&self, path: &str) -> Option<Cow<'a, [u8]>> {
        self.entries.content(self.entries.get(path)?, MAX_ENTRY_BYTES).ok()
    }

    /// The publisher, the same in manifest and signature.
    #[must_use]
    pub fn publisher(&self) -> &str {
        &self.manifest.publisher
    }

    /// The key that signed.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// The SHA-256 over everything that is signed.
    #[must_use]
    pub fn payload_sha256(&self) -> [u8; 32] {
        self.payload
    }
}

/// An artifact that is whole, signed, trusted and for this daemon. Only [`Opened::decide`] makes one.
#[derive(Debug)]
pub struct VerifiedArtifact<'a> {
    signed: SignedArtifact<'a>,
    decision: TrustDecision,
}

impl<'a> VerifiedArtifact<'a> {
    /// Why the key is trusted. A first use is to be pinned by the caller, once the audit has passed too.
    #[must_use]
    pub fn trust_decision(&self) -> TrustDecision {
        self.decision
    }
}

impl<'a> std::ops::Deref for VerifiedArtifact<'a> {
    type Target = SignedArtifact<'a>;

    fn deref(&self) -> &SignedArtifact<'a> {
        &self.signed
    }
}

/// One entry in a report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListedEntry {
    /// The path as a daemon reads it.
    pub path: String,
    /// The size of the content.
    pub bytes: u64,
    /// The SHA-256 of the content in hex.
    pub sha256: String,
}

/// Everything about an artifact but whether its publisher is trusted. Also of a broken one: what is known is there.
#[derive(Debug)]
pub struct Opened<'a> {
    /// What Skillyard says, in the order of reading.
    pub findings: Vec<Finding>,
    /// Why a daemon refuses, before it asks for trust.
    pub refusal: Option<Refusal>,
    /// What `signature.json` says. Nothing of it is proven while there is a refusal.
    pub signature: Option<Signature>,
    /// The artifact, where its signature holds and nothing speaks against it; else its entries alone.
    pub content: Content<'a>,
    /// The manifest of what is not proven.
    manifest: Option<Box<Manifest>>,
    facts: Option<Facts>,
    key: Option<PublicKey>,
    payload: Option<[u8; 32]>,
}

/// What an opened artifact gives access to.
#[derive(Debug)]
pub enum Content<'a> {
    /// Everything holds but trust.
    Signed(SignedArtifact<'a>),
    /// Something is wrong: entries of an archive that may be anything.
    Unproven(Entries<'a>),
}

impl<'a> Content<'a> {
    /// The entries, whatever they are worth.
    #[must_use]
    pub fn entries(&self) -> &Entries<'a> {
        match self {
            Self::Signed(signed) => &signed.entries,
            Self::Unproven(entries) => entries,
        }
    }
}

impl Opened<'_> {
    /// The manifest, of a proven artifact or not; `None` where a daemon refuses it, or where it is too unwieldy to be
    /// handed out.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        match &self.content {
            Content::Signed(signed) => Some(&signed.manifest),
            Content::Unproven(_) => self.manifest.as_deref(),
        }
    }

    /// The publisher that the manifest names.
    #[must_use]
    pub fn publisher(&self) -> Option<&str> {
        self.facts.as_ref().map(|facts| facts.publisher.as_str())
    }

    /// The key that `signature.json` names, whether it signed or not.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        self.key
    }

    /// The SHA-256 over everything that a signature covers.
    #[must_use]
    pub fn payload_sha256(&self) -> Option<[u8; 32]> {
        self.payload
    }
}

/// The verdict on an artifact, and all that is known about it. Serializes as a `verify` report.
#[derive(Debug)]
pub struct Verification<'a> {
    /// Whether Skillyard accepts it. Never where a daemon does not.
    pub accepted: bool,
    /// Whether a daemon alone would accept it.
    pub daemon_accepts: bool,
    /// Why a daemon would not.
    pub daemon_error_kind: Option<ErrorKind>,
    /// Why Skillyard does not: a daemon's own kind, else the nearest one.
    pub error_kind: Option<ErrorKind>,
    /// Why Skillyard does not, in words.
    pub error: Option<String>,
    /// What a daemon would decide about the publisher, also where only Skillyard refuses.
    pub trust_decision: Option<TrustDecision>,
    /// The SHA-256 over everything that a signature covers, in hex.
    pub payload_sha256: Option<String>,
    /// The manifest's publisher. Proven only where the artifact is accepted; so are all that follow.
    pub publisher: Option<String>,
    /// The manifest's skill id.
    pub skill_id: Option<String>,
    /// The manifest's version.
    pub version: Option<String>,
    /// The id of the key that `signature.json` names.
    pub key_id: Option<String>,
    /// The key that `signature.json` names.
    pub public_key: Option<PublicKey>,
    /// What `signature.json` says about when it was signed. Never proven: the signature does not cover it.
    pub signed_at_unix_ms: Option<i64>,
    /// A daemon's warnings about the manifest.
    pub manifest_warnings: Vec<Warning>,
    /// What the manifest is granted.
    pub grants: Option<Grants>,
    /// What policy decides about.
    pub policy_bindings: Option<Vec<PolicyBinding>>,
    /// What Skillyard says. An error keeps it from accepting.
    pub findings: Vec<Finding>,
    /// The entries that read.
    pub entries: Vec<ListedEntry>,
    /// The artifact, where it is accepted.
    pub artifact: Option<VerifiedArtifact<'a>>,
}

/// Verifies an artifact.
///
/// # Errors
/// [`Cancelled`], where `progress` ends the work.
pub fn verify<'a>(
    bytes: &'a [u8],
    options: &VerifyOptions<'_>,
    progress: &dyn Progress,
) -> Result<Verification<'a>, Cancelled> {
    Ok(open(bytes, options.palyra, progress)?.decide(options.trust, options.allow_tofu))
}

/// Does everything that a verification does but ask for trust. `palyra` is the version of the daemon.
///
/// # Errors
/// [`Cancelled`], where `progress` ends the work.
pub fn open<'a>(bytes: &'a [u8], palyra: Version, progress: &dyn Progress) -> Result<Opened<'a>, Cancelled> {
    let container = Container::walk(bytes);
    progress.at("Reading", 0, bytes.len() as u64)?;
    let (streams, entries) = read(&container, progress)?;
    let payload = entries.payload_sha256();
    let findings = container.findings.into_iter().chain(streams).collect();
    let mut opening = Opening { findings, refusal: None, whole: entries.refusal().is_none() };
    if let Some(refusal) = entries.refusal() {
        opening.refuse(refusal.clone());
    }
    // From here on in a daemon's order, so that the first refusal is its own.
    let (facts, manifest, manifest_text) = match opening.file(&entries, manifest::PATH) {
        None => (None, None, None),
        Some(entry) => opening.manifest(&entries, entry, palyra),
    };
    opening.document(&entries, SBOM_PATH, ErrorKind::InvalidSbom, &manifest::SBOM, judged_sbom);
    opening.document(&entries, PROVENANCE_PATH, ErrorKind::InvalidProvenance, &manifest::PROVENANCE, judged_provenance);
    opening.modules(&entries);
    let signature = opening.signature(&entries);
    let key = signature.as_ref().and_then(|(signature, _)| signature.public_key());
    if let (Some((signature, text)), Some(payload), Some(facts)) = (&signature, &payload, &facts) {
        if let Err(refusal) = signature.verify(payload, &facts.publisher) {
            opening.refuse(refusal);
        }
        opening.findings.extend(signature.faults(text, payload));
    }
    if let Some(facts) = &facts {
        if opening.whole
            && let Err(refusal) = integrity::verify(&facts.listed, &entries)
        {
            opening.refuse(refusal);
        }
        opening.findings.extend(integrity::faults(&facts.listed));
        if let Err(refusal) = &facts.compat {
            opening.refuse(refusal.clone());
        }
    }
    let Opening { findings, refusal, .. } = opening;
    let sound = refusal.is_none() && !has_error(&findings);
    let (content, manifest) = match (manifest, manifest_text, key, payload) {
        (Some(manifest), Some(manifest_text), Some(key), Some(payload)) if sound => {
            (Content::Signed(SignedArtifact { entries, manifest, manifest_text, key, payload }), None)
        }
        (manifest, ..) => (Content::Unproven(entries), manifest),
    };
    let signature = signature.map(|(signature, _)| signature);
    Ok(Opened { findings, refusal, signature, content, manifest, facts, key, payload })
}

/// Whether an SBOM that a daemon takes names a key twice; else why a daemon refuses it.
fn judged_sbom(bytes: &[u8]) -> Result<bool, String> {
    sbom::check(bytes).and_then(|()| sbom::has_repeated_keys(bytes)).map_err(|fault| fault.to_string())
}

/// Whether a provenance that a daemon takes names a key twice; else why a daemon refuses it.
fn judged_provenance(bytes: &[u8]) -> Result<bool, String> {
    provenance::check(bytes).and_then(|()| provenance::has_repeated_keys(bytes)).map_err(|fault| fault.to_string())
}

/// What is wrong with the streams of an archive, and its entries: two looks at the same bytes that need nothing of each
/// other, and take about as long. At once where that is worth a thread.
fn read<'a>(container: &Container<'a>, progress: &dyn Progress) -> Result<(Vec<Finding>, Entries<'a>), Cancelled> {
    if container.bytes.len() < PARALLEL_BYTES {
        return Ok((container.streams(), Entries::read(container, progress)?));
    }
    thread::scope(|scope| {
        let streams = thread::Builder::new().spawn_scoped(scope, || container.streams());
        let entries = Entries::read(container, progress);
        let streams = streams.ok().and_then(|streams| streams.join().ok()).unwrap_or_else(|| container.streams());
        Ok((streams, entries?))
    })
}

/// An artifact while it is opened.
struct Opening {
    findings: Vec<Finding>,
    /// The first thing that a daemon refuses.
    refusal: Option<Refusal>,
    /// Whether the archive read, so that what is not there is missing.
    whole: bool,
}

impl Opening {
    /// Tells a refusal once, and keeps the first.
    fn refuse(&mut self, refusal: Refusal) {
        let Refusal { finding, .. } = &refusal;
        let told = self.findings.iter().any(|told| {
            std::ptr::eq(told.rule, finding.rule) && (finding.entry.is_none() || told.entry == finding.entry)
        });
        if !told {
            self.findings.push(Finding::clone(finding));
        }
        self.refusal.get_or_insert(refusal);
    }

    /// A file that must be there.
    fn file<'e>(&mut self, entries: &'e Entries<'_>, path: &'static str) -> Option<&'e Entry> {
        let entry = entries.get(path);
        if entry.is_none() && self.whole {
            let finding = Finding::new(&manifest::MISSING, format!("the artifact has no `{path}`")).in_entry(path);
            self.refuse(Refusal::new(ErrorKind::MissingArtifactEntry, finding));
        }
        entry
    }

    /// The content of a file that is parsed, up to `limit`.
    fn read<'a>(
        &mut self,
        entries: &Entries<'a>,
        entry: &Entry,
        path: &str,
        limit: u64,
        kind: ErrorKind,
    ) -> Option<Cow<'a, [u8]>> {
        match entries.content(entry, limit) {
            Ok(content) => Some(content),
            Err(fault) => {
                let rule = match fault {
                    ContentFault::TooLarge => &manifest::DOCUMENT_TOO_LARGE,
                    ContentFault::Damaged | ContentFault::Checksum => &crate::container::UNREADABLE,
                };
                let message = format!("`{path}` has {} bytes and is read up to {limit}", entry.size);
                self.refuse(Refusal::new(kind, Finding::new(rule, message).in_entry(path)));
                None
            }
        }
    }

    fn manifest(
        &mut self,
        entries: &Entries<'_>,
        entry: &Entry,
        palyra: Version,
    ) -> (Option<Facts>, Option<Box<Manifest>>, Option<String>) {
        let kind = ErrorKind::ManifestParse;
        if entry.size > MAX_MANIFEST_BYTES {
            let message = format!("the manifest has {} bytes and is read up to {MAX_MANIFEST_BYTES}", entry.size);
            let finding = Finding::new(&manifest::MANIFEST_TOO_LARGE, message).in_entry(manifest::PATH);
            self.refuse(Refusal::new(kind, finding));
            return (None, None, None);
        }
        let Some(content) = self.read(entries, entry, manifest::PATH, MAX_MANIFEST_BYTES, kind) else {
            return (None, None, None);
        };
        let items = manifest::items(&content);
        if items > MAX_MANIFEST_ITEMS {
            let message =
                format!("the manifest has {items} lines, commas and braces, and is read up to {MAX_MANIFEST_ITEMS}");
            let finding = Finding::new(&manifest::MANIFEST_TOO_LARGE, message).in_entry(manifest::PATH);
            self.refuse(Refusal::new(kind, finding));
            return (None, None, None);
        }
        let manifest::Read { facts, manifest, findings } = manifest::read(&content, palyra);
        self.findings.extend(findings);
        let facts = facts.map_err(|refusal| self.refuse(refusal)).ok();
        (facts, manifest, String::from_utf8(content.into_owned()).ok())
    }

    fn document(
        &mut self,
        entries: &Entries<'_>,
        path: &'static str,
        kind: ErrorKind,
        rule: &'static Rule,
        judge: fn(&[u8]) -> Result<bool, String>,
    ) {
        let Some(entry) = self.file(entries, path) else { return };
        let Some(content) = self.read(entries, entry, path, MAX_DOCUMENT_BYTES, kind) else { return };
        match judge(&content) {
            Err(message) => self.refuse(Refusal::new(kind, Finding::new(rule, message).in_entry(path))),
            Ok(true) => {
                let message = format!(
                    "an object in `{path}` names a key twice, or has too many keys to tell: keep one of each, and fewer"
                );
                self.findings.push(Finding::new(&manifest::REPEATED_KEY, message).in_entry(path));
            }
            Ok(false) => {}
        }
    }

    fn modules(&mut self, entries: &Entries<'_>) {
        let mut any = false;
        for (path, entry) in entries.iter().filter(|(path, _)| path.is_module()) {
            any = true;
            if !PREAMBLES.iter().any(|preamble| entry.head == *preamble) {
                let message = format!(
                    "{} is no WebAssembly binary: it starts with {}",
                    quoted(&entry.raw_name),
                    if entry.head.is_empty() { "nothing".to_owned() } else { integrity::hex(&entry.head) }
                );
                let head = 0..entry.head.len() as u64;
                self.findings.push(Finding::new(&manifest::NOT_WASM, message).in_entry(path.as_str()).at(head));
            }
        }
        if !any && self.whole {
            let finding = Finding::new(
                &manifest::MISSING,
                "the artifact has no module: one below `modules/` that ends in `.wasm`",
            );
            self.refuse(Refusal::new(ErrorKind::MissingArtifactEntry, finding));
        }
    }

    /// `signature.json` and its bytes.
    fn signature<'a>(&mut self, entries: &Entries<'a>) -> Option<(Signature, Cow<'a, [u8]>)> {
        let kind = ErrorKind::Serialization;
        let entry = self.file(entries, SIGNATURE_PATH)?;
        let content = self.read(entries, entry, SIGNATURE_PATH, MAX_SIGNATURE_BYTES, kind)?;
        match Signature::parse(&content) {
            Ok(signature) => Some((signature, content)),
            Err(error) => {
                let message = format!("`{SIGNATURE_PATH}` does not read: {}", plain(&error.to_string()));
                let finding = Finding::new(&signature::UNREADABLE, message).in_entry(SIGNATURE_PATH);
                self.refuse(Refusal::new(kind, finding));
                None
            }
        }
    }
}

/// Whether one of the findings is an error.
fn has_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

impl<'a> Opened<'a> {
    /// Asks whether the publisher's key is trusted, and gives the verdict. The store is not changed.
    #[must_use]
    pub fn decide(self, store: &TrustStore, allow_tofu: bool) -> Verification<'a> {
        let Self { mut findings, refusal, signature, content, manifest: _, facts, key, payload } = self;
        let mut daemon_error = refusal.map(|refusal| (refusal.kind, refusal.finding.message));
        let mut decision = None;
        if let (None, Some(facts), Some(key)) = (&daemon_error, &facts, key) {
            match store.decide(&facts.publisher, key, allow_tofu) {
                Ok(decided) => decision = Some(decided),
                Err(error) => {
                    findings.extend(error.rule().map(|rule| Finding::new(rule, error.to_string())));
                    daemon_error = Some((error.kind(), error.to_string()));
                }
            }
        }
        if let Some(facts) = &facts {
            findings.extend(likeness(store, &facts.publisher));
        }
        let entries = content.entries().iter().map(|(path, entry)| ListedEntry {
            path: path.to_string(),
            bytes: entry.size,
            sha256: integrity::hex(&entry.sha256),
        });
        let entries = entries.collect();
        let artifact = match (content, decision) {
            (Content::Signed(signed), Some(decision)) if daemon_error.is_none() && !has_error(&findings) => {
                Some(VerifiedArtifact { signed, decision })
            }
            _ => None,
        };
        let own = || findings.iter().find(|finding| finding.severity == Severity::Error);
        let (error_kind, error) = match (&daemon_error, &artifact) {
            (Some((kind, message)), _) => (Some(*kind), Some(message.clone())),
            (None, Some(_)) => (None, None),
            (None, None) => {
                (own().map(|finding| ErrorKind::nearest(finding.rule)), own().map(|finding| finding.message.clone()))
            }
        };
        let facts = facts.as_ref();
        Verification {
            accepted: artifact.is_some(),
            daemon_accepts: daemon_error.is_none(),
            daemon_error_kind: daemon_error.map(|(kind, _)| kind),
            error_kind,
            error,
            trust_decision: decision,
            payload_sha256: payload.map(|hash| integrity::hex(&hash)),
            publisher: facts.map(|facts| facts.publisher.clone()),
            skill_id: facts.map(|facts| facts.skill_id.clone()),
            version: facts.map(|facts| facts.version.clone()),
            key_id: key.map(|key| key.id()),
            public_key: key,
            signed_at_unix_ms: signature.map(|signature| signature.signed_at_unix_ms),
            manifest_warnings: facts.map(|facts| facts.warnings.clone()).unwrap_or_default(),
            grants: facts.map(|facts| facts.grants.clone()),
            policy_bindings: facts.map(|facts| facts.policy_bindings.clone()),
            findings,
            entries,
            artifact,
        }
    }
}

impl Verification<'_> {
    /// Refuses it for a reason that lies outside of the artifact and of the trust store, and is the one that counts. What
    /// a daemon decides stays.
    pub fn refuse(&mut self, finding: Finding) {
        self.error_kind = self.daemon_error_kind.or(Some(ErrorKind::nearest(finding.rule)));
        self.error = Some(finding.message.clone());
        self.artifact = None;
        self.accepted = false;
        self.findings.push(finding);
    }
}

/// What to say where the publisher's name could be taken for a known one's.
fn likeness(store: &TrustStore, publisher: &str) -> Option<Finding> {
    let alike = trust::look_alike(store, publisher)?;
    let (rule, how) = match alike.likeness {
        Likeness::LooksAlike => (&trust::LOOK_ALIKE, "looks like"),
        Likeness::OneEdit => (&trust::NEAR_NAME, "is one edit away from"),
    };
    let message =
        format!("the publisher {} {how} {}, whom you know, and is another one", quoted(publisher), quoted(alike.known));
    Some(Finding::new(rule, message).in_entry(manifest::PATH).see("publisher", "ask the publisher you know"))
}

/// A finding as it stands in a report.
#[derive(Serialize)]
struct ReportedFinding<'f> {
    code: &'static str,
    severity: &'static str,
    message: &'f str,
    entry: Option<&'f str>,
    byte_range: Option<[u64; 2]>,
    daemon: &'static str,
    url: String,
}

impl<'f> From<&'f Finding> for ReportedFinding<'f> {
    fn from(finding: &'f Finding) -> Self {
        Self {
            code: finding.rule.code,
            severity: finding.severity.name(),
            message: &finding.message,
            entry: finding.entry.as_deref(),
            byte_range: finding.byte_range.as_ref().map(|range| [range.start, range.end]),
            daemon: finding.rule.daemon.name(),
            url: finding.rule.url(),
        }
    }
}

/// The report of `verify`, without the version of its schema: that belongs to the whole document.
impl Serialize for Verification<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let findings: Vec<ReportedFinding<'_>> = self.findings.iter().map(ReportedFinding::from).collect();
        let mut report = serializer.serialize_struct("Verification", 17)?;
        report.serialize_field("accepted", &self.accepted)?;
        report.serialize_field("daemon_accepts", &self.daemon_accepts)?;
        report.serialize_field("daemon_error_kind", &self.daemon_error_kind)?;
        report.serialize_field("error_kind", &self.error_kind)?;
        report.serialize_field("error", &self.error)?;
        report.serialize_field("trust_decision", &self.trust_decision)?;
        report.serialize_field("payload_sha256", &self.payload_sha256)?;
        report.serialize_field("publisher", &self.publisher)?;
        report.serialize_field("skill_id", &self.skill_id)?;
        report.serialize_field("version", &self.version)?;
        report.serialize_field("key_id", &self.key_id)?;
        report.serialize_field("signed_at_unix_ms_unproven", &self.signed_at_unix_ms)?;
        report.serialize_field("manifest_warnings", &self.manifest_warnings)?;
        report.serialize_field("grants", &self.grants)?;
        report.serialize_field("policy_bindings", &self.policy_bindings)?;
        report.serialize_field("findings", &findings)?;
        report.serialize_field("entries", &self.entries)?;
        report.end()
    }
}
