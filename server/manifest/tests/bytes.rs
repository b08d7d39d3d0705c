//! What no text file can show: bytes, sizes and depths.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::thread;

use skillyard_manifest::{Analysis, ErrorKind, MAX_BYTES, Options, Span, analyze, analyze_bytes};

fn codes(analysis: &Analysis) -> Vec<&'static str> {
    analysis.diagnostics.iter().map(|d| d.rule.code).collect()
}

/// The smallest stack that anything may need.
fn on_a_small_stack<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    thread::Builder::new().stack_size(512 * 1024).spawn(f).unwrap().join().unwrap()
}

#[test]
fn bad_bytes_are_told_and_do_not_hide_the_rest() {
    let bytes = b"name = \"caf\xE9\" # \xFF\xFE\ncolour = 1\n";
    let analysis = analyze_bytes(bytes, &Options::default());
    let spans: Vec<Span> =
        analysis.diagnostics.iter().filter(|d| d.rule.code == "syntax/not-utf8").map(|d| d.span).collect();
    assert_eq!(spans, [Span::new(11, 12), Span::new(16, 17), Span::new(17, 18)]);
    let unknown = analysis.diagnostics.iter().find(|d| d.rule.code == "fields/unknown-key").unwrap();
    assert_eq!(unknown.span, Span::new(19, 25));
    assert!(!analysis.daemon.accepts);
    assert_eq!(analysis.daemon.error_kind, Some(ErrorKind::ManifestParse));
}

#[test]
fn a_large_file_is_told_once() {
    let text = "#".repeat(MAX_BYTES + 1);
    assert_eq!(codes(&analyze(&text, &Options::default())), ["syntax/too-large"]);
    let mut bytes = text.into_bytes();
    bytes[0] = 0xFF;
    assert_eq!(codes(&analyze_bytes(&bytes, &Options::default())), ["syntax/too-large"]);
}

#[test]
fn names_of_secrets_do_not_multiply_without_end() {
    // Megabytes of text would come to terabytes of `scope/key`.
    let secrets = |scope: usize, keys: usize| {
        let keys: Vec<String> = (0..keys).map(|n| format!("\"k{n}\"")).collect();
        let (scope, keys) = ("s".repeat(scope), keys.join(","));
        let text = include_str!("../../../tests/fixtures/greeter/skill.toml").to_owned()
            + &format!("[[capabilities.secrets]]\nscope = \"skill:{scope}\"\nkey_names = [{keys}]\n");
        analyze(&text, &Options::default())
    };
    let few = secrets(20, 300);
    assert_eq!(few.grants.as_ref().map(|grants| grants.secret_keys.len()), Some(300));
    assert!(codes(&few).contains(&"secrets/too-long"), "nobody reviews so many: {:?}", codes(&few));
    let many = secrets(1 << 20, 200_000);
    assert!(many.daemon.accepts && many.grants.is_none());
    assert!(codes(&many).contains(&"secrets/too-long"));
}

#[test]
fn control_characters_outside_strings() {
    for (text, span) in
        [("# a\0b\nx = 1", Span::new(3, 4)), ("x = 1\ry = 2", Span::new(5, 6)), ("x = 1 #\u{7F}", Span::new(7, 8))]
    {
        let analysis = analyze(text, &Options::default());
        let found: Vec<_> = analysis.diagnostics.iter().filter(|d| d.rule.code == "syntax/control-character").collect();
        assert_eq!(found.len(), 1, "{text:?}: {:?}", analysis.diagnostics);
        assert_eq!(found[0].span, span);
        let fixed = skillyard_manifest::fix::apply_edits(text, &found[0].fixes[0].edits);
        assert!(!codes(&analyze(&fixed, &Options::default())).contains(&"syntax/control-character"));
    }
}

#[test]
fn places_leave_the_line_end_out() {
    for (line, code, place) in [
        ("name = Weather", "syntax/bad-value", "Weather"),
        ("name = \"Weather", "syntax/unclosed-string", "\"Weather"),
        ("name = 'Weather", "syntax/unclosed-string", "'Weather"),
        ("name = \"Weather\" and more", "syntax/unexpected", "and more"),
        ("The weather", "syntax/unexpected", "The weather"),
        ("nam", "syntax/missing-equals", "nam"),
    ] {
        let text = format!("version = \"1.0.0\"\r\n{line}\r\npublisher = \"a\"\r\n");
        let analysis = analyze(&text, &Options::default());
        let found = analysis.diagnostics.iter().find(|d| d.rule.code == code).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(found.span.of(&text), place);
        for fix in &found.fixes {
            let fixed = skillyard_manifest::fix::apply_edits(&text, &fix.edits);
            assert_eq!(fixed.matches("\r\n").count(), fixed.matches('\n').count(), "{fixed:?}");
        }
    }
}

