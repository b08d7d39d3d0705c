//! Completion as an editor sees it: a text with a cursor, the list, and the text after one of it is taken.

use std::{collections::BTreeSet, fs, path::Path as FilePath};

use proptest::prelude::*;
use skillyard_manifest::{Options, analyze, is_unseen};

use super::*;
use crate::{
    InstalledFact, ModuleFact,
    fixture::{apply, cursor, marked},
};

/// For the daemon that is known.
fn complete(source: &Source<'_>, offset: usize, facts: &Facts) -> Vec<Completion> {
    super::complete(source, offset, facts, &Options::default())
}

fn facts() -> Facts {
    let module = |path: &str, kind: Option<&str>, exports: &[&str]| ModuleFact {
        path: path.to_owned(),
        kind: kind.map(str::to_owned),
        exports: exports.iter().map(|&name| name.to_owned()).collect(),
        bytes: 1234,
    };
    Facts {
        modules: vec![
            module("modules/tool.wasm", Some("palyra plug-in"), &["memory", "run", "Bad Name"]),
            module("modules/deep/other.wasm", None, &["_start"]),
            module("modules/\u{202e}evil.wasm", None, &[]),
        ],
        assets: vec!["assets/icon.svg".to_owned()],
        files: vec!["README.md".to_owned(), "review/capabilities.md".to_owned(), "review/a\"b.md".to_owned()],
        trust: None,
        installed: Some(Ok(vec![InstalledFact {
            version: "1.4.0".to_owned(),
            current: true,
            state: "active".to_owned(),
            reason: None,
            ended: None,
        }])),
        hosts_called: vec!["api.acme.example".to_owned(), "cdn.acme.example".to_owned(), "bad host".to_owned()],
        hosts_named: vec!["cdn.acme.example".to_owned(), "mail.acme.example".to_owned()],
        secrets_read: vec![
            ("global".to_owned(), "root_key".to_owned()),
            ("skill:acme.weather".to_owned(), "api_key".to_owned()),
        ],
    }
}

fn at(marked: &str) -> (String, Vec<Completion>) {
    let (text, offset) = cursor(marked);
    let source = Source::new(&text);
    let found = complete(&source, offset, &facts());
    (text, found)
}

fn labels(marked: &str) -> Vec<String> {
    at(marked).1.into_iter().map(|completion| completion.label).collect()
}

/// The first labels, as many as are expected.
fn starts(marked: &str, expected: &[&str]) {
    let mut found = labels(marked);
    found.truncate(expected.len());
    assert_eq!(found, expected, "{marked}");
}

fn one(marked: &str, label: &str) -> (String, Completion) {
    let (text, found) = at(marked);
    let all: Vec<&str> = found.iter().map(|completion| completion.label.as_str()).collect();
    let it = found.iter().find(|completion| completion.label == label);
    let it = it.unwrap_or_else(|| panic!("no {label} among {all:?} in\n{marked}")).clone();
    (text, it)
}

/// The text after the completion is taken, as plain text.
fn take(marked: &str, label: &str) -> String {
    let (text, it) = one(marked, label);
    taken(&text, &it)
}

fn taken(text: &str, it: &Completion) -> String {
    let edits: Vec<_> = [it.edit.clone()].into_iter().chain(it.additional_edits.clone()).collect();
    apply(text, &edits)
}

fn snippet(marked: &str, label: &str) -> String {
    one(marked, label).1.snippet.unwrap_or_else(|| panic!("no snippet for {label}"))
}

const HEAD: &str = "manifest_version = 2\nskill_id = \"acme.weather\"\nname = \"Weather\"\nversion = \"1.2.3\"\npublisher = \"acme\"\n";
const TOOL: &str = "\n[[entrypoints.tools]]\nid = \"acme.weather.today\"\nname = \"Today\"\ndescription = \"Tells. More.\"\n\
    input_schema = { type = \"object\" }\noutput_schema = { type = \"object\" }\n";
const COMPAT: &str = "\n[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n";

fn good(middle: &str) -> String {
    format!("{HEAD}{TOOL}{COMPAT}{middle}")
}

// ---- keys ----

#[test]
fn keys_that_are_missing_come_first() {
    starts("[compat]\n$0", &["required_protocol_major", "min_palyra_version", "max_palyra_version"]);
    starts("[compat]\nmin_palyra_version = \"0.1.0\"\n$0", &["required_protocol_major", "max_palyra_version"]);
    assert!(!labels("[compat]\nmin_palyra_version = \"0.1.0\"\nmi$0").contains(&"min_palyra_version".to_owned()));
    starts("[[entrypoints.tools]]\nid = \"a\"\n$0\n[compat]\n", &["name", "description"]);
    // The aliases stand for their keys.
    assert!(!labels("[compat]\nmin_protocol_major = 1\n$0").contains(&"required_protocol_major".to_owned()));
}

#[test]
fn a_key_brings_its_value() {
    assert_eq!(take("[compat]\nmi$0", "min_palyra_version"), "[compat]\nmin_palyra_version = \"0.1.0\"");
    assert_eq!(take("[compat]\nreq$0 # c", "required_protocol_major"), "[compat]\nrequired_protocol_major = 1 # c");
    assert_eq!(take("compat.mi$0", "min_palyra_version"), "compat.min_palyra_version = \"0.1.0\"");
    assert_eq!(take("compat.$0\n", "min_palyra_version"), "compat.min_palyra_version = \"0.1.0\"\n");
    assert_eq!(take("\"na$0", "name"), "\"name\" = \"Weather\"");
    assert_eq!(take("'na$0'", "name"), "'name' = \"Weather\"");
    assert_eq!(snippet("[capabilities.quotas]\nfu$0", "fuel_budget"), "fuel_budget = ${1:10000000}");
    assert_eq!(
        snippet("[[entrypoints.tools]]\nrisk = { $0", "requires_approval"),
        "requires_approval = ${1|true,false|}$0 \\}".replace("\\}", "}")
    );
}

#[test]
fn a_key_with_a_value_is_renamed_only() {
    assert_eq!(take("[compat]\nmi$0n = \"1\"", "min_palyra_version"), "[compat]\nmin_palyra_version = \"1\"");
    assert_eq!(take("com$0.x = 1", "compat"), "compat.x = 1");
    assert_eq!(take("$0nam = 1", "name"), "name = 1");
    assert!(!labels("com$0.x = 1").contains(&"name".to_owned()), "only tables lead on");
    // In what is refused as it is, nothing is said of what fits.
    assert_eq!(one("[compat]\nmi$0n = \"1\"", "min_palyra_version").1.contradicts, None);
}

#[test]
fn an_old_name_gives_the_new_one() {
    let (text, it) = one("[compat]\nmin_r$0", "min_runtime_version");
    assert!(it.deprecated);
    assert_eq!(it.filter, "min_runtime_version");
    assert_eq!(taken(&text, &it), "[compat]\nmin_palyra_version = \"0.1.0\"");
}

