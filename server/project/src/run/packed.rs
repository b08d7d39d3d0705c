//! From a folder, an artifact or a bare module to bytes that were verified and may be run.

use std::{borrow::Cow, ffi::OsString, fmt, path::Path};

use skillyard_artifact::{
    Cancelled, ErrorKind, Finding, Progress,
    audit::{Policy, Report},
    keys::{KeyError, SigningKey},
    module::ModuleKind,
    trust::{TrustError, TrustStore},
    verify::{Opened, Verification, VerifiedArtifact, open},
};
use skillyard_manifest::{
    self as manifest, Grants, PolicyBinding,
    grammar::Version,
    model::{Manifest, Tool},
};
use skillyard_runtime::{call::Limits, json};
use skillyard_store::{
    installed::InstalledError,
    lifecycle::{Lifecycle, Purpose},
    secrets::SecretName,
};

use super::{
    places::Owner,
    report::{About, SignedBy},
};
use crate::{
    audit::report,
    home::Home,
    package::{MakeError, PackageOptions, Prepared},
    shown,
    standing::{self, Place, Refused, Subject},
    suggest::did_you_mean,
    verify::{FlowError, Trust, TrustDecision, TrustOptions, advice, judge},
};

/// Why nothing runs.
#[derive(Debug)]
pub enum RunError {
    /// The folder cannot be packaged.
    Make(MakeError),
    /// The trust store cannot be read.
    Flow(FlowError),
    /// The system gave no randomness for a throw-away key.
    Key(KeyError),
    /// The artifact was refused.
    Refused {
        /// Why, in words.
        why: String,
        /// The same as a daemon's reason, or the nearest one.
        kind: Option<ErrorKind>,
        /// What the artifact says of itself, where it can be read.
        about: Option<Box<About>>,
        /// What a person can do about it: see [`advice`].
        advice: Vec<String>,
        /// What was found.
        findings: Vec<Finding>,
    },
    /// The audit did not pass.
    Audit {
        /// What was audited.
        about: Box<About>,
        /// The messages of the checks that failed.
        failed: Vec<String>,
        /// What was found.
        findings: Vec<Finding>,
    },
    /// An administrator, or what is installed, says no.
    Standing {
        /// Why.
        refused: Box<Refused>,
        /// What was to run, as far as it was looked at.
        about: Option<Box<About>>,
        /// What was found.
        findings: Vec<Finding>,
    },
    /// There is no such tool.
    NoTool {
        /// What was asked for, if anything.
        asked: Option<String>,
        /// What there is.
        tools: Vec<String>,
    },
    /// There is no module, or it is not clear which one.
    NoModule {
        /// The modules.
        modules: Vec<String>,
        /// The one that the manifest names, if it does.
        named: Option<String>,
    },
    /// The module is not of a kind that runs.
    Kind {
        /// The module.
        module: String,
        /// The entrypoint that was looked for.
        entry: String,
    },
    /// It was ended before it ran.
    Cancelled,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: &[String]| items.iter().map(|item| manifest::quoted(item)).collect::<Vec<_>>().join(", ");
        match self {
            Self::Make(error) => error.fmt(f),
            Self::Flow(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Refused { why, .. } => write!(f, "not run: the artifact is refused: {why}"),
            Self::Audit { failed, .. } => {
                let first = failed.first().map_or("", String::as_str);
                let more = match failed.len() {
                    0 | 1 => String::new(),
                    more => format!(" (and {} more)", more - 1),
                };
                write!(f, "not run: the audit does not pass, and a daemon would quarantine the skill: {first}{more}")
            }
            Self::Standing { refused, .. } => write!(f, "not run: {refused}"),
            Self::NoTool { asked: Some(asked), tools } => {
                let hint = did_you_mean(asked, tools.iter().map(String::as_str), &format!("it has {}", list(tools)));
                write!(f, "the skill has no tool {}; {hint}", manifest::quoted(asked))
            }
            Self::NoTool { asked: None, tools } if tools.is_empty() => {
                f.write_str("the skill has no tool; add one to entrypoints.tools in skill.toml")
            }
            Self::NoTool { asked: None, tools } => write!(f, "name the tool to run: the skill has {}", list(tools)),
            Self::NoModule { named: Some(named), modules } => write!(
                f,
                "operator.plugin.default_module_path names {}, and the artifact has {}",
                manifest::quoted(named),
                if modules.is_empty() { "no module".to_owned() } else { list(modules) }
            ),
            Self::NoModule { modules, .. } if modules.is_empty() => {
                f.write_str("there is no module: build one into modules/ (or module.wasm beside skill.toml)")
            }
            Self::NoModule { modules, .. } => write!(
                f,
                "there are several modules ({}): name the one that holds the tools in operator.plugin.default_module_path",
                list(modules)
            ),
            Self::Kind { module, entry } => write!(
                f,
                "{} is of no kind that runs: it needs the export {} of type () -> i32, or to be a WASI command \
                 (preview 1 or 0.2) or a component that exports palyra:skill/tool",
                manifest::plain(module),
                manifest::quoted(entry)
            ),
            Self::Cancelled => write!(f, "{Cancelled}; nothing ran"),
        }
    }
}

