//! The audit: a daemon's recorded checks, and every finding beyond them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod common;

use std::{collections::BTreeSet, io::Write as _};

use common::*;
use flate2::{Compression, write::ZlibEncoder};
use serde_json::{Value, json};
use skillyard_artifact::{
    Cancelled, Progress,
    audit::{Advisories, AdvisoryError, Policy, SignatureFacts, Status, Subject, audit},
    trust::TrustDecision,
};
use skillyard_manifest::{Severity, Severity::*, rules};

#[test]
fn a_daemons_recorded_audits_agree() {
    let mut audited = 0;
    for line in std::fs::read_to_string(conformance("artifacts.jsonl")).unwrap().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let Some(wanted) = record.get("audit").filter(|audit| audit["checks"].is_array()) else { continue };
        let file = record["file"].as_str().unwrap();
        let entries = unzip(file, &std::fs::read(conformance(&format!("artifacts/{file}"))).unwrap());
        let text = entries.iter().find(|(name, _)| name == "skill.toml").unwrap();
        let text = String::from_utf8(text.1.clone()).unwrap();
        let manifest = toml::from_str(text.trim_start_matches('\u{feff}')).unwrap();
        let warnings = skillyard_manifest::warnings(&manifest);
        let modules: Vec<_> =
            entries.iter().filter(|(name, _)| name.ends_with(".wasm")).map(|(n, c)| (&**n, &**c)).collect();
        let facts = SignatureFacts {
            accepted: true,
            trust_decision: Some(TrustDecision::TofuNewlyPinned),
            payload_sha256: record["payload_sha256"].as_str().unwrap().to_owned(),
        };
        let subject = Subject {
            manifest: &manifest,
            warnings: &warnings,
            modules: &modules,
            sbom: true,
            provenance: true,
            signature: Some(facts),
        };
        let report = audit(&subject, &Policy::default(), 7, None, &()).unwrap();
        let checks: Vec<_> = report.checks.iter().map(|c| json!([c.check_id, c.status.name()])).collect();
        assert_eq!(json!(checks), wanted["checks"], "{file}");
        assert_eq!(json!(report.daemon_passed()), wanted["passed"], "{file}");
        // Never more lenient.
        assert!(report.daemon_passed() || !report.passed(), "{file}");
        audited += 1;
    }
    assert!(audited >= 30, "only {audited} recorded audits");
}

/// A module that a daemon runs, with `more` in it.
fn plugin(more: &str) -> Vec<u8> {
    wasm(&format!("(module {more} (func (export \"run\") (result i32) i32.const 7))"))
}

fn host(function: &str, ty: &str) -> String {
    format!("(import \"palyra:plugins/host-capabilities@0.1.0\" \"{function}\" (func {ty}))")
}

/// `bytes` as a custom section behind a module.
fn with_section(mut module: Vec<u8>, name: &str, bytes: &[u8]) -> Vec<u8> {
    fn leb(out: &mut Vec<u8>, mut n: usize) {
        while n >= 0x80 {
            out.push(0x80 | u8::try_from(n & 0x7f).unwrap());
            n >>= 7;
        }
        out.push(u8::try_from(n).unwrap());
    }
    let mut content = Vec::new();
    leb(&mut content, name.len());
    content.extend_from_slice(name.as_bytes());
    content.extend_from_slice(bytes);
    module.push(0);
    leb(&mut module, content.len());
    module.extend(content);
    module
}

fn dependencies(json: &Value) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(json.to_string().as_bytes()).unwrap();
    with_section(plugin(""), ".dep-v0", &zlib.finish().unwrap())
}

struct Case {
    code: &'static str,
    severity: Severity,
    manifest: &'static str,
    module: Vec<u8>,
    /// What the message says, among other things.
    says: &'static str,
    /// The key of the manifest.
    key: Option<&'static str>,
    /// What stands in the bytes of its range.
    at: Option<&'static str>,
}

fn case(code: &'static str, severity: Severity, manifest: &'static str, module: Vec<u8>, says: &'static str) -> Case {
    Case { code, severity, manifest, module, says, key: None, at: None }
}

impl Case {
    fn key(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }

    fn at(self, at: &'static str) -> Self {
        Self { at: Some(at), ..self }
    }
}

const PATH_OPEN: &str = "(import \"wasi_snapshot_preview1\" \"path_open\"
    (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))";
const FD_WRITE: &str = "(import \"wasi_snapshot_preview1\" \"fd_write\" (func (param i32 i32 i32 i32) (result i32)))";
const ROUTING: &str = "[[operator.plugin.contracts]]\nkind = \"memory_provider\"\n\
                       [[operator.plugin.contracts]]\nkind = \"routing_strategy\"";
const HOSTS: &str = "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\"]";

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let exports: String = (0..100_001).map(|i| format!("(export \"e{i}\" (func 0))")).collect();
    let slow: String = {
        let locals = "i64 ".repeat(9_000);
        let blocks = "(block (br_if 0 (i32.const 0)))".repeat(1_000);
        format!("(func (local {locals}) {blocks})").repeat(20)
    };
    let call = host("http-handle", "(param i32) (result i32)");
    vec![
        case("module/invalid", Error, "", b"\0asm\x01\0\0\0\x05".to_vec(), "no valid WebAssembly"),
        case("module/invalid", Error, "", Vec::new(), "empty"),
        case("module/invalid", Error, "", b"this is not wasm".to_vec(), "header"),
        case("module/invalid", Error, "", vec![0xff, 0xfe, 0, 0], "no text either"),
        case("module/invalid", Error, "", plugin("")[..30].to_vec(), "unexpected end"),
        case("module/unsupported-feature", Error, "", plugin("(memory 1 1 shared)"), "threads"),
        case("module/unsupported-feature", Error, "", plugin("(func (param externref))"), "gc"),
        case("module/unsupported-feature", Error, "", plugin("(tag)"), "exceptions"),
        case(
            "module/text-format",
            Error,
            "",
            b"(module (func (export \"run\") (result i32) i32.const 1))".to_vec(),
            "",
        ),
        case("module/component", Warning, "", wasm("(component)"), "no host runs it"),
        case(
            "module/not-run-by-daemon",
            Warning,
            "",
            wasm(&format!("(module {FD_WRITE} (func (export \"_start\")))")),
            "preview 1 command",
        ),
        case(
            "module/no-entrypoint",
            Warning,
            "",
            wasm("(module (func (export \"main\") (result i32) i32.const 1))"),
            "`run`",
        )
        .key("operator.plugin.default_entrypoint"),
        case(
            "module/no-entrypoint",
            Warning,
            "",
            wasm("(module (func (export \"run\") (param i32) (result i32) local.get 0))"),
            "`(i32) -> i32`",
        )
        .at("run"),
        case(
            "module/no-entrypoint",
            Warning,
            "",
            wasm("(module (global (export \"run\") i32 (i32.const 1)))"),
            "`global`",
        ),
        case("module/no-entrypoint", Warning, "[operator.plugin]\ndefault_entrypoint = \"go\"", plugin(""), "`go`"),
        case("module/too-many-names", Error, "", plugin(&format!("(func) {exports}")), "100002 exports"),
        case("module/filesystem-import", Error, "", plugin(PATH_OPEN), "path_open")
            .key("capabilities.filesystem")
            .at("path_open"),
        case(
            "module/filesystem-import",
            Error,
            "",
            plugin("(import \"wasi:filesystem/types@0.2.0\" \"open\" (func))"),
            "",
        ),
        case(
            "module/filesystem-import",
            Error,
            "",
            wasm("(component (import \"wasi:filesystem/types@0.2.3\" (instance)))"),
            "`wasi:filesystem/types@0.2.3`",
        )
        .at("wasi:filesystem"),
        case(
            "module/socket-import",
            Error,
            HOSTS,
            plugin("(import \"wasi_snapshot_preview1\" \"sock_send\" (func (param i32 i32 i32 i32 i32) (result i32)))"),
            "sock_send",
        )
        .key("capabilities.http_egress_allowlist"),
        case("module/socket-import", Error, "", wasm("(component (import \"wasi:sockets/tcp@0.2.0\" (instance)))"), ""),
        case("module/undeclared-import", Warning, "", plugin(&call), "http-handle")
            .key("capabilities.http_egress_allowlist")
            .at("http-handle"),
        case("module/undeclared-import", Warning, "", plugin(&host("secret-count", "(result i32)")), "secret-count")
            .key("capabilities.secrets"),
        case("module/undeclared-import", Warning, "", plugin(&host("storage-count", "(result i32)")), "storage-count")
            .key("capabilities.filesystem.write_roots"),
        case("module/undeclared-import", Info, "", plugin(&host("channel-count", "(result i32)")), "channel-count")
            .key("capabilities"),
        case(
            "module/undeclared-import",
            Warning,
            "",
            wasm("(component (import \"wasi:http/outgoing-handler@0.2.0\" (instance)))"),
            "",
        )
        .key("capabilities.http_egress_allowlist"),
        case("module/unknown-import", Warning, "", plugin("(import \"env\" \"abort\" (func))"), "`env.abort`")
            .at("abort"),
        case("module/unknown-import", Warning, HOSTS, plugin(&host("http-count", "(param i32)")), "another type"),
        case("module/unknown-import", Warning, HOSTS, plugin(&host("http-fetch", "(result i32)")), "no such function"),
        case(
            "module/unknown-import",
            Warning,
            "",
            plugin("(import \"palyra:plugins/host-capabilities@0.2.0\" \"http-count\" (func (result i32)))"),
            "another version",
        ),
        case(
            "module/unknown-import",
            Warning,
            "",
            wasm("(component (import \"acme:x/y@1.0.0\" (instance)))"),
            "no host",
        ),
        case(
            "module/unknown-import",
            Warning,
            "",
            wasm("(component (import \"wasi:cli/stdin@0.3.0\" (instance)))"),
            "version",
        ),
        case("module/host-name-export", Warning, "", plugin("(func (export \"palyra_http\"))"), "`palyra_http`")
            .at("palyra_http"),
        case("module/unseen-in-name", Warning, "", plugin("(func (export \"a\\u{202e}b\"))"), "a\\u{202E}b"),
        case("module/start-function", Info, "", plugin("(func $s) (start $s)"), "before the entry"),
        case("module/memories-together", Error, "", plugin("(memory 600) (memory 600)"), "2 memories start")
            .key("capabilities.quotas.max_memory_bytes"),
        case("module/memories-may-grow", Warning, "", plugin("(memory 1) (memory 1)"), "may grow"),
        case("module/memory-above-quota", Warning, "", plugin("(memory 1025)"), "67174400"),
        case("module/memory-unbounded", Hint, "", plugin("(memory 1)"), "67108864")
            .key("capabilities.quotas.max_memory_bytes"),
        case("module/huge-table", Warning, "", plugin("(table 60000 funcref) (table 60000 funcref)"), "120000"),
        case("module/huge-code", Warning, "", plugin(&slow), "9000 locals"),
        case(
            "module/huge-data",
            Warning,
            "[capabilities.quotas]\nmax_memory_bytes = 65536",
            plugin(&format!("(memory 1 1) (data \"{}\")", "a".repeat(70_000))),
            "70000",
        )
        .key("capabilities.quotas.max_memory_bytes"),
        case("module/nondeterministic", Hint, ROUTING, plugin("(func (drop (f64.sqrt (f64.const -1))))"), "NaN")
            .key("operator.plugin.contracts[1].kind"),
        case(
            "module/nondeterministic",
            Hint,
            ROUTING,
            plugin("(func (param v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0)))"),
            "relaxed SIMD",
        ),
        case(
            "module/secret",
            Warning,
            "",
            plugin("(memory 1 1) (data (i32.const 0) \"x ghp_0123456789abcdefABCDEFghijklmnopqrst\")"),
            "a GitHub token",
        )
        .key("capabilities.secrets")
        .at("ghp_0123456789abcdefABCDEFghijklmnopqrst"),
        case("module/secret", Warning, "", with_section(plugin(""), "config", b"AKIAA1B2C3D4E5F6G7H8"), "AWS"),
        case(
            "module/undeclared-host",
            Hint,
            "",
            plugin("(memory 1 1) (data (i32.const 0) \"https://docs.acme.example/\")"),
            "`docs.acme.example`",
        )
        .at("https://docs.acme.example"),
        case(
            "module/undeclared-host",
            Warning,
            HOSTS,
            plugin(&format!(
                "{call} (memory 1 1) (data (i32.const 0) \"https://api.acme.example/\\00evil.acme.com\\00\")"
            )),
            "names `evil.acme.com`, which",
        )
        .key("capabilities.http_egress_allowlist"),
        case("module/large-custom-section", Info, "", with_section(plugin(""), "map", &[b'a'; 300_000]), "`map`"),
        case("module/bad-dependencies", Info, "", with_section(plugin(""), ".dep-v0", b"no zlib"), "inflate"),
        case("module/bad-dependencies", Info, "", dependencies(&json!({ "packages": [{}] })), "JSON"),
        case(
            "audit/default-module-missing",
            Warning,
            "[operator.plugin]\ndefault_module_path = \"modules/other.wasm\"",
            plugin(""),
            "`modules/a.wasm`",
        )
        .key("operator.plugin.default_module_path"),
        case("audit/unused-capability", Hint, HOSTS, plugin(""), "http_egress_allowlist")
            .key("capabilities.http_egress_allowlist"),
    ]
}

