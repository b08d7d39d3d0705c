//! What hovers say.

use std::{fs, path::Path as FilePath};

use skillyard_manifest::{grammar::Version, is_unseen};

use super::*;
use crate::{
    facts::{InstalledFact, ModuleFact, TrustFact},
    fixture::cursor,
};

const GREETER: &str = include_str!("../../../../tests/fixtures/greeter/skill.toml");

fn at(marked: &str, facts: &Facts) -> Option<(String, String)> {
    let (text, offset) = cursor(marked);
    let source = Source::new(&text);
    let hover = hover(&source, offset, facts, &Options::default())?;
    Some((hover.span.of(&text).to_owned(), hover.doc.plain()))
}

/// What is told at the `$0`.
fn told(marked: &str) -> String {
    at(marked, &Facts::default()).unwrap_or_else(|| panic!("nothing is told at {marked}")).1
}

fn told_with(marked: &str, facts: &Facts) -> String {
    at(marked, facts).unwrap_or_else(|| panic!("nothing is told at {marked}")).1
}

/// The greeter with one piece of it replaced.
fn greeter(old: &str, new: &str) -> String {
    assert!(GREETER.contains(old), "{old}");
    GREETER.replacen(old, new, 1)
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn a_key_is_told_with_what_its_value_comes_to() {
    let text = told("[capabilities.quotas]\nmax_memory$0_bytes = 33554432");
    has(
        &text,
        &[
            "`max_memory_bytes` in `[capabilities.quotas]`",
            "optional: `67108864` (64 MiB) where it is left out.",
            "`33554432` bytes are 32 MiB, 512 WebAssembly pages.",
            "quotas/memory-too-small",
        ],
    );
    let text = told("[capabilities.quotas]\nwall_clock_timeout_ms = 20$000");
    assert!(text.starts_with("`2000` ms are 2 s."), "{text}");
    let text = told("capabilities.quotas.fuel_budget = 1$0");
    assert!(text.starts_with("`fuel_budget`"), "a small number says itself: {text}");
}

#[test]
fn spans_are_those_of_what_is_told_about() {
    let span = |marked: &str| at(marked, &Facts::default()).unwrap().0;
    assert_eq!(span("skill$0_id = 'a'"), "skill_id");
    assert_eq!(span("skill_id = '$0a'"), "'a'");
    assert_eq!(span("[capabil$0ities.quotas]"), "capabilities");
    assert_eq!(span("[capabilities.quotas$0]"), "quotas");
    assert_eq!(span("$0[[capabilities.secrets]]"), "[[capabilities.secrets]]");
    assert_eq!(span("capabilities.http_egress_allowlist = ['a', '$0b']"), "'b'");
    assert_eq!(at("skill_id = 'a' # $0b", &Facts::default()), None);
    assert_eq!(at("nothing$0 = 1", &Facts::default()), None);
    assert_eq!(at("$0\n", &Facts::default()), None);
}

#[test]
fn a_host_is_told_with_its_grant_and_the_policy_that_it_causes() {
    let facts = Facts {
        hosts_called: vec!["api.acme.example".into()],
        hosts_named: vec!["b.example".into()],
        ..Facts::default()
    };
    let text = |host: &str, more: &str| {
        let text = format!("skill_id = \"acme.x\"\n[capabilities]\nhttp_egress_allowlist = [\"$0{host}\"]\n{more}");
        told_with(&text, &facts)
    };
    has(
        &text("Api.acme.example.", ""),
        &[
            "Granted as the HTTP host `Api.acme.example.`.",
            "Policy decides about `skill.capability.http.egress` on `skill:acme.x`, which a person approves for each call.",
            "The tools' last runs called it.",
        ],
    );
    has(&text("b.example", ""), &["None of the tools' last runs called it.", "The data of a module names it."]);
    has(&text("https://b.example", ""), &["A daemon refuses `https://b.example`: it is no bare host name."]);
    has(&text("*.b.example", ""), &["it needs `wildcard_opt_in.http_egress`"]);
    has(&text("*.b.example", "wildcard_opt_in.http_egress = true"), &["Granted as the HTTP host `*.b.example`."]);
}

#[test]
fn secrets_roots_and_devices_are_told_with_what_they_cause() {
    let facts = Facts { secrets_read: vec![("skill:acme.x".into(), "key".into())], ..Facts::default() };
    let secrets =
        "skill_id = 'acme.x'\n[[capabilities.secrets]]\nscope = '$0skill:acme.x'\nkey_names = ['key', 'other']\n";
    has(
        &told(secrets),
        &[
            "Secrets of this skill.",
            "Granted as `skill:acme.x/key`, `skill:acme.x/other`.",
            "`skill.capability.vault.read`",
        ],
    );
    let key = secrets.replace("$0", "").replace("'key'", "'$0key'");
    has(&told_with(&key, &facts), &["Granted as `skill:acme.x/key`.", "The tools' last runs read it."]);
    let key = secrets.replace("$0", "").replace("'other'", "'$0other'");
    has(&told_with(&key, &facts), &["Granted as `skill:acme.x/other`.", "None of the tools' last runs read it."]);
    has(&told("[[capabilities.secrets]]\nscope = '$0all'"), &["A daemon refuses `all`: a scope is `global`"]);
    has(
        &told("[[capabilities.sec$0rets]]\nscope = 'channel:a'\nkey_names = ['k']"),
        &["Secrets of the channel `a`.", "Granted as `channel:a/k`.", "`[[capabilities.secrets]]`"],
    );

    has(
        &told("[capabilities.filesystem]\nwrite_roots = ['$0out']"),
        &["Granted as the storage prefix `out`", "`skill.capability.filesystem.write`"],
    );
    let read = told("[capabilities.filesystem]\nread_roots = ['$0data']");
    has(&read, &["A daemon 0.1.0 grants nothing for it."]);
    assert!(!read.contains("Policy decides"), "{read}");
    has(&told("[capabilities.filesystem]\nread_roots = ['$0../x']"), &["A daemon refuses `../x`"]);

    has(&told("capabilities.device_capabilities = ['$0camera']"), &["`skill.capability.device.use`", "no handle"]);
    has(&told("capabilities.node_capabilities = ['$0*']"), &["it needs `wildcard_opt_in.node`"]);
    has(
        &told("[capabilities]\nnode_capabilities = ['a.*']\nwildcard_opt_in = { no$0de = true }"),
        &["It is about `a.*`."],
    );
    has(&told("capabilities.wildcard_opt_in.sec$0rets = true"), &["No value in this manifest needs it."]);
}

#[test]
fn capabilities_are_told_as_a_whole() {
    let text =
        told("[capabil$0ities]\nhttp_egress_allowlist = ['b.example', 'a.example']\nfilesystem.read_roots = ['d']");
    has(&text, &["HTTP hosts: `a.example`, `b.example`", "Folders to read: `d`", "`skill.capability.http.egress`"]);
    has(&told("[capabil$0ities]\n"), &["The skill is granted nothing"]);
    has(
        &told("[capabilities.quo$0tas]\nfuel_budget = 2000000"),
        &["A call has 30 s, 2 million units of fuel and 64 MiB"],
    );
}

fn module() -> ModuleFact {
    ModuleFact {
        path: "modules/tool.wasm".into(),
        kind: Some("palyra plug-in".into()),
        exports: vec!["run".into(), "go".into()],
        bytes: 12_800,
    }
}

#[test]
fn a_tool_is_told_in_a_few_lines() {
    let facts = Facts { modules: vec![module()], ..Facts::default() };
    let text = told_with(&greeter("[[entrypoints.tools]]", "[[entrypoints.to$0ols]]"), &facts);
    has(
        &text,
        &[
            "Tool `acme.greeter.greet`: Greet",
            "Greets somebody by name.",
            "- A call runs without a person's approval.",
            "- No network, no secrets, no folders.",
            "- A call has 5 s, 10 million units of fuel and 4 MiB of memory.",
            "- Module: `modules/tool.wasm`, palyra plug-in, 12.5 KiB",
            "- It is called where a call names no tool.",
            "Its keys:",
        ],
    );
    let named = greeter("default_tool_id = \"", "default_tool_id = \"$0");
    has(&told_with(&named, &facts), &["Tool `acme.greeter.greet`: Greet"]);
    let unknown = greeter("default_tool_id = \"", "default_tool_id = \"$0x");
    has(&told_with(&unknown, &facts), &["No tool of this manifest has the id `xacme.greeter.greet`."]);
}

#[test]
fn approval_says_why() {
    let tool =
        "skill_id = 'a.x'\ncapabilities.http_egress_allowlist = ['a.example']\n[[entrypoints.tools]]\nid = 'a.b'\n";
    has(
        &told(&format!("{tool}risk = {{ default_$0sensitive = true }}")),
        &["Each call needs a person's approval: `default_sensitive` is on. So does each use of \
             `skill.capability.http.egress`."],
    );
    has(
        &told(&format!("{tool}[entrypoints.tools.ri$0sk]")),
        &["A call runs without a person's approval, but each use of `skill.capability.http.egress` needs it."],
    );
}

#[test]
fn modules_and_exports_are_looked_up() {
    let facts = Facts { modules: vec![module()], ..Facts::default() };
    let text = |line: &str| told_with(&format!("[operator.plugin]\n{line}"), &facts);
    has(
        &text("default_module_path = '$0modules/tool.wasm'"),
        &["Module: `modules/tool.wasm`, palyra plug-in, 12.5 KiB", "It exports `run`, `go`."],
    );
    has(
        &text("default_module_path = '$0modules/x.wasm'"),
        &["Packaging makes no such module. There is `modules/tool.wasm`."],
    );
    has(&text("default_entrypoint = '$0go'"), &["`modules/tool.wasm` exports it."]);
    has(&text("default_entrypoint = '$0no'"), &["`modules/tool.wasm` does not export it, but `run`, `go`."]);
}

#[test]
fn identity_is_told_with_what_is_known_of_it() {
    let installed = |version: &str, current, state: &str, reason: Option<&str>| InstalledFact {
        version: version.into(),
        current,
        state: state.into(),
        reason: reason.map(Into::into),
        ended: None,
    };
    let facts =
        |installed: Vec<InstalledFact>, trust| Facts { installed: Some(Ok(installed)), trust, ..Facts::default() };
    let known = |listed: &[&str], pinned: Option<&str>, ended: &[&str]| TrustFact::Known {
        listed: listed.iter().map(|&key| key.into()).collect(),
        pinned: pinned.map(Into::into),
        first_use: false,
        ended: ended.iter().map(|&why| why.into()).collect(),
    };
    let ended = InstalledFact { ended: Some("its key was revoked".into()), ..installed("1.2.0", true, "active", None) };
    has(
        &told_with("skill_id = \"acme.$0x\"\nversion = \"1.2.0\"\n", &facts(vec![ended], None)),
        &["`1.2.0` (current): active, does not run: its key was revoked"],
    );
    let gone = TrustFact::Known {
        listed: vec![],
        pinned: None,
        first_use: true,
        ended: vec!["the key 0a was revoked".into()],
    };
    let two =
        vec![installed("0.2.0", true, "active", None), installed("0.1.0", false, "quarantined", Some("it spoke"))];
    let some = facts(two, Some(known(&["0a1b", "2c3d"], None, &[])));
    has(
        &told_with(&greeter("skill_id", "skill$0_id"), &some),
        &["Installed:", "- `0.2.0` (current): active", "- `0.1.0`: quarantined, because: it spoke"],
    );
    has(
        &told_with(&greeter("version = \"0.1.0\"", "version = \"$00.1.0\""), &some),
        &[
            "Installed: `0.1.0`: quarantined, because: it spoke",
            "The current version is `0.2.0`: this one is a downgrade.",
            "It works with Palyra `0.1.0` and newer. Palyra `0.1.0` takes it.",
        ],
    );
    has(
        &told_with(&greeter("version = \"0.1.0\"", "version = \"$00.3.0\""), &some),
        &["This version is not installed.", "The current version is `0.2.0`."],
    );
    has(&told_with(&greeter("skill_id", "skill$0_id"), &facts(vec![], None)), &["No version of it is installed."]);
    let changed = Facts { installed: Some(Err("somebody changed it".into())), ..Facts::default() };
    for place in [("skill_id", "skill$0_id"), ("version = \"0.1.0\"", "version = \"$00.1.0\"")] {
        has(
            &told_with(&greeter(place.0, place.1), &changed),
            &["What is installed cannot be told: somebody changed it"],
        );
    }
    has(
        &told_with(&greeter("publisher", "$0publisher"), &some),
        &["The trust store trusts `acme` with `0a1b`, `2c3d`.", "tool/not-namespaced"],
    );
    for (fact, said) in [
        (TrustFact::Unknown, "The trust store does not know `acme`"),
        (known(&[], Some("0a"), &[]), "The trust store pinned `0a` for `acme` at first use."),
        (known(&[], None, &["the key 0a was revoked"]), "The trust store trusts no key of `acme`"),
        (known(&[], None, &["the key 0a was revoked"]), "the key 0a was revoked."),
        (gone.clone(), "The trust store does not know `acme`: an install needs the first use to be allowed"),
        (gone, "the key 0a was revoked."),
        (known(&["0b"], None, &["the key 0a was replaced"]), "trusts `acme` with `0b`."),
        (known(&["0b"], None, &["the key 0a was replaced"]), "the key 0a was replaced."),
        (TrustFact::Unreadable("it was changed".into()), "The trust store cannot be read: it was changed"),
    ] {
        has(&told_with(&greeter("publisher", "$0publisher"), &facts(vec![], Some(fact))), &[said]);
    }
    // What was not looked up is not told.
    assert!(!told(&greeter("skill_id", "skill$0_id")).to_lowercase().contains("no version"));
}

#[test]
fn compatibility_is_that_of_the_daemon_that_is_checked_against() {
    let text = |compat: &str, palyra| {
        let (text, offset) = cursor(&format!("[compat]\nrequired_protocol_major = 1\n{compat}"));
        let options = Options { palyra_version: palyra, ..Options::default() };
        hover(&Source::new(&text), offset, &Facts::default(), &options).unwrap().doc.plain()
    };
    let range = "min_palyra_version = '$00.2.0'\nmax_palyra_version = '1.0.0'";
    has(
        &text(range, Version(0, 1, 0)),
        &["It works with Palyra `0.2.0` to `1.0.0`. Palyra `0.1.0` refuses it", "`UnsupportedRuntimeVersion`"],
    );
    has(&text(range, Version(0, 2, 0)), &["Palyra `0.2.0` takes it."]);
    has(&text(range, Version(2, 0, 0)), &["`RuntimeVersionAboveSupportedMaximum`"]);
    has(&text("min_runtime_version = '$00.1.0'", Version(0, 1, 0)), &["Palyra `0.1.0` takes it."]);
    has(
        &text("min_palyra_version = '$01.0.0'\nmax_palyra_version = '0.1.0'", Version(0, 1, 0)),
        &["No daemon is both"],
    );
    let two = "required_protocol_major = 2\nmin_palyra_version = '0.1$0.0'";
    let (text, offset) = cursor(&format!("[compat]\n{two}"));
    let hover = hover(&Source::new(&text), offset, &Facts::default(), &Options::default()).unwrap();
    has(&hover.doc.plain(), &["it speaks protocol `1`"]);
}

#[test]
fn properties_of_an_operator() {
    let config = "[operator.config]\nrequired = ['city', 'ctiy']\n[operator.config.properties.city]\ntype = 'string'\n\
                  title = 'City'\ndefault = 'Paris'\nenum_values = ['Paris', 'Rome']\nredacted = true\n";
    let said = [
        "Property `city`: City",
        "- Type: `string`",
        "- An operator must set it.",
        "- Where it is not set: `'Paris'`",
        "- One of `Paris`, `Rome`",
        "- It is kept out of logs and reports.",
    ];
    has(&told(&config.replace("properties.city", "properties.ci$0ty")), &said);
    has(&told(&config.replace("['city'", "['$0city'")), &said);
    has(&told(&config.replace("'ctiy'", "'$0ctiy'")), &["No property `ctiy` is declared"]);
}

#[test]
fn schemas_are_explained() {
    let schema = |body: &str| told(&format!("[[entrypoints.tools]]\n[entrypoints.tools.input_schema]\n{body}"));
    has(
        &schema("addit$0ionalProperties = false"),
        &["`additionalProperties` in a JSON Schema", "`false` forbids them"],
    );
    assert!(schema("type = '$0object'").starts_with("`object`: a table of properties."));
    has(&schema("type = ['null', '$0string']"), &["`string`: a text."]);
    has(
        &schema("required = ['a']\nproperties.$0a = { type = 'string', description = 'An A' }"),
        &["Property `a`, required", "Type: `string`", "An A"],
    );
    has(
        &schema("required = ['$0a', 'b']\nproperties.a.type = 'integer'"),
        &["Property `a`, required", "Type: `integer`"],
    );
    has(&schema("required = ['$0a']"), &["`properties` does not describe `a`."]);
    has(
        &schema("'$ref' = '#/$defs/$0a~1b'\n'$defs'.'a/b' = { type = 'null', title = 'None' }"),
        &["What it points to:", "Type: `null`", "None"],
    );
    has(&schema("'$ref' = '#/$defs/$0a%20b'\n'$defs'.'a b' = { title = 'None' }"), &["What it points to:", "None"]);
    // An anchor is no pointer: what has that name is not looked for, and the whole schema is not meant.
    assert!(!schema("title = 'Whole'\n'$ref' = '#$0x'").contains("What it points to"));
    has(&schema("'$defs'.$0a.type = 'null'"), &["Schema `a`", "Point to it with `\"$ref\" = \"#/$defs/a\"`."]);
    has(&schema("typ$0 = 1"), &["JSON Schema has no such keyword"]);
    has(
        &told(&greeter("[entrypoints.tools.input_schema]", "[entrypoints.tools.input_sche$0ma]")),
        &["Type: `object`", "- `name` (string, required): Who is greeted", "schema/not-a-table"],
    );
}

#[test]
fn a_rule_that_a_comment_names() {
    let (span, text) = at("a = 1 # skillyard: allow(egress/po$0rt, x): why", &Facts::default()).unwrap();
    assert_eq!(span, "egress/port");
    has(&text, &["A host has a port.", "no comment can allow it", "The page of the rule"]);
    assert_eq!(at("# skillyard: allow(egress/no$0thing): é", &Facts::default()), None);
    assert_eq!(at("# egress/po$0rt", &Facts::default()), None);
    assert_eq!(at("# skillyard: allow(é$0)", &Facts::default()), None);
}

/// Whatever a file says, it is only shown.
#[test]
fn text_of_a_file_is_only_shown() {
    let nasty =
        "[x](command:y) <script> ![i](http://e.example/i.png) `q` ``` \\u001B[2J \\u202E\\n# h | *b* https://e.example";
    let text = format!(
        "skill_id = \"{nasty}\"\npublisher = \"{nasty}\"\n[[entrypoints.tools]]\nid = \"{nasty}\"\nname = \"{nasty}\"\n\
         description = \"{nasty}\"\n[entrypoints.tools.input_schema]\nrequired = [\"{nasty}\"]\ntitle = \"{nasty}\"\n\
         description = \"{nasty}\"\n[entrypoints.tools.input_schema.properties.\"{nasty}\"]\ntype = \"{nasty}\"\n\
         description = \"{nasty}\"\n[capabilities]\nhttp_egress_allowlist = [\"{nasty}\", \"*{nasty}\"]\n\
         wildcard_opt_in = {{ http_egress = true, secrets = true, filesystem = true }}\n\
         filesystem.write_roots = [\"{nasty}\", \"*\"]\n[[capabilities.secrets]]\nscope = \"{nasty}\"\n\
         key_names = [\"*{nasty}\"]\n[operator.config]\nrequired = [\"{nasty}\"]\n\
         [operator.config.properties.\"{nasty}\"]\ntitle = \"{nasty}\"\ndefault = \"{nasty}\"\nenum_values = [\"{nasty}\"]\n\
         [operator.plugin]\ndefault_tool_id = \"{nasty}\"\ndefault_module_path = \"{nasty}\"\ndefault_entrypoint = \"{nasty}\"\n"
    );
    let foreign = "[x](command:y) <b> `q` \u{1b}[2J\u{202e}\n# h";
    let facts = Facts {
        modules: vec![ModuleFact {
            path: foreign.into(),
            kind: Some(foreign.into()),
            exports: vec![foreign.into()],
            bytes: 1,
        }],
        trust: Some(TrustFact::Unreadable(foreign.into())),
        installed: Some(Ok(vec![InstalledFact {
            version: foreign.into(),
            current: true,
            state: foreign.into(),
            reason: Some(foreign.into()),
            ended: None,
        }])),
        ..Facts::default()
    };
    let source = Source::new(&text);
    let mut seen = 0;
    for offset in 0..text.len() {
        let Some(hover) = hover(&source, offset, &facts, &Options::default()) else { continue };
        seen += 1;
        let markdown = hover.doc.markdown();
        for shown in [&markdown, &hover.doc.plain()] {
            assert!(!shown.contains(|c: char| is_unseen(c) && c != '\n'), "{shown:?}");
        }
        // Code is taken out, and what is left has no live mark but those of our own links.
        let bare = without_code(&markdown).replace("](https://skillyard.dev/rules/", "");
        for live in ["](", "<s", "<b", "![", "http:", "https:", "www.", "\n# "] {
            assert!(!bare.contains(live), "{live:?} is alive in\n{markdown}");
        }
    }
    assert!(seen > 1000, "{seen}");
}

/// Markdown without its spans and blocks of code, and without what a backslash makes plain.
fn without_code(markdown: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    while let Some(c) = markdown[at..].chars().next() {
        match c {
            '\\' => at += 2,
            '`' => {
                let ticks = markdown[at..].chars().take_while(|c| *c == '`').count();
                at += ticks;
                loop {
                    at += markdown[at..].find('`').unwrap_or_else(|| panic!("not closed:\n{markdown}"));
                    let run = markdown[at..].chars().take_while(|c| *c == '`').count();
                    at += run;
                    if run == ticks {
                        break;
                    }
                }
            }
            c => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    out
}

/// Texts as authors have them, whole, broken and half typed.
fn texts() -> Vec<String> {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/manifests");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut texts: Vec<String> = files
        .into_iter()
        .step_by(83)
        .filter_map(|file| fs::read_to_string(file).ok())
        .filter(|text| text.len() < 2000)
        .collect();
    texts.push(GREETER.to_owned());
    texts.push(GREETER.replace('\n', "\r\n"));
    texts.push(GREETER.replace(" = ", " ="));
    texts.push(GREETER.replace(']', ""));
    texts.push(GREETER.replace('"', "'''"));
    texts.extend((0..GREETER.len()).step_by(211).map(|end| GREETER[..end].to_owned()));
    texts.push("[[entrypoints.tools]]\ninput_schema = { properties = { a = { ".repeat(3));
    texts.push("a = ".to_owned() + &"[".repeat(200));
    texts.push("entrypoints.tools = ".to_owned() + &"[{ input_schema = ".repeat(90));
    texts.push("é = \"\u{1F600}\" # skillyard: allow(é\u{1F600})\n[é.\u{202e}]".to_owned());
    texts
}

/// Any offset in any text has an answer: of hovers, hints and tokens.
#[test]
fn any_offset_in_any_text() {
    let facts = Facts { modules: vec![module()], installed: Some(Ok(vec![])), ..Facts::default() };
    let mut told = 0;
    for text in texts() {
        let source = Source::new(&text);
        for offset in 0..text.len() + 3 {
            let Some(hover) = hover(&source, offset, &facts, &Options::default()) else { continue };
            told += 1;
            assert!(hover.span.start <= offset && offset <= hover.span.end, "{text}");
            assert!(text.get(hover.span.start..hover.span.end).is_some(), "{text}");
            assert!(!hover.doc.markdown().is_empty() && !hover.doc.plain().is_empty());
        }
        let whole = crate::semantic_tokens(&source, None);
        let mut end = 0;
        for token in &whole {
            assert!(end <= token.span.start && !token.span.is_empty(), "{text}");
            assert!(!text[token.span.start..token.span.end].contains(['\n', '\r']), "{text}");
            end = token.span.end;
        }
        for cut in [0, text.len() / 3, text.len()] {
            let range = Span::new(cut.min(text.len()), text.len());
            let expected: Vec<_> = whole.iter().copied().filter(|token| token.span.intersects(range)).collect();
            assert_eq!(crate::semantic_tokens(&source, Some(range)), expected, "{text}");
        }
        for hint in crate::inlay_hints(&source, Span::new(0, text.len()), crate::InlayKinds::default()) {
            assert!(text.is_char_boundary(hint.offset), "{text}");
        }
    }
    assert!(told > 4_000, "{told}");
}

/// What is told at the `$0` in a `skillyard.toml`.
fn told_of_config(marked: &str) -> String {
    let (text, offset) = cursor(marked);
    let source = Source::of_shape(&text, &skillyard_manifest::config::CONFIG);
    hover(&source, offset, &Facts::default(), &Options::default()).unwrap().doc.plain()
}

#[test]
fn a_rule_that_is_set_is_told_with_its_page_and_its_level() {
    let text = told_of_config("[rules]\n\"egress/upper$0-case\" = \"warn\"\n");
    has(&text, &["Its severity is", "Wrong:", "`egress/upper-case` is reported as warning. Without an entry it is"]);
    assert!(text.starts_with("`egress/upper-case`"), "{text}");
    let text = told_of_config("[rules]\n\"egress/upper-case\" = \"al$0low\"\n");
    assert!(text.starts_with("`egress/upper-case` is not reported."), "{text}");
    has(&text, &["Its severity is"]);
    has(
        &told_of_config("rules = { \"egress/*$0\" = \"hint\" }"),
        &["egress/upper-case (", "`egress/*` is reported as hint"],
    );
    has(
        &told_of_config("[rules]\n\"$0*\" = \"hint\""),
        &["Every rule that no other entry sets.", "`*` is reported as hint"],
    );
    // What stays an error has a page too; what is no rule has none.
    has(&told_of_config("rules.\"tool/not-namespaced$0\" = \"warn\""), &["A daemon refuses the manifest"]);
    let text = told_of_config("[rules]\n\"a/b$0\" = \"warn\"");
    assert!(text.starts_with("`a/b` in `[rules]`") && !text.contains("* ="), "{text}");
}

#[test]
fn a_module_that_is_named_is_told_as_one() {
    for marked in ["[package.modules]\n\"a.wa$0sm\" = \"b.wasm\"", "package.modules = { \"a.wasm\" = \"$0b.wasm\" }"] {
        let text = told_of_config(marked);
        assert!(
            text.starts_with("`a.wasm` in `[package.modules]`\n\nA string, optional.\n\nWhere the file is"),
            "{text}"
        );
        assert!(!text.contains("* ="), "{text}");
    }
}