impl std::error::Error for RunError {}

impl RunError {
    /// The stable name of why it is refused: see [`ErrorKind`] and [`Refused::kind`]; or `AuditFailed`. A skill that is
    /// not installed was not refused, as a file that is not there.
    #[must_use]
    pub fn kind(&self) -> Option<String> {
        match self {
            Self::Refused { kind, .. } => kind.map(|kind| format!("{kind:?}")),
            Self::Audit { .. } => Some("AuditFailed".to_owned()),
            Self::Make(error) => error.error_kind(),
            Self::Standing { refused, .. }
                if !matches!(&**refused, Refused::Installed(InstalledError::NotInstalled { .. })) =>
            {
                refused.kind()
            }
            _ => None,
        }
    }

    /// Whether a skill was looked at and refused, and not that the looking failed.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.kind().is_some() || matches!(self, Self::Make(error) if error.refuses())
    }

    /// What a person can do about a key that is not trusted: lines of text.
    #[must_use]
    pub fn advice(&self) -> &[String] {
        match self {
            Self::Refused { advice, .. } => advice,
            _ => &[],
        }
    }

    /// What was found in the artifact that is refused.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Refused { findings, .. } | Self::Audit { findings, .. } | Self::Standing { findings, .. } => findings,
            Self::Make(error) => error.findings(),
            _ => &[],
        }
    }

    /// What was refused, as far as it is known.
    #[must_use]
    pub fn about(&self) -> Option<&About> {
        match self {
            Self::Refused { about, .. } | Self::Standing { about, .. } => about.as_deref(),
            Self::Audit { about, .. } => Some(about),
            _ => None,
        }
    }

    fn standing(refused: Refused, about: Option<About>) -> Self {
        match refused {
            Refused::Cancelled => Self::Cancelled,
            refused => {
                let findings = refused.findings();
                Self::Standing { refused: Box::new(refused), about: about.map(Box::new), findings }
            }
        }
    }
}

impl From<Cancelled> for RunError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<Refused> for RunError {
    fn from(refused: Refused) -> Self {
        Self::standing(refused, None)
    }
}

impl From<MakeError> for RunError {
    fn from(error: MakeError) -> Self {
        match error {
            MakeError::Cancelled => Self::Cancelled,
            error => Self::Make(error),
        }
    }
}

impl From<FlowError> for RunError {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Cancelled => Self::Cancelled,
            error => Self::Flow(error),
        }
    }
}

/// What an artifact is held against before it runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Held {
    /// What the audit lets pass.
    pub policy: Policy,
    /// The daemon's version; without it what `skillyard.toml` says (a folder), or the usual one.
    pub palyra: Option<Version>,
    /// Now, in milliseconds since 1970.
    pub now_unix_ms: u64,
}

/// The bytes of an artifact, and whom to trust about it.
pub struct Packed {
    bytes: Vec<u8>,
    signed_by: SignedBy,
    /// The folder that was packaged.
    folder: Option<Owner>,
    trust: TrustStore,
    allow_tofu: bool,
    palyra: Version,
    held: Held,
    home: Home,
    /// The same home with the root that the artifact is installed in, where that is another.
    elsewhere: Option<Home>,
    /// Of an artifact's keys; a folder's was made just now.
    lifecycle: Lifecycle,
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed")
            .field("bytes", &self.bytes.len())
            .field("signed_by", &self.signed_by)
            .finish_non_exhaustive()
    }
}

