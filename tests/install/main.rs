//! The operator's half as its users meet it: real processes install, quarantine, remove and run.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so and fails")]

mod flows;
mod layout;
mod lifecycle;
mod processes;
mod refusals;
mod skills;
#[path = "../check/skillyard.rs"]
#[expect(dead_code, reason = "shared with the tests of check")]
mod skillyard;
mod swaps;
#[path = "../artifact/world.rs"]
#[expect(dead_code, reason = "shared with the tests of artifacts")]
mod world;
