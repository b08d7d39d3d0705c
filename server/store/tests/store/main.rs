//! The store as its callers see it: real files, real processes, injected folders.

#![expect(missing_docs, reason = "tests")]

mod common;
mod credentials;
mod keys;
mod paths;
mod processes;
mod trust_store;
