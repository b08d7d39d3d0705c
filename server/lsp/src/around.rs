//! What lies around an open manifest, for completion, hovers and links: looked at when the manifest is opened and when
//! something beside it changes, so that an answer to a keystroke waits for no disk.

use std::sync::{Arc, Mutex, PoisonError};

use skillyard_ide::{Facts, ModuleFact, Source, TrustFact};
use skillyard_project::{
    around::{Around, Looks},
    home::Home,
    trust,
};

use crate::{
    audits::WhileOpen,
    session::{Session, Snapshot},
};

/// What looks at one manifest's folder remember.
pub(crate) type Surroundings = Arc<Mutex<Looks>>;

/// What was found around a manifest.
#[derive(Default)]
pub(crate) struct Surrounding {
    pub(crate) facts: Arc<Facts>,
    pub(crate) around: Around,
}

impl Session {
    /// Looks at what lies around the manifest of `snapshot`.
    pub(crate) async fn look_around(self: &Arc<Self>, snapshot: &Snapshot) {
        let uri = snapshot.revision.uri.clone();
        let Some(looks) = self.surroundings(&uri) else { return };
        let (session, snapshot) = (Arc::clone(self), snapshot.clone());
        let found = self.work(move || {
            let folder = snapshot.revision.folder.as_deref()?;
            let text = snapshot.text();
            let source = Source::new(&text);
            let entrypoint = source.text_at(&["operator", "plugin", "default_entrypoint"]).unwrap_or("run").trim();
            let mut looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
            let progress = WhileOpen { session: &session, uri: &snapshot.revision.uri };
            let around = looks.look(folder, entrypoint, &progress).ok()?;
            let publisher = source.text_at(&["publisher"]);
            let home = session.home().ok();
            Some(Arc::new(Surrounding { facts: Arc::new(facts(&around, publisher, home.as_ref())), around }))
        });
        if let Ok(Some(found)) = found.await {
            self.set_around(&uri, found);
        }
    }
}

fn facts(around: &Around, publisher: Option<&str>, home: Option<&Home>) -> Facts {
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
        trust: publisher.zip(home).map(|(publisher, home)| trusted(publisher, home)),
        ..Facts::default()
    }
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
