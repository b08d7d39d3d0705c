//! Where a generated skill comes from.

use super::{Context, Family, FixKind, Rule, common, paths};
use crate::{
    diagnostic::{Daemon, Severity},
    edits,
    grammar::PathFault,
    show,
    view::Text,
};

pub(super) static FAMILY: Family = Family {
    name: "builder",
    about: "`builder`: where a generated skill comes from and what its review rests on.",
    rules: &[&NOT_EXPERIMENTAL, &EMPTY, &BAD_PATH, &UNTRIMMED, &ODD_PATH],
    check,
};

static NOT_EXPERIMENTAL: Rule = Rule {
    code: "builder/not-experimental",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "A generated skill is not marked as experimental",
    details: "`builder` belongs to generated skills, and those are experimental: `experimental` must be true. A skill that \
              is written by hand, or that has outgrown its generator, has no `builder` table at all.",
    bad: "[builder]\nexperimental = false\nsource_kind = \"routine\"\nsource_ref = \"routine:42\"\n\
          rollout_flag = \"skills.generated\"\nchecklist = { capability_declaration_path = \"review/capabilities.md\", \
          provenance_path = \"review/provenance.json\", test_harness_path = \"review/harness.toml\" }",
    good: "[builder]\nexperimental = true\nsource_kind = \"routine\"\nsource_ref = \"routine:42\"\n\
           rollout_flag = \"skills.generated\"\nchecklist = { capability_declaration_path = \"review/capabilities.md\", \
           provenance_path = \"review/provenance.json\", test_harness_path = \"review/harness.toml\" }",
};

static EMPTY: Rule = Rule {
    code: "builder/empty",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::None,
    summary: "The source or the rollout flag of a generated skill is empty",
    details: "`source_kind` and `source_ref` say what the skill was generated from, `rollout_flag` which flag switches it \
              on. None of them can be empty or white space only.",
    bad: "[builder]\nexperimental = true\nsource_kind = \"routine\"\nsource_ref = \"\"\n\
          rollout_flag = \"skills.generated\"\nchecklist = { capability_declaration_path = \"review/capabilities.md\", \
          provenance_path = \"review/provenance.json\", test_harness_path = \"review/harness.toml\" }",
    good: NOT_EXPERIMENTAL.good,
};

static BAD_PATH: Rule = Rule {
    code: "builder/bad-path",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "A path of the checklist is empty or not a plain relative path",
    details: "The paths of `builder.checklist` are relative to the skill's folder: not absolute, without a drive or `:`, and \
              without `.`, `..` or empty segments. `\\` counts as `/`.",
    bad: "[builder]\nexperimental = true\nsource_kind = \"routine\"\nsource_ref = \"routine:42\"\n\
          rollout_flag = \"skills.generated\"\nchecklist = { capability_declaration_path = \"./capabilities.md\", \
          provenance_path = \"review/provenance.json\", test_harness_path = \"review/harness.toml\" }",
    good: NOT_EXPERIMENTAL.good,
};

static UNTRIMMED: Rule = Rule {
    code: "builder/untrimmed",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A value of `builder` has white space around it",
    details: "A daemon checks these values without the white space but keeps it, so a lookup of the flag, the source or the \
              file by its name fails. Remove it.",
    bad: "[builder]\nexperimental = true\nsource_kind = \"routine\"\nsource_ref = \"routine:42\"\n\
          rollout_flag = \"skills.generated \"\nchecklist = { capability_declaration_path = \"review/capabilities.md\", \
          provenance_path = \"review/provenance.json\", test_harness_path = \"review/harness.toml\" }",
    good: NOT_EXPERIMENTAL.good,
};

static ODD_PATH: Rule = Rule {
    code: "builder/odd-path",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "A path of the checklist is no name of a file on every system",
    details: "A daemon takes it, and then there is no such file: nothing expands `~`, `$HOME` or `*` in it, nothing decodes \
              `%2e`, only Windows takes `\\` for `/`, and Windows has no files that are named as a device or end with a dot. \
              Write the path of the file as it is in the skill's folder, with `/`.",
    bad: "[builder]\nexperimental = true\nsource_kind = \"routine\"\nsource_ref = \"routine:42\"\n\
          rollout_flag = \"skills.generated\"\nchecklist = { capability_declaration_path = \"~/capabilities.md\", \
          provenance_path = \"review/provenance.json\", test_harness_path = \"review/harness.toml\" }",
    good: NOT_EXPERIMENTAL.good,
};

const KEPT: &str = "a daemon keeps it, and lookups by name fail";

fn check(cx: &mut Context<'_, '_>) {
    let Some(builder) = cx.root.table("builder") else { return };
    if let Some(item) = builder.get("experimental")
        && item.node.as_bool() == Some(false)
    {
        cx.report(&NOT_EXPERIMENTAL, item.node.span, "a generated skill is experimental: set `experimental = true`")
            .unsafe_fix("Set `experimental = true`", vec![edits::replace(item.node.span, "true")]);
    }
    for key in ["source_kind", "source_ref", "rollout_flag"] {
        let Some(text) = builder.text(key) else { continue };
        if text.trimmed().is_empty() {
            cx.report(&EMPTY, text.span(), format!("`{key}` is empty: say what it is"));
        } else {
            common::report_untrimmed(cx, &UNTRIMMED, text, KEPT, true);
        }
    }
    let Some(checklist) = builder.table("checklist") else { return };
    for key in ["capability_declaration_path", "provenance_path", "test_harness_path"] {
        if let Some(path) = checklist.text(key) {
            check_path(cx, key, path);
        }
    }
}

fn check_path(cx: &mut Context<'_, '_>, key: &str, path: Text<'_, '_>) {
    let faults = paths::faults(path.value);
    if faults.is_empty() {
        common::report_untrimmed(cx, &UNTRIMMED, path, KEPT, true);
        paths::report_odd(cx, &ODD_PATH, path);
        return;
    }
    let repaired = paths::repaired(path.value).map(|(new, same)| (cx.set_string(path.node, &new), new, same));
    for fault in faults {
        let shown = show::plain(path.value.get(fault.at.clone()).unwrap_or_default());
        let message = paths::message(fault.kind, &shown, &format!("`{key}`"));
        let span = if fault.kind == PathFault::Empty { path.span() } else { cx.inside(path.node, fault.at) };
        let finding = cx.report(&BAD_PATH, span, message);
        if let Some((edit, new, same)) = &repaired {
            let title = format!("Write `{}`", show::plain(new));
            if *same {
                finding.safe_fix(title, vec![edit.clone()]);
            } else {
                finding.unsafe_fix(title, vec![edit.clone()]);
            }
        }
    }
}
