//! Several skills beside each other: ids that more than one of them has.

use super::{Context, Family, FixKind, Rule};

pub(super) static FAMILY: Family = Family {
    name: "workspace",
    about: "Several skills beside each other: ids that more than one of them has.",
    rules: &[&DUPLICATE_SKILL_ID, &DUPLICATE_TOOL_ID],
    // One manifest says nothing of others: see `crate::workspace`.
    check: |_: &mut Context<'_, '_>| {},
};

/// Two skills of one id.
pub static DUPLICATE_SKILL_ID: Rule = Rule::warns(
    "workspace/duplicate-skill-id",
    FixKind::None,
    "Two skills of the workspace have the same id",
    "To a daemon they are versions of one skill, and of an installed skill one version is current: the one takes the \
     other's place. Give one of them another id. Where it is a copy on purpose, say so: \
     `# skillyard: allow(workspace/duplicate-skill-id): why` above `skill_id`.",
    "",
    "",
);

/// Tools of two skills of one id.
pub static DUPLICATE_TOOL_ID: Rule = Rule::warns(
    "workspace/duplicate-tool-id",
    FixKind::None,
    "Tools of two skills in the workspace have the same id",
    "A model calls a tool by its id, and a person approves it by its id: with both skills installed nobody can tell which \
     one is meant. Name each tool below its own skill's id, `acme.weather.today`.",
    "",
    "",
);
