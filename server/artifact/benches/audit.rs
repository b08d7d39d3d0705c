//! How long an audit takes: `cargo bench -p skillyard-artifact --bench audit -- [--findings] FILE.wasm…`.
//!
//! For each module: the median and the 95th percentile, and MB/s, of the audit; beside it `wasmparser`'s own validation
//! of the same bytes on one thread, as the floor. Without files: the worst cases that are built here. `--findings` prints
//! what each module's audit finds.

#![allow(clippy::expect_used, reason = "a benchmark ends where its inputs are not there")]

use std::{
    fmt::Write as _,
    hint::black_box,
    time::{Duration, Instant},
};

use skillyard_artifact::{
    audit::{Policy, Report, Subject, audit},
    module::ModuleKind,
};
use skillyard_manifest::model::Manifest;

const MANIFEST: &str = "skill_id = \"acme.bench\"\nname = \"Bench\"\nversion = \"1.0.0\"\npublisher = \"acme\"\n\
    [compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n\
    [[entrypoints.tools]]\nid = \"acme.bench.a\"\nname = \"A\"\ndescription = \"A\"\ninput_schema = {}\noutput_schema = {}\n";

fn report(manifest: &Manifest, path: &str, bytes: &[u8]) -> Report {
    let modules = [(path, bytes)];
    let subject = Subject { manifest, warnings: &[], modules: &modules, sbom: true, provenance: true, signature: None };
    let policy = Policy { max_module_bytes: u64::MAX, ..Policy::default() };
    audit(&subject, &policy, 0, None, &()).expect("nobody ends it")
}

/// Runs `f` for about two seconds.
fn times(mut f: impl FnMut()) -> (Duration, Duration) {
    f();
    let begin = Instant::now();
    let mut all = Vec::new();
    while all.len() < 10 || (begin.elapsed() < Duration::from_secs(2) && all.len() < 500) {
        let start = Instant::now();
        f();
        all.push(start.elapsed());
    }
    all.sort();
    (all[all.len() / 2], all[all.len() * 95 / 100])
}

/// A module that takes a compiler very long: functions of many locals and nested blocks.
fn slow_to_compile() -> Vec<u8> {
    let mut text = String::from("(module (func (export \"run\") (result i32) i32.const 1)");
    for _ in 0..60 {
        text.push_str("(func (local");
        text.push_str(&" i64".repeat(5_000));
        text.push(')');
        for i in 0..800 {
            let _ = write!(text, "(block (br_if 0 (i32.wrap_i64 (local.get {i}))) (local.set {i} (i64.const 7)))");
        }
        text.push(')');
    }
    text.push(')');
    wat::parse_str(text).expect("the text is good")
}

fn main() {
    let manifest: Manifest = toml::from_str(MANIFEST).expect("the manifest is good");
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut findings = false;
    for argument in std::env::args().skip(1).filter(|argument| argument != "--bench") {
        match &*argument {
            "--findings" => findings = true,
            path => files.push((path.to_owned(), std::fs::read(path).expect("the file can be read"))),
        }
    }
    if files.is_empty() {
        files.push(("slow to compile".to_owned(), slow_to_compile()));
        files.push(("zeros in data".to_owned(), wat_data(&[0; 8 << 20])));
        files.push(("links in data".to_owned(), wat_data(&b"https://a.acme.example/ ".repeat(300_000))));
    }
    for (name, bytes) in &files {
        let whole = report(&manifest, name, bytes);
        let (median, late) = times(|| drop(black_box(report(&manifest, name, bytes))));
        let (floor, _) = times(|| drop(black_box(wasmparser::validate(bytes))));
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
        let rate = |time: Duration| bytes.len() as f64 / 1e6 / time.as_secs_f64();
        let (speed, floor_speed) = (rate(median), rate(floor));
        let (size, kind) =
            (bytes.len(), whole.modules.first().and_then(|module| module.kind).map_or("invalid", ModuleKind::name));
        println!(
            "{name}: {size} bytes, {kind}: {median:.2?} / {late:.2?}, {speed:.0} MB/s (validation alone {floor_speed:.0} MB/s)"
        );
        if findings {
            for finding in &whole.findings {
                let (severity, code) = (finding.severity.name(), finding.rule.code);
                println!("  {severity} {code} {:?}: {}", finding.byte_range, finding.message);
            }
        }
    }
}

/// A module with `data` in its memory.
fn wat_data(data: &[u8]) -> Vec<u8> {
    let mut text = String::from("(module (memory 200) (data (i32.const 0) \"");
    for byte in data {
        let _ = write!(text, "\\{byte:02x}");
    }
    text.push_str("\"))");
    wat::parse_str(text).expect("the text is good")
}
