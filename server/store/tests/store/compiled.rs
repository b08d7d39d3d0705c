use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use skillyard_store::{
    ReadError,
    compiled::{CacheError, CacheKey, CompiledCache, DEFAULT_LIMIT_BYTES},
};

use crate::common::Home;

fn key(n: u8) -> CacheKey {
    CacheKey { module_sha256: [n; 32], engine: "engine 48 x86_64".to_owned() }
}

fn cache(home: &Home) -> CompiledCache {
    limited(home, DEFAULT_LIMIT_BYTES)
}

fn limited(home: &Home, limit: u64) -> CompiledCache {
    CompiledCache::open(&home.path("cache"), &home.path("state/compiled.key"), limit).unwrap()
}

/// The files of the cache but its lock.
fn files(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.path("cache")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| !path.ends_with(".lock")).collect();
    files.sort();
    files
}

fn record(home: &Home) -> PathBuf {
    let mut records = files(home).into_iter().filter(|path| path.extension().is_some_and(|it| it == "json"));
    let record = records.next().unwrap();
    assert_eq!(records.next(), None);
    record
}

#[test]
fn what_is_inserted_is_found_by_its_whole_key() {
    let home = Home::new();
    let cache = cache(&home);
    assert_eq!(cache.lookup(&key(1)), None);
    assert_eq!(cache.info().unwrap().entries, 0);
    assert!(!home.path("cache").exists() && !home.path("state").exists(), "looking writes nothing");

    let inserted = cache.insert(&key(1), b"machine code", &|| true).unwrap();
    assert_eq!(inserted.length, 12);
    assert_eq!(inserted.digest, *blake3::hash(b"machine code").as_bytes());
    assert_eq!(fs::read(&inserted.path).unwrap(), b"machine code");
    assert_eq!(cache.lookup(&key(1)), Some(inserted.clone()));
    // Another process' view.
    assert_eq!(self::cache(&home).lookup(&key(1)), Some(inserted));
    assert_eq!(cache.lookup(&key(2)), None);
    assert_eq!(cache.lookup(&CacheKey { engine: "engine 49 x86_64".to_owned(), ..key(1) }), None);

    // Another result of the same compilation takes its place.
    let other = cache.insert(&key(1), b"other code", &|| true).unwrap();
    assert_eq!(cache.lookup(&key(1)), Some(other));
    assert_eq!(files(&home).len(), 2);
    let info = cache.info().unwrap();
    assert_eq!((info.entries, info.limit_bytes), (1, DEFAULT_LIMIT_BYTES));
    assert!(info.bytes > 10);
    let cleared = cache.clear().unwrap();
    assert_eq!((cleared.entries, cleared.bytes), (1, info.bytes));
    assert_eq!(cache.lookup(&key(1)), None);
    assert!(files(&home).is_empty());
}

