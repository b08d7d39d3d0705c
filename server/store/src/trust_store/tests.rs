//! A crash before every single system call that changes the disk.

use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use keyring_core::{api::CredentialStoreApi as _, mock};
use skillyard_artifact::keys::{SigningKey, Source};
use tempfile::TempDir;

use super::*;
use crate::credentials::SystemCredentials;

struct World {
    home: TempDir,
    mock: Option<Arc<mock::Store>>,
}

impl World {
    fn new(with_credentials: bool) -> Self {
        let mock = with_credentials.then(|| mock::Store::new().unwrap());
        Self { home: TempDir::new().unwrap(), mock }
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("skills/trust-store.json")
    }

    fn store(&self) -> TrustStoreFile {
        let credentials = self.mock.clone().map(|mock| {
            let open = move |name: &str| Ok(keyring::Entry { inner: mock.build("skillyard", name, None)? });
            Arc::new(SystemCredentials::with(open, Duration::from_secs(10))) as Arc<dyn Credentials>
        });
        TrustStoreFile::new(&self.path(), &self.home.path().join("seals"), credentials).unwrap()
    }

    /// A store that crashes before step `at`, and how many steps were begun.
    fn crashing(&self, at: usize) -> (TrustStoreFile, Arc<AtomicUsize>) {
        let mut store = self.store();
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        store.disk.before = Some(Box::new(move |_| {
            // After a crash nothing is done any more.
            if count.fetch_add(1, Ordering::SeqCst) >= at { Err(io::Error::other("crash")) } else { Ok(()) }
        }));
        (store, begun)
    }
}

fn key(n: u8) -> PublicKey {
    SigningKey::parse(format!("{n:02x}").repeat(32).as_bytes(), Source::Text, None).unwrap().public()
}

fn pins(world: &World) -> Vec<String> {
    world.store().load().unwrap().store.tofu.into_keys().collect()
}

/// Runs `act` with a crash before each of its steps in turn, each time in a world that `prepare` made, and lets `check`
/// look at what is left. Gives the number of steps.
fn at_every_step(
    with_credentials: bool,
    prepare: impl Fn(&World),
    act: impl Fn(&TrustStoreFile) -> bool,
    check: impl Fn(&World, usize, bool),
) -> usize {
    for at in 0.. {
        let world = World::new(with_credentials);
        prepare(&world);
        let (store, begun) = world.crashing(at);
        let done = act(&store);
        drop(store);
        check(&world, at, done);
        if begun.load(Ordering::SeqCst) <= at {
            assert!(done, "no crash and not done");
            return at;
        }
    }
    unreachable!("it has an end")
}

fn pin(publisher: &'static str, n: u8) -> impl Fn(&TrustStoreFile) -> bool {
    move |store| store.pin(publisher, key(n)).is_ok()
}

/// What must hold after a crash: the old or the new, still guarded, and the next write goes on.
fn is_whole(world: &World, at: usize, done: bool, old: &[&str], new: &[&str]) {
    let now = pins(world);
    assert!(now == new || (now == old && !done), "step {at}, done {done}: {now:?}");
    // A second look is the same, also after the first one finished what was interrupted.
    assert_eq!(pins(world), now, "step {at}");

    let sealed = world.store().load().unwrap().seal != SealState::Unsealed;
    assert!(sealed || old.is_empty(), "step {at}: the seal was lost");
    if sealed {
        let good = fs::read(world.path()).ok();
        fs::write(world.path(), r#"{"tofu_publishers": {}}"#).unwrap();
        let error = world.store().load();
        assert!(matches!(error, Err(TrustStoreFileError::Changed { .. })), "step {at}: {error:?}");
        match good {
            Some(good) => fs::write(world.path(), good).unwrap(),
            None => fs::remove_file(world.path()).unwrap(),
        }
    }

    world.store().pin("later", key(9)).unwrap();
    let mut later: Vec<String> = [now, vec!["later".to_owned()]].concat();
    later.sort();
    assert_eq!(pins(world), later, "step {at}");
    let left: Vec<_> = fs::read_dir(world.home.path().join("skills"))
        .unwrap()
        .chain(fs::read_dir(world.home.path().join("seals")).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".new"))
        .collect();
    assert!(left.is_empty(), "step {at}: {left:?}");
}

