use std::{fs, sync::Arc, time::Duration};

use skillyard_artifact::{ErrorKind, trust::TrustError};
use skillyard_store::{
    ReadError, SealError, StoreDigest,
    trust_store::{MAX_BYTES, SealState, SealWith, TrustStoreFileError, UpdateError},
};

use crate::common::{Home, key, mock_credentials, no_credentials, over};

fn digest(bytes: &[u8]) -> StoreDigest {
    StoreDigest::of(Some(bytes))
}

#[test]
fn missing_and_blank_stores_are_empty_and_reading_writes_nothing() {
    let home = Home::new();
    let loaded = home.store().load().unwrap();
    assert_eq!(loaded.store, Default::default());
    assert_eq!((loaded.seal, loaded.digest), (SealState::Unsealed, StoreDigest::Missing));
    assert!(!home.path("state").exists());

    fs::create_dir_all(home.store_path().parent().unwrap()).unwrap();
    fs::write(home.store_path(), " \n").unwrap();
    assert_eq!(home.store().load().unwrap().store, Default::default());
    assert!(!home.seals().exists());
}

#[test]
fn a_pin_is_there_for_the_next_process() {
    let home = Home::new();
    assert!(home.store().pin("acme", key(1)).unwrap().written);
    assert!(!home.store().pin("acme", key(1)).unwrap().written);
    let loaded = home.store().load().unwrap();
    assert_eq!(loaded.store.tofu.get("acme"), Some(&key(1)));
    assert_eq!(loaded.seal, SealState::SecretFile);
    let text = fs::read_to_string(home.store_path()).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap(),
        serde_json::json!({"trusted_publishers": {}, "tofu_publishers": {"acme": key(1).to_string()}})
    );
}

