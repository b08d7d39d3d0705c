//! The life of keys and versions: replaced, revoked, below a floor; and what a person is told about a decision.

use std::{fs, process::Stdio, thread};

use serde_json::json;

use crate::{
    skills::{ID, INSTALL, INSTALLED, Skills},
    skillyard::holds_against,
    world::ELEVENS,
};

const TRUST: &str = "schema/trust-report.schema.json";
/// The public key of the key of 32 bytes 0x22.
const TWENTY_TWOS: &str = "a09aa5f47a6759802ff955f8dc2d2a14a5c99d23be97f864127ff9383455a4f0";

/// The public key of the key of 32 bytes 0x33.
const THIRTY_THREES: &str = "17cb79fb2b4120f2b1ec65e4198d6e08b28e813feb01e4a400839b85e18080ce";

/// A second key, in a file.
fn second(skills: &Skills) {
    skills.0.0.write("second.key", "22".repeat(32));
    skills.0.private("second.key");
}

fn pack_with_second(skills: &Skills, version: &str) -> String {
    skills.pack(version, "");
    let name = format!("second-{version}.palyra-skill");
    skills.run(&["package", "skill", "--key", "second.key", "-o", &name]).exits(0);
    name
}

fn rotation(skills: &Skills) {
    let arguments =
        ["trust", "rotate", "northwind", "--to", TWENTY_TWOS, "--key", "elevens.key", "-o", "rotation.json"];
    let made = skills.json(0, TRUST, &arguments);
    assert_eq!(made["action"], "signed");
}

#[test]
fn a_new_key_counts_when_the_old_one_signed_it() {
    let skills = Skills::new();
    second(&skills);
    let (old, older) = (skills.pack("1.0.0", ""), skills.pack("1.1.0", ""));
    skills.install(&old);
    let new = pack_with_second(&skills, "1.2.0");
    let refused = skills.run(&["install", &new]).exits(1);
    assert!(refused.err.contains("ask the publisher before you list it"), "{refused:?}");

    rotation(&skills);
    let rotated = skills.json(0, TRUST, &["trust", "rotate", "rotation.json"]);
    assert_eq!((&rotated["action"], &rotated["written"]), (&json!("rotated"), &json!(true)));
    let again = skills.json(0, TRUST, &["trust", "rotate", "rotation.json"]);
    assert_eq!(again["written"], false);
    // The new one is taken, nothing new of the old one is, and what is installed runs.
    let refused = skills.run(&["install", &older]).exits(1);
    assert!(refused.err.contains("was replaced by"), "{refused:?}");
    skills.run(&["verify", &older]).exits(1);
    skills.run(&["run", "--skill", ID, "--approve"]).exits(0);
    skills.install(&new);

    // A statement that was changed, or one of somebody else's, is none.
    let text = skills.0.0.read("rotation.json");
    skills.0.0.write("evil.json", text.replace("northwind", "southwind"));
    let refused = skills.run(&["trust", "rotate", "evil.json"]);
    assert!(refused.code != Some(0) && refused.err.contains("did not sign it"), "{refused:?}");
    let stranger = Skills::new();
    stranger.run(&["trust", "remove", "northwind"]).exits(0);
    stranger.0.0.write("rotation.json", text);
    let refused = stranger.run(&["trust", "rotate", "rotation.json"]);
    assert!(refused.code != Some(0) && refused.err.contains("is not trusted"), "{refused:?}");
}

/// `from` signs that `to` takes its place, and the statement is taken or not.
fn hand_over(skills: &Skills, from: &str, to: &str, name: &str) -> crate::skillyard::Ran {
    skills.run(&["trust", "rotate", "northwind", "--to", to, "--key", from, "-o", name]).exits(0);
    skills.run(&["trust", "rotate", name])
}

