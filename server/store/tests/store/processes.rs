//! Real processes: this test program, started again as a writer that is killed or races with others.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use skillyard_artifact::trust::TrustError;
use skillyard_store::{
    compiled::{CacheError, CacheKey, CompiledCache},
    trust_store::{TrustStoreFile, UpdateError},
};

use crate::common::{Home, key};

const FOLDER: &str = "SKILLYARD_STORE_TEST_FOLDER";
const WHO: &str = "SKILLYARD_STORE_TEST_WHO";

fn child(test: &str, home: &Home, who: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("processes::{test}"), "--nocapture", "--test-threads=1"])
        .env(FOLDER, home.path(""))
        .env(WHO, who.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The store that the parent means; nothing where this is an ordinary run of the tests.
fn inside_child() -> Option<(TrustStoreFile, usize)> {
    let folder = PathBuf::from(env::var_os(FOLDER)?);
    let store = folder.join("state/palyra/skills/trust-store.json");
    let store = TrustStoreFile::new(&store, &folder.join("state/skillyard/seals"), None).unwrap();
    Some((store, env::var(WHO).unwrap().parse().unwrap()))
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "said: {text}").unwrap();
    out.flush().unwrap();
}

fn said(line: std::io::Result<String>) -> Option<String> {
    let line = line.ok()?;
    line.split_once("said: ").map(|(_, text)| text.to_owned())
}

#[test]
fn child_that_pins_for_ever() {
    let Some((store, _)) = inside_child() else { return };
    let from = store.load().unwrap().store.tofu.len();
    for n in from.. {
        store.pin(&format!("publisher-{n}"), key(n as u8)).unwrap();
        say(&n.to_string());
    }
}

#[test]
fn killed_at_any_point_nothing_that_was_confirmed_is_lost_and_nothing_is_half() {
    let home = Home::new();
    let mut confirmed = 0;
    for round in 0..60_u64 {
        let mut writer = child("child_that_pins_for_ever", &home, 0);
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        for _ in 0..=(round % 3) {
            let n: usize = lines.by_ref().find_map(said).expect("the writer says what it pinned").parse().unwrap();
            confirmed = confirmed.max(n + 1);
        }
        // Some point of the next write, another each round; nothing is waited for.
        std::thread::sleep(Duration::from_micros(round * 337 % 9000));
        writer.kill().unwrap();
        writer.wait().unwrap();
        for n in lines.filter_map(said) {
            confirmed = confirmed.max(n.parse::<usize>().unwrap() + 1);
        }
        let store = home.store().load().unwrap_or_else(|error| panic!("round {round}: {error}")).store;
        let pinned = store.tofu.len();
        assert!(pinned == confirmed || pinned == confirmed + 1, "round {round}: {pinned} of {confirmed}");
        for n in 0..pinned {
            assert_eq!(store.tofu.get(&format!("publisher-{n}")), Some(&key(n as u8)));
        }
        confirmed = pinned;
    }
    // Nothing piles up: the store, its lock and at most one file of a write that was cut off; so with the seals.
    let files = |path: PathBuf| fs::read_dir(path).unwrap().count();
    assert!(files(home.store_path().parent().unwrap().to_owned()) <= 3);
    // The record, the secret, and that there is a record.
    assert!(files(home.seals()) <= 4);
    // And it is still guarded.
    fs::write(home.store_path(), "{}").unwrap();
    assert!(home.store().load().is_err());
    println!("60 kills, {confirmed} pins, none lost");
}

#[test]
fn child_that_pins_its_own() {
    let Some((store, who)) = inside_child() else { return };
    say("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    for n in 0..PINS {
        store.pin(&format!("publisher-{who}-{n}"), key(who as u8)).unwrap();
        // A reader among the writers sees no half state.
        assert!(store.load().unwrap().store.tofu.contains_key(&format!("publisher-{who}-{n}")));
        match store.pin(&format!("contested-{n}"), key(who as u8)) {
            Ok(updated) => say(&format!("{n} {}", if updated.written { "won" } else { "had" })),
            Err(UpdateError::Change(TrustError::OtherPinned { key: offered, .. })) => {
                assert_eq!(offered, key(who as u8));
                say(&format!("{n} told"));
            }
            Err(error) => panic!("{error}"),
        }
    }
    say("done");
}

