use std::{ffi::OsString, fs, str::FromStr as _};

use skillyard_store::{
    ReadError,
    keys::KeptIn,
    secrets::{MAX_SECRET_BYTES, SecretError, SecretName, SecretSource, SecretStore},
};

use crate::common::{Home, mock_credentials, no_credentials, over};

fn name(text: &str) -> SecretName {
    SecretName::from_str(text).unwrap()
}

fn unset(_: &str) -> Option<OsString> {
    None
}

/// The value and the source, for a test alone.
fn get(store: &SecretStore, text: &str) -> Option<(Vec<u8>, SecretSource)> {
    let found = store.get(&name(text)).unwrap_or_else(|error| panic!("{error}"));
    found.map(|secret| (secret.value.to_vec(), secret.source))
}

#[test]
fn names_are_those_of_a_manifest() {
    for good in ["global/a", "skill:acme.mail/api_token", "principal:user:ops/x.y-z", "channel:c/k:2"] {
        assert_eq!(name(good).to_string(), good);
    }
    for bad in [
        "",
        "global",
        "global/",
        "/a",
        "Global/a",
        "skill:/a",
        "skill/a",
        "skill:acme/a/b",
        "skill:acme/A",
        "skill:acme/a*",
        " global/a",
        "global/a ",
        "global /a",
        "skill: acme/a",
        "skill:acme/../x",
        "skill:acme/é",
        &format!("global/{}", "x".repeat(600)),
    ] {
        let error = SecretName::from_str(bad).err().unwrap_or_else(|| panic!("{bad:?} is taken"));
        assert!(matches!(error, SecretError::Name { .. }), "{bad:?}");
    }
    let text = SecretName::from_str("\u{202e}x").unwrap_err().to_string();
    assert!(!text.contains('\u{202e}') && text.contains("SCOPE/KEY"), "{text}");
}

#[test]
fn variables_are_named_after_scope_and_key() {
    for (of, variable) in [
        ("skill:acme.mail/api_token", "SKILL_ACME_MAIL__API_TOKEN"),
        ("global/a-b:c", "GLOBAL__A_2B_3C"),
        ("skill:acme.mail_box/api.token", "SKILL_ACME_MAIL_1BOX__API_0TOKEN"),
        ("principal:user:ops/x_", "PRINCIPAL_USER_3OPS__X_1"),
        ("channel:c.1/k_2", "CHANNEL_C_01__K_12"),
    ] {
        assert_eq!(name(of).variable(), format!("SKILLYARD_SECRET_{variable}"), "{of}");
    }
}

#[test]
fn no_two_secrets_have_one_variable() {
    // Every scope and key of up to four of these characters, of every kind.
    let mut words = vec![String::new()];
    let mut all = Vec::new();
    for _ in 0..4 {
        words = words.iter().flat_map(|word| ["a", "0", ".", "_", "-", ":"].map(|c| format!("{word}{c}"))).collect();
        all.extend(words.clone());
    }
    let short: Vec<&String> = all.iter().filter(|word| word.len() < 3).collect();
    let mut names: Vec<String> = all.iter().map(|key| format!("global/{key}")).collect();
    for kind in ["skill", "principal", "channel"] {
        let one = |scope: &String, key: &String| format!("{kind}:{scope}/{key}");
        names.extend(all.iter().flat_map(|scope| short.iter().map(move |key| one(scope, key))));
        names.extend(all.iter().flat_map(|key| short.iter().map(move |scope| one(scope, key))));
    }
    names.sort();
    names.dedup();
    let variables: std::collections::BTreeMap<String, &String> =
        names.iter().map(|text| (name(text).variable(), text)).collect();
    assert_eq!(variables.len(), names.len());
    assert!(variables.keys().all(|it| it.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')));
}

#[test]
fn where_a_secret_would_come_from_is_told_without_it() {
    let home = Home::new();
    let (_, credentials) = mock_credentials();
    let store = SecretStore::new(&home.path("s"), None);
    let token = name("skill:acme.mail/token");
    assert_eq!(store.source(&token, &unset).unwrap(), None);
    assert!(!home.path("s").exists(), "looking writes nothing");
    let kept = store.set(&token, b"kept").unwrap();
    assert_eq!(store.source(&token, &unset).unwrap(), Some(kept));
    let set = |asked: &str| (asked == token.variable()).then(|| "hunter2".into());
    assert_eq!(store.source(&token, &set).unwrap(), Some(SecretSource::Environment(token.variable())));
    SecretStore::new(&home.path("s"), Some(credentials)).set(&token, b"kept").unwrap();
    // A session that does not reach it says where it is all the same.
    assert_eq!(store.source(&token, &unset).unwrap(), Some(SecretSource::CredentialStore));
}

#[test]
fn without_a_credential_store_a_file_that_only_its_owner_reads_has_it() {
    let home = Home::new();
    for credentials in [None, Some(no_credentials())] {
        let folder = home.path(if credentials.is_some() { "a" } else { "b" });
        let store = SecretStore::new(&folder, credentials);
        assert_eq!(store.list().unwrap(), []);
        assert!(get(&store, "global/token").is_none());
        assert!(!store.remove(&name("global/token")).unwrap());
        assert!(!folder.exists(), "looking writes nothing");

        let SecretSource::File(path) = store.set(&name("global/token"), b"hunter2").unwrap() else { panic!() };
        assert!(path.starts_with(&folder));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
            assert_eq!((mode(path.clone()), mode(folder.clone())), (0o600, 0o700));
        }
        assert_eq!(get(&store, "global/token").unwrap(), (b"hunter2".to_vec(), SecretSource::File(path)));
        store.set(&name("global/token"), b"correct horse").unwrap();
        assert_eq!(get(&store, "global/token").unwrap().0, b"correct horse");
        store.set(&name("skill:acme.mail/a"), b"\x00\xff\n").unwrap();
        assert_eq!(get(&store, "skill:acme.mail/a").unwrap().0, b"\x00\xff\n");
        let listed: Vec<_> = store.list().unwrap().into_iter().map(|it| (it.name.to_string(), it.kept_in)).collect();
        let expected = ["global/token", "skill:acme.mail/a"].map(|name| (name.to_owned(), KeptIn::File));
        assert_eq!(listed, expected);
        assert!(store.remove(&name("global/token")).unwrap());
        assert!(get(&store, "global/token").is_none());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3, "the other's two files and the lock");
    }
}