/// An entry of the allowlist is no beginning of other hosts, where the text says that the host ends.
#[test]
fn a_host_that_ends_is_held_against_the_allowlist_whole() {
    let call = host("http-handle", "(param i32) (result i32)");
    let names = |allowed: &str, data: &str| {
        let manifest = manifest(&format!(
            "[capabilities]\nhttp_egress_allowlist = [\"{allowed}\"]\nwildcard_opt_in = {{ http_egress = true }}"
        ));
        let module = plugin(&format!("{call} (memory 1 1) (data (i32.const 0) \"{data}\")"));
        let report = audit_of(&manifest, &[("modules/a.wasm", &module)]);
        let found = report.findings.iter().find(|finding| finding.rule.code == "module/undeclared-host");
        found.map(|finding| finding.names.join(" ")).unwrap_or_default()
    };
    for end in ["/v1", ":8443/v1", "\\00", "\\22", "'", " and", "\\0a", "?q", "#x"] {
        let data = format!("https://api.acme.comp{end}");
        assert_eq!(names("api.acme.com", &data), "api.acme.comp", "{data}");
        assert_eq!(names("*.acme.com", &data), "api.acme.comp", "{data}");
        assert_eq!(names("api.acme.comp", &data), "", "{data}");
        assert_eq!(names("*.acme.comp", &data), "", "{data}");
    }
    // The next string may follow without a mark.
    for data in ["https://api.acme.comhttps://api.acme.com/", "https://api.acme.comerror(s)"] {
        assert_eq!(names("api.acme.com", data), "", "{data}");
    }
    for (data, address) in [("http://[::1]/", "[::1]"), ("http://2130706433/", "2130706433")] {
        assert_eq!(names("api.acme.com", data), address);
    }
}

