//! `signature.json`.