#[cfg(unix)]
#[test]
fn only_their_owner_has_anything_of_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    cache(&home).insert(&key(1), b"code", &|| true).unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(home.path("cache")), 0o700);
    assert_eq!(mode(home.path("state/compiled.key")), 0o600);
    for file in files(&home) {
        assert_eq!(mode(file), 0o600);
    }

    let set = |path: &str, mode| fs::set_permissions(home.path(path), fs::Permissions::from_mode(mode)).unwrap();
    let open = || CompiledCache::open(&home.path("cache"), &home.path("state/compiled.key"), 100);
    set("cache", 0o770);
    let error = open().unwrap_err();
    assert!(matches!(error, CacheError::Unsafe(ReadError::OpenToOthers { folder: true, .. })), "{error}");
    assert!(error.to_string().contains("chmod 700"), "{error}");
    set("cache", 0o700);
    let cache = open().unwrap();
    set("cache", 0o702);
    assert_eq!(cache.lookup(&key(1)), None, "opened to others since");
    assert!(matches!(cache.insert(&key(2), b"x", &|| true), Err(CacheError::Unsafe(_))));
    assert!(matches!(cache.clear(), Err(CacheError::Unsafe(_))));
    set("cache", 0o700);
    assert!(cache.lookup(&key(1)).is_some(), "it was not removed for it");
    set("state/compiled.key", 0o640);
    let error = open().unwrap_err();
    assert!(matches!(error, CacheError::Unsafe(ReadError::OpenToOthers { folder: false, .. })), "{error}");
    assert_eq!(cache.lookup(&key(1)), None);
    set("state/compiled.key", 0o600);

    // A link leads where others may write.
    fs::rename(home.path("cache"), home.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(home.path("elsewhere"), home.path("cache")).unwrap();
    let error = open().unwrap_err();
    assert!(matches!(error, CacheError::Unsafe(ReadError::Link { .. })), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_of_somebody_else_is_refused() {
    use std::os::unix::fs::MetadataExt as _;
    let home = Home::new();
    cache(&home).insert(&key(1), b"code", &|| true).unwrap();
    // Only root can give a folder away, and see this.
    if std::os::unix::fs::chown(home.path("cache"), Some(12345), None).is_err() {
        return;
    }
    assert_eq!(fs::metadata(home.path("cache")).unwrap().uid(), 12345);
    let error = CompiledCache::open(&home.path("cache"), &home.path("state/compiled.key"), 100).unwrap_err();
    assert!(matches!(error, CacheError::Unsafe(ReadError::Foreign { owner: 12345, .. })), "{error}");
}

#[test]
fn what_was_tampered_with_is_a_miss_and_goes() {
    /// What is done to a whole entry.
    type Harm = fn(&Home);
    let harms: &[(&str, Harm)] = &[
        ("every byte of the record changed, one after the other", |home| {
            // This one does its own checking.
            let whole = fs::read(record(home)).unwrap();
            for at in 0..whole.len() {
                let mut bad = whole.clone();
                bad[at] ^= 1;
                fs::write(record(home), &bad).unwrap();
                assert_eq!(cache(home).lookup(&key(1)), None, "byte {at}");
                cache(home).insert(&key(1), b"machine code", &|| true).unwrap();
            }
            fs::write(record(home), b"{}").unwrap();
        }),
        ("half a record", |home| {
            let whole = fs::read(record(home)).unwrap();
            fs::write(record(home), &whole[..whole.len() / 2]).unwrap();
        }),
        ("no bytes", |home| fs::remove_file(cache(home).lookup(&key(1)).unwrap().path).unwrap()),
        ("half the bytes", |home| fs::write(cache(home).lookup(&key(1)).unwrap().path, b"mach").unwrap()),
        ("more bytes", |home| fs::write(cache(home).lookup(&key(1)).unwrap().path, b"machine code!").unwrap()),
        ("a folder in place of the bytes", |home| {
            let path = cache(home).lookup(&key(1)).unwrap().path;
            fs::remove_file(&path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("another secret", |home| fs::write(home.path("state/compiled.key"), [7; 32]).unwrap()),
        ("an endless record", |home| fs::write(record(home), vec![b' '; 1 << 20]).unwrap()),
        ("the entry of another key", |home| {
            let ours = record(home);
            cache(home).insert(&key(2), b"other code", &|| true).unwrap();
            let theirs = files(home).into_iter().find(|path| path.extension().unwrap() == "json" && *path != ours);
            fs::rename(theirs.unwrap(), &ours).unwrap();
        }),
    ];
    for (what, harm) in harms {
        let home = Home::new();
        cache(&home).insert(&key(1), b"machine code", &|| true).unwrap();
        harm(&home);
        assert_eq!(cache(&home).lookup(&key(1)), None, "{what}");
        let left: Vec<_> = files(&home).into_iter().filter(|path| path.extension().unwrap() == "json").collect();
        assert!(left.is_empty(), "{what}: {left:?}");
        // And it is whole again.
        if home.path("cache").read_dir().unwrap().all(|entry| !entry.unwrap().path().is_dir()) {
            cache(&home).insert(&key(1), b"machine code", &|| true).unwrap();
            assert!(cache(&home).lookup(&key(1)).is_some(), "{what}");
        }
    }
}

#[test]
fn bytes_that_turn_out_to_be_others_are_discarded() {
    let home = Home::new();
    let cache = cache(&home);
    let entry = cache.insert(&key(1), b"machine code", &|| true).unwrap();
    cache.insert(&key(2), b"stays", &|| true).unwrap();
    fs::write(&entry.path, b"MACHINE CODE").unwrap();
    // The length holds, and `lookup` reads none of the bytes: whoever uses them sees it.
    let found = cache.lookup(&key(1)).unwrap();
    assert_ne!(*blake3::hash(&fs::read(&found.path).unwrap()).as_bytes(), found.digest);
    cache.discard(&key(1), &|| true).unwrap();
    assert_eq!(cache.lookup(&key(1)), None);
    assert!(!entry.path.exists());
    assert!(cache.lookup(&key(2)).is_some());
    cache.discard(&key(3), &|| true).unwrap();
}

#[test]
fn a_secret_that_is_none_is_made_anew() {
    let home = Home::new();
    cache(&home).insert(&key(1), b"code", &|| true).unwrap();
    fs::write(home.path("state/compiled.key"), b"short").unwrap();
    assert_eq!(cache(&home).lookup(&key(1)), None);
    cache(&home).insert(&key(1), b"code", &|| true).unwrap();
    assert!(cache(&home).lookup(&key(1)).is_some());
    assert_eq!(fs::read(home.path("state/compiled.key")).unwrap().len(), 32);
}

#[test]
fn what_was_not_used_for_longest_makes_room() {
    let home = Home::new();
    let code = [0; 10_000];
    let cache = limited(&home, 35_000);
    for n in 1..=3 {
        cache.insert(&key(n), &code, &|| true).unwrap();
        // As if that had been long ago, the first the longest.
        let used = SystemTime::now() - Duration::from_secs(1000 - u64::from(n));
        for path in files(&home).iter().filter(|path| path.extension().unwrap() == "json") {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            if file.metadata().unwrap().modified().unwrap() > SystemTime::now() - Duration::from_secs(900) {
                file.set_modified(used).unwrap();
            }
        }
    }
    // Used again, the first is the newest.
    assert!(cache.lookup(&key(1)).is_some());
    cache.insert(&key(4), &code, &|| true).unwrap();
    assert_eq!([1, 2, 3, 4].map(|n| cache.lookup(&key(n)).is_some()), [true, false, true, true]);
    assert!(cache.info().unwrap().bytes <= 35_000);

    let error = cache.insert(&key(5), &[0; 35_001], &|| true).unwrap_err();
    assert!(matches!(error, CacheError::TooLarge { bytes: 35_001, limit: 35_000 }), "{error}");
    assert_eq!(cache.info().unwrap().entries, 3);
}

#[test]
fn what_a_crash_left_is_removed_when_room_is_made() {
    let home = Home::new();
    let cache = cache(&home);
    let entry = cache.insert(&key(1), b"code", &|| true).unwrap();
    fs::remove_file(record(&home)).unwrap();
    let name = entry.path.file_name().unwrap().to_str().unwrap().to_owned();
    fs::write(home.path("cache").join(format!(".{name}.new")), b"co").unwrap();
    fs::write(home.path("cache").join("notes.txt"), b"of somebody").unwrap();
    assert_eq!(cache.lookup(&key(1)), None);
    assert_eq!(cache.info().unwrap().entries, 0);
    cache.insert(&key(2), b"other", &|| true).unwrap();
    let left = files(&home);
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left.contains(&home.path("cache").join("notes.txt")), "what is not ours is left alone");
}

#[test]
fn looking_up_reads_none_of_the_bytes() {
    let home = Home::new();
    let cache = cache(&home);
    let entry = cache.insert(&key(1), &vec![1; 8 << 20], &|| true).unwrap();
    let start = std::time::Instant::now();
    for _ in 0..100 {
        assert_eq!(cache.lookup(&key(1)).as_ref(), Some(&entry));
    }
    // Told, not judged: a busy machine is no failure.
    println!("a look-up of 8 MiB: {:?}", start.elapsed() / 100);
    // Bytes that cannot even be read are found by their seal.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&entry.path, fs::Permissions::from_mode(0o000)).unwrap();
        assert_eq!(cache.lookup(&key(1)), Some(entry));
    }
}

#[test]
fn whoever_keeps_a_module_waits_for_no_other_process_once_it_is_to_end() {
    let home = Home::new();
    let cache = cache(&home);
    cache.insert(&key(1), b"code", &|| true).unwrap();
    // Another process writes, and goes on for as long as it likes.
    let lock = fs::File::options().write(true).open(home.path("cache/.lock")).unwrap();
    lock.lock().unwrap();
    let asked = std::cell::Cell::new(0);
    let twice = || asked.replace(asked.get() + 1) < 2;
    assert!(matches!(cache.insert(&key(2), b"code", &twice), Err(CacheError::Busy { .. })));
    // A slow machine may have waited long enough before that.
    assert!((1..=3).contains(&asked.get()), "{}", asked.get());
    assert!(matches!(cache.discard(&key(1), &|| false), Err(CacheError::Busy { .. })));
    assert!(matches!(cache.insert(&key(2), b"code", &|| true), Err(CacheError::Busy { .. })));
    drop(lock);
    assert_eq!((cache.lookup(&key(1)).is_some(), cache.lookup(&key(2))), (true, None));
    assert_eq!(files(&home).len(), 2, "nothing half");
}