#[test]
fn the_second_key_of_a_publisher_is_told() {
    let home = Home::new();
    let store = home.store();
    store.pin("acme", key(1)).unwrap();
    let before = fs::read(home.store_path()).unwrap();
    match store.pin("acme", key(2)) {
        Err(UpdateError::Change(TrustError::OtherPinned { publisher, key: offered, pinned })) => {
            assert_eq!((publisher.as_str(), offered, pinned), ("acme", key(2), key(1)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(home.store_path()).unwrap(), before);

    // A pin does not help beside a list either.
    store
        .update(|store| {
            store.trusted.insert("listed".to_owned(), [key(3)].into());
            Ok::<_, ()>(())
        })
        .unwrap();
    assert!(!store.pin("listed", key(3)).unwrap().written);
    assert!(matches!(store.pin("listed", key(4)), Err(UpdateError::Change(TrustError::NotListed { .. }))));
}

#[test]
fn a_change_that_fails_or_changes_nothing_writes_nothing() {
    let home = Home::new();
    let store = home.store();
    let refused = store.update(|store| {
        store.tofu.insert("acme".to_owned(), key(1));
        Err::<(), _>("no")
    });
    assert!(matches!(refused, Err(UpdateError::Change("no"))));
    assert!(!store.update(|_| Ok::<_, ()>(())).unwrap().written);
    assert!(!home.store_path().exists() && !home.seals().exists());
}

#[test]
fn a_store_of_another_program_is_read_and_sealed_by_the_first_change() {
    let home = Home::new();
    fs::create_dir_all(home.store_path().parent().unwrap()).unwrap();
    fs::write(home.store_path(), format!(r#"{{"trusted_publishers": {{"acme": ["{}"]}}}}"#, key(1))).unwrap();
    let loaded = home.store().load().unwrap();
    assert_eq!(loaded.seal, SealState::Unsealed);
    assert!(loaded.store.trusted.get("acme").unwrap().contains(&key(1)));
    assert!(!home.seals().exists());
    home.store().pin("northwind", key(2)).unwrap();
    let loaded = home.store().load().unwrap();
    assert_eq!((loaded.store.trusted.len(), loaded.store.tofu.len(), loaded.seal), (1, 1, SealState::SecretFile));
}

/// What somebody does to a sealed store; all of it is refused, naming both digests, and left as it is.
#[test]
fn every_change_from_outside_is_refused_with_both_digests() {
    type Tamper = fn(&Home, old: &[u8], now: &[u8]) -> Option<Vec<u8>>;
    let tampers: &[(&str, Tamper)] = &[
        ("edited", |_, _, now| Some(String::from_utf8_lossy(now).replace("acme", "acmf").into_bytes())),
        ("one more blank", |_, _, now| Some([now, b" "].concat())),
        ("cut", |_, _, now| Some(now[..now.len() / 2].to_vec())),
        ("emptied", |_, _, _| Some(Vec::new())),
        ("blank", |_, _, _| Some(b"\n".to_vec())),
        ("no JSON", |_, _, _| Some(b"\xff\xfe".to_vec())),
        ("an older copy", |_, old, _| Some(old.to_vec())),
        ("removed", |_, _, _| None),
        ("its folder removed", |home, _, _| {
            fs::remove_dir_all(home.path("state/palyra")).unwrap();
            None
        }),
    ];
    for (what, tamper) in tampers {
        let home = Home::new();
        home.store().pin("acme", key(1)).unwrap();
        let old = fs::read(home.store_path()).unwrap();
        home.store().pin("northwind", key(2)).unwrap();
        let now = fs::read(home.store_path()).unwrap();
        let bytes = tamper(&home, &old, &now);
        match &bytes {
            Some(bytes) => fs::write(home.store_path(), bytes).unwrap(),
            None => {
                let _ = fs::remove_file(home.store_path());
            }
        }
        let there = StoreDigest::of(bytes.as_deref());

        let check = |error: TrustStoreFileError| {
            let text = error.to_string();
            assert!(text.contains(&digest(&now).to_string()), "{what}: {text}");
            assert!(text.contains(&format!("skillyard trust accept {there}")), "{what}: {text}");
            assert_eq!(error.error_kind(), ErrorKind::Io);
            match error {
                TrustStoreFileError::Changed { sealed, found, .. } => {
                    assert_eq!((sealed, found), (digest(&now), there), "{what}");
                }
                other => panic!("{what}: {other:?}"),
            }
        };
        check(home.store().load().unwrap_err());
        match home.store().pin("third", key(3)) {
            Err(UpdateError::Store(error)) => check(error),
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(fs::read(home.store_path()).ok(), bytes, "{what}: it was touched");
    }
}

#[test]
fn a_person_accepts_what_they_looked_at_and_nothing_else() {
    let home = Home::new();
    let store = home.store();
    store.pin("acme", key(1)).unwrap();
    let seen = format!(r#"{{"tofu_publishers": {{"acme": "{}"}}}}"#, key(9)).into_bytes();
    fs::write(home.store_path(), &seen).unwrap();
    assert!(store.load().is_err());

    // It changed again after the person looked.
    let later = format!(r#"{{"tofu_publishers": {{"acme": "{}"}}}}"#, key(66)).into_bytes();
    fs::write(home.store_path(), &later).unwrap();
    match store.accept(digest(&seen), SealWith::Same) {
        Err(TrustStoreFileError::NotThatOne { named, found, .. }) => {
            assert_eq!((named, found), (digest(&seen), digest(&later)));
        }
        other => panic!("{other:?}"),
    }
    assert!(store.load().is_err());

    fs::write(home.store_path(), &seen).unwrap();
    assert_eq!(store.accept(digest(&seen), SealWith::Same).unwrap(), SealState::SecretFile);
    assert_eq!(store.load().unwrap().store.tofu.get("acme"), Some(&key(9)));
    assert_eq!(fs::read(home.store_path()).unwrap(), seen, "accepting writes the seal only");

    fs::remove_file(home.store_path()).unwrap();
    assert!(store.load().is_err());
    store.accept(StoreDigest::Missing, SealWith::Same).unwrap();
    assert_eq!(store.load().unwrap().store, Default::default());
    store.pin("acme", key(2)).unwrap();
    assert_eq!(store.load().unwrap().store.tofu.get("acme"), Some(&key(2)));
}

#[test]
fn what_is_no_trust_store_is_neither_accepted_nor_replaced() {
    for text in [r#"{"tofu_publishers": {"acme": "zz"}}"#, r#"{"other": {}}"#, "[]x", "{"] {
        let home = Home::new();
        fs::create_dir_all(home.store_path().parent().unwrap()).unwrap();
        fs::write(home.store_path(), text).unwrap();
        let error = home.store().load().unwrap_err();
        assert!(matches!(error, TrustStoreFileError::Invalid { .. }), "{text}: {error:?}");
        assert_eq!(error.error_kind(), ErrorKind::Serialization);
        assert!(matches!(
            home.store().pin("acme", key(1)),
            Err(UpdateError::Store(TrustStoreFileError::Invalid { .. }))
        ));
        assert!(home.store().accept(digest(text.as_bytes()), SealWith::Same).is_err());
        assert_eq!(fs::read_to_string(home.store_path()).unwrap(), text);
        assert!(!home.seals().exists());
    }
}

#[test]
fn too_large_is_refused_before_it_is_read() {
    let home = Home::new();
    fs::create_dir_all(home.store_path().parent().unwrap()).unwrap();
    fs::File::create(home.store_path()).unwrap().set_len(MAX_BYTES + 1).unwrap();
    let error = home.store().load().unwrap_err();
    assert!(matches!(error, TrustStoreFileError::Read(ReadError::TooLarge { limit: MAX_BYTES, .. })), "{error:?}");

    // Nor is one written that could not be read again.
    let home = Home::new();
    let big = home.store().update(|store| {
        for n in 0..50_000 {
            store.tofu.insert(format!("publisher-{n}"), key(1));
        }
        Ok::<_, ()>(())
    });
    assert!(matches!(big, Err(UpdateError::Store(TrustStoreFileError::Read(ReadError::TooLarge { .. })))));
    assert!(!home.store_path().exists());
}

#[test]
fn a_folder_in_its_place_is_an_io_error() {
    let home = Home::new();
    fs::create_dir_all(home.store_path()).unwrap();
    let error = home.store().load().unwrap_err();
    assert!(matches!(error, TrustStoreFileError::Read(ReadError::NotRegular { .. })), "{error:?}");
    assert_eq!(error.error_kind(), ErrorKind::Io);
}

#[cfg(unix)]
mod unix {
    use std::{
        os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
        process::Command,
    };

    use super::*;

    #[test]
    fn pipes_devices_and_links_are_refused_at_once() {
        let home = Home::new();
        fs::create_dir_all(home.store_path().parent().unwrap()).unwrap();
        assert!(Command::new("mkfifo").arg(home.store_path()).status().unwrap().success());
        let error = home.store().load().unwrap_err();
        assert!(matches!(error, TrustStoreFileError::Read(ReadError::NotRegular { .. })), "{error:?}");
        assert!(home.store().pin("acme", key(1)).is_err());

        for target in ["/dev/zero", "/dev/null", "elsewhere.json"] {
            fs::remove_file(home.store_path()).unwrap();
            symlink(target, home.store_path()).unwrap();
            let error = home.store().load().unwrap_err();
            assert!(matches!(error, TrustStoreFileError::Read(ReadError::Link { .. })), "{target}: {error:?}");
            assert!(home.store().pin("acme", key(1)).is_err());
            assert!(fs::symlink_metadata(home.store_path()).unwrap().is_symlink());
        }
    }

    #[test]
    fn a_link_put_in_place_of_a_sealed_store_is_refused() {
        let home = Home::new();
        home.store().pin("acme", key(1)).unwrap();
        fs::rename(home.store_path(), home.path("moved.json")).unwrap();
        symlink(home.path("moved.json"), home.store_path()).unwrap();
        assert!(home.store().load().is_err());
    }

    #[test]
    fn one_store_has_one_seal_by_whichever_folder_it_is_named() {
        let home = Home::new();
        home.store().pin("acme", key(1)).unwrap();
        symlink(home.path("state"), home.path("link")).unwrap();
        let path = home.path("link/palyra/skills/trust-store.json");
        let other = skillyard_store::trust_store::TrustStoreFile::new(&path, &home.seals(), None).unwrap();
        assert_eq!(other.load().unwrap().seal, SealState::SecretFile);
        other.pin("northwind", key(2)).unwrap();
        assert_eq!(home.store().load().unwrap().store.tofu.len(), 2);
    }

    #[test]
    fn files_and_folders_are_their_owners_alone() {
        let home = Home::new();
        fs::create_dir_all(home.store_path().parent().unwrap()).unwrap();
        fs::write(home.store_path(), "{}").unwrap();
        fs::set_permissions(home.store_path(), fs::Permissions::from_mode(0o666)).unwrap();
        home.store().pin("acme", key(1)).unwrap();
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&home.store_path()), 0o600);
        assert_eq!(mode(&home.seals()), 0o700);
        let mut seals = 0;
        for entry in fs::read_dir(home.seals()).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
            seals += 1;
        }
        assert_eq!(seals, 3, "one record, that there is one, one secret");
        for entry in fs::read_dir(home.store_path().parent().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            assert!(mode(&path) == 0o600, "{path:?}");
        }
    }

    #[test]
    fn a_secret_or_a_folder_of_seals_that_others_reach_is_refused_with_the_chmod() {
        let home = Home::new();
        home.store().pin("acme", key(1)).unwrap();
        let secret = secret_file(&home);
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
        let text = home.store().load().unwrap_err().to_string();
        assert!(text.contains("0640") && text.contains(&format!("chmod 600 '{}'", secret.display())), "{text}");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        home.store().load().unwrap();

        fs::set_permissions(home.seals(), fs::Permissions::from_mode(0o777)).unwrap();
        let text = home.store().load().unwrap_err().to_string();
        assert!(text.contains("chmod 700"), "{text}");
    }

    #[test]
    fn a_lock_file_that_is_a_link_is_not_followed() {
        let home = Home::new();
        fs::create_dir_all(home.store_path().parent().unwrap()).unwrap();
        let mut lock = home.store_path().into_os_string();
        lock.push(".lock");
        symlink(home.path("victim"), &lock).unwrap();
        assert!(home.store().pin("acme", key(1)).is_err());
        assert!(!home.path("victim").exists());
    }
}

fn secret_file(home: &Home) -> std::path::PathBuf {
    let mut files = fs::read_dir(home.seals()).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "key")).unwrap()
}

fn record_file(home: &Home) -> std::path::PathBuf {
    let mut files = fs::read_dir(home.seals()).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "json")).unwrap()
}

#[test]
fn a_seal_that_something_else_wrote_says_nothing() {
    type Tamper = fn(String) -> String;
    let tampers: &[(&str, Tamper)] = &[
        ("the digest of the changed store", |text| {
            let changed = digest(b"{}").to_string();
            let from = text.find("\"current\": \"").unwrap() + 12;
            format!("{}{changed}{}", &text[..from], &text[from + 64..])
        }),
        ("a pending write", |text| text.replace("\"next\": null", &format!("\"next\": \"{}\"", digest(b"{}")))),
        ("no HMAC", |text| text.replace("hmac_sha256", "other")),
        ("a secret elsewhere", |text| text.replace("\"name\": \"", "\"name\": \"../")),
        ("cut", |text| text[..text.len() / 2].to_owned()),
        ("empty", |_| String::new()),
        ("one digit of the HMAC", |text| {
            let at = text.find("\"hmac_sha256\": \"").unwrap() + 16;
            let other = if &text[at..=at] == "0" { "1" } else { "0" };
            format!("{}{other}{}", &text[..at], &text[at + 1..])
        }),
    ];
    for (what, tamper) in tampers {
        let home = Home::new();
        home.store().pin("acme", key(1)).unwrap();
        fs::write(home.store_path(), "{}").unwrap();
        let record = record_file(&home);
        let text = fs::read_to_string(&record).unwrap();
        let changed = tamper(text.clone());
        assert_ne!(text, changed, "{what}");
        fs::write(&record, changed).unwrap();
        let error = home.store().load().unwrap_err();
        assert!(
            matches!(&error, TrustStoreFileError::SealFails { error: SealError::Broken { .. }, .. }),
            "{what}: {error:?}"
        );
        assert!(error.to_string().contains("skillyard trust accept"), "{what}: {error}");
        assert!(home.store().pin("third", key(3)).is_err(), "{what}");

        // The way out, with a new secret.
        let old = secret_file(&home);
        home.store().accept(digest(b"{}"), SealWith::Same).unwrap();
        assert_eq!(home.store().load().unwrap().store, Default::default());
        assert!(!old.exists(), "{what}: the old secret is gone");
    }
}

#[test]
fn the_seal_of_one_store_does_not_fit_another() {
    let home = Home::new();
    let [a, b] = ["a/store.json", "b/store.json"]
        .map(|path| skillyard_store::trust_store::TrustStoreFile::new(&home.path(path), &home.seals(), None).unwrap());
    a.pin("acme", key(1)).unwrap();
    let record_of_a = fs::read(record_file(&home)).unwrap();
    let path_of_a = record_file(&home);
    b.pin("acme", key(2)).unwrap();
    let path_of_b = fs::read_dir(home.seals())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "json") && *path != path_of_a)
        .unwrap();
    fs::write(path_of_b, record_of_a).unwrap();
    fs::copy(home.path("a/store.json"), home.path("b/store.json")).unwrap();
    assert!(matches!(b.load(), Err(TrustStoreFileError::SealFails { error: SealError::Broken { .. }, .. })));
    a.load().unwrap();
}

