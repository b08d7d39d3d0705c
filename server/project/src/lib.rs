//! A skill's folder: its configuration, its files, and the flows over them. A flow exists once, here; the command line
//! and the language server only ask and show.

pub mod around;
pub mod artifact_file;
pub mod audit;
pub mod cache;
pub mod capabilities;
pub mod cases;
pub mod check;
pub mod config;
pub mod doctor;
pub mod files;
pub mod findings;
pub mod fix;
pub mod format;
pub mod home;
pub mod inspect;
pub mod install;
pub mod installed;
pub mod live;
pub mod log;
pub mod new;
pub mod package;
pub mod rules;
pub mod run;
pub mod secrets;
pub mod signing;
pub mod skill;
pub mod source;
pub mod standing;
pub mod states;
pub mod suggest;
pub mod trust;
pub mod verify;
mod walk;
pub mod workspace;

pub use skillyard_manifest::show as shown;

pub use skillyard_artifact::{Cancelled, ErrorKind, Finding, ManifestPlace, Progress, timestamp};
