//! The rules, told as marked text: `tests/cases/*.txt`.
//!
//! A case is a fragment of a manifest with the expected findings marked below the lines they are on:
//!
//! ```text
//! === a host with a port
//! [capabilities]
//! http_egress_allowlist = ["api.acme.example:8443"]
//!                                           ^^^^^ egress/port: without a port
//! --- fix egress/port
//! [capabilities]
//! http_egress_allowlist = ["api.acme.example"]
//! ```
//!
//! What the fragment leaves out (root keys, a tool, `[compat]`, `[operator]`) is filled in by a good manifest, so that
//! every finding is the fragment's own, and every one must be marked. A mark is a line of nothing but spaces, `^` and a
//! code, with a part of the message behind `:` where it matters. It covers the finding's range in characters; a range
//! over several lines is marked on its first; an empty range by one `^`. `--- fix CODE` gives the fragment after the
//! first fix of the first finding with that code, `--- fix CODE #2` after its second fix. `=== raw: name` fills in
//! nothing; `--- unsafe fix CODE` is one that is not safe, `--- no fix CODE` says that there is none. Cases of `config-file.txt` are texts of a `skillyard.toml`, and nothing is filled in either.
//!
//! For every fix of every finding, whether shown or not: applying it removes the finding and breaks nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use skillyard_manifest::{
    Analysis, Daemon, Diagnostic, LineIndex, Options, Severity, Span, analyze, analyze_config,
    fix::{apply_edits, fix_all},
    rules::{self, FixKind},
};

/// Rules that text files cannot show, with the test that does.
const OUTSIDE: &[(&str, &str)] = &[
    ("syntax/not-utf8", "bytes::bad_bytes_are_told_and_do_not_hide_the_rest"),
    ("syntax/too-large", "bytes::a_large_file_is_told_once"),
    ("syntax/control-character", "bytes::control_characters_outside_strings"),
    ("syntax/too-deep", "bytes::deep_nesting_is_told_and_overflows_nothing"),
    ("workspace/duplicate-skill-id", "skillyard-project, workspace::tests"),
    ("workspace/duplicate-tool-id", "skillyard-project, workspace::tests"),
    ("config-file/too-many", "config::a_list_has_at_most_so_many_globs"),
    ("config-file/too-large", "config::a_large_file_is_told_once"),
    ("syntax/refused", "agreement: never seen, because another rule always says it"),
];

/// Whether no text shows a rule: those about modules and calls are shown by `tests/artifact` and `tests/run`.
fn is_outside(rule: &rules::Rule) -> bool {
    rules::is_about_modules(rule) || rules::is_about_calls(rule) || OUTSIDE.iter().any(|(code, _)| *code == rule.code)
}

const ROOT_KEYS: [(&str, &str); 5] = [
    ("manifest_version", "2"),
    ("skill_id", "\"acme.weather\""),
    ("name", "\"Weather\""),
    ("version", "\"1.0.0\""),
    ("publisher", "\"acme\""),
];

const SECTIONS: [(&str, &str); 3] = [
    ("operator", "[operator]\ndisplay_name = \"Weather\"\n"),
    (
        "entrypoints",
        "[[entrypoints.tools]]\nid = \"acme.weather.today\"\nname = \"Weather today\"\n\
         description = \"Tells today's weather.\"\ninput_schema = { type = \"object\" }\n\
         output_schema = { type = \"object\" }\nrisk = { requires_approval = true }\n",
    ),
    ("compat", "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n"),
];

