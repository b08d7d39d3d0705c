//! The rules about what time does to a skill: a new version beside an old one, keys that were replaced or revoked. Where
//! both versions, or what a person knows of a key, are at hand, they are reported.

use skillyard_manifest::{Severity, rules::Rule};

use crate::rules::{Family, silent};

/// What a version is held against the one before it.
pub static FAMILY: Family = Family {
    name: "update",
    about: "A new version beside an old one, and keys that were replaced or revoked.",
    rules: &[&WIDER, &REVOKED_KEY, &RETIRED_KEY, &BELOW_FLOOR, &OTHER_CONTENT],
};

/// The key was revoked.
pub static REVOKED_KEY: Rule = silent(
    "update/revoked-key",
    "the key that signed was revoked",
    "A person noted that the key is not the publisher's alone any more. Nothing that it signed is taken or run, whoever \
     lists it. Get a version that another key of the publisher signed.",
);

/// Another key took its place, or its time is over.
pub static RETIRED_KEY: Rule = silent(
    "update/retired-key",
    "the key that signed is not the publisher's current one",
    "Another key took its place, by a statement that it signed itself, or its time is over. What is installed goes on \
     running; nothing new of it is taken.",
);

/// The version is below the floor.
pub static BELOW_FLOOR: Rule = silent(
    "update/below-floor",
    "the version is below the lowest one that is taken",
    "A person noted a version below which nothing of the skill is taken, since something was wrong with it. Get a newer \
     one.",
);

/// The version is installed with other content.
pub static OTHER_CONTENT: Rule = Rule {
    severity: Severity::Warning,
    ..silent(
        "update/other-content",
        "this version is installed with other content",
        "A version is published once: what is installed under its number is something else, and neither installs over the \
         other. Give the changed skill another version; where the installed one was a trial, `skillyard remove` it.",
    )
};

/// A new version may do more.
pub static WIDER: Rule = Rule {
    severity: Severity::Warning,
    ..silent(
        "update/wider",
        "a new version may do more than the old one",
        "Hosts, folders, secrets, devices, quotas, what tools say of their own risk, and what modules import are held \
         against an older version. Whoever installs it is asked; say in the change why it is needed.",
    )
};
