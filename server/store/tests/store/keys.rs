use std::{
    ffi::OsStr,
    fs,
    str::FromStr as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use skillyard_store::{
    ReadError,
    credentials::{CredentialError, Credentials},
    keys::{Existing, KeptIn, KeyBytes, KeyFileError, KeyFolder, KeyName, KeySource},
};
use zeroize::Zeroizing;

use crate::common::{Home, key, mock_credentials, no_credentials, over};

fn name(text: &str) -> KeyName {
    KeyName::from_str(text).unwrap()
}

fn save(folder: &KeyFolder, text: &str, secret: &[u8], n: u8) -> Result<KeySource, KeyFileError> {
    folder.save(&name(text), secret, &key(n), KeptIn::File, Existing::Keep)
}

#[test]
fn names() {
    for good in ["a", "0", "release-2026_b", &"x".repeat(64), "com10", "console"] {
        assert_eq!(name(good).as_str(), good);
    }
    for bad in [
        "",
        "A",
        "a.b",
        ".",
        "..",
        "-a",
        "_a",
        "a/b",
        "a\\b",
        "a b",
        "é",
        "nul",
        "com1",
        "lpt9",
        "a\0",
        &"x".repeat(65),
    ] {
        assert!(KeyName::from_str(bad).is_err(), "{bad:?}");
    }
    let text = KeyName::from_str("\u{202e}x").unwrap_err().to_string();
    assert!(!text.contains('\u{202e}'), "{text}");
}

#[test]
fn a_key_is_kept_listed_and_found() {
    let home = Home::new();
    let folder = KeyFolder::new(&home.path("keys"), None);
    assert_eq!(folder.list().unwrap(), []);
    assert!(!home.path("keys").exists());
    save(&folder, "release", b"secret one", 1).unwrap();
    save(&folder, "alpha", b"secret two", 2).unwrap();
    let listed: Vec<_> = folder.list().unwrap().into_iter().map(|key| (key.name, key.public, key.kept_in)).collect();
    assert_eq!(listed, [(name("alpha"), Some(key(2)), KeptIn::File), (name("release"), Some(key(1)), KeptIn::File)]);
    let loaded = folder.load(OsStr::new("release")).unwrap();
    assert_eq!(loaded.bytes.as_slice(), b"secret one");
    assert_eq!(loaded.source, KeySource::File(home.path("keys").join("release.key")));
    assert!(!format!("{loaded:?} {folder:?}").contains("secret one"));

    let by_path = home.path("keys").join("alpha.key");
    assert_eq!(folder.load(by_path.as_os_str()).unwrap().bytes.as_slice(), b"secret two");
    assert!(matches!(folder.load(OsStr::new("missing")), Err(KeyFileError::NoKey { .. })));
    assert!(matches!(folder.load(OsStr::new("Missing")), Err(KeyFileError::Name { .. })));
}

#[test]
fn a_key_is_never_lost_unasked() {
    let home = Home::new();
    let folder = KeyFolder::new(&home.path("keys"), None);
    save(&folder, "release", b"old", 1).unwrap();
    let error = save(&folder, "release", b"new", 2).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
    assert_eq!(folder.load_name(&name("release")).unwrap().bytes.as_slice(), b"old");
    assert_eq!(folder.list().unwrap()[0].public, Some(key(1)));
    folder.save(&name("release"), b"new", &key(2), KeptIn::File, Existing::Replace).unwrap();
    assert_eq!(folder.load_name(&name("release")).unwrap().bytes.as_slice(), b"new");
    assert_eq!(folder.list().unwrap()[0].public, Some(key(2)));

    // Nor one that a person put there without a record.
    fs::write(home.path("keys").join("by-hand.key"), "mine").unwrap();
    assert!(matches!(save(&folder, "by-hand", b"new", 3), Err(KeyFileError::Exists { .. })));
    let by_hand = folder.list().unwrap().into_iter().find(|key| key.name.as_str() == "by-hand").unwrap();
    assert_eq!((by_hand.public, by_hand.kept_in), (None, KeptIn::File));
}

#[test]
fn the_credential_store_keeps_keys_too() {
    let home = Home::new();
    let (mock, credentials) = mock_credentials();
    let folder = KeyFolder::new(&home.path("keys"), Some(credentials));
    let in_store = |folder: &KeyFolder, secret: &[u8], existing| {
        folder.save(&name("release"), secret, &key(1), KeptIn::CredentialStore, existing)
    };
    in_store(&folder, b"hush", Existing::Keep).unwrap();
    assert!(!home.path("keys/release.key").exists());
    for entry in fs::read_dir(home.path("keys")).unwrap() {
        assert!(!fs::read_to_string(entry.unwrap().path()).unwrap().contains("hush"));
    }
    let loaded = folder.load(OsStr::new("release")).unwrap();
    assert_eq!(loaded.bytes.as_slice(), b"hush");
    assert_eq!(loaded.source, KeySource::CredentialStore(name("release")));
    assert_eq!(folder.list().unwrap()[0].kept_in, KeptIn::CredentialStore);
    assert!(matches!(in_store(&folder, b"x", Existing::Keep), Err(KeyFileError::Exists { .. })));

    // Another folder of the same person does not take its place either.
    let other = KeyFolder::new(&home.path("other"), Some(over(mock.clone())));
    assert!(matches!(in_store(&other, b"x", Existing::Keep), Err(KeyFileError::Exists { .. })));
    assert_eq!(folder.load(OsStr::new("release")).unwrap().bytes.as_slice(), b"hush");

    // Without the store it is an error, not another key.
    for outside in [None, Some(no_credentials())] {
        let folder = KeyFolder::new(&home.path("keys"), outside);
        assert!(matches!(folder.load(OsStr::new("release")), Err(KeyFileError::Credentials { .. })));
        assert_eq!(folder.list().unwrap().len(), 1);
    }

    // Moved to a file, it is nowhere else.
    folder.save(&name("release"), b"filed", &key(2), KeptIn::File, Existing::Replace).unwrap();
    assert_eq!(folder.load(OsStr::new("release")).unwrap().bytes.as_slice(), b"filed");
    assert_eq!(over(mock).read("signing key release").unwrap(), None);
}

/// The mock behind a door that can be shut for one kind of question each.
#[derive(Debug)]
struct Door {
    inner: Arc<dyn Credentials>,
    writes: AtomicBool,
    keeps: AtomicBool,
    removes: AtomicBool,
    reads: AtomicBool,
}

impl Door {
    fn open(inner: Arc<dyn Credentials>) -> Arc<Self> {
        let open = || AtomicBool::new(true);
        Arc::new(Self { inner, writes: open(), keeps: open(), removes: open(), reads: open() })
    }

    fn pass(gate: &AtomicBool) -> Result<(), CredentialError> {
        let shut = || CredentialError::Refused { reason: "shut".to_owned() };
        gate.load(Ordering::Relaxed).then_some(()).ok_or_else(shut)
    }
}

impl Credentials for Door {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, CredentialError> {
        Self::pass(&self.reads)?;
        self.inner.read(name)
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), CredentialError> {
        Self::pass(&self.writes)?;
        let keeps = self.keeps.swap(true, Ordering::Relaxed);
        self.inner.write(name, if keeps { secret } else { b"garbled" })
    }

    fn remove(&self, name: &str) -> Result<(), CredentialError> {
        Self::pass(&self.removes)?;
        self.inner.remove(name)
    }
}

#[test]
fn a_failed_replacement_leaves_the_old_key() {
    for old in [KeptIn::CredentialStore, KeptIn::File] {
        for new in [KeptIn::CredentialStore, KeptIn::File] {
            for fault in ["writes", "keeps", "removes", "reads", "none", "the file", "the record"] {
                let uses = old == KeptIn::CredentialStore || new == KeptIn::CredentialStore;
                let fails = match fault {
                    "writes" | "keeps" => new == KeptIn::CredentialStore,
                    "removes" => old == KeptIn::CredentialStore && new == KeptIn::File,
                    "the file" => new == KeptIn::File,
                    "the record" => true,
                    _ => uses,
                };
                if !fails {
                    continue;
                }
                let case = format!("{old:?} to {new:?} without {fault}");
                let home = Home::new();
                let (_, mock) = mock_credentials();
                let door = Door::open(mock);
                let folder = KeyFolder::new(&home.path("keys"), Some(door.clone()));
                folder.save(&name("release"), b"old", &key(1), old, Existing::Keep).unwrap();
                let before = folder.list().unwrap();

                let shut = |gate: &AtomicBool| gate.store(false, Ordering::Relaxed);
                // A folder in the place of the temporary file keeps a file from being written.
                let in_the_way = match fault {
                    "the file" => Some(home.path("keys/.release.key.new")),
                    "the record" => Some(home.path("keys/.release.json.new")),
                    _ => None,
                };
                match fault {
                    "writes" => shut(&door.writes),
                    "keeps" => shut(&door.keeps),
                    "removes" => shut(&door.removes),
                    "reads" => shut(&door.reads),
                    _ => {}
                }
                if let Some(path) = &in_the_way {
                    fs::create_dir_all(path.join("x")).unwrap();
                }
                let blind = KeyFolder::new(&home.path("keys"), None);
                let saving = if fault == "none" { &blind } else { &folder };
                let saved = saving.save(&name("release"), b"new", &key(2), new, Existing::Replace);
                if let Some(path) = &in_the_way {
                    fs::remove_dir_all(path).unwrap();
                }
                for gate in [&door.writes, &door.keeps, &door.removes, &door.reads] {
                    gate.store(true, Ordering::Relaxed);
                }
                let error = saved.expect_err(&case).to_string();
                assert!(!error.contains("old") && !error.contains("garbled"), "{case}: {error}");
                let loaded = folder.load_name(&name("release")).unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(loaded.bytes.as_slice(), b"old", "{case}");
                assert_eq!(folder.list().unwrap(), before, "{case}");
                // And it is replaced when asked again.
                folder.save(&name("release"), b"new", &key(2), new, Existing::Replace).unwrap();
                assert_eq!(folder.load_name(&name("release")).unwrap().bytes.as_slice(), b"new", "{case}");
                assert_eq!(folder.list().unwrap()[0].public, Some(key(2)), "{case}");
            }
        }
    }
}

#[test]
fn from_an_environment_variable() {
    let loaded = KeyBytes::of_environment("SIGNING_KEY", Some("11aa\n".into())).unwrap();
    assert_eq!(loaded.bytes.as_slice(), b"11aa\n");
    assert!(!format!("{loaded:?}").contains("11aa"));
    for (value, what) in [(None, "not set"), (Some(" \n".into()), "empty")] {
        let error = KeyBytes::of_environment("SIGNING_KEY", value).unwrap_err().to_string();
        assert!(error.contains("SIGNING_KEY") && error.contains(what), "{error}");
    }
}

#[test]
fn a_damaged_record_is_said() {
    let home = Home::new();
    let folder = KeyFolder::new(&home.path("keys"), None);
    save(&folder, "release", b"old", 1).unwrap();
    let record = home.path("keys/release.json");
    let text = fs::read_to_string(&record).unwrap();
    // The public half of another key beside this key's id.
    for damaged in [String::new(), text.replace(&key(1).to_string(), &key(2).to_string()), text.replace("ed25519:", "")]
    {
        fs::write(&record, damaged).unwrap();
        assert!(matches!(folder.list(), Err(KeyFileError::Record { .. })));
    }
}

#[test]
fn what_cannot_be_a_key_is_not_read() {
    let home = Home::new();
    let big = home.path("big.pem");
    fs::write(&big, vec![b'x'; (64 << 10) + 1]).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&big, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(matches!(KeyBytes::of_file(&big), Err(KeyFileError::Read(ReadError::TooLarge { .. }))));
    assert!(matches!(KeyBytes::of_file(&home.path("")), Err(KeyFileError::Read(ReadError::NotRegular { .. }))));
}

#[cfg(unix)]
mod unix {
    use std::{
        os::unix::fs::{PermissionsExt as _, symlink},
        path::Path,
        process::Command,
    };

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_its_owners_alone() {
        let home = Home::new();
        let folder = KeyFolder::new(&home.path("data/keys"), None);
        save(&folder, "release", b"secret", 1).unwrap();
        assert_eq!(mode(&home.path("data/keys")), 0o700);
        assert_eq!(mode(&home.path("data/keys/release.key")), 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_chmod() {
        let home = Home::new();
        let folder = KeyFolder::new(&home.path("keys"), None);
        save(&folder, "release", b"secret", 1).unwrap();
        let path = home.path("keys/release.key");
        for open in [0o640, 0o604, 0o620, 0o666, 0o601] {
            set_mode(&path, open);
            let text = folder.load(OsStr::new("release")).unwrap_err().to_string();
            assert!(text.contains(&format!("chmod 600 '{}'", path.display())), "{open:o}: {text}");
            // By a link too.
            let _ = symlink(&path, home.path("link.key"));
            assert!(KeyBytes::of_file(&home.path("link.key")).is_err());
        }
        set_mode(&path, 0o400);
        assert_eq!(folder.load(OsStr::new("release")).unwrap().bytes.as_slice(), b"secret");
        assert_eq!(KeyBytes::of_file(&home.path("link.key")).unwrap().bytes.as_slice(), b"secret");

        set_mode(&home.path("keys"), 0o777);
        let text = folder.load(OsStr::new("release")).unwrap_err().to_string();
        assert!(text.contains("chmod 700"), "{text}");
        assert!(save(&folder, "other", b"x", 2).is_err());
    }

    #[test]
    fn a_pipe_is_refused_at_once() {
        let home = Home::new();
        let pipe = home.path("pipe.key");
        assert!(Command::new("mkfifo").arg("-m").arg("600").arg(&pipe).status().unwrap().success());
        assert!(matches!(KeyBytes::of_file(&pipe), Err(KeyFileError::Read(ReadError::NotRegular { .. }))));
    }
}
