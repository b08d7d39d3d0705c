//! Filesystem roots.

use std::collections::HashSet;

use super::{Context, Family, FixKind, Rule, common, paths};
use crate::{
    diagnostic::{Severity, Tag},
    grammar::PathFault,
    show,
    text::Span,
    view::Text,
};

pub(super) static FAMILY: Family = Family {
    name: "filesystem",
    about: "`capabilities.filesystem`: folders below the skill's own storage.",
    rules: &[
        &EMPTY,
        &ABSOLUTE,
        &COLON,
        &NUL,
        &PARENT_SEGMENT,
        &DOT_SEGMENT,
        &EMPTY_SEGMENT,
        &UNTRIMMED,
        &BACKSLASH,
        &SHELL_NOTATION,
        &GLOB,
        &RESERVED_NAME,
        &TRAILING_DOT,
        &TOO_LONG,
        &TOO_MANY,
        &DUPLICATE,
        &COVERED,
        &READ_ROOTS,
    ],
    check,
};

const GOOD: &str = "[capabilities.filesystem]\nwrite_roots = [\"reports\"]";

static EMPTY: Rule = Rule::rejects(
    "filesystem/empty",
    FixKind::Unsafe,
    "A root is empty",
    "A root names a folder below the skill's storage. The storage as a whole cannot be granted: name the folders that the \
     skill uses.",
    "[capabilities.filesystem]\nwrite_roots = [\"\"]",
    GOOD,
);

static ABSOLUTE: Rule = Rule::rejects(
    "filesystem/absolute",
    FixKind::Unsafe,
    "A root is absolute",
    "Roots are relative to the skill's own storage, and nothing outside of that can be granted. The fix drops the leading \
     `/`, which names a folder inside the storage.",
    "[capabilities.filesystem]\nwrite_roots = [\"/reports\"]",
    GOOD,
);

static COLON: Rule = Rule::rejects(
    "filesystem/colon",
    FixKind::Unsafe,
    "A root holds `:`",
    "A root names no drive and is no URL, and `:` is refused anywhere in it: it means something else on each system.",
    "[capabilities.filesystem]\nwrite_roots = ['C:\\reports']",
    GOOD,
);

static NUL: Rule = Rule::rejects(
    "filesystem/nul",
    FixKind::None,
    "A root holds a NUL character",
    "No file system takes NUL in a name; some end the name there, so that the folder is another one than the manifest says.",
    "[capabilities.filesystem]\nwrite_roots = [\"reports\\u0000\"]",
    GOOD,
);

static PARENT_SEGMENT: Rule = Rule::rejects(
    "filesystem/parent-segment",
    FixKind::Safe,
    "A root has a segment `..`",
    "`..` is refused even where the path stays inside the storage. The fix writes the folder that the path comes to; a path \
     that leaves the storage cannot be granted.",
    "[capabilities.filesystem]\nwrite_roots = [\"drafts/../reports\"]",
    GOOD,
);

static DOT_SEGMENT: Rule = Rule::rejects(
    "filesystem/dot-segment",
    FixKind::Safe,
    "A root has a segment `.`",
    "Write `reports` for `./reports`. The storage as a whole, `.`, cannot be granted: name the folders that the skill uses.",
    "[capabilities.filesystem]\nwrite_roots = [\"./reports\"]",
    GOOD,
);

static EMPTY_SEGMENT: Rule = Rule::rejects(
    "filesystem/empty-segment",
    FixKind::Safe,
    "A root ends with `/` or has two in a row",
    "Single `/` stand between the names of a path, and none behind the last.",
    "[capabilities.filesystem]\nwrite_roots = [\"reports/\"]",
    GOOD,
);

static UNTRIMMED: Rule = Rule::warns(
    "filesystem/untrimmed",
    FixKind::Safe,
    "A root has white space around it",
    "A daemon grants the folder without the white space, so what the manifest says is not what is granted.",
    "[capabilities.filesystem]\nwrite_roots = [\"reports \"]",
    GOOD,
)
.at(Severity::Error);

static BACKSLASH: Rule = Rule::warns(
    "filesystem/backslash",
    FixKind::Safe,
    "A root is written with `\\`",
    "A daemon checks `\\` as if it were `/` but grants the root as it is written, and only Windows takes the two for the same. \
     Write `/`.",
    "[capabilities.filesystem]\nwrite_roots = ['reports\\2026']",
    "[capabilities.filesystem]\nwrite_roots = [\"reports/2026\"]",
);

