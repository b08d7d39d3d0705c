//! The store as its callers see it: real files, real processes, injected folders.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop at what should not happen")]

mod common;
mod compiled;
mod credentials;
mod inputs;
mod installed;
mod keys;
mod paths;
mod processes;
mod secrets;
mod trust_store;
