//! What goes round a tool's run, as its users meet it: a new skill, secrets, the cache of compiled modules.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so and fails")]

mod bare;
mod cache;
mod call;
mod cases;
mod conformance;
mod guest;
#[cfg(target_os = "linux")]
mod memory;
mod network;
mod new;
mod secret;
#[path = "../check/skillyard.rs"]
#[expect(dead_code, reason = "shared with the tests of check")]
mod skillyard;
mod words;
#[path = "../artifact/world.rs"]
#[expect(dead_code, reason = "shared with the tests of artifacts")]
mod world;
