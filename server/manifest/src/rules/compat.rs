//! The daemons that the skill works with.

use super::{
    Context, Family, FixKind, Rule,
    identity::{VersionRules, check_version_text},
};
use crate::{
    diagnostic::{Daemon, Severity},
    edits,
    grammar::{PROTOCOL_MAJOR, Version},
    view::View,
};

pub(super) static FAMILY: Family = Family {
    name: "compat",
    about: "The daemons that the skill works with: protocol, oldest and newest version.",
    rules: &[
        &BAD_VERSION,
        &MAX_BELOW_MIN,
        &PROTOCOL_TOO_NEW,
        &MIN_TOO_NEW,
        &MAX_TOO_OLD,
        &SURROUNDING_SPACE,
        &VERSION_SPELLING,
        &PROTOCOL_ZERO,
    ],
    check,
};

static BAD_VERSION: Rule = Rule {
    code: "compat/bad-version",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "A daemon version in `compat` is not three numbers",
    details: "`min_palyra_version` and `max_palyra_version` are plain versions, `major.minor.patch`: no ranges, no wildcards, \
              no pre-release and no build parts.",
    bad: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

static MAX_BELOW_MIN: Rule = Rule {
    code: "compat/max-below-min",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "`max_palyra_version` is below `min_palyra_version`",
    details: "No daemon can satisfy both. Versions are compared as numbers: `0.10.0` is above `0.9.0`.",
    bad: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\nmax_palyra_version = \"0.0.9\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\nmax_palyra_version = \"0.9.0\"",
};

static PROTOCOL_TOO_NEW: Rule = Rule {
    code: "compat/protocol-too-new",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "`required_protocol_major` is above what the daemon speaks",
    details: "The manifest itself is good, but packaging and install refuse it: a daemon 0.1.0 speaks protocol 1.",
    bad: "[compat]\nrequired_protocol_major = 2\nmin_palyra_version = \"0.1.0\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

static MIN_TOO_NEW: Rule = Rule {
    code: "compat/min-too-new",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "`min_palyra_version` is above the daemon's version",
    details: "The manifest itself is good, but packaging and install refuse it on the daemon that is checked against \
              (`palyra_version` in the configuration). Lower it only if the skill runs on that daemon.",
    bad: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"9.0.0\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

static MAX_TOO_OLD: Rule = Rule {
    code: "compat/max-too-old",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "`max_palyra_version` is below the daemon's version",
    details: "The manifest itself is good, but packaging and install refuse it on the daemon that is checked against \
              (`palyra_version` in the configuration). The maximum is inclusive. Without it every newer daemon takes the skill.",
    bad: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.0.1\"\nmax_palyra_version = \"0.0.9\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.0.1\"\nmax_palyra_version = \"0.1.0\"",
};

static SURROUNDING_SPACE: Rule = Rule {
    code: "compat/surrounding-space",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A daemon version in `compat` has white space around it",
    details: "A daemon trims it before it compares, but reports and stores it as it is written.",
    bad: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0 \"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

static VERSION_SPELLING: Rule = Rule {
    code: "compat/version-spelling",
    severity: Severity::Info,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A daemon version in `compat` has leading zeros or plus signs",
    details: "It is read as the plain numbers. Write those.",
    bad: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"00.01.0\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

static PROTOCOL_ZERO: Rule = Rule {
    code: "compat/protocol-zero",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Unsafe,
    summary: "`required_protocol_major` is 0",
    details: "Protocols count from 1. A daemon takes 0, since it only refuses what is above its own, but nothing speaks it.",
    bad: "[compat]\nrequired_protocol_major = 0\nmin_palyra_version = \"0.1.0\"",
    good: "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"",
};

const MIN: &str = "min_palyra_version";
const MAX: &str = "max_palyra_version";

fn check(cx: &mut Context<'_, '_>) {
    let Some(compat) = cx.root.table("compat") else { return };
    check_protocol(cx, compat);
    let rules = VersionRules { bad: &BAD_VERSION, space: &SURROUNDING_SPACE, spelling: &VERSION_SPELLING };
    let read = |key| compat.text(key).and_then(|text| Version::parse(text.value));
    // A repaired version that the other one forbids is no repair.
    if let Some(text) = compat.text(MIN) {
        let max = read(MAX);
        check_version_text(cx, text, "`min_palyra_version`", &rules, |min| max.is_none_or(|max| min <= max));
    }
    if let Some(text) = compat.text(MAX) {
        let min = read(MIN);
        check_version_text(cx, text, "`max_palyra_version`", &rules, |max| min.is_none_or(|min| min <= max));
    }
    check_order(cx, compat);
    check_daemon(cx, compat);
}

fn check_protocol(cx: &mut Context<'_, '_>, compat: View<'_, '_>) {
    let Some((span, major)) = compat.integer("required_protocol_major") else { return };
    let fix = vec![edits::replace(span, PROTOCOL_MAJOR.to_string())];
    let title = format!("Set it to {PROTOCOL_MAJOR}");
    if major == 0 {
        cx.report(&PROTOCOL_ZERO, span, "there is no protocol 0: write 1").unsafe_fix(title, fix);
    } else if i128::from(PROTOCOL_MAJOR) < major && major <= i128::from(u32::MAX) {
        let message = format!("daemons speak protocol {PROTOCOL_MAJOR}: none packages or installs a skill for {major}");
        cx.report(&PROTOCOL_TOO_NEW, span, message).unsafe_fix(title, fix);
    }
}

fn check_order(cx: &mut Context<'_, '_>, compat: View<'_, '_>) {
    let (Some(min), Some(max)) = (compat.text(MIN), compat.text(MAX)) else { return };
    let (Some(low), Some(high)) = (Version::parse(min.value), Version::parse(max.value)) else { return };
    if high < low {
        let swap = vec![cx.set_string(min.node, &high.to_string()), cx.set_string(max.node, &low.to_string())];
        cx.report(
            &MAX_BELOW_MIN,
            max.span(),
            format!("the maximum {high} is below the minimum {low}: no daemon is both, raise it or leave it out"),
        )
        .related(min.span(), "the minimum")
        .unsafe_fix("Swap the two", swap);
    }
}

/// The version check that a daemon makes at packaging and install.
fn check_daemon(cx: &mut Context<'_, '_>, compat: View<'_, '_>) {
    let palyra = cx.options.palyra_version;
    let read = |key| compat.text(key).and_then(|text| Some((text, Version::parse(text.value)?)));
    if let Some((text, min)) = read(MIN).filter(|(_, min)| *min > palyra) {
        let fix = vec![cx.set_string(text.node, &palyra.to_string())];
        let message = format!("a daemon {palyra} is older than {min}: it neither packages nor installs the skill");
        cx.report(&MIN_TOO_NEW, text.span(), message).unsafe_fix(format!("Lower it to {palyra}"), fix);
    }
    if let Some((text, max)) = read(MAX).filter(|(_, max)| *max < palyra) {
        let raise = vec![cx.set_string(text.node, &palyra.to_string())];
        let field = compat.get(MAX).and_then(|item| item.field);
        let remove: Vec<_> = field
            .zip(compat.as_table())
            .map(|(field, table)| edits::remove_field(cx.text, &cx.document.comments, field, table))
            .into_iter()
            .collect();
        let message = format!("a daemon {palyra} is newer than {max}: it neither packages nor installs the skill");
        cx.report(&MAX_TOO_OLD, text.span(), message)
            .unsafe_fix(format!("Raise it to {palyra}"), raise)
            .unsafe_fix("Remove the maximum", remove);
    }
}