static SHELL_NOTATION: Rule = Rule::warns(
    "filesystem/shell-notation",
    FixKind::Unsafe,
    "A root is written as for a shell or a URL",
    "Nothing expands `~`, `$HOME` or `%TEMP%` in a root, and nothing decodes `%2e`: they are parts of a folder's name, \
     inside the skill's storage.",
    "[capabilities.filesystem]\nwrite_roots = [\"~/reports\"]",
    GOOD,
);

static GLOB: Rule = Rule::warns(
    "filesystem/glob",
    FixKind::None,
    "A root holds a glob character other than `*`",
    "Only `*` is a wildcard, with its opt-in. `?`, `[…]` and `{…}` are parts of a folder's name.",
    "[capabilities.filesystem]\nwrite_roots = [\"reports/202?\"]",
    "[capabilities.filesystem]\nwrite_roots = [\"reports/2026\"]",
);

static RESERVED_NAME: Rule = Rule::warns(
    "filesystem/reserved-name",
    FixKind::None,
    "A segment of a root is a device on Windows",
    "On Windows `CON`, `PRN`, `AUX`, `NUL`, `COM1` to `COM9` and `LPT1` to `LPT9` are devices in every folder, in any case and \
     with any extension. A daemon there cannot make such a folder.",
    "[capabilities.filesystem]\nwrite_roots = [\"reports/aux\"]",
    GOOD,
);

static TRAILING_DOT: Rule = Rule::warns(
    "filesystem/trailing-dot",
    FixKind::Unsafe,
    "A segment of a root ends with a dot or a space",
    "Windows drops dots and spaces at the end of a name: `reports.` is `reports` there, and `.. ` may be `..`.",
    "[capabilities.filesystem]\nwrite_roots = [\"reports./2026\"]",
    "[capabilities.filesystem]\nwrite_roots = [\"reports/2026\"]",
);

static TOO_LONG: Rule = Rule::warns(
    "filesystem/too-long",
    FixKind::None,
    "A root is too long for file systems",
    "Common file systems take at most 255 bytes for one name, and paths of about a thousand bytes.",
    "[capabilities.filesystem]\nwrite_roots = [\"\
     aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
     aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
     aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]",
    GOOD,
);

static TOO_MANY: Rule = Rule::warns(
    "filesystem/too-many",
    FixKind::None,
    "A list of roots is longer than anyone reviews",
    "An operator has to read what a skill asks for. Name the folder above instead of its parts.",
    "[capabilities.filesystem]\nwrite_roots = [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\", \"10\", \"11\", \
     \"12\", \"13\", \"14\", \"15\", \"16\", \"17\", \"18\", \"19\", \"20\", \"21\", \"22\", \"23\", \"24\", \"25\", \"26\", \"27\", \
     \"28\", \"29\", \"30\", \"31\", \"32\", \"33\", \"34\", \"35\", \"36\", \"37\", \"38\", \"39\", \"40\", \"41\", \"42\", \"43\", \
     \"44\", \"45\", \"46\", \"47\", \"48\", \"49\", \"50\", \"51\", \"52\", \"53\", \"54\", \"55\", \"56\", \"57\", \"58\", \"59\", \
     \"60\", \"61\", \"62\", \"63\", \"64\"]",
    GOOD,
);

static DUPLICATE: Rule = Rule::warns(
    "filesystem/duplicate",
    FixKind::Safe,
    "A root is listed twice",
    "The second one grants nothing more. Remove it.",
    "[capabilities.filesystem]\nwrite_roots = [\"reports\", \"reports\"]",
    GOOD,
);

static COVERED: Rule = Rule::warns(
    "filesystem/covered",
    FixKind::Unsafe,
    "A root lies below another root of its list",
    "A root grants all that is below it. Remove the inner one, or the outer one if the skill needs only the inner.",
    "[capabilities.filesystem]\nwrite_roots = [\"reports\", \"reports/2026\"]",
    GOOD,
);

static READ_ROOTS: Rule = Rule::warns(
    "filesystem/read-roots-grant-nothing",
    FixKind::None,
    "`read_roots` give a daemon 0.1.0 no grant",
    "A daemon 0.1.0 checks `read_roots` and then makes nothing of them: a module gets handles for `write_roots` only. Keep them \
     as a statement for later daemons, or name the folder in `write_roots` if the skill has to read it today.",
    "[capabilities.filesystem]\nread_roots = [\"data\"]",
    GOOD,
).at(Severity::Info);

