//! Quarantining a version, because a person says so or its audit does not pass, and enabling it again.

use std::ffi::OsString;

use serde_json::{Map, Value, json};
use skillyard_artifact::audit::Report;
use skillyard_manifest::quoted;
use skillyard_store::{
    events::{EventKind, NewEvent},
    installed::{InstalledError, InstalledSkills, Verdict},
};

use crate::{
    home::Home,
    installed::{FlowError, State, Status},
};

/// Who quarantines what does not pass the audit.
pub const AUDITOR: &str = "skillyard audit";
/// How many reasons of an audit stand in the log.
const REASONS: usize = 20;
/// The most characters of a reason that are kept.
const REASON: usize = 1000;

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

/// The name that the system knows the person by. `lookup` gives the values of environment variables.
#[must_use]
pub fn principal(lookup: &dyn Fn(&str) -> Option<OsString>) -> String {
    let name = |variable: &&str| lookup(variable)?.into_string().ok().filter(|name| !name.trim().is_empty());
    ["USER", "LOGNAME", "USERNAME"].iter().find_map(name).unwrap_or_else(|| "unknown".to_owned())
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

/// Writes to the log what the audit of a version came to, `failed` being what keeps it from running; and quarantines it
/// where it failed, its publisher is `known`, and nobody said anything of it before: neither that it may not run nor, as
/// who enables it does, that it may. Says whether it did.
///
/// # Errors
/// If it cannot be written.
pub fn after_audit(
    skills: &InstalledSkills,
    version: (&str, &str),
    report: &Report,
    failed: &[String],
    known: bool,
) -> Result<bool, InstalledError> {
    let now_unix_ms = i64::try_from(report.generated_at_unix_ms).unwrap_or(i64::MAX);
    let events = vec![event_of_audit(version, report, failed)];
    let (skill_id, number) = version;
    if failed.is_empty() || !known {
        skills.note(events, now_unix_ms)?;
        return Ok(false);
    }
    let reason = format!("the audit does not pass: {}", failed.join("; ")).chars().take(REASON).collect();
    let verdict = Verdict { status: Status::Quarantined, reason, principal: AUDITOR.to_owned(), now_unix_ms };
    skills.set_state_where_nobody_did(skill_id, number, &verdict, &events).map(|(_, is_new)| is_new)
}

/// An audit as it stands in the log.
pub(crate) fn event_of_audit((skill_id, version): (&str, &str), report: &Report, failed: &[String]) -> NewEvent {
    let reasons: Vec<String> = failed.iter().take(REASONS).map(|reason| reason.chars().take(500).collect()).collect();
    NewEvent {
        kind: EventKind::Audit,
        payload: facts(json!({
            "skill_id": skill_id,
            "version": version,
            "publisher": report.publisher,
            "passed": failed.is_empty(),
            "should_quarantine": !failed.is_empty(),
            "payload_sha256": report.payload_sha256,
            "quarantine_reasons": reasons,
        })),
    }
}

/// The payload of an event.
pub(crate) fn facts(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
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