/// Everything that a module wants is named, however short the message is.
#[test]
fn every_undeclared_import_is_named() {
    let functions =
        ["clock_time_get", "random_get", "args_get", "args_sizes_get", "environ_get", "sched_yield", "proc_raise"];
    let imports: String = functions.iter().map(|name| format!("(import \"none\" \"{name}\" (func))")).collect();
    let module = plugin(&format!("{imports} (import \"\" \"\" (func))"));
    let report = audit_of(&manifest(""), &[("modules/a.wasm", &module)]);
    let finding = report.findings.iter().find(|finding| finding.rule.code == "module/unknown-import").unwrap();
    assert!(finding.message.contains("and 3 more"), "{}", finding.message);
    for name in functions {
        assert!(finding.names.contains(&format!("none.{name}")), "{name}: {:?}", finding.names);
    }
    assert!(finding.names.contains(&"\"\".\"\"".to_owned()), "{:?}", finding.names);
    let document = serde_json::to_value(&report).unwrap();
    let checks = document["extra_checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["check_id"] == "module/unknown-import").unwrap();
    assert_eq!(check["details"]["names"].as_array().unwrap().len(), 8, "{check}");
}

#[test]
fn each_rule_is_reported_with_its_place() {
    let mut reported = BTreeSet::new();
    for case in cases() {
        let manifest = manifest(case.manifest);
        let report = audit_of(&manifest, &[("modules/a.wasm", &case.module)]);
        let finding = found(&report, case.code);
        assert_eq!(finding.severity, case.severity, "{}: {}", case.code, finding.message);
        assert!(finding.message.contains(case.says), "{}: {}", case.code, finding.message);
        if case.code.starts_with("module/") {
            assert_eq!(finding.entry.as_deref(), Some("modules/a.wasm"));
        }
        if let Some(key) = case.key {
            assert_eq!(finding.manifest.as_ref().map(|place| &*place.key), Some(key), "{}", case.code);
        }
        if let Some(at) = case.at {
            let range = finding.byte_range.clone().unwrap_or_else(|| panic!("{} has no range", case.code));
            let bytes = &case.module[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert!(bytes.windows(at.len()).any(|w| w == at.as_bytes()), "{}: {bytes:?}", case.code);
        }
        // What an author may set is told from the rule alone.
        let rule = finding.rule;
        assert!((rule.severity == Error) == (finding.severity == Error), "{}", case.code);
        // The report is never more lenient than its loudest finding.
        assert!(finding.severity != Error || !report.passed(), "{}", case.code);
        reported.insert(case.code);
    }
    // These need advisories: below.
    reported.extend(["audit/vulnerable-dependency", "audit/advised-dependency"]);
    for rule in rules::all().filter(|rule| rules::is_about_modules(rule)) {
        assert!(reported.contains(rule.code), "no case for {}", rule.code);
        assert!(!rule.summary.ends_with('.') && !rule.details.is_empty(), "{}", rule.code);
    }
}

#[test]
fn what_the_manifest_grants_is_no_finding() {
    let granted = manifest(
        "[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\"]\n\
         secrets = [{ scope = \"global\", key_names = [\"token\"] }]\n\
         filesystem = { read_roots = [\"in\"], write_roots = [\"out\"] }",
    );
    let all: String = [
        host("http-count", "(result i32)"),
        host("http-handle", "(param i32) (result i32)"),
        host("secret-handle", "(param i32) (result i32)"),
        host("storage-handle", "(param i32) (result i32)"),
    ]
    .concat();
    let data = "(memory 1 16) (data (i32.const 0) \"https://api.acme.example/v1https://API.acme.examplenext\")";
    let report = audit_of(&granted, &[("modules/a.wasm", &plugin(&format!("{all}{data}")))]);
    assert_eq!(codes(&report), [""; 0]);
    assert!(report.passed() && report.daemon_passed() && !report.should_quarantine());

    let command = wasm(&format!("(module {PATH_OPEN} {FD_WRITE} (func (export \"_start\")))"));
    let report = audit_of(&granted, &[("modules/a.wasm", &command)]);
    assert_eq!(codes(&report), ["module/not-run-by-daemon", "audit/unused-capability"]);
}

#[test]
fn findings_of_one_kind_are_one_finding() {
    let imports: String = (0..40).map(|i| format!("(import \"env\" \"f{i}\" (func))")).collect();
    let report = audit_of(&manifest(""), &[("modules/a.wasm", &plugin(&imports))]);
    let finding = found(&report, "module/unknown-import");
    assert!(finding.message.contains("`env.f4` and 35 more"), "{}", finding.message);
}

#[test]
fn the_loudest_comes_first() {
    let module = plugin(&format!("{PATH_OPEN} (import \"env\" \"x\" (func)) (memory 1) (func $s) (start $s)"));
    let report = audit_of(&manifest(""), &[("modules/a.wasm", &module)]);
    let severities: Vec<_> = report.findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Error, Warning, Info, Hint]);
}