#[test]
fn keys_of_inline_tables_keep_them_whole() {
    assert_eq!(
        take("a = 1\ncompat = { $0 }", "min_palyra_version"),
        "a = 1\ncompat = { min_palyra_version = \"0.1.0\" }"
    );
    assert_eq!(take("compat = {$0}", "min_palyra_version"), "compat = { min_palyra_version = \"0.1.0\" }");
    assert_eq!(take("compat = { mi$0", "min_palyra_version"), "compat = { min_palyra_version = \"0.1.0\" }");
    assert_eq!(
        take("compat = { required_protocol_major = 1 mi$0 }", "min_palyra_version"),
        "compat = { required_protocol_major = 1, min_palyra_version = \"0.1.0\" }"
    );
    assert_eq!(
        take("compat = { $0 required_protocol_major = 1 }", "min_palyra_version"),
        "compat = { min_palyra_version = \"0.1.0\", required_protocol_major = 1 }"
    );
    assert_eq!(take("capabilities.secrets = [{ sc$0", "scope"), "capabilities.secrets = [{ scope = \"global\" }]",);
}

#[test]
fn a_half_typed_key_hides_nothing() {
    // `entrypoints` alone would shut the section of that name.
    let text = format!("entrypoints$0\n{HEAD}{TOOL}\n");
    assert!(!labels(&text).contains(&"entrypoints".to_owned()));
    starts("some prose\nna$0\nmore prose\n", &["skill_id", "name"]);
}

#[test]
fn line_ends_are_kept() {
    let (_, it) = one("name = \"x\"\r\n$0", "[compat]");
    assert_eq!(it.edit.text, "[compat]\r\nrequired_protocol_major = 1\r\nmin_palyra_version = \"0.1.0\"");
    assert!(it.snippet.unwrap().contains("]\r\nrequired"));
}

// ---- headers ----

#[test]
fn headers_that_are_missing_are_offered() {
    let text = format!("{HEAD}{TOOL}\n[$0");
    let found = labels(&text);
    assert!(found.starts_with(&["[compat]".to_owned()]), "{found:?}");
    for expected in ["[[entrypoints.tools]]", "[capabilities]", "[capabilities.quotas]", "[[capabilities.secrets]]"] {
        assert!(found.contains(&expected.to_owned()), "{expected} in {found:?}");
    }
    assert!(found.contains(&"[entrypoints.tools.risk]".to_owned()), "{found:?}");
    // It stands inline.
    assert!(!found.contains(&"[entrypoints.tools.input_schema]".to_owned()), "{found:?}");
    assert!(!found.iter().any(|label| label.contains("integrity")), "packaging writes it");
    assert_eq!(labels("[[entrypoints.$0"), ["[[entrypoints.tools]]"]);
    assert_eq!(labels("[[entry$0]]").first().unwrap(), "[[entrypoints.tools]]");
    assert!(labels("[[$0]]").iter().all(|label| label.starts_with("[[")), "two brackets are for lists");
    assert!(!labels("manifest_version = 1\n[$0").iter().any(|label| label.starts_with("[operator")));
}

#[test]
fn brackets_are_completed_and_not_doubled() {
    let whole = "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"";
    for text in ["[co$0", "[co$0]", "[$0", "[$0]", "$0", "co$0"] {
        assert_eq!(take(text, "[compat]"), whole, "{text}");
    }
    assert_eq!(take("[co$0] # c", "[compat]"), format!("{whole} # c"));
    assert_eq!(take("[entry$0]", "[[entrypoints.tools]]").lines().next(), Some("[[entrypoints.tools]]"));
    assert_eq!(take("[[entrypoints.to$0\n", "[[entrypoints.tools]]").lines().next(), Some("[[entrypoints.tools]]"));
    assert_eq!(one("[co$0", "[compat]").1.filter, "[compat");
    assert_eq!(one("[[entrypoints.$0", "[[entrypoints.tools]]").1.filter, "[[entrypoints.tools");
    assert_eq!(one("[entrypoints.$0]", "[[entrypoints.tools]]").1.filter, "[entrypoints.tools");
    // What stands below already stays as it is.
    assert_eq!(take("[co$0]\nrequired_protocol_major = 1\n", "[compat]"), "[compat]\nrequired_protocol_major = 1\n");
}

#[test]
fn tables_below_the_last_tool() {
    let tools = "[[entrypoints.tools]]\n[entrypoints.tools.risk]\n[[entrypoints.tools]]\nid = \"a.b\"\n";
    let found = labels(&format!("{tools}[entrypoints.tools.$0"));
    for expected in
        ["[entrypoints.tools.input_schema]", "[entrypoints.tools.output_schema]", "[entrypoints.tools.risk]"]
    {
        assert!(found.contains(&expected.to_owned()), "{expected} in {found:?}");
    }
    let found = labels(&format!("[entrypoints.tools.$0\n{tools}"));
    assert!(found.is_empty(), "no tool yet: {found:?}");
}

#[test]
fn a_header_takes_nothing_from_others() {
    // In front of other keys a header would take them; in front of a tool's own tables a tool would.
    assert!(!labels("$0\nname = \"x\"\n").iter().any(|label| label.starts_with('[')));
    let text = "[[entrypoints.tools]]\nid = \"a.b\"\n$0\n[entrypoints.tools.risk]\n";
    let found = labels(text);
    assert!(!found.contains(&"[[entrypoints.tools]]".to_owned()), "{found:?}");
    assert!(found.contains(&"[capabilities.quotas]".to_owned()), "{found:?}");
    assert!(found.contains(&"[entrypoints.tools.input_schema]".to_owned()), "{found:?}");
}

#[test]
fn tables_within_a_schema() {
    let schema = "[[entrypoints.tools]]\n[entrypoints.tools.input_schema]\nrequired = [\"city\"]\n";
    let found = labels(&format!("{schema}[$0"));
    assert!(found.contains(&"[entrypoints.tools.input_schema.properties.city]".to_owned()), "{found:?}");
    assert!(found.contains(&"[entrypoints.tools.input_schema.properties.…]".to_owned()), "{found:?}");
    let found = labels(&format!("{schema}[entrypoints.tools.input_schema.$0]"));
    assert!(found.contains(&"[entrypoints.tools.input_schema.additionalProperties]".to_owned()), "{found:?}");
    let found = labels(&format!("{schema}[entrypoints.tools.input_schema.properties.$0]"));
    assert_eq!(
        found,
        ["[entrypoints.tools.input_schema.properties.city]", "[entrypoints.tools.input_schema.properties.…]",]
    );
    let found = labels(&format!("{schema}[entrypoints.tools.input_schema.properties.city.it$0"));
    assert!(found.contains(&"[entrypoints.tools.input_schema.properties.city.items]".to_owned()), "{found:?}");
}

#[test]
fn whole_parts() {
    let whole = take("$0", "manifest");
    let analysis = analyze(&whole, &Options::default());
    assert!(analysis.daemon.accepts, "{:?}\n{whole}", analysis.diagnostics);
    assert!(analysis.diagnostics.is_empty(), "{:?}\n{whole}", analysis.diagnostics);
    let snippet = snippet("man$0", "manifest");
    assert!(snippet.contains("publisher = \"${1}\"") && snippet.ends_with("$0"), "{snippet}");

    let text = good("\n$0");
    let whole = take(&text, "tool");
    let analysis = analyze(&whole, &Options::default());
    assert!(analysis.daemon.accepts, "{:?}\n{whole}", analysis.diagnostics);
    assert!(whole.contains("id = \"acme.weather.tool\""), "{whole}");
    assert!(!labels(&text).contains(&"manifest".to_owned()));
}

