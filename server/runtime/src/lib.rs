//! A tool's call: the policy that decides about it, the WebAssembly host that runs it, the worker process that it runs
//! in and the walls round that.
//!
//! Nothing here reads a skill's folder or knows of an editor or a terminal: `project` brings verified bytes, secrets and
//! folders, and is given a result.

pub mod call;
pub mod egress;
mod folders;
pub mod host;
pub mod json;
mod os_path;
pub mod policy;
pub mod secrets;
pub mod walls;
pub mod worker;
