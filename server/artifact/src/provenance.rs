//! `provenance.json`.