#[test]
fn one_memory_too_many_in_each_of_a_hundred() {
    let module = std::fs::read(conformance("wasm/hundred_memories.wasm")).unwrap();
    let report = audit_of(&manifest(""), &[("modules/a.wasm", &module)]);
    assert_eq!(found(&report, "module/memories-together").severity, Error);
    assert!(report.daemon_passed() && !report.passed());
}

#[test]
fn a_module_over_the_limit_is_not_read() {
    let manifest = manifest("");
    let good = plugin("");
    let modules: [(&str, &[u8]); 2] = [("modules/a.wasm", b"no module, and larger"), ("modules/b.wasm", &good)];
    let subject = Subject {
        manifest: &manifest,
        warnings: &[],
        modules: &modules,
        sbom: true,
        provenance: true,
        signature: None,
    };
    let policy = Policy { max_module_bytes: 20, max_exported_functions: 0, ..Policy::default() };
    let report = audit(&subject, &policy, 0, None, &()).unwrap();
    let checks: Vec<_> =
        report.checks.iter().filter(|c| c.check_id.starts_with("wasm_")).map(|c| (&*c.check_id, c.status)).collect();
    assert_eq!(
        checks,
        [
            ("wasm_module_presence", Status::Pass),
            ("wasm_module_size_limit", Status::Fail),
            ("wasm_module_size_limit", Status::Fail),
        ]
    );
    let policy = Policy { max_exported_functions: 0, ..Policy::default() };
    let report = audit(&subject, &policy, 0, None, &()).unwrap();
    let failed: Vec<_> = report.checks.iter().filter(|c| c.status == Status::Fail).map(|c| &*c.check_id).collect();
    assert_eq!(failed, ["wasm_module_validation", "wasm_exported_function_limit"]);
    assert_eq!(report.quarantine_reasons().len(), 3, "both checks and the finding about the same module");
}