/// A manifest that a daemon takes, with `schema` as one more part of a tool's input schema.
fn with_schema(part: &str) -> String {
    format!(
        "skill_id = \"a.b\"\nname = \"n\"\nversion = \"1.0.0\"\npublisher = \"a\"\n[compat]\nrequired_protocol_major = 1\n\
         min_palyra_version = \"0.1.0\"\n[[entrypoints.tools]]\nid = \"a.t\"\nname = \"n\"\ndescription = \"d\"\n\
         output_schema = {{}}\n{part}\n"
    )
}

#[test]
fn deep_nesting_is_told_and_overflows_nothing() {
    let nested = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let dots = |n: usize| vec!["a"; n].join(".");
    let braces = |keys: usize, n: usize| format!("{}1{}", format!("{{ {} = ", dots(keys)).repeat(n), " }".repeat(n));
    // Deeper than a daemon reads in one value or key.
    for text in [
        format!("x = {}", nested("[", "]", 81)),
        format!("x = {}", nested("[", "]", 10_000)),
        format!("x = {}", "[".repeat(200_000)),
        format!("x = {}", "{a=".repeat(100_000)),
        format!("x = {}", "[{a=".repeat(100_000)),
        format!("{} = 1", dots(81)),
        format!("{} = 1", dots(10_000)),
        format!("[{}]", dots(100_000)),
        format!("x = {}", braces(1, 81)),
    ] {
        let analysis = on_a_small_stack(move || analyze(&text, &Options::default()));
        assert!(codes(&analysis).contains(&"syntax/too-deep"), "{:?}", codes(&analysis));
        assert!(!analysis.daemon.accepts);
    }
    // As deep as a daemon reads: its verdict stands.
    for part in [
        format!("input_schema = {{ x = {} }}", nested("[", "]", 79)),
        format!("input_schema.{} = 1", dots(79)),
        format!("input_schema = {}", braces(1, 80)),
        format!("[entrypoints.tools.input_schema.{}]\n{} = {}", dots(77), dots(80), braces(80, 80)),
    ] {
        let text = with_schema(&part);
        let analysis = on_a_small_stack(move || analyze(&text, &Options::default()));
        assert!(analysis.daemon.accepts, "{part:.60}: {:?}", analysis.diagnostics);
    }
}

#[test]
fn hostile_sizes_end() {
    let tools = |n: usize| {
        let tool = |i: usize| {
            format!(
                "[[entrypoints.tools]]\nid = \"a.t{i}\"\nname = \"n\"\ndescription = \"d\"\ninput_schema = {{}}\noutput_schema = {{}}\n"
            )
        };
        let mut text = with_schema("input_schema = {}");
        (0..n).for_each(|i| text.push_str(&tool(i)));
        text
    };
    let values = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
    // Thirty levels that double: each refers twice to the next.
    let doubling: String = (0..30)
        .map(|i| format!("[entrypoints.tools.input_schema.\"$defs\".l{i}]\nallOf = [{{ \"$ref\" = \"#/$defs/l{0}\" }}, {{ \"$ref\" = \"#/$defs/l{0}\" }}]\n", i + 1))
        .chain(["[entrypoints.tools.input_schema.\"$defs\".l30]\n".to_owned()])
        .collect();
    for text in [
        tools(10_000),
        with_schema(&format!("input_schema = {{ enum = [{}] }}", values(100_000))),
        with_schema(&format!("[entrypoints.tools.input_schema]\n\"$ref\" = \"#/$defs/l0\"\n{doubling}")),
        with_schema("input_schema = { pattern = '^(a+)+$' }"),
        with_schema("input_schema = { pattern = '((((a{999}){999}){999}){999})' }"),
        with_schema("input_schema = { \"$ref\" = \"#\" }"),
        format!("name = \"{}\"", "x".repeat(3 << 20)),
        "x = 1\n".repeat(200_000),
        "[[a]]\n".repeat(200_000),
        "x\n".repeat(500_000),
        format!("x = [{}", "\n\"a\" ".repeat(200_000)),
        format!("x = {{{}", "\na = 1 ".repeat(200_000)),
        "x = \"\"\"\n".repeat(200_000),
        "'''".repeat(500_000),
        (0..100_000).map(|i| format!("k{i} = 1\n")).collect(),
        (0..50_000).map(|i| format!("[t{i}.a]\n")).collect(),
    ] {
        // One thread a text, so that an overflow or a hang is seen here.
        on_a_small_stack(move || drop(analyze(&text, &Options::default())));
    }
}
