//! What is read of a module: facts of real and of built ones, and that no bytes make the scan panic or run away.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod common;

use std::{
    io::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use common::*;
use flate2::{Compression, write::ZlibEncoder};
use proptest::prelude::*;
use skillyard_artifact::{
    Cancelled, Progress,
    module::{Dependencies, Kind, MAX_TEXT_BYTES, Module, ModuleKind, scan},
};

fn read(bytes: &[u8]) -> Module {
    scan(bytes, &()).unwrap()
}

fn sound(text: &str) -> Module {
    let module = read(&wasm(text));
    assert_eq!(module.fault, None, "{text}");
    module
}

fn guest(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/guests/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_kind_is_read_from_the_module() {
    let run = "(func (export \"run\") (result i32) i32.const 0)";
    let preview1 = "(import \"wasi_snapshot_preview1\" \"sched_yield\" (func (result i32)))";
    let start = "(func (export \"_start\"))";
    for (text, kind) in [
        (format!("(module {run})"), ModuleKind::PalyraPlugin),
        (format!("(module {preview1} {start})"), ModuleKind::WasiPreview1Command),
        (format!("(module {preview1} {start} {run})"), ModuleKind::WasiPreview1Command),
        // Without the imports it is no command, without `_start` neither.
        (format!("(module {start})"), ModuleKind::Other),
        (format!("(module {preview1} {run})"), ModuleKind::PalyraPlugin),
        ("(module (func (export \"run\") (param i32) (result i32) i32.const 0))".to_owned(), ModuleKind::Other),
        ("(module (func (export \"go\") (result i32) i32.const 0))".to_owned(), ModuleKind::Other),
        (component("wasi:cli/run@0.2.3"), ModuleKind::WasiCommandComponent),
        (component("palyra:skill/tool@0.1.0"), ModuleKind::PalyraToolComponent),
        (component("palyra:skill/tool"), ModuleKind::PalyraToolComponent),
        (component("palyra:skill/tools"), ModuleKind::Other),
        ("(component)".to_owned(), ModuleKind::Other),
    ] {
        assert_eq!(sound(&text).kind("run"), kind, "{text}");
    }
    let other = sound("(module (func (export \"go\") (result i32) i32.const 0))");
    assert_eq!(other.kind("go"), ModuleKind::PalyraPlugin);
}

fn component(export: &str) -> String {
    format!("(component (instance $i) (export \"{export}\" (instance $i)))")
}

#[test]
fn imports_and_exports_have_names_types_and_places() {
    let bytes = wasm(
        "(module (import \"env\" \"f\" (func (param i32 i64) (result f32 f64))) (import \"env\" \"m\" (memory 1))
                 (import \"env\" \"t\" (table 0 funcref)) (import \"env\" \"g\" (global i32))
                 (func (export \"a\") (param i32)) (export \"b\" (memory 0)) (export \"c\" (func 0)))",
    );
    let module = read(&bytes);
    let imports: Vec<_> = module.imports.iter().map(|i| (&*i.name, i.kind, i.signature.as_deref())).collect();
    assert_eq!(
        imports,
        [
            ("f", Kind::Function, Some("(i32, i64) -> (f32, f64)")),
            ("m", Kind::Memory, None),
            ("t", Kind::Table, None),
            ("g", Kind::Global, None),
        ]
    );
    let exports: Vec<_> = module.exports.iter().map(|e| (&*e.name, e.kind, e.signature.as_deref())).collect();
    assert_eq!(
        exports,
        [
            ("a", Kind::Function, Some("(i32) -> ()")),
            ("b", Kind::Memory, None),
            ("c", Kind::Function, Some("(i32, i64) -> (f32, f64)")),
        ]
    );
    assert_eq!(module.function_exports, 2);
    for (range, name) in
        module.imports.iter().map(|i| (&i.range, &i.name)).chain(module.exports.iter().map(|e| (&e.range, &e.name)))
    {
        let bytes = &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        assert!(bytes.windows(name.len()).any(|w| w == name.as_bytes()), "{name}: {bytes:?}");
    }
}

#[test]
fn what_lies_inside_a_component_is_read_too() {
    let module = sound(
        "(component
           (import \"wasi:io/streams@0.2.0\" (instance))
           (core module (import \"x\" \"y\" (func)) (memory 3 5) (table 7 funcref) (func $s) (start $s)
             (func (drop (f32.sqrt (f32.const 2)))) (data (i32.const 0) \"https://a.example/\"))
           (component (import \"inner\" (func)) (core module (memory 1) (func) (func))))",
    );
    assert!(module.component);
    let imports: Vec<_> = module.imports.iter().map(|i| &*i.module).collect();
    assert_eq!(imports, ["wasi:io/streams@0.2.0"], "what is given inside is no import of the file");
    let memories: Vec<_> = module.memories.iter().map(|m| (m.initial >> 16, m.maximum.map(|m| m >> 16))).collect();
    assert_eq!(memories, [(3, Some(5)), (1, None)]);
    assert_eq!((module.tables.elements, module.code.functions), (7, 4));
    assert_eq!(module.start, None, "a component's modules are instantiated by it");
    assert!(module.code.nan.is_some());
    assert_eq!(module.strings.hosts.keys().collect::<Vec<_>>(), ["a.example"]);
}

#[test]
fn float_arithmetic_is_told_from_moving_floats() {
    let nan = |body: &str| sound(&format!("(module (memory 1) (func {body}))")).code.nan.is_some();
    for op in ["f32.add", "f64.div", "f64.max"] {
        let ty = &op[..3];
        assert!(nan(&format!("(drop ({op} ({ty}.const 1) ({ty}.const 2)))")), "{op}");
    }
    assert!(nan("(drop (f32.demote_f64 (f64.const 1)))"));
    assert!(nan("(drop (f64x2.mul (v128.const i64x2 0 0) (v128.const i64x2 0 0)))"));
    for body in [
        "(drop (f64.load (i32.const 0)))",
        "(f32.store (i32.const 0) (f32.const 1))",
        "(drop (f64.neg (f64.abs (f64.const 1))))",
        "(drop (f32.lt (f32.const 1) (f32.const 2)))",
        "(drop (i32.add (i32.const 0x8d) (i32.const 0xfd)))",
        "(drop (i32x4.add (v128.const i64x2 0 0) (v128.const i64x2 0 0)))",
    ] {
        assert!(!nan(body), "{body}");
    }
}

/// Many functions, of which those at `bad` return nothing where they should.
fn many(bad: &[usize]) -> Vec<u8> {
    let good =
        "(func (result i64) (local i64 i64) (i64.add (local.get 0) (i64.mul (local.get 1) (i64.const 123456789))))";
    let text: String = (0..20_000).map(|i| if bad.contains(&i) { "(func (result i64))" } else { good }).collect();
    wasm(&format!("(module {text})"))
}

#[test]
fn many_functions_are_counted_and_the_first_fault_is_told() {
    let good = read(&many(&[]));
    assert_eq!((good.fault, good.code.functions), (None, 20_000));
    // Threads end in any order; the answer does not.
    let alone = read(&many(&[10_000])).fault.unwrap();
    let bytes = many(&[10_000, 15_000, 19_999]);
    for _ in 0..5 {
        assert_eq!(read(&bytes).fault.unwrap(), alone);
    }
}

#[test]
fn the_daemons_part_of_webassembly_is_taken_and_no_more() {
    for text in [
        "(func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))",
        "(memory 1) (memory 1)",
        "(memory i64 1)",
        "(func (return_call 0))",
        "(table 1 funcref) (func (drop (ref.null func)))",
        "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
    ] {
        assert_eq!(read(&wasm(&format!("(module {text})"))).fault, None, "{text}");
    }
    for text in [
        "(memory 1 1 shared)",
        "(func (param externref))",
        "(tag)",
        "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
        "(type (struct)) (func (param (ref 0)))",
    ] {
        let fault = read(&wasm(&format!("(module {text})"))).fault;
        assert!(fault.as_ref().is_some_and(|fault| fault.feature), "{text}: {fault:?}");
    }
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(bytes).unwrap();
    zlib.finish().unwrap()
}

fn with_dependencies(section: &[u8]) -> Dependencies {
    let escaped: String = section.iter().map(|b| format!("\\{b:02x}")).collect();
    sound(&format!("(module (@custom \".dep-v0\" \"{escaped}\"))")).dependencies
}

#[test]
fn embedded_packages_are_read_within_bounds() {
    let json = br#"{"packages": [{"name": "a", "version": "1.0.0", "source": "crates.io", "dependencies": [1]},
        {"name": "b", "version": "0.1.0", "source": "local", "kind": "build", "root": true}]}"#;
    let Dependencies::Listed(packages) = with_dependencies(&zlib(json)) else { panic!() };
    assert_eq!((&*packages[0].name, &*packages[0].kind, packages[0].root), ("a", "runtime", false));
    assert_eq!((&*packages[1].source, &*packages[1].kind, packages[1].root), ("local", "build", true));

    let bomb = zlib(&vec![b' '; 64 << 20]);
    for bad in [&bomb[..], &zlib(b"{\"packages\": 1}"), &zlib(&b"[".repeat(100_000)), b"", b"\x78\x9c"] {
        assert!(matches!(with_dependencies(bad), Dependencies::Unreadable(_)));
    }
    assert_eq!(sound("(module)").dependencies, Dependencies::Unknown);
}

/// The module that `sections` of packages are embedded in.
fn with_sections(sections: &[String]) -> Dependencies {
    let mut bytes = wasm("(module)");
    for section in sections {
        let content = [b"\x07.dep-v0".as_slice(), &zlib(section.as_bytes())].concat();
        bytes.push(0);
        leb(&mut bytes, content.len());
        bytes.extend(content);
    }
    read(&bytes).dependencies
}

fn leb(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
}

fn packages(count: usize, edges: usize) -> String {
    let edges = vec!["0"; edges].join(",");
    let one = format!(r#"{{"name":"a","version":"1.0.0","source":"crates.io","dependencies":[{edges}]}}"#);
    format!(r#"{{"packages":[{}]}}"#, vec![one; count].join(","))
}

#[test]
fn embedded_packages_have_one_budget_for_the_whole_file() {
    assert_eq!(with_sections(&[packages(10_000, 1), packages(10_000, 9)]).listed().len(), 20_000);
    let padded = format!("{}{}", packages(1, 0), " ".repeat(5 << 20));
    for (sections, why) in [
        (vec![packages(20_001, 0)], "more than 20000 packages"),
        (vec![packages(10_000, 0), packages(10_001, 0)], "more than 20000 packages"),
        (vec![packages(1_000, 101)], "more than 100000 dependencies"),
        (vec![packages(1_000, 60), packages(1_000, 60)], "more than 100000 dependencies"),
        (vec![padded.clone(), padded], "more than 8388608 bytes"),
    ] {
        let Dependencies::Unreadable(told) = with_sections(&sections) else { panic!("{why}") };
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn texts_are_assembled_up_to_a_size() {
    let module = read(b"(module (func (export \"run\") (result i32) i32.const 1))");
    assert!(module.text && module.fault.is_none());
    assert_eq!(module.kind("run"), ModuleKind::PalyraPlugin);
    let long = format!("(module){}", " ".repeat(MAX_TEXT_BYTES));
    assert!(read(long.as_bytes()).fault.unwrap().message.contains("not read"));
    for deep in ["(".repeat(100_000), "(module (func ".to_owned() + &"(block ".repeat(50_000)] {
        assert!(read(deep.as_bytes()).fault.is_some());
    }
}

#[test]
fn lists_of_facts_are_bounded() {
    let customs = "(@custom \"x\" \"\")".repeat(5_000);
    assert_eq!(sound(&format!("(module {customs})")).customs.len(), 1_000);
    let hosts: String = (0..2_000).map(|i| format!("https://h{i}.example/ ")).collect();
    let module = sound(&format!("(module (memory 1) (data (i32.const 0) \"{hosts}\"))"));
    assert_eq!((module.strings.hosts.len(), module.strings.host_count), (512, 2_000));
}

#[test]
fn progress_is_told_in_order_and_can_end_the_scan() {
    struct Watch(AtomicU64, u64);
    impl Progress for Watch {
        fn at(&self, _: &'static str, done: u64, total: u64) -> Result<(), Cancelled> {
            assert!(self.0.swap(done, Ordering::Relaxed) <= done && done <= total);
            if done >= self.1 { Err(Cancelled) } else { Ok(()) }
        }
    }
    let text = format!("(module (memory 99) (data (i32.const 0) \"{}\"))", "a".repeat(5 << 20));
    let bytes = wasm(&text);
    let watch = Watch(AtomicU64::new(0), u64::MAX);
    assert_eq!(scan(&bytes, &watch).unwrap().data.bytes, 5 << 20);
    assert_eq!(watch.0.load(Ordering::Relaxed), bytes.len() as u64);
    assert_eq!(scan(&bytes, &Watch(AtomicU64::new(0), 1)), Err(Cancelled));
    let bytes = many(&[]);
    assert_eq!(scan(&bytes, &Watch(AtomicU64::new(0), 1)), Err(Cancelled));
}

#[test]
fn each_of_many_counts_once() {
    let each = "(func (local i32) (block (br 0)))(memory 0 1)(table 1 funcref)";
    let module = sound(&format!("(module {})", each.repeat(50)));
    assert_eq!((module.code.functions, module.memories.len(), module.tables.count), (50, 50, 50));
    assert_eq!(module.code.compile_cost, 100);
}

/// Measured with Wasmtime 49: a compiler works on it for more than a minute.
#[test]
fn what_takes_a_minute_to_compile_is_only_read() {
    let (locals, loops) = (1_000, 200);
    let mut text = format!("(module (func (export \"run\") (result i32) (local{}) ", " i64".repeat(locals));
    text.push_str(&"(loop ".repeat(loops));
    for i in 0..locals {
        text.push_str(&format!("(local.set {i} (i64.add (local.get {i}) (i64.const 7)))"));
    }
    for i in 0..loops {
        text.push_str(&format!("(br_if 0 (i32.wrap_i64 (local.get {i}))))"));
    }
    text.push_str("i32.const 1))");
    let bytes = wasm(&text);
    let start = std::time::Instant::now();
    let report = audit_of(&manifest(""), &[("modules/a.wasm", &bytes)]);
    println!("{} bytes audited in {:?}", bytes.len(), start.elapsed());
    assert_eq!(codes(&report), ["module/huge-code"]);
    // As many loops side by side, or blocks in each other, are nothing unusual.
    let flat = format!("(module (func (export \"run\") (result i32) {} i32.const 1))", "(loop)".repeat(loops));
    assert!(sound(&flat).code.compile_cost < 1_000);
    let blocks = format!("{}{}{}", "(block ".repeat(loops), "(loop)", ")".repeat(loops));
    assert!(sound(&format!("(module (func {blocks}))")).code.compile_cost < 1_000);
}

#[test]
fn honest_guests_give_few_findings() {
    let plain = manifest("");
    let files = manifest("[capabilities.filesystem]\nread_roots = [\"data\"]");
    let http = manifest("[capabilities]\nhttp_egress_allowlist = [\"api.acme.example\"]");
    for (name, manifest, codes_wanted) in [
        ("plug.wasm", &http, &["module/memory-unbounded"][..]),
        ("map.wasm", &http, &["module/start-function", "module/memory-unbounded"]),
        ("echo.wasm", &plain, &["module/not-run-by-daemon", "module/memory-unbounded"]),
        ("files.wasm", &files, &["module/not-run-by-daemon", "module/memory-unbounded"]),
        ("files.wasm", &plain, &["module/filesystem-import", "module/not-run-by-daemon", "module/memory-unbounded"]),
    ] {
        let report = audit_of(manifest, &[("modules/a.wasm", &guest(name))]);
        assert_eq!(codes(&report), codes_wanted, "{name}: {:#?}", report.findings);
        assert!(report.daemon_passed(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_come_to_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..512), header in 0..4_u8) {
        let mut all = match header {
            0 => b"\0asm\x01\0\0\0".to_vec(),
            1 => b"\0asm\x0d\0\x01\0".to_vec(),
            2 => b"(module ".to_vec(),
            _ => Vec::new(),
        };
        all.extend(bytes);
        let module = read(&all);
        prop_assert!(module.fault.as_ref().and_then(|fault| fault.at).is_none_or(|at| at <= all.len() as u64));
        audit_of(&manifest(""), &[("modules/a.wasm", &all)]);
    }

    #[test]
    fn a_mutated_guest_comes_to_an_answer(
        which in 0..4_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = guest(["plug.wasm", "map.wasm", "echo.wasm", "files.wasm"][which]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let report = audit_of(&manifest(""), &[("modules/a.wasm", &bytes)]);
        // What does not validate passes neither here nor at a daemon.
        let invalid = codes(&report).iter().any(|code| matches!(*code, "module/invalid" | "module/unsupported-feature"));
        prop_assert!(!invalid || !(report.passed() || report.daemon_passed()));
        let size = bytes.len() as u64;
        for finding in &report.findings {
            prop_assert!(finding.byte_range.as_ref().is_none_or(|range| range.start <= range.end && range.end <= size));
        }
    }
}
