//! Packaging, verifying, auditing and trusting as their users meet them: real processes on real files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so and fails")]

mod capabilities;
mod conformance;
mod hostile;
mod keys;
mod kill;
mod levels;
mod packaging;
mod sarif;
#[path = "../check/skillyard.rs"]
#[expect(dead_code, reason = "shared with the tests of check")]
mod skillyard;
mod transcript;
mod trust;
mod walls;
mod words;
mod world;
