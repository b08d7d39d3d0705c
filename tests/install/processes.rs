//! Processes that are killed, and many at once.

use std::{
    collections::BTreeMap,
    fs,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    skills::{ID, INSTALLED, Skills},
    world::module,
};

/// A generator of numbers; the same seed gives the same ones.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn spawn(skills: &Skills, arguments: &[&str]) -> Child {
    skills.0.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Index, folders, pointer, states and log say the same, and nothing half is left.
fn agree(skills: &Skills) -> Value {
    let doctor = skills.run(&["doctor", "--format", "json"]).json();
    let signs = doctor["signs"].as_array().unwrap().iter().filter(|sign| sign["name"] == "installed skills");
    for sign in signs {
        assert!(["good", "absent"].contains(&sign["health"].as_str().unwrap()), "{sign}");
    }
    let list = skills.json(0, INSTALLED, &["list"]);
    for version in list["versions"].as_array().unwrap() {
        let (id, number) = (version["skill_id"].as_str().unwrap(), version["version"].as_str().unwrap());
        let info = skills.run(&["info", id, "--version", number, "--format", "json"]).json();
        assert_eq!(info["changed"], Value::Null, "{id} {number}");
        if version["current"] == true {
            let pointer = fs::read_to_string(skills.root().join(id).join("current")).unwrap();
            assert_eq!(pointer.trim(), number);
        }
    }
    // Half a file is nothing, and the next one that is written takes its place; half a folder would be something.
    let half = skills.0.0.files().into_iter().find(|name| {
        name.starts_with("home/palyra/skills") && [".staging-", ".removed-"].iter().any(|half| name.contains(half))
    });
    assert_eq!(half, None);
    let log = skills.json(0, INSTALLED, &["log"]);
    // What the log tells, told again, is what is there.
    let mut installed = std::collections::BTreeSet::new();
    for event in log["events"].as_array().unwrap() {
        let payload = &event["payload"];
        let name = (payload["skill_id"].to_string(), payload["version"].to_string());
        match event["event_kind"].as_str().unwrap() {
            "skill.installed" => assert!(installed.insert(name), "{event}"),
            "skill.updated" if payload["rollback"] != true => assert!(installed.insert(name), "{event}"),
            "skill.removed" => assert!(installed.remove(&name), "{event}"),
            _ => {}
        }
    }
    let mut blocked = BTreeMap::new();
    for event in log["events"].as_array().unwrap() {
        let payload = &event["payload"];
        let name = (payload["skill_id"].to_string(), payload["version"].to_string());
        match event["event_kind"].as_str().unwrap() {
            "skill.quarantined" => drop(blocked.insert(name, payload["status"].clone())),
            "skill.enabled" => drop(blocked.remove(&name)),
            _ => {}
        }
    }
    let said = list["versions"].as_array().unwrap().iter().chain(list["blocked"].as_array().unwrap());
    let said = said.filter(|state| state["status"] != "active");
    let said: BTreeMap<_, _> = said
        .map(|state| ((state["skill_id"].to_string(), state["version"].to_string()), state["status"].clone()))
        .collect();
    assert_eq!(said, blocked);
    let listed = list["versions"].as_array().unwrap().iter();
    let listed: std::collections::BTreeSet<_> =
        listed.map(|version| (version["skill_id"].to_string(), version["version"].to_string())).collect();
    assert_eq!(listed, installed);
    list
}

/// The versions of the skill that are installed, which one is current, and which may not be run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct There {
    installed: Vec<String>,
    current: Option<String>,
    blocked: Vec<String>,
}

impl There {
    fn of(list: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let versions = list["versions"].as_array().unwrap();
        let said = versions.iter().chain(list["blocked"].as_array().unwrap());
        let mut blocked: Vec<_> =
            said.filter(|state| state["status"] != "active").map(|state| text(&state["version"])).collect();
        blocked.sort();
        Self {
            installed: versions.iter().map(|version| text(&version["version"])).collect(),
            current: versions.iter().find(|version| version["current"] == true).map(|it| text(&it["version"])),
            blocked,
        }
    }

    /// What becomes of it when all of `command` is done. (As text the versions of the test are in their order.)
    fn after(&self, command: &str, version: &str) -> Self {
        let mut new = self.clone();
        let version = version.to_owned();
        match command {
            "install" if !self.installed.contains(&version) && !self.blocked.contains(&version) => {
                new.installed.push(version.clone());
                new.current = Some(version);
            }
            "remove" => {
                new.installed.retain(|it| *it != version);
                if new.current.as_ref() == Some(&version) {
                    new.current = new.installed.iter().max().cloned();
                }
            }
            "rollback" => {
                let below = self.installed.iter().filter(|it| Some(*it) < self.current.as_ref()).max();
                if let Some(below) = below.filter(|below| !self.blocked.contains(below)) {
                    new.current = Some(below.clone());
                }
            }
            "quarantine" if !self.blocked.contains(&version) => new.blocked.push(version),
            "enable" => new.blocked.retain(|it| *it != version),
            _ => {}
        }
        new.installed.sort();
        new.blocked.sort();
        new
    }
}

