//! A crash before every single step that changes the disk, alone and in random sequences against a model.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const NOW: i64 = 1_700_000_000_000;

struct World {
    home: TempDir,
}

impl World {
    fn new() -> Self {
        // What crashes here is a process, not a machine: in memory nobody waits for a disk, thousands of times.
        let memory = Path::new("/dev/shm");
        let home = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        Self { home: home.unwrap() }
    }

    fn root(&self) -> PathBuf {
        self.home.path().join("state/palyra/skills")
    }

    fn skills(&self) -> InstalledSkills {
        InstalledSkills::new(&self.root(), &self.home.path().join("state/skillyard/seals"), None).unwrap()
    }

    /// Skills that crash before step `at`, and how many steps were begun.
    fn crashing(&self, at: usize) -> (InstalledSkills, Arc<AtomicUsize>) {
        let mut skills = self.skills();
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        skills.disk.before = Some(Box::new(move |_| {
            // After a crash nothing is done any more.
            if count.fetch_add(1, Ordering::SeqCst) >= at { Err(io::Error::other("crash")) } else { Ok(()) }
        }));
        (skills, begun)
    }
}

fn content(skill_id: &str, version: &str) -> Vec<u8> {
    format!("the artifact {skill_id} {version}").into_bytes()
}

fn files(skill_id: &str, version: &str) -> Vec<(String, Vec<u8>)> {
    vec![
        ("skill.toml".to_owned(), format!("skill_id = \"{skill_id}\"").into_bytes()),
        ("modules/a/b.wasm".to_owned(), version.as_bytes().to_vec()),
        ("assets/text".to_owned(), Vec::new()),
    ]
}

fn new_version<'v>(
    skill_id: &str,
    version: &str,
    artifact: &'v [u8],
    files: &'v [(String, Vec<u8>)],
    expected: Option<String>,
) -> NewVersion<'v> {
    NewVersion {
        entry: Entry {
            skill_id: skill_id.to_owned(),
            version: version.to_owned(),
            publisher: "acme".to_owned(),
            current: false,
            installed_at_unix_ms: 0,
            artifact_sha256: hex(&sha256(artifact)),
            payload_sha256: hex(&sha256(version.as_bytes())),
            signature_key_id: "ed25519:0011223344556677".to_owned(),
            trust_decision: "allowlisted".to_owned(),
            source: Source { kind: "file".to_owned(), reference: "x.palyra-skill".to_owned() },
            missing_secrets: Vec::new(),
        },
        artifact,
        files: files.iter().map(|(path, content)| (path.clone(), Cow::Borrowed(content.as_slice()))).collect(),
        events: vec![NewEvent {
            kind: EventKind::Verified,
            payload: facts(json!({ "skill_id": skill_id, "version": version })),
        }],
        expected_current: expected,
        allow_downgrade: true,
        principal: "ada".to_owned(),
        now_unix_ms: NOW,
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Op {
    Install(usize, usize),
    Remove(usize, Option<usize>),
    RollBack(usize, Option<usize>),
    State(usize, usize, Status),
}

const IDS: [&str; 3] = ["acme.a", "acme.a.b", "zeta.c"];
const VERSIONS: [&str; 3] = ["1.0.0", "1.10.0", "1.9.0"];

/// What a store of skills is, without files.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Model {
    /// Versions and whether they are current.
    installed: BTreeMap<String, BTreeMap<Version, bool>>,
    blocked: BTreeMap<(String, String), Status>,
    /// Kind, skill and version of all events.
    log: Vec<(String, String, String)>,
}

impl Model {
    fn current(&self, id: &str) -> Option<String> {
        let versions = self.installed.get(id)?;
        versions.iter().find(|(_, current)| **current).map(|(version, _)| version.to_string())
    }

    /// What becomes of it, and whether the operation is done or refused.
    fn after(&self, op: &Op) -> (Self, bool) {
        let mut new = self.clone();
        let done = new.apply(op).is_some();
        if done { (new, true) } else { (self.clone(), false) }
    }

    fn apply(&mut self, op: &Op) -> Option<()> {
        let version = |text: &str| Version::parse(text).unwrap();
        let mut log = |kind: EventKind, id: &str, version: &str| {
            self.log.push((kind.name().to_owned(), id.to_owned(), version.to_owned()));
        };
        match *op {
            Op::Install(id, at) => {
                let (id, at) = (IDS[id], VERSIONS[at]);
                let versions = self.installed.entry(id.to_owned()).or_default();
                if versions.contains_key(&version(at)) || self.blocked.contains_key(&(id.to_owned(), at.to_owned())) {
                    return None;
                }
                log(EventKind::Verified, id, at);
                log(if versions.is_empty() { EventKind::Installed } else { EventKind::Updated }, id, at);
                versions.values_mut().for_each(|current| *current = false);
                versions.insert(version(at), true);
            }
            Op::Remove(id, at) => {
                let id = IDS[id];
                let versions = self.installed.get_mut(id)?;
                let gone: Vec<Version> = match at {
                    Some(at) => vec![version(VERSIONS[at])],
                    None => versions.keys().copied().collect(),
                };
                for gone in gone {
                    versions.remove(&gone)?;
                    log(EventKind::Removed, id, &gone.to_string());
                }
                if versions.is_empty() {
                    self.installed.remove(id);
                } else if !versions.values().any(|current| *current) {
                    *versions.last_entry()?.get_mut() = true;
                }
            }
            Op::RollBack(id, at) => {
                let id = IDS[id];
                let versions = self.installed.get_mut(id)?;
                let now = *versions.iter().find(|(_, current)| **current)?.0;
                let to = match at {
                    Some(at) => version(VERSIONS[at]),
                    None => *versions.range(..now).next_back()?.0,
                };
                if to == now
                    || !versions.contains_key(&to)
                    || self.blocked.contains_key(&(id.to_owned(), to.to_string()))
                {
                    return None;
                }
                versions.iter_mut().for_each(|(version, current)| *current = *version == to);
                log(EventKind::Updated, id, &to.to_string());
            }
            Op::State(id, at, status) => {
                let key = (IDS[id].to_owned(), VERSIONS[at].to_owned());
                let kind = if status == Status::Active { EventKind::Enabled } else { EventKind::Quarantined };
                log(kind, &key.0, &key.1);
                match status {
                    Status::Active => self.blocked.remove(&key),
                    _ => self.blocked.insert(key, status),
                };
            }
        }
        self.installed.retain(|_, versions| !versions.is_empty());
        Some(())
    }
}

