//! `skillyard.toml`: its shape against a model of its own, and any text.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::{collections::BTreeMap, sync::LazyLock};

use proptest::prelude::*;
use serde::Deserialize;
use skillyard_manifest::{
    Level, Options, analyze_config,
    config::{
        CONFIG, ConfigFile, MAX_CONFIG_BYTES, MAX_GLOBS, ModulesValue, PackageTable, check_level, file_fault,
        pattern_fault, shape::PACKAGE,
    },
    config_schema,
    fix::apply_edits,
    grammar::{PALYRA_VERSION, Version},
    is_unseen, read_config,
    shape::TableShape,
};

/// The format in serde's words, for comparison.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Model {
    palyra_version: Option<String>,
    rules: BTreeMap<String, String>,
    package: Package,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Package {
    modules: Option<Modules>,
    assets: Option<Vec<String>>,
    exclude: Vec<String>,
    sbom: Option<String>,
    provenance: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Modules {
    Files(Vec<String>),
    Named(BTreeMap<String, String>),
}

/// What the model makes of a text; `None` where anything in it is wrong.
fn model(text: &str) -> Option<ConfigFile> {
    if text.len() > MAX_CONFIG_BYTES {
        return None;
    }
    let read: Model = toml::from_str(text).ok()?;
    let mut file = ConfigFile::default();
    if let Some(version) = &read.palyra_version {
        file.palyra_version = Some(Version::parse(version)?);
    }
    for (code, level) in read.rules {
        let level = Level::parse(&level)?;
        check_level(&code, level).ok()?;
        file.levels.insert(code, level);
    }
    let globs = |globs: Vec<String>| globs.iter().all(|glob| pattern_fault(glob).is_none()).then_some(globs);
    let path = |path: Option<String>| match path {
        Some(path) if file_fault(&path).is_some() => None,
        path => Some(path),
    };
    let package = read.package;
    file.package = PackageTable {
        modules: match package.modules {
            None => None,
            Some(Modules::Files(files)) => Some(ModulesValue::Files(globs(files)?)),
            Some(Modules::Named(named)) => {
                let good = |(entry, file): (&String, &String)| {
                    let plain = !entry.contains('\\') && entry.trim() == entry && entry.ends_with(".wasm");
                    plain && skillyard_manifest::grammar::path_fault(entry).is_none() && file_fault(file).is_none()
                };
                Some(ModulesValue::Named(if named.iter().all(good) { named } else { return None }))
            }
        },
        assets: match package.assets {
            None => None,
            Some(assets) => Some(globs(assets)?),
        },
        exclude: globs(package.exclude)?,
        sbom: path(package.sbom)?,
        provenance: path(package.provenance)?,
    };
    Some(file)
}

static SCHEMA: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::validator_for(&config_schema()).expect("a schema"));

/// The analysis refuses a text exactly where the model does, and reads the same where it does not. The JSON Schema takes
/// what it takes.
fn agree(text: &str) {
    let ours = read_config(text);
    let theirs = model(text);
    assert_eq!(ours.clone().ok(), theirs, "{text:?}\n{:#?}", analyze_config(text));
    if ours.is_ok() {
        let value: serde_json::Value = toml::from_str(text).unwrap();
        let faults: Vec<String> = SCHEMA.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?} in {text:?}");
    }
    if let Err(findings) = &ours {
        assert_eq!(*findings, analyze_config(text));
    }
    for found in analyze_config(text) {
        assert!(!found.message.contains(is_unseen), "{:?}", found.message);
        assert!(text.get(found.span.start..found.span.end).is_some(), "{:?} in {text:?}", found.span);
        for fix in &found.fixes {
            let _ = apply_edits(text, &fix.edits);
        }
    }
}

#[test]
fn the_shape_has_the_keys_of_the_model() {
    for (shape, header) in [(&CONFIG, ""), (&PACKAGE, "[package]\n")] {
        let error = toml::from_str::<Model>(&format!("{header}0 = 0\n")).err().unwrap();
        let (found, known) = error.message().split_once("expected").unwrap();
        assert!(found.contains("unknown field `0`"), "{found}");
        let theirs: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        assert_eq!(shape.keys.iter().map(|key| key.name).collect::<Vec<_>>(), theirs);
    }
}

