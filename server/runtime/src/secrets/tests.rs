use proptest::prelude::*;

use super::*;
use crate::call::LogLevel;

fn mask_of(values: &[&str]) -> Mask {
    let mut all = Values::new();
    for (i, value) in values.iter().enumerate() {
        all.insert(format!("global/k{i}"), Zeroizing::new((*value).to_owned())).unwrap();
    }
    all.mask()
}

fn log(text: &str) -> Log {
    Log { level: LogLevel::Info, text: text.to_owned() }
}

fn lines(mask: &Mask, texts: &[&str]) -> Vec<String> {
    let mut lines = mask.lines();
    let mut out: Vec<Log> = texts.iter().flat_map(|text| lines.push(log(text))).collect();
    out.extend(lines.finish());
    out.into_iter().map(|log| log.text).collect()
}

fn streamed(mask: &Mask, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = mask.stream();
    let mut out: Vec<u8> = pieces.iter().flat_map(|piece| stream.push(piece)).collect();
    out.extend(stream.finish());
    out
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent_of(bytes: &[u8], all: bool) -> String {
    let keep = |byte: u8| !all && byte.is_ascii_alphanumeric();
    bytes.iter().map(|&b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Letters of base64 that stand for a value alone must all be gone, but for one shared at each end.
fn encodings(prefix: &[u8], value: &str, suffix: &[u8]) -> Vec<String> {
    let bytes = [prefix, value.as_bytes(), suffix].concat();
    [
        general_purpose::STANDARD.encode(&bytes),
        general_purpose::STANDARD_NO_PAD.encode(&bytes),
        general_purpose::URL_SAFE.encode(&bytes),
        general_purpose::URL_SAFE_NO_PAD.encode(&bytes),
    ]
    .into()
}

#[test]
fn a_value_that_cannot_be_hidden_is_not_taken() {
    let mut values = Values::new();
    let put = |values: &mut Values, name: &str, value: String| values.insert(name, Zeroizing::new(value));
    for short in ["", "abc", "  abc \n", "\u{e9}"] {
        let bad = put(&mut values, "global/k", short.to_owned()).unwrap_err();
        assert_eq!(bad, BadSecret::TooShort { name: "global/k".to_owned() });
        assert!(short.trim().is_empty() || !bad.to_string().contains(short.trim()));
    }
    put(&mut values, "global/k", "abcd".to_owned()).unwrap();
    assert!(matches!(put(&mut values, "global/k", "x".repeat(MAX_BYTES + 1)), Err(BadSecret::TooLong { .. })));
    assert_eq!(values.get("global/k"), Some("abcd"), "the earlier one stays");
    for i in 0..3 {
        put(&mut values, &format!("global/l{i}"), "x".repeat(MAX_BYTES)).unwrap();
    }
    assert!(matches!(put(&mut values, "global/m", "x".repeat(MAX_BYTES)), Err(BadSecret::TooLong { .. })));
    assert_eq!(values.names().collect::<Vec<_>>(), ["global/k", "global/l0", "global/l1", "global/l2"]);
    assert_eq!(values.get("global/none"), None);
}

#[test]
fn nothing_to_hide_changes_nothing() {
    let mask = Values::new().mask();
    assert!(mask.is_empty());
    assert_eq!(mask.text("anything"), "anything");
    assert_eq!(mask.json("{\"a\": 1}"), "{\"a\": 1}");
    assert_eq!(streamed(&mask, &[b"a", b"b"]), b"ab");
    assert_eq!(lines(&mask, &["a", "b"]), ["a", "b"]);
}

#[test]
fn each_form_is_hidden() {
    let value = "s3cr\"t/+ \u{e9}!";
    let mask = mask_of(&[value]);
    for form in [
        value.to_owned(),
        hex_of(value.as_bytes()),
        hex_of(value.as_bytes()).to_uppercase(),
        percent_of(value.as_bytes(), true),
        percent_of(value.as_bytes(), false),
        percent_of(value.as_bytes(), false).to_lowercase(),
        percent_of(value.as_bytes(), false).replace("%20", "+"),
        serde_json::to_string(value).unwrap().trim_matches('"').to_owned(),
        "s3cr\\u0022t\\/+ \\u00e9!".to_owned(),
        "s3cr\\\"t/+ \\u{e9}\\x21".to_owned(),
    ] {
        assert_eq!(mask.text(&format!("a {form} z")), "a *** z", "{form}");
    }
    assert_eq!(mask_of(&["pass\u{1f600}word"]).text("=pass\\ud83d\\ude00word="), "=***=");
    assert_eq!(mask_of(&["PassWord"]).text("http://password.evil.example/"), "http://***.evil.example/");
    assert_eq!(mask_of(&["pa ss"]).text("x=pa+ss&y"), "x=***&y");
}

#[test]
fn a_value_of_many_lines_is_hidden_whole_and_line_by_line() {
    let key = "-----BEGIN KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\r\nshort\n-----END KEY-----\n";
    let mask = mask_of(&[key]);
    assert_eq!(mask.text(&format!("<{}>", key.trim())), "<***>");
    assert_eq!(mask.text(&format!("<{}>", key.trim().replace(['\r', '\n'], ""))), "<***>");
    assert_eq!(mask.text("1: MC4CAQAwBQYDK2VwBCIEIA=="), "1: ***");
    assert_eq!(mask.text("short"), "short");
    let told: Vec<&str> = key.lines().collect();
    assert_eq!(lines(&mask, &told), ["***"; 4]);
}

#[test]
fn two_halves_are_hidden() {
    let mask = mask_of(&["correct horse"]);
    assert_eq!(streamed(&mask, &[b"<correct ", b"horse>"]), b"<***>");
    assert_eq!(lines(&mask, &["is correct ", "horse!", "correct"]), ["is ***", "***!", "correct"]);
    assert_eq!(mask.text("correct \nhorse"), "***");
    assert_eq!(mask.json(r#"["correct ","horse",1]"#), r#"["***","***",1]"#);
    assert_eq!(mask.json(r#"{"a":"correct ","b":"horse"}"#), r#"{"a":"***","b":"***"}"#);
    let keyed: serde_json::Value = serde_json::from_str(&mask.json(r#"{"correct ":"horse"}"#)).unwrap();
    assert_eq!(keyed, serde_json::json!({"*** (1)": "***"}));
    // An escape that a line leaves open does not hide what is in the next one.
    assert_eq!(lines(&mask, &["\\", "\\u0063orrect horse"]), ["\\", "***"]);
}

#[test]
fn json_stays_json() {
    let mask = mask_of(&["12345", "\":\"b", "true-ish", "}],[{"]);
    for (given, hidden) in [
        (r#"{"a":12345}"#, r#"{"a":"***"}"#),
        (r#"[-12345.5e3, 1]"#, r#"["***", 1]"#),
        (r#"{"a":"b"}"#, r#"{"a":"b"}"#),
        (r#"["\":\"b"]"#, r#"["***"]"#),
        (r#"[true, null,false]"#, r#"[true, null,false]"#),
        (r#"[[{}],[{}]]"#, r#"[[{}],[{}]]"#),
        (r#""}],[{""#, r#""***""#),
        (r#"["\u0031\u00332345", "\ud83d\ude00 x"]"#, r#"["\u0031\u00332345", "\ud83d\ude00 x"]"#),
        (r#"["\u0031\u0032345"]"#, r#"["***"]"#),
        ("12345", "\"***\""),
        ("no json: 12345", "no json: ***"),
    ] {
        assert_eq!(mask.json(given), hidden);
    }
    assert_eq!(mask.json(r#"{"12345":1,"x12345":2}"#), r#"{"*** (1)":1,"x*** (2)":2}"#);
}

#[test]
fn host_calls_are_masked() {
    let mask = mask_of(&["t0ken"]);
    let mut call = HostCall {
        name: "http".to_owned(),
        arguments: "GET https://api.example/?k=t0ken&h=%740ken".to_owned(),
        decision: Decision::Denied("no t0ken".to_owned()),
        at_ms: 0.0,
        took_ms: 0.0,
    };
    mask.host_call(&mut call);
    assert_eq!(call.arguments, "GET https://api.example/?k=***&h=***");
    assert_eq!(call.decision, Decision::Denied("no ***".to_owned()));
}

#[test]
fn a_repeated_letter_ends_in_one_mark() {
    let mask = mask_of(&["aaaa"]);
    let text = "a".repeat(100_000);
    assert_eq!(mask.text(&format!("b{text}c")), "b***c");
    let pieces: Vec<&[u8]> = text.as_bytes().chunks(7).collect();
    assert_eq!(streamed(&mask, &pieces), b"***");
}

#[test]
fn long_texts_are_looked_at_whole() {
    let mask = mask_of(&["needle-in-hay"]);
    for at in [WINDOW - 20, WINDOW - 5, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW - 3] {
        let text = format!("{}needle-in-hay{}", ".".repeat(at), ".".repeat(10));
        assert_eq!(mask.text(&text), format!("{}***{}", ".".repeat(at), ".".repeat(10)), "{at}");
    }
}

proptest! {
    #[test]
    fn base64_is_hidden_at_each_place(
        prefix in proptest::collection::vec(any::<u8>(), 0..7),
        value in "[!-~\u{e9}]{8,40}",
        suffix in proptest::collection::vec(any::<u8>(), 0..7),
    ) {
        let mask = mask_of(&[&value]);
        for encoded in encodings(&prefix, &value, &suffix) {
            let hidden = mask.text(&encoded);
            prop_assert!(hidden.contains(MARK), "{} of {}", hidden, encoded);
            // What is left are the letters before and after, none of which holds a bit of the value.
            let (before, after) = hidden.split_once(MARK).unwrap();
            prop_assert!(before.len() * 6 <= prefix.len() * 8);
            let left = after.trim_end_matches('=').len() * 6;
            prop_assert!(left <= suffix.len() * 8 + 5, "{} of {}", hidden, encoded);
        }
    }

    #[test]
    fn pieces_hide_what_the_whole_hides(
        value in "[ab%\\\\1-3\"]{4,9}",
        text in "[ab%\\\\1-3\" \n]{0,400}",
        at in 0_usize..400,
        cuts in proptest::collection::vec(1_usize..60, 1..20),
    ) {
        prop_assume!(value.trim().len() >= MIN_BYTES);
        let mask = mask_of(&[&value]);
        let at = at.min(text.len());
        let text = format!("{}{value}{}", &text[..at], &text[at..]);
        let whole = mask.text(&text);
        prop_assert!(!whole.contains(&value), "{:?}", whole);
        let mut pieces = Vec::new();
        let mut rest = text.as_bytes();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, later) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = later;
        }
        let streamed = String::from_utf8(streamed(&mask, &pieces)).unwrap();
        prop_assert!(!streamed.contains(&value), "{:?}", streamed);
        let texts: Vec<&str> = pieces.iter().map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        let told = lines(&mask, &texts);
        prop_assert_eq!(told.len(), texts.len());
        prop_assert!(!told.concat().contains(&value));
    }

    #[test]
    fn masked_json_is_json_without_the_value(
        value in "[a-c0-9\"\\\\{}:,\u{e9}]{4,8}",
        parts in proptest::collection::vec("[a-c0-9\"\\\\{}:,\u{e9}]{0,6}", 0..5),
        number in any::<u64>(),
    ) {
        let mask = mask_of(&[&value]);
        let inner = serde_json::json!({"v": value, "n": number});
        let json = serde_json::json!({
            format!("key {value}"): parts,
            "x": [format!("a{value}b"), number, null, true],
            "nested": inner.to_string(),
        });
        let hidden = mask.json(&json.to_string());
        let read: serde_json::Value = serde_json::from_str(&hidden).unwrap();
        prop_assert_eq!(read.as_object().unwrap().len(), 3);
        let mut left = vec![&read];
        while let Some(value_left) = left.pop() {
            match value_left {
                serde_json::Value::String(text) => prop_assert!(!text.contains(&value), "{}", hidden),
                serde_json::Value::Array(items) => left.extend(items),
                serde_json::Value::Object(items) => {
                    prop_assert!(items.keys().all(|key| !key.contains(&value)), "{}", hidden);
                    left.extend(items.values());
                }
                other => prop_assert!(!other.to_string().contains(&value)),
            }
        }
    }

    #[test]
    fn any_bytes_are_taken(value in "\\PC{4,20}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        // A value with the mark in it may come about beside a mark.
        prop_assume!(value.trim().len() >= MIN_BYTES && !value.contains('*'));
        let mask = mask_of(&[&value]);
        let text = String::from_utf8_lossy(&bytes);
        let _ = mask.bytes(&bytes);
        let _ = mask.json(&text);
        let _ = streamed(&mask, &[&bytes, &bytes]);
        let around = format!("{text}{value}{text}");
        prop_assert!(!mask.text(&around).contains(&value));
    }
}