impl Packed {
    /// Packages the skill in `folder` in memory, with `key` or one that is made for it and forgotten, and nothing is
    /// written. Such a key is trusted for this time only, as the author's own is. An installed version's folder is not
    /// packaged again: what runs is the artifact that was installed.
    ///
    /// # Errors
    /// What keeps the folder from being packaged.
    pub fn of_folder(
        folder: &Path,
        key: Option<&SigningKey>,
        home: &Home,
        held: Held,
        lookup: &dyn Fn(&str) -> Option<String>,
        progress: &dyn Progress,
    ) -> Result<Self, RunError> {
        if let Some(place) = standing::place_of(home, folder).map_err(Refused::Path)? {
            return Self::of_place(place, home, &TrustOptions::default(), held, progress);
        }
        let options = PackageOptions {
            palyra: held.palyra,
            now_unix_ms: i64::try_from(held.now_unix_ms).unwrap_or(i64::MAX),
            ..PackageOptions::default()
        };
        let prepared = Prepared::of(folder, &options, lookup, progress)?;
        let (signed_by, made);
        let key = match key {
            Some(key) => {
                signed_by = SignedBy::Author;
                key
            }
            None => {
                signed_by = SignedBy::ThrowAway;
                made = SigningKey::generate().map_err(RunError::Key)?;
                &made
            }
        };
        let packaged = prepared.in_memory(key, progress)?;
        let mut trust = TrustStore::default();
        trust
            .allow(&packaged.report.publisher, key.public())
            .map_err(|error| RunError::Flow(FlowError::Trusted(error)))?;
        Ok(Self {
            bytes: packaged.bytes,
            signed_by,
            folder: Some(Owner::folder(folder)),
            trust,
            allow_tofu: false,
            palyra: prepared.palyra(),
            held,
            home: home.clone(),
            elsewhere: None,
            lifecycle: Lifecycle::default(),
        })
    }

    /// The artifact in the file at `path`, read by `read`; where that lies among the installed skills, it is what was
    /// installed there.
    ///
    /// # Errors
    /// What `read` says, or that the trust store cannot be read.
    pub fn of_file<E: From<RunError>>(
        path: &Path,
        home: &Home,
        trusting: &TrustOptions,
        held: Held,
        read: impl FnOnce(&Path) -> Result<Vec<u8>, E>,
        progress: &dyn Progress,
    ) -> Result<Self, E> {
        match standing::place_of(home, path).map_err(|error| RunError::from(Refused::Path(error)))? {
            Some(place) => Ok(Self::of_place(place, home, trusting, held, progress)?),
            None => Ok(Self::of_artifact(read(path)?, home, trusting, held)?),
        }
    }

    /// The version that is installed at `place`. Where that is not in the root of `home`, what is said of it in either counts.
    fn of_place(
        place: Place,
        home: &Home,
        trusting: &TrustOptions,
        held: Held,
        progress: &dyn Progress,
    ) -> Result<Self, RunError> {
        let Place { home: its, skill_id, version } = place;
        let packed = Self::of_installed(&skill_id, Some(&version), &its, trusting, held, progress)?;
        let elsewhere = Some(its).filter(|its| its.paths().skills != home.paths().skills);
        Ok(Self { home: home.clone(), elsewhere, ..packed })
    }

    /// An installed version, or the current one of a skill: the bytes that were installed.
    ///
    /// # Errors
    /// If it is not installed or not as it was installed, or the trust store cannot be read.
    pub fn of_installed(
        skill_id: &str,
        version: Option<&str>,
        home: &Home,
        trusting: &TrustOptions,
        held: Held,
        progress: &dyn Progress,
    ) -> Result<Self, RunError> {
        let skills = home.installed().map_err(Refused::Path)?;
        let (entry, _) = crate::installed::find(&skills, skill_id, version)?;
        let bytes = standing::whole(&skills, &entry, progress).map_err(|refused| {
            let (skill_id, version) = (entry.skill_id.clone(), entry.version.clone());
            RunError::standing(refused, Some(About { skill_id, version, signed_by: SignedBy::Publisher }))
        })?;
        Self::of_artifact(bytes, home, trusting, held)
    }