#[test]
fn every_key_is_documented_and_its_values_can_be_written() {
    let all: [(&TableShape, &str); 2] = [(&CONFIG, ""), (&PACKAGE, "[package]\n")];
    for (shape, header) in all {
        assert!(shape.doc.ends_with('.'));
        for key in shape.keys {
            assert!(key.doc.ends_with('.'), "{}", key.name);
            for value in [key.default, key.example] {
                if !value.is_empty() {
                    agree(&format!("{header}{} = {value}\n", key.name));
                    let text = format!("{header}{} = {value}\n", key.name);
                    assert_eq!(analyze_config(&text), [], "{text}");
                }
            }
        }
    }
    assert_eq!(CONFIG.key("palyra_version").unwrap().1.default, format!("\"{PALYRA_VERSION}\""));
}

#[test]
fn a_text_sets_what_it_says() {
    let text = "palyra_version = \"0.2.0\"\n[rules]\n\"*\" = \"info\"\n\"fields/*\" = \"off\"\n[package]\n\
                modules = [\"a/*.wasm\"]\nassets = [\"data/\"]\nexclude = [\"**/x\"]\nsbom = \"s\"\n";
    agree(text);
    let file = read_config(text).unwrap();
    assert_eq!(file.palyra_version, Some(Version(0, 2, 0)));
    let levels = [("*".to_owned(), Level::Info), ("fields/*".to_owned(), Level::Allow)];
    assert_eq!(file.levels, BTreeMap::from(levels));
    assert_eq!(file.package.modules, Some(ModulesValue::Files(vec!["a/*.wasm".to_owned()])));
    assert_eq!(file.package.assets, Some(vec!["data/".to_owned()]));
    assert_eq!((file.package.sbom.as_deref(), file.package.provenance), (Some("s"), None));
    assert_eq!(read_config("").unwrap(), ConfigFile::default());
    assert_eq!(read_config("\u{feff}palyra_version = \"1.0.0\"\r\n").unwrap().palyra_version, Some(Version(1, 0, 0)));
}

#[test]
fn a_large_file_is_told_once() {
    let found = analyze_config(&"#".repeat(MAX_CONFIG_BYTES + 1));
    assert_eq!(found.iter().map(|found| found.rule.code).collect::<Vec<_>>(), ["config-file/too-large"]);
    assert_eq!(analyze_config(&"#".repeat(MAX_CONFIG_BYTES)), []);
}

#[test]
fn a_list_has_at_most_so_many_globs() {
    let table = |key: &str, count: usize| format!("[package]\n{key} = [{}]\n", "\"a\", ".repeat(count));
    for key in ["modules", "assets", "exclude"] {
        assert_eq!(analyze_config(&table(key, MAX_GLOBS)), []);
        let text = table(key, MAX_GLOBS + 1);
        let found = analyze_config(&text);
        assert_eq!(found.iter().map(|found| found.rule.code).collect::<Vec<_>>(), ["config-file/too-many"], "{key}");
        assert_eq!(found[0].span.of(&text), key);
        assert!(found[0].message.contains(&format!("{} globs", MAX_GLOBS + 1)), "{}", found[0].message);
    }
    let named: String = (0..=MAX_GLOBS).map(|n| format!("\"m{n}.wasm\" = \"a.wasm\"\n")).collect();
    let found = analyze_config(&format!("[package.modules]\n{named}"));
    assert_eq!(found.iter().map(|found| found.rule.code).collect::<Vec<_>>(), ["config-file/too-many"]);
}

#[test]
fn many_slips_end_soon_and_are_bounded() {
    let mut text = "[rules]\n".to_owned();
    for n in 0..10_000 {
        text.push_str(&format!("\"egress/prot{n}\" = 1\n"));
    }
    assert!(text.len() < MAX_CONFIG_BYTES);
    assert!(analyze_config(&text).len() <= 2_001);
    for text in ["[rules]\na=[".repeat(9_000), "[[package.modules]]\n".repeat(9_000), "a.".repeat(90_000)] {
        agree(&text);
    }
}

