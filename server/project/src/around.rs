//! What lies around a manifest that is edited: the modules with what they are, the assets and the other files. Only looked
//! at: nothing is compiled, run or written, and a module is read again only when its file has changed.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    time::SystemTime,
};

use ignore::WalkBuilder;
use skillyard_artifact::module::{self, ModuleKind};

use crate::{
    Cancelled, Progress,
    check::config_of,
    files,
    skill::{Additions, Item, Kind, Plan, SkillError},
};

/// The files that are listed at most, and how deep.
const MAX_FILES: usize = 2_000;
const MAX_DEPTH: usize = 6;
/// The largest module that is read for an editor, in bytes.
const MAX_MODULE: u64 = 64 << 20;

/// What lies around a manifest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Module {
    /// Its entry in the artifact.
    pub entry: String,
    /// How it is called; `None` where it is no WebAssembly.
    pub kind: Option<ModuleKind>,
    /// The functions that it exports.
    pub exports: Vec<String>,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What looks at one folder remember.
#[derive(Debug, Default)]
pub struct Looks {
    modules: HashMap<PathBuf, (Option<SystemTime>, u64, String, Module)>,
}

impl Looks {
    /// Looks at what lies in `folder`; `entrypoint` is the export that the manifest names. What cannot be read is left
    /// out.
    ///
    /// # Errors
    /// Only if `progress` ends it.
    pub fn look(&mut self, folder: &Path, entrypoint: &str, progress: &dyn Progress) -> Result<Around, Cancelled> {
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
            let module = match self.modules.remove(&item.file) {
                Some((then, bytes, name, module))
                    if then == modified && bytes == item.bytes && name == entrypoint && module.entry == item.entry =>
                {
                    module
                }
                _ => read(item, entrypoint, progress)?,
            };
            known.insert(item.file.clone(), (modified, item.bytes, entrypoint.to_owned(), module.clone()));
            around.modules.push(module);
        }
        around.assets.sort();
        self.modules = known;
        Ok(around)
    }
}

fn read(item: &Item, entrypoint: &str, progress: &dyn Progress) -> Result<Module, Cancelled> {
    let mut found = Module { entry: item.entry.clone(), kind: None, exports: Vec::new(), bytes: item.bytes };
    if item.bytes > MAX_MODULE {
        return Ok(found);
    }
    let limit = usize::try_from(MAX_MODULE).unwrap_or(usize::MAX);
    if let Ok(bytes) = files::read(&item.file, limit) {
        let module = module::scan(&bytes, progress)?;
        if module.fault.is_none() {
            found.kind = Some(module.kind(entrypoint));
            let functions = module.exports.iter().filter(|export| export.kind == module::Kind::Function);
            found.exports = functions.map(|export| export.name.clone()).take(MAX_FILES).collect();
        }
    }
    Ok(found)
}

/// The files below a folder.
fn listed(folder: &Path, progress: &dyn Progress) -> Result<Vec<String>, Cancelled> {
    let walk = WalkBuilder::new(folder).max_depth(Some(MAX_DEPTH)).follow_links(false).require_git(false).build();
    let mut files = Vec::new();
    for entry in walk.flatten() {
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
        fs::write(path("modules/a.wasm"), "(module (func (export \"go\") (result i32) i32.const 0))").unwrap();
        fs::write(path("modules/b.wasm"), "no module").unwrap();
        let mut looks = Looks::default();
        let around = looks.look(folder.path(), "go", &()).unwrap();
        assert_eq!(around.files, ["assets/deep/a.txt", "modules/a.wasm", "modules/b.wasm", "skill.toml"]);
        assert_eq!(around.assets, ["assets/deep/a.txt"]);
        let kinds: Vec<_> = around.modules.iter().map(|module| (module.entry.as_str(), module.kind)).collect();
        assert_eq!(kinds, [("modules/a.wasm", Some(ModuleKind::PalyraPlugin)), ("modules/b.wasm", None)]);
        assert_eq!(around.modules[0].exports, ["go"]);
        // The name of the entry point makes it another kind.
        let other = looks.look(folder.path(), "run", &()).unwrap();
        assert_eq!(other.modules[0].kind, Some(ModuleKind::Other));
        fs::remove_file(path("modules/b.wasm")).unwrap();
        assert_eq!(looks.look(folder.path(), "run", &()).unwrap().modules.len(), 1);
    }
}
