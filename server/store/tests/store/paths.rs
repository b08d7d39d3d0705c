use std::{
    fs,
    path::{Path, PathBuf},
};

use skillyard_store::paths::{BaseFolders, Overrides, PathError, Paths, refuse_inside, resolve};
use tempfile::TempDir;

fn base() -> BaseFolders {
    BaseFolders { state: absolute("state"), data: absolute("data"), cache: absolute("cache") }
}

fn absolute(path: &str) -> PathBuf {
    std::env::temp_dir().join("skillyard-nowhere").join(path)
}

#[test]
fn the_usual_paths_lie_below_the_persons_folders() {
    let paths = Paths::new(&base(), Overrides::default()).unwrap();
    assert_eq!(paths.trust_store, absolute("state/palyra/skills/trust-store.json"));
    assert_eq!(paths.seals, absolute("state/skillyard/seals"));
    assert_eq!(paths.keys, absolute("data/skillyard/keys"));
    assert_eq!(paths.secrets, absolute("data/skillyard/secrets"));
    assert_eq!(paths.compiled, absolute("cache/skillyard/compiled"));
    assert_eq!(paths.compiled_key, absolute("state/skillyard/compiled.key"));
    assert_eq!(paths.inputs, absolute("state/skillyard/inputs"));
}

#[test]
fn an_argument_goes_before_the_variable_and_the_variable_before_the_usual() {
    let argument = || Some(absolute("a/store.json"));
    let variable = || Some(absolute("v/store.json").into_os_string());
    let store = |trust_store, trust_store_variable| {
        let overrides = Overrides { trust_store, trust_store_variable, ..Overrides::default() };
        Paths::new(&base(), overrides).unwrap().trust_store
    };
    assert_eq!(store(argument(), variable()), absolute("a/store.json"));
    assert_eq!(store(None, variable()), absolute("v/store.json"));
    assert_eq!(store(None, Some("".into())), absolute("state/palyra/skills/trust-store.json"));
    let relative = store(Some("here.json".into()), None);
    assert_eq!(relative, std::env::current_dir().unwrap().join("here.json"));
}

#[test]
fn a_store_among_the_seals_is_refused() {
    let overrides =
        Overrides { trust_store: Some(absolute("state/skillyard/seals/trust-store.json")), ..Overrides::default() };
    assert!(matches!(Paths::new(&base(), overrides), Err(PathError::SealBesideStore { .. })));
}

#[test]
fn this_machine_has_folders() {
    let folders = BaseFolders::of_system().unwrap();
    assert!(folders.state.is_absolute() && folders.data.is_absolute() && folders.cache.is_absolute());
}

#[test]
fn nothing_is_kept_inside_a_workspace() {
    let home = TempDir::new().unwrap();
    let workspace = home.path().join("work");
    fs::create_dir(&workspace).unwrap();
    let inside = |path: &Path| matches!(refuse_inside(path, &workspace), Err(PathError::InsideWorkspace { .. }));
    assert!(inside(&workspace));
    assert!(inside(&workspace.join("not/there/yet.json")));
    assert!(inside(&home.path().join("work/../work/x")));
    assert!(!inside(&home.path().join("works/x")));
    assert!(!inside(&home.path().join("x")));

    let overrides = Overrides {
        trust_store: Some(home.path().join("store.json")),
        keys: Some(workspace.join("keys")),
        ..Overrides::default()
    };
    let paths = Paths::new(&base(), overrides).unwrap();
    let error = paths.refuse_inside(&[&home.path().join("other"), &workspace]).unwrap_err();
    assert!(error.to_string().contains("inside the workspace"), "{error}");
    paths.refuse_inside(&[&home.path().join("other")]).unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_into_a_workspace_is_inside_of_it() {
    use std::os::unix::fs::symlink;
    let home = TempDir::new().unwrap();
    let workspace = home.path().join("work");
    fs::create_dir_all(workspace.join("sub")).unwrap();
    symlink(workspace.join("sub"), home.path().join("innocent")).unwrap();
    symlink(&workspace, home.path().join("work-link")).unwrap();
    symlink(home.path().join("nowhere"), home.path().join("dangling")).unwrap();
    symlink(home.path(), workspace.join("out")).unwrap();

    let verdict = |path: &str, workspace: &str| refuse_inside(&home.path().join(path), &home.path().join(workspace));
    assert!(matches!(verdict("innocent/x/store.json", "work"), Err(PathError::InsideWorkspace { .. })));
    assert!(matches!(verdict("work/sub/store.json", "work-link"), Err(PathError::InsideWorkspace { .. })));
    // Who controls the workspace controls where its links lead.
    assert!(matches!(verdict("work/out/store.json", "work"), Err(PathError::InsideWorkspace { .. })));
    let error = verdict("dangling/store.json", "work").unwrap_err();
    assert!(error.to_string().contains("leads nowhere"), "{error}");
}

#[test]
fn a_path_that_does_not_exist_yet_is_resolved_as_far_as_it_does() {
    let home = TempDir::new().unwrap();
    let real = fs::canonicalize(home.path()).unwrap();
    assert_eq!(resolve(&home.path().join("a/b/c")).unwrap(), real.join("a/b/c"));
    if cfg!(unix) {
        assert!(resolve(&home.path().join("a/../../b")).is_err());
    }
}