/// The fragment completed, and the offset at which it starts.
fn fill(fragment: &str) -> (String, usize) {
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let root: Vec<&str> = fragment.lines().take_while(|line| !is_header(line)).collect();
    let starts = |line: &str, key: &str| {
        line.strip_prefix(key).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let mut text = String::new();
    for (key, value) in ROOT_KEYS {
        if !root.iter().any(|line| starts(line, key)) {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    let at = text.len();
    text.push_str(fragment);
    for (name, section) in SECTIONS {
        let in_root = root.iter().any(|line| starts(line, name));
        let by_header = fragment.lines().filter(|line| is_header(line)).any(|line| {
            let header = line.trim_start_matches(['[', ' ']);
            if name == "operator" {
                starts(header, name) && !header.starts_with("operator.")
            } else {
                starts(header, name)
            }
        });
        if !in_root && !by_header {
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text.push('\n');
            text.push_str(section);
        }
    }
    (text, at)
}

/// What an analysis found.
struct Found {
    diagnostics: Vec<Diagnostic>,
}

impl Found {
    fn error_count(&self) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == Severity::Error).count()
    }
}

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A fragment of a manifest, to be filled in.
    Fragment,
    /// A manifest as it is.
    Manifest,
    /// A `skillyard.toml` as it is.
    Config,
}

impl Kind {
    fn of_rule(code: &str) -> Self {
        if code.starts_with("config-file/") { Self::Config } else { Self::Fragment }
    }

    /// The whole text of a fragment, and the offset at which it starts.
    fn whole(self, fragment: &str) -> (String, usize) {
        if self == Self::Fragment { fill(fragment) } else { (fragment.to_owned(), 0) }
    }

    fn look(self, text: &str) -> Found {
        let diagnostics = match self {
            Self::Config => analyze_config(text),
            _ => analyze(text, &Options::default()).diagnostics,
        };
        Found { diagnostics }
    }
}

struct Case {
    name: String,
    kind: Kind,
    fragment: String,
    /// Line in the fragment, first and last column, code, part of the message.
    marks: Vec<(usize, usize, usize, String, String)>,
    fixes: Vec<(String, usize, String)>,
    /// The codes whose findings have no fix.
    unfixed: Vec<String>,
    /// The codes whose findings have no safe fix.
    unsafe_fixes: Vec<String>,
}

fn read_cases(text: &str, config: bool) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut in_fix = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            let kind = match name.starts_with("raw: ") {
                _ if config => Kind::Config,
                true => Kind::Manifest,
                false => Kind::Fragment,
            };
            cases.push(Case {
                name: name.to_owned(),
                kind,
                fragment: String::new(),
                marks: Vec::new(),
                fixes: Vec::new(),
                unfixed: Vec::new(),
                unsafe_fixes: Vec::new(),
            });
            in_fix = false;
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        let unsafe_fix = line.strip_prefix("--- unsafe fix ");
        if let Some(fix) = line.strip_prefix("--- fix ").or(unsafe_fix) {
            let (code, number) = fix.split_once(" #").unwrap_or((fix, "1"));
            case.fixes.push((code.to_owned(), number.parse::<usize>().unwrap() - 1, String::new()));
            case.unsafe_fixes.extend(unsafe_fix.map(|_| code.to_owned()));
            in_fix = true;
        } else if let Some(code) = line.strip_prefix("--- no fix ") {
            case.unfixed.push(code.to_owned());
        } else if in_fix {
            let (_, _, expected) = case.fixes.last_mut().unwrap();
            expected.push_str(line);
            expected.push('\n');
        } else if let Some((from, to, code, message)) = read_mark(line) {
            let at = case.fragment.lines().count().saturating_sub(1);
            case.marks.push((at, from, to, code, message));
        } else {
            case.fragment.push_str(line);
            case.fragment.push('\n');
        }
    }
    // Blank lines in front of the next case are for the reader.
    for case in &mut cases {
        for text in [&mut case.fragment].into_iter().chain(case.fixes.iter_mut().map(|fix| &mut fix.2)) {
            let kept = text.trim_end_matches('\n').len();
            text.truncate(kept);
            if !text.is_empty() {
                text.push('\n');
            }
        }
    }
    cases
}

