//! What lies around a manifest that is edited: the modules with what they are, the assets and the other files. Only looked
//! at: nothing is compiled, run or written, and a module is read again only when its file has changed.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use skillyard_artifact::module::{self, ModuleKind};
use skillyard_manifest::grammar;

use crate::{
    Cancelled, Progress,
    check::config_of,
    skill::{Additions, Item, Kind, Plan, SkillError},
    walk::Walk,
};

/// The files that are listed at most, and how deep.
const MAX_FILES: usize = 2_000;
const MAX_DEPTH: usize = 6;

/// What lies around a manifest. It is the same whatever the manifest says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Around {
    /// The modules that packaging takes, in the order of their entries.
    pub modules: Vec<Module>,
    /// The entries of the assets that packaging takes, sorted.
    pub assets: Vec<String>,
    /// The files in and below the folder but for hidden and ignored ones, as relative paths with `/`, sorted: the first
    /// two thousand.
    pub files: Vec<String>,
    /// The file that each entry is made of.
    pub sources: BTreeMap<String, PathBuf>,
}

/// A module.
#[derive(Clone, PartialEq, Debug)]
pub struct Module {
    /// Its entry in the artifact.
    pub entry: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What was found in it; `None` where it cannot be read.
    pub scan: Option<Arc<module::Module>>,
}

impl Module {
    /// How it is called where a manifest names the export `entrypoint`; `None` where it is no WebAssembly.
    #[must_use]
    pub fn kind(&self, entrypoint: &str) -> Option<ModuleKind> {
        Some(self.valid()?.kind(entrypoint))
    }

    /// The functions that it exports, the first two thousand.
    pub fn exports(&self) -> impl Iterator<Item = &str> {
        let exports = self.valid().map(|module| module.exports.as_slice()).unwrap_or_default().iter();
        exports.filter(|export| export.kind == module::Kind::Function).map(|export| &*export.name).take(MAX_FILES)
    }

    /// The hosts that its data names as a grant would, where the data says where they end, sorted.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let named = self.valid().map(|module| module.strings.hosts.iter()).into_iter().flatten();
        named.filter(|(name, host)| host.ended && grammar::is_host(name)).map(|(name, _)| name.as_str())
    }

    fn valid(&self) -> Option<&module::Module> {
        self.scan.as_deref().filter(|module| module.fault.is_none())
    }
}

/// What looks at one folder remember.
#[derive(Debug, Default)]
pub struct Looks {
    modules: HashMap<PathBuf, (State, Arc<module::Module>)>,
}

/// A module's file as it was before it was read.
#[derive(PartialEq, Debug)]
struct State {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl Looks {
    /// Looks at what lies in `folder`. What cannot be read is left out; so are all modules where packaging would not take
    /// them together.
    ///
    /// # Errors
    /// Only if `progress` ends it.
    pub fn look(&mut self, folder: &Path, progress: &dyn Progress) -> Result<Around, Cancelled> {
        let mut around = Around { files: listed(folder, progress)?, ..Around::default() };
        let Ok(config) = config_of(folder) else { return Ok(around) };
        // A skill without a module yet has assets still.
        let items = match Plan::of(folder, &config.package, &Additions::default(), progress) {
            Ok(plan) => plan.items,
            Err(SkillError::Cancelled) => return Err(Cancelled),
            Err(_) => match Plan::of_modules(folder, &config.package, progress) {
                Ok(plan) => plan.items,
                Err(SkillError::Cancelled) => return Err(Cancelled),
                Err(_) => Vec::new(),
            },
        };
        let mut known = HashMap::new();
        for item in &items {
            around.sources.insert(item.entry.clone(), item.file.clone());
            if item.kind == Kind::Asset {
                around.assets.push(item.entry.clone());
                continue;
            }
            let modified = item.file.metadata().and_then(|about| about.modified()).ok();
            let state = State { modified, bytes: item.bytes };
            let scan = match self.modules.remove(&item.file) {
                Some((then, scan)) if then == state => Some(scan),
                _ => scan(item, progress)?.map(Arc::new),
            };
            if let Some(scan) = &scan {
                known.insert(item.file.clone(), (state, Arc::clone(scan)));
            }
            around.modules.push(Module { entry: item.entry.clone(), bytes: item.bytes, scan });
        }
        around.assets.sort();
        self.modules = known;
        Ok(around)
    }
}

/// What is in a module; `None` where it cannot be read.
fn scan(item: &Item, progress: &dyn Progress) -> Result<Option<module::Module>, Cancelled> {
    let Ok(bytes) = item.read() else { return Ok(None) };
    module::scan(&bytes, progress).map(Some)
}

/// The files below a folder.
fn listed(folder: &Path, progress: &dyn Progress) -> Result<Vec<String>, Cancelled> {
    let mut files = Vec::new();
    for entry in Walk::new(folder).builder.max_depth(Some(MAX_DEPTH)).build().flatten() {
        progress.at("looking at the folder", 0, 0)?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let parts = entry.path().strip_prefix(folder).map(Path::components).into_iter().flatten();
        let parts: Option<Vec<&str>> = parts.map(|part| part.as_os_str().to_str()).collect();
        if let Some(parts) = parts.filter(|parts| !parts.is_empty()) {
            files.push(parts.join("/"));
        }
        if files.len() >= MAX_FILES {
            break;
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn modules_assets_and_files_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("skill.toml"), "").unwrap();
        fs::create_dir_all(path("modules")).unwrap();
        fs::create_dir_all(path("assets/deep")).unwrap();
        fs::write(path("assets/deep/a.txt"), "a").unwrap();
        fs::write(path(".hidden"), "").unwrap();
        // The text format is a module too.
        let text = r#"(module (func (export "go") (result i32) i32.const 0) (memory 1)
            (data (i32.const 0) "https://api.acme.example/v1 "))"#;
        fs::write(path("modules/a.wasm"), text).unwrap();
        fs::write(path("modules/b.wasm"), "no module").unwrap();
        let mut looks = Looks::default();
        let around = looks.look(folder.path(), &()).unwrap();
        assert_eq!(around.files, ["assets/deep/a.txt", "modules/a.wasm", "modules/b.wasm", "skill.toml"]);
        assert_eq!(around.assets, ["assets/deep/a.txt"]);
        let kinds: Vec<_> = around.modules.iter().map(|module| (module.entry.as_str(), module.kind("go"))).collect();
        assert_eq!(kinds, [("modules/a.wasm", Some(ModuleKind::PalyraPlugin)), ("modules/b.wasm", None)]);
        assert_eq!(around.modules[0].exports().collect::<Vec<_>>(), ["go"]);
        assert_eq!(around.modules[0].hosts().collect::<Vec<_>>(), ["api.acme.example"]);
        // The name of the entry point makes it another kind.
        assert_eq!(around.modules[0].kind("run"), Some(ModuleKind::Other));
        // What has not changed is not read again.
        let again = looks.look(folder.path(), &()).unwrap();
        assert_eq!(again, around);
        let scans =
            |around: &Around| around.modules.iter().map(|it| it.scan.as_ref().map(Arc::as_ptr)).collect::<Vec<_>>();
        assert_eq!(scans(&again), scans(&around));
        fs::remove_file(path("modules/b.wasm")).unwrap();
        assert_eq!(looks.look(folder.path(), &()).unwrap().modules.len(), 1);
    }
}
