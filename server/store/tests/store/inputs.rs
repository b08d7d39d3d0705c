use std::{
    fs, thread,
    time::{Duration, SystemTime},
};

use skillyard_store::{
    ReadError,
    inputs::{InputError, LastInputs, MAX_INPUT_BYTES, MAX_INPUTS, Remembered},
};

use crate::common::Home;

#[test]
fn the_last_input_of_each_tool_is_recalled() {
    let home = Home::new();
    let inputs = LastInputs::new(&home.path("i"));
    assert_eq!(inputs.recall("acme.mail", "acme.send").unwrap(), None);
    assert_eq!(inputs.clear().unwrap(), 0);
    assert!(!home.path("i").exists(), "looking writes nothing");
    assert_eq!(inputs.remember("acme.mail", "acme.send", "{\"to\": 1}", false).unwrap(), Remembered::Yes);
    inputs.remember("acme.mail", "acme.read", "[]", false).unwrap();
    inputs.remember("acme", "mail.acme.send", "{}", false).unwrap();
    inputs.remember("acme.mail", "acme.send", "{ \"to\": \"\u{1b}é\" }\n", false).unwrap();
    assert_eq!(inputs.recall("acme.mail", "acme.send").unwrap().unwrap(), "{ \"to\": \"\u{1b}é\" }\n");
    assert_eq!(inputs.recall("acme.mail", "acme.read").unwrap().unwrap(), "[]");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(home.path("i")), 0o700);
        for entry in fs::read_dir(home.path("i")).unwrap() {
            assert_eq!(mode(entry.unwrap().path()), 0o600);
        }
        fs::set_permissions(home.path("i"), fs::Permissions::from_mode(0o777)).unwrap();
        let error = inputs.recall("acme.mail", "acme.read").unwrap_err();
        assert!(matches!(error, InputError::Read(ReadError::OpenToOthers { .. })), "{error}");
        fs::set_permissions(home.path("i"), fs::Permissions::from_mode(0o700)).unwrap();
    }
    assert_eq!(inputs.clear().unwrap(), 3);
    assert_eq!(inputs.recall("acme.mail", "acme.read").unwrap(), None);
}

#[test]
fn a_secret_and_what_is_too_large_are_not_remembered() {
    let home = Home::new();
    let inputs = LastInputs::new(&home.path("i"));
    assert_eq!(inputs.remember("s", "t", "\"hunter2\"", true).unwrap(), Remembered::HoldsSecret);
    assert!(!home.path("i").exists());
    // The worst that JSON makes of it fits.
    let large = "\u{1}".repeat(MAX_INPUT_BYTES);
    assert_eq!(inputs.remember("s", "t", &large, false).unwrap(), Remembered::Yes);
    assert_eq!(inputs.recall("s", "t").unwrap().unwrap(), large);
    assert_eq!(inputs.remember("s", "t", &format!("{large}x"), false).unwrap(), Remembered::TooLarge);
    assert_eq!(inputs.recall("s", "t").unwrap().unwrap(), large);
}

#[test]
fn what_is_damaged_is_no_input() {
    let home = Home::new();
    let inputs = LastInputs::new(&home.path("i"));
    inputs.remember("s", "t", "1", false).unwrap();
    let entries = fs::read_dir(home.path("i")).unwrap().map(|entry| entry.unwrap().path());
    let file = entries.into_iter().find(|path| path.extension().is_some()).unwrap();
    let whole = fs::read_to_string(&file).unwrap();
    for bad in ["", "{", &whole[..10], &whole.replace("\"t\"", "\"u\"")] {
        fs::write(&file, bad).unwrap();
        assert_eq!(inputs.recall("s", "t").unwrap(), None, "{bad}");
    }
    inputs.remember("s", "t", "2", false).unwrap();
    assert_eq!(inputs.recall("s", "t").unwrap().unwrap(), "2");
}

#[test]
fn the_number_is_bounded_and_writers_at_once_lose_nothing() {
    let home = Home::new();
    let inputs = LastInputs::new(&home.path("i"));
    inputs.remember("s", "first", "0", false).unwrap();
    let mut files = fs::read_dir(home.path("i")).unwrap().map(|it| it.unwrap().path());
    let file = files.find(|path| path.extension().is_some_and(|it| it == "json")).unwrap();
    // A clock of a file system may be too coarse to tell it from what follows.
    let before = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().write(true).open(file).unwrap().set_modified(before).unwrap();
    // Files of a time before that: as many as there may be.
    fs::create_dir_all(home.path("i")).unwrap();
    for n in 0..MAX_INPUTS - 1 {
        fs::write(home.path("i").join(format!("{n:032x}.json")), "{}").unwrap();
    }
    thread::scope(|scope| {
        for who in 0..4 {
            let folder = home.path("i");
            scope.spawn(move || {
                for n in 0..3 {
                    LastInputs::new(&folder).remember("s", &format!("{who}-{n}"), &n.to_string(), false).unwrap();
                }
            });
        }
    });
    let count = fs::read_dir(home.path("i")).unwrap().count();
    assert_eq!(count, MAX_INPUTS + 1, "and the lock");
    for (who, n) in (0..4).flat_map(|who| (0..3).map(move |n| (who, n))) {
        assert_eq!(inputs.recall("s", &format!("{who}-{n}")).unwrap(), Some(n.to_string()));
    }
    assert_eq!(inputs.recall("s", "first").unwrap(), None, "the oldest went");
}