const PINS: usize = 12;

fn race(processes: usize) {
    let home = Home::new();
    let mut children: Vec<Child> = (0..processes).map(|who| child("child_that_pins_its_own", &home, who)).collect();
    let mut outputs = Vec::new();
    for child in &mut children {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.by_ref().find_map(said).as_deref(), Some("ready"));
        outputs.push(lines);
    }
    // All at once.
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
    }
    let mut won: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut told = 0;
    for (who, lines) in outputs.into_iter().enumerate() {
        let said: Vec<String> = lines.filter_map(said).collect();
        assert_eq!(said.last().map(String::as_str), Some("done"), "{who}: {said:?}");
        for line in &said[..said.len() - 1] {
            let (n, what) = line.split_once(' ').unwrap();
            match what {
                "won" => won.entry(n.parse().unwrap()).or_default().push(who),
                "told" => told += 1,
                other => panic!("{other}"),
            }
        }
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = home.store().load().unwrap().store;
    for n in 0..PINS {
        let [winner] = won[&n][..] else { panic!("{:?} won contest {n}", won[&n]) };
        assert_eq!(store.tofu[&format!("contested-{n}")], key(winner as u8));
        for who in 0..processes {
            assert_eq!(store.tofu.get(&format!("publisher-{who}-{n}")), Some(&key(who as u8)));
        }
    }
    assert_eq!(store.tofu.len(), PINS * (processes + 1));
    assert_eq!(told, PINS * (processes - 1));
}

#[test]
fn two_processes_at_once_lose_nothing_and_one_is_told() {
    race(2);
}

#[test]
fn eight_processes_at_once_lose_nothing_and_seven_are_told() {
    race(8);
}

/// The compiled form of module `n`, whoever makes it: its key is its content, so that what is found can be judged.
fn compiled(n: u8) -> (CacheKey, Vec<u8>) {
    (CacheKey { module_sha256: [n; 32], engine: "engine 48".to_owned() }, vec![n; 4000 + usize::from(n)])
}

/// Room for some four of the eight.
fn cache(folder: &Path) -> CompiledCache {
    CompiledCache::open(&folder.join("cache"), &folder.join("state/compiled.key"), 20_000).unwrap()
}

#[test]
fn child_that_compiles_and_clears() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let who: usize = env::var(WHO).unwrap().parse().unwrap();
    let cache = cache(&folder);
    say("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let mut found = 0;
    for round in 0..40 {
        let n = u8::try_from((round * 3 + who) % 8).unwrap();
        let (key, bytes) = compiled(n);
        match cache.lookup(&key) {
            Some(entry) => {
                assert_eq!((entry.length, entry.digest), (bytes.len() as u64, *blake3::hash(&bytes).as_bytes()));
                // It may have gone since; what is there is whole.
                if let Ok(read) = fs::read(&entry.path) {
                    assert!(read == bytes, "{n}");
                    found += 1;
                }
            }
            None => match cache.insert(&key, &bytes, &|| true) {
                // Nobody waits long to keep what can be compiled again.
                Ok(_) | Err(CacheError::Busy { .. }) => {}
                Err(error) => panic!("{error}"),
            },
        }
        if who == 0 && round % 10 == 9 {
            cache.clear().unwrap();
        }
    }
    say(&format!("found {found}"));
}

#[test]
fn many_processes_share_a_cache_and_none_finds_anything_half() {
    let home = Home::new();
    let mut children: Vec<Child> = (0..6).map(|who| child("child_that_compiles_and_clears", &home, who)).collect();
    let mut outputs = Vec::new();
    for child in &mut children {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.by_ref().find_map(said).as_deref(), Some("ready"));
        outputs.push(lines);
    }
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
    }
    for lines in outputs {
        let last = lines.filter_map(said).last();
        assert!(last.as_deref().is_some_and(|last| last.starts_with("found ")), "{last:?}");
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let cache = cache(&home.path(""));
    // One more insertion leaves the cache within its limit, whatever raced.
    let (key, bytes) = compiled(9);
    let entry = cache.insert(&key, &bytes, &|| true).unwrap();
    assert_eq!(cache.lookup(&key), Some(entry));
    assert!(cache.info().unwrap().bytes <= 20_000);
}
