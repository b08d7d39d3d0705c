//! What a daemon calls where nothing else is said: `[operator.plugin]`.

use std::collections::HashMap;

use super::{
    Context, Family, FixKind, Rule,
    identity::{self, IDENTIFIER, bad_characters, surrounding_space},
    operator::remove_key,
    paths,
};
use crate::{
    diagnostic::{Daemon, Severity},
    document::{Node, NodeKind},
    edits,
    grammar::{self, PathFault},
    shape::CONTRACT_KINDS,
    show, suggest,
    text::Span,
    view::{Text, View},
};

pub(super) static FAMILY: Family = Family {
    name: "plugin",
    about: "What a daemon calls where nothing else is said: default tool, module and export, and the contracts offered.",
    rules: &[
        &BAD_TOOL_ID,
        &UNKNOWN_TOOL,
        &BAD_MODULE_PATH,
        &BAD_ENTRYPOINT,
        &BAD_CONTRACT_VERSION,
        &DUPLICATE_CONTRACT,
        &SURROUNDING_SPACE,
        &ODD_MODULE_PATH,
    ],
    check,
};

static BAD_TOOL_ID: Rule = Rule {
    code: "plugin/bad-tool-id",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "`default_tool_id` is no identifier",
    details: "It is the id of one of the tools: lower-case ASCII letters, digits, `.`, `_`, `-` and `:`. Leave it out to have no \
              default.",
    bad: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_tool_id = \"Acme.weather.today\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_tool_id = \"acme.weather.today\" }",
};

static UNKNOWN_TOOL: Rule = Rule {
    code: "plugin/unknown-tool",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "`default_tool_id` is not the id of a declared tool",
    details: "The default tool is one of `[[entrypoints.tools]]`, by its whole id with the publisher in front.",
    bad: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_tool_id = \"acme.weather.tody\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_tool_id = \"acme.weather.today\" }",
};

static BAD_MODULE_PATH: Rule = Rule {
    code: "plugin/bad-module-path",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "`default_module_path` is no module's path",
    details: "Packaging puts every module below `modules/` as a `.wasm` file. The path starts and ends with exactly these \
              (nothing is trimmed), has `/` between its parts, no empty part, no `.`, no `..` anywhere, no `:` and no NUL.",
    bad: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_module_path = \"tool.wasm\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_module_path = \"modules/tool.wasm\" }",
};

static BAD_ENTRYPOINT: Rule = Rule {
    code: "plugin/bad-entrypoint",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "`default_entrypoint` is empty or has a character that entrypoints have not",
    details: "The export to call instead of `run` has only lower-case ASCII letters, digits, `_` and `-`. Names of exports are \
              exact: rename the export in the module as well.",
    bad: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_entrypoint = \"runTool\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_entrypoint = \"run_tool\" }",
};

static BAD_CONTRACT_VERSION: Rule = Rule {
    code: "plugin/bad-contract-version",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Unsafe,
    summary: "The `version` of a contract is not 1",
    details: "Version 1 of each contract is the only one. It is also the default.",
    bad: "[operator]\ndisplay_name = \"Weather\"\nplugin = { contracts = [{ kind = \"memory_provider\", version = 2 }] }",
    good: "[operator]\ndisplay_name = \"Weather\"\nplugin = { contracts = [{ kind = \"memory_provider\", version = 1 }] }",
};

static DUPLICATE_CONTRACT: Rule = Rule {
    code: "plugin/duplicate-contract",
    severity: Severity::Error,
    daemon: Daemon::Rejects,
    fix: FixKind::Safe,
    summary: "The same kind of contract is listed twice",
    details: "A plug-in offers each kind once.",
    bad: "[operator]\ndisplay_name = \"Weather\"\n\
          plugin = { contracts = [{ kind = \"memory_provider\" }, { kind = \"memory_provider\" }] }",
    good: "[operator]\ndisplay_name = \"Weather\"\nplugin = { contracts = [{ kind = \"memory_provider\" }] }",
};