    /// An artifact, for whom the person trusts.
    ///
    /// # Errors
    /// If the trust store cannot be read.
    pub fn of_artifact(bytes: Vec<u8>, home: &Home, trusting: &TrustOptions, held: Held) -> Result<Self, RunError> {
        let trust = Trust::load(home, trusting)?;
        let palyra = held.palyra.unwrap_or(manifest::Options::default().palyra_version);
        Ok(Self {
            bytes,
            signed_by: SignedBy::Publisher,
            folder: None,
            trust: trust.store,
            allow_tofu: trusting.wants_tofu(),
            palyra,
            held,
            home: home.clone(),
            elsewhere: None,
            lifecycle: trust.lifecycle,
        })
    }

    /// The skill's id and version, as they are in the verified bytes.
    ///
    /// # Errors
    /// If they do not verify.
    pub fn about(&self, progress: &dyn Progress) -> Result<(String, String), RunError> {
        let opened = open(&self.bytes, self.palyra, progress)?;
        let trust = self.trust_of(&opened);
        let mut verification = opened.decide(&trust, self.allow_tofu);
        judge(&self.lifecycle, &mut verification, Purpose::Run, self.held.now_unix_ms);
        match verification.artifact {
            Some(artifact) => Ok((artifact.manifest().skill_id.clone(), artifact.manifest().version.clone())),
            None => Err(refused(verification, self.signed_by, &self.home)),
        }
    }

    /// What an artifact is trusted by: the trust store, and where the publisher's pin moved on from the artifact's key, as
    /// if it had not, since what a key signed before it was replaced goes on running. In a list both stand.
    fn trust_of(&self, opened: &Opened<'_>) -> Cow<'_, TrustStore> {
        let moved = opened.publisher().zip(opened.key()).filter(|(publisher, key)| {
            let pinned = match self.trust.decide(publisher, *key, false) {
                Err(TrustError::OtherPinned { pinned, .. }) => pinned,
                _ => return false,
            };
            self.lifecycle.handed_over(publisher, *key, pinned)
        });
        match moved {
            None => Cow::Borrowed(&self.trust),
            Some((publisher, key)) => {
                let mut before = self.trust.clone();
                before.tofu.insert(publisher.to_owned(), key);
                Cow::Owned(before)
            }
        }
    }

    /// Verifies and audits the bytes, and finds the tool called `tool` (or the one that the manifest calls its default,
    /// or the only one).
    ///
    /// # Errors
    /// Whatever keeps it from being run.
    pub fn ready(&self, tool: Option<&str>, progress: &dyn Progress) -> Result<Ready<'_>, RunError> {
        let opened = open(&self.bytes, self.palyra, progress)?;
        let (policy, now) = (&self.held.policy, self.held.now_unix_ms);
        let trust = self.trust_of(&opened);
        let audit = report(&opened, &trust, self.allow_tofu, policy, now, None, progress)?;
        let mut verification = opened.decide(&trust, self.allow_tofu);
        judge(&self.lifecycle, &mut verification, Purpose::Run, now);
        let (Some(artifact), Some(audit)) = (&verification.artifact, audit) else {
            return Err(refused(verification, self.signed_by, &self.home));
        };
        let subject = Subject {
            skill_id: &artifact.manifest().skill_id,
            version: &artifact.manifest().version,
            payload_sha256: (self.signed_by == SignedBy::Publisher).then(|| artifact.payload_sha256()),
            signed_by: (artifact.publisher(), artifact.key()),
            now_unix_ms: now,
        };
        let about = || About {
            skill_id: subject.skill_id.to_owned(),
            version: subject.version.to_owned(),
            signed_by: self.signed_by,
        };
        for home in self.elsewhere.iter().chain([&self.home]) {
            standing::check(home, &subject, progress).map_err(|refused| RunError::standing(refused, Some(about())))?;
        }
        let failed: Vec<String> = audit.objections().into_iter().map(str::to_owned).collect();
        if !failed.is_empty() {
            return Err(RunError::Audit { about: Box::new(about()), failed, findings: audit.findings });
        }
        match verification.artifact {
            Some(artifact) => Ready::of(artifact, &audit, self.signed_by, self.folder.clone(), tool),
            None => Err(refused(verification, self.signed_by, &self.home)),
        }
    }
}

/// Why bytes are not run, from what verifying them came to.
fn refused(verification: Verification<'_>, signed_by: SignedBy, home: &Home) -> RunError {
    let advice = advice(&verification, home);
    let about = verification.skill_id.zip(verification.version);
    RunError::Refused {
        why: verification.error.unwrap_or_else(|| "it is not accepted".to_owned()),
        kind: verification.error_kind,
        about: about.map(|(skill_id, version)| Box::new(About { skill_id, version, signed_by })),
        advice,
        findings: verification.findings,
    }
}