#[test]
fn a_key_that_was_replaced_hands_nothing_over() {
    let skills = Skills::new();
    second(&skills);
    hand_over(&skills, "elevens.key", TWENTY_TWOS, "first.json").exits(0);
    // Whoever stole the old key signs with it that it is followed by another.
    let refused = hand_over(&skills, "elevens.key", THIRTY_THREES, "stolen.json");
    assert!(refused.code != Some(0) && refused.err.contains("was replaced"), "{refused:?}");
    let shown = skills.json(1, TRUST, &["trust", "show", &format!("northwind={THIRTY_THREES}")]);
    assert_eq!(shown["trusted"], false);

    // Statements are public: the first one, told again after the second, changes nothing.
    hand_over(&skills, "second.key", THIRTY_THREES, "next.json").exits(0);
    let store = skills.json(0, TRUST, &["trust", "list"]);
    let again = skills.json(0, TRUST, &["trust", "rotate", "first.json"]);
    assert_eq!(again["written"], false);
    assert_eq!(skills.json(0, TRUST, &["trust", "list"]), store);
    let refused = skills.run(&["install", &pack_with_second(&skills, "1.0.0")]).exits(1);
    assert!(refused.err.contains("was replaced"), "{refused:?}");
    skills.run(&["trust", "show", &format!("northwind={THIRTY_THREES}")]).exits(0);
    // Nor does it bring back a key that a person took out of the store since.
    skills.run(&["trust", "remove", "northwind", TWENTY_TWOS]).exits(0);
    skills.run(&["trust", "rotate", "first.json"]);
    let keys = skills.json(0, TRUST, &["trust", "list"])["trusted"].to_string();
    assert!(!keys.contains(TWENTY_TWOS) && keys.contains(THIRTY_THREES), "{keys}");
}

#[test]
fn a_key_whose_time_is_over_hands_nothing_over() {
    let skills = Skills::new();
    skills.run(&["trust", "expire", &format!("northwind={ELEVENS}"), "2024-02-29"]).exits(0);
    let refused = hand_over(&skills, "elevens.key", TWENTY_TWOS, "late.json");
    assert!(refused.code != Some(0) && refused.err.contains("is over since"), "{refused:?}");
    skills.run(&["trust", "show", &format!("northwind={TWENTY_TWOS}")]).exits(1);
}

/// A daemon reads the trust store alone: a key that somebody else has must stand there under no name.
#[test]
fn a_revoked_key_stands_in_the_store_under_no_publisher() {
    let skills = Skills::new();
    skills.run(&["trust", "allow", &format!("southwind={ELEVENS}")]).exits(0);
    skills.run(&["trust", "pin", &format!("westwind={ELEVENS}")]).exits(0);
    skills.run(&["trust", "allow", &format!("southwind={TWENTY_TWOS}")]).exits(0);
    let revoked = ["trust", "revoke", &format!("northwind={ELEVENS}"), "--reason", "stolen"];
    let report = skills.json(0, TRUST, &revoked);
    assert_eq!(report["revoked"][0]["public_key"], ELEVENS);
    assert_eq!(report["revoked"][0]["removed_from"], json!(["northwind", "southwind", "westwind"]));
    let list = skills.json(0, TRUST, &["trust", "list"]);
    let text = list.to_string();
    assert!(!text.contains(ELEVENS) && text.contains(TWENTY_TWOS), "{text}");
    skills.run(&["trust", "allow", &format!("westwind={TWENTY_TWOS}")]).exits(0);
    let told = skills.run(&["trust", "revoke", &format!("southwind={TWENTY_TWOS}"), "--reason", "stolen"]).exits(0);
    assert!(told.out.contains("southwind, westwind"), "{told:?}");
    // The first reason stays, and nobody is told otherwise.
    let again = ["trust", "revoke", &format!("northwind={ELEVENS}"), "--reason", "another"];
    assert_eq!((&report["written"], &skills.json(0, TRUST, &again)["written"]), (&json!(true), &json!(false)));
    let told = skills.run(&again).exits(0);
    assert!(told.out.contains("with the reason `stolen`, which stays"), "{told:?}");
}