#[test]
fn a_process_that_is_killed_at_any_moment_leaves_the_old_or_the_new() {
    let skills = Skills::new();
    let versions = ["1.0.0", "1.1.0", "1.2.0"];
    let artifacts = versions.map(|version| skills.pack(version, ""));
    let mut numbers = Numbers(7);
    let mut there = There::default();
    for round in 0..30 {
        let at = usize::try_from(numbers.below(3)).unwrap();
        let (artifact, version) = (artifacts[at].as_str(), versions[at]);
        let status = ["--version", version, "--reason", "r", "--principal", "p"];
        let arguments: Vec<&str> = match numbers.below(6) {
            5 => vec!["rollback", ID],
            0 | 1 => vec!["install", artifact, "--allow-downgrade"],
            2 => vec!["remove", ID, "--version", version],
            3 => [&["quarantine", ID], &status[..]].concat(),
            _ => [&["enable", ID, "--override"], &status[..]].concat(),
        };
        let mut child = spawn(&skills, &arguments);
        let delay = Duration::from_micros(numbers.below(60_000));
        let begun = Instant::now();
        while begun.elapsed() < delay && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
        let now = There::of(&agree(&skills));
        let asked = there.after(arguments[0], version);
        assert!(now == there || now == asked, "{arguments:?}: {there:?}, {now:?}");
        there = now;
        println!("round {round}: {arguments:?} killed after {delay:?}");
    }
}

fn mixed(seconds: u64) {
    let skills = Skills::new();
    let ids = ["northwind.a", "northwind.b", "northwind.c"];
    let versions = ["1.0.0", "1.1.0"];
    let mut artifacts = Vec::new();
    for id in ids {
        for version in versions {
            artifacts.push((id, version, skills.pack_as(id, version, "", &module(&[]))));
        }
    }
    // One that nobody enables again: it never runs.
    let bad = skills.pack_as("northwind.bad", "1.0.0", "", &module(&[]));
    skills.install(&bad);
    skills.run(&["quarantine", "northwind.bad", "--reason", "r", "--principal", "p"]).exits(0);
    let until = Instant::now() + Duration::from_secs(seconds);
    let (skills, artifacts) = (&skills, &artifacts);
    let bad = bad.as_str();
    let done: BTreeMap<String, u64> = thread::scope(|scope| {
        let workers: Vec<_> = (0..8_u64)
            .map(|worker| {
                scope.spawn(move || {
                    let mut numbers = Numbers(worker + 1);
                    let mut done: BTreeMap<String, u64> = BTreeMap::new();
                    while Instant::now() < until {
                        let at = usize::try_from(numbers.below(artifacts.len() as u64)).unwrap();
                        let (id, version, artifact) = &artifacts[at];
                        let says = ["--version", version, "--reason", "r", "--principal", "p"];
                        let named = format!("{id}@{version}");
                        let arguments: Vec<&str> = match numbers.below(14) {
                            0..=2 => vec!["install", artifact, "--allow-downgrade"],
                            3 => vec!["remove", id, "--version", version],
                            4 => [&["quarantine", id], &says[..]].concat(),
                            5 => [&["enable", id, "--override"], &says[..]].concat(),
                            6 => vec!["rollback", id],
                            7 => vec!["run", "--skill", &named, "--approve"],
                            8 => vec!["run", "--skill", artifact, "--approve"],
                            9 => vec!["info", id, "--version", version],
                            10 => vec!["log"],
                            11 => vec!["run", "--skill", "northwind.bad", "--approve"],
                            12 => vec!["run", "--skill", bad, "--approve"],
                            _ => vec!["list"],
                        };
                        let ran = skills.run(&arguments);
                        // Refused or done; never a fault, and never something that only looks broken. What is not there
                        // is nothing that `run` could look at.
                        let absent = arguments[0] == "run" && ran.err.contains("is not installed");
                        assert!(matches!(ran.code, Some(0 | 1)) || absent, "{arguments:?}: {ran:?}");
                        for word in [
                            "changed by something else",
                            "older copy",
                            "is gone",
                            "was changed",
                            "changed since",
                            "CHANGED",
                        ] {
                            assert!(!ran.err.contains(word) && !ran.out.contains(word), "{arguments:?}: {ran:?}");
                        }
                        assert!(
                            !arguments.contains(&"northwind.bad") && !arguments.contains(&bad) || ran.code == Some(1)
                        );
                        if ran.code == Some(0) {
                            *done.entry(arguments[0].to_owned()).or_default() += 1;
                        }
                    }
                    done
                })
            })
            .collect();
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        for (command, count) in workers.into_iter().flat_map(|worker| worker.join().unwrap()) {
            *all.entry(command).or_default() += count;
        }
        all
    });
    agree(skills);
    // What was said to be done stands in the log, and nothing else.
    let log = skills.json(0, INSTALLED, &["log"]);
    let events = log["events"].as_array().unwrap();
    let count = |kinds: &[&str], rollback: bool| {
        let is_one = |event: &&Value| {
            kinds.contains(&event["event_kind"].as_str().unwrap())
                && event["payload"]["skill_id"] != "northwind.bad"
                && (event["payload"]["rollback"] == true) == rollback
        };
        events.iter().filter(is_one).count() as u64
    };
    let told = [
        ("install", count(&["skill.installed", "skill.updated"], false)),
        ("rollback", count(&["skill.updated"], true)),
        ("remove", count(&["skill.removed"], false)),
        ("quarantine", count(&["skill.quarantined"], false)),
        ("enable", count(&["skill.enabled"], false)),
    ];
    for (command, told) in told {
        assert_eq!(done.get(command).copied().unwrap_or_default(), told, "{command}: {done:?}");
    }
    println!("{done:?} were done");
}

#[test]
fn eight_processes_at_once_agree_at_the_end() {
    mixed(8);
}

#[test]
#[ignore = "takes a minute: cargo xtask test"]
fn eight_processes_for_a_minute_agree_at_the_end() {
    mixed(60);
}