// ---- values ----

#[test]
fn values_of_identity() {
    assert_eq!(
        labels("publisher = \"acme\"\nname = \"Storm Watch\"\nskill_id = \"$0\""),
        ["acme.storm_watch", "acme."]
    );
    assert_eq!(labels("skill_id = \"acme.storm_watch\"\nname = $0"), ["Storm watch"]);
    assert_eq!(labels("skill_id = \"acme.storm_watch\"\npublisher = $0"), ["acme"]);
    starts("version = \"2.3.$04\"", &["2.3.4", "2.3.5", "2.4.0", "3.0.0"]);
    starts("version = $0", &["1.4.1", "1.5.0", "2.0.0"]);
    assert_eq!(take("version = $0", "1.5.0"), "version = \"1.5.0\"");
    assert_eq!(take("version = 1.$0", "1.5.0"), "version = \"1.5.0\"");
    assert_eq!(labels("[compat]\nmin_palyra_version = \"$0"), ["0.1.0"]);
    // Of the daemon that it is checked for, and not only of the newest that is known.
    let options = Options { palyra_version: skillyard_manifest::grammar::Version(0, 3, 0), ..Options::default() };
    for (key, known) in [("min_palyra_version", &["0.3.0", "0.1.0"][..]), ("max_palyra_version", &["0.3.0"])] {
        let (text, offset) = cursor(&format!("[compat]\n{key} = \"$0\"\n"));
        let found = super::complete(&Source::new(&text), offset, &facts(), &options);
        let labels: Vec<&str> = found.iter().map(|it| it.label.as_str()).collect();
        assert_eq!(labels, known, "{key}");
    }
    starts("manifest_version =$0", &["2", "1"]);
    assert_eq!(take("manifest_version =$0", "2"), "manifest_version = 2");
}

#[test]
fn values_of_tools() {
    let tool = |rest: &str| format!("{HEAD}[[entrypoints.tools]]\n{rest}");
    assert_eq!(
        labels(&tool("name = \"Ten days\"\nid = \"$0\"")),
        ["acme.weather.ten_days", "acme.ten_days", "acme.weather.", "acme."]
    );
    assert_eq!(
        take(&tool("name = \"Ten days\"\nid = \"acme.$0\""), "acme.weather.ten_days"),
        tool("name = \"Ten days\"\nid = \"acme.weather.ten_days\"")
    );
    let (_, prefix) = one(&tool("id = $0"), "acme.weather.");
    assert!(prefix.incomplete && prefix.retrigger);
    assert_eq!(prefix.snippet.as_deref(), Some("\"acme.weather.$0\""));
    assert_eq!(labels(&tool("id = \"acme.weather.ten_days\"\nname = \"$0\"")), ["Ten days"]);
    // An id is not taken twice.
    let taken = format!("{HEAD}{TOOL}[[entrypoints.tools]]\nname = \"Today\"\nid = \"$0\"");
    assert!(!labels(&taken).contains(&"acme.weather.today".to_owned()));
}

#[test]
fn quotes_are_closed_and_not_doubled() {
    let plugin = |rest: &str| good(&format!("\n[operator.plugin]\n{rest}"));
    let after = plugin("default_tool_id = \"acme.weather.today\"");
    for typed in ["\"$0\"", "\"acme$0\"", "\"ac$0me.x\"", "\"$0", "\"acme.$0", "$0", "acme$0", "acme.wea$0"] {
        assert_eq!(take(&plugin(&format!("default_tool_id = {typed}")), "acme.weather.today"), after, "{typed}");
    }
    let single = plugin("default_tool_id = 'acme.weather.today'");
    for typed in ["'$0'", "'acme$0", "'ac$0me'"] {
        assert_eq!(take(&plugin(&format!("default_tool_id = {typed}")), "acme.weather.today"), single, "{typed}");
    }
    assert_eq!(take(&plugin("default_tool_id = \"ac$0 # c"), "acme.weather.today"), format!("{after} # c"));
    // What is no string replaces the quotes.
    assert_eq!(
        take("[[entrypoints.tools]]\nrisk.requires_approval = \"t$0\"", "true"),
        "[[entrypoints.tools]]\nrisk.requires_approval = true"
    );
    assert_eq!(one("[[entrypoints.tools]]\nrisk.requires_approval = \"t$0\"", "true").1.filter, "\"true");
}

#[test]
fn the_whole_word_is_replaced() {
    let (text, marks) = marked(
        "[capabilities.quotas]\n\
         fuel_budget = 10\n\
         #             ^^\n\
         max_mem\n\
         #^^^^^^\n\
         [operator.plugin]\n\
         default_tool_id = \"acme.x\" # c\n\
         #                  ^^^^^^\n\
         \"default_mod\n\
         # ^^^^^^^^^^^\n\
         [[entrypoints.tools.]\n\
         # ^^^^^^^^^^^^^^^^^^^^\n",
    );
    let source = Source::new(&text);
    let expected = ["10", "max_mem", "acme.x", "\"default_mod", "[[entrypoints.tools.]"];
    for (mark, expected) in marks.iter().zip(expected) {
        // From anywhere in the word.
        for offset in mark.start + 1..mark.end - usize::from(expected.ends_with(']')) {
            for it in complete(&source, offset, &facts()) {
                assert_eq!(it.edit.span.of(&text), expected, "{it:?}");
            }
        }
    }
    assert_eq!(marks.len(), expected.len());
}

#[test]
fn values_from_the_files_beside() {
    let plugin = |rest: &str| good(&format!("\n[operator.plugin]\n{rest}"));
    let found = at(&plugin("default_module_path = \"$0\"")).1;
    let labels_: Vec<_> = found.iter().map(|it| (it.label.as_str(), it.description.as_deref())).collect();
    assert_eq!(labels_, [("modules/tool.wasm", Some("palyra plug-in")), ("modules/deep/other.wasm", None)]);
    assert_eq!(
        labels(&plugin("default_module_path = \"modules/tool.wasm\"\ndefault_entrypoint = \"$0\"")),
        ["memory", "run"]
    );
    assert!(labels("[builder.checklist]\nprovenance_path = $0").contains(&"review/capabilities.md".to_owned()));
    assert_eq!(
        take("[builder.checklist]\nprovenance_path = '$0'", "review/a\"b.md"),
        "[builder.checklist]\nprovenance_path = 'review/a\"b.md'"
    );
    assert_eq!(
        take("[builder.checklist]\nprovenance_path = \"$0\"", "review/a\"b.md"),
        "[builder.checklist]\nprovenance_path = \"review/a\\\"b.md\""
    );
    starts("[capabilities.filesystem]\nwrite_roots = [\"out\"]\nread_roots = [\"$0\"]", &["out", "review", "data"]);
}

