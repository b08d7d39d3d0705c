//! What Skillyard keeps on disk: the trust store, installed skills and their states, signing keys, secrets, compiled
//! modules, inputs, and where they are.
//!
//! Nothing here reads the environment or lies in a workspace by itself: the caller says where ([`paths`]) and by which
//! means ([`credentials`]). What is written is there whole or not at all, whenever the power goes.

pub mod compiled;
pub mod credentials;
mod durable;
pub mod events;
pub mod inputs;
pub mod installed;
pub mod keys;
pub mod lifecycle;
mod lock;
pub mod paths;
mod seal;
pub mod secrets;
mod shown;
pub mod states;
pub mod trust_store;

pub use durable::ReadError;
pub use seal::{NotADigest, SealError, StoreDigest};
