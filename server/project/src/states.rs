//! Quarantining a version and enabling it again.

use skillyard_manifest::quoted;
use skillyard_store::installed::{InstalledError, Verdict};

use crate::{
    home::Home,
    installed::{FlowError, State, Status},
};

/// What an administrator wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// The skill.
    pub skill_id: String,
    /// The version; without it the current one.
    pub version: Option<String>,
    /// The state that it is to have.
    pub status: Status,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub principal: String,
    /// The time.
    pub now_unix_ms: i64,
}

/// Gives a version a state. A version that is not installed has to be named: it cannot be installed then.
///
/// # Errors
/// If there is no version to be meant, or it cannot be written.
pub fn set(home: &Home, wish: &Wish) -> Result<State, FlowError> {
    let skills = home.installed()?;
    let version = match &wish.version {
        Some(version) => version.clone(),
        None => {
            let known = skills.known(&wish.skill_id, "")?;
            let current = known.entries.into_iter().find(|entry| entry.current);
            let none = || InstalledError::NotInstalled { skill_id: wish.skill_id.clone(), version: None };
            current.ok_or_else(none)?.version
        }
    };
    let verdict = Verdict {
        status: wish.status,
        reason: wish.reason.clone(),
        principal: wish.principal.clone(),
        now_unix_ms: wish.now_unix_ms,
    };
    Ok(skills.set_state(&wish.skill_id, &version, &verdict, &[])?)
}

/// How a state is said in a line.
#[must_use]
pub fn words(state: &State) -> String {
    let by = quoted(&state.operator_principal);
    match &state.reason {
        Some(reason) => format!("{} by {by}: {}", state.status.name(), quoted(reason)),
        None => format!("{} by {by}", state.status.name()),
    }
}