#[test]
fn a_lost_record_fails_closed_until_a_person_looked() {
    let home = Home::new();
    home.store().pin("acme", key(1)).unwrap();
    let record = record_file(&home);
    fs::remove_file(&record).unwrap();
    fs::write(home.store_path(), "{}").unwrap();
    let error = home.store().load().unwrap_err();
    assert!(matches!(error, TrustStoreFileError::SealFails { error: SealError::Lost { .. }, .. }), "{error:?}");
    let said = error.to_string();
    assert!(said.contains(&record.display().to_string()) && said.contains("skillyard trust accept"), "{said}");
    assert!(home.store().pin("acme", key(2)).is_err());
    home.store().accept(digest(b"{}"), SealWith::Same).unwrap();
    assert_eq!(home.store().load().unwrap().store, Default::default());
}

#[test]
fn a_lost_secret_file_fails_closed_and_says_where_it_was() {
    let home = Home::new();
    home.store().pin("acme", key(1)).unwrap();
    let secret = secret_file(&home);
    fs::remove_file(&secret).unwrap();
    let error = home.store().load().unwrap_err();
    assert!(error.to_string().contains(&secret.display().to_string()), "{error}");
    assert!(matches!(error, TrustStoreFileError::SealFails { error: SealError::NoSecret { .. }, .. }), "{error:?}");
}

