//! `skillyard cache`.

use std::fs;

use crate::{skillyard::holds_against, world::World};

const SCHEMA: &str = "schema/cache-report.schema.json";

#[test]
fn an_empty_cache_is_shown_and_cleared_without_making_one() {
    let world = World::new();
    let info = world.run(&["cache", "info", "--format", "json"]).exits(0).quietly().json();
    holds_against(SCHEMA, &info);
    assert_eq!((&info["entries"], &info["bytes"], &info["limit_bytes"]), (&0.into(), &0.into(), &(1u64 << 30).into()));
    assert_eq!(info["folder"].as_str().unwrap(), world.0.path("home/skillyard/compiled").to_string_lossy());
    let cleared = world.run(&["cache", "clear", "--format", "json"]).exits(0).quietly().json();
    holds_against(SCHEMA, &cleared);
    assert_eq!(cleared["cleared_entries"], 0);
    assert!(!world.0.path("home").exists());
    let shown = world.run(&["cache", "info"]).exits(0).quietly().out;
    assert!(shown.contains("modules") && shown.contains("1024.0 MiB at most"), "{shown}");
    let shown = world.run(&["cache", "clear"]).exits(0).quietly().out;
    assert!(shown.starts_with("CLEARED: 0 compiled modules"), "{shown}");
}

#[test]
fn what_is_there_is_counted_and_goes() {
    let world = World::new();
    let id = "0f".repeat(32);
    world.0.write(&format!("home/skillyard/compiled/{id}.json"), "{}");
    world.0.write(&format!("home/skillyard/compiled/{id}-0011223344556677.bin"), [0; 100]);
    world.0.write("home/skillyard/compiled/notes.txt", "of somebody");
    let info = world.run(&["cache", "info", "--format", "json"]).exits(0).json();
    assert_eq!((&info["entries"], &info["bytes"]), (&1.into(), &102.into()));
    let cleared = world.run(&["cache", "clear", "--format", "json"]).exits(0).json();
    assert_eq!((&cleared["cleared_entries"], &cleared["cleared_bytes"]), (&1.into(), &102.into()));
    assert_eq!(world.0.read("home/skillyard/compiled/notes.txt"), "of somebody");
}

#[cfg(unix)]
#[test]
fn a_cache_that_others_can_write_is_refused_with_the_reason() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.0.write("home/skillyard/compiled/x", "");
    fs::set_permissions(world.0.path("home/skillyard/compiled"), fs::Permissions::from_mode(0o777)).unwrap();
    for command in ["info", "clear"] {
        let ran = world.run(&["cache", command]).exits(2);
        assert!(ran.err.contains("written by others") && ran.err.contains("chmod 700"), "{ran:?}");
    }
}

#[test]
fn a_cache_that_another_process_writes_takes_nothing_from_a_call() {
    let guest = crate::guest::Guest::named("command", &["echo"], crate::guest::FOLDERS);
    guest.0.0.write("home/skillyard/compiled/.lock", "");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = guest.0.0.path("home/skillyard/compiled");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let lock = fs::File::options().write(true).open(guest.0.0.path("home/skillyard/compiled/.lock")).unwrap();
    lock.lock().unwrap();
    // It would time out if it waited.
    let report = guest.fine(&["acme.echo", "--input", "1"]);
    assert!(report["compile_ms"].is_number(), "{report:#}");
    drop(lock);
    assert!(guest.fine(&["acme.echo", "--input", "1"])["compile_ms"].is_number(), "it was not kept");
    assert!(guest.fine(&["acme.echo", "--input", "1"])["compile_ms"].is_null(), "now it is");
}
