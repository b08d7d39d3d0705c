//! What lies around an open manifest: the modules, assets and files beside it and what the trust store says, for the audit,
//! completion, hovers and links.
//!
//! It is looked at in one place, [`Session::look_around`], and only where something may have changed on the disk: when the
//! manifest is opened or saved, and when the client says that something beside it did. What is found does not depend on the
//! manifest's text, so that a keystroke has nothing to look at, and what a request needs of it is picked by that text.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use skillyard_ide::{Facts, InstalledFact, ModuleFact, Source, TrustFact};
use skillyard_project::{
    Cancelled, Progress,
    around::{Around, Looks},
    home::Home,
    installed::{self, Installed, Listed},
    live::{Live, Placed},
    trust::{self, View},
    verify::PublicKey,
};
use tower_lsp::ls_types::Uri;

use crate::{
    commands::now_unix_ms,
    requests::Notes,
    session::{Session, Snapshot},
};

/// What looks at one manifest's folder, and audits of its modules, remember.
#[derive(Default)]
pub(crate) struct Beside {
    /// Whether nothing may have changed on the disk since the last look.
    fresh: AtomicBool,
    looks: Mutex<Looks>,
    /// What stands behind the names of lenses, as it was when the client could be told last.
    notes: Mutex<Notes>,
    pub(crate) live: Mutex<Live>,
}

impl Beside {
    /// Has the next look go to the disk.
    pub(crate) fn forget(&self) {
        self.fresh.store(false, Ordering::SeqCst);
    }

    /// What stands behind the names of lenses, as it was when the client could be told last.
    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was found around a manifest.
pub(crate) struct Surrounding {
    pub(crate) around: Arc<Around>,
    trust: Trust,
    installed: Option<OfSkill>,
    /// What was picked of it last, and by what.
    picked: Mutex<Option<(Named, Arc<Facts>)>>,
}

/// What of a manifest picks the facts about it.
#[derive(PartialEq)]
struct Named {
    skill_id: Option<String>,
    publisher: Option<String>,
    entrypoint: String,
}

/// The publishers that the trust store knows.
enum Trust {
    /// Nobody may ask it here.
    Unasked,
    Unreadable(String),
    Known(BTreeMap<String, TrustFact>),
}

impl Trust {
    /// Reads the trust store; none is made.
    fn read(home: Option<&Home>) -> Self {
        let Some(home) = home else { return Self::Unasked };
        let views = match trust::views(home, i64::try_from(now_unix_ms()).unwrap_or(i64::MAX)) {
            Ok(views) => views,
            Err(error) => return Self::Unreadable(error.to_string()),
        };
        let ids = |keys: &[PublicKey]| keys.iter().map(|key| key.id().to_string()).collect();
        let fact = |view: View| TrustFact::Known {
            listed: ids(&view.listed),
            pinned: view.pinned.map(|key| key.id().to_string()),
            first_use: view.first_use,
            ended: view.ended.iter().map(ToString::to_string).collect(),
        };
        Self::Known(views.into_iter().map(|(name, view)| (name, fact(view))).collect())
    }

    fn of(&self, publisher: &str) -> Option<TrustFact> {
        match self {
            Self::Unasked => None,
            Self::Unreadable(why) => Some(TrustFact::Unreadable(why.clone())),
            Self::Known(known) => Some(known.get(publisher).cloned().unwrap_or(TrustFact::Unknown)),
        }
    }
}

/// What is installed of a skill.
struct OfSkill {
    skill_id: String,
    /// Its versions, or why they cannot be believed.
    versions: Result<Vec<InstalledFact>, String>,
    /// The version that the manifest named.
    same: Option<Installed>,
}

impl OfSkill {
    /// Reads what is installed of the skill of `snapshot`.
    fn read(home: &Home, snapshot: &Snapshot, progress: &dyn Progress) -> Option<Self> {
        let skill_id = snapshot.source().text_at(&["skill_id"])?.trim().to_owned();
        let fact = |version: Listed| InstalledFact {
            version: version.entry.version,
            current: version.entry.current,
            state: version.status.name().to_owned(),
            reason: version.reason,
            ended: version.ended,
        };
        let versions = installed::of_skill(home, &skill_id);
        let versions = versions.map(|versions| versions.into_iter().map(fact).collect::<Vec<_>>());
        let versions = versions.map_err(|error| error.to_string());
        let any = versions.as_ref().is_ok_and(|versions| !versions.is_empty());
        let folder = snapshot.revision.folder.as_deref().filter(|_| any);
        let same =
            folder.and_then(|folder| Installed::read(home, folder, snapshot.revision.text(), progress).ok()).flatten();
        Some(Self { skill_id, versions, same })
    }
}

impl Surrounding {
    /// What there is to say of the manifest `text` where its version is installed with other content.
    pub(crate) fn installed_otherwise(&self, text: &str) -> Option<Placed> {
        self.installed.as_ref()?.same.as_ref()?.otherwise(text)
    }