static SURROUNDING_SPACE: Rule = Rule {
    code: "plugin/surrounding-space",
    severity: Severity::Error,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "`default_tool_id` or `default_entrypoint` has white space around it",
    details: "A daemon checks it trimmed, but looks it up as it is written, and then finds no such tool or export.",
    bad: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_entrypoint = \"run \" }",
    good: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_entrypoint = \"run\" }",
};

static ODD_MODULE_PATH: Rule = Rule {
    code: "plugin/odd-module-path",
    severity: Severity::Warning,
    daemon: Daemon::Silent,
    fix: FixKind::Safe,
    summary: "`default_module_path` is no name of a file on every system",
    details: "A daemon takes it, and then there is no such module: nothing expands `~`, `$HOME` or `*` in it, nothing decodes \
              `%2e`, only Windows takes `\\` for `/`, and Windows has no files that are named as a device or end with a dot. \
              Write the module's path as it is in the artifact, with `/`.",
    bad: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_module_path = \"modules/*.wasm\" }",
    good: "[operator]\ndisplay_name = \"Weather\"\nplugin = { default_module_path = \"modules/tool.wasm\" }",
};

fn check(cx: &mut Context<'_, '_>) {
    let Some(plugin) = cx.root.table("operator").and_then(|operator| operator.table("plugin")) else { return };
    if let Some(id) = plugin.text("default_tool_id") {
        check_tool_id(cx, plugin, id);
    }
    if let Some(path) = plugin.text("default_module_path") {
        check_module_path(cx, path);
    }
    if let Some(entrypoint) = plugin.text("default_entrypoint") {
        check_entrypoint(cx, plugin, entrypoint);
    }
    check_contracts(cx, plugin);
}

fn check_tool_id(cx: &mut Context<'_, '_>, plugin: View<'_, '_>, id: Text<'_, '_>) {
    let what = "`default_tool_id`";
    let trimmed = id.trimmed();
    if trimmed.is_empty() {
        let fix = remove_key(cx, plugin, "default_tool_id");
        cx.report(&BAD_TOOL_ID, id.span(), "`default_tool_id` is empty: leave it out")
            .safe_fix("Remove `default_tool_id`", fix);
        return;
    }
    if !grammar::is_identifier(trimmed) {
        bad_characters(cx, &BAD_TOOL_ID, id, what, grammar::is_identifier_char, IDENTIFIER);
        return;
    }
    let declared: Vec<&str> =
        cx.tools().iter().filter_map(|tool| tool.text("id")).map(|declared| declared.trimmed()).collect();
    if declared.contains(&trimmed) {
        surrounding_space(cx, &SURROUNDING_SPACE, id, what);
        return;
    }
    // That there are no tools is told where they belong.
    if declared.is_empty() {
        return;
    }
    // A tool that is about to be put into the namespace takes its default along.
    let dotted = format!(".{trimmed}");
    let meant = declared
        .iter()
        .copied()
        .find(|declared| declared.ends_with(&dotted))
        .or_else(|| suggest::closest(trimmed, declared.iter().copied().filter(|id| id.len() <= 128).take(256)))
        .or(match declared.as_slice() {
            [only] => Some(only),
            _ => None,
        })
        .filter(|meant| grammar::is_identifier(meant));
    let shown = show::quoted(trimmed);
    let message = match meant {
        Some(meant) => format!("no tool has the id {shown}: did you mean {}?", show::quoted(meant)),
        None => format!("no tool has the id {shown}: write the whole id of a declared tool"),
    };
    let fix = meant.map(|meant| (show::quoted(meant), cx.set_string(id.node, meant)));
    let finding = cx.report(&UNKNOWN_TOOL, id.span(), message);
    if let Some((meant, edit)) = fix {
        finding.unsafe_fix(format!("Write {meant}"), vec![edit]);
    }
}