/// The longest list.
const MAX_ROOTS: usize = 64;

fn check(cx: &mut Context<'_, '_>) {
    let Some(filesystem) = cx.capabilities().and_then(|capabilities| capabilities.table("filesystem")) else { return };
    for key in ["read_roots", "write_roots"] {
        let roots = filesystem.texts(key);
        let Some(item) = filesystem.get(key) else { continue };
        let place = item.field.map_or(item.node.span, |field| field.key);
        if key == "read_roots" && !roots.is_empty() {
            cx.report(&READ_ROOTS, place, "`read_roots` give a daemon 0.1.0 no grant: only `write_roots` do");
        }
        if roots.len() > MAX_ROOTS {
            cx.report(
                &TOO_MANY,
                place,
                format!("{} roots are more than anyone reviews: name the folders above them", roots.len()),
            );
        }
        check_overlap(cx, &roots);
        // One more of the same is told as that, however it is written.
        let again: HashSet<Span> = common::repeated(good(&roots)).into_iter().map(|(_, again)| again.span()).collect();
        for root in roots.iter().filter(|root| !again.contains(&root.span())) {
            check_root(cx, *root);
        }
    }
}

fn check_root(cx: &mut Context<'_, '_>, root: Text<'_, '_>) {
    let faults = paths::faults(root.value);
    if faults.is_empty() {
        check_notation(cx, root);
        return;
    }
    let repaired = paths::repaired(root.value);
    for fault in faults {
        let rule = match fault.kind {
            PathFault::Empty => &EMPTY,
            PathFault::Absolute => &ABSOLUTE,
            PathFault::Colon => &COLON,
            PathFault::Nul => &NUL,
            PathFault::EmptySegment => &EMPTY_SEGMENT,
            PathFault::Dot => &DOT_SEGMENT,
            PathFault::DotDot => &PARENT_SEGMENT,
        };
        if fault.kind == PathFault::Empty {
            let edit = cx.remove_listed(root.node);
            cx.report(rule, root.span(), "the root is empty: name a folder below the skill's storage")
                .unsafe_fix("Remove it", vec![edit]);
            continue;
        }
        let shown = show::plain(root.value.get(fault.at.clone()).unwrap_or_default());
        let message = match (fault.kind, root.trimmed()) {
            (PathFault::Dot, ".") => "the storage as a whole cannot be granted: name a folder in it".to_owned(),
            (kind, _) => paths::message(kind, &shown, "a root"),
        };
        let edit =
            repaired.as_ref().filter(|_| rule.fix != FixKind::None).map(|(new, _)| cx.set_string(root.node, new));
        let span = cx.inside(root.node, fault.at);
        let finding = cx.report(rule, span, message);
        if let (Some(edit), Some((new, same))) = (edit, &repaired) {
            let title = format!("Write `{}`", show::plain(new));
            if *same {
                finding.safe_fix(title, vec![edit]);
            } else {
                finding.unsafe_fix(title, vec![edit]);
            }
        }
    }
}

/// What a daemon takes in a root but does not understand as its author does.
fn check_notation(cx: &mut Context<'_, '_>, root: Text<'_, '_>) {
    common::report_untrimmed(cx, &UNTRIMMED, root, "a daemon grants the folder without it", true);
    let trimmed = root.trimmed();
    let skipped = root.value.len() - root.value.trim_start().len();
    let at = |cx: &Context<'_, '_>, from: usize, to: usize| cx.inside(root.node, from + skipped..to + skipped);
    if let Some(found) = trimmed.find('\\') {
        let edit = cx.set_string(root.node, &trimmed.replace('\\', "/"));
        cx.report(&BACKSLASH, at(cx, found, found + 1), "write `/`: a daemon grants the root as it is written")
            .safe_fix("Write `/`", vec![edit]);
    }
    if let Some((from, to)) = paths::shell_notation(trimmed) {
        let shown = show::quoted(trimmed.get(from..to).unwrap_or_default());
        // What stands for a folder may go; an escape stands for a character.
        let folder = from == 0 && !(trimmed.starts_with('%') && to == 3);
        let rest = trimmed.get(to..).filter(|_| folder).and_then(|rest| rest.strip_prefix(['/', '\\']));
        let rest = rest.filter(|rest| paths::shell_notation(rest).is_none());
        let fix = rest.filter(|rest| !rest.is_empty()).map(|rest| (rest, cx.set_string(root.node, rest)));
        let finding =
            cx.report(&SHELL_NOTATION, at(cx, from, to), format!("nothing expands {shown}: it is part of the name"));
        if let Some((rest, edit)) = fix {
            finding.unsafe_fix(format!("Write `{}`", show::plain(rest)), vec![edit]);
        }
    }
    if let Some(range) = common::first_run(trimmed, paths::is_glob) {
        let shown = show::quoted(trimmed.get(range.clone()).unwrap_or_default());
        if !trimmed.get(..range.start).is_some_and(|before| before.ends_with('$')) {
            cx.report(
                &GLOB,
                at(cx, range.start, range.end),
                format!("{shown} is no wildcard here: it is part of the name"),
            );
        }
    }
    if trimmed.len() > paths::MAX_PATH {
        cx.report(
            &TOO_LONG,
            root.span(),
            format!("a path of {} bytes is too long for file systems: shorten it", trimmed.len()),
        );
    }
    check_segments(cx, root, trimmed, skipped);
}