#[test]
fn values_from_the_last_run() {
    let list = |rest: &str| format!("[capabilities]\nhttp_egress_allowlist = {rest}");
    assert_eq!(labels(&list("[\"$0\"]")), ["api.acme.example", "cdn.acme.example", "mail.acme.example"]);
    assert_eq!(labels(&list("[\"api.acme.example\", $0]")), ["cdn.acme.example", "mail.acme.example"]);
    starts(&list("$0"), &["[\"api.acme.example\", \"cdn.acme.example\"]", "[\"api.acme.example\"]"]);
    assert_eq!(
        take(&list("[\"api.acme.example\", \"$0"), "cdn.acme.example"),
        list("[\"api.acme.example\", \"cdn.acme.example\"]")
    );
    assert_eq!(
        take(&list("[\n  \"api.acme.example\"\n  $0\n]"), "cdn.acme.example"),
        list("[\n  \"api.acme.example\",\n  \"cdn.acme.example\"\n]")
    );
    assert_eq!(
        take(&list("[\n  \"api.acme.example\",\n  $0\n[compat]"), "cdn.acme.example"),
        list("[\n  \"api.acme.example\",\n  \"cdn.acme.example\"\n[compat]")
    );
    let secrets = |rest: &str| format!("{HEAD}[[capabilities.secrets]]\n{rest}");
    starts(&secrets("scope = \"$0\""), &["skill:acme.weather", "global", "principal:", "channel:"]);
    assert!(
        take(&good("\n[[capabilities.sec$0"), "[[capabilities.secrets]]")
            .ends_with("scope = \"skill:acme.weather\"\nkey_names = [\"api_key\"]\n".trim_end())
    );
    let own = "[[capabilities.secrets]]\nscope = \"skill:acme.weather\"\nkey_names = [\"api_key\"]\n";
    assert!(
        take(&good(&format!("\n{own}[[capabilities.sec$0")), "[[capabilities.secrets]]")
            .ends_with("scope = \"global\"\nkey_names = [\"root_key\"]")
    );
    assert_eq!(labels(&secrets("scope = \"skill:acme.weather\"\nkey_names = [\"$0\"]")), ["api_key"]);
    assert_eq!(labels(&secrets("scope = \"skill:acme.weather\"\nkey_names = [\"api_key\", \"$0\"]")), [""; 0]);
    let (_, it) = one("[capabilities]\n$0", "http_egress_allowlist");
    assert_eq!(it.description.as_deref(), Some("3 called in the last run"));
}

#[test]
fn wildcards_name_the_flags_that_they_need() {
    let text = "[capabilities]\nnode_capabilities = [\"sensor.*\"]\n[capabilities.wildcard_opt_in]\n$0";
    starts(text, &["node", "filesystem"]);
    assert!(take(text, "node").ends_with("node = true"));
    assert!(take(text, "device").ends_with("device = false"));
    starts(&text.replace("$0", "node = $0"), &["true", "false"]);
    starts(&text.replace("$0", "device = $0"), &["false", "true"]);
}

#[test]
fn numbers_say_what_they_come_to() {
    let found = at("[capabilities.quotas]\nmax_memory_bytes = $0").1;
    let (label, said) = (&found[0].label, found[0].description.as_deref());
    assert_eq!((label.as_str(), said), ("67108864", Some("64 MiB, default")));
    assert!(found[0].preselect && found.iter().filter(|it| it.preselect).count() == 1);
    let found = at("[capabilities.quotas]\nwall_clock_timeout_ms = 5$0").1;
    assert!(found.iter().any(|it| it.label == "5000" && it.description.as_deref() == Some("5 s")));
    assert_eq!(
        take("[capabilities.quotas]\nwall_clock_timeout_ms = 5$0", "5000"),
        "[capabilities.quotas]\nwall_clock_timeout_ms = 5000"
    );
    for (path, numbers) in [("wall_clock_timeout_ms", 8), ("fuel_budget", 5), ("max_memory_bytes", 10)] {
        let found = at(&format!("[capabilities.quotas]\n{path} = $0")).1;
        assert_eq!(found.len(), numbers, "{path}");
    }
}

#[test]
fn kinds_of_contracts_are_used_once() {
    let contracts =
        "[[operator.plugin.contracts]]\nkind = \"memory_provider\"\n[[operator.plugin.contracts]]\nkind = $0";
    starts(contracts, &["context_engine"]);
    let (_, last) = one(contracts, "memory_provider");
    assert_eq!(last.description.as_deref(), Some("used already"));
    assert_eq!(labels(contracts).last().unwrap(), "memory_provider");
    assert_eq!(
        take("operator.plugin.contracts = [{ kind = mem$0 }]", "memory_provider"),
        "operator.plugin.contracts = [{ kind = \"memory_provider\" }]"
    );
}

#[test]
fn configuration_knows_its_properties() {
    let config =
        "[operator.config.properties.city]\ntype = \"string\"\ntitle = \"The city\"\nenum_values = [\"Rome\"]\n";
    assert_eq!(labels(&format!("{config}default = $0")), ["Rome"]);
    assert_eq!(labels(&format!("[operator.config]\nrequired = [\"$0\"]\n{config}")), ["city"]);
    assert_eq!(labels(&format!("[operator.config]\nrequired = [\"city\", \"$0\"]\n{config}")), [""; 0]);
    let wanted = "[operator.config]\nrequired = [\"city\", \"unit\"]\n[operator.config.properties.city]\n[$0";
    assert!(labels(wanted).contains(&"[operator.config.properties.unit]".to_owned()));
    assert_eq!(labels("[operator.config]\nrequired = [\"unit\"]\nproperties.$0"), ["unit"]);
    starts("[operator.config.properties.x]\ntype = \"$0\"", &["string", "integer", "number", "boolean", "string_list"]);
}

// ---- JSON Schema ----

fn schema(rest: &str) -> String {
    format!("[[entrypoints.tools]]\n[entrypoints.tools.input_schema]\n{rest}")
}

#[test]
fn keywords_fit_the_type() {
    starts(&schema("$0"), &["type", "description", "properties", "required"]);
    starts(&schema("type = \"string\"\n$0"), &["minLength", "maxLength", "pattern", "format"]);
    starts(&schema("type = \"array\"\n$0"), &["items", "minItems"]);
    starts(&schema("properties.a = { type = \"integer\", $0 }"), &["minimum", "maximum"]);
    assert_eq!(
        take(&schema("properties.a = { type = \"string\", min$0 }"), "minLength"),
        schema("properties.a = { type = \"string\", minLength = 1 }")
    );
    assert_eq!(take(&schema("$d$0"), "$defs").lines().last().unwrap(), "\"$defs\".name = { type = \"string\" }");
    assert_eq!(one(&schema("\"$d$0\""), "$defs").1.filter, "\"$defs");
    assert_eq!(
        snippet(&schema("prop$0"), "properties"),
        "properties.${1:name} = { type = \"${2|string,integer,number,boolean,array,object,null|}\" \\}"
    );
    assert_eq!(snippet(&schema("pat$0"), "pattern"), "pattern = '^${1}\\$'");
    assert!(labels(&schema("default = { $0 }")).is_empty(), "any JSON");
    assert!(labels(&schema("enum = [\"$0\"]")).is_empty());
}

