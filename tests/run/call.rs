//! `skillyard run` on a skill: what is checked before and after, who decides, what a tool is given and where it ends.

use std::fs;

use serde_json::{Value, json};

use crate::{
    guest::{ARTIFACT, ASKS, FOLDERS, Guest, bytes, report, tool},
    skillyard::holds_against,
    world::ELEVENS,
};

const PLUGIN: &str = r#"(module (memory 1 1) (func (export "run") (result i32) i32.const 7))"#;

fn actions(report: &Value, decision: &str) -> Vec<String> {
    let actions = report["policy"]["actions"].as_array().unwrap();
    let chosen = actions.iter().filter(|action| action["decision"] == decision);
    chosen.map(|action| action["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_kind_runs_from_a_folder_and_from_an_artifact_of_whom_one_trusts() {
    let kinds = [
        (
            Guest::with(wat::parse_str(PLUGIN).unwrap(), &["echo"], ""),
            "palyra-plugin",
            json!({"exit_code": 7}),
            json!(7),
        ),
        (Guest::named("command", &["echo"], FOLDERS), "wasi-preview1-command", json!({"a": [1, "é"]}), json!(0)),
        (Guest::named("command-component", &["echo"], FOLDERS), "wasi-0.2-command", json!({"a": [1, "é"]}), json!(0)),
        (Guest::named("command-rust", &["echo"], FOLDERS), "wasi-preview1-command", json!({"a": [1, "é"]}), json!(0)),
        (Guest::named("skill", &["echo"], ASKS), "palyra-tool-component", json!({"a": [1, "é"]}), Value::Null),
    ];
    for (guest, kind, output, exit_code) in kinds {
        let call = ["--input", r#"{"a": [1, "é"]}"#, "acme.echo"];
        let folder = guest.fine(&call);
        assert_eq!((&folder["kind"], &folder["output"], &folder["exit_code"]), (&json!(kind), &output, &exit_code));
        assert_eq!(folder["daemon_runs"], kind == "palyra-plugin");
        assert_eq!((&folder["signed_by"], &folder["trust_decision"]), (&json!("throw_away"), &Value::Null));
        assert_eq!(folder["input"], json!({"a": [1, "é"]}));
        // Nothing was written into the workspace.
        assert!(!guest.0.0.path("skill/dist").exists());

        guest.0.run(&["package", "skill", "--key", "elevens.key"]).exits(0);
        let artifact = |trust: &[&str]| {
            guest.0.run(&[&["run", "--skill", ARTIFACT, "--format", "json"], &call[..], trust].concat())
        };
        let (code, refused) = report(&artifact(&[]).quietly());
        assert_eq!((code, &refused["error_kind"]), (Some(1), &json!("UntrustedPublisher")), "{refused:#}");
        assert!(refused["error"].as_str().unwrap().contains("refused"), "{refused:#}");
        assert_eq!((&refused["skill_id"], &refused["tool_id"]), (&json!("acme.guest"), &json!("acme.echo")));
        assert_eq!(
            (&refused["outcome"], &refused["walls"], &refused["output"]),
            (&Value::Null, &json!([]), &Value::Null)
        );
        assert!(!refused["findings"].as_array().unwrap().is_empty(), "{refused:#}");
        let person = guest.0.run(&[&["run", "--skill", ARTIFACT], &call[..]].concat()).exits(1);
        assert!(person.err.contains("refused") && person.out.is_empty(), "{person:?}");
        for (trust, decision) in [
            (&["--trusted-publisher", &format!("acme={ELEVENS}")][..], "allowlisted"),
            (&["--allow-tofu"], "tofu_newly_pinned"),
        ] {
            let (code, ran) = report(&artifact(trust));
            assert_eq!((code, &ran["output"]), (Some(0), &output), "{ran:#}");
            assert_eq!((&ran["signed_by"], &ran["trust_decision"]), (&json!("publisher"), &json!(decision)));
        }
        // Trusting for one call pins nothing.
        artifact(&[]).exits(1);
    }
}

#[test]
fn what_a_daemon_would_quarantine_is_refused() {
    // Raw sockets are given to no skill.
    let guest = Guest::named("tool", &["echo"], ASKS);
    let refused = guest.shown(&["acme.echo"]).exits(1);
    assert!(refused.err.contains("audit") && refused.err.contains("wasi:sockets"), "{refused:?}");
    let (code, refused) = guest.run(&["acme.echo"]);
    assert_eq!((code, &refused["error_kind"]), (Some(1), &json!("AuditFailed")), "{refused:#}");
    assert!(refused["error"].as_str().unwrap().contains("wasi:sockets"), "{refused:#}");
    assert_eq!((&refused["outcome"], &refused["version"]), (&Value::Null, &json!("1.0.0")));
    assert!(refused["findings"].as_array().unwrap().iter().any(|it| it["severity"] == "error"), "{refused:#}");
    assert!(!guest.0.0.path("home/skillyard/storage").exists(), "nothing ran");
}

#[test]
fn a_tool_that_is_not_there_is_told_with_those_that_are() {
    let guest = Guest::named("command", &["echo", "fail"], FOLDERS);
    let ran = guest.shown(&["acme.ecko"]).exits(2);
    assert!(ran.err.contains("acme.ecko") && ran.err.contains("acme.echo"), "{ran:?}");
    let ran = guest.shown(&[]).exits(2);
    assert!(ran.err.contains("acme.echo") && ran.err.contains("acme.fail"), "{ran:?}");
    let ran = guest.0.run(&["run", "--skill", "nowhere", "acme.echo"]).exits(2);
    assert!(ran.err.contains("nowhere"), "{ran:?}");
}

#[test]
fn input_and_output_hold_to_their_schemas() {
    let schemas = "input_schema = { type = \"object\", required = [\"n\"], properties = { n = { type = \"integer\", \
                   maximum = 9 } } }\noutput_schema = { type = \"object\", properties = { n = { minimum = 5 } } }";
    let guest = Guest::of(bytes("command"), &[tool("echo", schemas)], FOLDERS);
    assert_eq!(guest.fine(&["--input", r#"{"n": 6}"#])["output"], json!({"n": 6}));
    let broken = |report: &Value, of: &str, pointer: &str, keyword: &str| {
        let violation = &report["violations"][0];
        assert_eq!(violation["of"], of, "{report:#}");
        assert_eq!((&violation["pointer"], &violation["keyword"]), (&json!(pointer), &json!(keyword)), "{report:#}");
    };
    for (input, pointer, keyword) in
        [(r#"{"n": 10}"#, "/n", "maximum"), (r#"{"n": "x"}"#, "/n", "type"), ("{}", "", "required"), ("7", "", "type")]
    {
        let report = guest.ends("input_invalid", "nothing ran", &["--input", input]);
        broken(&report, "input", pointer, keyword);
        assert_eq!((&report["walls"], &report["policy"]), (&json!([]), &Value::Null), "nothing was started");
    }
    let report = guest.ends("output_invalid", "output_schema", &["--input", r#"{"n": 4}"#]);
    broken(&report, "output", "/n", "minimum");
    // No JSON at all, from a file and from standard input.
    guest.0.0.write("input.json", "{\"n\":");
    guest.ends("input_invalid", "", &["--input", "@input.json"]);
    guest.0.0.write("input.json", "{\"n\": 7}");
    assert_eq!(guest.fine(&["--input", "@input.json"])["output"], json!({"n": 7}));
    let ran = guest.0.0.run(&["run", "--skill", "skill", "--input", "@nowhere.json"]).exits(2);
    assert!(ran.err.contains("nowhere.json"), "{ran:?}");
}

/// A schema that a list of lists of numbers is held against for minutes, and little of it counted.
fn slow() -> String {
    let contains = r##"{ not = { contains = { "$ref" = "#/$defs/x" } } }"##;
    let (contains, numbers) = (vec![contains; 32].join(", "), lists(1_000_000, 1_007_900));
    format!("{{ allOf = [{contains}], \"$defs\" = {{ x = {{ enum = {numbers} }} }} }}")
}

/// `[[1], [2] …]`
fn lists(from: u32, to: u32) -> String {
    Value::Array((from..to).map(|n| json!([n])).collect()).to_string()
}

#[test]
fn a_schema_that_takes_too_long_is_given_up() {
    let long = format!("\"{}!\"", "a".repeat(400_000));
    let clock = "the check took too long: given up";
    // As much as the tool gives back.
    let again = Value::Array(vec![json!([1]); 16_000]).to_string();
    for (schemas, input, outcome, of, messages) in [
        (&format!("input_schema = {{}}\noutput_schema = {}", slow()), again, "output_invalid", "output", &[clock][..]),
        // A fast machine may come to the end of it, and finds then that the value is too long to be matched at all.
        (
            &"input_schema = { pattern = \"(?=(a+)+$)b\" }\noutput_schema = {}".to_owned(),
            long,
            "input_invalid",
            "input",
            &[clock, "the value is too long for a pattern that looks around or back: given up"],
        ),
    ] {
        let guest = Guest::of(bytes("command"), &[tool("echo", schemas)], FOLDERS);
        guest.0.0.write("input.json", &input);
        let report = guest.ends(outcome, of, &["--input", "@input.json"]);
        let violation = &report["violations"][0];
        assert_eq!((&violation["of"], &violation["keyword"]), (&json!(of), &json!("budget")), "{violation}");
        assert!(messages.iter().any(|message| violation["message"] == **message), "{violation}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_a_check_that_takes_too_long() {
    let schemas = format!("input_schema = {}\noutput_schema = {{}}", slow());
    let guest = Guest::of(bytes("command"), &[tool("echo", &schemas)], FOLDERS);
    let input = lists(0, 100_000);
    guest.0.0.write(
        "skill/tests/slow.json",
        format!("{{\"tool\": \"acme.echo\", \"input\": {input}, \"expect\": {{\"outcome\": \"ok\"}}}}"),
    );
    let mut command = guest.0.command(&["test", "skill"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // The thread that checks has a name.
    let tasks = format!("/proc/{}/task", child.id());
    let checks = || {
        let threads = fs::read_dir(&tasks).into_iter().flatten().flatten();
        threads.into_iter().any(|thread| fs::read_to_string(thread.path().join("comm")).is_ok_and(|it| it == "json\n"))
    };
    while !checks() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::yield_now();
    }
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ran = crate::skillyard::Ran::of(&child.wait_with_output().unwrap()).exits(2);
    assert!(ran.err.contains("cancelled"), "{ran:?}");
}

#[test]
fn what_needs_an_approval_waits_for_one() {
    let asks = tool("echo", "input_schema = {}\noutput_schema = {}\nrisk = { requires_approval = true }");
    let sensitive = tool("echo", "input_schema = {}\noutput_schema = {}\nrisk = { default_sensitive = true }");
    for needs in [asks, sensitive] {
        let guest = Guest::of(bytes("command"), &[needs], FOLDERS);
        let report = guest.ends("denied", "approve", &[]);
        assert!(actions(&report, "deny").contains(&"tool.execute".to_owned()), "{report:#}");
        assert_eq!((&report["walls"], &report["output"]), (&json!([]), &Value::Null), "nothing ran");
        assert!(!guest.0.0.path("home/skillyard/storage").exists());
        let report = guest.fine(&["--approve"]);
        assert_eq!(actions(&report, "deny"), [""; 0]);
    }
}

#[test]
fn a_capability_that_is_not_approved_is_not_given_though_the_tool_runs() {
    let guest = Guest::named("command", &["write", "echo"], FOLDERS);
    let report = guest.fine(&["acme.write", "--input", "\"out/a\""]);
    assert_eq!(report["output"]["result"], -1);
    assert_eq!(actions(&report, "deny"), ["skill.capability.filesystem.write"]);
    assert!(guest.is_stored("in") && !guest.is_stored("out"));

    let guest = Guest::named("skill", &["ask", "give"], ASKS);
    let token = ("SKILLYARD_SECRET_SKILL_ACME_GUEST__TOKEN", "hunter2hunter2");
    let (code, report) = guest.run_with(&[token], &["acme.give", "--input", "\"skill:acme.guest/token\""]);
    assert_eq!(code, Some(0), "{report:#}");
    assert!(report["output"].as_str().unwrap().starts_with("denied: "), "{report:#}");
    assert!(report["host_calls"][0]["decision"]["denied"].as_str().unwrap().contains("vault.read"), "{report:#}");
    let report = guest.fine(&["acme.ask", "--allow-loopback", "--input", "\"localhost:9\""]);
    assert_eq!(report["output"], "refused");
    assert!(report["host_calls"][0]["decision"]["denied"].as_str().unwrap().contains("http.egress"), "{report:#}");
}

#[test]
fn a_persons_own_policies_hold_and_a_broken_file_runs_nothing() {
    let guest = Guest::named("command", &["write"], FOLDERS);
    let write = ["--approve", "--policy-file", "mine.cedar", "--input", "\"out/a\""];
    guest
        .0
        .0
        .write("mine.cedar", "@id(\"not-today\")\nforbid (principal, action == Action::\"tool.execute\", resource);");
    let report = guest.ends("denied", "policy", &write);
    assert_eq!(report["policy"]["decision"], "deny");
    assert!(report["policy"]["policies"].as_array().unwrap().contains(&json!("not-today")), "{report:#}");
    // One capability only: the tool runs without it.
    guest.0.0.write(
        "mine.cedar",
        "@id(\"no-files\")\nforbid (principal, action == Action::\"skill.capability.filesystem.write\", resource);",
    );
    let report = guest.fine(&write);
    assert_eq!(report["output"]["result"], -1);
    assert_eq!(actions(&report, "deny"), ["skill.capability.filesystem.write"]);
    // A permit cannot lift what is always forbidden.
    guest.0.0.write("mine.cedar", "permit (principal, action, resource);");
    let report = guest.fine(&["--policy-file", "mine.cedar", "--input", "\"out/a\""]);
    assert_eq!(report["output"]["result"], -1);
    for broken in [
        "permit (principal, action, resource);\nforbid (principal,",
        "// One line.\nforbid (principal, action, resource) when { context.aproved };",
    ] {
        guest.0.0.write("mine.cedar", broken);
        let ran = guest.shown(&write).exits(2);
        assert!(ran.err.contains("mine.cedar:2"), "{ran:?}");
    }
    let ran = guest.shown(&["--policy-file", "nowhere.cedar"]).exits(2);
    assert!(ran.err.contains("nowhere.cedar"), "{ran:?}");
    assert!(!guest.is_stored("out/a"));
}

#[test]
fn a_secret_comes_back_in_nothing() {
    const SECRET: &str = "hunter2-and-more";
    // The same in base64, with and without what pads it.
    const BASE64: &str = "aHVudGVyMi1hbmQtbW9yZQ";
    let guest = Guest::named("skill", &["give", "echo", "secret-log", "secret-error"], ASKS);
    let run = |more: &[&str]| {
        let variables = [("SKILLYARD_SECRET_SKILL_ACME_GUEST__TOKEN", SECRET)];
        let json = guest
            .0
            .run_with(&variables, &[&["run", "--skill", "skill", "--format", "json", "--approve"], more].concat());
        let human =
            guest.0.run_with(&variables, &[&["run", "--skill", "skill", "--trace", "--approve"], more].concat());
        for ran in [&json, &human] {
            for form in [SECRET, BASE64, &SECRET[..8], &SECRET[8..]] {
                assert!(!ran.out.contains(form) && !ran.err.contains(form), "{form} in {ran:?}");
            }
        }
        report(&json).1
    };
    let name = "\"skill:acme.guest/token\"";
    let given = run(&["acme.give", "--input", name]);
    assert_eq!(
        (&given["outcome"], &given["host_calls"][0]["decision"]),
        (&json!("ok"), &json!("allowed")),
        "{given:#}"
    );
    assert_eq!(run(&["acme.secret-log", "--input", name])["logs"].as_array().unwrap().len(), 3);
    let failed = run(&["acme.secret-error", "--input", name]);
    assert_eq!(failed["outcome"], "tool_error");
    // What a tool makes of it: here it was told it, in three forms, and says it again.
    let input = json!({"plain": SECRET, "base64": format!("{BASE64}=="), SECRET: 1}).to_string();
    assert_eq!(run(&["acme.echo", "--input", &input])["outcome"], "ok");
    // Not on the disk either.
    for name in guest.0.0.files().iter().filter(|name| name.starts_with("home/")) {
        let bytes = fs::read(guest.0.0.path(name)).unwrap();
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "{name}");
    }
    // One that is declared and has no value is told by what would give it one.
    let report = guest.fine(&["acme.give", "--approve", "--input", name]);
    assert!(report["output"].as_str().unwrap().contains("skillyard secret set"), "{report:#}");
    let report = guest.fine(&["acme.give", "--approve", "--input", "\"skill:acme.guest/other\""]);
    assert!(report["host_calls"][0]["decision"]["denied"].as_str().unwrap().contains("capabilities.secrets"));
}

#[test]
fn a_secret_in_an_input_is_neither_kept_nor_shown_whether_or_not_it_was_given() {
    const SECRET: &str = "hunter2-and-more";
    let risky = "risk = { requires_approval = true }";
    let closed = "additionalProperties = false";
    let tools = [
        tool("echo", "input_schema = {}\noutput_schema = {}"),
        tool("risky", &format!("input_schema = {{}}\noutput_schema = {{}}\n{risky}")),
        tool("closed", &format!("input_schema = {{ {closed} }}\noutput_schema = {{}}")),
    ];
    let guest = Guest::of(bytes("skill"), &tools, ASKS);
    let variables = [("SKILLYARD_SECRET_SKILL_ACME_GUEST__TOKEN", SECRET)];
    let kept = |words: &str| {
        let files = guest.0.0.files();
        let mut home = files.iter().filter(|name| name.starts_with("home/"));
        home.any(|name| {
            fs::read(guest.0.0.path(name)).unwrap().windows(words.len()).any(|window| window == words.as_bytes())
        })
    };
    let whole = json!({"marker": SECRET}).to_string();
    let halves = json!({"a": &SECRET[..8], "b": &SECRET[8..], "marker": 1}).to_string();
    let key = json!({SECRET: 1, "marker": 1}).to_string();
    for (tool, outcome) in [("echo", "ok"), ("risky", "denied"), ("closed", "input_invalid")] {
        for input in [&whole, &halves, &key] {
            for approve in [&[][..], &["--approve"]] {
                let tool = format!("acme.{tool}");
                let arguments = [&[tool.as_str(), "--input", input], approve].concat();
                let (_, report) = guest.run_with(&variables, &arguments);
                assert!(report["outcome"] == outcome || !approve.is_empty(), "{report:#}");
                let text = report.to_string();
                for form in [SECRET, &SECRET[..8], &SECRET[8..]] {
                    assert!(!text.contains(form), "{form} in {report:#}");
                }
                assert!(!kept("marker"), "{report:#}");
            }
        }
    }
    // One that is longer than what is shown of a name, and that a pointer writes in another way.
    let long = format!("hunter2/{}", "and-more/".repeat(40));
    let variables = [("SKILLYARD_SECRET_SKILL_ACME_GUEST__TOKEN", long.as_str())];
    let input = json!({"a".repeat(290) + &long: 1, &long: 1, "marker": 1}).to_string();
    let (_, report) = guest.run_with(&variables, &["acme.closed", "--input", &input]);
    assert_eq!(
        (&report["outcome"], report["violations"].as_array().unwrap().is_empty()),
        (&json!("input_invalid"), false)
    );
    for form in ["hunter2", "and-more"] {
        assert!(!report.to_string().contains(form), "{form} in {report:#}");
    }
    // Any other input is kept.
    guest.run_with(&variables, &["acme.echo", "--input", r#"{"marker": 1}"#]);
    assert!(kept("marker"));
}

#[test]
fn an_output_is_held_against_its_schema_as_the_tool_gave_it() {
    const SECRET: &str = "12345678";
    let schemas = "input_schema = {}\noutput_schema = { items = { type = \"number\" }, additionalProperties = false }";
    let guest = Guest::of(bytes("skill"), &[tool("echo", schemas)], ASKS);
    let variables = [("SKILLYARD_SECRET_SKILL_ACME_GUEST__TOKEN", SECRET)];
    let run = |input: &str| guest.run_with(&variables, &["--approve", "--input", input]).1;
    let report = run("[12345678, 1.2345678e7]");
    assert_eq!((&report["outcome"], &report["output"]), (&json!("ok"), &json!(["***", "***"])), "{report:#}");
    let report = run(r#"{"x-12345678-y": 1}"#);
    let violation = &report["violations"][0];
    assert_eq!((&report["outcome"], &violation["of"]), (&json!("output_invalid"), &json!("output")), "{report:#}");
    assert!(!report.to_string().contains(SECRET), "{report:#}");
}

#[test]
fn granted_folders_are_the_persons_own() {
    let guest = Guest::named("command", &["read", "write", "symlink"], FOLDERS);
    let call = |tool: &str, paths: &str| {
        guest.fine(&[tool, "--approve", "--input", &format!("\"{paths}\"")])["output"].clone()
    };
    let storage = guest.storage("acme.read");
    assert_eq!(call("acme.write", "out/a")["result"], 0);
    assert_eq!(fs::read_to_string(storage.join("out/a")).unwrap(), "written");
    fs::write(storage.join("in/b"), "from a person").unwrap();
    assert_eq!(call("acme.read", "in/b"), "from a person");
    assert_eq!(call("acme.read", "out/a"), "written");
    // Read is not write, and nothing else is there.
    fs::write(storage.join("beside"), "x").unwrap();
    guest.0.0.write("home/skillyard/storage/skill.acme.other/out/a", "of another");
    for (tool, path) in [
        ("acme.write", "in/c"),
        ("acme.read", "beside"),
        ("acme.read", "in/../beside"),
        ("acme.read", "out/../../skill.acme.other/out/a"),
        ("acme.read", "/etc/passwd"),
        ("acme.write", "/tmp/skillyard-test"),
        ("acme.read", "skill.toml"),
    ] {
        assert_eq!(call(tool, path)["result"], -1, "{tool} {path}");
    }
    assert!(!storage.join("in/c").exists());
}

#[test]
fn an_id_opens_nothing_of_another_that_has_it() {
    let mine = Guest::named("command", &["read", "write"], FOLDERS);
    mine.fine(&["acme.write", "--approve", "--input", "\"out/a\""]);
    // Another folder, with a manifest that gives the same id.
    mine.0.0.write("clone/skill.toml", mine.0.0.read("skill/skill.toml"));
    mine.0.0.write("clone/modules/tool.wasm", fs::read(mine.0.0.path("skill/modules/tool.wasm")).unwrap());
    let read = ["acme.read", "--approve", "--input", "\"out/a\"", "--format", "json"];
    let run = |more: &[&str]| report(&mine.0.run(&[&["run"], more, &read].concat()).exits(0)).1;
    assert_eq!(run(&["--skill", "skill"])["output"], "written");
    let clone = run(&["--skill", "clone"]);
    assert_eq!(clone["output"]["result"], -1, "{clone:#}");

    // The same skill by a stranger, and by whom one trusts: what the latter keeps no stranger reads.
    mine.0.package(&[]);
    let elevens = format!("acme={ELEVENS}");
    let trusted = ["--skill", ARTIFACT, "--trusted-publisher", &elevens];
    let write = ["run", "acme.write", "--approve", "--input", "\"out/a\""];
    mine.0.run(&[&write[..], &trusted].concat()).exits(0);
    assert_eq!(run(&trusted)["output"], "written");
    let stranger = run(&["--skill", ARTIFACT, "--allow-tofu"]);
    assert_eq!(stranger["output"]["result"], -1, "{stranger:#}");
    // Another publisher whom one trusts may give a skill the same id.
    let manifest = mine.0.0.read("skill/skill.toml");
    let manifest = manifest.replace("publisher = \"acme\"", "publisher = \"other\"").replace("\"acme.re", "\"other.re");
    mine.0.0.write("other/skill.toml", manifest.replace("\"acme.wr", "\"other.wr"));
    mine.0.0.write("other/modules/tool.wasm", fs::read(mine.0.0.path("skill/modules/tool.wasm")).unwrap());
    mine.0.run(&["package", "other", "--key", "elevens.key"]).exits(0);
    let artifact = "other/dist/acme.guest-1.0.0.palyra-skill";
    let other = ["run", "--skill", artifact, "--trusted-publisher", &format!("other={ELEVENS}"), "other.read"];
    let other = report(&mine.0.run(&[&other[..], &read[1..]].concat()).exits(0)).1;
    assert_eq!(other["output"]["result"], -1, "{other:#}");
    let all = [&run(&["--skill", "skill"]), &clone, &other, &run(&trusted), &stranger].map(|it| it["storage"].clone());
    for (at, one) in all.iter().enumerate() {
        assert!(!all[at + 1..].contains(one), "{all:?}");
    }
}

#[cfg(unix)]
#[test]
fn no_symbolic_link_leads_out() {
    let guest = Guest::named("command", &["read", "write", "symlink"], FOLDERS);
    let storage = guest.storage("acme.read");
    let call = |tool: &str, paths: &str| {
        guest.fine(&[tool, "--approve", "--input", &format!("\"{paths}\"")])["output"].clone()
    };
    guest.0.0.write("outside", "private");
    call("acme.write", "out/a");
    std::os::unix::fs::symlink(guest.0.0.path("outside"), storage.join("out/link")).unwrap();
    std::os::unix::fs::symlink(guest.0.0.path(""), storage.join("out/folder")).unwrap();
    // One that the tool makes itself.
    call("acme.symlink", "../../../../../outside out/own");
    for path in ["out/link", "out/folder/outside", "out/own"] {
        assert_eq!(call("acme.read", path)["result"], -1, "{path}");
        assert_eq!(call("acme.write", path)["result"], -1, "{path}");
    }
    assert_eq!(guest.0.0.read("outside"), "private");
    // A root that is a link is no folder of the tool's.
    fs::remove_dir_all(storage.join("in")).unwrap();
    std::os::unix::fs::symlink(guest.0.0.path(""), storage.join("in")).unwrap();
    let ran = guest.shown(&["acme.read", "--approve", "--input", "\"in/outside\""]).exits(2);
    assert!(ran.err.contains("no folder, or a link") && !ran.out.contains("private"), "{ran:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_home_whose_path_is_no_text_is_one_like_any_other() {
    use std::os::unix::ffi::OsStrExt as _;
    let guest = Guest::named("command", &["write", "read"], FOLDERS);
    let home = guest.0.0.path("").join(std::ffi::OsStr::from_bytes(b"h\xff"));
    for (tool, output) in
        [("acme.write", Value::Null), ("acme.read", json!("written")), ("acme.read", json!("written"))]
    {
        let mut command = guest.0.command(&[
            "run",
            "--skill",
            "skill",
            "--format",
            "json",
            "--approve",
            "--input",
            "\"out/a\"",
            tool,
        ]);
        let (code, report) =
            report(&crate::skillyard::Ran::of(&command.env("SKILLYARD_HOME", &home).output().unwrap()));
        assert_eq!((code, &report["outcome"]), (Some(0), &json!("ok")), "{report:#}");
        assert!(output.is_null() || report["output"] == output, "{report:#}");
    }
    let storages = fs::read_dir(home.join("skillyard/storage")).unwrap().map(|entry| entry.unwrap().path());
    let [storage] = storages.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(fs::read(storage.join("out/a")).unwrap(), b"written");
}

#[test]
fn each_limit_has_its_outcome_and_names_its_key() {
    const FUEL: &str = "capabilities.quotas.fuel_budget";
    const MEMORY: &str = "capabilities.quotas.max_memory_bytes";
    const CLOCK: &str = "capabilities.quotas.wall_clock_timeout_ms";
    let endless = "1000000000000000";
    for (tool, fuel, memory, clock, outcome, words) in [
        ("loop", "100000", "67108864", "30000", "fuel_exhausted", FUEL),
        ("loop", endless, "67108864", "1000", "timed_out", CLOCK),
        ("sleep", endless, "67108864", "1000", "timed_out", CLOCK),
        ("memory-trap", endless, "4194304", "30000", "memory_exceeded", MEMORY),
        ("logs", endless, "67108864", "30000", "log_too_large", "1048576"),
        ("long-line", endless, "67108864", "30000", "log_too_large", "1048576"),
        ("output", endless, "67108864", "30000", "output_too_large", "16777216"),
        ("fail", endless, "67108864", "30000", "tool_error", "3"),
    ] {
        let quotas = format!(
            "{FOLDERS}[capabilities.quotas]\nfuel_budget = {fuel}\nmax_memory_bytes = {memory}\n\
             wall_clock_timeout_ms = {clock}\n"
        );
        let guest = Guest::named("command", &[tool], &quotas);
        let report = guest.ends(outcome, words, &[]);
        assert_eq!(report["fuel"]["budget"].to_string(), fuel);
        assert_eq!(report["memory"]["limit_bytes"].to_string(), memory);
        assert_eq!(report["wall_clock_ms"].to_string(), clock);
        assert!(report["memory"]["peak_bytes"].as_u64() <= report["memory"]["limit_bytes"].as_u64(), "{report:#}");
    }
}

#[test]
fn a_plugin_that_recurses_and_one_that_traps_are_told_apart() {
    let deep = r#"(module (memory 1 1) (func $run (export "run") (result i32) call $run i32.const 1 i32.add))"#;
    let trap = r#"(module (memory 1 1) (func (export "run") (result i32) unreachable))"#;
    for (text, outcome) in [(deep, "stack_overflow"), (trap, "trapped")] {
        let report = Guest::with(wat::parse_str(text).unwrap(), &["echo"], "").ends(outcome, "", &[]);
        assert_eq!(report["daemon_outcome"], "Execution", "{report:#}");
    }
}

#[test]
fn output_that_is_no_text_is_refused() {
    Guest::named("command", &["binary"], FOLDERS).ends("output_invalid", "", &[]);
}

#[test]
fn a_call_with_a_seed_is_the_same_twice() {
    let guest = Guest::named("command", &["random"], FOLDERS);
    let output = |seed: &[&str]| guest.fine(seed)["output"].clone();
    assert_eq!(output(&["--deterministic=5"]), output(&["--deterministic=5"]));
    assert_ne!(output(&["--deterministic=5"]), output(&["--deterministic=6"]));
    assert_ne!(output(&[]), output(&[]));
}

#[test]
fn the_second_run_compiles_nothing() {
    let guest = Guest::named("command", &["echo"], FOLDERS);
    let compiled = || guest.fine(&[])["compile_ms"].is_number();
    let kept = || {
        let all = guest.0.0.files().into_iter();
        all.filter(|name| name.starts_with("home/skillyard/compiled/") && name.ends_with(".bin")).collect::<Vec<_>>()
    };
    assert!(guest.fine(&["--no-cache"])["compile_ms"].is_number());
    assert_eq!(kept(), [""; 0], "nothing is kept where nobody wants it");
    assert!(compiled());
    assert!(!compiled());
    assert!(guest.fine(&["--no-cache"])["compile_ms"].is_number());
    // What somebody changed is compiled again, and nothing of it runs.
    let [file] = &kept()[..] else { panic!("{:?}", kept()) };
    let mut bytes = fs::read(guest.0.0.path(file)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(guest.0.0.path(file), bytes).unwrap();
    assert!(compiled());
    assert!(!compiled());
    let info = guest.0.run(&["cache", "info", "--format", "json"]).exits(0).json();
    assert_eq!(info["entries"], 1);
}

#[test]
fn a_person_sees_bars_and_no_control_characters() {
    let guest = Guest::named("command", &["colours"], FOLDERS);
    for more in [&[][..], &["--trace"]] {
        let shown = guest.shown(&[&["acme.colours"], more].concat()).exits(0).quietly().out;
        assert!(shown.contains("red") && shown.contains('█') && shown.contains('░'), "{shown}");
        for name in ["fuel", "memory", "time", "landlock", "signed by", "tool.execute"] {
            assert!(shown.contains(name) || (name == "landlock" && !cfg!(target_os = "linux")), "{name}: {shown}");
        }
        let bad = shown.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
        assert_eq!(bad, None, "{shown}");
    }
}

#[test]
fn doctor_says_what_stands() {
    let guest = Guest::named("command", &["echo"], FOLDERS);
    let ran = guest.0.run(&["doctor", "--format", "json"]).exits(0).quietly();
    let report = ran.json();
    holds_against("schema/doctor-report.schema.json", &report);
    let areas: Vec<&str> =
        report["signs"].as_array().unwrap().iter().map(|sign| sign["area"].as_str().unwrap()).collect();
    for area in ["engine", "walls", "stores", "editors"] {
        assert!(areas.contains(&area), "{areas:?}");
    }
    assert!(!guest.0.0.path("home").exists(), "it looks and changes nothing");
    guest.0.run(&["doctor"]).exits(0).quietly();
}

#[test]
fn a_guest_in_rust_has_its_standard_library() {
    let tools = ["echo", "count", "read", "write", "list", "surroundings", "panic", "exit"];
    let guest = Guest::named("command-rust", &tools, FOLDERS);
    let call = |tool: &str, input: &str| guest.fine(&[tool, "--approve", "--input", &format!("\"{input}\"")]);
    let echo = call("acme.echo", "é");
    assert_eq!((&echo["output"], &echo["kind"]), (&json!("é"), &json!("wasi-preview1-command")));
    assert_eq!(echo["logs"], json!([{"level": "stderr", "text": "hello from Rust"}]));
    assert_eq!(call("acme.count", "hello")["output"], json!({"e": 1, "h": 1, "l": 2, "o": 1}));
    assert_eq!(
        call("acme.surroundings", "")["output"],
        json!({"variables": 0, "socket": false, "clock": true}),
        "no variables, no network"
    );
    // Files, each named from the top in the trace.
    let asked = |report: &Value| {
        let calls = report["host_calls"].as_array().unwrap().iter();
        calls.map(|call| call["arguments"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let written = call("acme.write", "/out/a");
    assert_eq!((&written["output"], asked(&written)), (&json!({"ok": "done"}), vec!["/out/a".to_owned()]));
    let read = call("acme.read", "/out/a");
    // It is opened, and then asked for its size.
    assert_eq!((&read["output"], asked(&read)), (&json!({"ok": "written"}), vec!["/out/a".to_owned(); 2]));
    assert_eq!((&read["host_calls"][0]["name"], &read["host_calls"][1]["name"]), (&json!("open"), &json!("stat")));
    let listed = call("acme.list", "/out");
    assert_eq!(listed["output"], json!({"ok": "a"}));
    assert!(asked(&listed).iter().all(|path| path.starts_with("/out")), "{listed:#}");
    assert_eq!(call("acme.write", "/in/a")["output"], json!({"error": "PermissionDenied"}));
    let refused = call("acme.read", "/in/../../outside");
    assert!(refused["output"]["error"].is_string(), "{refused:#}");
    assert!(asked(&refused).iter().all(|path| path.starts_with("/in/")), "{refused:#}");
    // How it fails.
    let report = guest.ends("trapped", "", &["acme.panic", "--input", "\"badly\""]);
    let logs = report["logs"].to_string();
    assert!(logs.contains("it is broken: badly") && logs.contains("/guest") | logs.contains("main.rs"), "{logs}");
    assert_eq!(guest.ends("tool_error", "3", &["acme.exit"])["exit_code"], 3);
}

/// What a call says is not used.
fn unused(report: &Value) -> Vec<&str> {
    let hints = report["hints"].as_array().unwrap().iter();
    hints.filter(|hint| hint["code"] == "run/unused-grant").map(|hint| hint["value"].as_str().unwrap_or("")).collect()
}

#[test]
fn what_a_call_wanted_is_not_called_unused() {
    // A root whose name has a space.
    let roots = "[capabilities.filesystem]\nread_roots = [\"in\"]\nwrite_roots = [\"my dir\", \"out\"]\n";
    let guest = Guest::named("command-rust", &["write"], roots);
    let report = guest.fine(&["acme.write", "--approve", "--input", "\"/my dir/a\""]);
    let mut found = unused(&report);
    found.sort_unstable();
    assert_eq!(found, ["in", "out"], "{report:#}");
    // Who has switched that off is not told, as in an editor.
    guest.0.0.write("skill/skillyard.toml", "[rules]\n\"run/unused-grant\" = \"allow\"\n");
    let report = guest.fine(&["acme.write", "--approve", "--input", "\"/my dir/a\""]);
    assert_eq!(unused(&report), [""; 0], "{report:#}");
    fs::remove_file(guest.0.0.path("skill/skillyard.toml")).unwrap();
    let manifest = fs::read_to_string(guest.0.0.path("skill/skill.toml")).unwrap();
    let allowed = manifest.replace("read_roots =", "# skillyard: allow(run/unused-grant): later\nread_roots =");
    guest.0.0.write("skill/skill.toml", &allowed);
    let report = guest.fine(&["acme.write", "--approve", "--input", "\"/my dir/a\""]);
    assert_eq!(unused(&report), ["out"], "{report:#}");
    guest.0.0.write("skill/skill.toml", &manifest);
    // Roots that the policy did not give: nobody knows what the tool would have done with them.
    let report = guest.fine(&["acme.write", "--input", "\"/my dir/a\""]);
    assert_eq!(unused(&report), ["in"], "{report:#}");

    // A host and a secret that the policy did not give, asked for and not.
    let guest = Guest::named("skill", &["ask", "give", "echo"], ASKS);
    for (tool, input) in [("acme.ask", "localhost"), ("acme.give", "skill:acme.guest/token"), ("acme.echo", "x")] {
        let report = guest.fine(&[tool, "--input", &format!("\"{input}\"")]);
        assert_eq!(unused(&report), [""; 0], "{tool}: {report:#}");
    }
    // The secret has no value here, and the tool wanted it.
    let report = guest.fine(&["acme.give", "--approve", "--input", "\"skill:acme.guest/token\""]);
    assert_eq!(unused(&report), ["localhost"], "{report:#}");
    let report = guest.fine(&["acme.echo", "--approve", "--input", "\"x\""]);
    assert_eq!(unused(&report), ["localhost", "skill:acme.guest/token"], "{report:#}");

    // A folder that is only listed.
    let guest = Guest::named("command-rust", &["list"], FOLDERS);
    let report = guest.fine(&["acme.list", "--approve", "--input", "\"/in\""]);
    assert_eq!(unused(&report), ["out"], "{report:#}");
}

#[test]
fn a_plugin_is_handed_nothing_that_the_policy_denies() {
    let text = r#"(module
        (import "palyra:plugins/host-capabilities@0.1.0" "http-handle" (func $h (param i32) (result i32)))
        (memory 1 1)
        (func (export "run") (result i32) (call $h (i32.const 0))))"#;
    let guest = Guest::with(wat::parse_str(text).unwrap(), &["echo"], ASKS);
    let report = guest.fine(&["acme.echo"]);
    assert_eq!((&report["exit_code"], &report["handles"]["http"]), (&json!(-1), &json!([])), "{report:#}");
    let why = report["host_calls"][0]["decision"]["denied"].as_str().unwrap();
    assert!(why.contains("skill.capability.http.egress"), "{report:#}");
    let report = guest.fine(&["acme.echo", "--approve"]);
    assert_eq!((&report["exit_code"], &report["handles"]["http"]), (&json!(10_000), &json!([10_000])), "{report:#}");
    assert_eq!(report["host_calls"][0]["decision"], "allowed");
}

#[test]
fn a_persons_own_policies_hold_for_every_call() {
    const HOME: &str = "home/skillyard/policy.cedar";
    let guest = Guest::named("command", &["echo", "fail"], FOLDERS);
    let case = r#"{"tool": "acme.echo", "expect": {"outcome": "denied"}}"#;
    guest.0.0.write("skill/tests/a.json", case);
    let doctor = || guest.0.run(&["doctor"]);
    assert!(doctor().exits(0).out.contains("policy.cedar"), "it says where they would be");
    guest.fine(&["acme.echo"]);

    let forbid = "@id(\"no-echo\") forbid(principal, action == Action::\"tool.execute\", \
                  resource == Tool::\"acme.echo\");\n";
    guest.0.0.write(HOME, forbid);
    let report = guest.ends("denied", "no-echo", &["acme.echo"]);
    assert!(report["policy"]["policies"].as_array().unwrap().contains(&json!("no-echo")), "{report:#}");
    guest.0.run(&["test", "skill"]).exits(0);
    doctor().exits(0);
    // A file that is named goes on top, and lifts nothing; that of the home may be named too.
    guest.0.0.write("more.cedar", "permit(principal, action, resource);\n");
    guest.ends("denied", "no-echo", &["acme.echo", "--policy-file", "more.cedar"]);
    guest.ends("denied", "no-echo", &["acme.echo", "--policy-file", HOME]);

    // What is broken, or not there any more, runs nothing.
    guest.0.0.write(HOME, "forbid(");
    let ran = guest.shown(&["acme.echo"]).exits(2);
    assert!(ran.err.contains("policy.cedar:1:"), "{ran:?}");
    guest.0.run(&["test", "skill"]).exits(1);
    assert!(doctor().out.contains("until then no tool runs"));
    #[cfg(unix)]
    {
        let home = guest.0.0.path(HOME);
        fs::remove_file(&home).unwrap();
        std::os::unix::fs::symlink("nowhere.cedar", &home).unwrap();
        guest.shown(&["acme.echo"]).exits(2);
        fs::remove_file(&home).unwrap();
    }
    // One in the workspace counts for nothing.
    for place in ["policy.cedar", "skill/policy.cedar", "skill/skillyard/policy.cedar"] {
        guest.0.0.write(place, forbid);
    }
    guest.fine(&["acme.echo"]);
}

#[test]
fn memory_that_a_daemon_would_give_is_told() {
    // Two memories of a page each, and one more page: each for itself is below the limit, all together are not.
    let text = r#"(module (memory 1) (memory 1)
        (func (export "run") (result i32) (memory.grow 0 (i32.const 1))))"#;
    let hints = |bytes: u32| {
        let quotas = format!("[capabilities.quotas]\nmax_memory_bytes = {bytes}\n");
        let report = Guest::with(wat::parse_str(text).unwrap(), &["echo"], &quotas).fine(&["acme.echo"]);
        let all = report["hints"].as_array().unwrap().clone();
        let codes = all.into_iter().filter(|hint| hint["code"] == "run/daemon-differs").collect::<Vec<_>>();
        (report["exit_code"].clone(), codes)
    };
    let (code, told) = hints(2 << 16);
    assert_eq!((code, told.len()), (json!(-1), 1), "{told:#?}");
    assert!(told[0]["message"].as_str().unwrap().contains("for each memory apart"), "{told:#?}");
    assert_eq!(hints(3 << 16), (json!(1), vec![]));
}

#[test]
fn no_number_changes_on_its_way_into_a_tool_and_out() {
    let guest = Guest::named("skill", &["echo"], ASKS);
    for number in ["18446744073709551616", "1e5", "0.10", "3.14159265358979323846"] {
        let input = format!(" {{\"n\" : [{number}]}}\n");
        let report = guest.fine(&["acme.echo", "--input", &input]);
        let kept = matches!(number, "1e5" | "0.10");
        let text = if kept { Value::Null } else { json!(input.trim()) };
        assert_eq!(report["output_text"], text, "{report:#}");
        let shown = guest.shown(&["acme.echo", "--input", &input]).exits(0).out;
        assert!(kept || shown.contains(number), "{shown}");
    }
    // The bytes are those of the input: an exit code, a length, a digest of them would tell.
    let guest = Guest::named("command", &["echo"], FOLDERS);
    let report = guest.fine(&["--input", "{\"n\": 18446744073709551616}"]);
    assert_eq!(report["output_text"], "{\"n\": 18446744073709551616}", "{report:#}");
    // What readers read otherwise is no input.
    let report = guest.ends("input_invalid", "one name twice", &["--input", "{\"a\": 1, \"a\": 2}"]);
    assert_eq!(report["violations"][0]["keyword"], "json", "{report:#}");
    // A case cannot hold it, and says so.
    let case = "{\"tool\": \"acme.echo\", \"input\": 18446744073709551616, \"expect\": {\"outcome\": \"ok\"}}";
    guest.0.0.write("skill/tests/a.json", case);
    let ran = guest.0.run(&["test", "skill"]).exits(1);
    assert!(ran.out.contains("18446744073709551616"), "{ran:?}");
}