/// Lines to make texts of.
const PIECES: &[&str] = &[
    "palyra_version = \"0.1.0\"\n",
    "palyra_version = \"v1\"\n",
    "palyra_version = 1\n",
    "[rules]\n",
    "rules = {}\n",
    "rules.\"*\" = \"deny\"\n",
    "[[rules]]\n",
    "\"egress/port\" = \"warn\"\n",
    "\"*\" = \"off\"\n",
    "\"fields/unknown-key\" = \"allow\"\n",
    "\"fields/unknown-key\" = \"deny\"\n",
    "\"config-file/*\" = \"hint\"\n",
    "egress.port = \"warn\"\n",
    "\"egress/prot\" = \"warn\"\n",
    "[package]\n",
    "package = 1\n",
    "[package.modules]\n",
    "[[package.modules]]\n",
    "modules = [\"modules/*.wasm\"]\n",
    "modules = { \"a.wasm\" = \"b\" }\n",
    "\"a.wasm\" = \"b/c\"\n",
    "\"a.wasm\" = \"b/*\"\n",
    "a.wasm = \"b\"\n",
    "assets = [\"./a\", 'b\\c']\n",
    "assets = [\"a[\", \"{a\"]\n",
    "assets = \"a\"\n",
    "exclude = []\n",
    "sbom = \"x.json\"\n",
    "sbom = { a = 1 }\n",
    "provenance = \"\"\n",
    "# \u{202e}comment\n",
    "key = \n",
    "= 1\n",
    "[\n",
    "\"\\u001b[31m\" = \"\\u202e\"\n",
    "\u{1F600}",
    "\"\"\"",
    "\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What `project::config::load` refuses rests on this.
    #[test]
    fn any_mix_reads_as_the_model_reads_it(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..8),
        cut in any::<proptest::sample::Index>(),
    ) {
        let text = pieces.concat();
        if !text.contains('\u{202e}') {
            agree(&text);
        }
        // Half typed.
        let at = (0..=cut.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let half = &text[..at];
        if !half.contains('\u{202e}') {
            agree(half);
        }
    }

    #[test]
    fn any_text_comes_to_an_answer(text in "[\\[\\]{}=\"'.a*/\\\\# \r\n\u{e9}\u{202e}-]{0,40}") {
        let _ = analyze_config(&text);
        let _ = (pattern_fault(&text), file_fault(&text));
    }
}

#[test]
fn levels_of_a_family_count_for_its_rules() {
    let file = read_config("[rules]\n\"egress/*\" = \"hint\"\n").unwrap();
    let options = Options { levels: file.levels, ..Options::default() };
    assert_eq!(options.level("egress/port"), Some(Level::Hint));
}

#[test]
fn the_schema_refuses_what_a_schema_can() {
    assert!(jsonschema::draft7::meta::is_valid(&config_schema()));
    let properties = config_schema()["properties"].clone();
    assert!(CONFIG.keys.iter().all(|key| properties.get(key.name).is_some_and(|key| key["description"].is_string())));
    for (text, good) in [
        ("palyra_version = '0.1.0'\n[rules]\n'egress/*' = 'warn'\n[package]\nmodules = { 'a.wasm' = 'b.wasm' }", true),
        ("[package]\nmodules = ['*.wasm']", true),
        ("palyra_version = 1", false),
        ("palyra_version = '0.1'", false),
        ("[rulez]", false),
        ("[rules]\n'egress/*' = 'loud'", false),
        ("[package]\nmodules = 'a.wasm'", false),
        ("[package]\ncolour = 'blue'", false),
    ] {
        let value: serde_json::Value = toml::from_str(text).unwrap();
        assert_eq!(SCHEMA.is_valid(&value), good, "{text}");
        assert!(good || read_config(text).is_err(), "{text}");
    }
}
