//! The verdict and the rules are written apart, and never disagree: a daemon refuses a manifest exactly when a rule
//! that says "a daemon rejects" has found something.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::{fs, path::Path};

use proptest::prelude::*;
use skillyard_manifest::{Analysis, Daemon, Options, analyze_bytes};

/// What is wrong with the agreement of an analysis with itself, if anything.
fn disagreement(analysis: &Analysis) -> Option<String> {
    let compat = ["compat/protocol-too-new", "compat/min-too-new", "compat/max-too-old"];
    let codes = |daemon: Daemon| -> Vec<&str> {
        analysis.diagnostics.iter().filter(|d| d.rule.daemon == daemon).map(|d| d.rule.code).collect()
    };
    let (of_compat, rejects): (Vec<&str>, Vec<&str>) =
        codes(Daemon::Rejects).into_iter().partition(|c| compat.contains(c));
    let daemon = &analysis.daemon;
    if daemon.accepts != rejects.is_empty() {
        return Some(format!("a daemon accepts: {}, rules that reject: {rejects:?}", daemon.accepts));
    }
    if rejects.contains(&"syntax/refused") {
        return Some("no rule of its own says why".to_owned());
    }
    if daemon.accepts && daemon.compat_error_kind.is_some() == of_compat.is_empty() {
        return Some(format!("the version check says {:?}, rules: {of_compat:?}", daemon.compat_error_kind));
    }
    if daemon.accepts && daemon.warnings.is_empty() != codes(Daemon::Warns).is_empty() {
        return Some(format!("a daemon warns {:?}, rules: {:?}", daemon.warnings, codes(Daemon::Warns)));
    }
    None
}

fn conformance() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/manifests");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn on_every_recorded_manifest() {
    let failures: Vec<String> = conformance()
        .into_iter()
        .filter_map(|(file, bytes)| {
            disagreement(&analyze_bytes(&bytes, &Options::default())).map(|what| format!("{file}: {what}"))
        })
        .collect();
    assert!(failures.is_empty(), "{} manifests:\n{}", failures.len(), failures.join("\n"));
}

/// Pieces to put somewhere into a manifest.
const PIECES: &[&str] = &[
    "",
    " ",
    "\"",
    "'",
    "=",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    "\n",
    "#",
    "*",
    ":",
    "/",
    "..",
    "\\",
    "\u{7}",
    "é",
    "0",
    "-1",
    "1.5",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\" \"",
    "\"*\"",
    "\"a\"",
    "\"A\"",
    "\"acme.x\"",
    "\"1.2\"",
    "\"1.2.3\"",
    "\"..\"",
    "2026-01-01",
    "nan",
    "[\"a\", \"a\"]",
    "[\"*\"]",
    "[[1]]",
    "[1, 2, 3]",
    "{ a = 1 }",
    "x = 1\n",
    "[x]\n",
    "[[x]]\n",
    "manifest_version = 1\n",
    "tools = []\n",
    "18446744073709551615",
    "18446744073709551616",
    "4294967296",
    "\"https://a\"",
    "\"modules/a.wasm\"",
    "\"\\u0000\"",
    "\u{FEFF}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    /// Recorded manifests with tokens replaced, lines doubled and dropped.
    #[test]
    fn on_mutated_manifests(
        file in 0usize..420,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..6), 1..4),
    ) {
        let files = FILES.with(std::rc::Rc::clone);
        let mut text = String::from_utf8_lossy(&files[file % files.len()].1).into_owned();
        for (at, piece, how) in changes {
            let tokens: Vec<std::ops::Range<usize>> = {
                let tree = skillyard_manifest::syntax::Tree::parse(&text);
                tree.tokens.iter().map(|token| token.span().start..token.span().end).collect()
            };
            let token = tokens[at.index(tokens.len())].clone();
            let piece = PIECES[piece.index(PIECES.len())];
            let line_start = text[..token.start].rfind('\n').map_or(0, |i| i + 1);
            let line_end = text[token.start..].find('\n').map_or(text.len(), |i| token.start + i + 1);
            match how {
                0 => text.insert_str(token.start, piece),
                1 | 2 => text.replace_range(token, piece),
                3 => text.replace_range(line_start..line_end, ""),
                4 => {
                    let line = text[line_start..line_end].to_owned();
                    text.insert_str(line_start, &line);
                }
                _ => {
                    let value = text[line_start..line_end].find('=').map(|i| line_start + i + 1);
                    if let Some(value) = value {
                        text.replace_range(value..line_end, &format!(" {piece}\n"));
                    }
                }
            }
        }
        let analysis = analyze_bytes(text.as_bytes(), &Options::default());
        if let Some(what) = disagreement(&analysis) {
            return Err(TestCaseError::fail(format!("{what}\n{text}")));
        }
        // Places lie inside the text, at characters.
        for d in &analysis.diagnostics {
            let fixes = d.fixes.iter().flat_map(|fix| fix.edits.iter().map(|edit| edit.span));
            for span in std::iter::once(d.span).chain(d.related.iter().map(|r| r.span)).chain(fixes) {
                prop_assert!(text.get(span.start..span.end).is_some(), "{} {:?}\n{}", d.rule.code, span, text);
            }
            prop_assert!(!d.message.chars().any(char::is_control), "{}: {:?}", d.rule.code, d.message);
            prop_assert!(!d.message.is_empty());
        }
    }
}

thread_local! {
    static FILES: std::rc::Rc<Vec<(String, Vec<u8>)>> = std::rc::Rc::new(conformance());
}