    /// What is known around the manifest that `source` is.
    pub(crate) fn facts(&self, source: &Source<'_>) -> Arc<Facts> {
        let entrypoint = source.text_at(&["operator", "plugin", "default_entrypoint"]).unwrap_or("run");
        let named = Named {
            skill_id: source.text_at(&["skill_id"]).map(|id| id.trim().to_owned()),
            publisher: source.text_at(&["publisher"]).map(str::to_owned),
            entrypoint: entrypoint.trim().to_owned(),
        };
        let mut picked = self.picked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, facts)) = picked.as_ref().filter(|(by, _)| *by == named) {
            return Arc::clone(facts);
        }
        let facts = Arc::new(self.pick(&named));
        *picked = Some((named, Arc::clone(&facts)));
        facts
    }

    fn pick(&self, named: &Named) -> Facts {
        let modules = self.around.modules.iter().map(|module| ModuleFact {
            path: module.entry.clone(),
            kind: module.kind(&named.entrypoint).and_then(|kind| kind.words()).map(str::to_owned),
            exports: module.exports().map(str::to_owned).collect(),
            bytes: module.bytes,
        });
        let hosts: BTreeSet<&str> = self.around.modules.iter().flat_map(|module| module.hosts()).collect();
        Facts {
            modules: modules.collect(),
            hosts_named: hosts.into_iter().map(str::to_owned).collect(),
            assets: self.around.assets.clone(),
            files: self.around.files.clone(),
            trust: named.publisher.as_ref().and_then(|publisher| self.trust.of(publisher)),
            installed: self
                .installed
                .as_ref()
                .filter(|installed| named.skill_id.as_ref() == Some(&installed.skill_id))
                .map(|installed| installed.versions.clone()),
            ..Facts::default()
        }
    }
}

impl Session {
    /// What lies around the manifest of `snapshot`, with a look at the disk where something may have changed there. Takes
    /// as long as that takes: for a thread of its own. `None` where the manifest was closed meanwhile.
    pub(crate) fn look_around(&self, snapshot: &Snapshot) -> Option<Arc<Surrounding>> {
        let revision = &snapshot.revision;
        let folder = revision.folder.as_deref()?;
        let beside = &snapshot.beside;
        let mut looks = beside.looks.lock().unwrap_or_else(PoisonError::into_inner);
        // In this order: what changes from here on is looked at again.
        if beside.fresh.swap(true, Ordering::SeqCst)
            && let Some(known) = self.surrounding(&revision.uri)
        {
            return Some(known);
        }
        let progress = WhileOpen { session: self, uri: &revision.uri };
        let found = looks.look(folder, &progress).inspect_err(|_| beside.forget());
        let home = self.home().ok();
        let surrounding = Surrounding {
            around: Arc::new(found.ok()?),
            trust: Trust::read(home.as_ref()),
            installed: home.and_then(|home| OfSkill::read(&home, snapshot, &progress)),
            picked: Mutex::default(),
        };
        let surrounding = Arc::new(surrounding);
        self.set_surrounding(&revision.uri, Arc::clone(&surrounding));
        Some(surrounding)
    }
}

/// A look ends where nobody sees it any more.
struct WhileOpen<'a> {
    session: &'a Session,
    uri: &'a Uri,
}

impl Progress for WhileOpen<'_> {
    fn at(&self, _: &'static str, _: u64, _: u64) -> Result<(), Cancelled> {
        if self.session.is_open(self.uri) { Ok(()) } else { Err(Cancelled) }
    }
}