#[test]
fn required_names_what_is_declared() {
    let declared = "properties.city = { type = \"string\", title = \"The city\" }\nproperties.unit = {}\n";
    assert_eq!(labels(&schema(&format!("{declared}required = [\"$0\"]"))), ["city", "unit"]);
    assert_eq!(labels(&schema(&format!("{declared}required = [\"city\", \"$0"))), ["unit"]);
    starts(&schema(&format!("{declared}required = $0")), &["[\"city\", \"unit\"]", "[\"city\"]"]);
    assert_eq!(labels(&schema("required = [\"city\"]\nproperties.$0")), ["city"]);
    assert_eq!(labels(&schema("required = [\"city\"]\nproperties = { $0 }")), ["city"]);
}

#[test]
fn references_point_to_what_is_there() {
    let text = schema("\"$defs\".city = { title = \"A city\" }\nproperties.a = { \"$ref\" = \"$0\" }");
    assert_eq!(labels(&text), ["#/$defs/city", "#"]);
    assert!(take(&text, "#/$defs/city").ends_with("{ \"$ref\" = \"#/$defs/city\" }"));
    // As a URI is written.
    let text = schema("\"$defs\".\"a b\" = {}\nproperties.a = { \"$ref\" = \"$0\" }");
    assert_eq!(labels(&text), ["#/$defs/a%20b", "#"]);
    assert_eq!(labels(&schema("properties.a = { \"$ref\" = \"#/$defs/b\" }\n\"$defs\" = { $0 }")), ["b"]);
}

#[test]
fn schema_values() {
    starts(&schema("type = \"$0\""), &["string", "integer"]);
    assert!(!labels(&schema("type = [\"string\", \"$0\"]")).contains(&"string".to_owned()));
    starts(&schema("additionalProperties = $0"), &["false", "true"]);
    assert!(labels(&schema("properties.a = $0")).iter().any(|label| label.starts_with("{ type = \"integer\"")));
    starts(&schema("format = \"$0"), &["date-time", "date"]);
    assert_eq!(labels(&schema("enum = [\"a\", 2]\ndefault = $0")), ["a", "2"]);
    assert_eq!(labels("[[entrypoints.tools]]\ninput_schema = $0").len(), 3);
}

// ---- what holds of all ----

#[test]
fn documentation_is_made_from_its_key_alone() {
    let (text, it) = one("[compat]\nmi$0", "min_palyra_version");
    let source = Source::new(&text);
    let doc = document(&source, &facts(), it.documentation.as_deref().unwrap()).unwrap().markdown();
    assert!(doc.contains("`min_palyra_version` in `[compat]`") && doc.contains("string, required"), "{doc}");
    for bad in ["", "|", "key", "key|", "key|x|y", "value|operator|tags|x", "part|", "tool|x", "module|\u{0}"] {
        assert_eq!(document(&source, &Facts::default(), bad), None, "{bad}");
    }
    // Nothing of the file comes alive.
    let evil = "[[entrypoints.tools]]\nid = \"a.b\"\nname = \"[x](command:y)\"\ndescription = \"<b>\\u202E\\n# x\"\n";
    let source = Source::new(evil);
    let doc = document(&source, &facts(), "tool|a.b").unwrap().markdown();
    assert!(doc.contains(r"\[x\](command:y)") && doc.contains(r"\<b\>") && !doc.contains('\u{202e}'), "{doc}");
}

#[test]
fn documentation_has_a_plain_form() {
    let text = "[[entrypoints.tools]]\nid = \"a.b\"\nname = \"[x](y)\"\ndescription = \"*b*\\u202E\"\n";
    let source = Source::new(text);
    let plain = |key: &str| document(&source, &facts(), key).unwrap_or_else(|| panic!("{key}")).plain();
    assert_eq!(plain("tool|a.b"), "Tool `a.b`: [x](y)\n\n*b*\\u{202e}");
    assert_eq!(
        plain("type|null"),
        "`null` in a JSON Schema\n\nThe value is nothing; TOML cannot write it, but JSON input can hold it."
    );
    assert_eq!(plain("module|modules/tool.wasm"), {
        "Module: `modules/tool.wasm`, palyra plug-in, ≈ 1.2 KiB\n\nIt exports `memory`, `run`, `Bad Name`."
    });
    assert_eq!(plain("value|operator.plugin.contracts[]|kind|channel_binding_provider"), {
        "`channel_binding_provider`: binds channels.\n\nWhat it offers."
    });
    for key in
        ["key|compat|min_palyra_version", "table|capabilities.quotas", "word|pattern", "part|tool", "part|manifest"]
    {
        let plain = plain(key);
        assert!(!plain.contains("**") && !plain.contains("```") && !plain.contains("]("), "{key}: {plain}");
    }
    for key in ["config|\"*\"|rules", "config|\"egress/*\"|rules", "config|\"egress/upper-case\"|rules"] {
        let plain = plain(key);
        assert!(plain.len() > 40 && !plain.contains("**") && !plain.contains("]("), "{key}: {plain}");
    }
}

/// Texts as they are while one types.
const BROKEN: &[&str] = &[
    "",
    "[",
    "[[",
    "[[entrypoints.",
    "name",
    "name =",
    "name = \"",
    "name = '",
    "name = \"\"\"\nx",
    "compat.",
    "compat = {",
    "compat = { min",
    "compat = { min = ",
    "a = [",
    "a = [[[{ b = [",
    "tags = [\"a\", \"b\n[compat]\nmi",
    "[operator]\ntags = [\"a\",\n  b\nname = 1\n[compat",
    "x = { y = [1, { z = \"",
    "= 1\n]\n}\n,",
    "a b c\n[x] y\n[]\n[[]]\n[.]\n\"\\u12\" = 1\n",
    "\u{FEFF}name = 1\r\n[comp\r\n",
    "[[entrypoints.tools]]\n[entrypoints.tools.input_schema.properties.\n\"$defs\".a.properties.b.ite",
    "\u{1F600} = \"\u{1F600}\" # \u{1F600}",
    "[operator.config.properties.\"a b\".x]\n'a\\b'.\"c\\\"d\".e = tru",
    "a.b.c.d = { e.f. = 1, \"g\" h = 2, , }\n[capabilities.secrets.x",
    "[[capabilities.secrets]]\nkey_names = [\"a\" \"b\", c d]\nscope = skill:\n",
];

/// What a client makes of a snippet whose places nobody fills.
fn expanded(snippet: &str) -> String {
    /// Up to what ends it, with `end` at the places of the same depth.
    fn until(
        chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
        end: Option<char>,
        places: &mut Vec<String>,
    ) -> String {
        let mut out = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\\' => out.extend(chars.next()),
                '$' if chars.peek() == Some(&'0') => drop(chars.next()),
                '$' => {
                    assert_eq!(chars.next(), Some('{'), "a bare dollar in a snippet");
                    let mut number = String::new();
                    let kind = loop {
                        match chars.next().unwrap() {
                            digit if digit.is_ascii_digit() => number.push(digit),
                            other => break other,
                        }
                    };
                    let number: usize = number.parse().unwrap();
                    let text = match kind {
                        ':' => Some(until(chars, Some('}'), places)),
                        '|' => {
                            let first = until(chars, Some(','), places);
                            until(chars, Some('|'), places);
                            assert_eq!(chars.next(), Some('}'));
                            Some(first)
                        }
                        _ if number > places.len() => Some(String::new()),
                        _ => None,
                    };
                    if let Some(text) = text {
                        places.push(text);
                        assert_eq!(number, places.len());
                    }
                    out.push_str(&places[number - 1]);
                }
                c if Some(c) == end => return out,
                c => out.push(c),
            }
        }
        assert!(end.is_none(), "a place is not closed");
        out
    }
    until(&mut snippet.chars().peekable(), None, &mut Vec::new())
}