/// A tool of a verified artifact, ready to be called.
#[derive(Debug)]
pub struct Ready<'b> {
    artifact: VerifiedArtifact<'b>,
    tool: usize,
    /// Who signed.
    pub signed_by: SignedBy,
    /// Whose storage and remembered inputs the call is given.
    pub owner: Owner,
    /// The path of the module in the artifact.
    pub module: String,
    /// How it is called.
    pub kind: ModuleKind,
    /// The export of a plugin.
    pub entry: String,
    /// What the manifest grants.
    pub grants: Grants,
    /// What the policy decides about.
    pub bindings: Vec<PolicyBinding>,
}

impl<'b> Ready<'b> {
    fn of(
        artifact: VerifiedArtifact<'b>,
        audit: &Report,
        signed_by: SignedBy,
        folder: Option<Owner>,
        asked: Option<&str>,
    ) -> Result<Self, RunError> {
        let owner = folder.unwrap_or_else(|| match artifact.trust_decision() {
            TrustDecision::Allowlisted | TrustDecision::TofuPinned => Owner::Trusted(artifact.publisher().to_owned()),
            TrustDecision::TofuNewlyPinned => Owner::Stranger(artifact.key()),
        });
        let manifest = artifact.manifest();
        let tools = &manifest.entrypoints.tools;
        let plugin = &manifest.operator.plugin;
        let default = plugin.default_tool_id.as_deref().map(str::trim);
        let wanted = asked.or(default).or(match tools.as_slice() {
            [only] => Some(only.id.as_str()),
            _ => None,
        });
        let tool =
            wanted.and_then(|id| tools.iter().position(|tool| tool.id == id)).ok_or_else(|| RunError::NoTool {
                asked: asked.map(str::to_owned),
                tools: tools.iter().map(|tool| tool.id.clone()).collect(),
            })?;
        let named = plugin.default_module_path.clone();
        let modules = &audit.modules;
        let module = match &named {
            Some(named) => modules.iter().find(|module| module.path == *named),
            None => match modules.as_slice() {
                [only] => Some(only),
                _ => None,
            },
        };
        let module = module.ok_or_else(|| RunError::NoModule {
            modules: modules.iter().map(|module| module.path.clone()).collect(),
            named: named.clone(),
        })?;
        let entry = plugin.default_entrypoint.as_deref().map_or("run", str::trim).to_owned();
        let kind = match module.kind {
            Some(kind) if kind != ModuleKind::Other => kind,
            _ => return Err(RunError::Kind { module: module.path.clone(), entry }),
        };
        let (module, grants, bindings) =
            (module.path.clone(), manifest::grants(manifest), manifest::policy_bindings(manifest));
        Ok(Self { artifact, tool, signed_by, owner, module, kind, entry, grants, bindings })
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.artifact.manifest()
    }

    /// The tool.
    ///
    /// # Panics
    /// Never: the place was found in this manifest.
    #[must_use]
    pub fn tool(&self) -> &Tool {
        &self.artifact.manifest().entrypoints.tools[self.tool]
    }