fn check_module_path(cx: &mut Context<'_, '_>, path: Text<'_, '_>) {
    let value = path.value;
    let holds = |value: &str| grammar::is_module_path(value) && grammar::path_fault(value).is_none();
    if holds(value) {
        paths::report_odd(cx, &ODD_MODULE_PATH, path);
        return;
    }
    let (range, problem) = module_path_fault(value);
    let span = cx.inside(path.node, range);
    let tidy = tidied(value);
    let placed = placed(&tidy);
    let repair =
        if holds(&tidy) { Some((tidy, true)) } else { placed.filter(|placed| holds(placed)).map(|p| (p, false)) };
    let repair = repair.map(|(value, safe)| (cx.set_string(path.node, &value), value, safe));
    let finding = cx.report(&BAD_MODULE_PATH, span, format!("`default_module_path` {problem}"));
    if let Some((edit, value, safe)) = repair {
        identity::fix(finding, safe, format!("Write {}", show::quoted(&value)), vec![edit]);
    }
}

/// Where a module path that a daemon refuses is wrong, and why.
fn module_path_fault(value: &str) -> (std::ops::Range<usize>, &'static str) {
    let all = 0..value.len();
    let find = |what: &str| value.find(what).map(|at| at..at + what.len());
    if value.trim().is_empty() {
        return (all, "is empty: leave it out, or name a module below `modules/`");
    }
    let lead = value.len() - value.trim_start().len();
    if lead > 0 {
        return (0..lead, "has white space in front, which is not trimmed here");
    }
    if value.trim_end().len() < value.len() {
        return (value.trim_end().len()..value.len(), "has white space behind, which is not trimmed here");
    }
    if let Some(at) = find("..") {
        return (at, "holds `..`, which is refused anywhere, also inside a name");
    }
    if let Some(at) = find("\0") {
        return (at, "holds a NUL");
    }
    if !value.starts_with("modules/") {
        let first = value.find(['/', '\\']).map_or(value.len(), |at| at + 1);
        return (0..first, "starts with `modules/`, where packaging puts every module");
    }
    if !value.ends_with(".wasm") {
        let name = value.rfind('/').map_or(0, |at| at + 1);
        let dot = value.get(name..).and_then(|name| name.rfind('.')).map_or(name, |at| name + at);
        return (dot..value.len(), "ends in `.wasm`, in lower case");
    }
    match grammar::path_fault(value) {
        Some(PathFault::Colon) => (find(":").unwrap_or(all), "holds `:`"),
        Some(PathFault::EmptySegment) => {
            let at = ["//", "\\\\", "/\\", "\\/"].iter().find_map(|pair| find(pair));
            (at.unwrap_or(all), "has an empty part between two separators")
        }
        Some(PathFault::Dot) => {
            let at = ["/./", "\\.\\", "/.\\", "\\./"].iter().find_map(|part| find(part));
            (at.unwrap_or(all), "has a part `.`: leave it out")
        }
        _ => (all, "is not a relative path"),
    }
}