#[test]
fn the_credential_store_has_it_where_there_is_one() {
    let home = Home::new();
    let (mock, credentials) = mock_credentials();
    let store = SecretStore::new(&home.path("s"), Some(credentials));
    // What an earlier session kept in a file goes when the credential store has the new one.
    SecretStore::new(&home.path("s"), None).set(&name("global/token"), b"old").unwrap();
    assert_eq!(store.set(&name("global/token"), b"hunter2").unwrap(), SecretSource::CredentialStore);
    for entry in fs::read_dir(home.path("s")).unwrap() {
        let text = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!text.contains("hunter2") && !text.contains("old"), "{text}");
    }
    let again = SecretStore::new(&home.path("s"), Some(over(mock)));
    assert_eq!(get(&again, "global/token").unwrap(), (b"hunter2".to_vec(), SecretSource::CredentialStore));
    assert_eq!(again.list().unwrap()[0].kept_in, KeptIn::CredentialStore);

    // A session that does not reach it says so, and loses nothing.
    let without = SecretStore::new(&home.path("s"), None);
    let error = without.get(&name("global/token")).err().unwrap();
    assert!(matches!(error, SecretError::Credentials { .. }), "{error}");
    assert!(matches!(without.remove(&name("global/token")), Err(SecretError::Credentials { .. })));
    assert_eq!(without.list().unwrap().len(), 1);
    assert!(again.remove(&name("global/token")).unwrap());
    assert!(get(&again, "global/token").is_none());
}

#[test]
fn the_environment_goes_first() {
    let home = Home::new();
    let store = SecretStore::new(&home.path("s"), None);
    store.set(&name("skill:acme.mail/token"), b"kept").unwrap();
    let find = |lookup: &dyn Fn(&str) -> Option<OsString>| {
        let found = store.find(&name("skill:acme.mail/token"), lookup).unwrap_or_else(|error| panic!("{error}"));
        found.map(|secret| (secret.value.to_vec(), secret.source)).unwrap()
    };
    let variable = "SKILLYARD_SECRET_SKILL_ACME_MAIL__TOKEN";
    let set = |value: &'static str| move |asked: &str| (asked == variable).then(|| value.into());
    assert_eq!(find(&set("now")), (b"now".to_vec(), SecretSource::Environment(variable.to_owned())));
    assert_eq!(find(&set("")).0, b"kept");
    assert_eq!(find(&unset).0, b"kept");
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt as _;
        let error = store.find(&name("global/x"), &|_| Some(OsString::from_vec(b"hunter2\xff".to_vec()))).err();
        let error = error.unwrap();
        assert!(matches!(error, SecretError::Variable { .. }));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[test]
fn what_is_no_value_or_not_safe_is_refused() {
    let home = Home::new();
    let store = SecretStore::new(&home.path("s"), None);
    assert!(matches!(store.set(&name("global/a"), b""), Err(SecretError::Empty { .. })));
    let error = store.set(&name("global/a"), &vec![b'x'; MAX_SECRET_BYTES + 1]).unwrap_err();
    assert!(matches!(error, SecretError::TooLarge { .. }), "{error}");
    assert!(!home.path("s").exists());
    let SecretSource::File(path) = store.set(&name("global/a"), &[b'x'; MAX_SECRET_BYTES]).unwrap() else { panic!() };
    fs::write(path.with_extension("json"), "{}").unwrap();
    for error in [store.get(&name("global/a")).err(), store.list().err(), store.remove(&name("global/a")).err()] {
        assert!(matches!(error, Some(SecretError::Record { .. })));
    }
    let SecretSource::File(path) = store.set(&name("global/a"), b"again").unwrap() else { panic!() };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = store.get(&name("global/a")).err().unwrap();
        assert!(matches!(error, SecretError::Read(ReadError::OpenToOthers { .. })), "{error}");
        fs::set_permissions(home.path("s"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(store.set(&name("global/a"), b"x"), Err(SecretError::Read(ReadError::OpenToOthers { .. }))));
        fs::set_permissions(home.path("s"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::remove_file(path).unwrap();
    assert!(matches!(store.get(&name("global/a")), Err(SecretError::Gone { .. })));
}