#[test]
fn a_skill_without_modules_fails() {
    let report = audit_of(&manifest(""), &[]);
    let failed: Vec<_> = report.checks.iter().filter(|c| c.status == Status::Fail).map(|c| &*c.check_id).collect();
    assert_eq!(failed, ["wasm_module_presence"]);
}

#[test]
fn the_policy_decides_about_devices_and_wildcards() {
    let manifest = manifest(
        "[capabilities]\ndevice_capabilities = [\"camera\"]\nwildcard_opt_in = { http_egress = true }\n\
         http_egress_allowlist = [\"*.acme.example\"]",
    );
    let module = plugin("");
    let modules: [(&str, &[u8]); 1] = [("modules/a.wasm", &module)];
    let subject = Subject {
        manifest: &manifest,
        warnings: &[],
        modules: &modules,
        sbom: true,
        provenance: true,
        signature: None,
    };
    let failed = |policy: Policy| {
        let report = audit(&subject, &policy, 0, None, &()).unwrap();
        report.checks.iter().filter(|c| c.status == Status::Fail).map(|c| c.check_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(failed(Policy::default()), ["forbidden_device_capabilities", "forbidden_wildcard_capabilities"]);
    let open = Policy { allow_device_capabilities: true, allow_wildcard_capabilities: true, ..Policy::default() };
    assert_eq!(failed(open), [""; 0]);
}

const FEED: &str = r#"[
  {"id": "RUSTSEC-1", "summary": "reads too far", "affected": [{"package": {"ecosystem": "crates.io", "name": "parse"},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.3"},
                                              {"introduced": "2.0.0-rc.1"}, {"last_affected": "2.1.0"}]}]}]},
  {"id": "RUSTSEC-2", "affected": [{"package": {"ecosystem": "crates.io", "name": "old"},
    "database_specific": {"informational": "unmaintained"},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0.0.0-0"}]}]}]},
  {"id": "RUSTSEC-3", "withdrawn": "2024-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "crates.io", "name": "fine"},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]},
  {"id": "PYSEC-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "fine"},
    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "not semantic"}]}]}]},
  {"id": "EXACT-1", "affected": [{"package": {"ecosystem": "crates.io", "name": "exact"}, "versions": ["1.0.0"]}]}
]"#;

fn looked_up(packages: &Value) -> skillyard_artifact::audit::Report {
    looked_up_in(&Advisories::parse(FEED.as_bytes()).unwrap(), packages)
}

fn looked_up_in(feed: &Advisories, packages: &Value) -> skillyard_artifact::audit::Report {
    let manifest = manifest("");
    let module = dependencies(&json!({ "packages": packages }));
    let modules: [(&str, &[u8]); 1] = [("modules/a.wasm", &module)];
    let subject = Subject {
        manifest: &manifest,
        warnings: &[],
        modules: &modules,
        sbom: true,
        provenance: true,
        signature: None,
    };
    audit(&subject, &Policy::default(), 0, Some(feed), &()).unwrap()
}

