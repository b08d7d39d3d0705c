//! The store as its callers see it: real files, real processes, injected folders.


mod common;
mod credentials;
mod keys;
mod paths;
mod processes;
mod trust_store;