/// The same path as a daemon wants it written: trimmed, with `/`, without empty parts and `.`.
fn tidied(value: &str) -> String {
    let value = value.trim().replace('\\', "/");
    value.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// The path where packaging would put a module of that name.
fn placed(tidy: &str) -> Option<String> {
    let stem = match tidy.rsplit_once('.') {
        Some((stem, extension)) if extension.eq_ignore_ascii_case("wasm") || extension == "wat" => stem,
        _ => tidy,
    };
    let below = stem.strip_prefix("modules/").or_else(|| stem.rsplit('/').next())?;
    (!below.is_empty()).then(|| format!("modules/{below}.wasm"))
}

fn check_entrypoint(cx: &mut Context<'_, '_>, plugin: View<'_, '_>, entrypoint: Text<'_, '_>) {
    let trimmed = entrypoint.trimmed();
    if grammar::is_entrypoint(trimmed) {
        surrounding_space(cx, &SURROUNDING_SPACE, entrypoint, "`default_entrypoint`");
        return;
    }
    if trimmed.is_empty() {
        let fix = remove_key(cx, plugin, "default_entrypoint");
        cx.report(&BAD_ENTRYPOINT, entrypoint.span(), "`default_entrypoint` is empty: leave it out to call `run`")
            .unsafe_fix("Remove `default_entrypoint`", fix);
        return;
    }
    let allowed = |c: char| grammar::is_label_char(c) && c != '.';
    let start = trimmed.find(|c| !allowed(c)).unwrap_or(0);
    let rest = trimmed.get(start..).unwrap_or_default();
    let run = rest.find(allowed).unwrap_or(rest.len());
    let at = entrypoint.value.len() - entrypoint.value.trim_start().len() + start;
    let span = cx.inside(entrypoint.node, at..at + run);
    let bad = show::quoted(rest.get(..run).unwrap_or_default());
    let fix = snake(trimmed).map(|new| (show::quoted(&new), cx.set_string(entrypoint.node, &new)));
    let finding = cx.report(&BAD_ENTRYPOINT, span, format!("`default_entrypoint` takes only `a-z 0-9 _ -`, not {bad}"));
    if let Some((new, edit)) = fix {
        // The module's export has a name of its own.
        finding.unsafe_fix(format!("Write {new}"), vec![edit]);
    }
}

/// `runTool`, `Run.Tool`: `run_tool`.
fn snake(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower {
            out.push('_');
        }
        lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        match c.to_ascii_lowercase() {
            c if grammar::is_label_char(c) && c != '.' => out.push(c),
            _ if out.ends_with('_') => {}
            _ => out.push('_'),
        }
    }
    let out = out.trim_matches('_');
    (!out.is_empty()).then(|| out.to_owned())
}

/// How many repeated sections get a fix.
const MOST_SECTIONS: usize = 32;

fn check_contracts(cx: &mut Context<'_, '_>, plugin: View<'_, '_>) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    let mut repeated = 0;
    let sections = plugin
        .get("contracts")
        .is_some_and(|item| matches!(&item.node.kind, NodeKind::Array(array) if array.of_tables));
    for contract in plugin.tables("contracts") {
        if let Some((span, version)) = contract.integer("version")
            && version != 1
            && (0..=i128::from(u32::MAX)).contains(&version)
        {
            let fix = vec![edits::replace(span, "1")];
            cx.report(&BAD_CONTRACT_VERSION, span, format!("there is no version {version} of a contract: write 1"))
                .unsafe_fix("Set it to 1", fix);
        }
        let Some(item) = contract.get("kind") else { continue };
        let Some(kind) = variant(item.node).filter(|kind| CONTRACT_KINDS.contains(kind)) else { continue };
        let Some(first) = seen.get(kind).copied() else {
            seen.insert(kind, item.node.span);
            continue;
        };
        repeated += 1;
        let fix = if sections {
            // Finding the end of a section looks at all of them: not without end.
            if repeated > MOST_SECTIONS {
                None
            } else {
                edits::section(cx.text, cx.document, contract.span).map(|span| edits::replace(span, ""))
            }
        } else {
            Some(edits::remove_listed(cx.text, &cx.document.comments, contract.span))
        };
        cx.report(&DUPLICATE_CONTRACT, item.node.span, format!("`{kind}` is listed twice: remove one"))
            .related(first, "first here")
            .safe_fix("Remove the second one", fix.into_iter().collect());
    }
}

/// A fixed string, also written as a table of one key.
pub(super) fn variant<'d>(node: &'d Node<'_>) -> Option<&'d str> {
    if let Some(text) = node.as_str() {
        return Some(text);
    }
    let table = node.as_table()?;
    let (name, field) = table.fields.first()?;
    let unit = table.fields.len() == 1 && field.value.as_table().is_some_and(|inner| inner.fields.is_empty());
    unit.then_some(name.as_ref())
}