/// The first name of each kind that some file system does not take.
fn check_segments(cx: &mut Context<'_, '_>, root: Text<'_, '_>, trimmed: &str, skipped: usize) {
    let (mut reserved, mut dotted, mut long) = (false, false, trimmed.len() > paths::MAX_PATH);
    let mut start = skipped;
    for segment in trimmed.split(['/', '\\']) {
        let span = |cx: &Context<'_, '_>, from: usize| cx.inside(root.node, start + from..start + segment.len());
        let kept = segment.trim_end_matches(['.', ' ']);
        if kept.len() < segment.len() && !dotted {
            dotted = true;
            let new: Vec<&str> = trimmed.split('/').map(|segment| segment.trim_end_matches(['.', ' '])).collect();
            let new = (!new.contains(&"") && !trimmed.contains('\\')).then(|| new.join("/"));
            let new = new.filter(|new| new.trim() == new);
            let fix = new.map(|new| (cx.set_string(root.node, &new), new));
            let message =
                format!("Windows drops the end of {}: end the name with another character", show::quoted(segment));
            let finding = cx.report(&TRAILING_DOT, span(cx, kept.len()), message);
            if let Some((edit, new)) = fix {
                finding.unsafe_fix(format!("Write `{}`", show::plain(&new)), vec![edit]);
            }
        } else if paths::is_reserved(segment) && !reserved {
            reserved = true;
            let message = format!("{} is a device on Windows: choose another name", show::quoted(segment));
            cx.report(&RESERVED_NAME, span(cx, 0), message);
        } else if segment.len() > paths::MAX_NAME && !long {
            long = true;
            let message = format!("a name of {} bytes is too long for file systems: shorten it", segment.len());
            cx.report(&TOO_LONG, span(cx, 0), message);
        }
        start += segment.len() + 1;
    }
}

/// The roots without a fault, each with what a daemon makes of it.
fn good<'r, 'd, 't>(roots: &'r [Text<'d, 't>]) -> impl Iterator<Item = (String, Text<'d, 't>)> + use<'r, 'd, 't> {
    let good = roots.iter().filter(|root| paths::faults(root.value).is_empty());
    good.map(|root| (root.trimmed().replace('\\', "/"), *root))
}

fn check_overlap(cx: &mut Context<'_, '_>, roots: &[Text<'_, '_>]) {
    common::report_repeated(cx, &DUPLICATE, good(roots));
    // In the order of their segments all that lies below a root stands directly behind it.
    let mut sorted: Vec<_> = good(roots).filter(|(path, _)| !path.contains('*')).collect();
    sorted.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
    let mut outer: Option<&(String, Text<'_, '_>)> = None;
    for entry in &sorted {
        let (path, root) = entry;
        // The same root once more is told already.
        if outer.is_some_and(|(outer, _)| outer == path) {
            continue;
        }
        let below =
            outer.filter(|(outer, _)| path.strip_prefix(outer.as_str()).is_some_and(|rest| rest.starts_with('/')));
        match below {
            Some((_, over)) => {
                let message = format!(
                    "{} lies below {}, which grants it too: keep the one that is needed",
                    show::quoted(root.trimmed()),
                    show::quoted(over.trimmed())
                );
                let edit = cx.remove_listed(root.node);
                cx.report(&COVERED, root.span(), message)
                    .related(over.span(), "it grants all below it")
                    .tag(Tag::Unnecessary)
                    .unsafe_fix("Remove the inner root", vec![edit]);
            }
            None => outer = Some(entry),
        }
    }
}