    /// The bytes of the module, out of the verified archive.
    #[must_use]
    pub fn code(&self) -> Option<Cow<'b, [u8]>> {
        self.artifact.entry(&self.module)
    }

    /// The SHA-256 over everything that is signed.
    #[must_use]
    pub fn payload_sha256(&self) -> [u8; 32] {
        self.artifact.payload_sha256()
    }

    /// Why the key is trusted; nothing for one that was made for this call.
    #[must_use]
    pub fn trust_decision(&self) -> Option<TrustDecision> {
        (self.signed_by == SignedBy::Publisher).then(|| self.artifact.trust_decision())
    }

    /// What a call may use.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let quotas = &self.manifest().capabilities.quotas;
        Limits::of_quotas(quotas.fuel_budget, quotas.max_memory_bytes, quotas.wall_clock_timeout_ms)
    }

    /// The bindings that need an approval for a call of the tool.
    pub(super) fn to_approve(&self) -> impl Iterator<Item = &PolicyBinding> {
        let resource = format!("tool:{}", self.tool().id);
        self.bindings.iter().filter(move |binding| {
            binding.requires_approval && (binding.action != "tool.execute" || binding.resource == resource)
        })
    }

    /// What a person is to approve for a call with `input`; nothing where no binding asks for it, or where the call comes
    /// to nothing anyway, since the tool's schema refuses the input or `progress` ended it. Says where the secrets would
    /// come from, of `home` and the environment's variables, which `lookup` gives; no kept value is opened.
    #[must_use]
    pub fn asking(
        &self,
        input: &str,
        home: &Home,
        lookup: &dyn Fn(&str) -> Option<OsString>,
        progress: &dyn Progress,
    ) -> Option<Asking> {
        let tool = self.tool();
        let actions: Vec<String> = self.to_approve().map(|binding| binding.action.clone()).collect();
        let takes = || matches!(json::check_input(&tool.input_schema, input, progress), Ok(Ok(_)));
        (!actions.is_empty() && takes()).then(|| Asking {
            tool_id: tool.id.clone(),
            name: tool.name.clone(),
            skill_id: self.manifest().skill_id.clone(),
            version: self.manifest().version.clone(),
            actions,
            hosts: self.grants.http_hosts.clone(),
            secrets: self
                .grants
                .secret_keys
                .iter()
                .map(|name| AskedSecret { name: name.clone(), from: from(name, home, lookup) })
                .collect(),
            writes: self.grants.storage_prefixes.clone(),
            reads: self
                .manifest()
                .capabilities
                .filesystem
                .read_roots
                .iter()
                .map(|root| root.trim().to_owned())
                .collect(),
            devices: self.manifest().capabilities.device_capabilities.clone(),
            nodes: self.manifest().capabilities.node_capabilities.clone(),
        })
    }
}

/// What a person is asked to approve for one call.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Asking {
    /// The tool.
    pub tool_id: String,
    /// Its name.
    pub name: String,
    /// The skill.
    pub skill_id: String,
    /// Its version.
    pub version: String,
    /// The actions that need an approval.
    pub actions: Vec<String>,
    /// Hosts that it may ask.
    pub hosts: Vec<String>,
    /// Secrets that it may read.
    pub secrets: Vec<AskedSecret>,
    /// Folders that it may write.
    pub writes: Vec<String>,
    /// Folders that it may read.
    pub reads: Vec<String>,
    /// Devices that it may use.
    pub devices: Vec<String>,
    /// Capabilities of nodes that it may use.
    pub nodes: Vec<String>,
}

/// A secret that a tool may read.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct AskedSecret {
    /// Its `scope/key`.
    pub name: String,
    /// Where its value would come from, for a person: a variable's name, a store. Never the value.
    pub from: String,
}

/// Where the value of the secret `name` would come from.
fn from(name: &str, home: &Home, lookup: &dyn Fn(&str) -> Option<OsString>) -> String {
    let name: SecretName = match name.parse() {
        Ok(name) => name,
        Err(_) => return "it is no name of a secret, and has no value".to_owned(),
    };
    match home.secrets().source(&name, lookup) {
        Ok(Some(source)) => format!("from {source}"),
        Ok(None) => format!("which has no value here: `skillyard secret set {name}`, or {}", name.variable()),
        Err(error) => error.to_string(),
    }
}