/// Does it for real. `Ok(false)` where it was refused as the model has it.
fn perform(skills: &InstalledSkills, op: &Op, model: &Model) -> Result<bool, InstalledError> {
    let done = match *op {
        Op::Install(id, at) => {
            let (id, at) = (IDS[id], VERSIONS[at]);
            let (artifact, files) = (content(id, at), files(id, at));
            skills.install(&new_version(id, at, &artifact, &files, model.current(id))).map(drop)
        }
        Op::Remove(id, at) => skills.remove(IDS[id], at.map(|at| VERSIONS[at]), "ada", NOW).map(drop),
        Op::RollBack(id, at) => {
            let from = model.current(IDS[id]).unwrap_or_default();
            let below = || {
                let versions = model.installed.get(IDS[id])?;
                versions.range(..Version::parse(&from)?).next_back().map(|(version, _)| version.to_string())
            };
            match at.map(|at| VERSIONS[at].to_owned()).or_else(below) {
                _ if from.is_empty() => {
                    Err(InstalledError::NotInstalled { skill_id: IDS[id].to_owned(), version: None })
                }
                None => Err(InstalledError::NothingBelow { skill_id: IDS[id].to_owned(), version: from }),
                Some(to) => skills.roll_back(IDS[id], &from, &to, "ada", NOW).map(drop),
            }
        }
        Op::State(id, at, status) => {
            let verdict = Verdict { status, reason: "r".to_owned(), principal: "ada".to_owned(), now_unix_ms: NOW };
            skills.set_state(IDS[id], VERSIONS[at], &verdict, &[]).map(drop)
        }
    };
    match done {
        Ok(()) => Ok(true),
        Err(
            InstalledError::AlreadyInstalled { .. }
            | InstalledError::Blocked(_)
            | InstalledError::NotInstalled { .. }
            | InstalledError::NothingBelow { .. }
            | InstalledError::IsCurrent { .. },
        ) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is really there. Panics where its parts do not agree.
fn observe(world: &World) -> Model {
    let skills = world.skills();
    let examined = skills.examine().unwrap();
    assert!(examined.unknown.is_empty() && examined.missing.is_empty(), "{examined:?}");
    assert_eq!(examined.foreign, 0);
    let mut model = Model::default();
    for entry in &examined.snapshot.entries {
        let versions = model.installed.entry(entry.skill_id.clone()).or_default();
        versions.insert(entry.order().unwrap(), entry.current);
        assert_eq!(skills.artifact(entry).unwrap(), content(&entry.skill_id, &entry.version));
        let files = files(&entry.skill_id, &entry.version);
        let unpacked = files.iter().map(|(path, content)| (path.clone(), sha256(content))).collect();
        assert_eq!(skills.changed_files(entry, &unpacked).unwrap(), Vec::<PathBuf>::new());
        let known = skills.known(&entry.skill_id, &entry.version).unwrap();
        assert!(known.entries.contains(entry));
        if entry.current {
            let pointer = fs::read_to_string(world.root().join(&entry.skill_id).join(CURRENT)).unwrap();
            assert_eq!(pointer.trim_end(), entry.version);
        }
    }
    for versions in model.installed.values() {
        assert_eq!(versions.values().filter(|current| **current).count(), 1);
    }
    let blocked = examined.snapshot.said.blocked();
    model.blocked = blocked.map(|state| ((state.skill_id.clone(), state.version.clone()), state.status)).collect();
    for event in skills.events().unwrap() {
        let event = event.unwrap();
        let text = |key: &str| event.payload[key].as_str().unwrap().to_owned();
        model.log.push((event.event_kind.clone(), text("skill_id"), text("version")));
    }
    model
}

/// Nothing of an operation that did not happen is left.
fn is_tidy(world: &World) {
    let mut names = BTreeSet::new();
    if world.root().exists() {
        files_below(&world.root(), "", &mut names).unwrap();
        for (skill_id, folder) in folders_in(&world.root()).unwrap() {
            for entry in fs::read_dir(folder).unwrap() {
                names.insert(format!("{skill_id}/{}", entry.unwrap().file_name().to_string_lossy()));
            }
        }
    }
    for name in names {
        let half = name.split('/').any(|part| part.starts_with('.'));
        assert!(!half, "{name} is left");
    }
}

fn ops(all: &[Op], world: &World) -> Model {
    let mut model = Model::default();
    for op in all {
        let done = perform(&world.skills(), op, &model).unwrap();
        let (after, expected) = model.after(op);
        assert_eq!(done, expected, "{op:?}");
        model = after;
    }
    model
}

#[test]
fn a_crash_before_any_step_leaves_the_old_state_or_the_new_one() {
    use Op::{Install, Remove, RollBack, State};
    let cases: [(&str, Vec<Op>, Op); 8] = [
        ("a first installation", vec![], Install(0, 0)),
        ("an installation beside others", vec![Install(1, 0), Install(2, 0)], Install(0, 0)),
        ("an update", vec![Install(0, 0), Install(1, 0)], Install(0, 1)),
        ("a removal of one version", vec![Install(0, 0), Install(0, 1)], Remove(0, Some(1))),
        ("a removal of all", vec![Install(0, 0), Install(0, 1)], Remove(0, None)),
        ("a way back", vec![Install(0, 0), Install(0, 1)], RollBack(0, None)),
        ("a quarantine", vec![Install(0, 0)], State(0, 0, Status::Quarantined)),
        ("an end of one", vec![Install(0, 0), State(0, 0, Status::Quarantined)], State(0, 0, Status::Active)),
    ];
    for (what, before, op) in cases {
        for at in 0.. {
            let world = World::new();
            let old = ops(&before, &world);
            let (new, _) = old.after(&op);
            let (skills, begun) = world.crashing(at);
            let done = perform(&skills, &op, &old);
            drop(skills);
            let now = observe(&world);
            match &done {
                Ok(_) => assert_eq!(now, new, "{what}, step {at}"),
                Err(_) => assert!(now == old || now == new, "{what}, step {at}: {now:?}"),
            }
            // What was interrupted was ended by looking, and the next operation finds nothing half.
            assert_eq!(observe(&world), now, "{what}, step {at}");
            let later = Install(2, 2);
            let (then, _) = now.after(&later);
            assert!(perform(&world.skills(), &later, &now).unwrap(), "{what}, step {at}");
            assert_eq!(observe(&world), then, "{what}, step {at}");
            is_tidy(&world);
            if begun.load(Ordering::SeqCst) <= at {
                assert!(done.is_ok(), "no crash and not done");
                assert!(at > 10, "{at}");
                println!("{what}: {at} steps");
                break;
            }
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    let (id, version) = (0..IDS.len(), 0..VERSIONS.len());
    let status = prop_oneof![Just(Status::Active), Just(Status::Quarantined), Just(Status::Disabled)];
    prop_oneof![
        4 => (id.clone(), version.clone()).prop_map(|(id, at)| Op::Install(id, at)),
        2 => (id.clone(), proptest::option::of(version.clone())).prop_map(|(id, at)| Op::Remove(id, at)),
        2 => (id.clone(), proptest::option::of(version.clone())).prop_map(|(id, at)| Op::RollBack(id, at)),
        2 => (id, version, status).prop_map(|(id, at, status)| Op::State(id, at, status)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Each operation may crash at a step, and so may the one that puts it right.
    #[test]
    fn any_sequence_with_crashes_follows_the_model(
        sequence in proptest::collection::vec((op(), proptest::option::weighted(0.6, 0..80_usize), proptest::option::of(0..40_usize)), 1..10)
    ) {
        let world = World::new();
        let mut model = Model::default();
        for (op, crash, again) in sequence {
            let (after, expected) = model.after(&op);
            let result = match crash {
                Some(at) => perform(&world.crashing(at).0, &op, &model),
                None => perform(&world.skills(), &op, &model),
            };
            if let Some(at) = again {
                // Whoever looks next may crash too.
                let _ = world.crashing(at).0.read();
            }
            let now = observe(&world);
            match result {
                Ok(done) => {
                    prop_assert_eq!(done, expected);
                    prop_assert_eq!(&now, &after);
                }
                Err(error) => {
                    prop_assert!(crash.is_some(), "{}", error);
                    prop_assert!(now == model || now == after, "{:?}: {:?}", op, now);
                }
            }
            // Never is a version run that is blocked in the model.
            let skills = world.skills();
            for (id, version) in now.blocked.keys() {
                prop_assert!(skills.known(id, version).unwrap().blocked().is_some());
            }
            model = now;
        }
    }
}

// What others do to the files.

fn two() -> World {
    let world = World::new();
    ops(&[Op::Install(0, 0), Op::Install(1, 0), Op::State(1, 0, Status::Quarantined)], &world);
    world
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn refusal(world: &World) -> InstalledError {
    let skills = world.skills();
    let error = skills.read().unwrap_err();
    // Nobody gets round it: neither a look-up nor a change.
    skills.known("acme.a", "1.0.0").unwrap_err();
    let verdict =
        Verdict { status: Status::Active, reason: "r".to_owned(), principal: "ada".to_owned(), now_unix_ms: NOW };
    skills.set_state("acme.a.b", "1.0.0", &verdict, &[]).unwrap_err();
    error
}

#[test]
fn an_edited_index_is_refused_and_names_what_differs() {
    let world = two();
    let path = world.root().join(INDEX);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("acme\"", "evil\"", 1)).unwrap();
    let error = refusal(&world);
    let InstalledError::IndexChanged { differs, found, .. } = &error else { panic!("{error:?}") };
    assert_eq!(differs, &["acme.a 1.0.0"]);
    // Where the folder is another one than usual, the command has to say so.
    let root = world.root().canonicalize().unwrap();
    let command = format!("skillyard log --skills-dir '{}' --accept {found}`", root.display());
    assert!(error.to_string().contains(&command), "{error}");
    // A person who looked at it says that it is right.
    let other = StoreDigest::Sha256([1; 32]);
    let wrong = world.skills().accept(other, SealWith::Same).unwrap_err();
    assert!(matches!(wrong, InstalledError::NotThatOne { .. }));
    world.skills().accept(*found, SealWith::Same).unwrap();
    assert_eq!(world.skills().read().unwrap().entries[0].publisher, "evil");
}

#[test]
fn whatever_is_refused_can_be_accepted() {
    type Spoil = fn(&World);
    fn lines(world: &World) -> Vec<String> {
        fs::read_to_string(world.root().join(LOG)).unwrap().lines().map(str::to_owned).collect()
    }
    fn edit_log(world: &World) {
        let mut all = lines(world);
        // Only the last line is sealed by itself; what does not follow on it is seen by who reads the whole log.
        let last = all.len() - 1;
        all[last].push(' ');
        all[0] = all[0].replacen("acme", "evil", 1);
        fs::write(world.root().join(LOG), all.join("\n") + "\n").unwrap();
    }
    fn half_a_log(world: &World) {
        fs::write(world.root().join(LOG), "{").unwrap();
    }
    fn no_index_and_less(world: &World) {
        fs::write(world.root().join(INDEX), "{").unwrap();
        fs::remove_dir_all(world.root().join("acme.a").join("1.0.0")).unwrap();
    }
    fn no_index(world: &World) {
        no_index_and_less(world);
        fs::remove_file(world.root().join(INDEX)).unwrap();
    }
    fn nothing(world: &World) {
        fs::remove_dir_all(world.root()).unwrap();
    }
    let cases: [(Spoil, usize, u64, bool); 5] = [
        (edit_log, 2, 0, true),
        (half_a_log, 2, 0, true),
        (no_index_and_less, 1, 5, false),
        (no_index, 1, 5, false),
        (nothing, 0, 0, false),
    ];
    for (at, (spoil, versions, lines, aside)) in cases.into_iter().enumerate() {
        let world = two();
        spoil(&world);
        let error = refusal(&world).to_string();
        let digest = error.split("--accept ").nth(1).unwrap().split('`').next().unwrap();
        let path = world.skills().accept(digest.parse().unwrap(), SealWith::Same).unwrap();
        assert_eq!(path.log.is_some_and(|path| path.exists()), aside, "{at}");
        let examined = world.skills().examine().unwrap();
        assert_eq!(
            (examined.snapshot.entries.len(), examined.lines, examined.unknown, examined.missing),
            (versions, lines, vec![], vec![]),
            "{at}"
        );
        ops_more(&world, &Op::Install(2, 0));
        assert_eq!(world.skills().read().unwrap().entries.len(), versions + 1, "{at}");
    }
}

#[test]
fn an_index_that_a_power_cut_broke_is_made_again() {
    for broken in [None, Some(""), Some("{\"schema_version\":1,\"upda"), Some("\0\0\0\0\0\0\0")] {
        let world = two();
        let path = world.root().join(INDEX);
        let good = fs::read(&path).unwrap();
        match broken {
            Some(text) => fs::write(&path, text).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let read = world.skills().read().unwrap();
        assert_eq!(read.entries.len(), 2);
        assert_eq!(fs::read(&path).unwrap(), good);
        assert!(read.recovered[0].what.contains("index"), "{:?}", read.recovered);
    }
}

#[test]
fn an_index_of_the_moment_before_is_made_again() {
    let world = two();
    let path = world.root().join(INDEX);
    let before = fs::read(&path).unwrap();
    ops_more(&world, &Op::Install(2, 0));
    let good = fs::read(&path).unwrap();
    fs::write(&path, &before).unwrap();
    assert_eq!(world.skills().read().unwrap().entries.len(), 3);
    assert_eq!(fs::read(&path).unwrap(), good);
}

fn ops_more(world: &World, op: &Op) {
    let model = observe(world);
    assert!(perform(&world.skills(), op, &model).unwrap());
}

#[test]
fn a_log_that_was_cut_or_edited_is_refused() {
    let lines = |world: &World| -> Vec<String> {
        fs::read_to_string(world.root().join(LOG)).unwrap().lines().map(str::to_owned).collect()
    };
    let write = |world: &World, lines: &[String]| {
        fs::write(world.root().join(LOG), lines.join("\n") + "\n").unwrap();
    };
    let world = two();
    let all = lines(&world);
    write(&world, &all[..all.len() - 1]);
    let error = refusal(&world);
    assert!(matches!(error, InstalledError::LogChanged { fault: LogFault::Cut { .. }, .. }), "{error:?}");

    let world = two();
    let mut all = lines(&world);
    let last = all.pop().unwrap();
    all.push(last.replace("\"r\"", "\"s\""));
    write(&world, &all);
    let error = refusal(&world);
    assert!(matches!(error, InstalledError::LogChanged { fault: LogFault::LastChanged { .. }, .. }), "{error:?}");

    let world = two();
    let mut all = lines(&world);
    all.push(all[0].clone());
    write(&world, &all);
    let error = refusal(&world);
    assert!(matches!(error, InstalledError::LogChanged { fault: LogFault::Longer { .. }, .. }), "{error:?}");

    // In the middle it is seen by whoever reads all of it.
    let world = two();
    let mut all = lines(&world);
    all[1] = all[1].replace("acme", "evil");
    write(&world, &all);
    let error = world.skills().examine().unwrap_err();
    assert!(matches!(error, InstalledError::LogChanged { fault: LogFault::Broken { line: 3, .. }, .. }), "{error:?}");
}

#[test]
fn a_quarantine_that_was_taken_out_of_the_table_is_refused() {
    let world = two();
    let connection = rusqlite::Connection::open(world.root().join(STATES)).unwrap();
    connection.execute("UPDATE skill_status SET status = 'active'", []).unwrap();
    drop(connection);
    assert!(matches!(refusal(&world), InstalledError::StatesChanged { .. }));

    let world = two();
    fs::remove_file(world.root().join(STATES)).unwrap();
    assert!(matches!(refusal(&world), InstalledError::StatesChanged { .. }));
}

#[test]
fn a_word_that_nobody_said_is_refused() {
    let edit = |world: &World, sql: &str| {
        let connection = rusqlite::Connection::open(world.root().join(STATES)).unwrap();
        assert!(connection.execute(sql, []).unwrap() > 0);
    };
    let forged = "INSERT OR REPLACE INTO skill_status VALUES ('acme.a', '1.0.0', 'active', 'forged', 1, 'ada', 2, 3)";
    // One who let it run keeps an audit from quarantining it, whether it had a row or not.
    let world = two();
    edit(&world, forged);
    assert!(matches!(refusal(&world), InstalledError::StatesChanged { .. }));
    let world = two();
    ops_more(&world, &Op::Remove(0, None));
    edit(&world, forged);
    assert!(matches!(refusal(&world), InstalledError::StatesChanged { .. }));
    // And who said so is not unsaid.
    let world = two();
    ops_more(&world, &Op::State(0, 0, Status::Active));
    edit(&world, "UPDATE skill_status SET reason = NULL WHERE skill_id = 'acme.a'");
    assert!(matches!(refusal(&world), InstalledError::StatesChanged { .. }));
}

#[test]
fn a_seal_over_the_blocked_versions_alone_is_taken_once() {
    let world = two();
    ops_more(&world, &Op::State(0, 0, Status::Active));
    let skills = world.skills();
    let Opened { seal, mut ledger, said, .. } = skills.begin(Duration::ZERO).unwrap();
    ledger.states = said.first_digest();
    skills.write_seal(seal, &ledger).unwrap();
    assert!(skills.read().unwrap().sealed);
    // From then on all of it is sealed.
    let connection = rusqlite::Connection::open(world.root().join(STATES)).unwrap();
    connection.execute("DELETE FROM skill_status WHERE status = 'active'", []).unwrap();
    drop(connection);
    assert!(matches!(refusal(&world), InstalledError::StatesChanged { .. }));
}

#[test]
fn a_table_of_states_that_is_none_is_a_change_with_a_way_out() {
    type Break = fn(&Path);
    let breaks: [Break; 4] = [
        |path| fs::write(path, "hi\n").unwrap(),
        |path| fs::write(path, "x".repeat(5000)).unwrap(),
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
        |path| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.execute_batch("DROP TABLE skill_status").unwrap();
        },
    ];
    for (at, break_it) in breaks.iter().enumerate() {
        let world = two();
        for more in ["-wal", "-shm"] {
            let _ = fs::remove_file(world.root().join(format!("{STATES}{more}")));
        }
        break_it(&world.root().join(STATES));
        let error = refusal(&world);
        let InstalledError::StatesBroken { found, .. } = &error else { panic!("{at}: {error:?}") };
        assert!(error.is_change() && error.to_string().contains("log --skills-dir"), "{at}: {error}");
        let aside = world.skills().accept(*found, SealWith::Same).unwrap();
        assert!(aside.log.is_none() && aside.states.unwrap().exists(), "{at}");
        assert_eq!(world.skills().read().unwrap().said.blocked().count(), 0, "{at}");
        ops_more(&world, &Op::State(0, 0, Status::Quarantined));
    }
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_a_folder_is_refused() {
    use std::os::unix::fs::symlink;
    for folder in ["acme.a", "acme.a/1.0.0"] {
        let world = two();
        let (place, elsewhere) = (world.root().join(folder), world.home.path().join("elsewhere"));
        let entry =
            world.skills().read().unwrap().entries.into_iter().find(|entry| entry.skill_id == "acme.a").unwrap();
        fs::rename(&place, &elsewhere).unwrap();
        symlink(&elsewhere, &place).unwrap();
        let skills = world.skills();
        let refused = [
            skills.artifact(&entry).map(drop),
            skills.changed_files(&entry, &BTreeMap::new()).map(drop),
            skills.remove("acme.a", None, "ada", NOW).map(drop),
        ];
        for refused in refused {
            assert!(matches!(&refused, Err(InstalledError::Link { path }) if *path == place), "{folder}: {refused:?}");
        }
        assert_eq!(skills.examine().unwrap().missing, [world.root().join("acme.a/1.0.0")], "{folder}");
        assert!(elsewhere.is_dir());
        fs::remove_file(&place).unwrap();
        skills.remove("acme.a", None, "ada", NOW).unwrap();
        assert!(skills.examine().unwrap().missing.is_empty(), "{folder}");
    }
}

#[test]
fn a_pointer_to_another_version_is_named() {
    let world = World::new();
    ops(&[Op::Install(0, 0), Op::Install(0, 1)], &world);
    assert_eq!((world.skills().pointer("acme.a").unwrap(), world.skills().examine().unwrap().pointers), (None, vec![]));
    let path = world.root().join("acme.a").join(CURRENT);
    for says in [Some("1.0.0"), None] {
        match says {
            Some(says) => fs::write(&path, format!("{says}\n")).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let wrong = WrongPointer { path: path.clone(), says: says.map(str::to_owned), current: "1.10.0".to_owned() };
        assert_eq!(world.skills().pointer("acme.a").unwrap().as_ref(), Some(&wrong));
        assert_eq!(world.skills().examine().unwrap().pointers, [wrong]);
    }
    // The next change of the skill writes it anew.
    world.skills().roll_back("acme.a", "1.10.0", "1.0.0", "ada", NOW).unwrap();
    assert_eq!(world.skills().examine().unwrap().pointers, []);
}

#[test]
fn which_version_is_current_is_not_for_the_facts_to_say() {
    let world = World::new();
    ops(&[Op::Install(0, 0), Op::Install(0, 1)], &world);
    // A person made the older one the current one in the index, and said so.
    let mut entries = world.skills().read().unwrap().entries;
    entries.iter_mut().for_each(|entry| entry.current = !entry.current);
    fs::write(world.root().join(INDEX), index::write(&entries, NOW + 1)).unwrap();
    let InstalledError::IndexChanged { found, .. } = refusal(&world) else { panic!() };
    world.skills().accept(found, SealWith::Same).unwrap();
    let examined = world.skills().examine().unwrap();
    assert_eq!(examined.missing, Vec::<PathBuf>::new());
    assert_eq!(examined.pointers.len(), 1);
}

#[test]
fn what_another_process_is_about_to_change_is_not_wrong() {
    let world = two();
    let skills = world.skills();
    // In the midst of an installation: the folder is there and the index does not know it yet.
    let Opened { _lock, seal, mut ledger, .. } = skills.begin(Duration::ZERO).unwrap();
    ledger.stage = Some(Stage { skill_id: "zeta.c".to_owned(), version: "1.0.0".to_owned() });
    let seal = skills.write_seal(seal, &ledger).unwrap();
    let half = world.root().join("zeta.c").join(staged("1.0.0"));
    fs::create_dir_all(&half).unwrap();
    thread::scope(|scope| {
        let looking = scope.spawn(|| world.skills().examine().unwrap());
        // What it does last is to wait for the lock, or it has not begun to look.
        fs::remove_dir_all(world.root().join("zeta.c")).unwrap();
        ledger.stage = None;
        skills.write_seal(seal, &ledger).unwrap();
        drop(_lock);
        let examined = looking.join().unwrap();
        assert_eq!((examined.unknown, examined.missing), (vec![], vec![]));
    });
}

#[test]
fn what_an_interrupted_installation_left_is_named_and_goes_when_a_person_accepts() {
    let world = two();
    let half = world.root().join("acme.a").join(staged("1.9.0"));
    fs::create_dir(&half).unwrap();
    assert_eq!(world.skills().examine().unwrap().unknown, std::slice::from_ref(&half));
    let found = world.skills().read().unwrap().digest.unwrap();
    world.skills().accept(found, SealWith::Same).unwrap();
    assert!(!half.exists());
    assert_eq!(world.skills().read().unwrap().entries.len(), 2);
}

#[test]
fn nothing_is_made_for_what_is_refused() {
    let world = World::new();
    let refused = world.skills().remove("acme.a", Some("1.0.0"), "ada", NOW);
    assert!(matches!(refused, Err(InstalledError::NotInstalled { .. })));
    assert!(!world.home.path().join("state").exists());
}

#[test]
fn a_store_restored_from_an_old_copy_is_refused_and_so_is_one_that_is_gone() {
    let world = World::new();
    ops(&[Op::Install(0, 0), Op::Install(1, 0)], &world);
    let copy = world.home.path().join("copy");
    copy_all(&world.root(), &copy);
    for op in [Op::State(1, 0, Status::Quarantined), Op::Install(2, 0)] {
        ops_more(&world, &op);
    }
    fs::remove_dir_all(world.root()).unwrap();
    let error = refusal(&world);
    assert!(matches!(error, InstalledError::OldCopy { gone: true, .. }), "{error:?}");
    fs::remove_dir_all(world.root()).unwrap();
    copy_all(&copy, &world.root());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(world.root(), fs::Permissions::from_mode(0o700)).unwrap();
    }
    let error = refusal(&world);
    assert!(matches!(error, InstalledError::OldCopy { gone: false, .. }), "{error:?}");
    assert!(error.to_string().contains("older copy"), "{error}");

    // The copy of the moment before a quarantine: the index is the same, the log is shorter.
    let world = World::new();
    ops(&[Op::Install(0, 0)], &world);
    let copy = world.home.path().join("copy");
    copy_all(&world.root(), &copy);
    ops_more(&world, &Op::State(0, 0, Status::Quarantined));
    fs::remove_dir_all(world.root()).unwrap();
    copy_all(&copy, &world.root());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(world.root(), fs::Permissions::from_mode(0o700)).unwrap();
    }
    assert!(matches!(refusal(&world), InstalledError::LogChanged { fault: LogFault::Cut { .. }, .. }));
}

#[test]
fn a_seal_that_is_gone_is_not_one_that_never_was() {
    let seals = |world: &World| world.home.path().join("state/skillyard/seals");
    let lost = |world: &World| {
        let error = refusal(world);
        assert!(matches!(&error, InstalledError::SealFails { error: SealError::Lost { .. }, .. }), "{error:?}");
        assert!(error.is_change() && error.to_string().contains("log --skills-dir"), "{error}");
        assert!(world.skills().examine().is_err() && world.skills().note(Vec::new(), NOW).is_err());
        error
    };
    // The record alone.
    let world = two();
    for file in fs::read_dir(seals(&world)).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "json") {
            fs::remove_file(file).unwrap();
        }
    }
    let InstalledError::SealFails { found, .. } = lost(&world) else { unreachable!() };
    let before = fs::read(world.root().join(INDEX)).unwrap();
    world.skills().accept(found, SealWith::Same).unwrap();
    assert!(world.skills().read().unwrap().sealed);
    assert_eq!(fs::read(world.root().join(INDEX)).unwrap(), before);

    // All of them, with the quarantine: the log has lines that only Skillyard writes.
    let world = two();
    ops_more(&world, &Op::State(0, 0, Status::Quarantined));
    fs::remove_dir_all(seals(&world)).unwrap();
    for name in TAKEN.iter().filter(|name| name.starts_with(STATES)) {
        let _ = fs::remove_file(world.root().join(name));
    }
    lost(&world);
    // A line of a daemon's behind them changes nothing of that.
    let mut log = fs::read(world.root().join(LOG)).unwrap();
    log.extend_from_slice(b"{\"event_kind\":\"skill.installed\",\"timestamp_unix_ms\":1,\"payload\":{}}\n");
    fs::write(world.root().join(LOG), log).unwrap();
    lost(&world);
}

#[test]
fn what_a_daemon_installed_is_taken_over_and_its_log_goes_on() {
    let world = World::new();
    let folder = world.root().join("acme.a/1.0.0");
    fs::create_dir_all(&folder).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(world.root(), fs::Permissions::from_mode(0o700)).unwrap();
    }
    let mut entry = new_version("acme.a", "1.0.0", b"x", &[], None).entry;
    entry.current = true;
    let index = json!({ "schema_version": 1, "updated_at_unix_ms": 5, "entries": [entry] });
    fs::write(world.root().join(INDEX), serde_json::to_string_pretty(&index).unwrap()).unwrap();
    let line = "{\"event_kind\":\"skill.installed\",\"timestamp_unix_ms\":1,\"payload\":{\"skill_id\":\"acme.a\",\"version\":\"1.0.0\"}}\n";
    fs::write(world.root().join(LOG), line).unwrap();
    fs::write(folder.join(METADATA), metadata(&entry)).unwrap();
    let read = world.skills().read().unwrap();
    assert!(!read.sealed && read.entries == [entry.clone()]);

    let (artifact, files) = (content("acme.a", "1.10.0"), files("acme.a", "1.10.0"));
    let new = new_version("acme.a", "1.10.0", &artifact, &files, Some("1.0.0".to_owned()));
    world.skills().install(&new).unwrap();
    let read = world.skills().read().unwrap();
    assert!(read.sealed);
    assert_eq!(read.entries.iter().map(|e| e.current).collect::<Vec<_>>(), [false, true]);
    let events: Vec<_> = world.skills().events().unwrap().map(|event| event.unwrap().chained).collect();
    assert_eq!(events, [false, true, true]);
}

#[test]
fn names_that_are_no_folders_are_refused() {
    let world = World::new();
    for (id, version) in [
        ("installed-index.json", "1.0.0"),
        ("audit.ndjson", "1.0.0"),
        ("trust-store.json", "1.0.0"),
        ("skill-status.sqlite3-journal", "1.0.0"),
        ("trust-store.json.lock", "1.0.0"),
        ("trust-lifecycle.json.lock", "1.0.0"),
        ("audit.ndjson.new", "1.0.0"),
        ("con.acme", "1.0.0"),
        ("com1", "1.0.0"),
        (" acme", "1.0.0"),
        ("..", "1.0.0"),
        ("a/b", "1.0.0"),
        ("acme.a", "01.0.0"),
        ("acme.a", "+1.0.0"),
        ("acme.a", "../x"),
        ("acme.a", "current"),
    ] {
        let new = new_version(id, version, b"x", &[], None);
        let error = world.skills().install(&new).unwrap_err();
        assert!(matches!(error, InstalledError::BadName { .. }), "{id} {version}: {error:?}");
    }
    for path in ["../x", "/x", "a//b", "a/./b", ARTIFACT, METADATA, "c:x", "a\\b"] {
        let files = [(path.to_owned(), Vec::new())];
        let new = new_version("acme.a", "1.0.0", b"x", &files, None);
        assert!(matches!(world.skills().install(&new), Err(InstalledError::BadName { .. })), "{path}");
    }
    assert!(!world.root().exists());
}

#[test]
fn an_older_version_and_one_that_was_decided_on_something_else_need_a_word() {
    let world = World::new();
    ops(&[Op::Install(0, 1)], &world);
    let (artifact, files) = (content("acme.a", "1.0.0"), files("acme.a", "1.0.0"));
    let mut new = new_version("acme.a", "1.0.0", &artifact, &files, Some("1.10.0".to_owned()));
    new.allow_downgrade = false;
    assert!(matches!(world.skills().install(&new), Err(InstalledError::Downgrade { .. })));
    new.allow_downgrade = true;
    new.expected_current = None;
    assert!(matches!(world.skills().install(&new), Err(InstalledError::Moved { .. })));
    new.expected_current = Some("1.10.0".to_owned());
    world.skills().install(&new).unwrap();
    let same = world.skills().install(&new).unwrap_err();
    assert!(matches!(same, InstalledError::AlreadyInstalled { same_content: true, .. }));
    new.entry.payload_sha256 = "0".repeat(64);
    let other = world.skills().install(&new).unwrap_err();
    assert!(matches!(other, InstalledError::AlreadyInstalled { same_content: false, .. }));
}

#[test]
fn changed_files_are_named() {
    let world = World::new();
    ops(&[Op::Install(0, 0)], &world);
    let skills = world.skills();
    let entry = skills.read().unwrap().entries.remove(0);
    let unpacked: BTreeMap<String, [u8; 32]> =
        files("acme.a", "1.0.0").iter().map(|(path, content)| (path.clone(), sha256(content))).collect();
    let folder = skills.folder("acme.a", "1.0.0");
    assert!(skills.changed_files(&entry, &unpacked).unwrap().is_empty());
    // Another process makes another version the current one just now.
    fs::write(folder.join(HALF_METADATA), "{").unwrap();
    let other = Entry { current: false, ..entry.clone() };
    fs::write(folder.join(METADATA), metadata(&other)).unwrap();
    assert!(skills.changed_files(&entry, &unpacked).unwrap().is_empty());
    fs::write(folder.join("modules/a/b.wasm"), "evil").unwrap();
    fs::write(folder.join("more"), "x").unwrap();
    fs::remove_file(folder.join("assets/text")).unwrap();
    let mut other = entry.clone();
    other.publisher = "evil".to_owned();
    fs::write(folder.join(METADATA), metadata(&other)).unwrap();
    let changed = skills.changed_files(&entry, &unpacked).unwrap();
    let names = ["assets/text", METADATA, "modules/a/b.wasm", "more"].map(|name| folder.join(name));
    assert_eq!(changed, names);
    fs::write(folder.join(ARTIFACT), "evil").unwrap();
    assert!(matches!(skills.artifact(&entry), Err(InstalledError::FileChanged { .. })));
}

#[cfg(unix)]
#[test]
fn a_root_that_others_can_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = two();
    fs::set_permissions(world.root(), fs::Permissions::from_mode(0o770)).unwrap();
    assert!(matches!(refusal(&world), InstalledError::Read(ReadError::OpenToOthers { .. })));
}

// What a person takes away by hand.

/// Three versions of one skill, of which the highest is current, and one of another.
fn three() -> World {
    let world = World::new();
    ops(&[Op::Install(0, 0), Op::Install(0, 2), Op::Install(1, 0)], &world);
    world
}

#[test]
fn a_version_whose_folder_was_deleted_by_hand_stands_in_nobodys_way() {
    type Away = fn(&World) -> PathBuf;
    fn folder(world: &World) -> PathBuf {
        let folder = world.root().join("acme.a/1.0.0");
        fs::remove_dir_all(&folder).unwrap();
        folder
    }
    fn a_file_in_its_place(world: &World) -> PathBuf {
        let folder = folder(world);
        fs::write(&folder, "x").unwrap();
        folder
    }
    let cases: [(Away, &[Op]); 6] = [
        (folder, &[Op::Install(0, 1)]),
        (folder, &[Op::Install(0, 1), Op::RollBack(0, Some(2))]),
        (folder, &[Op::Remove(0, Some(2))]),
        (folder, &[Op::Remove(0, Some(0))]),
        (a_file_in_its_place, &[Op::Install(0, 1)]),
        (a_file_in_its_place, &[Op::Remove(0, Some(0))]),
    ];
    for (away, op) in cases {
        let world = three();
        let mut after = observe(&world);
        let folder = away(&world);
        for op in op {
            assert!(perform(&world.skills(), op, &after).unwrap(), "{op:?}");
            after = after.after(op).0;
        }
        let there = after
            .installed
            .get("acme.a")
            .is_some_and(|versions| versions.contains_key(&Version::parse("1.0.0").unwrap()));
        let missing = world.skills().examine().unwrap().missing;
        assert_eq!(missing, if there { vec![folder] } else { vec![] }, "{op:?}");
        // And nothing of the others is locked.
        assert!(perform(&world.skills(), &Op::Install(2, 0), &after).unwrap(), "{op:?}");
        if there {
            let after = after.after(&Op::Install(2, 0)).0;
            assert!(perform(&world.skills(), &Op::Remove(0, Some(0)), &after).unwrap(), "{op:?}");
        }
        observe(&world);
        is_tidy(&world);
    }
}

#[test]
fn a_skill_whose_folder_was_deleted_by_hand_stands_in_nobodys_way() {
    for op in [Op::Install(0, 1), Op::Remove(0, Some(0)), Op::Remove(0, None)] {
        let world = three();
        let before = observe(&world);
        fs::remove_dir_all(world.root().join("acme.a")).unwrap();
        assert!(perform(&world.skills(), &op, &before).unwrap(), "{op:?}");
        let after = before.after(&op).0;
        if after.installed.contains_key("acme.a") {
            assert!(!world.skills().examine().unwrap().missing.is_empty());
            assert!(perform(&world.skills(), &Op::Remove(0, None), &after).unwrap(), "{op:?}");
        }
        observe(&world);
        is_tidy(&world);
    }
}

#[test]
fn what_is_in_the_way_is_named_before_anything_is_begun() {
    for name in ["current", "1.0.0/install-metadata.json"] {
        let world = three();
        let path = world.root().join("acme.a").join(name);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let before = world.skills().read().unwrap();
        let (artifact, files) = (content("acme.a", "1.10.0"), files("acme.a", "1.10.0"));
        let new = new_version("acme.a", "1.10.0", &artifact, &files, Some("1.9.0".to_owned()));
        match world.skills().install(&new) {
            Err(InstalledError::InTheWay { path: found }) => assert_eq!(found, path),
            done => panic!("{name}: {done:?}"),
        }
        assert_eq!(world.skills().read().unwrap().entries, before.entries, "{name}");
        is_tidy(&world);
        ops_there(&world, &Op::Install(2, 0));
    }
}

/// [`ops_more`] where a part of the store is spoiled.
fn ops_there(world: &World, op: &Op) {
    assert!(perform(&world.skills(), op, &Model::default()).unwrap());
}

/// A plan is under the seal, the process gone, and then somebody takes the staged folder away: it is as before. Where the
/// folder was in its place already, what was begun is done.
#[test]
fn a_plan_whose_staged_folder_was_taken_away_is_undone() {
    let (mut undone, mut done) = (0, 0);
    for before in [vec![], vec![Op::Install(0, 0)], vec![Op::Install(0, 0), Op::Install(1, 1)]] {
        for at in 0.. {
            let world = World::new();
            let old = ops(&before, &world);
            let op = Op::Install(0, 1);
            let (skills, begun) = world.crashing(at);
            let result = perform(&skills, &op, &old);
            drop(skills);
            let staged = world.root().join("acme.a").join(staged("1.10.0"));
            let planned = world.skills().look().unwrap().seal.is_some_and(|(_, ledger)| ledger.pending.is_some());
            if planned && staged.exists() {
                fs::remove_dir_all(&staged).unwrap();
                // Whoever undoes it may be interrupted too.
                for again in 0.. {
                    let (skills, begun) = world.crashing(again);
                    let _ = skills.read();
                    if begun.load(Ordering::SeqCst) <= again {
                        break;
                    }
                }
                assert_eq!(observe(&world), old, "{before:?}, step {at}");
                let recovered = world.skills().read().unwrap().recovered;
                assert!(recovered.last().unwrap().what.contains("gave up installing acme.a 1.10.0"), "{recovered:?}");
                assert!(perform(&world.skills(), &op, &old).unwrap());
                undone += 1;
            } else if planned {
                assert_eq!(observe(&world), old.after(&op).0, "{before:?}, step {at}");
                done += 1;
            }
            goes_on(&world);
            if begun.load(Ordering::SeqCst) <= at {
                result.unwrap();
                break;
            }
        }
    }
    assert!(undone >= 3 && done > 10, "{undone} {done}");
}

/// Another installation finds nothing in its way, and leaves nothing lying about.
fn goes_on(world: &World) {
    let now = observe(world);
    assert!(perform(&world.skills(), &Op::Install(2, 2), &now).unwrap());
    is_tidy(world);
}

/// The folder came into its place and was taken away there before the rest was done.
#[test]
fn a_plan_whose_placed_folder_was_taken_away_is_undone_or_shows_as_missing() {
    let (mut undone, mut missing) = (0, 0);
    for at in 0.. {
        let world = World::new();
        let old = ops(&[Op::Install(0, 0), Op::Install(1, 1)], &world);
        let op = Op::Install(0, 1);
        let (skills, begun) = world.crashing(at);
        let result = perform(&skills, &op, &old);
        drop(skills);
        let placed = world.root().join("acme.a/1.10.0");
        let planned = world.skills().look().unwrap().seal.is_some_and(|(_, ledger)| ledger.pending.is_some());
        if planned && placed.exists() {
            fs::remove_dir_all(&placed).unwrap();
            let examined = world.skills().examine().unwrap();
            if examined.missing.is_empty() {
                assert_eq!(observe(&world), old, "step {at}");
                assert!(perform(&world.skills(), &op, &old).unwrap());
                undone += 1;
            } else {
                assert_eq!(examined.missing, [placed]);
                assert!(perform(&world.skills(), &Op::Remove(0, Some(1)), &old.after(&op).0).unwrap());
                missing += 1;
            }
        }
        goes_on(&world);
        if begun.load(Ordering::SeqCst) <= at {
            result.unwrap();
            break;
        }
    }
    assert!(undone > 0 && missing > 0, "{undone} {missing}");
}

/// Somebody takes the staged folder away at any step, and no process ends.
#[test]
fn a_staged_folder_that_goes_while_it_is_being_installed_leaves_the_old_state_or_the_new_one() {
    let mut taken = 0;
    for at in 0.. {
        let world = World::new();
        let old = ops(&[Op::Install(0, 0)], &world);
        let op = Op::Install(0, 1);
        let mut skills = world.skills();
        let (steps, folder) = (Arc::new(AtomicUsize::new(0)), world.root().join("acme.a").join(staged("1.10.0")));
        let count = Arc::clone(&steps);
        skills.disk.before = Some(Box::new(move |_| {
            if count.fetch_add(1, Ordering::SeqCst) == at {
                let _ = fs::remove_dir_all(&folder);
            }
            Ok(())
        }));
        let result = perform(&skills, &op, &old);
        drop(skills);
        taken += usize::from(matches!(result, Err(InstalledError::StagedFolderTaken { .. })));
        let now = observe(&world);
        assert_eq!(now, if result.is_ok() { old.after(&op).0 } else { old }, "step {at}: {result:?}");
        is_tidy(&world);
        if steps.load(Ordering::SeqCst) <= at {
            break;
        }
    }
    assert!(taken > 0);
}

#[test]
fn a_way_back_that_was_decided_on_another_current_version_is_not_gone() {
    let world = three();
    let moved = world.skills().roll_back("acme.a", "1.10.0", "1.0.0", "ada", NOW).unwrap_err();
    assert!(matches!(moved, InstalledError::Moved { .. }), "{moved:?}");
    fs::remove_dir_all(world.root().join("acme.a/1.0.0")).unwrap();
    let gone = world.skills().roll_back("acme.a", "1.9.0", "1.0.0", "ada", NOW).unwrap_err();
    assert!(matches!(gone, InstalledError::FileChanged { .. }), "{gone:?}");
}

/// What a power cut leaves of the index may be older than the one before.
#[test]
fn an_index_of_long_ago_is_made_again_and_an_edited_one_is_not() {
    let later = |skills: &InstalledSkills, id: &str, now_unix_ms: i64| {
        let (artifact, files) = (content(id, "1.0.0"), files(id, "1.0.0"));
        let new = NewVersion { now_unix_ms, ..new_version(id, "1.0.0", &artifact, &files, None) };
        skills.install(&new).unwrap();
    };
    let world = World::new();
    let path = world.root().join(INDEX);
    later(&world.skills(), "acme.a", NOW);
    let first = fs::read(&path).unwrap();
    for (at, id) in (1..).zip(["acme.a.b", "zeta.c", "zeta.d"]) {
        later(&world.skills(), id, NOW + at);
    }
    let last = fs::read(&path).unwrap();
    fs::write(&path, &first).unwrap();
    let read = world.skills().read().unwrap();
    assert_eq!(read.entries.len(), 4);
    assert!(read.recovered.last().unwrap().what.contains("older"), "{:?}", read.recovered);
    assert_eq!(fs::read(&path).unwrap(), last);

    // In the middle of a quarantine, and of a removal.
    for at in 0.. {
        fs::write(&path, &first).unwrap();
        let (skills, begun) = world.crashing(at);
        let verdict =
            Verdict { status: Status::Disabled, reason: "r".to_owned(), principal: "ada".to_owned(), now_unix_ms: NOW };
        let _ = skills.set_state("zeta.c", "1.0.0", &verdict, &[]);
        fs::write(&path, &first).unwrap();
        assert_eq!(world.skills().read().unwrap().entries.len(), 4, "step {at}");
        assert_eq!(fs::read(&path).unwrap(), last, "step {at}");
        if begun.load(Ordering::SeqCst) <= at {
            break;
        }
    }
    for at in 0.. {
        let (skills, begun) = world.crashing(at);
        let done = skills.remove("zeta.d", None, "ada", NOW + 9).is_ok();
        fs::write(&path, &first).unwrap();
        let left = world.skills().read().unwrap().entries.len();
        assert!(left == 3 || (left == 4 && !done), "step {at}: {left}");
        if left == 3 {
            later(&world.skills(), "zeta.d", NOW + 3);
        }
        if begun.load(Ordering::SeqCst) <= at {
            break;
        }
    }

    // One that says another thing of now is no old one, and where the folders do not give what was sealed a person looks.
    let last = fs::read_to_string(&path).unwrap();
    fs::write(&path, last.replacen("acme\"", "evil\"", 1)).unwrap();
    assert!(matches!(refusal(&world), InstalledError::IndexChanged { .. }));
    fs::write(&path, &first).unwrap();
    fs::remove_dir_all(world.root().join("zeta.c")).unwrap();
    assert!(matches!(refusal(&world), InstalledError::IndexChanged { .. }));
}

#[test]
fn what_would_never_be_read_again_is_not_written() {
    let secret = |n: usize, length: usize| MissingSecret { scope: "s".repeat(length), key: n.to_string() };
    // The facts of one version; then the plan, with all versions of the skill in it.
    let cases: [(&str, usize, usize, &str); 2] =
        [("the facts", 1, 2 << 20, METADATA), ("the record", 8, 900 << 10, ".json")];
    for (what, versions, bytes, file) in cases {
        let world = World::new();
        ops(&[Op::Install(1, 0)], &world);
        let mut current = None;
        let mut refused = None;
        for n in 0..versions {
            let (version, artifact) = (format!("1.0.{n}"), content("acme.a", "1.0.0"));
            let files = files("acme.a", "1.0.0");
            let mut new = new_version("acme.a", &version, &artifact, &files, current.clone());
            new.entry.missing_secrets = (0..bytes / 1000).map(|n| secret(n, 1000)).collect();
            match world.skills().install(&new) {
                Ok(entry) => current = Some(entry.version),
                Err(error) => {
                    refused = Some(error);
                    break;
                }
            }
        }
        let error = refused.unwrap();
        let InstalledError::TooMuch { path, bytes, limit } = &error else { panic!("{what}: {error:?}") };
        assert!(path.to_string_lossy().ends_with(file) && bytes > limit, "{what}: {error:?}");
        assert!(error.to_string().contains("nothing was changed"), "{error}");
        // Everything reads as before, nothing is left, and the way out is one.
        let snapshot = world.skills().read().unwrap();
        assert_eq!(snapshot.recovered, [], "{what}");
        is_tidy(&world);
        if let Some(version) = &current {
            world.skills().remove("acme.a", Some(version), "ada", NOW).unwrap();
        }
        ops_there(&world, &Op::Install(2, 0));
    }
}

#[test]
fn an_index_that_is_full_takes_no_more() {
    let world = World::new();
    ops(&[Op::Install(1, 0)], &world);
    // Nearly as large as one may be, with versions of other skills that a daemon installed.
    let path = world.root().join(INDEX);
    let mut entries = world.skills().read().unwrap().entries;
    let template = entries[0].clone();
    let mut push = |reference: usize| {
        let mut entry = template.clone();
        entry.skill_id = format!("zzz.s{:04}", entries.len());
        entry.source.reference = "x".repeat(reference);
        entries.push(entry);
        index::write(&entries[entries.len() - 1..], NOW).len()
    };
    let (limit, mut bytes) = (64 << 20, 0);
    while bytes < limit - (4 << 20) {
        bytes += push(2 << 20);
    }
    push(limit - bytes - 900_000);
    let bytes = index::write(&entries, NOW);
    assert!((limit - 950_000..limit).contains(&bytes.len()), "{}", bytes.len());
    fs::write(&path, &bytes).unwrap();
    let InstalledError::IndexChanged { found, .. } = world.skills().read().unwrap_err() else { panic!() };
    world.skills().accept(found, SealWith::Same).unwrap();
    let (artifact, files) = (content("acme.a", "1.0.0"), files("acme.a", "1.0.0"));
    let mut new = new_version("acme.a", "1.0.0", &artifact, &files, None);
    let secret = |n: usize| MissingSecret { scope: "s".repeat(1000), key: n.to_string() };
    new.entry.missing_secrets = (0..950).map(secret).collect();
    let error = world.skills().install(&new).map(drop).unwrap_err();
    assert!(matches!(&error, InstalledError::TooMuch { path: found, .. } if *found == path), "{error:?}");
    assert_eq!(world.skills().read().unwrap().entries.len(), entries.len());
}

#[test]
fn what_nobody_said_does_not_stand_in_place_of_what_somebody_did() {
    let world = two();
    let auditor = Verdict {
        status: Status::Quarantined,
        reason: "the audit does not pass".to_owned(),
        principal: "auditor".to_owned(),
        now_unix_ms: NOW + 1,
    };
    let say = |id: &str| {
        let also = [NewEvent { kind: EventKind::Audit, payload: facts(json!({ "skill_id": id })) }];
        world.skills().set_state_where_nobody_did(id, "1.0.0", &auditor, &also).unwrap()
    };
    let lines = || world.skills().events().unwrap().count();
    // Installed, and nobody said anything: it is quarantined, once.
    let before = lines();
    let (state, is_new) = say("acme.a");
    assert_eq!((state.operator_principal.as_str(), is_new, lines()), ("auditor", true, before + 2));
    assert_eq!((say("acme.a").1, lines()), (false, before + 3));
    // Quarantined by a person: the words stay.
    let (state, is_new) = say("acme.a.b");
    assert_eq!((state.operator_principal.as_str(), state.reason.as_deref(), is_new), ("ada", Some("r"), false));
    // Enabled by a person: it stays enabled, and is so after an installation too.
    let active = Verdict { status: Status::Active, principal: "ada".to_owned(), ..auditor.clone() };
    for id in ["acme.a", "zeta.c"] {
        world.skills().set_state(id, "1.0.0", &active, &[]).unwrap();
        assert!(!say(id).1);
        assert_eq!(world.skills().known(id, "1.0.0").unwrap().blocked(), None);
    }
    let (artifact, files) = (content("zeta.c", "1.0.0"), files("zeta.c", "1.0.0"));
    world.skills().install(&new_version("zeta.c", "1.0.0", &artifact, &files, None)).unwrap();
    assert!(!say("zeta.c").1);
}