#[test]
fn a_key_has_an_end() {
    let skills = Skills::new();
    let (first, second) = (skills.pack("1.0.0", ""), skills.pack("1.1.0", ""));
    skills.install(&first);
    let key = format!("northwind={ELEVENS}");
    let expire = |code: i32, more: &[&str]| skills.run(&[&["trust", "expire", &key], more].concat()).exits(code);
    let set = skills.json(0, TRUST, &["trust", "expire", &key, "2024-02-29"]);
    assert_eq!((&set["action"], &set["written"]), (&json!("expires"), &json!(true)));
    assert_eq!(skills.json(0, TRUST, &["trust", "expire", &key, "2024-02-29T23:59:59Z"])["written"], false);
    let refused = skills.json(1, INSTALL, &["install", &second]);
    assert!(refused["error"].as_str().unwrap().contains("is over since 2024-02-29T23:59:59Z"), "{refused}");
    assert_eq!(refused["findings"][0]["code"], "update/retired-key");
    // What is installed goes on running, and its audit passes.
    skills.run(&["run", "--skill", ID, "--approve"]).exits(0);
    skills.run(&["audit", ID]).exits(0);
    skills.run(&["audit", &first]).exits(1);
    let shown = skills.run(&["trust", "show", &key]).exits(1);
    assert!(shown.out.contains("until 2024-02-29T23:59:59Z"), "{shown:?}");
    for end in ["2124-01-01", "never"] {
        assert!(expire(2, &[end]).err.contains("--later"), "{end}");
    }
    expire(2, &["2024-02-30"]);
    expire(0, &["never", "--later"]);
    skills.install(&second);
}

#[test]
fn a_pin_moves_to_the_new_key() {
    let skills = Skills::new();
    second(&skills);
    skills.run(&["trust", "remove", "northwind"]).exits(0);
    skills.run(&["trust", "pin", &format!("northwind={ELEVENS}")]).exits(0);
    rotation(&skills);
    skills.run(&["trust", "rotate", "rotation.json"]).exits(0);
    let list = skills.json(0, TRUST, &["trust", "list"]);
    assert_eq!(list["pinned"][0]["key"]["public_key"], TWENTY_TWOS);
    skills.install(&pack_with_second(&skills, "1.0.0"));
}

#[test]
fn what_ran_under_a_pin_runs_when_the_pin_has_moved_on() {
    let skills = Skills::new();
    second(&skills);
    skills.run(&["trust", "remove", "northwind"]).exits(0);
    skills.run(&["trust", "pin", &format!("northwind={ELEVENS}")]).exits(0);
    let other = skills.pack("1.1.0", "");
    skills.install(&skills.pack("1.0.0", ""));
    rotation(&skills);
    skills.run(&["trust", "rotate", "rotation.json"]).exits(0);
    skills.run(&["run", "--skill", ID, "--approve"]).exits(0);
    // Nothing new of the old key, and nothing of a key that nobody handed anything over to.
    skills.run(&["install", &other]).exits(1);
    skills.0.0.write("third.key", "33".repeat(32));
    skills.0.private("third.key");
    skills.run(&["package", "skill", "--key", "third.key", "-o", "third.palyra-skill"]).exits(0);
    let refused = skills.run(&["run", "--skill", "third.palyra-skill", "--approve"]).exits(1);
    assert!(refused.err.contains("pinned"), "{refused:?}");
    // All keys of a publisher are those too that others took the place of.
    let revoked = skills.json(0, TRUST, &["trust", "revoke", "northwind", "--reason", "stolen"]);
    let keys: Vec<_> = revoked["revoked"].as_array().unwrap().iter().map(|one| &one["public_key"]).collect();
    assert!(keys.len() == 2 && keys.contains(&&json!(ELEVENS)) && keys.contains(&&json!(TWENTY_TWOS)), "{revoked}");
    for more in [&[][..], &["--allow-tofu"]] {
        let refused = skills.run(&[&["run", "--skill", ID, "--approve"], more].concat()).exits(1);
        assert!(refused.err.contains("was revoked: `stolen`"), "{refused:?}");
    }
}

#[test]
fn a_statement_that_comes_again_brings_no_key_back() {
    let skills = Skills::new();
    hand_over(&skills, "elevens.key", TWENTY_TWOS, "first.json").exits(0);
    skills.run(&["trust", "remove", &format!("northwind={TWENTY_TWOS}")]);
    skills.run(&["trust", "remove", "northwind", TWENTY_TWOS]);
    let list = || skills.json(0, TRUST, &["trust", "list"])["trusted"].to_string();
    assert!(list().contains(ELEVENS) && !list().contains(TWENTY_TWOS), "{}", list());
    let again = skills.json(0, TRUST, &["trust", "rotate", "first.json"]);
    assert_eq!(again["written"], false);
    assert!(!list().contains(TWENTY_TWOS), "{}", list());
}