fn package(name: &str, version: &str) -> Value {
    json!({ "name": name, "version": version, "source": "crates.io" })
}

#[test]
fn versions_are_compared_as_the_advisories_say() {
    for (version, affected) in [
        ("0.0.1", true),
        ("1.2.2", true),
        ("1.2.3-rc.1", true),
        ("1.2.3", false),
        ("1.9.0", false),
        ("2.0.0-rc.0", false),
        ("2.0.0-rc.1", true),
        ("2.1.0", true),
        // What stands behind the `+` is no other version.
        ("2.1.0+later", true),
        ("2.0.0-rc.1+x", true),
        ("1.2.3+x", false),
        ("1.2.2+x", true),
        ("2.1.1", false),
        ("not semantic", true),
    ] {
        let report = looked_up(&json!([package("parse", version)]));
        assert_eq!(report.vulnerability_scan.vulnerable, u64::from(affected), "{version}");
        let check = report.checks.last().unwrap();
        assert_eq!(check.check_id, "vulnerability_feed_hook");
        assert_eq!(check.status, if affected { Status::Fail } else { Status::Pass }, "{version}");
        assert_eq!(report.passed(), !affected);
        // A daemon has no advisories: its own verdict stays.
        assert!(report.daemon_passed());
    }
    let finding_of = |version| looked_up(&json!([package("parse", version)]));
    let report = finding_of("1.0.0");
    let finding = found(&report, "audit/vulnerable-dependency");
    assert!(finding.message.contains("RUSTSEC-1") && finding.message.contains("fixed in 1.2.3"), "{}", finding.message);
}

#[test]
fn what_is_no_vulnerability_of_the_module_only_informs() {
    let mut build = package("parse", "1.0.0");
    build["kind"] = json!("build");
    let mut git = package("parse", "1.0.0");
    git["source"] = json!("git");
    let report =
        looked_up(&json!([build, git, package("old", "1.0.0"), package("fine", "1.0.0"), package("exact", "1.0.1")]));
    assert_eq!(codes(&report), ["audit/advised-dependency", "audit/advised-dependency"]);
    assert!(report.passed());
    assert_eq!(report.vulnerability_scan.packages, 5);
    assert_eq!(looked_up(&json!([package("exact", "1.0.0")])).vulnerability_scan.vulnerable, 1);
}

/// The same where the advisory has the `+`.
#[test]
fn an_advisorys_build_metadata_is_no_order() {
    let feed = |events: &Value, versions: &Value| {
        let package = json!({"ecosystem": "crates.io", "name": "parse"});
        let affected =
            json!({"package": package, "versions": versions, "ranges": [{"type": "SEMVER", "events": events}]});
        Advisories::parse(json!({"id": "A", "affected": [affected]}).to_string().as_bytes()).unwrap()
    };
    let none = json!([]);
    let until = json!([{"introduced": "1.0.0+z"}, {"last_affected": "1.0.0+a"}]);
    let fixed = json!([{"introduced": "0"}, {"fixed": "1.0.0+a"}, {"fixed": "1.0.0"}]);
    for (events, versions, version, affected, first) in [
        (&until, &none, "1.0.0", true, None),
        (&until, &none, "1.0.0+zz", true, None),
        (&until, &none, "1.0.1", false, None),
        (&fixed, &none, "1.0.0", false, None),
        (&fixed, &none, "0.9.0+x", true, Some("1.0.0")),
        (&none, &json!(["1.0.0+a"]), "1.0.0", true, None),
        (&none, &json!(["1.0.0"]), "1.0.0+b", true, None),
        (&none, &json!(["1.0.0"]), "1.0.0-b", false, None),
    ] {
        let scan = looked_up_in(&feed(events, versions), &json!([package("parse", version)])).vulnerability_scan;
        assert_eq!(scan.vulnerable, u64::from(affected), "{version}: {events} {versions}");
        let told = scan.matches.first().and_then(|found| found.fixed.as_deref());
        assert_eq!(told.and_then(|told| told.split('+').next()), first, "{version}: {events}");
    }
}