#[test]
fn no_secret_is_in_an_error_a_record_or_debug() {
    let home = Home::new();
    let store = home.store();
    store.pin("acme", key(1)).unwrap();
    let secret = fs::read(secret_file(&home)).unwrap();
    assert_eq!(secret.len(), 32);
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let record = fs::read_to_string(record_file(&home)).unwrap();
    fs::write(home.store_path(), "{}").unwrap();
    let error = store.load().unwrap_err();
    for text in [record, format!("{store:?} {error:?} {error}")] {
        assert!(!text.contains(&hex) && !text.contains(&format!("{secret:?}")), "{text}");
    }
}

#[test]
fn with_a_credential_store_no_secret_is_on_disk() {
    let home = Home::new();
    let (mock, credentials) = mock_credentials();
    assert_eq!(home.store_with(Some(credentials)).pin("acme", key(1)).unwrap().seal, SealState::CredentialStore);
    assert_eq!(fs::read_dir(home.seals()).unwrap().count(), 2, "the record, and that there is one");
    let loaded = home.store_with(Some(over(mock.clone()))).load().unwrap();
    assert_eq!((loaded.seal, loaded.store.tofu.len()), (SealState::CredentialStore, 1));
    fs::write(home.store_path(), "{}").unwrap();
    let changed = home.store_with(Some(over(mock))).load();
    assert!(matches!(changed, Err(TrustStoreFileError::Changed { .. })));
}