impl Asking {
    /// What it may touch, a line a thing, for a person; names are escaped.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.pages(usize::MAX).into_iter().flatten().collect()
    }

    /// The same in portions of about so many characters, for a window in which no more can be read. Nothing is left out: a
    /// list that is too long goes on in the next portion.
    #[must_use]
    pub fn pages(&self, characters: usize) -> Vec<Vec<String>> {
        let mut pages: Vec<Vec<String>> = Vec::new();
        let mut room = 0_usize;
        for (what, items) in self.things() {
            let mut named = false;
            // Whole: the end of a host's name is what decides whose it is.
            for item in items.iter().map(|item| shown::line(item)) {
                let with = |named: bool| item.chars().count() + if named { 2 } else { what.len() + 1 };
                if pages.is_empty() || with(named) > room {
                    pages.push(Vec::new());
                    room = characters;
                    named = false;
                }
                room = room.saturating_sub(with(named));
                let Some(page) = pages.last_mut() else { continue };
                match page.last_mut().filter(|_| named) {
                    Some(line) => line.push_str(&format!(", {item}")),
                    None => page.push(format!("{what} {item}")),
                }
                named = true;
            }
        }
        // One at least, so that whoever asks by them does ask.
        if pages.is_empty() {
            pages.push(Vec::new());
        }
        pages
    }

    /// What it may touch: what is done, and to what.
    fn things(&self) -> Vec<(&'static str, Vec<String>)> {
        let marked = self.actions.iter().any(|action| action == "tool.execute");
        let secrets = self.secrets.iter().map(|AskedSecret { name, from }| format!("{name} ({from})"));
        vec![
            (
                "run,",
                marked
                    .then(|| "though it is marked as sensitive or as needing an approval".to_owned())
                    .into_iter()
                    .collect(),
            ),
            ("send HTTP requests to", self.hosts.clone()),
            ("read the secrets", secrets.collect()),
            ("write in the folders", self.writes.clone()),
            ("read in the folders", self.reads.clone()),
            ("use the devices", self.devices.clone()),
            ("use the node capabilities", self.nodes.clone()),
        ]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;
    use crate::home::HOME_VARIABLE;

    #[test]
    fn a_person_sees_where_a_secret_would_come_from_and_not_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str().to_owned();
        let kept_in_files = |name: &str| match name {
            HOME_VARIABLE => Some(path.clone()),
            _ => Some("1".into()),
        };
        let home = Home::of_system(Some(folder.path().join("trust")), &kept_in_files).unwrap();
        let (name, unset) = ("skill:acme.mail/api_token", |_: &str| None);
        let said = from(name, &home, &unset);
        assert!(said.contains("no value") && said.contains("SKILLYARD_SECRET_SKILL_ACME_MAIL__API_TOKEN"), "{said}");
        home.secrets().set(&name.parse().unwrap(), b"hunter2").unwrap();
        let said = from(name, &home, &unset);
        assert!(said.starts_with("from ") && said.contains(".secret") && !said.contains("hunter2"), "{said}");
        let set = |_: &str| Some(OsString::from("hunter2"));
        let said = from(name, &home, &set);
        assert_eq!(said, "from the environment variable SKILLYARD_SECRET_SKILL_ACME_MAIL__API_TOKEN");
    }

    #[test]
    fn what_is_approved_is_shown_whole() {
        let host = format!("api.example.{}.evil.example", "a".repeat(60));
        let asking = Asking {
            tool_id: "a.b".to_owned(),
            name: "B".to_owned(),
            skill_id: "a".to_owned(),
            version: "1.0.0".to_owned(),
            actions: vec!["skill.capability.http.egress".to_owned()],
            hosts: vec![host.clone()],
            secrets: vec![AskedSecret { name: "skill:a/\u{202e}key".to_owned(), from: "from X".to_owned() }],
            writes: Vec::new(),
            reads: Vec::new(),
            devices: vec!["camera".to_owned()],
            nodes: vec!["gpu".to_owned()],
        };
        let lines = asking.lines();
        for word in ["use the devices camera", "use the node capabilities gpu"] {
            assert!(lines.iter().any(|line| line == word), "{lines:?}");
        }
        assert!(lines.iter().any(|line| line.ends_with(&host)), "{lines:?}");
        assert!(lines.iter().any(|line| line.ends_with("skill:a/\\u{202e}key (from X)")), "{lines:?}");

        // In portions nothing is lost, and each says what is done.
        let hosts: Vec<String> = (0..40).map(|at| format!("host-{at}.api.example")).collect();
        let long = Asking { hosts: hosts.clone(), ..asking.clone() };
        let pages = long.pages(200);
        assert!(pages.len() > 3, "{pages:?}");
        let mut said = Vec::new();
        for page in &pages {
            assert!(page.iter().map(String::len).sum::<usize>() <= 200, "{page:?}");
            for line in page {
                if let Some(items) = line.strip_prefix("send HTTP requests to ") {
                    said.extend(items.split(", ").map(str::to_owned));
                }
            }
        }
        assert_eq!(said, hosts);
        assert_eq!(
            pages.last().and_then(|page| page.last()).map(String::as_str),
            Some("use the node capabilities gpu")
        );
        // What fits nowhere is shown all the same, and what touches nothing is asked about too.
        assert_eq!(long.pages(1).len(), 43);
        let nothing = Asking { hosts: vec![], secrets: vec![], devices: vec![], nodes: vec![], ..asking };
        assert_eq!(nothing.pages(200), [Vec::<String>::new()]);
    }
}
