//! Inspecting: everything that an artifact says about itself, whatever it is worth.

use skillyard_artifact::{
    Cancelled, Progress,
    limits::MAX_ENTRY_BYTES,
    module::scan,
    provenance, sbom,
    verify::{Opened, Verification, open},
};
use skillyard_manifest::{grammar::Version, model::Manifest};

use crate::{
    capabilities::{Capabilities, imports_of_artifact},
    home::Home,
    verify::{FlowError, Trust, TrustOptions},
};

pub use skillyard_artifact::module::{Dependencies, Module};

/// The largest document about the build that is read for showing, in bytes.
const MAX_SHOWN: u64 = 8 << 20;

/// What an artifact says.
#[derive(Debug)]
pub struct Inspected<'b> {
    /// What verifying it gave.
    pub verification: Verification<'b>,
    /// The manifest; `None` where a daemon refuses it.
    pub manifest: Option<Box<Manifest>>,
    /// What the manifest asks for.
    pub capabilities: Option<Capabilities>,
    /// The modules by path. Nothing but what they are; an audit judges them.
    pub modules: Vec<(String, Module)>,
    /// What the SBOM says, if it reads.
    pub sbom: Option<sbom::Summary>,
    /// What the provenance says, if it reads.
    pub provenance: Option<provenance::Summary>,
}

/// Looks at the bytes of an artifact. Whether its publisher is trusted is asked like everything else, and does not keep
/// the rest from being shown.
///
/// # Errors
/// If the trust store cannot be read, or `progress` ended it.
pub fn inspect<'b>(
    bytes: &'b [u8],
    home: &Home,
    trusting: &TrustOptions,
    palyra: Version,
    progress: &dyn Progress,
) -> Result<Inspected<'b>, FlowError> {
    let trust = Trust::load(home, trusting)?;
    let opened = open(bytes, palyra, progress)?;
    let manifest = opened.manifest().cloned().map(Box::new);
    let document = |path| {
        let entries = opened.content.entries();
        entries.get(path).and_then(|entry| entries.content(entry, MAX_SHOWN).ok())
    };
    let sbom = document("sbom.cdx.json").and_then(|bytes| sbom::summary(&bytes).ok());
    let provenance = document("provenance.json").and_then(|bytes| provenance::summary(&bytes).ok());
    let modules = modules(&opened, progress)?;
    let capabilities = manifest.as_deref().map(Capabilities::of);
    let verification = opened.decide(&trust.store, trusting.wants_tofu());
    Ok(Inspected { verification, manifest, capabilities, modules, sbom, provenance })
}

impl Inspected<'_> {
    /// How a module is called, in a word; `None` where it is none.
    #[must_use]
    pub fn kind(&self, module: &Module) -> Option<&'static str> {
        let named =
            self.manifest.as_deref().and_then(|manifest| manifest.operator.plugin.default_entrypoint.as_deref());
        module.fault.is_none().then(|| module.kind(named.map_or("run", str::trim)).name())
    }
}

fn modules(opened: &Opened<'_>, progress: &dyn Progress) -> Result<Vec<(String, Module)>, Cancelled> {
    let entries = opened.content.entries();
    let mut modules = Vec::new();
    for (path, entry) in entries.iter().filter(|(path, _)| path.is_module()) {
        // What was listed was inflated once and does so again.
        if let Ok(content) = entries.content(entry, MAX_ENTRY_BYTES) {
            modules.push((path.as_str().to_owned(), scan(&content, progress)?));
        }
    }
    Ok(modules)
}

/// What the manifest in the bytes of an artifact asks for, or why there is none. Whose it is, is not asked: this is for
/// comparing, not for trusting.
///
/// # Errors
/// If `progress` ended it.
pub fn capabilities(
    bytes: &[u8],
    palyra: Version,
    progress: &dyn Progress,
) -> Result<Result<Capabilities, String>, Cancelled> {
    let opened = open(bytes, palyra, progress)?;
    Ok(match (&opened.refusal, opened.manifest()) {
        (None, Some(manifest)) => Ok(Capabilities::of(manifest).with_imports(imports_of_artifact(&opened, progress)?)),
        (Some(refusal), _) => Err(refusal.finding.message.clone()),
        (None, None) => Err("there is no manifest that can be shown".to_owned()),
    })
}
