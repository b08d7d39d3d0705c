//! The hashes that packaging writes.

use super::{Context, Family, FixKind, Rule};
use crate::{
    diagnostic::{Daemon, Severity, Tag, TextEdit},
    document::{NodeKind, Origin},
    edits,
};

pub(super) static FAMILY: Family = Family {
    name: "integrity",
    about: "The hashes of the packaged files: packaging writes them.",
    rules: &[&BY_HAND],
    check,
};

static BY_HAND: Rule = Rule {
    code: "integrity/by-hand",
    severity: Severity::Info,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "`integrity` stands in a manifest that is not packaged",
    details: "Packaging computes the hash of each file and replaces whatever stands under `integrity`. Hashes written by \
              hand are never read, and grow stale with the next build. Remove the sections.",
    bad: "[[integrity.files]]\npath = \"modules/tool.wasm\"\nsha256 = \"00\"",
    good: "",
};

fn check(cx: &mut Context<'_, '_>) {
    let Some(field) = cx.root.get("integrity").and_then(|item| item.field) else { return };
    let mut edits: Vec<TextEdit> =
        edits::sections(cx.text, cx.document, "integrity").into_iter().map(|span| edits::replace(span, "")).collect();
    let of_headers = match &field.value.kind {
        NodeKind::Table(table) => match table.origin {
            Origin::Header | Origin::Implicit => true,
            Origin::Inline => false,
            Origin::Dotted => {
                let lines = table.fields.values().filter(|field| {
                    !matches!(&field.value.kind, NodeKind::Table(inner) if inner.origin != Origin::Inline)
                        && !matches!(&field.value.kind, NodeKind::Array(array) if array.of_tables)
                });
                edits.extend(lines.map(|field| edits::remove_lines(cx.text, field.entry)));
                true
            }
        },
        NodeKind::Array(array) => array.of_tables,
        _ => false,
    };
    if !of_headers {
        edits = vec![edits::remove_lines(cx.text, field.entry)];
    }
    cx.report(&BY_HAND, field.key, "packaging writes `integrity` and replaces what stands here: remove it")
        .tag(Tag::Unnecessary)
        .safe_fix("Remove `integrity`", edits);
}