#[test]
fn which_secret_seals_does_not_change_from_session_to_session() {
    // First without a desktop, then with one: the file stays.
    let home = Home::new();
    let (mock, credentials) = mock_credentials();
    assert_eq!(home.store_with(Some(no_credentials())).pin("a", key(1)).unwrap().seal, SealState::SecretFile);
    assert_eq!(home.store_with(Some(credentials)).pin("b", key(2)).unwrap().seal, SealState::SecretFile);
    assert_eq!(home.store_with(None).load().unwrap().store.tofu.len(), 2);

    // First with one, then without: refused with the way out, not taken for unsealed and not sealed anew.
    let home = Home::new();
    home.store_with(Some(over(mock.clone()))).pin("a", key(1)).unwrap();
    let now = digest(&fs::read(home.store_path()).unwrap());
    for outside in [Some(no_credentials()), None] {
        let store = home.store_with(outside);
        let error = store.load().unwrap_err();
        assert!(
            matches!(error, TrustStoreFileError::SealFails { error: SealError::Credentials { .. }, .. }),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(text.contains(&format!("skillyard trust accept {now} --seal secret-file")), "{text}");
        assert!(store.pin("b", key(2)).is_err());
        assert!(store.accept(now, SealWith::Same).is_err());
    }
    // Back on the desktop nothing has happened.
    home.store_with(Some(over(mock.clone()))).pin("b", key(2)).unwrap();
    let now = digest(&fs::read(home.store_path()).unwrap());

    // Somebody who uses both says so, and both work.
    assert_eq!(home.store_with(None).accept(now, SealWith::SecretFile).unwrap(), SealState::SecretFile);
    assert_eq!(home.store_with(None).load().unwrap().store.tofu.len(), 2);
    assert_eq!(home.store_with(Some(over(mock.clone()))).load().unwrap().store.tofu.len(), 2);

    // And back.
    let desktop = home.store_with(Some(over(mock)));
    assert_eq!(desktop.accept(now, SealWith::CredentialStore).unwrap(), SealState::CredentialStore);
    assert_eq!(fs::read_dir(home.seals()).unwrap().count(), 2, "the secret file is gone");
    assert_eq!(desktop.load().unwrap().store.tofu.len(), 2);
}

#[test]
fn a_credential_store_that_lost_the_secret_fails_closed() {
    let home = Home::new();
    let (_, credentials) = mock_credentials();
    home.store_with(Some(credentials)).pin("acme", key(1)).unwrap();
    let now = digest(&fs::read(home.store_path()).unwrap());
    let (_, other) = mock_credentials();
    let store = home.store_with(Some(other));
    let error = store.load().unwrap_err();
    assert!(matches!(error, TrustStoreFileError::SealFails { error: SealError::NoSecret { .. }, .. }), "{error:?}");
    assert_eq!(store.accept(now, SealWith::Same).unwrap(), SealState::CredentialStore);
    store.load().unwrap();
}

#[test]
fn sealing_in_the_credential_store_is_refused_where_there_is_none() {
    let home = Home::new();
    let store = home.store_with(Some(no_credentials()));
    store.pin("acme", key(1)).unwrap();
    let now = digest(&fs::read(home.store_path()).unwrap());
    assert!(store.accept(now, SealWith::CredentialStore).is_err());
    assert_eq!(store.load().unwrap().seal, SealState::SecretFile);
}

#[test]
fn who_waits_too_long_for_the_lock_is_told() {
    let home = Home::new();
    let store = Arc::new(home.store());
    let (entered, wait_entered) = std::sync::mpsc::channel();
    let (leave, wait_leave) = std::sync::mpsc::channel::<()>();
    let holder = std::thread::spawn({
        let store = Arc::clone(&store);
        move || {
            store.update(|store| {
                entered.send(()).unwrap();
                wait_leave.recv().unwrap();
                store.tofu.insert("slow".to_owned(), key(1));
                Ok::<_, ()>(())
            })
        }
    });
    wait_entered.recv().unwrap();
    let impatient = home.store().waiting(Duration::from_millis(20)).pin("acme", key(2));
    assert!(matches!(impatient, Err(UpdateError::Store(TrustStoreFileError::Busy { .. }))), "{impatient:?}");
    // Reading needs no lock.
    assert_eq!(home.store().load().unwrap().store, Default::default());
    leave.send(()).unwrap();
    holder.join().unwrap().unwrap();
    home.store().pin("acme", key(2)).unwrap();
    assert_eq!(home.store().load().unwrap().store.tofu.len(), 2);
}