fn read_mark(line: &str) -> Option<(usize, usize, String, String)> {
    let from = line.len() - line.trim_start_matches(' ').len();
    let marks = line.trim_start_matches(' ');
    let rest = marks.trim_start_matches('^');
    let width = marks.len() - rest.len();
    let text = rest.strip_prefix(' ')?;
    if width == 0 {
        return None;
    }
    let (code, message) = text.split_once(": ").unwrap_or((text, ""));
    code.contains('/').then(|| (from, from + width, code.trim().to_owned(), message.trim().to_owned()))
}

/// Where a finding stands, as a mark would: line and columns in characters, clipped to its first line.
fn place(text: &str, index: &LineIndex, span: Span) -> (usize, usize, usize) {
    let line = index.line_of(span.start);
    let content = index.line_content(text, line);
    let column = |offset: usize| text[content.start..offset.clamp(content.start, content.end)].chars().count();
    let (from, to) = (column(span.start), column(span.end));
    (line, from, to.max(from + 1))
}

fn files() -> BTreeMap<String, Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let cases = read_cases(&fs::read_to_string(&path).unwrap(), name == "config-file.txt");
        files.insert(name, cases);
    }
    files
}

fn describe(text: &str, analysis: &Found, first_line: usize) -> String {
    let index = LineIndex::new(text);
    let lines: Vec<String> = analysis
        .diagnostics
        .iter()
        .map(|d| {
            let (line, from, to) = place(text, &index, d.span);
            let fixes: Vec<_> = d.fixes.iter().map(|f| f.title.as_str()).collect();
            let shown = (line as i64) - (first_line as i64);
            format!(
                "    line {shown}, columns {from}-{to}: {} {}: {} {fixes:?}",
                d.severity.name(),
                d.rule.code,
                d.message
            )
        })
        .collect();
    lines.join("\n")
}