#[test]
fn advisories_that_cannot_be_compared_are_an_error() {
    assert_eq!(Advisories::parse(FEED.as_bytes()).unwrap().len(), 4);
    assert_eq!(Advisories::parse(br#"{"vulns": []}"#).unwrap().len(), 0);
    assert_eq!(Advisories::parse(br#" {"id": "A"}"#).unwrap().len(), 1);
    assert!(matches!(Advisories::parse(b"[{}]"), Err(AdvisoryError::Json { .. })));
    assert!(matches!(Advisories::parse(b""), Err(AdvisoryError::Json { .. })));
    let bad = FEED.replace("\"1.2.3\"", "\"soon\"");
    let error = Advisories::parse(bad.as_bytes()).unwrap_err();
    assert_eq!(error, AdvisoryError::Version { id: "RUSTSEC-1".to_owned(), version: "soon".to_owned() });
}

#[test]
fn the_report_has_the_keys_that_others_read() {
    let report = audit_of(&manifest(""), &[("modules/a.wasm", &plugin(PATH_OPEN))]);
    let json = serde_json::to_value(&report).unwrap();
    for key in [
        "skill_id",
        "version",
        "publisher",
        "accepted",
        "passed",
        "daemon_passed",
        "should_quarantine",
        "trust_decision",
        "payload_sha256",
        "generated_at_unix_ms",
        "policy",
        "manifest_warnings",
        "checks",
        "extra_checks",
        "quarantine_reasons",
        "vulnerability_scan",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert_eq!(json["policy"]["max_module_bytes"], 8_388_608);
    assert_eq!(json["manifest_warnings"], json!(["missing_operator_metadata"]));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let five = ["check_id", "status", "severity", "message", "details"].map(str::to_owned);
    let mut eight = BTreeSet::from(five.clone());
    assert_eq!(keys(&json["checks"][0]), eight);
    eight.extend(["entry", "byte_range", "manifest"].map(str::to_owned));
    let extra = &json["extra_checks"][0];
    assert_eq!(keys(extra), eight);
    assert_eq!(extra["check_id"], "module/filesystem-import");
    assert_eq!((&extra["status"], &extra["severity"]), (&json!("fail"), &json!("error")));
    assert_eq!(extra["manifest"]["key"], "capabilities.filesystem");
    assert_eq!(json["quarantine_reasons"], json!([extra["message"]]));
    // A folder is not signed yet.
    assert_eq!(json["accepted"], Value::Null);
    assert_eq!(json["checks"][0]["status"], "skipped");
}

#[test]
fn nothing_of_a_module_is_shown_raw() {
    let name = "\\1b[2J\\e2\\80\\ae`x";
    let module = plugin(&format!(
        "(import \"{name}\" \"{name}\" (func)) (func (export \"palyra{name}\"))
         (memory 1 1) (data (i32.const 0) \"https://a\\e2\\80\\ae.example\")"
    ));
    let path = "modules/\u{1b}[31m\u{202e}.wasm";
    let report = audit_of(&manifest(""), &[(path, &module), (path, b"\x1b"), (path, b"")]);
    let text = serde_json::to_string(&report).unwrap();
    let raw = serde_json::from_str::<Value>(&text).unwrap().to_string();
    assert!(!raw.contains("\\u001b") && !raw.chars().any(skillyard_manifest::is_unseen), "{raw}");
}

#[test]
fn an_audit_can_be_ended() {
    struct Ends;
    impl Progress for Ends {
        fn at(&self, _: &'static str, done: u64, total: u64) -> Result<(), Cancelled> {
            assert!(done <= total);
            if done > 0 { Err(Cancelled) } else { Ok(()) }
        }
    }
    let manifest = manifest("");
    let module = plugin("");
    let modules: [(&str, &[u8]); 1] = [("modules/a.wasm", &module)];
    let subject = Subject {
        manifest: &manifest,
        warnings: &[],
        modules: &modules,
        sbom: true,
        provenance: true,
        signature: None,
    };
    assert_eq!(audit(&subject, &Policy::default(), 0, None, &Ends).unwrap_err(), Cancelled);
}