#[test]
fn a_crash_in_the_first_write_leaves_no_store_or_the_new_one() {
    for with_credentials in [false, true] {
        let steps = at_every_step(
            with_credentials,
            |_| (),
            pin("acme", 1),
            |world, at, done| is_whole(world, at, done, &[], &["acme"]),
        );
        assert!(steps > 20, "{steps}");
        println!("first write: {steps} steps");
    }
}

#[test]
fn a_crash_in_a_later_write_leaves_the_old_store_or_the_new_one() {
    for with_credentials in [false, true] {
        let prepare = |world: &World| {
            world.store().pin("acme", key(1)).unwrap();
        };
        let check = |world: &World, at, done| is_whole(world, at, done, &["acme"], &["acme", "beta"]);
        let steps = at_every_step(with_credentials, prepare, pin("beta", 2), check);
        assert!(steps >= 18, "{steps}");
        println!("later write: {steps} steps");
    }
}

#[test]
fn a_crash_after_a_crash_leaves_one_of_the_three() {
    let prepare = |world: &World| {
        world.store().pin("acme", key(1)).unwrap();
    };
    let check = |world: &World, first: usize, _| {
        let before = {
            // Not loaded, which would finish the first: the second meets it as it is.
            let text = fs::read_to_string(world.path()).unwrap();
            TrustStore::parse(&text).unwrap().tofu.into_keys().collect::<Vec<_>>()
        };
        for second in (0..30).step_by(1 + first % 3) {
            let (store, _) = world.crashing(second);
            let done = store.pin("gamma", key(3)).is_ok();
            let now = pins(world);
            let mut with: Vec<String> = [before.clone(), vec!["gamma".to_owned()]].concat();
            with.sort();
            assert!(now == with || (now == before && !done), "steps {first} and {second}: {now:?}");
            if now == with {
                break;
            }
        }
    };
    at_every_step(false, prepare, pin("beta", 2), check);
}

#[test]
fn an_interrupted_write_is_finished_by_the_next_reader_and_then_the_old_copy_is_refused() {
    let world = World::new(false);
    world.store().pin("acme", key(1)).unwrap();
    let old = fs::read(world.path()).unwrap();
    // Stop right after the store was renamed: the last seal is not written.
    let stop = (0..)
        .find(|&at| {
            fs::write(world.path(), &old).unwrap();
            world.store().load().unwrap();
            world.crashing(at).0.pin("beta", key(2)).unwrap_err();
            fs::read(world.path()).unwrap() != old
        })
        .unwrap();
    assert!(stop > 0);
    // The reader finishes.
    assert_eq!(pins(&world), ["acme", "beta"]);
    fs::write(world.path(), &old).unwrap();
    assert!(matches!(world.store().load(), Err(TrustStoreFileError::Changed { .. })));
}

#[test]
fn a_crash_while_a_person_accepts_leaves_it_refused_or_accepted() {
    let changed = format!(r#"{{"tofu_publishers": {{"other": "{}"}}}}"#, key(5));
    let digest = StoreDigest::of(Some(changed.as_bytes()));
    for (with_credentials, with) in [
        (false, SealWith::Same),
        (false, SealWith::SecretFile),
        (true, SealWith::Same),
        (true, SealWith::SecretFile),
        (true, SealWith::CredentialStore),
    ] {
        let prepare = |world: &World| {
            world.store().pin("acme", key(1)).unwrap();
            fs::write(world.path(), &changed).unwrap();
        };
        let act = |store: &TrustStoreFile| store.accept(digest, with).is_ok();
        let check = |world: &World, at: usize, done: bool| {
            match world.store().load() {
                Ok(loaded) => assert_eq!(loaded.store.tofu.into_keys().collect::<Vec<_>>(), ["other"]),
                Err(TrustStoreFileError::Changed { found, .. }) if !done => assert_eq!(found, digest),
                Err(error) => panic!("step {at}: {error:?}"),
            }
            world.store().accept(digest, with).unwrap();
            assert_eq!(pins(world), ["other"]);
            // No secret that opens nothing is left.
            let keys = fs::read_dir(world.home.path().join("seals"))
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|it| it == "key"))
                .count();
            assert!(keys <= 1, "step {at}: {keys}");
        };
        at_every_step(with_credentials, prepare, act, check);
    }
}