#[test]
fn every_case_holds() {
    let mut failures = Vec::new();
    let mut count = 0;
    for (file, cases) in files() {
        for case in cases {
            count += 1;
            let (text, at) = case.kind.whole(&case.fragment);
            let index = LineIndex::new(&text);
            let analysis = case.kind.look(&text);
            let first_line = index.line_of(at);
            let mut fail = |what: String| {
                failures.push(format!(
                    "{file}: {}: {what}\n{}\n{text}",
                    case.name,
                    describe(&text, &analysis, first_line)
                ));
            };
            let mut unmarked: Vec<&Diagnostic> = analysis.diagnostics.iter().collect();
            for (line, from, to, code, message) in &case.marks {
                let found = unmarked.iter().position(|d| {
                    place(&text, &index, d.span) == (first_line + line, *from, *to)
                        && d.rule.code == code
                        && d.message.contains(message.as_str())
                });
                match found {
                    Some(i) => {
                        unmarked.remove(i);
                    }
                    None => fail(format!("line {line}, columns {from}-{to}: expected {code} {message:?}")),
                }
            }
            for extra in unmarked {
                fail(format!("not marked: {} {:?}", extra.rule.code, extra.span.of(&text)));
            }
            for code in &case.unfixed {
                let mut found = analysis.diagnostics.iter().filter(|d| d.rule.code == code).peekable();
                if found.peek().is_none() || found.any(|d| !d.fixes.is_empty()) {
                    fail(format!("{code} is told without a fix"));
                }
            }
            for code in &case.unsafe_fixes {
                let safe = |d: &Diagnostic| d.rule.code == code && d.fixes.iter().any(|fix| fix.safe);
                if analysis.diagnostics.iter().any(safe) {
                    fail(format!("a fix of {code} is safe"));
                }
            }
            for (code, number, expected) in &case.fixes {
                let Some(diagnostic) = analysis.diagnostics.iter().find(|d| d.rule.code == code) else {
                    fail(format!("no finding {code} to fix"));
                    continue;
                };
                let Some(fix) = diagnostic.fixes.get(*number) else {
                    fail(format!("{code} has no fix #{}", number + 1));
                    continue;
                };
                let fixed = apply_edits(&text, &fix.edits);
                let (whole, _) = case.kind.whole(expected);
                // What is filled in depends on the fragment: it may be filled in before or after the fix.
                if fixed != whole && fixed.trim_end() != text.replace(&case.fragment, expected).trim_end() {
                    fail(format!("{code}: fix {:?} gives\n{fixed}", fix.title));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count} cases fail:\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn every_fix_ends_its_finding_and_breaks_nothing() {
    let mut failures = Vec::new();
    for (file, cases) in files() {
        for case in cases {
            let (text, _) = case.kind.whole(&case.fragment);
            let before = case.kind.look(&text);
            for diagnostic in &before.diagnostics {
                for fix in &diagnostic.fixes {
                    let fixed = apply_edits(&text, &fix.edits);
                    let after = case.kind.look(&fixed);
                    let count = |analysis: &Found, code: &str| {
                        analysis.diagnostics.iter().filter(|d| d.rule.code == code).count()
                    };
                    let code = diagnostic.rule.code;
                    let broken = |analysis: &Found| {
                        analysis.diagnostics.iter().filter(|d| d.rule.code.starts_with("syntax/")).count()
                    };
                    if count(&after, code) >= count(&before, code)
                        || broken(&after) > broken(&before)
                        || (fix.safe && after.error_count() > before.error_count())
                    {
                        failures.push(format!(
                            "{file}: {}: {code}: {:?} gives\n{}\n{fixed}",
                            case.name,
                            fix.title,
                            describe(&fixed, &after, 0)
                        ));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} fixes:\n{}", failures.len(), failures.join("\n\n"));
}

/// The marked texts and the recorded ones, each with its name.
fn manifests() -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = files()
        .into_iter()
        .flat_map(|(file, cases)| cases.into_iter().map(move |case| (file.clone(), case)))
        .filter(|(_, case)| case.kind != Kind::Config)
        .map(|(file, case)| (format!("{file}: {}", case.name), case.kind.whole(&case.fragment).0))
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/manifests");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if let Ok(text) = fs::read_to_string(&path) {
            texts.push((path.display().to_string(), text));
        }
    }
    texts
}

#[test]
fn fixing_all_that_can_be_fixed_makes_nothing_worse() {
    let count = |analysis: &Analysis, syntax: bool| {
        let errors = analysis.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        errors.filter(|found| !syntax || found.rule.code.starts_with("syntax/")).count()
    };
    for (name, text) in manifests() {
        let before = analyze(&text, &Options::default());
        for unsafe_too in [false, true] {
            let fixed = fix_all(&text, &Options::default(), unsafe_too);
            let (syntax, syntax_before) = (count(&fixed.analysis, true), count(&before, true));
            assert!(syntax <= syntax_before, "{name}:\n{}", fixed.text);
            let same = syntax == syntax_before;
            assert!(!same || count(&fixed.analysis, false) <= count(&before, false), "{name}:\n{}", fixed.text);
            assert_eq!(fixed.applied > 0, fixed.text != text, "{name}");
            assert_eq!(fixed.analysis.diagnostics, analyze(&fixed.text, &Options::default()).diagnostics, "{name}");
            assert!(before.daemon.accepts <= fixed.analysis.daemon.accepts, "{name}:\n{}", fixed.text);
        }
    }
}

/// What a manifest grants. Another spelling of the same is the same: hosts in lower case and without dots at their end,
/// names without white space around their parts, folders with `/`.
fn granted(analysis: &Analysis) -> BTreeSet<String> {
    let Some(grants) = &analysis.grants else { return BTreeSet::new() };
    let hosts = grants.http_hosts.iter().map(|host| {
        let bare = host.trim().trim_end_matches('.').to_ascii_lowercase();
        format!("host {bare}")
    });
    let parts =
        |name: &String| name.split('/').flat_map(|part| part.split(':')).map(str::trim).collect::<Vec<_>>().join("/");
    let secrets = grants.secret_keys.iter().map(|key| format!("secret {}", parts(key)));
    let folders = grants.storage_prefixes.iter().map(|folder| format!("folder {}", folder.trim().replace('\\', "/")));
    let unasked = analysis.policy_bindings.iter().flatten().filter(|binding| !binding.requires_approval);
    let unasked = unasked.map(|binding| format!("{} without approval", binding.action));
    hosts.chain(secrets).chain(folders).chain(unasked).collect()
}

#[test]
fn no_safe_fix_grants_more_than_a_daemon_did() {
    let texts = manifests();
    let mut failures = Vec::new();
    let mut tried = 0;
    for (name, text) in texts {
        let before = analyze(&text, &Options::default());
        if !before.daemon.accepts {
            continue;
        }
        let had = granted(&before);
        for found in &before.diagnostics {
            for fix in found.fixes.iter().filter(|fix| fix.safe) {
                tried += 1;
                let after = analyze(&apply_edits(&text, &fix.edits), &Options::default());
                let more: Vec<_> = granted(&after).difference(&had).cloned().collect();
                if !more.is_empty() {
                    failures.push(format!("{name}: {}: {:?} grants {more:?}", found.rule.code, fix.title));
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_rule_has_a_case_and_its_fix_one_too() {
    let mut marked = BTreeMap::new();
    let mut fixed = BTreeMap::new();
    let mut failures = Vec::new();
    for cases in files().into_values() {
        for case in cases {
            for (_, _, _, code, _) in &case.marks {
                *marked.entry(code.clone()).or_insert(0) += 1;
            }
            for (code, ..) in &case.fixes {
                *fixed.entry(code.clone()).or_insert(0) += 1;
            }
            let (text, _) = case.kind.whole(&case.fragment);
            for d in case.kind.look(&text).diagnostics {
                let kept = match d.rule.fix {
                    FixKind::None => d.fixes.is_empty(),
                    FixKind::Unsafe => d.fixes.iter().all(|fix| !fix.safe),
                    FixKind::Safe => true,
                };
                if !kept {
                    failures.push(format!("{}: {} has a fix that its page does not promise", case.name, d.rule.code));
                }
            }
        }
    }
    for code in marked.keys().chain(fixed.keys()) {
        if rules::find(code).is_none() {
            failures.push(format!("{code} is no rule"));
        }
    }
    for rule in rules::all() {
        if is_outside(rule) {
            continue;
        }
        if !marked.contains_key(rule.code) {
            failures.push(format!("{} has no case", rule.code));
        }
        if rule.fix != FixKind::None && !fixed.contains_key(rule.code) {
            failures.push(format!("{} has no case for its fix", rule.code));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_page_tells_the_truth() {
    let mut failures = Vec::new();
    let mut codes = BTreeSet::new();
    for rule in rules::all() {
        let mut fail = |what: &str| failures.push(format!("{}: {what}", rule.code));
        if !codes.insert(rule.code) {
            fail("is there twice");
        }
        let (family, name) = rule.code.split_once('/').unwrap();
        if [family, name].iter().any(|part| {
            part.is_empty() || !part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        }) {
            fail("is no readable code");
        }
        if rule.summary.is_empty() || rule.summary.ends_with('.') || rule.details.is_empty() {
            fail("lacks its page");
        }
        if rule.daemon == Daemon::Rejects && rule.severity != Severity::Error && !rules::is_about_modules(rule) {
            fail("a daemon rejects, so it is an error");
        }
        if is_outside(rule) {
            continue;
        }
        let kind = Kind::of_rule(rule.code);
        let of = |fragment: &str| kind.look(&kind.whole(&format!("{fragment}\n")).0);
        let (bad, good) = (of(rule.bad), of(rule.good));
        if !bad.diagnostics.iter().any(|d| d.rule.code == rule.code) {
            fail(&format!("its wrong example is not found:\n{}", describe(&kind.whole(rule.bad).0, &bad, 0)));
        }
        if good.diagnostics.iter().any(|d| d.rule.code == rule.code || d.severity == Severity::Error) {
            fail(&format!("its right example is wrong:\n{}", describe(&kind.whole(rule.good).0, &good, 0)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
