//! What lies around an open manifest, for completion, hovers and links: looked at when the manifest is opened or saved,
//! when something beside it changes, and when the manifest comes to name another publisher or entry point. A keystroke
//! otherwise costs no disk, and an answer to one waits for none.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use skillyard_ide::{Facts, InstalledFact, ModuleFact, Source, TrustFact};
use skillyard_project::{
    Progress,
    around::{Around, Looks},
    home::Home,
    installed::{self, Listed},
    live::Placed,
    trust,
};

use tower_lsp::ls_types::Uri;

use crate::{
    audits::WhileOpen,
    session::{Session, Snapshot},
};

/// What looks at one manifest's folder remember.
#[derive(Default)]
pub(crate) struct Surroundings {
    /// Whether nothing may have changed on the disk since the last look.
    fresh: AtomicBool,
    looked: Mutex<(Basis, Looks)>,
}

impl Surroundings {
    /// Has the next look go to the disk.
    pub(crate) fn forget(&self) {
        self.fresh.store(false, Ordering::SeqCst);
    }
}

/// What of the manifest a look depends on.
#[derive(PartialEq, Default)]
struct Basis {
    skill_id: Option<String>,
    publisher: Option<String>,
    entrypoint: Option<String>,
}

/// What was found around a manifest.
#[derive(Default)]
pub(crate) struct Surrounding {
    pub(crate) facts: Arc<Facts>,
    pub(crate) around: Around,
}

impl Session {
    /// Looks at what lies around the manifest of `snapshot`, unless the last look still holds.
    pub(crate) async fn look_around(self: &Arc<Self>, snapshot: &Snapshot) {
        let uri = snapshot.revision.uri.clone();
        let Some(surroundings) = self.surroundings(&uri) else { return };
        let (session, snapshot) = (Arc::clone(self), snapshot.clone());
        let found = self.work(move || {
            let folder = snapshot.revision.folder.as_deref()?;
            let text = snapshot.text();
            let source = Source::new(&text);
            let said = |path: &[&str]| source.text_at(path).map(str::to_owned);
            let basis = Basis {
                skill_id: said(&["skill_id"]),
                publisher: said(&["publisher"]),
                entrypoint: said(&["operator", "plugin", "default_entrypoint"]),
            };
            let mut looked = surroundings.looked.lock().unwrap_or_else(PoisonError::into_inner);
            let (last, looks) = &mut *looked;
            // In this order: what changes from here on is looked at again.
            if surroundings.fresh.swap(true, Ordering::SeqCst) && *last == basis {
                return None;
            }
            let progress = WhileOpen { session: &session, uri: &snapshot.revision.uri };
            let entrypoint = basis.entrypoint.as_deref().unwrap_or("run").trim();
            let around = looks.look(folder, entrypoint, &progress).ok()?;
            let home = session.home().ok();
            let facts = facts(&around, &basis, home.as_ref());
            *last = basis;
            Some(Arc::new(Surrounding { facts: Arc::new(facts), around }))
        });
        if let Ok(Some(found)) = found.await {
            self.set_around(&uri, found);
        }
    }
}

impl Session {
    /// What there is to say where the version of an open manifest is installed with other content.
    pub(crate) fn installed_otherwise(&self, uri: &Uri, progress: &dyn Progress) -> Option<Placed> {
        let snapshot = self.snapshot(uri)?;
        snapshot.facts().installed.as_ref().filter(|versions| !versions.is_empty())?;
        let folder = snapshot.revision.folder.as_deref()?;
        installed::otherwise(&self.home().ok()?, folder, &snapshot.text(), progress).ok()?
    }
}

fn facts(around: &Around, basis: &Basis, home: Option<&Home>) -> Facts {
    let modules = around.modules.iter().map(|module| ModuleFact {
        path: module.entry.clone(),
        kind: module.kind.map(|kind| kind.name().to_owned()),
        exports: module.exports.clone(),
        bytes: module.bytes,
    });
    Facts {
        modules: modules.collect(),
        assets: around.assets.clone(),
        files: around.files.clone(),
        trust: basis.publisher.as_deref().zip(home).map(|(publisher, home)| trusted(publisher, home)),
        installed: basis.skill_id.as_deref().zip(home).and_then(|(skill_id, home)| installed(skill_id, home)),
        ..Facts::default()
    }
}

/// The installed versions of a skill; nothing where they cannot be believed, which is for who runs or installs to say.
fn installed(skill_id: &str, home: &Home) -> Option<Vec<InstalledFact>> {
    let versions = installed::of_skill(home, skill_id.trim()).ok()?.into_iter();
    let fact = |version: Listed| InstalledFact {
        version: version.entry.version,
        current: version.entry.current,
        state: version.status.name().to_owned(),
        reason: version.reason,
    };
    Some(versions.map(fact).collect())
}

/// What the trust store says of a publisher. It is read, never made.
fn trusted(publisher: &str, home: &Home) -> TrustFact {
    let listing = match trust::list(home) {
        Ok(listing) => listing,
        Err(error) => return TrustFact::Unreadable(error.to_string()),
    };
    if let Some((_, keys)) = listing.trusted.iter().find(|(name, _)| name == publisher) {
        return TrustFact::Trusted(keys.iter().map(|key| key.id().to_string()).collect());
    }
    match listing.pinned.iter().find(|(name, _)| name == publisher) {
        Some((_, key)) => TrustFact::Pinned(key.id().to_string()),
        None => TrustFact::Unknown,
    }
}
