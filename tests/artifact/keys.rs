//! `skillyard keygen`, and where the key that signs comes from.

use std::fs;

use crate::{
    skillyard::holds_against,
    world::{ARTIFACT, ELEVENS, World},
};

#[test]
fn a_key_is_made_once_and_signs() {
    let world = World::new();
    let ran = world.run(&["package", "skill"]).exits(2);
    assert!(ran.err.contains("skillyard keygen"), "{ran:?}");
    let made = world.run(&["keygen", "--format", "json"]).exits(0).quietly().json();
    holds_against("schema/keygen-report.schema.json", &made);
    assert_eq!(made["name"], "default");
    let file = made["file"].as_str().unwrap();
    let secret = fs::read_to_string(file).unwrap();
    assert!(secret.contains("PRIVATE KEY") && !made.to_string().contains(secret.lines().nth(1).unwrap()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    world.run(&["package", "skill"]).exits(0);
    let signed = world.run(&["verify", ARTIFACT, "--allow-tofu", "--format", "json"]).exits(0).json();
    assert_eq!(signed["key_id"], made["key_id"]);

    let ran = world.run(&["keygen"]).exits(2);
    assert!(ran.err.contains("there is a key `default` already"), "{ran:?}");
    assert_eq!(fs::read_to_string(file).unwrap(), secret);
    let other = world.run(&["keygen", "--replace", "--format", "json"]).exits(0).json();
    assert_ne!(other["key_id"], made["key_id"]);
    let list = world.run(&["keygen", "--list", "--format", "json"]).exits(0).json();
    holds_against("schema/keygen-report.schema.json", &list);
    assert_eq!(list["keys"][0]["key_id"], other["key_id"]);
    assert_eq!(list["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_comes_from_where_a_person_says() {
    let world = World::new();
    let signed_by = |variables: &[(&str, &str)], arguments: &[&str]| {
        let ran = world.run_with(variables, &[&["package", "skill", "--format", "json"], arguments].concat());
        ran.exits(0).quietly().json()["key_id"].as_str().unwrap().to_owned()
    };
    let elevens = signed_by(&[], &["--key", "elevens.key"]);
    assert_eq!(signed_by(&[("SIGNING", &"11".repeat(32))], &["--key-env", "SIGNING"]), elevens);
    world.run(&["keygen", "release"]).exits(0);
    // The only one there is.
    let release = signed_by(&[], &[]);
    assert_ne!(release, elevens);
    world.run(&["keygen", "test"]).exits(0);
    let ran = world.run(&["package", "skill"]).exits(2);
    assert!(ran.err.contains("release, test") && ran.err.contains("--key-name"), "{ran:?}");
    assert_eq!(signed_by(&[], &["--key-name", "release"]), release);
    world.run(&["keygen", "--output", "ci.hex", "--form", "hex"]).exits(0);
    signed_by(&[], &["--key", "ci.hex"]);
    let ran = world.run(&["keygen", "--output", "ci.hex"]).exits(2);
    assert!(ran.err.contains("is there already"), "{ran:?}");
}

#[test]
fn what_is_no_key_is_refused_with_the_reason() {
    let world = World::new();
    let refused = |arguments: &[&str], words: &str| {
        let ran = world
            .run_with(&[("SIGNING", "correct horse battery staple....")], &[&["package", "skill"], arguments].concat())
            .exits(2);
        assert!(ran.err.contains(words), "{arguments:?}: {ran:?}");
        assert!(!ran.err.contains("correct horse"), "the secret is never said");
        assert!(!world.artifact().exists());
    };
    refused(&["--key-env", "SIGNING"], "passphrase");
    refused(&["--key-env", "NOT_SET_AT_ALL"], "is not set");
    refused(&["--key", "gone"], "gone");
    refused(&["--key-name", "../x"], "no name for a key");
    world.0.write("short.key", "1122");
    world.private("short.key");
    refused(&["--key", "short.key"], "short.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(world.0.path("elevens.key"), fs::Permissions::from_mode(0o644)).unwrap();
        refused(&["--key", "elevens.key"], "chmod");
    }
}

#[test]
fn an_encrypted_key_is_opened_by_the_variable() {
    // Made by ssh-keygen.
    let encrypted = concat!(env!("CARGO_MANIFEST_DIR"), "/server/artifact/tests/keys/ssh-encrypted-ctr");
    let world = World::new();
    fs::copy(encrypted, world.0.path("ssh.key")).unwrap();
    world.private("ssh.key");
    // Nobody is there to type.
    let ran = world.run(&["package", "skill", "--key", "ssh.key"]).exits(2);
    assert!(ran.err.contains("SKILLYARD_KEY_PASSPHRASE"), "{ran:?}");
    let package = ["package", "skill", "--key", "ssh.key"];
    let ran = world.run_with(&[("SKILLYARD_KEY_PASSPHRASE", "Correct horse")], &package).exits(2);
    assert!(ran.err.contains("passphrase") && !ran.err.contains("orrect"), "{ran:?}");
    world.run_with(&[("SKILLYARD_KEY_PASSPHRASE", "correct horse")], &package).exits(0);
    let signed = world.run(&["verify", ARTIFACT, "--allow-tofu", "--format", "json"]).exits(0).quietly();
    assert!(signed.out.contains("\"key_id\":\"ed25519:"), "{signed:?}");
}

#[test]
fn the_key_of_a_trusted_publisher_is_another_person() {
    let world = World::new();
    world.package(&[]);
    world.run(&["trust", "allow", &format!("northwind={ELEVENS}")]).exits(0);
    world.run(&["verify", ARTIFACT]).exits(0);
    world.run(&["keygen"]).exits(0);
    world.run(&["package", "skill"]).exits(0);
    let ran = world.run(&["verify", ARTIFACT, "--allow-tofu", "--format", "json"]).exits(1).json();
    assert_eq!(ran["error_kind"], "TrustedPublisherKeyMismatch");
}