/// What holds of every answer.
fn check(text: &str, offset: usize, found: &[Completion]) {
    let mut seen = BTreeSet::new();
    let between = text[..offset].ends_with('\r') && text[offset..].starts_with('\n');
    let offset = offset - usize::from(between);
    for it in found {
        let span = it.edit.span;
        let place = || format!("{:?} at {offset} in\n{text}", it);
        assert!(span.touches(offset), "{}", place());
        assert!(text.get(span.start..span.end).is_some_and(|old| !old.contains(['\n', '\r'])), "{}", place());
        assert!(!it.label.contains(is_unseen) && !it.label.is_empty(), "{}", place());
        assert!(!it.detail.as_ref().is_some_and(|detail| detail.contains(is_unseen)), "{}", place());
        assert!(!it.description.as_ref().is_some_and(|said| said.contains(is_unseen)), "{}", place());
        assert!(!it.filter.is_empty() && !it.sort.is_empty(), "{}", place());
        for edit in &it.additional_edits {
            assert!(!edit.span.touches(span.start) && !edit.span.touches(span.end), "{}", place());
        }
        assert!(seen.insert((&it.label, &it.edit.text)), "twice: {}", place());
        if let Some(snippet) = &it.snippet {
            // Only the quotes in an empty list are for snippets alone.
            let bare = |text: &str| text.replace("[\"\"]", "[]");
            assert_eq!(bare(&expanded(snippet)), bare(&it.edit.text), "{}", place());
        }
        if let Some(doc) = &it.documentation {
            assert!(doc.len() < 200, "{doc}");
        }
    }
    assert!(found.iter().filter(|it| it.preselect).count() <= 1);
    assert!(found.is_sorted_by(|a, b| a.sort <= b.sort));
}