/// Kills a command once the file about the life of keys says `noted`, before the trust store is written.
fn killed_between_the_files(skills: &Skills, arguments: &[&str], noted: &str) {
    let file = |name: &str| skills.root().join(name);
    let lock = fs::File::options().create(true).append(true).open(file("trust-store.json.lock")).unwrap();
    lock.lock().unwrap();
    let mut child = skills.0.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !fs::read_to_string(file("trust-lifecycle.json")).is_ok_and(|text| text.contains(noted)) {
        assert_eq!(child.try_wait().unwrap(), None, "{arguments:?} ended");
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_change_of_keys_that_was_killed_is_finished() {
    let doctor = |skills: &Skills| skills.run(&["doctor"]).out;
    let list = |skills: &Skills| skills.json(0, TRUST, &["trust", "list"]).to_string();
    let skills = Skills::new();
    killed_between_the_files(&skills, &["trust", "revoke", "northwind", "--reason", "stolen"], "stolen");
    assert!(list(&skills).contains(ELEVENS));
    let said = doctor(&skills);
    assert!(said.contains("put right after a crash") && said.contains("which was revoked"), "{said}");
    assert!(!list(&skills).contains(ELEVENS), "a daemon would trust it");
    assert!(!doctor(&skills).contains("put right"), "once");
    // So does whoever changes the store next.
    let skills = Skills::new();
    skills.run(&["trust", "remove", "northwind"]).exits(0);
    skills.run(&["trust", "pin", &format!("northwind={ELEVENS}")]).exits(0);
    rotation(&skills);
    killed_between_the_files(&skills, &["trust", "rotate", "rotation.json"], "retired");
    let pinned = || skills.json(0, TRUST, &["trust", "list"])["pinned"][0]["key"]["public_key"].clone();
    assert_eq!(pinned(), ELEVENS);
    let told = skills.run(&["trust", "allow", &format!("southwind={THIRTY_THREES}")]).exits(0);
    assert!(told.err.contains("put right after a crash"), "{told:?}");
    assert_eq!(pinned(), TWENTY_TWOS);
    // Or who takes the statement once more.
    let skills = Skills::new();
    rotation(&skills);
    killed_between_the_files(&skills, &["trust", "rotate", "rotation.json"], "retired");
    assert!(!list(&skills).contains(TWENTY_TWOS));
    assert_eq!(skills.json(0, TRUST, &["trust", "rotate", "rotation.json"])["written"], true);
    assert!(list(&skills).contains(TWENTY_TWOS));
    assert_eq!(skills.json(0, TRUST, &["trust", "rotate", "rotation.json"])["written"], false);
}

#[test]
fn the_doctor_looks_at_the_lives_of_keys() {
    let skills = Skills::new();
    skills.run(&["trust", "floor", ID, "1.0.0", "--reason", "x"]).exits(0);
    let file = skills.root().join("trust-lifecycle.json");
    let before = fs::read_to_string(&file).unwrap();
    let lives = |code: i32| {
        let report = skills.run(&["doctor", "--format", "json"]).exits(code).json();
        let all = report["signs"].as_array().unwrap();
        all.iter().find(|sign| sign["name"] == "lives of keys").unwrap()["health"].clone()
    };
    assert_eq!(lives(0), "good");
    skills.run(&["trust", "revoke", "northwind", "--reason", "stolen"]).exits(0);
    fs::write(&file, before).unwrap();
    assert_eq!(lives(1), "broken", "an old copy");
    fs::remove_file(&file).unwrap();
    assert_eq!(lives(1), "broken", "it is gone");
    // What is lost with it is said before anybody accepts that.
    let told = skills.run(&["trust", "show", &format!("northwind={ELEVENS}")]);
    let forgotten = "the file about the lives of keys";
    assert!(told.err.contains(forgotten) && told.err.contains("every revocation"), "{told:?}");
}

#[test]
fn a_revoked_key_is_refused_by_every_path() {
    let skills = Skills::new();
    let artifact = skills.pack("1.0.0", "");
    skills.install(&artifact);
    skills.run(&["run", "--skill", ID, "--approve"]).exits(0);
    let revoked = skills.json(0, TRUST, &["trust", "revoke", "northwind", "--reason", "stolen"]);
    assert_eq!(revoked["public_key"], ELEVENS);
    let info = skills.json(1, INSTALLED, &["info", ID]);
    assert!(info["ended"].as_str().unwrap().contains("was revoked"), "{info}");
    let list = skills.json(0, INSTALLED, &["list"]);
    assert!(list["versions"][0]["ended"].as_str().unwrap().contains("was revoked"), "{list}");
    let list = skills.run(&["list"]).exits(0);
    assert!(list.out.contains('✗') && list.out.contains("the current version, does not run: "), "{list:?}");
    let file = skills.folder("1.0.0").join("artifact.palyra-skill").to_string_lossy().into_owned();
    for path in [ID, &artifact, &file] {
        let ran = skills.run(&["run", "--skill", path, "--approve"]).exits(1);
        assert!(ran.err.contains("was revoked: `stolen`"), "{path}: {ran:?}");
        // Whoever says on the spot that the key is fine does not know better.
        let listed = format!("northwind={ELEVENS}");
        let ran = skills.run(&["run", "--skill", path, "--approve", "--trusted-publisher", &listed]).exits(1);
        assert!(ran.err.contains("was revoked: `stolen`"), "{path}: {ran:?}");
        let ran = skills.run(&["run", "--skill", path, "--approve", "--allow-tofu"]).exits(1);
        assert!(ran.err.contains("was revoked: `stolen`"), "{path}: {ran:?}");
    }
    let tested = skills.run(&["test", &skills.folder("1.0.0").to_string_lossy()]);
    assert!(
        tested.code != Some(0) && tested.err.contains("was revoked") && !tested.err.contains("allow first use"),
        "{tested:?}"
    );
    for command in ["verify", "audit"] {
        let ran = skills.run(&[command, &artifact, "--allow-tofu"]).exits(1);
        assert!(ran.out.contains("was revoked"), "{ran:?}");
    }
    let other = skills.pack("1.1.0", "");
    for more in [&["--allow-tofu"][..], &["--trusted-publisher", &format!("northwind={ELEVENS}")], &[]] {
        let refused = skills.run(&[&["install", &other], more].concat()).exits(1);
        assert!(refused.err.contains("was revoked"), "{refused:?}");
        // What would be refused is no advice.
        assert!(!refused.err.contains("trust allow") && !refused.err.contains("--allow-tofu"), "{refused:?}");
    }
    let allowed = skills.run(&["trust", "allow", &format!("northwind={ELEVENS}")]);
    assert!(allowed.code != Some(0) && allowed.err.contains("was revoked"), "{allowed:?}");
    // A daemon, which does not know the file, does not find the key either.
    assert_eq!(skills.json(0, TRUST, &["trust", "list"])["trusted"], json!([]));
}

#[test]
fn the_stricter_of_the_two_files_wins() {
    let skills = Skills::new();
    let artifact = skills.pack("1.0.0", "");
    skills.run(&["trust", "revoke", &format!("northwind={ELEVENS}"), "--reason", "stolen"]).exits(0);
    // A daemon's own tool lists the key again.
    let store = skills.0.0.path("home/palyra/skills/trust-store.json");
    fs::write(&store, format!("{{\"trusted_publishers\": {{\"northwind\": [\"{ELEVENS}\"]}}}}")).unwrap();
    let changed = skills.run(&["trust", "list"]).exits(2);
    let digest = changed.err.split("trust accept ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    skills.run(&["trust", "accept", &digest]).exits(0);
    let refused = skills.run(&["verify", &artifact]).exits(1);
    assert!(refused.out.contains("was revoked"), "{refused:?}");
    let shown = skills.json(1, TRUST, &["trust", "show", &artifact]);
    let speaks: Vec<_> = shown["steps"].as_array().unwrap().iter().map(|step| &step["speaks"]).collect();
    assert!(speaks.contains(&&json!(true)) && speaks.contains(&&json!(false)), "{shown}");
    assert_eq!(shown["trusted"], false);

    // Nobody takes a revocation away behind Skillyard's back.
    fs::remove_file(skills.0.0.path("home/palyra/skills/trust-lifecycle.json")).unwrap();
    let refused = skills.run(&["verify", &artifact]).exits(2);
    assert!(refused.err.contains("trust-lifecycle.json is gone"), "{refused:?}");
}

#[test]
fn nothing_below_a_floor_is_taken_or_run() {
    let skills = Skills::new();
    let artifact = skills.pack("1.9.0", "");
    skills.install(&artifact);
    let set = ["trust", "floor", ID, "1.10.0", "--reason", "CVE-2026-1234"];
    assert_eq!(skills.json(0, TRUST, &set)["written"], true);
    assert_eq!(skills.json(0, TRUST, &set)["written"], false);
    for path in [ID, &artifact, "skill"] {
        let ran = skills.run(&["run", "--skill", path, "--approve"]).exits(1);
        assert!(ran.err.contains("is below 1.10.0") && ran.err.contains("CVE-2026-1234"), "{path}: {ran:?}");
    }
    let other = skills.pack("1.9.9", "");
    let refused = skills.json(1, INSTALL, &["install", &other]);
    assert!(refused["error"].as_str().unwrap().contains("is below 1.10.0"), "{refused}");
    skills.install(&skills.pack("1.10.0", ""));
    let lower = ["trust", "floor", ID, "1.0.0", "--reason", "x"];
    let refused = skills.run(&lower);
    assert!(refused.code != Some(0) && refused.err.contains("--lower"), "{refused:?}");
    skills.run(&[&lower[..], &["--lower"]].concat()).exits(0);
    skills.run(&["run", "--skill", &artifact, "--approve"]).exits(0);
    assert_eq!(skills.json(0, INSTALLED, &["list"])["versions"].as_array().unwrap().len(), 2);
}

/// Going back takes no other version than one that may run, whether it is named or not.
#[test]
fn nobody_goes_back_to_a_version_that_may_not_run() {
    let skills = Skills::new();
    second(&skills);
    skills.install(&skills.pack("1.0.0", ""));
    rotation(&skills);
    skills.run(&["trust", "rotate", "rotation.json"]).exits(0);
    skills.install(&pack_with_second(&skills, "1.1.0"));
    let refused = |words: &str| {
        for arguments in [&["rollback", ID][..], &["rollback", ID, "--version", "1.0.0"]] {
            let refused = skills.run(arguments).exits(1);
            assert!(refused.err.contains(words), "{arguments:?}: {refused:?}");
        }
        let list = skills.json(0, INSTALLED, &["list"]);
        assert_eq!(list["versions"][1]["current"], true);
    };
    let folder = skills.folder("1.0.0");
    fs::write(folder.join("more"), "x").unwrap();
    refused("changed since it was installed");
    fs::remove_file(folder.join("more")).unwrap();
    let away = skills.0.0.path("away");
    fs::rename(&folder, &away).unwrap();
    refused("changed since it was installed");
    fs::rename(&away, &folder).unwrap();
    skills.run(&["trust", "floor", ID, "1.1.0", "--reason", "CVE-2026-1234"]).exits(0);
    refused("is below 1.1.0");
    let list = skills.json(0, INSTALLED, &["list"]);
    assert!(list["versions"][0]["ended"].as_str().unwrap().contains("is below 1.1.0"), "{list}");
    assert_eq!(list["versions"][1]["ended"], serde_json::Value::Null);
    skills.run(&["trust", "floor", ID, "1.0.0", "--reason", "x", "--lower"]).exits(0);
    let back = skills.run(&["rollback", ID, "--version", "1.1.0"]).exits(1);
    assert!(back.err.contains("is the current version"), "{back:?}");
    // A key that was replaced still runs what it signed.
    skills.run(&["rollback", ID]).exits(0);
    skills.run(&["rollback", ID, "--version", "1.1.0"]).exits(0);
    skills.run(&["trust", "revoke", &format!("northwind={ELEVENS}"), "--reason", "stolen"]).exits(0);
    refused("was revoked: `stolen`");
}

#[test]
fn a_decision_is_explained_step_by_step() {
    let skills = Skills::new();
    let artifact = skills.pack("1.0.0", "");
    let shown = skills.json(0, TRUST, &["trust", "show", &artifact]);
    assert_eq!((&shown["trusted"], &shown["steps"][0]["speaks"]), (&json!(true), &json!(true)));
    let other = skills.json(1, TRUST, &["trust", "show", &format!("northwind={TWENTY_TWOS}")]);
    assert_eq!(other["trusted"], false);
    let ran = skills.run(&["trust", "show", &artifact]).exits(0).quietly();
    assert!(ran.out.contains("TRUSTED") && ran.out.contains("listed by you?"), "{ran:?}");
    holds_against(TRUST, &shown);
}