#[test]
fn any_text_and_any_offset_come_to_an_answer() {
    let greeter = include_str!("../../../../tests/fixtures/greeter/skill.toml");
    let whole = good("\n[capabilities]\nhttp_egress_allowlist = [\"a.example\", \"b.example\"]\n");
    let mut texts: Vec<String> = BROKEN.iter().map(|&text| text.to_owned()).collect();
    texts.extend([greeter.to_owned(), whole.clone(), whole.replace('\n', "\r\n")]);
    let facts = facts();
    for text in &texts {
        let source = Source::new(text);
        for offset in 0..text.len() + 2 {
            let found = complete(&source, offset, &facts);
            let real = (0..=offset.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap();
            check(text, real, &found);
            for it in found.iter().take(40) {
                if let Some(doc) = &it.documentation {
                    assert!(document(&source, &facts, doc).is_some(), "{doc} in\n{text}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Pieces of a manifest thrown together.
    #[test]
    fn any_soup_comes_to_an_answer(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14)) {
        let text = pieces.concat();
        let source = Source::new(&text);
        for offset in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
            check(&text, offset, &complete(&source, offset, &facts()));
        }
    }
}

const PIECES: &[&str] = &[
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\"",
    "'",
    "\"\"\"",
    "\n",
    "\r\n",
    " ",
    "# x",
    "\\",
    "$",
    "true",
    "12",
    "\u{e9}",
    "name",
    "compat",
    "capabilities",
    "secrets",
    "scope",
    "key_names",
    "entrypoints",
    "tools",
    "input_schema",
    "properties",
    "required",
    "type",
    "operator",
    "config",
    "[[entrypoints.tools]]\n",
    "[operator.config]\n",
    "[entrypoints.tools.input_schema]\n",
    "compat = { ",
    "capabilities.secrets = [{ ",
    "required = [",
    "\"$ref\" = ",
];

#[test]
fn typing_breaks_nothing() {
    // Each beginning of a manifest, with the cursor at its end.
    let text = include_str!("../../../../tests/fixtures/greeter/skill.toml");
    let facts = facts();
    for end in 0..text.len() {
        let beginning = &text[..end];
        check(beginning, end, &complete(&Source::new(beginning), end, &facts));
    }
}

/// The good manifests on record.
fn corpus() -> Vec<String> {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let cases = fs::read_to_string(folder.join("manifests.jsonl")).unwrap();
    let mut texts = vec![include_str!("../../../../tests/fixtures/greeter/skill.toml").to_owned()];
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        if case["daemon_accepts"] == true
            && let Ok(text) = fs::read_to_string(folder.join("manifests").join(case["file"].as_str().unwrap()))
            // The long ones repeat themselves.
            && text.len() < 8192
            && analyze(&text, &Options::default()).daemon.accepts
        {
            texts.push(text);
        }
    }
    texts
}

#[test]
fn what_a_daemon_would_refuse_says_so() {
    for (marked, label, why) in [
        ("[operator.config.properties.n]\ntype = \"$0\"\ndefault = 5\n", "boolean", "`default`"),
        ("publisher = \"$0\"\nskill_id = \"b.s\"\n[[entrypoints.tools]]\nid = \"a.t\"\n", "b", "tool"),
        (
            "[capabilities]\nhttp_egress_allowlist = [\"*.a.org\"]\n[capabilities.wildcard_opt_in]\nhttp_egress = $0\n",
            "false",
            "wildcard",
        ),
        ("manifest_version = $0\n[operator]\ndisplay_name = \"A\"\n", "1", "`operator`"),
        ("[compat]\nmax_palyra_version = \"$0\"\nmin_palyra_version = \"9.0.0\"\n", "0.1.0", "`min_palyra_version`"),
        (
            "publisher = \"a\"\n[[entrypoints.tools]]\nid = \"$0a.old\"\nname = \"New\"\n[operator.plugin]\ndefault_tool_id = \"a.old\"\n",
            "a.new",
            "`default_tool_id`",
        ),
    ] {
        let (_, it) = one(marked, label);
        assert!(!it.incomplete && it.contradicts.is_some_and(|said| said.contains(why)), "{marked}: {it:?}");
    }
    // What is only to be written on contradicts nothing.
    let (_, prefix) = one("publisher = \"a\"\n[[entrypoints.tools]]\nid = \"$0\"\n", "a.");
    assert!(prefix.incomplete && prefix.contradicts.is_none(), "{prefix:?}");
}

/// A manifest with a bit of everything, which a daemon takes.
const RICH: &str = "
[capabilities.quotas]
fuel_budget = 9
[operator]
display_name = \"Ledger\"
[operator.plugin]
default_tool_id = \"acme.weather.today\"
[operator.config]
schema_version = 1
[operator.config.properties.currency]
type = \"string\"
title = \"Currency\"
default = \"EUR\"
";

#[test]
fn a_key_in_place_of_another_says_what_does_not_fit() {
    let rich = good(RICH);
    let at = |before: &str| rich.replacen(before, &format!("$0{before}"), 1);
    assert!(analyze(&rich, &Options::default()).daemon.accepts);
    for (before, label, why) in [
        ("title = ", "redacted", "refused: the value there is a string"),
        ("default = ", "enum_values", "refused: the value there is a string"),
        ("display_name = ", "tags", "refused: the value there is a string"),
        ("fuel_budget = ", "max_memory_bytes", "refused: the value there does not fit"),
        ("default_tool_id = ", "contracts", "refused: the value there is a string"),
        ("required_protocol_major = 1", "max_palyra_version", "refused: the value there is an integer"),
    ] {
        let (_, it) = one(&at(before), label);
        assert_eq!(it.contradicts, Some(why), "{before} {label}: {it:?}");
        assert!(!it.incomplete, "{it:?}");
    }
    // In a manifest that is refused anyway too.
    let (_, it) = one("[operator.config.properties.a]\n$0title = \"A\"\n", "redacted");
    assert_eq!(it.contradicts, Some("refused: the value there is a string"));
    let (_, it) = one("[compat]\n$0min_palyra_version = \"0.1.0\"\n", "max_palyra_version");
    assert_eq!(it.contradicts, Some("refused: takes the place of a required key"));
    let (_, it) = one(&rich.replace("compat]", "compat]\n$0max_palyra_versio = \"1.0.0\""), "max_palyra_version");
    assert_eq!(it.contradicts, None);
    assert_eq!(one(&at("title = "), "title").1.contradicts, None, "itself");
    // Under its old name a key is what it is.
    let old = "[compat]\n$0min_runtime_version = \"0.1.0\"\n";
    assert_eq!(one(old, "min_palyra_version").1.contradicts, None);
}

#[test]
fn a_header_in_place_of_another_says_what_it_takes() {
    let rich = good(RICH);
    let at = |before: &str| rich.replacen(before, &format!("$0{before}").replace("$0[", "[$0"), 1);
    for (before, label, why) in [
        ("[operator.plugin]", "[[capabilities.secrets]]", "refused: takes the keys of the table below"),
        ("[operator.plugin]", "[capabilities.filesystem]", "refused: takes the keys of the table below"),
        ("[compat]", "[builder]", "refused: takes the keys of the table below"),
    ] {
        let (_, it) = one(&at(before), label);
        assert_eq!(it.contradicts, Some(why), "{before} {label}: {it:?}");
    }
    // One that begins in front of keys takes them.
    let (_, it) = one(&rich.replace("default = ", "[$0\ndefault = "), "[capabilities.filesystem]");
    assert_eq!(it.contradicts, Some("refused: takes the keys below"));
    // What fits says nothing, and neither does one that takes nothing.
    let (_, it) = one(&rich.replace("[capabilities.quotas]", "[$0capabilities.quotas]"), "[capabilities.quotas]");
    assert_eq!(it.contradicts, None);
    assert_eq!(one(&format!("{rich}\n[$0"), "[[capabilities.secrets]]").1.contradicts, None);
    let (_, it) = one(&format!("{rich}\n[$0"), "[builder.checklist]");
    assert_eq!(it.contradicts, Some("refused: the table around it lacks keys"));
    // In a manifest that is refused anyway too.
    let (_, it) = one("[$0operator.plugin]\ndefault_tool_id = \"a.b\"\n", "[capabilities.filesystem]");
    assert_eq!(it.contradicts, Some("refused: takes the keys of the table below"));
}

#[test]
fn what_stands_once_is_not_there_to_be_taken_again() {
    use skillyard_manifest::shape::CONTRACT_KINDS;

    let all: Vec<String> = CONTRACT_KINDS.iter().map(|kind| format!("{{ kind = \"{kind}\" }}")).collect();
    let (_, it) =
        one(&format!("operator.plugin.contracts = [{}, $0]", all.join(", ")), "{ kind = \"memory_provider\" }");
    assert_eq!(it.contradicts, Some("refused: all kinds are used already"));
    let all = all.iter().map(|it| format!("[[operator.plugin.contracts]]\n{}\n", it.trim_matches(['{', '}', ' '])));
    let (_, it) = one(&format!("{}[$0", all.collect::<String>()), "[[operator.plugin.contracts]]");
    assert_eq!(it.contradicts, Some("refused: all kinds are used already"));
}

#[test]
fn a_prefix_says_that_it_is_to_be_written_on() {
    for (marked, label, said) in [
        ("publisher = \"a\"\nskill_id = $0\"a.b\"\n", "a.", "to be written on"),
        ("[[capabilities.secrets]]\nscope = $0\"skill:x\"\n", "principal:", "of one person, to be written on"),
        ("publisher = \"a\"\n[[entrypoints.tools]]\nid = \"$0\"\n", "a.", "to be written on"),
        ("[operator]\ndocs_url = $0\n", "https://", "to be written on"),
    ] {
        let (_, it) = one(marked, label);
        assert_eq!(it.description.as_deref(), Some(said), "{marked}");
    }
}

#[test]
fn a_quote_in_a_header_hides_nothing() {
    for (typed, label, filter) in [
        ("[operator.\"con$0", "[operator.config]", "[operator.\"config"),
        ("[operator.'con$0']", "[operator.config]", "[operator.'config"),
        ("[\"operator\".con$0]", "[operator.config]", "[\"operator\".config"),
        ("[\"com$0", "[compat]", "[\"compat"),
    ] {
        assert_eq!(one(typed, label).1.filter, filter, "{typed}");
    }
}

#[test]
fn files_that_are_not_there_and_files_that_fit() {
    let found = |marked: &str, facts: &Facts| -> Vec<(String, Option<String>)> {
        let (text, offset) = cursor(marked);
        let found = complete(&Source::new(&text), offset, facts);
        found.into_iter().map(|it| (it.label, it.description)).collect()
    };
    let module = "[operator.plugin]\ndefault_module_path = \"$0\"\n";
    let not_there = Some("not there yet".to_owned());
    assert_eq!(found(module, &Facts::default()), [("modules/tool.wasm".to_owned(), not_there)]);
    assert!(found(module, &facts()).iter().all(|(_, said)| said.as_deref() != Some("not there yet")));

    let files = ["README.md", "docs/harness.md", "src/tests/one.rs", "tests/smoke.sh"].map(str::to_owned).to_vec();
    let facts = Facts { files, ..Facts::default() };
    let labels: Vec<String> = found("[builder.checklist]\ntest_harness_path = \"$0\"\n", &facts)
        .into_iter()
        .map(|(label, _)| label)
        .collect();
    assert_eq!(labels, ["tests/smoke.sh", "src/tests/one.rs", "docs/harness.md", "README.md"]);
}

/// Whether a person sees that something is to be written: behind a prefix, or where nothing stands yet.
fn leaves_something(it: &Completion) -> bool {
    let text = it.edit.text.trim_end_matches(['"', '\'', ' ', ']', '}', ',']);
    text.ends_with(['.', ':', '/']) || ["\"\"", "''", "[]", "{}"].iter().any(|empty| it.edit.text.contains(empty))
}

#[test]
fn what_is_whole_leaves_a_good_manifest_good() {
    let corpus = corpus();
    assert!(corpus.len() > 100, "{}", corpus.len());
    let facts = facts();
    let mut seen = BTreeSet::new();
    let (mut tried, mut contradicting, mut wrong) = (0, 0, Vec::new());
    for text in &corpus {
        let source = Source::new(text);
        // The places within, and fresh lines behind every item: where, and what is put in there first.
        let mut places: Vec<(usize, &str)> = Vec::new();
        source.mentions(|mention| {
            places.extend([(mention.span.start, ""), (mention.span.end, "")]);
            if let Some(value) = mention.value {
                let Span { start, end } = value.span;
                places.extend([(start, ""), (start + 1, ""), (end.saturating_sub(1), "")]);
            }
        });
        for item in &source.tree.items {
            let end = skillyard_manifest::edits::line_end(text, item.span().end);
            places.extend([(end, "\n"), (end, "\n[")]);
        }
        for (offset, put) in places {
            // The same in the same surroundings says nothing new.
            let start = skillyard_manifest::edits::line_start(text, offset);
            let line = text.get(start..skillyard_manifest::edits::line_end(text, offset)).unwrap_or_default();
            let item = source.item_at(offset).map(|item| (source.header_of(item), source.tree.items.len() - item == 1));
            if !text.is_char_boundary(offset) || !seen.insert((line.to_owned(), offset - start, item, put)) {
                continue;
            }
            let (mut text, mut offset) = (text.clone(), offset);
            text.insert_str(offset, put);
            offset += put.len();
            let found = complete(&Source::new(&text), offset, &facts);
            check(&text, offset, &found);
            for it in found.iter().filter(|it| !(it.incomplete && leaves_something(it))) {
                tried += 1;
                let after = taken(&text, it);
                let analysis = analyze(&after, &Options::default());
                // Whoever takes what contradicts something else has been told.
                contradicting += usize::from(it.contradicts.is_some());
                if analysis.daemon.accepts && it.contradicts.is_some() {
                    wrong.push((it.label.clone(), format!("{:?}, but it is taken", it.contradicts), after));
                } else if !analysis.daemon.accepts && it.contradicts.is_none() {
                    let why = analysis
                        .diagnostics
                        .iter()
                        .find(|found| found.rule.daemon == skillyard_manifest::Daemon::Rejects);
                    let why = why.map(|found| found.message.clone()).unwrap_or_default();
                    let around = text.get(offset.saturating_sub(60)..offset).unwrap_or_default();
                    wrong.push((it.label.clone(), why, format!("…{around}| {:?}", it.edit)));
                }
            }
        }
    }
    assert!(tried > 1000 && contradicting > 5, "{tried} {contradicting}");
    // One of each kind.
    wrong.sort();
    wrong.dedup_by_key(|wrong: &mut (String, String, String)| (wrong.0.clone(), wrong.1.clone()));
    let shown: Vec<_> = wrong.iter().take(12).collect();
    assert!(wrong.is_empty(), "{} of {tried}:\n{shown:#?}", wrong.len());
}

#[test]
fn a_long_text_is_no_trouble() {
    let mut text = good("\n");
    for n in 0..3000 {
        text.push_str(&format!("[operator.config.properties.p{n}]\ntype = \"string\"\n"));
    }
    text.push_str(&format!("x = {}\n", "[".repeat(20_000)));
    let facts = facts();
    let source = Source::new(&text);
    for offset in [text.len(), text.len() - 1, text.len() - 10_000, 500] {
        check(&text, offset, &complete(&source, offset, &facts));
    }
}

#[test]
fn the_configuration_file_is_completed_too() {
    use skillyard_manifest::config::{CONFIG, analyze_config};

    let at = |marked: &str| -> (String, Vec<Completion>) {
        let (text, offset) = cursor(marked);
        let source = Source::of_shape(&text, &CONFIG);
        (text.clone(), complete(&source, offset, &Facts::default()))
    };
    let label = |found: &[Completion], wanted: &str| -> Completion {
        found.iter().find(|one| one.label == wanted).unwrap_or_else(|| panic!("{wanted} in {found:?}")).clone()
    };
    let (text, found) = at("[rules]\n$0\n\"*\" = \"warn\"\n");
    assert!(!found.iter().any(|one| one.label == "*"), "what is set is not offered again");
    let rule = label(&found, "egress/upper-case");
    assert!(rule.edit.text.starts_with("\"egress/upper-case\" = "), "{rule:?}");
    let source = Source::of_shape(&text, &CONFIG);
    let doc = document(&source, &Facts::default(), rule.documentation.as_deref().unwrap()).unwrap().markdown();
    assert!(doc.len() > 40, "{doc}");

    let (text, found) = at("[rules]\n\"egress/upper-case\" = $0\n");
    let level = label(&found, "allow");
    let taken = apply(&text, &[level.edit]);
    assert_eq!(taken, "[rules]\n\"egress/upper-case\" = \"allow\"\n");
    assert_eq!(analyze_config(&taken), []);
    // A rule that a daemon rejects on has one level.
    let (_, found) = at("[rules]\n\"tool/not-namespaced\" = \"$0\"\n");
    assert_eq!(found.iter().map(|one| one.label.as_str()).collect::<Vec<_>>(), ["deny"]);

    for (marked, after) in
        [("[$0", "[rules]\n"), ("palyra_version = \"0.1.0\"\n$0\n", "palyra_version = \"0.1.0\"\n[rules]\n\n")]
    {
        let (text, found) = at(marked);
        assert_eq!(apply(&text, &[label(&found, "[rules]").edit]), after);
    }
    let (_, found) = at("[package]\n[rules]\n\n[$0]");
    assert!(!found.iter().any(|one| one.label == "[rules]"), "{found:?}");

    let (_, found) = at("palyra_version = $0\n");
    assert!(found.iter().any(|one| one.edit.text == "\"0.1.0\""), "{found:?}");
    let (_, found) = at("$0\n");
    for key in ["palyra_version", "rules", "package"] {
        assert!(found.iter().any(|one| one.label.contains(key)), "{key}: {found:?}");
    }
}

#[test]
fn what_has_to_be_there_stands_first() {
    let first = |marked: &str| -> Vec<String> {
        let (text, offset) = cursor(marked);
        let mut found = complete(&Source::new(&text), offset, &Facts::default());
        found.sort_by(|a, b| a.sort.cmp(&b.sort));
        found.into_iter().map(|one| one.label).take(3).collect()
    };
    let builder = "[builder]\nexperimental = true\nsource_kind = \"a\"\nsource_ref = \"b\"\n";
    assert_eq!(first(&format!("{builder}$0\n")), ["rollout_flag", "checklist", "review_status"]);
    let builder = format!("{builder}rollout_flag = \"c\"\n");
    assert_eq!(first(&format!("{builder}$0\n")), ["[builder.checklist]", "checklist", "review_status"]);
}
